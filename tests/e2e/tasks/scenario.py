"""Tasks of services without their client: made, restarted, updated and removed by the supervisor, also by one whose predecessor was killed."""
import json
import os
import signal

from harness import Scenario

SUPERVISOR = r"davit-supervisor .*--project stack\.x( |$)"

STACK = """
services:
  web:
    image: busybox
    command: ["sh", "-c", "trap 'exit 0' TERM; cat /conf /run/secrets/pw >/data/$$(hostname); while :; do sleep 0.1; done"]
    hostname: "{{.Service.Name}}-{{.Task.Slot}}"
    environment: {V: "${V}", SLOT: "{{.Task.Slot}}", TASK: "{{.Task.Name}}"}
    volumes: ["data:/data", "/anonymous"]
    configs: [{source: conf, target: /conf, mode: 0440}]
    secrets: [pw]
    deploy:
      replicas: 2
      restart_policy: {delay: 100ms}
      update_config: {monitor: 500ms, delay: 300ms}
volumes: {data: {labels: {k: v}}}
configs: {conf: {file: ./conf, template_driver: golang}}
secrets: {pw: {file: ./pw}}
"""


def tasks(s, service="x_web", *more):
    out = s.davit("service", "ps", service, "--no-trunc", "--format", "{{.ID}} {{.Name}} {{.DesiredState}} {{.CurrentState}} {{.Error}}", *more).out
    return [line.split(" ", 4) for line in out.splitlines()]


def running(s, count, service="x_web"):
    return s.eventually(f"{count} of {service} run", lambda: (
        lambda found: len(found) == count and found)([t for t in tasks(s, service) if t[2:4] == ["Running", "Running"]]), within=20)


def containers(s, *filters):
    out = s.davit("container", "ls", "-q", "--no-trunc", *[w for f in filters for w in ("--filter", f)]).out
    return out.split()


def inside(s, container, script):
    return s.davit("container", "exec", container, "sh", "-c", script).out


def supervisor(s):
    """Not the helpers, which are copies of it and its children."""
    found = s.pids(SUPERVISOR)
    parents = {p: int(open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()[1]) for p in found}
    return next(p for p in found if parents[p] not in found)


def deploy(s, v="1"):
    return s.davit("stack", "deploy", "-c", "stack.yaml", "x", env={"V": v})


def update_state(s, service="x_web"):
    status = json.loads(s.davit("service", "inspect", service).out)[0].get("UpdateStatus") or {}
    return status.get("State")


def made(s):
    """Names, labels, templates, configs, secrets and volumes of a task's container."""
    s.write("stack.yaml", STACK)
    s.write("conf", "slot {{.Task.Slot}} of {{.Service.Name}}, {{env \"V\"}}\n")
    s.write("pw", "hush\n")
    deploy(s)
    running(s, 2)
    one = containers(s, "name=x_web.1.")[0]
    s.equal("templates are filled in", "x_web-1 1 1\n", inside(s, one, "echo $(hostname) $SLOT $V"))
    s.equal("its name is the task's", s.davit("container", "inspect", one, "--format", "{{.Name}}").out.strip().lstrip("/"),
            inside(s, one, "echo $TASK").strip())
    s.equal("a templated config, a secret", "slot 1 of x_web, 1\nhush\n", inside(s, one, "cat /data/x_web-1"))
    s.equal("the config's mode", "440\n", inside(s, one, "stat -c %a /conf"))
    s.equal("a shared volume, and one of its own", "2\n0\n", inside(s, one, "ls /data | wc -l; ls /anonymous | wc -l"))
    s.davit("volume", "inspect", "x_data", out='"k": "v"')
    task = s.davit("service", "ps", "-q", "--no-trunc", "-f", "name=x_web.1", "x_web").out.split()[0]
    address = inside(s, one, "ip -o -4 addr show eth0 | awk '{print $4}'").strip()
    s.equal("where a task is", f"x_default {address}\n", s.davit(
        "docker", "inspect", "-f", "{{range .NetworksAttachments}}{{.Network.Spec.Name}}{{range .Addresses}} {{.}}{{end}}{{end}}", task).out)


def restarted(s):
    """A container that ends, is killed, or is removed by hand is followed by another task."""
    before = {t[0] for t in running(s, 2)}
    s.davit("container", "kill", containers(s, "name=x_web.1.")[0])
    s.eventually("another task in its slot", lambda: len({t[0] for t in running(s, 2)} - before) == 1)
    s.check("the old one failed", any(t[3] == "Failed" and t[4].endswith('"task: non-zero exit (137)"') for t in tasks(s)), tasks(s))
    before = {t[0] for t in running(s, 2)}
    s.davit("container", "rm", "-f", containers(s, "name=x_web.2.")[0])
    s.eventually("another task for what was removed", lambda: len({t[0] for t in running(s, 2)} - before) == 1)


