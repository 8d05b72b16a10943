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

            do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

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


class Receiving(Faulty):
    """Takes pushes as well, each repository its own blobs. relative: Locations without a host; least: OCI-Chunk-Min-Length."""

    def __init__(self, mounts=True, relative=False, least=0, tls=None):
        self.mounts, self.relative, self.least = mounts, relative, least
        self.owned, self.uploads, self.received, self.lock = {}, {}, 0, threading.Lock()
        super().__init__(tls=tls)

    def body(self, request, most=None):
        """What the request brings, at most `most` bytes of it."""
        length = int(request.headers.get("Content-Length", 0))
        data = request.rfile.read(length if most is None else min(most, length))
        with self.lock:
            self.received += len(data)
        return data

    def place(self, name, key):
        # With a query that has to come back as it was.
        path = "/v2/%s/blobs/uploads/%s?_state=a%%2Fb%%3D&n=%d" % (name, key, len(self.uploads[key]))
        return path if self.relative else "http://%s%s" % (self.host, path)

    def began(self, request, name):
        key = "u%d" % len(self.uploads)
        self.uploads[key] = bytearray()
        headers = {"Location": self.place(name, key), "Range": "0-0"}
        if self.least:
            headers["OCI-Chunk-Min-Length"] = str(self.least)
        self.answer(request, 202, headers=headers)

    def stand(self, request, name, key, status):
        size = len(self.uploads[key])
        self.answer(request, status, headers={"Location": self.place(name, key), "Range": "0-%d" % max(size - 1, 0)})

    def keep(self, request, name, data, wanted):
        if digest(data) != wanted:
            return self.error(request, 400, "DIGEST_INVALID")
        self.blobs[wanted] = bytes(data)
        self.owned.setdefault(name, set()).add(wanted)
        self.answer(request, 201, headers={"Location": "/v2/%s/blobs/%s" % (name, wanted), "Docker-Content-Digest": wanted})

    def serve(self, request):
        from urllib.parse import parse_qs, urlsplit
        url = urlsplit(request.path)
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        blob = re.fullmatch(r"/v2/(.+)/blobs/(sha256:[0-9a-f]+)", url.path)
        upload = re.fullmatch(r"/v2/(.+)/blobs/uploads/([^/]*)", url.path)
        manifest = re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", url.path)
        if blob and request.command in ("HEAD", "GET") and blob.group(2) not in self.owned.get(blob.group(1), ()):
            return self.error(request, 404, "BLOB_UNKNOWN")
        if upload and request.command == "POST":
            self.body(request)
            name, mount, source = upload.group(1), query.get("mount"), query.get("from")
            if mount and self.mounts and mount in self.owned.get(source, ()):
                self.owned.setdefault(name, set()).add(mount)
                return self.answer(request, 201, headers={"Location": "/v2/%s/blobs/%s" % (name, mount)})
            return self.began(request, name)
        if upload:
            name, key = upload.groups()
            if key not in self.uploads:
                self.body(request)
                return self.error(request, 404, "BLOB_UPLOAD_UNKNOWN")
            if query.get("_state") != "a/b=" or query.get("n") != str(len(self.uploads[key])) and request.command != "GET":
                self.body(request)
                return self.error(request, 400, "BLOB_UPLOAD_INVALID")
            if request.command == "GET":
                return self.stand(request, name, key, 204)
            if request.command == "DELETE":
                del self.uploads[key]
                return self.answer(request, 204)
            if request.command == "PATCH":
                if int(request.headers["Content-Range"].split("-")[0]) != len(self.uploads[key]):
                    self.body(request)
                    return self.stand(request, name, key, 416)
                self.uploads[key] += self.body(request)
                return self.stand(request, name, key, 202)
            data = self.uploads.pop(key) + self.body(request)
            self.uploads[key + "-done"] = bytearray()
            return self.keep(request, name, data, query["digest"])
        if manifest and request.command == "PUT":
            name, tag = manifest.groups()
            data = self.body(request)
            document = json.loads(data)
            for d in document.get("layers", []) + ([document["config"]] if "config" in document else []):
                if d["digest"] not in self.owned.get(name, ()) and not d.get("urls"):
                    return self.error(request, 400, "MANIFEST_BLOB_UNKNOWN")
            self.blobs[digest(data)] = data
            self.tags[name + ":" + tag] = digest(data)
            return self.answer(request, 201, headers={"Docker-Content-Digest": digest(data)})
        super().serve(request)


class TokenServer:
    """docs/spec/auth/token.md, for docker-registry: RS256 tokens signed by openssl."""

    def __init__(self, directory, users):
        self.directory, self.users, self.asked = directory, users, []
        self.withheld = set()  # actions that nobody gets
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
        """scope: one, or several in a list."""
        scopes = [s.split(":") for s in ([scope] if isinstance(scope, str) else scope) if s]
        access = [{"type": kind, "name": name, "actions": [a for a in actions.split(",") if a not in self.withheld]} for kind, name, actions in scopes]
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
        scope = parse_qs(urlparse(request.path).query).get("scope", [""])
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


def listening(port):
    """Once something does, on loopback."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            threading.Event().wait(0.02)


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
