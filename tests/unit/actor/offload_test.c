// Code that blocks: offloaded functions, blocking classes, threads of their own; tasks; parallel loops.
#include "actors.h"

static long get_long(struct rig *r, grove_future f)
{
  long n = -1;
  grove_error err;
  check_ok_err(grove_get(r->g, f, 20000, &n, sizeof n, &err), &err);
  return n;
}

// ---- offload ------------------------------------------------------------------------------------------------
typedef struct jobs {
  hold *hold;
  atomic_int ran;
} jobs;
typedef struct job_arg {
  jobs *j;
  long n;
} job_arg;
GROVE_TYPE(job_arg)
GROVE_FUNCTION(held_square, job_arg, long)
static grove_status held_square(grove *self, const job_arg *a, long *out)
{
  (void)self;
  atomic_fetch_add(&a->j->ran, 1);
  if (a->j->hold) {
    atomic_fetch_add(&a->j->hold->begun, 1);
    uv_sem_wait(&a->j->hold->sem);
  }
  *out = a->n * a->n;
  return GROVE_OK;
}
GROVE_FUNCTION(refuse, grove_string, grove_string)
static grove_status refuse(grove *self, const grove_string *text, grove_string *out)
{
  if (strcmp(grove_text(*text), "share") == 0) {
    return grove_share_string(self, "shared there", out);
  }
  return grove_fail(self, GROVE_EUSER, "can't do %s", grove_text(*text));
}
GROVE_FUNCTION(calls_an_actor, grove_ref, long)
static grove_status calls_an_actor(grove *self, const grove_ref *to, long *out)
{
  return ask_and_get(self, *to, job_echo, (void *)9, out, NULL);
}
GROVE_FUNCTION(nests, long, long)
static grove_status nests(grove *self, const long *depth, long *out)
{
  if (*depth == 0) {
    *out = 1;
    return GROVE_OK;
  }
  grove_status s = nests_get(self, nests_offload(self, *depth - 1), GROVE_FOREVER, out, NULL);
  *out += 1;
  return s;
}

static void test_offload(void **state)
{
  struct rig *r = *state;
  jobs j = {NULL, 0};
  long n;
  grove_error err;
  grove_string text;
  check_ok(held_square_get(r->g, held_square_offload(r->g, (job_arg){&j, 12}), 20000, &n, NULL));
  assert_int_equal(n, 144);
  check_status(refuse_get(r->g, refuse_offload(r->g, grove_string_of("that")), 20000, &text, &err),
      GROVE_EUSER);
  assert_string_equal(err.text, "refuse: can't do that");
  check_ok(refuse_get(r->g, refuse_offload(r->g, grove_string_of("share")), 20000, &text, &err));
  assert_string_equal(grove_text(text), "shared there");
  grove_release(text.shared);
  check_status(
      grove_get(r->g, grove_offload(r->g, &hand_run_method, &n), 0, NULL, 0, NULL), GROVE_EINVAL);
}

static void test_offloaded_functions_may_wait(void **state)
{
  struct rig *r = *state;
  long n;
  check_ok(
      calls_an_actor_get(r->g, calls_an_actor_offload(r->g, spawn_hand(r->g)), 20000, &n, NULL));
  assert_int_equal(n, 9);
  rig_restart(r, &(grove_options){.workers = 1, .offload_threads = 1});
  grove_error err;
  check_ok_err(nests_get(r->g, nests_offload(r->g, 10), 20000, &n, &err), &err);
  assert_int_equal(n, 11);
}

static void test_offload_is_bounded_and_can_be_cancelled(void **state)
{
  struct rig *r = *state;
  static hold h;
  static jobs j;
  grove_error err;
  rig_restart(r, &(grove_options){.workers = 1, .offload_threads = 1, .offload_queue = 3});
  hold_init(&h);
  j.hold = &h;
  atomic_store(&j.ran, 0);
  held_square_future f[5];
  f[0] = held_square_offload(r->g, (job_arg){&j, 2});
  rig_until(r, &h.begun, 1);
  for (int i = 1; i < 4; i++) {
    f[i] = held_square_offload(r->g, (job_arg){&j, 2 + i});
  }
  f[4] = held_square_offload(r->g, (job_arg){&j, 9});
  check_status(grove_get(r->g, f[4].future, 0, NULL, 0, &err), GROVE_EAGAIN);
  check_contains(err.text, "offload_queue");
  check_contains(err.text, "3 functions");
  grove_cancel(r->g, f[1].future); // before it began: at once
  check_status(grove_get(r->g, f[1].future, 0, NULL, 0, NULL), GROVE_ECANCELED);
  grove_drop(r->g, f[2].future);
  grove_cancel(r->g, f[0].future); // running: nothing makes it return
  check_status(grove_get(r->g, f[0].future, 5, NULL, 0, NULL), GROVE_ETIMEDOUT);
  hold_let_go(&h);
  hold_let_go(&h);
  assert_int_equal(get_long(r, f[0].future), 4);
  assert_int_equal(get_long(r, f[3].future), 25);
  assert_int_equal(j.ran, 2);
  uv_sem_destroy(&h.sem);
}

