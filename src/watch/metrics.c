// Prometheus's text. One row a metric; rows of one name stand together and differ in a fixed label. Units are base units
// (seconds, bytes), and what only grows ends in _total, as promtool asks.
#include "watch/metrics.h"
#include "base/options.h"
#include "watch/reading.h"
#include <string.h>

// Of what there is one value each, and with which labels.
enum { OF_RUNTIME, OF_WORKER, OF_CLASS, OF_ACTOR, OF_HOW_MANY };
enum { GAUGE, COUNTER };

typedef struct metric {
  const char *name, *help;
  const char *label; // a fixed one, "reason=\"dead\""; NULL: none
  uint8_t of, kind;
  uint8_t wide;  // 8 bytes, else 4
  uint8_t is_ns; // shown in seconds
  uint16_t at;   // where it is in the struct
} metric;

#define ROW(OF, STRUCT, KIND, NAME, MEMBER, NS, LABEL, HELP)                                       \
  {                                                                                                \
    NAME, HELP, LABEL, OF, KIND, sizeof(((STRUCT *)0)->MEMBER) == 8, NS, offsetof(STRUCT, MEMBER)  \
  }
#define RUNTIME(KIND, NAME, MEMBER, HELP)                                                          \
  ROW(OF_RUNTIME, grove_stats, KIND, "grove_" NAME, MEMBER, 0, NULL, HELP)
