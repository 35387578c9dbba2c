// Snappy's raw format, as pages have it.
#ifndef GROVE_PARQUET_SNAPPY_H
#define GROVE_PARQUET_SNAPPY_H
#include <grove/base.h>

/// Fills exactly out_n bytes; reads and writes nothing beyond `in` and `out`. NULL: done; else the flaw, static.
const char *grove__snappy_unpack(const uint8_t *in, size_t n, uint8_t *out, size_t out_n);
/// Where in `in` all of the out_n bytes lie as they are, as of data that snappy could not make smaller; NULL: nowhere.
const uint8_t *grove__snappy_whole(const uint8_t *in, size_t n, size_t out_n);
#endif
