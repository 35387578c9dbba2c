// Least squares from the products of columns with each other, where columns are far enough from being combinations of
// each other that it is as exact as QR, at a third of its cost.
#ifndef GROVE_MODEL_NORMAL_EQUATIONS_H
#define GROVE_MODEL_NORMAL_EQUATIONS_H
#include "model/linear_kernels.h"

/// Doubles that grove__normal_solve works in.
size_t grove__normal_room(size_t rows, size_t n);
/// Finds the w that makes |z - A w|^2 + sum of ridge[c] * w[c]^2 least. `a` has n columns of `rows` numbers, one behind the
/// other, and z as column n. A column of zeros gets 0. *rank is the number of others.
/// False: some column is too near to a combination of others for this way; w may have been written to, *rank not.
bool grove__normal_solve(const grove__linear_kernels *k, const double *a, size_t rows, size_t n,
    const double *ridge, double *room, double *w, size_t *rank);
#endif
