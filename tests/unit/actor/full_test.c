// Full mailboxes: each policy, by messages and by bytes, and waiting for room.
#include "actors.h"

#define failing_LIST(S, M) HAND_METHODS(S, M, failing)
HANDS(failing, .mailbox = 4, .full = GROVE_FULL_FAIL)
#define narrow_LIST(S, M) HAND_METHODS(S, M, narrow)
HANDS(narrow, .mailbox_bytes = 1000, .full = GROVE_FULL_FAIL)
#define waiting_LIST(S, M) HAND_METHODS(S, M, waiting)
HANDS(waiting, .mailbox = 2, .full = GROVE_FULL_WAIT)
#define roomy_LIST(S, M) HAND_METHODS(S, M, roomy)
HANDS(roomy, .mailbox = 8, .full = GROVE_FULL_WAIT)
#define newest_LIST(S, M) HAND_METHODS(S, M, newest)
HANDS(newest, .mailbox = 3, .full = GROVE_FULL_DROP_NEW)
#define oldest_LIST(S, M) HAND_METHODS(S, M, oldest)
HANDS(oldest, .mailbox = 3, .full = GROVE_FULL_DROP_OLD)

static grove_status job_append(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self;
  s->number = s->number * 10 + (long)(intptr_t)user;
  *reply = s->number;
  return GROVE_OK;
}

// An actor of class `c` that stands in a pause: what comes now stays in its mailbox.
static grove_ref spawn_busy(struct rig *r, const grove_class *c, const grove_method *run,
    pause_point *p, grove_future *busy)
{
  grove_ref a = spawn_of(r->g, c);
  *p = (pause_point){.begun = 0};
  *busy = ask_of(r->g, a, run, job_pause, p);
  rig_until(r, &p->begun, 1);
  return a;
}

static long get_long(struct rig *r, grove_future f)
{
  long n = -1;
  check_ok(grove_get(r->g, f, 20000, &n, sizeof n, NULL));
  return n;
}

static void test_fail_names_limit_and_depth(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_future busy;
  grove_error err;
  grove_ref a = spawn_busy(r, &failing_class, &failing_run_method, &p, &busy);
  hand_job job = {job_append, (void *)1};
  for (int i = 0; i < 4; i++) {
    check_ok(grove_send(r->g, a, &failing_run_method, &job));
  }
  check_status(grove_send(r->g, a, &failing_run_method, &job), GROVE_EAGAIN);
  grove_future f = grove_call(r->g, a, &failing_run_method, &job);
  assert_true(grove_ended(r->g, f));
  check_status(grove_get(r->g, f, 0, NULL, 0, &err), GROVE_EAGAIN);
  check_contains(err.text, "run to failing");
  check_contains(err.text, "4 messages");
  check_contains(err.text, "limits: 4 messages");
  check_contains(err.text, "`full` of its class");
  // the high lane is bounded with it
  check_status(grove_send(r->g, a, &failing_high_method, &job), GROVE_EAGAIN);
  pause_end(r->g, &p, 7);
  assert_int_equal(get_long(r, busy), 7);
  long n = 0;
  for (int i = 0; i < 1000 && n == 0; i++) { // until the first is taken
    check_ok(grove_sleep(r->g, 1));
    grove_future last = ask_of(r->g, a, &failing_run_method, job_append, (void *)2);
    (void)!grove_get(r->g, last, 20000, &n, sizeof n, NULL);
  }
  assert_int_equal(n, 11112);
}

static void test_bytes_are_a_limit(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_future busy;
  grove_error err;
  grove_ref a = spawn_busy(r, &narrow_class, &narrow_run_method, &p, &busy);
  hand_job job = {job_append, (void *)1};
  grove_status s = GROVE_OK;
  int fit = 0;
  for (; !s && fit < 100; fit++) {
    s = grove_send(r->g, a, &narrow_run_method, &job);
  }
  check_status(s, GROVE_EAGAIN);
  assert_in_range(fit, 3, 40);
  check_status(grove_get(r->g, grove_call(r->g, a, &narrow_run_method, &job), 0, NULL, 0, &err),
      GROVE_EAGAIN);
  check_contains(err.text, "1000 bytes");
  pause_end(r->g, &p, 7);
  assert_int_equal(get_long(r, busy), 7);
}

