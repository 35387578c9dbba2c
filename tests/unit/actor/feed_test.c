// Feeds: what events tell, that spans nest and flows have both sides, that nothing is asked of who works, and that what
// happened until the end can be read after it.
#include "actors.h"

static grove_feed *open_feed(grove *g, uint32_t events, uint32_t spans)
{
  grove_feed *f;
  check_ok(
      grove_feed_open(g, &(grove_feed_options){GROVE_FEED, .events = events, .spans = spans}, &f));
  return f;
}

enum { MOST = 4096 };
static grove_event event[MOST];
static grove_span span[MOST];
static size_t events_of(grove_feed *f)
{
  size_t n, all = 0;
  uint64_t lost;
  do {
    check_ok(grove_feed_events(f, event + all, sizeof *event, MOST - all, &n, &lost));
    all += n;
  } while (n);
  assert_int_equal(lost, 0);
  return all;
}
static size_t spans_of(grove_feed *f)
{
  size_t n, all = 0;
  uint64_t lost;
  do {
    check_ok(grove_feed_spans(f, span + all, sizeof *span, MOST - all, &n, &lost));
    all += n;
  } while (n);
  assert_int_equal(lost, 0);
  return all;
}
// The first event of a kind; of kind 0: there is none.
static const grove_event *find(size_t n, uint32_t kind)
{
  static const grove_event none; // kind 0
  for (size_t i = 0; i < n; i++) {
    if (event[i].kind == kind) {
      return &event[i];
    }
  }
  return &none;
}

static grove_status job_log(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s;
  grove_log(self, GROVE_LOG_WARN, "%s %d", (const char *)user, 7);
  *reply = 1;
  return GROVE_OK;
}

// Lines of grove_log are events, too: of the actor that writes, or of nobody; also where there is no log, and not below
// its level.
static void test_log_lines(void **state)
{
  struct rig *r = *state;
  grove *quiet;
  grove_log(r->g, GROVE_LOG_ERROR, "before anybody listens");
  grove_feed *f = open_feed(r->g, 1u << GROVE_EVENT_LOG, 0);
  grove_ref a = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .name = "clerk"});
  check_ok(ask_and_get(r->g, a, job_log, "page", NULL, NULL));
  grove_log(r->g, GROVE_LOG_INFO, "from outside");
  size_t n = events_of(f);
  assert_int_equal(n, 2);
  assert_string_equal(event[0].text, "page 7");
  assert_string_equal(event[0].name, "clerk");
  assert_int_equal(event[0].value, GROVE_LOG_WARN);
  assert_true(grove_ref_equal(event[0].who, a));
  assert_string_equal(event[1].text, "from outside");
  assert_true(grove_ref_equal(event[1].who, GROVE_NOBODY));
  check_contains(r->log, "page 7"); // and where they went before
  grove_feed_close(f);
  check_ok(grove_start(
      &(grove_options){GROVE_OPTIONS, .log_level = GROVE_LOG_WARN, .simulate = 1}, &quiet));
  f = open_feed(quiet, 0, 0);
  grove_log(quiet, GROVE_LOG_INFO, "too low");
  grove_log(quiet, GROVE_LOG_ERROR, "high enough");
  assert_int_equal(events_of(f), 1);
  assert_string_equal(event[0].text, "high enough");
  grove_feed_close(f);
  check_ok(grove_stop(quiet, 1000, NULL));
}

