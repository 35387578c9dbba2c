// grove predict: scores shards with a model or a rule, by a pool of actors.
#include "cli_progress.h"
#include "predict_report.h"
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- the run --------------------------------------------------------------------------------------

enum { PATIENCE_NS = 500000000 };
static const char stopping_words[] = "interrupted: what is begun comes to an end; once more, and it is left as it is";

struct run {
  predict_wish *w;
  cli_runtime *r;
  cli_progress *progress;
  predict_report report;
  uint64_t bytes; // of all shards, as far as they are known
  int64_t start, told_ns; // told_ns: when something was last said
  int told_tenths;
  bool told_last;
  int64_t interrupted_ns; // 0: not
  bool told_how;
  const char **paths;
  char **keep;
};

static double seconds_of(const struct run *run)
{
  return (double)(grove_now_ns(run->r->g) - run->start) / 1e9;
}

// How much is done, of 1: by bytes where sizes are known, else by shards.
static double part_of(const struct run *run)
{
  const grove_job_progress *at = &run->report.at;
  if (at->done >= at->shards) {
    return 1;
  }
  double part = run->bytes ? (double)at->bytes_done / (double)run->bytes : (double)at->done / (double)at->shards;
  return part < 1 ? part : 1;
}

static void put_eta(const struct run *run, char *out, size_t room)
{
  double seconds = seconds_of(run), part = part_of(run);
  out[0] = '\0';
  if (part > 0 && part < 1 && seconds > 1) {
    double left = seconds / part - seconds;
    snprintf(out, room, ", ETA %.0f:%02.0f", floor(left / 60), floor(fmod(left, 60)));
  }
}

static void describe(const struct run *run, char *out, size_t room)
{
  const grove_job_progress *at = &run->report.at;
  double seconds = seconds_of(run);
  char eta[32], failed[40] = "";
  put_eta(run, eta, sizeof eta);
  if (at->failed) {
    snprintf(failed, sizeof failed, " (%zu failed)", at->failed);
  }
  snprintf(out, room, "%zu/%zu shards%s, %.2f M rows, %.3f GB, %.2f M rows/s%s", at->done, at->shards, failed,
      (double)at->rows / 1e6, (double)at->bytes_done / 1e9,
      seconds > 0 ? (double)at->rows / 1e6 / seconds : 0, eta);
}

