"""After a reboot what should run does, by Docker's rules, in order and health-gated; before one everything stops in order."""
import glob
import json
import os
import re
import time

import reboot
from harness import Scenario

WELL_BEHAVED = "trap 'touch /v/$$NAME.end; exit 0' TERM; touch /v/$$NAME.begin; while :; do sleep 0.05; done"
SHOP = """
x-one: &one {image: busybox, command: [sh, -c, "%s"], volumes: ["data:/v"], restart: always}
services:
  db: {<<: *one, environment: {NAME: db}, healthcheck: {test: [CMD, test, -e, /v/ready], interval: 1s, start_period: 60s, start_interval: 0.2s}}
  web: {<<: *one, environment: {NAME: web}, depends_on: {db: {condition: service_healthy}}, ports: ["8089:80"], secrets: [file]}
  proxy: {<<: *one, environment: {NAME: proxy}, depends_on: [web]}
volumes: {data: {}}
secrets: {file: {file: ./secret.txt}}
""" % WELL_BEHAVED

# service: policy, command; then what is done to it
RULES = """
x-one: &one {image: busybox, command: [sleep, "1000"], stop_signal: KILL}
services:
  never: {<<: *one}
  always: {<<: *one, restart: always}
  always-stopped: {<<: *one, restart: always}
  unless: {<<: *one, restart: unless-stopped}
  unless-stopped: {<<: *one, restart: unless-stopped}
  failed: {<<: *one, restart: on-failure}
  failed-before: {<<: *one, restart: "on-failure:1", command: [sh, -c, "exit 3"]}
  done: {<<: *one, restart: on-failure, command: ["true"]}
"""
EXPECTED = {"never": "exited", "always": "running", "always-stopped": "running", "unless": "running", "unless-stopped": "exited",
            "failed": "running", "failed-before": "exited", "done": "exited"}

BROKEN = """
services:
  keyed: {image: busybox, command: [sleep, "1000"], stop_signal: KILL, restart: always, secrets: [key]}
  needs: {image: busybox, command: [sleep, "1000"], stop_signal: KILL, restart: always, depends_on: [keyed]}
  alone: {image: busybox, command: [sleep, "1000"], stop_signal: KILL, restart: always}
secrets: {key: {environment: THE_KEY}}
"""


def states(s, project):
    out = s.davit("-p", project, "ps", "-a", "--format", "json").out
    return {c["Service"]: c["State"] for c in map(json.loads, out.splitlines())}


def volume(s, name):
    return "/var/lib/davit/volumes/shop_data/_data/" + name


def moment(name):
    return os.stat(name).st_mtime_ns


def begun(s):
    """The services of the shop, in the order in which their containers began."""
    services = {c["ID"]: c["Service"] for c in s.ps()}
    times = {}
    for directory in glob.glob("/run/davit/projects/shop/containers/*"):
        with open(directory + "/state.json", encoding="utf-8") as f:
            times[services[os.path.basename(directory)[:12]]] = json.load(f)["started_at"]
    return sorted(times, key=times.get)


def out_of_session(s):
    """Nothing that stays is in a control group of whoever typed the command: a session's end ends its groups."""
    for pid in s.pids(r"davit-(supervisor|shim)"):
        with open(f"/proc/{pid}/cgroup", encoding="ascii") as f:
            for line in f:
                s.check(f"process {pid} has left its caller's groups", "/davit/" in line, line)


def boot(s, exit=0):
    return s.davit("system", "boot", exit=exit, cwd="/", within=120)


