// Names, finding, monitors, being ready; timers and messages put back.
#include "actors.h"

#define other_LIST(S, M) HAND_METHODS(S, M, other)
HANDS(other, .mailbox = 0)

static grove_ref spawn_named(grove *g, const char *name)
{
  return spawn_plan(
      g, (hand_plan){NULL, NULL, NULL, NULL}, &(grove_spawn_options){GROVE_SPAWN, .name = name});
}

static void test_names(void **state)
{
  struct rig *r = *state;
  bool created = false;
  grove_spawn_options o = {GROVE_SPAWN, .name = "anna"};
  hand_plan plan = {NULL, NULL, NULL, NULL};
  check_status(grove_ref_status(grove_find(r->g, "anna")), GROVE_ENOENT);
  grove_ref a = spawn_named(r->g, "anna");
  check_ok(grove_ref_status(a));
  assert_true(grove_ref_equal(grove_find(r->g, "anna"), a));
  check_status(grove_ref_status(spawn_named(r->g, "anna")), GROVE_EEXIST);
  check_status(grove_ref_status(spawn_named(r->g, "")), GROVE_EINVAL);
  created = true;
  assert_true(grove_ref_equal(grove_spawn_or_find(r->g, &hand_class, &plan, &o, &created), a));
  assert_false(created);
  check_status(
      grove_ref_status(grove_spawn_or_find(r->g, &other_class, &plan, &o, NULL)), GROVE_EEXIST);
  check_status(
      grove_ref_status(grove_spawn_or_find(r->g, &hand_class, &plan, NULL, NULL)), GROVE_EINVAL);
  // a spawn that failed by its name carries that to every call
  grove_error err;
  grove_future f = ask(r->g, spawn_named(r->g, "anna"), job_echo, NULL);
  check_status(grove_get(r->g, f, 0, NULL, 0, &err), GROVE_EEXIST);
  // many names, so that the table grows
  char name[32];
  for (int i = 0; i < 500; i++) {
    snprintf(name, sizeof name, "actor %d", i);
    check_ok(grove_ref_status(spawn_named(r->g, name)));
  }
  for (int i = 0; i < 500; i++) {
    snprintf(name, sizeof name, "actor %d", i);
    check_ok(grove_ref_status(grove_find(r->g, name)));
  }
}

// Who was told that it is gone can have the name.
static void test_a_name_is_free_after_down(void **state)
{
  struct rig *r = *state;
  for (int i = 0; i < 300; i++) {
    grove_error down;
    grove_ref a = spawn_named(r->g, "phoenix");
    check_ok(grove_ref_status(a));
    grove_future m = grove_monitor(r->g, a);
    grove_drop(r->g, grove_exit(r->g, a, i % 2 ? 20000 : 0));
    check_ok(grove_get(r->g, m, 20000, &down, sizeof down, NULL));
  }
}

typedef struct racer {
  grove *g;
  rig_threads *threads;
  int created, failed, rounds;
} racer;
static atomic_int answered, starts_of_racers;
static grove_status count_start(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self, (void)s, (void)user, (void)reply;
  atomic_fetch_add(&starts_of_racers, 1);
  return GROVE_OK;
}
static void race(void *user)
{
  racer *x = user;
  hand_plan plan = {.start = count_start};
  for (int i = 0; i < x->rounds; i++) {
    char name[32];
    bool created;
    snprintf(name, sizeof name, "race %d", i);
    grove_ref a = grove_spawn_or_find(
        x->g, &hand_class, &plan, &(grove_spawn_options){GROVE_SPAWN, .name = name}, &created);
    x->created += created;
    x->failed += grove_ref_status(a) != GROVE_OK;
    x->failed +=
        tell(x->g, a, job_count, &answered) != GROVE_OK; // at once: it may be half a day old or new
  }
  atomic_fetch_add(&x->threads->ended, 1);
}
static void test_spawn_or_find_from_many_threads(void **state)
{
  struct rig *r = *state;
  enum { RACERS = 4, ROUNDS = 300 };
  static racer x[RACERS];
  static rig_threads t;
  memset(&t, 0, sizeof t);
  t.n = RACERS;
  atomic_store(&answered, 0);
  atomic_store(&starts_of_racers, 0);
  for (int i = 0; i < RACERS; i++) {
    x[i] = (racer){r->g, &t, 0, 0, ROUNDS};
    assert_int_equal(uv_thread_create(&t.id[i], race, &x[i]), 0);
  }
  rig_join(r, &t);
  int created = 0;
  for (int i = 0; i < RACERS; i++) {
    created += x[i].created;
    assert_int_equal(x[i].failed, 0);
  }
  assert_int_equal(created, ROUNDS);
  rig_until(r, &answered, RACERS * ROUNDS);
  assert_int_equal(starts_of_racers, ROUNDS);
}