static void test_a_life_in_events(void **state)
{
  struct rig *r = *state;
  grove_feed *f = open_feed(r->g, GROVE_EVENTS_ALL, 0);
  grove_ref a = grove_spawn(r->g, &hand_class, &(hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .name = "hero", .restart = GROVE_TRANSIENT,
          .backoff_min_ms = 1, .jitter_percent = 1});
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  check_status(ask_and_get(r->g, a, job_crash, "a fall", NULL, NULL), GROVE_EDEAD);
  grove_info info = {.struct_size = sizeof info};
  for (int i = 0; i < 10000 && (info.restarts == 0 || info.phase != GROVE_PHASE_IDLE); i++) {
    check_ok(grove_sleep(r->g, 1));
    check_ok(grove_inspect(r->g, a, &info));
  }
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  check_ok(grove_get(r->g, grove_exit(r->g, a, 20000), 20000, NULL, 0, NULL));
  check_status(tell(r->g, a, job_echo, NULL), GROVE_ENOACTOR);
  size_t n = events_of(f);
  static const uint32_t order[] = {GROVE_EVENT_STARTED, GROVE_EVENT_FAILED, GROVE_EVENT_RESTARTED,
      GROVE_EVENT_STARTED, GROVE_EVENT_ENDED, GROVE_EVENT_DEAD_LETTER};
  size_t at = 0;
  uint64_t serial = 0;
  bool spawned = false;
  for (size_t i = 0; i < n; i++) {
    assert_true(event[i].serial > serial);
    serial = event[i].serial;
    assert_true(grove_ref_equal(event[i].who, a));
    assert_string_equal(event[i].class_name, "hand");
    if (event[i].kind ==
        GROVE_EVENT_SPAWNED) { // told by who spawned, while it may have started already
      spawned = true;
      continue;
    }
    assert_true(at < sizeof order / sizeof *order);
    assert_int_equal(event[i].kind, order[at++]);
  }
  assert_true(spawned);
  assert_int_equal(at, sizeof order / sizeof *order);
  const grove_event *e = find(n, GROVE_EVENT_FAILED);
  assert_string_equal(e->name, "hero");
  assert_string_equal(e->method, "run");
  assert_true(grove_ref_equal(e->parent, grove_self(r->g)));
  check_contains(e->text, "a fall");
  assert_int_equal(find(n, GROVE_EVENT_RESTARTED)->value, 1);
  assert_int_equal(find(n, GROVE_EVENT_ENDED)->status, GROVE_OK);
  assert_int_equal(find(n, GROVE_EVENT_ENDED)->restarts, 1);
  assert_int_equal(find(n, GROVE_EVENT_DEAD_LETTER)->status, GROVE_ENOACTOR);
  grove_feed_close(f);
}

#define narrow_LIST(S, M) HAND_METHODS(S, M, narrow)
HANDS(narrow, .mailbox = 2)

static grove_status job_ask_me_for_ever(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user;
  grove_status status = grove_get(
      self, ask(self, grove_self(self), job_echo, NULL), GROVE_FOREVER, reply, sizeof *reply, NULL);
  return status == GROVE_EDEADLK ? GROVE_OK : GROVE_EINTERNAL;
}
static grove_status job_take_too_much(grove *self, hand_state *s, void *user, long *reply)
{
  const grove_allocator *a = grove_actor_allocator(self);
  (void)s, (void)user, (void)reply;
  return a->realloc_fn(a->user, NULL, 0, 1 << 20) ? GROVE_EINTERNAL : GROVE_ENOMEM;
}

static void test_troubles_in_events(void **state)
{
  struct rig *r = *state;
  grove_feed *all = open_feed(r->g, GROVE_EVENTS_ALL, 0);
  grove_feed *few = open_feed(r->g, 1u << GROVE_EVENT_FULL, 0);
  pause_point p;
  memset(&p, 0, sizeof p);
  grove_ref a = spawn_of(r->g, &narrow_class);
  grove_future f = ask_of(r->g, a, &narrow_run_method, job_pause, &p);
  rig_until(r, &p.begun, 1);
  for (int i = 0; i < 3; i++) {
    (void)!grove_send(r->g, a, &narrow_run_method, &(hand_job){job_echo, NULL});
  }
  grove_ref b = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .name = "greedy", .memory_bytes = 10000});
  check_ok(ask_and_get(r->g, b, job_ask_me_for_ever, NULL, NULL, NULL));
  check_status(ask_and_get(r->g, b, job_take_too_much, NULL, NULL, NULL), GROVE_ENOMEM);
  check_ok(grove_get(r->g, grove_exit(r->g, a, 0), 20000, NULL, 0, NULL));
  (void)!grove_get(r->g, f, 20000, NULL, 0, NULL);
  size_t n = events_of(all);
  const grove_event *e = find(n, GROVE_EVENT_FULL);
  assert_int_equal(e->kind, GROVE_EVENT_FULL);
  assert_true(grove_ref_equal(e->who, a));
  assert_int_equal(e->value, 2);
  assert_int_equal(e->status, GROVE_EAGAIN);
  e = find(n, GROVE_EVENT_DEADLOCK);
  assert_int_equal(e->kind, GROVE_EVENT_DEADLOCK);
  assert_string_equal(e->name, "greedy");
  check_contains(e->text, "waits for");
  e = find(n, GROVE_EVENT_LIMIT);
  assert_int_equal(e->kind, GROVE_EVENT_LIMIT);
  check_contains(e->text, "no memory for 1048576 bytes more");
  int dropped = 0; // beside the call that closed the circle
  for (size_t i = 0; i < n; i++) {
    dropped += event[i].kind == GROVE_EVENT_DROPPED && event[i].status == GROVE_EDEAD &&
               grove_ref_equal(event[i].who, a);
  }
  assert_int_equal(dropped, 2);
  assert_int_equal(events_of(few), 1); // its own kind alone
  assert_int_equal(event[0].kind, GROVE_EVENT_FULL);
  grove_feed_close(few);
  check_ok(ask_and_get(r->g, b, job_echo, NULL, NULL, NULL));
  grove_feed_close(all);
  grove_feed_close(NULL);
}

