"""What a second `up` changes and what it leaves, and the order in which things happen."""
import json
import os
import shutil

from harness import Scenario

BUSYBOX = "image: busybox\n    stop_signal: KILL\n"


def ids(s):
    return {c["Name"]: c["ID"] for c in s.ps()}


def up(s, text=None, *more, **how):
    if text is not None:
        s.write("compose.yaml", text)
    return s.davit("up", "-d", *more, **how)


def down(s, before, *more):
    s.davit("down", "-t", "0", "-v", *more)
    s.nothing_left(before)


def only_what_changed(s, before):
    text = f"""
services:
  a:
    {BUSYBOX}    command: sleep 600
  b:
    {BUSYBOX}    command: sleep 600
    environment: {{V: '1'}}
"""
    up(s, text)
    first = ids(s)
    up(s)
    s.equal("a second up changes nothing", first, ids(s))
    s.equal("and has no plan", "", s.davit("plan").out.strip())
    s.write("compose.yaml", text.replace("V: '1'", "V: '2'"))
    plan = s.davit("plan").out
    s.equal("the plan says what changes, and nothing else", 'b-1: recreate: environment V "1" → "2"\n', plan)
    s.equal("and so does --dry-run", plan, s.davit("--dry-run", "up", "-d").out)
    s.check("the steps are there for who asks", "service:b:1, rename container: configuration changed: environment V" in s.davit("plan", "--verbose").out)
    operations = json.loads(s.davit("plan", "--format", "json").out)["operations"]
    s.equal("kinds in the JSON plan", ["stage_container", "create_container", "stop_container", "remove_container",
                                       "rename_container", "start_container"], [o["kind"] for o in operations])
    s.equal("with the same cause", 'configuration changed: environment V "1" → "2"', json.loads(s.davit("--dry-run", "--progress", "json", "up", "-d").out)["operations"][0]["cause"])
    s.equal("a plan changes nothing", first, ids(s))
    s.write("compose.yaml", text.replace("V: '1'", "V: '1', DB_PASSWORD: hush"))
    s.equal("the value of what may be a secret is not shown", "b-1: recreate: environment DB_PASSWORD\n", s.davit("plan").out)
    s.write("compose.yaml", text.replace("V: '1'", "V: '2'"))
    up(s)
    s.equal("what did not change stays", first["changes-a-1"], ids(s)["changes-a-1"])
    s.check("what changed is another one", first["changes-b-1"] != ids(s)["changes-b-1"])
    s.equal("the variable arrived", "2\n", s.davit("exec", "-T", "b", "sh", "-c", "echo $V").out)
    down(s, before)


def orphans_and_scale(s, before):
    a = f"services:\n  a:\n    {BUSYBOX}    command: sleep 600\n"
    up(s, a + f"  old:\n    {BUSYBOX}    command: sleep 600\n")
    up(s, a, err=r"orphan containers \(\[changes-old-1\]\)")
    s.equal("the orphan runs on", {"a", "old"}, {c["Service"] for c in s.ps()})
    up(s, None, "--remove-orphans")
    s.equal("it is gone", ["changes-a-1"], [c["Name"] for c in s.ps()])
    up(s, None, "--scale", "a=4")
    four = ids(s)
    s.equal("four replicas", 4, len(four))
    up(s, None, "--scale", "a=2")
    s.equal("the low numbers stay", {n: i for n, i in four.items() if n[-1] in "12"}, ids(s))
    down(s, before)


def conditions(s, before):
    up(s, f"""
services:
  job:
    {BUSYBOX}    command: sh -c 'echo job >> /w/order'
    volumes: ['./w:/w']
  db:
    {BUSYBOX}    command: sh -c 'rm -f /ok; sleep 0.3; echo db >> /w/order; touch /ok; exec sleep 600'
    volumes: ['./w:/w']
    healthcheck: {{test: 'test -f /ok', interval: 50ms, retries: 100}}
  broken:
    {BUSYBOX}    command: sh -c 'exit 3'
  web:
    {BUSYBOX}    command: sh -c 'echo web >> /w/order; exec sleep 600'
    volumes: ['./w:/w']
    depends_on:
      job: {{condition: service_completed_successfully}}
      db: {{condition: service_healthy, restart: true}}
      broken: {{condition: service_completed_successfully, required: false}}
""")
    def order():
        with open(os.path.join(s.directory, "w/order"), encoding="utf-8") as f:
            return f.read().split()
    s.eventually("web comes after what it needs", lambda: order() == ["job", "db", "web"])
    web = [c for c in s.ps() if c["Service"] == "web"][0]["ID"]
    s.davit("restart", "-t", "0", "db")
    s.eventually("restart: true takes web along", lambda: order() == ["job", "db", "web", "db", "web"])
    s.equal("as the same container", web, [c for c in s.ps() if c["Service"] == "web"][0]["ID"])
    s.write("compose.yaml", f"""
services:
  job:
    {BUSYBOX}    command: sh -c 'exit 4'
  web:
    {BUSYBOX}    command: sleep 600
    depends_on: {{job: {{condition: service_completed_successfully}}}}
""")
    s.davit("up", "-d", "--remove-orphans", exit=1, err='job.*didn.t complete successfully: exit 4')
    down(s, before)


