// What can be said of a shard before it is read: to the source, and to who plans a job.
#include "predict/shard_inside.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/arrow.h"
#include "columnar/layout.h"
#include <stdio.h>
#include <stdlib.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

// ---- to the source --------------------------------------------------------------------------------

// TOLD_BYTES: what is told of together. More would be in the way of what other shards read, and gains nothing.
enum { TOLD_BYTES = 2 << 20, GAP_BYTES = 64 << 10, TOLD_RANGES = 512 };

static int compare_ranges(const void *a, const void *b)
{
  const grove_range *x = a, *y = b;
  return (x->offset > y->offset) - (x->offset < y->offset);
}

// In order and apart, as will_read wants them.
static size_t join_ranges(grove_range *r, size_t n)
{
  size_t kept = 0;
  qsort(r, n, sizeof *r, compare_ranges);
  for (size_t i = 0; i < n; i++) {
    uint64_t end = kept ? r[kept - 1].offset + r[kept - 1].bytes : 0;
    if (kept && r[i].offset <= end + GAP_BYTES) {
      uint64_t last = r[i].offset + r[i].bytes;
      r[kept - 1].bytes = (last > end ? last : end) - r[kept - 1].offset;
    } else {
      r[kept++] = r[i];
    }
  }
  return kept;
}

// false: the group does not fit any more; the first one is taken as it is.
static bool add_group(
    const grove__shard *s, size_t group, grove_range *ranges, size_t *n, uint64_t *bytes)
{
  size_t before = *n;
  uint64_t sum = *bytes;
  for (size_t c = 0; c < s->count; c++) {
    grove_parquet_chunk_info i = {.struct_size = sizeof i};
    if (*n == TOLD_RANGES || grove_parquet_chunk(s->file, group, c, &i, NULL)) {
      *n = before;
      return false;
    }
    bool sane = i.at <= s->source.bytes && i.bytes <= s->source.bytes - i.at;
    if (sane && i.bytes) {
      ranges[(*n)++] = (grove_range){i.at, i.bytes};
      sum += i.bytes;
    }
  }
  if (before && sum > TOLD_BYTES) {
    *n = before;
    return false;
  }
  *bytes = sum;
  return true;
}

size_t grove__shard_will_read(const grove__shard *s, size_t group)
{
  grove_range ranges[TOLD_RANGES];
  size_t n = 0, next = group;
  uint64_t bytes = 0;
  if (!s->file || !s->source.will_read) {
    return SIZE_MAX;
  }
  while (next < s->groups && add_group(s, next, ranges, &n, &bytes)) {
    next++;
  }
  n = join_ranges(ranges, n);
  if (n) {
    s->source.will_read(s->source.user, ranges, n);
  }
  return next > group ? next : group + 1;
}

// ---- memory ---------------------------------------------------------------------------------------

// PAGE_BYTES: of a column, as writers make them, decoded; twice that is held while one is. BATCH_ROWS: at a time. BATCHES: of
// texts and lists, which grow, so many lie in a stream's memory that goes round.
enum { PAGE_BYTES = 1 << 20, BATCH_ROWS = 16384, BATCHES = 6 };

