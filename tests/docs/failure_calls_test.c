// The table in docs/guide/failure.md, the rows about calls that do not get through: full mailboxes, deadlines, cancels,
// promises; then, with threads, methods that do not return, and a stop.
#include "failure.h"
#include <stdatomic.h>
#include <uv.h>

// ---- full mailboxes -----------------------------------------------------------------------------------
#define FULL(C, POLICY)                                                                            \
  struct C {                                                                                       \
    struct worker w;                                                                               \
  };                                                                                               \
  GROVE_ACTOR_WITH(C##_LIST, C, .mailbox = 2, .full = POLICY)                                      \
  static grove_status C##_start(grove *self, struct C *c, const grove_none *none)                  \
  {                                                                                                \
    return worker_start(self, &c->w, none);                                                        \
  }                                                                                                \
  static grove_status C##_run(grove *self, struct C *c, const act *a, long *reply)                 \
  {                                                                                                \
    return a->run(self, &c->w, a->user, reply);                                                    \
  }                                                                                                \
  static grove_status C##_finish(grove *self, struct C *c, const act *a, long *reply)              \
  {                                                                                                \
    return a->run(self, &c->w, a->user, reply);                                                    \
  }
#define fails_LIST(START, METHOD) WORKER(START, METHOD, fails)
FULL(fails, GROVE_FULL_FAIL)
#define waits_LIST(START, METHOD) WORKER(START, METHOD, waits)
FULL(waits, GROVE_FULL_WAIT)
#define newest_LIST(START, METHOD) WORKER(START, METHOD, newest)
FULL(newest, GROVE_FULL_DROP_NEW)
#define oldest_LIST(START, METHOD) WORKER(START, METHOD, oldest)
FULL(oldest, GROVE_FULL_DROP_OLD)

static void a_full_mailbox_does_what_its_class_says(void **state)
{
  static const struct {
    const grove_class *c;
    const grove_method *run;
    grove_status sent, call[4];
  } rows[] = {
      {&fails_class, &fails_run_method, GROVE_EAGAIN, {0, 0, 0, GROVE_EAGAIN}},
      {&waits_class, &waits_run_method, GROVE_OK, {0, 0, 0, 0}},
      {&newest_class, &newest_run_method, GROVE_OK, {0, 0, 0, GROVE_EAGAIN}},
      {&oldest_class, &oldest_run_method, GROVE_OK, {0, GROVE_EAGAIN, GROVE_EAGAIN, 0}},
  };
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
      memset(&seen, 0, sizeof seen);
      grove *g = grove_test_start(NULL);
      grove_ref r = grove_spawn(g, rows[i].c, &GROVE_NONE, NULL);
      grove_future f[4];
      grove_error err;
      long reply;
      f[0] = grove_call(g, r, rows[i].run, &(act){nap, &ms_1000});
      grove_sim_run(g, 0); // it is busy; its mailbox is empty, and has room for two
      for (int n = 1; n < 4; n++) {
        f[n] = grove_call(g, r, rows[i].run, &(act){count, NULL});
      }
      grove_status sent = grove_send(g, r, rows[i].run, &(act){count, NULL});
      assert_grove_status(sent, rows[i].sent, NULL);
      for (int n = 0; n < 4; n++) {
        assert_grove_status(
            grove_get(g, f[n], GROVE_FOREVER, &reply, sizeof reply, &err), rows[i].call[n], &err);
      }
      grove_test_stop(g);
    }
  }
}

static void now_never_waits(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    memset(&seen, 0, sizeof seen);
    grove *g = grove_test_start(NULL);
    waits_ref w = waits_spawn(g, GROVE_NONE, NULL);
    waits_run_future f;
    check_ok(waits_run_send_now(g, w, (act){nap, &ms_1000}));
    grove_sim_run(g, 0);
    check_ok(waits_run_send_now(g, w, (act){count, NULL}));
    check_ok(waits_run_call_now(g, w, (act){count, NULL}, &f));
    check_status(waits_run_send_now(g, w, (act){count, NULL}), GROVE_EAGAIN);
    check_status(waits_run_call_now(g, w, (act){count, NULL}, &(waits_run_future){{0, 0}}), GROVE_EAGAIN);
    check_ok(waits_run_get(g, f, GROVE_FOREVER, NULL, NULL));
    assert_int_equal(seen.ran, 2);
    grove_test_stop(g);
  }
}

