// Dictionaries: converted once when their page comes, then gathered by code.
#include "base/status.h"
#include "parquet/bits.h"
#include "parquet/scan.h"
#include <string.h>

enum { TILE = 1024 };

typedef struct entry {
  uint32_t at, length;
} entry;

// A page that was larger than what pages mostly are leaves its room behind for nothing: there is one dictionary a
// chunk, and each column would hold on to its own.
static void drop_large_pages(grove__scan *s)
{
  if (s->unpacked.bytes > GROVE__KEEP_BYTES) {
    grove__block_free(s->budget, &s->unpacked);
  }
  if (s->window.bytes > GROVE__KEEP_BYTES) {
    grove__block_free(s->budget, &s->window);
    s->window_have = 0;
    s->window_at = s->at;
  }
}

void grove__dictionary_drop(grove__scan *s)
{
  s->dictionary.there = false;
  s->dictionary.count = 0;
}

static grove_status load_text(grove__scan *s, size_t n, grove_error *err)
{
  grove__dictionary *d = &s->dictionary;
  uint64_t used = 0;
  GROVE__TRY(
      grove__block_reserve(s->budget, &d->values, n * sizeof(entry) + 1, "a dictionary", err));
  GROVE__TRY(
      grove__block_reserve(s->budget, &s->scratch, n * sizeof(int32_t) + 1, "a dictionary", err));
  int32_t *lengths = (int32_t *)(void *)s->scratch.p;
  GROVE__TRY(grove__encoding_plain.text(s, lengths, n, &d->text, &used, err));
  entry *entries = (entry *)(void *)d->values.p;
  uint32_t at = 0;
  d->even = n ? (uint32_t)lengths[0] : 0;
  for (size_t i = 0; i < n; i++) {
    entries[i] = (entry){at, (uint32_t)lengths[i]};
    d->even = (uint32_t)lengths[i] == d->even ? d->even : 0;
    if (s->utf8 && !grove__text_is_utf8(d->text.p + at, (size_t)lengths[i])) {
      return grove__scan_fail(s, err, GROVE_ECORRUPT, "a text of the dictionary is not UTF-8");
    }
    at += (uint32_t)lengths[i];
  }
  memset(d->text.p + used, 0, GROVE__SLACK);
  return GROVE_OK;
}

static grove_status load_fixed(grove__scan *s, size_t n, grove_error *err)
{
  grove__dictionary *d = &s->dictionary;
  const grove__leaf *leaf = s->leaf;
  if (!leaf->stored_width || leaf->convert == GROVE__CONVERT_BITS) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "a dictionary of booleans");
  }
  if (n > (size_t)(s->end - s->p) / leaf->stored_width) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "the dictionary has fewer values than it says");
  }
  if (leaf->convert == GROVE__CONVERT_COPY && s->p == s->unpacked.p) {
    grove__block page = s->unpacked; // the page is the dictionary, and a copy of it costs as much as unpacking it
    s->unpacked = d->values;
    d->values = page;
    return GROVE_OK;
  }
  GROVE__TRY(grove__block_reserve(
      s->budget, &d->values, n * (leaf->width + 1) + GROVE__SLACK, "a dictionary", err));
  if (leaf->convert == GROVE__CONVERT_COPY) {
    memcpy(d->values.p, s->p, n * leaf->width);
    return GROVE_OK;
  }
  return leaf->convert == GROVE__CONVERT_NULL ? GROVE_OK
                                              : grove__convert_values(s, s->p, d->values.p, n, err);
}

grove_status grove__dictionary_load(
    grove__scan *s, int32_t values, int32_t encoding, grove_error *err)
{
  grove__dictionary *d = &s->dictionary;
  if (encoding != GROVE__PLAIN && encoding != GROVE__PLAIN_DICTIONARY) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "a dictionary of encoding %s(%d)",
        grove__encoding_name(encoding), encoding);
  }
  if (d->there) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "a second dictionary");
  }
  size_t n = (size_t)values;
  bool text = s->leaf->physical == GROVE__BYTE_ARRAY;
  if (text && n > (size_t)(s->end - s->p) / 4) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "the dictionary has fewer values than it says");
  }
  GROVE__TRY(text ? load_text(s, n, err) : load_fixed(s, n, err));
  d->there = true;
  d->count = (uint32_t)values;
  drop_large_pages(s);
  return GROVE_OK;
}

