"""A terminal for tests: a program on a pty, and the screen that a person would see.

    with Terminal([davit, "up"], cwd=directory, rows=24, columns=80) as t:
        t.until(r"ready")
        t.type("\\x03")
        code = t.end()
        t.screen()   # the lines, scrolled-off ones too
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time


class Terminal:
    def __init__(self, command, cwd, rows=24, columns=80, env=None):
        self.command, self.said, self.code = command, b"", None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvpe(command[0], command, dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8", **(env or {})))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def read(self, within):
        """False at the end of the program's output."""
        if not select.select([self.fd], [], [], within)[0]:
            return True
        try:
            got = os.read(self.fd, 65536)
        except OSError:
            got = b""
        self.said += got
        return bool(got)

    def until(self, pattern, within=15, after=0):
        """Reads until the output, from the given place on, matches. Returns the place behind it."""
        end = time.monotonic() + within
        while True:
            found = re.search(pattern.encode(), self.said[after:])
            if found:
                return after + found.end()
            if time.monotonic() > end or not self.read(0.05):
                raise AssertionError(f"{' '.join(self.command)} did not say /{pattern}/ but {self.text()[-600:]!r}")

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def signal(self, number):
        os.kill(self.pid, number)

    def end(self, within=30):
        """The exit code."""
        end = time.monotonic() + within
        while self.read(0.05) and time.monotonic() < end:
            pass
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                return self.code
            time.sleep(0.01)
        raise AssertionError(f"{' '.join(self.command)} did not end within {within} s: {self.text()[-600:]!r}")

    def text(self):
        return self.said.decode("utf-8", "replace")

    def screen(self):
        return screen_of(self.text())


def screen_of(text):
    """What the escape sequences that davit uses leave on an endless screen, line by line."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[([0-9;?]*)([A-Za-z])|([^\x1b])", text):
        numbers, letter, character = part
        count = int(numbers) if numbers.isdigit() else 1
        if letter == "A":
            row = max(0, row - count)
        elif letter == "J":
            lines[row:] = [lines[row][:column]]
        elif letter == "K":
            lines[row] = lines[row][:column]
        elif character == "\n":
            row += 1
        elif character == "\r":
            column = 0
        elif character:
            lines[row] = lines[row].ljust(column)[:column] + character + lines[row][column + 1:]
            column += 1
        while len(lines) <= row:
            lines.append("")
    return [l.rstrip() for l in lines]
