// The rows of a small node: byte-sized numbers for them, every feature's order of these numbers, and their sums in
// 32-bit numbers of a coarser unit, chosen for the node.
#ifndef GROVE_MODEL_SMALL_ROWS_H
#define GROVE_MODEL_SMALL_ROWS_H
#include "model/category_split.h"
#include "model/grow.h"

enum {
  GROVE__SMALL_LEVELS = 10,   // how deep lists of live features can stack up
  GROVE__SMALL_NONE = 0xffff, // no rank
  GROVE__SMALL_SLACK = 128,   // bytes behind the orders that may be read, for reading many at once
  GROVE__TINY_BYTES = 1056    // room for a tiny_block
};

struct grove__small {
  uint8_t *order[2]; // [feature][row]: rows by rising value; a split copies to the other
  uint8_t *rank;     // [feature][GROVE__SMALL]: by row number; equal values have equal ranks
  uint16_t *missing; // [feature]: the rank of NaN, or GROVE__SMALL_NONE
  uint32_t *live;    // [GROVE__SMALL_LEVELS][feature]: features that are not constant in the node
  int64_t packed[GROVE__SMALL];      // by row number: (sum << 32) + weight
  uint32_t row[GROVE__SMALL];        // of the data
  double target[GROVE__SMALL];       // of these rows, if leaves are means
  int64_t prefix[GROVE__SMALL + 64]; // along an order
  int32_t sum[GROVE__SMALL];
  int32_t weight[GROVE__SMALL];
  int32_t gain[GROVE__SMALL]; // the bits of floats, which order as the floats do
  uint32_t key[GROVE__BLOCK][GROVE__SMALL];
  uint8_t side[GROVE__SMALL]; // by row number: all bits set goes left, none right
  bool any_missing;           // in a feature that is live
  bool any_category;
  void *tiny; // two tiny_blocks for every block of features
  struct {
    uint32_t node;
    uint8_t last; // row numbers
    uint8_t next;
  } late[GROVE__SMALL]; // splits whose thresholds are read when all is split, see read_thresholds
  size_t late_count;
  struct {
    uint32_t node[GROVE__SMALL];
    int32_t sum[GROVE__SMALL]; // of all rows, and of those on the left; their weights
    int32_t weight[GROVE__SMALL];
    int32_t left_sum[GROVE__SMALL];
    int32_t left_weight[GROVE__SMALL];
  } facts; // splits whose gains are told then, too, see tell_gains
  size_t fact_count;
  uint32_t first; // where the node's rows begin in the tree
  double unit2;   // of gains, to what they are told in
  double alpha;   // as the job's, in units of the sums
  double
      unit; // what sums are told in, and from where: values in q per weight are center + unit * theirs
  double center;
  grove__bounds bounds;                   // of the node, in q per weight
  grove__category category[GROVE__SMALL]; // of the feature at hand
};

/// The rows of a node's part, by one feature.
typedef struct grove__small_order {
  uint32_t feature;
  const uint8_t *row;  // by rising value, the missing last
  const uint8_t *rank; // by row number
  size_t count;
  size_t missing;
  int64_t packed;       // sum of all
  grove__bounds bounds; // in q per weight of the small node's unit
} grove__small_order;

/// How splits are judged in the units of the node.
grove__gain_rule grove__small_rule(
    const struct grove__small *s, const grove__job *job, const grove__bounds *bounds);
/// The best set of categories; their order is left in s->category, with ranks for ids. `cut`: see grove__category_split.
grove__category_cut grove__small_by_set(
    struct grove__small *s, const grove__job *job, const grove__small_order *o, double cut);
/// Marks the rows of the categories [cut->from, cut->end) and, if they go left, the missing. Gives their number and sum.
size_t grove__small_mark_set(struct grove__small *s, const grove__small_order *o,
    const grove__category_cut *cut, int64_t *left);
/// Their bins, as a set.
void grove__small_put_set(const struct grove__small *s, const grove__job *job,
    const grove__small_order *o, const grove__category_cut *cut, uint32_t *words);
/// The best place under bounds: gain, position of the last row on the left, and the side of the missing.
typedef struct grove__small_place {
  double gain;
  size_t last;
  bool missing_left;
} grove__small_place;
grove__small_place grove__small_under_bounds(
    const struct grove__small *s, const grove__job *job, const grove__small_order *o);
/// The gain of one split under bounds.
double grove__small_gain(
    const struct grove__small *s, const grove__job *job, const grove__small_order *o, int64_t left);
static inline grove__sum grove__small_sum(int64_t packed)
{
  return (grove__sum){(int32_t)(uint32_t)((uint64_t)packed >> 32), (int32_t)(uint32_t)packed};
}
#endif
