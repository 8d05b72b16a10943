#!/usr/bin/env python3
"""Pulls from a registry that fails in every way, on a full disk, and past a sudden death."""
import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
import time
import unittest

from case import DAVIT, Case, main
from images import Image, digest, index, noise
from servers import Faulty

class Faults(Case):
    def setUp(self):
        super().setUp()
        self.registry = Faulty()
        self.image = Image([{"big": noise(3000000, 1)}, {"b": b"2"}])
        self.name = self.registry.put("app:1", self.image)

    def blob_fault(self, key, action):
        """action(request, n) for the n-th request of that blob."""
        count = [0]

        def fault(request, path):
            if not path.endswith("/blobs/" + key):
                return False
            count[0] += 1
            return action(request, count[0])
        self.registry.fault = fault
        return count

    def test_present_image_costs_one_head_request(self):
        self.pull(self.name)
        self.registry.requests.clear()
        self.pull(self.name)
        self.assertEqual([r[0] for r in self.registry.requests if r[0] != "TLS"], ["HEAD"])
        self.registry.requests.clear()
        self.pull(self.registry.host + "/app@" + self.image.manifest)
        self.assertEqual(self.registry.requests, [])

    def test_corrupt_layer_leaves_nothing(self):
        bad = bytearray(self.image.blobs[self.image.layers[0]])
        bad[1000000] ^= 1
        self.registry.blobs[self.image.layers[0]] = bytes(bad)
        result = self.pull(self.name, code=1)
        self.assertIn("corrupt layer " + self.image.layers[0], result.err)
        self.assertEqual(self.kept("images", "refs", "ingest", "leases"), [])
        self.assertFalse(os.path.exists(self.store + "/blobs/sha256/" + self.image.layers[0][7:]))
        self.registry.blobs.update(self.image.blobs)
        self.pull(self.name)

    def test_corrupt_layer_leaves_nothing_of_the_others_that_were_under_way(self):
        image = Image([{"big": noise(3000000, 1)}, {"slow": noise(400000, 2)}])
        name = self.registry.put("both:1", image)
        bad = bytearray(image.blobs[image.layers[0]])
        bad[1000000] ^= 1
        self.registry.blobs[image.layers[0]] = bytes(bad)
        half, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def fault(request, path):
            if path.endswith(image.layers[0]):
                half.wait(60)  # what is corrupt comes when the other one is in the middle
                return False
            if not path.endswith(image.layers[1]):
                return False
            data = image.blobs[image.layers[1]]
            request.send_response(200)
            request.send_header("Content-Length", str(len(data)))
            request.end_headers()
            request.wfile.write(data[:len(data) // 2])
            request.wfile.flush()
            half.set()
            release.wait(60)
            request.close_connection = True
            return True
        self.registry.fault = fault
        begun = time.monotonic()
        self.assertIn("corrupt layer " + image.layers[0], self.pull(name, code=1).err)
        self.assertLess(time.monotonic() - begun, 25, "nobody waits for the other one, which stalls")
        self.assertEqual(self.kept("images", "refs", "ingest", "leases"), [])

    def test_layer_that_is_not_the_configurations(self):
        other = Image([{"big": b"else"}, {"b": b"2"}])
        document = json.loads(self.image.blobs[self.image.manifest])
        document["layers"][0].update(digest=other.layers[0], size=len(other.blobs[other.layers[0]]))
        data = json.dumps(document).encode()
        self.registry.blobs.update(other.blobs)
        self.registry.blobs[digest(data)] = data
        self.registry.tags["app:1"] = digest(data)
        self.assertIn("which the image asks for", self.pull(self.name, code=1).err)
        self.assertEqual(self.names(), [])

    def test_layer_longer_than_promised(self):
        self.registry.blobs[self.image.layers[1]] += b"\0" * 5000000
        self.assertIn("corrupt layer", self.pull(self.name, code=1).err)

    def test_manifest_with_another_digest(self):
        def fault(request, path):
            if "/manifests/" not in path:
                return False
            self.registry.answer(request, 200, self.registry.blobs[self.image.manifest] + b" ", {"Content-Type": "application/json", "Docker-Content-Digest": self.image.manifest})
            return True
        self.registry.fault = fault
        self.assertIn("do not have the digest", self.pull(self.name, code=1).err)

    def test_a_broken_download_goes_on_where_it_stopped(self):
        key = self.image.layers[0]
        size = len(self.image.blobs[key])
        count = self.blob_fault(key, lambda r, n: n <= 3 and (self.registry.cut(r, key, size // 5) or True))
        self.pull(self.name)
        self.assertEqual(count[0], 4)
        offsets = [h.get("Range") for _, _, h in self.registry.asked("/blobs/" + key)]
        self.assertEqual(offsets, [None] + ["bytes=%d-" % (n * (size // 5)) for n in (1, 2, 3)])
        self.assertEqual(self.content(self.name, "big"), noise(3000000, 1))

    def test_a_registry_without_ranges_starts_again(self):
        self.registry.ranges = False
        key = self.image.layers[0]

        def once(request, n):
            if n > 1:
                return False
            self.registry.cut(request, key, 1000000)
            return True
        self.blob_fault(key, once)
        self.pull(self.name)
        self.assertEqual(self.content(self.name, "big"), noise(3000000, 1))

    def test_the_next_pull_resumes_what_the_last_one_left(self):
        key = self.image.layers[0]
        self.blob_fault(key, lambda r, n: (self.registry.cut(r, key, 1000000 if n == 1 else 0) or True))
        result = self.pull(self.name, code=1)
        self.assertIn("stopped after 1000000 of", result.err)
        self.assertEqual(self.kept("ingest"), ["ingest/%s.part" % key[7:]])
        self.registry.fault = None
        self.registry.requests.clear()
        self.pull(self.name)
        self.assertEqual([h.get("Range") for _, _, h in self.registry.asked("/blobs/" + key)], ["bytes=1000000-"])
        self.assertEqual(self.kept("ingest"), [])

    def test_passing_trouble_is_retried(self):
        def fault(request, path):
            if "/manifests/" in path and not hasattr(self, "first"):
                self.first = True
                self.registry.error(request, 503, "UNAVAILABLE")
                return True
            if path.endswith(self.image.layers[1]) and not hasattr(self, "second"):
                self.second = True
                self.registry.error(request, 429, "TOOMANYREQUESTS", {"Retry-After": "1"})
                return True
            return False
        self.registry.fault = fault
        self.pull(self.name)

    def test_rate_limit(self):
        self.registry.fault = lambda r, p: self.registry.error(r, 429, "TOOMANYREQUESTS") or True
        result = self.pull(self.name, code=1)
        self.assertIn("limits the number of pulls", result.err)
        self.assertIn("log in", result.err)

    def test_retry_after_is_heeded(self):
        times = []

        def fault(request, n):
            times.append(time.monotonic())
            if n > 1:
                return False
            self.registry.error(request, 429, "TOOMANYREQUESTS", {"Retry-After": "2"})
            return True
        self.blob_fault(self.image.layers[1], fault)
        self.pull(self.name)
        self.assertGreaterEqual(times[1] - times[0], 2)

    def test_refusals_are_told_apart_and_not_repeated(self):
        for status, code, text in ((403, "DENIED", "forbids"), (404, "NAME_UNKNOWN", "is not in its registry"), (400, "UNSUPPORTED", "failed: unsupported")):
            self.registry.requests.clear()
            self.registry.fault = lambda r, p: self.registry.error(r, status, code) or True
            self.assertIn(text, self.pull(self.name, code=1).err)
            self.assertEqual(len(self.registry.requests), 1, text)

    def test_a_registry_that_stays_broken(self):
        self.registry.fault = lambda r, p: "/blobs/" in p and (self.registry.error(r, 500, "UNKNOWN") or True)
        self.assertIn("failed: unknown", self.pull(self.name, code=1).err)
        self.assertEqual(len(self.registry.asked(self.image.id)), 5)
        self.assertEqual(self.names(), [])

    def test_a_lost_layer_is_named(self):
        del self.registry.blobs[self.image.layers[1]]
        self.assertIn("has lost blobs/" + self.image.layers[1], self.pull(self.name, code=1).err)

    def test_a_download_that_stalls_is_taken_up_again(self):
        release = threading.Event()
        self.addCleanup(release.set)

        def stall(request, n):
            if n > 1:
                return False
            data = self.image.blobs[self.image.layers[0]]
            request.send_response(200)
            request.send_header("Content-Length", str(len(data)))
            request.end_headers()
            request.wfile.write(data[:1000000])
            request.wfile.flush()
            release.wait(60)
            request.close_connection = True
            return True
        self.blob_fault(self.image.layers[0], stall)
        self.pull(self.name, env={"DAVIT_REGISTRY_TIMEOUT": "1"})
        self.assertEqual([h.get("Range") for _, _, h in self.registry.asked(self.image.layers[0])], [None, "bytes=1000000-"])

    def test_a_registry_that_never_answers(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.registry.fault = lambda r, p: release.wait(60)
        self.assertIn("broke: ", self.pull(self.name, code=1, env={"DAVIT_REGISTRY_TIMEOUT": "1"}).err)
        self.assertIn("not a number of seconds", self.pull(self.name, code=1, env={"DAVIT_REGISTRY_TIMEOUT": "x"}).err)

    def test_layers_come_in_parallel(self):
        both = threading.Barrier(2, timeout=30)

        def fault(request, path):
            if path.rsplit("/", 1)[1] in self.image.layers:
                both.wait()
            return False
        self.registry.fault = fault
        self.pull(self.name)

    def test_foreign_layers_come_from_their_urls_without_the_password(self):
        elsewhere = Faulty()
        image = Image([{"far": b"1"}], foreign=["http://127.0.0.1:9/gone", "http://%s/v2/x/blobs/" % elsewhere.host])
        key = image.layers[0]
        elsewhere.fault = lambda r, p: elsewhere.answer(r, 200, image.blobs[key]) or True
        name = self.registry.put("foreign:1", image)
        del self.registry.blobs[key]

        def fault(request, path):
            if request.headers.get("Authorization") is None:
                self.registry.error(request, 401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="x"'})
                return True
            return False
        self.registry.fault = fault
        self.pull(name, env=self.login(self.registry.host, "anna", "secret"))
        self.assertEqual(self.content(name, "far"), b"1")
        self.assertEqual([h for _, _, h in elsewhere.requests if "Authorization" in h], [])

    def test_mirrors_are_asked_first_and_may_fail(self):
        self.own_etc()
        broken = Faulty()
        broken.fault = lambda r, p: broken.error(r, 404, "NAME_UNKNOWN") or True
        self.daemon_json(registry_mirrors=["http://" + broken.host, "http://" + self.registry.host])
        self.registry.put("library/app:1", self.image)
        self.pull("app:1")
        self.assertEqual(self.inspect("app:1")["RepoDigests"], ["app@" + self.image.manifest])
        self.assertTrue(broken.requests)
        self.pull("app:1")  # present: the mirror says so
        missing = self.pull("other:1", code=1)
        self.assertIn("registry-1.docker.io", missing.err)

    def test_registry_down(self):
        self.registry.server.shutdown()
        self.registry.server.server_close()
        result = self.pull(self.name, code=1)
        self.assertIn("does not answer", result.err)
        self.assertEqual(self.names(), [])

    def test_redirects_do_not_carry_the_password(self):
        storage = Faulty()
        storage.blobs.update(self.image.blobs)

        def fault(request, path):
            if request.headers.get("Authorization") is None:
                self.registry.error(request, 401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="x"'})
                return True
            if "/blobs/" in path:
                self.registry.answer(request, 307, headers={"Location": "http://%s%s" % (storage.host, path)})
                return True
            return False
        self.registry.fault = fault
        self.pull(self.name, env=self.login(self.registry.host, "anna", "secret"))
        self.assertEqual(len(storage.asked("/blobs/")), 3)
        self.assertEqual([h for _, _, h in storage.requests if "Authorization" in h], [])

    def test_who_the_registry_leads_to_does_not_say_where_the_password_goes(self):
        thief, storage = Faulty(), Faulty()
        thief.fault = lambda r, p: thief.answer(r, 200, b'{"token":"t"}') or True
        for scheme in ('Bearer realm="http://%s/token",service="x"' % thief.host, 'Basic realm="x"'):
            storage.fault = lambda r, p: storage.error(r, 401, "UNAUTHORIZED", {"WWW-Authenticate": scheme}) or True

            def fault(request, path):
                if "/blobs/" not in path:
                    return False
                self.registry.answer(request, 307, headers={"Location": "http://%s%s" % (storage.host, path)})
                return True
            self.registry.fault = fault
            self.registry.requests.clear()
            self.pull(self.name, code=1, env=self.login(self.registry.host, "anna", "secret"))
            self.assertEqual([r for r in thief.requests if r[0] != "TLS"], [])
            for faulty in (self.registry, storage):
                self.assertEqual([h for _, _, h in faulty.requests if "Authorization" in h], [])

    def test_a_token_goes_to_the_registry_only_and_fits_a_header(self):
        def fault(request, path):
            if path.startswith("/token"):
                self.registry.answer(request, 200, json.dumps({"token": "t\r\nX-Injected: 1"}).encode())
                return True
            self.registry.error(request, 401, "UNAUTHORIZED", {"WWW-Authenticate": 'Bearer realm="http://%s/token",service="x"' % self.registry.host})
            return True
        self.registry.fault = fault
        self.assertIn("without a token", self.pull(self.name, code=1).err)
        self.assertEqual([h for _, _, h in self.registry.requests if "X-Injected" in h], [])

    def test_headers_without_end(self):
        def fault(request, path):
            request.send_response(200)
            try:
                for n in range(1000):
                    request.wfile.write(b"X-%d: %s\r\n" % (n, b"v" * 8000))
            except OSError:
                pass
            request.close_connection = True
            return True
        self.registry.fault = fault
        self.assertIn("broke: ", self.pull(self.name, code=1, env={"DAVIT_REGISTRY_TIMEOUT": "5"}).err)

    def test_a_bomb_leaves_room_for_others(self):
        os.makedirs(self.store)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=60k", "none", self.store], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.store])
        zeros = Image([{"zeros": bytes(100 << 20)}])
        files = Image([{"f%d" % n: b"" for n in range(70000)}])
        for name, image, what in (("zeros:1", zeros, "room"), ("files:1", files, "inodes")):
            err = self.pull(self.registry.put(name, image), code=1).err
            self.assertIn("take the last " + what, err)
            self.assertIn("No space left on device", err)
            self.assertEqual(self.kept("images", "refs", "ingest", "leases", "trash", "l"), [])

    def test_redirect_loops_end(self):
        self.registry.fault = lambda r, p: self.registry.answer(r, 302, headers={"Location": p}) or True
        self.assertIn("redirects", self.pull(self.name, code=1).err)

    def refused_manifest(self, data, text, media="application/vnd.oci.image.manifest.v1+json", headers=None):
        """A pull that gets these bytes as its manifest: it fails with that text, asks for no blob, and leaves nothing."""
        def fault(request, path):
            if "/manifests/" not in path:
                return False
            self.registry.answer(request, 200, data, dict({"Content-Type": media}, **(headers or {})))
            return True
        self.registry.fault = fault
        self.registry.requests.clear()
        self.assertIn(text, self.pull(self.name, code=1).err)
        self.assertEqual(self.registry.asked("/blobs/"), [])
        self.assertEqual(self.kept("images", "refs", "ingest", "leases", "l"), [])

    def test_documents_that_are_none(self):
        deep = b"[" * 100000 + b"]" * 100000
        self.refused_manifest(b"<html>sign in</html>", "is no JSON object", media="text/html")
        self.refused_manifest(b"", "is no JSON object")
        self.refused_manifest(deep, "is no JSON object")
        self.refused_manifest(b'{"manifests": %s}' % deep, "is no JSON object")
        self.refused_manifest(b"{}", "neither a manifest nor an index")
        self.refused_manifest(b'{"layers": [], "manifests": []}', "claims to be an index as well")
        self.refused_manifest(b'{"schemaVersion": 1, "fsLayers": []}', "schema 1")
        self.refused_manifest(b'{"layers": {}, "config": {"digest": "sha256:%s"}}' % (b"0" * 64), "'layers' is no list")
        self.refused_manifest(b'{"layers": [], "config": {"digest": "sha256:../../etc"}}', "is no digest")
        self.refused_manifest(b'{"manifests": [{"digest": "md5:00"}]}', "is no digest")
        self.refused_manifest(b'{"manifests": []}', "no matching manifest")

    def test_documents_that_are_too_large_or_end_early(self):
        self.refused_manifest(b'{"layers": [%s]}' % (b"1," * (3 << 20)), "longer than")
        whole = self.image.blobs[self.image.manifest]

        def fault(request, path):
            if "/manifests/" not in path or request.command == "HEAD":
                return False
            request.send_response(200)
            request.send_header("Content-Length", str(len(whole) + 100))
            request.end_headers()
            request.wfile.write(whole)
            request.wfile.flush()
            request.connection.shutdown(2)
            request.close_connection = True
            return True
        self.registry.fault = fault
        self.assertIn("broke", self.pull(self.name, code=1).err)

    def test_a_digest_that_the_registry_only_claims(self):
        data = self.image.blobs[self.image.manifest]
        self.refused_manifest(data, "do not have the digest", headers={"Docker-Content-Digest": "sha256:" + "1" * 64})
        other = data.replace(b'"layers"', b'"layers" ')
        self.registry.fault = lambda r, p: "/manifests/sha256" in p and (self.registry.answer(r, 200, other) or True)
        self.assertIn("do not have the digest", self.pull(self.registry.host + "/app@" + self.image.manifest, code=1).err)

    def test_indexes_that_stand_in_each_other(self):
        inner = index([self.image])
        for depth in range(5):
            self.registry.blobs[digest(inner)] = inner
            self.registry.tags["deep:1"] = digest(inner)
            result = self.pull(self.registry.host + "/deep:1", code=None)
            self.assertEqual(result.returncode, 0 if depth < 2 else 1, (depth, result.err))
            self.assertLess(len(result.err), 2000)
            entry = {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest(inner), "size": len(inner),
                     "platform": {"os": "linux", "architecture": "amd64"}}
            inner = json.dumps({"schemaVersion": 2, "manifests": [entry], "depth": depth}).encode()

    def test_a_configuration_that_lies(self):
        config = self.image.blobs[self.image.id]
        self.registry.blobs[self.image.id] = config + b" "
        self.assertIn("do not have the digest", self.pull(self.name, code=1).err)
        self.registry.blobs[self.image.id] = config
        for change, text in (({"size": 1 << 40}, "more than"), ({"size": 1}, "")):
            manifest = json.loads(self.image.blobs[self.image.manifest])
            manifest["config"].update(change)
            data = json.dumps(manifest).encode()
            self.registry.blobs[digest(data)] = data
            self.registry.tags["lies:1"] = digest(data)
            result = self.pull(self.registry.host + "/lies:1", code=None)
            if text:
                self.assertEqual(result.returncode, 1)
                self.assertIn(text, result.err)

    def test_tags_that_come_in_pages_and_never_end(self):
        self.registry.put("app:2", self.image)

        def pages(request, path):
            if "/tags/list" not in path:
                return False
            self.registry.answer(request, 200, b'{"tags": ["%s"]}' % (b"2" if "last=" in path else b"1"), {"Link": '</v2/app/tags/list?last=1>; rel="next"'})
            return True
        self.registry.fault = pages
        said = self.pull(self.registry.host + "/app", "-a").out
        self.assertEqual([line.split(":")[0] for line in said.splitlines() if "Pulling from" in line], ["1", "2"])
        self.registry.fault = lambda request, path: "/tags/list" in path and (self.registry.answer(request, 200, b'{"tags": null}') or True)
        self.assertIn("has no tags", self.pull(self.registry.host + "/app", "-a", code=1).err)

    def test_token_servers_without_end(self):
        asked = []

        def fault(request, path):
            asked.append(path)
            if path.startswith("/token"):
                return self.token_answer(request) or True
            # Whatever token comes, another one is wanted.
            self.registry.error(request, 401, "UNAUTHORIZED", {"WWW-Authenticate": 'Bearer realm="http://%s/token",service="s",scope="repository:x%d:pull"'
                                                                                   % (self.registry.host, len(asked))})
            return True
        self.registry.fault = fault
        answer = self.registry.answer
        for self.token_answer, text in ((lambda r: answer(r, 200, b'{"token": "t%d"}' % len(asked)), "denied"),
                                        (lambda r: answer(r, 302, headers={"Location": "/token"}), "does not answer"),
                                        (lambda r: answer(r, 200, b'{"token": "' + b"x" * (2 << 20) + b'"}'), "longer than"),
                                        (lambda r: answer(r, 200, b'{"token": "a\\nHost: other"}'), "without a token"),
                                        (lambda r: answer(r, 200, b"not json"), "without a token")):
            asked.clear()
            self.assertIn(text, self.pull(self.name, code=1).err)
            self.assertLess(len(asked), 12, "it gives up")

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_tls_with_an_unknown_issuer_is_taken_on_loopback(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x", "-keyout", self.dir + "/k", "-out", self.dir + "/c"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.dir + "/c", self.dir + "/k")
        registry = Faulty(tls=context)
        self.pull(registry.put("app:1", self.image))

    def test_disk_full(self):
        os.makedirs(self.store)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", self.store], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.store])
        result = self.pull(self.name, code=1)
        self.assertIn("No space left on device", result.err)
        self.assertEqual(self.kept("images", "refs", "ingest", "leases", "trash"), [])
        self.assertFalse([k for k in self.kept("blobs/sha256") if self.image.layers[0][7:] in k])
        free = os.statvfs(self.store)
        self.assertGreater(free.f_bavail * free.f_frsize, 1500000)
        self.assertEqual(self.names(), [])

    def stuck(self):
        """A pull that hangs in the middle of the big layer."""
        key = self.image.layers[0]
        reached, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def hang(request, n):
            if n > 1:
                return False
            data = self.image.blobs[key]
            request.send_response(200)
            request.send_header("Content-Length", str(len(data)))
            request.end_headers()
            request.wfile.write(data[:len(data) // 2])
            request.wfile.flush()
            reached.set()
            release.wait(60)
            request.close_connection = True
            return True
        self.blob_fault(key, hang)
        process = subprocess.Popen([DAVIT, "image", "pull", self.name], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.assertTrue(reached.wait(30))
        part = self.store + "/ingest/%s.part" % key[7:]
        for _ in range(1000):
            if os.path.exists(part) and os.path.getsize(part) > 500000:
                break
            threading.Event().wait(0.01)
        return process

    def test_interrupt_ends_at_once_and_leaves_no_image(self):
        process = self.stuck()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), 130)
        self.assertEqual(self.names(), [])
        self.assertEqual([k for k in self.kept("ingest") if not k.endswith(".part")], [])
        self.assertEqual(self.kept("images", "refs", "leases"), [])
        self.pull(self.name)

    def test_sudden_death_leaves_what_the_next_one_clears(self):
        process = self.stuck()
        process.kill()
        process.wait()
        self.assertEqual(self.names(), [])
        found = self.run_davit("system", "doctor", code=1).out
        self.assertRegex(found, "image leftover .*/ingest/s-[0-9a-f]+: .* was being unpacked by a davit that died")
        self.assertRegex(found, "image leftover .*/leases/")
        self.run_davit("system", "doctor", "--fix")
        self.assertEqual(self.run_davit("system", "doctor").out, "Nothing is left over.\n")
        self.assertEqual([k for k in self.kept("ingest", "leases", "trash", "l") if not k.endswith(".part")], [])
        self.registry.fault = None
        self.pull(self.name)
        self.assertEqual(self.content(self.name, "big"), noise(3000000, 1))
        self.assertEqual(self.registry.asked(self.image.layers[0])[-1][2]["Range"][:6], "bytes=")
        self.run_davit("image", "prune", "-f")
        self.assertEqual(self.kept("ingest", "leases", "trash"), [])
        self.assertEqual(len(self.kept("l")), 2)
        self.assertEqual(self.content(self.name, "big"), noise(3000000, 1))

    def test_two_pulls_at_once_fetch_each_layer_once(self):
        image = Image([{"%d" % i: noise(400000, i * 100000)} for i in range(6)])
        name = self.registry.put("many:1", image)
        pulls = [subprocess.Popen([DAVIT, "image", "pull", "-q", name], env=self.env, stdout=subprocess.DEVNULL) for _ in range(4)]
        self.assertEqual([p.wait(60) for p in pulls], [0] * 4)
        fetched = [p.rsplit("/", 1)[1] for m, p, _ in self.registry.asked("/blobs/")]
        self.assertEqual(sorted(d for d in fetched if d in image.layers), sorted(image.layers))
        self.assertEqual(len(self.kept("l")), 6)


class Platforms(Case):
    def test_the_machines_platform_is_chosen_from_an_index(self):
        registry = Faulty()
        arm, amd = Image([{"p": b"arm"}], arch="arm64"), Image([{"p": b"amd"}])
        attestation = dict(arm.descriptor(platform={"os": "unknown", "architecture": "unknown"}), annotations={"vnd.docker.reference.type": "attestation-manifest"})
        listed = index([arm, amd], [attestation])
        name = registry.put("app:1", arm, amd, extra_index=listed)
        machine = {"x86_64": b"amd", "aarch64": b"arm"}[os.uname().machine]
        self.pull(name)
        self.assertEqual(self.content(name, "p"), machine)
        self.assertEqual(self.inspect(name)["RepoDigests"], [registry.host + "/app@" + digest(listed)])
        self.pull(name, "--platform", "linux/arm64")
        self.assertEqual(self.content(name, "p", platform="linux/arm64"), b"arm")
        self.assertEqual(self.content(name, "p"), machine)
        missing = self.pull(name, "--platform", "linux/s390x", code=1)
        self.assertIn("no matching manifest for linux/s390x", missing.err)
        self.assertIn("linux/arm64, linux/amd64", missing.err)
        single = registry.put("single:1", Image([{"p": b"s390x"}], arch="s390x"))
        self.assertIn("does not match this machine's", self.pull(single).err)


if __name__ == "__main__":
    main()
