// The mailbox as its consumer sees it: taking letters, telling who waits for room, putting letters back.
#include "queue/mailbox_quick.h"

// ---- counting ------------------------------------------------------------------------------------------

// The lists are the consumer's alone (fact 4), but what it takes from those of an accounted mailbox it takes under the lock, with
// its sums. What has _owned in its name is between the two.
static bool own(grove__mailbox *m)
{
  bool locks = grove__mailbox_is_accounted(m);
  if (locks) {
    grove__mutex_lock(&m->lock);
  }
  return locks;
}
static void disown(grove__mailbox *m, bool locks)
{
  if (locks) {
    grove__mutex_unlock(&m->lock);
  }
}

// Relaxed, all of them: the consumer alone writes; others want hints.
static void add(_Atomic uint32_t *n, uint32_t by)
{
  atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + by, memory_order_relaxed);
}
// So many letters, of so many bytes in all, have come into the lanes' lists; the first of them was sent then.
static void add_taken(grove__mailbox *m, uint32_t letters, uint64_t bytes, int64_t at)
{
  uint32_t before = atomic_load_explicit(&m->taken, memory_order_relaxed);
  if (before == 0) {
    atomic_store_explicit(&m->taken_at, grove__mailbox_time(at), memory_order_relaxed);
  }
  uint32_t all = before + letters;
  bytes += before ? grove__mailbox_share(m, before) : 0;
  atomic_store_explicit(&m->lot_each, (uint32_t)((bytes + all / 2) / all), memory_order_relaxed);
  m->lot = all < UINT8_MAX ? (uint8_t)all : UINT8_MAX;
  atomic_store_explicit(&m->taken, all, memory_order_relaxed);
}

// More that are put back, or (of UINT32_MAX) one less.
static void add_kept(grove__mailbox *m, uint32_t letters, uint64_t bytes)
{
  grove__mailbox_rest *r = grove__mailbox_rest_lent(m);
  add(&r->kept, letters);
  atomic_store_explicit(&r->kept_bytes,
      atomic_load_explicit(&r->kept_bytes, memory_order_relaxed) + bytes, memory_order_relaxed);
}

// The account is of one life: a letter that was pushed for the life before, by who found it without account, was never
// added.
static bool on_account(const grove__mailbox *m, const grove__letter *l)
{
  return grove__mailbox_is_accounted(m) && l->life == grove__mailbox_rest_of(m)->counted && l->kind == GROVE__LETTER_PLAIN;
}

void grove__mailbox_make_room(grove__mailbox *m, bool for_any)
{
  uint32_t limit = grove__mailbox_limit(m), n = grove__mailbox_plain(m);
  if (n && (n >= limit || (!for_any && n > limit - (limit + 3) / 4))) {
    return;
  }
  grove__mutex_lock(&m->lock);
  grove__mailbox_fire_locked(m, n ? limit - n : UINT32_MAX);
  atomic_store_explicit(&m->waits, grove__mailbox_rest_of(m)->waiters_first != NULL, memory_order_relaxed); // written under the lock
  grove__mutex_unlock(&m->lock);
}

static inline bool somebody_waits(const grove__mailbox *m)
{
  return atomic_load_explicit(&m->waits, memory_order_relaxed); // relaxed: fact 3 sees to it
}

// Tells what it has popped, and who waits. Whoever begins to wait after that is seen by the exchange that follows.
static void tell_all(grove__mailbox *m)
{
  grove__mailbox_tell_popped(m);
  if (somebody_waits(m) && !grove__mailbox_is_accounted(m)) {
    grove__mailbox_make_room(m, true);
  }
}

// Where one is counted that the word does not count.
static _Atomic uint32_t *beside(grove__mailbox *m, const grove__letter *l)
{
  return l->kind == GROVE__LETTER_PLAIN ? &m->loose : &m->lasting;
}

static void take_off_account_locked(grove__mailbox *m, const grove__letter *l)
{
  grove__mailbox_account_locked(m, -1, -(int64_t)l->bytes);
  grove__mailbox_fire_locked(m, 1);
  // The one that was told may have given up meanwhile; so when nothing is left to be taken, nobody may
  // still wait to be told.
  grove__mailbox_fire_locked(m, grove__mailbox_ready(m) == 0 ? UINT32_MAX : 0);
}

