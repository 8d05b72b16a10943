"""Revisions: what each up leaves, the way back, what is kept for it and what is not told."""
import glob
import json
import os
import subprocess

from harness import Scenario

HISTORY = "/var/lib/davit/revisions"


def project(mode="one", content="one", more="", image="app:latest", command="sleep 600"):
    return f"""
services:
  web:
    image: {image}
    command: {command}
    stop_signal: KILL
    environment: {{MODE: '{mode}', DB_PASSWORD: hush}}
    configs: [settings]
    secrets: [key]
{more}configs:
  settings: {{content: 'settings {content}'}}
secrets:
  key: {{environment: KEY}}
"""


def build(s, version):
    s.write("Dockerfile", f"FROM busybox\nLABEL version={version}\n")
    s.davit("image", "build", "-q", "-t", "app:latest", ".")


def up(s, text, key="key-one", *more, **how):
    s.write("compose.yaml", text)
    return s.davit("up", "-d", *more, env={"KEY": key}, **how)


def numbers(s):
    return s.davit("history", "-q").out.split()


def inside(s, *command):
    return s.davit("-p", s.project, "exec", "-T", "web", *command).out


def seen(s):
    return inside(s, "sh", "-c", "echo $MODE; cat /settings; echo; cat /run/secrets/key").splitlines()


def image_of(s):
    return json.loads(s.davit("container", "inspect", f"{s.project}-web-1").out)[0]["Image"]


def forward_and_back(s):
    build(s, 1)
    up(s, project())
    first = image_of(s)
    s.equal("the first up is revision 1", ["1"], numbers(s))
    up(s, project())
    s.davit("stop")
    s.davit("up", "-d", env={"KEY": "key-one"})
    s.equal("an up that changes nothing, or only starts, makes none", ["1"], numbers(s))
    build(s, 2)
    up(s, project("two", "two"), "key-two")
    second = image_of(s)
    s.check("another image has the name now", first != second)
    s.equal("which is revision 2", ["2", "1"], numbers(s))
    table = s.davit("history").out.splitlines()
    s.check("the table says which one runs", table[1].startswith("2") and "running" in table[1] and "running" not in table[2], str(table))
    s.check("and what changed", 'environment MODE "one" → "two"' in s.davit("history", "--no-trunc").out)
    rows = [json.loads(line) for line in s.davit("history", "--format", "json").out.splitlines()]
    s.equal("for programs", [("2", "up"), ("1", "up")], [(r["Revision"], r["Command"]) for r in rows])

    s.davit("image", "prune", "-f")
    s.davit("image", "prune", "-a", "-f")
    s.images("busybox")
    s.davit("image", "rm", first, exit=1, err=f"needed by revision 1 of project {s.project}")
    s.davit("rollback", err="Revision 1 of history is back, as revision 3")
    s.equal("image, settings, config and secret are those of then", ["one", "settings one", "key-one"], seen(s))
    s.equal("by id", first, image_of(s))
    s.equal("a rollback is a revision", ["3", "2", "1"], numbers(s))
    s.davit("rollback", "--to", "1", err="is revision 1 already")
    s.davit("rollback")
    s.equal("a second one leads forward again", (["two", "settings two", "key-two"], second), (seen(s), image_of(s)))
    s.davit("rollback", "--to", "17", exit=1, err="has no revision 17")


def differences(s):
    told = s.davit("diff", "1", "2").out
    for line in ('@@ service web @@', '-environment MODE: "one"', '+environment MODE: "two"', '-image id: "sha256:', '@@ config settings @@', '@@ secret key @@'):
        s.check(f"diff has {line}", line in told, told)
    s.equal("what is the same is no difference", "", s.davit("diff", "2", "4").out)
    s.equal("with one number it is against what runs", s.davit("diff", "1", "4").out, s.davit("diff", "1").out)
    up(s, project("two", "two").replace("hush", "hushhush"), "key-two")
    s.check("what may be a secret is not shown", "DB_PASSWORD: (not shown)" in s.davit("diff").out and "hush" not in s.davit("diff").out)


def secrets_stand_once(s):
    for text, wanted in (("key-one", 1), ("key-two", 1), ("settings one", 1)):
        found = subprocess.run(["grep", "-rl", text, f"{HISTORY}/{s.project}"], capture_output=True, text=True).stdout.split()
        s.equal(f"'{text}' stands in one file", wanted, len(found))
        s.check("of contents, for root alone", "/contents/" in found[0] and os.stat(found[0]).st_mode & 0o777 == 0o600, str(found))


