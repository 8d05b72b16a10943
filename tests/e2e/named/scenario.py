"""What is named on the command line, and what is not: profiles, `run --volume`, sharers, networks, `down -v` alone."""
import json
import os
import re

from harness import Scenario

SLEEP = "image: busybox\n    init: true\n    stop_signal: KILL\n    command: sleep 600"


def service(name, rest=""):
    return f"  {name}:\n    {SLEEP}\n" + "".join(f"    {line}\n" for line in rest.splitlines())


def job(name, command, rest, profile="tools"):
    return f"  {name}:\n    image: busybox\n    profiles: [{profile}]\n    command: {command}\n" + "".join(f"    {line}\n" for line in rest.splitlines())


def down(s, before, *more):
    s.davit("-p", "named", "down", "-t", "0", "-v", *more)  # of inactive profiles, too
    s.nothing_left(before)


def volumes(s):
    return sorted(v for v in s.davit("volume", "ls", "-q").out.split())


def running(s):
    return {c["Name"] for c in s.ps() if c["State"] == "running"}


def behind_a_profile(s, before):
    """A service whose profile is off has all that is its own when it is named."""
    s.write("s.txt", "s3\n")
    s.write("m.env", "TEST=True\n")
    s.write("l.lbl", "from.file=yes\n")
    s.write("compose.yaml", "services:\n" + service("a")
            + job("all", "cat /run/secrets/s /c /vv/x", "secrets: [s]\nconfigs: [c]\nvolumes: ['vv:/vv']\nnetworks: [nn]")
            + job("secret", "cat /run/secrets/s", "secrets: [s]") + job("config", "cat /c", "configs: [c]")
            + job("volume", "ls -d /vv", "volumes: ['vv:/vv']") + job("network", "cat /proc/net/dev", "networks: [nn]")
            + job("env", "sh -c 'echo TEST=$$TEST'", "env_file: [m.env]\nlabel_file: [l.lbl]")
            + job("needs", "'true'", "depends_on: [dep]") + service("dep", "profiles: [tools]\nsecrets: [s]\nvolumes: ['v3:/v3']\nnetworks: [nn]\nlabel_file: [l.lbl]\nstorage_opt: {size: 1G}")
            + job("missing", "'true'", "env_file: [none.env]", "broken")
            + "secrets: {s: {file: ./s.txt}}\nconfigs: {c: {content: \"cfg\\n\"}}\nvolumes: {vv: {}, v3: {}}\nnetworks: {nn: {}}\n")
    for name, wanted in (("secret", "s3\n"), ("config", "cfg\n"), ("volume", "/vv\n"), ("env", "TEST=True\n")):
        s.equal(f"run {name}", wanted, s.davit("run", "--rm", name).out)
    s.davit("run", "--rm", "network", out="eth0")
    s.davit("run", "--rm", "all", exit=1, out="s3\ncfg")  # /vv/x is not there
    s.davit("run", "--rm", "needs", err="storage_opt: is read but has no effect")  # of what it enables, too
    s.equal("the dependency runs with what is its own", {"named-dep-1"}, running(s))
    s.equal("its secret", "s3\n", s.davit("exec", "-T", "dep", "cat", "/run/secrets/s").out)
    s.davit("run", "--rm", "missing", exit=1, err=r"compose\.yaml:\d+:\d+: services\.missing\.env_file\[0\]: env file .*none\.env not found")
    down(s, before)
    for words in (["create", "config"], ["up", "-d", "secret"], ["up", "-d", "dep"]):
        s.davit(*words)
    s.davit("pull", "--policy", "missing", "network", exit=1, err="you have busybox:latest")  # that tag is looked up again, and nobody is there
    s.equal("label_file of a service that was named", "yes", json.loads(s.davit("container", "inspect", "named-dep-1").out)[0]["Config"]["Labels"]["from.file"])
    s.davit("stop", "-t", "0", "dep")
    s.davit("start", "dep")
    s.davit("restart", "-t", "0", "dep")
    s.davit("-f", "-", "up", "-d", "x", stdin="name: named\nservices: {x: {image: busybox, command: sleep 600, init: true, profiles: [p], configs: [c]}}\nconfigs: {c: {content: t}}\n")
    s.equal("by standard input", "t", s.davit("-f", "-", "exec", "-T", "x", "cat", "/c",
                                             stdin="name: named\nservices: {x: {image: busybox, profiles: [p]}}\n").out)
    down(s, before)


