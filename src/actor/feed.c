#include "actor/feed.h"
#include "actor/activation.h"
#include "base/options.h"

struct grove_feed {
  grove__hub *hub;
  uint32_t wanted;
  bool finished; // it wants no more
  grove__ring_cursor events;
  uint32_t lines;
  grove__ring_cursor spans[]; // of each line
};

enum { EVENT_ROOM = 4096, SPAN_ROOM = 16384, ROOM_MOST = 1 << 24 };

/// An event and a span as words.
typedef struct event_words {
  int64_t at, value;
  uint32_t kind, restarts;
  int64_t status;
  grove_ref who, parent;
  char class_name[40], name[64], method[40], text[128];
} event_words;
typedef struct span_words {
  int64_t begin, end;
  grove_ref who, other;
  uint64_t flow;
  uint32_t kind, thread;
  char name[40], class_name[40];
} span_words;
enum {
  EVENT_WORDS = sizeof(event_words) / sizeof(uint64_t),
  SPAN_WORDS = sizeof(span_words) / sizeof(uint64_t)
};
_Static_assert(sizeof(event_words) % sizeof(uint64_t) == 0, "a row of words");
_Static_assert(sizeof(span_words) % sizeof(uint64_t) == 0, "a row of words");

static const grove_allocator *memory_of(const grove__hub *h)
{
  return grove__memory_of(h->ledger->memory, GROVE__MEMORY_WATCH);
}

static void copy_text(char *out, size_t room, const char *text)
{
  (void)grove__text_add(out, room, 0, text, room);
}

// ---- telling ---------------------------------------------------------------------------------------------

static grove__hub *hub_of(grove__system *y)
{
  // ORDER acquire: the rings are there. PAIRS open_hub.
  return atomic_load_explicit(&y->hub, memory_order_acquire);
}

static void put_event(grove__system *y, const event_words *e)
{
  uint64_t words[EVENT_WORDS];
  memcpy(words, e, sizeof words);
  grove__ring_put(&hub_of(y)->events, words);
}

void grove__event_put_of(grove__system *y, uint32_t kind, grove_ref who, const char *class_name,
    const char *name, grove_status status, int64_t value, const char *method, const char *text)
{
  event_words e = {.at = grove__now(y), .kind = kind, .who = who, .status = status, .value = value};
  copy_text(e.class_name, sizeof e.class_name, class_name);
  copy_text(e.name, sizeof e.name, name);
  copy_text(e.method, sizeof e.method, method);
  copy_text(e.text, sizeof e.text, text);
  put_event(y, &e);
}

void grove__event_put(grove__system *y, uint32_t kind, const grove__cell *c, grove_status status,
    int64_t value, const char *method, const char *text)
{
  if (!c) {
    grove__event_put_of(y, kind, GROVE_NOBODY, NULL, NULL, status, value, method, text);
    return;
  }
  event_words e = {.at = grove__now(y),
      .kind = kind,
      .who = grove__cell_ref(c),
      .status = status,
      .value = value,
      .restarts = grove__cell_restarts(c)}; // for people
  e.parent = grove__cell_parent(c);
  copy_text(e.class_name, sizeof e.class_name, grove__cell_class(c)->name);
  copy_text(e.name, sizeof e.name, grove__cell_called(c));
  copy_text(e.method, sizeof e.method, method);
  copy_text(e.text, sizeof e.text, text);
  put_event(y, &e);
}

void grove__span_put(grove__system *y, const grove__worker *w, uint32_t kind, const grove__cell *c,
    grove_ref other, uint64_t flow, int64_t begin, int64_t end, const char *name)
{
  grove__hub *h = hub_of(y);
  uint32_t line = w ? w->line : 0;
  // ORDER acquire: the rings of spans are there. PAIRS want_locked.
  if (!(atomic_load_explicit(&y->wanted, memory_order_acquire) & GROVE__WANTED_SPAN(kind))) {
    return;
  }
  span_words s = {.begin = begin,
      .end = end > begin ? end : begin,
      .other = other,
      .flow = flow,
      .kind = kind,
      .thread = line};
  uint64_t words[SPAN_WORDS];
  if (c) {
    s.who = grove__cell_ref(c);
    copy_text(s.class_name, sizeof s.class_name, grove__cell_class(c)->name);
  }
  copy_text(s.name, sizeof s.name, name);
  memcpy(words, &s, sizeof words);
  grove__ring_put(&h->spans[line < h->lines ? line : 0], words);
}

