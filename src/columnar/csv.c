#include "columnar/csv.h"
#include "base/options.h"
#include "columnar/number.h"
#include <stdarg.h>
#include <stdio.h>

enum { ROWS_BETWEEN_YIELDS = 8192 };

grove_status grove__csv_fail(grove__csv *c, grove_status s, size_t column, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  grove__error_v(c->err, s, (int64_t)c->row, format, args);
  va_end(args);
  if (column == SIZE_MAX) {
    return grove__error_prefix(c->err, s, "line %llu", (unsigned long long)c->line);
  }
  return grove__error_prefix(c->err, s, "line %llu, column %zu \"%.80s\"",
      (unsigned long long)c->line, column + 1, grove__csv_name(c, column));
}

grove_status grove__csv_fail_memory(grove__csv *c, grove_status s)
{
  if (s == GROVE_ELIMIT) {
    return grove__csv_fail(c, s, SIZE_MAX,
        "memory_bytes = %llu is not enough; %llu bytes are in use",
        (unsigned long long)c->budget.limit, (unsigned long long)c->budget.used);
  }
  return grove__csv_fail(
      c, s, SIZE_MAX, "no memory behind the first %llu bytes", (unsigned long long)c->budget.used);
}

// ---- options -----------------------------------------------------------------------------------

static bool is_separator(uint32_t ch)
{
  return ch > 0 && ch < 128 && ch != '\n' && ch != '\r' && ch != '.' && ch != '+' && ch != '-' &&
         !(ch >= '0' && ch <= '9') && !(ch >= 'A' && ch <= 'Z') && !(ch >= 'a' && ch <= 'z');
}

static bool looks_like_number(const char *text)
{
  return *text && strchr("0123456789+-.", *text);
}

static grove_status read_options(grove__csv *c, const grove_csv_options *given)
{
  static const char *const nulls[] = {"", "NA", "NaN", "null", NULL};
  grove_csv_options *o = &c->options;
  grove_status s = grove__options_read(o, sizeof *o, given);
  if (!s && o->work) {
    s = grove__options_read(&c->work, sizeof c->work, o->work);
  }
  if (s) {
    return grove__error(
        c->err, s, -1, "grove_csv_options or its work: a struct_size of another version");
  }
  o->delimiter = o->delimiter ? o->delimiter : ',';
  o->quote = o->quote ? o->quote : '"';
  o->nulls = o->nulls ? o->nulls : nulls;
  if (!is_separator(o->delimiter) || !is_separator(o->quote) || o->quote == o->delimiter) {
    return grove__error(c->err, GROVE_EINVAL, -1,
        "delimiter %u and quote %u: two different ASCII characters are wanted that can't be a part "
        "of a number "
        "or a line end",
        (unsigned)o->delimiter, (unsigned)o->quote);
  }
  c->delimiter = (char)o->delimiter;
  c->quote = (char)o->quote;
  c->stops[o->delimiter] = c->stops['\n'] = c->stops['\r'] = true;
  c->quick = true;
  for (const char *const *null = o->nulls; *null; null++) {
    size_t n = strlen(*null);
    c->quick = c->quick && !looks_like_number(*null);
    c->null_lengths |= (uint64_t)1 << (n < 63 ? n : 63);
  }
  c->budget.allocator = grove__allocator_of(o->allocator);
  c->budget.limit = o->memory_bytes;
  return GROVE_OK;
}

// ---- rows --------------------------------------------------------------------------------------

static grove_status fail_ragged(grove__csv *c, size_t fields, bool ended, uint64_t line)
{
  grove__csv_field f = {.ends = ended};
  for (; !f.ends; fields++) {
    GROVE__TRY(grove__csv_scan(c, SIZE_MAX, &f));
  }
  c->line = line;
  return grove__csv_fail(c, GROVE_ECORRUPT, SIZE_MAX, "%zu fields where the %s has %zu", fields,
      c->options.no_header ? "first row" : "header", c->n);
}

static grove_status read_row(grove__csv *c)
{
  grove__csv_field f = {0};
  grove__digits d;
  uint64_t first_line = c->line;
  for (size_t i = 0; i < c->n; i++) {
    const grove__csv_column *col = grove__csv_column_at(c, i);
    if (col->quick && grove__csv_scan_number(c, &d, &f.ends)) {
      GROVE__TRY(grove__csv_put_number(c, i, &d));
    } else {
      uint64_t line = c->line;
      GROVE__TRY(grove__csv_scan(c, i, &f));
      if (col->active) {
        uint64_t next = c->line;
        c->line = line; // for errors
        GROVE__TRY(grove__csv_put_field(c, i, &f));
        c->line = next;
      }
    }
    if (f.ends != (i + 1 == c->n)) {
      return fail_ragged(c, i + 1, f.ends, first_line);
    }
  }
  c->row++;
  return GROVE_OK;
}

static grove_status pause_now(grove__csv *c)
{
  if (c->work.cancelled && c->work.cancelled(c->work.user)) {
    return grove__csv_fail(c, GROVE_ECANCELED, SIZE_MAX, "cancelled");
  }
  grove_status s = c->work.yield ? c->work.yield(c->work.user) : GROVE_OK;
  return s ? grove__csv_fail(c, s, SIZE_MAX, "%s", grove_status_text(s)) : GROVE_OK;
}

