// Row groups to one table, each column by itself.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/arrow.h"
#include "parquet/cast.h"
#include "parquet/file.h"
#include "parquet/prune.h"
#include "parquet/ranges.h"

typedef struct task {
  const grove_parquet *p;
  const size_t *groups; // those that are read
  size_t n_groups;
  size_t column;
  grove__budget *budget;
  grove__sink sink;   // of a flat column
  grove__sink *sinks; // one a leaf
  grove_status status;
  grove_error error;
} task;

static grove_status read_leaf(task *t, grove__scan *scan, grove__sink *sink)
{
  const grove_parquet *p = t->p;
  for (size_t i = 0; i < t->n_groups; i++) {
    sink->expected += p->footer.groups[t->groups[i]].rows;
  }
  for (size_t i = 0; i < t->n_groups; i++) {
    size_t g = t->groups[i];
    const grove__group *group = &p->footer.groups[g];
    GROVE__TRY(grove__parquet_start(p, scan, g, &t->error));
    GROVE__TRY(grove__scan_rows(scan, sink, group->rows, &t->error));
    GROVE__TRY(grove__scan_finish(scan, &t->error));
  }
  return GROVE_OK;
}

static void run_task(void *user, size_t i)
{
  task *t = (task *)user + i;
  for (size_t k = 0; k < grove__parquet_leaves(t->p, t->column) && !t->status; k++) {
    grove__scan scan;
    grove__parquet_scan(t->p, t->column, k, t->budget, &scan);
    t->status = read_leaf(t, &scan, &t->sinks[k]);
    grove__scan_free(&scan); // its pages, before the next leaf takes its own
  }
}

void grove__sink_give(grove__budget *b, const char *name, const grove__leaf *leaf,
    grove__sink *sink, grove__column *out)
{
  memset(out, 0, sizeof *out);
  out->name = name;
  out->format = leaf->format;
  if (leaf->convert == GROVE__CONVERT_NULL) {
    grove__sink_free(b, sink);
    return;
  }
  if (!sink->nulls) {
    grove__block_free(b, &sink->validity);
  }
  out->nulls = (int64_t)sink->nulls;
  grove__block_shrink(b, &sink->text, (size_t)sink->text_bytes);
  grove__block buffer = grove__block_give(b, &sink->validity);
  out->validity = buffer.p;
  out->validity_bytes = buffer.bytes;
  buffer = grove__block_give(b, &sink->values);
  out->values = buffer.p;
  out->values_bytes = buffer.bytes;
  buffer = grove__block_give(b, &sink->text);
  out->data = buffer.p;
  out->data_bytes = buffer.bytes;
}

uint64_t grove__column_held(const grove__column *c)
{
  uint64_t bytes = (uint64_t)c->validity_bytes + c->values_bytes + c->data_bytes;
  for (size_t i = 0; i < c->n_children; i++) {
    bytes += grove__column_held(&c->children[i]);
  }
  return bytes;
}

grove_status grove__parquet_build(const grove_parquet *p, size_t i, grove__sink *sinks,
    grove__budget *b, uint64_t rows, grove__column *out, grove_error *err)
{
  grove_status s = GROVE_OK;
  if (p->nests[i]) {
    s = grove__nest_build(p->nests[i], &p->footer, sinks, b, rows, out, err);
    out->name = p->names[i];
  } else {
    grove__sink_give(b, p->names[i], grove__parquet_leaf(p, i), sinks, out);
    out->format = grove__parquet_read_format(p, i);
  }
  return s;
}

uint64_t grove__parquet_frame(const grove_parquet *p, size_t i)
{
  enum { STRUCTS = 512, HEADS = 8 * 64 };
  uint64_t bytes = 0;
  for (size_t k = 0; k < grove__parquet_leaves(p, i); k++) {
    const grove__leaf *leaf = grove__parquet_leaf(p, i) + k;
    bytes += (STRUCTS + HEADS) * (1 + (uint64_t)(p->nests[i] ? leaf->levels : 0)); // a struct or list each at most
    bytes += strlen(leaf->path);
  }
  return bytes;
}

grove_status grove__parquet_cast(const grove_parquet *p, const grove_allocator *a, grove__budget *b,
    grove__column *c, size_t i, uint64_t rows, grove_error *err)
{
  if (!p->formats || i >= p->n_selected || !p->formats[i]) {
    return GROVE_OK;
  }
  uint64_t most = p->options.memory_bytes, need = grove__cast_bytes(c->format, p->formats[i], rows);
  uint64_t before = grove__column_held(c);
  if (grove__budget_take(b, need, "a cast", NULL)) {
    return grove__error(err, GROVE_ELIMIT, -1,
        "column \"%.100s\" as \"%.40s\" needs %llu bytes more, over the limit of %llu bytes (memory_bytes); read "
        "fewer columns or row groups, or stream",
        c->name, p->formats[i], (unsigned long long)need, (unsigned long long)most);
  }
  grove_status s = grove__column_cast(a, c, p->formats[i], rows, err);
  grove__budget_give(b, before + need - grove__column_held(c)); // what is gone of the two
  return s;
}