uint64_t grove__flow_new(grove__system *y)
{
  // Relaxed: a serial number.
  return atomic_fetch_add_explicit(&hub_of(y)->flows, 1, memory_order_relaxed) + 1;
}

// ---- the hub ---------------------------------------------------------------------------------------------

static void free_spans(grove__hub *h)
{
  for (uint32_t i = 0; i < h->lines; i++) {
    grove__ring_deinit(&h->spans[i], memory_of(h));
  }
  grove__free(memory_of(h), h->spans, h->lines * sizeof *h->spans);
  h->spans = NULL;
  h->lines = 0;
}

static void let_go(grove__hub *h)
{
  // ORDER acq_rel: all others are done with it before the last frees. PAIRS itself.
  if (atomic_fetch_sub_explicit(&h->count, 1, memory_order_acq_rel) != 1) {
    return;
  }
  grove__ledger *l = h->ledger;
  free_spans(h);
  grove__ring_deinit(&h->events, memory_of(h));
  grove__mutex_deinit(&h->lock);
  grove__free(memory_of(h), h, sizeof *h);
  grove__ledger_let_go(l);
}

static grove_status make_hub(grove__system *y, uint32_t room, grove__hub **out)
{
  const grove_allocator *a = grove__memory_of(y->memory, GROVE__MEMORY_WATCH);
  grove__hub *h = grove__alloc_zero(a, sizeof *h);
  if (!h) {
    return GROVE_ENOMEM;
  }
  h->ledger = y->ledger;
  h->system = y;
  grove_status s = grove__mutex_init(&h->lock);
  if (!s) {
    s = grove__ring_init(&h->events, a, EVENT_WORDS, room ? room : EVENT_ROOM);
    if (s) {
      grove__mutex_deinit(&h->lock);
    }
  }
  if (s) {
    grove__free(a, h, sizeof *h);
    return s;
  }
  atomic_init(&h->count, 1);                                             // the runtime's
  atomic_fetch_add_explicit(&y->ledger->count, 1, memory_order_relaxed); // the runtime's keeps it
  *out = h;
  return GROVE_OK;
}

// The runtime's hub, made by whoever comes first.
static grove_status open_hub(grove__system *y, uint32_t room, grove__hub **out)
{
  *out = hub_of(y);
  if (*out) {
    return GROVE_OK;
  }
  grove__hub *none = NULL;
  GROVE__TRY(make_hub(y, room, out));
  // ORDER acq_rel: publishes the hub. PAIRS hub_of.
  if (!atomic_compare_exchange_strong_explicit(
          &y->hub, &none, *out, memory_order_acq_rel, memory_order_acquire)) {
    let_go(*out); // somebody else's was first
    *out = none;
  }
  return GROVE_OK;
}

static grove_status make_spans_locked(grove__hub *h, uint32_t lines, uint32_t room)
{
  if (h->lines) {
    return GROVE_OK;
  }
  h->spans = grove__alloc_zero(memory_of(h), lines * sizeof *h->spans);
  if (!h->spans) {
    return GROVE_ENOMEM;
  }
  grove_status s = GROVE_OK;
  for (uint32_t i = 0; i < lines && !s; i++) {
    s = grove__ring_init(&h->spans[i], memory_of(h), SPAN_WORDS, room ? room : SPAN_ROOM);
  }
  if (s) {
    for (uint32_t i = 0; i < lines; i++) {
      if (h->spans[i].slot) {
        grove__ring_deinit(&h->spans[i], memory_of(h));
      }
    }
    grove__free(memory_of(h), h->spans, lines * sizeof *h->spans);
    h->spans = NULL;
    return s;
  }
  h->lines = lines;
  return GROVE_OK;
}

