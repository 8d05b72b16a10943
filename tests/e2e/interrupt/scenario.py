"""`up` ended by SIGINT, SIGKILL, or the supervisor's death after each event of its plan: `down` leaves nothing."""
import os
import signal
import subprocess

from harness import Scenario

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
networks: {n: {}, m: {internal: true}}
volumes: {data: {}}
"""


def events_of_up(s, at=None, action=None):
    """Runs `up -d`; after event number `at` does the action. Returns how many events there were."""
    up = subprocess.Popen([s.binary, "--progress", "json", "up", "-d"], cwd=s.directory, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    count = 0
    if at == 0:
        action(up)
    for line in up.stderr:
        count += line.startswith("{")
        if count == at:
            action(up)
            at = None
    up.wait(60)
    return count


def kill_supervisor(s):
    for pid in s.pids(r"^\S*davit-supervisor --project"):
        os.kill(pid, signal.SIGKILL)


with Scenario("interrupt") as s:
    s.images("busybox")
    s.write("compose.yaml", COMPOSE)
    before = s.listing()
    total = events_of_up(s)
    s.check("an up has events", total >= 8, f"({total})")
    s.equal("all run", {"a": "running", "b": "running"}, s.states())
    s.davit("down", "-v")
    s.nothing_left(before)

    ways = {
        "SIGINT": lambda up: up.send_signal(signal.SIGINT),
        "SIGKILL": lambda up: up.kill(),
        "the supervisor's death": lambda up: kill_supervisor(s),
    }
    for name, action in ways.items():
        for at in range(total):
            events_of_up(s, at, action)
            s.davit("down", "-v")
            try:
                s.nothing_left(before)
            except Exception as e:
                raise type(e)(f"up ended by {name} after event {at} of {total}: {e}") from e
    s.davit("up", "-d")
    s.equal("and after all that it still comes up", {"a": "running", "b": "running"}, s.states())
    s.davit("down", "-v")
    s.nothing_left(before)
    print(f"{len(ways) * total} interrupted ups")
