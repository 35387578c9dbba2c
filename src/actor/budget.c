#include "actor/budget.h"
#include "actor/activation.h"
#include "plat/clock.h"
#include <stdio.h>

// ---- the runtime's limits ------------------------------------------------------------------------------

bool grove__ledger_take_limited(grove__ledger *l, uint64_t bytes)
{
  // Relaxed: a sum; whoever adds and finds the limit passed takes it back.
  uint64_t before = atomic_fetch_add_explicit(&l->used, bytes, memory_order_relaxed);
  if (bytes <= l->most && before <= l->most - bytes) {
    return true;
  }
  atomic_fetch_sub_explicit(&l->used, bytes, memory_order_relaxed);
  return false;
}

// ---- an actor's allocator ------------------------------------------------------------------------------

/// In front of each block: whose life it was taken in. As long as an allocator's alignment.
typedef struct block_head {
  uint64_t life, unused;
} block_head;
_Static_assert(sizeof(block_head) == 16, "what follows is aligned as what an allocator gives");

// Words for the failure that a method will return, if it is this actor's that runs here.
static void tell(grove__cell *c, size_t bytes)
{
  grove__worker *w = grove__sched_here(&grove__cell_system(c)->sched);
  grove__activation *a = w ? w->context : NULL;
  char what[300];
  if (!a || a->cell != c) {
    return;
  }
  grove_error err = {.status = GROVE_ENOMEM, .at = -1, .who = grove__cell_ref(c)};
  grove__own_describe(c, what, sizeof what);
  snprintf(err.text, sizeof err.text, "no memory for %zu bytes more: %.300s", bytes, what);
  GROVE__EVENT(
      grove__cell_system(c), GROVE_EVENT_LIMIT, c, GROVE_ENOMEM, (int64_t)bytes, a->method->name, err.text);
  grove__activation_words(a, &err);
}

// The budget is the mailbox's, so that letters and allocations share it under one lock; without one only the sum is
// kept. False: it does not fit.
static bool reserve(grove__annex *x, grove__cell *c, int64_t bytes)
{
  if (atomic_load_explicit(&x->limit, memory_order_relaxed) && // relaxed: constant for a life
      !grove__mailbox_reserve(&c->mailbox, bytes)) {
    return false;
  }
  atomic_fetch_add_explicit(&x->bytes, (uint64_t)bytes, memory_order_relaxed); // a sum
  return true;
}

static void *own_free(
    grove__annex *x, grove__cell *c, const grove_allocator *a, block_head *h, size_t bytes)
{
  // Relaxed: constant for a life. A block of a life before is nobody's any more.
  if (h && h->life == atomic_load_explicit(&x->life, memory_order_relaxed)) {
    (void)reserve(x, c, -(int64_t)bytes);
  }
  grove__free(a, h, bytes + sizeof *h);
  return NULL;
}

static void *own_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  grove__annex *x = user;
  grove__cell *c = atomic_load_explicit(&x->cell, memory_order_relaxed); // relaxed: constant for a life
  const grove_allocator *a = grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_USER);
  block_head *h = p ? (block_head *)p - 1 : NULL;
  uint64_t life = atomic_load_explicit(&x->life, memory_order_relaxed);
  if (!new_bytes) {
    return own_free(x, c, a, h, old_bytes);
  }
  if (new_bytes > (size_t)PTRDIFF_MAX - sizeof *h) {
    return NULL;
  }
  bool mine = !h || h->life == life;
  int64_t more = (int64_t)new_bytes - (int64_t)old_bytes;
  if (mine && more > 0 && !reserve(x, c, more)) {
    tell(c, new_bytes - old_bytes);
    return NULL;
  }
  block_head *q = grove__realloc(a, h, h ? old_bytes + sizeof *h : 0, new_bytes + sizeof *h);
  if (!q) {
    if (mine && more > 0) {
      (void)reserve(x, c, -more);
    }
    return NULL;
  }
  if (mine && more < 0) {
    (void)reserve(x, c, more);
  }
  q->life = h ? q->life : life;
  return q + 1;
}

