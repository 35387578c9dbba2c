// Messages that are put back: they count as mailbox, leave one place for what makes them come again, and are not lost.
#include "actors.h"

#define narrow_LIST(S, M) HAND_METHODS(S, M, narrow)
HANDS(narrow, .mailbox = 4, .full = GROVE_FULL_FAIL)
#define patient_LIST(S, M) HAND_METHODS(S, M, patient)
HANDS(patient, .mailbox = 4, .full = GROVE_FULL_WAIT)
#define oldest_LIST(S, M) HAND_METHODS(S, M, oldest)
HANDS(oldest, .mailbox = 3, .full = GROVE_FULL_DROP_OLD)
#define bytes_LIST(S, M) HAND_METHODS(S, M, bytes)
HANDS(bytes, .mailbox_bytes = 1000, .full = GROVE_FULL_FAIL)
#define single_LIST(S, M) HAND_METHODS(S, M, single)
HANDS(single, .mailbox = 1, .full = GROVE_FULL_FAIL)

#define poor_LIST(S, M) HAND_METHODS(S, M, poor)
HANDS(poor, .memory_bytes = 8192, .full = GROVE_FULL_FAIL)

/// A gate that one sort of messages passes when it is open; closed, it puts them back.
typedef struct gate {
  atomic_int open, openings, looked_at, passed, refused;
  long order; // the digits of those who passed; in the actor's turn
} gate;
typedef struct visitor {
  gate *gate;
  long digit;
} visitor;

static grove_status job_enter(grove *self, hand_state *s, void *user, long *reply)
{
  visitor *v = user;
  (void)s;
  *reply = v->digit;
  grove_status status = GROVE_OK;
  if (!atomic_load(&v->gate->open)) {
    status = grove_defer(self);
    atomic_fetch_add(&v->gate->refused, status != GROVE_OK);
    atomic_fetch_add(&v->gate->looked_at, 1);
    return status;
  }
  v->gate->order = v->gate->order * 10 + v->digit;
  atomic_fetch_add(&v->gate->passed, 1);
  return GROVE_OK;
}

static grove_status job_open(grove *self, hand_state *s, void *user, long *reply)
{
  gate *g = user;
  (void)s, (void)reply;
  atomic_store(&g->open, 1);
  grove_undefer(self);
  atomic_fetch_add(&g->openings, 1);
  return GROVE_OK;
}

static grove_info info_of(grove *g, grove_ref a)
{
  grove_info i = {.struct_size = sizeof i};
  check_ok(grove_inspect(g, a, &i));
  return i;
}

// Asks for so many, each looked at before the next is sent.
static void enter(struct rig *r, grove_ref a, const grove_method *run, visitor *v, int n, grove_future *f)
{
  for (int i = 0; i < n; i++) {
    int before = atomic_load(&v[i].gate->looked_at);
    f[i] = ask_of(r->g, a, run, job_enter, &v[i]);
    rig_until(r, &v[i].gate->looked_at, before + 1);
  }
}

static void test_they_count_as_mailbox(void **state)
{
  struct rig *r = *state;
  gate g = {.open = 0};
  grove_future f[20];
  grove_error err;
  visitor v[20];
  for (int i = 0; i < 20; i++) {
    v[i] = (visitor){&g, i + 1};
  }
  grove_ref a = spawn_of(r->g, &narrow_class);
  enter(r, a, &narrow_run_method, v, 20, f);
  assert_int_equal(g.refused, 17); // three places are theirs, the fourth is not
  for (int i = 3; i < 20; i++) {
    check_status(grove_get(r->g, f[i], 20000, NULL, 0, &err), GROVE_EAGAIN);
    check_contains(err.text, "limits: 4 messages");
    check_contains(err.text, "put back");
  }
  grove_info info = info_of(r->g, a);
  assert_int_equal(info.mailbox_depth, 3);
  assert_true(info.mailbox_bytes > 0);
  assert_true(info.oldest_ns >= 0);
  assert_false(grove_ended(r->g, f[0]));
  long n;
  check_ok(grove_get(r->g, ask_of(r->g, a, &narrow_run_method, job_open, &g), 20000, &n, sizeof n, NULL));
  for (int i = 0; i < 3; i++) {
    check_ok(grove_get(r->g, f[i], 20000, &n, sizeof n, NULL));
    assert_int_equal(n, i + 1);
  }
  assert_int_equal(g.order, 123);
  assert_int_equal(info_of(r->g, a).mailbox_depth, 0);
}

