// grove model: looks into saved models and predicts one table with them.
#include "cli.h"
#include "cli_columns.h"
#include "cli_output.h"
#include "cli_runtime.h"
#include "cli_store.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// ---- info -----------------------------------------------------------------------------------------

static const cli_option info_options[] = {
    {"model", "FILE", "the model; it can also be the argument", 'm', false},
    {"json", NULL, "the result as one JSON document", 0, false},
    {NULL, NULL, NULL, 0, false},
};

static char *format_parameters(const grove_model *m)
{
  size_t n = grove_model_parameters(m, NULL, 0) + 1;
  char *text = cli_alloc(n, 1);
  (void)grove_model_parameters(m, text, n);
  return text;
}

static int put_info_json(const grove_model *m, const char *path, const char *parameters)
{
  char hash[24];
  json_t *features = json_array();
  const char *name;
  for (size_t i = 0; (name = grove_model_feature(m, i)); i++) {
    json_array_append_new(features, json_string(name));
  }
  snprintf(hash, sizeof hash, "%016" PRIx64, grove_model_hash(m));
  return cli_put_json(
      json_pack("{s:i, s:s, s:s, s:s, s:s, s:o}", "schema", 1, "path", path, "name",
          grove_model_name(m), "model_hash", hash, "parameters", parameters, "features", features),
      EXIT_GOOD);
}

static int put_info(const grove_model *m, const char *path, bool json)
{
  char *parameters = format_parameters(m);
  int code = EXIT_GOOD;
  if (json) {
    code = put_info_json(m, path, parameters);
  } else {
    const char *name;
    printf("path        %s\nmodel       %s\nhash        %016" PRIx64
           "\nparameters  %s\nfeatures    ",
        path, grove_model_name(m), grove_model_hash(m), parameters);
    for (size_t i = 0; (name = grove_model_feature(m, i)); i++) {
      printf("%s%s", i ? ", " : "", name);
    }
    printf("\n");
  }
  free(parameters);
  return code;
}

static int run_info(const cli_command *c, int argc, char **argv)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  const char *path = NULL;
  bool json = false;
  int option, code;
  while ((option = cli_next(&walk)) >= 0) {
    path = option == 0 ? walk.value : path;
    json |= option == 1;
  }
  if (option == -2) {
    return EXIT_USAGE;
  }
  if (!path && walk.first < argc) {
    path = argv[walk.first++];
  }
  if (!path || walk.first < argc) {
    return cli_fail(EXIT_USAGE, "one FILE is wanted");
  }
  grove_model *m = cli_read_model(path, &code);
  if (m) {
    code = put_info(m, path, json);
    grove_model_destroy(m);
  }
  return code;
}

// ---- predict --------------------------------------------------------------------------------------

struct wish {
  const char *model, *data, *out;
  bool json;
};

enum { MODEL, DATA, OUT, JSON };

static const cli_option predict_options[] = {
    [MODEL] = {"model", "FILE", "the model; needed", 'm', false},
    [DATA] = {"data", "FILE", "the table: a .csv or .parquet file; needed", 'd', false},
    [OUT] = {"out", "FILE",
        "write the predictions to FILE, .csv or .parquet;\ndefault: CSV on standard output", 'o',
        false},
    [JSON] = {"json", NULL, "the predictions as one JSON document", 0, false},
    {NULL, NULL, NULL, 0, false},
};

static int read_options(struct wish *w, const cli_command *c, int argc, char **argv)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  int option;
  while ((option = cli_next(&walk)) >= 0) {
    switch (option) {
    case MODEL: w->model = walk.value; break;
    case DATA: w->data = walk.value; break;
    case OUT: w->out = walk.value; break;
    default: w->json = true; break;
    }
  }
  if (option == -2) {
    return EXIT_USAGE;
  }
  if (walk.first < argc) {
    return cli_fail(EXIT_USAGE, "unexpected argument \"%s\"", argv[walk.first]);
  }
  return w->model && w->data ? EXIT_GOOD
                             : cli_fail(EXIT_USAGE, "--model FILE and --data FILE are needed");
}

