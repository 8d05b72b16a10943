"""What a machine holds, category by category: taken before and after, the two must be equal."""
import os
import re
import subprocess
from collections import Counter

# Counters and what the kernel itself changes; everything else under /proc/sys counts.
VOLATILE = re.compile(
    r"/proc/sys/(fs/(dentry-state|file-nr|inode-nr|inode-state|aio-nr|quota|binfmt_misc|mqueue)|kernel/(random|ns_last_pid|pty/nr|keys|"
    r"sched_domain|perf|tainted|core_modes)|net/netfilter/nf_conntrack_(count|max|buckets)|net/nf_conntrack_max|net/ipv[46]/(conf|neigh)/|"
    r"net/ipv[46]/route/flush|net/ipv4/(fib_notify|tcp_fastopen_key)|vm/(stat_refresh|compact_memory|drop_caches)|user/)")
# Images, volumes and records stay after `down`, docs/DESIGN.md §5.
# /run/mount is where util-linux notes a mount made by hand.
# The checkout may lie below /tmp, where other tests write at the same time.
CHECKOUT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", ".."))
KEPT = (CHECKOUT, "/run/mount", "/var/lib/davit/images", "/var/lib/davit/volumes", "/var/lib/davit/projects", "/var/lib/davit/networks", "/var/lib/davit/cache", "/var/lib/davit/revisions",
        "/var/lib/davit/events", "/var/lib/davit/builds")
MARKS = ("/var/lib/davit/names", "/var/lib/davit/names/.boot", "/var/lib/davit/names/.lock")  # names themselves go


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.splitlines()


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def parent_of(pid):
    found = re.search(r"^PPid:\t(\d+)", read(f"/proc/{pid}/status"), re.M)
    return int(found.group(1)) if found else 0


def processes():
    """Every process but this one, its ancestors and its children; zombies too."""
    mine = {os.getpid()}
    while (up := parent_of(min(mine))) > 0:
        mine.add(up)
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) in mine or parent_of(pid) == os.getpid():
            continue
        name = read(f"/proc/{pid}/cmdline").replace("\0", " ").strip() or "[%s]" % read(f"/proc/{pid}/comm").strip()
        state = re.search(r"^State:\t(\S)", read(f"/proc/{pid}/status"), re.M)
        if state:
            found.append(f"{name} (pid {pid}{', zombie' if state.group(1) == 'Z' else ''})")
    return found


def mounts():
    return [" ".join(l.split()[3:]) for l in read("/proc/1/mountinfo").splitlines()]


def network():
    lines = []
    for what in ("addr", "route show table all", "-6 route show table all", "rule", "-6 rule"):
        for line in output("ip", "-o", *what.split()) if what == "addr" else output("ip", *what.split()):
            lines.append(f"ip {what}: " + re.sub(r"(valid_lft|preferred_lft|expires) \S+", "", line))
    lines += ["link: " + re.sub(r"^\d+: ", "", l) for l in output("ip", "-o", "link")]
    return lines + ["netns: " + l for l in output("ip", "netns")]


def cgroups():
    return [path for path, _, _ in os.walk("/sys/fs/cgroup")]


def sysctls():
    lines = []
    for path, dirs, files in os.walk("/proc/sys"):
        for f in files:
            full = os.path.join(path, f)
            if not VOLATILE.match(full):
                lines.append(full + " = " + read(full).strip())
    for family in ("ipv4", "ipv6"):  # the settings of all links, without those that come and go
        for which in ("all", "default", "lo"):
            base = f"/proc/sys/net/{family}/conf/{which}"
            lines += [f"{base}/{f} = " + read(f"{base}/{f}").strip() for f in sorted(os.listdir(base)) if f != "stable_secret"] \
                if os.path.isdir(base) else []
    return lines


def files(kept):
    def is_kept(path):
        return any(path == k or path.startswith(k + "/") for k in kept)

    lines = []
    for top in ("/run", "/tmp", "/var/lib/davit", "/dev/shm", "/etc"):
        for path, dirs, names in os.walk(top):
            if is_kept(path):
                dirs[:] = []
                continue
            dirs[:] = [d for d in dirs if not is_kept(os.path.join(path, d))]
            lines += [os.path.join(path, n) for n in names + dirs]
    return [line for line in lines if line not in MARKS]


def listing(scratch):
    """scratch: directories that belong to the test itself."""
    kept = KEPT + tuple(scratch)
    return {
        "processes": processes(),
        "mounts": mounts(),
        "network": network(),
        "nft": output("nft", "list", "ruleset"),
        "cgroups": cgroups(),
        "sysctls": sysctls(),
        "files": files(kept),
        "containers": [os.path.join(p, d) for p, dirs, _ in os.walk("/var/lib/davit/projects") if p.endswith(("/containers", "/staging"))
                       for d in dirs],
    }


def differences(before, after):
    """Lines "+ category: item" for what is new and "- category: item" for what is gone; pids do not count."""
    def counted(items):
        return Counter(re.sub(r" \(pid \d+", " (pid", i) for i in items)

    found = []
    for category in before:
        was, is_now = counted(before[category]), counted(after[category])
        found += [f"+ {category}: {i}" for i in (is_now - was)] + [f"- {category}: {i}" for i in (was - is_now)]
    return found
