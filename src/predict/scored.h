// A group's predictions as a table: the columns that are passed through, and then "prediction".
#ifndef GROVE_PREDICT_SCORED_H
#define GROVE_PREDICT_SCORED_H
#include "predict/strip.h"

/// `kept`: the same shard, opened with the columns to pass through; NULL: none. `group` of SIZE_MAX: no rows, just the
/// columns. Takes t->kept, whatever it returns. *out has one count, the caller's.
grove_status grove__scored_table(
    const grove__shard *kept, size_t group, grove__tally *t, grove_table **out, grove_error *err);
#endif
