#include "predict/shard_inside.h"
#include "base/alloc.h"
#include "base/errnos.h"
#include "base/error.h"
#include "base/status.h"
#include "base/suggest.h"
#include "columnar/arrow.h"
#include "predict/choose.h"
#include "store/url.h"
#include <stdio.h>
#include <strings.h>

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
    const char *wanted, const struct names *there, const char **out, grove_error *err)
{
  const char *loose = NULL;
  size_t matches = 0;
  for (size_t i = 0; i < there->n; i++) {
    if (!strcmp(there->list[i], wanted)) {
      *out = there->list[i];
      return GROVE_OK;
    }
    if (!strcasecmp(there->list[i], wanted)) {
      loose = there->list[i];
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

static grove_status put_found(grove__shard *s, size_t i, const char *name, grove_error *err)
{
  grove__free_text(memory, (char *)(uintptr_t)s->found[i]);
  s->found[i] = grove__copy_text(memory, name);
  return s->found[i] ? GROVE_OK : grove__error_memory(err, "a column's name", strlen(name) + 1);
}

static grove_status match_all(
    grove__shard *s, const char *const *wanted, const struct names *there, grove_error *err)
{
  for (size_t i = 0; i < s->count; i++) {
    const char *name = NULL;
    GROVE__TRY(match_name(wanted[i], there, &name, err));
    GROVE__TRY(put_found(s, i, name, err));
  }
  return GROVE_OK;
}

// ---- Parquet --------------------------------------------------------------------------------------

static grove_status open_file(grove__shard *s, const grove_parquet_options *read,
    const char *const *columns, grove_error *err)
{
  grove_parquet_options o = *read;
  o.columns = columns;
  o.formats = columns ? s->formats : NULL;
  o.work = NULL;
  return grove_parquet_open(&s->source, &o, &s->file, err);
}

static grove_status match_schema(
    grove__shard *s, const struct ArrowSchema *schema, const char *const *wanted, grove_error *err)
{
  size_t n = schema->n_children > 0 ? (size_t)schema->n_children : 0;
  const char **list = grove__alloc_array(memory, n + 1, sizeof *list);
  if (!list) {
    return grove__error_memory(err, "a file's column names", n * sizeof *list);
  }
  for (size_t i = 0; i < n; i++) {
    list[i] = schema->children[i]->name ? schema->children[i]->name : "";
  }
  struct names there = {list, n};
  grove_status status = match_all(s, wanted, &there, err);
  grove__free(memory, list, (n + 1) * sizeof *list);
  return status;
}

// Opens with all columns to learn their names, then again with those that are meant.
static grove_status open_by_schema(
    grove__shard *s, const grove_parquet_options *read, const char *const *wanted, grove_error *err)
{
  struct ArrowSchema schema = {0};
  GROVE__TRY(open_file(s, read, NULL, err));
  grove_status status = grove_parquet_schema(s->file, &schema, err);
  if (!status) {
    status = match_schema(s, &schema, wanted, err);
  }
  if (schema.release) {
    schema.release(&schema);
  }
  grove_parquet_close(s->file);
  s->file = NULL;
  return status ? status : open_file(s, read, s->found, err);
}

// Mostly the names are right as they are, and one look at the footer is enough.
static grove_status open_parquet(
    grove__shard *s, const grove_parquet_options *read, const char *const *wanted, grove_error *err)
{
  struct ArrowArrayStream probe = {0};
  grove_status status = open_file(s, read, s->found, err);
  if (!status) {
    status = grove_parquet_stream(s->file, 0, 0, &probe, err); // finds the columns
  }
  if (status == GROVE_ENOENT) {
    grove_parquet_close(s->file);
    s->file = NULL;
    GROVE__TRY(open_by_schema(s, read, wanted, err));
    status = grove_parquet_stream(s->file, 0, 0, &probe, err);
  }
  if (probe.release) {
    probe.release(&probe);
  }
  GROVE__TRY(status);
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

static grove_status match_table(grove__shard *s, const char *const *wanted, grove_error *err)
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
  grove_status status = match_all(s, wanted, &there, err);
  grove__free(memory, list, (n + 1) * sizeof *list);
  return status;
}

static grove_status parse_csv(
    grove__shard *s, const char *text, const char *const *wanted, uint64_t limit, grove_error *err)
{
  size_t n = (size_t)s->source.bytes;
  grove_csv_options o = {.struct_size = sizeof o, .memory_bytes = limit, .columns = s->found};
  grove_status status = grove_csv_parse(text, n, &o, &s->table, err);
  if (status == GROVE_ENOENT) { // a name that is not exact: read all columns and look among them
    o.columns = NULL;
    GROVE__TRY(grove_csv_parse(text, n, &o, &s->table, err));
    status = match_table(s, wanted, err);
  }
  GROVE__TRY(status);
  s->rows = grove_table_rows(s->table);
  s->groups = 1;
  return GROVE_OK;
}

static grove_status open_csv(
    grove__shard *s, const grove_parquet_options *read, const char *const *wanted, grove_error *err)
{
  char *text;
  GROVE__TRY(grove__shard_text(s, read->memory_bytes, &text, err));
  grove_status status = parse_csv(s, text, wanted, read->memory_bytes, err);
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
  return n >= m && !strncasecmp(name + n - m, end, m);
}

// Until more is known they are called what they are wanted as.
static grove_status make_found(grove__shard *s, grove_error *err)
{
  s->found = grove__alloc_array(memory, s->count + 1, sizeof *s->found);
  if (!s->found) {
    return grove__error_memory(err, "the names of columns", s->count);
  }
  memset(s->found, 0, (s->count + 1) * sizeof *s->found);
  for (size_t i = 0; i < s->count; i++) {
    GROVE__TRY(put_found(s, i, s->names[i], err));
  }
  return GROVE_OK;
}

static grove_status open_columns(
    grove__shard *s, const grove_parquet_options *read, grove_error *err)
{
  GROVE__TRY(make_found(s, err));
  return s->is_csv ? open_csv(s, read, s->names, err) : open_parquet(s, read, s->names, err);
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
  s->source.struct_size = sizeof s->source;
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
  return hand_out(s, status ? status : open_columns(s, read, err), out);
}

grove_status grove__shard_open_beside(const grove__shard *of, const grove_parquet_options *read,
    const char *const *names, size_t n, grove__shard **out, grove_error *err)
{
  *out = NULL;
  grove__shard *s = make_shard(read, names, n, err);
  if (!s) {
    return GROVE_ENOMEM;
  }
  s->is_csv = of->is_csv;
  s->source = of->source;
  return hand_out(s, open_columns(s, read, err), out);
}

grove_status grove__shard_of_table(grove_table *t, const char *const *names,
    const char *const *formats, size_t n, grove__shard **out, grove_error *err)
{
  grove_parquet_options how = {GROVE_PARQUET, .formats = formats};
  *out = NULL;
  grove__shard *s = make_shard(&how, names, n, err);
  if (!s) {
    return GROVE_ENOMEM;
  }
  s->table = grove_table_retain(t);
  s->rows = grove_table_rows(t);
  s->groups = 1;
  grove_status status = make_found(s, err);
  return hand_out(s, status ? status : match_table(s, names, err), out);
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
  for (size_t i = 0; s->found && i < s->count; i++) {
    grove__free_text(memory, (char *)(uintptr_t)s->found[i]);
  }
  grove__free(memory, s->found, (s->count + 1) * sizeof *s->found);
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

grove_status grove__cursor_next(
    grove__cursor *c, grove_table **out, size_t *columns, grove_error *err)
{
  const grove__shard *s = c->shard;
  *out = NULL;
  if (s->file) {
    GROVE__TRY(next_batch(c, out, err));
  } else if (!c->given) {
    *out = grove_table_retain(s->table);
    c->given = true;
  }
  for (size_t i = 0; *out && i < s->count; i++) {
    grove_status status = grove_table_find(*out, s->found[i], &columns[i], err);
    if (status) {
      grove_table_release(*out);
      *out = NULL;
      return status;
    }
  }
  return GROVE_OK;
}

grove_status grove__shard_read(
    const grove__shard *s, size_t group, grove_table **out, grove_error *err)
{
  if (s->file) {
    bool none = group == SIZE_MAX; // the groups past the last one: no rows, all columns
    return grove_parquet_read(s->file, none ? s->groups : group, none ? 0 : 1, out, err);
  }
  size_t *places = grove__alloc_array(memory, s->count, sizeof *places);
  grove_status status =
      places ? GROVE_OK : grove__error_memory(err, "the places of columns", s->count);
  for (size_t i = 0; i < s->count && !status; i++) {
    status = grove_table_find(s->table, s->found[i], &places[i], err);
  }
  if (!status) {
    status = grove__table_choose(s->table, places, s->names, s->formats, s->count, out, err);
  }
  grove__free(memory, places, s->count * sizeof *places);
  return status;
}
