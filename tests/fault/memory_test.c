// Fault sweep over memory: the allocator fails the n-th time (once, or from then on), n = 1, 2, 3 … until the scenario
// is through without. Each time: no crash, no hang, a stop in time, and nothing leaked. The scenarios are the worlds of
// the stress test in simulation, where everything happens in the same order each time, and one with threads.
// Arguments: how many worlds are swept (3), the first seed (1).
#include "../stress/world.h"
#include "check.h"
#include <grove/host.h>
#include <grove/sim.h>
#include <unistd.h>

static uint64_t worlds = 3, first_seed = 1;
static world *current; // for who looks at a crash

static bool run_world(uint64_t seed, uint64_t fail_at, bool fails_on, uint64_t *allocations)
{
  world w;
  grove_stop_report report = {.struct_size = sizeof report};
  uint64_t random = seed * 77 + 5;
  bool good = true;
  world_init(&w, seed, 150);
  current = &w;
  w.simulated = true;
  atomic_store(&w.memory.fail_at, fail_at);
  w.memory.fails_on = fails_on;
  grove_options o = world_options(&w);
  o.simulate = 1;
  grove_status s = grove_start(&o, &w.g);
  if (s) {
    assert_int_equal(s, GROVE_ENOMEM);
    assert_null(w.g);
    assert_int_equal(w.memory.live_bytes, 0);
  } else {
    world_populate(&w, 12);
    while (atomic_fetch_sub(&w.budget, 1) > 0) {
      world_act_outside(&w, &random);
      (void)grove_sim_run(w.g, 1 + (size_t)world_random(&random, 20));
      (void)grove_sim_advance(w.g, (int64_t)world_random(&random, 3));
    }
    s = grove_stop(w.g, 10000, &report);
    good = world_check_after_stop(&w, &report, s, false);
  }
  *allocations = w.memory.allocations;
  world_deinit(&w);
  return good;
}

static void sweep(bool fails_on)
{
  for (uint64_t seed = first_seed; seed < first_seed + worlds; seed++) {
    uint64_t allocations, n = 0;
    do {
      n++;
      alarm(60);
      if (!run_world(seed, n, fails_on, &allocations)) {
        fail_msg("seed %llu, with allocation %llu failing%s", (unsigned long long)seed,
            (unsigned long long)n, fails_on ? " and all after it" : "");
      }
    } while (allocations >= n); // it did fail
    alarm(0);
    print_message("seed %llu: %llu allocations\n", (unsigned long long)seed, (unsigned long long)n);
  }
}

static void test_one_fails(void **state)
{
  (void)state;
  sweep(false);
}

static void test_all_fail_from_then_on(void **state)
{
  (void)state;
  sweep(true);
}

// With threads, the order differs from run to run: the sweep goes on until one run needs fewer allocations than n.
static void test_with_threads(void **state)
{
  (void)state;
  uint64_t allocations = 1;
  for (uint64_t n = 1; n == 1 || allocations >= n; n += 1 + n / 16) {
    world w;
    grove_stop_report report = {.struct_size = sizeof report};
    uint64_t random = n;
    world_init(&w, n, 150);
    atomic_store(&w.memory.fail_at, n);
    grove_options o = world_options(&w);
    o.workers = 2;
    alarm(60);
    if (grove_start(&o, &w.g) == GROVE_OK) {
      world_populate(&w, 12);
      while (atomic_fetch_sub(&w.budget, 1) > 0) {
        world_act_outside(&w, &random);
      }
      grove_status s = grove_stop(w.g, 20000, &report);
      if (!world_check_after_stop(&w, &report, s, false)) {
        fail_msg("with allocation %llu failing", (unsigned long long)n);
      }
    }
    allocations = w.memory.allocations;
    world_deinit(&w);
  }
  alarm(0);
}

int main(int argc, char **argv)
{
  worlds = argc > 1 ? strtoull(argv[1], NULL, 0) : worlds;
  first_seed = argc > 2 ? strtoull(argv[2], NULL, 0) : first_seed;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_fails),
      cmocka_unit_test(test_all_fail_from_then_on), cmocka_unit_test(test_with_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
