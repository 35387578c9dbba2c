// The learner "imported": tree models of other libraries, which predict as those do. It can't be fitted, is
// not among the kinds that grove_registry_at lists, and comes from the room exchange by way of its saved form.
//
// Its part of the model file, all numbers little-endian:
//   u32 version of this part (1), u32 library, u32 link, u32 features, u32 trees, u32 words,
//   double base, double divide, double scale, u64 nodes of each tree, the nodes, 16 bytes each
//   (u64 value, u32 feature and flags, u32 left child), the words, u32 each
// A row's result is link((base + t0 + t1 ...) / divide).
#ifndef GROVE_MODEL_IMPORTED_H
#define GROVE_MODEL_IMPORTED_H
#include <grove/model.h>

enum { GROVE__IMPORTED_VERSION = 1 };

/// Whose arithmetic. XGBoost: features, thresholds, leaves and sums are floats, a row goes left if
/// x < threshold, and right if its category is in the set. LightGBM: doubles, left if x <= threshold, and
/// left if its category is in the set; what is no category goes right.
enum { GROVE__IMPORTED_XGBOOST = 1, GROVE__IMPORTED_LIGHTGBM = 2 };

/// From the sum to the prediction. Values are in files: never renumbered.
enum {
  GROVE__LINK_IDENTITY = 0,
  GROVE__LINK_EXP = 1,
  GROVE__LINK_LOGISTIC = 2,      ///< 1 / (1 + exp(-scale * x))
  GROVE__LINK_SIGNED_SQUARE = 3, ///< x * |x|: LightGBM's reg_sqrt
  GROVE__LINK_LOG1P_EXP = 4,     ///< LightGBM's cross_entropy_lambda
  GROVE__LINK_COUNT = 5
};

/// A node, as in tree.h: the right child follows the left one, children follow their parent, left 0 is a leaf.
/// `bits` is a double (a threshold or a leaf), or of a set the first word and, from bit 32 on, their number.
typedef struct grove__foreign_node {
  uint64_t bits;
  uint32_t feature;
  uint32_t left;
} grove__foreign_node;
#define GROVE__FOREIGN_MISSING_LEFT 0x80000000u
#define GROVE__FOREIGN_CATEGORY 0x40000000u
/// What counts as missing, LightGBM's missing types: neither bit: NaN; NaN_IS_ZERO: nothing, and NaN is 0;
/// ZERO_MISSING: zero and NaN.
#define GROVE__FOREIGN_NAN_IS_ZERO 0x20000000u
#define GROVE__FOREIGN_ZERO_MISSING 0x10000000u
#define GROVE__FOREIGN_FEATURE 0x0fffffffu
#endif
