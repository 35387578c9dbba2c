// The rows of a small node: byte-sized numbers for them, every feature's order of these numbers, and their sums in
// 32-bit numbers of a coarser unit, chosen for the node.
#ifndef GROVE_MODEL_SMALL_ROWS_H
#define GROVE_MODEL_SMALL_ROWS_H
#include "model/grow.h"

enum {
  GROVE__SMALL_LEVELS = 10,   // how deep lists of live features can stack up
  GROVE__SMALL_NONE = 0xffff, // no rank
  GROVE__SMALL_SLACK = 128,   // bytes behind the orders that may be read, for reading many at once
  GROVE__TINY_BYTES = 544     // room for a tiny_block
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
  uint8_t spare[GROVE__SMALL];
  bool any_missing; // in a feature that is live
  void *tiny;       // a tiny_block for every block of features
  uint32_t first;   // where the node's rows begin in the tree
  double unit2;     // of gains, to what they are told in
  double alpha;     // as the job's, in units of the sums
};

/// Reads the node's rows. Gives the sum of all as a packed number.
int64_t grove__small_pack(
    struct grove__small *s, const grove__job *job, const grove__pending *p, const uint32_t *rows);
/// Sorts the features, and lists those that are not constant at s->live. Gives how many.
size_t grove__small_sort(struct grove__small *s, const grove__job *job, size_t n);
#endif
