"""Pull of an image of five layers, about 500 MB of files in 170 MB, beside skopeo and umoci; run by tests/bench/run --pull.

The registry is Debian's docker-registry where it is installed; stores lie on a journalled ext4 in memory, so that no
disk is measured."""
import gzip
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time

from harness import Scenario
from registry import Registry

DAVIT = os.environ["DAVIT"]
# Where each layer's files come from, and how many bytes of them.
LAYERS = (("/usr/bin", 90e6), ("/usr/lib", 230e6), ("/usr/share", 60e6), ("/usr/include", 40e6), ("/usr/lib/python3", 60e6))
LARGEST = 16e6


def files(top):
    for directory, _, names in sorted(os.walk(top)):
        for path in sorted(os.path.join(directory, name) for name in names):
            if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) <= LARGEST:
                yield path


def write_blob(layout, data):
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(layout, "blobs/sha256", digest), "wb") as f:
        f.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}


def write_layer(layout, source, size):
    """-> (descriptor, diffID, entries, bytes); gzip -6, as most builders write."""
    tar = os.path.join(layout, "layer.tar")
    entries, total = 0, 0
    with tarfile.open(tar, "w", format=tarfile.PAX_FORMAT) as out:
        for path in source:
            out.add(path, arcname=path[1:])
            entries, total = entries + 1, total + os.path.getsize(path)
            if total >= size:
                break
    with open(tar, "rb") as f:
        data = f.read()
    os.remove(tar)
    return write_blob(layout, gzip.compress(data, 6, mtime=0)), "sha256:" + hashlib.sha256(data).hexdigest(), entries, len(data)


def make(layout):
    os.makedirs(os.path.join(layout, "blobs/sha256"))
    layers = [write_layer(layout, files(top), size) for top, size in LAYERS]
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["true"]}, "rootfs": {"type": "layers", "diff_ids": [l[1] for l in layers]}}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": dict(write_blob(layout, json.dumps(config).encode()), mediaType="application/vnd.oci.image.config.v1+json"),
                "layers": [dict(l[0], mediaType="application/vnd.oci.image.layer.v1.tar+gzip") for l in layers]}
    top = dict(write_blob(layout, json.dumps(manifest).encode()), mediaType=manifest["mediaType"],
               annotations={"org.opencontainers.image.ref.name": "big:1"})
    with open(os.path.join(layout, "index.json"), "w", encoding="utf-8") as f:
        json.dump({"schemaVersion": 2, "manifests": [top]}, f)
    with open(os.path.join(layout, "oci-layout"), "w", encoding="utf-8") as f:
        f.write('{"imageLayoutVersion": "1.0.0"}')
    print(f"image: {len(layers)} layers, {sum(l[2] for l in layers)} files, {sum(l[3] for l in layers) / 1e6:.1f} MB in {sum(l[0]['size'] for l in layers) / 1e6:.1f} MB", flush=True)


def timed(s, *command, **more):
    start, cpu = time.perf_counter(), os.times()
    subprocess.run(command, check=True, cwd=s.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **more)
    end = os.times()
    return time.perf_counter() - start, end.children_user + end.children_system - cpu.children_user - cpu.children_system


def report(what, times):
    print(f"{what:44} {min(t for t, _ in times):6.2f} s, processor {min(c for _, c in times):.2f} s"
          f"   (most {max(t for t, _ in times):.2f} s, {len(times)} rounds)", flush=True)


def debian_registry(s, layout):
    """-> (process, host) of docker-registry that holds the image."""
    s.write("registry.yml", f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {s.scratch}/registry}}}}\nhttp: {{addr: '127.0.0.1:5999'}}\n")
    process = subprocess.Popen(["docker-registry", "serve", os.path.join(s.directory, "registry.yml")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    s.eventually("the registry listens", lambda: socket.socket().connect_ex(("127.0.0.1", 5999)) == 0)
    subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:big:1", "docker://localhost:5999/big:1"], check=True)
    return process, "localhost:5999"


def measure(s, layout, host, rounds):
    s.write("compose.yaml", f"services: {{a: {{image: {host}/big:1}}}}\n")
    disk = os.path.join(s.scratch, "disk")
    os.makedirs(disk)
    subprocess.run(["truncate", "-s", "6G", disk + ".img"], check=True)
    subprocess.run(["mkfs.ext4", "-q", disk + ".img"], check=True)
    subprocess.run(["mount", "-o", "loop", disk + ".img", disk], check=True)
    try:
        found = {"davit pull": [], "skopeo copy + umoci unpack (1 thread)": []}
        for _ in range(rounds):
            state = disk + "/davit"
            found["davit pull"].append(timed(s, DAVIT, "pull", "-q", env=dict(os.environ, DAVIT_STATE_DIR=state)))
            # On the disk for good a moment later, which nobody waits for.
            s.eventually("the image is synced", lambda: not os.listdir(state + "/images/unsynced"))
            shutil.rmtree(state)
            if shutil.which("umoci"):
                peer = f"skopeo copy -q --src-tls-verify=false docker://{host}/big:1 oci:{disk}/peer:big && umoci unpack --image {disk}/peer:big {disk}/bundle"
                found["skopeo copy + umoci unpack (1 thread)"].append(timed(s, "sh", "-c", peer, stderr=subprocess.DEVNULL))
                shutil.rmtree(disk + "/peer")
                shutil.rmtree(disk + "/bundle")
        for what, times in found.items():
            if times:
                report(what, times)
    finally:
        subprocess.run(["umount", disk], check=True)


with Scenario("pullbench") as s:
    layout = os.path.join(s.scratch, "layout")
    make(layout)
    if shutil.which("docker-registry") and shutil.which("skopeo"):
        process, host = debian_registry(s, layout)
        try:
            measure(s, layout, host, 5)
        finally:
            process.terminate()
    else:
        print("docker-registry and skopeo are not installed: the tests' own registry serves", file=sys.stderr)
        with Registry(layout) as registry:
            measure(s, layout, registry.host, 5)
