// Ending: killed in start, in stop, in destroy, while restarting; exit with grace, of oneself; the tree, children
// first; links. Killed at each wait point: killed_test.c.
#include "actors.h"

static void get_down(struct rig *r, grove_future f, grove_error *down)
{
  check_ok(grove_get(r->g, f, 20000, down, sizeof *down, NULL));
}

// ---- killed elsewhere -------------------------------------------------------------------------------------
typedef struct stage {
  atomic_int started, stopped, destroyed, in_start, in_stop, seen;
  pause_point p;
  bool pause_in_start, pause_in_stop, fail_in_start;
  _Atomic grove_status why;
} stage;
static grove_status staged_start(grove *self, hand_state *s, void *user, long *reply)
{
  stage *x = user;
  atomic_fetch_add(&x->in_start, 1);
  s->memory = malloc(10);
  grove_status status = x->pause_in_start ? job_pause(self, s, &x->p, reply) : GROVE_OK;
  if (x->fail_in_start) {
    status = grove_fail(self, GROVE_EUSER, "no way to start");
  }
  atomic_fetch_add(&x->started, !status);
  return status;
}
static void staged_stop(grove *self, hand_state *s, grove_status why)
{
  stage *x = s->plan.user;
  long n;
  x->why = why;
  atomic_fetch_add(&x->in_stop, 1);
  if (x->pause_in_stop) {
    atomic_store(&x->seen, (int)job_pause(self, s, &x->p, &n));
  }
  atomic_fetch_add(&x->stopped, 1);
}
static void staged_destroy(hand_state *s)
{
  stage *x = s->plan.user;
  free(s->memory);
  atomic_fetch_add(&x->destroyed, 1);
}
static hand_plan staged(stage *x)
{
  memset(x, 0, sizeof *x);
  return (hand_plan){staged_start, staged_stop, staged_destroy, x};
}
static stage stages[4];

static void test_killed_in_start(void **state)
{
  struct rig *r = *state;
  stage *x = &stages[0];
  grove_error down;
  hand_plan plan = staged(x);
  x->pause_in_start = true;
  grove_ref a = spawn_plan(r->g, plan, NULL);
  grove_future ready = grove_ready(r->g, a), f = ask(r->g, a, job_echo, NULL);
  rig_until(r, &x->p.begun, 1);
  get_down(r, grove_exit(r->g, a, 0), &down);
  check_status(down.status, GROVE_ECANCELED);
  assert_int_equal(x->started, 0);
  assert_int_equal(x->destroyed, 1);
  assert_int_equal(x->stopped, 0); // no orderly end
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EDEAD);
  assert_true(grove_get(r->g, ready, 20000, NULL, 0, NULL) != GROVE_OK);
  // with a grace that its start does not use
  plan = staged(x);
  x->pause_in_start = true;
  a = spawn_plan(r->g, plan, NULL);
  rig_until(r, &x->p.begun, 1);
  get_down(r, grove_exit(r->g, a, 10), &down);
  assert_int_equal(x->destroyed, 1);
}

