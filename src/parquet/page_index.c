// The page index of a chunk: where its pages begin, by row, and bounds of each. It is read for a rule alone; where it
// is missing or does not add up it is left aside.
#include "base/error.h"
#include "base/status.h"
#include "parquet/prune.h"
#include <string.h>

enum { INDEX_MAX = 64 * 1024 * 1024, PAGES_MAX = 1 << 20 };

typedef struct parts {
  grove__block *block;
  const uint8_t *columns, *offsets;
  uint32_t column_bytes, offset_bytes;
} parts;

static bool lies_well(const grove_parquet *p, const grove__extra *e)
{
  return e->bytes && e->bytes < INDEX_MAX && e->at >= 4 && e->at <= p->footer_at &&
         e->bytes <= p->footer_at - e->at;
}

// First rows of the pages; false: they do not ascend from 0 within the group.
static bool read_offsets(
    const grove__group *g, const parts *in, grove__page_index *out, size_t room)
{
  grove__thrift t;
  size_t n = 0;
  grove__thrift_init(&t, in->offsets, in->offset_bytes);
  for (grove__field f = {0, 0}; grove__thrift_field(&t, &f);) {
    if (f.id != 1) {
      grove__thrift_skip(&t, &f);
      continue;
    }
    size_t pages = grove__thrift_structs(&t, &f);
    if (pages > room) {
      return false;
    }
    for (n = 0; n < pages && !t.flaw; n++) {
      int64_t first = -1;
      for (grove__field l = {0, 0}; grove__thrift_field(&t, &l);) {
        if (l.id == 3) {
          first = grove__thrift_i64(&t, &l);
        } else {
          grove__thrift_skip(&t, &l);
        }
      }
      bool fits = n ? first >= 0 && (uint64_t)first >= out->first[n - 1] : first == 0;
      if (!fits || (uint64_t)first > g->rows) {
        return false;
      }
      out->first[n] = (uint64_t)first;
    }
  }
  out->n = n;
  return !t.flaw && n > 0;
}

// A list of n texts; another number: none is read, and what follows is a flaw.
static size_t read_texts(grove__thrift *t, const grove__field *f, grove__bytes *out, size_t n)
{
  size_t got = grove__thrift_list(t, f, GROVE__THRIFT_BINARY);
  for (size_t i = 0; i < got && got == n; i++) {
    out[i] = grove__thrift_element_binary(t);
  }
  return got;
}

// Whether a page that is said to hold nothing but nulls can be so. Some writers say it of pages whose statistics they were
// not told of, and that no value is null in them.
static bool may_be_empty(const grove__leaf *leaf, const grove__page_index *index, size_t i, uint64_t rows)
{
  uint64_t end = i + 1 < index->n ? index->first[i + 1] : rows, n = end > index->first[i] ? end - index->first[i] : 0;
  int64_t nulls = index->bounds[i].nulls;
  return !n || (leaf->levels && (nulls < 0 || (uint64_t)nulls >= n));
}

