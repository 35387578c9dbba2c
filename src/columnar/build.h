// How readers (CSV, Parquet) hand finished columns over to a table, and how the rooms that know
// tables from the inside look at a column. Everything else goes through <grove/columnar.h>.
#ifndef GROVE_COLUMNAR_BUILD_H
#define GROVE_COLUMNAR_BUILD_H
#include <grove/columnar.h>

/// One finished column in Arrow's layout. Buffers come from the allocator that grove__table_build
/// gets, each of exactly its *_bytes (grove__free wants the size).
typedef struct grove__column {
  const char *name;   ///< borrowed, copied by build
  const char *format; ///< Arrow's letter; borrowed, copied by build
  int64_t nulls;      ///< how many; 0 wants validity NULL
  void *validity;     ///< bitmap, least bit first, 1: valid. NULL: none is null
  size_t validity_bytes;
  void *values; ///< fixed width: the values ("b": a bitmap); text and binary: the rows + 1 offsets
  size_t values_bytes;
  void *data; ///< text and binary: the characters; else NULL
  size_t data_bytes;
  bool required;                  ///< a map's entries and keys: not nullable, Arrow says
  struct grove__column *children; ///< nested: n_children of them, from the same allocator; else NULL
  size_t n_children;
  uint64_t rows; ///< of a child; a table's columns have the table's
} grove__column;

/// Frees the buffers and children of columns that no table has taken, and zeroes them.
void grove__columns_free(const grove_allocator *a, grove__column *columns, size_t n);

/// Makes a table of finished columns, all of `rows` rows. A column of format "n" has no buffers.
/// Ownership: on GROVE_OK takes the buffers; on failure nothing. *out has one count.
grove_status grove__table_build(const grove_allocator *a, const grove__column *columns, size_t n,
    uint64_t rows, grove_table **out, grove_error *err);

/// The rows alone, for who told the schema before. Returns: GROVE_ENOMEM, and out->release is NULL
grove_status grove__table_export_array(const grove_table *t, struct ArrowArray *out, grove_error *err);

/// A copy of a table's column as a finished one, from grove__allocator_malloc; name and format are the table's.
grove_status grove__table_copy_column(const grove_table *t, size_t column, grove__column *out, grove_error *err);

/// Rows of a finished column as doubles, null as NaN; of a column that is not of numbers, 0 where there is a value.
void grove__column_doubles(const grove__column *c, size_t row, size_t n, double *out);

/// A column as it lies in memory, from row 0 of the table on: `offset` rows into the buffers.
/// Borrowed.
typedef struct grove__column_view {
  const char *name, *format;
  int64_t offset, nulls; ///< nulls -1: not counted yet
  const uint8_t *validity;
  const void *values, *data;
  bool required; ///< of a child: Arrow says that it is never null
  const struct grove__stored *nested; ///< a struct, list or map: of whose children there are views; else NULL
  size_t n_children;
} grove__column_view;
/// Dictionary-encoded columns are decoded on import, so a view is always flat.
void grove__table_view(const grove_table *t, size_t column, grove__column_view *out);
/// The i-th child: rows of a struct are its rows; those of a list are where grove__view_items says.
void grove__view_child(const grove__column_view *v, size_t i, grove__column_view *out);
/// A list's or map's row is rows [*from, *to) of its child. false: it is a struct
bool grove__view_items(const grove__column_view *v, int64_t row, int64_t *from, int64_t *to);
#endif
