// Spans become tracks. Within a track slices nest: what begins later ends no later. An actor whose methods overlap gets a
// second track, and so on. What a worker runs of a method is what is left when its waits are cut out.
//
// The order of the file: by time; at the same time a send stands before the method that it begins, though they are of two
// tracks. A message's number (flow) is larger than that of whatever its sender was begun by, so `key`, twice the number for
// sends and one more for methods, and never falling within a track, is such an order. Where it is not (times that tie in
// simulation), the flow is left out, both ends of it.
#include "watch/trace.h"
#include <stdlib.h>

enum { DEEPEST = 32 };

/// What is to be placed in a group: an actor, or a worker.
typedef struct item {
  grove_ref who; // of actors
  uint32_t line; // of workers; and of those that nobody does
  uint32_t span;
  int64_t begin, end;
  uint8_t kind; // GROVE_SPAN_*
} item;

/// A track that is being filled.
typedef struct lane {
  uint32_t track;
  uint64_t key;
  uint32_t depth;
  struct {
    int64_t end, piece_begin; // piece_begin: since when a worker runs it
    uint32_t span, piece_line;
    uint8_t kind;
  } open[DEEPEST];
} lane;

typedef struct builder {
  grove_trace *t;
  uint32_t process;
  grove__rows lanes;  // of the group at hand
  grove__rows pieces; // item: what workers ran
} builder;

// Its worker does something else meanwhile.
static bool is_pause(uint8_t kind)
{
  return kind == GROVE_SPAN_WAIT || kind == GROVE_SPAN_YIELD;
}

static const grove_span *span_at(const grove_trace *t, uint32_t i)
{
  return (const grove_span *)t->spans.at + i;
}

// ---- events ---------------------------------------------------------------------------------------------

static grove_status add_event(builder *b, lane *l, uint8_t what, int64_t at, uint64_t key, uint32_t of)
{
  grove__trace_event *e = grove__rows_add(&b->t->events);
  if (!e) {
    return GROVE_ENOMEM;
  }
  l->key = key > l->key ? key : l->key;
  *e = (grove__trace_event){.at = at,
      .key = l->key,
      .serial = (uint32_t)b->t->events.count,
      .item = of,
      .track = l->track,
      .what = what,
      .piece = b->process == GROVE__TRACE_WORKERS};
  return GROVE_OK;
}

static grove_status add_piece(builder *b, uint32_t span, uint32_t line, int64_t begin, int64_t end)
{
  if (!line || b->process != GROVE__TRACE_ACTORS || end <= begin) {
    return GROVE_OK;
  }
  item *i = grove__rows_add(&b->pieces);
  if (!i) {
    return GROVE_ENOMEM;
  }
  *i = (item){.line = line, .span = span, .begin = begin, .end = end, .kind = GROVE_SPAN_METHOD};
  return GROVE_OK;
}

// Ends the innermost slice of a lane.
static grove_status close_one(builder *b, lane *l)
{
  l->depth--;
  uint32_t span = l->open[l->depth].span;
  if (l->open[l->depth].kind == GROVE_SPAN_METHOD) {
    GROVE__TRY(add_piece(b, span, span_at(b->t, span)->thread, l->open[l->depth].piece_begin, l->open[l->depth].end));
  }
  return add_event(b, l, GROVE__TRACE_END, l->open[l->depth].end, 0, span);
}

static grove_status close_until(builder *b, lane *l, int64_t at, bool also_at)
{
  while (l->depth && (l->open[l->depth - 1].end < at || (also_at && l->open[l->depth - 1].end == at))) {
    GROVE__TRY(close_one(b, l));
  }
  return GROVE_OK;
}

// ---- placing ----------------------------------------------------------------------------------------------

static grove_status add_lane(builder *b, const item *i, lane **out)
{
  lane *l = grove__rows_add(&b->lanes);
  grove__trace_track *k = l ? grove__rows_add(&b->t->tracks) : NULL;
  if (!k) {
    return GROVE_ENOMEM;
  }
  *k = (grove__trace_track){.process = i->who.where ? GROVE__TRACE_ACTORS : GROVE__TRACE_WORKERS,
      .lane = (uint32_t)b->lanes.count - 1,
      .line = i->line,
      .who = i->who,
      .span = i->span};
  l->track = (uint32_t)b->t->tracks.count - 1;
  *out = l;
  return GROVE_OK;
}

// A lane in which the item stands within a slice (`inside`), or on the ground.
static lane *find_lane(builder *b, const item *i, bool inside)
{
  lane *all = b->lanes.at;
  for (size_t n = 0; n < b->lanes.count; n++) {
    lane *l = &all[n];
    if (inside ? l->depth && l->depth < DEEPEST && l->open[l->depth - 1].end >= i->end &&
                     !is_pause(l->open[l->depth - 1].kind)
               : !l->depth) {
      return l;
    }
  }
  return NULL;
}

