// The explorer. All of it runs on one thread of the system.
#include "plat/stack.h"
#include <stdio.h>
#include <stdlib.h>
#define EXPLORE_INSIDE
#include "explore.h"

enum { DEEPEST = 4096, BUFFER = 8, LOCKS = 8 };

typedef struct choice {
  uint8_t taken, of;
} choice;
typedef struct store {
  void *at;
  uint64_t value;
  size_t bytes;
} store;
typedef struct thread {
  grove__fiber *fiber;
  bool returned;
  bool (*ready)(int me); // what it waits for; NULL: nothing
  grove__mutex *wanted; // the lock that it waits for; NULL: none
  store late[BUFFER];   // its stores that others don't see yet, in order
  int n_late;
} thread;

static struct explorer {
  const explore_case *c;
  grove__stacks *stacks;
  grove__fiber *main;
  thread t[EXPLORE_THREADS];
  int threads, now;
  grove__mutex *held[LOCKS];
  int n_held;
  choice path[DEEPEST]; // the decisions of this run; those below `known` are given
  int depth, known;
  int switches, spurious, delays; // left
  bool looking;                   // `always` runs
  bool failed, over;
  uint64_t random; // 0: all of them
} x;

// ---- decisions -------------------------------------------------------------------------------------------

static void give_up(const char *what, const char *file, int line)
{
  if (x.failed) {
    return;
  }
  x.failed = true;
  fprintf(stderr, "%s: thread %d: %s (%s:%d); the decisions:", x.c->name, x.now, what, file, line);
  for (int i = 0; i < x.depth; i++) {
    if (x.path[i].taken) {
      fprintf(stderr, " %d:%d", i, x.path[i].taken);
    }
  }
  fprintf(stderr, "\n");
}

static int choose(int of)
{
  if (of <= 1) {
    return 0;
  }
  if (x.depth == DEEPEST) {
    give_up("it does not come to an end", __FILE__, __LINE__);
    return 0;
  }
  choice *d = &x.path[x.depth];
  if (x.depth++ >= x.known) {
    *d = (choice){0, (uint8_t)of};
    if (x.random) { // xorshift (Marsaglia 2003); of one in four another than the first
      x.random ^= x.random << 13;
      x.random ^= x.random >> 7;
      x.random ^= x.random << 17;
      d->taken = x.random >> 62 ? 0 : (uint8_t)((x.random >> 8) % (unsigned)of);
    }
    x.known = x.depth;
  }
  return d->taken;
}

// The next path that was not run; false: there is none.
static bool next_path(void)
{
  while (x.known > 0 && x.path[x.known - 1].taken + 1 >= x.path[x.known - 1].of) {
    x.known--;
  }
  if (x.known == 0) {
    return false;
  }
  x.path[x.known - 1].taken++;
  return true;
}

// ---- threads ---------------------------------------------------------------------------------------------

static bool is_held(const grove__mutex *m)
{
  for (int i = 0; i < x.n_held; i++) {
    if (x.held[i] == m) {
      return true;
    }
  }
  return false;
}

static bool can_go_on(int i)
{
  const thread *t = &x.t[i];
  return !t->returned && (!t->wanted || !is_held(t->wanted)) && (!t->ready || t->ready(i));
}

// Who goes on; -1: nobody can.
static int pick(void)
{
  int able[EXPLORE_THREADS], n = 0;
  x.looking = true;
  bool now = can_go_on(x.now);
  if (now) {
    able[n++] = x.now;
  }
  for (int i = 0; i < x.threads && (!now || x.switches != 0); i++) {
    if (i != x.now && can_go_on(i)) {
      able[n++] = i;
    }
  }
  x.looking = false;
  if (n == 0) {
    return -1;
  }
  int to = able[choose(n)];
  x.switches -= now && to != x.now && x.switches > 0;
  return to;
}

static void go(int to)
{
  int from = x.now;
  if (to != from) {
    x.now = to;
    grove__fiber_switch(x.t[from].fiber, x.t[to].fiber);
  }
}

static void leave(void)
{
  grove__fiber_switch(x.t[x.now].fiber, x.main);
}

void explore_point(void)
{
  if (x.looking || x.over) { // of `always`, `begin`, `end`
    return;
  }
  if (x.c->always) {
    x.looking = true;
    x.c->always();
    x.looking = false;
  }
  if (x.failed) {
    leave();
  }
  go(pick());
}

static void block(void)
{
  int to = pick();
  if (to < 0) {
    give_up("nobody can go on", __FILE__, __LINE__);
  }
  if (x.failed) {
    leave();
  }
  go(to);
}

void explore_wait(bool (*ready)(int me))
{
  thread *t = &x.t[x.now];
  explore_drain();
  t->ready = ready;
  block();
  t->ready = NULL;
}

int explore_self(void)
{
  return x.now;
}

void explore_check(bool holds, const char *what, const char *file, int line)
{
  if (holds) {
    return;
  }
  give_up(what, file, line);
  if (!x.over && !x.looking) {
    leave();
  }
}

