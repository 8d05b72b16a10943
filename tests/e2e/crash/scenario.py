"""kill -9 of the supervisor, of shims, of both and of a container's init; a reboot: docs/DESIGN.md §4, what survives what."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import machine
from harness import Scenario

FORWARDING = machine.read("/proc/sys/net/ipv4/ip_forward").strip()  # as the machine boots
HERE = os.path.dirname(os.path.realpath(__file__))
COMPOSE = """
services:
  web:
    image: python:3.11
    command: [python3, /code/inside.py, serve]
    volumes: [./code:/code:ro]
    ports: ["8081:80"]
    stop_signal: KILL
  asker:
    image: python:3.11
    command: [python3, /code/inside.py, ask, /told/dns]
    volumes: [./code:/code:ro, ./told:/told]
    stop_signal: KILL
  counter:
    image: busybox
    command: ["sh", "-c", "i=0; while :; do echo line $$i; i=$$((i+1)); [ $$((i % 50)) = 0 ] && usleep 5000; done"]
    stop_signal: KILL
  checked:
    image: busybox
    command: [sleep, "1000"]
    stop_signal: KILL
    healthcheck: {test: ["CMD-SHELL", "echo x >> /tmp/checks"], interval: 100ms}
  mortal:
    image: busybox
    command: ["sh", "-c", "trap 'exit 3' USR1; while :; do sleep 0.05; done"]
    restart: always
    stop_signal: KILL
  once:
    image: busybox
    command: ["sh", "-c", "trap 'exit 5' USR1; while :; do sleep 0.05; done"]
    stop_signal: KILL
"""
SUPERVISOR, SHIM = r"^\S*davit-supervisor --project", r"^\S*davit-shim "
INITS = r"inside.py|line \$i|^sleep 1000|^sh -c trap"


class Connection(threading.Thread):
    """A client of a published port that keeps its connection, and says what it sent until it breaks."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_connection(("127.0.0.1", 8081), 5)
        self.turns, self.broken, self.slowest, self.over = 0, None, 0.0, False
        self.start()

    def run(self):
        try:
            while not self.over:
                began = time.monotonic()
                self.socket.sendall(b"%d\n" % self.turns)
                got = self.socket.recv(100)
                if got != b"%d\n" % self.turns:
                    raise OSError(f"got {got!r} in turn {self.turns}")
                self.turns += 1
                self.slowest = max(self.slowest, time.monotonic() - began)
                time.sleep(0.001)
        except OSError as e:
            self.broken = e

    def end(self, s):
        self.over = True
        self.join(10)
        self.socket.close()
        s.check("an open connection through the published port is unharmed", self.broken is None, str(self.broken))
        return self.turns


def is_init(pid):
    return re.search(r"^NSpid:.*\t1$", machine.read(f"/proc/{pid}/status"), re.M)


def inits(s):
    return {pid: machine.read(f"/proc/{pid}/cmdline") for pid in s.pids(INITS) if is_init(pid)}


def shims(s):
    """Without what they have just cloned for a container."""
    found = s.pids(SHIM)
    return [p for p in found if machine.parent_of(p) not in found]


def supervisor(s):
    found = s.pids(SUPERVISOR)
    s.equal("one supervisor runs", 1, len(found))
    return found[0]


def lines(s):
    """The counter's lines, read as Docker's tools read them."""
    found = []
    for top, _, names in os.walk("/var/lib/davit/projects/crash/containers"):
        for name in names:
            if name.endswith("-json.log"):
                with open(os.path.join(top, name)) as f:
                    found += [e["log"] for e in map(json.loads, f) if e["log"].startswith("line ")]
    return [int(l.split()[1]) for l in found]


def no_line_lost(s):
    got = lines(s)
    s.equal("no line of a container that writes at speed is lost or doubled", list(range(len(got))), got)
    return len(got)


def told(s):
    with open(os.path.join(s.directory, "told/dns")) as f:
        return json.load(f)


def checks(s):
    return int(s.davit("exec", "-T", "checked", "sh", "-c", "wc -l < /tmp/checks").out)


def names_answer(s, what):
    """All that was asked until now has an answer; how late the latest was, in ms."""
    now = told(s)
    s.eventually("every question for a name gets an answer", lambda: (lambda t: t["at"] > now["at"] and t["answered"] >= now["sent"])(told(s)), within=10)
    t = told(s)
    s.equal("no question is refused", (0, []), (t["refused"], t["errors"]))
    print(f"{what}: slowest answer of DNS {t['slowest_ms']:.1f} ms ({t['sent']} asked)", flush=True)
    open(os.path.join(s.directory, "told/dns.reset"), "w").close()
    s.eventually("the next measurement begins", lambda: not os.path.exists(os.path.join(s.directory, "told/dns.reset")))
    return t["slowest_ms"]


