// How many rows are decoded at once: as many as are asked for; else, where there is a limit of memory, as many as take a
// quarter of it, for pages, dictionaries and windows want the rest. How long texts and lists are is found by reading them.
#ifndef GROVE_PARQUET_PACE_H
#define GROVE_PARQUET_PACE_H
#include "parquet/file.h"

typedef struct grove__pace {
  uint64_t rows;  ///< of the next batch
  uint64_t most;
  uint64_t share; ///< bytes that a batch may take; 0: rows stay as they are
} grove__pace;

/// Of columns [first, first + n). most_rows: if batch_rows does not say; 0: what fits a processor's cache
void grove__pace_init(grove__pace *pace, const grove_parquet *p, size_t first, size_t n, uint64_t most_rows);
/// So much `rows` rows took.
void grove__pace_learn(grove__pace *pace, uint64_t rows, uint64_t bytes);
#endif
