#include "parquet/delta.h"
#include "base/status.h"
#include "parquet/bits.h"
#include "parquet/scan.h"
#include <string.h>

static bool varint(grove__delta *d, uint64_t *out)
{
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 70 && d->p < d->end; shift += 7) {
    uint8_t b = *d->p++;
    v |= shift < 64 ? (uint64_t)(b & 0x7f) << shift : 0;
    if (!(b & 0x80)) {
      *out = v;
      return true;
    }
  }
  return false;
}

static bool zigzag(grove__delta *d, uint64_t *out)
{
  uint64_t u;
  if (!varint(d, &u)) {
    return false;
  }
  *out = (u >> 1) ^ (0 - (u & 1));
  return true;
}

const char *grove__delta_open(grove__delta *d, const uint8_t *p, const uint8_t *end)
{
  uint64_t block, minis, total;
  memset(d, 0, sizeof *d);
  d->p = p;
  d->end = end;
  if (!varint(d, &block) || !varint(d, &minis) || !varint(d, &total) || !zigzag(d, &d->value)) {
    return "the head of the differences ends in the middle";
  }
  if (!minis || minis > UINT32_MAX || block > UINT32_MAX || block % minis || !block ||
      block / minis % 8) {
    return "the differences are in blocks of an impossible size";
  }
  d->minis = (uint32_t)minis;
  d->per_mini = (uint32_t)(block / minis);
  d->mini = d->minis; // so that the first block is opened
  d->left = total;
  d->first = total > 0;
  d->packed_left = total - (total > 0);
  return NULL;
}

static const char *open_block(grove__delta *d)
{
  if (!zigzag(d, &d->least) || (size_t)(d->end - d->p) < d->minis) {
    return "a block of differences ends in the middle";
  }
  d->widths = d->p;
  d->p += d->minis;
  d->mini = 0;
  return NULL;
}

// The next miniblock; its width is d->widths[d->mini - 1].
static const char *open_mini(grove__delta *d)
{
  if (d->mini == d->minis) {
    const char *flaw = open_block(d);
    if (flaw) {
      return flaw;
    }
  }
  d->mini_left = d->per_mini;
  return d->widths[d->mini++] > 64 ? "differences of over 64 bits" : NULL;
}

const char *grove__delta_end(const grove__delta *d, const uint8_t **end)
{
  grove__delta walk = *d;
  while (walk.packed_left) {
    const char *flaw = open_mini(&walk);
    if (flaw) {
      return flaw;
    }
    uint64_t bytes = (uint64_t)walk.per_mini / 8 * walk.widths[walk.mini - 1];
    if (bytes > (size_t)(walk.end - walk.p)) {
      return "a miniblock ends in the middle";
    }
    walk.p += bytes;
    walk.packed_left -= walk.packed_left < walk.per_mini ? walk.packed_left : walk.per_mini;
  }
  *end = walk.p;
  return NULL;
}

// Unpacks up to GROVE__DELTA_STASH differences. The last miniblock may be cut behind the values that count.
static const char *refill(grove__delta *d)
{
  uint8_t cut[GROVE__DELTA_STASH * 8 + GROVE__SLACK];
  if (!d->mini_left) {
    const char *flaw = open_mini(d);
    if (flaw) {
      return flaw;
    }
  }
  unsigned width = d->widths[d->mini - 1];
  uint32_t n = d->mini_left < GROVE__DELTA_STASH ? d->mini_left : GROVE__DELTA_STASH;
  uint64_t count = d->packed_left < n ? d->packed_left : n;
  size_t bytes = (size_t)n / 8 * width, have = (size_t)(d->end - d->p);
  if (bytes <= have) {
    grove__unpack64(d->p, d->stash, n / 8, width);
    d->p += bytes;
  } else if (count * width <= have * 8) {
    memset(cut, 0, sizeof cut);
    memcpy(cut, d->p, have);
    grove__unpack64(cut, d->stash, n / 8, width);
    d->p = d->end;
  } else {
    return "a miniblock ends in the middle";
  }
  d->mini_left -= n;
  d->packed_left -= count;
  // What is taken is counted from the front, so the count moves to the end of the stash.
  memmove(d->stash + GROVE__DELTA_STASH - count, d->stash, (size_t)count * sizeof d->stash[0]);
  d->stashed = (unsigned)count;
  return NULL;
}

const char *grove__delta_take(grove__delta *d, int64_t *out, size_t n)
{
  if (n > d->left) {
    return "there are fewer values than rows";
  }
  d->left -= n;
  if (n && d->first) {
    *out++ = (int64_t)d->value;
    d->first = 0;
    n--;
  }
  while (n) {
    if (!d->stashed) {
      const char *flaw = refill(d);
      if (flaw) {
        return flaw;
      }
    }
    size_t take = n < d->stashed ? n : d->stashed;
    const uint64_t *from = d->stash + GROVE__DELTA_STASH - d->stashed;
    uint64_t value = d->value, least = d->least;
    for (size_t i = 0; i < take; i++) {
      value += least + from[i];
      out[i] = (int64_t)value;
    }
    d->value = value;
    d->stashed -= (unsigned)take;
    out += take;
    n -= take;
  }
  return NULL;
}

// ---- the encoding ---------------------------------------------------------------------------------

static grove_status begin(grove__scan *s, grove_error *err)
{
  const char *flaw = grove__delta_open(&s->delta, s->p, s->end);
  return flaw ? grove__scan_fail(s, err, GROVE_ECORRUPT, "%s", flaw) : GROVE_OK;
}

static grove_status take_fixed(grove__scan *s, uint8_t *out, size_t n, grove_error *err)
{
  int64_t tile[512];
  size_t width = s->leaf->stored_width;
  while (n) {
    size_t take = n < GROVE__COUNT(tile) ? n : GROVE__COUNT(tile);
    const char *flaw = grove__delta_take(&s->delta, tile, take);
    if (flaw) {
      return grove__scan_fail(s, err, GROVE_ECORRUPT, "%s", flaw);
    }
    if (width == 8) {
      memcpy(out, tile, take * 8);
    } else {
      for (size_t i = 0; i < take; i++) {
        memcpy(out + 4 * i, &tile[i], 4);
      }
    }
    out += take * width;
    n -= take;
  }
  return GROVE_OK;
}

const grove__encoding grove__encoding_delta = {.name = "DELTA_BINARY_PACKED",
    .id = GROVE__DELTA_BINARY_PACKED,
    .types = 1u << GROVE__INT32 | 1u << GROVE__INT64,
    .begin = begin,
    .fixed = take_fixed};
