#include "queue/mailbox.h"
#include <string.h>

#define ACCOUNTED (UINT64_C(1) << 32)
#if defined(GROVE_LOCKED_QUEUES)
#define ALWAYS ACCOUNTED
#else
#define ALWAYS 0
#endif
enum { MOST_UNACCOUNTED = 65536 }; // what the word's count can tell, but for one

grove_status grove__mailbox_init(
    grove__mailbox *m, grove__word *word, void (*notify)(void *user), void *user)
{
  memset(m, 0, sizeof *m);
  m->word = word;
  m->notify = notify;
  m->user = user;
  atomic_store_explicit(word, GROVE__WORD_CLOSED, memory_order_relaxed); // nobody else is there yet
  return grove__mutex_init(&m->lock);
}

void grove__mailbox_deinit(grove__mailbox *m)
{
  grove__mutex_deinit(&m->lock);
}

static bool is_accounted(const grove__mailbox *m)
{
  return atomic_load_explicit(&m->rules, memory_order_relaxed) & ACCOUNTED; // relaxed: see the field
}

static uint32_t limit_of(const grove__mailbox *m)
{
  return (uint32_t)atomic_load_explicit(&m->rules, memory_order_relaxed); // relaxed: see the field
}

static grove__letter *letters_of(uint64_t word)
{
  return (grove__letter *)(uintptr_t)(word & GROVE__WORD_LETTERS);
}

uint32_t grove__mailbox_count(const grove__mailbox *m)
{
  // Relaxed, all of them: hints. What a sender must see of the consumer's count it sees by the word: fact 3.
  if (is_accounted(m)) {
    return atomic_load_explicit(&m->count, memory_order_relaxed);
  }
  uint64_t word = atomic_load_explicit(m->word, memory_order_relaxed);
  return (uint32_t)(word >> GROVE__WORD_COUNT_SHIFT) +
         atomic_load_explicit(&m->taken, memory_order_relaxed);
}

uint64_t grove__mailbox_bytes(const grove__mailbox *m)
{
  // Relaxed, all of them: statistics.
  if (is_accounted(m)) {
    return atomic_load_explicit(&m->bytes, memory_order_relaxed);
  }
  uint64_t word = atomic_load_explicit(m->word, memory_order_relaxed);
  return (word >> GROVE__WORD_COUNT_SHIFT) *
             atomic_load_explicit(&m->last_bytes, memory_order_relaxed) +
         atomic_load_explicit(&m->taken_bytes, memory_order_relaxed);
}

int64_t grove__mailbox_oldest(const grove__mailbox *m)
{
  // Relaxed, both: for people.
  return grove__mailbox_count(m) ? atomic_load_explicit(&m->since, memory_order_relaxed) : 0;
}

// ---- account -------------------------------------------------------------------------------------------

// Relaxed stores: the lock orders them; readers without it want a hint only.
static void count_locked(grove__mailbox *m, int32_t letters, int64_t bytes)
{
  uint32_t n = atomic_load_explicit(&m->count, memory_order_relaxed);
  uint64_t b = atomic_load_explicit(&m->bytes, memory_order_relaxed);
  atomic_store_explicit(&m->count, n + (uint32_t)letters, memory_order_relaxed);
  atomic_store_explicit(&m->bytes, b + (uint64_t)bytes, memory_order_relaxed);
}

// Whether so many letters in the word, with those that the consumer has taken, leave no room for one more.
static bool is_full(const grove__mailbox *m, uint64_t word, uint32_t limit)
{
  uint64_t count = word >> GROVE__WORD_COUNT_SHIFT;
  // Relaxed: see grove__mailbox_count.
  return count + atomic_load_explicit(&m->taken, memory_order_relaxed) >= limit ||
         count == GROVE__WORD_COUNT_MOST;
}

static bool fits_locked(const grove__mailbox *m, uint32_t bytes)
{
  if (!is_accounted(m)) { // relaxed: the exchange that pushes decides
    return !is_full(m, atomic_load_explicit(m->word, memory_order_relaxed), limit_of(m));
  }
  uint32_t n = grove__mailbox_count(m);
  uint64_t b = grove__mailbox_bytes(m);
  // An empty one takes any letter: else one that is too large would wait for ever.
  return n < limit_of(m) && (!m->bytes_limit || b == 0 || b + bytes <= m->bytes_limit) &&
         (!m->budget || b == 0 || m->beside + b + bytes <= m->budget);
}

