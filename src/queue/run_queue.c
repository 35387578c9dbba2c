#include "queue/run_queue.h"
#include "plat/barrier.h"
#include <string.h>

grove_status grove__run_queue_init(grove__run_queue *q)
{
  memset(q, 0, sizeof *q);
  GROVE__TRY(grove__deque_init(&q->fresh));
  grove_status s = grove__deque_init(&q->unborn);
  if (s) {
    grove__deque_deinit(&q->fresh);
    return s;
  }
  s = grove__mutex_init(&q->lock);
  if (s) {
    grove__deque_deinit(&q->unborn);
    grove__deque_deinit(&q->fresh);
  }
  return s;
}

void grove__run_queue_deinit(grove__run_queue *q)
{
  grove__mutex_deinit(&q->lock);
  grove__deque_deinit(&q->unborn);
  grove__deque_deinit(&q->fresh);
}

// Relaxed: one writer at a time; others want a hint.
static void add(_Atomic uint32_t *count, uint32_t by)
{
  atomic_store_explicit(
      count, atomic_load_explicit(count, memory_order_relaxed) + by, memory_order_relaxed);
}

static uint32_t hint(const _Atomic uint32_t *count)
{
  return atomic_load_explicit(count, memory_order_relaxed); // relaxed: a hint
}

// Something is there beside the slot: said when it is there.
static void say_more(grove__run_queue *q)
{
  // ORDER release: who clears it sees what was put there. PAIRS look_for_others.
  atomic_store_explicit(&q->more, true, memory_order_release);
}

// Whether there is anything beside the slot; and if not, so says. The owner's.
static bool look_for_others(grove__run_queue *q)
{
  if (grove__run_queue_others_wait(q) || !grove__run_queue_may_have_others(q)) {
    return grove__run_queue_may_have_others(q);
  }
  // ORDER acquire: what was put there by who said so before is seen below; who says so later is not unsaid. PAIRS say_more.
  (void)atomic_exchange_explicit(&q->more, false, memory_order_acquire);
  bool any = hint(&q->open_count) || hint(&q->pinned_count); // the rest is its own
  if (any) {
    say_more(q);
  }
  return any;
}

uint32_t grove__run_queue_push(grove__run_queue *q, grove__run_node *n)
{
  uint32_t before = grove__run_queue_deques(q) +
                    (atomic_load_explicit(&q->slot, memory_order_relaxed) != NULL); // a hint
  grove__mutex_lock(&q->lock);
  before += hint(&q->open_count);
  grove__run_list_push(&q->open, n);
  add(&q->open_count, 1);
  say_more(q);
  grove__mutex_unlock(&q->lock);
  return before;
}

void grove__run_queue_push_pinned(grove__run_queue *q, grove__run_node *n)
{
  grove__mutex_lock(&q->lock);
  grove__run_list_push(&q->pinned, n);
  add(&q->pinned_count, 1);
  say_more(q);
  grove__mutex_unlock(&q->lock);
}

void grove__run_queue_push_mine(grove__run_queue *q, grove__run_node *n, bool last)
{
  grove__run_list_push(last ? &q->later : &q->mine, n);
  add(&q->mine_count, 1);
  say_more(q);
}

// The older half of the unborn, to the end of the list.
static void spill(grove__run_queue *q)
{
  grove__run_node *n;
  grove__mutex_lock(&q->lock);
  q->spilled_since = q->spilled.first ? q->spilled_since : q->now;
  for (int i = 0; i < GROVE__DEQUE_ROOM / 2 && (n = grove__deque_steal(&q->unborn)); i++) {
    grove__run_list_push(&q->spilled, n);
    add(&q->spilled_count, 1);
  }
  grove__mutex_unlock(&q->lock);
}

static void push_unborn(grove__run_queue *q, grove__run_node *n)
{
  uint64_t at = atomic_load_explicit(&q->unborn.tail, memory_order_relaxed); // relaxed: the owner's own
  while (!grove__deque_push(&q->unborn, n)) { // once: nobody else pushes
    spill(q);
  }
  q->unborn_since[at % GROVE__DEQUE_ROOM] = q->now; // read by the owner alone
  say_more(q);
}

bool grove__run_queue_push_slot(grove__run_queue *q, grove__run_node *n)
{
  // Relaxed: the owner alone fills it: what looks empty stays so until it does. If it looks full the exchange decides.
  grove__run_node *old = atomic_load_explicit(&q->slot, memory_order_relaxed);
  if (old && n->unborn) { // what was woken stays; and of two unborn ones the second need not be exchanged for the first
    old = n;
  } else if (!old) {
    // ORDER release: publishes the task to a thief. PAIRS grove__run_queue_take_slot.
    atomic_store_explicit(&q->slot, n, memory_order_release);
  } else {
    // ORDER acq_rel: the same, and receives the one that was there. PAIRS grove__run_queue_take_slot.
    old = atomic_exchange_explicit(&q->slot, n, memory_order_acq_rel);
  }
  if (old && old->unborn) {
    push_unborn(q, old);
  } else if (old && !grove__deque_push(&q->fresh, old)) {
    (void)grove__run_queue_push(q, old);
  } else if (old) {
    say_more(q);
  }
  return old || hint(&q->open_count) || grove__run_queue_deques(q);
}