// ---- put back -----------------------------------------------------------------------------------------
static bool gate_is_open;
static grove_status when_open(grove *self, struct worker *w, void *user, long *reply)
{
  return gate_is_open ? count(self, w, user, reply) : grove_defer(self);
}
static grove_status open_gate(grove *self, struct worker *w, void *user, long *reply)
{
  (void)w, (void)user, (void)reply;
  gate_is_open = true;
  grove_undefer(self);
  return GROVE_OK;
}
static row begin_put_back(const grove_spawn_options *o, worker_run_future *f, int n)
{
  row r = begin(o, 0);
  gate_is_open = false;
  for (int i = 0; i < n; i++) {
    f[i] = ask(&r, when_open, NULL);
  }
  grove_sim_run(r.g, 0);
  grove_info info = {.struct_size = sizeof info};
  check_ok(grove_inspect(r.g, r.w.ref, &info));
  assert_int_equal(info.mailbox_depth, n);
  return r;
}

static void one_put_back_waits_and_can_end_there(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    worker_run_future f[3];
    row r = begin_put_back(NULL, f, 3);
    grove_cancel(r.g, f[0].future);
    assert_true(grove_ended(r.g, f[0].future));
    assert_grove_status(get(&r, f[0]), GROVE_ECANCELED, &r.err);
    grove_future late =
        grove_call_within(r.g, 200, r.w.ref, &worker_run_method, &(act){when_open, NULL});
    assert_grove_status(grove_get(r.g, late, GROVE_FOREVER, &r.reply, sizeof r.reply, &r.err),
        GROVE_EEXPIRED, &r.err);
    assert_grove_words(&r.err, "queued");
    assert_grove_ok(get(&r, ask(&r, open_gate, NULL)), &r.err);
    assert_grove_ok(get(&r, f[1]), &r.err);
    assert_grove_ok(get(&r, f[2]), &r.err);
    assert_int_equal(seen.ran, 2); // neither of the others
    lives(&r);
    grove_test_stop(r.g);
  }
}

static void those_put_back_share_their_actors_lot(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    worker_run_future f[2];
    row r = begin_put_back(&transient, f, 2);
    gate_is_open = true;
    assert_grove_status(get(&r, ask(&r, crash, NULL)), GROVE_EDEAD, &r.err);
    for (int i = 0; i < 2; i++) { // the next life
      assert_grove_ok(get(&r, f[i]), &r.err);
      assert_int_equal(r.reply, 2);
    }
    grove_drop(r.g, r.down);
    grove_test_stop(r.g);

    r = begin_put_back(&forgetful, f, 2);
    assert_grove_status(get(&r, ask(&r, crash, NULL)), GROVE_EDEAD, &r.err);
    for (int i = 0; i < 2; i++) {
      assert_grove_status(get(&r, f[i]), GROVE_EDEAD, &r.err);
      assert_grove_words(&r.err, "the heap is wrong");
    }
    grove_drop(r.g, r.down);
    grove_test_stop(r.g);

    for (int64_t grace = 0; grace <= 1000; grace += 1000) {
      r = begin_put_back(NULL, f, 2);
      grove_drop(r.g, grove_exit(r.g, r.w.ref, grace));
      for (int i = 0; i < 2; i++) {
        assert_grove_status(get(&r, f[i]), GROVE_EDEAD, &r.err);
      }
      ends(&r, grace ? GROVE_OK : GROVE_ECANCELED, 0);
      grove_test_stop(r.g);
    }
  }
}

