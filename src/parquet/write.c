// A table as a file: magic, row groups, footer.
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "columnar/layout.h"
#include "parquet/write.h"
#include <snappy-c.h>
#include <zstd.h>

enum { GROUP_ROWS = 1 << 20, PAGE_ROWS = 1 << 17 };

grove_status grove__file_put(grove__file_writer *w, const grove__out *bytes, grove_error *err)
{
  GROVE__TRY(bytes->status);
  GROVE__TRY(grove_writer_put(w->to, bytes->block.p, bytes->used, err));
  w->at += bytes->used;
  return GROVE_OK;
}

static grove_status pack_zstd(grove__file_writer *w, grove_error *err)
{
  uint8_t *to = grove__out_room(&w->packed, ZSTD_compressBound(w->body.used));
  if (!to) {
    return w->packed.status;
  }
  if (!w->zstd && !(w->zstd = ZSTD_createCCtx())) {
    return grove__error_memory(err, "zstd", 0);
  }
  size_t n = ZSTD_compressCCtx(
      w->zstd, to, ZSTD_compressBound(w->body.used), w->body.block.p, w->body.used, w->level);
  if (ZSTD_isError(n)) {
    return grove__error(
        err, GROVE_ENOMEM, -1, "zstd can't compress a page: %s", ZSTD_getErrorName(n));
  }
  w->packed.used = n;
  return GROVE_OK;
}

static grove_status pack_snappy(grove__file_writer *w, grove_error *err)
{
  size_t n = snappy_max_compressed_length(w->body.used);
  uint8_t *to = grove__out_room(&w->packed, n);
  if (!to) {
    return w->packed.status;
  }
  if (snappy_compress((const char *)w->body.block.p, w->body.used, (char *)to, &n) != SNAPPY_OK) {
    return grove__error(err, GROVE_EINTERNAL, -1, "snappy can't compress a page");
  }
  w->packed.used = n;
  return GROVE_OK;
}

grove_status grove__file_pack(grove__file_writer *w, const grove__out **out, grove_error *err)
{
  *out = &w->packed;
  w->packed.used = 0;
  switch (w->codec) {
  case GROVE__CODEC_SNAPPY: return pack_snappy(w, err);
  case GROVE__CODEC_ZSTD: return pack_zstd(w, err);
  default: *out = &w->body; return GROVE_OK;
  }
}

// ---- row groups -----------------------------------------------------------------------------------

enum { SORTED_MAX = 32 };

typedef struct sorted_column {
  size_t column, leaf;
  bool descending;
} sorted_column;

struct grove_parquet_writer {
  grove__file_writer file;
  grove_parquet_write_options options;
  size_t n_columns, n_leaves, n_groups;
  uint64_t rows;
  grove__arena arena;        // the schema: the table that it came from may be gone
  grove__stem *columns;
  grove__way *ways;          // to the leaves
  grove__column_view *views; // of the way at hand
  bool *bloom;               // by column
  sorted_column sorted[SORTED_MAX];
  size_t n_sorted;
  bool failed;
  grove__out groups, chunks; // RowGroup structs; the ColumnChunk structs of the current one
};

// The columns that the rows are said to be sorted by.
static void put_sorted(grove_parquet_writer *w, int *last)
{
  grove__out_list(&w->groups, last, 4, GROVE__THRIFT_STRUCT, w->n_sorted);
  for (size_t i = 0; i < w->n_sorted; i++) {
    int inner = 0;
    grove__out_int(&w->groups, &inner, 1, GROVE__THRIFT_I32, (int64_t)w->sorted[i].leaf);
    grove__out_bool(&w->groups, &inner, 2, w->sorted[i].descending);
    grove__out_bool(&w->groups, &inner, 3, false); // nulls last, as we sort
    grove__out_stop(&w->groups);
  }
}

