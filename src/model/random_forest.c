// Random forest of regression trees (Breiman 2001): each tree on rows drawn with repeats, all on all features
// unless told otherwise; the mean of the trees. Lanes grow a tree each, a millisecond at a time.
#include "base/error.h"
#include "base/random.h"
#include "base/status.h"
#include "model/fit_work.h"
#include "model/grow_kernels.h"
#include "model/tree_learner.h"
#include "model/watched.h"
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
  SPLITS,
  OOB,
  BUDGET = 240000, // row-features that take about a millisecond
  STEP = 4000,     // row-features between two looks at the others
  CHUNK = 2048     // rows that are asked of a tree at once
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
    {"splits", "best",
        "best, or random: one place a feature, drawn between its values (extra trees)", 0, 1,
        "splitter", "best=0 random=1", 1},
    {"oob_score", "false",
        "also take the error on the rows that trees did not draw: the last word of progress", 0, 1,
        NULL, "true=1 false=0", 1},
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
  grove__tree_room room;
  bool busy;
  size_t tree;
  grove_status status;
};

struct forest {
  grove__tree_model *model;
  const grove_work *work;
  const double *y;
  const double *row_weight; // NULL: all 1
  int64_t *units;           // by row, the weight in whole numbers; NULL: all 1
  double unit;              // what a whole number is worth
  double mean_units;        // of a row that counts
  uint32_t *counting;       // rows with a weight, if some have none
  size_t rows;
  size_t alive; // rows with a weight
  size_t drawn; // rows drawn for a tree
  grove__bins bins;
  grove__pack pack;
  int64_t *q; // by row, the quantised target
  double center;
  const grove_fit_data *data;
  uint64_t seed;
  struct lane *lanes;
  size_t lane_count;
  atomic_size_t next; // tree to begin with; who takes which does not matter
  atomic_size_t done;
  grove__watched watched;
  atomic_bool
      over; // a lane has had its millisecond: the others come to an end, too, so that none waits for long
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
  if (f->bins.category &&
      !(l->grower.sets = grove__alloc_array(a, n, GROVE__SET_WORDS * sizeof(uint32_t)))) {
    return false;
  }
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
    grove__free(a, l->grower.sets, n * GROVE__SET_WORDS * sizeof(uint32_t));
    grove__free(a, l->value, n * sizeof *l->value);
    grove__free(a, l->weight, n * sizeof *l->weight);
    grove__free(a, l->draws, n * sizeof *l->draws);
    grove__grower_free(&l->grower);
  }
}

static void draw_rows(const struct forest *f, uint64_t seed, uint32_t *draws)
{
  bool all = f->model->values[BOOTSTRAP] == 0;
  for (size_t i = 0; i < f->rows; i++) {
    draws[i] = all;
  }
  for (size_t i = 0; !all && i < f->drawn; i++) {
    size_t k = (size_t)grove__random_below(&seed, f->alive);
    draws[f->counting ? f->counting[k] : k]++;
  }
}

static uint64_t seed_of(const struct forest *f, size_t tree)
{
  return grove__mix64(grove__mix64(f->seed) + tree);
}

