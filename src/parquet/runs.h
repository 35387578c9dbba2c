// The hybrid of runs and bit-packed groups that carries dictionary codes, levels and booleans.
#ifndef GROVE_PARQUET_RUNS_H
#define GROVE_PARQUET_RUNS_H
#include "parquet/kernels.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Numbers of `width` bits, 0 to 32. `end` must have GROVE__SLACK readable bytes behind it.
typedef struct grove__runs {
  const uint8_t *p, *end;
  const grove__kernels *kernels; ///< init's are the portable ones
  unsigned width;
  uint32_t value;        ///< of the run
  uint64_t left;         ///< in the run or the packed groups
  const uint8_t *packed; ///< the next group of 8; NULL: a run
  unsigned stashed;      ///< numbers of a group that was unpacked but not all taken
  uint32_t stash[8];
} grove__runs;

void grove__runs_init(grove__runs *r, const uint8_t *p, const uint8_t *end, unsigned width);
/// Opens the next run if the last one is used up. NULL: there is one, r->left > 0. Else the flaw, static.
const char *grove__runs_open(grove__runs *r);
/// Takes n <= r->left numbers of packed groups, and gives the largest of them.
uint32_t grove__runs_unpack(grove__runs *r, uint32_t *out, size_t n);
/// Takes n numbers of whatever is there. NULL: done.
const char *grove__runs_take(grove__runs *r, uint32_t *out, size_t n);
/// Takes n numbers of one bit into a bitmap from bit `to` on, and adds to *ones. NULL: done.
const char *grove__runs_bits(grove__runs *r, uint8_t *bits, uint64_t to, size_t n, uint64_t *ones);
#endif