// What a stop finds queued and not begun ends, is not run, and gives back what it holds.
static void test_stopped_before_it_began(void **state)
{
  struct rig *r = *state;
  for (int i = 0; i < 20; i++) {
    (void)refuse_offload(r->g, grove_string_of("share"));
  }
  rig_stop(r);
}

// ---- blocking classes, own threads ------------------------------------------------------------------------
#define blocks_LIST(S, M) HAND_METHODS(S, M, blocks)
HANDS(blocks, .blocking = 1)
#define own_LIST(S, M) HAND_METHODS(S, M, own)
HANDS(own, .own_thread = 1)

typedef struct nest {
  grove_ref who[8];
  const grove_method *method;
} nest;
typedef struct nest_step {
  nest *n;
  int at;
} nest_step;
static nest_step nest_steps[8];
static grove_status job_nest(grove *self, hand_state *s, void *user, long *reply)
{
  nest_step *x = user;
  (void)s;
  if (x->at == 7) {
    *reply = 1;
    return GROVE_OK;
  }
  grove_future f =
      ask_of(self, x->n->who[x->at + 1], x->n->method, job_nest, &nest_steps[x->at + 1]);
  long n = 0;
  grove_status status = grove_get(self, f, GROVE_FOREVER, &n, sizeof n, NULL);
  *reply = n + 1;
  return status;
}
static void nest_deep(struct rig *r, const grove_class *c, const grove_method *m)
{
  static nest n;
  n.method = m;
  for (int i = 0; i < 8; i++) {
    n.who[i] = spawn_of(r->g, c);
    nest_steps[i] = (nest_step){&n, i};
  }
  assert_int_equal(get_long(r, ask_of(r->g, n.who[0], m, job_nest, &nest_steps[0])), 8);
}

static void test_blocking_classes_lend_their_threads(void **state)
{
  struct rig *r = *state;
  rig_restart(r, &(grove_options){.workers = 1, .offload_threads = 1, .turn_warn_ms = 100000});
  nest_deep(r, &blocks_class, &blocks_run_method);
  nest_deep(r, &own_class, &own_run_method);
}

static grove_status job_thread(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self, (void)s;
  *(uv_thread_t *)user = uv_thread_self();
  *reply = 1;
  return GROVE_OK;
}
static void test_own_threads(void **state)
{
  struct rig *r = *state;
  uv_thread_t a1, a2, b1;
  static hold h;
  static pause_point p;
  hold_init(&h);
  memset(&p, 0, sizeof p);
  rig_restart(r, &(grove_options){.workers = 1, .turn_warn_ms = 100000});
  grove_ref a = spawn_of(r->g, &own_class), b = spawn_of(r->g, &own_class);
  assert_int_equal(get_long(r, ask_of(r->g, a, &own_run_method, job_thread, &a1)), 1);
  grove_future waits = ask_of(r->g, a, &own_run_method, job_pause, &p); // blocks only its own
  rig_until(r, &p.begun, 1);
  assert_int_equal(get_long(r, ask_of(r->g, b, &own_run_method, job_thread, &b1)), 1);
  assert_int_equal(get_long(r, ask(r->g, spawn_hand(r->g), job_echo, (void *)5)), 5);
  pause_end(r->g, &p, 2);
  assert_int_equal(get_long(r, waits), 2);
  assert_int_equal(get_long(r, ask_of(r->g, a, &own_run_method, job_thread, &a2)), 1);
  assert_true(uv_thread_equal(&a1, &a2));
  assert_false(uv_thread_equal(&a1, &b1));
  // held without grove's knowing: the workers go on
  grove_future held = ask_of(r->g, a, &own_run_method, job_hold, &h);
  rig_until(r, &h.begun, 1);
  assert_int_equal(get_long(r, ask(r->g, spawn_hand(r->g), job_echo, (void *)6)), 6);
  hold_let_go(&h);
  assert_int_equal(get_long(r, held), 1);
  // killed while it waits; many that come and go leave no thread behind
  waits = ask_of(r->g, b, &own_run_method, job_pause, &p);
  rig_until(r, &p.begun, 2);
  check_ok(grove_get(r->g, grove_exit(r->g, b, 0), 20000, NULL, 0, NULL));
  check_status(grove_get(r->g, waits, 20000, NULL, 0, NULL), GROVE_EDEAD);
  for (int i = 0; i < 50; i++) {
    grove_ref c = spawn_of(r->g, &own_class);
    check_ok(grove_send(r->g, c, &own_run_method, &(hand_job){job_echo, NULL}));
    check_ok(grove_get(r->g, grove_exit(r->g, c, 20000), 20000, NULL, 0, NULL));
  }
  uv_sem_destroy(&h.sem);
}

