"""Published ports, with curl and sockets of the machine: addresses, ranges, UDP, conflicts, and ::1."""
import os
import re
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from harness import Scenario  # noqa: E402
from netlab import address, container, get, inside  # noqa: E402

HTTPD = "sh -c 'mkdir /w; echo $$NAME > /w/index.html; exec httpd -f -p 80 -h /w'"
COMPOSE = f"""
services:
  web:
    image: busybox
    command: {HTTPD}
    environment: {{NAME: web}}
    stop_signal: KILL
    ports: ['28080:80', '127.0.0.1:28081:80', '80']
  ranged:
    image: busybox
    command: sh -c 'mkdir /w; echo ranged > /w/index.html; httpd -p 7000 -h /w; exec httpd -f -p 7001 -h /w'
    stop_signal: KILL
    ports: ['28100-28101:7000-7001', '28110-28115:7000']
  udp:
    image: busybox
    command: sleep 3600
    stop_signal: KILL
    ports: ['28053:5000/udp']
  other:
    image: busybox
    command: sleep 3600
    stop_signal: KILL
    networks: [apart]
networks: {{apart: }}
"""


def udp_answer(host):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as u:
        u.settimeout(1)
        u.sendto(b"ping", (host, 28053))
        try:
            return u.recv(64)
        except socket.timeout:
            return b""


with Scenario("ports") as s:
    s.images("busybox")
    s.run("ip", "link", "add", "lan", "type", "bridge")
    with open("/proc/sys/net/ipv6/conf/lan/disable_ipv6", "w", encoding="ascii") as f:
        f.write("1")
    s.run("ip", "addr", "add", "192.0.2.1/24", "dev", "lan")
    s.run("ip", "link", "set", "lan", "up")
    s.write("compose.yaml", COMPOSE)
    before = s.listing()
    s.davit("up", "-d")

    s.eventually("it answers on 127.0.0.1", lambda: get("http://127.0.0.1:28080/") == "web\n")
    s.equal("no proxy runs while nobody needs one", [], s.pids("davit-port-proxy"))
    s.equal("on an address of the machine", "web\n", get("http://192.0.2.1:28080/"))
    s.equal("on ::1, though the container has no IPv6", "web\n", get("http://[::1]:28080/"))
    s.equal("for which one proxy runs", 1, len(s.pids("davit-port-proxy")))
    s.equal("with a host address, there", "web\n", get("http://127.0.0.1:28081/"))
    s.equal("and nowhere else", "", get("http://192.0.2.1:28081/", 1))
    ephemeral = [p["PublishedPort"] for c in s.ps() if c["Service"] == "web" for p in c["Publishers"]
                 if p["PublishedPort"] not in (28080, 28081)][0]
    s.equal("a port of the system's choice", "web\n", get(f"http://127.0.0.1:{ephemeral}/"))
    s.equal("both ends of a range", ["ranged\n"] * 2, [get(f"http://127.0.0.1:{p}/") for p in (28100, 28101)])
    picked = int(s.davit("port", "ranged", "7000").out.rsplit(":", 1)[1])
    s.check("the first free of a range", picked in (28100, 28110), str(picked))
    echo = subprocess.Popen(["nsenter", "-t", str(container(s, "udp")["pid"]), "-n", sys.executable, "-c", "import socket\n"
                             "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('', 5000))\nwhile True:\n"
                             "    data, who = s.recvfrom(64)\n    s.sendto(b'pong', who)"])
    s.eventually("UDP on 127.0.0.1", lambda: udp_answer("127.0.0.1") == b"pong")
    s.equal("UDP on an address of the machine", b"pong", udp_answer("192.0.2.1"))
    s.equal("UDP on ::1", b"pong", udp_answer("::1"))
    echo.kill()
    echo.wait()
    s.equal("a container of another network comes in by the machine's address", "web\n",
            inside(s, "other", "curl", "-s", "--noproxy", "*", "-m3", "http://192.0.2.1:28080/").out)
    s.check("but not by the container's own",
            inside(s, "other", "curl", "-s", "--noproxy", "*", "-m1", f"http://{address(s, 'web')}/").code != 0)

    # ---- a connection outlives the supervisor, through the rules and through the proxy
    held = [socket.create_connection(("127.0.0.1", 28080)), socket.create_connection(("::1", 28080))]
    for pid in s.pids(r"^\S*davit-supervisor --project ports"):
        os.kill(pid, 9)
    s.eventually("the next supervisor is there", lambda: s.pids(r"^\S*davit-supervisor --project ports"))
    for c in held:
        c.sendall(b"GET / HTTP/1.0\r\n\r\n")
        c.settimeout(3)
        answer = b""
        while part := c.recv(4096):
            answer += part
        s.check("a held connection goes on", answer.endswith(b"web\n"), str(answer))
        c.close()
    s.eventually("new ones are taken", lambda: get("http://[::1]:28080/") == "web\n" and get("http://127.0.0.1:28080/") == "web\n")
    for pid in s.pids("davit-port-proxy"):
        os.kill(pid, 9)
    s.eventually("a killed proxy is replaced when it is needed", lambda: get("http://[::1]:28080/") == "web\n")

    # ---- who has the port
    s.write("second/compose.yaml", "services: {a: {image: busybox, command: sleep 9, ports: ['28080:80']}}")
    r = s.davit("-f", "second/compose.yaml", "-p", "second", "up", "-d", exit=1)
    s.check("a conflict names the container that has the port", re.search(r"28080.*ports-web-1.*ports", r.err), r.err)
    holder = subprocess.Popen([sys.executable, "-c", "import socket, sys\ns = socket.socket()\ns.bind(('', 28999))\ns.listen()\nprint(1, flush=True)\nsys.stdin.read()"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.read(2)
    s.write("second/compose.yaml", "services: {a: {image: busybox, command: sleep 9, ports: ['28999:80']}}")
    r = s.davit("-f", "second/compose.yaml", "-p", "second", "up", "-d", exit=1)
    s.check("or the process", re.search(rf"28999.*python.*pid {holder.pid}", r.err), r.err)
    holder.stdin.close()
    holder.wait()
    s.davit("-f", "second/compose.yaml", "-p", "second", "up", "-d")
    s.davit("-f", "second/compose.yaml", "-p", "second", "down", "-t", "0")
    s.write("second/compose.yaml", "services: {a: {image: busybox, command: sleep 9, ports: ['28998:80', '28998:81']}}")
    r = s.davit("-f", "second/compose.yaml", "-p", "second", "up", "-d", exit=1)
    s.check("or the other line of the same service", "28998" in r.err and "for 80 and for 81" in r.err and "pid" not in r.err, r.err)
    s.write("second/compose.yaml", "services: {a: &a {image: busybox, command: sleep 9, ports: ['28996-28998:80-82']}, b: *a}")
    r = s.davit("-f", "second/compose.yaml", "-p", "second", "up", "-d", exit=1)
    s.check("or the other container of the project", re.search(r"by container second-[ab]-1 of the same project", r.err) and "pid" not in r.err, r.err)
    s.davit("-f", "second/compose.yaml", "-p", "second", "down", "-t", "0")

    s.davit("down", "-t", "0")
    s.equal("the proxy goes with the last port", [], s.pids("davit-port-proxy"))
    s.equal("nothing answers any more", "", get("http://127.0.0.1:28080/", 1))
    s.nothing_left(before)
