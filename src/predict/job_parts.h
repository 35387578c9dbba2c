// A job from the inside: what job.c drives and job_make.c makes.
#ifndef GROVE_PREDICT_JOB_PARTS_H
#define GROVE_PREDICT_JOB_PARTS_H
#include "predict/manifest.h"
#include "predict/worker.h"

/// What a shard is at. Only SCORING ones are stepped; the others wait for a reply, or have their fate.
typedef enum grove__entry_state {
  GROVE__ENTRY_WAITING,
  GROVE__ENTRY_BEGUN,
  GROVE__ENTRY_ASKING, ///< for room to be opened
  GROVE__ENTRY_SCORING,
  GROVE__ENTRY_FINISHING,
  GROVE__ENTRY_FAILING,
  GROVE__ENTRY_SETTLED
} grove__entry_state;

/// A row group on its way, or a batch of a stream.
typedef struct grove__score_job_group {
  bool scored;
  uint64_t read, rows;
  double sum;
  grove_shared table; ///< what was pulled, until it is given out to be scored; what was scored, until it goes on
  uint64_t held;      ///< bytes of it in the job's account
  bool counted;       ///< so is it
} grove__score_job_group;

/// What a shard needs while it is begun and has no fate yet: of very many shards few are.
/// Groups pass in their order: they are given out to be scored (next_score), scored, and passed on (next_write) to the
/// output or the consumer. From next_write on they are in `groups`, at k % room.
typedef struct grove__score_job_work {
  bool writing;
  bool pulling, drained;         ///< of a stream: its next batch is being taken; it has no more
  bool changed;                  ///< after some of it was given: it can't be tried again
  grove__score_job_shard *shard; ///< in `shared`; NULL: not in this attempt
  grove_shared shared;
  grove__score_job_group *groups;
  uint64_t room, n_groups, next_score, next_write; ///< n_groups: of a stream those that were pulled
  uint64_t given;                ///< groups that a consumer has, in this attempt or one before
  uint64_t open_rows, open_bytes; ///< what the job counts of it while it is under way
  uint64_t reads;                ///< of `needs`, what is not in the table that comes of it
  uint64_t wants, needs;         ///< bytes, of a bounded job: to open it (0: that is granted), to score one of its groups
  uint64_t resident;             ///< while it is open
  int64_t begun_ns;
} grove__score_job_work;

typedef struct grove__score_job_entry {
  uint8_t state; ///< grove__entry_state
  bool resumed, entered; ///< entered: an attempt of it had the place of its output
  uint32_t attempts, flying; ///< items of it that are with the pool
  grove_status status;
  uint64_t bytes;
  grove__score_job_work *work;   ///< from its first beginning to its fate
  grove__done done;              ///< of the groups that were passed on
  char *error, *version;         ///< version: of what was finished, or partly given
} grove__score_job_entry;

/// An item that is with the pool; its index is the item's tag.
typedef struct grove__score_job_slot {
  bool used;
  uint32_t kind;
  size_t entry;
  uint64_t group;
  uint64_t bytes; ///< of the budget, until it comes back
} grove__score_job_slot;

/// Members that were heard of; there are as many as the pool has.
typedef struct grove__score_job_members {
  grove_job_member *list;
  size_t n, room;
} grove__score_job_members;

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
  uint64_t ahead;     ///< groups of a shard that may be scored before they are passed on; of all shards, to a consumer
  uint64_t held, n_held; ///< bytes of what waits to be scored or passed on; groups of it
  uint64_t used;      ///< of the budget, by items that are with the pool
  uint64_t resident;  ///< by shards that are open
  bool gives;         ///< tables go to a consumer, in order: those of entry `first`, into `ready`
  grove_shared ready;
  size_t ready_of;    ///< the entry that it is, or was, of
  bool ready_knows;   ///< its columns' types are of rows
  size_t settled, failed, resumed, undone; ///< undone: of `settled`, those that were not done when the job ended
  uint64_t rows, bytes_done; ///< of settled shards
  uint64_t open_rows, open_bytes; ///< of what was passed on of the others
  grove__score_job_members members;
  bool marked;        ///< a shard was begun: the folders are ours
  bool stopping, ended; ///< ended: nothing can be waited for any more
  grove_status first_failure;
  uint64_t run;       ///< what it tells of itself is told as this one; 0: it does not
  int64_t told_ns;    ///< when it last told of what is under way
} grove__score_job;

grove_status grove__score_job_create(grove *g, grove_shared model, const grove_job_options *o,
    bool gives, grove__score_job **out, grove_error *err);
void grove__score_job_destroy(grove__score_job *j);
/// What is not begun stays undone, what is begun is given up.
void grove__score_job_stop(grove__score_job *j);
/// Goes on until all shards have their fate, or something is `ready`.
void grove__score_job_drive(grove__score_job *j);
/// Gives out what can be, and does not wait.
void grove__score_job_refill(grove__score_job *j);
/// How it went, once driven to its end. Writes the manifest.
grove_status grove__score_job_end(grove__score_job *j, grove_job_progress *out, grove_error *err);

// ---- members: job_members.c -----------------------------------------------------------------------
/// Counts what one of them brought.
void grove__members_count(grove__score_job *j, uint32_t kind, grove_status s,
    const grove__score_job_reply *r, const grove_error *why);
/// Tells of them all, while the pool is there.
void grove__members_tell(grove__score_job *j);

// ---- for who watches: job_told.c ------------------------------------------------------------------
void grove__told_begin(grove__score_job *j);
/// Of a shard that was begun, or has its fate.
void grove__told_entry(grove__score_job *j, size_t i);
/// Of what is under way; not more often than people look.
void grove__told_progress(grove__score_job *j);
/// Told already: nothing. Words may be NULL.
void grove__told_end(grove__score_job *j, grove_status s, const char *words);

// ---- one shard: job_entry.c -----------------------------------------------------------------------
/// Items for it: true if something was done.
bool grove__entry_begin(grove__score_job *j, size_t i);
bool grove__entry_may_begin(const grove__score_job *j, size_t i); ///< whether there is room for it
bool grove__entry_step(grove__score_job *j, size_t i);    ///< of one that is being scored, or asks for room
bool grove__entry_give_up(grove__score_job *j, size_t i); ///< of one that failed
void grove__entry_settle(grove__score_job *j, size_t i, grove_status s);
/// The first failure is told. It is given up once nothing of it is under way.
void grove__entry_fail(grove__score_job *j, size_t i, grove_status s, const char *words);
/// What an item of it brought. On success takes r->table.
void grove__entry_take(grove__score_job *j, const grove__score_job_slot *slot, grove_status s,
    const grove__score_job_reply *r, const grove_error *why);
#endif
