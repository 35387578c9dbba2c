#include "predict/shard_inside.h"
#include "base/alloc.h"
#include "base/errnos.h"
#include "base/error.h"
#include "base/letters.h"
#include "base/status.h"
#include "base/suggest.h"
#include "columnar/arrow.h"
#include "predict/choose.h"
#include "store/url.h"
#include <stdio.h>
#include <string.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

struct grove__cursor {
  const grove__shard *shard;
  struct ArrowArrayStream stream; // of a Parquet file
  bool given; // of a table
};

// ---- columns by name ------------------------------------------------------------------------------

struct names {
  const char *const *list;
  size_t n;
};

static const char *name_at(const void *user, size_t i)
{
  const struct names *names = user;
  return i < names->n ? names->list[i] : NULL;
}

// Months of one data set differ in the case of their names (airport_fee, Airport_fee).
static grove_status match_name(
    const char *wanted, const struct names *there, size_t *out, grove_error *err)
{
  size_t loose = 0;
  size_t matches = 0;
  for (size_t i = 0; i < there->n; i++) {
    if (!strcmp(there->list[i], wanted)) {
      *out = i;
      return GROVE_OK;
    }
    if (grove__same_letters(there->list[i], wanted)) {
      loose = i;
      matches++;
    }
  }
  if (matches > 1) {
    return grove__error(err, GROVE_ENOENT, -1,
        "unknown column \"%.100s\", and %zu that differ from it only in case", wanted, matches);
  }
  if (!matches) {
    return grove__error_unknown(err, GROVE_ENOENT, "column", wanted, name_at, there);
  }
  *out = loose;
  return GROVE_OK;
}

// ---- Parquet --------------------------------------------------------------------------------------

// Names that differ in case alone are found by the reader, which calls columns what they were asked for by.
static grove_status open_parquet(grove__shard *s, const grove_parquet_options *read, grove_error *err)
{
  grove_parquet_options o = *read;
  o.columns = s->names;
  o.formats = s->formats;
  o.work = NULL;
  GROVE__TRY(grove_parquet_open(&s->source, &o, &s->file, err));
  for (size_t i = 0; i < s->count; i++) {
    s->places[i] = i; // batches have what was asked for, in that order
  }
  s->rows = grove_parquet_rows(s->file);
  s->groups = grove_parquet_groups(s->file);
  return GROVE_OK;
}

// ---- CSV ------------------------------------------------------------------------------------------

grove_status grove__shard_text(
    const grove__shard *s, uint64_t limit, char **out, grove_error *err)
{
  *out = NULL;
  if (s->source.bytes >= SIZE_MAX || (limit && s->source.bytes > limit)) {
    return grove__error(err, GROVE_ELIMIT, -1,
        "a CSV of %llu bytes is read whole, over the limit of %llu (memory_bytes)",
        (unsigned long long)s->source.bytes, (unsigned long long)limit);
  }
  size_t n = (size_t)s->source.bytes;
  char *text = grove__alloc(memory, n + 1);
  if (!text) {
    return grove__error_memory(err, "a CSV file", n);
  }
  grove_status status = n ? s->source.read_at(s->source.user, 0, text, n, err) : GROVE_OK;
  if (status) {
    grove__free(memory, text, n + 1);
    return status;
  }
  *out = text;
  return GROVE_OK;
}

// Where the wanted columns are in the table.
static grove_status match_table(grove__shard *s, grove_error *err)
{
  size_t n = grove_table_columns(s->table);
  const char **list = grove__alloc_array(memory, n + 1, sizeof *list);
  if (!list) {
    return grove__error_memory(err, "a file's column names", n * sizeof *list);
  }
  for (size_t i = 0; i < n; i++) {
    list[i] = grove_table_name(s->table, i);
  }
  struct names there = {list, n};
  grove_status status = GROVE_OK;
  for (size_t i = 0; i < s->count && !status; i++) {
    status = match_name(s->names[i], &there, &s->places[i], err);
  }
  grove__free(memory, list, (n + 1) * sizeof *list);
  return status;
}

