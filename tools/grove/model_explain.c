// grove model importance and explain: what a model goes by.
#include "cli.h"
#include "cli_columns.h"
#include "cli_output.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL, BY, DATA, TARGET, SEED, JSON };

static const cli_option importance_options[] = {
    [MODEL] = {"model", "FILE", "the model; needed", 'm', false},
    [BY] = {"by", "WAY", "gain, split or permutation; default gain", 'b', false},
    [DATA] = {"data", "FILE", "the table that permutation predicts", 'd', false},
    [TARGET] = {"target", "NAME", "its column to compare with; default: the fit's", 't', false},
    [SEED] = {"seed", "N", "of the permutations; default 0", 0, false},
    [JSON] = {"json", NULL, "the result as one JSON document", 0, false},
    {NULL, NULL, NULL, 0, false},
};

// Values of options by their number; the last option of a table is the flag --json.
static int read_given(
    const cli_command *c, int argc, char **argv, int json, const char **given, bool *as_json)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  int option;
  while ((option = cli_next(&walk)) >= 0) {
    if (option == json) {
      *as_json = true;
    } else {
      given[option] = walk.value;
    }
  }
  if (option == -2) {
    return EXIT_USAGE;
  }
  return walk.first < argc ? cli_fail(EXIT_USAGE, "unexpected argument \"%s\"", argv[walk.first])
                           : EXIT_GOOD;
}

static size_t count_features(const grove_model *m)
{
  size_t n = 0;
  while (grove_model_feature(m, n)) {
    n++;
  }
  return n;
}

static int put_importance(const grove_model *m, const char *by, const double *v, bool json)
{
  size_t n = count_features(m);
  json_t *list = json_array();
  for (size_t i = 0; i < n; i++) {
    if (json) {
      json_array_append_new(list, json_pack("{s:s, s:o}", "feature", grove_model_feature(m, i),
                                      "importance", cli_json_number(v[i])));
    } else {
      printf("%-24s %.6g\n", grove_model_feature(m, i), v[i]);
    }
  }
  if (json) {
    return cli_put_json(
        json_pack("{s:i, s:s, s:o}", "schema", 1, "by", by, "features", list), EXIT_GOOD);
  }
  json_decref(list);
  return EXIT_GOOD;
}

static int permute(const grove_model *m, const char *const *given, double *out)
{
  grove_error err = {0};
  int code;
  if (!given[DATA]) {
    return cli_fail(EXIT_USAGE, "permutation wants --data FILE");
  }
  grove_table *t = cli_read_table(given[DATA], NULL, &code);
  if (!t) {
    return code;
  }
  uint64_t seed = given[SEED] ? strtoull(given[SEED], NULL, 10) : 0;
  grove_status s = grove_model_importance_permuted(m, t, given[TARGET], 0, seed, out, &err);
  grove_table_release(t);
  return s ? cli_fail_with(s, &err) : EXIT_GOOD;
}

static int rank(const grove_model *m, const char *const *given, bool json)
{
  const char *by = given[BY] ? given[BY] : "gain";
  size_t n = count_features(m);
  double *v = cli_alloc(n ? n : 1, sizeof *v);
  grove_error err = {0};
  int code;
  if (strcmp(by, "permutation") == 0) {
    code = permute(m, given, v);
  } else if (strcmp(by, "gain") == 0 || strcmp(by, "split") == 0) {
    int32_t kind = by[0] == 'g' ? GROVE_IMPORTANCE_GAIN : GROVE_IMPORTANCE_SPLIT;
    grove_status s = grove_model_importance(m, kind, v, n, &err);
    code = s ? cli_fail_with(s, &err) : EXIT_GOOD;
  } else {
    code = cli_fail(EXIT_USAGE, "--by can be gain, split or permutation, not \"%s\"", by);
  }
  code = code ? code : put_importance(m, by, v, json);
  free(v);
  return code;
}

static int run_importance(const cli_command *c, int argc, char **argv)
{
  const char *given[JSON] = {NULL};
  bool json = false;
  int code = read_given(c, argc, argv, JSON, given, &json);
  if (code) {
    return code;
  }
  if (!given[MODEL]) {
    return cli_fail(EXIT_USAGE, "--model FILE is needed");
  }
  grove_model *m = cli_read_model(given[MODEL], &code);
  if (m) {
    code = rank(m, given, json);
    grove_model_destroy(m);
  }
  return code;
}

