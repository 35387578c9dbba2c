#include "predict/worker.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "predict/pull.h"
#include "predict/scored.h"
#include "store/url.h"
#include <stdio.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

void grove__score_job_order_release(grove__score_job_order *o)
{
  // ORDER acquire-release: all uses of this holder come before the free by the last one. PAIRS itself, by the others.
  if (!o || atomic_fetch_sub_explicit(&o->count, 1, memory_order_acq_rel) != 1) {
    return;
  }
  grove__predict_plan_destroy(o->plan, NULL);
  grove__free_text(memory, o->folder);
  grove__free_text(memory, o->notes);
  for (size_t i = 0; o->keep && i < o->n_keep; i++) {
    grove__free_text(memory, o->keep[i]);
  }
  grove__free(memory, o->keep, (o->n_keep + 1) * sizeof *o->keep);
  for (size_t i = 0; o->formats && i < o->n_keep; i++) {
    grove__free_text(memory, o->formats[i]);
  }
  grove__free(memory, o->formats, o->n_keep * sizeof *o->formats);
  grove__free(memory, o, sizeof *o);
}

grove__score_job_shard *grove__score_job_shard_create(
    grove__score_job_order *o, const char *url, struct ArrowArrayStream *stream)
{
  grove__score_job_shard *s = grove__alloc_zero(memory, sizeof *s);
  char *copy = grove__copy_text(memory, url);
  if (!s || !copy) {
    grove__free(memory, s, sizeof *s);
    grove__free_text(memory, copy);
    return NULL;
  }
  // Relaxed: whoever makes a shard has a count already.
  atomic_fetch_add_explicit(&o->count, 1, memory_order_relaxed);
  atomic_init(&s->told, 0);
  s->order = o;
  s->url = copy;
  s->stream = stream;
  s->formats = (const char *const *)o->formats;
  return s;
}

void grove__score_job_shard_destroy(void *ptr, void *user)
{
  grove__score_job_shard *s = ptr;
  (void)user;
  grove__shard_output_abandon(s->output);
  grove__shard_close(s->opened);
  grove__shard_close(s->kept);
  grove__score_job_order_release(s->order);
  grove__free_text(memory, s->url);
  grove__free(memory, s, sizeof *s);
}

// ---- the member -----------------------------------------------------------------------------------

struct grove_job_worker {
  const grove__score_job_order *order;
  uint64_t groups, rows;
  grove__strip strip;
};

static void destroy_worker(void *state)
{
  struct grove_job_worker *w = state;
  grove__strip_free(&w->strip);
}

// Blocking: files and servers are waited for, so it runs on offload threads and holds up no worker.
GROVE_CLASS_WITH(GROVE__JOB_WORKER, grove_job_worker, .destroy = destroy_worker, .blocking = 1)

static grove_status grove_job_worker_start(
    grove *self, struct grove_job_worker *w, const grove__score_job_start *start)
{
  w->order = start->order.ptr;
  grove_state(self, "IDLE");
  return grove__strip_init(&w->strip, w->order->plan)
             ? grove_fail(self, GROVE_ENOMEM, "no memory for a worker's buffers")
             : GROVE_OK;
}

// ---- items ----------------------------------------------------------------------------------------

// What one item has at hand.
typedef struct task {
  grove *self;
  struct grove_job_worker *worker;
  const grove__score_job_order *order;
  grove__score_job_shard *shard;
  grove__score_job_reply *reply;
} task;

static grove_status pause(void *user, uint64_t read)
{
  const task *t = user;
  (void)read;
  return atomic_load_explicit(&t->order->stop, memory_order_relaxed) || grove_yield(t->self)
             ? GROVE_ECANCELED
             : GROVE_OK;
}

static grove__shard_output_wish wish_of(const grove__score_job_shard *s)
{
  const grove__score_job_order *o = s->order;
  return (grove__shard_output_wish){.plan = o->plan,
      .folder = o->folder,
      .notes = o->notes,
      .form = o->form,
      .keep = (const char *const *)o->keep,
      .write = o->writes ? &o->write : NULL,
      .shard = s->url,
      .shard_bytes = s->opened ? grove__shard_bytes(s->opened) : 0,
      .version = s->version};
}

static grove_status open_shard(task *t, grove_error *err)
{
  const grove__predict_plan *plan = t->order->plan;
  grove__score_job_shard *s = t->shard;
  grove_parquet_options read = plan->read;
  // Rows that are passed through are chosen by their place in the group, so none may be left out of a batch.
  read.rule = t->order->keep ? NULL : plan->filter_text;
  GROVE__TRY(grove__shard_open(plan->store, s->url, &read, (const char *const *)plan->columns,
      plan->count, &s->opened, err));
  snprintf(s->version, sizeof s->version, "%s", grove__shard_version(s->opened));
  if (t->order->keep) {
    read.rule = NULL;
    read.formats = s->formats;
    GROVE__TRY(grove__shard_open_beside(s->opened, &read,
        (const char *const *)t->order->keep, t->order->n_keep, &s->kept, err));
  }
  return GROVE_OK;
}

