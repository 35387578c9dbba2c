// The prepared form of trees, for predicting fast: features become bytes, and nodes compare bytes.
//
// A coder turns a feature into its rank among all thresholds that the model has for it: how many of them the value
// is beyond. Ranks are cut into columns of bytes, each of 253 thresholds, so a node that splits by threshold j of a
// column sends right what has more than j there, and all arithmetic of floats, doubles, zeros and missing values is
// done once a row instead of once a node: the same leaf as tree_step.h by construction, in any order of thresholds.
//
// Bytes are signed. Rank r of a column is r - 127 (-127 .. 126), missing is 127 and so beyond all thresholds. For
// nodes that send the missing left a column has a twin, in which missing is -127; or one is added, so that 127 wraps
// to -128 and the ranks, and the thresholds, are one more. A split by categories looks up the class of its value:
// categories that no set tells apart share a class; classes are bytes from 0 on.
//
// Rows are coded by groups of 64: codes[group][column][64].
#ifndef GROVE_MODEL_SCORER_H
#define GROVE_MODEL_SCORER_H
#include "model/tree.h"

enum {
  GROVE__GROUP = 64, // rows
  GROVE__COLUMN_THRESHOLDS = 253,
  GROVE__CODE_LOWEST = -127,
  GROVE__CODE_MISSING = 127,
  GROVE__CODE_NEVER = 127, // a threshold that nothing is beyond
  GROVE__LANE_DEPTH = 10   // levels that are walked by byte lanes
};

/// From values of one feature to bytes.
typedef struct grove__coder {
  uint32_t feature;
  uint32_t flags;   // GROVE__NODE_CATEGORY, NAN_IS_ZERO, ZERO_MISSING; MISSING_LEFT: with twins
  uint32_t column;  // the first; then its other columns, then the twins of all of them
  uint32_t columns; // without twins
  size_t first;     // of its thresholds, or of its table of classes
  size_t count;     // of them
  uint8_t missing;  // the class of NaN
  uint8_t class_most;
} grove__coder;

/// A node of the walk, in 4 bytes: threshold, column, and the place of the left child in the tree, the right one
/// behind it. A leaf is its own child, and nothing goes right there.
typedef uint32_t grove__narrow_node;
/// The same without its limits (256 columns, 65536 nodes a tree), and with sets.
typedef struct grove__wide_node {
  uint32_t child;
  uint32_t set; // 0: none
  uint16_t column;
  int8_t threshold;
  uint8_t zero;
} grove__wide_node;

typedef struct grove__score_tree {
  size_t first; // of its nodes
  uint32_t count;
  uint32_t depth; // levels of splits
  size_t lanes;   // offset of its top as byte lanes walk it; SIZE_MAX: none
} grove__score_tree;

typedef struct grove__scorer {
  grove_allocator allocator;
  uint32_t instructions; // GROVE_INSTRUCTIONS_*, those in use
  uint32_t columns;
  grove__coder *coders;
  size_t coder_count;
  float *floats;   // thresholds of XGBoost's trees
  double *doubles; // and of all others
  size_t threshold_count;
  uint8_t *classes; // by category, for each coder of categories
  size_t class_count;
  grove__score_tree *trees;
  size_t tree_count;
  grove__narrow_node *narrow; // or
  grove__wide_node *wide;
  float *leaf_floats; // by node, what it adds: XGBoost's, or
  double *leaf_doubles;
  size_t node_count;
  uint8_t *sets; // 1 << set_shift bytes each: the classes that go right. The first is empty
  uint32_t set_shift;
  uint32_t set_mask; // of a byte in a set
  size_t set_count;
  size_t set_room;
  unsigned char *lanes; // tops of trees; on a multiple of 64 bytes
  bool planes;          // the leaves of tops are bytes in planes, see scorer_lanes.h
  void *lanes_block;
  size_t lanes_bytes;
} grove__scorer;

/// `instructions` is the most that may be used, as in grove_prepare_options. *out is NULL, with GROVE_OK, if the
/// trees do not fit the form: too many thresholds, or columns, or classes of categories, or NaN as a threshold.
/// Returns: GROVE_ENOMEM
grove_status grove__scorer_make(
    const grove_allocator *a, const grove__ensemble *e, uint32_t instructions, grove__scorer **out);
/// Whether coding a row costs less than it saves.
bool grove__scorer_pays(const grove__ensemble *e);
void grove__scorer_free(grove__scorer *s); ///< NULL: nothing
size_t grove__scorer_bytes(const grove__scorer *s);
/// Scratch for blocks of as many rows as are worth it, at most `rows`.
size_t grove__scorer_scratch(const grove__scorer *s, size_t rows);
/// The least scratch that any number of rows can be predicted with.
size_t grove__scorer_scratch_least(const grove__scorer *s);
/// The sums of base and leaves, and from them the predictions. `scratch` is on a multiple of 64 bytes.
void grove__scorer_predict(const grove__scorer *s, const grove__ensemble *e, const grove__view *x,
    void *scratch, size_t bytes, double *out);

// ---- inside -------------------------------------------------------------------------------------------
/// Thresholds and classes of all features, and the columns of their bytes; then a node's place among them.
grove_status grove__scorer_coders(grove__scorer *s, const grove__ensemble *e, bool *fits);
typedef struct grove__coded {
  uint32_t column; // without twins
  uint32_t twin;   // the column that has missing on this node's side
  int8_t threshold;
  bool missing_left;
  uint8_t class_most; // of the column's
  uint32_t set;       // 0: by threshold
} grove__coded;
/// Adds a set if the node has one; there is room for those of all nodes.
void grove__scorer_code(grove__scorer *s, const grove__ensemble *e, const grove__tree *t,
    const grove__node *n, grove__coded *out);
/// The same without a set: `set` stays 0.
void grove__scorer_place(const grove__scorer *s, const grove__node *n, grove__coded *out);
/// The tops of trees for byte lanes; levels whose sets have more than 1 << most_shift bytes are left to the walk.
grove_status grove__scorer_lanes(grove__scorer *s, const grove__ensemble *e, uint32_t most_shift);

/// The bodies: one for each set of instructions, from the same text or by hand. All give the same bits.
typedef struct grove__scorer_body {
  /// Codes rows [from, from + rows), at most a group; `codes` is [column][GROVE__GROUP].
  void (*code)(const grove__scorer *s, const grove__ensemble *e, const grove__view *x, size_t from,
      size_t rows, int8_t *codes);
  /// Adds a tree's leaves to the sums of all rows of `groups`.
  void (*walk)(const grove__scorer *s, const grove__score_tree *t, const int8_t *codes,
      size_t groups, void *sums);
  /// The sum of base and leaves of one row; `codes` has a byte a column.
  double (*one)(const grove__scorer *s, const grove__ensemble *e, const grove__view *x, size_t row,
      int8_t *codes);
  void (*lanes)(const grove__scorer *s, const grove__score_tree *t, const int8_t *codes,
      size_t groups, void *sums); ///< NULL: none
  uint32_t most_shift;            ///< of sets that lanes look up
  bool planes;                    ///< for leaves that are floats
} grove__scorer_body;
extern const grove__scorer_body grove__scorer_portable, grove__scorer_avx2, grove__scorer_avx512,
    grove__scorer_neon;
#endif
