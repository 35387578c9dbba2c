// Copies of chosen rows.
#ifndef GROVE_COLUMNAR_GATHER_H
#define GROVE_COLUMNAR_GATHER_H
#include "columnar/table.h"

/// The rows rows[0..n) of a column, -1 making a null; all are in range. The result borrows name and
/// format from `c`; texts whose sum passes 2 GB come out in the wide format.
/// Ownership: the caller frees the buffers with grove__columns_free, or a table takes them. On
/// failure: none.
grove_status grove__gather(const grove_allocator *a, const grove__stored *c, const int64_t *rows,
    uint64_t n, grove__column *out, grove_error *err);
#endif
