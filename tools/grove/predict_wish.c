#include "predict_wish.h"
#include "cli_dashboard.h"
#include "predict_ours.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
  MODEL,
  RULE,
  FILTER,
  ACTORS,
  THREADS,
  OUT,
  KEEP,
  FORMAT,
  NOTES,
  RESUME,
  FORCE,
  ON_ERROR,
  LIMIT,
  MEMORY,
  DRY_RUN,
  JSON,
  QUIET,
  PROGRESS,
  NO_PROGRESS,
  PROFILE,
  REGION,
  ENDPOINT,
  CONNECTIONS,
  RETRIES,
  TIMEOUT,
  REQUEST_TIMEOUT,
  FILE_TIMEOUT,
  KEYS_TIMEOUT,
  TRACE,
  EXECUTOR
};

const cli_option predict_options[] = {
    [MODEL] = {"model", "FILE",
        "a model, as grove train --save writes it, or one of\nXGBoost or LightGBM; a path or url",
        'm', false},
    [RULE] = {"rule", "TEXT",
        "instead of a model: COLUMN OP NUMBER joined by and/or;\n"
        "OP is < <= > >= == !=; also COLUMN is [not] null.\n"
        "A row scores 1 if it holds; null makes it false",
        'r', false},
    [FILTER] = {"filter", "RULE", "score only the rows for which it holds", 'f', false},
    [ACTORS] = {"actors", "N",
        "members of the pool; default: one a thread, four for\nshards on servers", 'a', false},
    [THREADS] = {"threads", "N", "default: the CPUs that this process may use", 'j', false},
    [OUT] = {"out", "DIR", "write the predictions to DIR (or s3://...), one file a shard", 'o',
        false},
    [KEEP] = {"keep", "NAME,NAME", "columns of the shards that are written beside them", 'k',
        false},
    [FORMAT] = {"format", "NAME", "of what is written: parquet (default) or csv", 0, false},
    [NOTES] = {"notes", "DIR", "where notes of what is done are kept; default: --out", 0, false},
    [RESUME] = {"resume", NULL,
        "leave out the shards that notes say are done, unless they\nor the model, filter or form "
        "changed",
        0, false},
    [FORCE] = {"force", NULL, "write over outputs, notes and a manifest that are there and\nnot of this job", 0, false},
    [ON_ERROR] = {"on-error", "WHAT",
        "of a shard: skip (default): the others go on; fail: end;\nretry=N: try it N times more, "
        "then skip",
        0, false},
    [LIMIT] = {"limit", "N", "only the first N shards", 'n', false},
    [MEMORY] = {"memory", "MB", "most for what is read and waits to be written", 0, false},
    [DRY_RUN] = {"dry-run", NULL,
        "open the shards, score nothing: rows, how columns differ,\nmemory", 0, false},
    [JSON] = {"json", NULL, "the result as one JSON document", 0, false},
    [QUIET] = {"quiet", NULL, "nothing but the result and errors", 'q', false},
    [PROGRESS] = CLI_PROGRESS_OPTION,
    [NO_PROGRESS] = {"no-progress", NULL, "the same as --progress none", 0, false},
    [PROFILE] = {"profile", "NAME", "whose keys s3 is asked with; default: AWS_PROFILE", 0, false},
    [REGION] = {"region", "NAME", "of s3; default: AWS_REGION", 0, false},
    [ENDPOINT] = {"endpoint", "URL", "of s3; default: AWS_ENDPOINT_URL", 0, false},
    [CONNECTIONS] = {"connections", "N", "most at once, to http and s3; default 16", 0, false},
    [RETRIES] = {"retries", "N", "of a request that failed; default 4", 0, false},
    [TIMEOUT] = {"timeout", "MS", "most without a byte; default 30000", 0, false},
    [REQUEST_TIMEOUT] = {"request-timeout", "MS", "most of one request; default: none", 0, false},
    [FILE_TIMEOUT] = {"file-timeout", "MS", "most of all requests of one file, retries counted;\ndefault: none", 0, false},
    [KEYS_TIMEOUT] = {"keys-timeout", "MS", "most of a profile's credential_process; default 60000", 0, false},
    [TRACE] = CLI_TRACE_OPTION,
    [EXECUTOR] = {"executor", "NAME", "threads, or uv: libuv's own pool", 0, true},
    CLI_DASHBOARD_OPTION,
    {NULL, NULL, NULL, 0, false},
};

// ---- options and shards ---------------------------------------------------------------------------