static void test_stop_may_wait_and_is_killed_in_it(void **state)
{
  struct rig *r = *state;
  stage *x = &stages[0];
  grove_error down;
  hand_plan plan = staged(x);
  x->pause_in_stop = true;
  grove_ref a = spawn_plan(r->g, plan, NULL);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  grove_future e = grove_exit(r->g, a, 20000);
  rig_until(r, &x->p.begun, 1);
  check_status(grove_get(r->g, e, 3, NULL, 0, NULL), GROVE_ETIMEDOUT);
  pause_end(r->g, &x->p, 1);
  get_down(r, e, &down);
  check_status(down.status, GROVE_OK);
  check_status(x->why, GROVE_OK);
  check_status((grove_status)x->seen, GROVE_OK);
  assert_int_equal(x->stopped, 1);
  assert_int_equal(x->destroyed, 1);
  // killed while it waits in stop
  plan = staged(x);
  x->pause_in_stop = true;
  a = spawn_plan(r->g, plan, NULL);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  e = grove_exit(r->g, a, 20000);
  rig_until(r, &x->p.begun, 1);
  get_down(r, grove_exit(r->g, a, 0), &down);
  check_status((grove_status)x->seen, GROVE_ECANCELED);
  assert_int_equal(x->stopped, 1);
  assert_int_equal(x->destroyed, 1);
  get_down(r, e, &down);
  // its own deadline: stop_ms
  plan = staged(x);
  x->pause_in_stop = true;
  a = spawn_plan(r->g, plan, &(grove_spawn_options){GROVE_SPAWN, .stop_ms = 10});
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  get_down(r, grove_exit(r->g, a, GROVE_FOREVER), &down);
  check_status((grove_status)x->seen, GROVE_ECANCELED);
  assert_int_equal(x->destroyed, 1);
}

static hold destroy_hold;
static void destroy_held(hand_state *s)
{
  (void)s;
  atomic_fetch_add(&destroy_hold.begun, 1);
  uv_sem_wait(&destroy_hold.sem);
}
static void test_killed_in_destroy(void **state)
{
  struct rig *r = *state;
  grove_error down;
  hold_init(&destroy_hold);
  grove_ref a = spawn_plan(r->g, (hand_plan){.destroy = destroy_held}, NULL);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  grove_future e = grove_exit(r->g, a, 20000);
  rig_until(r, &destroy_hold.begun, 1);
  grove_future e2 = grove_exit(r->g, a, 0);
  hold_let_go(&destroy_hold);
  get_down(r, e, &down);
  get_down(r, e2, &down);
  uv_sem_destroy(&destroy_hold.sem);
}

static void test_killed_while_it_restarts(void **state)
{
  struct rig *r = *state;
  stage *x = &stages[0];
  grove_error down;
  grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 1000000,
      .backoff_max_ms = 1000000};
  for (int grace = 0; grace < 2; grace++) {
    hand_plan plan = staged(x);
    grove_ref a = spawn_plan(r->g, plan, &o);
    check_status(ask_and_get(r->g, a, job_crash, NULL, NULL, NULL), GROVE_EDEAD);
    grove_info info = {.struct_size = sizeof info};
    for (int i = 0; i < 10000 && info.phase != GROVE_PHASE_RESTARTING; i++) {
      check_ok(grove_sleep(r->g, 1));
      check_ok(grove_inspect(r->g, a, &info));
    }
    assert_int_equal(info.phase, GROVE_PHASE_RESTARTING);
    check_contains(info.last_error, "it fell");
    get_down(r, grove_exit(r->g, a, grace ? 20000 : 0), &down);
    assert_int_equal(x->in_start, 1);
    assert_int_equal(x->destroyed, 1);
    assert_int_equal(down.restarts, 1);
  }
}

// ---- exit -------------------------------------------------------------------------------------------------------
static void test_exit_with_grace_handles_what_came_before(void **state)
{
  struct rig *r = *state;
  stage *x = &stages[0];
  static atomic_int count;
  static pause_point p;
  grove_error down;
  atomic_store(&count, 0);
  memset(&p, 0, sizeof p);
  grove_ref a = spawn_plan(r->g, staged(x), NULL);
  grove_future f = ask(r->g, a, job_pause, &p);
  rig_until(r, &p.begun, 1);
  for (int i = 0; i < 20; i++) {
    check_ok(tell(r->g, a, job_count, &count));
  }
  grove_future e = grove_exit(r->g, a, 20000);
  grove_future late = ask(r->g, a, job_count, &count);
  pause_end(r->g, &p, 3);
  get_down(r, e, &down);
  check_status(down.status, GROVE_OK);
  check_contains(down.text, "orderly");
  assert_int_equal(count, 20);
  check_status(grove_get(r->g, late, 20000, NULL, 0, NULL), GROVE_EDEAD);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  assert_int_equal(x->stopped, 1);
  assert_int_equal(x->destroyed, 1);
  // again, when it is gone: the same answer at once
  get_down(r, grove_exit(r->g, a, 20000), &down);
  check_status(down.status, GROVE_OK);
  check_status(
      grove_get(r->g, grove_exit(r->g, grove_self(r->g), 0), 0, NULL, 0, NULL), GROVE_EINVAL);
}

