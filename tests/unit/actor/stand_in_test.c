// Stand-ins for workers that a turn holds: what is queued goes on, what is suspended there stays, and they go again.
#include "actors.h"

#define roaming_LIST(S, M) HAND_METHODS(S, M, roaming)
HANDS(roaming, .migratable = 1)

static grove_stats stats_of(grove *g)
{
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_stats_get(g, &s));
  return s;
}

// Until so many stand-ins are there.
static void wait_for_stand_ins(struct rig *r, uint64_t n)
{
  for (int tries = 0; stats_of(r->g).stand_ins != n; tries++) {
    if (tries == 20000) {
      print_error("%d stand-ins, not %d\n", (int)stats_of(r->g).stand_ins, (int)n);
      fail();
    }
    if (r->kind == ON_LOOP) {
      uv_run(&r->loop, UV_RUN_NOWAIT);
    }
    check_ok(grove_sleep(r->g, 1));
  }
}

static void one_worker(struct rig *r, uint32_t stand_ins)
{
  rig_restart(r, &(grove_options){.workers = 1, .turn_warn_ms = 10, .stand_ins = stand_ins});
  r->log_bytes = 0;
  r->log[0] = 0;
  atomic_store(&r->lines, 0);
}

static long echo(struct rig *r, grove_ref to, long n)
{
  long out = 0;
  check_ok(ask_and_get(r->g, to, job_echo, (void *)n, &out, NULL));
  return out;
}

static void test_queued_work_goes_on(void **state)
{
  struct rig *r = *state;
  static hold h;
  one_worker(r, 0);
  hold_init(&h);
  grove_ref held = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .label = "the stone"});
  grove_future f = ask(r->g, held, job_hold, &h);
  rig_until(r, &h.begun, 1);
  for (int i = 0; i < 50; i++) { // new ones, and calls between them
    assert_int_equal(echo(r, spawn_hand(r->g), i), i);
  }
  assert_int_equal(stats_of(r->g).stand_ins, 1);
  check_contains(r->log, "hand \"the stone\" has held its worker for ");
  check_contains(r->log, " ms in run without a yield");
  int begun = atomic_load(&r->stand_ins_begun), ended = atomic_load(&r->stand_ins_ended);
  assert_int_equal(begun, ended + 1);
  hold_let_go(&h);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  wait_for_stand_ins(r, 0);
  rig_until(r, &r->stand_ins_ended, ended + 1); // its thread goes with it
  assert_int_equal(echo(r, held, 7), 7);
  assert_int_equal(atomic_load(&r->stand_ins_begun), begun);
  uv_sem_destroy(&h.sem);
}

// While nothing is queued nobody comes.
static void test_nobody_comes_for_nothing(void **state)
{
  struct rig *r = *state;
  static hold h;
  one_worker(r, 0);
  hold_init(&h);
  grove_future f = ask(r->g, spawn_hand(r->g), job_hold, &h);
  rig_until(r, &h.begun, 1);
  int begun = atomic_load(&r->stand_ins_begun);
  rig_until(r, &r->lines, 1);   // the watch has seen it
  for (int i = 0; i < 4; i++) { // and has looked again
    check_ok(grove_sleep(r->g, 10));
  }
  assert_int_equal(atomic_load(&r->stand_ins_begun), begun);
  assert_int_equal(stats_of(r->g).stand_ins, 0);
  hold_let_go(&h);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  uv_sem_destroy(&h.sem);
}

static void test_what_is_suspended_stays(void **state)
{
  struct rig *r = *state;
  static hold h;
  static pause_point p, q;
  memset(&p, 0, sizeof p);
  memset(&q, 0, sizeof q);
  one_worker(r, 0);
  hold_init(&h);
  grove_ref roams = spawn_of(r->g, &roaming_class);
  grove_future waits = ask(r->g, spawn_hand(r->g), job_pause, &p);
  grove_future goes = ask_of(r->g, roams, &roaming_run_method, job_pause, &q);
  rig_until(r, &p.begun, 1);
  rig_until(r, &q.begun, 1);
  grove_future f = ask(r->g, spawn_hand(r->g), job_hold, &h);
  rig_until(r, &h.begun, 1);
  pause_end(r->g, &p, 5);
  pause_end(r->g, &q, 6);
  long n;
  check_ok(
      grove_get(r->g, goes, 20000, &n, sizeof n, NULL)); // a migratable one is resumed elsewhere
  assert_int_equal(n, 6);
  for (int i = 0; i < 20; i++) {
    assert_int_equal(echo(r, spawn_hand(r->g), i), i);
  }
  assert_int_equal(p.ended, 0); // the other only where it stood
  hold_let_go(&h);
  check_ok(grove_get(r->g, waits, 20000, &n, sizeof n, NULL));
  assert_int_equal(n, 5);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  uv_sem_destroy(&h.sem);
}

