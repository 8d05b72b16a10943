"""An ECS task definition runs here: one network for all of a task, essential, dependsOn, secrets, the metadata endpoint, revisions."""
import glob
import json
import os
import signal

from harness import SOURCE, Scenario

HTTPD = "mkdir -p /w; echo data > /w/index.html; exec httpd -f -p {} -h /w"
TASK = {
    "family": "Shop",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "512",
    "memory": "256",
    "volumes": [{"name": "shared"}],
    "containerDefinitions": [
        {"name": "prepare", "image": "busybox", "essential": False, "command": ["sh", "-c", "echo made > /v/made; exit 3"],
         "mountPoints": [{"sourceVolume": "shared", "containerPath": "/v"}]},
        {"name": "data", "image": "busybox", "command": ["sh", "-c", "sleep 0.5; touch /ready; " + HTTPD.format(4000)],
         "healthCheck": {"command": ["CMD-SHELL", "test -e /ready"], "interval": 1, "retries": 10},
         "secrets": [{"name": "DB_PASSWORD", "valueFrom": "arn:aws:secretsmanager:us-east-1:1:secret:db"}],
         "stopTimeout": 1},
        {"name": "app", "image": "busybox", "memory": 64, "stopTimeout": 1,
         "entryPoint": ["sh", "-c"], "command": ["wget -q -O /first http://localhost:4000/; " + HTTPD.format(80)],
         "portMappings": [{"containerPort": 80, "hostPort": 18080}],
         "mountPoints": [{"sourceVolume": "shared", "containerPath": "/v", "readOnly": True}],
         "dependsOn": [{"containerName": "data", "condition": "HEALTHY"}, {"containerName": "prepare", "condition": "COMPLETE"}]},
        {"name": "side", "image": "busybox", "essential": False, "command": ["sleep", "1000"], "stopTimeout": 1,
         "dependsOn": [{"containerName": "app", "condition": "START"}]},
    ],
}
FETCH = "wget -q -O - %s"

