// Supervision: restarts with limit, window and backoff; what calls see meanwhile; escalation. Mostly in virtual time.
#include "actors.h"
#include "supervise/policy.h"

typedef struct life {
  atomic_int starts, destroys, fail_starts;
  atomic_int count;
} life;
static life lives[3];

static grove_status start_life(grove *self, hand_state *s, void *user, long *reply)
{
  life *l = user;
  (void)s, (void)reply;
  atomic_fetch_add(&l->starts, 1);
  if (atomic_load(&l->fail_starts) > 0) {
    atomic_fetch_sub(&l->fail_starts, 1);
    return grove_fail(self, GROVE_EIO, "no disk");
  }
  return GROVE_OK;
}
static void destroy_life(hand_state *s)
{
  atomic_fetch_add(&((life *)s->plan.user)->destroys, 1);
}
static hand_plan plan_of(life *l)
{
  return (hand_plan){.start = start_life, .destroy = destroy_life, .user = l};
}
static grove_ref spawn_life(grove *g, life *l, grove_spawn_options o)
{
  memset(l, 0, sizeof *l);
  o.struct_size = sizeof o;
  return spawn_plan(g, plan_of(l), &o);
}
static grove_status crash(struct rig *r, grove_ref a)
{
  return ask_and_get(r->g, a, job_crash, NULL, NULL, NULL);
}
static grove_info look(struct rig *r, grove_ref a)
{
  grove_info i = {.struct_size = sizeof i};
  check_ok(grove_inspect(r->g, a, &i));
  return i;
}
// Until it is alive again.
static void until_alive(struct rig *r, grove_ref a, uint32_t restarts)
{
  grove_info i = look(r, a);
  for (int n = 0; n < 20000 && (i.phase != GROVE_PHASE_IDLE || i.restarts != restarts); n++) {
    check_ok(grove_sleep(r->g, 1));
    i = look(r, a);
  }
  assert_int_equal(i.phase, GROVE_PHASE_IDLE);
  assert_int_equal(i.restarts, restarts);
}

static void test_restart_keeps_the_address_and_the_argument(void **state)
{
  struct rig *r = *state;
  life *l = &lives[0];
  grove_ref a =
      spawn_life(r->g, l, (grove_spawn_options){.restart = GROVE_TRANSIENT, .backoff_min_ms = 1});
  check_status(crash(r, a), GROVE_EDEAD);
  until_alive(r, a, 1);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  assert_int_equal(l->starts, 2);
  assert_int_equal(l->destroys, 1);
  check_contains(look(r, a).last_error, "it fell");
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_stats_get(r->g, &s));
  assert_int_equal(s.restarts, 1);
  assert_int_equal(s.spawned, 1);
  assert_int_equal(s.ended, 0);
}

static void test_temporary_ones_stay_dead(void **state)
{
  struct rig *r = *state;
  grove_error down;
  grove_ref a = spawn_life(r->g, &lives[0], (grove_spawn_options){.restart = GROVE_TEMPORARY});
  grove_future m = grove_monitor(r->g, a);
  check_status(crash(r, a), GROVE_EDEAD);
  check_ok(grove_get(r->g, m, 20000, &down, sizeof down, NULL));
  check_status(down.status, GROVE_EUSER);
  assert_int_equal(down.restarts, 0);
  assert_int_equal(lives[0].starts, 1);
}

// The n-th delay is min * factor^n, up to max, shortened by up to the jitter.
static void test_backoff(void **state)
{
  struct rig *r = *state;
  life *l = &lives[0];
  grove_spawn_options o = {.restart = GROVE_TRANSIENT,
      .max_restarts = 6,
      .window_ms = 1000000,
      .backoff_min_ms = 100,
      .backoff_max_ms = 1000,
      .backoff_percent = 300,
      .jitter_percent = 10};
  static const int most[] = {100, 300, 900, 1000, 1000, 1000};
  grove_ref a = spawn_life(r->g, l, o);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  for (int i = 0; i < 6; i++) {
    int64_t from = grove_now_ns(r->g);
    check_status(crash(r, a), GROVE_EDEAD);
    (void)grove_sim_run(r->g, 0); // time stands still
    assert_int_equal(l->starts, i + 1);
    assert_int_equal(look(r, a).phase, GROVE_PHASE_RESTARTING);
    (void)grove_sim_advance(r->g, most[i] * 9 / 10 - 1);
    assert_int_equal(l->starts, i + 1);
    (void)grove_sim_advance(r->g, most[i] - (most[i] * 9 / 10 - 1));
    assert_int_equal(l->starts, i + 2);
    assert_true(grove_now_ns(r->g) - from <= most[i] * INT64_C(1000000));
    until_alive(r, a, (uint32_t)i + 1);
  }
  grove_future m = grove_monitor(r->g, a);
  grove_error down;
  check_status(crash(r, a), GROVE_EDEAD);
  check_ok(grove_get(r->g, m, 20000, &down, sizeof down, NULL));
  assert_int_equal(down.restarts, 6);
  assert_int_equal(l->starts, 7);
  assert_int_equal(l->destroys, 7);
}

