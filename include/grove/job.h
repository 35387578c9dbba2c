// grove/job.h: a batch job: many shards scored by a pool with one shared model, row group by row group, written back,
// and resumed where it was left.
//
// A shard is done when its output is there as a whole, and beside it a note (FOLDER/.NAME.done) that says what it was made
// of: the shard's url, size and version, what predicted, the filter and the form. A job that is asked to resume leaves
// out what has such a note (where notes stand elsewhere, what also has the note's CRC-32), and does again what changed. So it may be killed at any moment: the same job, resumed, leaves
// the same bytes as one that nobody disturbed. What such a job left half written is taken away by the next of its outputs. A manifest, FOLDER/manifest.json, sums the notes up at the end.
#ifndef GROVE_JOB_H
#define GROVE_JOB_H
#include <grove/parquet.h>
#include <grove/train.h>
GROVE_BEGIN
/// A function instead of a model: of a batch of rows, in columns, x->rows predictions to `out`. From several threads at
/// once; may not call grove.
typedef grove_status grove_score_fn(void *user, const grove_matrix *x, double *out);

enum { GROVE_JOB_SKIP, GROVE_JOB_FAIL };     ///< on_error: the other shards go on; the job ends
enum { GROVE_JOB_PARQUET, GROVE_JOB_CSV };   ///< form

typedef struct grove_job_result {
  uint32_t struct_size;
  grove_status status;       ///< GROVE_OK; GROVE_ECANCELED: not done when the job ended
  uint32_t resumed;          ///< 1: it was done before
  uint32_t attempts;
  uint64_t bytes, read, rows;///< the shard's size; rows that were read, and that were scored
  double score;              ///< the sum of the predictions, group by group in the order of the file
  char text[440];            ///< why it failed
  const char *columns;       ///< with plan_only: all that it has, a line "NAME TAB FORMAT" (Arrow's) each; else NULL.
                             ///< Borrowed for the call
  uint64_t memory_bytes;     ///< with plan_only: about what the members hold at most while they score it
} grove_job_result;

/// What one member of the job's pool did.
typedef struct grove_job_member {
  uint32_t struct_size;
  uint32_t restarts;         ///< after it died
  grove_ref who;
  char name[64];             ///< its label
  uint64_t items, failed;    ///< what it was given: a row group to score or to write, a shard to open or to finish …
  uint64_t groups, read, rows; ///< row groups that it scored; their rows, and those that the filter left
  uint64_t busy_ns;          ///< on its items, waiting for files and servers included
} grove_job_member;

typedef struct grove_job_progress {
  uint32_t struct_size;
  size_t shards, done, failed, resumed; ///< done: also those that failed, or had been done before
  uint64_t rows;             ///< scored up to now, of shards that failed none
  uint64_t bytes_done;       ///< of the shards that are done, and of those under way in the measure of their row groups
  grove_ref pool;            ///< whose members do the work, for snapshots
} grove_job_progress;

