// Time.
#ifndef GROVE_PLAT_CLOCK_H
#define GROVE_PLAT_CLOCK_H
#include <stdint.h>

/// Monotonic nanoseconds.
int64_t grove__clock_ns(void);
/// The same, as of a few milliseconds ago at most, for a sixth of the price.
int64_t grove__clock_coarse_ns(void);
#endif
