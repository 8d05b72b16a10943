"""A registry over an OCI layout, with the faults that real ones have. HTTP on loopback only."""
import base64
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Registry:
    """faults: corrupt=DIGEST (one byte of it changed), cut=DIGEST (ends half-way); user: (name, password) asked for."""

    def __init__(self, layout, user=None, corrupt=None, cut=None, port=0):
        self.layout, self.user, self.corrupt, self.cut = layout, user, corrupt, cut
        self.asked = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                registry.serve(self)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.host = "localhost:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def manifests(self):
        with open(os.path.join(self.layout, "index.json"), encoding="utf-8") as f:
            return json.load(f)["manifests"]

    def layers(self, name):
        """Digests of an image's layers."""
        entry = next(m for m in self.manifests() if m["annotations"]["org.opencontainers.image.ref.name"] == name)
        with open(self.blob(entry["digest"]), encoding="utf-8") as f:
            return [l["digest"] for l in json.load(f)["layers"]]

    def blob(self, digest):
        return os.path.join(self.layout, "blobs", *digest.split(":"))

    def serve(self, request):
        self.asked.append(request.path)
        if self.user and request.headers.get("Authorization") != "Basic " + base64.b64encode(":".join(self.user).encode()).decode():
            return self.answer(request, 401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
                               {"WWW-Authenticate": 'Basic realm="test"'})
        parts = request.path.strip("/").split("/")
        if parts == ["v2"]:
            return self.answer(request, 200, b"{}")
        if len(parts) >= 4 and parts[-2] == "manifests":
            return self.manifest(request, "/".join(parts[1:-2]), parts[-1])
        if len(parts) >= 4 and parts[-2] == "blobs" and os.path.exists(self.blob(parts[-1])):
            return self.send_blob(request, parts[-1])
        self.answer(request, 404, b'{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]}')

    def manifest(self, request, name, reference):
        name = name[len("library/"):] if name.startswith("library/") else name
        for m in self.manifests():
            if reference == m["digest"] or name + ":" + reference == m["annotations"]["org.opencontainers.image.ref.name"]:
                with open(self.blob(m["digest"]), "rb") as f:
                    return self.answer(request, 200, f.read(), {"Content-Type": m["mediaType"], "Docker-Content-Digest": m["digest"]})
        self.answer(request, 404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')

    def send_blob(self, request, digest):
        with open(self.blob(digest), "rb") as f:
            data = f.read()
        if digest == self.corrupt:
            middle = len(data) // 2
            data = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:]
        if digest != self.cut:
            return self.answer(request, 200, data, {"Content-Type": "application/octet-stream", "Docker-Content-Digest": digest})
        request.send_response(200)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data[:len(data) // 2])
        request.close_connection = True

    def answer(self, request, status, body, headers=None):
        request.send_response(status)
        for key, value in dict({"Content-Type": "application/json"}, **(headers or {})).items():
            request.send_header(key, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            try:
                request.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                request.close_connection = True
