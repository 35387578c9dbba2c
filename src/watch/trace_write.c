// The file itself: the JSON trace event format, one event a line.
#include "watch/trace.h"
#include "base/alloc.h"
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_TID = 10 };

/// What a line is made with.
typedef struct writer {
  const grove_trace *t;
  grove__emitter to;
  grove__json json;
  grove__trace_name *names; // sorted by who; of equal ones the last given counts
  size_t name_count;
} writer;

static const grove_span *span_at(const writer *w, uint32_t i)
{
  return (const grove_span *)w->t->spans.at + i;
}

// ---- lines ----------------------------------------------------------------------------------------------

static void begin_line(writer *w, const char *phase, uint32_t process, uint32_t tid)
{
  grove__emit_text(&w->to, w->json.more ? ",\n" : "\n");
  w->json.more = false;
  grove__json_open(&w->json, NULL, '{');
  grove__json_text(&w->json, "ph", phase);
  grove__json_number(&w->json, "pid", process);
  grove__json_number(&w->json, "tid", tid);
}

static void end_line(writer *w)
{
  grove__json_close(&w->json, '}');
}

static void put_time(writer *w, int64_t ns)
{
  char digits[8];
  grove__emit_text(&w->to, ",\"ts\":");
  grove__emit_number(&w->to, (uint64_t)ns / 1000);
  snprintf(digits, sizeof digits, ".%03u", (unsigned)(ns % 1000));
  grove__emit_text(&w->to, digits);
}

static void put_meta(writer *w, const char *what, uint32_t process, uint32_t tid, const char *name)
{
  begin_line(w, "M", process, tid);
  grove__json_text(&w->json, "name", what);
  grove__json_open(&w->json, "args", '{');
  grove__json_text(&w->json, "name", name);
  grove__json_close(&w->json, '}');
  end_line(w);
}

// ---- names ------------------------------------------------------------------------------------------------

static int compare_names(const void *left, const void *right)
{
  const grove__trace_name *a = left, *b = right;
  return grove__trace_compare_ref(a->who, b->who);
}

