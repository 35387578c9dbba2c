#include "predict_report.h"
#include "cli_output.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

// ---- what is told ---------------------------------------------------------------------------------

// Shards of one data set have a few kinds of columns between them.
static uint32_t find_schema(predict_report *r, const char *columns)
{
  for (size_t i = 0; i < r->n_schemas; i++) {
    if (!strcmp(r->schemas[i], columns)) {
      return (uint32_t)i + 1;
    }
  }
  r->schemas = cli_grow(r->schemas, r->n_schemas + 1, sizeof *r->schemas);
  r->schemas[r->n_schemas++] = cli_format("%s", columns);
  return (uint32_t)r->n_schemas;
}

void predict_report_take(predict_report *r, size_t shard, const grove_job_result *result)
{
  predict_shard *s = &r->w->shards[shard];
  s->status = (int16_t)result->status;
  s->resumed = result->resumed != 0;
  s->bytes = result->bytes;
  s->read = result->read;
  s->rows = result->rows;
  s->score = result->score;
  if (result->columns) {
    s->columns = find_schema(r, result->columns);
    r->memory_bytes = result->memory_bytes > r->memory_bytes ? result->memory_bytes : r->memory_bytes;
  }
  if (result->status && result->status != GROVE_ECANCELED) {
    s->error = cli_format("%s", cli_plain_words(result->text));
    cli_clean_text(s->error);
  }
}

void predict_report_member(predict_report *r, const grove_job_member *m)
{
  r->members = cli_grow(r->members, r->n_members + 1, sizeof *r->members);
  r->members[r->n_members++] = *m;
}

void predict_report_free(predict_report *r)
{
  for (size_t i = 0; i < r->n_schemas; i++) {
    free(r->schemas[i]);
  }
  free(r->schemas);
  free(r->members);
}

// ---- how columns differ ---------------------------------------------------------------------------

// Of "NAME TAB FORMAT" the two parts, and what stands behind the line.
typedef struct column {
  const char *name, *format;
  int name_length, format_length;
} column;

static const char *read_column(const char *line, column *out)
{
  const char *tab = strchr(line, '\t'), *end = tab ? strchr(tab, '\n') : NULL;
  if (!end) {
    return NULL;
  }
  *out = (column){line, tab + 1, (int)(tab - line), (int)(end - tab - 1)};
  return end + 1;
}

// Exactly, else without regard to case, as shards are read.
static bool find_column(const char *columns, const column *wanted, column *out)
{
  column c, loose = {.name = NULL};
  for (const char *line = columns; (line = read_column(line, &c)) != NULL;) {
    if (c.name_length != wanted->name_length ||
        strncasecmp(c.name, wanted->name, (size_t)c.name_length) != 0) {
      continue;
    }
    loose = c;
    if (!strncmp(c.name, wanted->name, (size_t)c.name_length)) {
      break;
    }
  }
  *out = loose;
  return loose.name != NULL;
}

static int shown(const column *c)
{
  return c->name_length < 100 ? c->name_length : 100;
}

// Arrow's letters in words.
static const char *word_of(const column *c, char *room, size_t bytes)
{
  static const char *const words[][2] = {{"n", "null"}, {"b", "bool"}, {"c", "int8"}, {"C", "uint8"},
      {"s", "int16"}, {"S", "uint16"}, {"i", "int32"}, {"I", "uint32"}, {"l", "int64"},
      {"L", "uint64"}, {"e", "half"}, {"f", "float"}, {"g", "double"}, {"u", "string"}, {"U", "string"},
      {"z", "binary"}, {"Z", "binary"}, {"tdD", "date"}, {"+s", "struct"}, {"+l", "list"}, {"+m", "map"}};
  snprintf(room, bytes, "%.*s", c->format_length, c->format);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (!strcmp(room, words[i][0])) {
      return words[i][1];
    }
  }
  return room;
}

// Grows `text` by a piece. NULL is an empty one.
static char *append(char *text, const char *piece)
{
  char *longer = cli_format("%s%s%s", text ? text : "", text ? "; " : "", piece);
  free(text);
  return longer;
}

// How the columns of one shard differ from another's, in words; NULL: they don't.
static char *describe_difference(const char *first, const char *other)
{
  char *text = NULL;
  column a, b;
  char piece[300], is[40], was[40];
  for (const char *line = first; (line = read_column(line, &a)) != NULL;) {
    if (!find_column(other, &a, &b)) {
      snprintf(piece, sizeof piece, "no %.*s", shown(&a), a.name);
      text = append(text, piece);
      continue;
    }
    if (strncmp(a.name, b.name, (size_t)a.name_length) != 0) {
      snprintf(piece, sizeof piece, "%.*s is called %.*s", shown(&a), a.name, shown(&b), b.name);
      text = append(text, piece);
    }
    if (a.format_length != b.format_length ||
               strncmp(a.format, b.format, (size_t)a.format_length) != 0) {
      snprintf(piece, sizeof piece, "%.*s is %s, not %s", shown(&a), a.name, word_of(&b, is, sizeof is), word_of(&a, was, sizeof was));
      text = append(text, piece);
    }
  }
  for (const char *line = other; (line = read_column(line, &b)) != NULL;) {
    if (!find_column(first, &b, &a)) {
      snprintf(piece, sizeof piece, "also %.*s", shown(&b), b.name);
      text = append(text, piece);
    }
  }
  return text;
}

