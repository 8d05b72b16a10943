"""Builds: what is cached runs nothing, a failing step says why, and whoever kills the client finds a clean machine."""
import glob
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading

import machine
from harness import Scenario

UUID = "/proc/sys/kernel/random/uuid"
TEN_STEPS = f"""FROM busybox
WORKDIR /app
COPY package*.json ./
RUN cp {UUID} installed
COPY src ./src
RUN cat src/* > all
RUN cp {UUID} built
RUN adduser -D -H app 2>/dev/null || echo app:x:1000:1000::/app:/bin/sh >> /etc/passwd
COPY run.sh /usr/local/bin/run
RUN chmod 755 /usr/local/bin/run
EXPOSE 3000
USER 1000
CMD ["run"]
"""


def build(s, *words, **more):
    """davit image build; what became of each step: {"[2/10] WORKDIR /app": "cached"}."""
    result = s.davit("image", "build", "--progress", "rawjson", *words, **more)
    return steps_of(result.err)


def steps_of(text):
    became = {}
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        for vertex in json.loads(line).get("vertexes", []):
            if "completed" in vertex and re.match(r"\[[^]]*\d/\d+\]", vertex["name"]):
                error = vertex.get("error")
                became[vertex["name"]] = ("cancelled" if error == "context canceled" else "failed") if error else "cached" if vertex.get("cached") else "done"
    return became


def image_id(s, name):
    return json.loads(s.davit("image", "inspect", name).out)[0]["Id"]


def inside(s, name, *words):
    return s.davit("container", "run", "--rm", name, *words).out


def ten_steps(s, before):
    s.write("Dockerfile", TEN_STEPS)
    for name, text in (("package.json", "{}"), ("package-lock.json", "{}"), ("src/a", "1\n"), ("run.sh", "#!/bin/sh\nexec sleep 600\n")):
        s.write(name, text)
    first = build(s, "-t", "ten", ".")
    s.equal("ten steps are done", ["done"] * 9, list(first.values()))  # FROM is the first of ten
    s.check("they are numbered", all(f"[{n}/10]" in " ".join(first) for n in range(2, 11)), str(first))
    s.nothing_left(before, within=1)
    ten = image_id(s, "ten")
    again = build(s, "-t", "ten", ".")
    s.equal("the same again runs nothing", ["cached"] * 9, list(again.values()))
    s.equal("and is the same image", ten, image_id(s, "ten"))
    os.utime(os.path.join(s.directory, "src/a"), (1, 1))
    s.equal("times are no part of it", ["cached"] * 9, list(build(s, "-t", "ten", ".").values()))

    installed, built = inside(s, "ten", "cat", "/app/installed"), inside(s, "ten", "cat", "/app/built")
    s.write("src/a", "2\n")
    said = s.davit("image", "build", "--progress", "rawjson", "-t", "ten", ".").err
    s.equal("an edit of the source does what comes after it", ["cached"] * 3 + ["done"] * 6, list(steps_of(said).values()))
    s.check("and says why", said.count("the files that it takes have changed") == 1 and said.count("what comes before it has changed") == 5, said)
    s.equal("what comes before is as it was", installed, inside(s, "ten", "cat", "/app/installed"))
    s.check("what comes after is not", built != inside(s, "ten", "cat", "/app/built"))
    s.write("src/a", "1\n")
    s.equal("the old contents are known still", ["cached"] * 9, list(build(s, "-t", "ten", ".").values()))
    s.equal("as the old image", ten, image_id(s, "ten"))
    s.equal("--no-cache does all again", ["done"] * 9, list(build(s, "--no-cache", "-t", "ten", ".").values()))
    s.check("with other results", built != inside(s, "ten", "cat", "/app/built"))
    s.davit("image", "build", ".", err=r"^#\d+ \[2/10\] WORKDIR /app\n#\d+ CACHED$")


def up_build(s, before):
    s.write("compose.yaml", "services:\n  web: {build: ., init: true, stop_signal: KILL}\n  other: {image: busybox, command: sleep 600, init: true, stop_signal: KILL}\n")
    s.davit("up", "-d", "--build")
    ids = {c["Service"]: c["ID"] for c in s.ps()}
    s.davit("up", "-d", "--build")
    s.equal("up --build recreates nothing when nothing changed", ids, {c["Service"]: c["ID"] for c in s.ps()})
    s.write("src/a", "3\n")
    s.davit("up", "-d")
    s.equal("up alone builds nothing that is there", ids, {c["Service"]: c["ID"] for c in s.ps()})
    s.davit("up", "-d", "--build")
    now = {c["Service"]: c["ID"] for c in s.ps()}
    s.check("what was built anew is recreated", now["web"] != ids["web"])
    s.equal("nothing else is", ids["other"], now["other"])
    s.davit("exec", "-T", "web", "cat", "/app/all", out="^3$")
    s.davit("down", "-t", "0", "--rmi", "local")
    s.davit("image", "inspect", "build-web", exit=1)
    s.nothing_left(before)


