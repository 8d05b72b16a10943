"""samples/shop as its README has it: four services, two networks, a secret, a volume, one port."""
import json
import os
import urllib.request

from harness import SOURCE, Failed, Scenario


def visit(path="/"):
    with urllib.request.urlopen("http://localhost:8080" + path, timeout=5) as answer:
        return json.load(answer)


with Scenario("shop", files=os.path.join(SOURCE, "samples/shop")) as s:
    s.images("nginx", "shop-web", "postgres", "redis")
    before = s.listing()

    s.davit("up", "-d", "--wait", within=90)
    s.equal("everything runs", {n: "running" for n in ("proxy", "web", "db", "cache")}, s.states())
    s.equal("what has a healthcheck is healthy", {"proxy": "", "web": "healthy", "db": "healthy", "cache": "healthy"}, s.healths())

    first = visit()
    s.equal("the first visit is counted and stored", (1, 1), (first["visits"], first["stored"]))
    s.equal("so is the second", (2, 2), (lambda v: (v["visits"], v["stored"]))(visit()))
    s.davit("exec", "-T", "db", "psql", "-U", "shop", "-c", "select count(*) from visits", out=r"^\s+2$")
    s.davit("logs", "web", out="GET / HTTP")

    names = {n: s.davit("exec", "-T", n, "cat", "/etc/hostname").out.strip() for n in ("web", "proxy")}
    s.equal("web answers under its own host name", names["web"], visit()["served_by"])
    s.davit("exec", "-T", "proxy", "sh", "-c", "wget -q -O - http://web:8000/health", out="ok")
    s.check("the proxy cannot resolve the database's name",
            s.davit("exec", "-T", "proxy", "sh", "-c", "nslookup db 127.0.0.11", exit=None).code != 0)
    address = s.davit("exec", "-T", "db", "sh", "-c", "ip -4 -o addr show eth0 || hostname -i").out
    ip = next(w.split("/")[0] for w in address.split() if w.count(".") == 3)
    s.check("nor reach it by address", s.davit("exec", "-T", "proxy", "sh", "-c", f"timeout 2 nc {ip} 5432 </dev/null", exit=None).code != 0)
    s.davit("exec", "-T", "web", "python3", "-c", f"import socket; socket.create_connection(('db', 5432), 3); socket.create_connection(('{ip}', 5432), 3)")
    s.check("the secret is not in the environment or the records that inspect prints",
            "correct horse" not in s.davit("config").out + s.davit("ps", "-a", "--format", "json").out)

    s.davit("up", "-d", "--force-recreate", "--no-deps", "web", within=60)
    s.eventually("a recreated web is found at its new address", lambda: visit("/health"), within=15)

    s.davit("kill", "-s", "KILL", "cache")
    # docker compose kill counts as stopped by the user: it stays down until started
    s.davit("start", "cache")
    s.eventually("the count goes on after the cache came back", lambda: visit()["stored"] > 3, within=15)

    s.davit("exec", "-T", "web", "python3", "-c", "import os, signal; os.kill(1, signal.SIGTERM)", exit=None)
    s.eventually("restart: unless-stopped brings web back", lambda: visit()["stored"] > 4, within=20)
    stored = visit()["stored"]

    s.davit("down", within=60)
    s.nothing_left(before)
    s.check("the volume stays", "shop_data" in s.davit("volume", "ls").out)

    s.davit("up", "-d", "--wait", within=90)
    s.equal("the data survived down", stored + 1, visit()["stored"])
    s.davit("down", "-v", within=60)
    s.check("down -v removes the volume", "shop_data" not in s.davit("volume", "ls").out)
    try:
        visit()
        raise Failed("the port is still published after down")
    except OSError:
        pass
    s.nothing_left(before)
