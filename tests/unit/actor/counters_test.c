// Counters: by class, by worker, of the runtime; times; what adds up, at rest and while it works.
#include "actors.h"

#define busy_LIST(S, M) HAND_METHODS(S, M, busy)
HANDS(busy, .mailbox = 0)
#define tiny_LIST(S, M) HAND_METHODS(S, M, tiny)
HANDS(tiny, .mailbox = 4)
#define lossy_LIST(S, M) HAND_METHODS(S, M, lossy)
HANDS(lossy, .mailbox = 4, .full = GROVE_FULL_DROP_NEW)

static grove_class_stats of_class(grove *g, const grove_class *c)
{
  grove_class_stats s = {.struct_size = sizeof s};
  check_ok(grove_class_stats_get(g, c, &s));
  return s;
}

static uint64_t accounted(const grove_class_stats *s)
{
  return s->handled + s->failed + s->dropped_dead + s->dropped_full + s->dropped_expired +
         s->dropped_canceled;
}

static grove_status job_fail(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  return grove_fail(self, GROVE_EUSER, "as told");
}
static grove_status job_defer_once(grove *self, hand_state *s, void *user, long *reply)
{
  (void)user, (void)reply;
  if (s->number++ == 0) {
    return grove_defer(self);
  }
  return GROVE_OK;
}
static grove_status job_undefer(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  grove_undefer(self);
  return GROVE_OK;
}

static void test_a_class(void **state)
{
  struct rig *r = *state;
  grove_class_stats s = {.struct_size = sizeof s};
  check_status(grove_class_stats_get(r->g, &busy_class, &s), GROVE_ENOENT);
  grove_ref a = grove_spawn(r->g, &busy_class, &(hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 1});
  grove_ref b = spawn_of(r->g, &busy_class);
  for (int i = 0; i < 200; i++) {
    check_ok(
        grove_get(r->g, ask_of(r->g, a, &busy_run_method, job_echo, NULL), 20000, NULL, 0, NULL));
    check_ok(grove_send(r->g, b, &busy_run_method, &(hand_job){job_echo, NULL}));
  }
  check_status(
      grove_get(r->g, ask_of(r->g, b, &busy_run_method, job_fail, NULL), 20000, NULL, 0, NULL),
      GROVE_EUSER);
  check_status(
      grove_get(r->g, ask_of(r->g, a, &busy_run_method, job_crash, NULL), 20000, NULL, 0, NULL),
      GROVE_EDEAD);
  grove_future put_back = ask_of(r->g, b, &busy_run_method, job_defer_once, NULL);
  check_ok(grove_send(r->g, b, &busy_run_method, &(hand_job){job_undefer, NULL}));
  check_ok(grove_get(r->g, put_back, 20000, NULL, 0, NULL));
  for (int i = 0; i < 10000 && (s.restarts == 0 || s.alive != 2); i++) {
    check_ok(grove_sleep(r->g, 1));
    s = of_class(r->g, &busy_class);
  }
  assert_string_equal(s.class_name, "busy");
  assert_ptr_equal(s.of_class, &busy_class);
  assert_int_equal(s.spawned, 2);
  assert_int_equal(s.alive, 2);
  assert_int_equal(s.restarts, 1);
  assert_int_equal(s.crashed, 1);
  assert_int_equal(s.sent, 404);
  assert_int_equal(s.calls, 203);
  assert_int_equal(s.handled, 402);
  assert_int_equal(s.failed, 2);
  assert_true(s.turns > 0);
  if (r->kind != ON_SIMULATION) {
    assert_true(s.busy_ns > 0);
    assert_true(s.run_p50_ns > 0 && s.run_p50_ns <= s.run_p99_ns && s.run_p99_ns <= s.run_max_ns);
  }
  assert_in_range(s.timed, 4, 16); // of 404
  check_ok(grove_get(r->g, grove_exit(r->g, b, 0), 20000, NULL, 0, NULL));
  check_status(grove_send(r->g, b, &busy_run_method, &(hand_job){job_echo, NULL}), GROVE_ENOACTOR);
  s = of_class(r->g, &busy_class);
  assert_int_equal(s.ended, 1);
  assert_int_equal(s.alive, 1);
  assert_int_equal(s.sent, 404);
  grove_stats all = {.struct_size = sizeof all};
  check_ok(grove_stats_get(r->g, &all));
  assert_int_equal(all.messages, 404);
  assert_int_equal(all.handled, 402);
  assert_int_equal(all.failed, 2);
  assert_int_equal(all.dead_letters, 1);
  // the list of them
  spawn_hand(r->g);
  grove_class_stats list[4];
  size_t total = 0;
  check_ok(grove_classes(r->g, list, sizeof *list, 4, &total));
  assert_int_equal(total, 2);
  assert_true(strcmp(list[0].class_name, list[1].class_name) != 0);
  check_ok(grove_classes(r->g, list, sizeof *list, 1, &total));
  assert_int_equal(total, 2);
  check_ok(grove_classes(r->g, NULL, 0, 0, &total));
  check_status(grove_classes(r->g, NULL, 0, 1, &total), GROVE_EINVAL);
  check_status(grove_classes(r->g, list, sizeof *list, 4, NULL), GROVE_EINVAL);
  check_status(grove_class_stats_get(r->g, NULL, &s), GROVE_EINVAL);
}

