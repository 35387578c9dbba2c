// A table that grows by rows of others: what of a stream's batches is to be kept.
#ifndef GROVE_COLUMNAR_GROWING_H
#define GROVE_COLUMNAR_GROWING_H
#include <grove/columnar.h>

typedef struct grove__growing grove__growing;

/// Begins one with the columns of `like`, of which no rows are taken. `limit`: most bytes of it; 0: none.
grove_status grove__growing_create(
    const grove_table *like, uint64_t limit, grove__growing **out, grove_error *err);
/// Adds rows[0..n) of `from`, of which column places[i] has the format of the i-th; rows NULL: all, and n is not looked at.
/// They are copied. Returns: GROVE_ELIMIT; then it can only be freed
grove_status grove__growing_add(grove__growing *g, const grove_table *from, const size_t *places,
    const uint64_t *rows, size_t n, grove_error *err);
/// What has grown, one count, the caller's. Then it can only be freed.
grove_status grove__growing_finish(grove__growing *g, grove_table **out, grove_error *err);
void grove__growing_free(grove__growing *g); ///< NULL: nothing
#endif
