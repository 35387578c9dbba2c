// The lock of a future's word, and what it says while it is held: future_word.h.
#include "actor/future.h"

#ifndef GROVE__FUTURE_LOOKS // at a locked word, before one sleeps; the explorer's tests have none
#define GROVE__FUTURE_LOOKS 100
#endif

grove_status grove__future_lots_init(grove__system *y)
{
  for (size_t i = 0; i < GROVE__FUTURE_LOTS; i++) {
    grove_status s = grove__mutex_init(&y->lots[i].lock);
    grove_status other = s ? s : grove__cond_init(&y->lots[i].cond);
    if (!s && other) {
      grove__mutex_deinit(&y->lots[i].lock);
    }
    if (other) {
      while (i-- > 0) {
        grove__cond_deinit(&y->lots[i].cond);
        grove__mutex_deinit(&y->lots[i].lock);
      }
      return other;
    }
  }
  return GROVE_OK;
}

void grove__future_lots_deinit(grove__system *y)
{
  for (size_t i = 0; i < GROVE__FUTURE_LOTS; i++) {
    grove__cond_deinit(&y->lots[i].cond);
    grove__mutex_deinit(&y->lots[i].lock);
  }
}

static grove__future_lot *lot_of(const grove__future *f)
{
  return &f->system->lots[f->index % GROVE__FUTURE_LOTS];
}

// Sleeps until a locked word may have been let go. Those who sleep share a few locks and conditions: it is rare.
static void sleep_on(grove__future *f)
{
  grove__future_lot *lot = lot_of(f);
  grove__mutex_lock(&lot->lock);
  // Relaxed, both: the exchange that unlocks reads what is set here, and then takes the lot's lock to wake who set it.
  uint64_t w = atomic_load_explicit(&f->word, memory_order_relaxed);
  if ((w & GROVE__FUTURE_LOCKED) &&
      ((w & GROVE__FUTURE_CONTENDED) ||
          atomic_compare_exchange_strong_explicit(&f->word, &w, w | GROVE__FUTURE_CONTENDED,
              memory_order_relaxed, memory_order_relaxed))) {
    grove__cond_wait(&lot->cond, &lot->lock);
  }
  grove__mutex_unlock(&lot->lock);
}

void grove__future_wake(grove__future *f)
{
  grove__future_lot *lot = lot_of(f);
  grove__mutex_lock(&lot->lock);
  grove__cond_broadcast(&lot->cond);
  grove__mutex_unlock(&lot->lock);
}

// What the word says.
static inline void unpack(grove__future *f, uint64_t w)
{
  f->owner = (uint8_t)grove__future_word_owner(w);
  f->held = (w & GROVE__FUTURE_HELD) != 0;
  f->ended = (w & GROVE__FUTURE_ENDED) != 0;
  f->begun = (w & GROVE__FUTURE_BEGUN) != 0;
}

static inline uint64_t pack(const grove__future *f, uint64_t generation)
{
  return grove__future_word(generation,
      (uint32_t)f->owner << GROVE__FUTURE_OWNER_AT | (f->held ? GROVE__FUTURE_HELD : 0) |
          (f->ended ? GROVE__FUTURE_ENDED : 0) | (f->begun ? GROVE__FUTURE_BEGUN : 0) |
          (f->nodes ? GROVE__FUTURE_WAITED : 0) | (f->more ? GROVE__FUTURE_MORE : 0));
}

bool grove__future_lock_used(grove__future *f, uint64_t generation)
{
  // Relaxed: the exchange decides.
  uint64_t w = atomic_load_explicit(&f->word, memory_order_relaxed);
  for (uint32_t looks = 0;;) {
    if (grove__future_word_is_free(w) || (generation && grove__future_word_generation(w) != generation)) {
      return false;
    }
    if (!(w & GROVE__FUTURE_LOCKED)) {
      // ORDER acquire: what whoever had it before wrote. PAIRS grove__future_set_word, grove__future_open, and the quick changes.
      if (atomic_compare_exchange_weak_explicit(&f->word, &w, w | GROVE__FUTURE_LOCKED,
              memory_order_acquire, memory_order_relaxed)) {
        break;
      }
      continue;
    }
    if (looks++ < GROVE__FUTURE_LOOKS) {
      grove__thread_look_again(looks);
    } else {
      sleep_on(f);
    }
    w = atomic_load_explicit(&f->word, memory_order_relaxed);
  }
  unpack(f, w);
  return true;
}

void grove__future_lock(grove__future *f)
{
  (void)grove__future_lock_used(f, 0);
}

void grove__future_leave(grove__future *f)
{
  grove__future_set_word(f, pack(f, grove__future_generation(f)));
}

void grove__future_leave_free(grove__future *f)
{
  grove__future_set_word(f, grove__future_word_free(grove__future_generation(f) + 1));
}

void grove__future_open(grove__future *f)
{
  // ORDER release: publishes what a new one is. PAIRS grove__future_lock_used and the quick changes.
  atomic_store_explicit(&f->word, pack(f, grove__future_generation(f)), memory_order_release);
}
