// UBJSON, draft 12, as a tree of jansson's.
#include "base/error.h"
#include "base/status.h"
#include "exchange/document.h"
#include <math.h>
#include <string.h>

enum { DEPTH_MOST = 64 };

struct reading {
  const unsigned char *bytes;
  size_t at;
  size_t n;
  grove_error *err;
};

static grove_status fail(struct reading *r, const char *what)
{
  return grove__error(r->err, GROVE_ECORRUPT, (int64_t)r->at, "UBJSON, byte %zu: %s", r->at, what);
}

static bool take_big_endian(struct reading *r, size_t bytes, uint64_t *out)
{
  if (bytes > r->n - r->at) {
    return false;
  }
  *out = 0;
  for (size_t i = 0; i < bytes; i++) {
    *out = *out << 8 | r->bytes[r->at++];
  }
  return true;
}

// How many bytes a number of that type has; 0: no number.
static size_t width_of(unsigned char type)
{
  switch (type) {
  case 'i':
  case 'U': return 1;
  case 'I': return 2;
  case 'l':
  case 'd': return 4;
  case 'L':
  case 'D': return 8;
  default: return 0;
  }
}

// jansson has no NaN and infinity: they become texts, as in JSON.
static json_t *make_real(double v)
{
  return isfinite(v) ? json_real(v)
                     : json_string(isnan(v) ? "NaN"
                                   : v < 0  ? "-Infinity"
                                            : "Infinity");
}

static json_t *make_number(unsigned char type, uint64_t raw)
{
  float f;
  double d;
  uint32_t low = (uint32_t)raw;
  switch (type) {
  case 'i': return json_integer((int8_t)raw);
  case 'U': return json_integer((uint8_t)raw);
  case 'I': return json_integer((int16_t)raw);
  case 'l': return json_integer((int32_t)raw);
  case 'L': return json_integer((int64_t)raw);
  case 'd': memcpy(&f, &low, sizeof f); return make_real((double)f);
  default: memcpy(&d, &raw, sizeof d); return make_real(d);
  }
}

static grove_status take_length(struct reading *r, size_t *out)
{
  uint64_t raw = 0;
  unsigned char type = r->at < r->n ? r->bytes[r->at] : 0;
  size_t width = type == 'd' || type == 'D' ? 0 : width_of(type);
  if (!width) {
    return fail(r, "a length is wanted");
  }
  r->at++;
  if (!take_big_endian(r, width, &raw)) {
    return fail(r, "it ends in a length");
  }
  uint64_t sign = type == 'U' ? 0 : raw >> (8 * width - 1) & 1;
  // Whatever is counted has a byte each, so a length above what is left is wrong; that bounds memory too.
  if (sign || raw > r->n - r->at) {
    return fail(r, "a length that is negative or beyond the end");
  }
  *out = (size_t)raw;
  return GROVE_OK;
}

static grove_status take_text(struct reading *r, const char **text, size_t *n)
{
  GROVE__TRY(take_length(r, n));
  *text = (const char *)r->bytes + r->at;
  r->at += *n;
  return GROVE_OK;
}

static grove_status take_value(struct reading *r, int depth, json_t **out);

static grove_status take_object(struct reading *r, int depth, json_t **out)
{
  const char *key;
  size_t n;
  *out = json_object();
  if (!*out) {
    return grove__error_memory(r->err, "an object", 0);
  }
  while (r->at < r->n && r->bytes[r->at] != '}') {
    json_t *value = NULL;
    GROVE__TRY(take_text(r, &key, &n));
    if (memchr(key, 0, n) || json_object_getn(*out, key, n)) {
      return fail(r, "a key with a zero, or twice");
    }
    GROVE__TRY(take_value(r, depth + 1, &value));
    if (json_object_setn_new(*out, key, n, value)) { // takes the value in any case
      return fail(r, "a key that is no UTF-8, or no memory");
    }
  }
  return r->at < r->n ? (r->at++, GROVE_OK) : fail(r, "it ends in an object");
}

