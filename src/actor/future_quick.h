// What happens to a plain call as it goes most of the time, each by one change of its word: it begins, ends with a reply, and
// is taken. Where there is more to be done, or somebody is at it, they change nothing, and the ways with the lock follow.
// The argument is in future_word.h.
#ifndef GROVE_ACTOR_FUTURE_QUICK_H
#define GROVE_ACTOR_FUTURE_QUICK_H
#include "actor/future_own.h"

/// Locks it as it was seen, without a look at what the word says. False: it is no longer so.
static inline bool grove__future_lock_quickly(grove__future *f, uint64_t w)
{
  // ORDER acquire: as grove__future_lock_used.
  return atomic_compare_exchange_strong_explicit(
      &f->word, &w, w | GROVE__FUTURE_LOCKED, memory_order_acquire, memory_order_relaxed);
}

/// Makes a call from the slots that the caller has at hand, with a short reply, and opens it. NULL: there is none.
static inline grove__future *grove__future_make_quickly(grove__system *y, grove__activation *here,
    grove__stash *stash, grove_ref to, const grove_method *m)
{
  uint32_t index;
  grove__future *f = grove__slab_take_quickly(&y->futures, &stash->slots[GROVE__SLOTS_FUTURES], &index);
  if (!f) {
    return NULL;
  }
  grove__future_use(f, here, m->reply, to, m);
  uint32_t owner = here ? GROVE__OWNER_ACTIVATION : GROVE__OWNER_OUTSIDE;
  // ORDER release: as grove__future_open. Relaxed: the slot is the caller's.
  uint64_t free = atomic_load_explicit(&f->word, memory_order_relaxed);
  atomic_store_explicit(&f->word,
      grove__future_word(grove__future_word_generation(free), owner << GROVE__FUTURE_OWNER_AT | GROVE__FUTURE_HELD),
      memory_order_release);
  return f;
}

/// The activation runs the call, which it holds. False: nothing has changed.
static inline bool grove__future_begin_quickly(grove__future *f, grove__activation *a)
{
  // Relaxed: the exchange decides.
  uint64_t w = atomic_load_explicit(&f->word, memory_order_relaxed);
  if (w & (GROVE__FUTURE_LOCKED | GROVE__FUTURE_ENDED | GROVE__FUTURE_BEGUN | GROVE__FUTURE_MORE)) {
    return false;
  }
  // Before: who has the lock looks for it. One that has ended meanwhile is not asked for it.
  grove__future_set_running(f, a);
  // ORDER acq_rel: who locks it next sees who runs it; what who had the lock before wrote is seen. PAIRS grove__future_lock_used.
  return atomic_compare_exchange_strong_explicit(
      &f->word, &w, w | GROVE__FUTURE_BEGUN, memory_order_acq_rel, memory_order_relaxed);
}

/// Its holder (of the runtime `y`, so that no second line is looked at) ends it with a reply that holds no shared data, and lets go. False: it has not ended by this.
static inline bool grove__future_finish_quickly(
    grove__system *y, grove__future *f, const void *reply, uint32_t bytes)
{
  uint64_t w = atomic_load_explicit(&f->word, memory_order_relaxed); // relaxed: the exchange decides
  if ((w & (GROVE__FUTURE_LOCKED | GROVE__FUTURE_ENDED | GROVE__FUTURE_MORE)) ||
      ((w & GROVE__FUTURE_WAITED) && !grove__future_lock_quickly(f, w))) {
    return false;
  }
  if (bytes == 8) { // most: a number
    memcpy(f->inline_reply, reply, 8);
  } else {
    memcpy(f->inline_reply, reply, bytes); // without MORE it is there
  }
  grove__future_count_end(y, f);
  uint64_t ended = (w | GROVE__FUTURE_ENDED) & ~(uint64_t)(GROVE__FUTURE_HELD | GROVE__FUTURE_WAITED);
  if (w & GROVE__FUTURE_WAITED) { // with the lock, nobody else ends it
    grove__future_fire_locked(f);
    grove__future_set_word(f, ended);
    return true;
  }
  // ORDER acq_rel: publishes the reply. PAIRS grove__future_take_quickly and grove__future_lock_used; acquire: the next use of
  // the slot comes after what who had the lock before did.
  return atomic_compare_exchange_strong_explicit(
      &f->word, &w, ended, memory_order_acq_rel, memory_order_relaxed);
}

