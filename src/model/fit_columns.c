#include "model/fit_columns.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/build.h"
#include <math.h>

static grove_status take_column(
    grove__numbers *c, const grove_table *t, size_t column, size_t i, bool floats, grove_error *err)
{
  grove__column_view v;
  grove__table_view(t, column, &v);
  if (v.format[0] == 'g' && v.format[1] == 0 && v.validity == NULL && v.values) {
    c->column[i] = (const double *)v.values + v.offset;
    return GROVE_OK;
  }
  if (floats && v.format[0] == 'f' && v.format[1] == 0 && v.validity == NULL && v.values) {
    c->floats[i] = (const float *)v.values + v.offset;
    return GROVE_OK;
  }
  c->copy[i] = grove__alloc_array(&c->allocator, c->rows, sizeof **c->copy);
  if (!c->copy[i]) {
    return grove__error_memory(err, "a column", c->rows * sizeof **c->copy);
  }
  c->column[i] = c->copy[i];
  return grove_table_doubles(t, column, 0, c->rows, c->copy[i], err);
}

static grove_status reserve(const grove_allocator *a, const grove_table *t, size_t count,
    grove__numbers *out, grove_error *err)
{
  *out = (grove__numbers){.allocator = *a, .count = count, .rows = grove_table_rows(t)};
  out->column = grove__alloc_zero(a, count * sizeof *out->column);
  out->copy = grove__alloc_zero(a, count * sizeof *out->copy);
  out->floats = grove__alloc_zero(a, count * sizeof *out->floats);
  if (!out->column || !out->copy || !out->floats) {
    return grove__error_memory(err, "a list of columns", count * 2 * sizeof(void *));
  }
  return GROVE_OK;
}

grove_status grove__numbers_make(const grove_allocator *a, const grove_table *t,
    const size_t *wanted, size_t count, size_t floats, grove__numbers *out, grove_error *err)
{
  grove_status s = reserve(a, t, count, out, err);
  for (size_t i = 0; s == GROVE_OK && i < count; i++) {
    s = take_column(out, t, wanted[i], i, i < floats, err);
  }
  if (s) {
    grove__numbers_free(out);
  }
  return s;
}

grove_status grove__numbers_find(const grove_allocator *a, const grove_table *t,
    const char *const *names, size_t count, grove__numbers *out, grove_error *err)
{
  grove_status s = reserve(a, t, count, out, err);
  for (size_t i = 0; s == GROVE_OK && i < count; i++) {
    size_t column;
    s = grove_table_find(t, names[i], &column, err);
    s = s ? s : take_column(out, t, column, i, false, err);
  }
  if (s) {
    grove__numbers_free(out);
  }
  return s;
}

void grove__numbers_free(grove__numbers *c)
{
  for (size_t i = 0; c->copy && i < c->count; i++) {
    grove__free(&c->allocator, c->copy[i], c->rows * sizeof **c->copy);
  }
  if (c->count) {
    grove__free(&c->allocator, c->copy, c->count * sizeof *c->copy);
    grove__free(&c->allocator, (void *)c->column, c->count * sizeof *c->column);
    grove__free(&c->allocator, (void *)c->floats, c->count * sizeof *c->floats);
  }
  *c = (grove__numbers){.count = 0};
}

grove_status grove__check_target(const double *y, size_t rows, const char *name, grove_error *err)
{
  double low = y[0], high = y[0];
  for (size_t i = 0; i < rows; i++) {
    if (!isfinite(y[i])) {
      return grove__error(err, GROVE_EINVAL, (int64_t)i,
          "target %s is %s in row %zu (rows from 0); a target must be a finite number", name,
          isnan(y[i]) ? "missing" : "infinite", i);
    }
    low = y[i] < low ? y[i] : low;
    high = y[i] > high ? y[i] : high;
  }
  if (!isfinite(high - low)) {
    return grove__error(err, GROVE_EINVAL, -1,
        "target %s goes from %g to %g: such a range is more than a number can hold", name, low,
        high);
  }
  return GROVE_OK;
}

grove_status grove__check_weight(const double *w, size_t rows, const char *name, grove_error *err)
{
  double sum = 0;
  for (size_t i = 0; i < rows; i++) {
    if (!(w[i] >= 0) || isinf(w[i])) {
      return grove__error(err, GROVE_EINVAL, (int64_t)i,
          "weight %s is %g in row %zu (rows from 0); a weight must be a finite number of 0 or more",
          name, w[i], i);
    }
    sum += w[i];
  }
  if (!(sum > 0) || isinf(sum)) {
    return grove__error(
        err, GROVE_EINVAL, -1, "weight %s sums to %g: some rows must count", name, sum);
  }
  return GROVE_OK;
}
