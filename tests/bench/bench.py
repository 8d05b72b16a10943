"""What davit costs, beside its peers; run by tests/bench/run inside a private host."""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from registry import Registry
from harness import ref_name, write_layout

DAVIT = os.environ["DAVIT"]
LAYOUT = os.environ["DAVIT_IMAGES"]
FLOOR = os.environ.get("FLOOR", "")
QUIET = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


# Seconds after `up` until all that is idle has ended, and what stays is what stays.
SETTLED = 4

# docs/DESIGN.md §9: what, and the most that davit may take.
BUDGETS = {"up -d, 50": 300, "down, 50": 200, "PSS of what stays, 1": 3, "PSS of what stays, 50": 10, "exec -T s0 true": 10,
           "run --rm s0 true": 15, "container run --rm, nothing runs": 15, "container run --rm --network none, one runs": 8,
           "container ls of 500": 15, "ps": 10, "version": 3, "config, 1000 services": 60}


class Report:
    def __init__(self, as_json):
        self.as_json = as_json
        self.rows = []

    def table(self):
        """Markdown: a line for each measurement of davit, beside who else measured it, with ratios."""
        cell = {(r["who"], r["what"]): r for r in self.rows}
        peers = [w for w in dict.fromkeys(r["who"] for r in self.rows) if w != "davit"]
        print("\n| what | davit | budget |" + "".join(f" {p} | davit / {p} |" for p in peers))
        print("|---|---|---|" + "---|---|" * len(peers))
        for what in dict.fromkeys(r["what"] for r in self.rows if r["who"] == "davit"):
            own = cell["davit", what]
            budget = BUDGETS.get(what)
            line = f"| {what} | {own['median']:g} {own['unit']} (min {own['min']:g}) | "
            line += f"≤ {budget} {own['unit']}{'' if own['median'] <= budget else ', **missed**'} |" if budget else "|"
            for p in peers:
                row = cell.get((p, what))
                line += f" {row['median']:g} {row['unit']} | {own['median'] / row['median']:.2g} |" if row and row["median"] else " | |"
            print(line)

    def add(self, who, what, unit, values):
        row = dict(who=who, what=what, unit=unit, median=round(statistics.median(values), 2), min=round(min(values), 2),
                   max=round(max(values), 2), rounds=len(values))
        self.rows.append(row)
        if self.as_json:
            print(json.dumps(row), flush=True)
        else:
            print(f"{who:16} {what:30} {row['median']:>10} {unit:3} ({row['min']} … {row['max']}, {row['rounds']} rounds)", flush=True)


def timed(command, **more):
    start = time.perf_counter()
    done = subprocess.run(command, **dict(QUIET, **more))
    took = (time.perf_counter() - start) * 1000
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr[-2000:]}")
    return took


def compose_file(directory, count):
    services = "".join(f"  s{i}:\n    image: busybox\n    command: [sleep, '3600']\n    stop_signal: KILL\n" for i in range(count))
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "compose.yaml"), "w", encoding="utf-8") as f:
        f.write("version: '3.7'\nservices:\n" + services if "peer" in directory else "services:\n" + services)


def pss(pattern):
    """Sum in MB of processes whose command line matches, and how many there are."""
    total, count = 0, 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                name = f.read().replace(b"\0", b" ").decode("utf-8", "replace")
            if not re.search(pattern, name):
                continue
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
                total += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1))
            count += 1
        except (OSError, AttributeError):
            continue
    return total / 1024, count


def up_down(report, who, compose, stays, rounds, work, counts=(1, 10, 50)):
    """compose: the command; stays: what its lasting processes look like."""
    for count in counts:
        directory = os.path.join(work, f"{'peer' if who != 'davit' else 'own'}{count}")
        compose_file(directory, count)
        ups, downs, memory = [], [], []
        for n in range(rounds + 1):  # the first warms caches
            up = timed(compose + ["up", "-d"], cwd=directory)
            if n < 2:
                time.sleep(SETTLED)
                memory.append(pss(stays)[0])
            down = timed(compose + ["down", "-t", "0"], cwd=directory)
            if n > 0:
                ups.append(up), downs.append(down)
        report.add(who, f"up -d, {count}", "ms", ups)
        report.add(who, f"down, {count}", "ms", downs)
        report.add(who, f"PSS of what stays, {count}", "MB", memory)


