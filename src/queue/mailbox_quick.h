// What most letters need of a mailbox, in line: pushing to one that is not accounted, taking a lone letter out of the word,
// popping from the normal lane. Each tells where it may not, and then nothing has happened: mailbox.h has the whole.
#ifndef GROVE_QUEUE_MAILBOX_QUICK_H
#define GROVE_QUEUE_MAILBOX_QUICK_H
#include "queue/mailbox_inside.h"

/// One letter is in the lists, which were empty. Consumer only.
static inline void grove__mailbox_take_alone(grove__mailbox *m, grove__letter *l, bool normal)
{
  if (GROVE__LIKELY(normal)) {
    m->first = m->last = l;
  } else {
    m->high_last = l->next = l; // a ring
  }
  // Relaxed, all of them: its own; others want hints.
  atomic_store_explicit(&m->taken_at, grove__mailbox_time(l->at), memory_order_relaxed);
  atomic_store_explicit(&m->lot_each, l->bytes, memory_order_relaxed);
  atomic_store_explicit(&m->taken, 1, memory_order_relaxed); // `lot` is of more than one
}

/// What was taken out of the word with the beginning of a turn is received here, if it is one letter for an empty mailbox.
/// Consumer only.
static inline bool grove__mailbox_receive_quickly(grove__mailbox *m, uint64_t word)
{
  grove__letter *l = grove__word_letters(word);
  // Relaxed: its own.
  if (!l || l->next || (word & GROVE__WORD_WANTED) || atomic_load_explicit(&m->taken, memory_order_relaxed)) {
    return false;
  }
  grove__mailbox_take_alone(m, l, l->lane == GROVE__LANE_NORMAL);
  return true;
}

/// What was popped and not told yet is, and so many more. Consumer only, or where there is none.
static inline void grove__mailbox_tell_popped_and(grove__mailbox *m, uint32_t more)
{
  uint32_t quiet = atomic_load_explicit(&m->quiet, memory_order_relaxed) + more; // relaxed: its own
  if (quiet == 0) { // the line is the senders'
    return;
  }
  uint16_t before = atomic_load_explicit(&m->popped, memory_order_relaxed); // relaxed: its own
  // ORDER release: who sees it sees no word older than that with these letters. PAIRS the senders' looks; fact 5.
  atomic_store_explicit(&m->popped, (uint16_t)(before + quiet), memory_order_release);
  atomic_store_explicit(&m->quiet, 0, memory_order_relaxed);
}
static inline void grove__mailbox_tell_popped(grove__mailbox *m)
{
  grove__mailbox_tell_popped_and(m, 0);
}

/// Whether open wants a rest to be there.
static inline bool grove__mailbox_wants_rest(uint32_t limit, uint64_t bytes_limit)
{
#if defined(GROVE_LOCKED_QUEUES)
  (void)limit, (void)bytes_limit;
  return true;
#else
  return bytes_limit || limit > GROVE__WORD_COUNT_MOST;
#endif
}
/// grove__mailbox_open, but for the rest: `limit` is 0 of one that is accounted. Alone where there is no rest and none is wanted.
static inline void grove__mailbox_open_by(grove__mailbox *m, uint64_t life, uint32_t limit)
{
  m->high_streak = 0;
  // Relaxed, all of them: published with the life, by begin.
  atomic_store_explicit(&m->limit, (uint16_t)limit, memory_order_relaxed);
  atomic_store_explicit(&m->waits, false, memory_order_relaxed);
  atomic_store_explicit(&m->high, false, memory_order_relaxed);
  grove__mailbox_tell_popped(m); // nobody else is its consumer now; what the life before did not come to tell
  atomic_store_explicit(&m->life, life | GROVE__MAILBOX_OVER, memory_order_relaxed);
}

/// The word with this letter on top, and a task that is queued if it was idle; and counted in.
static inline uint64_t grove__word_with_letter(uint64_t word, const grove__letter *letter)
{
  uint64_t next = (word & ~GROVE__WORD_LETTERS) | (uint64_t)(uintptr_t)letter;
  return next + (grove__word_state(word) == GROVE__WORD_IDLE); // QUEUED
}
static inline uint64_t grove__word_with_counted(uint64_t word, const grove__letter *letter)
{
  return grove__word_with_letter(grove__word_counted(word), letter);
}
_Static_assert(GROVE__WORD_QUEUED == GROVE__WORD_IDLE + 1, "grove__word_with_letter");

