// Promises (answers that come later, from elsewhere, or never) and deadlines that travel with calls.
#include "actors.h"

static long get_long(struct rig *r, grove_future f)
{
  long n = -1;
  check_ok(grove_get(r->g, f, 20000, &n, sizeof n, NULL));
  return n;
}

// ---- taken promises ---------------------------------------------------------------------------------------
typedef struct taker {
  grove_promise promise;
  atomic_int taken;
  grove_status again;
} taker;
static grove_status job_take_out(grove *self, hand_state *s, void *user, long *reply)
{
  taker *t = user;
  (void)s;
  grove_status status = grove_promise_take(self, &t->promise);
  grove_promise second;
  t->again = grove_promise_take(self, &second);
  *reply = 999; // ignored
  atomic_fetch_add(&t->taken, 1);
  return status ? status : GROVE_EUSER; // ignored, too
}

static void test_take_and_answer_from_elsewhere(void **state)
{
  struct rig *r = *state;
  taker t = {.taken = 0};
  long n = 55;
  grove_ref h = spawn_hand(r->g);
  grove_future f = ask(r->g, h, job_take_out, &t);
  rig_until(r, &t.taken, 1);
  check_status(t.again, GROVE_ESPENT);
  assert_true(grove_promise_wanted(r->g, t.promise));
  check_status(grove_get(r->g, f, 5, NULL, 0, NULL), GROVE_ETIMEDOUT);
  assert_int_equal(get_long(r, ask(r->g, h, job_echo, (void *)4)), 4); // it goes on meanwhile
  check_status(grove_promise_answer(r->g, t.promise, GROVE_OK, &n, 1), GROVE_EINVAL);
  check_status(grove_promise_answer(r->g, t.promise, GROVE_OK, NULL, 0), GROVE_EINVAL);
  check_ok(hand_run_answer(r->g, t.promise, GROVE_OK, &n));
  check_status(hand_run_answer(r->g, t.promise, GROVE_OK, &n), GROVE_ESPENT);
  assert_false(grove_promise_wanted(r->g, t.promise));
  assert_int_equal(get_long(r, f), 55);
  check_status(hand_run_answer(r->g, t.promise, GROVE_OK, &n), GROVE_ESPENT);
}

static void test_take_and_fail(void **state)
{
  struct rig *r = *state;
  taker t = {.taken = 0};
  grove_error err, words = {.status = GROVE_EUSER - 9, .at = 3, .text = "words of another"};
  grove_ref h = spawn_hand(r->g);
  grove_future f = ask(r->g, h, job_take_out, &t);
  rig_until(r, &t.taken, 1);
  check_status(grove_promise_fail(r->g, t.promise, NULL), GROVE_EINVAL);
  check_ok(grove_promise_fail(r->g, t.promise, &words));
  check_status(grove_get(r->g, f, 20000, NULL, 0, &err), GROVE_EUSER - 9);
  assert_string_equal(err.text, "words of another");
  f = ask(r->g, h, job_take_out, &t);
  rig_until(r, &t.taken, 2);
  check_ok(grove_promise_answer(r->g, t.promise, GROVE_EIO, NULL, 0));
  check_status(grove_get(r->g, f, 20000, NULL, 0, &err), GROVE_EIO);
  check_contains(err.text, "input or output");
}

static void test_never_answered_and_the_actor_ends(void **state)
{
  struct rig *r = *state;
  taker t = {.taken = 0};
  grove_error err;
  long n = 1;
  grove_ref h = spawn_hand(r->g);
  grove_future f = ask(r->g, h, job_take_out, &t), g = ask(r->g, h, job_take_out, &t);
  rig_until(r, &t.taken, 2);
  check_ok(grove_get(r->g, grove_exit(r->g, h, 20000), 20000, NULL, 0, NULL));
  check_status(grove_get(r->g, f, 20000, NULL, 0, &err), GROVE_EDEAD);
  check_status(grove_get(r->g, g, 20000, NULL, 0, &err), GROVE_EDEAD);
  check_status(hand_run_answer(r->g, t.promise, GROVE_OK, &n), GROVE_ESPENT);
  assert_false(grove_promise_wanted(r->g, t.promise));
  // at a restart, too
  h = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 1});
  f = ask(r->g, h, job_take_out, &t);
  check_ok(tell(r->g, h, job_crash, NULL));
  check_status(grove_get(r->g, f, 20000, NULL, 0, &err), GROVE_EDEAD);
  check_contains(err.text, "it fell");
}

