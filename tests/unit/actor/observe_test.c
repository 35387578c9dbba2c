// Looking on: inspect, snapshot, statistics, the log.
#include "actors.h"

#define seen_LIST(S, M) HAND_METHODS(S, M, seen)
HANDS(seen, .mailbox = 0)

typedef struct worded_pause {
  pause_point p;
} worded_pause;
static grove_status job_say_and_pause(grove *self, hand_state *s, void *user, long *reply)
{
  worded_pause *w = user;
  grove_state(self, "TRAINING %d/%d", 37, 150);
  grove_status status = job_pause(self, s, &w->p, reply);
  grove_state(self, "%s",
      "a text that is much longer than the sixty-three bytes that are kept of it, so it is cut");
  return status;
}

static grove_status job_label(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  return grove_label(self, "%s", (const char *)user);
}

static void expect_label(struct rig *r, grove_ref a, const char *label)
{
  grove_info i = {.struct_size = sizeof i};
  check_ok(grove_inspect(r->g, a, &i));
  assert_string_equal(i.label, label);
}

static void test_labels_change(void **state)
{
  struct rig *r = *state;
  grove_error err;
  grove_info i = {.struct_size = sizeof i};
  grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 1,
      .queue_ms = 20000, .memory_bytes = 100000};
  grove_ref a = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL}, &o);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  check_ok(grove_inspect(r->g, a, &i));
  uint64_t bytes = i.state_bytes;
  check_ok(ask_and_get(r->g, a, job_label, "shard 7", NULL, NULL));
  expect_label(r, a, "shard 7");
  check_ok(ask_and_get(r->g, a, job_label, "shard 12", NULL, NULL));
  check_ok(grove_inspect(r->g, a, &i));
  assert_int_equal(i.state_bytes, bytes + 9);
  grove_snapshot_options with = {GROVE_SNAPSHOT, .contains = "shard 12"};
  grove_page page = {.struct_size = sizeof page};
  check_ok(grove_snapshot_page(r->g, &with, &i, sizeof i, 1, &page));
  assert_int_equal(page.total, 1);
  check_status(ask_and_get(r->g, a, job_crash, NULL, NULL, NULL), GROVE_EDEAD);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  expect_label(r, a, "shard 12"); // over a restart
  static char text[80];           // a long one is cut
  memset(text, 'x', 79);
  check_ok(ask_and_get(r->g, a, job_label, text, NULL, NULL));
  check_ok(grove_inspect(r->g, a, &i));
  assert_int_equal(strlen(i.label), 63);
  check_ok(ask_and_get(r->g, a, job_label, "", NULL, NULL));
  check_ok(grove_inspect(r->g, a, &i));
  assert_string_equal(i.label, "");
  assert_int_equal(i.state_bytes, bytes);
  check_status(grove_label(r->g, "outside"), GROVE_EINVAL);
  // it counts in the actor's own limit, and the error says so
  grove_ref b = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .memory_bytes = 1});
  check_status(ask_and_get(r->g, b, job_label, "too much", NULL, &err), GROVE_ENOMEM);
  check_contains(err.text, "no memory for the label \"too much\"");
  check_contains(err.text, "memory_bytes");
  expect_label(r, b, "");
}

