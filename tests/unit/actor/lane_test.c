// Order under stealing and suspension, lanes, what is dropped and how it is counted and told.
#include "actors.h"

#define roaming_LIST(S, M) HAND_METHODS(S, M, roaming)
HANDS(roaming, .migratable = 1)
#define wide_LIST(S, M) HAND_METHODS(S, M, wide)
HANDS(wide, .mailbox_bytes = 2000, .full = GROVE_FULL_DROP_OLD)
#define sharing_LIST(S, M) HAND_METHODS(S, M, sharing)
HANDS(sharing, .slice_messages = 3)
#define newest_LIST(S, M) HAND_METHODS(S, M, newest)
HANDS(newest, .mailbox = 2, .full = GROVE_FULL_DROP_NEW)
#define refusing_LIST(S, M) HAND_METHODS(S, M, refusing)
HANDS(refusing, .mailbox = 2, .full = GROVE_FULL_FAIL)

static grove_stats stats_of(grove *g)
{
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_stats_get(g, &s));
  return s;
}

// ---- order ---------------------------------------------------------------------------------------------------
enum { WRITERS = 6, READERS = 3, LETTERS = 60 };
typedef struct letter {
  struct book *book;
  int from, to, n;
  bool high;
} letter;
typedef struct book {
  grove_ref reader[READERS];
  int last[WRITERS][READERS][2]; // a reader's own: in its methods alone
  letter letters[WRITERS][LETTERS];
  atomic_int read, wrong, written;
} book;

// Now and then it is suspended, so that its worker runs others and others take what is queued.
static grove_status rest(grove *self, long n)
{
  return n % 7 == 0 ? grove_sleep(self, 1) : n % 3 == 0 ? grove_yield(self) : GROVE_OK;
}
static grove_status job_read(grove *self, hand_state *s, void *user, long *reply)
{
  letter *l = user;
  int *last = &l->book->last[l->from][l->to][l->high];
  (void)s, (void)reply;
  atomic_fetch_add(&l->book->wrong, l->n <= *last);
  *last = l->n;
  grove_status status = rest(self, l->n + l->from);
  atomic_fetch_add(&l->book->read, 1);
  return status;
}
typedef struct writer {
  book *book;
  int who;
} writer;
static grove_status job_write(grove *self, hand_state *s, void *user, long *reply)
{
  writer *w = user;
  (void)s, (void)reply;
  for (int i = 0; i < LETTERS; i++) {
    letter *l = &w->book->letters[w->who][i];
    *l = (letter){w->book, w->who, i % READERS, i + 1, i % 5 == 0};
    const grove_method *m = l->high ? &roaming_high_method : &roaming_run_method;
    grove_status status = grove_send(self, w->book->reader[l->to], m, &(hand_job){job_read, l});
    if (!status) {
      status = rest(self, i + w->who);
    }
    if (status) {
      return status;
    }
  }
  atomic_fetch_add(&w->book->written, 1);
  return GROVE_OK;
}
static void write_and_read(struct rig *r)
{
  static book b;
  static writer w[WRITERS];
  memset(&b, 0, sizeof b);
  for (int i = 0; i < READERS; i++) {
    b.reader[i] = spawn_of(r->g, &roaming_class);
  }
  for (int i = 0; i < WRITERS; i++) {
    w[i] = (writer){&b, i};
    grove_ref from = spawn_of(r->g, &roaming_class);
    check_ok(grove_send(r->g, from, &roaming_run_method, &(hand_job){job_write, &w[i]}));
  }
  rig_until(r, &b.read, WRITERS * LETTERS);
  assert_int_equal(b.wrong, 0);
}
static void test_fifo_between_actors_that_roam(void **state)
{
  struct rig *r = *state;
  for (uint64_t seed = 1; seed <= (r->kind == ON_SIMULATION ? 100 : 4); seed++) {
    rig_restart(r, &(grove_options){.workers = 4, .seed = seed, .turn_warn_ms = 100000});
    write_and_read(r);
  }
}

