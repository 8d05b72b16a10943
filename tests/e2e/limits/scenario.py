"""What a container is given and what it may not have: sysctls, limits, its own mounts."""
import os

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


with Scenario("limits") as s:
    s.images("busybox")
    before = s.listing()
    for part in (sysctls, own_limits, no_room):
        part(s)
        s.nothing_left(before)