static grove_status parse_csv(grove__shard *s, const char *text, uint64_t limit, grove_error *err)
{
  size_t n = (size_t)s->source.bytes;
  grove_csv_options o = {.struct_size = sizeof o, .memory_bytes = limit, .columns = s->names};
  grove_status status = grove_csv_parse(text, n, &o, &s->table, err);
  if (status == GROVE_ENOENT) { // a name that is not exact: read all columns and look among them
    o.columns = NULL;
    status = grove_csv_parse(text, n, &o, &s->table, err);
  }
  GROVE__TRY(status);
  GROVE__TRY(match_table(s, err));
  s->rows = grove_table_rows(s->table);
  s->groups = 1;
  return GROVE_OK;
}

static grove_status open_csv(grove__shard *s, const grove_parquet_options *read, grove_error *err)
{
  char *text;
  GROVE__TRY(grove__shard_text(s, read->memory_bytes, &text, err));
  grove_status status = parse_csv(s, text, read->memory_bytes, err);
  grove__free(memory, text, (size_t)s->source.bytes + 1);
  return status;
}

// ---- the face -------------------------------------------------------------------------------------

// By its name: a query does not belong to it.
static bool is_csv(const char *url)
{
  static const char end[] = ".csv";
  size_t n, m = sizeof end - 1;
  const char *name = grove__url_name(url, &n);
  return n >= m && grove__same_start(name + n - m, end, m);
}

static grove__shard *make_shard(
    const grove_parquet_options *read, const char *const *names, size_t n, grove_error *err)
{
  grove__shard *s = grove__alloc_zero(memory, sizeof *s);
  if (!s) {
    (void)grove__error_memory(err, "a shard", sizeof *s);
    return NULL;
  }
  s->count = n;
  s->names = names;
  s->formats = read->formats;
  s->places = grove__alloc_array(memory, n + 1, sizeof *s->places);
  s->source.struct_size = sizeof s->source;
  if (!s->places) {
    (void)grove__error_memory(err, "the places of columns", n * sizeof *s->places);
    grove__free(memory, s, sizeof *s);
    return NULL;
  }
  return s;
}

// What could not be opened is closed.
static grove_status hand_out(grove__shard *s, grove_status status, grove__shard **out)
{
  if (status) {
    grove__shard_close(s);
    return status;
  }
  *out = s;
  return GROVE_OK;
}

grove_status grove__shard_open(grove_store *store, const char *url,
    const grove_parquet_options *read, const char *const *names, size_t n, grove__shard **out,
    grove_error *err)
{
  *out = NULL;
  grove__shard *s = make_shard(read, names, n, err);
  if (!s) {
    return GROVE_ENOMEM;
  }
  s->is_csv = is_csv(url);
  grove_status status = grove_store_source(store, url, &s->source, err);
  s->source_open = !status;
  return hand_out(s, status, out);
}

grove_status grove__shard_load(grove__shard *s, const grove_parquet_options *read, grove_error *err)
{
  return s->is_csv ? open_csv(s, read, err) : open_parquet(s, read, err);
}

// CSV_TIMES: its text, and of each field about as much again.
enum { CSV_TIMES = 3 };

uint64_t grove__shard_load_bytes(const grove__shard *s)
{
  return s->is_csv ? CSV_TIMES * s->source.bytes : 0;
}

uint64_t grove__shard_resident_bytes(const grove__shard *s)
{
  return s->table ? grove_table_bytes(s->table) : 0;
}

grove_status grove__shard_of_table(
    grove_table *t, const char *const *names, size_t n, grove__shard **out, grove_error *err)
{
  const grove_parquet_options how = {GROVE_PARQUET};
  *out = NULL;
  grove__shard *s = make_shard(&how, names, n, err);
  if (!s) {
    return GROVE_ENOMEM;
  }
  s->table = grove_table_retain(t);
  s->rows = grove_table_rows(t);
  s->groups = 1;
  return hand_out(s, match_table(s, err), out);
}

