// grove parquet schema, meta and stats: what footers say.
#include "cli_output.h"
#include "columnar/arrow.h"
#include "parquet_look.h"
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// A column, and behind it what is in it if it is nested, further in.
static void add_field(cli_table *t, const struct ArrowSchema *c, int depth)
{
  char *name = cli_format("%*s%s", 2 * depth, "", c->name);
  const char *cells[] = {name, c->format, c->flags & ARROW_FLAG_NULLABLE ? "may be null" : "never null"};
  cli_table_add(t, cells);
  free(name);
  for (int64_t i = 0; i < c->n_children; i++) {
    add_field(t, c->children[i], depth + 1);
  }
}

static json_t *field_json(const struct ArrowSchema *c)
{
  json_t *j = json_pack("{s:s, s:s, s:b}", "name", c->name, "format", c->format, "nullable",
      (c->flags & ARROW_FLAG_NULLABLE) != 0);
  json_t *children = c->n_children ? json_array() : NULL;
  for (int64_t i = 0; i < c->n_children; i++) {
    json_array_append_new(children, field_json(c->children[i]));
  }
  if (children) {
    json_object_set_new(j, "children", children);
  }
  return j;
}

static int put_schema(parquet_look *l, const struct ArrowSchema *schema)
{
  static const char *const heads[] = {"column", "format", "nulls"};
  static const bool right[] = {false, false, false};
  json_t *columns = json_array();
  cli_table *t = cli_table_create(3, heads, right);
  for (int64_t i = 0; i < schema->n_children; i++) {
    add_field(t, schema->children[i], 0);
    json_array_append_new(columns, field_json(schema->children[i]));
  }
  if (l->json) {
    cli_table_drop(t);
    return cli_put_json(
        json_pack("{s:i, s:s, s:o}", "schema", 1, "path", l->path, "columns", columns), EXIT_GOOD);
  }
  json_decref(columns);
  cli_table_put(t);
  return EXIT_GOOD;
}

typedef int put_fn(parquet_look *l, const struct ArrowSchema *schema);

// What is said of a file by its footer alone; of several, behind their names.
static int put_footer(parquet_look *l, void *user)
{
  put_fn *const *put = user;
  struct ArrowSchema schema = {0};
  grove_error err = {0};
  grove_status s = grove_parquet_schema(l->file, &schema, &err);
  if (s) {
    return look_fail(l, s, &err);
  }
  if (l->n_paths > 1 && !l->json) {
    printf("%s%s:\n", l->at ? "\n" : "", l->path);
  }
  int code = (*put)(l, &schema);
  schema.release(&schema);
  return code;
}

static int look_at_footers(const cli_command *c, int argc, char **argv, put_fn *put)
{
  static const int which[] = {LOOK_JSON};
  parquet_look l = {0};
  int code = look_options(&l, c, which, argc, argv);
  code = code ? code : look_each(&l, false, put_footer, &put);
  look_drop(&l);
  return code;
}

int run_parquet_schema(const cli_command *c, int argc, char **argv)
{
  return look_at_footers(c, argc, argv, put_schema);
}

// ---- meta -----------------------------------------------------------------------------------------

// What the file says of itself: its pairs, and who wrote it.
struct notes {
  json_t *pairs, *writer;
};

// As it is where it is text; other bytes become "?".
static json_t *note_json(const char *bytes, size_t n)
{
  json_t *j = json_stringn(bytes, n);
  if (!j) {
    char *text = cli_format("%.*s", (int)(n < INT_MAX ? n : INT_MAX), bytes);
    cli_clean_text(text);
    j = json_string(text);
    free(text);
  }
  return j;
}

static grove_status hear_note(void *user, const char *key, const char *value, size_t bytes)
{
  struct notes *notes = user;
  json_t *said = note_json(value, bytes);
  if (!key) {
    json_decref(notes->writer);
    notes->writer = said;
    return GROVE_OK;
  }
  return json_array_append_new(notes->pairs,
             json_pack("{s:o, s:o}", "key", note_json(key, strlen(key)), "value", said))
             ? GROVE_ENOMEM
             : GROVE_OK;
}

// On one line, cut where it is long: others put whole schemas there.
static void put_note(const json_t *pair)
{
  enum { SHOWN = 120 };
  const char *value = json_string_value(json_object_get(pair, "value"));
  size_t n = json_string_length(json_object_get(pair, "value")), shown = n < SHOWN ? n : SHOWN;
  while (shown < n && shown && ((unsigned char)value[shown] & 0xc0) == 0x80) {
    shown--; // not in the middle of a character
  }
  char *line = cli_format("%s = %.*s", json_string_value(json_object_get(pair, "key")), (int)shown, value);
  cli_clean_text(line);
  printf("metadata    %s", line);
  if (shown < n) {
    printf("... (%zu bytes; --json has all)", n);
  }
  putchar('\n');
  free(line);
}

static int put_meta_text(parquet_look *l, const struct ArrowSchema *schema, struct notes *notes)
{
  printf("path        %s\nbytes       %" PRIu64 "\nrows        %" PRIu64
         "\nrow groups  %zu\ncolumns     "
         "%" PRId64 "\n",
      l->path, l->in.bytes, grove_parquet_rows(l->file), grove_parquet_groups(l->file),
      schema->n_children);
  if (json_is_string(notes->writer)) {
    char *writer = cli_format("%s", json_string_value(notes->writer));
    cli_clean_text(writer);
    printf("written by  %s\n", writer);
    free(writer);
  }
  for (size_t i = 0; i < json_array_size(notes->pairs); i++) {
    put_note(json_array_get(notes->pairs, i));
  }
  return EXIT_GOOD;
}

