# grove top on a terminal: top_test.py GROVE WORLD. What is drawn is read back by terminal_screen.py.
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import termios

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from terminal_screen import Program, describe

grove, world_program = sys.argv[1:3]
ESC = "\x1b"
DOWN, UP, PAGE_DOWN, END, HOME = ESC + "[B", ESC + "[A", ESC + "[6~", ESC + "[F", ESC + "[H"
MOST_S = 5  # from a key to its effect with 10,000 actors, on a busy machine with sanitizers


class World:
    """A process to be looked at."""

    def __init__(self, many, actions):
        self.process = subprocess.Popen([world_program, str(many), actions, "unix:" + place + "/grove/"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def top(*options, **more):
    return Program([grove, "top", *options], **more)


def lists_and_ends(world):
    t = top("--sort", "spawned")
    t.wait_for("shard-00004")
    t.check(t.screen.lines()[0].startswith("grove top: unix:" + place), "the first line names the process")
    for words in ["Actors 11", "Workers ", "1-11 of 11", "by spawned", "trunk", "leaf 3", "TRAINING 25/100", "PHASE", "?: help"]:
        t.check(words in t.screen.text(), "the screen has " + words)
    t.check(t.screen.marked() == [5, 6], "the head and the first line are in reverse")
    t.keys(DOWN + DOWN)
    t.wait_for(lambda s: s.marked() == [5, 8], "the third line is marked")
    t.keys(END)
    t.wait_for(lambda s: s.marked() == [5, 16], "the last line is marked")
    t.keys(HOME + "q")
    t.check(t.end() == 0, "q ends it well")
    t.check(termios.tcgetattr(t.fd) == t.before, "the terminal is as it was")
    t.check(b"\x1b[?1049l" in t.raw[-40:], "its screen is as it was")


def filters(world):
    t = top("--sort", "spawned")
    t.wait_for("shard-00004")
    t.keys("/shard-00003")
    t.wait_for("1-1 of 1 ")
    t.wait_for(lambda s: "Filter: shard-00003" in s.text() and "shard-00004" not in s.text(), "typing, and its effect")
    t.keys("\x7f\x7f\x7f\x7f\x7f\r")
    t.wait_for("1-5 of 5 ")
    t.wait_for('filter "shard-"')
    t.keys("/\u00e9")
    t.wait_for("0-0 of 0 ")
    t.keys(ESC)
    t.wait_for("1-11 of 11")
    t.wait_gone("Filter")
    t.keys("s")
    t.wait_for("by depth")
    t.keys("SS")
    t.wait_for("by name")
    t.wait_for(lambda s: s.lines()[6].startswith("dashboard"), "dashboard is the first by name")
    t.keys("q")
    t.check(t.end() == 0, "q ends it well")


def shows_trees(world):
    t = top("--tree", LC_ALL="C.UTF-8")
    t.wait_for("leaf 3")
    lines = t.screen.lines()
    at = next(i for i, l in enumerate(lines) if l.startswith("trunk"))
    t.check("leaf 0" in lines[at + 1] and not lines[at + 1].startswith("leaf"), "leaves stand below the trunk, and further in")
    t.check("tree" in lines[4], "it says that it is a tree")
    t.keys(DOWN + " ")
    t.wait_gone("leaf 0")
    t.wait_for(lambda s: "trunk" in s.text() and "shard-00000" in s.text(), "what is beside it")
    t.keys(" ")
    t.wait_for("leaf 0")
    t.keys("t")
    t.wait_for("by busy")
    t.keys("q")
    t.check(t.end() == 0, "q ends it well")


def shows_one(world):
    t = top("--filter", "trunk")
    t.wait_for("1-1 of 1 ")
    t.keys("\r")
    t.wait_for("Recent events of it and its children:")
    t.check("trunk (trunk), " in t.screen.lines()[0], "its title is the first line")
    t.keys(PAGE_DOWN)  # how much comes before them depends on what has happened so far
    t.wait_for("Children: 4 of 4")
    t.keys("q")
    t.wait_for("1-1 of 1 ")
    t.keys("?")
    t.wait_for("the page of the marked actor")
    t.keys(ESC)
    t.wait_for("1-1 of 1 ")
    t.keys("q")
    t.check(t.end() == 0, "q ends it well")


def pauses(world):
    t = top("--filter", "born", "--interval", "0.25")
    t.wait_for("0-0 of 0 ")
    t.keys("p")
    t.wait_for("PAUSED")
    world.tell("spawn born-late")
    t.keys("?")
    t.wait_for("the page of the marked actor")
    t.keys("q")
    t.wait_for("PAUSED")
    t.check("born-late" not in t.screen.text(), "nothing is new while it is paused")
    t.keys("p")
    t.wait_for("born-late")
    t.wait_for("1-1 of 1 ")
    world.tell("crash born-late")
    t.wait_for(lambda s: "0-0 of 0 " in s.text() and not s.lines()[6])
    t.keys("e")
    t.wait_for(lambda s: "born-late" in s.lines()[6] and "ended" in s.lines()[6])
    t.keys("\r")
    t.wait_for("it was told to <b>crash</b>")
    t.keys("qq")
    t.check(t.end() == 0, "q ends it well")


def ends_actors(world):
    t = top("--filter", "shard", "--sort", "name")
    t.wait_for("1-5 of 5 ")
    t.keys("k")
    t.wait_for("End shard-00000 (leaf) and all below it? It is not restarted. [y/N]")
    t.keys("n")
    t.wait_gone("[y/N]")
    t.keys("?")  # a redraw later it is still there
    t.wait_for("the page of the marked actor")
    t.keys("q")
    t.wait_for("1-5 of 5 ")
    t.keys("ky")
    t.wait_for(lambda s: "1-4 of 4 " in s.text() and "shard-00000" not in s.text())  # the one that was marked is gone
    t.keys("q")
    t.check(t.end() == 0, "q ends it well")


def restarts_actors(world):
    t = top("--filter", "leaf 1", columns=140)
    t.wait_for("1-1 of 1 ")
    t.keys("r")
    t.wait_for("Restart leaf 1 (leaf)? What it does is lost. [y/N]")
    t.keys("y")
    t.wait_for(lambda s: "is asked to restart" in s.text())
    t.wait_for(lambda s: re.search(r" 1 +[0-9.]+ KiB", s.lines()[6]), "the column of restarts is 1")
    t.keys("\r")
    t.wait_for("it was restarted from the dashboard")
    t.keys("qq")
    t.check(t.end() == 0, "q ends it well")


def shows_waits(world):
    world.tell("await")
    t = top("--filter", "trunk", columns=220)
    t.wait_for('waits for stay of leaf "leaf 0" is running')
    t.keys("\r")
    t.wait_for('waits        await for stay of leaf "leaf 0" is running')
    t.wait_for("methods      work(long): long")
    t.wait_for("await(): long  1 at work")
    t.keys("q")
    t.wait_for("1-1 of 1 ")
    world.tell("wake")
    t.wait_gone("waits for")
    t.keys("q")
    t.check(t.end() == 0, "q ends it well")


def fits(world):
    t = top("--sort", "spawned", rows=12, columns=40)
    t.wait_for("trunk")
    t.wait_for("1-5 of 11", "that five lines are seen")
    t.wait_for(lambda s: "PHASE" in s.text() and "STATE" not in s.text(), "a narrow one without some columns")
    t.resize(30, 160)
    t.wait_for("1-11 of 11")
    t.wait_for("STATE")
    t.wait_for("TRAINING 25/100")
    t.resize(4, 10)
    t.wait_for(lambda s: s.lines()[0].startswith("grove top"), "a tiny one is no end")
    t.resize(24, 80)
    t.wait_for("1-11 of 11")
    t.keys("q")
    t.check(t.end() == 0, "q ends it well")


def restores(world):
    for number, keys in [(signal.SIGTERM, None), (signal.SIGINT, "\x03"), (signal.SIGHUP, None)]:
        t = top()
        t.wait_for("trunk")
        if keys:
            t.keys(keys)
        else:
            os.kill(t.pid, number)
        t.check(t.end() == 128 + number, "its exit code is that of the signal, and is %s" % t.code)
        t.check(termios.tcgetattr(t.fd) == t.before, "the terminal is as it was after %s" % number)
        t.check(b"\x1b[?1049l" in t.raw[-40:], "its screen is as it was")


def colours(world):
    t = top(TERM="xterm-256color", NO_COLOR="")
    while b"trunk" not in t.raw:
        t.read(1)
    t.keys("q")
    t.check(t.end() == 0 and b"\x1b[32m" in t.raw, "there are colours")
    t = top(TERM="xterm-256color", NO_COLOR="1")
    while b"trunk" not in t.raw:
        t.read(1)
    t.keys("q")
    t.check(t.end() == 0 and b"\x1b[32m" not in t.raw, "there are none where they are not wanted")
    # ncurses itself keeps a block then, of which LeakSanitizer would tell.
    t = top(TERM="nothing-of-that-name", ASAN_OPTIONS="detect_leaks=0")
    t.check(t.end() == 2 and b'(TERM is "nothing-of-that-name") is not known' in t.raw, "a terminal that is not known is said")


def obeys_while_it_hangs(world):
    t = top()
    t.wait_for("trunk")
    world.process.send_signal(signal.SIGSTOP)
    t.keys("?")
    t.wait_for("the page of the marked actor")
    t.keys("qq")
    t.check(t.end() == 0, "q ends it, though nobody answers")
    world.process.send_signal(signal.SIGCONT)


def sees_the_end(world):
    t = top()
    t.wait_for("trunk")
    world.process.kill()
    world.process.wait()
    t.check(t.end() == 1, "a process that ends is an end")
    t.check(termios.tcgetattr(t.fd) == t.before, "the terminal is as it was")
    t.check(b"is lost: its process has ended" in t.raw[t.raw.rfind(b"\x1b[?1049l"):], "it says why, on the screen that was there before")


def ten_thousand():
    world = World(10000, "reads")
    t = top("--sort", "spawned")
    slowest = t.wait_for("1-17 of 10006")
    for keys, place_said, row in [(PAGE_DOWN, "18-34 of 10006", "shard-00020"), (END, "9990-10006 of 10006", "shard-09999"),
                                  (HOME, "1-17 of 10006", "leaf 0"), ("/shard-09999", "1-1 of 1 ", "shard-09999"),
                                  (ESC, "1-17 of 10006", "leaf 0"), ("t", "   tree", "leaf 0"), ("", "1-17 of 10006   tree", "leaf 0"),
                                  (END, "9990-10006 of 10006", "shard-09999"), ("t", "of 10006", "leaf 0")]:
        t.keys(keys)
        took = t.wait_for(lambda s: place_said in s.text() and any(row in l for l in s.lines()[6:]), place_said + " with " + row)
        print("%-14r %4.0f ms" % (keys, 1000 * took))
        slowest = max(slowest, took if keys else 0)  # the rest of a tree comes when it comes
    t.check(slowest < MOST_S, "each key is obeyed within %d s; the slowest took %.1f s" % (MOST_S, slowest))
    t.keys("k")
    t.wait_for("lets actors be looked at, no more")
    t.keys("q")
    t.check(t.end() == 0, "q ends it well")
    world.end()


place = tempfile.mkdtemp(prefix="grove-top-")
try:
    describe(place + "/terminfo")
    os.environ.update(XDG_RUNTIME_DIR=place, TERMINFO=place + "/terminfo", TERM="grove-test", LC_ALL="C.UTF-8")
    for name in ["GROVE_AT", "GROVE_TOKEN", "NO_COLOR", "LINES", "COLUMNS", "ESCDELAY"]:
        os.environ.pop(name, None)
    for test in [lists_and_ends, filters, shows_trees, shows_one, pauses, ends_actors, restarts_actors, shows_waits, fits, restores, colours, obeys_while_it_hangs,
                 sees_the_end]:
        print(test.__name__, flush=True)
        world = World(5, "actions")
        test(world)
        if world.process.poll() is None:
            world.end()
    ten_thousand()
finally:
    shutil.rmtree(place)