static grove__run_node *take_listed(
    grove__run_queue *q, grove__run_list *list, _Atomic uint32_t *count)
{
  if (hint(count) == 0) {
    return NULL; // only others can have pushed meanwhile, and they wake who is to see it
  }
  grove__mutex_lock(&q->lock);
  grove__run_node *n = grove__run_list_pop(list);
  if (n) {
    add(count, UINT32_MAX); // one less
  }
  grove__mutex_unlock(&q->lock);
  return n;
}

static grove__run_node *at_home(const grove__run_queue *q, grove__run_node *n)
{
  if (n) {
    n->home = q->owner;
  }
  return n;
}

static grove__run_node *take_open(grove__run_queue *q)
{
  return take_listed(q, &q->open, &q->open_count);
}

static grove__run_node *take_mine(grove__run_queue *q, grove__run_list *list)
{
  grove__run_node *n = grove__run_list_pop(list);
  if (n) {
    add(&q->mine_count, UINT32_MAX); // one less
  }
  return at_home(q, n);
}

// Its own pinned and those of others take turns, with all that there are of one at a time: the lists are short.
static grove__run_node *take_pinned(grove__run_queue *q)
{
  grove__run_node *n = q->turn & 2 ? NULL : take_listed(q, &q->pinned, &q->pinned_count);
  n = n ? n : take_mine(q, &q->mine);
  return at_home(q, n ? n : take_listed(q, &q->pinned, &q->pinned_count));
}

static grove__run_node *take_later(grove__run_queue *q)
{
  return take_mine(q, &q->later);
}

// Whether the oldest of the lives that have not begun has waited for too long, and so has not been the case for a while. As what is
// made later comes first, all that the last such one has made has begun when no more are there than it left: a tree that is
// begun while others are not finished would hold all that these hold as well.
static bool unborn_is_late(const grove__run_queue *q)
{
  uint32_t spilled = hint(&q->spilled_count), n = grove__run_queue_unborn(q);
  // Relaxed: a hint, of which of two comes next. Others may take it meanwhile.
  uint64_t head = atomic_load_explicit(&q->unborn.head, memory_order_relaxed);
  int64_t oldest = spilled ? q->spilled_since : q->unborn_since[head % GROVE__DEQUE_ROOM], since = q->now - q->unborn_late;
  return n && since >= 0 && q->now - oldest > GROVE__UNBORN_NS &&
         (n <= q->unborn_left || since >= GROVE__UNBORN_MOST_NS - GROVE__UNBORN_EACH_NS);
}

static grove__run_node *take_spilled(grove__run_queue *q)
{
  return take_listed(q, &q->spilled, &q->spilled_count);
}

static grove__run_node *oldest_unborn(grove__run_queue *q)
{
  grove__run_node *n = take_spilled(q);
  return n ? n : grove__deque_steal(&q->unborn);
}

static grove__run_node *newest_unborn(grove__run_queue *q)
{
  grove__run_node *n = grove__deque_pop(&q->unborn);
  return n ? n : take_spilled(q);
}

static grove__run_node *take_unborn(grove__run_queue *q)
{
  if (!unborn_is_late(q)) {
    return newest_unborn(q);
  }
  grove__run_node *n = oldest_unborn(q);
  q->unborn_late = q->now + GROVE__UNBORN_EACH_NS;
  q->unborn_left = grove__run_queue_unborn(q);
  return n;
}

static grove__run_node *take_newest(grove__run_queue *q)
{
  grove__run_node *n = grove__deque_pop(&q->fresh);
  return n ? n : newest_unborn(q);
}

static grove__run_node *take_oldest(grove__run_queue *q)
{
  return grove__deque_steal(&q->fresh);
}

typedef grove__run_node *take_fn(grove__run_queue *q);
enum { WAYS = 5 };

// What is not in the slot: the first of five kinds that there is, in an order that changes from turn to turn.
static grove__run_node *take_other(grove__run_queue *q)
{
  static take_fn *const pinned[WAYS] = {take_pinned, take_newest, take_open, take_later};
  static take_fn *const open[WAYS] = {take_open, take_pinned, take_newest, take_later};
  static take_fn *const oldest[WAYS] = {take_oldest, take_pinned, take_open, take_newest, take_later};
  static take_fn *const unborn[WAYS] = {take_unborn, take_newest, take_open, take_pinned, take_later};
  static take_fn *const later[WAYS] = {take_later, take_newest, take_open, take_pinned};
  static take_fn *const *const turns[] = {pinned, open, pinned, oldest, pinned, unborn, later, oldest};
  _Static_assert(GROVE__COUNT(turns) == GROVE__OPEN_TURN && GROVE__OPEN_TURN == 2 * GROVE__OLDEST_TURN, "as many as there are");
  take_fn *const *way = turns[q->turn++ % GROVE__OPEN_TURN];
  grove__run_node *n = NULL;
  for (int i = 0; i < WAYS && way[i] && !n; i++) {
    n = way[i](q);
  }
  return n;
}

