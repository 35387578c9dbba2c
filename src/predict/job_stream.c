// A job whose predictions go to who reads them: batches of an ArrowArrayStream, in the order of the shards.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/arrow.h"
#include "predict/job_parts.h"
#include "predict/scored.h"
#include "store/url.h"
#include <errno.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

typedef struct giver {
  grove__score_job *job; // NULL: it is over
  grove_status failed;   // what ended it
  grove_error err;       // in words; the job writes to it, too
  grove_table *next;     // got from the job, not given yet
  grove_table *like;     // the first one that comes of rows, for its columns; until then, of any
  bool known;            // there are rows of it
} giver;

static int errno_of(grove_status s)
{
  switch (s) {
  case GROVE_OK: return 0;
  case GROVE_ENOMEM: return ENOMEM;
  case GROVE_ENOTSUP: return ENOSYS;
  case GROVE_ECANCELED: return ECANCELED;
  case GROVE_ELIMIT: return ENOBUFS;
  case GROVE_EINVAL: return EINVAL;
  default: return EIO;
  }
}

// ---- columns --------------------------------------------------------------------------------------

static bool same_fields(const struct ArrowSchema *a, const struct ArrowSchema *b, bool names)
{
  if (strcmp(a->format, b->format) || a->n_children != b->n_children ||
      (names && strcmp(a->name ? a->name : "", b->name ? b->name : ""))) {
    return false;
  }
  for (int64_t i = 0; i < a->n_children; i++) {
    if (!same_fields(a->children[i], b->children[i], a->format[1] == 's')) {
      return false;
    }
  }
  return true;
}

static grove_status describe(const grove_table *t, struct ArrowSchema *out, grove_error *err)
{
  struct ArrowArray array = {.release = NULL};
  GROVE__TRY(grove_table_export(t, &array, out, err));
  array.release(&array);
  return GROVE_OK;
}

// Numbers and texts were cast or refused when the shard was read. What lists and structs hold is looked at here.
static grove_status check_alike(giver *v)
{
  struct ArrowSchema first = {.release = NULL}, now = {.release = NULL};
  grove_status s = describe(v->like, &first, &v->err);
  s = s ? s : describe(v->next, &now, &v->err);
  for (int64_t i = 0; !s && i < first.n_children; i++) {
    if (!same_fields(first.children[i], now.children[i], true)) {
      char shown[201];
      grove__url_show(v->job->o.shards[v->job->ready_of], shown, sizeof shown);
      s = grove__error(&v->err, GROVE_ENOTSUP, -1,
          "column \"%.100s\" of shard \"%s\" is of another kind than the first shard's",
          first.children[i]->name, shown);
    }
  }
  if (first.release) {
    first.release(&first);
  }
  if (now.release) {
    now.release(&now);
  }
  return s;
}

// ---- what comes -----------------------------------------------------------------------------------

// The job came to its end, or can't go on.
static grove_status end(giver *v)
{
  grove__score_job *j = v->job;
  grove_status s = grove__score_job_end(j, NULL, &v->err);
  if (!s && !v->like && j->order->keep && j->o.n_shards) { // else the columns are known
    for (size_t i = 0; i < j->o.n_shards; i++) {
      if (j->entries[i].status) {
        s = grove__error(&v->err, j->entries[i].status, -1,
            "no shard could be read, so nothing is known of the columns to keep: %.300s",
            j->entries[i].error ? j->entries[i].error : "");
        break;
      }
    }
  }
  v->job = NULL;
  grove__score_job_destroy(j);
  return s;
}

static grove_status take_ready(giver *v)
{
  grove__score_job *j = v->job;
  grove_shared ready = j->ready;
  j->ready = (grove_shared){0};
  v->next = grove_table_retain((grove_table *)(uintptr_t)ready.ptr);
  grove_release(ready);
  if (!v->known) {
    grove_table_release(v->like);
    v->like = grove_table_retain(v->next);
    v->known = j->ready_knows;
    return GROVE_OK;
  }
  return j->order->keep && grove_table_rows(v->next) ? check_alike(v) : GROVE_OK;
}

// Makes sure of `next`, which stays NULL at the end; or of `like` alone.
static grove_status go_on(giver *v, bool columns_alone)
{
  while (!v->failed && v->job && !v->next && !(columns_alone && v->known)) {
    grove__score_job_drive(v->job);
    if (!v->job->ready.ptr) {
      v->failed = end(v);
      break;
    }
    v->failed = take_ready(v);
    grove__score_job_refill(v->job); // members go on while the consumer works
    if (v->failed || !grove_table_rows(v->next)) { // one without rows has told of its columns
      grove_table_release(v->next);
      v->next = NULL;
    }
  }
  return v->failed;
}

// ---- the stream's face ----------------------------------------------------------------------------

static int get_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
  giver *v = s->private_data;
  *out = (struct ArrowSchema){.release = NULL};
  grove_status status = go_on(v, true);
  if (!status && !v->like) { // nothing was to be kept, and there was nothing
    grove__tally none = {.keeps = true};
    status = grove__scored_table(NULL, &none, &v->like, &v->err);
  }
  return errno_of(status ? status : describe(v->like, out, &v->err));
}

static int get_next(struct ArrowArrayStream *s, struct ArrowArray *out)
{
  giver *v = s->private_data;
  struct ArrowSchema schema = {.release = NULL};
  *out = (struct ArrowArray){.release = NULL};
  grove_status status = go_on(v, false);
  if (status || !v->next) {
    return errno_of(status);
  }
  status = grove_table_export(v->next, out, &schema, &v->err);
  if (!status) {
    schema.release(&schema);
    grove_table_release(v->next);
    v->next = NULL;
  }
  return errno_of(status);
}

static const char *get_last_error(struct ArrowArrayStream *s)
{
  const giver *v = s->private_data;
  return v->err.text[0] ? v->err.text : NULL;
}

static void release(struct ArrowArrayStream *s)
{
  giver *v = s->private_data;
  s->release = NULL;
  if (v->job) { // what is under way uses what the caller lent
    grove_release(v->job->ready);
    v->job->ready = (grove_shared){0};
    grove__score_job_stop(v->job);
    grove__score_job_drive(v->job);
    grove__score_job_destroy(v->job);
  }
  grove_table_release(v->next);
  grove_table_release(v->like);
  grove__free(memory, v, sizeof *v);
}

grove_status grove_job_stream(grove *g, grove_shared model, const grove_job_options *o,
    struct ArrowArrayStream *out, grove_error *err)
{
  *out = (struct ArrowArrayStream){.release = NULL};
  giver *v = grove__alloc_zero(memory, sizeof *v);
  if (!v) {
    return grove__error_memory(err, "a stream", sizeof *v);
  }
  grove_status s = grove__score_job_create(g, model, o, true, &v->job, err);
  if (s) {
    grove__free(memory, v, sizeof *v);
    return s;
  }
  v->job->err = &v->err;
  *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release, v};
  return GROVE_OK;
}
