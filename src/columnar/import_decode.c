// Layouts that a table does not keep: dictionaries and string views become flat columns.
#include "columnar/builder.h"
#include "columnar/gather.h"
#include "columnar/import.h"

static void own_column(grove__stored *out, const grove__column *c, int64_t rows)
{
  out->offset = 0;
  out->nulls = out->layout.shape == GROVE__SHAPE_NULL ? rows : c->nulls;
  out->validity = c->validity;
  out->values = c->values ? c->values : grove__nothing;
  out->data = c->data ? c->data : grove__nothing;
  out->own[0] = (grove__owned){c->validity, c->validity_bytes};
  out->own[1] = (grove__owned){c->values, c->values_bytes};
  out->own[2] = (grove__owned){c->data, c->data_bytes};
}

static grove_status set_format(const grove__incoming *in, grove__stored *out, const char *format)
{
  char *copy = grove__copy_text(in->allocator, format);
  if (!copy) {
    return grove__error_memory(in->err, "a column's format", strlen(format));
  }
  grove__free_text(in->allocator, out->format);
  out->format = copy;
  return grove__layout_read(format, &out->layout);
}

// ---- dictionaries ------------------------------------------------------------------------------

static int64_t index_at(const grove__stored *c, int64_t row)
{
  int64_t i = c->offset + row;
  switch (c->layout.number) {
  case GROVE__NUMBER_I8: return ((const int8_t *)c->values)[i];
  case GROVE__NUMBER_U8: return ((const uint8_t *)c->values)[i];
  case GROVE__NUMBER_I16: return ((const int16_t *)c->values)[i];
  case GROVE__NUMBER_U16: return ((const uint16_t *)c->values)[i];
  case GROVE__NUMBER_I32: return ((const int32_t *)c->values)[i];
  case GROVE__NUMBER_U32: return ((const uint32_t *)c->values)[i];
  default:
    return ((const int64_t *)c->values)[i]; // past INT64_MAX it reads as negative: refused too
  }
}

static grove_status read_indices(
    const grove__incoming *in, const grove__stored *indices, int64_t entries, int64_t *rows)
{
  for (int64_t i = 0; i < in->rows; i++) {
    if (!grove__stored_valid(indices, i)) {
      rows[i] = -1;
      continue;
    }
    rows[i] = index_at(indices, i);
    if (rows[i] < 0 || rows[i] >= entries) {
      return grove__import_flaw(in, i, "row %lld has entry %lld of a dictionary of %lld",
          (long long)i, (long long)rows[i], (long long)entries);
    }
  }
  return GROVE_OK;
}

static grove_status decode(const grove__incoming *in, const grove__stored *indices,
    const grove__stored *entries, int64_t n_entries, grove__stored *out)
{
  size_t bytes;
  int64_t *rows = grove__multiply((size_t)in->rows, sizeof *rows, &bytes)
                      ? grove__alloc(in->allocator, bytes)
                      : NULL;
  if (!rows) {
    return grove__error_memory(in->err, "a dictionary column", (uint64_t)in->rows * 8);
  }
  grove__column column;
  grove_status s = read_indices(in, indices, n_entries, rows);
  if (!s) {
    s = grove__gather(in->allocator, entries, rows, (uint64_t)in->rows, &column, in->err);
  }
  grove__free(in->allocator, rows, bytes);
  if (!s) {
    s = set_format(in, out, column.format);
    own_column(out, &column, in->rows);
  }
  return s;
}

static grove_status import_entries(const grove__incoming *in, grove__stored *entries)
{
  const struct ArrowSchema *schema = in->schema->dictionary;
  const struct ArrowArray *array = in->array->dictionary;
  grove__incoming inner = *in;
  inner.schema = schema;
  inner.array = array;
  inner.from = 0;
  inner.rows = array->length;
  inner.parent = NULL;
  if (inner.rows < 0) {
    return grove__import_flaw(in, -1, "a dictionary of %lld entries", (long long)inner.rows);
  }
  grove_status s = set_format(&inner, entries, schema->format);
  return s ? s : grove__import_flat(&inner, entries);
}

static grove_status import_dictionary(const grove__incoming *in, grove__stored *out)
{
  grove__stored indices = {.layout = out->layout};
  grove__stored entries = {0};
  if (!in->array->dictionary) {
    return grove__import_flaw(in, -1, "a dictionary in its schema and none in its array");
  }
  if (!in->array->dictionary->release) {
    return grove__import_flaw(in, -1, "its dictionary is released");
  }
  if (in->array->dictionary->dictionary) {
    return grove__import_flaw(in, -1, "a dictionary in its array and none in its schema");
  }
  grove_status s = grove__import_flat(in, &indices);
  if (!s) {
    s = import_entries(in, &entries);
  }
  if (!s) {
    s = decode(in, &indices, &entries, in->array->dictionary->length, out);
  }
  grove__stored_free(in->allocator, &indices);
  grove__stored_free(in->allocator, &entries);
  return s;
}

