// One shard of a batch job: its row groups, or a stream's batches, from first to last.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "predict/job_parts.h"
#include <stdio.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

// ---- groups ---------------------------------------------------------------------------------------

static grove__score_job_group *group_at(grove__score_job_entry *e, uint64_t k)
{
  return &e->work->groups[k % e->work->room];
}

// The group's table is `table` from now on, which is the group's.
static void hold(grove__score_job *j, grove__score_job_group *g, grove_shared table)
{
  bool counted = table.ptr != NULL;
  j->held += table.bytes - g->held; // modulo: it comes back to what it was
  j->n_held += (uint64_t)counted - g->counted;
  g->held = table.bytes;
  g->counted = counted;
  g->table = table;
}

static grove_shared take_table(grove__score_job *j, grove__score_job_group *g)
{
  grove_shared table = g->table;
  hold(j, g, (grove_shared){0});
  return table;
}

static bool make_groups(grove__score_job *j, grove__score_job_entry *e, uint64_t n)
{
  e->work->room = n < j->ahead ? n : j->ahead;
  e->work->groups = grove__alloc_zero(memory, (size_t)e->work->room * sizeof *e->work->groups);
  return e->work->groups || !e->work->room;
}

static void let_go(grove__score_job *j, grove__score_job_entry *e)
{
  if (!e->work) {
    return;
  }
  for (uint64_t i = 0; e->work->groups && i < e->work->room; i++) {
    grove_release(take_table(j, &e->work->groups[i]));
  }
  grove__free(memory, e->work->groups, (size_t)e->work->room * sizeof *e->work->groups);
  e->work->groups = NULL;
  j->resident -= e->work->resident;
  e->work->resident = e->work->wants = e->work->needs = e->work->reads = 0;
  grove_release(e->work->shared);
  e->work->shared = (grove_shared){0};
  e->work->shard = NULL;
}

// What of a shard counts as done while it is under way.
static void count_open(
    grove__score_job *j, grove__score_job_entry *e, uint64_t rows, uint64_t bytes)
{
  if (!e->work) {
    return;
  }
  j->open_rows += rows - e->work->open_rows; // modulo, as above
  j->open_bytes += bytes - e->work->open_bytes;
  e->work->open_rows = rows;
  e->work->open_bytes = bytes;
}

// ---- fates ----------------------------------------------------------------------------------------

// About what members hold while they score shards like this: what each reads, and groups that are scored or wait to be
// written, of which there are three a member at most, and no more than there are.
static uint64_t guess_memory(const grove__score_job *j, const grove__score_job_reply *plan)
{
  uint64_t members = j->ahead / 2, groups = plan->groups * j->o.n_shards, limit = j->o.memory_bytes / 2;
  uint64_t held = (groups < 3 * members ? groups : 3 * members) * plan->held_bytes;
  held = limit && held > limit ? limit + plan->held_bytes : held;
  return (groups < members ? groups : members) * plan->reads_bytes + held;
}

// `plan`: what a member found, if nothing more is to be done; else NULL.
static void tell_result(grove__score_job *j, size_t i, const grove__score_job_reply *plan)
{
  const grove__score_job_entry *e = &j->entries[i];
  if (!j->o.result) {
    return;
  }
  grove_job_result r = {.struct_size = sizeof r,
      .status = e->status,
      .resumed = e->resumed,
      .attempts = e->attempts,
      .bytes = e->bytes,
      .read = e->done.read,
      .rows = e->done.rows,
      .score = e->done.score};
  if (e->error) {
    snprintf(r.text, sizeof r.text, "%s", e->error);
  }
  if (plan) {
    r.columns = plan->table.ptr;
    r.memory_bytes = guess_memory(j, plan);
  }
  j->o.result(j->o.user, i, &r);
}

static void keep_version(grove__score_job_entry *e)
{
  if (e->work->shard && !e->version) {
    e->version = grove__copy_text(memory, e->work->shard->version); // none is said if there is no memory for it
  }
}

