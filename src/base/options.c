#include "base/options.h"
#include <string.h>

grove_status grove__options_read(void *out, size_t known, const void *given)
{
  memset(out, 0, known);
  if (!given) {
    return GROVE_OK;
  }
  uint32_t size;
  memcpy(&size, given, sizeof size);
  if (size < sizeof size) {
    return GROVE_EINVAL;
  }
  for (size_t i = known; i < size; i++) {
    if (((const unsigned char *)given)[i] != 0) {
      return GROVE_ENOTSUP;
    }
  }
  memcpy(out, given, size < known ? size : known);
  return GROVE_OK;
}

grove_status grove__stats_write(void *out, size_t known, const void *full)
{
  uint32_t size;
  if (!out) {
    return GROVE_EINVAL;
  }
  memcpy(&size, out, sizeof size);
  if (size < 2 * sizeof size) {
    return GROVE_EINVAL;
  }
  size_t n = size < known ? size : known;
  memcpy((char *)out + sizeof size, (const char *)full + sizeof size, n - sizeof size);
  return GROVE_OK;
}

void grove__stats_write_row(void *rows, size_t each, size_t i, size_t known, const void *full)
{
  char *at = (char *)rows + i * each;
  uint32_t size = (uint32_t)each;
  memcpy(at, &size, sizeof size);
  (void)!grove__stats_write(at, known, full);
}

bool grove__stats_rows_fit(const void *rows, size_t each, size_t room)
{
  return !room || (rows && each >= 2 * sizeof(uint32_t));
}
