// The last hour: one sample a second in a ring.
#ifndef GROVE_DASH_HISTORY_H
#define GROVE_DASH_HISTORY_H
#include "base/alloc.h"
#include "watch/documents.h"

/// A second's row. Counters as they stood, so that any two rows give a rate.
typedef struct grove__sample {
  int64_t at_ms; // since the runtime's start
  uint64_t actors, suspended, futures, queued;
  uint64_t messages, handled, failed, lost, restarts;
  uint64_t busy_ns, memory_bytes, wait_p99_ns;
} grove__sample;

typedef struct grove__history {
  grove__sample *ring;
  size_t room;
  uint64_t taken; // so far: the number of the next
} grove__history;

grove_status grove__history_init(grove__history *h, const grove_allocator *a, size_t room);
void grove__history_deinit(grove__history *h, const grove_allocator *a);
void grove__history_add(grove__history *h, const grove_stats *s);
/// "history":{"columns":[…],"rows":[[…],…]}: at most `points` rows, evenly spread, the newest among them.
void grove__history_json(grove__json *j, const grove__history *h, size_t points);
/// The newest, as one row under `key`. Nothing if there is none.
void grove__history_json_last(grove__json *j, const char *key, const grove__history *h);
#endif
