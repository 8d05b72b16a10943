"""Swarm's objects without a supervisor: configs, secrets, the node, the swarm itself; listings of records made by hand."""
import json
import os
import re
import time

from harness import Scenario

STATE = "/var/lib/davit"
NODE = None


def object_id(start):
    return start + "0" * (25 - len(start))


def put(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(value if isinstance(value, str) else json.dumps(value))


def add_service(name, start, stack="", mode=None, ports=(), created=None, **container):
    spec = {"Name": name, "Labels": {"com.docker.stack.namespace": stack} if stack else {},
            "TaskTemplate": {"ContainerSpec": {"Image": "busybox:latest", **container}},
            "Mode": mode or {"Replicated": {"Replicas": 1}}}
    if ports:
        spec["EndpointSpec"] = {"Mode": "vip", "Ports": list(ports)}
    service = {"id": object_id(start), "project": f"stack.{stack}" if stack else "swarm.services", "version": 3, "spec_version": 1,
               "created_at": created or time.time_ns(), "updated_at": time.time_ns(), "spec": spec, "ports": list(ports)}
    put(f"{STATE}/swarm/services/{service['id']}/service.json", service)
    return service["id"]


def add_task(service, start, slot, state="running", desired="running", ago=5, **more):
    now = time.time_ns() - ago * 10**9
    task = {"id": object_id(start), "service_id": service, "slot": slot, "spec_version": 1, "image": "busybox:latest", "created_at": now,
            "updated_at": now, "state_since": now, "state": state, "desired": desired, "node_id": NODE, **more}
    put(f"{STATE}/swarm/services/{service}/tasks/{task['id']}.json", task)
    return task["id"]


def rows(text):
    return [re.split(r" {2,}", line.strip()) for line in text.splitlines()]


def implicit(s):
    """The first object makes the machine a swarm, and says so; the last one ends it."""
    for words in ("service ls", "stack ls", "node ls", "config ls", "secret ls"):
        s.equal(words, "", s.davit(*words.split(), exit=1, err="not a swarm manager").out)
    s.equal("no swarm", "inactive\n", s.davit("info", "--format", "{{.Swarm.LocalNodeState}}").out)
    s.davit("swarm", "leave", exit=1, err="not part of a swarm")
    first = s.davit("config", "create", "c", "-", stdin="x", err="swarm of one node")
    s.check("an id alone", re.fullmatch(r"[0-9a-z]{25}\n", first.out), first.out)
    s.equal("said once", "", s.davit("secret", "create", "c", "-", stdin="x").err)
    s.davit("config", "rm", "c")
    s.davit("secret", "ls")
    s.davit("secret", "rm", "c")
    s.davit("secret", "ls", exit=1)


def configs(s):
    s.write("f.txt", "content\n")
    a = s.davit("config", "create", "t-a", "f.txt").out.strip()
    s.davit("config", "create", "--label", "l=v", "t-b", "-", stdin="from stdin")
    s.equal("columns", [["ID", "NAME", "CREATED", "UPDATED"]], rows(s.davit("config", "ls").out)[:1])
    s.equal("by label", "t-b l=v\n", s.davit("config", "ls", "--filter", "label=l=v", "--format", "{{.Name}} {{.Labels}}").out)
    s.equal("ids", a + "\n", s.davit("config", "ls", "-q", "--filter", "name=t-a").out)
    s.equal("bytes", 't-b {"l":"v"} from stdin\n',
            s.davit("config", "inspect", "t-b", "--format", '{{.Spec.Name}} {{json .Spec.Labels}} {{printf "%s" .Spec.Data}}').out)
    document = json.loads(s.davit("config", "inspect", a[:6]).out)[0]
    s.equal("document", ({}, "Y29udGVudAo=", "t-a"), (document["Spec"]["Labels"], document["Spec"]["Data"], document["Spec"]["Name"]))
    s.davit("config", "inspect", "--pretty", "t-a", out=r"^Data:\ncontent$")
    s.equal("unknown", "[]\n", s.davit("config", "inspect", "nosuch", exit=1, err="config nosuch not found").out)
    s.davit("config", "create", "t-a", "f.txt", exit=1, err="config t-a already exists")
    s.davit("config", "create", "t-c", "nofile", exit=1, err="nofile")
    s.davit("config", "create", "bad name", "f.txt", exit=1, err="invalid name")
    s.davit("config", "create", "t-a", exit=1)
    s.davit("config", "ls", "--bogus", exit=125, err="unknown flag")
    s.davit("config", "ls", "--filter", "bogus=x", exit=1, err="invalid filter 'bogus'")
    s.equal("compose's own", True, "services" in s.davit("config", "--help").out)
    s.davit("secret", "create", "t-s", "f.txt")
    s.equal("a secret shows no data", False, "Y29udGVudAo" in s.davit("secret", "inspect", "t-s").out)
    s.equal("columns", ["ID", "NAME", "DRIVER", "CREATED", "UPDATED"], rows(s.davit("secret", "ls").out)[0])
    service = add_service("user", "u", Configs=[{"File": {"Name": "/a", "UID": "0", "GID": "0", "Mode": 292}, "ConfigID": a, "ConfigName": "t-a"}])
    s.davit("config", "rm", "t-a", "t-b", exit=1, out="^t-b$", err="config 't-a' is in use by the following service: user")
    os.remove(f"{STATE}/swarm/services/{service}/service.json")
    s.equal("removed", "t-a\n", s.davit("config", "rm", "t-a").out)
    s.davit("secret", "rm", "t-s")


def node(s):
    name = os.uname().nodename
    s.equal("columns", "ID HOSTNAME STATUS AVAILABILITY MANAGER STATUS ENGINE VERSION".split(),
            " ".join(rows(s.davit("node", "ls").out)[0]).split())
    s.equal("self", [NODE, "*", name], s.davit("node", "ls").out.splitlines()[1].split()[:3])
    s.equal("inspect", f"manager active ready linux {name}\n", s.davit("node", "inspect", "self", "--format",
            "{{.Spec.Role}} {{.Spec.Availability}} {{.Status.State}} {{.Description.Platform.OS}} {{.Description.Hostname}}").out)
    engine = s.davit("node", "ls", "--format", "{{.EngineVersion}}").out
    s.equal("its engine's version is a number of Docker's", True, bool(re.match(r"\d+\.\d+\.\d+\+davit", engine)))
    s.equal("and the same everywhere", engine, s.davit("node", "inspect", "self", "--format", "{{.Description.Engine.EngineVersion}}").out)
    s.equal("update", NODE + "\n", s.davit("node", "update", "--label-add", "zone=a", NODE).out)
    s.equal("label", "a\n", s.davit("node", "inspect", "self", "--format", '{{index .Spec.Labels "zone"}}').out)
    s.equal("filter", f"{name}\n", s.davit("node", "ls", "--filter", "node.label=zone=a", "--format", "{{.Hostname}}").out)
    s.equal("filter", "", s.davit("node", "ls", "-q", "--filter", "role=worker").out)
    s.davit("node", "update", "--label-rm", "zone", "self")
    for words in ("update --role worker", "demote"):
        s.davit("node", *words.split(), NODE, exit=1, err="attempting to demote the last manager of the swarm")
    s.davit("node", "rm", NODE, exit=1, err="is a cluster manager")
    s.davit("node", "update", "--availability", "bogus", NODE, exit=1, err='invalid Availability: "bogus"')
    s.davit("node", "promote", NODE, out="already a manager")
    s.davit("node", "inspect", "--pretty", "self", out=r"^Hostname: +\t")
    s.davit("swarm", "init", exit=1, err="already part of a swarm")
    s.davit("swarm", "join", "--token", "x", "127.0.0.1:1", exit=1, err="already part of a swarm")
    s.davit("swarm", "leave", exit=1, err="Removing the last manager")
    s.davit("swarm", "join-token", "-q", "worker", out="^SWMTKN-")
    s.davit("swarm", "join-token", "--rotate", "worker", out="^Successfully rotated worker join token.\n\n")
    s.davit("swarm", "unlock-key", "--rotate", exit=1, err="cannot rotate because autolock is not turned on")
    s.davit("swarm", "ca", "--cert-expiry", "1h", exit=1, err="`--cert-expiry` flag requires the `--rotate` flag")
    s.davit("swarm", "update", "--cert-expiry", "10m", exit=1, err="minimum certificate expiry time is: 1h0m0s")
    s.davit("swarm", "bogus", exit=1)


def listings(s):
    web = add_service("x_web", "w", "x", {"Replicated": {"Replicas": 2}}, [{"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "ingress"}])
    db = add_service("x_db", "d", "x")
    add_service("alone", "a", mode={"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}})
    add_task(web, "t1", 1)
    add_task(web, "t0", 1, "failed", "shutdown", ago=90, error="task: non-zero exit (1) and more of it")
    add_task(web, "t2", 2, "starting")
    add_task(db, "t3", 1, "pending", node_id="", error="no suitable node (scheduling constraints not satisfied on 1 node)")
    name = os.uname().nodename
    s.equal("service ls", [["ID", "NAME", "MODE", "REPLICAS", "IMAGE", "PORTS"],
                           ["a00000000000", "alone", "replicated job", "0/1 (0/1 completed)", "busybox:latest"],
                           ["d00000000000", "x_db", "replicated", "0/1", "busybox:latest"],
                           ["w00000000000", "x_web", "replicated", "1/2", "busybox:latest", "*:8080->80/tcp"]], rows(s.davit("service", "ls").out))
    s.equal("modes", "alone\n", s.davit("service", "ls", "--filter", "mode=replicated-job", "--format", "{{.Name}}").out)
    s.equal("name is a prefix", "x_db\nx_web\n", s.davit("service", "list", "--filter", "name=x", "--format", "{{.Name}}").out)
    s.equal("stack ls", '{"Name":"x","Services":"2"}\n', s.davit("stack", "ls", "--format", "json").out)
    s.davit("stack", "ls", "--format", "{{.Bogus}}", exit=1)
    s.equal("services", "x_db 0/1\nx_web 1/2\n", s.davit("stack", "services", "--format", "{{.Name}} {{.Replicas}}", "x").out)
    s.equal("unknown stack", "", s.davit("stack", "services", "nosuch", err="Nothing found in stack: nosuch").out)
    s.davit("stack", "ps", "nosuch", exit=1, err="nothing found in stack: nosuch")
    s.davit("stack", "ps", exit=1)
    s.equal("the tree", ["x_web.1", "\\_ x_web.1", "x_web.2"], [r[1] for r in rows(s.davit("service", "ps", "x_web").out)[1:]])
    s.equal("no tree", "x_web.1\nx_web.1\nx_web.2\n", s.davit("service", "ps", "--format", "{{.Name}}", "x_web").out)
    s.equal("states", f"|Running|Pending <ago>|\"no suitable node (scheduling …\"\n{name}|Running|Running <ago>|\n"
            f"{name}|Shutdown|Failed <ago>|\"task: non-zero exit (1) and m…\"\n{name}|Running|Starting <ago>|\n",
            re.sub(r"(\d+ seconds|about a minute) ago", "<ago>", s.davit("stack", "ps", "x", "--format", "{{.Node}}|{{.DesiredState}}|{{.CurrentState}}|{{.Error}}").out))
    s.equal("filters", "x_web.2\n", s.davit("stack", "ps", "x", "--filter", "name=x_web.2", "--format", "{{.Name}}").out)
    s.equal("ids", object_id("t0") + "\n", s.davit("stack", "ps", "x", "-q", "--no-trunc", "--filter", "desired-state=shutdown").out)
    s.davit("stack", "ps", "x", "--filter", "desired-state=bogus", exit=1, err="Invalid desired-state filter: 'bogus'")
    s.equal("some unknown", "x_db.1\n", s.davit("service", "ps", "x_db", "nosuch", "--format", "{{.Name}}", exit=1, err="no such service: nosuch").out)
    s.equal("of the node", "x_web.1\nx_web.1\nx_web.2\n", s.davit("node", "ps", "--format", "{{.Name}}").out)
    s.equal("unresolved", f"{web}.2 {NODE}\n", s.davit("service", "ps", "x_web", "--no-resolve", "--filter", "name=x_web.2", "--format", "{{.Name}} {{.Node}}").out)
    return web


def documents(s, web):
    s.equal("fields that are left out", '2 [] false null x\n'.replace("[] ", "null "), s.davit("service", "inspect", "-f",
            "{{.Spec.Mode.Replicated.Replicas}} {{json .Spec.TaskTemplate.ContainerSpec.Secrets}} {{.Spec.TaskTemplate.ContainerSpec.TTY}} "
            "{{json .Spec.TaskTemplate.ContainerSpec.Env}} {{index .Spec.Labels \"com.docker.stack.namespace\"}}", "x_web").out)
    s.equal("some unknown", "x_web\n", s.davit("service", "inspect", "x_web", "nosuch", "-f", "{{.Spec.Name}}", exit=1).out)
    s.equal("all unknown", "[]\n", s.davit("service", "inspect", "nosuch", exit=1, err="no such service: nosuch").out)
    s.equal("bad field", "\n", s.davit("service", "inspect", "-f", "{{.Bogus}}", "x_web", exit=1).out)
    s.equal("no template", "", s.davit("service", "inspect", "-f", "{{.Bogus", "x_web", exit=1).out)
    s.davit("service", "inspect", "--pretty", web[:3], out=r"^Service Mode:\tReplicated$")


def logs(s, web):
    container, task = "c" * 64, add_task(web, "t9", 3, container_id="c" * 64)
    path = f"{STATE}/projects/stack.x/containers/{container}"
    put(f"{path}/record.json", {"format": 1, "id": container, "name": f"x_web.3.{task}", "project": "stack.x", "service": "web", "image": "busybox"})
    put(f"{path}/log/{container}-json.log", "".join(
        json.dumps({"log": text + "\n", "stream": stream, "time": f"2026-01-01T00:00:0{n}Z"}, separators=(",", ":")) + "\n"
        for n, (text, stream) in enumerate([("out", "stdout"), ("err", "stderr"), ("two", "stdout")])))
    both = s.davit("service", "logs", "x_web")
    head = f"x_web.3.{task[:12]}@{os.uname().nodename}    | "
    s.equal("prefix", f"{head}out\n{head}two\n", both.out)
    s.equal("errors", f"{head}err\n", both.err)
    s.equal("raw", "two\n", s.davit("service", "logs", "--raw", "--tail", "1", "x_web").out)
    s.equal("none", "", s.davit("service", "logs", "--raw", "-n", "0", "x_web").out)
    s.equal("time", "2026-01-01T00:00:00.000000000Z out", s.davit("service", "logs", "--raw", "-t", "x_web").out.splitlines()[0])
    s.equal("of a task", "out\ntwo\n", s.davit("service", "logs", "--raw", task).out)
    s.equal("names", f"x_web.3@{os.uname().nodename}    | out", s.davit("service", "logs", "--no-task-ids", "x_web").out.splitlines()[0])
    s.equal("without tasks", "", s.davit("service", "logs", "alone").out)
    s.davit("service", "logs", "nosuch", exit=1, err="no such task or service: nosuch")


with Scenario("swarm_objects") as s:
    implicit(s)
    s.davit("swarm", "init", out="Swarm initialized")
    NODE = s.davit("node", "ls", "-q").out.strip()
    configs(s)
    node(s)
    web = listings(s)
    documents(s, web)
    logs(s, web)
