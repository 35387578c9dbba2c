#include "parquet/pace.h"

// LEAST_ROWS: by them it is found what rows of unknown size take, in batches that become GROWTH times as long.
enum { BATCH_ROWS = 16384, LEAST_ROWS = 64, GROWTH = 4, PART = 4 };

// What a row is known to take; *open: it may take more, of texts and lists.
static uint64_t row_bytes(const grove_parquet *p, size_t column, bool *open)
{
  uint64_t bytes = 0;
  for (size_t k = 0; k < grove__parquet_leaves(p, column); k++) {
    const grove__leaf *leaf = grove__parquet_leaf(p, column) + k;
    bytes += leaf->width ? leaf->width : 1;
    *open = *open || leaf->convert == GROVE__CONVERT_TEXT || leaf->repeats;
  }
  return bytes;
}

void grove__pace_init(grove__pace *pace, const grove_parquet *p, size_t first, size_t n, uint64_t most_rows)
{
  uint64_t row = 1, most = p->options.memory_bytes;
  bool open = false;
  for (size_t i = first; i < first + n; i++) {
    row += row_bytes(p, i, &open);
  }
  pace->most = most_rows ? most_rows : BATCH_ROWS;
  pace->rows = p->options.batch_rows ? p->options.batch_rows : pace->most;
  pace->share = p->options.batch_rows ? 0 : most / PART;
  if (pace->share) {
    uint64_t rows = open ? LEAST_ROWS : pace->share / row;
    pace->rows = rows < pace->rows ? rows : pace->rows;
    pace->rows = pace->rows ? pace->rows : 1;
  }
}

void grove__pace_learn(grove__pace *pace, uint64_t rows, uint64_t bytes)
{
  if (!pace->share || !rows) {
    return;
  }
  uint64_t fit = pace->share / (bytes / rows + 1), most = pace->rows * GROWTH;
  most = most < pace->most ? most : pace->most;
  pace->rows = fit > most ? most : fit ? fit : 1;
}
