"""The power fails at a random moment of an `up` or a `down`: what the disk then holds comes up, and nothing is left over.

The state directory lies on a journalled ext4 in a file. At each moment the file is copied: of every two copies one with the
file system frozen (all that davit wrote is there), one as the disk is (what was not synced may be missing or torn). The
second kind is a clone on btrfs, which is of one moment; an ordinary copy would mix what was written at different ones.
"""
import fcntl
import os
import random
import shutil
import subprocess
import time
import uuid

from harness import Failed, Scenario

MOMENTS = int(os.environ.get("POWER_MOMENTS", "50" if os.environ.get("DAVIT_LONG") else "16"))
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
COMPOSE = """
x-one: &one {image: busybox, command: [sleep, "600"], stop_signal: KILL}
services:
  a: {<<: *one, volumes: ["data:/v"], restart: always}
  b: {<<: *one, depends_on: [a], volumes: [/anonymous]}
  c: {<<: *one, configs: [{source: text, target: /etc/text}]}
volumes: {data: {}}
configs: {text: {content: hello}}
"""


def sh(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stdout}")


def copy_of_disk(disk, place, to, frozen):
    fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if frozen:
            fcntl.ioctl(fd, FIFREEZE, 0)
        sh("cp", "--reflink=always" if clones(disk) else "--sparse=always", disk, to)
    finally:
        if frozen:
            fcntl.ioctl(fd, FITHAW, 0)
        os.close(fd)


def clones(disk):
    return os.path.basename(os.path.dirname(disk)) == "btrfs"


def room_for_disks(s):
    """A directory where files can be cloned; without btrfs one where they cannot."""
    image, place = os.path.join(s.scratch, "btrfs-image"), os.path.join(s.scratch, "btrfs")
    os.makedirs(place)
    sh("truncate", "-s", "3G", image)
    done = subprocess.run(f"mkfs.btrfs -q {image} && mount -o loop {image} {place}", shell=True, capture_output=True, text=True)
    if done.returncode == 0:
        return place
    print(f"only frozen copies are tried: {done.stderr.strip()}", flush=True)
    return s.scratch


def reboot(s):
    """For davit: another boot id; what lay in /run is gone with the containers, after a `down`."""
    path = os.path.join(s.scratch, "boot_id")
    with open(path, "w", encoding="ascii") as f:
        f.write(str(uuid.uuid4()) + "\n")
    sh("mount", "--bind", path, "/proc/sys/kernel/random/boot_id")


def torn(finding):
    return "has no record" in finding or "interrupted" in finding or "no volume is called" in finding


def comes_up(s, copy, place, frozen):
    sh("mount", "-o", "loop", copy, place)
    reboot(s)
    try:
        s.davit("ps", "-a")
        s.davit("up", "-d")
        s.equal("all run", {"a": "running", "b": "running", "c": "running"},
                {l.split()[0]: l.split()[1] for l in s.davit("ps", "-a", "--format", "{{.Service}} {{.State}}").out.splitlines()})
        found = s.davit("system", "doctor", exit=None)
        if frozen or found.code != 0:
            lines = [l for l in (found.out + found.err).splitlines() if "/" in l and not l.startswith("  ")]
            s.check("doctor is clean", found.code == 0 or (not frozen and all(torn(l) for l in lines)), str(found))
        if found.code != 0:
            s.davit("system", "doctor", "--fix", exit=None)
        s.davit("down", "-v", "-t", "0")
        s.davit("system", "doctor")
    finally:
        sh("umount", "/proc/sys/kernel/random/boot_id")
    sh("umount", place)


with Scenario("power") as s:
    if shutil.which("mkfs.ext4") is None:
        print("no mkfs.ext4")
        raise SystemExit(77)
    room = room_for_disks(s)
    disk, place = os.path.join(room, "disk"), os.path.join(s.scratch, "state-disk")
    os.makedirs(place)
    sh("truncate", "-s", "128M", disk)
    sh("mkfs.ext4", "-q", "-F", "-J", "size=4", disk)
    sh("mount", "-o", "loop", disk, place)
    os.environ["DAVIT_STATE_DIR"] = place + "/state"
    s.images("busybox")
    s.write("compose.yaml", COMPOSE)
    before = s.listing()
    seed = int(os.environ.get("POWER_SEED", str(random.SystemRandom().randrange(1 << 30))))
    print(f"POWER_SEED={seed}", flush=True)
    chance = random.Random(seed)
    copies = []
    lasts = {"up": 0.3, "down": 0.3}
    for turn in range(MOMENTS):
        verb = ("up", "down")[turn % 2]
        started = time.monotonic()
        process = s.start(*(("up", "-d") if verb == "up" else ("down", "-t", "0")))
        moment = chance.uniform(0, lasts[verb])
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            pass
        copy = os.path.join(room, f"copy-{turn}")
        frozen = turn // 2 % 2 == 0 or not clones(disk)
        copy_of_disk(disk, place, copy, frozen)
        copies.append((copy, frozen, f"{verb} after {moment * 1000:.0f} ms"))
        said, _ = process.communicate(timeout=60)
        s.equal(f"{verb} goes on after the copy: {said}", 0, process.returncode)
        lasts[verb] = min(1.0, max(0.05, time.monotonic() - started))
    s.davit("down", "-v", "-t", "0")
    s.nothing_left(before)
    sh("umount", place)
    for copy, frozen, what in copies:
        try:
            comes_up(s, copy, place, frozen)
        except Failed as e:
            raise Failed(f"{what}, {'frozen' if frozen else 'as the disk was'}: {e}")
        os.unlink(copy)
    print(f"{MOMENTS} moments", flush=True)
