// The training supervisor: spawns a model actor for each model, waits for all of them inside its method, and
// sorts what they report.
#include <grove/train.h>
#include <grove/runs.h>
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "train/job.h"
#include "train/trainee.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

// `job` zero: there was no memory for one.
typedef struct trainer_order {
  grove_shared job;
} trainer_order;
GROVE_TYPE_HOLDING(trainer_order, job)

struct grove_trainer {
  const grove__job *job;
  grove_shared shared_job; // borrowed: the start argument's count
  grove__trainee_ref *children;
  grove_shared *fitted; // a count each, zero until that model is fitted
  size_t models;
  size_t working;     // calls of `work` that have not ended
  grove_shared split; // a shared grove__split, zero until first needed
};

static void destroy_trainer(void *state)
{
  struct grove_trainer *t = state;
  for (size_t i = 0; t->fitted && i < t->models; i++) {
    grove_release(t->fitted[i]);
  }
  grove_release(t->split);
  grove__free_sized(memory, t->fitted);
  grove__free_sized(memory, t->children);
}

#define TRAINER_CLASS(START, METHOD)                                                               \
  START(grove_trainer, trainer_order) GROVE__TRAINER(START, METHOD)
// Concurrent, so that `model` answers while `work` waits for the models that are not done.
GROVE_CLASS_WITH(
    TRAINER_CLASS, grove_trainer, .destroy = destroy_trainer, .concurrency = 16, .migratable = 1)

// ---- start ----------------------------------------------------------------------------------------

// A request that is wrong makes a trainer all the same, whose methods fail with the words: so the caller gets
// them with their status, instead of "the actor died".
static grove_status grove_trainer_start(
    grove *self, struct grove_trainer *t, const trainer_order *order)
{
  t->job = order->job.ptr;
  t->shared_job = order->job;
  if (!t->job || t->job->broken.status) {
    grove_state(self, "FAILED");
    return GROVE_OK;
  }
  size_t n = t->job->models;
  t->children = grove__alloc_sized(memory, n * sizeof *t->children);
  t->fitted = grove__alloc_sized(memory, n * sizeof *t->fitted);
  if (!t->children || !t->fitted) {
    return grove_fail(self, GROVE_ENOMEM, "no memory for %zu models", n);
  }
  t->models = n;
  for (size_t i = 0; i < n; i++) {
    t->fitted[i] = (grove_shared){0};
    grove_spawn_options o = {GROVE_SPAWN, .label = t->job->plans[i].name};
    t->children[i] = grove__trainee_spawn(self, (grove__trainee_order){order->job, i}, &o);
  }
  grove_state(self, "PENDING");
  return GROVE_OK;
}

static grove_status fail_if_broken(grove *self, const struct grove_trainer *t)
{
  if (!t->job) {
    return grove_fail(self, GROVE_ENOMEM, "no memory for the trainer's options");
  }
  return t->job->broken.status ? grove_fail_with(self, &t->job->broken) : GROVE_OK;
}

// ---- work -----------------------------------------------------------------------------------------

static void destroy_split(void *ptr, void *user)
{
  grove__split *split = ptr;
  (void)user;
  grove_table_release(split->train);
  grove_table_release(split->test);
  grove__free(memory, split, sizeof *split);
}

// The split is made once and shared: every model sees the same rows, and none has a copy.
static grove_status make_split(grove *self, struct grove_trainer *t)
{
  grove_work work = {.struct_size = sizeof work};
  grove_error err = {0};
  grove__split *split = grove__alloc_zero(memory, sizeof *split);
  if (!split) {
    return grove_fail(self, GROVE_ENOMEM, "no memory for the split");
  }
  grove_work_init(self, &work);
  grove_status s = grove__job_split(t->job, &work, split, &err);
  if (!s) {
    uint64_t bytes = grove_table_bytes(split->train) + grove_table_bytes(split->test);
    grove_shared shared;
    s = grove_share(self, split, (size_t)bytes, destroy_split, NULL, &shared);
    if (!s) {
      grove_release(t->split); // another `work` may have been here while this one yielded
      t->split = shared;
      return GROVE_OK;
    }
    grove__error(&err, s, -1, "the split tables can't be shared: %s", grove_status_text(s));
  }
  destroy_split(split, NULL);
  err.status = s;
  return err.text[0] ? grove_fail_with(self, &err) : s;
}

