// Stopping in the middle of things: a restart, another stop, a send that waits; and what never returns, wherever it is.
#include "actors.h"

static atomic_int starts, destroys;
static grove_status count_start(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self, (void)s, (void)user, (void)reply;
  atomic_fetch_add(&starts, 1);
  return GROVE_OK;
}
static void count_destroy(hand_state *s)
{
  (void)s;
  atomic_fetch_add(&destroys, 1);
}
static void reset_counts(void)
{
  atomic_store(&starts, 0);
  atomic_store(&destroys, 0);
}

// ---- while they restart -----------------------------------------------------------------------------------------
enum { CRASHED = 5 };
// Between two starts, with a pause of a minute before the next.
static void test_while_they_wait_to_restart(void **state)
{
  struct rig *r = *state;
  grove_stop_report report = {.struct_size = sizeof report};
  grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_PERMANENT, .backoff_min_ms = 60000,
      .backoff_max_ms = 60000, .queue_ms = 60000};
  grove_ref a[CRASHED];
  reset_counts();
  for (int i = 0; i < CRASHED; i++) {
    a[i] = spawn_plan(r->g, (hand_plan){.start = count_start, .destroy = count_destroy}, &o);
    check_ok(tell(r->g, a[i], job_crash, NULL));
    check_ok(tell(r->g, a[i], job_echo, NULL)); // kept for the next life
  }
  rig_until(r, &destroys, CRASHED);
  grove_info info = {.struct_size = sizeof info};
  for (int i = 0; i < CRASHED; i++) {
    while (info.phase != GROVE_PHASE_RESTARTING) {
      check_ok(grove_sleep(r->g, 1));
      check_ok(grove_inspect(r->g, a[i], &info));
    }
    info.phase = 0;
    (void)ask(r->g, a[i], job_echo, NULL).slot; // queued, and left open
  }
  int64_t from = grove_now_ns(r->g);
  check_ok(rig_end(r, 30000, &report));
  if (r->kind != ON_SIMULATION) {
    assert_in_range((int64_t)uv_hrtime() - from, 0, INT64_C(20000) * 1000000);
  }
  assert_int_equal(report.busy, 0);
  assert_int_equal(report.ended, CRASHED);
  assert_int_equal(report.dropped, 2 * CRASHED);
  assert_int_equal(starts, CRASHED); // none was started again
  assert_int_equal(destroys, CRASHED);
  rig_check_gone(r);
}

// In a start that waits, the first and one of a restart.
static pause_point in_start;
static grove_status pause_in_start(grove *self, hand_state *s, void *user, long *reply)
{
  long n;
  atomic_fetch_add(&starts, 1);
  (void)reply;
  return user && atomic_load(&starts) == 1 ? GROVE_OK : job_pause(self, s, &in_start, &n);
}
static void test_while_they_start(void **state)
{
  struct rig *r = *state;
  for (int again = 0; again < 2; again++) {
    reset_counts();
    memset(&in_start, 0, sizeof in_start);
    grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_PERMANENT, .backoff_min_ms = 1};
    hand_plan plan = {
        .start = pause_in_start, .destroy = count_destroy, .user = again ? &in_start : NULL};
    grove_ref a = spawn_plan(r->g, plan, &o);
    check_ok(tell(r->g, a, again ? job_crash : job_echo, NULL));
    rig_until(r, &in_start.begun, 1);
    rig_stop(r);
    assert_int_equal(in_start.ended, 1);
    assert_int_equal(starts, 1 + again);
    assert_int_equal(destroys, 1 + again);
    atomic_store(&r->freed, 0);
    rig_start(r, NULL);
  }
}

