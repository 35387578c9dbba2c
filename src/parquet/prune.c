#include "parquet/prune.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include <math.h>
#include <stdlib.h>

enum { STRIP = 1024 };

// ---- the rule -------------------------------------------------------------------------------------

// Where in `selected` a leaf is; n_read: not yet. One that is asked for in two formats has no one number.
static grove_status find_selected(
    const grove_parquet *p, size_t leaf, const char *name, size_t *out, grove_error *err)
{
  *out = p->n_read;
  for (size_t i = p->n_read; i-- > 0;) {
    if (p->selected[i] != leaf) {
      continue;
    }
    const char *last = *out < p->n_read ? grove__parquet_format(p, *out) : NULL;
    if (last && strcmp(grove__parquet_format(p, i), last) != 0) {
      return grove__error(err, GROVE_ENOTSUP, -1,
          "rule: column \"%.100s\" is asked for in two formats, \"%.40s\" and \"%.40s\": which of "
          "them the rule means can't be known",
          name, grove__parquet_format(p, i), last);
    }
    *out = i;
  }
  return GROVE_OK;
}

static grove_status find_column(grove_parquet *p, size_t c, grove_error *err)
{
  const char *name = p->rule->columns[c];
  size_t leaf = 0, at = 0;
  GROVE__TRY(grove__parquet_find(p, name, &leaf, err));
  GROVE__TRY(find_selected(p, leaf, name, &at, err));
  if (at == p->n_read) {
    p->selected[at] = leaf;
    p->nests[at] = NULL;
    p->names[at] = p->footer.leaves[leaf].path;
    p->n_read++;
  }
  const char *format = grove__parquet_format(p, at);
  if (p->rule->compared[c] && strchr("uUzZw", format[0])) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "rule: column \"%.100s\" (format \"%.40s\") is not numbers", name, format);
  }
  p->rule_columns[c] = at;
  return GROVE_OK;
}

grove_status grove__prune_open(grove_parquet *p, const char *rule, grove_error *err)
{
  GROVE__TRY(grove__rule_parse(rule, &p->rule, err));
  size_t n = p->n_selected + p->rule->count;
  size_t *selected = grove__arena_take(&p->footer.arena, n, sizeof *selected);
  const char **names = grove__arena_take(&p->footer.arena, n, sizeof *names);
  const grove__branch **nests = grove__arena_take(&p->footer.arena, n, sizeof *nests);
  p->rule_columns = grove__arena_take(&p->footer.arena, p->rule->count, sizeof *p->rule_columns);
  if (!selected || !names || !nests || !p->rule_columns) {
    return grove__arena_error(&p->footer.arena, "a rule's columns", err);
  }
  for (size_t i = 0; i < p->n_selected; i++) {
    selected[i] = p->selected[i];
    names[i] = p->names[i];
    nests[i] = p->nests[i];
  }
  p->nests = nests;
  p->selected = selected;
  p->names = names;
  for (size_t c = 0; c < p->rule->count; c++) {
    GROVE__TRY(find_column(p, c, err));
  }
  return GROVE_OK;
}

void grove__prune_close(grove_parquet *p)
{
  grove__rule_destroy(p->rule);
}

// ---- bounds ---------------------------------------------------------------------------------------

// What a rule is compared with is a number of the declared format; bounds and filters have numbers of the file's.
static grove__units units_of(const grove_parquet *p, size_t column)
{
  return grove__cast_units(grove__parquet_leaf(p, column)->format, grove__parquet_format(p, column));
}

// Bounds in the rule's unit. A double of the bound, then its product or quotient, are each rounded, as is the exact
// value that a row is compared by: three times 2^-53 at most. Eight times as much is added, so that they stay bounds.
static void convert_bounds(grove__units u, grove__bounds *b)
{
  if (u.times == 1 && u.over == 1) {
    return;
  }
  b->low = b->low * (double)u.times / (double)u.over;
  b->high = b->high * (double)u.times / (double)u.over;
  b->low -= fabs(b->low) * 0x1p-50;
  b->high += fabs(b->high) * 0x1p-50;
}

