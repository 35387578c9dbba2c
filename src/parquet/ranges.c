// What will be read, told to the source before: in order and joined, so that a remote store can fetch it in few requests.
#include "parquet/ranges.h"
#include "base/alloc.h"
#include "base/status.h"
#include <stdlib.h>

// Bytes between two ranges that cost less to fetch than another request.
enum { GAP_BYTES = 64 * 1024 };

typedef struct list {
  grove_range *ranges;
  size_t n, room;
} list;

static void add(list *l, uint64_t at, uint64_t bytes)
{
  if (bytes && l->n < l->room) {
    l->ranges[l->n++] = (grove_range){at, bytes};
  }
}

static bool is_of_rule(const grove_parquet *p, size_t column)
{
  for (size_t c = 0; p->rule && c < p->rule->count; c++) {
    if (p->rule_columns[c] == column) {
      return true;
    }
  }
  return false;
}

// The chunks of a column in one group, and the indexes by which a rule leaves pages out.
static void add_column(list *l, const grove_parquet *p, size_t group, size_t column)
{
  for (size_t k = 0; k < grove__parquet_leaves(p, column); k++) {
    const grove__chunk *c = &p->footer.groups[group].chunks[p->selected[column] + k];
    bool indexed = is_of_rule(p, column) && c->column_index.bytes && c->offset_index.bytes;
    if (c->present && !c->encrypted && !c->elsewhere && c->values) {
      add(l, c->start, c->bytes);
    }
    add(l, c->column_index.at, indexed ? c->column_index.bytes : 0);
    add(l, c->offset_index.at, indexed ? c->offset_index.bytes : 0);
  }
}

static int compare_offsets(const void *a, const void *b)
{
  const grove_range *x = a, *y = b;
  return (x->offset > y->offset) - (x->offset < y->offset);
}

// Ranges may overlap in damaged files, and an index may be said to lie anywhere.
static void join(list *l, uint64_t file_bytes)
{
  size_t kept = 0;
  qsort(l->ranges, l->n, sizeof *l->ranges, compare_offsets);
  for (size_t i = 0; i < l->n; i++) {
    grove_range r = l->ranges[i];
    if (r.offset > file_bytes || r.bytes > file_bytes - r.offset) {
      continue;
    }
    grove_range *last = kept ? &l->ranges[kept - 1] : NULL;
    if (last && r.offset <= last->offset + last->bytes + GAP_BYTES) {
      uint64_t end = r.offset + r.bytes, before = last->offset + last->bytes;
      last->bytes = (end > before ? end : before) - last->offset;
    } else {
      l->ranges[kept++] = r;
    }
  }
  l->n = kept;
}

void grove__ranges_tell(
    const grove_parquet *p, grove__budget *b, const size_t *groups, size_t n, grove__told which)
{
  size_t bytes;
  if (!p->source.will_read) {
    return;
  }
  size_t rule = p->rule ? p->rule->count : 0; // of each of its columns two indexes
  list l = {.room = (grove__parquet_scans(p) + 2 * rule) * n};
  grove__block block = {NULL, 0};
  if (!grove__multiply(l.room, sizeof *l.ranges, &bytes) || !grove__block_help(b, &block, bytes)) {
    return; // a hint that is not given: the read itself will say what memory it lacks
  }
  l.ranges = (grove_range *)(void *)block.p;
  for (size_t g = 0; g < n; g++) {
    for (size_t i = 0; i < p->n_read; i++) {
      if (which == GROVE__TOLD_ALL || is_of_rule(p, i) == (which == GROVE__TOLD_RULE)) {
        add_column(&l, p, groups[g], i);
      }
    }
  }
  join(&l, p->source.bytes);
  if (l.n) {
    p->source.will_read(p->source.user, l.ranges, l.n);
  }
  grove__block_free(b, &block);
}