static grove_status job_note_place(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self, (void)user;
  *reply = ++s->number;
  return GROVE_OK;
}
// To one that rests, and runs when its sender's method has returned: on several workers another may take it from there before.
static grove_ref of_two_lanes;
static atomic_int in_two_lanes, taken_of_two;
static int places[2]; // of the normal one and the high one
static grove_status job_take_place(grove *self, hand_state *s, void *user, long *reply)
{
  int *place = user;
  (void)self, (void)s, (void)reply;
  *place = atomic_fetch_add(&in_two_lanes, 1);
  atomic_fetch_add(&taken_of_two, 1);
  return GROVE_OK;
}
static grove_status job_send_both(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  grove_status status = grove_send(self, of_two_lanes, &hand_run_method, &(hand_job){job_take_place, &places[0]});
  return status ? status : grove_send(self, of_two_lanes, &hand_high_method, &(hand_job){job_take_place, &places[1]});
}
static void test_a_high_one_comes_before_what_waits(void **state)
{
  struct rig *r = *state;
  rig_restart(r, &(grove_options){.workers = 1, .seed = 1});
  grove_ref from = spawn_hand(r->g);
  of_two_lanes = spawn_hand(r->g);
  for (int i = 0; i < 50; i++) {
    check_ok(ask_and_get(r->g, of_two_lanes, job_echo, NULL, NULL, NULL)); // it rests soon
    check_ok(ask_and_get(r->g, from, job_echo, NULL, NULL, NULL));
    atomic_store(&in_two_lanes, 0);
    atomic_store(&taken_of_two, 0);
    check_ok(tell(r->g, from, job_send_both, NULL));
    rig_until(r, &taken_of_two, 2);
    assert_int_equal(places[1], 0);
    assert_int_equal(places[0], 1);
  }
}

static void test_high_ones_do_not_starve_normal_ones(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  long n[2];
  grove_ref h = spawn_hand(r->g);
  grove_future f[2], busy = ask(r->g, h, job_pause, &p);
  rig_until(r, &p.begun, 1);
  f[0] = ask(r->g, h, job_note_place, NULL);
  f[1] = ask(r->g, h, job_note_place, NULL);
  for (int i = 0; i < 300; i++) {
    check_ok(grove_send(r->g, h, &hand_high_method, &(hand_job){job_note_place, NULL}));
  }
  pause_end(r->g, &p, 1);
  check_ok(grove_get_all(r->g, f, 2, 20000, n, sizeof *n, NULL));
  assert_int_equal(n[0], 65); // after 64 high ones
  assert_int_equal(n[1], 130);
  check_ok(grove_get(r->g, busy, 20000, NULL, 0, NULL));
}

// So many messages in a row and no more, however short they are.
static void test_messages_in_a_row(void **state)
{
  enum { MANY = 1000 };
  struct rig *r = *state;
  static pause_point p;
  grove_class_stats stats = {.struct_size = sizeof stats};
  atomic_int count = 0;
  memset(&p, 0, sizeof p);
  grove_ref h = spawn_of(r->g, &sharing_class);
  grove_future busy = ask_of(r->g, h, &sharing_run_method, job_pause, &p);
  rig_until(r, &p.begun, 1);
  for (int i = 0; i < MANY; i++) {
    check_ok(grove_send(r->g, h, &sharing_run_method, &(hand_job){job_count, &count}));
  }
  check_ok(grove_class_stats_get(r->g, &sharing_class, &stats));
  uint64_t before = stats.turns;
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, busy, 20000, NULL, 0, NULL));
  rig_until(r, &count, MANY);
  check_ok(grove_class_stats_get(r->g, &sharing_class, &stats));
  assert_true(stats.turns - before >= MANY / 3);
}

// ---- what is lost --------------------------------------------------------------------------------------------
static void test_drop_old_by_bytes(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  grove_status s = GROVE_OK;
  grove_ref h = spawn_of(r->g, &wide_class);
  grove_future busy = ask_of(r->g, h, &wide_run_method, job_pause, &p);
  rig_until(r, &p.begun, 1);
  int sent = 0;
  atomic_int count = 0;
  for (; !s && sent < 10000; sent++) {
    s = grove_send(r->g, h, &wide_run_method, &(hand_job){job_count, &count});
  }
  check_status(s, GROVE_EAGAIN); // there is an end: the bytes of all are bounded
  grove_info i = {.struct_size = sizeof i};
  check_ok(grove_inspect(r->g, h, &i));
  assert_in_range(i.mailbox_bytes, 2001, 2 * 2000 + 500);
  uint64_t each = i.mailbox_bytes / i.mailbox_depth;
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, busy, 20000, NULL, 0, NULL));
  for (int k = 0; k < 1000 && i.mailbox_depth; k++) { // until it has taken what is left
    check_ok(grove_sleep(r->g, 1));
    check_ok(grove_inspect(r->g, h, &i));
  }
  rig_until(r, &count, (int)(2000 / each));
  assert_int_equal(
      stats_of(r->g).dropped_full, (uint64_t)sent - 1 - 2000 / each); // what fits is kept
}