def in_order(s):
    """DOCKER_BUILDKIT=0: what a service depends on is built before it, over services without a build as well."""
    os.makedirs(f"{s.directory}/order")
    # Built for as long as LONG says, or until it is cancelled: app, built beside it, fails without it at any time.
    s.write("order/base.Dockerfile", "FROM busybox\nARG LONG\nRUN sleep $LONG && echo base > /base\n")
    s.write("order/app.Dockerfile", "FROM order-base\nRUN cp /base /app\n")
    s.write("order/compose.yaml", """services:
  app: {build: {context: ., dockerfile: app.Dockerfile}, depends_on: [between], init: true}
  between: {image: busybox, depends_on: [made]}
  made: {image: order-base, build: {context: ., dockerfile: base.Dockerfile}}
""")
    where = f"{s.directory}/order"
    s.davit("build", "--build-arg", "LONG=54329", cwd=where, exit=1, err="order-base")
    s.davit("image", "inspect", "order-base", exit=1)
    done = s.davit("build", "--progress", "plain", "--build-arg", "LONG=0", "--with-dependencies", "app", cwd=where, env={"DOCKER_BUILDKIT": "0"})
    said = done.out + done.err
    s.check("nothing of app begins before its base is made", 0 <= said.rfind("[made ") < said.find("[app "), said)
    s.davit("run", "--rm", "-T", "--no-deps", "app", "cat", "/app", cwd=where, out="^base$")
    s.davit("down", "-t", "0", "--rmi", "all", cwd=where)
    s.images("busybox")
    # Two services of one image, one of which depends on what depends on the other: no loop of builds.
    s.write("order/compose.yaml", """services:
  a: {image: order-one, build: {context: ., dockerfile_inline: "FROM busybox"}, depends_on: [c]}
  b: {image: order-one, build: {context: ., dockerfile_inline: "FROM busybox"}}
  c: {build: {context: ., dockerfile_inline: "FROM busybox"}, depends_on: [b]}
""")
    s.davit("build", cwd=where, env={"DOCKER_BUILDKIT": "0"})
    s.davit("down", "-t", "0", "--rmi", "all", cwd=where)
    # Contexts against dependencies, directly and over a third: what is made of another comes after it.
    s.write("order/compose.yaml", """services:
  a: {build: {context: ., dockerfile_inline: "FROM busybox\\nRUN echo a > /a"}, depends_on: [b]}
  b: {build: {context: ., dockerfile_inline: "FROM c\\nCOPY --from=c /a /b", additional_contexts: {c: "service:c"}}}
  c: {build: {context: ., dockerfile_inline: "FROM a", additional_contexts: {a: "service:a"}}}
""")
    s.davit("build", cwd=where, env={"DOCKER_BUILDKIT": "0"})
    s.davit("run", "--rm", "-T", "--no-deps", "b", "cat", "/b", cwd=where, out="^a$")
    s.davit("down", "-t", "0", "--rmi", "all", cwd=where)
    s.write("order/compose.yaml", """services:
  a: {build: {context: ., dockerfile_inline: "FROM b", additional_contexts: {b: "service:b"}}}
  b: {build: {context: ., dockerfile_inline: "FROM a", additional_contexts: {a: "service:a"}}}
""")
    s.davit("build", cwd=where, exit=1, env={"DOCKER_BUILDKIT": "0"}, err="infinite loop from a to b")


def failing_step(s, before):
    s.write("fails.Dockerfile", "FROM busybox\nRUN echo first >/a\n\nRUN echo what went wrong >&2; exit 7\n")
    failed = s.davit("image", "build", "-f", "fails.Dockerfile", "-t", "fails", ".", exit=1, err=r"^#\d+ [\d.]+ what went wrong$")
    for wanted in (r"exit code: 7", r"fails\.Dockerfile:4", r"(?s)------\n > \[3/3\] RUN echo what went wrong.*\n[\d.]+ what went wrong\n------"):
        s.check(f"it says {wanted}", re.search(wanted, failed.err), failed.err)
    s.davit("image", "inspect", "fails", exit=1)
    s.write("tab.Dockerfile", "FROM busybox\nRUN printf 'a\\tb\\n'\n")
    s.davit("image", "build", "--progress", "plain", "-f", "tab.Dockerfile", ".", err=r"^#\d+ [\d.]+ a\tb$")
    quiet = s.davit("image", "build", "-q", "-f", "fails.Dockerfile", ".", exit=1,
                    err="fails.Dockerfile:4:1: failed to solve: process .* did not complete successfully: exit code: 7")
    s.check("with the step's last lines", "what went wrong" in quiet.err, quiet.err)
    s.equal("-q prints no id of what failed", "", quiet.out)
    s.equal("what was done before is known", "cached", build(s, "-f", "fails.Dockerfile", ".", exit=1)["[2/3] RUN echo first >/a"])
    s.nothing_left(before, within=1)


def client_ends(s, before, number, wanted):
    """One second after the client's end nothing of the build is there, and what it had done is."""
    s.write("slow.Dockerfile", f"FROM busybox\nRUN cp {UUID} /done-{number}\nRUN sleep 5432{number} & (sleep 5432{number}; true) | cat\n")
    client = subprocess.Popen([s.binary, "image", "build", "--progress", "plain", "-f", "slow.Dockerfile", "-t", "slow", "."], cwd=s.directory,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
    said = []
    reader = threading.Thread(target=lambda: said.extend(client.stderr))
    reader.start()
    s.eventually("the step runs", lambda: len(s.pids(rf"^sleep 5432{number}")) == 2, within=20)
    there = {line.split(":")[0] for line in machine.differences(before, s.listing())}
    s.check("it has processes, a link, rules, a cgroup and files", {"+ processes", "+ network", "+ nft", "+ cgroups", "+ files"} <= there, str(there))
    client.send_signal(number)
    code = client.wait(5)
    s.nothing_left(before, within=1)
    reader.join()
    s.equal("the client's end", wanted, code)
    s.davit("image", "inspect", "slow", exit=1)
    s.write("slow.Dockerfile", f"FROM busybox\nRUN cp {UUID} /done-{number}\nRUN true\n")
    s.equal("finished steps stay cached", ["cached", "done"], list(build(s, "-f", "slow.Dockerfile", ".").values()))


def flooded(s, before):
    """A step that writes without end can be interrupted."""
    s.write("slow.Dockerfile", "FROM busybox\nRUN yes\n")
    client = s.start("image", "build", "--progress", "plain", "-f", "slow.Dockerfile", ".", start_new_session=True)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(client.stdout), daemon=True)
    reader.start()
    s.eventually("the step writes", lambda: len(lines) > 100000, within=20)
    client.send_signal(signal.SIGINT)
    try:
        s.equal("the client's end", 130, client.wait(20))
    finally:
        client.kill()
        reader.join()
    s.nothing_left(before, within=1)


