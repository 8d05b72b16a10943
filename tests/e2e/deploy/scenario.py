"""deploy: images are built and pushed before the engine's client gets what runs them; a push that fails ends it. tests/cli/deploy_test has the rest."""
import hashlib
import os
import stat
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import Scenario

KUBECTL = """#!/bin/sh
echo "kubectl $*" >> "$RECORD"
[ "$*" != "config current-context" ] || echo kind
"""
blobs, puts = {}, []


class Receiver(BaseHTTPRequestHandler):
    """Takes what is pushed."""
    protocol_version = "HTTP/1.1"

    def answer(self, code, headers=(), body=b""):
        self.send_response(code)
        for key, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        length = self.headers.get("Content-Length")
        if length:
            return self.rfile.read(int(length))
        out = b""
        while (size := int(self.rfile.readline(), 16)):
            out += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return out

    def do_GET(self):
        known = self.path == "/v2/" or self.path.rsplit("/", 1)[1] in blobs
        self.answer(200 if known else 404)

    do_HEAD = do_GET

    def do_POST(self):
        self.body()
        self.answer(202, [("Location", "/upload")])

    def do_PATCH(self):
        self.server.upload = self.body()
        self.answer(202, [("Location", "/upload")])

    def do_PUT(self):
        data = self.body() or self.server.upload
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        puts.append(self.path)
        self.answer(201, [("Docker-Content-Digest", digest), ("Location", "/there")])

    def log_message(self, *_):
        pass


with Scenario("deploy", project="shop") as s:
    s.write("Dockerfile", "FROM scratch\nCOPY compose.yaml /\n")
    s.write("compose.yaml", 'services: {web: {build: ., command: ["/x"], ports: ["80:80"]}}\n')
    s.write("bin/kubectl", KUBECTL)
    os.chmod(os.path.join(s.directory, "bin/kubectl"), stat.S_IRWXU)
    record = os.path.join(s.directory, "record")
    environment = {"PATH": os.path.join(s.directory, "bin") + ":" + os.environ["PATH"], "RECORD": record}

    def deploy(registry, **more):
        return s.davit("deploy", "--to", "kubernetes", "--registry", registry, "--yes", "--report", "none", env=environment, **more)

    def calls():
        with open(record, encoding="utf-8") as f:
            return f.read().splitlines()

    deploy("localhost:1/team", exit=1, err="failed to push")
    s.equal("what cannot be pushed is not deployed", ["kubectl config current-context", "kubectl get namespace shop --ignore-not-found -o name --context kind"], calls())
    os.unlink(record)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    deploy("localhost:%d/team" % server.server_address[1])
    s.check("the image was pushed under the name that the manifests have", any(p.startswith("/v2/team/shop-web/manifests/") for p in puts), str(puts))
    s.equal("then what runs it, and the wait for it", ["config", "get", "create", "apply", "rollout"], [c.split()[1] for c in calls()])