static grove_status build(const grove_parquet *p, task *tasks, grove__budget *b, uint64_t rows,
    grove_table **out, grove_error *err)
{
  size_t n = p->n_selected;
  grove__column *columns = grove__alloc_zero(&p->allocator, n * sizeof *columns);
  if (!columns) {
    return grove__error_memory(err, "a table's columns", n * sizeof *columns);
  }
  grove_status s = GROVE_OK;
  for (size_t i = 0; i < n && !s; i++) {
    s = grove__parquet_build(p, i, tasks[i].sinks, b, rows, &columns[i], err);
  }
  for (size_t i = 0; i < n && !s; i++) {
    s = grove__parquet_cast(p, &p->allocator, b, &columns[i], i, rows, err);
  }
  if (!s) {
    s = grove__table_build(&p->allocator, columns, n, rows, out, err);
  }
  if (s) {
    grove__columns_free(&p->allocator, columns, n);
  }
  grove__free(&p->allocator, columns, n * sizeof *columns);
  return s;
}

static grove_status run(const grove_parquet *p, task *tasks, grove_error *err)
{
  const grove_work *work = p->options.work;
  if (work && work->parallel_for && p->n_selected > 1) {
    work->parallel_for(work->user, p->n_selected, run_task, tasks);
  } else {
    for (size_t i = 0; i < p->n_selected; i++) {
      run_task(tasks, i);
    }
  }
  for (size_t i = 0; i < p->n_selected; i++) {
    if (tasks[i].status) {
      if (err) {
        *err = tasks[i].error;
      }
      return tasks[i].status;
    }
  }
  return GROVE_OK;
}

// The groups of [first, end) in which a row may match; all, if there is no rule.
static grove_status choose_groups(const grove_parquet *p, grove__budget *b, size_t first,
    size_t end, size_t *groups, size_t *n, grove_error *err)
{
  *n = 0;
  for (size_t g = first; g < end; g++) {
    bool may = true;
    if (p->rule) {
      GROVE__TRY(grove__prune_group(p, b, g, &may, err));
    }
    groups[*n] = g;
    *n += may;
  }
  return GROVE_OK;
}

static grove_status take_sinks(const grove_parquet *p, task *tasks, grove_error *err)
{
  for (size_t i = 0; i < p->n_selected; i++) {
    size_t n = grove__parquet_leaves(p, i);
    tasks[i].sinks = n == 1 ? &tasks[i].sink
                            : grove__alloc_zero(&p->allocator, n * sizeof *tasks[i].sinks);
    if (!tasks[i].sinks) {
      return grove__error_memory(err, "a nested column", n * sizeof *tasks[i].sinks);
    }
  }
  return GROVE_OK;
}

static void free_sinks(const grove_parquet *p, task *tasks, grove__budget *budget)
{
  for (size_t i = 0; i < p->n_selected; i++) {
    size_t n = tasks[i].sinks ? grove__parquet_leaves(p, i) : 0;
    for (size_t k = 0; k < n; k++) {
      grove__sink_free(budget, &tasks[i].sinks[k]);
    }
    if (n > 1) {
      grove__free(&p->allocator, tasks[i].sinks, n * sizeof *tasks[i].sinks);
    }
  }
}

// What is taken of the budget beside the values, before anything is.
static uint64_t count_frames(const grove_parquet *p, size_t n_groups)
{
  uint64_t bytes = n_groups * sizeof(size_t) + p->n_selected * (sizeof(task) + sizeof(grove__column));
  for (size_t i = 0; i < p->n_selected; i++) {
    bytes += grove__parquet_leaves(p, i) * sizeof(grove__sink) + grove__parquet_frame(p, i);
  }
  return bytes;
}

static grove_status read_groups(grove_parquet *p, grove__budget *budget, const size_t *groups,
    size_t n_groups, grove_table **out, grove_error *err)
{
  uint64_t rows = 0;
  size_t bytes = p->n_selected * sizeof(task); // n_selected structs fit: as many leaves did
  task *tasks = grove__alloc_zero(&p->allocator, bytes);
  if (!tasks) {
    return grove__error_memory(err, "a read", bytes);
  }
  for (size_t i = 0; i < n_groups; i++) {
    rows += p->footer.groups[groups[i]].rows;
  }
  for (size_t i = 0; i < p->n_selected; i++) {
    tasks[i].p = p;
    tasks[i].groups = groups;
    tasks[i].n_groups = n_groups;
    tasks[i].column = i;
    tasks[i].budget = budget;
  }
  grove__ranges_tell(p, budget, groups, n_groups, GROVE__TOLD_ALL);
  grove_status s = take_sinks(p, tasks, err);
  s = s ? s : run(p, tasks, err);
  if (!s) {
    s = build(p, tasks, budget, rows, out, err);
  }
  free_sinks(p, tasks, budget);
  grove__free(&p->allocator, tasks, bytes);
  return s;
}

grove_status grove_parquet_read(
    grove_parquet *p, size_t first, size_t n, grove_table **out, grove_error *err)
{
  size_t end = 0, n_groups = 0;
  if (!p || !out) {
    return grove__error(err, GROVE_EINVAL, -1, "grove_parquet_read wants a file and an out");
  }
  *out = NULL;
  GROVE__TRY(grove__parquet_range(p, first, n, &end, err));
  grove__budget budget = {.allocator = p->allocator, .most = p->options.memory_bytes};
  GROVE__TRY(grove__budget_take(&budget, count_frames(p, end - first), "a read", err));
  size_t bytes = (end - first) * sizeof(size_t); // as many groups are in memory, each larger
  size_t *groups = grove__alloc(&p->allocator, bytes);
  if (!groups) {
    return grove__error_memory(err, "a read", bytes);
  }
  grove_status s = choose_groups(p, &budget, first, end, groups, &n_groups, err);
  if (!s) {
    s = read_groups(p, &budget, groups, n_groups, out, err);
  }
  grove__free(&p->allocator, groups, bytes);
  return s;
}
