"""What davit does below directories that a container, or somebody else, can write."""
import json
import os
import stat
import tarfile

from harness import Scenario

SLEEP = "image: busybox\n    command: sleep 3600\n    stop_signal: KILL\n"


def put(path, text="mine"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def get(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def victim(s):
    """What stands outside of every container, as (path, content, mode) of all its files."""
    top = s.scratch + "/victim"
    return sorted((p, get(p + "/" + f), stat.S_IMODE(os.stat(p + "/" + f).st_mode)) for p, _, files in os.walk(top) for f in files)


def volume(name):
    return f"/var/lib/davit/volumes/{name}/_data"


def end(s, before):
    s.davit("down", "-v", "-t", "0", "--remove-orphans")
    s.nothing_left(before)


def configs_stay_inside(s, before):
    """A config is written through volumes as docker's copy does it: links lead where they lead in the container."""
    put(s.scratch + "/victim/cron.d/old")
    put(s.scratch + "/victim/job")
    outside = victim(s)
    s.write("compose.yaml", f"""
services:
  a:
    {SLEEP}    volumes: ["data:/app", "sub:/app/deeper"]
    configs:
      - {{source: c, target: /app/conf/job, mode: 0440, uid: "5", gid: "6"}}
      - {{source: c, target: /app/deeper/x/y}}
      - {{source: c, target: /etc/plain}}
configs: {{c: {{content: "* * * * * root"}}}}
volumes: {{data: {{}}, sub: {{}}}}
""")
    s.davit("create")
    data = volume("paths_data")
    s.equal("it is in the volume", "* * * * * root", get(data + "/conf/job"))
    status = os.stat(data + "/conf/job")
    s.equal("with its owner and mode", (5, 6, 0o440), (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)))
    s.equal("of two volumes the inner one has it", "* * * * * root", get(volume("paths_sub") + "/x/y"))
    for what, make in {
        "a link to a directory outside": lambda: os.symlink(s.scratch + "/victim/cron.d", data + "/conf"),
        "a relative link out": lambda: os.symlink("../" * 12 + s.scratch[1:] + "/victim/cron.d", data + "/conf"),
        "a link at the file": lambda: (os.mkdir(data + "/conf"), os.symlink(s.scratch + "/victim/job", data + "/conf/job")),
        "a fifo at the file": lambda: (os.mkdir(data + "/conf"), os.mkfifo(data + "/conf/job")),
        "a device at the file": lambda: (os.mkdir(data + "/conf"), os.mknod(data + "/conf/job", stat.S_IFCHR | 0o666, os.makedev(1, 5))),
        "a hard link at the file": lambda: (os.mkdir(data + "/conf"), put(data + "/other", "kept"), os.link(data + "/other", data + "/conf/job")),
        "a link to the container's own directory": lambda: os.symlink("/etc", data + "/conf"),
    }.items():
        s.run("rm", "-rf", data + "/conf")
        make()
        s.davit("up", "-d", "--force-recreate", "-t", "0", within=30)
        s.equal(what + " changes nothing outside", outside, victim(s))
        s.equal(what + ": the container reads it", "* * * * * root", s.davit("exec", "-T", "a", "cat", "/app/conf/job").out)
    s.equal("the other link of a file keeps its content", "kept", get(data + "/other"))
    s.run("rm", "-rf", data + "/conf")
    os.makedirs(data + "/conf/job")
    s.davit("up", "-d", "--force-recreate", "-t", "0", exit=1, err="cannot overwrite directory")
    end(s, before)
    s.write("f", "of the host")
    s.write("compose.yaml", f"""
services:
  a:
    {SLEEP}    volumes: ["data:/ro:ro", "./f:/f"]
    configs: [{{source: c, target: /TARGET}}]
configs: {{c: {{content: "x"}}}}
volumes: {{data: {{}}}}
""".replace("/TARGET", "/ro/x"))
    s.davit("up", "-d", exit=1, err="Read-only file system")
    s.write("compose.yaml", get(s.directory + "/compose.yaml").replace("/ro/x", "/f"))
    s.davit("up", "-d", exit=1, err="something is mounted at /f")
    s.equal("a bind's file is not written", "of the host", get(s.directory + "/f"))
    end(s, before)


def image_files_and_configs(s, before):
    """A volume is filled from the image before a config is written into it."""
    s.write("compose.yaml", """
services:
  a:
    image: redis:7
    entrypoint: [sleep, "3600"]
    stop_signal: KILL
    volumes: ["conf:/usr/bin"]
    configs: [{source: c, target: /usr/bin/added}]
configs: {c: {content: x}}
volumes: {conf: {}}
""")
    s.davit("create")
    there = os.listdir(volume("paths_conf"))
    s.check("both are there", "added" in there and "redis-cli" in there, there)
    end(s, before)


def stopped_containers(s, before):
    """cp sees a subpath as the start does: its links stay in the volume."""
    put(s.scratch + "/victim/name", "host")
    outside = victim(s)
    s.write("compose.yaml", f"""
services:
  a:
    {SLEEP}    volumes: [{{type: volume, source: data, target: /data, volume: {{subpath: sub}}}}]
  b:
    {SLEEP}    volumes: ["data:/v"]
volumes: {{data: {{}}}}
""")
    s.davit("up", "-d", "b")
    s.davit("exec", "-T", "b", "mkdir", "/v/sub")
    s.davit("up", "-d")
    s.davit("stop", "a")
    s.write("payload", "p")
    for link in ("/", "../" * 12, s.scratch + "/victim"):
        s.run("rm", "-rf", volume("paths_data") + "/sub")
        os.symlink(link, volume("paths_data") + "/sub")
        for path in (s.scratch + "/victim/name", "name"):
            found = s.davit("cp", "a:/data/" + path, "out", exit=None)
            s.check(f"nothing of the host comes through {link}", not os.path.exists(s.directory + "/out"), str(found))
        s.davit("cp", "payload", "a:/data/" + s.scratch + "/victim/new", exit=None)
        s.davit("cp", "payload", "a:/data/new", exit=None)
        s.equal(f"nothing goes out through {link}", outside, victim(s))
    end(s, before)


def mounted_files(s, before):
    """cp writes into what is mounted and leaves it mounted."""
    s.write("rw", "old")
    s.write("ro", "old")
    os.chmod(s.directory + "/rw", 0o640)
    s.write("new", "new and longer")
    s.write("dir/hosts", "127.0.0.1 copied\n")
    s.write("compose.yaml", f"""
services:
  a:
    {SLEEP}    volumes: ["./ro:/etc/ro:ro", "./rw:/etc/rw", "vol:/mnt/vol"]
    secrets: [s]
secrets: {{s: {{environment: PATH}}}}
volumes: {{vol: {{}}}}
""")

    def mounts():
        return s.davit("exec", "-T", "a", "cat", "/proc/self/mounts").out
    s.davit("up", "-d")
    mounted = mounts()
    for running in (True, False):
        s.write("rw", "old")
        s.davit("cp", "new", "a:/etc/rw")
        s.equal("the bind's source has it", "new and longer", get(s.directory + "/rw"))
        s.equal("and keeps its mode", 0o640, stat.S_IMODE(os.stat(s.directory + "/rw").st_mode))
        s.davit("cp", "rw", "a:/etc/rw")
        s.equal("copied onto itself it stays whole", "new and longer", get(s.directory + "/rw"))
        s.davit("cp", "new", "a:/etc/ro", exit=1, err="/etc/ro is mounted read-only")
        s.equal("a read-only one stays", "old", get(s.directory + "/ro"))
        s.davit("cp", "dir/.", "a:/etc")
        os.symlink("x", s.directory + "/link")
        s.davit("cp", "link", "a:/etc/rw", exit=1, err="is a mount point")
        os.unlink(s.directory + "/link")
        s.davit("cp", "dir", "a:/etc/rw", exit=1, err="cannot copy directory")
        s.davit("cp", "dir", "a:/mnt/vol")
        s.equal("a mounted directory takes what comes", "127.0.0.1 copied\n", get(volume("paths_vol") + "/dir/hosts"))
        if running:
            s.davit("cp", "new", "a:/run/secrets/s", exit=1, err="/run/secrets/s is mounted read-only")
            s.equal("nothing was unmounted", mounted, mounts())
            s.equal("the container sees the new file", "new and longer", s.davit("exec", "-T", "a", "cat", "/etc/rw").out)
            s.equal("its own files too", "127.0.0.1 copied\n", s.davit("exec", "-T", "a", "cat", "/etc/hosts").out)
            s.davit("stop", "-t", "0")
    end(s, before)


def deep(fd, levels, name="d"):
    """Directories in each other, however deep; leaves a file in the last one."""
    there = os.dup(fd)
    for _ in range(levels):
        os.mkdir(name, dir_fd=there)
        below = os.open(name, os.O_PATH | os.O_DIRECTORY, dir_fd=there)
        os.close(there)
        there = below
    os.close(os.open("last", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=there))
    os.close(there)


def deep_and_wide(s, before):
    s.write("compose.yaml", f"services:\n  d:\n    {SLEEP}    volumes: [\"vol:/v\"]\nvolumes: {{vol: {{}}}}\n")
    s.davit("up", "-d")
    root = os.open(f"/proc/{s.pids('^sleep 3600')[0]}/root", os.O_PATH | os.O_DIRECTORY)
    os.mkdir("deep", dir_fd=root)
    inner = os.open("deep", os.O_PATH | os.O_DIRECTORY, dir_fd=root)
    deep(inner, 900)
    s.davit("export", "d", "-o", "x.tar")
    with tarfile.open(s.directory + "/x.tar") as tar:
        s.check("900 levels are exported", "deep" + "/d" * 900 + "/last" in tar.getnames())
    s.davit("commit", "d", "deep:900")
    s.davit("image", "rm", "deep:900")
    deep(inner, 250, "e" * 255)
    deep(inner, 25000, "f")
    for verb in (("export", "d", "-o", "y.tar"), ("export", "d", "-o", "y.tar"), ("commit", "d", "deep:2")):
        s.davit(*verb, exit=1, err=r"path deep/[def/]*….* has more than \d+ bytes", within=100)
    s.check("an export that fails leaves no file", not os.path.exists(s.directory + "/y.tar"))
    failed = s.davit("cp", "d:/deep", "out", exit=1, within=100)
    s.check("cp says why in one line", "File name too long" in failed.err and len(failed.err) < 1000, failed.err[:2000])
    s.run("rm", "-rf", s.directory + "/out")
    os.close(inner)
    os.close(root)
    data = os.open(volume("paths_vol"), os.O_PATH | os.O_DIRECTORY)
    deep(data, 25000)
    for n in range(3000):
        os.mkdir("%0255d" % n, dir_fd=data)
    for n in range(3000):
        os.close(os.open("x%0254d" % n, os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=data))
    os.close(data)
    end(s, before)


def files_that_come_out(s, before):
    """Neither devices nor setuid bits come to the machine without a word; what is saved is for its owner only."""
    s.write("compose.yaml", f"services:\n  a:\n    {SLEEP}")
    s.davit("up", "-d")
    s.davit("exec", "-T", "a", "sh", "-c", "mkdir /d; cd /d; mknod sda b 8 0; mknod null c 1 3; ln null again; mkfifo p; echo x > su; chmod 6755 su; mkdir sg; chmod 2755 sg")
    said = s.davit("cp", "a:/d", "out").err
    s.check("both are told", "left out, being a device: out/again and 2 more" in said and "without its setuid and setgid bits: out/su" in said, said)
    s.equal("what came", ["p", "sg", "su"], sorted(os.listdir(s.directory + "/out")))
    s.equal("the bits are gone", 0o755, stat.S_IMODE(os.stat(s.directory + "/out/su").st_mode))
    s.davit("cp", "-a", "a:/d", "all")
    s.equal("with -a all come", ["again", "null", "p", "sda", "sg", "su"], sorted(os.listdir(s.directory + "/all")))
    s.equal("with -a the bits stay", 0o6755, stat.S_IMODE(os.stat(s.directory + "/all/su").st_mode))
    s.davit("export", "a", "-o", "e.tar")
    s.davit("image", "save", "-o", "i.tar", "busybox")
    s.davit("image", "save", "-o", "layout/", "busybox")
    s.davit("config", "-o", "c.yaml")
    for name, mode in {"e.tar": 0o600, "i.tar": 0o600, "layout/index.json": 0o600, "c.yaml": 0o644}.items():
        s.equal(name + " has its mode", mode, stat.S_IMODE(os.stat(s.directory + "/" + name).st_mode))
    os.symlink("victim", s.directory + "/link")
    os.mkfifo(s.directory + "/fifo")
    for name in ("link", "fifo"):
        for verb in (("export", "a", "-o", name), ("image", "save", "-o", name, "busybox")):
            s.davit(*verb, exit=1, err="which a file would replace", within=20)
    s.equal("nothing half-done is left", [], [n for n in os.listdir(s.directory) if n.startswith(".") or n.endswith(".part")])
    end(s, before)


def links_of_others(s, before):
    """In /tmp the kernel does not follow what others have planted, and neither does cp."""
    if get("/proc/sys/fs/protected_symlinks") != "1\n":
        return
    s.write("compose.yaml", f"services:\n  a:\n    {SLEEP}")
    s.davit("up", "-d")
    sticky = s.scratch + "/sticky"
    os.mkdir(sticky)
    os.chmod(sticky, 0o1777)
    put(s.scratch + "/victim/job")
    outside = victim(s)
    for name, target in (("file", "/victim/job"), ("new", "/victim/new"), ("dir", "/victim")):
        os.symlink(s.scratch + target, sticky + "/" + name)
        os.lchown(sticky + "/" + name, 65534, 65534)
        s.davit("cp", "a:/etc/passwd", sticky + "/" + name, exit=1, err="Permission denied")
        s.equal("nothing was written through it", outside, victim(s))
    end(s, before)


def errors_name_what_is_meant(s, before):
    arch = json.loads(s.davit("image", "inspect", "busybox").out)[0]["Architecture"]
    here = f"you have busybox:latest, linux/{arch}"
    s.write("compose.yaml", "services:\n  a: {image: 'busybox:nosuch', pull_policy: never}\n")
    s.davit("up", "-d", exit=1, err=r"No such image: busybox:nosuch(.|\n)*'davit image pull busybox:nosuch'(.|\n)*" + here)
    s.write("compose.yaml", "services:\n  a: {image: busybox, platform: linux/s390x, pull_policy: never}\n")
    s.davit("up", "-d", exit=1, err=r"specified platform \(linux/s390x\)(.|\n)*" + here)
    s.davit("image", "rm", "busybox:other", exit=1)
    s.davit("image", "inspect", "busybox:other", exit=1, err=here)
    for kind in ("secret", "config"):
        s.write("compose.yaml", f"services:\n  a:\n    {SLEEP}    {kind}s: [x]\n{kind}s:\n  x: {{file: ./gone}}\n")
        s.davit("up", "-d", exit=1, err=r"compose.yaml:\d+:\d+: .*" + kind + r' "x": bind source path does not exist: .*/gone')
    os.mkfifo(s.directory + "/pipe")
    s.write("compose.yaml", f"services:\n  a:\n    {SLEEP}    env_file: pipe\n")
    s.davit("up", "-d", exit=1, err="pipe is a pipe that nobody writes to", within=30)
    s.write("compose.yaml", f"services:\n  a:\n    {SLEEP}    env_file: /dev/zero\n")
    s.davit("up", "-d", exit=1, err="/dev/zero gives more than 64 MiB", within=30)
    s.write("compose.yaml", f"services:\n  a:\n    {SLEEP}")
    s.equal("an empty environment file", 0, s.davit("--env-file", "/dev/null", "config", "-q").code)
    s.davit("down")
    s.nothing_left(before)


with Scenario("paths") as s:
    s.images("busybox", "redis")
    before = s.listing()
    for part in (configs_stay_inside, image_files_and_configs, stopped_containers, mounted_files, deep_and_wide, files_that_come_out, links_of_others, errors_name_what_is_meant):
        part(s, before)
