#include "report_svg.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDE = 560, HIGH = 320, LEFT = 62, RIGHT = 14, TOP = 12, BOTTOM = 44, POINTS = 2000, MAPPED = 3000, BINS = 40, BARS = 20 };

void html_text(FILE *f, const char *text)
{
  for (; *text; text++) {
    switch (*text) {
    case '&': fputs("&amp;", f); break;
    case '<': fputs("&lt;", f); break;
    case '>': fputs("&gt;", f); break;
    case '"': fputs("&quot;", f); break;
    case '\'': fputs("&#39;", f); break;
    default:
      if ((unsigned char)*text >= 0x20) {
        fputc(*text, f);
      } else {
        fputc(' ', f);
      }
    }
  }
}

// ---- axes -----------------------------------------------------------------------------------------------

typedef struct plot {
  FILE *f;
  double x0, x1, y0, y1; // what the axes span
} plot;

static double across(const plot *p, double x)
{
  return LEFT + (x - p->x0) / (p->x1 - p->x0) * (WIDE - LEFT - RIGHT);
}
static double down(const plot *p, double y)
{
  return TOP + (p->y1 - y) / (p->y1 - p->y0) * (HIGH - TOP - BOTTOM);
}

static void open_svg(FILE *f, const char *label, int wide, int high)
{
  fprintf(f, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", wide, high);
  html_text(f, label);
  fputs("\">\n", f);
}

static void put_label(FILE *f, double x, double y, const char *anchor, const char *text)
{
  fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
  html_text(f, text);
  fputs("</text>\n", f);
}

static void put_number(FILE *f, double x, double y, const char *anchor, double v, double step)
{
  char text[40];
  snprintf(text, sizeof text, "%.6g", fabs(v) < step * 1e-6 ? 0 : v);
  put_label(f, x, y, anchor, text);
}

static void widen(double *low, double *high)
{
  if (!(*high > *low)) {
    double by = fabs(*low) > 0 ? fabs(*low) * 0.5 : 0.5;
    *low -= by;
    *high += by;
  }
}

static void axes(plot *p, const char *label, const char *x_name, const char *y_name)
{
  FILE *f = p->f;
  widen(&p->x0, &p->x1);
  widen(&p->y0, &p->y1);
  open_svg(f, label, WIDE, HIGH);
  double step = train_look_step(p->y0, p->y1, 5);
  for (double v = ceil(p->y0 / step) * step; v <= p->y1 + step * 1e-9; v += step) {
    fprintf(f, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n", LEFT, WIDE - RIGHT, down(p, v), down(p, v));
    put_number(f, LEFT - 6, down(p, v) + 4, "end", v, step);
  }
  step = train_look_step(p->x0, p->x1, 6);
  for (double v = ceil(p->x0 / step) * step; v <= p->x1 + step * 1e-9; v += step) {
    fprintf(f, "<line class=\"grid\" y1=\"%d\" y2=\"%d\" x1=\"%.1f\" x2=\"%.1f\"/>\n", TOP, HIGH - BOTTOM, across(p, v), across(p, v));
    put_number(f, across(p, v), HIGH - BOTTOM + 16, "middle", v, step);
  }
  put_label(f, (LEFT + WIDE - RIGHT) / 2.0, HIGH - 6, "middle", x_name);
  fprintf(f, "<text transform=\"translate(13 %d) rotate(-90)\" text-anchor=\"middle\">", (TOP + HIGH - BOTTOM) / 2);
  html_text(f, y_name);
  fputs("</text>\n", f);
}

static void range_of(const double *v, size_t n, double *low, double *high)
{
  *low = INFINITY;
  *high = -INFINITY;
  for (size_t i = 0; i < n; i++) {
    *low = v[i] < *low ? v[i] : *low;
    *high = v[i] > *high ? v[i] : *high;
  }
  if (!isfinite(*low) || !isfinite(*high)) {
    *low = 0;
    *high = 1;
  }
}

// ---- charts ----------------------------------------------------------------------------------------------

static void put_curve(const plot *p, const train_curve *c, size_t i)
{
  static const char *const dashes[] = {"none", "7 3", "2 3", "9 3 2 3", "4 2", "12 4"};
  fprintf(p->f, "<path class=\"curve c%zu\" stroke-dasharray=\"%s\" d=\"", i % 6, c->n ? dashes[i % 6] : "1 5");
  if (!c->n) {
    fprintf(p->f, "M%d %.1fH%d", LEFT, down(p, c->mse), WIDE - RIGHT);
  }
  for (size_t k = 0; k < c->n; k++) {
    fprintf(p->f, "%c%.1f %.1f", k ? 'L' : 'M', across(p, c->xy[2 * k]), down(p, c->xy[2 * k + 1]));
  }
  fputs("\"/>\n", p->f);
}

static void put_legend(FILE *f, const train_look *l, const char *steps)
{
  static const char *const dashes[] = {"none", "7 3", "2 3", "9 3 2 3", "4 2", "12 4"};
  fputs("<ul class=\"legend\">", f);
  for (size_t i = 0; i < l->n; i++) {
    if (!train_look_is_of(&l->curves[i], steps)) {
      continue;
    }
    fprintf(f, "<li><svg viewBox=\"0 0 28 10\" width=\"28\" height=\"10\" aria-hidden=\"true\"><path class=\"curve c%zu\" stroke-dasharray=\"%s\" d=\"M0 5H28\"/></svg> ",
        i % 6, l->curves[i].n ? dashes[i % 6] : "1 5");
    html_text(f, l->curves[i].name);
    fputs("</li>", f);
  }
  fputs("</ul>\n", f);
}

void svg_curves(FILE *f, const train_look *l, const char *steps)
{
  plot p = {.f = f, .x0 = 0, .x1 = 1, .y0 = INFINITY, .y1 = -INFINITY};
  char label[600];
  snprintf(label, sizeof label, "Mean squared error on the test part by %s:", steps);
  for (size_t i = 0; i < l->n; i++) {
    const train_curve *c = &l->curves[i];
    if (!train_look_is_of(c, steps)) {
      continue;
    }
    for (size_t k = 0; k <= c->n; k++) {
      double x = k < c->n ? c->xy[2 * k] : 0, y = k < c->n ? c->xy[2 * k + 1] : c->mse;
      p.x1 = x > p.x1 ? x : p.x1;
      p.y0 = y < p.y0 ? y : p.y0;
      p.y1 = y > p.y1 ? y : p.y1;
    }
    size_t used = strlen(label);
    snprintf(label + used, sizeof label - used, " %s %.4g;", c->name, c->mse);
  }
  p.y0 -= (p.y1 - p.y0) * 0.05;
  axes(&p, label, steps, "MSE");
  for (size_t i = 0; i < l->n; i++) {
    if (train_look_is_of(&l->curves[i], steps)) {
      put_curve(&p, &l->curves[i], i);
    }
  }
  fputs("</svg>\n", f);
  put_legend(f, l, steps);
}

// Every point is a stroke without length: a dot, in nine bytes or so.
static void put_dots(const plot *p, const char *kind, const double *x, const double *y, const uint8_t *group, uint8_t which, size_t n,
    size_t most)
{
  size_t stride = n > most ? (n + most - 1) / most : 1;
  fprintf(p->f, "<path class=\"%s\" d=\"", kind);
  for (size_t i = 0; i < n; i += stride) {
    if (isfinite(x[i]) && isfinite(y[i]) && (!group || group[i] == which)) {
      fprintf(p->f, "M%.1f %.1fh0", across(p, x[i]), down(p, y[i]));
    }
  }
  fputs("\"/>\n", p->f);
}

void svg_scatter(FILE *f, const char *label, const char *x_name, const char *y_name, const double *x, const double *y,
    size_t n, bool diagonal)
{
  plot p = {.f = f};
  range_of(x, n, &p.x0, &p.x1);
  range_of(y, n, &p.y0, &p.y1);
  if (diagonal) { // one scale for both
    p.x0 = p.y0 = p.x0 < p.y0 ? p.x0 : p.y0;
    p.x1 = p.y1 = p.x1 > p.y1 ? p.x1 : p.y1;
  }
  axes(&p, label, x_name, y_name);
  put_dots(&p, "dots", x, y, NULL, 0, n, POINTS);
  if (diagonal) {
    fprintf(f, "<path class=\"ideal\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", across(&p, p.x0), down(&p, p.x0), across(&p, p.x1), down(&p, p.x1));
  } else if (p.y0 < 0 && p.y1 > 0) {
    fprintf(f, "<path class=\"ideal\" d=\"M%d %.1fH%d\"/>\n", LEFT, down(&p, 0), WIDE - RIGHT);
  }
  fputs("</svg>\n", f);
}

void svg_histogram(FILE *f, const char *label, const char *x_name, const double *v, size_t n)
{
  plot p = {.f = f};
  size_t count[BINS] = {0}, most = 1;
  range_of(v, n, &p.x0, &p.x1);
  widen(&p.x0, &p.x1);
  for (size_t i = 0; i < n; i++) {
    if (isfinite(v[i])) {
      int bin = (int)((v[i] - p.x0) / (p.x1 - p.x0) * BINS);
      size_t *its = &count[bin < BINS ? bin : BINS - 1];
      most = ++*its > most ? *its : most;
    }
  }
  p.y1 = (double)most;
  axes(&p, label, x_name, "rows");
  for (int i = 0; i < BINS; i++) {
    double from = across(&p, p.x0 + (p.x1 - p.x0) * i / BINS), to = across(&p, p.x0 + (p.x1 - p.x0) * (i + 1) / BINS);
    if (count[i]) {
      fprintf(f, "<rect class=\"bar\" x=\"%.1f\" width=\"%.1f\" y=\"%.1f\" height=\"%.1f\"/>\n", from, to - from - 0.6,
          down(&p, (double)count[i]), down(&p, 0) - down(&p, (double)count[i]));
    }
  }
  fputs("</svg>\n", f);
}

void svg_bars(FILE *f, const char *label, const char *const *names, const double *v, size_t n)
{
  enum { ROW = 22, NAMES = 170 };
  size_t *order = cli_alloc(n, sizeof *order);
  double most = 0;
  for (size_t i = 0; i < n; i++) { // by size; there are few
    size_t at = i;
    while (at && v[order[at - 1]] < v[i]) {
      order[at] = order[at - 1];
      at--;
    }
    order[at] = i;
    most = v[i] > most ? v[i] : most;
  }
  size_t shown = n < BARS ? n : BARS;
  open_svg(f, label, WIDE, (int)shown * ROW + 4);
  for (size_t i = 0; i < shown; i++) {
    double y = (double)(i * ROW), wide = most > 0 && v[order[i]] > 0 ? v[order[i]] / most * (WIDE - NAMES - 90) : 0;
    char number[32];
    snprintf(number, sizeof number, "%.4g", v[order[i]]);
    put_label(f, NAMES - 8, y + 15, "end", names[order[i]]);
    fprintf(f, "<rect class=\"bar\" x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>\n", NAMES, y + 3, wide, ROW - 6);
    put_label(f, NAMES + wide + 6, y + 15, "start", number);
  }
  fputs("</svg>\n", f);
  if (shown < n) {
    fprintf(f, "<p class=\"soft\">The largest %zu of %zu.</p>\n", shown, n);
  }
  free(order);
}

static int compare_doubles(const void *left, const void *right)
{
  double a = *(const double *)left, b = *(const double *)right;
  return a < b ? -1 : a > b;
}

void svg_map(FILE *f, const char *label, const double *longitude, const double *latitude, const double *v, size_t n)
{
  static const char *const classes[] = {"low3", "low2", "low1", "high1", "high2", "high3"};
  plot p = {.f = f};
  range_of(longitude, n, &p.x0, &p.x1);
  range_of(latitude, n, &p.y0, &p.y1);
  // Colours by how large a residual is among them: thirds of their sizes.
  double *sizes = cli_alloc(n, sizeof *sizes);
  uint8_t *group = cli_alloc(n, 1);
  for (size_t i = 0; i < n; i++) {
    sizes[i] = isfinite(v[i]) ? fabs(v[i]) : 0;
  }
  qsort(sizes, n, sizeof *sizes, compare_doubles);
  double third = n ? sizes[n / 3] : 0, two = n ? sizes[2 * n / 3] : 0;
  for (size_t i = 0; i < n; i++) {
    int far = fabs(v[i]) > two ? 2 : fabs(v[i]) > third ? 1 : 0;
    group[i] = (uint8_t)(v[i] < 0 ? 2 - far : 3 + far);
  }
  axes(&p, label, "longitude", "latitude");
  for (uint8_t k = 0; k < 6; k++) {
    char kind[24];
    snprintf(kind, sizeof kind, "dots %s", classes[k]);
    put_dots(&p, kind, longitude, latitude, group, k, n, MAPPED);
  }
  fputs("</svg>\n<ul class=\"legend\">", f);
  for (int k = 0; k < 6; k++) {
    fprintf(f, "<li><svg viewBox=\"0 0 10 10\" width=\"10\" height=\"10\" aria-hidden=\"true\"><path class=\"dots key %s\" d=\"M5 5h0\"/></svg> %s %s</li>", classes[k],
        k < 3 ? "too high," : "too low,", k == 0 || k == 5 ? "much" : k == 1 || k == 4 ? "some" : "little");
  }
  fprintf(f, "</ul>\n<p class=\"soft\">little: up to %.3g; much: above %.3g</p>\n", third, two);
  free(sizes);
  free(group);
}
