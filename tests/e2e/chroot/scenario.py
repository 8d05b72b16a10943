"""davit in a chroot, as in a rescue or build root: containers start, are checked and entered, and hold nothing of the machine."""
import os
import subprocess

from harness import Scenario

COMPOSE = """
services:
  a:
    image: busybox
    command: sleep 1000
    volumes: [./file:/file:ro]
    healthcheck: {test: ["CMD-SHELL", "pwd > /tmp/seen; stat -L -c %t:%T /proc/self/fd/0 >> /tmp/seen"], interval: 200ms}
    post_start: [{command: ["sh", "-c", "echo hook > /tmp/hook"]}]
  b:
    image: busybox
    command: sleep 1000
    pid: service:a
    depends_on: {a: {condition: service_healthy}}
"""


def enter_chroot(jail):
    """All directories of the machine below a plain directory that is no mount point, and this process in it."""
    os.mkdir(jail)
    for name in os.listdir("/"):
        path = "/" + name
        if os.path.islink(path):
            os.symlink(os.readlink(path), jail + path)
        elif os.path.isdir(path):
            os.mkdir(jail + path)
            # /run holds the jail itself; what is mounted below /tmp, as a checkout may be, comes along.
            subprocess.run(["mount", "--bind" if name == "run" else "--rbind", path, jail + path], check=True)
    os.chroot(jail)
    os.chdir("/")


with Scenario("chroot") as s:
    s.images("busybox")
    s.write("compose.yaml", COMPOSE)
    s.write("file", "of the chroot\n")
    enter_chroot("/run/jail")
    machine = os.stat("/proc/1/root/")

    s.davit("up", "-d", "--wait")
    s.equal("a healthcheck succeeds", "healthy", s.davit("ps", "--format", "{{.Health}}", "a").out.strip())
    s.equal("it ran in the container's root with the container's /dev/null", "/\n1:3\n", s.davit("exec", "-T", "a", "cat", "/tmp/seen").out)
    s.equal("hooks ran", "hook\n", s.davit("exec", "-T", "a", "cat", "/tmp/hook").out)
    s.equal("a volume is the chroot's", "of the chroot\n", s.davit("exec", "-T", "a", "cat", "/file").out)
    s.equal("exec ends up in the working directory asked for", "/etc\n", s.davit("exec", "-T", "-w", "/etc", "a", "pwd").out)
    s.equal("who joins the pid namespace sees its processes", "sleep 1000 \n", s.davit("exec", "-T", "b", "sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline; echo").out)
    for service in ("a", "b"):
        container = s.davit("ps", "-q", service).out.strip()
        pid = s.davit("container", "inspect", "--format", "{{.State.Pid}}", container).out.strip()
        root = os.stat(f"/proc/{pid}/root/")
        seen = subprocess.run(["nsenter", f"--mount=/proc/{pid}/ns/mnt", "stat", "-c", "%d:%i", "/"], capture_output=True, text=True).stdout.strip()
        s.equal(f"setns into {service} shows its root", f"{root.st_dev}:{root.st_ino}", seen)
        s.check(f"the root of {service} is not the machine's", (root.st_dev, root.st_ino) != (machine.st_dev, machine.st_ino), seen)
    s.davit("down", "-t", "0")
    s.equal("down leaves no container", [], s.ps())
