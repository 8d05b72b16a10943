#!/usr/bin/env python3
"""-f, include and extends from git repositories and registries."""
import json
import os
import shutil
import subprocess
import threading
import unittest
import urllib.request

from case import Case, main
from images import INDEX, MANIFEST, digest
from servers import DockerRegistry, Faulty, Receiving, free_port, listening

PROJECT = "application/vnd.docker.compose.project"
COMPOSE = "application/vnd.docker.compose.file+yaml"
ENV = "application/vnd.docker.compose.envfile"


class GitServer:
    """git's own daemon over a directory of repositories."""

    def __init__(self, test):
        self.base, self.port = test.dir + "/git", free_port()
        self.env = dict(test.env, GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b")
        os.makedirs(self.base)
        self.daemon = subprocess.Popen(["git", "daemon", "--base-path=" + self.base, "--export-all", "--listen=127.0.0.1", "--port=%d" % self.port],
                                       stderr=subprocess.DEVNULL, env=self.env, start_new_session=True)
        test.addCleanup(self.stop)
        listening(self.port)

    def stop(self):
        os.killpg(self.daemon.pid, 9)
        self.daemon.wait()

    def git(self, *args):
        return subprocess.run(["git", "-C", self.base + "/r.git", *args], check=True, capture_output=True, text=True, env=self.env).stdout.strip()

    def commit(self, files, *more):
        """Returns the commit's number."""
        if not os.path.exists(self.base + "/r.git"):
            os.makedirs(self.base + "/r.git")
            self.git("init", "-q", "-b", "main")
        for path, text in files.items():
            path = self.base + "/r.git/" + path
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.write(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x", *more)
        return self.git("rev-parse", "HEAD")

    def url(self, fragment=""):
        return "git://127.0.0.1:%d/r.git%s" % (self.port, fragment)


def service(image):
    return "services: {a: {image: %s}}\n" % image


@unittest.skipUnless(shutil.which("git"), "git is not installed")
class Git(Case):
    def setUp(self):
        super().setUp()
        self.server = GitServer(self)

    def config(self, *args, **keywords):
        result = self.run_davit(*args, "config", "--format", "json", **keywords)
        return json.loads(result.out) if result.returncode == 0 else result.err

    def image(self, *args):
        return self.config(*args)["services"]["a"]["image"]

    def test_what_comes_after_the_hash_chooses(self):
        first = self.server.commit({"compose.yaml": service("one")})
        self.server.git("tag", "v1")
        self.server.git("tag", "-a", "-m", "m", "v1-annotated")
        self.server.git("branch", "old")
        self.server.commit({"compose.yaml": service("two"), "sub/dir/compose.yml": service("three"), "sub/x.yaml": service("four")})
        for fragment, image in {"": "two", "#main": "two", "#old": "one", "#v1": "one", "#v1-annotated": "one", "#" + first: "one", "#refs/heads/old": "one",
                                "#main:sub/dir": "three", "#:sub/x.yaml": "four"}.items():
            with self.subTest(fragment):
                self.assertEqual(self.image("-f", self.server.url(fragment)), image)

    def test_a_moved_branch_is_seen_and_a_commit_is_fetched_once(self):
        self.server.commit({"compose.yaml": service("one")})
        self.assertEqual(self.image("-f", self.server.url()), "one")
        new = self.server.commit({"compose.yaml": service("two")})
        self.assertEqual(self.image("-f", self.server.url()), "two")
        cache = self.dir + "/.cache/davit/git"
        self.assertEqual(len(os.listdir(cache)), 2)
        with open("%s/%s/compose.yaml" % (cache, new), "w") as f:
            f.write(service("from-the-cache"))
        self.assertEqual(self.image("-f", self.server.url()), "from-the-cache")

    def test_paths_and_env_are_the_repositorys(self):
        commit = self.server.commit({"compose.yaml": "services: {a: {image: 'x:$TAG', volumes: ['./data:/data'], env_file: a.env}}\n", ".env": "TAG=7\n", "a.env": "K=V\n"})
        model = self.config("-f", self.server.url())
        at = "%s/.cache/davit/git/%s" % (self.dir, commit)
        self.assertEqual(model["services"]["a"]["image"], "x:7")
        self.assertEqual(model["services"]["a"]["environment"], {"K": "V"})
        self.assertEqual(model["services"]["a"]["volumes"][0]["source"], at + "/data")

    def test_include_and_extends(self):
        self.server.commit({"compose.yaml": service("included"), "base.yaml": "services: {b: {image: extended, command: [x]}}\n"})
        path = self.dir + "/p/compose.yaml"
        os.makedirs(self.dir + "/p")
        with open(path, "w") as f:
            f.write("include: ['%s']\nservices: {c: {extends: {file: '%s', service: b}}}\n" % (self.server.url(), self.server.url("#main:base.yaml")))
        services = self.config("-f", path)["services"]
        self.assertEqual(services["a"]["image"], "included")
        self.assertEqual(services["c"]["image"], "extended")

    def test_mistakes_are_told(self):
        self.server.commit({"x/y.txt": "no compose file"})
        path = self.dir + "/compose.yaml"
        for reference, text in {self.server.url("#nope"): "it has no branch or tag 'nope'",
                                self.server.url("#main:nope"): "has no 'nope'",
                                self.server.url("#main:x"): "has no compose file",
                                self.server.url("#" + "0" * 40): "has no commit",
                                self.server.url().replace("r.git", "nope.git"): "nope.git",
                                "git://127.0.0.1:1/x": "cannot be reached"}.items():
            with self.subTest(reference):
                self.assertIn(text, self.config("-f", reference, code=1))
                with open(path, "w") as f:
                    f.write("include:\n  - '%s'\n" % reference)
                err = self.config("-f", path, code=1)
                self.assertIn(text, err)
                self.assertIn("compose.yaml:2:5", err)
        self.assertEqual(os.listdir(self.dir + "/.cache/davit/git"), [self.server.git("rev-parse", "HEAD")])

    def test_links_do_not_lead_out_of_the_repository(self):
        self.server.commit({"compose.yaml": service("x")})
        os.symlink("/etc", self.server.base + "/r.git/out")
        self.server.commit({})
        self.assertIn("leads out of it", self.config("-f", self.server.url("#main:out/passwd"), code=1))

    def test_it_can_be_switched_off(self):
        self.assertIn("switched off", self.config("-f", self.server.url(), code=1, env={"COMPOSE_EXPERIMENTAL_GIT_REMOTE": "false"}))


class Registry(Case):
    def publish(self, server, layers, artifact=PROJECT):
        """layers: (media type, annotations, bytes)"""
        descriptors = []
        for media, annotations, data in layers:
            server.blobs[digest(data)] = data
            descriptors.append({"mediaType": media, "digest": digest(data), "size": len(data), "annotations": annotations})
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": artifact, "layers": descriptors,
                               "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2}}).encode()
        server.blobs[digest(manifest)] = manifest
        server.tags["p:1"] = digest(manifest)
        return "oci://%s/p:1" % server.host

    def test_a_published_project_is_loaded(self):
        server = Faulty()
        name = self.publish(server, [
            (COMPOSE, {"com.docker.compose.file": "compose.yaml"}, b"services: {a: {image: 'one:$TAG', env_file: [a.env]}}\n"),
            (COMPOSE, {"com.docker.compose.file": "o.yaml"}, b"services: {a: {command: [x], extends: {file: base.yaml, service: b}}}\n"),
            (COMPOSE, {"com.docker.compose.extends": "true", "com.docker.compose.file": "base.yaml"}, b"services: {b: {hostname: h}}\n"),
            (ENV, {"com.docker.compose.envfile": "a.env"}, b"K=V\n"), (ENV, {"com.docker.compose.envfile": ".env"}, b"TAG=3\n")])
        model = json.loads(self.run_davit("-f", name, "-p", "p", "config", "--format", "json").out)["services"]["a"]
        self.assertEqual((model["image"], model["command"], model["hostname"], model["environment"]), ("one:3", ["x"], "h", {"K": "V"}))
        asked = len(server.asked("/blobs/"))
        self.run_davit("-f", name, "config", "-q")
        self.assertEqual(len(server.asked("/blobs/")), asked, "the second time it comes from the cache")

    def test_what_is_no_project_is_refused_and_nothing_stays(self):
        server = Faulty()
        name = self.publish(server, [], artifact="application/vnd.example")
        self.assertIn("is no compose project but application/vnd.example", self.run_davit("-f", name, "config", code=1).err)
        name = self.publish(server, [(ENV, {"com.docker.compose.envfile": "../x"}, b"K=V\n")])
        self.assertIn("leads out of the project", self.run_davit("-f", name, "config", code=1).err)
        name = self.publish(server, [(COMPOSE, {}, b"services: {}\n")])
        server.blobs[digest(b"services: {}\n")] = b"services: []\n"
        self.assertIn("corrupt", self.run_davit("-f", name, "config", code=1).err.replace("something else", "corrupt"))
        self.assertFalse(os.path.exists(self.dir + "/.cache/davit/oci") and os.listdir(self.dir + "/.cache/davit/oci"))

    def test_a_registry_that_never_answers_is_left(self):
        server = Faulty()
        name = self.publish(server, [(COMPOSE, {}, b"services: {}\n")])
        release = threading.Event()
        self.addCleanup(release.set)
        server.fault = lambda request, path: release.wait(60)
        self.assertIn("broke: ", self.run_davit("-f", name, "config", code=1, env={"DAVIT_REGISTRY_TIMEOUT": "1"}).err)


class Publish(Case):
    COMPOSE = """services:
  web:
    image: busybox:${TAG:-latest} # a comment
    environment: {MODE: fast}
    env_file: [web.env, {path: absent.env, required: false}]
    extends:
      file: base/common.yaml
      service: common
    volumes: ['./data:/data']
  db:
    profiles: [extra]
    image: busybox
"""
    FILES = {"compose.yaml": COMPOSE, "web.env": "COLOUR=blue\n",
             "base/common.yaml": "services:\n  common:\n    hostname: h\n    env_file: common.env\n    extends: {file: deeper.yaml, service: x}\n",
             "base/common.env": "COMMON=1\n", "base/whole.yaml": "services: {w: {image: x}}\n", "base/deeper.yaml": "services:\n  x: {domainname: d}\n"}

    def setUp(self):
        super().setUp()
        self.project = self.dir + "/shop"
        for path, text in self.FILES.items():
            os.makedirs(os.path.dirname(self.project + "/" + path), exist_ok=True)
            with open(self.project + "/" + path, "w") as f:
                f.write(text)

    def publish(self, name, *more, files=("compose.yaml",), **keywords):
        named = [word for file in files for word in ("-f", self.project + "/" + file)]
        return self.run_davit(*named, "publish", *more, name, **keywords)

    def model(self, name, **keywords):
        return json.loads(self.run_davit("-f", "oci://" + name, "-p", "p", "--profile", "extra", "config", "--format", "json", **keywords).out)["services"]

    def test_what_is_published_is_loaded_elsewhere(self):
        server = Receiving()
        name = server.host + "/team/shop:1"
        said = self.publish(name, "--with-env", "-y")
        self.assertRegex(said.out, "^%s@sha256:[0-9a-f]{64}\n$" % name)
        shutil.rmtree(self.project)
        services = self.model(name, env={"TAG": "7"})
        web = services["web"]
        self.assertEqual((web["image"], web["hostname"], web["domainname"]), ("busybox:7", "h", "d"))
        self.assertEqual(web["environment"], {"COLOUR": "blue", "COMMON": "1", "MODE": "fast"})
        self.assertIn("db", services, "services of all profiles are in it")
        manifest = json.loads(server.blobs[server.tags["team/shop:1"]])
        self.assertEqual(manifest["artifactType"], PROJECT)
        self.assertEqual([l["mediaType"] for l in manifest["layers"]], [COMPOSE] * 3 + [ENV] * 2)
        text = server.blobs[manifest["layers"][0]["digest"]].decode()
        self.assertIn("busybox:${TAG:-latest} # a comment", text, "it stands as it was written")
        self.assertNotIn("web.env", text)

    def test_somebody_has_to_agree(self):
        server = Receiving()
        name = server.host + "/shop:1"
        refused = self.publish(name, code=1)
        self.assertIn("without their env_file: common, web", refused.err)
        self.assertIn("--with-env", refused.err)
        with open(self.project + "/web.env", "a") as f:
            f.write("DB_PASSWORD=hunter2\n")
        for answers in (b"n\n", b"y\nn\n", b"y\n\n", b""):
            said = self.publish(name, "--with-env", stdin=answers, code=130)
            self.assertIn("nothing was published", said.err)
        self.assertEqual(server.tags, {})
        said = self.publish(name, "--with-env", stdin=b"y\ny\n").err
        self.assertIn("web: %s/data -> /data\nPublish their names? [y/N]" % self.project, said)
        self.assertRegex(said, ":2: Password: DB_PASSWORD\nPublish all the same\\?")
        self.assertNotIn("hunter2", said)
        self.assertIn("shop:1", server.tags)

    def test_values_and_contents_that_are_written_out_are_asked_about(self):
        server = Receiving()
        name = server.host + "/shop:1"
        with open(self.project + "/compose.yaml", "w") as f:
            f.write("services:\n  a:\n    image: x\n    env_file: [{path: none.env, required: false}]\n    environment: {MODE: fast, API_TOKEN: '$$abc', DB_PASSWORD: '${P}', N: null}\n"
                    "    extends: {file: base/e.yaml, service: e}\n"
                    "configs: {c: {content: 'plain text'}, d: {content: '${VALUE}'}}\n")
        with open(self.project + "/base/e.yaml", "w") as f:
            f.write("services: {e: {environment: ['SESSION_SECRET=s3cr3t', PASSWORD]}}\n")
        said = self.publish(name, stdin=b"y\ny\n").err
        self.assertIn("  a: an env_file, which is not published\n  a: values of API_TOKEN\n  e: values of SESSION_SECRET\n", said)
        self.assertIn("contents of these configs are written out in what is published: c\n", said)
        self.assertNotIn("look like secrets", said, "each is asked about once")
        manifest = json.loads(server.blobs[server.tags["shop:1"]])
        self.assertNotIn(ENV, [l["mediaType"] for l in manifest["layers"]])
        self.assertEqual(self.model(name)["a"]["environment"]["MODE"], "fast")
        said = self.publish(name, "--with-env", stdin=b"y\n").err
        self.assertNotIn("values of", said)
        self.assertIn("configs are written out", said)
        self.publish(name, code=130)

    def test_what_cannot_be_published_is_refused(self):
        server = Receiving()
        for text, wanted in (("services: {a: {build: .}}\n", "only built, and so of no use to others: a"),
                             ("include: [base/whole.yaml]\nservices: {a: {image: x}}\n", "cannot publish compose file with local includes")):
            with open(self.project + "/compose.yaml", "w") as f:
                f.write(text)
            self.assertIn(wanted, self.publish(server.host + "/x", code=1).err)
        with open(self.project + "/compose.yaml", "w") as f:
            f.write("services: {a: {image: x}}\n")
        self.assertIn("unsupported OCI version", self.publish(server.host + "/x", "--oci-version", "2", code=1).err)
        self.publish(server.host + "/UPPER", code=1)
        self.assertIn("Would publish: compose.yaml", self.publish(server.host + "/x", "--dry-run").out)
        said = self.run_davit("docker", "compose", "-f", self.project + "/compose.yaml", "--dry-run", "publish", server.host + "/x")
        self.assertEqual((said.out, said.err), ("", " %s/x publishing\n %s/x published\n" % (server.host, server.host)))
        self.assertEqual(server.tags, {})

    def test_registries_that_know_no_artifacts_get_the_older_form(self):
        server = Receiving()
        with open(self.project + "/compose.yaml", "w") as f:
            f.write("services: {a: {image: busybox}}\n")

        def no_artifacts(request, path):
            if request.command != "PUT" or "/manifests/" not in path:
                return False
            data = request.rfile.read(int(request.headers["Content-Length"]))
            if b"artifactType" in data:
                server.error(request, 400, "MANIFEST_INVALID")
                return True
            server.blobs[digest(data)] = data
            server.tags["x:latest"] = digest(data)
            server.answer(request, 201, headers={"Docker-Content-Digest": digest(data)})
            return True
        server.fault = no_artifacts
        self.publish(server.host + "/x")
        manifest = json.loads(server.blobs[server.tags["x:latest"]])
        self.assertEqual(manifest["config"]["mediaType"], "application/vnd.docker.compose.config.empty.v1+json")
        server.fault = None
        self.assertEqual(self.model(server.host + "/x:latest")["a"]["image"], "busybox")
        server.fault = no_artifacts
        self.publish(server.host + "/x", "--oci-version", "1.1", code=1)

    @unittest.skipUnless(shutil.which("docker-registry"), "docker-registry is not installed")
    def test_images_are_pinned_and_a_real_registry_takes_it(self):
        from images import Image
        registry = DockerRegistry(self.dir + "/registry")
        self.addCleanup(registry.stop)
        image = Image([{"x": b"x"}])
        pushed = registry.push("app:1", image)
        with open(self.project + "/compose.yaml", "w") as f:
            f.write("services: {a: {image: %s}}\n" % pushed)
        name = registry.host + "/shop:1"
        self.publish(name, "--resolve-image-digests")
        self.assertEqual(self.model(name)["a"]["image"], pushed + "@" + image.manifest)

    @unittest.skipUnless(shutil.which("docker-registry"), "docker-registry is not installed")
    def test_an_application_takes_its_images_along(self):
        from images import Image, index
        elsewhere, registry = DockerRegistry(self.dir + "/elsewhere"), DockerRegistry(self.dir + "/registry")
        self.addCleanup(elsewhere.stop)
        self.addCleanup(registry.stop)
        one, two, arm = Image([{"x": b"one"}]), Image([{"x": b"two"}]), Image([{"x": b"arm"}], arch="arm64")
        first = elsewhere.push("team/one:1", one)
        second = registry.push("base/two:1", two)
        registry.push("base/two:arm", arm)
        several = index([two, arm])
        self.put(registry, "base/two", "several", several, INDEX)
        with open(self.project + "/compose.yaml", "w") as f:
            f.write("services: {a: {image: %s}, b: {image: '%s/base/two:several'}, c: {image: %s}}\n" % (first, registry.host, first))
        name = registry.host + "/shop:1"
        said = self.publish(name, "--app")
        self.assertIn(" %s@%s copied" % (first, one.manifest), said.err)
        project = said.out.strip().split("@")[1]
        tag = registry.host + "/shop:" + project.replace(":", "-")
        listed = [m["digest"] for m in json.loads(self.run_davit("manifest", "inspect", tag).out)["manifests"]]
        self.assertEqual(len(listed), 1, "the registry keeps no referrers: a tag does")
        images = self.get(registry, "shop", listed[0])
        self.assertEqual([m["digest"] for m in images["manifests"]], [one.manifest, digest(several)])
        self.assertEqual(images["manifests"][0]["annotations"], {"containerd.io/distribution.source." + elsewhere.host: "team/one"})
        self.assertEqual({k: images["subject"][k] for k in ("digest", "artifactType", "mediaType")}, {"digest": project, "artifactType": PROJECT, "mediaType": MANIFEST})
        for image in (one, two, arm):
            self.assertEqual(self.get(registry, "shop", image.manifest)["config"]["digest"], image.id)
        self.assertEqual(self.model(name)["a"]["image"], first + "@" + one.manifest)
        self.assertIn("Would copy: " + first, self.publish(name, "--app", "--dry-run").out)

    def test_the_project_is_found_in_an_index(self):
        server = Receiving()
        with open(self.project + "/compose.yaml", "w") as f:
            f.write("services: {a: {image: busybox}}\n")
        published = self.publish(server.host + "/x").out.strip().split("@")[1]
        manifests = [{"mediaType": MANIFEST, "digest": digest(b"another"), "size": 7}, {"mediaType": MANIFEST, "digest": published, "size": 1, "artifactType": PROJECT}]
        for tag, list_ in (("app", manifests), ("none", manifests[:1])):
            data = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": list_}).encode()
            server.blobs[digest(data)] = data
            server.tags["x:" + tag] = digest(data)
        self.assertEqual(self.model(server.host + "/x:app")["a"]["image"], "busybox")
        self.assertIn("none of what it lists is one", self.run_davit("-f", "oci://" + server.host + "/x:none", "config", code=1).err)

    def test_images_that_are_nowhere_are_named(self):
        server = Receiving()
        with open(self.project + "/compose.yaml", "w") as f:
            f.write("services: {a: {image: '%s/nothing:1'}}\n" % server.host)
        self.assertIn("nothing:1", self.publish(server.host + "/x", "--app", code=1).err)
        self.assertEqual(server.tags, {})

    def test_images_of_hostile_registries_are_not_passed_on(self):
        from images import Image
        source, server = Faulty(), Receiving()
        image = Image([{"x": b"x"}])
        with open(self.project + "/compose.yaml", "w") as f:
            f.write("services: {a: {image: %s}}\n" % source.put("app:1", image))
        layer, good = image.layers[0], image.blobs[image.layers[0]]
        for bad in (bytes(len(good)), good[:-1] + b"!"):
            source.blobs[layer] = bad
            self.publish(server.host + "/x", "--app", code=1)
            self.assertNotIn(layer, server.blobs)
            self.assertNotIn(image.manifest, server.blobs)
        source.blobs[layer] = bytes(len(good))
        self.assertIn("the registry %s sends something else than %s" % (source.host, layer), self.publish(server.host + "/x", "--app", code=1).err)
        # Indexes in indexes without end, and documents that are none.
        deep = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
        for n in range(30):
            source.blobs[digest(deep)] = deep
            deep = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"mediaType": INDEX, "digest": digest(deep), "size": len(deep), "n": n}]}).encode()
        broken = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [{"digest": "../../x", "size": 1}]}).encode()
        for document, text in ((deep, "more than 8 deep"), (broken, "is no digest")):
            source.blobs[digest(document)] = document
            source.tags["app:1"] = digest(document)
            self.assertIn(text, self.publish(server.host + "/x", "--app", code=1).err)

    def test_a_registry_that_speaks_plain_http_is_named(self):
        server = Receiving()
        with open(self.project + "/compose.yaml", "w") as f:
            f.write("services: {a: {image: busybox}}\n")
        name = "0.0.0.0:%s/x:1" % server.host.split(":")[1]
        self.publish(name, code=1)
        self.publish(name, "--insecure-registry")
        self.run_davit("-f", "oci://" + name, "config", code=1)
        self.run_davit("--insecure-registry", name.split("/")[0], "-f", "oci://" + name, "config")

    def get(self, registry, repository, key):
        request = urllib.request.Request("http://%s/v2/%s/manifests/%s" % (registry.host, repository, key), headers={"Accept": MANIFEST + ", " + INDEX})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def put(self, registry, repository, tag, data, media):
        request = urllib.request.Request("http://%s/v2/%s/manifests/%s" % (registry.host, repository, tag), data=data, method="PUT", headers={"Content-Type": media})
        urllib.request.urlopen(request).close()


if __name__ == "__main__":
    main()
