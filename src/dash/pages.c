// The documents of the pages. Their parts are those of grove_stats_json; what is added here is in docs/guide/dashboard.md.
#include "dash/dash.h"
#include <grove/call.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 50, ROWS_MOST = 500, POINTS = 300 };

/// A document that is being written, and its answer.
typedef struct page {
  grove__dash *dash;
  struct MHD_Connection *connection;
  grove__dash_buffer text;
  grove__emitter to;
  grove__json json;
} page;

static void begin_text(page *p, grove__dash *d, struct MHD_Connection *c)
{
  p->dash = d;
  p->connection = c;
  p->text = (grove__dash_buffer){.memory = d->memory};
  grove__emit_init(&p->to, grove__dash_buffer_write, &p->text);
}

static void begin_page(page *p, grove__dash *d, struct MHD_Connection *c)
{
  begin_text(p, d, c);
  grove__json_begin(&p->json, &p->to, grove_now_ns(d->g));
}

static enum MHD_Result fail(struct MHD_Connection *c, grove_status s)
{
  return grove__dash_refuse(c,
      s == GROVE_EINVAL ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_SERVICE_UNAVAILABLE, "%s",
      grove_status_text(s));
}

static enum MHD_Result end_text(page *p, grove_status s, const char *type)
{
  s = s ? s : grove__emit_flush(&p->to);
  enum MHD_Result r =
      s ? fail(p->connection, s)
        : grove__dash_reply(p->connection, MHD_HTTP_OK, type, p->text.bytes, p->text.used);
  grove__dash_buffer_free(&p->text);
  return r;
}

static enum MHD_Result end_page(page *p, grove_status s)
{
  grove__json_close(&p->json, '}');
  grove__emit_text(&p->to, "\n");
  return end_text(p, s, "application/json");
}

// ---- what is asked for --------------------------------------------------------------------------------------------

static const char *argument(struct MHD_Connection *c, const char *name)
{
  const char *value = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name);
  return value && *value ? value : NULL;
}

static bool parse_number(const char *text, uint64_t most, uint64_t *out)
{
  uint64_t n = 0;
  if (!*text || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text)) {
    return false;
  }
  for (; *text; text++) {
    n = n * 10 + (uint64_t)(*text - '0');
  }
  *out = n;
  return n <= most;
}

// A number up to `most`; absent: it stays. False: it is none.
static bool read_number(struct MHD_Connection *c, const char *name, uint64_t most, uint64_t *out)
{
  const char *text = argument(c, name);
  return !text || parse_number(text, most, out);
}

static bool read_sort(const char *text, uint32_t *out)
{
  static const char *const words[] = {
      "spawned", "depth", "bytes", "oldest", "handled", "failed", "time", "restarts", "name", "busy"};
  _Static_assert(GROVE__COUNT(words) == GROVE_SORT_RECENT + 1, "a word for each");
  for (uint32_t i = 0; text && i < GROVE__COUNT(words); i++) {
    if (strcmp(text, words[i]) == 0) {
      *out = i;
      return true;
    }
  }
  return !text;
}

// "waiting,running" as bits.
static bool read_phases(const char *text, uint32_t *out)
{
  while (text && *text) {
    size_t n = strcspn(text, ",");
    uint32_t phase;
    if (!grove__phase_of_text(text, n, &phase)) {
      return false;
    }
    *out |= UINT32_C(1) << phase;
    text += n + (text[n] == ',');
  }
  return true;
}

static bool read_ref(const char *text, grove_ref *out)
{
  return !text || grove__ref_of_text(text, out);
}

/// What a page of actors is to be like, beside which.
typedef struct search {
  grove_snapshot_options which;
  uint64_t rows, times, waits, parents; // the last three: 1: of each row, too
} search;