// As many as are allowed in a window, again and again, are no failure.
static void test_the_window_moves(void **state)
{
  struct rig *r = *state;
  life *l = &lives[0];
  grove_spawn_options o = {.restart = GROVE_TRANSIENT,
      .max_restarts = 2,
      .window_ms = 1000,
      .backoff_min_ms = 1,
      .backoff_max_ms = 1};
  grove_ref a = spawn_life(r->g, l, o);
  for (uint32_t i = 0; i < 10; i++) {
    check_status(crash(r, a), GROVE_EDEAD);
    until_alive(r, a, i + 1);
    if (i % 2) {
      (void)grove_sim_advance(r->g, 1100);
    }
  }
  check_status(crash(r, a), GROVE_EDEAD);
  until_alive(r, a, 11);
  check_status(crash(r, a), GROVE_EDEAD);
  until_alive(r, a, 12);
  check_status(crash(r, a), GROVE_EDEAD); // one more within the window
  grove_error down;
  check_ok(grove_get(r->g, grove_monitor(r->g, a), 20000, &down, sizeof down, NULL));
  assert_int_equal(down.restarts, 12);
}

// Not so many at the end of one window and so many at the beginning of the next: in any span of that length.
static void test_the_limit_holds_in_any_window(void **state)
{
  struct rig *r = *state;
  grove_spawn_options o = {.restart = GROVE_TRANSIENT,
      .max_restarts = 3,
      .window_ms = 1000,
      .backoff_min_ms = 1,
      .backoff_max_ms = 1};
  static const int64_t waits[] = {500, 300, 300, 300, 100};
  grove_ref a = spawn_life(r->g, &lives[0], o);
  for (uint32_t i = 0; i < 5; i++) { // at 0, 500, 800, 1100, 1400
    check_status(crash(r, a), GROVE_EDEAD);
    if (i == 4) { // after those at 500, 800, 1100
      break;
    }
    until_alive(r, a, i + 1);
    (void)grove_sim_advance(r->g, waits[i]);
  }
  grove_error down;
  check_ok(grove_get(r->g, grove_monitor(r->g, a), 20000, &down, sizeof down, NULL));
  assert_int_equal(down.restarts, 4);
}

// Without a limit, many times; the pause is what holds it back.
static void test_no_limit(void **state)
{
  struct rig *r = *state;
  grove_spawn_options o = {.restart = GROVE_TRANSIENT,
      .max_restarts = GROVE_RESTARTS_MOST + 1,
      .window_ms = UINT32_MAX,
      .backoff_min_ms = 1,
      .backoff_max_ms = 2};
  grove_ref a = spawn_life(r->g, &lives[0], o);
  for (uint32_t i = 0; i < 300; i++) {
    check_status(crash(r, a), GROVE_EDEAD);
    until_alive(r, a, i + 1);
  }
}

// ---- escalation --------------------------------------------------------------------------------------------------
typedef struct family {
  life child;
  atomic_int starts, destroys;
  grove_ref who;
  uint32_t max_restarts;
} family;
static family fam;
static grove_status start_parent(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  atomic_fetch_add(&fam.starts, 1);
  grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_PERMANENT, .backoff_min_ms = 1};
  o.max_restarts = fam.max_restarts;
  fam.who = spawn_plan(self, plan_of(&fam.child), &o);
  return grove_ref_status(fam.who);
}
static void destroy_parent(hand_state *s)
{
  (void)s;
  atomic_fetch_add(&fam.destroys, 1);
}

