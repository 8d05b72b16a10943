#!/usr/bin/env python3
"""load, save, tag, rm and prune."""
import gzip
import json
import os
import shutil
import subprocess
import unittest

from case import DAVIT, Case, main
from servers import Faulty
from images import Image, digest, layout, noise, tar

class Archives(Case):
    def setUp(self):
        super().setUp()
        self.image = Image([{"a": b"1", "etc/": None}, {"b": noise(100000, 5)}], config={"Cmd": ["/x"], "User": "7"})
        layout(self.dir + "/layout", {"team/app:1": self.image})

    def load(self, *args, **keywords):
        return self.run_davit("image", "load", *args, **keywords).out

    def reset(self):
        shutil.rmtree(self.store)

    def test_layout_to_archive_and_back_by_every_way(self):
        self.assertEqual(self.load("-i", self.dir + "/layout"), "Loaded image: team/app:1\n")
        archive = self.run_davit("image", "save", "team/app:1").stdout
        self.assertEqual(archive, self.run_davit("image", "save", "team/app:1").stdout, "the bytes depend on the image only")
        self.run_davit("image", "save", "-o", self.dir + "/out/", "team/app:1")
        ways = [(["image", "load"], archive), (["image", "load"], gzip.compress(archive)), (["image", "load", "-i", self.dir + "/out"], b"")]
        if shutil.which("zstd"):
            ways.append((["image", "load"], subprocess.run(["zstd", "-c"], input=archive, stdout=subprocess.PIPE, check=True).stdout))
        with open(self.dir + "/a.tar", "wb") as f:
            f.write(archive)
        ways.append((["image", "load", "-i", self.dir + "/a.tar"], b""))
        for args, stdin in ways:
            self.reset()
            self.assertEqual(self.run_davit(*args, stdin=stdin).out, "Loaded image: team/app:1\n")
            found = self.inspect("team/app:1")
            self.assertEqual(found["Id"], self.image.id)
            self.assertEqual(found["Descriptor"]["digest"], self.image.manifest)
            self.assertEqual(found["Config"]["User"], "7")
            self.assertEqual(self.content("team/app:1", "b"), noise(100000, 5))

    def test_what_a_build_reads_names_no_image(self):
        """A layout that is a build's context or cache takes the name of no image of this machine."""
        mine = Image([{"mine": b"1"}])
        layout(self.dir + "/mine", {"team/app:1": mine})
        self.load("-i", self.dir + "/mine")
        os.makedirs(self.dir + "/context")
        with open(self.dir + "/context/Dockerfile", "w") as f:
            f.write("FROM base\nCOPY Dockerfile /d\n")
        out = ["image", "build", "-q", "-o", self.dir + "/out", self.dir + "/context", "--build-context"]
        self.run_davit(*out, "base=oci-layout://" + self.dir + "/layout")
        self.assertTrue(os.path.exists(self.dir + "/out/b"))
        self.assertEqual(self.inspect("team/app:1")["Id"], mine.id)
        self.run_davit(*out, "base=docker-image://team/app:1", "--cache-from", "type=local,src=" + self.dir + "/layout")
        self.assertEqual(self.inspect("team/app:1")["Id"], mine.id)
        self.run_davit(*out, "base=docker-image://team/app:1", "--cache-from", "type=local,src=" + self.dir + "/mine")
        self.assertEqual(self.inspect("team/app:1")["Id"], mine.id)
        self.assertEqual(self.names().count("team/app:1"), 1)
        registry = Faulty()
        registry.put("team/app:1", self.image)
        name = registry.host + "/team/app:1"
        self.run_davit("image", "tag", "team/app:1", name)
        self.run_davit(*out, "base=docker-image://team/app:1", "--cache-from", name)
        self.assertEqual(self.inspect(name)["Id"], mine.id)
        self.assertTrue([path for _, path, _ in registry.requests if "/manifests/" in path])

    def test_one_image_of_a_layout_is_a_context(self):
        """oci-layout://DIRECTORY:TAG and @DIGEST; one without a name of its own is known by its tag alone."""
        images = {tag: Image([{"which": tag.encode()}]) for tag in ("one", "two")}
        layout(self.dir + "/both", {"team/app:" + tag: image for tag, image in images.items()})
        os.makedirs(self.dir + "/context")
        with open(self.dir + "/context/Dockerfile", "w") as f:
            f.write("FROM base\nCOPY Dockerfile /d\n")
        for number, (tag, image) in enumerate(images.items()):
            for name in (":" + tag, "@" + image.manifest, ":" + tag + "@" + image.manifest):
                out = "%s/out%d%d" % (self.dir, number, len(name))
                self.run_davit("image", "build", "-q", "-o", out, self.dir + "/context", "--build-context", "base=oci-layout://" + self.dir + "/both" + name)
                with open(out + "/which") as f:
                    self.assertEqual(f.read(), tag)
        for name, said in ((":none", "the layout has no image with the tag none"), ("@sha256:" + "0" * 64, "the layout has no image sha256:0")):
            self.assertIn(said, self.run_davit("image", "build", self.dir + "/context", "--build-context",
                                               "base=oci-layout://" + self.dir + "/both" + name, code=1).err)

    def test_what_is_no_file_is_refused_at_once(self):
        os.mkfifo(self.dir + "/pipe")
        self.assertIn("nobody writes to", self.run_davit("image", "load", "-i", self.dir + "/pipe", code=1).err)
        for device in ("/dev/zero", "/dev/null"):
            self.assertIn("is a device", self.run_davit("image", "load", "-i", device, code=1).err)
        with open("/dev/zero", "rb") as zero:
            result = subprocess.run([DAVIT, "image", "load"], stdin=zero, stderr=subprocess.PIPE, env=self.env, timeout=60)
        self.assertEqual((result.returncode, b"is a device" in result.stderr), (1, True), result.stderr)
        blob = self.dir + "/layout/blobs/sha256/" + self.image.layers[0][7:]
        os.unlink(blob)
        os.mkfifo(blob)
        self.assertIn("nobody writes to", self.run_davit("image", "load", "-i", self.dir + "/layout", code=1).err)
        os.unlink(blob)
        os.symlink("/etc/shadow", blob)
        self.assertIn("corrupt layer", self.run_davit("image", "load", "-i", self.dir + "/layout", code=1).err)
        self.assertEqual(self.kept("images", "refs", "ingest", "leases"), [])

    def test_documents_nested_without_end(self):
        for name in ("index.json", "blobs/sha256/" + self.image.manifest[7:], "blobs/sha256/" + self.image.id[7:]):
            shutil.copytree(self.dir + "/layout", self.dir + "/deep")
            with open(self.dir + "/deep/" + name, "w") as f:
                f.write("{\"a\":" + "[" * 1000000 + "]" * 1000000 + "}")
            self.run_davit("image", "load", "-i", self.dir + "/deep", code=1)
            shutil.rmtree(self.dir + "/deep")

    def test_docker_archives_old_and_new(self):
        tars = [tar({"a": b"1"}), tar({"b": b"2"})]
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [digest(t) for t in tars + tars[:1]]}}).encode()
        for packed in (lambda t: t, lambda t: gzip.compress(t, mtime=0)):
            files = {"x.json": config, "l0/layer.tar": packed(tars[0]), "l1/layer.tar": packed(tars[1])}
            files["manifest.json"] = json.dumps([{"Config": "x.json", "RepoTags": ["old:1", "other/name:2"], "Layers": ["l0/layer.tar", "l1/layer.tar", "l0/layer.tar"]}]).encode()
            self.assertEqual(self.load(stdin=tar(files)), "Loaded image: old:1\nLoaded image: other/name:2\n")
            self.assertEqual(self.content("old:1", "b"), b"2")
            self.assertEqual(len(self.inspect("old:1")["GraphDriver"]["Data"]["LowerDirs"]), 2, "overlayfs refuses a directory twice")
            self.run_davit("image", "save", "-o", self.dir + "/again.tar", "old:1")
            self.reset()

    @unittest.skipUnless(shutil.which("skopeo"), "skopeo is not installed")
    def test_a_disk_of_others_that_is_full_is_no_business_of_the_store(self):
        self.run_davit("image", "import", "-", "x:1", stdin=tar({"f": noise(300000, 1)}))
        with open("/dev/full", "wb") as full:
            said = subprocess.run([DAVIT, "image", "save", "x:1"], stdout=full, stderr=subprocess.PIPE, env=self.env, check=False)
        self.assertEqual(said.returncode, 1)
        self.assertIn(b"writing /dev/full: No space left on device", said.stderr)
        self.assertNotIn(b"hint", said.stderr)

    def test_other_tools_read_what_is_saved(self):
        self.load("-i", self.dir + "/layout")
        self.run_davit("image", "save", "-o", self.dir + "/a.tar", "team/app:1")
        for kind in ("docker-archive", "oci-archive"):
            out = json.loads(subprocess.run(["skopeo", "inspect", "--config", "%s:%s" % (kind, self.dir + "/a.tar")], stdout=subprocess.PIPE, check=True).stdout)
            self.assertEqual(out["config"]["User"], "7")

    def test_what_is_no_archive_is_refused(self):
        for data, why in ((b"hello", "corrupt tar"), (tar({"x": b"1"}), "neither an OCI layout nor a docker-archive"), (tar({"repositories": b"{}"}), "before Docker 1.10"),
                          (tar({"manifest.json": b"{}"}), "is no list"), (gzip.compress(b"x" * 100000), "corrupt tar"), (gzip.compress(tar({"x": noise(100000, 1)}))[:-20], "ends early"),
                          (gzip.compress(tar({"x": b"1"}))[:-4], "ends early")):
            self.assertIn(why, self.run_davit("image", "load", stdin=data, code=1).err)
        self.assertEqual(self.kept("images", "l", "ingest"), [])
        os.unlink(self.dir + "/layout/blobs/sha256/" + self.image.layers[0][7:])
        self.run_davit("image", "load", "-i", self.dir + "/layout", code=1)
        self.assertEqual(self.kept("images", "refs", "ingest"), [])

    def test_layers_are_shared_and_removed_with_their_last_image(self):
        base = {"base": noise(50000, 9)}
        layout(self.dir + "/two", {"one:1": Image([base, {"x": b"1"}]), "two:1": Image([base, {"x": b"2"}])})
        self.load("-i", self.dir + "/two")
        self.assertEqual(len(self.kept("l")), 3)
        self.run_davit("image", "tag", "one:1", "alias:2")
        self.assertEqual(self.run_davit("image", "rm", "one:1").out, "Untagged: one:1\n")
        self.assertEqual(sorted(self.names()), ["alias:2", "two:1"])
        self.assertIn("Deleted: sha256:", self.run_davit("image", "rm", "alias:2").out)
        self.assertEqual(len(self.kept("l")), 2)
        self.assertEqual(self.content("two:1", "base"), noise(50000, 9))
        self.assertIn("No such image", self.run_davit("image", "inspect", "one:1", code=1).err)
        self.run_davit("image", "rm", "two:1")
        self.assertEqual(self.kept(), [])
        self.assertIn("no such image", self.run_davit("image", "rm", "two:1", code=1).err.lower())

    def test_ids_and_prefixes(self):
        self.load("-i", self.dir + "/layout")
        short = self.run_davit("image", "ls", "-q").out.strip()
        for name in (short, short[:4], self.image.id, self.image.id[7:], "team/app:1", "docker.io/team/app:1", "team/app@" + self.image.manifest):
            self.assertEqual(self.inspect(name)["Id"], self.image.id, name)

    def test_prune_takes_what_has_no_name(self):
        self.load("-i", self.dir + "/layout")
        layout(self.dir + "/new", {"team/app:1": Image([{"new": b"1"}])})
        self.load("-i", self.dir + "/new")
        self.assertEqual(sorted(self.names()), ["<none>:<none>", "team/app:1"])
        self.assertIn(self.image.id, self.run_davit("image", "prune", "-f").out)
        self.assertEqual(self.names(), ["team/app:1"])
        self.assertEqual(len(self.kept("l")), 1)
        self.run_davit("image", "prune", "-af")
        self.assertEqual(self.kept("locks"), [])
        self.assertEqual(self.kept(), [])

    def test_a_deep_image_can_be_mounted(self):
        layers = [{"f%03d" % i: b"%d" % i, "same": b"%d" % i} for i in range(70)]
        layout(self.dir + "/deep", {"deep:1": Image(layers)})
        self.load("-i", self.dir + "/deep")
        lowers = self.inspect("deep:1")["GraphDriver"]["Data"]["LowerDirs"]
        self.assertEqual(len(lowers), 70)
        os.makedirs(self.dir + "/m")
        subprocess.run(["mount", "-t", "overlay", "-o", "lowerdir=" + ":".join(os.path.relpath(l, self.store) for l in lowers), "none", self.dir + "/m"], check=True, cwd=self.store)
        self.addCleanup(subprocess.run, ["umount", "-l", self.dir + "/m"])
        with open(self.dir + "/m/same") as f:
            self.assertEqual(f.read(), "69")
        self.assertEqual(len(os.listdir(self.dir + "/m")), 71)


if __name__ == "__main__":
    main()
