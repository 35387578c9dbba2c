// Features as bytes: for each a few hundred bins with as equal numbers of rows as the values allow.
#ifndef GROVE_MODEL_BINNING_H
#define GROVE_MODEL_BINNING_H
#include "base/alloc.h"
#include "model/column.h"

enum {
  GROVE__BIN_VALUES = 255,  // bins of values at most
  GROVE__BIN_MISSING = 255, // the code of NaN
  GROVE__BIN_COUNT = 256,
  GROVE__BLOCK = 8 // features side by side in one word
};

typedef struct grove__bins {
  grove_allocator allocator;
  size_t features;
  size_t blocks; // of GROVE__BLOCK features, the last filled up with zeros
  size_t rows;
  uint64_t *
      code; // [row][block], a byte for each feature of the block, the first one lowest: what is asked of a
            // row lies together
  uint8_t *column; // [feature][row] the same bytes, where they are few: parting rows by one finds them in the nearest cache. Else
                   // NULL. A few more may be read
  double *
      edge; // [feature][GROVE__BIN_VALUES]: bin b holds x <= edge[b]; the last is +infinity. Of categories: bin b
            // holds edge[b] alone, and if that is NaN, it is the last, all that is in no other
  const uint8_t *category; // [feature]: 1: its numbers are categories; NULL: none are. Borrowed
  uint32_t *bin_count;     // [feature], of values
  uint32_t *missing;       // [feature], rows with NaN
  uint32_t *rank;          // [block][row][feature of the block] dense ranks of the values, or NULL
  uint32_t *
      last_rank; // [feature][GROVE__BIN_VALUES] the highest rank of a bin's values; NULL where rank is
} grove__bins;

/// Sorts and bins all features, one chunk each. `category`: see grove__bins; of more than GROVE__BIN_VALUES categories
/// the most frequent have bins of their own. `ranks`: also keep the ranks; of categories these are the bins.
/// Returns: GROVE_ENOMEM, GROVE_ECANCELED. On failure there is nothing to free.
grove_status grove__bins_make(const grove_allocator *a, const grove_matrix *x,
    const float *const *floats, const uint8_t *category, uint32_t max_bin, bool ranks,
    const grove_work *work, grove__bins *out);
void grove__bins_free(grove__bins *b);

static inline bool grove__bins_are_categories(const grove__bins *b, size_t feature)
{
  return b->category && b->category[feature];
}
/// Features of a block: ranks from one row's to the next one's.
static inline size_t grove__bins_width(const grove__bins *b, size_t block)
{
  size_t left = b->features - block * GROVE__BLOCK;
  return left < GROVE__BLOCK ? left : GROVE__BLOCK;
}
/// The rank of row 0 of a feature. Row i's is grove__bins_width ranks times i behind it.
static inline uint32_t *grove__bins_ranks(const grove__bins *b, size_t feature)
{
  return b->rank + feature / GROVE__BLOCK * GROVE__BLOCK * b->rows + feature % GROVE__BLOCK;
}
static inline uint8_t grove__bin_of(const grove__bins *b, size_t feature, size_t row)
{
  uint64_t word = b->code[row * b->blocks + feature / GROVE__BLOCK];
  return (uint8_t)(word >> (feature % GROVE__BLOCK * 8));
}
#endif