static void test_a_sends_promise_answers_nothing(void **state)
{
  struct rig *r = *state;
  taker t = {.taken = 0};
  long n = 5;
  grove_ref h = spawn_hand(r->g);
  check_ok(tell(r->g, h, job_take_out, &t));
  rig_until(r, &t.taken, 1);
  assert_true(grove_promise_wanted(r->g, t.promise));
  check_status(hand_run_answer(r->g, t.promise, GROVE_OK, &n), GROVE_ESPENT);
}

static void test_nobody_wants_it_any_more(void **state)
{
  struct rig *r = *state;
  taker t = {.taken = 0};
  long n = 5;
  grove_ref h = spawn_hand(r->g);
  grove_future f = ask(r->g, h, job_take_out, &t);
  rig_until(r, &t.taken, 1);
  grove_drop(r->g, f);
  assert_false(grove_promise_wanted(r->g, t.promise));
  check_status(hand_run_answer(r->g, t.promise, GROVE_OK, &n), GROVE_ESPENT);
  f = ask(r->g, h, job_take_out, &t);
  rig_until(r, &t.taken, 2);
  grove_cancel(r->g, f);
  assert_false(grove_promise_wanted(r->g, t.promise));
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_ECANCELED);
}

static grove_status job_take_in_leaf(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user;
  grove_promise p;
  *reply = grove_promise_take(self, &p) == GROVE_EINVAL;
  *reply += grove_yield(self) == GROVE_EINVAL;
  *reply += grove_sleep(self, 1) == GROVE_EINVAL;
  return GROVE_OK;
}
static void test_leaf_methods_may_not(void **state)
{
  struct rig *r = *state;
  grove_promise p;
  grove_ref h = spawn_hand(r->g);
  grove_future f = ask_of(r->g, h, &hand_leaf_method, job_take_in_leaf, NULL);
  assert_int_equal(get_long(r, f), 3);
  check_status(grove_promise_take(r->g, &p), GROVE_EINVAL);
}

// ---- created promises ---------------------------------------------------------------------------------------
static void test_create(void **state)
{
  struct rig *r = *state;
  grove_promise p;
  grove_future f;
  grove_string text, out = {{NULL, 0, NULL}};
  check_ok(grove_promise_create(r->g, &grove_type_of_grove_string, &p, &f));
  check_status(grove_get(r->g, f, 5, NULL, 0, NULL), GROVE_ETIMEDOUT);
  text = grove_string_of("borrowed");
  check_status(
      grove_promise_answer(r->g, p, GROVE_OK, &text, sizeof text), GROVE_EINVAL); // would dangle
  check_ok(grove_share_string(r->g, "its own", &text));
  check_ok(grove_promise_answer(r->g, p, GROVE_OK, &text, sizeof text));
  check_ok(grove_get(r->g, f, 20000, &out, sizeof out, NULL));
  assert_string_equal(grove_text(out), "its own");
  grove_release(out.shared);
  // dropped unanswered: forgotten, and what should have been given stays the caller's
  check_ok(grove_promise_create(r->g, &grove_type_of_grove_string, &p, &f));
  grove_drop(r->g, f);
  check_ok(grove_share_string(r->g, "late", &text));
  check_status(grove_promise_answer(r->g, p, GROVE_OK, &text, sizeof text), GROVE_ESPENT);
  grove_release(text.shared);
  // answered and never got: the reply goes with the future
  check_ok(grove_promise_create(r->g, &grove_type_of_grove_string, &p, &f));
  check_ok(grove_share_string(r->g, "unread", &text));
  check_ok(grove_promise_answer(r->g, p, GROVE_OK, &text, sizeof text));
  grove_drop(r->g, f);
  check_status(grove_promise_create(r->g, NULL, &p, &f), GROVE_EINVAL);
  // left open: the runtime's stop ends it
  check_ok(grove_promise_create(r->g, &grove_type_of_grove_string, &p, &f));
}

