// Pools that an actor owns: for its life, wherever it waits.
#include "crew.h"

struct owner {
  grove_pool *pool;
};
#define OWNER(START, METHOD)                                                                       \
  START(owner, grove_none)                                                                         \
  METHOD(owner, put, long, grove_none)                                                             \
  METHOD(owner, total, grove_none, long)                                                           \
  METHOD(owner, fail, grove_none, grove_none)
static void stop_owner(grove *self, void *state, grove_status why);
GROVE_ACTOR_WITH(OWNER, owner, .stop = stop_owner)

static grove_status owner_start(grove *self, struct owner *o, const grove_none *none)
{
  (void)none;
  o->pool = crew_pool_spawn(self, (crew_plan){.gate = {GROVE_NOBODY}},
      &(grove_pool_options){GROVE_POOL, .members = 2, .window = 3});
  return o->pool ? GROVE_OK : GROVE_ENOMEM;
}

static grove_status owner_put(grove *self, struct owner *o, const long *n, grove_none *none)
{
  (void)none;
  grove_ref member;
  if (grove_pool_has_free(o->pool) && !grove_pool_pop_idle(o->pool, &member)) {
    grove_status s = grove_pool_push(o->pool, member);
    if (s) {
      return s;
    }
  }
  return crew_square_submit(self, o->pool, *n, 0);
}

static grove_status owner_total(grove *self, struct owner *o, const grove_none *none, long *sum)
{
  (void)none;
  while (grove_pool_has_next(o->pool)) {
    long out;
    grove_status s = crew_square_get_next_unordered(self, o->pool, GROVE_FOREVER, NULL, &out, NULL);
    if (s) {
      return s;
    }
    *sum += out;
  }
  return GROVE_OK;
}

static grove_status owner_fail(
    grove *self, struct owner *o, const grove_none *none, grove_none *out)
{
  (void)o;
  (void)none;
  (void)out;
  return grove_crash(self, GROVE_EUSER, "on purpose");
}

static void stop_owner(grove *self, void *state, grove_status why)
{
  struct owner *o = state;
  (void)self;
  (void)why;
  grove_pool_destroy(o->pool); // still there: it is freed when the life ends, at the latest
}

static void an_actor_owns_a_pool_for_its_life(grove *g, uint64_t seed)
{
  grove_none none;
  owner_ref o = owner_spawn(g, GROVE_NONE,
      &(grove_spawn_options){
          GROVE_SPAWN, .restart = GROVE_TRANSIENT, .queue_ms = 10000, .backoff_min_ms = 1});
  for (int life = 0; life < 2; life++) {
    long want = 0, sum = 0;
    for (long i = 0; i < 10; i++) {
      check_ok(owner_put_ask(g, o, i, 10000, &none, NULL));
      want += i * i;
    }
    if (life == 1 || seed % 2) {
      check_ok(owner_total_ask(g, o, GROVE_NONE, 10000, &sum, NULL));
      assert_int_equal(sum, want);
    }
    if (life == 0) { // a restart: not all of its results were taken
      check_ok(owner_put_ask(g, o, 1, 10000, &none, NULL));
      check_status(owner_fail_ask(g, o, GROVE_NONE, 10000, &none, NULL), GROVE_EDEAD);
    }
  }
  grove_error why;
  check_ok(grove_get(g, grove_exit(g, o.ref, 10000), GROVE_FOREVER, &why, sizeof why, NULL));
  check_status(why.status, GROVE_OK);
  size_t n = 0;
  grove_info of[4];
  check_ok(grove_snapshot(g, NULL, of, sizeof *of, 4, &n));
  assert_int_equal(n, 0); // pool and members ended with it
}

// ---- an owner that waits in its pool --------------------------------------------------------------
struct waiter {
  grove_pool *pool;
};
#define WAITER(START, METHOD)                                                                      \
  START(waiter, gate_ref)                                                                          \
  METHOD(waiter, wait, int, grove_none)                                                            \
  METHOD(waiter, disturb, grove_none, long)                                                        \
  METHOD(waiter, leave, grove_none, grove_none, GROVE_METHOD_HIGH)
GROVE_ACTOR_WITH(WAITER, waiter, .concurrency = 2)

static grove_status waiter_start(grove *self, struct waiter *w, const gate_ref *gate)
{
  w->pool = crew_pool_spawn(self, (crew_plan){.gate = *gate},
      &(grove_pool_options){GROVE_POOL, .members = 2, .window = 2});
  return w->pool ? GROVE_OK : GROVE_ENOMEM;
}