static int put_json(const double *v, size_t n)
{
  json_t *list = json_array();
  for (size_t i = 0; i < n; i++) {
    json_array_append_new(list, cli_json_number(v[i]));
  }
  return cli_put_json(
      json_pack("{s:i, s:I, s:o}", "schema", 1, "rows", (json_int_t)n, "predictions", list),
      EXIT_GOOD);
}

static grove_status put_to_writer(void *user, const void *bytes, size_t n, grove_error *err)
{
  return grove_writer_put(user, bytes, n, err);
}

static grove_status write_predictions(
    const char *path, cli_columns *predictions, grove_writer *out, grove_error *err)
{
  size_t length = strlen(path);
  if (length < 8 || strcasecmp(path + length - 8, ".parquet")) {
    return cli_columns_put_csv(predictions, put_to_writer, out, err);
  }
  grove_table *t = NULL;
  grove_status s = cli_columns_table(predictions, &t, err);
  if (!s) {
    s = grove_parquet_write(t, NULL, out, err);
  }
  grove_table_release(t);
  return s;
}

static int put_file(const char *path, cli_columns *predictions)
{
  grove_store *store = NULL;
  grove_writer *out = NULL;
  grove_error err = {0};
  grove_status s = cli_store_open(NULL, &store, &err);
  if (!s) {
    s = grove_store_write(store, path, &out, &err);
  }
  if (!s) {
    s = write_predictions(path, predictions, out, &err);
    grove_status closed = grove_writer_close(out, s == GROVE_OK, s ? NULL : &err);
    s = s ? s : closed;
  }
  grove_store_close(store);
  return s ? cli_fail_with(s, &err) : EXIT_GOOD;
}

static int put(const struct wish *w, const double *v, size_t n)
{
  static const char *const name = "prediction";
  grove_error err = {0};
  int code = EXIT_GOOD;
  cli_columns *predictions = cli_columns_create(1, &name, &v, n);
  if (w->out) {
    code = put_file(w->out, predictions);
  } else if (!w->json) {
    grove_status s = cli_columns_print_csv(predictions, &err);
    code = s ? cli_fail_with(s, &err) : EXIT_GOOD;
  }
  cli_columns_drop(predictions);
  return !code && w->json ? put_json(v, n) : code;
}

static int predict(const struct wish *w, const grove_model *m, const grove_table *t)
{
  size_t n = grove_table_rows(t);
  grove_error err = {0};
  double *v = cli_alloc(n ? n : 1, sizeof *v);
  grove_status s = grove_model_predict(m, t, v, n, &err);
  // The files are there: a column that is not makes the two not fit each other.
  int code = s == GROVE_ENOENT ? cli_fail(EXIT_DATA, "%s: %s", w->data, err.text)
             : s               ? cli_fail_with(s, &err)
                               : put(w, v, n);
  free(v);
  return code;
}

static int run_predict(const cli_command *c, int argc, char **argv)
{
  struct wish w = {0};
  int code = read_options(&w, c, argc, argv);
  if (code) {
    return code;
  }
  grove_model *m = cli_read_model(w.model, &code);
  if (!m) {
    return code;
  }
  grove_table *t = cli_read_table(w.data, NULL, &code);
  if (t) {
    code = predict(&w, m, t);
    grove_table_release(t);
  }
  grove_model_destroy(m);
  return code;
}

const cli_command cli_model_info = {.name = "model info",
    .arguments = "FILE",
    .summary = "Says what is in a saved model.",
    .examples = "  grove model info models/random_forest.grove\n",
    .options = info_options,
    .run = run_info};
const cli_command cli_model_predict = {.name = "model predict",
    .arguments = "",
    .summary = "Predicts the rows of one table with a saved model.",
    .examples = "  grove model predict --model models/random_forest.grove --data homes.csv --out "
                "homes.parquet\n",
    .options = predict_options,
    .run = run_predict};
