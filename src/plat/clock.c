#include "plat/clock.h"
#include <time.h>

int64_t grove__clock_ns(void)
{
  // The clock that uv_hrtime and uv_cond_timedwait read, too, so that deadlines mean the same; without the detour,
  // because each turn ends with a look at it.
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