grove__run_node *grove__run_queue_pop(grove__run_queue *q)
{
  grove__run_node *n = grove__run_queue_pop_slot(q);
  if (n) {
    return n;
  }
  bool others = look_for_others(q);
  q->streak = 0;
  n = others ? take_other(q) : NULL;
  return n ? n : grove__run_queue_take_slot(q); // the others were stolen meanwhile, or long ago
}

// See the opening comment of run_queue.h.
static grove__run_node *steal_slot(grove__run_queue *q)
{
  // Relaxed: a look.
  if (!atomic_load_explicit(&q->slot, memory_order_relaxed)) {
    return NULL;
  }
  if (!q->barrier) {
    return atomic_exchange_explicit(&q->slot, NULL, memory_order_acquire); // PAIRS grove__run_queue_fill_slot
  }
  bool thief = false;
  // ORDER acquire: one thief after the other. PAIRS the store below.
  if (!atomic_compare_exchange_strong_explicit(
          &q->thief, &thief, true, memory_order_acquire, memory_order_relaxed)) {
    return NULL;
  }
  // ORDER acquire: what the owner left in the slot, and the task. PAIRS grove__run_queue_take_slot, grove__run_queue_fill_slot.
  bool claimed = !grove__barrier_all() || atomic_load_explicit(&q->claim, memory_order_acquire);
  grove__run_node *n = claimed ? NULL : atomic_exchange_explicit(&q->slot, NULL, memory_order_acquire);
  // ORDER release: PAIRS grove__run_queue_take_slot.
  atomic_store_explicit(&q->thief, false, memory_order_release);
  return n;
}

grove__run_node *grove__run_queue_steal(grove__run_queue *q, bool slot_too)
{
  grove__run_node *n = grove__deque_steal(&q->fresh);
  n = n ? n : take_open(q);
  n = n ? n : oldest_unborn(q);
  return n || !slot_too ? n : steal_slot(q);
}

// Up to half of the open list, as a list; its length. Each is touched, but is about to be run here.
static uint32_t take_half(grove__run_queue *q, grove__run_list *out)
{
  enum { MOST = 64 };
  uint32_t n = 0;
  *out = (grove__run_list){NULL, NULL};
  grove__mutex_lock(&q->lock);
  uint32_t most = (hint(&q->open_count) + 1) / 2;
  for (grove__run_node *x; n < most && n < MOST && (x = grove__run_list_pop(&q->open)); n++) {
    grove__run_list_push(out, x);
  }
  add(&q->open_count, 0 - n);
  grove__mutex_unlock(&q->lock);
  return n;
}

static void push_list(grove__run_queue *q, grove__run_list list, uint32_t n)
{
  grove__mutex_lock(&q->lock);
  *(q->open.first ? &q->open.last->next : &q->open.first) = list.first;
  q->open.last = list.last;
  add(&q->open_count, n);
  say_more(q);
  grove__mutex_unlock(&q->lock);
}

grove__run_node *grove__run_queue_steal_some(grove__run_queue *q, grove__run_queue *mine, bool slot_too, bool *more)
{
  enum { MANY = 8 };
  grove__run_list list;
  *more = false;
  if (hint(&q->open_count) < MANY || grove__deque_length(&q->fresh)) {
    return grove__run_queue_steal(q, slot_too);
  }
  uint32_t taken = take_half(q, &list);
  grove__run_node *n = grove__run_list_pop(&list);
  *more = n && list.first;
  if (*more) {
    push_list(mine, list, taken - 1);
  }
  return n ? n : grove__run_queue_steal(q, slot_too);
}

bool grove__run_queue_waits(grove__run_queue *q, bool slot_too)
{
  grove__mutex_lock(&q->lock);
  bool waits = q->open.first || q->spilled.first;
  grove__mutex_unlock(&q->lock);
  // Relaxed: the slot waits for its owner; who asks for it looks again.
  return waits || grove__run_queue_deques(q) > 0 ||
         (slot_too && atomic_load_explicit(&q->slot, memory_order_relaxed));
}

bool grove__run_queue_waits_for_owner(grove__run_queue *q)
{
  grove__mutex_lock(&q->lock);
  bool pinned = q->pinned.first != NULL;
  grove__mutex_unlock(&q->lock);
  return pinned || q->mine.first || q->later.first || grove__run_queue_waits(q, true);
}
