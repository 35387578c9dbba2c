// Scenes of actors, futures, supervision and time.
#include "scenes.h"
#include <grove/host.h>

#define pair_LIST(S, M) HAND_METHODS(S, M, pair)
HANDS(pair, .concurrency = 2)
#define nomad_LIST(S, M) HAND_METHODS(S, M, nomad)
HANDS(nomad, .migratable = 1)
#define loner_LIST(S, M) HAND_METHODS(S, M, loner)
HANDS(loner, .own_thread = 1)
#define blocker_LIST(S, M) HAND_METHODS(S, M, blocker)
HANDS(blocker, .blocking = 1)
#define narrow_LIST(S, M) HAND_METHODS(S, M, narrow)
HANDS(narrow, .mailbox = 1, .full = GROVE_FULL_WAIT)
#define broad_LIST(S, M) HAND_METHODS(S, M, broad)
HANDS(broad, .stack_bytes = 512 * 1024)

static void spawn_plain(scene *s, grove *g, int i)
{
  scene_spawn(s, g, i, &hand_class, &hand_run_method, NULL);
}

// ---- calls through all kinds of actors, some with limits -------------------------------------------------------------

static grove_status job_chain(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  int next = scene_role(st)->i + 1;
  char *mine = scene_hold(s);
  grove_status status;
  *reply = 1;
  if (next < 6) {
    long got = 0;
    status = grove_get(self, scene_ask(s, self, next, job_chain), next & 1 ? GROVE_FOREVER : 5000,
        &got, sizeof got, NULL);
    *reply += got;
  } else {
    status = grove_sleep(self, 1);
  }
  scene_let(s, mine);
  return status;
}

static void play_calls(scene *s)
{
  long got = 0;
  spawn_plain(s, s->g, 0);
  scene_spawn(s, s->g, 1, &pair_class, &pair_run_method, NULL);
  scene_spawn(s, s->g, 2, &nomad_class, &nomad_run_method, NULL);
  scene_spawn(s, s->g, 3, &loner_class, &loner_run_method, NULL);
  scene_spawn(s, s->g, 4, &blocker_class, &blocker_run_method, NULL);
  scene_spawn(s, s->g, 5, &broad_class, &broad_run_method, NULL);
  grove_future second, first = scene_ask(s, s->g, 0, job_chain);
  second = grove_call_within(s->g, 20000, s->who[0], s->run[0], &(hand_job){job_chain, s});
  if (!scene_get(s, first, &got, sizeof got)) {
    scene_expect(s, got == 6, "six have answered");
  }
  (void)scene_get(s, second, &got, sizeof got);
  (void)scene_do(s, 3, scene_nap);
}

// ---- several futures at once ------------------------------------------------------------------------------------

static grove_status job_fan(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  grove_future f[4];
  long got[4];
  char *mine = scene_hold(s);
  for (int i = 0; i < 4; i++) {
    f[i] = scene_ask(s, self, 1 + i % 3, scene_nap);
  }
  grove_status status = grove_get_all(self, f, 4, GROVE_FOREVER, got, sizeof *got, NULL);
  for (int i = 0; i < 4; i++) {
    f[i] = scene_ask(s, self, 1 + i % 3, scene_nap);
  }
  status = status ? status : grove_wait(self, f, 4, 2, 5000);
  for (int i = 0; i < 4 && !status; i++) {
    size_t at = 4;
    status = grove_next(self, f, 4, GROVE_FOREVER, &at);
    if (!status && at < 4) {
      status = grove_get(self, f[at], 0, got, sizeof *got, NULL);
    }
  }
  st->future = scene_ask(s, self, 1, scene_nap); // kept for the life: dropped with it
  grove_keep(self, st->future);
  grove_future dropped = scene_ask(s, self, 2, scene_nap),
               canceled = scene_ask(s, self, 3, scene_nap);
  grove_drop(self, dropped);
  grove_cancel(self, canceled);
  grove_status other = grove_get(self, canceled, 5000, got, sizeof *got, NULL);
  status = status || !other || other == GROVE_ECANCELED ? status : other;
  scene_let(s, mine);
  *reply = 1;
  return status;
}