static void test_blocking_classes(void **state)
{
  struct rig *r = *state;
  static hold h[3];
  grove_future f[3];
  rig_restart(r, &(grove_options){.workers = 1, .turn_warn_ms = 100000});
  for (int i = 0; i < 3; i++) {
    hold_init(&h[i]);
    f[i] = ask_of(r->g, spawn_of(r->g, &blocks_class), &blocks_run_method, job_hold, &h[i]);
  }
  for (int i = 0; i < 3; i++) { // all three block at once, and the worker goes on
    rig_until(r, &h[i].begun, 1);
  }
  assert_int_equal(get_long(r, ask(r->g, spawn_hand(r->g), job_echo, (void *)6)), 6);
  for (int i = 0; i < 3; i++) {
    hold_let_go(&h[i]);
    assert_int_equal(get_long(r, f[i]), 1);
    uv_sem_destroy(&h[i].sem);
  }
}

// ---- tasks ---------------------------------------------------------------------------------------------------
GROVE_FUNCTION(fibonacci, long, long)
static grove_status fibonacci(grove *self, const long *n, long *out)
{
  if (*n < 2) {
    *out = *n;
    return GROVE_OK;
  }
  fibonacci_future f[2] = {fibonacci_task(self, *n - 1), fibonacci_task(self, *n - 2)};
  long x[2];
  grove_status s = fibonacci_get_all(self, f, 2, GROVE_FOREVER, x, NULL);
  *out = x[0] + x[1];
  return s;
}
static atomic_int orphans;
static void count_orphan(hand_state *s)
{
  (void)s;
  atomic_fetch_add(&orphans, 1);
}
GROVE_FUNCTION(has_children, long, long)
static grove_status has_children(grove *self, const long *n, long *out)
{
  for (int i = 0; i < 3; i++) {
    grove_ref c = spawn_plan(self, (hand_plan){.destroy = count_orphan}, NULL);
    grove_status s = ask_and_get(self, c, job_echo, NULL, NULL, NULL);
    if (s) {
      return s;
    }
  }
  *out = 3;
  return *n ? grove_crash(self, GROVE_EUSER, "a task that crashed") : GROVE_OK;
}

static void test_tasks(void **state)
{
  struct rig *r = *state;
  long n;
  grove_error err;
  check_ok(fibonacci_get(r->g, fibonacci_task(r->g, 10), 60000, &n, NULL));
  assert_int_equal(n, 55);
  atomic_store(&orphans, 0);
  check_ok(has_children_get(r->g, has_children_task(r->g, 0), 20000, &n, NULL));
  rig_until(r, &orphans, 3); // what it spawned ends with it
  check_status(has_children_get(r->g, has_children_task(r->g, 1), 20000, &n, &err), GROVE_EDEAD);
  check_contains(err.text, "has_children: a task that crashed");
  rig_until(r, &orphans, 6);
  grove_string text;
  check_status(refuse_get(r->g, refuse_task(r->g, grove_string_of("a task")), 20000, &text, &err),
      GROVE_EUSER);
  assert_string_equal(err.text, "refuse: can't do a task");
  check_status(
      grove_get(r->g, grove_task(r->g, &hand_run_method, &n), 0, NULL, 0, NULL), GROVE_EINVAL);
  grove_drop(r->g, fibonacci_task(r->g, 8).future); // and with nobody who wants it
}

