// One column of one row group: a dictionary if it is small, else plain pages.
#include "base/alloc.h"
#include "base/error.h"
#include "base/random.h"
#include "base/status.h"
#include "columnar/bitmap.h"
#include "parquet/bits.h"
#include "parquet/write.h"
#include <string.h>
#include <zlib.h>

enum {
  PAGE_BYTES = 1 << 20,
  DICTIONARY_BYTES = 1 << 20,
  DICTIONARY_COUNT = 1 << 16,
  SLOTS = 4 * DICTIONARY_COUNT
};

typedef struct chunk {
  grove__file_writer *w;
  const grove__target *t;
  const grove__column_view *v;
  grove_error *err;
  uint64_t from, n;
  uint64_t start, dictionary_at, unpacked; // dictionary_at 0: none
  uint64_t nulls;
  grove__out dictionary; // its values, plain
  uint32_t count;        // of them
  grove__extent extent;
  size_t n_pages, written; // counted by build_dictionary; written so far
  bool bloom;
} chunk;

static grove__page_note *note_at(const chunk *c, size_t i)
{
  return (grove__page_note *)(void *)c->w->notes.block.p + i;
}

// Takes down what the page index will say of a page of `valid` values in `rows` rows.
static void note_page(chunk *c, uint64_t at, size_t rows, size_t valid)
{
  grove__page_note note = {.first = at - c->from, .rows = rows, .nulls = rows - valid};
  grove__extent_add(&note.extent, c->t, c->w->body.block.p, valid);
  grove__extent_join(&c->extent, c->t, &note.extent);
  grove__out_bytes(&c->w->notes, &note, sizeof note);
  c->n_pages++;
}

// How many of the rows from `at` on make a page of about PAGE_BYTES.
static size_t page_rows(const chunk *c, uint64_t at)
{
  uint64_t left = c->from + c->n - at, most = c->w->options->page_rows;
  uint64_t rows = most;
  if (c->t->transform == GROVE__TRANSFORM_TEXT) {
    const int64_t first = c->v->offset + (int64_t)at;
    const int32_t *narrow = c->v->values;
    const int64_t *wide = c->v->values;
    rows = left < rows ? left : rows;
    while (rows > 1 && (c->t->from == 4 ? narrow[first + (int64_t)rows] - (int64_t)narrow[first]
                                        : wide[first + (int64_t)rows] - wide[first]) > PAGE_BYTES) {
      rows /= 2;
    }
  } else if (c->t->width) {
    rows = PAGE_BYTES / c->t->width;
    rows = rows > most ? most : rows ? rows : 1;
  }
  return (size_t)(left < rows ? left : rows);
}

// ---- dictionary -----------------------------------------------------------------------------------

static uint64_t hash(const uint8_t *p, size_t n)
{
  uint64_t h = n;
  for (; n >= 8; n -= 8, p += 8) {
    h = grove__mix64(h ^ grove__load64(p));
  }
  uint64_t last = 0;
  memcpy(&last, p, n);
  return grove__mix64(h ^ last);
}

// Where the dictionary's value number `code` lies: slots hold offset and code.
typedef struct slot {
  uint32_t at, code; // code + 1; 0: free
} slot;

// The code of the n bytes at p (a text with its length in front); false: the dictionary is full.
static bool find_code(chunk *c, const uint8_t *p, size_t n, uint32_t *code)
{
  slot *slots = (slot *)(void *)c->w->slots.p;
  for (uint64_t i = hash(p, n);; i++) {
    slot *s = &slots[i % SLOTS];
    if (!s->code) {
      if (c->count == DICTIONARY_COUNT || c->dictionary.used + n > DICTIONARY_BYTES) {
        return false;
      }
      *s = (slot){(uint32_t)c->dictionary.used, ++c->count};
      grove__out_bytes(&c->dictionary, p, n);
      *code = s->code - 1;
      return true;
    }
    if (c->dictionary.used - s->at >= n && memcmp(c->dictionary.block.p + s->at, p, n) == 0) {
      *code = s->code - 1;
      return true;
    }
  }
}

// Codes of n staged values to w->codes.
static bool encode(chunk *c, const uint8_t *p, size_t n)
{
  grove__out *codes = &c->w->codes;
  uint32_t *to = (uint32_t *)(void *)grove__out_room(codes, n * sizeof *to);
  if (!to) {
    return false;
  }
  for (size_t i = 0; i < n; i++) {
    size_t bytes = c->t->width ? c->t->width : 4 + (size_t)grove__load32(p);
    if (!find_code(c, p, bytes, &to[i])) {
      return false;
    }
    p += bytes;
  }
  codes->used += n * sizeof *to;
  return true;
}

