// Processes are killed while others call their actors, and memory fails: each call ends, once, with its answer or with the actor's
// death; a death costs no more than what had crossed; nothing is left over. `isolated_storm_test ROUNDS [SEED]`.
#include <grove/watch.h>
#include <signal.h>
#include <unistd.h>
#include "check.h"
#include "inmate.h"

enum { ACTORS = 3, CALLS = 40, LONG_MS = 60 * 1000 };
static int rounds = 15;
static uint64_t seed = 1;

static uint64_t draw(uint64_t below)
{
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed % below;
}

static long process_of(grove *g, inmate_ref i)
{
  long pid = 0;
  return inmate_pid_ask(g, i, GROVE_NONE, LONG_MS, &pid, NULL) ? 0 : pid;
}

static grove *start(const grove_allocator *a)
{
  grove *g;
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2, .allocator = a}, &g));
  return g;
}

static inmate_ref spawn(grove *g, uint32_t restart)
{
  const int how = INMATE_STARTS;
  const grove_spawn_options o = {GROVE_SPAWN, .restart = restart, .backoff_min_ms = 1,
      .backoff_max_ms = 1, .queue_ms = LONG_MS, .max_restarts = GROVE_RESTARTS_MOST + 1};
  return (inmate_ref){grove_isolated_spawn(g, &inmate_class, &how, &o, NULL)};
}

static void every_call_ends(void **state)
{
  (void)state;
  grove *g = start(NULL);
  inmate_ref i[ACTORS];
  uint64_t answered = 0, died = 0;
  for (int a = 0; a < ACTORS; a++) {
    i[a] = spawn(g, GROVE_PERMANENT);
  }
  for (int round = 0; round < rounds; round++) {
    grove_future f[CALLS];
    int victim = (int)draw(ACTORS);
    long pid = process_of(g, i[victim]);
    uint64_t when = draw(CALLS);
    for (uint64_t c = 0; c < CALLS; c++) {
      inmate_ref to = i[draw(ACTORS)];
      f[c] = draw(2) ? inmate_add_call(g, to, 1).future
                     : inmate_fill_call(g, to, (long)draw(200000)).future;
      if (c == when && pid > 0) {
        (void)kill((pid_t)pid, SIGKILL);
      }
      if (!draw(10)) {
        grove_cancel(g, f[c]);
      }
    }
    for (int c = 0; c < CALLS; c++) {
      check_ok(grove_wait(g, &f[c], 1, 1, LONG_MS));
      grove_status s = grove_get(g, f[c], 0, NULL, 0, NULL);
      assert_true(s == GROVE_OK || s == GROVE_EDEAD || s == GROVE_ECANCELED);
      answered += s == GROVE_OK;
      died += s == GROVE_EDEAD;
    }
  }
  assert_true(answered > 0);
  // Each killed process can have taken at most what crosses at once.
  assert_true(died <= (uint64_t)rounds * 64);
  grove_stop_report report = {.struct_size = sizeof report};
  check_ok(grove_stop(g, LONG_MS, &report));
}

// ---- memory -------------------------------------------------------------------------------------------
// Counts, from any thread, and refuses the `fail_at`th allocation from now on.
typedef struct meter {
  _Atomic long live, n, fail_at;
} meter;

static void *metered(void *user, void *p, size_t old_bytes, size_t bytes)
{
  meter *m = user;
  (void)old_bytes;
  if (bytes == 0) {
    m->live--;
    free(p);
    return NULL;
  }
  if (++m->n == m->fail_at) {
    return NULL;
  }
  void *out = realloc(p, bytes);
  m->live += out && !p;
  return out;
}

static void no_memory_is_no_leak(void **state)
{
  (void)state;
  meter m = {0};
  const grove_allocator a = {metered, &m};
  bool failed = true;
  long at = 1;
  for (; failed; at++) {
    m.n = 0;
    m.fail_at = 0;
    grove *g = start(&a);
    m.n = 0;
    m.fail_at = at;
    inmate_ref i = spawn(g, GROVE_TEMPORARY);
    long sum = 0;
    grove_string got = {0};
    failed = inmate_add_ask(g, i, 2, LONG_MS, &sum, NULL) != GROVE_OK;
    failed = inmate_fill_ask(g, i, 100000, LONG_MS, &got, NULL) != GROVE_OK || failed;
    grove_release(got.shared);
    failed = failed || m.n >= at;
    m.fail_at = 0;
    check_ok(grove_stop(g, LONG_MS, NULL));
    assert_int_equal(m.live, 0);
  }
  print_message("%ld allocations failed, one by one\n", at - 2);
  assert_true(at > 20);
}

int main(int argc, char **argv)
{
  int code;
  if (grove_isolated_main(argc, argv, inmate_classes, NULL, &code)) {
    return code;
  }
  rounds = argc > 1 ? atoi(argv[1]) : rounds;
  seed = argc > 2 ? strtoull(argv[2], NULL, 10) | 1 : seed;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_call_ends), cmocka_unit_test(no_memory_is_no_leak)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