static const char *name_of(const writer *w, grove_ref who)
{
  size_t low = 0, high = w->name_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (grove__trace_compare_ref(w->names[middle].who, who) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < w->name_count && grove_ref_equal(w->names[low].who, who) ? w->names[low].text : "";
}

static void title_track(const writer *w, const grove__trace_track *k, char *out, size_t room)
{
  char lane[16] = "";
  if (k->lane) {
    snprintf(lane, sizeof lane, " (%u)", (unsigned)k->lane + 1);
  }
  if (k->process == GROVE__TRACE_ACTORS) {
    const char *name = name_of(w, k->who);
    snprintf(out, room, "%s %s%s#%llx%s", span_at(w, k->span)->class_name, name, name[0] ? " " : "",
        (unsigned long long)k->who.which, lane);
  } else if (k->line) {
    snprintf(out, room, "worker %u%s", (unsigned)k->line - 1, lane);
  } else {
    snprintf(out, room, "other threads%s", lane);
  }
}

static void put_names(writer *w)
{
  static const char *const processes[] = {NULL, "workers", "actors", "mailboxes"};
  const grove__trace_track *tracks = w->t->tracks.at;
  char title[160];
  for (uint32_t i = GROVE__TRACE_WORKERS; i <= GROVE__TRACE_MAILBOXES; i++) {
    put_meta(w, "process_name", i, 0, processes[i]);
  }
  put_meta(w, "thread_name", GROVE__TRACE_MAILBOXES, 1, "messages");
  for (uint32_t i = 0; i < w->t->tracks.count; i++) {
    title_track(w, &tracks[i], title, sizeof title);
    put_meta(w, "thread_name", tracks[i].process, FIRST_TID + i, title);
  }
}

// ---- events -----------------------------------------------------------------------------------------------

static void put_title(writer *w, const grove_span *s)
{
  char title[96];
  bool wait = s->kind == GROVE_SPAN_WAIT, send = s->kind == GROVE_SPAN_SEND;
  const char *front = wait ? "wait in " : send ? "send " : s->kind == GROVE_SPAN_YIELD ? "yield in " : "";
  bool bare = !s->class_name[0] || send || s->kind == GROVE_SPAN_USER;
  snprintf(title, sizeof title, "%s%s%s%s", front, bare ? "" : s->class_name, bare || !s->name[0] ? "" : ".", s->name);
  grove__json_text(&w->json, "name", title[0] ? title : "unnamed");
}

static void put_slice(writer *w, const grove__trace_event *e, const grove__trace_track *k)
{
  static const char *const kinds[] = {"other", "method", "wait", "queue", "send", "user", "yield"};
  const grove_span *s = span_at(w, e->item);
  bool begin = e->what == GROVE__TRACE_BEGIN;
  begin_line(w, begin ? "B" : "E", k->process, FIRST_TID + e->track);
  put_time(w, e->at);
  if (begin) {
    grove__json_text(&w->json, "cat", e->piece ? "run" : kinds[s->kind < GROVE__COUNT(kinds) ? s->kind : 0]);
    put_title(w, s);
  }
  end_line(w);
}

static void put_flow(writer *w, const grove__trace_event *e, const grove__trace_track *k)
{
  bool in = e->what == GROVE__TRACE_FLOW_IN;
  begin_line(w, in ? "f" : "s", k->process, FIRST_TID + e->track);
  put_time(w, e->at);
  grove__json_text(&w->json, "cat", "message");
  grove__json_text(&w->json, "name", "message");
  grove__json_number(&w->json, "id", span_at(w, e->item)->flow);
  if (in) {
    grove__json_text(&w->json, "bp", "e"); // to the slice that is around it
  }
  end_line(w);
}

static void put_queueing(writer *w, const grove__trace_event *e)
{
  const grove_span *s = span_at(w, e->item);
  begin_line(w, e->what == GROVE__TRACE_QUEUE_BEGIN ? "b" : "e", GROVE__TRACE_MAILBOXES, 1);
  put_time(w, e->at);
  grove__json_text(&w->json, "cat", "queue");
  put_title(w, s);
  grove__json_number(&w->json, "id", (uint64_t)e->item + 1); // not the flow: one that was put back queues twice
  if (e->what == GROVE__TRACE_QUEUE_BEGIN) {
    grove__json_open(&w->json, "args", '{');
    grove__json_ref(&w->json, "actor", s->who);
    grove__json_text(&w->json, "name", name_of(w, s->who));
    grove__json_close(&w->json, '}');
  }
  end_line(w);
}

static void put_mark(writer *w, const grove__trace_event *e, const grove__trace_track *k)
{
  const grove_event *m = (const grove_event *)w->t->marks.at + e->item;
  const char *what = m->kind == GROVE_EVENT_FAILED     ? "failed"
                     : m->kind == GROVE_EVENT_RESTARTED ? "restarted"
                     : m->kind == GROVE_EVENT_SLOW      ? "slow"
                                                        : "deadlock";
  begin_line(w, "i", k->process, FIRST_TID + e->track);
  put_time(w, e->at);
  grove__json_text(&w->json, "cat", "event");
  grove__json_text(&w->json, "name", what);
  grove__json_text(&w->json, "s", "t");
  grove__json_open(&w->json, "args", '{');
  grove__json_text(&w->json, "text", m->text);
  grove__json_close(&w->json, '}');
  end_line(w);
}

static void put_event(writer *w, const grove__trace_event *e)
{
  const grove__trace_track *k = e->track == UINT32_MAX ? NULL : (const grove__trace_track *)w->t->tracks.at + e->track;
  switch (e->what) {
  case GROVE__TRACE_BEGIN:
  case GROVE__TRACE_END: put_slice(w, e, k); break;
  case GROVE__TRACE_FLOW_OUT:
  case GROVE__TRACE_FLOW_IN: put_flow(w, e, k); break;
  case GROVE__TRACE_QUEUE_BEGIN:
  case GROVE__TRACE_QUEUE_END: put_queueing(w, e); break;
  case GROVE__TRACE_MARK: put_mark(w, e, k); break;
  default: break;
  }
}

grove_status grove__trace_put(const grove_trace *t, grove_write_fn *write, void *user)
{
  writer w = {.t = t, .names = t->names.at, .name_count = t->names.count};
  const grove__trace_event *events = t->events.at;
  if (w.name_count) {
    qsort(w.names, w.name_count, sizeof *w.names, compare_names);
  }
  grove__emit_init(&w.to, write, user);
  w.json = (grove__json){.to = &w.to};
  grove__json_open(&w.json, NULL, '{');
  grove__json_text(&w.json, "displayTimeUnit", "ns");
  grove__json_open(&w.json, "otherData", '{');
  grove__json_number(&w.json, "schema", 1);
  grove__json_text(&w.json, "grove", grove_version());
  grove__json_number(&w.json, "spans", t->spans.count);
  grove__json_number(&w.json, "flows", t->flows);
  grove__json_number(&w.json, "lost", t->lost);
  grove__json_close(&w.json, '}');
  grove__json_open(&w.json, "traceEvents", '[');
  put_names(&w);
  for (size_t i = 0; i < t->events.count; i++) {
    put_event(&w, &events[i]);
  }
  grove__json_close(&w.json, ']');
  grove__json_close(&w.json, '}');
  grove__emit_text(&w.to, "\n");
  return grove__emit_flush(&w.to);
}
