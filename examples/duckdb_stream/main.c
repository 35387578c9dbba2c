// Streams a DuckDB query into a model: the chunks go in at Arrow's door, and no file or copy of the rows lies between.
#include "duckdb_query.h"
#include <grove/model.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77 };

// Homes with noise: what an area, an age and a district make of a price.
static const char homes[] =
    "select area, age, district, 1200 * area - 900.0 * age + 25000 * (district % 3) + 500 * (i % 11) as price "
    "from (select i, 40 + (i * 37) % 160 as area, (i * 13) % 90 as age, i % 7 as district from range(20000) t(i))";

static int fail(const char *what, const char *why)
{
  fprintf(stderr, "duckdb_stream: %s: %s\n", what, why);
  return EXIT_FAILURE;
}

// Of all rows: how far the model is off, squared, and how far their mean would be.
static grove_status measure(
    const grove_model *m, const grove_table *t, size_t target, double *mse, double *spread)
{
  size_t n = grove_table_rows(t);
  double *guess = calloc(n + 1, sizeof *guess), *truth = calloc(n + 1, sizeof *truth), mean = 0;
  grove_status s = guess && truth ? grove_model_predict(m, t, guess, n, NULL) : GROVE_ENOMEM;
  s = s ? s : grove_table_doubles(t, target, 0, n, truth, NULL);
  *mse = *spread = 0;
  for (size_t i = 0; !s && i < n; i++) {
    mean += truth[i] / (double)n;
  }
  for (size_t i = 0; !s && i < n; i++) {
    *mse += (guess[i] - truth[i]) * (guess[i] - truth[i]) / (double)n;
    *spread += (truth[i] - mean) * (truth[i] - mean) / (double)n;
  }
  free(guess);
  free(truth);
  return s;
}

// Fits on the last column.
static int learn(const grove_table *t)
{
  grove_model *m = NULL;
  grove_error err = {0};
  double mse = 0, spread = 0;
  size_t target = grove_table_columns(t) - 1;
  grove_parameter few[] = {{"n_estimators", "50"}, {NULL, NULL}};
  grove_fit_options o = {GROVE_FIT, .target = grove_table_name(t, target)};
  grove_status s = grove_model_create(NULL, "gradient_boosting", few, &m, &err);
  s = s ? s : grove_model_fit(m, t, &o, &err);
  s = s ? s : measure(m, t, target, &mse, &spread);
  grove_model_destroy(m);
  if (s) {
    return fail("the model", err.text);
  }
  printf("%zu rows of %zu columns; mean squared error %.4g, of %.4g without a model\n",
      grove_table_rows(t), grove_table_columns(t), mse, spread);
  return mse < spread ? EXIT_SUCCESS : fail("the model", "it has learned nothing");
}

static int run(duckdb *d, const char *sql)
{
  struct ArrowArrayStream in;
  grove_table *t = NULL;
  grove_error err = {0};
  char why[256];
  if (!duckdb_stream(d, sql, &in, why, sizeof why)) {
    return fail("the query", why);
  }
  grove_status s = grove_table_import_stream(&in, 0, &t, &err);
  in.release(&in);
  if (s) {
    return fail("the stream", err.text);
  }
  int code = grove_table_columns(t) > 1 ? learn(t) : fail("the query", "two columns at least are wanted");
  grove_table_release(t);
  return code;
}

int main(int argc, char **argv)
{
  char why[256];
  if (argc > 3) {
    fputs("usage: duckdb_stream [LIBDUCKDB.so [QUERY]]\n"
          "Fits a model to predict the last column of a query's result.\n",
        stderr);
    return 2;
  }
  duckdb *d = duckdb_load(argc > 1 ? argv[1] : NULL, why, sizeof why);
  if (!d && argc > 1) {
    return fail(argv[1], why);
  }
  if (!d) {
    printf("no DuckDB here (%s): skipped\n", why);
    return SKIPPED;
  }
  int code = run(d, argc > 2 ? argv[2] : homes);
  duckdb_unload(d);
  return code;
}