#define several_LIST(S, M) HAND_METHODS(S, M, several)
HANDS(several, .concurrency = 4)

// With several activations, too, what came before is finished, not cancelled.
static void test_exit_with_grace_lets_activations_finish(void **state)
{
  struct rig *r = *state;
  static pause_point p[3];
  grove_error down;
  long n = 0;
  memset(p, 0, sizeof p);
  grove_ref a = spawn_of(r->g, &several_class);
  grove_future f[3];
  for (int i = 0; i < 3; i++) {
    f[i] = ask_of(r->g, a, &several_run_method, job_pause, &p[i]);
    rig_until(r, &p[i].begun, 1);
  }
  grove_future e = grove_exit(r->g, a, 20000);
  for (int i = 0; i < 3; i++) {
    check_status(grove_get(r->g, e, 3, NULL, 0, NULL), GROVE_ETIMEDOUT);
    pause_end(r->g, &p[i], 5 + i);
    check_ok(grove_get(r->g, f[i], 20000, &n, sizeof n, NULL));
    assert_int_equal(n, 5 + i);
  }
  get_down(r, e, &down);
  check_status(down.status, GROVE_OK);
}

static void stop_for_long(grove *self, hand_state *s, grove_status why)
{
  (void)why;
  atomic_store((atomic_int *)s->plan.user, grove_sleep(self, 60000) == GROVE_ECANCELED);
}
// The grace is what was asked for, whoever asks again and later, and it is for `stop`, too.
static void test_grace_is_not_put_off(void **state)
{
  struct rig *r = *state;
  grove_error down;
  static pause_point p;
  atomic_int cut_off = 0;
  memset(&p, 0, sizeof p);
  grove_ref a = spawn_hand(r->g);
  grove_future f = ask(r->g, a, job_pause, &p), gone = grove_monitor(r->g, a);
  rig_until(r, &p.begun, 1);
  int64_t from = grove_now_ns(r->g);
  for (int i = 0; i < 10000 && !grove_ended(r->g, gone); i++) {
    grove_drop(r->g, grove_exit(r->g, a, 300));
    check_ok(grove_sleep(r->g, 1));
  }
  assert_true(grove_now_ns(r->g) - from >= 299 * INT64_C(1000000));
  get_down(r, gone, &down);
  check_status(down.status, GROVE_ECANCELED);
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EDEAD);
  // A shorter one counts from when it is asked for; and one whose method has returned is stopping by then.
  a = spawn_plan(r->g, (hand_plan){.stop = stop_for_long, .user = &cut_off},
      &(grove_spawn_options){GROVE_SPAWN, .stop_ms = 100000});
  check_ok(grove_get(r->g, grove_ready(r->g, a), 20000, NULL, 0, NULL));
  grove_future late = grove_exit(r->g, a, 60000);
  check_status(grove_get(r->g, late, 5, &down, sizeof down, NULL), GROVE_ETIMEDOUT);
  get_down(r, grove_exit(r->g, a, 10), &down);
  assert_int_equal(cut_off, 1);
  get_down(r, late, &down);
}