uint64_t grove__hub_leave(grove__system *y)
{
  grove__hub *h = hub_of(y);
  if (!h) {
    return 0;
  }
  grove__mutex_lock(&h->lock);
  h->system = NULL;
  grove__mutex_unlock(&h->lock);
  atomic_store_explicit(&y->hub, NULL, memory_order_relaxed); // no other thread of it is left
  let_go(h);
  // With feeds that are still open it stays, and only they can say how large it is: all that is left of this part.
  return grove__memory_bytes(y->memory, GROVE__MEMORY_WATCH);
}

void grove__hub_forget(grove__system *y)
{
  grove__hub *h = hub_of(y);
  if (h && !grove__mutex_init(&h->lock)) { // a thread of the parent may have held it
    h->system = NULL;
    let_go(h);
  }
}

// With the hub's lock. `wanted` is the sum of all feeds'.
static void want_locked(grove__hub *h, uint32_t bits, bool more)
{
  uint32_t sum = 0;
  for (int i = 0; i < 32; i++) {
    if (bits >> i & 1) {
      h->feeds[i] += more ? 1 : UINT32_MAX;
    }
    sum |= h->feeds[i] ? UINT32_C(1) << i : 0;
  }
  if (h->system) {
    // ORDER release: the rings of spans, which were made before. PAIRS grove__span_put.
    uint32_t always = atomic_load_explicit(&h->system->wanted, memory_order_relaxed) & GROVE__WANTED_COUNTS;
    atomic_store_explicit(&h->system->wanted, sum | always, memory_order_release);
  }
}

// ---- feeds -------------------------------------------------------------------------------------------------

static uint32_t bits_of(const grove_feed_options *o)
{
  return (o->events & 0xffffu) | o->spans << GROVE__SPAN_SHIFT;
}

static grove_status begin(
    grove__system *y, grove__hub *h, const grove_feed_options *o, grove_feed **out)
{
  uint32_t lines = o->spans ? 1 + grove__sched_width(&y->sched) : 0;
  grove_feed *f = grove__alloc_zero(memory_of(h), sizeof *f + lines * sizeof *f->spans);
  if (!f) {
    return GROVE_ENOMEM;
  }
  f->hub = h;
  f->lines = lines;
  f->wanted = bits_of(o);
  grove__mutex_lock(&h->lock);
  grove_status s = lines ? make_spans_locked(h, lines, o->span_room) : GROVE_OK;
  if (!s) {
    grove__ring_follow(&h->events, &f->events);
    for (uint32_t i = 0; i < lines; i++) {
      grove__ring_follow(&h->spans[i], &f->spans[i]);
    }
    want_locked(h, f->wanted, true);
  }
  grove__mutex_unlock(&h->lock);
  if (s) {
    grove__free(memory_of(h), f, sizeof *f + lines * sizeof *f->spans);
    return s;
  }
  atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed); // the runtime's keeps it
  *out = f;
  return GROVE_OK;
}

grove_status grove_feed_open(grove *g, const grove_feed_options *options, grove_feed **out)
{
  grove__system *y;
  grove__activation *here;
  grove__hub *h;
  grove_feed_options o;
  if (!out) {
    return GROVE_EINVAL;
  }
  *out = NULL;
  GROVE__TRY(grove__enter(g, &y, &here));
  GROVE__TRY(grove__options_read(&o, sizeof o, options));
  if (!o.events && !o.spans) {
    o.events = GROVE_EVENTS_ALL;
  }
  if (o.events & ~(uint32_t)GROVE_EVENTS_ALL || o.spans & ~(uint32_t)GROVE_SPANS_ALL ||
      o.event_room > ROOM_MOST || o.span_room > ROOM_MOST) {
    return GROVE_EINVAL;
  }
  GROVE__TRY(open_hub(y, o.event_room, &h));
  return begin(y, h, &o, out);
}