static void release_table(void *table, void *user)
{
  (void)user;
  grove_table_release(table);
}

// The table goes to the job, which hands it to whoever writes the shard's next group.
static grove_status share_table(task *t, grove_table *table, grove_error *err)
{
  grove_status s = grove_share(
      t->self, table, (size_t)grove_table_bytes(table), release_table, NULL, &t->reply->table);
  if (s) {
    grove_table_release(table);
    return grove__error(err, s, -1, "the rows of a row group can't be shared: %s",
        grove_status_text(s));
  }
  return GROVE_OK;
}

// Small groups are fetched some at a time. With a filter the reader knows better which are wanted, and tells itself.
static void tell_source(const task *t, size_t group)
{
  grove__score_job_shard *s = t->shard;
  if (t->order->plan->filter || group < atomic_load_explicit(&s->told, memory_order_relaxed)) {
    return;
  }
  size_t next = grove__shard_will_read(s->opened, group);
  size_t kept = s->kept ? grove__shard_will_read(s->kept, group) : next;
  atomic_store_explicit(&s->told, next < kept ? next : kept, memory_order_relaxed);
}

static bool is_kept(const grove__score_job_order *o)
{
  return o->folder || o->gives;
}

static grove_status score_shard(task *t, const grove__shard *from, const grove__shard *kept,
    size_t group, grove_error *err)
{
  grove__tally tally = {.keeps = is_kept(t->order)};
  grove_table *table = NULL;
  grove_status s =
      grove__strip_score(&t->worker->strip, from, group, pause, t, &tally, err);
  t->reply->read = tally.read;
  t->reply->rows = tally.rows;
  t->reply->sum = tally.sum;
  if (!s && is_kept(t->order)) {
    s = grove__scored_table(kept, group, &tally, &table, err);
    s = s ? s : share_table(t, table, err);
  }
  grove__tally_free(&tally);
  t->worker->groups++;
  t->worker->rows += t->reply->rows;
  return s;
}

// What a stream gave.
static grove_status score_batch(task *t, grove_table *batch, grove_error *err)
{
  const grove__predict_plan *plan = t->order->plan;
  grove__shard *from = NULL, *kept = NULL;
  grove_status s = grove__shard_of_table(
      batch, (const char *const *)plan->columns, NULL, plan->count, &from, err);
  if (!s && t->order->keep) {
    s = grove__shard_of_table(batch, (const char *const *)t->order->keep, t->shard->formats,
        t->order->n_keep, &kept, err);
  }
  s = s ? s : score_shard(t, from, kept, 0, err);
  grove__shard_close(from);
  grove__shard_close(kept);
  return s;
}

static grove_status score(task *t, const grove__score_job_item *item, grove_error *err)
{
  const grove__score_job_shard *s = t->shard;
  if (item->table.ptr) {
    return score_batch(t, (grove_table *)(uintptr_t)item->table.ptr, err);
  }
  tell_source(t, (size_t)item->group);
  return score_shard(t, s->opened, s->kept, (size_t)item->group, err);
}

// The columns of a shard without row groups, for who wants to know them.
static grove_status score_nothing(task *t, grove_error *err)
{
  grove__tally none = {.keeps = true};
  grove_table *table = NULL;
  GROVE__TRY(grove__scored_table(t->shard->kept, SIZE_MAX, &none, &table, err));
  t->reply->groups = 1;
  return share_table(t, table, err);
}

static void free_text(void *text, void *user)
{
  (void)user;
  grove__free_text(memory, text);
}

// What there is to know before anything is scored.
static grove_status plan(task *t, grove_error *err)
{
  const grove__score_job_shard *s = t->shard;
  char *columns = NULL;
  t->reply->read = grove__shard_rows(s->opened);
  grove__shard_size size, kept = {0};
  GROVE__TRY(grove__shard_measure(s->opened, &size, err));
  if (s->kept) {
    GROVE__TRY(grove__shard_measure(s->kept, &kept, err));
  }
  t->reply->reads_bytes = size.reads + kept.reads;
  t->reply->held_bytes = t->order->folder ? size.rows * sizeof(double) + kept.holds : 0;
  GROVE__TRY(grove__shard_columns(s->opened, &t->order->plan->read, &columns, err));
  grove_status status =
      grove_share(t->self, columns, strlen(columns) + 1, free_text, NULL, &t->reply->table);
  if (status) {
    grove__free_text(memory, columns);
  }
  return status;
}

