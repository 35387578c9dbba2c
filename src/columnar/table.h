// A table from the inside. Only for this room; others look through columnar/build.h.
#ifndef GROVE_COLUMNAR_TABLE_H
#define GROVE_COLUMNAR_TABLE_H
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/arrow.h"
#include "columnar/bitmap.h"
#include "columnar/build.h"
#include "columnar/layout.h"
#include <stdatomic.h>

typedef struct grove__owned {
  void *p;
  size_t bytes;
} grove__owned;

/// One column. Its buffers are its own (`own`), or lie in the array that the table imported.
typedef struct grove__stored {
  char *name, *format;     ///< grove__copy_text
  grove__layout layout;    ///< never GROVE__SHAPE_VIEWS
  int64_t offset;          ///< rows into the buffers at which row 0 is
  int64_t nulls;           ///< counted, never -1
  const uint8_t *validity; ///< NULL: none is null
  const void *values, *data;
  grove__owned own[3];
  bool required; ///< not nullable
  struct grove__stored *children; ///< nested: their row 0 is a struct's row 0, or what a list's offset 0 means
  size_t n_children;
  int64_t rows; ///< of a child
} grove__stored;

struct grove_table {
  _Atomic(size_t) count; // written by whoever retains or releases; the last one frees
  // All below is written before the table is handed out and never after.
  grove_allocator allocator;
  uint64_t rows, bytes;
  size_t n;
  grove__stored *columns;
  struct ArrowArray array; ///< what was imported; release NULL: nothing
};

/// Something to point at where there is nothing to read: sixteen zero bytes.
extern const uint64_t grove__nothing[2];

/// A table of n empty columns with one count, to be filled by this room.
grove_table *grove__table_create(const grove_allocator *a, size_t n, uint64_t rows);
/// Frees name, format and own buffers of a column.
void grove__stored_free(const grove_allocator *a, grove__stored *c);
/// The bytes of the buffers that rows [0, rows) need.
uint64_t grove__stored_bytes(const grove__stored *c, uint64_t rows);

/// Rows [row, row + n) as doubles, whatever stands under nulls. false: not numbers.
bool grove__stored_doubles(const grove__stored *c, size_t row, size_t n, double *out);

static inline bool grove__stored_valid(const grove__stored *c, int64_t row)
{
  return c->layout.shape != GROVE__SHAPE_NULL &&
         (!c->validity || grove__bit_get(c->validity, c->offset + row));
}
/// The items of a list's row: rows [*from, *to) of its child.
static inline void grove__stored_items(
    const grove__stored *c, int64_t row, int64_t *from, int64_t *to)
{
  int64_t i = c->offset + row;
  if (c->layout.shape == GROVE__SHAPE_FIXED_LIST) {
    *from = i * c->layout.width;
    *to = *from + c->layout.width;
  } else if (c->layout.width == 4) {
    *from = ((const int32_t *)c->values)[i];
    *to = ((const int32_t *)c->values)[i + 1];
  } else {
    *from = ((const int64_t *)c->values)[i];
    *to = ((const int64_t *)c->values)[i + 1];
  }
}
/// Where the text of a row begins, and its length in *bytes.
static inline const char *grove__stored_text(const grove__stored *c, int64_t row, size_t *bytes)
{
  int64_t i = c->offset + row;
  if (c->layout.width == 4) {
    const int32_t *offsets = c->values;
    *bytes = (size_t)(offsets[i + 1] - offsets[i]);
    return (const char *)c->data + offsets[i];
  }
  const int64_t *offsets = c->values;
  *bytes = (size_t)(offsets[i + 1] - offsets[i]);
  return (const char *)c->data + offsets[i];
}
#endif
