// grove_next and grove_sleep: waiting without spending.
#include "actor/wish.h"

// The one that ended first of those that were not given before; n: none has.
static size_t first_ended(grove__system *y, const grove__activation *here, const grove_future *f,
    size_t n, bool *any_open, bool *foreign)
{
  size_t best = n;
  uint64_t least = UINT64_MAX;
  *any_open = *foreign = false;
  for (size_t i = 0; i < n; i++) {
    grove_status status;
    if (f[i].generation & GROVE__GIVEN) {
      continue;
    }
    grove__future *x = grove__future_lock_handle(y, f[i].slot, f[i].generation, &status);
    bool spent = !x || x->owner == GROVE__OWNER_NONE;
    uint64_t order = x && x->ended && !spent ? atomic_load_explicit(&x->order, memory_order_relaxed) : 0; // written before
    bool open = x && !x->ended;
    *foreign = *foreign || (!spent && !grove__future_is_owner(x, here));
    if (x) {
      grove__future_leave(x);
    }
    *any_open = *any_open || open;
    if (!open && order < least) {
      least = order;
      best = i;
    }
  }
  return best;
}

static grove_status next(
    grove__system *y, grove__activation *here, grove_future *f, size_t n, int64_t ms, size_t *index)
{
  for (;;) {
    bool any_open, foreign;
    size_t i = first_ended(y, here, f, n, &any_open, &foreign);
    if (foreign) {
      return GROVE_EINVAL;
    }
    if (i < n) {
      f[i].generation |= GROVE__GIVEN;
      *index = i;
      return GROVE_OK;
    }
    if (!any_open) {
      *index = n;
      return GROVE_OK;
    }
    grove__wish q = {f, n, 1, GROVE__GIVEN, ms};
    grove_error err;
    grove_status s = grove__wish_wait(y, here, &q, &err);
    if (s) {
      if (here) {
        grove__activation_words(here, &err);
      }
      return s;
    }
  }
}

grove_status grove_next(grove *g, grove_future *f, size_t n, int64_t ms, size_t *index)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  if ((!f && n) || !index) {
    return GROVE_EINVAL;
  }
  bool stayed = grove__outside_stay(y, here, ms);
  grove_status s = next(y, here, f, n, ms, index);
  grove__outside_go(y, stayed);
  return s;
}

grove_status grove_sleep(grove *g, int64_t ms)
{
  grove__system *y;
  grove__activation *here;
  grove__waiter w;
  uint32_t reason;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (here && grove__activation_is_canceled(here)) {
    return GROVE_ECANCELED;
  }
  if (ms == 0) {
    return GROVE_OK;
  }
  GROVE__TRY(grove__waiter_init(&w, here, 1));
  bool stayed = grove__outside_stay(y, here, ms);
  grove_status s = grove__wait(y, here, &w, grove__deadline_in(y, ms), &reason);
  grove__waiter_deinit(&w);
  grove__outside_go(y, stayed);
  if (s == GROVE_ELIMIT && here) {
    grove_error err;
    grove__say_no_stack(y, here, &err);
    grove__activation_words(here, &err);
  }
  return s                               ? s
         : reason == GROVE__WOKEN_CANCEL ? (here && here->cell ? GROVE_ECANCELED : GROVE_ECLOSED)
                                         : GROVE_OK;
}
