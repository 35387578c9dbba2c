#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "predict/job_parts.h"
#include "store/url.h"
#include <grove/watch.h>
#include <stdio.h>
#include <stdlib.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

enum { TICK_MS = 100, REMOTE_MEMBERS = 4 };

// ---- the order ------------------------------------------------------------------------------------

static bool copy_list(grove__score_job_order *o, const char *const *list)
{
  while (list && list[o->n_keep]) {
    o->n_keep++;
  }
  if (!o->n_keep) {
    return true;
  }
  o->keep = grove__alloc_zero(memory, (o->n_keep + 1) * sizeof *o->keep);
  bool good = o->keep != NULL;
  for (size_t i = 0; good && i < o->n_keep; i++) {
    o->keep[i] = grove__copy_text(memory, list[i]);
    good = o->keep[i] != NULL;
  }
  return good;
}

static grove_status check_keep(const grove_job_options *o, bool gives, grove_error *err)
{
  for (const char *const *k = o->keep; k && *k; k++) {
    if (!strcmp(*k, "prediction")) {
      return grove__error(err, GROVE_EINVAL, -1,
          "the column \"prediction\" can't be kept: the predictions have that name");
    }
    for (const char *const *other = o->keep; other < k; other++) {
      if (!strcmp(*other, *k)) {
        return grove__error(
            err, GROVE_EINVAL, -1, "the column \"%.100s\" is to be kept twice", *k);
      }
    }
  }
  return o->keep && *o->keep && !o->out && !gives
             ? grove__error(err, GROVE_EINVAL, -1,
                   "columns are to be kept, and there is no folder (out) to write them to")
             : GROVE_OK;
}

static grove_status take_write(grove__score_job_order *order, const grove_job_options *o, grove_error *err)
{
  if (!o->write) {
    return GROVE_OK;
  }
  grove_status s = grove__options_read(&order->write, sizeof order->write, o->write);
  if (s || order->write.metadata || order->write.sorted || order->write.bloom) {
    return grove__error(err, s ? s : GROVE_ENOTSUP, -1,
        s ? "grove_job_options.write: struct_size is not understood"
          : "grove_job_options.write: metadata, sorted and bloom are not taken here");
  }
  order->write.struct_size = sizeof order->write;
  order->writes = true;
  return GROVE_OK;
}

static grove_status take_folders(grove__score_job_order *order, const grove_job_options *o, grove_error *err)
{
  grove__tenure_wish w = {.store = order->plan->store,
      .folder = order->folder,
      .notes = order->notes,
      .shards = o->shards,
      .n_shards = o->n_shards,
      .form = o->form,
      .force = o->force};
  GROVE__TRY(grove__tenure_begin(&order->tenure, &w, err));
  // Else the first member to begin a shard waits for the servers; streams are not begun.
  return o->streams ? grove__tenure_mark(&order->tenure, w.store, w.notes, w.force, err) : GROVE_OK;
}

static grove_status fill_order(grove__score_job_order *order, grove_shared model,
    const grove_job_options *o, grove_error *err)
{
  GROVE__TRY(check_keep(o, order->gives, err));
  GROVE__TRY(take_write(order, o, err));
  grove__predict_wish w = {.rule = o->rule,
      .filter = o->filter,
      .score = o->score,
      .score_user = o->score_user,
      .score_columns = o->score_columns,
      .score_name = o->score_name,
      .store = o->store,
      .read = o->read};
  order->plan = grove__predict_plan_create(model, &w);
  order->folder = grove__url_copy_folder(memory, o->out);
  const char *notes = o->notes ? o->notes : o->out;
  order->notes = grove__url_copy_folder(memory, notes);
  if (!order->plan || (o->out && !order->folder) || (notes && !order->notes) ||
      !copy_list(order, o->keep)) {
    return grove__error_memory(err, "a job", sizeof *order);
  }
  if (order->plan->broken.status) {
    if (err) {
      *err = order->plan->broken;
    }
    return order->plan->broken.status;
  }
  if (!grove__score_job_order_columns(order)) {
    return grove__error_memory(err, "the columns of a job", order->plan->count * sizeof *order->columns);
  }
  if (o->memory_bytes && !order->plan->read.memory_bytes) {
    order->plan->read.memory_bytes = o->memory_bytes / 2;
  }
  order->bounded = o->memory_bytes != 0;
  order->form = o->form;
  order->resume = o->resume;
  order->force = o->force;
  order->plan_only = o->plan_only;
  return o->plan_only ? GROVE_OK : take_folders(order, o, err);
}

// ---- checks ---------------------------------------------------------------------------------------

typedef struct named {
  char *name;
  size_t shard;
} named;

