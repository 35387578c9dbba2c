#include "model/qr.h"
#include <math.h>

// Four running sums in a fixed order: quick, and the same on every machine.
static double dot(const double *a, const double *b, size_t n)
{
  double s[4] = {0, 0, 0, 0};
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (size_t k = 0; k < 4; k++) {
      s[k] += a[i + k] * b[i + k];
    }
  }
  for (; i < n; i++) {
    s[0] += a[i] * b[i];
  }
  return (s[0] + s[1]) + (s[2] + s[3]);
}

// Reflects column k onto its diagonal, and the columns right of it with it. `v` is the column from the diagonal.
static void reflect(double *a, size_t rows, size_t columns, size_t stride, size_t k)
{
  double *v = a + k * stride + k;
  size_t n = rows - k;
  double norm = sqrt(dot(v, v, n));
  if (norm == 0) {
    return;
  }
  double diagonal = v[0] > 0 ? -norm : norm;
  v[0] -= diagonal;
  double half = dot(v, v, n) / 2;
  for (size_t c = k + 1; c < columns && half > 0; c++) {
    double *x = a + c * stride + k;
    double f = dot(v, x, n) / half;
    for (size_t i = 0; i < n; i++) {
      x[i] -= f * v[i];
    }
  }
  v[0] = diagonal;
  for (size_t i = 1; i < n; i++) {
    v[i] = 0;
  }
}

void grove__qr(double *a, size_t rows, size_t columns, size_t stride)
{
  for (size_t k = 0; k < columns && k < rows; k++) {
    reflect(a, rows, columns, stride, k);
  }
}

static size_t largest_column(const double *a, size_t n, size_t stride, size_t k, double *norm)
{
  size_t best = k;
  *norm = -1;
  for (size_t c = k; c < n; c++) {
    double d = dot(a + c * stride + k, a + c * stride + k, n - k);
    if (d > *norm) {
      *norm = d;
      best = c;
    }
  }
  *norm = sqrt(*norm);
  return best;
}

static void swap_columns(double *a, size_t n, size_t stride, size_t i, size_t k)
{
  for (size_t r = 0; r < n && i != k; r++) {
    double t = a[i * stride + r];
    a[i * stride + r] = a[k * stride + r];
    a[k * stride + r] = t;
  }
}

size_t grove__qr_solve(
    double *a, size_t n, size_t stride, double tolerance, size_t *order, double *w)
{
  size_t rank = 0;
  double first = 0;
  for (size_t c = 0; c < n; c++) {
    order[c] = c;
    w[c] = 0;
  }
  for (; rank < n; rank++) {
    double norm;
    size_t c = largest_column(a, n, stride, rank, &norm);
    first = rank == 0 ? norm : first;
    if (!(norm > tolerance * first)) {
      break;
    }
    swap_columns(a, n, stride, rank, c);
    size_t t = order[rank];
    order[rank] = order[c];
    order[c] = t;
    reflect(a, n, n + 1, stride, rank);
  }
  const double *z = a + n * stride;
  for (size_t i = rank; i-- > 0;) {
    double sum = z[i];
    for (size_t c = i + 1; c < rank; c++) {
      sum -= a[c * stride + i] * w[order[c]];
    }
    w[order[i]] = sum / a[i * stride + i];
  }
  return rank;
}
