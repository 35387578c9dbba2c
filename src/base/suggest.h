// "did you mean": the nearest of the known names, and a list of them for an error's text.
#ifndef GROVE_BASE_SUGGEST_H
#define GROVE_BASE_SUGGEST_H
#include <grove/base.h>

/// The i-th known name, NULL past the end.
typedef const char *grove__name_at(const void *user, size_t i);
/// The known name nearest to `wanted` by edit distance (Damerau-Levenshtein, restricted), at most a third of its
/// length away; else NULL.
const char *grove__suggest(const char *wanted, grove__name_at *at, const void *user);
/// Writes `unknown KIND "wanted"; did you mean "x"? known: a, b, c` into *err and gives `s` back.
grove_status grove__error_unknown(grove_error *err, grove_status s, const char *kind,
    const char *wanted, grove__name_at *at, const void *user);
/// The same where things have other names, too: others(user, i) gives those of the i-th, with blanks between; NULL:
/// none. They are suggested, and not listed.
grove_status grove__error_unknown_of(grove_error *err, grove_status s, const char *kind,
    const char *wanted, grove__name_at *at, grove__name_at *others, const void *user);
#endif
