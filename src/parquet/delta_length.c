// DELTA_LENGTH_BYTE_ARRAY: all lengths of the page, then all characters.
#include "base/status.h"
#include "parquet/bits.h"
#include "parquet/scan.h"
#include <string.h>

enum { TILE = 256 };

static grove_status begin(grove__scan *s, grove_error *err)
{
  const char *flaw = grove__delta_open(&s->delta, s->p, s->end);
  if (!flaw) {
    flaw = grove__delta_end(&s->delta, &s->p);
  }
  return flaw ? grove__scan_fail(s, err, GROVE_ECORRUPT, "lengths: %s", flaw) : GROVE_OK;
}

static grove_status take_text(grove__scan *s, int32_t *lengths, size_t n, grove__block *text,
    uint64_t *used, grove_error *err)
{
  int64_t tile[TILE];
  uint64_t sum = 0, have = (uint64_t)(s->end - s->p);
  for (size_t done = 0; done < n;) {
    size_t take = n - done < TILE ? n - done : TILE;
    const char *flaw = grove__delta_take(&s->delta, tile, take);
    if (flaw) {
      return grove__scan_fail(s, err, GROVE_ECORRUPT, "lengths: %s", flaw);
    }
    for (size_t i = 0; i < take; i++, done++) {
      if (tile[i] < 0 || (uint64_t)tile[i] > have - sum) {
        return grove__scan_fail(s, err, GROVE_ECORRUPT, "a text is longer than its page");
      }
      sum += (uint64_t)tile[i];
      lengths[done] = (int32_t)tile[i];
    }
  }
  GROVE__TRY(
      grove__block_reserve(s->budget, text, (size_t)(*used + sum) + GROVE__SLACK, "text", err));
  memcpy(text->p + *used, s->p, (size_t)sum);
  s->p += sum;
  *used += sum;
  return GROVE_OK;
}

const grove__encoding grove__encoding_delta_length = {.name = "DELTA_LENGTH_BYTE_ARRAY",
    .id = GROVE__DELTA_LENGTH_BYTE_ARRAY,
    .types = 1u << GROVE__BYTE_ARRAY,
    .begin = begin,
    .text = take_text};
