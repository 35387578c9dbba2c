// Futures: waiting in all its forms, spending, cancel, keep, then, whose they are.
#include "actors.h"
#include <poll.h>

static long get_long(struct rig *r, grove_future f)
{
  long n = -1;
  check_ok(grove_get(r->g, f, 20000, &n, sizeof n, NULL));
  return n;
}

// A gate that a test opens for one of several calls.
typedef struct five {
  pause_point p[5];
  grove_ref who[5];
  grove_future f[5];
} five;

static void start_five(struct rig *r, five *x)
{
  memset(x, 0, sizeof *x);
  for (int i = 0; i < 5; i++) {
    x->who[i] = spawn_hand(r->g);
    x->f[i] = ask(r->g, x->who[i], job_pause, &x->p[i]);
  }
  for (int i = 0; i < 5; i++) {
    rig_until(r, &x->p[i].begun, 1);
  }
}

static void test_get_times_out_and_stays(void **state)
{
  struct rig *r = *state;
  static five x;
  grove_error err;
  long n = 5;
  start_five(r, &x);
  check_status(grove_get(r->g, x.f[0], 0, &n, sizeof n, &err), GROVE_ETIMEDOUT);
  assert_int_equal(n, 0);
  check_status(grove_get(r->g, x.f[0], 5, &n, sizeof n, &err), GROVE_ETIMEDOUT);
  check_contains(err.text, "no answer within 5 ms");
  check_contains(err.text, "run of hand is running");
  grove_future queued = ask(r->g, x.who[0], job_echo, (void *)8);
  check_status(grove_get(r->g, queued, 5, &n, sizeof n, &err), GROVE_ETIMEDOUT);
  check_contains(err.text, "queued (1 in its mailbox)");
  assert_false(grove_ended(r->g, x.f[0]));
  pause_end(r->g, &x.p[0], 70);
  assert_int_equal(get_long(r, x.f[0]), 70);
  assert_int_equal(get_long(r, queued), 8);
  assert_true(grove_ended(r->g, x.f[0]));
  check_status(grove_get(r->g, x.f[0], 5, &n, sizeof n, &err), GROVE_ESPENT);
  assert_int_equal(n, 0);
  grove_ref later = spawn_hand(r->g);
  grove_future taken = ask(r->g, later, job_take, NULL);
  check_status(grove_get(r->g, taken, 50, &n, sizeof n, &err), GROVE_ETIMEDOUT);
  check_contains(err.text, "to be answered later");
  for (int i = 1; i < 5; i++) {
    pause_end(r->g, &x.p[i], i);
  }
}

static void test_get_all(void **state)
{
  struct rig *r = *state;
  static five x;
  long n[5];
  grove_error err;
  start_five(r, &x);
  pause_end(r->g, &x.p[3], 3);
  check_status(grove_get_all(r->g, x.f, 5, 5, n, sizeof *n, &err), GROVE_ETIMEDOUT);
  for (int i = 0; i < 5; i++) {
    if (i != 3) {
      pause_end(r->g, &x.p[i], i);
    }
  }
  memset(n, 7, sizeof n);
  check_ok(grove_get_all(r->g, x.f, 5, 20000, n, sizeof *n, &err)); // none was spent before
  for (int i = 0; i < 5; i++) {
    assert_int_equal(n[i], i);
    check_status(grove_get(r->g, x.f[i], 0, NULL, 0, NULL), GROVE_ESPENT);
  }
  check_ok(grove_get_all(r->g, NULL, 0, 0, NULL, 0, &err));
}

static grove_status job_fail(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  return grove_fail(self, GROVE_EUSER - (int)(intptr_t)user, "failed %d", (int)(intptr_t)user);
}

static void test_get_all_gives_the_first_failure(void **state)
{
  struct rig *r = *state;
  grove_ref h = spawn_hand(r->g);
  grove_error err;
  long n[4] = {9, 9, 9, 9};
  grove_future f[4] = {ask(r->g, h, job_echo, (void *)1), ask(r->g, h, job_fail, (void *)2),
      ask(r->g, h, job_echo, (void *)3), ask(r->g, h, job_fail, (void *)4)};
  check_status(grove_get_all(r->g, f, 4, 20000, n, sizeof *n, &err), GROVE_EUSER - 2);
  assert_int_equal(err.at, 1);
  check_contains(err.text, "hand.run: failed 2");
  assert_int_equal(n[0], 1);
  assert_int_equal(n[1], 0);
  assert_int_equal(n[2], 3);
  assert_int_equal(n[3], 0);
}

