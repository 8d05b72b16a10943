"""Containers outside of compose files after a reboot: policies by Docker's rules, names, shared namespaces, and what --rm left."""
import json
import os

import reboot
from harness import Scenario

SLEEPS = ("busybox", "sleep", "1000")
# name: flags and command
MADE = {
    "never": SLEEPS,
    "always": ("--restart", "always", "--network", "proxy", "--network-alias", "shop") + SLEEPS,
    "always-stopped": ("--restart", "always") + SLEEPS,
    "unless": ("--restart", "unless-stopped", "--network", "proxy", "-p", "8090:80") + SLEEPS,
    "unless-stopped": ("--restart", "unless-stopped") + SLEEPS,
    "failed": ("--restart", "on-failure") + SLEEPS,
    "failed-before": ("--restart", "on-failure:1", "busybox", "sh", "-c", "exit 3"),
    "done": ("--restart", "on-failure", "busybox", "true"),
    "guest": ("--restart", "always", "--network", "container:always") + SLEEPS,
    "alone": ("--restart", "always", "--network", "none") + SLEEPS,
}
EXPECTED = {"never": "exited", "always": "running", "always-stopped": "running", "unless": "running", "unless-stopped": "exited",
            "failed": "running", "failed-before": "exited", "done": "exited", "guest": "running", "alone": "running", "made": "created"}


def states(s):
    out = s.davit("container", "ls", "-a", "--format", "json").out
    return {c["Names"]: c["State"] for c in map(json.loads, out.splitlines())}


def ip(s, name):
    return json.loads(s.davit("container", "inspect", name).out)[0]["NetworkSettings"]["Networks"]["proxy"]["IPAddress"]


def link(s, name):
    return s.davit("container", "exec", name, "readlink", "/proc/self/ns/net").out


def reached(s):
    s.davit("container", "exec", "unless", "nslookup", "shop.", exit=None, out=ip(s, "always").replace(".", r"\."))
    s.equal("the guest is where its host is", link(s, "always"), link(s, "guest"))
    s.davit("container", "port", "unless", "80", out="8090")


with Scenario("boot_docker") as s:
    s.images("busybox")
    before = s.listing()
    s.davit("network", "create", "proxy")
    for name, words in MADE.items():
        s.davit("container", "run", "-d", "--name", name, *words)
    s.davit("container", "create", "--name", "made", "--restart", "always", *SLEEPS)
    s.davit("container", "run", "-d", "--rm", "--name", "leftover", "-v", "/data", *SLEEPS)
    s.davit("container", "stop", "-t", "0", "always-stopped", "unless-stopped")
    s.eventually("the job has failed twice", lambda: states(s)["failed-before"] == "exited")
    s.eventually("the other is done", lambda: states(s)["done"] == "exited")
    reached(s)
    addresses = ip(s, "always"), ip(s, "unless")
    s.davit("container", "stop", "-t", "0", "always", "unless")
    s.davit("container", "run", "--rm", "--network", "proxy", "busybox", "true")
    s.davit("container", "start", "unless", "always")
    s.equal("whoever is started first, they keep their addresses", addresses, (ip(s, "always"), ip(s, "unless")))
    s.davit("container", "restart", "-t", "0", "guest")

    # The power fails.
    reboot.crash(s)
    s.check("nothing runs", "running" not in states(s).values())
    plan = s.davit("--dry-run", "system", "boot", cwd="/").out
    s.check("a dry run tells", "start always: restart: always" in plan and "remove leftover: left over of run --rm" in plan, plan)
    s.davit("system", "boot", cwd="/", within=120)
    s.equal("by the rules, and the left-over is gone", EXPECTED, states(s))
    s.equal("with its volume", [], os.listdir("/var/lib/davit/volumes"))
    s.equal("they keep their addresses", addresses, (ip(s, "always"), ip(s, "unless")))
    reached(s)
    s.davit("container", "stop", "-t", "0", "always")
    s.davit("system", "boot", cwd="/", within=120)
    s.equal("what was stopped by hand in this boot stays down", "exited", states(s)["always"])
    s.davit("container", "start", "always")

    # The machine goes down in order. Who was killed then has failed.
    s.davit("system", "shutdown", "--timeout", "1", cwd="/", within=60)
    s.check("nothing runs", "running" not in states(s).values(), str(states(s)))
    reboot.crash(s)
    s.davit("system", "boot", cwd="/", within=120)
    s.equal("all of it is back", EXPECTED, states(s))
    s.davit("container", "restart", "-t", "0", "guest")  # who was started before its host came back is with the host again
    reached(s)
    s.davit("container", "stop", "-t", "0", "always")
    s.davit("container", "rm", "-f", "always")
    s.eventually("what is removed keeps no address", lambda: addresses[0] not in open("/var/lib/davit/addresses/proxy/.machine.json").read())
    s.davit("container", "rm", "-f", *(name for name in EXPECTED if name != "always"))
    s.davit("network", "rm", "proxy")
    reboot.end()
    s.nothing_left(before, within=20)
