// The mailbox as producers and its owner see it: pushing, limits, waiting for room, lives.
#include "queue/mailbox_quick.h"
#include <string.h>

grove_status grove__mailbox_init(grove__mailbox *m, const grove__mailbox_rest *none)
{
  memset(m, 0, sizeof *m);
  // Relaxed, both: nobody else is there yet.
  atomic_store_explicit(&m->rest, none, memory_order_relaxed);
  atomic_store_explicit(grove__mailbox_word(m), GROVE__WORD_CLOSED, memory_order_relaxed);
  return grove__mutex_init(&m->lock);
}

void grove__mailbox_deinit(grove__mailbox *m)
{
  grove__mutex_deinit(&m->lock);
}

void grove__mailbox_rest_init(grove__mailbox_rest *rest)
{
  // Relaxed: published by extend. Somebody may still look, by the mailbox that had it before.
  atomic_store_explicit(&rest->kept_at, 0, memory_order_relaxed);
  atomic_store_explicit(&rest->kept_bytes, 0, memory_order_relaxed);
  atomic_store_explicit(&rest->kept, 0, memory_order_relaxed);
  atomic_store_explicit(&rest->count, 0, memory_order_relaxed);
  atomic_store_explicit(&rest->bytes, 0, memory_order_relaxed);
  rest->kept_first = rest->kept_last = NULL;
  rest->waiters_first = rest->waiters_last = NULL;
  rest->bytes_limit = rest->budget = rest->beside = rest->counted = 0;
  if (!rest->lent) { // the first time: nobody looks at it yet
    rest->lent = true;
  }
}

void grove__mailbox_extend(grove__mailbox *m, grove__mailbox_rest *rest)
{
  // ORDER release: it is empty. PAIRS grove__mailbox_rest_of.
  atomic_store_explicit(&m->rest, rest, memory_order_release);
}

void grove__mailbox_retract(grove__mailbox *m, const grove__mailbox_rest *none)
{
  // Relaxed: nobody writes it any more. A sender that is late finds another life before it looks.
  atomic_store_explicit(&m->rest, none, memory_order_relaxed);
}

static uint32_t waiting(const grove__mailbox *m)
{
  uint32_t n;
  (void)grove__mailbox_look(m, &n);
  return n;
}

uint32_t grove__mailbox_count(const grove__mailbox *m)
{
  return grove__mailbox_plain(m) + atomic_load_explicit(&m->lasting, memory_order_relaxed); // a hint
}

uint32_t grove__mailbox_plain(const grove__mailbox *m)
{
  // Relaxed, all of them: hints. What a sender must see of the consumer's count it sees by the word: fact 5.
  if (grove__mailbox_is_accounted(m)) {
    return atomic_load_explicit(&grove__mailbox_rest_of(m)->count, memory_order_relaxed);
  }
  uint32_t n = waiting(m), quiet = atomic_load_explicit(&m->quiet, memory_order_relaxed);
  return (n > quiet ? n - quiet : 0) + atomic_load_explicit(&m->loose, memory_order_relaxed);
}

uint32_t grove__mailbox_ready(const grove__mailbox *m)
{
  uint32_t all = grove__mailbox_count(m);
  uint32_t kept = atomic_load_explicit(&grove__mailbox_rest_of(m)->kept, memory_order_relaxed); // a hint
  return all > kept ? all - kept : 0;
}

uint64_t grove__mailbox_bytes(const grove__mailbox *m)
{
  // Relaxed, all of them: statistics.
  if (grove__mailbox_is_accounted(m)) {
    return atomic_load_explicit(&grove__mailbox_rest_of(m)->bytes, memory_order_relaxed);
  }
  const grove__mailbox_rest *r = grove__mailbox_rest_of(m);
  uint32_t taken = atomic_load_explicit(&m->taken, memory_order_relaxed);
  uint64_t looked_at = (uint64_t)taken + atomic_load_explicit(&r->kept, memory_order_relaxed);
  uint64_t all = grove__mailbox_count(m);
  return (all > looked_at ? all - looked_at : 0) *
             atomic_load_explicit(&m->new_bytes, memory_order_relaxed) +
         grove__mailbox_share(m, taken) +
         atomic_load_explicit(&r->kept_bytes, memory_order_relaxed);
}