static unsigned code_width(const chunk *c)
{
  return grove__bits_of(c->count > 1 ? c->count - 1 : 1);
}

static bool has_kinds(const grove__target *t)
{
  return t->physical != GROVE__BOOLEAN && t->transform != GROVE__TRANSFORM_NULL;
}

// Goes over the whole chunk: codes for all of it, if the dictionary stays small. Statistics come on the way.
static grove_status build_dictionary(chunk *c, bool *built)
{
  grove__file_writer *w = c->w;
  *built = has_kinds(c->t) && !w->options->no_dictionary;
  w->notes.used = w->hashes.used = 0;
  if (*built) {
    GROVE__TRY(
        grove__block_reserve(&w->budget, &w->slots, SLOTS * sizeof(slot), "a dictionary", c->err));
    memset(w->slots.p, 0, SLOTS * sizeof(slot));
  }
  uint64_t plain = 0;
  w->codes.used = 0;
  for (uint64_t at = c->from; at < c->from + c->n;) {
    size_t rows = page_rows(c, at), valid = 0;
    w->body.used = 0;
    GROVE__TRY(grove__target_stage(c->t, c->v, at, rows, &w->body, &valid));
    note_page(c, at, rows, valid);
    c->nulls += rows - valid;
    plain += w->body.used;
    *built = *built && encode(c, w->body.block.p, valid);
    if (c->bloom) {
      grove__bloom_add(&w->hashes, c->t, w->body.block.p, valid);
    }
    at += rows;
  }
  // Values that hardly repeat are smaller without.
  uint64_t coded = c->dictionary.used + w->codes.used / 4 * code_width(c) / 8;
  *built = *built && coded <= plain;
  return w->codes.status        ? w->codes.status
         : c->dictionary.status ? c->dictionary.status
                                : w->notes.status;
}

// ---- pages ----------------------------------------------------------------------------------------

// A page's type, encoding, and how many values it has, with and without nulls.
typedef struct page_kind {
  int type, encoding;
  size_t values, valid;
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
  grove__out_int(o, &inner, 2, GROVE__THRIFT_I32, (int64_t)(kind.values - kind.valid));
  grove__out_int(o, &inner, 3, GROVE__THRIFT_I32, (int64_t)kind.values);
  grove__out_int(o, &inner, 4, GROVE__THRIFT_I32, kind.encoding);
  grove__out_int(o, &inner, 5, GROVE__THRIFT_I32, (int64_t)c->w->levels.used);
  grove__out_int(o, &inner, 6, GROVE__THRIFT_I32, 0);
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
  uint32_t crc = (uint32_t)crc32(0, w->levels.block.p, (uInt)levels);
  crc = (uint32_t)crc32(crc, packed->block.p, (uInt)packed->used);
  put_head(c, kind, levels + w->body.used, levels + packed->used, crc);
  GROVE__TRY(w->page.status);
  c->unpacked += w->page.used + levels + w->body.used;
  if (kind.type != GROVE__PAGE_DICTIONARY) {
    grove__page_note *note = note_at(c, c->written++);
    note->at = w->at;
    note->bytes = (uint32_t)(w->page.used + levels + packed->used);
  }
  GROVE__TRY(grove__file_put(w, &w->page, c->err));
  if (levels) {
    GROVE__TRY(grove__file_put(w, &w->levels, c->err));
  }
  return packed->used ? grove__file_put(w, packed, c->err) : GROVE_OK;
}

// Definition levels of n rows: before the values and behind their length, or by themselves.
static void put_levels(chunk *c, uint64_t at, size_t n, size_t valid)
{
  bool apart = data_type(c) == GROVE__PAGE_DATA_V2;
  grove__out *o = apart ? &c->w->levels : &c->w->body;
  uint32_t bytes = 0;
  uint8_t one = valid == n;
  o->used = apart ? 0 : o->used;
  size_t head = o->used;
  if (!apart) {
    grove__out_bytes(o, &bytes, 4);
  }
  if (valid == n || valid == 0) {
    grove__out_varint(o, (uint64_t)n << 1);
    grove__out_bytes(o, &one, 1);
  } else {
    size_t groups = (n + 7) / 8;
    grove__out_varint(o, (uint64_t)groups << 1 | 1);
    uint8_t *to = grove__out_room(o, groups);
    if (to) {
      to[groups - 1] = 0;
      grove__bitmap_copy(c->v->validity, c->v->offset + (int64_t)at, to, 0, (int64_t)n);
      o->used += groups;
    }
  }
  if (!o->status && !apart) {
    bytes = (uint32_t)(o->used - head - 4);
    memcpy(o->block.p + head, &bytes, 4);
  }
}

