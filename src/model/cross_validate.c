// Fits without a part of the rows, and what is said of that part.
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "columnar/mersenne.h"
#include "model/learners.h"
#include <string.h>

struct folding {
  const grove_registry *registry;
  const char *name;
  const grove_parameter *parameters;
  const grove_table *table;
  grove_fit_options options;
  grove_allocator allocator;
  uint64_t *order; // shuffled rows: a part is a run of them
  uint64_t *rows;  // of the fit, rising; then of the part
  uint8_t *out;    // by row: 1 is in the part
  size_t count;
  uint32_t folds;
};

// The rows of the part [from, end) of the order behind all others, both rising.
static void list_rows(struct folding *f, size_t from, size_t end)
{
  size_t in = 0, out = f->count - (end - from);
  memset(f->out, 0, f->count);
  for (size_t i = from; i < end; i++) {
    f->out[f->order[i]] = 1;
  }
  for (size_t row = 0; row < f->count; row++) {
    f->rows[f->out[row] ? out++ : in++] = row;
  }
}

static grove_status fit_and_evaluate(const struct folding *f, const grove_table *learned,
    const grove_table *held, grove_evaluation *out, grove_error *err)
{
  grove_model *m = NULL;
  GROVE__TRY(grove_model_create(f->registry, f->name, f->parameters, &m, err));
  grove_status s = grove_model_fit(m, learned, &f->options, err);
  s = s ? s : grove_model_evaluate(m, held, f->options.target, out, err);
  grove_model_destroy(m);
  return s;
}

static grove_status run_fold(
    struct folding *f, uint32_t fold, grove_evaluation *out, grove_error *err)
{
  size_t each = f->count / f->folds, more = f->count % f->folds;
  size_t from = fold * each + (fold < more ? fold : more), n = each + (fold < more);
  grove_table *learned = NULL, *held = NULL;
  list_rows(f, from, from + n);
  grove_status s = grove_table_take(f->table, f->rows, f->count - n, &learned, err);
  s = s ? s : grove_table_take(f->table, f->rows + f->count - n, n, &held, err);
  s = s ? s : fit_and_evaluate(f, learned, held, out, err);
  grove_table_release(learned);
  grove_table_release(held);
  return s ? grove__error_prefix(err, s, "without part %u of %u", fold + 1, f->folds) : GROVE_OK;
}

static grove_status run_folds(struct folding *f, grove_evaluation *out, grove_error *err)
{
  size_t n = f->count;
  f->order = grove__alloc_array(&f->allocator, n, sizeof *f->order);
  f->rows = grove__alloc_array(&f->allocator, n, sizeof *f->rows);
  f->out = grove__alloc(&f->allocator, n);
  if (!f->order || !f->rows || !f->out) {
    return grove__error_memory(err, "the rows of the parts", n * 17);
  }
  for (size_t i = 0; i < n; i++) {
    f->order[i] = i;
  }
  grove__mersenne m;
  grove__mersenne_init(&m, (uint32_t)f->options.seed);
  grove__mersenne_shuffle(&m, f->order, n);
  for (uint32_t i = 0; i < f->folds; i++) {
    out[i] = (grove_evaluation){GROVE_EVALUATION};
    GROVE__TRY(run_fold(f, i, &out[i], err));
  }
  return GROVE_OK;
}

grove_status grove_model_cross_validate(const grove_registry *r, const char *name,
    const grove_parameter *p, const grove_table *t, const grove_fit_options *o, uint32_t folds,
    grove_evaluation *out, grove_error *err)
{
  struct folding f = {.registry = r,
      .name = name,
      .parameters = p,
      .table = t,
      .allocator = *grove__registry_allocator(r),
      .folds = folds,
      .count = t ? grove_table_rows(t) : 0};
  if (!t || !out || !name) {
    return grove__error(
        err, GROVE_EINVAL, -1, "a kind of model, a table, and places for the folds");
  }
  if (grove__options_read(&f.options, sizeof f.options, o)) {
    return grove__error(err, GROVE_ENOTSUP, -1, "struct_size of the fit options is not known");
  }
  if (folds < 2 || folds > f.count || f.options.seed > UINT32_MAX) {
    return grove__error(err, GROVE_EINVAL, -1,
        "%u folds of %zu rows, seed %llu: there can be 2 folds and up to as many as rows, and "
        "seeds to "
        "4294967295",
        folds, f.count, (unsigned long long)f.options.seed);
  }
  if (f.options.validation) {
    return grove__error(
        err, GROVE_EINVAL, -1, "rows to validate on are not for folds: each has its own part");
  }
  grove_status s = run_folds(&f, out, err);
  grove__free(&f.allocator, f.order, f.count * sizeof *f.order);
  grove__free(&f.allocator, f.rows, f.count * sizeof *f.rows);
  grove__free(&f.allocator, f.out, f.count);
  return s;
}
