// A chunk while it is written, between the files that write it: first all of its rows are gone over (write_stage.c), then
// pages are made (write_chunk.c), then what is known of them is written (write_meta.c).
#ifndef GROVE_PARQUET_WRITE_CHUNK_H
#define GROVE_PARQUET_WRITE_CHUNK_H
#include "parquet/bits.h"
#include "parquet/write.h"

typedef struct grove__chunk_writing {
  grove__file_writer *w;
  const grove__way *way;
  const grove__column_view *views; // of its stems
  const grove__stem *leaf;
  const grove__target *t;
  const grove__column_view *v; // the leaf's
  grove_error *err;
  uint64_t from, n;                        // rows of the column
  uint64_t start, dictionary_at, unpacked; // dictionary_at 0: none
  uint64_t values, nulls;
  grove__out dictionary; // its values, plain
  uint32_t count;        // of them
  grove__extent extent;
  size_t n_pages, written; // that grove__chunk_stage noted; written so far
  bool bloom;
} grove__chunk_writing;

static inline grove__page_note *grove__chunk_note(const grove__chunk_writing *c, size_t i)
{
  return (grove__page_note *)(void *)c->w->notes.block.p + i;
}
/// Bits of a dictionary's code.
static inline unsigned grove__chunk_code_width(const grove__chunk_writing *c)
{
  return grove__bits_of(c->count > 1 ? c->count - 1 : 1);
}

/// Whether there is something to gain from a dictionary or a bloom filter.
static inline bool grove__chunk_has_kinds(const grove__target *t)
{
  return t->physical != GROVE__BOOLEAN && t->transform != GROVE__TRANSFORM_NULL;
}

/// Notes the chunk's pages, with statistics; and *built: it has codes for all of its values, since the dictionary stayed
/// small.
grove_status grove__chunk_stage(grove__chunk_writing *c, bool *built);
/// Levels of a page's rows, of a nested column, to w->shreds; *values is their number, or that of the rows.
grove_status grove__chunk_shred(
    const grove__chunk_writing *c, uint64_t at, size_t rows, size_t *values);
/// Appends the values of a page's rows to w->body. Of a nested column its levels were made.
grove_status grove__chunk_values(
    const grove__chunk_writing *c, uint64_t at, size_t rows, size_t *valid);
/// The page index of the chunk, right behind its pages, and where it lies.
grove_status grove__chunk_put_index(grove__chunk_writing *c, grove__index_place *place);
/// The ColumnChunk struct; `end` is where its pages do.
void grove__chunk_put_meta(const grove__chunk_writing *c, grove__out *o, uint64_t end,
    const grove__index_place *place);
#endif
