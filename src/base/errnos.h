// What streams of Arrow give instead of a status: numbers of errno.h.
#ifndef GROVE_BASE_ERRNOS_H
#define GROVE_BASE_ERRNOS_H
#include <grove/base.h>

/// GROVE_OK is 0; a status that no number is meant for is EINVAL.
int grove__errno_of(grove_status s);
/// Back again. EINVAL is what a stream says of data that it can't go on with: GROVE_ECORRUPT. Numbers that no stream of
/// ours gives are GROVE_EIO.
grove_status grove__status_of_errno(int code);
#endif