static void play_futures(scene *s)
{
  for (int i = 0; i < 4; i++) {
    spawn_plain(s, s->g, i);
  }
  (void)scene_do(s, 0, job_fan);
  (void)scene_do(s, 0, job_fan);
}

// ---- then-functions, inside and outside --------------------------------------------------------------------------

static grove_status on_answer(grove *g, void *user, grove_future f)
{
  scene *s = user;
  long got;
  grove_status status = grove_get(g, f, 0, &got, sizeof got, NULL);
  atomic_fetch_add(&s->counter[0], 1);
  return status;
}

static grove_status job_then(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  (void)st;
  *reply = 0;
  for (int i = 1; i < 3; i++) {
    grove_future f = scene_ask(s, self, i, scene_nap);
    grove_status status = grove_then(self, f, on_answer, s);
    if (status) {
      grove_drop(self, f);
      return status;
    }
  }
  return GROVE_OK;
}

static void play_then(scene *s)
{
  enum { MOST = 20000 };
  int set = 0;
  for (int i = 0; i < 3; i++) {
    spawn_plain(s, s->g, i);
  }
  (void)scene_do(s, 0, job_then);
  int inside = s->careful ? 2 : 0;
  for (int i = 0; i < 3 && !atomic_load(&s->over); i++) {
    grove_future f = scene_ask(s, s->g, i, scene_nap);
    if (grove_then(s->g, f, on_answer, s)) {
      grove_drop(s->g, f);
    } else {
      set++;
    }
  }
  int ran = 0, tries = 0;
  while (scene_breathe(s) && tries++ < MOST &&
         (ran < set || atomic_load(&s->counter[0]) < inside + set)) {
    ran += (int)grove_dispatch(s->g, 0);
  }
  if (!atomic_load(&s->over)) {
    scene_expect(s, ran == set, "each outside then-function has run once");
  }
}

// ---- a tree: children of children, links, monitors ------------------------------------------------------------------

static grove_status job_grow(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  int i = scene_role(st)->i;
  char *mine = scene_hold(s);
  grove_status status = GROVE_OK;
  grove_error down;
  *reply = 1;
  for (int k = 1; k <= 2 && 2 * i + k < 7; k++) {
    spawn_plain(s, self, 2 * i + k);
  }
  if (i == 0) {
    long got[2];
    grove_future f[2] = {scene_ask(s, self, 1, job_grow), scene_ask(s, self, 2, job_grow)};
    status = grove_get_all(self, f, 2, GROVE_FOREVER, got, sizeof *got, NULL);
  }
  if (i == 0 && !status) {
    (void)!grove_link(self, s->who[4]);
    grove_future gone = grove_monitor(self, s->who[5]), ready = grove_ready(self, s->who[6]);
    (void)!grove_get(self, ready, 5000, NULL, 0, NULL);
    grove_drop(self, ready);
    grove_drop(self, grove_exit(self, s->who[2], 50));
    status = grove_get(self, gone, GROVE_FOREVER, &down, sizeof down, NULL);
  }
  scene_let(s, mine);
  return status;
}

static void play_tree(scene *s)
{
  grove_error down;
  spawn_plain(s, s->g, 0);
  grove_future gone = grove_monitor(s->g, s->who[0]);
  (void)scene_do(s, 0, job_grow);
  if (!atomic_load(&s->over)) {
    grove_drop(s->g, grove_exit(s->g, s->who[0], 100));
    grove_status status = scene_get(s, gone, &down, sizeof down);
    scene_expect(
        s, status != GROVE_EDEAD && status != GROVE_ENOACTOR, "a monitor fires with a reply");
  }
}

// ---- restarts: a start that waits, calls that are queued meanwhile --------------------------------------------------

static grove_status start_slowly(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  long got;
  (void)reply;
  char *mine = scene_hold(s);
  grove_status status =
      grove_get(self, scene_ask(s, self, 0, scene_nap), 1000, &got, sizeof got, NULL);
  if (!status) {
    int i = scene_role(st)->i + 1;
    spawn_plain(s, self, i);
  }
  scene_let(s, mine);
  return status;
}

