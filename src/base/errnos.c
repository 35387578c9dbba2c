#include "base/errnos.h"
#include "base/status.h"
#include <errno.h>

// The first of a status's numbers is the one that is given.
static const struct {
  grove_status status;
  int code;
} pairs[] = {{GROVE_OK, 0}, {GROVE_ENOMEM, ENOMEM}, {GROVE_EIO, EIO}, {GROVE_ENOTSUP, ENOSYS},
    {GROVE_ENOTSUP, ENOTSUP}, {GROVE_ECANCELED, ECANCELED}, {GROVE_ELIMIT, ENOBUFS},
    {GROVE_ETIMEDOUT, ETIMEDOUT}, {GROVE_ENOENT, ENOENT}, {GROVE_ECORRUPT, EINVAL}};

int grove__errno_of(grove_status s)
{
  for (size_t i = 0; i < GROVE__COUNT(pairs); i++) {
    if (pairs[i].status == s) {
      return pairs[i].code;
    }
  }
  return EINVAL;
}

grove_status grove__status_of_errno(int code)
{
  for (size_t i = 0; i < GROVE__COUNT(pairs); i++) {
    if (pairs[i].code == code) {
      return pairs[i].status;
    }
  }
  return GROVE_EIO;
}
