// Sums of gradients by bin, in whole numbers, and the best split that they show.
//
// A row's gradient is a whole number q of units 2^-k (k by the data), and one word holds q and the row's weight:
// (q << shift) + weight. So a bin is one add, a sibling one subtraction, and any order of adding gives the same
// bits. The weights of all rows sum to less than 2^shift, |q| summed to less than 2^(62 - shift). With more rows
// than that leaves bits for (GROVE__PACK_WEIGHT_MAX), q and weight have a word each: "wide"; a wide histogram is
// two plain ones, one after the other.
#ifndef GROVE_MODEL_HISTOGRAM_H
#define GROVE_MODEL_HISTOGRAM_H
#include "model/binning.h"

enum { GROVE__PACK_SHIFT_MIN = 12 };
#define GROVE__PACK_WEIGHT_MAX ((uint64_t)1 << 22)

/// How rows carry gradient and weight.
typedef struct grove__pack {
  unsigned shift; // of q in a word; wide: 0
  bool wide;
  double scale; // a power of two: q = round(gradient * scale)
  double unit;  // 1 / scale
} grove__pack;

/// Chooses shift and scale for gradients up to `most` in size and weights that sum to `weight`.
grove_status grove__pack_choose(double most, uint64_t weight, bool wide, grove__pack *out);

typedef struct grove__sum {
  int64_t q;
  int64_t weight;
} grove__sum;

/// What is the same in all steps of a scan.
typedef struct grove__scan_terms {
  double sum; // of q
  double weight;
  double lambda;
  double least;
  double alpha;
} grove__scan_terms;

/// Eight features side by side. Gains are fractions, which are compared without dividing.
typedef struct grove__scan_lanes {
  double top[GROVE__BLOCK];
  double under[GROVE__BLOCK]; // > 0
  int64_t bin[GROVE__BLOCK];
} grove__scan_lanes;

enum {
  GROVE__TILE = 512,
  GROVE__TILE_BLOCKS = 4,
  GROVE__TILE_ROOM =
      GROVE__TILE +
      GROVE__BLOCK // not a multiple of 4 KB: columns would get in each other's way in a cache
};
/// Some rows' words of a few blocks, brought together, so that memory is read once and each block's part of the
/// histogram stays in the nearest cache while they are added. Too large for an actor's stack.
typedef struct grove__tile {
  int64_t value[GROVE__TILE_ROOM];
  int64_t weight[GROVE__TILE_ROOM];
  uint64_t code[GROVE__TILE_BLOCKS][GROVE__TILE_ROOM];
} grove__tile;

/// Looks at the splits behind each of `bins` bins of a block. `from` is what the left side begins with. Of the features of `lanes`,
/// a bit each, *l gets the best of all as it is; a feature that gains less may be left without its best.
typedef void (*grove__scan_fn)(const int64_t *h, unsigned shift, const int64_t *from, size_t bins,
    const grove__scan_terms *t, unsigned lanes, grove__scan_lanes *l);

/// What is said of sets of categories alone, in units of weight. All zero: the best of all is taken.
typedef struct grove__category_rule {
  double
      smooth; // added to a category's weight when means are compared; one that weighs less stays right
  double lambda;    // more of it on both sides
  double group;     // weight that one step takes to the left at least, and that stays right
  uint32_t most;    // categories of a set; 0: no limit
  uint32_t one_hot; // up to so many in a node each is tried alone, without the above
} grove__category_rule;

/// How a split is judged; sums in units of q.
typedef struct grove__gain_rule {
  double lambda;       // added to the weights of both sides
  double least_weight; // of a side, at least 1
  double alpha;        // taken off the size of each S
  grove__scan_fn scan; // NULL: the portable one
  grove__category_rule category;
  const int8_t *
      monotone; // by feature: 1: predictions must not fall with it, -1: not rise; NULL: all are free
  double low;   // if monotone: what leaves may say, in q per weight
  double high;
} grove__gain_rule;

enum { GROVE__SET_WORDS = GROVE__BIN_COUNT / 32 };

typedef struct grove__split {
  double gain; // of both sides: S*S/(W + lambda) each, in units of q squared; < 0: no split
  double more; // than without the split, in the job's gain_unit; set by grove__grow_choose
  uint32_t feature;
  uint32_t bin; // left: x <= edge[bin]
  bool missing_left;
  bool by_set;  // left: the bins of `set`, not those up to `bin`
  bool by_rank; // left: ranks up to `rank`, which is in bin `bin`, of values up to `threshold`
  uint32_t rank;
  double threshold;
  uint32_t set[GROVE__SET_WORDS];
  grove__sum left;
} grove__split;

/// Words of one histogram.
static inline size_t grove__histogram_words(const grove__bins *b, bool wide)
{
  return b->blocks * GROVE__BIN_COUNT * GROVE__BLOCK * (wide ? 2 : 1);
}
static inline bool grove__tile_is_needed(const grove__bins *b, bool wide)
{
  return wide || b->blocks > 1;
}
/// The best split of the features with use[f] != 0 (NULL: all), looked at in turn from feature `start` on, the
/// first of equals. `all` is the node's sum.
grove__split grove__histogram_scan(const grove__bins *b, const grove__pack *p, const int64_t *h,
    grove__sum all, const grove__gain_rule *rule, const uint8_t *use, size_t start);

/// Whether rows of the node are in a bin.
bool grove__histogram_has(
    const grove__bins *b, const grove__pack *p, const int64_t *h, uint32_t feature, uint32_t bin);

/// One split of a feature: behind the bin that lies `cut` (of [0, 1)) of the way between the edges of its lowest and its
/// highest bin in the node, the missing on the better side. *best is replaced if this one is better.
void grove__histogram_cut(const grove__bins *b, const grove__pack *p, const int64_t *h,
    grove__sum all, const grove__gain_rule *rule, uint32_t feature, double cut, grove__split *best);

// Shifted down, not divided: a division by a number that is not known takes ten times as long.
static inline grove__sum grove__unpack(const grove__pack *p, int64_t value)
{
  int64_t q = value < 0 ? ~(~value >> p->shift) : value >> p->shift;
  return (grove__sum){q, value & (((int64_t)1 << p->shift) - 1)};
}
#endif
