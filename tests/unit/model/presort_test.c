// Sorted columns, their ranks and bins, against the plain way.
#include "model/presort.h"
#include "model/binning.h"
#include "model_fixture.h"

static uint64_t seed;

static double odd_number(void)
{
  static const double some[] = {0.0, -0.0, 1, -1, 1e-320, -1e-320, 1e308, -1e308, NAN, 0.1, 7};
  uint64_t kind = grove__random_below(&seed, 4);
  if (kind == 0) {
    return some[grove__random_below(&seed, 11)];
  }
  double x = grove__random_unit(&seed) - 0.5;
  return kind == 1 ? x : kind == 2 ? floor(x * 20) : x * pow(10, floor(x * 200));
}

static bool before(const double *x, uint32_t a, uint32_t b)
{
  if (isnan(x[a]) || isnan(x[b])) {
    return isnan(x[a]) ? isnan(x[b]) && a < b : true;
  }
  return x[a] < x[b] || (x[a] == x[b] && a < b);
}

// Kinds: 0 doubles, 1 doubles that are floats, 2 floats.
static void check_order(int kind)
{
  for (size_t n = 1; n < 5000; n += 1 + n / 3) {
    double *x = malloc(n * sizeof *x);
    uint32_t *order = malloc(n * sizeof *order), *rank = malloc(n * sizeof *rank);
    float *floats = malloc(n * sizeof *floats);
    size_t present, missing = 0;
    for (size_t i = 0; i < n; i++) {
      x[i] = odd_number();
      missing += isnan(x[i]);
      floats[i] = (float)x[i];
      x[i] = kind ? (double)floats[i] : x[i];
    }
    grove__values v = {kind == 2 ? NULL : x, floats};
    check_ok(grove__presort(&grove__allocator_malloc, v, n, order, &present));
    assert_int_equal(present, n - missing);
    size_t distinct = grove__presort_ranks(v, order, n, present, rank);
    for (size_t i = 1; i < n; i++) {
      assert_true(before(x, order[i - 1], order[i]));
      bool same = x[order[i]] == x[order[i - 1]] || (isnan(x[order[i]]) && isnan(x[order[i - 1]]));
      assert_int_equal(rank[order[i]], rank[order[i - 1]] + !same);
    }
    assert_int_equal(rank[order[n - 1]], missing ? distinct : distinct - 1);
    free(x);
    free(floats);
    free(order);
    free(rank);
  }
}

static void rows_come_in_order(void **state)
{
  (void)state;
  for (int kind = 0; kind < 3; kind++) {
    check_order(kind);
  }
}

static void check_bins(const grove__bins *b, const double *x, size_t rows, uint32_t most)
{
  size_t held[GROVE__BIN_COUNT] = {0};
  assert_true(b->bin_count[0] <= most && b->bin_count[0] >= 1);
  assert_true(isinf(b->edge[b->bin_count[0] - 1]));
  for (size_t i = 0; i < rows; i++) {
    uint32_t bin = grove__bin_of(b, 0, i);
    held[bin]++;
    if (isnan(x[i])) {
      assert_int_equal(bin, GROVE__BIN_MISSING);
    } else {
      assert_true(bin < b->bin_count[0] && x[i] <= b->edge[bin]);
      assert_true(bin == 0 || x[i] > b->edge[bin - 1]);
    }
  }
  for (uint32_t k = 0; k < b->bin_count[0] && b->missing[0] < rows; k++) {
    assert_true(held[k] > 0);
  }
}

static void bins_hold_what_their_edges_say(void **state)
{
  (void)state;
  for (size_t n = 1; n < 20000; n = n * 3 + 1) {
    for (uint32_t most = 2; most <= 256; most *= 2) {
      double *x = malloc(n * sizeof *x);
      for (size_t i = 0; i < n; i++) {
        x[i] = odd_number();
      }
      grove__bins b;
      const double *column[] = {x};
      check_ok(grove__bins_make(&grove__allocator_malloc, &(grove_matrix){column, 1, n}, NULL, NULL,
          most, false, NULL, &b));
      check_bins(&b, x, n, most);
      grove__bins_free(&b);
      free(x);
    }
  }
}

