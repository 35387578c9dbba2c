// Circles of waits that lead through a pool: who waits for an item whose member waits for him.
#include "crew.h"

// ---- members, that ask their owner back -----------------------------------------------------------
typedef struct errand {
  grove_ref owner;
  const grove_method *method;
} errand;
GROVE_TYPE(errand)
struct runner {
  char none;
};
typedef struct nest {
  grove_ref pool;
  gate_ref gate;
} nest;
GROVE_TYPE(nest)
#define RUNNER(START, METHOD)                                                                      \
  START(runner, grove_none)                                                                        \
  METHOD(runner, back, errand, long)                                                               \
  METHOD(runner, nested, nest, long)                                                               \
  METHOD(runner, held, nest, long)                                                                 \
  METHOD(runner, answer, long, long)
GROVE_ACTOR(RUNNER, runner)

static grove_status runner_start(grove *self, struct runner *r, const grove_none *none)
{
  (void)self, (void)r, (void)none;
  return GROVE_OK;
}

static grove_status runner_back(grove *self, struct runner *r, const errand *e, long *out)
{
  (void)r;
  grove_future f = grove_call(self, e->owner, e->method, &(long){3});
  return grove_get(self, f, GROVE_FOREVER, out, sizeof *out, NULL);
}

static grove_status runner_answer(grove *self, struct runner *r, const long *n, long *out)
{
  (void)self, (void)r;
  *out = *n;
  return GROVE_OK;
}

static grove_status runner_held(grove *self, struct runner *r, const nest *n, long *out)
{
  grove_none none;
  (void)r;
  *out = 1;
  return gate_pass_get(self, gate_pass_call(self, n->gate, GROVE_NONE), GROVE_FOREVER, &none, NULL);
}

enum { GAVE_WAY = -1 };

// Gives an item to its own pool, once the gate is open, and waits for it; the victim of a circle gives way.
static grove_status runner_nested(grove *self, struct runner *r, const nest *n, long *out)
{
  grove_error err;
  grove_status s = runner_held(self, r, n, out);
  if (!s) {
    runner_answer_future f = runner_answer_call(self, runner__ref(n->pool), 3);
    s = runner_answer_get(self, f, GROVE_FOREVER, out, &err);
  }
  if (s == GROVE_EDEADLK && strstr(err.text, "waits in a circle")) {
    *out = GAVE_WAY;
    return GROVE_OK;
  }
  return s;
}

// ---- owners, of one method at a time or of two ----------------------------------------------------
enum { BY_WINDOW, BY_CALL, OVER_A_POOL, WAYS };
struct owner {
  char none;
};
static grove_status wait_for_item(
    grove *self, const grove_method *back, long way, long *out, grove_error *err)
{
  grove_pool_options one = {GROVE_POOL, .members = 1};
  grove_pool *p = runner_pool_spawn(self, GROVE_NONE, &one), *outer = p;
  errand e = {grove_self(self), back};
  if (way == BY_CALL) {
    runner_back_future f = runner_back_call(self, runner_pool_ref(p), e);
    return runner_back_get(self, f, GROVE_FOREVER, out, err);
  }
  grove_status s = GROVE_OK;
  if (way == OVER_A_POOL) { // whose actor has the first one's as a member
    outer = grove_pool_over(self, grove_pool_ref(p), NULL);
    s = grove_pool_push(outer, runner_spawn(self, GROVE_NONE, NULL).ref);
  }
  s = s ? s : runner_back_submit(self, outer, e, 0);
  return s ? s : runner_back_get_next(self, outer, GROVE_FOREVER, NULL, out, err);
}

#define OWNER(START, METHOD)                                                                       \
  START(owner, grove_none) METHOD(owner, work, long, long) METHOD(owner, twice, long, long)
GROVE_ACTOR(OWNER, owner)
#define DOUBLE(START, METHOD)                                                                      \
  START(pair, grove_none) METHOD(pair, work, long, long) METHOD(pair, twice, long, long)
struct pair {
  char none;
};
GROVE_ACTOR_WITH(DOUBLE, pair, .concurrency = 2)

static grove_status owner_start(grove *self, struct owner *o, const grove_none *none)
{
  (void)self, (void)o, (void)none;
  return GROVE_OK;
}
static grove_status owner_twice(grove *self, struct owner *o, const long *n, long *out)
{
  (void)self, (void)o;
  *out = *n * 2;
  return GROVE_OK;
}
static grove_status owner_work(grove *self, struct owner *o, const long *way, long *out)
{
  (void)o;
  grove_error err;
  grove_status s = wait_for_item(self, &owner_twice_method, *way, out, &err);
  return s ? grove_fail_with(self, &err) : GROVE_OK;
}
static grove_status pair_start(grove *self, struct pair *o, const grove_none *none)
{
  (void)self, (void)o, (void)none;
  return GROVE_OK;
}
static grove_status pair_twice(grove *self, struct pair *o, const long *n, long *out)
{
  (void)self, (void)o;
  *out = *n * 2;
  return GROVE_OK;
}
static grove_status pair_work(grove *self, struct pair *o, const long *way, long *out)
{
  (void)o;
  grove_error err;
  grove_status s = wait_for_item(self, &pair_twice_method, *way, out, &err);
  return s ? grove_fail_with(self, &err) : GROVE_OK;
}