static void test_inspect(void **state)
{
  struct rig *r = *state;
  static worded_pause w;
  memset(&w, 0, sizeof w);
  grove_info i = {.struct_size = sizeof i};
  grove_ref a = grove_spawn(r->g, &seen_class, &(hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .name = "model 3", .label = "the third"});
  grove_future f = ask_of(r->g, a, &seen_run_method, job_say_and_pause, &w);
  rig_until(r, &w.p.begun, 1);
  check_ok(grove_send(r->g, a, &seen_run_method, &(hand_job){job_echo, NULL}));
  for (int tries = 0; tries < 10000 && i.phase != GROVE_PHASE_WAITING; tries++) {
    check_ok(grove_inspect(r->g, a, &i));
    check_ok(grove_sleep(r->g, 1));
  }
  assert_int_equal(i.phase, GROVE_PHASE_WAITING);
  assert_string_equal(i.class_name, "seen");
  assert_string_equal(i.name, "model 3");
  assert_string_equal(i.label, "the third");
  assert_string_equal(i.state, "TRAINING 37/150");
  assert_string_equal(i.method, "run");
  assert_int_equal(i.mailbox_depth, 1);
  assert_true(i.mailbox_bytes > 0);
  assert_true(i.stack_bytes >= 64 * 1024);
  assert_true(grove_ref_equal(i.ref, a));
  assert_true(grove_ref_equal(i.parent, grove_self(r->g)));
  assert_true(i.turn_ns > 0);
  assert_true(i.progress != i.progress);
  pause_end(r->g, &w.p, 1);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  check_ok(
      grove_get(r->g, ask_of(r->g, a, &seen_run_method, job_echo, NULL), 20000, NULL, 0, NULL));
  for (int tries = 0; tries < 10000 && i.phase != GROVE_PHASE_IDLE; tries++) {
    check_ok(grove_inspect(r->g, a, &i));
    check_ok(grove_sleep(r->g, 1));
  }
  assert_int_equal(i.phase, GROVE_PHASE_IDLE);
  assert_int_equal(i.handled, 3);
  assert_int_equal(strlen(i.state), 63);
  assert_int_equal(i.turn_ns, 0);
  // smaller structs of older callers
  grove_info old;
  memset(&old, 0x5a, sizeof old);
  old.struct_size = 2 * sizeof(uint32_t);
  check_ok(grove_inspect(r->g, a, &old));
  assert_int_equal(old.phase, GROVE_PHASE_IDLE);
  assert_int_equal(old.restarts, 0x5a5a5a5a);
  // gone, and remembered
  check_ok(grove_send(r->g, a, &seen_run_method, &(hand_job){job_crash, "words of the end"}));
  check_ok(grove_get(r->g, grove_monitor(r->g, a), 20000, NULL, 0, NULL));
  check_ok(grove_inspect(r->g, a, &i));
  assert_int_equal(i.phase, GROVE_PHASE_ENDED);
  check_contains(i.last_error, "words of the end");
  assert_string_equal(i.name, "model 3");
  assert_int_equal(i.failed, 1);
  check_status(grove_inspect(r->g, GROVE_NOBODY, &i), GROVE_ENOACTOR);
  check_status(grove_inspect(r->g, a, NULL), GROVE_EINVAL);
}

static grove_status job_spawn_two(grove *self, hand_state *s, void *user, long *reply)
{
  grove_ref *out = user;
  (void)s, (void)reply;
  out[0] = spawn_hand(self);
  out[1] = spawn_of(self, &seen_class);
  return grove_ref_status(out[0]) ? GROVE_EINTERNAL : grove_ref_status(out[1]);
}

static void test_snapshot(void **state)
{
  struct rig *r = *state;
  grove_ref a[3], child[2];
  static const char *const names[] = {"north.a", "north.b", "south.a"};
  grove_info i[20];
  size_t total = 0;
  for (int k = 0; k < 3; k++) {
    a[k] = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
        &(grove_spawn_options){GROVE_SPAWN, .name = names[k]});
  }
  check_ok(ask_and_get(r->g, a[1], job_spawn_two, child, NULL, NULL));
  check_ok(grove_snapshot(r->g, NULL, i, sizeof *i, 20, &total));
  assert_int_equal(total, 5);
  for (int k = 0; k < 3; k++) { // in the order of spawning
    assert_true(grove_ref_equal(i[k].ref, a[k]));
  }
  assert_true(grove_ref_equal(i[3].ref, child[0]));
  assert_true(grove_ref_equal(i[4].ref, child[1]));
  assert_true(grove_ref_equal(i[4].parent, a[1]));
  grove_snapshot_options o = {GROVE_SNAPSHOT, .name_prefix = "north."};
  check_ok(grove_snapshot(r->g, &o, i, sizeof *i, 20, &total));
  assert_int_equal(total, 2);
  o = (grove_snapshot_options){GROVE_SNAPSHOT, .of_class = &seen_class};
  check_ok(grove_snapshot(r->g, &o, i, sizeof *i, 20, &total));
  assert_int_equal(total, 1);
  assert_true(grove_ref_equal(i[0].ref, child[1]));
  o = (grove_snapshot_options){GROVE_SNAPSHOT, .under = a[1]};
  check_ok(grove_snapshot(r->g, &o, i, sizeof *i, 20, &total));
  assert_int_equal(total, 2);
  o.under = a[0];
  check_ok(grove_snapshot(r->g, &o, i, sizeof *i, 20, &total));
  assert_int_equal(total, 0);
  // more than there is room for: those that fit, and how many there are
  memset(i, 0, sizeof i);
  check_ok(grove_snapshot(r->g, NULL, i, sizeof *i, 2, &total));
  assert_int_equal(total, 5);
  assert_true(grove_ref_equal(i[1].ref, a[1]));
  assert_int_equal(i[2].phase, 0);
  check_ok(grove_snapshot(r->g, NULL, NULL, 0, 0, &total));
  assert_int_equal(total, 5);
  // those that ended, after those alive
  check_ok(grove_get(r->g, grove_exit(r->g, a[0], 20000), 20000, NULL, 0, NULL));
  o = (grove_snapshot_options){GROVE_SNAPSHOT, .ended = 1};
  check_ok(grove_snapshot(r->g, &o, i, sizeof *i, 20, &total));
  assert_int_equal(total, 5);
  assert_true(grove_ref_equal(i[4].ref, a[0]));
  assert_int_equal(i[4].phase, GROVE_PHASE_ENDED);
  check_ok(grove_snapshot(r->g, NULL, i, sizeof *i, 20, &total));
  assert_int_equal(total, 4);
  check_status(grove_snapshot(r->g, NULL, NULL, 0, 4, &total), GROVE_EINVAL);
  check_status(grove_snapshot(r->g, NULL, i, sizeof *i, 4, NULL), GROVE_EINVAL);
}

