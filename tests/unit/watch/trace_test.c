// Trace files, read by jansson and held against the Chrome trace format: each begin has its end, slices nest, each flow
// has both sides in slices, times ascend on each track.
#include "actors.h"
#include "json_at.h"
#include "written.h"
#include <grove/trace.h>

// ---- the judge ---------------------------------------------------------------------------------------------
enum { MOST_TRACKS = 64, MOST_DEEP = 16, MOST_IDS = 4096 };
typedef struct track {
  long long pid, tid;
  double last;
  int depth;
  const char *open[MOST_DEEP];
} track;
typedef struct verdict {
  track tracks[MOST_TRACKS];
  int track_count, flows, queued, marks, slices[8]; // slices: by process
  char out[MOST_IDS], in[MOST_IDS], begun[MOST_IDS], ended[MOST_IDS];
} verdict;

static track *track_of(verdict *v, json_t *e)
{
  long long pid = json_integer_value(json_at(e, "pid")), tid = json_integer_value(json_at(e, "tid"));
  for (int i = 0; i < v->track_count; i++) {
    if (v->tracks[i].pid == pid && v->tracks[i].tid == tid) {
      return &v->tracks[i];
    }
  }
  assert_true(v->track_count < MOST_TRACKS);
  v->tracks[v->track_count] = (track){.pid = pid, .tid = tid};
  return &v->tracks[v->track_count++];
}

static char *once(char *seen, json_t *e)
{
  json_int_t id = json_integer_value(json_at(e, "id"));
  assert_true(id > 0 && id < MOST_IDS);
  assert_int_equal(seen[id], 0);
  return &seen[id];
}

static void judge_one(verdict *v, json_t *e)
{
  const char *ph = json_string_value(json_at(e, "ph"));
  if (*ph == 'M') {
    assert_non_null(json_string_value(json_at(e, "args.name")));
    return;
  }
  track *t = track_of(v, e);
  double ts = json_number_value(json_at(e, "ts"));
  assert_true(ts >= t->last);
  t->last = ts;
  if (*ph == 'B') {
    assert_true(t->depth < MOST_DEEP);
    t->open[t->depth++] = json_string_value(json_at(e, "name"));
    v->slices[t->pid]++;
  } else if (*ph == 'E') {
    assert_true(t->depth-- > 0);
  } else if (*ph == 's') {
    assert_true(t->depth > 0); // an arrow begins and ends in a slice
    *once(v->out, e) = 1;
  } else if (*ph == 'f') {
    assert_true(t->depth > 0);
    assert_string_equal(json_string_value(json_at(e, "bp")), "e");
    assert_int_equal(v->out[json_integer_value(json_at(e, "id"))], 1);
    *once(v->in, e) = 1;
    v->flows++;
  } else if (*ph == 'b') {
    *once(v->begun, e) = 1;
    v->queued++;
  } else if (*ph == 'e') {
    assert_int_equal(v->begun[json_integer_value(json_at(e, "id"))], 1);
    *once(v->ended, e) = 1;
  } else {
    assert_string_equal(ph, "i");
    v->marks++;
  }
}

static void judge(verdict *v, json_t *d)
{
  size_t i;
  json_t *e;
  *v = (verdict){.track_count = 0};
  json_array_foreach(json_at(d, "traceEvents"), i, e)
  {
    judge_one(v, e);
  }
  for (int k = 0; k < v->track_count; k++) {
    assert_int_equal(v->tracks[k].depth, 0);
  }
  assert_memory_equal(v->out, v->in, sizeof v->out);
  assert_memory_equal(v->begun, v->ended, sizeof v->begun);
}

static json_t *stop_trace(grove_trace *trace, grove_trace_summary *summary)
{
  written *t = written_new();
  json_error_t e;
  check_ok(grove_trace_stop(trace, written_put, t, summary));
  json_t *d = json_loadb(t->bytes, t->used, JSON_REJECT_DUPLICATES, &e);
  if (!d) {
    print_error("%s at %d in %s\n", e.text, e.position, t->bytes);
    fail();
  }
  free(t);
  return d;
}

