// What a split gains, one at a time: for what the kernels do not judge side by side, as sets of categories and splits
// under bounds.
#ifndef GROVE_MODEL_SPLIT_GAIN_H
#define GROVE_MODEL_SPLIT_GAIN_H
#include "model/histogram.h"

/// Both sides together; below 0: a side weighs too little, or the sides are in the wrong order for `direction`: 1, the
/// right side must not be below the left one, -1, not above it; 0 does not mind.
double grove__split_gain(
    grove__sum all, grove__sum left, const grove__gain_rule *rule, int direction);
/// What one side gains: as much as its bounds allow.
double grove__side_gain(double q, double weight, const grove__gain_rule *rule);
/// What a leaf of these sums says, in q per weight, within the bounds.
double grove__side_value(double q, double weight, const grove__gain_rule *rule);
/// A part of the range of values, to which all leaves of a node keep.
typedef struct grove__bounds {
  double low;
  double high;
} grove__bounds;
/// The bounds of both sides of a split: in the middle between their values, if a direction divides them.
void grove__bounds_part(grove__sum all, grove__sum left, const grove__gain_rule *rule,
    int direction, grove__bounds side[2]);
static inline double grove__clip(double x, double low, double high)
{
  return x < low ? low : x > high ? high : x;
}
static inline int grove__direction(const grove__gain_rule *rule, uint32_t feature)
{
  return rule->monotone ? rule->monotone[feature] : 0;
}
#endif
