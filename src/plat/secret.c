#include "plat/secret.h"
#include <sys/random.h>

grove_status grove__secret_bytes(void *out, size_t n)
{
  return getentropy(out, n) == 0 ? GROVE_OK : GROVE_EIO;
}
