// The parts of importing an Arrow array.
#ifndef GROVE_COLUMNAR_IMPORT_H
#define GROVE_COLUMNAR_IMPORT_H
#include "columnar/table.h"

/// One array on its way in, and which of its rows are meant.
typedef struct grove__incoming {
  const grove_allocator *allocator;
  const struct ArrowSchema *schema;
  const struct ArrowArray *array;
  int64_t from, rows;    ///< rows [from, from + rows) of the array
  const uint8_t *parent; ///< the struct's validity, NULL: all valid
  int64_t parent_from;   ///< the bit of the struct's first row
  const char *name;      ///< of the column, for errors
  grove_error *err;
} grove__incoming;

/// A column of any layout we read, decoded if it is a dictionary or of string views. `out` is zero;
/// on failure the caller still frees it.
grove_status grove__import_column(const grove__incoming *in, grove__stored *out);
/// A struct, list or map, with all that is in it.
grove_status grove__import_nested(const grove__incoming *in, grove__stored *out);
/// Length, offset, null count and number of buffers, of `children` children.
grove_status grove__import_check_counts(
    const grove__incoming *in, const grove__layout *l, int64_t children);
/// The column's own validity from bit `begin` of the array on, and the struct's laid over it where that has nulls.
grove_status grove__import_validity(const grove__incoming *in, int64_t begin, grove__stored *out);
/// Offsets to `out->values`, from `begin` on; of rows that are not none.
grove_status grove__import_values(const grove__incoming *in, int64_t begin, grove__stored *out);
/// Offsets don't fall, and the first is none below 0. *first and *last: where the rows begin and end.
grove_status grove__import_check_offsets(
    const grove__incoming *in, const grove__stored *c, int64_t *first, int64_t *last);
/// A column without a dictionary.
grove_status grove__import_flat(const grove__incoming *in, grove__stored *out);
/// Replaces views by text: `out` has layout, validity, nulls, offset and views (in `values`)
/// already.
grove_status grove__import_views(const grove__incoming *in, grove__stored *out);
/// Checks all offsets and characters of a text; its last byte is *end.
grove_status grove__import_check_text(const grove__incoming *in, const grove__stored *c);
/// The columns of one struct array as a table that borrows the array: the caller moves it in.
grove_status grove__import_batch(const grove_allocator *a, const struct ArrowArray *array,
    const struct ArrowSchema *schema, grove_table **out, grove_error *err);
/// Whether a schema is a struct of columns we read.
grove_status grove__import_check_schema(const struct ArrowSchema *schema, grove_error *err);

/// `column "x": …` with GROVE_ECORRUPT, at a row or -1.
#define grove__import_flaw(in, at, ...)                                                            \
  grove__error_prefix((in)->err, grove__error((in)->err, GROVE_ECORRUPT, at, __VA_ARGS__),         \
      "column \"%.80s\"", (in)->name)
#endif
