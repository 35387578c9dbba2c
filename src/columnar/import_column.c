// One flat column: every count, length, offset and character is checked before anyone reads it.
#include "columnar/import.h"
#include "columnar/utf8.h"

grove_status grove__import_check_counts(
    const grove__incoming *in, const grove__layout *l, int64_t children)
{
  const struct ArrowArray *array = in->array;
  int64_t buffers = grove__layout_buffers(l);
  if (array->length < 0 || array->offset < 0 || array->null_count < -1 ||
      array->length > INT64_MAX / 64 || array->offset > INT64_MAX / 64) {
    return grove__import_flaw(in, -1, "length %lld, offset %lld, null count %lld",
        (long long)array->length, (long long)array->offset, (long long)array->null_count);
  }
  if (array->null_count > array->length) {
    return grove__import_flaw(
        in, -1, "%lld nulls in %lld rows", (long long)array->null_count, (long long)array->length);
  }
  if (in->from + in->rows > array->length) {
    return grove__import_flaw(in, -1, "%lld rows where the table wants %lld",
        (long long)(array->length - in->from), (long long)in->rows);
  }
  // A null array has no buffer by the specification; older producers send an empty validity.
  bool fits = l->shape == GROVE__SHAPE_VIEWS  ? array->n_buffers >= buffers
              : l->shape == GROVE__SHAPE_NULL ? array->n_buffers == 0 || array->n_buffers == 1
                                              : array->n_buffers == buffers;
  if (!fits || (array->n_buffers && !array->buffers)) {
    return grove__import_flaw(in, -1, "%lld buffers where format \"%.40s\" has %lld",
        (long long)array->n_buffers, in->schema->format, (long long)buffers);
  }
  if (array->n_children != children || (children && !array->children)) {
    return grove__import_flaw(in, -1, "%lld children where format \"%.40s\" has %lld",
        (long long)array->n_children, in->schema->format, (long long)children);
  }
  return GROVE_OK;
}

grove_status grove__import_validity(const grove__incoming *in, int64_t begin, grove__stored *out)
{
  const struct ArrowArray *array = in->array;
  const uint8_t *bits = array->buffers[0];
  if (!bits && array->null_count > 0) {
    return grove__import_flaw(
        in, -1, "%lld nulls without a validity buffer", (long long)array->null_count);
  }
  out->nulls = bits ? in->rows - grove__bitmap_count(bits, begin, in->rows) : 0;
  if (bits && array->null_count >= 0 && in->rows == array->length &&
      out->nulls != array->null_count) {
    return grove__import_flaw(in, -1, "%lld nulls where its null count says %lld",
        (long long)out->nulls, (long long)array->null_count);
  }
  out->validity = out->nulls ? bits + (begin >> 3) : NULL;
  if (!in->parent || grove__bitmap_count(in->parent, in->parent_from, in->rows) == in->rows) {
    return GROVE_OK;
  }
  size_t bytes = grove__bitmap_bytes((uint64_t)(out->offset + in->rows));
  uint8_t *both = grove__alloc_zero(in->allocator, bytes);
  if (!both) {
    return grove__error_memory(in->err, "a column's nulls", bytes);
  }
  out->own[0] = (grove__owned){both, bytes};
  out->nulls = 0;
  for (int64_t i = 0; i < in->rows; i++) {
    bool valid = grove__bit_get(in->parent, in->parent_from + i) &&
                 (!out->validity || grove__bit_get(out->validity, out->offset + i));
    out->nulls += !valid;
    if (valid) {
      grove__bit_set(both, out->offset + i);
    }
  }
  out->validity = both;
  return GROVE_OK;
}

// Values may lie anywhere by the specification's letter; we and our users read them as numbers.
static grove_status align_values(const grove__incoming *in, grove__stored *out, size_t bytes)
{
  size_t align =
      out->layout.shape == GROVE__SHAPE_BITS || out->layout.width == 0                      ? 1
      : out->layout.number == GROVE__NUMBER_NONE && out->layout.shape == GROVE__SHAPE_FIXED ? 1
      : out->layout.width > 8                                                               ? 8
                              : out->layout.width;
  if ((uintptr_t)out->values % align == 0) {
    return GROVE_OK;
  }
  void *copy = grove__alloc(in->allocator, bytes);
  if (!copy) {
    return grove__error_memory(in->err, "a column's values", bytes);
  }
  memcpy(copy, out->values, bytes);
  out->own[1] = (grove__owned){copy, bytes};
  out->values = copy;
  return GROVE_OK;
}

