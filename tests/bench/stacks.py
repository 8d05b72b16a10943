"""What stacks cost beside compose mode; run by `tests/bench/run --stacks` inside a private host. Both take turns, and ratios are of medians."""
import argparse
import glob
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from bench import DAVIT, LAYOUT, SETTLED, Report, pss, timed
from harness import ref_name, write_layout

COUNT = 50
STAYS = r"^\S*davit-(supervisor|shim|port-proxy)( |$)"
ANSWERS = "mkdir /w && hostname >/w/index.html && exec httpd -f -p 80 -h /w"
# What the two may differ by: stack over compose.
RATIOS = {"50 services until all run": 1.5, "1 → 50 until all answer": 1.2, "PSS of what stays, 50": 1.1}


def write(path, services):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write("services:\n" + services)


def wait(what, holds, within=60):
    end = time.monotonic() + within
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"not within {within} s: {what}")
        time.sleep(0.005)


def states(project):
    found = []
    for path in glob.glob(f"/run/davit/projects/{project}/containers/*/state.json"):
        try:
            with open(path, encoding="utf-8") as f:
                found.append(json.load(f))
        except (OSError, ValueError):
            pass
    return found


def last_start(project, since, count):
    """Milliseconds from `since` (time.time()) until the last of them had exec'd."""
    wait(f"{count} containers of {project} run", lambda: sum(s["state"] == "running" for s in states(project)) >= count)
    return max(s["started_at"] for s in states(project)) / 1e6 - since * 1000


def gone(project):
    wait(f"{project} is gone", lambda: not os.path.exists(f"/run/davit/projects/{project}"))


def rows(report, what, compose, stack, unit="ms"):
    report.add("up", what, unit, compose)
    report.add("stack", what, unit, stack)
    ratio, most = statistics.median(stack) / statistics.median(compose), RATIOS[what]
    print(f"{'':16} {what}: {ratio:.2f} × compose mode, budget {most}{'' if ratio <= most else ', MISSED'}", flush=True)


def many_services(report, rounds, work):
    services = "".join(f"  s{i}:\n    image: busybox\n    command: [sleep, '3600']\n    stop_signal: KILL\n" for i in range(COUNT))
    file = f"{work}/many/compose.yaml"
    write(file, services)
    ups, deploys, memory, stack_memory = [], [], [], []
    for n in range(rounds + 1):  # the first warms caches
        began = time.time()
        timed([DAVIT, "up", "-d"], cwd=os.path.dirname(file))
        ups.append(last_start("many", began, COUNT))
        if n < 2:
            time.sleep(SETTLED)
            memory.append(pss(STAYS)[0])
        timed([DAVIT, "down", "-t", "0"], cwd=os.path.dirname(file))
        gone("many")
        began = time.time()
        timed([DAVIT, "stack", "deploy", "-d", "-c", file, "many"])
        deploys.append(last_start("stack.many", began, COUNT))
        if n < 2:
            time.sleep(SETTLED)
            stack_memory.append(pss(STAYS)[0])
        timed([DAVIT, "stack", "rm", "many"])
        gone("stack.many")
    rows(report, "50 services until all run", ups[1:], deploys[1:])
    rows(report, "PSS of what stays, 50", memory, stack_memory, "MB")


def ask(address):
    try:
        with socket.create_connection((address, 80), 2) as s:
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return b"".join(iter(lambda: s.recv(4096), b"")).rsplit(b"\r\n\r\n", 1)[-1]
    except OSError:
        return None


def answer_all(addresses):
    """Until as many containers as wanted have answered, asked at one address or at their own."""
    seen, end = set(), time.monotonic() + 60
    while len(seen) < COUNT:
        if time.monotonic() > end:
            sys.exit(f"only {len(seen)} answer")
        for address in addresses():
            if (answer := ask(address)) is not None:
                seen.add(answer)


def virtual_addresses(service):
    shown = json.loads(subprocess.run([DAVIT, "service", "inspect", service], stdout=subprocess.PIPE, text=True, check=True).stdout)
    return [a["Addr"].split("/")[0] for a in shown[0]["Endpoint"].get("VirtualIPs", [])]


def scaled(report, rounds, work):
    service = f"  web:\n    image: busybox\n    command: [sh, -c, '{ANSWERS}']\n    stop_signal: KILL\n"
    up, one = f"{work}/scaled/compose.yaml", f"{work}/scaled/stack.yaml"
    write(up, service + f"    scale: {COUNT}\n")
    write(one, service)
    ups, scales = [], []
    for n in range(rounds + 1):
        began = time.time()
        timed([DAVIT, "up", "-d"], cwd=os.path.dirname(up))
        answer_all(lambda: [s["endpoints"][0]["ipv4"].split("/")[0] for s in states("scaled")])
        ups.append((time.time() - began) * 1000)
        timed([DAVIT, "down", "-t", "0"], cwd=os.path.dirname(up))
        gone("scaled")
        timed([DAVIT, "stack", "deploy", "-d", "-c", one, "scaled"])
        last_start("stack.scaled", 0, 1)
        virtual = []
        wait("the service has an address", lambda: virtual.extend(virtual_addresses("scaled_web")) or virtual)
        wait("the first one answers", lambda: ask(virtual[0]) is not None)
        began = time.time()
        timed([DAVIT, "service", "scale", "-d", f"scaled_web={COUNT}"])
        answer_all(lambda: virtual)
        scales.append((time.time() - began) * 1000)
        timed([DAVIT, "stack", "rm", "scaled"])
        gone("stack.scaled")
    rows(report, "1 → 50 until all answer", ups[1:], scales[1:])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if os.environ.get("DAVIT_PRIVATE_HOST") != "1":
        sys.exit("run tests/bench/run")
    report, work = Report(options.json), tempfile.mkdtemp()
    with open(LAYOUT + "/index.json", encoding="utf-8") as f:
        index = json.load(f)
    index["manifests"] = [m for m in index["manifests"] if ref_name(m) == "busybox:latest"]
    write_layout(LAYOUT, work + "/images", index)
    timed([DAVIT, "image", "load", "-i", work + "/images"])
    timed([DAVIT, "swarm", "init"])
    many_services(report, options.rounds, work)
    scaled(report, options.rounds, work)
    net_bench = os.path.join(os.path.dirname(DAVIT), "tests/unit/net/net_bench")
    if os.path.exists(net_bench):
        subprocess.run([net_bench, "vips"], check=True)
    else:
        print("connections and changes of virtual addresses: build net_bench", file=sys.stderr)


main()
