// Driving a simulation.
#include "actor/sim_drive.h"
#include "actor/activation.h"
#include <grove/sim.h>

static grove__system *drives(grove *g)
{
  grove__system *y;
  grove__activation *here;
  return !grove__enter(g, &y, &here) && !here && y->options.simulate ? y : NULL;
}

bool grove_sim_step(grove *g)
{
  grove__system *y = drives(g);
  return y && grove__sim_turn(&y->sched);
}

size_t grove_sim_run(grove *g, size_t most)
{
  grove__system *y = drives(g);
  size_t turns = 0;
  while (y && (most == 0 || turns < most) && grove__sim_turn(&y->sched)) {
    turns++;
  }
  return turns;
}

bool grove__sim_next(grove__system *y, int64_t until, size_t *turns)
{
  if (grove__sim_turn(&y->sched)) {
    ++*turns;
    return true;
  }
  int64_t next = grove__timers_next(&y->sched.timers);
  if (next > until) {
    return false;
  }
  if (next > grove__now(y)) {
    grove__sim_set_clock(y, next);
  }
  return grove__timers_run_one(&y->sched.timers, next);
}

void grove__sim_set_clock(grove__system *y, int64_t now)
{
  atomic_store_explicit(&y->sched.timers.virtual_now, now, memory_order_relaxed); // one thread
}

size_t grove_sim_advance(grove *g, int64_t ms)
{
  grove__system *y = drives(g);
  size_t turns = 0;
  if (!y || ms < 0) {
    return 0;
  }
  int64_t until = grove__deadline_in(y, ms);
  while (grove__sim_next(y, until, &turns)) {}
  if (until > grove__now(y)) {
    grove__sim_set_clock(y, until);
  }
  return turns;
}