// Ticks and the end that grove_exit asks for count in no limit and are not dropped; and what was sent before that is handled,
// however much of it is in the high lane.
static grove_status job_set_timer(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  return grove_timer_set(self, 1, 1, 0, &wide_run_method, &(hand_job){job_count, user});
}
static void test_what_is_never_dropped(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  enum { MANY = 100 };
  atomic_int ticks = 0, high = 0;
  memset(&p, 0, sizeof p);
  grove_ref h = spawn_of(r->g, &wide_class);
  check_ok(grove_get(r->g, ask_of(r->g, h, &wide_run_method, job_set_timer, &ticks), 20000, NULL, 0, NULL));
  grove_future busy = ask_of(r->g, h, &wide_run_method, job_pause, &p);
  rig_until(r, &p.begun, 1);
  grove_info info = {.struct_size = sizeof info};
  do { // until it has ticked
    check_ok(grove_sleep(r->g, 1));
    check_ok(grove_inspect(r->g, h, &info));
  } while (info.mailbox_depth == 0 && ticks == 0);
  int sent = 0;
  while (!grove_send(r->g, h, &wide_run_method, &(hand_job){job_echo, NULL}) && sent < MANY) {
    sent++;
  }
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, busy, 20000, NULL, 0, NULL));
  rig_until(r, &ticks, 1);
  grove_ref plain = spawn_hand(r->g);
  memset(&p, 0, sizeof p);
  busy = ask(r->g, plain, job_pause, &p);
  rig_until(r, &p.begun, 1);
  for (int i = 0; i < MANY; i++) {
    check_ok(grove_send(r->g, plain, &hand_high_method, &(hand_job){job_count, &high}));
  }
  grove_future end = grove_exit(r->g, plain, 20000);
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, busy, 20000, NULL, 0, NULL));
  check_ok(grove_get(r->g, end, 20000, NULL, 0, NULL));
  assert_int_equal(high, MANY);
}

static void test_lost_messages_are_counted_by_reason(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  long n = 5;
  grove_ref h = spawn_hand(r->g);
  grove_future busy = ask(r->g, h, job_pause, &p), f;
  rig_until(r, &p.begun, 1);
  grove_drop(r->g, ask(r->g, h, job_echo, NULL)); // nobody wants it
  f = ask(r->g, h, job_echo, NULL);
  grove_cancel(r->g, f);
  grove_drop(r->g, f);
  f = grove_call_within(r->g, 1, h, &hand_run_method, &(hand_job){job_echo, NULL});
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EEXPIRED);
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, busy, 20000, NULL, 0, NULL));
  check_ok(ask_and_get(r->g, h, job_echo, NULL, NULL, NULL)); // it has seen the three before
  grove_stats s = stats_of(r->g);
  assert_int_equal(s.dropped_canceled, 2);
  assert_int_equal(s.dropped_expired, 1);
  assert_int_equal(s.dropped_full + s.dropped_dead + s.refused + s.late_answers, 0);
  // full ones
  grove_ref full[2] = {spawn_of(r->g, &newest_class), spawn_of(r->g, &refusing_class)};
  const grove_method *m[2] = {&newest_run_method, &refusing_run_method};
  static pause_point q[2];
  memset(q, 0, sizeof q);
  for (int k = 0; k < 2; k++) {
    check_ok(grove_send(r->g, full[k], m[k], &(hand_job){job_pause, &q[k]}));
    rig_until(r, &q[k].begun, 1);
    for (int i = 0; i < 5; i++) {
      grove_status sent = grove_send(r->g, full[k], m[k], &(hand_job){job_echo, NULL});
      check_status(sent, i < 2 || k == 0 ? GROVE_OK : GROVE_EAGAIN);
    }
  }
  s = stats_of(r->g);
  assert_int_equal(s.dropped_full, 3);
  assert_int_equal(s.refused, 3);
  // those of an actor that ends, and those to one that is gone
  for (int k = 0; k < 2; k++) {
    check_ok(grove_get(r->g, grove_exit(r->g, full[k], 0), 20000, NULL, 0, NULL));
  }
  s = stats_of(r->g);
  assert_int_equal(s.dropped_dead, 4);
  assert_int_equal(s.dead_letters, 4);
  check_status(grove_send(r->g, full[0], m[0], &(hand_job){job_echo, NULL}), GROVE_ENOACTOR);
  // late answers
  grove_promise promise;
  check_ok(grove_promise_create(r->g, &grove_type_of_long, &promise, &f));
  grove_drop(r->g, f);
  check_status(grove_promise_answer(r->g, promise, GROVE_OK, &n, sizeof n), GROVE_ESPENT);
  s = stats_of(r->g);
  assert_int_equal(s.dead_letters, 5);
  assert_int_equal(s.late_answers, 1);
  assert_int_equal(
      s.dropped, s.dropped_dead + s.dropped_full + s.dropped_expired + s.dropped_canceled);
}