static grove_status job_exit_myself(grove *self, hand_state *s, void *user, long *reply)
{
  grove_future f = grove_exit(self, grove_self(self), (intptr_t)user);
  (void)s, (void)f;
  *reply = 8;
  return GROVE_OK;
}
static void test_exit_of_oneself(void **state)
{
  struct rig *r = *state;
  grove_error down;
  for (int grace = 0; grace < 2; grace++) {
    stage *x = &stages[0];
    grove_ref a = spawn_plan(r->g, staged(x), NULL);
    grove_future m = grove_monitor(r->g, a);
    long n = 0;
    check_ok(ask_and_get(r->g, a, job_exit_myself, (void *)(intptr_t)(grace * 20000), &n, NULL));
    assert_int_equal(n, 8); // its method returns first
    get_down(r, m, &down);
    check_status(down.status, grace ? GROVE_OK : GROVE_ECANCELED);
    assert_int_equal(x->destroyed, 1);
    assert_int_equal(x->stopped, grace);
  }
}

// Who asks again, and again, does not give it more time than the first one did.
static void test_exit_asked_again_is_no_respite(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  grove_ref a = spawn_hand(r->g);
  grove_future f = ask(r->g, a, job_pause, &p), e = grove_exit(r->g, a, 100);
  int64_t from = grove_now_ns(r->g);
  for (int i = 0; i < 9; i++) {
    grove_drop(r->g, grove_exit(r->g, a, 1000));
    (void)grove_sim_advance(r->g, 10);
    assert_false(grove_ended(r->g, e));
  }
  check_ok(grove_get(r->g, e, 20000, NULL, 0, NULL));
  assert_int_equal((grove_now_ns(r->g) - from) / 1000000, 100);
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EDEAD);
}

// Of a failing one, and of one that drops its mailbox when it restarts: nobody comes back after an exit.
static void test_exit_is_not_forgotten_by_a_restart(void **state)
{
  struct rig *r = *state;
  for (int drop = 0; drop < 2; drop++) {
    static pause_point p;
    memset(&p, 0, sizeof p);
    grove_error down;
    grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 1};
    o.flags = drop ? GROVE_SPAWN_DROP_MAILBOX : 0;
    grove_ref a = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL}, &o);
    grove_future f = ask(r->g, a, job_pause, &p);
    rig_until(r, &p.begun, 1);
    check_ok(tell(r->g, a, job_crash, NULL));
    grove_future e = grove_exit(r->g, a, GROVE_FOREVER);
    pause_end(r->g, &p, 1);
    check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
    get_down(r, e, &down);
  }
}

// ---- the tree ---------------------------------------------------------------------------------------------------
typedef struct order {
  uv_mutex_t lock;
  long at[64];
  int n;
} order;
static order ends;
typedef struct branch {
  long number;
  int depth;
} branch;
static void destroy_in_order(hand_state *s)
{
  uv_mutex_lock(&ends.lock);
  ends.at[ends.n++] = s->number;
  uv_mutex_unlock(&ends.lock);
}
// Number n has the children 2n and 2n + 1, down to 15.
static grove_status start_branch(grove *self, hand_state *s, void *user, long *reply)
{
  (void)reply;
  s->number = (long)(intptr_t)user;
  for (long k = 2 * s->number; k <= 2 * s->number + 1 && k < 16; k++) {
    hand_plan plan = {
        .start = start_branch, .destroy = destroy_in_order, .user = (void *)(intptr_t)k};
    grove_ref c = spawn_plan(self, plan, NULL);
    grove_status status = grove_get(self, grove_ready(self, c), GROVE_FOREVER, NULL, 0, NULL);
    if (status) {
      return status;
    }
  }
  return GROVE_OK;
}

