#include "cli_output.h"
#include "cli.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// jansson prints reals with 17 digits, 0.10000000000000001: here one becomes the shortest text that reads back as the
// same number, at `to`, which may be `from`. What would be longer (jansson writes 2e-7 where printf has 2e-07) stays.
static size_t put_shortest(char *to, const char *from, size_t n)
{
  char number[40];
  cli_format_double(strtod(from, NULL), number);
  if (!strpbrk(number, ".e")) {
    strcat(number, ".0"); // it stays a real
  }
  size_t length = strlen(number);
  if (length > n) {
    memmove(to, from, n);
    return n;
  }
  memcpy(to, number, length);
  return length;
}

// How many bytes at `p` belong together: an escaped character, or a number.
static size_t measure_token(const char *p, bool quoted)
{
  if (quoted) {
    return *p == '\\' && p[1] ? 2 : 1;
  }
  return *p == '-' || (*p >= '0' && *p <= '9') ? strspn(p, "+-.0123456789eE") : 1;
}

static void shorten_numbers(char *text)
{
  char *to = text;
  bool quoted = false;
  for (const char *p = text; *p;) {
    size_t n = measure_token(p, quoted);
    size_t done = n;
    if (!quoted && n > 2 && memchr(p, '.', n)) {
      done = put_shortest(to, p, n);
    } else {
      memmove(to, p, n);
      quoted ^= n == 1 && *to == '"';
    }
    to += done;
    p += n;
  }
  *to = '\0';
}

char *cli_json_text(json_t *document)
{
  char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
  json_decref(document);
  if (text) {
    shorten_numbers(text);
  }
  return text;
}

int cli_put_json(json_t *document, int code)
{
  char *text = cli_json_text(document);
  if (!text) {
    return cli_fail(EXIT_RUN, "the result can't be made into JSON");
  }
  puts(text);
  free(text);
  return code;
}

json_t *cli_json_number(double v)
{
  return isfinite(v) ? json_real(v) : json_null();
}

struct cli_table {
  size_t columns, rows;
  bool *right;
  size_t *width;
  char **cells; // rows * columns; the heads are row 0
};

// Columns of a terminal, not bytes: UTF-8's continuation bytes take no room.
static size_t measure(const char *text)
{
  size_t n = 0;
  for (; *text; text++) {
    n += ((unsigned char)*text & 0xc0) != 0x80;
  }
  return n;
}

void cli_table_add(cli_table *t, const char *const *cells)
{
  t->cells = cli_grow(t->cells, (t->rows + 1) * t->columns, sizeof *t->cells);
  for (size_t i = 0; i < t->columns; i++) {
    char *cell = cli_format("%s", cells[i]);
    cli_clean_text(cell); // a file's name may have a line end in it, or a terminal's commands
    size_t n = measure(cell);
    t->cells[t->rows * t->columns + i] = cell;
    t->width[i] = n > t->width[i] ? n : t->width[i];
  }
  t->rows++;
}

cli_table *cli_table_create(size_t columns, const char *const *heads, const bool *right)
{
  cli_table *t = cli_alloc(1, sizeof *t);
  t->columns = columns;
  t->right = cli_alloc(columns, sizeof *t->right);
  memcpy(t->right, right, columns * sizeof *right);
  t->width = cli_alloc(columns, sizeof *t->width);
  cli_table_add(t, heads);
  return t;
}

void cli_table_put(cli_table *t)
{
  for (size_t i = 0; i < t->rows * t->columns; i++) {
    size_t column = i % t->columns;
    bool last = column + 1 == t->columns;
    size_t room = t->width[column] - measure(t->cells[i]);
    int before = t->right[column] ? (int)room : 0;
    int after = last || t->right[column] ? 0 : (int)room; // no blanks at the end of a line
    printf("%*s%s%*s%s", before, "", t->cells[i], after, "", last ? "\n" : "  ");
  }
  cli_table_drop(t);
}

void cli_table_drop(cli_table *t)
{
  for (size_t i = 0; i < t->rows * t->columns; i++) {
    free(t->cells[i]);
  }
  free(t->cells);
  free(t->width);
  free(t->right);
  free(t);
}
