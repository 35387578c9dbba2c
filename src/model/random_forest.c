// Random forest of regression trees (Breiman 2001): each tree on rows drawn with repeats, all on all features
// unless told otherwise; the mean of the trees. Lanes grow a tree each, a millisecond at a time.
#include "base/error.h"
#include "base/random.h"
#include "base/status.h"
#include "model/fit_work.h"
#include "model/kernels.h"
#include "model/tree_learner.h"
#include <math.h>
#include <stdatomic.h>

enum {
  TREES,
  MAX_DEPTH,
  MAX_FEATURES,
  BOOTSTRAP,
  MAX_SAMPLES,
  MIN_SPLIT,
  MIN_LEAF,
  MIN_DECREASE,
  BUDGET = 120000 // row-features that take about a millisecond
};

static const grove_parameter_info parameters[] = {
    {"n_estimators", "150", "how many trees", 1, 1000000,
        "n_trees num_trees num_boost_round "
        "num_iterations num_rounds iterations trees",
        NULL, 1},
    {"max_depth", "none", "most levels of splits; none: no limit", 1, 1000000, "depth",
        "none=0 unlimited=0 0=0 -1=0", 1},
    {"max_features", "1", "features a split looks at: up to 1 a share, above a number", 1e-9,
        1000000000, "colsample_bynode feature_fraction_bynode mtry",
        "all=1 auto=1 none=1 sqrt=-1 log2=-2", 0},
    {"bootstrap", "true", "draw rows with repeats for each tree", 0, 1, NULL, "true=1 false=0", 1},
    {"max_samples", "1", "rows drawn for a tree: up to 1 a share, above a number", 1e-9, 1000000000,
        "sample_fraction", "all=1 none=1", 0},
    {"min_samples_split", "2", "rows a node needs to be split, repeats counted", 2, 1000000000,
        "min_split", NULL, 1},
    {"min_samples_leaf", "1", "rows of a leaf at least, repeats counted", 1, 1000000000,
        "min_data_in_leaf min_child_samples min_leaf", NULL, 1},
    {"min_impurity_decrease", "0",
        "least gain of a split: share of rows times decrease of variance", 0, 1e300, NULL, NULL, 0},
    {NULL, NULL, NULL, 0, 0, NULL, NULL, 0}};

struct forest;

// One tree at a time, and the room for it.
struct lane {
  struct forest *forest;
  grove__grower grower;
  grove__job job;
  int64_t *value;
  int64_t *weight; // when wide
  uint32_t *draws;
  bool busy;
  size_t tree;
  grove_status status;
};

struct forest {
  grove__tree_model *model;
  const grove_work *work;
  const double *y;
  size_t rows;
  size_t drawn; // rows drawn for a tree
  grove__bins bins;
  grove__pack pack;
  int64_t *q; // by row, the quantised target
  uint64_t seed;
  struct lane *lanes;
  size_t lane_count;
  atomic_size_t next; // tree to begin with; who takes which does not matter
  atomic_size_t done;
};

static bool make_lane(struct forest *f, struct lane *l)
{
  const grove_allocator *a = &f->model->allocator;
  size_t n = f->rows;
  l->forest = f;
  if (grove__grower_make(a, &f->bins, f->pack.wide, n, &l->grower)) {
    return false;
  }
  l->grower.rows = grove__alloc_array(a, n, sizeof(uint32_t));
  l->grower.spare = grove__alloc_array(a, n, sizeof(uint32_t));
  l->grower.nodes = grove__alloc_array(a, 2 * n, sizeof(grove__node));
  l->grower.facts = grove__alloc_array(a, 2 * n, sizeof(grove__node_fact));
  l->value = grove__alloc_array(a, n, sizeof *l->value);
  l->weight = f->pack.wide ? grove__alloc_array(a, n, sizeof *l->weight) : NULL;
  l->draws = grove__alloc_array(a, n, sizeof *l->draws);
  return l->grower.rows && l->grower.spare && l->grower.nodes && l->grower.facts && l->value &&
         l->draws && (l->weight || !f->pack.wide);
}

