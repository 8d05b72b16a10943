#!/usr/bin/env python3
"""Pushes, logins and logouts: to Debian's docker-registry, and to one with every fault there is."""
import base64
import crypt
import gzip
import hashlib
import json
import os
import pty
import shutil
import socket
import ssl
import subprocess
import tarfile
import threading
import time
import unittest
import urllib.request

from case import DAVIT, Case, main
from images import CONFIG, LAYER, MANIFEST, Image, digest, layout, noise, plain
from servers import DockerRegistry, Faulty, Receiving, TokenServer, free_port


class Push(Case):
    def load(self, name, image):
        """The image under that name, from no registry at all."""
        directory = self.dir + "/layout-%d" % len(os.listdir(self.dir))
        layout(directory, {name: image})
        self.run_davit("image", "load", "-i", directory)
        return name

    def push(self, name, *more, **keywords):
        return self.run_davit("image", "push", *more, name, **keywords)

    def digests(self, name):
        return self.inspect(name)["RepoDigests"]

    def built(self, name, files):
        """An image as builds leave it: a layer that stands only as a directory. Its tar's digest is what davit says it is."""
        self.unpacked(files)
        diff_id = "sha256:" + "0" * 64
        self.record(name, diff_id)
        failed = self.run_davit("image", "save", "-o", self.dir + "/x.tar", name, code=1)
        self.assertFalse(os.path.exists(self.dir + "/x.tar"), "no archive with a wrong layer")
        diff_id = failed.err.split("they are ")[1].split()[0]
        self.record(name, diff_id)
        return diff_id

    def unpacked(self, files):
        upper = self.store + "/l/builtlyr"
        shutil.rmtree(upper, ignore_errors=True)
        for path, data in files.items():
            os.makedirs(os.path.dirname(upper + "/" + path), exist_ok=True)
            with open(upper + "/" + path, "wb") as f:
                f.write(data)
        for directory, folders, names in os.walk(upper):
            for n in folders + names:
                os.utime(directory + "/" + n, (1000000000, 1000000000))

    def record(self, name, diff_id):
        config = json.dumps({"architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine], "os": "linux", "config": {"Cmd": ["/x"]},
                             "rootfs": {"type": "layers", "diff_ids": [diff_id]}}).encode()
        size = 1 << 40 if diff_id.endswith("000") else self.tar_size
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": CONFIG, "digest": digest(config), "size": len(config)},
                               "layers": [{"mediaType": LAYER[:-5], "digest": diff_id, "size": size}]}).encode()
        layer = {"diff_id": diff_id, "digest": diff_id, "media_type": LAYER[:-5], "blob_size": size, "size": 1, "directory": "l/builtlyr"}
        files = {"blobs/sha256/" + digest(config)[7:]: config, "blobs/sha256/" + digest(manifest)[7:]: manifest,
                 "layers/%s.json" % diff_id[7:]: json.dumps({"format": 1, "key": diff_id, "diff_id": diff_id, "directory": "l/builtlyr", "size": 1,
                                                             "blob": {"mediaType": LAYER[:-5], "digest": diff_id, "size": size}}).encode(),
                 "images/%s.json" % digest(config)[7:]: json.dumps({"format": 1, "id": digest(config), "layers": [layer],
                                                                    "manifest": {"mediaType": MANIFEST, "digest": digest(manifest), "size": len(manifest)}}).encode()}
        for path, data in files.items():
            with open(self.store + "/" + path, "wb") as f:
                f.write(data)
        link = self.store + "/refs/" + name.replace("/", "%")
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink("../images/%s.json" % digest(config)[7:], link)


def get(url, authorization=None, context=None, **headers):
    if authorization:
        headers["Authorization"] = authorization
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), context=context).read()


def basic(user):
    return "Basic " + base64.b64encode(user.encode()).decode()