static void unlist_locked(grove__mailbox *m, grove__room_waiter *w)
{
  if (w->prev) {
    w->prev->next = w->next;
  } else {
    m->waiters_first = w->next;
  }
  if (w->next) {
    w->next->prev = w->prev;
  } else {
    m->waiters_last = w->prev;
  }
  w->listed = false;
}

static void fire_locked(grove__mailbox *m, uint32_t most)
{
  for (uint32_t i = 0; i < most && m->waiters_first; i++) {
    grove__room_waiter *w = m->waiters_first;
    unlist_locked(m, w);
    w->fire(w->user);
  }
}

// ---- pushing -------------------------------------------------------------------------------------------

// The word with one letter more, and a task that is queued if it was idle.
static uint64_t with_letter(uint64_t word, const grove__letter *letter)
{
  uint64_t count = word >> GROVE__WORD_COUNT_SHIFT;
  count += count < GROVE__WORD_COUNT_MOST;
  uint64_t marks = word & (GROVE__WORD_STATE | GROVE__WORD_CLOSED | GROVE__WORD_AWAITED);
  marks += grove__word_state(word) == GROVE__WORD_IDLE; // QUEUED
  return count << GROVE__WORD_COUNT_SHIFT | (uint64_t)(uintptr_t)letter | marks;
}
_Static_assert(GROVE__WORD_QUEUED == GROVE__WORD_IDLE + 1, "with_letter");

// limit: UINT32_MAX: none.
static grove_status push(grove__mailbox *m, grove__letter *letter, uint32_t limit)
{
  // What is told of it after: it may be handled, and its memory gone, as soon as it is pushed.
  uint32_t bytes = letter->bytes;
  bool high = letter->lane == GROVE__LANE_HIGH;
  int64_t at = letter->at;
  // Relaxed: a guess; the exchange decides.
  uint64_t word = atomic_load_explicit(m->word, memory_order_relaxed);
  do {
    if (word & GROVE__WORD_CLOSED) {
      return GROVE_ENOACTOR;
    }
    if (limit != UINT32_MAX && is_full(m, word, limit)) {
      return GROVE_EAGAIN;
    }
    letter->next = letters_of(word);
    // ORDER release: publishes the letter. PAIRS take_all, and who begins the turn. Acquire: a task that was idle is this
    // thread's now, with what its last turn wrote; PAIRS end_turn of the scheduler.
  } while (!atomic_compare_exchange_weak_explicit(
      m->word, &word, with_letter(word, letter), memory_order_acq_rel, memory_order_relaxed));
  // Relaxed, all of them: hints. Written only where they change, so that senders share the line.
  if (!letters_of(word) && atomic_load_explicit(&m->taken, memory_order_relaxed) == 0) {
    atomic_store_explicit(&m->since, at, memory_order_relaxed);
  }
  if (atomic_load_explicit(&m->last_bytes, memory_order_relaxed) != bytes) {
    atomic_store_explicit(&m->last_bytes, bytes, memory_order_relaxed);
  }
  if (high) {
    atomic_store_explicit(&m->high, true, memory_order_relaxed);
  }
  if (grove__word_state(word) == GROVE__WORD_IDLE) {
    m->notify(m->user);
  }
  return GROVE_OK;
}

static grove_status push_accounted(
    grove__mailbox *m, uint64_t life, grove__letter *letter, bool force)
{
  grove_status s = GROVE_EAGAIN;
  uint32_t bytes = letter->bytes;
  grove__mutex_lock(&m->lock);
  // Relaxed: written under this lock.
  if (atomic_load_explicit(&m->life, memory_order_relaxed) != life) {
    s = GROVE_ENOACTOR;
  } else if (force || fits_locked(m, bytes)) {
    count_locked(m, 1, bytes); // first: the consumer may take it at once
    s = push(m, letter, UINT32_MAX);
    if (s) {
      count_locked(m, -1, -(int64_t)bytes);
    }
  }
  grove__mutex_unlock(&m->lock);
  return s;
}

grove_status grove__mailbox_push(
    grove__mailbox *m, uint64_t life, grove__letter *letter, bool force)
{
  // ORDER acquire: the rules of this life or a later one. PAIRS grove__mailbox_open.
  if (atomic_load_explicit(&m->life, memory_order_acquire) != life) {
    return GROVE_ENOACTOR;
  }
  letter->life = life;
  if (is_accounted(m)) {
    return push_accounted(m, life, letter, force);
  }
  return push(m, letter, force ? UINT32_MAX : limit_of(m));
}

