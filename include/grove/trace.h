// grove/trace.h: where time went, as a file for Perfetto (ui.perfetto.dev, trace_processor) and chrome://tracing: the JSON
// trace event format. Link grove_watch.
//
//   grove_trace *t;
//   if (!grove_trace_start(g, NULL, &t)) {
//     …                                             // spans of your own, too: grove_span_begin
//     grove_status s = grove_trace_stop(t, to_file, file, NULL);
//   }
#ifndef GROVE_TRACE_H
#define GROVE_TRACE_H
#include <grove/metrics.h>
GROVE_BEGIN
typedef struct grove_trace grove_trace;
typedef struct grove_trace_options {
  uint32_t struct_size;
  uint32_t spans;             ///< bits 1u << GROVE_SPAN_*; 0: all
  uint32_t span_room;         ///< spans that are kept for each worker, the newest (144 bytes each); 65536. If another feed of
                              ///< spans was opened before, its room holds
  uint32_t names;             ///< most actors that are alive at the start, the oldest first, to be called by name or label; 65536.
                              ///< Those that start later are, too, as far as the ring of events goes (4096)
} grove_trace_options;
#define GROVE_TRACE .struct_size = (uint32_t)sizeof(grove_trace_options)
/// What is in the file.
typedef struct grove_trace_summary {
  uint32_t struct_size;       ///< set by the caller
  uint32_t tracks;            ///< rows: of workers and actors
  uint64_t spans, flows;      ///< flows: arrows from a send to the method that it began; both ends are in the file
  uint64_t lost;              ///< spans that were overwritten by newer ones before the stop
} grove_trace_summary;

/// Begins to record what ends from now on: methods, waits, queueing and sends of all actors, and spans of the
/// application. It is a feed (watch.h): bounded, and nobody waits for it. Several may run at once.
/// Cost: about a hundred nanoseconds a span.
///
/// Ownership: *out is the caller's until grove_trace_stop, and outlives the runtime: stopped after grove_stop it has all
///            that happened until its end. Beside the rings, memory is taken from malloc.
/// Returns:   GROVE_EINVAL, GROVE_ENOMEM
GROVE_API GROVE_CHECK grove_status grove_trace_start(grove *g, const grove_trace_options *o, grove_trace **out);
/// Ends the recording, writes the file in pieces, and frees. `write` NULL: only frees. What is being done at that moment
/// is not in it: spans have an end.
///
/// In the file there are three processes. "actors" has a track for each actor (two if its methods overlap), with methods,
/// within them waits and the application's spans, and marks where it failed. "workers" has a track for each worker, with
/// what it ran between waits. "mailboxes" has each message from its send until its method began. Times are microseconds
/// since the start, ascending throughout; each begin has its end, each arrow both ends. Further members may come:
/// "otherData" has "schema", 1.
/// Threads: any. Returns: GROVE_ENOMEM; what `write` returned. It is freed in any case
GROVE_API GROVE_CHECK grove_status grove_trace_stop(grove_trace *t, grove_write_fn *write, void *user, grove_trace_summary *summary);
GROVE_END
#endif
