#!/usr/bin/env python3
"""Images of several platforms: built, kept under one name, pushed, pulled, saved and loaded."""
import json
import os
import platform
import shutil
import subprocess
import tarfile
import unittest

from case import Case, main
from images import INDEX, Image, digest, index
from servers import DockerRegistry, Receiving

HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
ELSEWHERE = "arm64" if HERE == "amd64" else "amd64"
BOTH = "linux/%s,linux/%s" % (HERE, ELSEWHERE)


class Platforms(Case):
    def setUp(self):
        super().setUp()
        self.context = self.dir + "/context"
        os.makedirs(self.context)

    def write(self, name, text):
        with open(self.context + "/" + name, "w") as f:
            f.write(text)

    def build(self, *more, dockerfile=None, **keywords):
        self.write("Dockerfile", dockerfile or "FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH\nCOPY a-$TARGETARCH /a\nCMD [\"/a\"]\n")
        for arch in (HERE, ELSEWHERE):
            self.write("a-" + arch, arch)
        return self.run_davit("image", "build", "--progress", "plain", *more, self.context, **keywords)

    def is_foreign(self, name):
        return self.inspect(name)["Architecture"] == ELSEWHERE

    def variants(self, name):
        """The architectures that an archive of the image holds, from its index."""
        self.run_davit("image", "save", "-o", self.dir + "/v.tar", name)
        return sorted(self.archived(self.dir + "/v.tar"))

    def archived(self, path):
        with tarfile.open(path) as t:
            top = json.load(t.extractfile("index.json"))["manifests"]
            out = []
            for entry in top:
                document = json.load(t.extractfile("blobs/sha256/" + entry["digest"][7:]))
                for one in document.get("manifests", [entry]):
                    out.append(one["platform"]["architecture"])
                    manifest = json.load(t.extractfile("blobs/sha256/" + one["digest"][7:]))
                    for blob in [manifest["config"]] + manifest["layers"]:
                        data = t.extractfile("blobs/sha256/" + blob["digest"][7:]).read()
                        self.assertEqual((digest(data), len(data)), (blob["digest"], blob["size"]))
            return out

    def test_a_build_for_two_is_one_image_of_the_list(self):
        self.build("--platform", BOTH, "-t", "app:1", "--iidfile", self.dir + "/id", "--metadata-file", self.dir + "/metadata")
        self.assertEqual(self.names(), ["app:1"])
        self.assertFalse(self.is_foreign("app:1"), "this machine's is the image")
        self.assertEqual(self.content("app:1", "a"), HERE.encode())
        with open(self.dir + "/id") as f:
            self.assertEqual(f.read(), self.inspect("app:1")["Id"])
        self.assertEqual(self.variants("app:1"), sorted([HERE, ELSEWHERE]))
        with open(self.dir + "/metadata") as f:
            metadata = json.load(f)
        index = self.store + "/blobs/sha256/" + metadata["containerimage.digest"][7:]
        self.assertEqual(metadata["containerimage.descriptor"],
                         {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": metadata["containerimage.digest"], "size": os.path.getsize(index)})
        again = self.build("--platform", BOTH, "-t", "app:1")
        self.assertEqual(again.err.count("CACHED"), 2, again.err)
        self.run_davit("image", "rm", "app:1")
        self.assertEqual(self.kept("blobs/sha256", "images", "indexes", "index-refs", "refs"), [], "all of it goes with the name")

    def test_names_share_it_and_each_is_whole(self):
        self.build("--platform", BOTH, "-t", "app:1", "-t", "app:2")
        self.run_davit("image", "tag", "app:1", "other:3")
        self.run_davit("image", "rm", "app:1", "app:2")
        self.assertEqual(self.names(), ["other:3"])
        self.assertEqual(self.variants("other:3"), sorted([HERE, ELSEWHERE]))
        self.run_davit("image", "prune", "-f")
        self.assertEqual(self.variants("other:3"), sorted([HERE, ELSEWHERE]), "prune keeps what the name needs")
        self.build("-t", "other:3")
        self.assertEqual(self.variants("other:3"), [HERE], "a build for one makes the name one image's")
        self.run_davit("image", "prune", "-f")
        self.assertEqual(len(self.kept("images")), 1)
        self.assertEqual(self.kept("indexes", "index-refs"), [])

    def test_saved_and_loaded(self):
        self.build("--platform", BOTH, "-t", "app:1")
        before = self.inspect("app:1")["Id"]
        self.run_davit("image", "save", "-o", self.dir + "/all.tar", "app:1")
        self.run_davit("image", "save", "--platform", "linux/" + ELSEWHERE, "-o", self.dir + "/one.tar", "app:1")
        self.assertEqual(self.archived(self.dir + "/one.tar"), [ELSEWHERE])
        self.assertIn("does not provide", self.run_davit("image", "save", "--platform", "linux/s390x", "-o", self.dir + "/x.tar", "app:1", code=1).err)
        self.run_davit("image", "save", "-o", self.dir + "/layout/", "app:1")
        self.run_davit("image", "rm", "app:1")
        for source in ("all.tar", "layout"):
            self.assertIn("Loaded image: app:1", self.run_davit("image", "load", "-i", self.dir + "/" + source).out)
            self.assertEqual(self.inspect("app:1")["Id"], before)
            self.assertEqual(self.variants("app:1"), sorted([HERE, ELSEWHERE]), source)
            self.run_davit("image", "rm", "app:1")
        self.run_davit("image", "load", "--platform", "linux/" + ELSEWHERE, "-i", self.dir + "/all.tar")
        self.assertTrue(self.is_foreign("app:1"))
        self.assertEqual(self.variants("app:1"), [ELSEWHERE])

    @unittest.skipUnless(shutil.which("skopeo"), "skopeo is not installed")
    def test_others_read_the_archive(self):
        self.build("--platform", BOTH, "-o", "type=oci,dest=%s/o.tar" % self.dir, "-t", "app:1")
        for arch in (HERE, ELSEWHERE):
            out = subprocess.run(["skopeo", "--override-arch", arch, "inspect", "--config", "oci-archive:%s/o.tar" % self.dir], check=True, capture_output=True)
            self.assertEqual(json.loads(out.stdout)["architecture"], arch)

    def test_files_and_tars_have_a_directory_for_each(self):
        self.build("--platform", BOTH, "-o", self.dir + "/out")
        self.assertEqual(sorted(os.listdir(self.dir + "/out")), sorted("linux_" + a for a in (HERE, ELSEWHERE)))
        with open("%s/out/linux_%s/a" % (self.dir, ELSEWHERE)) as f:
            self.assertEqual(f.read(), ELSEWHERE)
        self.build("--platform", BOTH, "-o", "type=tar,dest=%s/out.tar" % self.dir)
        with tarfile.open(self.dir + "/out.tar") as t:
            self.assertEqual(t.extractfile("linux_%s/a" % HERE).read(), HERE.encode())
        self.assertIn("manifest lists", self.build("--platform", BOTH, "-o", "type=docker,dest=%s/d.tar" % self.dir, code=1).err)

    @unittest.skipUnless(shutil.which("docker-registry"), "docker-registry is not installed")
    def test_provenance_and_annotations_go_with_the_image(self):
        registry = DockerRegistry(self.dir + "/registry")
        self.addCleanup(registry.stop)
        name = registry.host + "/team/app:1"
        words = ("--provenance=mode=max", "--build-arg", "X=y", "--annotation", "k=v", "--annotation", "index:i=j", "-t", name)
        built = self.build(*words, dockerfile="FROM scratch\nARG X\nCOPY a-%s /a\n" % HERE)
        self.assertNotIn("no effect", built.err)
        self.run_davit("image", "prune", "-f")
        self.run_davit("image", "push", name)

        def fetched(kind, what, accept="*/*"):
            out = subprocess.run(["curl", "-sf", "-H", "Accept: " + accept, "http://%s/v2/team/app/%s/%s" % (registry.host, kind, what)], check=True, capture_output=True)
            return json.loads(out.stdout)
        whole = fetched("manifests", "1", INDEX)
        self.assertEqual(whole["annotations"], {"i": "j"})
        image, attestation = whole["manifests"]
        self.assertEqual(attestation["annotations"], {"vnd.docker.reference.digest": image["digest"], "vnd.docker.reference.type": "attestation-manifest"})
        self.assertEqual(fetched("manifests", image["digest"], image["mediaType"])["annotations"], {"k": "v"})
        manifest = fetched("manifests", attestation["digest"], attestation["mediaType"])
        self.assertEqual(manifest["subject"]["digest"], image["digest"])
        statement = fetched("blobs", manifest["layers"][0]["digest"])
        self.assertEqual(statement["subject"][0]["digest"], {"sha256": image["digest"][7:]})
        self.assertEqual(statement["predicate"]["buildDefinition"]["externalParameters"]["request"]["args"], {"build-arg:X": "y"})
        self.run_davit("image", "save", "-o", self.dir + "/a.tar", name)
        self.assertEqual(sorted(self.archived(self.dir + "/a.tar")), sorted([HERE, "unknown"]))
        self.run_davit("image", "rm", "-f", self.inspect(name)["Id"])
        self.run_davit("image", "prune", "-f")
        self.assertEqual(self.kept("images", "indexes", "index-refs", "refs"), [])
        self.run_davit("image", "load", "-i", self.dir + "/a.tar")
        self.assertEqual(self.content(name, "a"), HERE.encode())

    def statements(self, path):
        """The provenance in an OCI archive: of each architecture, by the manifest that it is of."""
        with tarfile.open(path) as t:
            def read(digest):
                return json.load(t.extractfile("blobs/sha256/" + digest[7:]))
            out, platforms = {}, {}
            for top in json.load(t.extractfile("index.json"))["manifests"]:
                for one in read(top["digest"])["manifests"]:
                    subject = one.get("annotations", {}).get("vnd.docker.reference.digest")
                    if subject:
                        out[platforms[subject]] = read(read(one["digest"])["layers"][0]["digest"])
                    else:
                        platforms[one["digest"]] = one["platform"]["architecture"]
            return out

    def test_provenance_lists_the_bases_of_each_platform_alone(self):
        self.build("--platform", BOTH, "-t", "base:1")
        self.build("--platform", BOTH, "--provenance=true", "-o", "type=oci,dest=%s/o.tar" % self.dir, dockerfile="FROM base:1\nARG TARGETARCH\nCOPY a-$TARGETARCH /b\n")
        told = self.statements(self.dir + "/o.tar")
        self.assertEqual(sorted(told), sorted([HERE, ELSEWHERE]))
        for arch, statement in told.items():
            names = [m["uri"] for m in statement["predicate"]["buildDefinition"]["resolvedDependencies"]]
            self.assertEqual(names, ["pkg:docker/base@1?platform=linux%2F" + arch])
        self.build("--platform", BOTH, "--provenance=true", "-o", "type=oci,dest=%s/o.tar" % self.dir, dockerfile="FROM --platform=linux/%s base:1 AS tools\nFROM scratch\nARG TARGETARCH\nCOPY --from=tools /a /t\nCOPY a-$TARGETARCH /b\n" % HERE)
        for arch, statement in self.statements(self.dir + "/o.tar").items():
            names = [m["uri"] for m in statement["predicate"]["buildDefinition"]["resolvedDependencies"]]
            self.assertEqual(names, ["pkg:docker/base@1?platform=linux%2F" + HERE], "both are made of it")

    def test_provenance_of_a_layout_names_no_image_and_no_path(self):
        layout = self.dir + "/layout-of-mine"
        self.build("-o", "type=oci,tar=false,dest=" + layout)
        self.build("--provenance=true", "--build-context", "base=oci-layout://" + layout, "-o", "type=oci,dest=%s/o.tar" % self.dir, dockerfile="FROM base\nCOPY a-%s /b\n" % HERE)
        statement = self.statements(self.dir + "/o.tar")[HERE]
        definition = statement["predicate"]["buildDefinition"]
        self.assertEqual(definition["resolvedDependencies"], [])
        self.assertEqual(definition["externalParameters"]["request"]["args"]["context:base"], "local:base")
        self.assertNotIn("layout-of-mine", json.dumps(statement))

    def test_archives_are_compressed_as_asked_for(self):
        for asked, suffix in (("", "+gzip"), (",compression=zstd", "+zstd"), (",compression=uncompressed,force-compression=true", ""), (",force-compression=true,oci-mediatypes=false", ".gzip")):
            self.build("-o", "type=oci,dest=%s/o.tar%s" % (self.dir, asked), "--no-cache", "-t", "app:1")
            with tarfile.open(self.dir + "/o.tar") as t:
                entry = json.load(t.extractfile("index.json"))["manifests"][0]
                layer = json.load(t.extractfile("blobs/sha256/" + entry["digest"][7:]))["layers"][0]
                self.assertTrue(layer["mediaType"].endswith("tar" + suffix), layer)
                self.assertEqual(digest(t.extractfile("blobs/sha256/" + layer["digest"][7:]).read()), layer["digest"])
            self.run_davit("image", "load", "-i", self.dir + "/o.tar")
            self.assertEqual(self.content("app:1", "a"), HERE.encode())
            self.run_davit("image", "rm", "app:1")
            self.run_davit("image", "prune", "-a", "-f")
            self.run_davit("builder", "prune", "-a", "-f")

    @unittest.skipUnless(shutil.which("docker-registry"), "docker-registry is not installed")
    def test_pushed_whole_and_pulled_in_parts(self):
        registry = DockerRegistry(self.dir + "/registry")
        self.addCleanup(registry.stop)
        name = registry.host + "/team/app:1"
        self.build("--platform", BOTH, "-t", name)
        pushed = self.run_davit("image", "push", name).out
        pushed_digest = pushed.split("digest: ")[1].split()[0]
        self.assertIn(pushed_digest, "".join(self.inspect(name)["RepoDigests"]))
        self.assertEqual(self.run_davit("image", "push", name).out.count("Pushed"), 0, "the second time all is there")
        self.run_davit("image", "rm", "-f", self.inspect(name)["Id"])
        self.run_davit("builder", "prune", "-af")
        self.assertEqual(self.kept("blobs/sha256", "images", "refs"), [])

        self.pull(name)
        self.assertFalse(self.is_foreign(name))
        self.assertEqual(self.variants(name), [HERE], "a pull takes what this machine needs")
        self.assertIn(pushed_digest, "".join(self.inspect(name)["RepoDigests"]))
        self.pull(name, "--platform", "linux/" + ELSEWHERE)
        self.assertEqual(self.names(), [name])
        self.assertFalse(self.is_foreign(name), "the name is this machine's still")
        self.assertEqual(self.variants(name), sorted([HERE, ELSEWHERE]))
        self.assertIn(pushed_digest, self.run_davit("image", "push", name).out, "and is pushed as it was pulled, to the byte")
        self.assertIn("no matching manifest", self.pull(name, "--platform", "linux/s390x", code=1).err)
        if shutil.which("skopeo"):
            raw = subprocess.run(["skopeo", "inspect", "--raw", "--tls-verify=false", "docker://" + name], check=True, capture_output=True).stdout
            self.assertEqual(digest(raw), pushed_digest)
            self.assertEqual(json.loads(raw)["mediaType"], INDEX)

    def test_one_platform_of_several_is_pushed_alone(self):
        server = Receiving()
        name = server.host + "/app:1"
        self.build("--platform", BOTH, "-t", name)
        self.run_davit("image", "push", "--platform", "linux/" + ELSEWHERE, name)
        self.assertNotIn("manifests", json.loads(server.blobs[server.tags["app:1"]]))
        self.assertIn("not for the platform", self.run_davit("image", "push", "--platform", "linux/s390x", name, code=1).err.replace("is not", "not"))
        self.run_davit("image", "push", name)
        self.assertEqual(len(json.loads(server.blobs[server.tags["app:1"]])["manifests"]), 2)

    def test_what_is_not_here_is_left_out_of_a_push_and_said(self):
        server = Receiving()
        images = [Image([{"x": arch.encode()}], arch=arch) for arch in (HERE, ELSEWHERE, "s390x")]
        attestation = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + "0" * 64, "size": 2,
                       "platform": {"os": "unknown", "architecture": "unknown"}, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
        name = server.put("lib/app:1", *images, extra_index=index(images, [attestation]))
        server.owned["lib/app"] = set(server.blobs)
        self.pull(name)
        self.pull(name, "--platform", "linux/" + ELSEWHERE)
        self.run_davit("image", "tag", name, server.host + "/mine:1")
        said = self.run_davit("image", "push", server.host + "/mine:1")
        self.assertIn("pushed without linux/s390x", said.err)
        self.assertNotIn("unknown", said.err)
        listed = json.loads(server.blobs[server.tags["mine:1"]])["manifests"]
        self.assertEqual([m["platform"]["architecture"] for m in listed], [HERE, ELSEWHERE])

    def test_an_index_that_has_moved_on(self):
        server = Receiving()
        old = [Image([{"x": b"old " + arch.encode()}], arch=arch) for arch in (HERE, ELSEWHERE)]
        new = [Image([{"x": b"new " + arch.encode()}], arch=arch) for arch in (HERE, ELSEWHERE)]
        for images in (old, new):
            name = server.put("app:1", *images, extra_index=index(images))
            server.owned["app"] = set(server.blobs)
            self.pull(name)
            self.pull(name, "--platform", "linux/" + ELSEWHERE)
        self.assertEqual(self.content(name, "x"), b"new " + HERE.encode())
        self.assertEqual(self.names().count(name), 1)
        asked = len(server.asked("/blobs/"))
        self.pull(name)
        self.assertEqual(len(server.asked("/blobs/")), asked, "both are up to date")

    def test_cross_builds_and_foreign_programs(self):
        busybox = Image([{"bin/sh": b"#!none"}], arch=ELSEWHERE)
        from images import layout
        layout(self.dir + "/layout", {"foreign:1": busybox})
        self.run_davit("image", "load", "-i", self.dir + "/layout")
        foreign = "FROM foreign:1\nCOPY a-$TARGETARCH* /\n\nRUN echo hello\n"
        failed = self.build("--platform", "linux/" + ELSEWHERE, dockerfile=foreign, code=1).err
        if not os.path.exists("/proc/sys/fs/binfmt_misc/qemu-" + {"arm64": "aarch64", "amd64": "x86_64"}[ELSEWHERE]):
            self.assertIn("RUN needs programs of linux/" + ELSEWHERE, failed)
            self.assertIn("Dockerfile:4", failed)
            self.assertIn("qemu-", failed)
            self.assertNotIn("[2/3]", failed, "before any step runs")
        self.build("--platform", "linux/" + ELSEWHERE, "-t", "copied", dockerfile="FROM foreign:1\nCOPY a-* /\nWORKDIR /w\n")
        self.assertTrue(self.is_foreign("copied"), "without a RUN nothing foreign is needed")
        self.build("--platform", "linux/" + ELSEWHERE, "--target", "last", "-t", "unneeded",
                   dockerfile="FROM foreign:1 AS not-needed\nRUN echo hello\nFROM scratch AS last\nCOPY a-* /\n")


if __name__ == "__main__":
    main()
