// Stacks of suspended actors and the switch between them.
//
// A *fiber* is a stack and the registers of what stands on it. The thread that calls grove__fiber_switch leaves its
// own fiber as it stands and goes on where the other one left off (or at its entry). One switch body for x86-64 and
// aarch64 in assembler, ucontext elsewhere or with GROVE_STACK_UCONTEXT. AddressSanitizer, ThreadSanitizer and
// valgrind are told of every stack and every switch.
#ifndef GROVE_PLAT_STACK_H
#define GROVE_PLAT_STACK_H
#include "base/status.h"

typedef struct grove__fiber grove__fiber;

/// Where stacks come from: one a runtime, shared by its workers. Thread-safe.
/// Guard pages: MADV_GUARD_INSTALL in one arena where the kernel has it (Linux 6.13); else mprotect for at most a
/// quarter of vm.max_map_count (a guard takes two maps); beyond that a canary at the low end, checked at each switch away.
typedef struct grove__stacks grove__stacks;
enum {
  GROVE__GUARD_BEST = 0,
  GROVE__GUARD_MPROTECT,
  GROVE__GUARD_CANARY
}; ///< for tests: force the weaker ones
/// `usual` is the size that is kept for reuse (rounded up to pages, at least 16 KiB); `most` fibers at once.
grove_status grove__stacks_create(
    const grove_allocator *a, size_t usual, size_t most, int guard, grove__stacks **out);
/// Who is told of a stack that has run over its end, where only a canary could see it. The hook runs on that very
/// stack and may not call grove; then the thread traps (__builtin_trap). This is the one place where the library
/// stops the process: memory below the stack is already overwritten, and nothing is known about whose it was.
/// Threads:  before the first switch. NULL: nobody is told; the trap remains
void grove__stacks_on_overrun(
    grove__stacks *s, void (*hook)(void *user, const char *text), void *user);
/// After the last fiber was destroyed. NULL: nothing.
void grove__stacks_destroy(grove__stacks *s);
/// Bytes of address space mapped, and fibers with a stack that exist (those of threads count nowhere).
void grove__stacks_stats(grove__stacks *s, uint64_t *bytes, uint64_t *fibers);

/// A fiber that will run entry(user) on a stack of at least `bytes` (0: the usual size) when first switched to.
/// entry must never return. Freed stacks of the usual size are reused warm.
/// Returns: GROVE_ELIMIT: `most` exist already; GROVE_ENOMEM
grove_status grove__fiber_create(
    grove__stacks *s, size_t bytes, void (*entry)(void *user), void *user, grove__fiber **out);
/// One that nothing runs on. What stands on it is forgotten, not unwound. NULL: nothing.
void grove__fiber_destroy(grove__fiber *f);
/// A fiber for what already runs on this thread's native stack: to come back to. No stack of its own is made.
/// Where the system does not tell the stack's bounds, fiber_bytes is 0 and is_low is false.
/// In two steps for a thread that is yet to be made, so that it can't begin without memory: any thread makes the
/// fiber, and each thread that is to stand on it, one after the other, arrives.
grove_status grove__fiber_of_thread(grove__stacks *s, grove__fiber **out);
grove_status grove__fiber_for_thread(grove__stacks *s, grove__fiber **out);
void grove__fiber_arrive(grove__fiber *f);
/// Leaves `from`, on which the caller stands, and goes on in `to`. Returns when somebody switches back to `from`,
/// perhaps on another thread; until code runs in `to`, nobody else may switch to or destroy `from`, so it is
/// published from there. Floating point control goes with the fiber; errno and the signal mask don't.
/// The canary of `from` is checked first, where it has one: see grove__stacks_on_overrun.
void grove__fiber_switch(grove__fiber *from, grove__fiber *to);
/// The usable size; and whether `address` stands on it with less than `margin` left. __builtin_frame_address(0) is a
/// good address; that of a local variable isn't, because AddressSanitizer may keep locals elsewhere.
size_t grove__fiber_bytes(const grove__fiber *f);
/// Its low end; NULL: not known.
const void *grove__fiber_low(const grove__fiber *f);
/// How much of it is in use by what stands on it, when `address` is the frame of who asks. 0: not on this stack.
size_t grove__fiber_used(const grove__fiber *f, const void *address);
bool grove__fiber_is_low(const grove__fiber *f, const void *address, size_t margin);
#endif