def mortal(s):
    return [p for p in s.pids("^sh -c trap 'exit 3'") if is_init(p)]


def restarts(s, signal_of_death=signal.SIGUSR1):
    """mortal's init ends; the policy brings another."""
    old = s.eventually("one init of it", lambda: (lambda found: len(found) == 1 and found[0])(mortal(s)), within=15)
    os.kill(old, signal_of_death)
    s.eventually("the restart policy goes on", lambda: s.states()["mortal"] == "running" and any(p != old for p in mortal(s)), within=15)


def supervisor_dies(s):
    calm, waits = names_answer(s, "before any crash"), []
    connection, held = Connection(), inits(s)
    load = subprocess.Popen(["sh", "-c", "while :; do :; done"])
    count = no_line_lost(s)
    for turn in range(5):
        old, done = supervisor(s), checks(s)
        os.kill(old, signal.SIGKILL)
        killed = time.monotonic()
        s.eventually("another supervisor took over", lambda: [p for p in s.pids(SUPERVISOR) if p != old], within=15)
        print(f"supervisor killed: its successor was there after {(time.monotonic() - killed) * 1000:.0f} ms", flush=True)
        waits.append(names_answer(s, "supervisor killed"))
        s.eventually("healthchecks go on", lambda: checks(s) > done, within=5)
        restarts(s)
    load.kill()
    load.wait()
    # The budget is that of a machine with a processor to spare; one that has none gets what it took before, too.
    s.check("names are answered again within 100 ms", min(waits) <= 100 + calm, f"({waits} ms, {calm} ms without a crash)")
    s.check("and never late enough for a resolver to ask again", max(waits) < 5000, str(waits))
    s.equal("no init was touched but mortal's", {p: c for p, c in held.items() if "exit 3" not in c},
            {p: c for p, c in inits(s).items() if "exit 3" not in c})
    s.eventually("the log goes on", lambda: no_line_lost(s) > count, within=5)
    s.equal("healthy", "healthy", s.healths()["checked"])
    print(f"{connection.end(s)} turns of a connection, the slowest {connection.slowest * 1000:.1f} ms; {no_line_lost(s)} lines")


def shims_die(s):
    connection, held, old, count = Connection(), inits(s), shims(s), len(lines(s))
    s.equal("a shim for each container", 6, len(old))
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    s.eventually("new shims took over", lambda: len(set(shims(s)) - set(old)) == 6, within=5)
    s.equal("no init was touched", held, inits(s))
    s.eventually("the log goes on", lambda: len(lines(s)) > count + 1000, within=5)
    got = lines(s)
    lost = got[-1] + 1 - len(got)
    print(f"shims killed: {lost} of {got[-1] + 1} lines were in a dead shim's buffer")
    s.check("no more than a dead shim's buffer is lost", lost <= 16384 / len("line 1\n"), f"({lost} lines)")
    s.davit("logs", "counter", out="davit: .* may be missing")
    s.davit("exec", "-T", "counter", "true")
    done = checks(s)
    s.eventually("healthchecks go on", lambda: checks(s) > done, within=5)
    restarts(s)
    os.kill(next(p for p in s.pids("^sh -c trap 'exit 5'") if is_init(p)), signal.SIGUSR1)
    s.eventually("the end of a container is seen", lambda: s.states()["once"] == "exited", within=5)
    s.equal("with its code: the supervisor is its parent now", 5, next(c["ExitCode"] for c in s.ps() if c["Service"] == "once"))
    names_answer(s, "shims killed")
    connection.end(s)


