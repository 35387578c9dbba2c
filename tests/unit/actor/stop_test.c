// Stopping: idle, while sending, while waiting, inside methods that return late or never; the report; many cycles.
#include "actors.h"
#include <unistd.h>

static void test_idle(void **state)
{
  struct rig *r = *state;
  grove_stop_report report = {.struct_size = sizeof report};
  for (int i = 0; i < 10; i++) {
    check_ok(ask_and_get(r->g, spawn_hand(r->g), job_echo, NULL, NULL, NULL));
  }
  check_ok(rig_end(r, 20000, &report));
  assert_int_equal(report.busy, 0);
  assert_int_equal(report.ended, 10);
  rig_check_gone(r);
}

static void test_never_used(void **state)
{
  rig_stop(*state);
}

static atomic_int stopped_in_order, destroyed_in_order;
static void count_stop(grove *self, hand_state *s, grove_status why)
{
  (void)self, (void)s;
  atomic_fetch_add(&stopped_in_order, why == GROVE_ECLOSED);
}
static void count_destroy(hand_state *s)
{
  (void)s;
  atomic_fetch_add(&destroyed_in_order, 1);
}
// The first thing that is asked of a runtime, and then the end.
static void test_at_once(void **state)
{
  struct rig *r = *state;
  atomic_store(&stopped_in_order, 0);
  atomic_store(&destroyed_in_order, 0);
  for (int i = 0; i < 20; i++) {
    grove_ref a = spawn_plan(r->g, (hand_plan){.stop = count_stop, .destroy = count_destroy}, NULL);
    check_ok(tell(r->g, a, job_echo, NULL));
  }
  rig_stop(r);
  assert_int_equal(stopped_in_order, destroyed_in_order);
}

static void test_with_stop_and_without_waiting(void **state)
{
  struct rig *r = *state;
  atomic_store(&stopped_in_order, 0);
  atomic_store(&destroyed_in_order, 0);
  for (int i = 0; i < 20; i++) {
    grove_ref a = spawn_plan(r->g, (hand_plan){.stop = count_stop, .destroy = count_destroy}, NULL);
    check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  }
  rig_stop(r);
  assert_int_equal(stopped_in_order, 20);
  assert_int_equal(destroyed_in_order, 20);
  // stop(0): by force
  atomic_store(&r->freed, 0);
  rig_start(r, NULL);
  atomic_store(&stopped_in_order, 0);
  static pause_point p;
  memset(&p, 0, sizeof p);
  grove_ref a = spawn_plan(r->g, (hand_plan){.stop = count_stop, .destroy = count_destroy}, NULL);
  check_ok(tell(r->g, a, job_pause, &p));
  rig_until(r, &p.begun, 1);
  grove_status s = rig_end(r, 0, NULL);
  assert_true(s == GROVE_OK || s == GROVE_ETIMEDOUT);
  rig_until_freed(r);
  assert_int_equal(stopped_in_order, 0);
  assert_int_equal(destroyed_in_order, 21);
  assert_int_equal(p.ended, 1);
}

static grove_status job_try_to_stop(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user;
  *reply = grove_stop(self, 0, NULL) == GROVE_EINVAL;
  *reply += grove_stop(grove_runtime(self), 0, NULL) == GROVE_EINVAL;
  return GROVE_OK;
}
GROVE_FUNCTION(stop_in_offload, long, long)
static grove_status stop_in_offload(grove *self, const long *n, long *out)
{
  (void)n;
  *out = grove_stop(grove_runtime(self), 0, NULL) == GROVE_EINVAL;
  return GROVE_OK;
}
static void test_not_from_inside(void **state)
{
  struct rig *r = *state;
  long n = 0;
  check_ok(ask_and_get(r->g, spawn_hand(r->g), job_try_to_stop, NULL, &n, NULL));
  assert_int_equal(n, 2);
  check_ok(stop_in_offload_get(r->g, stop_in_offload_offload(r->g, 0), 20000, &n, NULL));
  assert_int_equal(n, 1);
  check_status(grove_stop(NULL, 0, NULL), GROVE_EINVAL);
}