// How many events have that phase and name.
static int count(json_t *d, const char *ph, const char *name)
{
  size_t i;
  json_t *e;
  int n = 0;
  json_array_foreach(json_at(d, "traceEvents"), i, e)
  {
    json_t *its = json_object_get(e, "name");
    n += strcmp(json_string_value(json_at(e, "ph")), ph) == 0 && its && strcmp(json_string_value(its), name) == 0;
  }
  return n;
}

static bool has_track(json_t *d, const char *part)
{
  size_t i;
  json_t *e;
  json_array_foreach(json_at(d, "traceEvents"), i, e)
  {
    if (strcmp(json_string_value(json_at(e, "ph")), "M") == 0 && strstr(json_string_value(json_at(e, "args.name")), part)) {
      return true;
    }
  }
  return false;
}

// ---- who is recorded -----------------------------------------------------------------------------------------
static grove_status job_ask(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s;
  int64_t begun = grove_span_begin(self);
  grove_status done = ask_and_get(self, *(grove_ref *)user, job_echo, NULL, reply, NULL);
  grove_span_end(self, begun, "a \"span\"");
  return done;
}

// A boss asks a clerk within a span of its own, from outside twice; the clerk crashes once.
static void records(void **state)
{
  rig *r = *state;
  grove_trace *trace;
  long reply;
  grove_trace_summary sum = {.struct_size = sizeof sum};
  grove_ref boss = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL}, &(grove_spawn_options){GROVE_SPAWN, .label = "boss"});
  check_ok(grove_get(r->g, grove_ready(r->g, boss), 20000, NULL, 0, NULL));
  check_ok(grove_trace_start(r->g, NULL, &trace));
  grove_ref clerk = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .label = "clerk", .restart = GROVE_PERMANENT});
  check_ok(ask_and_get(r->g, boss, job_ask, &clerk, &reply, NULL));
  check_ok(ask_and_get(r->g, boss, job_ask, &clerk, &reply, NULL));
  check_status(ask_and_get(r->g, clerk, job_crash, "it \"burns\"", &reply, NULL), GROVE_EDEAD);
  check_ok(rig_end(r, 20000, NULL));
  json_t *d = stop_trace(trace, &sum);
  rig_check_gone(r);
  verdict v;
  judge(&v, d);
  assert_int_equal(json_integer_value(json_at(d, "otherData.schema")), 1);
  assert_int_equal(count(d, "B", "a \"span\""), 2);
  assert_true(count(d, "B", "wait in hand.run") <= 2); // an answer may be there before the wait
  assert_true(count(d, "B", "hand.run") >= 5); // of the actors alone
  assert_int_equal(count(d, "b", "hand.run"), 5);
  assert_int_equal(count(d, "i", "failed"), 1);
  assert_true(has_track(d, "boss"));
  assert_true(has_track(d, "clerk"));
  assert_true(has_track(d, "other threads"));
  assert_int_equal(v.flows, sum.flows);
  assert_int_equal(sum.lost, 0);
  if (r->kind != ON_SIMULATION) { // whose times tie
    assert_int_equal(v.flows, 5);
    assert_true(v.slices[1] >= 5); // what workers ran, and the sends from outside
  }
  json_decref(d);
}

// The ring keeps the newest, and what lost an end is no flow.
static void overflows(void **state)
{
  rig *r = *state;
  grove_trace *trace;
  long reply;
  grove_trace_summary sum = {.struct_size = sizeof sum};
  check_ok(grove_trace_start(r->g, &(grove_trace_options){GROVE_TRACE, .span_room = 64}, &trace));
  grove_ref a = spawn_hand(r->g);
  for (int i = 0; i < 300; i++) {
    check_ok(ask_and_get(r->g, a, job_echo, NULL, &reply, NULL));
  }
  check_ok(rig_end(r, 20000, NULL));
  json_t *d = stop_trace(trace, &sum);
  rig_check_gone(r);
  verdict v;
  judge(&v, d);
  assert_true(sum.lost > 0);
  assert_int_equal(json_integer_value(json_at(d, "otherData.lost")), sum.lost);
  json_decref(d);
}

