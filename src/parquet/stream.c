// A file as an ArrowArrayStream: batch by batch, one row group after the other, a page of each column at a time.
#include "base/alloc.h"
#include "base/errnos.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/arrow.h"
#include "parquet/pace.h"
#include "parquet/prune.h"
#include "parquet/ranges.h"
#include "parquet/spare.h"

typedef struct batches {
  const grove_parquet *p;
  size_t group, end; // the next group to open
  size_t told;       // the first that the source has not heard of
  bool rest_told;    // of the open one, also where the columns are that the rule does not want
  uint64_t left;     // rows of the open one
  uint64_t rows;     // that it has in all
  grove__pace pace;
  grove__pieces pieces;
  grove__spare *spare;     // where the batches' memory goes round
  grove_allocator recycle; // its allocator
  grove__budget budget;
  grove__scan *scans;  // of all leaves
  grove__codec codec;  // theirs: they run one behind the other
  grove__sink *sinks;
  size_t n_scans;
  size_t *first; // the first scan of each column
  grove__column *columns;
  bool *done; // of the batch at hand: columns[i] is decoded, and ours
  grove_error error;
} batches;

// A column of no rows.
static grove_status make_empty(
    const grove_parquet *p, size_t i, grove__column *out, grove_error *err)
{
  grove__budget budget = {.allocator = p->allocator};
  if (!p->nests[i]) {
    out->name = p->names[i];
    out->format = grove__parquet_format(p, i);
    return GROVE_OK;
  }
  size_t bytes = p->nests[i]->n_leaves * sizeof(grove__sink);
  grove__sink *none = grove__alloc_zero(&p->allocator, bytes);
  if (!none) {
    return grove__error_memory(err, "a nested column", bytes);
  }
  grove_status s = grove__parquet_build(p, i, none, &budget, 0, out, err);
  grove__free(&p->allocator, none, bytes);
  return s;
}

grove_status grove__parquet_empty(const grove_parquet *p, grove_table **out, grove_error *err)
{
  size_t n = p->n_selected;
  grove__column *columns = grove__alloc_zero(&p->allocator, n * sizeof *columns);
  if (!columns) {
    return grove__error_memory(err, "a schema", n * sizeof *columns);
  }
  grove_status s = GROVE_OK;
  for (size_t i = 0; i < n && !s; i++) {
    s = make_empty(p, i, &columns[i], err);
  }
  s = s ? s : grove__table_build(&p->allocator, columns, n, 0, out, err);
  if (s) {
    grove__columns_free(&p->allocator, columns, n);
  }
  grove__free(&p->allocator, columns, n * sizeof *columns);
  return s;
}

grove_status grove_parquet_schema(const grove_parquet *p, struct ArrowSchema *out, grove_error *err)
{
  grove_table *t = NULL;
  struct ArrowArray rows;
  if (!p || !out) {
    return grove__error(err, GROVE_EINVAL, -1, "grove_parquet_schema wants a file and an out");
  }
  GROVE__TRY(grove__parquet_empty(p, &t, err));
  grove_status s = grove_table_export(t, &rows, out, err);
  grove_table_release(t);
  if (!s) {
    rows.release(&rows);
  }
  return s;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
  batches *b = stream->private_data;
  return grove__errno_of(grove_parquet_schema(b->p, out, &b->error));
}

// Tells the source where the group and the one behind it lie, so that a remote one is fetched while this one is decoded.
static void tell_groups(batches *b)
{
  const grove_parquet *p = b->p;
  size_t groups[2], n = 0;
  size_t last = b->group + 2 < b->end ? b->group + 2 : b->end;
  for (size_t g = b->told > b->group ? b->told : b->group; p->source.will_read && g < last; g++) {
    if (p->footer.groups[g].rows && (!p->rule || grove__prune_may(p, g))) {
      groups[n++] = g;
    }
    b->told = g + 1;
  }
  if (n) {
    grove__ranges_tell(p, &b->budget, groups, n, p->rule ? GROVE__TOLD_RULE : GROVE__TOLD_ALL);
  }
}

// Turns to the next group that has rows and, by the rule, may have some that match; none: b->left stays 0.
static grove_status next_group(batches *b)
{
  const grove_parquet *p = b->p;
  while (!b->left && b->group < b->end) {
    const grove__group *g = &p->footer.groups[b->group];
    bool may = g->rows > 0;
    tell_groups(b);
    b->rest_told = false;
    b->pieces.n = 0;
    if (may && p->rule) {
      GROVE__TRY(grove__prune_group(p, &b->budget, b->group, &may, &b->error));
    }
    if (may && p->rule) {
      GROVE__TRY(grove__prune_pieces(p, &b->budget, b->group, &b->pieces, &b->error));
    }
    for (size_t i = 0; i < b->n_scans && may; i++) {
      GROVE__TRY(grove__parquet_start(p, &b->scans[i], b->group, &b->error));
    }
    b->left = may ? g->rows : 0;
    b->rows = g->rows;
    b->group++;
  }
  return GROVE_OK;
}

