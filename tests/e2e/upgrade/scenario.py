"""An upgrade under running containers: records as earlier releases wrote them are taken over by a supervisor of this one."""
import json
import os
import signal
import subprocess
import time

import older
import reboot
from harness import Scenario

COMPOSE = """
services:
  db:
    image: busybox
    command: [sleep, "100000"]
    stop_signal: KILL
    restart: always
    volumes: ["data:/data"]
    healthcheck: {test: [CMD, test, "!", -e, /data/sick], interval: 300ms, start_period: 1s, retries: 1}
  web:
    image: busybox
    command: [sh, -c, "mkdir /w; hostname >/w/index.html; exec httpd -f -p 80 -h /w"]
    stop_signal: KILL
    hostname: here
    restart: always
    ports: ["18095:80"]
    networks: [default, other]
    depends_on: {db: {condition: service_healthy}}
  job: {image: busybox, command: [sh, -c, "exit 3"]}
volumes: {data: {}}
networks: {other: {}}
"""
STACK = """
services:
  web:
    image: busybox
    command: [sh, -c, "mkdir /w; hostname >/w/index.html; exec httpd -f -p 80 -h /w"]
    stop_signal: KILL
    ports: ["18096:80"]
    deploy: {replicas: 2, restart_policy: {delay: 100ms}}
"""
ANY = r"davit-supervisor .*--project "
TOPS = ["/var/lib/davit", "/run/davit"]


def fetch(port):
    return subprocess.run(["curl", "-s", "-m", "5", f"http://127.0.0.1:{port}/"], stdout=subprocess.PIPE, text=True).stdout.strip()


def pids(s):
    return {c["ID"]: json.loads(s.davit("inspect", c["ID"]).out)[0]["State"]["Pid"] for c in s.ps() if c["State"] == "running" and c["Service"] != "job"}


def upgraded(s, release):
    """Every supervisor dies and none follows, until what is there is as the release has written it."""
    program = os.path.join(os.path.dirname(os.path.realpath(s.binary)), "davit-supervisor")
    reboot.sh("mount", "--bind", "/bin/false", program)
    end = time.monotonic() + 10
    while found := s.pids(ANY):
        reboot.send(found, signal.SIGKILL)
        s.check("they end", time.monotonic() < end)
        time.sleep(0.05)
    touched = older.rewrite(TOPS, release)
    reboot.sh("umount", program)
    return touched


def sound(s, known):
    s.equal("nothing has ended", known, pids(s))
    s.davit("ps", "-a", out=r"job.*Exited \(3\)")
    s.equal("the port leads to it", "here", fetch(18095))
    s.davit("exec", "-T", "web", "nslookup", "db.", exit=None, out="Name")
    s.davit("exec", "-T", "web", "cat", "/w/index.html", out="here")
    s.davit("exec", "-T", "db", "touch", "/data/sick")
    s.eventually("health is followed", lambda: s.healths()["db"] == "unhealthy")
    s.davit("exec", "-T", "db", "rm", "/data/sick")
    s.eventually("both ways", lambda: s.healths()["db"] == "healthy")
    s.davit("up", "-d")
    s.equal("an up finds nothing to do", {i: p for i, p in known.items()}, pids(s))


def replicas(s):
    return s.davit("stack", "services", "x", "--format", "{{.Replicas}}").out.strip()


with Scenario("upgrade", project="shop") as s:
    s.images("busybox")
    before = s.listing()
    s.write("compose.yaml", COMPOSE)
    s.write("stack.yaml", STACK)
    s.davit("up", "-d")
    known = pids(s)
    s.check("records were rewritten", len(upgraded(s, "2026-11-29")) >= 5)
    sound(s, known)
    # What happens next is written down as this release does, and works.
    web = next(c["ID"] for c in s.ps() if c["Service"] == "web")
    os.kill(pids(s)[web], signal.SIGKILL)
    s.eventually("it is started again", lambda: len(pids(s)) == 2 and pids(s)[web] != known[web])
    s.eventually("and answers", lambda: fetch(18095) == "here")
    upgraded(s, "2026-11-29")
    reboot.crash(s)
    s.davit("system", "boot", cwd="/", within=60)
    s.equal("after a reboot what should run does", {"db": "running", "web": "running", "job": "exited"}, s.states())
    s.eventually("and answers", lambda: fetch(18095) == "here")
    s.davit("down", "-v")

    s.davit("stack", "deploy", "-c", "stack.yaml", "x")
    s.eventually("the stack runs", lambda: replicas(s) == "2/2", within=30)
    tasks = {fetch(18096) for _ in range(6)}
    s.equal("two answer", 2, len(tasks))
    s.check("its records as well", len(upgraded(s, "2026-11-30")) >= 1)
    s.davit("service", "scale", "-d", "x_web=3")
    s.eventually("goes on", lambda: replicas(s) == "3/3", within=30)
    s.check("with the tasks it had", tasks < {fetch(18096) for _ in range(9)})
    upgraded(s, "2026-11-30")
    reboot.crash(s)
    s.davit("system", "boot", cwd="/", within=60)
    s.eventually("and over a reboot", lambda: replicas(s) == "3/3", within=30)
    s.eventually("all answer", lambda: len({fetch(18096) for _ in range(12)}) == 3)
    s.davit("stack", "rm", "x")
    s.eventually("nothing runs any more", lambda: not s.davit("container", "ls", "-aq").out, within=30)
    reboot.end()
    s.nothing_left(before, within=10, but=("cache",))
