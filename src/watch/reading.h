// One reading of all that a text shows, taken before its first byte is written.
#ifndef GROVE_WATCH_READING_H
#define GROVE_WATCH_READING_H
#include "base/status.h"
#include <grove/metrics.h>
#include <grove/runs.h>

typedef struct grove__reading {
  const grove_allocator *memory; // the runtime's: given back before the call that took it returns
  int64_t at_ns;
  grove_stats stats;
  grove_class_stats *classes; // by name; those of one name are one row
  size_t class_count, class_room;
  grove_worker_stats *workers;
  size_t worker_count, worker_room;
  grove_info *actors;
  size_t actor_room;
  grove_page page; // page.shown of them
  grove_death *deaths;
  size_t death_count, death_room, death_total;
  grove_run_info *runs;
  size_t run_count, run_room;
} grove__reading;

/// Reads the parts (GROVE_JSON_*): up to `rows` actors as `o` has it, and deaths. Give it back in any case.
grove_status grove__reading_take(
    grove__reading *r, grove *g, uint32_t parts, const grove_snapshot_options *o, size_t rows);
/// Leaves only the class of that name among the classes.
void grove__reading_keep_class(grove__reading *r, const char *name);
void grove__reading_give(grove__reading *r);
#endif
