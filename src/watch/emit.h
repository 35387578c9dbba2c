// Texts on their way out: pieces of a few kilobytes, and JSON on top of them.
#ifndef GROVE_WATCH_EMIT_H
#define GROVE_WATCH_EMIT_H
#include "base/status.h"
#include <grove/metrics.h>

/// Collects small pieces and hands on large ones. After a failure the rest is thrown away.
typedef struct grove__emitter {
  grove_write_fn *write;
  void *user;
  grove_status status; // the first failure
  size_t used;
  char piece[4096];
} grove__emitter;
void grove__emit_init(grove__emitter *s, grove_write_fn *write, void *user);
void grove__emit_put(grove__emitter *s, const char *bytes, size_t n);
void grove__emit_text(grove__emitter *s, const char *text);
void grove__emit_number(grove__emitter *s, uint64_t n);
/// Nanoseconds as seconds: "1.5".
void grove__emit_seconds(grove__emitter *s, uint64_t ns);
/// A text between quotes: with JSON's escapes (`json`), else with those of Prometheus's labels. Bytes that are no
/// UTF-8 become U+FFFD.
void grove__emit_quoted(grove__emitter *s, const char *text, bool json);
/// What is left goes on. Returns: the first failure
grove_status grove__emit_flush(grove__emitter *s);

/// An address in words that JSON's numbers can't lose bits of: "where-which" in hexadecimal; "" is nobody.
enum { GROVE__REF_TEXT = 2 * 16 + 2 };
void grove__ref_text(grove_ref r, char out[GROVE__REF_TEXT]);
/// False: it is none.
bool grove__ref_of_text(const char *text, grove_ref *out);

/// The i-th of n words, or `other`: what a newer part of the program may say.
static inline const char *grove__word_of(const char *const *words, size_t n, uint32_t i, const char *other)
{
  return i < n ? words[i] : other;
}

/// JSON on it. Keys are NULL within arrays.
typedef struct grove__json {
  grove__emitter *to;
  bool more; // a member stands before the next one
} grove__json;
void grove__json_open(grove__json *j, const char *key, char bracket);
void grove__json_close(grove__json *j, char bracket);
void grove__json_text(grove__json *j, const char *key, const char *text);
void grove__json_number(grove__json *j, const char *key, uint64_t n);
void grove__json_signed(grove__json *j, const char *key, int64_t n);
/// Three digits behind the point; NaN and infinities: null.
void grove__json_real(grove__json *j, const char *key, double x);
/// Nine digits: for numbers of any size. NaN and infinities: null.
void grove__json_exact(grove__json *j, const char *key, double x);
void grove__json_bool(grove__json *j, const char *key, bool b);
void grove__json_ref(grove__json *j, const char *key, grove_ref r);
#endif