static grove_status job_span(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  int64_t begun = grove_span_begin(self);
  grove_status status = grove_sleep(self, 2);
  grove_span_end(self, begun, "a nap");
  return status;
}
static grove_status job_call_other(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s;
  return ask_and_get(self, *(const grove_ref *)user, job_span, NULL, reply, NULL);
}

static void test_spans(void **state)
{
  struct rig *r = *state;
  grove_ref a = spawn_hand(r->g), b = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, b, job_span, NULL, NULL, NULL)); // nobody watches
  grove_feed *f = open_feed(r->g, 0, GROVE_SPANS_ALL);
  assert_int_equal(spans_of(f), 0);
  for (int i = 0; i < 5; i++) {
    check_ok(ask_and_get(r->g, a, job_call_other, &b, NULL, NULL));
  }
  grove_feed_close(open_feed(r->g, 0, GROVE_SPANS_ALL)); // which takes nothing from the other
  check_ok(grove_get(r->g, grove_exit(r->g, a, 20000), 20000, NULL, 0, NULL));
  size_t n = spans_of(f), kinds[GROVE_SPAN_YIELD + 1] = {0};
  for (size_t i = 0; i < n; i++) {
    const grove_span *s = &span[i];
    assert_in_range(s->kind, GROVE_SPAN_METHOD, GROVE_SPAN_YIELD);
    kinds[s->kind]++;
    assert_true(s->begin_ns <= s->end_ns);
    if (s->kind == GROVE_SPAN_SEND) { // both sides
      int sides = 0;
      for (size_t k = 0; k < n; k++) {
        bool same = span[k].flow == s->flow && grove_ref_equal(span[k].who, s->other);
        if (same && span[k].kind != GROVE_SPAN_SEND) {
          assert_true(span[k].begin_ns + 2 >= s->end_ns);
          sides++;
        }
      }
      assert_int_equal(sides, 2); // queueing and the method
    }
    if (s->kind == GROVE_SPAN_WAIT ||
        s->kind == GROVE_SPAN_USER) { // within a method of the same actor
      bool within = false;
      for (size_t k = 0; k < n; k++) {
        within |= span[k].kind == GROVE_SPAN_METHOD && grove_ref_equal(span[k].who, s->who) &&
                  span[k].begin_ns <= s->begin_ns && span[k].end_ns >= s->end_ns;
      }
      assert_true(within);
    }
  }
  assert_int_equal(kinds[GROVE_SPAN_SEND], 10);
  assert_int_equal(kinds[GROVE_SPAN_QUEUE], 10);
  assert_int_equal(kinds[GROVE_SPAN_METHOD], 11); // and a's stop
  assert_int_equal(kinds[GROVE_SPAN_USER], 5);
  assert_in_range(
      kinds[GROVE_SPAN_WAIT], 5, 10); // b's naps; a's too, if the answer was not there yet
  grove_feed_close(f);
  assert_int_equal(grove_span_begin(r->g), 0);
}

// Gives its worker to others, whom it has woken there, again and again.
static grove_status job_yield(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s;
  *reply = 0;
  for (int i = 0; i < 200; i++) {
    grove_status told = tell(self, *(const grove_ref *)user, job_echo, NULL);
    if (told || grove_yield(self)) {
      return told ? told : GROVE_ECANCELED;
    }
  }
  return GROVE_OK;
}

// A yield that went away is a span within its method; and who has had enough reads to an end that stays.
static void test_yields(void **state)
{
  struct rig *r = *state;
  grove_ref a = spawn_hand(r->g), b = spawn_hand(r->g);
  grove_feed *f = open_feed(r->g, 0, 1u << GROVE_SPAN_YIELD | 1u << GROVE_SPAN_METHOD);
  check_ok(ask_and_get(r->g, a, job_yield, &b, NULL, NULL));
  grove_feed_finish(f);
  grove_feed_finish(f); // once is enough
  assert_int_equal(grove_span_begin(r->g), 0);
  size_t n = spans_of(f), yields = 0;
  for (size_t i = 0; i < n; i++) {
    if (span[i].kind == GROVE_SPAN_YIELD) {
      yields++;
      assert_true(grove_ref_equal(span[i].who, a));
      assert_string_equal(span[i].name, "run");
      assert_true(span[i].begin_ns <= span[i].end_ns);
    }
  }
  assert_in_range(yields, 1, 200);
  check_ok(ask_and_get(r->g, a, job_yield, &b, NULL, NULL));
  assert_int_equal(spans_of(f), 0); // of that nothing is told
  grove_feed_close(f);
}

