// Orthogonal triangles (Householder 1958), on column-major arrays.
#ifndef GROVE_MODEL_QR_H
#define GROVE_MODEL_QR_H
#include <grove/base.h>

/// Replaces `a` (column c begins at a + c * stride, stride >= rows) by the triangle R of a = QR; what is below
/// the diagonal is zeroed. Fewer rows than columns are fine.
void grove__qr(double *a, size_t rows, size_t columns, size_t stride);
/// Solves min |R w - z| for a triangle of n columns with z as column n, columns by falling size (pivoted).
/// A column that is a combination of the others, to a relative `tolerance`, gets 0. Works in `a`; `order` has
/// n places. Gives the rank.
size_t grove__qr_solve(
    double *a, size_t n, size_t stride, double tolerance, size_t *order, double *w);
#endif
