// Waiting inside of methods: that the worker goes on, who comes next, where it resumes, how deep it goes.
#include "actors.h"

static long get_long(struct rig *r, grove_future f)
{
  long n = -1;
  grove_error err;
  check_ok_err(grove_get(r->g, f, 60000, &n, sizeof n, &err), &err);
  return n;
}

// ---- yield, sleep ---------------------------------------------------------------------------------------------
typedef struct taking_turns {
  atomic_int turns, other, most_alone;
  atomic_bool stop;
} taking_turns;
// Yields for as long as the other has not come ten times.
static grove_status job_yield_for_the_other(grove *self, hand_state *s, void *user, long *reply)
{
  taking_turns *t = user;
  (void)s, (void)reply;
  int seen = 0, alone = 0;
  while (atomic_load(&t->other) < 10) {
    alone = seen == atomic_load(&t->other) ? alone + 1 : 0;
    seen = atomic_load(&t->other);
    if (alone > atomic_load(&t->most_alone)) {
      atomic_store(&t->most_alone, alone);
    }
    grove_status status = grove_yield(self);
    if (status) {
      return status;
    }
  }
  return GROVE_OK;
}
static grove_status job_ten_messages(grove *self, hand_state *s, void *user, long *reply)
{
  taking_turns *t = user;
  (void)s, (void)reply;
  if (atomic_fetch_add(&t->other, 1) < 9) {
    return tell(self, grove_self(self), job_ten_messages, user);
  }
  return GROVE_OK;
}

static void test_yield_lets_others_run(void **state)
{
  struct rig *r = *state;
  taking_turns t = {.turns = 0};
  rig_restart(r, &(grove_options){.workers = 1, .turn_warn_ms = 100000});
  grove_future f = ask(r->g, spawn_hand(r->g), job_yield_for_the_other, &t);
  check_ok(tell(r->g, spawn_hand(r->g), job_ten_messages, &t));
  check_ok(grove_get(r->g, f, 60000, NULL, 0, NULL));
  assert_int_equal(t.other, 10);
}

typedef struct sleeper {
  atomic_int begun, woke;
  _Atomic grove_status status;
  int64_t ms;
} sleeper;
static grove_status job_sleep(grove *self, hand_state *s, void *user, long *reply)
{
  sleeper *x = user;
  (void)s;
  atomic_fetch_add(&x->begun, 1);
  int64_t from = grove_now_ns(self);
  x->status = grove_sleep(self, x->ms);
  *reply = (long)((grove_now_ns(self) - from) / 1000);
  atomic_fetch_add(&x->woke, 1);
  return x->status;
}
static void test_sleep(void **state)
{
  struct rig *r = *state;
  sleeper x = {.ms = 30}, forever = {.ms = GROVE_FOREVER};
  grove_ref h = spawn_hand(r->g), h2 = spawn_hand(r->g);
  long us = get_long(r, ask(r->g, h, job_sleep, &x));
  assert_true(us >= 30000);
  if (r->kind == ON_SIMULATION) {
    assert_int_equal(us, 30000);
  }
  grove_future f = ask(r->g, h, job_sleep, &forever);
  rig_until(r, &forever.begun, 1);
  grove_cancel(r->g, f);
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_ECANCELED);
  f = ask(r->g, h2, job_sleep, &forever);
  rig_until(r, &forever.begun, 2);
  check_ok(grove_get(r->g, grove_exit(r->g, h2, 0), 20000, NULL, 0, NULL));
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EDEAD);
  check_ok(grove_sleep(r->g, 0));
}

// ---- concurrency ----------------------------------------------------------------------------------------------
#define many_LIST(S, M) HAND_METHODS(S, M, many)
HANDS(many, .concurrency = 4)
#define wanders_LIST(S, M) HAND_METHODS(S, M, wanders)
HANDS(wanders, .migratable = 1)
#define migrants_LIST(S, M) HAND_METHODS(S, M, migrants)
HANDS(migrants, .concurrency = 8, .migratable = 1)