def deaf_client(s, before):
    """A client that sends and never reads costs its build, and nothing stays of that."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = os.path.join(os.path.dirname(s.binary), "davit-supervisor")
    with theirs:
        started = subprocess.run([program, "--build", "--project", "build.deaf", "--client-fd", str(theirs.fileno())], pass_fds=[theirs.fileno()],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)
    s.equal("it starts", 0, started.returncode)
    request = json.dumps({"type": "nonsense", "id": "0" * 64}).encode()
    with ours:
        try:
            for _ in range(100000):
                ours.send(request)
            s.check("it gives the client up", False)
        except OSError:
            pass
    s.nothing_left(before, within=10)


def supervisor_dies(s, before):
    s.write("slow.Dockerfile", "FROM busybox\nRUN sleep 54320\n")
    client = s.start("image", "build", "-f", "slow.Dockerfile", ".")
    s.eventually("the step runs", lambda: s.pids(r"^sleep 54320"), within=20)
    for pid in s.pids(r"^\S*davit-supervisor --build"):
        os.kill(pid, signal.SIGKILL)
    said = client.communicate(timeout=20)[0]
    s.equal("the client fails", 1, client.returncode)
    s.check("and says why", "supervisor" in said, said)


def secrets(s, before):
    hidden = "correct-horse-battery-staple"
    s.write("secret.txt", hidden + "\n")
    s.write("secret.Dockerfile", "FROM busybox\n"
            "RUN --mount=type=secret,id=token test $(wc -c < /run/secrets/token) -gt 20 && grep -q ' /run/secrets/token .* tmpfs ' /proc/self/mountinfo && echo seen > /result\n"
            f"RUN --mount=type=secret,id=token,env=TOKEN test -n \"$TOKEN\" && cp {UUID} /with\n")
    words = ("-f", "secret.Dockerfile", "-t", "secret", ".")
    build(s, "--secret", "id=token,src=secret.txt", *words)
    s.equal("the step has read it", "seen\n", inside(s, "secret", "cat", "/result"))
    s.equal("nothing of it is in the image's file system", "", inside(s, "secret", "sh", "-c", "ls /run/secrets 2>/dev/null; true"))
    s.davit("image", "save", "-o", "/tmp/secret.tar", "secret")
    s.check("history does not tell it", hidden not in s.davit("image", "history", "--no-trunc", "secret").out)
    found = s.run("grep", "-rlF", hidden, "/var/lib/davit", "/run/davit", "/tmp/secret.tar")
    os.unlink("/tmp/secret.tar")
    s.equal("nor does any layer, record or archive hold it", "", found.out)
    s.equal("another value is no other step", ["cached", "cached"],
            list(build(s, "--secret", "id=token,env=OTHER", *words, env={"OTHER": "x" * 30}).values()))
    s.nothing_left(before, within=1)


def killed_before_it_runs(s, before):
    """The files of a step are its supervisor's to remove: there is one before there are files."""
    hidden = "incorrect-horse"
    s.write("first.txt", hidden)
    os.mkfifo(os.path.join(s.directory, "second"))
    s.write("waits.Dockerfile", "FROM busybox\nRUN --mount=type=secret,id=a --mount=type=secret,id=b true\n")
    client = s.start("image", "build", "-f", "waits.Dockerfile", "--secret", "id=a,src=first.txt", "--secret", "id=b,src=second", ".")
    s.eventually("the first secret is there", lambda: glob.glob("/run/davit/projects/build.*/containers/*/*"), within=20)
    client.kill()
    client.communicate(timeout=20)
    s.nothing_left(before, within=1)
    s.equal("nor is the secret", "", s.run("grep", "-rlF", hidden, "/run/davit", "/var/lib/davit").out)


def agent(path, message):
    """An answer of the agent at that socket."""
    with socket.socket(socket.AF_UNIX) as c:
        c.connect(path)
        c.sendall(struct.pack(">I", len(message)) + message)
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
            data += c.recv(65536)
        return data[4:]