with Scenario("boot", project="shop") as s:
    s.images("busybox")
    s.write("compose.yaml", SHOP)
    s.write("secret.txt", "known\n")
    s.write("rules/compose.yaml", RULES)
    s.write("broken/compose.yaml", BROKEN)
    before = s.listing()
    start = s.start("up", "-d")
    s.eventually("db is there", lambda: os.path.exists(volume(s, "db.begin")))
    s.check("web waits", not os.path.exists(volume(s, "web.begin")))
    open(volume(s, "ready"), "w").close()
    s.equal("up ends", 0, start.wait(60))
    s.davit("-p", "rules", "-f", "rules/compose.yaml", "up", "-d")
    s.davit("-p", "rules", "stop", "always-stopped", "unless-stopped")
    s.eventually("the job has failed twice", lambda: states(s, "rules")["failed-before"] == "exited")
    s.davit("-p", "broken", "-f", "broken/compose.yaml", "up", "-d", env={"THE_KEY": "4711"})
    s.davit("run", "-d", "--rm", "--no-deps", "--name", "leftover", "proxy", "sleep", "1000")
    out_of_session(s)

    # The power fails.
    reboot.crash(s)
    os.unlink(volume(s, "ready"))
    for name in ("db", "web", "proxy"):
        os.unlink(volume(s, name + ".begin"))
    s.check("nothing runs", "running" not in states(s, "shop").values())
    plan = s.davit("--dry-run", "system", "boot", cwd="/").out
    s.check("a dry run tells", "start shop-db-1: restart: always" in plan and "remove leftover: left over of run --rm" in plan, plan)
    booting = s.start("system", "boot")
    s.eventually("db is there", lambda: os.path.exists(volume(s, "db.begin")), within=20)
    s.eventually("other projects do not wait for its health", lambda: states(s, "rules") == EXPECTED, within=20)
    s.check("but web does", not os.path.exists(volume(s, "web.begin")))
    open(volume(s, "ready"), "w").close()
    s.equal("one project could not start", 1, booting.wait(60))
    said = booting.stdout.read()
    s.check("it is named, and what to do", re.search(r"^error: project broken: the secret \"key\" of service \"keyed\".*THE_KEY", said, re.M) and
            "THE_KEY=… davit up -d" in said, said)
    s.check("and what that keeps down", "service \"needs\" is not started" in said, said)
    s.equal("what does not need it runs", {"keyed": "exited", "needs": "exited", "alone": "running"}, states(s, "broken"))
    s.equal("the shop runs, and the left-over is gone", {"db": "running", "web": "running", "proxy": "running"}, states(s, "shop"))
    s.equal("in order", ["db", "web", "proxy"], begun(s))
    s.davit("exec", "-T", "web", "cat", "/run/secrets/file", out="known")
    s.davit("exec", "-T", "web", "nslookup", "db.", exit=None, out="Name")
    s.davit("port", "web", "80", out="8089")
    s.davit("-p", "broken", "-f", "broken/compose.yaml", "up", "-d", env={"THE_KEY": "4711"})
    s.davit("-p", "broken", "exec", "-T", "keyed", "cat", "/run/secrets/key", out="4711")
    out_of_session(s)

    # Once more in the same boot: nothing changes, and what is stopped by hand stays so.
    s.davit("-p", "rules", "stop", "always")
    boot(s)
    s.equal("what was stopped by hand in this boot stays down", "exited", states(s, "rules")["always"])
    s.davit("-p", "rules", "start", "always")

    # The machine goes down in order.
    s.davit("system", "shutdown", cwd="/", within=60)
    ends = [moment(volume(s, n + ".end")) for n in ("proxy", "web", "db")]
    s.equal("dependents stop first", sorted(ends), ends)
    s.check("nothing runs", "running" not in list(states(s, "shop").values()) + list(states(s, "rules").values()))
    boot(s)
    s.equal("a shutdown is no stop by the user, also without a reboot", {"db": "running", "web": "running", "proxy": "running"}, states(s, "shop"))
    s.davit("system", "shutdown", cwd="/")
    reboot.crash(s)
    s.check("how it ended is remembered", re.search(r"Exited \(0\)", s.davit("ps", "-a").out))
    boot(s, exit=1)  # the key is gone again
    s.equal("all of it is back", {"db": "running", "web": "running", "proxy": "running"}, states(s, "shop"))
    s.equal("by the rules", {**EXPECTED, "failed": "running"}, states(s, "rules"))

    # Verbs after a reboot.
    reboot.crash(s)
    s.davit("start", within=60)
    s.equal("start starts", {"db": "running", "web": "running", "proxy": "running"}, states(s, "shop"))
    reboot.crash(s)
    s.davit("-p", "broken", "start", exit=1, err="davit up -d")
    s.davit("-p", "broken", "-f", "broken/compose.yaml", "start", env={"THE_KEY": "4712"})
    s.davit("-p", "broken", "exec", "-T", "keyed", "cat", "/run/secrets/key", out="4712")
    s.davit("-p", "broken", "down", "-t", "0")
    s.davit("-p", "rules", "down", "-t", "0")

    # A deadline.
    s.write("compose.yaml", """
services:
  stubborn: {image: busybox, command: [sh, -c, "trap '' TERM; while :; do sleep 0.1; done"], stop_grace_period: 1h, restart: always, depends_on: [under]}
  under: {image: busybox, command: [sh, -c, "trap '' TERM; while :; do sleep 0.1; done"], stop_grace_period: 1h, restart: always}
""")
    s.davit("up", "-d", "--remove-orphans", "-t", "0")
    began = time.monotonic()
    s.davit("system", "shutdown", "--timeout", "2", cwd="/")
    s.check("nobody waits longer than said", time.monotonic() - began < 10)
    s.equal("both are down", {"stubborn": "exited", "under": "exited"}, states(s, "shop"))
    s.davit("system", "install", "--print", out=r"^ExecStop=.*system shutdown --unit %n")
    s.davit("system", "install", exit=1, err="davit system boot")
    s.davit("down", "-v", "-t", "0")
    reboot.end()
    s.nothing_left(before)
