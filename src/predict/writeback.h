// Predictions written back: for the shard …/NAME.parquet the file FOLDER/NAME.parquet with one column,
// "prediction", and beside it FOLDER/.NAME.parquet.done, which says what it was made of; so a run that is
// started again skips what is there.
#ifndef GROVE_PREDICT_WRITEBACK_H
#define GROVE_PREDICT_WRITEBACK_H
#include <grove/predict.h>

/// What makes two predictions the same: the shard's url and size, and the model (its hash, or the rule).
typedef struct grove__writeback {
  grove_store *store;
  const char *folder;
  const char *shard;
  uint64_t shard_bytes;
  const char *model;
} grove__writeback;

/// Whether it was written before; then *score is filled.
bool grove__writeback_done(const grove__writeback *w, grove_shard_score *score);
/// Writes values[rows] and then the note.
/// Ownership: takes `values`, a block of value_bytes from malloc's allocator, whatever it returns.
grove_status grove__writeback_put(const grove__writeback *w, double *values, size_t value_bytes,
    const grove_shard_score *score, grove_error *err);
#endif
