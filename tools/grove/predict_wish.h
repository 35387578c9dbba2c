// What `grove predict` was asked for: its options and its shards.
#ifndef GROVE_TOOL_PREDICT_WISH_H
#define GROVE_TOOL_PREDICT_WISH_H
#include "cli.h"
#include "cli_progress.h"
#include "cli_runtime.h"
#include "cli_store.h"
#include <grove/job.h>

typedef struct predict_shard {
  char *path;
  char *error; // NULL: none
  uint64_t size; // of the file, if known
  uint64_t bytes, read, rows; // see grove_job_result; there may be very many, so no more than is said in the end
  double score;
  uint32_t columns; // of a plan: which of the report's schemas, from 1 on; 0: none
  int16_t status;
  bool resumed;
} predict_shard;

typedef struct predict_wish {
  const char *model, *rule, *filter, *out, *notes, *keep, *form, *on_error;
  uint64_t actors, limit, memory_mb, shard_retries;
  bool quiet, json, resume, force, dry_run, fails;
  cli_progress_mode progress;
  cli_runtime_wish runtime;
  cli_store_wish at;
  grove_store *store;
  char **argv; // for the command that goes on
  int argc;
  predict_shard *shards;
  size_t count;
} predict_wish;

extern const cli_option predict_options[];
/// Reads the options, opens the store and lists the shards. On failure reports, and gives the exit code.
int predict_wish_read(predict_wish *w, const cli_command *c, int argc, char **argv);
void predict_wish_free(predict_wish *w);
#endif