grove_status grove__dictionary_begin(grove__scan *s, grove_error *err)
{
  if (!s->dictionary.there) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "codes without a dictionary");
  }
  if (s->p == s->end) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "there are fewer values than rows");
  }
  unsigned width = *s->p;
  if (width > 32) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "codes of %u bits", width);
  }
  grove__runs_init(&s->codes, s->p + 1, s->end, width);
  s->codes.kernels = s->kernels;
  return GROVE_OK;
}

static grove_status wrong_code(const grove__scan *s, grove_error *err)
{
  return grove__scan_fail(
      s, err, GROVE_ECORRUPT, "a code past the %u values of the dictionary", s->dictionary.count);
}

#define GROVE__FILL(name, type)                                                                    \
  static void name(type *out, type value, size_t n)                                                \
  {                                                                                                \
    for (size_t i = 0; i < n; i++) {                                                               \
      out[i] = value;                                                                              \
    }                                                                                              \
  }
GROVE__FILL(fill8, uint8_t)
GROVE__FILL(fill16, uint16_t)
GROVE__FILL(fill32, uint32_t)
GROVE__FILL(fill64, uint64_t)

// As numbers of that width, where they lie as numbers do: texts can lie anywhere. Else 0.
static size_t number_width(const uint8_t *out, size_t width)
{
  return (uintptr_t)out & (width - 1) ? 0 : width;
}

static void gather(const grove__scan *s, const uint8_t *values, size_t width, uint8_t *out,
    const uint32_t *codes, size_t n)
{
  size_t count = s->dictionary.count;
  void *to = out;
  const void *from = values;
  switch (number_width(out, width)) {
  case 1: s->kernels->gather8(to, from, count, codes, n); break;
  case 2: s->kernels->gather16(to, from, count, codes, n); break;
  case 4: s->kernels->gather32(to, from, count, codes, n); break;
  case 8: s->kernels->gather64(to, from, count, codes, n); break;
  default:
    for (size_t i = 0; i < n; i++) {
      memcpy(out + i * width, values + codes[i] * width, width);
    }
  }
}

static void fill(uint8_t *out, const uint8_t *value, size_t width, size_t n)
{
  void *to = out;
  const void *from = value;
  switch (number_width(out, width)) {
  case 1: fill8(to, *value, n); break;
  case 2: fill16(to, *(const uint16_t *)from, n); break;
  case 4: fill32(to, *(const uint32_t *)from, n); break;
  case 8: fill64(to, *(const uint64_t *)from, n); break;
  default:
    for (size_t i = 0; i < n; i++) {
      memcpy(out + i * width, value, width);
    }
  }
}

// Values of a byte straight from the packed codes, whole groups of 8; *taken 0: not like this.
static bool decode_bytes(
    grove__scan *s, const uint8_t *values, uint8_t *out, size_t n, size_t *taken)
{
  grove__runs *r = &s->codes;
  size_t groups = n / 8, count = s->dictionary.count;
  *taken = 0;
  if (!s->kernels->decode8 || r->stashed || r->width - 1 >= 8 || count - 1 >= 64 || !groups) {
    return true;
  }
  *taken = groups * 8;
  bool good = s->kernels->decode8(r->packed, out, groups, r->width, values, count);
  r->packed += groups * r->width;
  r->left -= *taken;
  return good;
}

// Of packed codes, n at most; *taken at least one.
static bool decode_packed(
    grove__scan *s, const uint8_t *values, size_t width, uint8_t *out, size_t n, size_t *taken)
{
  uint32_t tile[TILE];
  *taken = 0;
  if (width == 1 && !decode_bytes(s, values, out, n, taken)) {
    return false;
  }
  if (!*taken) {
    size_t most =
        width == 1 && s->codes.stashed ? s->codes.stashed : TILE; // then whole groups again
    *taken = n < most ? n : most;
    if (grove__runs_unpack(&s->codes, tile, *taken) >= s->dictionary.count) {
      return false;
    }
    gather(s, values, width, out, tile, *taken);
  }
  return true;
}

