"""GET /notes lists notes, POST /notes adds one. --reload starts again when a file of the application changes."""
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from app.notes import Notes

HERE = os.path.dirname(os.path.abspath(__file__))
notes = Notes(os.environ.get("DATA_DIR", "/data"))


class Handler(BaseHTTPRequestHandler):
    wbufsize = -1  # an answer is one write: a restart cuts none in two

    def do_GET(self):
        if self.path == "/health":
            self.answer(200, {"status": "ok", "version": os.environ.get("APP_VERSION", "dev")})
        elif self.path == "/notes":
            self.answer(200, notes.all())
        else:
            self.answer(404, {"error": "there is only /notes"})

    def do_POST(self):
        try:
            notes.add(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
            self.answer(201, notes.all())
        except ValueError as e:
            self.answer(400, {"error": str(e)})

    def answer(self, status, body):
        data = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def times():
    return {name: os.stat(os.path.join(HERE, name)).st_mtime_ns for name in os.listdir(HERE) if name.endswith(".py")}


def reload_on_change():
    before = times()
    while times() == before:
        time.sleep(0.2)
    os.execv(sys.executable, [sys.executable, "-m", "app", "--reload"])


if "--reload" in sys.argv:
    threading.Thread(target=reload_on_change, daemon=True).start()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as pid 1 there is no default action
print("listening on port 8000", flush=True)
ThreadingHTTPServer(("", 8000), Handler).serve_forever()