static void test_wait_for_k_of_n(void **state)
{
  struct rig *r = *state;
  static five x;
  start_five(r, &x);
  check_status(grove_wait(r->g, x.f, 5, 1, 5), GROVE_ETIMEDOUT);
  check_ok(grove_wait(r->g, x.f, 5, 0, 0));
  pause_end(r->g, &x.p[4], 4);
  check_ok(grove_wait(r->g, x.f, 5, 1, 20000));
  assert_true(grove_ended(r->g, x.f[4]));
  assert_int_equal(get_long(r, x.f[4]), 4);
  check_ok(grove_wait(r->g, x.f, 5, 1, 0)); // a spent one counts
  check_status(grove_wait(r->g, x.f, 5, 2, 0), GROVE_ETIMEDOUT);
  pause_end(r->g, &x.p[0], 0);
  pause_end(r->g, &x.p[2], 2);
  check_ok(grove_wait(r->g, x.f, 5, 3, 20000));
  check_status(grove_wait(r->g, x.f, 5, 6, 0), GROVE_EINVAL);
  check_status(grove_wait(r->g, NULL, 5, 1, 0), GROVE_EINVAL);
  assert_int_equal(get_long(r, x.f[2]), 2);
  pause_end(r->g, &x.p[1], 1);
  pause_end(r->g, &x.p[3], 3);
  check_ok(grove_wait(r->g, x.f, 5, 5, 20000));
}

// Many more than fit into the frame of a wait.
static void test_wait_for_a_thousand(void **state)
{
  struct rig *r = *state;
  static grove_future f[1000];
  static long n[1000];
  grove_ref h[7];
  for (int i = 0; i < 7; i++) {
    h[i] = spawn_hand(r->g);
  }
  for (int i = 0; i < 1000; i++) {
    f[i] = ask(r->g, h[i % 7], job_echo, (void *)(intptr_t)i);
  }
  check_ok(grove_wait(r->g, f, 1000, 500, 20000));
  check_ok(grove_get_all(r->g, f, 1000, 20000, n, sizeof *n, NULL));
  for (int i = 0; i < 1000; i++) {
    assert_int_equal(n[i], i);
  }
}

static void test_next_gives_each_once_in_the_order_of_ending(void **state)
{
  struct rig *r = *state;
  static five x;
  size_t i = 99;
  static const int order[] = {3, 0, 4, 1, 2};
  start_five(r, &x);
  check_status(grove_next(r->g, x.f, 5, 5, &i), GROVE_ETIMEDOUT);
  assert_int_equal(i, 99);
  for (int k = 0; k < 2; k++) { // two end before they are asked for
    pause_end(r->g, &x.p[order[k]], order[k]);
    check_ok(grove_wait(r->g, &x.f[order[k]], 1, 1, 20000));
  }
  for (int k = 0; k < 5; k++) {
    if (k >= 2) {
      pause_end(r->g, &x.p[order[k]], order[k]);
    }
    check_ok(grove_next(r->g, x.f, 5, 20000, &i));
    assert_int_equal(i, order[k]);
    assert_int_equal(get_long(r, x.f[i]), order[k]); // a mark is no harm to a get
  }
  check_ok(grove_next(r->g, x.f, 5, 0, &i));
  assert_int_equal(i, 5);
}

static void test_drop_and_cancel(void **state)
{
  struct rig *r = *state;
  static five x;
  atomic_int count = 0;
  grove_error err;
  start_five(r, &x);
  // queued: ends at once, and is never begun
  grove_future queued = ask(r->g, x.who[0], job_count, &count);
  grove_cancel(r->g, queued);
  assert_true(grove_ended(r->g, queued));
  check_status(grove_get(r->g, queued, 0, NULL, 0, &err), GROVE_ECANCELED);
  assert_int_equal(err.at, -1);
  grove_drop(r->g, ask(r->g, x.who[0], job_count, &count));
  // running: its wait ends, and then the future
  grove_cancel(r->g, x.f[1]);
  check_status(grove_get(r->g, x.f[1], 20000, NULL, 0, &err), GROVE_ECANCELED);
  assert_int_equal(x.p[1].ended, 1);
  grove_drop(r->g, x.f[2]);
  rig_until(r, &x.p[2].ended, 1);
  grove_drop(r->g, x.f[2]); // spent: nothing
  grove_cancel(r->g, x.f[2]);
  check_status(grove_get(r->g, x.f[2], 0, NULL, 0, NULL), GROVE_ESPENT);
  pause_end(r->g, &x.p[0], 0);
  assert_int_equal(get_long(r, x.f[0]), 0);
  assert_int_equal(get_long(r, ask(r->g, x.who[0], job_count, &count)), 1);
  // a canceled one that ends well all the same
  grove_future f = grove_call(r->g, x.who[0], &hand_finish_method, &(hand_job){job_pause, &x.p[0]});
  rig_until(r, &x.p[0].begun, 2);
  grove_cancel(r->g, f);
  check_status(grove_get(r->g, f, 10, NULL, 0, NULL), GROVE_ETIMEDOUT);
  pause_end(r->g, &x.p[0], 44);
  assert_int_equal(get_long(r, f), 44);
  for (int i = 3; i < 5; i++) {
    pause_end(r->g, &x.p[i], i);
  }
}