def ssh_keys(s, before):
    """--ssh ID=KEYFILE: a step may sign with the key, and never sees it."""
    def must(*command, **more):
        done = s.run(*command, **more)
        s.equal(" ".join(command[:3]), (0, ""), (done.code, "" if done.code == 0 else done.err))
        return done.out

    for kind, name in (("ed25519", "one.key"), ("RSA", "two.key")):
        must("openssl", "genpkey", "-algorithm", kind, "-out", name)
    must("chmod", "600", "one.key", "two.key")
    s.write("ssh.Dockerfile", "FROM busybox\nRUN --mount=type=ssh,id=deploy,required=true test -S $SSH_AUTH_SOCK && sleep 54399\n")
    words = ["image", "build", "--progress", "plain", "-f", "ssh.Dockerfile", "."]
    s.davit(*words, exit=1, err='no SSH key "deploy" forwarded')
    s.davit(*words, "--ssh", "deploy=missing.key", exit=1, err="missing.key")
    s.davit(*words, "--ssh", "deploy=ssh.Dockerfile", exit=1, err="holds no private key")
    must("openssl", "genpkey", "-algorithm", "ed25519", "-aes128", "-pass", "pass:secret", "-out", "closed.key")
    s.davit(*words, "--ssh", "deploy=closed.key", exit=1, err="protected by a passphrase")
    client = s.start(*words, "--ssh", "deploy=one.key,two.key")
    sockets = lambda: glob.glob("/run/davit/projects/build.*/containers/*/ssh.0")
    s.eventually("the step runs", lambda: s.pids(r"^sleep 54399") and sockets(), within=20)
    os.symlink(os.path.dirname(sockets()[0]), os.path.join(s.directory, "step"))  # its whole name is longer than a socket's may be
    path = os.path.join(s.directory, "step", "ssh.0")
    listed = agent(path, bytes([11]))
    s.equal("two keys are served", (12, 2), struct.unpack(">BI", listed[:5]))
    s.equal("and none can be added", bytes([5]), agent(path, bytes([17])))
    if shutil.which("ssh-add"):
        told = must("ssh-add", "-L", env={"SSH_AUTH_SOCK": path})
        s.equal("ssh-add knows them", ["ssh-ed25519", "ssh-rsa"], [line.split()[0] for line in told.splitlines()])
        for number, line in enumerate(told.splitlines()):
            s.write(f"key{number}.pub", line + "\n")
            s.write("signed.txt", "data\n")
            must("ssh-keygen", "-Y", "sign", "-U", "-n", "file", "-f", f"key{number}.pub", "signed.txt", env={"SSH_AUTH_SOCK": path})
            must("sh", "-c", "ssh-keygen -Y check-novalidate -n file -s signed.txt.sig < signed.txt && rm signed.txt.sig")
    client.send_signal(signal.SIGINT)
    client.communicate(timeout=20)
    s.nothing_left(before, within=1)


def at_once(s, before):
    """Two builds of the same: the second waits for the steps of the first, and takes them."""
    s.write("same.Dockerfile", f"FROM busybox\nRUN cp {UUID} /id; sleep 1\nRUN cp {UUID} /id2\n")
    both = [s.start("image", "build", "-q", "-f", "same.Dockerfile", "-t", name, ".") for name in ("one", "two")]
    ids = [b.communicate(timeout=60)[0].strip() for b in both]
    s.equal("both end well", [0, 0], [b.returncode for b in both])
    s.check("as one image", ids[0] == ids[1] and ids[0].startswith("sha256:"), str(ids))
    s.nothing_left(before, within=1)


def named_contexts(s, before):
    """FROM a directory is that directory, whatever was built from others."""
    s.write("own/x", "of own\n")
    s.write("other/x", "of other\n")
    s.write("named.Dockerfile", "FROM base\nCOPY x /copied\n")
    for base, context in (("other", "own"), ("own", "other"), ("own", "other")):
        s.davit("image", "build", "-q", "-f", "named.Dockerfile", "--build-context", f"base={base}", "-o", "../out", context)
        got = [open(os.path.join(s.scratch, "out", n), encoding="utf-8").read() for n in ("x", "copied")]
        s.equal(f"FROM {base} in {context}", [f"of {base}\n", f"of {context}\n"], got)
    s.write("stage.Dockerfile", "FROM scratch AS st\nCOPY x /none\nFROM st\nCOPY --from=context x /copied\n")
    words = ("-f", "stage.Dockerfile", "--build-context", "st=own", "--build-context", "context=other", "-o")
    s.davit("image", "build", *words, "../stage", "own")
    s.equal("context is a name of a context as any other", "of other\n", open(os.path.join(s.scratch, "stage/copied"), encoding="utf-8").read())
    s.davit("image", "build", *words, "type=oci,dest=../stage.tar", "own", exit=1, err="missing architecture")
    s.davit("image", "build", *words, "type=oci,dest=../stage.tar", "--platform", "local", "own")
    s.write("owner.Dockerfile", "FROM scratch\nCOPY --chown=nobody x /x\n")
    s.davit("image", "build", "-f", "owner.Dockerfile", "own", exit=1, err="--chown=nobody cannot be looked up")
    s.nothing_left(before, within=1)


def garbage(s):
    """The cache is kept when images go, and so are images made from it."""
    s.davit("image", "rm", "ten")
    s.davit("image", "prune", "-f")
    s.equal("all is cached still", ["cached"] * 9, list(build(s, "-t", "ten", ".").values()))
    s.davit("container", "run", "--rm", "ten", "true")
    s.davit("builder", "du", out=r"^Total:")
    s.davit("builder", "du", out=r"^ID +RECLAIMABLE +SIZE +LAST ACCESSED$")
    s.davit("builder", "du", "--verbose", out=r"^Usage count:  1$")
    s.davit("builder", "du", "--verbose", "--format", "json", exit=1, err="--format and --verbose cannot be used together")
    s.check("sums are of everything", "Total:" not in s.davit("builder", "du", "--filter", "type=regular").out)
    s.davit("builder", "prune", "-f", "--all")
    s.check("a pruned cache knows no step", "RUN" not in s.davit("builder", "du").out)
    s.davit("container", "run", "--rm", "ten", "true")  # the image has what it needs
    s.equal("and all is done again", ["done"] * 9, list(build(s, "-t", "ten", ".").values()))


