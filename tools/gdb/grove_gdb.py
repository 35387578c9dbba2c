# Shows the actors of a runtime to gdb, and where the suspended ones stand. In a running program and in a core file; the
# library needs neither debug information nor symbols for it.
#
#   (gdb) source /usr/share/grove/grove_gdb.py
#   (gdb) grove actors g                  one line for each actor; g: any `grove *`, the runtime's or a method's self
#   (gdb) grove suspended g [PART]        those that wait, with a backtrace; PART: of the class or name
#
# How: the first words of a runtime lead to a table of offsets (src/actor/debug.c), so this script knows no layout of its
# own. The backtrace is gdb's: for a moment an unwinder tells it that the registers saved on the suspended stack are
# those of the caller of the selected thread's innermost frame. Nothing is written to the program.
import struct

import gdb
from gdb.unwinder import Unwinder

RUNTIME, ACTIVATION = 0x67726F76, 0x61637469
PHASES = ["?", "starting", "idle", "queued", "running", "waiting", "restarting", "ending", "stuck", "ended"]
# In the order of struct grove__debug, after its magic.
FIELDS = """version system_cells slab_each slab_made slab_chunk slab_first_bits slab_chunks
    cell_life cell_manner manner_class cell_rest annex_rest annex_name annex_label cell_phase cell_tied tied_activations class_name method_name
    activation_next activation_worker activation_strand activation_method
    worker_context worker_place strand_fiber switch_kind""".split()
VERSION = 5


class Memory:
    def bytes(self, at, n):
        return bytes(gdb.selected_inferior().read_memory(at, n))

    def u32(self, at):
        return struct.unpack("=I", self.bytes(at, 4))[0]

    def u64(self, at):
        return struct.unpack("=Q", self.bytes(at, 8))[0]

    def text(self, at):
        out = b""
        while at and len(out) < 200:
            byte = self.bytes(at + len(out), 1)
            if byte == b"\0":
                break
            out += byte
        return out.decode("utf-8", "replace")


M = Memory()


class Actor:
    def __init__(self, runtime, at):
        t = runtime.table
        self.at = at
        self.class_name = M.text(M.u64(runtime.class_of(at) + t["class_name"]))
        annex = M.u64(at + t["cell_rest"]) - t["annex_rest"]
        name, label = M.u64(annex + t["annex_name"]), M.u64(annex + t["annex_label"])
        self.name = M.text(name) or M.text(label)
        phase = M.bytes(at + t["cell_phase"], 1)[0]
        self.phase = PHASES[phase] if phase < len(PHASES) else "?"
        self.activations = []
        activation = runtime.first_activation(at)
        while activation and len(self.activations) < 10000:
            self.activations.append(Activation(runtime, activation))
            activation = M.u64(activation + t["activation_next"])

    def title(self):
        return '%s "%s"' % (self.class_name, self.name) if self.name else self.class_name


class Activation:
    def __init__(self, runtime, at):
        t = runtime.table
        self.method = M.text(M.u64(M.u64(at + t["activation_method"]) + t["method_name"]))
        worker = M.u64(at + t["activation_worker"])
        self.sp = 0
        if M.u64(worker + t["worker_context"]) == at:
            self.where = "running"
        elif M.u32(worker + t["worker_place"]) != 0:
            self.where = "waiting, on a thread of its own"
        else:
            self.where = "suspended"
            fiber = M.u64(M.u64(at + t["activation_strand"]) + t["strand_fiber"])
            self.sp = M.u64(fiber)  # the saved stack pointer is its first word


class Runtime:
    def __init__(self, expression):
        at = int(gdb.parse_and_eval(expression).cast(gdb.lookup_type("unsigned long")))
        try:
            kind = M.u32(at)
        except gdb.MemoryError:
            kind = 0
        if kind not in (RUNTIME, ACTIVATION):
            raise gdb.GdbError("%s is no grove *: it may have been stopped already" % expression)
        self.at = M.u64(at + 8)
        table = M.u64(self.at + 16)
        if M.bytes(table, 8) != b"grovedbg":
            raise gdb.GdbError("%s is of a grove that this script does not know" % expression)
        values = struct.unpack("=%dI" % len(FIELDS), M.bytes(table + 8, 4 * len(FIELDS)))
        self.table = dict(zip(FIELDS, values))
        if self.table["version"] != VERSION:
            raise gdb.GdbError(
                "the runtime's table has version %d, this script knows %d: take the script that was installed with it"
                % (self.table["version"], VERSION)
            )

    def cells(self):
        t = self.table
        slab = self.at + t["system_cells"]
        each = M.u64(slab + t["slab_each"])
        left = M.u32(slab + t["slab_made"])
        for k in range(t["slab_chunks"]):
            chunk = M.u64(slab + t["slab_chunk"] + 8 * k)
            if not chunk or not left:
                return
            room = 1 << (t["slab_first_bits"] + k)  # and what its indices count from, with those before it
            here = min(left, room)
            left -= here
            for i in range(here):
                yield (chunk + (room + i) * each) % 2**64

    def class_of(self, cell):
        return M.u64(M.u64(cell + self.table["cell_manner"]) + self.table["manner_class"])

    def first_activation(self, cell):
        tied, kind = M.u64(cell + self.table["cell_tied"]), self.table["tied_activations"]
        return tied - kind if tied & 3 == kind else 0

    def actors(self):
        for cell in self.cells():
            # A life that was given up has no address any more, but still a method that stands somewhere.
            life = M.u64(cell + self.table["cell_life"])
            lives = (life and not life >> 63) or self.first_activation(cell)
            if lives and self.class_of(cell):
                actor = Actor(self, cell)
                if actor.phase != "?":  # the root, which nobody has spawned
                    yield actor