static grove_status write_group(
    grove_parquet_writer *w, const grove_table *t, uint64_t from, uint64_t rows, grove_error *err)
{
  grove__sizes sizes = {0, 0};
  uint64_t start = w->file.at;
  int last = 0;
  w->chunks.used = 0;
  for (size_t i = 0; i < w->n_leaves; i++) {
    const grove__way *way = &w->ways[i];
    grove__way_views(way, t, w->views);
    grove__slice slice = {way, w->views, from, rows, w->bloom[way->column]};
    GROVE__TRY(grove__chunk_write(&w->file, &slice, &w->chunks, &sizes, err));
  }
  grove__out_list(&w->groups, &last, 1, GROVE__THRIFT_STRUCT, w->n_leaves);
  grove__out_bytes(&w->groups, w->chunks.block.p, w->chunks.used);
  grove__out_int(&w->groups, &last, 2, GROVE__THRIFT_I64, (int64_t)sizes.unpacked);
  grove__out_int(&w->groups, &last, 3, GROVE__THRIFT_I64, (int64_t)rows);
  if (w->n_sorted) {
    put_sorted(w, &last);
  }
  grove__out_int(&w->groups, &last, 5, GROVE__THRIFT_I64, (int64_t)start);
  grove__out_int(&w->groups, &last, 6, GROVE__THRIFT_I64, (int64_t)sizes.packed);
  grove__out_stop(&w->groups);
  w->n_groups++;
  w->rows += rows;
  return w->groups.status;
}

static grove_status write_footer(grove_parquet_writer *w, grove_error *err)
{
  grove__out *o = &w->file.page;
  o->used = 0;
  const grove__footer_content content = {.columns = w->columns,
      .n_columns = w->n_columns,
      .n_leaves = w->n_leaves,
      .rows = w->rows,
      .groups = &w->groups,
      .n_groups = w->n_groups,
      .metadata = w->options.metadata};
  grove__footer_write(o, &content);
  GROVE__TRY(o->status);
  uint32_t bytes = (uint32_t)o->used;
  if (o->used > INT32_MAX) {
    return grove__error(
        err, GROVE_ELIMIT, -1, "a footer of over 2 GiB: fewer columns or larger row groups");
  }
  grove__out_bytes(o, &bytes, 4);
  grove__out_bytes(o, "PAR1", 4);
  return grove__file_put(&w->file, o, err);
}

static grove_status take_options(
    const grove_parquet_write_options *given, grove_parquet_write_options *o, grove_error *err)
{
  grove_status s = grove__options_read(o, sizeof *o, given);
  if (s) {
    return grove__error(err, s, -1, "grove_parquet_write_options: struct_size %u is not understood",
        given ? given->struct_size : 0);
  }
  if (o->codec > GROVE_CODEC_NONE) {
    return grove__error(err, GROVE_EINVAL, -1,
        "grove_parquet_write_options.codec is %u; known: GROVE_CODEC_*", o->codec);
  }
  if (o->page_version > 2 || o->bloom_false_ppm > 500000) {
    return grove__error(err, GROVE_EINVAL, -1,
        "grove_parquet_write_options: page_version %u and bloom_false_ppm %u; known: pages of "
        "versions 1 and 2, and up to 500000 false in a million",
        o->page_version, o->bloom_false_ppm);
  }
  if (o->level > 22) {
    return grove__error(err, GROVE_EINVAL, -1,
        "grove_parquet_write_options.level is %u; zstd's go to 22", o->level);
  }
  o->group_rows = o->group_rows ? o->group_rows : GROUP_ROWS;
  o->page_rows = o->page_rows ? o->page_rows : PAGE_ROWS;
  o->group_rows = o->group_rows < INT32_MAX ? o->group_rows : INT32_MAX;
  return GROVE_OK;
}

static grove_status find_sorted(
    grove_parquet_writer *w, const grove_table *like, const char *const *names, grove_error *err)
{
  for (; names && *names; names++) {
    sorted_column *s = &w->sorted[w->n_sorted];
    if (w->n_sorted == SORTED_MAX) {
      return grove__error(err, GROVE_ELIMIT, -1,
          "grove_parquet_write_options.sorted names more than %d columns", SORTED_MAX);
    }
    s->descending = **names == '-';
    GROVE__TRY(grove_table_find(like, *names + s->descending, &s->column, err));
    w->n_sorted++;
  }
  return GROVE_OK;
}

