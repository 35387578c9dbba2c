// A batch job: which item goes to the pool next, and what becomes of those that come back.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "predict/job_parts.h"
#include <stdio.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

// ---- one shard ------------------------------------------------------------------------------------

static void let_go(grove__score_job_entry *e)
{
  for (uint64_t i = 0; e->groups && i < e->n_groups; i++) {
    grove_release(e->groups[i].table);
  }
  grove__free(memory, e->groups, (size_t)e->n_groups * sizeof *e->groups);
  e->groups = NULL;
  grove_release(e->shared);
  e->shared = (grove_shared){0};
  e->shard = NULL;
}

static void tell_result(grove__score_job *j, size_t i)
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
  j->o.result(j->o.user, i, &r);
}

static void settle(grove__score_job *j, size_t i, grove_status s)
{
  grove__score_job_entry *e = &j->entries[i];
  e->state = GROVE__ENTRY_SETTLED;
  e->status = s;
  j->settled++;
  j->active--;
  if (s) {
    e->done = (grove__done){0};
    j->failed += s != GROVE_ECANCELED;
  } else {
    j->rows += e->done.rows;
    j->bytes_done += e->bytes;
    j->resumed += e->resumed;
    if (e->shard) {
      e->version = grove__copy_text(memory, e->shard->version); // none is said if there is no memory for it
    }
  }
  let_go(e);
  tell_result(j, i);
}

// A shard that failed is given up once nothing of it is under way: its output first.
static void fail_entry(grove__score_job *j, size_t i, grove_status s, const char *words)
{
  grove__score_job_entry *e = &j->entries[i];
  if (e->state == GROVE__ENTRY_FAILING) {
    return; // the first failure is told
  }
  e->state = GROVE__ENTRY_FAILING;
  e->status = s;
  grove__free_text(memory, e->error);
  static const char ours[] = "grove_job_worker.work: "; // the method is no news to who runs a job
  const char *text = words && *words ? words : grove_status_text(s);
  text += strncmp(text, ours, sizeof ours - 1) ? 0 : sizeof ours - 1;
  e->error = grove__copy_text(memory, text);
}

static void retry_or_settle(grove__score_job *j, size_t i)
{
  grove__score_job_entry *e = &j->entries[i];
  bool again = e->attempts <= j->o.retries && e->status != GROVE_ECANCELED && !j->stopping;
  if (!again) {
    if (e->status != GROVE_ECANCELED && j->o.on_error == GROVE_JOB_FAIL && !j->first_failure) {
      j->first_failure = e->status;
      (void)grove__error(j->err, e->status, -1, "%s", e->error ? e->error : "");
      grove__score_job_stop(j);
    }
    settle(j, i, e->status);
    return;
  }
  let_go(e);
  e->state = GROVE__ENTRY_WAITING;
  e->next_score = e->next_write = 0;
  e->n_groups = 0;
  e->status = GROVE_OK;
  e->done = (grove__done){0};
  j->active--;
}

// ---- giving items out -----------------------------------------------------------------------------

static bool submit(grove__score_job *j, size_t i, uint32_t kind, uint64_t group, grove_shared table)
{
  grove__score_job_entry *e = &j->entries[i];
  grove__score_job_item item = {.shard = e->shared, .table = table, .group = group, .kind = kind};
  size_t slot = 0;
  while (j->slots[slot].used) {
    slot++;
  }
  grove_status s = grove_job_worker_work_submit(j->g, j->pool, item, slot);
  if (s) {
    if (s == GROVE_ECANCELED) {
      grove__score_job_stop(j);
    }
    fail_entry(j, i, s, NULL);
    return false;
  }
  j->slots[slot] = (grove__score_job_slot){.used = true, .entry = i, .kind = kind, .group = group};
  j->flying++;
  e->flying++;
  return true;
}

static bool begin_entry(grove__score_job *j, size_t i)
{
  grove__score_job_entry *e = &j->entries[i];
  e->state = GROVE__ENTRY_BEGUN;
  e->attempts++;
  j->active++;
  j->begun_to = i >= j->begun_to ? i + 1 : j->begun_to;
  grove__score_job_shard *shard = grove__score_job_shard_create(j->order, j->o.shards[i]);
  if (!shard || grove_share(j->g, shard, sizeof *shard, grove__score_job_shard_destroy, NULL, &e->shared)) {
    if (shard) {
      grove__score_job_shard_destroy(shard, NULL);
    }
    fail_entry(j, i, GROVE_ENOMEM, "no memory for a shard");
    return false;
  }
  e->shard = shard;
  return submit(j, i, GROVE__JOB_BEGIN, 0, (grove_shared){0});
}

