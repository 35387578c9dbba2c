#include "parquet/codec.h"
#include "base/alloc.h"
#include "parquet/format.h"
#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#ifdef GROVE_HAVE_BROTLI
#include <brotli/decode.h>
#endif
#ifdef GROVE_HAVE_LZ4
#include <lz4.h>
#endif

typedef struct codec_name {
  const char *name;
  bool read;
} codec_name;

#ifdef GROVE_HAVE_BROTLI
#define BROTLI_READ true
#else
#define BROTLI_READ false
#endif
#ifdef GROVE_HAVE_LZ4
#define LZ4_READ true
#else
#define LZ4_READ false
#endif

static const codec_name codec_names[] = {{"UNCOMPRESSED", true}, {"SNAPPY", true}, {"GZIP", true},
    {"LZO", false}, {"BROTLI", BROTLI_READ}, {"LZ4", LZ4_READ}, {"ZSTD", true},
    {"LZ4_RAW", LZ4_READ}};

const char *grove__codec_name(int32_t id)
{
  bool known = id >= 0 && id < (int32_t)(sizeof codec_names / sizeof codec_names[0]);
  return known ? codec_names[id].name : "of an unknown number";
}

bool grove__codec_is_read(int32_t id)
{
  return id >= 0 && id < (int32_t)(sizeof codec_names / sizeof codec_names[0]) &&
         codec_names[id].read;
}

bool grove__codec_plausible(int32_t id, size_t n, size_t unpacked)
{
  // The most that one byte can become: snappy copies 64 bytes by 3, deflate 258 by 2 bits, a zstd block of one
  // repeated byte is 128 KiB for 4, lz4 adds 255 a byte to a length, brotli copies 16 MiB by a few bits.
  size_t ratio;
  switch (id) {
  case GROVE__CODEC_SNAPPY: ratio = 22; break;
  case GROVE__CODEC_GZIP: ratio = 1032; break;
  case GROVE__CODEC_LZ4:
  case GROVE__CODEC_LZ4_RAW: ratio = 256; break;
  case GROVE__CODEC_BROTLI: ratio = (size_t)1 << 25; break;
  default: ratio = 32768;
  }
  return unpacked / ratio <= n;
}

// ---- memory ---------------------------------------------------------------------------------------

enum { HEAD_BYTES = 16 }; // in front of a block: its size

static void *take(void *user, size_t bytes)
{
  grove__codec *c = user;
  size_t whole;
  if (!grove__add(bytes, HEAD_BYTES, &whole)) {
    return NULL;
  }
  if (grove__budget_take(c->budget, whole, "a codec", NULL)) {
    c->over = true;
    return NULL;
  }
  size_t *block = grove__alloc(&c->budget->allocator, whole);
  if (!block) {
    grove__budget_give(c->budget, whole);
    return NULL;
  }
  *block = whole;
  return (char *)block + HEAD_BYTES;
}

static void give(void *user, void *p)
{
  grove__codec *c = user;
  if (p) {
    size_t *block = (size_t *)(void *)((char *)p - HEAD_BYTES), whole = *block;
    grove__free(&c->budget->allocator, block, whole);
    grove__budget_give(c->budget, whole);
  }
}

static grove_status lacks(const grove__codec *c)
{
  return c->over ? GROVE_ELIMIT : GROVE_ENOMEM;
}

// ---- codecs ---------------------------------------------------------------------------------------

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

static void *take_zlib(void *user, uInt n, uInt each)
{
  size_t bytes;
  void *p = grove__multiply(n, each, &bytes) ? take(user, bytes) : NULL;
  if (p) {
    memset(p, 0, bytes); // its window's ends are looked at before they are written
  }
  return p;
}

static bool open_zlib(grove__codec *c)
{
  if (c->zlib) {
    return inflateReset(c->zlib) == Z_OK;
  }
  z_stream *z = take(c, sizeof *z);
  if (!z) {
    return false;
  }
  *z = (z_stream){.zalloc = take_zlib, .zfree = give, .opaque = c};
  if (inflateInit2(z, 15 + 32) != Z_OK) { // 32: gzip's or zlib's head, whichever comes
    give(c, z);
    return false;
  }
  c->zlib = z;
  return true;
}

