// Stop storms: starting and stopping again and again, with threads that wait, with deadlines too short for what
// runs, with methods that do not return for a while. Always back in time; nothing is leaked but what the report
// names, and that only until it returns.
// Arguments: rounds (20), the first seed (the clock's).
#include "actor/run.h"
#include "base/random.h"
#include "check.h"
#include "plat/clock.h"
#include <grove/host.h>
#include <grove/sim.h>
#include <grove/typed.h>
#include <grove/watch.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

enum { LATE_MS = 3000 }; // on a machine that others use, too

static uint64_t rounds = 20, seed = 1;
static _Atomic int64_t live_bytes;
static _Atomic int freed;

static void *count_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  (void)user;
  atomic_fetch_add(&live_bytes, (int64_t)new_bytes - (int64_t)old_bytes);
  if (new_bytes == 0) {
    free(p);
    return NULL;
  }
  return realloc(p, new_bytes);
}

static const grove_allocator counting = {count_realloc, NULL};

static void note_freed(void *user)
{
  (void)user;
  atomic_fetch_add(&freed, 1);
}

static void sleep_ms(int ms)
{
  struct timespec t = {0, ms * 1000000L};
  nanosleep(&t, NULL);
}

// ---- an actor that does many things slowly, and answers nothing it takes --------------------------------

struct slow {
  char *heap;
};
#define SLOW(START, METHOD)                                                                        \
  START(slow, long)                                                                                \
  METHOD(slow, work, long, long)                                                                   \
  METHOD(slow, wait, long, long)                                                                   \
  METHOD(slow, hold, long, long)                                                                   \
  METHOD(slow, nest, long, long)
GROVE_INTERFACE(SLOW, slow)
static void slow_destroy(void *state)
{
  free(((struct slow *)state)->heap);
}
static void slow_stop(grove *self, void *state, grove_status why)
{
  (void)state;
  (void)why;
  (void)!grove_sleep(self, 1);
}
GROVE_CLASS_WITH(SLOW, slow, .destroy = slow_destroy, .stop = slow_stop)

static grove_status slow_start(grove *self, struct slow *s, const long *arg)
{
  s->heap = malloc(16);
  return *arg ? grove_sleep(self, *arg) : GROVE_OK;
}

// Keeps its worker, and looks neither left nor right.
static grove_status slow_work(grove *self, struct slow *s, const long *arg, long *reply)
{
  int64_t until = grove__clock_ns() + *arg * 1000000;
  (void)self;
  (void)s;
  *reply = 1;
  while (grove__clock_ns() < until) {}
  return GROVE_OK;
}

static grove_status slow_wait(grove *self, struct slow *s, const long *arg, long *reply)
{
  char *mine = malloc(64);
  (void)s;
  *reply = 1;
  grove_status status = grove_sleep(self, *arg);
  free(mine);
  return status;
}

static grove_status slow_hold(grove *self, struct slow *s, const long *arg, long *reply)
{
  grove_promise p; // dropped: it is answered by the end of the actor
  (void)s;
  (void)arg;
  (void)reply;
  return grove_promise_take(self, &p);
}

static grove_status slow_nest(grove *self, struct slow *s, const long *arg, long *reply)
{
  (void)s;
  if (*arg == 0) {
    return grove_sleep(self, 100000);
  }
  slow_ref child = slow_spawn(self, 0, NULL);
  return slow_nest_ask(self, child, *arg - 1, GROVE_FOREVER, reply, NULL);
}

// One whose mailbox is soon full, and who waits for ever.
struct narrow {
  char none;
};
#define NARROW(START, METHOD) START(narrow, grove_none) METHOD(narrow, wait, grove_none, grove_none)
enum { NARROW_MAILBOX = 4 };
GROVE_ACTOR_WITH(NARROW, narrow, .mailbox = NARROW_MAILBOX, .full = GROVE_FULL_WAIT)

static grove_status narrow_start(grove *self, struct narrow *n, const grove_none *arg)
{
  (void)self;
  (void)n;
  (void)arg;
  return GROVE_OK;
}

