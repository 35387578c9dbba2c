// Children that are restarted together: who is stopped and started, in which order, how often, and when.
#include "family.h"

// ---- the order -----------------------------------------------------------------------------------------
static void test_one_for_all(void **state)
{
  struct rig *r = *state;
  draw(4);
  atomic_store(&fam.m[1].slow_stop, 5); // nobody else stops meanwhile
  atomic_store(&fam.m[0].slow_start, 5);
  begin(r, &all_class);
  crash(r, 2);
  until(r, "*d");
  assert_string_equal(fam.trace, "!c-d!d-b!b-a!a+a*a+b*b+c*c+d*d");
  for (int i = 0; i < 4; i++) {
    check_ok(ask_and_get(r->g, fam.m[i].ref, job_echo, NULL, NULL, NULL)); // the same addresses
    assert_int_equal(look(r, fam.m[i].ref).restarts, 1);
  }
  check_contains(look(r, fam.m[2].ref).last_error, "it fell");
  check_contains(look(r, fam.m[0].ref).last_error, "in one group with hand, which failed");
}

static void test_rest_for_one(void **state)
{
  struct rig *r = *state;
  draw(5);
  begin(r, &rest_class);
  crash(r, 2);
  until(r, "*e");
  assert_string_equal(fam.trace, "!c-e!e-d!d+c*c+d*d+e*e");
  assert_int_equal(look(r, fam.m[1].ref).restarts, 0);
  forget();
  crash(r, 4);
  until(r, "*e");
  assert_string_equal(fam.trace, "!e+e*e");
  forget();
  crash(r, 0);
  until(r, "*e");
  assert_string_equal(fam.trace, "!a-e!e-d!d-c!c-b!b+a*a+b*b+c*c+d*d+e*e");
}

// A parent that ends takes its group along in the same order; a killed one, all at once.
static void test_the_parents_end(void **state)
{
  struct rig *r = *state;
  const grove_class *classes[] = {&all_class, &rest_class};
  for (int i = 0; i < 4; i++) {
    draw(3);
    begin(r, classes[i % 2]);
    exits(r, fam.parent, i < 2 ? 20000 : 0);
    if (i < 2) {
      assert_string_equal(fam.trace, "~c!c~b!b~a!a~^!^");
    } else {
      assert_true(has("!a") && has("!b") && has("!c") && has("!^") && !has("~"));
    }
  }
}

static void test_a_parent_that_fails_starts_again_with_new_children(void **state)
{
  struct rig *r = *state;
  draw(2);
  begin_with(r, &all_class,
      &(grove_spawn_options){GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 1});
  for (int i = 0; i < 3; i++) {
    forget();
    grove_ref was = fam.m[0].ref;
    grove_future f = grove_call(r->g, fam.parent, &all_run_method, &(hand_job){job_crash, NULL});
    check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EDEAD);
    until(r, "*b");
    assert_string_equal(fam.trace, "~b!b~a!a!^+^+a*a+b*b");
    assert_false(grove_ref_equal(was, fam.m[0].ref));
    forget();
    crash(r, 1);
    until(r, "*b");
    assert_string_equal(fam.trace, "!b-a!a+a*a+b*b");
  }
}

// ---- kinds ---------------------------------------------------------------------------------------------
static void test_temporary_members(void **state)
{
  struct rig *r = *state;
  draw(3);
  fam.m[1].options.restart = GROVE_TEMPORARY;
  begin(r, &all_class);
  grove_future down = grove_monitor(r->g, fam.m[1].ref);
  crash(r, 0);
  until(r, "*c");
  assert_string_equal(fam.trace, "!a-c!c-b!b+a*a+c*c");
  grove_error err;
  check_ok(grove_get(r->g, down, 20000, &err, sizeof err, NULL));
  check_status(err.status, GROVE_EDEAD);
  check_contains(err.text, "in one group with hand, which failed: hand.run: it fell");
  // its own death stirs nobody
  draw(3);
  fam.m[1].options.restart = GROVE_TEMPORARY;
  begin(r, &all_class);
  crash(r, 1);
  is_down(r, fam.m[1].ref, GROVE_EUSER, "it fell");
  check_ok(ask_and_get(r->g, fam.m[0].ref, job_echo, NULL, NULL, NULL));
  assert_string_equal(fam.trace, "!b");
}

