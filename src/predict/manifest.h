// The sum of a job's notes: one JSON document, in the order of the shards, without times, so that the same job leaves the
// same bytes.
#ifndef GROVE_PREDICT_MANIFEST_H
#define GROVE_PREDICT_MANIFEST_H
#include "predict/worker.h"

/// How each manifest begins; the predictor follows, in quotes. What begins otherwise is none.
#define GROVE__MANIFEST_BEGINS "{\"schema\":1,\"predictor\":"

typedef struct grove__manifest_entry {
  const char *url, *version, *error;
  grove_status status;
  grove__done done;
  uint64_t bytes;
} grove__manifest_entry;

/// Writes it to the order's folder of notes. `at` fills the entry of shard i.
grove_status grove__manifest_write(const grove__score_job_order *o, size_t n,
    void (*at)(const void *user, size_t i, grove__manifest_entry *out), const void *user,
    grove_error *err);
#endif
