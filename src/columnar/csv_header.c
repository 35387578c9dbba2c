#include "base/suggest.h"
#include "columnar/csv.h"
#include "columnar/utf8.h"
#include <stdio.h>
#include <stdlib.h>

static grove_status add_column(grove__csv *c, const char *name, size_t n)
{
  grove_status s = grove__buffer_reserve(&c->budget, &c->columns, sizeof(grove__csv_column));
  if (!s) {
    s = grove__buffer_reserve(&c->budget, &c->names, n + 1);
  }
  if (s) {
    return grove__csv_fail_memory(c, s);
  }
  *grove__csv_column_at(c, c->n) = (grove__csv_column){.name = c->names.used};
  c->columns.used += sizeof(grove__csv_column);
  if (n) {
    memcpy(c->names.p + c->names.used, name, n);
  }
  c->names.p[c->names.used + n] = 0;
  c->names.used += n + 1;
  c->n++;
  return GROVE_OK;
}

static grove_status read_names(grove__csv *c)
{
  grove__csv_field f = {0};
  while (!f.ends) {
    uint64_t line = c->line;
    GROVE__TRY(grove__csv_scan(c, SIZE_MAX, &f));
    size_t good = grove__utf8_check(f.text, f.n);
    uint64_t next = c->line;
    c->line = line; // for errors
    if (good < f.n) {
      return grove__csv_fail(c, GROVE_ECORRUPT, SIZE_MAX,
          "the name of column %zu has the byte 0x%02X, which is not UTF-8", c->n + 1,
          (unsigned char)f.text[good]);
    }
    if (memchr(f.text, 0, f.n)) {
      return grove__csv_fail(c, GROVE_ECORRUPT, SIZE_MAX,
          "the name of column %zu has a zero byte: is this a text file in UTF-8?", c->n + 1);
    }
    c->line = next;
    GROVE__TRY(add_column(c, f.text, f.n));
  }
  return GROVE_OK;
}

// Without a header the first row says how many columns there are; it is then read again as a row.
static grove_status number_columns(grove__csv *c)
{
  grove__csv_field f = {0};
  while (!f.ends) {
    char name[24];
    GROVE__TRY(grove__csv_scan(c, SIZE_MAX, &f));
    int n = snprintf(name, sizeof name, "%zu", c->n);
    GROVE__TRY(add_column(c, name, (size_t)n));
  }
  return grove__csv_rewind(c);
}

static int compare_names(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static grove_status check_names(grove__csv *c)
{
  size_t bytes;
  const char **sorted = grove__multiply(c->n, sizeof *sorted, &bytes)
                            ? grove__alloc(&c->budget.allocator, bytes)
                            : NULL;
  if (!sorted) {
    return grove__csv_fail_memory(c, GROVE_ENOMEM);
  }
  for (size_t i = 0; i < c->n; i++) {
    sorted[i] = grove__csv_name(c, i);
  }
  qsort(sorted, c->n, sizeof *sorted, compare_names);
  grove_status s = GROVE_OK;
  for (size_t i = 1; !s && i < c->n; i++) {
    if (strcmp(sorted[i - 1], sorted[i]) == 0) {
      c->line -= c->line > 1; // the header's own
      s = grove__csv_fail(
          c, GROVE_ECORRUPT, SIZE_MAX, "two columns are named \"%.80s\"", sorted[i]);
    }
  }
  grove__free(&c->budget.allocator, sorted, bytes);
  return s;
}

static const char *name_at(const void *csv, size_t i)
{
  const grove__csv *c = csv;
  return i < c->n ? grove__csv_name(c, i) : NULL;
}

static grove_status select_columns(grove__csv *c)
{
  const char *const *wanted = c->options.columns;
  for (size_t i = 0; i < c->n && !wanted; i++) {
    grove__csv_column_at(c, i)->wanted = true;
  }
  for (; wanted && *wanted; wanted++) {
    size_t i = 0;
    while (i < c->n && strcmp(grove__csv_name(c, i), *wanted) != 0) {
      i++;
    }
    if (i == c->n) {
      return grove__error_unknown(c->err, GROVE_ENOENT, "column", *wanted, name_at, c);
    }
    if (grove__csv_column_at(c, i)->wanted) {
      return grove__error(c->err, GROVE_EINVAL, -1, "column \"%.80s\" is asked for twice", *wanted);
    }
    grove__csv_column_at(c, i)->wanted = true;
  }
  return GROVE_OK;
}

grove_status grove__csv_read_header(grove__csv *c)
{
  bool end = false;
  GROVE__TRY(grove__csv_rewind(c));
  GROVE__TRY(grove__csv_next_record(c, &end));
  if (end) {
    return grove__csv_fail(c, GROVE_ECORRUPT, SIZE_MAX, "the file is empty%s",
        c->options.no_header ? "" : ": there is no header");
  }
  if (c->options.no_header) {
    GROVE__TRY(number_columns(c));
  } else {
    GROVE__TRY(read_names(c));
    GROVE__TRY(check_names(c));
  }
  return select_columns(c);
}
