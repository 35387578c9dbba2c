// Trees grown with each instruction set of this machine against those of the portable kernels: bit by bit.
#include "model/grow_kernels.h"
#include "model_fixture.h"

enum { ROWS = 3000, MOST_FEATURES = 19 };

static uint64_t seed;

struct problem {
  double x[MOST_FEATURES][ROWS];
  double y[ROWS];
  const double *column[MOST_FEATURES];
  int64_t value[ROWS];
  uint8_t category[MOST_FEATURES];
  int8_t monotone[MOST_FEATURES];
  bool some_categories;
  bool some_monotone;
  size_t features;
  size_t rows;
  grove__bins bins;
  grove__job job;
};

static double draw(double below)
{
  return grove__random_unit(&seed) * below;
}

static void make_numbers(struct problem *p)
{
  double missing = grove__random_below(&seed, 3) ? 0 : draw(0.3);
  double grain = grove__random_below(&seed, 2) ? 7 : 100000;
  p->features = 1 + (size_t)grove__random_below(&seed, MOST_FEATURES);
  p->rows = 2 + (size_t)grove__random_below(&seed, ROWS - 2);
  p->some_categories = grove__random_below(&seed, 3) == 0;
  p->some_monotone = grove__random_below(&seed, 3) == 0;
  for (size_t f = 0; f < p->features; f++) {
    p->column[f] = p->x[f];
    p->category[f] = grove__random_below(&seed, 4) == 0;
    p->monotone[f] = (int8_t)(p->category[f] ? 0 : (int)grove__random_below(&seed, 3) - 1);
    for (size_t i = 0; i < p->rows; i++) {
      p->x[f][i] = draw(1) < missing ? NAN : floor(draw(f % 4 == 3 ? 3 : grain));
    }
  }
  for (size_t i = 0; i < p->rows; i++) {
    double x = isnan(p->x[0][i]) ? 1 : p->x[0][i];
    p->y[i] = grain == 7 ? floor(draw(4)) : x / grain + draw(1);
  }
}

static void make_job(struct problem *p)
{
  bool means = grove__random_below(&seed, 2) != 0, ranks = grove__random_below(&seed, 2) != 0;
  check_ok(
      grove__bins_make(&grove__allocator_malloc, &(grove_matrix){p->column, p->features, p->rows},
          NULL, p->some_categories ? p->category : NULL, 255, ranks, NULL, &p->bins));
  p->job = (grove__job){.bins = &p->bins,
      .column = {p->column, NULL},
      .value = p->value,
      .target = means ? p->y : NULL,
      .leaf_unit = 0.3,
      .weight_unit = 1,
      .gain_unit = 0x1p-40,
      .alpha = grove__random_below(&seed, 2) ? 0 : draw(1e6),
      .lambda = means ? 0 : (double)grove__random_below(&seed, 3),
      .least_gain = means ? -1 : draw(0.1),
      .least_leaf = (double)grove__random_below(&seed, 4),
      .least_split = 2,
      .max_depth = grove__random_below(&seed, 2) ? 100 : 9,
      .level_features = p->features,
      .node_features = grove__random_below(&seed, 2) ? p->features : 1 + p->features / 2,
      .random_ties = grove__random_below(&seed, 2) != 0,
      .random_cuts = grove__random_below(&seed, 5) == 0,
      .monotone = p->some_monotone ? p->monotone : NULL,
      .seed = seed};
  if (!means && grove__random_below(&seed, 2)) {
    p->job.category = (grove__category_rule){3, 2, 10, 20, 4};
  }
  check_ok(grove__pack_choose(8, 3 * p->rows, false, &p->job.pack));
  for (size_t i = 0; i < p->rows; i++) {
    int64_t w = means ? 1 + (int64_t)grove__random_below(&seed, 2) : 1;
    p->value[i] = llrint(p->y[i] * p->job.pack.scale) * w * ((int64_t)1 << p->job.pack.shift) + w;
  }
}

static grove__tree grow(struct problem *p, const grove__grow_kernels *kernels)
{
  const grove_allocator *a = &grove__allocator_malloc;
  grove__grower g;
  grove__tree tree;
  p->job.kernels = kernels;
  check_ok(grove__grower_make(a, &p->bins, false, p->rows, &g));
  g.rows = malloc(p->rows * sizeof *g.rows);
  g.spare = malloc(p->rows * sizeof *g.spare);
  g.nodes = malloc(2 * p->rows * sizeof *g.nodes);
  g.facts = malloc(2 * p->rows * sizeof *g.facts);
  for (size_t i = 0; i < p->rows; i++) {
    g.rows[i] = (uint32_t)i;
  }
  g.used = 1;
  g.sets = p->bins.category ? malloc(p->rows * GROVE__SET_WORDS * sizeof *g.sets) : NULL;
  grove__pending root = grove__grow_root(&p->job, g.rows, p->rows);
  grove__grow_begin(&g, &p->job, &root);
  while (!grove__grow_some(&g, 1000)) {}
  check_ok(grove__tree_copy(
      a, NULL, g.nodes, g.facts, g.used, g.sets, p->bins.edge, GROVE__BIN_VALUES, &tree));
  free(g.sets);
  free(g.rows);
  free(g.spare);
  free(g.nodes);
  free(g.facts);
  grove__grower_free(&g);
  return tree;
}

