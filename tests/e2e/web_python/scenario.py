"""samples/web-python as its README has it: stages for tests, development and production."""
import json
import os
import urllib.request

from harness import SOURCE, Scenario


def ask(path, data=None):
    with urllib.request.urlopen("http://localhost:8000" + path, data=data.encode() if data else None, timeout=5) as answer:
        return json.load(answer)


with Scenario("web_python", project="web-python", files=os.path.join(SOURCE, "samples/web-python")) as s:
    s.images("busybox", "python")
    before = s.listing()

    s.davit("image", "build", "--target", "test", "--progress", "plain", ".", err="Ran 2 tests")
    s.write("tests/test_wrong.py", "import unittest\n\nclass Wrong(unittest.TestCase):\n    def test_it(self):\n        self.fail('on purpose')\n")
    s.davit("image", "build", "--target", "test", ".", exit=1, err="on purpose")

    built = s.davit("-f", "compose.yaml", "build", "--progress", "plain")
    s.check("stages that nothing needs are skipped", "unittest" not in built.out and "compileall" in built.out, built.out)
    s.davit("-f", "compose.yaml", "up", "-d", "--wait", within=60)
    s.equal("the image's healthcheck is used", {"web": "healthy"}, s.healths())
    s.equal("the argument became a variable", {"status": "ok", "version": "1.0"}, ask("/health"))
    image = json.loads(s.davit("image", "inspect", "web-python:1.0").out)[0]["Config"]
    s.equal("and a label", "1.0", image["Labels"]["org.opencontainers.image.version"])
    s.equal("user, volume and port", ("65534:65534", ["/data"], ["8000/tcp"]), (image["User"], list(image["Volumes"]), list(image["ExposedPorts"])))
    s.equal("notes are kept", [{"text": "milk"}], ask("/notes", "milk"))
    s.equal("only compiled files are there", "", s.davit("exec", "-T", "web", "find", "app", "-name", "*.py").out)
    s.equal("with the owner that COPY gives", "65534\n", s.davit("exec", "-T", "web", "stat", "-c", "%u", "app/notes.pyc").out)

    s.davit("up", "-d", "--build", "--wait", within=60)
    s.equal("development has the same volume", [{"text": "milk"}], ask("/notes"))
    s.davit("exec", "-T", "web", "ls", "app/notes.py")
    s.davit("exec", "-T", "web", "sed", "-i", 's/"ok"/"edited"/', "app/__main__.py")
    s.eventually("which starts again after an edit", lambda: ask("/health")["status"] == "edited", within=15)

    s.davit("-f", "compose.yaml", "build", "--progress", "plain", env={"VERSION": "1.1"})
    s.equal("an argument names the image", "1.1", json.loads(s.davit("image", "inspect", "web-python:1.1").out)[0]["Config"]["Labels"]["org.opencontainers.image.version"])
    s.davit("down", "-v", "--rmi", "all")
    s.nothing_left(before)