// ---- with many at work -----------------------------------------------------------------------------------------
static grove_status job_chatter(grove *self, hand_state *s, void *user, long *reply)
{
  grove_ref *peers = user;
  (void)s;
  for (int i = 0; i < 3; i++) {
    grove_ref to = peers[grove_random(self) % 10];
    (void)!tell(self, to, job_chatter, user);
  }
  long n;
  grove_future f = ask(self, peers[grove_random(self) % 10], job_echo, NULL);
  grove_status status = grove_get(self, f, 50, &n, sizeof n, NULL);
  *reply = 1;
  return status == GROVE_ECANCELED ? status : GROVE_OK;
}
#define chatty_LIST(S, M) HAND_METHODS(S, M, chatty)
HANDS(chatty, .mailbox = 100, .concurrency = 3)
static void test_while_they_send_and_wait(void **state)
{
  struct rig *r = *state;
  static grove_ref peers[10];
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < 10; i++) {
      peers[i] = spawn_hand(r->g);
    }
    for (int i = 0; i < 10; i++) {
      check_ok(tell(r->g, peers[i], job_chatter, peers));
    }
    grove_future open[5];
    for (int i = 0; i < 5; i++) {
      open[i] = ask(r->g, peers[i], job_take, NULL); // never answered, never spent
    }
    (void)open;
    for (int i = 0; r->kind == ON_SIMULATION ? i < 200 : i < 1; i++) {
      if (r->kind == ON_SIMULATION) {
        (void)grove_sim_step(r->g);
      } else {
        check_ok(grove_sleep(r->g, 2));
      }
    }
    rig_stop(r);
    atomic_store(&r->freed, 0);
    rig_start(r, NULL);
  }
}

// Threads that wait from outside are told.
typedef struct waiter {
  grove *g;
  grove_ref to;
  int how;
  atomic_int *begun, *told;
  grove_status status;
} waiter;
static void wait_outside(void *user)
{
  waiter *w = user;
  grove_future f = ask(w->g, w->to, job_take, NULL);
  size_t i;
  atomic_fetch_add(w->begun, 1);
  switch (w->how) {
  case 0: w->status = grove_get(w->g, f, GROVE_FOREVER, NULL, 0, NULL); break;
  case 1: w->status = grove_get(w->g, f, 1000000, NULL, 0, NULL); break;
  case 2: w->status = grove_sleep(w->g, 1000000); break;
  case 3: w->status = grove_next(w->g, &f, 1, GROVE_FOREVER, &i); break;
  default: w->status = grove_wait(w->g, &f, 1, 1, GROVE_FOREVER); break;
  }
  atomic_fetch_add(w->told, 1);
}
static void test_threads_that_wait_are_told(void **state)
{
  struct rig *r = *state;
  for (int round = 0; round < 20; round++) {
    waiter w[5];
    uv_thread_t t[5];
    atomic_int begun = 0, told = 0;
    grove_ref a = spawn_hand(r->g);
    check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
    for (int i = 0; i < 5; i++) {
      w[i] = (waiter){r->g, a, i, &begun, &told, GROVE_OK};
      assert_int_equal(uv_thread_create(&t[i], wait_outside, &w[i]), 0);
    }
    rig_until(r, &begun, 5);
    check_ok(grove_sleep(r->g, 5)); // so that they stand in their waits
    rig_stop(r);
    for (int i = 0; i < 5; i++) {
      uv_thread_join(&t[i]);
    }
    for (int i = 0; i < 2; i++) { // the actor's end may have been first
      assert_true(w[i].status == GROVE_ECLOSED || w[i].status == GROVE_EDEAD);
    }
    assert_true(w[2].status != GROVE_OK);
    atomic_store(&r->freed, 0);
    rig_start(r, NULL);
  }
}