// Those that crash as fast as they can.
static grove_status job_crash_soon(grove *self, hand_state *s, void *user, long *reply)
{
  grove_status status = grove_sleep(self, 1);
  return status ? status : job_crash(self, s, user, reply);
}
static void test_while_they_crash(void **state)
{
  struct rig *r = *state;
  grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_PERMANENT, .backoff_min_ms = 1,
      .backoff_max_ms = 2, .max_restarts = 1000000};
  for (int round = 0; round < 20; round++) {
    reset_counts();
    for (int i = 0; i < 8; i++) {
      grove_ref a =
          spawn_plan(r->g, (hand_plan){.start = count_start, .destroy = count_destroy}, &o);
      for (int k = 0; k < 20; k++) {
        check_ok(tell(r->g, a, job_crash_soon, NULL));
      }
    }
    check_ok(grove_sleep(r->g, round));
    rig_stop(r);
    assert_int_equal(starts, destroys);
    atomic_store(&r->freed, 0);
    rig_start(r, NULL);
  }
}

// ---- twice ------------------------------------------------------------------------------------------------------
typedef struct other_stop {
  grove *g;
  atomic_int done;
  grove_status status;
} other_stop;
static void stop_from_a_thread(void *user)
{
  other_stop *o = user;
  o->status = grove_stop(o->g, 20000, NULL);
  atomic_fetch_add(&o->done, 1);
}
static void test_twice(void **state)
{
  struct rig *r = *state;
  static hold h;
  uv_thread_t t;
  grove_stop_report report = {.struct_size = sizeof report};
  hold_init(&h);
  check_ok(tell(r->g, spawn_hand(r->g), job_hold, &h));
  rig_until(r, &h.begun, 1);
  other_stop o = {.g = r->g};
  assert_int_equal(uv_thread_create(&t, stop_from_a_thread, &o), 0);
  grove_status s = GROVE_OK;
  while (!(s = grove_ref_status(spawn_hand(r->g)))) { // until it is at work
    check_pause();
  }
  check_status(s, GROVE_ECLOSED);
  check_status(grove_stop(r->g, GROVE_FOREVER, &report), GROVE_ECLOSED); // at once
  assert_int_equal(o.done, 0);
  hold_let_go(&h);
  uv_thread_join(&t);
  check_ok(o.status);
  rig_check_gone(r);
  uv_sem_destroy(&h.sem);
}

// Once more after one that timed out, while the stuck method is still at it.
static void test_again_after_a_time_out(void **state)
{
  struct rig *r = *state;
  static hold h;
  grove_stop_report report = {.struct_size = sizeof report};
  hold_init(&h);
  check_ok(tell(r->g, spawn_hand(r->g), job_hold, &h));
  rig_until(r, &h.begun, 1);
  grove *g = r->g;
  check_status(rig_end(r, 40, &report), GROVE_ETIMEDOUT);
  assert_int_equal(report.busy, 1);
  report.busy = 77;
  check_status(grove_stop(g, GROVE_FOREVER, &report), GROVE_ECLOSED);
  assert_int_equal(report.busy, 77); // nothing was written
  assert_int_equal(atomic_load(&r->freed), 0);
  hold_let_go(&h);
  rig_until_freed(r);
  uv_sem_destroy(&h.sem);
}

// ---- a thread that waits for room ---------------------------------------------------------------------------------
#define waiting_LIST(S, M) HAND_METHODS(S, M, waiting)
HANDS(waiting, .mailbox = 1, .full = GROVE_FULL_WAIT)
typedef struct pusher {
  grove *g;
  grove_ref to;
  atomic_int sent, told;
  grove_status status;
} pusher;
static void push(void *user)
{
  pusher *p = user;
  hand_job job = {job_echo, NULL};
  while (!(p->status = grove_send(p->g, p->to, &waiting_run_method, &job))) {
    atomic_fetch_add(&p->sent, 1);
  }
  atomic_fetch_add(&p->told, 1);
}
static void test_threads_that_wait_for_room(void **state)
{
  struct rig *r = *state;
  for (int round = 0; round < 10; round++) {
    static pause_point p;
    uv_thread_t t;
    memset(&p, 0, sizeof p);
    pusher w = {.g = r->g, .to = spawn_of(r->g, &waiting_class)};
    check_ok(grove_send(r->g, w.to, &waiting_run_method, &(hand_job){job_pause, &p}));
    rig_until(r, &p.begun, 1);
    assert_int_equal(uv_thread_create(&t, push, &w), 0);
    rig_until(r, &w.sent, 1);
    check_ok(grove_sleep(r->g, 3)); // so that it stands in its wait
    rig_stop(r);
    uv_thread_join(&t);
    assert_true(
        w.status == GROVE_ECLOSED || w.status == GROVE_ENOACTOR || w.status == GROVE_ECANCELED);
    atomic_store(&r->freed, 0);
    rig_start(r, NULL);
  }
}