@unittest.skipUnless(shutil.which("docker-registry"), "docker-registry is not installed")
class RealRegistry(Push):
    def start(self, auth="", **more):
        registry = DockerRegistry(self.dir + "/registry", auth, **more)
        self.addCleanup(registry.stop)
        return registry

    def htpasswd(self):
        with open(self.dir + "/htpasswd", "w") as f:
            f.write("anna:%s\n" % crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))
        return "auth: {htpasswd: {realm: test, path: %s/htpasswd}}\n" % self.dir

    def test_what_is_pushed_is_what_was_there(self):
        registry, image = self.start(), Image([{"a": noise(3000000, 1)}, {"b": b"2"}])
        name = self.load(registry.host + "/team/app:1", image)
        result = self.push(name)
        lines = result.out.splitlines()
        self.assertEqual(lines[0], "The push refers to repository [%s/team/app]" % registry.host)
        self.assertEqual(sorted(l.split(": ")[1] for l in lines[1:-1]), ["Pushed", "Pushed"])
        self.assertEqual(lines[-1], "1: digest: %s size: %d" % (image.manifest, len(image.blobs[image.manifest])))
        self.assertIn("Image %s Pushed" % name, result.err)
        self.assertEqual(self.digests(name), [registry.host + "/team/app@" + image.manifest])
        document = get("http://%s/v2/team/app/manifests/1" % registry.host, Accept=MANIFEST)
        self.assertEqual(document, image.blobs[image.manifest], "to the byte")
        for key in image.layers:
            self.assertEqual(get("http://%s/v2/team/app/blobs/%s" % (registry.host, key)), image.blobs[key])

    def test_lists_of_several_platforms_are_put_together_at_the_registry(self):
        registry = self.start()
        host = registry.host
        images = {"amd64": Image([{"a": b"1"}]), "arm64": Image([{"b": b"2"}])}
        for name, image in images.items():
            registry.push("app-%s:1" % name, image)
        parts = ["%s/app-%s:1" % (host, name) for name in images]
        made = self.run_davit("manifest", "create", host + "/app:1", *parts)
        self.assertEqual(made.out, "Created manifest list %s/app:1\n" % host)
        self.assertIn("no --amend", self.run_davit("manifest", "create", host + "/app:1", parts[0], code=1).err)
        self.run_davit("manifest", "annotate", "--arch", "arm64", "--variant", "v8", host + "/app:1", parts[1])
        self.run_davit("manifest", "annotate", "--arch", "arm64", host + "/app:1", host + "/other:1", code=1)
        listed = json.loads(self.run_davit("manifest", "inspect", host + "/app:1").out)["manifests"]
        self.assertEqual({m["digest"] for m in listed}, {i.manifest for i in images.values()})
        self.assertEqual([m["platform"] for m in listed if m["digest"] == images["arm64"].manifest],
                         [{"architecture": "arm64", "os": "linux", "variant": "v8"}])
        one = self.run_davit("manifest", "inspect", host + "/app:1", parts[0]).out
        self.assertEqual(json.loads(one), json.loads(images["amd64"].blobs[images["amd64"].manifest]))
        pushed = self.run_davit("manifest", "push", "--purge", host + "/app:1").out.splitlines()
        self.assertEqual(len(pushed), 3, pushed)
        document = get("http://%s/v2/app/manifests/1" % host, Accept="application/vnd.docker.distribution.manifest.list.v2+json")
        self.assertEqual(pushed[-1], digest(document))
        for image in images.values(): # with all that it is made of, in the list's own repository
            for key in image.layers:
                self.assertEqual(get("http://%s/v2/app/blobs/%s" % (host, key)), image.blobs[key])
        missing = self.run_davit("docker", "manifest", "inspect", host + "/app:none", code=1).err
        self.assertEqual(missing, "no such manifest: %s/app:none\n" % host)
        self.assertIn("No such manifest", self.run_davit("manifest", "rm", host + "/app:1", code=1).err)

        self.run_davit("buildx", "imagetools", "create", "-t", host + "/both:1", *parts)
        index = json.loads(get("http://%s/v2/both/manifests/1" % host,
                               Accept="application/vnd.oci.image.index.v1+json,application/vnd.docker.distribution.manifest.list.v2+json"))
        self.assertEqual([m["digest"] for m in index["manifests"]], [i.manifest for i in images.values()])
        self.run_davit("buildx", "imagetools", "create", "-t", host + "/both:2", host + "/both:1")
        again = self.run_davit("buildx", "imagetools", "inspect", "--raw", host + "/both:2").out
        self.assertEqual(json.loads(again), index, "one source stays what it is")
        self.run_davit("buildx", "imagetools", "create", host + "/both:1", code=1)
        inspect = lambda format: self.run_davit("buildx", "imagetools", "inspect", host + "/both:1", "--format", format).out
        told = json.loads(inspect("{{json .Manifest}}"))
        self.assertEqual((told["manifests"], told["schemaVersion"]), (index["manifests"], 2))
        self.assertEqual(inspect("{{.Name}} {{.Manifest.Digest}}"), host + "/both:1 " + told["digest"])
        listed = self.run_davit("buildx", "imagetools", "inspect", host + "/app:1", "--format", "{{json .Image}}").out
        self.assertEqual(set(json.loads(listed)), {"linux/amd64", "linux/arm64/v8"})
        one = self.run_davit("buildx", "imagetools", "inspect", parts[0], "--format", "{{json .Image}}").out
        self.assertEqual(json.loads(one)["architecture"], "amd64")
        with open(self.dir + "/descriptor.json", "w") as f:
            json.dump({"digest": images["arm64"].manifest, "platform": {"architecture": "arm64", "os": "linux", "variant": "v9"}}, f)
        self.run_davit("buildx", "imagetools", "create", "-t", host + "/both:3", "-f", self.dir + "/descriptor.json", "--metadata-file", self.dir + "/meta.json")
        with open(self.dir + "/meta.json") as f:
            meta = json.load(f)
        raw = json.loads(self.run_davit("buildx", "imagetools", "inspect", "--raw", host + "/both:3").out)
        self.assertEqual([m["platform"].get("variant") for m in raw["manifests"]], ["v9"])
        self.assertEqual(meta["image.name"], host + "/both")
        self.assertTrue(meta["containerimage.descriptor"]["digest"].startswith("sha256:"))
        self.run_davit("buildx", "imagetools", "create", "-t", host + "/both:4", "-p", "linux/arm64", host + "/app:1")
        raw = json.loads(self.run_davit("buildx", "imagetools", "inspect", "--raw", host + "/both:4").out)
        self.assertEqual([m["digest"] for m in raw["manifests"]], [images["arm64"].manifest])
        self.assertIn("cannot infer repository", self.run_davit("buildx", "imagetools", "create", "-t", host + "/x:1", "-f", self.dir + "/descriptor.json",
                                                                host + "/both:1", code=1).err)

    def test_again_costs_next_to_nothing(self):
        registry, image = self.start(), Image([{"%d" % i: noise(2000000, i * 100000)} for i in range(8)])
        name = self.load(registry.host + "/app:1", image)
        self.push(name)
        begin = time.monotonic()
        again = self.push(name)
        print("push with all blobs at the registry: %.0f ms" % ((time.monotonic() - begin) * 1000))
        self.assertEqual(again.out.count("Layer already exists"), 8)
        self.assertEqual(self.push(name, "-q").out, name + "\n")

    def test_a_known_blob_is_mounted_from_the_repository_it_is_in(self):
        registry, base = self.start(), {"a": noise(1000000, 1)}
        first = self.load(registry.host + "/team/base:1", Image([base]))
        self.push(first)
        second = self.load(registry.host + "/app:1", Image([base, {"b": b"2"}]))
        out = self.push(second).out
        self.assertIn(": Mounted from team/base\n", out)
        self.assertEqual(out.count(": Pushed"), 1)

    def test_all_tags_default_tag_and_names_that_are_not_there(self):
        registry = self.start()
        bare = registry.host + "/app"
        for tag in ("latest", "2"):
            self.load(bare + ":" + tag, Image([{"a": tag.encode()}]))
        self.assertTrue(self.push(bare).out.startswith("Using default tag: latest\n"))
        out = self.push(bare, "-a").out
        self.assertIn("\n2: digest: sha256:", out)
        self.assertIn("\nlatest: digest: sha256:", out)
        self.assertEqual(out.count("The push refers to"), 1)
        self.assertIn("tag can't be used", self.push(bare + ":2", "-a", code=1).err)
        missing = self.push(bare + ":3", code=1).err
        self.assertIn("failed to push %s:3: an image does not exist locally with the tag" % bare, missing)
        self.assertIn("you have %s:2" % bare, missing)
        self.assertIn("not for the platform linux/s390x", self.push(bare, "--platform", "linux/s390x", code=1).err)
        self.assertIn("digest cannot be pushed", self.push(bare + "@" + "sha256:" + "0" * 64, code=1).err)

    def test_a_built_layer_is_packed_once_and_checked(self):
        registry = self.start()
        name = registry.host + "/built:1"
        self.pull(registry.push("seed:1", Image([{"s": b"1"}])))
        self.tar_size = 0
        files = {"etc/a": b"one\n" * 1000, "b": noise(1500000, 5)}
        diff_id = self.built(name, files)
        # Its size is the tar's; what is written down for it was a guess.
        self.assertIn("has more than its 0 bytes", self.run_davit("image", "save", "-o", self.dir + "/x.tar", name, code=1).err)
        self.assertIn(": Pushed", self.push(name).out)
        document = json.loads(get("http://%s/v2/built/manifests/1" % registry.host, Accept=MANIFEST))
        self.assertEqual([l["mediaType"] for l in document["layers"]], [LAYER])
        packed = get("http://%s/v2/built/blobs/%s" % (registry.host, document["layers"][0]["digest"]))
        tar = gzip.decompress(packed)
        self.assertEqual(digest(tar), diff_id)
        digests = self.digests(name)
        self.assertEqual(digests, [registry.host + "/built@" + digest(get("http://%s/v2/built/manifests/1" % registry.host, Accept=MANIFEST))])
        # What is changed now is not read any more: the blob is here.
        self.tar_size = len(tar)
        os.rename(self.store + "/l/builtlyr/b", self.store + "/l/builtlyr/c")
        self.assertIn("Layer already exists", self.push(name).out)
        self.assertEqual(self.digests(name), digests)
        self.run_davit("image", "prune", "-f")
        self.assertIn("Layer already exists", self.push(name).out)
        # In an archive stands the tar itself.
        self.run_davit("image", "rm", "-f", name)
        self.unpacked(files)
        self.record(name, diff_id)
        self.run_davit("image", "save", "-o", self.dir + "/y.tar", name)
        with tarfile.open(self.dir + "/y.tar") as archive:
            self.assertEqual(archive.extractfile("blobs/sha256/" + diff_id[7:]).read(), tar)
        self.run_davit("image", "save", "-o", self.dir + "/out/", name)
        with open(self.dir + "/out/blobs/sha256/" + diff_id[7:], "rb") as f:
            self.assertEqual(f.read(), tar)
        # And what has changed is told, not written.
        with open(self.store + "/l/builtlyr/b", "ab") as f:
            f.write(b"x")
        for words in (["save", "-o", self.dir + "/z/", name], ["push", name.replace("built:1", "other:1")]):
            if words[0] == "push":
                self.run_davit("image", "tag", name, words[-1])
            failed = self.run_davit("image", *words, code=1)
            self.assertIn("are not what they were when it was made", failed.err)
        self.assertFalse(os.path.exists(self.dir + "/z/blobs/sha256/" + diff_id[7:]))

    def test_basic_authentication(self):
        registry = self.start(self.htpasswd())
        name = self.load(registry.host + "/app:1", Image([{"a": b"1"}]))
        anonymous = self.push(name, code=1).err
        self.assertIn("failed to push %s: push access denied, repository does not exist or may require authorization: "
                      "authorization failed: no basic auth credentials" % name, anonymous)
        self.assertIn("davit login " + registry.host, anonymous)
        wrong = self.push(name, code=1, env=self.login(registry.host, "anna", "wrong")).err
        self.assertIn("refuses the credentials", wrong)
        self.assertNotIn("wrong", wrong)
        self.push(name, env=self.login(registry.host, "anna", "secret"))

    def test_login_is_asked_of_the_registry_kept_and_forgotten(self):
        registry = self.start(self.htpasswd())
        name = self.load(registry.host + "/app:1", Image([{"a": b"1"}]))
        env = {"DOCKER_CONFIG": self.dir + "/docker"}
        config = self.dir + "/docker/config.json"
        os.makedirs(self.dir + "/docker")
        with open(config, "w") as f:
            f.write('{"HttpHeaders": {"a": "b"}, "auths": {"other": {"auth": "eDp5"}}, "zz": 1, "http": [1.50, null]}')
        os.chmod(config, 0o644)
        refused = self.run_davit("login", "-u", "anna", "--password-stdin", registry.host, stdin=b"wrong\n", code=1, env=env)
        self.assertIn("the registry %s refuses the credentials" % registry.host, refused.err)
        self.assertNotIn("wrong", refused.err)
        self.assertNotIn(registry.host, open(config).read())
        done = self.run_davit("login", "-u", "anna", "--password-stdin", registry.host, stdin=b"secret\n", env=env)
        self.assertEqual(done.out, "Login Succeeded\n")
        self.assertIn("unencrypted", done.err)
        kept = json.load(open(config))
        self.assertEqual(kept, {"HttpHeaders": {"a": "b"}, "auths": {"other": {"auth": "eDp5"}, registry.host: {"auth": basic("anna:secret")[6:]}}, "zz": 1, "http": [1.5, None]})
        self.assertEqual(list(kept), ["HttpHeaders", "auths", "zz", "http"])
        self.assertEqual(os.stat(config).st_mode & 0o777, 0o600)
        self.assertEqual(os.listdir(self.dir + "/docker"), ["config.json"])
        self.push(name, env=env)
        again = self.run_davit("login", "http://%s/v2/" % registry.host, env=env)
        self.assertEqual(again.out, "Login Succeeded\n")
        self.assertIn("existing credentials of user anna", again.err)
        self.assertEqual(self.run_davit("logout", registry.host, env=env).out, "Removing login credentials for %s\n" % registry.host)
        self.assertEqual(json.load(open(config))["auths"], {"other": {"auth": "eDp5"}})
        self.assertEqual(self.run_davit("logout", registry.host, env=env).out, "Not logged in to %s\n" % registry.host)
        self.assertIn("no terminal", self.run_davit("login", registry.host, env=env, code=1).err)

    def test_login_on_a_terminal_hides_the_password(self):
        registry = self.start(self.htpasswd())
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(DAVIT, [DAVIT, "login", registry.host], dict(self.env, DOCKER_CONFIG=self.dir + "/docker"))
        shown = b""
        for question, answer in ((b"Username: ", b"anna\n"), (b"Password: ", b"secret\n")):
            while question not in shown:
                shown += os.read(fd, 1000)
            os.write(fd, answer)
        try:
            while True:
                more = os.read(fd, 1000)
                if not more:
                    break
                shown += more
        except OSError:
            pass
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertIn(b"Login Succeeded", shown)
        self.assertNotIn(b"secret", shown)
        self.assertIn(registry.host, open(self.dir + "/docker/config.json").read())

    def test_logins_by_a_helper(self):
        registry = self.start(self.htpasswd())
        env = {"DOCKER_CONFIG": self.dir + "/docker", "PATH": self.dir + ":" + os.environ["PATH"]}
        os.makedirs(self.dir + "/docker")
        config = self.dir + "/docker/config.json"
        words = ["login", "-u", "anna", "--password-stdin", registry.host]
        for settings in ({"credHelpers": {registry.host: "fake"}}, {"credsStore": "fake"}):
            with open(config, "w") as f:
                json.dump(settings, f)
            helper = self.dir + "/docker-credential-fake"
            if os.path.exists(helper):
                os.unlink(helper)
            missing = self.run_davit(*words, stdin=b"secret", env=env, code=1).err
            self.assertIn("docker-credential-fake is named in Docker's config.json but is not in PATH", missing)
            with open(helper, "w") as f:
                f.write('#!/bin/sh\ncd %s\ncase $1 in store) cat > kept ;; get) cat kept 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;; erase) cat > erased; rm kept ;; esac\n' % self.dir)
            os.chmod(helper, 0o755)
            done = self.run_davit(*words, stdin=b"secret", env=env)
            self.assertNotIn("unencrypted", done.err)
            self.assertEqual(json.load(open(self.dir + "/kept")), {"ServerURL": registry.host, "Username": "anna", "Secret": "secret"})
            self.assertEqual(json.load(open(config)), dict(settings, auths={registry.host: {}}))
            name = self.load(registry.host + "/app:1", Image([{"a": b"1"}]))
            self.push(name, env=env)
            self.run_davit("logout", registry.host, env=env)
            self.assertEqual(open(self.dir + "/erased").read(), registry.host)
            self.assertEqual(json.load(open(config)), dict(settings, auths={}))
            with open(helper, "w") as f:
                f.write("#!/bin/sh\necho not implemented\nexit 1\n")
            self.assertIn("docker-credential-fake failed to store for %s: not implemented" % registry.host, self.run_davit(*words, stdin=b"secret", env=env, code=1).err)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_token_authentication(self):
        tokens = TokenServer(self.dir, {"anna:secret"})
        registry = self.start("auth: {token: {realm: '%s', service: test, issuer: issuer, rootcertbundle: %s}}\n" % (tokens.realm, tokens.cert))
        base = {"a": noise(300000, 1)}
        first = self.load(registry.host + "/team/base:1", Image([base]))
        self.assertIn("push access denied", self.push(first, code=1).err)
        self.assertIn("refuses the credentials of user 'anna'", self.push(first, code=1, env=self.login(registry.host, "anna", "wrong")).err)
        env = self.login(registry.host, "anna", "secret")
        tokens.asked.clear()
        self.push(first, env=env)
        self.assertEqual(len(tokens.asked), 1, "one token serves it all")
        self.assertIn("scope=repository%3Ateam%2Fbase%3Apull%2Cpush", tokens.asked[0])
        second = self.load(registry.host + "/app:1", Image([base, {"b": b"2"}]))
        tokens.asked.clear()
        self.assertIn("Mounted from team/base", self.push(second, env=env).out)
        self.assertEqual(len(tokens.asked), 2, "and one more for the right to mount")
        self.assertIn("scope=repository%3Aapp%3Apull%2Cpush&scope=repository%3Ateam%2Fbase%3Apull", tokens.asked[1])
        tokens.withheld.add("push")
        tokens.asked.clear()
        refused = self.push(second, env=env, code=1).err
        self.push(second, env=env, code=1)
        self.assertIn("insufficient_scope: authorization failed", refused)
        self.assertIn("the user has no right to write to", refused)
        self.assertNotIn("secret", refused)
        self.assertEqual(len(tokens.asked), 4, "asked once again, and not more")
        tokens.withheld.clear()
        done = self.run_davit("login", "-u", "anna", "--password-stdin", registry.host, stdin=b"secret", env={"DOCKER_CONFIG": self.dir + "/l"})
        self.assertEqual(done.out, "Login Succeeded\n")
        self.assertIn("refuses the credentials of user 'anna'", self.run_davit("login", "-u", "anna", "--password-stdin", registry.host, stdin=b"no", code=1).err)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_https_with_a_ca_of_its_own(self):
        self.own_etc()
        address = "10.99.1.3"
        subprocess.run(["ip", "address", "add", address + "/32", "dev", "lo"], check=True)
        self.addCleanup(subprocess.run, ["ip", "address", "del", address + "/32", "dev", "lo"], check=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x", "-addext", "subjectAltName=IP:" + address,
                        "-keyout", self.dir + "/k", "-out", self.dir + "/c"], check=True, capture_output=True)
        registry = self.start(address=address, tls="certificate: %s/c, key: %s/k" % (self.dir, self.dir))
        image = Image([{"a": noise(2000000, 1)}])
        name = self.load(registry.host + "/app:1", image)
        self.assertIn("/etc/docker/certs.d/%s/ca.crt" % registry.host, self.push(name, code=1).err)
        os.makedirs("/etc/docker/certs.d/" + registry.host)
        shutil.copy(self.dir + "/c", "/etc/docker/certs.d/%s/ca.crt" % registry.host)
        self.push(name)
        self.assertEqual(get("https://%s/v2/app/manifests/1" % registry.host, context=ssl.create_default_context(cafile=self.dir + "/c"), Accept=MANIFEST), image.blobs[image.manifest])

    def test_services(self):
        registry = self.start()
        image = Image([{"a": b"1"}])
        for tag in ("app:1", "app:extra", "dep:1"):
            self.load(registry.host + "/" + tag, image)
        os.makedirs(self.dir + "/p")
        compose = {"name": "p", "services": {
            "web": {"image": registry.host + "/app:1", "build": {"context": ".", "tags": [registry.host + "/app:extra"]}, "depends_on": ["dep", "db"]},
            "dep": {"image": registry.host + "/dep:1", "build": "."},
            "db": {"image": registry.host + "/db:1"},
            "gone": {"image": registry.host + "/gone:1", "build": "."}}}
        with open(self.dir + "/p/compose.yaml", "w") as f:
            json.dump(compose, f)
        at = ["-f", self.dir + "/p/compose.yaml"]
        done = self.run_davit(*at, "push", "web")
        done.err = "".join(l for l in done.err.splitlines(True) if l.startswith(" Image"))
        self.assertIn("Image %s/app:1 Pushed" % registry.host, done.err)
        self.assertIn("Image %s/app:extra Pushed" % registry.host, done.err)
        self.assertNotIn("dep:1", done.err)
        self.assertNotIn("/db:1", done.err)
        more = self.run_davit(*at, "push", "--include-deps", "web")
        self.assertIn("Image %s/dep:1 Pushed" % registry.host, more.err)
        self.assertIn("Image %s/db:1 Skipped" % registry.host, more.err)
        failed = self.run_davit(*at, "push", code=1)
        self.assertIn("failed to push %s/gone:1: an image does not exist locally" % registry.host, failed.err)
        self.assertIn("compose.yaml:1:", failed.err)
        self.assertIn("does not exist locally", self.run_davit(*at, "push", "--ignore-push-failures").err)
        self.assertNotIn(" Image ", self.run_davit(*at, "push", "-q", "web").err)
        dry = self.run_davit(*at, "--dry-run", "push", "web")
        self.assertIn(registry.host + "/app:extra", dry.out + dry.err)


