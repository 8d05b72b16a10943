"""What runs inside the containers of this scenario: `serve` keeps TCP connections, `ask` asks for names all the time."""
import json
import os
import select
import socket
import struct
import sys
import threading
import time


def answer(connection):
    with connection:
        while data := connection.recv(4096):
            connection.sendall(data)


def serve():
    listener = socket.create_server(("", 80))
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


def query(number, name):
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)


def ask(path):
    """A query every 2 ms; once a tenth of a second what became of all of them, as JSON into path."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.11", 53))
    sock.setblocking(False)
    asked, told = {}, {"sent": 0, "answered": 0, "refused": 0, "slowest_ms": 0.0, "errors": []}
    said = 0.0
    while True:
        now = time.monotonic()
        number = told["sent"] & 0xffff
        try:
            sock.send(query(number, "counter"))
            told["sent"] += 1
            asked[number] = now
        except OSError as e:
            told["refused"] += 1
            told["errors"] = told["errors"][:9] + [str(e)]
        while time.monotonic() < now + 0.002:
            if not select.select([sock], [], [], 0.002)[0]:
                continue
            try:
                packet = sock.recv(512)
            except OSError as e:
                told["refused"] += 1
                told["errors"] = told["errors"][:9] + [str(e)]
                continue
            number, flags = struct.unpack("!2H", packet[:4])
            if number in asked:
                told["answered" if flags & 15 == 0 else "refused"] += 1
                told["slowest_ms"] = max(told["slowest_ms"], (time.monotonic() - asked.pop(number)) * 1000)
        if now - said > 0.1:
            said = now
            with open(path + ".new", "w") as f:
                json.dump(dict(told, open=len(asked), at=now), f)
            os.rename(path + ".new", path)
            if os.path.exists(path + ".reset"):  # a new measurement begins
                os.unlink(path + ".reset")
                told["slowest_ms"] = 0.0


if sys.argv[1] == "serve":
    serve()
else:
    ask(sys.argv[2])