// Whether a row of those that the bounds are of may make the term true. NaN and null make each comparison false, so
// they don't matter there; they do for `is null`, where both count.
static bool term_may(
    const grove__rule_term *t, const grove__leaf *leaf, const grove__bounds *b, uint64_t rows)
{
  // Of these some values become null or NaN that the statistics don't count.
  bool is_float = leaf->physical == GROVE__FLOAT || leaf->physical == GROVE__DOUBLE ||
                  leaf->physical == GROVE__INT96 || leaf->format[0] == 'e';
  bool all_null = b->all_null || (b->nulls >= 0 && (uint64_t)b->nulls == rows);
  double x = t->number;
  if (t->op == GROVE__RULE_NULL) {
    return is_float || all_null || b->nulls != 0;
  }
  if (all_null) {
    return false;
  }
  if (t->op == GROVE__RULE_NOT_NULL || !b->there || !leaf->ordered) {
    return true;
  }
  switch (t->op) {
  case GROVE__RULE_LT: return b->low < x;
  case GROVE__RULE_LE: return b->low <= x;
  case GROVE__RULE_GT: return b->high > x;
  case GROVE__RULE_GE: return b->high >= x;
  case GROVE__RULE_EQ: return b->low <= x && x <= b->high;
  default: return !(b->low == x && b->high == x);
  }
}

// The rule over terms of which each may be true or can't be: any of its groups with all of its terms.
typedef struct verdict {
  bool any, all;
} verdict;

static void add_term(verdict *v, const grove__rule_term *t, bool may)
{
  if (t->starts_group) {
    v->any = v->any || v->all;
    v->all = true;
  }
  v->all = v->all && may;
}

// `look`: also into bloom filters, which have to be read.
static grove_status judge_group(const grove_parquet *p, grove__budget *b, size_t group, bool look,
    bool *may, grove_error *err)
{
  verdict v = {false, false};
  const grove__group *g = &p->footer.groups[group];
  for (size_t i = 0; i < p->rule->terms; i++) {
    const grove__rule_term *t = &p->rule->term[i];
    size_t leaf_at = p->selected[p->rule_columns[t->column]];
    const grove__leaf *leaf = &p->footer.leaves[leaf_at];
    const grove__chunk *c = &g->chunks[leaf_at];
    grove__units units = units_of(p, p->rule_columns[t->column]);
    grove__bounds bounds = c->bounds;
    convert_bounds(units, &bounds);
    bool term = !c->present || c->encrypted || term_may(t, leaf, &bounds, g->rows);
    if (term && look && t->op == GROVE__RULE_EQ && c->bloom.bytes && !c->encrypted) {
      GROVE__TRY(grove__bloom_may_have(p, b, c, leaf, units, t->number, &term, err));
    }
    add_term(&v, t, term);
  }
  *may = v.any || v.all;
  return GROVE_OK;
}

grove_status grove__prune_group(
    const grove_parquet *p, grove__budget *b, size_t group, bool *may, grove_error *err)
{
  return judge_group(p, b, group, true, may, err);
}

bool grove__prune_may(const grove_parquet *p, size_t group)
{
  bool may = true;
  return judge_group(p, NULL, group, false, &may, NULL) || may;
}

// ---- pieces ---------------------------------------------------------------------------------------

static int compare_rows(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

// The bounds of the page that row `at` is in; of a column without an index none.
static grove__bounds bounds_at(const grove__page_index *index, uint64_t at)
{
  grove__bounds none = {.nulls = -1};
  size_t low = 0, high = index->n;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    *(index->first[middle] <= at ? &low : &high) = middle;
  }
  return index->n ? index->bounds[low] : none;
}

static bool piece_may(const grove_parquet *p, const grove__page_index *indexes, uint64_t at)
{
  verdict v = {false, false};
  for (size_t i = 0; i < p->rule->terms; i++) {
    const grove__rule_term *t = &p->rule->term[i];
    const grove__leaf *leaf = grove__parquet_leaf(p, p->rule_columns[t->column]);
    grove__bounds b = bounds_at(&indexes[t->column], at);
    convert_bounds(units_of(p, p->rule_columns[t->column]), &b);
    add_term(&v, t, term_may(t, leaf, &b, UINT64_MAX));
  }
  return v.any || v.all;
}

