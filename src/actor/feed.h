// Events and spans on their way to who watches: bounded rings that nobody waits for.
//
// The *hub* has the rings: one of events, and one of spans for each worker and for all other threads together. It is
// made when somebody first opens a feed, and stays until the runtime and the last feed have let go; so what happened
// until the very end can still be read after it. While nobody watches, each place that could tell something reads one
// word, `wanted`, and goes on.
#ifndef GROVE_ACTOR_FEED_H
#define GROVE_ACTOR_FEED_H
#include "actor/system.h"
#include "queue/ring.h"

/// Bits of `wanted`: 1 << GROVE_EVENT_*, and behind them those of spans.
enum { GROVE__SPAN_SHIFT = 16 };
#define GROVE__WANTED_EVENT(KIND) (UINT32_C(1) << (KIND))
#define GROVE__WANTED_SPAN(KIND) (UINT32_C(1) << (GROVE__SPAN_SHIFT + (KIND)))
/// Constant: memory_bytes is limited, so messages are counted. Here, so that one look tells a sender of this as well.
#define GROVE__WANTED_COUNTS (UINT32_C(1) << 31)

struct grove__hub {
  grove__ledger *ledger;  // keeps the memory that it is in
  _Atomic uint32_t count; // the runtime, and each feed
  grove__mutex lock;      // before slabs', the ledger's needs none
  grove__system *system;  // guarded by lock; NULL: it has ended
  uint32_t feeds[32];     // guarded by lock: how many want each bit
  grove__ring events;
  uint32_t lines; // of spans; 0: not made yet. Written under lock before their bits are wanted
  uint32_t span_room;
  grove__ring *spans;
  _Atomic uint64_t flows; // numbers of messages that are followed
};

static inline bool grove__wants(const grove__system *y, uint32_t bits)
{
  // Relaxed: who begins to watch sees what happens a little later; the hub is published by its own pointer.
  return __builtin_expect(atomic_load_explicit(&y->wanted, memory_order_relaxed) & bits, 0) != 0;
}
/// Tells an event, if it is wanted. `c` NULL: of the runtime; else in its turn or with its lock. Words may be NULL.
void grove__event_put(grove__system *y, uint32_t kind, const grove__cell *c, grove_status status,
    int64_t value, const char *method, const char *words);
#define GROVE__EVENT(Y, KIND, ...)                                                                 \
  do {                                                                                             \
    if (grove__wants(Y, GROVE__WANTED_EVENT(KIND))) {                                              \
      grove__event_put(Y, KIND, __VA_ARGS__);                                                      \
    }                                                                                              \
  } while (0)
/// The same of one whose cell is not at hand.
void grove__event_put_of(grove__system *y, uint32_t kind, grove_ref who, const char *class_name,
    const char *name, grove_status status, int64_t value, const char *method, const char *words);
/// A span that has ended, from the thread of `w` (NULL: an outside one). `c` NULL: of nobody.
void grove__span_put(grove__system *y, const grove__worker *w, uint32_t kind, const grove__cell *c,
    grove_ref other, uint64_t flow, int64_t begin, int64_t end, const char *name);
/// A number for a message that is followed.
uint64_t grove__flow_new(grove__system *y);
/// The runtime lets go of its hub, which may have none. Gives what of the memory stays with feeds.
uint64_t grove__hub_leave(grove__system *y);
/// The same in a child that the host has forked, where nobody else is left.
void grove__hub_forget(grove__system *y);
#endif
