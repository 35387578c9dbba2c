#include "base/pages.h"
#include <errno.h>
#include <stdint.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

enum { LARGE = 1 << 21 }; // other sizes are left to the system

void grove__pages_large(void *p, size_t bytes)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  uintptr_t from = ((uintptr_t)p + LARGE - 1) & ~(uintptr_t)(LARGE - 1);
  uintptr_t end = ((uintptr_t)p + bytes) & ~(uintptr_t)(LARGE - 1);
  if (from < end) {
    (void)madvise((void *)from, end - from, MADV_HUGEPAGE);
  }
#else
  (void)p, (void)bytes;
#endif
}

void grove__pages_soon(void *p, size_t bytes)
{
#if defined(__linux__) && defined(MADV_POPULATE_WRITE)
  enum { SMALL = 4096 }; // where pages are larger, that is refused
  uintptr_t from = ((uintptr_t)p + SMALL - 1) & ~(uintptr_t)(SMALL - 1);
  uintptr_t end = ((uintptr_t)p + bytes) & ~(uintptr_t)(SMALL - 1);
  if (from < end) {
    int before = errno; // who makes room for an actor has one of its own
    (void)madvise((void *)from, end - from, MADV_POPULATE_WRITE);
    errno = before;
  }
#else
  (void)p, (void)bytes;
#endif
}
