// grove parquet: looks into Parquet files.
#include "cli.h"
#include "cli_store.h"
#include "cli_output.h"
#include "columnar/arrow.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct look {
  const char *path;
  const char **columns; // NULL-ended; NULL: all flat ones
  char *column_text;    // what `columns` points into
  uint64_t rows;        // head: how many
  bool csv, jsonl, json, no_crc;
  grove_store *store;
  grove_source in;
  grove_parquet *file;
};

enum { COLUMNS, CSV, JSONL, ROWS, JSON, NO_CRC };

#define COLUMNS_OPTION                                                                             \
  {                                                                                                \
    "columns", "A,B", "only these, by name, with commas between; a.b: a leaf of a struct", 'c',    \
        false                                                                                      \
  }
#define CRC_OPTION                                                                                 \
  {                                                                                                \
    "no-crc", NULL, "don't look at the checksums of pages", 0, false                               \
  }
#define CSV_OPTION                                                                                 \
  {                                                                                                \
    "csv", NULL, "comma-separated, with a header; null is nothing, an\nempty text is \"\"", 0,     \
        false                                                                                      \
  }
#define JSONL_OPTION                                                                               \
  {                                                                                                \
    "jsonl", NULL, "one JSON object a row", 0, false                                               \
  }
#define JSON_OPTION                                                                                \
  {                                                                                                \
    "json", NULL, "the result as one JSON document", 0, false                                      \
  }

// Each sub-command has some of them; `which` says which is meant.
static const cli_option cat_options[] = {
    COLUMNS_OPTION, CSV_OPTION, JSONL_OPTION, CRC_OPTION, {NULL, NULL, NULL, 0, false}};
static const int cat_which[] = {COLUMNS, CSV, JSONL, NO_CRC};
static const cli_option head_options[] = {COLUMNS_OPTION, CSV_OPTION, JSONL_OPTION,
    {"rows", "N", "how many; default 10", 'n', false}, CRC_OPTION, {NULL, NULL, NULL, 0, false}};
static const int head_which[] = {COLUMNS, CSV, JSONL, ROWS, NO_CRC};
static const cli_option check_options[] = {JSON_OPTION, CRC_OPTION, {NULL, NULL, NULL, 0, false}};
static const int check_which[] = {JSON, NO_CRC};
static const cli_option json_options[] = {JSON_OPTION, {NULL, NULL, NULL, 0, false}};
static const int json_which[] = {JSON};

// ---- options --------------------------------------------------------------------------------------

static void take_columns(struct look *l, const char *text)
{
  size_t n = 0;
  free(l->column_text);
  l->column_text = cli_format("%s", text);
  l->columns = cli_grow(l->columns, strlen(text) + 2, sizeof *l->columns);
  char *rest = NULL;
  for (char *p = strtok_r(l->column_text, ",", &rest); p; p = strtok_r(NULL, ",", &rest)) {
    l->columns[n++] = p;
  }
  l->columns[n] = NULL;
}

static int take_option(struct look *l, int option, const char *value)
{
  switch (option) {
  case COLUMNS:
    take_columns(l, value);
    return l->columns[0] ? EXIT_GOOD : cli_fail(EXIT_USAGE, "--columns names no column");
  case CSV: l->csv = true; return EXIT_GOOD;
  case JSONL: l->jsonl = true; return EXIT_GOOD;
  case ROWS: return cli_parse_count("rows", value, 0, INT64_MAX, &l->rows) ? EXIT_GOOD : EXIT_USAGE;
  case JSON: l->json = true; return EXIT_GOOD;
  default: l->no_crc = true; return EXIT_GOOD;
  }
}

static int read_options(
    struct look *l, const cli_command *c, const int *which, int argc, char **argv)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  int option;
  while ((option = cli_next(&walk)) >= 0) {
    int code = take_option(l, which[option], walk.value);
    if (code) {
      return code;
    }
  }
  if (option == -2) {
    return EXIT_USAGE;
  }
  if (argc - walk.first != 1) {
    return cli_fail(
        EXIT_USAGE, argc == walk.first ? "a FILE is needed" : "one FILE at a time is wanted");
  }
  if (l->csv && l->jsonl) {
    return cli_fail(EXIT_USAGE, "--csv and --jsonl are given: one of them is wanted");
  }
  l->path = argv[walk.first];
  return EXIT_GOOD;
}

// ---- opening --------------------------------------------------------------------------------------

