#!/usr/bin/env python3
"""vm.py plain|systemd|reboot: boots Debian's linux-image-cloud-amd64 and runs guest.sh in it.

plain: our own init, pure cgroup v2. systemd: systemd 252 is pid 1. reboot: the same, three boots of one disk with reboot.sh. The kernel and the root file
system's packages are fetched once into $VM_CACHE; davit travels with the libraries it loads.
"""
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
CACHE, OUT, DAVIT, IMAGES = (os.environ[n] for n in ("VM_CACHE", "VM_OUT", "DAVIT", "DAVIT_IMAGES"))
KIND = sys.argv[1]
BOOT_AND_RUN = {"plain": 600, "systemd": 600, "reboot": 750}[KIND]  # seconds, emulated and perhaps on a busy machine

TOOLS = ["/bin/dash", "/usr/sbin/nft", "/usr/bin/ps", "/usr/bin/findmnt", "/bin/ip", "/usr/bin/python3.11", "/usr/bin/curl"]
MODULES = """overlay veth bridge br_netfilter nf_tables nft_ct nft_nat nft_masq nft_chain_nat nft_fib_inet nft_fib_ipv4 nft_fib_ipv6
nft_reject_inet nft_redir nft_numgen nft_objref nft_limit nft_log nf_conntrack nf_conntrack_netlink nf_nat xt_conntrack loop
macvlan ipvlan dummy 8021q""".split()
SYSTEMD = "systemd systemd-sysv dbus dash coreutils grep sed findutils util-linux iproute2 nftables procps curl".split()
MASKED_UNITS = """apparmor.service systemd-modules-load.service systemd-sysctl.service systemd-tmpfiles-setup.service
systemd-tmpfiles-setup-dev.service systemd-journald-audit.socket systemd-networkd.service systemd-resolved.service
systemd-timesyncd.service systemd-hwdb-update.service systemd-random-seed.service systemd-update-utmp.service systemd-pstore.service
systemd-binfmt.service systemd-sysusers.service systemd-journal-flush.service systemd-remount-fs.service kmod-static-nodes.service
getty.target console-getty.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer
systemd-tmpfiles-clean.timer dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount
proc-sys-fs-binfmt_misc.automount""".split()


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def run(*command, **more):
    return subprocess.run(command, check=True, **more)