// While actors come and go and change their state.
typedef struct onlooker {
  grove *g;
  rig_threads *threads;
  atomic_bool stop;
  int failed;
  grove_ref under;
} onlooker;
static void look_on(void *user)
{
  onlooker *o = user;
  static grove_info i[200];
  while (!atomic_load(&o->stop)) {
    size_t total;
    grove_snapshot_options w = {GROVE_SNAPSHOT, .ended = 1};
    o->failed += grove_snapshot(o->g, &w, i, sizeof *i, 200, &total) != GROVE_OK;
    w = (grove_snapshot_options){GROVE_SNAPSHOT, .under = o->under};
    o->failed += grove_snapshot(o->g, &w, i, sizeof *i, 200, &total) != GROVE_OK;
    for (size_t k = 0; k < total && k < 200; k++) {
      o->failed += memchr(i[k].state, 0, sizeof i[k].state) == NULL;
      if (i[k].state[0] && strspn(i[k].state, &i[k].state[0]) == 0) {
        o->failed++;
      }
      for (const char *c = i[k].state; *c; c++) { // never torn
        o->failed += *c != i[k].state[0];
      }
    }
  }
  atomic_fetch_add(&o->threads->ended, 1);
}
static grove_status start_stating(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  if ((intptr_t)user > 0) {
    hand_plan plan = {.start = start_stating, .user = (void *)((intptr_t)user - 1)};
    grove_ref c = spawn_plan(self, plan, NULL);
    (void)c;
  }
  for (int i = 0; i < 50; i++) {
    char text[64];
    memset(text, 'a' + i % 26, 60);
    text[60 - i] = 0;
    grove_state(self, "%s", text);
  }
  return GROVE_OK;
}
static void test_snapshots_of_a_world_that_changes(void **state)
{
  struct rig *r = *state;
  static rig_threads t;
  static onlooker o;
  memset(&t, 0, sizeof t);
  t.n = 1;
  o = (onlooker){.g = r->g,
      .threads = &t,
      .under = spawn_plan(r->g, (hand_plan){.start = start_stating, .user = (void *)5}, NULL)};
  assert_int_equal(uv_thread_create(&t.id[0], look_on, &o), 0);
  for (int i = 0; i < 100; i++) {
    grove_ref a = spawn_plan(r->g, (hand_plan){.start = start_stating, .user = (void *)3}, NULL);
    check_ok(grove_get(r->g, grove_ready(r->g, a), 20000, NULL, 0, NULL));
    check_ok(grove_get(r->g, grove_exit(r->g, a, i % 2 ? 20000 : 0), 20000, NULL, 0, NULL));
  }
  atomic_store(&o.stop, true);
  rig_join(r, &t);
  assert_int_equal(o.failed, 0);
}