static void test_losses_by_reason(void **state)
{
  struct rig *r = *state;
  pause_point p[2];
  memset(p, 0, sizeof p);
  grove_ref to[2] = {spawn_of(r->g, &tiny_class), spawn_of(r->g, &lossy_class)};
  const grove_method *m[2] = {&tiny_run_method, &lossy_run_method};
  const grove_class *k[2] = {&tiny_class, &lossy_class};
  grove_future f[2];
  for (int i = 0; i < 2; i++) {
    f[i] = ask_of(r->g, to[i], m[i], job_pause, &p[i]);
    rig_until(r, &p[i].begun, 1);
  }
  int refused = 0;
  for (int i = 0; i < 10; i++) {
    refused += grove_send(r->g, to[0], m[0], &(hand_job){job_echo, NULL}) == GROVE_EAGAIN;
    check_ok(grove_send(r->g, to[1], m[1], &(hand_job){job_echo, NULL}));
  }
  assert_int_equal(refused, 6);
  assert_int_equal(of_class(r->g, k[0]).refused, 6);
  assert_int_equal(of_class(r->g, k[0]).sent, 5);
  assert_int_equal(of_class(r->g, k[1]).dropped_full, 6);
  assert_int_equal(of_class(r->g, k[1]).sent, 11);
  grove_info info = {.struct_size = sizeof info};
  check_ok(grove_sleep(r->g, 30)); // so that the oldest has an age
  check_ok(grove_inspect(r->g, to[0], &info));
  assert_true(info.oldest_ns >= 20 * 1000000);
  for (int i = 0; i < 2; i++) {
    check_ok(grove_get(r->g, grove_exit(r->g, to[i], 0), 20000, NULL, 0, NULL));
    (void)!grove_get(r->g, f[i], 20000, NULL, 0, NULL);
    grove_class_stats s = of_class(r->g, k[i]);
    for (int tries = 0; tries < 10000 && accounted(&s) != s.sent; tries++) {
      check_ok(grove_sleep(r->g, 1));
      s = of_class(r->g, k[i]);
    }
    assert_int_equal(s.dropped_dead, 4);
    assert_int_equal(accounted(&s), s.sent);
  }
}

