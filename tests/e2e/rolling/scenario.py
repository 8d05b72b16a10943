"""`deploy.update_config.order: start-first` and `up --rolling`: containers are replaced behind their port, and nobody notices."""
import http.client
import json
import os
import signal
import threading

from harness import Scenario

SERVER = """
import os, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
stopping = threading.Event()
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        data = os.environ["V"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        if stopping.is_set():
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *_): pass
class Server(ThreadingHTTPServer):
    request_queue_size = 128
if os.environ["V"] == "broken":
    sys.exit("this version does not start")
time.sleep(float(os.environ.get("SLOW", 0)))
server = Server(("", 8000), Handler)
def drain():
    stopping.wait()
    time.sleep(1)
    server.shutdown()
threading.Thread(target=drain, daemon=True).start()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())
server.serve_forever()
"""

COMPOSE = """
services:
  web:
    image: python:3.11
    command: ["python3", "-c", "exec(open('/server.py').read())"]
    environment: {V: "${V}", SLOW: "${SLOW:-0}"}
    volumes: ["./server.py:/server.py:ro"]
    ports: ["18700:8000"]
    stop_grace_period: 5s
    healthcheck: &answers
      test: ["CMD", "python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/', timeout=2)"]
      interval: 1s
      start_period: 5s
      start_interval: 200ms
      retries: 1
    deploy:
      update_config: {order: start-first}
  plain:
    image: python:3.11
    command: ["python3", "-c", "exec(open('/server.py').read())"]
    environment: {V: "${P:-1}"}
    healthcheck: *answers
    volumes: ["./server.py:/server.py:ro"]
    ports: ["18701:8000"]
    stop_grace_period: 5s
"""


class Load:
    """Requests one after the other, over new connections or a kept one; what failed, and what was answered."""

    def __init__(self, port, keep):
        self.port, self.keep, self.failed, self.seen, self.ended = port, keep, [], [], threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def run(self):
        connection = None
        while not self.ended.wait(0.01): # the rate of the requests
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/")
                answer = connection.getresponse()
                self.seen.append(answer.read().decode())
                if not self.keep or answer.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as e:
                self.failed.append(repr(e))
                connection = None


def requests_survive(s, what, port, before, after, act):
    with Load(port, False) as fresh, Load(port, True) as kept:
        loads = (fresh, kept)
        s.eventually(f"{what}: both loads are answered", lambda: all(load.seen for load in loads), within=10)
        act()
        s.eventually(f"{what}: both reach the new version", lambda: all(load.seen[-1] == after for load in loads), within=10)
    s.equal(f"{what}: no request fails over new connections", [], fresh.failed)
    s.equal(f"{what}: nor over a kept one", [], kept.failed)
    for load in (fresh, kept):
        s.equal(f"{what}: first the old version answers, at last the new one", (before, after), (load.seen[0], load.seen[-1]))


with Scenario("rolling") as s:
    s.images("busybox", "python")
    before = s.listing()
    s.write("server.py", SERVER)
    s.write("compose.yaml", COMPOSE)
    env = {"V": "1"}

    def ids():
        return {c["Service"]: c["ID"] for c in map(json.loads, s.davit("ps", "--format", "json", "--no-trunc", env=env).out.splitlines())}

    s.davit("up", "-d", "--wait", env=env)
    old = ids()
    env["V"] = "2"
    s.davit("plan", env=env, out="web-1: replace while it runs: environment V")
    requests_survive(s, "start-first", 18700, "1", "2", lambda: s.davit("up", "-d", env=env, err="Took over"))
    now = ids()
    s.check("only what changed was replaced", now["web"] != old["web"] and now["plain"] == old["plain"], (old, now))
    s.equal("and has the old one's name", {"rolling-web-1", "rolling-plain-1"},
            set(s.davit("ps", "--format", "{{.Name}}", env=env).out.split()))
    s.davit("port", "web", "8000", env=env, out="^0.0.0.0:18700$")
    s.equal("the names of the service lead to it", "2", s.davit("exec", "-T", "plain", "python3", "-c",
            "import urllib.request as u; print(u.urlopen('http://web:8000/').read().decode(), end='')", env=env).out)
    s.davit("up", "-d", env=env)
    s.equal("a second up changes nothing", now, ids())

    requests_survive(s, "--rolling", 18701, "1", "2", lambda: s.davit("up", "-d", "--rolling", env=dict(env, P="2")))
    env["P"] = "2"
    now = ids()

    # The new one fails: the old one never stops.
    with Load(18700, False) as load:
        broken = s.davit("up", "-d", exit=1, env=dict(env, V="broken"))
    s.check("what the failed one said is told", "this version does not start" in broken.err, broken.err)
    s.equal("and the old one has answered all the time", ([], {"2"}), (load.failed, set(load.seen)))
    s.equal("and is there", now["web"], ids()["web"])
    s.davit("up", "-d", env=env)
    s.equal("the next up takes what failed away", 2, len(s.davit("ps", "-a", "-q", env=env).out.split()))
    s.equal("and leaves the old one", now["web"], ids()["web"])
    s.davit("up", "-d", env=dict(env, V="broken"), exit=1)

    # Ctrl-C while the new one proves itself: it stops, and the old one stays.
    up = s.start("up", "-d", env=dict(os.environ, **dict(env, V="late", SLOW="20")))
    s.eventually("both run", lambda: len(s.davit("ps", "-q", "web", env=env).out.split()) == 2, within=10)
    up.send_signal(signal.SIGINT)
    said, _ = up.communicate(timeout=30)
    s.equal("up was interrupted", 130, up.returncode)
    s.equal("the one that was there is there", [now["web"]], s.davit("ps", "-q", "--no-trunc", "web", env=env).out.split())
    with Load(18700, False) as load:
        s.eventually("and answers", lambda: len(load.seen) > 3, within=10)
    s.equal("with its version", ([], {"2"}), (load.failed, set(load.seen)))

    # The supervisor is killed while the new one proves itself: the next one finishes the plan.
    def killed():
        up = s.start("up", "-d", env=dict(os.environ, **dict(env, V="3", SLOW="1.5")))
        s.eventually("both run", lambda: len(s.davit("ps", "-q", "web", env=env).out.split()) == 2, within=10)
        for pid in s.pids(r"davit-supervisor .*rolling"):
            os.kill(pid, signal.SIGKILL)
        said, _ = up.communicate(timeout=40)
        s.check("up ends well", up.returncode == 0, said)

    requests_survive(s, "with a killed supervisor", 18700, "2", "3", killed)
    env.update(V="3", SLOW="1.5")
    s.equal("one container is left of each", 2, len(s.davit("ps", "-a", "-q", env=env).out.split()))

    s.write("compose.yaml", COMPOSE.replace("    stop_grace_period: 5s\n    healthcheck", "    container_name: one\n    healthcheck"))
    s.davit("up", "-d", "--rolling", "web", env=env, exit=1, err='cannot be replaced while it runs: it has the container_name "one"')
    s.davit("up", "-d", env=env, err='old containers are stopped first: it has the container_name "one"')
    s.davit("down", "-t", "1", env=env)
    s.nothing_left(before)
