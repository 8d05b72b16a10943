"""200 times up and down, and 200 restarts under one supervisor: nothing grows.

DAVIT_SOAK is how many; the first tenth fills caches and does not count.
"""
import os
import re
import time

from harness import Scenario

TURNS = int(os.environ.get("DAVIT_SOAK", "200"))


def fds(pid):
    """The fewest of some moments: a healthcheck that runs has some."""
    found = []
    for _ in range(20):
        found.append(len(os.listdir(f"/proc/{pid}/fd")))
        time.sleep(0.005)
    return min(found)


def memory(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
        return int(re.search(r"^Private_Dirty:\s+(\d+)", f.read(), re.M).group(1))


def kernel():
    """What the kernel holds of the whole machine: control groups and network namespaces die late, so it may lag, not grow."""
    with open("/proc/cgroups", encoding="utf-8") as f:
        groups = {l.split()[0]: int(l.split()[2]) for l in f if not l.startswith("#")}
    return groups


def lasting(s):
    found = s.pids(r"^\S*davit-supervisor --project") + s.pids(r"^\S*davit-shim .*" + s.davit("ps", "-q", "steady").out.strip()[:12])
    s.equal("a supervisor and the steady container's shim", 2, len(found))
    return found


with Scenario("soak") as s:
    s.images("busybox")
    s.write("compose.yaml", """
services:
  steady: {image: busybox, command: [sleep, "6000"], stop_signal: KILL}
  busy:
    image: busybox
    command: ["sh", "-c", "echo hello; exec sleep 6000"]
    stop_signal: KILL
    ports: ["8088:80"]
    healthcheck: {test: ["CMD", "true"], interval: 20ms}
""")
    before = s.listing()
    for turn in range(TURNS):
        s.davit("up", "-d")
        s.davit("down", "-t", "0")
        if turn == TURNS // 10:
            s.nothing_left(before)
            groups = kernel()
    s.nothing_left(before)
    grown = {g: (n, kernel()[g]) for g, n in groups.items() if kernel()[g] > n + TURNS // 2}
    s.equal("control groups of the kernel do not pile up", {}, grown)
    print(f"{TURNS} times up and down", flush=True)

    s.davit("up", "-d")
    for turn in range(TURNS):
        s.davit(*[("restart", "-t", "0", "busy"), ("up", "-d", "--force-recreate", "busy"), ("exec", "-T", "busy", "true"), ("exec", "-T", "steady", "true")][turn % 4])
        if turn == TURNS // 10:
            pids = lasting(s)
            first = [(fds(p), memory(p)) for p in pids]
    s.eventually("what was started has ended", lambda: all(fds(p) <= had for p, (had, _) in zip(pids, first)), within=10)
    s.equal("they are the same processes", pids, lasting(s))
    last = [(fds(p), memory(p)) for p in pids]
    print(f"{TURNS} verbs beside a steady container: supervisor and shim (fds, KB private) {first} -> {last}", flush=True)
    for (had, held), (has, holds) in zip(first, last):
        s.check("no descriptor is leaked", has <= had, f"({had} -> {has})")
        s.check("no memory is leaked", holds <= held * 1.1 + 64, f"({held} KB -> {holds} KB)")
    s.davit("down", "-t", "0")
    s.nothing_left(before)
