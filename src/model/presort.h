// A column's rows in the order of their values.
#ifndef GROVE_MODEL_PRESORT_H
#define GROVE_MODEL_PRESORT_H
#include "base/alloc.h"
#include "model/column.h"

/// Fills order[rows] with row numbers by rising value, equal values by rising row, NaN last (minus zero equals
/// zero). Gives the number of rows that are not NaN in *present.
/// Returns: GROVE_ENOMEM
grove_status grove__presort(
    const grove_allocator *a, grove__values x, size_t rows, uint32_t *order, size_t *present);
/// The same in so many bytes of the caller's, at a multiple of 8; those at the end are left alone where floats say all that
/// the numbers do. Gives the number of rows that are not NaN.
size_t grove__presort_scratch(size_t rows);
size_t grove__presort_in(grove__values x, size_t rows, uint32_t *order, void *scratch);
/// Numbers that order as a column's values do, in 32 bits where floats say all that the values do: then `narrow`, else `wide`.
typedef struct grove__keys {
  const uint32_t *narrow; // NULL: wide
  const uint64_t *wide;
} grove__keys;

/// A column's values as keys, by rising value, without the rows that they came from: half of the work and of the memory. Scratch
/// as above. Gives how many there are; NaN have none.
size_t grove__presort_keys(grove__values x, size_t rows, void *scratch, grove__keys *out);
/// The value of a key; zeros have one, the positive one's.
double grove__key_value(grove__keys k, size_t i);
/// code[row]: the first of `keys` rising keys, 255 at most, that is not less than the row's. None is less than all of them;
/// NaN's is `missing`.
void grove__presort_codes(grove__values x, size_t rows, grove__keys last, size_t keys,
    uint8_t missing, uint8_t *code);
/// Dense ranks of a sorted column: rank[row] counts the smaller distinct values; NaN gets the next rank.
/// Gives the number of distinct values, NaN not counted.
size_t grove__presort_ranks(
    grove__values x, const uint32_t *order, size_t rows, size_t present, uint32_t *rank);
#endif
