// The runtime among others and in its host: options, two at once, fork, memory, hooks, an attached loop, faults of use.
#include "actors.h"
#include <grove/uv.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_two_runtimes(void **state)
{
  struct rig *r = *state;
  grove *g2;
  grove_error err;
  size_t total;
  check_ok(grove_start(NULL, &g2));
  grove_ref a = spawn_hand(r->g), b = spawn_hand(g2);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  check_ok(ask_and_get(g2, b, job_echo, NULL, NULL, NULL));
  check_status(tell(r->g, b, job_echo, NULL), GROVE_EINVAL);
  check_status(ask_and_get(g2, a, job_echo, NULL, NULL, &err), GROVE_EINVAL);
  check_contains(err.text, "another runtime");
  grove_future f = ask(r->g, a, job_echo, NULL);
  check_status(grove_get(g2, f, 0, NULL, 0, NULL), GROVE_EINVAL);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  grove_info i = {.struct_size = sizeof i};
  check_status(grove_inspect(g2, a, &i), GROVE_ENOACTOR);
  check_ok(grove_snapshot(g2, NULL, NULL, 0, 0, &total));
  assert_int_equal(total, 1);
  check_ok(grove_stop(g2, 20000, NULL));
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
}

// An actor of one asks an actor of the other: there it is an outside thread.
typedef struct abroad {
  grove *g;
  grove_ref to;
} abroad;
static grove_status job_ask_abroad(grove *self, hand_state *s, void *user, long *reply)
{
  abroad *x = user;
  (void)self, (void)s;
  return ask_and_get(x->g, x->to, job_echo, (void *)12, reply, NULL);
}
static void test_asking_abroad(void **state)
{
  struct rig *r = *state;
  grove *g2;
  long n;
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 1}, &g2));
  abroad x = {g2, spawn_hand(g2)};
  check_ok(ask_and_get(r->g, spawn_hand(r->g), job_ask_abroad, &x, &n, NULL));
  assert_int_equal(n, 12);
  check_ok(grove_stop(g2, 20000, NULL));
}

// The view of a method is of no use to anybody else.
static grove *stolen;
static grove_status job_steal(grove *self, hand_state *s, void *user, long *reply)
{
  stolen = self;
  return job_pause(self, s, user, reply);
}
static grove_status job_use_stolen(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self, (void)s, (void)user;
  *reply = tell(stolen, grove_self(self), job_echo, NULL) == GROVE_EINVAL;
  return GROVE_OK;
}
static void test_the_view_of_another_method(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  long n = 0;
  grove_future f = ask(r->g, spawn_hand(r->g), job_steal, &p);
  rig_until(r, &p.begun, 1);
  check_status(tell(stolen, spawn_hand(r->g), job_echo, NULL), GROVE_EINVAL);
  check_ok(ask_and_get(r->g, spawn_hand(r->g), job_use_stolen, NULL, &n, NULL));
  assert_int_equal(n, 1);
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
}

// A helper that only knows the runtime stands where the actor does.
static grove_status job_by_the_runtime(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s;
  grove *g = grove_runtime(self);
  if (!grove_ref_equal(grove_self(g), grove_self(self))) {
    return GROVE_EINTERNAL;
  }
  return ask_and_get(g, *(grove_ref *)user, job_echo, (void *)3, reply, NULL);
}
static void test_the_runtime_means_who_runs(void **state)
{
  struct rig *r = *state;
  long n = 0;
  rig_restart(r, &(grove_options){.workers = 1}); // so a wait that blocks would hang
  grove_ref other = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, spawn_hand(r->g), job_by_the_runtime, &other, &n, NULL));
  assert_int_equal(n, 3);
}