def other_sources(s):
    """What COPY takes of a stage or an image is a part of what it is, and what --link stands on of what follows."""
    def made(dockerfile, *files):
        s.write("Dockerfile.of", dockerfile)
        s.davit("image", "build", "-q", "-f", "Dockerfile.of", "-t", "of", ".")
        return [inside(s, "of", "cat", file) for file in files]

    scratch = "FROM busybox AS a\nRUN echo one > /one; echo two > /two; mkdir /d; echo 1 > /d/1; echo 2 > /d/2\nFROM busybox\n"
    for copy, other in (("COPY --from=a /one /x", "COPY --from=a /two /x"), ("COPY --link --from=a /one /x", "COPY --link --from=a /two /x"),
                        ("COPY --from=a /d/1 /x", "COPY --from=a /d/2 /x")):
        first, second = made(scratch + copy + "\n", "/x"), made(scratch + other + "\n", "/x")
        s.check(f"{other} is not the cached {copy}", first != second, f"{first} {second}")
    s.write("Dockerfile.of", scratch + "COPY --from=a /nope /x\n")
    s.davit("image", "build", "-q", "-f", "Dockerfile.of", ".", exit=1, err="/nope")

    linked = "FROM busybox\nRUN echo %s > /base\nCOPY --link src/a /linked\nRUN cat /base > /seen\n"
    s.equal("a step after --link sees its base", [["1\n"], ["2\n"], ["1\n"]], [made(linked % n, "/seen") for n in "121"])
    s.davit("image", "rm", "of")


def cache_elsewhere(s):
    """A cache that was written down gives the same image after all is gone here, and leaves no image of its own."""
    s.write("kept.Dockerfile", f"FROM busybox AS a\nRUN cp {UUID} /id\nFROM busybox\nCOPY --from=a /id /id\nRUN cp {UUID} /id2\n")
    s.davit("image", "build", "-q", "-f", "kept.Dockerfile", "-t", "kept", ".")
    before = s.davit("image", "ls", "-q").out
    first = s.davit("image", "build", "-q", "-f", "kept.Dockerfile", "-t", "kept", "--cache-to", "type=local,dest=kept.cache,mode=max", ".").out
    s.equal("no image is left of the cache", before, s.davit("image", "ls", "-q").out)
    s.davit("image", "rm", "kept")
    s.davit("builder", "prune", "-af")
    again = s.davit("image", "build", "-q", "-f", "kept.Dockerfile", "-t", "kept", "--cache-from", "type=local,src=kept.cache", ".").out
    s.equal("it is the same image", first, again)
    s.equal("nor of what was read", before, s.davit("image", "ls", "-q").out)
    s.davit("image", "rm", "kept")


def imported(s):
    """A root file system from elsewhere is an image; what takes the disk is told and goes when nobody needs it."""
    s.davit("image", "save", "-o", "box.tar", "busybox")
    s.write("Dockerfile.box", "FROM busybox\nRUN echo carried > /carried\n")
    s.davit("image", "build", "-f", "Dockerfile.box", "-o", "type=tar,dest=root.tar", ".")
    s.davit("image", "import", "-c", 'CMD ["cat", "/carried"]', "-m", "from afar", "root.tar", "imported:1", out=r"^sha256:[0-9a-f]{64}$")
    s.equal("its command is the change's", "carried\n", s.davit("container", "run", "--rm", "imported:1").out)
    s.check("its history has the message", "from afar" in s.davit("image", "history", "imported:1").out)
    again = s.run("sh", "-c", f"cat root.tar | {s.binary} image import -")
    s.check("standard input is a file too", again.out.startswith("sha256:"), str(again))
    s.davit("image", "import", "Dockerfile.box", exit=1, err="tar")
    rows = {row["Type"]: row for row in map(json.loads, s.davit("system", "df", "--format", "json").out.splitlines())}
    s.equal("these kinds take the disk", ["Build Cache", "Containers", "Images", "Local Volumes"], sorted(rows))
    s.davit("system", "df", out="Revisions")
    s.check("images are counted", int(rows["Images"]["TotalCount"]) >= 3, str(rows))
    s.davit("system", "prune", "-f", out="Total reclaimed space: ")
    s.check("what has a name stays", "imported" in s.davit("image", "ls").out)
    s.davit("system", "prune", "-af", out="untagged: imported:1")
    s.equal("then nothing is left", "", s.davit("image", "ls", "-q").out)
    s.davit("image", "load", "-q", "-i", "box.tar", out="^Loaded image: ")


