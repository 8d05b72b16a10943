"""Looking at containers from inside their network: the machine's own clients in a container's namespace."""
import glob
import json
import os
import socket
import struct
import subprocess
import threading

from harness import Failed


def container(s, service, number=1, project=None):
    """The status of a running container of the scenario's project, with what its record says."""
    for path in glob.glob(f"/run/davit/projects/{project or s.project}/containers/*/state.json"):
        with open(path, encoding="utf-8") as f:
            status = json.load(f)
        with open(f"/var/lib/davit/projects/{project or s.project}/containers/{status['id']}/record.json", encoding="utf-8") as f:
            record = json.load(f)
        if record["service"] == service and record["number"] == number and status["pid"]:
            return dict(status, name=record["name"])
    raise Failed(f"no container {number} of {service} runs")


def address(s, service, network=None, number=1, v6=False, project=None):
    for e in container(s, service, number, project)["endpoints"]:
        if network is None or e["network"] == network:
            return e["ipv6" if v6 else "ipv4"]
    raise Failed(f"{service} is not on {network}")


def inside(s, service, *command, number=1, project=None, within=20):
    """A program of the machine in the container's network namespace."""
    return s.run("nsenter", "-t", str(container(s, service, number, project)["pid"]), "-n", *command, within=within)


def dig(s, service, *words, project=None):
    """(rcode, sorted answers, flags) as a real resolver library sees them."""
    r = inside(s, service, "dig", "@127.0.0.11", "+tries=1", "+time=6", *words, project=project)
    rcode, flags, answers, in_answer = "", "", [], False
    for line in r.out.splitlines():
        if "status: " in line:
            rcode = line.split("status: ")[1].split(",")[0]
        elif line.startswith(";; flags:"):
            flags = line.split(":")[1].split(";")[0].split()
        elif line.startswith(";; ANSWER"):
            in_answer = True
        elif not line:
            in_answer = False
        elif in_answer:
            answers.append(line.split(None, 4)[4].strip('"'))
    return rcode, answers, flags


def get(url, timeout=3):
    """What a real client gets from a URL; empty when there is no answer."""
    r = subprocess.run(["curl", "-s", "-g", "--max-time", str(timeout), "--noproxy", "*", url], stdout=subprocess.PIPE, text=True)
    return r.stdout if r.returncode == 0 else ""


class Upstream:
    """A name server of the outside: TXT of who.example tells which one it is, big.example needs TCP with 512 bytes."""

    def __init__(self, host, label, port=53):
        self.label = label
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((host, port))
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((host, port))
        self.tcp.listen(8)
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def answer(self, q, limit):
        at = 12
        labels = []
        while q[at]:
            labels.append(q[at + 1:at + 1 + q[at]].decode().lower())
            at += 1 + q[at]
        kind = struct.unpack(">H", q[at + 1:at + 3])[0]
        question = q[12:at + 5]
        name = ".".join(labels)
        texts = {"who.example": [self.label], "big.example": ["x" * 200] * 5}.get(name)
        records, rcode = b"", 3 if texts is None else 0
        if texts and kind == 16:
            records = b"".join(b"\xc0\x0c" + struct.pack(">HHIHB", 16, 1, 0, len(t) + 1, len(t)) + t.encode() for t in texts)
        count = len(texts) if records else 0
        if 12 + len(question) + len(records) > limit:
            return q[:2] + struct.pack(">HHHHH", 0x8380, 1, 0, 0, 0) + question
        return q[:2] + struct.pack(">HHHHH", 0x8180 | rcode, 1, count, 0, 0) + question + records

    def serve_udp(self):
        while True:
            q, who = self.udp.recvfrom(4096)
            end = q.index(b"\0", 12) + 5  # of the question; the OPT record's class is the buffer's size
            size = struct.unpack(">H", q[end + 3:end + 5])[0] if q[10:12] == b"\0\1" and q[end:end + 3] == b"\0\0\x29" else 512
            self.udp.sendto(self.answer(q, size), who)

    def serve_tcp(self):
        while True:
            c, _ = self.tcp.accept()
            with c:
                n = struct.unpack(">H", c.recv(2))[0]
                a = self.answer(c.recv(n), 65535)
                c.sendall(struct.pack(">H", len(a)) + a)


def resolv_conf(s, text):
    """The machine's /etc/resolv.conf, in this private host only: a directory of its own over the file's."""
    if not os.path.ismount("/etc/resolv.conf"):
        s.write("resolv.conf", text)
        s.run("mount", "--bind", os.path.join(s.directory, "resolv.conf"), "/etc/resolv.conf")
        return
    with open("/etc/resolv.conf", "w", encoding="utf-8") as f:  # in place, as a mount point has to be
        f.write(text)
