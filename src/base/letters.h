// Texts that differ only in the case of their letters: those of ASCII, whatever the host's locale says. strcasecmp asks the
// locale, and in a Turkish one "ID" and "id" are two names.
#ifndef GROVE_BASE_LETTERS_H
#define GROVE_BASE_LETTERS_H
#include <stdbool.h>
#include <stddef.h>

static inline char grove__lower(char c)
{
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}
static inline bool grove__is_letter(char c)
{
  c = grove__lower(c);
  return c >= 'a' && c <= 'z';
}
/// The first n bytes, or all of texts that end before.
static inline bool grove__same_start(const char *a, const char *b, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    if (grove__lower(a[i]) != grove__lower(b[i])) {
      return false;
    }
    if (!a[i]) {
      return true;
    }
  }
  return true;
}
static inline bool grove__same_letters(const char *a, const char *b)
{
  return grove__same_start(a, b, (size_t)-1);
}
#endif