// The name of the argument that is wrong; NULL: all is well.
static const char *read_search(struct MHD_Connection *c, search *s)
{
  uint64_t ended = 0, depth = 0, children = 0;
  grove_snapshot_options *o = &s->which;
  *s = (search){.rows = ROWS};
  *o = (grove_snapshot_options){
      GROVE_SNAPSHOT, .contains = argument(c, "q"), .class_name = argument(c, "class")};
  if (!read_number(c, "ended", 1, &ended)) {
    return "ended";
  }
  if (!read_number(c, "depth", UINT32_MAX, &depth)) {
    return "depth";
  }
  if (!read_number(c, "children", UINT32_MAX, &children)) {
    return "children";
  }
  o->min_children = (uint32_t)children;
  o->ended = (uint32_t)ended;
  o->min_depth = (uint32_t)depth;
  return !read_number(c, "offset", UINT32_MAX, &o->offset)   ? "offset"
         : !read_number(c, "rows", ROWS_MOST, &s->rows)      ? "rows"
         : !read_number(c, "times", 1, &s->times)            ? "times"
         : !read_number(c, "waits", 1, &s->waits)            ? "waits"
         : !read_number(c, "parents", 1, &s->parents)        ? "parents"
         : !read_sort(argument(c, "sort"), &o->sort)         ? "sort"
         : !read_phases(argument(c, "phase"), &o->phases)    ? "phase"
         : !read_ref(argument(c, "under"), &o->under)        ? "under"
         : !read_ref(argument(c, "parent"), &o->children_of) ? "parent"
                                                             : NULL;
}

// ---- the documents ------------------------------------------------------------------------------------------------------

static enum MHD_Result overview(grove__dash *d, struct MHD_Connection *c)
{
  grove__reading r;
  page p;
  begin_page(&p, d, c);
  grove_status s = grove__reading_take(&r, d->g, GROVE_JSON_WORKERS | GROVE_JSON_CLASSES, NULL, 0);
  if (!s) {
    grove__json_bool(&p.json, "actions", d->actions);
    grove__json_ref(&p.json, "root", grove_self(d->g));
    grove__json_runtime(&p.json, &r.stats);
    grove__json_workers(&p.json, &r);
    grove__json_classes(&p.json, &r);
    grove__history_json(&p.json, &d->history, POINTS);
  }
  grove__reading_give(&r);
  return end_page(&p, s);
}

// Of one that lives: what it waits for, and its times, which asking for them begins to take.
static void put_waits(grove__json *j, grove *g, grove_ref who)
{
  enum { WAITS = 20 };
  grove_wait_info waits[WAITS];
  size_t total = 0;
  if (!grove_waits(g, who, waits, sizeof *waits, WAITS, &total)) {
    grove__json_waits(j, waits, total < WAITS ? total : WAITS, total);
  }
}

static void put_times(grove__json *j, grove *g, grove_ref who)
{
  grove_times times = {.struct_size = sizeof times};
  if (!grove_actor_times(g, who, &times)) {
    grove__json_times(j, &times);
  }
}

// What its parent is called; nothing, if that has no name or is the root, which all know.
static void put_parent_name(grove__json *j, grove *g, grove_ref parent)
{
  grove_info a = {.struct_size = sizeof a};
  if (parent.where && !grove_ref_equal(parent, grove_self(g)) && !grove_inspect(g, parent, &a) && (a.name[0] || a.label[0])) {
    grove__json_text(j, "parent_name", a.name[0] ? a.name : a.label);
  }
}

/// For put_more.
typedef struct wish {
  grove *g;
  const search *s;
} wish;

static void put_more(grove__json *j, const grove_info *a, void *user)
{
  const wish *w = user;
  if (w->s->waits && a->phase == GROVE_PHASE_WAITING) {
    put_waits(j, w->g, a->ref);
  }
  if (w->s->times && a->phase < GROVE_PHASE_STUCK) {
    put_times(j, w->g, a->ref);
  }
  if (w->s->parents) {
    put_parent_name(j, w->g, a->parent);
  }
}

static enum MHD_Result actors(grove__dash *d, struct MHD_Connection *c)
{
  search o;
  grove__reading r;
  page p;
  const char *wrong = read_search(c, &o);
  if (wrong) {
    return grove__dash_refuse(c, MHD_HTTP_BAD_REQUEST, "%s has a value that it can't have", wrong);
  }
  begin_page(&p, d, c);
  grove_status s = grove__reading_take(&r, d->g, GROVE_JSON_ACTORS, &o.which, (size_t)o.rows);
  if (!s) {
    grove__json_actors_with(&p.json, &r, put_more, &(wish){d->g, &o});
  }
  grove__reading_give(&r);
  return end_page(&p, s);
}

static enum MHD_Result deaths(grove__dash *d, struct MHD_Connection *c)
{
  grove__reading r;
  page p;
  begin_page(&p, d, c);
  grove_status s = grove__reading_take(&r, d->g, GROVE_JSON_DEATHS, NULL, 200);
  if (!s) {
    grove__json_deaths(&p.json, r.deaths, r.death_count, r.death_total, r.at_ns);
  }
  grove__reading_give(&r);
  return end_page(&p, s);
}

