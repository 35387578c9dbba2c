// Growing trees: histograms at the top, where nodes are large, and sorted rows below.
//
// What is grown depends on the job alone: sums are whole numbers, partitions are stable, and what a node draws at
// random is a function of the job's seed and of the node's place. So lanes may share a tree's nodes in any way.
#ifndef GROVE_MODEL_GROW_H
#define GROVE_MODEL_GROW_H
#include "base/random.h"
#include "model/split_gain.h"
#include "model/tree.h"

enum {
  GROVE__SMALL = 256 // rows of a node that is grown on sorted rows: a row is a byte there
};

/// One tree to grow. Read by all lanes, written by none.
typedef struct grove__job {
  const struct grove__grow_kernels *kernels; // see grow_kernels.h
  const grove__bins *bins;
  grove__features column;
  grove__pack pack;
  const int64_t *value;  // by row: (q << shift) + weight; wide: q
  const int64_t *weight; // by row, when wide
  const int64_t *all;    // the sum of the tree's values; NULL: not known
  const double
      *target;        // leaves are weighted means of it; NULL: leaf_unit * sum / (weight + lambda)
  double *prediction; // by row: gets the leaf's value added; NULL: not wanted
  const double
      *renew; // by row: what is left over. Leaves become a quantile of it. NULL: they don't
  const double *renew_weight; // by row; NULL: all 1
  double renew_quantile;
  double renew_step;
  double leaf_unit;
  double weight_unit; // what a weight of 1 counts for in covers
  double gain_unit;   // from units of q squared to what gains are told and compared in
  double lambda;      // in units of weight
  double alpha;       // in units of q: taken off the size of every sum
  double least_gain;  // of a split; < 0: any split
  double least_leaf;  // weight
  double least_split; // weight
  uint32_t max_depth;
  size_t max_leaves;     // best first, by grove__leaf_tree_grow; 0: level by level
  size_t level_features; // of the tree's, how many a level looks at; all: bins->features
  size_t node_features;  // how many features a node looks at; all: bins->features
  const uint8_t *use;    // of this tree, by feature; NULL: all
  bool random_ties;      // among features that split equally well
  bool random_cuts; // one place a feature, drawn evenly between its values: extremely random trees
  grove__category_rule category; // in units of weight
  const int8_t *monotone;        // by feature, see grove__gain_rule; NULL: all are free
  double center;                 // with monotone and target: what q is told from
  uint64_t seed;
} grove__job;

/// A node that waits to be split, and its rows.
typedef struct grove__pending {
  uint32_t node;
  uint32_t from;
  uint32_t count;
  uint32_t depth;
  grove__sum all;
  int64_t *histogram;   // NULL: not built
  grove__bounds bounds; // if the job is monotone, in q per weight
} grove__pending;

/// What one lane needs to grow; used again from tree to tree.
typedef struct grove__grower {
  grove_allocator allocator;
  const grove__job *job;
  grove__node *nodes;      // at least 2 * rows; node numbers are given from `used` on
  grove__node_fact *facts; // as many
  uint32_t used;
  uint32_t *
      sets; // of splits by categories: that of the split before place i of the rows, GROVE__SET_WORDS from
            // i * GROVE__SET_WORDS on. NULL: no feature has categories
  uint32_t *rows;          // the order of rows, which splits rearrange within a node
  uint32_t *spare;         // as many
  grove__pending *pending; // a stack
  size_t pending_count;
  size_t pending_room;
  int64_t *slots; // histograms, one for each place of the stack
  size_t words;   // of one
  grove__tile *tile; // NULL: none is needed
  const grove_work *work; // to share out what is large; NULL: alone
  /// Builds the histogram of a node, with help if there is some; NULL: alone.
  void (*build)(
      void *user, struct grove__grower *g, const uint32_t *rows, size_t n, int64_t *to);
  void *build_user;
  uint8_t *use;   // of the node at hand, by feature
  uint32_t *draw; // for drawing features
  struct grove__small *small;
  double *renew_spare; // two for each row, if the job renews
  size_t features;
} grove__grower;

/// Returns: GROVE_ENOMEM; nothing is to be freed then
grove_status grove__grower_make(
    const grove_allocator *a, const grove__bins *bins, bool wide, size_t rows, grove__grower *out);
