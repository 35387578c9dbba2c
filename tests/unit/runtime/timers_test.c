// Timers: fired in order, cancelled, set again, from several threads, in virtual time.
#include "check.h"
#include "plat/clock.h"
#include "runtime/timers.h"
#include <sched.h>
#include <uv.h>

static atomic_int comes, goes, begins, ends, fired;
static void come(void *user)
{
  (void)user;
  atomic_fetch_add(&comes, 1);
}
static void go(void *user)
{
  (void)user;
  atomic_fetch_add(&goes, 1);
}
static void hook(void *user, const char *name, bool starts)
{
  (void)user;
  assert_string_equal(name, "grove-clock");
  atomic_fetch_add(starts ? &begins : &ends, 1);
}
static uv_mutex_t lock;
static int64_t order[64];
static int orders;
static void note(void *user, uint64_t a, uint64_t b)
{
  uv_mutex_lock(&lock);
  order[orders++ % 64] = (int64_t)(a * 10 + b);
  uv_mutex_unlock(&lock);
  atomic_fetch_add((atomic_int *)user, 1);
}

static void init(grove__timers *t, bool simulated)
{
  atomic_store(&fired, 0);
  orders = 0;
  check_ok(grove__timers_init(t, simulated));
  t->thread_comes = come;
  t->thread_gone = go;
  t->thread_hook = hook;
}
static void until(int n)
{
  for (int i = 0; i < 20000 && atomic_load(&fired) < n; i++) {
    check_pause();
  }
  assert_true(atomic_load(&fired) >= n);
}

static void test_real_time(void **state)
{
  (void)state;
  grove__timers t;
  grove__timer x[5];
  memset(x, 0, sizeof x);
  init(&t, false);
  check_ok(grove__timers_ensure(&t));
  check_ok(grove__timers_ensure(&t)); // once
  int64_t now = grove__timers_now(&t);
  static const int ms[] = {40, 10, 30, 20, 10};
  for (int i = 0; i < 5; i++) {
    grove__timer_set(&t, &x[i], now + ms[i] * 1000000, note, &fired, (uint64_t)i, 1);
  }
  grove__timer_cancel(&t, &x[2]);
  grove__timer_cancel(&t, &x[2]);
  grove__timer_set(&t, &x[3], INT64_MAX, note, &fired, 3, 1); // never, which is cancel
  grove__timer_set(&t, &x[3], now + 50 * 1000000, note, &fired, 3, 2);
  until(4);
  assert_true(grove__clock_ns() >= now + 50 * 1000000);
  static const int64_t want[] = {11, 41, 1, 32};
  assert_memory_equal(order, want, sizeof want);
  grove__timers_stop(&t);
  grove__timers_deinit(&t);
  assert_int_equal(comes, goes);
  assert_int_equal(begins, 1);
  assert_int_equal(ends, 1);
}

// One far away does not keep a near one, set later by another thread, from being seen; memory goes after a cancel.
static void set_and_cancel(void *user)
{
  grove__timers *t = user;
  for (int i = 0; i < 2000; i++) {
    grove__timer *x = calloc(1, sizeof *x);
    grove__timer_set(t, x, grove__timers_now(t) + (i % 5) * 1000, note, &fired, 0, 0);
    if (i % 3 == 0) {
      sched_yield();
    }
    grove__timer_cancel(t, x);
    memset(x, 0xff, sizeof *x);
    free(x);
  }
}
static void test_from_threads(void **state)
{
  (void)state;
  grove__timers t;
  grove__timer far = {.a = 0}, near = {.a = 0};
  uv_thread_t id[2];
  init(&t, false);
  check_ok(grove__timers_ensure(&t));
  grove__timer_set(
      &t, &far, grove__timers_now(&t) + INT64_C(3600) * 1000000000, note, &fired, 9, 9);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(uv_thread_create(&id[i], set_and_cancel, &t), 0);
  }
  for (int i = 0; i < 2; i++) {
    uv_thread_join(&id[i]);
  }
  int before = atomic_load(&fired);
  grove__timer_set(&t, &near, grove__timers_now(&t) + 1000000, note, &fired, 1, 1);
  until(before + 1);
  grove__timer_cancel(&t, &far);
  grove__timers_stop(&t);
  grove__timers_deinit(&t);
}

static void test_virtual_time(void **state)
{
  (void)state;
  grove__timers t;
  grove__timer x[3];
  memset(x, 0, sizeof x);
  init(&t, true);
  check_ok(grove__timers_ensure(&t)); // no thread
  assert_int_equal(grove__timers_now(&t), 0);
  assert_true(grove__timers_next(&t) == INT64_MAX);
  grove__timer_set(&t, &x[0], 30, note, &fired, 0, 0);
  grove__timer_set(&t, &x[1], 10, note, &fired, 1, 0);
  grove__timer_set(&t, &x[2], 10, note, &fired, 2, 0);
  assert_int_equal(grove__timers_next(&t), 10);
  assert_false(grove__timers_run_one(&t, 9));
  assert_true(grove__timers_run_one(&t, 10));
  assert_true(grove__timers_run_one(&t, 10));
  assert_false(grove__timers_run_one(&t, 29));
  assert_true(grove__timers_run_one(&t, 30));
  static const int64_t want[] = {10, 20, 0};
  assert_memory_equal(order, want, sizeof want);
  grove__timers_stop(&t);
  grove__timers_deinit(&t);
}

static void test_deadlines(void **state)
{
  (void)state;
  assert_int_equal(grove__deadline(5, 2), 2000005);
  assert_true(grove__deadline(5, -1) == INT64_MAX);
  assert_true(grove__deadline(5, INT64_MAX) == INT64_MAX);
  assert_true(grove__deadline(INT64_MAX - 1, 1) == INT64_MAX);
  assert_int_equal(grove__deadline(5, 0), 5);
}

int main(void)
{
  uv_mutex_init(&lock);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_real_time),
      cmocka_unit_test(test_from_threads),
      cmocka_unit_test(test_virtual_time),
      cmocka_unit_test(test_deadlines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
