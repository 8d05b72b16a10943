#!/usr/bin/env python3
"""Pulls from Debian's docker-registry, with every way to log in."""
import base64
import crypt
import json
import os
import shutil
import ssl
import subprocess
import unittest

from case import Case, main
from images import Image, noise, plain, zstandard
from servers import DockerRegistry, TokenServer


@unittest.skipUnless(shutil.which("docker-registry"), "docker-registry is not installed")
class RealRegistry(Case):
    def start(self, auth=""):
        registry = DockerRegistry(self.dir + "/registry", auth)
        self.addCleanup(registry.stop)
        return registry

    def test_plain_http_on_loopback(self):
        image = Image([{"a": b"low", "b": b"1"}, {"a": b"high"}])
        registry = self.start()
        name = registry.push("team/app:1", image)
        self.assertEqual(self.pull(name).out.splitlines(), ["1: Pulling from team/app", "Digest: " + image.manifest, "Status: Downloaded newer image for " + name, name])
        found = self.inspect(name)
        other = registry.push("team/app:new", Image([{"a": b"other"}]))
        registry.push("team/app:old", image)
        repository = name.rsplit(":", 1)[0]
        said = self.pull(repository, "-a").out.splitlines()
        self.assertEqual(sorted(line.split(":")[0] for line in said if "Pulling from" in line), ["1", "new", "old"])
        self.assertEqual(sorted(line.rsplit(":", 1)[-1] for line in said if line.startswith("Status: ")), ["1", "new", "old"])
        self.assertEqual(said[-1], repository)
        self.assertEqual(self.content(other, "a"), b"other")
        self.assertIn("tag can't be used with --all-tags", self.pull(name, "-a", code=1).err)
        self.assertEqual(found["Id"], image.id)
        self.assertEqual(found["RepoDigests"], [registry.host + "/team/app@" + image.manifest])
        self.assertEqual(self.content(name, "a"), b"high")
        self.assertEqual(self.content(name, "b"), b"1")
        self.pull(registry.host + "/team/app@" + image.manifest)
        missing = self.pull(registry.host + "/team/app:2", code=1)
        self.assertIn("is not in its registry: manifest unknown", missing.err)

    def test_both_formats_and_all_compressions(self):
        registry = self.start()
        content = {"a": noise(300000, 3), "b": b"1" * 300000}
        kinds = {"schema2": Image([content, {"c": b"1"}], docker=True), "gzip": Image([content, {"c": b"2"}]), "plain": Image([content, {"c": b"3"}], pack=plain)}
        if shutil.which("zstd"):
            kinds["zstd"] = Image([content, {"c": b"4"}], pack=zstandard)
        for kind, image in kinds.items():
            name = registry.push("%s:1" % kind, image)
            self.pull(name)
            self.assertEqual(self.inspect(name)["Id"], image.id, kind)
            self.assertEqual(self.content(name, "a"), content["a"], kind)
        self.assertEqual(len(self.kept("l")), 1 + len(kinds), "one layer, however it was packed")

    def test_layers_are_told(self):
        registry = self.start()
        image = Image([{"a": noise(3000, 1)}, {"b": noise(3000, 2)}])
        name = registry.push("team/layers:1", image)
        ids = [one.split(":")[1][:12] for one in image.layers]
        said = self.run_davit("docker", "pull", name).out.splitlines()
        self.assertEqual(said[0], "1: Pulling from team/layers")
        self.assertEqual(said[-3:], ["Digest: " + image.manifest, "Status: Downloaded newer image for " + name, name])
        for one in ids:
            self.assertEqual([line for line in said if line.startswith(one)],
                             [one + ": Pulling fs layer", one + ": Download complete", one + ": Pull complete"])
        self.assertEqual(self.run_davit("docker", "pull", name).out.splitlines(),
                         ["1: Pulling from team/layers", "Digest: " + image.manifest, "Status: Image is up to date for " + name, name])
        # One that shares a layer, and of a project.
        shares = Image([{"a": noise(3000, 1)}, {"c": noise(3000, 3)}])
        second = registry.push("team/shares:1", shares)
        compose = self.dir + "/layers.yaml"
        with open(compose, "w") as f:
            json.dump({"name": "p", "services": {"a": {"image": second}}}, f)
        told = [json.loads(line) for line in self.run_davit("-f", compose, "--progress", "json", "pull").err.splitlines()]
        ends = [(t["parent_id"], t["id"], t["status"], t["text"], t["percent"]) for t in told if t["status"] == "Done" and "parent_id" in t]
        self.assertEqual(sorted(ends), sorted([("Image " + second, ids[0], "Done", "Already exists", 100),
                                               ("Image " + second, shares.layers[1].split(":")[1][:12], "Done", "Pull complete", 100)]))
        self.assertIn("Image is already present locally", self.run_davit("-f", compose, "pull", "--policy", "missing").err)
        third = registry.push("team/third:1", Image([{"a": noise(3000, 1)}, {"d": noise(3000, 4)}]))
        self.assertIn(ids[0] + ": Already exists", self.run_davit("docker", "pull", third).out)

    def test_basic_authentication(self):
        with open(self.dir + "/htpasswd", "w") as f:
            f.write("anna:%s\n" % crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))
        registry = self.start("auth: {htpasswd: {realm: test, path: %s/htpasswd}}\n" % self.dir)
        name = registry.push("app:1", Image([{"a": b"1"}]), "Basic " + base64.b64encode(b"anna:secret").decode())
        self.assertIn("pull access denied for %s, repository does not exist or may require 'docker login'" % (registry.host + "/app"), self.pull(name, code=1).err)
        wrong = self.pull(name, code=1, env=self.login(registry.host, "anna", "wrong"))
        self.assertIn("refuses the credentials", wrong.err)
        self.assertNotIn("wrong", wrong.err)
        self.assertEqual(self.names(), [])
        self.pull(name, env=self.login(registry.host, "anna", "secret"))
        self.assertEqual(self.names(), [name])

    def test_credential_helpers(self):
        with open(self.dir + "/htpasswd", "w") as f:
            f.write("anna:%s\n" % crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))
        registry = self.start("auth: {htpasswd: {realm: test, path: %s/htpasswd}}\n" % self.dir)
        name = registry.push("app:1", Image([{"a": b"1"}]), "Basic " + base64.b64encode(b"anna:secret").decode())
        os.makedirs(self.dir + "/docker")
        with open(self.dir + "/docker/config.json", "w") as f:
            json.dump({"credHelpers": {registry.host: "fake"}}, f)
        env = {"DOCKER_CONFIG": self.dir + "/docker"}
        self.assertIn("docker-credential-fake is named in Docker's config.json but is not in PATH", self.pull(name, code=1, env=env).err)
        helper = self.dir + "/docker-credential-fake"
        with open(helper, "w") as f:
            f.write('#!/bin/sh\nread host\n[ "$1 $host" = "get %s" ] && echo \'{"Username":"anna","Secret":"secret"}\' && exit\necho credentials not found in native keychain; exit 1\n' % registry.host)
        os.chmod(helper, 0o755)
        self.pull(name, env=dict(env, PATH=self.dir + ":" + os.environ["PATH"]))

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_token_authentication(self):
        tokens = TokenServer(self.dir, {"anna:secret"})
        registry = self.start("auth: {token: {realm: '%s', service: test, issuer: issuer, rootcertbundle: %s}}\n" % (tokens.realm, tokens.cert))
        image = Image([{"%d" % i: noise(20000, i)} for i in range(6)])
        name = registry.push("team/app:1", image, "Bearer " + tokens.token("repository:team/app:pull,push"))
        self.assertIn("pull access denied for %s/team/app, repository does not exist or may require 'docker login'" % registry.host, self.pull(name, code=1).err)
        wrong = self.pull(name, code=1, env=self.login(registry.host, "anna", "wrong"))
        self.assertIn("refuses the credentials of user 'anna'", wrong.err)
        tokens.asked.clear()
        self.pull(name, env=self.login(registry.host, "anna", "secret"))
        self.assertEqual(len(tokens.asked), 1, "one token serves all layers")
        self.assertIn("scope=repository%3Ateam%2Fapp%3Apull", tokens.asked[0])