static grove_status give_all(
    void *user, size_t index, grove_status s, const void *reply, const grove_error *err)
{
  (void)user;
  (void)index;
  (void)reply;
  (void)err;
  return s;
}

// Waits in one of the pool's functions until the gate opens.
static grove_status waiter_wait(grove *self, struct waiter *w, const int *how, grove_none *none)
{
  long args[3] = {1, 2, 3}, replies[3], out;
  grove_map map = {.method = &crew_held_method, .args = args, .n = 3};
  uint64_t tag;
  (void)none;
  grove_status s = crew_held_submit(self, w->pool, 1, 1);
  for (int i = 0; i < 2 && *how == 0 && !s; i++) {
    s = crew_held_submit(self, w->pool, 2, 2);
  }
  if (s || *how == 0) {
    return s;
  }
  switch (*how) {
  case 1: return crew_held_get_next(self, w->pool, GROVE_FOREVER, &tag, &out, NULL);
  case 2: return crew_held_get_next_unordered(self, w->pool, GROVE_FOREVER, &tag, &out, NULL);
  case 3: return crew_held_map(self, w->pool, args, 3, replies, NULL, NULL);
  default: return grove_pool_map_unordered(self, w->pool, &map, give_all, NULL);
  }
}

// While another activation waits in it: sent after that one's message and in its lane, so begun after it waits.
static grove_status waiter_disturb(
    grove *self, struct waiter *w, const grove_none *none, long *refused)
{
  long out;
  uint64_t tag;
  grove_ref ref;
  (void)none;
  *refused = crew_square_submit(self, w->pool, 1, 1) == GROVE_EINVAL;
  *refused += crew_square_get_next(self, w->pool, 0, &tag, &out, NULL) == GROVE_EINVAL;
  *refused += crew_square_map(self, w->pool, &out, 1, NULL, NULL, NULL) == GROVE_EINVAL;
  *refused += grove_pool_pop_idle(w->pool, &ref) == GROVE_EINVAL;
  *refused += !grove_pool_has_free(w->pool);
  return GROVE_OK;
}

static grove_status waiter_leave(
    grove *self, struct waiter *w, const grove_none *none, grove_none *out)
{
  (void)self;
  (void)none;
  (void)out;
  grove_pool_destroy(w->pool); // as soon as the other activation is out of it
  return GROVE_OK;
}

static void an_owner_may_be_killed_wherever_it_waits(grove *g, uint64_t seed)
{
  for (int how = 0; how < 5; how++) {
    gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
    waiter_ref w = waiter_spawn(g, gate, NULL);
    waiter_wait_future f = waiter_wait_call(g, w, how);
    grove_none none;
    grove_error err;
    check_status(grove_wait(g, &f.future, 1, 1, 2 + (int64_t)(seed % 5)), GROVE_ETIMEDOUT);
    grove_future gone = grove_exit(g, w.ref, (int64_t)(seed % 2) * 5);
    check_status(waiter_wait_get(g, f, 10000, &none, NULL), GROVE_EDEAD);
    check_ok(grove_get(g, gone, 10000, &err, sizeof err, NULL));
    assert_true(err.status != GROVE_ESTUCK);
  }
}

static void two_activations_may_not_meet_in_a_pool(grove *g, uint64_t seed)
{
  for (int how = 0; how < 5; how++) {
    gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
    waiter_ref w = waiter_spawn(g, gate, NULL);
    waiter_wait_future f = waiter_wait_call(g, w, how);
    grove_none none;
    long refused = 0;
    check_status(grove_wait(g, &f.future, 1, 1, 5), GROVE_ETIMEDOUT);
    check_ok(waiter_disturb_ask(g, w, GROVE_NONE, 10000, &refused, NULL));
    assert_int_equal(refused, 5);
    if (seed % 2) {
      check_ok(waiter_leave_ask(g, w, GROVE_NONE, 10000, &none, NULL));
    }
    unlock(g, gate);
    check_ok(waiter_wait_get(g, f, 10000, &none, NULL));
  }
}

int main(int argc, char **argv)
{
  crew_read(argc, argv);
  const struct CMUnitTest tests[] = {
      BOTH(an_actor_owns_a_pool_for_its_life),
      BOTH(an_owner_may_be_killed_wherever_it_waits),
      BOTH(two_activations_may_not_meet_in_a_pool),
  };
  return cmocka_run_group_tests_name("pool owners", tests, NULL, NULL);
}
