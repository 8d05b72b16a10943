"""What a person at a terminal sees and does: progress, interrupts, sizes, detaching; and the same in a pipe."""
import json
import os
import re
import signal
import subprocess
import termios
import time

from harness import Scenario
from terminal import Terminal

STACK = """
services:
  db:
    image: busybox
    command: ["sh", "-c", "trap 'exit 0' TERM; i=0; while [ $$i -lt 40 ]; do echo line $$i; i=$$((i+1)); sleep 0.02; done; echo db is up; touch /tmp/up; while :; do sleep 0.05; done"]
    healthcheck: {test: ["CMD", "test", "-e", "/tmp/up"], interval: 50ms, start_period: 10s, start_interval: 50ms}
  web:
    image: busybox
    depends_on: {db: {condition: service_healthy}}
    command: ["sh", "-c", "trap 'exit 0' TERM; echo web is up; while :; do sleep 0.05; done"]
"""

STUBBORN = """
services:
  slow:
    image: busybox
    command: ["sh", "-c", "trap 'echo asked to stop' TERM; echo up; while :; do sleep 0.05; done"]
    stop_grace_period: 120s
"""

JOBS = """
services:
  good: {image: busybox, command: ["sh", "-c", "while ! test -e /go/on; do sleep 0.05; done; echo good says; echo and errs >&2; exit 0"], volumes: ["./go:/go"]}
  bad: {image: busybox, command: ["sh", "-c", "while ! test -e /go/on; do sleep 0.05; done; echo bad says; exit 7"], volumes: ["./go:/go"]}
"""


def terminal(s, *words, **more):
    return Terminal([s.binary, *words], cwd=s.directory, **more)


def progress_and_logs(s):
    """Log lines go above the block of progress: none is lost, none twice, and what is done stays."""
    s.write("compose.yaml", STACK)
    with terminal(s, "up") as t:
        t.until("web is up")
        t.type("\x03")
        s.equal("exit code after Ctrl-C", 130, t.end())
        screen = t.screen()
    for wanted in [f"db-1   | line {i}" for i in range(40)] + ["db-1   | db is up", "web-1  | web is up"]:
        s.equal(f"how often the screen shows {wanted!r}", 1, screen.count(wanted))
    text = "\n".join(screen)
    for wanted in (r"✔ Network terminal_default +Created", r"✔ Container terminal-db-1 +Created", r"^Attaching to db-1, web-1$",
                   r"✔ Container terminal-db-1 +Healthy", "Gracefully Stopping", r"✔ Container terminal-web-1 +Stopped", r"^web-1 exited with code 0$"):
        s.check(f"the screen shows /{wanted}/", re.search(wanted, text, re.M), text)
    for never in ("Creating", "Starting", "Waiting", "Stopping  "):
        s.check(f"nothing is left half-drawn: {never}", not re.search(never, text), text)
    s.equal("both have stopped", {"db": "exited", "web": "exited"}, s.states())
    s.davit("down", "-t", "0")


def two_interrupts(s):
    s.write("compose.yaml", STUBBORN)
    with terminal(s, "up") as t:
        t.until(r"\| .*up")
        t.type("\x03")
        t.until("Gracefully Stopping")
        t.until("asked to stop")
        t.type("\x03")
        s.equal("exit code after Ctrl-C twice", 130, t.end(within=20))
    s.equal("killed", 137, s.ps()[0]["ExitCode"])
    # The same with a kill from elsewhere, and with a stop of less patience.
    for impatient in (["kill"], ["stop", "-t", "0"], ["down", "-t", "0"]):
        s.davit("up", "-d")
        asked = s.davit("logs").out.count("asked to stop")
        patient = s.start("stop")
        s.eventually("the stop has begun", lambda: s.davit("logs").out.count("asked to stop") > asked)
        waiting = s.start("up", "-d") if impatient == ["kill"] else None
        if waiting:
            s.equal("who is waited for", f"warning: davit stop (pid {patient.pid}) works on project terminal: waiting until it has ended\n", waiting.stdout.readline())
        began = time.monotonic()
        s.davit(*impatient, within=30)
        s.check(f"{impatient[0]} does not wait for the stop's grace period", time.monotonic() - began < 25)
        s.equal("the stop had nothing left to do", 0, patient.wait(20))
        patient.stdout.close()
        if waiting:
            s.equal("it went on", 0, waiting.wait(20))
            waiting.stdout.close()
            s.davit("kill")
    s.davit("down", "-t", "0")


