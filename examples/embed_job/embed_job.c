// A host with a libuv loop that runs a whole batch job beside its own work: the job is a method of an actor, tells of its
// progress and its end on the loop, and is cancelled from there. The loop never waits for it.
#include <grove.h>
#include <grove/job.h>
#include <grove/uv.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct host {
  grove *g;
  uv_loop_t loop;
  uv_timer_t beat;  // the host's own work
  uv_async_t news;  // sent by the job's callbacks, which run on a worker
  const char *const *shards;
  size_t n_shards, cancel_at; // so many shards are done: enough
  // What the job's callbacks leave for the loop.
  atomic_size_t done;
  atomic_ullong rows;
  atomic_bool cancel; // the other way
  int beats, exit_code;
};

// ---- the actor that runs it -----------------------------------------------------------------------

struct batch {
  int runs;
};
typedef struct batch_order {
  struct host *host; // outlives the runtime
} batch_order;
typedef struct batch_end {
  uint64_t shards, failed, rows;
} batch_end;
GROVE_TYPE(batch_order)
GROVE_TYPE(batch_end)
#define BATCH(START, METHOD) START(batch, grove_none) METHOD(batch, run, batch_order, batch_end)
GROVE_ACTOR(BATCH, batch)

static grove_status batch_start(grove *self, struct batch *b, const grove_none *none)
{
  (void)self, (void)b, (void)none;
  return GROVE_OK;
}

// The three callbacks run on the actor's worker: they leave a word and go.
static void tell_progress(void *user, const grove_job_progress *p)
{
  struct host *h = user;
  atomic_store(&h->done, p->done);
  atomic_store(&h->rows, p->rows);
  uv_async_send(&h->news);
}

static void tell_result(void *user, size_t shard, const grove_job_result *r)
{
  struct host *h = user;
  if (r->status && r->status != GROVE_ECANCELED) {
    fprintf(stderr, "%s: %s\n", h->shards[shard], r->text);
  }
}

static bool is_cancelled(void *user)
{
  struct host *h = user;
  return atomic_load(&h->cancel);
}

// Suspended while members work, so its worker is free for others.
static grove_status batch_run(grove *self, struct batch *b, const batch_order *o, batch_end *out)
{
  grove_job_progress end = {.struct_size = sizeof end};
  grove_error err = {.text = ""};
  grove_job_options job = {GROVE_JOB,
      .shards = o->host->shards,
      .n_shards = o->host->n_shards,
      .rule = "x >= 50",
      .members = 2,
      .result = tell_result,
      .progress = tell_progress,
      .cancelled = is_cancelled,
      .user = o->host,
      .tick_ms = 10};
  b->runs++;
  grove_status s = grove_job_run(self, grove_borrow(NULL, 0), &job, &end, &err);
  *out = (batch_end){end.done, end.failed, end.rows};
  return s ? grove_fail_with(self, &err) : GROVE_OK;
}

// ---- the host, on its loop ------------------------------------------------------------------------

static void count_beat(uv_timer_t *t)
{
  struct host *h = t->data;
  h->beats++;
}

static void hear_news(uv_async_t *a)
{
  struct host *h = a->data;
  size_t done = atomic_load(&h->done);
  if (done >= h->cancel_at) {
    atomic_store(&h->cancel, true);
  }
}

static grove_status hear_end(grove *g, void *user, grove_future f)
{
  struct host *h = user;
  batch_end end = {0};
  grove_error err = {.text = ""};
  grove_status s = batch_run_get(g, (batch_run_future){f}, 0, &end, &err);
  if (s) {
    printf("the job: %s\n", err.text);
    h->exit_code = s == GROVE_ECANCELED ? 130 : 1;
  } else {
    printf("%zu of %zu shards, %llu rows\n", (size_t)atomic_load(&h->done), h->n_shards,
        (unsigned long long)end.rows);
    printf("the job: done, %llu shards, %llu failed\n", (unsigned long long)end.shards,
        (unsigned long long)end.failed);
    h->exit_code = end.failed ? 3 : 0;
  }
  return GROVE_OK;
}

static int run(struct host *h)
{
  batch_ref b = batch_spawn(h->g, GROVE_NONE, NULL);
  grove_status s = grove_then(h->g, batch_run_call(h->g, b, (batch_order){h}).future, hear_end, h);
  if (s) {
    fprintf(stderr, "embed_job: %s\n", grove_status_text(s));
    return 1;
  }
  uv_run(&h->loop, UV_RUN_DEFAULT); // returns when the end has been heard
  printf("the host's timer beat %s\n", h->beats ? "meanwhile" : "never");
  return h->exit_code;
}

int main(int argc, char **argv)
{
  static struct host h;
  int first = 1;
  h.cancel_at = SIZE_MAX;
  if (argc > 2 && !strcmp(argv[1], "--cancel-at")) {
    h.cancel_at = strtoul(argv[2], NULL, 10);
    first = 3;
  }
  if (first >= argc) {
    fputs("usage: embed_job [--cancel-at N] SHARD...\nScores x >= 50 over shards, on a libuv loop.\n", stderr);
    return 2;
  }
  h.shards = (const char *const *)argv + first;
  h.n_shards = (size_t)(argc - first);
  atomic_store(&h.cancel, h.cancel_at == 0);
  if (uv_loop_init(&h.loop) || grove_start(NULL, &h.g)) {
    fputs("embed_job: the loop or the runtime did not start\n", stderr);
    return 1;
  }
  h.beat.data = h.news.data = &h;
  uv_timer_init(&h.loop, &h.beat);
  uv_timer_start(&h.beat, count_beat, 0, 1);
  uv_async_init(&h.loop, &h.news, hear_news);
  uv_unref((uv_handle_t *)&h.beat); // they don't keep the loop; the open answer does
  uv_unref((uv_handle_t *)&h.news);

  int code = grove_uv_attach(h.g, &h.loop) ? 1 : run(&h);

  grove_uv_detach(h.g);
  uv_run(&h.loop, UV_RUN_DEFAULT);
  if (grove_stop(h.g, 5000, NULL)) { // from here on no callback runs, and none sends news
    code = 1;
  }
  uv_close((uv_handle_t *)&h.beat, NULL);
  uv_close((uv_handle_t *)&h.news, NULL);
  uv_run(&h.loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&h.loop)) {
    fputs("embed_job: something still holds the loop\n", stderr);
    code = 1;
  }
  return code;
}
