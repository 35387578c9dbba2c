// Bloom filters of chunks that are written: as large as the share of false positives asks for, behind the pages.
#include "base/status.h"
#include "parquet/bits.h"
#include "parquet/write.h"
#include "parquet/xxhash.h"
#include <math.h>

enum { BLOCK_BYTES = 32, FILTER_MAX = 128 * 1024 * 1024, DEFAULT_PPM = 10000, MILLION = 1000000 };

void grove__bloom_add(
    grove__out *hashes, const grove__target *t, const uint8_t *staged, size_t n)
{
  uint64_t *to = (uint64_t *)(void *)grove__out_room(hashes, n * sizeof *to);
  for (size_t i = 0; to && i < n; i++) {
    uint32_t bytes = t->width;
    if (t->transform == GROVE__TRANSFORM_TEXT) {
      bytes = grove__load32(staged);
      staged += 4;
    }
    to[i] = grove__xxhash(staged, bytes);
    staged += bytes;
  }
  hashes->used += to ? n * sizeof *to : 0;
}

// A power of two, as other readers want it. The formula is that of split blocks, of eight bits a value.
static uint32_t filter_bytes(uint64_t values, uint32_t ppm)
{
  double share = (double)(ppm ? ppm : DEFAULT_PPM) / MILLION;
  double bits = -8.0 * (double)values / log(1 - pow(share, 1.0 / 8));
  uint32_t bytes = BLOCK_BYTES;
  while (bytes < FILTER_MAX && (double)bytes * 8 < bits) {
    bytes *= 2;
  }
  return bytes;
}

// The header: size, and three unions of which each is the first of its kind: blocks, xxHash, not compressed.
static void put_head(grove__out *o, uint32_t bytes)
{
  int last = 0;
  grove__out_int(o, &last, 1, GROVE__THRIFT_I32, bytes);
  for (int id = 2; id <= 4; id++) {
    int inner = 0;
    grove__out_field(o, &last, id, GROVE__THRIFT_STRUCT);
    grove__out_field(o, &inner, 1, GROVE__THRIFT_STRUCT);
    grove__out_stop(o);
    grove__out_stop(o);
  }
  grove__out_stop(o);
}

grove_status grove__bloom_write(grove__file_writer *w, const grove__out *hashes,
    grove__index_place *place, grove_error *err)
{
  const uint64_t *hash = (const uint64_t *)(const void *)hashes->block.p;
  size_t n = hashes->used / sizeof *hash;
  uint32_t bytes = filter_bytes(n, w->options->bloom_false_ppm);
  GROVE__TRY(hashes->status);
  w->page.used = 0;
  put_head(&w->page, bytes);
  uint8_t *filter = grove__out_room(&w->page, bytes);
  if (!filter) {
    return w->page.status;
  }
  memset(filter, 0, bytes);
  w->page.used += bytes;
  for (size_t i = 0; i < n; i++) {
    uint8_t *block = filter + BLOCK_BYTES * grove__bloom_block(hash[i], bytes / BLOCK_BYTES);
    for (size_t k = 0; k < 8; k++) {
      uint32_t word = grove__load32(block + 4 * k) | grove__bloom_bit(hash[i], k);
      memcpy(block + 4 * k, &word, 4);
    }
  }
  place->bloom_at = w->at;
  place->bloom_bytes = (uint32_t)w->page.used;
  return grove__file_put(w, &w->page, err);
}
