// Page headers.
#ifndef GROVE_PARQUET_PAGE_H
#define GROVE_PARQUET_PAGE_H
#include <grove/base.h>

typedef struct grove__page_head {
  int32_t type; ///< GROVE__PAGE_*
  uint32_t packed, unpacked;
  bool has_crc;
  uint32_t crc;
  int32_t values, encoding;
  int32_t level_encoding, repetition_encoding;         ///< v1
  int32_t nulls, rows, levels_bytes, repetition_bytes; ///< v2; levels: of definition
  bool compressed;                                     ///< v2: the values are
} grove__page_head;

/// Reads the header at `bytes`; *used is its length. NULL: done. Else the flaw, static; *cut: more bytes may help.
const char *grove__page_head_read(
    grove__page_head *h, const uint8_t *bytes, size_t n, size_t *used, bool *cut);
#endif
