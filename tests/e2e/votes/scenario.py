"""samples/votes as its README has it: a stack of five services, a version that goes in without a lost request, and back."""
import http.client
import json
import os
import threading
import time
import urllib.request

from harness import SOURCE, Scenario


def ask(path="/", data=None):
    with urllib.request.urlopen("http://localhost:5000" + path, data=data.encode() if data else None, timeout=5) as answer:
        return json.load(answer)


class Load(threading.Thread):
    """Requests one after the other until it is ended, over one connection as long as it lasts."""

    def __init__(self):
        super().__init__()
        self.failed, self.versions, self.ended = [], [], threading.Event()

    def run(self):
        connection = None
        while not self.ended.wait(0.02):
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", 5000, timeout=5)
                connection.request("GET", "/")
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    self.failed.append((answer.status, body))
                else:
                    self.versions.append(json.loads(body)["version"])
                if answer.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as e:
                self.failed.append(repr(e))
                connection = None

    def end(self):
        self.ended.set()
        self.join()


def replicas(s):
    lines = s.davit("stack", "services", "votes", "--format", "{{.Name}} {{.Replicas}}").out.splitlines()
    return dict(line.split() for line in lines)


def under_load(s, what, act):
    load = Load()
    load.start()
    act()
    load.end()
    s.equal(f"{what}: no request fails", [], load.failed)
    return load.versions


ALL = {"votes_proxy": "1/1", "votes_vote": "3/3", "votes_result": "2/2", "votes_worker": "1/1", "votes_redis": "1/1"}

with Scenario("votes", files=os.path.join(SOURCE, "samples/votes")) as s:
    s.images("busybox", "python", "nginx", "redis")
    before = s.listing()
    for version in ("1", "2"):
        s.davit("image", "build", "-t", "votes:" + version, "--build-arg", "VERSION=" + version, "app")

    s.davit("stack", "deploy", "-c", "stack.yaml", "votes", out="Creating service votes_vote")
    s.eventually("all tasks run", lambda: replicas(s) == ALL, within=60)
    s.davit("stack", "ls", out=r"^votes +5$")
    s.eventually("votes can be cast", lambda: ask()["vote"] == ["cats", "dogs"], within=10)
    # A task that runs is in all maps a moment later.
    s.eventually("three tasks answer in turn", lambda: {ask()["task"].rsplit(".", 1)[0] for _ in range(30)} ==
                 {"votes_vote.1", "votes_vote.2", "votes_vote.3"}, within=10)
    for choice in ("cats", "dogs", "cats"):
        ask(data=choice)
    s.eventually("and are counted", lambda: ask("/result")["counted"] == {"cats": 2, "dogs": 1}, within=10)
    s.davit("service", "logs", "votes_worker", out="counting")

    versions = under_load(s, "an update", lambda: s.davit("service", "update", "--detach=false", "-q", "--image", "votes:2", "votes_vote", within=120))
    s.equal("from the old version to the new one", ("1", "2"), (versions[0], versions[-1]))
    s.equal("the database has kept the votes", {"cats": 2, "dogs": 1}, ask("/result")["counted"])
    versions = under_load(s, "a roll-back", lambda: s.davit("service", "rollback", "--detach=false", "-q", "votes_vote", within=120))
    s.equal("and back", ("2", "1"), (versions[0], versions[-1]))

    s.davit("service", "scale", "-d", "votes_result=0", out="votes_result scaled to 0")
    s.davit("service", "update", "-d", "--image", "votes:2", "votes_result")
    s.eventually("a service without a task", lambda: replicas(s)["votes_result"] == "0/0", within=10)
    s.davit("image", "prune", "-af")
    s.davit("service", "scale", "-d", "votes_result=2")
    s.eventually("has kept its image", lambda: replicas(s)["votes_result"] == "2/2", within=30)

    routes = s.run("./routes", "votes", env={"DAVIT": s.binary}).out
    s.check("routes are written from the services' labels", "location /result" in routes and "proxy_pass http://vote:8000;" in routes, routes)

    s.davit("stack", "rm", "votes", out="Removing service votes_vote")
    s.eventually("nothing runs any more", lambda: not s.davit("container", "ls", "-q").out, within=30)
    s.davit("volume", "rm", "votes_data")
    s.davit("image", "rm", "votes:1", "votes:2")
    s.nothing_left(before, within=10, but=("/build/", "cache"))