OUTSIDE = "10.99.1.2"  # not loopback, where unsafe connections are taken


@unittest.skipUnless(shutil.which("docker-registry") and shutil.which("openssl"), "docker-registry or openssl is not installed")
class OtherHost(Case):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["ip", "address", "add", OUTSIDE + "/32", "dev", "lo"], check=True)

    @classmethod
    def tearDownClass(cls):
        subprocess.run(["ip", "address", "del", OUTSIDE + "/32", "dev", "lo"], check=True)

    def certificate(self, name, issuer=None, extension="subjectAltName=IP:" + OUTSIDE):
        """name.key and name.crt, self-signed or by issuer."""
        base = self.dir + "/" + name
        sign = ["-CA", self.dir + "/%s.crt" % issuer, "-CAkey", self.dir + "/%s.key" % issuer] if issuer else []
        subprocess.run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout", base + ".key", "-out", base + ".csr"], check=True, capture_output=True)
        with open(base + ".ext", "w") as f:
            f.write(extension + "\n")
        signer = sign + ["-CAcreateserial"] if issuer else ["-signkey", base + ".key"]
        subprocess.run(["openssl", "x509", "-req", "-days", "2", "-in", base + ".csr", "-out", base + ".crt", "-extfile", base + ".ext"] + signer, check=True, capture_output=True)
        return base + ".crt", base + ".key"

    def start(self, tls=""):
        registry = DockerRegistry(self.dir + "/registry", address=OUTSIDE, tls=tls)
        self.addCleanup(registry.stop)
        return registry

    def trust(self, host, **files):
        """/etc/docker/certs.d/HOST: ca_crt=path …"""
        os.makedirs("/etc/docker/certs.d/" + host, exist_ok=True)
        for name, path in files.items():
            shutil.copy(path, "/etc/docker/certs.d/%s/%s" % (host, name.replace("_", ".")))

    def test_https_with_a_ca_of_its_own(self):
        self.own_etc()
        ca, _ = self.certificate("ca", extension="basicConstraints=critical,CA:TRUE")
        crt, key = self.certificate("server", "ca")
        registry = self.start("certificate: %s, key: %s" % (crt, key))
        context = ssl.create_default_context(cafile=ca)
        name = registry.push("app:1", Image([{"a": b"1"}]), context=context)
        unknown = self.pull(name, code=1).err
        self.assertIn("no safe connection to the registry " + registry.host, unknown)
        self.assertIn("/etc/docker/certs.d/%s/ca.crt" % registry.host, unknown)
        self.assertEqual(self.names(), [])
        self.trust(registry.host, ca_crt=ca)
        self.pull(name)
        self.assertEqual(self.content(name, "a"), b"1")

    def test_a_certificate_for_another_host_is_refused(self):
        self.own_etc()
        ca, _ = self.certificate("ca", extension="basicConstraints=critical,CA:TRUE")
        crt, key = self.certificate("server", "ca", "subjectAltName=IP:10.99.9.9")
        registry = self.start("certificate: %s, key: %s" % (crt, key))
        self.trust(registry.host, ca_crt=ca)
        self.assertIn("no safe connection", self.pull(registry.host + "/app:1", code=1).err)

    def test_client_certificates(self):
        self.own_etc()
        ca, _ = self.certificate("ca", extension="basicConstraints=critical,CA:TRUE")
        crt, key = self.certificate("server", "ca")
        mine, my_key = self.certificate("me", "ca", "extendedKeyUsage=clientAuth")
        registry = self.start("certificate: %s, key: %s, clientcas: [%s]" % (crt, key, ca))
        context = ssl.create_default_context(cafile=ca)
        context.load_cert_chain(mine, my_key)
        name = registry.push("app:1", Image([{"a": b"1"}]), context=context)
        self.trust(registry.host, ca_crt=ca)
        self.pull(name, code=1)
        self.trust(registry.host, client_cert=mine, client_key=my_key)
        self.pull(name)

    def test_plain_http_needs_permission(self):
        self.own_etc()
        registry = self.start()
        name = registry.push("app:1", Image([{"a": b"1"}]))
        self.assertIn("insecure-registries", self.pull(name, code=1).err)
        self.daemon_json(insecure_registries=[registry.host])
        self.pull(name)

    def test_unverified_tls_needs_permission(self):
        self.own_etc()
        crt, key = self.certificate("server")
        registry = self.start("certificate: %s, key: %s" % (crt, key))
        name = registry.push("app:1", Image([{"a": b"1"}]), context=ssl.create_default_context(cafile=crt))
        self.pull(name, code=1)
        self.daemon_json(insecure_registries=[OUTSIDE])
        self.pull(name)


if __name__ == "__main__":
    main()
