// What the two halves of the mailbox share: mailbox.c, for producers and owners, and mailbox_take.c, for the consumer.
#ifndef GROVE_QUEUE_MAILBOX_INSIDE_H
#define GROVE_QUEUE_MAILBOX_INSIDE_H
#include "queue/mailbox.h"

static inline bool grove__mailbox_is_accounted(const grove__mailbox *m)
{
  return !atomic_load_explicit(&m->limit, memory_order_relaxed); // relaxed: see the field
}

/// When letters were sent, for people: in units of 2^20 ns, modulo 2^32, which is 52 days.
static inline uint32_t grove__mailbox_time(int64_t ns)
{
  return (uint32_t)((uint64_t)ns >> 20);
}

static inline grove__letter *grove__word_letters(uint64_t word)
{
  return (grove__letter *)(uintptr_t)(word & GROVE__WORD_LETTERS);
}

/// How many of what the word has counted in were not popped yet.
static inline uint32_t grove__word_waiting(uint64_t word, uint16_t popped)
{
  return ((uint32_t)(word >> GROVE__WORD_COUNT_SHIFT) - popped) & GROVE__WORD_COUNT_MOST;
}

/// The word, and in *waiting how many of what it has counted in had not been popped when it was read: `popped` stood still
/// meanwhile, else they are read again. (It goes round after 2^16 letters: not within two loads.)
static inline uint64_t grove__mailbox_look(const grove__mailbox *m, uint32_t *waiting)
{
  const grove__word *at = grove__mailbox_word(m);
  // ORDER acquire, all of them: in this order. PAIRS grove__mailbox_tell_popped.
  uint16_t popped = atomic_load_explicit(&m->popped, memory_order_acquire), again;
  for (;; popped = again) {
    uint64_t word = atomic_load_explicit(at, memory_order_acquire);
    again = atomic_load_explicit(&m->popped, memory_order_acquire);
    if (again == popped) {
      *waiting = grove__word_waiting(word, popped);
      return word;
    }
  }
}

/// The word with one letter more in its count.
static inline uint64_t grove__word_counted(uint64_t word)
{
  return word + (UINT64_C(1) << GROVE__WORD_COUNT_SHIFT); // modulo 2^16: what is carried is gone
}

/// About how many bytes `taken` letters in the lists have: by those that were there when letters last came.
static inline uint64_t grove__mailbox_share(const grove__mailbox *m, uint32_t taken)
{
  return (uint64_t)atomic_load_explicit(&m->lot_each, memory_order_relaxed) * taken; // relaxed: for people
}

/// What it is to be read by, and (`_lent`) written, by who knows that one was lent.
static inline const grove__mailbox_rest *grove__mailbox_rest_of(const grove__mailbox *m)
{
  // ORDER acquire: an empty one is seen as such. PAIRS grove__mailbox_extend.
  return atomic_load_explicit(&m->rest, memory_order_acquire);
}
static inline grove__mailbox_rest *grove__mailbox_rest_lent(const grove__mailbox *m)
{
  return (grove__mailbox_rest *)(uintptr_t)grove__mailbox_rest_of(m);
}

/// How many plain letters it takes.
static inline uint32_t grove__mailbox_limit(const grove__mailbox *m)
{
  // Relaxed, both: see the fields.
  uint32_t limit = atomic_load_explicit(&m->limit, memory_order_relaxed);
  return limit ? limit : atomic_load_explicit(&grove__mailbox_rest_of(m)->limit, memory_order_relaxed);
}

/// With the lock, accounted. Relaxed stores: the lock orders them; readers without it want a hint only.
static inline void grove__mailbox_account_locked(grove__mailbox *m, int32_t letters, int64_t bytes)
{
  grove__mailbox_rest *r = grove__mailbox_rest_lent(m);
  uint32_t n = atomic_load_explicit(&r->count, memory_order_relaxed);
  uint64_t b = atomic_load_explicit(&r->bytes, memory_order_relaxed);
  atomic_store_explicit(&r->count, n + (uint32_t)letters, memory_order_relaxed);
  atomic_store_explicit(&r->bytes, b + (uint64_t)bytes, memory_order_relaxed);
}

/// Tells those who wait, as many as there is room for: not one for each letter, but when a good part has been taken, or
/// `for_any`. Consumer only, not accounted.
void grove__mailbox_make_room(grove__mailbox *m, bool for_any);
/// The life is begun: from here on it is found.
void grove__mailbox_show(grove__mailbox *m);
/// With the lock: fires as many of those who wait for room, the first ones first.
void grove__mailbox_fire_locked(grove__mailbox *m, uint32_t most);
#endif
