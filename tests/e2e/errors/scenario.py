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


# Refused when the container is made, or when it starts: attributes of service `a`, line and column, what is said.
AT_CREATION = [
    ("restart: sometimes", "3:5", "restart policy"),
    ("restart: on-failure:-3", "3:5", "retry count"),
    ("restart: always:3", "3:5", "retry count"),
    ("stop_signal: SIGNOTHING", "3:5", "invalid signal"),
    ("working_dir: relative", "3:5", "absolute"),
    ("cap_add: [CHOWN, NOSUCH]", "3:22", "NOSUCH"),
    ("cap_drop: [NOSUCH]", "3:16", "NOSUCH"),
    ("security_opt: [label=disable, nosuch=1]", "3:35", "nosuch"),
    ("mem_limit: 1m", "3:5", "6MB"),
    ("deploy: {resources: {limits: {memory: 1m}}}", "3:35", "6MB"),
    ("memswap_limit: 64m", "3:5", "Memory limit"),
    ("mem_reservation: 1m", "3:5", "6MB"),
    ("cpus: 4000", "3:5", "range of CPUs"),
    ("deploy: {resources: {limits: {cpus: '4000'}}}", "3:35", "range of CPUs"),
    ("cpuset: x", "3:5", "cpuset"),
    ("cpuset: 0-4000", "3:5", "not available"),
    ("cpu_quota: 5", "3:5", "quota"),
    ("cpu_period: 5", "3:5", "period"),
    ("mem_swappiness: 300", "3:5", "swappiness"),
    ("blkio_config: {weight: 5}", "3:20", "blkio weight"),
    ("ulimits: {nofile: 10, nosuch: 1}", "3:27", "ulimit type"),
    ("ulimits: {nofile: {soft: 20, hard: 10}}", "3:15", "soft limit"),
    ("sysctls: {net.core.somaxconn: 1}\n    network_mode: host", "3:15", "not allowed"),
    ("sysctls: {net.core.somaxconn: 128, net.ipv4.tcp_keepalive_time: abc}", "3:40", "tcp_keepalive_time"),
    ("volumes: ['/etc:/a', '/etc/passwd:/etc']", "3:26", "/etc"),
    ("devices: [/dev/null, /dev/nosuch]", "3:26", "/dev/nosuch"),
    ("device_cgroup_rules: [x]", "3:27", "x"),
    ("gpus: all", "3:5", "GPU vendor"),
    ("runtime: nosuch", "3:5", "runtime"),
    ("isolation: hyperv", "3:5", "isolation"),
    ("uts: nosuch", "3:5", "UTS"),
    ("pid: nosuch", "3:5", "PID"),
    ("ipc: nosuch", "3:5", "IPC"),
    ("userns_mode: nosuch", "3:5", "USER"),
    ("pid: container:nosuch", "3:5", "No such container"),
    ("network_mode: container:nosuch", "3:5", "No such container"),
    ("volumes_from: [container:nosuch]", "3:20", "No such container"),
    ("volumes: [/etc:/a, {type: bind, source: /no/such, target: /b, bind: {create_host_path: false}}]", "3:24", "/no/such"),
    ("volumes: ['/etc:/']", "3:15", "destination"),
    ("tmpfs: ['/a:nosuch=1']", "3:13", "nosuch"),
    ("logging: {driver: nosuch}", "3:15", "nosuch"),
    ("logging: {options: {nosuch: a}}", "3:25", "nosuch"),
    ("dns: [nosuch]", "3:11", "DNS"),
    ("extra_hosts: ['h:nosuch']", "3:5", "nosuch"),
    ("mac_address: nosuch", "3:5", "MAC"),
    ("ports: ['21030:80', '21030:81']", "3:25", "21030"),
    ("user: nosuch", "3:5", "nosuch"),
    ("command: /no/such/program", "3:5", "/no/such/program"),
    ("secrets: [s]\nsecrets: {s: {file: /no/such}}", "5:11", r'secret "s": .*/no/such'),
    ("configs: [s]\nconfigs: {s: {file: /no/such}}", "5:11", r'config "s": .*/no/such'),
    ("secrets: [s]\nsecrets: {s: {environment: NOSUCH}}", "5:11", r'"NOSUCH" required by secret'),
    ("networks: [n]\nnetworks: {n: {external: true, name: nosuch}}", "5:12", "nosuch"),
    ("volumes: ['vol:/v']\nvolumes: {vol: {external: true, name: nosuch}}", "5:11", "nosuch"),
    ("volumes: ['vol:/v']\nvolumes: {vol: {driver: nosuch}}", "3:15", "nosuch"),
    ("networks: [n]\nnetworks: {n: {driver: nosuch}}", "5:12", "nosuch"),
    ("pull_policy: never\n    image: nosuch", "4:5", "nosuch"),
]