def stopped_and_resized(s):
    s.write("compose.yaml", STACK.replace("lt 40", "lt 400"))
    with terminal(s, "up") as t:
        t.until("line 3")
        t.resize(24, 44)
        place = t.until("line 20")
        place = t.until(r"Container terminal-db-1 +Waiting", after=place)
        for line in t.said[place:].decode("utf-8", "replace").splitlines():
            if "✔" in line or "[+]" in line:
                s.check("what is drawn fits", len(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line)) <= 44, repr(line))
        t.signal(signal.SIGSTOP)
        s.eventually("davit is stopped", lambda: "T (stopped)" in open(f"/proc/{t.pid}/status").read())
        s.equal("the container goes on meanwhile", "running", s.states()["db"])
        t.signal(signal.SIGCONT)
        t.until("line 200")
        t.type("\x03")
        s.equal("exit code", 130, t.end())
    s.davit("down", "-t", "0")


def sizes_and_keys(s):
    s.write("compose.yaml", "services: {a: {image: busybox, command: [sleep, '600'], stop_signal: KILL}}\n")
    s.davit("up", "-d")
    shell = "stty size; trap 'stty size' WINCH; echo ready; while :; do read line || sleep 0.1; [ \"$line\" = bye ] && exit 5; done"
    for verb in (["exec", "a", "sh", "-c", shell], ["run", "--rm", "a", "sh", "-c", shell], ["exec", "-it", "a", "sh", "-c", shell]):
        with terminal(s, *verb, rows=31, columns=97) as t:
            t.until("31 97\r\n")
            place = t.until("ready")
            t.resize(33, 101)
            t.until("33 101\r\n", after=place)
            t.type("bye\r")
            s.equal(f"exit code of {verb[0]}", 5, t.end())
    with terminal(s, "exec", "a", "sh", "-c", "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.05; done") as t:
        t.until("ready")
        t.type("\x03")
        t.until("caught")
        s.equal("Ctrl-C is the program's", 9, t.end())
    with terminal(s, "exec", "a", "sh", "-c", "echo ready; sleep 600") as t:
        t.until("ready")
        t.type("\x10\x11")
        s.equal("exec ends with the detach keys", 0, t.end())
    with terminal(s, "attach", "--detach-keys", "ctrl-x,x", "a") as t:
        s.eventually("attached", lambda: s.pids(r"davit attach"))
        time_limit = time.monotonic() + 10
        while t.code is None and time.monotonic() < time_limit:
            t.type("\x18x")
            try:
                t.end(within=1)
            except AssertionError:
                pass
    with terminal(s, "attach", "a") as t: # its first process ignores the signal
        s.eventually("davit takes the signals itself", lambda: int(re.search(r"SigBlk:\s*(\w+)", open(f"/proc/{t.pid}/status").read())[1], 16) & 1 << (signal.SIGINT - 1))
        def pressed(): # the kernel makes one of two that come at once
            t.read(0.1) # before a key is typed at a program that is gone
            if b"got 3" not in t.said:
                t.type("\x03")
            return b"got 3" in t.said
        s.eventually("three Ctrl-C end the command", pressed)
        t.until("got 3 SIGTERM/SIGINTs, forcefully exiting")
        s.equal("nobody is stuck in an attach", 1, t.end())
    s.equal("the container still runs", "running", s.states()["a"])
    with terminal(s, "run", "--rm", "a", "echo", "the output") as t:
        s.equal("run", 0, t.end())
        text = "\n".join(t.screen())
        s.check("what was done stays above the output of run", re.search(r"✔ Container terminal-a-run-\w+ +Created +[0-9.]+s\nthe output$", text.rstrip()), text)
    s.equal("input through a pipe", "one\ntwo\n", s.davit("exec", "-T", "a", "cat", stdin="one\ntwo\n").out)
    s.equal("without -T too", "one\n", s.davit("exec", "a", "cat", stdin="one\n").out)
    s.equal("run reads a pipe", "three\n", s.davit("run", "--rm", "-T", "a", "cat", stdin="three\n").out)
    s.davit("down", "-t", "0")