// Of the rows that come next: decoded to b->columns[i], or skipped.
static grove_status read_column(batches *b, size_t i, uint64_t rows)
{
  size_t n = grove__parquet_leaves(b->p, i);
  grove__sink *sinks = &b->sinks[b->first[i]];
  grove_status s = GROVE_OK;
  for (size_t k = 0; k < n && !s; k++) {
    grove__scan *scan = &b->scans[b->first[i] + k];
    sinks[k].expected = rows;
    s = grove__scan_rows(scan, &sinks[k], rows, &b->error);
    if (!s && rows == b->left) {
      s = grove__scan_finish(scan, &b->error);
    }
  }
  if (!s) {
    b->done[i] = true; // also if only a part of it is: that is dropped, then
    s = grove__parquet_build(b->p, i, sinks, &b->budget, rows, &b->columns[i], &b->error);
    if (s) { // a scan that fails says where by itself
      grove__error_prefix(&b->error, s, "row group %zu", b->group - 1);
    }
  }
  for (size_t k = 0; k < n; k++) {
    grove__sink_free(&b->budget, &sinks[k]);
  }
  return s;
}

// A column in the format that was declared; one that has it already stays.
static grove_status cast_column(batches *b, size_t i, uint64_t rows)
{
  grove_status s = grove__parquet_cast(
      b->p, &b->recycle, &b->budget, &b->columns[i], i, rows, &b->error);
  return s ? grove__error_prefix(&b->error, s, "row group %zu, batch at its row %llu", b->group - 1,
                 (unsigned long long)(b->rows - b->left))
           : GROVE_OK;
}

static void drop_columns(batches *b, size_t from)
{
  for (size_t i = from; i < b->p->n_read; i++) {
    if (b->done[i]) {
      grove__budget_give(&b->budget, grove__column_held(&b->columns[i]));
      grove__columns_free(&b->recycle, &b->columns[i], 1);
    }
    b->done[i] = false;
  }
}

// Late materialisation: the rule's columns first, the others only if a row of the batch matches.
static grove_status read_columns(batches *b, uint64_t rows, bool *matches)
{
  const grove_parquet *p = b->p;
  *matches = !p->rule || grove__pieces_may(&b->pieces, b->rows - b->left, rows);
  for (size_t c = 0; p->rule && *matches && c < p->rule->count; c++) {
    GROVE__TRY(read_column(b, p->rule_columns[c], rows));
    GROVE__TRY(cast_column(b, p->rule_columns[c], rows)); // a rule speaks of what is given out
  }
  if (p->rule && *matches) {
    *matches = grove__prune_matches(p, b->columns, (size_t)rows);
  }
  if (p->rule && *matches && !b->rest_told) {
    size_t open = b->group - 1;
    grove__ranges_tell(p, &b->budget, &open, 1, GROVE__TOLD_REST);
    b->rest_told = true;
  }
  for (size_t i = 0; i < p->n_read; i++) {
    if (!*matches && !b->done[i]) {
      for (size_t k = 0; k < grove__parquet_leaves(p, i); k++) {
        grove__scan_skip(&b->scans[b->first[i] + k], rows);
      }
    } else if (*matches && !b->done[i]) {
      GROVE__TRY(read_column(b, i, rows));
      GROVE__TRY(cast_column(b, i, rows));
    }
  }
  return GROVE_OK;
}

// The next batch of the open group; *out stays NULL if none of its rows matches.
static grove_status read_batch(batches *b, grove_table **out)
{
  const grove_parquet *p = b->p;
  uint64_t rows = b->left < b->pace.rows ? b->left : b->pace.rows;
  bool matches = false;
  grove_status s = read_columns(b, rows, &matches);
  uint64_t held = 0; // asked before: building takes the columns apart
  for (size_t i = 0; !s && matches && i < p->n_selected; i++) {
    held += grove__column_held(&b->columns[i]);
  }
  if (!s && matches) {
    grove__pace_learn(&b->pace, rows, held);
    s = grove__table_build(&b->recycle, b->columns, p->n_selected, rows, out, &b->error);
    grove__budget_give(&b->budget, s ? 0 : held);
    for (size_t i = 0; !s && i < p->n_selected; i++) {
      b->done[i] = false; // the table's now, and whose it is counts it
      b->columns[i] = (grove__column){0};
    }
  }
  drop_columns(b, 0);
  b->left -= rows;
  return s;
}

