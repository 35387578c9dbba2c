// The inner loops of growing trees, once for each instruction set. All give the same bits: sums are whole numbers,
// and gains are the same float operations in the same order, one after the other or side by side.
#ifndef GROVE_MODEL_GROW_KERNELS_H
#define GROVE_MODEL_GROW_KERNELS_H
#include "model/grow.h"
#include "model/grow_exact.h"

/// How many rows a parting has put to each side.
typedef struct grove__parted {
  uint32_t left;
  uint32_t right;
} grove__parted;

/// Puts the next row to the front of `rows`, if `left` is 1, or (0) of `spare`: to both, of which one stays.
static inline void grove__part_row(
    uint32_t *rows, uint32_t *spare, uint32_t row, uint32_t left, grove__parted *d)
{
  rows[d->left] = row;
  spare[d->right] = row;
  d->left += left;
  d->right += 1 - left;
}

typedef struct grove__grow_kernels {
  const char *name;
  /// Grows a node of at most GROVE__SMALL rows to its end.
  void (*grow_small)(grove__grower *g, const grove__pending *p);
  /// Orders rows by their rising keys, those of equal keys by their numbers; at most GROVE__SMALL, of keys up to `most`.
  void (*sort_small)(const uint32_t *key, uint8_t *order, size_t n, uint32_t most);
  /// Sets the blocks [from, end) of a histogram to the sums over some rows, whose numbers rise. `weight` is NULL unless wide; `tile` is
  /// scratch, and may be NULL where grove__tile_is_needed says so.
  void (*histogram_add)(const grove__bins *b, const uint32_t *rows, size_t n, const int64_t *value,
      const int64_t *weight, size_t from, size_t end, grove__tile *tile, int64_t *h);
  /// The same, to what is there already.
  void (*histogram_more)(const grove__bins *b, const uint32_t *rows, size_t n, const int64_t *value,
      const int64_t *weight, size_t from, size_t end, grove__tile *tile, int64_t *h);
  /// h -= other
  void (*histogram_subtract)(int64_t *h, const int64_t *other, size_t words);
  /// The best split of GROVE__BLOCK features side by side. See histogram.h
  void (*scan_packed)(const int64_t *h, unsigned shift, const int64_t *from, size_t bins,
      const grove__scan_terms *t, unsigned lanes, grove__scan_lanes *out);
  /// Parts rows by the byte at `shift` of their word, code[row * stride]: those of bins up to `bin` move to the front, in their order, the
  /// others to the front of `spare`, which has as many places, in theirs. Gives how many stayed.
  uint32_t (*partition)(uint32_t *rows, uint32_t *spare, size_t n, const uint64_t *code,
      size_t stride, unsigned shift, uint32_t bin, bool missing_left);
  /// The same by column[row]. Rows' numbers rise.
  uint32_t (*partition_column)(uint32_t *rows, uint32_t *spare, size_t n, const uint8_t *column,
      uint32_t bin, bool missing_left);
  /// The same: those of bins before `bin` stay, and of it those of ranks up to `last`, rank[row * width].
  uint32_t (*partition_rank)(uint32_t *rows, uint32_t *spare, size_t n, const uint8_t *column,
      uint32_t bin, const uint32_t *rank, size_t width, uint32_t last);
  /// Copies the rows of bins a and b to `to`, which has n places. Gives how many.
  size_t (*collect_bins)(const uint32_t *rows, size_t n, const uint8_t *column, uint32_t a,
      uint32_t b, uint32_t *to);
  /// Looks at the n places behind entries of a node, the left side beginning with `sum` of `base` rows. *best and *last
  /// are replaced by a gain above *best and its place, the first of equals. The entry behind the last one is read.
  void (*exact_scan)(const grove__entry *o, size_t n, const int64_t *q, const grove__exact_terms *t,
      int64_t sum, size_t base, double *best, size_t *last);
  /// The same of all features of a node of n > 1 rows, whose entries lie `stride` apart: best->gain, and the feature and the place, if
  /// one gains more than that. Of equals the first feature's first.
  void (*exact_scan_all)(const grove__entry *o, size_t stride, size_t features, size_t n,
      const int64_t *q, const grove__exact_terms *t, grove__exact_best *best);
  /// Copies entries of rows with side 1 to `left`, with 0 to `right`, in their order. Three bytes behind the last
  /// row's side may be read.
  void (*exact_part)(const grove__entry *o, size_t n, const uint8_t *side, grove__entry *left,
      grove__entry *right);
  /// The same of all features, whose entries lie `stride` apart, there as here; those on the right go `left` places behind the others.
  void (*exact_part_all)(const grove__entry *o, size_t stride, size_t features, size_t n,
      const uint8_t *side, grove__entry *to, size_t left);
  /// The largest size of from[i] - less[i] (`less` NULL: of from[i]). NaN counts for nothing.
  double (*largest)(const double *from, const double *less, size_t n);
  /// value[i] = (round((from[i] - less[i]) * scale) << shift) + one, below 2^50 before it is shifted; `less` NULL: from[i] alone. Gives
  /// their sum.
  int64_t (*quantise)(const double *from, const double *less, size_t n, double scale,
      unsigned shift, int64_t one, int64_t *value);
  /// code[i]: how many of the first 255 rising keys at `last`, which are 256, are less than key[i]; `missing` if that is UINT32_MAX.
  void (*code_keys)(
      const uint32_t *last, const uint32_t *key, size_t n, uint8_t missing, uint8_t *code);
} grove__grow_kernels;

/// The fastest that this machine can run.
const grove__grow_kernels *grove__grow_kernels_best(void);
/// From the portable ones (0) to the fastest; NULL: this machine or this build has no more. For tests.
const grove__grow_kernels *grove__grow_kernels_at(size_t level);

/// The histogram of some rows.
static inline void grove__histogram_build(
    const grove__job *job, const uint32_t *rows, size_t n, grove__tile *tile, int64_t *h)
{
  job->kernels->histogram_add(
      job->bins, rows, n, job->value, job->weight, 0, job->bins->blocks, tile, h);
}

extern const grove__grow_kernels grove__grow_kernels_portable;
extern const grove__grow_kernels grove__grow_kernels_avx2;
extern const grove__grow_kernels grove__grow_kernels_avx512;
#endif
