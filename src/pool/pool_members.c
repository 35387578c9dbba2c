#include "pool/pool_actor.h"
#include <grove/typed.h>
#include <grove/watch.h>
#include <stdio.h>
#include "base/error.h"
#include "base/status.h"

enum { RETRY_FIRST_MS = 10, RETRY_MOST_MS = 1000 };

// ---- the idle list --------------------------------------------------------------------------------
static void leave_idle(grove__pool_actor *p, grove__member *m)
{
  *(m->idle_prev ? &m->idle_prev->idle_next : &p->idle_first) = m->idle_next;
  *(m->idle_next ? &m->idle_next->idle_prev : &p->idle_last) = m->idle_prev;
  m->idle_next = m->idle_prev = NULL;
  m->idle = false;
  p->idle--;
  p->idle_least = p->idle < p->idle_least ? p->idle : p->idle_least;
}

static void enter_idle(grove__pool_actor *p, grove__member *m)
{
  m->idle_prev = p->idle_last;
  m->idle_next = NULL;
  *(p->idle_last ? &p->idle_last->idle_next : &p->idle_first) = m;
  p->idle_last = m;
  m->idle = true;
  p->idle++;
}

void grove__member_settle(grove *self, grove__member *m)
{
  grove__pool_actor *p = m->pool;
  bool idle = m->ready && m->running < m->most && !m->out && !m->retiring && !m->gone;
  if (m->idle != idle) {
    (idle ? enter_idle : leave_idle)(p, m);
  }
  if (m->retiring && !m->gone && !m->running) {
    grove_drop(self, grove_exit(self, m->ref, p->plan->destroy_ms));
  }
}

// ---- birth and death ------------------------------------------------------------------------------
static void free_member(grove__member *m)
{
  grove__pool_actor *p = m->pool;
  grove__member **at = &p->members;
  while (*at != m) {
    at = &(*at)->next;
  }
  *at = m->next;
  grove__free(p->allocator, m, sizeof *m);
}

void grove__member_let_go(grove__member *m)
{
  if (--m->open == 0 && m->gone) {
    free_member(m);
  }
}

void grove__members_destroy(grove__pool_actor *p)
{
  while (p->members) {
    free_member(p->members);
  }
}

static void show_members(grove *self, const grove__pool_actor *p)
{
  grove_state(self, "%u members", p->live);
  grove_serves(self, p->live);
}

// It takes no more work and counts no more.
static void discount(grove *self, grove__member *m)
{
  m->pool->live--;
  m->pool->spawned -= m->spawned;
  show_members(self, m->pool);
}

// A turn: the member is gone for good.
static grove_status on_gone(grove *self, void *user, grove_future f)
{
  grove__member *m = user;
  grove__pool_actor *p = m->pool;
  grove_error words = {0};
  grove_status s = grove_get(self, f, 0, &words, sizeof words, &words);
  if (s) {
    words.status = s;
  }
  if (!words.text[0]) {
    snprintf(words.text, sizeof words.text, "it was asked to end");
  }
  if (!m->retiring) {
    p->lost += m->spawned;
    discount(self, m);
    p->last_words = words;
  }
  m->gone = true;
  grove__member_settle(self, m);
  grove__member_let_go(m);
  grove__pool_dispatch(self, p);
  return GROVE_OK;
}

// Which of its lives is at hand. False: it is between two, so what is given to it now would come back, and no later look
// could tell that it had died.
static bool note_life(grove *self, grove__member *m)
{
  grove_info info = {.struct_size = sizeof info};
  if (grove_inspect(self, m->ref, &info)) {
    return true; // it is gone: the next call tells
  }
  m->restarts = info.restarts;
  m->most = strcmp(info.class_name, grove__pool_class.name) ? 1 : UINT32_MAX;
  return info.phase != GROVE_PHASE_RESTARTING;
}

