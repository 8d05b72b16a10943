"""A storm of kill -9: any of davit's processes dies at any event of an `up`, again and again; the project comes up all the same, and `down` leaves nothing."""
import os
import random
import signal
import subprocess

from harness import Failed, Scenario

COMPOSE = """
x-one: &one
  image: busybox
  command: [sleep, "600"]
  stop_signal: KILL
  restart: always
  networks: [n]
services:
  a: {<<: *one, ports: ["8086:80"], volumes: ["data:/v"]}
  b: {<<: *one, depends_on: [a]}
  c: {<<: *one, depends_on: [a], healthcheck: {test: ["CMD", "true"], interval: 50ms}}
  d: {<<: *one, depends_on: {c: {condition: service_healthy}}}
networks: {n: {}}
volumes: {data: {}}
"""
ROUNDS = int(os.environ.get("STORM_ROUNDS", "60"))
VICTIMS = {
    "the client": None,
    "a supervisor": r"^\S*davit-supervisor --project",
    "a helper": r"^\S*davit-supervisor --helper",
    "a shim": r"^\S*davit-shim ",
    "a container": r"^sleep 600",
}


def kill_one(s, chance, up):
    """Kills one process of a kind drawn by lot; says which kind, or nothing when there was none."""
    kind = chance.choice(sorted(VICTIMS))
    found = [up.pid] if VICTIMS[kind] is None else s.pids(VICTIMS[kind])
    if not found:
        return None
    try:
        os.kill(chance.choice(found), signal.SIGKILL)
    except ProcessLookupError:
        return None
    return kind


def stormy_up(s, chance):
    deaths = []
    up = subprocess.Popen([s.binary, "--progress", "json", "up", "-d"], cwd=s.directory, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in up.stderr:
        if line.startswith("{") and chance.random() < 0.3:
            deaths.append(kill_one(s, chance, up))
    up.wait(60)
    return [d for d in deaths if d]


with Scenario("storm") as s:
    s.images("busybox")
    s.write("compose.yaml", COMPOSE)
    before = s.listing()
    total = 0
    for n in range(ROUNDS):
        chance = random.Random(n)
        deaths = stormy_up(s, chance)
        total += len(deaths)
        try:
            if chance.random() < 0.5:
                s.davit("up", "-d", "--wait", within=60)
                s.eventually("all run", lambda: s.states() == dict.fromkeys("abcd", "running"), within=10)
            s.davit("down", "-v", "-t", "0")
            s.nothing_left(before)
        except Failed as e:
            raise Failed(f"round {n}, after the deaths of {', '.join(deaths) or 'nothing'}: {e}") from e
    s.check("something died", total > ROUNDS, f"({total})")
    print(f"{total} deaths in {ROUNDS} rounds")
