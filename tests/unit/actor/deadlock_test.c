// Circles of waits: found, in words, and nothing else taken for one.
#include "actors.h"

#define pair_LIST(S, M) HAND_METHODS(S, M, pair)
HANDS(pair, .concurrency = 2)

/// Each asks the next of the ring, in its own method; the last asks the first again.
typedef struct ring {
  grove_ref who[4];
  const grove_method *method;
  int n, asks, patience;
  bool all, next, timed, deadline;
  atomic_int ended; // the last one's turn
  atomic_int named; // errors that name a circle
  atomic_int waiting;
  atomic_bool broken; // somebody was the victim: mostly the last one, but whoever is slow to wait closes the circle
  _Atomic grove_status last; // the victim's, or the last one's
  grove_error words;         // the same
} ring;
typedef struct ring_step {
  ring *r;
  int at;
} ring_step;
static ring_step ring_steps[8];

static grove_status alone(grove *self, const long *n, long *reply);
GROVE_FUNCTION(alone, long, long)
static grove_status alone(grove *self, const long *n, long *reply)
{
  (void)self;
  *reply = *n;
  return GROVE_OK;
}

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
  f[0] = r->deadline ? grove_call_within(self, 200, to, r->method, &job)
                     : grove_call(self, to, r->method, &job);
  grove_error err = {.status = GROVE_OK};
  grove_status status;
  if (r->all) {
    f[1] = ask_of(self, to, r->method, job_echo, (void *)1);
    status = grove_get_all(self, f, 2, GROVE_FOREVER, got, sizeof *got, &err);
  } else if (r->next) { // one that comes by itself, and then the one that is left
    size_t given = 2;
    f[1] = alone_task(self, 1).future;
    status = grove_next(self, f, 2, GROVE_FOREVER, &given);
    status = status ? status : given != 1 ? GROVE_EINTERNAL : GROVE_OK;
    status = status ? status : grove_next(self, f, 2, GROVE_FOREVER, &given);
    status = status ? status : grove_get(self, f[0], 0, got, sizeof *got, &err);
  } else {
    status = grove_get(
        self, f[0], r->timed ? x->at ? 20000 : r->patience : GROVE_FOREVER, got, sizeof *got, &err);
  }
  atomic_fetch_add(&r->named, status && strstr(err.text, "waits in a circle") != NULL);
  bool victim = status == GROVE_EDEADLK && !atomic_exchange(&r->broken, true);
  bool last = x->at == r->asks - 1;
  if (victim || (last && !atomic_load(&r->broken))) {
    r->last = status;
    r->words = err;
  }
  *reply = got[0] + 1;
  atomic_fetch_add(&r->ended, last);
  // the victim answers all the same: its call is detached, the circle is open
  return status && (victim || last) ? GROVE_OK : status;
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
  static ring rings[4];
  memset(rings, 0, sizeof rings);
  for (int n = 1; n <= 3; n++) {
    ring *x = &rings[n]; // its own: who is behind the victim may still be at it
    check_ok(go_round(r, x, n, &hand_class, &hand_run_method));
    rig_until(r, &x->ended, 1);
    check_status(x->last, GROVE_EDEADLK);
    check_status(x->words.status, GROVE_EDEADLK);
    check_contains(x->words.text, "waits in a circle");
    check_contains(x->words.text, "\"node A\" in run");
    if (n > 1) {
      check_contains(x->words.text, "\"node B\" in run");
    }
    if (n > 2) {
      check_contains(x->words.text, "\"node C\" in run");
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

static void test_circles_through_the_last_one_that_is_left(void **state)
{
  struct rig *r = *state;
  static ring x;
  for (int n = 1; n <= 3; n++) {
    memset(&x, 0, sizeof x);
    x.next = true;
    grove_status first = go_round(r, &x, n, &hand_class, &hand_run_method);
    // who comes to the last one last is the victim, which may be any of them
    check_status(first ? first : x.last, GROVE_EDEADLK);
    for (int i = 0; i < n; i++) { // who is behind the victim may still be at it, with this ring
      check_ok(grove_get(r->g, grove_exit(r->g, x.who[i], 20000), 20000, NULL, 0, NULL));
    }
  }
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
  x.patience = 50;
  grove_status s = go_round(r, &x, 2, &hand_class, &hand_run_method);
  // the one whose time is up first lets the other go on
  assert_true(s == GROVE_ETIMEDOUT || x.last == GROVE_ETIMEDOUT);
  assert_true((s == GROVE_OK || s == GROVE_ETIMEDOUT) && x.last != GROVE_EDEADLK);
  assert_true(x.named >= 1); // and is told that it was one
}

// A call with a deadline ends by itself: nobody is a victim. When it does, the circle is in its words.
static void test_deadlines_are_no_edges_and_name_the_circle(void **state)
{
  struct rig *r = *state;
  static ring x;
  for (int n = 1; n <= 3; n++) {
    memset(&x, 0, sizeof x);
    x.deadline = true;
    grove_status s = go_round(r, &x, n, &hand_class, &hand_run_method);
    assert_true(s == GROVE_OK || s == GROVE_EEXPIRED || s == GROVE_ECANCELED);
    rig_until(r, &x.ended, 1);
    assert_true(x.last == GROVE_EEXPIRED || x.last == GROVE_ECANCELED);
    assert_true(x.named >= 1);
  }
}

// The caller outside, whose deadline all of the calls inherit, is told of the circle behind the one that it asked.
static void test_a_circle_behind_a_call_is_named(void **state)
{
  struct rig *r = *state;
  static ring x;
  grove_error err;
  memset(&x, 0, sizeof x);
  x.n = 2;
  x.asks = 3; // A asks B, B asks A, which is never begun
  x.method = &hand_run_method;
  for (int i = 0; i < 4; i++) {
    ring_steps[i] = (ring_step){&x, i};
  }
  for (int i = 0; i < 2; i++) {
    x.who[i] = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
        &(grove_spawn_options){GROVE_SPAWN, .label = i ? "second" : "first one"});
    check_ok(ask_and_get(r->g, x.who[i], job_echo, NULL, NULL, NULL));
  }
  grove_future f = grove_call_within(
      r->g, 300, x.who[0], &hand_run_method, &(hand_job){job_round, &ring_steps[0]});
  check_status(grove_get(r->g, f, 20000, NULL, 0, &err), GROVE_EEXPIRED);
  check_contains(err.text, "waits in a circle: ");
  check_contains(err.text, "\"first one\" in run");
  check_contains(err.text, "\"second\" in run");
}
static void test_a_circle_behind_a_wait_is_named(void **state)
{
  struct rig *r = *state;
  static ring x;
  static pause_point p;
  grove_error err;
  memset(&x, 0, sizeof x);
  memset(&p, 0, sizeof p);
  x.n = 2;
  x.asks = 3;
  x.timed = true; // so nobody is a victim before the time is up
  x.method = &hand_run_method;
  for (int i = 0; i < 4; i++) {
    ring_steps[i] = (ring_step){&x, i};
  }
  for (int i = 0; i < 2; i++) {
    x.who[i] = spawn_hand(r->g);
    check_ok(ask_and_get(r->g, x.who[i], job_echo, NULL, NULL, NULL));
  }
  x.patience = 10000;
  grove_future f = ask(r->g, x.who[0], job_round, &ring_steps[0]);
  check_status(grove_get(r->g, f, 300, NULL, 0, &err), GROVE_ETIMEDOUT);
  check_contains(err.text, "run of hand is running");
  check_contains(err.text, "waits in a circle: ");
  grove_cancel(r->g, f);
  // and where there is none, none is claimed
  grove_future q = ask(r->g, spawn_hand(r->g), job_pause, &p);
  rig_until(r, &p.begun, 1);
  check_status(grove_get(r->g, q, 25, NULL, 0, &err), GROVE_ETIMEDOUT);
  assert_null(strstr(err.text, "circle"));
  pause_end(r->g, &p, 1);
}

// Who was told already is in no circle: B waits for A, and is killed by A before A waits for B.
typedef struct killer {
  grove_ref a, b;
  grove_error words;
  _Atomic grove_status last;
} killer;
static grove_status job_kill_and_ask(grove *self, hand_state *s, void *user, long *reply)
{
  killer *k = user;
  (void)s;
  *reply = 1;
  grove_future down = grove_exit(self, k->b, 0);
  grove_future f = ask(self, k->b, job_echo, NULL);
  k->last = grove_get(self, f, GROVE_FOREVER, reply, sizeof *reply, &k->words);
  return grove_get(self, down, GROVE_FOREVER, NULL, 0, NULL);
}
static grove_status job_ask_killer(grove *self, hand_state *s, void *user, long *reply)
{
  killer *k = user;
  (void)s;
  return ask_and_get(self, k->a, job_kill_and_ask, k, reply, NULL);
}
static grove_status job_ask_killer_for_ever(grove *self, hand_state *s, void *user, long *reply)
{
  killer *k = user;
  (void)s;
  grove_future f = ask(self, k->a, job_kill_and_ask, k);
  return grove_get(self, f, GROVE_FOREVER, reply, sizeof *reply, NULL);
}
static void test_who_was_told_is_in_no_circle(void **state)
{
  struct rig *r = *state;
  static killer k;
  for (int round = 0; round < 40; round++) {
    memset(&k, 0, sizeof k);
    k.a = spawn_hand(r->g);
    k.b = spawn_hand(r->g);
    check_ok(tell(r->g, k.b, round % 4 ? job_ask_killer_for_ever : job_ask_killer, &k));
    check_ok(grove_get(r->g, grove_monitor(r->g, k.b), 20000, NULL, 0, NULL));
    check_ok(ask_and_get(r->g, k.a, job_echo, NULL, NULL, NULL));
    // it hears of B's end, or B's that nobody wants what A does
    assert_true(k.last == GROVE_EDEAD || k.last == GROVE_ENOACTOR || k.last == GROVE_ECANCELED);
  }
}

// Through the start of a child that its parent waits for to be ready, and through an offloaded function.
typedef struct nested {
  grove_ref parent;
  _Atomic grove_status last;
  grove_error words;
} nested;
typedef struct nested_arg {
  nested *n;
} nested_arg;
GROVE_TYPE(nested_arg)
static grove_status ask_parent(grove *self, nested *n)
{
  grove_future f = ask(self, n->parent, job_echo, NULL);
  n->last = grove_get(self, f, GROVE_FOREVER, NULL, 0, &n->words);
  return GROVE_OK;
}
static grove_status start_asking_for_ever(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  return ask_parent(self, user);
}
GROVE_FUNCTION(asks_from_offload, nested_arg, long)
static grove_status asks_from_offload(grove *self, const nested_arg *a, long *out)
{
  (void)out;
  return ask_parent(self, a->n);
}
static grove_status job_wait_for_ready(grove *self, hand_state *s, void *user, long *reply)
{
  nested *n = user;
  (void)s, (void)reply;
  n->parent = grove_self(self);
  grove_ref c = spawn_plan(self, (hand_plan){.start = start_asking_for_ever, .user = n},
      &(grove_spawn_options){GROVE_SPAWN, .label = "child"});
  return grove_get(self, grove_ready(self, c), GROVE_FOREVER, NULL, 0, NULL);
}
static grove_status job_wait_for_offload(grove *self, hand_state *s, void *user, long *reply)
{
  nested *n = user;
  (void)s;
  n->parent = grove_self(self);
  return asks_from_offload_get(
      self, asks_from_offload_offload(self, (nested_arg){n}), GROVE_FOREVER, reply, NULL);
}
static void test_circles_through_start_and_offload(void **state)
{
  struct rig *r = *state;
  static nested all[20]; // the one that is no victim may go on after its round
  memset(all, 0, sizeof all);
  for (int k = 0; k < 20; k++) {
    nested *n = &all[k];
    bool offload =
        k % 2 && r->kind != ON_SIMULATION; // there the function is the whole world while it waits
    grove_error err;
    grove_status s = ask_and_get(
        r->g, spawn_hand(r->g), offload ? job_wait_for_offload : job_wait_for_ready, n, NULL, &err);
    // either of the two is the victim, and then the other goes on
    assert_true(s == GROVE_EDEADLK || (s == GROVE_OK && n->last == GROVE_EDEADLK));
    const char *words = s ? err.text : n->words.text;
    check_contains(words, "waits in a circle: ");
    check_contains(
        words, offload ? "the offloaded function asks_from_offload" : "\"child\" in start");
  }
}

// A long circle: all of it is found at once, and said in short.
enum { LONG = 200 };
typedef struct long_step {
  grove_ref to;
  bool closes;
  struct long_step *next;
} long_step;
static atomic_int long_victims;
static grove_error long_words;
static grove_status job_step(grove *self, hand_state *s, void *user, long *reply)
{
  long_step *x = user;
  grove_error err;
  (void)s;
  grove_future f = ask(self, x->to, x->closes ? job_echo : job_step, x->next);
  grove_status status = grove_get(self, f, GROVE_FOREVER, reply, sizeof *reply, &err);
  if (status == GROVE_EDEADLK && atomic_fetch_add(&long_victims, 1) == 0) {
    long_words = err;
    return GROVE_OK; // its call is dropped, and the circle is open
  }
  return status;
}
static void test_a_long_circle(void **state)
{
  struct rig *r = *state;
  static long_step steps[LONG];
  atomic_store(&long_victims, 0);
  grove_ref who[LONG];
  for (int i = 0; i < LONG; i++) {
    who[i] = spawn_hand(r->g);
  }
  for (int i = 0; i < LONG; i++) {
    steps[i] = (long_step){who[(i + 1) % LONG], i == LONG - 1, &steps[(i + 1) % LONG]};
  }
  check_ok(ask_and_get(r->g, who[0], job_step, &steps[0], NULL, NULL));
  assert_int_equal(long_victims, 1); // the last to wait, wherever it stands
  check_contains(long_words.text, ", and so on, the last of which waits for the first");
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

// ---- waits for ends ----------------------------------------------------------------------------------------
typedef struct ending {
  grove_ref who; // nobody: oneself
  int64_t grace; // -2: nobody asks, it is only watched
  atomic_int begun, ended;
  _Atomic grove_status got;
  grove_error words;
} ending;

static grove_status job_wait_for_end(grove *self, hand_state *s, void *user, long *reply)
{
  ending *e = user;
  grove_error err = {.status = GROVE_OK};
  grove_ref who = e->who.where ? e->who : grove_self(self);
  grove_future f = e->grace == -2 ? grove_monitor(self, who) : grove_exit(self, who, e->grace);
  (void)s;
  atomic_fetch_add(&e->begun, 1);
  e->got = grove_get(self, f, GROVE_FOREVER, NULL, 0, &err);
  e->words = err;
  *reply = 1;
  atomic_fetch_add(&e->ended, 1);
  return GROVE_OK;
}

static void test_who_waits_for_its_own_end_to_come_after_it(void **state)
{
  struct rig *r = *state;
  static ending e;
  memset(&e, 0, sizeof e);
  e.grace = GROVE_FOREVER;
  grove_ref a = spawn_hand(r->g);
  grove_future down = grove_monitor(r->g, a);
  check_ok(ask_and_get(r->g, a, job_wait_for_end, &e, NULL, NULL));
  check_status(e.got, GROVE_EDEADLK);
  check_contains(e.words.text, "waits in a circle");
  check_contains(e.words.text, "itself");
  check_ok(grove_get(r->g, down, 20000, NULL, 0, NULL)); // and then it ends
}

static grove_status job_ask_who_ends_me(grove *self, hand_state *s, void *user, long *reply)
{
  ending *e = user;
  (void)s;
  hand_job job = {job_wait_for_end, e + 1};
  e[1].who = grove_self(self);
  e->got = grove_get(self, grove_call(self, e->who, &hand_run_method, &job), GROVE_FOREVER, reply,
      sizeof *reply, &e->words);
  return GROVE_OK;
}

// It waits for the answer of one that waits for its end: one of the two is told.
static void test_a_circle_through_an_end(void **state)
{
  struct rig *r = *state;
  static ending e[2];
  for (int i = 0; i < 20; i++) {
    memset(&e, 0, sizeof e);
    e[0].who = spawn_hand(r->g);
    e[1].grace = GROVE_FOREVER;
    grove_ref a = spawn_hand(r->g);
    grove_future down = grove_monitor(r->g, a);
    check_ok(ask_and_get(r->g, a, job_ask_who_ends_me, &e, NULL, NULL));
    check_ok(grove_get(r->g, down, 20000, NULL, 0, NULL));
    rig_until(r, &e[1].ended, 1);
    assert_true((e[0].got == GROVE_EDEADLK) != (e[1].got == GROVE_EDEADLK));
    check_contains(e[e[1].got == GROVE_EDEADLK].words.text, "waits in a circle");
  }
}

// An end that anybody may bring about, or that comes by force after a time, is no circle.
static void test_other_waits_for_ends_are_no_circles(void **state)
{
  struct rig *r = *state;
  static ending e;
  for (int timed = 0; timed < 2; timed++) {
    memset(&e, 0, sizeof e);
    e.grace = timed ? 10 : -2;
    grove_ref a = spawn_hand(r->g);
    grove_future f = ask(r->g, a, job_wait_for_end, &e);
    rig_until(r, &e.begun, 1);
    if (!timed) {
      check_status(grove_get(r->g, f, 10, NULL, 0, NULL), GROVE_ETIMEDOUT);
      grove_drop(r->g, grove_exit(r->g, a, 0));
    }
    check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL)); // its method answers all the same
    check_status(e.got, GROVE_ECANCELED);
  }
}

static const rig_test tests[] = {
    EVERYWHERE(test_circles_are_found_and_named),
    EVERYWHERE(test_circles_through_get_all),
    EVERYWHERE(test_circles_through_the_last_one_that_is_left),
    EVERYWHERE(test_a_free_activation_is_no_edge),
    EVERYWHERE(test_all_activations_in_a_circle),
    EVERYWHERE(test_timed_waits_are_no_edges),
    EVERYWHERE(test_deadlines_are_no_edges_and_name_the_circle),
    EVERYWHERE(test_a_circle_behind_a_call_is_named),
    EVERYWHERE(test_a_circle_behind_a_wait_is_named),
    EVERYWHERE(test_who_was_told_is_in_no_circle),
    EVERYWHERE(test_circles_through_start_and_offload),
    EVERYWHERE(test_a_long_circle),
    EVERYWHERE(test_chains_are_no_circles),
    ON(SIM, test_a_child_in_start_asks_its_waiting_parent),
    EVERYWHERE(test_who_waits_for_its_own_end_to_come_after_it),
    EVERYWHERE(test_a_circle_through_an_end),
    EVERYWHERE(test_other_waits_for_ends_are_no_circles),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