// A task is sent by whoever makes it; a tick by nobody who could say that it is to be followed.
static grove_status errand(grove *self, const long *in, long *out);
GROVE_FUNCTION(errand, long, long)
static grove_status errand(grove *self, const long *in, long *out)
{
  (void)self;
  *out = *in + 1;
  return GROVE_OK;
}
static grove_status job_ticked(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self, (void)s, (void)user;
  *reply = 0;
  return GROVE_OK;
}
static grove_status job_set_tick(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user;
  *reply = 0;
  return grove_timer_set(self, 1, 1, 0, &hand_run_method, &(hand_job){job_ticked, NULL});
}
static void test_spans_of_tasks_and_ticks(void **state)
{
  struct rig *r = *state;
  long two;
  grove_ref a = spawn_hand(r->g);
  grove_feed *f = open_feed(r->g, 0, GROVE_SPANS_ALL);
  check_ok(errand_get(r->g, errand_task(r->g, 1), 20000, &two, NULL));
  check_ok(ask_and_get(r->g, a, job_set_tick, NULL, NULL, NULL));
  size_t errands = 0, runs = 0, sent = 0, queued = 0;
  uint64_t flow = 0;
  for (int tries = 0; tries < 20000 && (errands < 1 || runs < 2); tries++) { // the one that set the tick, and the tick
    check_ok(grove_sleep(r->g, 1));
    size_t n = spans_of(f);
    for (size_t i = 0; i < n; i++) {
      bool method = span[i].kind == GROVE_SPAN_METHOD;
      bool errand = strcmp(span[i].name, "errand") == 0;
      errands += method && errand;
      sent += errand && span[i].kind == GROVE_SPAN_SEND;
      queued += errand && span[i].kind == GROVE_SPAN_QUEUE;
      if (errand) { // one number for all three
        flow = flow ? flow : span[i].flow;
        assert_true(flow && span[i].flow == flow);
      }
      runs += method && grove_ref_equal(span[i].who, a) && strcmp(span[i].name, "run") == 0;
    }
  }
  assert_int_equal(errands, 1);
  assert_int_equal(sent, 1);
  assert_int_equal(queued, 1);
  assert_int_equal(runs, 2);
  grove_feed_close(f);
}

static void stop_spanning(grove *self, hand_state *s, grove_status why)
{
  (void)s, (void)why;
  int64_t begun = grove_span_begin(self);
  grove_span_end(self, begun, "last words");
}

// What happened until the end, read when the runtime is gone.
static void test_after_the_end(void **state)
{
  struct rig *r = *state;
  grove_feed *f = open_feed(r->g, GROVE_EVENTS_ALL, GROVE_SPANS_ALL);
  grove_feed *unread = open_feed(r->g, GROVE_EVENTS_ALL, GROVE_SPANS_ALL);
  grove_ref a = spawn_plan(r->g, (hand_plan){.stop = stop_spanning},
      &(grove_spawn_options){GROVE_SPAWN, .name = "late"});
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  grove_feed_close(unread);
  check_ok(rig_end(r, 20000, NULL));
  if (r->kind == ON_LOOP) {
    uv_run(&r->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r->loop), 0);
  }
  assert_int_equal(atomic_load(&r->freed), 1);
  assert_null(strstr(r->log, "not given back"));
  size_t n = events_of(f);
  assert_int_equal(find(n, GROVE_EVENT_ENDED)->kind, GROVE_EVENT_ENDED);
  assert_string_equal(find(n, GROVE_EVENT_ENDED)->name, "late");
  n = spans_of(f);
  int last_words = 0, stops = 0;
  for (size_t i = 0; i < n; i++) {
    last_words += span[i].kind == GROVE_SPAN_USER && strcmp(span[i].name, "last words") == 0;
    stops += span[i].kind == GROVE_SPAN_METHOD && strcmp(span[i].name, "stop") == 0;
  }
  assert_int_equal(last_words, 1);
  assert_int_equal(stops, 1);
  grove_feed_close(f);
  assert_int_equal(atomic_load(&r->bytes), 0);
}