// When that was, of which grove__mailbox_time is known.
static int64_t time_of(const _Atomic uint32_t *at, int64_t now)
{
  enum { AHEAD = 1024 }; // a second: another thread's clock may have been read a little later
  uint32_t age = grove__mailbox_time(now) - atomic_load_explicit(at, memory_order_relaxed); // relaxed: a hint
  return age >= UINT32_MAX - AHEAD ? now : now - ((int64_t)age << 20);
}

int64_t grove__mailbox_oldest(const grove__mailbox *m, int64_t now)
{
  // Relaxed, all of them: hints.
  const grove__mailbox_rest *r = grove__mailbox_rest_of(m);
  if (grove__mailbox_count(m) == 0) {
    return 0;
  }
  int64_t part[] = {
      atomic_load_explicit(&r->kept, memory_order_relaxed) ? atomic_load_explicit(&r->kept_at, memory_order_relaxed) : INT64_MAX,
      atomic_load_explicit(&m->taken, memory_order_relaxed) ? time_of(&m->taken_at, now) : INT64_MAX,
      atomic_load_explicit(grove__mailbox_word(m), memory_order_relaxed) & GROVE__WORD_LETTERS ? time_of(&m->since, now) : INT64_MAX};
  int64_t oldest = INT64_MAX;
  for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
    oldest = part[i] < oldest ? part[i] : oldest;
  }
  return oldest > 0 && oldest < INT64_MAX ? oldest : 1; // 0 means that there is none
}

// ---- limits --------------------------------------------------------------------------------------------

// A letter of so many bytes.
static bool fits_locked(const grove__mailbox *m, uint32_t bytes)
{
  uint32_t limit = grove__mailbox_limit(m);
  if (!grove__mailbox_is_accounted(m)) { // for a push, a guess: its exchange decides
    return waiting(m) < limit;
  }
  const grove__mailbox_rest *r = grove__mailbox_rest_of(m);
  uint64_t b = grove__mailbox_bytes(m);
  // An empty one takes any letter: else one that is too large would wait for ever, or what is put back would never come again.
  bool empty = grove__mailbox_ready(m) == 0;
  return grove__mailbox_plain(m) < limit &&
         (!r->bytes_limit || empty || b + bytes <= r->bytes_limit) &&
         (!r->budget || empty || r->beside + b + bytes <= r->budget);
}

static void unlist_locked(grove__mailbox *m, grove__room_waiter *w)
{
  grove__mailbox_rest *r = grove__mailbox_rest_lent(m);
  if (w->prev) {
    w->prev->next = w->next;
  } else {
    r->waiters_first = w->next;
  }
  if (w->next) {
    w->next->prev = w->prev;
  } else {
    r->waiters_last = w->prev;
  }
  w->listed = false;
}

void grove__mailbox_fire_locked(grove__mailbox *m, uint32_t most)
{
  const grove__mailbox_rest *r = grove__mailbox_rest_of(m);
  while (most > 0 && r->waiters_first) {
    grove__room_waiter *w = r->waiters_first;
    unlist_locked(m, w);
    most -= w->fire(w->user); // else it does not wait any more, and the room is the next one's
  }
}

// ---- pushing -------------------------------------------------------------------------------------------

// Not counted in the word.
static grove_status push_beside(
    grove__mailbox *m, grove__letter *letter, _Atomic uint32_t *count, bool *queued)
{
  atomic_fetch_add_explicit(count, 1, memory_order_relaxed); // published with the letter
  grove_status s = grove__mailbox_push_letter(m, letter, 0, true, queued);
  if (s) {
    atomic_fetch_sub_explicit(count, 1, memory_order_relaxed);
  }
  return s;
}

// Whatever the limits say.
static grove_status push_by_force(grove__mailbox *m, grove__letter *letter, bool *queued)
{
  grove_status s = grove__mailbox_push_letter(m, letter, GROVE__WORD_COUNT_MOST, false, queued);
  return s == GROVE_EAGAIN ? push_beside(m, letter, &m->loose, queued) : s; // more than the word can count
}

