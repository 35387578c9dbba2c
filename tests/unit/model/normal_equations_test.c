// The normal equations: as exact as QR on columns of any condition that they take, and not taken where that is not so.
#include "check.h"
#include "base/random.h"
#include "model/linear_kernels.h"
#include "model/normal_equations.h"
#include <math.h>

enum { ROWS = 100, MOST = 9, SIDE = MOST + 1 };

struct problem {
  double a[SIDE * ROWS]; // columns, then the target
  double ridge[MOST];
  double w[MOST];
  size_t n;
  size_t rank;
  size_t level; // of kernels
};

// Columns of which the last is the sum of the others but for a share of its own; a target with noise.
static void make_problem(struct problem *p, size_t n, double own, double noise, uint64_t *seed)
{
  *p = (struct problem){.n = n};
  for (size_t i = 0; i < ROWS; i++) {
    double sum = 0;
    for (size_t c = 0; c < n; c++) {
      double v = grove__random_unit(seed) * 2 - 1;
      p->a[c * ROWS + i] = c + 1 < n || n == 1 ? v : (sum + own * v) / (double)n;
      sum += p->a[c * ROWS + i];
      p->a[n * ROWS + i] += p->a[c * ROWS + i] * (double)(c + 1);
    }
    p->a[n * ROWS + i] += noise * (grove__random_unit(seed) - 0.5);
  }
}

static bool solve(struct problem *p)
{
  double room[MOST * SIDE + 3 * MOST + ROWS];
  assert_true(grove__normal_room(ROWS, p->n) * sizeof(double) <= sizeof room);
  return grove__normal_solve(grove__linear_kernels_at(p->level), p->a, ROWS, p->n, p->ridge, room,
      p->w, &p->rank);
}

// The true solution: elimination in long doubles, which has digits to spare for the conditions here, refined.
static void solve_truly(const struct problem *p, long double *w)
{
  long double g[MOST][SIDE];
  size_t n = p->n;
  for (size_t c = 0; c < n; c++) {
    for (size_t k = 0; k <= n; k++) {
      g[c][k] = c == k ? (long double)p->ridge[c] : 0;
      for (size_t i = 0; i < ROWS; i++) {
        g[c][k] += (long double)p->a[c * ROWS + i] * p->a[k * ROWS + i];
      }
    }
  }
  for (size_t c = 0; c < n; c++) {
    for (size_t r = c + 1; r < n; r++) {
      long double f = g[r][c] / g[c][c];
      for (size_t k = c; k <= n; k++) {
        g[r][k] -= f * g[c][k];
      }
    }
  }
  for (size_t c = n; c-- > 0;) {
    w[c] = g[c][n];
    for (size_t k = c + 1; k < n; k++) {
      w[c] -= g[c][k] * w[k];
    }
    w[c] /= g[c][c];
  }
}

// The largest error of a coefficient, in units of the largest one.
static double error_of(const struct problem *p)
{
  long double w[MOST], most = 0, size = 0;
  solve_truly(p, w);
  for (size_t c = 0; c < p->n; c++) {
    most = fmaxl(most, fabsl(w[c] - p->w[c]));
    size = fmaxl(size, fabsl(w[c]));
  }
  return (double)(most / size);
}

static double error_of_qr(const struct problem *p)
{
  struct problem by = *p;
  size_t order[MOST];
  const grove__linear_kernels *k = grove__linear_kernels_at(p->level);
  k->qr(by.a, ROWS, by.n + 1, ROWS);
  assert_int_equal(k->qr_solve(by.a, by.n, ROWS, 1e-11, order, by.w), by.n);
  return error_of(&by);
}

// Shares of 1 down to 1e-6 are conditions of 10 up to 10^7: first all are taken, at last none, and what is taken is no
// worse than twice what QR makes of it, and some roundings.
static void is_as_exact_as_qr(void **state)
{
  (void)state;
  size_t taken[7] = {0}, cases = 0;
  uint64_t seed = 11;
  for (int share = 0; share < 7; share++) {
    for (size_t n = 2; n <= MOST; n++) {
      for (int k = 0; k < 30; k++) {
        struct problem p;
        double own = pow(10, -share);
        make_problem(&p, n, own, k % 2 ? 0.1 : 0, &seed);
        if (solve(&p)) {
          taken[share]++;
          assert_int_equal(p.rank, n);
          double error = error_of(&p), most = 2 * error_of_qr(&p) + 4e-15 / own;
          if (error > most) {
            fail_msg("%zu columns, a share of %g: an error of %g, not %g", n, own, error, most);
          }
        }
        cases += share == 0;
      }
    }
  }
  assert_true(taken[0] == cases && taken[1] == cases);
  assert_true(taken[5] == 0 && taken[6] == 0);
}

static void all_instructions_give_the_same_bits(void **state)
{
  (void)state;
  uint64_t seed = 12;
  for (size_t n = 1; n <= MOST; n++) {
    struct problem first, p;
    make_problem(&first, n, 0.5, 0.1, &seed);
    assert_true(solve(&first));
    for (size_t level = 1; grove__linear_kernels_at(level); level++) {
      p = first;
      p.level = level;
      memset(p.w, 0, sizeof p.w);
      assert_true(solve(&p));
      assert_memory_equal(p.w, first.w, n * sizeof *p.w);
    }
  }
}

static void ridge_is_added(void **state)
{
  (void)state;
  uint64_t seed = 13;
  struct problem p;
  make_problem(&p, 4, 1e-3, 0.1, &seed);
  for (size_t c = 0; c < 4; c++) {
    p.ridge[c] = 5 + (double)c;
  }
  assert_true(solve(&p));
  assert_true(error_of(&p) < 1e-15);
}

static void zeros_get_nothing(void **state)
{
  (void)state;
  uint64_t seed = 14;
  struct problem p, less;
  make_problem(&less, 3, 0.5, 0.1, &seed);
  assert_true(solve(&less));
  p = (struct problem){.n = 4};
  memcpy(p.a, less.a, ROWS * sizeof *p.a); // then zeros, then the rest
  memcpy(p.a + 2 * ROWS, less.a + ROWS, 3 * ROWS * sizeof *p.a);
  assert_true(solve(&p));
  assert_int_equal(p.rank, 3);
  assert_true(p.w[0] == less.w[0] && p.w[1] == 0 && p.w[2] == less.w[1] && p.w[3] == less.w[2]);
  memset(p.a + 4 * ROWS, 0, ROWS * sizeof *p.a); // and a target of zeros
  assert_true(solve(&p));
  assert_true(p.w[0] == 0 && p.w[3] == 0);
}

static void what_overflows_is_not_taken(void **state)
{
  (void)state;
  uint64_t seed = 15;
  struct problem p;
  for (int k = 0; k < 3; k++) {
    make_problem(&p, 3, 0.5, 0.1, &seed);
    for (size_t i = 0; i < ROWS; i++) {
      p.a[(size_t)k % 2 * ROWS + i] *= k < 2 ? 1e200 : 1e-200; // squares that are no numbers, or none at all
    }
    assert_false(k < 2 ? solve(&p) : solve(&p) && p.rank == 3);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_as_exact_as_qr),
      cmocka_unit_test(all_instructions_give_the_same_bits), cmocka_unit_test(ridge_is_added),
      cmocka_unit_test(zeros_get_nothing), cmocka_unit_test(what_overflows_is_not_taken)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
