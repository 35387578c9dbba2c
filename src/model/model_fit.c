// From a table to columns of doubles, and through the learner's fit.
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "columnar/build.h"
#include "model/fit_work.h"
#include "model/histogram.h"
#include "model/learners.h"
#include "model/model_bytes.h"
#include "model/model_fit.h"
#include "model/tree.h"
#include <math.h>
#include <string.h>
#include <time.h>

// ---- the work that the learner sees: the caller's, and a clock --------------------------------------
uint64_t grove__fitting_clock(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pass_parallel_for(void *user, size_t n, void (*fn)(void *, size_t), void *fn_user)
{
  grove__fitting *f = user;
  f->given.parallel_for(f->given.user, n, fn, fn_user);
}

// With keep_cancelled a learner is told that its time is up, which it ends well by.
static grove_status pass_yield(void *user)
{
  grove__fitting *f = user;
  grove_status s = f->given.yield ? f->given.yield(f->given.user) : GROVE_OK;
  if (s == GROVE_ECANCELED && f->o.keep_cancelled) {
    atomic_store_explicit(&f->stopped, true, memory_order_relaxed); // a hint: it is looked at again
    return GROVE_OK;
  }
  return s;
}

static void pass_progress(void *user, double done, const char *text)
{
  grove__fitting *f = user;
  if (f->given.progress) {
    f->given.progress(f->given.user, done, text);
  }
}

static bool was_cancelled(const grove__fitting *f)
{
  return f->given.cancelled && f->given.cancelled(f->given.user);
}

static bool pass_cancelled(void *user)
{
  grove__fitting *f = user;
  return !f->o.keep_cancelled && was_cancelled(f);
}

static bool pass_expired(void *user)
{
  grove__fitting *f = user;
  bool stopped = atomic_load_explicit(&f->stopped, memory_order_relaxed) || // see pass_yield
                 (f->o.keep_cancelled && was_cancelled(f));
  bool expired = stopped || (f->deadline_ns && grove__fitting_clock() >= f->deadline_ns) ||
                 (f->given.expired && f->given.expired(f->given.user));
  if (expired) {
    int32_t why = stopped ? GROVE_ENDED_CANCELLED : GROVE_ENDED_TIME, none = 0;
    // The first one counts; read when the learner has ended.
    atomic_compare_exchange_strong_explicit(
        &f->ended, &none, why, memory_order_relaxed, memory_order_relaxed);
  }
  return expired;
}

grove_status grove__fitting_work(grove__fitting *f, grove_work *out)
{
  if (grove__options_read(&f->given, sizeof f->given, f->o.work)) {
    return grove__error(f->err, GROVE_ENOTSUP, -1, "struct_size of the work is not known");
  }
  *out = (grove_work){.struct_size = sizeof *out,
      .width = f->given.width,
      .user = f,
      .parallel_for = f->given.parallel_for ? pass_parallel_for : NULL,
      .yield = pass_yield,
      .progress = pass_progress,
      .cancelled = pass_cancelled,
      .expired = pass_expired};
  return GROVE_OK;
}

// ---- columns ----------------------------------------------------------------------------------------
static grove_status make_room(grove__fitting *f, size_t n)
{
  const grove_allocator *a = &f->m->allocator;
  f->room = n + 2; // the target and the weight
  f->wanted = grove__alloc_array(a, f->room, sizeof *f->wanted);
  f->names = grove__alloc_array(a, f->room, sizeof *f->names);
  if (!f->wanted || !f->names) {
    return grove__error_memory(f->err, "a list of columns", f->room * 2 * sizeof(void *));
  }
  return GROVE_OK;
}

static bool is_number(const grove_table *t, size_t column)
{
  double none;
  return grove_table_doubles(t, column, 0, 0, &none, NULL) == GROVE_OK;
}

static grove_status choose_default_features(grove__fitting *f)
{
  size_t columns = grove_table_columns(f->t);
  GROVE__TRY(make_room(f, columns));
  for (size_t c = 0; c < columns; c++) {
    bool taken = c == f->target || (f->o.weight && c == f->weight) || (f->has_key && c == f->key);
    if (!taken && is_number(f->t, c)) {
      f->wanted[f->count] = c;
      f->names[f->count++] = grove_table_name(f->t, c);
    }
  }
  return GROVE_OK;
}

static grove_status choose_given_features(grove__fitting *f)
{
  size_t n = 0;
  while (f->o.features[n]) {
    n++;
  }
  GROVE__TRY(make_room(f, n));
  for (size_t i = 0; i < n; i++) {
    size_t c;
    GROVE__TRY(grove_table_find(f->t, f->o.features[i], &c, f->err));
    if (c == f->target || (f->o.weight && c == f->weight) || (f->has_key && c == f->key)) {
      return grove__error(f->err, GROVE_EINVAL, -1, "column %s is both %s and feature",
          f->o.features[i],
          c == f->target                  ? "target"
          : f->o.weight && c == f->weight ? "weight"
                                          : "key");
    }
    for (size_t k = 0; k < i; k++) {
      if (f->wanted[k] == c) {
        return grove__error(
            f->err, GROVE_EINVAL, -1, "feature %s is given twice", f->o.features[i]);
      }
    }
    f->wanted[i] = c;
    f->names[i] = f->o.features[i];
    f->count = i + 1;
  }
  return GROVE_OK;
}

static grove_status choose_columns(grove__fitting *f)
{
  size_t columns = grove_table_columns(f->t);
  if (columns == 0 || f->rows == 0) {
    return grove__error(f->err, GROVE_EINVAL, -1,
        "no data to fit %s on: the table has %zu rows "
        "and %zu columns",
        f->m->learner.name, f->rows, columns);
  }
  if (f->o.target) {
    GROVE__TRY(grove_table_find(f->t, f->o.target, &f->target, f->err));
  } else {
    f->target = columns - 1;
  }
  if (f->o.weight) {
    GROVE__TRY(grove_table_find(f->t, f->o.weight, &f->weight, f->err));
    if (f->weight == f->target) {
      return grove__error(
          f->err, GROVE_EINVAL, -1, "column %s is both target and weight", f->o.weight);
    }
  }
  GROVE__TRY(f->o.features ? choose_given_features(f) : choose_default_features(f));
  if (f->count == 0) {
    return grove__error(f->err, GROVE_EINVAL, -1,
        "no features: the table has no column of numbers besides the target %s",
        grove_table_name(f->t, f->target));
  }
  return GROVE_OK;
}

// ---- kinds of features ------------------------------------------------------------------------------
static grove_status mark_kind(
    grove__fitting *f, const char *const *names, const char *what, uint8_t kind)
{
  for (size_t i = 0; names && names[i]; i++) {
    size_t c = 0;
    while (c < f->count && strcmp(f->names[c], names[i]) != 0) {
      c++;
    }
    if (c == f->count) {
      return grove__error(
          f->err, GROVE_ENOENT, -1, "%s %s is no feature of this fit", what, names[i]);
    }
    f->m->kinds[c] |= kind;
    if (f->m->kinds[c] & (f->m->kinds[c] - 1)) {
      return grove__error(f->err, GROVE_EINVAL, -1,
          "feature %s can be one of categorical, increasing and decreasing", names[i]);
    }
  }
  return GROVE_OK;
}

static grove_status list_kinds(grove__fitting *f)
{
  const grove_allocator *a = &f->m->allocator;
  if (f->o.categorical && !(f->categorical = grove__alloc_zero(a, f->count))) {
    return grove__error_memory(f->err, "kinds of features", f->count);
  }
  bool monotone = f->o.increasing || f->o.decreasing;
  if (monotone && !(f->monotone = grove__alloc_zero(a, f->count))) {
    return grove__error_memory(f->err, "kinds of features", f->count);
  }
  for (size_t i = 0; i < f->count; i++) {
    uint8_t kind = f->m->kinds[i];
    if (f->categorical) {
      f->categorical[i] = kind & GROVE__KIND_CATEGORY;
    }
    if (monotone) {
      f->monotone[i] = kind & GROVE__KIND_INCREASING ? 1 : kind & GROVE__KIND_DECREASING ? -1 : 0;
    }
  }
  return GROVE_OK;
}

static grove_status mark_kinds(grove__fitting *f)
{
  const grove_fit_options *o = &f->o;
  const grove_learner *l = &f->m->learner;
  bool categorical = o->categorical && o->categorical[0];
  bool monotone = (o->increasing && o->increasing[0]) || (o->decreasing && o->decreasing[0]);
  if (categorical && !(l->fit_data && l->flags & GROVE_LEARNER_CATEGORIES)) {
    return grove__error(f->err, GROVE_ENOTSUP, -1,
        "%s does not take categories, as %s was said to have: give numbers, or another model",
        l->name, o->categorical[0]);
  }
  if (monotone && !(l->fit_data && l->flags & GROVE_LEARNER_MONOTONE)) {
    return grove__error(f->err, GROVE_ENOTSUP, -1,
        "%s can't keep predictions rising or falling with a feature", l->name);
  }
  f->o.categorical = categorical ? o->categorical : NULL;
  f->o.increasing = monotone ? o->increasing : NULL;
  f->o.decreasing = monotone ? o->decreasing : NULL;
  GROVE__TRY(mark_kind(f, f->o.categorical, "categorical column", GROVE__KIND_CATEGORY));
  GROVE__TRY(mark_kind(f, f->o.increasing, "increasing column", GROVE__KIND_INCREASING));
  GROVE__TRY(mark_kind(f, f->o.decreasing, "decreasing column", GROVE__KIND_DECREASING));
  return list_kinds(f);
}

grove_status grove__model_check_categories(const grove_model *m, const grove_matrix *x,
    const float *const *floats, size_t first, grove_error *err)
{
  const double most = (1 << 24) - 1; // where floats are still exact
  if (m->inside == &grove__imported) {
    return GROVE_OK; // other libraries have rules of their own for what names no category
  }
  for (size_t c = 0; c < x->columns; c++) {
    grove__values v = grove__feature((grove__features){x->column, floats}, c);
    for (size_t i = 0; m->kinds[c] & GROVE__KIND_CATEGORY && i < x->rows; i++) {
      double d = grove__value(v, i);
      if (!isnan(d) && !(d >= 0 && d <= most && d == floor(d))) {
        return grove__error(err, GROVE_EINVAL, (int64_t)(first + i),
            "feature %s is %.9g in row %zu (rows from 0); a category is a whole number of 0 to "
            "%.0f",
            m->features[c], d, first + i, most);
      }
    }
  }
  return GROVE_OK;
}

// x - x is 0 for a number, NaN for the rest: one fast look at all of them.
static double poison_of(grove__values v, size_t rows)
{
  double lane[8] = {0}, sum = 0;
  size_t whole = rows / 8 * 8;
  for (size_t i = 0; v.doubles && i < whole; i += 8) {
    for (size_t k = 0; k < 8; k++) {
      lane[k] += v.doubles[i + k] - v.doubles[i + k];
    }
  }
  for (size_t i = 0; !v.doubles && i < whole; i += 8) {
    for (size_t k = 0; k < 8; k++) {
      lane[k] += (double)(v.floats[i + k] - v.floats[i + k]);
    }
  }
  for (size_t i = whole; i < rows; i++) {
    sum += grove__value(v, i) - grove__value(v, i);
  }
  for (size_t k = 0; k < 8; k++) {
    sum += lane[k];
  }
  return sum;
}

grove_status grove__model_check_features(const grove_model *m, const grove_matrix *x,
    const float *const *floats, size_t first, bool fit, grove_error *err)
{
  bool takes_missing = m->learner.flags & GROVE_LEARNER_MISSING;
  if (takes_missing && !fit) {
    return GROVE_OK;
  }
  for (size_t c = 0; c < x->columns; c++) {
    grove__values v = grove__feature((grove__features){x->column, floats}, c);
    double poison = poison_of(v, x->rows);
    for (size_t i = 0; poison != 0 && i < x->rows; i++) {
      double d = grove__value(v, i);
      if (isinf(d) || (isnan(d) && !takes_missing)) {
        return grove__error(err, GROVE_EINVAL, (int64_t)(first + i),
            "feature %s is %s in row %zu (rows from 0); %s %s", m->features[c],
            isnan(d) ? "missing" : "infinite", first + i, m->learner.name,
            isnan(d) ? "does not take missing values" : "takes finite numbers only");
      }
    }
  }
  return GROVE_OK;
}

static grove_status load_columns(grove__fitting *f)
{
  size_t n = f->count;
  f->wanted[n] = f->target;
  f->names[n++] = grove_table_name(f->t, f->target);
  if (f->o.weight) {
    f->wanted[n] = f->weight;
    f->names[n++] = f->o.weight;
  }
  bool floats = f->m->learner.fit_data && f->m->learner.flags & GROVE_LEARNER_FLOATS && !f->has_key;
  return grove__numbers_make(
      &f->m->allocator, f->t, f->wanted, n, floats ? f->count : 0, &f->columns, f->err);
}

grove_status grove__fitting_check(const grove__fitting *f, const grove_matrix *x, const double *y,
    const double *weight, grove_error *err)
{
  GROVE__TRY(grove__check_target(y, x->rows, f->m->target, err));
  if (weight) {
    GROVE__TRY(grove__check_weight(weight, x->rows, f->o.weight, err));
  }
  const float *const *floats = f->columns.floats;
  GROVE__TRY(grove__model_check_features(f->m, x, floats, 0, true, err));
  return f->categorical ? grove__model_check_categories(f->m, x, floats, 0, err) : GROVE_OK;
}

// The rows to validate on, found by the names of the columns.
static grove_status load_held(grove__fitting *f, grove_matrix *x, grove_fit_data *d)
{
  size_t n = f->count + (f->o.weight ? 2 : 1), rows = grove_table_rows(f->o.validation);
  if (rows == 0) {
    return grove__error(f->err, GROVE_EINVAL, -1, "the table to validate on has no rows");
  }
  grove_status s =
      grove__numbers_find(&f->m->allocator, f->o.validation, f->names, n, &f->held, f->err);
  if (s == GROVE_OK) {
    *x = (grove_matrix){f->held.column, f->count, rows};
    d->validation_x = x;
    d->validation_y = f->held.column[f->count];
    d->validation_weight = f->o.weight ? f->held.column[f->count + 1] : NULL;
    s = grove__check_target(d->validation_y, rows, f->m->target, f->err);
  }
  if (s == GROVE_OK && f->o.weight) {
    s = grove__check_weight(d->validation_weight, rows, f->o.weight, f->err);
  }
  s = s ? s : grove__model_check_features(f->m, x, NULL, 0, true, f->err);
  s = s ? s : grove__model_check_categories(f->m, x, NULL, 0, f->err);
  return s ? grove__error_prefix(f->err, s, "in the table to validate on") : GROVE_OK;
}

static grove_status load_watched(grove__fitting *f, grove_matrix *x, grove_fit_data *d)
{
  size_t rows = grove_table_rows(f->o.watch);
  grove_status s =
      grove__numbers_find(&f->m->allocator, f->o.watch, f->names, f->count + 1, &f->watched, f->err);
  if (s == GROVE_OK) {
    *x = (grove_matrix){f->watched.column, f->count, rows};
    d->watch_x = x;
    d->watch_y = f->watched.column[f->count];
    s = grove__check_target(d->watch_y, rows, f->m->target, f->err);
  }
  s = s ? s : grove__model_check_features(f->m, x, NULL, 0, true, f->err);
  s = s ? s : grove__model_check_categories(f->m, x, NULL, 0, f->err);
  return s ? grove__error_prefix(f->err, s, "in the table to watch") : GROVE_OK;
}

static grove_status check_memory(const grove__fitting *f, const grove_work *work)
{
  const grove_model *m = f->m;
  if (!f->o.memory_bytes || !m->inside || !m->inside->estimate) {
    return GROVE_OK;
  }
  uint64_t copies = 0, width = grove__work_width(work);
  for (size_t i = 0; i < f->columns.count; i++) {
    copies += f->columns.copy[i] ? f->rows * sizeof(double) : 0;
  }
  // Sets of the trees that are being grown.
  uint64_t sets = f->categorical ? f->rows * (width + 1) * GROVE__SET_WORDS * sizeof(uint32_t) : 0;
  uint64_t most = copies + sets + m->inside->estimate(m->values, f->rows, f->count, (size_t)width);
  return most <= f->o.memory_bytes
             ? GROVE_OK
             : grove__error(f->err, GROVE_ELIMIT, -1,
                   "fitting %s to %zu rows and %zu features may take %.1f MB; memory_bytes allows "
                   "%.1f MB: take fewer rows, or smaller or fewer trees",
                   m->learner.name, f->rows, f->count, (double)most / 1e6,
                   (double)f->o.memory_bytes / 1e6);
}

grove_status grove__fitting_run(const grove_model *m, void *state, const grove_fit_data *d,
    const grove_work *work, grove_error *err)
{
  const grove_learner *l = &m->learner;
  if (l->fit_data) {
    return l->fit_data(state, d, work, err);
  }
  if (d->weight || d->validation_x) {
    return grove__error(err, GROVE_ENOTSUP, -1, "fits without %s only",
        d->weight ? "weights" : "rows to validate on");
  }
  return l->fit(state, d->x, d->y, d->seed, work, err);
}

static grove_status note_end(grove__fitting *f)
{
  grove_model *m = f->m;
  size_t n = 0;
  const double *losses = m->inside && m->inside->losses ? m->inside->losses(m->state, &n) : NULL;
  const grove__ensemble *e =
      m->inside && m->inside->ensemble ? m->inside->ensemble(m->state) : NULL;
  m->ended = atomic_load_explicit(&f->ended, memory_order_relaxed); // the learner has ended
  m->ended = e && e->stopped_early ? GROVE_ENDED_EARLY : m->ended;
  return grove__model_keep_losses(m, losses, n) ? grove__error_memory(f->err, "losses", n * 8)
                                                : GROVE_OK;
}

grove_status grove__fitting_begin(grove__fitting *f, const grove_fit_options *o)
{
  if (grove__options_read(&f->o, sizeof f->o, o)) {
    return grove__error(f->err, GROVE_ENOTSUP, -1, "struct_size of the fit options is not known");
  }
  f->deadline_ns =
      f->o.time_limit_ms ? grove__fitting_clock() + (uint64_t)f->o.time_limit_ms * 1000000u : 0;
  f->rows = grove_table_rows(f->t);
  GROVE__TRY(choose_columns(f));
  GROVE__TRY(grove__model_name_columns(
      f->m, f->names, f->count, grove_table_name(f->t, f->target), f->err));
  GROVE__TRY(mark_kinds(f));
  return load_columns(f);
}

grove_fit_data grove__fitting_data(const grove__fitting *f, const grove_matrix *x)
{
  return (grove_fit_data){.struct_size = sizeof(grove_fit_data),
      .seed = f->o.seed,
      .x = x,
      .categorical = f->categorical,
      .monotone = f->monotone,
      .floats = f->columns.floats};
}

static grove_status fit_all(grove__fitting *f, const grove_fit_options *o)
{
  grove_work work;
  grove_error own = {.at = -1};
  GROVE__TRY(grove__fitting_begin(f, o));
  GROVE__TRY(grove__fitting_work(f, &work));
  grove_matrix x = {f->columns.column, f->count, f->rows}, held, watched;
  grove_fit_data d = grove__fitting_data(f, &x);
  d.y = f->columns.column[f->count];
  d.weight = f->o.weight ? f->columns.column[f->count + 1] : NULL;
  GROVE__TRY(grove__fitting_check(f, &x, d.y, d.weight, f->err));
  if (f->o.validation) {
    GROVE__TRY(load_held(f, &held, &d));
  }
  if (f->o.watch) {
    GROVE__TRY(load_watched(f, &watched, &d));
  }
  GROVE__TRY(check_memory(f, &work));
  grove_status s = grove__fitting_run(f->m, f->m->state, &d, &work, &own);
  if (s) {
    return grove__error(f->err, s, own.at, "%s: %s", f->m->learner.name,
        own.text[0] ? own.text : grove_status_text(s));
  }
  GROVE__TRY(note_end(f));
  f->m->seed = f->o.seed;
  f->m->rows = f->rows;
  return GROVE_OK;
}

void grove__fitting_end(grove__fitting *f)
{
  const grove_allocator *a = &f->m->allocator;
  grove__numbers_free(&f->columns);
  grove__numbers_free(&f->held);
  grove__numbers_free(&f->watched);
  grove__free(a, f->wanted, f->room * sizeof *f->wanted);
  grove__free(a, f->names, f->room * sizeof *f->names);
  grove__free(a, f->categorical, f->count);
  grove__free(a, f->monotone, f->count);
}

grove_status grove_model_fit(
    grove_model *m, const grove_table *t, const grove_fit_options *o, grove_error *err)
{
  grove__fitting f = {.m = m, .t = t, .err = err};
  if (!m || !t) {
    return grove__error(err, GROVE_EINVAL, -1, "model or table is NULL");
  }
  if (m->stage != GROVE__MODEL_NEW) {
    return grove__error(err, GROVE_EINVAL, -1,
        "this %s has been fitted or loaded before: a model is fitted once", m->learner.name);
  }
  grove_status s = fit_all(&f, o);
  m->stage = s ? GROVE__MODEL_FAILED : GROVE__MODEL_FITTED;
  grove__fitting_end(&f);
  return s;
}