static grove_status narrow_wait(
    grove *self, struct narrow *n, const grove_none *arg, grove_none *reply)
{
  (void)n;
  (void)arg;
  (void)reply;
  return grove_sleep(self, GROVE_FOREVER);
}

static grove *begin(uint32_t workers)
{
  grove *g;
  grove_options o = {GROVE_OPTIONS, .workers = workers, .allocator = &counting, .freed = note_freed,
      .turn_warn_ms = 100000};
  atomic_store(&freed, 0);
  check_ok(grove_start(&o, &g));
  return g;
}

static void assert_in_time(int64_t from, int64_t deadline_ms)
{
  int64_t ms = (grove__clock_ns() - from) / 1000000;
  if (ms > deadline_ms + LATE_MS) {
    fail_msg("a stop with %lld ms took %lld", (long long)deadline_ms, (long long)ms);
  }
}

// Until the last stuck thread has given everything back.
// A stop without patience may find a busy machine late with an idle actor's end; with patience it may not.
static void stop_idle(grove *g, int64_t patience_ms)
{
  grove_status s = grove_stop(g, patience_ms, NULL);
  if (patience_ms || s != GROVE_ETIMEDOUT) {
    check_ok(s);
  }
}
static void assert_given_back(void)
{
  for (int i = 0; i < 10000 && !atomic_load(&freed); i++) {
    sleep_ms(1);
  }
  assert_int_equal(freed, 1);
  assert_int_equal(live_bytes, 0);
}

// ---- deadlines of 0 to 10 ms under load -------------------------------------------------------------------

static void load(grove *g, uint64_t *random)
{
  slow_ref a[8];
  for (int i = 0; i < 8; i++) {
    a[i] = slow_spawn(g, (long)grove__random_below(random, 2),
        &(grove_spawn_options){GROVE_SPAWN, .restart = GROVE_PERMANENT, .backoff_min_ms = 1});
  }
  for (int i = 0; i < 24; i++) {
    slow_ref to = a[grove__random_below(random, 8)];
    long ms = (long)grove__random_below(random, 20);
    switch (grove__random_below(random, 5)) {
    case 0: (void)slow_work_call(g, to, ms); break;
    case 1: (void)slow_wait_call(g, to, ms * 1000); break;
    case 2: (void)slow_hold_call(g, to, 0); break;
    case 3: (void)slow_nest_call(g, to, (long)grove__random_below(random, 40)); break;
    default: grove_drop(g, grove_exit(g, to.ref, ms)); break;
    }
  }
}

static void test_short_deadlines(void **state)
{
  (void)state;
  for (uint64_t i = 0; i < rounds; i++) {
    uint64_t random = seed + i;
    alarm(60);
    grove *g = begin(1 + (uint32_t)(i % 4));
    load(g, &random);
    if (i & 1) {
      sleep_ms((int)grove__random_below(&random, 5));
    }
    grove_stop_report report = {.struct_size = sizeof report};
    int64_t deadline = (int64_t)grove__random_below(&random, 11), from = grove__clock_ns();
    grove_status s = grove_stop(g, deadline, &report);
    assert_in_time(from, deadline);
    if (s == GROVE_OK) {
      assert_int_equal(report.busy, 0);
      assert_int_equal(freed, 1);
    } else {
      check_status(s, GROVE_ETIMEDOUT);
      assert_true(report.busy > 0);
      assert_true(report.first[0].name[0] != '\0');
    }
    assert_given_back();
  }
  alarm(0);
}

// ---- threads that wait while the runtime stops ------------------------------------------------------------

typedef struct waiting {
  grove *g;
  slow_ref to;
  narrow_ref full;
  int kind;
  grove_status got;
} waiting;