// With all places but one put back, what comes next is taken one by one, or refused to its sender: never lost.
static void test_senders_find_it_full(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  p = (pause_point){.begun = 0};
  gate g = {.open = 0};
  visitor v[6];
  grove_future f[6];
  for (int i = 0; i < 6; i++) {
    v[i] = (visitor){&g, i + 1};
  }
  grove_ref a = spawn_of(r->g, &narrow_class);
  enter(r, a, &narrow_run_method, v, 3, f);
  grove_future busy = ask_of(r->g, a, &narrow_run_method, job_pause, &p);
  rig_until(r, &p.begun, 1);
  f[3] = ask_of(r->g, a, &narrow_run_method, job_open, &g);
  check_status(
      grove_send(r->g, a, &narrow_run_method, &(hand_job){job_enter, &v[4]}), GROVE_EAGAIN);
  assert_int_equal(info_of(r->g, a).mailbox_depth, 4);
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, busy, 20000, NULL, 0, NULL));
  for (int i = 0; i < 4; i++) {
    check_ok(grove_get(r->g, f[i], 20000, NULL, 0, NULL));
  }
  assert_int_equal(g.passed, 3);
}

// Who waits for room gets the one place, and so the gate is opened, whoever came before.
typedef struct opener {
  grove_ref to;
  gate *gate;
} opener;
static grove_status job_send_open(grove *self, hand_state *s, void *user, long *reply)
{
  opener *o = user;
  (void)s;
  *reply = 1;
  return grove_send(self, o->to, &patient_run_method, &(hand_job){job_open, o->gate});
}
static void test_waiting_senders_get_the_one_place(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  p = (pause_point){.begun = 0};
  gate g = {.open = 0};
  visitor v[3];
  grove_future f[3], sent[4];
  for (int i = 0; i < 3; i++) {
    v[i] = (visitor){&g, i + 1};
  }
  grove_ref a = spawn_of(r->g, &patient_class);
  enter(r, a, &patient_run_method, v, 3, f);
  grove_future busy = ask_of(r->g, a, &patient_run_method, job_pause, &p);
  rig_until(r, &p.begun, 1);
  opener o = {a, &g};
  for (int i = 0; i < 4; i++) { // the first one gets in, the others wait
    sent[i] = ask_of(r->g, spawn_of(r->g, &narrow_class), &narrow_run_method, job_send_open, &o);
  }
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, busy, 20000, NULL, 0, NULL));
  for (int i = 0; i < 4; i++) {
    check_ok(grove_get(r->g, sent[i], 20000, NULL, 0, NULL));
  }
  rig_until(r, &g.openings, 4);
  for (int i = 0; i < 3; i++) {
    check_ok(grove_get(r->g, f[i], 20000, NULL, 0, NULL));
  }
  assert_int_equal(g.order, 123);
}

// Where the oldest make room, those that were put back are the oldest.
static void test_the_oldest_are_dropped(void **state)
{
  struct rig *r = *state;
  gate g = {.open = 0};
  visitor v[6];
  grove_future f[6];
  grove_error err;
  for (int i = 0; i < 6; i++) {
    v[i] = (visitor){&g, i + 1};
  }
  grove_ref a = spawn_of(r->g, &oldest_class);
  enter(r, a, &oldest_run_method, v, 6, f);
  check_ok(grove_get(r->g, ask_of(r->g, a, &oldest_run_method, job_open, &g), 20000, NULL, 0, NULL));
  int passed = 0;
  for (int i = 0; i < 6; i++) {
    grove_status s = grove_get(r->g, f[i], 20000, NULL, 0, &err);
    passed += s == GROVE_OK;
    if (s) {
      check_status(s, GROVE_EAGAIN);
      check_contains(err.text, "dropped as the oldest");
    }
    assert_true(s == GROVE_OK || i < 4);
  }
  assert_in_range(passed, 2, 3); // the opener took a place, too
  assert_int_equal(g.passed, passed);
  assert_int_equal(g.refused, 0);
}

