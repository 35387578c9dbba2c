// grove_get, grove_get_all, grove_wait: waiting for futures and spending them.
#include "actor/future_quick.h"
#include "actor/wish.h"
#include <stdio.h>

enum { NODES_ON_STACK = 16 };

/// The futures that one wait watches.
typedef struct watch_list {
  grove__system *system;
  grove__wait_node *node;
  const grove_future *f;
  size_t n;
  size_t open, ended; // when the wait began; neither counts what it skips
  grove__wait_node few[NODES_ON_STACK];
} watch_list;

// Registers the waiter with a future. Returns: GROVE_ESPENT: it has ended, or is spent; GROVE_EINVAL: another's
static grove_status watch_one(grove__system *y, const grove__activation *here, grove_future h,
    grove__waiter *w, grove__wait_node *node)
{
  grove_status s;
  uint64_t word;
  grove__future *f = grove__future_slot(y, h);
  if (f && grove__future_has_ended(f, h, here, &word)) {
    return GROVE_ESPENT;
  }
  if (f && grove__future_wait_quickly(f, h, here, SIZE_MAX, node, w)) {
    return GROVE_OK;
  }
  f = grove__future_lock_handle(y, h.slot, h.generation, &s);
  if (!f) {
    return s == GROVE_EINVAL ? s : GROVE_ESPENT;
  }
  bool owned = f->owner != GROVE__OWNER_NONE, open = !f->ended && owned;
  s = owned && !grove__future_is_owner(f, here) ? GROVE_EINVAL : open ? GROVE_OK : GROVE_ESPENT;
  if (!s) {
    grove__wait_list(f, node, w);
  }
  grove__future_leave(f);
  return s;
}

// Registers the waiter with each future that has not ended; the others count down at once.
static grove_status watch_all(grove__system *y, grove__activation *here, const grove_future *f,
    size_t n, grove__waiter *w, watch_list *l)
{
  l->system = y;
  l->f = f;
  l->n = n;
  l->open = l->ended = 0;
  l->node = l->few;
  if (n > NODES_ON_STACK) {
    l->node =
        grove__alloc_array(grove__memory_of(y->memory, GROVE__MEMORY_FUTURES), n, sizeof *l->node);
    if (!l->node) {
      l->n = 0;
      return GROVE_ENOMEM;
    }
  }
  memset(l->node, 0, n * sizeof *l->node);
  for (size_t i = 0; i < n; i++) {
    grove_status status = watch_one(y, here, f[i], w, &l->node[i]);
    if (status == GROVE_EINVAL) {
      return GROVE_EINVAL;
    }
    bool open = !status, counts = !(f[i].generation & w->skip);
    l->open += open && counts;
    l->ended += !open && counts;
    // ORDER acq_rel: as grove__future_end_locked's.
    if (!open && counts && atomic_fetch_sub_explicit(&w->left, 1, memory_order_acq_rel) == 1) {
      grove__waiter_fire(w, GROVE__WOKEN_ENDED);
    }
  }
  return GROVE_OK;
}

// After this no future knows the waiter. `all`: all have ended and told it that it was registered with, so none does.
static void unwatch_all(watch_list *l, bool all)
{
  for (size_t i = 0; i < l->n && !all; i++) {
    grove__wait_node *node = &l->node[i];
    grove_status s;
    // It was not open, or it has ended since and is spent: then it is nobody's, or another's by now.
    grove__future *x =
        node->waiter ? grove__future_lock_handle(l->system, l->f[i].slot, l->f[i].generation, &s) : NULL;
    if (x) {
      grove__wait_unlist(x, node);
      grove__future_leave(x);
    }
  }
  if (l->node != l->few) {
    grove__free(grove__memory_of(l->system->memory, GROVE__MEMORY_FUTURES), l->node,
        l->n * sizeof *l->node);
  }
}

