"""Registries on loopback: one of Python with every fault there is, and Debian's docker-registry."""
import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from images import INDEX, digest


class Server(ThreadingHTTPServer):
    """On a free port of loopback, until the test ends; clients that hang up are no news."""
    daemon_threads = True

    def __init__(self, handler, tls=None):
        super().__init__(("127.0.0.1", 0), handler)
        self.host = "127.0.0.1:%d" % self.server_address[1]
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Faulty:
    """Serves images from memory. `fault(request, path)` may answer in its place and return True."""

    def __init__(self, ranges=True, tls=None):
        self.blobs, self.tags, self.requests, self.fault, self.ranges = {}, {}, [], None, ranges
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests.append((self.command, self.path, dict(self.headers)))
                try:
                    if not (outer.fault and outer.fault(self, self.path)):
                        outer.serve(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = Server(Handler, tls)
        self.host = self.server.host

    def put(self, name, *images, extra_index=None):
        """One image, or an index over several."""
        for image in images:
            self.blobs.update(image.blobs)
        if len(images) == 1 and extra_index is None:
            self.tags[name] = images[0].manifest
        else:
            self.blobs[digest(extra_index)] = extra_index
            self.tags[name] = digest(extra_index)
        return self.host + "/" + name

    def asked(self, what):
        return [(m, p, h) for m, p, h in self.requests if what in p]

    def answer(self, request, status, body=b"", headers=None):
        request.send_response(status)
        for key, value in (headers or {}).items():
            request.send_header(key, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    def error(self, request, status, code, headers=None):
        self.answer(request, status, json.dumps({"errors": [{"code": code, "message": code.lower().replace("_", " ")}]}).encode(), headers)

    def serve(self, request):
        match = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", request.path)
        if not match:
            return self.error(request, 404, "NOT_FOUND")
        name, kind, key = match.groups()
        if kind == "manifests":
            key = key if key in self.blobs else self.tags.get(name + ":" + key)
            if not key:
                return self.error(request, 404, "MANIFEST_UNKNOWN")
            data = self.blobs[key]
            media = INDEX if b'"manifests"' in data else json.loads(data)["mediaType"]
            return self.answer(request, 200, data, {"Content-Type": media, "Docker-Content-Digest": key})
        if key not in self.blobs:
            return self.error(request, 404, "BLOB_UNKNOWN")
        data, offset = self.blobs[key], 0
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if wanted and self.ranges:
            offset = int(wanted.group(1))
            return self.answer(request, 206, data[offset:], {"Content-Range": "bytes %d-%d/%d" % (offset, len(data) - 1, len(data))})
        self.answer(request, 200, data)

    def cut(self, request, key, part):
        """Promises the whole blob from where Range says, sends `part` bytes of it and hangs up."""
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        offset = int(wanted.group(1)) if wanted else 0
        data = self.blobs[key][offset:]
        request.send_response(206 if wanted else 200)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data[:part])
        request.wfile.flush()
        request.connection.shutdown(socket.SHUT_RDWR)
        request.close_connection = True


class TokenServer:
    """docs/spec/auth/token.md, for docker-registry: RS256 tokens signed by openssl."""

    def __init__(self, directory, users):
        self.directory, self.users, self.asked = directory, users, []
        self.key, self.cert = directory + "/token.key", directory + "/token.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=issuer", "-keyout", self.key, "-out", self.cert], check=True, capture_output=True)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.serve(self)

            def log_message(self, *_):
                pass

        self.server = Server(Handler)
        self.realm = "http://%s/token" % self.server.host

    def token(self, scope):
        def code(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        with open(self.cert) as f:
            der = "".join(l.strip() for l in f if "-----" not in l)
        kind, name, actions = scope.split(":") if scope else ("", "", "")
        access = [{"type": kind, "name": name, "actions": actions.split(",")}] if scope else []
        now = int(time.time())
        head = code(json.dumps({"typ": "JWT", "alg": "RS256", "x5c": [der]}).encode())
        body = code(json.dumps({"iss": "issuer", "sub": "u", "aud": "test", "exp": now + 300, "nbf": now - 10, "iat": now, "jti": str(now), "access": access}).encode())
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=head + b"." + body, stdout=subprocess.PIPE, check=True).stdout
        return (head + b"." + body + b"." + code(signature)).decode()

    def serve(self, request):
        from urllib.parse import parse_qs, urlparse
        self.asked.append(request.path)
        given = request.headers.get("Authorization", "")
        user = base64.b64decode(given[6:]).decode() if given.startswith("Basic ") else None
        scope = parse_qs(urlparse(request.path).query).get("scope", [""])[0]
        allowed = user in self.users
        body = json.dumps({"access_token": self.token(scope), "expires_in": 300} if allowed else {"details": "incorrect username or password"}).encode()
        request.send_response(200 if allowed else 401)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class DockerRegistry:
    """Debian's docker-registry; auth and tls: lines of its configuration."""

    def __init__(self, directory, auth="", address="127.0.0.1", tls=""):
        os.makedirs(directory, exist_ok=True)
        self.host = "%s:%d" % (address, free_port())
        self.scheme = "https" if tls else "http"
        with open(directory + "/config.yml", "w") as f:
            f.write("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s/data}}\nhttp: {addr: '%s'%s}\n%s"
                    % (directory, self.host, tls and ", tls: {%s}" % tls, auth))
        self.process = subprocess.Popen([shutil.which("docker-registry"), "serve", directory + "/config.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(self.host.split(":"), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                threading.Event().wait(0.02)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def push(self, name, image, authorization=None, context=None):
        repository, tag = name.split(":")
        headers = {"Authorization": authorization} if authorization else {}

        def call(method, url, data=None, **more):
            request = urllib.request.Request(url, data=data, method=method, headers=dict(headers, **more))
            return urllib.request.urlopen(request, context=context)
        base = "%s://%s/v2/%s" % (self.scheme, self.host, repository)
        for key, data in image.blobs.items():
            if key == image.manifest:
                continue
            place = call("POST", base + "/blobs/uploads/", b"").headers["Location"]
            call("PUT", place + ("&" if "?" in place else "?") + "digest=" + key, data, **{"Content-Type": "application/octet-stream"})
        call("PUT", base + "/manifests/" + tag, image.blobs[image.manifest], **{"Content-Type": image.media_type})
        return self.host + "/" + name
