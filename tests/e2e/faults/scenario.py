"""The disk is full or broken, descriptors and processes run out, supervisor and shims are stopped or killed: each verb
ends, what stops and removes does so without the disk, and once the fault is over `down` ends in 5 s and leaves nothing.

Every fault with every verb with DAVIT_LONG=1; else a full disk with what stops and removes, each other fault with one of them.
"""
import contextlib
import os
import re
import resource
import signal
import subprocess

import machine
from harness import Failed, Scenario

STATE, RUN = "/var/lib/davit", "/run/davit"
COMPOSE = """
services:
  a:
    image: busybox
    command: [sleep, "600"]
    stop_signal: KILL
    volumes: ["data:/v", /w]
    ports: ["8088:80"]
    healthcheck: {test: ["CMD", "true"], interval: 200ms}
  b:
    image: busybox
    command: [sleep, "600"]
    stop_signal: KILL
    depends_on: [a]
volumes: {data: {}}
"""
VERBS = {
    "stop": ("stop", "-t", "0"),
    "kill": ("kill",),
    "down": ("down", "-t", "0"),
    "down -v": ("down", "-v", "-t", "0"),
    "rm": ("rm", "-sf"),
    "up": ("up", "-d", "--force-recreate", "-t", "0"),
    "run": ("run", "--rm", "-T", "b", "true"),
    "restart": ("restart", "-t", "0"),
    "create": ("create", "--force-recreate"),
    "start": ("start",),
    "exec": ("exec", "-T", "a", "true"),
    "pause": ("pause",),
    "scale": ("scale", "b=2"),
    "cp": ("cp", "compose.yaml", "a:/copied"),
}
STOPPING = ("stop", "kill", "down", "down -v", "rm")
LONG = os.environ.get("DAVIT_LONG") == "1"
SUPERVISOR, SHIM = r"^\S*davit-supervisor --project", r"^\S*davit-shim "


def clean(s):
    """Links go a moment after the last namespace that has their other end."""
    s.eventually("the doctor finds nothing", lambda: s.davit("system", "doctor"), within=5)


def inits(s):
    return [p for p in s.pids("^sleep 600$") if machine.read(f"/proc/{p}/status").find("\nState:\tZ") < 0]


def send(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@contextlib.contextmanager
def full(s, root):
    """No byte is left."""
    ballast = os.path.join(root, "ballast")
    with open(ballast, "wb", buffering=0) as f:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    f.write(b"x" * size)
    yield
    os.unlink(ballast)


@contextlib.contextmanager
def no_inodes(s, root):
    directory = os.path.join(root, "files")
    os.mkdir(directory)
    with contextlib.suppress(OSError):
        for n in range(100000):
            os.close(os.open(os.path.join(directory, str(n)), os.O_CREAT | os.O_WRONLY))
    yield
    for name in os.listdir(directory):
        os.unlink(os.path.join(directory, name))
    os.rmdir(directory)


@contextlib.contextmanager
def read_only(s):
    subprocess.run(["mount", "--bind", STATE, STATE], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", STATE], check=True)
    yield
    subprocess.run(["umount", STATE], check=True)


@contextlib.contextmanager
def failing(s, error):
    """Every file the supervisor replaces fails."""
    calls = "rename,renameat,renameat2"
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}",
                               "-p", str(s.pids(SUPERVISOR)[0])])
    pid = s.pids(SUPERVISOR)[0]
    s.eventually("it is traced", lambda: f"TracerPid:\t{tracer.pid}\n" in machine.read(f"/proc/{pid}/status"))
    yield
    tracer.terminate()
    tracer.wait()


@contextlib.contextmanager
def no_descriptors(s):
    pid = s.pids(SUPERVISOR)[0]
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
    yield
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


@contextlib.contextmanager
def no_processes(s):
    """clone says EAGAIN: the supervisor's group takes no more."""
    found = [p for p, _, files in os.walk("/sys/fs/cgroup") if p.endswith("/supervisor") and "pids.max" in files]
    for path in found:
        with open(os.path.join(path, "pids.max"), "w") as f:
            f.write("1")
    yield
    for path in found:
        with contextlib.suppress(FileNotFoundError):
            with open(os.path.join(path, "pids.max"), "w") as f:
                f.write("max")


