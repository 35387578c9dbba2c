// What every cmocka test includes: cmocka with what it wants before it, and checks in grove's terms.
#ifndef GROVE_TESTS_CHECK_H
#define GROVE_TESTS_CHECK_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <grove/base.h>

/// The call is GROVE_OK; else its status is shown in words.
#define check_ok(call) check_status(call, GROVE_OK)

/// The call's status is `want`; else both are shown in words.
#define check_status(call, want)                                                                   \
  do {                                                                                             \
    grove_status check_got = (call);                                                               \
    grove_status check_want = (want);                                                              \
    if (check_got != check_want) {                                                                 \
      print_error("%s: is %d (%s), should be %d (%s)\n", #call, (int)check_got,                    \
          grove_status_text(check_got), (int)check_want, grove_status_text(check_want));           \
      fail();                                                                                      \
    }                                                                                              \
  } while (0)

/// The same with an error object, whose text is shown.
#define check_ok_err(call, err)                                                                    \
  do {                                                                                             \
    grove_status check_got = (call);                                                               \
    if (check_got != GROVE_OK) {                                                                   \
      print_error("%s: is %d (%s): %s\n", #call, (int)check_got, grove_status_text(check_got),     \
          (err)->text);                                                                            \
      fail();                                                                                      \
    }                                                                                              \
  } while (0)

/// The text has the part in it; else both are shown.
#define check_contains(text, part)                                                                 \
  do {                                                                                             \
    const char *check_text = (text);                                                               \
    if (!strstr(check_text, part)) {                                                               \
      print_error("\"%s\" has no \"%s\" in it\n", check_text, part);                               \
      fail();                                                                                      \
    }                                                                                              \
  } while (0)

/// An allocator that counts, and fails from its `fail_at`-th allocation on (0: never). A fault sweep sets fail_at
/// to 1, 2, 3 … until the scenario passes, and checks `live` each time. For one thread.
typedef struct check_memory {
  size_t live_blocks, live_bytes, peak_bytes, allocations, fail_at;
} check_memory;

GROVE_MAYBE_UNUSED static void *check_realloc(
    void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  check_memory *m = user;
  if (!new_bytes) {
    m->live_blocks -= p != NULL;
    m->live_bytes -= old_bytes;
    free(p);
    return NULL;
  }
  if (new_bytes > old_bytes && m->fail_at && ++m->allocations >= m->fail_at) {
    return NULL;
  }
  void *q = realloc(p, new_bytes);
  if (q) {
    m->live_blocks += p == NULL;
    m->live_bytes += new_bytes - old_bytes;
    m->peak_bytes = m->live_bytes > m->peak_bytes ? m->live_bytes : m->peak_bytes;
  }
  return q;
}

GROVE_INLINE grove_allocator check_allocator(check_memory *m)
{
  grove_allocator a = {check_realloc, m};
  return a;
}

/// One breath of a loop that looks for what another thread does: while (!done) { check_pause(); }. The one use of
/// real time that tests have; what is to come must not depend on how long it is.
GROVE_INLINE void check_pause(void)
{
  struct timespec t = {0, 1000000};
  nanosleep(&t, NULL);
}

/// The seed of a random test: the first argument, else `otherwise`. Say it before the test starts, so that a
/// failure can be run again.
GROVE_INLINE uint64_t check_seed(int argc, char **argv, uint64_t otherwise)
{
  uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : otherwise;
  print_message("seed %llu\n", (unsigned long long)seed);
  return seed;
}
#endif
