// Columns of a table as doubles: where they lie when they are that already, else copies.
#ifndef GROVE_MODEL_FIT_COLUMNS_H
#define GROVE_MODEL_FIT_COLUMNS_H
#include "base/alloc.h"
#include <grove/model.h>

typedef struct grove__numbers {
  grove_allocator allocator;
  const double **column; // borrowed from the table, or from `copy`
  double **copy;
  const float **floats; // of the columns that lie there, `column` is NULL; NULL: none does
  size_t count;
  size_t rows;
} grove__numbers;

/// The first `floats` columns may be floats where they lie. On failure there is nothing to free.
/// Returns: GROVE_ENOMEM, GROVE_ENOTSUP: a column is not of numbers
grove_status grove__numbers_make(const grove_allocator *a, const grove_table *t,
    const size_t *wanted, size_t count, size_t floats, grove__numbers *out, grove_error *err);
/// The columns of these names. Returns: also GROVE_ENOENT
grove_status grove__numbers_find(const grove_allocator *a, const grove_table *t,
    const char *const *names, size_t count, grove__numbers *out, grove_error *err);
/// A zeroed one is fine.
void grove__numbers_free(grove__numbers *c);
/// Refuses targets that are missing or infinite. Returns: GROVE_EINVAL
grove_status grove__check_target(const double *y, size_t rows, const char *name, grove_error *err);
/// Refuses weights that are missing, infinite or negative, or all zero. Returns: GROVE_EINVAL
grove_status grove__check_weight(const double *w, size_t rows, const char *name, grove_error *err);
#endif
