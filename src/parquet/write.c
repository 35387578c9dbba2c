// A table as a file: magic, row groups, footer.
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
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
  size_t column;
  bool descending;
} sorted_column;

// What one write holds beside the file writer.
typedef struct writing {
  grove__file_writer file;
  const grove_table *t;
  size_t n_columns, n_groups;
  grove__target *targets;
  bool *bloom; // by column
  sorted_column sorted[SORTED_MAX];
  size_t n_sorted;
  grove__out groups, columns; // RowGroup structs; the ColumnChunk structs of the current one
} writing;

// The columns that the rows are said to be sorted by.
static void put_sorted(writing *w, int *last)
{
  grove__out_list(&w->groups, last, 4, GROVE__THRIFT_STRUCT, w->n_sorted);
  for (size_t i = 0; i < w->n_sorted; i++) {
    int inner = 0;
    grove__out_int(&w->groups, &inner, 1, GROVE__THRIFT_I32, (int64_t)w->sorted[i].column);
    grove__out_bool(&w->groups, &inner, 2, w->sorted[i].descending);
    grove__out_bool(&w->groups, &inner, 3, false); // nulls last, as we sort
    grove__out_stop(&w->groups);
  }
}

static grove_status write_group(writing *w, uint64_t from, uint64_t rows, grove_error *err)
{
  grove__sizes sizes = {0, 0};
  uint64_t start = w->file.at;
  int last = 0;
  w->columns.used = 0;
  for (size_t i = 0; i < w->n_columns; i++) {
    grove__column_view v;
    grove__table_view(w->t, i, &v);
    grove__slice slice = {&w->targets[i], &v, from, rows, w->bloom[i]};
    GROVE__TRY(grove__chunk_write(&w->file, &slice, &w->columns, &sizes, err));
  }
  grove__out_list(&w->groups, &last, 1, GROVE__THRIFT_STRUCT, w->n_columns);
  grove__out_bytes(&w->groups, w->columns.block.p, w->columns.used);
  grove__out_int(&w->groups, &last, 2, GROVE__THRIFT_I64, (int64_t)sizes.unpacked);
  grove__out_int(&w->groups, &last, 3, GROVE__THRIFT_I64, (int64_t)rows);
  if (w->n_sorted) {
    put_sorted(w, &last);
  }
  grove__out_int(&w->groups, &last, 5, GROVE__THRIFT_I64, (int64_t)start);
  grove__out_int(&w->groups, &last, 6, GROVE__THRIFT_I64, (int64_t)sizes.packed);
  grove__out_stop(&w->groups);
  w->n_groups++;
  return w->groups.status;
}

static grove_status write_footer(writing *w, grove_error *err)
{
  grove__out *o = &w->file.page;
  o->used = 0;
  grove__footer_write(o, w->t, w->targets, &w->groups, w->n_groups, w->file.options->metadata);
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

static grove_status write_all(writing *w, uint64_t group_rows, grove_error *err)
{
  uint64_t rows = grove_table_rows(w->t);
  for (size_t i = 0; i < w->n_columns; i++) {
    GROVE__TRY(grove__target_of(
        &w->targets[i], grove_table_name(w->t, i), grove_table_format(w->t, i), err));
  }
  grove__out *magic = &w->file.page;
  grove__out_bytes(magic, "PAR1", 4);
  GROVE__TRY(grove__file_put(&w->file, magic, err));
  for (uint64_t from = 0; from < rows; from += group_rows) {
    GROVE__TRY(write_group(w, from, rows - from < group_rows ? rows - from : group_rows, err));
  }
  return write_footer(w, err);
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

static grove_status find_sorted(writing *w, const char *const *names, grove_error *err)
{
  for (; names && *names; names++) {
    sorted_column *s = &w->sorted[w->n_sorted];
    if (w->n_sorted == SORTED_MAX) {
      return grove__error(err, GROVE_ELIMIT, -1,
          "grove_parquet_write_options.sorted names more than %d columns", SORTED_MAX);
    }
    s->descending = **names == '-';
    GROVE__TRY(grove_table_find(w->t, *names + s->descending, &s->column, err));
    w->n_sorted++;
  }
  return GROVE_OK;
}

static grove_status find_bloom(writing *w, const char *const *names, grove_error *err)
{
  for (; names && *names; names++) {
    size_t column = 0;
    GROVE__TRY(grove_table_find(w->t, *names, &column, err));
    w->bloom[column] = true;
  }
  return GROVE_OK;
}

static void init_out(grove__out *out, grove__budget *b, grove_error *err)
{
  *out = (grove__out){.budget = b, .err = err};
}

static void drop(writing *w)
{
  grove__out *outs[] = {&w->file.body, &w->file.page, &w->file.packed, &w->file.codes,
      &w->file.levels, &w->file.hashes, &w->file.notes, &w->groups, &w->columns};
  for (size_t i = 0; i < GROVE__COUNT(outs); i++) {
    grove__out_free(outs[i]);
  }
  grove__block_free(&w->file.budget, &w->file.slots);
  ZSTD_freeCCtx(w->file.zstd);
  grove__free(&w->file.budget.allocator, w->targets, w->n_columns * sizeof *w->targets);
  grove__free(&w->file.budget.allocator, w->bloom, w->n_columns * sizeof *w->bloom);
}

grove_status grove_parquet_write(const grove_table *t, const grove_parquet_write_options *given,
    grove_writer *out, grove_error *err)
{
  static const uint8_t codecs[] = {GROVE__CODEC_SNAPPY, GROVE__CODEC_ZSTD, GROVE__CODEC_NONE};
  grove_parquet_write_options o;
  if (!t || !out) {
    return grove__error(err, GROVE_EINVAL, -1, "grove_parquet_write wants a table and a writer");
  }
  GROVE__TRY(take_options(given, &o, err));
  writing w = {.t = t, .n_columns = grove_table_columns(t)};
  GROVE__TRY(find_sorted(&w, o.sorted, err));
  w.file.options = &o;
  w.file.to = out;
  w.file.budget.allocator = grove__allocator_of(o.allocator);
  w.file.codec = codecs[o.codec];
  w.file.level = (int)o.level;
  grove__out *outs[] = {&w.file.body, &w.file.page, &w.file.packed, &w.file.codes, &w.file.levels,
      &w.file.hashes, &w.file.notes, &w.groups, &w.columns};
  for (size_t i = 0; i < GROVE__COUNT(outs); i++) {
    init_out(outs[i], &w.file.budget, err);
  }
  w.targets = grove__alloc_array(&w.file.budget.allocator, w.n_columns, sizeof *w.targets);
  w.bloom = grove__alloc_zero(&w.file.budget.allocator, w.n_columns * sizeof *w.bloom);
  grove_status s = w.targets && w.bloom
                       ? find_bloom(&w, o.bloom, err)
                       : grove__error_memory(err, "a writer", w.n_columns * sizeof *w.targets);
  s = s ? s : write_all(&w, o.group_rows, err);
  drop(&w);
  return s;
}
