"""Images made of nothing but Python: layers, configurations, manifests, OCI layouts."""
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"


DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
FOREIGN_LAYER = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar(files, modes=None):
    """files: {path: bytes, or None for a directory}; modes of files: 0644 unless given"""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as t:
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.mtime = 1000000000
            if data is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                t.addfile(info)
            else:
                info.size, info.mode = len(data), (modes or {}).get(path, 0o644)
                t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def noise(size, seed):
    """Bytes that do not compress, the same ones for the same seed."""
    parts = (hashlib.sha256(b"%d" % n).digest() for n in range(seed, seed + size // 32 + 1))
    return b"".join(parts)[:size]


def gzipped(data):
    return LAYER, gzip.compress(data, 1, mtime=0)


def plain(data):
    return LAYER[:-5], data


def zstandard(data):
    return LAYER[:-4] + "zstd", subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


class Image:
    """Blobs by digest, and the manifest's. pack: what makes a layer's tar a blob; foreign: urls for each layer."""

    def __init__(self, layers, arch="amd64", config=None, pack=gzipped, docker=False, foreign=None):
        self.blobs = {}
        self.media_type = DOCKER_MANIFEST if docker else MANIFEST
        tars = [tar(l) if isinstance(l, dict) else l for l in layers]
        descriptors = []
        for t in tars:
            media_type, data = (DOCKER_LAYER, gzipped(t)[1]) if docker else pack(t)
            descriptors.append({"mediaType": FOREIGN_LAYER if foreign else media_type, "digest": self.add(data), "size": len(data)})
            if foreign:
                descriptors[-1]["urls"] = foreign
        document = json.dumps({"architecture": arch, "os": "linux", "created": "2024-01-01T00:00:00Z", "config": config or {"Cmd": ["/x"]},
                               "rootfs": {"type": "layers", "diff_ids": [digest(t) for t in tars]}}).encode()
        self.id = self.add(document)
        self.layers = [d["digest"] for d in descriptors]
        self.manifest = self.add(json.dumps({"schemaVersion": 2, "mediaType": self.media_type, "layers": descriptors,
                                             "config": {"mediaType": DOCKER_CONFIG if docker else CONFIG, "digest": self.id, "size": len(document)}}).encode())
        self.arch = arch

    def add(self, data):
        self.blobs[digest(data)] = data
        return digest(data)

    def descriptor(self, **more):
        return dict({"mediaType": self.media_type, "digest": self.manifest, "size": len(self.blobs[self.manifest])}, **more)


def index(images, extra=()):
    """An index over images of several platforms, as bytes."""
    entries = [i.descriptor(platform={"os": "linux", "architecture": i.arch}) for i in images]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries + list(extra)}).encode()


def layout(directory, named):
    """An OCI layout directory of {name: Image}."""
    os.makedirs(directory + "/blobs/sha256", exist_ok=True)
    entries = []
    for name, image in named.items():
        for d, data in image.blobs.items():
            with open(directory + "/blobs/sha256/" + d[7:], "wb") as f:
                f.write(data)
        entries.append(image.descriptor(annotations={"org.opencontainers.image.ref.name": name}))
    with open(directory + "/index.json", "w") as f:
        json.dump({"schemaVersion": 2, "manifests": entries}, f)
    with open(directory + "/oci-layout", "w") as f:
        f.write('{"imageLayoutVersion":"1.0.0"}')