static inline bool grove__future_word_is_of(
    const grove__future *f, uint64_t word, const grove__activation *here)
{
  uint32_t owner = grove__future_word_owner(word);
  return here ? owner > GROVE__OWNER_NONE && owner < GROVE__OWNER_OUTSIDE && grove__future_is_of(f, here->cell)
              : owner == GROVE__OWNER_OUTSIDE;
}

/// Whether a handle is that of one which the caller owns (`here` NULL: outside), as far as can be seen without the lock: then it stays his,
/// in his turn. *word: as it was.
static inline bool grove__future_is_mine(
    const grove__future *f, grove_future h, const grove__activation *here, uint64_t *word)
{
  // ORDER acquire: the owner of this generation. PAIRS grove__future_open.
  uint64_t w = *word = atomic_load_explicit(&f->word, memory_order_acquire);
  return grove__future_word_is_of_use(w, h) && grove__future_word_is_of(f, w, here);
}

/// The same of one that has ended. *word: for who takes it.
static inline bool grove__future_has_ended(
    const grove__future *f, grove_future h, const grove__activation *here, uint64_t *word)
{
  bool mine = grove__future_is_mine(f, h, here, word);
  return mine && (*word & (GROVE__FUTURE_LOCKED | GROVE__FUTURE_ENDED)) == GROVE__FUTURE_ENDED;
}

/// Registers one who waits with a call that has not ended, which the caller owns and nobody else waits for, with a reply of
/// so many bytes (SIZE_MAX: any). False: nothing has changed.
static inline bool grove__future_wait_quickly(grove__future *f, grove_future h,
    const grove__activation *here, size_t bytes, grove__wait_node *node, grove__waiter *waiter)
{
  enum { SLOW = GROVE__FUTURE_LOCKED | GROVE__FUTURE_ENDED | GROVE__FUTURE_WAITED | GROVE__FUTURE_MORE };
  // ORDER acquire: the owner of this generation. PAIRS grove__future_open.
  uint64_t w = atomic_load_explicit(&f->word, memory_order_acquire);
  if ((w & SLOW) || !grove__future_word_is_of_use(w, h) || !grove__future_word_is_of(f, w, here) ||
      (bytes != SIZE_MAX && grove__future_type(f)->bytes != bytes) || !grove__future_lock_quickly(f, w)) {
    return false;
  }
  *node = (grove__wait_node){.waiter = waiter, .listed = true};
  f->nodes = node;
  grove__future_set_word(f, w | GROVE__FUTURE_WAITED);
  return true;
}

/// Makes one the caller's alone that has ended well, with a plain reply of so many bytes: its slot is FREE, but not yet the
/// slab's. False: nothing has changed.
static inline bool grove__future_claim_quickly(
    grove__future *f, grove_future h, const grove__activation *here, size_t bytes)
{
  uint64_t w;
  if (!grove__future_has_ended(f, h, here, &w) || (w & (GROVE__FUTURE_HELD | GROVE__FUTURE_MORE)) ||
      grove__future_type(f)->bytes != bytes) {
    return false;
  }
  // ORDER acq_rel: the reply is seen; what was read of it above was read before. PAIRS grove__future_finish_quickly.
  return atomic_compare_exchange_strong_explicit(&f->word, &w,
      grove__future_word_free(grove__future_word_generation(w) + 1), memory_order_acq_rel, memory_order_relaxed);
}
#endif