typedef struct meeting {
  grove_ref clock;
  atomic_int inside, most, parallel, done;
  atomic_int running;
} meeting;
// What runs between two waits is never run by two at once.
static void work_alone(meeting *m)
{
  if (atomic_fetch_add(&m->running, 1) != 0) {
    atomic_fetch_add(&m->parallel, 1);
  }
  for (volatile int i = 0; i < 2000; i++) {}
  atomic_fetch_sub(&m->running, 1);
}
static grove_status job_meet(grove *self, hand_state *s, void *user, long *reply)
{
  meeting *m = user;
  (void)s;
  int n = atomic_fetch_add(&m->inside, 1) + 1;
  if (n > atomic_load(&m->most)) {
    atomic_store(&m->most, n);
  }
  work_alone(m);
  for (int i = 0; i < 5; i++) {
    long x;
    grove_status status =
        i % 2 ? grove_sleep(self, 1) : ask_and_get(self, m->clock, job_echo, NULL, &x, NULL);
    if (status) {
      return status;
    }
    work_alone(m);
  }
  atomic_fetch_sub(&m->inside, 1);
  *reply = atomic_fetch_add(&m->done, 1) + 1;
  return GROVE_OK;
}

static void check_concurrency(
    struct rig *r, const grove_class *c, const grove_method *run, int most)
{
  static meeting m;
  memset(&m, 0, sizeof m);
  m.clock = spawn_hand(r->g);
  grove_ref a = spawn_of(r->g, c);
  grove_future f[40];
  for (int i = 0; i < 40; i++) {
    f[i] = ask_of(r->g, a, run, job_meet, &m);
  }
  check_ok(grove_get_all(r->g, f, 40, 60000, NULL, 0, NULL));
  assert_int_equal(m.parallel, 0);
  assert_int_equal(m.done, 40);
  assert_in_range(m.most, most > 1 ? 2 : 1, most);
}
static void test_concurrency_interleaves_and_is_never_parallel(void **state)
{
  check_concurrency(*state, &many_class, &many_run_method, 4);
  check_concurrency(*state, &hand_class, &hand_run_method, 1);
  check_concurrency(*state, &migrants_class, &migrants_run_method, 8);
}

// Two can go on at once, and none is free; the first waits again, for what the second one does: that has its turn, too.
#define both_LIST(S, M) HAND_METHODS(S, M, both)
HANDS(both, .concurrency = 2)
static struct {
  pause_point pause[2];
  grove_promise promise;
} both_wait;
static grove_status job_wait_for_other(grove *self, hand_state *s, void *user, long *reply)
{
  grove_future f;
  grove_status status = grove_promise_create(self, long_type, &both_wait.promise, &f);
  status = status ? status : job_pause(self, s, user, reply);
  return status ? status : grove_get(self, f, GROVE_FOREVER, reply, sizeof *reply, NULL);
}
static grove_status job_be_waited_for(grove *self, hand_state *s, void *user, long *reply)
{
  grove_status status = job_pause(self, s, user, reply);
  return status ? status : grove_promise_answer(self, both_wait.promise, GROVE_OK, &(long){5}, sizeof(long));
}

static void test_all_that_can_go_on_do_so(void **state)
{
  struct rig *r = *state;
  static hand_fn *const jobs[] = {job_wait_for_other, job_be_waited_for};
  grove_future f[2];
  long got[2];
  grove_ref who = spawn_of(r->g, &both_class);
  memset(&both_wait, 0, sizeof both_wait);
  for (int i = 0; i < 2; i++) {
    f[i] = ask_of(r->g, who, &both_run_method, jobs[i], &both_wait.pause[i]);
    rig_until(r, &both_wait.pause[i].begun, 1);
  }
  for (int i = 0; i < 2; i++) {
    pause_end(r->g, &both_wait.pause[i], 1);
  }
  check_ok(grove_get_all(r->g, f, 2, 20000, got, sizeof *got, NULL));
  assert_int_equal(got[0], 5);
}

// Both ask their own actor, each for itself: each waits for both, and none is free.
static grove_status job_ask_itself(grove *self, hand_state *s, void *user, long *reply)
{
  grove_status status = job_pause(self, s, user, reply);
  grove_future f = ask_of(self, grove_self(self), &both_run_method, job_echo, (void *)3);
  status = status ? status : grove_get(self, f, GROVE_FOREVER, reply, sizeof *reply, NULL);
  return status == GROVE_EDEADLK ? GROVE_OK : status; // the victim gives way
}

static void test_activations_that_wait_for_each_other(void **state)
{
  struct rig *r = *state;
  grove_future f[2];
  long got[2];
  grove_ref who = spawn_of(r->g, &both_class);
  memset(&both_wait, 0, sizeof both_wait);
  for (int i = 0; i < 2; i++) {
    f[i] = ask_of(r->g, who, &both_run_method, job_ask_itself, &both_wait.pause[i]);
    rig_until(r, &both_wait.pause[i].begun, 1);
  }
  for (int i = 0; i < 2; i++) {
    pause_end(r->g, &both_wait.pause[i], 1);
  }
  check_ok(grove_get_all(r->g, f, 2, 20000, got, sizeof *got, NULL));
  assert_true(got[0] == 3 || got[1] == 3); // one gave way, and the other was answered
}

