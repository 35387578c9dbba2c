// The stress world (tests/stress/world.h) in simulation: each seed draws the actors, what they do and the schedule.
// A failing seed is named, and runs again alone as `schedules_test 1 SEED`. Some are run twice, and must leave the
// same trace. Arguments: how many seeds (500), the first one (1).
#include "../stress/world.h"
#include "check.h"
#include <grove/host.h>
#include <grove/sim.h>
#include <signal.h>
#include <unistd.h>

enum { STALL_S = 60, REPLAYED = 25 };

static uint64_t seeds = 500, first_seed = 1;
static uint64_t begun;
static volatile uint64_t current;

// Nothing but the alarm can get in here; digits by hand, because a signal handler may not print.
static void on_alarm(int signal_number)
{
  char text[] = "a seed that does not end, or crashes: 00000000000000000000\n";
  char *digit = text + sizeof text - 3;
  (void)signal_number;
  for (uint64_t x = current; x; x /= 10) {
    *digit-- = (char)('0' + x % 10);
  }
  (void)!write(2, text, sizeof text - 1);
  abort();
}

static bool let_rest(world *w, uint64_t *random)
{
  grove_stats s = {.struct_size = sizeof s};
  atomic_store(&w->budget, 0);
  for (int i = 0; i < 20000; i++) {
    world_answer_some(w, random, 100);
    (void)grove_dispatch(w->g, 0);
    if (i % 50 == 0) {
      world_exit_all(w);
    }
    (void)grove_sim_advance(w->g, 1);
    check_ok(grove_stats_get(w->g, &s));
    if (s.actors == 0) {
      world_answer_some(w, random, 100);
      while (grove_dispatch(w->g, 0) > 0) {}
      (void)grove_sim_advance(w->g, 50); // what a fault has delayed comes back to nobody
      return world_check_quiet(w);
    }
  }
  print_error("20 s of virtual time are not enough to end all actors\n");
  return false;
}

// Two seeds of three meet faults of each kind, again and again.
static void draw_faults(grove *g, uint64_t seed, uint64_t *random)
{
  static const uint32_t kinds[] = {
      GROVE_FAULT_KILL, GROVE_FAULT_DROP, GROVE_FAULT_DELAY, GROVE_FAULT_NOMEM};
  for (int i = 0; i < 4 && seed % 3 != 0; i++) {
    grove_fault f = {GROVE_FAULT, .kind = kinds[i], .after = (uint32_t)world_random(random, 40),
        .times = 1 + (uint32_t)world_random(random, 3),
        .delay_ms = 1 + (int64_t)world_random(random, 5)};
    check_ok(grove_sim_fault(g, &f));
  }
}

static bool run_seed(uint64_t seed, uint64_t *trace)
{
  static const int64_t deadlines[] = {0, 1, 5000, GROVE_FOREVER};
  world w;
  grove_stop_report report = {.struct_size = sizeof report};
  uint64_t random = seed * 77 + 5;
  world_init(&w, seed, 100 + (int64_t)(seed % 700));
  w.simulated = true;
  grove_options o = world_options(&w);
  o.simulate = 1;
  world_tighten(&w, &o);
  check_ok(grove_start(&o, &w.g));
  world_populate(&w, 12);
  draw_faults(w.g, seed, &random);
  while (atomic_fetch_sub(&w.budget, 1) > 0) {
    world_act_outside(&w, &random);
    (void)grove_sim_run(w.g, 1 + (size_t)world_random(&random, 20));
    if (world_random(&random, 4) == 0) {
      (void)grove_sim_advance(w.g, (int64_t)world_random(&random, 4));
    }
  }
  bool rests = seed % 3 != 2, good = true;
  if (rests) {
    good = let_rest(&w, &random);
    if (!good) {
      world_dump(&w);
    }
  }
  grove_status s = grove_stop(w.g, deadlines[seed % 4], &report);
  good = world_check_after_stop(&w, &report, s, rests) && good;
  *trace = w.trace;
  begun += w.n.begun;
  world_deinit(&w);
  return good;
}

static void test_seeds(void **state)
{
  (void)state;
  signal(SIGSEGV, on_alarm); // what is to be known is the seed
  for (uint64_t i = 0; i < seeds; i++) {
    uint64_t seed = first_seed + i, trace, again;
    current = seed;
    alarm(STALL_S);
    if (!run_seed(seed, &trace)) {
      fail_msg("seed %llu", (unsigned long long)seed);
    }
    if (i % REPLAYED == 0 || seeds == 1) {
      assert_true(run_seed(seed, &again));
      if (trace != again) {
        fail_msg("seed %llu does not replay: its traces differ", (unsigned long long)seed);
      }
    }
  }
  alarm(0);
  print_message("%llu messages begun\n", (unsigned long long)begun);
}

int main(int argc, char **argv)
{
  seeds = argc > 1 ? strtoull(argv[1], NULL, 0) : seeds;
  first_seed = argc > 2 ? strtoull(argv[2], NULL, 0) : first_seed;
  signal(SIGALRM, on_alarm);
  print_message(
      "%llu seeds from %llu\n", (unsigned long long)seeds, (unsigned long long)first_seed);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_seeds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