def stop_order(s, before):
    def service(name, needs):
        return f"""  {name}:
    image: busybox
    stop_grace_period: 3s
    command: sh -c 'trap "echo {name} >> /w/stopped; exit 0" TERM; echo {name} >> /w/up; while :; do sleep 0.02; done'
    volumes: ['./s:/w']
    depends_on: [{needs}]
"""
    up(s, "services:\n" + service("db", "") + service("app", "db") + service("web", "app"))
    path = os.path.join(s.directory, "s")
    def lines(name):
        with open(os.path.join(path, name), encoding="utf-8") as f:
            return f.read().split()
    s.eventually("all are up", lambda: sorted(lines("up")) == ["app", "db", "web"])
    s.davit("stop")
    s.equal("dependents stop first", ["web", "app", "db"], lines("stopped"))
    s.davit("start")
    s.eventually("all are up again", lambda: len(lines("up")) == 6)
    s.davit("down")
    s.equal("down has the same order", ["web", "app", "db"] * 2, lines("stopped"))
    shutil.rmtree(path)
    s.nothing_left(before)


def volumes_stay(s, before):
    text = f"services:\n  a:\n    {BUSYBOX}    command: sleep 600\n    volumes: [/anon]\n    labels: {{v: '1'}}\n"
    up(s, text)
    s.davit("exec", "-T", "a", "sh", "-c", "echo kept > /anon/f")
    up(s, text.replace("'1'", "'2'"))
    s.equal("an anonymous volume goes with its service", "kept\n", s.davit("exec", "-T", "a", "cat", "/anon/f").out)
    up(s, text.replace("'1'", "'3'"), "-V")
    s.equal("unless it is to be renewed", "", s.davit("exec", "-T", "a", "ls", "/anon").out)
    down(s, before)
    s.equal("no volume is left", "", s.davit("volume", "ls", "-q").out)


def maker_of(volume):
    """Another project, whose network and volume are external to ours."""
    text = f"services:\n  m:\n    {BUSYBOX}    command: sleep 600\n    networks: [n]\n"
    text += "    volumes: ['vol:/v']\n" if volume else ""
    return text + "networks: {n: {name: outside}}\n" + ("volumes: {vol: {name: outside}}\n" if volume else "")


def labels_are_kept(s, before):
    up(s, f"services:\n  a:\n    {BUSYBOX}    command: sleep 600\n    volumes: ['data:/v']\n"
       "networks: {default: {labels: {mine: net}}}\nvolumes: {data: {labels: [mine=vol]}}\n")
    s.equal("of the network", "net", json.loads(s.davit("network", "inspect", "changes_default").out)[0]["Labels"]["mine"])
    s.equal("of the volume", "vol", json.loads(s.davit("volume", "inspect", "changes_data").out)[0]["Labels"]["mine"])
    down(s, before)


def externals(s, before):
    text = f"""
services:
  a:
    {BUSYBOX}    command: sleep 600
    networks: [front]
    volumes: ['data:/data']
networks: {{front: {{external: true, name: outside}}}}
volumes: {{data: {{external: true, name: outside}}}}
"""
    up(s, text, exit=1, err="network outside declared as external, but could not be found")
    s.nothing_left(before)
    s.write("maker.yaml", maker_of(False))
    s.davit("-p", "maker", "-f", "maker.yaml", "up", "-d")
    up(s, text, exit=1, err='external volume "outside" not found')
    s.write("maker.yaml", maker_of(True))
    s.davit("-p", "maker", "-f", "maker.yaml", "up", "-d")
    up(s)
    s.davit("exec", "-T", "a", "sh", "-c", "echo 1 > /data/f")
    s.davit("down", "-v", "-t", "0")
    s.equal("both outlive the project", ["outside"], s.davit("volume", "ls", "-q").out.split())
    s.check("the network too", "outside" in s.davit("network", "ls").out)
    s.davit("-p", "maker", "-f", "maker.yaml", "down", "-v", "-t", "0")
    s.nothing_left(before)


def one_off(s, before):
    s.write("compose.yaml", f"""
services:
  db:
    {BUSYBOX}    command: sleep 600
  tool:
    {BUSYBOX}    command: sleep 600
    depends_on: [db]
    profiles: [tools]
""")
    s.equal("run gives what the command wrote", "hello\n", s.davit("run", "--rm", "-T", "--no-deps", "tool", "echo", "hello").out)
    s.equal("--no-deps starts nothing else", [], s.ps())
    s.davit("run", "--rm", "-T", "tool", "sh", "-c", "exit 7", exit=7)
    s.equal("dependencies stay", {"db": "running"}, s.states())
    up(s)
    s.equal("the profile is not active", {"db": "running"}, s.states())
    s.davit("--profile", "tools", "up", "-d")
    s.equal("with it, the service runs", {"db": "running", "tool": "running"}, s.states())
    s.davit("--profile", "tools", "down", "-t", "0")
    s.nothing_left(before)


