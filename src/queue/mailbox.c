#include "queue/mailbox.h"
#include <string.h>

grove_status grove__mailbox_init(grove__mailbox *m, void (*notify)(void *user), void *user)
{
  memset(m, 0, sizeof *m);
  m->notify = notify;
  m->user = user;
  return grove__mutex_init(&m->lock);
}

void grove__mailbox_deinit(grove__mailbox *m)
{
  grove__mutex_deinit(&m->lock);
}

// Relaxed stores: the lock orders them; readers without it want a hint only.
static void count_locked(grove__mailbox *m, int32_t letters, int64_t bytes)
{
  uint32_t n = atomic_load_explicit(&m->count, memory_order_relaxed);
  uint64_t b = atomic_load_explicit(&m->bytes, memory_order_relaxed);
  atomic_store_explicit(&m->count, n + (uint32_t)letters, memory_order_relaxed);
  atomic_store_explicit(&m->bytes, b + (uint64_t)bytes, memory_order_relaxed);
}

static bool fits_locked(const grove__mailbox *m, uint32_t bytes)
{
  uint32_t n = grove__mailbox_count(m);
  uint64_t b = grove__mailbox_bytes(m);
  // An empty one takes any letter: else one that is too large would wait for ever.
  return n < m->limit && (!m->bytes_limit || b == 0 || b + bytes <= m->bytes_limit) &&
         (!m->budget || b == 0 || m->beside + b + bytes <= m->budget);
}

