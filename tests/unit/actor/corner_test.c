// Corners: what other tests pass by. Endings that meet each other, the same future twice, answers and faults too late.
#include "actors.h"

// ---- a destroy that takes longer than anybody waits ------------------------------------------------------------------
static void destroy_held(hand_state *s)
{
  hold *h = s->plan.user;
  atomic_fetch_add(&h->begun, 1);
  uv_sem_wait(&h->sem);
}

static void test_a_destroy_that_does_not_return(void **state)
{
  struct rig *r = *state;
  for (int how = 0; how < 2; how++) { // its own time runs out, or the runtime's
    static hold of[2];                // each is its own destroy's as long as that takes
    hold *h = &of[how];
    grove_error down;
    hold_init(h);
    grove_ref a = spawn_plan(r->g, (hand_plan){.destroy = destroy_held, .user = h},
        &(grove_spawn_options){GROVE_SPAWN, .stop_ms = how ? 1000000 : 30});
    check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
    grove_future gone = grove_exit(r->g, a, GROVE_FOREVER);
    rig_until(r, &h->begun, 1);
    if (how == 0) {
      check_ok(grove_get(r->g, gone, 20000, &down, sizeof down, NULL));
      check_status(down.status, GROVE_ESTUCK);
      hold_let_go(h); // and is given back after all: rig_stop looks
      continue;
    }
    grove_stop_report report = {.struct_size = sizeof report};
    check_status(rig_end(r, 30, &report), GROVE_ETIMEDOUT);
    assert_true(report.busy >= 1); // the actor; or if this thread woke late, the one that it was given up on
    hold_let_go(h);
    for (int i = 0; i < 20000 && !atomic_load(&r->freed); i++) {
      if (r->kind == ON_LOOP) {
        uv_run(&r->loop, UV_RUN_NOWAIT);
      }
      check_pause();
    }
    rig_check_gone(r);
  }
}

// ---- a thread of its own that is late to leave -----------------------------------------------------------------------
struct porter {
  atomic_int *begun;
};
typedef struct porter_plan {
  atomic_int *begun;
} porter_plan;
GROVE_TYPE(porter_plan)
#define PORTER(START, METHOD)                                                                      \
  START(porter, porter_plan)                                                                       \
  METHOD(porter, rest, grove_none, grove_none)                                                     \
  METHOD(porter, carry, grove_string, grove_none)
GROVE_ACTOR_WITH(PORTER, porter, .own_thread = 1)

static grove_status porter_start(grove *self, struct porter *p, const porter_plan *plan)
{
  (void)self;
  p->begun = plan->begun;
  return GROVE_OK;
}
static grove_status porter_rest(
    grove *self, struct porter *p, const grove_none *none, grove_none *out)
{
  (void)none, (void)out;
  atomic_fetch_add(p->begun, 1);
  return grove_sleep(self, GROVE_FOREVER);
}
static grove_status porter_carry(
    grove *self, struct porter *p, const grove_string *s, grove_none *out)
{
  (void)self, (void)p, (void)s, (void)out;
  return GROVE_OK;
}

static void destroy_slowly(void *ptr, void *user)
{
  hold *h = user;
  (void)ptr;
  atomic_fetch_add(&h->begun, 1);
  uv_sem_wait(&h->sem);
}

// It refuses a message on its way out, and that takes longer than the stop; when it tells its parent, no worker is left.
static void test_a_thread_that_is_late_to_leave(void **state)
{
  struct rig *r = *state;
  static hold h;
  static atomic_int begun;
  grove_stop_report report = {.struct_size = sizeof report};
  grove_string cargo = {{NULL, 0, NULL}};
  hold_init(&h);
  atomic_store(&begun, 0);
  check_ok(ask_and_get(r->g, spawn_hand(r->g), job_echo, NULL, NULL, NULL)); // there is a worker
  porter_ref p = porter_spawn(r->g, (porter_plan){&begun}, NULL);
  check_ok(porter_rest_send(r->g, p, GROVE_NONE));
  rig_until(r, &begun, 1);
  check_ok(grove_share(r->g, "a load", 6, destroy_slowly, &h, &cargo.shared));
  check_ok(porter_carry_send(r->g, p, cargo));
  grove_release(cargo.shared); // the message has the last count
  grove_drop(r->g, grove_exit(r->g, p.ref, 0));
  rig_until(r, &h.begun, 1);
  check_status(rig_end(r, 30, &report), GROVE_ETIMEDOUT);
  assert_true(report.busy >= 1);
  hold_let_go(&h);
  for (int i = 0; i < 20000 && !atomic_load(&r->freed); i++) {
    if (r->kind == ON_LOOP) {
      uv_run(&r->loop, UV_RUN_NOWAIT);
    }
    check_pause();
  }
  rig_check_gone(r);
}

