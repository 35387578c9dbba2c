// grove/runs.h: work that people follow: the training of some models, a batch job. Who does it says how far it is, who
// watches reads it (the dashboard's page Jobs, grove_stats_json, a report). A *run* has *items*: models, shards. The training
// supervisor (train.h) and batch jobs (job.h) tell of theirs by themselves.
//
//   uint64_t run = grove_run_begin(g, &(grove_run_options){GROVE_RUN, .title = "nightly", .items = 3});
//   grove_run_item item = {GROVE_RUN_ITEM, .index = 0, .state = GROVE_RUN_RUNNING, .name = "first"};
//   grove_run_put(g, run, &item);
//   …
//   grove_run_end(g, run, GROVE_RUN_DONE, NULL);
//
// What is told is for people: a call that can't be kept (no memory, no such run) is lost, and nothing else happens.
#ifndef GROVE_RUNS_H
#define GROVE_RUNS_H
#include <grove/watch.h>
GROVE_BEGIN
enum { GROVE_RUN_OTHER, GROVE_RUN_TRAINING, GROVE_RUN_BATCH }; ///< kind
/// State of a run and of an item. Skipped: it had been done before.
enum { GROVE_RUN_WAITING, GROVE_RUN_RUNNING, GROVE_RUN_DONE, GROVE_RUN_FAILED, GROVE_RUN_SKIPPED, GROVE_RUN_CANCELED };

typedef struct grove_run_options {
  uint32_t struct_size;
  uint32_t kind;              ///< GROVE_RUN_*
  uint64_t items;             ///< how many there will be; 0: not known
  uint64_t bytes;             ///< of all together; 0: not known
  const char *title;          ///< for people; NULL: none
} grove_run_options;
#define GROVE_RUN .struct_size = (uint32_t)sizeof(grove_run_options)

/// One model, one shard. Texts are cut. Numbers that are not known: NaN.
typedef struct grove_run_item {
  uint32_t struct_size;
  uint32_t state;             ///< GROVE_RUN_*
  uint64_t index;             ///< its number in the run
  uint32_t attempts;
  uint32_t points;            ///< of its curve; written by grove_run_items
  grove_ref who;              ///< the actor that is at it; GROVE_NOBODY: not known
  double progress;            ///< 0..1
  double result;              ///< a model's mean squared error, a shard's score
  double mae, r2;             ///< of a model
  double seconds, predict_seconds; ///< it took
  uint64_t rows, bytes;
  char name[128], text[64];   ///< text: its state in words, "TRAINING 37/150"
  char parameters[768], error[440];
  char steps[16];             ///< what its curve counts, "trees"; put as "" it stays as it was
} grove_run_item;
#define GROVE_RUN_ITEM .struct_size = (uint32_t)sizeof(grove_run_item)

/// One run. The last 16 that ended are remembered, and all that go on.
typedef struct grove_run_info {
  uint32_t struct_size;       ///< set by the caller
  uint32_t kind, state;
  uint32_t reserved;
  uint64_t id;                ///< from 1
  uint64_t changes;           ///< another number: something was told since
  grove_ref who;              ///< the actor that began it; outside: the root
  int64_t begun_ns, ended_ns; ///< grove_now_ns; ended 0: it goes on
  uint64_t items, done, failed, skipped, canceled; ///< of items, those with that state
  uint64_t rows, bytes, all_bytes; ///< bytes: done of all_bytes
  char title[128], text[440]; ///< text: how it ended, where that has words
} grove_run_info;

/// Begins a run of the caller. Gives its number; 0: it is not kept, and 0 may be given to all the others.
GROVE_API uint64_t grove_run_begin(grove *g, const grove_run_options *o);
/// Puts an item, in place of the one of its index. 1,000 are kept: one more takes the place of one that is done, and the
/// counts go on.
GROVE_API void grove_run_put(grove *g, uint64_t run, const grove_run_item *item);
/// The state in words and the progress of an item that was put, and, where `y` is a number, a point of its curve. A curve
/// keeps at most 512, evenly: every second one goes when it is full.
GROVE_API void grove_run_step(grove *g, uint64_t run, uint64_t index, double progress, const char *text, double x, double y);
/// What the x of an item's curve counts, where that is not trees: "depth".
GROVE_API void grove_run_steps(grove *g, uint64_t run, uint64_t index, const char *steps);
/// How much is done of all, of work that counts so.
GROVE_API void grove_run_totals(grove *g, uint64_t run, uint64_t rows, uint64_t bytes);
/// Once. `state`: DONE, FAILED or CANCELED.
GROVE_API void grove_run_end(grove *g, uint64_t run, uint32_t state, const char *text);

/// The runs, the newest first, up to `room`, `each` = sizeof(grove_run_info) bytes apart; *total says how many there are.
GROVE_API GROVE_CHECK grove_status grove_runs(grove *g, grove_run_info *out, size_t each, size_t room, size_t *total);
enum {
  GROVE_RUN_BY_INDEX,
  GROVE_RUN_BY_RESULT,        ///< the least first, those without one last: models by error
  GROVE_RUN_BY_STATE          ///< failed, running, waiting, and the others
};
/// Items of a run in that order, from `offset` on; *total: how many are kept.
/// Returns: GROVE_ENOENT: no such run, any more
GROVE_API GROVE_CHECK grove_status grove_run_items(grove *g, uint64_t run, uint32_t order, uint64_t offset, grove_run_item *out, size_t each, size_t room, size_t *total);
/// The curve of an item: x and y of up to `room` points, in turn, in `xy`; *n says how many there are.
/// Returns: GROVE_ENOENT: no such run or item
GROVE_API GROVE_CHECK grove_status grove_run_curve(grove *g, uint64_t run, uint64_t index, double *xy, size_t room, size_t *n);
GROVE_END
#endif