// ---- what does not return -----------------------------------------------------------------------------------
static grove_status job_hold_in_words(grove *self, hand_state *s, void *user, long *reply)
{
  grove_state(self, "reading disk 7");
  return job_hold(self, s, user, reply);
}

static void test_a_method_that_never_returns(void **state)
{
  struct rig *r = *state;
  static hold h;
  hold_init(&h);
  atomic_store(&destroyed_in_order, 0);
  grove_stop_report report = {.struct_size = sizeof report};
  grove_ref other = spawn_hand(r->g);
  grove_ref a = spawn_plan(r->g, (hand_plan){.destroy = count_destroy},
      &(grove_spawn_options){GROVE_SPAWN, .name = "stubborn"});
  check_ok(tell(r->g, a, job_hold_in_words, &h));
  rig_until(r, &h.begun, 1);
  check_ok(ask_and_get(r->g, other, job_echo, NULL, NULL, NULL));
  int64_t from = grove_now_ns(r->g);
  check_status(rig_end(r, 60, &report), GROVE_ETIMEDOUT);
  int64_t took = (int64_t)uv_hrtime() - from;
  assert_in_range(took / 1000000, 60, 3000);
  assert_int_equal(report.busy, 1);
  assert_true(grove_ref_equal(report.first[0].who, a));
  assert_string_equal(report.first[0].name, "hand \"stubborn\"");
  assert_string_equal(report.first[0].method, "run");
  assert_string_equal(report.first[0].state, "reading disk 7");
  assert_in_range(report.first[0].busy_ms, 50, 5000);
  assert_int_equal(atomic_load(&r->freed), 0);
  assert_int_equal(destroyed_in_order, 0);
  hold_let_go(&h);
  rig_until_freed(r);
  assert_int_equal(destroyed_in_order, 1);
  uv_sem_destroy(&h.sem);
}

// Who holds the thread comes first in the report, before those who can't get their turn on it.
static void test_who_holds_the_thread_is_named_first(void **state)
{
  struct rig *r = *state;
  enum { OTHERS = 12 };
  static pause_point p[OTHERS];
  static hold h;
  grove_stop_report report = {.struct_size = sizeof report};
  rig_restart(r, &(grove_options){.workers = 1});
  hold_init(&h);
  for (int i = 0; i < OTHERS; i++) {
    p[i] = (pause_point){.begun = 0};
    check_ok(tell(r->g, spawn_hand(r->g), job_pause, &p[i]));
    rig_until(r, &p[i].begun, 1);
  }
  grove_ref a = spawn_hand(r->g);
  check_ok(tell(r->g, a, job_hold, &h));
  rig_until(r, &h.begun, 1);
  check_status(rig_end(r, 60, &report), GROVE_ETIMEDOUT);
  assert_in_range(report.busy, 1, OTHERS + 1);
  assert_true(grove_ref_equal(report.first[0].who, a));
  hold_let_go(&h);
  rig_until_freed(r);
  uv_sem_destroy(&h.sem);
}

// One whose own deadline is before grove_stop's is named all the same.
static void test_one_that_was_given_up_before(void **state)
{
  struct rig *r = *state;
  static hold h;
  hold_init(&h);
  grove_error down;
  grove_stop_report report = {.struct_size = sizeof report};
  grove_ref a = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .name = "stubborn", .stop_ms = 10});
  grove_future f = ask(r->g, a, job_hold_in_words, &h);
  rig_until(r, &h.begun, 1);
  grove_future m = grove_monitor(r->g, a);
  grove_drop(r->g, grove_exit(r->g, a, 0));
  check_ok(grove_get(r->g, m, 20000, &down, sizeof down, NULL)); // nobody waits for it
  check_status(down.status, GROVE_ESTUCK);
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_ESTUCK);
  grove_info i = {.struct_size = sizeof i};
  check_ok(grove_inspect(r->g, a, &i));
  assert_int_equal(i.phase, GROVE_PHASE_STUCK);
  check_status(tell(r->g, a, job_echo, NULL), GROVE_ENOACTOR);
  grove_ref again = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .name = "stubborn"});
  check_ok(grove_ref_status(again)); // its name is free
  check_status(rig_end(r, 60, &report), GROVE_ETIMEDOUT);
  assert_int_equal(report.busy, 1);
  check_contains(report.first[0].name, "hand \"stubborn\"");
  assert_string_equal(report.first[0].method, "run");
  hold_let_go(&h);
  rig_until_freed(r);
  uv_sem_destroy(&h.sem);
}