static void test_bytes_have_their_limit(void **state)
{
  struct rig *r = *state;
  gate g = {.open = 0};
  visitor v[30];
  grove_future f[30];
  for (int i = 0; i < 30; i++) {
    v[i] = (visitor){&g, i + 1};
  }
  grove_ref a = spawn_of(r->g, &bytes_class);
  enter(r, a, &bytes_run_method, v, 30, f);
  grove_info info = info_of(r->g, a);
  assert_in_range(info.mailbox_bytes, 500, 1000);
  assert_int_equal(info.mailbox_depth, 30 - g.refused);
  assert_true(g.refused > 0);
  check_ok(grove_get(r->g, ask_of(r->g, a, &bytes_run_method, job_open, &g), 20000, NULL, 0, NULL));
  for (int i = 0; i < 30; i++) {
    grove_status s = grove_get(r->g, f[i], 20000, NULL, 0, NULL);
    assert_true(s == GROVE_OK || s == GROVE_EAGAIN);
  }
  assert_int_equal(g.passed, 30 - g.refused);
  assert_int_equal(info_of(r->g, a).mailbox_bytes, 0);
}

static void test_one_place_is_too_few(void **state)
{
  struct rig *r = *state;
  gate g = {.open = 0};
  visitor v = {&g, 1};
  grove_future f;
  grove_ref a = spawn_of(r->g, &single_class);
  enter(r, a, &single_run_method, &v, 1, &f);
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EAGAIN);
  assert_int_equal(info_of(r->g, a).mailbox_depth, 0);
}

// A method that puts its message back and then brings its actor down: the message does not come again, its place is free.
static grove_status job_defer_and_crash(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  check_ok(grove_defer(self));
  check_ok(grove_defer(self)); // twice is once
  return grove_crash(self, GROVE_EUSER, "after putting back");
}
static void test_one_that_crashed_does_not_come_back(void **state)
{
  struct rig *r = *state;
  gate g = {.open = 0};
  visitor v[2] = {{&g, 1}, {&g, 2}};
  grove_future f[2];
  grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_PERMANENT, .backoff_min_ms = 1, .queue_ms = 20000};
  grove_ref a = grove_spawn(r->g, &narrow_class, &(hand_plan){.start = NULL}, &o);
  check_ok(grove_ref_status(a));
  enter(r, a, &narrow_run_method, v, 2, f);
  atomic_store(&g.open, 1); // a restart brings back what was put back
  grove_future crash = ask_of(r->g, a, &narrow_run_method, job_defer_and_crash, NULL);
  check_status(grove_get(r->g, crash, 20000, NULL, 0, NULL), GROVE_EDEAD);
  for (int i = 0; i < 2; i++) {
    check_ok(grove_get(r->g, f[i], 20000, NULL, 0, NULL));
  }
  assert_int_equal(g.order % 100, 12);
  assert_int_equal(info_of(r->g, a).mailbox_depth, 0);
}

// Killed, it owes an answer for each.
static void test_the_dead_answer_for_them(void **state)
{
  struct rig *r = *state;
  gate g = {.open = 0};
  visitor v[3] = {{&g, 1}, {&g, 2}, {&g, 3}};
  grove_future f[3];
  grove_ref a = spawn_of(r->g, &narrow_class);
  enter(r, a, &narrow_run_method, v, 3, f);
  check_ok(grove_get(r->g, grove_exit(r->g, a, 0), 20000, NULL, 0, NULL));
  for (int i = 0; i < 3; i++) {
    check_status(grove_get(r->g, f[i], 20000, NULL, 0, NULL), GROVE_EDEAD);
  }
  grove_stats stats = {.struct_size = sizeof stats};
  check_ok(grove_stats_get(r->g, &stats));
  assert_int_equal(stats.dropped_dead, 3);
}

