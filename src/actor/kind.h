// What is counted of a class in one runtime. A class is the application's and constant, so its numbers stand here, in
// a table that only grows: made with the first actor of the class, given back with the runtime.
#ifndef GROVE_ACTOR_KIND_H
#define GROVE_ACTOR_KIND_H
#include "actor/system.h"
#include "base/durations.h"
#include "runtime/tally.h"

enum {
  // Messages that were accepted, or dropped as the class asked for: without a future, and with one.
  GROVE__TALLY_SENDS = GROVE__TALLY_FREE,
  GROVE__TALLY_CALLS,
  GROVE__TALLY_HANDLED,
  GROVE__TALLY_FAILED,
  GROVE__TALLY_TICKS, // of timers, which nobody sends; they count nowhere else
  GROVE__TALLY_SPAWNED, // lives
  GROVE__TALLY_ENDED
};
struct grove__kind {
  grove__manner manner;
  struct grove__kind *next; // constant: in its bucket, as the name
  char name[40];
  uint32_t lines; // constant
  // Relaxed, all of them: statistics.
  _Atomic uint64_t restarts, crashed, missed; // missed: ticks
  _Atomic uint64_t dead, refused, lost[GROVE__LOSTS];
  grove__durations waited, ran; // of one message in 64
  grove__tally line[];          // 0: who is no worker
};

/// The entry of a class; NULL: no memory. From any thread.
grove__kind *grove__kind_of(grove__system *y, const grove_class *k);
/// The same, if it is there already.
grove__kind *grove__kind_find(grove__system *y, const grove_class *k);
void grove__kinds_free(grove__system *y);
/// Sums of all classes, by GROVE__TALLY_*.
uint64_t grove__kinds_sum(grove__system *y, uint32_t what);
/// The histogram of queueing of all classes together, added to *out.
void grove__kinds_waited(grove__system *y, grove__durations *out);

/// Counts for a class, by a worker or (`w` NULL) an outside thread. Gives how many there were before.
static inline uint64_t grove__kind_count(
    grove__kind *k, const grove__worker *w, uint32_t what, uint64_t by)
{
  return grove__tally_add(k->line, w ? w->line : 0, what, by);
}
/// The n-th message's place among those that are timed, spread so that no regular pattern of messages falls in step with
/// it (multiples of the golden ratio; the first is one of them): 0: one of 64; 0 or 1: one of 32.
static inline uint32_t grove__kind_draw(uint64_t n)
{
  return ((uint32_t)n * UINT32_C(0x9e3779b9)) >> 26;
}
#endif
