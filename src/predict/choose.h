// Some columns of a table, under other names, in the formats that are wanted; and two tables side by side.
#ifndef GROVE_PREDICT_CHOOSE_H
#define GROVE_PREDICT_CHOOSE_H
#include <grove/columnar.h>

/// Columns places[0], places[1] … of `from` (n of them, one at least) as a table, called names[i] (NULL: as they are); their memory is
/// shared. `formats` (may be NULL) are the Arrow formats that they get; NULL or "": as they are. One that has another is cast.
/// Returns: GROVE_ENOTSUP, GROVE_ECORRUPT: one can't be cast, or not all of its values; err names both types
grove_status grove__table_choose(const grove_table *from, const size_t *places,
    const char *const *names, const char *const *formats, size_t n, grove_table **out,
    grove_error *err);
/// The columns of two tables of as many rows side by side; their memory is shared (join.c).
grove_status grove__tables_join(
    const grove_table *left, const grove_table *right, grove_table **out, grove_error *err);
/// Whether a column of one format can get another, that of the first shard. Returns: GROVE_ENOTSUP, in words
grove_status grove__check_drift(const char *name, const char *is, const char *wanted, grove_error *err);
#endif
