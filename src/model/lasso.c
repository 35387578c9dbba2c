#include "model/lasso.h"
#include "base/status.h"
#include "model/fit_work.h"
#include <math.h>

enum { SWEEPS = 100000, BUDGET = 1 << 20 }; // most rounds; products between two yields

// One system: products of columns with each other and with what is left over of z.
struct descent {
  const double *penalty;
  double *gram; // n x n
  double *left; // by column
  double *w;
  size_t n;
};

static void multiply(const double *a, size_t stride, struct descent *d)
{
  size_t n = d->n;
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k <= i; k++) {
      double sum = 0;
      for (size_t r = 0; r <= k; r++) { // an upper triangle: column k ends at row k
        sum += a[i * stride + r] * a[k * stride + r];
      }
      d->gram[i * n + k] = d->gram[k * n + i] = sum;
    }
    double sum = 0;
    for (size_t r = 0; r <= i; r++) {
      sum += a[i * stride + r] * a[n * stride + r];
    }
    d->left[i] = sum;
  }
}

// One round over all columns. Gives the largest change, measured by what it does to the fit.
static double sweep(struct descent *d)
{
  double most = 0;
  for (size_t c = 0; c < d->n; c++) {
    double own = d->gram[c * d->n + c];
    if (own <= 0) {
      continue;
    }
    double pull = d->left[c] + own * d->w[c], size = fabs(pull) - d->penalty[c];
    double w = size > 0 ? copysign(size, pull) / own : 0, change = w - d->w[c];
    if (change != 0) {
      for (size_t k = 0; k < d->n; k++) {
        d->left[k] -= change * d->gram[c * d->n + k];
      }
      d->w[c] = w;
      most = fmax(most, change * change * own);
    }
  }
  return most;
}

static grove_status descend(struct descent *d, double all, const grove_work *work)
{
  size_t done = 0;
  for (size_t i = 0; i < SWEEPS; i++) {
    if (sweep(d) <= all * 1e-26) {
      break;
    }
    done += d->n * d->n;
    if (done >= BUDGET) {
      done = 0;
      GROVE__TRY(grove__work_yield(work));
    }
  }
  return GROVE_OK;
}

grove_status grove__lasso_solve(const grove_allocator *al, const double *a, size_t n, size_t stride,
    const double *penalty, const grove_work *work, double *w, size_t *kept)
{
  struct descent d = {.penalty = penalty, .w = w, .n = n};
  size_t square;
  double all = 0; // the square of z
  if (!grove__multiply(n, n, &square)) {
    return GROVE_ENOMEM;
  }
  d.gram = grove__alloc_array(al, square, sizeof *d.gram);
  d.left = grove__alloc_array(al, n, sizeof *d.left);
  grove_status s = d.gram && d.left ? GROVE_OK : GROVE_ENOMEM;
  for (size_t c = 0; c < n; c++) {
    w[c] = 0;
    all += a[n * stride + c] * a[n * stride + c];
  }
  if (s == GROVE_OK) {
    multiply(a, stride, &d);
    s = descend(&d, all, work);
  }
  *kept = 0;
  for (size_t c = 0; c < n; c++) {
    *kept += w[c] != 0;
  }
  grove__free(al, d.gram, square * sizeof *d.gram);
  grove__free(al, d.left, n * sizeof *d.left);
  return s;
}
