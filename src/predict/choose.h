// Some columns of a table, under other names, in the formats that are wanted.
#ifndef GROVE_PREDICT_CHOOSE_H
#define GROVE_PREDICT_CHOOSE_H
#include <grove/columnar.h>

/// Columns places[0], places[1] … of `from` (n of them, one at least) as a table, called names[i]; their memory is shared. `formats`
/// (may be NULL) are the Arrow formats that they must have; NULL or "": any.
/// Returns: GROVE_ENOTSUP: one has another format; err names both
grove_status grove__table_choose(const grove_table *from, const size_t *places,
    const char *const *names, const char *const *formats, size_t n, grove_table **out,
    grove_error *err);
#endif