static void stop_slowly(grove *self, hand_state *st, grove_status why)
{
  scene *s = scene_role(st)->s;
  long got;
  char *mine = scene_hold(s);
  (void)why;
  grove_future f = scene_ask(s, self, 0, scene_nap);
  (void)!grove_get(self, f, 50, &got, sizeof got, NULL);
  (void)!grove_sleep(self, 1);
  scene_let(s, mine);
}

static grove_status job_fall(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  char *mine = scene_hold(s);
  grove_status status = grove_sleep(self, 1);
  (void)st;
  *reply = 1;
  scene_let(s, mine);
  return status ? status : grove_crash(self, GROVE_EUSER, "it fell");
}

static void play_restarts(scene *s)
{
  grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_TRANSIENT, .max_restarts = 3,
      .backoff_min_ms = 1, .backoff_max_ms = 2, .stop_ms = 100, .queue_ms = 1000};
  bool careful = s->careful;
  spawn_plain(s, s->g, 0);
  scene_spawn_as(s, s->g, 1, &hand_class, &hand_run_method, &o, start_slowly, stop_slowly);
  o.flags = GROVE_SPAWN_DROP_MAILBOX;
  scene_spawn_as(s, s->g, 3, &pair_class, &pair_run_method, &o, start_slowly, stop_slowly);
  for (int k = 0; k < 2 && !atomic_load(&s->over); k++) {
    grove_future fall = scene_ask(s, s->g, 1, job_fall), other = scene_ask(s, s->g, 3, job_fall),
                 behind = scene_ask(s, s->g, 1, scene_nap),
                 dropped = scene_ask(s, s->g, 3, scene_nap);
    long got;
    s->careful = false; // they are to fail
    scene_expect(s, scene_get(s, fall, &got, sizeof got) != GROVE_OK, "a crash fails the call");
    (void)scene_get(s, other, &got, sizeof got);
    (void)scene_get(s, dropped, &got, sizeof got);
    s->careful = careful;
    (void)scene_get(s, behind, &got, sizeof got);
  }
  grove_error down;
  if (!atomic_load(&s->over)) {
    (void)scene_get(s, grove_exit(s->g, s->who[1], 500), &down, sizeof down);
  }
}

// ---- timers ------------------------------------------------------------------------------------------------------

static grove_status job_tick(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  char *mine = scene_hold(s);
  (void)st, (void)reply;
  if (atomic_fetch_add(&s->counter[0], 1) == 4) {
    grove_timer_clear(self, 1);
  }
  grove_status status = grove_sleep(self, 1);
  scene_let(s, mine);
  return status;
}

static grove_status job_set_timers(grove *self, hand_state *st, void *user, long *reply)
{
  hand_job tick = {job_tick, user};
  const grove_method *m = ((scene *)user)->run[scene_role(st)->i];
  *reply = 1;
  grove_status a = grove_timer_set(self, 1, 1, 2, m, &tick); // periodic, once, replaced, cleared
  grove_status b = grove_timer_set(self, 2, 3, 0, m, &tick);
  grove_status c = grove_timer_set(self, 2, 5, 0, m, &tick);
  grove_status d = grove_timer_set(self, 3, 1000000, 7, m, &tick);
  grove_timer_clear(self, 3);
  return a ? a : b ? b : c ? c : d;
}

static void play_timers(scene *s)
{
  grove_spawn_options o = {GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 1};
  scene_spawn(s, s->g, 0, &hand_class, &hand_run_method, &o);
  scene_spawn(s, s->g, 1, &pair_class, &pair_run_method, &o);
  (void)scene_do(s, 0, job_set_timers);
  (void)scene_do(s, 1, job_set_timers);
  int most = s->careful ? 20000 : 20;
  for (int i = 0; i < most && atomic_load(&s->counter[0]) < 6 && scene_breathe(s); i++) {}
  scene_expect(s, !s->careful || atomic_load(&s->counter[0]) >= 6, "the timers tick");
}

// ---- promises: answered later, handed on, never ---------------------------------------------------------------------

static grove_status job_hand_on(grove *self, void *user, grove_future f)
{
  hand_state *st = user;
  long got = 0;
  grove_status status = grove_get(self, f, 0, &got, sizeof got, NULL);
  (void)grove_promise_answer(
      self, st->promise, status, status ? NULL : &got, status ? 0 : sizeof got);
  return GROVE_OK;
}