static void settle(
    grove__score_job *j, size_t i, grove_status s, const grove__score_job_reply *plan)
{
  grove__score_job_entry *e = &j->entries[i];
  e->state = GROVE__ENTRY_SETTLED;
  e->status = s;
  count_open(j, e, 0, 0);
  j->settled++;
  j->active--;
  if (s) {
    e->done = (grove__done){0};
    j->failed += s != GROVE_ECANCELED;
    j->undone += s == GROVE_ECANCELED;
  } else {
    j->rows += e->done.rows;
    j->bytes_done += e->bytes;
    j->resumed += e->resumed;
    if (j->order->notes) { // for the manifest
      keep_version(e);
    }
  }
  let_go(j, e);
  grove__told_entry(j, i);
  tell_result(j, i, plan);
  grove__free(memory, e->work, sizeof *e->work);
  e->work = NULL;
}

void grove__entry_settle(grove__score_job *j, size_t i, grove_status s)
{
  settle(j, i, s, NULL);
}

// The method is no news to who runs a job.
static const char *plain_words(const char *text)
{
  static const char ours[] = "grove_job_worker.work: ";
  return text + (strncmp(text, ours, sizeof ours - 1) ? 0 : sizeof ours - 1);
}

void grove__entry_fail(grove__score_job *j, size_t i, grove_status s, const char *words)
{
  grove__score_job_entry *e = &j->entries[i];
  if (e->state == GROVE__ENTRY_FAILING) {
    return;
  }
  e->state = GROVE__ENTRY_FAILING;
  e->status = s;
  grove__free_text(memory, e->error);
  e->error = grove__copy_text(memory, plain_words(words && *words ? words : grove_status_text(s)));
}

// Of one that has no use for its other shards.
static void end_all(grove__score_job *j, grove_status s, const char *words)
{
  if (!j->first_failure) {
    j->first_failure = s;
    (void)grove__error(j->err, s, -1, "%s", words ? words : "");
  }
  grove__score_job_stop(j);
}

static bool may_retry(const grove__score_job *j, const grove__score_job_entry *e)
{
  bool gone = e->work && e->work->shard && e->work->shard->stream; // what was taken from a stream doesn't come again
  return e->attempts <= j->o.retries && e->status != GROVE_ECANCELED && !j->stopping && !gone &&
         !(e->work && e->work->changed);
}

static void retry_or_settle(grove__score_job *j, size_t i)
{
  grove__score_job_entry *e = &j->entries[i];
  if (!may_retry(j, e)) {
    if (e->status != GROVE_ECANCELED && j->o.on_error == GROVE_JOB_FAIL && !j->first_failure) {
      end_all(j, e->status, e->error);
    }
    grove__entry_settle(j, i, e->status);
    return;
  }
  if (e->work && e->work->given) {
    keep_version(e); // what is given of the next attempt must be of the same
  }
  e->entered = e->entered || (e->work && e->work->shard && e->work->shard->place.entered);
  let_go(j, e);
  count_open(j, e, 0, 0);
  e->state = GROVE__ENTRY_WAITING;
  if (e->work) {
    e->work->next_score = e->work->next_write = e->work->n_groups = 0;
  }
  e->status = GROVE_OK;
  e->done = (grove__done){0};
  j->active--;
}

// ---- giving items out -----------------------------------------------------------------------------

// `bytes` of the budget are the item's until it comes back.
static bool submit(
    grove__score_job *j, size_t i, uint32_t kind, uint64_t group, grove_shared table, uint64_t bytes)
{
  grove__score_job_entry *e = &j->entries[i];
  grove__score_job_item item = {.shard = e->work->shared, .table = table, .group = group, .kind = kind};
  size_t slot = 0;
  while (j->slots[slot].used) {
    slot++;
  }
  grove_status s = grove_job_worker_work_submit(j->g, j->pool, item, slot);
  if (s) {
    if (s == GROVE_ECANCELED) {
      grove__score_job_stop(j);
    }
    grove__entry_fail(j, i, s, NULL);
    return false;
  }
  j->slots[slot] = (grove__score_job_slot){.used = true, .entry = i, .kind = kind, .group = group, .bytes = bytes};
  j->used += bytes;
  j->flying++;
  e->flying++;
  return true;
}