// ---- the same future twice --------------------------------------------------------------------------------------------
static grove_status job_twice(grove *self, hand_state *s, void *user, long *reply)
{
  grove_future f = ask(self, *(grove_ref *)user, job_echo, (void *)3), of[3] = {f, f, f};
  long n[3] = {0, 0, 0};
  size_t i = 9;
  grove_error err;
  (void)s;
  if (grove_wait(self, of, 3, 3, 20000) || grove_next(self, of, 3, 20000, &i) || i != 0) {
    return GROVE_EINTERNAL;
  }
  f = ask(self, *(grove_ref *)user, job_echo, (void *)3);
  of[0] = of[1] = of[2] = f;
  grove_status status = grove_get_all(self, of, 3, 20000, n, sizeof *n, &err);
  *reply = n[0];
  return status == GROVE_ESPENT && err.at == 1 ? GROVE_OK
                                               : GROVE_EINTERNAL; // the first one took it
}

static void test_the_same_future_twice(void **state)
{
  struct rig *r = *state;
  long n;
  grove_ref other = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, spawn_hand(r->g), job_twice, &other, &n, NULL));
  assert_int_equal(n, 3);
}

#define pair_LIST(S, M) HAND_METHODS(S, M, pair)
HANDS(pair, .concurrency = 3)
typedef struct common {
  grove_ref silent;
  grove_future f;
  grove_promise p;
  atomic_int waiting, woken;
} common;

static grove_status job_wait_together(grove *self, hand_state *s, void *user, long *reply)
{
  common *c = user;
  long n;
  (void)s;
  if (!c->f.generation) {
    check_status(grove_promise_create(self, long_type, &c->p, &c->f), GROVE_OK);
    grove_keep(self, c->f);
  }
  int nth = atomic_fetch_add(&c->waiting, 1);
  // The second one gives up before; the first takes the answer; for the third it is spent by then.
  grove_status status =
      nth == 1 ? grove_wait(self, &c->f, 1, 1, 5) : grove_wait(self, &c->f, 1, 1, 20000);
  atomic_fetch_add(&c->woken, status == GROVE_OK);
  status = grove_get(self, c->f, 0, &n, sizeof n, NULL);
  *reply = status == GROVE_OK ? n : 0;
  return GROVE_OK;
}

static void test_several_wait_for_one_future(void **state)
{
  struct rig *r = *state;
  static common c;
  long n[3], answer = 5;
  grove_future f[3];
  memset(&c, 0, sizeof c);
  grove_ref a = spawn_of(r->g, &pair_class);
  for (int i = 0; i < 3; i++) {
    f[i] = ask_of(r->g, a, &pair_run_method, job_wait_together, &c);
    rig_until(r, &c.waiting, i + 1);
  }
  check_ok(grove_get(r->g, f[1], 20000, &n[1], sizeof n[1], NULL));
  assert_int_equal(n[1], 0);
  check_ok(grove_promise_answer(r->g, c.p, GROVE_OK, &answer, sizeof answer));
  check_ok(grove_get(r->g, f[0], 20000, &n[0], sizeof n[0], NULL));
  check_ok(grove_get(r->g, f[2], 20000, &n[2], sizeof n[2], NULL));
  assert_int_equal(c.woken, 2);
  assert_int_equal(n[0] + n[2], 5);
}