static void begin_tree(struct lane *l, size_t tree)
{
  struct forest *f = l->forest;
  uint64_t seed = seed_of(f, tree);
  uint32_t n = 0;
  draw_rows(f, seed, l->draws);
  for (size_t i = 0; i < f->rows; i++) {
    int64_t w = f->units ? l->draws[i] * f->units[i] : l->draws[i];
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
  grove__pending root = grove__grow_root(&l->job, l->grower.rows, n);
  grove__grow_begin(&l->grower, &l->job, &root);
}

static void end_tree(struct lane *l)
{
  struct forest *f = l->forest;
  grove__ensemble *e = &f->model->ensemble;
  l->busy = false;
  l->room.expected = (e->room - l->tree) / f->lane_count + 1;
  l->status =
      grove__tree_copy(&f->model->allocator, &l->room, l->grower.nodes, l->grower.facts,
          l->grower.used, l->grower.sets, f->bins.edge, GROVE__BIN_VALUES, &e->trees[l->tree]);
  atomic_fetch_add_explicit(&f->done, 1, memory_order_relaxed); // read after parallel_for's end
}

// A chunk: goes on with the lane's tree, or with the next one.
static void advance(void *user, size_t i)
{
  struct forest *f = user;
  struct lane *l = &f->lanes[i];
  for (size_t spent = 0; spent < BUDGET && !l->status && !grove__work_cancelled(f->work);) {
    if (!l->busy) {
      size_t tree = atomic_fetch_add_explicit(&f->next, 1, memory_order_relaxed); // only a ticket
      if (tree >= f->model->ensemble.room) {
        return;
      }
      begin_tree(l, tree);
    }
    if (grove__grow_some(&l->grower, STEP)) {
      end_tree(l);
      if (f->watched.x) { // a curve wants a point for each
        break;
      }
      spent += f->rows; // for copying it, and drawing the next one's rows
    }
    spent += STEP;
    if (atomic_load_explicit(&f->over, memory_order_relaxed)) { // no more than a hint
      return;
    }
  }
  atomic_store_explicit(&f->over, true, memory_order_relaxed);
}

static grove_status grow_all(struct forest *f, grove_error *err)
{
  grove__ensemble *e = &f->model->ensemble;
  size_t done = 0;
  while (done < e->room) {
    atomic_store_explicit(&f->over, false, memory_order_relaxed); // parallel_for begins after this
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
      double error = grove__watched_error(&f->watched, e, true);
      if (isnan(error)) {
        grove__work_progress(f->work, done, e->room);
      } else {
        grove__work_report(f->work, done, e->room, "mse", error);
      }
      if (grove__work_expired(f->work)) {
        break;
      }
    }
  }
  return GROVE_OK;
}

// ---- the error on rows that trees did not draw --------------------------------------------------------
struct outside {
  struct forest *f;
  const grove_matrix *x;
  double *sum;
  uint32_t *votes;
  uint32_t *draws; // of the tree at hand
  size_t tree;
};

static void add_votes(void *user, size_t chunk)
{
  struct outside *o = user;
  const grove__ensemble *e = &o->f->model->ensemble;
  size_t from = chunk * CHUNK, end = o->f->rows - from < CHUNK ? o->f->rows : from + CHUNK;
  for (size_t i = from; i < end; i++) {
    if (!o->draws[i]) {
      o->sum[i] += grove__tree_walk(e, &e->trees[o->tree], grove__features_of(o->f->data), i);
      o->votes[i]++;
    }
  }
}

static double outside_error(const struct outside *o)
{
  double sum = 0, weight = 0;
  for (size_t i = 0; i < o->f->rows; i++) {
    double w = o->f->row_weight ? o->f->row_weight[i] : 1;
    if (o->votes[i]) {
      double d = o->f->y[i] - o->sum[i] / o->votes[i];
      sum += w * d * d;
      weight += w;
    }
  }
  return weight > 0 ? sum / weight : NAN;
}

// After growing, in the order of trees: what they drew follows from the seed again.
static grove_status take_outside(struct forest *f, const grove_matrix *x, grove_error *err)
{
  const grove_allocator *a = &f->model->allocator;
  const grove__ensemble *e = &f->model->ensemble;
  size_t n = f->rows, chunks = (n + CHUNK - 1) / CHUNK;
  struct outside o = {.f = f, .x = x};
  o.sum = grove__alloc_zero(a, n * sizeof *o.sum);
  o.votes = grove__alloc_zero(a, n * sizeof *o.votes);
  o.draws = grove__alloc_array(a, n, sizeof *o.draws);
  grove_status s = o.sum && o.votes && o.draws ? GROVE_OK : GROVE_ENOMEM;
  for (; s == GROVE_OK && o.tree < e->room; o.tree++) {
    if (e->trees[o.tree].nodes) {
      draw_rows(f, seed_of(f, o.tree), o.draws);
      s = grove__work_run(f->work, chunks, 4, add_votes, &o);
    }
  }
  double error = s == GROVE_OK ? outside_error(&o) : 0;
  if (s == GROVE_OK && !isnan(error)) {
    grove__work_report(f->work, e->room, e->room, "oob", error);
    s = grove__tree_model_keep_loss(f->model, error);
  }
  grove__free(a, o.sum, n * sizeof *o.sum);
  grove__free(a, o.votes, n * sizeof *o.votes);
  grove__free(a, o.draws, n * sizeof *o.draws);
  if (s == GROVE_ENOMEM) {
    return grove__error_memory(err, "the error out of bag", n * 16);
  }
  return s ? grove__error(err, s, -1, "cancelled while the error out of bag was taken") : s;
}

