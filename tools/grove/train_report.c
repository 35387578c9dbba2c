#include "train_report.h"
#include "report_svg.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static const char style[] =
    ":root{color-scheme:light dark;--ground:#f6f7f5;--sheet:#fff;--ink:#1c221e;--soft:#57625b;--line:#dde2de;--accent:#1d6f47;"
    "--c0:#1d6f47;--c1:#1f5fae;--c2:#8a5a00;--c3:#b3261e;--c4:#57625b;--c5:#1c221e;--low:#1f5fae;--high:#b3261e}"
    "@media (prefers-color-scheme:dark){:root{--ground:#121613;--sheet:#1a1f1c;--ink:#e6ebe7;--soft:#a3ada6;--line:#303832;"
    "--accent:#6fcf9a;--c0:#6fcf9a;--c1:#8ab8f5;--c2:#e5b567;--c3:#ff9d94;--c4:#a3ada6;--c5:#e6ebe7;--low:#8ab8f5;--high:#ff9d94}}"
    "@media print{:root{--ground:#fff;--sheet:#fff;--ink:#000;--soft:#444;--line:#ccc;--accent:#1d6f47;--c0:#1d6f47;--c1:#1f5fae;"
    "--c2:#8a5a00;--c3:#b3261e;--c4:#444;--c5:#000;--low:#1f5fae;--high:#b3261e}figure,table{break-inside:avoid}"
    ".scroll{overflow:visible!important}td{white-space:normal!important}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:14px/1.45 system-ui,sans-serif}"
    "main{max-width:1180px;margin:0 auto;padding:16px}h1{font-size:22px;margin:8px 0}h2{font-size:17px;margin:26px 0 8px}"
    ".soft,figcaption{color:var(--soft)}.pair{display:grid;gap:10px;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr))}"
    "figure,.scroll{margin:8px 0;background:var(--sheet);border:1px solid var(--line);border-radius:8px;padding:8px 12px;min-width:0}"
    ".scroll{overflow-x:auto;padding:0}svg{width:100%;max-width:760px;height:auto;display:block}svg text{fill:var(--soft);font-size:11px}"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}caption{text-align:left;font-weight:600;padding:8px 12px 2px}"
    "th,td{text-align:left;padding:4px 12px;border-top:1px solid var(--line);vertical-align:top;white-space:nowrap}"
    "td.text{white-space:normal;min-width:220px;overflow-wrap:anywhere}.n{text-align:right}"
    ".grid{stroke:var(--line)}.curve{fill:none;stroke-width:2}.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}"
    ".c3{stroke:var(--c3)}.c4{stroke:var(--c4)}.c5{stroke:var(--c5)}.bar{fill:var(--accent)}"
    ".dots{fill:none;stroke:var(--c1);stroke-width:3;stroke-linecap:round;stroke-opacity:.45}.key{stroke-width:8;stroke-opacity:1}"
    ".ideal{stroke:var(--ink);stroke-dasharray:4 3;fill:none}"
    ".low1,.low2,.low3{stroke:var(--low)}.high1,.high2,.high3{stroke:var(--high)}.low1,.high1{stroke-opacity:.25}"
    ".low2,.high2{stroke-opacity:.6}.low3,.high3{stroke-opacity:1}"
    ".legend{display:flex;flex-wrap:wrap;gap:2px 16px;list-style:none;margin:4px 0 0;padding:0;font-size:12px}"
    ".legend svg{display:inline;width:auto;height:10px}dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 18px;margin:8px 0}"
    "@media(max-width:560px){svg text{font-size:17px}}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}:focus-visible{outline:2px solid var(--accent)}";

/// A model on the test part.
typedef struct judged {
  const grove_model *model;
  grove_shared shared;
  double *actual, *predicted, *residual;
  size_t rows;
} judged;

// ---- the table ---------------------------------------------------------------------------------------

static void put_number(FILE *f, double v, const char *format)
{
  char text[48];
  snprintf(text, sizeof text, format, v);
  fprintf(f, "<td class=\"n\">%s</td>", isnan(v) ? "–" : text);
}