// One that waits no longer, in no list any more.
static inline void uncount_owned(grove__mailbox *m, const grove__letter *l)
{
  if (l->counted) {
    grove__mailbox_tell_popped_and(m, 1);
  } else { // relaxed: its sender's addition was before it
    atomic_fetch_sub_explicit(beside(m, l), 1, memory_order_relaxed);
  }
  if (on_account(m, l)) {
    take_off_account_locked(m, l);
  } else if (somebody_waits(m) && !grove__mailbox_is_accounted(m)) {
    grove__mailbox_make_room(m, false);
  }
}

// ---- taking --------------------------------------------------------------------------------------------

// The first of the high lane, or NULL.
static inline grove__letter *first_high(const grove__mailbox *m)
{
  return m->high_last ? m->high_last->next : NULL;
}

// In front of the letters of a lane.
static void put_first(grove__mailbox *m, int lane, grove__letter *first, grove__letter *last)
{
  if (lane == GROVE__LANE_HIGH) {
    grove__letter *end = m->high_last ? m->high_last : last;
    last->next = m->high_last ? m->high_last->next : first;
    end->next = first;
    m->high_last = end;
  } else {
    m->last = m->first ? m->last : last;
    last->next = m->first;
    m->first = first;
  }
}

static inline void append(grove__mailbox *m, grove__letter *l)
{
  if (l->lane == GROVE__LANE_HIGH) {
    put_first(m, GROVE__LANE_HIGH, l, l); // of a ring that is behind the last
    m->high_last = l;
    return;
  }
  l->next = NULL;
  *(m->first ? &m->last->next : &m->first) = l;
  m->last = l;
}

static void receive_owned(grove__mailbox *m, uint64_t word)
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
    add_taken(m, n, bytes, reversed->at);
  }
  for (grove__letter *next; reversed; reversed = next) {
    next = reversed->next;
    append(m, reversed);
  }
}

// Takes what is in the word into the lists.
static void take_all_owned(grove__mailbox *m)
{
  // Relaxed: a look. What is pushed after it makes the task run again, or keeps it from going to rest.
  if (!(atomic_load_explicit(grove__mailbox_word(m), memory_order_relaxed) & GROVE__WORD_LETTERS)) {
    return;
  }
  atomic_store_explicit(&m->high, false, memory_order_relaxed); // a hint
  // ORDER acquire: the letters are there. PAIRS push. Release: what the consumer counted, for who pushes next, and who
  // waits for room: PAIRS still_full_locked, whose mark is taken with them.
  receive_owned(m, atomic_fetch_and_explicit(grove__mailbox_word(m), ~GROVE__WORD_TAKEN, memory_order_acq_rel));
}

void grove__mailbox_receive(grove__mailbox *m, uint64_t word)
{
  if (grove__mailbox_receive_quickly(m, word)) {
    return;
  }
  bool locks = own(m);
  receive_owned(m, word);
  disown(m, locks);
  if (word & GROVE__WORD_WANTED && !locks) {
    tell_all(m); // it may rest again without a look at its letters
  }
}

static bool normal_is_due(grove__mailbox *m)
{
  _Static_assert(GROVE__HIGH_STREAK < UINT8_MAX, "high_streak");
  if (!m->high_last || !m->first) {
    m->high_streak = 0;
  } else if (m->high_streak++ >= GROVE__HIGH_STREAK) {
    m->high_streak = 0;
    return true;
  }
  return false;
}

// A letter out of its lane; `before` it: of the first, NULL in the normal lane, and the last in the high one.
static inline grove__letter *take_letter(grove__mailbox *m, grove__letter *l, grove__letter *before)
{
  grove__letter *next = l->next;
  if (l->lane == GROVE__LANE_HIGH) {
    before->next = next;
    m->high_last = l == before ? NULL : l == m->high_last ? before : m->high_last;
  } else {
    *(before ? &before->next : &m->first) = next;
    m->last = next ? m->last : before;
  }
  if (next) {
    __builtin_prefetch(next);
  }
  add(&m->taken, UINT32_MAX); // one less
  atomic_store_explicit(&m->taken_at, grove__mailbox_time(l->at), memory_order_relaxed); // about the same as the next one's
  uncount_owned(m, l);
  return l;
}

