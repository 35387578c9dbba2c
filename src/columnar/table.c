#include "columnar/table.h"
#include "base/suggest.h"

const uint64_t grove__nothing[2] = {0, 0};

grove_table *grove__table_create(const grove_allocator *a, size_t n, uint64_t rows)
{
  grove_allocator own = grove__allocator_of(a);
  grove_table *t = grove__alloc_zero(&own, sizeof *t);
  size_t bytes;
  if (!t) {
    return NULL;
  }
  t->columns =
      grove__multiply(n, sizeof *t->columns, &bytes) ? grove__alloc_zero(&own, bytes) : NULL;
  if (!t->columns) {
    grove__free(&own, t, sizeof *t);
    return NULL;
  }
  atomic_init(&t->count, 1);
  t->allocator = own;
  t->n = n;
  t->rows = rows;
  return t;
}

grove_table *grove_table_retain(grove_table *t)
{
  if (t) {
    // Relaxed: whoever retains has a count already, and nothing is published by having one more.
    atomic_fetch_add_explicit(&t->count, 1, memory_order_relaxed);
  }
  return t;
}

void grove__stored_free(const grove_allocator *a, grove__stored *c)
{
  grove__free_text(a, c->name);
  grove__free_text(a, c->format);
  for (size_t i = 0; i < GROVE__COUNT(c->own); i++) {
    grove__free(a, c->own[i].p, c->own[i].bytes);
  }
  for (size_t i = 0; i < c->n_children; i++) {
    grove__stored_free(a, &c->children[i]);
  }
  grove__free(a, c->children, c->n_children * sizeof *c->children);
}

void grove_table_release(grove_table *t)
{
  // ORDER acquire-release: the release part puts all reads of this holder before the free; the
  // acquire part lets the last holder free after the reads of all others.
  // PAIRS grove_table_release, the same operation by the other holders.
  // WHY NOT weaker: a relaxed last count could free columns that another thread still reads.
  // WHY NOT a separate fence: thread sanitizers do not follow it.
  if (!t || atomic_fetch_sub_explicit(&t->count, 1, memory_order_acq_rel) != 1) {
    return;
  }
  grove_allocator a = t->allocator;
  for (size_t i = 0; i < t->n; i++) {
    grove__stored_free(&a, &t->columns[i]);
  }
  if (t->array.release) {
    t->array.release(&t->array);
  }
  grove__free(&a, t->columns, t->n * sizeof *t->columns);
  grove__free(&a, t, sizeof *t);
}

void grove__columns_free(const grove_allocator *a, grove__column *columns, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    grove__free(a, columns[i].validity, columns[i].validity_bytes);
    grove__free(a, columns[i].values, columns[i].values_bytes);
    grove__free(a, columns[i].data, columns[i].data_bytes);
    grove__columns_free(a, columns[i].children, columns[i].n_children);
    grove__free(a, columns[i].children, columns[i].n_children * sizeof *columns);
    columns[i] = (grove__column){0};
  }
}

// ---- build -------------------------------------------------------------------------------------

static int64_t last_offset(const grove__stored *c, uint64_t rows)
{
  int64_t end = c->offset + (int64_t)rows;
  return c->layout.width == 4 ? ((const int32_t *)c->values)[end]
                              : ((const int64_t *)c->values)[end];
}

static const char *find_children_flaw(
    const grove__column *c, const grove__stored *s, uint64_t rows)
{
  if (s->layout.shape == GROVE__SHAPE_STRUCT) {
    for (size_t i = 0; i < c->n_children; i++) {
      if (c->children[i].rows < rows) {
        return "has a child with too few rows";
      }
    }
    return NULL;
  }
  int64_t last = 0;
  if (s->layout.shape == GROVE__SHAPE_FIXED_LIST) {
    if (__builtin_mul_overflow((int64_t)rows, (int64_t)s->layout.width, &last)) {
      return "is too long";
    }
  } else if (c->values) {
    last = last_offset(s, rows);
  }
  return c->n_children != 1                                     ? "has not one child"
         : last < 0 || c->children[0].rows < (uint64_t)last ? "has offsets past its child"
                                                                : NULL;
}

