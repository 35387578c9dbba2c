// The words of errors: which object, which limit, what to do.
#include "actors.h"

#define other_LIST(S, M) HAND_METHODS(S, M, other)
HANDS(other, .mailbox = 0)

static grove_status alone(grove *self, const long *n, long *reply);
GROVE_FUNCTION(alone, long, long)
static grove_status alone(grove *self, const long *n, long *reply)
{
  (void)self;
  *reply = *n;
  return GROVE_OK;
}

static const hand_plan no_plan = {NULL, NULL, NULL, NULL};

// The future ends at once, with the status and words that have each of the parts in them.
static void expect(struct rig *r, grove_future f, grove_status s, const char *a, const char *b)
{
  grove_error err;
  check_status(grove_get(r->g, f, 0, NULL, 0, &err), s);
  check_contains(err.text, a);
  check_contains(err.text, b);
}
// A call to what should be an actor.
static void expect_call(struct rig *r, grove_ref to, grove_status s, const char *a, const char *b)
{
  check_status(grove_ref_status(to), s);
  expect(r, ask(r->g, to, job_echo, NULL), s, a, b);
}
static void expect_spawn(
    struct rig *r, const grove_spawn_options *o, grove_status s, const char *words)
{
  expect_call(r, grove_spawn(r->g, &hand_class, &no_plan, o), s,
      "run to an actor that was never made: ", words);
}

static void test_max_outside(void **state)
{
  struct rig *r = *state;
  static const char limit[] = "max_outside (3) futures of outside threads are unspent";
  rig_restart(r, &(grove_options){.workers = 1, .max_outside = 3});
  grove_ref h = spawn_hand(r->g);
  grove_future f[100];
  for (int i = 0; i < 3; i++) {
    f[i] = ask(r->g, h, job_take, NULL);
  }
  expect(r, ask(r->g, h, job_take, NULL), GROVE_ELIMIT, "run to hand: ", limit);
  expect(r, alone_task(r->g, 1).future, GROVE_ELIMIT, "alone: ", limit);
  expect(r, alone_offload(r->g, 1).future, GROVE_ELIMIT, "alone: ", limit);
  expect(r, grove_monitor(r->g, h), GROVE_ELIMIT, "watching hand: ", limit);
  expect(r, grove_ready(r->g, h), GROVE_ELIMIT, "get or drop them", limit);
  // whoever spends none of them is told all the same, at last without the call
  for (int i = 3; i < 100; i++) {
    f[i] = ask(r->g, h, job_take, NULL);
  }
  expect(r, f[99], GROVE_ELIMIT, "get or drop them, or raise it", limit);
  for (int i = 3; i < 99; i++) {
    expect(r, f[i], GROVE_ELIMIT, "get or drop them, or raise it", limit);
  }
  grove_drop(r->g, f[0]);
  long n = 0;
  check_ok(ask_and_get(r->g, h, job_echo, (void *)4, &n, NULL));
  assert_int_equal(n, 4);
}

static void test_max_actors(void **state)
{
  struct rig *r = *state;
  static const char limit[] = "max_actors (2) lived already: raise it, or let some end";
  rig_restart(r, &(grove_options){.workers = 1, .max_actors = 2});
  grove_ref a = spawn_hand(r->g), b = spawn_hand(r->g), c = spawn_hand(r->g);
  check_ok(grove_ref_status(a));
  check_ok(grove_ref_status(b));
  expect_call(r, c, GROVE_ELIMIT, "run to an actor that was never made: ", limit);
  expect(r, grove_ready(r->g, c), GROVE_ELIMIT, "an actor that was never made: ", limit);
  expect(r, alone_task(r->g, 1).future, GROVE_ELIMIT, "alone as a task: ", limit);
  grove_error down;
  check_ok(grove_get(r->g, grove_monitor(r->g, c), 0, &down, sizeof down, NULL));
  check_status(down.status, GROVE_ELIMIT);
  check_contains(down.text, limit);
}

static void test_names(void **state)
{
  struct rig *r = *state;
  static const char never[] = "run to an actor that was never made: its name was taken, by ";
  grove_spawn_options o = {GROVE_SPAWN, .name = "anna"};
  expect_call(r, grove_find(r->g, "anna"), GROVE_ENOENT, "run to an actor that was not found: ",
      "nobody had the name");
  grove_ref anna = spawn_plan(r->g, no_plan, &o);
  grove_ref twice = spawn_plan(r->g, no_plan, &o);
  expect_call(r, twice, GROVE_EEXIST, never, "by hand \"anna\": use another, or grove_spawn_or_find");
  expect_call(r, grove_spawn_or_find(r->g, &other_class, &no_plan, &o, NULL), GROVE_EEXIST, never,
      "by one of another class, hand \"anna\": use another");
  check_ok(grove_get(r->g, grove_exit(r->g, anna, 0), 20000, NULL, 0, NULL));
  expect_call(r, twice, GROVE_EEXIST, never, "by one that has ended since");
  expect_call(r, grove_spawn_or_find(r->g, &hand_class, &no_plan, NULL, NULL), GROVE_EINVAL,
      "never made", "grove_spawn_or_find wants a name");
  expect_spawn(r, &(grove_spawn_options){GROVE_SPAWN, .name = ""}, GROVE_EINVAL, "name was empty");
}

