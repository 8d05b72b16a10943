"""Cats or dogs: `vote` takes votes, `worker` counts them, `result` tells the count. Standard library only."""
import json
import os
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CHOICES = ("cats", "dogs")
stopping = threading.Event()


class Redis:
    def __init__(self):
        self.socket = socket.create_connection((os.environ["REDIS_HOST"], 6379), 5)
        self.file = self.socket.makefile("rb")
        with open("/run/secrets/redis_password", encoding="utf-8") as f:
            self.ask("AUTH", f.read().strip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, *words):
        self.socket.settimeout(30)
        text = [str(w).encode() for w in words]
        self.socket.sendall(b"*%d\r\n" % len(text) + b"".join(b"$%d\r\n%s\r\n" % (len(t), t) for t in text))
        return self.answer()

    def answer(self):
        line = self.file.readline()
        if not line:
            raise OSError("redis has closed the connection")
        kind, rest = line[:1], line[1:].strip()
        if kind == b"-":
            raise OSError(rest.decode())
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self.answer() for _ in range(max(int(rest), 0))]
        return int(rest) if kind == b":" else rest.decode()


def count():
    with Redis() as redis:
        counted = redis.ask("HGETALL", "counted")
    counts = dict.fromkeys(CHOICES, 0)
    counts.update({name: int(n) for name, n in zip(counted[::2], counted[1::2])})
    return counts


def work():
    with Redis() as redis:
        print("counting", flush=True)
        while not stopping.is_set():
            got = redis.ask("BRPOP", "votes", 1)
            if got:
                redis.ask("HINCRBY", "counted", got[1], 1)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {"status": "ok"})
        if sys.argv[1] == "vote":
            return self.answer(200, {"vote": CHOICES, "version": os.environ["VERSION"], "task": os.environ["TASK"]})
        try:
            self.answer(200, {"counted": count(), "version": os.environ["VERSION"], "task": os.environ["TASK"]})
        except OSError as e:
            self.answer(503, {"error": str(e)})

    def do_POST(self):
        choice = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode().strip()
        if choice not in CHOICES:
            return self.answer(400, {"error": f"vote for one of {', '.join(CHOICES)}"})
        try:
            with Redis() as redis:
                redis.ask("LPUSH", "votes", choice)
            self.answer(201, {"voted": choice})
        except OSError as e:
            self.answer(503, {"error": str(e)})

    def answer(self, status, body):
        data = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if stopping.is_set():  # whoever keeps the connection goes to another task with the next request
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def serve():
    server = ThreadingHTTPServer(("", 8000), Handler)
    server.daemon_threads = False

    def drain():
        stopping.wait()
        threading.Timer(1, server.shutdown).start()

    threading.Thread(target=drain, daemon=True).start()
    print("listening on port 8000", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    # As pid 1 there is no default action for SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    work() if sys.argv[1] == "worker" else serve()