bool grove__entry_begin(grove__score_job *j, size_t i)
{
  grove__score_job_entry *e = &j->entries[i];
  struct ArrowArrayStream *stream = j->o.streams ? j->o.streams[i] : NULL;
  e->state = GROVE__ENTRY_BEGUN;
  e->attempts++;
  j->active++;
  j->begun_to = i >= j->begun_to ? i + 1 : j->begun_to;
  e->work = e->work ? e->work : grove__alloc_zero(memory, sizeof *e->work);
  if (!e->work) {
    grove__entry_fail(j, i, GROVE_ENOMEM, "no memory for a shard");
    return false;
  }
  e->work->begun_ns = grove_now_ns(j->g);
  grove__told_entry(j, i);
  grove__score_job_shard *shard =
      grove__score_job_shard_create(j->order, j->o.shards[i], stream);
  if (!shard || grove_share(j->g, shard, sizeof *shard, grove__score_job_shard_destroy, NULL, &e->work->shared)) {
    if (shard) {
      grove__score_job_shard_destroy(shard, NULL);
    }
    grove__entry_fail(j, i, GROVE_ENOMEM, "no memory for a shard");
    return false;
  }
  e->work->shard = shard;
  shard->again = e->entered;
  if (stream && j->order->plan_only) { // nobody knows what will come
    grove__entry_settle(j, i, GROVE_OK);
    return true;
  }
  if (!stream) {
    return submit(j, i, GROVE__JOB_BEGIN, 0, (grove_shared){0}, j->order->share);
  }
  if (!make_groups(j, e, UINT64_MAX)) {
    grove__entry_fail(j, i, GROVE_ENOMEM, "no memory for a stream's batches");
    return false;
  }
  e->state = GROVE__ENTRY_SCORING;
  return true;
}

// Of a consumer's table the next shards' are to have the formats, too.
static void learn_formats(grove__score_job *j, const grove_table *t)
{
  grove__score_job_order *o = j->order;
  if (o->wanted || !o->keep) {
    return;
  }
  o->wanted = grove__alloc_zero(memory, o->n_apart * sizeof *o->wanted);
  for (size_t i = 0; o->wanted && i < o->n_keep; i++) {
    const char *format = grove_table_format(t, i);
    // Lists, structs and maps have no cast; what differs is found when the consumer looks.
    o->wanted[o->plan->count + i] = grove__copy_text(memory, format[0] == '+' ? "" : format);
  }
}

// To the consumer, if it is this shard's turn. What it has of an attempt before is not given again.
static bool give(grove__score_job *j, size_t i)
{
  grove__score_job_entry *e = &j->entries[i];
  grove__score_job_group *g = group_at(e, e->work->next_write);
  if (e->work->next_write < e->work->given) {
    grove_release(take_table(j, g));
    return true;
  }
  if (i != j->first || j->ready.ptr) {
    return false;
  }
  if (g->read) { // a shard without rows, as a CSV that has only a header, knows nothing of its types
    learn_formats(j, g->table.ptr);
  }
  j->ready = take_table(j, g);
  j->ready_of = i;
  j->ready_knows = g->read > 0;
  e->work->given = e->work->next_write + 1;
  return true;
}

static void pass(grove__score_job *j, grove__score_job_entry *e)
{
  grove__score_job_group *g = group_at(e, e->work->next_write++);
  e->done.read += g->read; // in the order of the file: the same for any number of members
  e->done.rows += g->rows;
  e->done.score += g->sum;
  *g = (grove__score_job_group){0};
  double part = (double)e->work->next_write / (double)e->work->n_groups;
  count_open(j, e, e->done.rows, (uint64_t)((double)e->bytes * part));
}

// The next group goes on, if it is scored and can.
static bool pass_on(grove__score_job *j, size_t i)
{
  grove__score_job_entry *e = &j->entries[i];
  const grove__score_job_work *w = e->work;
  if (w->next_write == w->n_groups || w->writing || !group_at(e, w->next_write)->scored) {
    return false;
  }
  if (j->order->folder) {
    grove_shared table = take_table(j, group_at(e, e->work->next_write));
    uint64_t bytes = 3 * table.bytes; // and as much as a dictionary, and as pages
    e->work->writing = submit(j, i, GROVE__JOB_WRITE, e->work->next_write, table, bytes);
    grove_release(table);
    return e->work->writing;
  }
  if (j->gives && !give(j, i)) {
    return false;
  }
  pass(j, e);
  return true;
}

