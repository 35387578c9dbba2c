#include "actor/cell.h"
#include "base/random.h"
#include <math.h>

static grove_status init(void *annex, uint32_t index, void *system)
{
  (void)system;
  grove__annex *x = annex;
  x->index = index;
  grove__own_face(x);
  return GROVE_OK;
}

grove_status grove__annexes_init(grove__system *y)
{
  uint32_t index;
  bool limit;
  // No limit of its own: no more than cells, and the runtime's.
  GROVE__TRY(grove__slab_init(&y->annexes, grove__memory_of(y->memory, GROVE__MEMORY_ACTORS),
      sizeof(grove__annex), UINT32_MAX - 1024));
  y->annexes.init = init;
  grove__annex *x = grove__slab_take(&y->annexes, &index, &limit);
  if (!x) {
    grove__slab_deinit(&y->annexes);
    return GROVE_ENOMEM;
  }
  double none = (double)NAN;
  uint64_t bits;
  memcpy(&bits, &none, sizeof bits);
  atomic_store_explicit(&x->progress, bits, memory_order_relaxed); // nobody else is there yet
  y->policy->defaults(&x->spec);
  x->end_when = INT64_MAX;
  y->no_annex = x;
  return GROVE_OK;
}

void grove__annexes_deinit(grove__system *y)
{
  grove__slab_deinit(&y->annexes);
}

// As the runtime's is: whoever reads either sees the same.
static void fill(grove__annex *x, grove__cell *c)
{
  const grove__annex *none = grove__cell_system(c)->no_annex;
  // Relaxed, all of them: published with the annex. Somebody may still look at the one whose it was.
  atomic_store_explicit(&x->cell, c, memory_order_relaxed);
  atomic_store_explicit(&x->life, grove__cell_life(c), memory_order_relaxed);
  atomic_store_explicit(&x->bytes, 0, memory_order_relaxed);
  atomic_store_explicit(&x->limit, 0, memory_order_relaxed);
  atomic_store_explicit(&x->stands_for, NULL, memory_order_relaxed);
  atomic_store_explicit(&x->progress,
      atomic_load_explicit(&none->progress, memory_order_relaxed), memory_order_relaxed);
  atomic_store_explicit(&x->texts, 0, memory_order_relaxed);
  atomic_store_explicit(&x->restarts, 0, memory_order_relaxed);
  atomic_store_explicit(&x->times, NULL, memory_order_relaxed);
  grove__mailbox_rest_init(&x->mailbox);
  size_t from = offsetof(grove__annex, timer_serials);
  memcpy((char *)x + from, (const char *)none + from, sizeof *x - from);
  // One that is not yet linked gets it then.
  x->place = grove__cell_is_linked(c) ? grove__annex_place(c) : 0;
}

uint64_t grove__annex_place(const grove__cell *c)
{
  return grove__mix64(grove__cell_annex(grove__cell_above(c))->place ^ grove__cell_number(c));
}

static grove__slab_cache *cache_of(grove__system *y)
{
  grove__worker *w = grove__sched_here(&y->sched);
  return grove__stash_slots(w ? &w->stash : NULL, GROVE__SLOTS_ANNEXES);
}

static grove__annex *make_locked(grove__cell *c, grove__slab_cache *cache)
{
  uint32_t index;
  bool limit;
  grove__annex *x = grove__slab_take_by(&grove__cell_system(c)->annexes, cache, &index, &limit);
  if (!x) {
    return NULL;
  }
  fill(x, c);
  grove__mailbox_extend(&c->mailbox, &x->mailbox); // publishes all of it
  return x;
}

grove__annex *grove__annex_make_locked(grove__cell *c)
{
  grove__annex *x = grove__annex_of(c);
  return x ? x : make_locked(c, cache_of(grove__cell_system(c)));
}

grove__annex *grove__annex_make_root(grove__cell *c)
{
  return make_locked(c, NULL); // nobody else is there, and no scheduler
}

grove__annex *grove__annex_make(grove__cell *c)
{
  grove__annex *x = grove__annex_of(c);
  if (x) {
    return x;
  }
  grove__mutex_lock(&c->lock);
  x = grove__annex_make_locked(c);
  grove__mutex_unlock(&c->lock);
  return x;
}

grove_status grove__annex_ensure(grove__cell *c, uint64_t life)
{
  grove__mutex_lock(&c->lock);
  grove_status s = !grove__cell_is_locked(c, life)    ? GROVE_ENOACTOR
                   : !grove__annex_make_locked(c) ? GROVE_ENOMEM
                                                  : GROVE_OK;
  grove__mutex_unlock(&c->lock);
  return s;
}

void grove__annex_give_locked(grove__cell *c)
{
  grove__annex *x = grove__annex_of(c);
  if (x) {
    // Relaxed: a block of its allocator that comes back later is counted against nobody.
    atomic_store_explicit(&x->life, 0, memory_order_relaxed);
    grove__mailbox_retract(&c->mailbox, &grove__cell_system(c)->no_annex->mailbox);
    grove__slab_give_by(&grove__cell_system(c)->annexes, cache_of(grove__cell_system(c)), x->index);
  }
}

// Of one that somebody has.
static grove__system *system_of(const grove__annex *x)
{
  return grove__cell_system(atomic_load_explicit(&x->cell, memory_order_relaxed)); // relaxed: constant for a life
}

void grove__annex_between(grove__annex *x, const grove_error *words)
{
  const grove_allocator *a = grove__memory_of(system_of(x)->memory, GROVE__MEMORY_FUTURES);
  if (!x->last_words) {
    x->last_words = grove__alloc(a, sizeof *x->last_words);
  }
  if (x->last_words) {
    grove__error_copy(x->last_words, words);
  }
  grove__free(a, x->words, sizeof *x->words);
  x->words = NULL;
  x->ended_in = NULL;
}

void grove__annex_remember_more(grove__annex *x)
{
  const grove__system *y = system_of(x);
  grove__restarts *h = &x->history;
  uint32_t want = y->policy->remembers(&x->spec);
  if (h->n < h->room || h->room >= want) {
    return;
  }
  uint32_t room = h->room ? 2 * h->room : 8;
  room = room < want ? room : want;
  int64_t *at = grove__alloc_array(
      grove__memory_of(y->memory, GROVE__MEMORY_ACTORS), room, sizeof *at);
  if (!at) {
    return;
  }
  for (uint32_t i = 0; i < h->n; i++) {
    at[i] = h->at[(h->first + i) % h->room];
  }
  grove__free(
      grove__memory_of(y->memory, GROVE__MEMORY_ACTORS), h->at, h->room * sizeof *h->at);
  h->at = at;
  h->room = room;
  h->first = 0;
}