static void free_lane(struct forest *f, struct lane *l)
{
  const grove_allocator *a = &f->model->allocator;
  size_t n = f->rows;
  if (l->forest) {
    grove__free(a, l->grower.rows, n * sizeof(uint32_t));
    grove__free(a, l->grower.spare, n * sizeof(uint32_t));
    grove__free(a, l->grower.nodes, 2 * n * sizeof(grove__node));
    grove__free(a, l->grower.facts, 2 * n * sizeof(grove__node_fact));
    grove__free(a, l->value, n * sizeof *l->value);
    grove__free(a, l->weight, n * sizeof *l->weight);
    grove__free(a, l->draws, n * sizeof *l->draws);
    grove__grower_free(&l->grower);
  }
}

static void draw_rows(struct forest *f, struct lane *l, uint64_t seed)
{
  if (f->model->values[BOOTSTRAP] == 0) {
    for (size_t i = 0; i < f->rows; i++) {
      l->draws[i] = 1;
    }
    return;
  }
  memset(l->draws, 0, f->rows * sizeof *l->draws);
  for (size_t i = 0; i < f->drawn; i++) {
    l->draws[grove__random_below(&seed, f->rows)]++;
  }
}

static void begin_tree(struct lane *l, size_t tree)
{
  struct forest *f = l->forest;
  uint64_t seed = grove__mix64(grove__mix64(f->seed) + tree);
  uint32_t n = 0;
  draw_rows(f, l, seed);
  for (size_t i = 0; i < f->rows; i++) {
    int64_t w = l->draws[i];
    l->value[i] = f->q[i] * w * ((int64_t)1 << f->pack.shift);
    if (f->pack.wide) {
      l->weight[i] = w;
    } else {
      l->value[i] += w;
    }
    l->grower.rows[n] = (uint32_t)i;
    n += w > 0;
  }
  l->tree = tree;
  l->busy = true;
  l->job.seed = ~seed;
  l->grower.used = 1;
  grove__pending root = {.count = n, .all = grove__grow_sum(&l->job, l->grower.rows, n)};
  grove__grow_begin(&l->grower, &l->job, &root);
}

// A chunk: goes on with the lane's tree, or with the next one.
static void advance(void *user, size_t i)
{
  struct forest *f = user;
  struct lane *l = &f->lanes[i];
  if (l->status || grove__work_cancelled(f->work)) {
    return;
  }
  if (!l->busy) {
    size_t tree = atomic_fetch_add_explicit(&f->next, 1, memory_order_relaxed); // only a ticket
    if (tree >= f->model->ensemble.room) {
      return;
    }
    begin_tree(l, tree);
  }
  if (grove__grow_some(&l->grower, BUDGET)) {
    l->busy = false;
    l->status = grove__tree_copy(&f->model->allocator, l->grower.nodes, l->grower.facts,
        l->grower.used, &f->model->ensemble.trees[l->tree]);
    atomic_fetch_add_explicit(&f->done, 1, memory_order_relaxed); // read after parallel_for's end
  }
}

static grove_status grow_all(struct forest *f, grove_error *err)
{
  grove__ensemble *e = &f->model->ensemble;
  size_t done = 0;
  while (done < e->room) {
    if (grove__work_run(f->work, f->lane_count, 1, advance, f)) {
      return grove__error(
          err, GROVE_ECANCELED, -1, "cancelled after %zu of %zu trees", done, e->room);
    }
    for (size_t i = 0; i < f->lane_count; i++) {
      if (f->lanes[i].status) {
        return grove__error_memory(err, "a tree", 0);
      }
    }
    size_t now = atomic_load_explicit(&f->done, memory_order_relaxed);
    if (now != done) {
      done = now;
      grove__work_progress(f->work, done, e->room);
      if (grove__work_expired(f->work)) {
        break;
      }
    }
  }
  for (size_t t = 0; t < e->room; t++) { // without gaps, when time ran out
    if (e->trees[t].nodes) {
      grove__tree tree = e->trees[t];
      e->trees[t] = (grove__tree){0};
      e->trees[e->count++] = tree;
    }
  }
  e->divide = (double)e->count;
  return GROVE_OK;
}

