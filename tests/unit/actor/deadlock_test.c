// Circles of waits: found, in words, and nothing else taken for one.
#include "actors.h"

#define pair_LIST(S, M) HAND_METHODS(S, M, pair)
HANDS(pair, .concurrency = 2)

/// Each asks the next of the ring, in its own method; the last asks the first again.
typedef struct ring {
  grove_ref who[4];
  const grove_method *method;
  int n, asks;
  bool all, timed, deadline;
  atomic_int waiting;
  _Atomic grove_status last;
  grove_error words;
} ring;
typedef struct ring_step {
  ring *r;
  int at;
} ring_step;
static ring_step ring_steps[8];

static grove_status job_round(grove *self, hand_state *s, void *user, long *reply)
{
  ring_step *x = user;
  ring *r = x->r;
  long got[2] = {0, 0};
  (void)s;
  if (x->at == r->asks) {
    *reply = 1;
    return GROVE_OK;
  }
  hand_job job = {job_round, &ring_steps[x->at + 1]};
  grove_ref to = r->who[(x->at + 1) % r->n];
  grove_future f[2];
  f[0] = r->deadline ? grove_call_within(self, 60, to, r->method, &job)
                     : grove_call(self, to, r->method, &job);
  grove_error err = {.status = GROVE_OK};
  grove_status status;
  if (r->all) {
    f[1] = ask_of(self, to, r->method, job_echo, (void *)1);
    status = grove_get_all(self, f, 2, GROVE_FOREVER, got, sizeof *got, &err);
  } else {
    status = grove_get(self, f[0], r->timed ? 50 : GROVE_FOREVER, got, sizeof *got, &err);
  }
  if (x->at == r->asks - 1) {
    r->last = status;
    r->words = err;
  }
  *reply = got[0] + 1;
  // the victim answers all the same: its call is detached, the circle is open
  return status && x->at == r->asks - 1 ? GROVE_OK : status;
}

static grove_status go_round(
    struct rig *r, ring *x, int n, const grove_class *c, const grove_method *m)
{
  x->n = n;
  x->asks = n;
  x->method = m;
  for (int i = 0; i < n; i++) {
    char name[16];
    snprintf(name, sizeof name, "node %c", 'A' + i);
    x->who[i] = grove_spawn(r->g, c, &(hand_plan){NULL, NULL, NULL, NULL},
        &(grove_spawn_options){GROVE_SPAWN, .label = name});
  }
  for (int i = 0; i <= n; i++) {
    ring_steps[i] = (ring_step){x, i};
  }
  return grove_get(
      r->g, ask_of(r->g, x->who[0], m, job_round, &ring_steps[0]), 20000, NULL, 0, NULL);
}

static void test_circles_are_found_and_named(void **state)
{
  struct rig *r = *state;
  static ring x;
  for (int n = 1; n <= 3; n++) {
    memset(&x, 0, sizeof x);
    check_ok(go_round(r, &x, n, &hand_class, &hand_run_method));
    check_status(x.last, GROVE_EDEADLK);
    check_status(x.words.status, GROVE_EDEADLK);
    check_contains(x.words.text, "waits in a circle");
    check_contains(x.words.text, "\"node A\" in run");
    if (n > 1) {
      check_contains(x.words.text, "\"node B\" in run");
    }
    if (n > 2) {
      check_contains(x.words.text, "\"node C\" in run");
    }
  }
}

static void test_circles_through_get_all(void **state)
{
  struct rig *r = *state;
  static ring x;
  memset(&x, 0, sizeof x);
  x.all = true;
  check_ok(go_round(r, &x, 2, &hand_class, &hand_run_method));
  check_status(x.last, GROVE_EDEADLK);
  check_contains(x.words.text, "circle");
}

static void test_a_free_activation_is_no_edge(void **state)
{
  struct rig *r = *state;
  static ring x;
  memset(&x, 0, sizeof x);
  check_ok(go_round(r, &x, 2, &pair_class, &pair_run_method));
  check_ok(x.last);
  memset(&x, 0, sizeof x);
  check_ok(go_round(r, &x, 1, &pair_class, &pair_run_method));
  check_ok(x.last);
}

