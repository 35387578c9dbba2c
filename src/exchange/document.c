#include "exchange/document.h"
#include <inttypes.h>
#include <string.h>

static void put_big_endian(grove__document *d, uint64_t v, size_t bytes)
{
  unsigned char b[8];
  for (size_t i = 0; i < bytes; i++) {
    b[i] = (unsigned char)(v >> (8 * (bytes - 1 - i)));
  }
  grove__output_put(d->out, b, bytes);
}

static void put_length(grove__document *d, size_t n)
{
  grove__output_text(d->out, "L");
  put_big_endian(d, n, 8);
}

// Bytes that are no UTF-8 stay as they are: names come from files that were read as UTF-8.
static void put_quoted(grove__document *d, const char *text)
{
  grove__output_text(d->out, "\"");
  for (const char *p = text; *p; p++) {
    unsigned char c = (unsigned char)*p;
    if (c == '"' || c == '\\') {
      grove__output_put(d->out, "\\", 1);
    }
    if (c < 0x20) {
      grove__output_format(d->out, "\\u%04x", c);
    } else {
      grove__output_put(d->out, p, 1);
    }
  }
  grove__output_text(d->out, "\"");
}

static void begin(grove__document *d, const char *key)
{
  if (d->binary) {
    if (key) {
      put_length(d, strlen(key));
      grove__output_text(d->out, key);
    }
    return;
  }
  if (d->comma) {
    grove__output_text(d->out, ",");
  }
  if (key) {
    put_quoted(d, key);
    grove__output_text(d->out, ":");
  }
  d->comma = true;
}

void grove__document_object(grove__document *d, const char *key)
{
  begin(d, key);
  grove__output_text(d->out, "{");
  d->comma = false;
}

void grove__document_object_end(grove__document *d)
{
  grove__output_text(d->out, "}");
  d->comma = true;
}

void grove__document_array(grove__document *d, const char *key, size_t n)
{
  begin(d, key);
  grove__output_text(d->out, "[");
  if (d->binary) {
    grove__output_text(d->out, "#");
    put_length(d, n);
  }
  d->comma = false;
}

void grove__document_array_end(grove__document *d)
{
  if (!d->binary) {
    grove__output_text(d->out, "]");
  }
  d->comma = true;
}

void grove__document_text(grove__document *d, const char *key, const char *text)
{
  begin(d, key);
  if (d->binary) {
    grove__output_text(d->out, "S");
    put_length(d, strlen(text));
    grove__output_text(d->out, text);
  } else {
    put_quoted(d, text);
  }
}

void grove__document_int(grove__document *d, const char *key, int64_t v)
{
  begin(d, key);
  if (d->binary) {
    grove__output_text(d->out, "L");
    put_big_endian(d, (uint64_t)v, 8);
  } else {
    grove__output_format(d->out, "%" PRId64, v);
  }
}

static void begin_typed(grove__document *d, const char *key, char type, size_t n)
{
  begin(d, key);
  grove__output_text(d->out, "[");
  if (d->binary) {
    grove__output_format(d->out, "$%c#", type);
    put_length(d, n);
  }
}

void grove__document_ints(
    grove__document *d, const char *key, char type, const int64_t *v, size_t n)
{
  begin_typed(d, key, type, n);
  for (size_t i = 0; i < n; i++) {
    if (d->binary) {
      put_big_endian(d, (uint64_t)v[i], type == 'U' ? 1 : type == 'l' ? 4 : 8);
    } else {
      grove__output_format(d->out, "%s%" PRId64, i ? "," : "", v[i]);
    }
  }
  grove__document_array_end(d);
}

void grove__document_floats(grove__document *d, const char *key, const float *v, size_t n)
{
  begin_typed(d, key, 'd', n);
  for (size_t i = 0; i < n; i++) {
    if (d->binary) {
      uint32_t bits;
      memcpy(&bits, &v[i], sizeof bits);
      put_big_endian(d, bits, 4);
    } else {
      // XGBoost takes a number without point and exponent for an integer, which a float array refuses.
      size_t from = d->out->used + (i > 0);
      grove__output_text(d->out, i ? "," : "");
      grove__output_float(d->out, v[i]);
      if (!d->out->failed && !memchr(d->out->bytes + from, '.', d->out->used - from) &&
          !memchr(d->out->bytes + from, 'e', d->out->used - from)) {
        grove__output_text(d->out, "E0");
      }
    }
  }
  grove__document_array_end(d);
}