// What the four lists of a column index say; they come in the order of their numbers. `rows`: of the row group
static bool read_bounds(const grove__leaf *leaf, const parts *in, uint64_t rows, grove__page_index *out)
{
  grove__thrift t;
  size_t lows = 0, highs = 0, nulls = 0, flags = 0;
  grove__thrift_init(&t, in->columns, in->column_bytes);
  for (size_t i = 0; i < out->n; i++) {
    out->bounds[i] = (grove__bounds){.nulls = -1};
  }
  grove__bytes *low = (grove__bytes *)(void *)(out->bounds + out->n); // room of make_room
  grove__bytes *high = low + out->n;
  bool *empty = (bool *)(high + out->n);
  for (grove__field f = {0, 0}; grove__thrift_field(&t, &f);) {
    size_t got;
    switch (f.id) {
    case 1:
      flags = grove__thrift_list(&t, &f, GROVE__THRIFT_TRUE);
      for (size_t i = 0; i < flags && flags == out->n; i++) {
        empty[i] = grove__thrift_element_bool(&t);
      }
      break;
    case 2: lows = read_texts(&t, &f, low, out->n); break;
    case 3: highs = read_texts(&t, &f, high, out->n); break;
    case 5:
      got = grove__thrift_list(&t, &f, GROVE__THRIFT_I64);
      for (nulls = 0; nulls < got && nulls < out->n; nulls++) {
        out->bounds[nulls].nulls = grove__thrift_element_i64(&t);
      }
      nulls = nulls == got ? nulls : SIZE_MAX;
      break;
    default: grove__thrift_skip(&t, &f);
    }
  }
  if (t.flaw || flags != out->n || lows != out->n || highs != out->n ||
      (nulls && nulls != out->n)) {
    return false;
  }
  for (size_t i = 0; i < out->n; i++) {
    if (empty[i] && !may_be_empty(leaf, out, i, rows)) {
      return false;
    }
    if (empty[i]) {
      out->bounds[i].all_null = true;
    } else {
      grove__bounds_set(&out->bounds[i], leaf, low[i], high[i]);
    }
  }
  return true;
}

// How many pages it says there are; 0: none, or more than a page location of three bytes can be of it, or than is worth the
// memory.
static size_t count_pages(const parts *in)
{
  grove__thrift t;
  size_t n = 0;
  grove__thrift_init(&t, in->offsets, in->offset_bytes);
  for (grove__field f = {0, 0}; !n && grove__thrift_field(&t, &f);) {
    if (f.id == 1) {
      n = grove__thrift_structs(&t, &f);
    } else {
      grove__thrift_skip(&t, &f);
    }
  }
  return t.flaw || n > in->offset_bytes / 3 || n > PAGES_MAX ? 0 : n;
}

static grove_status load(const grove_parquet *p, const grove__chunk *c, const grove__block *raw, parts *in, grove_error *err)
{
  in->columns = raw->p;
  in->offsets = raw->p + c->column_index.bytes;
  in->column_bytes = c->column_index.bytes;
  in->offset_bytes = c->offset_index.bytes;
  const grove_source *source = &p->source;
  GROVE__TRY(source->read_at(source->user, c->column_index.at, raw->p, c->column_index.bytes, err));
  return source->read_at(
      source->user, c->offset_index.at, raw->p + c->column_index.bytes, c->offset_index.bytes, err);
}

// Room in `block` for as many pages as there are; 0: none, or a help that there is no room for, which is none.
static size_t make_room(grove__budget *b, const parts *in)
{
  size_t n = count_pages(in);
  size_t each = sizeof(uint64_t) + sizeof(grove__bounds) + 2 * sizeof(grove__bytes) + sizeof(bool);
  return n && grove__block_help(b, in->block, n * each) ? n : 0;
}

grove_status grove__page_index_read(const grove_parquet *p, grove__budget *b, size_t group,
    size_t leaf, grove__block *block, grove__page_index *out, grove_error *err)
{
  const grove__group *g = &p->footer.groups[group];
  const grove__chunk *c = &g->chunks[leaf];
  grove__block raw = {NULL, 0};
  parts in = {.block = block};
  memset(out, 0, sizeof *out);
  if (!lies_well(p, &c->column_index) || !lies_well(p, &c->offset_index) || c->encrypted ||
      !grove__block_help(b, &raw, (size_t)c->column_index.bytes + c->offset_index.bytes)) {
    return GROVE_OK;
  }
  grove_status s = load(p, c, &raw, &in, err);
  size_t room = s ? 0 : make_room(b, &in);
  if (room) {
    out->first = (uint64_t *)(void *)block->p;
    out->bounds = (grove__bounds *)(void *)(out->first + room);
    if (!read_offsets(g, &in, out, room) || !read_bounds(&p->footer.leaves[leaf], &in, g->rows, out)) {
      out->n = 0;
    }
  }
  grove__block_free(b, &raw);
  return s;
}
