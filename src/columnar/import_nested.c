// Structs, lists and maps of an incoming array. Their children are columns of their own.
#include "columnar/import.h"

// Rows [from, from + rows) of the i-th child.
static grove_status import_child(
    const grove__incoming *in, int64_t i, int64_t from, int64_t rows, grove__stored *out)
{
  const struct ArrowSchema *schema = in->schema->children[i];
  grove__incoming inner = *in;
  inner.schema = schema;
  inner.array = in->array->children[i];
  inner.from = from;
  inner.rows = rows;
  inner.parent = NULL;
  if (!inner.array || !inner.array->release) {
    return grove__import_flaw(in, -1, "the array of its child %lld is missing or released", (long long)i);
  }
  inner.name = schema->name ? schema->name : "";
  out->required = !(schema->flags & ARROW_FLAG_NULLABLE);
  grove_status s = grove__import_column(&inner, out);
  return s ? grove__error_prefix(in->err, s, "column \"%.80s\"", in->name) : GROVE_OK;
}

static grove_status make_children(const grove__incoming *in, grove__stored *out)
{
  size_t n = (size_t)in->schema->n_children;
  out->children = n ? grove__alloc_zero(in->allocator, n * sizeof *out->children) : NULL;
  if (n && !out->children) {
    return grove__error_memory(in->err, "a column's children", n * sizeof *out->children);
  }
  out->n_children = n;
  return GROVE_OK;
}

// A validity that begins at its first bit, for what stands beside children that begin at their first row.
static grove_status align_validity(const grove__incoming *in, grove__stored *out)
{
  int64_t skip = out->offset;
  out->offset = 0;
  if (!out->validity || !skip) {
    return GROVE_OK;
  }
  size_t bytes = grove__bitmap_bytes((uint64_t)in->rows);
  uint8_t *copy = grove__alloc_zero(in->allocator, bytes);
  if (!copy) {
    return grove__error_memory(in->err, "a column's nulls", bytes);
  }
  grove__bitmap_copy(out->validity, skip, copy, 0, in->rows);
  grove__free(in->allocator, out->own[0].p, out->own[0].bytes);
  out->own[0] = (grove__owned){copy, bytes};
  out->validity = copy;
  return GROVE_OK;
}

static grove_status import_struct(const grove__incoming *in, int64_t begin, grove__stored *out)
{
  GROVE__TRY(align_validity(in, out));
  for (size_t i = 0; i < out->n_children; i++) {
    GROVE__TRY(import_child(in, (int64_t)i, begin, in->rows, &out->children[i]));
  }
  return GROVE_OK;
}

static grove_status import_fixed_list(const grove__incoming *in, int64_t begin, grove__stored *out)
{
  int64_t from;
  int64_t rows;
  GROVE__TRY(align_validity(in, out));
  if (__builtin_mul_overflow(begin, (int64_t)out->layout.width, &from) ||
      __builtin_mul_overflow(in->rows, (int64_t)out->layout.width, &rows) ||
      from > INT64_MAX / 64 || rows > INT64_MAX / 64) {
    return grove__import_flaw(in, -1, "more items than there can be");
  }
  return import_child(in, 0, from, rows, &out->children[0]);
}

// Items before the first row's are kept as rows of the child: the offsets count from them.
static grove_status import_list(const grove__incoming *in, int64_t begin, grove__stored *out)
{
  int64_t first = 0;
  int64_t last = 0;
  if (in->rows) {
    GROVE__TRY(grove__import_values(in, begin, out));
    GROVE__TRY(grove__import_check_offsets(in, out, &first, &last));
  }
  if (last > INT64_MAX / 64) {
    return grove__import_flaw(in, -1, "more items than there can be");
  }
  return import_child(in, 0, 0, last, &out->children[0]);
}

grove_status grove__import_nested(const grove__incoming *in, grove__stored *out)
{
  GROVE__TRY(grove__import_check_counts(in, &out->layout, in->schema->n_children));
  GROVE__TRY(make_children(in, out));
  out->values = out->data = grove__nothing;
  int64_t begin = in->array->offset + in->from;
  if (in->rows) {
    out->offset = begin & 7;
    GROVE__TRY(grove__import_validity(in, begin, out));
  }
  switch (out->layout.shape) {
  case GROVE__SHAPE_STRUCT: return import_struct(in, begin, out);
  case GROVE__SHAPE_LIST: return import_list(in, begin, out);
  default: return import_fixed_list(in, begin, out);
  }
}