static void test_one_more_and_the_parent_fails(void **state)
{
  struct rig *r = *state;
  for (int restarts = 0; restarts < 2; restarts++) {
    memset(&fam, 0, sizeof fam);
    fam.max_restarts = 2;
    grove_spawn_options o = {GROVE_SPAWN, .backoff_min_ms = 1};
    o.restart = restarts ? GROVE_TRANSIENT : GROVE_TEMPORARY;
    grove_ref parent =
        spawn_plan(r->g, (hand_plan){.start = start_parent, .destroy = destroy_parent}, &o);
    check_ok(grove_get(r->g, grove_ready(r->g, parent), 20000, NULL, 0, NULL));
    grove_ref child = fam.who;
    grove_future m = grove_monitor(r->g, child), mp = grove_monitor(r->g, parent);
    for (uint32_t i = 0; i < 3; i++) {
      check_ok(grove_get(r->g, grove_ready(r->g, child), 20000, NULL, 0, NULL));
      check_status(crash(r, child), GROVE_EDEAD);
      if (i < 2) {
        until_alive(r, child, i + 1);
      }
    }
    grove_error down;
    check_ok(grove_get(r->g, m, 20000, &down, sizeof down, NULL));
    assert_int_equal(down.restarts, 2);
    if (restarts) { // the parent's own parent starts it again, and with it a new child
      until_alive(r, parent, 1);
      rig_until(r, &fam.child.starts, 4);
      assert_int_equal(fam.starts, 2);
      assert_false(grove_ref_equal(fam.who, child));
      check_contains(look(r, parent).last_error, "a child failed too often");
      check_ok(grove_get(r->g, grove_exit(r->g, parent, 20000), 20000, NULL, 0, NULL));
      check_ok(grove_get(r->g, mp, 20000, &down, sizeof down, NULL));
    } else {
      check_ok(grove_get(r->g, mp, 20000, &down, sizeof down, NULL));
      check_contains(down.text, "a child failed too often");
      check_contains(down.text, "it fell");
      assert_int_equal(fam.starts, 1);
    }
    assert_int_equal(fam.starts, fam.destroys);
    assert_int_equal(fam.child.starts, fam.child.destroys);
  }
}

// An expendable child that fails too often is gone like any other, and its parent does not notice.
static grove_status start_expendable(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  fam.who = spawn_plan(self, plan_of(&fam.child),
      &(grove_spawn_options){GROVE_SPAWN, .flags = GROVE_SPAWN_EXPENDABLE,
          .restart = GROVE_TRANSIENT, .max_restarts = 1, .backoff_min_ms = 1});
  return grove_ref_status(fam.who);
}
static void test_an_expendable_child(void **state)
{
  struct rig *r = *state;
  grove_error down;
  memset(&fam, 0, sizeof fam);
  grove_ref parent = spawn_plan(r->g, (hand_plan){.start = start_expendable}, NULL);
  check_ok(grove_get(r->g, grove_ready(r->g, parent), 20000, NULL, 0, NULL));
  check_status(crash(r, fam.who), GROVE_EDEAD);
  until_alive(r, fam.who, 1);
  check_status(crash(r, fam.who), GROVE_EDEAD);
  check_ok(grove_get(r->g, grove_monitor(r->g, fam.who), 20000, &down, sizeof down, NULL));
  assert_int_equal(down.restarts, 1);
  check_contains(down.text, "it fell");
  check_ok(ask_and_get(r->g, parent, job_echo, NULL, NULL, NULL));
}

// ---- meanwhile ---------------------------------------------------------------------------------------------------
static void test_calls_meanwhile_fail_fast(void **state)
{
  struct rig *r = *state;
  grove_error err;
  grove_ref a = spawn_life(r->g, &lives[0],
      (grove_spawn_options){
          .restart = GROVE_TRANSIENT, .backoff_min_ms = 500, .backoff_max_ms = 500});
  check_status(crash(r, a), GROVE_EDEAD);
  (void)grove_sim_run(r->g, 0);
  check_status(ask_and_get(r->g, a, job_echo, NULL, NULL, &err), GROVE_EDEAD);
  check_contains(err.text, "it is being restarted: hand.run: it fell");
  check_ok(tell(r->g, a, job_count, &lives[0].count)); // sends are kept
  (void)grove_sim_advance(r->g, 600);
  assert_int_equal(lives[0].count, 1);
}

