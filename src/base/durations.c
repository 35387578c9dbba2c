#include "base/durations.h"

// Values below 8 have a bucket each; from there on an octave [2^e, 2^(e+1)) has eight of equal width.
static uint32_t bucket_of(uint64_t v)
{
  if (v < GROVE__DURATIONS_STEPS) {
    return (uint32_t)v;
  }
  uint32_t e = 63u - (uint32_t)__builtin_clzll(v);
  uint32_t i = (e - 2) * GROVE__DURATIONS_STEPS + ((uint32_t)(v >> (e - 3)) & 7);
  return i < GROVE__DURATIONS_BUCKETS ? i : GROVE__DURATIONS_BUCKETS - 1;
}

static uint64_t middle_of(uint32_t i)
{
  if (i < GROVE__DURATIONS_STEPS) {
    return i;
  }
  uint32_t e = i / GROVE__DURATIONS_STEPS + 2;
  uint64_t width = UINT64_C(1) << (e - 3);
  return (UINT64_C(8) + i % GROVE__DURATIONS_STEPS) * width + width / 2;
}

static void raise(grove__durations *h, uint64_t v)
{
  uint64_t most = atomic_load_explicit(&h->most, memory_order_relaxed);
  while (v > most && !atomic_compare_exchange_weak_explicit(
                         &h->most, &most, v, memory_order_relaxed, memory_order_relaxed)) {}
}

void grove__durations_add(grove__durations *h, int64_t value)
{
  uint64_t v = value > 0 ? (uint64_t)value : 0;
  // Relaxed, all of them: counts, each true by itself.
  atomic_fetch_add_explicit(&h->count[bucket_of(v)], 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&h->total, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&h->sum, v, memory_order_relaxed);
  raise(h, v);
}

void grove__durations_merge(grove__durations *to, const grove__durations *from)
{
  // Relaxed, all of them: as in grove__durations_add.
  for (uint32_t i = 0; i < GROVE__DURATIONS_BUCKETS; i++) {
    uint32_t n = atomic_load_explicit(&from->count[i], memory_order_relaxed);
    if (n) {
      atomic_fetch_add_explicit(&to->count[i], n, memory_order_relaxed);
    }
  }
  uint64_t total = atomic_load_explicit(&from->total, memory_order_relaxed);
  uint64_t sum = atomic_load_explicit(&from->sum, memory_order_relaxed);
  atomic_fetch_add_explicit(&to->total, total, memory_order_relaxed);
  atomic_fetch_add_explicit(&to->sum, sum, memory_order_relaxed);
  raise(to, atomic_load_explicit(&from->most, memory_order_relaxed));
}

uint64_t grove__durations_at(const grove__durations *h, double share)
{
  uint32_t count[GROVE__DURATIONS_BUCKETS];
  uint64_t total = 0, below = 0;
  if (!atomic_load_explicit(&h->total, memory_order_relaxed)) { // relaxed: a count
    return 0; // most are asked for before there is anything
  }
  for (uint32_t i = 0; i < GROVE__DURATIONS_BUCKETS; i++) {
    count[i] = atomic_load_explicit(&h->count[i], memory_order_relaxed); // relaxed: a count
    total += count[i];
  }
  uint64_t wanted = (uint64_t)(share * (double)total);
  wanted = wanted < (uint64_t)(share * (double)total + 0.999999) ? wanted + 1 : wanted; // upwards
  uint64_t most = atomic_load_explicit(&h->most, memory_order_relaxed);
  for (uint32_t i = 0; i < GROVE__DURATIONS_BUCKETS; i++) {
    below += count[i];
    if (count[i] && below >= wanted) {
      uint64_t middle = middle_of(i);
      return i == GROVE__DURATIONS_BUCKETS - 1 || middle > most ? most : middle;
    }
  }
  return 0;
}
