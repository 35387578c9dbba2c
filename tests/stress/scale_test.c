// Many of one thing: lives of one name, actors alive, actors suspended, generations of a tree.
// Argument: a factor (1). The soak runs with 10: 1,000,000 lives of a name and as many actors alive.
#include "check.h"
#include <grove/call.h>
#include <grove/typed.h>
#include <grove/watch.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static long factor = 1;
static _Atomic int alive; ///< of the one name
static _Atomic long lives, bad;

static double now_s(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// Sanitizers and a shared machine are slower; the sizes that count are those of the release build.
static long size_of(long n)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return n * factor / 10;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
  return n * factor / 10;
#else
  return n * factor;
#endif
#else
  return n * factor;
#endif
}

// What the process has in memory now.
static double resident_mib(void)
{
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f) {
    if (fscanf(f, "%*s %ld", &pages) != 1) {
      pages = 0;
    }
    fclose(f);
  }
  return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

// ---- lives of one name --------------------------------------------------------------------------------------

struct one {
  bool counted;
};
#define ONE(START, METHOD) START(one, grove_none) METHOD(one, ask, long, long)
GROVE_INTERFACE(ONE, one)
static void one_destroy(void *state)
{
  if (((struct one *)state)->counted) {
    atomic_fetch_sub(&alive, 1);
  }
}
GROVE_CLASS_WITH(ONE, one, .destroy = one_destroy)

static grove_status one_start(grove *self, struct one *o, const grove_none *arg)
{
  (void)self;
  (void)arg;
  o->counted = true;
  if (atomic_fetch_add(&alive, 1) != 0) {
    atomic_fetch_add(&bad, 1); // two lives at once
  }
  atomic_fetch_add(&lives, 1);
  return GROVE_OK;
}

static grove_status one_ask(grove *self, struct one *o, const long *arg, long *reply)
{
  (void)self;
  (void)o;
  *reply = *arg + 1;
  return GROVE_OK;
}

typedef struct namer {
  grove *g;
  long rounds, created, killed;
} namer;

static void *use_name(void *user)
{
  namer *n = user;
  grove_spawn_options o = {GROVE_SPAWN, .name = "the one"};
  for (long i = 0; i < n->rounds; i++) {
    bool created = false;
    one_ref r = one_spawn_or_find(n->g, GROVE_NONE, &o, &created);
    n->created += created;
    if (grove_ref_status(r.ref)) {
      atomic_fetch_add(&bad, 1);
    }
    long reply = 0;
    grove_status s = one_ask_ask(n->g, r, i, 20000, &reply, NULL);
    if (s == GROVE_OK ? reply != i + 1 : s != GROVE_EDEAD && s != GROVE_ENOACTOR) {
      atomic_fetch_add(&bad, 1);
    }
    grove_ref found = grove_find(n->g, "the one");
    grove_status f = grove_ref_status(found);
    if (f != GROVE_OK && f != GROVE_ENOENT) {
      atomic_fetch_add(&bad, 1);
    }
    grove_error down;
    if (grove_get(n->g, grove_exit(n->g, r.ref, 0), 20000, &down, sizeof down, NULL)) {
      atomic_fetch_add(&bad, 1);
    }
    n->killed++;
  }
  return NULL;
}

static void test_lives_of_one_name(void **state)
{
  enum { THREADS = 4 };
  namer n[THREADS];
  pthread_t thread[THREADS];
  grove *g;
  (void)state;
  atomic_store(&lives, 0);
  atomic_store(&bad, 0);
  grove_options o = {GROVE_OPTIONS, .workers = 2};
  check_ok(grove_start(&o, &g));
  double from = now_s();
  for (int i = 0; i < THREADS; i++) {
    n[i] = (namer){.g = g, .rounds = size_of(100000) / THREADS};
    pthread_create(&thread[i], NULL, use_name, &n[i]);
  }
  long created = 0;
  for (int i = 0; i < THREADS; i++) {
    pthread_join(thread[i], NULL);
    created += n[i].created;
  }
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_stats_get(g, &s));
  assert_int_equal(s.actors, 0);
  assert_int_equal(s.futures, 0);
  assert_int_equal(s.spawned, created);
  assert_int_equal(s.ended, created);
  assert_true(lives <= created); // one that was killed before its start never was
  check_ok(grove_stop(g, 5000, NULL));
  assert_int_equal(bad, 0);
  assert_int_equal(alive, 0);
  print_message(
      "%ld rounds, %ld created, %.1f s\n", THREADS * n[0].rounds, created, now_s() - from);
}

