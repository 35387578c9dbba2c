// Gradient boosting (Friedman 2001), with the second-order leaves and the regularised gain of Chen and Guestrin
// (2016): every tree is grown on what the ones before it left over.
#include "model/boosting.h"
#include "base/error.h"
#include "base/random.h"
#include "base/status.h"
#include "model/boost_tree.h"
#include "model/fit_work.h"
#include "model/grow_kernels.h"
#include "model/watched.h"
#include <math.h>
#include <stdatomic.h>

enum {
  CHUNK = 1 << 16, // rows whose gradients become whole numbers at a time
  PARTS = 8        // of the rows, whose largest derivatives are taken
};

struct boosting {
  grove__tree_model *model;
  const grove__boost_rule *rule;
  const grove_fit_data *data;
  const grove_work *work;
  size_t rows;
  size_t learned; // rows that are not kept back and have a weight
  grove__bins bins;
  grove__job job;
  bool plain; // all second derivatives are 1
  double *prediction;
  int64_t *value;
  atomic_int_least64_t sum; // of the values
  int64_t *weight;          // when wide
  double *first;   // derivatives by row, unless the loss is squared and plain
  double *second;  // unless plain
  uint8_t *use;    // features of the tree at hand
  uint32_t *draw;  // for drawing
  uint32_t *
      order; // rows that are learned from, rising; then those kept back; then those without weight. NULL: all are learned from
  uint32_t *sample; // rows of the tree at hand, then the others that are learned from
  grove__boost_tree tree;
  const grove_matrix *held; // rows to stop by; NULL: none
  const double *held_y;
  const double *held_weight;
  double *held_raw;
  double *kept; // targets and weights of rows kept back, if these are the ones to stop by
  size_t held_rows;
  double best_loss;
  size_t best_count; // trees
  grove__watched watched;
};

static inline uint32_t row_at(const struct boosting *b, size_t i)
{
  return b->order ? b->order[i] : (uint32_t)i;
}

// ---- gradients --------------------------------------------------------------------------------------
static bool is_fast(const struct boosting *b)
{
  return b->plain && b->rule->objective.kind == GROVE__OBJECTIVE_SQUARED;
}

// Parts of the rows, whose largest derivatives are taken side by side.
struct largest {
  const struct boosting *b;
  double most[PARTS];
};

static void largest_part(void *user, size_t part)
{
  struct largest *l = user;
  const struct boosting *b = l->b;
  size_t from = b->rows * part / PARTS, n = b->rows * (part + 1) / PARTS - from;
  l->most[part] = b->first ? b->job.kernels->largest(b->first + from, NULL, n)
                           : b->job.kernels->largest(b->data->y + from, b->prediction + from, n);
}

static double largest_of(const struct boosting *b)
{
  struct largest l = {.b = b};
  double most = 0;
  if (b->rows >= 2 * CHUNK && grove__work_width(b->work) > 1) {
    b->work->parallel_for(b->work->user, PARTS, largest_part, &l);
  } else {
    for (size_t i = 0; i < PARTS; i++) {
      largest_part(&l, i);
    }
  }
  for (size_t i = 0; i < PARTS; i++) {
    most = l.most[i] > most ? l.most[i] : most;
  }
  return most;
}

static void derive(struct boosting *b)
{
  if (!is_fast(b)) {
    grove__objective_gradients(&b->rule->objective, b->data->y, b->prediction, b->data->weight, 0,
        b->rows, b->first, b->second);
  }
}

static void quantise(void *user, size_t chunk)
{
  struct boosting *b = user;
  const grove__pack *p = &b->job.pack;
  size_t from = chunk * CHUNK, n = b->rows - from < CHUNK ? b->rows - from : CHUNK;
  const double *what = (b->first ? b->first : b->data->y) + from;
  const double *less = b->first ? NULL : b->prediction + from;
  int64_t sum = b->job.kernels->quantise(
      what, less, n, p->scale, p->shift, p->wide ? 0 : 1, b->value + from);
  atomic_fetch_add_explicit(&b->sum, sum, memory_order_relaxed); // read after parallel_for's end
}

