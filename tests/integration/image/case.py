"""A davit with a store of its own, for each test; and the tests' main()."""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

DAVIT = os.environ["DAVIT"]


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.state = self.dir + "/state"
        self.store = self.state + "/images"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "REGISTRY_", "XDG_"))}
        self.env.update(DAVIT_STATE_DIR=self.state, DAVIT_RUN_DIR=self.dir + "/run", HOME=self.dir)

    def run_davit(self, *args, code=0, stdin=b"", env=None):
        result = subprocess.run([DAVIT, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(self.env, **(env or {})), timeout=100)
        if code is not None:
            self.assertEqual(result.returncode, code, (args, result.stdout[-2000:], result.stderr.decode()[-2000:]))
        result.err = result.stderr.decode()
        result.out = result.stdout.decode(errors="replace")
        return result

    def pull(self, name, *more, **keywords):
        return self.run_davit("image", "pull", *more, name, **keywords)

    def inspect(self, name, *more):
        return json.loads(self.run_davit("image", "inspect", *more, name).out)[0]

    def names(self):
        return self.run_davit("image", "ls", "-a", "--format", "{{.Repository}}:{{.Tag}}").out.split()

    def content(self, name, path, platform=None):
        """A file of an image, read from its layers, topmost first."""
        for lower in self.inspect(name, *(("--platform", platform) if platform else ()))["GraphDriver"]["Data"]["LowerDirs"]:
            if os.path.exists(lower + "/" + path):
                with open(lower + "/" + path, "rb") as f:
                    return f.read()
        return None

    def kept(self, *parts):
        """What stands in the store, beside its locks."""
        return sorted(p for d in parts or ("blobs/sha256", "l", "layers", "images", "refs", "ingest", "leases", "trash") for p in
                      (d + "/" + n for n in (os.listdir(self.store + "/" + d) if os.path.isdir(self.store + "/" + d) else [])))

    def own_etc(self):
        """What is written to /etc from here on is this test's own."""
        os.makedirs(self.dir + "/etc/upper")
        os.makedirs(self.dir + "/etc/work")
        subprocess.run(["mount", "-t", "overlay", "-o", "lowerdir=/etc,upperdir=%s/etc/upper,workdir=%s/etc/work" % (self.dir, self.dir), "none", "/etc"], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", "/etc"], check=True)

    def daemon_json(self, **settings):
        os.makedirs("/etc/davit", exist_ok=True)
        with open("/etc/davit/daemon.json", "w") as f:
            json.dump({key.replace("_", "-"): value for key, value in settings.items()}, f)

    def login(self, host, user, password):
        os.makedirs(self.dir + "/docker", exist_ok=True)
        with open(self.dir + "/docker/config.json", "w") as f:
            json.dump({"auths": {host: {"auth": base64.b64encode(("%s:%s" % (user, password)).encode()).decode()}}}, f)
        return {"DOCKER_CONFIG": self.dir + "/docker"}


def main():
    """Exit status 77 when nothing could be tried; the last line says why."""
    if os.geteuid() != 0:
        print("skipped: needs root")
        sys.exit(77)
    result = unittest.main(verbosity=2, exit=False).result
    if result.wasSuccessful() and result.testsRun == len(result.skipped):
        print("skipped: " + ", ".join(sorted({why for _, why in result.skipped})))
        sys.exit(77)
    sys.exit(not result.wasSuccessful())
