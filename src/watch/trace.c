#include "watch/trace.h"
#include "base/options.h"
#include <stdio.h>

static const grove_allocator *const memory = &grove__allocator_malloc; // it may outlive the runtime

enum { SPAN_ROOM = 65536, NAMES = 65536, AT_ONCE = 64 };

void *grove__rows_add(grove__rows *r)
{
  if (r->count == r->room) {
    size_t room = r->room ? 2 * r->room : 64;
    void *more = room <= UINT32_MAX / 2 ? grove__realloc(memory, r->at, r->room * r->each, room * r->each) : NULL;
    if (!more) {
      return NULL;
    }
    r->at = more;
    r->room = room;
  }
  char *place = (char *)r->at + r->count++ * r->each;
  memset(place, 0, r->each);
  return place;
}

void grove__rows_free(grove__rows *r)
{
  grove__free(memory, r->at, r->room * r->each);
  r->at = NULL;
  r->count = r->room = 0;
}

int grove__trace_compare_ref(grove_ref a, grove_ref b)
{
  return a.where != b.where ? (a.where < b.where ? -1 : 1) : a.which != b.which ? (a.which < b.which ? -1 : 1) : 0;
}

// ---- names --------------------------------------------------------------------------------------------

static grove_status add_name(grove_trace *t, grove_ref who, const char *name)
{
  if (!name[0] || !who.where) {
    return GROVE_OK;
  }
  grove__trace_name *n = grove__rows_add(&t->names);
  if (!n) {
    return GROVE_ENOMEM;
  }
  n->who = who;
  snprintf(n->text, sizeof n->text, "%s", name);
  return GROVE_OK;
}

// Those that live already, the oldest first; who comes later is told by its events. One walk, and of each row only what
// ends with the label: of 65536 that is 18 MB for as long as it takes.
static grove_status name_living(grove_trace *t, grove *g, size_t most)
{
  enum { SHORT_ROW = offsetof(grove_info, state) };
  _Static_assert(SHORT_ROW % _Alignof(grove_info) == 0, "rows stand right");
  size_t total = 0;
  grove_snapshot_options o = {GROVE_SNAPSHOT};
  GROVE__TRY(grove_snapshot(g, &o, NULL, SHORT_ROW, 0, &total));
  size_t room = total < most ? total : most;
  char *rows = grove__alloc_array(memory, room, SHORT_ROW);
  if (!rows) {
    return room ? GROVE_ENOMEM : GROVE_OK;
  }
  grove_status s = grove_snapshot(g, &o, (grove_info *)(void *)rows, SHORT_ROW, room, &total);
  for (size_t i = 0; !s && i < total && i < room; i++) {
    const grove_info *row = (const grove_info *)(const void *)(rows + i * SHORT_ROW);
    s = add_name(t, row->ref, row->name[0] ? row->name : row->label);
  }
  grove__free(memory, rows, room * SHORT_ROW);
  return s;
}

// ---- beginning and end -----------------------------------------------------------------------------------

static void free_trace(grove_trace *t)
{
  grove_feed_close(t->feed);
  grove__rows_free(&t->spans);
  grove__rows_free(&t->marks);
  grove__rows_free(&t->names);
  grove__rows_free(&t->tracks);
  grove__rows_free(&t->events);
  grove__free(memory, t, sizeof *t);
}

grove_status grove_trace_start(grove *g, const grove_trace_options *options, grove_trace **out)
{
  grove_trace_options o;
  if (!out) {
    return GROVE_EINVAL;
  }
  *out = NULL;
  GROVE__TRY(grove__options_read(&o, sizeof o, options));
  if (!g) {
    return GROVE_EINVAL;
  }
  grove_trace *t = grove__alloc_zero(memory, sizeof *t);
  if (!t) {
    return GROVE_ENOMEM;
  }
  t->spans.each = sizeof(grove_span);
  t->marks.each = sizeof(grove_event);
  t->names.each = sizeof(grove__trace_name);
  t->tracks.each = sizeof(grove__trace_track);
  t->events.each = sizeof(grove__trace_event);
  grove_feed_options f = {GROVE_FEED,
      .events = 1u << GROVE_EVENT_STARTED | 1u << GROVE_EVENT_FAILED | 1u << GROVE_EVENT_RESTARTED |
                1u << GROVE_EVENT_SLOW | 1u << GROVE_EVENT_DEADLOCK,
      .spans = o.spans ? o.spans : (uint32_t)GROVE_SPANS_ALL,
      .span_room = o.span_room ? o.span_room : (uint32_t)SPAN_ROOM};
  grove_status s = grove_feed_open(g, &f, &t->feed);
  s = s ? s : name_living(t, g, o.names ? o.names : (size_t)NAMES);
  if (s) {
    free_trace(t);
    return s;
  }
  grove_stats stats = {.struct_size = sizeof stats};
  t->most = grove_stats_get(g, &stats) ? SIZE_MAX : ((size_t)stats.workers + 1) * f.span_room;
  t->begun_ns = grove_now_ns(g);
  *out = t;
  return GROVE_OK;
}

static grove_status gather_spans(grove_trace *t)
{
  grove_span few[AT_ONCE];
  size_t n = 0;
  grove_feed_finish(t->feed); // a runtime that is at work would go on telling
  do {
    GROVE__TRY(grove_feed_spans(t->feed, few, sizeof *few, AT_ONCE, &n, &t->lost));
    for (size_t i = 0; i < n; i++) {
      grove_span *s = grove__rows_add(&t->spans);
      if (!s) {
        return GROVE_ENOMEM;
      }
      *s = few[i];
      s->begin_ns = s->begin_ns > t->begun_ns ? s->begin_ns - t->begun_ns : 0; // what was queued before
      s->end_ns = s->end_ns > t->begun_ns ? s->end_ns - t->begun_ns : 0;
      s->end_ns = s->end_ns > s->begin_ns ? s->end_ns : s->begin_ns;
    }
  } while (n && t->spans.count < t->most); // other feeds may keep the rings moving
  return GROVE_OK;
}

static grove_status gather_events(grove_trace *t)
{
  grove_event e;
  size_t n = 0;
  uint64_t missed;
  for (;;) {
    GROVE__TRY(grove_feed_events(t->feed, &e, sizeof e, 1, &n, &missed));
    if (!n) {
      return GROVE_OK;
    }
    if (e.kind == GROVE_EVENT_STARTED) {
      GROVE__TRY(add_name(t, e.who, e.name));
      continue;
    }
    grove_event *mark = grove__rows_add(&t->marks);
    if (!mark) {
      return GROVE_ENOMEM;
    }
    *mark = e;
    mark->at_ns = e.at_ns > t->begun_ns ? e.at_ns - t->begun_ns : 0;
  }
}

grove_status grove_trace_stop(grove_trace *t, grove_write_fn *write, void *user, grove_trace_summary *summary)
{
  grove_status s = GROVE_OK;
  if (!t) {
    return GROVE_EINVAL;
  }
  if (write) {
    s = gather_spans(t);
    s = s ? s : gather_events(t);
    grove_feed_close(t->feed); // what comes of writing is not recorded
    t->feed = NULL;
    s = s ? s : grove__trace_arrange(t);
    s = s ? s : grove__trace_put(t, write, user);
  }
  if (summary && !s) {
    grove_trace_summary full = {.tracks = (uint32_t)t->tracks.count,
        .spans = t->spans.count,
        .flows = t->flows,
        .lost = t->lost};
    s = grove__stats_write(summary, sizeof full, &full);
  }
  free_trace(t);
  return s;
}