static void test_spawns_that_are_refused(void **state)
{
  struct rig *r = *state;
  struct later {
    grove_spawn_options o;
    uint64_t more;
  } later = {{.struct_size = sizeof later}, 1};
  grove_ref gone = spawn_hand(r->g);
  check_ok(grove_get(r->g, grove_exit(r->g, gone, 0), 20000, NULL, 0, NULL));
  expect_spawn(r, &(grove_spawn_options){GROVE_SPAWN, .restart = 9}, GROVE_EINVAL, "`restart`");
  expect_spawn(r, &(grove_spawn_options){GROVE_SPAWN, .stands_for = &other_class}, GROVE_EINVAL,
      "no `receive`");
  expect_spawn(r, &(grove_spawn_options){.restart = 1}, GROVE_EINVAL, "begin them with GROVE_SPAWN");
  expect_spawn(r, &later.o, GROVE_ENOTSUP, "of a later version");
  expect_spawn(r, &(grove_spawn_options){GROVE_SPAWN, .parent = gone}, GROVE_ENOACTOR,
      "the parent in its spawn options");
  grove_ref none = grove_spawn(r->g, &hand_class, NULL, NULL);
  expect_call(r, none, GROVE_EINVAL, "never made", "without a start argument");
  grove_class bad = hand_class;
  bad.name = NULL;
  expect_call(r, grove_spawn(r->g, &bad, &no_plan, NULL), GROVE_EINVAL, "never made",
      "its class is not usable");
}

static void test_addresses_of_nobody(void **state)
{
  struct rig *r = *state;
  grove *g;
  grove_error down;
  expect(r, ask(r->g, GROVE_NOBODY, job_echo, NULL), GROVE_ENOACTOR, "run to nobody: ", "is zero");
  expect(r, grove_ready(r->g, GROVE_NOBODY), GROVE_ENOACTOR, "nobody", "");
  check_ok(grove_get(r->g, grove_monitor(r->g, GROVE_NOBODY), 0, &down, sizeof down, NULL));
  check_status(down.status, GROVE_ENOACTOR);
  check_contains(down.text, "nobody");
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .simulate = 1, .seed = 7}, &g));
  expect(r, ask(r->g, spawn_hand(g), job_echo, NULL), GROVE_EINVAL,
      "run to an actor of another runtime: ", "the runtime that it was made by");
  check_ok(grove_stop(g, 1000, NULL));
  expect(r, ask_of(r->g, spawn_hand(r->g), &other_run_method, job_echo, NULL), GROVE_EINVAL,
      "run to hand", "the method is of another class, other");
  // made up: never taken for one that went well
  grove_ref wild[] = {{0, UINT64_C(1) << 32}, {0, UINT64_MAX}, {0, 0xff00}, {0, 256}};
  for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
    assert_true(grove_ref_status(wild[i]) != GROVE_OK);
    grove_future f = ask(r->g, wild[i], job_echo, NULL);
    assert_true(grove_get(r->g, f, 0, NULL, 0, NULL) != GROVE_OK);
    f = grove_exit(r->g, wild[i], 1);
    check_ok(grove_get(r->g, f, 0, &down, sizeof down, NULL));
    assert_true(down.status != GROVE_OK);
  }
}

static void test_futures_that_are_made_up(void **state)
{
  struct rig *r = *state;
  grove_future f = ask(r->g, spawn_hand(r->g), job_take, NULL);
  for (uint64_t i = 1; i < 3000; i++) { // of slots that were never used, and of those behind them
    grove_future wild = {f.slot + i, i % 3};
    check_status(grove_get(r->g, wild, 0, NULL, 0, NULL), GROVE_EINVAL);
    grove_drop(r->g, wild);
  }
  for (uint64_t mark = 0; mark < 2; mark++) { // of a slot that is used, but of no use of it, with or without grove_next's mark
    grove_promise wild = {f.slot, mark << 63};
    assert_true(grove_promise_answer(r->g, wild, GROVE_ECANCELED, NULL, 0) != GROVE_OK);
    assert_true(grove_get(r->g, (grove_future){f.slot, mark << 63}, 0, NULL, 0, NULL) != GROVE_OK);
    assert_false(grove_ended(r->g, f));
  }
  grove_future failed[] = {{UINT32_MAX, UINT64_C(1) << 32}, {UINT32_MAX, 0}, {UINT32_MAX, 0x7f00}};
  for (size_t i = 0; i < sizeof failed / sizeof *failed; i++) {
    assert_true(grove_get(r->g, failed[i], 0, NULL, 0, NULL) != GROVE_OK);
  }
}