static void test_options(void **state)
{
  (void)state;
  grove *g = (grove *)(uintptr_t)1;
  uv_loop_t loop;
  struct {
    grove_options o;
    uint64_t later;
  } larger = {{.struct_size = sizeof larger, .workers = 1}, 0};
  check_ok(grove_start(&larger.o, &g));
  check_ok(grove_stop(g, 20000, NULL));
  larger.later = 1;
  check_status(grove_start(&larger.o, &g), GROVE_ENOTSUP);
  assert_null(g);
  check_status(grove_start(NULL, NULL), GROVE_EINVAL);
  // as much as a number can say, of each: taken for what there can be
  grove_options most[] = {{.workers = UINT32_MAX}, {.max_actors = UINT32_MAX},
      {.max_suspended = UINT32_MAX}, {.max_outside = UINT32_MAX}, {.stand_ins = UINT32_MAX},
      {.offload_threads = UINT32_MAX, .offload_queue = UINT32_MAX}};
  for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
    long n = 0;
    most[i].struct_size = sizeof most[i];
    most[i].simulate = i % 2;
    check_ok(grove_start(&most[i], &g));
    check_ok(ask_and_get(g, spawn_hand(g), job_echo, (void *)3, &n, NULL));
    assert_int_equal(n, 3);
    check_ok(grove_stop(g, 20000, NULL));
  }
  assert_int_equal(uv_loop_init(&loop), 0);
  grove_options both = {GROVE_OPTIONS, .simulate = 1, .work_loop = &loop};
  check_status(grove_start(&both, &g), GROVE_ENOTSUP);
  assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_bad_classes(void **state)
{
  struct rig *r = *state;
  hand_plan plan = {NULL, NULL, NULL, NULL};
  grove_class k = hand_class;
  check_status(grove_ref_status(grove_spawn(r->g, NULL, &plan, NULL)), GROVE_EINVAL);
  check_status(grove_ref_status(grove_spawn(r->g, &hand_class, NULL, NULL)), GROVE_EINVAL);
  k.name = NULL;
  check_status(grove_ref_status(grove_spawn(r->g, &k, &plan, NULL)), GROVE_EINVAL);
  k = hand_class;
  k.start_arg = NULL;
  check_status(grove_ref_status(grove_spawn(r->g, &k, &plan, NULL)), GROVE_EINVAL);
  check_status(grove_ref_status(grove_spawn(
                   r->g, &hand_class, &plan, &(grove_spawn_options){GROVE_SPAWN, .restart = 7})),
      GROVE_EINVAL);
  check_status(grove_ref_status(grove_spawn(r->g, &hand_class, &plan,
                   &(grove_spawn_options){GROVE_SPAWN, .stands_for = &hand_class})),
      GROVE_EINVAL); // it has no `receive`
}

static void test_max_actors(void **state)
{
  struct rig *r = *state;
  rig_restart(r, &(grove_options){.workers = 1, .max_actors = 5});
  grove_ref a[6];
  for (int i = 0; i < 6; i++) {
    a[i] = spawn_hand(r->g);
    check_status(grove_ref_status(a[i]), i < 5 ? GROVE_OK : GROVE_ELIMIT);
  }
  check_ok(grove_get(r->g, grove_exit(r->g, a[2], 20000), 20000, NULL, 0, NULL));
  grove_status s = GROVE_ELIMIT;
  for (int i = 0; i < 1000 && s; i++) { // its slot is free a little after DOWN
    check_ok(grove_sleep(r->g, 1));
    s = grove_ref_status(spawn_hand(r->g));
  }
  check_ok(s);
}

