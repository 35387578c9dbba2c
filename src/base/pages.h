// Large pages for large blocks.
#ifndef GROVE_BASE_PAGES_H
#define GROVE_BASE_PAGES_H
#include <stddef.h>

/// Asks the system for large pages behind a block that will be written from one end to the other: one fault for 512. No more than a
/// wish, and none for a block that has no large page in it.
void grove__pages_large(void *p, size_t bytes);
/// Has the system put zeroed pages behind a part of a block that is written next, all at once instead of by a fault for each. The same.
void grove__pages_soon(void *p, size_t bytes);
#endif