static grove__job job_of(const struct forest *f, const struct lane *l, const grove_matrix *x)
{
  const double *v = f->model->values;
  double least = v[MIN_DECREASE] * (double)f->drawn;
  return (grove__job){.kernels = grove__kernels_best(),
      .bins = &f->bins,
      .column = x->column,
      .pack = f->pack,
      .value = l->value,
      .weight = l->weight,
      .target = f->y,
      .leaf_unit = f->pack.unit,
      .weight_unit = 1,
      .gain_unit = f->pack.unit * f->pack.unit,
      .least_gain = least > 0 ? least : -1,
      .least_leaf = v[MIN_LEAF],
      .least_split = v[MIN_SPLIT],
      .max_depth = grove__depth_of(v[MAX_DEPTH]),
      .level_features = x->columns,
      .node_features = grove__features_at_node(v[MAX_FEATURES], x->columns),
      .random_ties = true};
}

static grove_status prepare(struct forest *f, const grove_matrix *x, grove_error *err)
{
  const grove_allocator *a = &f->model->allocator;
  double most, center = grove__center_of(f->y, f->rows, &most);
  f->drawn = f->model->values[BOOTSTRAP] != 0
                 ? grove__share_of(f->model->values[MAX_SAMPLES], f->rows)
                 : f->rows;
  if (grove__pack_choose(most, f->drawn, false, &f->pack)) {
    return grove__error(err, GROVE_ELIMIT, -1, "%zu rows are too many for a forest", f->rows);
  }
  f->q = grove__alloc_array(a, f->rows, sizeof *f->q);
  size_t width = grove__work_width(f->work);
  f->lane_count = width < f->model->ensemble.room ? width : f->model->ensemble.room;
  f->lanes = grove__alloc_zero(a, f->lane_count * sizeof *f->lanes);
  bool all = f->q && f->lanes;
  for (size_t i = 0; all && i < f->lane_count; i++) {
    all = make_lane(f, &f->lanes[i]);
    f->lanes[i].job = job_of(f, &f->lanes[i], x);
  }
  if (!all) {
    return grove__error_memory(err, "growing trees", f->lane_count * f->rows * 56);
  }
  for (size_t i = 0; i < f->rows; i++) {
    f->q[i] = llrint((f->y[i] - center) * f->pack.scale);
  }
  return GROVE_OK;
}

static grove_status fit(void *state, const grove_matrix *x, const double *y, uint64_t seed,
    const grove_work *work, grove_error *err)
{
  grove__tree_model *m = state;
  const grove_allocator *a = &m->allocator;
  struct forest f = {.model = m, .work = work, .y = y, .rows = x->rows, .seed = seed};
  GROVE__TRY(grove__tree_check_size(x, err));
  grove_status s = grove__ensemble_init(&m->ensemble, a, (size_t)m->values[TREES]);
  if (s == GROVE_OK) {
    m->ensemble.features = (uint32_t)x->columns;
    s = grove__bins_make(a, x, GROVE__BIN_VALUES, true, work, &f.bins);
  }
  if (s) {
    return s == GROVE_ENOMEM
               ? grove__error_memory(err, "sorted features", (uint64_t)x->rows * x->columns * 5)
               : s;
  }
  s = prepare(&f, x, err);
  if (s == GROVE_OK) {
    s = grow_all(&f, err);
  }
  for (size_t i = 0; f.lanes && i < f.lane_count; i++) {
    free_lane(&f, &f.lanes[i]);
  }
  grove__free(a, f.lanes, f.lane_count * sizeof *f.lanes);
  grove__free(a, f.q, f.rows * sizeof *f.q);
  grove__bins_free(&f.bins);
  return s;
}

static grove_status create_in(
    const grove_allocator *a, const double *values, void **state, grove_error *err)
{
  return grove__tree_model_create(a, values, GROVE__COUNT(parameters) - 1, state, err);
}

static grove_status create(const double *values, void **state, grove_error *err)
{
  return create_in(&grove__allocator_malloc, values, state, err);
}

static const grove_learner learner = {.struct_size = sizeof(grove_learner),
    .name = "random_forest",
    .parameters = parameters,
    .create = create,
    .destroy = grove__tree_model_destroy,
    .fit = fit,
    .predict = grove__tree_model_predict,
    .save = grove__tree_model_save,
    .load = grove__tree_model_load_plain,
    .aliases = "forest rf",
    .flags = GROVE_LEARNER_MISSING};
const grove__builtin grove__random_forest = GROVE__TREE_BUILTIN(learner, create_in);