@contextlib.contextmanager
def stopped(s, pattern):
    pids = s.pids(pattern)
    send(pids, signal.SIGSTOP)
    yield pids
    send(pids, signal.SIGCONT)


@contextlib.contextmanager
def killed(s, pattern):
    send(s.pids(pattern), signal.SIGKILL)
    yield


FAULTS = {
    "no space": lambda s: full(s, STATE),
    "no inodes": lambda s: no_inodes(s, STATE),
    "a full run directory": lambda s: full(s, RUN),
    "no inodes in the run directory": lambda s: no_inodes(s, RUN),
    "read-only": read_only,
    "EIO": lambda s: failing(s, "EIO"),
    "EDQUOT": lambda s: failing(s, "EDQUOT"),
    "no descriptors": no_descriptors,
    "no processes": no_processes,
    "a stopped supervisor": lambda s: stopped(s, SUPERVISOR),
    "stopped shims": lambda s: stopped(s, SHIM),
    "a killed supervisor": lambda s: killed(s, SUPERVISOR),
    "killed shims": lambda s: killed(s, SHIM),
}
# Where nobody is there to do it, the command says so.
WITHOUT_EFFECT = ("a stopped supervisor", "stopped shims")


def prepare(s, verb):
    s.davit("up", "-d")
    if verb == "start":
        s.davit("stop", "-t", "0")


def one(s, fault, verb):
    prepare(s, verb)
    with FAULTS[fault](s) as pids:
        done = s.davit(*VERBS[verb], exit=None, within=30)
        if fault in WITHOUT_EFFECT and verb in STOPPING:
            s.check("it fails", done.code != 0, str(done))
            s.check("it names who does not answer, and what helps", any(f"kill -CONT {p}" in done.err for p in pids), str(done))
        elif verb in STOPPING:
            s.eventually("what is to be down is down", lambda: not inits(s), within=5)
        if fault in ("no space", "EDQUOT", "a killed supervisor", "killed shims") and verb in STOPPING:
            s.equal("it needs no disk", 0, done.code)
    s.davit("down", "-v", "-t", "0", within=5)
    clean(s)
    s.equal("no process is left in a container", [], inits(s))


def sweep(s, before):
    for n, fault in enumerate(FAULTS):
        short = STOPPING + ("up", "run") if fault == "no space" else STOPPING[n % len(STOPPING):][:1]
        for verb in VERBS if LONG else short:
            try:
                one(s, fault, verb)
            except Failed as e:
                raise Failed(f"{verb} with {fault}: {e}") from e
        s.eventually("nothing is left", lambda: not machine.differences(before, s.listing()), within=5)
        print(f"{fault}: passed", flush=True)


def goes_on(s):
    """After writes that failed the same supervisor and the same containers serve on."""
    for fault in ("no space", "a full run directory", "EIO", "read-only") if LONG else ("no space", "EIO"):
        s.davit("up", "-d")
        with FAULTS[fault](s):
            for words in (("stop", "-t", "0", "b"), ("start", "b"), ("restart", "-t", "0", "a"), ("kill", "a")):
                s.davit(*words, exit=None, within=30)
        s.davit("up", "-d", within=20)
        s.eventually(f"after {fault} the project works on", lambda: s.states() == {"a": "running", "b": "running"}, within=5)
        s.davit("restart", "-t", "0")
        s.davit("down", "-v", "-t", "0", within=5)
        clean(s)


def paused(s):
    """Docker's: what is paused is stopped, restarted and removed all the same."""
    for words, state in ((("stop", "-t", "0"), "exited"), (("kill",), "exited"), (("restart", "-t", "0"), "running"), (("down", "-t", "0"), None)):
        s.davit("up", "-d")
        s.davit("pause")
        s.equal("paused", {"paused"}, set(s.states().values()))
        s.davit(*words, within=15)
        s.eventually(f"{words[0]} of a paused container", lambda: set(s.states().values()) == ({state} if state else set()), within=5)
        s.davit("down", "-v", "-t", "0", within=5)
        clean(s)