// The answer comes from a thread that is none of grove's.
typedef struct answerer {
  grove *g;
  pause_point *p;
  rig_threads *threads;
} answerer;
static void answer_from_a_thread(void *user)
{
  answerer *a = user;
  long n = 31;
  while (atomic_load(&a->p->begun) == 0) {
    check_pause();
  }
  (void)!grove_promise_answer(a->g, a->p->promise, GROVE_OK, &n, sizeof n);
  atomic_fetch_add(&a->threads->ended, 1);
}
static void test_a_hosts_callback_ends_an_actors_wait(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  rig_threads t = {.n = 1};
  answerer a = {r->g, &p, &t};
  grove_future f = ask(r->g, spawn_hand(r->g), job_pause, &p);
  assert_int_equal(uv_thread_create(&t.id[0], answer_from_a_thread, &a), 0);
  rig_join(r, &t);
  assert_int_equal(get_long(r, f), 31);
}

// ---- handing work on --------------------------------------------------------------------------------------
typedef struct proxy {
  grove_ref to;
  pause_point p;
  atomic_int told;
  grove_promise promise;
} proxy;
static grove_status then_pass_on(grove *g, void *user, grove_future f)
{
  proxy *x = user;
  long n;
  grove_error err;
  grove_status s = grove_get(g, f, 0, &n, sizeof n, &err);
  if (s) {
    grove_promise_fail(g, x->promise, &err);
  } else {
    hand_run_answer(g, x->promise, GROVE_OK, &n);
  }
  atomic_fetch_add(&x->told, 1);
  return GROVE_OK;
}
static grove_status job_hand_on(grove *self, hand_state *s, void *user, long *reply)
{
  proxy *x = user;
  (void)s, (void)reply;
  grove_status status = grove_promise_take(self, &x->promise);
  if (status) {
    return status;
  }
  grove_future f = ask(self, x->to, job_pause, &x->p);
  grove_promise_follow(self, x->promise, f);
  return grove_then(self, f, then_pass_on, x);
}
static void test_follow(void **state)
{
  struct rig *r = *state;
  static proxy x;
  memset(&x, 0, sizeof x);
  x.to = spawn_hand(r->g);
  grove_error err;
  grove_ref h = spawn_hand(r->g);
  grove_future f = ask(r->g, h, job_hand_on, &x);
  rig_until(r, &x.p.begun, 1);
  pause_end(r->g, &x.p, 17);
  assert_int_equal(get_long(r, f), 17);
  rig_until(r, &x.told, 1);
  // who asked gives up: what was handed on is cancelled
  f = ask(r->g, h, job_hand_on, &x);
  rig_until(r, &x.p.begun, 2);
  grove_drop(r->g, f);
  rig_until(r, &x.p.ended, 2);
  rig_until(r, &x.told, 2);
  // a failure is passed on with its words
  f = ask(r->g, h, job_hand_on, &x);
  rig_until(r, &x.p.begun, 3);
  check_ok(grove_promise_fail(
      r->g, x.p.promise, &(grove_error){.status = GROVE_EUSER, .at = -1, .text = "down there"}));
  check_status(grove_get(r->g, f, 20000, NULL, 0, &err), GROVE_EUSER);
  check_contains(err.text, "hand.run: down there");
}

// On behalf of a promise, in a method that was called by another, who has less time.
static grove_status job_call_for(grove *self, hand_state *s, void *user, long *reply)
{
  proxy *x = user;
  grove_future f;
  (void)s, (void)reply;
  grove_status status = grove_call_for(
      self, x->promise, x->to, &hand_run_method, &(hand_job){job_pause, &x->p}, &f);
  return status ? status : grove_then(self, f, then_pass_on, x);
}