def small_verbs(report, rounds, work):
    directory = os.path.join(work, "own1")
    timed([DAVIT, "up", "-d"], cwd=directory)
    for what, words in {"exec -T s0 true": ["exec", "-T", "s0", "true"], "ps": ["ps"], "logs": ["logs"], "version": ["version"]}.items():
        report.add("davit", what, "ms", [timed([DAVIT] + words, cwd=directory) for _ in range(rounds * 4)])
    run = [DAVIT, "run", "--rm", "-T", "s0", "true"]
    report.add("davit", "run --rm s0 true", "ms", [timed(run, cwd=directory) for _ in range(rounds * 4)])
    timed([DAVIT, "down", "-t", "0"], cwd=directory)
    report.add("davit", "run --rm s0 true, nothing is up", "ms", [timed(run, cwd=directory) for _ in range(rounds)])
    timed([DAVIT, "down", "-t", "0"], cwd=directory)


def containers(report, rounds):
    """Docker's words: single containers, from nothing running and beside one, and the list of many."""
    once = [DAVIT, "container", "run", "--rm", "busybox", "true"]
    cold = []
    for _ in range(rounds + 1):
        cold.append(timed(once))
        time.sleep(0.8)  # the supervisor has gone
    report.add("davit", "container run --rm, nothing runs", "ms", cold[1:])
    timed(once)
    report.add("davit", "container run --rm, back to back", "ms", [timed(once) for _ in range(rounds * 4)])
    timed([DAVIT, "container", "run", "-d", "--name", "stays", "--network", "none", "busybox", "sleep", "3600"])
    report.add("davit", "container run --rm, one runs", "ms", [timed(once) for _ in range(rounds * 4)])
    alone = once[:4] + ["--network", "none"] + once[4:]
    report.add("davit", "container run --rm --network none, one runs", "ms", [timed(alone) for _ in range(rounds * 4)])
    report.add("davit", "container exec", "ms", [timed([DAVIT, "container", "exec", "stays", "true"]) for _ in range(rounds * 4)])
    timed([DAVIT, "container", "rm", "-f", "stays"])
    names = [f"many{i}" for i in range(500)]
    for name in names:
        timed([DAVIT, "container", "create", "--name", name, "--label", "of=bench", "busybox", "true"])
    report.add("davit", "container ls of 500", "ms", [timed([DAVIT, "container", "ls", "-a"]) for _ in range(rounds * 4)])
    timed([DAVIT, "container", "rm", *names])


def config_1000(report, rounds, work):
    directory = os.path.join(work, "config1000")
    compose_file(directory, 1000)
    report.add("davit", "config, 1000 services", "ms", [timed([DAVIT, "config", "-q"], cwd=directory) for _ in range(rounds)])


def pull(report, rounds, work):
    with Registry(LAYOUT) as registry:
        directory = os.path.join(work, "pull")
        os.makedirs(directory)
        with open(directory + "/compose.yaml", "w", encoding="utf-8") as f:
            f.write(f"services: {{a: {{image: {registry.host}/postgres:15}}}}\n")
        times = []
        for n in range(rounds):
            state = tempfile.mkdtemp(dir=work)
            times.append(timed([DAVIT, "pull", "-q"], cwd=directory, env=dict(os.environ, DAVIT_STATE_DIR=state)))
            shutil.rmtree(state)
        size = sum(os.path.getsize(registry.blob(d)) for d in registry.layers("postgres:15")) / 1e6
        report.add("davit", f"pull of {size:.0f} MB, compressed", "ms", times)


