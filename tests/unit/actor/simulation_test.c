// Simulation: the same seed gives the same schedule, others differ; stepping; virtual time; probes, in short.
#include "actors.h"

static char trace[4096];
static size_t traced;
typedef struct walk {
  grove_ref who[4];
  int left;
} walk;
static grove_status job_walk(grove *self, hand_state *s, void *user, long *reply)
{
  walk *w = user;
  (void)reply;
  if (traced < sizeof trace - 1) {
    trace[traced++] = (char)('A' + s->number % 26);
  }
  s->number++;
  if (w->left-- > 0) {
    (void)!tell(self, w->who[grove_random(self) % 4], job_walk, w);
    (void)!tell(self, w->who[w->left % 4], job_walk, w);
  }
  if (s->number % 3 == 0) {
    return grove_sleep(self, s->number % 7);
  }
  return grove_yield(self);
}
static grove_status start_walk(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self, (void)reply;
  s->number = 6 * (intptr_t)user;
  return GROVE_OK;
}

static void record(struct rig *r, uint64_t seed, char *out)
{
  walk w = {.left = 100};
  rig_restart(r, &(grove_options){.seed = seed});
  traced = 0;
  memset(trace, 0, sizeof trace);
  for (int i = 0; i < 4; i++) {
    w.who[i] =
        spawn_plan(r->g, (hand_plan){.start = start_walk, .user = (void *)(intptr_t)i}, NULL);
    check_ok(tell(r->g, w.who[i], job_walk, &w));
  }
  (void)grove_sim_advance(r->g, 10000);
  assert_true(traced > 100);
  memcpy(out, trace, sizeof trace);
}

static void test_a_seed_is_a_schedule(void **state)
{
  struct rig *r = *state;
  static char a[4096], b[4096], first[4096];
  int different = 0;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    record(r, seed, a);
    record(r, seed, b);
    assert_memory_equal(a, b, sizeof a);
    if (seed == 1) {
      memcpy(first, a, sizeof a);
    }
    different += memcmp(a, first, sizeof a) != 0;
  }
  assert_true(different >= 18);
}

static void test_stepping(void **state)
{
  struct rig *r = *state;
  atomic_int count = 0;
  assert_false(grove_sim_step(r->g));
  assert_int_equal(grove_sim_run(r->g, 0), 0);
  grove_ref a = spawn_hand(r->g);
  for (int i = 0; i < 5; i++) {
    check_ok(tell(r->g, a, job_count, &count));
  }
  assert_int_equal(count, 0); // nobody drives: nothing runs
  assert_int_equal(grove_sim_run(r->g, 3), 3);
  assert_true(count > 0 && count < 5);
  assert_true(grove_sim_run(r->g, 0) > 0);
  assert_int_equal(count, 5);
  assert_int_equal(grove_now_ns(r->g), 0); // time stood still
}

static grove_status job_note_time(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  *(int64_t *)user = grove_now_ns(self);
  return GROVE_OK;
}
typedef struct alarm_clock {
  int64_t at[3];
} alarm_clock;
static grove_status job_set_alarms(grove *self, hand_state *s, void *user, long *reply)
{
  alarm_clock *c = user;
  grove_status status = GROVE_OK;
  (void)s, (void)reply;
  static const int64_t ms[] = {3600000, 5, 86400000};
  for (int i = 0; i < 3 && !status; i++) {
    status = hand_run_every(self, (uint64_t)i, ms[i], 0, (hand_job){job_note_time, &c->at[i]});
  }
  return status;
}
static void test_time(void **state)
{
  struct rig *r = *state;
  static alarm_clock c;
  memset(&c, 0, sizeof c);
  grove_ref a = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, a, job_set_alarms, &c, NULL, NULL));
  (void)grove_sim_advance(r->g, 4);
  assert_int_equal(c.at[1], 0);
  (void)grove_sim_advance(r->g, 1);
  assert_int_equal(c.at[1], 5 * INT64_C(1000000)); // what falls due sees its own time
  (void)grove_sim_advance(r->g, INT64_C(24) * 3600 * 1000);
  assert_int_equal(c.at[0], INT64_C(3600) * 1000000000);
  assert_int_equal(c.at[2], INT64_C(86400) * 1000000000);
  assert_int_equal(grove_now_ns(r->g), (INT64_C(86400) * 1000 + 5) * 1000000);
  // a wait moves the clock as far as it must
  int64_t from = grove_now_ns(r->g);
  check_ok(grove_sleep(r->g, 1234));
  assert_int_equal(grove_now_ns(r->g) - from, 1234 * INT64_C(1000000));
}

static void test_a_wait_that_nothing_can_end(void **state)
{
  struct rig *r = *state;
  grove_error err;
  grove_future f = ask(r->g, spawn_hand(r->g), job_take, NULL);
  check_status(grove_get(r->g, f, GROVE_FOREVER, NULL, 0, &err), GROVE_EDEADLK);
  check_contains(err.text, "nothing is left");
  check_status(grove_get(r->g, f, 1000, NULL, 0, &err), GROVE_ETIMEDOUT); // still unspent
}

static void test_a_probe_stands_for_a_class(void **state)
{
  struct rig *r = *state;
  grove_probed got;
  grove_error err;
  long n = 64;
  grove_ref p =
      grove_probe_spawn(r->g, &hand_class, &(grove_spawn_options){GROVE_SPAWN, .name = "stand-in"});
  check_ok(grove_ref_status(p));
  check_ok(grove_probe_expect_none(r->g, p, 100, &err));
  grove_future f = ask(r->g, p, job_echo, (void *)5);
  check_status(grove_probe_expect(r->g, p, 1000, &hand_high_method, &got, &err), GROVE_ENOENT);
  check_ok(grove_probe_expect(r->g, p, 1000, &hand_run_method, &got, &err));
  assert_ptr_equal(((const hand_job *)got.arg)->user, (void *)5);
  check_ok(hand_run_answer(r->g, got.answer, GROVE_OK, &n));
  n = 0;
  check_ok(grove_get(r->g, f, 1000, &n, sizeof n, NULL));
  assert_int_equal(n, 64);
  check_status(grove_probe_expect(r->g, p, 1000, &hand_run_method, &got, &err), GROVE_ETIMEDOUT);
}

static const rig_test tests[] = {
    ON(SIM, test_a_seed_is_a_schedule),
    ON(SIM, test_stepping),
    ON(SIM, test_time),
    ON(SIM, test_a_wait_that_nothing_can_end),
    ON(SIM, test_a_probe_stands_for_a_class),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
