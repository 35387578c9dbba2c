// Reads everything and keeps nothing.
#include "base/error.h"
#include "base/status.h"
#include "base/alloc.h"
#include "parquet/file.h"
#include <stdio.h>

enum { ROWS_AT_ONCE = 65536 };

// *good grows by the rows that were read.
static grove_status check_chunk(const grove_parquet *p, grove__scan *scan, grove__sink *sink,
    size_t group, uint64_t *good, grove_error *err)
{
  const grove__group *g = &p->footer.groups[group];
  GROVE__TRY(grove__scan_start(scan, &g->chunks[scan->leaf - p->footer.leaves], group, err));
  for (uint64_t left = g->rows; left;) {
    uint64_t rows = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
    sink->rows = sink->nulls = sink->text_bytes = 0; // the memory stays
    sink->expected = rows;
    grove_status s = grove__scan_rows(scan, sink, rows, err);
    *good += s ? sink->rows : rows;
    GROVE__TRY(s);
    left -= rows;
  }
  return grove__scan_finish(scan, err);
}

// One column's scan, and where its rows go.
typedef struct look {
  const grove_parquet *p;
  grove__budget budget;
  grove__scan scan;
  grove__sink sink;
} look;

static void open_look(look *l, const grove_parquet *p, size_t i)
{
  memset(l, 0, sizeof *l);
  l->p = p;
  l->budget.allocator = p->allocator;
  l->budget.most = p->options.memory_bytes;
  grove__parquet_scan(p, i, &l->budget, &l->scan);
}

static void close_look(look *l)
{
  grove__scan_free(&l->scan);
  grove__sink_free(&l->budget, &l->sink);
}

static grove_status check_column(const grove_parquet *p, size_t i, grove_error *err)
{
  look l;
  uint64_t good = 0;
  grove_status s = GROVE_OK;
  open_look(&l, p, i);
  for (size_t g = 0; g < p->footer.n_groups && !s; g++) {
    s = check_chunk(p, &l.scan, &l.sink, g, &good, err);
  }
  close_look(&l);
  return s;
}

// What can't be read can't be called good.
static grove_status refuse_nested(const grove_parquet *p, grove_error *err)
{
  char names[200] = "";
  size_t nested = 0, used = 0;
  for (size_t i = 0; i < p->footer.n_leaves; i++) {
    if (!p->footer.leaves[i].flat && nested++ < 4 && used < sizeof names) {
      int n = snprintf(names + used, sizeof names - used, "%s\"%s\"", used ? ", " : "",
          p->footer.leaves[i].path);
      used += n > 0 ? (size_t)n : 0;
    }
  }
  return nested ? grove__error(err, GROVE_ENOTSUP, -1,
                      "%zu repeated columns are not read so far (%s%s); the others are good",
                      nested, names, nested > 4 ? ", …" : "")
                : GROVE_OK;
}

grove_status grove_parquet_check(grove_parquet *p, grove_error *err)
{
  if (!p) {
    return grove__error(err, GROVE_EINVAL, -1, "grove_parquet_check wants a file");
  }
  for (size_t i = 0; i < p->n_selected; i++) {
    GROVE__TRY(check_column(p, i, err));
  }
  return p->all_columns ? refuse_nested(p, err) : GROVE_OK;
}

// ---- how much is there ----------------------------------------------------------------------------

typedef struct survey {
  void (*fn)(void *user, const grove_error *flaw);
  void *user;
  grove_parquet_survey_result *out;
  bool *spoilt; // by row group
} survey;

static grove_status survey_column(survey *v, const grove_parquet *p, size_t i, grove_error *err)
{
  look l;
  grove_status s = GROVE_OK;
  open_look(&l, p, i);
  for (size_t g = 0; g < p->footer.n_groups && !s; g++) {
    grove_error flaw = {0};
    s = check_chunk(p, &l.scan, &l.sink, g, &v->out->good_values, &flaw);
    v->out->values += p->footer.groups[g].rows;
    v->out->chunks++;
    v->out->good_chunks += !s;
    v->spoilt[g] = v->spoilt[g] || s;
    if (s && v->fn) {
      v->fn(v->user, &flaw);
    }
    if (s == GROVE_ENOMEM || s == GROVE_ELIMIT || s == GROVE_ECANCELED) {
      if (err) {
        *err = flaw;
      }
      break;
    }
    s = GROVE_OK; // the next chunk has its own begin
  }
  close_look(&l);
  return s;
}

grove_status grove_parquet_survey(grove_parquet *p, void (*fn)(void *user, const grove_error *flaw),
    void *user, grove_parquet_survey_result *out, grove_error *err)
{
  grove_parquet_survey_result result = {.struct_size = sizeof result};
  if (!p || !out || out->struct_size < sizeof result) {
    return grove__error(err, GROVE_EINVAL, -1,
        "grove_parquet_survey wants a file and a result with its struct_size");
  }
  size_t groups = p->footer.n_groups;
  survey v = {fn, user, &result, grove__alloc_zero(&p->allocator, groups + 1)};
  if (!v.spoilt) {
    return grove__error_memory(err, "a survey", groups + 1);
  }
  grove_status s = GROVE_OK;
  for (size_t i = 0; i < p->n_selected && !s; i++) {
    s = survey_column(&v, p, i, err);
  }
  result.columns = (uint32_t)p->n_selected;
  result.rows = p->footer.rows;
  for (size_t g = 0; g < groups; g++) {
    result.whole_rows += v.spoilt[g] ? 0 : p->footer.groups[g].rows;
  }
  grove__free(&p->allocator, v.spoilt, groups + 1);
  if (!s) {
    result.struct_size = out->struct_size;
    *out = result;
  }
  return s;
}

grove_status grove_parquet_chunk(const grove_parquet *p, size_t group, size_t column,
    grove_parquet_chunk_info *out, grove_error *err)
{
  if (!p || !out || out->struct_size < sizeof *out || group >= p->footer.n_groups ||
      column >= p->n_selected) {
    return grove__error(err, GROVE_EINVAL, -1,
        "grove_parquet_chunk wants a file, a row group and a column of it, and a struct_size");
  }
  const grove__leaf *leaf = grove__parquet_leaf(p, column);
  const grove__chunk *c = &p->footer.groups[group].chunks[p->selected[column]];
  *out = (grove_parquet_chunk_info){.struct_size = out->struct_size,
      .has_bounds = c->bounds.there && leaf->ordered,
      .has_page_index = c->column_index.bytes && c->offset_index.bytes,
      .has_bloom_filter = c->bloom.bytes != 0,
      .column = p->names[column],
      .physical = grove__physical_name(leaf->physical),
      .codec = grove__codec_name(c->codec),
      .at = c->start,
      .bytes = c->bytes,
      .values = c->values,
      .nulls = c->bounds.nulls,
      .low = c->bounds.low,
      .high = c->bounds.high};
  return GROVE_OK;
}
