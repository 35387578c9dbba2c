// Filling the caller's error object.
#ifndef GROVE_BASE_ERROR_H
#define GROVE_BASE_ERROR_H
#include <grove/base.h>
#include <stdarg.h>

/// Fills *err (NULL: nothing) with status, position (-1: none) and words, and gives the status back, so that a
/// failing function can `return grove__error(err, GROVE_ECORRUPT, offset, "...")`. Text that is too long is cut.
grove_status grove__error(grove_error *err, grove_status s, int64_t at, const char *format, ...)
    GROVE_PRINTF(4, 5);
grove_status grove__error_v(grove_error *err, grove_status s, int64_t at, const char *format,
    va_list args) GROVE_PRINTF(4, 0);
/// *to = *from, but for what lies behind the ends of the texts.
void grove__error_copy(grove_error *to, const grove_error *from);
/// Puts as much of `text` (NULL: nothing), at most `most` bytes of it, behind out[at] as there is room for, and a zero;
/// gives the new length. What snprintf does with "%s", for where that is most of the work.
size_t grove__text_add(char *out, size_t room, size_t at, const char *text, size_t most);
/// Out of memory, with what for and how much.
grove_status grove__error_memory(grove_error *err, const char *what, uint64_t bytes);
/// The words for an errno, in `room` or static. Unlike strerror, from any thread.
const char *grove__errno_text(int code, char *room, size_t n);
/// Puts "words: " in front of the text that is there: where the failure happened. Gives err->status back.
grove_status grove__error_prefix(grove_error *err, grove_status s, const char *format, ...)
    GROVE_PRINTF(3, 4);
#endif