// Who was told that it is gone can take the name at once.
static void test_name_is_free_when_told(void **state)
{
  grove *g;
  grove_spawn_options o = {GROVE_SPAWN, .name = "again"};
  (void)state;
  check_ok(grove_start(NULL, &g));
  for (long i = 0; i < size_of(20000); i++) {
    one_ref r = one_spawn(g, GROVE_NONE, &o);
    check_ok(grove_ref_status(r.ref));
    grove_error down;
    check_ok(grove_get(g, grove_exit(g, r.ref, i & 1 ? 0 : 5000), 20000, &down, sizeof down, NULL));
  }
  check_ok(grove_stop(g, 5000, NULL));
}

// ---- many alive ----------------------------------------------------------------------------------------------

static void test_many_alive(void **state)
{
  long n = size_of(100000), seen = 0;
  grove *g;
  (void)state;
  one_ref *all = calloc((size_t)n, sizeof *all);
  one_ask_future *f = calloc((size_t)n, sizeof *f);
  assert_non_null(all);
  assert_non_null(f);
  struct many {
    char none;
  };
  double from = now_s(), before = resident_mib();
  check_ok(grove_start(NULL, &g));
  for (long i = 0; i < n; i++) {
    all[i] = one_spawn(g, GROVE_NONE, NULL);
  }
  long room = n < 1000000 ? n : 1000000; // max_outside
  for (long at = 0; at < n; at += room) {
    for (long i = at; i < at + room && i < n; i++) {
      f[i] = one_ask_call(g, all[i], i);
    }
    for (long i = at; i < at + room && i < n; i++) {
      long reply;
      check_ok(one_ask_get(g, f[i], GROVE_FOREVER, &reply, NULL));
      seen += reply == i + 1;
    }
  }
  assert_int_equal(seen, n);
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_stats_get(g, &s));
  assert_int_equal(s.actors, n);
  assert_int_equal(s.futures, 0);
  double asked = now_s(), memory = resident_mib() - before;
  check_ok(grove_stop(g, 60000, NULL));
  assert_int_equal(alive, 0);
  print_message("%ld actors: %.2f s to make and ask, %.2f s to stop, %.0f MiB more in memory, %.0f "
                "bytes each\n",
      n, asked - from, now_s() - asked, memory, memory * 1048576 / (double)n);
  free(all);
  free(f);
}

// ---- many suspended -------------------------------------------------------------------------------------------

struct sleeper {
  char none;
};
#define SLEEPER(START, METHOD)                                                                     \
  START(sleeper, grove_none)                                                                       \
  METHOD(sleeper, nap, long, grove_none)                                                           \
  METHOD(sleeper, deep, long, long)
GROVE_ACTOR(SLEEPER, sleeper)

static grove_status sleeper_start(grove *self, struct sleeper *s, const grove_none *arg)
{
  (void)self;
  (void)s;
  (void)arg;
  return GROVE_OK;
}

static grove_status sleeper_nap(grove *self, struct sleeper *s, const long *arg, grove_none *reply)
{
  (void)s;
  (void)reply;
  return grove_sleep(self, *arg);
}

// A chain of children, each the parent of the next; the last one naps.
static grove_status sleeper_deep(grove *self, struct sleeper *s, const long *arg, long *reply)
{
  (void)s;
  if (*arg == 0) {
    *reply = 0;
    return GROVE_OK;
  }
  sleeper_ref next = sleeper_spawn(self, GROVE_NONE, NULL);
  GROVE_MAYBE_UNUSED grove_status status =
      sleeper_deep_ask(self, next, *arg - 1, GROVE_FOREVER, reply, NULL);
  *reply += 1;
  return status;
}

static uint32_t count_suspended(grove *g)
{
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_stats_get(g, &s));
  return s.suspended;
}

// How many can't wait, for want of a stack; each says by which limit.
static uint32_t count_refused(grove *g, sleeper_nap_future *f, uint32_t n)
{
  uint32_t refused = 0;
  for (uint32_t i = 0; i < n; i++) {
    refused += grove_ended(g, f[i].future);
  }
  return refused;
}

