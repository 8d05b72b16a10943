#!/usr/bin/env python3
"""What layers of every kind become on the disk, held against umoci; hostile ones; archives of skopeo."""
import hashlib
import io
import os
import shutil
import stat
import subprocess
import tarfile
import unittest

from case import Case, main
from images import Image, layout

CAPABILITY = "\x01\x00\x00\x02\x00\x04\x00\x00" + "\x00" * 12  # cap_net_bind_service=ep, revision 2


class Tar:
    """A layer's tar, entry by entry."""

    def __init__(self, form=tarfile.PAX_FORMAT):
        self.out = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.out, mode="w", format=form)

    def add(self, name, kind=tarfile.REGTYPE, data=b"", mode=0o644, owner=(0, 0), mtime=1000000000, link="", device=(0, 0), **pax):
        info = tarfile.TarInfo(name)
        info.type, info.mode, (info.uid, info.gid), info.mtime, info.linkname = kind, mode, owner, mtime, link
        info.devmajor, info.devminor = device
        info.size = len(data)
        info.pax_headers = {key.replace("__", "."): value for key, value in pax.items()}
        self.tar.addfile(info, io.BytesIO(data))
        return self

    def directory(self, name, mode=0o755, **more):
        return self.add(name, tarfile.DIRTYPE, mode=mode, **more)

    def symlink(self, name, to, **more):
        return self.add(name, tarfile.SYMTYPE, mode=0o777, link=to, **more)

    def hardlink(self, name, to):
        return self.add(name, tarfile.LNKTYPE, link=to)

    def done(self):
        self.tar.close()
        return self.out.getvalue()


def sparse(directory, form):
    """A tar that GNU tar made of a file with holes."""
    with open(directory + "/holes", "wb") as f:
        for at in (65536, 1 << 20, 5 << 20):
            f.seek(at)
            f.write(b"%d" % at)
        f.truncate(6 << 20)
    os.utime(directory + "/holes", (1000000000, 1000000000))
    return subprocess.run(["tar", "-c", "-S"] + form + ["--owner=0", "--group=0", "--mode=644", "-C", directory, "holes"], stdout=subprocess.PIPE, check=True).stdout


def tree(root):
    """{path: all that matters}; inodes are named by the first path of them."""
    out, first = {}, {}
    for directory, names, files in os.walk(root):
        names.sort()
        for name in [""] * (directory == root) + sorted(names + files):
            path = os.path.join(directory, name)
            s = os.lstat(path)
            what = {"mode": oct(s.st_mode), "owner": (s.st_uid, s.st_gid)}
            if not stat.S_ISLNK(s.st_mode):
                what["xattrs"] = sorted((x, os.getxattr(path, x)) for x in os.listxattr(path) if not x.startswith("trusted.overlay."))
            if not stat.S_ISDIR(s.st_mode):
                what["mtime"] = int(s.st_mtime)
            if stat.S_ISREG(s.st_mode):
                with open(path, "rb") as f:
                    what["data"] = hashlib.sha256(f.read()).hexdigest()
                what["inode"] = first.setdefault(s.st_ino, os.path.relpath(path, root))
            if stat.S_ISLNK(s.st_mode):
                what["link"] = os.readlink(path)
            if stat.S_ISBLK(s.st_mode) or stat.S_ISCHR(s.st_mode):
                what["device"] = s.st_rdev
            out[os.path.relpath(path, root)] = what
    return out


