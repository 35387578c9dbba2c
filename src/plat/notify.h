// One pollable descriptor that is readable while somebody wants it to be.
#ifndef GROVE_PLAT_NOTIFY_H
#define GROVE_PLAT_NOTIFY_H
#include "base/status.h"

/// eventfd on Linux, a pipe elsewhere; non-blocking, close-on-exec. raise and clear from any thread, both idempotent.
typedef struct grove__notify {
  int read_fd, write_fd;
} grove__notify;
/// Returns: GROVE_ELIMIT: no descriptor is left; GROVE_EIO
grove_status grove__notify_init(grove__notify *n);
void grove__notify_deinit(grove__notify *n);
void grove__notify_raise(grove__notify *n);
void grove__notify_clear(grove__notify *n);
#endif
