// The ring of recent deaths.
#include "actor/system.h"

void grove__death_record(grove__system *y, const grove__death *d)
{
  grove__mutex_lock(&y->deaths_lock);
  if (!y->deaths) {
    y->deaths = grove__alloc_zero(
        grove__memory_of(y->memory, GROVE__MEMORY_WATCH), GROVE__DEATHS * sizeof *y->deaths);
  }
  if (y->deaths) { // no memory: it is forgotten at once
    y->deaths[y->death_count++ % GROVE__DEATHS] = *d;
  }
  grove__mutex_unlock(&y->deaths_lock);
}

static bool at_locked(grove__system *y, uint64_t i, grove__death *out)
{
  if (i >= y->death_count || i >= GROVE__DEATHS) {
    return false;
  }
  if (out) {
    *out = y->deaths[(y->death_count - 1 - i) % GROVE__DEATHS];
  }
  return true;
}

bool grove__death_find(grove__system *y, grove_ref ref, grove__death *out)
{
  bool found = false;
  grove__mutex_lock(&y->deaths_lock);
  for (uint64_t i = 0; i < y->death_count && i < GROVE__DEATHS && !found; i++) {
    grove__death *d = &y->deaths[(y->death_count - 1 - i) % GROVE__DEATHS];
    if (grove_ref_equal(d->ref, ref)) {
      found = at_locked(y, i, out);
    }
  }
  grove__mutex_unlock(&y->deaths_lock);
  return found;
}

bool grove__death_at(grove__system *y, uint64_t i, grove__death *out)
{
  grove__mutex_lock(&y->deaths_lock);
  bool there = at_locked(y, i, out);
  grove__mutex_unlock(&y->deaths_lock);
  return there;
}
