// Least squares with an L1 penalty, by coordinate descent.
#ifndef GROVE_MODEL_LASSO_H
#define GROVE_MODEL_LASSO_H
#include "base/alloc.h"
#include <grove/base.h>

/// Minimises |z - R w|² + 2 * sum of penalty[c] * |w[c]|, where R and, behind it, z are the upper triangle of a QR:
/// `a` has n + 1 columns `stride` apart. Columns of zeros get zero. *kept: how many are not zero.
/// Returns: GROVE_ENOMEM, GROVE_ECANCELED
grove_status grove__lasso_solve(const grove_allocator *al, const double *a, size_t n, size_t stride,
    const double *penalty, const grove_work *work, double *w, size_t *kept);
#endif
