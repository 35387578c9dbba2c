// Members in and out; pools over pools; which items come first, and which are not done at all.
#include "crew.h"

static size_t count_alive(grove *g, const grove_pool *p)
{
  grove_info of[64];
  size_t n = 0;
  check_ok(grove_snapshot(g,
      &(grove_snapshot_options){
          GROVE_SNAPSHOT, .under = grove_pool_ref(p), .of_class = &crew_class},
      of, sizeof *of, 64, &n));
  return n;
}

static void free_members_can_be_popped_and_pushed(grove *g, uint64_t seed)
{
  (void)seed;
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = make_pool(g, gate, NULL, &(grove_pool_options){GROVE_POOL, .members = 2});
  grove_ref a, b, c;
  assert_true(grove_pool_has_free(p));
  check_ok(crew_held_submit(g, p, 1, 1));
  assert_true(grove_pool_has_free(p));
  check_ok(grove_pool_pop_idle(p, &a));
  assert_false(grove_pool_has_free(p));
  check_status(grove_pool_pop_idle(p, &b), GROVE_ENOENT);
  check_ok(crew_held_submit(g, p, 2, 2)); // waits: the popped one pulls no more
  check_ok(grove_pool_push(p, a));
  check_status(grove_pool_push(p, a), GROVE_EEXIST);
  assert_false(grove_pool_has_free(p));
  crew_ref own = crew_spawn(g, (crew_plan){.gate = gate}, NULL);
  check_ok(grove_pool_push(p, own.ref));
  check_status(grove_pool_push(p, own.ref), GROVE_EEXIST);
  check_status(grove_pool_push(p, gate.ref), GROVE_EINVAL);
  assert_true(grove_pool_has_free(p));
  check_ok(grove_pool_pop_idle(p, &c));
  assert_true(grove_ref_equal(c, own.ref));
  unlock(g, gate);
  for (uint64_t i = 1; i <= 2; i++) {
    uint64_t tag = 0;
    long out;
    check_ok(crew_held_get_next(g, p, GROVE_FOREVER, &tag, &out, NULL));
    assert_int_equal(tag, i);
  }
  check_ok(grove_pool_push(p, own.ref));
  grove_pool_destroy(p);
  long out;
  check_ok(crew_square_ask(g, own, 3, 10000, &out, NULL)); // a pushed one outlives the pool
  assert_int_equal(out, 9);
}

