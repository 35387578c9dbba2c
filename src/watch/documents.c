#include "watch/documents.h"
#include "base/options.h"
#include <string.h>

static const char *const phases[] = {"unknown", "starting", "idle", "queued", "running", "waiting",
    "restarting", "ending", "stuck", "ended"};
_Static_assert(GROVE__COUNT(phases) == GROVE_PHASE_ENDED + 1, "a word for each");

const char *grove__phase_text(uint32_t phase)
{
  return phases[phase < GROVE__COUNT(phases) ? phase : 0];
}

bool grove__phase_of_text(const char *text, size_t n, uint32_t *phase)
{
  for (uint32_t i = GROVE_PHASE_STARTING; i < GROVE__COUNT(phases); i++) {
    if (strlen(phases[i]) == n && memcmp(phases[i], text, n) == 0) {
      *phase = i;
      return true;
    }
  }
  return false;
}

void grove__json_begin(grove__json *j, grove__emitter *e, int64_t now_ns)
{
  j->to = e;
  j->more = false;
  grove__json_open(j, NULL, '{');
  grove__json_number(j, "schema", GROVE_JSON_SCHEMA);
  grove__json_signed(j, "now_ns", now_ns);
}

void grove__json_runtime(grove__json *j, const grove_stats *s)
{
  static const char *const parts[] = {
      "runtime", "actors", "messages", "futures", "shared", "watch", "user"};
  _Static_assert(GROVE__COUNT(parts) == GROVE_MEMORY_USER + 1, "a word for each");
  grove__json_open(j, "runtime", '{');
  grove__json_text(j, "version", grove_version());
  grove__json_number(j, "workers", s->workers);
  grove__json_number(j, "workers_busy", s->workers_busy);
  grove__json_number(j, "stand_ins", s->stand_ins);
  grove__json_number(j, "actors", s->actors);
  grove__json_number(j, "suspended", s->suspended);
  grove__json_number(j, "futures", s->futures);
  grove__json_number(j, "messages", s->messages);
  grove__json_number(j, "calls", s->calls);
  grove__json_number(j, "handled", s->handled);
  grove__json_number(j, "failed", s->failed);
  grove__json_number(j, "dropped", s->dropped);
  grove__json_number(j, "dropped_dead", s->dropped_dead);
  grove__json_number(j, "dropped_full", s->dropped_full);
  grove__json_number(j, "dropped_expired", s->dropped_expired);
  grove__json_number(j, "dropped_canceled", s->dropped_canceled);
  grove__json_number(j, "refused", s->refused);
  grove__json_number(j, "dead_letters", s->dead_letters);
  grove__json_number(j, "late_answers", s->late_answers);
  grove__json_number(j, "spawned", s->spawned);
  grove__json_number(j, "ended", s->ended);
  grove__json_number(j, "restarts", s->restarts);
  grove__json_number(j, "steals", s->steals);
  grove__json_number(j, "turns", s->turns);
  grove__json_number(j, "parks", s->parks);
  grove__json_number(j, "busy_ns", s->busy_ns);
  grove__json_number(j, "futures_made", s->futures_made);
  grove__json_number(j, "futures_ended", s->futures_ended);
  grove__json_number(j, "wait_p50_ns", s->wait_p50_ns);
  grove__json_number(j, "wait_p99_ns", s->wait_p99_ns);
  grove__json_number(j, "stack_bytes", s->stack_bytes);
  grove__json_number(j, "shared_bytes", s->shared_bytes);
  grove__json_signed(j, "up_ns", s->up_ns);
  grove__json_bool(j, "simulated", s->simulated != 0);
  grove__json_number(j, "memory_refused", s->memory_refused);
  grove__json_number(j, "memory_bytes", s->memory_bytes);
  grove__json_open(j, "memory_of", '{');
  for (size_t i = 0; i < GROVE__COUNT(parts); i++) {
    grove__json_number(j, parts[i], s->memory_of[i]);
  }
  grove__json_close(j, '}');
  grove__json_close(j, '}');
}