// Second derivatives as weights that sum to about 2^30: what growers of small nodes can hold.
static void quantise_weights(struct boosting *b)
{
  double sum = 0, scale = 1;
  int exponent = 0;
  for (size_t i = 0; b->second && i < b->learned; i++) {
    sum += b->second[row_at(b, i)];
  }
  if (b->second) {
    frexp(sum, &exponent);
    scale = ldexp(1, 30 - exponent);
    b->job.kernels->quantise(b->second, NULL, b->rows, scale, 0, 0, b->weight);
    for (size_t i = 0; i < b->rows; i++) {
      b->weight[i] = b->weight[i] > 1 ? b->weight[i] : 1;
    }
  }
  double mean = b->second ? sum * scale / (double)b->learned : 1; // of a row, in these units
  const grove__boost_rule *r = b->rule;
  b->job.weight_unit = 1 / scale;
  b->job.lambda = r->lambda * scale;
  double least =
      r->least_rows > 1 ? r->least_rows * mean : 1; // one row is one, however little it weighs
  b->job.least_leaf = fmax(r->least_weight * scale, least);
  b->job.least_split = fmax(2, 2 * b->job.least_leaf); // each side has to have its own
  if (b->bins.category) {
    b->job.category = r->category;
    b->job.category.smooth *= scale;
    b->job.category.lambda *= scale;
    b->job.category.group *= mean;
  }
}

static grove_status quantise_all(struct boosting *b, double most, grove_error *err)
{
  if (grove__pack_choose(most, b->rows, b->job.pack.wide, &b->job.pack)) {
    return grove__error(err, GROVE_ELIMIT, -1, "%zu rows are too many for boosting", b->rows);
  }
  size_t chunks = (b->rows + CHUNK - 1) / CHUNK;
  atomic_store_explicit(&b->sum, 0, memory_order_relaxed); // parallel_for begins after this
  if (chunks == 1) {
    quantise(b, 0);
  } else if (grove__work_run(b->work, chunks, chunks, quantise, b)) {
    return grove__error(err, GROVE_ECANCELED, -1, "cancelled after %zu of %zu trees",
        b->model->ensemble.count, b->model->ensemble.room);
  }
  quantise_weights(b);
  double unit = b->job.pack.unit;
  b->job.alpha = b->rule->alpha / unit;
  b->job.leaf_unit = b->rule->step * unit / b->job.weight_unit;
  b->job.gain_unit = unit * unit / b->job.weight_unit;
  if (b->job.renew) { // first derivatives are signs by now: what leaves become is left over in full
    for (size_t i = 0; i < b->rows; i++) {
      b->first[i] = b->data->y[i] - b->prediction[i];
    }
  }
  return GROVE_OK;
}

// ---- one tree ---------------------------------------------------------------------------------------
// Rows of a tree in rising order, then the rows that it does not see. Gives how many it sees.
static size_t draw_rows(struct boosting *b, uint64_t *seed)
{
  size_t all = b->learned, n = grove__share_of(b->rule->rows, all), in = 0, out = n;
  if (n == all) {
    for (size_t i = 0; i < n; i++) {
      b->sample[i] = row_at(b, i);
    }
    return n;
  }
  for (size_t i = 0; i < all; i++) {
    // Keeps each row with the chance that it takes to get n in all.
    bool keep = grove__random_below(seed, all - i) < n - in;
    b->sample[keep ? in++ : out++] = row_at(b, i);
  }
  return n;
}

static void draw_features(struct boosting *b, uint64_t *seed)
{
  size_t all = b->bins.features, n = grove__share_of(b->rule->tree_features, all);
  b->job.use = n < all ? b->use : NULL;
  for (size_t f = 0; f < all; f++) {
    b->draw[f] = (uint32_t)f;
    b->use[f] = 0;
  }
  for (size_t i = 0; i < n; i++) {
    size_t k = i + (size_t)grove__random_below(seed, all - i);
    uint32_t f = b->draw[k];
    b->draw[k] = b->draw[i];
    b->use[f] = 1;
  }
}

static void add_to_rows(
    const struct boosting *b, const grove__tree *tree, const uint32_t *rows, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    b->prediction[rows[i]] += grove__tree_walk(&b->model->ensemble, tree, b->job.column, rows[i]);
  }
}

