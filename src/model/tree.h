// Trees as they are kept, walked and saved.
#ifndef GROVE_MODEL_TREE_H
#define GROVE_MODEL_TREE_H
#include "base/alloc.h"
#include "model/column.h"

/// One node, 16 bytes. Of our own trees a row goes left if x <= value; a missing x (NaN) where the top bit of
/// `feature` says. Thresholds are doubles that lie in [a, b) between neighbouring values a < b (grove__between), so
/// that a row goes in predict where it went in fit. The right child follows the left one, and children follow their
/// parent, so no walk can go round. left 0 is a leaf: `value` is what it adds, and `feature` the bits of a float,
/// the weight of the rows that it was fitted on (0: not known).
typedef struct grove__node {
  double value;
  uint32_t feature;
  uint32_t left;
} grove__node;
#define GROVE__NODE_MISSING_LEFT 0x80000000u
/// A split by a set of categories: `value` is not a double but the place of the set among the tree's words, see
/// grove__node_set. Of our own trees, and LightGBM's, what is in the set goes left; of XGBoost's, right. A category is
/// a whole number from 0 on; other libraries cut the rest off.
#define GROVE__NODE_CATEGORY 0x40000000u
/// What counts as missing, LightGBM's missing types: neither bit: NaN; NAN_IS_ZERO: nothing, and NaN is 0;
/// ZERO_MISSING: zero and NaN.
#define GROVE__NODE_NAN_IS_ZERO 0x20000000u
#define GROVE__NODE_ZERO_MISSING 0x10000000u
#define GROVE__NODE_FEATURE 0x0fffffffu

/// Rows and so nodes are numbered with 32 bits: a tree of n rows has less than 2n nodes.
#define GROVE__TREE_ROWS_MAX 0x7fff0000u

/// What fit knew of a node, for importances and SHAP values.
typedef struct grove__node_fact {
  float
      gain; // of the split, in squared units of what the tree was grown on: 2 * the decrease of the loss
  float cover; // weight of the rows that came here: for squared error their number, repeats counted
} grove__node_fact;

typedef struct grove__tree {
  grove__node *nodes;
  size_t count;
  grove__node_fact *
      facts; // as many as nodes; NULL: not known, the model is from a file, or only its gains are kept
  float
      *gains; // of the splits, in the order of the nodes, where facts are not kept; NULL: not known
  uint32_t *words;         // sets of categories; NULL: no node has one
  size_t word_count;       // 0: the words are the ensemble's
  bool placed;             // nodes and gains lie in a block of the ensemble
} grove__tree;

/// Where trees lie side by side: what many small blocks take is told by their pages, each of which costs a fault.
typedef struct grove__tree_block {
  struct grove__tree_block *next;
  size_t bytes; // with this
} grove__tree_block;

/// Where a lane places its trees. Zeroed: nothing yet. Blocks are the ensemble's in the end, see grove__ensemble_keep.
typedef struct grove__tree_room {
  grove__tree_block *blocks; // the first is being filled
  size_t used;               // bytes of it
  size_t expected;           // trees that are still to be placed, about
} grove__tree_room;

/// Whose arithmetic. Own: doubles, x <= value goes left, a category that is in no set goes right. XGBoost: features,
/// thresholds, leaves and sums are floats, x < value goes left. LightGBM: doubles, x <= value, numbers up to 1e-35f
/// are zero, and what is no category, NaN too, goes right. Values are in files: never renumbered.
enum { GROVE__ARITHMETIC_OWN = 0, GROVE__ARITHMETIC_XGBOOST = 1, GROVE__ARITHMETIC_LIGHTGBM = 2 };

/// From the sum to the prediction. Values are in files: never renumbered.
enum {
  GROVE__LINK_IDENTITY = 0,
  GROVE__LINK_EXP = 1,
  GROVE__LINK_LOGISTIC = 2,      ///< 1 / (1 + exp(-scale * x))
  GROVE__LINK_SIGNED_SQUARE = 3, ///< x * |x|: LightGBM's reg_sqrt
  GROVE__LINK_LOG1P_EXP = 4,     ///< LightGBM's cross_entropy_lambda
  GROVE__LINK_COUNT = 5
};

/// Trees whose leaves are summed in order: link((base + t0 + t1 ...) / divide).
typedef struct grove__ensemble {
  grove_allocator allocator;
  grove__tree *trees;
  size_t count;
  size_t room;
  uint32_t features;   // how many a row has
  uint32_t arithmetic; // GROVE__ARITHMETIC_*
  uint32_t link;       // GROVE__LINK_*
  double base;
  double divide;
  double scale;
  uint32_t *words; // the sets of all trees that have none of their own
  size_t word_count;
  double *gain;                 // of each feature, over all splits; NULL: not known
  struct grove__scorer *scorer; // the prepared form; NULL: none
  bool stopped_early;           // fit found no better loss for long enough
  grove__tree_block *blocks;    // of trees that are placed
  bool borrowed; // nodes and words belong to the bytes that the model was loaded from
} grove__ensemble;

