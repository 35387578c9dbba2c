#include "columnar/gather.h"

static bool is_null(const grove__stored *c, int64_t row)
{
  return row < 0 || !grove__stored_valid(c, row);
}

static grove_status gather_validity(const grove_allocator *a, const grove__stored *c,
    const int64_t *rows, uint64_t n, grove__column *out)
{
  for (uint64_t i = 0; i < n; i++) {
    out->nulls += is_null(c, rows[i]);
  }
  if (!out->nulls) {
    return GROVE_OK;
  }
  out->validity_bytes = grove__bitmap_bytes(n);
  uint8_t *bits = grove__alloc_zero(a, out->validity_bytes);
  if (!bits) {
    return GROVE_ENOMEM;
  }
  out->validity = bits;
  for (uint64_t i = 0; i < n; i++) {
    if (!is_null(c, rows[i])) {
      grove__bit_set(bits, (int64_t)i);
    }
  }
  return GROVE_OK;
}

static void copy_bits(const grove__stored *c, const int64_t *rows, uint64_t n, uint8_t *out)
{
  for (uint64_t i = 0; i < n; i++) {
    if (rows[i] >= 0 && grove__bit_get(c->values, c->offset + rows[i])) {
      grove__bit_set(out, (int64_t)i);
    }
  }
}

static void copy_fixed(const grove__stored *c, const int64_t *rows, uint64_t n, char *out)
{
  size_t width = c->layout.width;
  const char *in = (const char *)c->values + (size_t)c->offset * width;
  for (uint64_t i = 0; i < n; i++) {
    if (rows[i] < 0) {
      continue; // the block came zeroed
    }
    if (width == 8) { // the width that matters, with a size the compiler knows
      memcpy(out + i * 8, in + (size_t)rows[i] * 8, 8);
    } else {
      memcpy(out + i * width, in + (size_t)rows[i] * width, width);
    }
  }
}

static bool measure_text(const grove__stored *c, const int64_t *rows, uint64_t n, size_t *out)
{
  size_t total = 0;
  for (uint64_t i = 0; i < n; i++) {
    size_t bytes = 0;
    if (!is_null(c, rows[i])) {
      grove__stored_text(c, rows[i], &bytes);
    }
    if (!grove__add(total, bytes, &total)) {
      return false;
    }
  }
  *out = total;
  return true;
}

static void copy_text(const grove__stored *c, const int64_t *rows, uint64_t n,
    const grove__column *out, uint32_t width)
{
  size_t used = 0;
  for (uint64_t i = 0; i < n; i++) {
    size_t bytes;
    if (!is_null(c, rows[i])) {
      const char *text = grove__stored_text(c, rows[i], &bytes);
      if (bytes) {
        memcpy((char *)out->data + used, text, bytes);
      }
      used += bytes;
    }
    if (width == 4) {
      ((int32_t *)out->values)[i + 1] = (int32_t)used;
    } else {
      ((int64_t *)out->values)[i + 1] = (int64_t)used;
    }
  }
}

static grove_status gather_text(const grove_allocator *a, const grove__stored *c,
    const int64_t *rows, uint64_t n, grove__column *out)
{
  uint32_t width = c->layout.width;
  if (!measure_text(c, rows, n, &out->data_bytes)) {
    return GROVE_ENOMEM;
  }
  if (width == 4 && out->data_bytes > INT32_MAX) {
    width = 8;
    out->format = c->layout.utf8 ? "U" : "Z";
  }
  if (!grove__multiply((size_t)n + 1, width, &out->values_bytes)) {
    return GROVE_ENOMEM;
  }
  out->values = grove__alloc_zero(a, out->values_bytes);
  out->data = out->data_bytes ? grove__alloc(a, out->data_bytes) : NULL;
  if (!out->values || (out->data_bytes && !out->data)) {
    return GROVE_ENOMEM;
  }
  copy_text(c, rows, n, out, width);
  return GROVE_OK;
}

