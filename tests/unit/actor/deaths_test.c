// The recent deaths: cause, method, restarts; in order, bounded, and found again by address.
#include "actors.h"
#include "actor/cell.h"
#include "actor/system.h"

enum { ROOM = 2000 };
static grove_death deaths[ROOM];

static size_t list(struct rig *r, grove_ref who)
{
  size_t n = 0;
  memset(deaths, 0xee, sizeof deaths);
  check_ok(grove_deaths(r->g, who, deaths, sizeof deaths[0], ROOM, &n));
  return n;
}
static void is_gone(struct rig *r, grove_ref a)
{
  check_ok(grove_get(r->g, grove_monitor(r->g, a), 20000, NULL, 0, NULL));
}

static void test_what_a_death_tells(void **state)
{
  struct rig *r = *state;
  assert_int_equal(list(r, GROVE_NOBODY), 0);
  int64_t from = grove_now_ns(r->g);
  grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_TRANSIENT, .max_restarts = 1,
      .backoff_min_ms = 1, .name = "ada", .label = "the first"};
  grove_ref a = spawn_plan(r->g, (hand_plan){.start = NULL}, &o);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  check_status(ask_and_get(r->g, a, job_crash, "once", NULL, NULL), GROVE_EDEAD);
  while (ask_and_get(r->g, a, job_echo, NULL, NULL, NULL)) { // until it is back
    check_ok(grove_sleep(r->g, 1));
  }
  assert_int_equal(list(r, GROVE_NOBODY), 1);
  assert_int_equal(deaths[0].again, 1);
  check_ok(tell(r->g, a, job_crash, "twice"));
  is_gone(r, a);
  assert_int_equal(list(r, GROVE_NOBODY), 2); // the newest first
  for (int i = 0; i < 2; i++) {
    const grove_death *d = &deaths[i];
    assert_int_equal(d->struct_size, sizeof *d);
    assert_int_equal(d->again, i);
    assert_true(grove_ref_equal(d->who, a));
    assert_true(grove_ref_equal(d->parent, grove_self(r->g)));
    assert_true(d->when_ns >= from && d->when_ns <= grove_now_ns(r->g));
    assert_string_equal(d->class_name, "hand");
    assert_string_equal(d->name, "ada");
    assert_string_equal(d->label, "the first");
    check_status(d->error.status, GROVE_EUSER);
    check_contains(d->error.text, i ? "once" : "twice");
    assert_string_equal(d->error.method, "hand.run");
    assert_int_equal(d->error.restarts, 1 - i);
    assert_int_equal(d->failed, 2 - i);
  }
  assert_int_equal(deaths[1].handled, 1);
}

// A killed one tells what it was at; one that ended in order, that it did.
static void test_other_ends(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  grove_ref killed = spawn_hand(r->g), idle = spawn_hand(r->g), asked = spawn_hand(r->g);
  grove_future f = ask(r->g, killed, job_pause, &p);
  rig_until(r, &p.begun, 1);
  check_ok(grove_get(r->g, grove_exit(r->g, killed, 0), 20000, NULL, 0, NULL));
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EDEAD);
  check_ok(ask_and_get(r->g, idle, job_echo, NULL, NULL, NULL));
  check_ok(grove_get(r->g, grove_exit(r->g, idle, 0), 20000, NULL, 0, NULL));
  check_ok(grove_get(r->g, grove_exit(r->g, asked, 20000), 20000, NULL, 0, NULL));
  assert_int_equal(list(r, GROVE_NOBODY), 3);
  check_status(deaths[0].error.status, GROVE_OK);
  check_contains(deaths[0].error.text, "ended in an orderly way");
  check_status(deaths[1].error.status, GROVE_ECANCELED);
  check_contains(deaths[1].error.text, "was killed");
  check_status(deaths[2].error.status, GROVE_ECANCELED);
  assert_string_equal(deaths[2].error.method, "hand.run");
}

// Of one actor and its children only.
static grove_ref child;
static grove_status spawn_child(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  child = spawn_hand(self);
  return grove_ref_status(child);
}
static void test_of_one_actor(void **state)
{
  struct rig *r = *state;
  grove_ref parent = spawn_plan(r->g, (hand_plan){.start = spawn_child}, NULL);
  grove_ref other = spawn_hand(r->g);
  check_ok(grove_get(r->g, grove_ready(r->g, parent), 20000, NULL, 0, NULL));
  check_ok(tell(r->g, other, job_crash, NULL));
  is_gone(r, other);
  check_ok(tell(r->g, child, job_crash, NULL));
  is_gone(r, child);
  check_ok(tell(r->g, parent, job_crash, NULL));
  is_gone(r, parent);
  assert_int_equal(list(r, parent), 2);
  assert_true(grove_ref_equal(deaths[0].who, parent) && grove_ref_equal(deaths[1].who, child));
  assert_int_equal(list(r, child), 1);
  assert_int_equal(list(r, other), 1);
  assert_int_equal(list(r, grove_self(r->g)), 2); // the root's children
  // arguments
  size_t n = 0;
  check_status(grove_deaths(r->g, GROVE_NOBODY, NULL, 0, 0, NULL), GROVE_EINVAL);
  check_status(grove_deaths(r->g, GROVE_NOBODY, deaths, 4, 1, &n), GROVE_EINVAL);
  check_ok(grove_deaths(r->g, GROVE_NOBODY, NULL, 0, 0, &n)); // only how many
  assert_int_equal(n, 3);
  // those of an older program are smaller
  unsigned char small[2 * 64];
  memset(small, 0xee, sizeof small);
  check_ok(grove_deaths(r->g, GROVE_NOBODY, (void *)small, 24, 2, &n));
  assert_int_equal(n, 3);
  uint32_t size;
  memcpy(&size, small + 24, sizeof size);
  assert_int_equal(size, 24);
  assert_int_equal(small[48], 0xee);
}

