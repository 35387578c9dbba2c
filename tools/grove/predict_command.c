// grove predict: scores shards with a model or a rule, by a pool of actors.
#include "cli.h"
#include "cli_output.h"
#include "cli_progress.h"
#include "cli_runtime.h"
#include "cli_store.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct shard {
  char *path;
  uint64_t size; // of the file, if known
  grove_shard_score score;
  char *error; // NULL: none
  grove_status status;
};

struct wish {
  const char *model, *rule, *out;
  uint64_t actors;
  bool quiet, no_progress, json;
  cli_runtime_wish runtime;
  cli_store_wish at;
  grove_store *store;
  struct shard *shards;
  size_t count;
};

enum { MODEL, RULE, ACTORS, THREADS, OUT, JSON, QUIET, NO_PROGRESS, PROFILE, REGION, ENDPOINT, CONNECTIONS, RETRIES, TIMEOUT, REQUEST_TIMEOUT, EXECUTOR };

static const cli_option options[] = {
    [MODEL] = {"model", "FILE", "a model, as grove train --save writes it", 'm', false},
    [RULE] = {"rule", "TEXT",
        "instead of a model: COLUMN OP NUMBER joined by and/or;\n"
        "OP is < <= > >= == !=; also COLUMN is [not] null.\n"
        "A row scores 1 if it holds; null makes it false",
        'r', false},
    [ACTORS] = {"actors", "N", "members of the pool; default: one a thread", 'a', false},
    [THREADS] = {"threads", "N", "default: the CPUs that this process may use", 'j', false},
    [OUT] = {"out", "DIR",
        "write the predictions to DIR, one Parquet file a shard;\n"
        "shards that were done before are not done again",
        'o', false},
    [JSON] = {"json", NULL, "the result as one JSON document", 0, false},
    [QUIET] = {"quiet", NULL, "nothing but the result and errors", 'q', false},
    [NO_PROGRESS] = {"no-progress", NULL, "no progress on standard error", 0, false},
    [PROFILE] = {"profile", "NAME", "whose keys s3 is asked with; default: AWS_PROFILE", 0, false},
    [REGION] = {"region", "NAME", "of s3; default: AWS_REGION", 0, false},
    [ENDPOINT] = {"endpoint", "URL", "of s3; default: AWS_ENDPOINT_URL", 0, false},
    [CONNECTIONS] = {"connections", "N", "most at once, to http and s3; default 16", 0, false},
    [RETRIES] = {"retries", "N", "of a request that failed; default 4", 0, false},
    [TIMEOUT] = {"timeout", "MS", "most without a byte; default 30000", 0, false},
    [REQUEST_TIMEOUT] = {"request-timeout", "MS", "most of one request; default: none", 0, false},
    [EXECUTOR] = {"executor", "NAME", "threads, or uv: libuv's own pool", 0, true},
    {NULL, NULL, NULL, 0, false},
};

// ---- options and shards ---------------------------------------------------------------------------

static int take_option(struct wish *w, int option, const char *value)
{
  bool good = true;
  switch (option) {
  case MODEL: w->model = value; break;
  case RULE: w->rule = value; break;
  case ACTORS: good = cli_parse_count("actors", value, 1, 65536, &w->actors); break;
  case THREADS: good = cli_parse_count("threads", value, 1, 4096, &w->runtime.threads); break;
  case OUT: w->out = value; break;
  case JSON: w->json = true; break;
  case QUIET: w->quiet = true; break;
  case NO_PROGRESS: w->no_progress = true; break;
  case PROFILE: w->at.profile = value; break;
  case REGION: w->at.region = value; break;
  case ENDPOINT: w->at.endpoint = value; break;
  case CONNECTIONS: good = cli_parse_count("connections", value, 1, 1024, &w->at.connections); break;
  case RETRIES: good = cli_parse_count("retries", value, 1, 100, &w->at.retries); break;
  case TIMEOUT: good = cli_parse_count("timeout", value, 1, 86400000, &w->at.timeout_ms); break;
  case REQUEST_TIMEOUT:
    good = cli_parse_count("request-timeout", value, 1, 86400000, &w->at.request_ms);
    break;
  default: w->runtime.executor = value; break;
  }
  return good ? EXIT_GOOD : EXIT_USAGE;
}

