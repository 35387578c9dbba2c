// Histogram splits against sums done the plain way, narrow and wide.
#include "model/grow_kernels.h"
#include "model_fixture.h"

enum { ROWS = 700, FEATURES = 11 };
static grove__tile tile;

static uint64_t seed;

struct problem {
  double x[FEATURES][ROWS];
  const double *column[FEATURES];
  int64_t q[ROWS];
  int64_t weight[ROWS];
  int64_t packed[ROWS];
  uint32_t rows[ROWS];
  size_t n;
  grove__bins bins;
};

static void make(struct problem *p, double missing)
{
  for (size_t f = 0; f < FEATURES; f++) {
    p->column[f] = p->x[f];
    for (size_t i = 0; i < ROWS; i++) {
      double v = floor(grove__random_unit(&seed) * (f % 2 ? 12 : 1000));
      p->x[f][i] = grove__random_unit(&seed) < missing ? NAN : v;
    }
  }
  p->n = 0;
  for (uint32_t i = 0; i < ROWS; i++) {
    p->q[i] = (int64_t)grove__random_below(&seed, 2000001) - 1000000;
    p->weight[i] = 1 + (int64_t)grove__random_below(&seed, 3);
    p->rows[p->n] = i;
    p->n += grove__random_below(&seed, 3) > 0;
  }
  check_ok(grove__bins_make(&grove__allocator_malloc, &(grove_matrix){p->column, FEATURES, ROWS},
      NULL, NULL, 60, false, NULL, &p->bins));
}

static double side(double sum, double weight, double lambda)
{
  return sum * sum / (weight + lambda);
}

// All splits of a feature, one after the other.
static double best_plainly(const struct problem *p, const grove__gain_rule *r, grove__sum all,
    const grove__split *s, double *claimed)
{
  double best = -1;
  *claimed = -1;
  for (uint32_t f = 0; f < FEATURES; f++) {
    for (uint32_t b = 0; b < p->bins.bin_count[f]; b++) {
      for (int left = 0; left < 2; left++) {
        double sum = 0, weight = 0;
        for (size_t i = 0; i < p->n; i++) {
          uint32_t row = p->rows[i], bin = grove__bin_of(&p->bins, f, row);
          if (bin == GROVE__BIN_MISSING ? left : bin <= b) {
            sum += (double)p->q[row];
            weight += (double)p->weight[row];
          }
        }
        double rest = (double)all.weight - weight;
        if (weight < r->least_weight || rest < r->least_weight) {
          continue;
        }
        double gain = side(sum, weight, r->lambda) + side((double)all.q - sum, rest, r->lambda);
        best = gain > best ? gain : best;
        if (f == s->feature && b == s->bin && left == s->missing_left) {
          *claimed = gain;
          assert_true((double)s->left.q == sum && (double)s->left.weight == weight);
        }
      }
    }
  }
  return best;
}

// Each set of instructions adds up and takes off the same.
static void check_kernels(
    const struct problem *p, const int64_t *packed, const int64_t *weight, const int64_t *want)
{
  static int64_t h[2 * 2 * GROVE__BIN_COUNT * GROVE__BLOCK];
  size_t words = grove__histogram_words(&p->bins, weight != NULL);
  const grove__grow_kernels *k;
  for (size_t level = 0; (k = grove__grow_kernels_at(level)); level++) {
    memset(h, 0x55, words * sizeof *h);
    k->histogram_add(&p->bins, p->rows, p->n, packed, weight, 0, p->bins.blocks, &tile, h);
    assert_memory_equal(h, want, words * sizeof *h);
    k->histogram_subtract(h, want, words);
    for (size_t i = 0; i < words; i++) {
      assert_int_equal(h[i], 0);
    }
  }
}

static void check_scan(const struct problem *p, bool wide, size_t start)
{
  grove__pack pack;
  grove__sum all = {0, 0};
  static int64_t packed[ROWS], h[2 * 2 * GROVE__BIN_COUNT * GROVE__BLOCK];
  check_ok(grove__pack_choose(1e6, 3 * ROWS, wide, &pack));
  for (size_t i = 0; i < ROWS; i++) {
    packed[i] = wide ? p->q[i] : p->q[i] * ((int64_t)1 << pack.shift) + p->weight[i];
  }
  for (size_t i = 0; i < p->n; i++) {
    all.q += p->q[p->rows[i]];
    all.weight += p->weight[p->rows[i]];
  }
  const int64_t *weight = wide ? p->weight : NULL;
  grove__grow_kernels_at(0)->histogram_add(
      &p->bins, p->rows, p->n, packed, weight, 0, p->bins.blocks, &tile, h);
  check_kernels(p, packed, weight, h);
  grove__gain_rule rule = {1.5, 20};
  grove__split s = grove__histogram_scan(&p->bins, &pack, h, all, &rule, NULL, start);
  double claimed, best = best_plainly(p, &rule, all, &s, &claimed);
  assert_true(s.gain > 0 && fabs(s.gain - best) <= 1e-12 * best);
  assert_true(fabs(s.gain - claimed) <= 1e-12 * best);
}

static void the_best_split_is_found(void **state)
{
  (void)state;
  static struct problem p;
  for (size_t round = 0; round < 6; round++) {
    make(&p, round % 2 ? 0.3 : 0);
    check_scan(&p, false, 0);
    check_scan(&p, false, round + 1);
    check_scan(&p, true, 9);
    grove__bins_free(&p.bins);
  }
}

// Sums of as many rows as may be, all at the largest gradient, unpack to what they were.
static void packing_does_not_overflow(void **state)
{
  (void)state;
  const uint64_t weights[] = {1, 100, 4095, 4096, 65536, (1u << 20) - 1, (1u << 22) - 1};
  for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
    for (int sign = -1; sign <= 1; sign += 2) {
      grove__pack p;
      check_ok(grove__pack_choose(0.7, weights[i], false, &p));
      assert_false(p.wide);
      int64_t q = sign * llrint(0.7 * p.scale), n = (int64_t)weights[i];
      assert_true(q != 0);
      int64_t sum = (q * ((int64_t)1 << p.shift) + 1) * n;
      grove__sum s = grove__unpack(&p, sum);
      assert_true(s.q == q * n && s.weight == n);
    }
  }
  grove__pack p;
  check_ok(grove__pack_choose(0.7, (uint64_t)1 << 31, false, &p));
  assert_true(p.wide && llrint(0.7 * p.scale) > 1000);
}

int main(int argc, char **argv)
{
  seed = check_seed(argc, argv, 7);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_best_split_is_found), cmocka_unit_test(packing_does_not_overflow)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
