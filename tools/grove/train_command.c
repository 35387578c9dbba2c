// grove train: many models on one data set, by the training supervisor.
#include "cli.h"
#include "cli_dashboard.h"
#include "cli_output.h"
#include "cli_progress.h"
#include "cli_runtime.h"
#include "train_report.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

struct wish {
  const char *data, *target, *save, *report;
  double test_part;
  char **models; // NULL-ended; NULL: all. Texts owned
  size_t model_count;
  grove_parameter *parameters; // ends with NULLs; names owned
  size_t parameter_count;
  const char **categorical, **increasing, **decreasing; // NULL-ended; NULL: none
  uint64_t folds, time_limit_ms;
  bool quiet, json, curves, plot;
  cli_progress_mode progress;
  cli_runtime_wish runtime;
};

enum {
  DATA,
  TARGET,
  MODEL,
  SET,
  TEST_SIZE,
  SEED,
  THREADS,
  SAVE,
  JSON,
  QUIET,
  PROGRESS,
  NO_PROGRESS,
  TRACE,
  REPORT,
  PLOT,
  EXECUTOR,
  CATEGORICAL,
  INCREASING,
  DECREASING,
  FOLDS,
  TIME_LIMIT
};

static const cli_option options[] = {
    [DATA] = {"data", "FILE", "the table: a .csv or .parquet file; needed", 'd', false},
    [TARGET] = {"target", "NAME", "the column to learn; default: the last one", 't', false},
    [MODEL] = {"model", "NAME",
        "a model to train; may be given several times;\ndefault: all of them", 'm', false},
    [SET] = {"set", "MODEL.PARAMETER=VALUE", "a parameter; may be given several times", 's', false},
    [TEST_SIZE] = {"test-size", "FRACTION", "the part of the rows to test with; default 0.2", 0,
        false},
    [SEED] = {"seed", "N",
        "of the split and the models: the same seed gives\nthe same bits; default 0", 0, false},
    [THREADS] = {"threads", "N", "default: the CPUs that this process may use", 'j', false},
    [SAVE] = {"save", "DIR", "write each model to DIR/NAME.grove", 0, false},
    [JSON] = {"json", NULL, "the result as one JSON document", 0, false},
    [QUIET] = {"quiet", NULL, "nothing but the result and errors", 'q', false},
    [PROGRESS] = CLI_PROGRESS_OPTION,
    [NO_PROGRESS] = {"no-progress", NULL, "the same as --progress none", 0, false},
    [TRACE] = CLI_TRACE_OPTION,
    [REPORT] = {"report", "FILE",
        "write a page (HTML) with results, learning curves,\nresiduals, importances and a map to FILE", 0, false},
    [PLOT] = {"plot", NULL, "draw learning curves and errors with letters, too", 0, false},
    [EXECUTOR] = {"executor", "NAME", "threads, or uv: libuv's own pool", 0, true},
    [CATEGORICAL] = {"categorical", "NAME",
        "a column whose numbers name categories, whole\nnumbers of 0 or more; may be given several "
        "times",
        0, false},
    [INCREASING] = {"increasing", "NAME",
        "a column with which predictions must not fall;\nmay be given several times", 0, false},
    [DECREASING] = {"decreasing", "NAME", "a column with which predictions must not rise", 0,
        false},
    [FOLDS] = {"folds", "K",
        "errors by K-fold cross validation; each model is then\nfitted to all rows", 0, false},
    [TIME_LIMIT] = {"time-limit", "MS",
        "milliseconds for each fit, which then ends with what\nthere is; default: none", 0, false},
    CLI_DASHBOARD_OPTION,
    {NULL, NULL, NULL, 0, false},
};

// ---- options --------------------------------------------------------------------------------------