def said(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


# ---- packages

def fetch(names, directory):
    """Downloads exactly these packages; what is there stays, so that no network is needed twice."""
    os.makedirs(directory, exist_ok=True)
    missing = [n for n in names if not glob.glob(f"{directory}/{n}_*.deb")]
    why = ""
    for pause in (0, 2, 10, 30, 60):  # a mirror that is being updated, a proxy that is busy
        if not missing:
            return
        if pause:
            time.sleep(pause)
            subprocess.run(["apt-get", "-qq", "update"], stdout=subprocess.DEVNULL)
        why = subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3", "download", *missing], cwd=directory,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
        missing = [n for n in names if not glob.glob(f"{directory}/{n}_*.deb")]
    if missing:
        sys.exit("apt-get could not fetch " + " ".join(missing) + "\n" + why)


def closure(packages):
    with tempfile.TemporaryDirectory() as d:
        open(d + "/status", "w").close()
        os.mkdir(d + "/partial")
        out = said("apt-get", "-qq", "-y", "-o", f"Dir::State::status={d}/status", "-o", f"Dir::Cache::archives={d}",
                   "-o", "APT::Install-Recommends=0", "-o", "Debug::NoLocking=1", "--print-uris", "install", *packages)
    return sorted({l.split()[1].split("_")[0] for l in out.splitlines() if l.startswith("'")})


def kernel():
    """(vmlinuz, directory with lib/modules, version)"""
    have = sorted(glob.glob(CACHE + "/kernel/boot/vmlinuz-*"))
    if not have:
        name = re.search(r"Depends: (linux-image-\S+)", said("apt-cache", "depends", "linux-image-cloud-amd64"))
        if not name:
            subprocess.run(["apt-get", "-qq", "update"], stdout=subprocess.DEVNULL)
            name = re.search(r"Depends: (linux-image-\S+)", said("apt-cache", "depends", "linux-image-cloud-amd64"))
        if not name:
            skip("apt-get knows no linux-image-cloud-amd64")
        fetch([name.group(1)], CACHE + "/debs")
        shutil.rmtree(CACHE + "/unpacking", ignore_errors=True)
        run("dpkg-deb", "-x", glob.glob(f"{CACHE}/debs/{name.group(1)}_*.deb")[0], CACHE + "/unpacking")
        version = os.listdir(CACHE + "/unpacking/lib/modules")[0]
        run("busybox", "depmod", "-b", CACHE + "/unpacking", version, stderr=subprocess.DEVNULL)
        os.rename(CACHE + "/unpacking", CACHE + "/kernel")
        have = glob.glob(CACHE + "/kernel/boot/vmlinuz-*")
    return have[-1], CACHE + "/kernel", have[-1].split("vmlinuz-")[1]


# ---- the root file system

def copy(path, root, source=""):
    target = root + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if not os.path.lexists(target):
        shutil.copy2(os.path.realpath(source + path), target)


def libraries(program):
    return re.findall(r"(/\S+) \(0x", said("ldd", program))


def put_modules(tree, root, version):
    """The modules wanted and those they depend on: 91 MB would take seconds to copy."""
    base = f"{tree}/lib/modules/{version}"
    depends = {}
    for line in open(base + "/modules.dep", encoding="utf-8"):
        first, _, rest = line.partition(":")
        depends[os.path.basename(first).split(".ko")[0].replace("-", "_")] = [first] + rest.split()
    target = f"{root}/lib/modules/{version}"
    for module in MODULES:
        for path in depends.get(module, []):
            os.makedirs(os.path.dirname(f"{target}/{path}"), exist_ok=True)
            shutil.copy2(f"{base}/{path}", f"{target}/{path}")
    for extra in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
        if os.path.exists(f"{base}/{extra}"):
            shutil.copy2(f"{base}/{extra}", f"{target}/{extra}")
    run("busybox", "depmod", "-b", root, version, stderr=subprocess.DEVNULL)


def put_davit(root):
    """davit, the programs beside it, and their libraries."""
    beside = os.path.dirname(DAVIT)
    programs = [p for p in (os.path.join(beside, n) for n in sorted(os.listdir(beside)))
                if os.path.isfile(p) and (os.path.basename(p).startswith("davit") or ".so" in p)]
    os.makedirs(root + "/opt/davit", exist_ok=True)
    for p in programs:
        shutil.copy2(p, root + "/opt/davit/")
        for library in libraries(p):
            if not library.startswith(beside):
                copy(library, root)
    modules = os.path.join(beside, "modules")
    for p in glob.glob(modules + "/*.so"):
        os.makedirs(root + "/opt/davit/modules", exist_ok=True)
        shutil.copy2(p, root + "/opt/davit/modules/")
        for library in libraries(p):
            copy(library, root)


def put_tests(root):
    """The sample, guest.sh, and the host tests of $VM_TESTS: the whole machine is theirs."""
    for test in os.environ.get("VM_TESTS", "").split(":"):
        if test:
            os.makedirs(root + "/opt/tests", exist_ok=True)
            shutil.copy2(test, root + "/opt/tests/")
            for library in libraries(test):
                copy(library, root)
    shutil.copytree(os.path.join(HERE, "..", "..", "samples", "hello"), root + "/opt/hello")
    shutil.copy2(os.environ["VM_EXIT"], root + "/opt/vm_exit")
    os.makedirs(root + "/opt/boot")
    for name, at in (("boot.yaml", "compose.yaml"), ("boot_stack.yaml", "stack.yaml"), ("boot_broken.yaml", "broken.yaml")):
        shutil.copy2(os.path.join(HERE, name), root + "/opt/boot/" + at)
    for name in ("guest.sh", "init.sh", "reboot.sh"):
        shutil.copy2(os.path.join(HERE, name), root + "/opt/" + name)
        os.chmod(root + "/opt/" + name, 0o755)
    from harness import ref_name, write_layout
    with open(IMAGES + "/index.json", encoding="utf-8") as f:
        index = json.load(f)
    index["manifests"] = [m for m in index["manifests"] if ref_name(m) == "busybox:latest"]
    write_layout(IMAGES, root + "/opt/images", index)


def usr_merge(root):
    for d in ("bin", "sbin", "lib", "lib64"):
        os.makedirs(f"{root}/usr/{d}", exist_ok=True)
        if not os.path.lexists(f"{root}/{d}"):
            os.symlink("usr/" + d, f"{root}/{d}")


def skeleton(root):
    for d in ("dev", "proc", "sys", "run", "tmp", "var/lib", "var/log", "root", "etc", "opt"):
        os.makedirs(f"{root}/{d}", exist_ok=True)
    os.chmod(root + "/tmp", 0o1777)
    write(root + "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nmessagebus:x:101:101::/nonexistent:/bin/false\nnobody:x:65534:65534::/:/bin/false\n")
    write(root + "/etc/group", "root:x:0:\nmessagebus:x:101:\ntty:x:5:\nnogroup:x:65534:\nsystemd-journal:x:102:\n")
    write(root + "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    write(root + "/etc/hostname", "vm\n")
    write(root + "/etc/hosts", "127.0.0.1 localhost\n")
    write(root + "/etc/machine-id", "5f4dcc3b5aa765d61d8327deb882cf99\n")
    write(root + "/etc/fstab", "")


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def plain_root(root):
    usr_merge(root)
    skeleton(root)
    copy("/bin/busybox", root)
    for tool in TOOLS:
        if os.path.exists(tool):
            for path in [tool] + libraries(tool):
                copy(path, root)
    os.symlink("dash", root + "/bin/sh")
    # ip and others are real ones: busybox's lack namespaces
    for applet in "mount umount mkdir cat ls echo sleep modprobe sync grep sort uname sysctl kill true env head wc cut tr rm find seq".split():
        if not os.path.lexists(f"{root}/bin/{applet}"):
            os.symlink("busybox", f"{root}/bin/{applet}")
    os.symlink("../bin/busybox", root + "/sbin/modprobe")


# Beside what boots by itself, and after it; a reboot is no end of the machine.
REBOOT_UNIT = """[Unit]
After=basic.target dbus.service davit.service
[Service]
Type=simple
ExecStart=/opt/reboot.sh
ExecStopPost=/bin/sh -c 'test -e /var/lib/vmtest/rebooting || /opt/vm_exit $EXIT_STATUS'
Environment=PATH=/opt/davit:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
"""


def reboot_root(root):
    systemd_root(root)
    write(root + "/etc/systemd/system/vmtest.service", REBOOT_UNIT)
    wants = root + "/etc/systemd/system/multi-user.target.wants"
    os.makedirs(wants, exist_ok=True)
    os.symlink("../vmtest.service", wants + "/vmtest.service")


def systemd_root(root):
    base = CACHE + "/systemd"
    packages = closure(SYSTEMD)
    if not packages and not os.path.exists(base + "/key"):
        skip("apt-get knows no systemd")
    key = hashlib.sha256(" ".join(packages).encode()).hexdigest()
    if packages and (not os.path.exists(base + "/key") or open(base + "/key").read() != key):
        fetch(packages, CACHE + "/debs")
        shutil.rmtree(base, ignore_errors=True)
        usr_merge(base + "/root")
        for p in packages:  # no maintainer scripts run; the merged /usr needs --keep-directory-symlink
            run("sh", "-c", 'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2" --exclude=./usr/share/man '
                '--exclude=./usr/share/doc --exclude=./usr/share/locale --exclude=./usr/share/zoneinfo --exclude=./usr/lib/x86_64-linux-gnu/gconv',
                "sh", glob.glob(f"{CACHE}/debs/{p}_*.deb")[-1], base + "/root")
        write(base + "/key", key)
    run("cp", "-a", base + "/root/.", root)
    skeleton(root)
    copy("/bin/busybox", root)
    os.symlink("../bin/busybox", root + "/usr/sbin/modprobe")  # kmod's wants an index that busybox's depmod does not write
    for path in glob.glob(root + "/usr/lib/systemd/system-generators/*"):
        mask(root + "/etc/systemd/system-generators/" + os.path.basename(path))
    for unit in MASKED_UNITS:
        mask(root + "/etc/systemd/system/" + unit)
    write(root + "/etc/systemd/system/vmtest.target",
          "[Unit]\nRequires=basic.target\nAfter=basic.target\nWants=vmtest.service dbus.service\nAllowIsolate=yes\n")
    write(root + "/etc/systemd/system/vmtest.service", """[Unit]
After=basic.target dbus.service
[Service]
Type=oneshot
ExecStart=/opt/guest.sh
ExecStopPost=/bin/sh -c '/opt/vm_exit $EXIT_STATUS'
Delegate=yes
Environment=PATH=/opt/davit:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
TimeoutStartSec=580
""")


def mask(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.lexists(path):
        os.symlink("/dev/null", path)


# ---- the machine

def boot(vmlinuz, image):
    init = {"plain": "/opt/init.sh", "systemd": "/lib/systemd/systemd systemd.unit=vmtest.target systemd.show_status=0",
            "reboot": "/lib/systemd/systemd systemd.unit=multi-user.target systemd.show_status=0"}[KIND]
    command = ["timeout", "-k", "5", str(BOOT_AND_RUN), "nice", "-n", "10", "qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi",
               "-cpu", "max", "-smp", "2", "-m", "1024", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
               "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel", vmlinuz,
               "-drive", f"file={image},if=none,id=d0,format=raw,cache=unsafe", "-device", "nvme,drive=d0,serial=s0",
               "-append", f"console=ttyS0 panic=-1 quiet no_timer_check root=/dev/nvme0n1 rootfstype=ext4 rw init={init}"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")


def main():
    for tool in ("qemu-system-x86_64", "mke2fs", "busybox"):
        if not shutil.which(tool):
            skip(tool + " is missing")
    if os.geteuid() != 0:
        skip("making the root file system needs root")
    os.makedirs(CACHE, exist_ok=True)
    os.makedirs(OUT, exist_ok=True)
    vmlinuz, modules, version = kernel()
    with tempfile.TemporaryDirectory(dir=OUT) as work:
        root, image = work + "/root", work + "/root.ext4"
        os.mkdir(root)
        {"plain": plain_root, "systemd": systemd_root, "reboot": reboot_root}[KIND](root)
        put_modules(modules, root, version)
        put_davit(root)
        put_tests(root)
        run("mke2fs", "-q", "-t", "ext4", *([] if KIND == "reboot" else ["-O", "^has_journal"]), "-d", root, image, "600M", stdout=subprocess.DEVNULL)
        done = boot(vmlinuz, image)
        text = done.stdout
        boots = 1
        while KIND == "reboot" and done.returncode == 0 and boots < 3:  # -no-reboot: qemu ends where the machine would go on
            done = boot(vmlinuz, image)
            text += done.stdout
            boots += 1
    text = text.replace("\r", "")
    write(f"{OUT}/{KIND}.log", text)
    print(text[-6000:])
    print("\n".join(l for l in text.splitlines() if l.startswith("@@ FAILED")))  # wherever they stand
    if done.returncode != 1 or "@@ all passed" not in text:  # vm_exit 0 makes qemu's status 1
        sys.exit(f"{KIND}: qemu ended with {done.returncode}; the log is {OUT}/{KIND}.log")


main()
