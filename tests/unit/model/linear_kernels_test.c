// The loops of least squares: every set of instructions gives the bits of plain loops, one number after the other.
#include "check.h"
#include "base/random.h"
#include "model/linear_kernels.h"
#include <math.h>

enum { ROWS = 41, COLUMNS = 21, STRIDE = ROWS + 3 };

// ---- plain loops, in the order that the kernels keep to ------------------------------------------------
static double plain_dot(const double *a, const double *b, size_t n)
{
  double s[4] = {0, 0, 0, 0};
  for (size_t i = 0; i < n; i++) {
    s[i < n / 4 * 4 ? i % 4 : 0] += a[i] * b[i];
  }
  return (s[0] + s[1]) + (s[2] + s[3]);
}

static void plain_qr(double *a, size_t rows, size_t columns)
{
  for (size_t k = 0; k < columns && k < rows; k++) {
    double *v = a + k * STRIDE + k;
    size_t n = rows - k;
    double norm = sqrt(plain_dot(v, v, n));
    if (norm == 0) {
      continue;
    }
    double diagonal = v[0] > 0 ? -norm : norm;
    v[0] -= diagonal;
    double half = plain_dot(v, v, n) / 2;
    for (size_t c = k + 1; c < columns && half > 0; c++) {
      double *x = a + c * STRIDE + k, f = plain_dot(v, x, n) / half;
      for (size_t i = 0; i < n; i++) {
        x[i] -= f * v[i];
      }
    }
    v[0] = diagonal;
    memset(v + 1, 0, (n - 1) * sizeof *v);
  }
}

static grove__measure plain_measure(const double *v, size_t n)
{
  grove__measure m = {0, v[0], v[0]};
  double sum[8] = {0}, all = 0;
  for (size_t i = 0; i < n; i++) {
    sum[i < n / 8 * 8 ? i % 8 : 0] += (v[i] - v[0]) * (1 / (double)n);
    m.low = v[i] < m.low ? v[i] : m.low;
    m.high = v[i] > m.high ? v[i] : m.high;
  }
  for (size_t k = 0; k < 8; k++) {
    all += sum[k];
  }
  m.mean = v[0] + all;
  return m;
}

// ---- tests --------------------------------------------------------------------------------------------
// Some columns are zeros, or a combination of others; what lies behind the rows of a column is not to be touched.
static void fill(double *a, uint64_t *seed)
{
  for (size_t i = 0; i < (size_t)COLUMNS * STRIDE; i++) {
    a[i] = grove__random_unit(seed) * 3 - 1;
  }
  for (size_t i = 0; i < ROWS && *seed % 3 == 0; i++) {
    a[2 * STRIDE + i] = 0;
    a[4 * STRIDE + i] = a[i] - 2 * a[STRIDE + i];
  }
}

static void triangles_are_the_same(void **state)
{
  (void)state;
  static double made[COLUMNS * STRIDE], want[COLUMNS * STRIDE], got[COLUMNS * STRIDE];
  uint64_t seed = 1;
  for (size_t rows = 0; rows <= ROWS; rows++) {
    for (size_t columns = 0; columns <= COLUMNS; columns++) {
      fill(made, &seed);
      memcpy(want, made, sizeof want);
      plain_qr(want, rows, columns);
      const grove__linear_kernels *k;
      for (size_t level = 0; (k = grove__linear_kernels_at(level)); level++) {
        memcpy(got, made, sizeof got);
        k->qr(got, rows, columns, STRIDE);
        for (size_t i = 0; i < (size_t)COLUMNS * STRIDE; i++) {
          if (got[i] != want[i]) {
            fail_msg("%s: %zu x %zu: %a is not %a", k->name, rows, columns, got[i], want[i]);
          }
        }
      }
    }
  }
}

static void solutions_are_the_same(void **state)
{
  (void)state;
  static double made[COLUMNS * STRIDE], first[COLUMNS], got[COLUMNS], a[COLUMNS * STRIDE];
  size_t order[COLUMNS], rank = 0;
  uint64_t seed = 2;
  for (size_t n = 1; n < COLUMNS; n++) {
    fill(made, &seed);
    plain_qr(made, ROWS, n + 1);
    const grove__linear_kernels *k;
    for (size_t level = 0; (k = grove__linear_kernels_at(level)); level++) {
      memcpy(a, made, sizeof a);
      size_t r = k->qr_solve(a, n, STRIDE, 1e-10, order, got);
      assert_true(r > 0 && r <= n && (level == 0 || r == rank));
      if (level == 0) {
        rank = r;
        memcpy(first, got, sizeof first);
      }
      assert_memory_equal(first, got, n * sizeof *got);
    }
  }
}

static void products_are_the_same(void **state)
{
  (void)state;
  static double a[COLUMNS * STRIDE], got[ROWS + 1], want[ROWS];
  uint64_t seed = 4;
  for (size_t n = 0; n <= ROWS; n++) {
    for (size_t columns = 0; columns < COLUMNS; columns++) {
      const double *v = a, *x = a + STRIDE;
      fill(a, &seed);
      const grove__linear_kernels *k;
      for (size_t level = 0; (k = grove__linear_kernels_at(level)); level++) {
        got[columns] = -1;
        k->products(v, x, columns, STRIDE, n, got);
        for (size_t c = 0; c < columns; c++) {
          assert_true(got[c] == plain_dot(v, x + c * STRIDE, n));
        }
        assert_true(got[columns] == -1);
        got[n] = -1;
        k->left_over(v, x, columns, STRIDE, n, a + 7, got);
        for (size_t i = 0; i < n && columns; i++) {
          want[i] = v[i];
          for (size_t c = 0; c < columns; c++) {
            want[i] -= a[7 + c] * x[c * STRIDE + i];
          }
          assert_true(got[i] == want[i]);
        }
        assert_true(got[n] == -1);
      }
    }
  }
}

static void columns_are_measured_the_same(void **state)
{
  (void)state;
  double v[ROWS], to[ROWS];
  uint64_t seed = 3;
  for (size_t n = 1; n <= ROWS; n++) {
    for (size_t i = 0; i < n; i++) {
      v[i] = n % 5 == 0 ? 0.1 : floor(grove__random_unit(&seed) * 100) - 50;
    }
    grove__measure want = plain_measure(v, n);
    assert_true(n % 5 != 0 || want.mean == 0.1);
    const grove__linear_kernels *k;
    for (size_t level = 0; (k = grove__linear_kernels_at(level)); level++) {
      grove__measure m = k->measure(v, n);
      assert_true(m.mean == want.mean && m.low == want.low && m.high == want.high);
      k->center(v, n, m.mean, 0.3, to);
      for (size_t i = 0; i < n; i++) {
        assert_true(to[i] == (v[i] - m.mean) * 0.3);
      }
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(triangles_are_the_same),
      cmocka_unit_test(solutions_are_the_same), cmocka_unit_test(products_are_the_same),
      cmocka_unit_test(columns_are_measured_the_same)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