typedef struct yielder {
  atomic_int begun, sees;
} yielder;
static grove_status job_yield_until(grove *self, hand_state *s, void *user, long *reply)
{
  yielder *y = user;
  (void)s, (void)reply;
  atomic_fetch_add(&y->begun, 1);
  grove_status status;
  while (!(status = grove_yield(self))) {
    grove_status slept = grove_sleep(self, 0);
    if (slept) {
      status = slept;
      break;
    }
  }
  atomic_fetch_add(&y->sees, 1);
  return status;
}

static void test_a_running_one_sees_cancel_at_a_yield(void **state)
{
  struct rig *r = *state;
  yielder y = {0, 0};
  grove_ref h = spawn_hand(r->g);
  grove_future f = ask(r->g, h, job_yield_until, &y);
  while (r->kind == ON_SIMULATION && y.begun == 0) { // it is always runnable: time would never move
    assert_true(grove_sim_step(r->g));
  }
  rig_until(r, &y.begun, 1);
  grove_cancel(r->g, f);
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_ECANCELED);
  assert_int_equal(y.sees, 1);
}

// ---- keep, foreign futures ---------------------------------------------------------------------------------
typedef struct keeper {
  grove_ref other;
  pause_point p;
  grove_future f;
} keeper;
static grove_status job_make(grove *self, hand_state *s, void *user, long *reply)
{
  keeper *k = user;
  (void)reply;
  s->future = ask(self, k->other, job_pause, &k->p);
  k->f = s->future;
  grove_keep(self, s->future);
  return GROVE_OK;
}
static grove_status job_make_and_leave(grove *self, hand_state *s, void *user, long *reply)
{
  keeper *k = user;
  (void)reply;
  s->future = k->f = ask(self, k->other, job_pause, &k->p);
  return grove_wait(self, &k->f, 1, 1, 20) == GROVE_ETIMEDOUT ? GROVE_OK : GROVE_EINTERNAL;
}
static grove_status job_get(grove *self, hand_state *s, void *user, long *reply)
{
  (void)user;
  return grove_get(self, s->future, GROVE_FOREVER, reply, sizeof *reply, NULL);
}
static grove_status job_get_foreign(grove *self, hand_state *s, void *user, long *reply)
{
  keeper *k = user;
  size_t i;
  (void)s;
  grove_future f = k->f;
  if (grove_get(self, k->f, 0, reply, sizeof *reply, NULL) != GROVE_EINVAL ||
      grove_wait(self, &k->f, 1, 1, 0) != GROVE_EINVAL ||
      grove_get_all(self, &k->f, 1, 0, reply, sizeof *reply, NULL) != GROVE_EINVAL ||
      grove_next(self, &f, 1, 0, &i) != GROVE_EINVAL ||
      grove_then(self, k->f, (grove_then_fn *)(uintptr_t)1, NULL) != GROVE_EINVAL) {
    return GROVE_EINTERNAL;
  }
  grove_drop(self, k->f);
  grove_cancel(self, k->f);
  grove_keep(self, k->f);
  return GROVE_OK;
}