class LayerCase(Case):
    maxDiff = None

    def merged(self, name):
        """The image's root file system, mounted."""
        lowers = self.inspect(name)["GraphDriver"]["Data"]["LowerDirs"]
        where = self.dir + "/merged" + str(len(os.listdir(self.dir)))
        os.makedirs(where)
        if len(lowers) == 1:
            return lowers[0]
        subprocess.run(["mount", "-t", "overlay", "-o", "lowerdir=" + ":".join(lowers), "none", where], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", where], check=True)
        return where

    def load(self, image, name="app:1"):
        layout(self.dir + "/layout", {name: image})
        self.run_davit("image", "load", "-i", self.dir + "/layout")

    def unpacked_by_umoci(self, image_layout, tag):
        subprocess.run(["umoci", "unpack", "--image", "%s:%s" % (image_layout, tag), self.dir + "/bundle"], check=True, capture_output=True)
        return self.dir + "/bundle/rootfs"


def rich_layers(directory):
    low = (Tar().directory("./", 0o755).directory("etc", 0o700, owner=(3, 4)).add("etc/old", data=b"old")
           .directory("var", 0o1777).directory("var/lib").add("var/lib/gone", data=b"1").add("var/lib/kept", data=b"2")
           .directory("opt").directory("opt/a").add("opt/a/x", data=b"x").add("opt/a/y", data=b"y")
           .add("file-then-dir", data=b"f").directory("dir-then-file").add("dir-then-file/in", data=b"in")
           .directory("usr").directory("usr/lib").add("usr/lib/lib.so", data=b"elf", mode=0o755).symlink("lib", "usr/lib")
           .add("su", data=b"su", mode=0o4755, owner=(1, 2)).add("capable", data=b"c", mode=0o755, owner=(5, 5), SCHILY__xattr__security__capability=CAPABILITY)
           .add("tagged", data=b"t", SCHILY__xattr__user__note="hello").hardlink("su-too", "su").symlink("absolute", "/etc/old").symlink("dangling", "../../nowhere")
           .add("big-owner", owner=(4000000000, 100000)).add("n" * 150 + "/" + "m" * 200, data=b"long").add("été", data=b"utf-8")
           .add("fifo", tarfile.FIFOTYPE, mode=0o622).directory("dev").add("dev/null", tarfile.CHRTYPE, mode=0o666, device=(1, 3))
           .add("dev/disk", tarfile.BLKTYPE, mode=0o660, owner=(0, 6), device=(8, 1)).done())
    high = (Tar().add("etc/new", data=b"new").add("var/lib/.wh.gone").add("opt/a/z", data=b"z").add("opt/a/.wh..wh..opq")
            .directory("file-then-dir", 0o711).add("file-then-dir/in", data=b"in").add("dir-then-file", data=b"file now")
            .add("lib/more.so", data=b"through a link").hardlink("var/lib/kept-too", "var/lib/kept").add("su", data=b"su2", mode=0o755)
            .directory("usr", 0o750).add("deep/er/than/before", data=b"d").done())
    again = Tar(tarfile.GNU_FORMAT).directory("opt/b").add(".wh.fifo").add("opt/.wh.a").add("k" * 140, data=b"gnu long name").done()
    last = Tar().directory("opt/a", 0o700).add("opt/a/fresh", data=b"fresh").done()
    return [low, high, again, last, sparse(directory, ["--format=pax", "--sparse-version=1.0"])]  # umoci knows no other kind


class Kinds(LayerCase):
    @unittest.skipUnless(shutil.which("umoci"), "umoci is not installed")
    def test_every_kind_of_entry_is_as_umoci_has_it(self):
        image = Image(rich_layers(self.dir))
        layout(self.dir + "/named", {"tag": image})
        self.load(image)
        mine, theirs = tree(self.merged("app:1")), tree(self.unpacked_by_umoci(self.dir + "/named", "tag"))
        self.assertEqual(sorted(mine), sorted(theirs))
        # Files of different layers cannot share an inode; umoci unpacks all into one directory.
        self.assertEqual((theirs["var/lib/kept-too"].pop("inode"), mine["var/lib/kept-too"].pop("inode")), ("var/lib/kept", "var/lib/kept-too"))
        for path in sorted(mine):
            self.assertEqual(mine[path], theirs[path], path)

    def test_what_the_layers_say(self):
        self.load(Image(rich_layers(self.dir)))
        found = tree(self.merged("app:1"))
        self.assertEqual(found["etc"]["mode"], oct(stat.S_IFDIR | 0o700), "a directory that a layer only passes through")
        self.assertEqual(found["etc"]["owner"], (3, 4))
        self.assertEqual(found["su-too"]["mode"], oct(stat.S_IFREG | 0o4755))
        self.assertEqual(dict(found["capable"]["xattrs"])["security.capability"], CAPABILITY.encode())
        self.assertEqual(dict(found["tagged"]["xattrs"]), {"user.note": b"hello"})
        self.assertEqual(found["big-owner"]["owner"], (4000000000, 100000))
        self.assertIn("usr/lib/more.so", found)
        self.assertEqual(sorted(p for p in found if p.startswith("opt")), ["opt", "opt/a", "opt/a/fresh", "opt/b"])
        self.assertNotIn("var/lib/gone", found)
        self.assertEqual(found["dev/null"]["device"], os.makedev(1, 3))

    def test_files_with_holes_in_every_format(self):
        for n, form in enumerate((["--format=gnu"], ["--format=pax", "--sparse-version=0.0"], ["--format=pax", "--sparse-version=0.1"], ["--format=pax", "--sparse-version=1.0"])):
            self.load(Image([sparse(self.dir, form)]), "holes:%d" % n)
            path = self.merged("holes:%d" % n) + "/holes"
            with open(path, "rb") as mine, open(self.dir + "/holes", "rb") as theirs:
                self.assertEqual(hashlib.sha256(mine.read()).digest(), hashlib.sha256(theirs.read()).digest(), form)
            self.assertLess(os.stat(path).st_blocks * 512, 1 << 20, form)


class Hostile(LayerCase):
    def outside(self):
        return tree(self.dir + "/victim"), sorted(os.listdir("/")), sorted(os.listdir("/etc")), sorted(n for n in os.listdir(self.state) if n not in ("images", "events"))

    def test_nothing_leaves_the_layer(self):
        victim = self.dir + "/victim"
        os.makedirs(victim + "/d")
        with open(victim + "/secret", "w") as f:
            f.write("secret")
        os.makedirs(self.store)
        up = "../" * 20
        there = up + victim[1:]
        tars = {
            "dots": Tar().add(there + "/evil"),
            "dots inside": Tar().directory("a").add("a/" + there + "/evil"),
            "absolute": Tar().add(victim + "/evil"),
            "link out, then through it": Tar().symlink("x", victim).add("x/evil", data=b"1"),
            "relative link out": Tar().symlink("x", there).add("x/evil", data=b"1").directory("x/d/new"),
            "links in a chain": Tar().symlink("a", "b/..").symlink("b", there).add("a/evil").add("b/evil"),
            "link over a link": Tar().symlink("x", victim + "/secret").add("x", data=b"overwritten"),
            "hard link out": Tar().hardlink("x", victim + "/secret").add("x", data=b"overwritten"),
            "hard link by dots": Tar().hardlink("x", there + "/secret"),
            "hard link through a link": Tar().symlink("l", victim).hardlink("x", "l/secret").add("x", data=b"overwritten"),
            "whiteout of the parent": Tar().add("a/.wh..."),
            "whiteout by dots": Tar().add(there + "/.wh.secret"),
            "whiteout through a link": Tar().symlink("x", victim).add("x/.wh.secret"),
            "opaque through a link": Tar().symlink("x", victim).add("x/.wh..wh..opq"),
            "whiteout of nothing": Tar().add("a/.wh."),
            "directory over a link": Tar().symlink("x", victim).directory("x", 0o777).add("x/evil"),
            "mode through a link": Tar().symlink("x", victim + "/secret").add("x", tarfile.CHRTYPE, mode=0o777, device=(1, 3)),
            "whiteout device": Tar().add("x", tarfile.CHRTYPE, device=(0, 0)),
            "forged overlay mark": Tar().directory("etc", SCHILY__xattr__trusted__overlay__redirect="/" + there),
            "link loop": Tar().symlink("a", "b").symlink("b", "a").add("a/x"),
        }
        self.run_davit("image", "ls")
        before = self.outside()
        for n, (what, layer) in enumerate(tars.items()):
            for below in ([], [Tar().symlink("x", victim).symlink("etc", victim).directory("a").done()]):
                layout(self.dir + "/hostile", {"h:%d" % n: Image(below + [layer.done()])})
                result = self.run_davit("image", "load", "-i", self.dir + "/hostile", code=None)
                self.assertIn(result.returncode, (0, 1), (what, result.err))
                self.assertEqual(self.outside(), before, what)
                if result.returncode == 0:
                    for lower in self.inspect("h:%d" % n)["GraphDriver"]["Data"]["LowerDirs"]:
                        self.assertEqual(os.path.dirname(lower), self.store + "/l")
                        for path, found in tree(lower).items():
                            self.assertNotIn("secret", str(found.get("data")), what)
                            self.assertFalse([x for x, _ in found.get("xattrs", []) if "overlay" in x], what)
                    self.run_davit("image", "rm", "h:%d" % n)
                shutil.rmtree(self.dir + "/hostile")
        self.assertEqual(self.kept("images", "refs", "ingest", "leases", "trash"), [])


@unittest.skipUnless(shutil.which("skopeo") and shutil.which("umoci"), "skopeo or umoci is not installed")
class OtherTools(LayerCase):
    def setUp(self):
        super().setUp()
        self.image = Image(rich_layers(self.dir), config={"Cmd": ["/x"], "Env": ["A=b"]})
        layout(self.dir + "/made", {"tag": self.image})

    def copy(self, source, to):
        subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", source, to], check=True)

    def config_of(self, source):
        return subprocess.run(["skopeo", "inspect", "--config", "--raw", source], check=True, stdout=subprocess.PIPE).stdout

    def test_skopeos_archives_load(self):
        made = "oci:%s/made:tag" % self.dir
        self.copy(made, "docker-archive:%s/d.tar:app:docker" % self.dir)
        self.copy(made, "oci-archive:%s/o.tar:app:oci" % self.dir)
        self.copy(made, "oci:%s/o:app:dir" % self.dir)
        expected = None
        for path, name in (("d.tar", "app:docker"), ("o.tar", "app:oci"), ("o", "app:dir")):
            self.assertEqual(self.run_davit("image", "load", "-i", self.dir + "/" + path).out, "Loaded image: %s\n" % name)
            found = tree(self.merged(name))
            expected = expected or found
            self.assertEqual(found, expected, path)
        self.assertEqual(self.inspect("app:oci")["Id"], self.image.id)
        self.assertEqual(len(self.kept("l")), 5, "layers are the same, however they came")

    def test_others_read_what_is_saved(self):
        self.load(self.image)
        self.run_davit("image", "save", "-o", self.dir + "/s.tar", "app:1")
        self.run_davit("image", "save", "-o", self.dir + "/s/", "app:1")
        self.copy("docker-archive:%s/s.tar:app:1" % self.dir, "oci:%s/one:tag" % self.dir)
        self.copy("oci-archive:%s/s.tar:app:1" % self.dir, "oci:%s/two:tag" % self.dir)
        self.copy("oci:%s/s:app:1" % self.dir, "oci:%s/three:tag" % self.dir)
        expected = tree(self.unpacked_by_umoci(self.dir + "/made", "tag"))
        for one in ("one", "two", "three"):
            self.assertIn(b'"A=b"', self.config_of("oci:%s/%s:tag" % (self.dir, one)))
            shutil.rmtree(self.dir + "/bundle")
            self.assertEqual(tree(self.unpacked_by_umoci(self.dir + "/" + one, "tag")), expected, one)


if __name__ == "__main__":
    main()