// ---- parallel loops --------------------------------------------------------------------------------------------
enum { CHUNKS = 1000 };
typedef struct loop_sum {
  grove_work *work;
  long part[CHUNKS];
  atomic_int inner;
} loop_sum;
static void add_inner(void *user, size_t i)
{
  (void)i;
  atomic_fetch_add(&((loop_sum *)user)->inner, 1);
}
static void add_chunk(void *user, size_t i)
{
  loop_sum *l = user;
  l->part[i] = (long)(i * i);
  if (i % 100 == 0) {
    l->work->parallel_for(l->work->user, 7, add_inner, l); // nested
  }
}
static grove_status job_loop(grove *self, hand_state *s, void *user, long *reply)
{
  grove_work w;
  loop_sum *l = calloc(1, sizeof *l);
  (void)s, (void)user;
  if (!l) {
    return GROVE_ENOMEM;
  }
  grove_work_init(self, &w);
  l->work = &w;
  w.parallel_for(w.user, CHUNKS, add_chunk, l);
  w.parallel_for(w.user, 0, add_chunk, l);
  for (int i = 0; i < CHUNKS; i++) {
    *reply += l->part[i];
  }
  *reply = atomic_load(&l->inner) == 70 ? *reply : -1;
  w.progress(w.user, 0.5, "half of it");
  *reply = w.yield(w.user) || w.cancelled(w.user) ? -2 : *reply;
  free(l);
  return GROVE_OK;
}

static void test_parallel_loops(void **state)
{
  struct rig *r = *state;
  enum { SUM = 332833500 };
  grove_future f[6];
  long n[6];
  for (uint32_t workers = 1; workers <= 4; workers++) {
    grove_work w;
    rig_restart(r, &(grove_options){.workers = workers, .turn_warn_ms = 100000});
    grove_work_init(r->g, &w);
    assert_int_equal(w.width, r->kind == ON_SIMULATION ? 1 : workers);
    grove_ref last = GROVE_NOBODY;
    for (int i = 0; i < 6; i++) { // several at once
      last = spawn_hand(r->g);
      f[i] = ask(r->g, last, job_loop, NULL);
    }
    check_ok(grove_get_all(r->g, f, 6, 60000, n, sizeof *n, NULL));
    for (int i = 0; i < 6; i++) {
      assert_int_equal(n[i], SUM);
    }
    grove_info info = {.struct_size = sizeof info};
    check_ok(grove_inspect(r->g, last, &info));
    assert_string_equal(info.state, "half of it");
    assert_true(info.progress == 0.5);
    loop_sum *l = calloc(1, sizeof *l); // from outside, too
    assert_non_null(l);
    l->work = &w;
    w.parallel_for(w.user, CHUNKS, add_chunk, l);
    long sum = 0;
    for (int i = 0; i < CHUNKS; i++) {
      sum += l->part[i];
    }
    free(l);
    assert_int_equal(sum, SUM);
  }
}

typedef struct long_loop {
  grove_work work;
  atomic_int begun, saw_cancel;
} long_loop;
static void until_cancelled(void *user, size_t i)
{
  long_loop *l = user;
  (void)i;
  atomic_fetch_add(&l->begun, 1);
  while (!l->work.cancelled(l->work.user)) {
    check_pause();
  }
  atomic_fetch_add(&l->saw_cancel, 1);
}
static grove_status job_long_loop(grove *self, hand_state *s, void *user, long *reply)
{
  long_loop *l = user;
  (void)s, (void)reply;
  grove_work_init(self, &l->work);
  l->work.parallel_for(l->work.user, 3, until_cancelled, l);
  return l->work.yield(l->work.user);
}
static void test_chunks_see_a_cancel(void **state)
{
  struct rig *r = *state;
  static long_loop l;
  memset(&l, 0, sizeof l);
  grove_future f = ask(r->g, spawn_hand(r->g), job_long_loop, &l);
  rig_until(r, &l.begun, 1);
  grove_cancel(r->g, f);
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_ECANCELED);
  assert_int_equal(l.saw_cancel, 3);
}

static const rig_test tests[] = {
    EVERYWHERE(test_offload),
    EVERYWHERE(test_offloaded_functions_may_wait),
    THREADED(test_offload_is_bounded_and_can_be_cancelled),
    EVERYWHERE(test_stopped_before_it_began),
    EVERYWHERE(test_blocking_classes_lend_their_threads),
    THREADED(test_own_threads),
    THREADED(test_blocking_classes),
    EVERYWHERE(test_tasks),
    EVERYWHERE(test_parallel_loops),
    THREADED(test_chunks_see_a_cancel),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
