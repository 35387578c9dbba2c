// Time.
#ifndef GROVE_PLAT_CLOCK_H
#define GROVE_PLAT_CLOCK_H
#include <stdint.h>

/// Monotonic nanoseconds.
int64_t grove__clock_ns(void);
/// The same, some milliseconds late where that is cheaper: for what only people read.
int64_t grove__clock_about_ns(void);
/// now + ms, INT64_MAX for negative (GROVE_FOREVER) and overflowing ones.
static inline int64_t grove__deadline(int64_t now, int64_t ms)
{
  return ms < 0 || ms > (INT64_MAX - now) / 1000000 ? INT64_MAX : now + ms * 1000000;
}
#endif
