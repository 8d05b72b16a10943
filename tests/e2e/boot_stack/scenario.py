"""Services over the machine's end and start: nothing begins while it goes down, all that should run does afterwards, and it was no attempt."""
import glob
import json
import os
import time

import reboot
from harness import Scenario

STACK = """
x-one: &one {image: busybox, networks: [net], volumes: ["data:/v"]}
services:
  web:
    <<: *one
    command: [sh, -c, "trap 'exit 0' TERM; echo web >> /v/starts; while :; do sleep 0.05; done"]
    ports: ["8095:80"]
    deploy: {replicas: 2, restart_policy: {condition: on-failure, delay: 100ms, max_attempts: 1}}
  slow:
    <<: *one
    command: [sh, -c, "echo slow >> /v/starts; exit 3"]
    deploy: {restart_policy: {delay: 1s}}
  deaf:
    <<: *one
    command: [sh, -c, "trap '' TERM; echo deaf >> /v/starts; while :; do sleep 0.05; done"]
    stop_grace_period: 500ms
  once:
    <<: *one
    command: [sh, -c, "echo once >> /v/starts; sleep 1000"]
    deploy: {restart_policy: {condition: none}}
networks: {net: {}}
volumes: {data: {}}
"""
SUPERVISOR = r"davit-supervisor .*--project stack\.x( |$)"


def tasks(s, service):
    out = s.davit("service", "ps", "x_" + service, "--no-trunc", "--format", "{{.ID}} {{.DesiredState}} {{.CurrentState}} {{.Error}}").out
    return [line.split(" ", 3) for line in out.splitlines()]


def running(s, service):
    return len([t for t in tasks(s, service) if t[1] == "Running" and t[2].startswith("Running")])


def containers(s, service=""):
    return s.davit("container", "ls", "-q", "--no-trunc", "--filter", "name=x_" + service).out.split()


def starts(s, service=None):
    with open("/var/lib/davit/volumes/x_data/_data/starts", encoding="ascii") as f:
        lines = f.read().split()
    return len(lines) if service is None else lines.count(service)


def all_run(s, once):
    s.eventually("both tasks of web run", lambda: running(s, "web") == 2, within=30)
    s.eventually("and deaf", lambda: running(s, "deaf") == 1, within=30)
    s.equal("of one that never starts again", once, len(containers(s, "once")))


def address(s):
    out = s.davit("service", "inspect", "x_web").out
    return json.loads(out)[0]["Endpoint"]["VirtualIPs"]


def shut_down(s):
    s.davit("system", "shutdown", cwd="/", within=60)
    s.equal("nothing runs", [], containers(s))


def answers(s):
    """The service's name leads to a virtual address in each task, and the published port is the service's."""
    for container in containers(s, "web"):
        s.davit("container", "exec", container, "nslookup", "web.", exit=None, out=address(s)[0]["Addr"].split("/")[0])


def garble_steps():
    """What was compiled in another boot is no use in this one."""
    for path in glob.glob("/var/lib/davit/swarm/services/*/templates/*/plan.bin"):
        with open(path, "wb") as f:
            f.write(b"of another boot")


def failures(s):
    return [t for t in tasks(s, "web") if "the machine went down" in t[3]]


with Scenario("boot_stack", project="x") as s:
    s.images("busybox")
    before = s.listing()
    s.write("stack.yaml", STACK)
    s.davit("stack", "deploy", "-c", "stack.yaml", "x")
    all_run(s, once=1)
    known = address(s)

    # The machine goes down: what has ended is followed by nothing, and what was about to begin does not.
    s.eventually("slow has failed, and waits", lambda: starts(s, "slow") >= 2)
    shut_down(s)
    count = starts(s)
    time.sleep(2.5)
    s.equal("no task takes their place", count, starts(s))
    s.equal("nothing runs", [], containers(s))
    s.eventually("nor does the supervisor stay", lambda: s.pids(SUPERVISOR) == [], within=20)
    s.equal("the tasks say why", 2, len(failures(s)))
    s.davit("system", "shutdown", cwd="/")
    s.equal("once more is nothing", count, starts(s))

    # It does not go down after all.
    s.davit("system", "boot", cwd="/", within=60)
    all_run(s, once=0)
    s.equal("with the same addresses", known, address(s))
    answers(s)
    shut_down(s)
    s.davit("system", "boot", cwd="/", within=60)  # the supervisor is there yet
    all_run(s, once=0)
    shut_down(s)
    s.davit("service", "update", "-d", "--label-add", "a=b", "x_web")
    all_run(s, once=0)

    # A boot whose control groups are others.
    shut_down(s)
    reboot.crash(s)
    garble_steps()
    s.davit("system", "boot", cwd="/", within=60)
    all_run(s, once=0)
    s.equal("with the same addresses", known, address(s))
    answers(s)

    # The power fails, and somebody comes to the stack before its boot does.
    reboot.crash(s)
    garble_steps()
    s.davit("service", "scale", "-d", "x_web=3")
    s.eventually("a third task runs", lambda: running(s, "web") == 3, within=30)
    s.equal("none of it counted as an attempt", [], [t for t in tasks(s, "web") if t[2].startswith("Failed") and t not in failures(s)])
    s.davit("system", "boot", cwd="/", within=60)
    s.eventually("deaf as well", lambda: running(s, "deaf") == 1)

    # A supervisor that is killed in the middle of it is followed by one that knows.
    count = starts(s)
    going = s.start("system", "shutdown", "--timeout", "5")
    s.eventually("it has begun", lambda: len(containers(s, "web")) == 0)
    for pid in s.pids(SUPERVISOR):
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            pass
    s.equal("the shutdown ends", 0, going.wait(30))
    s.eventually("nothing runs", lambda: containers(s) == [])
    time.sleep(1)
    s.check("and nothing has begun", starts(s) - count <= starts(s, "slow"), starts(s) - count)
    s.equal("web neither", [], containers(s, "web"))

    s.davit("stack", "rm", "x")
    s.eventually("no container", lambda: s.davit("container", "ls", "-aq").out == "", within=20)
    s.eventually("no supervisor", lambda: s.pids(SUPERVISOR) == [], within=20)
    s.davit("volume", "rm", "x_data")
    reboot.end()
    s.nothing_left(before, but=("cache",))