def run_volume(s, before):
    s.write("compose.yaml", "services:\n" + service("a", "volumes: ['data:/data']") + service("sub") + "volumes: {data: {}, spare: {}}\n")
    s.davit("run", "--rm", "--no-deps", "-v", "data:/n", "sub", "touch", "/n/here")
    s.equal("the project's volume of that key", ["named_data"], volumes(s))
    s.davit("up", "-d", "a")
    s.davit("exec", "-T", "a", "ls", "/data/here")
    s.davit("run", "--rm", "-v", "spare:/n", "sub", "true")
    s.equal("also one that no service uses", ["named_data", "named_spare"], volumes(s))
    s.davit("run", "--rm", "-v", "own:/n", "sub", "touch", "/n/mine")
    s.davit("run", "--rm", "-v", "own:/n:ro", "sub", "ls", "/n/mine")
    s.equal("a name that no file has stands as it is", ["named_data", "named_spare", "own"], volumes(s))
    s.davit("run", "--rm", "-v", "no/name:/n", "sub", "true", exit=1)
    s.davit("down", "-t", "0", "-v")
    s.equal("and is not the project's", ["own"], volumes(s))
    s.davit("volume", "rm", "own")
    s.nothing_left(before)


def down_v_after_down(s, before):
    s.write("compose.yaml", "services:\n" + service("t", "volumes: ['named:/v', 'theirs:/w']") + "volumes: {named: {}, theirs: {external: true}}\n")
    s.davit("run", "--rm", "--no-deps", "-v", "theirs:/w", "t", "true", exit=1, err="theirs")  # declared, and so external
    s.write("x.yaml", "services: {x: {image: busybox}}\n")
    s.davit("-f", "x.yaml", "run", "--rm", "-v", "theirs:/w", "x", "true")
    s.davit("up", "-d")
    s.davit("down", "-t", "0")
    s.equal("the volume outlives down", ["named_named", "theirs"], volumes(s))
    s.davit("--dry-run", "down", "-v", out="^volume named: remove")
    s.davit("down", "-v", err="Volume named_named  ?Removed")
    s.equal("and down -v alone takes it", ["theirs"], volumes(s))
    for words in (["down"], ["down", "-v"], ["-p", "nobody", "down"]):
        name = "nobody" if "-p" in words else "named"
        s.davit(*words, err=f'No resource found to remove for project "{name}"')
    s.davit("volume", "rm", "theirs")
    s.check("no directory is left of what was not there", not os.path.exists("/var/lib/davit/projects/nobody"))
    s.nothing_left(before)