// ---- explain ------------------------------------------------------------------------------------------
enum { E_MODEL, E_DATA, E_JSON };

static const cli_option explain_options[] = {
    [E_MODEL] = {"model", "FILE", "the model; needed", 'm', false},
    [E_DATA] = {"data", "FILE", "the table: a .csv or .parquet file; needed", 'd', false},
    [E_JSON] = {"json", NULL, "the result as one JSON document; default: CSV", 0, false},
    {NULL, NULL, NULL, 0, false},
};

static int put_values_json(const grove_model *m, const double *v, size_t rows, size_t n)
{
  json_t *names = json_array(), *list = json_array();
  for (size_t i = 0; i < n; i++) {
    json_array_append_new(names, json_string(grove_model_feature(m, i)));
  }
  for (size_t r = 0; r < rows; r++) {
    json_t *row = json_array();
    for (size_t i = 0; i <= n; i++) {
      json_array_append_new(row, cli_json_number(v[r * (n + 1) + i]));
    }
    json_array_append_new(list, row);
  }
  return cli_put_json(
      json_pack("{s:i, s:o, s:o}", "schema", 1, "features", names, "values", list), EXIT_GOOD);
}

static int put_values(const grove_model *m, const double *v, size_t rows, size_t n)
{
  const char **names = cli_alloc(n + 1, sizeof *names);
  const double **columns = cli_alloc(n + 1, sizeof *columns);
  double *values = cli_alloc(rows ? rows : 1, (n + 1) * sizeof *values);
  grove_error err = {0};
  for (size_t i = 0; i <= n; i++) {
    names[i] = i < n ? grove_model_feature(m, i) : "expected";
    columns[i] = values + i * rows;
    for (size_t r = 0; r < rows; r++) {
      values[i * rows + r] = v[r * (n + 1) + i];
    }
  }
  cli_columns *table = cli_columns_create(n + 1, names, columns, rows);
  grove_status s = cli_columns_print_csv(table, &err);
  cli_columns_drop(table);
  free(values);
  free(columns);
  free(names);
  return s ? cli_fail_with(s, &err) : EXIT_GOOD;
}

static int explain(const grove_model *m, const grove_table *t, bool json)
{
  size_t rows = grove_table_rows(t), n = count_features(m);
  double *v = cli_alloc(rows ? rows : 1, (n + 1) * sizeof *v);
  grove_error err = {0};
  grove_status s = grove_model_explain(m, t, v, rows, &err);
  int code = s      ? cli_fail_with(s, &err)
             : json ? put_values_json(m, v, rows, n)
                    : put_values(m, v, rows, n);
  free(v);
  return code;
}

static int run_explain(const cli_command *c, int argc, char **argv)
{
  const char *given[E_JSON] = {NULL};
  bool json = false;
  int code = read_given(c, argc, argv, E_JSON, given, &json);
  if (code) {
    return code;
  }
  if (!given[E_MODEL] || !given[E_DATA]) {
    return cli_fail(EXIT_USAGE, "--model FILE and --data FILE are needed");
  }
  grove_model *m = cli_read_model(given[E_MODEL], &code);
  if (!m) {
    return code;
  }
  grove_table *t = cli_read_table(given[E_DATA], NULL, &code);
  if (t) {
    code = explain(m, t, json);
    grove_table_release(t);
  }
  grove_model_destroy(m);
  return code;
}

const cli_command cli_model_importance = {.name = "model importance",
    .arguments = "",
    .summary = "Says how much a model goes by each feature.",
    .examples =
        "  grove model importance --model models/random_forest.grove\n"
        "  grove model importance --model models/linear.grove --by permutation --data homes.csv\n",
    .options = importance_options,
    .run = run_importance};
const cli_command cli_model_explain = {.name = "model explain",
    .arguments = "",
    .summary = "Says what each feature adds to each row's prediction (SHAP values).",
    .examples = "  grove model explain --model models/random_forest.grove --data homes.csv\n",
    .options = explain_options,
    .run = run_explain};