def attached(s, *words, code=0):
    """`up` in a pipe: its stdout and stderr."""
    go = os.path.join(s.directory, "go")
    os.makedirs(go, exist_ok=True)
    up = subprocess.Popen([s.binary, "up", *words], cwd=s.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    s.eventually("both run", lambda: list(s.states().values()).count("running") == 2)
    open(os.path.join(go, "on"), "w").close()
    out, err = up.communicate(timeout=60)
    os.unlink(os.path.join(go, "on"))
    s.equal(f"exit code of up {' '.join(words)}: {out}{err}", code, up.returncode)
    s.check("no escape sequences in a pipe", "\x1b" not in out + err, repr(out + err))
    s.davit("down", "-t", "0")
    return out, err


def in_a_pipe(s):
    s.write("compose.yaml", JOBS)
    out, err = attached(s)
    s.check("output", "good-1  | good says\n" in out and "bad-1   | bad says\n" in out, out)
    s.check("what went to stderr goes there", "good-1  | and errs\n" in err and "and errs" not in out, err)
    s.check("ends", "bad-1 exited with code 7\n" in out and "good-1 exited with code 0\n" in out, out)
    s.check("progress on stderr", " Container terminal-good-1 Created\n" in err and "Created" not in out, err)
    s.check("abort", attached(s, "--abort-on-container-failure", code=7)[1].count("Aborting on container exit...") == 1)
    attached(s, "--exit-code-from", "bad", code=7)
    out, _ = attached(s, "--no-log-prefix", "--attach", "good")
    s.check("--attach and --no-log-prefix", "good says\n" in out.splitlines(True) and "bad says" not in out, out)
    out, _ = attached(s, "--no-attach", "good")
    s.check("--no-attach", "bad says" in out and "good says" not in out, out)
    out, _ = attached(s, "--timestamps")
    s.check("--timestamps", re.search(r"^bad-1   \| \d{4}-\d\d-\d\dT[\d:.]+Z bad says$", out, re.M), out)


SHELL = """
trap : INT; stty -a > before; "$DAVIT" $WORDS; echo "code $?" >> codes; stty -a > after
"""
JOBS_SHELL = """
trap : INT; stty -a > before; "$DAVIT" $WORDS; stty -a > stopped; echo stopped now; read line; fg %1; echo "code $?" >> codes; stty -a > after
"""


def settings(s, name):
    with open(os.path.join(s.directory, name), encoding="utf-8") as f:
        return re.sub(r"(rows|columns) \d+;?", "", f.read())


def in_shell(s, script, *words, shell=("sh", "-c"), **more):
    """A shell that notes the terminal's settings before and after davit."""
    for name in ("before", "after", "stopped", "codes"):
        if os.path.exists(os.path.join(s.directory, name)):
            os.unlink(os.path.join(s.directory, name))
    return Terminal([*shell, script], cwd=s.directory, env={"DAVIT": s.binary, "WORDS": " ".join(words), **more})


def unchanged(s, what, t, code, killed=False):
    t.end()
    s.equal(f"{what}: exit code", f"code {code}\n", open(os.path.join(s.directory, "codes"), encoding="utf-8").read())
    s.equal(f"{what}: the terminal's settings", settings(s, "before"), settings(s, "after"))
    s.check(f"{what}: no menu stays", killed or "Detach" not in "\n".join(t.screen()), t.text()[-900:])


LINE = r"\| \S*line"  # a colour may end before it
MENU = r"w.*Enable Watch.*l.*Hide Logs.*d.*Detach"


def menu(s):
    """The keys of an attached up; and however it ends, the terminal is as it was."""
    s.write("compose.yaml", "services: {a: {image: busybox, command: [sh, -c, 'i=0; while :; do echo line $$i; i=$$((i+1)); sleep 0.05; done'], stop_signal: KILL}}\n")

    def raw(t):
        return int(termios.tcgetattr(t.fd)[3]) & (termios.ICANON | termios.ECHO) == 0

    with in_shell(s, SHELL, "up") as t:
        t.until(MENU)
        s.eventually("keys are read at once", lambda: raw(t))
        t.type("w")
        place = t.until("none of the selected services is configured for watch")
        t.type("l")
        place = t.until("Show Logs", after=place)
        def goes_on(): # what was on its way has been shown by then
            last = s.davit("logs", "-n", "1").out
            s.eventually("the container goes on", lambda: s.davit("logs", "-n", "1").out != last and (t.read(0.05) or True))
        goes_on()
        said = len(t.said)
        goes_on()
        s.check("no log line is shown", not re.search(LINE.encode(), t.said[said:]), t.text()[-300:])
        t.type("l")
        t.until(LINE, after=t.until("Hide Logs", after=place))
        t.type("d")
        unchanged(s, "detached", t, 0)
    s.equal("it still runs", "running", s.states()["a"])

    with in_shell(s, SHELL, "up") as t:
        t.until(MENU)
        t.until(LINE)
        t.type("\x03")
        unchanged(s, "Ctrl-C", t, 130)
    for number, code in ((signal.SIGHUP, 129), (signal.SIGQUIT, 131), (signal.SIGSEGV, 139), (signal.SIGABRT, 134), (signal.SIGUSR1, 138), (signal.SIGALRM, 142), (signal.SIGTERM, 130)):
        with in_shell(s, SHELL, "up") as t:
            t.until(MENU)
            s.eventually("keys are read at once", lambda: raw(t))
            os.kill(s.pids(r"davit up $")[0], number)
            unchanged(s, f"signal {number}", t, code, killed=code != 130)
    # the second Ctrl-C while it stops, and the third
    s.write("stubborn.yaml", STUBBORN)
    with in_shell(s, SHELL, "-f", "stubborn.yaml", "-p", "terminal", "up") as t:
        t.until(MENU)
        t.until(r"\| .*up")
        t.type("\x03")
        t.until("asked to stop")
        t.type("\x03")
        unchanged(s, "Ctrl-C twice", t, 130)
    # Ctrl-Z, and on
    with in_shell(s, JOBS_SHELL, "up", shell=("sh", "-mc")) as t:
        t.until(MENU)
        s.eventually("keys are read at once", lambda: raw(t))
        t.type("\x1a")
        t.until("stopped now")
        s.equal("stopped: the terminal's settings", settings(s, "before"), settings(s, "stopped"))
        t.type("\n")
        place = len(t.said)
        t.until(LINE, after=place)
        s.eventually("keys are read at once again", lambda: raw(t))
        t.type("d")
        unchanged(s, "continued", t, 0)
    # in the background it reads nothing, and is not stopped for that
    with in_shell(s, 'trap : INT; stty -a > before; "$DAVIT" up & read line; kill -INT $!; wait $!; echo "code $?" >> codes; stty -a > after', shell=("sh", "-mc")) as t:
        t.until(LINE)
        s.check("the terminal is the shell's", not raw(t))
        t.type("dd\n")
        unchanged(s, "in the background", t, 130)
    for words, more in ((["up", "--menu=false"], {}), (["up"], {"COMPOSE_MENU": "0"}), (["--progress", "plain", "up"], {}), (["--ansi", "never", "up"], {})):
        with in_shell(s, SHELL, *words, **more) as t:
            t.until(LINE)
            s.check(f"no menu: {words} {more}", not raw(t) and "Detach" not in t.text(), t.text()[-300:])
            t.type("\x03")
            unchanged(s, str(words), t, 130)
    # exec and attach, which take every key, put the terminal right as well
    s.davit("up", "-d")
    for number in (signal.SIGHUP, signal.SIGSEGV, signal.SIGUSR2):
        with in_shell(s, SHELL, "exec", "a", "sleep", "600") as t:
            s.eventually("raw", lambda: raw(t))
            os.kill(s.pids(r"davit exec a")[0], number)
            unchanged(s, f"exec and signal {number}", t, 128 + number)
    s.davit("down", "-t", "0", "--remove-orphans")


def limits(s):
    """--wait-timeout limits what dependents wait for as well."""
    s.write("compose.yaml", STACK.replace("/tmp/up]", "/tmp/never]").replace('"/tmp/up"]', '"/tmp/never"]'))
    s.davit("up", "--wait", "--wait-timeout", "1", exit=1, err="application not healthy after 1s", within=20)
    s.davit("start", "--wait", "--wait-timeout", "1", exit=1, err="application not healthy after 1s", within=20)
    s.davit("down", "-t", "0")


def told(s):
    """What runs already is told; docker compose's switches stand in the environment or in .env."""
    s.write("compose.yaml", "services: {a: {image: busybox, command: [sleep, '600'], stop_signal: KILL}}\n")
    s.davit("up", "-d")
    s.equal("an up that changes nothing", " Container terminal-a-1 Running\n", s.davit("up", "-d").err)
    s.equal("and plan", "", s.davit("plan").out)
    err = s.davit("up", "-d", "--force-recreate").err
    s.equal("a container made anew", [" Container terminal-a-1 " + w for w in ("Recreate", "Stopping", "Recreated", "Starting", "Started")], err.splitlines())
    moved = s.davit("stop", env={"COMPOSE_STATUS_STDOUT": "1"})
    s.check("COMPOSE_STATUS_STDOUT", "Stopped" in moved.out and not moved.err, str(moved))
    s.write(".env", "COMPOSE_PROGRESS=json\n")
    s.check("COMPOSE_PROGRESS in .env", json.loads(s.davit("start").err.splitlines()[-1])["text"] == "Started")
    s.write(".env", "")
    s.davit("ps", exit=1, err="COMPOSE_PROGRESS", env={"COMPOSE_PROGRESS": "loud"})
    s.davit("ps", exit=1, err="COMPOSE_PARALLEL_LIMIT", env={"COMPOSE_PARALLEL_LIMIT": "many"})
    for verb in ("ps", "logs", "stop", "kill", "down", "pause", "volumes", "start", "restart"):
        s.davit(verb, "aa", exit=1, err=r'no such service: aa \(did you mean "a"\?\)' if verb != "restart" else "no such service: aa")
    s.davit("stop", "aa", err="warning: no such service: aa", env={"COMPOSE_PROJECT_NAME": "terminal"})
    for verb in ("pause", "unpause"):
        s.davit(verb, "aa", err="warning: no such service: aa", env={"COMPOSE_PROJECT_NAME": "terminal"})
    s.equal("nothing happened", {"a": "running"}, s.states())
    s.davit("pause", "aa", "a", err="Paused", env={"COMPOSE_PROJECT_NAME": "terminal"})
    s.equal("who is there is paused", {"a": "paused"}, s.states())
    s.davit("unpause", "a")
    for words in (["build"], ["bridge", "convert"], ["network", "connect", "x"],
                  ["container", "create", "x"]):
        result = s.davit(*words, exit=None)
        s.check(f"davit {' '.join(words)} says what helps", result.code == 1 and "hint: " in result.err and "unknown" not in result.err or words == ["build"], str(result))
    s.davit("down", "-t", "0")


with Scenario("terminal") as s:
    s.images("busybox")
    before = s.listing()
    for part in (progress_and_logs, two_interrupts, stopped_and_resized, sizes_and_keys, menu, in_a_pipe, limits, told):
        try:
            part(s)
        except AssertionError as e:
            s.check(part.__name__, False, str(e))
        s.nothing_left(before)
