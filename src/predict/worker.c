#include "predict/worker.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/arrow.h"
#include "predict/choose.h"
#include "predict/pull.h"
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
  grove__tenure_end(&o->tenure);
  grove__free_text(memory, o->folder);
  grove__free_text(memory, o->notes);
  for (size_t i = 0; o->keep && i < o->n_keep; i++) {
    grove__free_text(memory, o->keep[i]);
  }
  grove__free(memory, o->keep, (o->n_keep + 1) * sizeof *o->keep);
  for (size_t i = 0; o->wanted && i < o->n_apart; i++) {
    grove__free_text(memory, o->wanted[i]);
  }
  grove__free(memory, o->wanted, o->n_apart * sizeof *o->wanted);
  grove__free(memory, o->columns, (o->n_apart + 1) * sizeof *o->columns);
  grove__free(memory, o->apart, (o->n_apart + 1) * sizeof *o->apart);
  grove__free(memory, o->kept_at, 2 * o->n_keep * sizeof *o->kept_at);
  grove__free(memory, o, sizeof *o);
}

static size_t find_column(const char *const *list, size_t n, const char *name)
{
  size_t i = 0;
  while (i < n && strcmp(list[i], name)) {
    i++;
  }
  return i;
}

bool grove__score_job_order_columns(grove__score_job_order *o)
{
  const grove__predict_plan *p = o->plan;
  o->n_apart = p->count + o->n_keep;
  o->columns = grove__alloc_zero(memory, (o->n_apart + 1) * sizeof *o->columns);
  o->apart = grove__alloc_zero(memory, (o->n_apart + 1) * sizeof *o->apart);
  o->kept_at = grove__alloc_zero(memory, 2 * o->n_keep * sizeof *o->kept_at);
  if (!o->columns || !o->apart || (o->n_keep && !o->kept_at)) {
    return false;
  }
  for (size_t i = 0; i < p->count; i++) {
    o->columns[i] = o->apart[i] = p->columns[i];
  }
  o->n_columns = p->count;
  for (size_t k = 0; k < o->n_keep; k++) {
    size_t at = find_column(o->columns, o->n_columns, o->keep[k]);
    o->columns[at] = at < o->n_columns ? o->columns[at] : o->keep[k];
    o->n_columns += at == o->n_columns;
    o->kept_at[k] = at;
    o->apart[p->count + k] = o->keep[k];
    o->kept_at[o->n_keep + k] = p->count + k;
  }
  return true;
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
  s->wanted = (const char *const *)o->wanted;
  s->kept = (grove__kept){.columns = o->kept_at,
      .names = (const char *const *)o->keep,
      .formats = s->wanted ? s->wanted + o->plan->count : NULL,
      .n = o->n_keep};
  return s;
}

void grove__score_job_shard_destroy(void *ptr, void *user)
{
  grove__score_job_shard *s = ptr;
  (void)user;
  grove__shard_output_abandon(s->output);
  grove__shard_close(s->opened);
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
      .version = s->version,
      .resume = o->resume || s->again,
      .force = o->force,
      .place = s->place,
      .stop = &o->stop};
}

// Whether all columns to keep have the formats that are wanted; else whether they can get them.
static grove_status compare_formats(
    const grove__score_job_shard *s, const struct ArrowSchema *is, bool *same, grove_error *err)
{
  const grove__kept *k = &s->kept;
  *same = true;
  for (size_t i = 0; i < k->n; i++) {
    size_t at = k->columns[i];
    const char *wanted = k->formats[i];
    if ((int64_t)at < is->n_children && wanted && *wanted && strcmp(is->children[at]->format, wanted) != 0) {
      *same = false;
      GROVE__TRY(grove__check_drift(k->names[i], is->children[at]->format, wanted, err));
    }
  }
  return GROVE_OK;
}

static grove_status look_at_formats(const grove__score_job_shard *s, bool *same, grove_error *err)
{
  struct ArrowSchema is = {.release = NULL};
  *same = true;
  if (!s->wanted || !grove__shard_streams(s->opened)) {
    return GROVE_OK;
  }
  GROVE__TRY(grove__shard_schema(s->opened, &is, err));
  grove_status status = compare_formats(s, &is, same, err);
  is.release(&is);
  return status;
}