static inline grove__letter *take_first(grove__mailbox *m, int lane)
{
  grove__letter *l = lane == GROVE__LANE_HIGH ? first_high(m) : m->first;
  return l ? take_letter(m, l, lane == GROVE__LANE_HIGH ? m->high_last : NULL) : NULL;
}

// The first that may be dropped.
static grove__letter *take_plain(grove__mailbox *m, int lane)
{
  grove__letter *end = lane == GROVE__LANE_HIGH ? m->high_last : NULL, *before = end;
  grove__letter *l = lane == GROVE__LANE_HIGH ? first_high(m) : m->first;
  while (l && l->kind != GROVE__LETTER_PLAIN) {
    before = l;
    l = l == end ? NULL : l->next;
  }
  return l ? take_letter(m, l, before) : NULL;
}

static grove__letter *take_of_two_lanes(grove__mailbox *m)
{
  bool normal_first = normal_is_due(m);
  grove__letter *end = m->first;
  if (normal_first && end && end->kind == GROVE__LETTER_END && m->high_last) {
    m->first = end->next;
    end->lane = GROVE__LANE_HIGH; // behind those that are there
    append(m, end);
    normal_first = false;
  }
  grove__letter *l = take_first(m, normal_first ? GROVE__LANE_NORMAL : GROVE__LANE_HIGH);
  return l ? l : take_first(m, normal_first ? GROVE__LANE_HIGH : GROVE__LANE_NORMAL);
}

static grove__letter *pop_owned(grove__mailbox *m)
{
  // Relaxed: a hint. A high letter that is missed now is seen before the next letter, and a normal one is looked for while
  // high ones are taken.
  if (!m->first || atomic_load_explicit(&m->high, memory_order_relaxed)) {
    take_all_owned(m);
  }
  if (!m->high_last) { // most are never sent any
    m->high_streak = 0;
    return take_first(m, GROVE__LANE_NORMAL);
  }
  return take_of_two_lanes(m);
}

grove__letter *grove__mailbox_pop(grove__mailbox *m)
{
  grove__letter *l = grove__mailbox_pop_quickly(m);
  if (l) {
    return l;
  }
  bool locks = own(m);
  l = pop_owned(m);
  disown(m, locks);
  if (!l) {
    tell_all(m);
  }
  return l;
}

void grove__mailbox_settle(grove__mailbox *m)
{
  grove__mailbox_tell_popped(m);
  // ORDER acq_rel: of who marks the word before this `waits` is seen; who marks it after sees what was popped: fact 3.
  // PAIRS still_full_locked.
  atomic_fetch_and_explicit(grove__mailbox_word(m), ~(uint64_t)GROVE__WORD_WANTED, memory_order_acq_rel);
  tell_all(m);
}

// The first of a lane that was put back, out of that list; NULL: none. It still counts.
static grove__letter *unlist_kept(grove__mailbox *m, int lane)
{
  const grove__mailbox_rest *r = grove__mailbox_rest_of(m);
  grove__letter *before = NULL, *l = r->kept_first;
  for (; l && l->lane != lane; l = l->next) {
    before = l;
  }
  if (l) {
    grove__mailbox_rest *lent = grove__mailbox_rest_lent(m);
    *(before ? &before->next : &lent->kept_first) = l->next;
    lent->kept_last = lent->kept_last == l ? before : lent->kept_last;
    add_kept(m, UINT32_MAX, (uint64_t)0 - l->bytes);
  }
  return l;
}

static grove__letter *drop_kept(grove__mailbox *m, int lane)
{
  grove__letter *l = unlist_kept(m, lane);
  if (l) {
    uncount_owned(m, l);
  }
  return l;
}

grove__letter *grove__mailbox_pop_lowest(grove__mailbox *m)
{
  bool locks = own(m);
  take_all_owned(m);
  grove__letter *l = NULL;
  for (int lane = GROVE__LANES; !l && lane-- > 0;) {
    l = drop_kept(m, lane); // older than any in the lanes
    l = l ? l : take_plain(m, lane);
  }
  disown(m, locks);
  if (!l) {
    tell_all(m);
  }
  return l;
}

