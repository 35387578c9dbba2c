// One leaf's column of one row group: pages of codes if a dictionary of its values is small, else plain ones.
#include "base/error.h"
#include "base/status.h"
#include "columnar/bitmap.h"
#include "parquet/write_chunk.h"
#include <string.h>
#include <zlib.h>

typedef grove__chunk_writing chunk;

// A page's type, encoding, and how many values and nulls it has in how many rows.
typedef struct page_kind {
  int type, encoding;
  uint64_t values, nulls, rows;
  size_t rep_bytes; // of its repetition levels, in w->levels
} page_kind;

static int data_type(const chunk *c)
{
  return c->w->options->page_version == 2 ? GROVE__PAGE_DATA_V2 : GROVE__PAGE_DATA;
}

// The struct of a v2 page in its header.
static void put_part_v2(chunk *c, page_kind kind, bool packed, grove__out *o)
{
  int inner = 0;
  grove__out_int(o, &inner, 1, GROVE__THRIFT_I32, (int64_t)kind.values);
  grove__out_int(o, &inner, 2, GROVE__THRIFT_I32, (int64_t)kind.nulls);
  grove__out_int(o, &inner, 3, GROVE__THRIFT_I32, (int64_t)kind.rows);
  grove__out_int(o, &inner, 4, GROVE__THRIFT_I32, kind.encoding);
  grove__out_int(o, &inner, 5, GROVE__THRIFT_I32, (int64_t)(c->w->levels.used - kind.rep_bytes));
  grove__out_int(o, &inner, 6, GROVE__THRIFT_I32, (int64_t)kind.rep_bytes);
  grove__out_bool(o, &inner, 7, packed);
}

static void put_part_v1(page_kind kind, grove__out *o)
{
  int inner = 0;
  grove__out_int(o, &inner, 1, GROVE__THRIFT_I32, (int64_t)kind.values);
  grove__out_int(o, &inner, 2, GROVE__THRIFT_I32, kind.encoding);
  if (kind.type == GROVE__PAGE_DATA) {
    grove__out_int(o, &inner, 3, GROVE__THRIFT_I32, GROVE__RLE);
    grove__out_int(o, &inner, 4, GROVE__THRIFT_I32, GROVE__RLE);
  }
}

static void put_head(chunk *c, page_kind kind, size_t unpacked, size_t packed, uint32_t crc)
{
  static const int parts[] = {5, 6, 7, 8};
  grove__out *o = &c->w->page;
  int last = 0;
  o->used = 0;
  grove__out_int(o, &last, 1, GROVE__THRIFT_I32, kind.type);
  grove__out_int(o, &last, 2, GROVE__THRIFT_I32, (int64_t)unpacked);
  grove__out_int(o, &last, 3, GROVE__THRIFT_I32, (int64_t)packed);
  if (!c->w->options->no_crc) {
    grove__out_int(o, &last, 4, GROVE__THRIFT_I32, (int32_t)crc);
  }
  grove__out_field(o, &last, parts[kind.type], GROVE__THRIFT_STRUCT);
  if (kind.type == GROVE__PAGE_DATA_V2) {
    put_part_v2(c, kind, c->w->codec != GROVE__CODEC_NONE && c->w->body.used, o);
  } else {
    put_part_v1(kind, o);
  }
  grove__out_stop(o);
  grove__out_stop(o);
}

// Writes w->body as a page.
static grove_status put_page(chunk *c, page_kind kind)
{
  grove__file_writer *w = c->w;
  const grove__out *packed = NULL;
  GROVE__TRY(w->body.status);
  if (w->body.used > INT32_MAX) {
    return grove__error(
        c->err, GROVE_ELIMIT, -1, "column \"%.100s\": a page of over 2 GiB", c->v->name);
  }
  GROVE__TRY(w->levels.status);
  if (kind.type == GROVE__PAGE_DATA_V2 && !w->body.used) {
    packed = &w->body; // no values: nothing is packed, and the header says so
  } else {
    GROVE__TRY(grove__file_pack(w, &packed, c->err));
  }
  size_t levels = kind.type == GROVE__PAGE_DATA_V2 ? w->levels.used : 0; // never packed
  uint32_t crc = 0; // zlib's begins anew where it is given NULL, which a buffer is that was never filled
  crc = levels ? (uint32_t)crc32(crc, w->levels.block.p, (uInt)levels) : crc;
  crc = packed->used ? (uint32_t)crc32(crc, packed->block.p, (uInt)packed->used) : crc;
  put_head(c, kind, levels + w->body.used, levels + packed->used, crc);
  GROVE__TRY(w->page.status);
  c->unpacked += w->page.used + levels + w->body.used;
  if (kind.type != GROVE__PAGE_DICTIONARY) {
    grove__page_note *note = grove__chunk_note(c, c->written++);
    note->at = w->at;
    note->bytes = (uint32_t)(w->page.used + levels + packed->used);
  }
  GROVE__TRY(grove__file_put(w, &w->page, c->err));
  if (levels) {
    GROVE__TRY(grove__file_put(w, &w->levels, c->err));
  }
  return packed->used ? grove__file_put(w, packed, c->err) : GROVE_OK;
}

// Definition levels of the rows of a flat column: its validity.
static void put_validity(chunk *c, const grove__page_note *note, grove__out *o)
{
  size_t n = (size_t)note->rows;
  uint8_t one = !note->nulls;
  if (!note->nulls || note->nulls == note->values) {
    grove__out_varint(o, (uint64_t)n << 1);
    grove__out_bytes(o, &one, 1);
    return;
  }
  size_t groups = (n + 7) / 8;
  grove__out_varint(o, (uint64_t)groups << 1 | 1);
  uint8_t *to = grove__out_room(o, groups);
  if (to) {
    to[groups - 1] = 0;
    grove__bitmap_copy(
        c->v->validity, c->v->offset + (int64_t)(c->from + note->first), to, 0, (int64_t)n);
    o->used += groups;
  }
}