static int add_parameter(struct wish *w, const char *text)
{
  const char *equal = strchr(text, '=');
  const char *dot = strchr(text, '.');
  if (!equal || !dot || dot > equal || dot == text || equal == dot + 1) {
    return cli_fail(EXIT_USAGE,
        "--set \"%s\" is not MODEL.PARAMETER=VALUE, as decision_tree.max_depth=15", text);
  }
  char *model = cli_format("%.*s", (int)(dot - text), text);
  char *name = cli_format("%.*s", (int)(equal - text), text);
  grove_parameter one[] = {{name + (dot - text) + 1, equal + 1}, {NULL, NULL}};
  grove_model *m = NULL;
  grove_error err = {0};
  grove_status s = grove_model_create(NULL, model, one, &m, &err);
  grove_model_destroy(m);
  free(model);
  if (s) {
    free(name);
    return cli_fail(EXIT_USAGE, "--set %s: %s", text, err.text);
  }
  size_t n = w->parameter_count++;
  w->parameters = cli_grow(w->parameters, n + 2, sizeof *w->parameters);
  w->parameters[n] = (grove_parameter){name, equal + 1};
  w->parameters[n + 1] = (grove_parameter){NULL, NULL};
  return EXIT_GOOD;
}

// Names are checked here and not left to the trainer, so that a wrong one is a mistake in the command.
static int add_model(struct wish *w, const char *name)
{
  grove_model *m = NULL;
  grove_error err = {0};
  if (grove_model_create(NULL, name, NULL, &m, &err)) {
    return cli_fail(EXIT_USAGE, "--model %s: %s", name, err.text);
  }
  size_t n = w->model_count++;
  w->models = cli_grow(w->models, n + 2, sizeof *w->models);
  w->models[n] = cli_format("%s", grove_model_name(m)); // an alias gives the kind's own name
  w->models[n + 1] = NULL;
  grove_model_destroy(m);
  for (size_t i = 0; i < n; i++) {
    if (!strcmp(w->models[i], w->models[n])) {
      return cli_fail(EXIT_USAGE, "--model %s is asked for twice", w->models[n]);
    }
  }
  return EXIT_GOOD;
}

static void add_name(const char ***list, const char *name)
{
  size_t n = 0;
  while (*list && (*list)[n]) {
    n++;
  }
  *list = cli_grow((void *)*list, n + 2, sizeof **list);
  (*list)[n] = name;
  (*list)[n + 1] = NULL;
}

static int take_option(struct wish *w, int option, const char *value)
{
  bool good = true;
  switch (option) {
  case DATA: w->data = value; break;
  case TARGET: w->target = value; break;
  case MODEL: return add_model(w, value);
  case SET: return add_parameter(w, value);
  case TEST_SIZE: good = cli_parse_fraction("test-size", value, &w->test_part); break;
  case SEED: good = cli_parse_count("seed", value, 0, UINT32_MAX, &w->runtime.seed); break;
  case THREADS: good = cli_parse_count("threads", value, 1, 4096, &w->runtime.threads); break;
  case SAVE: w->save = value; break;
  case JSON: w->json = true; break;
  case QUIET: w->quiet = true; break;
  case PROGRESS: good = cli_progress_read(value, &w->progress); break;
  case NO_PROGRESS: w->progress = CLI_PROGRESS_NONE; break;
  case CATEGORICAL: add_name(&w->categorical, value); break;
  case INCREASING: add_name(&w->increasing, value); break;
  case DECREASING: add_name(&w->decreasing, value); break;
  case FOLDS: good = cli_parse_count("folds", value, 2, 1000000, &w->folds); break;
  case TIME_LIMIT:
    good = cli_parse_count("time-limit", value, 1, UINT32_MAX, &w->time_limit_ms);
    break;
  case TRACE: w->runtime.trace = value; break;
  case REPORT: w->report = value; break;
  case PLOT: w->plot = true; break;
  default: w->runtime.executor = value; break;
  }
  return good ? EXIT_GOOD : EXIT_USAGE;
}

static int read_options(struct wish *w, const cli_command *c, int argc, char **argv)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  int option;
  while ((option = cli_next(&walk)) >= 0) {
    int code = take_option(w, option, walk.value);
    if (code) {
      return code;
    }
  }
  if (option == -2) {
    return EXIT_USAGE;
  }
  if (walk.first < argc) {
    return cli_fail(
        EXIT_USAGE, "unexpected argument \"%s\"; the data is given by --data", argv[walk.first]);
  }
  return w->data ? EXIT_GOOD : cli_fail(EXIT_USAGE, "--data FILE.csv is needed");
}

