// Who does the work of a job: a pool's member that opens shards, scores groups, and writes what came.
#ifndef GROVE_PREDICT_WORKER_H
#define GROVE_PREDICT_WORKER_H
#include "predict/output.h"
#include "predict/strip.h"
#include <stdatomic.h>

/// What all shards of a job have in common. Counted by its holders: a member may outlive the call that began the job,
/// if that was killed.
typedef struct grove__score_job_order {
  _Atomic(size_t) count;
  grove__predict_plan *plan;
  char *folder, *notes; ///< NULL: none
  uint32_t form;
  char **keep; ///< NULL-ended, with room for n_keep; NULL: none
  size_t n_keep;
  grove_parquet_write_options write;
  char **formats; ///< of `keep`, of n_keep: what the first shard of a stream has them in. NULL: not known, or no stream.
                  ///< Written by the job before it begins a second shard
  bool writes, resume, plan_only; ///< writes: `write` was given
  bool gives; ///< tables go to a stream's consumer
  _Atomic(bool) stop; ///< set by the job: give up what is begun. Nothing else is told by it, so relaxed
} grove__score_job_order;
void grove__score_job_order_release(grove__score_job_order *o); ///< NULL: nothing

/// A shard while it is worked on. `opened`, `kept` and `version` are made by BEGIN and only read by the SCOREs that
/// follow; of one that comes from a stream there are none. `output` belongs to one item at a time, of WRITE, FINISH and
/// ABANDON; `stream` to one PULL at a time.
typedef struct grove__score_job_shard {
  grove__score_job_order *order; ///< counted
  char *url;
  struct ArrowArrayStream *stream; ///< the caller's; NULL: it is read from `url`
  const char *const *formats;      ///< the order's; NULL: as they are
  grove__shard *opened, *kept;
  _Atomic(size_t) told; ///< the first group that the source has not heard of. A hint to a hint, so relaxed
  char version[256];
  grove__shard_output *output;
  bool pulled;      ///< a batch was taken from the stream
  bool pulling;     ///< while one is: a member that died there may have lost it
  bool writing;     ///< while a group is being written: a member that died there left half of one
  grove__done done; ///< filled by BEGIN if it was done before, else by the job before FINISH
} grove__score_job_shard;
/// Counts the order, and takes its formats. NULL: no memory.
grove__score_job_shard *grove__score_job_shard_create(
    grove__score_job_order *o, const char *url, struct ArrowArrayStream *stream);
/// Also the destroy function of the shared form.
void grove__score_job_shard_destroy(void *shard, void *user);

enum {
  GROVE__JOB_BEGIN,   ///< opens, looks for a note, and scores group 0
  GROVE__JOB_PULL,    ///< takes the next batch from the shard's stream
  GROVE__JOB_SCORE,   ///< scores `group`, of a stream what PULL took, in `table`
  GROVE__JOB_WRITE,   ///< writes `table`, of the next group
  GROVE__JOB_FINISH,  ///< commits the output and writes the note
  GROVE__JOB_ABANDON  ///< leaves nothing
};
/// `shard` holds a grove__score_job_shard, `table` a grove_table.
typedef struct grove__score_job_item {
  grove_shared shard, table;
  uint64_t group, kind;
} grove__score_job_item;
typedef struct grove__score_job_reply {
  grove_shared table; ///< of a group that was scored, if there is an output; of PULL the batch, if there was one
  uint64_t groups, bytes; ///< of BEGIN
  uint64_t last;      ///< of PULL: there is no batch behind it
  uint64_t reads_bytes, held_bytes; ///< of BEGIN for a plan: what reading holds, and what a group that was scored does;
                                    ///< `table` is then the text of its columns
  uint64_t read, rows;
  double sum;
  uint64_t resumed; ///< of BEGIN: a note was found, and the shard's `done` is filled
  grove_ref who;    ///< the member
} grove__score_job_reply;
static const uint16_t grove__score_job_item_holds[] = {
    (uint16_t)offsetof(grove__score_job_item, shard), (uint16_t)offsetof(grove__score_job_item, table)};
static const uint16_t grove__score_job_reply_holds[] = {(uint16_t)offsetof(grove__score_job_reply, table)};
GROVE__TYPE(grove__score_job_item, 0, 2, grove__score_job_item_holds)
GROVE__TYPE(grove__score_job_reply, 0, 1, grove__score_job_reply_holds)

/// The pool's members; they hold the order, shared.
typedef struct grove__score_job_start {
  grove_shared order;
} grove__score_job_start;
GROVE_TYPE_HOLDING(grove__score_job_start, order)
#define GROVE__JOB_WORKER(START, METHOD)                                                           \
  START(grove_job_worker, grove__score_job_start)                                                       \
  METHOD(grove_job_worker, work, grove__score_job_item, grove__score_job_reply)
GROVE_INTERFACE(GROVE__JOB_WORKER, grove_job_worker)
#endif