static grove_status gather_values(const grove_allocator *a, const grove__stored *c,
    const int64_t *rows, uint64_t n, grove__column *out)
{
  bool bits = c->layout.shape == GROVE__SHAPE_BITS;
  if (bits) {
    out->values_bytes = grove__bitmap_bytes(n);
  } else if (!grove__multiply((size_t)n, c->layout.width, &out->values_bytes)) {
    return GROVE_ENOMEM;
  }
  out->values = grove__alloc_zero(a, out->values_bytes);
  if (!out->values) {
    return GROVE_ENOMEM;
  }
  if (bits) {
    copy_bits(c, rows, n, out->values);
  } else {
    copy_fixed(c, rows, n, out->values);
  }
  return GROVE_OK;
}

// The children's rows, from all rows of the parent in order. -1 stands for an item of a null row.
static grove_status gather_children(const grove_allocator *a, const grove__stored *c,
    const int64_t *rows, uint64_t n, grove__column *out, grove_error *err)
{
  size_t bytes = c->n_children * sizeof *out->children;
  if (!c->n_children) {
    return GROVE_OK;
  }
  out->children = grove__alloc_zero(a, bytes);
  if (!out->children) {
    return GROVE_ENOMEM;
  }
  out->n_children = c->n_children;
  for (size_t i = 0; i < c->n_children; i++) {
    GROVE__TRY(grove__gather(a, &c->children[i], rows, n, &out->children[i], err));
  }
  return GROVE_OK;
}

// How many items the rows have together; a null row of a fixed list has its places, too.
static bool count_items(const grove__stored *c, const int64_t *rows, uint64_t n, int64_t *out)
{
  int64_t total = 0;
  for (uint64_t i = 0; i < n; i++) {
    int64_t from = 0;
    int64_t to = 0;
    if (c->layout.shape == GROVE__SHAPE_FIXED_LIST) {
      to = c->layout.width;
    } else if (!is_null(c, rows[i])) {
      grove__stored_items(c, rows[i], &from, &to);
    }
    if (__builtin_add_overflow(total, to - from, &total)) {
      return false;
    }
  }
  *out = total;
  return total <= (c->layout.shape == GROVE__SHAPE_LIST && c->layout.width == 4 ? INT32_MAX
                                                                               : INT64_MAX / 64);
}

// Lists the items' rows, and the offsets behind each of the parent's.
static void list_items(const grove__stored *c, const int64_t *rows, uint64_t n, int64_t *items,
    const grove__column *out)
{
  int64_t used = 0;
  bool fixed = c->layout.shape == GROVE__SHAPE_FIXED_LIST;
  for (uint64_t i = 0; i < n; i++) {
    int64_t from = 0;
    int64_t to = fixed ? (int64_t)c->layout.width : 0;
    bool null = is_null(c, rows[i]);
    if (!null) {
      grove__stored_items(c, rows[i], &from, &to);
    }
    for (; from < to; from++) {
      items[used++] = null ? -1 : from;
    }
    if (fixed) {
      continue;
    }
    if (c->layout.width == 4) {
      ((int32_t *)out->values)[i + 1] = (int32_t)used;
    } else {
      ((int64_t *)out->values)[i + 1] = used;
    }
  }
}

static grove_status gather_lists(const grove_allocator *a, const grove__stored *c,
    const int64_t *rows, uint64_t n, grove__column *out, grove_error *err)
{
  int64_t n_items;
  size_t bytes;
  if (!count_items(c, rows, n, &n_items) ||
      !grove__multiply((size_t)n_items, sizeof(int64_t), &bytes)) {
    return GROVE_ENOMEM;
  }
  if (c->layout.shape == GROVE__SHAPE_LIST) {
    if (!grove__multiply((size_t)n + 1, c->layout.width, &out->values_bytes)) {
      return GROVE_ENOMEM;
    }
    out->values = grove__alloc_zero(a, out->values_bytes);
    if (!out->values) {
      return GROVE_ENOMEM;
    }
  }
  int64_t *items = grove__alloc(a, bytes);
  if (!items) {
    return GROVE_ENOMEM;
  }
  list_items(c, rows, n, items, out);
  grove_status s = gather_children(a, c, items, (uint64_t)n_items, out, err);
  grove__free(a, items, bytes);
  return s;
}