grove_status grove__import_values(const grove__incoming *in, int64_t begin, grove__stored *out)
{
  const char *values = in->array->buffers[1];
  size_t rows = (size_t)(out->offset + in->rows);
  size_t skip = (size_t)(begin & ~(int64_t)7);
  size_t bytes = grove__bitmap_bytes(rows);
  if (out->layout.shape == GROVE__SHAPE_BITS) {
    skip /= 8;
  } else {
    rows += out->layout.shape == GROVE__SHAPE_TEXT || out->layout.shape == GROVE__SHAPE_LIST;
    if (!grove__multiply(rows, out->layout.width, &bytes) ||
        !grove__multiply(skip, out->layout.width, &skip)) {
      return grove__import_flaw(in, -1, "more bytes than there can be");
    }
  }
  if (!values && bytes) {
    return grove__import_flaw(in, -1, "no values for %lld rows", (long long)in->rows);
  }
  out->values = values ? values + skip : (const char *)grove__nothing;
  return align_values(in, out, bytes);
}

static int64_t offset_at(const grove__stored *c, int64_t i)
{
  return c->layout.width == 4 ? ((const int32_t *)c->values)[i] : ((const int64_t *)c->values)[i];
}

// Valid as a whole and no row beginning inside a character is the same as each row valid, and fast.
// Only if that fails is each row looked at, since what stands under a null may be anything.
static grove_status check_characters(const grove__incoming *in, const grove__stored *c)
{
  const char *data = c->data;
  int64_t first = offset_at(c, c->offset);
  int64_t last = offset_at(c, c->offset + in->rows);
  bool whole = grove__utf8_check(data + first, (size_t)(last - first)) == (size_t)(last - first);
  for (int64_t i = 0; whole && i < in->rows; i++) {
    int64_t at = offset_at(c, c->offset + i);
    whole = at >= last || (data[at] & 0xC0) != 0x80;
  }
  for (int64_t i = 0; !whole && i < in->rows; i++) {
    size_t n;
    const char *text = grove__stored_text(c, i, &n);
    if (grove__stored_valid(c, i) && grove__utf8_check(text, n) != n) {
      return grove__import_flaw(in, i, "row %lld is not UTF-8", (long long)i);
    }
  }
  return GROVE_OK;
}

grove_status grove__import_check_offsets(
    const grove__incoming *in, const grove__stored *c, int64_t *first, int64_t *last)
{
  int64_t before = *first = offset_at(c, c->offset);
  if (before < 0) {
    return grove__import_flaw(in, 0, "row 0 begins at offset %lld", (long long)before);
  }
  for (int64_t i = 0; i < in->rows; i++) {
    int64_t next = offset_at(c, c->offset + i + 1);
    if (next < before) {
      return grove__import_flaw(in, i, "row %lld ends at offset %lld, before its begin %lld",
          (long long)i, (long long)next, (long long)before);
    }
    before = next;
  }
  *last = before;
  return GROVE_OK;
}

grove_status grove__import_check_text(const grove__incoming *in, const grove__stored *c)
{
  int64_t first;
  int64_t last;
  GROVE__TRY(grove__import_check_offsets(in, c, &first, &last));
  return c->layout.utf8 ? check_characters(in, c) : GROVE_OK;
}

static grove_status read_text(const grove__incoming *in, grove__stored *out)
{
  out->data = in->array->buffers[2];
  if (!out->data) {
    if (offset_at(out, out->offset + in->rows) != offset_at(out, out->offset)) {
      return grove__import_flaw(in, -1, "texts without a data buffer");
    }
    // All are empty. Their offsets need not be 0, so they can't be kept: there is nothing to point
    // into.
    size_t bytes = (size_t)(out->offset + in->rows + 1) * out->layout.width;
    void *zeros = grove__alloc_zero(in->allocator, bytes);
    if (!zeros) {
      return grove__error_memory(in->err, "a column's offsets", bytes);
    }
    grove__free(in->allocator, out->own[1].p, out->own[1].bytes);
    out->own[1] = (grove__owned){zeros, bytes};
    out->values = zeros;
    out->data = grove__nothing;
  }
  return grove__import_check_text(in, out);
}

grove_status grove__import_flat(const grove__incoming *in, grove__stored *out)
{
  GROVE__TRY(grove__import_check_counts(in, &out->layout, 0));
  out->values = out->data = grove__nothing;
  if (out->layout.shape == GROVE__SHAPE_NULL) {
    out->nulls = in->rows;
    return GROVE_OK;
  }
  if (in->rows == 0) { // then every buffer may be missing
    if (out->layout.shape == GROVE__SHAPE_VIEWS) {
      return grove__import_views(in, out);
    }
    return GROVE_OK;
  }
  // The buffers are entered at a whole byte of the bitmap, so that what is left of the offset is
  // small, and a bitmap of our own can stand beside buffers of the producer.
  int64_t begin = in->array->offset + in->from;
  out->offset = begin & 7;
  GROVE__TRY(grove__import_validity(in, begin, out));
  GROVE__TRY(grove__import_values(in, begin, out));
  if (out->layout.shape == GROVE__SHAPE_VIEWS) {
    return grove__import_views(in, out);
  }
  return out->layout.shape == GROVE__SHAPE_TEXT ? read_text(in, out) : GROVE_OK;
}