static bool finish(grove__score_job *j, size_t i)
{
  grove__score_job_entry *e = &j->entries[i];
  bool open = e->work->shard->stream && !e->work->drained;
  if (open || e->work->pulling || e->work->writing || e->work->next_write < e->work->n_groups) {
    return false;
  }
  e->state = GROVE__ENTRY_FINISHING;
  if (!j->order->folder && !j->order->notes) {
    grove__entry_settle(j, i, GROVE_OK);
    return true;
  }
  e->work->shard->done = e->done;
  return submit(j, i, GROVE__JOB_FINISH, 0, (grove_shared){0}, 0);
}

// ---- room -----------------------------------------------------------------------------------------

// Whether the budget has so many bytes more. `wanted`: all may wait for this, so it gets them once nothing else is under way.
static bool fits(const grove__score_job *j, uint64_t bytes, bool wanted)
{
  uint64_t most = j->o.memory_bytes, sum = j->held + j->used + j->resident;
  return !most || (sum <= most && bytes <= most - sum) || (wanted && !j->used);
}

bool grove__entry_may_begin(const grove__score_job *j, size_t i)
{
  (void)i;
  return fits(j, j->order->share, true);
}

// Whether another group may be under way. The one that all wait for always may, if only alone.
static bool has_room(const grove__score_job *j, size_t i, uint64_t next)
{
  const grove__score_job_entry *e = &j->entries[i];
  bool wanted = next == e->work->next_write && (!j->gives || i == j->first);
  if (next >= e->work->next_write + j->ahead || (j->gives && !wanted && j->n_held >= j->ahead)) {
    return false;
  }
  return fits(j, e->work->needs, wanted);
}

bool grove__entry_step(grove__score_job *j, size_t i)
{
  grove__score_job_entry *e = &j->entries[i];
  if (e->state == GROVE__ENTRY_ASKING) {
    uint64_t bytes = e->work->wants;
    if (!fits(j, bytes, true)) {
      return false;
    }
    e->state = GROVE__ENTRY_BEGUN;
    return submit(j, i, GROVE__JOB_BEGIN, 1, (grove_shared){0}, bytes);
  }
  if (pass_on(j, i) || finish(j, i)) {
    return true;
  }
  if (e->state != GROVE__ENTRY_SCORING) {
    return false; // an item could not be given out
  }
  if (e->work->shard->stream && e->work->next_score < e->work->n_groups) {
    grove_shared batch = group_at(e, e->work->next_score)->table;
    bool given = submit(j, i, GROVE__JOB_SCORE, e->work->next_score, batch, e->work->needs);
    if (given) { // the account keeps it until it is scored
      group_at(e, e->work->next_score++)->table = (grove_shared){0};
      grove_release(batch);
    }
    return given;
  }
  if (e->work->shard->stream) {
    bool wants = !e->work->pulling && !e->work->drained && has_room(j, i, e->work->n_groups);
    bool pulls = wants && submit(j, i, GROVE__JOB_PULL, e->work->n_groups, (grove_shared){0}, e->work->needs);
    e->work->pulling = e->work->pulling || pulls;
    return pulls;
  }
  return e->work->next_score < e->work->n_groups && has_room(j, i, e->work->next_score) &&
         submit(j, i, GROVE__JOB_SCORE, e->work->next_score++, (grove_shared){0}, e->work->needs);
}

bool grove__entry_give_up(grove__score_job *j, size_t i)
{
  grove__score_job_entry *e = &j->entries[i];
  if (e->flying) {
    return false;
  }
  // Nobody else has the shard now. Without such an item, for want of memory, its output is given up with the shard.
  bool writes = e->work && e->work->shard && e->work->shard->output && !j->ended;
  if (writes && submit(j, i, GROVE__JOB_ABANDON, 0, (grove_shared){0}, 0)) {
    return true;
  }
  retry_or_settle(j, i);
  return true;
}