void grove__json_workers(grove__json *j, const grove__reading *r)
{
  grove__json_open(j, "workers", '[');
  for (size_t i = 0; i < r->worker_count; i++) {
    const grove_worker_stats *w = &r->workers[i];
    grove__json_open(j, NULL, '{');
    grove__json_number(j, "index", w->index);
    grove__json_bool(j, "busy", w->busy != 0);
    grove__json_number(j, "queued", w->queued);
    grove__json_number(j, "busy_ns", w->busy_ns);
    grove__json_number(j, "turns", w->turns);
    grove__json_number(j, "steals", w->steals);
    grove__json_number(j, "parks", w->parks);
    grove__json_close(j, '}');
  }
  grove__json_close(j, ']');
}

static void put_class(grove__json *j, const grove_class_stats *c)
{
  grove__json_open(j, NULL, '{');
  grove__json_text(j, "class", c->class_name);
  grove__json_number(j, "actors", c->alive);
  grove__json_number(j, "spawned", c->spawned);
  grove__json_number(j, "ended", c->ended);
  grove__json_number(j, "restarts", c->restarts);
  grove__json_number(j, "crashed", c->crashed);
  grove__json_number(j, "sent", c->sent);
  grove__json_number(j, "calls", c->calls);
  grove__json_number(j, "handled", c->handled);
  grove__json_number(j, "failed", c->failed);
  grove__json_number(j, "ticks", c->ticks);
  grove__json_number(j, "ticks_missed", c->ticks_missed);
  grove__json_number(j, "dropped_dead", c->dropped_dead);
  grove__json_number(j, "dropped_full", c->dropped_full);
  grove__json_number(j, "dropped_expired", c->dropped_expired);
  grove__json_number(j, "dropped_canceled", c->dropped_canceled);
  grove__json_number(j, "refused", c->refused);
  grove__json_number(j, "dead_letters", c->dead_letters);
  grove__json_number(j, "busy_ns", c->busy_ns);
  grove__json_number(j, "turns", c->turns);
  grove__json_number(j, "timed", c->timed);
  grove__json_number(j, "wait_p50_ns", c->wait_p50_ns);
  grove__json_number(j, "wait_p99_ns", c->wait_p99_ns);
  grove__json_number(j, "wait_max_ns", c->wait_max_ns);
  grove__json_number(j, "run_p50_ns", c->run_p50_ns);
  grove__json_number(j, "run_p99_ns", c->run_p99_ns);
  grove__json_number(j, "run_max_ns", c->run_max_ns);
  grove__json_close(j, '}');
}

void grove__json_classes(grove__json *j, const grove__reading *r)
{
  grove__json_open(j, "classes", '[');
  for (size_t i = 0; i < r->class_count; i++) {
    put_class(j, &r->classes[i]);
  }
  grove__json_close(j, ']');
}

static const char *const strategies[] = {"one for one", "one for all", "rest for one"};
static const char *const restarts[] = {"temporary", "transient", "permanent"};