static grove_status job_forward(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  (void)reply;
  grove_status status = grove_promise_take(self, &st->promise);
  if (status) {
    return status;
  }
  grove_future f = scene_ask(s, self, 1, scene_nap);
  grove_promise_follow(self, st->promise, f);
  if (grove_then(self, f, job_hand_on, st)) {
    grove_drop(self, f);
    (void)grove_promise_answer(self, st->promise, GROVE_EAGAIN, NULL, 0);
  }
  return GROVE_OK;
}

static void play_promises(scene *s)
{
  long got = 0;
  for (int i = 0; i < 3; i++) {
    spawn_plain(s, s->g, i);
  }
  grove_future never = scene_ask(s, s->g, 2, job_take),
               given_up = scene_ask(s, s->g, 0, job_forward);
  if (!scene_do(s, 1, scene_nap) && !scene_do(s, 0, job_forward)) {
    scene_expect(s, got == 0, "the answer was handed on");
  }
  if (!atomic_load(&s->over)) {
    grove_drop(s->g, given_up);
    grove_promise p;
    grove_future own;
    bool careful = s->careful;
    s->careful = false;
    if (!grove_promise_create(s->g, long_type, &p, &own)) {
      got = 42;
      (void)grove_promise_answer(s->g, p, GROVE_OK, &got, sizeof got);
      (void)scene_get(s, own, &got, sizeof got);
    }
    if (!atomic_load(&s->over)) {
      grove_drop(s->g, grove_exit(s->g, s->who[2], 100));
      scene_expect(
          s, scene_get(s, never, &got, sizeof got) != GROVE_OK, "who ends answers nothing");
    }
    s->careful = careful;
  }
}

// ---- full mailboxes, and messages that are put back ------------------------------------------------------------------

static grove_status job_press(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  grove_status status = GROVE_OK;
  (void)st;
  char *mine = scene_hold(s);
  for (int i = 0; i < 4 && !status; i++) {
    status = grove_send(self, s->who[0], s->run[0], &(hand_job){scene_nap, s});
  }
  scene_let(s, mine);
  *reply = 1;
  return status;
}

static grove_status job_put_back(grove *self, hand_state *st, void *user, long *reply)
{
  (void)user;
  *reply = 1;
  return st->number ? GROVE_OK : grove_defer(self);
}

static grove_status job_fetch_back(grove *self, hand_state *st, void *user, long *reply)
{
  (void)user;
  *reply = 1;
  st->number = 1;
  grove_undefer(self);
  return GROVE_OK;
}

static void play_full(scene *s)
{
  long got;
  scene_spawn(s, s->g, 0, &narrow_class, &narrow_run_method, NULL);
  for (int i = 1; i < 4; i++) {
    spawn_plain(s, s->g, i);
  }
  grove_future f[3] = {scene_ask(s, s->g, 1, job_press), scene_ask(s, s->g, 2, job_press),
      scene_ask(s, s->g, 3, job_press)};
  for (int i = 0; i < 3; i++) {
    (void)scene_get(s, f[i], &got, sizeof got);
  }
  if (!atomic_load(&s->over)) {
    for (int i = 0; i < 3; i++) {
      f[i] = scene_ask(s, s->g, 1, job_put_back);
    }
    if (scene_do(s, 1, job_fetch_back) && !atomic_load(&s->over)) {
      grove_drop(
          s->g, grove_exit(s->g, s->who[1], 0)); // nobody else would fetch back what was put back
    }
    for (int i = 0; i < 3; i++) {
      (void)scene_get(s, f[i], &got, sizeof got);
    }
  }
}

const scene_kind scenes_core[] = {{"calls", play_calls, SCENE_BOTH},
    {"futures", play_futures, SCENE_BOTH}, {"then", play_then, SCENE_BOTH},
    {"tree", play_tree, SCENE_BOTH}, {"restarts", play_restarts, SCENE_BOTH},
    {"timers", play_timers, SCENE_BOTH}, {"promises", play_promises, SCENE_BOTH},
    {"full", play_full, SCENE_BOTH}, {NULL, NULL, 0}};