with Scenario("ecs", project="shop") as s:
    s.images("busybox")
    s.write("task.json", json.dumps(TASK, indent=1))

    def davit(*words, **more):
        return s.davit("-f", "task.json", *words, **more)

    def inside(service, command):
        return davit("exec", "-T", service, "sh", "-c", command, exit=None)

    def states():
        return {c["Service"]: c["State"] for c in map(json.loads, davit("ps", "-a", "--format", "json").out.splitlines())}

    # ---- secrets
    davit("up", "-d", exit=1, err=r"task\.json:\d+:\d+: containerDefinitions\[1\]\.secrets\[0\]\.name: the secret 'DB_PASSWORD' has no value here")
    s.equal("nothing has begun", [], s.davit("-p", "shop", "ps", "-a", "-q").out.split())
    s.write(".env", "DB_PASSWORD=from-the-file\n")

    # ---- the task
    up = davit("up", "-d")
    s.equal("all of the task runs, what prepared it has ended", {"prepare": "exited", "data": "running", "app": "running", "side": "running",
                                                                 "pause": "running"}, states())
    s.equal("the secret is .env's", "from-the-file", inside("data", "echo $DB_PASSWORD").out.strip())
    s.equal("HEALTHY: app came when data served, by localhost", "data", inside("app", "cat /first").out.strip())
    s.equal("COMPLETE: whatever the exit code was", "made", inside("app", "cat /v/made").out.strip())
    s.check("the mount is read-only", inside("app", "touch /v/x").code != 0)
    s.equal("one network: localhost is the same for all", "data", inside("side", FETCH % "http://localhost:4000/").out.strip())
    s.eventually("published on the machine", lambda: s.run("curl", "-s", "--noproxy", "*", "-m2", "http://127.0.0.1:18080/").out.strip() == "data")
    s.equal("a second up changes nothing", 0, davit("up", "-d").code)
    limit = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null"
    s.equal("a limit of its own", str(64 << 20), inside("app", limit).out.strip())
    s.equal("the task's where it has none", str(256 << 20), inside("data", limit).out.strip())

    # One group around all of the task's: what all of them use together is bound by the task's limits.
    group = glob.glob("/sys/fs/cgroup/davit/shop/task-Shop/memory.max") or glob.glob("/sys/fs/cgroup/memory/davit/shop/task-Shop/memory.limit_in_bytes")
    s.equal("the group of the task", [str(256 << 20)], [open(g, encoding="ascii").read().strip() for g in group])
    quota = glob.glob("/sys/fs/cgroup/davit/shop/task-Shop/cpu.max") or glob.glob("/sys/fs/cgroup/cpu*/davit/shop/task-Shop/cpu.cfs_quota_us")
    s.equal("its CPUs", {"50000"}, {open(g, encoding="ascii").read().split()[0] for g in quota})
    s.equal("all are in it, what holds the network too", 4, len(glob.glob(os.path.dirname(group[0]) + "/*/cgroup.procs")))
    s.equal("nothing of it is a leak", "", "\n".join(l for l in s.davit("system", "doctor", exit=None).out.splitlines() if "control group" in l))

    # ---- the metadata endpoint
    def metadata(service, more=""):
        return json.loads(inside(service, FETCH % ("$ECS_CONTAINER_METADATA_URI_V4" + more)).out)

    own = metadata("app")
    s.equal("it knows the container", ("app", "RUNNING", "busybox"), (own["Name"], own["KnownStatus"], own["Image"]))
    s.check("and its address", own["Networks"][0]["IPv4Addresses"][0].count(".") == 3 and own["Networks"][0]["NetworkMode"] == "awsvpc")
    task = metadata("side", "/task")
    s.equal("the task has its containers", ["app", "data", "prepare", "side"], sorted(c["Name"] for c in task["Containers"]))
    s.equal("and its limits", ("Shop", {"CPU": 0.5, "Memory": 256}), (task["Family"], task["Limits"]))
    used = metadata("app", "/stats")
    s.check("what it uses", used["memory_stats"]["usage"] > 0 and used["memory_stats"]["limit"] == 64 << 20 and used["pids_stats"]["current"] >= 1, str(used))
    all_used = metadata("app", "/task/stats")
    s.equal("what all of them use, by container", {True: 3, False: 1}, {runs: [bool(v) for v in all_used.values()].count(runs) for runs in (True, False)})
    s.check("the second sample knows the first", all_used[used["id"]]["preread"] == used["read"], str(all_used))
    s.check("nobody else's id is answered", inside("app", FETCH % "http://169.254.170.2/v4/0000").code != 0)
    s.check("port 80 of the task is its own: app serves it", inside("side", FETCH % "http://localhost/").out.strip() == "data")

    # ---- what is not essential comes and goes
    davit("kill", "side")
    s.eventually("side ends alone", lambda: states()["side"] == "exited" and states()["app"] == "running")
    davit("restart", "-t", "1", "data")
    s.eventually("a restart of an essential one is no end", lambda: inside("app", FETCH % "http://localhost:4000/").out.strip() == "data")
    s.equal("the others stay", "running", states()["app"])

    # ---- the supervisor goes, and another comes
    for pid in s.pids(r"^\S*davit-supervisor --project shop"):
        os.kill(pid, signal.SIGKILL)
    s.eventually("the endpoint is served again", lambda: metadata("app")["Name"] == "app")

    # ---- essential stops all
    def ends(number):
        """The n-th app dies of itself."""
        os.kill(s.pids(r"^httpd -f -p 80 ")[number], signal.SIGKILL)

    ends(0)
    s.eventually("the end of an essential container is the task's", lambda: set(states().values()) == {"exited"})
    davit("up", "-d")
    s.equal("up begins it again", "running", states()["app"])

    # ---- revisions
    first = json.loads(s.davit("ecs", "register", "task.json").out)["taskDefinition"]
    s.equal("the first revision", ("arn:aws:ecs:local:000000000000:task-definition/Shop:1", 1, "ACTIVE"),
            (first["taskDefinitionArn"], first["revision"], first["status"]))
    TASK["containerDefinitions"][3]["command"] = ["sleep", "2000"]
    s.write("task2.json", json.dumps(TASK))
    s.davit("ecs", "register", "--cli-input-json", "file://task2.json")
    s.equal("a list", [first["taskDefinitionArn"], first["taskDefinitionArn"][:-1] + "2"], json.loads(s.davit("ecs", "list").out)["taskDefinitionArns"])
    described = json.loads(s.davit("ecs", "describe", "Shop:1").out)["taskDefinition"]
    s.equal("a revision never changes", ["sleep", "1000"], described["containerDefinitions"][3]["command"])
    s.davit("-f", "ecs:Shop", "up", "-d")
    s.equal("the second one runs", "2000", inside("side", "cat /proc/1/cmdline | tr '\\0' ' '").out.split()[-1])
    s.equal("it knows its revision", "2", metadata("app", "/task")["Revision"])
    s.davit("-f", "ecs:Shop:1", "up", "-d")
    s.equal("the way back", "1000", inside("side", "cat /proc/1/cmdline | tr '\\0' ' '").out.split()[-1])
    s.davit("ecs", "deregister", "Shop:2")
    s.equal("what is inactive is not meant", 1, json.loads(s.davit("ecs", "describe", "Shop").out)["taskDefinition"]["revision"])
    s.davit("ecs", "describe", "Shop:3", exit=None, err="there is no task definition Shop:3")
    s.write("bad.json", '{"family": "x",\n "containerDefinitions": [{"name": "a", "image": "i", "command": "sh"}]}')
    s.davit("ecs", "register", "bad.json", exit=1, err=r"bad\.json:2:\d+: containerDefinitions\[0\]\.command: must be a list")

    davit("down", "-v", "-t", "1")
    before = s.listing()

    # ---- two of it
    s.write("service.json", '{"serviceName": "shop", "taskDefinition": "Shop", "desiredCount": 2}')
    s.davit("-f", "task.json", "-f", "service.json", "up", "-d")
    ids = [s.davit("-f", "task.json", "-f", "service.json", "exec", "-T", n, "cat", "/v/made").out for n in ("app", "app-2")]
    s.equal("each task has a network and volumes of its own", ["made\n", "made\n"], ids)
    def both():
        rows = s.davit("-f", "task.json", "-f", "service.json", "ps", "-a", "--format", "json").out.splitlines()
        return {c["Service"]: c["State"] for c in map(json.loads, rows)}

    s.equal("all of both run", {"running"}, {state for name, state in both().items() if not name.startswith("prepare")})
    ends(0)
    s.eventually("one ends alone", lambda: {both()["app"], both()["app-2"]} == {"running", "exited"} and
                 {both()["pause"], both()["pause-2"]} == {"running", "exited"})
    s.davit("-f", "task.json", "-f", "service.json", "down", "-v", "-t", "1")

    # ---- startTimeout: what others wait for is not there in time, so they do not begin, and the task ends
    def container(name, command, **more):
        return dict({"name": name, "image": "busybox", "command": ["sh", "-c", command], "stopTimeout": 2}, **more)

    def task(name, *containers):
        s.write(name + ".json", json.dumps({"family": name, "networkMode": "awsvpc", "containerDefinitions": containers}))
        return ("-f", name + ".json")

    def services(of):
        return {c["Service"]: c["State"] for c in map(json.loads, s.davit(*of, "ps", "-a", "--format", "json").out.splitlines())}

    never = {"healthCheck": {"command": ["CMD", "false"], "interval": 5, "startPeriod": 300}}
    late = task("late", container("db", "sleep 1000", startTimeout=1, **never),
                container("prepare", "sleep 1000", essential=False),
                container("app", "sleep 1000", dependsOn=[{"containerName": "db", "condition": "HEALTHY"}]),
                container("after", "echo begun > /dev/console; sleep 1000", essential=False, dependsOn=[{"containerName": "prepare", "condition": "COMPLETE"}]))
    s.davit(*late, "up", "-d", exit=1, err=r"container late-db-1 did not become healthy within 1s, its startTimeout")
    s.eventually("the task has ended", lambda: not {"running", "restarting"} & set(services(late).values()))
    s.equal("and what waited has not begun, though what it waited for is over", ("created", "created"), (services(late)["app"], services(late)["after"]))
    s.davit(*late, "down", "-t", "1")

    # ---- the order of the end: who depends on another one ends before it
    stamp = "trap 'sleep 0.3; tr -d . < /proc/uptime | cut -d\" \" -f1 > /v/{0}; exit 0' TERM; sleep 1000 & wait"
    order = task("order", container("base", stamp.format("base"), mountPoints=[{"sourceVolume": "v", "containerPath": "/v"}]),
                 container("top", stamp.format("top"), mountPoints=[{"sourceVolume": "v", "containerPath": "/v"}],
                           dependsOn=[{"containerName": "base", "condition": "START"}]),
                 container("main", "sleep 1; exit 4"))
    text = json.loads(open(os.path.join(s.directory, "order.json"), encoding="utf-8").read())
    text["volumes"] = [{"name": "v"}]
    s.write("order.json", json.dumps(text))
    s.davit(*order, "up", "-d")
    s.eventually("an essential one has ended, and so has the task", lambda: set(services(order).values()) == {"exited"})
    s.davit("container", "run", "--rm", "-v", "order_v:/v", "busybox", "sh", "-c", "test $(cat /v/top) -lt $(cat /v/base)")
    s.davit(*order, "down", "-v", "-t", "1")

    # ---- restartPolicy: not after a code that is ignored, and not when it ran too short
    again = task("again", container("main", "sleep 1000"),
                 container("short", "exit 1", essential=False, restartPolicy={"enabled": True, "restartAttemptPeriod": 60}),
                 container("fine", "sleep 0.2; exit 3", essential=False, restartPolicy={"enabled": True, "ignoredExitCodes": [3], "restartAttemptPeriod": 0}),
                 container("back", "sleep 0.2; exit 4", essential=False, restartPolicy={"enabled": True, "ignoredExitCodes": [3], "restartAttemptPeriod": 0}))
    s.davit(*again, "up", "-d")

    def restarts(name):
        return json.loads(s.davit("container", "inspect", "again-%s-1" % name).out)[0]["RestartCount"]

    s.eventually("one that may is begun again", lambda: restarts("back") >= 2)
    s.equal("the others are not", (0, 0, "exited", "exited"), (restarts("short"), restarts("fine"), services(again)["short"], services(again)["fine"]))
    s.davit(*again, "down", "-t", "1")

    # ---- a compose project as one task definition, and that here
    s.write("shop.yaml", json.dumps({"services": {
        "front": {"image": "busybox", "command": ["sh", "-c", HTTPD.format(80)], "ports": ["18081:80"], "environment": {"WORD": "a $$b"},
                  "depends_on": {"prepare": {"condition": "service_completed_successfully"}}, "stop_grace_period": "2s"},
        "prepare": {"image": "busybox", "command": ["sh", "-c", "exit 0"]}}}))
    s.davit("-f", "shop.yaml", "-p", "pair", "export", "--to", "ecs", "--layout", "task", "-o", "pair/")
    pair = ("-f", "pair/pair.taskdef.json")
    s.davit(*pair, "up", "-d")
    s.equal("it runs as the task of ECS would", ("exited", "running"), (services(pair)["prepare"], services(pair)["front"]))
    s.equal("with its variables", "a $b", s.davit(*pair, "exec", "-T", "front", "sh", "-c", "echo $WORD").out.strip())
    s.davit(*pair, "down", "-t", "1")

    # ---- samples/ecs
    sample = os.path.join(SOURCE, "samples/ecs/taskdef.json")
    s.davit("-f", sample, "up", "-d")
    s.eventually("the sample answers", lambda: s.run("curl", "-s", "--noproxy", "*", "-m2", "http://localhost:3000/").out == "from the store\n")
    s.davit("-f", sample, "down", "-t", "1")
    s.nothing_left(before)