// The words without "class.method: " in front: the row says which model it is, and the class is ours alone.
static const char *strip_method(const char *text)
{
  char front[96];
  int n = snprintf(front, sizeof front, "%s.%s: ", grove__trainee_class.name,
      grove__trainee_train_and_evaluate_method.name);
  return n > 0 && !strncmp(text, front, (size_t)n) ? text + n : text;
}

// What the model that failed was told: who reads the report wants to see it there, too.
static void describe_plan(const grove__job *job, const grove__plan *plan, grove_trained *out)
{
  grove_model *m = NULL;
  if (!grove_model_create(job->registry, plan->name, plan->parameters, &m, NULL)) {
    grove_model_parameters(m, out->parameters, sizeof out->parameters);
    snprintf(out->notes, sizeof out->notes, "%s", grove_model_notes(m));
  }
  grove_model_destroy(m);
}

static void fill_failed(const struct grove_trainer *t, size_t i, grove_status s,
    const grove_error *err, grove_trained *out)
{
  *out = (grove_trained){.mse = NAN, .seed = t->job->seed};
  snprintf(out->name, sizeof out->name, "%s", t->job->plans[i].name);
  snprintf(out->state, sizeof out->state, "FAILED");
  describe_plan(t->job, &t->job->plans[i], out);
  snprintf(out->error, sizeof out->error, "%s",
      err->text[0] ? strip_method(err->text) : grove_status_text(s));
}

// A model that failed, or whose actor died, can't tell so itself.
static void tell_failed(grove *self, uint64_t run, size_t i, grove_status s, const grove_trained *out)
{
  grove_run_item item = {GROVE_RUN_ITEM,
      .state = s == GROVE_ECANCELED ? GROVE_RUN_CANCELED : GROVE_RUN_FAILED,
      .index = i,
      .progress = NAN,
      .result = NAN,
      .mae = NAN,
      .r2 = NAN,
      .seconds = NAN,
      .predict_seconds = NAN};
  snprintf(item.name, sizeof item.name, "%s", out->name);
  snprintf(item.text, sizeof item.text, "%s", out->state);
  snprintf(item.parameters, sizeof item.parameters, "%s", out->parameters);
  snprintf(item.error, sizeof item.error, "%s", out->error);
  grove_run_put(self, run, &item);
}

// Takes the result of model i.
static grove_status take_result(grove *self, struct grove_trainer *t, size_t i, uint64_t run,
    grove__trainee_train_and_evaluate_future f, grove_trained *out)
{
  grove__trainee_result r;
  grove_error err = {0};
  grove_status s = grove__trainee_train_and_evaluate_get(self, f, 0, &r, &err);
  if (s) {
    fill_failed(t, i, s, &err, out);
    tell_failed(self, run, i, s, out);
    return s;
  }
  *out = r.trained;
  grove_release(t->fitted[i]);
  t->fitted[i] = r.model;
  return GROVE_OK;
}

struct outcome {
  size_t trained;
  grove_status failure; // of the first that failed
  size_t failed;        // which that was
};

// Asks all models to train, and takes the results as they come. Waits inside; the worker goes on.
static grove_status train_all(grove *self, struct grove_trainer *t,
    grove__trainee_train_and_evaluate_future *done, uint64_t run, grove_trained *out, struct outcome *all)
{
  size_t n = t->models;
  for (size_t i = 0; i < n; i++) {
    done[i] = grove__trainee_train_and_evaluate_call(
        self, t->children[i], (grove__trainee_task){t->split, run});
  }
  *all = (struct outcome){0};
  for (size_t ended = 0; ended < n; ended++) {
    size_t i = n;
    grove_state(self, "TRAINING %zu/%zu", ended, n);
    GROVE__TRY(grove__trainee_train_and_evaluate_next(self, done, n, GROVE_FOREVER, &i));
    grove_status s = take_result(self, t, i, run, done[i], &out[i]);
    all->trained += s == GROVE_OK;
    if (s && !all->failure) {
      all->failure = s;
      all->failed = i;
    }
  }
  return GROVE_OK;
}

