"""What a container is given and what it may not have: sysctls, limits, its own mounts."""
import json
import os
import re

from harness import Scenario

SLEEP = "command: [sleep, '600']\n    stop_signal: KILL"
PORTS = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
PING = "/proc/sys/net/ipv4/ping_group_range"


def sysctls(s):
    """What the file gives wins over what every container gets, in whichever way it is spelled."""
    s.write("compose.yaml", f"""
services:
  port: {{image: busybox, sysctls: {{net.ipv4.ip_unprivileged_port_start: 1024}}, command: cat {PORTS} {PING}}}
  ping: {{image: busybox, sysctls: ["net.ipv4.ping_group_range=1 0", "net.ipv6.conf.all.disable_ipv6=0"], command: cat {PORTS} {PING} /proc/sys/net/ipv6/conf/all/disable_ipv6}}
  slashes: {{image: busybox, sysctls: {{net/ipv4/ip_unprivileged_port_start: 99}}, command: cat {PORTS}}}
  none: {{image: busybox, network_mode: none, sysctls: {{net.ipv4.ip_unprivileged_port_start: 7}}, command: cat {PORTS} {PING}}}
  link: {{image: busybox, sysctls: {{net.ipv4.conf.eth0.rp_filter: 2}}, command: cat /proc/sys/net/ipv4/conf/eth0/rp_filter}}
  all: {{image: busybox, sysctls: {{net.core.somaxconn: 777, kernel.msgmax: 5555, fs.mqueue.msg_max: 20}}, command: cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max}}
  owner:
    image: busybox
    sysctls: {{net.ipv4.ip_unprivileged_port_start: 1024, net.core.somaxconn: 55}}
    {SLEEP}
  guest:
    image: busybox
    network_mode: service:owner
    sysctls: {{net.core.somaxconn: 66}}
    {SLEEP}
""")
    for service, wanted in (("port", "1024\n0\t2147483647\n"), ("ping", "0\n1\t0\n0\n"), ("slashes", "99\n"), ("none", "7\n0\t2147483647\n"), ("link", "2\n"), ("all", "777\n5555\n20\n")):
        s.equal(f"sysctls of {service}", wanted, s.davit("run", "--rm", "-T", service).out)
    s.davit("up", "-d", "owner", "guest")
    s.equal("a guest changes in a network what its file says, and nothing else", "1024\n66\n", s.davit("exec", "-T", "owner", "cat", PORTS, "/proc/sys/net/core/somaxconn").out)
    s.davit("restart", "-t", "0", "owner")
    s.equal("a restart sets them again", "1024\n", s.davit("exec", "-T", "owner", "cat", PORTS).out)
    s.davit("down", "-t", "0")


def own_limits(s):
    s.write("compose.yaml", f"""
services:
  a:
    image: busybox
    user: "1000:1000"
    mem_limit: 64m
    pids_limit: 33
    {SLEEP}
""")
    s.davit("up", "-d")
    v2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    files = ["memory.max", "pids.max"] if v2 else ["memory/memory.limit_in_bytes", "pids/pids.max"]
    s.equal("any user reads the container's limits", "67108864\n33\n", s.davit("exec", "-T", "a", "cat", *["/sys/fs/cgroup/" + f for f in files]).out)
    closed = [p for top, dirs, _ in os.walk("/sys/fs/cgroup") for p in (os.path.join(top, d) for d in dirs)
              if "/davit" in p and os.stat(p).st_mode & 0o777 != 0o755]
    s.equal("every group that davit makes is open for reading", [], closed)
    s.davit("down", "-t", "0")


def no_room(s):
    """A container with a read-only root cannot fill the machine's memory through a mount that nobody asked for."""
    s.write("compose.yaml", f"""
services:
  ro:
    image: busybox
    read_only: true
    {SLEEP}
  rw:
    image: busybox
    {SLEEP}
""")
    s.davit("up", "-d")
    fill = "dd if=/dev/zero of=/sys/fs/cgroup/x bs=64k count=16 2>/dev/null; cat /sys/fs/cgroup/x 2>/dev/null | wc -c"
    s.equal("nothing can be written below /sys/fs/cgroup", "0\n", s.davit("exec", "-T", "ro", "sh", "-c", fill).out)
    s.check("and no more than a page where the root is writable", int(s.davit("exec", "-T", "rw", "sh", "-c", fill).out) <= 4096)
    s.davit("down", "-t", "0")


