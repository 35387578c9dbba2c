// Whose deadline holds for an item: its own caller's, and nobody else's.
#include "crew.h"

// Owns a pool, and makes it larger when asked, by a call that may have a deadline.
struct foreman {
  crew_plan plan;
  grove_pool *pool;
};
#define FOREMAN(START, METHOD)                                                                     \
  START(foreman, crew_plan)                                                                        \
  METHOD(foreman, where, grove_none, grove_ref)                                                    \
  METHOD(foreman, grow, int, grove_none)                                                           \
  METHOD(foreman, push, grove_ref, grove_none)
GROVE_ACTOR(FOREMAN, foreman)

static grove_status foreman_start(grove *self, struct foreman *f, const crew_plan *plan)
{
  f->pool = crew_pool_spawn(self, *plan, &(grove_pool_options){GROVE_POOL, .members = 1});
  return f->pool ? GROVE_OK : GROVE_ENOMEM;
}

static grove_status foreman_where(
    grove *self, struct foreman *f, const grove_none *none, grove_ref *out)
{
  (void)self, (void)none;
  *out = grove_pool_ref(f->pool);
  return GROVE_OK;
}

static grove_status foreman_grow(grove *self, struct foreman *f, const int *n, grove_none *out)
{
  (void)self, (void)out;
  return grove_pool_resize(f->pool, (uint32_t)*n);
}

static grove_status foreman_push(
    grove *self, struct foreman *f, const grove_ref *r, grove_none *out)
{
  (void)self, (void)out;
  return grove_pool_push(f->pool, *r);
}

enum { SOON_MS = 100 };

// Until everything that is due within SOON_MS from now, and was when this was called, is over.
static void let_deadlines_pass(grove *g, gate_ref gate)
{
  grove_future held = grove_call_within(g, SOON_MS, gate.ref, &gate_pass_method, &GROVE_NONE);
  check_status(grove_get(g, held, GROVE_FOREVER, NULL, 0, NULL), GROVE_EEXPIRED);
}

// Real time may stand still for this thread until the deadline is over: then nothing was done.
static void check_done_in_time(grove_status s, uint64_t seed)
{
  if (seed || s != GROVE_EEXPIRED) {
    check_ok(s);
  }
}

static void the_deadline_of_who_makes_a_pool_larger_is_not_the_items(grove *g, uint64_t seed)
{
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  crew_plan plan = {.gate = gate};
  foreman_ref foreman = foreman_spawn(g, plan, NULL);
  crew_ref helper = crew_spawn(g, plan, NULL), pool;
  crew_held_future held[4];
  long out;
  check_ok(foreman_where_ask(g, foreman, GROVE_NONE, 10000, &pool.ref, NULL));
  for (long i = 0; i < 4; i++) {
    held[i] = crew_held_call(g, pool, i);
  }
  grove_future grow = grove_call_within(g, SOON_MS, foreman.ref, &foreman_grow_method, &(int){3});
  check_done_in_time(grove_get(g, grow, GROVE_FOREVER, NULL, 0, NULL), seed);
  grove_future push = grove_call_within(g, SOON_MS, foreman.ref, &foreman_push_method, &helper.ref);
  check_done_in_time(grove_get(g, push, GROVE_FOREVER, NULL, 0, NULL), seed);
  let_deadlines_pass(g, gate);
  unlock(g, gate);
  for (long i = 0; i < 4; i++) {
    check_ok(crew_held_get(g, held[i], GROVE_FOREVER, &out, NULL));
    assert_int_equal(out, i);
  }
}

// It ends the call for its caller; and the member is asked to give up, and busy until it has.
static void an_items_own_deadline_ends_its_call(grove *g, uint64_t seed)
{
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  crew_log *log = &crew_counts;
  grove_pool *p = make_pool(g, gate, log, &(grove_pool_options){GROVE_POOL, .members = 1});
  crew_ref pool = crew_pool_ref(p);
  grove_ref member;
  long out;
  if (seed % 2) { // handed out in another's turn
    check_ok(grove_pool_pop_idle(p, &member));
  }
  grove_future held = grove_call_within(g, SOON_MS, pool.ref, &crew_held_method, &(long){1});
  if (seed % 2) {
    check_ok(grove_pool_push(p, member));
  }
  crew_square_future behind = crew_square_call(g, pool, 3);
  check_status(grove_get(g, held, GROVE_FOREVER, NULL, 0, NULL), GROVE_EEXPIRED);
  check_ok(crew_square_get(g, behind, GROVE_FOREVER, &out, NULL));
  assert_int_equal(out, 9);
  assert_true(grove_pool_has_free(p));
  grove_pool_destroy(p);
}

int main(int argc, char **argv)
{
  crew_read(argc, argv);
  const struct CMUnitTest tests[] = {
      BOTH(the_deadline_of_who_makes_a_pool_larger_is_not_the_items),
      BOTH(an_items_own_deadline_ends_its_call),
  };
  return cmocka_run_group_tests_name("pool deadline", tests, NULL, NULL);
}
