// One name, made, found and killed again and again by several threads at once: never two lives at once, never an address
// that nobody has, always free for who was told. Each creation counts: so many lives are made, and all are gone after.
// Arguments: how many lives (50000).
#include "check.h"
#include <grove/typed.h>
#include <grove/watch.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { THREADS = 3, STALL_S = 900 };
static long wanted = 50000;
static _Atomic long made, found, freed_names, bad;
static _Atomic int alive;

struct only {
  long number;
};
#define ONLY(START, METHOD) START(only, long) METHOD(only, ask, grove_none, long)
static void only_destroy(void *state);
GROVE_ACTOR_WITH(ONLY, only, .destroy = only_destroy)

static void expect(bool good, const char *law)
{
  if (!good) {
    print_error("not so: %s\n", law);
    atomic_fetch_add(&bad, 1);
  }
}

static grove_status only_start(grove *self, struct only *o, const long *number)
{
  (void)self;
  o->number = *number;
  expect(atomic_fetch_add(&alive, 1) == 0, "one at a time");
  return GROVE_OK;
}
static void only_destroy(void *state)
{
  (void)state;
  atomic_fetch_sub(&alive, 1);
}
static grove_status only_ask(grove *self, struct only *o, const grove_none *none, long *number)
{
  (void)self, (void)none;
  *number = o->number;
  return GROVE_OK;
}

// Makes it or finds it, looks it up by its name, asks it, kills it, and waits to be told.
static void one_round(grove *g, long i)
{
  grove_spawn_options o = {GROVE_SPAWN, .name = "the only one"};
  grove_error down;
  bool created = false;
  long number = -1;
  only_ref r = only_spawn_or_find(g, i, &o, &created);
  expect(grove_ref_status(r.ref) == GROVE_OK, "there is always one");
  atomic_fetch_add(created ? &made : &found, 1);
  grove_ref by_name = grove_find(g, o.name);
  grove_status s = grove_ref_status(by_name);
  expect(s == GROVE_OK || s == GROVE_ENOENT, "found by name, or not there");
  s = only_ask_ask(g, r, GROVE_NONE, 60000, &number, NULL);
  expect(s == GROVE_OK ? !created || number == i : s == GROVE_EDEAD || s == GROVE_ENOACTOR,
      "answered by the one that was made, or dead");
  s = grove_get(g, grove_exit(g, r.ref, i % 4 ? 0 : 1000), 60000, &down, sizeof down, NULL);
  // A thread that stood still for a thousand lives may ask for one that is forgotten.
  expect(s == GROVE_OK && (down.status == GROVE_OK || down.status == GROVE_ECANCELED ||
                              down.status == GROVE_ENOACTOR),
      "told how it ended");
  expect(grove_ref_equal(down.who, r.ref), "told who");
  by_name = grove_find(g, o.name); // another thread's, or nobody
  expect(!grove_ref_equal(by_name, r.ref), "free when told");
  atomic_fetch_add(&freed_names, grove_ref_status(by_name) == GROVE_ENOENT);
}

static void *go_round(void *user)
{
  for (long i = 0; atomic_load(&made) < wanted; i++) {
    one_round(user, i);
  }
  return NULL;
}

static void test_one_name(void **state)
{
  grove *g;
  pthread_t thread[THREADS];
  grove_stats s = {.struct_size = sizeof s};
  (void)state;
  alarm(STALL_S);
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2}, &g));
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&thread[i], NULL, go_round, g), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(thread[i], NULL);
  }
  check_ok(grove_stats_get(g, &s));
  assert_int_equal(bad, 0);
  assert_int_equal(s.spawned, made);
  assert_int_equal(s.ended, made);
  assert_int_equal(s.actors, 0);
  assert_int_equal(s.futures, 0);
  assert_int_equal(alive, 0);
  check_ok(grove_stop(g, 20000, NULL));
  print_message("%ld made, %ld found, %ld times free when told\n", made, found, freed_names);
}

int main(int argc, char **argv)
{
  wanted = argc > 1 ? strtol(argv[1], NULL, 0) : wanted;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_name)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