static grove_status add_tree(struct boosting *b, double most, grove_error *err)
{
  grove__ensemble *e = &b->model->ensemble;
  uint64_t seed = grove__mix64(grove__mix64(b->data->seed) + e->count);
  b->job.seed = grove__mix64(seed);
  GROVE__TRY(quantise_all(b, most, err));
  size_t n = draw_rows(b, &seed);
  draw_features(b, &seed);
  grove__tree *tree = &e->trees[e->count];
  int64_t all = atomic_load_explicit(&b->sum, memory_order_relaxed);
  b->job.all = n == b->rows && !b->weight ? &all : NULL;
  grove_status s = grove__boost_tree_grow(&b->tree, &b->job, b->sample, n, b->work, tree);
  if (s == GROVE_ENOMEM) {
    return grove__error_memory(err, "a tree", 0);
  }
  if (s) {
    return grove__error(err, s, -1, "cancelled after %zu of %zu trees", e->count, e->room);
  }
  add_to_rows(b, tree, b->sample + n, b->learned - n);
  e->count++;
  return GROVE_OK;
}

// ---- rows to stop by --------------------------------------------------------------------------------
static void add_to_held(struct boosting *b, const grove__tree *tree)
{
  if (b->kept) {
    add_to_rows(b, tree, b->order + b->learned, b->held_rows);
    for (size_t i = 0; i < b->held_rows; i++) {
      b->held_raw[i] = b->prediction[b->order[b->learned + i]];
    }
    return;
  }
  for (size_t i = 0; i < b->held_rows; i++) {
    b->held_raw[i] +=
        grove__tree_walk(&b->model->ensemble, tree, (grove__features){b->held->column, NULL}, i);
  }
}

// *stop: enough rounds have gone by without a better loss.
static grove_status look_at_held(struct boosting *b, bool *stop)
{
  const grove__objective *o = &b->rule->objective;
  grove__ensemble *e = &b->model->ensemble;
  *stop = false;
  double watched = grove__watched_error(&b->watched, e, false);
  if (!isnan(watched)) {
    grove__work_report(b->work, e->count, e->room, "mse", watched);
  }
  if (!b->held_rows) {
    if (isnan(watched)) {
      grove__work_progress(b->work, e->count, e->room);
    }
    return GROVE_OK;
  }
  add_to_held(b, &e->trees[e->count - 1]);
  double loss = grove__objective_loss(o, b->held_y, b->held_raw, b->held_weight, b->held_rows);
  if (e->count == 1 || loss < b->best_loss) {
    b->best_loss = loss;
    b->best_count = e->count;
  }
  if (isnan(watched)) {
    grove__work_report(b->work, e->count, e->room, grove__objective_metric(o), loss);
  }
  *stop = b->rule->patience && e->count - b->best_count >= b->rule->patience;
  return grove__tree_model_keep_loss(b->model, loss);
}

// Trees that came after the best round are dropped.
static void keep_best(struct boosting *b)
{
  grove__ensemble *e = &b->model->ensemble;
  while (b->held_rows && b->rule->patience && e->count > b->best_count) {
    grove__tree_free(&e->allocator, &e->trees[--e->count]);
  }
}

static grove_status add_all(struct boosting *b, grove_error *err)
{
  grove__ensemble *e = &b->model->ensemble;
  bool stop;
  while (e->count < e->room) {
    derive(b);
    double most = largest_of(b);
    if (!isfinite(most)) {
      return grove__error(err, GROVE_EINVAL, -1,
          "the target's range is too wide: residuals are not finite after %zu trees", e->count);
    }
    if (most == 0 && e->count) {
      break; // nothing is left over: more trees would add nothing
    }
    GROVE__TRY(add_tree(b, most, err));
    if (look_at_held(b, &stop)) {
      return grove__error_memory(err, "losses", 0);
    }
    if (stop) {
      e->stopped_early = true;
      break;
    }
    if (grove__work_yield(b->work)) {
      return grove__error(
          err, GROVE_ECANCELED, -1, "cancelled after %zu of %zu trees", e->count, e->room);
    }
    if (grove__work_expired(b->work)) {
      break;
    }
  }
  keep_best(b);
  return GROVE_OK;
}

static bool keeps_back(const struct boosting *b)
{
  return b->rule->patience && !b->data->validation_x;
}

