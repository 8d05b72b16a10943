"""Large numbers: replicas, networks, aliases and ports of one project, and two state roots on one machine."""
import ipaddress
import json
import os
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from harness import Scenario  # noqa: E402
from netlab import address, container, dig, inside  # noqa: E402

REPLICAS, NETWORKS, ALIASES, PORTS = 300, 60, 600, 1000
BASE = "image: busybox, command: sleep 3600, stop_signal: KILL"


# Questions without end: for names that are known, for names that an upstream has to be asked for.
FLOOD_UDP = """
import random, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.11", 53))
def question(name):
    return struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l for l in name.split(b".")) + b"\\0\\0\\1\\0\\1"
known = question(b"quiet")
while True:
    for i in range(100):
        try:
            s.send(known if i % 2 else question(b"x%d.example" % random.getrandbits(60)))
        except OSError:
            pass
"""
FLOOD_TCP = """
import socket, struct
q = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\\5quiet\\0\\0\\1\\0\\1"
many = (struct.pack(">H", len(q)) + q) * 200
while True:
    conns = []
    for i in range(16):
        c = socket.socket()
        c.settimeout(0.2)
        try:
            c.connect(("127.0.0.11", 53))
            c.sendall(many)
        except OSError:
            pass
        conns.append(c)
"""


def networks_of(run):
    """Subnets that stand in the kernel, as its routes tell, by interface."""
    return {r["dev"]: ipaddress.ip_network(r["dst"]) for r in json.loads(run("ip", "-j", "-4", "route").out) if r["dst"] != "default"}


def overlaps(nets):
    nets = sorted(nets, key=lambda n: n.network_address)
    return [(a, b) for a, b in zip(nets, nets[1:]) if a.overlaps(b)]


