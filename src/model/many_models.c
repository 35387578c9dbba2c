#include "model/many_models.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "model/fit_columns.h"
#include "model/learners.h"
#include <math.h>
#include <string.h>

void grove_models_destroy(grove_models *m)
{
  if (!m) {
    return;
  }
  grove_allocator a = m->allocator;
  for (size_t i = 0; i < m->count; i++) {
    if (m->one[i].state) {
      m->shape->learner.destroy(m->one[i].state);
    }
    grove__free_text(&a, m->one[i].key);
    grove__free_text(&a, m->one[i].words);
  }
  grove__free(&a, m->one, m->room * sizeof *m->one);
  if (m->by_key) {
    grove__free(&a, m->by_key, m->count * sizeof *m->by_key);
  }
  grove__free_text(&a, m->key);
  grove_model_destroy(m->shape);
  grove__free(&a, m, sizeof *m);
}

size_t grove_models_count(const grove_models *m)
{
  return m ? m->count : 0;
}

const char *grove_models_key(const grove_models *m, size_t i)
{
  return m && i < m->count ? m->one[i].key : NULL;
}

grove_status grove_models_state(const grove_models *m, size_t i, grove_error *err)
{
  if (!m || i >= m->count) {
    return grove__error(err, GROVE_ENOENT, -1, "there is no model %zu", i);
  }
  const grove__one_model *one = &m->one[i];
  return one->status == GROVE_OK ? GROVE_OK
                                 : grove__error(err, one->status, -1, "%s of %s: %s",
                                       m->shape->learner.name, one->key ? one->key : "null",
                                       one->words ? one->words : grove_status_text(one->status));
}

// ---- keys ---------------------------------------------------------------------------------------------
static int compare_keys(const char *a, const char *b)
{
  return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

// A model on its way to its place: the first eight bytes of its key order most of them.
struct placed {
  uint64_t first; // as a number that orders as they do; a key's end is a zero
  uint32_t at;
};

static uint64_t first_bytes(const char *key)
{
  uint64_t word = 0;
  for (size_t i = 0; i < sizeof word && key && key[i]; i++) {
    word |= (uint64_t)(uint8_t)key[i] << (56 - 8 * i);
  }
  return word;
}

static bool is_before(const grove_models *m, const struct placed *a, const struct placed *b)
{
  return a->first != b->first ? a->first < b->first
                              : compare_keys(m->one[a->at].key, m->one[b->at].key) < 0;
}

// A heap: the C library's sort has no room for what they point into.
static void sift(const grove_models *m, struct placed *heap, size_t i, size_t n)
{
  struct placed one = heap[i];
  for (size_t child; (child = 2 * i + 1) < n; i = child) {
    child += child + 1 < n && is_before(m, &heap[child], &heap[child + 1]);
    if (!is_before(m, &one, &heap[child])) {
      break;
    }
    heap[i] = heap[child];
  }
  heap[i] = one;
}

grove_status grove__models_sort(grove_models *m)
{
  size_t n = m->count;
  struct placed *heap = n <= UINT32_MAX ? grove__alloc_array(&m->allocator, n, sizeof *heap) : NULL;
  m->by_key = grove__alloc_array(&m->allocator, n, sizeof *m->by_key);
  if (!heap || !m->by_key) {
    grove__free(&m->allocator, heap, n * sizeof *heap);
    return GROVE_ENOMEM;
  }
  for (size_t i = 0; i < n; i++) {
    heap[i] = (struct placed){first_bytes(m->one[i].key), (uint32_t)i};
  }
  for (size_t i = n / 2; i-- > 0;) {
    sift(m, heap, i, n);
  }
  for (size_t end = n; end-- > 1;) {
    struct placed last = heap[end];
    heap[end] = heap[0];
    heap[0] = last;
    sift(m, heap, 0, end);
  }
  for (size_t i = 0; i < n; i++) {
    m->by_key[i] = heap[i].at;
  }
  grove__free(&m->allocator, heap, n * sizeof *heap);
  return GROVE_OK;
}

size_t grove__models_find(const grove_models *m, const char *key)
{
  size_t low = 0, high = m->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = compare_keys(m->one[m->by_key[middle]].key, key);
    if (order == 0) {
      return m->by_key[middle];
    }
    low = order < 0 ? middle + 1 : low;
    high = order < 0 ? high : middle;
  }
  return SIZE_MAX;
}