// Its members, without the end of the object.
static void put_actor(grove__json *j, const char *key, const grove_info *a)
{
  grove__json_open(j, key, '{');
  grove__json_ref(j, "id", a->ref);
  grove__json_ref(j, "parent", a->parent);
  grove__json_text(j, "class", a->class_name);
  grove__json_text(j, "name", a->name);
  grove__json_text(j, "label", a->label);
  grove__json_text(j, "phase", grove__phase_text(a->phase));
  grove__json_text(j, "state", a->state);
  grove__json_real(j, "progress", a->progress);
  grove__json_text(j, "method", a->method);
  grove__json_signed(j, "turn_ns", a->turn_ns);
  grove__json_number(j, "depth", a->mailbox_depth);
  grove__json_signed(j, "oldest_ns", a->oldest_ns);
  grove__json_number(j, "handled", a->handled);
  grove__json_number(j, "failed", a->failed);
  grove__json_number(j, "busy_ns", a->busy_ns);
  grove__json_number(j, "restarts", a->restarts);
  grove__json_number(j, "children", a->children);
  grove__json_text(j, "strategy", grove__word_of(strategies, GROVE__COUNT(strategies), a->strategy, "unknown"));
  grove__json_text(j, "restart", grove__word_of(restarts, GROVE__COUNT(restarts), a->restart, "unknown"));
  grove__json_number(j, "max_restarts", a->max_restarts);
  grove__json_number(j, "window_ms", a->window_ms);
  grove__json_number(j, "recent_restarts", a->recent_restarts);
  grove__json_signed(j, "restart_in_ns", a->restart_in_ns);
  grove__json_signed(j, "up_ns", a->up_ns);
  grove__json_number(j, "futures", a->futures);
  grove__json_number(j, "bytes", a->bytes);
  grove__json_number(j, "mailbox_bytes", a->mailbox_bytes);
  grove__json_number(j, "state_bytes", a->state_bytes);
  grove__json_number(j, "future_bytes", a->future_bytes);
  grove__json_number(j, "own_bytes", a->own_bytes);
  grove__json_number(j, "memory_limit", a->memory_limit);
  grove__json_number(j, "stack_bytes", a->stack_bytes);
  grove__json_number(j, "stack_used_bytes", a->stack_used_bytes);
  grove__json_text(j, "last_error", a->last_error);
}

void grove__json_actor(grove__json *j, const char *key, const grove_info *a)
{
  put_actor(j, key, a);
  grove__json_close(j, '}');
}

void grove__json_waits(grove__json *j, const grove_wait_info *rows, size_t n, size_t total)
{
  static const char *const kinds[] = {"unknown", "futures", "room", "time", "thread"};
  grove__json_open(j, "waits", '{');
  grove__json_number(j, "total", total);
  grove__json_open(j, "rows", '[');
  for (size_t i = 0; i < n; i++) {
    const grove_wait_info *w = &rows[i];
    grove__json_open(j, NULL, '{');
    grove__json_text(j, "kind", grove__word_of(kinds, GROVE__COUNT(kinds), w->kind, "unknown"));
    grove__json_text(j, "method", w->method);
    grove__json_text(j, "text", w->text);
    grove__json_ref(j, "actor", w->who);
    grove__json_number(j, "futures", w->futures);
    grove__json_number(j, "wanted", w->wanted);
    grove__json_signed(j, "until_ns", w->until_ns);
    grove__json_close(j, '}');
  }
  grove__json_close(j, ']');
  grove__json_close(j, '}');
}

void grove__json_times(grove__json *j, const grove_times *t)
{
  grove__json_open(j, "times", '{');
  grove__json_number(j, "timed", t->timed);
  grove__json_signed(j, "for_ns", t->for_ns);
  grove__json_number(j, "wait_p50_ns", t->wait_p50_ns);
  grove__json_number(j, "wait_p99_ns", t->wait_p99_ns);
  grove__json_number(j, "wait_max_ns", t->wait_max_ns);
  grove__json_number(j, "run_p50_ns", t->run_p50_ns);
  grove__json_number(j, "run_p99_ns", t->run_p99_ns);
  grove__json_number(j, "run_max_ns", t->run_max_ns);
  grove__json_close(j, '}');
}

void grove__json_methods(grove__json *j, const grove_method_info *rows, size_t n)
{
  grove__json_open(j, "methods", '[');
  for (size_t i = 0; i < n; i++) {
    const grove_method_info *m = &rows[i];
    grove__json_open(j, NULL, '{');
    grove__json_text(j, "name", m->name);
    grove__json_text(j, "argument", m->argument);
    grove__json_text(j, "reply", m->reply);
    grove__json_number(j, "at_work", m->at_work);
    grove__json_bool(j, "high", m->flags & GROVE_METHOD_HIGH);
    grove__json_bool(j, "leaf", m->flags & GROVE_METHOD_LEAF);
    grove__json_bool(j, "finish", m->flags & GROVE_METHOD_FINISH);
    grove__json_close(j, '}');
  }
  grove__json_close(j, ']');
}

