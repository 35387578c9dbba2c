// A histogram of durations: eight steps to each doubling, so that a percentile is off by at most a sixteenth. Adding
// is one atomic addition, from any thread; reading takes each bucket as it is at that moment.
#ifndef GROVE_BASE_DURATIONS_H
#define GROVE_BASE_DURATIONS_H
#include <stdatomic.h>
#include <stdint.h>

enum {
  GROVE__DURATIONS_STEPS = 8,
  GROVE__DURATIONS_OCTAVES = 40, // 2^40 ns are 18 minutes; what is longer is counted as that
  GROVE__DURATIONS_BUCKETS = (GROVE__DURATIONS_OCTAVES - 2) * GROVE__DURATIONS_STEPS
};
typedef struct grove__durations {
  // Relaxed: counts.
  _Atomic uint32_t count[GROVE__DURATIONS_BUCKETS];
  _Atomic uint64_t total, sum, most;
} grove__durations;

/// Negative values count as 0: clocks of two threads may differ a little.
void grove__durations_add(grove__durations *h, int64_t value);
/// Adds what is in `from`.
void grove__durations_merge(grove__durations *to, const grove__durations *from);
/// The value below which the fraction `share` of all lies, 0 < share <= 1; the middle of its bucket, but never more
/// than the largest. 0: nothing was added.
uint64_t grove__durations_at(const grove__durations *h, double share);
#endif