static int fail_file(const struct look *l, grove_status s, grove_error *err)
{
  char text[sizeof err->text];
  // A file that is there and has no such column: the name is wrong, not the file.
  bool usage = s == GROVE_ENOENT && l->in.read_at;
  if (!strstr(err->text, l->path)) {
    snprintf(text, sizeof text, "%.150s: %.280s", l->path,
        err->text[0] ? err->text : grove_status_text(s));
    memcpy(err->text, text, sizeof text);
  }
  return usage ? cli_fail(EXIT_USAGE, "%s", err->text) : cli_fail_with(s, err);
}

static int open_look(struct look *l, grove_error *err)
{
  grove_parquet_options o = {GROVE_PARQUET, .columns = l->columns, .no_crc = l->no_crc};
  l->in.struct_size = sizeof l->in;
  grove_status s = cli_store_open(NULL, &l->store, err);
  if (!s) {
    s = grove_store_source(l->store, l->path, &l->in, err);
  }
  if (!s) {
    s = grove_parquet_open(&l->in, &o, &l->file, err);
  }
  return s ? fail_file(l, s, err) : EXIT_GOOD;
}

static void close_look(struct look *l)
{
  grove_parquet_close(l->file);
  if (l->in.close) {
    l->in.close(l->in.user);
  }
  grove_store_close(l->store);
  free(l->columns);
  free(l->column_text);
}

// ---- cat and head ---------------------------------------------------------------------------------

static grove_status put_stdout(void *user, const void *bytes, size_t n, grove_error *err)
{
  (void)err;
  fwrite(bytes, 1, n, user); // whether it could be written is looked at once, at the end, by main
  return GROVE_OK;
}

static int fail_stream(const struct look *l, struct ArrowArrayStream *in, int code)
{
  grove_error err = {0};
  const char *words = in->get_last_error(in);
  snprintf(err.text, sizeof err.text, "%s", words ? words : strerror(code));
  return fail_file(l,
      code == ENOMEM    ? GROVE_ENOMEM
      : code == ENOTSUP ? GROVE_ENOTSUP
      : code == EIO     ? GROVE_EIO
                        : GROVE_ECORRUPT,
      &err);
}

static int put_batches(
    const struct look *l, grove_lines *lines, uint64_t left, struct ArrowArrayStream *in)
{
  while (left && !ferror(stdout)) {
    struct ArrowArray batch = {0};
    grove_error err = {0};
    int code = in->get_next(in, &batch);
    if (code) {
      fflush(stdout);
      return fail_stream(l, in, code);
    }
    if (!batch.release) {
      break;
    }
    uint64_t n = (uint64_t)batch.length < left ? (uint64_t)batch.length : left;
    grove_status s = grove_lines_put(lines, &batch, 0, n, &err);
    batch.release(&batch);
    if (s) {
      return fail_file(l, s, &err);
    }
    left -= n;
  }
  return EXIT_GOOD;
}

static int put_stream(const struct look *l, uint64_t rows, struct ArrowArrayStream *in)
{
  grove_error err = {0};
  struct ArrowSchema schema = {0};
  grove_lines *lines = NULL;
  grove_lines_options o = {.struct_size = sizeof o,
      .form = l->jsonl ? GROVE_LINES_JSON : GROVE_LINES_CSV,
      .put = put_stdout,
      .user = stdout};
  int failed = in->get_schema(in, &schema);
  if (failed) {
    return fail_stream(l, in, failed);
  }
  grove_status s = grove_lines_create(&schema, &o, &lines, &err);
  schema.release(&schema);
  int code = s ? fail_file(l, s, &err) : put_batches(l, lines, rows, in);
  grove_lines_destroy(lines);
  return code;
}

static int put_rows(struct look *l, uint64_t rows)
{
  grove_error err = {0};
  struct ArrowArrayStream in = {0};
  int code = open_look(l, &err);
  if (code) {
    return code;
  }
  grove_status s = grove_parquet_stream(l->file, 0, 0, &in, &err);
  if (s) {
    return fail_file(l, s, &err);
  }
  code = put_stream(l, rows, &in);
  in.release(&in);
  return code;
}

static int run_cat(const cli_command *c, int argc, char **argv)
{
  struct look l = {0};
  int code = read_options(&l, c, cat_which, argc, argv);
  code = code ? code : put_rows(&l, UINT64_MAX);
  close_look(&l);
  return code;
}