// ---- before and after -------------------------------------------------------------------------------
static bool reserve(struct boosting *b)
{
  const grove_allocator *a = &b->model->allocator;
  b->prediction = grove__alloc_array(a, b->rows, sizeof *b->prediction);
  b->value = grove__alloc_array(a, b->rows, sizeof *b->value);
  b->sample = grove__alloc_array(a, b->rows, sizeof *b->sample);
  b->use = grove__alloc(a, b->bins.features);
  b->draw = grove__alloc_array(a, b->bins.features, sizeof *b->draw);
  bool all = b->prediction && b->value && b->sample && b->use && b->draw;
  if (b->data->weight || keeps_back(b)) {
    all = (b->order = grove__alloc_array(a, b->rows, sizeof *b->order)) && all;
  }
  if (b->job.pack.wide) {
    all = (b->weight = grove__alloc_array(a, b->rows, sizeof *b->weight)) && all;
  }
  if (!is_fast(b)) {
    all = (b->first = grove__alloc_array(a, b->rows, sizeof *b->first)) && all;
  }
  if (!b->plain) {
    all = (b->second = grove__alloc_array(a, b->rows, sizeof *b->second)) && all;
  }
  return all;
}

static void release(struct boosting *b)
{
  const grove_allocator *a = &b->model->allocator;
  grove__free(a, b->prediction, b->rows * sizeof *b->prediction);
  grove__free(a, b->value, b->rows * sizeof *b->value);
  grove__free(a, b->order, b->rows * sizeof *b->order);
  grove__free(a, b->sample, b->rows * sizeof *b->sample);
  grove__free(a, b->use, b->bins.features);
  grove__free(a, b->draw, b->bins.features * sizeof *b->draw);
  grove__free(a, b->weight, b->rows * sizeof *b->weight);
  grove__free(a, b->first, b->rows * sizeof *b->first);
  grove__free(a, b->second, b->rows * sizeof *b->second);
  grove__free(a, b->held_raw, b->held_rows * sizeof *b->held_raw);
  grove__free(a, b->kept, 2 * b->held_rows * sizeof *b->kept);
  grove__boost_tree_free(&b->tree);
  grove__bins_free(&b->bins);
}

// Rows that are learned from first, then those kept back to stop by, then those that count for nothing.
static size_t order_rows(struct boosting *b)
{
  const grove_fit_data *d = b->data;
  const double *w = d->weight;
  uint64_t seed = grove__mix64(d->seed ^ 0x6b657074); // "kept"
  bool keeps = keeps_back(b);
  if (!b->order) {
    b->learned = b->rows;
    return 0;
  }
  size_t counted = 0, in = 0;
  for (size_t i = 0; i < b->rows; i++) {
    counted += !w || w[i] > 0;
  }
  size_t back = keeps ? (size_t)(b->rule->kept_back * (double)counted) : 0, left = counted;
  back = keeps && back == 0 && counted > 1 ? 1 : back;
  size_t kept = counted - back, none = counted;
  for (size_t i = 0; i < b->rows; i++) {
    if (w && w[i] == 0) {
      b->order[none++] = (uint32_t)i;
    } else {
      bool learn = grove__random_below(&seed, left--) < counted - back - in;
      b->order[learn ? in++ : kept++] = (uint32_t)i;
    }
  }
  b->learned = counted - back;
  return back;
}

static bool hold_back(struct boosting *b, size_t back)
{
  const grove_allocator *a = &b->model->allocator;
  const grove_fit_data *d = b->data;
  b->held_rows = back ? back : d->validation_x ? d->validation_x->rows : 0;
  if (!b->held_rows) {
    return true;
  }
  b->held_raw = grove__alloc_array(a, b->held_rows, sizeof *b->held_raw);
  if (!back) {
    b->held = d->validation_x;
    b->held_y = d->validation_y;
    b->held_weight = d->validation_weight;
    return b->held_raw != NULL;
  }
  b->kept = grove__alloc_array(a, back, 2 * sizeof *b->kept);
  if (!b->held_raw || !b->kept) {
    return false;
  }
  for (size_t i = 0; i < back; i++) {
    uint32_t row = b->order[b->learned + i];
    b->kept[i] = d->y[row];
    b->kept[back + i] = d->weight ? d->weight[row] : 1;
  }
  b->held_y = b->kept;
  b->held_weight = d->weight ? b->kept + back : NULL;
  return true;
}