def kill_at_once(pids):
    """Stopped first, so that none of them sees another's end and has it replaced."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass


def kill_all(s):
    """The supervisor and all shims; the shims that there were."""
    old = shims(s)
    kill_at_once(s.pids(SUPERVISOR) + old)
    return old


def attached(s):
    """What a client that attaches now reads first."""
    client = s.start("attach", "--no-stdin", "--sig-proxy=false", "counter")
    line = client.stdout.readline()
    client.kill()
    client.communicate()
    return line


def shims_are_back(s, old, after):
    s.eventually(f"each has a shim again after {after}", lambda: len(shims(s)) == 6 and not set(shims(s)) & set(old), within=5)


def once_ends(s):
    os.kill(next(p for p in s.pids("^sh -c trap 'exit 5'") if is_init(p)), signal.SIGUSR1)


def next_command_takes_over(s):
    commands = {
        "exec": lambda: s.equal("exec works", "hello\n", s.davit("exec", "-T", "counter", "echo", "hello").out),
        "attach": lambda: s.check("attach works", attached(s).startswith("line ")),
        "logs": lambda: s.davit("logs", "--tail", "1", "counter", out="counter"),
    }
    for name, command in commands.items():
        held, old, count = inits(s), kill_all(s), len(lines(s))
        command()
        s.equal(f"no init was touched by {name}", held, inits(s))
        shims_are_back(s, old, name)
        s.eventually(f"the log goes on after {name}", lambda: len(lines(s)) > count + 500, within=5)


def those_who_watch_take_over(s):
    for name in ("wait", "events"):
        old = kill_all(s)
        watcher = s.start(name, "once")
        shims_are_back(s, old, name)
        once_ends(s)
        if name == "wait":
            said = watcher.communicate(timeout=10)[0]
            s.check("wait sees the end", re.search(r"exited with status code \d+\n", said), said)
        else:
            s.check("events tells the end", any("container die" in line for line in watcher.stdout))
            watcher.kill()
            watcher.communicate()
        s.davit("start", "once")


def both_die(s):
    s.davit("start", "once")
    next_command_takes_over(s)
    those_who_watch_take_over(s)
    connection, held, old, count = Connection(), inits(s), kill_all(s), len(lines(s))
    s.equal("no init was touched", held, inits(s))
    s.equal("they run, as the kernel says", {"running"}, set(s.states().values()))
    s.davit("up", "-d")  # DESIGN §4: the next command's supervisor takes over
    s.equal("up found them as they were", held, inits(s))
    shims_are_back(s, old, "up")
    s.eventually("the log goes on", lambda: len(lines(s)) > count + 1000, within=5)
    s.davit("exec", "-T", "asker", "python3", "-c", "import socket; socket.gethostbyname('counter')")
    restarts(s)
    taken = socket.socket()
    try:
        taken.bind(("0.0.0.0", 8081))
        s.check("its port is reserved again", False)
    except OSError:
        pass
    taken.close()
    once_ends(s)
    s.eventually("the end of a container is seen", lambda: s.states()["once"] == "exited", within=5)
    print("supervisor and shims killed: exit code of a container that ended later:", next(c["ExitCode"] for c in s.ps() if c["Service"] == "once"))
    connection.end(s)
    s.davit("start", "once")


def init_dies(s):
    os.kill(s.pids(r"^sleep 1000")[0], signal.SIGKILL)
    s.eventually("no restart policy: it stays down", lambda: s.states()["checked"] == "exited", within=5)
    s.equal("killed is 137", 137, next(c["ExitCode"] for c in s.ps() if c["Service"] == "checked"))
    restarts(s, signal.SIGKILL)
    s.davit("up", "-d")
    s.equal("up starts what is down", {"running"}, set(s.states().values()))


def reboot(s):
    """What a reboot leaves: no process, no link, no rule, no cgroup, an empty /run; the records."""
    kill_at_once(s.pids(SUPERVISOR) + s.pids(SHIM) + s.pids(INITS) + s.pids("davit-port-proxy|davit-supervisor"))
    s.eventually("all have ended", lambda: not s.pids(SUPERVISOR) + s.pids(SHIM) + s.pids(INITS))
    subprocess.run("nft flush ruleset; for l in $(ip -o link show type bridge | sed 's/^[0-9]*: //; s/:.*//'); do ip link del $l; done;"
                   "for d in $(find /sys/fs/cgroup -depth -path '*/davit*' -type d); do rmdir $d; done; " f"echo {FORWARDING} > /proc/sys/net/ipv4/ip_forward",
                   shell=True, check=True)
    shutil.rmtree("/run/davit")


def reboots(s, before):
    s.davit("stop", "once")
    reboot(s)
    s.equal("after a reboot nothing runs", {"exited"}, set(s.states().values()))
    s.equal("and the doctor has nothing to say", "", "".join(l for l in s.davit("system", "doctor").out.splitlines() if "no leak" not in l.lower() and "nothing" not in l.lower()))
    s.davit("up", "-d")
    s.equal("up brings all back", {"running"}, set(s.states().values()))
    s.eventually("its port is published", lambda: Connection().end(s), within=10)
    s.davit("exec", "-T", "asker", "python3", "-c", "import socket; socket.gethostbyname('counter')")
    reboot(s)
    s.davit("down")
    s.nothing_left(before)


with Scenario("crash") as s:
    s.images("busybox", "python")
    shutil.copytree(HERE, os.path.join(s.directory, "code"))
    os.mkdir(os.path.join(s.directory, "told"))
    before = s.listing()
    s.write("compose.yaml", COMPOSE)
    s.davit("up", "-d")
    s.eventually("names are asked for", lambda: told(s)["answered"] > 100, within=10)
    s.eventually("the server answers", lambda: Connection().end(s), within=10)
    for part in (supervisor_dies, shims_die, both_die, init_dies):
        part(s)
    reboots(s, before)

    # both at once: `down` cleans up after what nobody watches
    s.davit("up", "-d")
    kill_at_once(s.pids(SUPERVISOR) + s.pids(SHIM))
    s.davit("down", "-t", "0")
    s.nothing_left(before)
