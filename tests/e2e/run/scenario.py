"""`davit run` that ends early: killed at each message of its protocol, interrupted, stopped, or with a dependency that
fails. `down` then ends in 5 s, and a run with --rm leaves no container and no anonymous volume.
"""
import os
import signal
import socket
import subprocess
import time

from harness import Scenario

COMPOSE = """
services:
  other: {image: busybox, command: [sleep, "600"], stop_signal: KILL}
  bad: {image: busybox, command: ["false"]}
  never: {image: busybox, command: [sleep, "600"], stop_signal: KILL, healthcheck: {test: ["CMD", "false"], interval: 100ms, start_period: 600s}}
  plain: {image: busybox, volumes: [/data]}
  after_bad: {image: busybox, volumes: [/data], depends_on: {bad: {condition: service_completed_successfully}}}
  after_never: {image: busybox, volumes: [/data], depends_on: {never: {condition: service_healthy}}}
  port: {image: busybox, volumes: [/data], ports: ["8089:80"]}
  mount: {image: busybox, volumes: [/data, {type: bind, source: ./nothere, target: /x, bind: {create_host_path: false}}]}
"""
LONG = os.environ.get("DAVIT_LONG") == "1"
RUN = ("run", "--rm", "-T", "plain", "true")


def clean(s):
    """Links go a moment after the last namespace that has their other end."""
    s.eventually("the doctor finds nothing", lambda: s.davit("system", "doctor"), within=5)


def volumes(s):
    return s.davit("volume", "ls", "-q").out.split()


def runs(s):
    return [c["Name"] for c in s.ps() if "-run-" in c["Name"]]


def nothing_of(s, what):
    s.eventually(f"{what}: no container of the run is left", lambda: not runs(s), within=5)
    s.eventually(f"{what}: no anonymous volume is left", lambda: not volumes(s), within=5)


def down(s, what):
    s.davit("down", "-t", "0", within=5)
    clean(s)
    s.eventually(f"{what}: no volume is left", lambda: not volumes(s), within=5)


def killed_at_each_message(s, before):
    """A thread's n-th call on a socket is its last one (on a busy machine several messages are one). The supervisor is not the client's child: it is not traced."""
    moments = 200  # until a run ends before its n-th call
    for number in ("KILL", "PIPE"):
        died = 0
        for n in range(1, moments, 1 if LONG or number == "KILL" else 2):
            s.davit("up", "-d", "other")
            done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=%network", "-e", f"inject=%network:signal={number}:when={n}",
                                   s.binary, *RUN], cwd=s.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
            down(s, f"run that got SIG{number} at message {n}")
            died += done.returncode != 0
            if done.returncode == 0 and number == "KILL":  # SIGPIPE does not end what writes to a socket at that moment
                moments = n
                break
        s.check(f"runs died of SIG{number}", died >= (3 if number == "KILL" else 1), f"({died})")
        print(f"SIG{number}: {died} moments", flush=True)
    s.nothing_left(before)


def stopped_before_it_attached(s):
    """Held for a client that does nothing any more."""
    s.davit("up", "-d", "other")
    for n in range(1, 40):
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=%network", "-e", f"inject=%network:signal=STOP:when={n}", s.binary, *RUN],
                                  cwd=s.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        held = False
        try:
            s.eventually("it stands, or has ended", lambda: tracer.poll() is not None or any(c["State"] == "created" for c in s.ps() if "-run-" in c["Name"]), within=2)
            held = tracer.poll() is None
        except Exception:
            pass
        if held:
            s.davit("kill", exit=None, within=5)  # done, or told who is in the way
        for pid in s.pids(f"^{s.binary} run"):
            os.kill(pid, signal.SIGKILL)
        tracer.wait()
        if held:
            break
    s.check("a moment was found at which the start is held", held)
    down(s, "a run whose client was stopped")