// The cheap half of the checks: the buffers are as long as the rows need. What lies in them is the
// reader's promise; reading it all again here would cost as much as decoding it.
static const char *find_flaw(const grove__column *c, const grove__stored *s, uint64_t rows)
{
  size_t need = 0;
  switch (s->layout.shape) {
  case GROVE__SHAPE_NULL: return c->validity || c->values || c->data ? "has buffers" : NULL;
  case GROVE__SHAPE_VIEWS: return "is of string views";
  case GROVE__SHAPE_BITS: need = grove__bitmap_bytes(rows); break;
  case GROVE__SHAPE_FIXED:
    if (!grove__multiply((size_t)rows, s->layout.width, &need)) {
      return "is too long";
    }
    break;
  case GROVE__SHAPE_LIST:
  case GROVE__SHAPE_TEXT:
    if (!grove__multiply((size_t)rows + 1, s->layout.width, &need)) {
      return "is too long";
    }
    break;
  case GROVE__SHAPE_STRUCT:
  case GROVE__SHAPE_FIXED_LIST: break;
  }
  if ((need && !c->values && rows) || (c->values && c->values_bytes < need)) {
    return "has too few bytes of values";
  }
  if (c->nulls < 0 || (uint64_t)c->nulls > rows || (c->nulls && !c->validity)) {
    return "has a wrong count of nulls";
  }
  if (c->validity && c->validity_bytes < grove__bitmap_bytes(rows)) {
    return "has too few bytes of validity";
  }
  if (s->layout.shape == GROVE__SHAPE_TEXT && c->values) {
    int64_t last = last_offset(s, rows);
    if (last < 0 || (uint64_t)last > c->data_bytes) {
      return "has offsets past its data";
    }
  }
  return grove__layout_is_nested(&s->layout) ? find_children_flaw(c, s, rows)
         : c->n_children                     ? "has children"
                                             : NULL;
}

static grove_status store_column(grove_table *t, grove__stored *s, const grove__column *c,
    uint64_t rows, grove_error *err);

static grove_status store_children(
    grove_table *t, grove__stored *s, const grove__column *c, grove_error *err)
{
  size_t bytes = c->n_children * sizeof *s->children;
  if (!c->n_children) {
    return GROVE_OK;
  }
  s->children = grove__alloc_zero(&t->allocator, bytes);
  if (!s->children) {
    return grove__error_memory(err, "a column's children", bytes);
  }
  s->n_children = c->n_children;
  for (size_t i = 0; i < c->n_children; i++) {
    GROVE__TRY(store_column(t, &s->children[i], &c->children[i], c->children[i].rows, err));
  }
  return GROVE_OK;
}

static grove_status store_column(grove_table *t, grove__stored *s, const grove__column *c,
    uint64_t rows, grove_error *err)
{
  const char *name = c->name ? c->name : "";
  if (grove__layout_any(c->format, &s->layout)) {
    return grove__error(err, GROVE_EINTERNAL, -1,
        "column \"%.80s\": no column is built of format \"%.20s\"", name,
        c->format ? c->format : "");
  }
  s->values = c->values ? c->values : grove__nothing;
  s->data = c->data ? c->data : grove__nothing;
  s->validity = c->nulls ? c->validity : NULL;
  s->nulls = s->layout.shape == GROVE__SHAPE_NULL ? (int64_t)rows : c->nulls;
  s->rows = (int64_t)rows;
  s->required = c->required;
  const char *flaw = find_flaw(c, s, rows);
  if (flaw) {
    return grove__error(
        err, GROVE_EINTERNAL, -1, "column \"%.80s\" of format \"%.20s\" %s", name, c->format, flaw);
  }
  s->name = grove__copy_text(&t->allocator, name);
  s->format = grove__copy_text(&t->allocator, c->format);
  if (!s->name || !s->format) {
    return grove__error_memory(err, "a column's name", strlen(name));
  }
  t->bytes += c->validity_bytes + c->values_bytes + c->data_bytes;
  return store_children(t, s, c, err);
}

// Takes the buffers, once nothing can fail any more.
static void own_buffers(const grove_allocator *a, grove__stored *s, const grove__column *c)
{
  s->own[0] = (grove__owned){c->validity, c->validity_bytes};
  s->own[1] = (grove__owned){c->values, c->values_bytes};
  s->own[2] = (grove__owned){c->data, c->data_bytes};
  for (size_t i = 0; i < c->n_children; i++) {
    own_buffers(a, &s->children[i], &c->children[i]);
  }
  grove__free(a, c->children, c->n_children * sizeof *c->children);
}