static grove_status push_accounted(
    grove__mailbox *m, uint64_t life, grove__letter *letter, bool force, bool *queued)
{
  grove_status s = GROVE_EAGAIN;
  uint32_t bytes = letter->bytes;
  grove__mutex_lock(&m->lock);
  // Relaxed: with a rest nobody is told that it is closed but under this lock.
  if (atomic_load_explicit(&m->life, memory_order_relaxed) != life) {
    s = GROVE_ENOACTOR;
  } else if (force || fits_locked(m, bytes)) {
    grove__mailbox_account_locked(m, 1, bytes); // first: the consumer may take it at once
    s = push_by_force(m, letter, queued);
    if (s) {
      grove__mailbox_account_locked(m, -1, -(int64_t)bytes);
    }
  }
  grove__mutex_unlock(&m->lock);
  return s;
}

grove_status grove__mailbox_push(
    grove__mailbox *m, uint64_t life, grove__letter *letter, bool force, bool *queued)
{
  *queued = false;
  // ORDER acquire: the rules of this life or a later one. PAIRS grove__mailbox_show.
  if (atomic_load_explicit(&m->life, memory_order_acquire) != life) {
    return GROVE_ENOACTOR;
  }
  letter->life = life;
  if (letter->kind != GROVE__LETTER_PLAIN) {
    return push_beside(m, letter, &m->lasting, queued);
  }
  if (grove__mailbox_is_accounted(m)) {
    return push_accounted(m, life, letter, force, queued);
  }
  return force ? push_by_force(m, letter, queued)
               : grove__mailbox_push_letter(m, letter, grove__mailbox_limit(m), false, queued);
}

// ---- waiting for room ----------------------------------------------------------------------------------

// Not accounted: the consumer pops without the lock. It is told that somebody waits, and looked at once more: fact 3.
static bool still_full_locked(grove__mailbox *m, uint32_t bytes, grove__room_waiter *w)
{
  // Relaxed: published by the mark; one that is seen before it is a hint.
  atomic_store_explicit(&m->waits, true, memory_order_relaxed);
  // ORDER acq_rel: with each exchange that the consumer makes with the word it either sees the mark, or what it popped before
  // is seen here. PAIRS grove__word_begin, grove__word_leave, take_all.
  atomic_fetch_or_explicit(grove__mailbox_word(m), GROVE__WORD_WANTED, memory_order_acq_rel);
  bool full = !fits_locked(m, bytes);
  if (!full) {
    unlist_locked(m, w);
  }
  return full;
}

bool grove__mailbox_wait(grove__mailbox *m, uint64_t life, uint32_t bytes, grove__room_waiter *w)
{
  grove__mutex_lock(&m->lock);
  // Relaxed: close fires under this lock whom it finds, and comes after who is found not to wait for it.
  bool full = atomic_load_explicit(&m->life, memory_order_relaxed) == life && !fits_locked(m, bytes);
  if (full) {
    grove__mailbox_rest *r = grove__mailbox_rest_lent(m);
    w->next = NULL;
    w->prev = r->waiters_last;
    if (r->waiters_last) {
      r->waiters_last->next = w;
    } else {
      r->waiters_first = w;
    }
    r->waiters_last = w;
    w->listed = true;
    full = grove__mailbox_is_accounted(m) || still_full_locked(m, bytes, w);
  }
  grove__mutex_unlock(&m->lock);
  return full;
}

void grove__mailbox_unwait(grove__mailbox *m, grove__room_waiter *w)
{
  grove__mutex_lock(&m->lock);
  if (w->listed) {
    unlist_locked(m, w);
  }
  grove__mutex_unlock(&m->lock);
}

// ---- lives ---------------------------------------------------------------------------------------------

static bool has_rest(const grove__mailbox *m)
{
  return grove__mailbox_rest_of(m)->lent;
}

void grove__mailbox_open(grove__mailbox *m, uint64_t life, uint32_t limit, uint64_t bytes_limit)
{
  bool accounted = grove__mailbox_wants_rest(limit, bytes_limit);
  bool lent = has_rest(m); // else no sum is kept and nobody waits: of the life before, too
  if (lent) {
    grove__mailbox_rest *r = grove__mailbox_rest_lent(m);
    grove__mutex_lock(&m->lock);
    r->bytes_limit = bytes_limit;
    r->budget = r->beside = 0;
    r->counted = life;
    atomic_store_explicit(&r->limit, limit, memory_order_relaxed); // published with the life
  }
  grove__mailbox_open_by(m, life, accounted ? 0 : limit);
  if (lent) {
    grove__mutex_unlock(&m->lock);
  }
}