static void test_call_for(void **state)
{
  struct rig *r = *state;
  static proxy x;
  static pause_point late;
  memset(&x, 0, sizeof x);
  memset(&late, 0, sizeof late);
  x.to = spawn_hand(r->g);
  grove_ref h = spawn_hand(r->g), other = spawn_hand(r->g);
  taker t = {.taken = 0};
  for (int round = 1; round <= 2; round++) {
    grove_future f = ask(r->g, h, job_take_out, &t);
    rig_until(r, &t.taken, round);
    x.promise = t.promise;
    grove_future short_of_time =
        grove_call_within(r->g, 300, h, &hand_run_method, &(hand_job){job_call_for, &x});
    check_ok(grove_get(r->g, short_of_time, 20000, NULL, 0, NULL));
    rig_until(r, &x.p.begun, round);
    grove_future later =
        grove_call_within(r->g, 300, other, &hand_run_method, &(hand_job){job_pause, &late});
    check_status(grove_get(r->g, later, 20000, NULL, 0, NULL), GROVE_EEXPIRED);
    assert_int_equal(x.p.ended, round - 1); // and so has the other's time
    if (round == 1) {
      pause_end(r->g, &x.p, 17);
      assert_int_equal(get_long(r, f), 17);
    } else {
      grove_drop(r->g, f); // nobody wants it: it is cancelled
    }
    rig_until(r, &x.told, round);
  }
}

static void test_begun(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  atomic_int count = 0;
  grove_ref h = spawn_hand(r->g);
  grove_future busy = ask(r->g, h, job_pause, &p), queued = ask(r->g, h, job_count, &count);
  rig_until(r, &p.begun, 1);
  assert_true(grove_begun(r->g, busy));
  assert_false(grove_begun(r->g, queued));
  grove_cancel(r->g, queued);
  assert_true(grove_ended(r->g, queued));
  assert_false(grove_begun(r->g, queued));
  pause_end(r->g, &p, 1);
  check_ok(grove_wait(r->g, &busy, 1, 1, 20000));
  assert_true(grove_begun(r->g, busy));
  assert_int_equal(get_long(r, busy), 1);
  assert_false(grove_begun(r->g, busy)); // spent: nothing is known of it
  check_status(grove_get(r->g, queued, 0, NULL, 0, NULL), GROVE_ECANCELED);
  check_ok(grove_get(r->g, grove_exit(r->g, h, 20000), 20000, NULL, 0, NULL));
  grove_future refused = ask(r->g, h, job_count, &count);
  assert_false(grove_begun(r->g, refused));
  check_status(grove_get(r->g, refused, 0, NULL, 0, NULL), GROVE_ENOACTOR);
  assert_int_equal(count, 0);
}

// ---- deadlines --------------------------------------------------------------------------------------------------
static void test_a_calls_deadline_ends_it(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  grove_error err;
  atomic_int count = 0;
  grove_ref h = spawn_hand(r->g);
  grove_future f = grove_call_within(r->g, 300, h, &hand_run_method, &(hand_job){job_pause, &p});
  grove_future behind =
      grove_call_within(r->g, 250, h, &hand_finish_method, &(hand_job){job_count, &count});
  check_status(grove_get(r->g, f, 20000, NULL, 0, &err), GROVE_EEXPIRED);
  check_contains(err.text, "run of hand is running");
  check_status(grove_get(r->g, behind, 20000, NULL, 0, &err), GROVE_EEXPIRED);
  check_status(grove_get(r->g, behind, 0, NULL, 0, &err), GROVE_ESPENT);
  rig_until(r, &p.ended, 1); // its method saw it
  // in time
  long n;
  f = grove_call_within(r->g, 20000, h, &hand_run_method, &(hand_job){job_echo, (void *)6});
  check_ok(grove_get(r->g, f, GROVE_FOREVER, &n, sizeof n, NULL));
  assert_int_equal(n, 6);
}