// ---- results --------------------------------------------------------------------------------------

// "true" numbers become JSON numbers; words ("none") stay texts.
static json_t *parameter_value(const char *text)
{
  char *end;
  long long whole = strtoll(text, &end, 10);
  if (*text && !*end) {
    return json_integer(whole);
  }
  double v = strtod(text, &end);
  return *text && !*end && isfinite(v) ? json_real(v) : json_string(text);
}

// "max_depth=15 eta=0.3 …" as an object.
static json_t *parameters_json(const char *text)
{
  json_t *o = json_object();
  char *copy = cli_format("%s", text);
  char *rest = NULL;
  for (char *p = strtok_r(copy, " ", &rest); p; p = strtok_r(NULL, " ", &rest)) {
    char *equal = strchr(p, '=');
    if (equal) {
      *equal = '\0';
      json_object_set_new(o, p, parameter_value(equal + 1));
    }
  }
  free(copy);
  return o;
}

static const char *ended_word(int32_t ended)
{
  static const char *const words[] = {"whole", "time", "cancelled", "early"};
  return words[ended];
}

static json_t *row_json(const grove_trained *m)
{
  char hash[24];
  snprintf(hash, sizeof hash, "%016" PRIx64, m->model_hash);
  json_t *o = json_object();
  json_object_set_new(o, "name", json_string(m->name));
  json_object_set_new(o, "state", json_string(m->state));
  json_object_set_new(o, "mse", cli_json_number(m->mse));
  bool good = !isnan(m->mse);
  json_object_set_new(o, "rmse", cli_json_number(good ? sqrt(m->mse) : NAN));
  json_object_set_new(o, "mae", cli_json_number(good ? m->mae : NAN));
  json_object_set_new(o, "r2", cli_json_number(good ? m->r2 : NAN));
  if (good && !isnan(m->mse_error)) {
    json_object_set_new(o, "mse_error", cli_json_number(m->mse_error));
  }
  json_object_set_new(o, "ended", json_string(ended_word(m->ended)));
  json_object_set_new(o, "train_seconds", cli_json_number(m->train_seconds));
  json_object_set_new(o, "predict_seconds", cli_json_number(m->predict_seconds));
  json_object_set_new(o, "parameters", parameters_json(m->parameters));
  json_object_set_new(o, "seed", json_integer((json_int_t)m->seed));
  json_object_set_new(o, "model_hash", json_string(hash));
  if (m->notes[0]) {
    json_object_set_new(o, "notes", json_string(m->notes));
  }
  if (m->error[0]) {
    json_object_set_new(o, "error", json_string(m->error));
  }
  return o;
}

static int put_json(grove_trained_list list, double seconds, int code)
{
  json_t *models = json_array();
  for (size_t i = 0; i < grove_trained_list_count(list); i++) {
    json_array_append_new(models, row_json(grove_trained_list_at(list, i)));
  }
  json_t *o = json_object();
  json_object_set_new(o, "schema", json_integer(1));
  json_object_set_new(o, "seconds", json_real(seconds));
  json_object_set_new(o, "models", models);
  return cli_put_json(o, code);
}

