"""A reboot as davit sees it, in a private host: every process is gone at once, what mirrored the kernel too, the boot id is another."""
import os
import re
import shutil
import signal
import subprocess
import time
import uuid

from harness import Failed

GROUPS = "/sys/fs/cgroup"


def sh(*command, fine=(0,)):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if fine and done.returncode not in fine:
        raise Failed(f"{' '.join(command)}: {done.stdout}")
    return done.stdout


def davit_groups():
    """The directories of control groups that are davit's, deepest first."""
    found = []
    for top, directories, _ in os.walk(GROUPS):
        if re.search(r"/davit(/|$)", top[len(GROUPS):]):
            found.append(top)
    return sorted(found, key=len, reverse=True)


def members():
    pids = set()
    for group in davit_groups():
        try:
            with open(group + "/cgroup.procs", encoding="ascii") as f:
                pids.update(int(l) for l in f)
        except OSError:
            pass
    return pids


def send(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def power_off(s):
    """All that davit runs dies at once: nobody sees another's end, so nothing is written down."""
    # Twice: what is born while the first are stopped.
    for _ in range(2):
        send(members() | set(s.pids(r"davit-(supervisor|shim|port-proxy)")), signal.SIGSTOP)
    end = time.monotonic() + 10
    while gone := members() | set(s.pids(r"davit-(supervisor|shim|port-proxy)")):
        send(gone, signal.SIGKILL)
        if time.monotonic() > end:
            raise Failed(f"still there: {gone}")
        time.sleep(0.05)


def forget_kernel(s):
    """What a boot begins without: links, rules, groups, /run."""
    for name in re.findall(r"^\d+: ([^:@]+)", sh("ip", "-o", "link"), re.M):
        if name.startswith("dv"):
            sh("ip", "link", "del", name, fine=())
    sh("nft", "delete", "table", "inet", "davit", fine=())
    for group in davit_groups():
        try:
            os.rmdir(group)
        except OSError:
            pass
    with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as f:
        f.write("0\n")
    shutil.rmtree("/run/davit", ignore_errors=True)
    path = os.path.join(s.scratch, "boot_id")
    with open(path, "w", encoding="ascii") as f:
        f.write(str(uuid.uuid4()) + "\n")
    sh("umount", "/proc/sys/kernel/random/boot_id", fine=())
    sh("mount", "--bind", path, "/proc/sys/kernel/random/boot_id")


def crash(s):
    """The power fails, and the machine comes up again."""
    power_off(s)
    forget_kernel(s)


def end():
    """The boot id is the machine's again."""
    sh("umount", "/proc/sys/kernel/random/boot_id")
