#!/usr/bin/env python3
"""Images in use: pull policies and platforms of services, what the configuration says, rm and prune."""
import json
import os
import subprocess
import time
import unittest

from case import DAVIT, Case, main
from images import Image, index, tar
from servers import Faulty

BUSYBOX = next((p for p in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(p)), None)
HOUR = 3600


def busybox(**config):
    """An image that runs."""
    with open(BUSYBOX, "rb") as f:
        program = f.read()
    files = {"bin/": None, "bin/busybox": program, "etc/": None, "tmp/": None, "etc/passwd": b"root:x:0:0::/:/bin/sh\nanna:x:7:8::/home:/bin/sh\n", "etc/group": b"root:x:0:\nstaff:x:8:\n"}
    return Image([tar(files, modes={"bin/busybox": 0o755})], arch={"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine], config=config)


class Project(Case):
    def setUp(self):
        super().setUp()
        self.registry = Faulty()
        self.env.update(COMPOSE_PROJECT_NAME="use")
        os.makedirs(self.dir + "/project")
        self.addCleanup(self.davit, "down", "-v", "-t", "0", code=None)

    def compose(self, **service):
        with open(self.dir + "/project/compose.yaml", "w") as f:
            f.write("services:\n  a:\n" + "".join("    %s: %s\n" % item for item in service.items()))

    def davit(self, *args, code=0):
        result = subprocess.run([DAVIT, *args], cwd=self.dir + "/project", env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=100)
        if code is not None:
            self.assertEqual(result.returncode, code, (args, result.stdout[-2000:], result.stderr[-2000:]))
        return result

    def asked(self):
        """The requests since the last call, by method."""
        out = [method for method, _, _ in self.registry.requests]
        self.registry.requests.clear()
        return out


class Policies(Project):
    def setUp(self):
        super().setUp()
        self.name = self.registry.put("app:1", Image([{"a": b"1"}]))

    def create(self, *args, policy=None, code=0, **more):
        self.compose(image=self.name, **(dict(pull_policy=policy) if policy else {}), **more)
        return self.davit("create", *args, code=code)

    def age(self, seconds):
        """Makes the name as old as if it had been pulled then."""
        then = time.time() - seconds
        link = self.store + "/refs/" + self.name.replace("/", "%")
        os.utime(link, (then, then), follow_symlinks=False)

    def test_what_each_policy_asks_for_when_the_image_is_there(self):
        self.create()
        self.assertEqual(self.asked(), ["GET"] * 3)
        for policy in (None, "missing", "if_not_present", "never", "build"):
            self.age(365 * 24 * HOUR)
            self.create(policy=policy)
            self.assertEqual(self.asked(), [], policy)
        self.create(policy="always")
        self.assertEqual(self.asked(), ["HEAD"])

    def test_policies_with_an_age(self):
        self.create()
        self.asked()
        for policy, hours in (("daily", 24), ("weekly", 7 * 24), ("every_2h", 2), ("every_3d", 72), ("every_1w2d", 9 * 24), ("every_90m", 1.5), ("refresh", 3)):
            more = {"pull_refresh_after": "3h"} if policy == "refresh" else {}
            self.age((hours - 0.2) * HOUR)
            self.create(policy=policy, **more)
            self.assertEqual(self.asked(), [], policy + ": young enough")
            self.age((hours + 0.2) * HOUR)
            self.create(policy=policy, **more)
            self.assertEqual(self.asked(), ["HEAD"], policy + ": too old")
            self.create(policy=policy, **more)
            self.assertEqual(self.asked(), [], policy + ": asked a moment ago")

    def test_never_fetches_nothing(self):
        self.assertIn("No such image", self.create(policy="never", code=1).stderr)
        self.assertIn("No such image", self.create("--pull", "never", code=1).stderr)
        self.assertEqual(self.asked(), [])

    def test_the_flag_overrules_the_policy(self):
        self.create("--pull", "missing")
        self.asked()
        self.create("--pull", "always", policy="never")
        self.assertEqual(self.asked(), ["HEAD"])
        self.create("--pull", "never", policy="always")
        self.assertEqual(self.asked(), [])

    def test_a_moved_tag_is_fetched_and_the_container_made_anew(self):
        self.create()
        before = self.davit("ps", "-aq").stdout
        newer = Image([{"a": b"2"}])
        self.registry.put("app:1", newer)
        self.create()
        self.assertEqual(self.davit("ps", "-aq").stdout, before)
        self.create(policy="always")
        self.assertNotEqual(self.davit("ps", "-aq").stdout, before)
        self.assertEqual(self.inspect(self.name)["Id"], newer.id)

    def test_the_services_platform(self):
        arm, amd = Image([{"p": b"arm"}], arch="arm64"), Image([{"p": b"amd"}])
        self.name = self.registry.put("many:1", arm, amd, extra_index=index([arm, amd]))
        self.create()
        self.assertEqual(self.inspect(self.name)["Architecture"], {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine])
        self.create(platform="linux/arm64")
        made = self.davit("ps", "-aq").stdout.split()
        self.assertEqual([json.loads(self.davit("container", "inspect", c).stdout)[0]["Image"] for c in made], [arm.id])
        self.assertEqual(self.inspect(self.name, "--platform", "linux/arm64")["Id"], arm.id)
        self.assertIn("no matching manifest for linux/s390x", self.create(platform="linux/s390x", code=1).stderr)


@unittest.skipUnless(BUSYBOX, "busybox is not installed")
class InUse(Project):
    def run_with(self, image, *command, **service):
        self.compose(image=self.registry.put("app:1", image), pull_policy="always", **service)
        return self.davit("run", "--rm", "-T", "a", *command)

    def test_the_configuration_is_honoured(self):
        shell = ["/bin/busybox", "sh", "-c"]
        image = busybox(User="anna:staff", Env=["A=b", "PATH=/bin"], WorkingDir="/srv/here", Entrypoint=shell, Cmd=["/bin/busybox id -u; /bin/busybox id -g; pwd; echo $A"])
        self.assertEqual(self.run_with(image).stdout, "7\n8\n/srv/here\nb\n")
        self.assertEqual(self.run_with(image, "echo $A $C", environment="[C=d, A=e]").stdout, "e d\n")
        self.assertEqual(self.run_with(image, user="'0:5'", working_dir="/tmp").stdout, "0\n5\n/tmp\nb\n")
        self.assertEqual(self.run_with(image, entrypoint="[/bin/busybox, echo]").stdout, "\n", "an entrypoint of the service drops the image's command")

    def test_volumes_ports_signal_and_health(self):
        image = busybox(Cmd=["/bin/busybox", "sh", "-c", "trap 'exit 0' USR1; /bin/busybox sleep 1000 & wait"], Volumes={"/data": {}}, ExposedPorts={"81/tcp": {}, "82/udp": {}}, StopSignal="SIGUSR1",
                        Healthcheck={"Test": ["CMD", "/bin/busybox", "true"], "Interval": 200000000})
        self.compose(image=self.registry.put("app:1", image))
        self.davit("up", "-d", "--wait")
        shown = self.davit("ps", "--format", "{{.Health}} {{.Ports}}").stdout
        self.assertEqual(shown, "healthy 81/tcp, 82/udp\n")
        self.assertIn(" /data ", self.davit("exec", "-T", "a", "/bin/busybox", "cat", "/proc/mounts").stdout)
        start = time.monotonic()
        self.davit("stop", "-t", "30")
        self.assertEqual(self.davit("ps", "-a", "--format", "{{.ExitCode}}").stdout, "0\n")
        self.assertLess(time.monotonic() - start, 20, "it ends by SIGUSR1, not by SIGTERM")

    def test_health_none(self):
        image = busybox(Cmd=["/bin/busybox", "sleep", "1000"], Healthcheck={"Test": ["NONE"]})
        self.compose(image=self.registry.put("app:1", image))
        self.davit("up", "-d", "--wait")
        self.assertEqual(self.davit("ps", "--format", "[{{.Health}}]").stdout, "[]\n")

    def test_what_a_container_uses_is_kept(self):
        name = self.registry.put("app:1", busybox(Cmd=["/bin/busybox", "echo", "still here"]))
        self.compose(image=name)
        self.davit("create")
        image = self.inspect(name)
        self.assertIn("is using its referenced image", self.run_davit("image", "rm", name, code=1).err)
        self.assertIn("is using its referenced image", self.run_davit("image", "rm", image["Id"], code=1).err)
        self.assertNotIn(image["Id"], self.run_davit("image", "prune", "-af").out)
        self.assertEqual(self.run_davit("image", "rm", "-f", name).out.split("\n")[0], "Untagged: " + name)
        self.assertTrue(all(os.path.isdir(d) for d in image["GraphDriver"]["Data"]["LowerDirs"]))
        self.davit("start")
        self.davit("wait", "a", code=None)
        self.assertIn("still here", self.davit("logs").stdout)
        self.davit("down", "-v")  # the history keeps the image else
        self.assertIn(image["Id"], self.run_davit("image", "prune", "-af").out)
        self.assertEqual(self.kept(), [])


if __name__ == "__main__":
    main()