// The next n values, of those of `width` bytes that lie side by side.
static grove_status decode(
    grove__scan *s, const uint8_t *values, size_t width, uint8_t *out, size_t n, grove_error *err)
{
  while (n) {
    const char *flaw = grove__runs_open(&s->codes);
    if (flaw) {
      return grove__scan_fail(s, err, GROVE_ECORRUPT, "codes: %s", flaw);
    }
    size_t take = n < s->codes.left ? n : (size_t)s->codes.left;
    if (!s->codes.packed) {
      if (s->codes.value >= s->dictionary.count) {
        return wrong_code(s, err);
      }
      fill(out, values + s->codes.value * width, width, take);
      s->codes.left -= take;
    } else if (!decode_packed(s, values, width, out, take, &take)) {
      return wrong_code(s, err);
    }
    out += take * width;
    n -= take;
  }
  return GROVE_OK;
}

grove_status grove__dictionary_fixed(grove__scan *s, uint8_t *out, size_t n, grove_error *err)
{
  return decode(s, s->dictionary.values.p, s->leaf->width, out, n, err);
}

static grove_status too_much_text(const grove__scan *s, grove_error *err)
{
  return grove__scan_fail(s, err, GROVE_ELIMIT,
      "over 2 GiB of text in one piece; read fewer row groups, or stream smaller batches");
}

// Texts of one length lie in the dictionary as numbers of that width do. Of long ones some at a time, so that no more
// memory is taken for codes that don't come than a tile's.
static grove_status even_text(grove__scan *s, int32_t *lengths, size_t n, grove__block *text,
    uint64_t *used, grove_error *err)
{
  size_t width = s->dictionary.even, most = width <= 16 ? n : TILE;
  fill32((uint32_t *)lengths, (uint32_t)width, n);
  while (n) {
    size_t take = n < most ? n : most, bytes = take * width;
    if (*used + bytes > INT32_MAX) {
      return too_much_text(s, err);
    }
    GROVE__TRY(
        grove__block_reserve(s->budget, text, (size_t)*used + bytes + GROVE__SLACK, "text", err));
    GROVE__TRY(decode(s, s->dictionary.text.p, width, text->p + *used, take, err));
    *used += bytes;
    n -= take;
  }
  return GROVE_OK;
}

// Lengths of a tile's texts, and room for them.
static grove_status measure(grove__scan *s, const uint32_t *codes, size_t n, int32_t *lengths,
    uint64_t *bytes, grove_error *err)
{
  const entry *entries = (const entry *)(const void *)s->dictionary.values.p;
  uint64_t sum = 0;
  if (s->kernels->largest(codes, n) >= s->dictionary.count) {
    return wrong_code(s, err);
  }
  for (size_t i = 0; i < n; i++) {
    lengths[i] = (int32_t)entries[codes[i]].length;
    sum += (uint64_t)lengths[i];
  }
  *bytes = sum;
  return GROVE_OK;
}

// Copies a tile's texts to `to`.
static void copy_texts(const grove__scan *s, const uint32_t *codes, size_t n, uint8_t *to)
{
  const grove__dictionary *d = &s->dictionary;
  const entry *entries = (const entry *)(const void *)d->values.p;
  const uint8_t *from = d->text.p;
  for (size_t i = 0; i < n; i++) {
    entry e = entries[codes[i]];
    if (e.length <= 16) {
      memcpy(to, from + e.at, 16); // slack on both sides: one move instead of a call
    } else {
      memcpy(to, from + e.at, e.length);
    }
    to += e.length;
  }
}

grove_status grove__dictionary_text(grove__scan *s, int32_t *lengths, size_t n, grove__block *text,
    uint64_t *used, grove_error *err)
{
  uint32_t tile[TILE];
  if (s->dictionary.even) {
    return even_text(s, lengths, n, text, used, err);
  }
  while (n) {
    size_t take = n < TILE ? n : TILE;
    uint64_t bytes = 0;
    const char *flaw = grove__runs_take(&s->codes, tile, take);
    if (flaw) {
      return grove__scan_fail(s, err, GROVE_ECORRUPT, "codes: %s", flaw);
    }
    GROVE__TRY(measure(s, tile, take, lengths, &bytes, err));
    if (*used + bytes > INT32_MAX) {
      return too_much_text(s, err);
    }
    GROVE__TRY(
        grove__block_reserve(s->budget, text, (size_t)(*used + bytes) + GROVE__SLACK, "text", err));
    copy_texts(s, tile, take, text->p + *used);
    *used += bytes;
    lengths += take;
    n -= take;
  }
  return GROVE_OK;
}