// Who may not wait is told that it is full, whatever the class says; and has no future then.
static void test_now_does_not_wait(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_future busy, f[2], gone;
  grove_ref a = spawn_busy(r, &waiting_class, &waiting_run_method, &p, &busy);
  hand_job job = {job_append, (void *)1};
  check_ok(grove_send_now(r->g, a, &waiting_run_method, &job));
  check_ok(grove_call_now(r->g, a, &waiting_run_method, &job, &f[0]));
  grove_stats stats = {.struct_size = sizeof stats};
  check_ok(grove_stats_get(r->g, &stats));
  uint64_t futures = stats.futures;
  check_status(grove_send_now(r->g, a, &waiting_run_method, &job), GROVE_EAGAIN);
  f[1] = (grove_future){7, 7};
  check_status(grove_call_now(r->g, a, &waiting_run_method, &job, &f[1]), GROVE_EAGAIN);
  assert_true(f[1].slot == 0 && f[1].generation == 0);
  check_ok(grove_stats_get(r->g, &stats));
  assert_int_equal(stats.futures, futures);
  assert_int_equal(stats.refused, 2);
  check_status(grove_call_now(r->g, a, &waiting_run_method, &job, NULL), GROVE_EINVAL);
  pause_end(r->g, &p, 7);
  assert_int_equal(get_long(r, busy), 7);
  assert_int_equal(get_long(r, f[0]), 11);
  check_ok(grove_get(r->g, grove_exit(r->g, a, 20000), 20000, NULL, 0, NULL));
  check_ok(grove_call_now(r->g, a, &waiting_run_method, &job, &gone)); // its end says why
  check_status(grove_get(r->g, gone, 0, NULL, 0, NULL), GROVE_ENOACTOR);
}

// Waits for room with another, and sends nothing.
static grove_status job_wait_room(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  return grove_wait_room(self, *(grove_ref *)user, &waiting_run_method);
}

static void test_waiting_for_room_without_sending(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_future busy;
  grove_ref a = spawn_busy(r, &waiting_class, &waiting_run_method, &p, &busy), h = spawn_hand(r->g);
  hand_job job = {job_append, (void *)1};
  check_ok(grove_wait_room(r->g, a, &waiting_run_method)); // there is room
  check_ok(grove_send(r->g, a, &waiting_run_method, &job));
  grove_future last = grove_call(r->g, a, &waiting_run_method, &job);
  check_status(grove_wait_room(r->g, a, &hand_run_method), GROVE_EINVAL);
  check_status(grove_wait_room(r->g, GROVE_NOBODY, &waiting_run_method), GROVE_ENOACTOR);
  grove_future late = grove_call_within(r->g, 50, h, &hand_run_method, &(hand_job){job_wait_room, &a});
  check_status(grove_get(r->g, late, 20000, NULL, 0, NULL), GROVE_EEXPIRED);
  grove_future waits = ask(r->g, h, job_wait_room, &a);
  check_status(grove_get(r->g, waits, 5, NULL, 0, NULL), GROVE_ETIMEDOUT);
  pause_end(r->g, &p, 7);
  check_ok(grove_get(r->g, waits, 20000, NULL, 0, NULL));
  assert_int_equal(get_long(r, busy), 7);
  assert_int_equal(get_long(r, last), 11); // as nothing was sent by the wait
  check_ok(grove_get(r->g, grove_exit(r->g, a, 20000), 20000, NULL, 0, NULL));
  check_status(grove_wait_room(r->g, a, &waiting_run_method), GROVE_ENOACTOR);
}

