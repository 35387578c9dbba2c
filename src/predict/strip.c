#include "predict/strip.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/build.h"
#include <math.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

enum { STRIP = 4096 };

static void *alloc_columns(size_t n, size_t each)
{
  size_t bytes;
  return grove__multiply(n ? n : 1, each, &bytes) ? grove__alloc_sized(memory, bytes) : NULL;
}

grove_status grove__strip_init(grove__strip *s, const grove__predict_plan *plan)
{
  size_t n = plan->count;
  s->plan = plan;
  s->values = alloc_columns(n, STRIP * sizeof *s->values);
  s->columns = alloc_columns(n, sizeof *s->columns);
  s->chosen = alloc_columns(n, sizeof *s->chosen);
  s->out = alloc_columns(STRIP, sizeof *s->out);
  s->holds = alloc_columns(STRIP, sizeof *s->holds);
  s->scratch = alloc_columns(STRIP, 3);
  if (!s->values || !s->columns || !s->chosen || !s->out || !s->holds || !s->scratch) {
    return GROVE_ENOMEM;
  }
  for (size_t i = 0; i < n; i++) {
    s->columns[i] = s->values + i * STRIP;
  }
  for (size_t i = 0; plan->filter && i < plan->filter->count; i++) {
    s->chosen[i] = s->columns[plan->filter_place[i]];
  }
  return GROVE_OK;
}

void grove__strip_free(grove__strip *s)
{
  grove__free_sized(memory, s->values);
  grove__free_sized(memory, s->columns);
  grove__free_sized(memory, s->chosen);
  grove__free_sized(memory, s->out);
  grove__free_sized(memory, s->holds);
  grove__free_sized(memory, s->scratch);
}

void grove__tally_free(grove__tally *t)
{
  grove__free(memory, t->kept, t->kept_room);
  grove__free(memory, t->picked, t->picked_room);
  t->kept = NULL;
  t->picked = NULL;
  t->kept_room = t->picked_room = 0;
}

// ---- columns --------------------------------------------------------------------------------------

// For `is null` a column need not be of numbers: 0 where there is a value, NaN where there is none.
static void mark_nulls(const grove_table *t, size_t column, size_t from, size_t n, double *out)
{
  grove__column_view v;
  grove__table_view(t, column, &v);
  for (size_t i = 0; i < n; i++) {
    size_t bit = (size_t)v.offset + from + i;
    bool there = v.format[0] != 'n' &&
                 (!v.validity || v.nulls == 0 || (v.validity[bit / 8] >> (bit % 8) & 1));
    out[i] = there ? 0 : (double)NAN;
  }
}

static grove_status load_column(const grove__strip *s, const grove_table *t, size_t i, size_t from,
    size_t n, grove_error *err)
{
  double *out = s->values + i * STRIP;
  bool marks = !s->plan->numbers[i];
  grove_status status = grove_table_doubles(
      t, s->places[i], from, n, out, marks ? NULL : err); // no words to look for
  if (status == GROVE_ENOTSUP && marks) {
    mark_nulls(t, s->places[i], from, n, out);
    return GROVE_OK;
  }
  return status;
}

// ---- the filter -----------------------------------------------------------------------------------

static bool make_room(void **p, size_t *room, uint64_t items, size_t each)
{
  size_t wanted;
  if (items <= *room / each) {
    return true;
  }
  if (!grove__multiply((size_t)(items + items / 2), each, &wanted)) {
    return false;
  }
  void *grown = grove__realloc(memory, *p, *room, wanted);
  if (grown) {
    *p = grown;
    *room = wanted;
  }
  return grown != NULL;
}

// Rows that the filter does not hold for are taken out of the columns. *n is how many are left.
static grove_status filter(grove__strip *s, size_t *n, grove__tally *t, grove_error *err)
{
  const grove__rule *rule = s->plan->filter;
  size_t left = 0;
  grove__rule_apply(rule, s->chosen, *n, s->scratch, s->holds);
  if (t->picks) {
    void *picked = t->picked;
    bool good = make_room(&picked, &t->picked_room, t->n_picked + *n, sizeof *t->picked);
    t->picked = picked;
    if (!good) {
      return grove__error_memory(err, "the rows of a filter", (t->n_picked + *n) * sizeof *t->picked);
    }
  }
  for (size_t i = 0; i < *n; i++) {
    if (s->holds[i] != 0) {
      if (t->picks) {
        t->picked[t->n_picked++] = t->read - t->before + i;
      }
      s->holds[left++] = (double)i; // the row that goes to this place; never behind i
    }
  }
  for (size_t c = 0; c < s->plan->count && left < *n; c++) {
    double *column = s->values + c * STRIP;
    for (size_t i = 0; i < left; i++) {
      column[i] = column[(size_t)s->holds[i]];
    }
  }
  *n = left;
  return GROVE_OK;
}

// ---- predictions ----------------------------------------------------------------------------------