static void test_many_suspended(void **state)
{
  uint32_t n = (uint32_t)size_of(10000), refused = 0;
  grove *g;
  (void)state;
  sleeper_nap_future *f = calloc(n, sizeof *f);
  sleeper_ref *all = calloc(n, sizeof *all);
  assert_non_null(f);
  assert_non_null(all);
  double from = now_s(), before = resident_mib();
  check_ok(grove_start(NULL, &g));
  for (uint32_t i = 0; i < n; i++) {
    all[i] = sleeper_spawn(g, GROVE_NONE, NULL);
    f[i] = sleeper_nap_call(g, all[i], GROVE_FOREVER);
  }
  alarm(300);
  while (count_suspended(g) + (refused = count_refused(g, f, n)) < n) {
    (void)!grove_sleep(g, 50);
  }
  uint32_t there = count_suspended(g);
  print_message("%u suspended, %u refused: %.2f s, %.0f MiB more in memory, %.0f bytes each\n",
      (unsigned)there, (unsigned)refused, now_s() - from, resident_mib() - before,
      (resident_mib() - before) * 1048576 / (double)(there ? there : 1));
  assert_true(there > 0);
  for (uint32_t i = 0; i < n; i++) {
    grove_error err;
    bool is_refused = grove_ended(g, f[i].future);
    if (!is_refused && i % 2) {
      continue; // these wake up by the stop
    }
    grove_cancel(g, f[i].future);
    grove_status s = sleeper_nap_get(g, f[i], GROVE_FOREVER, NULL, &err);
    if (is_refused) {
      assert_true(s == GROVE_ELIMIT || s == GROVE_ENOMEM);
      assert_true(strstr(err.text, "max_suspended") || strstr(err.text, "memory"));
    } else {
      check_status(s, GROVE_ECANCELED);
    }
  }
  check_ok(grove_stop(g, 60000, NULL));
  alarm(0);
  free(f);
  free(all);
}

static void test_limit_of_suspended(void **state)
{
  enum { MOST = 100, TRIED = 150 };
  sleeper_nap_future f[TRIED];
  grove *g;
  grove_error err;
  int over = 0;
  (void)state;
  grove_options o = {GROVE_OPTIONS, .workers = 1, .max_suspended = MOST};
  check_ok(grove_start(&o, &g));
  for (int i = 0; i < TRIED; i++) {
    f[i] = sleeper_nap_call(g, sleeper_spawn(g, GROVE_NONE, NULL), GROVE_FOREVER);
  }
  alarm(60);
  size_t index;
  for (int i = 0; i < TRIED - MOST; i++) {
    check_ok(sleeper_nap_next(g, f, TRIED, GROVE_FOREVER, &index));
    check_status(sleeper_nap_get(g, f[index], 0, NULL, &err), GROVE_ELIMIT);
    over++;
  }
  assert_int_equal(over, TRIED - MOST);
  assert_int_equal(count_suspended(g), MOST);
  check_ok(grove_stop(g, 5000, NULL));
  alarm(0);
}

// ---- a deep tree -----------------------------------------------------------------------------------------------

static void test_deep_tree(void **state)
{
  long n = size_of(3000);
  grove *g;
  (void)state;
  for (int way = 0; way < 3; way++) {
    check_ok(grove_start(NULL, &g));
    alarm(100);
    sleeper_ref top = sleeper_spawn(g, GROVE_NONE, NULL);
    long depth = 0;
    check_ok(sleeper_deep_ask(g, top, n, GROVE_FOREVER, &depth, NULL));
    assert_int_equal(depth, n);
    if (way < 2) { // by force, in an orderly way, with the runtime
      grove_error down;
      check_ok(grove_get(
          g, grove_exit(g, top.ref, way * 60000), GROVE_FOREVER, &down, sizeof down, NULL));
      grove_stats s = {.struct_size = sizeof s};
      check_ok(grove_stats_get(g, &s));
      assert_int_equal(s.actors, 0);
    }
    check_ok(grove_stop(g, 60000, NULL));
    alarm(0);
  }
}

int main(int argc, char **argv)
{
  factor = argc > 1 ? atol(argv[1]) : 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_lives_of_one_name),
      cmocka_unit_test(test_name_is_free_when_told), cmocka_unit_test(test_many_alive),
      cmocka_unit_test(test_many_suspended), cmocka_unit_test(test_limit_of_suspended),
      cmocka_unit_test(test_deep_tree)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