// The method that waits is, until it goes on, run by nobody.
static grove_status cut_wait(builder *b, lane *l, const item *i)
{
  for (uint32_t n = l->depth; n-- > 0;) {
    if (l->open[n].kind == GROVE_SPAN_METHOD) {
      const grove_span *wait = span_at(b->t, i->span);
      uint32_t line = l->open[n].piece_line ? l->open[n].piece_line : wait->thread;
      GROVE__TRY(add_piece(b, l->open[n].span, line, l->open[n].piece_begin, i->begin));
      l->open[n].piece_begin = i->end;
      l->open[n].piece_line = wait->thread;
      return GROVE_OK;
    }
  }
  return GROVE_OK;
}

static grove_status open_one(builder *b, lane *l, const item *i)
{
  const grove_span *s = span_at(b->t, i->span);
  bool method = i->kind == GROVE_SPAN_METHOD && b->process == GROVE__TRACE_ACTORS;
  if (is_pause(i->kind)) {
    GROVE__TRY(cut_wait(b, l, i));
  }
  l->open[l->depth].end = i->end;
  l->open[l->depth].span = i->span;
  l->open[l->depth].kind = i->kind;
  l->open[l->depth].piece_begin = i->begin;
  l->open[l->depth].piece_line = 0;
  l->depth++;
  GROVE__TRY(add_event(b, l, GROVE__TRACE_BEGIN, i->begin, method ? 2 * s->flow + 1 : 0, i->span));
  return method && s->flow ? add_event(b, l, GROVE__TRACE_FLOW_IN, i->begin, 2 * s->flow + 1, i->span) : GROVE_OK;
}

static grove_status place(builder *b, const item *i)
{
  bool send = i->kind == GROVE_SPAN_SEND;
  lane *all = b->lanes.at;
  for (size_t n = 0; n < b->lanes.count; n++) {
    GROVE__TRY(close_until(b, &all[n], i->begin, !send));
  }
  bool whole = i->kind == GROVE_SPAN_METHOD && b->process == GROVE__TRACE_ACTORS;
  lane *l = whole ? NULL : find_lane(b, i, true);
  bool inside = l != NULL;
  l = l ? l : find_lane(b, i, false);
  if (!l) {
    GROVE__TRY(add_lane(b, i, &l));
  }
  if (!send) {
    return open_one(b, l, i);
  }
  // A send by nobody that is in the file stands in a slice of its own, for arrows begin in slices.
  if (!inside) {
    GROVE__TRY(open_one(b, l, i));
  }
  GROVE__TRY(add_event(b, l, GROVE__TRACE_FLOW_OUT, i->begin, 2 * span_at(b->t, i->span)->flow, i->span));
  return inside ? GROVE_OK : close_one(b, l);
}

static int compare_items(const void *left, const void *right)
{
  const item *a = left, *b = right;
  int by_who = grove__trace_compare_ref(a->who, b->who);
  if (by_who || a->line != b->line) {
    return by_who ? by_who : a->line < b->line ? -1 : 1;
  }
  if (a->begin != b->begin) {
    return a->begin < b->begin ? -1 : 1;
  }
  if (a->end != b->end) {
    return a->end > b->end ? -1 : 1; // the longer one is around the other
  }
  bool a_around = a->kind == GROVE_SPAN_METHOD, b_around = b->kind == GROVE_SPAN_METHOD;
  return a_around != b_around ? (a_around ? -1 : 1) : a->span < b->span ? -1 : a->span > b->span;
}

static grove_status place_all(builder *b, item *items, size_t n)
{
  if (n) {
    qsort(items, n, sizeof *items, compare_items);
  }
  for (size_t i = 0; i < n; i++) {
    GROVE__TRY(place(b, &items[i]));
    bool last = i + 1 == n || grove__trace_compare_ref(items[i].who, items[i + 1].who) || items[i].line != items[i + 1].line;
    lane *all = b->lanes.at;
    for (size_t k = 0; last && k < b->lanes.count; k++) {
      GROVE__TRY(close_until(b, &all[k], INT64_MAX, true));
    }
    b->lanes.count = last ? 0 : b->lanes.count;
  }
  return GROVE_OK;
}

// ---- what is to be placed -----------------------------------------------------------------------------------

// Of actors; what outside threads did stands in a track among the workers.
static grove_status place_spans(builder *b)
{
  grove__rows items = {.each = sizeof(item)};
  grove_status s = GROVE_OK;
  b->process = GROVE__TRACE_ACTORS;
  for (uint32_t i = 0; i < b->t->spans.count && !s; i++) {
    const grove_span *span = span_at(b->t, i);
    if (span->kind == GROVE_SPAN_QUEUE) {
      continue;
    }
    item *one = grove__rows_add(&items);
    s = one ? GROVE_OK : GROVE_ENOMEM;
    if (one) {
      *one = (item){.who = span->who,
          .line = span->who.where ? 0 : span->thread,
          .span = i,
          .begin = span->begin_ns,
          .end = span->end_ns,
          .kind = (uint8_t)span->kind};
    }
  }
  s = s ? s : place_all(b, items.at, items.count);
  grove__rows_free(&items);
  return s;
}