# ---- stacks ----------------------------------------------------------------------------------------------


def saved_registers(kind, sp):
    """What src/plat/switch_asm.S has pushed, as gdb names it; and the stack pointer after its return."""
    if kind == 1:  # x86-64
        names = ["r15", "r14", "r13", "r12", "rbx", "rbp", "rip"]
        out = {n: M.u64(sp + 8 + 8 * i) for i, n in enumerate(names)}
        out["rsp"] = sp + 64
        return out
    if kind == 2:  # aarch64
        out = {"x%d" % (19 + i): M.u64(sp + 8 * i) for i in range(12)}
        out["pc"] = out["x30"]
        out["sp"] = sp + 176
        return out
    raise gdb.GdbError("stacks are switched by ucontext in this build, which this script does not follow")


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class Suspended(Unwinder):
    """While it is enabled, the innermost frame's caller is the suspended stack."""

    def __init__(self):
        super().__init__("grove-suspended")
        self.registers = None
        self.enabled = False
        self.sp = self.pc = None

    def __call__(self, pending):
        if not self.registers:
            return None
        sp, pc = pending.read_register(self.sp_name), pending.read_register(self.pc_name)
        if (int(sp), int(pc)) != (self.sp, self.pc):
            return None
        unsigned = gdb.lookup_type("unsigned long")
        # gdb takes a stack that does not grow outwards for damaged: so this frame says that it lies further inside.
        inside = gdb.Value(self.registers[self.sp_name] - 64).cast(unsigned).cast(sp.type)
        info = pending.create_unwind_info(FrameId(inside, pc))
        for name, value in self.registers.items():
            as_type = pending.read_register(name).type
            raw = gdb.Value(value).cast(unsigned)
            info.add_saved_register(name, raw.cast(as_type))
        return info

    def frames(self, registers):
        self.sp_name, self.pc_name = ("rsp", "rip") if "rip" in registers else ("sp", "pc")
        frame = gdb.newest_frame()
        self.sp, self.pc = int(frame.read_register(self.sp_name)), int(frame.read_register(self.pc_name))
        self.registers, self.enabled = registers, True
        gdb.invalidate_cached_frames()
        try:
            frame = gdb.newest_frame().older()
            for _ in range(200):
                if frame is None:
                    return
                yield frame
                frame = frame.older()
        finally:
            self.registers, self.enabled = None, False
            gdb.invalidate_cached_frames()


UNWINDER = Suspended()
gdb.unwinder.register_unwinder(None, UNWINDER, replace=True)


def print_frame(n, frame):
    line = "  #%-2d 0x%016x in %s" % (n, frame.pc(), frame.name() or "??")
    place = frame.find_sal()
    if place.symtab:
        line += " at %s:%d" % (place.symtab.filename, place.line)
    print(line)


# ---- commands --------------------------------------------------------------------------------------------


class Grove(gdb.Command):
    """Actors of a grove runtime: grove actors, grove suspended."""

    def __init__(self):
        super().__init__("grove", gdb.COMMAND_STACK, prefix=True)


class GroveActors(gdb.Command):
    """grove actors RUNTIME: one line for each actor. RUNTIME: any `grove *`."""

    def __init__(self):
        super().__init__("grove actors", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        arguments = gdb.string_to_argv(argument)
        if len(arguments) != 1:
            raise gdb.GdbError("usage: grove actors RUNTIME")
        n = 0
        for actor in Runtime(arguments[0]).actors():
            n += 1
            at_work = ", ".join("%s in %s" % (a.where, a.method) for a in actor.activations)
            print("%-10s %s%s" % (actor.phase, actor.title(), ": " + at_work if at_work else ""))
        print("%d actors" % n)


class GroveSuspended(gdb.Command):
    """grove suspended RUNTIME [PART]: actors that wait, and where. PART: of the class or name."""

    def __init__(self):
        super().__init__("grove suspended", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        arguments = gdb.string_to_argv(argument)
        if len(arguments) not in (1, 2):
            raise gdb.GdbError("usage: grove suspended RUNTIME [PART]")
        runtime = Runtime(arguments[0])
        n = 0
        for actor in list(runtime.actors()):
            if len(arguments) == 2 and arguments[1] not in actor.title():
                continue
            for activation in actor.activations:
                if not activation.sp:
                    continue
                n += 1
                print("%s is suspended in %s" % (actor.title(), activation.method))
                registers = saved_registers(runtime.table["switch_kind"], activation.sp)
                for i, frame in enumerate(UNWINDER.frames(registers)):
                    print_frame(i, frame)
        print("%d suspended" % n)


Grove()
GroveActors()
GroveSuspended()
