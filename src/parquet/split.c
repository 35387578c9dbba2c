// BYTE_STREAM_SPLIT: all first bytes of the page's values, then all second ones, and so on.
#include "base/status.h"
#include "parquet/scan.h"
#include <string.h>

static grove_status begin(grove__scan *s, grove_error *err)
{
  size_t bytes = (size_t)(s->end - s->p), width = s->leaf->stored_width;
  if (bytes % width) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "the streams are of unequal length");
  }
  s->split_count = bytes / width;
  s->split_left = s->split_count;
  return GROVE_OK;
}

// With the width a constant the inner loop unrolls.
static inline void join(const uint8_t *p, size_t count, size_t width, uint8_t *out, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < width; k++) {
      out[i * width + k] = p[k * count + i];
    }
  }
}

static grove_status take_fixed(grove__scan *s, uint8_t *out, size_t n, grove_error *err)
{
  if (n > s->split_left) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "there are fewer values than rows");
  }
  size_t count = s->split_count;
  const uint8_t *p = s->p + (count - s->split_left);
  switch (s->leaf->stored_width) {
  case 4: join(p, count, 4, out, n); break;
  case 8: join(p, count, 8, out, n); break;
  default: join(p, count, s->leaf->stored_width, out, n);
  }
  s->split_left -= n;
  return GROVE_OK;
}

const grove__encoding grove__encoding_split = {.name = "BYTE_STREAM_SPLIT",
    .id = GROVE__BYTE_STREAM_SPLIT,
    .types = 1u << GROVE__INT32 | 1u << GROVE__INT64 | 1u << GROVE__FLOAT | 1u << GROVE__DOUBLE |
             1u << GROVE__FIXED,
    .begin = begin,
    .fixed = take_fixed};