static void test_keep(void **state)
{
  struct rig *r = *state;
  static keeper k;
  memset(&k, 0, sizeof k);
  k.other = spawn_hand(r->g);
  grove_ref h = spawn_hand(r->g), stranger = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, h, job_make, &k, NULL, NULL));
  rig_until(r, &k.p.begun, 1);
  check_ok(ask_and_get(r->g, stranger, job_get_foreign, &k, NULL, NULL));
  check_status(grove_get(r->g, k.f, 0, NULL, 0, NULL), GROVE_EINVAL);
  assert_int_equal(k.p.ended, 0); // nothing of that did anything
  pause_end(r->g, &k.p, 12);
  long n;
  check_ok(ask_and_get(r->g, h, job_get, NULL, &n, NULL));
  assert_int_equal(n, 12);
  check_status(ask_and_get(r->g, h, job_get, NULL, &n, NULL), GROVE_ESPENT);
  // one that has ended
  check_ok(ask_and_get(r->g, h, job_make, &k, NULL, NULL));
  rig_until(r, &k.p.begun, 2);
  pause_end(r->g, &k.p, 13);
  rig_until(r, &k.p.ended, 2);
  check_ok(ask_and_get(r->g, stranger, job_get_foreign, &k, NULL, NULL));
  // what is not kept is dropped, hence cancelled, when its method returns
  check_ok(ask_and_get(r->g, h, job_make_and_leave, &k, NULL, NULL));
  rig_until(r, &k.p.ended, 3);
  check_status(ask_and_get(r->g, h, job_get, NULL, &n, NULL), GROVE_ESPENT);
  // and what is kept, when its actor's life ends
  check_ok(ask_and_get(r->g, h, job_make, &k, NULL, NULL));
  rig_until(r, &k.p.begun, 4);
  check_ok(grove_get(r->g, grove_exit(r->g, h, 0), 20000, NULL, 0, NULL));
  rig_until(r, &k.p.ended, 4);
}

// ---- then ------------------------------------------------------------------------------------------------------
typedef struct thens {
  grove_ref other;
  pause_point p;
  atomic_int ran, wrong;
  bool crash;
} thens;
static grove_status then_in_actor(grove *g, void *user, grove_future f)
{
  thens *t = user;
  long n = 0, m = 0;
  grove_status s = grove_get(g, f, 0, &n, sizeof n, NULL);
  atomic_fetch_add(&t->wrong, s != GROVE_OK || n != 21);
  // it is a turn: it may wait
  s = ask_and_get(g, t->other, job_echo, (void *)5, &m, NULL);
  atomic_fetch_add(&t->wrong, s != GROVE_OK || m != 5);
  atomic_fetch_add(&t->ran, 1);
  return t->crash ? grove_crash(g, GROVE_EUSER, "in then") : GROVE_OK;
}
static grove_status job_then(grove *self, hand_state *s, void *user, long *reply)
{
  thens *t = user;
  (void)s;
  grove_future f = ask(self, t->other, job_pause, &t->p);
  grove_status status = grove_then(self, f, then_in_actor, t);
  *reply = grove_get(self, f, 0, NULL, 0, NULL) == GROVE_ESPENT;
  return status;
}

static void test_then_in_an_actor(void **state)
{
  struct rig *r = *state;
  static thens t;
  memset(&t, 0, sizeof t);
  t.other = spawn_hand(r->g);
  long n;
  grove_ref h = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, h, job_then, &t, &n, NULL));
  assert_int_equal(n, 1); // taken over
  rig_until(r, &t.p.begun, 1);
  assert_int_equal(t.ran, 0);
  pause_end(r->g, &t.p, 21);
  rig_until(r, &t.ran, 1);
  assert_int_equal(t.wrong, 0);
  // an actor that ends first: it does not run, and its call is cancelled
  check_ok(ask_and_get(r->g, h, job_then, &t, &n, NULL));
  rig_until(r, &t.p.begun, 2);
  check_ok(grove_get(r->g, grove_exit(r->g, h, 20000), 20000, NULL, 0, NULL));
  rig_until(r, &t.p.ended, 2);
  assert_int_equal(t.ran, 1);
  // a crash in it is the actor's
  h = spawn_hand(r->g);
  grove_error down;
  grove_future m = grove_monitor(r->g, h);
  t.crash = true;
  check_ok(ask_and_get(r->g, h, job_then, &t, &n, NULL));
  rig_until(r, &t.p.begun, 3);
  pause_end(r->g, &t.p, 21);
  check_ok(grove_get(r->g, m, 20000, &down, sizeof down, NULL));
  check_contains(down.text, "in then");
}

typedef struct outside_then {
  int ran, wrong;
  long last;
  grove *g;
  grove_ref again;
} outside_then;
static grove_status then_outside(grove *g, void *user, grove_future f)
{
  outside_then *t = user;
  t->ran++;
  t->wrong += grove_get(g, f, 0, &t->last, sizeof t->last, NULL) != GROVE_OK;
  t->wrong += grove_stop(g, 0, NULL) != GROVE_EINVAL;
  t->wrong += grove_dispatch(g, 0) != 0; // not within itself
  if (t->again.where) {                  // may call, and set the next
    grove_ref to = t->again;
    t->again = GROVE_NOBODY;
    t->wrong += grove_then(g, ask(g, to, job_echo, (void *)77), then_outside, t) != GROVE_OK;
  }
  return GROVE_OK;
}