// ---- what comes back ------------------------------------------------------------------------------

static void take_group(grove__score_job *j, size_t i, uint64_t group, const grove__score_job_reply *r)
{
  grove__score_job_entry *e = &j->entries[i];
  grove__score_job_group *g = group_at(e, group);
  uint64_t needed = e->work->reads + grove__growth(r->table.bytes);
  e->work->needs = needed > e->work->needs ? needed : e->work->needs; // the guess was low: the next is no smaller
  g->scored = true;
  g->read = r->read;
  g->rows = r->rows;
  g->sum = r->sum;
  hold(j, g, r->table);
}

static void take_begun(grove__score_job *j, size_t i, const grove__score_job_reply *r)
{
  grove__score_job_entry *e = &j->entries[i];
  j->marked = true;
  e->bytes = r->bytes;
  e->work->wants = r->wants;
  e->work->needs = r->needs;
  e->work->reads = r->reads_bytes;
  if (r->wants) {
    e->state = GROVE__ENTRY_ASKING;
    return;
  }
  e->work->resident = r->resident;
  j->resident += r->resident;
  if (r->resumed || j->order->plan_only) {
    e->resumed = r->resumed != 0;
    e->done = r->resumed ? e->work->shard->done : (grove__done){.read = r->read};
    settle(j, i, GROVE_OK, j->order->plan_only ? r : NULL);
    grove_release(r->table);
    return;
  }
  bool same = !e->work->given || !e->version || !strcmp(e->version, e->work->shard->version);
  if (!same || !make_groups(j, e, r->groups)) {
    grove_release(r->table);
    grove__entry_fail(j, i, same ? GROVE_ENOMEM : GROVE_ECORRUPT,
        same ? "no memory for a shard's row groups"
             : "it changed between two attempts, and some of it was given to the stream's consumer");
    e->work->changed = !same;
    return;
  }
  e->work->n_groups = r->groups;
  e->state = GROVE__ENTRY_SCORING;
  if (r->groups && !r->unscored) {
    e->work->next_score = 1;
    take_group(j, i, 0, r);
  }
}

static void take_pulled(grove__score_job *j, size_t i, const grove__score_job_reply *r)
{
  grove__score_job_entry *e = &j->entries[i];
  e->work->pulling = false;
  e->work->drained = r->last != 0;
  if (r->table.ptr) {
    uint64_t needs = e->work->needs; // the next batch is taken to be as large
    e->work->needs = r->table.bytes > needs ? r->table.bytes : needs;
    hold(j, group_at(e, e->work->n_groups++), r->table);
  }
}

void grove__entry_take(grove__score_job *j, const grove__score_job_slot *slot, grove_status s,
    const grove__score_job_reply *r, const grove_error *why)
{
  size_t i = slot->entry;
  grove__score_job_entry *e = &j->entries[i];
  e->flying--;
  if (slot->kind == GROVE__JOB_WRITE) {
    e->work->writing = false;
  }
  if (s) {
    if (atomic_load_explicit(&e->work->shard->lost, memory_order_relaxed)) { // relaxed: an item of it has said so before it failed
      end_all(j, s, plain_words(why->text));
    }
    grove__entry_fail(j, i, s, why->text);
    if (slot->kind == GROVE__JOB_ABANDON) { // what can't be given up by an item is given up with the shard
      retry_or_settle(j, i);
    }
    return;
  }
  if (e->state == GROVE__ENTRY_FAILING) {
    grove_release(r->table);
    return;
  }
  switch (slot->kind) {
  case GROVE__JOB_BEGIN: take_begun(j, i, r); break;
  case GROVE__JOB_PULL: take_pulled(j, i, r); break;
  case GROVE__JOB_SCORE: take_group(j, i, slot->group, r); break;
  case GROVE__JOB_WRITE: pass(j, e); break;
  case GROVE__JOB_FINISH:
    e->done = e->work->shard->done;
    grove__entry_settle(j, i, GROVE_OK);
    break;
  default: break;
  }
}
