"""samples/node-like as its README has it: a lock file, an ignore file, a development override."""
import json
import os
import re
import urllib.request

from harness import SOURCE, Scenario


def page(path="/"):
    with urllib.request.urlopen("http://localhost:50000" + path, timeout=5) as answer:
        return answer.read().decode()


def steps(text):
    """{"COPY src ./src": "CACHED"} of plain progress."""
    return {name: what.split(" ")[0] for name, what in re.findall(r"^#\d+ \[[^]]*\d/\d+\] (.*)\n(?:#\d+ (?!CACHED|DONE|ERROR).*\n)*#\d+ (CACHED|DONE.*)", text, re.M)}


with Scenario("node_like", project="node-like", files=os.path.join(SOURCE, "samples/node-like")) as s:
    s.images("busybox", "python")
    before = s.listing()
    s.write("node_modules/greeting/index.json", '{"hello": "of the machine"}')
    s.write("src/debug.log", "noise")

    s.davit("up", "-d", "--build", "--wait", within=60)
    s.equal("it is healthy", {"web": "healthy"}, s.healths())
    host = s.davit("exec", "-T", "web", "cat", "/etc/hostname").out.strip()
    s.check("the page has what the lock file names", f"<h1>Hello from {host}</h1>" in page(), page())
    s.davit("logs", "web", out="development: listening on port 3000")
    s.equal("what the ignore file names is not in the image", "", s.davit("exec", "-T", "web", "sh", "-c", "ls /app/src/*.log 2>/dev/null; true").out)
    s.equal("nor what only the development of the package needs", "greeting\n", s.davit("exec", "-T", "web", "ls", "/app/node_modules").out)

    container = s.ps()[0]["ID"]
    s.davit("up", "-d", "--build")
    s.equal("up --build again recreates nothing", container, s.ps()[0]["ID"])

    s.write("src/page.html", "<h1>GREETING, edited</h1>\n")
    edited = steps(s.davit("build", "--progress", "plain").out)
    s.check("an edit of the source installs nothing again", all(v == "CACHED" for k, v in edited.items() if "npm ci" in k), str(edited))
    s.equal("and is copied", "DONE", edited["COPY src ./src"])

    lock = json.load(open(os.path.join(s.directory, "package-lock.json"), encoding="utf-8"))
    lock["packages"]["node_modules/greeting"].update(version="1.3.0", resolved="greeting-1.3.0.json")
    s.write("package-lock.json", json.dumps(lock))
    s.davit("build", exit=1, err="is not what package-lock.json names")
    integrity = re.search(r"names: (sha512-\S+)", s.davit("build", exit=1).err)[1]
    lock["packages"]["node_modules/greeting"]["integrity"] = integrity
    s.write("package-lock.json", json.dumps(lock))
    s.davit("up", "-d", "--build", "--wait", within=60)
    s.check("a change of the lock file installs", "Welcome to" in page() and "edited" in page(), page())

    s.davit("-f", "compose.yaml", "up", "-d", "--wait", within=60)
    s.davit("logs", "web", out="production: listening")
    s.davit("image", "build", "-q", "-t", "app", ".", out="^sha256:[0-9a-f]{64}$")
    s.davit("container", "run", "--rm", "app", "cat", "/app/package.json", out="node-like")

    s.davit("down", "--rmi", "local")
    s.davit("image", "inspect", "node-like-web", exit=1)
    s.nothing_left(before)
