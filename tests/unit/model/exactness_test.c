// The tree against CART written down plainly, and the quick growers against the tree.
#include "model_fixture.h"

enum { ROWS = 90, FEATURES = 3 };

static uint64_t seed;

// A plain tree: tries every split of every feature with the missing on either side.
struct plain {
  double x[FEATURES][ROWS];
  double y[ROWS];
  uint32_t max_depth;
  size_t least_leaf;
};

struct cut {
  double gain, threshold;
  size_t feature;
  bool missing_left;
};

static bool goes_left(const struct cut *c, double x)
{
  return isnan(x) ? c->missing_left : x <= c->threshold;
}

static double gain_of(const struct plain *p, const size_t *rows, size_t n, const struct cut *c)
{
  double sum[2] = {0, 0}, count[2] = {0, 0};
  for (size_t i = 0; i < n; i++) {
    int l = goes_left(c, p->x[c->feature][rows[i]]);
    sum[l] += p->y[rows[i]];
    count[l]++;
  }
  bool allowed = count[0] >= (double)p->least_leaf && count[1] >= (double)p->least_leaf;
  return allowed ? sum[0] * sum[0] / count[0] + sum[1] * sum[1] / count[1] : -1;
}

// The threshold behind value x: the middle to the next larger one in the node.
static double behind(const struct plain *p, const size_t *rows, size_t n, size_t f, double x)
{
  double next = INFINITY;
  for (size_t i = 0; i < n; i++) {
    double v = p->x[f][rows[i]];
    next = v > x && v < next ? v : next;
  }
  return isinf(next) ? INFINITY : x / 2 + next / 2;
}

static struct cut best_cut(const struct plain *p, const size_t *rows, size_t n)
{
  struct cut best = {-1, 0, 0, false};
  for (size_t f = 0; f < FEATURES; f++) {
    size_t missing = 0;
    for (size_t i = 0; i < n; i++) {
      missing += isnan(p->x[f][rows[i]]);
    }
    for (size_t i = 0; i < n; i++) {
      for (int left = 0; left < (missing ? 2 : 1) && !isnan(p->x[f][rows[i]]); left++) {
        struct cut c = {-1, behind(p, rows, n, f, p->x[f][rows[i]]), f, left};
        c.gain = gain_of(p, rows, n, &c);
        if (c.gain > best.gain * (1 + 1e-13) + 1e-300) {
          best = c;
        }
      }
    }
    best.missing_left = best.feature == f && !missing && best.gain >= 0 ? true : best.missing_left;
  }
  return best;
}

static double grow(const struct plain *p, size_t *rows, size_t n, uint32_t depth, const double *row)
{
  double sum = 0;
  bool pure = true;
  for (size_t i = 0; i < n; i++) {
    sum += p->y[rows[i]];
    pure = pure && p->y[rows[i]] == p->y[rows[0]];
  }
  struct cut c = {-1, 0, 0, false};
  if (!pure && depth < p->max_depth) {
    c = best_cut(p, rows, n);
  }
  if (c.gain < 0) {
    return sum / (double)n;
  }
  size_t kept = 0;
  bool left = goes_left(&c, row[c.feature]);
  for (size_t i = 0; i < n; i++) {
    if (goes_left(&c, p->x[c.feature][rows[i]]) == left) {
      rows[kept++] = rows[i];
    }
  }
  return grow(p, rows, kept, depth + 1, row);
}

static void check_tree(const struct plain *p, const grove_model *m)
{
  for (size_t i = 0; i < ROWS; i++) {
    double row[FEATURES];
    size_t rows[ROWS];
    for (size_t k = 0; k < ROWS; k++) {
      rows[k] = k;
    }
    for (size_t f = 0; f < FEATURES; f++) { // a row of the data, or a mix of two
      row[f] = p->x[f][i % 2 ? i : (i * 7 + f * 31) % ROWS];
    }
    bool has_nan = isnan(row[0]) || isnan(row[1]) || isnan(row[2]);
    // What a node without missing rows does with one is the tree's own choice.
    if (!has_nan || i % 2) {
      double want = grow(p, rows, ROWS, 0, row), got = predict_row(m, FEATURES, row);
      assert_true(fabs(want - got) < 1e-9);
    }
  }
}