static void *give_nothing(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  (void)user, (void)p, (void)old_bytes, (void)new_bytes;
  return NULL;
}
// Of an actor for whose own one there is no memory: nor is there for anything else, and nothing was ever taken from it.
static const grove_allocator empty = {give_nothing, NULL};

const grove_allocator *grove_actor_allocator(grove *g)
{
  grove__system *y;
  grove__activation *here;
  if (grove__enter(g, &y, &here)) {
    return NULL;
  }
  if (!here || !here->cell) {
    return grove__memory_of(y->memory, GROVE__MEMORY_USER);
  }
  const grove__annex *x = grove__annex_make(here->cell);
  return x ? &x->face : &empty;
}

void grove__own_face(grove__annex *x)
{
  x->face = (grove_allocator){own_realloc, x};
}

uint64_t grove__own_limit(const grove_class *k, const grove_spawn_options *spec)
{
  return spec->memory_bytes ? spec->memory_bytes : GROVE__CLASS(k, memory_bytes);
}

void grove__own_begin(grove__cell *c, uint64_t limit)
{
  grove__annex *x = grove__annex_of(c);
  if (x) { // relaxed, both: published with the life
    atomic_store_explicit(&x->life, grove__cell_life(c), memory_order_relaxed); // it was made before that was known
    atomic_store_explicit(&x->limit, limit, memory_order_relaxed);
  }
  if (limit) {
    grove__mailbox_budget(&c->mailbox, limit, grove__cell_fixed(c));
  }
}

void grove__own_end(grove__cell *c)
{
  uint64_t left = atomic_load_explicit(&grove__cell_annex(c)->bytes, memory_order_relaxed); // its turn is the last
  if (left) {
    char title[112];
    grove__cell_title(c, title, sizeof title);
    grove__log(grove__cell_system(c), GROVE_LOG_WARN, "memory",
        "%s ended and did not give back %llu bytes of its allocator", title,
        (unsigned long long)left);
  }
}

void grove__own_describe(const grove__cell *c, char *out, size_t room)
{
  char title[112];
  grove__cell_title(c, title, sizeof title);
  // Relaxed, all of them: numbers for people.
  snprintf(out, room,
      "%s holds %llu bytes of state and names, %llu of %u messages, %llu of its allocator; its "
      "limit "
      "is %llu (memory_bytes)",
      title, (unsigned long long)grove__cell_fixed(c),
      (unsigned long long)grove__mailbox_bytes(&c->mailbox),
      (unsigned)grove__mailbox_count(&c->mailbox),
      (unsigned long long)atomic_load_explicit(&grove__cell_annex(c)->bytes, memory_order_relaxed),
      (unsigned long long)atomic_load_explicit(&grove__cell_annex(c)->limit, memory_order_relaxed));
}

// ---- who holds what ------------------------------------------------------------------------------------

enum {
  HOLDERS = 3,
  LOOKED_AT = 256 * 1024, // cells in one go: a few milliseconds
  FRESH_NS = 1000 * 1000 * 1000
};
typedef struct holder {
  grove__cell *cell;
  uint64_t bytes, life;
} holder;

static uint64_t held_by(const grove__cell *c)
{
  // Relaxed, all of them: a guess of who is large.
  return grove__mailbox_bytes(&c->mailbox) +
         atomic_load_explicit(&grove__cell_annex(c)->bytes, memory_order_relaxed) +
         grove__cell_fixed(c);
}

static void insert(holder top[HOLDERS], holder h)
{
  for (int i = 0; i < HOLDERS; i++) {
    if (h.bytes > top[i].bytes) {
      holder t = top[i];
      top[i] = h;
      h = t;
    }
  }
}