void grove_feed_finish(grove_feed *f)
{
  if (f && !f->finished) {
    f->finished = true;
    grove__mutex_lock(&f->hub->lock);
    want_locked(f->hub, f->wanted, false);
    grove__mutex_unlock(&f->hub->lock);
  }
}

void grove_feed_close(grove_feed *f)
{
  if (!f) {
    return;
  }
  grove__hub *h = f->hub;
  grove_feed_finish(f);
  grove__free(memory_of(h), f, sizeof *f + f->lines * sizeof *f->spans);
  let_go(h);
}

static void put_event_out(void *out, size_t each, size_t i, uint64_t serial, const event_words *e)
{
  grove_event full = {.kind = e->kind,
      .serial = serial,
      .at_ns = e->at,
      .who = e->who,
      .parent = e->parent,
      .value = e->value,
      .status = (int32_t)e->status,
      .restarts = e->restarts};
  memcpy(full.class_name, e->class_name, sizeof full.class_name);
  memcpy(full.name, e->name, sizeof full.name);
  memcpy(full.method, e->method, sizeof full.method);
  memcpy(full.text, e->text, sizeof full.text);
  grove__stats_write_row(out, each, i, sizeof full, &full);
}

grove_status grove_feed_events(
    grove_feed *f, grove_event *out, size_t each, size_t room, size_t *n, uint64_t *lost)
{
  uint64_t words[EVENT_WORDS];
  if (!f || !n || !lost || !grove__stats_rows_fit(out, each, room)) {
    return GROVE_EINVAL;
  }
  for (*n = 0; *n < room && grove__ring_next(&f->hub->events, &f->events, words);) {
    event_words e;
    memcpy(&e, words, sizeof e);
    if (f->wanted & GROVE__WANTED_EVENT(e.kind)) {
      put_event_out(out, each, (*n)++, f->events.at, &e);
    }
  }
  *lost = f->events.lost;
  return GROVE_OK;
}

static void put_span_out(void *out, size_t each, size_t i, const span_words *s)
{
  grove_span full = {.kind = s->kind,
      .thread = s->thread,
      .begin_ns = s->begin,
      .end_ns = s->end,
      .who = s->who,
      .other = s->other,
      .flow = s->flow};
  memcpy(full.name, s->name, sizeof full.name);
  memcpy(full.class_name, s->class_name, sizeof full.class_name);
  grove__stats_write_row(out, each, i, sizeof full, &full);
}

grove_status grove_feed_spans(
    grove_feed *f, grove_span *out, size_t each, size_t room, size_t *n, uint64_t *lost)
{
  uint64_t words[SPAN_WORDS];
  if (!f || !n || !lost || !grove__stats_rows_fit(out, each, room)) {
    return GROVE_EINVAL;
  }
  *n = 0;
  *lost = 0;
  for (uint32_t i = 0; i < f->lines; i++) {
    while (*n < room && grove__ring_next(&f->hub->spans[i], &f->spans[i], words)) {
      span_words s;
      memcpy(&s, words, sizeof s);
      if (f->wanted & GROVE__WANTED_SPAN(s.kind)) {
        put_span_out(out, each, (*n)++, &s);
      }
    }
    *lost += f->spans[i].lost;
  }
  return GROVE_OK;
}

// ---- spans of an application ----------------------------------------------------------------------------------

int64_t grove_span_begin(grove *g)
{
  grove__system *y = grove__system_of(g);
  if (!y || !grove__wants(y, GROVE__WANTED_SPAN(GROVE_SPAN_USER))) {
    return 0;
  }
  int64_t now = grove__now(y);
  return now ? now : 1;
}

void grove_span_end(grove *g, int64_t begun, const char *name)
{
  grove__system *y;
  grove__activation *here;
  if (!begun || grove__enter(g, &y, &here) ||
      !grove__wants(y, GROVE__WANTED_SPAN(GROVE_SPAN_USER))) {
    return;
  }
  grove__span_put(y, here ? here->worker : NULL, GROVE_SPAN_USER, here ? here->cell : NULL,
      GROVE_NOBODY, 0, begun, grove__now(y), name ? name : "");
}
