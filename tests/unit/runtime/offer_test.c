// What is offered to other workers lies where they may take it, and not where it waits for the one that offers it.
#include "one_worker.h"

static grove__task first, offered;
static bool waits_for_all;

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

static const grove__task_kind hands_out = {.run = hand_out}, ends = {.run = end};

static void an_offer_is_for_all(void **state)
{
  (void)state;
  begin();
  grove__task_init(&first, &hands_out);
  grove__task_init(&offered, &ends);
  grove__sched_notify(&sched, &first);
  uv_sem_wait(&ended);
  finish();
  assert_true(waits_for_all);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(an_offer_is_for_all)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