def of_some_services(s):
    more = "  side:\n    image: busybox\n    command: sleep 600\n    stop_signal: KILL\n"
    up(s, project("three", "two", more), "key-two")
    first = s.davit("history", "-q").out.split()[0]
    s.equal("two services", {"web": "running", "side": "running"}, s.states())
    up(s, project("four", "two", more.replace("600", "601")), "key-two", "side")
    s.davit("rollback", "--to", first)
    s.davit("rollback")
    s.equal("a revision of one service has the others as they were", "three", seen(s)[0])
    s.check("and that one as it became", "601" in s.davit("ps", "--no-trunc", "--format", "{{.Command}}", "side").out)
    s.davit("rollback", "--to", "4")
    s.equal("a service that the revision lacks goes", {"web": "running"}, s.states())


def failures(s):
    good = numbers(s)[0]
    up(s, project("broken", command="/no/such/command"), "key-two", exit=1)
    s.check("an up that failed is marked", "failed" in s.davit("history").out.splitlines()[1])
    s.davit("rollback", err=f"Revision {good} of")
    s.equal("the way back is to the last good one", "running", s.states()["web"])


def what_is_missing(s):
    build(s, 3)
    up(s, project("five", "two"), "key-five")
    target = numbers(s)[0]
    build(s, 4)
    up(s, project("six", "two"), "key-six")
    s.davit("image", "rm", "-f", next(i["id"] for i in head(s, target)["images"]))
    content = next(c["hash"] for c in head(s, target)["contents"] if c["kind"] == "secret")
    os.unlink(f"{HISTORY}/{s.project}/contents/{content}")
    before = s.ps()
    s.davit("rollback", "--to", target, exit=1,
            err=r'cannot be brought back: the image app:latest \([0-9a-f]{12}\) is gone, the content of secret "key" is gone')
    s.equal("nothing was touched", [c["ID"] for c in before], [c["ID"] for c in s.ps()])
    build(s, 5)
    up(s, project("seven", "two"), "key-two")


def head(s, number):
    with open(f"{HISTORY}/{s.project}/{number}.revision", encoding="utf-8") as f:
        return json.loads(f.readline())


def write_otherwise(s, number):
    """The model with other blanks, as another version of davit has it."""
    path = f"{HISTORY}/{s.project}/{number}.revision"
    with open(path, encoding="utf-8") as f:
        listed, model = f.read().split("\n", 1)
    text = json.dumps(json.loads(model))
    with open(path, "w", encoding="utf-8") as f:
        f.write(json.dumps({**json.loads(listed), "model_size": len(text.encode())}) + "\n" + text)


def down_and_up(s):
    last = numbers(s)[0]
    s.davit("down", "-t", "0")
    s.equal("down leaves the history", last, numbers(s)[0])
    s.davit("diff", "2", exit=1, err="nothing of project")
    s.davit("rollback", err=f"Revision {last} of")
    s.equal("what was down is up again", "running", s.states()["web"])
    write_otherwise(s, last)
    s.write("compose.yaml", "services: [")
    s.davit("rollback", err="cannot be loaded")
    s.equal("also with a file that is broken; what is the same as what runs is passed over", "six", seen(s)[0])


def what_it_costs(s):
    s.check("system df tells", [r for r in s.davit("system", "df").out.splitlines() if r.startswith("Revisions")])
    s.davit("-p", s.project, "history", "prune", "-f", "--keep", "2", out="Forgotten: revision 1\n")
    s.equal("two are left", 2, len(s.davit("-p", s.project, "history", "-q").out.split()))
    named = {c["hash"] for n in s.davit("-p", s.project, "history", "-q").out.split() for c in head(s, n)["contents"]}
    s.equal("and the contents that they name", named, {os.path.basename(p) for p in glob.glob(f"{HISTORY}/{s.project}/contents/*")})
    s.davit("-p", s.project, "down", "-t", "0", "-v")
    s.check("down -v takes the history along", not os.path.exists(f"{HISTORY}/{s.project}"))


def at_most_so_many(s):
    text = "services:\n  web: {image: busybox, command: sleep 600, stop_signal: KILL, environment: {N: 'NUMBER'}, secrets: [key]}\nsecrets:\n  key: {environment: KEY}\n"
    for n in range(4):
        s.write("compose.yaml", text.replace("NUMBER", str(n)))
        s.davit("up", "-d", env={"KEY": f"value {n}", "DAVIT_REVISIONS": "2"})
    s.equal("all stay in the list", ["4", "3", "2", "1"], numbers(s))
    s.equal("the last two are kept whole", 2, len(glob.glob(f"{HISTORY}/{s.project}/contents/*")))
    s.davit("rollback", "--to", "1", exit=1, err='the content of secret "key" is gone')
    s.davit("up", "-d", "--force-recreate", env={"KEY": "x", "DAVIT_REVISIONS": "0"})
    s.equal("none is made where none is wanted", "4", numbers(s)[0])
    s.davit("down", "-t", "0", "-v")


with Scenario("history") as s:
    s.images("busybox")
    before = s.listing()
    for part in (forward_and_back, differences, secrets_stand_once, of_some_services, failures, what_is_missing, down_and_up, what_it_costs, at_most_so_many):
        part(s)
    s.nothing_left(before)