grove_status grove__wish_wait(
    grove__system *y, grove__activation *here, const grove__wish *q, grove_error *err)
{
  grove__waiter w;
  watch_list l;
  uint32_t reason = GROVE__WOKEN_ENDED;
  char circle[GROVE__CIRCLE] = "";
  bool waited = false;
  if (q->k == 0) {
    return GROVE_OK;
  }
  GROVE__TRY(grove__waiter_init(&w, here, (uint32_t)q->k));
  w.skip = q->skip;
  w.shown = q->f;
  w.shown_count = q->n;
  grove_status s = watch_all(y, here, q->f, q->n, &w, &l);
  // ORDER acquire: what ended futures hold. PAIRS the countdown.
  bool done = (int32_t)atomic_load_explicit(&w.left, memory_order_acquire) <= 0;
  if (!s && !done) {
    if (q->ms == 0) {
      reason = GROVE__WOKEN_TIME;
    } else {
      waited = true;
      s = grove__wait_wish(y, here, q, q->k == l.ended + l.open, &w, &reason, circle, err);
    }
  } else if (s) {
    grove__error(err, s, -1, "%s",
        s == GROVE_ENOMEM ? "no memory to wait with" : "a future of another actor, or of none");
  }
  // Who has waited is woken by the last of them, who has let go of the waiter then; who has not may be faster than it.
  unwatch_all(&l, waited && !s && reason == GROVE__WOKEN_ENDED && q->k == l.ended + l.open);
  grove__waiter_deinit(&w);
  return s ? s : grove__say_why(y, q, here, reason, circle, err);
}

// Gives the reply or the failure of an ended future, and spends it. Unlocks.
static grove_status take(
    grove__future *f, void *reply, size_t bytes, grove__activation *here, grove_error *err)
{
  grove_status s = f->status;
  if (s == GROVE_OK && reply && bytes) {
    memcpy(reply, f->reply, bytes);
    f->full = false;
  }
  if (s) {
    grove_error plain = {.status = s, .at = -1, .who = f->to};
    if (!f->error) {
      snprintf(plain.text, sizeof plain.text, "%s", grove_status_text(s));
    }
    const grove_error *words = f->error ? f->error : &plain;
    if (err) {
      *err = *words;
      err->status = s;
    }
    if (here) {
      grove__activation_words(here, words);
    }
    if (reply && bytes) {
      memset(reply, 0, bytes);
    }
  }
  grove__future_spend_locked(f);
  grove__future_unlock(f);
  return s;
}

static grove_status check_reply(grove__future *f, const void *reply, size_t bytes, grove_error *err)
{
  if ((reply == NULL) != (bytes == 0)) {
    return grove__error(
        err, GROVE_EINVAL, -1, "a reply without its size, or a size without a reply");
  }
  // A call that was never made failed with no reply type of its own: any size will do to be told so.
  if (reply && grove__future_type(f)->bytes != bytes && !(f->ended && f->status != GROVE_OK)) {
    return grove__error(err, GROVE_EINVAL, -1, "the reply of %s is a %s of %u bytes, not of %zu",
        f->method ? f->method->name : "this future", grove__future_type(f)->name,
        (unsigned)grove__future_type(f)->bytes,
        bytes);
  }
  return GROVE_OK;
}

static grove_status no_future(
    grove__system *y, grove_future h, grove_status s, void *reply, size_t bytes, grove_error *err)
{
  char why[400];
  if (reply && bytes && s != GROVE_EINVAL) {
    memset(reply, 0, bytes);
  }
  snprintf(why, sizeof why, "%s",
      s == GROVE_EINVAL ? "a future of another actor or runtime, or of none" : grove_status_text(s));
  if (y && h.slot == UINT32_MAX && s == grove__why_status(h.generation)) {
    grove__why_words(y, h.generation & ~GROVE__GIVEN, why, sizeof why);
  }
  return grove__error(err, s, -1, "%s", why);
}

bool grove__outside_stay(grove__system *y, const grove__activation *here, int64_t ms)
{
  bool stays = !here && ms != 0 && !y->options.simulate;
  if (stays) {
    grove__outside_enter(y);
  }
  return stays;
}

void grove__outside_go(grove__system *y, bool stayed)
{
  if (stayed) {
    grove__outside_leave(y);
  }
}