// On a terminal a bar and the members; else a line when another tenth is done, not more than one a second, or when
// nothing was said for half a minute, and the last.
static void tell(void *user, const grove_job_progress *p)
{
  struct run *run = user;
  char line[200], bar[100], both[300];
  cli_runtime_pump(run->r);
  run->report.at = *p;
  describe(run, line, sizeof line);
  if (cli_progress_drawn(run->progress)) {
    cli_progress_bar(part_of(run), bar, sizeof bar);
    snprintf(both, sizeof both, "%s %s", bar, run->told_how ? stopping_words : line);
    cli_progress_show(run->progress, p->pool, both);
    return;
  }
  if (run->w->quiet || run->w->progress == CLI_PROGRESS_NONE) {
    return;
  }
  int64_t passed = grove_now_ns(run->r->g) - run->told_ns;
  int tenths = (int)(10 * part_of(run));
  bool last = p->done == p->shards && !run->told_last;
  if (last || (tenths > run->told_tenths && tenths < 10 && passed >= 1000000000) || passed >= 30000000000) {
    cli_note("%s", line);
    run->told_tenths = tenths;
    run->told_ns += passed;
    run->told_last = last;
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

// Asked until all that was begun has come back: a server that is silent is not waited for by who reads. Who writes is waited for,
// and if that takes its time it is said how not to.
static bool is_interrupted(void *user)
{
  struct run *run = user;
  if (!cli_interrupted()) {
    return false;
  }
  int64_t now = grove_now_ns(run->r->g);
  run->interrupted_ns = run->interrupted_ns ? run->interrupted_ns : now;
  if (!run->told_how && now - run->interrupted_ns > PATIENCE_NS) {
    run->told_how = true;
    if (!run->w->quiet && !cli_progress_drawn(run->progress)) {
      cli_note("%s", stopping_words);
    }
  }
  grove_store_interrupt(run->w->store);
  return true;
}

static int share_model(const predict_wish *w, grove *g, grove_shared *out)
{
  int code;
  grove_model *m = cli_read_model_from(w->store, w->model, &code);
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

// Appends a word as a shell takes it, and frees `line`.
static char *add_word(char *line, const char *word)
{
  bool plain = *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./:,@%") ==
                            strlen(word);
  char *quoted = cli_alloc(4 * strlen(word) + 3, 1), *to = quoted;
  *to++ = '\'';
  for (const char *from = word; *from; from++) {
    to += sprintf(to, *from == '\'' ? "'\\''" : "%c", *from);
  }
  *to = '\'';
  char *longer = cli_format("%s %s", line, plain ? word : quoted);
  free(quoted);
  free(line);
  return longer;
}

// What to type to go on: the command as it was, and --resume. Passwords and queries of urls are not said.
static char *command_to_resume(const predict_wish *w)
{
  bool whole = true;
  char *line = cli_format("grove predict%s", w->resume ? "" : " --resume");
  for (int i = 1; i < w->argc; i++) {
    char *shown = cli_shown_url(w->argv[i]);
    whole = whole && !strcmp(shown, w->argv[i]);
    line = add_word(line, shown);
    free(shown);
  }
  if (!whole) {
    char *longer = cli_format("%s (with what stands in the urls before @ and behind ?)", line);
    free(line);
    line = longer;
  }
  return line;
}

static int say_interrupted(const struct run *run)
{
  const predict_wish *w = run->w;
  bool notes = w->out || w->notes;
  char *command = notes ? command_to_resume(w) : NULL;
  const char *on = !notes ? "" : w->json ? "; go on with: " : "; go on with";
  int code = cli_fail(cli_interrupted(), "interrupted: %zu of %zu shards were done%s%s", run->report.at.done,
      run->report.at.shards, on, notes && w->json ? command : "");
  if (notes && !w->json) {
    fprintf(stderr, "  %s\n", command); // on a line of its own, to be copied
  }
  free(command);
  return code;
}

// ---- the end --------------------------------------------------------------------------------------

static int put_results(struct run *run, grove_status s, const grove_error *err)
{
  if (s == GROVE_ECANCELED && cli_interrupted()) {
    return say_interrupted(run);
  }
  bool ran = run->report.at.shards && run->report.at.done == run->report.at.shards;
  if (s && ran && !run->w->fails) {
    run->report.seconds = seconds_of(run); // all that could be done was, but the manifest can't be written
    (void)predict_report_put(&run->report);
  }
  if (s) { // with no failed shard it was the options that can't be
    return s == GROVE_EINVAL && !ran && !run->report.at.failed ? cli_fail(EXIT_USAGE, "%s", err->text)
                                                : cli_fail_with(s, err);
  }
  run->report.seconds = seconds_of(run);
  return predict_report_put(&run->report);
}

static int predict(predict_wish *w, cli_runtime *r, grove_shared model)
{
  struct run run = {.w = w, .r = r, .start = grove_now_ns(r->g), .report.w = w};
  run.told_ns = run.start;
  char *keep = cli_format("%s", w->keep ? w->keep : "");
  run.keep = split_list(keep);
  bool unsized = false;
  run.paths = cli_alloc(w->count, sizeof *run.paths);
  for (size_t i = 0; i < w->count; i++) {
    run.paths[i] = w->shards[i].path;
    run.bytes += w->shards[i].size;
    unsized = unsized || !w->shards[i].size;
  }
  run.bytes = unsized ? 0 : run.bytes;
  run.progress = cli_progress_create(r->g, w->quiet ? CLI_PROGRESS_NONE : w->progress, false);
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
      .force = w->force,
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

// glibc keeps what was freed in heaps of its own for each thread, which would be beside the budget: large blocks go back at once.
static void give_memory_back(void)
{
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
#endif
}

static int run_wish(predict_wish *w, cli_runtime *r)
{
  grove_shared model = {0};
  if (w->memory_mb) {
    give_memory_back();
  }
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
    code = cli_runtime_stop(&r, code);
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