static bool are_equal(const grove__tree *a, const grove__tree *b)
{
  return a->count == b->count && a->word_count == b->word_count &&
         !memcmp(a->nodes, b->nodes, a->count * sizeof *a->nodes) &&
         !memcmp(a->facts, b->facts, a->count * sizeof *a->facts) &&
         (!a->word_count || !memcmp(a->words, b->words, a->word_count * sizeof *a->words));
}

static void every_set_grows_the_same_trees(void **state)
{
  const grove__grow_kernels *k;
  (void)state;
  static struct problem p;
  seed = 11;
  for (int round = 0; round < 300; round++) {
    make_numbers(&p);
    make_job(&p);
    grove__tree want = grow(&p, grove__grow_kernels_at(0));
    uint8_t *column = p.bins.column; // rows are parted by it where there is one, else by words
    assert_non_null(column);
    for (size_t level = 0; (k = grove__grow_kernels_at(level)); level++) {
      p.bins.column = round % 2 ? NULL : column;
      grove__tree got = grow(&p, k);
      p.bins.column = column;
      if (!are_equal(&got, &want)) {
        fail_msg("round %d: %s grows another tree", round, k->name);
      }
      grove__tree_free(&grove__allocator_malloc, &got);
    }
    grove__tree_free(&grove__allocator_malloc, &want);
    grove__bins_free(&p.bins);
  }
}

static grove__tree grow_exact(const struct problem *p, const grove__grow_kernels *kernels)
{
  grove__tree tree;
  grove__exact_rule rule = {.kernels = kernels,
      .max_depth = 1 + (uint32_t)(p->rows % 19),
      .least_split = 2,
      .least_leaf = 1 + p->rows % 4,
      .node_features = p->features,
      .category = p->some_categories ? p->category : NULL,
      .monotone = p->some_monotone ? p->monotone : NULL,
      .seed = p->rows};
  grove_matrix x = {p->column, p->features, p->rows};
  check_ok(grove__exact_grow(&grove__allocator_malloc, &x, p->y, &rule, NULL, &tree));
  return tree;
}

static void every_set_grows_the_same_exact_trees(void **state)
{
  const grove__grow_kernels *k;
  (void)state;
  static struct problem p;
  seed = 12;
  for (int round = 0; round < 150; round++) {
    make_numbers(&p);
    grove__tree want = grow_exact(&p, grove__grow_kernels_at(0));
    for (size_t level = 1; (k = grove__grow_kernels_at(level)); level++) {
      grove__tree got = grow_exact(&p, k);
      if (!are_equal(&got, &want)) {
        fail_msg("round %d: %s grows another tree", round, k->name);
      }
      grove__tree_free(&grove__allocator_malloc, &got);
    }
    grove__tree_free(&grove__allocator_malloc, &want);
  }
}

// Of every number of rows, with few keys and many, and with keys of one byte and of four.
static void every_set_sorts_alike(void **state)
{
  const grove__grow_kernels *k;
  uint32_t key[GROVE__SMALL];
  uint8_t want[GROVE__SMALL], got[GROVE__SMALL];
  (void)state;
  seed = 13;
  for (size_t n = 1; n <= GROVE__SMALL; n++) {
    for (unsigned bits = 2; bits <= 32; bits += 5) {
      uint32_t most = (uint32_t)(((uint64_t)1 << bits) - 1);
      for (size_t i = 0; i < n; i++) {
        key[i] = (uint32_t)grove__random_below(&seed, (uint64_t)most + 1);
      }
      grove__grow_kernels_at(0)->sort_small(key, want, n, most);
      for (size_t i = 1; i < n; i++) {
        uint32_t a = key[want[i - 1]], b = key[want[i]];
        assert_true(a < b || (a == b && want[i - 1] < want[i]));
      }
      for (size_t level = 1; (k = grove__grow_kernels_at(level)); level++) {
        k->sort_small(key, got, n, most);
        assert_memory_equal(got, want, n);
      }
    }
  }
}

static void the_best_is_the_last(void **state)
{
  size_t level = 0;
  (void)state;
  assert_ptr_equal(grove__grow_kernels_at(0), &grove__grow_kernels_portable);
  while (grove__grow_kernels_at(level + 1)) {
    level++;
  }
  assert_ptr_equal(grove__grow_kernels_best(), grove__grow_kernels_at(level));
  print_message("this machine runs %s\n", grove__grow_kernels_best()->name);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_set_grows_the_same_trees),
      cmocka_unit_test(every_set_grows_the_same_exact_trees),
      cmocka_unit_test(every_set_sorts_alike), cmocka_unit_test(the_best_is_the_last)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
