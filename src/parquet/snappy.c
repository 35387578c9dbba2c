// Snappy's raw format: the length as a varint, then literals and copies of what is behind. The library's decoder
// copies each literal by a call, and was a third of a scan; here short ones are moved in line.
#include "parquet/snappy.h"
#include "parquet/bits.h"

// FAST_IN, FAST_OUT: what must be left for a tag to be followed without looking at the ends: a tag, four bytes of
// its length or distance, and 64 bytes moved; in `out` 16 more, which the doubling of a short pattern may write.
enum { LITERAL, NEAR, FAR, FARTHEST, SHORT = 60, FAST_IN = 1 + 4 + 64, FAST_OUT = 64 + 16 };

static const char damaged[] = "snappy: damaged data";

typedef struct cursor {
  const uint8_t *in, *in_end;
  uint8_t *out, *to, *end; // out: where it begins, to: where it is at
} cursor;

static inline void move8(uint8_t *to, const uint8_t *from)
{
  uint64_t v = grove__load64(from);
  memcpy(to, &v, sizeof v);
}

static inline void move16(uint8_t *to, const uint8_t *from)
{
  uint8_t v[16];
  memcpy(v, from, sizeof v);
  memcpy(to, v, sizeof v);
}

static inline void move4(uint8_t *to, const uint8_t *from)
{
  uint32_t v = grove__load32(from);
  memcpy(to, &v, sizeof v);
}

// n <= 64 bytes, and up to 64 in all. The parts follow one another, so `from` may be 16 or more behind `to`.
static inline void move64(uint8_t *to, const uint8_t *from, size_t n)
{
  move16(to, from);
  if (n > 16) {
    move16(to + 16, from + 16);
    move16(to + 32, from + 32);
    move16(to + 48, from + 48);
  }
}

// What lies less than 16 bytes behind is a pattern that repeats itself.
static inline void repeat(uint8_t *to, size_t distance, size_t n)
{
  const uint8_t *from = to - distance, *end = to + n;
  while (to - from < 8) { // twice as long each time
    move8(to, from);
    to += to - from;
  }
  do {
    move8(to, from);
    move8(to + 8, from + 8);
    to += 16;
    from += 16;
  } while (to < end);
}

// The length of a literal whose tag says that 1 to 4 bytes of it follow.
static size_t long_literal(unsigned tag, const uint8_t **in)
{
  unsigned bytes = (tag >> 2) - (SHORT - 1);
  size_t n = 0;
  for (unsigned i = 0; i < bytes; i++) {
    n |= (size_t)(*in)[i] << 8 * i;
  }
  *in += bytes;
  return n + 1;
}

static inline bool copy_literal(cursor *c, size_t n)
{
  if (n > (size_t)(c->in_end - c->in) || n > (size_t)(c->end - c->to)) {
    return false;
  }
  memcpy(c->to, c->in, n);
  c->in += n;
  c->to += n;
  return true;
}

// Length and distance of a copy. Near ones and far ones come in no order: without a branch between them.
static inline size_t copy_of(unsigned tag, const uint8_t **in, size_t *distance)
{
  const uint8_t *p = *in;
  if ((tag & 3) == FARTHEST) {
    *distance = grove__load32(p);
    *in = p + 4;
    return (tag >> 2) + 1;
  }
  uint32_t far = (tag & 3) == FAR, mask = 0 - far, two;
  two = p[0] | (mask & (uint32_t)p[far] << 8);
  *distance = two | (~mask & (tag >> 5 << 8));
  *in = p + 1 + far;
  return (tag >> 2 & (7 | mask)) + 4 - (3 & mask);
}