// ---- too late, or nothing to do it for -----------------------------------------------------------------------------------
static grove_status job_follow_late(grove *self, hand_state *s, void *user, long *reply)
{
  grove_future f = ask(self, *(grove_ref *)user, job_take, NULL);
  long n = 4;
  (void)reply;
  check_status(grove_promise_take(self, &s->promise), GROVE_OK);
  check_status(grove_promise_answer(self, s->promise, GROVE_OK, &n, sizeof n), GROVE_OK);
  grove_promise_follow(self, s->promise, f); // nobody wants it any more: cancelled at once
  return grove_get(self, f, 20000, NULL, 0, NULL) == GROVE_ECANCELED ? GROVE_OK
                                                                     : grove_crash(self, 1, "no");
}

static void test_following_a_promise_that_is_answered(void **state)
{
  struct rig *r = *state;
  long n = 0;
  grove_ref silent = spawn_hand(r->g), a = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, a, job_follow_late, &silent, &n, NULL));
  assert_int_equal(n, 4);
  check_ok(ask_and_get(r->g, a, job_echo, (void *)1, &n, NULL)); // it lives
}

static void test_chance_outside(void **state)
{
  struct rig *r = *state;
  uint64_t a = grove_random(r->g), b = grove_random(r->g);
  assert_int_not_equal(a, b);
}

// ---- probes, asked the wrong way -----------------------------------------------------------------------------------------
static void test_probes_say_what_is_wrong(void **state)
{
  struct rig *r = *state;
  grove_probed got;
  grove_error err;
  grove_ref probe = grove_probe_spawn(r->g, &hand_class, NULL), hand = spawn_hand(r->g),
            none = GROVE_NOBODY;
  check_ok(grove_ref_status(probe));
  check_status(grove_ref_status(grove_probe_spawn(r->g, NULL, NULL)), GROVE_EINVAL);
  check_status(grove_ref_status(
                   grove_probe_spawn(r->g, &hand_class, &(grove_spawn_options){.struct_size = 4})),
      GROVE_ENOTSUP);
  check_status(grove_probe_expect(r->g, probe, 5, NULL, &got, &err), GROVE_EINVAL);
  check_status(grove_probe_expect(r->g, hand, 5, &hand_run_method, &got, &err), GROVE_EINVAL);
  check_status(grove_probe_expect_none(r->g, hand, 5, &err), GROVE_EINVAL);
  check_status(grove_probe_expect(r->g, none, 5, &hand_run_method, &got, &err), GROVE_ENOACTOR);
  check_ok(tell(r->g, probe, job_echo, NULL));
  check_status(grove_probe_expect_none(r->g, probe, 5, &err), GROVE_EEXIST);
  check_contains(err.text, "run came");
  check_ok(grove_probe_expect(r->g, probe, 5, &hand_run_method, &got, &err));
  check_ok(grove_probe_expect_none(r->g, probe, 5, &err));
}

// A message that is on its way round when all stops ends as any other.
static void test_stopped_while_a_message_is_delayed(void **state)
{
  struct rig *r = *state;
  grove_fault wrong = {GROVE_FAULT, .kind = GROVE_FAULT_DELAY},
              late = {GROVE_FAULT, .kind = GROVE_FAULT_DELAY, .times = 20, .delay_ms = 1000000};
  check_status(grove_sim_fault(r->g, &wrong), GROVE_EINVAL); // no delay is none
  check_ok(grove_sim_fault(r->g, &late));
  grove_ref a = spawn_hand(r->g);
  grove_future f = ask(r->g, a, job_echo, NULL);
  check_ok(tell(r->g, a, job_echo, NULL));
  (void)grove_sim_run(r->g, 0);
  assert_false(grove_ended(r->g, f));
  check_ok(grove_sim_fault(r->g, NULL)); // no more of them; those on their way stay there
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  assert_false(grove_ended(r->g, f));
  rig_stop(r);
}

static const rig_test tests[] = {
    THREADED(test_a_destroy_that_does_not_return),
    THREADED(test_a_thread_that_is_late_to_leave),
    EVERYWHERE(test_the_same_future_twice),
    EVERYWHERE(test_several_wait_for_one_future),
    EVERYWHERE(test_following_a_promise_that_is_answered),
    EVERYWHERE(test_chance_outside),
    ON(SIM, test_probes_say_what_is_wrong),
    ON(SIM, test_stopped_while_a_message_is_delayed),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
