"""A scenario: one intent, steps whose names are sentences, checks of state rather than of text.

    with Scenario("hello") as s:
        s.images("busybox")
        before = s.listing()
        s.davit("up", "-d")
        s.eventually("the container runs", lambda: s.states() == {"hello": "running"}, within=5)
        s.davit("down")
        s.nothing_left(before)

Runs as root inside a private host. When it fails, what the machine held is written to
$DAVIT_E2E_ARTIFACTS/<name>; with DAVIT_KEEP_FAILED=1 the host stays until the test is killed.
"""
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import machine  # noqa: E402

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", ".."))


class Failed(Exception):
    pass


class Result:
    def __init__(self, command, code, out, err, seconds):
        self.command, self.code, self.out, self.err, self.seconds = command, code, out, err, seconds

    def __str__(self):
        return f"$ {' '.join(self.command)}\nexit {self.code} after {self.seconds:.2f} s\n{self.out}{self.err}"


class Scenario:
    def __init__(self, name, project=None, files=None):
        self.name, self.project = name, project or name
        self.binary = os.environ["DAVIT"]
        self.artifacts = os.path.join(os.environ.get("DAVIT_E2E_ARTIFACTS", "/tmp/artifacts"), name)
        self.scratch = os.path.realpath(tempfile.mkdtemp(prefix="e2e-"))
        self.directory = os.path.join(self.scratch, self.project)
        if files:
            shutil.copytree(files, self.directory)
        else:
            os.makedirs(self.directory)
        self.history = []
        self.started = time.monotonic()

    # ---- life

    def __enter__(self):
        if os.environ.get("DAVIT_PRIVATE_HOST") != "1":
            sys.exit("run this through ctest, or by tests/private-host: it changes the machine it runs on")
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            print(f"{self.name}: passed in {time.monotonic() - self.started:.1f} s")
            return
        if kind is SystemExit:
            return
        self.keep_artifacts(str(error))
        print(f"{self.name}: FAILED: {error}\nartifacts: {self.artifacts}", file=sys.stderr, flush=True)
        if os.environ.get("DAVIT_KEEP_FAILED") == "1":
            print(f"kept: nsenter -t {os.getpid()} -a (of this private host); end it with SIGTERM", file=sys.stderr, flush=True)
            signal.pause()
        if kind is Failed:
            os._exit(1)

    def keep_artifacts(self, why):
        shutil.rmtree(self.artifacts, ignore_errors=True)
        os.makedirs(self.artifacts)
        self.save("failure.txt", why + "\n\nwhat ran:\n\n" + "\n".join(str(r) for r in self.history))
        self.save("machine.json", json.dumps(self.listing(), indent=1))
        self.save("ps.txt", subprocess.run([self.binary, "ps", "-a"], cwd=self.directory, capture_output=True, text=True, timeout=20).stdout)
        for top in ("/var/lib/davit/projects", "/run/davit"):
            shutil.copytree(top, self.artifacts + top, dirs_exist_ok=True, symlinks=True, ignore=special_files) if os.path.isdir(top) else None

    def save(self, name, text):
        with open(os.path.join(self.artifacts, name), "w", encoding="utf-8") as f:
            f.write(text)

    # ---- doing

    def run(self, *command, stdin=None, env=None, within=60, cwd=None):
        start = time.monotonic()
        try:
            done = subprocess.run(command, cwd=cwd or self.directory, input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", timeout=within,
                                  env=dict(os.environ, **(env or {})))
            result = Result(command, done.returncode, done.stdout, done.stderr, time.monotonic() - start)
        except subprocess.TimeoutExpired as e:
            said = b"".join(x for x in (e.stdout, e.stderr) if x).decode("utf-8", "replace")
            self.history.append(Result(command, "none", said, "", within))
            raise Failed(f"{' '.join(command)}: still running after {within} s: {said[-400:]}")
        self.history.append(result)
        return result

    def davit(self, *words, exit=0, out=None, err=None, **more):
        """Runs davit in the project's directory. exit: the wanted code (None: any); out, err: expressions that must match."""
        result = self.run(self.binary, *words, **more)
        if exit is not None and result.code != exit:
            raise Failed(f"wanted exit code {exit}: {result}")
        for wanted, got, where in ((out, result.out, "stdout"), (err, result.err, "stderr")):
            if wanted is not None and not re.search(wanted, got, re.M):
                raise Failed(f"{where} lacks /{wanted}/: {result}")
        return result

    def start(self, *words, **more):
        """davit in the background; the caller waits for it."""
        return subprocess.Popen([self.binary, *words], cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, **more)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def images(self, *names):
        """Loads sample images from the layout in $DAVIT_IMAGES."""
        layout, part = os.environ["DAVIT_IMAGES"], os.path.join(self.scratch, "images")
        with open(os.path.join(layout, "index.json"), encoding="utf-8") as f:
            index = json.load(f)
        index["manifests"] = [m for m in index["manifests"] if ref_name(m).split(":")[0] in names]
        if len(index["manifests"]) != len(names):
            raise Failed(f"{layout} lacks one of {names}")
        write_layout(layout, part, index)
        self.davit("image", "load", "-i", part)
        shutil.rmtree(part)

    # ---- looking

    def check(self, what, ok, detail=""):
        if not ok:
            raise Failed(f"{what}: no {detail}")

    def equal(self, what, wanted, got):
        if wanted != got:
            raise Failed(f"{what}: wanted {wanted!r}, got {got!r}")

    def eventually(self, what, check, within=10):
        """Until check() is true. It may raise, which is false."""
        end, last = time.monotonic() + within, None
        while True:
            try:
                last = check()
                if last:
                    return last
            except (Failed, OSError, ValueError, LookupError, http.client.HTTPException) as e:
                last = e
            if time.monotonic() > end:
                raise Failed(f"not within {within} s: {what} (last: {last})")
            time.sleep(0.02)

    def ps(self, *more):
        """The project's containers as `davit ps -a --format json` tells them."""
        out = self.davit("ps", "-a", "--format", "json", *more).out
        return [json.loads(l) for l in out.splitlines() if l.strip()] if not out.startswith("[") else json.loads(out)

    def states(self):
        return {c["Service"]: c["State"] for c in self.ps()}

    def healths(self):
        return {c["Service"]: c.get("Health", "") for c in self.ps()}

    def pids(self, pattern):
        """Processes of this host whose command line matches."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            line = machine.read(f"/proc/{pid}/cmdline").replace("\0", " ")
            if re.search(pattern, line) and int(pid) != os.getpid():
                found.append(int(pid))
        return sorted(found)

    def listing(self):
        return machine.listing([self.scratch])

    def nothing_left(self, before, within=3, but=()):
        """The machine is as it was. Namespaces and links die shortly after their last user, hence a deadline."""
        end = time.monotonic() + within
        while True:
            left = [d for d in machine.differences(before, self.listing()) if not any(re.search(b, d) for b in but)]
            if not left:
                return
            if time.monotonic() > end:
                raise Failed("left behind, or changed:\n  " + "\n  ".join(left[:40]))
            time.sleep(0.05)


def ref_name(manifest):
    return manifest["annotations"]["org.opencontainers.image.ref.name"]


def write_layout(layout, part, index):
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(os.path.join(part, "blobs", "sha256"))
    for manifest in index["manifests"]:
        todo = [manifest["digest"]]
        with open(blob(layout, manifest["digest"]), encoding="utf-8") as f:
            inner = json.load(f)
        todo += [inner["config"]["digest"]] + [l["digest"] for l in inner["layers"]]
        for digest in todo:
            if not os.path.exists(blob(part, digest)):
                shutil.copyfile(blob(layout, digest), blob(part, digest))
    shutil.copyfile(os.path.join(layout, "oci-layout"), os.path.join(part, "oci-layout"))
    with open(os.path.join(part, "index.json"), "w", encoding="utf-8") as f:
        json.dump(index, f)


def blob(layout, digest):
    return os.path.join(layout, "blobs", *digest.split(":"))


def special_files(directory, names):
    """For copytree: fifos and sockets are left out, and so are container file systems."""
    paths = [(n, os.path.join(directory, n)) for n in names]
    return [n for n, p in paths if n in ("upper", "work") or not (os.path.isdir(p) or os.path.isfile(p))]