static enum MHD_Result runs(grove__dash *d, struct MHD_Connection *c)
{
  grove__reading r;
  page p;
  begin_page(&p, d, c);
  grove_status s = grove__reading_take(&r, d->g, GROVE_JSON_RUNS, NULL, 0);
  if (!s) {
    grove__json_runs(&p.json, r.runs, r.run_count, r.at_ns);
  }
  grove__reading_give(&r);
  return end_page(&p, s);
}

static enum MHD_Result one_run(grove__dash *d, struct MHD_Connection *c, const char *id)
{
  uint64_t run = 0, offset = 0, rows = ROWS;
  uint32_t order = GROVE_RUN_BY_INDEX;
  grove__run_reading r;
  page p;
  const char *wrong = !read_number(c, "offset", UINT32_MAX, &offset)                  ? "offset"
                      : !read_number(c, "rows", ROWS_MOST, &rows)                     ? "rows"
                      : !grove__run_order_of_text(argument(c, "order"), &order)       ? "order"
                                                                                      : NULL;
  if (wrong) {
    return grove__dash_refuse(c, MHD_HTTP_BAD_REQUEST, "%s has a value that it can't have", wrong);
  }
  if (!parse_number(id, UINT64_MAX, &run)) {
    return grove__dash_refuse(c, MHD_HTTP_BAD_REQUEST, "this is no run's number");
  }
  begin_page(&p, d, c);
  grove_status s = grove__run_read(&r, d->g, run, order, offset, (size_t)rows);
  if (s == GROVE_ENOENT) {
    grove__run_give(&r);
    grove__dash_buffer_free(&p.text);
    return grove__dash_refuse(c, MHD_HTTP_NOT_FOUND, "there is no such run, or it is forgotten");
  }
  if (!s) {
    grove__json_run(&p.json, &r);
  }
  grove__run_give(&r);
  return end_page(&p, s);
}

// ---- events ---------------------------------------------------------------------------------------------------------------

static const char *kind_text(uint32_t kind)
{
  static const char *const words[] = {"unknown", "spawned", "started", "failed", "restarted",
      "ended", "dead letter", "dropped", "full", "slow", "deadlock", "limit", "log"};
  return words[kind < GROVE__COUNT(words) ? kind : 0];
}

static void put_event(grove__json *j, const grove_event *e, int64_t now_ns)
{
  grove__json_open(j, NULL, '{');
  grove__json_number(j, "serial", e->serial);
  grove__json_text(j, "kind", kind_text(e->kind));
  grove__json_signed(j, "ago_ns", now_ns > e->at_ns ? now_ns - e->at_ns : 0);
  grove__json_ref(j, "id", e->who);
  grove__json_text(j, "class", e->class_name);
  grove__json_text(j, "name", e->name);
  grove__json_text(j, "method", e->method);
  grove__json_signed(j, "value", e->value);
  grove__json_signed(j, "status", e->status);
  grove__json_text(j, "status_text", grove_status_text(e->status));
  grove__json_text(j, "text", e->text);
  grove__json_close(j, '}');
}

// Those from the log's place `from` on, of one actor (nobody: of all), the oldest first.
static void put_events(
    grove__json *j, const grove__dash *d, uint64_t from, grove_ref who, int64_t now_ns)
{
  uint64_t oldest = d->log_count > GROVE__DASH_LOGS - 1 ? d->log_count - (GROVE__DASH_LOGS - 1) : 0;
  grove__json_open(j, "events", '[');
  for (uint64_t i = from > oldest ? from : oldest; i < d->log_count; i++) {
    const grove_event *e = &d->logs[i % GROVE__DASH_LOGS];
    if (!who.where || grove_ref_equal(who, e->who) || grove_ref_equal(who, e->parent)) {
      put_event(j, e, now_ns);
    }
  }
  grove__json_close(j, ']');
}

static enum MHD_Result logs(grove__dash *d, struct MHD_Connection *c)
{
  page p;
  begin_page(&p, d, c);
  grove__json_number(&p.json, "lost", d->log_lost);
  put_events(&p.json, d, 0, GROVE_NOBODY, grove_now_ns(d->g));
  return end_page(&p, GROVE_OK);
}

