#include "parquet/write.h"
#include <string.h>

enum { SHORTEST_RUN = 8 };

static size_t run_length(const uint32_t *values, size_t n)
{
  size_t length = 1;
  while (length < n && values[length] == values[0]) {
    length++;
  }
  return length;
}

static void put_run(grove__out *o, uint32_t value, size_t n, unsigned width)
{
  grove__out_varint(o, (uint64_t)n << 1);
  grove__out_bytes(o, &value, (width + 7) / 8);
}

// Groups of 8; what the last one lacks is zero.
static void put_packed(grove__out *o, const uint32_t *values, size_t n, unsigned width)
{
  size_t groups = (n + 7) / 8, bytes = groups * width;
  grove__out_varint(o, (uint64_t)groups << 1 | 1);
  uint8_t *to = grove__out_room(o, bytes);
  if (!to) {
    return;
  }
  uint64_t word = 0;
  unsigned have = 0;
  o->used += bytes;
  for (size_t i = 0; i < groups * 8; i++) {
    word |= (i < n ? (uint64_t)values[i] : 0) << have;
    for (have += width; have >= 8; have -= 8, word >>= 8) {
      *to++ = (uint8_t)word;
    }
  }
}

void grove__runs_put(grove__out *o, const uint32_t *values, size_t n, unsigned width)
{
  size_t packed = 0; // numbers that wait to be packed: whole groups, but at the end
  for (size_t i = 0; i < n;) {
    size_t length = run_length(values + i, n - i);
    if (length >= SHORTEST_RUN) {
      if (packed) {
        put_packed(o, values + i - packed, packed, width);
        packed = 0;
      }
      put_run(o, values[i], length, width);
      i += length;
      continue;
    }
    size_t group = n - i < 8 ? n - i : 8;
    packed += group;
    i += group;
  }
  if (packed) {
    put_packed(o, values + n - packed, packed, width);
  }
}