void explore_lock(grove__mutex *m)
{
  if (x.over) {
    return;
  }
  thread *t = &x.t[x.now];
  explore_drain();
  explore_point();
  if (is_held(m)) {
    t->wanted = m;
    block();
    t->wanted = NULL;
  }
  if (x.n_held == LOCKS) {
    give_up("too many locks", __FILE__, __LINE__);
    leave();
  }
  x.held[x.n_held++] = m;
}

void explore_unlock(grove__mutex *m)
{
  explore_drain();
  for (int i = 0; i < x.n_held; i++) {
    if (x.held[i] == m) {
      x.held[i] = x.held[--x.n_held];
      return;
    }
  }
  if (!x.over) {
    give_up("not held", __FILE__, __LINE__);
  }
}

// ---- memory ----------------------------------------------------------------------------------------------

bool explore_fails(void)
{
  if (x.spurious == 0 || x.over || !choose(2)) {
    return false;
  }
  x.spurious--;
  return true;
}

static void drain(thread *t)
{
  for (int i = 0; i < t->n_late; i++) {
    memcpy(t->late[i].at, &t->late[i].value, t->late[i].bytes);
  }
  t->n_late = 0;
}

void explore_drain(void)
{
  drain(&x.t[x.now]);
}

bool explore_drain_all(void)
{
  explore_point();
  for (int i = 0; i < x.threads; i++) {
    drain(&x.t[i]);
  }
  return true;
}

void explore_store(void *at, const void *value, size_t bytes, int order)
{
  thread *t = &x.t[x.now];
  bool late = !x.over && order != (int)memory_order_seq_cst && t->n_late < BUFFER && x.delays != 0 &&
              (t->n_late || choose(2)); // behind a late one all are late
  if (!late) {
    explore_drain();
    memcpy(at, value, bytes);
    return;
  }
  x.delays -= t->n_late == 0 && x.delays > 0;
  store *s = &t->late[t->n_late++];
  *s = (store){.at = at, .bytes = bytes};
  memcpy(&s->value, value, bytes);
}

void explore_load(const void *at, void *value, size_t bytes)
{
  const thread *t = &x.t[x.now];
  memcpy(value, at, bytes);
  for (int i = 0; i < t->n_late && !x.looking; i++) {
    if (t->late[i].at == at) {
      memcpy(value, &t->late[i].value, bytes);
    }
  }
}

// ---- runs ------------------------------------------------------------------------------------------------

static void live(void *user)
{
  int me = (int)(intptr_t)user;
  for (;;) {
    x.c->thread[me]();
    explore_drain();
    x.t[me].returned = true;
    int to = pick();
    bool all = true;
    for (int i = 0; i < x.threads; i++) {
      all = all && x.t[i].returned;
    }
    if (to < 0 && !all) {
      give_up("nobody can go on", __FILE__, __LINE__);
    }
    if (to < 0 || x.failed) {
      leave();
    } else {
      go(to);
    }
  }
}

static void run_once(void)
{
  x.depth = x.n_held = 0;
  x.switches = x.c->switches;
  x.spurious = x.c->spurious;
  x.delays = x.c->delays;
  x.over = true;
  x.c->begin();
  x.over = false;
  for (int i = 0; i < x.threads; i++) {
    x.t[i].returned = false;
    x.t[i].n_late = 0;
  }
  x.now = choose(x.threads);
  grove__fiber_switch(x.main, x.t[x.now].fiber);
  if (!x.failed) {
    x.over = true;
    x.c->end();
  }
}

static void need(grove_status s)
{
  if (s) {
    fprintf(stderr, "the explorer: %s\n", grove_status_text(s));
    abort();
  }
}

static void *take(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  (void)user, (void)old_bytes;
  if (new_bytes) {
    return realloc(p, new_bytes);
  }
  free(p);
  return NULL;
}

static long explore(const explore_case *c, uint64_t seed, long most)
{
  static const grove_allocator memory = {take, NULL};
  memset(&x, 0, sizeof x);
  x.c = c;
  x.random = seed;
  need(grove__stacks_create(&memory, 64 * 1024, EXPLORE_THREADS, GROVE__GUARD_BEST, &x.stacks));
  need(grove__fiber_of_thread(x.stacks, &x.main));
  for (; x.threads < EXPLORE_THREADS && c->thread[x.threads]; x.threads++) {
    need(grove__fiber_create(
        x.stacks, 0, live, (void *)(intptr_t)x.threads, &x.t[x.threads].fiber));
  }
  long runs = 0;
  for (bool more = true; more && !x.failed && runs != most; runs++) {
    run_once();
    if (x.random) {
      x.known = 0;
    } else {
      more = next_path();
    }
  }
  for (int i = 0; i < x.threads; i++) {
    grove__fiber_destroy(x.t[i].fiber);
  }
  grove__fiber_destroy(x.main);
  grove__stacks_destroy(x.stacks);
  return x.failed ? -1 : runs;
}

long explore_all(const explore_case *c)
{
  return explore(c, 0, -1);
}

long explore_some(const explore_case *c, uint64_t seed, long random)
{
  return explore(c, seed * UINT64_C(0x9e3779b97f4a7c15) | 1, random);
}