// One line of server-sent events: "event: NAME\ndata: {…}\n\n"; the JSON has no line end in it.
static void begin_line(page *p, grove__dash *d, const char *name)
{
  begin_text(p, d, NULL);
  grove__emit_text(&p->to, "event: ");
  grove__emit_text(&p->to, name);
  grove__emit_text(&p->to, "\ndata: ");
  grove__json_begin(&p->json, &p->to, grove_now_ns(d->g));
}

static grove_status end_line(page *p, grove_status s, grove__dash_buffer *out)
{
  grove__json_close(&p->json, '}');
  grove__emit_text(&p->to, "\n\n");
  s = s ? s : grove__emit_flush(&p->to);
  s = s ? s : grove__dash_buffer_write(out, p->text.bytes, p->text.used);
  grove__dash_buffer_free(&p->text);
  return s;
}

grove_status grove__dash_log_text(grove__dash *d, uint64_t *serial, grove__dash_buffer *out)
{
  page p;
  if (*serial >= d->log_count) {
    return GROVE_OK;
  }
  begin_line(&p, d, "log");
  grove__json_number(&p.json, "lost", d->log_lost);
  put_events(&p.json, d, *serial, GROVE_NOBODY, grove_now_ns(d->g));
  grove_status s = end_line(&p, GROVE_OK, out);
  if (!s) {
    *serial = d->log_count;
  }
  return s;
}

grove_status grove__dash_tick_text(grove__dash *d, grove__dash_buffer *out)
{
  grove__reading r;
  page p;
  begin_line(&p, d, "tick");
  grove_status s = grove__reading_take(&r, d->g, GROVE_JSON_WORKERS | GROVE_JSON_RUNS, NULL, 0);
  if (!s) {
    grove__json_ref(&p.json, "root", grove_self(d->g)); // another one: another process
    grove__json_runtime(&p.json, &r.stats);
    grove__json_workers(&p.json, &r);
    grove__json_runs(&p.json, r.runs, r.run_count, r.at_ns);
    grove__history_json_last(&p.json, "sample", &d->history);
  }
  grove__reading_give(&r);
  return end_line(&p, s, out);
}

// ---- one actor --------------------------------------------------------------------------------------------------------------

// What it can be asked.
static void put_methods(page *p, grove_ref who)
{
  enum { METHODS = 64 };
  grove_method_info methods[METHODS];
  size_t total = 0;
  if (!grove_methods(p->dash->g, who, methods, sizeof *methods, METHODS, &total)) {
    grove__json_methods(&p->json, methods, total < METHODS ? total : METHODS);
  }
}

static grove_status put_actor(page *p, const grove_info *a, grove_ref who)
{
  grove__dash *d = p->dash;
  grove_info parent = {.struct_size = sizeof parent};
  grove_snapshot_options o = {GROVE_SNAPSHOT, .children_of = who, .ended = 1};
  grove_death *death = grove__alloc_array(d->memory, ROWS, sizeof *death);
  grove__reading r;
  size_t total = 0;
  if (!death) {
    return GROVE_ENOMEM;
  }
  grove_status s = grove__reading_take(&r, d->g, GROVE_JSON_ACTORS | GROVE_JSON_CLASSES, &o, ROWS);
  s = s ? s : grove_deaths(d->g, who, death, sizeof *death, ROWS, &total);
  if (!s) {
    grove__json_actor(&p->json, "actor", a);
    if (a->parent.where && grove_inspect(d->g, a->parent, &parent) == GROVE_OK) {
      grove__json_actor(&p->json, "parent", &parent);
    }
    put_methods(p, who);
    put_waits(&p->json, d->g, who);
    put_times(&p->json, d->g, who);
    grove__json_actors(&p->json, &r); // its children
    grove__reading_keep_class(&r, a->class_name);
    grove__json_classes(&p->json, &r);
    grove__json_deaths(&p->json, death, total < ROWS ? total : ROWS, total, r.at_ns);
    put_events(&p->json, d, 0, who, r.at_ns);
  }
  grove__reading_give(&r);
  grove__free(d->memory, death, ROWS * sizeof *death);
  return s;
}

static enum MHD_Result actor(grove__dash *d, struct MHD_Connection *c, const char *id)
{
  grove_info a = {.struct_size = sizeof a};
  grove_ref who;
  page p;
  if (!grove__ref_of_text(id, &who)) {
    return grove__dash_refuse(c, MHD_HTTP_BAD_REQUEST, "this is no actor's id");
  }
  grove_status s = grove_inspect(d->g, who, &a);
  if (s == GROVE_ENOACTOR) {
    return grove__dash_refuse(c, MHD_HTTP_NOT_FOUND, "this actor is gone, and forgotten");
  }
  begin_page(&p, d, c);
  return end_page(&p, s ? s : put_actor(&p, &a, who));
}