void grove__json_actors(grove__json *j, const grove__reading *r)
{
  grove__json_actors_with(j, r, NULL, NULL);
}

void grove__json_actors_with(grove__json *j, const grove__reading *r, grove__json_more_fn *more, void *user)
{
  grove__json_open(j, "actors", '{');
  grove__json_number(j, "total", r->page.total);
  grove__json_number(j, "live", r->page.live);
  grove__json_number(j, "dead", r->page.dead);
  grove__json_number(j, "offset", r->page.offset);
  grove__json_open(j, "rows", '[');
  for (size_t i = 0; i < r->page.shown; i++) {
    put_actor(j, NULL, &r->actors[i]);
    if (more) {
      more(j, &r->actors[i], user);
    }
    grove__json_close(j, '}');
  }
  grove__json_close(j, ']');
  grove__json_close(j, '}');
}

void grove__json_deaths(
    grove__json *j, const grove_death *rows, size_t n, size_t total, int64_t now_ns)
{
  grove__json_open(j, "deaths", '{');
  grove__json_number(j, "total", total);
  grove__json_open(j, "rows", '[');
  for (size_t i = 0; i < n; i++) {
    const grove_death *d = &rows[i];
    grove__json_open(j, NULL, '{');
    grove__json_ref(j, "id", d->who);
    grove__json_ref(j, "parent", d->parent);
    grove__json_text(j, "class", d->class_name);
    grove__json_text(j, "name", d->name);
    grove__json_text(j, "label", d->label);
    grove__json_bool(j, "again", d->again != 0);
    grove__json_signed(j, "ago_ns", now_ns > d->when_ns ? now_ns - d->when_ns : 0);
    grove__json_number(j, "handled", d->handled);
    grove__json_number(j, "failed", d->failed);
    grove__json_number(j, "restarts", d->error.restarts);
    grove__json_signed(j, "status", d->error.status);
    grove__json_text(j, "status_text", grove_status_text(d->error.status));
    grove__json_text(j, "method", d->error.method);
    grove__json_text(j, "text", d->error.text);
    grove__json_close(j, '}');
  }
  grove__json_close(j, ']');
  grove__json_close(j, '}');
}

static void put_document(grove__emitter *e, const grove__reading *r, uint32_t parts)
{
  grove__json j;
  grove__json_begin(&j, e, r->at_ns);
  if (parts & GROVE_JSON_RUNTIME) {
    grove__json_runtime(&j, &r->stats);
  }
  if (parts & GROVE_JSON_WORKERS) {
    grove__json_workers(&j, r);
  }
  if (parts & GROVE_JSON_CLASSES) {
    grove__json_classes(&j, r);
  }
  if (parts & GROVE_JSON_ACTORS) {
    grove__json_actors(&j, r);
  }
  if (parts & GROVE_JSON_DEATHS) {
    grove__json_deaths(&j, r->deaths, r->death_count, r->death_total, r->at_ns);
  }
  if (parts & GROVE_JSON_RUNS) {
    grove__json_runs(&j, r->runs, r->run_count, r->at_ns);
  }
  grove__json_close(&j, '}');
  grove__emit_text(e, "\n");
}

grove_status grove_stats_json(
    grove *g, const grove_stats_json_options *options, grove_write_fn *write, void *user)
{
  enum { ROWS = 50, MOST = 1000 };
  grove_stats_json_options o;
  grove__reading r;
  grove__emitter e;
  GROVE__TRY(grove__options_read(&o, sizeof o, options));
  if (!write || o.rows > MOST || o.parts & ~(uint32_t)GROVE_JSON_ALL) {
    return GROVE_EINVAL;
  }
  uint32_t parts = o.parts ? o.parts : GROVE_JSON_ALL;
  grove_status s = grove__reading_take(&r, g, parts, o.actors, o.rows ? o.rows : ROWS);
  if (!s) {
    grove__emit_init(&e, write, user);
    put_document(&e, &r, parts);
    s = grove__emit_flush(&e);
  }
  grove__reading_give(&r);
  return s;
}
