// Bytes that nobody can guess, from the system.
#ifndef GROVE_PLAT_SECRET_H
#define GROVE_PLAT_SECRET_H
#include "base/status.h"

/// n <= 256. Returns: GROVE_EIO: the system gives none
grove_status grove__secret_bytes(void *out, size_t n);
#endif