static void test_then_outside_runs_in_dispatch(void **state)
{
  struct rig *r = *state;
  outside_then t = {.g = r->g};
  grove_ref h = spawn_hand(r->g);
  t.again = h;
  check_status(grove_then(r->g, ask(r->g, h, job_echo, (void *)1), NULL, &t), GROVE_EINVAL);
  check_ok(grove_then(r->g, ask(r->g, h, job_echo, (void *)1), then_outside, &t));
  int fd = grove_fd(r->g);
  size_t ran = 0;
  if (r->kind == ON_SIMULATION) {
    assert_int_equal(fd, -1);
  } else {
    assert_true(fd >= 0);
    assert_int_equal(grove_fd(r->g), fd);
  }
  for (int i = 0; i < 20000 && t.ran < 2; i++) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (fd >= 0 && r->kind == ON_WORKERS) {
      assert_int_equal(poll(&p, 1, 20000), 1); // else it would never come
      size_t now = grove_dispatch(r->g, 1);
      ran += now;
    } else {
      check_ok(grove_sleep(r->g, 1));
      ran += grove_dispatch(r->g, 0);
    }
  }
  assert_int_equal(t.ran, 2);
  assert_int_equal(ran, 2);
  assert_int_equal(t.wrong, 0);
  assert_int_equal(t.last, 77);
  struct pollfd p = {.fd = fd, .events = POLLIN};
  if (fd >= 0) { // and nothing is left to be read
    assert_int_equal(grove_dispatch(r->g, 0), 0);
    assert_int_equal(poll(&p, 1, 0), 0);
  }
  // one that never ran: stop ends it
  check_ok(grove_then(r->g, ask(r->g, h, job_take, NULL), then_outside, &t));
}

static void test_outside_futures_have_a_limit(void **state)
{
  struct rig *r = *state;
  grove_error err;
  rig_restart(r, &(grove_options){.workers = 1, .max_outside = 3});
  grove_ref h = spawn_hand(r->g);
  grove_future f[3], over;
  for (int i = 0; i < 3; i++) {
    f[i] = ask(r->g, h, job_take, NULL);
  }
  over = ask(r->g, h, job_take, NULL);
  check_status(grove_get(r->g, over, 0, NULL, 0, &err), GROVE_ELIMIT);
  check_contains(err.text, "run to hand: max_outside (3) futures of outside threads are unspent");
  grove_drop(r->g, f[0]);
  f[0] = ask(r->g, h, job_echo, (void *)4);
  assert_int_equal(get_long(r, f[0]), 4);
}

static void test_get_finds_no_future_in_garbage(void **state)
{
  struct rig *r = *state;
  grove_future zero = {0, 0}, wild = {UINT64_MAX, 3}, other = {(uint64_t)1 << 40, 1};
  check_status(grove_get(r->g, zero, 0, NULL, 0, NULL), GROVE_EINVAL);
  check_status(grove_get(r->g, wild, 0, NULL, 0, NULL), GROVE_EINVAL);
  check_status(grove_get(r->g, other, 0, NULL, 0, NULL), GROVE_EINVAL);
  assert_true(grove_ended(r->g, zero));
  grove_drop(r->g, wild);
  grove_cancel(r->g, other);
  check_status(grove_then(r->g, zero, then_outside, NULL), GROVE_EINVAL);
  check_status(grove_get(NULL, zero, 0, NULL, 0, NULL), GROVE_EINVAL);
}

static const rig_test tests[] = {
    EVERYWHERE(test_get_times_out_and_stays),
    EVERYWHERE(test_get_all),
    EVERYWHERE(test_get_all_gives_the_first_failure),
    EVERYWHERE(test_wait_for_k_of_n),
    EVERYWHERE(test_wait_for_a_thousand),
    EVERYWHERE(test_next_gives_each_once_in_the_order_of_ending),
    EVERYWHERE(test_drop_and_cancel),
    EVERYWHERE(test_a_running_one_sees_cancel_at_a_yield),
    EVERYWHERE(test_keep),
    EVERYWHERE(test_then_in_an_actor),
    EVERYWHERE(test_then_outside_runs_in_dispatch),
    EVERYWHERE(test_outside_futures_have_a_limit),
    EVERYWHERE(test_get_finds_no_future_in_garbage),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
