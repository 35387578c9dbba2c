#include "train/trainee.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "model/model_object.h"
#include "train/save_file.h"
#include <grove/runs.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct grove__trainee {
  const grove__job *job;
  const grove__plan *plan;
  uint64_t index, run; // run: of the task at hand
};
// Migratable, so that models that were woken on one worker spread over all of them.
GROVE_CLASS_WITH(GROVE__TRAINEE, grove__trainee, .migratable = 1)

// ---- the work that a learner is handed ------------------------------------------------------------

// The runtime's own callbacks, with "TRAINING" in front of what the learner says about itself.
struct told_work {
  grove_work own;
  grove_work inner;
  uint32_t most; // lanes; 0: no limit
  grove *self;
  uint64_t run, index;
  atomic_bool *finish; // it is asked to end early
  atomic_bool told;    // and was told so; read when the fit has ended
};

// No more lanes than the model may have, which take chunks in turn.
struct lanes {
  void (*fn)(void *user, size_t i);
  void *user;
  size_t n;
  atomic_size_t next;
};

static void run_lane(void *user, size_t lane)
{
  struct lanes *l = user;
  size_t i;
  (void)lane;
  while ((i = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed)) < l->n) { // a ticket
    l->fn(l->user, i);
  }
}

static void run_parallel(void *user, size_t n, void (*fn)(void *user, size_t i), void *fn_user)
{
  struct told_work *w = user;
  if (!w->most || n <= w->most) {
    w->inner.parallel_for(w->inner.user, n, fn, fn_user);
    return;
  }
  struct lanes l = {.fn = fn, .user = fn_user, .n = n};
  w->inner.parallel_for(w->inner.user, w->most, run_lane, &l);
}

static grove_status yield_to_others(void *user)
{
  struct told_work *w = user;
  return w->inner.yield(w->inner.user);
}

static bool was_cancelled(void *user)
{
  struct told_work *w = user;
  return w->inner.cancelled(w->inner.user);
}

static bool is_to_finish(void *user)
{
  struct told_work *w = user;
  if (!atomic_load_explicit(w->finish, memory_order_relaxed)) { // see the job's field
    return false;
  }
  atomic_store_explicit(&w->told, true, memory_order_relaxed);
  return true;
}

// The learner's text is a count of steps, "37/150"; one that gives none is told by its share.
static void tell_progress(void *user, double done, const char *text)
{
  struct told_work *w = user;
  char words[64];
  if (text && text[0]) {
    snprintf(words, sizeof words, "TRAINING %s", text);
  } else {
    snprintf(words, sizeof words, "TRAINING %.0f%%", 100 * done);
  }
  w->inner.progress(w->inner.user, done, words);
  // With rows to watch the text goes on: "37/150 mse 0.21", a point of the learning curve; "3/15 depth mse 0.4" of one that
  // does not count trees.
  const char *error = text ? strstr(text, " mse ") : NULL;
  double x = error ? strtod(text, NULL) : 0, y = error ? strtod(error + 5, NULL) : (double)NAN;
  if (error && x <= 1 && strstr(text, " depth mse ")) {
    grove_run_steps(w->self, w->run, w->index, "depth");
  }
  grove_run_step(w->self, w->run, w->index, done, words, x, y);
}

static void init_work(grove *self, const struct grove__trainee *t, struct told_work *w)
{
  *w = (struct told_work){.inner = {.struct_size = sizeof w->inner}, .self = self, .run = t->run, .index = t->index,
      .finish = &t->job->finish[t->index]};
  grove_work_init(self, &w->inner);
  w->own = (grove_work){.struct_size = sizeof w->own,
      .width = w->inner.width,
      .user = w,
      .parallel_for = w->inner.parallel_for ? run_parallel : NULL,
      .yield = w->inner.yield ? yield_to_others : NULL,
      .progress = w->inner.progress ? tell_progress : NULL,
      .cancelled = w->inner.cancelled ? was_cancelled : NULL,
      .expired = is_to_finish};
}

