#include "queue/ring.h"
#include "base/alloc.h"

grove_status grove__ring_init(
    grove__ring *r, const grove_allocator *a, uint32_t words, uint32_t room)
{
  uint64_t capacity = 16;
  while (capacity < room) {
    capacity *= 2;
  }
  memset(r, 0, sizeof *r);
  r->words = words;
  r->mask = capacity - 1;
  r->slot = grove__alloc_zero(a, grove__ring_bytes(r));
  return r->slot ? GROVE_OK : GROVE_ENOMEM;
}

void grove__ring_deinit(grove__ring *r, const grove_allocator *a)
{
  grove__free(a, r->slot, grove__ring_bytes(r));
  r->slot = NULL;
}

size_t grove__ring_bytes(const grove__ring *r)
{
  return (size_t)(r->mask + 1) * (1 + r->words) * sizeof(uint64_t);
}

static _Atomic uint64_t *slot_of(grove__ring *r, uint64_t at)
{
  return &r->slot[(at & r->mask) * (1 + r->words)];
}

void grove__ring_put(grove__ring *r, const uint64_t *words)
{
  // Relaxed: positions are told apart by the counter alone; the serial publishes.
  uint64_t at = atomic_fetch_add_explicit(&r->head, 1, memory_order_relaxed);
  _Atomic uint64_t *slot = slot_of(r, at);
  uint64_t serial = atomic_load_explicit(slot, memory_order_relaxed); // the exchange decides
  // ORDER acquire: the words of the record before are stored. PAIRS the release store below.
  if ((serial & 1) || serial > 2 * at ||
      !atomic_compare_exchange_strong_explicit(
          slot, &serial, 2 * at + 1, memory_order_acquire, memory_order_relaxed)) {
    atomic_fetch_add_explicit(&r->given_up, 1, memory_order_relaxed); // statistic; fact 1
    return;
  }
  for (uint32_t i = 0; i < r->words; i++) {
    // ORDER release: after the odd serial; fact 2. PAIRS grove__ring_next.
    atomic_store_explicit(&slot[1 + i], words[i], memory_order_release);
  }
  // ORDER release: publishes the words. PAIRS grove__ring_next.
  atomic_store_explicit(slot, 2 * at + 2, memory_order_release);
}

void grove__ring_follow(grove__ring *r, grove__ring_cursor *c)
{
  // ORDER acquire: what was put before is behind. PAIRS nothing in particular.
  *c = (grove__ring_cursor){.at = atomic_load_explicit(&r->head, memory_order_acquire)};
}

// 1: it is there; 0: not yet; -1: gone.
static int read_at(grove__ring *r, uint64_t at, uint64_t *words)
{
  _Atomic uint64_t *slot = slot_of(r, at);
  // ORDER acquire: the words of this serial or later ones. PAIRS grove__ring_put.
  uint64_t serial = atomic_load_explicit(slot, memory_order_acquire);
  if (serial != 2 * at + 2) {
    return serial > 2 * at + 2 ? -1 : 0;
  }
  for (uint32_t i = 0; i < r->words; i++) {
    words[i] = atomic_load_explicit(&slot[1 + i], memory_order_acquire); // fact 2
  }
  return atomic_load_explicit(slot, memory_order_relaxed) == serial ? 1 : -1; // fact 2
}

bool grove__ring_next(grove__ring *r, grove__ring_cursor *c, uint64_t *words)
{
  for (;;) {
    // Relaxed: a bound. The serial of a slot says whether its record is there.
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    if (c->at >= head) {
      return false;
    }
    if (head - c->at > r->mask + 1) {
      c->lost += head - (r->mask + 1) - c->at;
      c->at = head - (r->mask + 1);
    }
    int got = read_at(r, c->at, words);
    if (got == 0 && (c->empty != c->at + 1 || head == c->at + 1)) {
      c->empty = c->at + 1;
      return false;
    }
    c->at++;
    if (got == 1) {
      return true;
    }
    c->lost++; // overwritten, or given up by its writer: fact 3
  }
}