/// Pushes it if fewer than `limit` wait, or `loose`. One that is loose is said to be so before it is there: the consumer's
/// count is never too small. *queued: the task was idle, and is the caller's to put in a queue.
static inline grove_status grove__mailbox_push_letter(
    grove__mailbox *m, grove__letter *letter, uint32_t limit, bool loose, bool *queued)
{
  grove__word *at = grove__mailbox_word(m);
  bool high = letter->lane == GROVE__LANE_HIGH;
  uint32_t waits;
  uint64_t word;
  letter->counted = !loose;
  do {
    word = grove__mailbox_look(m, &waits); // fact 5: anew, whenever somebody was faster
    if (GROVE__UNLIKELY(word & GROVE__WORD_CLOSED)) {
      return GROVE_ENOACTOR;
    }
    if (GROVE__UNLIKELY(waits >= limit && !loose)) {
      return GROVE_EAGAIN;
    }
    letter->next = grove__word_letters(word);
    if (!letter->next) {
      // What others are told of the first letter, by whom it is not yet pushed: then it may be gone. Relaxed, both: hints.
      atomic_store_explicit(&m->since, grove__mailbox_time(letter->at), memory_order_relaxed);
      atomic_store_explicit(&m->new_bytes, letter->bytes, memory_order_relaxed);
    }
    // ORDER release: publishes the letter. PAIRS take_all_owned, grove__word_begin. Acquire: a task that was idle is this
    // thread's now, with what its last turn wrote; PAIRS grove__word_leave.
  } while (!atomic_compare_exchange_weak_explicit(at, &word,
      loose ? grove__word_with_letter(word, letter) : grove__word_with_counted(word, letter), memory_order_acq_rel,
      memory_order_relaxed));
  if (high) { // relaxed: a hint
    atomic_store_explicit(&m->high, true, memory_order_relaxed);
  }
  *queued = grove__word_state(word) == GROVE__WORD_IDLE;
  return GROVE_OK;
}

/// Pushes a normal letter for a life that the caller has seen, with a mailbox that was not accounted then (fact 2 sees to what
/// has come since). Anything but GROVE_OK: not here, and grove__mailbox_push says why.
static inline grove_status grove__mailbox_push_quickly(
    grove__mailbox *m, uint64_t life, grove__letter *letter, bool *queued)
{
  letter->life = life;
  // Relaxed: see the field. If it is accounted now, none fits here.
  uint32_t limit = atomic_load_explicit(&m->limit, memory_order_relaxed);
  return grove__mailbox_push_letter(m, letter, limit, false, queued);
}

/// The same of a letter that says its life and is counted. False: there is no room, or it is closed, or `calm` or more wait and the sender is
/// to be told so, one in GROVE__MAILBOX_TELLS times; nothing has happened.
enum { GROVE__MAILBOX_TELLS = 64 };
static inline bool grove__mailbox_push_usual(grove__mailbox *m, grove__letter *letter, uint32_t calm, bool *queued)
{
  grove__word *at = grove__mailbox_word(m);
  uint32_t limit = atomic_load_explicit(&m->limit, memory_order_relaxed), waits; // relaxed: see the field; 0: accounted
  uint64_t word;
  do {
    word = grove__mailbox_look(m, &waits); // as in push_letter
    if (GROVE__UNLIKELY((word & GROVE__WORD_CLOSED) || waits >= limit || (waits >= calm && waits % GROVE__MAILBOX_TELLS == 0))) {
      return false;
    }
    letter->next = grove__word_letters(word);
    if (!letter->next) { // relaxed, both: hints, as there
      atomic_store_explicit(&m->since, grove__mailbox_time(letter->at), memory_order_relaxed);
      atomic_store_explicit(&m->new_bytes, letter->bytes, memory_order_relaxed);
    }
    // ORDER acq_rel: as there.
  } while (!atomic_compare_exchange_weak_explicit(
      at, &word, grove__word_with_counted(word, letter), memory_order_acq_rel, memory_order_relaxed));
  *queued = grove__word_state(word) == GROVE__WORD_IDLE;
  return true;
}

