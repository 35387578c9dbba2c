// What an actor waits for, in words; the times of one actor; an actor that is made to start again.
#include "actors.h"

typedef struct one {
  grove_wait_info info;
  size_t total;
} one;

static one wait_of(grove *g, grove_ref who)
{
  one w = {.info = {.struct_size = sizeof w.info}};
  check_ok(grove_waits(g, who, &w.info, sizeof w.info, 1, &w.total));
  return w;
}

// Until it stands in its wait.
static one suspended(rig *r, grove_ref who)
{
  one w = wait_of(r->g, who);
  for (int i = 0; i < 20000 && w.total == 0; i++) {
    check_ok(grove_sleep(r->g, 1));
    if (r->kind == ON_LOOP) {
      uv_run(&r->loop, UV_RUN_NOWAIT);
    }
    w = wait_of(r->g, who);
  }
  assert_int_equal(w.total, 1);
  return w;
}

typedef struct errand {
  grove_ref to;
  pause_point *pause;
} errand;

static grove_status job_ask_pause(grove *self, hand_state *s, void *user, long *reply)
{
  const errand *e = user;
  (void)s;
  return grove_get(self, ask(self, e->to, job_pause, e->pause), 90000, reply, sizeof *reply, NULL);
}

static grove_status job_sleep(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  return grove_sleep(self, 3600000);
}

static void answers_and_promises(void **state)
{
  rig *r = *state;
  pause_point p;
  long reply;
  atomic_init(&p.begun, 0);
  atomic_init(&p.ended, 0);
  grove_ref anna = spawn_plan(
      r->g, (hand_plan){NULL, NULL, NULL, NULL}, &(grove_spawn_options){GROVE_SPAWN, .label = "anna"});
  grove_ref boss = spawn_hand(r->g);
  errand e = {anna, &p};
  assert_int_equal(wait_of(r->g, boss).total, 0);
  grove_future f = ask(r->g, boss, job_ask_pause, &e);
  rig_until(r, &p.begun, 1);
  one w = suspended(r, boss);
  assert_int_equal(w.info.kind, GROVE_WAIT_FUTURES);
  assert_int_equal(w.info.futures, 1);
  assert_int_equal(w.info.wanted, 1);
  assert_true(grove_ref_equal(w.info.who, anna));
  assert_string_equal(w.info.method, "run");
  check_contains(w.info.text, "anna");
  check_contains(w.info.text, "running");
  assert_true(w.info.until_ns > 0 && w.info.until_ns <= 90000000000);
  w = suspended(r, anna); // for a promise, which is nobody's
  assert_int_equal(w.info.kind, GROVE_WAIT_FUTURES);
  assert_true(grove_ref_equal(w.info.who, GROVE_NOBODY));
  check_contains(w.info.text, "an answer that nobody owes yet");
  assert_int_equal(w.info.until_ns, -1);
  pause_end(r->g, &p, 5);
  check_ok(grove_get(r->g, f, 20000, &reply, sizeof reply, NULL));
  assert_int_equal(reply, 5);
}

// What it can be asked, and how much of it is going on.
static void methods(void **state)
{
  rig *r = *state;
  pause_point p;
  long reply;
  size_t total;
  grove_method_info m = {.struct_size = sizeof m};
  atomic_init(&p.begun, 0);
  atomic_init(&p.ended, 0);
  grove_ref a = spawn_hand(r->g);
  check_ok(grove_methods(r->g, a, &m, sizeof m, 1, &total));
  assert_true(total >= 1);
  assert_string_equal(m.name, "run");
  assert_string_equal(m.argument, "hand_job");
  assert_string_equal(m.reply, "long");
  assert_int_equal(m.at_work, 0);
  grove_future f = ask(r->g, a, job_pause, &p);
  rig_until(r, &p.begun, 1);
  (void)suspended(r, a);
  check_ok(grove_methods(r->g, a, &m, sizeof m, 1, &total));
  assert_int_equal(m.at_work, 1);
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, f, 20000, &reply, sizeof reply, NULL));
  check_status(grove_methods(r->g, a, &m, 4, 1, &total), GROVE_EINVAL);
  check_ok(grove_get(r->g, grove_exit(r->g, a, 0), 20000, NULL, 0, NULL));
  check_status(grove_methods(r->g, a, &m, sizeof m, 1, &total), GROVE_ENOACTOR);
}