// A call that is cancelled while its method runs, and is then put back, is not wanted there.
static grove_status job_defer_when_cancelled(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  grove_status status = grove_defer(self);
  atomic_store((atomic_int *)user, 1);
  while (!status && !grove_sleep(self, 1)) {
  }
  return status;
}
static void test_one_that_was_cancelled_does_not_wait(void **state)
{
  struct rig *r = *state;
  atomic_int begun = 0;
  grove_error err;
  grove_ref a = spawn_of(r->g, &narrow_class);
  grove_future f = ask_of(r->g, a, &narrow_run_method, job_defer_when_cancelled, &begun);
  rig_until(r, &begun, 1);
  grove_cancel(r->g, f);
  check_status(grove_get(r->g, f, 20000, NULL, 0, &err), GROVE_ECANCELED);
  check_contains(err.text, "cancelled, and put back");
  assert_int_equal(info_of(r->g, a).mailbox_depth, 0);
}

// Calls that nobody waits for any more do not keep others out; those that are left come in their order.
static void test_ended_ones_give_their_places(void **state)
{
  struct rig *r = *state;
  gate g = {.open = 0};
  visitor v[7];
  grove_future f[7];
  for (int i = 0; i < 7; i++) {
    v[i] = (visitor){&g, i + 1};
  }
  grove_ref a = spawn_of(r->g, &narrow_class);
  enter(r, a, &narrow_run_method, v, 1, f);
  f[1] = grove_call_within(r->g, 30, a, &narrow_run_method, &(hand_job){job_enter, &v[1]});
  grove_status late = grove_get(r->g, f[1], 20000, NULL, 0, NULL);
  check_status(late, GROVE_EEXPIRED);
  enter(r, a, &narrow_run_method, v + 2, 1, f + 2);
  grove_cancel(r->g, f[2]);
  check_status(grove_get(r->g, f[2], 20000, NULL, 0, NULL), GROVE_ECANCELED);
  enter(r, a, &narrow_run_method, v + 3, 3, f + 3); // the third of these finds all places taken by who still waits
  assert_int_equal(g.refused, 1);
  check_status(grove_get(r->g, f[5], 20000, NULL, 0, NULL), GROVE_EAGAIN);
  assert_int_equal(info_of(r->g, a).mailbox_depth, 3);
  check_ok(grove_get(r->g, ask_of(r->g, a, &narrow_run_method, job_open, &g), 20000, NULL, 0, NULL));
  check_ok(grove_get(r->g, f[0], 20000, NULL, 0, NULL));
  check_ok(grove_get(r->g, f[3], 20000, NULL, 0, NULL));
  check_ok(grove_get(r->g, f[4], 20000, NULL, 0, NULL));
  assert_int_equal(g.order, 145);
  assert_int_equal(info_of(r->g, a).mailbox_depth, 0);
  grove_stats stats = {.struct_size = sizeof stats};
  check_ok(grove_stats_get(r->g, &stats));
  assert_int_equal(stats.dropped_expired + stats.dropped_canceled, 2);
}

