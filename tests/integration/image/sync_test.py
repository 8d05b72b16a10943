#!/usr/bin/env python3
"""What of a pull reaches the disk, and what a power cut leaves of it."""
import fcntl
import hashlib
import json
import os
import random
import struct
import subprocess
import time

from case import DAVIT, Case, main
from images import Image, noise
from servers import Faulty


class PowerCut(Case):
    """A pull is over before the disk has everything: that comes a moment later, or is made good after a power cut."""
    def setUp(self):
        super().setUp()
        self.registry = Faulty()
        self.image = Image([{"big": noise(300000, 1)}, {"b": b"2"}])
        self.name = self.registry.put("app:1", self.image)

    def notes(self):
        return os.listdir(self.store + "/unsynced")

    def records(self):
        for directory in ("images", "layers"):
            for name in sorted(os.listdir(self.store + "/" + directory)):
                yield self.store + "/" + directory + "/" + name

    def synced(self):
        end = time.monotonic() + 30
        while self.notes() and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(self.notes(), [])

    def cut(self, note="one-that-was-before\n"):
        """As a power cut leaves it: the last boot's records, the layers' bytes lost, and a note, perhaps without its bytes."""
        for path in self.records():
            with open(path, encoding="utf-8") as f:
                record = json.load(f)
            record["boot"] = "one-that-was-before"
            with open(path, "w", encoding="utf-8") as f:
                json.dump(record, f)
        for top in os.listdir(self.store + "/l"):
            for path in ("big", "b"):
                if os.path.exists(f"{self.store}/l/{top}/{path}"):
                    os.truncate(f"{self.store}/l/{top}/{path}", 0)
        with open(self.store + "/unsynced/x", "w", encoding="utf-8") as f:
            f.write(note)

    def whole(self):
        self.assertEqual(len(self.content(self.name, "big")), 300000)
        self.assertEqual(self.content(self.name, "b"), b"2")

    def test_a_pull_counts_for_good_a_moment_later(self):
        self.pull(self.name)
        self.synced()
        for path in self.records():
            with open(path, encoding="utf-8") as f:
                self.assertNotIn("boot", json.load(f))

    def test_an_image_is_made_again_of_its_blobs_where_it_was(self):
        self.pull(self.name)
        for note in ("one-that-was-before\n", ""):
            self.synced()
            before = self.inspect(self.name)
            self.cut(note)
            self.registry.requests.clear()
            self.assertEqual(self.inspect(self.name), before)  # its containers name the directories
            self.whole()
            self.assertEqual((self.registry.requests, self.notes(), self.kept("trash", "ingest")), ([], [], []))

    def test_an_image_whose_blob_is_damaged_is_pulled_again_where_it_was(self):
        self.pull(self.name)
        self.synced()
        before = self.inspect(self.name)
        for digest in (self.image.layers[0], self.image.id, self.image.manifest):
            self.cut()
            blob = self.store + "/blobs/sha256/" + digest[7:]
            os.chmod(blob, 0o600)
            os.truncate(blob, 10)
            self.run_davit("image", "inspect", self.name, code=1)
            self.pull(self.name)
            self.synced()
            after = self.inspect(self.name)
            self.assertEqual(after["Id"], before["Id"])
            self.assertEqual(after["GraphDriver"], before["GraphDriver"])
            self.whole()

    def test_the_collector_does_not_take_what_can_be_made_again(self):
        self.pull(self.name)
        self.synced()
        self.cut()
        self.run_davit("image", "prune", "-f")
        self.registry.requests.clear()
        self.whole()
        self.assertEqual(self.registry.requests, [])

    def test_a_sync_that_was_killed_is_done_by_the_next(self):
        self.pull(self.name)
        self.synced()
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as f:
            boot = f.read().strip()
        record = next(self.records())
        with open(record, encoding="utf-8") as f:
            text = json.load(f)
        with open(record, "w", encoding="utf-8") as f:
            json.dump(dict(text, boot=boot), f)
        with open(self.store + "/unsynced/left", "w", encoding="utf-8") as f:
            f.write(boot + "\n" + os.path.relpath(record, self.store) + "\n")
        other = self.registry.put("other:1", Image([{"c": b"3"}]))
        self.pull(other)
        self.synced()
        with open(record, encoding="utf-8") as f:
            self.assertEqual(json.load(f), text)



EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2


class Disk(Case):
    """The same on a real file system that stops as at a power cut: what was not written yet never will be."""
    def setUp(self):
        super().setUp()
        self.disk = self.dir + "/disk"
        os.mkdir(self.disk)
        subprocess.run(["truncate", "-s", "300M", self.disk + ".img"], check=True)
        subprocess.run(["mkfs.ext4", "-q", self.disk + ".img"], check=True)
        self.boots = 0
        self.boot()
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk])
        self.addCleanup(subprocess.run, ["umount", "-l", "/proc/sys/kernel/random/boot_id"])
        self.store = self.disk + "/state/images"
        self.env["DAVIT_STATE_DIR"] = self.disk + "/state"

    def boot(self):
        subprocess.run(["mount", "-o", "loop", self.disk + ".img", self.disk], check=True)
        self.boots += 1
        with open(self.dir + "/boot_id", "w", encoding="utf-8") as f:
            f.write("00000000-0000-4000-8000-%012d\n" % self.boots)
        if self.boots == 1:
            subprocess.run(["mount", "--bind", self.dir + "/boot_id", "/proc/sys/kernel/random/boot_id"], check=True)

    def power_cut(self):
        top = os.open(self.disk, os.O_RDONLY)
        fcntl.ioctl(top, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(top)
        end = time.monotonic() + 30  # the process that syncs ends with EIO
        while subprocess.run(["umount", self.disk], stderr=subprocess.DEVNULL).returncode != 0:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        self.boot()

    def sums(self, name):
        """Of all files, by layer; nothing: no such image."""
        found = self.run_davit("image", "inspect", name, code=None)
        if found.returncode != 0:
            return None
        out = []
        for lower in json.loads(found.out)[0]["GraphDriver"]["Data"]["LowerDirs"]:
            files = {}
            for top, _, names in os.walk(lower):
                for n in names:
                    with open(top + "/" + n, "rb") as f:
                        files[os.path.relpath(top, lower) + "/" + n] = hashlib.sha256(f.read()).hexdigest()
            out.append(files)
        return out

    def test_no_file_is_ever_empty_after_a_power_cut(self):
        registry = Faulty()
        kept = torn = 0
        for turn in range(24):
            layers = [{"%d/%d" % (l, i): noise(20000, turn * 1000 + l * 100 + i) for i in range(30)} for l in range(2)]
            whole = [{path: hashlib.sha256(data).hexdigest() for path, data in layer.items()} for layer in reversed(layers)]
            name = registry.put("app:%d" % turn, Image(layers))
            pull = subprocess.Popen([DAVIT, "image", "pull", "-q", name], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if turn % 2:
                self.assertEqual(pull.wait(60), 0)
            time.sleep(random.choice([0, 0.01, 0.02, 0.04, 0.1]))
            self.power_cut()
            pull.wait(60)
            after = self.sums(name)
            if after is None:
                torn += 1
                self.pull(name)
                after = self.sums(name)
            else:
                kept += 1
            self.assertEqual(after, whole)
        print("after %d power cuts %d images were there, %d were pulled again" % (kept + torn, kept, torn))


if __name__ == "__main__":
    main()