// A thousand in a row are one line, and one more a second later, which counts the rest.
static grove_status job_tell_gone(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  grove_status status = tell(self, *(grove_ref *)user, job_echo, NULL);
  return status == GROVE_ENOACTOR ? GROVE_OK : GROVE_EINTERNAL;
}

static void test_the_log_is_not_drowned(void **state)
{
  struct rig *r = *state;
  grove_ref h = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .label = "late"});
  check_ok(grove_get(r->g, grove_exit(r->g, h, 20000), 20000, NULL, 0, NULL));
  atomic_store(&r->lines, 0);
  r->log_bytes = 0;
  for (int i = 0; i < 1000; i++) {
    check_status(tell(r->g, h, job_echo, NULL), GROVE_ENOACTOR);
  }
  assert_int_equal(r->lines, 1);
  check_contains(r->log, "dead letter: run to ");
  check_contains(r->log, "; from outside");
  (void)grove_sim_advance(r->g, 1000);
  check_status(tell(r->g, h, job_echo, NULL), GROVE_ENOACTOR);
  assert_int_equal(r->lines, 2);
  check_contains(r->log, "(and 999 more since the last such line)");
  (void)grove_sim_advance(r->g, 1000); // and one of an actor
  grove_ref sender = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .label = "postman"});
  check_ok(ask_and_get(r->g, sender, job_tell_gone, &h, NULL, NULL));
  assert_int_equal(r->lines, 3);
  check_contains(r->log, "; from hand \"postman\"");
}

// ---- deadlines that travel, and what has not begun by then ------------------------------------------------------
typedef struct trip {
  atomic_int begun, inner;
  _Atomic grove_status task, offload;
  int64_t ended_ms;
} trip;
typedef struct trip_arg {
  trip *t;
} trip_arg;
GROVE_TYPE(trip_arg)
static grove_status wait_long(grove *self, const trip_arg *a, long *out);
GROVE_FUNCTION(wait_long, trip_arg, long)
static grove_status wait_long(grove *self, const trip_arg *a, long *out)
{
  grove_promise p;
  grove_future f;
  grove_status s = grove_promise_create(self, &grove_type_of_long, &p, &f);
  atomic_fetch_add(&a->t->begun, 1);
  s = s ? s : grove_get(self, f, 5000, out, sizeof *out, NULL);
  atomic_fetch_add(&a->t->inner, 1);
  return s;
}
// It does not see that its caller gave up, so it lives to see how its own calls end.
static grove_status job_travel(grove *self, hand_state *s, void *user, long *reply)
{
  trip *t = user;
  (void)s, (void)reply;
  int64_t from = grove_now_ns(self);
  wait_long_future f[2] = {
      wait_long_task(self, (trip_arg){t}), wait_long_offload(self, (trip_arg){t})};
  t->task = wait_long_get(self, f[0], GROVE_FOREVER, NULL, NULL);
  t->offload = wait_long_get(self, f[1], GROVE_FOREVER, NULL, NULL);
  t->ended_ms = (grove_now_ns(self) - from) / 1000000;
  return GROVE_OK;
}
static void test_tasks_and_functions_have_no_more_time_than_is_left(void **state)
{
  struct rig *r = *state;
  static trip t;
  memset(&t, 0, sizeof t);
  grove_ref h = spawn_hand(r->g);
  grove_future f =
      grove_call_within(r->g, 100, h, &hand_finish_method, &(hand_job){job_travel, &t});
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EEXPIRED);
  check_ok(ask_and_get(r->g, h, job_echo, NULL, NULL, NULL)); // it is through
  check_status(t.task, GROVE_EEXPIRED);
  check_status(t.offload, GROVE_EEXPIRED);
  assert_in_range(t.ended_ms, 0, 4000); // its five seconds had not passed
}

