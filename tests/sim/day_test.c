// A day of virtual time: periodic timers that tick exactly as often as they should, actors that crash now and then
// and come back, calls among them. Argument: hours (24).
#include "check.h"
#include <grove/call.h>
#include <grove/sim.h>
#include <grove/typed.h>
#include <grove/watch.h>

static long hours = 24;
static long ticks, crashes, starts, destroys, asked, answered;

struct clerk {
  long seen, crash_every;
  bool counted;
};
typedef struct terms {
  long period_ms, crash_every;
} terms;
GROVE_TYPE(terms)
#define CLERK(START, METHOD)                                                                       \
  START(clerk, terms)                                                                              \
  METHOD(clerk, tick, grove_none, grove_none)                                                      \
  METHOD(clerk, ask, long, long)
GROVE_INTERFACE(CLERK, clerk)
static void clerk_destroy(void *state)
{
  destroys += ((struct clerk *)state)->counted;
}
GROVE_CLASS_WITH(CLERK, clerk, .destroy = clerk_destroy)

static grove_status clerk_start(grove *self, struct clerk *c, const terms *arg)
{
  c->counted = true;
  starts++;
  c->crash_every = arg->crash_every;
  return clerk_tick_every(self, 1, arg->period_ms, arg->period_ms, GROVE_NONE);
}

static grove_status clerk_tick(
    grove *self, struct clerk *c, const grove_none *arg, grove_none *reply)
{
  (void)arg;
  (void)reply;
  ticks++;
  c->seen++;
  if (c->crash_every && c->seen == c->crash_every) {
    crashes++;
    return grove_crash(self, GROVE_EUSER, "it was time to");
  }
  return GROVE_OK;
}

static grove_status clerk_ask(grove *self, struct clerk *c, const long *arg, long *reply)
{
  *reply = *arg + c->seen;
  return grove_sleep(self, 3);
}

static void test_steady_ticks(void **state)
{
  (void)state;
  grove *g;
  grove_options o = {GROVE_OPTIONS, .simulate = 1, .seed = 3};
  check_ok(grove_start(&o, &g));
  ticks = starts = destroys = 0;
  clerk_ref c = clerk_spawn(g, (terms){1000, 0}, NULL);
  (void)grove_sim_advance(g, hours * 3600 * 1000);
  assert_int_equal(ticks, hours * 3600);
  assert_int_equal(grove_now_ns(g), hours * 3600 * INT64_C(1000000000));
  long seen = 0;
  check_ok(clerk_ask_ask(g, c, 0, 1000, &seen, NULL));
  assert_int_equal(seen, ticks);
  check_ok(grove_stop(g, 5000, NULL));
  assert_int_equal(starts, destroys);
}

static void test_a_day_of_restarts(void **state)
{
  enum { CLERKS = 8 };
  (void)state;
  grove *g;
  clerk_ref c[CLERKS];
  grove_options o = {GROVE_OPTIONS, .simulate = 1, .seed = 4};
  check_ok(grove_start(&o, &g));
  ticks = starts = destroys = crashes = asked = answered = 0;
  for (long i = 0; i < CLERKS; i++) {
    c[i] = clerk_spawn(g, (terms){5000 + 777 * i, 20 + 9 * i},
        &(grove_spawn_options){GROVE_SPAWN, .restart = GROVE_TRANSIENT});
  }
  for (long minute = 0; minute < hours * 60; minute++) {
    long reply;
    grove_status s = clerk_ask_ask(g, c[minute % CLERKS], 0, 1000, &reply, NULL);
    asked++;
    answered += s == GROVE_OK;
    if (s != GROVE_OK && s != GROVE_EDEAD) { // between two starts
      check_ok(s);
    }
    (void)grove_sim_advance(g, 60000);
  }
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_stats_get(g, &s));
  assert_int_equal(s.actors, CLERKS);
  assert_int_equal(s.futures, 0);
  assert_true(crashes > hours * 20);
  assert_true(s.restarts == (uint64_t)crashes || s.restarts + 1 == (uint64_t)crashes);
  assert_true(starts + 2 >= CLERKS + crashes);
  assert_true(answered >= asked - asked / 20);
  print_message(
      "%ld ticks, %ld crashes, %ld of %ld calls answered\n", ticks, crashes, answered, asked);
  check_ok(grove_stop(g, 5000, NULL));
  assert_int_equal(starts, destroys);
}

int main(int argc, char **argv)
{
  hours = argc > 1 ? atol(argv[1]) : hours;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_steady_ticks), cmocka_unit_test(test_a_day_of_restarts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
