#!/usr/bin/env python3
"""config --resolve-image-digests and --lock-image-digests: what a registry has now, written down."""
import base64
import crypt
import json
import shutil
import time
import unittest

from case import Case, main
from images import Image, digest, index
from servers import DockerRegistry, Faulty, free_port

NOBODY = "sha256:" + "0" * 64


class Digests(Case):
    def write(self, services, name="compose.yaml"):
        with open(self.dir + "/" + name, "w") as f:
            json.dump({"name": "p", "services": services}, f)
        return self.dir + "/" + name

    def config(self, path, *flags, **keywords):
        return self.run_davit("-f", path, "config", *flags, **keywords)

    def images(self, path, *flags, **keywords):
        services = json.loads(self.config(path, "--format", "json", *flags, **keywords).out)["services"]
        return {name: service.get("image") for name, service in services.items()}


@unittest.skipUnless(shutil.which("docker-registry"), "docker-registry is not installed")
class RealRegistry(Digests):
    def start(self, auth=""):
        registry = DockerRegistry(self.dir + "/registry", auth)
        self.addCleanup(registry.stop)
        return registry

    def test_tags_become_what_they_name_now(self):
        registry, old, new = self.start(), Image([{"a": b"1"}]), Image([{"a": b"2"}])
        name = registry.push("team/app:1", old)
        bare = registry.host + "/team/latest"
        registry.push("team/latest:latest", new)
        path = self.write({"a": {"image": name}, "b": {"image": name}, "c": {"image": bare}, "built": {"build": "."}})
        expected = {"a": name + "@" + old.manifest, "b": name + "@" + old.manifest, "c": bare + ":latest@" + new.manifest, "built": None}
        self.assertEqual(self.images(path, "--resolve-image-digests"), expected)
        self.assertEqual(self.images(path), {"a": name, "b": name, "c": bare, "built": None}, "only when asked for")
        registry.push("team/app:1", new)
        self.assertEqual(self.images(path, "--resolve-image-digests")["a"], name + "@" + new.manifest)
        self.assertEqual(self.names(), [], "nothing is pulled")

    def test_the_lock_is_an_override_file(self):
        registry, image = self.start(), Image([{"a": b"1"}])
        name = registry.push("app:1", image)
        path = self.write({"a": {"image": name, "environment": {"K": "V"}, "profiles": ["p"]}, "b": {"image": name}, "built": {"build": "."}})
        lock = self.dir + "/lock.yaml"
        self.run_davit("-f", path, "--profile", "p", "config", "--lock-image-digests", "-o", lock)
        with open(lock) as f:
            text = f.read()
        self.assertEqual(text, "services:\n  a:\n    image: %s\n  b:\n    image: %s\n  built: {}\n" % ((name + "@" + image.manifest,) * 2))
        both = json.loads(self.run_davit("-f", path, "-f", lock, "--profile", "*", "config", "--format", "json").out)["services"]
        self.assertEqual(both["a"]["image"], name + "@" + image.manifest)
        self.assertEqual(both["a"]["environment"], {"K": "V"})
        one = self.config(path, "--lock-image-digests", "--format", "json", "b").out
        self.assertEqual(json.loads(one)["services"], {"b": {"image": name + "@" + image.manifest}})

    def test_a_pinned_image_needs_no_registry(self):
        gone = "127.0.0.1:%d" % free_port()
        path = self.write({"a": {"image": gone + "/app@" + NOBODY}, "b": {"image": gone + "/app:1@" + NOBODY}})
        self.assertEqual(self.images(path, "--resolve-image-digests"), dict.fromkeys("ab", gone + "/app@" + NOBODY))

    def test_a_tag_that_is_not_there(self):
        registry = self.start()
        registry.push("app:1", Image([{"a": b"1"}]))
        path = self.write({"a": {"image": registry.host + "/app:1"}, "b": {"image": registry.host + "/app:2"}, "c": {"image": registry.host + "/none"}})
        for flag in ("--resolve-image-digests", "--lock-image-digests"):
            result = self.config(path, flag, code=1)
            self.assertEqual(result.out, "", "no file with half of the digests")
            for image in ("/app:2", "/none"):
                self.assertIn(registry.host + image, result.err)
            self.assertIn("is not in its registry", result.err)
            self.assertNotIn("/app:1", result.err)

    def test_basic_authentication(self):
        with open(self.dir + "/htpasswd", "w") as f:
            f.write("anna:%s\n" % crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))
        registry, image = self.start("auth: {htpasswd: {realm: test, path: %s/htpasswd}}\n" % self.dir), Image([{"a": b"1"}])
        name = registry.push("app:1", image, "Basic " + base64.b64encode(b"anna:secret").decode())
        path = self.write({"a": {"image": name}})
        self.assertIn("pull access denied for", self.config(path, "--resolve-image-digests", code=1).err)
        wrong = self.config(path, "--resolve-image-digests", code=1, env=self.login(registry.host, "anna", "wrong"))
        self.assertIn("refuses the credentials", wrong.err)
        self.assertNotIn("wrong", wrong.err)
        right = self.login(registry.host, "anna", "secret")
        self.assertEqual(self.images(path, "--resolve-image-digests", env=right), {"a": name + "@" + image.manifest})


class AnyRegistry(Digests):
    def test_a_registry_that_is_down(self):
        gone = "127.0.0.1:%d" % free_port()
        path = self.write({"a": {"image": gone + "/app:1"}})
        begin = time.monotonic()
        result = self.config(path, "--resolve-image-digests", code=1)
        self.assertLess(time.monotonic() - begin, 60)
        self.assertIn(gone + "/app:1", result.err)
        self.assertIn("does not answer", result.err)

    def test_of_several_platforms_the_index_is_named(self):
        registry = Faulty()
        images = [Image([{"a": b"1"}]), Image([{"a": b"1"}], arch="arm64")]
        document = index(images)
        name = registry.put("app:1", *images, extra_index=document)
        self.assertEqual(self.images(self.write({"a": {"image": name}}), "--resolve-image-digests"), {"a": name + "@" + digest(document)})
        self.assertEqual(registry.asked("/blobs/"), [], "the manifest's name is enough")

    def test_a_registry_that_does_not_say_the_digest(self):
        registry, image = Faulty(), Image([{"a": b"1"}])
        name = registry.put("app:1", image)

        def silent(request, path):
            if "/manifests/" in path:
                registry.answer(request, 200, image.blobs[image.manifest], {"Content-Type": image.media_type})
                return True

        registry.fault = silent
        self.assertEqual(self.images(self.write({"a": {"image": name}}), "--resolve-image-digests"), {"a": name + "@" + image.manifest})

    def test_variables_that_keep_their_names(self):
        registry, image = Faulty(), Image([{"a": b"1"}])
        name = registry.put("app:1", image)
        path = self.write({"a": {"image": name, "environment": {"K": "$V"}}})
        pinned = name + "@" + image.manifest
        whole = json.loads(self.config(path, "--no-interpolate", "--resolve-image-digests", "--format", "json").out)["services"]["a"]
        self.assertEqual((whole["image"], whole["environment"]), (pinned, {"K": "$V"}))
        lock = json.loads(self.config(path, "--no-interpolate", "--lock-image-digests", "--format", "json").out)
        self.assertEqual(lock, {"services": {"a": {"image": pinned}}})
        path = self.write({"a": {"image": "x:$TAG"}})
        self.assertIn("--no-interpolate", self.config(path, "--no-interpolate", "--lock-image-digests", code=1).err)


if __name__ == "__main__":
    main()