// The next thing to do for a shard whose groups are known; false: nothing, for now.
static bool step_entry(grove__score_job *j, size_t i)
{
  grove__score_job_entry *e = &j->entries[i];
  if (e->next_write < e->n_groups && e->groups[e->next_write].scored && !e->writing) {
    grove__score_job_group *g = &e->groups[e->next_write];
    if (!j->order->folder) {
      e->next_write++;
      return step_entry(j, i);
    }
    grove_shared table = g->table;
    g->table = (grove_shared){0};
    e->writing = submit(j, i, GROVE__JOB_WRITE, e->next_write, table);
    j->held -= table.bytes;
    grove_release(table);
    return e->writing;
  }
  if (e->next_write == e->n_groups && !e->writing) {
    e->state = GROVE__ENTRY_FINISHING;
    for (uint64_t k = 0; k < e->n_groups; k++) { // in the order of the file: the same for any number of members
      e->done.read += e->groups[k].read;
      e->done.rows += e->groups[k].rows;
      e->done.score += e->groups[k].sum;
    }
    e->shard->done = e->done;
    return submit(j, i, GROVE__JOB_FINISH, 0, (grove_shared){0});
  }
  bool room = !j->o.memory_bytes || j->held < j->o.memory_bytes / 2 || e->next_score == e->next_write;
  if (e->next_score < e->n_groups && room && e->next_score < e->next_write + j->ahead) {
    return submit(j, i, GROVE__JOB_SCORE, e->next_score++, (grove_shared){0});
  }
  return false;
}

static bool step_failing(grove__score_job *j, size_t i)
{
  grove__score_job_entry *e = &j->entries[i];
  if (e->flying) {
    return false;
  }
  // Nobody else has the shard now. Without such an item, for want of memory, its output is given up with the shard.
  bool writes = e->shard && e->shard->output && !j->ended;
  if (writes && submit(j, i, GROVE__JOB_ABANDON, 0, (grove_shared){0})) {
    return true;
  }
  retry_or_settle(j, i);
  return true;
}

// One step of any shard, the oldest first, so that few are open at a time. false: there is nothing to do now.
static bool step(grove__score_job *j)
{
  while (j->first < j->o.n_shards && j->entries[j->first].state == GROVE__ENTRY_SETTLED) {
    j->first++;
  }
  for (size_t i = j->first; i < j->o.n_shards; i++) {
    grove__score_job_entry *e = &j->entries[i];
    switch (e->state) {
    case GROVE__ENTRY_WAITING:
      if (j->stopping) {
        j->active++;
        settle(j, i, GROVE_ECANCELED);
        return true;
      }
      if (j->active < j->most_active) {
        return begin_entry(j, i);
      }
      if (i >= j->begun_to) {
        return false; // nothing behind it is under way
      }
      break;
    case GROVE__ENTRY_SCORING:
      if (j->stopping) {
        fail_entry(j, i, GROVE_ECANCELED, NULL);
        return true;
      }
      if (step_entry(j, i)) {
        return true;
      }
      break;
    case GROVE__ENTRY_FAILING:
      if (step_failing(j, i)) {
        return true;
      }
      break;
    default: break;
    }
  }
  return false;
}

// ---- what comes back ------------------------------------------------------------------------------

static void take_group(grove__score_job *j, size_t i, uint64_t group, const grove__score_job_reply *r)
{
  grove__score_job_group *g = &j->entries[i].groups[group];
  *g = (grove__score_job_group){
      .scored = true, .read = r->read, .rows = r->rows, .sum = r->sum, .table = r->table};
  j->held += r->table.bytes;
}

static void take_begun(grove__score_job *j, size_t i, const grove__score_job_reply *r)
{
  grove__score_job_entry *e = &j->entries[i];
  e->bytes = r->bytes;
  if (r->resumed || j->order->plan_only) {
    e->resumed = r->resumed != 0;
    e->done = r->resumed ? e->shard->done : (grove__done){.read = r->read};
    e->n_groups = 0;
    settle(j, i, GROVE_OK);
    return;
  }
  e->groups = r->groups > SIZE_MAX / sizeof *e->groups
                  ? NULL
                  : grove__alloc_zero(memory, (size_t)r->groups * sizeof *e->groups);
  if (!e->groups) {
    grove_release(r->table);
    fail_entry(j, i, GROVE_ENOMEM, "no memory for a shard's row groups");
    return;
  }
  e->n_groups = r->groups;
  e->state = GROVE__ENTRY_SCORING;
  if (r->groups) {
    e->next_score = 1;
    take_group(j, i, 0, r);
  }
}