static grove_status read_rows(grove__csv *c)
{
  for (;;) {
    bool end;
    GROVE__TRY(grove__csv_next_record(c, &end));
    if (end) {
      return GROVE_OK;
    }
    GROVE__TRY(read_row(c));
    if (c->row % ROWS_BETWEEN_YIELDS == 0) {
      GROVE__TRY(pause_now(c));
    }
  }
}

// The second pass: only the columns that turned out to be text.
static grove_status read_again(grove__csv *c)
{
  bool any = false;
  c->rows = c->row;
  for (size_t i = 0; i < c->n; i++) {
    grove__csv_column *col = grove__csv_column_at(c, i);
    any = any || col->again;
    col->active = col->again;
    col->quick = false;
    if (col->again) {
      GROVE__TRY(grove__csv_start_column(c, i, GROVE__CSV_TEXT));
    }
  }
  if (!any) {
    return GROVE_OK;
  }
  GROVE__TRY(grove__csv_rewind(c));
  bool end = false;
  grove__csv_field f = {.ends = c->options.no_header};
  GROVE__TRY(grove__csv_next_record(c, &end));
  while (!end && !f.ends) {
    GROVE__TRY(grove__csv_scan(c, SIZE_MAX, &f));
  }
  GROVE__TRY(read_rows(c));
  if (c->row != c->rows) {
    return grove__csv_fail(c, GROVE_EIO, SIZE_MAX, "the file changed while it was read");
  }
  return GROVE_OK;
}

// ---- the table ---------------------------------------------------------------------------------

static grove_status finish_column(grove__csv *c, size_t i, grove__column *out)
{
  static const char *const formats[] = {"g", "l", "g", "b", "u"};
  grove__csv_column *col = grove__csv_column_at(c, i);
  grove_status s = grove__builder_finish(
      &c->budget, &col->builder, grove__csv_name(c, i), formats[col->type], out);
  return s ? grove__csv_fail_memory(c, s) : GROVE_OK;
}

static size_t find_index(const grove__csv *c, const char *name)
{
  size_t i = 0;
  while (strcmp(grove__csv_name(c, i), name) != 0) {
    i++;
  }
  return i;
}

// In the order of the file, or of the options' columns.
static grove_status finish_columns(grove__csv *c, grove__column *columns, size_t *n)
{
  if (c->options.columns) {
    for (*n = 0; c->options.columns[*n]; ++*n) {
      GROVE__TRY(finish_column(c, find_index(c, c->options.columns[*n]), &columns[*n]));
    }
    return GROVE_OK;
  }
  for (*n = 0; *n < c->n; ++*n) {
    GROVE__TRY(finish_column(c, *n, &columns[*n]));
  }
  return GROVE_OK;
}

static grove_status make_table(grove__csv *c, grove_table **out)
{
  const grove_allocator *a = &c->budget.allocator;
  size_t n = 0;
  grove__column *columns = grove__alloc_zero(a, c->n * sizeof *columns);
  if (!columns) {
    return grove__csv_fail_memory(c, GROVE_ENOMEM);
  }
  grove_status s = finish_columns(c, columns, &n);
  if (!s) {
    s = grove__table_build(a, columns, n, c->rows, out, c->err);
  }
  if (s) {
    grove__columns_free(a, columns, n);
  }
  grove__free(a, columns, c->n * sizeof *columns);
  return s;
}

static grove_status read_table(grove__csv *c, grove_table **out)
{
  GROVE__TRY(grove__csv_read_header(c));
  for (size_t i = 0; i < c->n; i++) {
    grove__csv_column *col = grove__csv_column_at(c, i);
    col->active = col->wanted;
    if (col->wanted) {
      GROVE__TRY(grove__csv_start_column(c, i, GROVE__CSV_UNKNOWN));
    }
  }
  GROVE__TRY(read_rows(c));
  GROVE__TRY(read_again(c));
  return make_table(c, out);
}

static void free_reader(grove__csv *c)
{
  for (size_t i = 0; i < c->n; i++) {
    grove__builder_free(&c->budget, &grove__csv_column_at(c, i)->builder);
  }
  grove__buffer_free(&c->budget, &c->columns);
  grove__buffer_free(&c->budget, &c->names);
  grove__buffer_free(&c->budget, &c->scratch);
  grove__csv_close(c);
}

grove_status grove_csv_read(
    const char *path, const grove_csv_options *o, grove_table **out, grove_error *err)
{
  grove__csv c = {.err = err, .source.fd = -1};
  if (out) {
    *out = NULL;
  }
  if (!out || !path) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_csv_read wants a path and a place for the table");
  }
  GROVE__TRY(read_options(&c, o));
  grove_status s = grove__csv_open(&c, path);
  if (!s) {
    s = read_table(&c, out);
  }
  free_reader(&c);
  return s ? grove__error_prefix(err, s, "%.180s", path) : GROVE_OK;
}

grove_status grove_csv_parse(
    const char *text, size_t bytes, const grove_csv_options *o, grove_table **out, grove_error *err)
{
  grove__csv c = {.err = err, .source.fd = -1};
  if (out) {
    *out = NULL;
  }
  if (!out || (!text && bytes)) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_csv_parse wants a text and a place for the table");
  }
  GROVE__TRY(read_options(&c, o));
  c.source.text = text ? text : "";
  c.source.bytes = bytes;
  grove_status s = read_table(&c, out);
  free_reader(&c);
  return s;
}