// But when all of its activations wait for the same circle, there is none free.
static void test_all_activations_in_a_circle(void **state)
{
  struct rig *r = *state;
  static ring x;
  memset(&x, 0, sizeof x);
  x.n = 1;
  x.asks = 2; // itself, and again: the third finds no place
  x.method = &pair_run_method;
  x.who[0] = spawn_of(r->g, &pair_class);
  for (int i = 0; i <= 2; i++) {
    ring_steps[i] = (ring_step){&x, i};
  }
  check_ok(grove_get(
      r->g, ask_of(r->g, x.who[0], x.method, job_round, &ring_steps[0]), 20000, NULL, 0, NULL));
  check_status(x.last, GROVE_EDEADLK);
}

static void test_timed_waits_are_no_edges(void **state)
{
  struct rig *r = *state;
  static ring x;
  memset(&x, 0, sizeof x);
  x.timed = true;
  grove_status s = go_round(r, &x, 2, &hand_class, &hand_run_method);
  // the one whose time is up first lets the other go on
  assert_true(s == GROVE_ETIMEDOUT || x.last == GROVE_ETIMEDOUT);
  assert_true((s == GROVE_OK || s == GROVE_ETIMEDOUT) && x.last != GROVE_EDEADLK);
}

// A wait for one that runs and waits for something else is no circle.
static void test_chains_are_no_circles(void **state)
{
  struct rig *r = *state;
  static ring x;
  memset(&x, 0, sizeof x);
  x.n = 4;
  x.asks = 3;
  x.method = &hand_run_method;
  for (int i = 0; i < 4; i++) {
    x.who[i] = spawn_hand(r->g);
    ring_steps[i] = (ring_step){&x, i};
  }
  check_ok(ask_and_get(r->g, x.who[0], job_round, &ring_steps[0], NULL, NULL));
  check_ok(x.last);
}

// In start, too: the child asks its parent, who waits for it to be ready … through a call.
typedef struct asks_parent {
  grove_ref parent;
  _Atomic grove_status last;
} asks_parent;
static grove_status start_asking(grove *self, hand_state *s, void *user, long *reply)
{
  asks_parent *x = user;
  long n;
  grove_error err;
  (void)s, (void)reply;
  x->last = ask_and_get(self, x->parent, job_echo, NULL, &n, NULL) == GROVE_ETIMEDOUT
                ? GROVE_ETIMEDOUT
                : GROVE_OK;
  grove_future f = ask(self, x->parent, job_echo, NULL);
  x->last = grove_get(self, f, GROVE_FOREVER, &n, sizeof n, &err);
  return GROVE_OK;
}
static grove_status job_ask_a_new_child(grove *self, hand_state *s, void *user, long *reply)
{
  asks_parent *x = user;
  (void)s;
  x->parent = grove_self(self);
  grove_ref c = spawn_plan(self, (hand_plan){.start = start_asking, .user = x}, NULL);
  grove_future f = ask(self, c, job_echo, (void *)3);
  return grove_get(self, f, GROVE_FOREVER, reply, sizeof *reply, NULL);
}
static void test_a_child_in_start_asks_its_waiting_parent(void **state)
{
  struct rig *r = *state;
  static asks_parent x;
  memset(&x, 0, sizeof x);
  long n = 0;
  grove_future f = ask(r->g, spawn_hand(r->g), job_ask_a_new_child, &x);
  check_ok(grove_get(r->g, f, 60000, &n, sizeof n, NULL));
  assert_int_equal(n, 3);
  check_status(x.last, GROVE_EDEADLK);
}

static const rig_test tests[] = {
    EVERYWHERE(test_circles_are_found_and_named),
    EVERYWHERE(test_circles_through_get_all),
    EVERYWHERE(test_a_free_activation_is_no_edge),
    EVERYWHERE(test_all_activations_in_a_circle),
    EVERYWHERE(test_timed_waits_are_no_edges),
    EVERYWHERE(test_chains_are_no_circles),
    ON(SIM, test_a_child_in_start_asks_its_waiting_parent),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