// It takes no item now, and is looked at again a little later, then less and less often until it was given one. Returns:
// GROVE_ENOMEM: it takes items as before
static grove_status retry(grove *self, grove__member *m)
{
  m->ready = false;
  m->retry_ms = m->retry_ms ? m->retry_ms * 2 : RETRY_FIRST_MS;
  if (m->retry_ms > RETRY_MOST_MS) {
    m->retry_ms = RETRY_MOST_MS;
  }
  grove_status s =
      grove_timer_set(self, m->number, m->retry_ms, 0, &grove__pool_retry_method, &m->number);
  m->ready = s != GROVE_OK; // no memory for a timer: the next item's call tells
  grove__member_settle(self, m);
  return s;
}

// A turn: the member is up again, or its start failed once more (then it is either gone soon, or tries again); or there was
// room in its mailbox, or waiting for that has failed.
static grove_status on_ready(grove *self, void *user, grove_future f)
{
  grove__member *m = user;
  grove__pool_actor *p = m->pool;
  grove_status s = grove_get(self, f, 0, NULL, 0, NULL);
  if (m->gone) {
    grove__member_let_go(m);
    return GROVE_OK;
  }
  if (s) {
    (void)!retry(self, m);
  } else if (!note_life(self, m)) {
    grove__member_await(self, m);
  } else {
    m->ready = true;
    grove__member_settle(self, m);
  }
  grove__member_let_go(m);
  grove__pool_dispatch(self, p);
  return GROVE_OK;
}

static grove_status watch(grove *self, grove__member *m, grove_future f, grove_then_fn *fn)
{
  grove_keep(self, f);
  grove_status s = grove_then(self, f, fn, m);
  if (s) {
    grove_drop(self, f);
    return s;
  }
  m->open++;
  return GROVE_OK;
}

void grove__member_await(grove *self, grove__member *m)
{
  m->ready = false;
  if (!m->gone && watch(self, m, grove_ready(self, m->ref), on_ready)) {
    (void)!retry(self, m);
  }
}

// ---- a full mailbox -------------------------------------------------------------------------------
typedef struct room_wish {
  grove_ref to;
  const grove_method *method;
} room_wish;
static const grove_type type_of_room_wish = {sizeof(grove_type), sizeof(room_wish), "room_wish",
    GROVE_TYPE_PLAIN, 0, NULL, NULL, NULL};

static grove_status wait_for_room(grove *self, void *state, const void *arg, void *reply)
{
  const room_wish *wish = arg;
  (void)state;
  (void)reply;
  return grove_wait_room(self, wish->to, wish->method);
}
static const grove_method wait_for_room_method = {sizeof(grove_method), 0, "wait_for_room", NULL,
    wait_for_room, &type_of_room_wish, &grove_type_of_grove_none};

// A task waits, for the pool serves all the others. Told so, and not by a clock, it comes to work as soon as there is room;
// and who looks for circles of waits, or in simulation for what could end one, sees that nothing else will.
grove_status grove__member_await_room(grove *self, grove__member *m, const grove_method *method)
{
  room_wish wish = {m->ref, method};
  m->ready = false;
  if (watch(self, m, grove_task(self, &wait_for_room_method, &wish), on_ready)) {
    return retry(self, m);
  }
  grove__member_settle(self, m);
  return GROVE_OK;
}

bool grove__member_has_died(grove *self, const grove__member *m, const grove_error *err)
{
  grove_status s = err->status;
  if (s != GROVE_EDEAD && s != GROVE_ENOACTOR && s != GROVE_ESTUCK && s != GROVE_ECANCELED) {
    return false;
  }
  grove_info info = {.struct_size = sizeof info};
  if (m->gone || grove_inspect(self, m->ref, &info)) {
    return true;
  }
  // It may have started again unseen while it had no item: then it is the life that the words are of, in which it is still.
  bool another = info.restarts != m->restarts && info.restarts != err->restarts;
  return another || info.phase == GROVE_PHASE_RESTARTING || info.phase >= GROVE_PHASE_ENDING;
}

