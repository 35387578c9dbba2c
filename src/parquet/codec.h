// Decompression of pages.
#ifndef GROVE_PARQUET_CODEC_H
#define GROVE_PARQUET_CODEC_H
#include "parquet/budget.h"

/// What decompressors keep from page to page. Ready with a budget and zeros; freed by grove__codec_free.
typedef struct grove__codec {
  grove__budget *budget; ///< what they take counts in it
  uint64_t zstd_bytes;   ///< that are counted
  bool over;             ///< the budget was met
  void *zstd;
  struct z_stream_s *zlib;
} grove__codec;

/// Its name in words, whether we read it or not; static.
const char *grove__codec_name(int32_t id);
/// LZ4 and brotli are read where the build found their libraries.
bool grove__codec_is_read(int32_t id);
/// Whether n compressed bytes can become `unpacked` at all: asked before memory is taken for them.
bool grove__codec_plausible(int32_t id, size_t n, size_t unpacked);
/// Fills exactly out_n bytes. NULL: done; else the flaw, static, and *why: GROVE_ECORRUPT, GROVE_ENOMEM, GROVE_ELIMIT.
const char *grove__codec_unpack(grove__codec *c, int32_t id, const uint8_t *in, size_t n,
    uint8_t *out, size_t out_n, grove_status *why);
void grove__codec_free(grove__codec *c);
#endif