def as_buildkit_leaves_it(s):
    """What else of a layer is as BuildKit makes it: times of directories, modes of what is mounted, names of heredocs."""
    old = 981173106  # 2001-02-03 04:05:06
    for name in ("kit/d/e/f", "kit/g"):
        s.write(name, "1\n")
    for folder, _, files in os.walk(os.path.join(s.directory, "kit"), topdown=False):
        for path in [os.path.join(folder, f) for f in files] + [folder]:
            os.utime(path, (old, old))
    s.write("kit/Dockerfile", """FROM busybox AS seed
RUN mkdir -m 711 /sd && echo s > /sd/f && chown 7:8 /sd
FROM busybox
ENV A=1
RUN mkdir -m 700 /linked && mkdir /there
COPY d /new
COPY d /there
COPY --parents d/e/f /parents/
COPY --link --chmod=600 g /linked/deep/g
RUN --mount=type=tmpfs,target=/t stat -c %a /t > /tmpfs
RUN --mount=type=cache,from=seed,source=/sd,target=/c,id=seeded,uid=5,mode=0700 stat -c '%u %g %a' /c > /seeded
RUN hostname > /name
WORKDIR /
""")
    s.davit("image", "build", "-q", "-t", "kit", "--build-arg", "BUILDKIT_SANDBOX_HOSTNAME=kitchen", "kit")
    script = "stat -c '%n %Y' /new /new/e /there /parents/d; stat -c '%n %a' /linked /linked/deep; cat /tmpfs /seeded /name"
    lines = inside(s, "kit", "sh", "-c", script).splitlines()
    s.equal("directories that are copied keep their time", [f"{d} {old}" for d in ("/new", "/new/e", "/there")], lines[:3])
    s.check("those above a file of --parents are made now", lines[3].startswith("/parents/d ") and int(lines[3].split()[1]) > old, lines[3])
    s.equal("--link with --chmod goes into what is there, a tmpfs is everybody's, a seeded cache is its source's, the name is given",
            ["/linked 700", "/linked/deep 600", "1777", "7 8 711", "kitchen"], lines[4:])
    history = json.loads(s.davit("image", "inspect", "kit").out)[0]
    s.check("it is no older than what made it", history["Created"] > "2024", history["Created"])
    s.davit("image", "history", "--no-trunc", "--format", "{{.CreatedAt}} {{.CreatedBy}}", "kit", out=r"(?m)^20\d\d-.* ENV A=1$")
    s.davit("image", "rm", "kit")

    s.run("rm", "-f", "/davit-escaped")
    up = "../" * 12 + "davit-escaped"
    s.write("kit/Dockerfile", f"FROM busybox\nCOPY <<{up} /d/\nx\n{up}\n")
    s.davit("image", "build", "-q", "-t", "kit", "kit")
    s.check("the name of a heredoc leads nowhere", not os.path.exists("/davit-escaped"))
    s.equal("but into the destination", "x\n", inside(s, "kit", "cat", "/d/davit-escaped"))
    s.davit("image", "rm", "kit")

    s.write("kit/Dockerfile", "FROM scratch\nCOPY d /d\nCOPY g /\n")
    for destination, output in (("kit.dir", "kit.dir"), ("kit.tar", "type=tar,dest=kit.tar")):
        s.davit("image", "build", "--build-arg", "SOURCE_DATE_EPOCH=1600000000", "-o", output, "kit")
        if destination.endswith(".tar"):
            s.run("sh", "-c", "mkdir kit.tree && tar x -C kit.tree -f kit.tar")
        tree = "kit.tree" if destination.endswith(".tar") else destination
        times = {int(os.lstat(os.path.join(s.directory, tree, p)).st_mtime) for p in ("d", "d/e", "d/e/f", "g")}
        s.equal(f"SOURCE_DATE_EPOCH is the time of all that {output} holds", {1600000000}, times)
    s.write("kit/Dockerfile", "ARG SOURCE_DATE_EPOCH=1600000001\nFROM scratch\nCOPY d /d\n")
    s.davit("image", "build", "-o", "kit.own", "kit")
    s.equal("an ARG before FROM may say it", 1600000001, int(os.lstat(os.path.join(s.directory, "kit.own/d/e/f")).st_mtime))
    s.write("kit/Dockerfile", 'FROM busybox\nARG SOURCE_DATE_EPOCH\nRUN echo "[$SOURCE_DATE_EPOCH]" > /e\n')
    s.davit("image", "build", "-q", "-t", "kit", "--build-arg", "SOURCE_DATE_EPOCH=context", "kit")
    s.equal("a directory has no time of its own", "[]\n", inside(s, "kit", "cat", "/e"))
    s.davit("image", "build", "--build-arg", "SOURCE_DATE_EPOCH=nope", "kit", exit=1, err="invalid SOURCE_DATE_EPOCH: nope")
    s.write("kit/Dockerfile", "ARG SOURCE_DATE_EPOCH=src\nFROM scratch AS src\nADD http://127.0.0.1:1/x /\nFROM busybox\nCOPY --from=src /x /x\n")
    s.davit("image", "build", "--check", "kit")  # fetches nothing
    s.davit("image", "rm", "kit")


