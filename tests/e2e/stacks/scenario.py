"""Stacks over time: revisions and the way back, services that wait for others, digests, and commands that get in each other's way."""
import json
import os
import signal
import subprocess
import time

from harness import SOURCE, Scenario
from registry import Registry

HISTORY = "/var/lib/davit/revisions"

STACK = """
services:
  web:
    image: {image}
    command: sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
    environment: {{MODE: '{mode}', DB_PASSWORD: hush}}
    configs: [settings]
    secrets: [key]
    deploy:
      replicas: {replicas}
      restart_policy: {{delay: 100ms}}
      update_config: {{monitor: 300ms, failure_action: {action}}}
      rollback_config: {{monitor: 300ms, parallelism: 0}}
{more}
configs:
  settings: {{name: x_settings_{config}, file: ./settings-{config}}}
secrets:
  key: {{file: ./key}}
"""
SIDE = """  side:
    image: busybox
    command: sleep 600
    stop_grace_period: 100ms
"""


def deploy(s, *more, mode="one", image="app:latest", config="a", replicas=1, side="", action="pause", **how):
    for name in ("a", "b"):
        s.write("settings-" + name, "settings " + name)
    s.write("key", "key-one")
    s.write("stack.yaml", STACK.format(mode=mode, image=image, config=config, replicas=replicas, more=side, action=action))
    return s.davit("stack", "deploy", "-c", "stack.yaml", *more, "x", within=90, **how)


def build(s, version):
    s.write("Dockerfile", f"FROM busybox\nLABEL version={version}\n")
    s.davit("image", "build", "-q", "-t", "app:latest", ".")


def numbers(s, *what):
    return s.davit(*(what or ("stack", "history")), "-q", "x" if not what else "x_web").out.split()


def replicas(s, stack="x"):
    out = s.davit("stack", "services", stack, "--format", "{{.Name}} {{.Replicas}}").out
    return dict(line.split() for line in out.splitlines())


def tasks(s, service):
    out = s.davit("service", "ps", service, "--no-trunc", "--format", "{{.DesiredState}} {{.CurrentState}} {{.Error}}").out
    return out.splitlines()


def container(s, service):
    found = s.davit("container", "ls", "-q", "--no-trunc", "--filter", f"name={service}.").out.split()
    return found[0] if len(found) == 1 else None


def seen(s):
    """What the one task of web has: image, environment, config, secret."""
    one = container(s, "x_web")
    if not one:
        return None
    inside = s.davit("container", "exec", one, "sh", "-c", "echo $MODE; cat /settings; echo; cat /run/secrets/key", exit=None)
    image = json.loads(s.davit("container", "inspect", one, exit=None).out or "[{}]")[0].get("Image")
    return [image, *inside.out.split("\n")[:3]]


def becomes(s, what, wanted):
    s.eventually(what, lambda: seen(s) == wanted, within=30)


def forward_and_back(s):
    build(s, 1)
    deploy(s)
    s.eventually("web runs", lambda: replicas(s) == {"x_web": "1/1"}, within=20)
    first = seen(s)
    s.equal("the first deploy is revision 1", ["1"], numbers(s))
    deploy(s)
    s.equal("one that changes nothing makes none", ["1"], numbers(s))
    build(s, 2)
    deploy(s, mode="two", config="b", side=SIDE)
    s.eventually("two services", lambda: replicas(s) == {"x_web": "1/1", "x_side": "1/1"}, within=30)
    s.eventually("the new web", lambda: (seen(s) or first)[1:3] == ["two", "settings b"], within=30)
    second = seen(s)
    s.check("another image has the name now", first[0] != second[0])
    s.equal("which is revision 2", ["2", "1"], numbers(s))
    table = s.davit("stack", "history", "x").out.splitlines()
    s.check("the table says which one runs", table[1].startswith("2") and "running" in table[1] and "running" not in table[2], str(table))
    told = s.davit("stack", "diff", "x", "1", "2").out
    for line in ("@@ service x_web @@", '-Env MODE: "one"', '+Env MODE: "two"', "@@ service x_side @@", '-image id: "sha256:', "@@ config x_settings_b @@"):
        s.check(f"diff has {line}", line in told, told)
    s.check("no secret is told", "hush" not in told and "key-one" not in told, told)
    s.check("a service's own is about it alone", "x_side" not in s.davit("service", "diff", "x_web", "1", "2").out)

    s.davit("image", "prune", "-af")
    s.davit("image", "rm", first[0], exit=1)
    s.davit("stack", "rollback", "x", out="Removing service x_side", err="Revision 1 of x is back, as revision 3")
    becomes(s, "image, settings, config and secret are those of then", first)
    s.eventually("and the other service has gone", lambda: replicas(s) == {"x_web": "1/1"}, within=20)
    s.davit("stack", "rollback", "--to", "1", "x", err="is revision 1 already")
    s.davit("stack", "rollback", "-d=false", "-q", "x", out="Creating service x_side", within=60)
    becomes(s, "a second one leads forward again", second)
    s.davit("stack", "rollback", "--to", "17", "x", exit=1, err="stack x has no revision 17")
    s.equal("four revisions", ["4", "3", "2", "1"], numbers(s))
    return first, second


