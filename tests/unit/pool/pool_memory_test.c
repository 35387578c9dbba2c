// The pool when memory runs out: at each allocation in turn, once and from then on, under each schedule. A status each time, no leak.
#include "crew.h"

typedef struct tight_memory {
  size_t live, calls, fail_at;
  bool for_good;
} tight_memory;

static void *tight_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  tight_memory *m = user;
  if (!new_bytes) {
    m->live -= p != NULL;
    free(p);
    return NULL;
  }
  if (new_bytes > old_bytes && m->fail_at && ++m->calls >= m->fail_at &&
      (m->for_good || m->calls == m->fail_at)) {
    return NULL;
  }
  void *q = realloc(p, new_bytes);
  m->live += q && !p;
  return q;
}

static void take_all(grove *g, grove_pool *p)
{
  int waits = 0;
  while (grove_pool_has_next(p)) {
    uint64_t tag = UINT64_MAX;
    grove_string out = {{0}};
    grove_status s = crew_echo_get_next(g, p, 60000, &tag, &out, NULL);
    if (tag == UINT64_MAX) { // nothing was taken: no memory to wait with
      assert_int_not_equal(s, GROVE_ENOENT);
      if (++waits == 3) {
        return;
      }
    } else if (s) {
      assert_null(out.shared.ptr);
    } else {
      assert_string_equal(grove_text(out), "text");
    }
    grove_release(out.shared);
  }
}

// Gives whether an allocation failed on the way.
static bool run_with(tight_memory *m, uint64_t seed)
{
  grove *g = NULL;
  grove_allocator a = {tight_realloc, m};
  if (grove_start(&(grove_options){GROVE_OPTIONS, .simulate = 1, .seed = seed, .allocator = &a,
                      .max_actors = 64},
          &g)) {
    assert_null(g);
    assert_int_equal(m->live, 0);
    return true;
  }
  grove_pool *p = crew_pool_spawn(g, (crew_plan){.log = NULL},
      &(grove_pool_options){GROVE_POOL, .members = 2, .window = 3,
          .member =
              &(grove_spawn_options){GROVE_SPAWN, .name = "crew", .restart = GROVE_TRANSIENT}});
  assert_true(
      !p || !grove_ref_equal(grove_pool_ref(p), GROVE_NOBODY)); // it is there, or there is none
  for (int i = 0; i < 6; i++) {
    (void)!crew_echo_submit(g, p, grove_string_of("text"), (uint64_t)i);
  }
  (void)!grove_pool_resize(p, 3);
  take_all(g, p);
  crew_ref own = crew_spawn(g, (crew_plan){.log = NULL}, NULL);
  (void)!grove_pool_push(p, own.ref);
  grove_pool *over = grove_pool_over(g, own.ref, NULL);
  (void)!grove_pool_push(over, own.ref);
  (void)!crew_echo_submit(g, over, grove_string_of("text"), 1);
  take_all(g, over);
  grove_pool_destroy(over);
  grove_pool_destroy(p);
  grove_stop(g, 10000, NULL);
  assert_int_equal(m->live, 0);
  return m->calls >= m->fail_at;
}

static size_t at; // the allocation that fails; said beside the seed

static int say_both(void **state)
{
  if (crew_seed) {
    print_error("allocation %zu failed\n", at);
  }
  return say_seed(state);
}

static void sweep(bool for_good)
{
  size_t least = SIZE_MAX, most = 0;
  for (uint64_t seed = crew_first; seed < crew_first + crew_seeds; seed++) {
    bool failed = true;
    crew_seed = seed;
    for (at = 1; failed && at < 100000; at++) {
      tight_memory m = {.fail_at = at, .for_good = for_good};
      failed = run_with(&m, seed);
    }
    assert_false(failed);
    least = at - 2 < least ? at - 2 : least;
    most = at - 2 > most ? at - 2 : most;
  }
  crew_seed = 0;
  assert_true(least >= 20);
  print_message(
      "%zu to %zu allocations under %llu schedules\n", least, most, (unsigned long long)crew_seeds);
}

static void any_one_allocation_may_fail(void **state)
{
  (void)state;
  sweep(false);
}

static void all_from_some_point_on_may_fail(void **state)
{
  (void)state;
  sweep(true);
}

int main(int argc, char **argv)
{
  crew_seeds = 20; // each of them is a sweep
  crew_read(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(any_one_allocation_may_fail, say_both),
      cmocka_unit_test_teardown(all_from_some_point_on_may_fail, say_both),
  };
  return cmocka_run_group_tests_name("pool without memory", tests, NULL, NULL);
}