// ---- what never returns, and where ------------------------------------------------------------------------------
static hold held;
static grove_status hold_in_start(grove *self, hand_state *s, void *user, long *reply)
{
  long n;
  (void)user, (void)reply;
  return job_hold(self, s, &held, &n);
}
static void hold_in_stop(grove *self, hand_state *s, grove_status why)
{
  long n;
  (void)why;
  (void)!job_hold(self, s, &held, &n);
}
static void hold_in_destroy(hand_state *s)
{
  long n;
  (void)!job_hold(NULL, s, &held, &n);
}
static grove_status hold_in_then(grove *g, void *user, grove_future f)
{
  long n;
  (void)f;
  return job_hold(g, NULL, user, &n);
}
static grove_status job_set_then(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  return grove_then(self, ask(self, *(grove_ref *)user, job_echo, NULL), hold_in_then, &held);
}
GROVE_FUNCTION(hold_in_task, long, long)
static grove_status hold_in_task(grove *self, const long *n, long *out)
{
  (void)n;
  return job_hold(self, NULL, &held, out);
}

typedef struct place {
  const char *name, *method;
  hand_plan plan;
} place;
static void test_it_never_returns_from(void **state)
{
  struct rig *r = *state;
  static const place places[] = {{"start", "start", {.start = hold_in_start}},
      {"stop", "stop", {.stop = hold_in_stop}},
      {"destroy", "destroy", {.destroy = hold_in_destroy}},
      {"then", "then", {NULL, NULL, NULL, NULL}},
      {"task", "hold_in_task", {NULL, NULL, NULL, NULL}}};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    const place *at = &places[i];
    grove_stop_report report = {.struct_size = sizeof report};
    hold_init(&held);
    grove_ref other = spawn_hand(r->g);
    grove_ref a = spawn_plan(r->g, at->plan, &(grove_spawn_options){GROVE_SPAWN, .name = "stone"});
    bool late = i == 1 || i == 2; // only the stop itself brings it there
    if (i == 3) {
      check_ok(tell(r->g, a, job_set_then, &other));
    } else if (i == 4) {
      grove_drop(r->g, grove_monitor(r->g, a));
      (void)hold_in_task_task(r->g, 0);
    } else {
      check_ok(tell(r->g, a, job_echo, NULL));
    }
    if (!late) {
      rig_until(r, &held.begun, 1);
    } else {
      check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL)); // it has started: both are owed
    }
    int64_t from = (int64_t)uv_hrtime();
    // Long enough for all others to have their turn, and for this one to get there, also where threads wait for a processor.
    check_status(rig_end(r, 500, &report), GROVE_ETIMEDOUT);
    assert_in_range((int64_t)uv_hrtime() - from, 0, INT64_C(10000) * 1000000);
    print_message("%s: %s in %s\n", at->name, report.first[0].name, report.first[0].method);
    assert_int_equal(report.busy, 1);
    assert_string_equal(report.first[0].method, at->method);
    assert_int_equal(atomic_load(&r->freed), 0);
    hold_let_go(&held);
    rig_until_freed(r);
    uv_sem_destroy(&held.sem);
    atomic_store(&r->freed, 0);
    rig_start(r, NULL);
  }
}

static const rig_test tests[] = {
    EVERYWHERE(test_while_they_wait_to_restart),
    EVERYWHERE(test_while_they_start),
    EVERYWHERE(test_while_they_crash),
    ON(WORKERS, test_twice),
    THREADED(test_again_after_a_time_out),
    THREADED(test_threads_that_wait_for_room),
    THREADED(test_it_never_returns_from),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