static void one_place_is_never_for_those_put_back(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    memset(&seen, 0, sizeof seen);
    gate_is_open = false;
    grove *g = grove_test_start(NULL);
    fails_ref a = fails_spawn(g, GROVE_NONE, NULL);
    oldest_ref b = oldest_spawn(g, GROVE_NONE, NULL);
    fails_run_future f[2];
    oldest_run_future o[4];
    grove_error err;
    for (int i = 0; i < 2; i++) {
      f[i] = fails_run_call(g, a, (act){when_open, NULL});
      grove_sim_run(g, 0);
    }
    assert_grove_status(fails_run_get(g, f[1], GROVE_FOREVER, NULL, &err), GROVE_EAGAIN, &err);
    assert_grove_words(&err, "limits: 2 messages");
    for (int i = 0; i < 4; i++) {
      o[i] = oldest_run_call(g, b, (act){when_open, NULL});
      grove_sim_run(g, 0);
    }
    assert_grove_status(oldest_run_get(g, o[0], GROVE_FOREVER, NULL, &err), GROVE_EAGAIN, &err);
    assert_grove_words(&err, "dropped as the oldest");
    check_ok(fails_run_ask(g, a, (act){open_gate, NULL}, 1000, NULL, NULL));
    check_ok(fails_run_get(g, f[0], GROVE_FOREVER, NULL, NULL));
    check_ok(oldest_run_ask(g, b, (act){open_gate, NULL}, 1000, NULL, NULL));
    check_ok(oldest_run_get(g, o[3], GROVE_FOREVER, NULL, NULL));
    grove_drop(g, o[1].future); // the opener took a place, too
    grove_drop(g, o[2].future);
    grove_test_stop(g);
  }
}

// ---- deadlines and cancels ----------------------------------------------------------------------------
static void a_deadline_passes_before_or_while_it_runs(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(NULL, 0);
    worker_run_future first = ask(&r, nap, &ms_1000);
    act a = {count, NULL};
    grove_future late = grove_call_within(r.g, 200, r.w.ref, &worker_run_method, &a);
    assert_grove_status(grove_get(r.g, late, GROVE_FOREVER, &r.reply, sizeof r.reply, &r.err),
        GROVE_EEXPIRED, &r.err);
    assert_grove_words(&r.err, "queued");
    assert_grove_ok(get(&r, first), &r.err);
    assert_int_equal(seen.ran, 0); // what had not begun never does

    a = (act){nap_and_answer, &ms_long};
    late = grove_call_within(r.g, 200, r.w.ref, &worker_run_method, &a);
    assert_grove_status(grove_get(r.g, late, GROVE_FOREVER, &r.reply, sizeof r.reply, &r.err),
        GROVE_EEXPIRED, &r.err);
    assert_grove_words(&r.err, "running");
    grove_sim_run(r.g, 0);
    assert_int_equal(seen.canceled, 1); // and its late answer went nowhere

    a = (act){nap_and_answer, &ms_1000};
    late = grove_call_within(r.g, 200, r.w.ref, &worker_finish_method, &a);
    assert_grove_status(grove_get(r.g, late, GROVE_FOREVER, &r.reply, sizeof r.reply, &r.err),
        GROVE_EEXPIRED, &r.err);
    grove_sim_advance(r.g, 2000);
    assert_int_equal(seen.canceled, 1); // GROVE_METHOD_FINISH did not see it
    lives(&r);
    grove_test_stop(r.g);
  }
}

static void a_deadline_passes_while_there_is_no_room(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    memset(&seen, 0, sizeof seen);
    grove *g = grove_test_start(NULL);
    grove_ref r = grove_spawn(g, &waits_class, &GROVE_NONE, NULL);
    grove_future f[4];
    grove_error err;
    f[0] = grove_call(g, r, &waits_run_method, &(act){nap, &ms_1000});
    grove_sim_run(g, 0);
    for (int n = 1; n < 3; n++) {
      f[n] = grove_call(g, r, &waits_run_method, &(act){count, NULL});
    }
    f[3] = grove_call_within(g, 300, r, &waits_run_method, &(act){count, NULL});
    assert_int_equal(grove_now_ns(g) / 1000000, 300); // it waited in there
    for (int n = 0; n < 4; n++) {
      grove_status want = n == 3 ? GROVE_EEXPIRED : GROVE_OK;
      assert_grove_status(grove_get(g, f[n], GROVE_FOREVER, NULL, 0, &err), want, &err);
    }
    assert_grove_words(&err, "deadline passed");
    assert_int_equal(seen.ran, 2);
    grove_test_stop(g);
  }
}

