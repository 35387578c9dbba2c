// Columns of structs, lists and maps that grow batch by batch.
#include "columnar/builder.h"

grove_status grove__builder_init_like(
    grove__budget *g, grove__builder *b, const struct ArrowSchema *schema)
{
  grove__layout layout;
  const char *format = schema->dictionary ? schema->dictionary->format : schema->format;
  GROVE__TRY(grove__layout_any(format, &layout));
  GROVE__TRY(grove__builder_init(g, b, &layout));
  b->required = !(schema->flags & ARROW_FLAG_NULLABLE);
  b->name = schema->name;
  b->format = format;
  size_t n = (size_t)schema->n_children;
  if (!n) {
    return GROVE_OK;
  }
  b->children = grove__alloc_zero(&g->allocator, n * sizeof *b->children);
  if (!b->children) {
    return GROVE_ENOMEM;
  }
  b->n_children = n;
  for (size_t i = 0; i < n; i++) {
    GROVE__TRY(grove__builder_init_like(g, &b->children[i], schema->children[i]));
  }
  return GROVE_OK;
}

// A child's rows [from, to).
static grove_status append_child(
    grove__budget *g, grove__builder *b, const grove__stored *c, int64_t from, int64_t to)
{
  grove__stored part = *c;
  part.rows = to - from;
  part.offset += from; // a struct's children are then asked for from there on
  if (part.validity) {
    part.nulls = part.rows - grove__bitmap_count(part.validity, part.offset, part.rows);
  } else if (c->layout.shape == GROVE__SHAPE_NULL) {
    part.nulls = part.rows;
  }
  return grove__builder_append(g, b, &part, part.rows);
}

static grove_status append_lists(
    grove__budget *g, grove__builder *b, const grove__stored *c, int64_t rows)
{
  int64_t first;
  int64_t last;
  int64_t to;
  size_t bytes;
  uint64_t base = (uint64_t)b->children[0].rows;
  grove__stored_items(c, 0, &first, &to);
  grove__stored_items(c, rows - 1, &to, &last);
  if (b->layout.width == 4 && base + (uint64_t)(last - first) > INT32_MAX) {
    if (strcmp(b->format ? b->format : "", "+m") == 0) {
      return GROVE_ENOMEM; // a map has no wide twin
    }
    GROVE__TRY(grove__builder_widen(g, b));
  }
  if (!grove__multiply((size_t)rows, b->layout.width, &bytes)) {
    return GROVE_ENOMEM;
  }
  GROVE__TRY(grove__buffer_reserve(g, &b->values, bytes));
  for (int64_t i = 0; i < rows; i++) {
    int64_t from;
    grove__stored_items(c, i, &from, &to);
    grove__builder_offset(b, base + (uint64_t)(to - first));
  }
  return append_child(g, &b->children[0], &c->children[0], first, last);
}

grove_status grove__builder_append_nested(
    grove__budget *g, grove__builder *b, const grove__stored *c, int64_t rows)
{
  if (c->layout.shape == GROVE__SHAPE_LIST) {
    return append_lists(g, b, c, rows);
  }
  int64_t items = c->layout.shape == GROVE__SHAPE_FIXED_LIST ? (int64_t)c->layout.width : 1;
  for (size_t i = 0; i < c->n_children; i++) {
    GROVE__TRY(append_child(g, &b->children[i], &c->children[i], c->offset * items,
        (c->offset + rows) * items));
  }
  return GROVE_OK;
}

void grove__builder_free_children(grove__budget *g, grove__builder *b)
{
  for (size_t i = 0; i < b->n_children; i++) {
    grove__builder_free(g, &b->children[i]);
  }
  grove__free(&g->allocator, b->children, b->n_children * sizeof *b->children);
  b->children = NULL;
  b->n_children = 0;
}

grove_status grove__builder_finish_children(grove__budget *g, grove__builder *b, grove__column *out)
{
  if (!b->n_children) {
    return GROVE_OK;
  }
  out->children = grove__alloc_zero(&g->allocator, b->n_children * sizeof *out->children);
  if (!out->children) {
    return GROVE_ENOMEM;
  }
  out->n_children = b->n_children;
  for (size_t i = 0; i < b->n_children; i++) {
    grove__builder *child = &b->children[i];
    GROVE__TRY(grove__builder_finish(g, child, child->name, child->format, &out->children[i]));
  }
  return GROVE_OK;
}