static void the_tree_is_cart(void **state)
{
  (void)state;
  static struct plain p;
  for (size_t round = 0; round < 12; round++) {
    char depth[16], leaf[16];
    double v[(FEATURES + 1) * ROWS];
    for (size_t i = 0; i < ROWS; i++) {
      for (size_t f = 0; f < FEATURES; f++) {
        p.x[f][i] = grove__random_unit(&seed);
        p.x[f][i] = round % 3 == 2 && grove__random_unit(&seed) < 0.15 ? NAN : p.x[f][i];
        v[f * ROWS + i] = p.x[f][i];
      }
      p.y[i] = v[FEATURES * ROWS + i] = grove__random_unit(&seed);
    }
    p.max_depth = 1 + (uint32_t)round % 5;
    p.least_leaf = 1 + round % 4 * 3;
    snprintf(depth, sizeof depth, "%u", p.max_depth);
    snprintf(leaf, sizeof leaf, "%zu", p.least_leaf);
    grove_table *t = make_table(FEATURES + 1, ROWS, v);
    grove_model *m = fit_model(
        "decision_tree", PARAMETERS({"max_depth", depth}, {"min_samples_leaf", leaf}), t, NULL);
    check_tree(&p, m);
    grove_model_destroy(m);
    grove_table_release(t);
  }
}

// Few distinct values, so that bins lose nothing: one tree of a forest on all rows is the tree.
static void the_forest_grows_the_same_tree(void **state)
{
  (void)state;
  static double v[5 * 6000], a[6000], b[6000];
  for (size_t rows = 100; rows <= 6000; rows *= 60) {
    for (int missing = 0; missing < 2; missing++) {
      for (size_t i = 0; i < 4 * rows; i++) {
        v[i] = floor(grove__random_unit(&seed) * (i / rows == 3 ? 7 : 200));
        v[i] = missing && grove__random_unit(&seed) < 0.1 ? NAN : v[i];
      }
      for (size_t i = 0; i < rows; i++) {
        v[4 * rows + i] = (isnan(v[i]) ? 90 : v[i]) + v[3 * rows + i] * grove__random_unit(&seed);
        v[4 * rows + i] = isnan(v[4 * rows + i]) ? 50 : v[4 * rows + i];
      }
      grove_error err = {0};
      grove_table *t = make_table(5, rows, v);
      grove_model *tree = fit_model("decision_tree", PARAMETERS({"max_depth", "6"}), t, NULL);
      grove_model *forest = fit_model("random_forest",
          PARAMETERS({"max_depth", "6"}, {"n_estimators", "1"}, {"bootstrap", "false"}), t, NULL);
      check_ok_err(grove_model_predict(tree, t, a, rows, &err), &err);
      check_ok_err(grove_model_predict(forest, t, b, rows, &err), &err);
      for (size_t i = 0; i < rows; i++) {
        assert_true(fabs(a[i] - b[i]) < 1e-9);
      }
      grove_model_destroy(tree);
      grove_model_destroy(forest);
      grove_table_release(t);
    }
  }
}

// A strictly rising map of a feature changes no row's way.
static void exact_splits_see_ranks_only(void **state)
{
  (void)state;
  enum { N = 400 };
  static double v[3 * N], a[N], b[N];
  grove_error err = {0};
  for (size_t i = 0; i < 3 * N; i++) {
    v[i] = grove__random_unit(&seed);
  }
  for (int k = 0; k < 2; k++) {
    grove_table *t = make_table(3, N, v);
    grove_model *m = fit_model("decision_tree", PARAMETERS({"max_depth", "5"}), t, NULL);
    check_ok_err(grove_model_predict(m, t, k ? b : a, N, &err), &err);
    grove_model_destroy(m);
    grove_table_release(t);
    for (size_t i = 0; i < N; i++) {
      v[i] = exp(v[i] * 3) - 1;
    }
  }
  assert_memory_equal(a, b, sizeof a);
}

int main(int argc, char **argv)
{
  seed = check_seed(argc, argv, 11);
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_tree_is_cart),
      cmocka_unit_test(the_forest_grows_the_same_tree),
      cmocka_unit_test(exact_splits_see_ranks_only)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
