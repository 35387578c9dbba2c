// DELTA_BINARY_PACKED: integers as differences, in blocks of miniblocks of one bit width each. Also carries the
// lengths of the two encodings of texts.
#ifndef GROVE_PARQUET_DELTA_H
#define GROVE_PARQUET_DELTA_H
#include <stddef.h>
#include <stdint.h>

enum { GROVE__DELTA_STASH = 32 };

typedef struct grove__delta {
  const uint8_t *p, *end;   ///< end has GROVE__SLACK readable bytes behind it
  uint32_t per_mini, minis; ///< values of a miniblock, miniblocks of a block
  uint64_t left;            ///< values that were not taken
  uint64_t packed_left;     ///< of these, those that no block was opened for or unpacked from
  uint64_t value;           ///< the last one; arithmetic wraps
  uint64_t least;           ///< the block's smallest difference
  const uint8_t *widths;    ///< of the block's miniblocks
  uint32_t mini, mini_left; ///< the current miniblock, and values of it that were not unpacked
  unsigned stashed;
  int first; ///< the first value, which stands in the head, was not taken
  uint64_t stash[GROVE__DELTA_STASH];
} grove__delta;

/// Reads the head. All give NULL, or the flaw (static).
const char *grove__delta_open(grove__delta *d, const uint8_t *p, const uint8_t *end);
/// Where the last miniblock ends; right after open.
const char *grove__delta_end(const grove__delta *d, const uint8_t **end);
const char *grove__delta_take(grove__delta *d, int64_t *out, size_t n);
#endif