static void a_pool_can_grow_and_shrink(grove *g, uint64_t seed)
{
  (void)seed;
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p =
      make_pool(g, gate, NULL, &(grove_pool_options){GROVE_POOL, .members = 2, .window = 16});
  long out;
  check_ok(grove_pool_resize(p, 5));
  assert_int_equal(count_alive(g, p), 5);
  for (int i = 0; i < 5; i++) {
    check_ok(crew_held_submit(g, p, i, (uint64_t)i));
  }
  assert_false(grove_pool_has_free(p));
  check_ok(grove_pool_resize(p, 1)); // all are busy: they end after their item
  check_status(grove_pool_resize(p, 0), GROVE_EINVAL);
  unlock(g, gate);
  for (int i = 0; i < 5; i++) {
    check_ok(crew_held_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  }
  check_ok(crew_square_submit(g, p, 3, 0));
  check_ok(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  for (int i = 0; i < 1000 && count_alive(g, p) > 1; i++) {
    check_ok(grove_sleep(g, 1));
  }
  assert_int_equal(count_alive(g, p), 1);
  grove_pool_destroy(p);
}

static void a_window_stands_over_an_actor_or_a_pool(grove *g, uint64_t seed)
{
  (void)seed;
  long out;
  crew_ref one = crew_spawn(g, (crew_plan){.gate = {GROVE_NOBODY}}, NULL);
  crew_ref two = crew_spawn(g, (crew_plan){.gate = {GROVE_NOBODY}}, NULL);
  grove_pool *first =
      make_pool(g, (gate_ref){GROVE_NOBODY}, NULL, &(grove_pool_options){GROVE_POOL, .members = 2});
  grove_ref bases[] = {one.ref, grove_pool_ref(first)};
  for (size_t base = 0; base < 2; base++) {
    grove_pool *p = grove_pool_over(g, bases[base], NULL);
    assert_non_null(p);
    check_status(grove_pool_resize(p, 3), GROVE_EINVAL);
    for (int round = 0; round < 2; round++) {
      for (long i = 0; i < 12; i++) {
        check_ok(crew_square_submit(g, p, i, (uint64_t)i));
      }
      for (long i = 0; i < 12; i++) {
        check_ok(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
        assert_int_equal(out, i * i);
      }
      if (!round) {
        check_ok(grove_pool_push(p, two.ref));
        check_status(grove_pool_push(p, two.ref), GROVE_EEXIST);
        assert_true(grove_pool_has_free(p));
      }
    }
    grove_pool_destroy(p);
  }
  check_ok(crew_square_ask(g, two, 4, 10000, &out, NULL));
  check_ok(
      crew_square_ask(g, crew_pool_ref(first), 5, 10000, &out, NULL)); // its address: for anyone
  assert_int_equal(out, 25);
  grove_pool_destroy(first);
}

static void urgent_items_go_first(grove *g, uint64_t seed)
{
  (void)seed;
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p =
      make_pool(g, gate, NULL, &(grove_pool_options){GROVE_POOL, .members = 1, .window = 16});
  uint64_t tag = 0;
  long out;
  check_ok(crew_held_submit(g, p, 0, 0));
  for (uint64_t i = 1; i <= 3; i++) {
    check_ok(crew_square_submit(g, p, 1, i));
  }
  assert_false(grove_pool_has_free(p)); // all of them are queued now
  check_ok(crew_urgent_submit(g, p, 1, 4));
  assert_false(grove_pool_has_free(p));
  unlock(g, gate);
  check_ok(crew_held_get_next_unordered(g, p, GROVE_FOREVER, &tag, &out, NULL));
  assert_int_equal(tag, 0);
  check_ok(crew_urgent_get_next_unordered(g, p, GROVE_FOREVER, &tag, &out, NULL));
  assert_int_equal(tag, 4);
  grove_pool_destroy(p);
}

static void an_item_that_nobody_wants_is_not_done(grove *g, uint64_t seed)
{
  (void)seed;
  crew_log *log = &crew_counts;
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = make_pool(g, gate, log, &(grove_pool_options){GROVE_POOL, .members = 1});
  crew_ref to = crew_pool_ref(p);
  grove_error err;
  long out;
  crew_held_future held = crew_held_call(g, to, 1);
  crew_square_future dropped = crew_square_call(g, to, 2);
  crew_square_future cancelled = crew_square_call(g, to, 3);
  crew_square_future last = crew_square_call(g, to, 4);
  grove_future late = grove_call_within(g, 5, to.ref, &crew_square_method, &(long){5});
  assert_false(grove_pool_has_free(p));
  grove_drop(g, dropped.future);
  grove_cancel(g, cancelled.future);
  check_status(crew_square_get(g, cancelled, GROVE_FOREVER, &out, &err), GROVE_ECANCELED);
  check_status(grove_get(g, late, GROVE_FOREVER, &out, sizeof out, &err), GROVE_EEXPIRED);
  unlock(g, gate);
  check_ok(crew_held_get(g, held, GROVE_FOREVER, &out, NULL));
  check_ok(crew_square_get(g, last, GROVE_FOREVER, &out, NULL));
  assert_int_equal(atomic_load(&log->done), 2);
  held = crew_held_call(g, to, 6);
  grove_pool_destroy(p);
}

// Members whose class has senders wait for room.
struct berth {
  gate_ref gate;
};
#define BERTH(START, METHOD)                                                                       \
  START(berth, gate_ref)                                                                           \
  METHOD(berth, stay, long, long)                                                                  \
  METHOD(berth, dwell, long, long)                                                                 \
  METHOD(berth, square, long, long)
GROVE_ACTOR_WITH(BERTH, berth, .mailbox = 1, .full = GROVE_FULL_WAIT)
static grove_status berth_start(grove *self, struct berth *b, const gate_ref *gate)
{
  (void)self;
  b->gate = *gate;
  return GROVE_OK;
}
static grove_status berth_stay(grove *self, struct berth *b, const long *n, long *out)
{
  *out = *n;
  return gate_pass_ask(self, b->gate, GROVE_NONE, 20000, NULL, NULL);
}
static grove_status berth_dwell(grove *self, struct berth *b, const long *n, long *out)
{
  *out = *n;
  return grove_get(self, gate_pass_call(self, b->gate, GROVE_NONE).future, GROVE_FOREVER, NULL, 0, NULL);
}
static grove_status berth_square(grove *self, struct berth *b, const long *n, long *out)
{
  (void)self, (void)b;
  *out = *n * *n;
  return GROVE_OK;
}

// A member whose mailbox others have filled keeps nobody else from work, and gets its items when there is room.
static void a_full_member_holds_nobody_up(grove *g, uint64_t seed)
{
  (void)seed;
  for (uint32_t members = 2; members > 0; members--) {
    gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
    grove_pool *p =
        berth_pool_spawn(g, gate, &(grove_pool_options){GROVE_POOL, .members = members, .window = 8});
    grove_ref full, other;
    long out;
    check_ok(grove_pool_pop_idle(p, &full));
    berth_stay_future stays = berth_stay_call(g, berth__ref(full), 7);
    berth_square_future behind = berth_square_call(g, berth__ref(full), 2); // there is room when `stays` has begun
    check_ok(grove_pool_push(p, full));
    for (long i = 3; i < 6; i++) {
      check_ok(berth_square_submit(g, p, i, (uint64_t)i));
    }
    bool busy = !grove_pool_has_free(p); // which its actor answers
    if (members > 1) {
      for (long i = 3; i < 6; i++) { // by the other one
        check_ok(berth_square_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
        assert_int_equal(out, i * i);
      }
    } else {
      assert_true(busy);
    }
    unlock(g, gate);
    check_ok(berth_stay_get(g, stays, GROVE_FOREVER, &out, NULL));
    check_ok(berth_square_get(g, behind, GROVE_FOREVER, &out, NULL));
    for (long i = 3; members == 1 && i < 6; i++) {
      check_ok(berth_square_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
      assert_int_equal(out, i * i);
    }
    if (members > 1) {
      check_ok(grove_pool_pop_idle(p, &other));
      assert_false(grove_ref_equal(other, full));
    }
    grove_status s = GROVE_ENOENT;
    for (int i = 0; i < 20000 && s == GROVE_ENOENT; i++) { // it is looked at again
      check_ok(grove_sleep(g, 1));
      s = grove_pool_pop_idle(p, &other);
    }
    check_ok(s);
    assert_true(grove_ref_equal(other, full));
    grove_pool_destroy(p);
  }
}

// The pool looks at no clock for it: so a wait with a limit ends, and in simulation one without, as nothing else will.
static void a_member_that_never_has_room_is_no_endless_wait(grove *g, uint64_t seed)
{
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p =
      berth_pool_spawn(g, gate, &(grove_pool_options){GROVE_POOL, .members = 1, .window = 8});
  grove_ref full;
  grove_error err;
  uint64_t tag = 9;
  long out;
  check_ok(grove_pool_pop_idle(p, &full));
  berth_square_future first = berth_square_call(g, berth__ref(full), 1);
  check_ok(berth_square_get(g, first, GROVE_FOREVER, &out, NULL)); // it has started
  berth_dwell_future idles = berth_dwell_call(g, berth__ref(full), 7);
  berth_square_future behind = berth_square_call(g, berth__ref(full), 2);
  check_ok(grove_pool_push(p, full));
  check_ok(berth_square_submit(g, p, 3, 1));
  if (seed) {
    check_status(berth_square_get_next(g, p, GROVE_FOREVER, &tag, &out, &err), GROVE_EDEADLK);
  }
  check_status(berth_square_get_next(g, p, 20, &tag, &out, &err), GROVE_ETIMEDOUT);
  assert_int_equal(tag, 9);
  unlock(g, gate);
  check_ok(berth_dwell_get(g, idles, GROVE_FOREVER, &out, NULL));
  check_ok(berth_square_get(g, behind, GROVE_FOREVER, &out, NULL));
  check_ok(berth_square_get_next(g, p, GROVE_FOREVER, &tag, &out, &err));
  assert_int_equal(out, 9);
  assert_int_equal(tag, 1);
  grove_pool_destroy(p);
}

// A member that can't be spawned: there is no pool, or it is not larger than it could be, and the words say why.
static void more_members_than_there_may_be_actors(void **state)
{
  (void)state;
  static const uint32_t members[] = {UINT32_MAX, 0x80000000, 6, 3};
  for (size_t i = 0; i < 4; i++) {
    grove *g;
    grove_error err;
    long out = 0;
    check_ok(grove_start(
        &(grove_options){GROVE_OPTIONS, .simulate = 1, .seed = i + 1, .max_actors = 6}, &g));
    grove_pool *p = make_pool(g, (gate_ref){GROVE_NOBODY}, NULL,
        &(grove_pool_options){GROVE_POOL, .members = members[i], .window = UINT32_MAX});
    check_ok(crew_square_submit(g, p, 3, 0));
    grove_status s = crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, &err);
    if (members[i] > 5) {
      check_status(s, GROVE_EDEAD);
      check_contains(err.text, "the pool's member 6 could not be spawned");
      check_contains(err.text, "max_actors (6)");
    } else {
      check_ok(s);
      check_status(grove_pool_resize(p, UINT32_MAX), GROVE_ELIMIT);
      assert_int_equal(count_alive(g, p), 5);
      check_ok(crew_square_submit(g, p, 4, 0));
      check_ok(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, &err));
      assert_int_equal(out, 16);
    }
    grove_pool_destroy(p);
    check_ok(grove_stop(g, 10000, NULL));
  }
}

// Those that could be spawned work for what waits, though the number that was asked for was not reached.
static void members_of_half_a_resize_work(void **state)
{
  const bool simulate = *(const bool *)*state;
  grove *g;
  grove_error err;
  long out;
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .simulate = simulate, .seed = 1, .workers = 2, .max_actors = 6}, &g));
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = make_pool(g, gate, NULL, &(grove_pool_options){GROVE_POOL, .members = 1, .window = 8});
  check_ok(crew_held_submit(g, p, 1, 0)); // whose member is busy until the gate opens
  for (long i = 1; i < 4; i++) {
    check_ok(crew_square_submit(g, p, i, (uint64_t)i));
  }
  assert_false(grove_pool_has_free(p)); // all of them are queued now
  check_status(grove_pool_resize(p, 10), GROVE_ELIMIT);
  for (long i = 1; i < 4; i++) {
    uint64_t tag = 0;
    check_ok(crew_square_get_next_unordered(g, p, 10000, &tag, &out, &err));
    assert_int_equal(out, (long)tag * (long)tag);
  }
  unlock(g, gate);
  check_ok(crew_held_get_next(g, p, GROVE_FOREVER, NULL, &out, &err));
  grove_pool_destroy(p);
  check_ok(grove_stop(g, 10000, NULL));
}

#define ON_BOTH(fn)                                                                                \
  {#fn " (workers)", fn, NULL, NULL, (void *)(uintptr_t) & (const bool){false}},                   \
      {#fn " (simulation)", fn, NULL, NULL, (void *)(uintptr_t) & (const bool){true}}

int main(int argc, char **argv)
{
  crew_read(argc, argv);
  const struct CMUnitTest tests[] = {
      BOTH(free_members_can_be_popped_and_pushed),
      BOTH(a_pool_can_grow_and_shrink),
      BOTH(a_window_stands_over_an_actor_or_a_pool),
      BOTH(urgent_items_go_first),
      BOTH(an_item_that_nobody_wants_is_not_done),
      BOTH(a_full_member_holds_nobody_up),
      BOTH(a_member_that_never_has_room_is_no_endless_wait),
      ON_BOTH(members_of_half_a_resize_work),
      cmocka_unit_test(more_members_than_there_may_be_actors),
  };
  return cmocka_run_group_tests_name("pool members", tests, NULL, NULL);
}