def health(s):
    """Why a container is unhealthy is said where it matters, and kept where one looks for it."""
    s.write("compose.yaml", f"""
services:
  db:
    image: busybox
    command: ["sh", "-c", "echo the last words; exec sleep 600"]
    stop_signal: KILL
    healthcheck: {{test: ["CMD-SHELL", "echo no route; printf 'to \\\\033[2Jhost' >&2; exit 3"], interval: 50ms, retries: 2}}
  web:
    image: busybox
    depends_on: {{db: {{condition: service_healthy}}}}
    {SLEEP}
  fine:
    image: busybox
    healthcheck: {{test: ["CMD", "true"], interval: 50ms}}
    {SLEEP}
""")
    err = s.davit("up", "-d", "--wait", "db", exit=1).err
    for words in ("the last words", "no route", "to \\x1b[2Jhost", "exited with 3", "is unhealthy"):
        s.check(f"what failed says '{words}'", words in err, err)
    s.check("no control character of a container reaches the terminal", "\x1b[2J" not in err, repr(err))
    s.davit("up", "-d", "web", exit=1, err="is unhealthy")
    s.davit("up", "-d", "--wait", "fine")
    state = lambda name: json.loads(s.davit("container", "inspect", f"limits-{name}-1").out)[0]["State"]
    s.eventually("five results are kept", lambda: len(state("db")["Health"]["Log"]) == 5)
    health = state("db")["Health"]
    s.equal("the state is told", "unhealthy", health["Status"])
    s.check("and how often it failed in a row", health["FailingStreak"] >= 5, str(health))
    for result in health["Log"]:
        s.equal("each has its exit code and output", (3, "no route\nto \x1b[2Jhost"), (result["ExitCode"], result["Output"]))
        s.check("and its times", result["Start"] < result["End"] and result["Start"].endswith("Z"), str(result))
    s.check("in order", [r["Start"] for r in health["Log"]] == sorted(r["Start"] for r in health["Log"]))
    s.equal("a healthy one has no streak", ("healthy", 0), (state("fine")["Health"]["Status"], state("fine")["Health"]["FailingStreak"]))
    s.check("what is not checked has no health", "Health" not in s.run("sh", "-c", f"'{s.binary}' container inspect limits-web-1 || true").out)
    [supervisor] = s.pids(r"^\S*davit-supervisor --project")
    first = state("db")["Health"]["Log"][0]["Start"]
    os.kill(supervisor, 9)
    s.eventually("checks go on after the supervisor was killed", lambda: state("db")["Health"]["Log"][0]["Start"] > first and len(state("db")["Health"]["Log"]) == 5)
    s.davit("down", "-t", "0")


def wrong_mounts(s):
    """A mount that cannot be says what stands in its way and what to do."""
    os.makedirs(s.directory + "/ro", exist_ok=True)
    s.write("file.txt", "text\n")
    s.write("ro/here", "")
    rows = [("dir-for-file", "['./missing:/etc/passwd']", [r"/missing is a directory", r"/etc/passwd is a file", "hint: .*missing"]),
            ("file-for-dir", "['./file.txt:/etc']", [r"/file\.txt is a file", "/etc is a directory", "/etc/file.txt"]),
            ("volume-for-file", "['vol:/etc/passwd']", [r"the volume 'limits_vol' is a directory", "/etc/passwd is a file"]),
            ("no-subpath", "[{type: volume, source: vol, target: /x, volume: {subpath: a/b}}]", [r"the volume 'limits_vol' has no 'a/b'", "hint: "]),
            ("in-a-file", "['./file.txt:/etc/passwd/x']", [r"/etc/passwd/x cannot be made: /etc/passwd is a file"]),
            ("below-ro", "['./ro:/m:ro', './file.txt:/m/sub']", [r"/m/sub cannot be made: /m is mounted read-only", "hint: "]),
            ("bare-etc", "['./ro:/etc:ro']", [r"/etc/host(s|name) cannot be made: /etc is mounted read-only", "hint: "]),
            ("bad-option", "[{type: volume, source: o, target: /x}]", ["/x", "'size=lots'", "Invalid argument"]),
            ("tmpfs-for-file", "[{type: tmpfs, target: /etc/passwd}]", ["tmpfs", "/etc/passwd is a file"])]
    s.write("compose.yaml", "services:\n" + "".join(f"  {name}: {{image: busybox, volumes: {mounts}, command: 'true'}}\n" for name, mounts, _ in rows)
            + "volumes:\n  vol:\n  o: {driver_opts: {type: tmpfs, device: tmpfs, o: size=lots}}\n")
    for name, _, wanted in rows:
        err = s.davit("run", "--rm", "-T", name, exit=1).err
        for w in wanted:
            s.check(f"{name}: says /{w}/", re.search(w, err), err)
    s.davit("down", "-v", "-t", "0")
    os.rmdir(s.directory + "/missing")


