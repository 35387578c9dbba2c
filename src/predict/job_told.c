// What a job tells of itself, for who watches: grove/runs.h.
#include "predict/job_parts.h"
#include "store/url.h"
#include <grove/runs.h>
#include <math.h>
#include <stdio.h>

enum { TELL_NS = 200000000 }; // between two looks at what is under way

void grove__told_begin(grove__score_job *j)
{
  char title[128];
  if (j->order->plan_only) {
    return;
  }
  const char *by = j->o.rule ? j->o.rule : j->o.score ? (j->o.score_name ? j->o.score_name : "a function") : "a model";
  snprintf(title, sizeof title, "%zu shard%s by %.90s", j->o.n_shards, j->o.n_shards == 1 ? "" : "s", by);
  j->run = grove_run_begin(j->g,
      &(grove_run_options){GROVE_RUN, .kind = GROVE_RUN_BATCH, .title = title, .items = j->o.n_shards});
}

static double progress_of(const grove__score_job_entry *e)
{
  const grove__score_job_work *w = e->work;
  bool known = e->state == GROVE__ENTRY_SCORING && w && w->n_groups && !(w->shard && w->shard->stream);
  return e->state >= GROVE__ENTRY_FINISHING ? 1 : known ? (double)w->next_write / (double)w->n_groups : (double)NAN;
}

void grove__told_entry(grove__score_job *j, size_t i)
{
  const grove__score_job_entry *e = &j->entries[i];
  if (!j->run) {
    return;
  }
  bool settled = e->state == GROVE__ENTRY_SETTLED;
  grove_run_item item = {GROVE_RUN_ITEM,
      .state = !settled                      ? (uint32_t)GROVE_RUN_RUNNING
               : e->status == GROVE_ECANCELED ? (uint32_t)GROVE_RUN_CANCELED
               : e->status                    ? (uint32_t)GROVE_RUN_FAILED
               : e->resumed                   ? (uint32_t)GROVE_RUN_SKIPPED
                                              : (uint32_t)GROVE_RUN_DONE,
      .index = i,
      .attempts = e->attempts,
      .progress = progress_of(e),
      .result = settled && !e->status ? e->done.score : (double)NAN,
      .mae = (double)NAN,
      .r2 = (double)NAN,
      .seconds = settled && e->work ? (double)(grove_now_ns(j->g) - e->work->begun_ns) / 1e9 : (double)NAN,
      .predict_seconds = (double)NAN,
      .rows = e->done.rows,
      .bytes = e->bytes};
  grove__url_show(j->o.shards[i], item.name, sizeof item.name);
  snprintf(item.error, sizeof item.error, "%s", settled && e->error ? e->error : "");
  grove_run_put(j->g, j->run, &item);
}

void grove__told_progress(grove__score_job *j)
{
  int64_t now = j->run ? grove_now_ns(j->g) : 0;
  if (!j->run || (now - j->told_ns < TELL_NS && j->settled < j->o.n_shards)) {
    return;
  }
  j->told_ns = now;
  grove_run_totals(j->g, j->run, j->rows + j->open_rows, j->bytes_done + j->open_bytes);
  for (size_t i = j->first; i < j->begun_to; i++) {
    if (j->entries[i].state != GROVE__ENTRY_WAITING && j->entries[i].state != GROVE__ENTRY_SETTLED) {
      grove_run_step(j->g, j->run, i, progress_of(&j->entries[i]), NULL, 0, (double)NAN);
    }
  }
}

void grove__told_end(grove__score_job *j, grove_status s, const char *words)
{
  grove_run_end(j->g, j->run,
      s == GROVE_ECANCELED ? (uint32_t)GROVE_RUN_CANCELED : s ? (uint32_t)GROVE_RUN_FAILED : (uint32_t)GROVE_RUN_DONE,
      s ? (words ? words : grove_status_text(s)) : NULL);
  j->run = 0;
}
