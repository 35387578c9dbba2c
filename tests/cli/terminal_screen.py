# A program on a terminal of ours: what it draws, read back from a terminal so simple that all of it is here. `tic` makes
# its description: it can put the cursor somewhere, clear the screen, and show things in reverse.
import errno
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import fcntl

SIMPLE = r"""grove-test|a terminal for tests,
	am, cols#80, lines#24,
	clear=\E[H\E[2J, cup=\E[%i%p1%d;%p2%dH, smso=\E[7m, rmso=\E[m, rev=\E[7m, sgr0=\E[m, bel=^G,
	cr=\r, ind=\n, smcup=\E[?1049h, rmcup=\E[?1049l,
	kcuu1=\E[A, kcud1=\E[B, kpp=\E[5~, knp=\E[6~, khome=\E[H, kend=\E[F, kbs=\177,
"""
PATIENCE_S = 30
SEQUENCE = re.compile(rb"\x1b\[(\??)([\d;]*)([A-Za-z])|\x1b[()][A-Za-z0-9]")


def skip(why):
    print("skipped: " + why + " is not here")
    sys.exit(77)


def describe(folder):
    try:
        made = subprocess.run(["tic", "-x", "-o", folder, "-"], input=SIMPLE.encode(), capture_output=True)
    except FileNotFoundError:
        skip("tic (ncurses-bin)")
    if made.returncode:
        sys.exit("tic: " + made.stderr.decode())


class Screen:
    def __init__(self, rows, columns):
        self.resize(rows, columns)
        self.rest = b""

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.clear()

    def clear(self):
        self.cells = [[" "] * self.columns for _ in range(self.rows)]
        self.reverse = [[False] * self.columns for _ in range(self.rows)]
        self.y = self.x = 0
        self.on = False

    def text(self):
        return "\n".join(self.lines())

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

    def marked(self):
        """The lines that are shown in reverse from their first column on."""
        return [i for i in range(self.rows) if self.reverse[i][0] and self.reverse[i][self.columns - 1]]

    def put(self, c):
        if self.x >= self.columns:
            self.x, self.y = 0, min(self.y + 1, self.rows - 1)
        self.cells[self.y][self.x] = c
        self.reverse[self.y][self.x] = self.on
        self.x += 1

    def control(self, kind, numbers):
        n = [int(p) if p else 0 for p in numbers.split(";")] if numbers else [0]
        if kind == "H":
            self.y = max(0, min(self.rows, n[0]) - 1)
            self.x = max(0, min(self.columns, n[1] if len(n) > 1 else 1) - 1)
        elif kind == "J":
            self.clear()
        elif kind == "m":
            self.on = 7 in n

    def feed(self, data):
        data = self.rest + data
        at = 0
        while at < len(data):
            if data[at] == 0x1B:
                m = SEQUENCE.match(data, at)
                if not m:
                    break  # the rest of it is still to come
                if m.group(3) and not m.group(1):
                    self.control(m.group(3).decode(), m.group(2).decode())
                at = m.end()
                continue
            n = 1 if data[at] < 0x80 else 2 if data[at] < 0xE0 else 3 if data[at] < 0xF0 else 4
            if at + n > len(data):
                break
            c = data[at:at + n].decode("utf-8", "replace")
            if c == "\r":
                self.x = 0
            elif c == "\n":
                self.y = min(self.y + 1, self.rows - 1)
            elif c == "\b":
                self.x = max(0, self.x - 1)
            elif c >= " ":
                self.put(c)
            at += n
        self.rest = data[at:]


class Program:
    """A program on a terminal of rows and columns; its output is read while somebody waits for something."""

    def __init__(self, argv, rows=24, columns=100, **environment):
        self.screen = Screen(rows, columns)
        self.raw = b""
        self.code = None
        size = struct.pack("HHHH", rows, columns, 0, 0)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # The parent sets the size before it lets go of us.
            os.read(0, 1)
            os.execvpe(argv[0], argv, dict(os.environ, **environment))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size)
        self.before = termios.tcgetattr(self.fd)
        os.write(self.fd, b"\n")

    def read(self, seconds):
        """What has come; False: it is over."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError as e:
            if e.errno != errno.EIO:
                raise
            data = b""
        self.raw += data
        self.screen.feed(data)
        return bool(data)

    def wait_for(self, what, words=None):
        """Until the screen's text has `what` in it, or what(screen) is true. Gives how long it took."""
        begun = time.monotonic()
        good = what if callable(what) else lambda s: what in s.text()
        while not good(self.screen):
            if not self.read(1) or time.monotonic() - begun > PATIENCE_S:
                self.fail("never seen: " + (words or str(what)))
        return time.monotonic() - begun

    def wait_gone(self, what):
        return self.wait_for(lambda s: what not in s.text(), "that it goes: " + what)

    def keys(self, text):
        os.write(self.fd, text.encode())

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def end(self):
        """Waits until it has ended. Gives its exit code; 128 and the signal's number, if one ended it."""
        begun = time.monotonic()
        while self.read(1):
            if time.monotonic() - begun > PATIENCE_S:
                self.fail("it does not end")
        _, status = os.waitpid(self.pid, 0)
        self.code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        return self.code

    def fail(self, words):
        print("FAILED: " + words + "\n" + "-" * self.screen.columns)
        print(self.screen.text())
        print("-" * self.screen.columns)
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
        sys.exit(1)

    def check(self, good, words):
        if not good:
            self.fail(words)
