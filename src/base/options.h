// The size-first protocol of option structs.
#ifndef GROVE_BASE_OPTIONS_H
#define GROVE_BASE_OPTIONS_H
#include <grove/base.h>

/// Copies a caller's options into `out` (`known` bytes, zeroed first). `given` NULL: all defaults. A smaller
/// struct of an older caller gets defaults for what it lacks; a larger one is taken if its tail is zero.
/// Returns: GROVE_EINVAL: struct_size below 4; GROVE_ENOTSUP: a tail that means something we do not know
grove_status grove__options_read(void *out, size_t known, const void *given);
/// The reverse, for structs that the caller reads: writes min(caller's size, known) bytes of `full` and keeps
/// the caller's struct_size. Returns: GROVE_EINVAL: no struct or a size below 8
grove_status grove__stats_write(void *out, size_t known, const void *full);
/// The same for row i of a caller's array, whose rows are `each` bytes apart, as he knows them.
void grove__stats_write_row(void *rows, size_t each, size_t i, size_t known, const void *full);
/// Whether such an array of `room` rows can be written to.
bool grove__stats_rows_fit(const void *rows, size_t each, size_t room);
#endif