static grove_status begin(task *t, grove_error *err)
{
  grove__score_job_shard *s = t->shard;
  if (!s->opened) { // else a member died with this item, behind this point
    GROVE__TRY(open_shard(t, err));
  } else if (t->order->keep && !s->kept) {
    grove__shard_close(s->opened);
    s->opened = NULL;
    GROVE__TRY(open_shard(t, err));
  }
  t->reply->groups = grove__shard_groups(s->opened);
  t->reply->bytes = grove__shard_bytes(s->opened);
  if (t->order->plan_only) {
    return plan(t, err);
  }
  grove__shard_output_wish w = wish_of(s);
  t->reply->resumed = t->order->resume && grove__note_read(&w, &s->done);
  if (t->reply->resumed) {
    return GROVE_OK;
  }
  if (!t->reply->groups) {
    return t->order->gives ? score_nothing(t, err) : GROVE_OK;
  }
  tell_source(t, 0);
  return score_shard(t, s->opened, s->kept, 0, err);
}

static grove_status pull(task *t, grove_error *err)
{
  grove__score_job_shard *s = t->shard;
  grove_table *batch = NULL;
  bool last = false;
  if (s->pulling) {
    return grove__error(err, GROVE_EDEAD, -1, "a member died while it took a batch of it");
  }
  s->pulling = true;
  grove_status status = grove__batch_pull(s->stream, &s->pulled, &batch, &last, err);
  s->pulling = false;
  t->reply->last = last;
  return batch ? share_table(t, batch, err) : status;
}

static grove_status open_output(task *t, const grove_table *like, grove_error *err)
{
  grove__shard_output_wish w = wish_of(t->shard);
  return t->shard->output ? GROVE_OK : grove__shard_output_open(&w, like, &t->shard->output, err);
}

static grove_status write_group(task *t, const grove_table *table, grove_error *err)
{
  grove__score_job_shard *s = t->shard;
  if (s->writing) {
    return grove__error(err, GROVE_EDEAD, -1, "a member died while it wrote a row group of it");
  }
  s->writing = true;
  grove_status status = open_output(t, table, err);
  if (!status) {
    status = grove__shard_output_put(s->output, table, err);
  }
  s->writing = false;
  return status;
}

static grove_status finish(task *t, grove_error *err)
{
  grove__score_job_shard *s = t->shard;
  if (t->order->folder && !s->output) { // a shard without groups has an output, too
    grove__tally none = {.keeps = true};
    grove_table *table = NULL;
    GROVE__TRY(grove__scored_table(s->kept, SIZE_MAX, &none, &table, err));
    grove_status status = open_output(t, table, err);
    grove_table_release(table);
    GROVE__TRY(status);
  }
  grove__shard_output *o = s->output;
  s->output = NULL;
  GROVE__TRY(grove__shard_output_commit(o, &s->done, err));
  grove__shard_output_wish w = wish_of(s);
  return s->stream ? GROVE_OK : grove__note_write(&w, &s->done, err); // what a stream gave has no version to look for
}

static grove_status run_item(task *t, const grove__score_job_item *item, grove_error *err)
{
  switch (item->kind) {
  case GROVE__JOB_BEGIN: return begin(t, err);
  case GROVE__JOB_PULL: return pull(t, err);
  case GROVE__JOB_SCORE: return score(t, item, err);
  case GROVE__JOB_WRITE: return write_group(t, item->table.ptr, err);
  case GROVE__JOB_FINISH: return finish(t, err);
  default:
    grove__shard_output_abandon(t->shard->output);
    t->shard->output = NULL;
    return GROVE_OK;
  }
}

static grove_status grove_job_worker_work(grove *self, struct grove_job_worker *w,
    const grove__score_job_item *item, grove__score_job_reply *reply)
{
  static const char *const words[] = {"READING", "TAKING", "SCORING", "WRITING", "FINISHING", "GIVING UP"};
  task t = {.self = self,
      .worker = w,
      .order = w->order,
      .shard = (grove__score_job_shard *)(uintptr_t)item->shard.ptr,
      .reply = reply};
  grove_error err = {0};
  size_t n;
  const char *name = grove__url_name(t.shard->url, &n);
  grove_state(self, "%s %.*s", words[item->kind], n < 50 ? (int)n : 50, name);
  grove_status s = run_item(&t, item, &err);
  reply->who = grove_self(self);
  grove_state(self, "IDLE after %llu groups, %llu rows", (unsigned long long)w->groups,
      (unsigned long long)w->rows);
  if (s && err.text[0]) {
    char shown[300];
    grove__url_show(t.shard->url, shown, sizeof shown);
    (void)grove__error_prefix(&err, s, "%s", shown);
    err.status = s;
    return grove_fail_with(self, &err);
  }
  return s;
}
