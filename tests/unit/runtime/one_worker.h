// A scheduler of one worker, as the tests of this room want it: begin, end, and a semaphore for what has ended.
#ifndef GROVE_TESTS_ONE_WORKER_H
#define GROVE_TESTS_ONE_WORKER_H
#include "base/alloc.h"
#include "check.h"
#include "runtime/sched.h"
#include <uv.h>

static grove__sched sched;
static uv_sem_t ended;

static void nothing(void *user)
{
  (void)user;
}

static void begin(void)
{
  grove__sched_options o = {.allocator = &grove__allocator_malloc,
      .workers = 1,
      .stack_bytes = 64 * 1024,
      .thread_stack = 64 * 1024,
      .max_suspended = 16,
      .guard = GROVE__GUARD_BEST,
      .thread_gone = nothing,
      .thread_comes = nothing,
      .long_turn_ns = INT64_MAX};
  assert_int_equal(uv_sem_init(&ended, 0), 0);
  check_ok(grove__sched_init(&sched, &o));
  check_ok(grove__sched_ensure(&sched));
}

static void finish(void)
{
  assert_int_equal(grove__sched_stop(&sched, INT64_MAX), 0);
  grove__sched_deinit(&sched);
  uv_sem_destroy(&ended);
}
#endif