static int put_meta(parquet_look *l, const struct ArrowSchema *schema)
{
  struct notes notes = {json_array(), json_null()};
  grove_error err = {0};
  grove_status s = grove_parquet_metadata(l->file, hear_note, &notes, &err);
  int code = EXIT_GOOD;
  if (s) {
    code = look_fail(l, s, &err);
  } else if (l->json) {
    code = cli_put_json(
        json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:O, s:O}", "schema", 1, "path", l->path, "bytes",
            (json_int_t)l->in.bytes, "rows", (json_int_t)grove_parquet_rows(l->file), "row_groups",
            (json_int_t)grove_parquet_groups(l->file), "columns", (json_int_t)schema->n_children, "created_by",
            notes.writer, "metadata", notes.pairs),
        EXIT_GOOD);
  } else {
    code = put_meta_text(l, schema, &notes);
  }
  json_decref(notes.pairs);
  json_decref(notes.writer);
  return code;
}

int run_parquet_meta(const cli_command *c, int argc, char **argv)
{
  return look_at_footers(c, argc, argv, put_meta);
}

// ---- stats ----------------------------------------------------------------------------------------

// A column over all row groups.
static bool sum_column(const parquet_look *l, size_t column, grove_parquet_chunk_info *all)
{
  grove_error err;
  memset(all, 0, sizeof *all);
  for (size_t g = 0; g < grove_parquet_groups(l->file); g++) {
    grove_parquet_chunk_info c = {.struct_size = sizeof c};
    if (grove_parquet_chunk(l->file, g, column, &c, &err)) {
      return false;
    }
    bool first = g == 0;
    all->column = c.column;
    all->physical = c.physical;
    all->codec = c.codec;
    all->bytes += c.bytes;
    all->values += c.values;
    all->nulls = c.nulls < 0 || all->nulls < 0 ? -1 : all->nulls + c.nulls;
    all->has_page_index = c.has_page_index && (first || all->has_page_index);
    all->has_bloom_filter = c.has_bloom_filter && (first || all->has_bloom_filter);
    all->has_bounds = c.has_bounds && (first || all->has_bounds);
    all->low = first || c.low < all->low ? c.low : all->low;
    all->high = first || c.high > all->high ? c.high : all->high;
  }
  return true;
}

// Whole numbers with all of their digits, which instants have many of.
static void put_bound(double bound, char *out, size_t room)
{
  if (bound == floor(bound) && fabs(bound) < 0x1p63) {
    snprintf(out, room, "%.0f", bound);
  } else {
    cli_format_double(bound, out);
  }
}

static void put_stats_row(cli_table *t, const grove_parquet_chunk_info *c)
{
  char bytes[32], nulls[32] = "", low[32] = "", high[32] = "";
  snprintf(bytes, sizeof bytes, "%" PRIu64, c->bytes);
  if (c->nulls >= 0) {
    snprintf(nulls, sizeof nulls, "%" PRId64, c->nulls);
  }
  if (c->has_bounds) {
    put_bound(c->low, low, sizeof low);
    put_bound(c->high, high, sizeof high);
  }
  const char *cells[] = {c->column, c->physical, c->codec, bytes, nulls, low, high,
      c->has_page_index ? "yes" : "no", c->has_bloom_filter ? "yes" : "no"};
  cli_table_add(t, cells);
}

// JSON has no infinities: they are texts, as in JSON lines.
static json_t *bound_json(const grove_parquet_chunk_info *c, double bound)
{
  return !c->has_bounds   ? json_null()
         : isinf(bound) ? json_string(bound < 0 ? "-inf" : "inf")
                        : json_real(bound);
}

static json_t *stats_json(const grove_parquet_chunk_info *c)
{
  json_t *j =
      json_pack("{s:s, s:s, s:s, s:I, s:I, s:b, s:b}", "name", c->column, "physical", c->physical,
          "codec", c->codec, "bytes", (json_int_t)c->bytes, "values", (json_int_t)c->values,
          "page_index", (int)c->has_page_index, "bloom_filter", (int)c->has_bloom_filter);
  json_object_set_new(j, "nulls", c->nulls < 0 ? json_null() : json_integer(c->nulls));
  json_object_set_new(j, "min", bound_json(c, c->low));
  json_object_set_new(j, "max", bound_json(c, c->high));
  return j;
}

static int put_stats(parquet_look *l, const struct ArrowSchema *schema)
{
  size_t n = (size_t)schema->n_children;
  static const char *const heads[] = {
      "column", "physical", "codec", "bytes", "nulls", "min", "max", "page index", "bloom"};
  static const bool right[] = {false, false, false, true, true, true, true, false, false};
  json_t *columns = json_array();
  cli_table *t = cli_table_create(9, heads, right);
  for (size_t i = 0; i < n && grove_parquet_groups(l->file); i++) {
    grove_parquet_chunk_info all;
    if (sum_column(l, i, &all)) {
      put_stats_row(t, &all);
      json_array_append_new(columns, stats_json(&all));
    }
  }
  if (l->json) {
    cli_table_drop(t);
    return cli_put_json(json_pack("{s:i, s:s, s:I, s:o}", "schema", 1, "path", l->path, "rows",
                            (json_int_t)grove_parquet_rows(l->file), "columns", columns),
        EXIT_GOOD);
  }
  json_decref(columns);
  cli_table_put(t);
  return EXIT_GOOD;
}

int run_parquet_stats(const cli_command *c, int argc, char **argv)
{
  return look_at_footers(c, argc, argv, put_stats);
}