grove_status grove__gather(const grove_allocator *a, const grove__stored *c, const int64_t *rows,
    uint64_t n, grove__column *out, grove_error *err)
{
  *out = (grove__column){
      .name = c->name, .format = c->format, .rows = n, .required = c->required};
  if (c->layout.shape == GROVE__SHAPE_NULL) {
    return GROVE_OK;
  }
  grove_status s = gather_validity(a, c, rows, n, out);
  if (!s) {
    s = c->layout.shape == GROVE__SHAPE_TEXT       ? gather_text(a, c, rows, n, out)
        : c->layout.shape == GROVE__SHAPE_STRUCT   ? gather_children(a, c, rows, n, out, err)
        : grove__layout_is_nested(&c->layout)      ? gather_lists(a, c, rows, n, out, err)
                                                   : gather_values(a, c, rows, n, out);
  }
  if (s) {
    uint64_t bytes = out->validity_bytes + out->values_bytes + out->data_bytes;
    grove__columns_free(a, out, 1);
    return grove__error_memory(err, "rows of a column", bytes);
  }
  return GROVE_OK;
}

static grove_status take_columns(
    const grove_table *t, const int64_t *rows, size_t n, grove__column *columns, grove_error *err)
{
  for (size_t i = 0; i < t->n; i++) {
    grove_status s = grove__gather(&t->allocator, &t->columns[i], rows, n, &columns[i], err);
    if (s) {
      grove__columns_free(&t->allocator, columns, i);
      return s;
    }
  }
  return GROVE_OK;
}

grove_status grove_table_take(
    const grove_table *t, const uint64_t *rows, size_t n, grove_table **out, grove_error *err)
{
  if (!out || !t || (!rows && n)) {
    if (out) {
      *out = NULL;
    }
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_table_take wants a table, rows and a place for the table");
  }
  *out = NULL;
  for (size_t i = 0; i < n; i++) {
    if (rows[i] >= t->rows) {
      return grove__error(err, GROVE_EINVAL, (int64_t)i, "row %llu is wanted, the table has %llu",
          (unsigned long long)rows[i], (unsigned long long)t->rows);
    }
  }
  grove__column *columns = grove__alloc_zero(&t->allocator, t->n * sizeof *columns);
  if (!columns) {
    return grove__error_memory(err, "a table's columns", t->n * sizeof *columns);
  }
  // A row number is below INT64_MAX / 64, so the signed type reads it alike.
  grove_status s = take_columns(t, (const int64_t *)rows, n, columns, err);
  if (!s) {
    s = grove__table_build(&t->allocator, columns, t->n, n, out, err);
    if (s) {
      grove__columns_free(&t->allocator, columns, t->n);
    }
  }
  grove__free(&t->allocator, columns, t->n * sizeof *columns);
  return s;
}

grove_status grove__table_copy_column(const grove_table *t, size_t column, grove__column *out, grove_error *err)
{
  const grove_allocator *a = &grove__allocator_malloc;
  size_t bytes = 0;
  int64_t *rows = grove__multiply((size_t)t->rows + 1, sizeof *rows, &bytes) ? grove__alloc(a, bytes) : NULL;
  if (!rows) {
    return grove__error_memory(err, "rows of a column", bytes);
  }
  for (uint64_t i = 0; i < t->rows; i++) {
    rows[i] = (int64_t)i;
  }
  grove_status s = grove__gather(a, &t->columns[column], rows, t->rows, out, err);
  grove__free(a, rows, bytes);
  return s;
}
