// Training on a million rows of 28 columns. usage: large generate FILE ROWS | large gbt|forest FILE ROWS THREADS
// The file has 28 columns and the target, doubles, column after column; the last tenth of the rows is to test with.
// Prints seconds, mean squared error and the growth of the peak memory in bytes.
#include "arrow_columns.h"
#include <grove/call.h>
#include <grove/model.h>
#include <grove/runtime.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { FEATURES = 28, COLUMNS = FEATURES + 1, WAVES = 16, FOLDS = 6 };

static uint64_t state = 7;

static double draw_unit(void)
{
  uint64_t x = state += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return ((double)((x ^ (x >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static double draw_normal(void)
{
  return sqrt(-2 * log(draw_unit())) * cos(6.283185307179586 * draw_unit());
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double peak_bytes(void)
{
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (double)r.ru_maxrss * 1024;
}

// Waves and folds along random directions, one product, one branch, and noise.
static int generate(const char *path, size_t rows)
{
  static double wave[WAVES][FEATURES], fold[FOLDS][FEATURES], size[WAVES];
  float *x = malloc(rows * FEATURES * sizeof *x);
  double *column = malloc(rows * sizeof *column), *y = malloc(rows * sizeof *y);
  FILE *f = fopen(path, "wb");
  for (size_t i = 0; i < WAVES * FEATURES; i++) {
    wave[i / FEATURES][i % FEATURES] = draw_normal() * 0.4;
    size[i / FEATURES] = draw_normal();
  }
  for (size_t i = 0; i < FOLDS * FEATURES; i++) {
    fold[i / FEATURES][i % FEATURES] = draw_normal() / 3;
  }
  for (size_t i = 0; x && y && i < rows; i++) {
    float *row = x + i * FEATURES;
    for (size_t k = 0; k < FEATURES; k++) {
      row[k] = (float)draw_normal();
    }
    y[i] = row[0] * row[1] + 2 * (row[2] > 0.3F) * row[3] + draw_normal() * 0.5;
    for (size_t k = 0; k < WAVES + FOLDS; k++) {
      const double *w = k < WAVES ? wave[k] : fold[k - WAVES];
      double sum = 0;
      for (size_t c = 0; c < FEATURES; c++) {
        sum += w[c] * row[c];
      }
      y[i] += k < WAVES ? sin(sum) * size[k] : fabs(sum) * 0.5;
    }
  }
  size_t written = 0;
  for (size_t c = 0; f && column && x && c < FEATURES; c++) {
    for (size_t i = 0; i < rows; i++) {
      column[i] = x[i * FEATURES + c];
    }
    written += fwrite(column, sizeof *column, rows, f);
  }
  written += f ? fwrite(y, sizeof *y, rows, f) : 0;
  return f && fclose(f) == 0 && written == rows * COLUMNS ? 0 : 1;
}

static grove_table *read_part(const char *path, size_t all, size_t from, size_t rows)
{
  static double *column[2][COLUMNS];
  double **c = column[from != 0];
  FILE *f = fopen(path, "rb");
  for (size_t i = 0; f && i < COLUMNS; i++) {
    c[i] = malloc(rows * sizeof *c[i]);
    if (!c[i] || fseek(f, (long)((i * all + from) * sizeof **c), SEEK_SET) ||
        fread(c[i], sizeof **c, rows, f) != rows) {
      return NULL;
    }
  }
  return f && !fclose(f) ? bench_table(c, COLUMNS, rows) : NULL;
}

static int fit(grove *g, const char *what, const char *path, size_t rows)
{
  static const grove_parameter gbt[] = {{"n_estimators", "100"}, {"max_leaves", "255"},
      {"max_depth", "none"}, {"eta", "0.1"}, {"min_data_in_leaf", "20"}, {NULL, NULL}};
  static const grove_parameter forest[] = {
      {"n_estimators", "10"}, {"max_features", "0.33"}, {NULL, NULL}};
  bool boosts = strcmp(what, "gbt") == 0;
  size_t test = rows / 10;
  grove_table *train = read_part(path, rows, 0, rows - test);
  grove_table *rest = read_part(path, rows, rows - test, test);
  grove_work work = {.struct_size = sizeof work};
  grove_model *m = NULL;
  grove_error err = {0};
  double mse = 0;
  grove_work_init(g, &work);
  if (!train || !rest ||
      grove_model_create(
          NULL, boosts ? "gradient_boosting" : "random_forest", boosts ? gbt : forest, &m, &err)) {
    return fprintf(stderr, "%s\n", err.text), 1;
  }
  double before = peak_bytes(), start = now();
  if (grove_model_fit(m, train, &(grove_fit_options){GROVE_FIT, .work = &work}, &err)) {
    return fprintf(stderr, "%s\n", err.text), 1;
  }
  double seconds = now() - start, peak = peak_bytes() - before;
  if (grove_model_score(m, rest, NULL, &mse, &err)) {
    return fprintf(stderr, "%s\n", err.text), 1;
  }
  printf("%.6g %.6g %.0f\n", seconds, mse, peak);
  grove_model_destroy(m);
  return 0;
}

int main(int argc, char **argv)
{
  if (argc == 4 && strcmp(argv[1], "generate") == 0) {
    return generate(argv[2], strtoul(argv[3], NULL, 10));
  }
  if (argc != 5) {
    fprintf(stderr, "usage: large generate FILE ROWS | large gbt|forest FILE ROWS THREADS\n");
    return 2;
  }
  grove *g = NULL;
  grove_options o = {GROVE_OPTIONS, .workers = (uint32_t)strtoul(argv[4], NULL, 10)};
  grove_status s = grove_start(&o, &g);
  if (s) {
    return fprintf(stderr, "%s\n", grove_status_text(s)), 1;
  }
  int code = fit(g, argv[1], argv[2], strtoul(argv[3], NULL, 10));
  return grove_stop(g, 10000, NULL) ? 1 : code;
}