def leaves_nothing(s):
    s.davit("run", "--rm", "-T", "after_bad", "true", exit=1, err="didn't complete successfully")
    nothing_of(s, "a dependency failed")
    taken = socket.create_server(("0.0.0.0", 8089))
    s.davit("run", "--rm", "-T", "--service-ports", "port", "true", exit=None, err="8089")
    taken.close()
    nothing_of(s, "its port was taken")
    s.davit("run", "--rm", "-T", "mount", "true", exit=None, err="nothere")
    nothing_of(s, "a mount's source is missing")
    for detached in ((), ("-d",)):
        waiting = s.start("run", "--rm", "-T", *detached, "after_never", "true", start_new_session=True)
        s.eventually("it waits", lambda: s.states().get("never") == "running", within=10)
        waiting.send_signal(signal.SIGINT)
        said = waiting.communicate(timeout=10)[0]
        s.equal(f"Ctrl-C ends it: {said}", 130, waiting.returncode)
        nothing_of(s, "interrupted while waiting")
        down(s, "interrupted") # the next one starts `never` anew: before that its handlers stand


def removed_by_another(s):
    """A plain `down` leaves what runs for somebody, and --remove-orphans takes it, by its name alone too."""
    client = s.start("run", "--rm", "-T", "plain", "sleep", "1000")
    s.eventually("it runs", lambda: [c["State"] for c in s.ps() if "-run-" in c["Name"]] == ["running"])
    s.check("it has a volume", volumes(s))
    name = s.ps()[0]["Project"]
    s.davit("-p", name, "down", "-t", "0", cwd="/", err="still in use")
    s.equal("it runs on", ["running"], [c["State"] for c in s.ps() if "-run-" in c["Name"]])
    s.davit("-p", name, "down", "-t", "0", "--remove-orphans", cwd="/")
    client.communicate(timeout=20)
    nothing_of(s, "removed by another")
    clean(s)


def no_false_alarm(s):
    for n in range(3):
        client = s.start("run", "--rm", "-T", "plain", "sh", "-c", "trap 'exit 3' INT; echo ready; while :; do sleep 0.1; done")
        s.equal("it runs", "ready\n", next(l for l in client.stdout if "ready" in l))
        client.send_signal(signal.SIGINT)
        said = client.communicate(timeout=20)[0]
        s.equal("its own exit code", 3, client.returncode)
        s.check("it is removed, and nobody says otherwise", "not removed" not in said, said)
        nothing_of(s, "Ctrl-C that the container handles")
    down(s, "handled Ctrl-C")


def flooded(s):
    """What a container writes without end, to somebody who reads slowly, keeps no signal from it."""
    client = s.start("run", "--rm", "-T", "plain", "sh", "-c", "trap 'kill -9 $!; exit 3' INT; yes & wait")
    def read_slowly():
        time.sleep(0.002)
        return os.read(client.stdout.fileno(), 4096)
    while b"y\n" * 100 not in read_slowly():
        pass
    for _ in range(300):  # all that is between the two is full by then
        read_slowly()
    client.send_signal(signal.SIGINT)
    until = time.monotonic() + 20
    while client.poll() is None and time.monotonic() < until:
        read_slowly()
    ended = client.poll()
    client.kill()
    s.equal("the signal reached it", 3, ended)
    nothing_of(s, "Ctrl-C in a flood")
    down(s, "a flood")


def cut_off(s):
    """`davit run … | head -1`"""
    s.davit("up", "-d", "other")
    for n in range(5):
        subprocess.run(f"{s.binary} --progress plain run --rm -T plain seq 20000 2>&1 | head -1", shell=True, cwd=s.directory,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=30)
    # The container goes on for three seconds; the client ends at the first line that nobody reads.
    slow = f"{s.binary} --progress plain run --rm -T plain sh -c 'for n in $(seq 30); do echo line; sleep 0.1; done' | head -1"
    said = subprocess.run(slow, shell=True, cwd=s.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30).stdout
    s.equal("head has its line", b"line\n", said)
    s.equal("its container runs", ["running"], [c["State"] for c in s.ps() if "-run-" in c["Name"]])
    nothing_of(s, "a container that went on without its client")
    down(s, "run | head")


with Scenario("run") as s:
    s.images("busybox")
    s.write("compose.yaml", COMPOSE)
    s.davit("up", "-d", "other")
    s.davit("down", "-t", "0")
    s.eventually("all is quiet", lambda: "zombie" not in str(s.listing()["processes"]))
    before = s.listing()
    killed_at_each_message(s, before)
    stopped_before_it_attached(s)
    flooded(s)
    cut_off(s)
    leaves_nothing(s)
    removed_by_another(s)
    no_false_alarm(s)
    s.nothing_left(before)
