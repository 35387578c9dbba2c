// The loops of least squares, once for each instruction set. All give the same bits: sums run in lanes that are fixed, and
// no product is added without being rounded first. Columns are told apart by where they begin: c * stride.
#ifndef GROVE_MODEL_LINEAR_KERNELS_H
#define GROVE_MODEL_LINEAR_KERNELS_H
#include <grove/base.h>

/// Of some numbers. The mean is the first one plus the mean distance from it: exact if all are equal.
typedef struct grove__measure {
  double mean;
  double low;
  double high;
} grove__measure;

typedef struct grove__linear_kernels {
  const char *name;
  /// Of n > 0 numbers, none of which is NaN.
  grove__measure (*measure)(const double *v, size_t n);
  /// to[i] = (v[i] - center) * scale
  void (*center)(const double *v, size_t n, double center, double scale, double *to);
  /// to[c]: v times each of `columns` columns.
  void (*products)(
      const double *v, const double *x, size_t columns, size_t stride, size_t n, double *to);
  /// to[i] = z[i] less factor[c] times each of `columns` columns, one after the other.
  void (*left_over)(const double *z, const double *x, size_t columns, size_t stride, size_t n,
      const double *factor, double *to);
  /// Replaces `a` (stride >= rows) by the triangle R of a = QR; what is below the diagonal is zeroed. Fewer rows than
  /// columns are fine. (Householder 1958)
  void (*qr)(double *a, size_t rows, size_t columns, size_t stride);
  /// Solves min |R w - z| for a triangle of n columns with z as column n, columns by falling size (pivoted).
  /// A column that is a combination of the others, to a relative `tolerance`, gets 0. Works in `a`; `order` has
  /// n places. Gives the rank.
  size_t (*qr_solve)(
      double *a, size_t n, size_t stride, double tolerance, size_t *order, double *w);
} grove__linear_kernels;

/// The fastest that this machine can run.
const grove__linear_kernels *grove__linear_kernels_best(void);
/// From the portable ones (0) to the fastest; NULL: this machine or this build has no more. For tests.
const grove__linear_kernels *grove__linear_kernels_at(size_t level);

extern const grove__linear_kernels grove__linear_kernels_portable;
extern const grove__linear_kernels grove__linear_kernels_avx2;
#endif
