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
#define RUNNER(START, METHOD) START(runner, grove_none) METHOD(runner, back, errand, long)
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

int main(int argc, char **argv)
{
  crew_read(argc, argv);
  const struct CMUnitTest tests[] = {
      BOTH(a_circle_through_a_pool_is_found),
      BOTH(an_owner_that_can_still_answer_is_in_none),
  };
  return cmocka_run_group_tests_name("pool circle", tests, NULL, NULL);
}
