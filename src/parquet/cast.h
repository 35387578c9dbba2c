// Columns in the formats that a caller declared: shards of one data set drift (int64, then double; null, then double).
#ifndef GROVE_PARQUET_CAST_H
#define GROVE_PARQUET_CAST_H
#include "columnar/build.h"
#include "parquet/footer.h"

/// Whether values of a column's format can be asked for in another: numbers as numbers, times as times of their kind in
/// any unit and zone, dates as instants and back, integers and decimals as decimals of 128 bits, texts and bytes as each
/// other, nulls as anything flat.
bool grove__cast_is_known(const char *from, const char *to);
/// A number of one format is `times / over` as large in another; one of the two is 1, and both are unless units of time
/// differ: all other casts keep the number.
typedef struct grove__units {
  int64_t times, over;
} grove__units;
grove__units grove__cast_units(const char *from, const char *to);
/// Bytes that a cast of `rows` rows takes, while what it replaces is still there.
uint64_t grove__cast_bytes(const char *from, const char *to, uint64_t rows);
/// Replaces the column's values; its buffers come from `a`, and so do the new ones. What the new format does not hold
/// exactly is refused: nothing is rounded or wrapped. `to` must outlive the column.
/// Returns: GROVE_ENOMEM; GROVE_ECORRUPT: a value that does not fit, err->at is its row in the column
grove_status grove__column_cast(
    const grove_allocator *a, grove__column *c, const char *to, uint64_t rows, grove_error *err);

// ---- between the files of this room ---------------------------------------------------------------

/// The same two of what are no plain numbers (cast_kinds.c). The column keeps its format.
bool grove__cast_kinds_known(const char *from, const char *to);
grove_status grove__cast_kinds(
    const grove_allocator *a, grove__column *c, const char *to, uint64_t rows, grove_error *err);
#endif