grove_status grove__member_add(grove *self, grove__pool_actor *p, grove_ref ref, bool spawned)
{
  grove__member *m = grove__alloc(p->allocator, sizeof *m);
  if (!m) {
    return GROVE_ENOMEM;
  }
  // Ready from the first: what it is given before it has started waits for its start, or ends with its words.
  *m = (grove__member){.pool = p,
      .ref = ref,
      .number = ++p->numbers,
      .most = 1,
      .spawned = spawned,
      .ready = true,
      .next = p->members};
  bool up = note_life(self, m);
  p->members = m;
  grove_status s = watch(self, m, grove_monitor(self, ref), on_gone);
  if (s) {
    free_member(m);
    return s;
  }
  p->live++;
  p->spawned += spawned;
  if (up) {
    grove__member_settle(self, m);
  } else {
    grove__member_await(self, m);
  }
  show_members(self, p);
  return GROVE_OK;
}

grove_status grove__member_spawn(grove *self, grove__pool_actor *p)
{
  char label[32];
  grove_spawn_options o = p->plan->member;
  if (!o.label) {
    snprintf(label, sizeof label, "member %llu", (unsigned long long)p->numbers + 1);
    o.label = label;
  }
  grove_ref ref = grove_spawn(self, p->plan->of, p->plan->arg, &o);
  grove_status s = grove_ref_status(ref);
  if (s) { // else each of very many would be tried, and none be a member
    grove_error err = {.status = s};
    (void)!grove_get(self, grove_ready(self, ref), 0, NULL, 0, &err);
    return grove_fail(self, s, "the pool's member %u could not be spawned: %s",
        (unsigned)p->spawned + 1, err.text);
  }
  s = grove__member_add(self, p, ref, true);
  if (s) {
    grove_drop(self, grove_exit(self, ref, 0));
  }
  return s;
}

// ---- what the window asks for ---------------------------------------------------------------------
static grove__member *find_member(grove__pool_actor *p, grove_ref ref)
{
  grove__member *m = p->members;
  while (m && (m->gone || !grove_ref_equal(m->ref, ref))) {
    m = m->next;
  }
  return m;
}

grove_status grove__pool_push_run(grove *self, void *state, const void *arg, void *reply)
{
  grove__pool_actor *p = state;
  const grove_ref *ref = arg;
  grove_info info = {.struct_size = sizeof info};
  (void)reply;
  grove__member *m = find_member(p, *ref);
  if (m && m->retiring) {
    return grove_fail(self, GROVE_EEXIST, "the actor is a member that is about to end");
  }
  if (m && !m->out) {
    return grove_fail(self, GROVE_EEXIST, "the actor is a member already");
  }
  if (!m) {
    GROVE__TRY(grove_inspect(self, *ref, &info));
    if (info.phase >= GROVE_PHASE_STUCK) {
      return GROVE_ENOACTOR; // remembered, but gone
    }
    if (strncmp(info.class_name, p->plan->of->name, sizeof info.class_name - 1)) {
      return grove_fail(self, GROVE_EINVAL,
          "the actor is of class %s, the pool's members are of %s", info.class_name,
          p->plan->of->name);
    }
    GROVE__TRY(grove__member_add(self, p, *ref, false));
  } else {
    m->out = false;
    grove__member_settle(self, m);
  }
  grove__pool_dispatch(self, p);
  return GROVE_OK;
}

grove_status grove__pool_pop_idle_run(grove *self, void *state, const void *arg, void *reply)
{
  grove__pool_actor *p = state;
  (void)arg;
  grove__member *m = p->idle_first;
  while (m && m->running) { // another pool among the members always takes more
    m = m->idle_next;
  }
  if (!m) {
    return grove_fail(self, GROVE_ENOENT, "all of the pool's %u members are busy", p->live);
  }
  m->out = true;
  grove__member_settle(self, m);
  *(grove_ref *)reply = m->ref;
  return GROVE_OK;
}