// grove_stop tells a thread that waits, and gives it some time, but does not wait for it for ever: what it waited for may
// be dropped before it is back to look.
static grove_status say_closed(grove__system *y, bool stayed, grove_status s, grove_error *err)
{
  if (s != GROVE_ESPENT || !stayed || !grove__stopping(y)) {
    return s;
  }
  return grove__error(
      err, GROVE_ECLOSED, err ? err->at : -1, "%s", grove_status_text(GROVE_ECLOSED));
}

// What is answered at once is cheaper looked for than told: an outside thread looks for its answer before it makes itself known.
static bool looks_first(const grove__system *y, const grove__activation *here)
{
  return !here && !y->sched.work_loop; // whose host's loop may be here, and what it is to do
}
static void look_for_it(grove__system *y, grove_future h)
{
  const grove__future *f = grove__future_slot(y, h);
  for (grove__spin l = {0}; f && grove__spin_again(y, &l);) {
    // Relaxed: a look.
    uint64_t w = atomic_load_explicit(&f->word, memory_order_relaxed);
    if ((w & GROVE__FUTURE_ENDED) || !grove__future_word_is_of_use(w, h)) {
      return;
    }
  }
}

// Waits for the one future, `h`, of those wished for with which the waiter is registered. With GROVE_OK it has ended, and may have been
// spent.
static grove_status wait_registered(grove__system *y, grove__activation *here, const grove__wish *q, grove_future h,
    grove__waiter *w, grove__wait_node *node, grove_error *err)
{
  uint32_t reason = GROVE__WOKEN_TIME;
  char circle[GROVE__CIRCLE];
  circle[0] = '\0';
  w->shown = q->f;
  w->shown_count = q->n;
  w->wanted = (uint32_t)q->n;
  w->looked = looks_first(y, here);
  grove_status s = grove__wait_wish(y, here, q, true, w, &reason, circle, err);
  if (s || reason != GROVE__WOKEN_ENDED) { // else it has taken the node off
    grove_status status;
    grove__future *f = grove__future_lock_handle(y, h.slot, h.generation, &status);
    if (f) {
      grove__wait_unlist(f, node);
      grove__future_leave(f);
    }
  }
  return s ? s : grove__say_why(y, q, here, reason, circle, err);
}

// The same for one that has not ended, and is locked; no longer so when it is back.
static grove_status wait_for_one(
    grove__future *f, grove__activation *here, const grove__wish *q, grove_error *err)
{
  grove__system *y = f->system;
  grove__waiter w;
  grove__wait_node node;
  char none[1] = "";
  grove_status s = q->ms ? grove__waiter_init(&w, here, 1) : GROVE_OK;
  if (s || q->ms == 0) {
    grove__future_leave(f);
    return s ? s : grove__say_why(y, q, here, GROVE__WOKEN_TIME, none, err);
  }
  grove__wait_list(f, &node, &w);
  grove__future_leave(f);
  s = wait_registered(y, here, q, *q->f, &w, &node, err);
  grove__waiter_deinit(&w);
  return s;
}

// What has ended well, and is plain, is taken without more ado. False: it has not, or something is wrong with it.
static bool take_quickly(
    grove__system *y, grove__activation *here, grove_future h, void *reply, size_t bytes)
{
  grove__future *f = reply ? grove__future_slot(y, h) : NULL;
  if (!f || !grove__future_claim_quickly(f, h, here, bytes)) {
    return false;
  }
  memcpy(reply, f->inline_reply, bytes);
  grove__future_spent_quickly(f, here);
  return true;
}

// A wait for a plain call that has not ended. False: it is none, or something is wrong with it; nothing has happened.
static bool wait_quickly(grove__system *y, grove__activation *here, const grove__wish *q, size_t bytes,
    grove_error *err, grove_status *s)
{
  grove__waiter w;
  grove__wait_node node;
  grove_future h = *q->f;
  grove__future *f = grove__future_slot(y, h);
  if (!f || grove__waiter_init(&w, here, 1)) {
    return false;
  }
  bool waits = grove__future_wait_quickly(f, h, here, bytes, &node, &w);
  if (waits) {
    *s = wait_registered(y, here, q, h, &w, &node, err);
  }
  grove__waiter_deinit(&w);
  return waits;
}

