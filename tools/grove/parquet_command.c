// grove parquet: looks into Parquet files.
#include "base/errnos.h"
#include "cli_output.h"
#include "columnar/arrow.h"
#include "parquet_look.h"
#include <stdlib.h>
#include <string.h>

#define COLUMNS_OPTION                                                                             \
  {                                                                                                \
    "columns", "A,B", "only these, by name, with commas between; a.b: a leaf of a struct", 'c',    \
        false                                                                                      \
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
// Each sub-command has some of them; `which` says which is meant.
static const cli_option cat_options[] = {
    COLUMNS_OPTION, CSV_OPTION, JSONL_OPTION, CRC_OPTION, {NULL, NULL, NULL, 0, false}};
static const int cat_which[] = {LOOK_COLUMNS, LOOK_CSV, LOOK_JSONL, LOOK_NO_CRC};
static const cli_option head_options[] = {COLUMNS_OPTION, CSV_OPTION, JSONL_OPTION,
    {"rows", "N", "how many; default 10", 'n', false}, CRC_OPTION, {NULL, NULL, NULL, 0, false}};
static const int head_which[] = {LOOK_COLUMNS, LOOK_CSV, LOOK_JSONL, LOOK_ROWS, LOOK_NO_CRC};
static const cli_option json_options[] = {JSON_OPTION, {NULL, NULL, NULL, 0, false}};

// ---- cat and head ---------------------------------------------------------------------------------

static grove_status put_stdout(void *user, const void *bytes, size_t n, grove_error *err)
{
  (void)err;
  fwrite(bytes, 1, n, user); // whether it could be written is looked at once, at the end, by main
  return GROVE_OK;
}

static int fail_stream(const parquet_look *l, struct ArrowArrayStream *in, int code)
{
  grove_error err = {0};
  const char *words = in->get_last_error(in);
  snprintf(err.text, sizeof err.text, "%s", words ? words : strerror(code));
  return look_fail(l, grove__status_of_errno(code), &err);
}

static int put_batches(
    const parquet_look *l, grove_lines *lines, uint64_t left, struct ArrowArrayStream *in)
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
      return look_fail(l, s, &err);
    }
    left -= n;
  }
  return EXIT_GOOD;
}

// What is printed, file behind file.
struct printing {
  uint64_t rows;             // of each file, at most
  struct ArrowSchema schema; // the first one's
};

// Files under one header have the same columns, by name; their types may drift.
static int check_names(
    const parquet_look *l, const struct printing *p, const struct ArrowSchema *schema)
{
  bool same = schema->n_children == p->schema.n_children;
  for (int64_t i = 0; same && i < schema->n_children; i++) {
    same = strcmp(schema->children[i]->name, p->schema.children[i]->name) == 0;
  }
  return same ? EXIT_GOOD
              : cli_fail(EXIT_DATA,
                    "%s: its columns are not those of the first file, and there is one header: choose some that "
                    "both have by --columns, or print them one by one",
                    l->path);
}

static int put_stream(const parquet_look *l, struct printing *p, struct ArrowArrayStream *in)
{
  grove_error err = {0};
  struct ArrowSchema schema = {0};
  grove_lines *lines = NULL;
  grove_lines_options o = {.struct_size = sizeof o,
      .form = l->jsonl ? GROVE_LINES_JSON : GROVE_LINES_CSV,
      .no_header = l->at > 0,
      .put = put_stdout,
      .user = stdout};
  int failed = in->get_schema(in, &schema);
  if (failed) {
    return fail_stream(l, in, failed);
  }
  int code = l->at && !l->jsonl ? check_names(l, p, &schema) : EXIT_GOOD;
  if (!code) {
    grove_status s = grove_lines_create(&schema, &o, &lines, &err);
    code = s ? look_fail(l, s, &err) : put_batches(l, lines, p->rows, in);
    grove_lines_destroy(lines);
  }
  if (!l->at) {
    p->schema = schema;
  } else {
    schema.release(&schema);
  }
  return code;
}

static int put_file(parquet_look *l, void *user)
{
  grove_error err = {0};
  struct ArrowArrayStream in = {0};
  grove_status s = grove_parquet_stream(l->file, 0, 0, &in, &err);
  if (s) {
    return look_fail(l, s, &err);
  }
  int code = put_stream(l, user, &in);
  in.release(&in);
  return code;
}

static int put_files(parquet_look *l, uint64_t rows)
{
  struct printing p = {.rows = rows};
  int code = look_each(l, false, put_file, &p);
  if (p.schema.release) {
    p.schema.release(&p.schema);
  }
  return code;
}

static int run_cat(const cli_command *c, int argc, char **argv)
{
  parquet_look l = {0};
  int code = look_options(&l, c, cat_which, argc, argv);
  code = code ? code : put_files(&l, UINT64_MAX);
  look_drop(&l);
  return code;
}

static int run_head(const cli_command *c, int argc, char **argv)
{
  parquet_look l = {.rows = 10};
  int code = look_options(&l, c, head_which, argc, argv);
  code = code ? code : put_files(&l, l.rows);
  look_drop(&l);
  return code;
}

const cli_command cli_parquet_cat = {.name = "parquet cat",
    .arguments = "FILE...",
    .summary = "Prints the rows of Parquet files, as CSV or JSON lines.",
    .examples = "  grove parquet cat trips.parquet --columns fare_amount,trip_distance --csv\n",
    .options = cat_options,
    .run = run_cat};
const cli_command cli_parquet_head = {.name = "parquet head",
    .arguments = "FILE...",
    .summary = "Prints the first rows of Parquet files.",
    .examples = "  grove parquet head -n 3 trips.parquet --jsonl\n",
    .options = head_options,
    .run = run_head};
const cli_command cli_parquet_schema = {.name = "parquet schema",
    .arguments = "FILE...",
    .summary = "Prints the columns of Parquet files and their Arrow formats.",
    .examples = "  grove parquet schema trips.parquet --json\n",
    .options = json_options,
    .run = run_parquet_schema};
const cli_command cli_parquet_meta = {.name = "parquet meta",
    .arguments = "FILE...",
    .summary = "Prints size, rows and row groups of Parquet files.",
    .examples = "  grove parquet meta trips.parquet\n",
    .options = json_options,
    .run = run_parquet_meta};
const cli_command cli_parquet_stats = {.name = "parquet stats",
    .arguments = "FILE...",
    .summary = "Prints what the footers of Parquet files say of their columns: bytes, nulls, bounds.",
    .examples = "  grove parquet stats trips.parquet --json\n",
    .options = json_options,
    .run = run_parquet_stats};
