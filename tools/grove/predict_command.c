// grove predict: scores shards with a model or a rule, by a pool of actors.
#include "cli_progress.h"
#include "predict_report.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- the run --------------------------------------------------------------------------------------

struct run {
  predict_wish *w;
  cli_runtime *r;
  cli_progress *progress;
  predict_report report;
  uint64_t bytes; // of all shards, as far as they are known
  int64_t start, told_ns;
  size_t told_done;
  const char **paths;
  char **keep;
};

static double seconds_of(const struct run *run)
{
  return (double)(grove_now_ns(run->r->g) - run->start) / 1e9;
}

// By bytes where sizes are known, else by shards.
static void put_eta(const struct run *run, char *out, size_t room)
{
  double seconds = seconds_of(run);
  double done = run->bytes && run->report.at.bytes_done ? (double)run->report.at.bytes_done / (double)run->bytes
                                                 : (double)run->report.at.done / (double)run->report.at.shards;
  out[0] = '\0';
  if (run->report.at.done < run->report.at.shards && done > 0 && done < 1 && seconds > 1) {
    double left = seconds / done - seconds;
    snprintf(out, room, ", ETA %.0f:%02.0f", floor(left / 60), fmod(left, 60));
  }
}

static void describe(const struct run *run, char *out, size_t room)
{
  double seconds = seconds_of(run);
  char eta[32];
  put_eta(run, eta, sizeof eta);
  snprintf(out, room, "%zu/%zu shards%s, %.2f M rows, %.3f GB, %.2f M rows/s%s", run->report.at.done,
      run->report.at.shards, run->report.at.failed ? " (some failed)" : "", (double)run->report.at.rows / 1e6,
      (double)run->report.at.bytes_done / 1e9, seconds > 0 ? (double)run->report.at.rows / 1e6 / seconds : 0, eta);
}

// On a terminal the tree; else a line when a tenth of the shards was done, not more than one a second, and
// the last.
static void tell(void *user, const grove_job_progress *p)
{
  struct run *run = user;
  char line[200];
  cli_runtime_pump(run->r);
  run->report.at = *p;
  describe(run, line, sizeof line);
  if (cli_progress_drawn(run->progress)) {
    cli_progress_show(run->progress, p->pool, line);
    return;
  }
  if (run->w->quiet || run->w->no_progress) {
    return;
  }
  int64_t now = grove_now_ns(run->r->g);
  bool last = p->done == p->shards;
  bool much = 10 * (p->done - run->told_done) >= p->shards && now - run->told_ns >= 1000000000;
  if (p->done > run->told_done && (last || much)) {
    cli_note("%s", line);
    run->told_done = p->done;
    run->told_ns = now;
  }
}

static void take_result(void *user, size_t i, const grove_job_result *r)
{
  struct run *run = user;
  predict_report_take(&run->report, i, r);
}

static void take_member(void *user, const grove_job_member *m)
{
  struct run *run = user;
  predict_report_member(&run->report, m);
}

static bool is_interrupted(void *user)
{
  (void)user;
  return cli_interrupted() != 0;
}

static int share_model(const predict_wish *w, grove *g, grove_shared *out)
{
  int code;
  grove_model *m = cli_read_model(w->model, &code);
  if (!m) {
    return code;
  }
  grove_status s = grove_share_model(g, m, out);
  if (s) {
    grove_model_destroy(m);
    return cli_fail(EXIT_RUN, "the model can't be shared: %s", grove_status_text(s));
  }
  return EXIT_GOOD;
}

// "a,b" to a list that ends with NULL; `text` is changed, and what is returned freed.
static char **split_list(char *text)
{
  size_t n = 0;
  char **list = cli_alloc(strlen(text) / 2 + 2, sizeof *list);
  for (char *p = text, *next; p; p = next) {
    next = strchr(p, ',');
    if (next) {
      *next++ = '\0';
    }
    if (*p) {
      list[n++] = p;
    }
  }
  list[n] = NULL;
  return list;
}

static void put_word(const char *word)
{
  bool plain = *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./:,@%") ==
                            strlen(word);
  if (plain) {
    fprintf(stderr, " %s", word);
    return;
  }
  fputs(" '", stderr);
  for (; *word; word++) {
    fprintf(stderr, *word == '\'' ? "'\\''" : "%c", *word);
  }
  fputc('\'', stderr);
}