static void test_drop_new(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_future busy;
  grove_ref a = spawn_busy(r, &newest_class, &newest_run_method, &p, &busy);
  for (intptr_t i = 1; i <= 5; i++) { // sends are dropped without a word
    check_ok(grove_send(r->g, a, &newest_run_method, &(hand_job){job_append, (void *)i}));
  }
  grove_future dropped = ask_of(r->g, a, &newest_run_method, job_append, (void *)6);
  check_status(grove_get(r->g, dropped, 0, NULL, 0, NULL), GROVE_EAGAIN);
  pause_end(r->g, &p, 7);
  assert_int_equal(get_long(r, busy), 7);
  long n = 0;
  for (int i = 0; i < 1000 && n != 1239; i++) { // there is room again as soon as one was taken
    grove_future f = ask_of(r->g, a, &newest_run_method, job_append, (void *)9);
    if (!grove_get(r->g, f, 20000, &n, sizeof n, NULL)) {
      break;
    }
    n = 0;
    check_ok(grove_sleep(r->g, 1));
  }
  assert_int_equal(n, 1239);
  grove_stats stats = {.struct_size = sizeof stats};
  check_ok(grove_stats_get(r->g, &stats));
  assert_true(stats.dropped >= 2);
}

static void test_drop_old(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_future busy, f[9];
  grove_error err;
  grove_ref a = spawn_busy(r, &oldest_class, &oldest_run_method, &p, &busy);
  check_ok(grove_send(r->g, a, &oldest_high_method, &(hand_job){job_append, (void *)8}));
  for (intptr_t i = 1; i <= 7; i++) {
    f[i] = ask_of(r->g, a, &oldest_run_method, job_append, (void *)i);
  }
  pause_end(r->g, &p, 7);
  assert_int_equal(get_long(r, busy), 7);
  for (intptr_t i = 1; i <= 5; i++) { // with the high one there were eight for three places
    check_status(grove_get(r->g, f[i], 20000, NULL, 0, &err), GROVE_EAGAIN);
    check_contains(err.text, "run to oldest: dropped as the oldest of a full mailbox");
    check_contains(err.text, "limits: 3 messages");
  }
  assert_int_equal(get_long(r, f[6]), 86);
  assert_int_equal(get_long(r, f[7]), 867);
}

static void test_drop_old_is_bounded(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_future busy;
  grove_ref a = spawn_busy(r, &oldest_class, &oldest_run_method, &p, &busy);
  grove_status s = GROVE_OK;
  int fit = 0;
  for (; !s && fit < 100000; fit++) {
    s = grove_send(r->g, a, &oldest_run_method, &(hand_job){job_append, (void *)1});
  }
  check_status(s, GROVE_EAGAIN);
  assert_in_range(fit, 7, 10000);
  pause_end(r->g, &p, 7);
  assert_int_equal(get_long(r, busy), 7);
}

// ---- waiting for room ------------------------------------------------------------------------------------
typedef struct filler {
  grove_ref to;
  atomic_bool begun;
  atomic_int sent;
  _Atomic grove_status last;
  int64_t within_ms;
} filler;

// Sends six: two fit, one more is waited with.
static grove_status job_fill(grove *self, hand_state *s, void *user, long *reply)
{
  filler *f = user;
  (void)s;
  grove_status status = GROVE_OK;
  atomic_store(&f->begun, true);
  for (intptr_t i = 1; i <= 6 && !status; i++) {
    status = grove_send(self, f->to, &waiting_run_method, &(hand_job){job_append, (void *)i});
    atomic_fetch_add(&f->sent, !status);
  }
  f->last = status;
  *reply = atomic_load(&f->sent);
  return status;
}