def one_service(s, first, second):
    s.davit("service", "update", "-q", "--env-add", "MODE=three", "x_web", within=60)
    s.davit("service", "scale", "x_side=2", within=60)
    s.equal("a change of a service is a revision of its stack", ["6", "5", "4", "3", "2", "1"], numbers(s, "service", "history"))
    rows = [json.loads(line) for line in s.davit("stack", "history", "--format", "json", "x").out.splitlines()]
    s.equal("and says which command", ["service scale", "service update"], [r["Command"] for r in rows[:2]])
    s.check("and what it changed", "x_side: update (Replicas)" in rows[0]["Changes"], str(rows[0]))
    s.davit("service", "rollback", "-q", "--to", "1", "x_web", err="Revision 1 of x_web is back, as revision 7", within=60)
    becomes(s, "one service goes back", first)
    status = json.loads(s.davit("service", "inspect", "x_web").out)[0]["UpdateStatus"]
    s.equal("as a roll-back", ("rollback_completed", "rollback completed"), (status["State"], status["Message"]))
    s.equal("the other one stays", "2/2", replicas(s)["x_side"])
    s.davit("service", "rollback", "-q", "x_web", within=60)
    becomes(s, "without a number it is the previous specification", [second[0], "three", *second[2:]])
    s.davit("service", "rollback", "--to", "3", "x_side", exit=1, err="revision 3 of stack x has no service x_side")
    s.davit("service", "create", "-d", "--name", "alone", "busybox", "sleep", "600")
    s.davit("service", "update", "-d", "--force", "alone")
    s.davit("service", "update", "-d", "--env-add", "A=1", "alone")
    s.equal("a service that no stack has its own", ["2", "1"], s.davit("service", "history", "-q", "alone").out.split())
    s.davit("service", "rollback", "-d", "--to", "1", "alone", err="Revision 1 of alone is back, as revision 3")
    s.davit("service", "history", "prune", "-f", "--keep", "1", "alone", out="Forgotten: revision 2")
    s.check("it is in system df", "Revisions" in s.davit("system", "df").out)
    s.davit("service", "rm", "alone")
    s.check("and goes with it", not os.path.exists(HISTORY + "/service.alone"))


def what_is_missing(s):
    deploy(s, mode="five", config="a")
    target = numbers(s)[0]
    deploy(s, "--prune", mode="six", config="b", image="busybox")
    s.eventually("busybox runs", lambda: (seen(s) or [""] * 2)[1] == "six", within=30)
    for count in ("0", "1"):  # the tasks of before go with their slot
        s.davit("service", "scale", f"x_web={count}", within=60)
    s.davit("image", "save", "-o", "app.tar", "app:latest")
    s.davit("image", "rm", "app:latest", exit=1, err=f"needed by .*revision {target} of stack x")
    s.davit("image", "rm", "-f", "app:latest")
    s.davit("config", "rm", "x_settings_a")
    before = seen(s), numbers(s)
    s.davit("stack", "rollback", "--to", target, "x", exit=1, err=r"revision \d+ of stack x cannot be brought back: the image app:latest \([0-9a-f]{12}\) is gone")
    s.equal("nothing was touched", before, (seen(s), numbers(s)))
    s.davit("image", "load", "-i", "app.tar")
    s.davit("stack", "rollback", "--to", target, "x", out="Creating config x_settings_a")
    s.eventually("a config that is gone is made again", lambda: (seen(s) or [""] * 3)[1:3] == ["five", "settings a"], within=30)
    s.check("no secret stands in the clear but in contents",
            all("/contents/" in f for f in subprocess.run(["grep", "-rl", "key-one", HISTORY], capture_output=True, text=True).stdout.split()))


def by_itself(s):
    good = seen(s)
    deploy(s, mode="bad", config="a", image="busybox", action="rollback")
    s.eventually("that one runs", lambda: (seen(s) or [""] * 2)[1] == "bad", within=30)
    good = seen(s)
    number = numbers(s)[0]
    s.davit("service", "update", "-d", "--args", "false", "x_web")
    s.eventually("Swarm takes it back", lambda: "rollback_completed" in s.davit("service", "inspect", "x_web").out, within=40)
    table = s.davit("stack", "history", "x").out.splitlines()
    s.check("the history says so", table[1].startswith(str(int(number) + 1)) and "failed" in table[1], str(table[:3]))
    becomes(s, "and what ran before runs", good)