static size_t count_valid(const chunk *c, uint64_t at, size_t n)
{
  if (c->t->transform == GROVE__TRANSFORM_NULL) {
    return 0;
  }
  return c->v->validity
             ? (size_t)grove__bitmap_count(c->v->validity, c->v->offset + (int64_t)at, (int64_t)n)
             : n;
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
  for (uint64_t at = c->from; at < c->from + c->n;) {
    size_t rows = page_rows(c, at), valid = 0;
    body->used = 0;
    put_levels(c, at, rows, count_valid(c, at, rows));
    size_t from = body->used;
    GROVE__TRY(grove__target_stage(c->t, c->v, at, rows, body, &valid));
    if (c->t->physical == GROVE__BOOLEAN) {
      pack_booleans(body, from, valid);
    }
    GROVE__TRY(put_page(c, (page_kind){data_type(c), GROVE__PLAIN, rows, valid}));
    at += rows;
  }
  return GROVE_OK;
}

static grove_status put_dictionary_pages(chunk *c)
{
  grove__file_writer *w = c->w;
  const uint32_t *codes = (const uint32_t *)(const void *)w->codes.block.p;
  uint8_t width = (uint8_t)code_width(c);
  c->dictionary_at = w->at;
  w->body.used = 0;
  grove__out_bytes(&w->body, c->dictionary.block.p, c->dictionary.used);
  GROVE__TRY(put_page(c, (page_kind){GROVE__PAGE_DICTIONARY, GROVE__PLAIN, c->count, c->count}));
  c->start = w->at;
  for (uint64_t at = c->from; at < c->from + c->n;) {
    size_t rows = page_rows(c, at), valid = count_valid(c, at, rows);
    w->body.used = 0;
    put_levels(c, at, rows, valid);
    grove__out_bytes(&w->body, &width, 1);
    grove__runs_put(&w->body, codes, valid, width);
    GROVE__TRY(put_page(c, (page_kind){data_type(c), GROVE__RLE_DICTIONARY, rows, valid}));
    codes += valid;
    at += rows;
  }
  return GROVE_OK;
}

// ---- metadata -------------------------------------------------------------------------------------

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

// The page index of the chunk, right behind its pages, and where it lies.
static grove_status put_index(chunk *c, grove__index_place *place)
{
  grove__file_writer *w = c->w;
  if (w->options->no_page_index) {
    return GROVE_OK;
  }
  const grove__page_note *notes = note_at(c, 0);
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

static void put_meta(const chunk *c, grove__out *o, uint64_t end, const grove__index_place *place)
{
  int outer = 0, last = 0;
  uint64_t first = c->dictionary_at ? c->dictionary_at : c->start;
  grove__out_int(o, &outer, 2, GROVE__THRIFT_I64, 0);
  grove__out_field(o, &outer, 3, GROVE__THRIFT_STRUCT);
  grove__out_int(o, &last, 1, GROVE__THRIFT_I32, c->t->physical);
  put_encodings(c, o, &last);
  grove__out_list(o, &last, 3, GROVE__THRIFT_BINARY, 1);
  grove__out_varint(o, strlen(c->v->name));
  grove__out_bytes(o, c->v->name, strlen(c->v->name));
  grove__out_int(o, &last, 4, GROVE__THRIFT_I32, c->w->codec);
  grove__out_int(o, &last, 5, GROVE__THRIFT_I64, (int64_t)c->n);
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

grove_status grove__chunk_write(grove__file_writer *w, const grove__slice *rows, grove__out *meta,
    grove__sizes *sizes, grove_error *err)
{
  bool built = false;
  chunk c = {.w = w,
      .t = rows->target,
      .v = rows->view,
      .err = err,
      .from = rows->from,
      .n = rows->n,
      .start = w->at,
      .bloom = rows->bloom && has_kinds(rows->target)};
  c.dictionary.budget = &w->budget;
  c.dictionary.err = err;
  grove_status s = build_dictionary(&c, &built);
  if (!s) {
    s = built ? put_dictionary_pages(&c) : put_plain_pages(&c);
  }
  grove__out_free(&c.dictionary);
  grove__index_place place = {0};
  uint64_t end = w->at;
  if (!s) {
    s = put_index(&c, &place);
  }
  if (!s && c.bloom) {
    s = grove__bloom_write(w, &w->hashes, &place, err);
  }
  if (!s) {
    put_meta(&c, meta, end, &place);
    sizes->unpacked += c.unpacked;
    sizes->packed += end - (c.dictionary_at ? c.dictionary_at : c.start);
    s = meta->status;
  }
  return s;
}