static void test_wait_suspends_an_actor(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_future busy;
  filler f = {.sent = 0};
  f.to = spawn_busy(r, &waiting_class, &waiting_run_method, &p, &busy);
  grove_ref h = spawn_hand(r->g);
  grove_future filling = ask(r->g, h, job_fill, &f);
  rig_until(r, &f.sent, 2);
  check_status(grove_get(r->g, filling, 20, NULL, 0, NULL), GROVE_ETIMEDOUT);
  assert_int_equal(f.sent, 2);
  // its worker is free meanwhile
  assert_int_equal(get_long(r, ask(r->g, spawn_hand(r->g), job_echo, (void *)3)), 3);
  pause_end(r->g, &p, 7);
  assert_int_equal(get_long(r, filling), 6);
  assert_int_equal(get_long(r, busy), 7);
  assert_int_equal(
      get_long(r, ask_of(r->g, f.to, &waiting_run_method, job_append, (void *)7)), 1234567);
}

// Nine: one that the receiver takes and then waits in, and eight that fit behind it.
static grove_status job_fill_behind_a_pause(grove *self, hand_state *s, void *user, long *reply)
{
  filler *f = ((void **)user)[0];
  (void)s;
  *reply = 0;
  grove_status status =
      grove_send(self, f->to, &roomy_run_method, &(hand_job){job_pause, ((void **)user)[1]});
  for (int i = 1; i <= 8 && !status; i++) {
    status = grove_send(self, f->to, &roomy_run_method, &(hand_job){job_append, (void *)1});
  }
  f->last = status;
  atomic_store(&f->sent, 9);
  return status;
}

static void test_room_for_one_is_room(void **state)
{
  struct rig *r = *state;
  for (int i = 0; i < 20; i++) {
    static pause_point p;
    p = (pause_point){.begun = 0};
    filler f = {.sent = 0, .to = spawn_of(r->g, &roomy_class)};
    void *both[] = {&f, &p};
    grove_future filling = ask(r->g, spawn_hand(r->g), job_fill_behind_a_pause, both);
    rig_until(r, &f.sent, 9); // although the receiver takes no more until the pause ends
    check_ok(f.last);
    rig_until(r, &p.begun, 1);
    pause_end(r->g, &p, 0);
    assert_int_equal(get_long(r, filling), 0);
    assert_int_equal(
        get_long(r, ask_of(r->g, f.to, &roomy_run_method, job_append, (void *)1)), 111111111);
  }
}

static void test_wait_sees_cancel_and_deadline(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_future busy;
  grove_error err;
  filler f = {.sent = 0}, f2 = {.sent = 0};
  f.to = f2.to = spawn_busy(r, &waiting_class, &waiting_run_method, &p, &busy);
  grove_ref h = spawn_hand(r->g), h2 = spawn_hand(r->g);
  grove_future filling = ask(r->g, h, job_fill, &f);
  rig_until(r, &f.sent, 2);
  check_status(grove_get(r->g, filling, 10, NULL, 0, NULL), GROVE_ETIMEDOUT);
  grove_cancel(r->g, filling);
  check_status(grove_get(r->g, filling, 20000, NULL, 0, NULL), GROVE_ECANCELED);
  check_status(f.last, GROVE_ECANCELED);
  // the deadline of the call that it works for; which on a busy machine may pass before it has begun
  for (int64_t ms = 20; !atomic_load(&f2.begun); ms *= 2) {
    filling = grove_call_within(r->g, ms, h2, &hand_run_method, &(hand_job){job_fill, &f2});
    check_status(grove_get(r->g, filling, 20000, NULL, 0, NULL), GROVE_EEXPIRED);
  }
  // and of a call from outside, which waits for room itself
  grove_future late =
      grove_call_within(r->g, 20, f.to, &waiting_run_method, &(hand_job){job_append, (void *)9});
  check_status(grove_get(r->g, late, 20000, NULL, 0, &err), GROVE_EEXPIRED);
  check_contains(err.text, "deadline passed");
  check_ok(grove_get(r->g, grove_exit(r->g, h2, 0), 20000, NULL, 0, NULL));
  assert_true(f2.last == GROVE_ECANCELED);
  pause_end(r->g, &p, 7);
  assert_int_equal(get_long(r, busy), 7);
}