// A stuck one that returns while the runtime goes on.
static void test_a_stuck_one_that_returns_after_all(void **state)
{
  struct rig *r = *state;
  static hold h;
  hold_init(&h);
  grove_error down;
  atomic_store(&destroyed_in_order, 0);
  grove_spawn_options o = {GROVE_SPAWN, .stop_ms = 10, .restart = GROVE_PERMANENT};
  grove_ref a = spawn_plan(r->g, (hand_plan){.destroy = count_destroy}, &o);
  check_ok(tell(r->g, a, job_hold, &h));
  rig_until(r, &h.begun, 1);
  check_ok(grove_get(r->g, grove_exit(r->g, a, 0), 20000, &down, sizeof down, NULL));
  check_status(down.status, GROVE_ESTUCK);
  assert_int_equal(destroyed_in_order, 0);
  hold_let_go(&h);
  rig_until(r, &destroyed_in_order, 1);
  for (int i = 0; i < 50; i++) {
    check_ok(ask_and_get(r->g, spawn_hand(r->g), job_echo, NULL, NULL, NULL));
  }
  uv_sem_destroy(&h.sem);
}

// One with children: they end, the slot of their parent is not given away before.
static grove_status job_hold_with_children(grove *self, hand_state *s, void *user, long *reply)
{
  for (int i = 0; i < 3; i++) {
    grove_ref c = spawn_plan(self, (hand_plan){.destroy = count_destroy}, NULL);
    grove_status status = ask_and_get(self, c, job_echo, NULL, NULL, NULL);
    if (status) {
      return status;
    }
  }
  return job_hold(self, s, user, reply);
}
static void test_a_stuck_parent(void **state)
{
  struct rig *r = *state;
  static hold h;
  hold_init(&h);
  grove_error down;
  atomic_store(&destroyed_in_order, 0);
  grove_ref a = spawn_plan(r->g, (hand_plan){.destroy = count_destroy},
      &(grove_spawn_options){GROVE_SPAWN, .stop_ms = 10});
  check_ok(tell(r->g, a, job_hold_with_children, &h));
  rig_until(r, &h.begun, 1);
  check_ok(grove_get(r->g, grove_exit(r->g, a, 0), 20000, &down, sizeof down, NULL));
  check_status(down.status, GROVE_ESTUCK);
  rig_until(r, &destroyed_in_order, 3);
  hold_let_go(&h);
  rig_until(r, &destroyed_in_order, 4);
  for (int i = 0; i < 300; i++) { // new ones in its slot
    check_ok(ask_and_get(r->g, spawn_hand(r->g), job_echo, NULL, NULL, NULL));
  }
  uv_sem_destroy(&h.sem);
}