// With methods that take turns at waits: one that has put its message back and waits on is in no list yet.
#define wide_LIST(S, M) HAND_METHODS(S, M, wide)
HANDS(wide, .mailbox = 6, .concurrency = 4, .full = GROVE_FULL_FAIL)
typedef struct lingering {
  visitor visitor;
  pause_point pause;
} lingering;
static grove_status job_enter_and_linger(grove *self, hand_state *s, void *user, long *reply)
{
  lingering *l = user;
  grove_status status = job_enter(self, s, &l->visitor, reply);
  return status || l->pause.begun ? status : job_pause(self, s, &l->pause, reply);
}
static void test_order_is_kept_while_places_are_given(void **state)
{
  struct rig *r = *state;
  static lingering l;
  gate g = {.open = 0};
  visitor v[6];
  grove_future f[6];
  l = (lingering){.visitor = {&g, 9}};
  for (int i = 0; i < 6; i++) {
    v[i] = (visitor){&g, i + 1};
  }
  grove_ref a = spawn_of(r->g, &wide_class);
  enter(r, a, &wide_run_method, v, 4, f);
  grove_future lingers = ask_of(r->g, a, &wide_run_method, job_enter_and_linger, &l);
  rig_until(r, &l.pause.begun, 1); // all places but one are taken, of which one is in no list
  grove_cancel(r->g, f[3]);
  check_status(grove_get(r->g, f[3], 20000, NULL, 0, NULL), GROVE_ECANCELED);
  enter(r, a, &wide_run_method, v + 4, 1, f + 4); // in the place of that one
  assert_int_equal(g.refused, 0);
  check_ok(grove_get(r->g, ask_of(r->g, a, &wide_run_method, job_open, &g), 20000, NULL, 0, NULL));
  check_ok(grove_get(r->g, f[4], 20000, NULL, 0, NULL));
  assert_int_equal(g.order, 1235);
  // The one that lingers was called for, too, before its method returned.
  pause_end(r->g, &l.pause, 1);
  check_ok(grove_get(r->g, lingers, 20000, NULL, 0, NULL));
  assert_int_equal(g.order, 12359);
  for (int i = 0; i < 3; i++) {
    check_ok(grove_get(r->g, f[i], 20000, NULL, 0, NULL));
  }
  assert_int_equal(info_of(r->g, a).mailbox_depth, 0);
}

// What an actor may hold of memory binds what it puts back, too.
static void test_memory_is_a_limit(void **state)
{
  enum { MANY = 200 };
  struct rig *r = *state;
  static visitor v[MANY];
  gate g = {.open = 0};
  grove_ref a = spawn_of(r->g, &poor_class);
  for (int i = 0; i < MANY; i++) {
    int before = atomic_load(&g.looked_at);
    v[i] = (visitor){&g, i};
    check_ok(grove_send(r->g, a, &poor_run_method, &(hand_job){job_enter, &v[i]}));
    rig_until(r, &g.looked_at, before + 1);
  }
  assert_in_range(info_of(r->g, a).mailbox_bytes, 1000, 8192);
  assert_in_range(g.refused, 1, MANY - 10);
}

// Words for what can't be put back.
static grove_status job_wait_and_defer(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  grove_status status = grove_sleep(self, 1);
  return status ? status : grove_defer(self);
}
static grove_status job_take_and_defer(grove *self, hand_state *s, void *user, long *reply)
{
  (void)user, (void)reply;
  grove_status status = grove_promise_take(self, &s->promise);
  grove_error err = {.status = GROVE_EINVAL};
  assert_int_equal(status, GROVE_OK);
  check_status(grove_defer(self), GROVE_EINVAL);
  check_ok(grove_promise_fail(self, s->promise, &err));
  return GROVE_OK;
}
static void test_what_is_not_put_back(void **state)
{
  struct rig *r = *state;
  grove_error err;
  grove_ref a = spawn_of(r->g, &narrow_class);
  grove_future f = ask_of(r->g, a, &narrow_run_method, job_wait_and_defer, NULL);
  check_status(grove_get(r->g, f, 20000, NULL, 0, &err), GROVE_EINVAL);
  check_contains(err.text, "can't be put back: its method has waited");
  f = ask_of(r->g, a, &narrow_run_method, job_take_and_defer, NULL);
  check_status(grove_get(r->g, f, 20000, NULL, 0, &err), GROVE_EINVAL);
}

static const rig_test tests[] = {
    EVERYWHERE(test_they_count_as_mailbox),
    EVERYWHERE(test_senders_find_it_full),
    EVERYWHERE(test_waiting_senders_get_the_one_place),
    EVERYWHERE(test_the_oldest_are_dropped),
    EVERYWHERE(test_bytes_have_their_limit),
    EVERYWHERE(test_one_place_is_too_few),
    EVERYWHERE(test_one_that_crashed_does_not_come_back),
    EVERYWHERE(test_the_dead_answer_for_them),
    EVERYWHERE(test_one_that_was_cancelled_does_not_wait),
    EVERYWHERE(test_ended_ones_give_their_places),
    EVERYWHERE(test_order_is_kept_while_places_are_given),
    EVERYWHERE(test_memory_is_a_limit),
    EVERYWHERE(test_what_is_not_put_back),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