// What supervision does with an actor is shown with it: its policy, what of it is used up, when it starts again.
#define strict_LIST(S, M) HAND_METHODS(S, M, strict)
HANDS(strict, .strategy = GROVE_REST_FOR_ONE)
static void test_supervision(void **state)
{
  struct rig *r = *state;
  grove_info i = {.struct_size = sizeof i};
  grove_ref a = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .restart = GROVE_PERMANENT, .max_restarts = 7,
          .window_ms = 600000, .backoff_min_ms = 1, .backoff_max_ms = 60000,
          .backoff_percent = 3000000, .jitter_percent = 1});
  grove_ref b = spawn_of(r->g, &strict_class);
  check_ok(grove_get(r->g, grove_ready(r->g, b), 20000, NULL, 0, NULL));
  check_ok(grove_inspect(r->g, b, &i));
  assert_int_equal(i.strategy, GROVE_REST_FOR_ONE);
  assert_int_equal(i.restart, GROVE_TEMPORARY);
  assert_int_equal(i.max_restarts, 5); // the default
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  check_ok(grove_inspect(r->g, a, &i));
  assert_int_equal(i.strategy, GROVE_ONE_FOR_ONE);
  assert_int_equal(i.restart, GROVE_PERMANENT);
  assert_int_equal(i.max_restarts, 7);
  assert_int_equal(i.window_ms, 600000);
  assert_int_equal(i.recent_restarts, 0);
  assert_int_equal(i.restart_in_ns, 0);
  for (uint32_t n = 1; n <= 2; n++) { // the second pause is half a minute
    check_status(ask_and_get(r->g, a, job_crash, NULL, NULL, NULL), GROVE_EDEAD);
    for (int k = 0; k < 10000 && (i.recent_restarts < n || (n == 1 && i.phase != GROVE_PHASE_IDLE));
         k++) {
      check_ok(grove_sleep(r->g, 1));
      check_ok(grove_inspect(r->g, a, &i));
    }
    assert_int_equal(i.recent_restarts, n);
  }
  assert_int_equal(i.phase, GROVE_PHASE_RESTARTING);
  assert_in_range(i.restart_in_ns, INT64_C(1000000000), INT64_C(30000000000));
  assert_in_range(i.up_ns, 1, INT64_C(60000000000));
}

static void test_statistics(void **state)
{
  struct rig *r = *state;
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_stats_get(r->g, &s));
  assert_int_equal(s.actors, 0);
  assert_int_equal(s.futures, 0);
  grove_ref a = spawn_hand(r->g), b = spawn_hand(r->g);
  for (int i = 0; i < 10; i++) {
    check_ok(tell(r->g, a, job_echo, NULL));
    check_ok(ask_and_get(r->g, b, job_echo, NULL, NULL, NULL));
  }
  grove_future open = ask(r->g, a, job_take, NULL);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  check_ok(grove_stats_get(r->g, &s));
  for (int i = 0; i < 1000 && s.futures > 1; i++) { // the other side lets go a little later
    check_ok(grove_sleep(r->g, 1));
    check_ok(grove_stats_get(r->g, &s));
  }
  assert_int_equal(s.spawned, 2);
  assert_int_equal(s.actors, 2);
  assert_int_equal(s.messages, 22);
  assert_int_equal(s.calls, 12);
  assert_int_equal(s.futures, 1);
  grove_drop(r->g, open);
  check_ok(grove_get(r->g, grove_exit(r->g, b, 0), 20000, NULL, 0, NULL));
  check_status(tell(r->g, b, job_echo, NULL), GROVE_ENOACTOR);
  for (int i = 0; i < 1000 && s.ended == 0; i++) { // counted a little after DOWN
    check_ok(grove_sleep(r->g, 1));
    check_ok(grove_stats_get(r->g, &s));
  }
  assert_int_equal(s.dead_letters, 1);
  assert_int_equal(s.ended, 1);
  assert_int_equal(s.workers, r->kind == ON_SIMULATION ? 1 : 2);
  assert_int_equal(s.simulated, r->kind == ON_SIMULATION);
  int64_t up = s.up_ns;
  assert_true(up > 0);
  check_ok(grove_sleep(r->g, 20));
  check_ok(grove_stats_get(r->g, &s));
  assert_in_range(s.up_ns - up, 19000000, INT64_C(20000000000));
  check_status(grove_stats_get(r->g, NULL), GROVE_EINVAL);
}

