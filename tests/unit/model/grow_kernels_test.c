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
  for (size_t f = 0; f < p->features; f++) {
    p->column[f] = p->x[f];
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
  check_ok(grove__bins_make(&grove__allocator_malloc,
      &(grove_matrix){p->column, p->features, p->rows}, 255, ranks, NULL, &p->bins));
  p->job = (grove__job){.bins = &p->bins,
      .column = p->column,
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
      .seed = seed};
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
  grove__pending root = {
      .count = (uint32_t)p->rows, .all = grove__grow_sum(&p->job, g.rows, p->rows)};
  grove__grow_begin(&g, &p->job, &root);
  while (!grove__grow_some(&g, 1000)) {}
  check_ok(grove__tree_copy(a, g.nodes, g.facts, g.used, &tree));
  free(g.rows);
  free(g.spare);
  free(g.nodes);
  free(g.facts);
  grove__grower_free(&g);
  return tree;
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
    for (size_t level = 1; (k = grove__grow_kernels_at(level)); level++) {
      grove__tree got = grow(&p, k);
      if (got.count != want.count || memcmp(got.nodes, want.nodes, got.count * sizeof *got.nodes) ||
          memcmp(got.facts, want.facts, got.count * sizeof *got.facts)) {
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
      if (got.count != want.count || memcmp(got.nodes, want.nodes, got.count * sizeof *got.nodes) ||
          memcmp(got.facts, want.facts, got.count * sizeof *got.facts)) {
        fail_msg("round %d: %s grows another tree", round, k->name);
      }
      grove__tree_free(&grove__allocator_malloc, &got);
    }
    grove__tree_free(&grove__allocator_malloc, &want);
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
      cmocka_unit_test(the_best_is_the_last)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