with Scenario("scale") as s:
    s.images("busybox")
    before = s.listing()

    # ---- replicas
    s.write("compose.yaml", f"services: {{web: {{{BASE}}}}}\n")
    s.davit("up", "-d", "--scale", f"web={REPLICAS}", within=300)
    addresses = {address(s, "web", number=n) for n in (1, 2, 128, 254, 255, 256, REPLICAS)}
    s.equal("each replica has an address of its own", 7, len(addresses))
    s.equal("the one beyond a /24 too", REPLICAS, len(s.davit("ps", "-q").out.split()))
    s.equal("and reaches the first", 0, inside(s, "web", "ping", "-c1", "-W5", address(s, "web", number=REPLICAS)).code)
    s.equal("the service's name is all of them", REPLICAS, len(dig(s, "web", "web", "+tcp")[1]))
    s.davit("down", "-t", "0", within=300)

    # ---- networks of one container
    keys = [f"n{i}" for i in range(NETWORKS)]
    s.write("compose.yaml", f"services: {{a: {{{BASE}, networks: {json.dumps(keys)}}}, b: {{{BASE}, networks: [n59]}}}}\n"
            f"networks: {json.dumps({k: {} for k in keys})}\n")
    s.davit("up", "-d", within=300)
    s.equal("a container is on sixty networks", NETWORKS, len(container(s, "a")["endpoints"]))
    s.equal("and reaches a neighbour on the last", 0, inside(s, "a", "ping", "-c1", "-W5", address(s, "b", f"{s.project}_n59")).code)
    nets = networks_of(s.run)
    s.equal("each has room for a whole bridge", {20}, {n.prefixlen for d, n in nets.items() if d.startswith("dv-")})
    s.equal("none overlaps another", [], overlaps(nets.values()))
    s.davit("restart", "-t", "0", "a", within=300)

    # ---- a second state root on this machine, at the same time
    def other(name, *words):
        root = os.path.join(s.scratch, name)
        return s.run(s.binary, *words, env={"DAVIT_STATE_DIR": root + "/state", "DAVIT_RUN_DIR": root + "/run"}, within=300)

    layout = os.path.join(os.environ["DAVIT_IMAGES"])
    for name in ("one", "two"):
        os.makedirs(os.path.join(s.scratch, name))
        s.check("the second root has its image", other(name, "image", "load", "-i", layout).code == 0, str(s.history[-1]))
        s.write(f"{name}.yaml", f"name: {name}\nservices: {{a: {{{BASE}, networks: {json.dumps(keys[:12])}}}}}\n"
                f"networks: {json.dumps({k: {'name': f'same_{k}', 'driver_opts': {'com.docker.network.bridge.name': f'{name}{k}'}} for k in keys[:12]})}\n")
    results = []
    threads = [threading.Thread(target=lambda n=n: results.append(other(n, "-f", f"{n}.yaml", "up", "-d"))) for n in ("one", "two")]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    s.check("both roots come up at once", [r.code for r in results] == [0, 0], "\n".join(map(str, results)))
    s.equal("and no subnet is given twice", [], overlaps(networks_of(s.run).values()))
    for name in ("one", "two"):
        s.check("they go", other(name, "-f", f"{name}.yaml", "down", "-t", "0").code == 0, str(s.history[-1]))
    s.davit("down", "-t", "0")

    # ---- after a boot somebody else has the subnet
    s.write("compose.yaml", f"services: {{a: {{{BASE}}}}}\n")
    s.davit("up", "-d")
    mine = next(n for d, n in networks_of(s.run).items() if d.startswith("dv-"))
    bridge = next(d for d in networks_of(s.run) if d.startswith("dv-"))
    s.davit("stop", "-t", "0")
    s.eventually("none runs", lambda: not s.pids(r"^\S*davit-supervisor --project"))
    s.run("ip", "link", "del", bridge)
    s.run("ip", "link", "add", "vpn", "type", "bridge")
    s.run("ip", "addr", "add", str(mine[1]) + "/24", "dev", "vpn")
    s.run("ip", "link", "set", "vpn", "up")
    s.davit("start")
    s.equal("the network moves out of the way", [], overlaps(networks_of(s.run).values()))
    s.check("with its containers", ipaddress.ip_address(address(s, "a")) not in mine)
    s.davit("down", "-t", "0")
    s.run("ip", "link", "del", "vpn")

    # ---- aliases
    s.write("compose.yaml", f"services: {{a: {{{BASE}, networks: {{default: {{aliases: {json.dumps([f'alias{i}' for i in range(ALIASES)])}}}}}}}, b: {{{BASE}}}}}\n")
    s.davit("up", "-d")
    for i in (0, 299, ALIASES - 1):
        s.equal(f"alias {i} resolves", [address(s, "a")], dig(s, "b", f"alias{i}")[1])
    s.davit("down", "-t", "0")

    # ---- ports
    def seconds(protocol):
        s.write("compose.yaml", f"services: {{a: {{{BASE}, ports: ['21000-{20999 + PORTS}:21000-{20999 + PORTS}/{protocol}']}}}}\n")
        start = time.monotonic()
        s.davit("up", "-d", within=300)
        s.davit("restart", "-t", "0", within=300)
        if protocol == "udp":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as v:
                for port in (21000, 20999 + PORTS):
                    u.sendto(b"x", ("127.0.0.1", port))
        s.davit("down", "-t", "0", within=300)
        return time.monotonic() - start

    tcp, udp = seconds("tcp"), seconds("udp")
    # One walk through the machine's connections for each port would be a minute and a half. The twenty seconds are for
    # a busy machine.
    s.check("UDP ports cost what TCP ports do", udp <= 2 * tcp + 20, f"{udp:.1f} s, TCP {tcp:.1f} s")
    print(f"{PORTS} ports up, restart, down: TCP {tcp:.2f} s, UDP {udp:.2f} s")

    # ---- a container that floods the name server, and one that asks
    s.write("compose.yaml", f"services: {{loud: {{{BASE}}}, quiet: {{{BASE}}}}}\n")
    s.davit("up", "-d")
    def flood(proto):
        code = FLOOD_UDP if proto == "udp" else FLOOD_TCP
        return subprocess.Popen(["nsenter", "-t", str(container(s, "loud")["pid"]), "-n", sys.executable, "-c", code])

    loud = [flood("udp"), flood("udp"), flood("tcp")]
    try:
        for i in range(30):
            s.equal("a neighbour is answered while another container floods", ("NOERROR", [address(s, "quiet")]), dig(s, "quiet", "quiet", "+tries=1", "+time=5")[:2])
        s.davit("ps", within=10)
        s.davit("restart", "-t", "0", "quiet", within=20)
        s.check("the flood goes on", all(p.poll() is None for p in loud))
    finally:
        for p in loud:
            p.kill()
            p.wait()
    s.davit("down", "-t", "0")
    s.nothing_left(before)