static grove_status place_pieces(builder *b)
{
  b->process = GROVE__TRACE_WORKERS;
  return place_all(b, b->pieces.at, b->pieces.count);
}

static grove_status add_queueing(builder *b)
{
  for (uint32_t i = 0; i < b->t->spans.count; i++) {
    const grove_span *s = span_at(b->t, i);
    lane l = {.track = UINT32_MAX};
    if (s->kind == GROVE_SPAN_QUEUE) {
      GROVE__TRY(add_event(b, &l, GROVE__TRACE_QUEUE_BEGIN, s->begin_ns, 0, i));
      GROVE__TRY(add_event(b, &l, GROVE__TRACE_QUEUE_END, s->end_ns, 0, i));
    }
  }
  return GROVE_OK;
}

// On the actor's first track, if it has one.
static grove_status add_marks(builder *b)
{
  const grove__trace_track *tracks = b->t->tracks.at;
  const grove_event *marks = b->t->marks.at;
  for (uint32_t i = 0; i < b->t->marks.count; i++) {
    for (uint32_t k = 0; k < b->t->tracks.count; k++) {
      if (tracks[k].process == GROVE__TRACE_ACTORS && !tracks[k].lane && grove_ref_equal(tracks[k].who, marks[i].who)) {
        lane l = {.track = k};
        GROVE__TRY(add_event(b, &l, GROVE__TRACE_MARK, marks[i].at_ns, 0, i));
        break;
      }
    }
  }
  return GROVE_OK;
}

// ---- order, and flows that have both ends ----------------------------------------------------------------------

static int compare_events(const void *left, const void *right)
{
  const grove__trace_event *a = left, *b = right;
  return a->at != b->at     ? (a->at < b->at ? -1 : 1)
         : a->key != b->key ? (a->key < b->key ? -1 : 1)
                            : (a->serial < b->serial ? -1 : a->serial > b->serial);
}

typedef struct flow_ends {
  uint64_t flow;
  size_t out, in; // events' index + 1; 0: not seen
} flow_ends;

static int compare_flows(const void *left, const void *right)
{
  const flow_ends *a = left, *b = right;
  return a->flow < b->flow ? -1 : a->flow > b->flow;
}

static void pair_flows(grove_trace *t, flow_ends *list, size_t n)
{
  grove__trace_event *events = t->events.at;
  for (size_t i = 0; i < t->events.count; i++) {
    uint8_t what = events[i].what;
    if (what != GROVE__TRACE_FLOW_OUT && what != GROVE__TRACE_FLOW_IN) {
      continue;
    }
    flow_ends wanted = {.flow = span_at(t, events[i].item)->flow};
    flow_ends *f = n ? bsearch(&wanted, list, n, sizeof *list, compare_flows) : NULL;
    bool good = f && (what == GROVE__TRACE_FLOW_OUT ? !f->out : f->out && !f->in);
    if (!good) {
      events[i].what = GROVE__TRACE_NOTHING; // no send, or it began a method before (a message that was put back)
    } else if (what == GROVE__TRACE_FLOW_OUT) {
      f->out = i + 1;
    } else {
      f->in = i + 1;
    }
  }
  for (size_t i = 0; i < n; i++) {
    t->flows += list[i].in != 0;
    if (list[i].out && !list[i].in) {
      events[list[i].out - 1].what = GROVE__TRACE_NOTHING;
    }
  }
}

static grove_status order(grove_trace *t)
{
  grove__rows flows = {.each = sizeof(flow_ends)};
  if (t->events.count) {
    qsort(t->events.at, t->events.count, t->events.each, compare_events);
  }
  for (uint32_t i = 0; i < t->spans.count; i++) {
    if (span_at(t, i)->kind == GROVE_SPAN_SEND) {
      flow_ends *f = grove__rows_add(&flows);
      if (!f) {
        grove__rows_free(&flows);
        return GROVE_ENOMEM;
      }
      f->flow = span_at(t, i)->flow;
    }
  }
  if (flows.count) {
    qsort(flows.at, flows.count, flows.each, compare_flows);
  }
  pair_flows(t, flows.at, flows.count);
  grove__rows_free(&flows);
  return GROVE_OK;
}

grove_status grove__trace_arrange(grove_trace *t)
{
  builder b = {.t = t, .lanes.each = sizeof(lane), .pieces.each = sizeof(item)};
  grove_status s = place_spans(&b);
  s = s ? s : place_pieces(&b);
  s = s ? s : add_queueing(&b);
  s = s ? s : add_marks(&b);
  s = s ? s : order(t);
  grove__rows_free(&b.lanes);
  grove__rows_free(&b.pieces);
  return s;
}
