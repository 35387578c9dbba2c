// Patterns of file names: *, ?, [a-z], [!a-z], backslash; ** as a whole part is any number of folders. Bytes,
// not the locale: ? is one UTF-8 character, ranges go by byte.
#ifndef GROVE_STORE_GLOB_H
#define GROVE_STORE_GLOB_H
#include <stdbool.h>
#include <stddef.h>

bool grove__glob_is(const char *text, size_t n);
/// Whether `name` (no slashes) matches the `n` bytes of one part of a pattern. A leading dot must be written.
bool grove__glob_match(const char *pattern, size_t n, const char *name);
/// Whether a whole path matches a whole pattern, part by part; ** takes any number of parts, none of them with a
/// leading dot.
bool grove__glob_match_path(const char *pattern, const char *path);
#endif