static int take_option(predict_wish *w, int option, const char *value)
{
  bool good = true;
  switch (option) {
  case MODEL: w->model = value; break;
  case RULE: w->rule = value; break;
  case ACTORS: good = cli_parse_count("actors", value, 1, 65536, &w->actors); break;
  case THREADS: good = cli_parse_count("threads", value, 1, 4096, &w->runtime.threads); break;
  case FILTER: w->filter = value; break;
  case OUT: w->out = value; break;
  case KEEP: w->keep = value; break;
  case FORMAT: w->form = value; break;
  case NOTES: w->notes = value; break;
  case RESUME: w->resume = true; break;
  case FORCE: w->force = true; break;
  case ON_ERROR: w->on_error = value; break;
  case LIMIT: good = cli_parse_count("limit", value, 1, UINT32_MAX, &w->limit); break;
  case MEMORY: good = cli_parse_count("memory", value, 1, 1 << 24, &w->memory_mb); break;
  case DRY_RUN: w->dry_run = true; break;
  case JSON: w->json = true; break;
  case QUIET: w->quiet = true; break;
  case PROGRESS: good = cli_progress_read(value, &w->progress); break;
  case NO_PROGRESS: w->progress = CLI_PROGRESS_NONE; break;
  case PROFILE: w->at.profile = value; break;
  case REGION: w->at.region = value; break;
  case ENDPOINT: w->at.endpoint = value; break;
  case CONNECTIONS:
    good = cli_parse_count("connections", value, 1, 1024, &w->at.connections);
    break;
  case RETRIES: good = cli_parse_count("retries", value, 1, 100, &w->at.retries); break;
  case TIMEOUT: good = cli_parse_count("timeout", value, 1, 86400000, &w->at.timeout_ms); break;
  case REQUEST_TIMEOUT:
    good = cli_parse_count("request-timeout", value, 1, 86400000, &w->at.request_ms);
    break;
  case FILE_TIMEOUT: good = cli_parse_count("file-timeout", value, 1, 86400000, &w->at.file_ms); break;
  case KEYS_TIMEOUT: good = cli_parse_count("keys-timeout", value, 1, 86400000, &w->at.keys_ms); break;
  case TRACE: w->runtime.trace = value; break;
  default: w->runtime.executor = value; break;
  }
  return good ? EXIT_GOOD : EXIT_USAGE;
}

// ---- shards ---------------------------------------------------------------------------------------

// An argument and the shards that it gives.
typedef struct argument {
  const char *path;
  bool remote;
  bool
      lists; // else it is one object, whose size is known when it is opened: a round trip later, and none for asking
  predict_shard *shards;
  size_t count;
  grove_status status;
  grove_error err;
} argument;

// Servers are asked side by side: each answer is a round trip away.
enum { LISTERS = 16 };

typedef struct listing {
  grove_store *store;
  argument *arguments;
  size_t count;
  _Atomic(size_t) next; // relaxed: each argument is taken once, nothing else is ordered by it
} listing;

static grove_status add_shard(void *user, const char *path, uint64_t bytes)
{
  argument *a = user;
  a->shards = cli_grow(a->shards, a->count + 1, sizeof *a->shards);
  a->shards[a->count++] = (predict_shard){.path = cli_format("%s", path), .size = bytes};
  return GROVE_OK;
}

static void list_some(void *user)
{
  listing *l = user;
  size_t i;
  while ((i = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed)) < l->count) {
    argument *a = &l->arguments[i];
    if (!a->lists) {
      a->status = add_shard(a, a->path, 0);
      continue;
    }
    a->status = grove_store_list(l->store, a->path, add_shard, a, &a->err);
  }
}

// Where a thread can't be made, the others and this one do its part.
static void list_all(grove_store *store, argument *arguments, size_t n)
{
  listing l = {.store = store, .arguments = arguments, .count = n};
  uv_thread_t threads[LISTERS];
  size_t remote = 0, made = 0;
  for (size_t i = 0; i < n; i++) {
    remote += arguments[i].remote && arguments[i].lists;
  }
  while (made + 1 < remote && made < LISTERS && !uv_thread_create(&threads[made], list_some, &l)) {
    made++;
  }
  list_some(&l);
  while (made) {
    uv_thread_join(&threads[--made]);
  }
}

// A path that is not there stays: it becomes that shard's error, and the others are done. A folder or a pattern
// that gives nothing is a mistake in the command.
static int settle_argument(argument *a)
{
  struct stat st;
  if (!a->status && a->count) {
    return EXIT_GOOD;
  }
  bool pattern = strpbrk(a->path, "*?[") && strncmp(a->path, "http", 4) != 0; // http has none
  if (a->status && (a->status != GROVE_ENOENT || (a->remote && pattern))) {
    return cli_fail_with(a->status, &a->err);
  }
  if (!a->remote && !stat(a->path, &st)) {
    return S_ISDIR(st.st_mode)
               ? cli_fail(EXIT_INPUT, "folder \"%s\" has no shard (*.parquet) in it", a->path)
               : cli_fail(EXIT_INPUT, "\"%s\" is neither a file nor a folder", a->path);
  }
  if (pattern) {
    return cli_fail(EXIT_INPUT, "no file matches \"%s\"", a->path);
  }
  (void)add_shard(a, a->path, 0);
  return EXIT_GOOD;
}