static void put_results(FILE *f, const train_report *r)
{
  fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Models\"><table><caption>Models, the least error first</caption>"
        "<thead><tr><th scope=\"col\" class=\"n\">place</th><th scope=\"col\">model</th><th scope=\"col\">state</th>"
        "<th scope=\"col\" class=\"n\">MSE</th><th scope=\"col\" class=\"n\">RMSE</th><th scope=\"col\" class=\"n\">MAE</th>"
        "<th scope=\"col\" class=\"n\">R²</th><th scope=\"col\" class=\"n\">time to train</th><th scope=\"col\">parameters</th></tr></thead><tbody>\n", f);
  for (size_t i = 0; i < grove_trained_list_count(r->list); i++) {
    const grove_trained *m = grove_trained_list_at(r->list, i);
    bool good = !isnan(m->mse);
    fprintf(f, "<tr><td class=\"n\">%.0zu%s</td><th scope=\"row\">", good ? i + 1 : (size_t)0, good ? "" : "–");
    html_text(f, m->name);
    fputs("</th><td>", f);
    html_text(f, m->state);
    fputs("</td>", f);
    put_number(f, m->mse, "%.6f");
    put_number(f, good ? sqrt(m->mse) : (double)NAN, "%.6f");
    put_number(f, good ? m->mae : (double)NAN, "%.6f");
    put_number(f, good ? m->r2 : (double)NAN, "%.4f");
    put_number(f, good ? m->train_seconds : (double)NAN, "%.3f s");
    fputs("<td class=\"text\">", f);
    html_text(f, m->parameters);
    if (m->error[0] || m->notes[0]) {
      fputs("<br><b>", f);
      html_text(f, m->error[0] ? m->error : m->notes);
      fputs("</b>", f);
    }
    fputs("</td></tr>\n", f);
  }
  fputs("</tbody></table></div>\n", f);
}

// ---- one model ----------------------------------------------------------------------------------------

static void begin_figure(FILE *f, const char *caption)
{
  fprintf(f, "<figure><figcaption>%s</figcaption>\n", caption);
}

static void put_importance(FILE *f, const train_report *r, const judged *j, const char *name, const grove_table *test)
{
  const char *names[512];
  double v[512];
  size_t n = 0;
  while (n < sizeof v / sizeof *v && grove_model_feature(j->model, n)) {
    names[n] = grove_model_feature(j->model, n);
    n++;
  }
  if (!n || grove_model_feature(j->model, n)) {
    return; // more than a page has room for
  }
  bool gains = !grove_model_importance(j->model, GROVE_IMPORTANCE_GAIN, v, n, NULL);
  if (!gains && grove_model_importance_permuted(j->model, test, r->target, 3, r->seed, v, NULL)) {
    return;
  }
  char label[200];
  snprintf(label, sizeof label, "Importance of the features for %s", name);
  begin_figure(f, gains ? "Importance of the features: what the splits by each have gained"
                        : "Importance of the features: by how much the MSE grows when a column's rows change places");
  svg_bars(f, label, names, v, n);
  fputs("</figure>\n", f);
}

static void put_model(FILE *f, const train_report *r, const judged *j, const char *name, const grove_table *test)
{
  char label[200];
  fputs("<h2>", f);
  html_text(f, name);
  fputs("</h2>\n<div class=\"pair\">\n", f);
  begin_figure(f, "Predicted against actual");
  snprintf(label, sizeof label, "Predictions of %s against what was measured, on %zu rows", name, j->rows);
  svg_scatter(f, label, "actual", "predicted", j->actual, j->predicted, j->rows, true);
  fputs("</figure>\n", f);
  begin_figure(f, "Residuals (actual less predicted) by prediction");
  snprintf(label, sizeof label, "Residuals of %s by prediction", name);
  svg_scatter(f, label, "predicted", "residual", j->predicted, j->residual, j->rows, false);
  fputs("</figure>\n", f);
  begin_figure(f, "How the residuals are spread");
  snprintf(label, sizeof label, "Histogram of the residuals of %s", name);
  svg_histogram(f, label, "residual", j->residual, j->rows);
  fputs("</figure>\n", f);
  put_importance(f, r, j, name, test);
  fputs("</div>\n", f);
}