static void test_an_exit_stirs_nobody(void **state)
{
  struct rig *r = *state;
  draw(3);
  begin(r, &all_class);
  exits(r, fam.m[1].ref, 20000);
  exits(r, fam.m[2].ref, 0);
  check_ok(ask_and_get(r->g, fam.m[0].ref, job_echo, NULL, NULL, NULL));
  assert_string_equal(fam.trace, "~b!b!c");
  crash(r, 0); // who is left is the group
  until(r, "*a");
  assert_string_equal(fam.trace, "~b!b!c!a+a*a");
}

static grove_status job_leave(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  grove_drop(self, grove_exit(self, grove_self(self), 20000));
  return GROVE_OK;
}
static void test_a_permanent_one_that_ends_by_itself(void **state)
{
  struct rig *r = *state;
  draw(2);
  fam.m[0].options.restart = GROVE_PERMANENT;
  begin(r, &all_class);
  check_ok(ask_and_get(r->g, fam.m[0].ref, job_leave, NULL, NULL, NULL));
  until(r, "*b");
  assert_string_equal(fam.trace, "~a!a-b!b+a*a+b*b");
  assert_int_equal(look(r, fam.m[0].ref).restarts, 1);
  forget();
  check_ok(ask_and_get(r->g, fam.m[1].ref, job_leave, NULL, NULL, NULL)); // a transient one
  is_down(r, fam.m[1].ref, GROVE_OK, "in an orderly way");
  assert_string_equal(fam.trace, "~b!b");
  forget();
  exits(r, fam.m[0].ref, 20000); // who is asked by others is not started again
  assert_string_equal(fam.trace, "~a!a");
}

// ---- how often, and when -------------------------------------------------------------------------------
static void test_only_who_failed_is_charged(void **state)
{
  struct rig *r = *state;
  draw(3);
  for (int i = 0; i < 3; i++) {
    fam.m[i].options.max_restarts = 2;
  }
  begin(r, &all_class);
  grove_future gone = grove_monitor(r->g, fam.parent);
  for (int i = 0; i < 6; i++) { // two each: that is six restarts of each
    forget();
    crash(r, i % 3);
    until(r, "*c");
  }
  assert_int_equal(look(r, fam.m[0].ref).restarts, 6);
  assert_int_equal(fam.m[0].starts, 7);
  forget();
  crash(r, 1);
  grove_error down;
  check_ok(grove_get(r->g, gone, 20000, &down, sizeof down, NULL));
  check_status(down.status, GROVE_EUSER);
  check_contains(down.text, "a child failed too often");
  assert_string_equal(fam.trace, "!b~c!c~a!a!^");
  is_down(r, fam.m[1].ref, GROVE_EUSER, "it fell");
  is_down(r, fam.m[0].ref, GROVE_OK, "");
}

static void test_the_pause_is_that_of_who_failed(void **state)
{
  struct rig *r = *state;
  draw(2);
  fam.m[0].options.backoff_min_ms = fam.m[0].options.backoff_max_ms = 1000;
  begin(r, &all_class);
  int64_t from = grove_now_ns(r->g);
  crash(r, 0);
  until(r, "*b");
  assert_in_range((grove_now_ns(r->g) - from) / 1000000, 990, 1001);
  forget();
  from = grove_now_ns(r->g);
  crash(r, 1);
  until(r, "*b");
  assert_in_range((grove_now_ns(r->g) - from) / 1000000, 9, 12);
}

static void test_a_strategy_that_is_none(void **state)
{
  struct rig *r = *state;
  grove_class k = all_class;
  hand_plan plan = {.start = NULL};
  k.strategy = GROVE_REST_FOR_ONE + 1;
  check_status(grove_ref_status(grove_spawn(r->g, &k, &plan, NULL)), GROVE_EINVAL);
}

static const rig_test tests[] = {
    EVERYWHERE(test_one_for_all),
    EVERYWHERE(test_rest_for_one),
    EVERYWHERE(test_the_parents_end),
    EVERYWHERE(test_a_parent_that_fails_starts_again_with_new_children),
    EVERYWHERE(test_temporary_members),
    EVERYWHERE(test_an_exit_stirs_nobody),
    EVERYWHERE(test_a_permanent_one_that_ends_by_itself),
    EVERYWHERE(test_only_who_failed_is_charged),
    ON(SIM, test_the_pause_is_that_of_who_failed),
    EVERYWHERE(test_a_strategy_that_is_none),
};

int main(int argc, char **argv)
{
  return run_family(argc, argv, tests, sizeof tests / sizeof *tests);
}