// One that was suspended on a stand-in keeps it, for itself alone; and a later stand-in is the same one.
static void test_what_is_suspended_on_a_stand_in(void **state)
{
  struct rig *r = *state;
  static hold h[2];
  static pause_point p[8];
  long n;
  memset(p, 0, sizeof p);
  one_worker(r, 0);
  hold_init(&h[0]);
  hold_init(&h[1]);
  grove_future f = ask(r->g, spawn_hand(r->g), job_hold, &h[0]), waits[8];
  rig_until(r, &h[0].begun, 1);
  for (int i = 0; i < 8; i++) {
    waits[i] = ask(r->g, spawn_hand(r->g), job_pause, &p[i]);
    rig_until(r, &p[i].begun, 1);
  }
  int begun = atomic_load(&r->stand_ins_begun), ended = atomic_load(&r->stand_ins_ended);
  hold_let_go(&h[0]);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  wait_for_stand_ins(r, 0);
  for (int i = 0; i < 4; i++) { // it still serves them
    pause_end(r->g, &p[i], i);
    check_ok(grove_get(r->g, waits[i], 20000, &n, sizeof n, NULL));
    assert_int_equal(n, i);
  }
  assert_int_equal(atomic_load(&r->stand_ins_ended), ended);
  f = ask(r->g, spawn_hand(r->g), job_hold, &h[1]);
  rig_until(r, &h[1].begun, 1);
  for (int i = 0; i < 20; i++) {
    assert_int_equal(echo(r, spawn_hand(r->g), i), i);
  }
  assert_int_equal(stats_of(r->g).stand_ins, 1);
  assert_int_equal(atomic_load(&r->stand_ins_begun), begun); // called forward, not made anew
  hold_let_go(&h[1]);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  for (int i = 4; i < 8; i++) {
    pause_end(r->g, &p[i], i);
    check_ok(grove_get(r->g, waits[i], 20000, &n, sizeof n, NULL));
  }
  rig_until(r, &r->stand_ins_ended, ended + 1);
  uv_sem_destroy(&h[0].sem);
  uv_sem_destroy(&h[1].sem);
}

// Stand-ins are held, too, up to the limit; then what is queued waits, and goes on when one comes back.
static void test_there_is_a_limit(void **state)
{
  struct rig *r = *state;
  enum { HELD = 4 };
  static hold h[HELD];
  grove_future f[HELD];
  one_worker(r, 2);
  for (int i = 0; i < HELD; i++) {
    hold_init(&h[i]);
    f[i] = ask(r->g, spawn_hand(r->g), job_hold, &h[i]);
  }
  for (int i = 0; i < HELD - 1; i++) {
    rig_until(r, &h[i].begun, 1);
  }
  for (int i = 0; i < 4; i++) {
    check_ok(grove_sleep(r->g, 15));
  }
  assert_int_equal(h[HELD - 1].begun, 0);
  assert_int_equal(stats_of(r->g).stand_ins, 2);
  assert_int_equal(stats_of(r->g).workers, 1);
  hold_let_go(&h[1]);
  check_ok(grove_get(r->g, f[1], 20000, NULL, 0, NULL));
  rig_until(r, &h[HELD - 1].begun, 1);
  for (int i = 0; i < HELD; i++) {
    hold_let_go(&h[i]);
    check_ok(i == 1 ? GROVE_OK : grove_get(r->g, f[i], 20000, NULL, 0, NULL));
    uv_sem_destroy(&h[i].sem);
  }
  wait_for_stand_ins(r, 0);
}

// A method that never returns costs a thread, and no more: given up, its actor is forgotten and the others go on.
static void test_a_stuck_actor_holds_nobody(void **state)
{
  struct rig *r = *state;
  static hold h;
  grove_error down;
  one_worker(r, 0);
  hold_init(&h);
  grove_ref a = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .stop_ms = 10});
  check_ok(tell(r->g, a, job_hold, &h));
  rig_until(r, &h.begun, 1);
  check_ok(grove_get(r->g, grove_exit(r->g, a, 0), 20000, &down, sizeof down, NULL));
  check_status(down.status, GROVE_ESTUCK);
  for (int i = 0; i < 100; i++) {
    grove_ref b = spawn_hand(r->g);
    assert_int_equal(echo(r, b, i), i);
    check_ok(grove_get(r->g, grove_exit(r->g, b, 20000), 20000, NULL, 0, NULL));
  }
  hold_let_go(&h);
  uv_sem_destroy(&h.sem);
}