static enum MHD_Result say_asked(grove__dash *d, struct MHD_Connection *c)
{
  page p;
  begin_page(&p, d, c);
  grove__json_bool(&p.json, "asked", true);
  return end_page(&p, GROVE_OK);
}

// Ends it in an orderly way; its parent's policy is not asked, as for any grove_exit.
static enum MHD_Result stop_actor(grove__dash *d, struct MHD_Connection *c, const char *id)
{
  enum { GRACE_MS = 5000 };
  grove_info a = {.struct_size = sizeof a};
  grove_ref who;
  if (!grove__ref_of_text(id, &who) || grove_inspect(d->g, who, &a) != GROVE_OK ||
      a.phase >= GROVE_PHASE_STUCK) {
    return grove__dash_refuse(c, MHD_HTTP_NOT_FOUND, "there is no such actor");
  }
  if (grove_ref_equal(who, grove_self(d->g))) {
    return grove__dash_refuse(
        c, MHD_HTTP_FORBIDDEN, "this would end the runtime, which is its host's to end");
  }
  grove_drop(d->g, grove_exit(d->g, who, GRACE_MS));
  return say_asked(d, c);
}

// By its parent's policy, as after a failure.
static enum MHD_Result restart_actor(grove__dash *d, struct MHD_Connection *c, const char *id)
{
  grove_ref who;
  grove_status s = grove__ref_of_text(id, &who) ? grove_restart(d->g, who, "it was restarted from the dashboard")
                                                : GROVE_ENOACTOR;
  if (s == GROVE_ENOTSUP) {
    return grove__dash_refuse(c, MHD_HTTP_CONFLICT, "it would not start again: it is temporary, the root, or to end");
  }
  return s ? grove__dash_refuse(c, MHD_HTTP_NOT_FOUND, "there is no such actor") : say_asked(d, c);
}

// ---- the way there -------------------------------------------------------------------------------------------------------------

enum MHD_Result grove__dash_metrics(grove__dash *d, struct MHD_Connection *c)
{
  uint64_t n = 0;
  page p;
  if (!read_number(c, "actors", GROVE_METRICS_ACTORS, &n)) {
    return grove__dash_refuse(
        c, MHD_HTTP_BAD_REQUEST, "actors is a number up to %d", (int)GROVE_METRICS_ACTORS);
  }
  begin_text(&p, d, c);
  grove_metrics_options o = {
      GROVE_METRICS, .actors = (uint32_t)n, .class_name = argument(c, "class")};
  grove_status s = grove_metrics_text(d->g, &o, grove__dash_buffer_write, &p.text);
  return end_text(&p, s, "text/plain; version=0.0.4; charset=utf-8");
}

enum MHD_Result grove__dash_document(
    grove__dash *d, struct MHD_Connection *c, const char *path, bool post)
{
  static const struct {
    const char *path;
    enum MHD_Result (*give)(grove__dash *d, struct MHD_Connection *c);
  } documents[] = {{"overview", overview}, {"actors", actors}, {"deaths", deaths}, {"logs", logs}, {"runs", runs},
      {"stream", grove__dash_stream_open}, {"timeline", grove__dash_timeline}};
  const char *id = strncmp(path, "actors/", 7) == 0 ? path + 7 : NULL;
  const char *action = id ? strchr(id, '/') : NULL;
  bool stop = action && strcmp(action, "/stop") == 0, restart = action && strcmp(action, "/restart") == 0;
  if (post && (stop || restart) && action - id < 40) {
    char who[40];
    snprintf(who, sizeof who, "%.*s", (int)(action - id), id);
    return stop ? stop_actor(d, c, who) : restart_actor(d, c, who);
  }
  if (post) {
    return grove__dash_refuse(c, MHD_HTTP_NOT_FOUND, "there is no such action");
  }
  for (size_t i = 0; i < GROVE__COUNT(documents); i++) {
    if (strcmp(path, documents[i].path) == 0) {
      return documents[i].give(d, c);
    }
  }
  if (strncmp(path, "runs/", 5) == 0) {
    return one_run(d, c, path + 5);
  }
  return id ? actor(d, c, id)
            : grove__dash_refuse(c, MHD_HTTP_NOT_FOUND, "there is no document of that name");
}