def waiting(s):
    s.write("order.yaml", """
services:
  db:
    image: busybox
    command: sh -c 'sleep 2; touch /up; sleep 600'
    stop_grace_period: 100ms
    healthcheck: {test: test -e /up, interval: 200ms, retries: 100}
  migrate:
    image: busybox
    command: sleep 1
    depends_on: {db: {condition: service_healthy}}
    deploy: {restart_policy: {condition: none}}
  web:
    image: busybox
    command: sleep 600
    stop_grace_period: 100ms
    depends_on:
      migrate: {condition: service_completed_successfully}
""")
    s.davit("stack", "deploy", "-c", "order.yaml", "o", err="services.migrate.depends_on, services.web.depends_on")
    s.eventually("each says what it waits for", lambda: "waiting for o_migrate to complete" in "".join(tasks(s, "o_web")[:1])
                 and "waiting for o_db to be healthy" in "".join(tasks(s, "o_migrate")[:1]), within=5)
    s.eventually("all have their turn", lambda: replicas(s, "o") == {"o_db": "1/1", "o_migrate": "0/1", "o_web": "1/1"}, within=30)
    created = {}
    for name in ("db", "migrate", "web"):
        one = s.davit("container", "ls", "-aq", "--no-trunc", "--filter", f"name=o_{name}.").out.split()[0]
        created[name] = json.loads(s.davit("container", "inspect", one).out)[0]["State"]
    s.check("migrate began when db was healthy, and web when it had ended",
            created["db"]["StartedAt"] < created["migrate"]["StartedAt"] and created["migrate"]["FinishedAt"] <= created["web"]["StartedAt"], str(created))
    s.davit("service", "rm", "o_db")
    s.davit("service", "update", "-q", "--env-add", "A=1", "o_web", within=60)
    s.equal("an update waits for nobody", "1/1", replicas(s, "o")["o_web"])
    s.davit("stack", "rm", "-d=false", "o", within=60)


def gone_at_once(s):
    """What has ended is in no listing when its removal returns, though its containers take a moment to go."""
    for i in range(10):
        s.davit("service", "create", "-q", "-d", "--name", f"once{i}", "--restart-condition", "none", "busybox", "true")
        s.eventually("it ends", lambda: "Complete" in s.davit("service", "ps", f"once{i}").out, within=20)
        s.davit("service", "rm", f"once{i}")
        s.equal("it is gone", "", s.davit("service", "ls", "-q", "--filter", f"name=once{i}").out)


def one_makes_a_network(s):
    """Of several clients at once one makes it; to the others it is there already."""
    for n in range(10):
        clients = [s.start("network", "create", "-d", "overlay", f"together{n}") for _ in range(4)]
        said = [(client.communicate(timeout=60)[0].strip(), client.returncode) for client in clients]
        made = [text for text, code in said if code == 0]
        there = json.loads(s.davit("network", "inspect", f"together{n}").out)[0]["Id"]
        s.equal("one client has made it", [there], made)
        s.check("the others are told", all("already exists" in text for text, code in said if code != 0), str(said))
        s.davit("network", "rm", f"together{n}")


def a_network_that_goes(s):
    """Its name is free at once, as with Swarm; it stands until the last task on it has ended."""
    until_told = "trap : TERM; while [ ! -e /data/go ]; do sleep 0.1; done"
    s.davit("network", "create", "-d", "overlay", "between")
    s.davit("service", "create", "-q", "--name", "slow", "--network", "between", "--stop-grace-period", "1h", "--mount",
            f"type=bind,src={s.directory},dst=/data", "busybox", "sh", "-c", until_told, within=60)
    s.davit("service", "rm", "slow")
    s.davit("network", "rm", "between")
    s.davit("service", "create", "-d", "--name", "late", "--network", "between", "busybox", exit=1, err="network between not found")
    s.davit("network", "create", "-d", "overlay", "--internal", "between", exit=1, err="network between is going still")
    s.davit("network", "create", "-d", "overlay", "between")
    s.davit("network", "create", "-d", "overlay", "between", exit=1, err="already exists")
    s.davit("service", "create", "-q", "--name", "late", "--network", "between", "--stop-grace-period", "100ms", "busybox", "sleep", "600", within=60)
    s.write("go", "")
    s.davit("service", "update", "-q", "--force", "late", within=60)
    s.davit("service", "rm", "late")
    s.davit("network", "rm", "between")
    s.eventually("and goes", lambda: "between" not in s.davit("network", "ls", "--format", "{{.Name}}").out.split(), within=30)