def on_a_disk(work):
    """State on a journalled ext4, and a machine's mounts: shared with one another, and not few of them."""
    disk, place = work + "/ext4-image", work + "/ext4"
    os.makedirs(place)
    script = f"""truncate -s 4G {disk} && mkfs.ext4 -q -F {disk} && mount -o loop {disk} {place} && mount --make-rshared / &&
        for i in $(seq 20); do mkdir -p {work}/mounts/$i && mount -t tmpfs machine {work}/mounts/$i; done"""
    done = subprocess.run(["sh", "-c", script], **QUIET)
    if done.returncode != 0:
        sys.exit(f"no ext4 in a loop file: {done.stderr}")
    os.environ["DAVIT_STATE_DIR"] = place + "/state"
    return place + "/floor"


def floor(report, counts="1,10,50", state=()):
    """The least that the system calls alone cost, in the same session."""
    done = subprocess.run([FLOOR, "up", "-c", counts, "-n", "5", *state], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        return print(f"the floor ended with {done.returncode}: left out", file=sys.stderr)
    for row in map(json.loads, done.stdout.splitlines()):
        what = {"up": "up -d", "down": "down"}.get(row["figure"])
        if what:
            report.add("floor", f"{what}, {row['containers']}", "ms", [row["min"], row["median"], row["p90"]])


def docker(report, rounds, work):
    if not shutil.which("dockerd") or not shutil.which("docker-compose"):
        return print("docker.io and docker-compose are not installed: no peers", file=sys.stderr)
    for d in ("/var/lib/docker", "/var/lib/containerd"):
        os.makedirs(d, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "docker", d], check=True)
    daemon = subprocess.Popen(["dockerd", "--iptables=true"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(work + "/dockerd.log", "w"))
    for _ in range(300):
        if subprocess.run(["docker", "version"], **QUIET).returncode == 0:
            break
        time.sleep(0.1)
    else:
        return print("dockerd does not start:\n" + open(work + "/dockerd.log").read()[-1500:], file=sys.stderr)
    manifest = next(m for m in json.load(open(LAYOUT + "/index.json"))["manifests"] if ref_name(m) == "busybox:latest")
    layer = json.load(open(os.path.join(LAYOUT, "blobs", *manifest["digest"].split(":"))))["layers"][0]["digest"]
    timed(["docker", "import", os.path.join(LAYOUT, "blobs", *layer.split(":")), "busybox:latest"])
    up_down(report, "docker-compose", ["docker-compose"], r"^\S*(dockerd|containerd|containerd-shim\S*|docker-proxy)( |$)", rounds, work)
    daemon.terminate()
    daemon.wait(30)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--containers", action="store_true", help="only single containers, in docker's words")
    parser.add_argument("--many", action="store_true", help="only up and down, of 1, 10, 50 and 200")
    parser.add_argument("--disk", action="store_true", help="the same with the state on a journalled ext4")
    options = parser.parse_args()
    if os.environ.get("DAVIT_PRIVATE_HOST") != "1":
        sys.exit("run tests/bench/run")
    report, work = Report(options.json), tempfile.mkdtemp()
    state = on_a_disk(work) if options.disk else None
    part = work + "/images"
    index = json.load(open(LAYOUT + "/index.json"))
    index["manifests"] = [m for m in index["manifests"] if ref_name(m) == "busybox:latest"]
    write_layout(LAYOUT, part, index)
    timed([DAVIT, "image", "load", "-i", part])
    if options.containers:
        containers(report, options.rounds)
        return None if options.json else report.table()
    own = r"^\S*davit-(supervisor|shim|port-proxy)( |$)"
    if options.many or options.disk:
        up_down(report, "davit", [DAVIT], own, options.rounds, work, (1, 10, 50, 200))
        if FLOOR:
            os.makedirs(state or work, exist_ok=True)
            floor(report, "1,10,50,200", ("--state", state) if state else ())
        return None if options.json else report.table()
    up_down(report, "davit", [DAVIT], own, options.rounds, work)
    small_verbs(report, options.rounds, work)
    containers(report, options.rounds)
    config_1000(report, options.rounds, work)
    pull(report, options.rounds, work)
    if options.peers and FLOOR:
        floor(report)
    if options.peers:
        docker(report, options.rounds, work)
    if not options.json:
        report.table()


if __name__ == "__main__":
    main()