// ---- predict ------------------------------------------------------------------------------------------
struct predicting {
  const grove_models *m;
  const double *const *column; // features, of all rows
  double *copy;                // of a group: features, then predictions
  const double **part;
  size_t rows;
  double *out;
  grove_error *err;
};

static grove_status predict_group(void *user, const char *key, const uint64_t *rows, size_t n)
{
  struct predicting *p = user;
  const grove_model *shape = p->m->shape;
  size_t i = grove__models_find(p->m, key), columns = shape->feature_count;
  double *got = p->copy + columns * n;
  if (i == SIZE_MAX || !p->m->one[i].state) {
    for (size_t k = 0; k < n; k++) {
      p->out[rows[k]] = NAN;
    }
    return GROVE_OK;
  }
  for (size_t c = 0; c < columns; c++) {
    double *to = p->copy + c * n;
    p->part[c] = to;
    for (size_t k = 0; k < n; k++) {
      to[k] = p->column[c][rows[k]];
    }
  }
  const grove_matrix x = {p->part, columns, n};
  GROVE__TRY(shape->learner.predict(p->m->one[i].state, &x, got, p->err));
  for (size_t k = 0; k < n; k++) {
    p->out[rows[k]] = got[k];
  }
  return GROVE_OK;
}

static grove_status predict_all(struct predicting *p, const grove_table *t, size_t key)
{
  const grove_allocator *a = &p->m->allocator;
  size_t columns = p->m->shape->feature_count, cells = (columns + 1) * p->rows;
  uint64_t *order = grove__alloc_array(a, p->rows, sizeof *order);
  p->copy = grove__alloc_array(a, cells, sizeof *p->copy);
  p->part = grove__alloc_array(a, columns, sizeof *p->part);
  grove_status s = order && p->copy && p->part
                       ? grove_table_group(t, key, order, predict_group, p, p->err)
                       : grove__error_memory(p->err, "rows by their keys", cells * 8);
  grove__free(a, order, p->rows * sizeof *order);
  grove__free(a, p->copy, cells * sizeof *p->copy);
  grove__free(a, (void *)p->part, columns * sizeof *p->part);
  return s;
}

grove_status grove_models_predict(
    const grove_models *m, const grove_table *t, double *out, size_t rows, grove_error *err)
{
  size_t key;
  grove__numbers numbers;
  if (!m || !t || rows != grove_table_rows(t) || (rows && !out)) {
    return grove__error(err, GROVE_EINVAL, -1, "the buffer has %zu rows, the table %zu", rows,
        t ? grove_table_rows(t) : 0);
  }
  const grove_model *shape = m->shape;
  GROVE__TRY(grove_table_find(t, m->key, &key, err));
  GROVE__TRY(grove__numbers_find(
      &m->allocator, t, (const char *const *)shape->features, shape->feature_count, &numbers, err));
  const grove_matrix x = {numbers.column, shape->feature_count, rows};
  grove_status s = grove__model_check_features(shape, &x, NULL, 0, false, err);
  s = s ? s : grove__model_check_categories(shape, &x, NULL, 0, err);
  struct predicting p = {.m = m, .column = numbers.column, .rows = rows, .out = out, .err = err};
  s = s ? s : predict_all(&p, t, key);
  grove__numbers_free(&numbers);
  return s;
}

// ---- one of them --------------------------------------------------------------------------------------
grove_status grove_models_take(grove_models *m, size_t i, grove_model **out, grove_error *err)
{
  grove_model *one = NULL;
  if (!out) {
    return grove__error(err, GROVE_EINVAL, -1, "no place for the model");
  }
  *out = NULL;
  if (!m || i >= m->count || !m->one[i].state) {
    return grove__error(err, GROVE_ENOENT, -1, "there is no fitted model %zu", i);
  }
  const grove_model *shape = m->shape;
  GROVE__TRY(grove__model_make(m->registry, shape->learner.name, &one, err));
  grove_status s = grove__model_name_columns(
      one, (const char *const *)shape->features, shape->feature_count, shape->target, err);
  if (s) {
    grove_model_destroy(one);
    return s;
  }
  memcpy(one->values, shape->values, shape->value_count * sizeof *one->values);
  memcpy(one->kinds, shape->kinds, shape->feature_count);
  one->state = m->one[i].state;
  one->seed = shape->seed;
  one->rows = m->one[i].rows;
  one->stage = GROVE__MODEL_FITTED;
  m->one[i].state = NULL;
  m->one[i].status = GROVE_ENOENT;
  *out = one;
  return GROVE_OK;
}
