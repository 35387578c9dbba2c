// DELTA_BYTE_ARRAY: each text is a prefix of the one before and a suffix. Lengths of prefixes, lengths of
// suffixes, then the suffixes.
#include "base/status.h"
#include "parquet/scan.h"
#include <string.h>

enum { TILE = 256 };

static grove_status begin(grove__scan *s, grove_error *err)
{
  const uint8_t *next = NULL;
  const char *flaw = grove__delta_open(&s->prefixes, s->p, s->end);
  if (!flaw) {
    flaw = grove__delta_end(&s->prefixes, &next);
  }
  if (!flaw) {
    flaw = grove__delta_open(&s->delta, next, s->end);
  }
  if (!flaw) {
    flaw = grove__delta_end(&s->delta, &s->p);
  }
  s->last_bytes = 0;
  return flaw ? grove__scan_fail(s, err, GROVE_ECORRUPT, "lengths: %s", flaw) : GROVE_OK;
}

// Prefix and suffix lengths of a tile, checked against the page and against the texts before.
static grove_status take_lengths(
    grove__scan *s, int64_t *prefixes, int64_t *suffixes, size_t n, uint64_t *sum, grove_error *err)
{
  const char *flaw = grove__delta_take(&s->prefixes, prefixes, n);
  if (!flaw) {
    flaw = grove__delta_take(&s->delta, suffixes, n);
  }
  if (flaw) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "lengths: %s", flaw);
  }
  uint64_t have = (uint64_t)(s->end - s->p), before = s->last_bytes;
  *sum = 0;
  for (size_t i = 0; i < n; i++) {
    if (prefixes[i] < 0 || (uint64_t)prefixes[i] > before || suffixes[i] < 0 ||
        (uint64_t)suffixes[i] > have) {
      return grove__scan_fail(
          s, err, GROVE_ECORRUPT, "a prefix or suffix is longer than what it is of");
    }
    have -= (uint64_t)suffixes[i];
    before = (uint64_t)prefixes[i] + (uint64_t)suffixes[i];
    if (before > INT32_MAX) {
      return grove__scan_fail(s, err, GROVE_ECORRUPT, "a text of over 2 GiB");
    }
    *sum += before;
  }
  return GROVE_OK;
}

static grove_status keep_last(grove__scan *s, const uint8_t *p, uint32_t n, grove_error *err)
{
  GROVE__TRY(grove__block_reserve(s->budget, &s->last, n + 1, "a text", err));
  memcpy(s->last.p, p, n);
  s->last_bytes = n;
  return GROVE_OK;
}

// Writes the tile's texts one behind the other and gives where the last begins.
static const uint8_t *join(
    grove__scan *s, const int64_t *prefixes, const int64_t *suffixes, size_t n, uint8_t *to)
{
  const uint8_t *before = s->last.p;
  for (size_t i = 0; i < n; i++) {
    size_t prefix = (size_t)prefixes[i], suffix = (size_t)suffixes[i];
    if (prefix) {
      memcpy(to, before, prefix);
    }
    memcpy(to + prefix, s->p, suffix);
    s->p += suffix;
    before = to;
    to += prefix + suffix;
  }
  return before;
}

static grove_status take_text(grove__scan *s, int32_t *lengths, size_t n, grove__block *text,
    uint64_t *used, grove_error *err)
{
  int64_t prefixes[TILE];
  int64_t suffixes[TILE];
  uint64_t sum = 0;
  while (n) {
    size_t take = n < TILE ? n : TILE;
    GROVE__TRY(take_lengths(s, prefixes, suffixes, take, &sum, err));
    if (*used + sum > INT32_MAX) {
      return grove__scan_fail(s, err, GROVE_ELIMIT,
          "over 2 GiB of text in one piece; read fewer row groups, or stream smaller batches");
    }
    GROVE__TRY(
        grove__block_reserve(s->budget, text, (size_t)(*used + sum) + GROVE__SLACK, "text", err));
    const uint8_t *last = join(s, prefixes, suffixes, take, text->p + *used);
    for (size_t i = 0; i < take; i++) {
      lengths[i] = (int32_t)(prefixes[i] + suffixes[i]);
    }
    GROVE__TRY(keep_last(s, last, (uint32_t)lengths[take - 1], err));
    *used += sum;
    lengths += take;
    n -= take;
  }
  return GROVE_OK;
}

static grove_status take_fixed(grove__scan *s, uint8_t *out, size_t n, grove_error *err)
{
  int64_t prefixes[TILE];
  int64_t suffixes[TILE];
  uint64_t sum = 0;
  size_t width = s->leaf->stored_width;
  while (n) {
    size_t take = n < TILE ? n : TILE;
    GROVE__TRY(take_lengths(s, prefixes, suffixes, take, &sum, err));
    for (size_t i = 0; i < take; i++) {
      if ((uint64_t)(prefixes[i] + suffixes[i]) != width) {
        return grove__scan_fail(s, err, GROVE_ECORRUPT, "a value is not as long as its type");
      }
    }
    const uint8_t *last = join(s, prefixes, suffixes, take, out);
    GROVE__TRY(keep_last(s, last, (uint32_t)width, err));
    out += take * width;
    n -= take;
  }
  return GROVE_OK;
}

const grove__encoding grove__encoding_delta_bytes = {.name = "DELTA_BYTE_ARRAY",
    .id = GROVE__DELTA_BYTE_ARRAY,
    .types = 1u << GROVE__BYTE_ARRAY | 1u << GROVE__FIXED,
    .begin = begin,
    .fixed = take_fixed,
    .text = take_text};
