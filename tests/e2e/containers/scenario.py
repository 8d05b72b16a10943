"""Containers outside of compose files: one machine project, several plans at once, nothing left when nothing runs."""
import json
import os
import random
import signal
import subprocess
import time

import machine
from harness import Scenario

SUPERVISOR = r"^\S*davit-supervisor --project \.machine"
MACHINE = "/var/lib/davit/projects/.machine"


def containers(s):
    out = s.davit("container", "ls", "-a", "--format", "json").out
    return {c["Names"]: c["State"] for c in map(json.loads, filter(str.strip, out.splitlines()))}


def held(s, *words):
    """`run -i` that lives as long as its input is open."""
    process = subprocess.Popen([s.binary, "container", "run", "--rm", "-i", *words, "busybox", "cat"], cwd=s.directory,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    process.stdin.write("here\n")
    process.stdin.flush()
    s.equal("the held container answers", "here\n", process.stdout.readline())
    return process


def release(s, process):
    said, _ = process.communicate(timeout=20)
    s.equal(f"the held run ends well ({said})", 0, process.returncode)


def one_life(s, before):
    """Made, seen, stopped, removed; the project is nobody else's and goes with its last container."""
    id = s.davit("container", "run", "-d", "--name", "web", "busybox", "sleep", "1000").out.strip()
    s.equal("its whole id is told", 64, len(id))
    s.equal("it runs", {"web": "running"}, containers(s))
    s.equal("its host name is the id's beginning", id[:12] + "\n", s.davit("container", "exec", "web", "hostname").out)
    s.check("the default network knows no names", "127.0.0.11" not in s.davit("container", "exec", "web", "cat", "/etc/resolv.conf").out)
    s.check("`ls` of projects hides it", ".machine" not in s.davit("ls", "-a").out)
    seen = json.loads(s.davit("container", "inspect", id[:6]).out)[0]
    s.equal("no label is made up", {}, {k: v for k, v in seen["Config"]["Labels"].items() if "compose" in k})
    s.davit("container", "run", "--name", "web", "busybox", exit=125, err="already in use")
    s.davit("container", "rm", "web", exit=1, err="running")
    s.davit("container", "stop", "-t", "0", "web")
    s.equal("it has ended", {"web": "exited"}, containers(s))
    s.davit("container", "stop", "web")  # it is so already
    s.davit("container", "rm", "web")
    s.nothing_left(before, within=20)


def codes(s, before):
    """Exit codes are the container's, or docker's for a start that failed; what could not start stays to be looked at."""
    for words, code in ((("sh", "-c", "exit 7"), 7), (("/etc",), 126), (("nosuch",), 127), (("sh", "-c", "sh -c 'kill -TERM $$'; exit $?"), 143)):
        s.davit("container", "run", "--rm", "busybox", *words, exit=code)
    s.davit("container", "run", "--name", "never", "busybox", "nosuch", exit=127)
    s.equal("it is left as made", {"never": "created"}, containers(s))
    s.davit("container", "rm", "never")
    s.nothing_left(before, within=20)


def side_by_side(s, before):
    """Fifty short runs beside one that is held and one that is being stopped: none waits for another."""
    holder = held(s)
    s.davit("container", "run", "-d", "--name", "deaf", "busybox", "sh", "-c", "trap '' TERM; while :; do sleep 1; done")
    stopping = s.start("container", "stop", "-t", "600", "deaf")
    runs = [s.start("container", "run", "--rm", "--network", "none" if i % 2 else "bridge", "busybox", "echo", str(i)) for i in range(50)]
    for i, run in enumerate(runs):
        said, _ = run.communicate(timeout=120)
        s.equal("a run says its own", (0, f"{i}\n"), (run.returncode, said))
    s.check("the held one is still held", holder.poll() is None)
    s.check("the stop is still patient", stopping.poll() is None)
    s.davit("container", "kill", "deaf", within=20)
    s.equal("who was patient sees the end", 0, stopping.wait(timeout=20))
    s.equal("one container is left, and the held one", ["exited", "running"], sorted(containers(s).values()))
    s.davit("container", "rm", "deaf")
    release(s, holder)
    s.nothing_left(before, within=20)


def less_patient(s, before):
    """Whoever stops or removes what somebody else stops with more patience does not wait for that."""
    for words in (("stop", "-t", "0"), ("rm", "-f")):
        s.davit("container", "run", "-d", "--name", "deaf", "busybox", "sh", "-c", "trap '' TERM; while :; do sleep 1; done")
        first = s.start("container", "stop", "-t", "600", "deaf")
        time.sleep(0.3)
        s.davit("container", *words, "deaf", within=20)
        s.equal("the patient one has ended too", 0, first.wait(timeout=20))
        s.davit("container", "rm", "-f", "deaf", exit=None)
    s.nothing_left(before, within=20)


def killed(s, before):
    """kill -9 of clients and supervisors at random moments: what was made stands, what was not leaves nothing."""
    random.seed(7)
    for n in range(40):
        who = random.choice(("client", "supervisor", "both"))
        rm = ["--rm"] if n % 2 else ["--name", f"k{n}"]
        run = s.start("container", "run", *rm, "busybox", "true", start_new_session=True)
        time.sleep(random.random() * 0.12)
        if who != "client":
            for pid in s.pids(SUPERVISOR):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        if who != "supervisor":
            run.kill()
        said, _ = run.communicate(timeout=60)
        if who == "supervisor":
            s.equal(f"a run outlives its supervisor ({said})", 0, run.returncode)
            if not n % 2:
                s.check("and its container stands", f"k{n}" in containers(s))
    s.davit("container", "run", "--rm", "busybox", "true")  # whatever was left is seen to
    s.eventually("no --rm is left", lambda: not [c for c in containers(s) if not c.startswith("k")], within=20)
    s.eventually("nothing is staged any more", lambda: not os.path.isdir(MACHINE + "/staging") or not os.listdir(MACHINE + "/staging"), within=20)
    for name in containers(s):
        s.davit("container", "rm", "-f", name)
    s.davit("system", "doctor", within=120)
    s.nothing_left(before, within=20)


def held_start_ends(s, before):
    """A run whose client is killed before it attached leaves nothing with --rm."""
    for n in range(10):
        run = s.start("container", "run", "--rm", "-i", "busybox", "cat", start_new_session=True)
        time.sleep(0.01 + random.random() * 0.05)
        run.kill()
        run.wait()
    s.eventually("all of it goes", lambda: not containers(s) or all(v == "running" for v in containers(s).values()), within=20)
    for name in containers(s):
        s.davit("container", "rm", "-f", name)
    s.davit("container", "run", "--rm", "busybox", "true")
    s.nothing_left(before, within=20)


def with_compose(s, before):
    """Names are one set; a compose project and a container reach each other on its network."""
    s.write("compose.yaml", "services:\n  db: {image: busybox, command: [sleep, '1000'], stop_signal: KILL, container_name: db}\n")
    s.davit("up", "-d")
    s.davit("container", "run", "--rm", "--name", "db", "busybox", exit=125, err="already in use")
    s.davit("container", "run", "--rm", "--network", f"{s.project}_default", "busybox", "ping", "-c", "1", "-W", "5", "db")
    s.davit("container", "run", "-d", "--name", "side", "busybox", "sleep", "1000")
    s.davit("container", "run", "--rm", "--network", "container:db", "busybox", "hostname")
    s.davit("container", "stop", "-t", "0", "db")
    s.equal("one container of a project is stopped by its name", {"db": "exited"}, s.states())
    s.davit("container", "rm", "-f", "side")
    s.davit("down", "-t", "0")
    s.nothing_left(before, within=20)


def whole_host(s, before):
    """A mount of "/", by whatever name, is the machine's tree and not the container's own root."""
    s.write("mark", "the machine's\n")
    os.symlink("/", os.path.join(s.directory, "all"))
    mark = f"/host{s.directory}/mark"
    for mount in ("/:/host:ro", "/:/host", "/.:/host", "//:/host", "/:/host:rslave", "/:/host:rprivate", f"{s.directory}/all:/host"):
        s.equal(f"-v {mount}", "the machine's\n", s.davit("container", "run", "--rm", "-v", mount, "busybox", "cat", mark).out)
    s.davit("container", "run", "--rm", "--mount", "type=bind,src=/,dst=/host", "busybox", "cat", mark, out="the machine's")
    s.davit("container", "run", "--rm", "--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined", "-v", "/:/host", "busybox",
            "mount", "-t", "tmpfs", "hidden", "/host/mnt")
    s.check("what is mounted there stays there", "hidden" not in open("/proc/self/mounts", encoding="utf-8").read())
    s.nothing_left(before, within=20)


def asked(s, before):
    """Ctrl-C at a question leaves at once; for docker that is no failure. So does it where an archive is waited for."""
    s.davit("container", "run", "--name", "over", "busybox", "true")
    for words in (("container",), ("volume",), ("network",), ("image",), ("system",)):
        for number in (signal.SIGINT, signal.SIGTERM):
            for docker in (True, False):
                process = subprocess.Popen([s.binary, *(["docker"] if docker else []), *words, "prune"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                said = ""
                while not said.endswith("[y/N] "):
                    said += process.stdout.read(1)
                process.send_signal(number)
                rest, _ = process.communicate(timeout=10)
                s.equal(f"{words} prune left by {number}", (0 if docker else 130, "\n"), (process.returncode, rest))
    s.equal("nothing was removed", {"over": "exited"}, containers(s))
    s.davit("container", "rm", "over")
    for words in (("image", "load"), ("image", "build", "-"), ("image", "build", "-f", "-", "."), ("image", "import", "-", "x")):
        process = subprocess.Popen([s.binary, *words], cwd=s.directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        waiting = lambda: [t for t in os.listdir(f"/proc/{process.pid}/task") if machine.read(f"/proc/{process.pid}/task/{t}/stat").split(") ")[-1].startswith("S")]
        s.eventually("its input is read, and signals are waited for", lambda: len(waiting()) > 1)
        process.send_signal(signal.SIGINT)
        s.equal(f"{words} is left", 130, process.wait(timeout=10))
        process.stdin.close()
    s.nothing_left(before, within=20)


def lately(s, before):
    """`until` is about when an image came here, not about when somebody made it."""
    there = s.davit("image", "ls", "-q").out
    s.davit("image", "prune", "-af", "--filter", "until=1h")
    s.davit("system", "prune", "-af", "--filter", "until=1h")
    s.equal("what was just loaded stays", there, s.davit("image", "ls", "-q").out)
    s.equal("and is not listed as old", "", s.davit("image", "ls", "-q", "--filter", "until=1h").out)
    s.nothing_left(before, within=20)


with Scenario("containers") as s:
    s.images("busybox")
    before = s.listing()
    for part in (one_life, codes, whole_host, asked, lately, with_compose, less_patient, side_by_side, held_start_ends, killed):
        part(s, before)
