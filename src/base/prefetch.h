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

/// For what is read a hundred places later: into a cache further away, which waits for more lines at once.
static inline void grove__prefetch_far(const void *p)
{
#if defined(__GNUC__)
  __builtin_prefetch(p, 0, 2);
#else
  (void)p;
#endif
}
#endif
