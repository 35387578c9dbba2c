#include "plat/clock.h"
#include <time.h>

static int64_t ns_of(const struct timespec *t)
{
  return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

int64_t grove__clock_ns(void)
{
  // The clock that uv_hrtime and uv_cond_timedwait read, too, so that deadlines mean the same; without the detour,
  // because each turn ends with a look at it.
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return ns_of(&t);
}

int64_t grove__clock_about_ns(void)
{
#if defined(CLOCK_MONOTONIC_COARSE)
  struct timespec t; // as of the last tick, without a look at the hardware: a fifth of the time
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return ns_of(&t);
#else
  return grove__clock_ns();
#endif
}
