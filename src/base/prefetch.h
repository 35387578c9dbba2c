// Memory that is read soon, asked for ahead.
#ifndef GROVE_BASE_PREFETCH_H
#define GROVE_BASE_PREFETCH_H

static inline void grove__prefetch(const void *p)
{
#if defined(__GNUC__)
  __builtin_prefetch(p);
#else
  (void)p;
#endif
}
#endif
