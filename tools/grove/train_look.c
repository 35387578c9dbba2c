#include "train_look.h"
#include <grove/runs.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MODELS_MOST = 1000, POINTS_MOST = 512 };

static void read_curve(train_curve *c, grove *g, uint64_t run, const grove_run_item *item)
{
  snprintf(c->steps, sizeof c->steps, "%s", item->steps[0] ? item->steps : "trees");
  c->xy = cli_alloc(POINTS_MOST, 2 * sizeof *c->xy);
  if (grove_run_curve(g, run, item->index, c->xy, POINTS_MOST, &c->n)) {
    c->n = 0;
  }
}

void train_look_read(train_look *l, grove *g, grove_trained_list list)
{
  grove_run_info run = {.struct_size = sizeof run};
  size_t runs = 0, items = 0;
  l->n = grove_trained_list_count(list);
  l->curves = cli_alloc(l->n, sizeof *l->curves);
  grove_run_item *item = cli_alloc(MODELS_MOST, sizeof *item);
  bool told = !grove_runs(g, &run, sizeof run, 1, &runs) && runs &&
              !grove_run_items(g, run.id, GROVE_RUN_BY_INDEX, 0, item, sizeof *item, MODELS_MOST, &items);
  for (size_t i = 0; i < l->n; i++) {
    const grove_trained *m = grove_trained_list_at(list, i);
    l->curves[i].mse = m->mse;
    snprintf(l->curves[i].name, sizeof l->curves[i].name, "%s", m->name);
    for (size_t k = 0; told && k < items && k < MODELS_MOST; k++) {
      if (!strcmp(item[k].name, m->name) && item[k].points) {
        read_curve(&l->curves[i], g, run.id, &item[k]);
      }
    }
  }
  free(item);
}

void train_look_free(train_look *l)
{
  for (size_t i = 0; i < l->n; i++) {
    free(l->curves[i].xy);
  }
  free(l->curves);
  *l = (train_look){NULL, 0};
}

bool train_look_is_of(const train_curve *c, const char *steps)
{
  return !isnan(c->mse) && !strcmp(c->n ? c->steps : "trees", steps);
}

double train_look_step(double low, double high, int about)
{
  double raw = (high - low) / about;
  if (!(raw > 0) || !isfinite(raw)) {
    return 1;
  }
  double power = pow(10, floor(log10(raw))), part = raw / power;
  return (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10) * power;
}

// ---- letters ----------------------------------------------------------------------------------------

enum { HIGH = 16, EDGE = 11 }; // rows of the drawing; columns of its numbers

static bool find_range(const train_look *l, const char *steps, double *most, double *low, double *high)
{
  *most = *low = INFINITY;
  *high = *most = 0;
  *low = INFINITY;
  for (size_t i = 0; i < l->n; i++) {
    const train_curve *c = &l->curves[i];
    for (size_t k = 0; train_look_is_of(c, steps) && k < c->n; k++) {
      *most = c->xy[2 * k] > *most ? c->xy[2 * k] : *most;
      *low = c->xy[2 * k + 1] < *low ? c->xy[2 * k + 1] : *low;
      *high = c->xy[2 * k + 1] > *high ? c->xy[2 * k + 1] : *high;
    }
  }
  return *most > 0 && *high > *low;
}

static void draw(FILE *to, const train_look *l, const char *steps, int wide)
{
  double most, low, high;
  if (!find_range(l, steps, &most, &low, &high)) {
    return;
  }
  char *dots = cli_alloc(HIGH, (size_t)wide);
  memset(dots, ' ', (size_t)(HIGH * wide));
  for (size_t i = l->n; i-- > 0;) { // the best one last, on top
    const train_curve *c = &l->curves[i];
    for (size_t k = 0; train_look_is_of(c, steps) && k < c->n; k++) {
      int x = (int)(c->xy[2 * k] / most * (wide - 1));
      int y = (int)((high - c->xy[2 * k + 1]) / (high - low) * (HIGH - 1) + 0.5);
      dots[y * wide + x] = (char)('a' + i % 26);
    }
  }
  fprintf(to, "\nMSE on the test part, by %s\n", steps);
  for (int y = 0; y < HIGH; y++) {
    int end = wide;
    while (end && dots[y * wide + end - 1] == ' ') {
      end--;
    }
    if (y % 5 == 0) {
      fprintf(to, "%*.5g |%.*s\n", EDGE - 2, high - (high - low) * y / (HIGH - 1), end, dots + y * wide);
    } else {
      fprintf(to, "%*s |%.*s\n", EDGE - 2, "", end, dots + y * wide);
    }
  }
  fprintf(to, "%*s +", EDGE - 2, "");
  for (int x = 0; x < wide; x++) {
    fputc('-', to);
  }
  fprintf(to, "\n%*s 0%*.0f\n", EDGE - 1, "", wide - 1, most);
  free(dots);
}

void train_look_plot(FILE *to, const train_look *l, int width)
{
  int wide = width - EDGE - 1 < 20 ? 20 : width - EDGE - 1;
  double most = 0;
  int name = 0;
  draw(to, l, "trees", wide > 100 ? 100 : wide);
  draw(to, l, "depth", wide > 100 ? 100 : wide);
  for (size_t i = 0; i < l->n; i++) {
    most = l->curves[i].mse > most ? l->curves[i].mse : most;
    name = (int)strlen(l->curves[i].name) > name ? (int)strlen(l->curves[i].name) : name;
  }
  fprintf(to, "\nMSE\n");
  int bar = width - name - 18 < 10 ? 10 : width - name - 18;
  for (size_t i = 0; i < l->n; i++) {
    const train_curve *c = &l->curves[i];
    fprintf(to, "%c %-*s ", c->n ? (char)('a' + i % 26) : ' ', name, c->name);
    if (isnan(c->mse)) {
      fprintf(to, "failed\n");
      continue;
    }
    fprintf(to, "%-11.6g ", c->mse);
    for (int k = 0; most > 0 && k < (int)(c->mse / most * bar + 0.5); k++) {
      fputc('#', to);
    }
    fputc('\n', to);
  }
}