def sharers(s, before):
    text = "services:\n" + service("base", "ipc: shareable\nenvironment: {V: \"${V:-1}\"}\nvolumes: [/data]") \
        + "".join(service(n, rest) for n, rest in (("p", "pid: service:base"), ("i", "ipc: service:base"), ("vf", "volumes_from: [base]"),
                                                   ("n", "network_mode: service:base"), ("c", "profiles: [c]\npid: container:named-base-1")))
    text = text.replace("  p:\n    image: busybox\n    init: true", "  p:\n    image: busybox").replace("  c:\n    image: busybox\n    init: true", "  c:\n    image: busybox")
    s.write("compose.yaml", text)
    s.davit("up", "-d")
    s.davit("up", "-d", "c")
    everybody = {f"named-{n}-1" for n in ("base", "p", "i", "vf", "n", "c")}
    s.equal("all run", everybody, running(s))
    s.davit("up", "-d", "-V", "base", env={"V": "2"}, err="container named-n-1 shares the network of named-base-1, which is made anew")
    s.davit("exec", "-T", "base", "sh", "-c", "echo 2 > /data/f; echo 2 > /dev/shm/s")
    s.davit("--profile", "c", "up", "-d", env={"V": "2"})
    s.equal("all run again", everybody, running(s))
    for name, file in (("vf", "/data/f"), ("i", "/dev/shm/s")):
        s.equal(f"{name} has what the new base has", "2\n", s.davit("exec", "-T", name, "cat", file).out)
    for name in ("p", "c"):
        s.davit("exec", "-T", name, "sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline", out="sleep 600")
    s.equal("then nothing is left to do", "", s.davit("--profile", "c", "plan", env={"V": "2"}).out.strip())
    s.davit("--profile", "c", "up", "-d", env={"V": "3"})
    s.equal("all at once", everybody, running(s))
    down(s, before)


def network_of_others(s, before):
    s.write("compose.yaml", "services:\n" + service("a") + service("b")
            + "networks: {default: {labels: {x: \"${L:-1}\"}, ipam: {config: [{subnet: \"${S:-10.213.9.0/24}\"}]}}}\n")
    s.davit("up", "-d")
    first = {c["Name"]: c["ID"] for c in s.ps()}
    for env in ({"S": "10.213.10.0/24"}, {"S": "10.213.10.0/24", "L": "2"}):
        s.davit("up", "-d", "a", env=env)
        s.equal("both run, the named one and the other", {"named-a-1", "named-b-1"}, running(s))
        s.davit("exec", "-T", "b", "ip", "-4", "addr", "show", "eth0", out=r"10\.213\.10\.")
    s.equal("as the containers they were", first, {c["Name"]: c["ID"] for c in s.ps()})
    result = s.davit("up", "-d", "a", env={"S": "10.213.10.0/24", "L": "2"})
    s.check("what was not asked for is not told of", "named-b-1" not in result.err, result.err)
    s.check("what was, is", re.search(r"named-a-1\s+Running", result.err), result.err)
    down(s, before)


def files_that_are_gone(s, before):
    """Who only handles containers that are there needs no env_file: it must not keep anybody from stopping them."""
    text = "services:\n" + service("a", "env_file: [a.env]\nlabel_file: [a.label]\nuser: '1000'") + service("never", "env_file: [never.env]\nprofiles: [p]")
    s.write("compose.yaml", text)
    s.write("a.env", "A=1\n")
    s.write("a.label", "l=1\n")
    s.davit("up", "-d")
    os.unlink(os.path.join(s.directory, "a.env"))
    os.unlink(os.path.join(s.directory, "a.label"))
    for words in (["ps"], ["logs"], ["exec", "-T", "a", "true"], ["stop", "-t", "0"], ["start"], ["restart", "-t", "0"], ["kill"], ["rm", "-f"]):
        s.davit(*words)
    s.davit("up", "-d", exit=1, err=r"a\.env")
    s.write("a.env", "A=1\n")
    s.write("a.label", "l=1\n")
    s.davit("up", "-d")
    for words in (["exec", "-T"], ["run", "--rm", "-T"]):
        s.equal("an empty user is none", "1000\n", s.davit(*words, "-u", "", "a", "id", "-u").out)
    os.unlink(os.path.join(s.directory, "a.env"))
    s.davit("--profile", "*", "down", "-v", "-t", "0")
    s.nothing_left(before)


with Scenario("named") as s:
    s.images("busybox")
    before = s.listing()
    behind_a_profile(s, before)
    run_volume(s, before)
    down_v_after_down(s, before)
    sharers(s, before)
    network_of_others(s, before)
    files_that_are_gone(s, before)