// ---- taking --------------------------------------------------------------------------------------------

static void add_taken(grove__mailbox *m, uint32_t letters, uint64_t bytes)
{
  // Relaxed, all of them: the consumer alone writes, others want hints.
  atomic_store_explicit(&m->taken,
      atomic_load_explicit(&m->taken, memory_order_relaxed) + letters, memory_order_relaxed);
  atomic_store_explicit(&m->taken_bytes,
      atomic_load_explicit(&m->taken_bytes, memory_order_relaxed) + bytes, memory_order_relaxed);
}

static void append(grove__mailbox *m, grove__letter *l)
{
  l->next = NULL;
  if (m->first[l->lane]) {
    m->last[l->lane]->next = l;
    m->last[l->lane] = l;
  } else {
    m->last[l->lane] = l;
    m->first[l->lane] = l;
  }
}

static void receive_locked(grove__mailbox *m, uint64_t word);

// Takes what is in the word into the lists, and learns whether somebody waits for room.
static void take_all_locked(grove__mailbox *m)
{
  // Relaxed: a look. What is pushed after it makes the task run again, or keeps it from going to rest.
  if (!(atomic_load_explicit(m->word, memory_order_relaxed) &
          (GROVE__WORD_LETTERS | GROVE__WORD_AWAITED))) {
    return;
  }
  atomic_store_explicit(&m->high, false, memory_order_relaxed); // a hint
  // ORDER acquire: the letters are there. PAIRS push. Release: what the consumer counted, for who pushes next.
  receive_locked(m, atomic_fetch_and_explicit(
                        m->word, GROVE__WORD_STATE | GROVE__WORD_CLOSED, memory_order_acq_rel));
}

static void receive_locked(grove__mailbox *m, uint64_t word)
{
  uint32_t told = (uint32_t)(word >> GROVE__WORD_COUNT_SHIFT), n = 0;
  add_taken(m, told, 0); // at once: until then senders find too few
  m->waits = m->waits || (word & GROVE__WORD_AWAITED);
  grove__letter *reversed = letters_of(word);
  if (reversed && !reversed->next) { // one alone, as most come
    add_taken(m, 1 - told, reversed->bytes);
    append(m, reversed);
    return;
  }
  reversed = NULL;
  uint64_t bytes = 0;
  for (grove__letter *l = letters_of(word), *next; l; l = next) {
    next = l->next;
    l->next = reversed;
    reversed = l;
    bytes += l->bytes;
    n++;
  }
  add_taken(m, n - told, bytes); // of more than it could tell, the rest
  for (grove__letter *next; reversed; reversed = next) {
    next = reversed->next;
    append(m, reversed);
  }
}

void grove__mailbox_receive(grove__mailbox *m, uint64_t word)
{
  grove__mutex_lock(&m->lock);
  receive_locked(m, word);
  grove__mutex_unlock(&m->lock);
}

// Tells those who wait, as many as there is room for: not one for each letter, but when a good part has been taken, unless
// there is no telling when the next one will be.
static void make_room_locked(grove__mailbox *m, bool for_any)
{
  uint32_t limit = limit_of(m), n = grove__mailbox_count(m);
  if (n && (n >= limit || (!for_any && n > limit - (limit + 3) / 4))) {
    return;
  }
  fire_locked(m, n ? limit - n : UINT32_MAX);
  m->waits = m->waiters_first != NULL;
}

static void uncount_locked(grove__mailbox *m, const grove__letter *l)
{
  add_taken(m, UINT32_MAX, (uint64_t)0 - l->bytes); // one less
  if (is_accounted(m)) {
    if (l->life != m->counted) {
      return; // pushed for the life before, by who found it without account: it was never added
    }
    count_locked(m, -1, -(int64_t)l->bytes);
    fire_locked(m, 1);
    // The one that was told may have given up meanwhile; so when nothing is left to be taken, nobody may
    // still wait to be told.
    fire_locked(m, grove__mailbox_count(m) == 0 ? UINT32_MAX : 0);
  } else if (m->waits) {
    make_room_locked(m, false);
  }
}

static bool normal_is_due(grove__mailbox *m)
{
  if (!m->first[GROVE__LANE_HIGH] || !m->first[GROVE__LANE_NORMAL]) {
    m->high_streak = 0;
  } else if (m->high_streak++ >= GROVE__HIGH_STREAK) {
    m->high_streak = 0;
    return true;
  }
  return false;
}

