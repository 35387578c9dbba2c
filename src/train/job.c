#include "train/job.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "base/suggest.h"

static const grove_allocator *const memory = &grove__allocator_malloc;

// ---- names ----------------------------------------------------------------------------------------

static const char *known_model(const void *registry, size_t i)
{
  const grove_learner *l = grove_registry_at(registry, i);
  return l ? l->name : NULL;
}

static const char *planned_model(const void *job, size_t i)
{
  const grove__job *j = job;
  return i < j->models ? j->plans[i].name : NULL;
}

// The kind's own name for a name or an alias of it: what a model of that kind calls itself.
static grove_status copy_kind(
    const grove_registry *r, const char *name, char **out, grove_error *err)
{
  grove_model *m = NULL;
  *out = NULL;
  GROVE__TRY(grove_model_create(r, name, NULL, &m, err));
  *out = grove__copy_text(memory, grove_model_name(m));
  grove_model_destroy(m);
  return *out ? GROVE_OK : grove__error_memory(err, "a model's name", strlen(name) + 1);
}

static grove__plan *find_plan(const grove__job *job, const char *kind)
{
  for (size_t i = 0; i < job->models; i++) {
    if (!strcmp(job->plans[i].name, kind)) {
      return &job->plans[i];
    }
  }
  return NULL;
}

static grove_status add_model(grove__job *job, const char *name, grove_error *err)
{
  char *kind = NULL;
  GROVE__TRY(copy_kind(job->registry, name, &kind, err));
  if (find_plan(job, kind)) {
    grove__error(err, GROVE_EINVAL, -1, "model \"%.60s\" is asked for twice", kind);
    grove__free_text(memory, kind);
    return GROVE_EINVAL;
  }
  job->plans[job->models++].name = kind;
  return GROVE_OK;
}

static size_t count_models(const char *const *names, const grove_registry *r)
{
  size_t n = 0;
  while (names ? names[n] != NULL : grove_registry_at(r, n) != NULL) {
    n++;
  }
  return n;
}

static grove_status add_models(grove__job *job, const char *const *names, grove_error *err)
{
  size_t n = count_models(names, job->registry);
  if (n == 0) {
    return grove__error(err, GROVE_EINVAL, -1, "no model to train: the list of models is empty");
  }
  size_t bytes;
  job->plans =
      grove__multiply(n, sizeof *job->plans, &bytes) ? grove__alloc_sized(memory, bytes) : NULL;
  if (!job->plans) {
    return grove__error_memory(err, "the list of models", n);
  }
  memset(job->plans, 0, bytes);
  for (size_t i = 0; i < n; i++) {
    GROVE__TRY(add_model(job, names ? names[i] : known_model(job->registry, i), err));
  }
  return GROVE_OK;
}

// ---- parameters -----------------------------------------------------------------------------------

// Puts key and value into the plan, in place of an earlier value of the same key: the last one counts.
static grove_status put_parameter(grove__plan *plan, const char *key, const char *value)
{
  char *text = grove__copy_text(memory, value ? value : "");
  if (!text) {
    return GROVE_ENOMEM;
  }
  for (size_t i = 0; i < plan->count; i++) {
    if (!strcmp(plan->parameters[i].name, key)) {
      grove__free_text(memory, (char *)(uintptr_t)plan->parameters[i].value);
      plan->parameters[i].value = text;
      return GROVE_OK;
    }
  }
  size_t n = plan->count;
  char *name = grove__copy_text(memory, key);
  grove_parameter *grown = name ? grove__alloc_sized(memory, (n + 2) * sizeof *grown) : NULL;
  if (!grown) {
    grove__free_text(memory, name);
    grove__free_text(memory, text);
    return GROVE_ENOMEM;
  }
  if (n) {
    memcpy(grown, plan->parameters, n * sizeof *grown);
  }
  grown[n] = (grove_parameter){name, text};
  grown[n + 1] = (grove_parameter){NULL, NULL};
  grove__free_sized(memory, plan->parameters);
  plan->parameters = grown;
  plan->count = n + 1;
  return GROVE_OK;
}

static grove_status find_target_of(
    const grove__job *job, const char *full, const char *dot, grove__plan **out, grove_error *err)
{
  char name[64] = "";
  char *kind = NULL;
  if (dot == full || (size_t)(dot - full) >= sizeof name) {
    return grove__error(err, GROVE_EINVAL, -1,
        "parameter \"%.100s\" should be MODEL.PARAMETER, as decision_tree.max_depth", full);
  }
  memcpy(name, full, (size_t)(dot - full));
  grove_status s = copy_kind(job->registry, name, &kind, err);
  if (s) {
    return grove__error_prefix(err, s, "parameter \"%.100s\"", full);
  }
  *out = find_plan(job, kind);
  if (!*out) {
    grove__error_unknown(err, GROVE_ENOENT, "model among those to train", kind, planned_model, job);
    s = grove__error_prefix(err, GROVE_ENOENT, "parameter \"%.100s\"", full);
  }
  grove__free_text(memory, kind);
  return s;
}

