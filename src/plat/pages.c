#include "plat/pages.h"
#include <stdint.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

void grove__pages_large(void *p, size_t bytes)
{
#if defined(MADV_HUGEPAGE)
  enum { LARGE = 2 * 1024 * 1024 };
  uintptr_t from = ((uintptr_t)p + LARGE - 1) / LARGE * LARGE, to = ((uintptr_t)p + bytes) / LARGE * LARGE;
  if (bytes >= GROVE__PAGES_LARGE_FROM) {
    (void)madvise((void *)from, to - from, MADV_HUGEPAGE); // a kernel without them says no, and that is as well
  }
#else
  (void)p, (void)bytes;
#endif
}