bool grove__mailbox_is_over(grove__mailbox *m)
{
  grove__mailbox_tell_popped(m);
  uint32_t n = grove__mailbox_plain(m);
  uint64_t b = grove__mailbox_bytes(m);
  bool over = n > grove__mailbox_limit(m);
  if (!over && grove__mailbox_is_accounted(m)) {
    const grove__mailbox_rest *r = grove__mailbox_rest_of(m);
    grove__mutex_lock(&m->lock);
    over = n > 1 && ((r->bytes_limit && b > r->bytes_limit) ||
                        (r->budget && r->beside + b > r->budget));
    grove__mutex_unlock(&m->lock);
  }
  return over;
}

// All that were put back, out of their list.
static grove__letter *take_kept_list(grove__mailbox *m)
{
  grove__letter *all = grove__mailbox_rest_of(m)->kept_first;
  if (all) {
    grove__mailbox_rest *r = grove__mailbox_rest_lent(m);
    r->kept_first = r->kept_last = NULL;
  }
  return all;
}

// Counts a list of letters off, all at once, and gives where it ends.
static grove__letter **count_off_locked(grove__mailbox *m, grove__letter **list)
{
  uint32_t counted = 0, on = 0;
  uint64_t bytes = 0;
  for (; *list; list = &(*list)->next) {
    counted += (*list)->counted;
    if (!(*list)->counted) {
      atomic_fetch_sub_explicit(beside(m, *list), 1, memory_order_relaxed); // see uncount_owned
    }
    if (on_account(m, *list)) {
      on++;
      bytes += (*list)->bytes;
    }
  }
  grove__mailbox_tell_popped_and(m, counted);
  if (on) {
    grove__mailbox_account_locked(m, -(int32_t)on, -(int64_t)bytes);
  }
  return list;
}

grove__letter *grove__mailbox_pop_all(grove__mailbox *m)
{
  grove__letter *all = NULL, **end = &all;
  grove__mutex_lock(&m->lock);
  take_all_owned(m);
  *end = take_kept_list(m);
  for (grove__letter *l = all; l; l = l->next) {
    add_kept(m, UINT32_MAX, (uint64_t)0 - l->bytes); // not those whose place is kept, but that are not back yet
  }
  end = count_off_locked(m, end);
  grove__letter *high = first_high(m);
  if (high) {
    m->high_last->next = NULL;
    m->high_last = NULL;
    *end = high;
    end = count_off_locked(m, end);
  }
  *end = m->first;
  m->first = NULL;
  (void)count_off_locked(m, end);
  grove__mailbox_tell_popped_and(m, m->given);
  m->given = 0;
  atomic_store_explicit(&m->taken, 0, memory_order_relaxed); // see add()
  grove__mailbox_fire_locked(m, UINT32_MAX);
  atomic_store_explicit(&m->waits, false, memory_order_relaxed); // written under the lock
  grove__mutex_unlock(&m->lock);
  return all;
}

grove__letter *grove__mailbox_pop_untaken(grove__mailbox *m, bool *rest)
{
  grove__letter *all = NULL;
  uint32_t on = 0;
  uint64_t bytes = 0;
  grove__mutex_lock(&m->lock);
  // ORDER acquire: the letters are there. PAIRS push.
  uint64_t word = atomic_fetch_and_explicit(grove__mailbox_word(m), ~GROVE__WORD_LETTERS, memory_order_acquire);
  for (grove__letter *l = grove__word_letters(word), *next; l; l = next) {
    next = l->next;
    l->next = all;
    all = l;
    m->given = (uint16_t)(m->given + l->counted); // `popped` is the consumer's
    if (!l->counted) {
      atomic_fetch_sub_explicit(beside(m, l), 1, memory_order_relaxed); // see uncount_owned
    }
    if (on_account(m, l)) {
      on++;
      bytes += l->bytes;
    }
  }
  if (on) {
    grove__mailbox_account_locked(m, -(int32_t)on, -(int64_t)bytes);
  }
  // Relaxed, both: what it takes out of the word from now on is none.
  *rest = atomic_load_explicit(&m->taken, memory_order_relaxed) ||
          atomic_load_explicit(&grove__mailbox_rest_of(m)->kept, memory_order_relaxed);
  grove__mutex_unlock(&m->lock);
  return all;
}

