// Fitting a model to each group of rows: groups are shared out among the lanes, and a fit itself runs alone.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/groups.h"
#include "model/fit_work.h"
#include "model/learners.h"
#include "model/many_models.h"
#include "model/model_fit.h"
#include <stdatomic.h>
#include <string.h>

enum { TURN_NS = 1000000 }; // that a lane works until others may run

// Rows of one group, as columns: where they lie if they follow each other, else copies.
struct view {
  const double **column;
  double *copy; // room for the longest group, column after column
};

struct many {
  grove__fitting f;
  grove_models *out;
  grove__groups *groups;
  uint64_t *order; // rows, those of a group side by side; NULL: in the table they are that
  size_t longest;  // rows of a group
  struct view *lanes;
  size_t lane_count;
  atomic_size_t next; // group to begin with; who takes which does not matter
  atomic_int status;  // GROVE_ENOMEM of a lane; read when all have ended
};

// ---- groups -------------------------------------------------------------------------------------------
static grove_status find_groups(struct many *m)
{
  grove_models *out = m->out;
  GROVE__TRY(grove__groups_find(m->f.t, m->f.key, &m->groups, m->f.err));
  size_t n = grove__groups_count(m->groups);
  if (!grove__groups_are_together(m->groups)) {
    if (!(m->order = grove__alloc_array(&out->allocator, m->f.rows, sizeof *m->order))) {
      return GROVE_ENOMEM;
    }
    grove__groups_order(m->groups, m->order);
  }
  out->one = grove__alloc_array(&out->allocator, n, sizeof *out->one);
  if (!out->one) {
    return GROVE_ENOMEM;
  }
  out->room = n;
  for (; out->count < n; out->count++) {
    size_t rows = (size_t)grove__groups_rows(m->groups, out->count);
    out->one[out->count] = (grove__one_model){.rows = rows};
    m->longest = rows > m->longest ? rows : m->longest;
  }
  return GROVE_OK;
}

// ---- fits ---------------------------------------------------------------------------------------------
static void view_group(const struct many *m, size_t group, struct view *v)
{
  const grove__numbers *all = &m->f.columns;
  size_t n = (size_t)m->out->one[group].rows, from = (size_t)grove__groups_from(m->groups, group);
  const uint64_t *rows = m->order ? m->order + from : NULL;
  for (size_t c = 0; c < all->count; c++) {
    double *to = v->copy + c * m->longest;
    v->column[c] = m->order ? to : all->column[c] + from;
    for (size_t k = 0; m->order && k < n; k++) {
      to[k] = all->column[c][rows[k]];
    }
  }
}

static grove_status fit_group(struct many *m, size_t group, const struct view *v, grove_error *err)
{
  const grove_model *shape = m->out->shape;
  grove__one_model *one = &m->out->one[group];
  const grove_matrix x = {v->column, m->f.count, (size_t)one->rows};
  grove_fit_data d = grove__fitting_data(&m->f, &x);
  d.y = v->column[m->f.count];
  d.weight = m->f.o.weight ? v->column[m->f.count + 1] : NULL;
  grove_status checked = grove__fitting_check(&m->f, &x, d.y, d.weight, err);
  if (checked) {
    return grove__error_prefix(err, checked, "in the group");
  }
  void *state = NULL;
  GROVE__TRY(shape->inside ? shape->inside->create(&shape->allocator, shape->values, &state, err)
                           : shape->learner.create(shape->values, &state, err));
  grove_status s = grove__fitting_run(shape, state, &d, NULL, err);
  if (s) {
    shape->learner.destroy(state);
    return s;
  }
  one->state = state;
  return GROVE_OK;
}

static void fit_one(struct many *m, size_t group, struct view *v)
{
  grove_error err = {.at = -1};
  grove__one_model *one = &m->out->one[group];
  view_group(m, group, v);
  one->status = grove__groups_key(m->groups, group, &m->out->allocator, &one->key);
  one->status = one->status ? one->status : fit_group(m, group, v, &err);
  if (one->status && err.text[0]) {
    one->words = grove__copy_text(&m->out->allocator, err.text);
  }
  if (one->status == GROVE_ENOMEM) {
    atomic_store_explicit(&m->status, GROVE_ENOMEM, memory_order_relaxed); // see the field
  }
}

// Goes on with the next groups for about a millisecond.
static void go_on(void *user, size_t lane)
{
  struct many *m = user;
  uint64_t begun = grove__fitting_clock();
  do {
    size_t group = atomic_fetch_add_explicit(&m->next, 1, memory_order_relaxed); // only a ticket
    if (group >= m->out->count) {
      return;
    }
    fit_one(m, group, &m->lanes[lane]);
  } while (grove__fitting_clock() - begun < TURN_NS);
}