// A page can be several gzip members, one after the other.
static const char *unpack_gzip(
    grove__codec *c, const uint8_t *in, size_t n, uint8_t *out, size_t out_n, grove_status *why)
{
  if (!open_zlib(c)) {
    *why = lacks(c);
    return "gzip: no memory";
  }
  z_stream *z = c->zlib;
  z->next_in = (Bytef *)(uintptr_t)in; // zlib reads only; its interface is older than const
  z->avail_in = (uInt)n;
  z->next_out = out;
  z->avail_out = (uInt)out_n;
  for (;;) {
    int code = inflate(z, Z_FINISH);
    if (code == Z_MEM_ERROR) {
      *why = lacks(c);
      return "gzip: no memory";
    }
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

static void drop_zstd(grove__codec *c)
{
  ZSTD_freeDCtx(c->zstd);
  grove__budget_give(c->budget, c->zstd_bytes);
  c->zstd = NULL;
  c->zstd_bytes = 0;
}

// Its context takes nothing more for whole frames. It comes from malloc: allocators of one's own are no part of its
// settled interface.
static bool open_zstd(grove__codec *c)
{
  if (c->zstd) {
    return true;
  }
  c->zstd = ZSTD_createDCtx();
  uint64_t bytes = c->zstd ? ZSTD_sizeof_DCtx(c->zstd) : 0;
  c->over = c->zstd && grove__budget_take(c->budget, bytes, "a codec", NULL);
  c->zstd_bytes = c->over ? 0 : bytes;
  if (c->over) {
    drop_zstd(c);
  }
  return c->zstd != NULL;
}

static const char *unpack_zstd(
    grove__codec *c, const uint8_t *in, size_t n, uint8_t *out, size_t out_n, grove_status *why)
{
  if (!open_zstd(c)) {
    *why = lacks(c);
    return "zstd: no memory";
  }
  size_t got = ZSTD_decompressDCtx(c->zstd, out, out_n, in, n);
  if (ZSTD_isError(got)) {
    return "zstd: damaged data, or more of it than its page says";
  }
  return got == out_n ? NULL : "zstd: less data than its page says";
}

#ifdef GROVE_HAVE_LZ4
static const char *unpack_lz4(const uint8_t *in, size_t n, uint8_t *out, size_t out_n)
{
  if (n > INT32_MAX || out_n > INT32_MAX) {
    return "lz4: over 2 GiB";
  }
  int got = LZ4_decompress_safe((const char *)in, (char *)out, (int)n, (int)out_n);
  return got < 0                ? "lz4: damaged data, or more of it than its page says"
         : (size_t)got != out_n ? "lz4: less data than its page says"
                                : NULL;
}

static uint32_t big_endian(const uint8_t *p)
{
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// Hadoop's: pieces, each behind its two lengths. false: it is not that.
static bool unpack_hadoop(const uint8_t *in, size_t n, uint8_t *out, size_t out_n)
{
  while (n >= 8) {
    size_t unpacked = big_endian(in), packed = big_endian(in + 4);
    if (packed > n - 8 || unpacked > out_n || unpack_lz4(in + 8, packed, out, unpacked) != NULL) {
      return false;
    }
    in += 8 + packed;
    n -= 8 + packed;
    out += unpacked;
    out_n -= unpacked;
  }
  return n == 0 && out_n == 0;
}

// The old codec LZ4 was never said what it is: some writers frame as Hadoop does, others write a bare block.
static const char *unpack_old_lz4(const uint8_t *in, size_t n, uint8_t *out, size_t out_n)
{
  return unpack_hadoop(in, n, out, out_n) ? NULL : unpack_lz4(in, n, out, out_n);
}
#endif

#ifdef GROVE_HAVE_BROTLI
static const char *unpack_brotli(
    grove__codec *c, const uint8_t *in, size_t n, uint8_t *out, size_t out_n, grove_status *why)
{
  BrotliDecoderState *state = BrotliDecoderCreateInstance(take, give, c);
  size_t left = out_n;
  if (!state) {
    *why = lacks(c);
    return "brotli: no memory";
  }
  BrotliDecoderResult result = BrotliDecoderDecompressStream(state, &n, &in, &left, &out, NULL);
  BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(state);
  BrotliDecoderDestroyInstance(state);
  if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES && code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES) {
    *why = lacks(c);
    return "brotli: no memory"; // its window alone may be 16 MiB
  }
  return result != BROTLI_DECODER_RESULT_SUCCESS
             ? "brotli: damaged data, or more of it than its page says"
         : left ? "brotli: less data than its page says"
                : NULL;
}
#endif

const char *grove__codec_unpack(grove__codec *c, int32_t id, const uint8_t *in, size_t n,
    uint8_t *out, size_t out_n, grove_status *why)
{
  *why = GROVE_ECORRUPT;
  c->over = false;
  switch (id) {
  case GROVE__CODEC_SNAPPY: return unpack_snappy(in, n, out, out_n);
  case GROVE__CODEC_GZIP: return unpack_gzip(c, in, n, out, out_n, why);
  case GROVE__CODEC_ZSTD: return unpack_zstd(c, in, n, out, out_n, why);
#ifdef GROVE_HAVE_LZ4
  case GROVE__CODEC_LZ4: return unpack_old_lz4(in, n, out, out_n);
  case GROVE__CODEC_LZ4_RAW: return unpack_lz4(in, n, out, out_n);
#endif
#ifdef GROVE_HAVE_BROTLI
  case GROVE__CODEC_BROTLI: return unpack_brotli(c, in, n, out, out_n, why);
#endif
  default: return "a codec that we don't read";
  }
}

void grove__codec_free(grove__codec *c)
{
  if (c->zstd) {
    drop_zstd(c);
  }
  if (c->zlib) {
    inflateEnd(c->zlib);
    give(c, c->zlib);
    c->zlib = NULL;
  }
}
