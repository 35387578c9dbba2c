// grove model diff: what is not the same in two models.
#include "cli.h"
#include "cli_output.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA, JSON };

static const cli_option options[] = {
    [DATA] = {"data", "FILE", "compare the predictions of this table too", 'd', false},
    [JSON] = {"json", NULL, "the result as one JSON document", 0, false},
    {NULL, NULL, NULL, 0, false},
};

struct difference {
  bool kind, parameters, features, model;
  json_int_t trees[2], nodes[2]; // -1: no trees
  json_int_t trees_different;
  bool predicted;
  json_int_t rows, rows_different;
  double largest;
};

static char *parameters_of(const grove_model *m)
{
  size_t n = grove_model_parameters(m, NULL, 0) + 1;
  char *text = cli_alloc(n, 1);
  (void)grove_model_parameters(m, text, n);
  return text;
}

static bool features_differ(const grove_model *a, const grove_model *b)
{
  for (size_t i = 0;; i++) {
    const char *x = grove_model_feature(a, i), *y = grove_model_feature(b, i);
    if (!x || !y) {
      return x != y;
    }
    if (strcmp(x, y) != 0) {
      return true;
    }
  }
}

// The trees as XGBoost would have them: the one form that says a tree as arrays. NULL: none, or it can't.
static json_t *trees_of(const grove_model *m, json_int_t *trees, json_int_t *nodes)
{
  void *bytes = NULL;
  size_t n = 0;
  grove_error err;
  *trees = *nodes = -1;
  if (grove_model_export(m, GROVE_FORMAT_XGBOOST_JSON, NULL, &bytes, &n, &err)) {
    return NULL;
  }
  json_t *root = json_loadb(bytes, n, 0, NULL);
  free(bytes);
  json_t *list = json_object_get(
      json_object_get(
          json_object_get(json_object_get(root, "learner"), "gradient_booster"), "model"),
      "trees");
  json_incref(list);
  json_decref(root);
  *trees = (json_int_t)json_array_size(list);
  *nodes = 0;
  for (size_t i = 0; i < json_array_size(list); i++) {
    *nodes +=
        (json_int_t)json_array_size(json_object_get(json_array_get(list, i), "left_children"));
  }
  return list;
}

static void compare_trees(grove_model *const m[2], struct difference *d)
{
  json_t *list[2];
  for (size_t i = 0; i < 2; i++) {
    list[i] = trees_of(m[i], &d->trees[i], &d->nodes[i]);
  }
  size_t a = json_array_size(list[0]), b = json_array_size(list[1]);
  for (size_t i = 0; i < a || i < b; i++) {
    d->trees_different += !json_equal(json_array_get(list[0], i), json_array_get(list[1], i));
  }
  json_decref(list[0]);
  json_decref(list[1]);
}

static int compare_predictions(grove_model *const m[2], const grove_table *t, struct difference *d)
{
  size_t n = grove_table_rows(t);
  double *v[2];
  grove_status s = GROVE_OK;
  grove_error err = {0};
  for (size_t i = 0; i < 2; i++) {
    v[i] = cli_alloc(n ? n : 1, sizeof **v);
    s = s ? s : grove_model_predict(m[i], t, v[i], n, &err);
  }
  d->predicted = true;
  d->rows = (json_int_t)n;
  for (size_t i = 0; !s && i < n; i++) {
    bool same = v[0][i] == v[1][i] || (isnan(v[0][i]) && isnan(v[1][i]));
    double by = fabs(v[0][i] - v[1][i]);
    d->rows_different += !same;
    d->largest = !same && !(by <= d->largest) ? by : d->largest;
  }
  free(v[0]);
  free(v[1]);
  return s ? cli_fail(s == GROVE_ENOENT ? EXIT_DATA : cli_exit_code(s), "%s", err.text) : EXIT_GOOD;
}

static bool is_same(const struct difference *d)
{
  return !d->kind && !d->parameters && !d->features && !d->model && !d->trees_different &&
         !d->rows_different;
}