def mounts(s, before):
    """What RUN mounts: by what it shows in the key, over what every container has, caches by their owner."""
    s.write("mnt/etcd/only", "1\n")
    s.write("mnt/a*", "star\n")
    s.write("mnt/Dockerfile", f"""FROM busybox AS s
RUN mkdir /q && echo 1 > /q/f
ARG OTHER=1
RUN echo $OTHER > /other
FROM busybox
RUN --mount=from=s,source=/q,target=/m cp {UUID} /one && cp /m/f /f
RUN --mount=from=s,source=/q,target=/m,rw cp {UUID} /two
RUN --mount=target=/etc,source=etcd ls /etc > /list
RUN --mount=target=/m,source=a* cat /m > /star
RUN --mount=type=tmpfs,target=/t,ro ! touch /t/x 2> /dev/null
RUN --mount=type=cache,id=owned,target=/c,uid=5,mode=0700,env=X stat -c '%u %a' /c > /caches && touch /c/x
RUN --mount=type=cache,id=owned,target=/c stat -c '%u %a' /c >> /caches && test ! -e /c/x
RUN --mount=type=cache,id=owned,target=/c,uid=6 stat -c '%u %a' /c >> /caches && test ! -e /c/x
WORKDIR /w
RUN --mount=type=secret,id=token,target=x/y cat /w/x/y > /told
COPY --chown=1:nope etcd/only /owned
RUN cat << EOF > /heredoc
hi
EOF
""")
    words = ("--secret", "id=token,src=mnt/etcd/only", "-t", "mnt", "mnt")
    build(s, *words)
    s.equal("each has seen what is meant", "1\nonly\nstar\n5 700\n0 755\n6 755\n1\n1 1\nhi\n",
            inside(s, "mnt", "sh", "-c", "cat /f /list /star /caches /told; stat -c '%u %g' /owned; cat /heredoc"))
    again = build(s, "--build-arg", "OTHER=2", *words)
    s.equal("a stage that has changed elsewhere changes nothing of what is mounted", {"cached"},
            {became for name, became in again.items() if name.startswith("[stage-1 ")})
    s.check("although it was built again", "done" in [became for name, became in again.items() if name.startswith("[s ")], str(again))
    s.equal("and so from then on", {"cached"}, set(build(s, "--build-arg", "OTHER=2", *words).values()))
    for text, said in (("RUN --mount=type=cache,from=busybox,source=/none,target=/c true", "source /none: it is not in what the cache is from"),
                       ("RUN --device=v/c=n true", "RUN --device=v/c=n is not supported"),
                       ("RUN --mount=target=/m,source=etc* true", r"etc\*")):
        s.write("mnt/Dockerfile", f"FROM busybox\n{text}\n")
        s.davit("image", "build", "mnt", exit=1, err=said)
    s.davit("image", "rm", "mnt")
    s.nothing_left(before, within=1)


def stages_done_again(s, before):
    """--no-cache-filter: the stage that it names in any case, and what is made from it."""
    s.write("again.Dockerfile", f"FROM busybox AS a\nRUN cp {UUID} /a\nFROM a AS b\nRUN cp {UUID} /b\n")
    words = ("-f", "again.Dockerfile", "-t", "again", ".")
    build(s, *words)
    s.equal("both are done again", ["done", "done"], list(build(s, "--no-cache-filter", "A", *words).values()))
    results = inside(s, "again", "cat", "/a", "/b")
    s.equal("and are the cache's from then on", {"cached"}, set(build(s, *words).values()))
    s.equal("with these results", results, inside(s, "again", "cat", "/a", "/b"))
    s.davit("image", "rm", "again")
    s.nothing_left(before, within=1)


def checks_before_a_mistake(s):
    s.write("check.Dockerfile", "FROM busybox as A\nFOO\n")
    s.davit("image", "build", "--check", "-f", "check.Dockerfile", ".", exit=1, out="FromAsCasing", err="there is no instruction FOO")
    s.write("gone.Dockerfile", "FROM scratch\nCOPY --from=127.0.0.1:1/none /a /b\n")
    s.davit("image", "build", "--check", "-f", "gone.Dockerfile", ".", exit=1, err="127.0.0.1:1")
    s.write("ignored/.dockerignore/x", "1\n")
    s.write("ignored/Dockerfile", "FROM scratch\nCOPY . /\n")
    s.davit("image", "build", "-q", "--platform", "local", "ignored")
    s.davit("image", "build", "--platform", "linux/amd64/v1/x", "ignored", exit=1, err="cannot parse platform specifier")


def outputs(s, before):
    """Where a build's result goes: nowhere, into a directory that it then has for itself, into a file for all to read."""
    s.write("outputs/Dockerfile", "FROM busybox AS seed\nRUN mkdir /o && echo new > /o/f && mkdir /o/d && echo 1 > /o/d/f\nFROM scratch\nCOPY --from=seed /o /\n")
    images = s.davit("image", "ls", "-q").out
    for words in (("--push",), ("-o", "type=registry"), ("-o", "type=image,push=true")):
        s.davit("image", "build", *words, "outputs", exit=1, err="tag is needed when pushing to registry")
    s.davit("image", "build", "-o", "type=cacheonly", "-t", "nowhere", "outputs")
    s.equal("cacheonly makes no image", images, s.davit("image", "ls", "-q").out)
    s.equal("but builds", {"cached"}, set(build(s, "-o", "type=cacheonly", "outputs").values()))
    for path in ("outputs/into/stale/x", "outputs/into/d/stale", "outputs/precious/x"):
        s.write(path, "x\n")
    os.symlink("../precious", os.path.join(s.directory, "outputs/into/link"))
    os.symlink("../precious", os.path.join(s.directory, "outputs/into/f"))
    listed = lambda: sorted(os.path.relpath(os.path.join(at, name), os.path.join(s.directory, "outputs/into"))
                            for at, folders, files in os.walk(os.path.join(s.directory, "outputs/into")) for name in folders + files)
    s.davit("image", "build", "-o", "type=local,dest=outputs/into,mode=delete", "outputs")
    s.equal("mode=delete leaves the build's files", ["d", "d/f", "f"], listed())
    s.check("and what links led to", os.path.exists(os.path.join(s.directory, "outputs/precious/x")))
    s.davit("image", "build", "-o", "type=local,dest=.,mode=delete", "outputs", exit=1, err="requires --allow=buildx.local.delete")
    s.davit("image", "build", "-o", "type=local,dest=outputs/into,mod=delete", "outputs", err="--output mod=delete has no effect")
    s.run("sh", "-c", f"umask 022; for t in oci docker tar; do {s.binary} image build -t o:1 -o type=$t,dest=outputs/$t.tar outputs || exit 1; done")
    for kind in ("oci", "docker"):
        s.davit("image", "build", "-t", "o:1", "-o", f"type={kind},dest=outputs/{kind}.tar", "--metadata-file", "meta.json", "--iidfile", "iid", "outputs")
        meta = json.loads(open(os.path.join(s.directory, "meta.json"), encoding="utf-8").read())
        index = json.loads(s.run("tar", "xOf", f"outputs/{kind}.tar", "index.json").out)
        s.equal(f"--metadata-file tells what {kind} holds", ["docker.io/library/o:1", index["manifests"][0]["digest"], index["manifests"][0]["size"]],
                [meta["image.name"], meta["containerimage.digest"], meta["containerimage.descriptor"]["size"]])
        s.equal("and so does --iidfile", meta["containerimage.config.digest"], open(os.path.join(s.directory, "iid"), encoding="utf-8").read())
    for kind in ("oci", "docker", "tar"):
        s.equal(f"a file of type={kind} is as the umask has it", 0o644, os.stat(os.path.join(s.directory, f"outputs/{kind}.tar")).st_mode & 0o7777)
    s.nothing_left(before, within=1)


