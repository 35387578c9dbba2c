// Where a row goes at a node, in the arithmetic of the library that the trees are of. The definition: all other
// ways to predict give the same bits.
#ifndef GROVE_MODEL_TREE_STEP_H
#define GROVE_MODEL_TREE_STEP_H
#include "model/tree.h"
#include <math.h>

#define GROVE__ZERO_LIMIT ((double)1e-35f) // up to here LightGBM takes a number for zero

static inline bool grove__right_own(const grove__node *n, const uint32_t *words, double x)
{
  if (x != x) {
    return !(n->feature & GROVE__NODE_MISSING_LEFT);
  }
  if (n->feature & GROVE__NODE_CATEGORY) {
    return !(x >= 0 && x < 0x1p31 && x == floor(x) &&
             grove__set_has(grove__node_set(n), words, (uint32_t)x));
  }
  return x > n->value;
}

static inline bool grove__right_xgboost(const grove__node *n, const uint32_t *words, double d)
{
  float x = (float)d;
  if (x != x) {
    return !(n->feature & GROVE__NODE_MISSING_LEFT);
  }
  if (n->feature & GROVE__NODE_CATEGORY) {
    // XGBoost's categories are below 2^24, where floats are still exact.
    return x >= 0 && x < 0x1p24f && grove__set_has(grove__node_set(n), words, (uint32_t)x);
  }
  return !(x < (float)n->value);
}

/// What LightGBM compares for x: NaN for what is missing at this node.
static inline double grove__value_lightgbm(uint32_t flags, double x)
{
  if (x != x) {
    if (!(flags & (GROVE__NODE_NAN_IS_ZERO | GROVE__NODE_ZERO_MISSING))) {
      return x;
    }
    x = 0;
  }
  x = fabs(x) <= GROVE__ZERO_LIMIT ? 0 : x;
  return x == 0 && (flags & GROVE__NODE_ZERO_MISSING) ? NAN : x;
}

static inline bool grove__right_lightgbm(const grove__node *n, const uint32_t *words, double x)
{
  if (n->feature & GROVE__NODE_CATEGORY) {
    return !(
        x > -1 && x < 0x1p31 && grove__set_has(grove__node_set(n), words, (uint32_t)(int32_t)x));
  }
  x = grove__value_lightgbm(n->feature, x);
  return x != x ? !(n->feature & GROVE__NODE_MISSING_LEFT) : x > n->value;
}

static inline bool grove__goes_right(
    uint32_t arithmetic, const grove__node *n, const uint32_t *words, double x)
{
  switch (arithmetic) {
  case GROVE__ARITHMETIC_XGBOOST: return grove__right_xgboost(n, words, x);
  case GROVE__ARITHMETIC_LIGHTGBM: return grove__right_lightgbm(n, words, x);
  default: return grove__right_own(n, words, x);
  }
}

/// Sums of XGBoost's floats are kept in doubles: each is rounded to float, so they are exact there.
static inline double grove__add_leaf(uint32_t arithmetic, double sum, double leaf)
{
  return arithmetic == GROVE__ARITHMETIC_XGBOOST ? (double)((float)sum + (float)leaf) : sum + leaf;
}

/// From the sum of base and leaves to the prediction.
double grove__ensemble_finish(const grove__ensemble *e, double sum);
#endif