// Readers that are too slow lose the oldest and know how many; feeds come and go while all work.
typedef struct reader {
  grove *g;
  rig_threads *threads;
  atomic_bool stop;
  int wrong;
  atomic_int got;
} reader;
static void read_feeds(void *user)
{
  reader *x = user;
  static grove_event e[64];
  static grove_span s[64];
  while (!atomic_load(&x->stop)) {
    grove_feed *f;
    size_t n;
    uint64_t lost;
    if (grove_feed_open(x->g,
            &(grove_feed_options){GROVE_FEED, .events = GROVE_EVENTS_ALL, .spans = GROVE_SPANS_ALL,
                .event_room = 64, .span_room = 64},
            &f)) {
      x->wrong++;
      break;
    }
    for (int i = 0; i < 50; i++) {
      x->wrong += grove_feed_events(f, e, sizeof *e, 64, &n, &lost) != GROVE_OK;
      for (size_t k = 0; k < n; k++) {
        x->wrong += strcmp(e[k].class_name, "hand") != 0 || !e[k].who.which;
      }
      atomic_fetch_add(&x->got, (int)n);
      x->wrong += grove_feed_spans(f, s, sizeof *s, 64, &n, &lost) != GROVE_OK;
      for (size_t k = 0; k < n; k++) {
        x->wrong += s[k].end_ns < s[k].begin_ns || !s[k].name[0];
      }
      atomic_fetch_add(&x->got, (int)n);
    }
    grove_feed_close(f);
  }
  atomic_fetch_add(&x->threads->ended, 1);
}
static grove_status job_live_and_let_die(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user;
  for (int i = 0; i < 60; i++) {
    grove_ref c = spawn_hand(self);
    grove_status status = ask_and_get(self, c, job_echo, NULL, reply, NULL);
    if (!status) {
      status = grove_get(self, grove_exit(self, c, 20000), 20000, NULL, 0, NULL);
    }
    if (status) {
      return status;
    }
  }
  return GROVE_OK;
}
static void test_readers_and_writers(void **state)
{
  struct rig *r = *state;
  static rig_threads t;
  static reader x;
  memset(&t, 0, sizeof t);
  t.n = 1;
  x = (reader){.g = r->g, .threads = &t};
  assert_int_equal(uv_thread_create(&t.id[0], read_feeds, &x), 0);
  grove_future f[4];
  grove_ref a[4];
  for (int i = 0; i < 4; i++) {
    a[i] = spawn_hand(r->g);
  }
  for (int rounds = 0; rounds < 1000 && atomic_load(&x.got) < 500; rounds++) {
    for (int i = 0; i < 4; i++) {
      f[i] = ask(r->g, a[i], job_live_and_let_die, NULL);
    }
    check_ok(grove_get_all(r->g, f, 4, 20000, NULL, 0, NULL));
  }
  atomic_store(&x.stop, true);
  rig_join(r, &t);
  assert_int_equal(x.wrong, 0);
  assert_true(atomic_load(&x.got) >= 500);
}

static void test_misuse(void **state)
{
  struct rig *r = *state;
  grove_feed *f;
  size_t n;
  uint64_t lost;
  check_status(grove_feed_open(r->g, NULL, NULL), GROVE_EINVAL);
  check_status(
      grove_feed_open(r->g, &(grove_feed_options){GROVE_FEED, .events = 1}, &f), GROVE_EINVAL);
  assert_null(f);
  check_status(
      grove_feed_open(r->g, &(grove_feed_options){GROVE_FEED, .spans = 1}, &f), GROVE_EINVAL);
  check_ok(grove_feed_open(r->g, NULL, &f)); // all events
  check_status(grove_feed_events(f, NULL, 0, 1, &n, &lost), GROVE_EINVAL);
  check_status(grove_feed_events(f, event, sizeof *event, 1, NULL, &lost), GROVE_EINVAL);
  check_status(grove_feed_events(NULL, event, sizeof *event, 1, &n, &lost), GROVE_EINVAL);
  check_ok(grove_feed_spans(f, span, sizeof *span, 1, &n, &lost)); // of which it wants none
  assert_int_equal(n, 0);
  grove_feed_close(f);
}

static const rig_test tests[] = {
    EVERYWHERE(test_a_life_in_events),
    EVERYWHERE(test_log_lines),
    EVERYWHERE(test_troubles_in_events),
    EVERYWHERE(test_spans),
    EVERYWHERE(test_yields),
    EVERYWHERE(test_spans_of_tasks_and_ticks),
    EVERYWHERE(test_after_the_end),
    THREADED(test_readers_and_writers),
    EVERYWHERE(test_misuse),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