/// An ensemble with places for `room` trees.
/// Returns: GROVE_ENOMEM; nothing to free then
grove_status grove__ensemble_init(grove__ensemble *e, const grove_allocator *a, size_t room);
/// A zeroed one is fine.
void grove__ensemble_deinit(grove__ensemble *e);
/// Takes over a room's blocks, which is empty then.
void grove__ensemble_keep(grove__ensemble *e, grove__tree_room *room);
/// A zeroed one is fine.
void grove__tree_free(const grove_allocator *a, grove__tree *t);
/// A copy of a finished tree, whose leaves know their weights (grove__node_leaf), its nodes renumbered level by level; `nodes` and `facts` (NULL: none) may have gaps,
/// the root is 0 and `count` nodes can be reached. `words` are the sets of splits by categories (NULL: there are none);
/// with `name`, sets of n words begin at n * first, and what is called k there is category name[feature * stride + k]. `room`: where to
/// place it, and of its facts only gains are kept then; NULL: in blocks of its own.
grove_status grove__tree_copy(const grove_allocator *a, grove__tree_room *room,
    const grove__node *nodes, const grove__node_fact *facts, size_t count, const uint32_t *words,
    const double *name, size_t stride, grove__tree *out);
/// Where numbers stand: number r, c is data[r * row_step + c * column_step], or column[c][r]; floats or doubles.
typedef struct grove__view {
  const void *data;
  const void *const *column; // NULL: data
  ptrdiff_t row_step;
  ptrdiff_t column_step;
  size_t rows;
  bool floats;
} grove__view;
static inline double grove__view_at(const grove__view *x, uint32_t feature, size_t row)
{
  const void *data = x->column ? x->column[feature] : x->data;
  ptrdiff_t at = x->column ? (ptrdiff_t)row
                           : (ptrdiff_t)row * x->row_step + (ptrdiff_t)feature * x->column_step;
  return x->floats ? (double)((const float *)data)[at] : ((const double *)data)[at];
}

/// By the prepared form, if there is one and the scratch will do; else straight from the trees. Scratch that is too
/// small, or NULL, is replaced by some of the stack.
void grove__ensemble_predict_view(const grove__ensemble *e, const grove__view *x, void *scratch,
    size_t scratch_bytes, double *out);
void grove__ensemble_predict(const grove__ensemble *e, const grove_matrix *x, double *out);
/// What one tree says for one row.
double grove__tree_walk(
    const grove__ensemble *e, const grove__tree *t, grove__features column, size_t row);
grove_status grove__ensemble_save(
    const grove__ensemble *e, void *sink, grove_status (*put)(void *sink, const void *, size_t));
/// The gains of a feature's splits, all together, in the trees' units; known of what was fitted since version 2 of the
/// file, and of what was imported.
bool grove__ensemble_knows_gains(const grove__ensemble *e);
void grove__ensemble_gains(const grove__ensemble *e, double *out);
/// Every index is checked. On failure there is nothing to free. `borrow`: nodes and words stay where they are, if the
/// machine can take them as they stand.
/// Returns: GROVE_ECORRUPT
grove_status grove__ensemble_load(const grove_allocator *a, const void *bytes, size_t n,
    bool borrow, grove__ensemble *out, grove_error *err);

static inline grove__node grove__node_leaf(double value, double weight)
{
  union {
    float v;
    uint32_t bits;
  } u = {.v = (float)weight};
  return (grove__node){.value = value, .feature = u.bits};
}
static inline double grove__node_weight(const grove__node *leaf)
{
  union {
    uint32_t bits;
    float v;
  } u = {.bits = leaf->feature};
  return (double)u.v;
}

/// The set of a split by categories: `count` words of 32 categories, from words[first] on.
typedef struct grove__set {
  uint32_t first;
  uint32_t count;
} grove__set;
static inline grove__set grove__node_set(const grove__node *n)
{
  union {
    double v;
    uint64_t bits;
  } u = {.v = n->value};
  return (grove__set){(uint32_t)u.bits, (uint32_t)(u.bits >> 32)};
}
static inline void grove__node_set_put(grove__node *n, grove__set s)
{
  union {
    uint64_t bits;
    double v;
  } u = {.bits = (uint64_t)s.count << 32 | s.first};
  n->value = u.v;
}
static inline bool grove__set_has(grove__set s, const uint32_t *words, uint32_t category)
{
  return category / 32 < s.count && (words[s.first + category / 32] >> category % 32 & 1);
}

/// A threshold for a < b: the middle, or `a` where the middle is not in [a, b).
static inline double grove__between(double a, double b)
{
  double middle = a * 0.5 + b * 0.5;
  return middle >= a && middle < b ? middle : a;
}
/// What an L1 penalty leaves of a sum.
static inline double grove__soften(double sum, double alpha)
{
  double size = (sum < 0 ? -sum : sum) - alpha;
  return size <= 0 ? 0 : sum < 0 ? -size : size;
}
/// How much a split gains over no split. `gain` is of both sides together.
static inline double grove__more_gain(double gain, double softened_sum, double weight, double unit)
{
  double more = gain - softened_sum * softened_sum / weight;
  return more > 0 ? more * unit : 0;
}
#endif