grove_status grove__shard_reopen(grove__shard *s, const grove_parquet_options *read, const char *const *names,
    size_t n, grove_error *err)
{
  size_t *places = grove__alloc_array(memory, n + 1, sizeof *places);
  if (!places) {
    return grove__error_memory(err, "the places of columns", n * sizeof *places);
  }
  grove_parquet_close(s->file);
  s->file = NULL;
  grove__free(memory, s->places, (s->count + 1) * sizeof *s->places);
  s->places = places;
  s->names = names;
  s->formats = read->formats;
  s->count = n;
  return open_parquet(s, read, err);
}

grove_status grove__shard_schema(const grove__shard *s, struct ArrowSchema *out, grove_error *err)
{
  return grove_parquet_schema(s->file, out, err);
}

void grove__shard_close(grove__shard *s)
{
  if (!s) {
    return;
  }
  grove_table_release(s->table);
  grove_parquet_close(s->file);
  if (s->source_open && s->source.close) {
    s->source.close(s->source.user);
  }
  grove__free(memory, s->places, (s->count + 1) * sizeof *s->places);
  grove__free(memory, s, sizeof *s);
}

uint64_t grove__shard_bytes(const grove__shard *s)
{
  return s->source.bytes;
}

uint64_t grove__shard_rows(const grove__shard *s)
{
  return s->rows;
}

size_t grove__shard_groups(const grove__shard *s)
{
  return s->groups;
}

const char *grove__shard_version(const grove__shard *s)
{
  return s->source.version ? s->source.version : "";
}

// ---- cursors --------------------------------------------------------------------------------------

grove_status grove__cursor_open(
    const grove__shard *s, size_t group, grove__cursor **out, grove_error *err)
{
  *out = NULL;
  grove__cursor *c = grove__alloc_zero(memory, sizeof *c);
  if (!c) {
    return grove__error_memory(err, "a cursor", sizeof *c);
  }
  c->shard = s;
  grove_status status =
      s->file ? grove_parquet_stream(s->file, group, 1, &c->stream, err) : GROVE_OK;
  if (status) {
    grove__free(memory, c, sizeof *c);
    return status;
  }
  *out = c;
  return GROVE_OK;
}

void grove__cursor_close(grove__cursor *c)
{
  if (c && c->stream.release) {
    c->stream.release(&c->stream);
  }
  grove__free(memory, c, sizeof *c);
}

// A stream's error is an errno and a text: the library's own streams put our words into the text.
static grove_status fail_stream(grove__cursor *c, int code, grove_error *err)
{
  const char *words = c->stream.get_last_error(&c->stream);
  grove_status status = grove__status_of_errno(code);
  return grove__error(err, status, -1, "%s", words ? words : grove_status_text(status));
}

static grove_status next_batch(grove__cursor *c, grove_table **out, grove_error *err)
{
  struct ArrowArray array = {0};
  struct ArrowSchema schema = {0};
  int code = c->stream.get_next(&c->stream, &array);
  if (code) {
    return fail_stream(c, code, err);
  }
  if (!array.release) {
    return GROVE_OK; // the end
  }
  code = c->stream.get_schema(&c->stream, &schema);
  grove_status status =
      code ? fail_stream(c, code, err) : grove_table_import(&array, &schema, out, err);
  if (array.release) {
    array.release(&array);
  }
  if (schema.release) {
    schema.release(&schema);
  }
  return status;
}

grove_status grove__cursor_next(grove__cursor *c, grove_table **out, grove_error *err)
{
  const grove__shard *s = c->shard;
  *out = NULL;
  if (s->file) {
    return next_batch(c, out, err);
  }
  if (!c->given) {
    *out = grove_table_retain(s->table);
    c->given = true;
  }
  return GROVE_OK;
}

const size_t *grove__shard_places(const grove__shard *s)
{
  return s->places;
}

bool grove__shard_streams(const grove__shard *s)
{
  return s->file != NULL;
}

grove_status grove__shard_no_rows(const grove__shard *s, grove_table **out, grove_error *err)
{
  static const uint64_t none[1];
  return s->file ? grove_parquet_read(s->file, s->groups, 0, out, err)
                 : grove_table_take(s->table, none, 0, out, err);
}