static grove__letter *take_locked(grove__mailbox *m, bool upwards)
{
  for (int i = 0; i < GROVE__LANES; i++) {
    int lane = upwards ? GROVE__LANES - 1 - i : i;
    grove__letter *l = m->first[lane];
    if (l) {
      if (l->next) {
        __builtin_prefetch(l->next);
      }
      m->first[lane] = l->next;
      uncount_locked(m, l);
      return l;
    }
  }
  if (m->waits) {
    make_room_locked(m, true);
  }
  return NULL;
}

static grove__letter *pop_locked(grove__mailbox *m)
{
  // ORDER acquire: the mark in the word is there, too. PAIRS grove__mailbox_wait. One that is missed now is seen before the
  // next letter, or by grove__mailbox_settle.
  bool asked = atomic_load_explicit(&m->asked, memory_order_acquire);
  if (asked) {
    // Relaxed: before the exchange that takes all. Who asks after that comes after this, too.
    atomic_store_explicit(&m->asked, false, memory_order_relaxed);
  }
  // Relaxed: a hint. A high letter that is missed now is seen before the next letter, and a normal one is looked for while
  // high ones are taken.
  if (asked || !m->first[GROVE__LANE_NORMAL] ||
      atomic_load_explicit(&m->high, memory_order_relaxed)) {
    take_all_locked(m);
  }
  grove__letter *l = take_locked(m, normal_is_due(m));
  // Relaxed: for people.
  if (l && l->next) {
    atomic_store_explicit(&m->since, l->next->at, memory_order_relaxed);
  }
  return l;
}

grove__letter *grove__mailbox_pop(grove__mailbox *m)
{
  grove__mutex_lock(&m->lock);
  grove__letter *l = pop_locked(m);
  grove__mutex_unlock(&m->lock);
  return l;
}

void grove__mailbox_settle(grove__mailbox *m)
{
  if (is_accounted(m)) {
    return; // whose waiters are told letter by letter
  }
  // ORDER acq_rel, changing nothing: who waits already is seen here, and who waits from now on sees what was taken. Fact 3.
  bool awaited = atomic_fetch_or_explicit(m->word, 0, memory_order_acq_rel) & GROVE__WORD_AWAITED;
  grove__mutex_lock(&m->lock);
  if (awaited) {
    take_all_locked(m);
  }
  if (m->waits) {
    make_room_locked(m, true);
  }
  grove__mutex_unlock(&m->lock);
}

grove__letter *grove__mailbox_pop_lowest(grove__mailbox *m)
{
  grove__mutex_lock(&m->lock);
  take_all_locked(m);
  grove__letter *l = take_locked(m, true);
  grove__mutex_unlock(&m->lock);
  return l;
}

bool grove__mailbox_is_over(grove__mailbox *m)
{
  uint32_t n = grove__mailbox_count(m);
  uint64_t b = grove__mailbox_bytes(m);
  bool over = n > limit_of(m);
  if (!over && is_accounted(m)) {
    grove__mutex_lock(&m->lock);
    over = n > 1 && ((m->bytes_limit && b > m->bytes_limit) ||
                        (m->budget && m->beside + b > m->budget));
    grove__mutex_unlock(&m->lock);
  }
  return over;
}

grove__letter *grove__mailbox_pop_all(grove__mailbox *m)
{
  grove__letter *all = NULL, **end = &all;
  grove__mutex_lock(&m->lock);
  take_all_locked(m);
  for (int lane = 0; lane < GROVE__LANES; lane++) {
    *end = m->first[lane];
    m->first[lane] = NULL;
    while (*end) {
      end = &(*end)->next;
    }
  }
  // Relaxed, both: see add_taken.
  atomic_store_explicit(&m->taken, 0, memory_order_relaxed);
  atomic_store_explicit(&m->taken_bytes, 0, memory_order_relaxed);
  if (is_accounted(m)) {
    atomic_store_explicit(&m->count, 0, memory_order_relaxed); // see count_locked
    atomic_store_explicit(&m->bytes, 0, memory_order_relaxed);
  }
  fire_locked(m, UINT32_MAX);
  m->waits = false;
  grove__mutex_unlock(&m->lock);
  return all;
}