// The same with names that die all the time, and with threads of their own.
#define owner_LIST(S, M) HAND_METHODS(S, M, owner)
HANDS(owner, .own_thread = 1)
static void race_with_death(void *user)
{
  racer *x = user;
  hand_plan plan = {NULL, NULL, NULL, NULL};
  for (int i = 0; i < x->rounds; i++) {
    bool created;
    const grove_class *k = i % 8 == 0 ? &owner_class : &hand_class;
    grove_ref a = grove_spawn_or_find(
        x->g, k, &plan, &(grove_spawn_options){GROVE_SPAWN, .name = k->name}, &created);
    x->failed += grove_ref_status(a) != GROVE_OK;
    const grove_method *m = k == &owner_class ? &owner_run_method : &hand_run_method;
    grove_status s = grove_send(x->g, a, m, &(hand_job){job_count, &answered});
    x->failed += s != GROVE_OK && s != GROVE_ENOACTOR;
    if (i % 3 == 0) {
      grove_drop(x->g, grove_exit(x->g, a, 0));
    }
  }
  atomic_fetch_add(&x->threads->ended, 1);
}
static void test_names_that_die_and_are_taken_again(void **state)
{
  struct rig *r = *state;
  enum { RACERS = 3, ROUNDS = 400 };
  static racer x[RACERS];
  static rig_threads t;
  memset(&t, 0, sizeof t);
  t.n = RACERS;
  for (int i = 0; i < RACERS; i++) {
    x[i] = (racer){r->g, &t, 0, 0, ROUNDS};
    assert_int_equal(uv_thread_create(&t.id[i], race_with_death, &x[i]), 0);
  }
  rig_join(r, &t);
  for (int i = 0; i < RACERS; i++) {
    assert_int_equal(x[i].failed, 0);
  }
}

// ---- monitors ------------------------------------------------------------------------------------------------
static void test_monitors_fire_once_each(void **state)
{
  struct rig *r = *state;
  grove_future m[20];
  grove_error down[20];
  grove_ref a = spawn_named(r->g, "mortal");
  for (int i = 0; i < 20; i++) {
    m[i] = grove_monitor(r->g, a);
  }
  check_status(grove_get(r->g, m[0], 5, down, sizeof *down, NULL), GROVE_ETIMEDOUT);
  grove_drop(r->g, m[7]); // one that is not wanted any more
  m[7] = grove_monitor(r->g, a);
  check_status(ask_and_get(r->g, a, job_crash, "of old age", NULL, NULL), GROVE_EDEAD);
  check_ok(grove_get_all(r->g, m, 20, 20000, down, sizeof *down, NULL));
  for (int i = 0; i < 20; i++) {
    check_status(down[i].status, GROVE_EUSER);
    assert_string_equal(down[i].text, "hand.run: of old age");
    assert_string_equal(down[i].method, "hand.run");
    assert_true(grove_ref_equal(down[i].who, a));
  }
  grove_future late = grove_monitor(r->g, a); // of the dead: at once, with the same words
  assert_true(grove_ended(r->g, late));
  check_ok(grove_get(r->g, late, 0, down, sizeof *down, NULL));
  assert_string_equal(down[0].text, "hand.run: of old age");
  late = grove_monitor(r->g, grove_find(r->g, "mortal"));
  check_ok(grove_get(r->g, late, 0, down, sizeof *down, NULL));
  check_status(down[0].status, GROVE_ENOENT);
}