static grove_status next(batches *b, struct ArrowArray *out)
{
  grove_table *t = NULL;
  while (!t) {
    GROVE__TRY(next_group(b));
    if (!b->left) {
      memset(out, 0, sizeof *out); // the end, as Arrow says it
      return GROVE_OK;
    }
    GROVE__TRY(read_batch(b, &t));
  }
  grove_status s = grove__table_export_array(t, out, &b->error);
  grove_table_release(t);
  return s;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
  batches *b = stream->private_data;
  if (b->error.status) {
    return grove__errno_of(b->error.status); // scans that failed don't go on
  }
  return grove__errno_of(next(b, out));
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
  const batches *b = stream->private_data;
  return b->error.status ? b->error.text : NULL;
}

static void drop(batches *b)
{
  const grove_parquet *p = b->p;
  for (size_t i = 0; b->scans && i < b->n_scans; i++) {
    grove__scan_free(&b->scans[i]);
  }
  grove__codec_free(&b->codec);
  grove__block_free(&b->budget, &b->pieces.block);
  grove__free(&p->allocator, b->scans, b->n_scans * sizeof *b->scans);
  grove__free(&p->allocator, b->sinks, b->n_scans * sizeof *b->sinks);
  grove__free(&p->allocator, b->first, p->n_read * sizeof *b->first);
  grove__free(&p->allocator, b->columns, p->n_read * sizeof *b->columns);
  grove__free(&p->allocator, b->done, p->n_read * sizeof *b->done);
  grove__spare_close(b->spare);
  grove__free(&p->allocator, b, sizeof *b);
}

static void release_stream(struct ArrowArrayStream *stream)
{
  drop(stream->private_data);
  memset(stream, 0, sizeof *stream);
}

// What is taken of the budget beside pages and values, before anything is.
static uint64_t count_frames(const batches *b)
{
  size_t n = b->p->n_read;
  uint64_t bytes = b->n_scans * (sizeof *b->scans + sizeof *b->sinks);
  bytes += n * (sizeof *b->first + sizeof *b->columns + sizeof *b->done);
  for (size_t i = 0; i < n; i++) {
    bytes += grove__parquet_frame(b->p, i);
  }
  return bytes;
}

static grove_status make(const grove_parquet *p, batches **out, grove_error *err)
{
  size_t n = p->n_read;
  batches *b = grove__alloc_zero(&p->allocator, sizeof *b);
  if (!b) {
    return grove__error_memory(err, "a stream", sizeof *b);
  }
  b->p = p;
  b->n_scans = grove__parquet_scans(p);
  b->budget.most = p->options.memory_bytes;
  grove_status s = grove__budget_take(&b->budget, count_frames(b), "a stream", err);
  if (s) {
    grove__free(&p->allocator, b, sizeof *b);
    return s;
  }
  b->spare = grove__spare_open(&p->allocator, p->options.memory_bytes);
  b->scans = grove__alloc_zero(&p->allocator, b->n_scans * sizeof *b->scans);
  b->sinks = grove__alloc_zero(&p->allocator, b->n_scans * sizeof *b->sinks);
  b->first = grove__alloc_zero(&p->allocator, n * sizeof *b->first);
  b->columns = grove__alloc_zero(&p->allocator, n * sizeof *b->columns);
  b->done = grove__alloc_zero(&p->allocator, n * sizeof *b->done);
  if (!b->spare || !b->scans || !b->sinks || !b->first || !b->columns || !b->done) {
    drop(b);
    return grove__error_memory(err, "a stream", n * sizeof *b->scans);
  }
  b->recycle = grove__spare_allocator(b->spare);
  b->budget.allocator = b->recycle;
  b->codec.budget = &b->budget;
  grove__pace_init(&b->pace, p, 0, n, 0);
  for (size_t i = 0, scan = 0; i < n; i++) {
    b->first[i] = scan;
    for (size_t k = 0; k < grove__parquet_leaves(p, i); k++) {
      grove__parquet_scan(p, i, k, &b->budget, &b->scans[scan]);
      b->scans[scan++].codec = &b->codec;
    }
  }
  *out = b;
  return GROVE_OK;
}

grove_status grove_parquet_stream(
    grove_parquet *p, size_t first, size_t n, struct ArrowArrayStream *out, grove_error *err)
{
  size_t end = 0;
  batches *b = NULL;
  if (!p || !out) {
    return grove__error(err, GROVE_EINVAL, -1, "grove_parquet_stream wants a file and an out");
  }
  memset(out, 0, sizeof *out);
  GROVE__TRY(grove__parquet_range(p, first, n, &end, err));
  GROVE__TRY(make(p, &b, err));
  b->group = first;
  b->end = end;
  *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, b};
  return GROVE_OK;
}
