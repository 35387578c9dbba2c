// A shard from the inside: for shard.c, which opens and reads it, and shard_plan.c, which looks ahead.
#ifndef GROVE_PREDICT_SHARD_INSIDE_H
#define GROVE_PREDICT_SHARD_INSIDE_H
#include "predict/shard.h"

struct grove__shard {
  grove_source source;
  bool source_open, is_csv; // source_open: it is ours
  grove_parquet *file;
  grove_table *table; // of a CSV, all of it; or what was given
  const char *const *names, *const *formats; // that are wanted; the caller's
  size_t count;
  size_t *places; // by name: where it is in a batch
  uint64_t rows;
  size_t groups;
};

/// All bytes of a CSV, source.bytes + 1 of them to be freed. Returns: GROVE_ELIMIT: over `limit`, if that is not 0
grove_status grove__shard_text(
    const grove__shard *s, uint64_t limit, char **out, grove_error *err);
#endif
