// A recording on its way to a file: gathered (trace.c), arranged in tracks (trace_tracks.c), written (trace_write.c).
#ifndef GROVE_WATCH_TRACE_H
#define GROVE_WATCH_TRACE_H
#include "base/alloc.h"
#include "watch/emit.h"
#include <grove/trace.h>

/// A list that grows. Elements of one size.
typedef struct grove__rows {
  void *at;
  size_t count, room, each;
} grove__rows;
/// A place for one more, zero. NULL: no memory
void *grove__rows_add(grove__rows *r);
void grove__rows_free(grove__rows *r);

enum { // what an event is
  GROVE__TRACE_NOTHING, // a flow that has only one end
  GROVE__TRACE_BEGIN,
  GROVE__TRACE_END,
  GROVE__TRACE_FLOW_OUT,
  GROVE__TRACE_FLOW_IN,
  GROVE__TRACE_QUEUE_BEGIN,
  GROVE__TRACE_QUEUE_END,
  GROVE__TRACE_MARK
};
enum { GROVE__TRACE_WORKERS = 1, GROVE__TRACE_ACTORS, GROVE__TRACE_MAILBOXES }; // processes

/// One line of the file. Sorted by at, then key, then serial: see trace_tracks.c.
typedef struct grove__trace_event {
  int64_t at;
  uint64_t key;
  uint32_t serial, item; // item: a span's index, or a mark's
  uint32_t track;        // index; of queueing: none
  uint8_t what, piece;   // piece: 1: what a worker ran of a method
} grove__trace_event;

/// One row on the screen.
typedef struct grove__trace_track {
  uint32_t process, lane; // lane: 0, or more where one row is not enough
  uint32_t line;          // a worker's index + 1; 0: other threads
  grove_ref who;          // an actor; GROVE_NOBODY: none
  uint32_t span;          // one of its spans, for its class
} grove__trace_track;

typedef struct grove__trace_name {
  grove_ref who;
  char text[64];
} grove__trace_name;

struct grove_trace {
  grove_feed *feed;
  int64_t begun_ns;
  uint64_t lost, flows;
  size_t most;        // spans that all rings hold
  grove__rows spans;  // grove_span
  grove__rows marks;  // grove_event: failures and the like
  grove__rows names;  // grove__trace_name, by who once they are sorted
  grove__rows tracks; // grove__trace_track, by process, then who, then lane
  grove__rows events; // grove__trace_event
};

/// Makes tracks and events of spans and marks. Returns: GROVE_ENOMEM
grove_status grove__trace_arrange(grove_trace *t);
grove_status grove__trace_put(const grove_trace *t, grove_write_fn *write, void *user);
int grove__trace_compare_ref(grove_ref a, grove_ref b);
#endif
