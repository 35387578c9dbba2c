// PLAIN: values as they are, booleans as bits, texts behind their lengths. And RLE, which carries booleans.
#include "base/status.h"
#include "parquet/bits.h"
#include "parquet/scan.h"
#include <string.h>

static grove_status begin_plain(grove__scan *s, grove_error *err)
{
  (void)err;
  s->bit = 0;
  return GROVE_OK;
}

static grove_status too_few(const grove__scan *s, grove_error *err)
{
  return grove__scan_fail(s, err, GROVE_ECORRUPT, "there are fewer values than rows");
}

static grove_status plain_booleans(grove__scan *s, uint8_t *out, size_t n, grove_error *err)
{
  if (n > (size_t)(s->end - s->p) * 8 - s->bit) {
    return too_few(s, err);
  }
  for (size_t i = 0; i < n; i++) {
    out[i] = *s->p >> s->bit & 1;
    s->bit = (s->bit + 1) & 7;
    s->p += s->bit == 0;
  }
  return GROVE_OK;
}

static grove_status plain_fixed(grove__scan *s, uint8_t *out, size_t n, grove_error *err)
{
  size_t width = s->leaf->stored_width;
  if (!width) {
    return plain_booleans(s, out, n, err);
  }
  if (n > (size_t)(s->end - s->p) / width) {
    return too_few(s, err);
  }
  memcpy(out, s->p, n * width);
  s->p += n * width;
  return GROVE_OK;
}

// Finds the lengths first, then copies, so that memory is taken for what is there.
static grove_status plain_text(grove__scan *s, int32_t *lengths, size_t n, grove__block *text,
    uint64_t *used, grove_error *err)
{
  const uint8_t *p = s->p;
  for (size_t i = 0; i < n; i++) {
    uint32_t length;
    if ((size_t)(s->end - p) < 4 || (length = grove__load32(p)) > (size_t)(s->end - p) - 4) {
      return grove__scan_fail(s, err, GROVE_ECORRUPT, "a text is longer than its page");
    }
    lengths[i] = (int32_t)length;
    p += 4 + length;
  }
  size_t bytes = (size_t)(p - s->p) - 4 * n;
  GROVE__TRY(
      grove__block_reserve(s->budget, text, (size_t)*used + bytes + GROVE__SLACK, "text", err));
  uint8_t *to = text->p + *used;
  for (size_t i = 0; i < n; i++) {
    size_t length = (size_t)lengths[i];
    if (length <= 16) {
      memcpy(to, s->p + 4, 16); // both sides have slack: one move instead of a call
    } else {
      memcpy(to, s->p + 4, length);
    }
    to += length;
    s->p += 4 + length;
  }
  *used += bytes;
  return GROVE_OK;
}

const grove__encoding grove__encoding_plain = {.name = "PLAIN",
    .id = GROVE__PLAIN,
    .types = 0xff,
    .begin = begin_plain,
    .fixed = plain_fixed,
    .text = plain_text};

static grove_status begin_rle(grove__scan *s, grove_error *err)
{
  size_t have = (size_t)(s->end - s->p), n;
  if (have < 4 || (n = grove__load32(s->p)) > have - 4) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "the runs are longer than their page");
  }
  grove__runs_init(&s->codes, s->p + 4, s->p + 4 + n, 1);
  return GROVE_OK;
}

static grove_status rle_fixed(grove__scan *s, uint8_t *out, size_t n, grove_error *err)
{
  uint32_t tile[256];
  for (size_t done = 0; done < n;) {
    size_t take = n - done < 256 ? n - done : 256;
    const char *flaw = grove__runs_take(&s->codes, tile, take);
    if (flaw) {
      return grove__scan_fail(s, err, GROVE_ECORRUPT, "%s", flaw);
    }
    for (size_t i = 0; i < take; i++) {
      out[done + i] = (uint8_t)tile[i];
    }
    done += take;
  }
  return GROVE_OK;
}

const grove__encoding grove__encoding_rle = {.name = "RLE",
    .id = GROVE__RLE,
    .types = 1u << GROVE__BOOLEAN,
    .begin = begin_rle,
    .fixed = rle_fixed};