// Those behind a method that never returns end in order, and only it is in the report.
static atomic_int stopped, destroyed;
static void count_stop(grove *self, hand_state *s, grove_status why)
{
  (void)self, (void)s;
  atomic_fetch_add(&stopped, why == GROVE_ECLOSED);
}
static void count_destroy(hand_state *s)
{
  (void)s;
  atomic_fetch_add(&destroyed, 1);
}
static void test_stop_ends_those_behind_it(void **state)
{
  struct rig *r = *state;
  enum { OTHERS = 20 };
  static hold h;
  grove_stop_report report = {.struct_size = sizeof report};
  one_worker(r, 0);
  hold_init(&h);
  atomic_store(&stopped, 0);
  atomic_store(&destroyed, 0);
  for (int i = 0; i < OTHERS; i++) {
    hand_plan plan = {.stop = count_stop, .destroy = count_destroy};
    assert_int_equal(echo(r, spawn_plan(r->g, plan, NULL), i), i);
  }
  grove_ref a = spawn_plan(r->g, (hand_plan){.destroy = count_destroy},
      &(grove_spawn_options){GROVE_SPAWN, .name = "stubborn"});
  check_ok(tell(r->g, a, job_hold, &h));
  rig_until(r, &h.begun, 1);
  check_status(rig_end(r, 1500, &report), GROVE_ETIMEDOUT);
  assert_int_equal(stopped, OTHERS);
  assert_int_equal(destroyed, OTHERS);
  assert_int_equal(report.busy, 1);
  assert_string_equal(report.first[0].name, "hand \"stubborn\"");
  hold_let_go(&h);
  rig_until_freed(r);
  assert_int_equal(destroyed, OTHERS + 1);
  uv_sem_destroy(&h.sem);
}

// A destroy that takes its time holds the worker, too, and is told.
static hold destroy_hold;
static void hold_in_destroy(hand_state *s)
{
  (void)s;
  atomic_fetch_add(&destroy_hold.begun, 1);
  uv_sem_wait(&destroy_hold.sem);
}
static void test_destroy_holds_a_worker(void **state)
{
  struct rig *r = *state;
  one_worker(r, 0);
  hold_init(&destroy_hold);
  grove_ref a = spawn_plan(r->g, (hand_plan){.destroy = hold_in_destroy}, NULL);
  grove_future gone = grove_exit(r->g, a, 20000);
  rig_until(r, &destroy_hold.begun, 1);
  assert_int_equal(echo(r, spawn_hand(r->g), 3), 3);
  check_contains(r->log, "hand has held its worker for ");
  check_contains(r->log, " ms in destroy");
  uv_sem_post(&destroy_hold.sem);
  check_ok(grove_get(r->g, gone, 20000, NULL, 0, NULL));
  uv_sem_destroy(&destroy_hold.sem);
}

// Many holds that come and go: everybody's messages arrive, in order, and in the end no stand-in is left.
typedef struct crowd {
  grove_ref to;
  long last[4];
  atomic_int wrong, done;
} crowd;
typedef struct crowd_letter {
  crowd *c;
  int from;
  long n;
} crowd_letter;
static grove_status job_take_letter(grove *self, hand_state *s, void *user, long *reply)
{
  crowd_letter *l = user;
  (void)self, (void)s, (void)reply;
  atomic_fetch_add(&l->c->wrong, l->n != l->c->last[l->from] + 1);
  l->c->last[l->from] = l->n;
  atomic_fetch_add(&l->c->done, 1);
  return l->n % 9 == 0 ? grove_sleep(self, 1) : GROVE_OK;
}
static grove_status job_crowd(grove *self, hand_state *s, void *user, long *reply)
{
  enum { LETTERS = 40 };
  crowd_letter *first = user;
  static crowd_letter letters[4][LETTERS];
  (void)s, (void)reply;
  for (long i = 0; i < LETTERS; i++) {
    crowd_letter *l = &letters[first->from][i];
    *l = (crowd_letter){first->c, first->from, i + 1};
    grove_status status = tell(self, first->c->to, job_take_letter, l);
    if (!status && i % 5 == 0) {
      status = grove_sleep(self, 1);
    }
    if (!status && i % 8 == 0) { // holds its worker, without grove
      for (int64_t from = grove_now_ns(self); grove_now_ns(self) < from + 3000000;) {
        check_pause();
      }
    }
    if (status) {
      return status;
    }
  }
  return GROVE_OK;
}
static void test_a_crowd(void **state)
{
  struct rig *r = *state;
  static crowd c;
  static crowd_letter first[4];
  rig_restart(r, &(grove_options){.workers = 2, .turn_warn_ms = 1, .stand_ins = 8});
  for (int round = 0; round < 5; round++) {
    memset(&c, 0, sizeof c);
    c.to = spawn_hand(r->g);
    for (int i = 0; i < 4; i++) {
      first[i] = (crowd_letter){&c, i, 0};
      check_ok(tell(r->g, spawn_hand(r->g), job_crowd, &first[i]));
    }
    rig_until(r, &c.done, 4 * 40);
    assert_int_equal(c.wrong, 0);
  }
  wait_for_stand_ins(r, 0);
}

static const rig_test tests[] = {
    THREADED(test_queued_work_goes_on),
    THREADED(test_nobody_comes_for_nothing),
    THREADED(test_what_is_suspended_stays),
    THREADED(test_what_is_suspended_on_a_stand_in),
    THREADED(test_there_is_a_limit),
    THREADED(test_a_stuck_actor_holds_nobody),
    THREADED(test_stop_ends_those_behind_it),
    THREADED(test_destroy_holds_a_worker),
    THREADED(test_a_crowd),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