// The same for any, after the quick ways have declined. GROVE_OK: it was taken, or (*again) has ended
static grove_status get_slowly(grove__system *y, grove__activation *here, const grove__wish *q, void *reply,
    size_t bytes, grove_error *err, bool *again)
{
  grove_status s;
  *again = false;
  grove__future *f = grove__future_lock_mine(y, *q->f, here, &s);
  if (!f && s == GROVE_ESPENT && !here && grove__stopping(y)) {
    s = GROVE_ECLOSED; // grove_stop has dropped what this thread was told of and did not come to take
  }
  if (!f) {
    return no_future(y, *q->f, s, reply, bytes, err);
  }
  s = check_reply(f, reply, bytes, err);
  if (s) {
    grove__future_leave(f);
    return s;
  }
  if (f->ended) {
    return take(f, reply, bytes, here, err);
  }
  s = wait_for_one(f, here, q, err);
  *again = true;
  return s;
}

static grove_status get(grove__system *y, grove__activation *here, grove_future h, int64_t ms,
    void *reply, size_t bytes, grove_error *err)
{
  grove__wish q = {&h, 1, 1, 0, ms};
  grove_error own;
  for (;;) { // it may have been spent by another activation of the same actor, or by grove_stop: looked up again, it says so
    grove_status s;
    bool again = true;
    if (take_quickly(y, here, h, reply, bytes)) {
      return GROVE_OK;
    }
    if (ms == 0 || !reply || !wait_quickly(y, here, &q, bytes, err ? err : &own, &s)) {
      s = get_slowly(y, here, &q, reply, bytes, err ? err : &own, &again);
    }
    if (!again) {
      return s;
    }
    if (s) {
      if (here) {
        grove__activation_words(here, err ? err : &own);
      }
      if (reply && bytes) {
        memset(reply, 0, bytes);
      }
      return s;
    }
  }
}

grove_status grove_get(
    grove *g, grove_future h, int64_t ms, void *reply, size_t bytes, grove_error *err)
{
  grove__system *y;
  grove__activation *here;
  grove_status s = grove__enter(g, &y, &here);
  if (s) {
    return no_future(NULL, h, s, reply, bytes, err);
  }
  if (take_quickly(y, here, h, reply, bytes)) {
    return GROVE_OK;
  }
  bool stayed = grove__outside_stay(y, here, ms);
  if (stayed && looks_first(y, here)) {
    look_for_it(y, h);
  }
  s = say_closed(y, stayed, get(y, here, h, ms, reply, bytes, err), err);
  grove__outside_go(y, stayed);
  return s;
}

grove_status grove_wait(grove *g, const grove_future *f, size_t n, size_t k, int64_t ms)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  if ((!f && n) || k > n) {
    return GROVE_EINVAL;
  }
  grove__wish q = {f, n, k, 0, ms};
  grove_error err;
  bool stayed = grove__outside_stay(y, here, ms);
  grove_status s = grove__wish_wait(y, here, &q, &err);
  grove__outside_go(y, stayed);
  if (s && here) {
    grove__activation_words(here, &err);
  }
  return s;
}

// The first from `i` on that has not ended, as far as is seen without a lock; n: all have.
static size_t first_open(grove__system *y, const grove__activation *here, const grove__wish *q, size_t i)
{
  for (uint64_t word; i < q->n; i++) {
    const grove__future *f = grove__future_slot(y, q->f[i]);
    if (!f || !grove__future_has_ended(f, q->f[i], here, &word)) {
      break;
    }
  }
  return i;
}

// Whether all are the caller's, and none is spent, as far as is seen without a lock.
static bool all_mine(grove__system *y, const grove__activation *here, const grove__wish *q)
{
  bool all = true;
  for (size_t i = 0; i < q->n && all; i++) {
    uint64_t word;
    const grove__future *f = grove__future_slot(y, q->f[i]);
    all = f && grove__future_is_mine(f, q->f[i], here, &word);
  }
  return all;
}