static void test_calls_meanwhile_are_queued(void **state)
{
  struct rig *r = *state;
  grove_error err;
  long n = 0;
  grove_spawn_options o = {.restart = GROVE_TRANSIENT,
      .backoff_min_ms = 500,
      .backoff_max_ms = 500,
      .jitter_percent = 1,
      .queue_ms = 700};
  grove_ref a = spawn_life(r->g, &lives[0], o);
  check_status(crash(r, a), GROVE_EDEAD);
  (void)grove_sim_run(r->g, 0);
  check_ok(ask_and_get(r->g, a, job_echo, (void *)6, &n, &err));
  assert_int_equal(n, 6);
  // but not for longer than that
  o.queue_ms = 100;
  a = spawn_life(r->g, &lives[0], o);
  check_status(crash(r, a), GROVE_EDEAD);
  (void)grove_sim_run(r->g, 0);
  int64_t from = grove_now_ns(r->g);
  check_status(ask_and_get(r->g, a, job_count, &lives[0].count, NULL, &err), GROVE_EDEAD);
  check_contains(err.text, "queue_ms");
  assert_true(grove_now_ns(r->g) - from == 100 * INT64_C(1000000));
  (void)grove_sim_advance(r->g, 1000);
  assert_int_equal(lives[0].count, 0);
  // its own deadline is sooner
  a = spawn_life(r->g, &lives[0], o);
  check_status(crash(r, a), GROVE_EDEAD);
  (void)grove_sim_run(r->g, 0);
  grove_future f = grove_call_within(r->g, 20, a, &hand_run_method, &(hand_job){job_echo, NULL});
  check_status(grove_get(r->g, f, GROVE_FOREVER, NULL, 0, &err), GROVE_EEXPIRED);
}

// One that is back in time, but busy with what came before, is not late.
static grove_status job_sleep_long(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user;
  *reply = 1;
  return grove_sleep(self, 5000);
}
static void test_a_queued_call_whose_actor_is_back(void **state)
{
  struct rig *r = *state;
  grove_error err;
  long n = 0;
  grove_spawn_options o = {
      .restart = GROVE_TRANSIENT, .backoff_min_ms = 50, .backoff_max_ms = 50, .queue_ms = 100};
  grove_ref a = spawn_life(r->g, &lives[0], o);
  check_status(crash(r, a), GROVE_EDEAD);
  (void)grove_sim_run(r->g, 0);
  check_ok(tell(r->g, a, job_sleep_long, NULL));
  check_ok_err(ask_and_get(r->g, a, job_echo, (void *)9, &n, &err), &err);
  assert_int_equal(n, 9);
}

static void test_the_mailbox_is_kept_or_dropped(void **state)
{
  struct rig *r = *state;
  for (uint32_t drop = 0; drop < 2; drop++) {
    static pause_point p;
    memset(&p, 0, sizeof p);
    grove_spawn_options o = {.restart = GROVE_TRANSIENT, .backoff_min_ms = 1};
    o.flags = drop ? GROVE_SPAWN_DROP_MAILBOX : 0;
    grove_error err;
    long n;
    grove_ref a = spawn_life(r->g, &lives[0], o);
    grove_future busy = ask(r->g, a, job_pause, &p);
    rig_until(r, &p.begun, 1);
    grove_future f[4] = {ask(r->g, a, job_echo, (void *)1), ask(r->g, a, job_crash, NULL),
        ask(r->g, a, job_echo, (void *)2), ask(r->g, a, job_echo, (void *)3)};
    check_ok(tell(r->g, a, job_count, &lives[0].count));
    pause_end(r->g, &p, 1);
    check_ok(grove_get(r->g, busy, 20000, NULL, 0, NULL));
    check_ok(grove_get(r->g, f[0], 20000, &n, sizeof n, NULL));
    check_status(
        grove_get(r->g, f[1], 20000, NULL, 0, NULL), GROVE_EDEAD); // what killed it is gone
    for (int i = 2; i < 4; i++) {
      check_status(grove_get(r->g, f[i], 20000, NULL, 0, &err), drop ? GROVE_EDEAD : GROVE_OK);
    }
    until_alive(r, a, 1);
    check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
    assert_int_equal(lives[0].count, drop ? 0 : 1);
    assert_int_equal(lives[0].starts, 2);
  }
}

