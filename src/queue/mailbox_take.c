// The mailbox as its consumer sees it: taking letters, telling who waits for room, putting letters back.
#include "queue/mailbox_inside.h"

// ---- counting ------------------------------------------------------------------------------------------

// Relaxed, all of them: the consumer alone writes, under the lock; others want hints.
static void add(_Atomic uint32_t *n, uint32_t by)
{
  atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + by, memory_order_relaxed);
}
// So many letters, of so many bytes in all, have come into the lanes' lists.
static void add_taken(grove__mailbox *m, uint32_t letters, uint64_t bytes)
{
  uint32_t before = atomic_load_explicit(&m->taken, memory_order_relaxed);
  atomic_store_explicit(
      &m->lot_bytes, grove__mailbox_share(m, before) + bytes, memory_order_relaxed);
  atomic_store_explicit(&m->lot, before + letters, memory_order_relaxed);
  atomic_store_explicit(&m->taken, before + letters, memory_order_relaxed);
}

// More that are put back, or (of UINT32_MAX) one less.
static void add_kept(grove__mailbox *m, uint32_t letters, uint64_t bytes)
{
  add(&m->kept, letters);
  atomic_store_explicit(&m->kept_bytes,
      atomic_load_explicit(&m->kept_bytes, memory_order_relaxed) + bytes, memory_order_relaxed);
}

// So many letters less in the word's count.
static void add_popped(grove__mailbox *m, uint32_t letters)
{
  uint16_t before = atomic_load_explicit(&m->popped, memory_order_relaxed); // relaxed: the lock is held
  // ORDER release: who sees it sees no word older than that with these letters. PAIRS the senders' looks; fact 5.
  atomic_store_explicit(&m->popped, (uint16_t)(before + letters), memory_order_release);
}

// The account is of one life: a letter that was pushed for the life before, by who found it without account, was never
// added.
static bool on_account(const grove__mailbox *m, const grove__letter *l)
{
  return grove__mailbox_is_accounted(m) && l->life == m->counted && l->kind == GROVE__LETTER_PLAIN;
}

// Tells those who wait, as many as there is room for: not one for each letter, but when a good part has been taken, unless
// there is no telling when the next one will be.
static void make_room_locked(grove__mailbox *m, bool for_any)
{
  uint32_t limit = grove__mailbox_limit(m), n = grove__mailbox_plain(m);
  if (n && (n >= limit || (!for_any && n > limit - (limit + 3) / 4))) {
    return;
  }
  grove__mailbox_fire_locked(m, n ? limit - n : UINT32_MAX);
  m->waits = m->waiters_first != NULL;
}

// Where one is counted that the word does not count.
static _Atomic uint32_t *beside(grove__mailbox *m, const grove__letter *l)
{
  return l->kind == GROVE__LETTER_PLAIN ? &m->loose : &m->lasting;
}

// One that waits no longer, in no list any more.
static void uncount_locked(grove__mailbox *m, const grove__letter *l)
{
  if (l->counted) {
    add_popped(m, 1);
  } else { // relaxed: its sender's addition was before it
    atomic_fetch_sub_explicit(beside(m, l), 1, memory_order_relaxed);
  }
  if (on_account(m, l)) {
    grove__mailbox_account_locked(m, -1, -(int64_t)l->bytes);
    grove__mailbox_fire_locked(m, 1);
    // The one that was told may have given up meanwhile; so when nothing is left to be taken, nobody may
    // still wait to be told.
    grove__mailbox_fire_locked(m, grove__mailbox_ready(m) == 0 ? UINT32_MAX : 0);
  } else if (m->waits) {
    make_room_locked(m, false);
  }
}

// ---- taking --------------------------------------------------------------------------------------------

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

// Takes what is in the word into the lists.
static void take_all_locked(grove__mailbox *m)
{
  // Relaxed: a look. What is pushed after it makes the task run again, or keeps it from going to rest.
  if (!(atomic_load_explicit(m->word, memory_order_relaxed) & GROVE__WORD_LETTERS)) {
    return;
  }
  atomic_store_explicit(&m->high, false, memory_order_relaxed); // a hint
  // ORDER acquire: the letters are there. PAIRS push. Release: what the consumer counted, for who pushes next.
  receive_locked(m, atomic_fetch_and_explicit(m->word, ~GROVE__WORD_LETTERS, memory_order_acq_rel));
}