static void make_job(struct boosting *b)
{
  const grove__boost_rule *r = b->rule;
  size_t columns = b->data->x->columns, all = grove__share_of(r->tree_features, columns);
  b->job.kernels = grove__grow_kernels_best();
  b->job.bins = &b->bins;
  b->job.column = grove__features_of(b->data);
  b->job.least_gain = r->gamma;
  b->job.least_split = 2;
  b->job.max_depth = r->max_depth;
  b->job.max_leaves = r->max_leaves;
  b->job.level_features = r->level_features < 1 ? grove__share_of(r->level_features, all) : columns;
  all = r->level_features < 1 ? b->job.level_features : all;
  b->job.node_features = r->node_features < 1 ? grove__share_of(r->node_features, all) : columns;
  b->job.value = b->value;
  b->job.weight = b->weight;
  b->job.prediction = b->prediction;
  b->job.monotone = b->data->monotone;
  if (grove__objective_renews(&r->objective, &b->job.renew_quantile)) {
    b->job.renew = b->first;
    b->job.renew_weight = b->data->weight;
    b->job.renew_step = r->step;
  }
}

static grove_status prepare(struct boosting *b, grove_error *err)
{
  const grove__boost_rule *r = b->rule;
  const grove_allocator *a = &b->model->allocator;
  double base;
  b->plain = grove__objective_is_plain(&r->objective) && !b->data->weight;
  b->job.pack.wide = !b->plain || b->rows >= GROVE__PACK_WEIGHT_MAX;
  if (!reserve(b)) {
    return grove__error_memory(err, "boosting", (uint64_t)b->rows * 64);
  }
  size_t back = order_rows(b);
  make_job(b);
  if (!hold_back(b, back) ||
      grove__boost_tree_make(a, &b->bins, b->job.pack.wide, r->max_leaves, b->job.renew != NULL,
          grove__work_width(b->work), &b->tree) ||
      grove__objective_base(&r->objective, a, b->data->y, b->data->weight, b->rows, &base)) {
    return grove__error_memory(err, "boosting", (uint64_t)b->rows * 64);
  }
  for (size_t i = 0; i < b->rows; i++) {
    b->prediction[i] = base;
    if (b->weight) {
      b->weight[i] = 1;
    }
  }
  for (size_t i = 0; i < b->held_rows; i++) {
    b->held_raw[i] = base;
  }
  b->model->ensemble.base = base;
  b->model->ensemble.link = grove__objective_link(&r->objective);
  return GROVE_OK;
}

grove_status grove__boost(grove__tree_model *m, const grove__boost_rule *rule,
    const grove_fit_data *d, const grove_work *work, grove_error *err)
{
  struct boosting b = {.model = m, .rule = rule, .data = d, .work = work, .rows = d->x->rows};
  GROVE__TRY(grove__tree_check_size(d->x, err));
  GROVE__TRY(grove__objective_check(&rule->objective, d->y, d->x->rows, err));
  double quantile;
  if (d->monotone && grove__objective_renews(&rule->objective, &quantile)) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "features that predictions must rise or fall with, and leaves that are quantiles, do not "
        "go "
        "together: take another objective");
  }
  grove_status s = grove__ensemble_init(&m->ensemble, &m->allocator, rule->trees);
  if (s == GROVE_OK) {
    m->ensemble.features = (uint32_t)d->x->columns;
    s = grove__bins_make(
        &m->allocator, d->x, d->floats, d->categorical, rule->max_bin, false, work, &b.bins);
  }
  if (s) {
    return s == GROVE_ENOMEM ? grove__error_memory(
                                   err, "binned features", (uint64_t)d->x->rows * d->x->columns * 2)
                             : s;
  }
  s = prepare(&b, err);
  if (s == GROVE_OK) {
    s = grove__watched_init(&b.watched, &m->allocator, d, rule->trees)
            ? grove__error_memory(err, "rows that are watched", d->watch_x->rows)
            : add_all(&b, err);
    grove__watched_deinit(&b.watched);
  }
  release(&b);
  return s;
}