GROVE_FUNCTION(hangs, grove_ref, long)
static hold offload_hold;
static grove_status hangs(grove *self, const grove_ref *none, long *out)
{
  (void)self, (void)none;
  atomic_fetch_add(&offload_hold.begun, 1);
  uv_sem_wait(&offload_hold.sem);
  *out = 1;
  return GROVE_OK;
}
static void test_an_offloaded_function_that_hangs(void **state)
{
  struct rig *r = *state;
  hold_init(&offload_hold);
  grove_stop_report report = {.struct_size = sizeof report};
  hangs_future f = hangs_offload(r->g, GROVE_NOBODY);
  rig_until(r, &offload_hold.begun, 1);
  grove_drop(r->g, f.future);
  check_status(rig_end(r, 60, &report), GROVE_ETIMEDOUT);
  assert_int_equal(report.busy, 1);
  check_contains(report.first[0].name, "thread");
  assert_int_equal(atomic_load(&r->freed), 0);
  hold_let_go(&offload_hold);
  rig_until_freed(r);
  uv_sem_destroy(&offload_hold.sem);
}

#define owns_LIST(S, M) HAND_METHODS(S, M, owns)
HANDS(owns, .own_thread = 1)
#define blocked_LIST(S, M) HAND_METHODS(S, M, blocked)
HANDS(blocked, .blocking = 1)
static void test_threads_of_their_own_that_hang(void **state)
{
  struct rig *r = *state;
  static hold h[2];
  grove_stop_report report = {.struct_size = sizeof report};
  hold_init(&h[0]);
  hold_init(&h[1]);
  grove_future f = ask_of(r->g, spawn_of(r->g, &owns_class), &owns_run_method, job_hold, &h[0]);
  grove_future f2 =
      ask_of(r->g, spawn_of(r->g, &blocked_class), &blocked_run_method, job_hold, &h[1]);
  rig_until(r, &h[0].begun, 1);
  rig_until(r, &h[1].begun, 1);
  (void)f, (void)f2;
  check_status(rig_end(r, 60, &report), GROVE_ETIMEDOUT);
  assert_int_equal(report.busy, 2);
  hold_let_go(&h[0]);
  hold_let_go(&h[1]);
  rig_until_freed(r);
  uv_sem_destroy(&h[0].sem);
  uv_sem_destroy(&h[1].sem);
}

// In simulation: a `stop` that would take for ever, in no time at all.
static void stop_for_ever(grove *self, hand_state *s, grove_status why)
{
  (void)s, (void)why;
  (void)!grove_sleep(self, GROVE_FOREVER);
}
static void test_a_stop_that_waits_for_ever(void **state)
{
  struct rig *r = *state;
  grove_ref a = spawn_plan(
      r->g, (hand_plan){.stop = stop_for_ever}, &(grove_spawn_options){GROVE_SPAWN, .stop_ms = 30});
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  rig_stop(r); // its own deadline is enough
}

// ---- cycles --------------------------------------------------------------------------------------------------
static void test_many_cycles(void **state)
{
  struct rig *r = *state;
  for (int i = 0; i < 700; i++) { // on three executors: 2,100
    grove_ref a = spawn_hand(r->g);
    if (i % 3 == 0) {
      check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
    } else if (i % 3 == 1) {
      check_ok(tell(r->g, a, job_echo, NULL));
    }
    rig_stop(r);
    atomic_store(&r->freed, 0);
    rig_start(r, NULL);
  }
}

static const rig_test tests[] = {
    EVERYWHERE(test_idle),
    EVERYWHERE(test_never_used),
    EVERYWHERE(test_at_once),
    EVERYWHERE(test_with_stop_and_without_waiting),
    EVERYWHERE(test_not_from_inside),
    EVERYWHERE(test_while_they_send_and_wait),
    THREADED(test_threads_that_wait_are_told),
    THREADED(test_a_method_that_never_returns),
    THREADED(test_who_holds_the_thread_is_named_first),
    THREADED(test_one_that_was_given_up_before),
    THREADED(test_a_stuck_one_that_returns_after_all),
    THREADED(test_a_stuck_parent),
    THREADED(test_an_offloaded_function_that_hangs),
    THREADED(test_threads_of_their_own_that_hang),
    EVERYWHERE(test_a_stop_that_waits_for_ever),
    ON(WORKERS | LOOP | SIM | ONE_SEED, test_many_cycles),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