def host_gateway(s, before):
    s.write("gateway.Dockerfile", "FROM busybox\nRUN grep -w up /etc/hosts > /hosts; ip route | grep default > /route\n"
            "RUN --network=none grep -w up /etc/hosts >> /hosts\nRUN --network=host grep -w up /etc/hosts >> /hosts\n")
    s.davit("image", "build", "-q", "-t", "gateway", "--allow", "network.host", "--add-host", "up=host-gateway", "-f", "gateway.Dockerfile", ".")
    route = inside(s, "gateway", "cat", "/route").split()[2]
    s.equal("host-gateway is the host's address on each network", f"{route}\tup\n172.17.0.1\tup\n127.0.0.1\tup\n", inside(s, "gateway", "cat", "/hosts"))
    s.davit("image", "build", "--add-host", "up=nowhere", ".", exit=1, err="invalid host up=nowhere")
    s.davit("image", "rm", "gateway")
    s.nothing_left(before, within=1)


def history(s):
    """buildx history: what ended, what it told, until it is removed."""
    s.write("h.Dockerfile", "FROM busybox\nRUN echo told\n")
    s.davit("image", "build", "-q", "--no-cache", "-t", "h:1", "--build-arg", "A=b", "-f", "h.Dockerfile", ".")
    s.davit("image", "build", "-q", "--target", "none", "-f", "h.Dockerfile", ".", exit=1)
    failed, newest = [json.loads(line) for line in s.davit("buildx", "history", "ls", "--format", "json").out.splitlines()[:2]]
    s.equal("how they ended", ["Error", "Completed"], [failed["status"], newest["status"]])
    s.check("their names", newest["name"].endswith("/h.Dockerfile") and failed["name"].endswith("/h.Dockerfile (none)"), newest["name"] + failed["name"])
    s.equal("steps", newest["total_steps"], newest["completed_steps"])
    ref = newest["ref"].split("/")[-1]
    s.davit("buildx", "history", "logs", ref, err=r"#\d+ \d\.\d told")
    s.davit("buildx", "history", "logs", "--progress", "rawjson", "^1", err='"data":"dG9sZAo="')
    told = json.loads(s.davit("buildx", "history", "inspect", "--format", "json", ref).out)
    s.equal("what was asked for", ("completed", [{"Name": "A", "Value": "b"}]), (told["Status"], told["BuildArgs"]))
    s.davit("buildx", "history", "inspect", out="(?m)^Status:|^Error:")
    s.davit("buildx", "history", "ls", "--filter", "status=error", out="Error")
    s.davit("buildx", "history", "ls", "--filter", "foo=bar", exit=1, err='unsupported filter "foo=bar"')
    s.davit("buildx", "history", "rm", ref)
    s.davit("buildx", "history", "logs", ref, exit=1, err="no record found for ref")
    s.davit("buildx", "history", "rm", "--all")
    s.davit("buildx", "history", "logs", exit=1, err="no records found")
    s.davit("buildx", "history", "open", exit=1, err="no more")
    s.davit("image", "rm", "h:1")


with Scenario("build") as s:
    s.images("busybox")
    before = s.listing()
    ten_steps(s, before)
    up_build(s, before)
    in_order(s)
    failing_step(s, before)
    client_ends(s, before, signal.SIGKILL, -signal.SIGKILL)
    client_ends(s, before, signal.SIGINT, 130)
    client_ends(s, before, signal.SIGTERM, 130)
    flooded(s, before)
    deaf_client(s, before)
    secrets(s, before)
    killed_before_it_runs(s, before)
    ssh_keys(s, before)
    at_once(s, before)
    named_contexts(s, before)
    mounts(s, before)
    stages_done_again(s, before)
    checks_before_a_mistake(s)
    s.write("src/a", "1\n")
    other_sources(s)
    garbage(s)
    cache_elsewhere(s)
    as_buildkit_leaves_it(s)
    outputs(s, before)
    host_gateway(s, before)
    history(s)
    imported(s)
    supervisor_dies(s, before)