static void a_wait_that_runs_out_changes_nothing(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(NULL, 0);
    worker_run_future f = ask(&r, nap, &ms_1000);
    assert_grove_status(worker_run_get(r.g, f, 100, &r.reply, &r.err), GROVE_ETIMEDOUT, &r.err);
    assert_grove_words(&r.err, "is running");
    assert_grove_ok(get(&r, f), &r.err);
    lives(&r);
    grove_test_stop(r.g);
  }
}

static void a_cancel_comes_before_or_while_it_runs(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(NULL, 0);
    worker_run_future running = ask(&r, nap, &ms_long), queued = ask(&r, count, NULL);
    grove_sim_run(r.g, 0);
    grove_cancel(r.g, queued.future);
    assert_true(grove_ended(r.g, queued.future));
    assert_grove_status(get(&r, queued), GROVE_ECANCELED, &r.err);
    grove_cancel(r.g, running.future);
    assert_grove_status(get(&r, running), GROVE_ECANCELED, &r.err);
    assert_int_equal(seen.canceled, 1);
    assert_int_equal(seen.ran, 0);

    running = ask(&r, nap_and_answer, &ms_long);
    grove_sim_run(r.g, 0);
    grove_cancel(r.g, running.future); // a request: the method had an answer all the same
    assert_grove_ok(get(&r, running), &r.err);

    act a = {nap, &ms_1000};
    grove_future f = grove_call(r.g, r.w.ref, &worker_finish_method, &a);
    grove_sim_run(r.g, 0);
    grove_cancel(r.g, f);
    assert_grove_ok(grove_get(r.g, f, GROVE_FOREVER, &r.reply, sizeof r.reply, &r.err), &r.err);
    lives(&r);
    grove_test_stop(r.g);
  }
}

static void a_promise_dies_with_its_actor(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(&transient, 0);
    worker_run_future f = ask(&r, answer_later, NULL);
    assert_grove_status(worker_run_get(r.g, f, 100, &r.reply, &r.err), GROVE_ETIMEDOUT, &r.err);
    assert_grove_words(&r.err, "to be answered later");
    assert_grove_status(get(&r, ask(&r, crash, NULL)), GROVE_EDEAD, &r.err);
    assert_grove_status(get(&r, f), GROVE_EDEAD, &r.err); // a restart ends it, too
    assert_grove_words(&r.err, "the heap is wrong");
    grove_sim_advance(r.g, 1000);
    lives(&r);
    grove_test_stop(r.g);
  }
}

// ---- with threads: what simulation can't show ---------------------------------------------------------
static uv_sem_t let_go, all_freed;
static void say_freed(void *user)
{
  (void)user;
  uv_sem_post(&all_freed);
}
static atomic_int held;
static grove_status hold(grove *self, struct worker *w, void *user, long *reply)
{
  (void)self, (void)w, (void)user;
  atomic_fetch_add(&held, 1);
  uv_sem_wait(&let_go); // knows nothing of grove, and does not return
  *reply = 1;
  return GROVE_OK;
}