def interruptible(s):
    """A command that waits for somebody who does not answer ends at the first Ctrl-C, or by itself before."""
    s.davit("up", "-d")
    with stopped(s, SUPERVISOR):
        davit = s.start("down", "-t", "0")
        davit.send_signal(signal.SIGINT)
        said = davit.communicate(timeout=10)[0]
        s.check("it ends", davit.returncode != 0, said)
    s.davit("down", "-v", "-t", "0", within=5)


BLIND = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=inotify_init1", "-e", "inject=inotify_init1:error=EMFILE")


def blind(s, *words):
    """As when containers have taken all the inotify descriptors that root may have; what davit starts is blind too."""
    return subprocess.Popen([*BLIND, s.binary, *words], cwd=s.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def without_inotify(s):
    s.write("compose.yaml", """
services:
  a: {image: busybox, command: ["sh", "-c", "while :; do echo tick; sleep 0.1; done"], stop_signal: KILL, networks: [shared]}
networks: {shared: {name: blind-shared}}
""")
    tracers = [blind(s, "up", "-d")]
    s.eventually("it comes up", lambda: s.states() == {"a": "running"}, within=20)
    s.write("other/compose.yaml", """
services:
  b: {image: busybox, command: [sleep, "600"], stop_signal: KILL, networks: [shared]}
networks: {shared: {name: blind-shared, external: true}}
""")
    other = os.path.join(s.directory, "other")
    s.davit("up", "-d", cwd=other)
    s.eventually("a name of a project that came later", lambda: s.davit("exec", "-T", "a", "nslookup", "b", exit=None).code == 0, within=10)
    follower = blind(s, "logs", "-f", "--no-log-prefix", "a")
    s.equal("what is written is followed", ["tick"] * 20, [follower.stdout.readline().strip() for _ in range(20)])
    waiter = blind(s, "wait", "a")
    poll = ("7", "271", "73")  # of both architectures
    s.eventually("wait waits", lambda: any(machine.read(f"/proc/{p}/syscall").split()[0] in poll for p in s.pids(f"^{s.binary} wait a")))
    s.davit("kill", "a")
    s.equal("the end is seen by wait", 137, waiter.wait(15))
    s.check("and by logs -f", follower.wait(15) is not None)
    s.davit("down", "-v", "-t", "0", cwd=other)
    s.davit("down", "-v", "-t", "0", within=5)
    for tracer in tracers:
        tracer.wait(10)
    clean(s)


def full_by_its_own_log(s):
    """What a container writes fills the disk: the hint names what is big, and stop frees it."""
    s.write("compose.yaml", """
services:
  spam: {image: busybox, command: ["sh", "-c", "while :; do head -c 4000 /dev/zero | tr '\\\\0' x; echo; done"], stop_signal: KILL}
  ok: {image: busybox, command: ["sh", "-c", "while :; do echo tick; sleep 0.1; done"], stop_signal: KILL}
""")
    s.davit("up", "-d")
    s.eventually("the disk is full", lambda: os.statvfs(STATE).f_bavail == 0, within=60)
    refused = s.davit("up", "-d", "--force-recreate", "-t", "0", exit=None)
    s.check("the message says what is big", refused.code != 0 and re.search(r"hint: .*-json\.log", refused.err), str(refused))
    s.davit("stop", "-t", "0")
    s.equal("both are down", {"exited"}, set(s.states().values()))
    s.davit("down", "-v", "-t", "0", within=5)
    clean(s)


with Scenario("faults") as s:
    for root in (STATE, RUN):
        os.makedirs(root, mode=0o700, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m,nr_inodes=4000,mode=700", "faults", root], check=True)
    s.images("busybox")
    s.write("compose.yaml", COMPOSE)
    s.davit("up", "-d")
    s.davit("down", "-v", "-t", "0")
    s.eventually("all is quiet", lambda: "zombie" not in str(s.listing()["processes"]))
    before = s.listing()
    sweep(s, before)
    goes_on(s)
    paused(s)
    interruptible(s)
    without_inotify(s)
    full_by_its_own_log(s)
    s.nothing_left(before)
