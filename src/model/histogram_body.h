// Adding rows to a histogram, see histogram.h. Part of grow_kernels_body.h, and compiled once for each instruction set.
#include "base/prefetch.h"
#include "model/histogram.h"
#include <string.h>

enum {
  BLOCK_WORDS = GROVE__BIN_COUNT * GROVE__BLOCK,
  TILE = GROVE__TILE,
  GROUP = GROVE__TILE_BLOCKS,
  AHEAD = 16,    // rows asked of memory before they are needed
  FAR = 256,     // the same, of a table that no cache near by holds
  NEAR = 1 << 16 // words that a cache near by holds anyhow
};

// A byte of the word, times the eight features of a bin, in two operations.
static inline void add_word(uint64_t c, int64_t v, int64_t *h)
{
  enum { BINS = 0xff * GROVE__BLOCK };
  h[c << 3 & BINS] += v;
  h[(c >> 5 & BINS) + 1] += v;
  h[(c >> 13 & BINS) + 2] += v;
  h[(c >> 21 & BINS) + 3] += v;
  h[(c >> 29 & BINS) + 4] += v;
  h[(c >> 37 & BINS) + 5] += v;
  h[(c >> 45 & BINS) + 6] += v;
  h[(c >> 53 & BINS) + 7] += v;
}

// The lowest four bytes: features that there are not need no place.
static inline void add_half(uint64_t c, int64_t v, int64_t *h)
{
  enum { BINS = 0xff * GROVE__BLOCK };
  h[c << 3 & BINS] += v;
  h[(c >> 5 & BINS) + 1] += v;
  h[(c >> 13 & BINS) + 2] += v;
  h[(c >> 21 & BINS) + 3] += v;
}

static void add_tile(const uint64_t *code, const int64_t *value, size_t n, bool half, int64_t *h)
{
  for (size_t i = 0; half && i < n; i++) {
    add_half(code[i], value[i], h);
  }
  for (size_t i = 0; !half && i < n; i++) {
    add_word(code[i], value[i], h);
  }
}

static void add_block(
    const uint64_t *code, const uint32_t *rows, size_t n, const int64_t *value, int64_t *h)
{
  if (n && rows[n - 1] - rows[0] == n - 1) { // all of a range, as at the root
    add_tile(code + rows[0], value + rows[0], n, false, h);
    return;
  }
  size_t i = 0;
  for (; i + AHEAD < n; i++) {
    grove__prefetch(&code[rows[i + AHEAD]]);
    grove__prefetch(&value[rows[i + AHEAD]]);
    add_word(code[rows[i]], value[rows[i]], h);
  }
  for (; i < n; i++) {
    add_word(code[rows[i]], value[rows[i]], h);
  }
}

static inline void gather_some(const grove__bins *b, const uint32_t *rows, size_t left,
    const int64_t *value, size_t block, size_t blocks, grove__tile *t)
{
  size_t n = left < TILE ? left : TILE;
  for (size_t i = 0; i < n; i++) {
    if (i + FAR < left) {
      grove__prefetch_far(&b->code[rows[i + FAR] * b->blocks + block]);
      grove__prefetch_far(&value[rows[i + FAR]]);
    }
    const uint64_t *code = &b->code[rows[i] * b->blocks + block];
    t->value[i] = value[rows[i]];
    for (size_t k = 0; k < blocks; k++) {
      t->code[k][i] = code[k];
    }
  }
}

// A full group, which most are, has a loop of its own.
static void gather(const grove__bins *b, const uint32_t *rows, size_t left, const int64_t *value,
    const int64_t *weight, size_t block, size_t blocks, grove__tile *t)
{
  if (blocks == GROUP) {
    gather_some(b, rows, left, value, block, GROUP, t);
  } else {
    gather_some(b, rows, left, value, block, blocks, t);
  }
  for (size_t i = 0; weight && i < TILE && i < left; i++) {
    t->weight[i] = weight[rows[i]];
  }
}

static void add_group(const grove__bins *b, const uint32_t *rows, size_t n, const int64_t *value,
    const int64_t *weight, size_t block, size_t blocks, grove__tile *t, int64_t *h)
{
  for (size_t from = 0; from < n; from += TILE) {
    size_t m = n - from < TILE ? n - from : TILE;
    gather(b, rows + from, n - from, value, weight, block, blocks, t);
    for (size_t k = 0; k < blocks; k++) {
      int64_t *to = h + (block + k) * BLOCK_WORDS, *to_weight = to + b->blocks * BLOCK_WORDS;
      bool half = b->features - (block + k) * GROVE__BLOCK <= GROVE__BLOCK / 2;
      add_tile(t->code[k], t->value, m, half, to);
      if (weight) {
        add_tile(t->code[k], t->weight, m, half, to_weight);
      }
    }
  }
}

static void histogram_more(const grove__bins *b, const uint32_t *rows, size_t n,
    const int64_t *value, const int64_t *weight, size_t from, size_t end, grove__tile *tile,
    int64_t *h)
{
  if (b->blocks == 1 && !weight) {
    add_block(b->code, rows, n, value, h);
    return;
  }
  for (size_t block = from; block < end; block += GROUP) {
    size_t blocks = end - block < GROUP ? end - block : GROUP;
    add_group(b, rows, n, value, weight, block, blocks, tile, h);
  }
}

static void histogram_add(const grove__bins *b, const uint32_t *rows, size_t n,
    const int64_t *value, const int64_t *weight, size_t from, size_t end, grove__tile *tile,
    int64_t *h)
{
  memset(h + from * BLOCK_WORDS, 0, (end - from) * BLOCK_WORDS * sizeof *h);
  if (weight) {
    memset(h + (b->blocks + from) * BLOCK_WORDS, 0, (end - from) * BLOCK_WORDS * sizeof *h);
  }
  histogram_more(b, rows, n, value, weight, from, end, tile, h);
}

static void histogram_subtract(int64_t *restrict h, const int64_t *restrict other, size_t words)
{
  for (size_t i = 0; i < words; i++) {
    h[i] -= other[i];
  }
}