static int compare_named(const void *a, const void *b)
{
  return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

// Outputs are named after the shards: two of one name would overwrite each other.
static grove_status find_twins(
    named *names, size_t n, const grove_job_options *o, grove_error *err)
{
  qsort(names, n, sizeof *names, compare_named);
  for (size_t i = 1; i < n; i++) {
    if (!strcmp(names[i - 1].name, names[i].name)) {
      char first[121], second[121];
      grove__url_show(o->shards[names[i - 1].shard], first, sizeof first);
      grove__url_show(o->shards[names[i].shard], second, sizeof second);
      return grove__error(err, GROVE_EINVAL, -1,
          "the predictions of \"%s\" and \"%s\" would both be %.60s/%.60s", first, second,
          o->out ? o->out : o->notes, names[i].name);
    }
  }
  return GROVE_OK;
}

// A shard that lies in the folder of the outputs, under the name that its own would have.
static grove_status check_place(const grove_job_options *o, size_t i, const char *name, grove_error *err)
{
  char url[GROVE__URL_ROOM], shown[201];
  bool stream = o->streams && o->streams[i];
  if (!o->out || stream ||
      snprintf(url, sizeof url, "%.*s/%s", (int)grove__url_folder(o->out), o->out, name) >= (int)sizeof url ||
      !grove__url_same(url, o->shards[i])) {
    return GROVE_OK;
  }
  grove__url_show(o->shards[i], shown, sizeof shown);
  return grove__error(err, GROVE_EINVAL, (int64_t)i,
      "the predictions of \"%s\" would be written over it: another folder than that of the shards is wanted (out)", shown);
}

static grove_status check_names(const grove_job_options *o, grove_error *err)
{
  if (!o->out && !o->notes) {
    return GROVE_OK;
  }
  named *names = grove__alloc_array(memory, o->n_shards, sizeof *names);
  size_t n = 0;
  grove_status s = names ? GROVE_OK : grove__error_memory(err, "names", o->n_shards);
  for (; !s && n < o->n_shards; n++) {
    char name[GROVE__NAME_ROOM];
    bool fits = grove__shard_output_name(o->shards[n], o->form, name, sizeof name);
    names[n] = (named){fits ? grove__copy_text(memory, name) : NULL, n};
    if (!names[n].name) {
      char shown[201];
      grove__url_show(o->shards[n], shown, sizeof shown);
      s = fits ? grove__error_memory(err, "a name", strlen(name))
               : grove__error(err, GROVE_ELIMIT, -1, "\"%s\": a name of over %d bytes", shown,
                     GROVE__NAME_ROOM);
    }
    s = s ? s : check_place(o, n, name, err);
  }
  s = s ? s : find_twins(names, n, o, err);
  for (size_t i = 0; names && i < n; i++) {
    grove__free_text(memory, names[i].name);
  }
  grove__free(memory, names, o->n_shards * sizeof *names);
  return s;
}

static grove_status read_options(
    const grove_job_options *given, grove_job_options *o, grove_error *err)
{
  grove_status s = grove__options_read(o, sizeof *o, given);
  if (s) {
    return grove__error(err, s, -1, "grove_job_options: struct_size %u is not understood",
        given ? given->struct_size : 0);
  }
  if (o->form > GROVE_JOB_CSV || o->on_error > GROVE_JOB_FAIL || (o->n_shards && !o->shards)) {
    return grove__error(err, GROVE_EINVAL, -1,
        "grove_job_options: form is %u, on_error %u, shards %s: one of them can't be", o->form,
        o->on_error, o->shards ? "given" : "NULL");
  }
  if ((o->out && !*o->out) || (o->notes && !*o->notes)) { // with a name behind it, it would be the root
    return grove__error(err, GROVE_EINVAL, -1, "the folder to write to (%s) has an empty name: \".\" is the one that we are in",
        o->out && !*o->out ? "out" : "notes");
  }
  for (size_t i = 0; i < o->n_shards; i++) {
    if (!o->shards[i] || !*o->shards[i]) {
      return grove__error(err, GROVE_EINVAL, (int64_t)i, "shard %zu has no name", i);
    }
  }
  o->tick_ms = o->tick_ms ? o->tick_ms : TICK_MS;
  return check_names(o, err);
}

// ---- making ---------------------------------------------------------------------------------------

static struct ArrowArrayStream *stream_of(const grove_job_options *o, size_t i)
{
  return o->streams ? o->streams[i] : NULL;
}

// On servers most of the time is waiting.
static uint32_t count_members(grove *g, const grove_job_options *o)
{
  grove_stats stats = {.struct_size = sizeof stats};
  if (o->members) {
    return o->members;
  }
  uint32_t workers = grove_stats_get(g, &stats) || !stats.workers ? 1 : (uint32_t)stats.workers;
  for (size_t i = 0; i < o->n_shards; i++) {
    size_t n = grove__url_scheme(o->shards[i]);
    if (n && !grove__url_scheme_is(o->shards[i], n, "file") && !stream_of(o, i)) {
      return workers * REMOTE_MEMBERS;
    }
  }
  return workers;
}

static void release_order(void *order, void *user)
{
  (void)user;
  grove__score_job_order_release(order);
}

static grove_status spawn_pool(grove__score_job *j, grove_shared model, uint32_t members, grove_error *err)
{
  // Relaxed: we have a count already.
  atomic_fetch_add_explicit(&j->order->count, 1, memory_order_relaxed);
  grove_status s =
      grove_share(j->g, j->order, sizeof *j->order, release_order, NULL, &j->order_shared);
  if (s) {
    grove__score_job_order_release(j->order);
    return grove__error(err, s, -1, "the job can't be shared: %s", grove_status_text(s));
  }
  grove__score_job_start start = {j->order_shared, model};
  grove_pool_options o = {
      GROVE_POOL, .members = members, .window = (uint32_t)j->n_slots, .queue = (uint32_t)j->n_slots};
  j->pool = grove_pool_spawn(j->g, &grove_job_worker_class, &start, &o);
  return j->pool ? GROVE_OK : grove__error_memory(err, "a pool", 0);
}

static grove_status make(grove__score_job *j, grove_shared model, grove_error *err)
{
  GROVE__TRY(fill_order(j->order, model, &j->o, err));
  uint32_t members = count_members(j->g, &j->o);
  j->n_slots = 2 * (size_t)members;
  j->most_active = (size_t)members + 1;
  j->ahead = 2 * (uint64_t)members;
  j->order->share = j->o.memory_bytes / (2 * (uint64_t)members);
  j->entries = grove__alloc_zero(memory, j->o.n_shards * sizeof *j->entries);
  j->slots = grove__alloc_zero(memory, j->n_slots * sizeof *j->slots);
  j->members.room = j->o.member ? members : 0;
  j->members.list = grove__alloc_zero(memory, j->members.room * sizeof *j->members.list);
  if (!j->entries || !j->slots || (j->members.room && !j->members.list)) {
    return grove__error_memory(err, "a job", j->o.n_shards * sizeof *j->entries);
  }
  return spawn_pool(j, model, members, err);
}

grove_status grove__score_job_create(grove *g, grove_shared model, const grove_job_options *given,
    bool gives, grove__score_job **out, grove_error *err)
{
  grove_job_options o;
  *out = NULL;
  GROVE__TRY(read_options(given, &o, err));
  if (gives && (o.out || o.notes || o.plan_only)) {
    return grove__error(err, GROVE_EINVAL, -1,
        "a stream has no use for %s: what comes of the shards goes to who reads it",
        o.out ? "out" : o.notes ? "notes" : "plan_only");
  }
  grove__score_job *j = grove__alloc_zero(memory, sizeof *j);
  grove__score_job_order *order = grove__alloc_zero(memory, sizeof *order);
  if (!j || !order) {
    grove__free(memory, j, sizeof *j);
    grove__free(memory, order, sizeof *order);
    return grove__error_memory(err, "a job", sizeof *j + sizeof *order);
  }
  atomic_init(&order->count, 1);
  atomic_init(&order->stop, false);
  *j = (grove__score_job){.g = g, .o = o, .err = err, .order = order, .gives = gives};
  order->gives = gives;
  grove_status s = make(j, model, err);
  if (s) {
    grove__score_job_destroy(j);
    return s;
  }
  grove__told_begin(j);
  *out = j;
  return GROVE_OK;
}

void grove__score_job_destroy(grove__score_job *j)
{
  grove__told_end(j, GROVE_ECANCELED, NULL);
  grove_pool_destroy(j->pool);
  grove_release(j->ready);
  grove_release(j->order_shared);
  if (!j->flying) { // else who is at an item has the folders until he is through
    grove__tenure_end(&j->order->tenure);
  }
  for (size_t i = 0; j->entries && i < j->o.n_shards; i++) {
    grove__free_text(memory, j->entries[i].error);
    grove__free_text(memory, j->entries[i].version);
    grove__free(memory, j->entries[i].work, sizeof *j->entries[i].work);
  }
  grove__free(memory, j->entries, j->o.n_shards * sizeof *j->entries);
  grove__free(memory, j->slots, j->n_slots * sizeof *j->slots);
  grove__free(memory, j->members.list, j->members.room * sizeof *j->members.list);
  grove__score_job_order_release(j->order);
  grove__free(memory, j, sizeof *j);
}
