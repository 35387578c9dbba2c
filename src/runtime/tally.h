// Counters that every turn and every message moves: two cache lines for each worker, which alone writes it, and one for
// all other threads together. So counting costs an addition without a lock prefix, and no line is fought over.
// Lines are of one thing that is counted, as a kind of actor; who reads adds them up.
#ifndef GROVE_RUNTIME_TALLY_H
#define GROVE_RUNTIME_TALLY_H
#include <stdatomic.h>
#include <stdint.h>

enum {
  GROVE__TALLY_BUSY_NS,
  GROVE__TALLY_TURNS,
  GROVE__TALLY_FREE
}; // from FREE on: the room above's
typedef struct grove__tally {
  _Atomic uint64_t of[16];
} grove__tally;

/// Adds to the line of a worker (its `line`), or to line 0, which all others share. Gives what it was before.
static inline uint64_t grove__tally_add(
    grove__tally *lines, uint32_t line, uint32_t what, uint64_t by)
{
  _Atomic uint64_t *n = &lines[line].of[what];
  if (line == 0) {
    // ORDER release: who sees this count sees those that led to it, as messages that were sent before they were
    // handled. PAIRS grove__tally_sum.
    return atomic_fetch_add_explicit(n, by, memory_order_release);
  }
  uint64_t before = atomic_load_explicit(n, memory_order_relaxed); // relaxed: nobody else writes it
  atomic_store_explicit(n, before + by, memory_order_release);     // as above
  return before;
}
/// One more of these, on a worker's own line. Gives what it was before.
static inline uint64_t grove__tally_more(grove__tally *own, uint32_t what)
{
  uint64_t before = atomic_load_explicit(&own->of[what], memory_order_relaxed);
  atomic_store_explicit(&own->of[what], before + 1, memory_order_release); // as grove__tally_add
  return before;
}
static inline void grove__tally_one(grove__tally *lines, uint32_t line, uint32_t what)
{
  (void)grove__tally_more(&lines[line], what);
}
/// The end of a turn (turns 1), or of a part of one (0), which took so long.
static inline void grove__tally_turn(
    grove__tally *lines, uint32_t line, uint64_t turns, uint64_t ns)
{
  grove__tally *l = &lines[line];
  if (line == 0) {
    atomic_fetch_add_explicit(&l->of[GROVE__TALLY_BUSY_NS], ns, memory_order_relaxed); // statistics
    atomic_fetch_add_explicit(&l->of[GROVE__TALLY_TURNS], turns, memory_order_relaxed);
    return;
  }
  uint64_t before = atomic_load_explicit(&l->of[GROVE__TALLY_BUSY_NS], memory_order_relaxed);
  atomic_store_explicit(&l->of[GROVE__TALLY_BUSY_NS], before + ns, memory_order_relaxed);
  before = atomic_load_explicit(&l->of[GROVE__TALLY_TURNS], memory_order_relaxed);
  atomic_store_explicit(&l->of[GROVE__TALLY_TURNS], before + turns, memory_order_relaxed);
}
static inline uint64_t grove__tally_sum(const grove__tally *lines, uint32_t n, uint32_t what)
{
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    // ORDER acquire: PAIRS grove__tally_add.
    sum += atomic_load_explicit(&lines[i].of[what], memory_order_acquire);
  }
  return sum;
}
#endif