grove_status grove__mailbox_push(
    grove__mailbox *m, uint64_t life, grove__letter *letter, bool force)
{
  letter->next = NULL;
  grove__mutex_lock(&m->lock);
  if (m->life != life) {
    grove__mutex_unlock(&m->lock);
    return GROVE_ENOACTOR;
  }
  if (!force && !fits_locked(m, letter->bytes)) {
    grove__mutex_unlock(&m->lock);
    return GROVE_EAGAIN;
  }
  if (m->first[letter->lane]) {
    m->last[letter->lane]->next = letter;
  } else {
    m->first[letter->lane] = letter;
  }
  m->last[letter->lane] = letter;
  count_locked(m, 1, letter->bytes);
  m->notify(m->user);
  grove__mutex_unlock(&m->lock);
  return GROVE_OK;
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

static void fire_first_locked(grove__mailbox *m)
{
  grove__room_waiter *w = m->waiters_first;
  unlist_locked(m, w);
  w->fire(w->user);
}

static bool normal_is_due_locked(grove__mailbox *m)
{
  if (!m->first[GROVE__LANE_HIGH] || !m->first[GROVE__LANE_NORMAL]) {
    m->high_streak = 0;
  } else if (m->high_streak++ >= GROVE__HIGH_STREAK) {
    m->high_streak = 0;
    return true;
  }
  return false;
}

bool grove__mailbox_is_over(grove__mailbox *m)
{
  grove__mutex_lock(&m->lock);
  uint32_t n = grove__mailbox_count(m);
  uint64_t b = grove__mailbox_bytes(m);
  bool over = n > m->limit || (n > 1 && m->bytes_limit && b > m->bytes_limit) ||
              (n > 1 && m->budget && m->beside + b > m->budget);
  grove__mutex_unlock(&m->lock);
  return over;
}

static grove__letter *pop(grove__mailbox *m, bool lowest)
{
  grove__letter *letter = NULL;
  // Who pushes a letter that is missed here notifies after, and the consumer comes back. Not where somebody may wait for
  // room: he must be seen before the consumer goes.
  if (!m->awaited && grove__mailbox_count(m) == 0) {
    return NULL;
  }
  grove__mutex_lock(&m->lock);
  bool upwards = lowest || normal_is_due_locked(m);
  for (int i = 0; i < GROVE__LANES && !letter; i++) {
    int lane = upwards ? GROVE__LANES - 1 - i : i;
    letter = m->first[lane];
    if (letter) {
      m->first[lane] = letter->next;
      count_locked(m, -1, -(int64_t)letter->bytes);
    }
  }
  if (letter && m->waiters_first) {
    fire_first_locked(m);
    // The one that was told may have given up meanwhile; so when nothing is left to be taken, nobody may
    // still wait to be told.
    while (m->waiters_first && grove__mailbox_count(m) == 0) {
      fire_first_locked(m);
    }
  }
  grove__mutex_unlock(&m->lock);
  return letter;
}

grove__letter *grove__mailbox_pop(grove__mailbox *m)
{
  return pop(m, false);
}

grove__letter *grove__mailbox_pop_lowest(grove__mailbox *m)
{
  return pop(m, true);
}

grove__letter *grove__mailbox_pop_all(grove__mailbox *m)
{
  grove__letter *all = NULL, **end = &all;
  grove__mutex_lock(&m->lock);
  for (int lane = 0; lane < GROVE__LANES; lane++) {
    *end = m->first[lane];
    if (m->first[lane]) {
      end = &m->last[lane]->next;
      m->first[lane] = NULL;
    }
  }
  atomic_store_explicit(&m->count, 0, memory_order_relaxed); // see count_locked
  atomic_store_explicit(&m->bytes, 0, memory_order_relaxed);
  while (m->waiters_first) {
    fire_first_locked(m);
  }
  grove__mutex_unlock(&m->lock);
  return all;
}

void grove__mailbox_unpop(grove__mailbox *m, grove__letter *letters)
{
  if (!letters) {
    return;
  }
  grove__mutex_lock(&m->lock);
  uint32_t lane = letters->lane;
  grove__letter *last = letters;
  count_locked(m, 1, last->bytes);
  while (last->next) {
    last = last->next;
    count_locked(m, 1, last->bytes);
  }
  if (!m->first[lane]) {
    m->last[lane] = last;
  }
  last->next = m->first[lane];
  m->first[lane] = letters;
  grove__mutex_unlock(&m->lock);
}

bool grove__mailbox_wait(grove__mailbox *m, uint64_t life, uint32_t bytes, grove__room_waiter *w)
{
  grove__mutex_lock(&m->lock);
  bool full = m->life == life && !fits_locked(m, bytes);
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
  grove__mutex_unlock(&m->lock);
  return full;
}

int64_t grove__mailbox_oldest(grove__mailbox *m)
{
  int64_t at = 0;
  grove__mutex_lock(&m->lock);
  for (int lane = 0; lane < GROVE__LANES; lane++) {
    if (m->first[lane] && (!at || m->first[lane]->at < at)) {
      at = m->first[lane]->at;
    }
  }
  grove__mutex_unlock(&m->lock);
  return at;
}

void grove__mailbox_unwait(grove__mailbox *m, grove__room_waiter *w)
{
  grove__mutex_lock(&m->lock);
  if (w->listed) {
    unlist_locked(m, w);
  }
  grove__mutex_unlock(&m->lock);
}

void grove__mailbox_open(grove__mailbox *m, uint64_t life, uint32_t limit, uint64_t bytes_limit)
{
  grove__mutex_lock(&m->lock);
  m->life = life;
  m->limit = limit;
  m->bytes_limit = bytes_limit;
  m->high_streak = 0;
  m->awaited = true;
  m->budget = m->beside = 0;
  grove__mutex_unlock(&m->lock);
}

void grove__mailbox_is_never_awaited(grove__mailbox *m)
{
  m->awaited = false;
}

void grove__mailbox_budget(grove__mailbox *m, uint64_t budget, uint64_t beside)
{
  grove__mutex_lock(&m->lock);
  m->budget = budget;
  m->beside = beside;
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
    if (bytes < 0 && m->waiters_first) {
      fire_first_locked(m);
    }
  }
  grove__mutex_unlock(&m->lock);
  return fits;
}

void grove__mailbox_close(grove__mailbox *m)
{
  grove__mutex_lock(&m->lock);
  m->life = 0;
  while (m->waiters_first) {
    fire_first_locked(m);
  }
  grove__mutex_unlock(&m->lock);
}