// ---- where it resumes -----------------------------------------------------------------------------------------
typedef struct places {
  grove_ref other;
  atomic_int here, moved;
} places;
static grove_status job_where(grove *self, hand_state *s, void *user, long *reply)
{
  places *p = user;
  (void)s, (void)reply;
  for (int i = 0; i < 50; i++) {
    uv_thread_t before = uv_thread_self();
    long x;
    grove_status status =
        i % 2 ? grove_sleep(self, 1) : ask_and_get(self, p->other, job_echo, NULL, &x, NULL);
    if (status) {
      return status;
    }
    uv_thread_t after = uv_thread_self();
    atomic_fetch_add(uv_thread_equal(&before, &after) ? &p->here : &p->moved, 1);
  }
  return GROVE_OK;
}
static grove_status job_spin(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self, (void)s, (void)reply;
  for (volatile long i = 0; i < (long)(intptr_t)user; i++) {}
  return GROVE_OK;
}

static void test_the_same_worker_or_any(void **state)
{
  struct rig *r = *state;
  places stays = {.other = spawn_hand(r->g)}, moves = {.other = spawn_hand(r->g)};
  grove_future f[8];
  for (int i = 0; i < 4; i++) {
    f[2 * i] = ask(r->g, spawn_hand(r->g), job_where, &stays);
    f[2 * i + 1] =
        ask_of(r->g, spawn_of(r->g, &wanders_class), &wanders_run_method, job_where, &moves);
  }
  for (int i = 0; i < 100; i++) { // makes the workers take what they find
    check_ok(tell(r->g, spawn_hand(r->g), job_spin, (void *)20000));
  }
  check_ok(grove_get_all(r->g, f, 8, 60000, NULL, 0, NULL));
  assert_int_equal(stays.moved, 0);
  assert_int_equal(stays.here, 200);
  assert_int_equal(moves.here + moves.moved, 200);
}

// Held to one worker by a method that does not return, a wanderer resumes on the other.
static void test_a_migratable_one_leaves_a_busy_worker(void **state)
{
  struct rig *r = *state;
  if (r->used.workers < 2) {
    skip();
  }
  hold h;
  static pause_point p;
  memset(&p, 0, sizeof p);
  hold_init(&h);
  grove_future wanderer =
      ask_of(r->g, spawn_of(r->g, &wanders_class), &wanders_run_method, job_pause, &p);
  rig_until(r, &p.begun, 1);
  grove_future busy = ask(r->g, spawn_hand(r->g), job_hold, &h);
  rig_until(r, &h.begun, 1);
  pause_end(r->g, &p, 6); // one worker is left for it
  assert_int_equal(get_long(r, wanderer), 6);
  hold_let_go(&h);
  assert_int_equal(get_long(r, busy), 1);
  uv_sem_destroy(&h.sem);
}

// ---- depth --------------------------------------------------------------------------------------------------------
enum { DEEP = 1000 };
typedef struct well {
  grove_ref who[DEEP];
  pause_point bottom;
  bool timers;
  atomic_int waiting;
} well;
typedef struct well_step {
  well *w;
  int depth;
} well_step;
static well_step steps[DEEP];

// Asks the next, which asks the next …; at the bottom it is counted.
static grove_status job_down(grove *self, hand_state *s, void *user, long *reply)
{
  well_step *x = user;
  long below = 0;
  if (x->depth == DEEP - 1) {
    *reply = 1;
    return x->w->timers ? grove_sleep(self, 5) : GROVE_OK;
  }
  if (x->w->timers) {
    grove_status status = grove_sleep(self, 1);
    if (status) {
      return status;
    }
  }
  (void)s;
  grove_future f = ask(self, x->w->who[x->depth + 1], job_down, &steps[x->depth + 1]);
  grove_status status =
      grove_get(self, f, x->w->timers ? 600000 : GROVE_FOREVER, &below, sizeof below, NULL);
  *reply = below + 1;
  return status;
}

