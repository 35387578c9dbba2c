// Columns of doubles or floats, read as doubles: a table's floats are learned from where they lie.
#ifndef GROVE_MODEL_COLUMN_H
#define GROVE_MODEL_COLUMN_H
#include <grove/model.h>

typedef struct grove__values {
  const double *doubles; // NULL: floats
  const float *floats;
} grove__values;

/// All columns: one is floats[c] where doubles[c] is NULL. `floats` NULL: all are doubles.
typedef struct grove__features {
  const double *const *doubles;
  const float *const *floats;
} grove__features;

static inline double grove__value(grove__values v, size_t row)
{
  return v.doubles ? v.doubles[row] : (double)v.floats[row];
}
static inline grove__values grove__feature(grove__features all, size_t c)
{
  const double *d = all.doubles[c];
  return (grove__values){d, d ? NULL : all.floats[c]};
}
static inline grove__features grove__features_of(const grove_fit_data *d)
{
  return (grove__features){d->x->column, d->floats};
}
#endif