static void take_reply(grove__score_job *j, const grove__score_job_slot *slot, grove_status s,
    const grove__score_job_reply *r, const grove_error *why)
{
  size_t i = slot->entry;
  grove__score_job_entry *e = &j->entries[i];
  e->flying--;
  if (slot->kind == GROVE__JOB_WRITE) {
    e->writing = false;
    e->next_write += !s;
  }
  if (s) {
    fail_entry(j, i, s, why->text);
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
  case GROVE__JOB_SCORE: take_group(j, i, slot->group, r); break;
  case GROVE__JOB_FINISH:
    e->done = e->shard->done;
    settle(j, i, GROVE_OK);
    break;
  default: break;
  }
}

// Waits for the next reply, or a tick.
static void wait_reply(grove__score_job *j)
{
  uint64_t tag = UINT64_MAX;
  grove__score_job_reply r = {0};
  grove_error why = {0};
  grove_status s = grove_job_worker_work_get_next_unordered(
      j->g, j->pool, j->stopping ? GROVE_FOREVER : (int64_t)j->o.tick_ms, &tag, &r, &why);
  if (tag == UINT64_MAX) {
    if (s == GROVE_ECANCELED || s == GROVE_ECLOSED || (s && s != GROVE_ETIMEDOUT && j->stopping)) {
      // Our own actor ends: what is under way can't be waited for any more, and keeps what it needs by its counts.
      grove__score_job_stop(j);
      j->ended = true;
    }
    return;
  }
  grove__score_job_slot slot = j->slots[tag];
  j->slots[tag].used = false;
  j->flying--;
  take_reply(j, &slot, s, &r, &why);
}

// ---- the run --------------------------------------------------------------------------------------

void grove__score_job_stop(grove__score_job *j)
{
  j->stopping = true;
  atomic_store_explicit(&j->order->stop, true, memory_order_relaxed);
}

static void fill_progress(const grove__score_job *j, grove_job_progress *out)
{
  *out = (grove_job_progress){.struct_size = sizeof *out,
      .shards = j->o.n_shards,
      .done = j->settled,
      .failed = j->failed,
      .resumed = j->resumed,
      .rows = j->rows,
      .bytes_done = j->bytes_done,
      .pool = grove_pool_ref(j->pool)};
}

static void look_round(grove__score_job *j)
{
  if (j->o.progress) {
    grove_job_progress p;
    fill_progress(j, &p);
    j->o.progress(j->o.user, &p);
  }
  if (!j->stopping && j->o.cancelled && j->o.cancelled(j->o.user)) {
    grove__score_job_stop(j);
  }
}

static void drive(grove__score_job *j)
{
  while (j->settled < j->o.n_shards && !j->ended) {
    while (j->flying < j->n_slots && step(j)) {
    }
    if (j->flying) {
      wait_reply(j);
    }
    look_round(j);
  }
  for (size_t i = 0; i < j->o.n_shards && j->ended; i++) {
    grove__score_job_entry *e = &j->entries[i];
    if (e->state != GROVE__ENTRY_SETTLED) {
      j->active += e->state == GROVE__ENTRY_WAITING;
      settle(j, i, GROVE_ECANCELED);
    }
  }
}

static void fill_entry(const void *user, size_t i, grove__manifest_entry *out)
{
  const grove__score_job *j = user;
  const grove__score_job_entry *e = &j->entries[i];
  *out = (grove__manifest_entry){.url = j->o.shards[i],
      .version = e->version,
      .error = e->error,
      .status = e->status,
      .done = e->done,
      .bytes = e->bytes};
}

static grove_status end(grove__score_job *j, grove_job_progress *out, grove_error *err)
{
  grove_status s = j->first_failure ? j->first_failure
                   : j->stopping    ? GROVE_ECANCELED
                                    : GROVE_OK;
  if (out) {
    fill_progress(j, out);
  }
  if (j->order->notes && !j->order->plan_only && !j->ended) {
    grove_status written =
        grove__manifest_write(j->order, j->o.n_shards, fill_entry, j, s ? NULL : err);
    s = s ? s : written;
  }
  if (s == GROVE_ECANCELED) {
    (void)grove__error(err, s, -1, "the job was cancelled: %zu of %zu shards have their fate",
        j->settled, j->o.n_shards);
  }
  return s;
}

grove_status grove_job_run(grove *g, grove_shared model, const grove_job_options *o,
    grove_job_progress *out, grove_error *err)
{
  grove__score_job *j = NULL;
  GROVE__TRY(grove__score_job_create(g, model, o, &j, err));
  drive(j);
  grove_status s = end(j, out, err);
  grove__score_job_destroy(j);
  return s;
}
