// Who is long in one turn reads no clock, so the watch tells it what time it is.
#include "one_worker.h"
#include "plat/clock.h"

static const int64_t LIMIT_NS = 60 * INT64_C(1000000000); // then it was never told

static grove__task task, own;
static bool told;
static _Atomic bool own_told, own_ends;

// Computes, without asking for anything, until its worker knows of a later time.
static bool is_told(const grove__worker *w)
{
  int64_t known = grove__worker_recent(w), until = grove__clock_ns() + LIMIT_NS;
  while (grove__worker_recent(w) <= known) {
    if (grove__clock_ns() > until) {
      return false;
    }
  }
  return true;
}

static grove__turn compute(grove__task *t, grove__worker *w)
{
  (void)t;
  told = is_told(w);
  uv_sem_post(&ended);
  return GROVE__TURN_DONE;
}

static const grove__task_kind computes = {.run = compute};

static void a_worker_is_told_the_time(void **state)
{
  (void)state;
  begin();
  grove__task_init(&task, &computes);
  grove__sched_notify(&sched, &task);
  uv_sem_wait(&ended);
  finish();
  assert_true(told);
}

static grove__turn compute_on_its_own(grove__task *t, grove__worker *w)
{
  (void)t;
  atomic_store(&own_told, is_told(w));
  atomic_store(&own_ends, true);
  grove__own_thread_leave(w);
  uv_sem_post(&ended);
  return GROVE__TURN_DONE;
}

static grove__turn be_busy(grove__task *t, grove__worker *w)
{
  (void)t, (void)w;
  while (!atomic_load(&own_ends)) {
  }
  uv_sem_post(&ended);
  return GROVE__TURN_DONE;
}

static const grove__task_kind is_busy = {.run = be_busy}, computes_on_its_own = {.run = compute_on_its_own, .place = GROVE__PLACE_OWN};

// The watch looks while any worker is busy.
static void a_thread_of_its_own_is_told_the_time(void **state)
{
  (void)state;
  begin();
  grove__task_init(&task, &is_busy);
  grove__task_init(&own, &computes_on_its_own);
  check_ok(grove__own_thread_create(&sched, &own));
  grove__sched_notify(&sched, &task);
  grove__sched_notify(&sched, &own);
  uv_sem_wait(&ended);
  uv_sem_wait(&ended);
  finish();
  assert_true(atomic_load(&own_told));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_worker_is_told_the_time),
      cmocka_unit_test(a_thread_of_its_own_is_told_the_time)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