// ---- tests ----------------------------------------------------------------------------------------
static void a_circle_through_a_pool_is_found(grove *g, uint64_t seed)
{
  (void)seed;
  for (long way = 0; way < WAYS; way++) {
    grove_error err;
    long out;
    owner_ref owner = owner_spawn(g, GROVE_NONE, NULL);
    owner_work_future f = owner_work_call(g, owner, way);
    check_status(owner_work_get(g, f, GROVE_FOREVER, &out, &err), GROVE_EDEADLK);
    check_contains(err.text, "waits in a circle");
    check_contains(err.text, "in work");
    check_contains(err.text, "in back");
  }
}

static void an_owner_that_can_still_answer_is_in_none(grove *g, uint64_t seed)
{
  (void)seed;
  for (long way = 0; way < WAYS; way++) {
    long out;
    pair_ref owner = pair_spawn(g, GROVE_NONE, NULL);
    pair_work_future f = pair_work_call(g, owner, way);
    check_ok(pair_work_get(g, f, GROVE_FOREVER, &out, NULL));
    assert_int_equal(out, 6);
  }
}

// ---- items that no member has yet ---------------------------------------------------------------------------

static grove_pool *spawn_runners(grove *g, uint32_t members)
{
  grove_spawn_options never = {GROVE_SPAWN, .restart = GROVE_TEMPORARY};
  return runner_pool_spawn(g, GROVE_NONE,
      &(grove_pool_options){GROVE_POOL, .members = members, .member = &never, .window = 8});
}

