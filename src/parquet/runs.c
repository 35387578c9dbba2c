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

static void fill_bits(uint8_t *bits, uint64_t to, size_t n, bool one)
{
  for (; n && (to & 7); n--, to++) {
    one ? grove__bit_set(bits, (int64_t)to) : grove__bit_clear(bits, (int64_t)to);
  }
  uint8_t *p = bits + (to >> 3), byte = one ? 0xff : 0;
  if (n < 256) { // most are short
    for (size_t i = 0; i < n / 8; i++) {
      p[i] = byte;
    }
  } else {
    memset(p, byte, n / 8);
  }
  to += n & ~(size_t)7;
  for (n &= 7; n; n--, to++) {
    one ? grove__bit_set(bits, (int64_t)to) : grove__bit_clear(bits, (int64_t)to);
  }
}

const char *grove__runs_bits(grove__runs *r, uint8_t *bits, uint64_t to, size_t n, uint64_t *ones)
{
  while (n) {
    const char *flaw = grove__runs_open(r);
    if (flaw) {
      return flaw;
    }
    size_t take = n < r->left ? n : (size_t)r->left;
    if (r->packed) {
      // Packed bits lie as a bitmap's do. `stashed` counts the bits of *packed that are taken.
      grove__bitmap_copy(r->packed, r->stashed, bits, (int64_t)to, (int64_t)take);
      *ones += (uint64_t)grove__bitmap_count(r->packed, r->stashed, (int64_t)take);
      r->packed += (r->stashed + take) / 8;
      r->stashed = (unsigned)((r->stashed + take) % 8);
    } else {
      fill_bits(bits, to, take, r->value);
      *ones += r->value ? take : 0;
    }
    r->left -= take;
    to += take;
    n -= take;
  }
  return NULL;
}
