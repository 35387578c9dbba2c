// A job from the inside: what job.c drives and job_make.c makes.
#ifndef GROVE_PREDICT_JOB_PARTS_H
#define GROVE_PREDICT_JOB_PARTS_H
#include "predict/manifest.h"
#include "predict/worker.h"

/// What a shard is at. Only SCORING ones are stepped; the others wait for a reply, or have their fate.
typedef enum grove__entry_state {
  GROVE__ENTRY_WAITING,
  GROVE__ENTRY_BEGUN,
  GROVE__ENTRY_SCORING,
  GROVE__ENTRY_FINISHING,
  GROVE__ENTRY_FAILING,
  GROVE__ENTRY_SETTLED
} grove__entry_state;

/// A row group that was scored.
typedef struct grove__score_job_group {
  bool scored;
  uint64_t read, rows;
  double sum;
  grove_shared table; ///< until it is written
} grove__score_job_group;

typedef struct grove__score_job_entry {
  grove__entry_state state;
  grove_status status;
  uint32_t attempts, flying; ///< items of it that are with the pool
  bool resumed, writing;
  grove__score_job_shard *shard; ///< in `shared`
  grove_shared shared;
  grove__score_job_group *groups;
  uint64_t n_groups, next_score, next_write;
  uint64_t bytes;
  grove__done done;
  char *error, *version;
} grove__score_job_entry;

/// An item that is with the pool; its index is the item's tag.
typedef struct grove__score_job_slot {
  bool used;
  uint32_t kind;
  size_t entry;
  uint64_t group;
} grove__score_job_slot;

typedef struct grove__score_job {
  grove *g;
  grove_job_options o;
  grove_error *err;
  grove__score_job_order *order; ///< counted
  grove_shared order_shared;
  grove_pool *pool;
  grove__score_job_entry *entries;
  grove__score_job_slot *slots;
  size_t n_slots, flying;
  size_t first;       ///< all entries before it have their fate
  size_t begun_to;    ///< none from here on was begun
  size_t active, most_active; ///< shards that are begun and have no fate yet
  uint64_t ahead;     ///< groups of a shard that may be scored before they are written
  uint64_t held;      ///< bytes of predictions that wait to be written
  size_t settled, failed, resumed;
  uint64_t rows, bytes_done;
  bool stopping, ended; ///< ended: nothing can be waited for any more
  grove_status first_failure;
} grove__score_job;

grove_status grove__score_job_create(grove *g, grove_shared model, const grove_job_options *o,
    grove__score_job **out, grove_error *err);
void grove__score_job_destroy(grove__score_job *j);
/// What is not begun stays undone, what is begun is given up.
void grove__score_job_stop(grove__score_job *j);
#endif
