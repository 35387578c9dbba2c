// Each set of instructions finds the same best split in a histogram, ties and near ties too.
#include "model/grow_kernels.h"
#include "model_fixture.h"

enum { BINS = GROVE__BIN_VALUES, WORDS = GROVE__BIN_COUNT * GROVE__BLOCK, ROUNDS = 4000 };

static uint64_t seed;

struct problem {
  uint32_t bin_count[GROVE__BLOCK];
  grove__bins bins;
  grove__pack pack;
  grove__sum all;
  uint8_t use[GROVE__BLOCK];
  int64_t h[WORDS];
};

static double draw(double most)
{
  return most * grove__random_unit(&seed);
}

static size_t below(size_t n)
{
  return (size_t)grove__random_below(&seed, n);
}

// What the rows of a bin have in common: nothing but noise, a step, a slope, or a hill; around a mean that is far larger or not.
struct shape {
  size_t kind;
  double mean;
  double signal;
  double noise;
  size_t step;
};

static double mean_of(const struct shape *s, size_t bin)
{
  double at = (double)bin / BINS;
  double step = bin >= s->step, hill = at * (1 - at);
  double what = s->kind == 0 ? 0 : s->kind == 1 ? step : s->kind == 2 ? at : hill;
  return s->mean + s->signal * what + s->noise * (draw(2) - 1);
}

static void add(struct problem *p, size_t feature, size_t bin, double mean, int64_t rows)
{
  int64_t q = (int64_t)(mean * (double)rows * p->pack.scale);
  p->h[bin * GROVE__BLOCK + feature] += q * ((int64_t)1 << p->pack.shift) + rows;
}

// Puts all rows into a feature's bins, the rest of the sum into the last of them, so that all features have the same.
static void fill_feature(struct problem *p, size_t f, int64_t rows, size_t missing)
{
  const double sizes[] = {0, 1e-9, 1e-6, 1e-3, 0.3};
  size_t bins = 1 + (below(3) ? below(BINS) : below(20));
  struct shape s = {below(4), sizes[below(5)], sizes[below(5)], sizes[below(5)], below(BINS)};
  int64_t left = rows, q = 0;
  p->bin_count[f] = (uint32_t)bins;
  for (size_t b = 0; b + 1 < bins && left; b++) {
    int64_t n = (int64_t)below(2 * (size_t)(rows / (int64_t)bins) + 2);
    n = n < left ? n : left;
    add(p, f, b, mean_of(&s, b), n);
    left -= n;
  }
  size_t last = missing && bins > 1 ? GROVE__BIN_MISSING : bins - 1;
  for (size_t b = 0; b < GROVE__BIN_COUNT; b++) {
    q += grove__unpack(&p->pack, p->h[b * GROVE__BLOCK + f]).q;
  }
  p->h[last * GROVE__BLOCK + f] += (p->all.q - q) * ((int64_t)1 << p->pack.shift) + left;
}

static void make(struct problem *p)
{
  const int64_t sizes[] = {3, 300, 5000, 200000, 4000000};
  int64_t rows = 1 + (int64_t)below((size_t)sizes[below(5)]);
  memset(p, 0, sizeof *p);
  p->bins = (grove__bins){
      .features = 1 + below(GROVE__BLOCK), .blocks = 1, .bin_count = p->bin_count};
  check_ok(grove__pack_choose(2, (uint64_t)rows, false, &p->pack));
  double mean = below(2) ? draw(1) - 0.5 : below(2) ? draw(1e-4) : 0;
  p->all = (grove__sum){(int64_t)(mean * (double)rows * p->pack.scale), rows};
  for (size_t f = 0; f < p->bins.features; f++) {
    fill_feature(p, f, rows, below(4) == 0);
    p->use[f] = below(4) > 0;
    if (f && below(4) == 0) { // an equal of the one before it
      for (size_t b = 0; b < GROVE__BIN_COUNT; b++) {
        p->h[b * GROVE__BLOCK + f] = p->h[b * GROVE__BLOCK + f - 1];
      }
      p->bin_count[f] = p->bin_count[f - 1];
    }
  }
}

static bool are_equal(const grove__split *a, const grove__split *b)
{
  return a->gain == b->gain && a->feature == b->feature && a->bin == b->bin &&
         a->missing_left == b->missing_left && a->left.q == b->left.q &&
         a->left.weight == b->left.weight;
}

static void every_set_finds_the_same_split(void **state)
{
  (void)state;
  static struct problem p;
  const double lambdas[] = {0, 1, 0.3, 17.25, 1e6, 1e30}, leasts[] = {0, 1, 20, 20.5, 400};
  size_t found = 0;
  for (int round = 0; round < ROUNDS; round++) {
    make(&p);
    grove__gain_rule rule = {.lambda = lambdas[below(6)],
        .least_weight = leasts[below(5)],
        .alpha = below(5) ? 0 : draw(100) * p.pack.scale};
    const uint8_t *use = below(2) ? p.use : NULL;
    size_t start = below(p.bins.features);
    const grove__grow_kernels *k;
    grove__split want = {0};
    for (size_t level = 0; (k = grove__grow_kernels_at(level)); level++) {
      rule.scan = k->scan_packed;
      grove__split s = grove__histogram_scan(&p.bins, &p.pack, p.h, p.all, &rule, use, start);
      want = level ? want : s;
      assert_true(are_equal(&s, &want));
    }
    found += want.gain >= 0;
  }
  assert_in_range(found, ROUNDS / 4, ROUNDS);
}

int main(int argc, char **argv)
{
  seed = check_seed(argc, argv, 3);
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_set_finds_the_same_split)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
