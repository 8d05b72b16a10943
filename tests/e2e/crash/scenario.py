"""kill -9 of the supervisor and of a shim: docs/DESIGN.md §4, what survives what."""
import os
import signal
import time
import urllib.request

from harness import Scenario

COMPOSE = """
services:
  web:
    image: python:3.11
    command: ["python3", "-u", "-c", "import http.server as h; print('up', flush=True); h.ThreadingHTTPServer(('', 80), h.SimpleHTTPRequestHandler).serve_forever()"]
    working_dir: /etc
    ports: ["8081:80"]
    stop_signal: KILL
  counter:
    image: busybox
    command: ["sh", "-c", "i=0; while :; do echo line $$i; i=$$((i+1)); usleep 10000; done"]
    stop_signal: KILL
    healthcheck: {test: ["CMD", "true"], interval: 200ms}
  mortal:
    image: busybox
    command: ["sh", "-c", "trap 'exit 3' USR1; while :; do sleep 0.05; done"]
    restart: always
    stop_signal: KILL
"""


def fetch():
    with urllib.request.urlopen("http://localhost:8081/hostname", timeout=3) as answer:
        return answer.read()



def supervisor(s):
    found = s.pids(r"^\S*davit-supervisor --project")
    s.equal("one supervisor runs", 1, len(found))
    return found[0]


def lines(s):
    return [int(l.split()[-1]) for l in s.davit("logs", "--no-log-prefix", "--no-color", "counter").out.splitlines()]


def no_line_lost(s):
    got = lines(s)
    s.equal("no log line is lost", list(range(len(got))), got)
    return len(got)


def supervisor_dies(s):
    s.davit("exec", "-T", "web", "python3", "-c", "import socket; socket.gethostbyname('counter')")
    containers = s.pids(r"ThreadingHTTPServer|line \$i|trap")
    old = supervisor(s)
    os.kill(old, signal.SIGKILL)
    killed = time.monotonic()
    fetch()  # a published port needs no supervisor
    s.davit("exec", "-T", "web", "python3", "-c", "import socket; socket.gethostbyname('counter')")
    s.eventually("another supervisor took over", lambda: [p for p in s.pids(r"^\S*davit-supervisor --project") if p != old], within=2)
    print(f"names answered and a new supervisor was there after {time.monotonic() - killed:.3f} s")
    s.equal("containers were not touched", containers, [p for p in s.pids(r"ThreadingHTTPServer|line \$i|trap") if p in containers])
    s.eventually("healthchecks go on", lambda: s.healths()["counter"] == "healthy", within=3)
    s.davit("exec", "-T", "mortal", "sh", "-c", "kill -USR1 1", exit=None)
    s.eventually("restart policy goes on", lambda: s.states()["mortal"] == "running" and
                 len(s.pids(r"^sh -c trap 'exit 3'")) == 1 and s.pids(r"^sh -c trap 'exit 3'")[0] not in containers, within=5)
    before = no_line_lost(s)
    s.eventually("the log goes on", lambda: no_line_lost(s) > before, within=3)


def shim_dies(s):
    containers = s.pids(r"ThreadingHTTPServer|line \$i")
    shims = s.pids(r"^\S*davit-shim ")
    s.equal("a shim for each container", 3, len(shims))
    for pid in shims:
        os.kill(pid, signal.SIGKILL)
    s.eventually("new shims took over", lambda: len(set(s.pids(r"^\S*davit-shim ")) - set(shims)) >= 3, within=5)
    s.equal("containers went on", containers, [p for p in s.pids(r"ThreadingHTTPServer|line \$i") if p in containers])
    fetch()
    count = len(lines(s))
    s.eventually("the log goes on", lambda: len(lines(s)) > count, within=5)
    s.davit("exec", "-T", "counter", "true")
    s.davit("kill", "counter")
    s.eventually("and the end of a container is seen", lambda: s.states()["counter"] == "exited", within=5)


with Scenario("crash") as s:
    s.images("busybox", "python")
    before = s.listing()
    s.write("compose.yaml", COMPOSE)
    s.davit("up", "-d")
    s.eventually("the server answers", fetch, within=10)
    supervisor_dies(s)
    shim_dies(s)
    s.davit("down", "-t", "0")
    s.nothing_left(before)

    # both at once: `down` cleans up after what nobody watches
    s.davit("up", "-d")
    for pid in s.pids("davit-supervisor|davit-shim"):
        os.kill(pid, signal.SIGKILL)
    s.davit("down", "-t", "0")
    s.nothing_left(before)