static void test_wait_ends_when_the_receiver_does(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_future busy;
  filler f = {.sent = 0};
  f.to = spawn_busy(r, &waiting_class, &waiting_run_method, &p, &busy);
  grove_ref h = spawn_hand(r->g);
  grove_future filling = ask(r->g, h, job_fill, &f);
  rig_until(r, &f.sent, 2);
  check_ok(grove_get(r->g, grove_exit(r->g, f.to, 0), 20000, NULL, 0, NULL));
  check_status(grove_get(r->g, filling, 20000, NULL, 0, NULL), GROVE_ENOACTOR);
  check_status(grove_get(r->g, busy, 20000, NULL, 0, NULL), GROVE_EDEAD);
}

typedef struct outside_filler {
  grove *g;
  filler f;
  rig_threads *threads;
} outside_filler;
static void fill_from_outside(void *user)
{
  outside_filler *o = user;
  grove_status s = GROVE_OK;
  for (intptr_t i = 1; i <= 6 && !s; i++) {
    s = grove_send(o->g, o->f.to, &waiting_run_method, &(hand_job){job_append, (void *)i});
    atomic_fetch_add(&o->f.sent, !s);
  }
  o->f.last = s;
  atomic_fetch_add(&o->threads->ended, 1);
}

static void test_wait_blocks_a_thread(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_future busy;
  rig_threads t = {.n = 1};
  outside_filler o = {.g = r->g, .threads = &t};
  o.f.to = spawn_busy(r, &waiting_class, &waiting_run_method, &p, &busy);
  assert_int_equal(uv_thread_create(&t.id[0], fill_from_outside, &o), 0);
  rig_until(r, &o.f.sent, 2);
  for (int i = 0; i < 20; i++) {
    check_ok(grove_sleep(r->g, 1));
  }
  assert_int_equal(o.f.sent, 2);
  pause_end(r->g, &p, 7);
  rig_join(r, &t);
  check_ok(o.f.last);
  assert_int_equal(get_long(r, busy), 7);
}

// In simulation a wait that nothing can end is told at once; elsewhere circles of waits for room are found.
static grove_status job_fill_myself(grove *self, hand_state *s, void *user, long *reply)
{
  filler *f = user;
  f->to = grove_self(self);
  return job_fill(self, s, user, reply);
}

static void test_a_full_mailbox_of_ones_own_is_a_circle(void **state)
{
  struct rig *r = *state;
  grove_error err;
  filler f = {.sent = 0};
  grove_ref a = spawn_of(r->g, &waiting_class);
  grove_future filling = ask_of(r->g, a, &waiting_run_method, job_fill_myself, &f);
  check_status(grove_get(r->g, filling, 20000, NULL, 0, &err), GROVE_EDEADLK);
  check_contains(err.text, "circle");
  check_contains(err.text, "waiting in run");
  assert_int_equal(f.sent, 2);
}

// Two that fill each other's mailboxes, and don't take from their own meanwhile.
static void test_mailboxes_full_of_each_other_are_a_circle(void **state)
{
  struct rig *r = *state;
  filler f[2] = {{.sent = 0}, {.sent = 0}};
  grove_ref a = spawn_of(r->g, &waiting_class), b = spawn_of(r->g, &waiting_class);
  f[0].to = b;
  f[1].to = a;
  grove_future x[2] = {ask_of(r->g, a, &waiting_run_method, job_fill, &f[0]),
      ask_of(r->g, b, &waiting_run_method, job_fill, &f[1])};
  grove_status s0 = grove_get(r->g, x[0], 20000, NULL, 0, NULL);
  grove_status s1 = grove_get(r->g, x[1], 20000, NULL, 0, NULL);
  // whether they meet is a matter of time; that both end is not
  assert_true((s0 == GROVE_OK || s0 == GROVE_EDEADLK) && (s1 == GROVE_OK || s1 == GROVE_EDEADLK));
  assert_false(s0 && s1);
}