static grove_status add_shard(void *user, const char *path, uint64_t bytes)
{
  struct wish *w = user;
  w->shards = cli_grow(w->shards, w->count + 1, sizeof *w->shards);
  w->shards[w->count++] = (struct shard){.path = cli_format("%s", path), .size = bytes};
  return GROVE_OK;
}

// A path that is not there stays: it becomes that shard's error, and the others are done. A folder or a pattern
// that gives nothing is a mistake in the command.
static int add_argument(struct wish *w, const char *path)
{
  grove_error err = {0};
  struct stat st;
  size_t before = w->count;
  grove_status s = grove_store_list(w->store, path, add_shard, w, &err);
  if (!s && w->count > before) {
    return EXIT_GOOD;
  }
  if (s && s != GROVE_ENOENT) {
    return cli_fail_with(s, &err);
  }
  if (!stat(path, &st)) {
    return S_ISDIR(st.st_mode)
               ? cli_fail(EXIT_INPUT, "folder \"%s\" has no shard (*.parquet) in it", path)
               : cli_fail(EXIT_INPUT, "\"%s\" is neither a file nor a folder", path);
  }
  if (strpbrk(path, "*?[")) {
    return cli_fail(EXIT_INPUT, "no file matches \"%s\"", path);
  }
  (void)add_shard(w, path, 0);
  return EXIT_GOOD;
}

static int add_arguments(struct wish *w, int argc, char **argv)
{
  grove_error err = {0};
  grove_status s = cli_store_open(&w->at, &w->store, &err);
  int code = s ? cli_fail_with(s, &err) : EXIT_GOOD;
  for (int i = 0; i < argc && !code; i++) {
    code = add_argument(w, argv[i]);
  }
  return code;
}

static const char *find_stem(const char *path, size_t *n)
{
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  const char *dot = strrchr(name, '.');
  *n = dot && dot != name ? (size_t)(dot - name) : strlen(name);
  return name;
}

static int compare_stems(const void *left, const void *right)
{
  size_t n, m;
  const char *a = find_stem(*(const char *const *)left, &n);
  const char *b = find_stem(*(const char *const *)right, &m);
  int order = strncmp(a, b, n < m ? n : m);
  return order ? order : n < m ? -1 : n > m;
}

// Predictions are named after the shards: two of one name would overwrite each other.
static int check_names(const struct wish *w)
{
  const char **paths = cli_alloc(w->count ? w->count : 1, sizeof *paths);
  int code = EXIT_GOOD;
  for (size_t i = 0; i < w->count; i++) {
    paths[i] = w->shards[i].path;
  }
  qsort(paths, w->count, sizeof *paths, compare_stems);
  for (size_t i = 1; i < w->count && !code; i++) {
    if (!compare_stems(&paths[i - 1], &paths[i])) {
      size_t n;
      const char *stem = find_stem(paths[i], &n);
      code = cli_fail(EXIT_USAGE,
          "--out: the predictions of \"%s\" and \"%s\" would both be %s/%.*s.parquet", paths[i - 1],
          paths[i], w->out, (int)n, stem);
    }
  }
  free(paths);
  return code;
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
  if (!w->model == !w->rule) {
    return cli_fail(EXIT_USAGE, w->model ? "--model and --rule are given: one of them is wanted"
                                         : "--model FILE or --rule TEXT is needed");
  }
  grove_error err = {0};
  if (w->rule && grove_rule_check(w->rule, &err)) {
    return cli_fail(EXIT_USAGE, "%s", err.text);
  }
  if (walk.first == argc) {
    return cli_fail(EXIT_USAGE, "no shard is given: files, folders or patterns are needed");
  }
  int code = add_arguments(w, argc - walk.first, argv + walk.first);
  return code || !w->out ? code : check_names(w);
}

// ---- the run --------------------------------------------------------------------------------------

struct run {
  struct wish *w;
  cli_runtime *r;
  grove_pool *pool;
  cli_progress *progress;
  size_t done, failed;
  uint64_t rows;
  int64_t start, told_ns;
  size_t told_done;
};

static double seconds_of(const struct run *run)
{
  return (double)(grove_now_ns(run->r->g) - run->start) / 1e9;
}

static void describe(const struct run *run, char *out, size_t room)
{
  double seconds = seconds_of(run);
  snprintf(out, room, "%zu/%zu shards%s, %.2f M rows, %.2f M rows/s", run->done, run->w->count,
      run->failed ? " (some failed)" : "", (double)run->rows / 1e6,
      seconds > 0 ? (double)run->rows / 1e6 / seconds : 0);
}