// From the numbers of columns to those of leaves, which a file counts by.
static grove_status settle_sorted(grove_parquet_writer *w, grove_error *err)
{
  for (size_t i = 0; i < w->n_sorted; i++) {
    sorted_column *s = &w->sorted[i];
    const grove__stem *column = &w->columns[s->column];
    if (column->kind != GROVE__STEM_LEAF) {
      return grove__error(err, GROVE_EINVAL, -1,
          "grove_parquet_write_options.sorted: column \"%.100s\" is %s, which has no order",
          column->name, grove__format_words(column->format));
    }
    while (w->ways[s->leaf].column != s->column) {
      s->leaf++;
    }
  }
  return GROVE_OK;
}

static grove_status find_bloom(
    grove_parquet_writer *w, const grove_table *like, const char *const *names, grove_error *err)
{
  for (; names && *names; names++) {
    size_t column = 0;
    GROVE__TRY(grove_table_find(like, *names, &column, err));
    w->bloom[column] = true;
  }
  return GROVE_OK;
}

enum { OUTS = 12 };

static grove__out *out_at(grove_parquet_writer *w, size_t i)
{
  grove__out *const outs[OUTS] = {&w->file.body, &w->file.page, &w->file.packed, &w->file.codes,
      &w->file.levels, &w->file.hashes, &w->file.notes, &w->file.shreds.reps, &w->file.shreds.defs,
      &w->file.shreds.ranges, &w->groups, &w->chunks};
  return outs[i];
}

static void drop(grove_parquet_writer *w)
{
  grove_allocator a = w->file.budget.allocator;
  for (size_t i = 0; i < OUTS; i++) {
    grove__out_free(out_at(w, i));
  }
  grove__block_free(&w->file.budget, &w->file.slots);
  ZSTD_freeCCtx(w->file.zstd);
  grove__arena_free(&w->arena);
  grove__free(&a, w, sizeof *w);
}

// ---- the face -------------------------------------------------------------------------------------

static grove_status take_ways(grove_parquet_writer *w, grove_error *err)
{
  size_t depth = 1;
  bool good = true;
  for (size_t i = 0; i < w->n_columns; i++) {
    w->n_leaves += grove__stem_leaves(&w->columns[i]);
  }
  w->ways = grove__arena_take(&w->arena, w->n_leaves, sizeof *w->ways);
  for (size_t i = 0, at = 0; i < w->n_columns && w->ways && good; i++) {
    good = grove__stem_ways(&w->arena, &w->columns[i], i, &w->ways[at]);
    at += grove__stem_leaves(&w->columns[i]);
  }
  for (size_t i = 0; i < w->n_leaves && w->ways && good; i++) {
    depth = w->ways[i].depth > depth ? w->ways[i].depth : depth;
  }
  w->views = grove__arena_take(&w->arena, depth, sizeof *w->views);
  return w->ways && good && w->views
             ? GROVE_OK
             : grove__error_memory(err, "a schema", w->n_leaves * sizeof *w->ways);
}

static grove_status take_columns(grove_parquet_writer *w, const grove_table *like, grove_error *err)
{
  size_t n = w->n_columns;
  w->columns = grove__arena_take(&w->arena, n, sizeof *w->columns);
  w->bloom = grove__arena_take(&w->arena, n, sizeof *w->bloom);
  if (!w->columns || !w->bloom) {
    return grove__error_memory(err, "a schema", n * sizeof *w->columns);
  }
  GROVE__TRY(find_sorted(w, like, w->options.sorted, err));
  GROVE__TRY(find_bloom(w, like, w->options.bloom, err));
  for (size_t i = 0; i < n; i++) {
    grove__column_view v;
    grove__table_view(like, i, &v);
    GROVE__TRY(grove__stem_make(&w->arena, &v, &w->columns[i], err));
  }
  GROVE__TRY(take_ways(w, err));
  return settle_sorted(w, err);
}

static grove_status put_magic(grove_parquet_writer *w, grove_error *err)
{
  grove__out *magic = &w->file.page;
  magic->err = err;
  grove__out_bytes(magic, "PAR1", 4);
  return grove__file_put(&w->file, magic, err);
}

// Buffers report to the error of the call at hand.
static void report_to(grove_parquet_writer *w, grove_error *err)
{
  for (size_t i = 0; i < OUTS; i++) {
    out_at(w, i)->err = err;
  }
}