typedef struct grove_job_options {
  uint32_t struct_size;
  const char *const *shards; ///< urls; n_shards of them. Their file names tell their outputs apart
  size_t n_shards;
  const char *rule;          ///< instead of a model, as grove_predictor_options has it
  grove_score_fn *score;     ///< or a function over `score_columns` (NULL-ended), called `score_name` in notes
  void *score_user;
  const char *const *score_columns;
  const char *score_name;
  const char *filter;        ///< a rule: the rows that are scored. Groups and pages without one are not read
  const char *out;           ///< folder of the outputs, NAME.parquet or NAME.csv a shard. NULL: counts and sums alone
  const char *notes;         ///< folder of notes and manifest; default `out`, none without
  uint32_t form;             ///< GROVE_JOB_*
  const char *const *keep;   ///< columns of the shard that are written too, before "prediction"; NULL-ended
  const grove_parquet_write_options *write;
  uint32_t resume;           ///< 1: what is done is left out, and outputs that have a note which is not true any more are
                             ///< made anew; else all is done
  uint32_t on_error;         ///< GROVE_JOB_SKIP, GROVE_JOB_FAIL
  uint32_t retries;          ///< of a shard that failed, from its beginning; 0
  uint32_t members;          ///< default: the workers, and four times as many if a shard is on a server
  uint32_t plan_only;        ///< 1: shards are opened and counted, nothing is scored or written
  uint64_t memory_bytes;     ///< for all that is read, scored and on its way to be written; half of it for one read, which else
                             ///< fails its shard (GROVE_ELIMIT); default: none
  grove_store *store;        ///< counted while the job has members; default: local files
  const grove_parquet_options *read; ///< its columns, rule and work are not looked at
  /// The three below are called where grove_job_run was called, and may not wait. Any may be NULL.
  /// result: once for each shard, when its fate is known, in no order.
  void (*result)(void *user, size_t shard, const grove_job_result *r);
  void (*progress)(void *user, const grove_job_progress *p); ///< each time something was done, and each tick_ms
  bool (*cancelled)(void *user); ///< asked as often: true: what is begun is given up, the manifest is written. Asked on
                                 ///< until that has come back: it may hurry it (grove_store_interrupt)
  void *user;
  uint32_t tick_ms;          ///< 100
  /// By shard: where its rows come from instead (a database's answer), batch by batch; NULL in it: from its url. NULL:
  /// all from urls. shards[i] is then its name alone. Its functions are called from the members' threads, one at a
  /// time. It stays the caller's, who releases it. What it gave doesn't come again: no retry, and no note.
  struct ArrowArrayStream *const *streams;
  /// Called where the three above are, when the job ends: once for each member that was given something.
  void (*member)(void *user, const grove_job_member *m);
  uint32_t force;            ///< 1: outputs, notes and a manifest that are there and not of this job are written over. Else a shard
                             ///< whose output is there fails (GROVE_EEXIST), unless `resume` finds a note of that shard and
                             ///< folder, which says that a job wrote just these bytes, or more, that begin with these (it was cut).
                             ///< What can't be looked at may be there
} grove_job_options;
#define GROVE_JOB .struct_size = (uint32_t)sizeof(grove_job_options)

/// Runs the whole job. `model` as grove_share_model made it; zero if there is a rule or a function.
/// Ownership: all that the options name stays the caller's and must stay until it returns. Only where its own actor is ended by
///            force, or the runtime is stopped, it returns before its members have ended, who may be at an item: then
///            `score_user`, `streams` and what `read` names must outlive them. In an actor: keep them in its state and free them in
///            its `destroy`, which runs after its children have ended. Model and store are counted, and may go at once.
/// Blocking:  until all shards have their fate. From an actor it is suspended, and its end ends the job.
/// Returns:   GROVE_OK: each shard was done or has its error; GROVE_ECANCELED; GROVE_EINVAL: a rule, a name that two
///            outputs would have, or another option is wrong; with GROVE_JOB_FAIL the first shard's error;
///            or an output would be written over its shard; GROVE_EEXIST: another job writes to `out` or `notes`, or
///            began to after this one, or its lock or mark there was taken away: then its other shards are GROVE_ECANCELED and no
///            manifest is written; or a manifest.json is there that is none; what the store says of a lock, or of a manifest, that
///            can't be opened; what failed when the manifest was written
GROVE_API GROVE_CHECK grove_status grove_job_run(grove *g, grove_shared model, const grove_job_options *o,
    grove_job_progress *end, grove_error *err);

/// The same job, whose predictions are not written but go to who reads the stream: a struct of the columns to keep and
/// "prediction", a batch for each row group, in the order of the shards and their rows. Work is done ahead of the
/// reader by two groups a member at most, and none while it does not read. `keep`: all shards' columns get the formats
/// of the first shard's, if they can. `out`, `notes` and `plan_only` are not for it.
/// A shard that fails gives no more; what it gave stays given (`result` tells, or GROVE_JOB_FAIL ends the stream with
/// it). One that is tried again goes on where it was, if it has not changed.
/// Ownership: *out is the caller's, to be released: that gives up what is begun, and waits for it. Until then all that
///            the options name must stay, and `g`: release it before grove_stop, in an actor in the method that made it.
/// Threads:   the stream's functions: one at a time; in an actor, that actor's.
/// Blocking:  get_next and get_schema until there is a batch, as grove_job_run does; the callbacks are called in them.
/// Returns:   as grove_job_run for what can't be; *out has no release then
GROVE_API GROVE_CHECK grove_status grove_job_stream(grove *g, grove_shared model, const grove_job_options *o,
    struct ArrowArrayStream *out, grove_error *err);
GROVE_END
#endif