// The column whose name is one of these, whatever its case.
static bool find_column(const grove_table *t, const char *const *names, size_t *out)
{
  for (; *names; names++) {
    for (size_t i = 0; i < grove_table_columns(t); i++) {
      if (!strcasecmp(grove_table_name(t, i), *names)) {
        *out = i;
        return true;
      }
    }
  }
  return false;
}

static void put_map(FILE *f, const judged *j, const char *name, const grove_table *test)
{
  static const char *const latitudes[] = {"latitude", "lat", NULL}, *const longitudes[] = {"longitude", "lon", "lng", "long", NULL};
  size_t at, along;
  if (!find_column(test, latitudes, &at) || !find_column(test, longitudes, &along)) {
    return;
  }
  double *v = cli_alloc(2 * j->rows, sizeof *v);
  if (!grove_table_doubles(test, at, 0, j->rows, v, NULL) && !grove_table_doubles(test, along, 0, j->rows, v + j->rows, NULL)) {
    char label[200];
    snprintf(label, sizeof label, "Map of the residuals of %s", name);
    fputs("<h2>Map</h2>\n", f);
    fputs("<figure><figcaption>Where ", f);
    html_text(f, name);
    fputs(" is too high or too low, on the test part</figcaption>\n", f);
    svg_map(f, label, v + j->rows, v, j->residual, j->rows);
    fputs("</figure>\n", f);
  }
  free(v);
}

static void free_judged(judged *j)
{
  free(j->actual);
  grove_release(j->shared);
  *j = (judged){NULL};
}

// False: there is no such model, or it can't be asked.
static bool judge(const train_report *r, const char *name, const grove_table *test, size_t target, judged *out)
{
  *out = (judged){.rows = grove_table_rows(test)};
  if (grove_trainer_model_ask(r->g, r->trainer, grove_string_of(name), 60000, &out->shared, NULL)) {
    return false;
  }
  out->model = grove_model_of(out->shared);
  out->actual = cli_alloc(3 * out->rows, sizeof *out->actual);
  out->predicted = out->actual + out->rows;
  out->residual = out->predicted + out->rows;
  if (!out->model || grove_model_predict(out->model, test, out->predicted, out->rows, NULL) ||
      grove_table_doubles(test, target, 0, out->rows, out->actual, NULL)) {
    free_judged(out);
    return false;
  }
  for (size_t i = 0; i < out->rows; i++) {
    out->residual[i] = out->actual[i] - out->predicted[i];
  }
  return true;
}

// The models by error; the map is of the best.
static void put_models(FILE *f, const train_report *r, const grove_table *test)
{
  size_t target = grove_table_columns(test) - 1;
  bool first = true;
  if (r->target && grove_table_find(test, r->target, &target, NULL)) {
    return;
  }
  for (size_t i = 0; i < grove_trained_list_count(r->list); i++) {
    const grove_trained *m = grove_trained_list_at(r->list, i);
    judged j;
    if (isnan(m->mse) || !judge(r, m->name, test, target, &j)) {
      continue;
    }
    put_model(f, r, &j, m->name, test);
    if (first) {
      put_map(f, &j, m->name, test);
      first = false;
    }
    free_judged(&j);
  }
}

// ---- the page --------------------------------------------------------------------------------------------

static void put_fact(FILE *f, const char *name, const char *format, ...) GROVE_PRINTF(3, 4);
static void put_fact(FILE *f, const char *name, const char *format, ...)
{
  char text[1000];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  fprintf(f, "<dt>%s</dt><dd>", name);
  html_text(f, text);
  fputs("</dd>\n", f);
}

