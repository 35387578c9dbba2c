// What AddressSanitizer, ThreadSanitizer and valgrind want to hear about stacks. Without them all of this is empty.
#ifndef GROVE_PLAT_STACK_TOOLS_H
#define GROVE_PLAT_STACK_TOOLS_H
#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_THREAD__)
#define GROVE__TSAN 1
#endif
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GROVE__TSAN 1
#endif
#endif
#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#define GROVE__VALGRIND 1
#endif
#endif

#if GROVE__ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(GROVE__TSAN)
#include <sanitizer/tsan_interface.h>
#endif
#if defined(GROVE__VALGRIND)
#include <valgrind/memcheck.h>
#endif

/// Their part of a fiber. Owner: whoever runs or holds the fiber.
typedef struct grove__stack_tools {
  const void *low; ///< the stack as ASan has it
  size_t bytes;
  void *fake_stack;
  void *tsan_fiber;
  unsigned valgrind_id;
  bool has_run;
} grove__stack_tools;

/// New memory for a stack; before it is unmapped, and before it is used for another run.
static inline void grove__stack_tools_map(grove__stack_tools *t, void *low, size_t bytes)
{
  t->low = low;
  t->bytes = bytes;
#if defined(GROVE__VALGRIND)
  t->valgrind_id = VALGRIND_STACK_REGISTER(low, (char *)low + bytes);
#endif
}
static inline void grove__stack_tools_unmap(grove__stack_tools *t)
{
#if defined(GROVE__VALGRIND)
  VALGRIND_STACK_DEREGISTER(t->valgrind_id);
#endif
  (void)t;
}

/// A run begins on it.
static inline void grove__stack_tools_begin(grove__stack_tools *t)
{
#if defined(GROVE__VALGRIND)
  (void)VALGRIND_MAKE_MEM_UNDEFINED(t->low, t->bytes);
#endif
#if defined(GROVE__TSAN)
  t->tsan_fiber = __tsan_create_fiber(0);
#endif
  t->fake_stack = NULL;
  t->has_run = false;
}
/// The run is over: it was left for the last time, and stands somewhere in the middle of its calls.
static inline void grove__stack_tools_end(grove__stack_tools *t)
{
#if GROVE__ASAN
  if (t->has_run) {
    // ASan frees a fake stack only when it is left for good, so for a moment it is told that we stand there.
    // What it needs is kept in *t: a local could itself lie on a fake stack.
    void *fake_stack = t->fake_stack;
    const void *low = t->low;
    size_t bytes = t->bytes;
    __sanitizer_start_switch_fiber(&t->fake_stack, low, bytes);
    void *mine = t->fake_stack;
    __sanitizer_finish_switch_fiber(fake_stack, &t->low, &t->bytes);
    __sanitizer_start_switch_fiber(NULL, t->low, t->bytes);
    __sanitizer_finish_switch_fiber(mine, NULL, NULL);
    t->low = low;
    t->bytes = bytes;
  }
  // Red zones of the calls that never returned.
  __asan_unpoison_memory_region(t->low, t->bytes);
#endif
#if defined(GROVE__TSAN)
  __tsan_destroy_fiber(t->tsan_fiber);
#endif
  t->fake_stack = NULL;
  t->has_run = false;
}

/// The calling thread's native stack becomes a fiber.
static inline void grove__stack_tools_thread(grove__stack_tools *t)
{
#if defined(GROVE__TSAN)
  t->tsan_fiber = __tsan_get_current_fiber();
#endif
  (void)t;
}

/// Just before the switch, and just after it on the other side, where `from` is what was left.
static inline void grove__stack_tools_leave(grove__stack_tools *from, grove__stack_tools *to)
{
#if GROVE__ASAN
  __sanitizer_start_switch_fiber(&from->fake_stack, to->low, to->bytes);
#endif
#if defined(GROVE__TSAN)
  __tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
  (void)from;
  (void)to;
}
static inline void grove__stack_tools_arrive(grove__stack_tools *t, grove__stack_tools *from)
{
#if GROVE__ASAN
  // ASan knows best where a thread's native stack lies; for our own stacks this changes nothing.
  __sanitizer_finish_switch_fiber(t->fake_stack, &from->low, &from->bytes);
#endif
  t->has_run = true;
  (void)from;
}
#endif