// Each column is read once, though it is kept and predicted from. Where one is to be kept in another format than it has,
// it is read for itself: what predicts is as it lies in the file. A rule can't speak of a column that is read in two.
static grove_status load_shard(task *t, grove_error *err)
{
  const grove__score_job_order *o = t->order;
  const grove__predict_plan *plan = o->plan;
  grove__score_job_shard *s = t->shard;
  grove_parquet_options read = plan->read;
  bool same;
  read.rule = plan->filter_text;
  grove_status status = grove__shard_load(s->opened, &read, err);
  if (status == GROVE_ENOTSUP && read.rule) { // of a list, say, it can be told whether it is null, but not before it is read
    read.rule = NULL;
    status = grove__shard_load(s->opened, &read, err);
  }
  GROVE__TRY(status);
  GROVE__TRY(look_at_formats(s, &same, err));
  if (!same) {
    read.rule = NULL;
    read.formats = s->wanted;
    GROVE__TRY(grove__shard_reopen(s->opened, &read, o->apart, o->n_apart, err));
    s->kept.columns = o->kept_at + o->n_keep;
  }
  s->loaded = true;
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
  atomic_store_explicit(&s->told, next, memory_order_relaxed);
}

static bool is_kept(const grove__score_job_order *o)
{
  return o->folder || o->gives;
}

// A task, and what becomes of the columns to keep.
typedef struct scoring {
  task *t;
  grove__passing passing;
} scoring;

static grove_status pause_scoring(void *user, uint64_t read)
{
  const scoring *s = user;
  return pause(s->t, read);
}

static grove_status pass_batch(void *user, const grove_table *batch, const grove__tally *tally, grove_error *err)
{
  scoring *s = user;
  return grove__passing_take(&s->passing, batch, tally, err);
}

static grove_status make_table(scoring *s, grove__tally *tally, grove_table **out, grove_error *err)
{
  grove_table *passed = NULL;
  if (s->t->order->n_keep) {
    GROVE__TRY(grove__passing_end(&s->passing, &passed, err));
  }
  return grove__scored_table(passed, tally, out, err);
}

static grove_status score_group(scoring *s, const grove__shard *from, size_t group, grove_error *err)
{
  task *t = s->t;
  bool passes = t->order->n_keep > 0;
  grove__tally tally = {.keeps = is_kept(t->order), .picks = passes && t->order->plan->filter};
  grove_table *table = NULL;
  grove_status status = passes ? grove__passing_begin(&s->passing, err) : GROVE_OK;
  status = status ? status
                  : grove__strip_score(&t->worker->strip, from, group, pause_scoring, passes ? pass_batch : NULL, s,
                        &tally, err);
  t->reply->read = tally.read;
  t->reply->rows = tally.rows;
  t->reply->sum = tally.sum;
  if (!status && is_kept(t->order)) {
    status = make_table(s, &tally, &table, err);
    status = status ? status : share_table(t, table, err);
  }
  grove__tally_free(&tally);
  return status;
}

static grove_status score_shard(task *t, const grove__shard *from, size_t group, grove_error *err)
{
  scoring s = {t, {.shard = from, .kept = &t->shard->kept, .limit = t->order->plan->read.memory_bytes}};
  grove_status status = score_group(&s, from, group, err);
  grove__passing_free(&s.passing);
  t->worker->groups++;
  t->worker->rows += t->reply->rows;
  return status;
}

// What a stream gave.
static grove_status score_batch(task *t, grove_table *batch, grove_error *err)
{
  grove__shard *from = NULL;
  GROVE__TRY(grove__shard_of_table(batch, t->order->columns, t->order->n_columns, &from, err));
  grove_status s = score_shard(t, from, 0, err);
  grove__shard_close(from);
  return s;
}

static grove_status score(task *t, const grove__score_job_item *item, grove_error *err)
{
  const grove__score_job_shard *s = t->shard;
  if (item->table.ptr) {
    return score_batch(t, (grove_table *)(uintptr_t)item->table.ptr, err);
  }
  tell_source(t, (size_t)item->group);
  return score_shard(t, s->opened, (size_t)item->group, err);
}

// The columns of a shard without row groups, or without batches.
static grove_status make_empty(task *t, grove_table **out, grove_error *err)
{
  const grove__score_job_shard *shard = t->shard;
  grove__tally none = {.keeps = true};
  scoring s = {t, {.shard = shard->opened, .kept = &shard->kept}};
  grove_status status = t->order->n_keep && shard->opened ? grove__passing_begin(&s.passing, err) : GROVE_OK;
  status = status            ? status
           : shard->opened ? make_table(&s, &none, out, err)
                           : grove__scored_table(NULL, &none, out, err);
  grove__passing_free(&s.passing);
  return status;
}

// For who wants to know them.
static grove_status score_nothing(task *t, grove_error *err)
{
  grove_table *table = NULL;
  GROVE__TRY(make_empty(t, &table, err));
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
  grove__shard_size size;
  GROVE__TRY(grove__shard_measure(s->opened, s->kept.columns, s->kept.n, &size, err));
  t->reply->reads_bytes = size.reads;
  t->reply->held_bytes = t->order->folder ? size.rows * sizeof(double) + size.holds : 0;
  GROVE__TRY(grove__shard_columns(s->opened, &t->order->plan->read, &columns, err));
  grove_status status =
      grove_share(t->self, columns, strlen(columns) + 1, free_text, NULL, &t->reply->table);
  if (status) {
    grove__free_text(memory, columns);
  }
  return status;
}

