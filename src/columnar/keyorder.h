// The order of keys.
#ifndef GROVE_COLUMNAR_KEYORDER_H
#define GROVE_COLUMNAR_KEYORDER_H
#include "columnar/table.h"

/// Below, above or 0: row a's value beside row b's. Numbers and times ascend, NaN is behind them; texts and bytes by their
/// bytes, false before true, nulls last. 0 is what a group is: -0 is 0, and NaNs are one another's equal, as nulls are.
/// The column is not nested.
int grove__key_compare(const grove__stored *c, int64_t a, int64_t b);
#endif
