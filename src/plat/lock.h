// A mutex of one word, and a condition of one word, over futexes. Included by thread.h alone.
//
// The mutex (Drepper, "Futexes Are Tricky", 2011, the second one): FREE, HELD, or WANTED: held, and somebody may sleep.
// Who takes it free needs one exchange, who gives it back unwanted another; only those who meet go to the kernel, after
// a short look whether the holder is about to leave.
//
// The condition: a count of signals. A waiter reads it with the mutex held, gives the mutex back, and sleeps if the
// count is still the same; so a signal between the two is not lost. (It wraps after 2^32 signals within that moment.)
#ifndef GROVE_PLAT_LOCK_H
#define GROVE_PLAT_LOCK_H
#include <stdatomic.h>

typedef struct grove__mutex {
  _Atomic uint32_t word; // GROVE__LOCK_*; written by whoever takes, gives back, or wants it
} grove__mutex;
typedef struct grove__cond {
  _Atomic uint32_t signals; // counted up by whoever signals
  _Atomic uint32_t waiters; // written with the mutex held; read by whoever signals
} grove__cond;
enum { GROVE__LOCK_FREE, GROVE__LOCK_HELD, GROVE__LOCK_WANTED };

void grove__mutex_lock_slowly(grove__mutex *m);
void grove__mutex_wake(grove__mutex *m);
void grove__cond_wake(grove__cond *c, int most);

static inline grove_status grove__mutex_init(grove__mutex *m)
{
  atomic_init(&m->word, GROVE__LOCK_FREE);
  return GROVE_OK;
}
static inline void grove__mutex_deinit(grove__mutex *m)
{
  (void)m;
}
static inline void grove__mutex_lock(grove__mutex *m)
{
  uint32_t expected = GROVE__LOCK_FREE;
  // ORDER acquire: what the last holder wrote is seen. PAIRS grove__mutex_unlock.
  if (!atomic_compare_exchange_strong_explicit(
          &m->word, &expected, GROVE__LOCK_HELD, memory_order_acquire, memory_order_relaxed)) {
    grove__mutex_lock_slowly(m);
  }
}
static inline void grove__mutex_unlock(grove__mutex *m)
{
  // ORDER release: publishes what was written under it. PAIRS grove__mutex_lock and grove__mutex_lock_slowly.
  // WHY NOT a store: whether somebody sleeps must be known in the same moment.
  if (atomic_exchange_explicit(&m->word, GROVE__LOCK_FREE, memory_order_release) ==
      GROVE__LOCK_WANTED) {
    grove__mutex_wake(m);
  }
}

static inline grove_status grove__cond_init(grove__cond *c)
{
  atomic_init(&c->signals, 0);
  atomic_init(&c->waiters, 0);
  return GROVE_OK;
}
static inline void grove__cond_deinit(grove__cond *c)
{
  (void)c;
}
static inline void grove__cond_signal(grove__cond *c)
{
  grove__cond_wake(c, 1);
}
static inline void grove__cond_broadcast(grove__cond *c)
{
  grove__cond_wake(c, INT32_MAX);
}
#endif
