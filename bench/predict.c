// How many rows a second a model predicts, on one thread, and how long one row takes.
//   predict NAME MODEL ROWS WANTED: a model of any form, rows of floats as they stand in memory, and what the model's
//     own library said for them, floats too, which has to be the same bits
//   predict NAME: without other libraries: rows made up here, and a model of our own that is fitted on them
#include <grove/columnar.h>
#include <grove/exchange.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COLUMNS = 8, MADE = 1000000, FITTED = 60000, SINGLE = 3000 };

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void stop_if(int failed, const char *what, const char *why)
{
  if (failed) {
    fprintf(stderr, "predict: %s: %s\n", what, why);
    exit(1);
  }
}

static void *read_file(const char *path, size_t *n)
{
  FILE *f = fopen(path, "rb");
  stop_if(!f || fseek(f, 0, SEEK_END), path, "can't be read");
  long size = ftell(f);
  rewind(f);
  void *bytes = malloc(size > 0 ? (size_t)size : 1);
  *n = bytes ? fread(bytes, 1, (size_t)size, f) : 0;
  stop_if(*n != (size_t)size, path, "can't be read");
  fclose(f);
  return bytes;
}

// ---- a model of our own -------------------------------------------------------------------------------
static double draw(uint64_t *seed)
{
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(*seed >> 11) / 9007199254740992.0;
}

static float *make_rows(size_t rows)
{
  uint64_t seed = 1;
  float *x = malloc(rows * COLUMNS * sizeof *x);
  stop_if(!x, "rows", "no memory");
  for (size_t i = 0; i < rows * COLUMNS; i++) {
    x[i] = draw(&seed) < 0.06 ? NAN : (float)(draw(&seed) * 10 + draw(&seed));
  }
  return x;
}

static grove_model *fit_own(const char *name, const float *x)
{
  const grove_parameter deep[] = {{"n_estimators", "150"}, {"max_depth", "10"}, {NULL, NULL}};
  const grove_parameter flat[] = {{"n_estimators", "100"}, {"max_depth", "5"}, {NULL, NULL}};
  size_t room = (size_t)FITTED * (COLUMNS + 1) * 16, used = 0;
  char *text = malloc(room);
  grove_table *t = NULL;
  grove_model *m = NULL;
  grove_error err = {0};
  stop_if(!text, "a table", "no memory");
  used += (size_t)snprintf(text, room, "a,b,c,d,e,f,g,h,y\n");
  for (size_t i = 0; i < FITTED; i++) {
    double y = 0;
    for (size_t c = 0; c < COLUMNS; c++) {
      float v = x[i * COLUMNS + c];
      y += isnan(v) ? 1 : sin((double)v) * (double)(c + 1);
      used += isnan(v) ? (size_t)snprintf(text + used, room - used, ",")
                       : (size_t)snprintf(text + used, room - used, "%.6g,", (double)v);
    }
    used += (size_t)snprintf(text + used, room - used, "%.6g\n", y);
  }
  stop_if(grove_csv_parse(text, used, NULL, &t, &err), "a table", err.text);
  free(text);
  stop_if(grove_model_create(NULL, "gradient_boosting", name[0] == 't' ? deep : flat, &m, &err),
      name, err.text);
  stop_if(grove_model_fit(m, t, NULL, &err), name, err.text);
  stop_if(grove_model_prepare(m, NULL, &err), name, err.text);
  grove_table_release(t);
  return m;
}

// ---- measuring ----------------------------------------------------------------------------------------
static void check(const double *got, const float *wanted, size_t rows)
{
  for (size_t i = 0; i < rows; i++) {
    float v = (float)got[i];
    stop_if(memcmp(&v, &wanted[i], sizeof v) != 0, "a prediction", "not the bits of the library");
  }
}

static double rows_a_second(const grove_model *m, const grove_rows *x, double *out)
{
  size_t bytes = grove_model_scratch(m, x->rows);
  void *scratch = malloc(bytes ? bytes : 1);
  double best = 1e30;
  for (int i = 0; i < 3; i++) {
    double begin = now();
    stop_if(grove_model_predict_rows(m, x, scratch, bytes, out), "predict", "failed");
    double seconds = now() - begin;
    best = seconds < best ? seconds : best;
  }
  free(scratch);
  return (double)x->rows / best;
}

static double seconds_a_row(const grove_model *m, const grove_rows *x)
{
  double best = 1e30, out;
  for (int k = 0; k < 3; k++) {
    double begin = now();
    for (size_t i = 0; i < SINGLE; i++) {
      grove_rows one = *x;
      one.data = (const float *)x->data + i * COLUMNS;
      one.rows = 1;
      stop_if(grove_model_predict_rows(m, &one, NULL, 0, &out), "predict", "failed");
    }
    double seconds = (now() - begin) / SINGLE;
    best = seconds < best ? seconds : best;
  }
  return best;
}

int main(int argc, char **argv)
{
  grove_model *m = NULL;
  grove_error err = {0};
  size_t bytes, n = 0;
  float *x, *wanted = NULL;
  stop_if(argc != 2 && argc != 5, "arguments", "NAME, or NAME MODEL ROWS WANTED");
  if (argc == 5) {
    void *file = read_file(argv[2], &bytes);
    stop_if(grove_model_import(NULL, file, bytes, &m, &err), argv[2], err.text);
    free(file);
    x = read_file(argv[3], &n);
    wanted = read_file(argv[4], &bytes);
    stop_if(bytes != n / COLUMNS, argv[4], "not as many rows");
  } else {
    x = make_rows(MADE);
    n = (size_t)MADE * COLUMNS * sizeof *x;
    m = fit_own(argv[1], x);
  }
  const grove_rows rows = {
      GROVE_ROWS, .floats = 1, .data = x, .rows = n / (COLUMNS * sizeof *x), .columns = COLUMNS};
  double *out = malloc(rows.rows * sizeof *out);
  stop_if(!out, "predictions", "no memory");
  printf("grove %s rate %.6g rows/s\n", argv[1], rows_a_second(m, &rows, out));
  if (wanted) {
    check(out, wanted, rows.rows);
  }
  if (strcmp(argv[1], "trees_150x10") == 0) {
    printf("grove one_row seconds %.6g s\n", seconds_a_row(m, &rows));
  }
  grove_model_destroy(m);
  free(out);
  free(wanted);
  free(x);
  return 0;
}