static uint64_t least(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

// Bytes of a column's values in memory. What texts and lists have together is known compressed alone: a guess, not a low one.
static uint64_t decoded_bytes(const char *format, const grove_parquet_chunk_info *i, bool *fixed)
{
  grove__layout l;
  *fixed = !grove__layout_any(format, &l) && (l.shape == GROVE__SHAPE_FIXED || l.shape == GROVE__SHAPE_BITS);
  return *fixed ? i->values * (l.width ? l.width : 1) : 4 * i->values + (6 * i->bytes > 8 * i->values ? 6 * i->bytes : 8 * i->values);
}

static bool is_among(const size_t *list, size_t n, size_t wanted)
{
  for (size_t i = 0; i < n; i++) {
    if (list[i] == wanted) {
      return true;
    }
  }
  return false;
}

static grove__shard_size measure_group(const grove__shard *s, const struct ArrowSchema *schema, size_t group,
    const size_t *kept, size_t n_kept)
{
  grove__shard_size sum = {0};
  for (size_t c = 0; c < s->count; c++) {
    grove_parquet_chunk_info i = {.struct_size = sizeof i};
    if (grove_parquet_chunk(s->file, group, c, &i, NULL) || (int64_t)c >= schema->n_children) {
      continue;
    }
    bool fixed;
    uint64_t decoded = decoded_bytes(schema->children[c]->format, &i, &fixed);
    sum.rows = i.values > sum.rows ? i.values : sum.rows;
    sum.reads += 2 * least(decoded, PAGE_BYTES) + least(i.values, BATCH_ROWS) * sizeof(double);
    sum.reads += !fixed && i.values ? BATCHES * (decoded / i.values + 1) * least(i.values, BATCH_ROWS) : 0;
    sum.reads += s->source.will_read ? i.bytes : 0; // fetched ahead
    sum.holds += is_among(kept, n_kept, c) ? decoded : 0;
  }
  return sum;
}

grove_status grove__shard_measure(
    const grove__shard *s, const size_t *kept, size_t n_kept, grove__shard_size *out, grove_error *err)
{
  struct ArrowSchema schema = {.release = NULL};
  *out = (grove__shard_size){0};
  if (s->table) {
    uint64_t bytes = grove_table_bytes(s->table);
    *out = (grove__shard_size){s->rows, bytes, n_kept ? bytes : 0};
    return GROVE_OK;
  }
  GROVE__TRY(grove_parquet_schema(s->file, &schema, err));
  for (size_t g = 0; g < s->groups; g++) {
    grove__shard_size one = measure_group(s, &schema, g, kept, n_kept);
    out->rows = one.rows > out->rows ? one.rows : out->rows;
    out->reads = one.reads > out->reads ? one.reads : out->reads;
    out->holds = one.holds > out->holds ? one.holds : out->holds;
  }
  schema.release(&schema);
  return GROVE_OK;
}

// ---- columns --------------------------------------------------------------------------------------

static size_t put_column(char *out, size_t room, const char *name, const char *format)
{
  int n = snprintf(out, room, "%s\t%s\n", name ? name : "", format);
  return n > 0 ? (size_t)n : 0;
}

// A tab or an end of line in a name would be one of ours.
static void clean(char *text, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    text[i] = text[i] == '\t' || text[i] == '\n' ? ' ' : text[i];
  }
}

static grove_status write_columns(const struct ArrowSchema *schema, char **out, grove_error *err)
{
  size_t n = schema->n_children > 0 ? (size_t)schema->n_children : 0, room = 1, at = 0;
  for (size_t i = 0; i < n; i++) {
    room += put_column(NULL, 0, schema->children[i]->name, schema->children[i]->format);
  }
  char *text = grove__alloc(memory, room);
  if (!text) {
    return grove__error_memory(err, "the columns of a shard", room);
  }
  text[0] = '\0';
  for (size_t i = 0; i < n; i++) {
    const char *name = schema->children[i]->name;
    size_t length = put_column(text + at, room - at, name, schema->children[i]->format);
    clean(text + at, name ? strlen(name) : 0);
    at += length;
  }
  *out = text;
  return GROVE_OK;
}

static grove_status schema_of_file(
    const grove__shard *s, const grove_parquet_options *read, struct ArrowSchema *out, grove_error *err)
{
  grove_parquet_options o = *read;
  grove_parquet *file = NULL;
  o.columns = o.formats = NULL;
  o.rule = NULL;
  o.work = NULL;
  GROVE__TRY(grove_parquet_open(&s->source, &o, &file, err));
  grove_status status = grove_parquet_schema(file, out, err);
  grove_parquet_close(file);
  return status;
}

static grove_status schema_of_csv(
    const grove__shard *s, const grove_parquet_options *read, struct ArrowSchema *out, grove_error *err)
{
  char *text;
  grove_table *all = NULL;
  struct ArrowArray array = {.release = NULL};
  grove_csv_options o = {.struct_size = sizeof o, .memory_bytes = read->memory_bytes};
  GROVE__TRY(grove__shard_text(s, read->memory_bytes, &text, err));
  grove_status status = grove_csv_parse(text, (size_t)s->source.bytes, &o, &all, err);
  grove__free(memory, text, (size_t)s->source.bytes + 1);
  status = status ? status : grove_table_export(all, &array, out, err);
  if (array.release) {
    array.release(&array);
  }
  grove_table_release(all);
  return status;
}

grove_status grove__shard_columns(
    const grove__shard *s, const grove_parquet_options *read, char **out, grove_error *err)
{
  struct ArrowSchema schema = {.release = NULL};
  *out = NULL;
  grove_status status =
      s->is_csv ? schema_of_csv(s, read, &schema, err) : schema_of_file(s, read, &schema, err);
  status = status ? status : write_columns(&schema, out, err);
  if (schema.release) {
    schema.release(&schema);
  }
  return status;
}