// ---- the actor ------------------------------------------------------------------------------------

static grove_status grove__trainee_start(
    grove *self, struct grove__trainee *t, const grove__trainee_order *order)
{
  t->job = order->job.ptr;
  t->plan = &t->job->plans[order->index];
  t->index = order->index;
  grove_state(self, "PENDING");
  return GROVE_OK;
}

static double seconds_since(grove *self, int64_t start)
{
  return (double)(grove_now_ns(self) - start) / 1e9;
}

static grove_fit_options options_of(const grove__job *j, struct told_work *work)
{
  work->most = j->parallelism && j->parallelism < work->own.width ? j->parallelism : 0;
  work->own.width = work->most ? work->most : work->own.width;
  return (grove_fit_options){GROVE_FIT, .time_limit_ms = j->time_limit_ms, .seed = j->seed,
      .target = j->target, .work = &work->own, .memory_bytes = j->memory_bytes,
      .categorical = (const char *const *)j->categorical,
      .increasing = (const char *const *)j->increasing,
      .decreasing = (const char *const *)j->decreasing};
}

static grove_status fit(grove *self, const struct grove__trainee *t, grove_model *m,
    const grove_table *train, const grove_table *test, grove_error *err)
{
  struct told_work work;
  init_work(self, t, &work);
  grove_fit_options o = options_of(t->job, &work);
  o.watch = t->job->curves ? test : NULL;
  GROVE__TRY(grove_model_fit(m, train, &o, err));
  if (m->ended == GROVE_ENDED_TIME && atomic_load_explicit(&work.told, memory_order_relaxed)) {
    m->ended = GROVE_ENDED_CANCELLED; // it was not the time that was up
  }
  return GROVE_OK;
}

static grove_status evaluate(grove *self, const struct grove__trainee *t, const grove_table *test,
    const grove_model *m, grove_trained *out, grove_error *err)
{
  grove_evaluation e = {GROVE_EVALUATION};
  grove_state(self, "EVALUATING");
  struct told_work work;
  init_work(self, t, &work);
  const grove_work *lanes = options_of(t->job, &work).work;
  int64_t start = grove_now_ns(self);
  GROVE__TRY(grove__model_evaluate_by(m, test, t->job->target, lanes, &e, err));
  out->predict_seconds = seconds_since(self, start);
  out->mse = e.mse;
  out->mae = e.mae;
  out->r2 = e.r2;
  out->mse_error = NAN;
  return GROVE_OK;
}

// Means over the parts.
static void take_means(const grove_evaluation *e, uint32_t folds, grove_trained *out)
{
  double mse = 0, mae = 0, r2 = 0, spread = 0;
  for (uint32_t i = 0; i < folds; i++) {
    mse += e[i].mse / folds;
    mae += e[i].mae / folds;
    r2 += e[i].r2 / folds;
  }
  for (uint32_t i = 0; i < folds; i++) {
    spread += (e[i].mse - mse) * (e[i].mse - mse);
  }
  out->mse = mse;
  out->mae = mae;
  out->r2 = r2;
  out->mse_error = sqrt(spread / (folds - 1) / folds);
}

static grove_status cross_validate(
    grove *self, const struct grove__trainee *t, grove_trained *out, grove_error *err)
{
  const grove__job *j = t->job;
  struct told_work work;
  init_work(self, t, &work);
  grove_fit_options o = options_of(j, &work);
  grove_evaluation *e = grove__alloc_array(&grove__allocator_malloc, j->folds, sizeof *e);
  if (!e) {
    return grove__error_memory(err, "the folds", j->folds * sizeof *e);
  }
  grove_status s = grove_model_cross_validate(
      j->registry, t->plan->name, t->plan->parameters, j->table, &o, j->folds, e, err);
  if (s == GROVE_OK) {
    take_means(e, j->folds, out);
  }
  grove__free(&grove__allocator_malloc, e, j->folds * sizeof *e);
  return s;
}