// ---- fork -------------------------------------------------------------------------------------------------------
static int child_checks(grove *g, grove_ref a, grove_future f, grove_feed *feed)
{
  long n;
  size_t i;
  grove_info info = {.struct_size = sizeof info};
  grove_shared shared;
  grove_promise p;
  int bad = 0;
  bad += tell(g, a, job_echo, NULL) != GROVE_EFORKED;
  bad += grove_get(g, ask(g, a, job_echo, NULL), 0, &n, sizeof n, NULL) != GROVE_EFORKED;
  bad += grove_get(g, f, GROVE_FOREVER, &n, sizeof n, NULL) != GROVE_EFORKED;
  bad += grove_wait(g, &f, 1, 1, GROVE_FOREVER) != GROVE_EFORKED;
  bad += grove_next(g, &f, 1, GROVE_FOREVER, &i) != GROVE_EFORKED;
  bad += grove_sleep(g, 1000) != GROVE_EFORKED;
  bad += grove_ref_status(spawn_hand(g)) != GROVE_EFORKED;
  bad += grove_ref_status(grove_find(g, "x")) != GROVE_EFORKED;
  bad += grove_inspect(g, a, &info) != GROVE_EFORKED;
  bad += grove_share_copy(g, "x", 1, &shared) != GROVE_EFORKED;
  bad += grove_promise_create(g, &grove_type_of_long, &p, &f) != GROVE_EFORKED;
  bad += grove_get(g, grove_monitor(g, a), 0, NULL, 0, NULL) != GROVE_EFORKED;
  bad += grove_get(g, grove_exit(g, a, 0), 0, NULL, 0, NULL) != GROVE_EFORKED;
  bad += grove_dispatch(g, 0) != 0;
  bad += grove_stop(g, GROVE_FOREVER, NULL) != GROVE_EFORKED;
  grove_feed_close(feed); // which may come after the stop here, too
  return bad;
}
static void test_fork(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  grove_ref a = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  grove_future f = ask(r->g, a, job_pause, &p);
  rig_until(r, &p.begun, 1);
  grove_feed *feed;
  check_ok(grove_feed_open(r->g, NULL, &feed));
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    _exit(child_checks(r->g, a, f, feed));
  }
  int how = 0;
  assert_int_equal(waitpid(child, &how, 0), child);
  assert_true(WIFEXITED(how));
  assert_int_equal(WEXITSTATUS(how), 0);
  grove_feed_close(feed);
  pause_end(r->g, &p, 1); // and the parent goes on
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
}

// ---- an attached loop ---------------------------------------------------------------------------------------
typedef struct on_loop {
  grove *g;
  grove_ref to;
  int ran, wrong;
} on_loop;
static grove_status then_on_loop(grove *g, void *user, grove_future f)
{
  on_loop *x = user;
  long n = 0;
  x->wrong += grove_get(g, f, 0, &n, sizeof n, NULL) != GROVE_OK;
  if (++x->ran < 5) {
    x->wrong += grove_then(g, ask(g, x->to, job_echo, NULL), then_on_loop, x) != GROVE_OK;
  }
  return GROVE_OK;
}
static void test_attached_loop(void **state)
{
  struct rig *r = *state;
  uv_loop_t own, *loop = r->kind == ON_LOOP ? &r->loop : &own;
  if (loop == &own) {
    assert_int_equal(uv_loop_init(&own), 0);
  }
  on_loop x = {r->g, spawn_hand(r->g), 0, 0};
  check_ok(grove_uv_attach(r->g, loop));
  check_status(grove_uv_attach(r->g, loop), GROVE_EEXIST);
  assert_int_equal(uv_run(loop, UV_RUN_DEFAULT), 0); // nothing to wait for
  check_ok(grove_then(r->g, ask(r->g, x.to, job_echo, NULL), then_on_loop, &x));
  assert_int_equal(uv_run(loop, UV_RUN_DEFAULT), 0); // returns by itself when the work is done
  assert_int_equal(x.ran, 5);
  assert_int_equal(x.wrong, 0);
  grove_uv_detach(r->g);
  grove_uv_detach(r->g);
  uv_run(loop, UV_RUN_DEFAULT);
  rig_end(r, 20000, NULL);
  if (loop == &own) {
    assert_int_equal(uv_loop_close(&own), 0);
  }
  rig_check_gone(r);
}

