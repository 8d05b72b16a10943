"""Answers with src/page.html, which is read again for each visitor, and a package of node_modules."""
import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            return self.answer("text/plain", "ok\n")
        greeting = json.loads(read("node_modules", "greeting", "index.json"))["hello"]
        self.answer("text/html", read("src", "page.html").replace("GREETING", greeting.format(host=socket.gethostname())))

    def answer(self, kind, text):
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as pid 1 there is no default action
print(f"{os.environ['NODE_ENV']}: listening on port 3000", flush=True)
ThreadingHTTPServer(("", 3000), Handler).serve_forever()