static grove_status append(struct reading *r, json_t *array, json_t *value)
{
  return json_array_append_new(array, value) ? grove__error_memory(r->err, "a number", 0)
                                             : GROVE_OK;
}

// The type of all, or 0, and the count, or SIZE_MAX.
static grove_status take_array_head(struct reading *r, unsigned char *type, size_t *count)
{
  *type = 0;
  *count = SIZE_MAX;
  if (r->at < r->n && r->bytes[r->at] == '$') {
    *type = r->at + 1 < r->n ? r->bytes[r->at + 1] : 0;
    if (!width_of(*type)) {
      return fail(r, "a typed array of something that is no number");
    }
    r->at += 2;
    if (r->at >= r->n || r->bytes[r->at] != '#') {
      return fail(r, "a typed array without a count");
    }
  }
  if (r->at < r->n && r->bytes[r->at] == '#') {
    r->at++;
    GROVE__TRY(take_length(r, count));
  }
  return GROVE_OK;
}

static grove_status take_array(struct reading *r, int depth, json_t **out)
{
  unsigned char type;
  size_t count;
  uint64_t raw;
  GROVE__TRY(take_array_head(r, &type, &count));
  *out = json_array();
  if (!*out) {
    return grove__error_memory(r->err, "an array", 0);
  }
  for (size_t i = 0; i < count; i++) {
    json_t *value = NULL;
    if (count == SIZE_MAX && r->at < r->n && r->bytes[r->at] == ']') {
      r->at++;
      return GROVE_OK;
    }
    if (!type) {
      GROVE__TRY(take_value(r, depth + 1, &value));
    } else if (!take_big_endian(r, width_of(type), &raw)) {
      return fail(r, "it ends in an array");
    } else {
      value = make_number(type, raw);
    }
    GROVE__TRY(append(r, *out, value));
  }
  return GROVE_OK;
}

static grove_status take_scalar(struct reading *r, unsigned char type, json_t **out)
{
  uint64_t raw;
  const char *text;
  size_t n;
  switch (type) {
  case 'Z': *out = json_null(); return GROVE_OK;
  case 'T': *out = json_true(); return GROVE_OK;
  case 'F': *out = json_false(); return GROVE_OK;
  case 'S':
    GROVE__TRY(take_text(r, &text, &n));
    *out = memchr(text, 0, n) ? NULL : json_stringn(text, n);
    return *out ? GROVE_OK : fail(r, "a text that is no UTF-8, or no memory");
  case 'H':
    return grove__error(r->err, GROVE_ENOTSUP, (int64_t)r->at, "UBJSON: high-precision numbers");
  default:
    if (!width_of(type)) {
      return fail(r, "an unknown type");
    }
    if (!take_big_endian(r, width_of(type), &raw)) {
      return fail(r, "it ends in a number");
    }
    *out = make_number(type, raw);
    return *out ? GROVE_OK : grove__error_memory(r->err, "a number", 0);
  }
}

// On failure *out is NULL and what was made is freed.
static grove_status take_value(struct reading *r, int depth, json_t **out)
{
  grove_status s;
  *out = NULL;
  if (r->at >= r->n) {
    return fail(r, "it ends where a value is wanted");
  }
  if (depth > DEPTH_MOST) {
    return fail(r, "nested too deeply");
  }
  unsigned char type = r->bytes[r->at++];
  if (type == '{') {
    s = take_object(r, depth, out);
  } else if (type == '[') {
    s = take_array(r, depth, out);
  } else {
    s = take_scalar(r, type, out);
  }
  if (s) {
    json_decref(*out);
    *out = NULL;
  }
  return s;
}

grove_status grove__ubjson_read(
    const unsigned char *bytes, size_t n, json_t **out, grove_error *err)
{
  struct reading r = {.bytes = bytes, .n = n, .err = err};
  GROVE__TRY(take_value(&r, 0, out));
  while (r.at < n && bytes[r.at] == 'N') { // fillers
    r.at++;
  }
  if (r.at < n) {
    json_decref(*out);
    *out = NULL;
    return fail(&r, "bytes after the end");
  }
  return GROVE_OK;
}
