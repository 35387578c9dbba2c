// Knowing that this process is a forked child, for the price of two loads.
#ifndef GROVE_PLAT_FORK_H
#define GROVE_PLAT_FORK_H
#include "base/status.h"

/// A page whose first word is 1 here and 0 in every child made by fork (MADV_WIPEONFORK; where that is missing, it is 0, and the
/// check asks getpid).
typedef struct grove__fork_mark {
  volatile uint64_t *word;
  uint64_t process; // 0: the page tells
} grove__fork_mark;
grove_status grove__fork_mark_init(grove__fork_mark *m);
void grove__fork_mark_deinit(grove__fork_mark *m);
/// Asks the system, where a page alone does not tell.
bool grove__fork_mark_asks(const grove__fork_mark *m);
/// Whether the page says that it is none.
static inline bool grove__fork_mark_is_parent(const grove__fork_mark *m)
{
  return GROVE__LIKELY(*m->word == 1);
}
static inline bool grove__fork_mark_is_child(const grove__fork_mark *m)
{
  return !grove__fork_mark_is_parent(m) && (!m->process || grove__fork_mark_asks(m));
}
#endif
