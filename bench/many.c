// Many small models by group: KEYS keys of 100 rows and 8 columns each, from a table of doubles to fitted models.
// usage: many KEYS THREADS [linear|trees]. Prints results as bench/README.md has them, and to standard error the seconds of CPU.
#include "arrow_columns.h"
#include <grove/call.h>
#include <grove/model.h>
#include <grove/runtime.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { ROWS = 100, FEATURES = 8, COLUMNS = FEATURES + 2 };

static uint64_t state = 3;

static double draw(void)
{
  uint64_t x = state += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return ((double)((x ^ (x >> 31)) >> 11) + 0.5) * 0x1p-52 - 1;
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double cpu(void)
{
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
         1e-6 * (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

// The key is the first column; a linear model of each key's own, and noise.
static grove_table *make_table(size_t keys)
{
  static double *column[COLUMNS];
  size_t rows = keys * ROWS;
  for (size_t c = 0; c < COLUMNS; c++) {
    column[c] = malloc(rows * sizeof *column[c]);
    if (!column[c]) {
      return NULL;
    }
  }
  for (size_t k = 0; k < keys; k++) {
    double w[FEATURES];
    for (size_t c = 0; c < FEATURES; c++) {
      w[c] = draw();
    }
    for (size_t i = k * ROWS; i < (k + 1) * ROWS; i++) {
      column[0][i] = (double)k;
      column[COLUMNS - 1][i] = 0.1 * draw();
      for (size_t c = 0; c < FEATURES; c++) {
        column[1 + c][i] = (float)draw();
        column[COLUMNS - 1][i] += w[c] * column[1 + c][i];
      }
    }
  }
  return bench_table(column, COLUMNS, rows);
}

static int fit(grove *g, const grove_table *t, const char *name, const char *kind,
    const grove_parameter *p, size_t keys)
{
  grove_work work = {.struct_size = sizeof work};
  grove_models *m = NULL;
  grove_error err = {0};
  grove_work_init(g, &work);
  double start = now(), before = cpu();
  if (grove_models_fit(
          NULL, kind, p, t, "x0", &(grove_fit_options){GROVE_FIT, .work = &work}, &m, &err)) {
    return fprintf(stderr, "%s\n", err.text), 1;
  }
  double seconds = now() - start, used = cpu() - before;
  if (grove_models_count(m) != keys) {
    return fprintf(stderr, "%zu models, not %zu\n", grove_models_count(m), keys), 1;
  }
  grove_models_destroy(m);
  printf("grove %s rate %.6g 1/s\n", name, (double)keys / seconds);
  fprintf(stderr, "%s: %.6g s, %.6g s of CPU\n", name, seconds, used);
  return 0;
}

int main(int argc, char **argv)
{
  if (argc != 3 && argc != 4) {
    return fprintf(stderr, "usage: many KEYS THREADS [linear|trees]\n"), 2;
  }
  bool lines = argc == 3 || strcmp(argv[3], "linear") == 0;
  bool trees = argc == 3 || strcmp(argv[3], "trees") == 0;
  static const grove_parameter depth[] = {{"max_depth", "6"}, {NULL, NULL}};
  size_t keys = strtoul(argv[1], NULL, 10);
  grove *g = NULL;
  grove_options o = {GROVE_OPTIONS, .workers = (uint32_t)strtoul(argv[2], NULL, 10)};
  grove_table *t = make_table(keys);
  if (!t || grove_start(&o, &g)) {
    return 1;
  }
  int code = lines ? fit(g, t, "many_linear", "linear", NULL, keys) : 0;
  code = code || !trees ? code : fit(g, t, "many_trees", "decision_tree", depth, keys);
  grove_table_release(t);
  return grove_stop(g, 10000, NULL) ? 1 : code;
}