def at_creation(s, before):
    """What is checked only when a container is made is told like what is wrong in the file: with place and caret."""
    for text, place, wanted in AT_CREATION:
        lines = text.split("\n")
        attributes = [lines[0].strip()] + [l.strip() for l in lines[1:] if l.startswith(" ")]
        if not any(a.startswith("image:") for a in attributes):
            attributes.append("image: busybox")
        sections = [l for l in lines[1:] if not l.startswith(" ")]
        s.write("compose.yaml", "services:\n  a:\n" + "".join(f"    {a}\n" for a in attributes) + "".join(l + "\n" for l in sections))
        result = s.davit("up", "-d", exit=1)
        told = re.search(rf"error: \S*compose\.yaml:{place}: [^\n]*({wanted})[^\n]*\n  [^\n]+\n *\^", result.err)
        s.check(f"{text!r} is told at {place}", told, result.err)
        s.check("and once", result.err.count("error: ") == 1, result.err)
        s.davit("down", "-t", "0", "-v")
    s.write("compose.yaml", "services:\n  a:\n    image: busybox\n    user: root\n    volumes: ['/etc:/a']\n")
    for words in (["-v", "/etc:/"], ["-u", "nosuch"], ["--cap-add", "NOSUCH"]):
        result = s.davit("run", "--rm", *words, "a", "true", exit=1)
        s.check(f"what {words} says stands in no file", "compose.yaml:" not in result.err, result.err)
    s.davit("down", "-t", "0", "-v")
    s.nothing_left(before)


def small_words(s, before):
    result = s.davit("-f", "nosuch.yaml", "up", exit=1)
    s.check("one error:, and the reason", re.fullmatch(r"error: cannot read the compose file \S*/nosuch\.yaml: No such file or directory\n", result.err), result.err)
    s.write("compose.yaml", "services: {a: [\n")
    result = s.davit("logs", exit=1)
    s.check("a broken file is told once, for what it is", result.err.count("compose.yaml:") == 1 and "warning" not in result.err, result.err)
    dependency = "services:\n  d:\n    image: busybox\n    command: ['sh', '-c', 'echo my last words; {}']\n    stop_signal: KILL\n    healthcheck: {{test: 'false', interval: 50ms, retries: 1}}\n" \
        "  a:\n    image: busybox\n    command: sleep 600\n    stop_signal: KILL\n    depends_on: {{d: {{condition: {}, required: {}}}}}\n"
    for command, condition in (("exit 3", "service_completed_successfully"), ("exec sleep 600", "service_healthy")):
        s.write("compose.yaml", dependency.format(command, condition, "true"))
        for words in (["up", "-d"], ["run", "--rm", "-T", "a", "true"]):
            s.davit(*words, exit=1, err=r"last lines of errors-d-1:\n  \| my last words")
            s.davit("down", "-t", "0")
    s.write("compose.yaml", dependency.format("exec sleep 600", "service_healthy", "false"))
    result = s.davit("up", "-d")
    s.check("nothing is called healthy that is not", "is unhealthy" in result.err and "Healthy" not in result.err, result.err)
    s.davit("down", "-t", "0")
    s.write("compose.yaml", "services:\n  a:\n    image: busybox\n    build: .\n    stop_signal: KILL\n    command: sleep 600\n    develop: {watch: [{path: ., action: rebuild}]}\n")
    for words in (["up", "-d"], ["create"], ["run", "--rm", "-T", "a", "true"]):
        result = s.davit(*words)
        s.check("nothing is built where the image is there", "Dockerfile" not in result.err, result.err)
        s.davit(words[0], "--build", *words[1:], exit=1, err="Dockerfile")
    s.davit("down", "-t", "0")
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
    for part in (refuse, at_creation, small_words, programs, containers, conflicts, pulls, disk_full):
        part(s, before)
