// Pages of memory that an allocator gave.
#ifndef GROVE_PLAT_PAGES_H
#define GROVE_PLAT_PAGES_H
#include <stddef.h>

/// From so many bytes on it is worth while.
#define GROVE__PAGES_LARGE_FROM ((size_t)8 * 1024 * 1024)
/// Advice: all of this memory will be used, from its beginning on, so that the system may map it by large pages, of 2 MB, one fault
/// each. Nothing happens for less than GROVE__PAGES_LARGE_FROM, or where the system has none.
void grove__pages_large(void *p, size_t bytes);
#endif
