#include "columnar/builder.h"

// ---- buffers -----------------------------------------------------------------------------------

static grove_status resize(grove__budget *g, grove__buffer *b, size_t capacity)
{
  void *p = grove__realloc(&g->allocator, b->p, b->capacity, capacity);
  if (!p) {
    return GROVE_ENOMEM;
  }
  g->used += capacity;
  g->used -= b->capacity;
  b->p = p;
  b->capacity = capacity;
  return GROVE_OK;
}

grove_status grove__buffer_grow(grove__budget *g, grove__buffer *b, size_t more)
{
  size_t need;
  size_t want;
  if (!grove__add(b->used, more, &need) || !grove__add(need, need / 2 + 64, &want)) {
    return GROVE_ENOMEM;
  }
  if (need <= b->capacity) {
    return GROVE_OK;
  }
  if (g->limit) {
    uint64_t others = g->used - b->capacity;
    uint64_t left = g->limit > others ? g->limit - others : 0;
    if (need > left) {
      return GROVE_ELIMIT;
    }
    // Near the limit the reserve shrinks: what fits is not refused for the sake of growing in big
    // steps.
    want = want > left ? need + (size_t)(left - need) / 2 : want;
  }
  return resize(g, b, want);
}

void grove__buffer_free(grove__budget *g, grove__buffer *b)
{
  grove__free(&g->allocator, b->p, b->capacity);
  g->used -= b->capacity;
  *b = (grove__buffer){0};
}

// ---- columns -----------------------------------------------------------------------------------

grove_status grove__builder_init(grove__budget *g, grove__builder *b, const grove__layout *layout)
{
  *b = (grove__builder){.layout = *layout};
  if (layout->shape == GROVE__SHAPE_VIEWS) {
    b->layout.shape = GROVE__SHAPE_TEXT;
    b->layout.width = 4;
  }
  if (b->layout.shape != GROVE__SHAPE_TEXT && b->layout.shape != GROVE__SHAPE_LIST) {
    return GROVE_OK;
  }
  GROVE__TRY(grove__buffer_reserve(g, &b->values, b->layout.width));
  memset(b->values.p, 0, b->layout.width);
  b->values.used = b->layout.width;
  return GROVE_OK;
}

void grove__builder_free(grove__budget *g, grove__builder *b)
{
  grove__buffer_free(g, &b->validity);
  grove__buffer_free(g, &b->values);
  grove__buffer_free(g, &b->data);
  grove__builder_free_children(g, b);
}

// The bitmap gets to cover `rows` rows; new bits are ones, so that only nulls have to be written.
static grove_status extend_validity(grove__budget *g, grove__builder *b, int64_t rows)
{
  size_t need = grove__bitmap_bytes((uint64_t)rows);
  if (need > b->validity.used) {
    size_t more = need - b->validity.used;
    GROVE__TRY(grove__buffer_reserve(g, &b->validity, more));
    memset(b->validity.p + b->validity.used, 0xFF, more);
    b->validity.used = need;
  }
  return GROVE_OK;
}

// Zero bits up to and with row `row` of a column of bits.
static grove_status extend_bits(grove__budget *g, grove__builder *b, int64_t rows)
{
  size_t need = grove__bitmap_bytes((uint64_t)rows);
  if (need > b->values.used) {
    size_t more = need - b->values.used;
    GROVE__TRY(grove__buffer_reserve(g, &b->values, more));
    memset(b->values.p + b->values.used, 0, more);
    b->values.used = need;
  }
  return GROVE_OK;
}

// Four-byte offsets become eight-byte ones: more than 2 GB of text.
grove_status grove__builder_widen(grove__budget *g, grove__builder *b)
{
  size_t n = b->values.used / 4;
  if (b->layout.width == 8) {
    return GROVE_OK;
  }
  GROVE__TRY(grove__buffer_reserve(g, &b->values, b->values.used));
  for (size_t i = n; i-- > 0;) {
    int32_t narrow;
    memcpy(&narrow, b->values.p + i * 4, sizeof narrow);
    int64_t offset = narrow;
    memcpy(b->values.p + i * 8, &offset, sizeof offset);
  }
  b->values.used = n * 8;
  b->layout.width = 8;
  return GROVE_OK;
}

void grove__builder_offset(grove__builder *b, uint64_t offset)
{
  if (b->layout.width == 4) {
    int32_t narrow = (int32_t)offset;
    memcpy(b->values.p + b->values.used, &narrow, sizeof narrow);
  } else {
    memcpy(b->values.p + b->values.used, &offset, sizeof offset);
  }
  b->values.used += b->layout.width;
}

grove_status grove__builder_text(grove__budget *g, grove__builder *b, const char *text, size_t n)
{
  GROVE__TRY(grove__buffer_reserve(g, &b->data, n));
  if (b->data.used + n > INT32_MAX) {
    GROVE__TRY(grove__builder_widen(g, b));
  }
  GROVE__TRY(grove__buffer_reserve(g, &b->values, b->layout.width));
  if (n) {
    memcpy(b->data.p + b->data.used, text, n);
  }
  b->data.used += n;
  grove__builder_offset(b, b->data.used);
  b->rows++;
  return GROVE_OK;
}

grove_status grove__builder_bool(grove__budget *g, grove__builder *b, bool value)
{
  GROVE__TRY(extend_bits(g, b, b->rows + 1));
  if (value) {
    grove__bit_set(b->values.p, b->rows);
  }
  b->rows++;
  return GROVE_OK;
}