/// The same of a letter that says its life and is counted, where nothing else is there: its turn begins with the same exchange (fact 6), and the caller,
/// who is the consumer now, takes the letter into the lists and puts the task in a queue. False: not so, and nothing has happened.
static inline bool grove__mailbox_begin_alone(grove__mailbox *m, grove__letter *letter)
{
  grove__word *at = grove__mailbox_word(m);
  // Idle and open, without letters and marks, and all that were counted are popped, so that there is room: then the word is no more
  // than its count. Relaxed, both: looks; `popped` is never ahead of the word, so when the exchange finds it so it has not moved (but by
  // 2^16 letters: grove__mailbox_look).
  uint64_t word = (uint64_t)atomic_load_explicit(&m->popped, memory_order_relaxed) << GROVE__WORD_COUNT_SHIFT;
  if (atomic_load_explicit(at, memory_order_relaxed) != word) {
    return false;
  }
  letter->next = NULL;
  // ORDER acquire: the task is this thread's now, with what its last turn wrote. PAIRS grove__word_leave. Release: joins that.
  return atomic_compare_exchange_strong_explicit(
      at, &word, grove__word_counted(word) + GROVE__WORD_RUNNING, memory_order_acq_rel, memory_order_relaxed);
}
/// The rest of it, of a normal letter. False: something is in the lists, and grove__mailbox_receive takes it.
static inline bool grove__mailbox_receive_alone(grove__mailbox *m, grove__letter *letter)
{
  if (GROVE__UNLIKELY(atomic_load_explicit(&m->taken, memory_order_relaxed))) { // loose ones, or such as no limit is for. Its own
    return false;
  }
  grove__mailbox_take_alone(m, letter, true);
  return true;
}
_Static_assert(GROVE__WORD_IDLE == 0, "grove__mailbox_begin_alone");

/// The letter with which a turn has begun, if it is the only one that there is: taken out of the word, or (`word` 0) received
/// already. NULL: receive what there is. Consumer only; it is still to be popped.
static inline grove__letter *grove__mailbox_lone(const grove__mailbox *m, uint64_t word)
{
  uint32_t taken = atomic_load_explicit(&m->taken, memory_order_relaxed); // relaxed: its own
  grove__letter *l = word ? grove__word_letters(word) : m->first;
  if (!l || l->next || taken != !word || (word & GROVE__WORD_WANTED)) {
    return NULL;
  }
  // Since its turn was begun by who pushed it a high one may have come, which is first. Relaxed: a hint, and a look.
  bool high = !word && atomic_load_explicit(&m->high, memory_order_relaxed) &&
              (atomic_load_explicit(grove__mailbox_word(m), memory_order_relaxed) & GROVE__WORD_LETTERS);
  return GROVE__UNLIKELY(high) ? NULL : l;
}
/// Another popped, where nothing is in the lists, so nothing is `quiet` either. Consumer only.
static inline void grove__mailbox_count_alone(grove__mailbox *m)
{
  m->high_streak = 0;
  uint16_t before = atomic_load_explicit(&m->popped, memory_order_relaxed); // relaxed: its own
  atomic_store_explicit(&m->popped, (uint16_t)(before + 1), memory_order_release); // ORDER release: as grove__mailbox_tell_popped
}
static inline void grove__mailbox_empty_lists(grove__mailbox *m)
{
  m->first = NULL;
  atomic_store_explicit(&m->taken, 0, memory_order_relaxed); // its own; others want a hint
}
/// Pops it, where it is normal and counted, and the mailbox not accounted. False: somebody waits for room. Consumer only.
static inline bool grove__mailbox_pop_lone(grove__mailbox *m, uint64_t word)
{
  if (atomic_load_explicit(&m->waits, memory_order_relaxed)) { // relaxed: see grove__mailbox_pop
    return false;
  }
  if (!word) {
    grove__mailbox_empty_lists(m);
  }
  grove__mailbox_count_alone(m);
  return true;
}
/// The letter of grove__mailbox_receive_alone, when its turn comes: it is still to be popped. NULL: a high one may have come since, or
/// somebody waits for room. Consumer only.
static inline grove__letter *grove__mailbox_alone(const grove__mailbox *m)
{
  // Relaxed, all of them: a hint, and a look; and see grove__mailbox_pop.
  bool high = GROVE__UNLIKELY(atomic_load_explicit(&m->high, memory_order_relaxed)) &&
              (atomic_load_explicit(grove__mailbox_word(m), memory_order_relaxed) & GROVE__WORD_LETTERS);
  return GROVE__UNLIKELY(high || atomic_load_explicit(&m->waits, memory_order_relaxed)) ? NULL : m->first;
}
static inline void grove__mailbox_pop_alone(grove__mailbox *m)
{
  grove__mailbox_empty_lists(m);
  grove__mailbox_count_alone(m);
}

