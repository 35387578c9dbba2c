// Who does the work of a job: a pool's member that opens shards, scores groups, and writes what came.
#ifndef GROVE_PREDICT_WORKER_H
#define GROVE_PREDICT_WORKER_H
#include "predict/output.h"
#include "predict/scored.h"
#include "predict/strip.h"
#include "predict/tenure.h"
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
  /// What is read of a shard: the plan's columns, and those to keep that are not among them; n_columns, NULL-ended. Then once more
  /// with all that are to be kept behind the plan's, for shards where they get formats of their own. Texts are the plan's
  /// and `keep`'s.
  const char **columns, **apart;
  size_t n_columns, n_apart;
  size_t *kept_at; ///< where those to keep are in `columns`, and behind these (n_keep on) in `apart`
  grove_parquet_write_options write;
  char **wanted; ///< by column of `apart`: the formats that the first shard of a stream has those to keep in, of the others
                 ///< NULL. NULL: not known, or no stream. Written by the job before it begins a second shard
  bool writes, resume, force, plan_only; ///< writes: `write` was given
  grove__tenure tenure;
  bool gives; ///< tables go to a stream's consumer
  bool bounded;         ///< the job has a budget, of which `share` may be used by an item of BEGIN without asking
  uint64_t share;
  _Atomic(bool) stop; ///< set by the job: give up what is begun. Nothing else is told by it, so relaxed
} grove__score_job_order;
void grove__score_job_order_release(grove__score_job_order *o); ///< NULL: nothing

/// A shard while it is worked on. `opened`, `kept` and `version` are made by BEGIN and only read by the SCOREs that
/// follow; of one that comes from a stream there is no `opened`. `output` belongs to one item at a time, of WRITE, FINISH and
/// ABANDON; `stream` to one PULL at a time.
typedef struct grove__score_job_shard {
  grove__score_job_order *order; ///< counted
  char *url;
  struct ArrowArrayStream *stream; ///< the caller's; NULL: it is read from `url`
  const char *const *wanted;       ///< the order's; NULL: as they are
  grove__shard *opened;
  bool loaded; ///< `opened` is, too
  grove__kept kept; ///< which of its columns are written, too
  _Atomic(size_t) told; ///< the first group that the source has not heard of. A hint to a hint, so relaxed
  char version[256];
  grove__shard_output *output;
  bool again;       ///< an attempt behind one that had the place of its output: what its note says of itself is our own
  _Atomic bool lost; ///< by any: the job has lost its place to another
  grove__output_place place; ///< by BEGIN, of a stream by its first WRITE
  bool pulled;      ///< a batch was taken from the stream
  bool pulling;     ///< while one is: a member that died there may have lost it
  bool writing;     ///< while a group is being written: a member that died there left half of one
  grove__done done; ///< filled by BEGIN if it was done before, else by the job before FINISH
} grove__score_job_shard;
/// What is read of shards, once plan and keep are known. false: no memory
bool grove__score_job_order_columns(grove__score_job_order *o);
/// What is held while a table of so many bytes grows.
static inline uint64_t grove__growth(uint64_t bytes)
{
  return bytes + bytes / 2;
}
/// Counts the order, and takes what is wanted of its columns. NULL: no memory.
grove__score_job_shard *grove__score_job_shard_create(
    grove__score_job_order *o, const char *url, struct ArrowArrayStream *stream);
/// Also the destroy function of the shared form.
void grove__score_job_shard_destroy(void *shard, void *user);

enum {
  GROVE__JOB_BEGIN,   ///< opens, looks for a note, and scores group 0; `group` 1: what it needs for it was granted
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
  uint64_t wants;     ///< of BEGIN in a bounded job: so many bytes are needed to open it, more than the share: nothing was done
  uint64_t needs;     ///< and so many to score a group
  uint64_t resident;  ///< and so many stay in memory while it is open
  uint64_t unscored;  ///< group 0 was not scored: that needs more than the share
  uint64_t last;      ///< of PULL: there is no batch behind it
  uint64_t reads_bytes, held_bytes; ///< of BEGIN for a plan, the first also in a bounded job: what reading holds, and what a group that was scored does;
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

/// The pool's members; they hold the order, shared, and the model, which its plan borrows.
typedef struct grove__score_job_start {
  grove_shared order, model;
} grove__score_job_start;
static const uint16_t grove__score_job_start_holds[] = {
    (uint16_t)offsetof(grove__score_job_start, order), (uint16_t)offsetof(grove__score_job_start, model)};
GROVE__TYPE(grove__score_job_start, 0, 2, grove__score_job_start_holds)
#define GROVE__JOB_WORKER(START, METHOD)                                                           \
  START(grove_job_worker, grove__score_job_start)                                                       \
  METHOD(grove_job_worker, work, grove__score_job_item, grove__score_job_reply)
GROVE_INTERFACE(GROVE__JOB_WORKER, grove_job_worker)
#endif