// One of the two kinds of levels, `most` the highest: behind its length in v1. They are those of w->shreds, or of a flat
// column.
static void put_level(
    chunk *c, const grove__page_note *note, const grove__out *levels, uint8_t most, grove__out *o)
{
  bool apart = data_type(c) == GROVE__PAGE_DATA_V2;
  uint32_t bytes = 0;
  size_t head = o->used;
  if (!most) {
    return;
  }
  if (!apart) {
    grove__out_bytes(o, &bytes, 4);
  }
  if (c->way->depth == 1) {
    put_validity(c, note, o);
  } else {
    grove__runs_put(o, (const uint32_t *)(const void *)levels->block.p, (size_t)note->values,
        grove__bits_of(most));
  }
  if (!o->status && !apart) {
    bytes = (uint32_t)(o->used - head - 4);
    memcpy(o->block.p + head, &bytes, 4);
  }
}

// Levels of a page: before the values in w->body, or by themselves in w->levels. What kind of page it is.
static page_kind put_levels(chunk *c, const grove__page_note *note, int encoding)
{
  bool apart = data_type(c) == GROVE__PAGE_DATA_V2;
  const grove__shreds *shreds = &c->w->shreds;
  grove__out *o = apart ? &c->w->levels : &c->w->body;
  page_kind kind = {.type = data_type(c),
      .encoding = encoding,
      .values = note->values,
      .nulls = note->nulls,
      .rows = note->rows};
  c->w->body.used = c->w->levels.used = 0;
  put_level(c, note, &shreds->reps, c->leaf->rep, o);
  kind.rep_bytes = o->used;
  put_level(c, note, &shreds->defs, c->leaf->def, o);
  return kind;
}

// Staged booleans become bits in place.
static void pack_booleans(grove__out *o, size_t from, size_t n)
{
  uint8_t *p = o->block.p + from;
  for (size_t i = 0; i < n; i++) {
    uint8_t bit = (uint8_t)(p[i] << (i & 7));
    p[i >> 3] = (uint8_t)(i & 7 ? p[i >> 3] | bit : bit);
  }
  o->used = from + (n + 7) / 8;
}

static grove_status put_plain_pages(chunk *c)
{
  grove__out *body = &c->w->body;
  for (size_t i = 0; i < c->n_pages; i++) {
    const grove__page_note note = *grove__chunk_note(c, i);
    uint64_t at = c->from + note.first;
    size_t values, valid;
    GROVE__TRY(grove__chunk_shred(c, at, (size_t)note.rows, &values));
    page_kind kind = put_levels(c, &note, GROVE__PLAIN);
    size_t from = body->used;
    GROVE__TRY(grove__chunk_values(c, at, (size_t)note.rows, &valid));
    if (c->t->physical == GROVE__BOOLEAN) {
      pack_booleans(body, from, valid);
    }
    GROVE__TRY(put_page(c, kind));
  }
  return GROVE_OK;
}

static grove_status put_dictionary_pages(chunk *c)
{
  grove__file_writer *w = c->w;
  const uint32_t *codes = (const uint32_t *)(const void *)w->codes.block.p;
  uint8_t width = (uint8_t)grove__chunk_code_width(c);
  c->dictionary_at = w->at;
  w->body.used = 0;
  grove__out_bytes(&w->body, c->dictionary.block.p, c->dictionary.used);
  GROVE__TRY(put_page(c,
      (page_kind){.type = GROVE__PAGE_DICTIONARY, .encoding = GROVE__PLAIN, .values = c->count}));
  c->start = w->at;
  for (size_t i = 0; i < c->n_pages; i++) {
    const grove__page_note note = *grove__chunk_note(c, i);
    size_t values, valid = (size_t)(note.values - note.nulls);
    GROVE__TRY(grove__chunk_shred(c, c->from + note.first, (size_t)note.rows, &values));
    page_kind kind = put_levels(c, &note, GROVE__RLE_DICTIONARY);
    grove__out_bytes(&w->body, &width, 1);
    grove__runs_put(&w->body, codes, valid, width);
    GROVE__TRY(put_page(c, kind));
    codes += valid;
  }
  return GROVE_OK;
}

grove_status grove__chunk_write(grove__file_writer *w, const grove__slice *rows, grove__out *meta,
    grove__sizes *sizes, grove_error *err)
{
  bool built = false;
  const grove__stem *leaf = grove__way_leaf(rows->way);
  chunk c = {.w = w,
      .way = rows->way,
      .views = rows->views,
      .leaf = leaf,
      .t = &leaf->target,
      .v = &rows->views[rows->way->depth - 1],
      .err = err,
      .from = rows->from,
      .n = rows->n,
      .start = w->at,
      .bloom = rows->bloom && grove__chunk_has_kinds(&leaf->target)};
  c.dictionary.budget = &w->budget;
  c.dictionary.err = err;
  grove_status s = grove__chunk_stage(&c, &built);
  if (!s) {
    s = built ? put_dictionary_pages(&c) : put_plain_pages(&c);
  }
  grove__out_free(&c.dictionary);
  grove__index_place place = {0};
  uint64_t end = w->at;
  if (!s) {
    s = grove__chunk_put_index(&c, &place);
  }
  if (!s && c.bloom) {
    s = grove__bloom_write(w, &w->hashes, &place, err);
  }
  if (!s) {
    grove__chunk_put_meta(&c, meta, end, &place);
    sizes->unpacked += c.unpacked;
    sizes->packed += end - (c.dictionary_at ? c.dictionary_at : c.start);
    s = meta->status;
  }
  return s;
}