def killed_between(s):
    """kill -9 of the supervisor in the middle of an update: its successor completes it."""
    deploy(s, "2")
    s.eventually("the update is under way", lambda: update_state(s) == "updating")
    old = supervisor(s)
    os.kill(old, signal.SIGKILL)
    s.eventually("the update is completed", lambda: update_state(s) == "completed", within=30)
    s.check("by another supervisor", old != supervisor(s), old)
    running(s, 2)
    for container in containers(s, "label=com.docker.swarm.service.name=x_web"):
        s.equal("the new version", "2\n", inside(s, container, "echo $V"))


def ended_unseen(s):
    """What ends while there is no supervisor is seen by the next."""
    before = {t[0] for t in running(s, 2)}
    init = s.pids(r"^sh -c trap 'exit 0' TERM")[0]
    old = supervisor(s)
    os.kill(old, signal.SIGSTOP)
    os.kill(init, signal.SIGKILL)
    os.kill(old, signal.SIGKILL)
    s.eventually("another task in its slot", lambda: len({t[0] for t in running(s, 2)} - before) >= 1, within=20)


def refused(s):
    """What cannot run says why, in the task; an unknown template when the service is made."""
    s.davit("service", "create", "-d", "--name", "y", "--restart-condition", "none", "busybox", "nosuch")
    s.eventually("no such program", lambda: any(t[3] == "Failed" for t in tasks(s, "y")))
    s.davit("service", "create", "-d", "--name", "z", "--restart-condition", "none", "--mount", "type=bind,source=/no/such,target=/x",
            "busybox", "true")
    s.eventually("no such directory", lambda: any("bind source path does not exist: /no/such" in t[4] for t in tasks(s, "z")))
    s.davit("service", "create", "-d", "--name", "w", "--hostname", "{{.Nope}}", "busybox", exit=1, err="can't evaluate field Nope")
    s.davit("service", "create", "-d", "--name", "y", "busybox", exit=1, err="service y already exists")
    s.davit("network", "create", "local")
    s.davit("service", "create", "-d", "--name", "w", "--network", "local", "busybox", exit=1, err="network local not found")
    s.davit("network", "rm", "local")
    s.davit("service", "create", "-d", "--name", "h", "--network", "host", "--stop-grace-period", "0s", "busybox", "sleep", "600")
    s.eventually("on the host's network", lambda: any(t[3] == "Running" for t in tasks(s, "h")))
    s.davit("service", "create", "-d", "--name", "d", "--restart-condition", "none", "--workdir", "/etc/passwd", "busybox", "true")
    s.eventually("a file for a directory", lambda: any(t[3] == "Rejected" and "Cannot mkdir: /etc/passwd is not a directory" in t[4] for t in tasks(s, "d")))
    s.davit("service", "create", "-d", "--name", "k", "--restart-condition", "none", "--sysctl", "foo.bar=1", "busybox", "true")
    s.eventually("a sysctl of the machine", lambda: any(t[3] == "Failed" and 'runc create failed: sysctl "foo.bar"' in t[4] for t in tasks(s, "k")))
    s.davit("config", "create", "--template-driver", "golang", "bad", "-", stdin='a\n{{secret "zz"}}')
    s.davit("service", "create", "-d", "--name", "c", "--restart-condition", "none", "--config", "bad", "busybox", "true")
    s.eventually("a template that asks for what the task has not", lambda: any(
        t[3] == "Failed" and 'template: expansion:2:2: executing "expansion" at <secret "zz">: error calling secret: secret target zz not found' in t[4]
        for t in tasks(s, "c")))
    s.davit("swarm", "update", "--task-history-limit", "1", out="Swarm updated")
    s.davit("service", "create", "-d", "--name", "l", "--restart-delay", "10ms", "busybox", "false")
    first = s.eventually("a task", lambda: tasks(s, "l"))[0][0]
    s.eventually("which is forgotten", lambda: first not in [t[0] for t in tasks(s, "l")])
    s.equal("as others are, but one that ends now", True, len(tasks(s, "l")) <= 2)
    s.davit("swarm", "update", "--task-history-limit", "5")
    s.davit("service", "rm", "y", "z", "h", "d", "k", "c", "l")
    s.davit("config", "rm", "bad")


def gone(s):
    """stack rm: everything but the volume, without waiting for it."""
    s.davit("stack", "rm", "x", out="Removing service x_web\nRemoving secret x_pw\nRemoving config x_conf\nRemoving network x_default")
    s.davit("service", "ls", exit=1, err="not a swarm manager") # the last object has taken the swarm with it
    s.eventually("no container", lambda: containers(s) == [], within=20)
    s.eventually("no network", lambda: s.davit("network", "ls", "-q", "--filter", "name=x_").out == "")
    s.eventually("no supervisor", lambda: s.pids(SUPERVISOR) == [])
    s.equal("no records", [], os.listdir("/var/lib/davit/swarm/services") if os.path.isdir("/var/lib/davit/swarm/services") else [])
    s.davit("volume", "rm", "x_data")


with Scenario("tasks") as scenario:
    scenario.images("busybox")
    for step in (made, restarted, killed_between, ended_unseen, refused, gone):
        step(scenario)