// Room that is offered to one who has just given up is the next one's.
static atomic_int room_sent;
static grove_status job_send_one(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  grove_status status =
      grove_send(self, *(grove_ref *)user, &roomy_run_method, &(hand_job){job_echo, NULL});
  atomic_fetch_add(&room_sent, status == GROVE_OK);
  return status;
}
static grove_ref to_be_killed;
static grove_status job_kill(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  grove_drop(self, grove_exit(self, to_be_killed, 0));
  return GROVE_OK;
}
static grove_status job_put_back(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  atomic_fetch_add((atomic_int *)user, 1);
  return grove_defer(self);
}
static void until_it_waits(struct rig *r, grove_ref a)
{
  grove_info info = {.struct_size = sizeof info};
  do {
    check_ok(grove_sleep(r->g, 1));
    check_ok(grove_inspect(r->g, a, &info));
  } while (info.phase != GROVE_PHASE_WAITING);
}
static void test_room_passes_who_gave_up(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_future busy;
  atomic_int back = 0;
  atomic_store(&room_sent, 0);
  grove_ref a = spawn_of(r->g, &roomy_class), b = spawn_hand(r->g);
  to_be_killed = spawn_hand(r->g);
  for (int i = 0; i < 7; i++) {
    check_ok(grove_send(r->g, a, &roomy_run_method, &(hand_job){job_put_back, &back}));
  }
  rig_until(r, &back, 7);
  p = (pause_point){.begun = 0};
  busy = ask_of(r->g, a, &roomy_run_method, job_pause, &p);
  rig_until(r, &p.begun, 1);
  check_ok(grove_send(r->g, a, &roomy_run_method, &(hand_job){job_kill, NULL})); // the eighth
  grove_future first = ask(r->g, to_be_killed, job_send_one, &a);
  until_it_waits(r, to_be_killed);
  grove_future second = ask(r->g, b, job_send_one, &a);
  until_it_waits(r, b);
  pause_end(r->g, &p, 7);
  assert_int_equal(get_long(r, busy), 7);
  check_ok(grove_get(r->g, second, 20000, NULL, 0, NULL));
  (void)!grove_get(r->g, first, 20000, NULL, 0, NULL);
}

// Who has room for the one that waits for it does not wait in a circle with that one, however little it has taken.
static grove_status job_call(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s;
  return ask_and_get(self, *(grove_ref *)user, job_echo, NULL, reply, NULL);
}
static void test_room_is_no_circle(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  grove_future busy;
  grove_ref a = spawn_busy(r, &roomy_class, &roomy_run_method, &p, &busy), b = spawn_hand(r->g);
  grove_future f = ask_of(r->g, a, &roomy_run_method, job_call, &b);
  for (int i = 0; i < 7; i++) {
    check_ok(grove_send(r->g, a, &roomy_run_method, &(hand_job){job_echo, NULL}));
  }
  grove_future sent = ask(r->g, b, job_send_one, &a); // which a then calls
  until_it_waits(r, b);
  pause_end(r->g, &p, 7);
  assert_int_equal(get_long(r, busy), 7);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  check_ok(grove_get(r->g, sent, 20000, NULL, 0, NULL));
}

static const rig_test tests[] = {
    EVERYWHERE(test_fail_names_limit_and_depth),
    EVERYWHERE(test_bytes_are_a_limit),
    EVERYWHERE(test_now_does_not_wait),
    EVERYWHERE(test_waiting_for_room_without_sending),
    EVERYWHERE(test_drop_new),
    EVERYWHERE(test_drop_old),
    EVERYWHERE(test_drop_old_is_bounded),
    EVERYWHERE(test_wait_suspends_an_actor),
    EVERYWHERE(test_room_for_one_is_room),
    EVERYWHERE(test_wait_sees_cancel_and_deadline),
    EVERYWHERE(test_wait_ends_when_the_receiver_does),
    THREADED(test_wait_blocks_a_thread),
    EVERYWHERE(test_a_full_mailbox_of_ones_own_is_a_circle),
    EVERYWHERE(test_mailboxes_full_of_each_other_are_a_circle),
    EVERYWHERE(test_room_passes_who_gave_up),
    EVERYWHERE(test_room_is_no_circle),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