// Whoever leafs through all actors leaves nothing behind at those that have nothing to do.
static void times_are_given_back(void **state)
{
  rig *r = *state;
  grove_ref a = spawn_hand(r->g);
  grove_times t = {.struct_size = sizeof t};
  grove_stats s = {.struct_size = sizeof s};
  grove_info row;
  size_t total;
  check_ok(grove_snapshot(r->g, NULL, &row, sizeof row, 1, &total));
  check_ok(grove_stats_get(r->g, &s));
  uint64_t before = s.memory_of[GROVE_MEMORY_WATCH];
  check_ok(grove_actor_times(r->g, a, &t));
  check_ok(grove_snapshot(r->g, NULL, &row, sizeof row, 1, &total));
  check_ok(grove_stats_get(r->g, &s));
  assert_true(s.memory_of[GROVE_MEMORY_WATCH] > before);
  check_ok(grove_sleep(r->g, 10001));
  check_ok(grove_snapshot(r->g, NULL, &row, sizeof row, 1, &total));
  check_ok(grove_stats_get(r->g, &s));
  assert_int_equal(s.memory_of[GROVE_MEMORY_WATCH], before);
}

static void time_and_room(void **state)
{
  rig *r = *state;
  grove_ref sleeper = spawn_hand(r->g);
  grove_future f = ask(r->g, sleeper, job_sleep, NULL);
  one w = {.total = 0};
  if (r->kind != ON_SIMULATION) { // where time goes on as soon as all wait
    w = suspended(r, sleeper);
    assert_int_equal(w.info.kind, GROVE_WAIT_TIME);
    assert_true(w.info.until_ns > 0);
    check_contains(w.info.text, "sleep");
  }
  grove_drop(r->g, f);
  check_status(grove_waits(r->g, GROVE_NOBODY, NULL, 0, 0, &w.total), GROVE_ENOACTOR);
  check_status(grove_waits(r->g, sleeper, NULL, 4, 1, &w.total), GROVE_EINVAL);
  check_ok(grove_get(r->g, grove_exit(r->g, sleeper, 0), 20000, NULL, 0, NULL));
  check_status(grove_waits(r->g, sleeper, NULL, 0, 0, &w.total), GROVE_ENOACTOR);
}

// A mailbox of one, which its actor does not empty: who sends waits for room in it.
#define narrow_LIST(S, M) HAND_METHODS(S, M, narrow)
HANDS(narrow, .mailbox = 1, .full = GROVE_FULL_WAIT)
static grove_status job_tell_much(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s;
  grove_status done = GROVE_OK;
  for (*reply = 0; *reply < 4 && !done; ++*reply) {
    done = grove_send(self, *(grove_ref *)user, &narrow_run_method, &(hand_job){job_echo, NULL});
  }
  return done;
}

static void room(void **state)
{
  rig *r = *state;
  pause_point p;
  long reply;
  atomic_init(&p.begun, 0);
  atomic_init(&p.ended, 0);
  grove_ref slow = spawn_of(r->g, &narrow_class), teller = spawn_hand(r->g);
  grove_future held = ask_of(r->g, slow, &narrow_run_method, job_pause, &p);
  rig_until(r, &p.begun, 1);
  grove_future f = ask(r->g, teller, job_tell_much, &slow);
  one w = suspended(r, teller);
  assert_int_equal(w.info.kind, GROVE_WAIT_ROOM);
  assert_true(grove_ref_equal(w.info.who, slow));
  check_contains(w.info.text, "room in the mailbox of narrow");
  pause_end(r->g, &p, 0);
  check_ok(grove_get(r->g, f, 20000, &reply, sizeof reply, NULL));
  check_ok(grove_get(r->g, held, 20000, &reply, sizeof reply, NULL));
}

