"""Commands at the same time: several `up` give one project, `down` against `up` ends clean, projects do not mind each other."""
from harness import Scenario

COMPOSE = """
services:
  a: {image: busybox, command: [sleep, "600"], stop_signal: KILL, ports: ["80"]}
  b: {image: busybox, command: [sleep, "600"], stop_signal: KILL, depends_on: [a]}
"""
ROUNDS = 15


def finish(s, processes, wanted=(0,)):
    for p in processes:
        said, _ = p.communicate(timeout=90)
        s.check(f"{' '.join(p.args[1:])} ends with one of {wanted}", p.returncode in wanted, f"({p.returncode}: {said})")


def up_beside_down(s, before):
    """The lock's file and directory go with the last `down`: whoever wants them at that moment makes them anew."""
    for n in range(50):
        both = [s.start("up", "-d"), s.start("down", "-v", "-t", "0"), s.start("up", "-d")]
        for p in both:
            said, _ = p.communicate(timeout=90)
            took_precedence = "took precedence" in said or "has been removed" in said
            s.check("up beside down -v works, or gives way to it", p.returncode == 0 or took_precedence, f"({p.args[1]}: {p.returncode}: {said})")
    s.davit("down", "-v", "-t", "0", within=5)
    s.davit("system", "doctor")
    s.nothing_left(before)


with Scenario("races") as s:
    s.images("busybox")
    s.write("compose.yaml", COMPOSE)
    before = s.listing()
    up_beside_down(s, before)
    for n in range(ROUNDS):
        finish(s, [s.start("up", "-d") for _ in range(4)])
        s.equal("four ups make one project", {"a": "running", "b": "running"}, s.states())
        s.equal("with two containers", 2, len(s.ps()))
        # a down that takes precedence interrupts the others
        finish(s, [s.start("up", "-d", "--force-recreate"), s.start("down", "-t", "0"), s.start("up", "-d"), s.start("down", "-t", "0")], (0, 1, 130))
        s.davit("down", "-t", "0")
        s.nothing_left(before)
        names = [f"many{i}" for i in range(6)]
        finish(s, [s.start("-p", name, "up", "-d") for name in names])
        finish(s, [s.start("-p", name, "down", "-t", "0") for name in names[:3]] + [s.start("-p", name, "restart", "-t", "0") for name in names[3:]])
        finish(s, [s.start("-p", name, "down", "-t", "0") for name in names[3:]])
        s.nothing_left(before)