// Against the first shard that could be opened. To be freed; NULL: none.
static char *difference_of(const predict_report *r, size_t shard)
{
  const predict_wish *w = r->w;
  size_t first = 0;
  while (first < w->count && !w->shards[first].columns) {
    first++;
  }
  uint32_t mine = w->shards[shard].columns;
  if (!mine || mine == w->shards[first].columns) {
    return NULL;
  }
  char *text = describe_difference(r->schemas[w->shards[first].columns - 1], r->schemas[mine - 1]);
  if (text) {
    cli_clean_text(text);
  }
  return text;
}

// ---- JSON -----------------------------------------------------------------------------------------

static double total_score(const predict_wish *w)
{
  double sum = 0; // in the order of the arguments, so that it is the same for any number of actors
  for (size_t i = 0; i < w->count; i++) {
    sum += w->shards[i].error ? 0 : w->shards[i].score;
  }
  return sum;
}

static json_t *clean_string(const char *text)
{
  char *copy = cli_format("%s", text);
  cli_clean_text(copy);
  json_t *s = json_string(copy);
  free(copy);
  return s;
}

static json_t *shard_json(const predict_report *r, size_t i)
{
  const predict_shard *s = &r->w->shards[i];
  json_t *o = json_object();
  char *path = cli_shown_url(s->path);
  json_object_set_new(o, "path", clean_string(path));
  free(path);
  if (r->w->dry_run) {
    char *difference = difference_of(r, i);
    json_object_set_new(o, "bytes", json_integer((json_int_t)s->bytes));
    json_object_set_new(o, "rows", json_integer((json_int_t)s->read));
    json_object_set_new(o, "state", json_string(s->error ? "FAILED" : "READY"));
    json_object_set_new(o, "columns_differ", difference ? json_string(difference) : json_null());
    free(difference);
  } else {
    json_object_set_new(o, "rows", json_integer((json_int_t)s->rows));
    json_object_set_new(o, "score", cli_json_number(s->score));
    json_object_set_new(o, "state", json_string(s->error ? "FAILED" : s->status ? "OPEN" : "DONE"));
  }
  json_object_set_new(o, "error", s->error ? json_string(s->error) : json_null());
  if (s->resumed) {
    json_object_set_new(o, "resumed", json_true());
  }
  return o;
}

static json_t *members_json(const predict_report *r)
{
  json_t *list = json_array();
  for (size_t i = 0; i < r->n_members; i++) {
    const grove_job_member *m = &r->members[i];
    json_t *o = json_object();
    json_object_set_new(o, "name", clean_string(m->name));
    json_object_set_new(o, "items", json_integer((json_int_t)m->items));
    json_object_set_new(o, "failed", json_integer((json_int_t)m->failed));
    json_object_set_new(o, "groups", json_integer((json_int_t)m->groups));
    json_object_set_new(o, "rows", json_integer((json_int_t)m->rows));
    json_object_set_new(o, "busy_seconds", json_real((double)m->busy_ns / 1e9));
    json_object_set_new(o, "restarts", json_integer((json_int_t)m->restarts));
    json_array_append_new(list, o);
  }
  return list;
}

static void sum_up(const predict_wish *w, uint64_t *rows, uint64_t *bytes)
{
  *rows = *bytes = 0;
  for (size_t i = 0; i < w->count; i++) {
    *rows += w->shards[i].read;
    *bytes += w->shards[i].bytes;
  }
}

static json_t *head_json(const predict_report *r)
{
  uint64_t rows, bytes;
  json_t *o = json_object();
  json_object_set_new(o, "schema", json_integer(1));
  json_object_set_new(o, "seconds", json_real(r->seconds));
  json_object_set_new(o, "peak_rss_bytes", json_integer((json_int_t)cli_peak_bytes()));
  if (r->w->dry_run) {
    sum_up(r->w, &rows, &bytes);
    json_object_set_new(o, "plan", json_true());
    json_object_set_new(o, "rows", json_integer((json_int_t)rows));
    json_object_set_new(o, "bytes", json_integer((json_int_t)bytes));
    json_object_set_new(o, "memory_bytes", json_integer((json_int_t)r->memory_bytes));
    return o;
  }
  json_object_set_new(o, "rows", json_integer((json_int_t)r->at.rows));
  json_object_set_new(o, "score", cli_json_number(total_score(r->w)));
  return o;
}

