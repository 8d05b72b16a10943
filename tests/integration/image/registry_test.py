#!/usr/bin/env python3
"""Pulls from Debian's docker-registry, with every way to log in."""
import base64
import crypt
import json
import os
import shutil
import unittest

from case import Case, main
from images import Image, noise
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
        self.assertEqual(self.pull(name).out.strip(), name)
        found = self.inspect(name)
        self.assertEqual(found["Id"], image.id)
        self.assertEqual(found["RepoDigests"], [registry.host + "/team/app@" + image.manifest])
        self.assertEqual(self.content(name, "a"), b"high")
        self.assertEqual(self.content(name, "b"), b"1")
        self.pull(registry.host + "/team/app@" + image.manifest)
        missing = self.pull(registry.host + "/team/app:2", code=1)
        self.assertIn("is not in its registry: manifest unknown", missing.err)

    def test_basic_authentication(self):
        with open(self.dir + "/htpasswd", "w") as f:
            f.write("anna:%s\n" % crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))
        registry = self.start("auth: {htpasswd: {realm: test, path: %s/htpasswd}}\n" % self.dir)
        name = registry.push("app:1", Image([{"a": b"1"}]), "Basic " + base64.b64encode(b"anna:secret").decode())
        self.assertIn("needs a login", self.pull(name, code=1).err)
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
        self.assertIn("needs a login", self.pull(name, code=1).err)
        wrong = self.pull(name, code=1, env=self.login(registry.host, "anna", "wrong"))
        self.assertIn("refuses the credentials of user 'anna'", wrong.err)
        tokens.asked.clear()
        self.pull(name, env=self.login(registry.host, "anna", "secret"))
        self.assertEqual(len(tokens.asked), 1, "one token serves all layers")
        self.assertIn("scope=repository%3Ateam%2Fapp%3Apull", tokens.asked[0])


if __name__ == "__main__":
    main()