// Whoever finds the life finds what was prepared for it.
void grove__mailbox_show(grove__mailbox *m)
{
  // ORDER release: the rules, and all that its owner has made ready. PAIRS grove__mailbox_push, and who looks a life up.
  atomic_store_explicit(&m->life, grove__mailbox_life(m), memory_order_release);
}

bool grove__mailbox_begin(grove__mailbox *m)
{
  // Relaxed: a guess; the exchange decides.
  uint64_t word = atomic_load_explicit(grove__mailbox_word(m), memory_order_relaxed), next;
  do {
    next = grove__word_notified(word & ~(uint64_t)GROVE__WORD_CLOSED);
    // ORDER acq_rel: publishes the life to the turn, as grove__word_notify does.
  } while (!atomic_compare_exchange_weak_explicit(
      grove__mailbox_word(m), &word, next, memory_order_acq_rel, memory_order_relaxed));
  grove__mailbox_show(m);
  return grove__word_state(word) == GROVE__WORD_IDLE;
}

void grove__mailbox_begin_with(grove__mailbox *m, grove__letter *letter)
{
  // Relaxed: nobody writes the word of one that is closed and rests.
  uint64_t word = atomic_load_explicit(grove__mailbox_word(m), memory_order_relaxed) & ~(uint64_t)GROVE__WORD_CLOSED;
  if (letter) {
    letter->counted = true;
    letter->next = NULL;
    atomic_store_explicit(&m->since, grove__mailbox_time(letter->at), memory_order_relaxed); // relaxed, both: hints
    atomic_store_explicit(&m->new_bytes, letter->bytes, memory_order_relaxed);
    word = grove__word_with_counted(word, letter);
  } else {
    word = grove__word_with(word, GROVE__WORD_QUEUED);
  }
  // ORDER release: publishes the letter, and the life to the turn. PAIRS grove__word_begin.
  atomic_store_explicit(grove__mailbox_word(m), word, memory_order_release);
  grove__mailbox_show(m);
}

void grove__mailbox_budget(grove__mailbox *m, uint64_t budget, uint64_t beside)
{
  grove__mutex_lock(&m->lock);
  grove__mailbox_rest *r = grove__mailbox_rest_lent(m);
  r->budget = budget;
  r->beside = beside;
  // Relaxed, both: published with the address.
  atomic_store_explicit(&r->limit, grove__mailbox_limit(m), memory_order_relaxed);
  atomic_store_explicit(&m->limit, 0, memory_order_relaxed);
  grove__mutex_unlock(&m->lock);
}

bool grove__mailbox_reserve(grove__mailbox *m, int64_t bytes)
{
  grove__mutex_lock(&m->lock);
  const grove__mailbox_rest *r = grove__mailbox_rest_of(m);
  uint64_t used = r->beside + grove__mailbox_bytes(m);
  bool fits =
      !r->budget || bytes <= 0 || (used <= r->budget && (uint64_t)bytes <= r->budget - used);
  if (fits && r->budget) {
    grove__mailbox_rest_lent(m)->beside += (uint64_t)bytes;
    grove__mailbox_fire_locked(m, bytes < 0 ? 1 : 0);
  }
  grove__mutex_unlock(&m->lock);
  return fits;
}

void grove__mailbox_close(grove__mailbox *m)
{
  bool lent = has_rest(m); // nobody lends one any more, and without one nobody waits
  if (lent) {
    grove__mutex_lock(&m->lock);
  }
  grove__mailbox_hide(m);
  // ORDER acq_rel: what was pushed before is there for who takes all next; fact 2.
  atomic_fetch_or_explicit(grove__mailbox_word(m), GROVE__WORD_CLOSED, memory_order_acq_rel);
  if (lent) {
    grove__mailbox_fire_locked(m, UINT32_MAX);
    grove__mutex_unlock(&m->lock);
  }
}