static void put_table(grove_trained_list list, double seconds)
{
  static const char *const heads[] = {
      "model", "state", "MSE", "MAE", "R2", "time to train", "parameters"};
  static const bool right[] = {false, false, true, true, true, true, false};
  cli_table *t = cli_table_create(7, heads, right);
  for (size_t i = 0; i < grove_trained_list_count(list); i++) {
    const grove_trained *m = grove_trained_list_at(list, i);
    char mse[48] = "-", mae[32] = "-", r2[32] = "-", time[32] = "-";
    if (!isnan(m->mse)) {
      bool folds = !isnan(m->mse_error);
      snprintf(mse, sizeof mse, folds ? "%.6f +- %.6f" : "%.6f", m->mse, m->mse_error);
      snprintf(mae, sizeof mae, "%.6f", m->mae);
      snprintf(r2, sizeof r2, "%.4f", m->r2);
      snprintf(time, sizeof time, "%.3f s", m->train_seconds);
    }
    const char *cells[] = {m->name, m->state, mse, mae, r2, time, m->parameters};
    cli_table_add(t, cells);
  }
  cli_table_put(t);
  for (size_t i = 0; i < grove_trained_list_count(list); i++) {
    const grove_trained *m = grove_trained_list_at(list, i);
    if (m->notes[0]) {
      printf("note: %s: %s\n", m->name, m->notes);
    }
    if (m->ended == GROVE_ENDED_TIME) {
      printf("note: %s: its time was up before all was done\n", m->name);
    }
  }
  size_t n = grove_trained_list_count(list);
  printf("%zu model%s in %.3f s\n", n, n == 1 ? "" : "s", seconds);
}

static int put_results(const struct wish *w, grove_trained_list list, double seconds)
{
  int code = EXIT_GOOD;
  for (size_t i = 0; i < grove_trained_list_count(list); i++) {
    const grove_trained *m = grove_trained_list_at(list, i);
    if (strcmp(m->state, "DONE") != 0) {
      cli_note("%s: %s", m->name, m->error);
      code = EXIT_PARTIAL;
    }
  }
  if (w->json) {
    return put_json(list, seconds, code);
  }
  put_table(list, seconds);
  return code;
}

// ---- the run --------------------------------------------------------------------------------------

static int wait_for_models(
    const struct wish *w, cli_runtime *r, grove_trainer_ref trainer, grove_trainer_work_future work)
{
  int code = 0;
  cli_progress *p = cli_progress_create(r->g, w->quiet ? CLI_PROGRESS_NONE : w->progress, true);
  while (cli_runtime_wait(r, work.future) == GROVE_ETIMEDOUT && !(code = cli_interrupted())) {
    cli_progress_show(p, trainer.ref, NULL);
  }
  if (!code && !cli_progress_drawn(p)) {
    cli_progress_show(p, trainer.ref, NULL); // the last words
  }
  cli_progress_destroy(p);
  return code;
}

// A column that is not numbers is no feature. That may be one wrong field among thousands, so it is said which.
static void note_left_out(const struct wish *w, const grove_table *table)
{
  size_t columns = grove_table_columns(table);
  const char *target = w->target || !columns ? w->target : grove_table_name(table, columns - 1);
  for (size_t i = 0; i < columns && !w->quiet; i++) {
    grove_error err = {0};
    if (strcmp(grove_table_name(table, i), target) != 0 &&
        grove_table_doubles(table, i, 0, 0, NULL, &err)) {
      cli_note("not learned from: %s", err.text);
    }
  }
}