grove_status grove__import_column(const grove__incoming *in, grove__stored *out)
{
  out->name = grove__copy_text(in->allocator, in->name);
  out->format = grove__copy_text(in->allocator, in->schema->format);
  if (!out->name || !out->format) {
    return grove__error_memory(in->err, "a column's name", strlen(in->name));
  }
  out->rows = in->rows;
  GROVE__TRY(grove__layout_any(in->schema->format, &out->layout));
  if (in->schema->dictionary) {
    return import_dictionary(in, out);
  }
  if (in->array->dictionary) {
    return grove__import_flaw(in, -1, "a dictionary in its array and none in its schema");
  }
  return grove__layout_is_nested(&out->layout) ? grove__import_nested(in, out)
                                               : grove__import_flat(in, out);
}

// ---- string views ------------------------------------------------------------------------------

enum { VIEW_BYTES = 16, VIEW_INLINE = 12 };

// A view: length, then up to twelve characters; or the first four, a buffer's number, an offset
// into it.
static grove_status find_view(
    const grove__incoming *in, const char *view, int64_t row, const char **text, int32_t *length)
{
  int32_t place[2];
  const struct ArrowArray *array = in->array;
  int64_t n_data = array->n_buffers - 3;
  const char *sizes = array->buffers[array->n_buffers - 1];
  memcpy(length, view, sizeof *length);
  memcpy(place, view + 8, sizeof place);
  *text = view + 4;
  if (*length < 0) {
    return grove__import_flaw(in, row, "row %lld has length %d", (long long)row, (int)*length);
  }
  if (*length <= VIEW_INLINE) {
    return GROVE_OK;
  }
  int64_t size = -1;
  if (place[0] >= 0 && place[0] < n_data && sizes && array->buffers[2 + place[0]]) {
    memcpy(&size, sizes + (size_t)place[0] * sizeof size, sizeof size);
  }
  if (place[1] < 0 || (int64_t)place[1] + *length > size) {
    return grove__import_flaw(in, row,
        "row %lld lies at %d of buffer %d, %d bytes: there is no such place", (long long)row,
        (int)place[1], (int)place[0], (int)*length);
  }
  *text = (const char *)array->buffers[2 + place[0]] + place[1];
  if (memcmp(*text, view + 4, 4) != 0) {
    return grove__import_flaw(
        in, row, "row %lld does not begin with its view's prefix", (long long)row);
  }
  return GROVE_OK;
}

static grove_status build_views(
    const grove__incoming *in, const grove__stored *views, grove__budget *budget, grove__builder *b)
{
  for (int64_t i = 0; i < in->rows; i++) {
    const char *text;
    int32_t length;
    grove_status s;
    if (!grove__stored_valid(views, i)) {
      s = grove__builder_null(budget, b);
    } else {
      const char *view = (const char *)views->values + (size_t)(views->offset + i) * VIEW_BYTES;
      GROVE__TRY(find_view(in, view, i, &text, &length));
      s = grove__builder_text(budget, b, text, (size_t)length);
    }
    if (s) {
      return grove__error_memory(in->err, "a column of string views", budget->used);
    }
  }
  return GROVE_OK;
}

grove_status grove__import_views(const grove__incoming *in, grove__stored *out)
{
  grove__budget budget = {.allocator = *in->allocator};
  grove__builder b = {0};
  grove__column column = {0};
  grove_status s = grove__builder_init(&budget, &b, &out->layout);
  if (s) {
    return grove__error_memory(in->err, "a column of string views", 0);
  }
  s = build_views(in, out, &budget, &b);
  if (!s && (s = grove__builder_finish(&budget, &b, in->name, NULL, &column))) {
    s = grove__error_memory(in->err, "a column of string views", budget.used);
  }
  if (s) {
    grove__builder_free(&budget, &b);
    return s;
  }
  for (size_t i = 0; i < GROVE__COUNT(out->own); i++) {
    grove__free(in->allocator, out->own[i].p, out->own[i].bytes);
    out->own[i] = (grove__owned){0};
  }
  own_column(out, &column, in->rows);
  GROVE__TRY(set_format(in, out, column.format));
  return grove__import_check_text(in, out);
}