static void test_a_start_that_fails_is_tried_again(void **state)
{
  struct rig *r = *state;
  life *l = &lives[0];
  memset(l, 0, sizeof *l);
  atomic_store(&l->fail_starts, 3);
  grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 1};
  grove_ref a = spawn_plan(r->g, plan_of(l), &o);
  check_ok(grove_get(r->g, grove_ready(r->g, a), 20000, NULL, 0, NULL));
  assert_int_equal(l->starts, 4);
  assert_int_equal(l->destroys, 3); // also after a failed start
  // and in vain
  memset(l, 0, sizeof *l);
  atomic_store(&l->fail_starts, 100);
  grove_error err;
  a = spawn_plan(r->g, plan_of(l), &o);
  check_status(grove_get(r->g, grove_ready(r->g, a), 20000, NULL, 0, &err), GROVE_EIO);
  check_contains(err.text, "hand.start: no disk");
  assert_int_equal(l->starts, 6);
  assert_int_equal(l->destroys, 6);
  assert_int_equal(err.restarts, 5);
}

static void test_grace_survives_a_restart(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  grove_error down;
  grove_ref a = spawn_life(
      r->g, &lives[0], (grove_spawn_options){.restart = GROVE_TRANSIENT, .backoff_min_ms = 1});
  check_ok(tell(r->g, a, job_crash, NULL));
  check_ok(tell(r->g, a, job_pause, &p));
  check_ok(grove_get(r->g, grove_exit(r->g, a, 200), 20000, &down, sizeof down, NULL));
}

// ---- the policy alone --------------------------------------------------------------------------------------------
static void test_policy(void **state)
{
  (void)state;
  grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_TRANSIENT};
  grove__supervise_policy.defaults(&o);
  assert_int_equal(o.max_restarts, 5);
  assert_int_equal(o.window_ms, 60000);
  assert_int_equal(o.backoff_min_ms, 100);
  assert_int_equal(o.backoff_max_ms, 10000);
  assert_int_equal(o.backoff_percent, 200);
  assert_int_equal(o.jitter_percent, 20);
  assert_int_equal(o.stop_ms, 5000);
  assert_int_equal(o.queue_ms, 0);
  // extremes: no overflow, never negative, never more than the most
  o = (grove_spawn_options){GROVE_SPAWN, .max_restarts = UINT32_MAX, .window_ms = UINT32_MAX,
      .backoff_min_ms = UINT32_MAX, .backoff_max_ms = UINT32_MAX, .backoff_percent = UINT32_MAX,
      .jitter_percent = UINT32_MAX};
  int64_t at[64];
  grove__restarts h = {at, 64, 0, 0, 0, 0};
  assert_int_equal(grove__supervise_policy.remembers(&o), 64);
  for (int i = 0; i < 100; i++) {
    grove__verdict v =
        grove__supervise_policy.failed(&o, &h, INT64_MAX / 2 + i, UINT64_MAX - (uint64_t)i);
    assert_true(v.restart);
    assert_in_range(v.delay_ms, 0, UINT32_MAX);
  }
  o.backoff_min_ms = 1000;
  o.backoff_max_ms = 10; // a most below the least
  grove__verdict v = grove__supervise_policy.failed(&o, &h, 0, 0);
  assert_in_range(v.delay_ms, 0, 1000);
  o.max_restarts = 1;
  assert_int_equal(grove__supervise_policy.remembers(&o), 1);
  // no memory for when they were: the limit holds all the same, from the first one on
  h = (grove__restarts){NULL, 0, 0, 0, 0, 0};
  o.max_restarts = 3;
  o.window_ms = 1000;
  for (int64_t i = 0; i < 9; i++) {
    v = grove__supervise_policy.failed(&o, &h, i / 4 * 2000000000 + i % 4, 0);
    assert_int_equal(v.restart, i % 4 < 3);
    assert_int_equal(v.escalate, i % 4 == 3);
  }
}

static const rig_test tests[] = {
    EVERYWHERE(test_restart_keeps_the_address_and_the_argument),
    EVERYWHERE(test_temporary_ones_stay_dead),
    ON(SIM, test_backoff),
    ON(SIM, test_the_window_moves),
    ON(SIM, test_the_limit_holds_in_any_window),
    ON(SIM, test_no_limit),
    EVERYWHERE(test_an_expendable_child),
    EVERYWHERE(test_one_more_and_the_parent_fails),
    ON(SIM, test_calls_meanwhile_fail_fast),
    ON(SIM, test_calls_meanwhile_are_queued),
    ON(SIM, test_a_queued_call_whose_actor_is_back),
    EVERYWHERE(test_the_mailbox_is_kept_or_dropped),
    EVERYWHERE(test_a_start_that_fails_is_tried_again),
    EVERYWHERE(test_grace_survives_a_restart),
    ON(SIM, test_policy),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