// Without repeats the bins are filled evenly; with few values each has its own.
static void bins_are_even(void **state)
{
  (void)state;
  double x[2550];
  const double *column[] = {x};
  grove__bins b;
  size_t held[GROVE__BIN_COUNT] = {0};
  for (size_t i = 0; i < 2550; i++) {
    x[i] = (double)((i * 7) % 2550);
  }
  check_ok(grove__bins_make(&grove__allocator_malloc, &(grove_matrix){column, 1, 2550}, NULL, NULL,
      255, false, NULL, &b));
  assert_int_equal(b.bin_count[0], 255);
  for (size_t i = 0; i < 2550; i++) {
    held[grove__bin_of(&b, 0, i)]++;
  }
  for (size_t k = 0; k < 255; k++) {
    assert_int_equal(held[k], 10);
  }
  grove__bins_free(&b);
  for (size_t i = 0; i < 2550; i++) {
    x[i] = (double)(i % 200);
  }
  check_ok(grove__bins_make(&grove__allocator_malloc, &(grove_matrix){column, 1, 2550}, NULL, NULL,
      255, false, NULL, &b));
  assert_int_equal(b.bin_count[0], 200);
  grove__bins_free(&b);
}

static void check_same_bins(const grove__bins *a, const grove__bins *b, size_t rows)
{
  assert_int_equal(a->bin_count[0], b->bin_count[0]);
  assert_int_equal(a->missing[0], b->missing[0]);
  assert_memory_equal(a->edge, b->edge, a->bin_count[0] * sizeof(double));
  for (size_t i = 0; i < rows; i++) {
    assert_int_equal(grove__bin_of(a, 0, i), grove__bin_of(b, 0, i));
  }
}

// Without ranks values are sorted without their rows, from 512 on; with ranks by their rows. Kinds as above; 3: all are NaN.
static void keys_give_the_bins_of_rows(void **state)
{
  (void)state;
  enum { MOST = 3000 };
  static double x[MOST];
  static float floats[MOST];
  for (size_t n = 500; n <= MOST; n += 125) {
    for (int kind = 0; kind < 4; kind++) {
      for (size_t i = 0; i < n; i++) {
        x[i] = kind == 3 ? NAN : odd_number();
        floats[i] = (float)x[i];
        floats[i] = isinf(floats[i]) ? 7 : floats[i];
        x[i] = kind == 1 ? (double)floats[i] : x[i];
      }
      grove__bins by_rows, by_keys;
      const double *column[] = {kind == 2 ? NULL : x};
      const float *narrow[] = {floats};
      uint32_t most = (uint32_t)(2 + grove__random_below(&seed, 254));
      grove_matrix m = {column, 1, n};
      check_ok(
          grove__bins_make(&grove__allocator_malloc, &m, narrow, NULL, most, true, NULL, &by_rows));
      check_ok(grove__bins_make(
          &grove__allocator_malloc, &m, narrow, NULL, most, false, NULL, &by_keys));
      check_same_bins(&by_rows, &by_keys, n);
      grove__bins_free(&by_rows);
      grove__bins_free(&by_keys);
    }
  }
}

// More columns and rows than are made at a time: each column's bins are those that it has alone.
static void columns_are_binned_by_themselves(void **state)
{
  (void)state;
  enum { ROWS = 140000, COLUMNS = 19 };
  double *x = malloc(sizeof(double[COLUMNS]) * ROWS);
  const double *column[COLUMNS];
  grove__bins all, one;
  for (size_t c = 0; c < COLUMNS; c++) {
    column[c] = x + c * ROWS;
    for (size_t i = 0; i < ROWS; i++) {
      x[c * ROWS + i] = odd_number();
    }
  }
  check_ok(grove__bins_make(&grove__allocator_malloc, &(grove_matrix){column, COLUMNS, ROWS}, NULL,
      NULL, 200, false, NULL, &all));
  for (size_t c = 0; c < COLUMNS; c++) {
    check_ok(grove__bins_make(&grove__allocator_malloc, &(grove_matrix){column + c, 1, ROWS}, NULL,
        NULL, 200, false, NULL, &one));
    assert_int_equal(all.bin_count[c], one.bin_count[0]);
    assert_memory_equal(
        all.edge + c * GROVE__BIN_VALUES, one.edge, one.bin_count[0] * sizeof(double));
    for (size_t i = 0; i < ROWS; i++) {
      assert_true(grove__bin_of(&all, c, i) == grove__bin_of(&one, 0, i));
    }
    grove__bins_free(&one);
  }
  grove__bins_free(&all);
  free(x);
}

int main(int argc, char **argv)
{
  seed = check_seed(argc, argv, 20);
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows_come_in_order),
      cmocka_unit_test(bins_hold_what_their_edges_say), cmocka_unit_test(bins_are_even),
      cmocka_unit_test(keys_give_the_bins_of_rows),
      cmocka_unit_test(columns_are_binned_by_themselves)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