def digests(s):
    layout = os.path.join(os.environ["DAVIT_IMAGES"])
    with Registry(layout) as registry:
        name = f"{registry.host}/busybox:latest"
        entry = next(m for m in registry.manifests() if m["annotations"]["org.opencontainers.image.ref.name"].startswith("busybox"))
        name = f"{registry.host}/{entry['annotations']['org.opencontainers.image.ref.name']}"
        s.write("pinned.yaml", f"services:\n  web: {{image: '{name}', command: sleep 600, stop_grace_period: 100ms}}\n")
        s.davit("stack", "deploy", "-c", "pinned.yaml", "p", within=60)
        spec = json.loads(s.davit("service", "inspect", "p_web").out)[0]["Spec"]
        image = spec["TaskTemplate"]["ContainerSpec"]["Image"]
        s.check("what a registry gave is pinned to its digest", image.startswith(name + "@sha256:"), image)
        s.equal("the label has what the file says", name, spec["Labels"]["com.docker.stack.image"])
        s.equal("and so have listings", name, s.davit("stack", "services", "p", "--format", "{{.Image}}").out.strip())
        s.eventually("its task runs", lambda: replicas(s, "p") == {"p_web": "1/1"}, within=20)
        asked = len(registry.asked)
        s.davit("stack", "deploy", "-c", "pinned.yaml", "--resolve-image", "changed", "p", within=60)
        s.equal("changed asks no registry for what has not", asked, len(registry.asked))
        s.davit("service", "update", "-d", "--image", name, "--no-resolve-image", "p_web")
        image = json.loads(s.davit("service", "inspect", "p_web").out)[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
        s.equal("without resolving it stays as written", name, image)
    result = s.davit("stack", "deploy", "-c", "pinned.yaml", "p", within=60, err="the registry cannot be asked")
    image = json.loads(s.davit("service", "inspect", "p_web").out)[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    s.check("without its registry the digest is what this machine knows", image.startswith(name + "@sha256:"), image)
    s.davit("stack", "rm", "-d=false", "p", within=60)
    s.davit("image", "rm", "-f", name, exit=None)


def many(stack, count, v):
    services = "".join(f"  s{i}: {{image: busybox, command: sleep 600, stop_grace_period: 100ms, environment: {{V: '{v}'}}}}\n" for i in range(count))
    return "services:\n" + services


def in_the_way(s):
    s.write("many.yaml", many("m", 30, 1))
    for wait in (0.1, 0.3, 0.6, 1):
        client = s.start("stack", "deploy", "-c", "many.yaml", "m")
        time.sleep(wait)
        client.send_signal(signal.SIGKILL)
        client.wait()
    s.davit("stack", "deploy", "-c", "many.yaml", "m", within=90)
    s.eventually("a deploy whose clients were killed is finished by the next", lambda: set(replicas(s, "m").values()) == {"1/1"}
                 and len(replicas(s, "m")) == 30, within=60)
    failed = [json.loads(line) for line in s.davit("stack", "history", "--format", "json", "m").out.splitlines()]
    s.check("what they left is marked", all("ended before" in r["Error"] for r in failed[1:]) and not failed[0]["Error"], str(failed))

    s.write("two.yaml", many("m", 30, 2))
    s.write("three.yaml", many("m", 30, 3))
    clients = [s.start("stack", "deploy", "-c", f, "m") for f in ("two.yaml", "three.yaml")]
    codes = [c.wait(timeout=120) for c in clients]
    said = [c.stdout.read() for c in clients]
    s.check("of two deploys at once each does its work or says what was in its way",
            all(code == 0 or "update out of sequence" in text for code, text in zip(codes, said)), str(said))
    s.davit("stack", "deploy", "-c", "three.yaml", "m", within=90)
    s.davit("stack", "rm", "m", within=60)  # in the middle of its update
    s.eventually("a stack that goes in the middle of an update goes whole",
                 lambda: not s.davit("container", "ls", "-aq", "--filter", "name=m_s").out and not s.davit("network", "ls", "-q", "--filter", "name=m_default").out, within=60)
    s.davit("stack", "deploy", "-c", "many.yaml", "m.dotted", exit=None)
    s.davit("stack", "rm", "m.dotted", exit=None)


with Scenario("stacks") as s:
    s.images("busybox")
    before = s.listing()
    first, second = forward_and_back(s)
    one_service(s, first, second)
    what_is_missing(s)
    by_itself(s)
    waiting(s)
    gone_at_once(s)
    one_makes_a_network(s)
    a_network_that_goes(s)
    digests(s)
    in_the_way(s)
    s.davit("stack", "rm", "-d=false", "x", within=60)
    s.check("the history goes with the stack", not os.path.exists(HISTORY + "/stack.x"))
    s.davit("image", "rm", "-f", "app:latest", exit=None)
    s.eventually("nothing runs any more", lambda: not s.davit("container", "ls", "-aq").out, within=30)
    s.davit("image", "prune", "-af")
    s.nothing_left(before, within=10, but=("/build/", "cache", "/revisions/."))
