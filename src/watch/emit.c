#include "watch/emit.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void grove__emit_init(grove__emitter *s, grove_write_fn *write, void *user)
{
  s->write = write;
  s->user = user;
  s->status = GROVE_OK;
  s->used = 0;
}

grove_status grove__emit_flush(grove__emitter *s)
{
  if (!s->status && s->used) {
    s->status = s->write(s->user, s->piece, s->used);
  }
  s->used = 0;
  return s->status;
}

void grove__emit_put(grove__emitter *s, const char *bytes, size_t n)
{
  while (n && !s->status) {
    size_t part = sizeof s->piece - s->used;
    part = part < n ? part : n;
    memcpy(s->piece + s->used, bytes, part);
    s->used += part;
    bytes += part;
    n -= part;
    if (s->used == sizeof s->piece) {
      (void)!grove__emit_flush(s);
    }
  }
}

void grove__emit_text(grove__emitter *s, const char *text)
{
  grove__emit_put(s, text, strlen(text));
}

void grove__emit_number(grove__emitter *s, uint64_t n)
{
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + n % 10);
    n /= 10;
  } while (n);
  grove__emit_put(s, digits + at, sizeof digits - at);
}

void grove__emit_seconds(grove__emitter *s, uint64_t ns)
{
  char part[12];
  grove__emit_number(s, ns / 1000000000);
  if (ns % 1000000000 == 0) {
    return;
  }
  int n = snprintf(part, sizeof part, ".%09" PRIu64, ns % 1000000000);
  while (part[n - 1] == '0') {
    n--;
  }
  grove__emit_put(s, part, (size_t)n);
}

// ---- quoted texts -------------------------------------------------------------------------------------

// How many bytes the character at `t` has (RFC 3629: no overlong forms, no surrogates); 0: it is none.
static size_t character(const unsigned char *t)
{
  if (t[0] < 0x80) {
    return 1;
  }
  size_t n = t[0] >= 0xc2 && t[0] < 0xe0   ? 2
             : (t[0] & 0xf0) == 0xe0       ? 3
             : t[0] >= 0xf0 && t[0] < 0xf5 ? 4
                                           : 0;
  for (size_t i = 1; i < n; i++) {
    if ((t[i] & 0xc0) != 0x80) { // the zero at the end, too
      return 0;
    }
  }
  bool wrong = (t[0] == 0xe0 && t[1] < 0xa0) || (t[0] == 0xed && t[1] > 0x9f) ||
               (t[0] == 0xf0 && t[1] < 0x90) || (t[0] == 0xf4 && t[1] > 0x8f);
  return wrong ? 0 : n;
}

static void put_ascii(grove__emitter *s, char c, bool json)
{
  char text[8];
  if (c == '"' || c == '\\') {
    text[0] = '\\';
    text[1] = c;
    grove__emit_put(s, text, 2);
  } else if (c == '\n') {
    grove__emit_put(s, "\\n", 2);
  } else if (json && ((unsigned char)c < 0x20 || c == '<' ||
                         c == 0x7f)) { // "<": it may stand in a page of HTML
    snprintf(text, sizeof text, "\\u%04x", (unsigned)(unsigned char)c);
    grove__emit_put(s, text, 6);
  } else {
    grove__emit_put(s, &c, 1);
  }
}

// What stands for itself in either kind of text: nearly all, so it goes in runs.
static bool is_plain(unsigned char c)
{
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<';
}

void grove__emit_quoted(grove__emitter *s, const char *text, bool json)
{
  grove__emit_put(s, "\"", 1);
  for (const unsigned char *t = (const unsigned char *)text; *t;) {
    const unsigned char *run = t;
    while (is_plain(*t)) {
      t++;
    }
    grove__emit_put(s, (const char *)run, (size_t)(t - run));
    if (!*t) {
      break;
    }
    size_t n = character(t);
    if (n == 0) {
      grove__emit_put(s, "\xef\xbf\xbd", 3);
      t++;
    } else if (n == 1) {
      put_ascii(s, (char)*t++, json);
    } else {
      grove__emit_put(s, (const char *)t, n);
      t += n;
    }
  }
  grove__emit_put(s, "\"", 1);
}