// On a terminal the tree; else a line when a tenth of the shards was done, not more than one a second, and
// the last.
static void tell(struct run *run)
{
  char line[160];
  describe(run, line, sizeof line);
  if (cli_progress_drawn(run->progress)) {
    cli_progress_show(run->progress, grove_pool_ref(run->pool), line);
    return;
  }
  if (run->w->quiet || run->w->no_progress) {
    return;
  }
  int64_t now = grove_now_ns(run->r->g);
  bool last = run->done == run->w->count;
  bool much =
      10 * (run->done - run->told_done) >= run->w->count && now - run->told_ns >= 1000000000;
  if (run->done > run->told_done && (last || much)) {
    cli_note("%s", line);
    run->told_done = run->done;
    run->told_ns = now;
  }
}

static void take_result(struct run *run, struct shard *s, grove_status status,
    const grove_shard_score *score, const grove_error *err)
{
  run->done++;
  s->status = status;
  if (!status) {
    s->score = *score;
    run->rows += score->rows;
    return;
  }
  run->failed++;
  s->error =
      cli_format("%s", err->text[0] ? cli_plain_words(err->text) : grove_status_text(status));
  cli_clean_text(s->error);
}

static int take_results(struct run *run)
{
  while (grove_pool_has_next(run->pool)) {
    uint64_t tag = UINT64_MAX;
    grove_shard_score score = {0};
    grove_error err = {0};
    cli_runtime_pump(run->r);
    grove_status s = grove_predictor_predict_get_next_unordered(
        run->r->g, run->pool, cli_runtime_tick_ms(run->r), &tag, &score, &err);
    if (cli_interrupted()) {
      return cli_fail(cli_interrupted(), "interrupted: %zu of %zu shards were done%s", run->done,
          run->w->count, run->w->out ? "; the same command goes on from there" : "");
    }
    if (tag < run->w->count) {
      take_result(run, &run->w->shards[tag], s, &score, &err);
    } else if (s && s != GROVE_ETIMEDOUT) {
      return cli_fail_with(s, &err);
    }
    tell(run);
  }
  return EXIT_GOOD;
}

static int score_all(struct run *run)
{
  struct wish *w = run->w;
  for (size_t i = 0; i < w->count; i++) {
    grove_status s =
        grove_predictor_predict_submit(run->r->g, run->pool, grove_string_of(w->shards[i].path), i);
    if (s) {
      return cli_fail(cli_exit_code(s), "shard \"%s\" can't be submitted: %s", w->shards[i].path,
          grove_status_text(s));
    }
  }
  return take_results(run);
}

static int share_model(const struct wish *w, grove *g, grove_shared *out)
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

static grove_pool *spawn_pool(const struct wish *w, const cli_runtime *r, grove_shared model)
{
  grove_stats stats = {.struct_size = sizeof stats};
  uint64_t actors = w->actors;
  if (!actors) {
    actors = grove_stats_get(r->g, &stats) || !stats.workers ? 1 : stats.workers;
  }
  uint32_t room = w->count > 65536 ? (uint32_t)w->count : 65536;
  grove_pool_options pool = {GROVE_POOL, .members = (uint32_t)actors, .queue = room, .window = room,
      .results = w->count > (1u << 20) ? room : 0};
  grove_predictor_options o = {
      GROVE_PREDICTOR, .rule = w->rule, .out_folder = w->out, .store = w->store, .pool = &pool};
  return grove_predictor_spawn(r->g, model, &o);
}

// ---- results --------------------------------------------------------------------------------------

static double total_score(const struct wish *w)
{
  double sum = 0; // in the order of the arguments, so that it is the same for any number of actors
  for (size_t i = 0; i < w->count; i++) {
    sum += w->shards[i].error ? 0 : w->shards[i].score.score;
  }
  return sum;
}

static json_t *shard_json(const struct shard *s)
{
  json_t *o = json_object();
  char *path = cli_format("%s", s->path);
  cli_clean_text(path);
  json_object_set_new(o, "path", json_string(path));
  free(path);
  json_object_set_new(o, "rows", json_integer((json_int_t)s->score.rows));
  json_object_set_new(o, "score", cli_json_number(s->score.score));
  json_object_set_new(o, "state", json_string(s->error ? "FAILED" : "DONE"));
  json_object_set_new(o, "error", s->error ? json_string(s->error) : json_null());
  return o;
}

