#include "plat/clock.h"
#include <uv.h>

int64_t grove__clock_ns(void)
{
  // libuv's own clock, so that deadlines and uv_cond_timedwait mean the same one.
  return (int64_t)uv_hrtime();
}
