#include "exchange/output.h"
#include "base/alloc.h"
#include "base/error.h"
#include "columnar/number.h"
#include <stdarg.h>
#include <stdio.h>

void grove__output_put(grove__output *s, const void *bytes, size_t n)
{
  if (s->failed) {
    return;
  }
  if (n > s->room - s->used) {
    size_t room = s->room + s->room / 2 + n;
    char *more = room >= n ? grove__realloc(s->allocator, s->bytes, s->room, room) : NULL;
    if (!more) {
      s->failed = true;
      return;
    }
    s->bytes = more;
    s->room = room;
  }
  if (n) {
    memcpy(s->bytes + s->used, bytes, n);
    s->used += n;
  }
}

grove_status grove__output_put_fn(void *sink, const void *bytes, size_t n)
{
  grove__output *s = sink;
  grove__output_put(s, bytes, n);
  return s->failed ? GROVE_ENOMEM : GROVE_OK;
}

void grove__output_text(grove__output *s, const char *text)
{
  grove__output_put(s, text, strlen(text));
}

void grove__output_format(grove__output *s, const char *format, ...)
{
  char text[256]; // for numbers and short words only
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  grove__output_put(s, text, n > 0 && (size_t)n < sizeof text ? (size_t)n : 0);
}

void grove__output_double(grove__output *s, double v)
{
  char text[GROVE__DOUBLE_TEXT];
  grove__double_text(v, true, text);
  grove__output_text(s, text);
}

void grove__output_float(grove__output *s, float v)
{
  char text[GROVE__DOUBLE_TEXT];
  grove__double_text((double)v, false, text);
  grove__output_text(s, text);
}

void grove__output_free(grove__output *s)
{
  grove__free(s->allocator, s->bytes, s->room);
  s->bytes = NULL;
  s->used = s->room = 0;
}

grove_status grove__output_take(grove__output *s, void **bytes, size_t *n, grove_error *err)
{
  // Freed by its size, so the block must be of just that size.
  char *fit = s->failed ? NULL : grove__realloc(s->allocator, s->bytes, s->room, s->used);
  if (!fit) {
    size_t used = s->used;
    grove__output_free(s);
    return grove__error_memory(err, "the written model", used);
  }
  *bytes = fit;
  *n = s->used;
  s->bytes = NULL;
  s->used = s->room = 0;
  return GROVE_OK;
}