// Blocking code holds a thread, and waits for what nobody knows.
#define slow_LIST(S, M) HAND_METHODS(S, M, slow)
HANDS(slow, .blocking = 1)
static void foreign_code(void **state)
{
  rig *r = *state;
  hold h;
  long reply;
  hold_init(&h);
  grove_ref a = spawn_of(r->g, &slow_class);
  grove_future f = ask_of(r->g, a, &slow_run_method, job_hold, &h);
  rig_until(r, &h.begun, 1);
  one w = suspended(r, a);
  assert_int_equal(w.info.kind, GROVE_WAIT_THREAD);
  assert_string_equal(w.info.method, "run");
  hold_let_go(&h);
  check_ok(grove_get(r->g, f, 20000, &reply, sizeof reply, NULL));
  uv_sem_destroy(&h.sem);
}

static void times(void **state)
{
  rig *r = *state;
  grove *g = r->g;
  long reply;
  grove_times t = {.struct_size = sizeof t};
  grove_ref a = spawn_hand(g), b = spawn_hand(g);
  check_ok(grove_actor_times(g, a, &t));
  assert_int_equal(t.timed, 0);
  for (int i = 0; i < 1600; i++) {
    check_ok(ask_and_get(g, a, job_echo, NULL, &reply, NULL));
    check_ok(ask_and_get(g, b, job_echo, NULL, &reply, NULL));
    if (i % 100 == 99) { // who asks no more for ten seconds is forgotten, and this may take as long
      check_ok(grove_actor_times(g, a, &t));
    }
  }
  grove_class_stats s = {.struct_size = sizeof s};
  check_ok(grove_class_stats_get(g, &hand_class, &s));
  assert_in_range(s.timed, 40, 60); // one in 64 of the class, whoever is watched
  check_ok(grove_actor_times(g, a, &t));
  assert_in_range(t.timed, 20, 120); // one in 32 of the class's, and so some of its own
  assert_true(t.for_ns > 0);
  assert_true(t.run_p50_ns <= t.run_p99_ns && t.run_p99_ns <= t.run_max_ns);
  if (r->kind != ON_SIMULATION) {
    assert_true(t.run_max_ns > 0);
  }
  check_status(grove_actor_times(g, GROVE_NOBODY, &t), GROVE_ENOACTOR);
  check_status(grove_actor_times(g, grove_self(g), &t), GROVE_ENOACTOR);
  check_status(grove_actor_times(g, a, NULL), GROVE_EINVAL);
  check_ok(grove_get(g, grove_exit(g, a, 0), 20000, NULL, 0, NULL));
  check_status(grove_actor_times(g, a, &t), GROVE_ENOACTOR);
}

static void starts_again(void **state)
{
  rig *r = *state;
  grove *g = r->g;
  long reply;
  grove_ref lasting = spawn_plan(
      g, (hand_plan){NULL, NULL, NULL, NULL}, &(grove_spawn_options){GROVE_SPAWN, .restart = GROVE_PERMANENT});
  grove_ref plain = spawn_hand(g);
  check_ok(ask_and_get(g, lasting, job_echo, NULL, &reply, NULL));
  check_status(grove_restart(g, plain, NULL), GROVE_ENOTSUP);
  check_status(grove_restart(g, grove_self(g), NULL), GROVE_ENOTSUP);
  check_ok(grove_restart(g, lasting, "by hand"));
  grove_info i = {.struct_size = sizeof i};
  for (int n = 0; n < 20000 && (i.restarts == 0 || i.phase != GROVE_PHASE_IDLE); n++) {
    if (r->kind == ON_LOOP) {
      uv_run(&r->loop, UV_RUN_NOWAIT);
    }
    check_ok(grove_sleep(g, 1));
    check_ok(grove_inspect(g, lasting, &i));
  }
  assert_int_equal(i.restarts, 1);
  check_contains(i.last_error, "by hand");
  check_ok(ask_and_get(g, lasting, job_echo, NULL, &reply, NULL));
  check_ok(grove_get(g, grove_exit(g, lasting, 0), 20000, NULL, 0, NULL));
  check_status(grove_restart(g, lasting, NULL), GROVE_ENOACTOR);
}

int main(int argc, char **argv)
{
  static const rig_test tests[] = {EVERYWHERE(answers_and_promises), EVERYWHERE(time_and_room), EVERYWHERE(room),
      THREADED(foreign_code), EVERYWHERE(methods), ON(SIM, times_are_given_back), EVERYWHERE(times), EVERYWHERE(starts_again)};
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
