"""What is changed while it runs: networks, names and limits of a compose project's containers; events; names of the whole machine."""
import json
import os
import re
import signal
import socket
import time

import machine
from harness import Scenario

SUPERVISOR = r"^\S*davit-supervisor --project live"
COMPOSE = """
services:
  web:
    image: python:3.11
    command: [python3, -m, http.server, "80"]
    ports: ["8082:80"]
    stop_signal: KILL
  asker:
    image: python:3.11
    command: [python3, -c, "import time; time.sleep(10000)"]
    stop_signal: KILL
    networks: [proxy, default]
networks:
  proxy: {external: true}
"""
ASK = "import socket,sys\ntry: print(socket.gethostbyname(sys.argv[1]))\nexcept OSError: print('-')"


def answers(port=8082):
    with socket.create_connection(("127.0.0.1", port), 3) as c:
        c.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return c.recv(100).startswith(b"HTTP/1.0 200")


def listens():
    """The server of the container has begun to listen."""
    try:
        return answers()
    except ConnectionError:
        return False


with Scenario("live") as s:
    s.images("busybox", "python")
    s.write("compose.yaml", COMPOSE)
    before, began = s.listing(), time.time()

    def interfaces(container):
        out = s.davit("container", "exec", container, "python3", "-c", "import os; print(*sorted(os.listdir('/sys/class/net')))").out
        return out.split()

    def ask(name, container="live-asker-1"):
        return s.davit("container", "exec", container, "python3", "-c", ASK, name).out.strip()

    def networks(container):
        found = json.loads(s.davit("container", "inspect", container).out)[0]["NetworkSettings"]["Networks"]
        return {name: n["IPAddress"] for name, n in found.items()}

    def kill_supervisor():
        pids = s.pids(SUPERVISOR)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        s.eventually("the next supervisor is there", lambda: s.pids(SUPERVISOR) and not set(s.pids(SUPERVISOR)) & set(pids))

    # ---- networks made before, and never by a compose file
    s.davit("network", "create", "--subnet", "10.123.77.0/24", "proxy", out=r"^[0-9a-f]{64}$")
    s.davit("network", "create", "proxy", exit=1)
    s.equal("what nobody is on has nothing in the kernel", "", "".join(l for l in machine.output("ip", "-o", "addr") if "10.123.77" in l))
    s.davit("up", "-d")
    s.eventually("the published port answers", listens)
    s.equal("web is not on it", ["eth0", "lo"], interfaces("live-web-1"))

    # ---- connect
    s.davit("network", "connect", "--alias", "www", "--ip", "10.123.77.9", "proxy", "live-web-1")
    s.equal("web has one interface more", ["eth0", "eth1", "lo"], interfaces("live-web-1"))
    s.equal("its alias there resolves", "10.123.77.9", ask("www"))
    s.check("its port answers as before", answers())
    s.davit("network", "connect", "proxy", "live-web-1", exit=1, err="already exists in network proxy")
    s.davit("container", "run", "-d", "--name", "nowhere", "--network", "proxy", "--ip", "10.9.9.9", "busybox", "true", exit=125,
            err="no configured subnet contains IP address 10.9.9.9")
    s.davit("container", "inspect", "nowhere", exit=1, err="nowhere")
    s.davit("network", "rm", "proxy", exit=1)
    kill_supervisor()
    s.eventually("the next supervisor knows it", lambda: ask("www") == "10.123.77.9")

    # ---- the network that leads out goes: ports move
    s.davit("network", "disconnect", "live_default", "live-web-1")
    s.equal("one interface is left", ["eth1", "lo"], interfaces("live-web-1"))
    s.eventually("the port leads to the network that is left", listens)
    kill_supervisor()
    s.eventually("also under the next supervisor", listens)
    s.davit("restart", "-t", "0", "web")
    s.equal("a restart keeps it so", {"proxy": "10.123.77.9"}, networks("live-web-1"))
    s.eventually("and the port", listens)
    s.davit("network", "connect", "live_default", "live-web-1")
    s.davit("network", "disconnect", "proxy", "live-web-1")
    s.eventually("and back", listens)
    s.equal("its alias went along", "-", ask("www"))

    # ---- stopped: at its next start
    s.davit("stop", "-t", "0", "web")
    s.davit("network", "connect", "--alias", "later", "--driver-opt", "com.docker.network.endpoint.ifname=lan7", "proxy", "live-web-1")
    s.davit("start", "web")
    s.equal("its interface has the name that was asked for", ["eth0", "lan7", "lo"], interfaces("live-web-1"))
    s.equal("it is on both", {"live_default", "proxy"}, set(networks("live-web-1")))
    s.equal("under its new name", networks("live-web-1")["proxy"], ask("later"))

    # ---- names
    s.davit("container", "rename", "live-web-1", "window")
    s.check("the new name resolves at once", ask("window") in networks("window").values())
    s.davit("container", "rename", "live-asker-1", "window", exit=1, err="already in use by container")
    s.davit("container", "rename", "window", "window", exit=1)
    s.equal("compose knows it by its labels", {"web": "running", "asker": "running"}, s.states())
    s.davit("container", "run", "-d", "--name", "live-web-1", "busybox", "sleep", "1000")
    s.davit("container", "run", "-d", "--name", "live-web-1", "busybox", "sleep", "1000", exit=125, err="already in use by container")
    s.davit("container", "rm", "-f", "live-web-1")
    s.davit("container", "rename", "window", "live-web-1")
    kill_supervisor()
    s.check("also after a crash", ask("live-web-1") in networks("live-web-1").values())

    # ---- limits
    s.davit("container", "update", "--memory", "96m", "--memory-swap", "128m", "--pids-limit", "50", "--restart", "on-failure:3", "live-web-1")

    def limits():
        config = json.loads(s.davit("container", "inspect", "live-web-1").out)[0]["HostConfig"]
        return config["Memory"], config["MemorySwap"], config["PidsLimit"], config["RestartPolicy"]["Name"]

    s.equal("inspect has them", (96 << 20, 128 << 20, 50, "on-failure"), limits())
    s.davit("restart", "-t", "0", "web")
    s.equal("they stay", (96 << 20, 128 << 20, 50, "on-failure"), limits())
    s.davit("container", "update", "--memory", "1m", "live-web-1", exit=1, err="6MB")

    # ---- the end, and what is told of it
    s.davit("down", "-t", "0")
    s.check("the network stays", "proxy" in s.davit("network", "ls").out)
    told = s.davit("system", "events", "--since", f"{began:.9f}", "--until", f"{time.time():.9f}", "--filter", "container=live-web-1",
                   "--format", "{{.Action}}").out.split("\n")
    for action in ("create", "start", "restart", "rename", "update", "die", "destroy"):
        s.check(f"{action} is told after all has ended", action in told, str(told))
    ours = s.davit("system", "events", "--since", f"{began:.9f}", "--until", f"{time.time():.9f}", "--filter", "type=network",
                   "--filter", "network=proxy", "--format", "{{.Action}}").out.split()
    s.equal("the network's own", {"create", "connect", "disconnect"}, set(ours))
    s.davit("network", "prune", "-f", out="proxy")
    s.equal("no name is left behind", [], [n for n in os.listdir("/var/lib/davit/names") if not n.startswith(".")])
    s.davit("system", "doctor")
    s.nothing_left(before, within=5)