// Somebody looks while many work: never more comes out than went in, and at rest it is the same.
typedef struct auditor {
  grove *g;
  rig_threads *threads;
  atomic_bool stop;
  int wrong;
  atomic_int looks;
} auditor;
static void audit(void *user)
{
  auditor *a = user;
  while (!atomic_load(&a->stop)) {
    grove_class_stats list[8];
    grove_stats s = {.struct_size = sizeof s};
    size_t total = 0;
    a->wrong += grove_classes(a->g, list, sizeof *list, 8, &total) != GROVE_OK;
    for (size_t i = 0; i < total && i < 8; i++) {
      a->wrong += accounted(&list[i]) > list[i].sent;
    }
    a->wrong += grove_stats_get(a->g, &s) != GROVE_OK;
    a->wrong += s.handled + s.failed + s.dropped > s.messages;
    a->wrong += s.futures_ended > s.futures_made;
    atomic_fetch_add(&a->looks, 1);
  }
  atomic_fetch_add(&a->threads->ended, 1);
}
static grove_status job_talk(grove *self, hand_state *s, void *user, long *reply)
{
  const grove_ref *to = user;
  (void)s;
  for (int i = 0; i < 300; i++) {
    grove_status status = i % 3
                              ? grove_send(self, *to, &busy_run_method, &(hand_job){job_echo, NULL})
                              : grove_get(self, ask_of(self, *to, &busy_run_method, job_echo, NULL),
                                    GROVE_FOREVER, reply, sizeof *reply, NULL);
    if (status) {
      return status;
    }
  }
  return GROVE_OK;
}
static void test_it_adds_up(void **state)
{
  struct rig *r = *state;
  static rig_threads t;
  static auditor a;
  enum { TALKERS = 6 };
  int64_t begun = grove_now_ns(r->g);
  grove_ref to[2] = {spawn_of(r->g, &busy_class), spawn_of(r->g, &busy_class)};
  grove_future f[TALKERS];
  memset(&t, 0, sizeof t);
  t.n = 1;
  a = (auditor){.g = r->g, .threads = &t};
  if (r->kind != ON_SIMULATION) {
    assert_int_equal(uv_thread_create(&t.id[0], audit, &a), 0);
  }
  for (int i = 0; i < TALKERS; i++) {
    f[i] = ask(r->g, spawn_hand(r->g), job_talk, &to[i % 2]);
  }
  check_ok(grove_get_all(r->g, f, TALKERS, 20000, NULL, 0, NULL));
  for (int i = 0; i < 2; i++) {
    check_ok(grove_get(
        r->g, ask_of(r->g, to[i], &busy_run_method, job_echo, NULL), 20000, NULL, 0, NULL));
  }
  if (r->kind != ON_SIMULATION) {
    rig_until(r, &a.looks, 1);
    atomic_store(&a.stop, true);
    rig_join(r, &t);
    assert_int_equal(a.wrong, 0);
  }
  grove_class_stats s = of_class(r->g, &busy_class);
  grove_stats time = {.struct_size = sizeof time};
  check_ok(grove_stats_get(r->g, &time));
  // No time is counted twice: two workers can't have been busy for longer than twice the time that there was.
  assert_true(time.busy_ns <= 2 * (uint64_t)(grove_now_ns(r->g) - begun));
  assert_true(s.busy_ns <= time.busy_ns || r->kind == ON_SIMULATION);
  assert_int_equal(s.sent, TALKERS * 300 + 2);
  assert_int_equal(s.handled, s.sent);
  grove_stats all = {.struct_size = sizeof all};
  check_ok(grove_stats_get(r->g, &all));
  assert_int_equal(all.messages, TALKERS * 301 + 2);
  assert_int_equal(all.futures_made, TALKERS * 101 + 2);
  assert_int_equal(all.futures_ended, all.futures_made);
  assert_in_range(s.timed, s.sent / 100, s.sent / 40);
}

static grove_status job_spin(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s;
  int64_t end = grove_now_ns(self) + (intptr_t)user * 1000000;
  while (grove_now_ns(self) < end) {}
  *reply = 0;
  return GROVE_OK;
}
static grove_status job_sleep(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  return grove_sleep(self, (intptr_t)user);
}
// Time that an actor waits is not its own, nor its worker's.
static void test_busy_is_not_waiting(void **state)
{
  struct rig *r = *state;
  grove_ref a = spawn_hand(r->g), b = spawn_hand(r->g);
  grove_future f[2] = {ask(r->g, a, job_spin, (void *)30), ask(r->g, b, job_sleep, (void *)60)};
  check_ok(grove_get_all(r->g, f, 2, 20000, NULL, 0, NULL));
  grove_info i = {.struct_size = sizeof i}, j = {.struct_size = sizeof j};
  for (int tries = 0; tries < 10000 && i.busy_ns == 0; tries++) { // told at the end of its turn
    check_ok(grove_sleep(r->g, 1));
    check_ok(grove_inspect(r->g, a, &i));
  }
  check_ok(grove_inspect(r->g, b, &j));
  assert_true(i.busy_ns >= 29 * 1000000);
  assert_true(j.busy_ns < 60 * 1000000);
  grove_worker_stats w[4];
  size_t n = 0;
  uint64_t busy = 0, turns = 0, parks = 0;
  check_ok(grove_workers(r->g, w, sizeof *w, 4, &n));
  assert_in_range(n, 1, 2);
  for (size_t k = 0; k < n; k++) {
    assert_int_equal(w[k].index, k);
    busy += w[k].busy_ns;
    turns += w[k].turns;
    parks += w[k].parks;
  }
  assert_true(busy >= i.busy_ns);
  assert_true(turns >= 2);
  assert_true(parks >= 1);
  check_status(grove_workers(r->g, NULL, 0, 1, &n), GROVE_EINVAL);
}

// Nor does time that passes between turns in simulation.
static void test_virtual_time_is_nobodys(void **state)
{
  struct rig *r = *state;
  grove_ref a = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, a, job_sleep, (void *)5000, NULL, NULL));
  grove_info i = {.struct_size = sizeof i};
  check_ok(grove_inspect(r->g, a, &i));
  assert_int_equal(i.busy_ns, 0);
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_stats_get(r->g, &s));
  assert_int_equal(s.busy_ns, 0);
}

static const rig_test tests[] = {
    EVERYWHERE(test_a_class),
    EVERYWHERE(test_losses_by_reason),
    EVERYWHERE(test_it_adds_up),
    THREADED(test_busy_is_not_waiting),
    ON(SIM, test_virtual_time_is_nobodys),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
