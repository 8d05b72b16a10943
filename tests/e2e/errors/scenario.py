"""Bad input: a clear error with its place, docker compose's exit code, and nothing half-made."""
import os
import re
import shutil
import socket
import subprocess

from registry import Registry
from harness import Scenario

LAYOUT = os.environ["DAVIT_IMAGES"]
SLEEP = "command: [sleep, '600']\n    stop_signal: KILL"

# Refused while loading: name, compose file, what stderr must say (any order).
REFUSED = [
    ("broken YAML", "services:\n  a:\n    image: busybox\n   command: [x\n", [r"compose\.yaml:4"]),
    ("unknown attribute", "services:\n  a:\n    imgae: busybox\n", [r"compose\.yaml:3:5", "imgae", "image"]),
    ("unknown top-level key", "servces:\n  a: {image: busybox}\n", [r"compose\.yaml:1:1", "servces", "services"]),
    ("wrong type", "services:\n  a:\n    image: busybox\n    ports: hello\n", [r"compose\.yaml:4", "ports"]),
    ("duplicate key", "services:\n  a:\n    image: x\n    image: y\n", [r"compose\.yaml:4", "image"]),
    ("undefined network", "services:\n  a: {image: busybox, networks: [nowhere]}\n", ["nowhere", "network"]),
    ("undefined volume", "services:\n  a: {image: busybox, volumes: ['nowhere:/x']}\n", ["nowhere", "volume"]),
    ("undefined secret", "services:\n  a: {image: busybox, secrets: [nowhere]}\n", ["nowhere", "secret"]),
    ("undefined service", "services:\n  a: {image: busybox, depends_on: [nowhere]}\n", ["nowhere"]),
    ("dependency cycle", "services:\n  a: {image: busybox, depends_on: [b]}\n  b: {image: busybox, depends_on: [a]}\n", ["cycle", "a", "b"]),
    ("missing env file", "services:\n  a: {image: busybox, env_file: none.env}\n", [r"none\.env"]),
    ("required variable", "services:\n  a: {image: '${NOWHERE:?set it}'}\n", ["NOWHERE", "set it"]),
]


def refuse(s, before):
    for name, text, wanted in REFUSED:
        s.write("compose.yaml", text)
        for verb in (["up", "-d"], ["config"]):
            result = s.davit(*verb, exit=None, within=10)
            s.equal(f"{name}: exit code of {verb[0]}", 1, result.code)
            for w in wanted:
                s.check(f"{name}: {verb[0]} says /{w}/", re.search(w, result.err), result.err)
        s.nothing_left(before)
    s.check("a refused project has no record", not os.path.exists("/var/lib/davit/projects/errors"))


def fails(s, before, name, text, wanted, code=1, verb=("up", "-d"), **more):
    """It begins, fails with a clear text, and `down` leaves nothing."""
    s.write("compose.yaml", text)
    result = s.davit(*verb, exit=code, **more)
    for w in wanted:
        s.check(f"{name}: says /{w}/", re.search(w, result.err), result.err)
    s.davit("down", "-t", "0")
    s.nothing_left(before)


def service(image, rest=""):
    return f"services:\n  a:\n    image: {image}\n    {SLEEP}\n{rest}"


def pulls(s, before):
    fails(s, before, "registry down", service("localhost:9/none:1"), [r"localhost:9", "refused|connect"])
    with Registry(LAYOUT) as registry:
        fails(s, before, "image not found", service(f"{registry.host}/none:1"), [r"none:1", "not found|unknown|No such"])
    with Registry(LAYOUT, user=("me", "right")) as registry:
        fails(s, before, "no credentials", service(f"{registry.host}/redis:7"), ["authenti|unauthori[sz]ed|denied|credentials|login"])
        s.write("docker/config.json", '{"auths": {"%s": {"auth": "bWU6d3Jvbmc="}}}' % registry.host)
        fails(s, before, "wrong credentials", service(f"{registry.host}/redis:7"), ["authenti|unauthori[sz]ed|denied|credentials|login"],
              env={"DOCKER_CONFIG": s.directory + "/docker"})
        s.write("docker/config.json", '{"auths": {"%s": {"auth": "bWU6cmlnaHQ="}}}' % registry.host)
        s.write("compose.yaml", service(f"{registry.host}/busybox:latest"))
        s.davit("pull", env={"DOCKER_CONFIG": s.directory + "/docker"})
    with Registry(LAYOUT) as registry:
        registry.corrupt = registry.layers("redis:7")[-1]
        fails(s, before, "corrupt layer", service(f"{registry.host}/redis:7"), [registry.corrupt[:19], "digest|corrupt|match"])
        s.check("the corrupt image is not there", "redis" not in s.davit("image", "ls").out)
    with Registry(LAYOUT) as registry:
        registry.cut = registry.layers("redis:7")[-1]
        fails(s, before, "a connection that ends half-way", service(f"{registry.host}/redis:7"), [r"redis"], within=90)