// ---- addresses ------------------------------------------------------------------------------------------

void grove__ref_text(grove_ref r, char out[GROVE__REF_TEXT])
{
  if (grove_ref_equal(r, GROVE_NOBODY)) {
    out[0] = '\0';
    return;
  }
  snprintf(out, GROVE__REF_TEXT, "%" PRIx64 "-%" PRIx64, r.where, r.which);
}

static const char *read_hexadecimal(const char *t, uint64_t *out)
{
  const char *begin = t;
  for (*out = 0;; t++) {
    unsigned digit = *t >= '0' && *t <= '9'   ? (unsigned)(*t - '0')
                     : *t >= 'a' && *t <= 'f' ? (unsigned)(*t - 'a' + 10)
                                              : 16;
    if (digit == 16) {
      return t != begin && t - begin <= 16 ? t : NULL;
    }
    *out = *out << 4 | digit;
  }
}

bool grove__ref_of_text(const char *text, grove_ref *out)
{
  grove_ref r;
  const char *t = read_hexadecimal(text, &r.where);
  t = t && *t == '-' ? read_hexadecimal(t + 1, &r.which) : NULL;
  if (!t || *t) {
    return false;
  }
  *out = r;
  return true;
}

// ---- JSON ------------------------------------------------------------------------------------------------

static void begin(grove__json *j, const char *key)
{
  if (j->more) {
    grove__emit_put(j->to, ",", 1);
  }
  j->more = true;
  if (key) {
    grove__emit_quoted(j->to, key, true);
    grove__emit_put(j->to, ":", 1);
  }
}

void grove__json_open(grove__json *j, const char *key, char bracket)
{
  begin(j, key);
  grove__emit_put(j->to, &bracket, 1);
  j->more = false;
}

void grove__json_close(grove__json *j, char bracket)
{
  grove__emit_put(j->to, &bracket, 1);
  j->more = true;
}

void grove__json_text(grove__json *j, const char *key, const char *text)
{
  begin(j, key);
  grove__emit_quoted(j->to, text, true);
}

void grove__json_number(grove__json *j, const char *key, uint64_t n)
{
  begin(j, key);
  grove__emit_number(j->to, n);
}

void grove__json_signed(grove__json *j, const char *key, int64_t n)
{
  begin(j, key);
  if (n < 0) {
    grove__emit_put(j->to, "-", 1);
  }
  grove__emit_number(j->to, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

void grove__json_real(grove__json *j, const char *key, double x)
{
  begin(j, key);
  if (!isfinite(x) || fabs(x) > 1e15) {
    grove__emit_text(j->to, "null");
    return;
  }
  // Without printf's %f, whose point is the locale's.
  double thousandths = floor(fabs(x) * 1000 + 0.5);
  uint64_t n = (uint64_t)thousandths;
  char part[8];
  if (x < 0 && n) {
    grove__emit_put(j->to, "-", 1);
  }
  grove__emit_number(j->to, n / 1000);
  int digits = snprintf(part, sizeof part, ".%03u", (unsigned)(n % 1000));
  grove__emit_put(j->to, part, n % 1000 ? (size_t)digits : 0);
}

void grove__json_exact(grove__json *j, const char *key, double x)
{
  char digits[32];
  begin(j, key);
  if (!isfinite(x)) {
    grove__emit_text(j->to, "null");
    return;
  }
  snprintf(digits, sizeof digits, "%.9g", x);
  for (char *c = digits; *c; c++) {
    *c = strchr("0123456789+-e", *c) ? *c : '.'; // the point is the locale's
  }
  grove__emit_text(j->to, digits);
}

void grove__json_bool(grove__json *j, const char *key, bool b)
{
  begin(j, key);
  grove__emit_text(j->to, b ? "true" : "false");
}

void grove__json_ref(grove__json *j, const char *key, grove_ref r)
{
  char text[GROVE__REF_TEXT];
  grove__ref_text(r, text);
  grove__json_text(j, key, text);
}