// Actors are called by their labels however many there are, up to `names`.
static void names_many(void **state)
{
  enum { MANY = 3000 };
  rig *r = *state;
  grove_trace *trace, *few;
  char label[20];
  long reply;
  grove_ref last = GROVE_NOBODY;
  for (int i = 0; i < MANY; i++) {
    snprintf(label, sizeof label, "shard-%d", i);
    last = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL}, &(grove_spawn_options){GROVE_SPAWN, .label = label});
    check_ok(grove_get(r->g, grove_ready(r->g, last), 20000, NULL, 0, NULL));
  }
  check_ok(grove_trace_start(r->g, NULL, &trace));
  check_ok(grove_trace_start(r->g, &(grove_trace_options){GROVE_TRACE, .names = 10}, &few));
  check_ok(ask_and_get(r->g, last, job_echo, NULL, &reply, NULL));
  check_ok(rig_end(r, 20000, NULL));
  json_t *d = stop_trace(trace, NULL), *e = stop_trace(few, NULL);
  rig_check_gone(r);
  snprintf(label, sizeof label, "shard-%d", MANY - 1);
  assert_true(has_track(d, label));
  assert_false(has_track(e, label));
  json_decref(d);
  json_decref(e);
}

// Methods of one actor that overlap stand in tracks of their own.
#define crowd_LIST(S, M) HAND_METHODS(S, M, crowd)
HANDS(crowd, .concurrency = 4)
static void overlaps(void **state)
{
  rig *r = *state;
  grove_trace *trace;
  pause_point p[3];
  grove_future f[3];
  long reply;
  check_ok(grove_trace_start(r->g, NULL, &trace));
  grove_ref a = spawn_of(r->g, &crowd_class);
  for (int i = 0; i < 3; i++) {
    atomic_init(&p[i].begun, 0);
    atomic_init(&p[i].ended, 0);
    f[i] = ask_of(r->g, a, &crowd_run_method, job_pause, &p[i]);
    rig_until(r, &p[i].begun, 1);
  }
  for (int i = 0; i < 3; i++) {
    pause_end(r->g, &p[i], i);
    check_ok(grove_get(r->g, f[i], 20000, &reply, sizeof reply, NULL));
  }
  check_ok(rig_end(r, 20000, NULL));
  json_t *d = stop_trace(trace, NULL);
  rig_check_gone(r);
  verdict v;
  judge(&v, d);
  assert_true(has_track(d, "(3)"));
  assert_true(count(d, "B", "wait in crowd.run") >= 2); // those behind which another began
  json_decref(d);
}

static grove_status refuse(void *user, const char *bytes, size_t n)
{
  (void)user, (void)bytes, (void)n;
  return GROVE_EIO;
}

static void wrong(void **state)
{
  grove *g = ((rig *)*state)->g;
  grove_trace *trace = (grove_trace *)(uintptr_t)1;
  check_status(grove_trace_start(NULL, NULL, &trace), GROVE_EINVAL);
  assert_null(trace);
  check_status(grove_trace_start(g, NULL, NULL), GROVE_EINVAL);
  check_status(grove_trace_start(g, &(grove_trace_options){GROVE_TRACE, .spans = 1}, &trace), GROVE_EINVAL);
  check_status(grove_trace_stop(NULL, refuse, NULL, NULL), GROVE_EINVAL);
  check_ok(grove_trace_start(g, NULL, &trace));
  check_status(grove_trace_stop(trace, refuse, NULL, NULL), GROVE_EIO);
  check_ok(grove_trace_start(g, NULL, &trace));
  check_ok(grove_trace_stop(trace, NULL, NULL, NULL)); // thrown away
}

int main(int argc, char **argv)
{
  static const rig_test tests[] = {EVERYWHERE(records), EVERYWHERE(overflows), EVERYWHERE(names_many), EVERYWHERE(overlaps), EVERYWHERE(wrong)};
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
