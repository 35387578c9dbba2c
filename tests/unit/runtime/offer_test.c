// What is offered to other workers lies where they may take it, and not where it waits for the one that offers it.
#include "base/alloc.h"
#include "check.h"
#include "runtime/sched.h"
#include <uv.h>

static grove__sched sched;
static grove__task first, offered;
static uv_sem_t ended;
static bool waits_for_all;

static void nothing(void *user)
{
  (void)user;
}

static grove__turn end(grove__task *t, grove__worker *w)
{
  (void)t, (void)w;
  uv_sem_post(&ended);
  return GROVE__TURN_DONE;
}

// On the only worker, so that nobody takes anything away before it is looked at.
static grove__turn hand_out(grove__task *t, grove__worker *w)
{
  (void)t;
  grove__sched_offer(&sched, &offered);
  waits_for_all = grove__run_queue_waits(&w->queue, false);
  return GROVE__TURN_DONE;
}

static void an_offer_is_for_all(void **state)
{
  (void)state;
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
  grove__task_init(&first, GROVE__PLACE_WORKERS, hand_out);
  grove__task_init(&offered, GROVE__PLACE_WORKERS, end);
  check_ok(grove__sched_ensure(&sched));
  grove__sched_notify(&sched, &first);
  uv_sem_wait(&ended);
  assert_int_equal(grove__sched_stop(&sched, INT64_MAX), 0);
  grove__sched_deinit(&sched);
  uv_sem_destroy(&ended);
  assert_true(waits_for_all);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(an_offer_is_for_all)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
