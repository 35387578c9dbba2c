// The products' errors are larger than QR's by the columns' condition. One step of refinement by what is left over of the
// rows themselves takes that back (Bjoerck 1987, corrected seminormal equations), as long as the condition's square
// is well below what a double can tell: that is what pivots and the step's size are looked at for.
#include "model/normal_equations.h"
#include <string.h>

static const double least_pivot = 1e-5; // of the largest: below, columns are too near to each other
static const double most_step = 1e-11;  // of the refinement, see is_small

// The triangle, one row behind the other: row c has the products of column c, less what the columns before explain of
// it, with column c and those behind it; then with z. What is solved for is n columns wide.
struct system {
  const grove__linear_kernels *kernels;
  const double *a;
  size_t rows;
  size_t n;
  const double *ridge;
  double *row;     // n x (n + 1)
  double *inverse; // of the pivots; 0: a column of zeros
  double *side;    // n numbers: the right side
  double *step;    // n numbers
  double *left;    // of each row
};

size_t grove__normal_room(size_t rows, size_t n)
{
  return n * (n + 1) + 3 * n + rows;
}

static void multiply(const struct system *s)
{
  for (size_t c = 0; c < s->n; c++) {
    const double *v = s->a + c * s->rows;
    double *row = s->row + c * (s->n + 1);
    s->kernels->products(v, v, s->n + 1 - c, s->rows, s->rows, row + c);
    row[c] += s->ridge[c];
  }
}

// False: a pivot is too small.
static bool eliminate(const struct system *s)
{
  size_t n = s->n, stride = n + 1;
  double most = 0;
  for (size_t c = 0; c < n; c++) {
    double d = s->row[c * stride + c];
    most = d > most ? d : most;
  }
  for (size_t c = 0; c < n; c++) {
    const double *row = s->row + c * stride;
    double pivot = row[c];
    s->inverse[c] = pivot == 0 ? 0 : 1 / pivot;
    if (pivot == 0) { // exactly: no product of it is anything else
      continue;
    }
    if (!(pivot > least_pivot * most)) {
      return false;
    }
    for (size_t i = c + 1; i < n; i++) {
      double *to = s->row + i * stride, factor = row[i] * s->inverse[c];
      for (size_t k = i; k < stride; k++) {
        to[k] -= factor * row[k];
      }
    }
  }
  return true;
}

// w from the right side that the elimination has been done to.
static void substitute(const struct system *s, const double *side, size_t step, double *w)
{
  for (size_t c = s->n; c-- > 0;) {
    const double *row = s->row + c * (s->n + 1);
    double sum = side[c * step];
    for (size_t i = c + 1; i < s->n; i++) {
      sum -= row[i] * w[i];
    }
    w[c] = sum * s->inverse[c];
  }
}

// The step from w to where what is left over has nothing more of any column.
static void find_step(const struct system *s, const double *w)
{
  size_t n = s->n;
  s->kernels->left_over(s->a + n * s->rows, s->a, n, s->rows, s->rows, w, s->left);
  s->kernels->products(s->left, s->a, n, s->rows, s->rows, s->side);
  for (size_t c = 0; c < n; c++) {
    s->side[c] -= s->ridge[c] * w[c];
  }
  for (size_t c = 0; c < n; c++) {
    const double *row = s->row + c * (n + 1);
    double factor = s->side[c] * s->inverse[c];
    for (size_t i = c + 1; i < n; i++) {
      s->side[i] -= factor * row[i];
    }
  }
  substitute(s, s->side, 1, s->step);
}

// Whether the step is of the size that rounding makes. A column's share of it is measured by the root of its pivot, which
// is at least 1/316 of the column: so what it moves is less than 4e-9 of z, and what is still wrong behind it far less
// than a double can tell.
static bool is_small(const struct system *s)
{
  const double *z = s->a + s->n * s->rows;
  double all, moved = 0;
  s->kernels->products(z, z, 1, s->rows, s->rows, &all);
  for (size_t c = 0; c < s->n; c++) {
    moved += s->inverse[c] > 0 ? s->step[c] * s->step[c] / s->inverse[c] : 0;
  }
  return moved <= most_step * most_step * all;
}

bool grove__normal_solve(const grove__linear_kernels *k, const double *a, size_t rows, size_t n,
    const double *ridge, double *room, double *w, size_t *rank)
{
  struct system s = {.kernels = k, .a = a, .rows = rows, .n = n, .ridge = ridge, .row = room};
  s.inverse = room + n * (n + 1);
  s.side = s.inverse + n;
  s.step = s.side + n;
  s.left = s.step + n;
  multiply(&s);
  if (!eliminate(&s)) {
    return false;
  }
  substitute(&s, s.row + n, n + 1, w);
  find_step(&s, w);
  if (!is_small(&s)) {
    return false;
  }
  *rank = 0;
  for (size_t c = 0; c < n; c++) {
    w[c] += s.step[c];
    *rank += s.inverse[c] != 0;
  }
  return true;
}
