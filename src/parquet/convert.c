// Stored values to Arrow's, where the bytes differ.
#include "base/status.h"
#include "parquet/bits.h"
#include "parquet/scan.h"
#include <string.h>

static void narrow(const uint8_t *in, uint8_t *out, size_t width, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    memcpy(out + i * width, in + 4 * i, width);
  }
}

enum { JULIAN_1970 = 2440588 };

__extension__ typedef __int128 wide;

// Nanoseconds of the day (8 bytes) and Julian day (4), to nanoseconds since 1970. The first day of the range begins before
// it, so 64 bits are not enough on the way. INT64_MIN stands for what is outside; as an instant it is one itself, which
// others take for none, too. In larger units, of which a day that is counted from -4713 on has less than 2^63, the next
// one stands for what is none of theirs.
static void int96(const uint8_t *in, uint8_t *out, int64_t unit, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    int64_t nanos = (int64_t)grove__load64(in + 12 * i), value;
    int64_t day = (int64_t)grove__load32(in + 12 * i + 8) - JULIAN_1970;
    wide all = (wide)day * ((int64_t)86400 * 1000000000) + nanos;
    bool between = unit > 1 && all % unit != 0;
    all /= unit;
    value = all > INT64_MAX || all < INT64_MIN ? GROVE__INT96_BEYOND : between ? GROVE__INT96_BETWEEN : (int64_t)all;
    memcpy(out + 8 * i, &value, sizeof value);
  }
}

static void extend(int64_t value, uint8_t *out, size_t width)
{
  memset(out, value < 0 ? 0xff : 0, width);
  memcpy(out, &value, sizeof value);
}

bool grove__convert_decimal(const uint8_t *in, size_t n, uint8_t *out, size_t width)
{
  uint8_t sign = n && (in[0] & 0x80) ? 0xff : 0;
  for (; n > width; n--, in++) { // what is in front must be sign alone
    if (in[0] != sign || (in[1] & 0x80) != (sign & 0x80)) {
      return false;
    }
  }
  memset(out, sign, width);
  for (size_t i = 0; i < n; i++) {
    out[n - 1 - i] = in[i];
  }
  return true;
}

static grove_status decimals(
    const grove__scan *s, const uint8_t *in, uint8_t *out, size_t n, grove_error *err)
{
  size_t stored = s->leaf->stored_width, width = s->leaf->width;
  for (size_t i = 0; i < n; i++) {
    if (s->leaf->physical == GROVE__INT32) {
      extend((int32_t)grove__load32(in + 4 * i), out + width * i, width);
    } else if (s->leaf->physical == GROVE__INT64) {
      extend((int64_t)grove__load64(in + 8 * i), out + width * i, width);
    } else if (!grove__convert_decimal(in + stored * i, stored, out + width * i, width)) {
      return grove__scan_fail(
          s, err, GROVE_ECORRUPT, "a decimal has over %d digits", width == 16 ? 38 : 76);
    }
  }
  return GROVE_OK;
}

grove_status grove__convert_values(
    const grove__scan *s, const uint8_t *in, uint8_t *out, size_t n, grove_error *err)
{
  switch (s->leaf->convert) {
  case GROVE__CONVERT_NARROW: narrow(in, out, s->leaf->width, n); return GROVE_OK;
  case GROVE__CONVERT_INT96: int96(in, out, s->instant_unit, n); return GROVE_OK;
  case GROVE__CONVERT_DECIMAL: return decimals(s, in, out, n, err);
  default: memcpy(out, in, n * s->leaf->width); return GROVE_OK;
  }
}