static void receive_locked(grove__mailbox *m, uint64_t word)
{
  grove__letter *reversed = NULL;
  uint64_t bytes = 0;
  uint32_t n = 0;
  for (grove__letter *l = grove__word_letters(word), *next; l; l = next) {
    next = l->next;
    l->next = reversed;
    reversed = l;
    bytes += l->bytes;
    n++;
  }
  if (n) {
    add_taken(m, n, bytes);
  }
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

// The letter that `*at` points to, out of its lane; `before` it, NULL: it is the first.
static grove__letter *take_at(grove__mailbox *m, grove__letter **at, grove__letter *before)
{
  grove__letter *l = *at;
  if (l->next) {
    __builtin_prefetch(l->next);
  } else {
    m->last[l->lane] = before;
  }
  *at = l->next;
  add(&m->taken, UINT32_MAX); // one less
  return l;
}

static grove__letter *take_first(grove__mailbox *m, int lane)
{
  if (!m->first[lane]) {
    return NULL;
  }
  grove__letter *l = take_at(m, &m->first[lane], NULL);
  uncount_locked(m, l);
  return l;
}

// The first that may be dropped.
static grove__letter *take_plain(grove__mailbox *m, int lane)
{
  grove__letter **at = &m->first[lane], *before = NULL;
  while (*at && (*at)->kind != GROVE__LETTER_PLAIN) {
    before = *at;
    at = &before->next;
  }
  if (!*at) {
    return NULL;
  }
  grove__letter *l = take_at(m, at, before);
  uncount_locked(m, l);
  return l;
}

static grove__letter *take_locked(grove__mailbox *m, bool normal_first)
{
  grove__letter *end = m->first[GROVE__LANE_NORMAL];
  if (normal_first && end && end->kind == GROVE__LETTER_END && m->first[GROVE__LANE_HIGH]) {
    m->first[GROVE__LANE_NORMAL] = end->next;
    end->lane = GROVE__LANE_HIGH; // behind those that are there
    append(m, end);
    normal_first = false;
  }
  grove__letter *l = take_first(m, normal_first ? GROVE__LANE_NORMAL : GROVE__LANE_HIGH);
  l = l ? l : take_first(m, normal_first ? GROVE__LANE_HIGH : GROVE__LANE_NORMAL);
  if (!l && m->waits) {
    make_room_locked(m, true);
  }
  return l;
}

static grove__letter *pop_locked(grove__mailbox *m)
{
  // Relaxed: a hint. A high letter that is missed now is seen before the next letter, and a normal one is looked for while
  // high ones are taken.
  if (!m->first[GROVE__LANE_NORMAL] ||
      atomic_load_explicit(&m->high, memory_order_relaxed)) {
    take_all_locked(m);
  }
  return take_locked(m, normal_is_due(m));
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
  grove__mutex_lock(&m->lock);
  if (m->waits) {
    make_room_locked(m, true);
  }
  grove__mutex_unlock(&m->lock);
}

// The first of a lane that was put back, out of that list; NULL: none. It still counts.
static grove__letter *unlist_kept(grove__mailbox *m, int lane)
{
  grove__letter *before = NULL, *l = m->kept_first;
  for (; l && l->lane != lane; l = l->next) {
    before = l;
  }
  if (l) {
    *(before ? &before->next : &m->kept_first) = l->next;
    m->kept_last = m->kept_last == l ? before : m->kept_last;
    add_kept(m, UINT32_MAX, (uint64_t)0 - l->bytes);
  }
  return l;
}

static grove__letter *drop_kept(grove__mailbox *m, int lane)
{
  grove__letter *l = unlist_kept(m, lane);
  if (l) {
    uncount_locked(m, l);
  }
  return l;
}

grove__letter *grove__mailbox_pop_lowest(grove__mailbox *m)
{
  grove__mutex_lock(&m->lock);
  take_all_locked(m);
  grove__letter *l = NULL;
  for (int lane = GROVE__LANES; !l && lane-- > 0;) {
    l = drop_kept(m, lane); // older than any in the lanes
    l = l ? l : take_plain(m, lane);
  }
  if (!l && m->waits) {
    make_room_locked(m, true);
  }
  grove__mutex_unlock(&m->lock);
  return l;
}

bool grove__mailbox_is_over(grove__mailbox *m)
{
  uint32_t n = grove__mailbox_plain(m);
  uint64_t b = grove__mailbox_bytes(m);
  bool over = n > grove__mailbox_limit(m);
  if (!over && grove__mailbox_is_accounted(m)) {
    grove__mutex_lock(&m->lock);
    over = n > 1 && ((m->bytes_limit && b > m->bytes_limit) ||
                        (m->budget && m->beside + b > m->budget));
    grove__mutex_unlock(&m->lock);
  }
  return over;
}

// Counts a list of letters off, all at once, and gives where it ends.
static grove__letter **count_off_locked(grove__mailbox *m, grove__letter **list)
{
  uint32_t counted = 0, on = 0;
  uint64_t bytes = 0;
  for (; *list; list = &(*list)->next) {
    counted += (*list)->counted;
    if (!(*list)->counted) {
      atomic_fetch_sub_explicit(beside(m, *list), 1, memory_order_relaxed); // see uncount_locked
    }
    if (on_account(m, *list)) {
      on++;
      bytes += (*list)->bytes;
    }
  }
  add_popped(m, counted);
  grove__mailbox_account_locked(m, -(int32_t)on, -(int64_t)bytes);
  return list;
}

grove__letter *grove__mailbox_pop_all(grove__mailbox *m)
{
  grove__letter *all = NULL, **end = &all;
  grove__mutex_lock(&m->lock);
  take_all_locked(m);
  for (grove__letter *l = m->kept_first; l; l = l->next) {
    add_kept(m, UINT32_MAX, (uint64_t)0 - l->bytes); // not those whose place is kept, but that are not back yet
  }
  *end = m->kept_first;
  m->kept_first = m->kept_last = NULL;
  end = count_off_locked(m, end);
  for (int lane = 0; lane < GROVE__LANES; lane++) {
    *end = m->first[lane];
    m->first[lane] = NULL;
    end = count_off_locked(m, end);
  }
  atomic_store_explicit(&m->taken, 0, memory_order_relaxed); // see add()
  grove__mailbox_fire_locked(m, UINT32_MAX);
  m->waits = false;
  grove__mutex_unlock(&m->lock);
  return all;
}

// ---- putting back --------------------------------------------------------------------------------------

// Counts one letter more into the word; false: that can't tell more.
static bool count_in(grove__mailbox *m)
{
  // Relaxed, all of it: the lock is held, the exchange decides, and nothing is published by it.
  uint16_t popped = atomic_load_explicit(&m->popped, memory_order_relaxed);
  uint64_t word = atomic_load_explicit(m->word, memory_order_relaxed);
  do {
    if (grove__word_waiting(word, popped) >= GROVE__WORD_COUNT_MOST) {
      return false;
    }
  } while (!atomic_compare_exchange_weak_explicit(
      m->word, &word, grove__word_counted(word), memory_order_relaxed, memory_order_relaxed));
  return true;
}

grove_status grove__mailbox_keep_room(grove__mailbox *m, grove__letter *letter, bool force)
{
  grove__mutex_lock(&m->lock);
  uint64_t kept = atomic_load_explicit(&m->kept, memory_order_relaxed); // relaxed: the lock is held
  uint64_t bytes = atomic_load_explicit(&m->kept_bytes, memory_order_relaxed) + letter->bytes;
  bool fits = force || (kept + 2 <= grove__mailbox_limit(m) &&
                           (kept == 0 || ((!m->bytes_limit || bytes <= m->bytes_limit) &&
                                             (!m->budget || m->beside + bytes <= m->budget))));
  if (fits) {
    add_kept(m, 1, letter->bytes);
    letter->counted = count_in(m);
    if (!letter->counted) {
      atomic_fetch_add_explicit(&m->loose, 1, memory_order_relaxed); // the consumer's own
    }
    if (on_account(m, letter)) {
      grove__mailbox_account_locked(m, 1, letter->bytes);
    }
  }
  grove__mutex_unlock(&m->lock);
  return fits ? GROVE_OK : GROVE_EAGAIN;
}

void grove__mailbox_keep(grove__mailbox *m, grove__letter *letter)
{
  grove__mutex_lock(&m->lock);
  letter->next = NULL;
  if (m->kept_first) {
    m->kept_last->next = letter;
  } else {
    m->kept_first = letter;
  }
  m->kept_last = letter;
  grove__mutex_unlock(&m->lock);
}

grove__letter *grove__mailbox_take_kept(grove__mailbox *m)
{
  grove__mutex_lock(&m->lock);
  grove__letter *l = m->kept_first;
  if (l) {
    m->kept_first = l->next;
  }
  grove__mutex_unlock(&m->lock);
  return l;
}

void grove__mailbox_forgo(grove__mailbox *m, grove__letter *letter)
{
  grove__mutex_lock(&m->lock);
  add_kept(m, UINT32_MAX, (uint64_t)0 - letter->bytes);
  uncount_locked(m, letter);
  grove__mutex_unlock(&m->lock);
}

// In front of the letters of a lane.
static void put_first(grove__mailbox *m, int lane, grove__letter *first, grove__letter *last)
{
  if (last) {
    m->last[lane] = m->first[lane] ? m->last[lane] : last;
    last->next = m->first[lane];
    m->first[lane] = first;
  }
}

uint32_t grove__mailbox_listed(grove__mailbox *m)
{
  uint32_t n = 0;
  grove__mutex_lock(&m->lock);
  for (const grove__letter *l = m->kept_first; l; l = l->next) {
    n++;
  }
  grove__mutex_unlock(&m->lock);
  return n;
}

void grove__mailbox_return(grove__mailbox *m, grove__letter *letter)
{
  grove__mutex_lock(&m->lock);
  add_kept(m, UINT32_MAX, (uint64_t)0 - letter->bytes);
  add_taken(m, 1, letter->bytes);
  put_first(m, letter->lane, letter, letter);
  grove__mutex_unlock(&m->lock);
}

void grove__mailbox_unkeep(grove__mailbox *m)
{
  grove__letter *first[GROVE__LANES] = {NULL}, *last[GROVE__LANES] = {NULL};
  grove__mutex_lock(&m->lock);
  for (grove__letter *l = m->kept_first; l; l = l->next) {
    *(last[l->lane] ? &last[l->lane]->next : &first[l->lane]) = l;
    last[l->lane] = l;
    add_kept(m, UINT32_MAX, (uint64_t)0 - l->bytes);
    add_taken(m, 1, l->bytes);
  }
  m->kept_first = m->kept_last = NULL;
  for (int lane = 0; lane < GROVE__LANES; lane++) {
    put_first(m, lane, first[lane], last[lane]);
  }
  grove__mutex_unlock(&m->lock);
}