static void test_children_end_first(void **state)
{
  struct rig *r = *state;
  for (int how = 0; how < 3; how++) {
    assert_int_equal(uv_mutex_init(&ends.lock), 0);
    ends.n = 0;
    grove_error down;
    grove_ref top = spawn_plan(r->g,
        (hand_plan){.start = start_branch, .destroy = destroy_in_order, .user = (void *)1}, NULL);
    check_ok(grove_get(r->g, grove_ready(r->g, top), 20000, NULL, 0, NULL));
    size_t total;
    check_ok(grove_snapshot(
        r->g, &(grove_snapshot_options){GROVE_SNAPSHOT, .under = top}, NULL, 0, 0, &total));
    assert_int_equal(total, 14);
    grove_future m = grove_monitor(r->g, top);
    if (how == 2) {
      check_ok(tell(r->g, top, job_crash, NULL));
    } else {
      grove_future e = grove_exit(r->g, top, how ? 20000 : 0);
      grove_drop(r->g, e);
    }
    get_down(r, m, &down);
    uv_mutex_lock(&ends.lock);
    assert_int_equal(ends.n, 15);
    int place[16] = {0};
    for (int i = 0; i < 15; i++) {
      place[ends.at[i]] = i;
    }
    for (int i = 2; i < 16; i++) {
      assert_true(place[i] < place[i / 2]);
    }
    uv_mutex_unlock(&ends.lock);
    uv_mutex_destroy(&ends.lock);
  }
}

// A chain of a thousand, each the parent of the next.
static atomic_int links_of_chain, ended_of_chain;
static void count_end(hand_state *s)
{
  (void)s;
  atomic_fetch_add(&ended_of_chain, 1);
}
static grove_status start_chain(grove *self, hand_state *s, void *user, long *reply)
{
  intptr_t left = (intptr_t)user;
  (void)s, (void)reply;
  atomic_fetch_add(&links_of_chain, 1);
  if (left > 1) {
    hand_plan plan = {.start = start_chain, .destroy = count_end, .user = (void *)(left - 1)};
    return grove_ref_status(spawn_plan(self, plan, NULL));
  }
  return GROVE_OK;
}
static void test_a_chain_of_a_thousand_ends(void **state)
{
  struct rig *r = *state;
  for (int how = 0; how < 2; how++) {
    atomic_store(&links_of_chain, 0);
    atomic_store(&ended_of_chain, 0);
    hand_plan plan = {.start = start_chain, .destroy = count_end, .user = (void *)1000};
    grove_ref top = spawn_plan(r->g, plan, NULL);
    rig_until(r, &links_of_chain, 1000);
    grove_error down;
    get_down(r, grove_exit(r->g, top, how ? 20000 : 0), &down);
    assert_int_equal(ended_of_chain, 1000);
  }
}

typedef struct late_child {
  atomic_int tried;
  _Atomic grove_status status;
} late_child;
static void stop_spawning(grove *self, hand_state *s, grove_status why)
{
  late_child *x = s->plan.user;
  (void)why;
  x->status = grove_ref_status(spawn_hand(self));
  atomic_fetch_add(&x->tried, 1);
}
static void test_no_children_for_an_ending_parent(void **state)
{
  struct rig *r = *state;
  static late_child x;
  memset(&x, 0, sizeof x);
  grove_error down;
  grove_ref a = spawn_plan(r->g, (hand_plan){.stop = stop_spawning, .user = &x}, NULL);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  get_down(r, grove_exit(r->g, a, 20000), &down);
  assert_int_equal(x.tried, 1);
  check_status(x.status, GROVE_ECANCELED);
}

