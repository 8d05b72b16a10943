"""Containers that are neighbours of the machine's own network: macvlan, in compose files and by `network create`."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from harness import Scenario  # noqa: E402
from netlab import address, container, inside  # noqa: E402

COMPOSE = """
services:
  a: {image: busybox, command: sleep 3600, stop_signal: KILL, networks: {lan: {ipv4_address: 10.99.0.50}}, ports: ["18080:80"]}
  b: {image: busybox, command: sleep 3600, stop_signal: KILL, networks: {lan: {mac_address: "02:00:00:00:00:99"}, default: {}}}
networks:
  lan:
    driver: macvlan
    driver_opts: {parent: lan0}
    ipam: {config: [{subnet: 10.99.0.0/24, gateway: 10.99.0.1, ip_range: 10.99.0.64/26}]}
"""


def run(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout


def make_lan():
    """lan0 on this machine; a router behind its other end. The machine itself has an address of the subnet."""
    router = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep 3600"], stdout=subprocess.PIPE)
    router.stdout.readline()
    run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "lan1", "netns", str(router.pid))
    open("/proc/sys/net/ipv6/conf/lan0/accept_dad", "w").write("0")  # no address that is tentative for a second
    run("ip", "addr", "add", "10.99.0.2/24", "dev", "lan0")
    run("ip", "link", "set", "lan0", "up")
    for command in ("link set lan1 up", "link set lo up", "addr add 10.99.0.1/24 dev lan1", "addr add 203.0.113.1/32 dev lo"):
        run("nsenter", "-t", str(router.pid), "-n", "ip", *command.split())
    return router


def pings(s, service, target):
    return inside_code(s, service, "ping", "-c", "1", "-W", "3", target) == 0


def inside_code(s, service, *command):
    return subprocess.run(["nsenter", "-t", str(container(s, service)["pid"]), "-n", *command], capture_output=True).returncode


def in_a_file(s):
    s.write("compose.yaml", COMPOSE)
    s.davit("up", "-d")
    s.equal("the address that the file names, though the subnet is the machine's too", "10.99.0.50", address(s, "a", f"{s.project}_lan"))
    s.equal("others come from the range", True, address(s, "b", f"{s.project}_lan").startswith("10.99.0.6"))
    s.check("the link is a macvlan", "macvlan mode bridge" in inside(s, "a", "ip", "-d", "link", "show", "eth0").out)
    s.check("with the MAC that the file names", "02:00:00:00:00:99" in inside(s, "b", "ip", "-o", "link").out)
    s.check("the router answers", pings(s, "a", "10.99.0.1"))
    s.check("and is the way out", pings(s, "a", "203.0.113.1"))
    s.check("neighbours reach each other", pings(s, "a", address(s, "b", f"{s.project}_lan")))
    s.davit("exec", "-T", "a", "ping", "-c", "1", "-W", "3", "b")
    s.equal("a port of what is on no bridge is published nowhere", "80/tcp", s.davit("ps", "--format", "{{.Ports}}", "a").out.strip())
    for _ in range(5):
        s.davit("restart", "-t", "0", "a", "b")
    s.equal("a restart keeps the address", "10.99.0.50", address(s, "a", f"{s.project}_lan"))
    s.check("and the way out", pings(s, "a", "203.0.113.1"))
    for pid in s.pids(r"^\S*davit-supervisor --project"):
        os.kill(pid, 9)
    s.davit("up", "-d", "--force-recreate", "-t", "0")
    s.check("so does another supervisor", pings(s, "a", "203.0.113.1"))
    s.davit("system", "doctor")
    s.davit("down", "-t", "0")
    s.check("the parent stays", os.path.exists("/sys/class/net/lan0"))


def by_hand(s):
    create = ("docker", "network", "create", "-d", "macvlan")
    s.davit(*create, "--subnet", "10.99.0.0/24", "-o", "parent=lan0", "lan")
    s.davit(*create, "--subnet", "10.98.0.0/24", "-o", "parent=lan0", "-o", "macvlan_mode=private", "alone")
    found = json.loads(s.davit("docker", "network", "inspect", "lan").out)[0]
    s.equal("inspect has it", ("macvlan", {"parent": "lan0"}), (found["Driver"], found["Options"]))
    s.equal("and no gateway that nobody named", [{"Subnet": "10.99.0.0/24"}],
            [{k: v for k, v in c.items() if v and k in ("Subnet", "Gateway")} for c in found["IPAM"]["Config"]])
    out = s.davit("docker", "run", "--rm", "--network", "lan", "--ip", "10.99.0.77", "busybox", "sh", "-c",
                  "ping -c1 -W3 10.99.0.1 >/dev/null && echo reached; ip route | grep -c default; true").out.split()
    s.equal("neighbours are reached, and there is no way further", ["reached", "0"], out)
    s.davit("docker", "run", "-d", "--name", "one", "--network", "lan", "busybox", "sleep", "600")
    s.davit("docker", "network", "connect", "alone", "one")
    s.check("a link is added to what runs", "macvlan mode private" in s.run("nsenter", "-t", s.davit("docker", "inspect", "-f", "{{.State.Pid}}", "one").out.strip(),
                                                                            "-n", "ip", "-d", "link", "show", "eth1").out)
    s.davit("docker", "network", "disconnect", "alone", "one")
    s.davit("docker", "network", "rm", "lan", exit=1, err="has active endpoints")
    s.davit("docker", "rm", "-f", "one")
    s.davit("docker", "network", "rm", "lan", "alone")
    for options, why in ((("-o", "parent=nosuch"), "invalid subinterface vlan name nosuch, example formatting is eth0.10"),
                         (("-o", "parent=nosuch.7"), "failed to find master interface nosuch on the Docker host"),
                         (("-o", "parent=lo"), "loopback interface is not a valid macvlan parent link"),
                         (("-o", "parent=lan0", "-o", "macvlan_mode=x"), "requested macvlan mode 'x' is not valid")):
        s.davit(*create, *options, "--subnet", "10.97.0.0/24", "bad", exit=1, err=why)
    s.davit("docker", "network", "create", "-d", "nosuch", "bad", exit=1, err='plugin "nosuch" not found')
    s.davit(*create, "-o", "parent=lan0", "-o", "macvlan_mode=passthru", "through")
    s.davit(*create, "-o", "parent=lan0", "lan", exit=1, err="is already using parent interface lan0 in mode passthru")
    s.davit("docker", "network", "rm", "through")


with Scenario("macvlan") as s:
    s.images("busybox")
    router = make_lan()
    try:
        before = s.listing()
        in_a_file(s)
        s.nothing_left(before)
        by_hand(s)
        s.nothing_left(before, but=("/events",))
    finally:
        router.kill()
        router.wait()