static void one_that_does_not_return_is_stuck(void **state)
{
  grove *g;
  grove_error err, down;
  long reply;
  (void)state;
  memset(&seen, 0, sizeof seen);
  atomic_store(&held, 0);
  assert_int_equal(uv_sem_init(&let_go, 0), 0);
  assert_grove_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2}, &g), NULL);
  worker_ref w = worker_spawn(g, GROVE_NONE,
      &(grove_spawn_options){GROVE_SPAWN, .restart = GROVE_TRANSIENT, .stop_ms = 50});
  worker_run_future f = worker_run_call(g, w, (act){hold, NULL});
  worker_run_future queued = worker_run_call(g, w, (act){count, NULL});
  grove_future monitor = grove_monitor(g, w.ref);
  while (!atomic_load(&held)) {
    assert_grove_ok(grove_sleep(g, 1), NULL);
  }
  grove_drop(g, grove_exit(g, w.ref, 0));
  assert_grove_status(worker_run_get(g, f, 20000, &reply, &err), GROVE_ESTUCK, &err);
  assert_grove_status(worker_run_get(g, queued, 20000, &reply, &err), GROVE_EDEAD, &err);
  assert_grove_words(&err, "did not end in time");
  assert_grove_ok(grove_get(g, monitor, 20000, &down, sizeof down, &err), &err);
  assert_grove_status(down.status, GROVE_ESTUCK, &down);
  uv_sem_post(&let_go);
  assert_grove_ok(grove_stop(g, 20000, NULL), NULL);
  uv_sem_destroy(&let_go);
}

static void a_stop_ends_all_and_names_who_would_not(void **state)
{
  grove_stop_report report = {.struct_size = sizeof report};
  grove *g;
  (void)state;
  memset(&seen, 0, sizeof seen);
  atomic_store(&held, 0);
  assert_int_equal(uv_sem_init(&let_go, 0), 0);
  assert_grove_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2}, &g), NULL);
  worker_ref w = worker_spawn(g, GROVE_NONE, NULL);
  assert_grove_ok(grove_get(g, grove_ready(g, w.ref), 20000, NULL, 0, NULL), NULL);
  assert_grove_ok(worker_run_send(g, w, (act){nap, &ms_long}), NULL);
  assert_grove_ok(grove_stop(g, 20000, &report), NULL);
  assert_int_equal(seen.why, GROVE_ECLOSED); // its `stop` ran
  assert_int_equal(seen.stops, 1);
  assert_int_equal(report.busy, 0);

  assert_int_equal(uv_sem_init(&all_freed, 0), 0);
  assert_grove_ok(
      grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2, .freed = say_freed}, &g), NULL);
  w = worker_spawn(g, GROVE_NONE, &(grove_spawn_options){GROVE_SPAWN, .name = "blocked"});
  (void)worker_run_call(g, w, (act){hold, NULL});
  while (!atomic_load(&held)) {
    assert_grove_ok(grove_sleep(g, 1), NULL);
  }
  assert_grove_status(grove_stop(g, 50, &report), GROVE_ETIMEDOUT, NULL);
  assert_int_equal(report.busy, 1);
  check_contains(report.first[0].name, "blocked");
  assert_string_equal(report.first[0].method, "run");
  uv_sem_post(&let_go);
  uv_sem_wait(&all_freed); // the stuck thread gives the rest back
  uv_sem_destroy(&all_freed);
  uv_sem_destroy(&let_go);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      GROVE_TEST(a_full_mailbox_does_what_its_class_says),
      GROVE_TEST(now_never_waits),
      GROVE_TEST(one_put_back_waits_and_can_end_there),
      GROVE_TEST(those_put_back_share_their_actors_lot),
      GROVE_TEST(one_place_is_never_for_those_put_back),
      GROVE_TEST(a_deadline_passes_before_or_while_it_runs),
      GROVE_TEST(a_deadline_passes_while_there_is_no_room),
      GROVE_TEST(a_wait_that_runs_out_changes_nothing),
      GROVE_TEST(a_cancel_comes_before_or_while_it_runs),
      GROVE_TEST(a_promise_dies_with_its_actor),
      GROVE_TEST(one_that_does_not_return_is_stuck),
      GROVE_TEST(a_stop_ends_all_and_names_who_would_not),
  };
  return GROVE_TEST_RUN(argc, argv, tests);
}
