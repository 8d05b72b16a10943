"""Who follows containers stays with them while other commands restart and replace them, and leaves when they have ended."""
import os
import signal
import subprocess
import time

from harness import Scenario

FILE = """
services:
  a: {image: busybox, command: ["sh", "-c", "echo up $$MARK; exec sleep 600"], environment: {MARK: "${MARK:-one}"}, stop_signal: KILL}
"""
TWO = FILE + """
  b: {image: busybox, command: ["sh", "-c", "echo up; exec sleep 600"], stop_signal: KILL, depends_on: [a]}
"""


class Follower:
    """davit in the background, its output in a file."""

    def __init__(self, s, *words):
        self.s, self.words = s, words
        self.path = os.path.join(s.scratch, f"follower-{time.monotonic_ns()}")
        with open(self.path, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen([s.binary, *words], cwd=s.directory, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

    def text(self):
        with open(self.path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def shows(self, text, times=1):
        self.s.eventually(f"{' '.join(self.words)} shows {times} times {text!r}: {self.text()!r}", lambda: self.text().count(text) >= times)

    def stays(self, why):
        self.s.check(f"{' '.join(self.words)} goes on after {why}", self.process.poll() is None, self.text())

    def ends(self, code=0, within=20):
        try:
            self.s.equal(f"exit code of {' '.join(self.words)}: {self.text()}", code, self.process.wait(within))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.s.check(f"{' '.join(self.words)} ends", False, self.text())


def prefixes(follower):
    return {line.split(" | ")[0].strip() for line in follower.text().splitlines() if " | " in line}


def restarts(s):
    """The only container is restarted and made anew: what it writes then is shown, under the same name."""
    s.write("compose.yaml", FILE)
    up = Follower(s, "up", "a")
    up.shows("a-1  | up one")
    logs = Follower(s, "logs", "-f", "a")
    logs.shows("a-1  | up one")
    followers = (up, logs)
    number = 1
    for words in (["restart", "a"], ["restart"], ["restart", "-t", "0"], ["up", "-d", "--force-recreate", "a"], ["up", "-d", "--force-recreate"]):
        s.davit(*words)
        number += 1
        for f in followers:
            f.shows("a-1  | up one", number)
            f.stays(" ".join(words))
    s.davit("up", "-d", env={"MARK": "two"})
    for f in followers:
        f.shows("a-1  | up two")
        f.stays("a changed container")
        s.equal("names before the lines", {"a-1"}, prefixes(f))
        f.shows("a-1 exited with code 137 (restarting)")
    s.davit("stop", "-t", "0")
    for f in followers:
        f.ends()
    s.davit("down")


def several(s):
    """One of two is stopped and started; all are restarted, scaled and made anew; `down` ends it."""
    s.write("compose.yaml", TWO)
    up = Follower(s, "up")
    up.shows("b-1  | up")
    logs = Follower(s, "logs", "-f")
    logs.shows("b-1  | up")
    s.davit("stop", "b")
    s.davit("start", "b")
    s.davit("restart")
    s.davit("up", "-d", "--force-recreate")
    s.davit("up", "-d", "--scale", "b=2")
    for f in (up, logs):
        f.shows("b-1  | up\n", 4)
        f.shows("a-1  | up one", 3)
        f.shows("b-2  | up\n", 1)
        f.stays("all that")
    s.davit("down", "-t", "0")
    for f in (up, logs):
        f.ends()


def created(s):
    """A container that was made and not started yet: its log is waited for."""
    s.write("compose.yaml", FILE)
    s.davit("create")
    logs = Follower(s, "logs", "-f")
    s.davit("start")
    logs.shows("a-1  | up one")
    s.davit("kill")
    logs.ends()
    s.davit("down")


def last_line(s):
    """What stands at the end of a log without a newline is a line."""
    s.write("compose.yaml", """
services:
  a: {image: busybox, command: ["sh", "-c", "echo first; printf 'fatal: no newline'; exit 1"]}
  b: {image: busybox, command: ["sh", "-c", "echo out; printf 'the last' >&2"]}
""")
    s.davit("up", "-d")
    s.eventually("they have ended", lambda: set(s.states().values()) == {"exited"})
    for words, wanted in ((["logs", "a"], "a-1  | first\na-1  | fatal: no newline\n"), (["logs", "-n", "1", "a"], "a-1  | fatal: no newline\n"),
                          (["logs", "-f", "a"], "a-1  | first\na-1  | fatal: no newline\n"), (["logs", "--no-log-prefix", "a"], "first\nfatal: no newline\n"),
                          (["logs", "--since", "1h", "a"], "a-1  | first\na-1  | fatal: no newline\n"),
                          (["logs", "--until", "2099-01-01", "a"], "a-1  | first\na-1  | fatal: no newline\n"),
                          (["logs", "-n", "1", "b"], "b-1  | the last\n"), (["logs", "-n", "0", "a"], "")):
        s.equal(" ".join(words), wanted, s.davit(*words).out)
    s.equal("of all", sorted(["a-1  | first", "a-1  | fatal: no newline", "b-1  | out", "b-1  | the last"]), sorted(s.davit("logs").out.splitlines()))
    s.davit("down")


SIZE = 150_000_000


def lines_of(path):
    """How each line begins, and how long it is. Not held in memory: a child's peak begins with its parent's."""
    out, start, size = [], b"", 0
    with open(path, "rb") as f:
        while chunk := f.read(65536):
            parts = chunk.split(b"\n")
            for i, part in enumerate(parts):
                start, size = (start + part)[:80], size + len(part)
                if i + 1 < len(parts):
                    out.append((start, size))
                    start, size = b"", 0
    return out


def long_line(s):
    """A line of 150 MB is shown whole, and never held whole."""
    s.write("compose.yaml", f"""
services:
  big: {{image: busybox, command: ["sh", "-c", "echo before; head -c {SIZE} /dev/zero | tr '\\\\0' x; echo; echo after; printf end"]}}
""")
    s.davit("up", "-d")
    s.eventually("it has ended", lambda: s.states() == {"big": "exited"}, within=90)
    for words, lines in ((["logs", "--no-log-prefix"], 4), (["logs", "-f"], 4), (["logs", "-n", "3"], 3), (["up", "--no-log-prefix"], 4)):
        path = os.path.join(s.scratch, "out")
        with open(path, "wb") as out:
            process = subprocess.Popen([s.binary, *words], cwd=s.directory, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        s.equal(f"exit code of {' '.join(words)}", 0, process.returncode)
        s.check(f"peak memory of davit {' '.join(words)}", usage.ru_maxrss < 30_000, f"{usage.ru_maxrss} KB")
        got = [(start, size) for start, size in lines_of(path) if b" exited with code" not in start and not start.startswith(b"Attaching")]
        s.equal(f"lines of {' '.join(words)}: {got}", lines, len(got))
        prefix = 0 if "--no-log-prefix" in words else len("big-1  | ")
        s.equal("the long one, in one piece", SIZE + prefix, got[-3][1])
        s.equal("the last one", b"end", got[-1][0][prefix:])
        os.unlink(path)
    s.davit("down")


def hooks(s):
    s.write("compose.yaml", """
services:
  web:
    image: busybox
    command: sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
    post_start: [{command: sh -c 'echo one; echo two >&2'}, {command: "true"}]
    pre_stop: [{command: echo bye}]
  job: {image: busybox, command: sleep 1, stop_signal: KILL, post_start: [{command: echo hidden}]}
""")
    for words, lines in ((("--no-attach", "job"), ["web-1 ->  | one", "web-1 ->  | two", "web-1 ->  | bye"]), (("--no-log-prefix", "web"), ["one", "two", "bye"])):
        up = Follower(s, "up", "--no-color", *words)
        up.shows(lines[1])
        s.davit("up", "-d")
        up.process.send_signal(signal.SIGINT)
        up.ends(130)
        s.equal("what hooks write is shown where their container is", lines, [l for l in up.text().splitlines() if l in lines or "hidden" in l])
        s.davit("down")


def what_is_not_attached_is_not_shown(s):
    s.write("compose.yaml", """
services:
  quiet: {image: busybox, command: [echo, of the quiet one], attach: false}
  loud: {image: busybox, command: [echo, of the loud one], depends_on: {quiet: {condition: service_completed_successfully}}}
""")
    shown = s.davit("up").out
    s.check("up shows the one", "loud-1  | of the loud one" in shown, shown)
    s.check("and not the other", "of the quiet one" not in shown, shown)
    s.check("whose log is there", "of the quiet one" in s.davit("logs", "quiet").out)
    s.davit("down")


with Scenario("follow") as s:
    s.images("busybox")
    before = s.listing()
    for part in (restarts, several, created, last_line, long_line, what_is_not_attached_is_not_shown, hooks):
        part(s)
        s.nothing_left(before)
