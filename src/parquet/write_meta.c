// What a file says of a chunk: where it lies, its encodings, statistics and page index.
#include "base/status.h"
#include "parquet/write_chunk.h"
#include <string.h>

typedef grove__chunk_writing chunk;

static void put_statistics(const chunk *c, grove__out *o)
{
  int last = 0;
  grove__out_int(o, &last, 3, GROVE__THRIFT_I64, (int64_t)c->nulls);
  if (c->extent.any && !c->extent.given_up && !c->w->options->no_statistics) {
    grove__out_binary(o, &last, 5, c->extent.high, c->extent.high_bytes);
    grove__out_binary(o, &last, 6, c->extent.low, c->extent.low_bytes);
  }
  grove__out_stop(o);
}

static void put_encodings(const chunk *c, grove__out *o, int *last)
{
  static const uint8_t encodings[] = {GROVE__RLE, GROVE__PLAIN, GROVE__RLE_DICTIONARY};
  size_t n = c->dictionary_at ? 3 : 2;
  grove__out_list(o, last, 2, GROVE__THRIFT_I32, n);
  for (size_t i = 0; i < n; i++) {
    grove__out_varint(o, 2u * encodings[i]); // zigzag
  }
}

static void put_name(grove__out *o, const char *name)
{
  grove__out_varint(o, strlen(name));
  grove__out_bytes(o, name, strlen(name));
}

// The names from the column to the leaf, those of the groups that lists and maps have, too.
static void put_path(const chunk *c, grove__out *o, int *last)
{
  size_t n = c->way->depth;
  for (size_t i = 0; i < c->way->depth; i++) {
    n += c->way->stems[i]->kind == GROVE__STEM_LIST; // a map's entries are a stem already
  }
  grove__out_list(o, last, 3, GROVE__THRIFT_BINARY, n);
  for (size_t i = 0; i < c->way->depth; i++) {
    const grove__stem *s = c->way->stems[i];
    put_name(o, s->name ? s->name : GROVE__MAP_GROUP);
    if (s->kind == GROVE__STEM_LIST) {
      put_name(o, GROVE__LIST_GROUP);
    }
  }
}

grove_status grove__chunk_put_index(chunk *c, grove__index_place *place)
{
  grove__file_writer *w = c->w;
  if (w->options->no_page_index) {
    return GROVE_OK;
  }
  const grove__page_note *notes = grove__chunk_note(c, 0);
  if (!w->options->no_statistics && grove__index_fits(notes, c->n_pages, c->t)) {
    w->page.used = 0;
    grove__index_put_columns(&w->page, notes, c->n_pages);
    place->column_at = w->at;
    place->column_bytes = (uint32_t)w->page.used;
    GROVE__TRY(grove__file_put(w, &w->page, c->err));
  }
  w->page.used = 0;
  grove__index_put_offsets(&w->page, notes, c->n_pages);
  place->offset_at = w->at;
  place->offset_bytes = (uint32_t)w->page.used;
  return grove__file_put(w, &w->page, c->err);
}

void grove__chunk_put_meta(
    const chunk *c, grove__out *o, uint64_t end, const grove__index_place *place)
{
  int outer = 0, last = 0;
  uint64_t first = c->dictionary_at ? c->dictionary_at : c->start;
  grove__out_int(o, &outer, 2, GROVE__THRIFT_I64, 0);
  grove__out_field(o, &outer, 3, GROVE__THRIFT_STRUCT);
  grove__out_int(o, &last, 1, GROVE__THRIFT_I32, c->t->physical);
  put_encodings(c, o, &last);
  put_path(c, o, &last);
  grove__out_int(o, &last, 4, GROVE__THRIFT_I32, c->w->codec);
  grove__out_int(o, &last, 5, GROVE__THRIFT_I64, (int64_t)c->values);
  grove__out_int(o, &last, 6, GROVE__THRIFT_I64, (int64_t)c->unpacked);
  grove__out_int(o, &last, 7, GROVE__THRIFT_I64, (int64_t)(end - first));
  grove__out_int(o, &last, 9, GROVE__THRIFT_I64, (int64_t)c->start);
  if (c->dictionary_at) {
    grove__out_int(o, &last, 11, GROVE__THRIFT_I64, (int64_t)c->dictionary_at);
  }
  grove__out_field(o, &last, 12, GROVE__THRIFT_STRUCT);
  put_statistics(c, o);
  if (place->bloom_bytes) {
    grove__out_int(o, &last, 14, GROVE__THRIFT_I64, (int64_t)place->bloom_at);
    grove__out_int(o, &last, 15, GROVE__THRIFT_I32, place->bloom_bytes);
  }
  grove__out_stop(o);
  if (place->offset_bytes) {
    grove__out_int(o, &outer, 4, GROVE__THRIFT_I64, (int64_t)place->offset_at);
    grove__out_int(o, &outer, 5, GROVE__THRIFT_I32, place->offset_bytes);
  }
  if (place->column_bytes) {
    grove__out_int(o, &outer, 6, GROVE__THRIFT_I64, (int64_t)place->column_at);
    grove__out_int(o, &outer, 7, GROVE__THRIFT_I32, place->column_bytes);
  }
  grove__out_stop(o);
}