static void put_environment(FILE *f, const train_report *r)
{
  struct utsname u;
  time_t now = time(NULL);
  struct tm at;
  char when[40] = "?";
  grove_stats s = {.struct_size = sizeof s};
  char *shown = cli_shown_url(r->data);
  size_t columns = grove_table_columns(r->table);
  if (gmtime_r(&now, &at)) {
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &at);
  }
  fputs("<h2>Parameters and environment</h2>\n<dl>\n", f);
  put_fact(f, "data", "%s", shown);
  put_fact(f, "rows, columns", "%zu, %zu", grove_table_rows(r->table), columns);
  put_fact(f, "target", "%s", r->target ? r->target : grove_table_name(r->table, columns - 1));
  if (r->folds) {
    put_fact(f, "folds", "%" PRIu64, r->folds);
  } else {
    put_fact(f, "test part", "%g", r->test_part > 0 ? r->test_part : 0.2);
  }
  put_fact(f, "seed", "%" PRIu64, r->seed);
  put_fact(f, "in all", "%.3f s", r->seconds);
  if (!grove_stats_get(r->g, &s)) {
    put_fact(f, "workers", "%u", (unsigned)s.workers);
  }
  put_fact(f, "most memory", "%.1f MB", (double)cli_peak_bytes() / 1e6);
  put_fact(f, "grove", "%s", grove_version());
  if (!uname(&u)) {
    put_fact(f, "system", "%s %s, %s", u.sysname, u.release, u.machine);
  }
  put_fact(f, "written", "%s", when);
  for (size_t i = 0; i < grove_trained_list_count(r->list); i++) {
    const grove_trained *m = grove_trained_list_at(r->list, i);
    if (!isnan(m->mse)) {
      fputs("<dt>hash of ", f);
      html_text(f, m->name);
      fprintf(f, "</dt><dd>%016" PRIx64 "</dd>\n", m->model_hash);
    }
  }
  fputs("</dl>\n", f);
  free(shown);
}

static void put_curves(FILE *f, const train_look *l)
{
  static const char *const kinds[][2] = {{"trees", "Mean squared error on the test part, as trees are added"},
      {"depth", "Mean squared error on the test part of a tree that is cut at a depth"}};
  bool any = false;
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    bool curved = false;
    for (size_t i = 0; i < l->n; i++) {
      curved = curved || (l->curves[i].n > 1 && train_look_is_of(&l->curves[i], kinds[k][0]));
    }
    if (curved) {
      fputs(any ? "" : "<h2>Learning curves</h2>\n", f);
      begin_figure(f, kinds[k][1]);
      svg_curves(f, l, kinds[k][0]);
      fputs("</figure>\n", f);
      any = true;
    }
  }
}

static void put_page(FILE *f, const train_report *r, const grove_table *test)
{
  const char *target = r->target ? r->target : grove_table_name(r->table, grove_table_columns(r->table) - 1);
  size_t n = grove_trained_list_count(r->list);
  fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n<title>", f);
  html_text(f, target);
  fprintf(f, ": %zu model%s</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<h1>Predicting ", n, n == 1 ? "" : "s", style);
  html_text(f, target);
  fprintf(f, "</h1>\n<p class=\"soft\">%zu model%s, %s; errors are on %s.</p>\n", n, n == 1 ? "" : "s", "the least error first",
      r->folds ? "the parts that were left out, fold by fold" : "rows that were not learned from");
  put_results(f, r);
  put_curves(f, r->look);
  if (test) {
    put_models(f, r, test);
  } else {
    fputs("<p class=\"soft\">With folds each model was fitted to all rows in the end: there are none left to hold it against.</p>\n", f);
  }
  put_environment(f, r);
  fputs("</main>\n</body>\n</html>\n", f);
}

int train_report_write(const train_report *r)
{
  grove_table *train = NULL, *test = NULL;
  grove_error err = {0};
  if (!r->folds) {
    grove_status s = grove_table_split(r->table, r->test_part > 0 ? r->test_part : 0.2, r->seed, &train, &test, &err);
    if (s) {
      return cli_fail_with(s, &err);
    }
  }
  char *draft = cli_format("%s.part", r->path);
  FILE *f = fopen(draft, "wb");
  int code = EXIT_GOOD;
  if (f) {
    put_page(f, r, test);
  }
  bool bad = !f || ferror(f);
  if (f) {
    bad = fclose(f) || bad;
  }
  if (bad || rename(draft, r->path)) {
    code = cli_fail(EXIT_RUN, "--report %s: %s", r->path, strerror(errno));
    unlink(draft);
  }
  free(draft);
  grove_table_release(train);
  grove_table_release(test);
  return code;
}