grove_status grove__table_build(const grove_allocator *a, const grove__column *columns, size_t n,
    uint64_t rows, grove_table **out, grove_error *err)
{
  *out = NULL;
  if (rows > INT64_MAX / 64) {
    return grove__error(err, GROVE_ELIMIT, -1, "%llu rows are more than a table can have",
        (unsigned long long)rows);
  }
  grove_table *t = grove__table_create(a, n, rows);
  if (!t) {
    return grove__error_memory(err, "a table", n * sizeof(grove__stored));
  }
  for (size_t i = 0; i < n; i++) {
    grove_status s = store_column(t, &t->columns[i], &columns[i], rows, err);
    if (s) {
      grove_table_release(t); // it owns no buffer yet
      return s;
    }
  }
  for (size_t i = 0; i < n; i++) {
    own_buffers(&t->allocator, &t->columns[i], &columns[i]);
  }
  *out = t;
  return GROVE_OK;
}

// ---- looking -----------------------------------------------------------------------------------

uint64_t grove__stored_bytes(const grove__stored *c, uint64_t rows)
{
  uint64_t bytes = c->validity ? grove__bitmap_bytes(rows) : 0;
  switch (c->layout.shape) {
  case GROVE__SHAPE_NULL:
  case GROVE__SHAPE_VIEWS: break;
  case GROVE__SHAPE_BITS: bytes += grove__bitmap_bytes(rows); break;
  case GROVE__SHAPE_FIXED: bytes += rows * c->layout.width; break;
  case GROVE__SHAPE_TEXT:
    bytes += (rows + 1) * c->layout.width;
    bytes += (uint64_t)(last_offset(c, rows) - last_offset(c, 0));
    break;
  case GROVE__SHAPE_LIST: bytes += (rows + 1) * c->layout.width; break;
  case GROVE__SHAPE_STRUCT:
  case GROVE__SHAPE_FIXED_LIST: break;
  }
  for (size_t i = 0; i < c->n_children; i++) {
    bytes += grove__stored_bytes(&c->children[i], (uint64_t)c->children[i].rows);
  }
  return bytes;
}

static void view(const grove__stored *c, grove__column_view *out)
{
  *out = (grove__column_view){.name = c->name,
      .format = c->format,
      .offset = c->offset,
      .nulls = c->nulls,
      .validity = c->validity,
      .values = c->values,
      .data = c->data,
      .required = c->required,
      .nested = grove__layout_is_nested(&c->layout) ? c : NULL,
      .n_children = c->n_children};
}

void grove__table_view(const grove_table *t, size_t column, grove__column_view *out)
{
  GROVE__ASSERT(column < t->n);
  view(&t->columns[column], out);
}

void grove__view_child(const grove__column_view *v, size_t i, grove__column_view *out)
{
  GROVE__ASSERT(i < v->n_children);
  view(&v->nested->children[i], out);
}

bool grove__view_items(const grove__column_view *v, int64_t row, int64_t *from, int64_t *to)
{
  if (v->nested->layout.shape == GROVE__SHAPE_STRUCT) {
    return false;
  }
  grove__stored_items(v->nested, row, from, to);
  return true;
}

size_t grove_table_rows(const grove_table *t)
{
  return t ? (size_t)t->rows : 0;
}

size_t grove_table_columns(const grove_table *t)
{
  return t ? t->n : 0;
}

uint64_t grove_table_bytes(const grove_table *t)
{
  return t ? t->bytes : 0;
}

const char *grove_table_name(const grove_table *t, size_t column)
{
  return t && column < t->n ? t->columns[column].name : NULL;
}

const char *grove_table_format(const grove_table *t, size_t column)
{
  return t && column < t->n ? t->columns[column].format : NULL;
}

static const char *name_at(const void *table, size_t i)
{
  return grove_table_name(table, i);
}

grove_status grove_table_find(
    const grove_table *t, const char *name, size_t *column, grove_error *err)
{
  if (!t || !name || !column) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_table_find wants a table, a name and a column");
  }
  for (size_t i = 0; i < t->n; i++) {
    if (strcmp(t->columns[i].name, name) == 0) {
      *column = i;
      return GROVE_OK;
    }
  }
  return grove__error_unknown(err, GROVE_ENOENT, "column", name, name_at, t);
}