grove_status grove_parquet_writer_open(const grove_table *like,
    const grove_parquet_write_options *given, grove_writer *to, grove_parquet_writer **out,
    grove_error *err)
{
  static const uint8_t codecs[] = {GROVE__CODEC_SNAPPY, GROVE__CODEC_ZSTD, GROVE__CODEC_NONE};
  grove_parquet_write_options o;
  if (!like || !to || !out) {
    return grove__error(
        err, GROVE_EINVAL, -1, "a Parquet writer wants a table, a writer, and a place");
  }
  *out = NULL;
  GROVE__TRY(take_options(given, &o, err));
  grove_allocator a = grove__allocator_of(o.allocator);
  grove_parquet_writer *w = grove__alloc_zero(&a, sizeof *w);
  if (!w) {
    return grove__error_memory(err, "a writer", sizeof *w);
  }
  w->options = o;
  w->n_columns = grove_table_columns(like);
  w->file.options = &w->options;
  w->file.to = to;
  w->file.budget.allocator = w->arena.allocator = a;
  w->file.codec = codecs[o.codec];
  w->file.level = (int)o.level;
  for (size_t i = 0; i < OUTS; i++) {
    *out_at(w, i) = (grove__out){.budget = &w->file.budget, .err = err};
  }
  grove_status s = take_columns(w, like, err);
  if (!s) {
    s = put_magic(w, err);
  }
  report_to(w, NULL);
  if (s) {
    drop(w);
    return s;
  }
  *out = w;
  return GROVE_OK;
}

static grove_status check_table(
    const grove_parquet_writer *w, const grove_table *t, grove_error *err)
{
  size_t n = grove_table_columns(t);
  if (n != w->n_columns) {
    return grove__error(err, GROVE_EINVAL, -1,
        "the file was begun with %zu columns, and a table of %zu is added", w->n_columns, n);
  }
  for (size_t i = 0; i < n; i++) {
    grove__column_view v;
    const grove__stem *s = &w->columns[i];
    grove__table_view(t, i, &v);
    if (strcmp(v.name, s->name) || strcmp(v.format, s->format)) {
      return grove__error(err, GROVE_EINVAL, -1,
          "the file was begun with a column \"%.100s\" (%s), and one \"%.100s\" (%s) is added",
          s->name, s->format, v.name, v.format);
    }
    if (!grove__stem_fits(s, &v)) {
      return grove__error(err, GROVE_EINVAL, -1,
          "the file was begun with a column \"%.100s\" (%s) that has other fields or items in it",
          s->name, s->format);
    }
  }
  return GROVE_OK;
}

grove_status grove_parquet_writer_put(
    grove_parquet_writer *w, const grove_table *t, grove_error *err)
{
  if (!w || !t) {
    return grove__error(err, GROVE_EINVAL, -1, "grove_parquet_writer_put wants a table");
  }
  if (w->failed) {
    return grove__error(err, GROVE_EIO, -1, "an earlier write failed");
  }
  GROVE__TRY(check_table(w, t, err));
  uint64_t rows = grove_table_rows(t), most = w->options.group_rows;
  grove_status s = GROVE_OK;
  report_to(w, err);
  for (uint64_t from = 0; from < rows && !s; from += most) {
    s = write_group(w, t, from, rows - from < most ? rows - from : most, err);
  }
  report_to(w, NULL);
  w->failed = s != GROVE_OK;
  return s;
}

grove_status grove_parquet_writer_close(grove_parquet_writer *w, int finish, grove_error *err)
{
  if (!w) {
    return GROVE_OK;
  }
  grove_status s = GROVE_OK;
  if (finish) {
    report_to(w, err);
    s = w->failed ? grove__error(err, GROVE_EIO, -1, "an earlier write failed")
                  : write_footer(w, err);
  }
  drop(w);
  return s;
}

grove_status grove_parquet_write(const grove_table *t, const grove_parquet_write_options *given,
    grove_writer *out, grove_error *err)
{
  grove_parquet_writer *w = NULL;
  if (!t || !out) {
    return grove__error(err, GROVE_EINVAL, -1, "grove_parquet_write wants a table and a writer");
  }
  GROVE__TRY(grove_parquet_writer_open(t, given, out, &w, err));
  grove_status s = grove_parquet_writer_put(w, t, err);
  grove_status closed = grove_parquet_writer_close(w, s == GROVE_OK, s ? NULL : err);
  return s ? s : closed;
}