void grove__mailbox_unpop(grove__mailbox *m, grove__letter *letters)
{
  if (!letters) {
    return;
  }
  int lane = letters->lane;
  uint32_t n = 1;
  grove__letter *last = letters;
  uint64_t bytes = last->bytes;
  for (; last->next; n++) {
    last = last->next;
    bytes += last->bytes;
  }
  grove__mutex_lock(&m->lock);
  if (!m->first[lane]) {
    m->last[lane] = last;
  }
  last->next = m->first[lane];
  m->first[lane] = letters;
  add_taken(m, n, bytes);
  if (is_accounted(m)) {
    count_locked(m, (int32_t)n, (int64_t)bytes);
  }
  grove__mutex_unlock(&m->lock);
}

// ---- waiting for room ----------------------------------------------------------------------------------

bool grove__mailbox_wait(grove__mailbox *m, uint64_t life, uint32_t bytes, grove__room_waiter *w)
{
  grove__mutex_lock(&m->lock);
  // Relaxed: written under this lock.
  bool full = atomic_load_explicit(&m->life, memory_order_relaxed) == life && !fits_locked(m, bytes);
  if (full) {
    w->next = NULL;
    w->prev = m->waiters_last;
    if (m->waiters_last) {
      m->waiters_last->next = w;
    } else {
      m->waiters_first = w;
    }
    m->waiters_last = w;
    w->listed = true;
  }
  if (full && !is_accounted(m)) {
    // ORDER release: that somebody is listed. Acquire: what the consumer has taken meanwhile. PAIRS take_all and end_turn of
    // the scheduler; fact 3.
    atomic_fetch_or_explicit(m->word, GROVE__WORD_AWAITED, memory_order_acq_rel);
    // ORDER release: after the mark. PAIRS grove__mailbox_pop.
    atomic_store_explicit(&m->asked, true, memory_order_release);
    full = !fits_locked(m, bytes);
    if (!full) {
      unlist_locked(m, w);
    }
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

void grove__mailbox_open(grove__mailbox *m, uint64_t life, uint32_t limit, uint64_t bytes_limit)
{
  bool accounted = bytes_limit || limit > MOST_UNACCOUNTED;
  grove__mutex_lock(&m->lock);
  m->bytes_limit = bytes_limit;
  m->high_streak = 0;
  m->budget = m->beside = 0;
  // Relaxed: published with the life.
  atomic_store_explicit(
      &m->rules, limit | ALWAYS | (accounted ? ACCOUNTED : 0), memory_order_relaxed);
  m->counted = life;
  // ORDER release: the rules. PAIRS grove__mailbox_push.
  atomic_store_explicit(&m->life, life, memory_order_release);
  grove__mutex_unlock(&m->lock);
}

bool grove__mailbox_begin(grove__mailbox *m)
{
  // Relaxed: a guess; the exchange decides.
  uint64_t word = atomic_load_explicit(m->word, memory_order_relaxed), next;
  do {
    next = grove__word_notified(word & ~(uint64_t)GROVE__WORD_CLOSED);
    // ORDER acq_rel: publishes the life to the turn, as grove__sched_notify does.
  } while (!atomic_compare_exchange_weak_explicit(
      m->word, &word, next, memory_order_acq_rel, memory_order_relaxed));
  return grove__word_state(word) == GROVE__WORD_IDLE;
}

void grove__mailbox_budget(grove__mailbox *m, uint64_t budget, uint64_t beside)
{
  grove__mutex_lock(&m->lock);
  m->budget = budget;
  m->beside = beside;
  atomic_fetch_or_explicit(&m->rules, ACCOUNTED, memory_order_relaxed); // published with the address
  grove__mutex_unlock(&m->lock);
}

bool grove__mailbox_reserve(grove__mailbox *m, int64_t bytes)
{
  grove__mutex_lock(&m->lock);
  uint64_t used = m->beside + grove__mailbox_bytes(m);
  bool fits =
      !m->budget || bytes <= 0 || (used <= m->budget && (uint64_t)bytes <= m->budget - used);
  if (fits && m->budget) {
    m->beside += (uint64_t)bytes;
    fire_locked(m, bytes < 0 ? 1 : 0);
  }
  grove__mutex_unlock(&m->lock);
  return fits;
}

void grove__mailbox_close(grove__mailbox *m)
{
  grove__mutex_lock(&m->lock);
  // Relaxed: who pushes for this life and does not see it sees the word.
  atomic_store_explicit(&m->life, 0, memory_order_relaxed);
  // ORDER acq_rel: what was pushed before is there for who takes all next; fact 2.
  atomic_fetch_or_explicit(m->word, GROVE__WORD_CLOSED, memory_order_acq_rel);
  fire_locked(m, UINT32_MAX);
  grove__mutex_unlock(&m->lock);
}