// Trees without gaps, when time ran out.
static void close_gaps(grove__ensemble *e)
{
  for (size_t t = 0; t < e->room; t++) {
    if (e->trees[t].nodes) {
      grove__tree tree = e->trees[t];
      e->trees[t] = (grove__tree){0};
      e->trees[e->count++] = tree;
    }
  }
  e->divide = (double)e->count;
}

static grove__job job_of(const struct forest *f, const struct lane *l, const grove_matrix *x)
{
  const double *v = f->model->values;
  double mean = f->units ? f->mean_units : 1;
  double least = v[MIN_DECREASE] * (double)f->drawn * mean * f->unit;
  return (grove__job){.kernels = grove__grow_kernels_best(),
      .bins = &f->bins,
      .column = grove__features_of(f->data),
      .pack = f->pack,
      .value = l->value,
      .weight = l->weight,
      .target = f->y,
      .leaf_unit = f->pack.unit,
      .weight_unit = f->unit,
      .gain_unit = f->pack.unit * f->pack.unit * f->unit,
      .least_gain = least > 0 ? least : -1,
      // Of rows with weights about so many; one row is one, however little it weighs.
      .least_leaf = v[MIN_LEAF] > 1 ? v[MIN_LEAF] * mean : 1,
      .least_split = v[MIN_SPLIT] > 2 ? v[MIN_SPLIT] * mean : 2,
      .max_depth = grove__depth_of(v[MAX_DEPTH]),
      .level_features = x->columns,
      .node_features = grove__features_at_node(v[MAX_FEATURES], x->columns),
      .random_ties = true,
      .random_cuts = v[SPLITS] != 0,
      .monotone = f->data->monotone,
      .center = f->center};
}

// Weights as whole numbers that sum to about 2^29, so that a tree's draws stay below 2^31.
static bool weigh_rows(struct forest *f)
{
  const double *w = f->row_weight;
  const grove_allocator *a = &f->model->allocator;
  double sum = 0;
  int exponent;
  f->unit = 1;
  f->alive = f->rows;
  if (!w) {
    return true;
  }
  f->units = grove__alloc_array(a, f->rows, sizeof *f->units);
  f->counting = grove__alloc_array(a, f->rows, sizeof *f->counting);
  if (!f->units || !f->counting) {
    return false;
  }
  for (size_t i = 0; i < f->rows; i++) {
    sum += w[i];
  }
  frexp(sum, &exponent);
  f->unit = ldexp(1, exponent - 29);
  f->alive = 0;
  for (size_t i = 0; i < f->rows; i++) {
    int64_t units = llrint(w[i] / f->unit);
    f->units[i] = w[i] > 0 && units < 1 ? 1 : units;
    f->counting[f->alive] = (uint32_t)i;
    f->alive += w[i] > 0;
  }
  f->mean_units = sum / f->unit / (double)f->alive;
  return true;
}