class Faults(Push):
    def start(self, **more):
        self.registry = Receiving(**more)
        self.image = Image([{"big": noise(3000000, 1)}, {"b": b"2"}])
        self.name = self.load(self.registry.host + "/app:1", self.image)
        return self.registry

    def there(self):
        self.assertEqual(self.registry.blobs[self.registry.tags["app:1"]], self.image.blobs[self.image.manifest])
        self.assertLessEqual(set(self.image.layers), self.registry.owned["app"])

    def first(self, method, action, times=1):
        """The first requests of that method for the big layer: action(request) → answered."""
        left = [times]

        def fault(request, path):
            if request.command != method or "/blobs/uploads/" not in path or int(request.headers.get("Content-Length", 0)) < 100000 and method in ("PUT", "PATCH") or not left[0]:
                return False
            left[0] -= 1
            return action(request, path)
        self.registry.fault = fault

    def test_locations_are_followed_as_they_stand(self):
        for relative in (False, True):
            self.start(relative=relative)
            self.push(self.name)
            self.there()

    def test_order_and_headers(self):
        self.start()
        self.push(self.name)
        self.there()
        puts = [p for m, p, _ in self.registry.requests if m == "PUT"]
        self.assertTrue(puts[-1].endswith("/v2/app/manifests/1"))
        self.assertIn("digest=sha256%3A" + self.image.id[7:], puts[-2], "the configuration after the layers")
        self.assertEqual([h for _, _, h in self.registry.requests if h.get("Expect")], [])
        self.registry.requests.clear()
        self.push(self.name)
        self.assertEqual(sorted(m for m, _, _ in self.registry.requests if m != "TLS"), ["HEAD"] * 3 + ["PUT"])

    def cut(self, request, path, bytes_kept):
        """Takes part of what comes and hangs up."""
        key = path.split("/uploads/")[1].split("?")[0]
        self.registry.uploads[key] += self.registry.body(request, bytes_kept)
        request.connection.shutdown(socket.SHUT_RDWR)
        request.close_connection = True
        return True

    def test_an_upload_that_was_cut_off_goes_on_from_there(self):
        self.start()
        self.first("PUT", lambda r, p: self.cut(r, p, 1200000))
        self.push(self.name)
        self.there()
        patches = [h["Content-Range"] for m, _, h in self.registry.requests if m == "PATCH"]
        size = len(self.image.blobs[self.image.layers[0]])
        self.assertEqual(patches, ["1200000-%d" % (size - 1)])

    def test_cut_off_again_and_again_with_progress_in_between(self):
        self.start()
        count = [0]

        def fault(request, path):
            if request.command not in ("PUT", "PATCH") or int(request.headers.get("Content-Length", 0)) < 100000:
                return False
            count[0] += 1
            return self.cut(request, path, 200000) if count[0] <= 12 else False
        self.registry.fault = fault
        self.push(self.name)
        self.there()
        self.assertLess(self.registry.received, 12 * 300000 + 3100000)

    def test_a_forgotten_upload_begins_anew(self):
        self.start()

        def forget(request, path):
            self.cut(request, path, 1000)
            self.registry.uploads[path.split("/uploads/")[1].split("?")[0] + "-gone"] = self.registry.uploads.pop(path.split("/uploads/")[1].split("?")[0])
            return True
        self.first("PUT", forget)
        self.push(self.name)
        self.there()

    def test_a_lost_answer_is_no_second_upload(self):
        self.start()

        def lose(request, path):
            key = path.split("/uploads/")[1].split("?")[0]
            data = self.registry.uploads.pop(key) + self.registry.body(request)
            self.registry.uploads[key + "-done"] = bytearray()
            self.registry.blobs[digest(data)] = bytes(data)
            self.registry.owned.setdefault("app", set()).add(digest(data))
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True
            return True
        self.first("PUT", lose)
        self.push(self.name)
        self.there()
        self.assertLess(self.registry.received, 3200000)

    def test_chunks_where_bodies_may_not_be_large(self):
        for least in (0, 1100000):
            self.start(least=least)
            sizes = []

            def fault(request, path):
                length = int(request.headers.get("Content-Length", 0))
                if request.command == "PATCH":
                    sizes.append(length)
                if length <= 2000000:
                    return False
                self.registry.body(request)
                self.registry.answer(request, 413)
                return True
            self.registry.fault = fault
            self.push(self.name)
            self.there()
            self.assertEqual(sum(sizes), len(self.image.blobs[self.image.layers[0]]))
            self.assertTrue(all(s >= least for s in sizes[:-1]), sizes)
            self.assertGreater(len(sizes), 1)

    def test_a_limit_that_is_too_low_is_told(self):
        self.start()
        self.registry.fault = lambda r, p: int(r.headers.get("Content-Length", 0)) > 100000 and (self.registry.body(r), self.registry.answer(r, 413)) and True
        self.assertIn("takes no bodies of this size", self.push(self.name, code=1).err)

    def test_the_registry_has_less_than_was_sent(self):
        self.start()

        def disagree(request, path):
            key = path.split("/uploads/")[1].split("?")[0]
            self.registry.uploads[key] += self.registry.body(request)[:700000]
            self.registry.stand(request, "app", key, 416)
            return True
        self.first("PUT", disagree)
        self.push(self.name)
        self.there()
        self.assertEqual([h["Content-Range"].split("-")[0] for m, _, h in self.registry.requests if m == "PATCH"], ["700000"])

    def test_retry_after_is_heeded(self):
        self.start()
        times = []

        def wait(request, path):
            times.append(time.monotonic())
            self.registry.body(request)
            self.registry.error(request, 429, "TOOMANYREQUESTS", {"Retry-After": "2"})
            return True
        self.first("PUT", wait)
        self.push(self.name)
        self.assertGreaterEqual(time.monotonic() - times[0], 2)
        self.there()

    def test_servers_that_stumble(self):
        self.start()
        seen = {}

        def fault(request, path):
            step = (request.command, path.split("?")[0].rstrip("0123456789"))
            seen[step] = seen.get(step, 0) + 1
            if seen[step] > 1:
                return False
            self.registry.body(request)
            self.registry.error(request, 503, "UNAVAILABLE")
            return True
        self.registry.fault = fault
        self.push(self.name)
        self.there()

    def test_a_server_that_stays_broken(self):
        self.start()
        self.registry.fault = lambda r, p: r.command == "PUT" and (self.registry.body(r), self.registry.error(r, 500, "UNKNOWN")) and True
        self.assertIn("failed to push %s: the registry" % self.name, self.push(self.name, code=1).err)
        self.assertNotIn("app:1", self.registry.tags)
        self.assertEqual([n for n in os.listdir(self.store + "/refs") if "@" in n], [], "what did not arrive has no name")

    def test_a_mount_that_is_none_is_an_upload(self):
        for mounts in (True, False):
            self.start(mounts=mounts)
            other = self.load(self.registry.host + "/base:1", Image([{"big": noise(3000000, 1)}]))
            self.push(other)
            self.registry.requests.clear()
            self.registry.received = 0
            out = self.push(self.name).out
            self.there()
            self.assertEqual("Mounted from base" in out, mounts)
            self.assertEqual(self.registry.received > 3000000, not mounts)
            self.assertEqual(len([p for m, p, _ in self.registry.requests if m == "POST" and "mount=" in p and "from=base" in p]), 1)

    def test_a_refused_mount_is_an_upload(self):
        self.start()
        self.push(self.load(self.registry.host + "/base:1", Image([{"big": noise(3000000, 1)}])))
        self.registry.fault = lambda r, p: "from=" in p and (self.registry.body(r), self.registry.error(r, 403, "DENIED")) and True
        self.push(self.name)
        self.there()

    def test_refusals_are_told_apart_and_not_repeated(self):
        for status, code, text in ((403, "DENIED", "forbids to push to"), (404, "NAME_UNKNOWN", "knows no repository"), (405, "UNSUPPORTED", "takes no pushes"), (400, "NAME_INVALID", "refuses what is pushed")):
            self.start()
            self.registry.fault = lambda r, p: r.command == "POST" and (self.registry.body(r), self.registry.error(r, status, code)) and True
            err = self.push(self.name, code=1).err
            self.assertIn("failed to push %s: " % self.name, err)
            self.assertIn(text, err)
            self.assertLessEqual(len([1 for m, _, _ in self.registry.requests if m == "POST"]), 2)

    def test_nobody_there(self):
        host = "127.0.0.1:%d" % free_port()
        name = self.load(host + "/app:1", Image([{"a": b"1"}]))
        err = self.push(name, code=1).err
        self.assertIn("failed to push %s: the registry %s does not answer" % (name, host), err)
        self.assertIn("dial tcp %s: connect: connection refused" % host, err)
        pulled = self.run_davit("image", "pull", name, code=1).err
        self.assertIn('Error response from daemon: failed to resolve reference "%s": failed to do request: Head "' % name,
                      self.run_davit("docker", "pull", name, code=1).err)
        self.assertRegex(pulled, 'failed to do request: Head "https?://%s/v2/app/manifests/1": dial tcp %s: connect: connection refused' % (host, host))
        self.assertIn("does not answer", self.run_davit("login", "-u", "a", "--password-stdin", host, stdin=b"b", code=1).err)

    def test_storage_elsewhere_gets_no_password(self):
        self.start()
        storage = Receiving()

        def fault(request, path):
            if request.headers.get("Authorization") is None:
                self.registry.body(request)
                self.registry.error(request, 401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="x"'})
                return True
            if request.command == "POST":  # the upload goes to the storage itself
                self.registry.body(request)
                key = "s%d" % len(storage.uploads)
                storage.uploads[key] = bytearray()
                self.registry.answer(request, 202, headers={"Location": storage.place("app", key)})
                return True
            if request.command == "HEAD" and "/blobs/" in path:
                found = path.rsplit("/", 1)[1] in storage.owned.get("app", ())
                self.registry.answer(request, 307 if found else 404, headers={"Location": "http://%s%s" % (storage.host, path)})
                return True
            if request.command == "PUT" and "/manifests/" in path:
                self.registry.owned = storage.owned
            return False
        self.registry.fault = fault
        env = self.login(self.registry.host, "anna", "secret")
        self.push(self.name, env=env)
        self.assertGreater(storage.received, 3000000)
        self.assertEqual([h for _, _, h in storage.requests if "Authorization" in h], [])
        self.assertIn("Layer already exists", self.push(self.name, env=env).out)

    def test_an_upload_is_redirected(self):
        self.start()
        self.first("PUT", lambda r, p: (self.registry.body(r), self.registry.answer(r, 307, headers={"Location": p + "&again=1"})) and True)
        self.push(self.name)
        self.there()

    def test_tokens_that_end_in_between(self):
        self.start()
        serial, lock = [0], threading.Lock()

        def fault(request, path):
            if path.startswith("/token"):
                with lock:
                    serial[0] += 1
                    self.registry.answer(request, 200, json.dumps({"token": "t%d" % serial[0]}).encode())
                return True
            # Each token serves for three requests.
            given = request.headers.get("Authorization", "")
            with lock:
                used[given] = used.get(given, 0) + 1
                fresh = given == "Bearer t%d" % serial[0] and used[given] <= 3
            if fresh:
                return False
            self.registry.body(request)
            self.registry.error(request, 401, "UNAUTHORIZED", {"WWW-Authenticate": 'Bearer realm="http://%s/token",service="x",scope="repository:app:pull",error="invalid_token"' % self.registry.host})
            return True
        used = {}
        self.registry.fault = fault
        self.push(self.name)
        self.there()
        asked = [p for _, p, _ in self.registry.requests if p.startswith("/token")]
        self.assertTrue(all("pull%2Cpush" in p for p in asked), asked)

    def test_layers_go_in_parallel(self):
        self.start()
        both = threading.Barrier(2, timeout=30)
        waited = []

        def fault(request, path):
            if request.command == "HEAD" and path.rsplit("/", 1)[1] in self.image.layers:
                both.wait()
                waited.append(path)
            return False
        self.registry.fault = fault
        self.push(self.name)
        self.assertEqual(len(waited), 2)

    def test_slow_is_not_dead_and_stalled_is(self):
        self.start()
        release = threading.Event()
        self.addCleanup(release.set)

        def stall(request, path):
            request.rfile.read(100000)
            release.wait(60)
            request.close_connection = True
            return True
        self.first("PUT", stall)
        self.push(self.name, env={"DAVIT_REGISTRY_TIMEOUT": "1"})
        self.there()

    def test_an_interrupt_ends_it_at_once(self):
        self.start()
        reached, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def hang(request, path):
            request.rfile.read(100000)
            reached.set()
            release.wait(60)
            request.close_connection = True
            return True
        self.first("PUT", hang)
        process = subprocess.Popen([DAVIT, "image", "push", self.name], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertTrue(reached.wait(30))
        process.terminate()
        self.assertEqual(process.wait(5), 130)
        self.assertEqual(self.kept("leases"), [])
        release.set()
        self.push(self.name)
        self.there()

    def test_bytes_that_are_not_the_digests(self):
        self.start()
        path = self.store + "/blobs/sha256/" + self.image.layers[1][7:]
        with open(path, "r+b") as f:
            f.seek(12)
            f.write(b"\xff")
        err = self.push(self.name, code=1).err
        self.assertIn("digest invalid", err)
        self.assertNotIn("app:1", self.registry.tags)

    def test_foreign_layers_are_not_sent(self):
        self.start()
        image = Image([{"far": b"1"}], foreign=["http://127.0.0.1:9/x"])
        name = self.load(self.registry.host + "/far:1", image)
        self.assertIn("Skipped foreign layer", self.push(name).out)
        self.assertNotIn(image.layers[0], self.registry.owned["far"])


if __name__ == "__main__":
    main()