static void put_text(const struct difference *d)
{
  printf("kind         %s\nparameters   %s\nfeatures     %s\nsaved bytes  %s\n",
      d->kind ? "different" : "same", d->parameters ? "different" : "same",
      d->features ? "different" : "same", d->model ? "different" : "same");
  if (d->trees[0] >= 0 || d->trees[1] >= 0) {
    printf("trees        %lld and %lld, %lld different; nodes %lld and %lld\n",
        (long long)d->trees[0], (long long)d->trees[1], (long long)d->trees_different,
        (long long)d->nodes[0], (long long)d->nodes[1]);
  }
  if (d->predicted) {
    printf("predictions  %lld of %lld different, by at most %.6g\n", (long long)d->rows_different,
        (long long)d->rows, d->largest);
  }
}

static int put_json(const struct difference *d)
{
  json_t *doc = json_pack("{s:i, s:b, s:b, s:b, s:b, s:b, s:[I, I], s:[I, I], s:I}", "schema", 1,
      "same", is_same(d), "kind_differs", d->kind, "parameters_differ", d->parameters,
      "features_differ", d->features, "saved_bytes_differ", d->model, "trees", d->trees[0],
      d->trees[1], "nodes", d->nodes[0], d->nodes[1], "trees_different", d->trees_different);
  if (d->predicted) {
    json_object_set_new(doc, "predictions",
        json_pack("{s:I, s:I, s:o}", "rows", d->rows, "different", d->rows_different, "largest",
            cli_json_number(d->largest)));
  }
  return cli_put_json(doc, is_same(d) ? EXIT_GOOD : EXIT_RUN);
}

static int compare(grove_model *const m[2], const char *data, bool json)
{
  struct difference d = {.kind = strcmp(grove_model_name(m[0]), grove_model_name(m[1])) != 0};
  char *a = parameters_of(m[0]), *b = parameters_of(m[1]);
  int code = EXIT_GOOD;
  d.parameters = strcmp(a, b) != 0;
  free(a);
  free(b);
  d.features = features_differ(m[0], m[1]);
  d.model = grove_model_hash(m[0]) != grove_model_hash(m[1]);
  compare_trees(m, &d);
  if (data) {
    grove_table *t = cli_read_table(data, NULL, &code);
    code = t ? compare_predictions(m, t, &d) : code;
    grove_table_release(t);
  }
  if (code) {
    return code;
  }
  if (json) {
    return put_json(&d);
  }
  put_text(&d);
  return is_same(&d) ? EXIT_GOOD : EXIT_RUN;
}

static int run(const cli_command *c, int argc, char **argv)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  const char *data = NULL;
  bool json = false;
  int option, code = EXIT_GOOD;
  while ((option = cli_next(&walk)) >= 0) {
    data = option == DATA ? walk.value : data;
    json |= option == JSON;
  }
  if (option == -2) {
    return EXIT_USAGE;
  }
  if (argc - walk.first != 2) {
    return cli_fail(EXIT_USAGE, "two models are wanted: A B");
  }
  grove_model *m[2] = {NULL, NULL};
  m[0] = cli_read_model(argv[walk.first], &code);
  m[1] = m[0] ? cli_read_model(argv[walk.first + 1], &code) : NULL;
  if (m[1]) {
    code = compare(m, data, json);
  }
  grove_model_destroy(m[0]);
  grove_model_destroy(m[1]);
  return code;
}

static void put_more_help(void)
{
  printf("\nTrees are compared as float32, node by node. Exit code 0: nothing differs; 1: "
         "something does.\n");
}

const cli_command cli_model_diff = {.name = "model diff",
    .arguments = "A B",
    .summary = "Compares two models, and with --data their predictions.",
    .examples = "  grove model diff old.grove new.grove --data homes.csv\n",
    .options = options,
    .run = run,
    .more_help = put_more_help};