static grove_status make_lanes(struct many *m, size_t width)
{
  const grove_allocator *a = &m->out->allocator;
  size_t columns = m->f.columns.count;
  m->lane_count = width < m->out->count ? width : m->out->count;
  m->lanes = grove__alloc_zero(a, m->lane_count * sizeof *m->lanes);
  for (size_t i = 0; m->lanes && i < m->lane_count; i++) {
    struct view *v = &m->lanes[i];
    v->column = grove__alloc_array(a, columns, sizeof *v->column);
    v->copy = m->order ? grove__alloc_array(a, columns * m->longest, sizeof *v->copy) : NULL;
    if (!v->column || (m->order && !v->copy)) {
      return GROVE_ENOMEM;
    }
  }
  return m->lanes || !m->lane_count ? GROVE_OK : GROVE_ENOMEM;
}

static void free_lanes(struct many *m)
{
  const grove_allocator *a = &m->out->allocator;
  size_t columns = m->f.columns.count;
  for (size_t i = 0; m->lanes && i < m->lane_count; i++) {
    grove__free(a, (void *)m->lanes[i].column, columns * sizeof *m->lanes[i].column);
    grove__free(a, m->lanes[i].copy, columns * m->longest * sizeof *m->lanes[i].copy);
  }
  grove__free(a, m->lanes, m->lane_count * sizeof *m->lanes);
}

static grove_status run_all(struct many *m)
{
  grove_work work;
  GROVE__TRY(grove__fitting_work(&m->f, &work));
  GROVE__TRY(make_lanes(m, grove__work_width(&work)));
  size_t count = m->out->count, next = 0;
  while (next < count && !atomic_load_explicit(&m->status, memory_order_relaxed)) {
    GROVE__TRY(grove__work_run(&work, m->lane_count, 1, go_on, m));
    next = atomic_load_explicit(&m->next, memory_order_relaxed); // no lane runs now
    grove__work_progress(&work, next < count ? next : count, count);
  }
  return (grove_status)atomic_load_explicit(&m->status, memory_order_relaxed);
}

static grove_status check_options(const struct many *m)
{
  const grove_fit_options *o = &m->f.o;
  const char *what = o->validation       ? "rows to validate on"
                     : o->time_limit_ms  ? "a time limit"
                     : o->memory_bytes   ? "a limit of memory"
                     : o->keep_cancelled ? "to keep what was cancelled"
                                         : NULL;
  return what ? grove__error(m->f.err, GROVE_ENOTSUP, -1, "%s is for one fit, not for many", what)
              : GROVE_OK;
}

static grove_status fit_many(struct many *m, const char *key, const grove_fit_options *o)
{
  grove_error *err = m->f.err;
  GROVE__TRY(grove_table_find(m->f.t, key, &m->f.key, err));
  m->f.has_key = true;
  GROVE__TRY(grove__fitting_begin(&m->f, o));
  GROVE__TRY(check_options(m));
  m->out->key = grove__copy_text(&m->out->allocator, key);
  grove_status s = m->out->key ? find_groups(m) : GROVE_ENOMEM;
  s = s ? s : run_all(m);
  s = s ? s : grove__models_sort(m->out);
  return s == GROVE_ENOMEM      ? grove__error_memory(err, "many models", m->out->count * 64)
         : s == GROVE_ECANCELED ? grove__error(err, s, -1, "cancelled")
                                : s;
}

grove_status grove_models_fit(const grove_registry *r, const char *name, const grove_parameter *p,
    const grove_table *t, const char *key, const grove_fit_options *o, grove_models **out,
    grove_error *err)
{
  if (!out || !name || !t || !key) {
    return grove__error(
        err, GROVE_EINVAL, -1, "a kind of model, a table, a key column and a place are needed");
  }
  *out = NULL;
  const grove_allocator *a = grove__registry_allocator(r);
  grove_models *made = grove__alloc_zero(a, sizeof *made);
  if (!made) {
    return grove__error_memory(err, "many models", sizeof *made);
  }
  made->allocator = *a;
  made->registry = r;
  struct many m = {.out = made, .f = {.t = t, .err = err}};
  grove_status s = grove_model_create(r, name, p, &made->shape, err);
  if (s == GROVE_OK) {
    m.f.m = made->shape;
    s = fit_many(&m, key, o);
    made->shape->seed = m.f.o.seed;
    free_lanes(&m);
    grove__free(a, m.order, m.f.rows * sizeof *m.order);
    grove__groups_free(m.groups);
    grove__fitting_end(&m.f);
  }
  if (s) {
    grove_models_destroy(made);
    return s;
  }
  *out = made;
  return GROVE_OK;
}