// What expired in the queue is never begun.
static void test_expired_ones_are_skipped(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  atomic_int count = 0;
  grove_error err;
  grove_ref h = spawn_hand(r->g);
  grove_future busy = ask(r->g, h, job_pause, &p);
  rig_until(r, &p.begun, 1);
  grove_future f = grove_call_within(r->g, 5, h, &hand_run_method, &(hand_job){job_count, &count});
  check_status(grove_get(r->g, f, 20000, NULL, 0, &err), GROVE_EEXPIRED);
  check_contains(err.text, "queued");
  pause_end(r->g, &p, 1);
  assert_int_equal(get_long(r, busy), 1);
  assert_int_equal(get_long(r, ask(r->g, h, job_count, &count)), 1);
}

typedef struct chain {
  grove_ref next[3];
  pause_point p;
  _Atomic grove_status inner;
} chain;
static grove_status job_chain(grove *self, hand_state *s, void *user, long *reply)
{
  chain *c = user;
  for (int i = 0; i < 3; i++) {
    if (c->next[i].where && grove_ref_equal(c->next[i], grove_self(self))) {
      if (i == 2) {
        return job_pause(self, s, &c->p, reply);
      }
      // without a deadline of its own: it has no more time than is left
      grove_future f = ask(self, c->next[i + 1], job_chain, c);
      grove_status status = grove_get(self, f, GROVE_FOREVER, reply, sizeof *reply, NULL);
      if (i == 1) {
        c->inner = status;
      }
      return status;
    }
  }
  return GROVE_EINTERNAL;
}
static void test_deadlines_are_inherited(void **state)
{
  struct rig *r = *state;
  static chain c;
  memset(&c, 0, sizeof c);
  for (int i = 0; i < 3; i++) {
    c.next[i] = spawn_hand(r->g);
  }
  grove_future f =
      grove_call_within(r->g, 30, c.next[0], &hand_run_method, &(hand_job){job_chain, &c});
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EEXPIRED);
  rig_until(r, &c.p.ended, 1); // the third was told without a word of the first
  check_ok(ask_and_get(r->g, c.next[1], job_echo, NULL, NULL, NULL));
  assert_true(c.inner == GROVE_EEXPIRED || c.inner == GROVE_ECANCELED);
}

// An answer that nobody waits for any more is harmless, whatever it holds.
static grove_status job_late(grove *self, hand_state *s, void *user, long *reply)
{
  pause_point *p = user;
  (void)job_pause(self, s, p, reply);
  *reply = 5;
  return GROVE_OK;
}
static void test_late_answers_are_harmless(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  grove_ref h = spawn_hand(r->g);
  grove_future f = grove_call_within(r->g, 300, h, &hand_finish_method, &(hand_job){job_late, &p});
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EEXPIRED);
  assert_int_equal(p.ended, 0); // it finishes what it began
  pause_end(r->g, &p, 1);
  assert_int_equal(get_long(r, ask(r->g, h, job_echo, (void *)2)), 2);
  assert_int_equal(p.ended, 1);
}

static const rig_test tests[] = {
    EVERYWHERE(test_take_and_answer_from_elsewhere),
    EVERYWHERE(test_take_and_fail),
    EVERYWHERE(test_never_answered_and_the_actor_ends),
    EVERYWHERE(test_a_sends_promise_answers_nothing),
    EVERYWHERE(test_nobody_wants_it_any_more),
    EVERYWHERE(test_leaf_methods_may_not),
    EVERYWHERE(test_create),
    THREADED(test_a_hosts_callback_ends_an_actors_wait),
    EVERYWHERE(test_follow),
    EVERYWHERE(test_call_for),
    EVERYWHERE(test_begun),
    EVERYWHERE(test_a_calls_deadline_ends_it),
    EVERYWHERE(test_expired_ones_are_skipped),
    EVERYWHERE(test_deadlines_are_inherited),
    EVERYWHERE(test_late_answers_are_harmless),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
