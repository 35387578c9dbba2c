// Columns that grow row by row or batch by batch, under one budget of memory.
#ifndef GROVE_COLUMNAR_BUILDER_H
#define GROVE_COLUMNAR_BUILDER_H
#include "columnar/table.h"

/// What all buffers of one reading may take together.
typedef struct grove__budget {
  grove_allocator allocator;
  uint64_t limit, used; ///< limit 0: none
} grove__budget;

typedef struct grove__buffer {
  uint8_t *p;
  size_t used, capacity;
} grove__buffer;

/// Room for `more` bytes behind `used`. Returns: GROVE_ENOMEM, GROVE_ELIMIT; the buffer stays as it
/// was.
grove_status grove__buffer_grow(grove__budget *g, grove__buffer *b, size_t more);
static inline grove_status grove__buffer_reserve(grove__budget *g, grove__buffer *b, size_t more)
{
  return GROVE__LIKELY(more <= b->capacity - b->used) ? GROVE_OK : grove__buffer_grow(g, b, more);
}
void grove__buffer_free(grove__budget *g, grove__buffer *b);

typedef struct grove__builder {
  grove__layout layout; ///< of a text: width 8 once 4 were not enough
  int64_t rows, nulls;
  grove__buffer validity; ///< empty until the first null; then ones are filled in ahead
  grove__buffer values, data;
  bool required;                          ///< of a child: not nullable
  const char *name, *format;       ///< of a child: borrowed from the schema
  struct grove__builder *children; ///< nested
  size_t n_children;
} grove__builder;

/// `b` is zero or freed. A text gets its first offset.
grove_status grove__builder_init(grove__budget *g, grove__builder *b, const grove__layout *layout);
void grove__builder_free(grove__budget *g, grove__builder *b);
grove_status grove__builder_null(grove__budget *g, grove__builder *b);
/// A value of a fixed width of eight bytes.
static inline grove_status grove__builder_word(
    grove__budget *g, grove__builder *b, const void *word)
{
  GROVE__TRY(grove__buffer_reserve(g, &b->values, 8));
  memcpy(b->values.p + b->values.used, word, 8);
  b->values.used += 8;
  b->rows++;
  return GROVE_OK;
}
grove_status grove__builder_bool(grove__budget *g, grove__builder *b, bool value);
grove_status grove__builder_text(grove__budget *g, grove__builder *b, const char *text, size_t n);
/// All rows of a column of a like layout (a text's offsets may be wider or narrower).
grove_status grove__builder_append(
    grove__budget *g, grove__builder *b, const grove__stored *c, int64_t rows);
/// A builder for columns of a checked schema, which must outlive it.
grove_status grove__builder_init_like(
    grove__budget *g, grove__builder *b, const struct ArrowSchema *schema);
/// The nested part of append, of rows whose validity is in already, and what free and finish do with children
/// (builder_nested.c).
grove_status grove__builder_append_nested(
    grove__budget *g, grove__builder *b, const grove__stored *c, int64_t rows);
void grove__builder_free_children(grove__budget *g, grove__builder *b);
grove_status grove__builder_finish_children(
    grove__budget *g, grove__builder *b, grove__column *out);
/// A list's offset behind the last (builder.c).
void grove__builder_offset(grove__builder *b, uint64_t offset);
grove_status grove__builder_widen(grove__budget *g, grove__builder *b);
/// Moves the buffers into a column, trimmed. `format` is kept, or its wide twin put in its place.
grove_status grove__builder_finish(
    grove__budget *g, grove__builder *b, const char *name, const char *format, grove__column *out);
#endif
