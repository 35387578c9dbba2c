// Pools whose number of members follows the work: more come when items wait, and go when they have nothing to do.
#include "crew.h"

enum { IDLE_MS = 40 };

static size_t count_alive(grove *g, const grove_pool *p)
{
  grove_info of[16];
  size_t n = 0;
  check_ok(grove_snapshot(g,
      &(grove_snapshot_options){
          GROVE_SNAPSHOT, .under = grove_pool_ref(p), .of_class = &crew_class},
      of, sizeof *of, 16, &n));
  return n;
}

static void wait_for_number(grove *g, const grove_pool *p, size_t n)
{
  for (int i = 0; i < 20000 && count_alive(g, p) != n; i++) {
    check_ok(grove_sleep(g, 1));
  }
  assert_int_equal(count_alive(g, p), n);
}

static void submit_held(grove *g, grove_pool *p, int n)
{
  for (int i = 0; i < n; i++) {
    check_ok(crew_held_submit(g, p, i, (uint64_t)i));
  }
  (void)grove_pool_has_free(p); // it has taken all of them
}

static void take(grove *g, grove_pool *p, int n)
{
  long out;
  for (int i = 0; i < n; i++) {
    check_ok(crew_held_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  }
}

static void members_come_and_go(grove *g, uint64_t seed)
{
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = make_pool(g, gate, NULL,
      &(grove_pool_options){
          GROVE_POOL, .members = 1, .members_most = 4, .idle_ms = IDLE_MS, .window = 16});
  submit_held(g, p, 1);
  assert_int_equal(count_alive(g, p), 1); // nothing waits
  assert_true(grove_pool_has_free(p));    // but one more would come
  submit_held(g, p, 6);
  assert_int_equal(count_alive(g, p), 4); // three wait, and there are no more to be had
  assert_false(grove_pool_has_free(p));
  unlock(g, gate);
  take(g, p, 7);
  if (seed) { // in simulation, to the millisecond: not before the time has passed, nor after twice that
    assert_int_equal(count_alive(g, p), 4);
    check_ok(grove_sleep(g, IDLE_MS - 1));
    assert_int_equal(count_alive(g, p), 4);
    check_ok(grove_sleep(g, IDLE_MS + 2));
    assert_int_equal(count_alive(g, p), 1);
  }
  wait_for_number(g, p, 1);
  long out;
  check_ok(crew_square_submit(g, p, 5, 1)); // and it goes on
  check_ok(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  assert_int_equal(out, 25);
  grove_pool_destroy(p);
}

// Those that are at work stay, however many are idle beside them; and the window is made for the most.
static void those_at_work_stay(grove *g, uint64_t seed)
{
  (void)seed;
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL), open = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = make_pool(g, gate, NULL,
      &(grove_pool_options){GROVE_POOL, .members = 1, .members_most = 5, .idle_ms = IDLE_MS});
  unlock(g, open);
  submit_held(g, p, 3); // of a window of 10
  assert_int_equal(count_alive(g, p), 3);
  long out;
  for (int i = 0; i < 2; i++) {
    crew_relay_future f = crew_relay_call(g, crew_pool_ref(p), crew_spawn(g, (crew_plan){.gate = open}, NULL).ref);
    check_ok(crew_relay_get(g, f, GROVE_FOREVER, &out, NULL));
  }
  wait_for_number(g, p, 3);
  check_ok(grove_sleep(g, 4 * IDLE_MS));
  assert_int_equal(count_alive(g, p), 3);
  unlock(g, gate);
  take(g, p, 3);
  wait_for_number(g, p, 1);
  grove_pool_destroy(p);
}

// Each that is gone for good takes its place along: there is an end.
static void gone_ones_do_not_come_again(grove *g, uint64_t seed)
{
  (void)seed;
  grove_spawn_options never = {GROVE_SPAWN, .restart = GROVE_TEMPORARY};
  grove_pool *p = make_pool(g, (gate_ref){GROVE_NOBODY}, &crew_counts,
      &(grove_pool_options){GROVE_POOL, .members = 1, .members_most = 3, .attempts = 1,
          .member = &never, .window = 8});
  grove_error err = {.at = -1};
  long out;
  for (uint64_t i = 0; i < 6; i++) {
    check_ok(crew_die_submit(g, p, ((crew_job){.n = (long)i, .deaths = 1 << 30}), i));
  }
  for (uint64_t i = 0; i < 6; i++) {
    check_status(crew_die_get_next(g, p, GROVE_FOREVER, NULL, &out, &err), GROVE_EDEAD);
  }
  check_contains(err.text, "the pool has no member left");
  assert_int_equal(atomic_load(&crew_counts.starts), 3);
  check_ok(grove_pool_resize(p, 1));
  check_ok(crew_square_submit(g, p, 3, 1));
  check_ok(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  assert_int_equal(out, 9);
  grove_pool_destroy(p);
}

static void the_least_can_be_changed(grove *g, uint64_t seed)
{
  (void)seed;
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = make_pool(g, gate, NULL,
      &(grove_pool_options){GROVE_POOL, .members = 2, .members_most = 4, .idle_ms = IDLE_MS,
          .window = 16, .queue = 1});
  check_ok(grove_pool_resize(p, 3));
  assert_int_equal(count_alive(g, p), 3);
  check_ok(grove_pool_resize(p, 1));
  wait_for_number(g, p, 1); // when they had nothing to do for so long
  submit_held(g, p, 5);     // one waits, the queue is full
  assert_int_equal(count_alive(g, p), 4);
  check_ok(crew_held_submit(g, p, 9, 9));
  check_ok(grove_pool_resize(p, 6)); // more than the most: they all stay
  assert_int_equal(count_alive(g, p), 6);
  unlock(g, gate);
  take(g, p, 5);
  long out;
  check_status(crew_held_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL), GROVE_EAGAIN);
  check_ok(grove_sleep(g, 4 * IDLE_MS));
  assert_int_equal(count_alive(g, p), 6);
  grove_pool_destroy(p);
}

int main(int argc, char **argv)
{
  crew_read(argc, argv);
  const struct CMUnitTest tests[] = {
      BOTH(members_come_and_go),
      BOTH(those_at_work_stay),
      BOTH(gone_ones_do_not_come_again),
      BOTH(the_least_can_be_changed),
  };
  return cmocka_run_group_tests_name("pool tide", tests, NULL, NULL);
}