static grove_status job_log(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  grove_log(self, GROVE_LOG_INFO, "says %d", 42);
  return GROVE_OK;
}
static grove_status job_fail_quietly(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  return grove_fail(self, GROVE_EUSER, "nobody listens");
}
static void test_log(void **state)
{
  struct rig *r = *state;
  grove_ref a = grove_spawn(r->g, &hand_class, &(hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){
          GROVE_SPAWN, .name = "speaker", .restart = GROVE_TRANSIENT, .backoff_min_ms = 1});
  check_ok(ask_and_get(r->g, a, job_log, NULL, NULL, NULL));
  grove_log(r->g, GROVE_LOG_WARN, "from outside");
  check_ok(tell(r->g, a, job_fail_quietly, NULL));
  check_status(ask_and_get(r->g, a, job_crash, "into the log", NULL, NULL), GROVE_EDEAD);
  grove_info info = {.struct_size = sizeof info};
  for (int i = 0; i < 10000 && info.restarts == 0; i++) {
    check_ok(grove_sleep(r->g, 1));
    check_ok(grove_inspect(r->g, a, &info));
  }
  check_ok(grove_get(r->g, grove_exit(r->g, a, 20000), 20000, NULL, 0, NULL));
  check_status(tell(r->g, a, job_echo, NULL), GROVE_ENOACTOR);
  rig_until(r, &r->lines, 4);
  check_contains(r->log, "1 actor: hand \"speaker\": says 42\n");
  check_contains(r->log, "2 host: from outside\n");
  check_contains(r->log, "nobody asked for its result: hand.run: nobody listens\n");
  check_contains(r->log, "2 supervise: restart 1 in ");
  check_contains(r->log, "hand.run: into the log\n");
  check_contains(r->log, "dead letter");
  // levels
  rig_restart(r, &(grove_options){.workers = 1, .log_level = GROVE_LOG_ERROR});
  r->log_bytes = 0;
  r->log[0] = 0;
  grove_log(r->g, GROVE_LOG_WARN, "too quiet");
  grove_log(r->g, GROVE_LOG_ERROR, "%0600d", 7);
  assert_null(strstr(r->log, "too quiet"));
  assert_in_range(strlen(r->log), 500, 530); // and cut
}

// A method that holds its worker is named.
static void test_the_watch_names_long_turns(void **state)
{
  struct rig *r = *state;
  static hold h;
  rig_restart(r, &(grove_options){.workers = 1, .turn_warn_ms = 10});
  r->log_bytes = 0;
  r->log[0] = 0;
  hold_init(&h);
  atomic_store(&r->lines, 0);
  grove_future f = ask(r->g, spawn_hand(r->g), job_hold, &h);
  rig_until(r, &h.begun, 1);
  rig_until(r, &r->lines, 1);
  hold_let_go(&h);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  check_contains(r->log, "hand has held its worker for ");
  check_contains(r->log, " ms in run without a yield");
  uv_sem_destroy(&h.sem);
}

// Of methods that take turns at waits the one is shown that waits, or goes on, not one that has come and gone.
#define pair_LIST(S, M) HAND_METHODS(S, M, pair)
HANDS(pair, .concurrency = 2)
static grove_status job_pause_and_look(grove *self, hand_state *s, void *user, long *reply)
{
  grove_info info = {.struct_size = sizeof info};
  grove_status status = job_pause(self, s, user, reply);
  check_ok(grove_inspect(self, grove_self(self), &info));
  *reply = strcmp(info.method, "run") == 0 && info.phase == GROVE_PHASE_RUNNING;
  return status;
}
static void test_who_waits_is_shown(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_info info = {.struct_size = sizeof info};
  long shown = 0;
  p = (pause_point){.begun = 0};
  grove_ref a = spawn_of(r->g, &pair_class);
  grove_future f = ask_of(r->g, a, &pair_run_method, job_pause_and_look, &p);
  rig_until(r, &p.begun, 1);
  check_ok(grove_get(r->g, ask_of(r->g, a, &pair_high_method, job_echo, NULL), 20000, NULL, 0, NULL));
  for (int i = 0; i < 20000 && info.phase != GROVE_PHASE_WAITING; i++) { // `high` has answered, and may not have returned
    check_ok(grove_sleep(r->g, 1));
    check_ok(grove_inspect(r->g, a, &info));
  }
  assert_string_equal(info.method, "run");
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, f, 20000, &shown, sizeof shown, NULL));
  assert_int_equal(shown, 1);
}

static const rig_test tests[] = {
    EVERYWHERE(test_inspect),
    EVERYWHERE(test_who_waits_is_shown),
    EVERYWHERE(test_labels_change),
    EVERYWHERE(test_snapshot),
    THREADED(test_snapshots_of_a_world_that_changes),
    EVERYWHERE(test_statistics),
    EVERYWHERE(test_supervision),
    EVERYWHERE(test_log),
    THREADED(test_the_watch_names_long_turns),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
