// Time.
#ifndef GROVE_PLAT_CLOCK_H
#define GROVE_PLAT_CLOCK_H
#include <stdint.h>

/// Monotonic nanoseconds.
int64_t grove__clock_ns(void);
#endif
