"""Counts visits in Redis and keeps each in PostgreSQL. Standard library only."""
import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import postgres
import redis


def read_secret(name):
    with open(os.environ[name + "_FILE"], encoding="utf-8") as f:
        return f.read().strip()


def connect_database():
    return postgres.Connection(host=os.environ["DB_HOST"], user=os.environ["DB_USER"], database=os.environ["DB_NAME"],
                               password=read_secret("DB_PASSWORD"))


def visit(path):
    with redis.Connection(host=os.environ["CACHE_HOST"]) as cache:
        count = cache.command("INCR", "visits")
    with connect_database() as db:
        db.query("insert into visits (path, host) values (%s, %s)", path, socket.gethostname())
        stored = int(db.query("select count(*) from visits")[0][0])
    return {"visits": count, "stored": stored, "served_by": socket.gethostname()}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {"status": "ok"})
        try:
            self.answer(200, visit(self.path))
        except (OSError, postgres.Error, redis.Error) as e:
            print(f"cannot count a visit: {e}", file=sys.stderr, flush=True)
            self.answer(503, {"error": str(e)})

    def answer(self, status, body):
        data = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main():
    with connect_database() as db:
        db.query("create table if not exists visits (id serial primary key, at timestamptz default now(), path text, host text)")
    server = ThreadingHTTPServer(("", 8000), Handler)
    # As pid 1 there is no default action for SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("listening on port 8000", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
