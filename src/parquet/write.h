// Between the files of the writer.
#ifndef GROVE_PARQUET_WRITE_H
#define GROVE_PARQUET_WRITE_H
#include "parquet/arena.h"
#include "parquet/out.h"
#include "parquet/stem.h"
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

/// Takes another extent in.
void grove__extent_join(grove__extent *e, const grove__target *t, const grove__extent *more);

/// What the page index says of one page.
typedef struct grove__page_note {
  uint64_t first, rows;   ///< from the chunk's begin on
  uint64_t values, nulls; ///< as levels count them: an empty list is one that is null
  uint64_t at;
  uint32_t bytes; ///< with its header
  grove__extent extent;
} grove__page_note;

/// Where a chunk's index lies; bytes 0: there is none.
typedef struct grove__index_place {
  uint64_t offset_at, column_at, bloom_at;
  uint32_t offset_bytes, column_bytes, bloom_bytes;
} grove__index_place;

/// Whether bounds can be given for each page; a page of NaNs alone has none, nor has one of long texts.
bool grove__index_fits(const grove__page_note *notes, size_t n, const grove__target *t);
void grove__index_put_columns(grove__out *o, const grove__page_note *notes, size_t n);
void grove__index_put_offsets(grove__out *o, const grove__page_note *notes, size_t n);

/// Bytes of a row group, before and after compression, without its indexes.
typedef struct grove__sizes {
  uint64_t unpacked, packed;
} grove__sizes;

typedef struct grove__file_writer {
  const grove_parquet_write_options *options;
  grove_writer *to;
  uint64_t at; ///< bytes written
  grove__budget budget;
  int32_t codec; ///< as in the file
  int level;
  void *zstd;
  grove__out body, page, packed, codes; ///< reused from page to page
  grove__out levels;                    ///< of a v2 page
  grove__shreds shreds;                 ///< of a page of a nested column
  grove__out hashes;                    ///< of the chunk's values, if it gets a bloom filter
  grove__out notes;                     ///< of the chunk's pages: grove__page_note
  grove__block slots;                   ///< the hash table of a dictionary
} grove__file_writer;

/// Writes what is in `bytes`.
grove_status grove__file_put(grove__file_writer *w, const grove__out *bytes, grove_error *err);
/// Packs w->body into w->packed, or leaves it where no codec is asked for; *out is what to write.
grove_status grove__file_pack(grove__file_writer *w, const grove__out **out, grove_error *err);
/// Rows [from, from + n) of a leaf's column, to be one chunk.
typedef struct grove__slice {
  const grove__way *way;
  const grove__column_view *views; ///< of the way's stems
  uint64_t from, n;
  bool bloom; ///< with a bloom filter
} grove__slice;

/// Takes down n staged values for a bloom filter. Not of booleans.
void grove__bloom_add(grove__out *hashes, const grove__target *t, const uint8_t *staged, size_t n);
/// Writes the filter of all that was taken down.
grove_status grove__bloom_write(grove__file_writer *w, const grove__out *hashes,
    grove__index_place *place, grove_error *err);

/// Writes the chunk, and its ColumnChunk struct to `meta`; *sizes grows by its bytes.
grove_status grove__chunk_write(grove__file_writer *w, const grove__slice *rows, grove__out *meta,
    grove__sizes *sizes, grove_error *err);
/// Encodes n numbers of `width` bits as runs and packed groups.
void grove__runs_put(grove__out *o, const uint32_t *values, size_t n, unsigned width);
/// What a footer says: columns, and of `groups` the RowGroup structs.
typedef struct grove__footer_content {
  const grove__stem *columns;
  size_t n_columns, n_leaves;
  uint64_t rows;
  const grove__out *groups;
  size_t n_groups;
  const char *const *metadata;
} grove__footer_content;
/// The footer without its length and magic.
void grove__footer_write(grove__out *o, const grove__footer_content *c);
#endif
