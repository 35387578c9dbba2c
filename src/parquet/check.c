// Reads everything and keeps nothing.
#include "base/error.h"
#include "base/status.h"
#include "base/alloc.h"
#include "parquet/pace.h"

enum { ROWS_AT_ONCE = 65536 };

// What is in a sink, whatever room it has.
static uint64_t bytes_in(const grove__sink *sink, const grove__leaf *leaf)
{
  return sink->text_bytes + sink->rows * (leaf->width ? leaf->width : 1) + 2 * sink->entries;
}

// *good grows by the rows that were read.
static grove_status check_chunk(const grove_parquet *p, grove__scan *scan, grove__sink *sink,
    grove__pace *pace, size_t group, uint64_t *good, grove_error *err)
{
  const grove__group *g = &p->footer.groups[group];
  GROVE__TRY(grove__parquet_start(p, scan, group, err));
  for (uint64_t left = g->rows; left;) {
    uint64_t rows = left < pace->rows ? left : pace->rows;
    sink->rows = sink->nulls = sink->text_bytes = sink->entries = 0; // the memory stays
    sink->expected = rows;
    grove_status s = grove__scan_rows(scan, sink, rows, err);
    *good += !s ? rows : scan->leaf->repeats ? 0 : sink->rows;
    GROVE__TRY(s);
    grove__pace_learn(pace, rows, bytes_in(sink, scan->leaf));
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
  grove__pace pace;
} look;

static void open_look(look *l, const grove_parquet *p, size_t i, size_t k)
{
  memset(l, 0, sizeof *l);
  l->p = p;
  l->budget.allocator = p->allocator;
  l->budget.most = p->options.memory_bytes;
  grove__parquet_scan(p, i, k, &l->budget, &l->scan);
  l->scan.to_the_end = true;
  grove__pace_init(&l->pace, p, i, 1, ROWS_AT_ONCE);
}

static void close_look(look *l)
{
  grove__scan_free(&l->scan);
  grove__sink_free(&l->budget, &l->sink);
}

static grove_status check_flat(const grove_parquet *p, size_t i, grove_error *err)
{
  look l;
  uint64_t good = 0;
  grove_status s = GROVE_OK;
  open_look(&l, p, i, 0);
  for (size_t g = 0; g < p->footer.n_groups && !s; g++) {
    s = check_chunk(p, &l.scan, &l.sink, &l.pace, g, &good, err);
  }
  close_look(&l);
  return s;
}

// A nested column: all of its leaves at once.
typedef struct nested_look {
  const grove_parquet *p;
  size_t column;
  grove__budget *budget;
  grove__scan *scans;
  grove__sink *sinks;
} nested_look;

// One batch of all leaves, which have to fit each other: it is built, and let go.
static grove_status check_batch(const nested_look *l, size_t group, uint64_t rows, uint64_t *held, grove_error *err)
{
  const grove_parquet *p = l->p;
  grove__sink *sinks = l->sinks;
  grove__budget *budget = l->budget;
  size_t i = l->column, n = grove__parquet_leaves(p, i);
  grove__column column = {0};
  grove_status s = GROVE_OK;
  for (size_t k = 0; k < n && !s; k++) {
    s = grove__scan_rows(&l->scans[k], &sinks[k], rows, err);
  }
  if (!s) {
    s = grove__parquet_build(p, i, sinks, budget, rows, &column, err);
    s = s ? grove__error_prefix(err, s, "row group %zu", group) : GROVE_OK;
    *held = grove__column_held(&column);
    grove__budget_give(budget, *held);
    grove__columns_free(&budget->allocator, &column, 1);
  }
  for (size_t k = 0; k < n; k++) {
    grove__sink_free(budget, &sinks[k]);
  }
  return s;
}

static grove_status check_batches(const nested_look *l, grove_error *err)
{
  const grove_parquet *p = l->p;
  grove__scan *scans = l->scans;
  size_t n = grove__parquet_leaves(p, l->column);
  grove__pace pace;
  grove__pace_init(&pace, p, l->column, 1, 0);
  for (size_t g = 0; g < p->footer.n_groups; g++) {
    const grove__group *group = &p->footer.groups[g];
    for (size_t k = 0; k < n; k++) {
      GROVE__TRY(grove__parquet_start(p, &scans[k], g, err));
    }
    for (uint64_t left = group->rows; left;) {
      uint64_t rows = left < pace.rows ? left : pace.rows, held = 0;
      GROVE__TRY(check_batch(l, g, rows, &held, err));
      grove__pace_learn(&pace, rows, held);
      left -= rows;
    }
    for (size_t k = 0; k < n; k++) {
      GROVE__TRY(grove__scan_finish(&scans[k], err));
    }
  }
  return GROVE_OK;
}

static grove_status check_nested(const grove_parquet *p, size_t i, grove_error *err)
{
  size_t n = grove__parquet_leaves(p, i);
  grove__budget budget = {.allocator = p->allocator, .most = p->options.memory_bytes};
  grove__scan *scans = grove__alloc_zero(&p->allocator, n * sizeof *scans);
  grove__sink *sinks = grove__alloc_zero(&p->allocator, n * sizeof *sinks);
  grove_status s = GROVE_OK;
  if (!scans || !sinks) {
    s = grove__error_memory(err, "a nested column", n * sizeof *scans);
  }
  for (size_t k = 0; k < n && !s; k++) {
    grove__parquet_scan(p, i, k, &budget, &scans[k]);
    scans[k].to_the_end = true;
  }
  nested_look l = {p, i, &budget, scans, sinks};
  s = s ? s : check_batches(&l, err);
  for (size_t k = 0; k < n && scans; k++) {
    grove__scan_free(&scans[k]);
  }
  grove__free(&p->allocator, scans, n * sizeof *scans);
  grove__free(&p->allocator, sinks, n * sizeof *sinks);
  return s;
}

// Readers go by the row groups; what the file says of all of them is only said again, and by some writers as 0.
static grove_status check_rows(const grove_parquet *p, grove_error *err)
{
  const grove__footer *f = &p->footer;
  return !f->stated_rows || f->stated_rows == f->rows
             ? GROVE_OK
             : grove__error(err, GROVE_ECORRUPT, (int64_t)p->footer_at,
                   "footer at %llu: the file is said to have %llu rows, its row groups have %llu",
                   (unsigned long long)p->footer_at, (unsigned long long)f->stated_rows,
                   (unsigned long long)f->rows);
}

grove_status grove_parquet_check(grove_parquet *p, grove_error *err)
{
  if (!p) {
    return grove__error(err, GROVE_EINVAL, -1, "grove_parquet_check wants a file");
  }
  for (size_t i = 0; i < p->n_selected; i++) {
    GROVE__TRY(p->nests[i] ? check_nested(p, i, err) : check_flat(p, i, err));
  }
  return check_rows(p, err);
}

// ---- how much is there ----------------------------------------------------------------------------

typedef struct survey {
  void (*fn)(void *user, const grove_error *flaw);
  void *user;
  grove_parquet_survey_result *out;
  bool *spoilt; // by row group
} survey;

static bool ends_survey(grove_status s)
{
  return s == GROVE_ENOMEM || s == GROVE_ELIMIT || s == GROVE_ECANCELED;
}

static grove_status survey_leaf(
    survey *v, const grove_parquet *p, size_t i, size_t k, grove_error *err)
{
  look l;
  grove_status s = GROVE_OK;
  open_look(&l, p, i, k);
  for (size_t g = 0; g < p->footer.n_groups && !s; g++) {
    grove_error flaw = {0};
    s = check_chunk(p, &l.scan, &l.sink, &l.pace, g, &v->out->good_values, &flaw);
    v->out->values += p->footer.groups[g].rows;
    v->out->chunks++;
    v->out->good_chunks += !s;
    v->spoilt[g] = v->spoilt[g] || s;
    if (s && v->fn) {
      v->fn(v->user, &flaw);
    }
    if (ends_survey(s)) {
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

// Leaf by leaf; if all are good, whether they fit each other.
static grove_status survey_column(survey *v, const grove_parquet *p, size_t i, grove_error *err)
{
  uint64_t bad = v->out->chunks - v->out->good_chunks;
  grove_error flaw = {0};
  for (size_t k = 0; k < grove__parquet_leaves(p, i); k++) {
    GROVE__TRY(survey_leaf(v, p, i, k, err));
    v->out->columns++;
  }
  grove_status s = GROVE_OK;
  if (p->nests[i] && bad == v->out->chunks - v->out->good_chunks) {
    s = check_nested(p, i, &flaw);
  }
  if (ends_survey(s)) {
    if (err) {
      *err = flaw;
    }
    return s;
  }
  if (s) {
    if (v->fn) {
      v->fn(v->user, &flaw);
    }
    memset(v->spoilt, true, p->footer.n_groups); // which one is not known
    v->out->good_chunks -= p->footer.n_groups;
  }
  return GROVE_OK;
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
  grove_error flaw = {0};
  if (check_rows(p, &flaw) && fn) {
    fn(user, &flaw);
  }
  for (size_t i = 0; i < p->n_selected && !s; i++) {
    s = survey_column(&v, p, i, err);
  }
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

// A list or map is the chunks of all its leaves; what is said of one of them is not said of it.
static void add_leaves(
    const grove_parquet *p, size_t group, size_t column, grove_parquet_chunk_info *out)
{
  out->physical = p->nests[column]->kind == GROVE__BRANCH_MAP ? "MAP" : "LIST";
  out->has_bounds = out->has_bloom_filter = 0;
  out->low = out->high = 0;
  out->nulls = -1;
  for (size_t k = 1; k < grove__parquet_leaves(p, column); k++) {
    const grove__chunk *c = &p->footer.groups[group].chunks[p->selected[column] + k];
    out->bytes += c->bytes;
    out->values += c->values;
  }
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
  if (p->nests[column]) {
    add_leaves(p, group, column, out);
  }
  return GROVE_OK;
}