static int put_json(const struct run *run, int code)
{
  json_t *shards = json_array();
  for (size_t i = 0; i < run->w->count; i++) {
    json_array_append_new(shards, shard_json(&run->w->shards[i]));
  }
  json_t *o = json_object();
  json_object_set_new(o, "schema", json_integer(1));
  json_object_set_new(o, "seconds", json_real(seconds_of(run)));
  json_object_set_new(o, "peak_rss_bytes", json_integer((json_int_t)cli_peak_bytes()));
  json_object_set_new(o, "rows", json_integer((json_int_t)run->rows));
  json_object_set_new(o, "score", cli_json_number(total_score(run->w)));
  json_object_set_new(o, "shards", shards);
  json_object_set_new(o, "failed", json_integer((json_int_t)run->failed));
  return cli_put_json(o, code);
}

static void put_table(const struct run *run)
{
  static const char *const heads[] = {"shard", "predictions", "score"};
  static const bool right[] = {false, true, true};
  cli_table *t = cli_table_create(3, heads, right);
  char rows[32], score[40];
  for (size_t i = 0; i < run->w->count; i++) {
    const struct shard *s = &run->w->shards[i];
    snprintf(rows, sizeof rows, "%llu", (unsigned long long)s->score.rows);
    cli_format_double(s->score.score, score);
    const char *cells[] = {s->path, s->error ? "-" : rows, s->error ? "FAILED" : score};
    cli_table_add(t, cells);
  }
  snprintf(rows, sizeof rows, "%llu", (unsigned long long)run->rows);
  cli_format_double(total_score(run->w), score);
  const char *total[] = {"total", rows, score};
  cli_table_add(t, total);
  cli_table_put(t);
  printf("%zu shard%s, %zu failed, in %.3f s\n", run->w->count, run->w->count == 1 ? "" : "s",
      run->failed, seconds_of(run));
}

// What is not found in a file that is there is a column: then the file is not what it should be.
static int code_of(const struct shard *s)
{
  return s->status == GROVE_ENOENT && !access(s->path, F_OK) ? EXIT_DATA : cli_exit_code(s->status);
}

// Some failed: 3. All failed: there is no partial result, and the code is that of the first.
static int judge(const struct run *run)
{
  int first = EXIT_GOOD;
  for (size_t i = 0; i < run->w->count; i++) {
    const struct shard *s = &run->w->shards[i];
    if (s->error) {
      cli_note("%s", s->error);
      first = first ? first : code_of(s);
    }
  }
  return run->failed && run->failed < run->w->count ? EXIT_PARTIAL : first;
}

static int predict(struct wish *w, cli_runtime *r, grove_shared model)
{
  struct run run = {.w = w, .r = r, .start = grove_now_ns(r->g)};
  run.pool = spawn_pool(w, r, model);
  if (!run.pool) {
    return cli_fail(EXIT_RUN, "the pool can't be made: out of memory");
  }
  run.progress = cli_progress_create(r->g, w->quiet || w->no_progress, false);
  int code = score_all(&run);
  cli_progress_destroy(run.progress);
  if (!code) {
    code = judge(&run);
    if (w->json) {
      code = put_json(&run, code);
    } else {
      put_table(&run);
    }
  }
  grove_pool_destroy(run.pool);
  return code;
}

static int run_wish(struct wish *w, cli_runtime *r)
{
  grove_shared model = {0};
  if (w->out && !cli_make_folder(w->out)) {
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
  struct wish w = {0};
  cli_runtime r = {0};
  int code = read_options(&w, c, argc, argv);
  if (!code) {
    cli_catch_signals();
    code = cli_runtime_start(&r, &w.runtime);
  }
  if (!code) {
    code = run_wish(&w, &r);
    code = cli_runtime_stop(&r, 5000, code);
  }
  for (size_t i = 0; i < w.count; i++) {
    free(w.shards[i].path);
    free(w.shards[i].error);
  }
  free(w.shards);
  grove_store_close(w.store);
  return code;
}

const cli_command cli_predict = {
    .name = "predict",
    .arguments = "SHARD...",
    .summary =
        "Scores shards (files, folders, patterns) with a model or a rule, by a pool of actors.",
    .examples = "  grove predict --rule \"passenger_count >= 2\" --actors 6 taxi/*.parquet\n"
                "  grove predict --model models/random_forest.grove --out scored shards/ --json\n",
    .options = options,
    .run = run_predict,
};
