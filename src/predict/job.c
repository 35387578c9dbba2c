// A batch job: which item goes to the pool next, and what becomes of those that come back.
#include "base/error.h"
#include "base/status.h"
#include "predict/job_parts.h"

// ---- giving items out -----------------------------------------------------------------------------

// Shards that may be begun at a time. One alone says to a remote folder that we are there. A consumer's columns are to be alike, so the first that has some says how.
static size_t most_active(const grove__score_job *j)
{
  bool marks = j->order->tenure.remote && !j->marked && !j->order->plan_only;
  return (j->gives && j->order->keep && !j->order->wanted) || marks ? 1 : j->most_active;
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
        grove__entry_settle(j, i, GROVE_ECANCELED);
        return true;
      }
      if (j->active < most_active(j) && grove__entry_may_begin(j, i)) {
        return grove__entry_begin(j, i);
      }
      if (i >= j->begun_to) {
        return false; // nothing behind it is under way
      }
      break;
    case GROVE__ENTRY_ASKING:
    case GROVE__ENTRY_SCORING:
      if (j->stopping) {
        grove__entry_fail(j, i, GROVE_ECANCELED, NULL);
        return true;
      }
      if (grove__entry_step(j, i)) {
        return true;
      }
      break;
    case GROVE__ENTRY_FAILING:
      if (grove__entry_give_up(j, i)) {
        return true;
      }
      break;
    default: break;
    }
  }
  return false;
}

// Waits for the next reply, or a tick.
static void wait_reply(grove__score_job *j)
{
  uint64_t tag = UINT64_MAX;
  grove__score_job_reply r = {0};
  grove_error why = {0};
  grove_status s = grove_job_worker_work_get_next_unordered(
      j->g, j->pool, (int64_t)j->o.tick_ms, &tag, &r, &why);
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
  j->used -= slot.bytes;
  j->flying--;
  grove__members_count(j, slot.kind, s, &r, &why);
  grove__entry_take(j, &slot, s, &r, &why);
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
      .done = j->settled - j->undone,
      .failed = j->failed,
      .resumed = j->resumed,
      .rows = j->rows + j->open_rows,
      .bytes_done = j->bytes_done + j->open_bytes,
      .pool = grove_pool_ref(j->pool)};
}

static void look_round(grove__score_job *j)
{
  grove__told_progress(j);
  if (j->o.progress) {
    grove_job_progress p;
    fill_progress(j, &p);
    j->o.progress(j->o.user, &p);
  }
  // Asked also of a job that stops: who is asked may hurry what it waits for.
  if (j->o.cancelled && j->o.cancelled(j->o.user)) {
    grove__score_job_stop(j);
  }
}

void grove__score_job_refill(grove__score_job *j)
{
  while (j->flying < j->n_slots && !j->ended && step(j)) {
  }
}

void grove__score_job_drive(grove__score_job *j)
{
  while (j->settled < j->o.n_shards && !j->ended && !j->ready.ptr) {
    grove__score_job_refill(j);
    if (j->flying && !j->ready.ptr) {
      wait_reply(j);
    }
    look_round(j);
  }
  for (size_t i = 0; i < j->o.n_shards && j->ended; i++) {
    grove__score_job_entry *e = &j->entries[i];
    if (e->state != GROVE__ENTRY_SETTLED) {
      j->active += e->state == GROVE__ENTRY_WAITING;
      grove__entry_settle(j, i, GROVE_ECANCELED);
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

// A job of which every shard was refused its place has nothing to say of the folder; nor has one whose place is another's now.
static grove_status write_manifest(grove__score_job *j, grove_error *err)
{
  grove__score_job_order *o = j->order;
  size_t refused = 0;
  for (size_t i = 0; i < j->o.n_shards; i++) {
    refused += j->entries[i].status == GROVE_EEXIST;
  }
  if (refused && refused == j->o.n_shards) {
    return GROVE_OK;
  }
  GROVE__TRY(grove__tenure_mark(&o->tenure, o->plan->store, o->notes, o->force, err));
  GROVE__TRY(grove__tenure_check(&o->tenure, o->plan->store, err));
  GROVE__TRY(o->force ? GROVE_OK : grove__tenure_manifest(o->plan->store, o->notes, err)); // it may have come meanwhile
  return grove__manifest_write(o, j->o.n_shards, fill_entry, j, err);
}

grove_status grove__score_job_end(grove__score_job *j, grove_job_progress *out, grove_error *err)
{
  grove_status s = j->first_failure ? j->first_failure
                   : j->stopping || j->undone ? GROVE_ECANCELED // an actor's end comes as the end of its items, too
                                              : GROVE_OK;
  if (out) {
    fill_progress(j, out);
  }
  grove__members_tell(j);
  if (j->order->notes && !j->order->plan_only && !j->ended) {
    grove_status written = write_manifest(j, s ? NULL : err);
    s = s ? s : written;
  }
  if (s == GROVE_ECANCELED) {
    (void)grove__error(err, s, -1, "the job was cancelled: %zu of %zu shards were done",
        j->settled - j->undone, j->o.n_shards);
  }
  grove__told_progress(j);
  grove__told_end(j, s, err && err->status == s ? err->text : NULL);
  return s;
}

grove_status grove_job_run(grove *g, grove_shared model, const grove_job_options *o,
    grove_job_progress *out, grove_error *err)
{
  grove__score_job *j = NULL;
  GROVE__TRY(grove__score_job_create(g, model, o, false, &j, err));
  grove__score_job_drive(j);
  grove_status s = grove__score_job_end(j, out, err);
  grove__score_job_destroy(j);
  return s;
}
