#include "parquet/codec.h"
#include "parquet/format.h"
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

const char *grove__codec_unknown(int32_t id)
{
  static const char *const names[] = {
      NULL, NULL, NULL, "LZO", "BROTLI", "LZ4 (Hadoop's)", NULL, "LZ4_RAW"};
  if (id == GROVE__CODEC_NONE || id == GROVE__CODEC_SNAPPY || id == GROVE__CODEC_GZIP ||
      id == GROVE__CODEC_ZSTD) {
    return NULL;
  }
  return id > 0 && id < (int32_t)(sizeof names / sizeof names[0]) ? names[id]
                                                                  : "of an unknown number";
}

bool grove__codec_plausible(int32_t id, size_t n, size_t unpacked)
{
  // The most that one byte can become: snappy copies 64 bytes by 3, deflate 258 by 2 bits, a zstd block of one
  // repeated byte is 128 KiB for 4.
  size_t ratio = id == GROVE__CODEC_SNAPPY ? 22 : id == GROVE__CODEC_GZIP ? 1032 : 32768;
  return unpacked / ratio <= n;
}

static const char *unpack_snappy(const uint8_t *in, size_t n, uint8_t *out, size_t out_n)
{
  size_t got = 0;
  if (snappy_uncompressed_length((const char *)in, n, &got) != SNAPPY_OK) {
    return "snappy: damaged data";
  }
  if (got != out_n) {
    return "snappy: the data is not as long as its page says";
  }
  return snappy_uncompress((const char *)in, n, (char *)out, &got) == SNAPPY_OK && got == out_n
             ? NULL
             : "snappy: damaged data";
}

static bool open_zlib(grove__codec *c)
{
  if (c->zlib) {
    return inflateReset(c->zlib) == Z_OK;
  }
  z_stream *z = calloc(1, sizeof *z);
  if (!z || inflateInit2(z, 15 + 32) != Z_OK) { // 32: gzip's or zlib's head, whichever comes
    free(z);
    return false;
  }
  c->zlib = z;
  return true;
}

// A page can be several gzip members, one after the other.
static const char *unpack_gzip(
    grove__codec *c, const uint8_t *in, size_t n, uint8_t *out, size_t out_n, bool *no_memory)
{
  if (!open_zlib(c)) {
    *no_memory = true;
    return "gzip: no memory";
  }
  z_stream *z = c->zlib;
  z->next_in = (Bytef *)(uintptr_t)in; // zlib reads only; its interface is older than const
  z->avail_in = (uInt)n;
  z->next_out = out;
  z->avail_out = (uInt)out_n;
  for (;;) {
    int code = inflate(z, Z_FINISH);
    if (code != Z_STREAM_END) {
      return code == Z_BUF_ERROR && !z->avail_out  ? "gzip: more data than its page says"
             : code == Z_BUF_ERROR || code == Z_OK ? "gzip: the data ends in the middle"
                                                   : "gzip: damaged data";
    }
    if (!z->avail_in) {
      return z->avail_out ? "gzip: less data than its page says" : NULL;
    }
    if (inflateReset(z) != Z_OK) {
      return "gzip: damaged data";
    }
  }
}

static const char *unpack_zstd(
    grove__codec *c, const uint8_t *in, size_t n, uint8_t *out, size_t out_n, bool *no_memory)
{
  if (!c->zstd && !(c->zstd = ZSTD_createDCtx())) {
    *no_memory = true;
    return "zstd: no memory";
  }
  size_t got = ZSTD_decompressDCtx(c->zstd, out, out_n, in, n);
  if (ZSTD_isError(got)) {
    return "zstd: damaged data, or more of it than its page says";
  }
  return got == out_n ? NULL : "zstd: less data than its page says";
}

const char *grove__codec_unpack(grove__codec *c, int32_t id, const uint8_t *in, size_t n,
    uint8_t *out, size_t out_n, bool *no_memory)
{
  switch (id) {
  case GROVE__CODEC_SNAPPY: return unpack_snappy(in, n, out, out_n);
  case GROVE__CODEC_GZIP: return unpack_gzip(c, in, n, out, out_n, no_memory);
  case GROVE__CODEC_ZSTD: return unpack_zstd(c, in, n, out, out_n, no_memory);
  default: return "a codec that we don't read";
  }
}

void grove__codec_free(grove__codec *c)
{
  ZSTD_freeDCtx(c->zstd);
  if (c->zlib) {
    inflateEnd(c->zlib);
    free(c->zlib);
  }
  memset(c, 0, sizeof *c);
}