def owners(s, before):
    text = f"services:\n  a:\n    {BUSYBOX}    command: sleep 600\n"
    up(s, text)
    other = os.path.join(s.scratch, "elsewhere", s.project)
    os.makedirs(other)
    shutil.copy(os.path.join(s.directory, "compose.yaml"), other)
    s.davit("-p", "mine", "up", "-d", cwd=other)
    s.davit("-p", "mine", "down", "-t", "0")
    os.remove(os.path.join(s.directory, "compose.yaml"))
    s.davit("-p", s.project, "down", "-t", "0")
    s.nothing_left(before)


def side_by_side(s, before):
    s.write("compose.yaml", "services:\n" + "".join(f"  s{i}:\n    {BUSYBOX}    command: sleep 600\n" for i in range(8)))
    for _ in range(3):
        both = [s.start("up", "-d"), s.start("down", "-t", "0"), s.start("up", "-d")]
        said = [p.communicate(timeout=60)[0] for p in both]
        s.check("the last word is complete", len(s.ps()) in (0, 8), "\n".join(said))
        up(s)
        s.equal("up after the storm", {"running"}, set(s.states().values()))
    down(s, before)


PROVIDER = """#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in
*metadata*) echo '{"up":{"parameters":[{"name":"size","required":true}]},"down":{}}' ;;
*" up "*) echo '{"type":"info","message":"making it"}'
          echo '{"type":"setenv","message":"URL=cloud://1"}'
          echo '{"type":"rawsetenv","message":"RAW=2"}'
          [ -z "$BREAK" ] || { echo '{"type":"error","message":"no credit left"}'; exit 1; } ;;
esac
"""


def prune_beside(s, before):
    """What `up` has found or fetched stays until the containers have it: here a provider prunes in between."""
    program = os.path.join(s.scratch, "pruner")
    s.write(program, f"""#!/bin/sh
case "$*" in *metadata*) exit 1 ;; *" up "*) {s.binary} image prune -af >&2 || exit 1; {s.binary} image rm -f other >&2 || exit 1 ;; esac
""")
    os.chmod(program, 0o755)
    s.davit("image", "tag", "busybox", "other")
    text = f"services:\n  app:\n    {BUSYBOX}    command: sleep 600\n    depends_on: [p]\n  p:\n    provider: {{type: {program}}}\n"
    up(s, text)
    s.equal("it runs", {"app": "running"}, s.states())
    s.davit("down", "-t", "0", "-v")
    s.davit("image", "prune", "-af")
    s.check("nobody holds it any more", "busybox" not in s.davit("image", "ls").out)
    s.images("busybox")
    s.nothing_left(before)


def providers(s, before):
    log = os.path.join(s.scratch, "provider.log")
    program = os.path.join(s.scratch, "cloud")
    s.write(program, PROVIDER)
    os.chmod(program, 0o755)
    env = {"LOG": log, "PATH": s.scratch + ":" + os.environ["PATH"]}
    text = f"""
services:
  app:
    {BUSYBOX}    command: sh -c 'echo url=$$MY_DB_URL raw=$$RAW; exec sleep 600'
    depends_on: [my-db]
  other:
    {BUSYBOX}    command: sh -c 'echo "raw=$$RAW"; exec sleep 600'
  my-db:
    provider: {{type: cloud, options: {{size: 10, zone: [a]}}}}
"""
    up(s, text, env=env, err="Service my-db Created")
    first = ids(s)
    s.equal("containers", ["changes-app-1", "changes-other-1"], sorted(first))
    s.eventually("its variables arrive", lambda: "url=cloud://1 raw=2" in s.davit("logs", "app").out)
    s.eventually("with those who depend on it only", lambda: s.davit("logs", "--no-log-prefix", "other").out == "raw=\n")
    up(s, env=env)
    s.equal("a second up asks it again and changes nothing", first, ids(s))
    s.davit("stop", "-t", "0", env=env)
    s.davit("down", "-t", "0", env=env, err="Service my-db Removed")
    with open(log, encoding="utf-8") as f:
        asked = [line.strip() for line in f if "metadata" not in line]
    start = "compose --project-name=changes "
    s.equal("what it was asked", [start + "up --size=10 my-db"] * 2 + [start + "stop my-db", start + "down my-db"], asked)
    up(s, None, env=dict(env, BREAK="1"), exit=1, err="no credit left")
    s.equal("no container without it", [], s.ps())
    s.davit("down", "-t", "0", env=env)
    s.davit("up", "-d", exit=1, err=r"compose.yaml:\d+:\d+: service \"my-db\": there is no provider 'cloud'")
    s.davit("down", "-t", "0", env=env)
    s.nothing_left(before)


with Scenario("changes") as s:
    s.images("busybox")
    before = s.listing()
    for part in (only_what_changed, orphans_and_scale, conditions, stop_order, volumes_stay, labels_are_kept, externals, one_off, providers, prune_beside, owners, side_by_side):
        part(s, before)