// Some models can't take missing numbers: then say where the first one is. With a filter the row is one of those left.
static grove_status fail_predict(
    const grove__strip *s, grove_status status, uint64_t row, size_t n, grove_error *err)
{
  const grove__predict_plan *plan = s->plan;
  for (size_t i = 0; i < n && status == GROVE_EINVAL && plan->model; i++) {
    for (size_t c = 0; c < plan->features; c++) {
      if (isnan(s->columns[c][i])) {
        uint64_t at = row + (plan->filter ? (uint64_t)s->holds[i] : i);
        return grove__error(err, status, (int64_t)at,
            "row %llu: column \"%.100s\" is null or NaN, which a %s model can't take",
            (unsigned long long)at + 1, plan->columns[c], grove_model_name(plan->model));
      }
    }
  }
  return grove__error(err, status, -1, "the model can't predict: %s", grove_status_text(status));
}

static grove_status predict(grove__strip *s, uint64_t row, size_t n, grove_error *err)
{
  const grove__predict_plan *plan = s->plan;
  if (plan->rule) {
    grove__rule_apply(plan->rule, s->columns, n, s->scratch, s->out);
    return GROVE_OK;
  }
  grove_matrix x = {s->columns, plan->features, n};
  grove_status status = plan->score ? plan->score(plan->score_user, &x, s->out)
                                    : grove_model_predict_matrix(plan->model, &x, s->out);
  return status ? fail_predict(s, status, row, n, err) : GROVE_OK;
}

// A rule whose answers are only summed: how often it holds is their sum, in any order.
static bool count_strip(grove__strip *s, const grove_table *batch, size_t from, size_t n, grove__tally *t)
{
  uint64_t count = 0;
  if (!s->plan->rule || s->plan->filter || t->keeps ||
      !grove__rule_count(s->plan->rule, batch, s->places, from, n, s->scratch, &count)) {
    return false;
  }
  t->sum += (double)count;
  t->rows += n;
  t->read += n;
  return true;
}

static grove_status score_strip(grove__strip *s, const grove_table *batch, size_t from, size_t n,
    grove__tally *t, grove_error *err)
{
  size_t left = n;
  if (count_strip(s, batch, from, n, t)) {
    return GROVE_OK;
  }
  for (size_t i = 0; i < s->plan->count; i++) {
    GROVE__TRY(load_column(s, batch, i, from, n, err));
  }
  if (s->plan->filter) {
    GROVE__TRY(filter(s, &left, t, err));
  }
  if (left) {
    GROVE__TRY(predict(s, t->read, left, err));
  }
  double sum = t->sum;
  for (size_t i = 0; i < left; i++) {
    sum += s->out[i];
  }
  t->sum = sum;
  if (t->keeps && left) {
    void *kept = t->kept;
    bool good = make_room(&kept, &t->kept_room, t->rows + left, sizeof *t->kept);
    t->kept = kept;
    if (!good) {
      return grove__error_memory(err, "predictions", (t->rows + left) * sizeof *t->kept);
    }
    memcpy(t->kept + t->rows, s->out, left * sizeof *s->out);
  }
  t->rows += left;
  t->read += n;
  return GROVE_OK;
}

static grove_status score_batch(grove__strip *s, const grove_table *batch,
    grove_status (*pause)(void *user, uint64_t read), void *user, grove__tally *t, grove_error *err)
{
  size_t rows = grove_table_rows(batch);
  for (size_t from = 0; from < rows; from += STRIP) {
    size_t n = rows - from < STRIP ? rows - from : STRIP;
    GROVE__TRY(score_strip(s, batch, from, n, t, err));
    GROVE__TRY(pause(user, t->read));
  }
  return GROVE_OK;
}

static grove_status score_group(grove__strip *s, grove__cursor *c,
    grove_status (*pause)(void *user, uint64_t read), grove__batch_fn *take, void *user, grove__tally *t,
    grove_error *err)
{
  for (;;) {
    grove_table *batch = NULL;
    GROVE__TRY(grove__cursor_next(c, &batch, err));
    if (!batch) {
      return GROVE_OK;
    }
    t->before = t->read;
    t->n_picked = 0;
    grove_status status = score_batch(s, batch, pause, user, t, err);
    if (!status && take) {
      status = take(user, batch, t, err);
    }
    grove_table_release(batch);
    GROVE__TRY(status);
  }
}

grove_status grove__strip_score(grove__strip *s, const grove__shard *shard, size_t group,
    grove_status (*pause)(void *user, uint64_t read), grove__batch_fn *take, void *user, grove__tally *t,
    grove_error *err)
{
  grove__cursor *c;
  s->places = grove__shard_places(shard);
  grove_status status = grove__cursor_open(shard, group, &c, err);
  if (!status) {
    status = score_group(s, c, pause, take, user, t, err);
    grove__cursor_close(c);
  }
  return status && grove__shard_groups(shard) > 1 && err->text[0]
             ? grove__error_prefix(err, status, "row group %zu", group)
             : status;
}
