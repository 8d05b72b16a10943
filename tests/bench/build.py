"""Builds beside buildah, both on a journalled ext4 in memory; run by tests/bench/run --build.

Cold: all steps run, the base is there. Cached: the same again. Each round has a directory, a variable and a file of its own, so
that nothing of the round before is known."""
import json
import os
import shutil
import subprocess
import sys
import time

from harness import Scenario, ref_name, write_layout

DAVIT = os.environ["DAVIT"]
BASE = "docker.io/library/busybox:latest"
FILES = 2600

TEN_STEPS = f"""FROM {BASE}
ENV ROUND=ROUND_NUMBER
WORKDIR /app-ROUND_NUMBER
COPY package.json ./
RUN echo installed > installed
COPY src ./src
RUN cat src/* > all
RUN echo built > built
RUN echo app:x:1000:1000::/app:/bin/sh >> /etc/passwd
RUN mkdir logs && chown 1000:1000 logs
COPY run.sh /usr/local/bin/run
RUN chmod 755 /usr/local/bin/run
CMD ["run"]
"""
COPY_ALL = f"FROM {BASE}\nENV ROUND=ROUND_NUMBER\nCOPY . /app\n"


def contexts(s):
    s.write("ten/package.json", "{}\n")
    s.write("ten/src/a", "1\n")
    s.write("ten/run.sh", "#!/bin/sh\nexec sleep 600\n")
    for n in range(FILES):
        s.write(f"many/d{n % 40}/f{n}", f"{n}\n" * 200)


def dockerfile(s, name, text, number):
    """Beside the contexts, so that it is no part of them."""
    path = os.path.join(s.directory, name + ".Dockerfile")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("ROUND_NUMBER", str(number)))
    return path


class Davit:
    name = "davit"

    def __init__(self, disk, part):
        self.env = dict(os.environ, DAVIT_STATE_DIR=disk + "/davit")
        subprocess.run([DAVIT, "image", "load", "-i", part], check=True, env=self.env, stdout=subprocess.DEVNULL)

    def build(self, file, context, tag):
        return [DAVIT, "image", "build", "-q", "-f", file, "-t", tag, context], self.env


class Buildah:
    name = "buildah"

    def __init__(self, disk, part):
        self.words = ["buildah", "--root", disk + "/buildah", "--runroot", disk + "/buildah-run", "--storage-driver", "overlay"]
        # Its files below /etc are another package's.
        with open(disk + "/policy.json", "w", encoding="utf-8") as f:
            json.dump({"default": [{"type": "insecureAcceptAnything"}]}, f)
        with open(disk + "/registries.conf", "w", encoding="utf-8"):
            pass
        self.policy = ["--signature-policy", disk + "/policy.json"]
        self.env = dict(os.environ, TMPDIR=disk, BUILDAH_ISOLATION="oci", CONTAINERS_REGISTRIES_CONF=disk + "/registries.conf")
        pulled = subprocess.run(self.words + ["pull", "-q", *self.policy, f"oci:{part}"], check=True, env=self.env, stdout=subprocess.PIPE, text=True)
        subprocess.run(self.words + ["tag", pulled.stdout.split()[-1], BASE], check=True, env=self.env)

    def build(self, file, context, tag):
        return self.words + ["bud", "-q", *self.policy, "--layers", "--pull-never", "-f", file, "-t", tag, context], self.env


def timed(s, what):
    command, env = what
    start = time.perf_counter()
    done = subprocess.run(command, cwd=s.directory, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr[-2000:]}")
    return (time.perf_counter() - start) * 1000


def on_disk(s):
    disk = os.path.join(s.scratch, "disk")
    os.makedirs(disk)
    script = f"truncate -s 4G {disk}.img && mkfs.ext4 -q -F {disk}.img && mount -o loop {disk}.img {disk}"
    done = subprocess.run(["sh", "-c", script], stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"no ext4 in a loop file: {done.stderr}")
    return disk


def peers(disk, part):
    out = [Davit(disk, part)]
    if not shutil.which("buildah"):
        print("buildah is not installed: davit alone", file=sys.stderr)
        return out
    try:
        out.append(Buildah(disk, part))
    except subprocess.CalledProcessError as e:
        print(f"buildah has no base image: {e}: davit alone", file=sys.stderr)
    return out


def report(figures, builders):
    names = [b.name for b in builders]
    print("| what | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for what, by in figures.items():
        cells = [f"{sorted(by[n])[len(by[n]) // 2]:.0f} ms (min {min(by[n]):.0f})" for n in names]
        print(f"| {what} | " + " | ".join(cells) + " |", flush=True)


def measure(s, builders, rounds):
    figures = {}
    for number in range(rounds + 1):  # the first warms
        for title, text, context in (("10 steps", TEN_STEPS, "ten"), (f"COPY . of {FILES} files", COPY_ALL, "many")):
            file = dockerfile(s, context, text, number)
            s.write(f"{context}/round", str(number))
            for builder in builders:
                for state in ("cold", "cached"):
                    took = timed(s, builder.build(file, context, f"{context}:{number}"))
                    if number > 0:
                        figures.setdefault(f"{title}, {state}", {}).setdefault(builder.name, []).append(took)
    report(figures, builders)


with Scenario("buildbench") as s:
    rounds = int(sys.argv[sys.argv.index("--rounds") + 1]) if "--rounds" in sys.argv else 5
    layout, part = os.environ["DAVIT_IMAGES"], os.path.join(s.scratch, "busybox")
    with open(layout + "/index.json", encoding="utf-8") as f:
        index = json.load(f)
    index["manifests"] = [m for m in index["manifests"] if ref_name(m) == "busybox:latest"]
    write_layout(layout, part, index)
    contexts(s)
    disk = on_disk(s)
    try:
        measure(s, peers(disk, part), rounds)
    finally:
        subprocess.run(["umount", "-R", disk], check=False)