// ---- putting back --------------------------------------------------------------------------------------

// Counts one letter more into the word; false: that can't tell more.
static bool count_in(grove__mailbox *m)
{
  grove__mailbox_tell_popped(m);
  // Relaxed, all of it: the exchange decides, and nothing is published by it.
  uint16_t popped = atomic_load_explicit(&m->popped, memory_order_relaxed);
  uint64_t word = atomic_load_explicit(grove__mailbox_word(m), memory_order_relaxed);
  do {
    if (grove__word_waiting(word, popped) >= GROVE__WORD_COUNT_MOST) {
      return false;
    }
  } while (!atomic_compare_exchange_weak_explicit(
      grove__mailbox_word(m), &word, grove__word_counted(word), memory_order_relaxed, memory_order_relaxed));
  return true;
}

grove_status grove__mailbox_keep_room(grove__mailbox *m, grove__letter *letter, bool force)
{
  bool locks = own(m);
  const grove__mailbox_rest *r = grove__mailbox_rest_of(m);
  uint64_t kept = atomic_load_explicit(&r->kept, memory_order_relaxed); // relaxed: its own
  uint64_t bytes = atomic_load_explicit(&r->kept_bytes, memory_order_relaxed) + letter->bytes;
  // Without account there is no limit of bytes and no budget.
  bool fits = force || (kept + 2 <= grove__mailbox_limit(m) &&
                           (kept == 0 || !locks || ((!r->bytes_limit || bytes <= r->bytes_limit) &&
                                             (!r->budget || r->beside + bytes <= r->budget))));
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
  disown(m, locks);
  return fits ? GROVE_OK : GROVE_EAGAIN;
}

void grove__mailbox_keep(grove__mailbox *m, grove__letter *letter)
{
  grove__mailbox_rest *r = grove__mailbox_rest_lent(m);
  letter->next = NULL;
  if (r->kept_first) {
    r->kept_last->next = letter;
  } else {
    r->kept_first = letter;
    atomic_store_explicit(&r->kept_at, letter->at, memory_order_relaxed); // for people
  }
  r->kept_last = letter;
}

grove__letter *grove__mailbox_take_kept(grove__mailbox *m)
{
  grove__letter *l = grove__mailbox_rest_of(m)->kept_first;
  if (l) {
    grove__mailbox_rest_lent(m)->kept_first = l->next;
  }
  return l;
}

void grove__mailbox_forgo(grove__mailbox *m, grove__letter *letter)
{
  bool locks = own(m);
  add_kept(m, UINT32_MAX, (uint64_t)0 - letter->bytes);
  uncount_owned(m, letter);
  disown(m, locks);
}

uint32_t grove__mailbox_listed(const grove__mailbox *m)
{
  uint32_t n = 0;
  for (const grove__letter *l = grove__mailbox_rest_of(m)->kept_first; l; l = l->next) {
    n++;
  }
  return n;
}

void grove__mailbox_return(grove__mailbox *m, grove__letter *letter)
{
  add_kept(m, UINT32_MAX, (uint64_t)0 - letter->bytes);
  add_taken(m, 1, letter->bytes, letter->at);
  put_first(m, letter->lane, letter, letter);
}

void grove__mailbox_unkeep(grove__mailbox *m)
{
  grove__letter *first[GROVE__LANES] = {NULL}, *last[GROVE__LANES] = {NULL};
  for (grove__letter *l = take_kept_list(m); l; l = l->next) {
    *(last[l->lane] ? &last[l->lane]->next : &first[l->lane]) = l;
    last[l->lane] = l;
    add_kept(m, UINT32_MAX, (uint64_t)0 - l->bytes);
    add_taken(m, 1, l->bytes, l->at);
  }
  for (int lane = 0; lane < GROVE__LANES; lane++) {
    if (last[lane]) {
      put_first(m, lane, first[lane], last[lane]);
    }
  }
}