static void make_pieces(const grove_parquet *p, grove__budget *b, uint64_t rows,
    const grove__page_index *indexes, grove__pieces *out)
{
  size_t n = 1;
  for (size_t c = 0; c < p->rule->count; c++) {
    n += indexes[c].n; // in memory already, so the sum is small
  }
  out->n = 0;
  if (!grove__block_help(b, &out->block, n * (sizeof *out->ends + sizeof *out->may))) {
    return; // a help that there is no room for is none
  }
  out->ends = (uint64_t *)(void *)out->block.p;
  out->may = (bool *)(out->ends + n);
  size_t borders = 0;
  for (size_t c = 0; c < p->rule->count; c++) {
    for (size_t i = 1; i < indexes[c].n; i++) { // the first begins at 0
      out->ends[borders++] = indexes[c].first[i];
    }
  }
  out->ends[borders++] = rows;
  qsort(out->ends, borders, sizeof *out->ends, compare_rows);
  uint64_t from = 0;
  for (size_t i = 0; i < borders; i++) {
    if (out->ends[i] > from) {
      uint64_t end = out->ends[i];
      out->may[out->n] = piece_may(p, indexes, from);
      out->ends[out->n++] = end;
      from = end;
    }
  }
}

grove_status grove__prune_pieces(
    const grove_parquet *p, grove__budget *b, size_t group, grove__pieces *out, grove_error *err)
{
  grove__page_index *indexes = NULL;
  grove__block *blocks = NULL;
  size_t n = p->rule->count;
  grove_status s = GROVE_OK;
  out->n = 0;
  indexes = grove__alloc_zero(&p->allocator, n * sizeof *indexes);
  blocks = grove__alloc_zero(&p->allocator, n * sizeof *blocks);
  if (!indexes || !blocks) {
    s = grove__error_memory(err, "page indexes", n * sizeof *indexes);
  }
  size_t found = 0;
  for (size_t c = 0; c < n && !s; c++) {
    size_t leaf = p->selected[p->rule_columns[c]];
    s = grove__page_index_read(p, b, group, leaf, &blocks[c], &indexes[c], err);
    found += indexes[c].n;
  }
  if (!s && found) {
    make_pieces(p, b, p->footer.groups[group].rows, indexes, out);
  }
  for (size_t c = 0; blocks && c < n; c++) {
    grove__block_free(b, &blocks[c]);
  }
  grove__free(&p->allocator, blocks, n * sizeof *blocks);
  grove__free(&p->allocator, indexes, n * sizeof *indexes);
  return s;
}

bool grove__pieces_may(const grove__pieces *pieces, uint64_t from, uint64_t rows)
{
  size_t low = 0, high = pieces->n; // ends before `low` are at most `from`, those from `high` on are above it
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (pieces->ends[middle] <= from) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  for (size_t i = low; i < pieces->n && (!i || pieces->ends[i - 1] < from + rows); i++) {
    if (pieces->may[i]) {
      return true;
    }
  }
  return pieces->n == 0;
}

// ---- batches --------------------------------------------------------------------------------------

bool grove__prune_matches(const grove_parquet *p, const grove__column *columns, size_t rows)
{
  enum { COLUMNS = 8 };
  double values[COLUMNS][STRIP], out[STRIP];
  const double *list[COLUMNS];
  unsigned char scratch[STRIP];
  const grove__rule *r = p->rule;
  if (r->count > COLUMNS) {
    return true; // a rule of so many columns is not worth more stack
  }
  for (size_t from = 0; from < rows; from += STRIP) {
    size_t n = rows - from < STRIP ? rows - from : STRIP;
    for (size_t c = 0; c < r->count; c++) {
      grove__column_doubles(&columns[p->rule_columns[c]], from, n, values[c]);
      list[c] = values[c];
    }
    grove__rule_apply(r, list, n, scratch, out);
    for (size_t i = 0; i < n; i++) {
      if (out[i] != 0) {
        return true;
      }
    }
  }
  return false;
}