static grove_status prepare(struct forest *f, const grove_matrix *x, grove_error *err)
{
  const grove_allocator *a = &f->model->allocator;
  double most, center = f->center = grove__center_of(f->y, f->rows, &most);
  bool all = weigh_rows(f);
  f->drawn = f->model->values[BOOTSTRAP] != 0
                 ? grove__share_of(f->model->values[MAX_SAMPLES], f->alive)
                 : f->alive;
  uint64_t weight = f->row_weight ? (uint64_t)1 << 31 : f->drawn;
  if (grove__pack_choose(most, weight, f->row_weight != NULL, &f->pack)) {
    return grove__error(err, GROVE_ELIMIT, -1, "%zu rows are too many for a forest", f->rows);
  }
  f->q = grove__alloc_array(a, f->rows, sizeof *f->q);
  size_t width = grove__work_width(f->work);
  f->lane_count = width < f->model->ensemble.room ? width : f->model->ensemble.room;
  f->lanes = grove__alloc_zero(a, f->lane_count * sizeof *f->lanes);
  all = all && f->q && f->lanes;
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

static void release(struct forest *f)
{
  const grove_allocator *a = &f->model->allocator;
  for (size_t i = 0; f->lanes && i < f->lane_count; i++) {
    grove__ensemble_keep(&f->model->ensemble, &f->lanes[i].room);
    free_lane(f, &f->lanes[i]);
  }
  grove__free(a, f->lanes, f->lane_count * sizeof *f->lanes);
  grove__free(a, f->q, f->rows * sizeof *f->q);
  grove__free(a, f->units, f->rows * sizeof *f->units);
  grove__free(a, f->counting, f->rows * sizeof *f->counting);
  grove__bins_free(&f->bins);
}

static grove_status fit_data(
    void *state, const grove_fit_data *d, const grove_work *work, grove_error *err)
{
  grove__tree_model *m = state;
  const grove_matrix *x = d->x;
  struct forest f = {.model = m,
      .data = d,
      .work = work,
      .y = d->y,
      .row_weight = d->weight,
      .rows = x->rows,
      .seed = d->seed};
  GROVE__TRY(grove__tree_check_size(x, err));
  if (d->validation_x) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "a forest has no rows to validate on: its trees do not build on each other");
  }
  grove_status s = grove__ensemble_init(&m->ensemble, &m->allocator, (size_t)m->values[TREES]);
  if (s == GROVE_OK) {
    m->ensemble.features = (uint32_t)x->columns;
    s = grove__bins_make(
        &m->allocator, x, d->floats, d->categorical, GROVE__BIN_VALUES, true, work, &f.bins);
  }
  if (s) {
    return s == GROVE_ENOMEM
               ? grove__error_memory(err, "sorted features", (uint64_t)x->rows * x->columns * 5)
               : s;
  }
  s = prepare(&f, x, err);
  if (!s && grove__watched_init(&f.watched, &m->allocator, d, m->ensemble.room)) {
    s = grove__error_memory(err, "rows that are watched", d->watch_x->rows);
  }
  s = s ? s : grow_all(&f, err);
  grove__watched_deinit(&f.watched);
  if (s == GROVE_OK && m->values[OOB] != 0) {
    s = take_outside(&f, x, err);
  }
  close_gaps(&m->ensemble);
  release(&f);
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

static uint64_t estimate(const double *values, size_t rows, size_t columns, size_t width)
{
  uint64_t histogram = (columns + GROVE__BLOCK - 1) / GROVE__BLOCK * GROVE__BLOCK * 256 * 8 * 2;
  uint64_t lane = (uint64_t)rows * 80 + 40 * histogram + columns * 4096 + sizeof(grove__tile);
  uint32_t depth = grove__depth_of(values[MAX_DEPTH]);
  return grove__bins_bytes(rows, columns, true, width) + (uint64_t)rows * 36 + width * lane +
         (uint64_t)values[TREES] * (grove__tree_bytes(rows, depth, 0, true) + 48);
}

static const grove_learner learner = {.struct_size = sizeof(grove_learner),
    .name = "random_forest",
    .parameters = parameters,
    .create = create,
    .destroy = grove__tree_model_destroy,
    .predict = grove__tree_model_predict,
    .save = grove__tree_model_save,
    .load = grove__tree_model_load_plain,
    .aliases = "forest rf",
    .flags = GROVE_LEARNER_MISSING | GROVE_LEARNER_CATEGORIES | GROVE_LEARNER_MONOTONE |
             GROVE_LEARNER_FLOATS,
    .fit_data = fit_data};
const grove__builtin grove__random_forest = GROVE__TREE_BUILTIN(learner, create_in, estimate);