// Dropped and cancelled functions leave their places in the queue to others, though no thread is free.
GROVE_FUNCTION(block, trip_arg, long)
static hold block_hold;
static grove_status block(grove *self, const trip_arg *a, long *out)
{
  (void)self, (void)out;
  if (atomic_fetch_add(&a->t->begun, 1) == 0) {
    uv_sem_wait(&block_hold.sem);
  }
  return GROVE_OK;
}
static void test_cancelled_functions_make_room(void **state)
{
  struct rig *r = *state;
  static trip t;
  memset(&t, 0, sizeof t);
  hold_init(&block_hold);
  rig_restart(r, &(grove_options){.workers = 1, .offload_threads = 1, .offload_queue = 4});
  block_future first = block_offload(r->g, (trip_arg){&t}), f[4];
  rig_until(r, &t.begun, 1);
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < 4; i++) {
      f[i] = block_offload(r->g, (trip_arg){&t});
      assert_false(grove_ended(r->g, f[i].future));
    }
    block_future over = block_offload(r->g, (trip_arg){&t});
    check_status(block_get(r->g, over, 0, NULL, NULL), GROVE_EAGAIN);
    for (int i = 0; i < 4 && round < 9; i++) {
      if (i % 2) {
        grove_cancel(r->g, f[i].future);
      }
      grove_drop(r->g, f[i].future);
    }
  }
  uv_sem_post(&block_hold.sem);
  check_ok(block_get(r->g, first, 20000, NULL, NULL));
  for (int i = 0; i < 4; i++) {
    check_ok(block_get(r->g, f[i], 20000, NULL, NULL));
  }
  assert_int_equal(t.begun, 5);
  uv_sem_destroy(&block_hold.sem);
}

// ---- an answer that is handed on -----------------------------------------------------------------------------
typedef struct relay {
  grove_ref to;
  grove_promise promise;
  atomic_int answered;
} relay;
static grove_status job_answer_for(grove *self, hand_state *s, void *user, long *reply)
{
  relay *x = user;
  long n = 77;
  (void)s, (void)reply;
  atomic_fetch_add(&x->answered, 1);
  return hand_run_answer(self, x->promise, GROVE_OK, &n);
}
static grove_status job_pass_on(grove *self, hand_state *s, void *user, long *reply)
{
  relay *x = user;
  (void)s, (void)reply;
  grove_status status = grove_promise_take(self, &x->promise);
  return status ? status : tell(self, x->to, job_answer_for, x);
}
static void test_another_actor_answers(void **state)
{
  struct rig *r = *state;
  static relay x;
  memset(&x, 0, sizeof x);
  long n = 0;
  x.to = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, spawn_hand(r->g), job_pass_on, &x, &n, NULL));
  assert_int_equal(n, 77);
}

static const rig_test tests[] = {
    ON(WORKERS | LOOP | SIM | ONE_SEED, test_fifo_between_actors_that_roam),
    EVERYWHERE(test_a_high_one_comes_before_what_waits),
    EVERYWHERE(test_high_ones_do_not_starve_normal_ones),
    EVERYWHERE(test_drop_old_by_bytes),
    EVERYWHERE(test_what_is_never_dropped),
    EVERYWHERE(test_messages_in_a_row),
    EVERYWHERE(test_lost_messages_are_counted_by_reason),
    ON(SIM, test_the_log_is_not_drowned),
    EVERYWHERE(test_tasks_and_functions_have_no_more_time_than_is_left),
    THREADED(test_cancelled_functions_make_room),
    EVERYWHERE(test_another_actor_answers),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