def read_only_etc(s):
    """A fresh volume over /etc has the mount points that a read-only one cannot get."""
    s.write("secret.txt", "hush\n")
    s.write("compose.yaml", f"""
services:
  a: {{image: busybox, volumes: ["etc:/etc:ro"], command: sh -c 'cat /etc/hostname /etc/resolv.conf /etc/passwd; grep -c localhost /etc/hosts; touch /etc/x'}}
  again: {{image: busybox, volumes: ["etc:/etc:ro"], command: grep -c root /etc/passwd}}
  b:
    image: busybox
    read_only: true
    volumes: ["etc2:/etc:ro"]
    configs: [{{source: c, target: /conf}}]
    secrets: [s]
    command: sh -c 'cat /conf /run/secrets/s; grep -c nameserver /etc/resolv.conf; grep -q localhost /etc/hosts && cat /etc/hostname | wc -l'
volumes: {{etc: , etc2: }}
configs: {{c: {{file: ./file.txt}}}}
secrets: {{s: {{file: ./secret.txt}}}}
""")
    out = s.davit("run", "--rm", "-T", "a", exit=1, err="touch: /etc/x: Read-only file system").out
    s.check("the image's and the container's own files are there", "nameserver" in out and "root:x:0:0" in out, out)
    s.equal("the volume serves the next container as well", "1\n", s.davit("run", "--rm", "-T", "again").out)
    s.equal("with a read-only root, configs and secrets too", "text\nhush\n1\n1\n", s.davit("run", "--rm", "-T", "b").out)
    s.davit("down", "-v", "-t", "0")


def refused(s):
    """What the machine or the engine would refuse is refused before anything is made, in the engine's words."""
    cpus = os.cpu_count()
    rows = [(f"cpuset: '{cpus + 7}'", f"Requested CPUs are not available - requested {cpus + 7}, available: 0-"),
            ("cpuset: '1-0'", "Invalid value 1-0 for cpuset cpus"), ("cpuset: '0,'", "Invalid value 0, for cpuset cpus"),
            ("cpuset: '0-0-0'", "Invalid value 0-0-0 for cpuset cpus"), ("cpuset: all", "Invalid value all for cpuset cpus"),
            ("mem_limit: 1m", "Minimum memory limit allowed is 6MB"), ("cpus: 1000", "range of CPUs is from 0.01 to"),
            ("ulimits: {files: 5}", "invalid ulimit type: files"), ("cap_add: [NET_ADMN]", "unknown capability: \"CAP_NET_ADMN\"[\\s\\S]*NET_ADMIN"),
            ("devices: ['/dev/nope']", "/dev/nope.*[Nn]o such file")]
    for line, wanted in rows:
        s.write("compose.yaml", f"services:\n  a:\n    image: busybox\n    {line}\n    {SLEEP}\n")
        err = s.davit("up", "-d", exit=1).err
        s.check(f"{line}: says /{wanted}/", re.search(wanted, err), err)
        s.davit("down", "-t", "0")


def caller_is_gone(s):
    """The control groups of whoever typed `up` go before the supervisor does, as those of a service that is stopped."""
    s.write("compose.yaml", f"services:\n  a:\n    image: busybox\n    {SLEEP}\n")
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        mounts = [line.split()[4] for line in f if re.search(r" - cgroup2? ", line)]
    groups = [mount + "/caller" for mount in mounts if os.access(mount, os.W_OK)]
    s.check("there are hierarchies", groups)
    for group in groups:
        os.makedirs(group, exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):  # v1: without them a group takes no process
            if os.path.exists(f"{group}/{name}"):
                with open(f"{group}/../{name}", encoding="ascii") as f, open(f"{group}/{name}", "w", encoding="ascii") as to:
                    to.write(f.read())
    script = "for g in " + " ".join(groups) + "; do echo $$ > $g/cgroup.procs || exit 9; done; exec " + s.binary + " up -d"
    s.equal("up ends", 0, s.run("sh", "-c", script).code)
    for group in groups:
        s.eventually(f"{group} is empty", lambda: os.rmdir(group) is None)
    s.davit("down", "-t", "0")


with Scenario("limits") as s:
    s.images("busybox")
    before = s.listing()
    for part in (sysctls, own_limits, no_room, health, wrong_mounts, read_only_etc, refused, caller_is_gone):
        part(s)
        s.nothing_left(before)