void grove__grower_free(grove__grower *g);

/// Starts a tree of the rows [0, n) of g->rows: its root is node `root` with these rows.
void grove__grow_begin(grove__grower *g, const grove__job *job, const grove__pending *root);
/// Goes on for about `budget` row-features; true: the tree is complete.
bool grove__grow_some(grove__grower *g, size_t budget);

/// The best split of a node with a histogram; gain < 0: none that is worth it.
grove__split grove__grow_choose(grove__grower *g, const grove__pending *p);
/// Rearranges a node's rows, those on the left first. Gives how many these are.
uint32_t grove__grow_part(grove__grower *g, const grove__pending *p, const grove__split *s);
/// Splits a node so: rows rearranged, two children numbered and without histograms.
void grove__grow_apply(
    grove__grower *g, const grove__pending *p, const grove__split *s, grove__pending child[2]);
/// Splits one node: rows rearranged, two children numbered and without histograms. False: it is a leaf now.
bool grove__grow_split(grove__grower *g, const grove__pending *p, grove__pending child[2]);
/// Whether a child is worth a histogram: too large for sorted rows, and not a leaf by its depth.
bool grove__grow_wants_histogram(const grove__job *job, const grove__pending *p);
/// The sum over rows of a node.
grove__sum grove__grow_sum(const grove__job *job, const uint32_t *rows, size_t n);
/// Makes a leaf of a node with these p->count rows.
void grove__grow_leaf(grove__grower *g, const grove__pending *p, const uint32_t *rows);
/// Draws the features of a node at this depth, from `state` on.
const uint8_t *grove__grow_draw_features(grove__grower *g, uint64_t state, uint32_t depth);

/// A number of [0, 1) for a feature of a node: where it is cut, if places are drawn.
double grove__grow_cut(const grove__job *job, const grove__pending *p, uint32_t feature);

/// Nodes of at most GROVE__SMALL rows, to the end.
grove_status grove__small_make(
    const grove_allocator *a, size_t features, struct grove__small **out);
void grove__small_free(const grove_allocator *a, size_t features, struct grove__small *s);

static inline void grove__node_split(
    grove__node *n, uint32_t feature, double threshold, bool missing_left, uint32_t left)
{
  n->value = threshold;
  n->feature = feature | (missing_left ? GROVE__NODE_MISSING_LEFT : 0);
  n->left = left;
}
/// A split by the set of bins before place `at` of the rows, see grove__tree_copy. The words are the caller's to fill.
static inline uint32_t *grove__node_split_set(
    grove__grower *g, grove__node *n, uint32_t feature, bool missing_left, uint32_t left, size_t at)
{
  grove__node_split(n, feature | GROVE__NODE_CATEGORY, 0, missing_left, left);
  grove__node_set_put(n, (grove__set){(uint32_t)at, GROVE__SET_WORDS});
  return g->sets + at * GROVE__SET_WORDS;
}
/// The root of a tree of n rows. `low` and `high` bounds are infinite.
grove__pending grove__grow_root(const grove__job *job, const uint32_t *rows, size_t n);
/// How the splits of a node with these bounds are judged.
grove__gain_rule grove__grow_rule(const grove__job *job, const grove__bounds *bounds);
/// Whether nodes look at features that are drawn.
static inline bool grove__grow_draws(const grove__job *job)
{
  size_t all = job->bins->features;
  return job->node_features < all || job->level_features < all;
}
/// Which features the node of `count` rows from place `from` on looks at (NULL: all of the tree), and where to start.
static inline const uint8_t *grove__grow_draw(
    grove__grower *g, uint32_t from, uint32_t count, uint32_t depth, size_t *start)
{
  const grove__job *job = g->job;
  uint64_t place = ((uint64_t)from << 32) | count;
  uint64_t state = grove__mix64(job->seed ^ grove__mix64(place)) + depth;
  *start = job->random_ties ? (size_t)grove__random_below(&state, g->features) : 0;
  return grove__grow_draws(job) ? grove__grow_draw_features(g, state, depth) : job->use;
}
static inline grove__sum grove__row_sum(const grove__job *j, uint32_t row)
{
  return j->weight ? (grove__sum){j->value[row], j->weight[row]}
                   : grove__unpack(&j->pack, j->value[row]);
}
#endif
