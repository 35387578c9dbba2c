// Fault sweep over threads: the system refuses the n-th thread (once, or from then on), n = 1, 2, 3 … until the
// scenario needs no more. Each time: a status, no hang, a stop in time, nothing leaked.
// Linked with -Wl,--wrap=uv_thread_create_ex: the one place through which all of grove's threads are made.
#include "check.h"
#include <grove/call.h>
#include <grove/typed.h>
#include <stdatomic.h>
#include <unistd.h>
#include <uv.h>

static _Atomic int made, fail_at;
static _Atomic bool fails_on;

int __real_uv_thread_create_ex(
    uv_thread_t *tid, const uv_thread_options_t *params, uv_thread_cb entry, void *arg);
int __wrap_uv_thread_create_ex(
    uv_thread_t *tid, const uv_thread_options_t *params, uv_thread_cb entry, void *arg);
int __wrap_uv_thread_create_ex(
    uv_thread_t *tid, const uv_thread_options_t *params, uv_thread_cb entry, void *arg)
{
  int n = atomic_fetch_add(&made, 1) + 1, at = atomic_load(&fail_at);
  if (at && (atomic_load(&fails_on) ? n >= at : n == at)) {
    return UV_EAGAIN;
  }
  return __real_uv_thread_create_ex(tid, params, entry, arg);
}

struct worker {
  long sum;
};
#define WORKER(START, METHOD) START(worker, long) METHOD(worker, add, long, long)
GROVE_ACTOR(WORKER, worker)

static grove_status worker_start(grove *self, struct worker *w, const long *arg)
{
  (void)self;
  w->sum = *arg;
  return GROVE_OK;
}

static grove_status worker_add(grove *self, struct worker *w, const long *arg, long *reply)
{
  *reply = w->sum += *arg;
  return grove_sleep(self, 1); // so that the timers are wanted
}

struct loner {
  long sum;
};
#define LONER(START, METHOD) START(loner, long) METHOD(loner, ask, worker_ref, long)
GROVE_ACTOR_WITH(LONER, loner, .own_thread = 1)

static grove_status loner_start(grove *self, struct loner *w, const long *arg)
{
  (void)self;
  w->sum = *arg;
  return GROVE_OK;
}

static grove_status loner_ask(grove *self, struct loner *w, const worker_ref *arg, long *reply)
{
  (void)w;
  return worker_add_ask(self, *arg, 1, 5000, reply, NULL);
}

struct blocker {
  long sum;
};
#define BLOCKER(START, METHOD) START(blocker, long) METHOD(blocker, ask, worker_ref, long)
GROVE_ACTOR_WITH(BLOCKER, blocker, .blocking = 1)

static grove_status blocker_start(grove *self, struct blocker *w, const long *arg)
{
  (void)self;
  w->sum = *arg;
  return GROVE_OK;
}

static grove_status blocker_ask(grove *self, struct blocker *w, const worker_ref *arg, long *reply)
{
  (void)w;
  return worker_add_ask(self, *arg, 1, 5000, reply, NULL);
}

GROVE_FUNCTION(twice, long, long)
static grove_status twice(grove *g, const long *arg, long *reply)
{
  (void)g;
  *reply = 2 * *arg;
  return GROVE_OK;
}

// Ended well, or with the word that there was no thread. A wait that runs out would be a hang.
static void assert_told(grove_status s)
{
  if (s != GROVE_OK && s != GROVE_EAGAIN) {
    fail_msg("with thread %d refused: %d (%s)", fail_at, (int)s, grove_status_text(s));
  }
}

static void use_all_kinds(grove *g)
{
  long sum = 0;
  worker_ref w = worker_spawn(g, 1, NULL);
  assert_told(worker_add_ask(g, w, 2, 5000, &sum, NULL));
  loner_ref l = loner_spawn(g, 1, NULL);
  if (grove_ref_status(w.ref) == GROVE_OK) {
    assert_told(loner_ask_ask(g, l, w, 5000, &sum, NULL));
    blocker_ref b[3];
    blocker_ask_future f[3];
    for (int i = 0; i < 3; i++) {
      b[i] = blocker_spawn(g, 1, NULL);
      f[i] = blocker_ask_call(g, b[i], w);
    }
    for (int i = 0; i < 3; i++) {
      assert_told(blocker_ask_get(g, f[i], 5000, &sum, NULL));
    }
  }
  twice_future of[3];
  for (int i = 0; i < 3; i++) {
    of[i] = twice_offload(g, i);
  }
  for (int i = 0; i < 3; i++) {
    assert_told(twice_get(g, of[i], 5000, &sum, NULL));
  }
  assert_told(twice_get(g, twice_task(g, 4), 5000, &sum, NULL));
}

static void sweep(bool on)
{
  int n = 0;
  atomic_store(&fails_on, on);
  do {
    n++;
    atomic_store(&made, 0);
    atomic_store(&fail_at, n);
    grove *g;
    grove_options o = {GROVE_OPTIONS, .workers = 3, .offload_threads = 2};
    alarm(60);
    check_ok(grove_start(&o, &g));
    use_all_kinds(g);
    check_ok(grove_stop(g, 20000, NULL));
  } while (atomic_load(&made) >= n);
  alarm(0);
  print_message("%d threads\n", n - 1);
}

static void test_one_is_refused(void **state)
{
  (void)state;
  sweep(false);
}

static void test_all_are_refused_from_then_on(void **state)
{
  (void)state;
  sweep(true);
}

// What has not begun needs no thread to end.
static void test_nothing_begun_needs_no_thread(void **state)
{
  (void)state;
  atomic_store(&made, 0);
  atomic_store(&fail_at, 0);
  for (int i = 0; i < 100; i++) {
    grove *g;
    check_ok(grove_start(NULL, &g));
    check_ok(grove_stop(g, GROVE_FOREVER, NULL));
  }
  assert_int_equal(made, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_is_refused),
      cmocka_unit_test(test_all_are_refused_from_then_on),
      cmocka_unit_test(test_nothing_begun_needs_no_thread)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