static int compare_trained(const void *left, const void *right)
{
  const grove_trained *a = left, *b = right;
  bool a_last = isnan(a->mse), b_last = isnan(b->mse);
  if (a_last != b_last) {
    return a_last ? 1 : -1;
  }
  if (!a_last && a->mse != b->mse) {
    return a->mse < b->mse ? -1 : 1;
  }
  return strcmp(a->name, b->name); // qsort is not stable, the report should be
}

static grove_status report(grove *self, grove_trained *rows, size_t n, const struct outcome *all,
    grove_trained_list *reply)
{
  if (!all->trained) {
    grove_state(self, "FAILED");
    return grove_fail(self, all->failure, "no model could be trained: %s: %s",
        rows[all->failed].name, rows[all->failed].error);
  }
  qsort(rows, n, sizeof *rows, compare_trained);
  grove_status s = grove_trained_list_share(self, rows, n, reply);
  if (s) {
    return grove_fail(self, s, "the report can't be shared: %s", grove_status_text(s));
  }
  grove_state(self, "DONE");
  return GROVE_OK;
}

static uint64_t begin_run(grove *self, const struct grove_trainer *t)
{
  char title[128];
  size_t n = t->models;
  snprintf(title, sizeof title, "%zu model%s of %.60s on %zu rows", n, n == 1 ? "" : "s", t->job->target,
      grove_table_rows(t->job->table));
  uint64_t run = grove_run_begin(self, &(grove_run_options){GROVE_RUN, .kind = GROVE_RUN_TRAINING, .items = n, .title = title});
  for (size_t i = 0; i < n; i++) {
    grove_run_item item = {GROVE_RUN_ITEM, .index = i, .who = t->children[i].ref, .progress = NAN, .result = NAN, .mae = NAN,
        .r2 = NAN, .seconds = NAN, .predict_seconds = NAN};
    snprintf(item.name, sizeof item.name, "%s", t->job->plans[i].name);
    grove_run_put(self, run, &item);
  }
  return run;
}

static void end_run(grove *self, uint64_t run, grove_status s, const struct grove_trainer *t, const struct outcome *all)
{
  char text[96] = "";
  if (all->trained && all->trained < t->models) {
    snprintf(text, sizeof text, "%zu of %zu could not be trained", t->models - all->trained, t->models);
  }
  grove_run_end(self, run, s == GROVE_ECANCELED ? GROVE_RUN_CANCELED : s ? GROVE_RUN_FAILED : GROVE_RUN_DONE,
      text[0] ? text : s ? grove_status_text(s) : NULL);
}

static void put_finish(const struct grove_trainer *t, size_t i, bool finish)
{
  atomic_store_explicit(&t->job->finish[i], finish, memory_order_relaxed); // see the field
}

static grove_status work_once(grove *self, struct grove_trainer *t, grove_trained_list *reply)
{
  if (!t->split.ptr) {
    grove_state(self, "LOADING");
    grove_status s = make_split(self, t);
    if (s) {
      grove_state(self, "FAILED");
      return s;
    }
  }
  size_t n = t->models;
  struct outcome all = {0};
  grove_trained *rows = grove__alloc_array(memory, n, sizeof *rows);
  grove__trainee_train_and_evaluate_future *done = grove__alloc_array(memory, n, sizeof *done);
  grove_status s = GROVE_ENOMEM;
  uint64_t run = begin_run(self, t);
  if (rows && done) {
    s = train_all(self, t, done, run, rows, &all);
  }
  if (!s) {
    s = report(self, rows, n, &all, reply);
  }
  end_run(self, run, s, t, &all);
  grove__free(memory, rows, n * sizeof *rows);
  grove__free(memory, done, n * sizeof *done);
  return s;
}