#define MEMORY(PART, HELP)                                                                         \
  ROW(OF_RUNTIME, grove_stats, GAUGE, "grove_memory_bytes", memory_of[GROVE_MEMORY_##PART], 0,     \
      HELP, "Bytes allocated and not given back, by part of the runtime.")
#define WORKER(KIND, NAME, MEMBER, NS, HELP)                                                       \
  ROW(OF_WORKER, grove_worker_stats, KIND, "grove_worker_" NAME, MEMBER, NS, NULL, HELP)
#define CLASS(KIND, NAME, MEMBER, NS, HELP)                                                        \
  ROW(OF_CLASS, grove_class_stats, KIND, "grove_class_" NAME, MEMBER, NS, NULL, HELP)
#define LOSS(MEMBER, LABEL)                                                                        \
  ROW(OF_CLASS, grove_class_stats, COUNTER, "grove_class_dropped_total", MEMBER, 0, LABEL,         \
      "Messages that were accepted and never begun, by reason.")
#define ACTOR(KIND, NAME, MEMBER, NS, HELP)                                                        \
  ROW(OF_ACTOR, grove_info, KIND, "grove_actor_" NAME, MEMBER, NS, NULL, HELP)

static const metric metrics[] = {
    RUNTIME(GAUGE, "workers", workers, "Worker threads that the runtime may have."),
    RUNTIME(GAUGE, "workers_busy", workers_busy, "Workers that are not parked."),
    RUNTIME(GAUGE, "stand_ins", stand_ins,
        "Threads that stand in for workers that are held by a method."),
    RUNTIME(GAUGE, "actors", actors, "Actors alive."),
    RUNTIME(GAUGE, "suspended", suspended, "Methods that wait, put aside with their stack."),
    RUNTIME(GAUGE, "futures", futures, "Futures that were made and not given back."),
    RUNTIME(COUNTER, "futures_made_total", futures_made, "Futures made."),
    RUNTIME(COUNTER, "futures_ended_total", futures_ended, "Futures that have ended."),
    RUNTIME(COUNTER, "dead_letters_total", dead_letters, "Messages to actors that were gone."),
    RUNTIME(
        COUNTER, "late_answers_total", late_answers, "Answers to calls that had ended already."),
    MEMORY(RUNTIME, "part=\"runtime\""),
    MEMORY(ACTORS, "part=\"actors\""),
    MEMORY(MESSAGES, "part=\"messages\""),
    MEMORY(FUTURES, "part=\"futures\""),
    MEMORY(SHARED, "part=\"shared\""),
    MEMORY(WATCH, "part=\"watch\""),
    MEMORY(USER, "part=\"user\""),
    RUNTIME(COUNTER, "memory_refused_total", memory_refused,
        "Allocations that the limit heap_bytes refused."),
    RUNTIME(GAUGE, "stack_bytes", stack_bytes, "Address space of suspended methods' stacks."),
    RUNTIME(GAUGE, "shared_bytes", shared_bytes, "Shared data that lives."),
    WORKER(COUNTER, "busy_seconds_total", busy_ns, 1, "Time in turns of actors."),
    WORKER(COUNTER, "turns_total", turns, 0, "Turns of actors."),
    WORKER(COUNTER, "steals_total", steals, 0, "Actors taken from other workers' queues."),
    WORKER(COUNTER, "parks_total", parks, 0, "Times that it had nothing to do and went to sleep."),
    WORKER(GAUGE, "queued", queued, 0, "Actors in its queue."),
    CLASS(GAUGE, "actors", alive, 0, "Actors alive."),
    CLASS(COUNTER, "spawned_total", spawned, 0, "Actors spawned."),
    CLASS(COUNTER, "ended_total", ended, 0, "Actors that are gone for good."),
    CLASS(COUNTER, "restarts_total", restarts, 0, "Restarts."),
    CLASS(COUNTER, "crashed_total", crashed, 0, "Times that an actor failed."),
    CLASS(COUNTER, "sent_total", sent, 0,
        "Messages accepted. At rest: handled, failed and dropped ones together."),
    CLASS(COUNTER, "calls_total", calls, 0, "Of the messages accepted, those with a future."),
    CLASS(COUNTER, "handled_total", handled, 0, "Messages whose method returned GROVE_OK."),
    CLASS(COUNTER, "failed_total", failed, 0, "Messages whose method returned anything else."),
    CLASS(COUNTER, "ticks_total", ticks, 0,
        "Ticks of timers that were handled; they count nowhere else."),
    CLASS(COUNTER, "ticks_missed_total", ticks_missed, 0,
        "Ticks of timers that were due while the one before still waited."),
    LOSS(dropped_dead, "reason=\"dead\""),
    LOSS(dropped_full, "reason=\"full\""),
    LOSS(dropped_expired, "reason=\"expired\""),
    LOSS(dropped_canceled, "reason=\"canceled\""),
    CLASS(COUNTER, "refused_total", refused, 0,
        "Messages that a full mailbox refused; not among those sent."),
    CLASS(
        COUNTER, "dead_letters_total", dead_letters, 0, "Messages to actors of it that were gone."),
    CLASS(COUNTER, "busy_seconds_total", busy_ns, 1, "Time on a thread, waits not included."),
    CLASS(COUNTER, "turns_total", turns, 0, "Times that an actor was scheduled."),
    CLASS(COUNTER, "timed_total", timed, 0,
        "Messages that were timed, one in 64; the six below are of these."),
    CLASS(
        GAUGE, "wait_p50_seconds", wait_p50_ns, 1, "Time in the mailbox, median since the start."),
    CLASS(GAUGE, "wait_p99_seconds", wait_p99_ns, 1,
        "Time in the mailbox, 99th percentile since the start."),
    CLASS(
        GAUGE, "wait_max_seconds", wait_max_ns, 1, "Time in the mailbox, longest since the start."),
    CLASS(GAUGE, "run_p50_seconds", run_p50_ns, 1,
        "Beginning of a method to its return, median since the start."),
    CLASS(GAUGE, "run_p99_seconds", run_p99_ns, 1,
        "Beginning of a method to its return, 99th percentile since the start."),
    CLASS(GAUGE, "run_max_seconds", run_max_ns, 1,
        "Beginning of a method to its return, longest since the start."),
    ACTOR(GAUGE, "mailbox_messages", mailbox_depth, 0, "Messages in its mailbox."),
    ACTOR(GAUGE, "oldest_seconds", oldest_ns, 1, "How long its oldest message has been waiting."),
    ACTOR(GAUGE, "bytes", bytes, 0,
        "Memory of the actor: state, messages, futures, its own allocator."),
    ACTOR(COUNTER, "handled_total", handled, 0, "Messages whose method returned GROVE_OK."),
    ACTOR(COUNTER, "failed_total", failed, 0, "Messages whose method returned anything else."),
    ACTOR(COUNTER, "restarts_total", restarts, 0, "Restarts."),
    ACTOR(COUNTER, "busy_seconds_total", busy_ns, 1, "Time on a thread, waits not included."),
};
static const char left_out[] = "grove_actor_series_left_out";
static const char left_out_help[] =
    "Actors without series of their own: those above the number that was asked for.";
static const char build_info[] = "grove_build_info";
static const char build_info_help[] = "1, with the version of the library.";

static void put_head(grove__emitter *e, const char *name, const char *help, int kind)
{
  grove__emit_text(e, "# HELP ");
  grove__emit_text(e, name);
  grove__emit_text(e, " ");
  grove__emit_text(e, help);
  grove__emit_text(e, "\n# TYPE ");
  grove__emit_text(e, name);
  grove__emit_text(e, kind == COUNTER ? " counter\n" : " gauge\n");
}

static void put_label(grove__emitter *e, bool *any, const char *key, const char *text)
{
  grove__emit_text(e, *any ? "," : "{");
  grove__emit_text(e, key);
  grove__emit_text(e, "=");
  grove__emit_quoted(e, text, false);
  *any = true;
}

static void put_labels(grove__emitter *e, const metric *m, const void *from)
{
  bool any = false;
  char text[GROVE__REF_TEXT];
  if (m->of == OF_WORKER) {
    grove__emit_text(e, "{worker=\"");
    grove__emit_number(e, ((const grove_worker_stats *)from)->index);
    grove__emit_text(e, "\"");
    any = true;
  } else if (m->of == OF_CLASS) {
    put_label(e, &any, "class", ((const grove_class_stats *)from)->class_name);
  } else if (m->of == OF_ACTOR) {
    const grove_info *a = from;
    grove__ref_text(a->ref, text);
    put_label(e, &any, "class", a->class_name);
    put_label(e, &any, "name", a->name[0] ? a->name : a->label);
    put_label(e, &any, "id", text);
  }
  if (m->label) {
    grove__emit_text(e, any ? "," : "{");
    grove__emit_text(e, m->label);
    any = true;
  }
  if (any) {
    grove__emit_text(e, "}");
  }
}

static void put_value(grove__emitter *e, const metric *m, const void *from)
{
  uint64_t value = 0;
  uint32_t narrow;
  grove__emit_text(e, m->name);
  put_labels(e, m, from);
  grove__emit_text(e, " ");
  if (m->wide) {
    memcpy(&value, (const char *)from + m->at, sizeof value);
  } else {
    memcpy(&narrow, (const char *)from + m->at, sizeof narrow);
    value = narrow;
  }
  if (m->is_ns) {
    grove__emit_seconds(e, value);
  } else {
    grove__emit_number(e, value);
  }
  grove__emit_text(e, "\n");
}

// All samples of one metric stand together, as the format wants it.
static void put_metrics(grove__emitter *e, uint8_t of, const void *rows, size_t each, size_t n)
{
  for (size_t i = 0; n && i < GROVE__COUNT(metrics);) {
    size_t end = i + 1;
    while (end < GROVE__COUNT(metrics) && strcmp(metrics[end].name, metrics[i].name) == 0) {
      end++;
    }
    if (metrics[i].of == of) {
      put_head(e, metrics[i].name, metrics[i].help, metrics[i].kind);
      for (size_t k = 0; k < n; k++) {
        for (size_t m = i; m < end; m++) {
          put_value(e, &metrics[m], (const char *)rows + k * each);
        }
      }
    }
    i = end;
  }
}

static void put_all(grove__emitter *e, const grove__reading *r, bool with_actors)
{
  bool any = false;
  put_head(e, build_info, build_info_help, GAUGE);
  grove__emit_text(e, build_info);
  put_label(e, &any, "version", grove_version());
  grove__emit_text(e, "} 1\n");
  put_metrics(e, OF_RUNTIME, &r->stats, sizeof r->stats, 1);
  put_metrics(e, OF_WORKER, r->workers, sizeof *r->workers, r->worker_count);
  put_metrics(e, OF_CLASS, r->classes, sizeof *r->classes, r->class_count);
  if (with_actors) {
    put_metrics(e, OF_ACTOR, r->actors, sizeof *r->actors, (size_t)r->page.shown);
    put_head(e, left_out, left_out_help, GAUGE);
    grove__emit_text(e, left_out);
    grove__emit_text(e, " ");
    grove__emit_number(e, r->page.total - r->page.shown);
    grove__emit_text(e, "\n");
  }
}

grove_status grove_metrics_text(
    grove *g, const grove_metrics_options *options, grove_write_fn *write, void *user)
{
  grove_metrics_options o;
  grove__reading r;
  grove__emitter e;
  GROVE__TRY(grove__options_read(&o, sizeof o, options));
  if (!write || o.actors > GROVE_METRICS_ACTORS) {
    return GROVE_EINVAL;
  }
  grove_snapshot_options which = {GROVE_SNAPSHOT, .class_name = o.class_name};
  uint32_t parts = GROVE_JSON_WORKERS | GROVE_JSON_CLASSES | (o.actors ? GROVE_JSON_ACTORS : 0);
  grove_status s = grove__reading_take(&r, g, parts, &which, o.actors);
  if (!s) {
    grove__emit_init(&e, write, user);
    put_all(&e, &r, o.actors != 0);
    s = grove__emit_flush(&e);
  }
  grove__reading_give(&r);
  return s;
}

// ---- the reference page ------------------------------------------------------------------------------------

static void put_row(
    grove__emitter *e, const char *name, const char *labels, int kind, const char *help)
{
  grove__emit_text(e, "| `");
  grove__emit_text(e, name);
  grove__emit_text(e, kind == COUNTER ? "` | counter | " : "` | gauge | ");
  grove__emit_text(e, labels);
  grove__emit_text(e, " | ");
  grove__emit_text(e, help);
  grove__emit_text(e, " |\n");
}

static void put_rows(grove__emitter *e, uint8_t of)
{
  static const char *const labels[OF_HOW_MANY] = {"", "worker", "class", "class, name, id"};
  for (size_t i = 0; i < GROVE__COUNT(metrics); i++) {
    const metric *m = &metrics[i];
    if (m->of == of && (i == 0 || strcmp(m->name, m[-1].name) != 0)) {
      bool memory = of == OF_RUNTIME && m->label, loss = of == OF_CLASS && m->label;
      put_row(e, m->name, memory ? "part" : loss ? "class, reason" : labels[of], m->kind, m->help);
    }
  }
}

grove_status grove__metrics_reference(grove_write_fn *write, void *user)
{
  static const char *const titles[OF_HOW_MANY] = {
      "The runtime", "Workers", "Classes", "Single actors, if asked for"};
  grove__emitter e;
  grove__emit_init(&e, write, user);
  for (uint8_t of = 0; of < OF_HOW_MANY; of++) {
    grove__emit_text(&e, of ? "\n### " : "### ");
    grove__emit_text(&e, titles[of]);
    grove__emit_text(&e, "\n\n| metric | type | labels | |\n|---|---|---|---|\n");
    if (of == OF_RUNTIME) {
      put_row(&e, build_info, "version", GAUGE, build_info_help);
    }
    put_rows(&e, of);
    if (of == OF_ACTOR) {
      put_row(&e, left_out, "", GAUGE, left_out_help);
    }
  }
  return grove__emit_flush(&e);
}