grove_status grove__pool_has_free_run(grove *self, void *state, const void *arg, void *reply)
{
  const grove__pool_actor *p = state;
  (void)self;
  (void)arg;
  *(int *)reply = p->idle_first || grove__pool_may_grow(p);
  return GROVE_OK;
}

static void retire(grove *self, grove__member *m)
{
  discount(self, m);
  m->retiring = true;
  grove__member_settle(self, m);
}

// 0: has nothing to do; 1: busy; 2: popped, so in the hands of the pool's owner.
static int reluctance(const grove__member *m)
{
  return m->out ? 2 : m->running > 0 || !m->ready;
}

// ---- the tide --------------------------------------------------------------------------------------
// A number of members that is more than the least comes with items that wait, and goes when so many were idle all the time from
// one look to the next, whoever they were: work goes round, so none of them need have been idle for long.

enum { TIDE_KEY = 0 }; // of its timer; members' begin with 1

static void watch_tide(grove *self, grove__pool_actor *p)
{
  p->idle_least = p->idle;
  // Without memory for a timer they stay until one more comes.
  p->tide = p->spawned > p->least && !grove_timer_set(self, TIDE_KEY, p->plan->idle_ms, 0,
                                         &grove__pool_tide_method, &GROVE_NONE);
}

bool grove__pool_may_grow(const grove__pool_actor *p)
{
  return (uint64_t)p->spawned + p->lost < p->most;
}

bool grove__pool_grow(grove *self, grove__pool_actor *p)
{
  if (!grove__pool_may_grow(p) || grove__member_spawn(self, p)) {
    return false;
  }
  if (!p->tide) {
    watch_tide(self, p);
  }
  return true;
}

grove_status grove__pool_tide_run(grove *self, void *state, const void *arg, void *reply)
{
  grove__pool_actor *p = state;
  (void)arg;
  (void)reply;
  for (grove__member *m = p->idle_first, *next; m && p->idle_least > 0 && p->spawned > p->least; m = next) {
    next = m->idle_next;
    if (m->spawned && !m->running) {
      uint32_t left = p->idle_least - 1;
      retire(self, m);
      p->idle_least = left;
    }
  }
  watch_tide(self, p);
  return GROVE_OK;
}

// What is asked for is the least, where there may be more, and else the number.
static void set_number(grove__pool_actor *p, uint32_t want)
{
  bool more = p->plan->members_most > p->plan->members;
  p->least = want;
  p->most = more && p->plan->members_most > want ? p->plan->members_most : want;
  p->lost = 0;
}

grove_status grove__pool_resize_run(grove *self, void *state, const void *arg, void *reply)
{
  grove__pool_actor *p = state;
  uint32_t want = (uint32_t) * (const uint64_t *)arg;
  (void)reply;
  set_number(p, want);
  while (p->spawned < want) {
    GROVE__TRY(grove__member_spawn(self, p));
    grove__pool_dispatch(self, p); // it goes to work, also if the next one can't be spawned
  }
  for (int step = 0; step <= 2; step++) {
    for (grove__member *m = p->members; m && p->spawned > p->most; m = m->next) {
      if (m->spawned && !m->retiring && !m->gone && reluctance(m) == step) {
        retire(self, m);
      }
    }
  }
  if (!p->tide) {
    watch_tide(self, p);
  }
  grove__pool_dispatch(self, p);
  return GROVE_OK;
}

grove_status grove__pool_retry_run(grove *self, void *state, const void *arg, void *reply)
{
  grove__pool_actor *p = state;
  (void)reply;
  for (grove__member *m = p->members; m; m = m->next) {
    if (m->number == *(const uint64_t *)arg && !m->gone && !m->ready) {
      grove__member_await(self, m);
      return GROVE_OK;
    }
  }
  return GROVE_OK;
}