// Each member waits for an item in the queue that they alone could do.
static void a_circle_through_the_queue_is_found(grove *g, uint64_t seed)
{
  (void)seed;
  for (uint32_t members = 1; members <= 3; members++) {
    gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
    grove_pool *p = spawn_runners(g, members);
    long out, victims = 0;
    for (uint32_t i = 0; i < members; i++) {
      check_ok(runner_nested_submit(g, p, ((nest){grove_pool_ref(p), gate}), i));
    }
    unlock(g, gate);
    for (uint32_t i = 0; i < members; i++) {
      check_ok(runner_nested_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
      victims += out == GAVE_WAY;
      assert_true(out == 3 || out == GAVE_WAY);
    }
    assert_true(victims <= 1 && (members > 1 || victims == 1)); // else one was done before the other asked
    grove_pool_destroy(p);
  }
}

static void a_member_that_may_come_is_in_none(grove *g, uint64_t seed)
{
  (void)seed;
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = spawn_runners(g, 2);
  grove_ref popped;
  long out = 0;
  unlock(g, gate);
  check_ok(grove_pool_pop_idle(p, &popped));
  check_ok(runner_nested_submit(g, p, ((nest){grove_pool_ref(p), gate}), 1));
  check_status(runner_nested_get_next(g, p, 50, NULL, &out, NULL), GROVE_ETIMEDOUT);
  check_ok(grove_pool_push(p, popped));
  check_ok(runner_nested_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  assert_int_equal(out, 3);
  grove_pool_destroy(p);
}

// The member that is at work on `method`, and waits in it.
static grove_ref find_at_work(grove *g, const grove_pool *p, const char *method)
{
  grove_info of[4];
  size_t n = 0;
  for (int tries = 0; tries < 20000; tries++) {
    check_ok(grove_snapshot(g, &(grove_snapshot_options){GROVE_SNAPSHOT, .under = grove_pool_ref(p)},
        of, sizeof *of, 4, &n));
    for (size_t i = 0; i < n; i++) {
      if (of[i].phase == GROVE_PHASE_WAITING && strcmp(of[i].method, method) == 0) {
        return of[i].ref;
      }
    }
    check_ok(grove_sleep(g, 1));
  }
  fail();
  return GROVE_NOBODY;
}

// The other one is gone for good: then nobody is left but who waits.
static void a_circle_is_found_when_members_go(grove *g, uint64_t seed)
{
  (void)seed;
  gate_ref open = gate_spawn(g, GROVE_NONE, NULL), gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = spawn_runners(g, 2);
  long out = 0;
  unlock(g, open);
  check_ok(runner_held_submit(g, p, ((nest){grove_pool_ref(p), gate}), 1));
  grove_ref other = find_at_work(g, p, "held");
  check_ok(runner_nested_submit(g, p, ((nest){grove_pool_ref(p), open}), 2));
  (void)find_at_work(g, p, "nested");
  check_status(runner_nested_get_next_unordered(g, p, 50, NULL, &out, NULL), GROVE_ETIMEDOUT);
  check_ok(grove_get(g, grove_exit(g, other, 0), GROVE_FOREVER, NULL, 0, NULL));
  check_ok(runner_nested_get_next_unordered(g, p, GROVE_FOREVER, NULL, &out, NULL));
  assert_int_equal(out, GAVE_WAY);
  unlock(g, gate);
  check_ok(runner_held_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  grove_pool_destroy(p);
}

// One that is to end has done its last item: it was the only one that did not wait for what is in the queue.
static void a_circle_is_found_when_a_member_retires(grove *g, uint64_t seed)
{
  (void)seed;
  gate_ref first = gate_spawn(g, GROVE_NONE, NULL), second = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = spawn_runners(g, 2);
  long out = 0;
  check_ok(runner_nested_submit(g, p, ((nest){grove_pool_ref(p), first}), 1));
  (void)find_at_work(g, p, "nested");
  check_ok(runner_held_submit(g, p, ((nest){grove_pool_ref(p), second}), 2));
  (void)find_at_work(g, p, "held");
  check_ok(grove_pool_resize(p, 1)); // of those that are busy, the newest
  unlock(g, first);
  check_status(runner_nested_get_next_unordered(g, p, 50, NULL, &out, NULL), GROVE_ETIMEDOUT);
  unlock(g, second);
  check_ok(runner_nested_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  assert_int_equal(out, GAVE_WAY);
  check_ok(runner_held_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  grove_pool_destroy(p);
}

// ---- items that are handed to one who waits already -----------------------------------------------------------

struct planner {
  char none;
};
#define PLANNER(START, METHOD)                                                                     \
  START(planner, grove_none)                                                                       \
  METHOD(planner, work, grove_none, long)                                                          \
  METHOD(planner, twice, long, long)
GROVE_ACTOR(PLANNER, planner)
static grove_ref planned_pool, planned_member; // constant while the planner works
static atomic_int gave_way;

static grove_status planner_start(grove *self, struct planner *o, const grove_none *none)
{
  (void)self, (void)o, (void)none;
  return GROVE_OK;
}
static grove_status planner_twice(grove *self, struct planner *o, const long *n, long *out)
{
  (void)self, (void)o;
  *out = *n * 2;
  return GROVE_OK;
}
// The member asks back, and waits; then it is given an item by its pool, which the planner waits for.
static grove_status planner_work(grove *self, struct planner *o, const grove_none *none, long *out)
{
  long twice;
  (void)o, (void)none;
  errand e = {grove_self(self), &planner_twice_method};
  runner_back_future back = runner_back_call(self, runner__ref(planned_member), e);
  runner_answer_future f = runner_answer_call(self, runner__ref(planned_pool), 3);
  grove_status s = runner_answer_get(self, f, GROVE_FOREVER, out, NULL);
  atomic_fetch_add(&gave_way, s == GROVE_EDEADLK);
  if (!s) { // then it was the member that gave way
    s = runner_back_get(self, back, GROVE_FOREVER, &twice, NULL);
    atomic_fetch_add(&gave_way, s == GROVE_EDEADLK);
  }
  return s == GROVE_EDEADLK ? GROVE_OK : s;
}

static void a_circle_that_a_pool_closes_is_found(grove *g, uint64_t seed)
{
  (void)seed;
  grove_pool *p = spawn_runners(g, 1);
  grove_ref popped;
  long out;
  check_ok(grove_pool_pop_idle(p, &popped));
  planned_member = runner_spawn(g, GROVE_NONE, NULL).ref;
  planned_pool = grove_pool_ref(p);
  check_ok(grove_pool_push(p, planned_member));
  atomic_store(&gave_way, 0);
  planner_ref planner = planner_spawn(g, GROVE_NONE, NULL);
  planner_work_future f = planner_work_call(g, planner, GROVE_NONE);
  check_ok(planner_work_get(g, f, GROVE_FOREVER, &out, NULL));
  assert_int_equal(atomic_load(&gave_way), 1);
  grove_pool_destroy(p);
}

int main(int argc, char **argv)
{
  crew_read(argc, argv);
  const struct CMUnitTest tests[] = {
      BOTH(a_circle_through_a_pool_is_found),
      BOTH(an_owner_that_can_still_answer_is_in_none),
      BOTH(a_circle_through_the_queue_is_found),
      BOTH(a_member_that_may_come_is_in_none),
      BOTH(a_circle_is_found_when_members_go),
      BOTH(a_circle_is_found_when_a_member_retires),
      BOTH(a_circle_that_a_pool_closes_is_found),
  };
  return cmocka_run_group_tests_name("pool circle", tests, NULL, NULL);
}
