// All rows of a chunk, page by page: statistics, and a dictionary of the values if it stays small.
#include "base/alloc.h"
#include "base/error.h"
#include "base/random.h"
#include "base/status.h"
#include "parquet/write_chunk.h"
#include <string.h>

enum {
  PAGE_BYTES = 1 << 20,
  PAGE_ENTRIES = 1 << 17, // of a nested column: its levels take 8 bytes each while they are written
  DICTIONARY_BYTES = 1 << 20,
  DICTIONARY_COUNT = 1 << 16,
  SLOTS = 4 * DICTIONARY_COUNT
};

typedef grove__chunk_writing chunk;

// Takes down what is known of a page when its values are staged.
static void note_page(chunk *c, uint64_t at, size_t rows, size_t values, size_t valid)
{
  grove__page_note note = {
      .first = at - c->from, .rows = rows, .values = values, .nulls = values - valid};
  grove__extent_add(&note.extent, c->t, c->w->body.block.p, valid);
  grove__extent_join(&c->extent, c->t, &note.extent);
  grove__out_bytes(&c->w->notes, &note, sizeof note);
  c->values += values;
  c->nulls += values - valid;
  c->n_pages++;
}

static uint64_t text_bytes(const chunk *c, uint64_t from, uint64_t n)
{
  const int64_t first = c->v->offset + (int64_t)from;
  const int32_t *narrow = c->v->values;
  const int64_t *wide = c->v->values;
  return c->t->from == 4 ? (uint64_t)(narrow[first + (int64_t)n] - (int64_t)narrow[first])
                         : (uint64_t)(wide[first + (int64_t)n] - wide[first]);
}

// Whether `rows` rows are as much as a page should have.
static bool fills_page(const chunk *c, uint64_t at, uint64_t rows)
{
  grove__leaf_range range = {at, rows};
  if (c->way->depth > 1) {
    range = grove__shred_range(c->way, c->views, at, rows);
    if (range.n > PAGE_ENTRIES) {
      return true;
    }
  }
  if (!range.n) {
    return false;
  }
  uint64_t bytes = c->t->transform == GROVE__TRANSFORM_TEXT ? text_bytes(c, range.from, range.n)
                                                            : range.n * c->t->width;
  return bytes > PAGE_BYTES;
}

// How many of the rows from `at` on make a page of about PAGE_BYTES.
static size_t page_rows(const chunk *c, uint64_t at)
{
  uint64_t left = c->from + c->n - at, rows = c->w->options->page_rows;
  if (c->way->depth == 1 && c->t->width) {
    uint64_t most = PAGE_BYTES / c->t->width;
    rows = rows > most ? most : rows;
  }
  rows = rows > left ? left : rows ? rows : 1;
  while (rows > 1 && fills_page(c, at, rows)) {
    rows /= 2;
  }
  return (size_t)rows;
}

grove_status grove__chunk_shred(const chunk *c, uint64_t at, size_t rows, size_t *values)
{
  grove__shreds *shreds = &c->w->shreds;
  *values = rows;
  if (c->way->depth == 1) {
    return GROVE_OK;
  }
  GROVE__TRY(grove__shred(c->way, c->views, at, rows, shreds, c->err));
  *values = shreds->defs.used / sizeof(uint32_t);
  return *values > INT32_MAX ? grove__error(c->err, GROVE_ELIMIT, -1,
                                   "column \"%.200s\", row %llu: a list of over 2^31 items",
                                   c->v->name, (unsigned long long)at)
                             : GROVE_OK;
}

grove_status grove__chunk_values(const chunk *c, uint64_t at, size_t rows, size_t *valid)
{
  const grove__shreds *shreds = &c->w->shreds;
  const grove__leaf_range *ranges = (const void *)shreds->ranges.block.p;
  *valid = 0;
  if (c->way->depth == 1) {
    return grove__target_stage(c->t, c->v, at, rows, &c->w->body, valid);
  }
  for (size_t i = 0; i < shreds->ranges.used / sizeof *ranges; i++) {
    size_t more = 0;
    GROVE__TRY(grove__target_stage(
        c->t, c->v, ranges[i].from, (size_t)ranges[i].n, &c->w->body, &more));
    *valid += more;
  }
  return GROVE_OK;
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

grove_status grove__chunk_stage(chunk *c, bool *built)
{
  grove__file_writer *w = c->w;
  *built = grove__chunk_has_kinds(c->t) && !w->options->no_dictionary;
  w->notes.used = w->hashes.used = 0;
  if (*built) {
    GROVE__TRY(
        grove__block_reserve(&w->budget, &w->slots, SLOTS * sizeof(slot), "a dictionary", c->err));
    memset(w->slots.p, 0, SLOTS * sizeof(slot));
  }
  uint64_t plain = 0;
  w->codes.used = 0;
  for (uint64_t at = c->from; at < c->from + c->n;) {
    size_t rows = page_rows(c, at), values, valid;
    w->body.used = 0;
    GROVE__TRY(grove__chunk_shred(c, at, rows, &values));
    GROVE__TRY(grove__chunk_values(c, at, rows, &valid));
    note_page(c, at, rows, values, valid);
    plain += w->body.used;
    *built = *built && encode(c, w->body.block.p, valid);
    if (c->bloom) {
      grove__bloom_add(&w->hashes, c->t, w->body.block.p, valid);
    }
    at += rows;
  }
  // Values that hardly repeat are smaller without.
  uint64_t coded = c->dictionary.used + w->codes.used / 4 * grove__chunk_code_width(c) / 8;
  *built = *built && coded <= plain;
  return w->codes.status        ? w->codes.status
         : c->dictionary.status ? c->dictionary.status
                                : w->notes.status;
}