static void *wait_outside(void *user)
{
  waiting *w = user;
  grove *g = w->g;
  long reply;
  grove_future f[3] = {{0, 0}};
  for (int i = 0; i < 3 && w->kind < 4; i++) {
    f[i] = slow_hold_call(g, w->to, 0).future;
  }
  size_t index;
  switch (w->kind) {
  case 0: w->got = grove_get(g, f[0], GROVE_FOREVER, &reply, sizeof reply, NULL); break;
  case 1: w->got = grove_get_all(g, f, 3, GROVE_FOREVER, NULL, 0, NULL); break;
  case 2: w->got = grove_wait(g, f, 3, 2, GROVE_FOREVER) ? GROVE_EINTERNAL : GROVE_ECLOSED; break;
  case 3:
    w->got = grove_next(g, f, 3, GROVE_FOREVER, &index) ? GROVE_EINTERNAL : GROVE_ECLOSED;
    break;
  default: { // until its mailbox is full, and then for room
    grove_status s = GROVE_OK;
    while (s == GROVE_OK) {
      s = narrow_wait_send(g, w->full, GROVE_NONE);
    }
    w->got = s == GROVE_ENOACTOR ? GROVE_ECLOSED : s;
  }
  }
  return NULL;
}

static uint32_t count_waiting(grove *g)
{
  grove__system *y;
  grove__activation *here;
  uint32_t n = 0;
  check_ok(grove__enter(g, &y, &here));
  grove__mutex_lock(&y->outside_lock);
  for (const grove__waiter *w = y->thread_waits; w; w = w->next) {
    n++;
  }
  grove__mutex_unlock(&y->outside_lock);
  return n;
}

// Looked at from inside: a thread that is only about to call must not have the runtime stopped under it. The one that
// fills the mailbox waits for good once it is full and its actor takes no more; before that, what it waited for may
// have come already.
static void until_all_wait(grove *g, narrow_ref full, uint32_t threads)
{
  grove_info info = {.struct_size = sizeof info};
  do {
    check_pause();
    check_ok(grove_inspect(g, full.ref, &info));
  } while (info.phase != GROVE_PHASE_WAITING || info.mailbox_depth < NARROW_MAILBOX ||
           count_waiting(g) < threads);
}

static void test_threads_that_wait_return(void **state)
{
  enum { THREADS = 5 };
  (void)state;
  for (uint64_t i = 0; i < rounds; i++) {
    alarm(60);
    grove *g = begin(2);
    slow_ref free_one = slow_spawn(g, 0, NULL);
    narrow_ref full_one = narrow_spawn(g, GROVE_NONE, NULL);
    waiting w[THREADS];
    pthread_t thread[THREADS];
    for (int t = 0; t < THREADS; t++) {
      w[t] = (waiting){.g = g, .to = free_one, .full = full_one, .kind = t};
      pthread_create(&thread[t], NULL, wait_outside, &w[t]);
    }
    until_all_wait(g, full_one, THREADS);
    int64_t from = grove__clock_ns();
    stop_idle(g, i & 1 ? 5000 : 0);
    assert_in_time(from, 5000);
    for (int t = 0; t < THREADS; t++) {
      pthread_join(thread[t], NULL);
      if (w[t].got != GROVE_ECLOSED && w[t].got != GROVE_EDEAD && w[t].got != GROVE_ECANCELED) {
        fail_msg("thread %d got %s", t, grove_status_text(w[t].got));
      }
    }
    assert_given_back();
  }
  alarm(0);
}

// ---- a stop that gives up all who are at it ------------------------------------------------------------------

struct hopper {
  grove_ref next;
};
#define HOPPER(START, METHOD)                                                                      \
  START(hopper, grove_none)                                                                        \
  METHOD(hopper, next, grove_ref, grove_none)                                                      \
  METHOD(hopper, hop, long, grove_none)
GROVE_ACTOR(HOPPER, hopper)