// A short copy loads what it wants and not a byte more: what is behind was mostly stored just now, and a load that
// spans two stores waits until both are in the cache.
static inline void copy_back(uint8_t *to, size_t distance, size_t n)
{
  const uint8_t *from = to - distance;
  if (n <= 8 && n >= 4 && distance >= n) {
    move4(to, from);
    move4(to + n - 4, from + n - 4);
  } else if (n <= 16 && n >= 8 && distance >= n) {
    move8(to, from);
    move8(to + n - 8, from + n - 8);
  } else if (distance >= 16) {
    move64(to, from, n);
  } else {
    repeat(to, distance, n);
  }
}

static bool unpack_fast(cursor *c)
{
  cursor at = *c; // in registers
  while (at.in_end - at.in >= FAST_IN && at.end - at.to >= FAST_OUT) {
    unsigned tag = *at.in++;
    if ((tag & 3) == LITERAL) {
      size_t n = (tag >> 2) + 1;
      if (n <= SHORT) {
        move64(at.to, at.in, n);
        at.in += n;
        at.to += n;
      } else if (!copy_literal(&at, long_literal(tag, &at.in))) {
        return false;
      }
      continue;
    }
    size_t distance, n = copy_of(tag, &at.in, &distance);
    if (distance - 1 >= (size_t)(at.to - at.out)) { // 0 is none, either
      return false;
    }
    copy_back(at.to, distance, n);
    at.to += n;
  }
  *c = at;
  return true;
}

// Near the ends: nothing is read or written that was not asked for.
static bool unpack_rest(cursor *c)
{
  static const uint8_t more[] = {0, 1, 2, 4};
  while (c->in < c->in_end) {
    unsigned tag = *c->in++;
    size_t n = (tag >> 2) + 1, have = (size_t)(c->in_end - c->in);
    bool literal = (tag & 3) == LITERAL;
    if (have < (!literal ? more[tag & 3] : n > SHORT ? n - SHORT : 0)) {
      return false;
    }
    if (literal) {
      if (!copy_literal(c, n > SHORT ? long_literal(tag, &c->in) : n)) {
        return false;
      }
      continue;
    }
    size_t distance;
    n = copy_of(tag, &c->in, &distance);
    if (distance - 1 >= (size_t)(c->to - c->out) || n > (size_t)(c->end - c->to)) {
      return false;
    }
    for (; n; n--, c->to++) {
      *c->to = c->to[-(ptrdiff_t)distance];
    }
  }
  return c->to == c->end;
}

// Steps over the length; NULL: it is cut or has more than 32 bits.
static const uint8_t *after_length(const uint8_t *in, size_t n, uint64_t *length)
{
  *length = 0;
  for (unsigned i = 0; i < 5 && i < n; i++) {
    *length |= (uint64_t)(in[i] & 0x7f) << 7 * i;
    if (!(in[i] & 0x80)) {
      return *length <= UINT32_MAX ? in + i + 1 : NULL;
    }
  }
  return NULL;
}

const uint8_t *grove__snappy_whole(const uint8_t *in, size_t n, size_t out_n)
{
  uint64_t said;
  const uint8_t *p = after_length(in, n, &said), *end = in + n;
  // A literal of one tag and its length: the rest of the data, and of the page.
  if (!p || !out_n || said != out_n || (size_t)(end - p) <= out_n ||
      (size_t)(end - p) > out_n + 5 || (*p & 3) != LITERAL) {
    return NULL;
  }
  unsigned tag = *p++;
  size_t length = (tag >> 2) + 1;
  if (length > SHORT && (size_t)(end - p) >= length - SHORT) {
    length = long_literal(tag, &p);
  }
  return length == out_n && (size_t)(end - p) == out_n ? p : NULL;
}

const char *grove__snappy_unpack(const uint8_t *in, size_t n, uint8_t *out, size_t out_n)
{
  uint64_t length;
  const uint8_t *p = after_length(in, n, &length);
  if (!p) {
    return damaged;
  }
  if (length != out_n) {
    return "snappy: the data is not as long as its page says";
  }
  cursor c = {p, in + n, out, out, out + out_n};
  return unpack_fast(&c) && unpack_rest(&c) ? NULL : damaged;
}
