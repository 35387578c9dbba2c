#include "base/error.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

grove_status grove__error_v(
    grove_error *err, grove_status s, int64_t at, const char *format, va_list args)
{
  if (err) {
    memset(err, 0, sizeof *err);
    err->status = s;
    err->at = at;
    vsnprintf(err->text, sizeof err->text, format, args);
  }
  return s;
}

grove_status grove__error(grove_error *err, grove_status s, int64_t at, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  grove__error_v(err, s, at, format, args);
  va_end(args);
  return s;
}

void grove__error_copy(grove_error *to, const grove_error *from)
{
  memcpy(to, from, offsetof(grove_error, text));
  (void)grove__text_add(to->text, sizeof to->text, 0, from->text, sizeof from->text);
}

size_t grove__text_add(char *out, size_t room, size_t at, const char *text, size_t most)
{
  size_t left = room - 1 - at;
  size_t n = text ? strnlen(text, most < left ? most : left) : 0;
  if (n) {
    memcpy(out + at, text, n);
  }
  out[at + n] = '\0';
  return at + n;
}

grove_status grove__error_memory(grove_error *err, const char *what, uint64_t bytes)
{
  return grove__error(
      err, GROVE_ENOMEM, -1, "no memory for %s (%llu bytes)", what, (unsigned long long)bytes);
}

const char *grove__errno_text(int code, char *room, size_t n)
{
#ifdef __GLIBC__
  return strerror_r(
      code, room, n); // with _GNU_SOURCE it gives the text, which need not be in `room`
#else
  if (strerror_r(code, room, n)) { // POSIX's, musl's too: a number, and the text in `room`
    snprintf(room, n, "error %d", code);
  }
  return room;
#endif
}

grove_status grove__error_prefix(grove_error *err, grove_status s, const char *format, ...)
{
  if (err) {
    char words[sizeof err->text];
    char tail[sizeof err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    memcpy(tail, err->text, sizeof tail);
    // The sizes cut the text on purpose: what comes first is what says where.
    snprintf(err->text, sizeof err->text, "%.200s: %.237s", words, tail);
  }
  return s;
}