// What to type to go on: the command as it was, and --resume, for a shell.
static int say_interrupted(const struct run *run)
{
  const predict_wish *w = run->w;
  bool notes = w->out || w->notes;
  int code = cli_fail(cli_interrupted(), "interrupted: %zu of %zu shards were done%s",
      run->report.at.done, run->report.at.shards, notes ? "; go on with" : "");
  if (notes && !w->json) {
    fputs("  grove predict", stderr);
    if (!w->resume) {
      put_word("--resume");
    }
    for (int i = 0; i < w->argc; i++) {
      put_word(w->argv[i]);
    }
    fputc('\n', stderr);
  }
  return code;
}

// ---- the end --------------------------------------------------------------------------------------

static int put_results(struct run *run, grove_status s, const grove_error *err)
{
  if (s == GROVE_ECANCELED && cli_interrupted()) {
    return say_interrupted(run);
  }
  if (s) { // with no failed shard it was the options that can't be
    return s == GROVE_EINVAL && !run->report.at.failed ? cli_fail(EXIT_USAGE, "%s", err->text)
                                                : cli_fail_with(s, err);
  }
  run->report.seconds = seconds_of(run);
  return predict_report_put(&run->report);
}

static int predict(predict_wish *w, cli_runtime *r, grove_shared model)
{
  struct run run = {.w = w, .r = r, .start = grove_now_ns(r->g), .report.w = w};
  char *keep = cli_format("%s", w->keep ? w->keep : "");
  run.keep = split_list(keep);
  run.paths = cli_alloc(w->count, sizeof *run.paths);
  for (size_t i = 0; i < w->count; i++) {
    run.paths[i] = w->shards[i].path;
    run.bytes += w->shards[i].size;
  }
  run.progress = cli_progress_create(r->g, w->quiet || w->no_progress, false);
  grove_job_options o = {GROVE_JOB,
      .shards = run.paths,
      .n_shards = w->count,
      .rule = w->rule,
      .filter = w->filter,
      .out = w->out,
      .notes = w->notes,
      .form = w->form && !strcmp(w->form, "csv") ? GROVE_JOB_CSV : GROVE_JOB_PARQUET,
      .keep = (const char *const *)run.keep,
      .resume = w->resume,
      .on_error = w->fails ? GROVE_JOB_FAIL : GROVE_JOB_SKIP,
      .retries = (uint32_t)w->shard_retries,
      .members = (uint32_t)w->actors,
      .plan_only = w->dry_run,
      .memory_bytes = w->memory_mb << 20,
      .store = w->store,
      .result = take_result,
      .progress = tell,
      .cancelled = is_interrupted,
      .user = &run,
      .tick_ms = (uint32_t)cli_runtime_tick_ms(r),
      .member = take_member};
  grove_error err = {0};
  grove_status s = grove_job_run(r->g, model, &o, &run.report.at, &err);
  cli_progress_destroy(run.progress);
  int code = put_results(&run, s, &err);
  predict_report_free(&run.report);
  free(run.paths);
  free(run.keep);
  free(keep);
  return code;
}

static int run_wish(predict_wish *w, cli_runtime *r)
{
  grove_shared model = {0};
  if (!w->dry_run && ((w->out && !cli_make_folder(w->out)) || (w->notes && !cli_make_folder(w->notes)))) {
    return EXIT_INPUT;
  }
  int code = w->rule ? EXIT_GOOD : share_model(w, r->g, &model);
  if (!code) {
    code = predict(w, r, model);
  }
  grove_release(model);
  return code;
}

static int run_predict(const cli_command *c, int argc, char **argv)
{
  predict_wish w = {0};
  cli_runtime r = {0};
  int code = predict_wish_read(&w, c, argc, argv);
  if (!code) {
    cli_catch_signals();
    code = cli_runtime_start(&r, &w.runtime);
  }
  if (!code) {
    code = run_wish(&w, &r);
    code = cli_runtime_stop(&r, 5000, code);
  }
  predict_wish_free(&w);
  return code;
}

const cli_command cli_predict = {
    .name = "predict",
    .arguments = "SHARD...",
    .summary =
        "Scores shards (files, folders, patterns) with a model or a rule, by a pool of actors.",
    .examples = "  grove predict --rule \"passenger_count >= 2\" --actors 6 taxi/*.parquet\n"
                "  grove predict --model models/random_forest.grove --out scored shards/ --json\n",
    .options = predict_options,
    .run = run_predict,
};