/// After a turn with a lone letter: what its word is if the task may go to rest as grove__word_leave would have it: no letter has come,
/// none is in the lists, nobody wants room, no notice was given; then it is no more than its count. 0: it is not so. Consumer only.
static inline uint64_t grove__mailbox_word_of_none(const grove__mailbox *m)
{
  // Relaxed, all of them: its own; and a look.
  uint64_t word = ((uint64_t)atomic_load_explicit(&m->popped, memory_order_relaxed) << GROVE__WORD_COUNT_SHIFT) + GROVE__WORD_RUNNING;
  bool none = !atomic_load_explicit(&m->taken, memory_order_relaxed) &&
              atomic_load_explicit(grove__mailbox_word(m), memory_order_relaxed) == word;
  return GROVE__LIKELY(none) ? word : 0;
}
/// Then it does, by an exchange that finds that still so; false: grove__word_leave.
static inline bool grove__mailbox_leave(grove__mailbox *m, uint64_t word)
{
  // ORDER release: the turn's writes are seen by the next one. PAIRS grove__mailbox_begin_alone, and who pushes. Acquire: joins.
  return atomic_compare_exchange_strong_explicit(
      grove__mailbox_word(m), &word, word - GROVE__WORD_RUNNING, memory_order_acq_rel, memory_order_relaxed);
}

// How many popped letters of a mailbox with that limit are told at once: fact 5. A test may say otherwise.
#if !defined(GROVE__MAILBOX_BATCH)
#define GROVE__MAILBOX_BATCH(limit) ((limit) / 16)
#endif
/// The first normal letter, where nothing else is to be thought of. NULL: grove__mailbox_pop. Consumer only.
static inline grove__letter *grove__mailbox_pop_quickly(grove__mailbox *m)
{
  enum { MOST = 64 };
  grove__letter *l = m->first;
  // Relaxed, both: see grove__mailbox_pop, and the field; 0: accounted.
  uint32_t limit = atomic_load_explicit(&m->limit, memory_order_relaxed);
  if (!l || m->high_last || !l->counted || atomic_load_explicit(&m->high, memory_order_relaxed) || !limit) {
    return NULL;
  }
  grove__letter *next = l->next;
  m->first = next;
  m->high_streak = 0;
  // Relaxed, all of them: its own; others want hints.
  atomic_store_explicit(&m->taken, atomic_load_explicit(&m->taken, memory_order_relaxed) - 1, memory_order_relaxed);
  atomic_store_explicit(&m->taken_at, grove__mailbox_time(l->at), memory_order_relaxed);
  uint8_t quiet = (uint8_t)(atomic_load_explicit(&m->quiet, memory_order_relaxed) + 1); // MOST at most
  atomic_store_explicit(&m->quiet, quiet, memory_order_relaxed);
  if (next && quiet < MOST && quiet < GROVE__MAILBOX_BATCH(limit)) {
    __builtin_prefetch(next);
    return l;
  }
  grove__mailbox_tell_popped(m);
  if (atomic_load_explicit(&m->waits, memory_order_relaxed)) { // relaxed: fact 3 sees to it
    grove__mailbox_make_room(m, false);
  }
  return l;
}

/// Whether there is no letter to be popped, and nothing and nobody to be told. Consumer only.
static inline bool grove__mailbox_is_dry(const grove__mailbox *m)
{
  // Relaxed, all of them: its own, or what is pushed after it makes the task run again, or keeps it from going to rest.
  return !m->first && !m->high_last &&
         !(atomic_load_explicit(grove__mailbox_word(m), memory_order_relaxed) & GROVE__WORD_LETTERS) &&
         !atomic_load_explicit(&m->waits, memory_order_relaxed) &&
         !atomic_load_explicit(&m->quiet, memory_order_relaxed);
}
#endif