// A child that fails while its parent ends is not started again.
typedef struct failing_child {
  atomic_int starts, stopping;
  pause_point p;
} failing_child;
static failing_child fc;
static grove_status child_start(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self, (void)s, (void)user, (void)reply;
  atomic_fetch_add(&fc.starts, 1);
  return GROVE_OK;
}
static grove_status job_pause_and_crash(grove *self, hand_state *s, void *user, long *reply)
{
  grove_status status = job_pause(self, s, user, reply);
  return status ? grove_crash(self, GROVE_EUSER, "crashed as it ended") : status;
}
static grove_status job_spawn_child(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_PERMANENT, .backoff_min_ms = 1};
  grove_ref c = spawn_plan(self, (hand_plan){.start = child_start}, &o);
  return tell(self, c, job_pause_and_crash, user);
}
static void test_a_child_that_fails_in_an_ending_tree(void **state)
{
  struct rig *r = *state;
  for (int grace = 0; grace < 2; grace++) {
    memset(&fc, 0, sizeof fc);
    grove_error down;
    grove_ref a = spawn_hand(r->g);
    check_ok(ask_and_get(r->g, a, job_spawn_child, &fc.p, NULL, NULL));
    rig_until(r, &fc.p.begun, 1);
    int64_t from = grove_now_ns(r->g);
    get_down(r, grove_exit(r->g, a, grace ? 20000 : 0), &down);
    assert_int_equal(fc.starts, 1);
    assert_true(grove_now_ns(r->g) - from < 4000 * INT64_C(1000000)); // not only by its deadline
  }
}

// ---- links -------------------------------------------------------------------------------------------------------
static grove_status job_link(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s;
  grove_status status = grove_link(self, *(grove_ref *)user);
  *reply = grove_link(self, *(grove_ref *)user) == status; // twice is once
  return status;
}
static void test_links(void **state)
{
  struct rig *r = *state;
  grove_error down;
  for (int side = 0; side < 2; side++) {
    grove_ref a = spawn_hand(r->g), b = spawn_hand(r->g);
    check_ok(ask_and_get(r->g, a, job_link, &b, NULL, NULL));
    grove_future m = grove_monitor(r->g, side ? a : b);
    check_ok(tell(r->g, side ? b : a, job_crash, "the first to fall"));
    get_down(r, m, &down);
    check_status(down.status, GROVE_EDEAD);
    check_contains(down.text, "linked");
    check_contains(down.text, "the first to fall");
  }
  // who lives long and links to many that don't keeps no list of the dead
  grove_ref old = spawn_hand(r->g);
  long long before = 0;
  for (int i = 0; i < 4000; i++) {
    grove_ref young = spawn_hand(r->g);
    check_ok(ask_and_get(r->g, old, job_link, &young, NULL, NULL));
    get_down(r, grove_exit(r->g, young, 20000), &down);
    if (i == 1000) {
      before = atomic_load(&r->bytes);
    }
  }
  // 3,000 links would be 48,000 bytes. A loop that is only pumped keeps its work items, so there nothing is said.
  assert_true(r->kind == ON_LOOP || atomic_load(&r->bytes) < before + 40000);
  // an orderly end does nothing, and the link is gone
  grove_ref a = spawn_hand(r->g), b = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, a, job_link, &b, NULL, NULL));
  get_down(r, grove_exit(r->g, b, 20000), &down);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  check_status(ask_and_get(r->g, a, job_link, &b, NULL, NULL), GROVE_ENOACTOR);
  check_status(ask_and_get(r->g, a, job_link, &a, NULL, NULL), GROVE_EINVAL);
  check_status(grove_link(r->g, a), GROVE_EINVAL);
}

static const rig_test tests[] = {
    EVERYWHERE(test_killed_in_start),
    EVERYWHERE(test_stop_may_wait_and_is_killed_in_it),
    ON(WORKERS, test_killed_in_destroy),
    EVERYWHERE(test_killed_while_it_restarts),
    EVERYWHERE(test_exit_with_grace_handles_what_came_before),
    EVERYWHERE(test_exit_with_grace_lets_activations_finish),
    EVERYWHERE(test_grace_is_not_put_off),
    EVERYWHERE(test_exit_of_oneself),
    ON(SIM, test_exit_asked_again_is_no_respite),
    EVERYWHERE(test_exit_is_not_forgotten_by_a_restart),
    EVERYWHERE(test_children_end_first),
    EVERYWHERE(test_a_chain_of_a_thousand_ends),
    EVERYWHERE(test_no_children_for_an_ending_parent),
    EVERYWHERE(test_a_child_that_fails_in_an_ending_tree),
    EVERYWHERE(test_links),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