static int run_head(const cli_command *c, int argc, char **argv)
{
  struct look l = {.rows = 10};
  int code = read_options(&l, c, head_which, argc, argv);
  code = code ? code : put_rows(&l, l.rows);
  close_look(&l);
  return code;
}

// ---- check, schema, meta --------------------------------------------------------------------------

// The first flaw is the command's error; the others are told as they come.
struct flaws {
  const struct look *l;
  grove_error first;
  uint64_t count;
};

static void hear_flaw(void *user, const grove_error *flaw)
{
  enum { TOLD = 20 };
  struct flaws *f = user;
  if (f->count++ == 0) {
    f->first = *flaw;
  } else if (f->count <= TOLD && !f->l->json) {
    fprintf(stderr, "%s: %s\n", f->l->path, flaw->text);
  } else if (f->count == TOLD + 1 && !f->l->json) {
    fprintf(stderr, "%s: and more of the same kind\n", f->l->path);
  }
}

static int check_file(struct look *l)
{
  grove_error err = {0};
  struct flaws flaws = {.l = l};
  grove_parquet_survey_result r = {.struct_size = sizeof r};
  int code = open_look(l, &err);
  if (code) {
    return code;
  }
  grove_status s = grove_parquet_survey(l->file, hear_flaw, &flaws, &r, &err);
  if (!s && flaws.count) {
    if (!l->json) {
      fprintf(stderr,
          "%s: %" PRIu64 " of %" PRIu64 " column chunks are good, %" PRIu64 " of %" PRIu64
          " values can be read, %" PRIu64 " of %" PRIu64 " rows in all columns\n",
          l->path, r.good_chunks, r.chunks, r.good_values, r.values, r.whole_rows, r.rows);
    }
    return fail_file(l, flaws.first.status, &flaws.first);
  }
  if (!s) {
    s = grove_parquet_check(l->file, &err); // says what can't be read at all
  }
  if (s) {
    return fail_file(l, s, &err);
  }
  if (l->json) {
    return cli_put_json(json_pack("{s:i, s:s?, s:b, s:I}", "schema", 1, "path", l->path, "good", 1,
                            "rows", (json_int_t)grove_parquet_rows(l->file)),
        EXIT_GOOD);
  }
  printf("%s: good, %" PRIu64 " rows in %zu row groups\n", l->path, grove_parquet_rows(l->file),
      grove_parquet_groups(l->file));
  return EXIT_GOOD;
}

static int run_check(const cli_command *c, int argc, char **argv)
{
  struct look l = {0};
  int code = read_options(&l, c, check_which, argc, argv);
  code = code ? code : check_file(&l);
  close_look(&l);
  return code;
}