static grove_status open_shard(task *t, grove_error *err)
{
  const grove__score_job_order *o = t->order;
  grove__score_job_shard *s = t->shard;
  grove_parquet_options read = o->plan->read;
  GROVE__TRY(grove__shard_open(o->plan->store, s->url, &read, o->columns, o->n_columns, &s->opened, err));
  snprintf(s->version, sizeof s->version, "%s", grove__shard_version(s->opened));
  return GROVE_OK;
}

// What a bounded job has to know before more of its groups are scored.
static grove_status measure(task *t, grove_error *err)
{
  grove__shard_size size;
  const grove__score_job_shard *s = t->shard;
  GROVE__TRY(grove__shard_measure(s->opened, s->kept.columns, s->kept.n, &size, err));
  t->reply->resident = grove__shard_resident_bytes(s->opened);
  t->reply->reads_bytes = size.reads;
  t->reply->needs = size.reads + (is_kept(t->order) ? grove__growth(size.rows * sizeof(double) + size.holds) : 0);
  t->reply->unscored = t->reply->needs > t->order->share;
  return GROVE_OK;
}

// Whether the folders are still the job's: else it ends.
static grove_status check_tenure(task *t, grove_error *err)
{
  grove_status s = grove__tenure_check(&t->order->tenure, t->order->plan->store, err);
  if (s == GROVE_EEXIST) { // relaxed: the answer of this item, which fails, is what orders it
    atomic_store_explicit(&t->shard->lost, true, memory_order_relaxed);
  }
  return s;
}

static grove_status claim(task *t, grove_error *err)
{
  grove__score_job_shard *s = t->shard;
  GROVE__TRY(check_tenure(t, err));
  grove__shard_output_wish w = wish_of(s);
  return grove__shard_output_claim(&w, &s->place, err);
}

static grove_status begin(task *t, const grove__score_job_item *item, grove_error *err)
{
  grove__score_job_shard *s = t->shard;
  if (!t->order->plan_only) {
    const grove__score_job_order *o = t->order;
    GROVE__TRY(grove__tenure_mark(&s->order->tenure, o->plan->store, o->notes, o->force, err));
  }
  if (!s->opened) { // else room for it was granted, or a member died with this item, behind this point
    GROVE__TRY(open_shard(t, err));
  }
  t->reply->bytes = grove__shard_bytes(s->opened);
  if (t->order->resume && !t->order->plan_only) { // before it is read: of what is done nothing is
    grove__shard_output_wish w = wish_of(s);
    t->reply->resumed = grove__note_read(&w, &s->done);
    if (t->reply->resumed) {
      return GROVE_OK;
    }
  }
  if (!t->order->plan_only && !s->place.entered) { // else room was granted since
    GROVE__TRY(claim(t, err));
  }
  if (t->order->bounded && !item->group && grove__shard_load_bytes(s->opened) > t->order->share) {
    t->reply->wants = grove__shard_load_bytes(s->opened);
    return GROVE_OK;
  }
  if (!s->loaded) {
    GROVE__TRY(load_shard(t, err));
  }
  t->reply->groups = grove__shard_groups(s->opened);
  if (t->order->plan_only) {
    return plan(t, err);
  }
  if (!t->reply->groups) {
    return t->order->gives ? score_nothing(t, err) : GROVE_OK;
  }
  if (t->order->bounded) {
    GROVE__TRY(measure(t, err));
    if (t->reply->unscored) {
      return GROVE_OK;
    }
  }
  tell_source(t, 0);
  return score_shard(t, s->opened, 0, err);
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
  if (t->shard->output) {
    return GROVE_OK;
  }
  if (t->shard->stream) { // which has no BEGIN, and no note
    w.notes = NULL;
    GROVE__TRY(check_tenure(t, err));
    GROVE__TRY(grove__shard_output_claim(&w, &t->shard->place, err));
    w.place = t->shard->place;
  }
  return grove__shard_output_open(&w, like, &t->shard->output, err);
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
    grove_table *table = NULL;
    GROVE__TRY(make_empty(t, &table, err));
    grove_status status = open_output(t, table, err);
    grove_table_release(table);
    GROVE__TRY(status);
  }
  grove__shard_output *o = s->output;
  s->output = NULL;
  grove__shard_output_wish w = wish_of(s);
  grove_status status = check_tenure(t, err);
  if (status) {
    grove__shard_output_abandon(o);
    return status;
  }
  return grove__shard_output_settle(&w, o, !s->stream, &s->done, err); // what a stream gave has no version to look for
}

static grove_status run_item(task *t, const grove__score_job_item *item, grove_error *err)
{
  switch (item->kind) {
  case GROVE__JOB_BEGIN: return begin(t, item, err);
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