static grove_status add_parameters(grove__job *job, const grove_parameter *list, grove_error *err)
{
  for (; list && list->name; list++) {
    const char *dot = strchr(list->name, '.');
    grove__plan *plan = NULL;
    if (!dot) {
      return grove__error(err, GROVE_EINVAL, -1,
          "parameter \"%.100s\" should be MODEL.PARAMETER, as decision_tree.max_depth", list->name);
    }
    GROVE__TRY(find_target_of(job, list->name, dot, &plan, err));
    if (put_parameter(plan, dot + 1, list->value)) {
      return grove__error_memory(err, "a parameter", strlen(list->name));
    }
  }
  return GROVE_OK;
}

// Makes each model once, and drops it: its parameters are checked before anything is spawned.
static grove_status check_plans(const grove__job *job, grove_error *err)
{
  for (size_t i = 0; i < job->models; i++) {
    grove_model *m = NULL;
    grove_status s =
        grove_model_create(job->registry, job->plans[i].name, job->plans[i].parameters, &m, err);
    if (s) {
      return grove__error_prefix(err, s, "%s", job->plans[i].name);
    }
    grove_model_destroy(m);
  }
  return GROVE_OK;
}

// ---- lists of columns -----------------------------------------------------------------------------

static void free_names(char **names)
{
  for (size_t i = 0; names && names[i]; i++) {
    grove__free_text(memory, names[i]);
  }
  grove__free_sized(memory, names);
}

static grove_status copy_names(const char *const *given, char ***out, grove_error *err)
{
  size_t n = 0;
  while (given && given[n]) {
    n++;
  }
  if (n == 0) {
    return GROVE_OK;
  }
  size_t bytes = (n + 1) * sizeof **out;
  if (!(*out = grove__alloc_sized(memory, bytes))) {
    return grove__error_memory(err, "a list of columns", bytes);
  }
  memset(*out, 0, bytes);
  for (size_t i = 0; i < n; i++) {
    if (!((*out)[i] = grove__copy_text(memory, given[i]))) {
      return grove__error_memory(err, "the name of a column", strlen(given[i]));
    }
  }
  return GROVE_OK;
}

// Names that no column has are a mistake of the request, not of each model.
static grove_status check_names(const grove__job *job, char **names, grove_error *err)
{
  for (size_t i = 0; names && names[i]; i++) {
    size_t column;
    GROVE__TRY(grove_table_find(job->table, names[i], &column, err));
  }
  return GROVE_OK;
}

static grove_status copy_lists(grove__job *job, const grove_trainer_options *o, grove_error *err)
{
  GROVE__TRY(copy_names(o->categorical, &job->categorical, err));
  GROVE__TRY(copy_names(o->increasing, &job->increasing, err));
  GROVE__TRY(copy_names(o->decreasing, &job->decreasing, err));
  GROVE__TRY(check_names(job, job->categorical, err));
  GROVE__TRY(check_names(job, job->increasing, err));
  return check_names(job, job->decreasing, err);
}

// ---- the whole ------------------------------------------------------------------------------------

static grove_status copy_target(grove__job *job, const char *wanted, grove_error *err)
{
  size_t columns = grove_table_columns(job->table), found;
  if (columns < 2) {
    return grove__error(err, GROVE_EINVAL, -1,
        "the table has %zu column%s; a target and at least one feature are needed", columns,
        columns == 1 ? "" : "s");
  }
  if (wanted) {
    grove_status s = grove_table_find(job->table, wanted, &found, err);
    if (s) {
      return grove__error_prefix(err, s, "target \"%.100s\"", wanted);
    }
  } else {
    found = columns - 1;
  }
  job->target = grove__copy_text(memory, grove_table_name(job->table, found));
  return job->target ? GROVE_OK : grove__error_memory(err, "the target's name", 1);
}