static int put_schema(struct look *l, const struct ArrowSchema *schema)
{
  static const char *const heads[] = {"column", "format", "nulls"};
  static const bool right[] = {false, false, false};
  json_t *columns = json_array();
  cli_table *t = cli_table_create(3, heads, right);
  for (int64_t i = 0; i < schema->n_children; i++) {
    const struct ArrowSchema *child = schema->children[i];
    bool nullable = child->flags & ARROW_FLAG_NULLABLE;
    const char *cells[] = {child->name, child->format, nullable ? "may be null" : "never null"};
    cli_table_add(t, cells);
    json_array_append_new(columns, json_pack("{s:s, s:s, s:b}", "name", child->name, "format",
                                       child->format, "nullable", (int)nullable));
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

// What is said of a file by its footer alone: opens it, hands its schema to `put`, closes it.
static int look_at_footer(const cli_command *c, int argc, char **argv,
    int (*put)(struct look *l, const struct ArrowSchema *schema))
{
  struct look l = {0};
  struct ArrowSchema schema = {0};
  grove_error err = {0};
  int code = read_options(&l, c, json_which, argc, argv);
  code = code ? code : open_look(&l, &err);
  if (!code) {
    grove_status s = grove_parquet_schema(l.file, &schema, &err);
    code = s ? fail_file(&l, s, &err) : put(&l, &schema);
  }
  if (schema.release) {
    schema.release(&schema);
  }
  close_look(&l);
  return code;
}

static int run_schema(const cli_command *c, int argc, char **argv)
{
  return look_at_footer(c, argc, argv, put_schema);
}

static int put_meta(struct look *l, const struct ArrowSchema *schema)
{
  if (l->json) {
    return cli_put_json(
        json_pack("{s:i, s:s, s:I, s:I, s:I, s:I}", "schema", 1, "path", l->path, "bytes",
            (json_int_t)l->in.bytes, "rows", (json_int_t)grove_parquet_rows(l->file), "row_groups",
            (json_int_t)grove_parquet_groups(l->file), "columns", (json_int_t)schema->n_children),
        EXIT_GOOD);
  }
  printf("path        %s\nbytes       %" PRIu64 "\nrows        %" PRIu64
         "\nrow groups  %zu\ncolumns     "
         "%" PRId64 "\n",
      l->path, l->in.bytes, grove_parquet_rows(l->file), grove_parquet_groups(l->file),
      schema->n_children);
  return EXIT_GOOD;
}

static int run_meta(const cli_command *c, int argc, char **argv)
{
  return look_at_footer(c, argc, argv, put_meta);
}

// ---- stats ----------------------------------------------------------------------------------------

// A column over all row groups.
static bool sum_column(const struct look *l, size_t column, grove_parquet_chunk_info *all)
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

static void put_stats_row(cli_table *t, const grove_parquet_chunk_info *c)
{
  char bytes[32], nulls[32] = "", low[32] = "", high[32] = "";
  snprintf(bytes, sizeof bytes, "%" PRIu64, c->bytes);
  if (c->nulls >= 0) {
    snprintf(nulls, sizeof nulls, "%" PRId64, c->nulls);
  }
  if (c->has_bounds) {
    snprintf(low, sizeof low, "%.10g", c->low);
    snprintf(high, sizeof high, "%.10g", c->high);
  }
  const char *cells[] = {c->column, c->physical, c->codec, bytes, nulls, low, high,
      c->has_page_index ? "yes" : "no", c->has_bloom_filter ? "yes" : "no"};
  cli_table_add(t, cells);
}

static json_t *stats_json(const grove_parquet_chunk_info *c)
{
  json_t *j =
      json_pack("{s:s, s:s, s:s, s:I, s:I, s:b, s:b}", "name", c->column, "physical", c->physical,
          "codec", c->codec, "bytes", (json_int_t)c->bytes, "values", (json_int_t)c->values,
          "page_index", (int)c->has_page_index, "bloom_filter", (int)c->has_bloom_filter);
  json_object_set_new(j, "nulls", c->nulls < 0 ? json_null() : json_integer(c->nulls));
  json_object_set_new(j, "min", c->has_bounds ? json_real(c->low) : json_null());
  json_object_set_new(j, "max", c->has_bounds ? json_real(c->high) : json_null());
  return j;
}

static int put_stats(struct look *l, const struct ArrowSchema *schema)
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

static int run_stats(const cli_command *c, int argc, char **argv)
{
  return look_at_footer(c, argc, argv, put_stats);
}

const cli_command cli_parquet_cat = {.name = "parquet cat",
    .arguments = "FILE",
    .summary = "Prints a Parquet file's rows, as CSV or JSON lines.",
    .examples = "  grove parquet cat trips.parquet --columns fare_amount,trip_distance --csv\n",
    .options = cat_options,
    .run = run_cat};
const cli_command cli_parquet_head = {.name = "parquet head",
    .arguments = "FILE",
    .summary = "Prints a Parquet file's first rows.",
    .examples = "  grove parquet head -n 3 trips.parquet --jsonl\n",
    .options = head_options,
    .run = run_head};
const cli_command cli_parquet_check = {.name = "parquet check",
    .arguments = "FILE",
    .summary = "Reads all of a Parquet file: exit 0 if it is good, 5 if not.",
    .examples = "  grove parquet check trips.parquet\n",
    .options = check_options,
    .run = run_check};
const cli_command cli_parquet_schema = {.name = "parquet schema",
    .arguments = "FILE",
    .summary = "Prints a Parquet file's columns and their Arrow formats.",
    .examples = "  grove parquet schema trips.parquet --json\n",
    .options = json_options,
    .run = run_schema};
const cli_command cli_parquet_meta = {.name = "parquet meta",
    .arguments = "FILE",
    .summary = "Prints a Parquet file's size, rows and row groups.",
    .examples = "  grove parquet meta trips.parquet\n",
    .options = json_options,
    .run = run_meta};
const cli_command cli_parquet_stats = {.name = "parquet stats",
    .arguments = "FILE",
    .summary = "Prints what a Parquet file's footer says of its columns: bytes, nulls, bounds.",
    .examples = "  grove parquet stats trips.parquet --json\n",
    .options = json_options,
    .run = run_stats};
