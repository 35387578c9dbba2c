// An item's own end and the end of the wait for it are told apart, whatever status and words the item failed with.
#include "crew.h"

// Fails as if its caller's wait had ended, or so that its caller's did.
struct mimic {
  char none;
};
enum { MIMIC_TIME = 1, MIMIC_CANCEL, MIMIC_NESTED, MIMICS };
#define MIMIC(START, METHOD) START(mimic, grove_none) METHOD(mimic, act, long, long)
GROVE_ACTOR(MIMIC, mimic)

static grove_status mimic_start(grove *self, struct mimic *m, const grove_none *none)
{
  (void)self, (void)m, (void)none;
  return GROVE_OK;
}

// What a member does that waits for several, not for ever, and passes on what it got.
static grove_status wait_in_vain(grove *self)
{
  grove_promise p;
  grove_future f;
  grove_error err;
  grove_status s = grove_promise_create(self, &grove_type_of_long, &p, &f);
  if (!s) {
    s = grove_get_all(self, &f, 1, 5, NULL, 0, &err);
  }
  return s ? grove_fail_with(self, &err) : GROVE_OK;
}

static grove_status mimic_act(grove *self, struct mimic *m, const long *what, long *out)
{
  (void)m;
  switch (*what) {
  case MIMIC_TIME:
    return grove_fail_with(
        self, &(grove_error){
                  .status = GROVE_ETIMEDOUT, .at = 0, .text = "row 0: the store did not answer"});
  case MIMIC_CANCEL:
    return grove_fail_with(self,
        &(grove_error){.status = GROVE_ECANCELED, .at = 0, .text = "row 0: the user gave it up"});
  case MIMIC_NESTED: return wait_in_vain(self);
  default: *out = *what * 2; return GROVE_OK;
  }
}

static grove_status status_of(long what)
{
  return what == MIMIC_CANCEL ? GROVE_ECANCELED : what < MIMICS ? GROVE_ETIMEDOUT : GROVE_OK;
}

static const char *words_of(long what)
{
  return what == MIMIC_TIME     ? "row 0: the store"
         : what == MIMIC_CANCEL ? "row 0: the user"
                                : "no answer within 5 ms";
}

static void items_that_fail_like_a_wait_are_taken(grove *g, uint64_t seed)
{
  for (long what = MIMIC_TIME; what < MIMICS; what++) {
    bool taken[2] = {false, false};
    grove_pool *p = mimic_pool_spawn(
        g, GROVE_NONE, &(grove_pool_options){GROVE_POOL, .members = 1 + (uint32_t)(seed % 2)});
    check_ok(mimic_act_submit(g, p, what, 0));
    check_ok(mimic_act_submit(g, p, MIMICS, 1));
    for (int i = 0; i < 2; i++) {
      uint64_t tag = 9;
      long out = 7;
      grove_error err = {.at = -1};
      grove_status s = seed & 4
                           ? mimic_act_get_next(g, p, GROVE_FOREVER, &tag, &out, &err)
                           : mimic_act_get_next_unordered(g, p, GROVE_FOREVER, &tag, &out, &err);
      assert_in_range(tag, 0, 1);
      assert_false(taken[tag]);
      taken[tag] = true;
      assert_int_equal(s, tag ? GROVE_OK : status_of(what));
      assert_int_equal(out, tag ? MIMICS * 2 : 0);
      if (s) {
        check_contains(err.text, words_of(what));
      }
    }
    assert_false(grove_pool_has_next(p));
    grove_pool_destroy(p);
  }
}

static void a_map_goes_on_after_items_that_fail_like_a_wait(grove *g, uint64_t seed)
{
  (void)seed;
  for (long what = MIMIC_TIME; what < MIMICS; what++) {
    long args[] = {5, what, 6, what, 7, 8}, out[6];
    grove_status each[6];
    grove_error err = {.at = -1};
    grove_pool *p = mimic_pool_spawn(
        g, GROVE_NONE, &(grove_pool_options){GROVE_POOL, .members = 2, .window = 2});
    check_status(mimic_act_map(g, p, args, 6, out, each, &err), status_of(what));
    assert_int_equal(err.at, 1);
    check_contains(err.text, words_of(what));
    for (int i = 0; i < 6; i++) {
      assert_int_equal(each[i], status_of(args[i]));
      assert_int_equal(out[i], each[i] ? 0 : args[i] * 2);
    }
    grove_pool_destroy(p);
  }
}

// The wait's own end, beside it: nothing is taken, the tag stays.
static void a_wait_that_runs_out_takes_nothing(grove *g, uint64_t seed)
{
  (void)seed;
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = make_pool(g, gate, NULL, &(grove_pool_options){GROVE_POOL, .members = 1});
  uint64_t tag = 9;
  long out;
  grove_error err;
  check_ok(crew_held_submit(g, p, 4, 1));
  check_status(crew_held_get_next(g, p, 1, &tag, &out, &err), GROVE_ETIMEDOUT);
  check_status(crew_held_get_next_unordered(g, p, 0, &tag, &out, &err), GROVE_ETIMEDOUT);
  assert_int_equal(tag, 9);
  assert_int_equal(err.at, 0);
  assert_true(grove_pool_has_next(p));
  unlock(g, gate);
  check_ok(crew_held_get_next(g, p, GROVE_FOREVER, &tag, &out, &err));
  assert_int_equal(tag, 1);
  grove_pool_destroy(p);
}

int main(int argc, char **argv)
{
  crew_read(argc, argv);
  const struct CMUnitTest tests[] = {
      BOTH(items_that_fail_like_a_wait_are_taken),
      BOTH(a_map_goes_on_after_items_that_fail_like_a_wait),
      BOTH(a_wait_that_runs_out_takes_nothing),
  };
  return cmocka_run_group_tests_name("pool window", tests, NULL, NULL);
}
