// A batch job: shards from files, web servers and s3 are scored by a rule and written back, whatever ends it meanwhile.
//
//   batch_job "passenger_count >= 2" scores taxi/*.parquet
//   batch_job "passenger_count >= 2" scores https://example.org/taxi/01.parquet https://example.org/taxi/02.parquet
//   batch_job "passenger_count >= 2" s3://mine/scores 's3://anonymous@theirs/taxi/*.parquet'
//
// Run it again, and what is done is left out: after an interrupt, a power cut, or because more shards have come.
#include <grove.h>
#include <grove/job.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if BATCH_JOB_REMOTE
#include <grove/remote.h>
#endif

typedef struct batch {
  char **shards;
  size_t n, failed;
  size_t told; // tenths of the shards
} batch;

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
  (void)signal;
  interrupted = 1;
}

// ---- where shards are -----------------------------------------------------------------------------

// grove reads no environment: the host decides where keys come from.
static grove_status open_store(grove_store **out, grove_error *err)
{
  grove_store_options o = {.struct_size = sizeof o,
      .key = getenv("AWS_ACCESS_KEY_ID"),
      .secret = getenv("AWS_SECRET_ACCESS_KEY"),
      .token = getenv("AWS_SESSION_TOKEN"),
      .region = getenv("AWS_REGION"),
      .endpoint = getenv("AWS_ENDPOINT_URL"),
      .ca_file = getenv("SSL_CERT_FILE")};
#if BATCH_JOB_REMOTE
  o.schemes = grove_remote_schemes(); // http, https, s3; without them only files are known
#endif
  return grove_store_open(&o, out, err);
}

static grove_status add_shard(void *user, const char *url, uint64_t bytes)
{
  batch *b = user;
  (void)bytes;
  char **grown = realloc(b->shards, (b->n + 1) * sizeof *grown);
  char *copy = malloc(strlen(url) + 1);
  if (grown) {
    b->shards = grown;
  }
  if (!grown || !copy) {
    free(copy);
    return GROVE_ENOMEM;
  }
  b->shards[b->n++] = strcpy(copy, url);
  return GROVE_OK;
}

// Folders and patterns become their shards. What is not there becomes a shard that fails, and the others are done.
static grove_status find_shards(batch *b, grove_store *store, int n, char **names, grove_error *err)
{
  for (int i = 0; i < n; i++) {
    grove_status s = grove_store_list(store, names[i], add_shard, b, err);
    s = s == GROVE_ENOENT ? add_shard(b, names[i], 0) : s;
    if (s) {
      return s;
    }
  }
  return GROVE_OK;
}

// ---- what the job tells ---------------------------------------------------------------------------

static void tell_result(void *user, size_t i, const grove_job_result *r)
{
  batch *b = user;
  if (r->status) {
    b->failed++;
    printf("%s: %s\n", b->shards[i], r->status == GROVE_ECANCELED ? "not done" : r->text);
    return;
  }
  printf("%s: %llu rows, score %g%s\n", b->shards[i], (unsigned long long)r->rows, r->score,
      r->resumed ? " (done before)" : "");
}

static void tell_progress(void *user, const grove_job_progress *p)
{
  batch *b = user;
  size_t tenths = p->shards ? 10 * p->done / p->shards : 10;
  if (tenths > b->told) {
    b->told = tenths;
    fprintf(stderr, "%zu of %zu shards, %llu rows\n", p->done, p->shards, (unsigned long long)p->rows);
  }
}

static bool is_cancelled(void *user)
{
  (void)user;
  return interrupted;
}

// ---- the job --------------------------------------------------------------------------------------

static grove_status run(batch *b, grove_store *store, const char *rule, const char *out,
    grove_job_progress *end, grove_error *err)
{
  grove *g;
  // Members wait for servers on these; they take no processor meanwhile.
  grove_status s = grove_start(&(grove_options){GROVE_OPTIONS, .offload_threads = 32}, &g);
  if (s) {
    return s;
  }
  grove_job_options o = {GROVE_JOB,
      .shards = (const char *const *)b->shards,
      .n_shards = b->n,
      .rule = rule,
      .out = out,
      .resume = out != NULL,
      .retries = 1,
      .store = store,
      .result = tell_result,
      .progress = tell_progress,
      .cancelled = is_cancelled,
      .user = b};
  s = grove_job_run(g, grove_borrow(NULL, 0), &o, end, err);
  grove_status stopped = grove_stop(g, 10000, NULL);
  return s ? s : stopped;
}

int main(int argc, char **argv)
{
  batch b = {.n = 0};
  grove_store *store = NULL;
  grove_job_progress end = {.struct_size = sizeof end};
  grove_error err = {.text = ""};
  if (argc < 4) {
    fputs("usage: batch_job RULE OUT SHARD...\n"
          "Scores shards by a rule (\"riders >= 2\"). OUT is where predictions go: a folder that is there, s3://bucket/folder, or -.\n"
          "Exit code: 0 all are done, 3 some failed, 2 wrong arguments, 130 interrupted, 1 anything else.\n",
        stderr);
    return 2;
  }
  signal(SIGINT, interrupt);
  grove_status s = open_store(&store, &err);
  s = s ? s : find_shards(&b, store, argc - 3, argv + 3, &err);
  s = s ? s : run(&b, store, argv[1], strcmp(argv[2], "-") ? argv[2] : NULL, &end, &err);
  grove_store_close(store);
  for (size_t i = 0; i < b.n; i++) {
    free(b.shards[i]);
  }
  free(b.shards);
  if (s) {
    fprintf(stderr, "batch_job: %s\n", err.text[0] ? err.text : grove_status_text(s));
    return s == GROVE_ECANCELED ? 130 : 1;
  }
  size_t done = end.shards - end.failed;
  printf("total: %zu shard%s, %llu rows\n", done, done == 1 ? "" : "s", (unsigned long long)end.rows);
  if (end.failed) {
    fflush(stdout);
    fprintf(stderr, "batch_job: %zu shard%s failed\n", end.failed, end.failed == 1 ? "" : "s");
    return 3;
  }
  return 0;
}
