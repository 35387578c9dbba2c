// A family for the tests of groups: a parent with a strategy, and members that write down what happens to them.
#ifndef GROVE_TESTS_FAMILY_H
#define GROVE_TESTS_FAMILY_H
#include "actors.h"

#define all_LIST(S, M) HAND_METHODS(S, M, all)
HANDS(all, .strategy = GROVE_ONE_FOR_ALL)
#define rest_LIST(S, M) HAND_METHODS(S, M, rest)
HANDS(rest, .strategy = GROVE_REST_FOR_ONE)

enum { MEMBERS = 8 };
typedef struct member {
  char name;
  grove_ref ref;
  grove_spawn_options options;
  atomic_int starts, bad_starts, slow_start, slow_stop;
} member;
static struct family {
  member m[MEMBERS];
  int n;
  grove_ref parent;
  uv_mutex_t lock;
  char trace
      [1024]; // "+a" starts, "*a" has started, "-a" stops for its group, "~a" stops otherwise, "!a" destroyed
} fam;

static void note(char what, char who)
{
  uv_mutex_lock(&fam.lock);
  size_t n = strlen(fam.trace);
  if (n + 3 < sizeof fam.trace) {
    fam.trace[n] = what;
    fam.trace[n + 1] = who;
  }
  uv_mutex_unlock(&fam.lock);
}
static void forget(void)
{
  uv_mutex_lock(&fam.lock);
  memset(fam.trace, 0, sizeof fam.trace);
  uv_mutex_unlock(&fam.lock);
}
static bool has(const char *what)
{
  uv_mutex_lock(&fam.lock);
  bool there = strstr(fam.trace, what) != NULL;
  uv_mutex_unlock(&fam.lock);
  return there;
}
// Lets it work until the trace ends with that.
GROVE_MAYBE_UNUSED static void until(struct rig *r, const char *end)
{
  for (int tries = 0; tries < 20000 && !has(end); tries++) {
    check_ok(grove_sleep(r->g, 1));
    if (r->kind == ON_LOOP) {
      uv_run(&r->loop, UV_RUN_NOWAIT);
    }
  }
  if (!has(end)) {
    print_error("waited for %s: %s\n", end, fam.trace);
  }
  assert_true(has(end));
}

static grove_status start_member(grove *self, hand_state *s, void *user, long *reply)
{
  member *m = user;
  (void)s, (void)reply;
  note('+', m->name);
  atomic_fetch_add(&m->starts, 1);
  int slow = atomic_load(&m->slow_start);
  grove_status status = slow ? grove_sleep(self, slow) : GROVE_OK;
  if (!status && atomic_load(&m->bad_starts) > 0) {
    atomic_fetch_sub(&m->bad_starts, 1);
    status = grove_fail(self, GROVE_EIO, "no disk");
  }
  if (!status) {
    note('*', m->name);
  }
  return status;
}
static void stop_member(grove *self, hand_state *s, grove_status why)
{
  member *m = s->plan.user;
  note(why == GROVE_EDEAD ? '-' : '~', m->name);
  int slow = atomic_load(&m->slow_stop);
  if (slow) {
    (void)!grove_sleep(self, slow); // or until it is forced
  }
}
static void destroy_member(hand_state *s)
{
  note('!', ((member *)s->plan.user)->name);
}
static grove_status spawn_member(grove *self, member *m)
{
  hand_plan plan = {start_member, stop_member, destroy_member, m};
  m->options.struct_size = sizeof m->options;
  m->ref = spawn_plan(self, plan, &m->options);
  return grove_ref_status(m->ref);
}
static grove_status start_parent(grove *self, hand_state *s, void *user, long *reply)
{
  grove_status status = GROVE_OK;
  (void)s, (void)user, (void)reply;
  note('+', '^');
  for (int i = 0; i < fam.n && !status; i++) {
    status = spawn_member(self, &fam.m[i]);
    if (!status) {
      status = grove_get(self, grove_ready(self, fam.m[i].ref), GROVE_FOREVER, NULL, 0, NULL);
    }
  }
  return status;
}
static void stop_parent(grove *self, hand_state *s, grove_status why)
{
  (void)self, (void)s, (void)why;
  note('~', '^');
}
static void destroy_parent(hand_state *s)
{
  (void)s;
  note('!', '^');
}

// All transient, back after 10 ms; a test changes what it likes, and calls begin.
static void draw(int n)
{
  for (int i = 0; i < MEMBERS; i++) {
    fam.m[i] = (member){.name = (char)('a' + i),
        .options = {GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 10,
            .backoff_max_ms = 10, .jitter_percent = 1}};
  }
  fam.n = n;
  forget();
}
GROVE_MAYBE_UNUSED static void begin_with(
    struct rig *r, const grove_class *k, const grove_spawn_options *o)
{
  hand_plan plan = {start_parent, stop_parent, destroy_parent, NULL};
  fam.parent = grove_spawn(r->g, k, &plan, o);
  check_ok(grove_get(r->g, grove_ready(r->g, fam.parent), 20000, NULL, 0, NULL));
  forget();
}
GROVE_MAYBE_UNUSED static void begin(struct rig *r, const grove_class *k)
{
  begin_with(r, k, NULL);
}
GROVE_MAYBE_UNUSED static void crash(struct rig *r, int i)
{
  check_status(ask_and_get(r->g, fam.m[i].ref, job_crash, NULL, NULL, NULL), GROVE_EDEAD);
}
GROVE_MAYBE_UNUSED static grove_info look(struct rig *r, grove_ref a)
{
  grove_info i = {.struct_size = sizeof i};
  check_ok(grove_inspect(r->g, a, &i));
  return i;
}
GROVE_MAYBE_UNUSED static void is_down(
    struct rig *r, grove_ref a, grove_status why, const char *words)
{
  grove_error down;
  check_ok(grove_get(r->g, grove_monitor(r->g, a), 20000, &down, sizeof down, NULL));
  check_status(down.status, why);
  check_contains(down.text, words);
}
GROVE_MAYBE_UNUSED static void exits(struct rig *r, grove_ref a, int64_t grace)
{
  check_ok(grove_get(r->g, grove_exit(r->g, a, grace), 20000, NULL, 0, NULL));
}

static int run_family(int argc, char **argv, const rig_test *tests, size_t n)
{
  uv_mutex_init(&fam.lock);
  int failed = rig_run(argc, argv, tests, n);
  uv_mutex_destroy(&fam.lock);
  return failed;
}
#endif