// The last 1024 are remembered, and by their addresses, too; failures with a restart have a ring of their own.
static void test_bounded(void **state)
{
  struct rig *r = *state;
  enum { LIVES = 1500 };
  static grove_ref who[LIVES];
  grove_error err;
  grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_TRANSIENT, .max_restarts = UINT32_MAX,
      .backoff_min_ms = 1, .backoff_max_ms = 1, .queue_ms = 20000};
  grove_ref restless = spawn_plan(r->g, (hand_plan){.start = NULL}, &o);
  for (int i = 0; i < LIVES; i++) {
    char words[16];
    snprintf(words, sizeof words, "number %d", i);
    who[i] = spawn_hand(r->g);
    check_status(ask_and_get(r->g, who[i], job_crash, words, NULL, NULL), GROVE_EDEAD);
    is_gone(r, who[i]);
    if (i % 4 == 0) {
      check_status(ask_and_get(r->g, restless, job_crash, NULL, NULL, NULL), GROVE_EDEAD);
      check_ok(ask_and_get(r->g, restless, job_echo, NULL, NULL, NULL)); // waits until it is back
    }
  }
  size_t n = list(r, GROVE_NOBODY), again = 0;
  assert_int_equal(n, 1024 + 256);
  for (size_t i = 0; i < n; i++) {
    again += deaths[i].again;
    assert_true(i == 0 || deaths[i].when_ns <= deaths[i - 1].when_ns);
  }
  assert_int_equal(again, 256);
  for (int i = 0; i < LIVES; i++) {
    char words[16];
    snprintf(words, sizeof words, "number %d", i);
    check_status(ask_and_get(r->g, who[i], job_echo, NULL, NULL, &err), GROVE_ENOACTOR);
    assert_int_equal(strstr(err.text, words) != NULL, i >= LIVES - 1024);
  }
}

// Who fails after a long method fails when it does, not when its worker last looked at the clock, and is listed so.
static grove_status job_hold_and_crash(grove *self, hand_state *s, void *user, long *reply)
{
  check_ok(job_hold(self, s, user, reply));
  return grove_crash(self, GROVE_EUSER, "after long");
}
static void test_after_a_long_method(void **state)
{
  struct rig *r = *state;
  static hold h;
  hold_init(&h);
  grove_ref slow = spawn_hand(r->g), other = spawn_hand(r->g);
  check_ok(tell(r->g, slow, job_hold_and_crash, &h));
  rig_until(r, &h.begun, 1);
  check_ok(tell(r->g, other, job_crash, NULL));
  is_gone(r, other);
  int64_t from = grove_now_ns(r->g);
  hold_let_go(&h);
  is_gone(r, slow);
  assert_int_equal(list(r, GROVE_NOBODY), 2);
  assert_true(grove_ref_equal(deaths[0].who, slow) && grove_ref_equal(deaths[1].who, other));
  assert_true(deaths[0].when_ns >= from && deaths[1].when_ns <= from);
  uv_sem_destroy(&h.sem);
}

// A worker's clock may be behind another's, and who looked first may come second: the list is in the order of time.
static void test_clocks_that_differ(void **state)
{
  struct rig *r = *state;
  static const int64_t looked[] = {1000, 900, 950, 1001};
  static const int64_t listed[] = {1001, 1000, 1000, 1000};
  grove__system *y = grove__system_of(r->g);
  for (int i = 0; i < 4; i++) {
    grove__death *d = grove__death_enter(y, grove_self(r->g), looked[i], i % 2);
    assert_non_null(d);
    grove__death_entered(y);
  }
  assert_int_equal(list(r, GROVE_NOBODY), 4);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(deaths[i].when_ns, listed[i]);
  }
}

static const rig_test tests[] = {
    EVERYWHERE(test_what_a_death_tells),
    EVERYWHERE(test_other_ends),
    EVERYWHERE(test_of_one_actor),
    ON(WORKERS | SIM, test_bounded),
    ON(WORKERS, test_after_a_long_method),
    ON(SIM, test_clocks_that_differ),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
