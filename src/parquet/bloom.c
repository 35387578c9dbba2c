// Split-block bloom filters: a value sets or asks eight bits of one block of 32 bytes, all chosen by its hash
// (xxHash64 of the stored bytes). One look reads the head and that one block.
#include "base/error.h"
#include "base/status.h"
#include "parquet/bits.h"
#include "parquet/prune.h"
#include "parquet/xxhash.h"
#include <math.h>

enum { HEAD_BYTES = 64, BLOCK_BYTES = 32, FILTER_MAX = 128 * 1024 * 1024 };

// The number in the column's stored form; false: no such form, or more than one (then *none is false, too).
static bool store_number(const grove__leaf *leaf, grove__units units, double number, uint8_t *out,
    size_t *n, bool *none)
{
  *none = true;
  if (isnan(number)) {
    return false; // no comparison with it is true
  }
  if (leaf->physical == GROVE__FLOAT || leaf->physical == GROVE__DOUBLE) {
    float narrow = (float)number;
    *none = leaf->physical == GROVE__FLOAT && (double)narrow != number;
    *n = leaf->physical == GROVE__FLOAT ? 4 : 8;
    memcpy(out, *n == 4 ? (const void *)&narrow : (const void *)&number, *n);
    return !*none && number != 0; // a zero has two forms
  }
  bool exact = fabs(number) < 0x1p53; // beyond, several integers are this double
  *none = exact && number != floor(number);
  if (!exact || *none) {
    return false;
  }
  int64_t whole = (int64_t)number;
  if (whole % units.times || __builtin_mul_overflow(whole / units.times, units.over, &whole)) {
    *none = true;
    return false;
  }
  *n = leaf->physical == GROVE__INT64 ? 8 : 4;
  if (*n == 4 && (whole < INT32_MIN || whole > UINT32_MAX)) {
    *none = true;
    return false;
  }
  memcpy(out, &whole, *n);
  return true;
}

// Reads the filter's head; false: not one that we know.
static bool read_head(const uint8_t *bytes, size_t n, size_t *head, uint32_t *filter_bytes)
{
  grove__thrift t;
  int32_t size = 0;
  int known = 0;
  grove__thrift_init(&t, bytes, n);
  for (grove__field f = {0, 0}; grove__thrift_field(&t, &f);) {
    if (f.id == 1) {
      size = grove__thrift_i32(&t, &f);
    } else if (f.id >= 2 && f.id <= 4 && grove__thrift_struct(&t, &f)) {
      // Unions: blocks, xxHash, not compressed. Each of them is the first of its kind.
      for (grove__field u = {0, 0}; grove__thrift_field(&t, &u);) {
        known += u.id == 1;
        grove__thrift_skip(&t, &u);
      }
    } else {
      grove__thrift_skip(&t, &f);
    }
  }
  *head = (size_t)(t.p - bytes);
  *filter_bytes = (uint32_t)size;
  return !t.flaw && known == 3 && size >= BLOCK_BYTES && size % BLOCK_BYTES == 0 &&
         size <= FILTER_MAX;
}

static bool block_has(const uint8_t *block, uint64_t hash)
{
  for (size_t i = 0; i < 8; i++) {
    if (!(grove__load32(block + 4 * i) & grove__bloom_bit(hash, i))) {
      return false;
    }
  }
  return true;
}

grove_status grove__bloom_may_have(const grove_parquet *p, grove__budget *b, const grove__chunk *c,
    const grove__leaf *leaf, grove__units units, double number, bool *may, grove_error *err)
{
  uint8_t value[8], head[HEAD_BYTES], block[BLOCK_BYTES];
  size_t n = 0, head_bytes = 0;
  uint32_t bytes = 0;
  bool none = false;
  (void)b; // nothing is allocated
  *may = true;
  if ((leaf->convert != GROVE__CONVERT_COPY && leaf->convert != GROVE__CONVERT_NARROW) ||
      leaf->physical == GROVE__FIXED) {
    return GROVE_OK;
  }
  if (!store_number(leaf, units, number, value, &n, &none)) {
    *may = !none;
    return GROVE_OK;
  }
  uint64_t at = c->bloom.at;
  if (at < 4 || at > p->footer_at || p->footer_at - at < HEAD_BYTES) {
    return GROVE_OK;
  }
  GROVE__TRY(p->source.read_at(p->source.user, at, head, HEAD_BYTES, err));
  if (!read_head(head, HEAD_BYTES, &head_bytes, &bytes) || head_bytes + bytes > p->footer_at - at ||
      (c->bloom.bytes > 1 && head_bytes + bytes != c->bloom.bytes)) {
    return GROVE_OK;
  }
  uint64_t h = grove__xxhash(value, n);
  uint64_t index = grove__bloom_block(h, bytes / BLOCK_BYTES);
  GROVE__TRY(p->source.read_at(
      p->source.user, at + head_bytes + index * BLOCK_BYTES, block, BLOCK_BYTES, err));
  *may = block_has(block, h);
  return GROVE_OK;
}
