"""What the network costs, beside a bare bridge and aardvark-dns; run by `tests/bench/run --net` in a private host.

Needs dnsperf and iperf3; the peer is taken when /usr/lib/podman/aardvark-dns is there. Peers alternate
round by round: on a busy machine only the ratio of neighbours means something.
"""
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import time

from harness import Scenario

AARDVARK = "/usr/lib/podman/aardvark-dns"
SERVICES = "".join(f"  s{i}: {{image: busybox, command: sleep 3600, stop_signal: KILL}}\n" for i in range(1, 21))
COMPOSE = f"services:\n{SERVICES}  server: {{image: busybox, command: sleep 3600, stop_signal: KILL, ports: ['25201:5201']}}\n"


def pid_of(s, service):
    for path in glob.glob(f"/run/davit/projects/{s.project}/containers/*/state.json"):
        with open(path, encoding="utf-8") as f:
            status = json.load(f)
        with open(f"/var/lib/davit/projects/{s.project}/containers/{status['id']}/record.json", encoding="utf-8") as f:
            if json.load(f)["service"] == service:
                return status["pid"], status["endpoints"][0]["ipv4"]
    sys.exit(f"{service} does not run")


def inside(pid):
    return ["nsenter", "-t", str(pid), "-n"]


def output(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr}{done.stdout}")
    return done.stdout


def dnsperf(pid, server, names, clients, seconds):
    out = output(inside(pid) + ["dnsperf", "-s", server, "-d", names, "-l", str(seconds), "-q", str(clients)])
    lost = int(re.search(r"Queries lost:\s+(\d+)", out).group(1))
    return float(re.search(r"Queries per second:\s+([\d.]+)", out).group(1)), float(re.search(r"Average Latency \(s\):\s+([\d.]+)", out).group(1)) * 1e6, lost


def iperf(prefix, server, port, seconds):
    out = json.loads(output(prefix + ["iperf3", "-c", server, "-p", str(port), "-t", str(seconds), "-J"]))
    return out["end"]["sum_received"]["bits_per_second"] / 1e9


def row(who, what, unit, values):
    print(f"{who:14} {what:34} {statistics.median(values):>10.1f} {unit:8} ({min(values):.1f} … {max(values):.1f}, {len(values)} rounds)", flush=True)
    return statistics.median(values)


def start_aardvark(s, pid):
    """Its own bridge and container beside ours, with as many names."""
    config = os.path.join(s.scratch, "aardvark")
    os.makedirs(config)
    for line in (["link", "add", "peer0", "type", "bridge"], ["addr", "add", "10.90.0.1/24", "dev", "peer0"], ["link", "set", "peer0", "up"],
                 ["link", "add", "peer1", "type", "veth", "peer", "name", "eth0", "netns", str(pid)], ["link", "set", "peer1", "master", "peer0", "up"]):
        output(["ip"] + line)
    for line in (["addr", "add", "10.90.0.100/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
        output(inside(pid) + ["ip"] + line)
    with open(os.path.join(config, "peer"), "w", encoding="utf-8") as f:
        f.write("10.90.0.1\n" + "".join(f"{i:064x} 10.90.0.{i}  s{i}\n" for i in range(1, 21)) + f"{100:064x} 10.90.0.100  client\n")
    return subprocess.Popen([AARDVARK, "--config", config, "-p", "53", "run"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def bench_dns(s, rounds, seconds):
    names = os.path.join(s.scratch, "names")
    with open(names, "w", encoding="utf-8") as f:
        f.write("".join(f"s{i} A\n" for i in range(1, 21)))
    ours, _ = pid_of(s, "s1")
    found = {"davit": [], "aardvark-dns": []}
    latency = {"davit": [], "aardvark-dns": []}
    peer = subprocess.Popen(["unshare", "-n", "sleep", "600"]) if os.path.exists(AARDVARK) else None
    try:
        if peer:
            time.sleep(0.3)
            start_aardvark(s, peer.pid)
            time.sleep(0.5)
        for _ in range(rounds):
            for who, pid, server in [("davit", ours, "127.0.0.11")] + ([("aardvark-dns", peer.pid, "10.90.0.1")] if peer else []):
                found[who].append(dnsperf(pid, server, names, 100, seconds)[0])
                latency[who].append(dnsperf(pid, server, names, 1, 1)[1])
    finally:
        if peer:
            peer.kill()
        for pid in s.pids("aardvark-dns --config " + s.scratch):
            os.kill(pid, 15)
    medians = [row(who, "DNS answers", "/s", values) for who, values in found.items() if values]
    for who, values in latency.items():
        if values:
            row(who, "DNS latency, one at a time", "us", values)
    if len(medians) == 2:
        print(f"ratio: {medians[0] / medians[1]:.2f} x aardvark-dns")


def bench_throughput(s, rounds, seconds):
    server, address = pid_of(s, "server")
    client, _ = pid_of(s, "s2")
    outside = subprocess.Popen(["unshare", "-n", "sleep", "600"])
    listener = subprocess.Popen(inside(server) + ["iperf3", "-s", "-p", "5201"], stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.3)
        output(["ip", "link", "add", "wan", "type", "veth", "peer", "name", "eth0", "netns", str(outside.pid)])
        output(["ip", "addr", "add", "203.0.113.1/24", "dev", "wan"])
        output(["ip", "link", "set", "wan", "up"])
        output(inside(outside.pid) + ["ip", "addr", "add", "203.0.113.2/24", "dev", "eth0"])
        output(inside(outside.pid) + ["ip", "link", "set", "eth0", "up"])
        time.sleep(0.3)
        bridge, published, local = [], [], []
        for _ in range(rounds):
            bridge.append(iperf(inside(client), address, 5201, seconds))
            published.append(iperf(inside(outside.pid), "203.0.113.1", 25201, seconds))
            local.append(iperf([], "127.0.0.1", 25201, seconds))
        a, b = row("bare bridge", "container to container", "Gbit/s", bridge), row("davit", "outside to published port", "Gbit/s", published)
        row("davit", "127.0.0.1 to published port", "Gbit/s", local)
        print(f"ratio: {b / a:.2f} x bridge")
    finally:
        for p in (listener, outside):
            p.kill()


with Scenario("netbench") as s:
    rounds, seconds = 3, 2
    s.images("busybox")
    s.write("compose.yaml", COMPOSE)
    s.davit("up", "-d")
    bench_dns(s, rounds, seconds)
    bench_throughput(s, rounds, seconds)
    s.davit("down", "-t", "0")
    bench = os.path.join(os.path.dirname(os.environ["DAVIT"]), "tests/unit/net/net_bench")
    if os.path.exists(bench):
        print(output([bench, "2"]), end="")