static void go_down(struct rig *r, bool timers)
{
  static well w;
  memset(&w, 0, sizeof w);
  rig_restart(r, &(grove_options){.workers = 1, .turn_warn_ms = 100000});
  w.timers = timers;
  for (int i = 0; i < DEEP; i++) {
    w.who[i] = spawn_hand(r->g);
    steps[i] = (well_step){&w, i};
  }
  assert_int_equal(get_long(r, ask(r->g, w.who[0], job_down, &steps[0])), DEEP);
}
static void test_a_thousand_deep_through_idle_actors(void **state)
{
  go_down(*state, false);
}
static void test_a_thousand_deep_through_timers(void **state)
{
  go_down(*state, true);
}

// A thousand that wait for one, which is busy elsewhere.
typedef struct crowd {
  grove_ref one;
  atomic_int waiting;
} crowd;
static grove_status job_wait_for_one(grove *self, hand_state *s, void *user, long *reply)
{
  crowd *c = user;
  (void)s;
  grove_future f = ask(self, c->one, job_echo, (void *)1);
  atomic_fetch_add(&c->waiting, 1);
  return grove_get(self, f, GROVE_FOREVER, reply, sizeof *reply, NULL);
}
static void test_a_thousand_wait_for_one_that_is_busy(void **state)
{
  struct rig *r = *state;
  static grove_future f[DEEP];
  static long n[DEEP];
  static pause_point p;
  static hold h;
  static crowd c;
  memset(&c, 0, sizeof c);
  c.one = spawn_hand(r->g);
  memset(&p, 0, sizeof p);
  // on workers it is busy without grove's knowing; elsewhere it waits for somebody
  bool holds = r->kind == ON_WORKERS;
  hold_init(&h);
  grove_future busy = ask(r->g, c.one, holds ? job_hold : job_pause, holds ? (void *)&h : &p);
  rig_until(r, holds ? &h.begun : &p.begun, 1);
  for (int i = 0; i < DEEP; i++) {
    f[i] = ask(r->g, spawn_hand(r->g), job_wait_for_one, &c);
  }
  rig_until(r, &c.waiting, DEEP);
  grove_stats stats = {.struct_size = sizeof stats};
  for (int i = 0; i < 20000; i++) { // they have called, and are about to wait
    check_ok(grove_stats_get(r->g, &stats));
    if (stats.suspended >= DEEP) {
      break;
    }
    check_ok(grove_sleep(r->g, 1));
  }
  assert_in_range(stats.suspended, DEEP, DEEP + 1);
  if (holds) {
    hold_let_go(&h);
  } else {
    pause_end(r->g, &p, 1);
  }
  check_ok(grove_get_all(r->g, f, DEEP, 60000, n, sizeof *n, NULL));
  for (int i = 0; i < DEEP; i++) {
    assert_int_equal(n[i], 1);
  }
  assert_int_equal(get_long(r, busy), 1);
  uv_sem_destroy(&h.sem);
}

static void test_too_many_suspended_is_a_limit_by_name(void **state)
{
  struct rig *r = *state;
  static pause_point p[20];
  grove_future f[20];
  grove_error err;
  rig_restart(r, &(grove_options){.workers = 1, .max_suspended = 8});
  memset(p, 0, sizeof p);
  for (int i = 0; i < 20; i++) {
    f[i] = ask(r->g, spawn_hand(r->g), job_pause, &p[i]);
  }
  int limited = 0, waits = 0;
  for (int i = 0; i < 20; i++) {
    rig_until(r, &p[i].begun, 1);
    grove_status s = grove_get(r->g, f[i], 20, NULL, 0, &err);
    waits += s == GROVE_ETIMEDOUT;
    if (s == GROVE_ELIMIT) {
      check_contains(err.text, "max_suspended (8)");
      limited++;
    }
  }
  assert_int_equal(limited + waits, 20);
  assert_in_range(waits, 8, 10);
  for (int i = 0; i < 20; i++) {
    if (!p[i].ended) {
      pause_end(r->g, &p[i], 1);
    }
  }
}

static const rig_test tests[] = {
    EVERYWHERE(test_yield_lets_others_run),
    EVERYWHERE(test_sleep),
    EVERYWHERE(test_concurrency_interleaves_and_is_never_parallel),
    EVERYWHERE(test_all_that_can_go_on_do_so),
    EVERYWHERE(test_activations_that_wait_for_each_other),
    EVERYWHERE(test_the_same_worker_or_any),
    THREADED(test_a_migratable_one_leaves_a_busy_worker),
    EVERYWHERE(test_a_thousand_deep_through_idle_actors),
    EVERYWHERE(test_a_thousand_deep_through_timers),
    EVERYWHERE(test_a_thousand_wait_for_one_that_is_busy),
    EVERYWHERE(test_too_many_suspended_is_a_limit_by_name),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
