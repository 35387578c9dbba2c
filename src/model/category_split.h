// Splits by sets of categories: those of a node are put in the order of their means, and one end of that order goes
// left (Fisher 1958: for squared error the best of all sets is such an end).
#ifndef GROVE_MODEL_CATEGORY_SPLIT_H
#define GROVE_MODEL_CATEGORY_SPLIT_H
#include "model/split_gain.h"

/// The rows of one category in a node. `id` is what it is called in the set: a bin, or a rank.
typedef struct grove__category {
  grove__sum sum;
  double mean; // set by grove__category_split
  uint32_t id;
} grove__category;

/// Which categories go left: places [from, end) of the order. gain < 0: no split.
typedef struct grove__category_cut {
  double gain;
  size_t from;
  size_t end;
  bool missing_left;
  grove__sum left; // the missing included, if they go left
} grove__category_cut;

/// The best set of categories, whose order it leaves in `c`. `all` is the sum of the node, and has what `c` does not:
/// `missing`, and `rest`, of categories that are not told apart and stay right. `cut` of [0, 1): one end alone is tried,
/// drawn so; below 0: all.
grove__category_cut grove__category_split(grove__category *c, size_t n, grove__sum all,
    grove__sum missing, bool rest, const grove__gain_rule *rule, double cut);
#endif
