"""Somebody else's hands on the firewall while a project runs: found, repaired, and put back at the end."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from harness import Scenario  # noqa: E402
from netlab import get, inside  # noqa: E402

COMPOSE = """
services:
  web:
    image: busybox
    command: sh -c 'mkdir /w; echo web > /w/index.html; exec httpd -f -p 80 -h /w'
    stop_signal: KILL
    ports: ['28200:80']
"""
MINE = """
table inet mine {
  chain in { type filter hook input priority 0; tcp dport 1 drop; }
}
"""
# What Docker with iptables-nft leaves: everything that is forwarded and not its own is dropped.
FOREIGN = """
table ip filter {
  chain DOCKER-USER { }
  chain FORWARD { type filter hook forward priority 0; policy drop; jump DOCKER-USER; }
}
"""
# What firewalld leaves: its chain accepts by policy and ends in a rule that rejects the rest, which comes last.
FIREWALLD = """
table inet firewalld {
  chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept; ct state established,related accept; ct status dnat accept; }
}
"""


def sysctl(key, value=None):
    path = "/proc/sys/" + key
    if value is not None:
        with open(path, "w", encoding="ascii") as f:
            f.write(value)
    with open(path, encoding="ascii") as f:
        return f.read().strip()


def nft(s, *words, stdin=None):
    r = s.run("nft", *words, stdin=stdin)
    s.check(f"nft {' '.join(words)}", r.code == 0, r.err)
    return r.out


with Scenario("firewall") as s:
    s.images("busybox")
    # A machine in the outside world, behind a router's leg of this one.
    outside = subprocess.Popen(["unshare", "-n", "sleep", "600"])
    try:
        s.eventually("there is an outside", lambda: os.readlink(f"/proc/{outside.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
        s.run("ip", "link", "add", "wan", "type", "veth", "peer", "name", "eth0", "netns", str(outside.pid))
        sysctl("net/ipv6/conf/wan/disable_ipv6", "1")  # its link-local address would come and settle by itself
        s.run("ip", "addr", "add", "203.0.113.1/24", "dev", "wan")
        s.run("ip", "link", "set", "wan", "up")
        away = ("nsenter", "-t", str(outside.pid), "-n")
        s.run(*away, "ip", "addr", "add", "203.0.113.2/24", "dev", "eth0")
        s.run(*away, "ip", "link", "set", "eth0", "up")
        s.run(*away, "ip", "route", "add", "default", "via", "203.0.113.1")
        sysctl("net/ipv4/ip_forward", "0")
        s.write("compose.yaml", COMPOSE)
        nft(s, "-f", "-", stdin=MINE)
        before = s.listing()

        s.davit("up", "-d")

        def served():
            return get("http://127.0.0.1:28200/", 1) == "web\n"

        def out():
            return inside(s, "web", "ping", "-c1", "-W1", "203.0.113.2").code == 0

        def works():
            return served() and out()

        s.eventually("the port answers and the container gets out", works)
        s.equal("forwarding is on", "1", sysctl("net/ipv4/ip_forward"))
        s.check("for containers only: others are not routed through this machine",
                "drop" in nft(s, "list", "chain", "inet", "davit", "forward"))

        nft(s, "flush", "ruleset")
        s.eventually("after `nft flush ruleset` the rules come back", works, within=5)
        nft(s, "delete", "table", "inet", "davit")
        s.eventually("after the table was deleted, too", works, within=5)
        nft(s, "-f", "-", stdin=FOREIGN)
        s.eventually("a foreign chain that drops what is forwarded is opened for containers", works, within=5)
        nft(s, "flush", "chain", "ip", "filter", "DOCKER-USER")
        s.eventually("again after its owner flushed it", works, within=5)
        s.check("with the one pair of rules it takes", nft(s, "list", "chain", "ip", "filter", "DOCKER-USER").count('comment "davit"') == 2)
        nft(s, "delete", "table", "ip", "filter")
        nft(s, "-f", "-", stdin=FIREWALLD)
        nft(s, "add", "rule", "inet", "firewalld", "filter_FORWARD", "reject", "with", "icmpx", "admin-prohibited")
        s.eventually("a foreign chain that ends in a reject is opened for containers", works, within=5)
        sysctl("net/ipv4/ip_forward", "0")
        s.eventually("forwarding that was switched off is on again", lambda: sysctl("net/ipv4/ip_forward") == "1" and works(), within=5)

        s.davit("down", "-t", "0")
        left = nft(s, "list", "ruleset")
        s.check("at the end no rule of davit is left in it", "davit" not in left, left)
        s.equal("forwarding is as it was", "0", sysctl("net/ipv4/ip_forward"))
        nft(s, "flush", "ruleset")
        nft(s, "-f", "-", stdin=MINE)
        s.nothing_left(before)
    finally:
        outside.kill()
        outside.wait()