static grove_status job_share(grove *self, hand_state *s, void *user, long *reply)
{
  grove_shared d;
  static const char bytes[5000];
  (void)s, (void)user, (void)reply;
  grove_status status = grove_share_copy(self, bytes, sizeof bytes, &d);
  if (!status) {
    grove_release(d);
  }
  return status;
}
static grove_status job_link_nobody(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  return grove_link(self, grove_find(self, "none of that name"));
}
static grove_status job_bad_timer(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  return grove_timer_set(self, 1, -1, 0, &hand_run_method, &(hand_job){job_echo, NULL});
}

static void test_words_inside_of_methods(void **state)
{
  struct rig *r = *state;
  grove_error err;
  rig_restart(r, &(grove_options){.workers = 1, .memory_bytes = 4000});
  grove_ref a = spawn_hand(r->g);
  check_status(ask_and_get(r->g, a, job_share, NULL, NULL, &err), GROVE_ELIMIT);
  check_contains(err.text, "hand.run: no room for 5000 bytes of shared data: memory_bytes is 4000");
  check_status(ask_and_get(r->g, a, job_link_nobody, NULL, NULL, &err), GROVE_ENOENT);
  check_contains(err.text, "a link with an actor that was not found: nobody had the name");
  check_status(ask_and_get(r->g, a, job_bad_timer, NULL, NULL, &err), GROVE_EINVAL);
  check_contains(err.text, "a timer wants");
}

static grove_status job_nap(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  return grove_sleep(self, 1);
}
static void test_max_suspended(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_error err;
  p = (pause_point){.begun = 0};
  rig_restart(r, &(grove_options){.workers = 1, .max_suspended = 1});
  grove_ref a = spawn_hand(r->g);
  grove_ref b = spawn_plan(r->g, no_plan, &(grove_spawn_options){GROVE_SPAWN, .label = "late"});
  grove_future f = ask(r->g, a, job_pause, &p);
  grove_info i = {.struct_size = sizeof i};
  for (int tries = 0; tries < 20000 && i.phase != GROVE_PHASE_WAITING; tries++) {
    check_ok(grove_sleep(r->g, 1));
    check_ok(grove_inspect(r->g, a, &i));
  }
  check_status(ask_and_get(r->g, b, job_nap, NULL, NULL, &err), GROVE_ELIMIT);
  check_contains(err.text, "hand.run: max_suspended (1) actors wait already, hand \"late\" can't");
  check_contains(err.text, "raise it");
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
}

static void test_queue_ms(void **state)
{
  struct rig *r = *state;
  grove_error err;
  grove_info i = {.struct_size = sizeof i};
  grove_ref a = spawn_plan(r->g, no_plan,
      &(grove_spawn_options){GROVE_SPAWN, .name = "slow", .restart = GROVE_TRANSIENT,
          .backoff_min_ms = 1000000, .backoff_max_ms = 1000000, .queue_ms = 3});
  check_status(ask_and_get(r->g, a, job_crash, "of a cold", NULL, NULL), GROVE_EDEAD);
  for (int tries = 0; tries < 20000 && i.phase != GROVE_PHASE_RESTARTING; tries++) {
    check_ok(grove_sleep(r->g, 1));
    check_ok(grove_inspect(r->g, a, &i));
  }
  check_status(ask_and_get(r->g, a, job_echo, NULL, NULL, &err), GROVE_EDEAD);
  check_contains(err.text, "run to hand \"slow\": it has not come back within queue_ms (3)");
  check_contains(err.text, "of a cold");
}

static const rig_test tests[] = {
    EVERYWHERE(test_max_outside),
    EVERYWHERE(test_max_actors),
    EVERYWHERE(test_names),
    EVERYWHERE(test_spawns_that_are_refused),
    EVERYWHERE(test_addresses_of_nobody),
    EVERYWHERE(test_futures_that_are_made_up),
    EVERYWHERE(test_words_inside_of_methods),
    EVERYWHERE(test_max_suspended),
    EVERYWHERE(test_queue_ms),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