// What lies in --out is no shard, though the argument's folder has it, too: an earlier run of this job wrote it.
static void leave_out_ours(const predict_wish *w, argument *a)
{
  size_t kept = 0;
  char *ours = predict_ours(a->path, w->out);
  for (size_t i = 0; i < a->count; i++) {
    if (predict_is_ours(ours, a->shards[i].path)) {
      free(a->shards[i].path);
    } else {
      a->shards[kept++] = a->shards[i];
    }
  }
  if (kept < a->count && !w->quiet) {
    cli_note("\"%s\": %zu file%s in %s left out: that is where predictions are written", a->path, a->count - kept,
        a->count - kept == 1 ? "" : "s", w->out);
  }
  a->count = kept;
  free(ours);
}

static void take_shards(predict_wish *w, argument *a)
{
  leave_out_ours(w, a);
  w->shards = cli_grow(w->shards, w->count + a->count, sizeof *w->shards);
  w->runtime.waits = w->runtime.waits || (a->remote && a->count);
  for (size_t i = 0; i < a->count; i++) {
    w->shards[w->count++] = a->shards[i];
  }
  free(a->shards);
}

// Http has no folders and no patterns, and says so when it is asked for one.
static bool is_object(const char *path)
{
  size_t n = strlen(path);
  bool http = !strncmp(path, "http://", 7) || !strncmp(path, "https://", 8);
  return http && path[n - 1] != '/' && !strpbrk(path, "*[");
}

static int add_arguments(predict_wish *w, int argc, char **argv)
{
  grove_error err = {0};
  grove_status s = cli_store_open(&w->at, &w->store, &err);
  if (s) {
    return cli_fail_with(s, &err);
  }
  size_t n = (size_t)argc;
  argument *arguments = cli_alloc(n, sizeof *arguments);
  for (size_t i = 0; i < n; i++) {
    arguments[i].path = argv[i];
    arguments[i].remote = strstr(argv[i], "://") && strncmp(argv[i], "file:", 5) != 0;
    arguments[i].lists = !is_object(argv[i]);
  }
  list_all(w->store, arguments, n);
  int code = EXIT_GOOD;
  for (size_t i = 0; i < n; i++) { // the first that is wrong is said
    code = code ? code : settle_argument(&arguments[i]);
    take_shards(w, &arguments[i]);
  }
  free(arguments);
  if (!code && !w->count) {
    code = cli_fail(EXIT_INPUT, "no shard is left: all that there is lies in %s, where predictions are written", w->out);
  }
  while (w->limit && w->count > w->limit) {
    free(w->shards[--w->count].path);
  }
  return code;
}

// retry=N, skip, fail.
static int read_on_error(predict_wish *w)
{
  const char *what = w->on_error;
  if (!what || !strcmp(what, "skip")) {
    return EXIT_GOOD;
  }
  if (!strcmp(what, "fail")) {
    w->fails = true;
    return EXIT_GOOD;
  }
  if (!strncmp(what, "retry=", 6)) {
    return cli_parse_count("on-error", what + 6, 1, 1000, &w->shard_retries) ? EXIT_GOOD
                                                                             : EXIT_USAGE;
  }
  return cli_fail(EXIT_USAGE, "--on-error is \"%.100s\"; it can be skip, fail, or retry=N", what);
}

static int check_wish(predict_wish *w)
{
  if (w->form && strcmp(w->form, "parquet") && strcmp(w->form, "csv")) {
    return cli_fail(EXIT_USAGE, "--format is \"%.100s\"; it can be parquet or csv", w->form);
  }
  if ((w->out && !*w->out) || (w->notes && !*w->notes)) {
    return cli_fail(EXIT_USAGE, "--%s has an empty name: a folder is wanted; \".\" is the one that we are in",
        w->out && !*w->out ? "out" : "notes");
  }
  if (w->keep && !w->out) {
    return cli_fail(EXIT_USAGE, "--keep names columns to write, and there is no --out");
  }
  if (w->resume && !w->out && !w->notes) {
    return cli_fail(EXIT_USAGE, "--resume needs --out or --notes: the folder with the notes");
  }
  return read_on_error(w);
}

int predict_wish_read(predict_wish *w, const cli_command *c, int argc, char **argv)
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
  if (w->filter && grove_rule_check(w->filter, &err)) {
    return cli_fail(EXIT_USAGE, "--filter: %s", err.text);
  }
  int code = check_wish(w);
  if (!code && walk.first == argc) {
    return cli_fail(EXIT_USAGE, "no shard is given: files, folders or patterns are needed");
  }
  w->argc = argc;
  w->argv = argv;
  return code ? code : add_arguments(w, argc - walk.first, argv + walk.first);
}

void predict_wish_free(predict_wish *w)
{
  for (size_t i = 0; i < w->count; i++) {
    free(w->shards[i].path);
    free(w->shards[i].error);
  }
  free(w->shards);
  grove_store_close(w->store);
}