static grove_status grove_trainer_work(
    grove *self, struct grove_trainer *t, const grove_none *none, grove_trained_list *reply)
{
  (void)none;
  GROVE__TRY(fail_if_broken(self, t));
  for (size_t i = 0; t->working == 0 && i < t->models; i++) {
    put_finish(t, i, false); // what was asked of the last one
  }
  t->working++;
  grove_status s = work_once(self, t, reply);
  t->working--;
  return s;
}

// The model's own name for a name or an alias of it; SIZE_MAX: it is none of the job's.
static grove_status find_model(
    const struct grove_trainer *t, const char *name, size_t *at, grove_error *err)
{
  grove_model *m = NULL;
  GROVE__TRY(grove_model_create(t->job->registry, name, NULL, &m, err));
  *at = SIZE_MAX;
  for (size_t i = 0; i < t->models; i++) {
    if (!strcmp(t->job->plans[i].name, grove_model_name(m))) {
      *at = i;
    }
  }
  grove_model_destroy(m);
  return GROVE_OK;
}

static grove_status grove_trainer_finish(
    grove *self, struct grove_trainer *t, const grove_string *name, grove_none *reply)
{
  (void)reply;
  GROVE__TRY(fail_if_broken(self, t));
  const char *which = grove_text(*name);
  size_t at = SIZE_MAX;
  grove_error err = {0};
  if (which[0] && find_model(t, which, &at, &err)) {
    return grove_fail_with(self, &err);
  }
  if (which[0] && at == SIZE_MAX) {
    return grove_fail(self, GROVE_ENOENT, "no model \"%.60s\" among those to train", which);
  }
  for (size_t i = 0; t->working && i < t->models; i++) {
    if (!which[0] || i == at) {
      put_finish(t, i, true);
    }
  }
  return GROVE_OK;
}

static grove_status grove_trainer_model(
    grove *self, struct grove_trainer *t, const grove_string *name, grove_shared *reply)
{
  GROVE__TRY(fail_if_broken(self, t));
  size_t at = SIZE_MAX;
  grove_error err = {0};
  if (find_model(t, grove_text(*name), &at, &err)) {
    return grove_fail_with(self, &err);
  }
  if (at == SIZE_MAX || !t->fitted[at].ptr) {
    return grove_fail(self, GROVE_ENOENT, "no fitted model \"%.60s\" yet", grove_text(*name));
  }
  *reply = grove_retain(t->fitted[at]);
  return GROVE_OK;
}

// ---- spawn ----------------------------------------------------------------------------------------

// The caller's options with a label for people where there is none; those that can't be read go on as they are,
// for grove_spawn to refuse.
static grove_ref spawn_labelled(grove *g, const trainer_order *order, const grove_spawn_options *o)
{
  grove_spawn_options own;
  if (!grove__options_read(&own, sizeof own, o)) {
    own.struct_size = sizeof own;
    own.label = own.label ? own.label : "trainer";
    o = &own;
  }
  return grove_spawn(g, &grove_trainer_class, order, o);
}

grove_trainer_ref grove_trainer_spawn(grove *g, grove_table *table, const grove_trainer_options *o)
{
  trainer_order order = {{0}};
  grove__job *job = grove__job_create(table, o);
  if (job && grove_share(g, job, sizeof *job, grove__job_destroy, NULL, &order.job)) {
    grove__job_destroy(job, NULL);
  }
  grove_trainer_options known;
  grove_status s = grove__options_read(&known, sizeof known, o); // if it fails, the job says so
  grove_trainer_ref r = grove_trainer__ref(spawn_labelled(g, &order, s ? NULL : known.spawn));
  grove_release(order.job);
  return r;
}
