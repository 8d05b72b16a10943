"""What containers and images call themselves does not reach the terminal as control sequences, nor as lines of their own."""
import hashlib
import io
import json
import os
import re
import tarfile

from harness import Scenario

EVIL = "\x1b]0;PWN\x07\x1b[2J\u009b31m\u202e\x7f\nroot 1 fake"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(s, what, result, lines=None):
    for name, text in (("stdout", result.out), ("stderr", result.err)):
        s.check(f"{what}: {name} has no control characters", not RAW.search(text), repr(text))
    s.check(f"{what}: no line is faked", not re.search(r"^root 1 fake", result.out + result.err, re.M), result.out + result.err)
    if lines is not None:
        s.equal(f"{what}: lines of {result.out!r}", lines, len(result.out.splitlines()))
    return result


def processes(s):
    """Names and arguments that a process gives itself; labels and names of its image."""
    quoted = json.dumps(EVIL).replace("\x7f", "\\u007f")
    s.write("compose.yaml", f"""
services:
  a:
    image: busybox
    command: ["sh", "-c", "exec sleep 600", {quoted}]
    labels: {{evil: {quoted}}}
    stop_signal: KILL
""")
    s.davit("up", "-d")
    # a process whose arguments hold the text itself
    s.davit("exec", "-d", "a", "sh", "-c", "sleep 600; true", EVIL)
    s.eventually("it runs", lambda: "PWN" in s.davit("top", "a").out)
    clean(s, "top", s.davit("top", "a"), lines=4)
    clean(s, "ps --no-trunc", s.davit("ps", "--no-trunc"), lines=2)
    for words in (["ps"], ["ps", "--format", "{{.Labels}}"], ["ps", "--format", "{{.Command}}|{{.Label \"evil\"}}"], ["ps", "--no-trunc", "--format", "table {{.Name}}\t{{.Labels}}"],
                  ["ps", "--format", "json"], ["ps", "--format", "{{json .}}"], ["container", "ls", "--no-trunc"], ["container", "inspect", "escapes-a-1"],
                  ["container", "inspect", "--format", "{{json .Config}}", "escapes-a-1"], ["stats", "--no-stream"], ["images"], ["plan"], ["events", "--since", "1h", "--until", "0s"],
                  ["volumes"], ["ls"], ["system", "doctor"]):
        clean(s, " ".join(words), s.davit(*words, exit=None))
    clean(s, "ps --format {{.Labels}}", s.davit("ps", "--format", "{{.Labels}}"), lines=1)
    kept = json.loads(s.davit("container", "inspect", "escapes-a-1").out)[0]
    s.equal("JSON keeps the text itself", EVIL, kept["Config"]["Labels"]["evil"])
    s.check("exec that fails", clean(s, "exec", s.davit("exec", "-T", "a", "/no\x1b[2J\nroot 1 fake", exit=127)).err)
    clean(s, "cp", s.davit("cp", "a:/no\x1b[2J\nroot 1 fake", "/tmp/x", exit=1))
    clean(s, "an unknown service", s.davit("ps", "a\x1b[2J\nroot 1 fake", exit=1))
    raw = s.davit("exec", "-T", "a", "printf", "\\033[31mred\\033[0m").out
    s.equal("what a container writes is passed on as it is", "\x1b[31mred\x1b[0m", raw)
    s.davit("down", "-t", "0")


def hostile_layer(entry):
    """A docker-archive with one layer that holds an entry of this name."""
    def tar(files):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name, data in files:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return out.getvalue()

    config = {"architecture": "amd64", "os": "linux", "author": "evil" + EVIL, "config": {"Labels": {"evil": EVIL}, "Cmd": ["sh", EVIL]}, "rootfs": {"type": "layers", "diff_ids": []},
              "history": [{"created_by": "RUN " + EVIL, "comment": EVIL, "created": "2026-01-01T00:00:00Z"}]}
    layer = tar([(entry, b"x")])
    config["rootfs"]["diff_ids"] = ["sha256:" + hashlib.sha256(layer).hexdigest()]
    manifest = [{"Config": "config.json", "RepoTags": ["evil:1"], "Layers": ["layer.tar"]}]
    return tar([("manifest.json", json.dumps(manifest).encode()), ("config.json", json.dumps(config).encode()), ("layer.tar", layer)])


def images(s):
    path = os.path.join(s.scratch, "evil.tar")
    for entry in ("../\x1b]0;PWN\x07\x1b[31m", "a/../../\nroot 1 fake\x1b[2J"):
        with open(path, "wb") as f:
            f.write(hostile_layer(entry))
        result = clean(s, "loading a hostile layer", s.davit("image", "load", "-i", path, exit=None))
        s.check("it is refused, or taken apart safely", result.code in (0, 1), str(result))
    with open(path, "wb") as f:
        f.write(hostile_layer("file"))
    s.davit("image", "load", "-i", path)
    for words in (["image", "ls"], ["image", "history", "--no-trunc", "evil:1"], ["image", "history", "evil:1"], ["image", "inspect", "evil:1"],
                  ["image", "inspect", "--format", "{{json .}}", "evil:1"], ["image", "ls", "--format", "json"], ["image", "history", "--format", "{{.CreatedBy}}", "evil:1"]):
        clean(s, " ".join(words), s.davit(*words))
    shown = s.davit("image", "inspect", "--format", "{{.Author}}", "evil:1").out
    s.check("a template of one image", "\x1b" not in shown and "PWN" in shown, repr(shown))
    s.davit("image", "rm", "evil:1")


def outputs(s):
    """What a failing container wrote stands among davit's own lines."""
    s.write("compose.yaml", """
services:
  a: {image: busybox, command: ["sh", "-c", "printf 'last \\\\033[2J words\\\\n'; exit 3"]}
""")
    result = s.davit("up", "-d", "--wait", exit=1)
    clean(s, "last words", result)
    s.check("they are there", "words" in result.err, result.err)
    s.davit("down")


with Scenario("escapes") as s:
    s.images("busybox")
    before = s.listing()
    for part in (processes, images, outputs):
        part(s)
        s.nothing_left(before, but=[r"/var/lib/davit/images"])