// A null's place among the values: zeros.
static grove_status push_blank(grove__budget *g, grove__builder *b)
{
  switch (b->layout.shape) {
  case GROVE__SHAPE_BITS: return grove__builder_bool(g, b, false);
  case GROVE__SHAPE_TEXT: return grove__builder_text(g, b, NULL, 0);
  case GROVE__SHAPE_FIXED:
    GROVE__TRY(grove__buffer_reserve(g, &b->values, b->layout.width));
    if (b->layout.width) {
      memset(b->values.p + b->values.used, 0, b->layout.width);
    }
    b->values.used += b->layout.width;
    break;
  default: break;
  }
  b->rows++;
  return GROVE_OK;
}

grove_status grove__builder_null(grove__budget *g, grove__builder *b)
{
  GROVE__TRY(extend_validity(g, b, b->rows + 1));
  grove__bit_clear(b->validity.p, b->rows);
  GROVE__TRY(push_blank(g, b));
  b->nulls++;
  return GROVE_OK;
}

// ---- whole batches -----------------------------------------------------------------------------

static grove_status append_text(
    grove__budget *g, grove__builder *b, const grove__stored *c, int64_t rows)
{
  size_t first_bytes;
  size_t last_bytes;
  size_t more;
  const char *first = grove__stored_text(c, 0, &first_bytes);
  const char *last = grove__stored_text(c, rows - 1, &last_bytes);
  size_t bytes = (size_t)(last - first) + last_bytes;
  GROVE__TRY(grove__buffer_reserve(g, &b->data, bytes));
  if (b->data.used + bytes > INT32_MAX) {
    GROVE__TRY(grove__builder_widen(g, b));
  }
  if (!grove__multiply((size_t)rows, b->layout.width, &more)) {
    return GROVE_ENOMEM;
  }
  GROVE__TRY(grove__buffer_reserve(g, &b->values, more));
  if (bytes) {
    memcpy(b->data.p + b->data.used, first, bytes);
  }
  for (int64_t i = 0; i < rows; i++) {
    size_t n;
    const char *text = grove__stored_text(c, i, &n);
    grove__builder_offset(b, b->data.used + (size_t)(text - first) + n);
  }
  b->data.used += bytes;
  return GROVE_OK;
}

static grove_status append_values(
    grove__budget *g, grove__builder *b, const grove__stored *c, int64_t rows)
{
  size_t bytes;
  switch (b->layout.shape) {
  case GROVE__SHAPE_BITS:
    GROVE__TRY(extend_bits(g, b, b->rows + rows));
    grove__bitmap_copy(c->values, c->offset, b->values.p, b->rows, rows);
    return GROVE_OK;
  case GROVE__SHAPE_TEXT: return append_text(g, b, c, rows);
  case GROVE__SHAPE_FIXED:
    if (!grove__multiply((size_t)rows, b->layout.width, &bytes)) {
      return GROVE_ENOMEM;
    }
    GROVE__TRY(grove__buffer_reserve(g, &b->values, bytes));
    if (bytes) {
      memcpy(b->values.p + b->values.used,
          (const char *)c->values + (size_t)c->offset * b->layout.width, bytes);
    }
    b->values.used += bytes;
    return GROVE_OK;
  case GROVE__SHAPE_STRUCT:
  case GROVE__SHAPE_LIST:
  case GROVE__SHAPE_FIXED_LIST: return grove__builder_append_nested(g, b, c, rows);
  default: return GROVE_OK;
  }
}

grove_status grove__builder_append(
    grove__budget *g, grove__builder *b, const grove__stored *c, int64_t rows)
{
  if (!rows) {
    return GROVE_OK;
  }
  if (c->nulls && c->validity) {
    GROVE__TRY(extend_validity(g, b, b->rows + rows));
    grove__bitmap_copy(c->validity, c->offset, b->validity.p, b->rows, rows);
  }
  GROVE__TRY(append_values(g, b, c, rows));
  b->rows += rows;
  b->nulls += c->nulls;
  return GROVE_OK;
}

static void trim(grove__budget *g, grove__buffer *b)
{
  if (b->p && b->used < b->capacity) {
    (void)resize(
        g, b, b->used ? b->used : 1); // a failure to shrink leaves it large, and counted as such
  }
}

grove_status grove__builder_finish(
    grove__budget *g, grove__builder *b, const char *name, const char *format, grove__column *out)
{
  bool nulls = b->nulls && b->layout.shape != GROVE__SHAPE_NULL;
  if (nulls) {
    GROVE__TRY(extend_validity(g, b, b->rows));
  } else {
    grove__buffer_free(g, &b->validity);
  }
  trim(g, &b->validity);
  trim(g, &b->values);
  trim(g, &b->data);
  if (b->layout.shape == GROVE__SHAPE_TEXT) {
    bool wide = b->layout.width == 8;
    format = b->layout.utf8 ? (wide ? "U" : "u") : (wide ? "Z" : "z");
  } else if (b->layout.shape == GROVE__SHAPE_LIST && b->layout.width == 8) {
    format = "+L";
  }
  *out = (grove__column){.name = name,
      .format = format,
      .nulls = nulls ? b->nulls : 0,
      .validity = b->validity.p,
      .validity_bytes = b->validity.capacity,
      .values = b->values.p,
      .values_bytes = b->values.capacity,
      .data = b->data.p,
      .data_bytes = b->data.capacity,
      .rows = (uint64_t)b->rows,
      .required = b->required};
  b->validity = b->values = b->data = (grove__buffer){0};
  grove_status s = grove__builder_finish_children(g, b, out);
  grove__builder_free_children(g, b);
  *b = (grove__builder){0};
  return s;
}