static grove_status hopper_start(grove *self, struct hopper *h, const grove_none *none)
{
  (void)self, (void)h, (void)none;
  return GROVE_OK;
}
static grove_status hopper_next(
    grove *self, struct hopper *h, const grove_ref *next, grove_none *none)
{
  (void)self, (void)none;
  h->next = *next;
  return GROVE_OK;
}
static atomic_long hops; // of the runtime at hand
// Sends it on, now and then as a call.
static grove_status hopper_hop(grove *self, struct hopper *h, const long *n, grove_none *none)
{
  hopper_ref to = {h->next};
  (void)none;
  atomic_fetch_add(&hops, 1);
  if (*n % 7 == 0) {
    grove_keep(self, hopper_hop_call(self, to, *n + 1).future);
  } else {
    (void)!hopper_hop_send(self, to, *n + 1);
  }
  return GROVE_OK;
}

// Workers are in the midst of taking letters when their actors are given up.
static void test_stop_at_once_in_a_storm(void **state)
{
  enum { HOPPERS = 20000 };
  static hopper_ref ring[HOPPERS];
  (void)state;
  alarm(100);
  for (uint64_t i = 0; i < rounds; i++) {
    grove *g = begin(2 + (uint32_t)(i % 3));
    atomic_store(&hops, 0);
    for (int h = 0; h < HOPPERS; h++) {
      ring[h] = hopper_spawn(g, GROVE_NONE, NULL);
    }
    for (int h = 0; h < HOPPERS; h++) {
      check_ok(hopper_next_send(g, ring[h], ring[(h + 1) % HOPPERS].ref));
      for (long n = 0; n < 3; n++) {
        check_ok(hopper_hop_send(g, ring[h], h + n));
      }
    }
    while (atomic_load(&hops) < (long)(i % 5) * HOPPERS) { // from the first letters to the midst of it
      check_pause();
    }
    grove_status s = grove_stop(g, 0, NULL);
    assert_true(s == GROVE_OK || s == GROVE_ETIMEDOUT);
    assert_given_back();
  }
  alarm(0);
}

// ---- nothing but starting and stopping ---------------------------------------------------------------------

static void test_thousands_of_cycles(void **state)
{
  (void)state;
  alarm(100);
  for (uint64_t i = 0; i < rounds * 50; i++) {
    grove *g = begin(1 + (uint32_t)(i % 3));
    if (i & 1) {
      slow_ref a = slow_spawn(g, 0, NULL);
      (void)!slow_work_send(g, a, 0);
    }
    stop_idle(g, i % 3 ? 5000 : 0);
    assert_given_back();
  }
  alarm(0);
}

// ---- several at once ----------------------------------------------------------------------------------------

static void *run_own(void *user)
{
  uint64_t random = *(uint64_t *)user;
  for (int i = 0; i < 5; i++) {
    grove *g;
    grove_options o = {GROVE_OPTIONS, .workers = 2, .simulate = (uint32_t)(i & 1)};
    if (grove_start(&o, &g)) {
      return user;
    }
    slow_ref a = slow_spawn(g, 0, NULL);
    long reply = 0;
    if (slow_work_ask(g, a, 0, 5000, &reply, NULL) || reply != 1) {
      return user;
    }
    load(g, &random);
    grove_status s = grove_stop(g, 5000, NULL);
    if (s != GROVE_OK) {
      return user;
    }
  }
  return NULL;
}

static void test_many_runtimes(void **state)
{
  pthread_t thread[4];
  uint64_t random[4];
  (void)state;
  alarm(100);
  for (int i = 0; i < 4; i++) {
    random[i] = seed + (uint64_t)i;
    pthread_create(&thread[i], NULL, run_own, &random[i]);
  }
  for (int i = 0; i < 4; i++) {
    void *bad;
    pthread_join(thread[i], &bad);
    assert_null(bad);
  }
  alarm(0);
}

int main(int argc, char **argv)
{
  rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : rounds;
  seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL);
  print_message("seed %llu\n", (unsigned long long)seed);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_short_deadlines),
      cmocka_unit_test(test_threads_that_wait_return),
      cmocka_unit_test(test_stop_at_once_in_a_storm), cmocka_unit_test(test_thousands_of_cycles),
      cmocka_unit_test(test_many_runtimes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
