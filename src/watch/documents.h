// The parts of JSON documents, for grove_stats_json and for who serves them.
#ifndef GROVE_WATCH_DOCUMENTS_H
#define GROVE_WATCH_DOCUMENTS_H
#include "watch/emit.h"
#include "watch/reading.h"
#include <grove/runs.h>

/// "{", the schema and the moment; close it with grove__json_close(j, '}').
void grove__json_begin(grove__json *j, grove__emitter *e, int64_t now_ns);
void grove__json_runtime(grove__json *j, const grove_stats *s);
void grove__json_workers(grove__json *j, const grove__reading *r);
void grove__json_classes(grove__json *j, const grove__reading *r);
/// {"total","live","dead","offset","rows":[…]} under the key "actors".
void grove__json_actors(grove__json *j, const grove__reading *r);
/// The same with more members in each row, which `more` writes.
typedef void grove__json_more_fn(grove__json *j, const grove_info *a, void *user);
void grove__json_actors_with(grove__json *j, const grove__reading *r, grove__json_more_fn *more, void *user);
void grove__json_actor(grove__json *j, const char *key, const grove_info *a);
void grove__json_deaths(
    grove__json *j, const grove_death *rows, size_t n, size_t total, int64_t now_ns);
/// What it waits for, and its times (NULL: nobody knows).
void grove__json_waits(grove__json *j, const grove_wait_info *rows, size_t n, size_t total);
void grove__json_times(grove__json *j, const grove_times *t);
/// What it can be asked.
void grove__json_methods(grove__json *j, const grove_method_info *rows, size_t n);
/// The list of runs, and one of them without its items.
void grove__json_runs(grove__json *j, const grove_run_info *runs, size_t n, int64_t now_ns);
void grove__json_run_head(grove__json *j, const char *key, const grove_run_info *r, int64_t now_ns);
/// One run with its items and their curves, read before it is written.
typedef struct grove__run_reading {
  const grove_allocator *memory;
  int64_t at_ns;
  grove_run_info info;
  grove_run_item *items;
  size_t count, room, total;
  uint64_t offset;
  double *xy; // curves, one behind the other
  size_t xy_room;
} grove__run_reading;
/// Give it back in any case. Returns: GROVE_ENOENT
grove_status grove__run_read(grove__run_reading *r, grove *g, uint64_t run, uint32_t order, uint64_t offset, size_t rows);
void grove__run_give(grove__run_reading *r);
/// "run":{…},"items":{…}
void grove__json_run(grove__json *j, const grove__run_reading *r);
/// index, result, state; NULL: as it is. False: there is no such order.
bool grove__run_order_of_text(const char *text, uint32_t *order);
/// "idle"; static.
const char *grove__phase_text(uint32_t phase);
/// False: there is no such phase.
bool grove__phase_of_text(const char *text, size_t n, uint32_t *phase);
#endif