static grove_status train(grove *self, const struct grove__trainee *t, const grove__split *split,
    grove_model *m, grove_trained *out, grove_error *err)
{
  snprintf(out->name, sizeof out->name, "%s", t->plan->name);
  out->seed = t->job->seed;
  snprintf(out->notes, sizeof out->notes, "%s", grove_model_notes(m));
  (void)grove_model_parameters(m, out->parameters, sizeof out->parameters);
  grove_state(self, "TRAINING");
  int64_t start = grove_now_ns(self);
  if (t->job->folds) {
    GROVE__TRY(cross_validate(self, t, out, err));
    out->predict_seconds = 0;
    start = grove_now_ns(self);
  }
  grove_status s = fit(self, t, m, split->train, split->test, err);
  if (s) { // a row that it names is one of the shuffled part, not of the caller's table
    return err->at >= 0 && !t->job->folds ? grove__error_prefix(err, s, "in the training part") : s;
  }
  out->train_seconds = seconds_since(self, start);
  if (!t->job->folds) {
    GROVE__TRY(evaluate(self, t, split->test, m, out, err));
  }
  out->ended = grove_model_ended(m);
  out->model_hash = grove_model_hash(m);
  if (t->job->save_folder) {
    GROVE__TRY(grove__model_save_in(self, m, t->job->save_folder, err));
  }
  return GROVE_OK;
}

// `model` stays the caller's on failure.
static grove_status train_and_share(grove *self, const struct grove__trainee *t,
    const grove__split *split, grove__trainee_result *out, grove_error *err)
{
  grove_model *m = NULL;
  GROVE__TRY(grove_model_create(t->job->registry, t->plan->name, t->plan->parameters, &m, err));
  grove_status s = train(self, t, split, m, &out->trained, err);
  if (!s) {
    s = grove_share_model(self, m, &out->model);
    if (s) {
      grove__error(err, s, -1, "the model can't be shared: %s", grove_status_text(s));
    }
  }
  if (s) {
    grove_model_destroy(m);
  }
  return s;
}

// How it stands with this model, for who follows the run.
static void tell_item(grove *self, const struct grove__trainee *t, uint32_t state, const char *text,
    const grove_trained *r)
{
  static const grove_trained none = {.mse = NAN, .mae = NAN, .r2 = NAN, .train_seconds = NAN, .predict_seconds = NAN};
  const grove_trained *its = r ? r : &none;
  grove_run_item item = {GROVE_RUN_ITEM,
      .state = state,
      .index = t->index,
      .who = grove_self(self),
      .progress = r ? 1 : (double)NAN,
      .result = its->mse,
      .mae = its->mae,
      .r2 = its->r2,
      .seconds = its->train_seconds,
      .predict_seconds = its->predict_seconds};
  snprintf(item.name, sizeof item.name, "%s", t->plan->name);
  snprintf(item.text, sizeof item.text, "%s", text);
  snprintf(item.parameters, sizeof item.parameters, "%s", its->parameters);
  grove_run_put(self, t->run, &item);
}

static grove_status grove__trainee_train_and_evaluate(
    grove *self, struct grove__trainee *t, const grove__trainee_task *task, grove__trainee_result *reply)
{
  grove_error err = {0};
  t->run = task->run;
  grove_state(self, "LOADING");
  tell_item(self, t, GROVE_RUN_RUNNING, "LOADING", NULL);
  grove_status s = train_and_share(self, t, task->split.ptr, reply, &err);
  if (s) {
    grove_state(self, "FAILED");
    err.status = s; // GROVE_ECANCELED and the like come without words
    return err.text[0] ? grove_fail_with(self, &err) : s;
  }
  snprintf(reply->trained.state, sizeof reply->trained.state, "DONE");
  grove_state(self, "DONE");
  tell_item(self, t, GROVE_RUN_DONE, "DONE", &reply->trained);
  return GROVE_OK;
}