// The task whose answer it is, one of the caller's; NULL: it is no task's. (An offloaded function has no cell.)
static const grove__cell *task_of(grove__system *y, grove_future h)
{
  const grove__future *f = grove__future_slot(y, h);
  bool task = f->method && !f->method->owner && f->to.where;
  return task ? grove__slab_at(&y->cells, (uint32_t)f->to.where) : NULL;
}

// Which of the tasks that are open is likely to end last, if the caller's worker runs them: it begins with the one in its slot, and takes the
// others from the last that was made to the first (run_queue.h). n: none, or what is open is no task.
static size_t last_task(grove__system *y, const grove__activation *here, const grove__wish *q, size_t i)
{
  const grove__cell *c;
  for (int looks = 0; looks < 2 && i < q->n && (c = task_of(y, q->f[i])); looks++) {
    if (!grove__sched_has_next(here->worker, &c->task)) {
      return i;
    }
    i = first_open(y, here, q, i + 1);
  }
  return q->n;
}

// Who waits for all of some tasks registers with the one that is likely to end last, and finds most often that the others have ended by
// then, who need not tell him. In the graph of waits he waits for all. *all: they have ended. GROVE_OK and not so: he may have
// waited, and some are open still.
static grove_status wait_for_tasks(grove__system *y, grove__activation *here, const grove__wish *q, bool *all, grove_error *err)
{
  grove__waiter w;
  grove__wait_node node;
  size_t i = first_open(y, here, q, 0);
  *all = i == q->n;
  if (*all || !here || !here->cell || q->ms >= 0) {
    return GROVE_OK;
  }
  i = all_mine(y, here, q) ? last_task(y, here, q, i) : q->n; // else that is said at once
  if (i == q->n || grove__waiter_init(&w, here, 1)) {
    return GROVE_OK;
  }
  grove_status s = GROVE_OK;
  if (grove__future_wait_quickly(grove__future_slot(y, q->f[i]), q->f[i], here, SIZE_MAX, &node, &w)) {
    s = wait_registered(y, here, q, q->f[i], &w, &node, err);
    *all = !s && first_open(y, here, q, 0) == q->n;
  }
  grove__waiter_deinit(&w);
  return s;
}

static grove_status get_all(grove__system *y, grove__activation *here, const grove_future *f,
    size_t n, int64_t ms, void *replies, size_t bytes, grove_error *err)
{
  grove__wish q = {f, n, n, 0, ms};
  grove_error own;
  bool all;
  grove_status s = wait_for_tasks(y, here, &q, &all, err ? err : &own);
  s = s || all ? s : grove__wish_wait(y, here, &q, err ? err : &own);
  if (s) {
    (err ? err : &own)->at = -1; // an index is of one that has failed
    if (here) {
      grove__activation_words(here, err ? err : &own);
    }
    return s;
  }
  grove_status first = GROVE_OK;
  grove_error words = {.status = GROVE_OK};
  for (size_t i = 0; i < n; i++) {
    grove_error one;
    void *reply = replies ? (char *)replies + i * bytes : NULL;
    s = take_quickly(y, here, f[i], reply, bytes) ? GROVE_OK : get(y, here, f[i], 0, reply, bytes, &one);
    if (s && !first) {
      first = s;
      words = one;
      words.at = (int64_t)i;
    }
  }
  if (first) {
    if (err) {
      *err = words;
    }
    if (here) {
      grove__activation_words(here, &words);
    }
  }
  return first;
}

grove_status grove_get_all(grove *g, const grove_future *f, size_t n, int64_t ms, void *replies,
    size_t bytes, grove_error *err)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  if ((!f && n) || (replies == NULL) != (bytes == 0)) {
    return grove__error(err, GROVE_EINVAL, -1, "no futures, or a reply without its size");
  }
  bool stayed = grove__outside_stay(y, here, ms);
  grove_status s = say_closed(y, stayed, get_all(y, here, f, n, ms, replies, bytes, err), err);
  grove__outside_go(y, stayed);
  return s;
}