static grove_status start_badly(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  return grove_fail(self, GROVE_ENOENT, "no file");
}
static grove_status start_late(grove *self, hand_state *s, void *user, long *reply)
{
  return job_pause(self, s, user, reply);
}
static void test_ready(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  grove_error err;
  grove_ref a = spawn_plan(r->g, (hand_plan){.start = start_late, .user = &p}, NULL);
  grove_future f = grove_ready(r->g, a);
  rig_until(r, &p.begun, 1);
  check_status(grove_get(r->g, f, 5, NULL, 0, NULL), GROVE_ETIMEDOUT);
  pause_end(r->g, &p, 0);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  f = grove_ready(r->g, a);
  assert_true(grove_ended(r->g, f));
  check_ok(grove_get(r->g, f, 0, NULL, 0, NULL));
  a = spawn_plan(r->g, (hand_plan){.start = start_badly}, NULL);
  check_status(grove_get(r->g, grove_ready(r->g, a), 20000, NULL, 0, &err), GROVE_ENOENT);
  assert_string_equal(err.text, "hand.start: no file");
  // calls to it end with the words of its start
  check_status(ask_and_get(r->g, a, job_echo, NULL, NULL, &err), GROVE_ENOACTOR);
  check_contains(err.text, "hand.start: no file");
}

// ---- timers --------------------------------------------------------------------------------------------------
typedef struct clock_work {
  atomic_int ticks, other;
  int64_t delay, period;
  uint64_t key;
  bool clear;
} clock_work;
static clock_work cw;
static grove_status job_tick(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self, (void)s, (void)reply;
  atomic_fetch_add((atomic_int *)user, 1);
  return GROVE_OK;
}
static grove_status job_set(grove *self, hand_state *s, void *user, long *reply)
{
  clock_work *c = user;
  (void)s, (void)reply;
  if (c->clear) {
    grove_timer_clear(self, c->key);
    return GROVE_OK;
  }
  return hand_run_every(self, c->key, c->delay, c->period, (hand_job){job_tick, &c->ticks});
}
static void set(struct rig *r, grove_ref a, uint64_t key, int64_t delay, int64_t period, bool clear)
{
  cw.key = key;
  cw.delay = delay;
  cw.period = period;
  cw.clear = clear;
  check_ok(ask_and_get(r->g, a, job_set, &cw, NULL, NULL));
}

// Ticks that are due while one waits are counted, and not made up for.
static void test_missed_ticks(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_class_stats stats = {.struct_size = sizeof stats};
  memset(&cw, 0, sizeof cw);
  p = (pause_point){.begun = 0};
  grove_ref a = spawn_hand(r->g);
  set(r, a, 1, 1, 1, false);
  grove_future busy = ask(r->g, a, job_pause, &p);
  rig_until(r, &p.begun, 1);
  int before = cw.ticks;
  do {
    check_ok(grove_sleep(r->g, 5));
    check_ok(grove_class_stats_get(r->g, &hand_class, &stats));
  } while (stats.ticks_missed < 10);
  assert_in_range(cw.ticks, before, before);
  pause_end(r->g, &p, 0);
  check_ok(grove_get(r->g, busy, 20000, NULL, 0, NULL));
  rig_until(r, &cw.ticks, before + 1);
  set(r, a, 1, 0, 0, true);
}

