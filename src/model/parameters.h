// Parameters as text: names, aliases, words, ranges; from pairs of text to the learner's array of numbers.
#ifndef GROVE_MODEL_PARAMETERS_H
#define GROVE_MODEL_PARAMETERS_H
#include <grove/model.h>

size_t grove__parameters_count(const grove_parameter_info *table);
/// Whether `name` is one of the blank-separated `words`; NULL words have none.
bool grove__names_have(const char *words, const char *name);
/// The number that `text` says, by the words of `info` or as a number, and whether it is in range.
/// Returns: GROVE_EINVAL, with key, value and range
grove_status grove__parameter_read(const grove_parameter_info *info, const char *key,
    const char *text, double *out, grove_error *err);
/// All values of a table: the defaults, then `given` (NULL: nothing). `values` has a place for each entry.
/// What is given without effect goes into `notes` as text of the allocator, NULL if there is nothing.
/// Returns: GROVE_ENOENT: unknown, with the known ones; GROVE_EINVAL: out of range; GROVE_ENOMEM
grove_status grove__parameters_read(const grove_learner *learner, const grove_parameter *given,
    const grove_allocator *a, double *values, char **notes, grove_error *err);
/// "name=value name=value", as snprintf.
size_t grove__parameters_text(
    const grove_parameter_info *table, const double *values, char *out, size_t room);
#endif