// As wide as the terminal, or 80 columns.
static int width_of(FILE *f)
{
  struct winsize size;
  return ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

static int show(const struct wish *w, cli_runtime *r, grove_trainer_ref trainer, const grove_table *table,
    grove_trained_list list, double seconds, int code)
{
  train_look look;
  if (!w->plot && !w->report) {
    return code;
  }
  train_look_read(&look, r->g, list);
  if (w->plot) {
    FILE *to = w->json ? stderr : stdout;
    train_look_plot(to, &look, width_of(to));
  }
  if (w->report) {
    train_report page = {.path = w->report, .data = w->data, .g = r->g, .trainer = trainer, .table = table,
        .target = w->target, .test_part = w->test_part, .seed = w->runtime.seed, .folds = w->folds,
        .seconds = seconds, .list = list, .look = &look};
    int written = train_report_write(&page);
    code = written ? written : code;
  }
  train_look_free(&look);
  return code;
}

static int train(const struct wish *w, cli_runtime *r, grove_table *table, int64_t start)
{
  grove_error err = {0};
  grove_trained_list list = {{0}};
  grove_trainer_options o = {GROVE_TRAINER, .seed = w->runtime.seed, .test_part = w->test_part,
      .target = w->target, .models = (const char *const *)w->models, .parameters = w->parameters,
      .save_folder = w->save, .categorical = w->categorical, .increasing = w->increasing,
      .decreasing = w->decreasing, .folds = (uint32_t)w->folds,
      .time_limit_ms = (uint32_t)w->time_limit_ms, .curves = w->curves};
  grove_trainer_ref trainer = grove_trainer_spawn(r->g, table, &o);
  grove_trainer_work_future work = grove_trainer_work_call(r->g, trainer, GROVE_NONE);
  int code = wait_for_models(w, r, trainer, work);
  if (code) {
    grove_drop(r->g, work.future);
    return cli_fail(code, "interrupted");
  }
  grove_status s = grove_trainer_work_get(r->g, work, GROVE_FOREVER, &list, &err);
  if (s) {
    // The file was read, so what is not found is a name that was given: of a column or a model.
    return s == GROVE_ENOENT ? cli_fail(EXIT_USAGE, "%s", cli_plain_words(err.text))
                             : cli_fail_with(s, &err);
  }
  double seconds = (double)(grove_now_ns(r->g) - start) / 1e9;
  code = show(w, r, trainer, table, list, seconds, put_results(w, list, seconds));
  grove_release(list.shared);
  return code;
}

static int run_wish(const struct wish *w, cli_runtime *r)
{
  int code;
  int64_t start = grove_now_ns(r->g);
  grove_work work = {.struct_size = sizeof work};
  if (w->save && !cli_make_folder(w->save)) {
    return EXIT_INPUT;
  }
  grove_work_init(r->g, &work);
  grove_table *table = cli_read_table(w->data, &work, &code);
  if (!table) {
    return code;
  }
  note_left_out(w, table);
  code = train(w, r, table, start);
  grove_table_release(table);
  return code;
}

static int run_train(const cli_command *c, int argc, char **argv)
{
  struct wish w = {0};
  cli_runtime r = {0};
  int code = read_options(&w, c, argc, argv);
  if (!code) {
    w.curves = cli_dashboard_is_due() || w.report || w.plot; // somebody looks
    cli_catch_signals();
    code = cli_runtime_start(&r, &w.runtime);
  }
  if (!code) {
    code = run_wish(&w, &r);
    code = cli_runtime_stop(&r, code);
  }
  for (size_t i = 0; i < w.parameter_count; i++) {
    free((char *)(uintptr_t)w.parameters[i].name);
  }
  for (size_t i = 0; i < w.model_count; i++) {
    free(w.models[i]);
  }
  free((void *)w.categorical);
  free((void *)w.increasing);
  free((void *)w.decreasing);
  free(w.parameters);
  free(w.models);
  return code;
}

static void print_parameters(void)
{
  const grove_learner *l;
  printf("\nModels and their parameters (for --set MODEL.PARAMETER=VALUE):\n");
  for (size_t i = 0; (l = grove_registry_at(NULL, i)); i++) {
    printf("  %s%s%s%s\n", l->name, l->aliases ? " (or " : "", l->aliases ? l->aliases : "",
        l->aliases ? ")" : "");
    for (const grove_parameter_info *p = l->parameters; p && p->name; p++) {
      char low[32], high[32];
      cli_format_double(p->low, low);
      cli_format_double(p->high, high);
      printf("    %-22s %s; default %s, %s to %s\n", p->name, p->help ? p->help : "",
          p->standard ? p->standard : "none", low, high);
      if (p->aliases) {
        printf("    %-22s also %s\n", "", p->aliases);
      }
      if (p->words) {
        printf("    %-22s words %s\n", "", p->words);
      }
    }
  }
}

const cli_command cli_train = {
    .name = "train",
    .arguments = "",
    .summary = "Trains models on a table, all at once, and compares their errors.",
    .examples = "  grove train --data california_housing.csv\n"
                "  grove train --data homes.csv --target price --model random_forest \\\n"
                "      --set random_forest.n_estimators=300 --save models --json\n",
    .options = options,
    .run = run_train,
    .more_help = print_parameters,
};