static void test_timers(void **state)
{
  struct rig *r = *state;
  memset(&cw, 0, sizeof cw);
  grove_ref a = spawn_hand(r->g);
  set(r, a, 1, 5, 0, false); // once
  rig_until(r, &cw.ticks, 1);
  check_ok(grove_sleep(r->g, 20));
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  assert_int_equal(cw.ticks, 1);
  set(r, a, 1, 1, 1, false); // periodic
  rig_until(r, &cw.ticks, 5);
  set(r, a, 1, 0, 0, true); // after clear nothing of the old one is handled
  int ticks = cw.ticks;
  check_ok(grove_sleep(r->g, 20));
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  assert_int_equal(cw.ticks, ticks);
  // setting again replaces: one that would tick soon now does so never
  set(r, a, 1, 1, 1, false);
  set(r, a, 1, 1000000, 0, false);
  ticks = cw.ticks;
  check_ok(grove_sleep(r->g, 20));
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  assert_int_equal(cw.ticks, ticks);
  // two keys
  set(r, a, 2, 1, 0, false);
  rig_until(r, &cw.ticks, ticks + 1);
  set(r, a, 99, 0, 0, true); // one that is not there
  check_status(
      grove_timer_set(r->g, 1, 0, 0, &hand_run_method, &(hand_job){job_tick, NULL}), GROVE_EINVAL);
}

// While its actor is busy one tick waits at most; a set or clear in that time takes it away.
static grove_status job_busy_with_timer(grove *self, hand_state *s, void *user, long *reply)
{
  clock_work *c = user;
  (void)s;
  grove_status status = hand_run_every(self, 1, 1, 1, (hand_job){job_tick, &c->ticks});
  int64_t until = grove_now_ns(self) + 30 * 1000000;
  status = status ? status : grove_sleep(self, 30);
  grove_info info = {.struct_size = sizeof info};
  *reply = grove_inspect(self, grove_self(self), &info) ? -1 : (long)info.mailbox_depth;
  if (c->clear) {
    grove_timer_clear(self, 1);
  }
  return grove_now_ns(self) < until ? GROVE_EINTERNAL : status;
}
static void test_one_tick_waits_at_most(void **state)
{
  struct rig *r = *state;
  memset(&cw, 0, sizeof cw);
  long depth = 0;
  cw.clear = true;
  grove_ref a = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, a, job_busy_with_timer, &cw, &depth, NULL));
  assert_int_equal(depth, 1);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  assert_int_equal(cw.ticks, 0); // it was in the mailbox when it was cleared
}

// Very many of one actor: set, set again, cleared and due, each found at once.
enum { MANY = 20000 };
static grove_status job_set_many(grove *self, hand_state *s, void *user, long *reply)
{
  clock_work *c = user;
  grove_status status = GROVE_OK;
  (void)s, (void)reply;
  for (uint64_t i = 0; i < MANY && !status; i++) {
    int64_t delay = i % 4 ? 1 : 1000000; // each fourth is set again below, and each eighth cleared
    status = hand_run_every(self, i * 64, delay, 0, (hand_job){job_tick, &c->other});
  }
  for (uint64_t i = 0; i < MANY && !status; i += 4) {
    status = hand_run_every(self, i * 64, 1, 0, (hand_job){job_tick, &c->ticks});
  }
  for (uint64_t i = 0; i < MANY; i += 8) {
    grove_timer_clear(self, i * 64);
  }
  return status;
}
static void test_many_timers(void **state)
{
  struct rig *r = *state;
  memset(&cw, 0, sizeof cw);
  grove_ref a = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, a, job_set_many, &cw, NULL, NULL));
  rig_until(r, &cw.ticks, MANY / 8);
  rig_until(r, &cw.other, MANY / 4 * 3);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  assert_int_equal(cw.ticks, MANY / 8);
  assert_int_equal(cw.other, MANY / 4 * 3);
  set(r, a, 1, 1000000, 0, false); // and some are still set when it ends
  set(r, a, 2, 1, 1, false);
}

