#include "parquet/runs.h"
#include "columnar/bitmap.h"
#include "parquet/bits.h"
#include "parquet/budget.h"
#include <string.h>

void grove__runs_init(grove__runs *r, const uint8_t *p, const uint8_t *end, unsigned width)
{
  memset(r, 0, sizeof *r);
  r->p = p;
  r->end = end;
  r->width = width;
  r->kernels = &grove__kernels_portable;
}

// The number before a run: its length, and in the lowest bit its kind.
static bool read_head(grove__runs *r, uint32_t *head)
{
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (r->p == r->end) {
      return false;
    }
    uint8_t b = *r->p++;
    v |= (uint64_t)(b & 0x7f) << shift;
    if (!(b & 0x80)) {
      *head = (uint32_t)v;
      return v <= UINT32_MAX;
    }
  }
  return false;
}

static const char *open_packed(grove__runs *r, uint64_t groups)
{
  uint64_t have = (uint64_t)(r->end - r->p), bytes = groups * r->width;
  r->left = groups * 8;
  r->packed = r->p;
  if (bytes > have) {
    // Some writers cut the last groups to the bytes that hold numbers.
    r->left = have * 8 / r->width;
    bytes = have;
  }
  r->p += bytes;
  return NULL;
}

static const char *open_run(grove__runs *r, uint64_t length)
{
  unsigned bytes = (r->width + 7) / 8;
  if ((size_t)(r->end - r->p) < bytes) {
    return "a run ends in the middle";
  }
  r->value = 0;
  for (unsigned i = 0; i < bytes; i++) {
    r->value |= (uint32_t)r->p[i] << (8 * i);
  }
  r->p += bytes;
  r->packed = NULL;
  r->left = length;
  return r->width < 32 && r->value >> r->width ? "a run's number has too many bits" : NULL;
}

const char *grove__runs_open(grove__runs *r)
{
  while (!r->left) {
    uint32_t head;
    if (!read_head(r, &head)) {
      return "there are fewer numbers than values";
    }
    r->stashed = 0;
    const char *flaw = head & 1 ? open_packed(r, head >> 1) : open_run(r, head >> 1);
    if (flaw) {
      return flaw;
    }
  }
  return NULL;
}

// One group to the stash. The last one can be cut; what is missing of it is not in r->left.
static void refill_stash(grove__runs *r)
{
  uint8_t group[32 + GROVE__SLACK] = {0};
  size_t have = (size_t)(r->end - r->packed);
  memcpy(group, r->packed, have < r->width ? have : r->width);
  grove__unpack32(group, r->stash, 1, r->width);
  r->packed += have < r->width ? have : r->width;
  r->stashed = 8;
}

static size_t take_stash(grove__runs *r, uint32_t *out, size_t n)
{
  size_t take = n < r->stashed ? n : r->stashed;
  memcpy(out, r->stash + 8 - r->stashed, take * sizeof *out);
  r->stashed -= (unsigned)take;
  return take;
}

uint32_t grove__runs_unpack(grove__runs *r, uint32_t *out, size_t n)
{
  r->left -= n;
  size_t done = take_stash(r, out, n), front = done;
  size_t groups = (n - done) / 8;
  uint32_t most = r->kernels->unpack(r->packed, out + done, groups, r->width);
  r->packed += groups * r->width;
  done += groups * 8;
  if (done < n) {
    refill_stash(r);
    take_stash(r, out + done, n - done);
  }
  for (size_t i = 0; i < front; i++) {
    most = out[i] > most ? out[i] : most;
  }
  for (size_t i = done; i < n; i++) {
    most = out[i] > most ? out[i] : most;
  }
  return most;
}

const char *grove__runs_take(grove__runs *r, uint32_t *out, size_t n)
{
  while (n) {
    const char *flaw = grove__runs_open(r);
    if (flaw) {
      return flaw;
    }
    size_t take = n < r->left ? n : (size_t)r->left;
    if (r->packed) {
      grove__runs_unpack(r, out, take);
    } else {
      for (size_t i = 0; i < take; i++) {
        out[i] = r->value;
      }
      r->left -= take;
    }
    out += take;
    n -= take;
  }
  return NULL;
}

// Where bits are appended to a bitmap, a word at a time: levels come in runs of a few, and what begins and ends within a byte
// would cost more than all the rest.
typedef struct bit_sink {
  uint8_t *p;     // where the word goes
  uint64_t word;  // its first `used` bits
  unsigned used;  // fewer than 64
  uint64_t ones;  // in all of what went before the word
} bit_sink;

static inline uint64_t first_bits(unsigned n)
{
  return n < 64 ? ((uint64_t)1 << n) - 1 : UINT64_MAX;
}

static bit_sink begin_bits(uint8_t *bits, uint64_t to)
{
  unsigned used = (unsigned)(to & 7);
  bit_sink s = {bits + (to >> 3), 0, used, 0};
  if (used) {
    s.word = *s.p & first_bits(used);
    s.ones = 0 - grove__bits_set(s.word); // they are not this one's
  }
  return s;
}

// Appends the n <= 64 bits of v; the rest of it is zero.
static inline void put_bits(bit_sink *s, uint64_t v, unsigned n)
{
  unsigned before = s->used;
  s->word |= v << before;
  s->used += n;
  if (s->used >= 64) {
    memcpy(s->p, &s->word, sizeof s->word);
    s->ones += grove__bits_set(s->word);
    s->p += 8;
    s->used -= 64;
    s->word = s->used ? v >> (64 - before) : 0; // then some were before, too
  }
}

static void put_run(bit_sink *s, bool one, size_t n)
{
  for (; n > 64; n -= 64) {
    put_bits(s, one ? UINT64_MAX : 0, 64);
  }
  put_bits(s, one ? first_bits((unsigned)n) : 0, (unsigned)n);
}

// Writes what is left, and leaves the bits behind it as they are.
static uint64_t end_bits(bit_sink *s)
{
  for (; s->used >= 8; s->used -= 8, s->word >>= 8) {
    s->ones += grove__bits_set(s->word & 0xff);
    *s->p++ = (uint8_t)s->word;
  }
  if (s->used) {
    s->ones += grove__bits_set(s->word);
    *s->p = (uint8_t)(s->word | (*s->p & ~first_bits(s->used)));
  }
  return s->ones;
}

// Packed bits lie as a bitmap's do. `stashed` counts the bits of *packed that are taken.
static void put_packed(bit_sink *s, grove__runs *r, size_t n)
{
  enum { MOST = 57 }; // as many as a load of eight bytes holds, wherever in its first byte they begin
  while (n) {
    unsigned take = n < MOST ? (unsigned)n : MOST;
    put_bits(s, grove__load64(r->packed) >> r->stashed & first_bits(take), take);
    r->packed += (r->stashed + take) / 8;
    r->stashed = (r->stashed + take) % 8;
    n -= take;
  }
}

const char *grove__runs_bits(grove__runs *r, uint8_t *bits, uint64_t to, size_t n, uint64_t *ones)
{
  const char *flaw = NULL;
  bit_sink s = begin_bits(bits, to);
  while (n && !(flaw = grove__runs_open(r))) {
    size_t take = n < r->left ? n : (size_t)r->left;
    if (r->packed) {
      put_packed(&s, r, take);
    } else {
      put_run(&s, r->value, take);
    }
    r->left -= take;
    n -= take;
  }
  *ones += end_bits(&s);
  return flaw;
}