// Prints an object's members without its braces, and frees it.
static bool put_members(json_t *o)
{
  char *text = cli_json_text(o);
  if (text) {
    text[strlen(text) - 1] = '\0';
    fputs(text + 1, stdout);
  }
  free(text);
  return text != NULL;
}

// Shard by shard: of very many the document would be larger than all else in memory.
static int put_json(const predict_report *r, int code)
{
  putchar('{');
  bool good = put_members(head_json(r));
  fputs(",\"shards\":[", stdout);
  for (size_t i = 0; good && i < r->w->count; i++) {
    fputs(i ? ",{" : "{", stdout);
    good = put_members(shard_json(r, i));
    putchar('}');
  }
  json_t *o = json_object();
  json_object_set_new(o, "failed", json_integer((json_int_t)r->at.failed));
  if (!r->w->dry_run) {
    json_object_set_new(o, "members", members_json(r));
  }
  fputs("],", stdout);
  good = put_members(o) && good;
  puts("}");
  return good ? code : cli_fail(EXIT_RUN, "the result can't be made into JSON");
}

// ---- tables ---------------------------------------------------------------------------------------

static void put_table(const predict_report *r)
{
  static const char *const heads[] = {"shard", "predictions", "score"};
  static const bool right[] = {false, true, true};
  cli_table *t = cli_table_create(3, heads, right);
  char rows[32], score[40];
  for (size_t i = 0; i < r->w->count; i++) {
    const predict_shard *s = &r->w->shards[i];
    snprintf(rows, sizeof rows, "%llu", (unsigned long long)s->rows);
    cli_format_double(s->score, score);
    char *path = cli_shown_url(s->path);
    const char *cells[] = {path, s->error ? "-" : rows, s->error ? "FAILED" : score};
    cli_table_add(t, cells);
    free(path);
  }
  snprintf(rows, sizeof rows, "%llu", (unsigned long long)r->at.rows);
  cli_format_double(total_score(r->w), score);
  const char *total[] = {"total", rows, score};
  cli_table_add(t, total);
  cli_table_put(t);
  printf("%zu shard%s, %zu failed", r->w->count, r->w->count == 1 ? "" : "s", r->at.failed);
  if (r->at.resumed) {
    printf(", %zu done before", r->at.resumed);
  }
  printf(", in %.3f s\n", r->seconds);
}

static void put_plan(const predict_report *r)
{
  static const char *const heads[] = {"shard", "bytes", "rows", ""};
  static const bool right[] = {false, true, true, false};
  cli_table *t = cli_table_create(4, heads, right);
  char rows[32], bytes[32];
  uint64_t all_rows, all_bytes;
  for (size_t i = 0; i < r->w->count; i++) {
    const predict_shard *s = &r->w->shards[i];
    snprintf(rows, sizeof rows, "%llu", (unsigned long long)s->read);
    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)s->bytes);
    char *difference = difference_of(r, i);
    const char *said = s->error ? "FAILED" : difference ? difference : "";
    char *path = cli_shown_url(s->path);
    const char *cells[] = {path, s->error ? "-" : bytes, s->error ? "-" : rows, said};
    cli_table_add(t, cells);
    free(path);
    free(difference);
  }
  sum_up(r->w, &all_rows, &all_bytes);
  snprintf(rows, sizeof rows, "%llu", (unsigned long long)all_rows);
  snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)all_bytes);
  const char *total[] = {"total", bytes, rows, ""};
  cli_table_add(t, total);
  cli_table_put(t);
  printf("%zu shard%s, %zu can't be used; %zu kind%s of columns; memory for shards about %.1f MB; nothing was "
         "scored\n",
      r->w->count, r->w->count == 1 ? "" : "s", r->at.failed, r->n_schemas, r->n_schemas == 1 ? "" : "s",
      (double)r->memory_bytes / 1e6);
}

// ---- the end --------------------------------------------------------------------------------------

// What is not found in a file that is there is a column: then the file is not what it should be.
static int code_of(const predict_shard *s)
{
  return s->status == GROVE_ENOENT && !access(s->path, F_OK) ? EXIT_DATA : cli_exit_code(s->status);
}

// Some failed: 3. All failed: there is no partial result, and the code is that of the first.
static int judge(const predict_report *r)
{
  int first = EXIT_GOOD;
  for (size_t i = 0; i < r->w->count; i++) {
    const predict_shard *s = &r->w->shards[i];
    if (s->error) {
      cli_note("%s", s->error);
      first = first ? first : code_of(s);
    }
  }
  return r->at.failed && r->at.failed < r->w->count ? EXIT_PARTIAL : first;
}

int predict_report_put(const predict_report *r)
{
  int code = judge(r);
  if (r->w->json) {
    return put_json(r, code);
  }
  (r->w->dry_run ? put_plan : put_table)(r);
  return code;
}