static void test_timers_go_with_a_restart(void **state)
{
  struct rig *r = *state;
  memset(&cw, 0, sizeof cw);
  grove_ref a = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 1});
  set(r, a, 1, 1, 1, false);
  rig_until(r, &cw.ticks, 2);
  check_status(ask_and_get(r->g, a, job_crash, NULL, NULL, NULL), GROVE_EDEAD);
  long n = 0;
  for (int i = 0; i < 10000 && !n; i++) {
    check_ok(grove_sleep(r->g, 1));
    if (ask_and_get(r->g, a, job_echo, (void *)1, &n, NULL)) {
      n = 0;
    }
  }
  assert_int_equal(n, 1);
  int ticks = cw.ticks;
  check_ok(grove_sleep(r->g, 20));
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  assert_int_equal(cw.ticks, ticks);
}

// ---- put back -------------------------------------------------------------------------------------------------
typedef struct digit {
  long n;
  bool *open;
  atomic_int *handled;
  bool waits;
} digit;
static grove_status job_digit(grove *self, hand_state *s, void *user, long *reply)
{
  digit *d = user;
  if (!*d->open) {
    grove_promise p;
    grove_status status = grove_defer(self);
    return grove_promise_take(self, &p) == GROVE_EINVAL
               ? status
               : grove_crash(self, GROVE_EINTERNAL, "both");
  }
  s->number = s->number * 10 + d->n;
  *reply = s->number;
  atomic_fetch_add(d->handled, 1);
  return GROVE_OK;
}
static grove_status job_open(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  *(bool *)user = true;
  grove_undefer(self);
  return GROVE_OK;
}
static grove_status job_defer_late(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  grove_status status = grove_sleep(self, 1);
  return status ? status : grove_defer(self) == GROVE_EINVAL ? GROVE_OK : GROVE_EINTERNAL;
}

static void test_put_back_in_their_order_and_before_newer_ones(void **state)
{
  struct rig *r = *state;
  static bool open;
  static atomic_int handled;
  static digit d[6];
  open = false;
  atomic_store(&handled, 0);
  grove_ref a = spawn_hand(r->g);
  grove_future f[6];
  for (int i = 0; i < 6; i++) {
    d[i] = (digit){i + 1, &open, &handled, false};
  }
  for (int i = 0; i < 3; i++) {
    f[i] = ask(r->g, a, job_digit, &d[i]);
  }
  check_ok(grove_send(r->g, a, &hand_high_method, &(hand_job){job_digit, &d[3]}));
  grove_drop(r->g, f[1]); // one whose caller gives up while it is put back
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  f[4] = ask(r->g, a, job_open, &open);
  f[5] = ask(r->g, a, job_digit, &d[5]);
  long n = 0;
  check_ok(grove_get(r->g, f[5], 20000, &n, sizeof n, NULL));
  assert_int_equal(n, 4136); // the high one first, newer ones last
  check_ok(grove_get(r->g, f[0], 20000, &n, sizeof n, NULL));
  assert_int_equal(n, 41);
  check_ok(ask_and_get(r->g, a, job_defer_late, NULL, NULL, NULL));
  check_status(grove_defer(r->g), GROVE_EINVAL);
  // what is still put back when it ends is refused
  open = false;
  f[0] = ask(r->g, a, job_digit, &d[0]);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  check_ok(grove_get(r->g, grove_exit(r->g, a, 20000), 20000, NULL, 0, NULL));
  check_status(grove_get(r->g, f[0], 20000, NULL, 0, NULL), GROVE_EDEAD);
}

static const rig_test tests[] = {
    EVERYWHERE(test_names),
    EVERYWHERE(test_a_name_is_free_after_down),
    THREADED(test_spawn_or_find_from_many_threads),
    THREADED(test_names_that_die_and_are_taken_again),
    EVERYWHERE(test_monitors_fire_once_each),
    EVERYWHERE(test_ready),
    EVERYWHERE(test_timers),
    EVERYWHERE(test_missed_ticks),
    EVERYWHERE(test_one_tick_waits_at_most),
    ON(WORKERS | LOOP | SIM | ONE_SEED, test_many_timers),
    EVERYWHERE(test_timers_go_with_a_restart),
    EVERYWHERE(test_put_back_in_their_order_and_before_newer_ones),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
