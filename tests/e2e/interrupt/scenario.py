"""Commands ended by SIGINT, SIGKILL or the supervisor's death before and after each kind of operation: `down` leaves nothing.

The first `up` always; a recreation and `down` itself too with DAVIT_LONG=1.
"""
import json
import os
import signal
import subprocess

from harness import Failed, Scenario

COMPOSE = """
services:
  a:
    image: busybox
    command: [sleep, "600"]
    stop_signal: KILL
    networks: [n]
    volumes: ["data:/v"]
    ports: ["8085:80"]
    healthcheck: {test: ["CMD", "true"], interval: 50ms}
  b:
    image: busybox
    command: [sleep, "600"]
    stop_signal: KILL
    networks: [n, m]
    depends_on: {a: {condition: service_healthy}}
  c:
    image: busybox
    command: ["true"]
  d:
    image: busybox
    command: [sleep, "600"]
    stop_signal: KILL
    network_mode: service:a
    depends_on: {c: {condition: service_completed_successfully}}
networks: {n: {}, m: {internal: true}}
volumes: {data: {}}
"""
UP, RECREATE, DOWN = ("up", "-d"), ("up", "-d", "--force-recreate"), ("down",)


def kind_of(line):
    """What happens to what kind of thing: ("Container", "Starting"). An operation has one before it and one after it."""
    event = json.loads(line)
    return event.get("id", "").split(" ")[0], event["text"]


def run(s, words, at=None, action=None):
    """Runs davit; once the first event of kind `at` came (None: at its start), does the action. The kinds of events there were."""
    davit = subprocess.Popen([s.binary, "--progress", "json", *words], cwd=s.directory, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    kinds = []
    if action and at is None:
        action(davit)
        action = None
    for line in davit.stderr:
        if not line.startswith("{") or "text" not in json.loads(line):
            continue
        kinds.append(kind_of(line))
        if action and kinds[-1] == at:
            action(davit)
            action = None
    davit.wait(60)
    return list(dict.fromkeys(kinds))


def kill_supervisor(s):
    for pid in s.pids(r"^\S*davit-supervisor --project"):
        os.kill(pid, signal.SIGKILL)


def interrupt(s, before, words, first=None):
    """words: the command that is interrupted; first: what has to stand before it."""
    prepare = lambda: s.davit(*first) if first else None
    prepare()
    kinds = run(s, words)
    s.davit("down", "-v")
    s.nothing_left(before)
    s.check(f"{' '.join(words)} has events", len(kinds) >= 5, str(kinds))
    ways = {
        "SIGINT": lambda davit: davit.send_signal(signal.SIGINT),
        "SIGKILL": lambda davit: davit.kill(),
        "the supervisor's death": lambda davit: kill_supervisor(s),
    }
    for name, action in ways.items():
        for at in [None] + kinds:
            prepare()
            run(s, words, at, action)
            try:
                s.davit("down", "-v")
                s.nothing_left(before)
            except Failed as e:
                raise Failed(f"{' '.join(words)} ended by {name} at {at}: {e}") from e
    print(f"{' '.join(words)}: {len(ways)} ways to end it at {len(kinds) + 1} moments: {', '.join(' '.join(k) for k in kinds)}", flush=True)


def fills_volumes(s):
    """A client that is killed while it fills a volume from the image: the next one goes on."""
    s.write("full/Dockerfile", "FROM busybox\nRUN mkdir /d && for i in $(seq 2000); do echo $i > /d/$i; done && ln /d/1 /d/link\n")
    s.davit("image", "build", "-q", "-t", "full", "full")
    s.write("full/compose.yaml", "services: {a: {image: full, command: [sleep, '600'], stop_signal: KILL, volumes: ['data:/d']}}\nvolumes: {data: {}}\n")
    volume, words = "/var/lib/davit/volumes/full_data", ("-f", "full/compose.yaml", "up", "-d")

    def held():
        return len(os.listdir(volume + "/_data")) if os.path.isdir(volume + "/_data") else 0

    def one(already):
        if already:
            s.davit("volume", "create", "full_data")
        up = s.start(*words)
        while up.poll() is None and held() < 100:
            pass
        up.kill()
        up.wait()
        begun = held()
        s.davit(*words)
        s.equal(f"a volume with {begun} of its files is filled to its end", 2001, held())
        s.check("and counts as filled", not os.path.exists(volume + "/filling"))
        s.davit("-f", "full/compose.yaml", "down", "-v")
        return begun < 2001

    for already in (False, True):
        s.check("one client was killed in the middle", any([one(already) for _ in range(5)]))
        s.davit("volume", "rm", "full_data", exit=None)
    s.davit("image", "rm", "full")


with Scenario("interrupt") as s:
    s.images("busybox")
    s.write("compose.yaml", COMPOSE)
    before = s.listing()
    interrupt(s, before, UP)
    if os.environ.get("DAVIT_LONG") == "1":
        interrupt(s, before, RECREATE, first=UP)
        interrupt(s, before, DOWN, first=UP)
    fills_volumes(s)
    s.davit(*UP)
    s.equal("and after all that it still comes up", {"a": "running", "b": "running", "c": "exited", "d": "running"}, s.states())
    s.davit("down", "-v")
    s.nothing_left(before)
