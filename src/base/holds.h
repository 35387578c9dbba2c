// The shared data that a value of a message's type owns: its grove_shared members (see grove_type).
#ifndef GROVE_BASE_HOLDS_H
#define GROVE_BASE_HOLDS_H
#include <grove/base.h>
#include <string.h>

static inline grove_shared grove__hold_read(const grove_type *t, const void *value, uint32_t i)
{
  grove_shared s;
  memcpy(&s, (const char *)value + t->hold_offset[i], sizeof s);
  return s;
}
static inline void grove__hold_write(const grove_type *t, void *value, uint32_t i, grove_shared s)
{
  memcpy((char *)value + t->hold_offset[i], &s, sizeof s);
}
/// One count more, and one less, of each.
static inline void grove__holds_retain(const grove_type *t, const void *value)
{
  for (uint32_t i = 0; i < t->holds; i++) {
    grove_retain(grove__hold_read(t, value, i));
  }
}
static inline void grove__holds_release(const grove_type *t, const void *value)
{
  for (uint32_t i = 0; i < t->holds; i++) {
    grove_release(grove__hold_read(t, value, i));
  }
}
#endif