static grove_status fill(grove__job *job, const grove_trainer_options *given, grove_error *err)
{
  grove_trainer_options o;
  grove_status s = grove__options_read(&o, sizeof o, given);
  if (s) {
    return grove__error(err, s, -1, "grove_trainer_options: struct_size or its tail is wrong");
  }
  if (!job->table) {
    return grove__error(err, GROVE_EINVAL, -1, "no table to train on: it is NULL");
  }
  job->registry = o.registry;
  job->seed = o.seed;
  job->time_limit_ms = o.time_limit_ms;
  job->memory_bytes = o.memory_bytes;
  job->parallelism = o.parallelism;
  job->folds = o.folds;
  job->curves = o.curves && !o.folds;
  if (o.folds == 1) {
    return grove__error(err, GROVE_EINVAL, -1, "1 fold: there can be 0, or 2 and more");
  }
  job->test_part = o.test_part == 0 ? 0.2 : o.test_part;
  if (!(job->test_part > 0 && job->test_part < 1)) {
    return grove__error(err, GROVE_EINVAL, -1, "test part %g is not between 0 and 1", o.test_part);
  }
  if (o.save_folder && !(job->save_folder = grove__copy_text(memory, o.save_folder))) {
    return grove__error_memory(err, "the folder's name", strlen(o.save_folder));
  }
  GROVE__TRY(add_models(job, o.models, err));
  GROVE__TRY(add_parameters(job, o.parameters, err));
  GROVE__TRY(check_plans(job, err));
  GROVE__TRY(copy_lists(job, &o, err));
  job->finish = grove__alloc_sized(memory, job->models * sizeof *job->finish);
  if (!job->finish) {
    return grove__error_memory(err, "the list of models", job->models);
  }
  for (size_t i = 0; i < job->models; i++) {
    atomic_init(&job->finish[i], false);
  }
  return copy_target(job, o.target, err);
}

grove__job *grove__job_create(grove_table *table, const grove_trainer_options *o)
{
  grove__job *job = grove__alloc_zero(memory, sizeof *job);
  if (!job) {
    return NULL;
  }
  job->table = table ? grove_table_retain(table) : NULL;
  grove_error err = {0};
  err.status =
      fill(job, o, &err); // some failures leave no words: then the status must still be there
  job->broken = err;
  return job;
}

static void free_plan(grove__plan *plan)
{
  for (size_t i = 0; i < plan->count; i++) {
    grove__free_text(memory, (char *)(uintptr_t)plan->parameters[i].name);
    grove__free_text(memory, (char *)(uintptr_t)plan->parameters[i].value);
  }
  grove__free_sized(memory, plan->parameters);
  grove__free_text(memory, plan->name);
}

void grove__job_destroy(void *ptr, void *user)
{
  grove__job *job = ptr;
  (void)user;
  if (!job) {
    return;
  }
  for (size_t i = 0; i < job->models; i++) {
    free_plan(&job->plans[i]);
  }
  grove__free_sized(memory, job->plans);
  grove__free_sized(memory, job->finish);
  grove__free_text(memory, job->target);
  grove__free_text(memory, job->save_folder);
  free_names(job->categorical);
  free_names(job->increasing);
  free_names(job->decreasing);
  grove_table_release(job->table);
  grove__free(memory, job, sizeof *job);
}

// ---- the data -------------------------------------------------------------------------------------

// A target that is missing or infinite would spoil every split and sum; better to say which row it is, in
// the caller's own order, than to let a learner find it in a shuffled table.
static grove_status check_target(const grove__job *job, const grove_work *work, grove_error *err)
{
  enum { CHUNK = 4096 };
  size_t rows = grove_table_rows(job->table), column;
  GROVE__TRY(grove_table_find(job->table, job->target, &column, err));
  double *values = grove__alloc_array(memory, CHUNK, sizeof *values);
  if (!values) {
    return grove__error_memory(err, "checking the target", CHUNK * sizeof *values);
  }
  grove_status s = GROVE_OK;
  for (size_t from = 0; from < rows && !s; from += CHUNK) {
    size_t n = rows - from < CHUNK ? rows - from : CHUNK;
    s = grove_table_doubles(job->table, column, from, n, values, err);
    if (s) {
      s = grove__error_prefix(err, s, "target \"%.100s\"", job->target);
    }
    for (size_t i = 0; i < n && !s; i++) {
      double v = values[i];
      if (!(v - v == 0)) { // NaN or infinite
        s = grove__error(err, GROVE_EINVAL, (int64_t)(from + i),
            "target \"%.100s\" is %s in row %zu of %zu; every row needs a finite target",
            job->target, v != v ? "missing (null or NaN)" : "infinite", from + i + 1, rows);
      }
    }
    if (!s && work && work->yield) {
      s = work->yield(work->user);
    }
  }
  grove__free(memory, values, CHUNK * sizeof *values);
  return s;
}

grove_status grove__job_split(
    const grove__job *job, const grove_work *work, grove__split *out, grove_error *err)
{
  size_t rows = grove_table_rows(job->table);
  *out = (grove__split){NULL, NULL};
  if (rows < 2) {
    return grove__error(err, GROVE_EINVAL, -1,
        "the table has %s; at least 2 rows are needed, one to train on and one to test with",
        rows ? "only 1 row" : "no rows");
  }
  GROVE__TRY(check_target(job, work, err));
  if (job->folds) { // all rows; the parts are made for each model
    out->train = grove_table_retain(job->table);
    return GROVE_OK;
  }
  return grove_table_split(job->table, job->test_part, job->seed, &out->train, &out->test, err);
}