// Goes on each time where it stopped: with very many actors the words name the largest of those that it came by.
static void find_holders(grove__system *y, uint32_t *from, holder top[HOLDERS])
{
  uint32_t made = grove__slab_made(&y->cells);
  memset(top, 0, HOLDERS * sizeof *top);
  for (uint32_t n = 0; n < made && n < LOOKED_AT; n++) {
    *from = *from + 1 < made ? *from + 1 : 0;
    grove__cell *c = grove__slab_at(&y->cells, *from);
    // ORDER acquire, PAIRS grove__mailbox_show: the cell of this life is seen whole.
    uint64_t life = grove__cell_life_now(c);
    if (life && c != y->root) {
      insert(top, (holder){c, held_by(c), life});
    }
  }
}

static size_t name_holders(const holder top[HOLDERS], char *out, size_t room)
{
  size_t used = 0;
  for (int i = 0; i < HOLDERS && top[i].cell; i++) {
    grove__cell *c = top[i].cell;
    char title[112] = "";
    grove__mutex_lock(&c->lock);
    if (grove__cell_is_locked(c, top[i].life)) {
      grove__cell_title(c, title, sizeof title);
    }
    grove__mutex_unlock(&c->lock);
    if (title[0] && used < room) {
      int n = snprintf(out + used, room - used, "%s%s %llu", used ? ", " : "", title,
          (unsigned long long)top[i].bytes);
      used += n > 0 ? (size_t)n : 0;
    }
  }
  return used;
}

static void holders_words(grove__system *y, char out[160])
{
  int64_t now = grove__clock_ns();
  grove__mutex_lock(&y->holders_lock);
  bool fresh = y->holders_at && now - y->holders_at < FRESH_NS;
  uint32_t from = y->holders_from;
  memcpy(out, y->holders, sizeof y->holders);
  if (!fresh) {
    y->holders_at = now; // others take the old words meanwhile
  }
  grove__mutex_unlock(&y->holders_lock);
  if (fresh) {
    return;
  }
  holder top[HOLDERS];
  out[0] = '\0';
  find_holders(y, &from, top);
  name_holders(top, out, 160);
  grove__mutex_lock(&y->holders_lock);
  y->holders_from = from;
  memcpy(y->holders, out, sizeof y->holders);
  grove__mutex_unlock(&y->holders_lock);
}

void grove__memory_words(grove__system *y, grove_status s, char *out, size_t room)
{
  const grove__memory *m = y->memory;
  char most[160], limit[80] = "out of memory";
  holders_words(y, most);
  if (s == GROVE_ELIMIT && y->ledger->most) {
    snprintf(limit, sizeof limit, "memory_bytes is %llu", (unsigned long long)y->ledger->most);
  } else if (m->most) {
    snprintf(limit, sizeof limit, "heap_bytes is %llu", (unsigned long long)m->most);
  }
  // Relaxed: a number for people.
  snprintf(out, room,
      "%s; held: shared data %llu, messages %llu, actors %llu, futures %llu, runtime %llu, "
      "application %llu bytes; most: %s",
      limit,
      (unsigned long long)atomic_load_explicit(&y->ledger->shared_bytes, memory_order_relaxed),
      (unsigned long long)grove__memory_bytes(m, GROVE__MEMORY_MESSAGES),
      (unsigned long long)grove__memory_bytes(m, GROVE__MEMORY_ACTORS),
      (unsigned long long)grove__memory_bytes(m, GROVE__MEMORY_FUTURES),
      (unsigned long long)(grove__memory_bytes(m, GROVE__MEMORY_RUNTIME) +
                           grove__memory_bytes(m, GROVE__MEMORY_WATCH)),
      (unsigned long long)grove__memory_bytes(m, GROVE__MEMORY_USER), most[0] ? most : "nobody");
}

grove_status grove__memory_fail(grove *g, grove__system *y, grove_status s, const char *what)
{
  char why[400];
  if (s != GROVE_ENOMEM && s != GROVE_ELIMIT) {
    return s;
  }
  grove__memory_words(y, s, why, sizeof why);
  return grove_fail(g, s, "%s: %s", what, why);
}