def disk_full(s, before):
    state = s.directory + "/small"
    os.makedirs(state)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "small", state], check=True)
    with Registry(LAYOUT) as registry:
        s.write("compose.yaml", service(f"{registry.host}/redis:7"))
        s.davit("up", "-d", exit=1, err="No space left", env={"DAVIT_STATE_DIR": state})
        big = [os.path.join(p, f) for p, _, fs in os.walk(state) for f in fs if os.path.getsize(os.path.join(p, f)) > 100_000]
        s.equal("nothing of the image stays", [], big)
        s.davit("down", env={"DAVIT_STATE_DIR": state})
    subprocess.run(["umount", state], check=True)
    os.rmdir(state)
    s.nothing_left(before)


def conflicts(s, before):
    with socket.socket() as held:
        held.bind(("0.0.0.0", 8099))
        held.listen()
        fails(s, before, "port taken by a program", service("busybox", "    ports: ['8099:80']\n"), ["8099", f"python3|pid {os.getpid()}"])
    s.write("compose.yaml", service("busybox", "    ports: ['8099:80']\n    networks: [n]\n"
                                    "networks: {n: {ipam: {config: [{subnet: 10.123.7.0/24}]}}}\n"))
    s.davit("-p", "owner", "up", "-d")
    s.davit("-p", "second", "up", "-d", exit=1, err=r"10\.123\.7\.0/24|8099")
    s.davit("-p", "second", "down", "-t", "0")
    s.write("port.yaml", service("busybox", "    ports: ['8099:80']\n"))
    s.davit("-p", "second", "-f", "port.yaml", "up", "-d", exit=1, err=r"8099[\s\S]*owner|owner[\s\S]*8099")
    s.davit("-p", "second", "-f", "port.yaml", "down", "-t", "0")
    s.write("net.yaml", service("busybox", "    networks: [n]\nnetworks: {n: {ipam: {config: [{subnet: 10.123.7.0/25}]}}}\n"))
    s.davit("-p", "third", "-f", "net.yaml", "up", "-d", exit=1, err=r"10\.123\.7\.0/25[\s\S]*owner|owner[\s\S]*10\.123\.7")
    s.davit("-p", "third", "-f", "net.yaml", "down", "-t", "0")
    s.davit("-p", "owner", "down", "-t", "0")
    s.nothing_left(before)


def containers(s, before):
    fails(s, before, "command not found", "services: {a: {image: busybox, command: [/no/such/program]}}\n", ["/no/such/program", "a"])
    s.write("compose.yaml", "services: {a: {image: busybox}}\n")
    s.davit("run", "--rm", "-T", "a", "/no/such/program", exit=1, err="/no/such/program")
    s.davit("run", "--rm", "-T", "a", "/etc", exit=1, err="/etc")
    s.davit("down")
    fails(s, before, "never healthy", """
services:
  a:
    image: busybox
    command: ["sh", "-c", "echo the last words; exec sleep 600"]
    stop_signal: KILL
    healthcheck: {test: ["CMD", "false"], interval: 100ms, retries: 2}
""", ["unhealthy", "the last words"], verb=("up", "-d", "--wait"))


def programs(s, before):
    """What davit itself needs: root, and its other programs."""
    alone = s.scratch + "/alone"
    os.makedirs(alone)
    shutil.copy(s.binary, alone + "/davit")
    for directory in (s.scratch, s.directory, alone):
        os.chmod(directory, 0o755)
    s.write("compose.yaml", service("busybox"))
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", alone + "/davit"]
    for verb in (["up", "-d"], ["ps"], ["down"], ["image", "ls"], ["network", "ls"], ["system", "doctor"]):
        result = s.run(*nobody, *verb)
        s.check(f"{verb[0]} wants root", result.code == 1 and "needs root" in result.err and "sudo" in result.err, str(result))
    s.equal("config does not", 0, s.run(*nobody, "config", "-q").code)
    missing = s.run(alone + "/davit", "up", "-d")
    s.check("a missing supervisor is named", missing.code == 1 and "davit-supervisor was not found" in missing.err and "reinstall" in missing.err, str(missing))
    with open(alone + "/davit-supervisor", "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\nexit 3\n")
    os.chmod(alone + "/davit-supervisor", 0o755)
    broken = s.run(alone + "/davit", "up", "-d")
    s.check("a broken supervisor is named", broken.code == 1 and "could not start" in broken.err and "status 3" in broken.err, str(broken))
    s.davit("down")
    shutil.rmtree(alone)
    s.davit("run", "--name", "bad name!", "a", "true", exit=1, err="Invalid container name")
    s.nothing_left(before)


with Scenario("errors") as s:
    s.images("busybox")
    before = s.listing()
    for part in (refuse, programs, containers, conflicts, pulls, disk_full):
        part(s, before)