// Stopped while attached, with a then-function that waits for something: nothing runs, nothing is lost.
static void test_stopped_while_attached(void **state)
{
  struct rig *r = *state;
  uv_loop_t own, *loop = r->kind == ON_LOOP ? &r->loop : &own;
  if (loop == &own) {
    assert_int_equal(uv_loop_init(&own), 0);
  }
  on_loop x = {r->g, spawn_hand(r->g), 10, 0};
  check_ok(grove_uv_attach(r->g, loop));
  check_ok(grove_then(r->g, ask(r->g, x.to, job_take, NULL), then_on_loop, &x));
  grove_uv_detach(r->g);
  grove_status s = rig_end(r, 20000, NULL);
  uv_run(loop, UV_RUN_DEFAULT);
  if (loop == &own) {
    assert_int_equal(uv_loop_close(&own), 0);
  }
  rig_check_gone(r);
  check_ok(s);
  assert_int_equal(x.wrong, 0);
}

// Not even detached: the loop lets go when it runs again, whatever was to be dispatched.
static void test_stopped_and_never_detached(void **state)
{
  struct rig *r = *state;
  uv_loop_t own, *loop = r->kind == ON_LOOP ? &r->loop : &own;
  if (loop == &own) {
    assert_int_equal(uv_loop_init(&own), 0);
  }
  on_loop x = {r->g, spawn_hand(r->g), 10, 0};
  check_ok(grove_uv_attach(r->g, loop));
  grove_future f = ask(r->g, x.to, job_echo, NULL);
  check_ok(grove_wait(r->g, &f, 1, 1, 20000));
  check_ok(grove_then(r->g, f, then_on_loop, &x)); // ended, and not dispatched
  grove_status s = rig_end(r, 20000, NULL);
  for (int i = 0; i < 10; i++) {
    uv_run(loop, UV_RUN_NOWAIT);
  }
  if (loop == &own) {
    assert_int_equal(uv_loop_close(&own), 0);
  }
  rig_check_gone(r);
  check_ok(s);
}

// ---- chance and time --------------------------------------------------------------------------------------------
static grove_status job_random(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user;
  *reply = (long)(grove_random(self) >> 1);
  return GROVE_OK;
}
static void test_random_depends_on_seed_and_place(void **state)
{
  struct rig *r = *state;
  long n[2][3];
  for (int round = 0; round < 2; round++) {
    rig_restart(r, &(grove_options){.workers = 1 + (uint32_t)round, .seed = 77});
    for (int i = 0; i < 3; i++) {
      check_ok(ask_and_get(r->g, spawn_hand(r->g), job_random, NULL, &n[round][i], NULL));
    }
  }
  assert_memory_equal(n[0], n[1], sizeof n[0]);
  assert_true(n[0][0] != n[0][1] && n[0][1] != n[0][2]);
  int64_t before = grove_now_ns(r->g);
  check_ok(grove_sleep(r->g, 2));
  assert_true(grove_now_ns(r->g) >= before + 2000000);
}

// ---- memory that ends -------------------------------------------------------------------------------------------
static void test_no_memory_for_a_runtime(void **state)
{
  (void)state;
  for (size_t at = 1;; at++) {
    check_memory m = {.fail_at = at};
    grove_allocator a = check_allocator(&m);
    grove *g;
    grove_status s =
        grove_start(&(grove_options){GROVE_OPTIONS, .simulate = 1, .allocator = &a}, &g);
    if (s) {
      check_status(s, GROVE_ENOMEM);
      assert_null(g);
    } else {
      check_ok(grove_stop(g, 20000, NULL));
    }
    assert_int_equal(m.live_blocks, 0);
    assert_int_equal(m.live_bytes, 0);
    if (!s) {
      assert_in_range(at, 5, 1000);
      break;
    }
  }
}

static const rig_test tests[] = {
    EVERYWHERE(test_two_runtimes),
    THREADED(test_asking_abroad),
    EVERYWHERE(test_the_view_of_another_method),
    EVERYWHERE(test_the_runtime_means_who_runs),
    ON(WORKERS, test_options),
    EVERYWHERE(test_bad_classes),
    EVERYWHERE(test_max_actors),
    EVERYWHERE(test_fork),
    THREADED(test_attached_loop),
    THREADED(test_stopped_while_attached),
    THREADED(test_stopped_and_never_detached),
    EVERYWHERE(test_random_depends_on_seed_and_place),
    ON(SIM, test_no_memory_for_a_runtime),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
