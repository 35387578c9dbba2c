// Between the files of the writer.
#ifndef GROVE_PARQUET_WRITE_H
#define GROVE_PARQUET_WRITE_H
#include "parquet/out.h"
#include "parquet/target.h"
#include <grove/parquet.h>

/// Smallest and largest value of a chunk, in stored form. NaN is left out; zeros of floats are -0 and +0.
typedef struct grove__extent {
  bool any, given_up; ///< given up: a text is too long to be worth it
  uint32_t low_bytes, high_bytes;
  uint8_t low[64], high[64];
} grove__extent;

/// Takes n staged values in.
void grove__extent_add(grove__extent *e, const grove__target *t, const uint8_t *staged, size_t n);

typedef struct grove__file_writer {
  grove_writer *to;
  uint64_t at; ///< bytes written
  grove__budget budget;
  int32_t codec; ///< as in the file
  int level;
  void *zstd;
  grove__out body, page, packed, codes; ///< reused from page to page
  grove__block slots;                   ///< the hash table of a dictionary
} grove__file_writer;

/// Writes what is in `bytes`.
grove_status grove__file_put(grove__file_writer *w, const grove__out *bytes, grove_error *err);
/// Packs w->body into w->packed, or leaves it where no codec is asked for; *out is what to write.
grove_status grove__file_pack(grove__file_writer *w, const grove__out **out, grove_error *err);
/// Rows [from, from + n) of a column, to be one chunk.
typedef struct grove__slice {
  const grove__target *target;
  const grove__column_view *view;
  uint64_t from, n;
} grove__slice;

/// Writes the chunk, and its ColumnChunk struct to `meta`; *unpacked grows by its bytes before compression.
grove_status grove__chunk_write(grove__file_writer *w, const grove__slice *rows, grove__out *meta,
    uint64_t *unpacked, grove_error *err);
/// Encodes n numbers of `width` bits as runs and packed groups.
void grove__runs_put(grove__out *o, const uint32_t *values, size_t n, unsigned width);
/// The footer without its length and magic. `groups` are the RowGroup structs.
void grove__footer_write(grove__out *o, const grove_table *t, const grove__target *targets,
    const grove__out *groups, size_t n_groups);
#endif
