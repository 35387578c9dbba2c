// What an owner does with a future besides waiting for it and taking it.
#include "actor/future.h"

bool grove_ended(grove *g, grove_future h)
{
  grove__activation *here;
  grove_status status;
  grove__future *f = grove__future_enter(g, h, &here, &status);
  if (!f) {
    return true;
  }
  bool ended = f->ended;
  grove__future_leave(f);
  return ended;
}

uint64_t grove_ended_order(grove *g, grove_future h)
{
  grove__activation *here;
  grove_status status;
  grove__future *f = grove__future_enter(g, h, &here, &status);
  if (!f) {
    return 1;
  }
  uint64_t order = f->ended ? atomic_load_explicit(&f->order, memory_order_relaxed) + 2 : 0; // written before it ended
  grove__future_leave(f);
  return order;
}

void grove_cancel(grove *g, grove_future h)
{
  grove__activation *here;
  grove_status status;
  grove__future *f = grove__future_enter(g, h, &here, &status);
  if (f) {
    grove__future_cancel_locked(f);
    grove__future_unlock(f);
  }
}

void grove_drop(grove *g, grove_future h)
{
  grove__activation *here;
  grove_status status;
  grove__future *f = grove__future_enter(g, h, &here, &status);
  if (f) {
    grove__future_leave(f);
    grove__future_drop(f, h.generation & ~GROVE__GIVEN);
  }
}

void grove_keep(grove *self, grove_future h)
{
  grove__activation *here;
  grove_status status;
  grove__future *f = grove__future_enter(self, h, &here, &status);
  if (!f) {
    return;
  }
  if (here && here->cell) {
    grove__future_keep_locked(f, here->cell);
  }
  grove__future_leave(f);
}

grove_status grove_then(grove *g, grove_future h, grove_then_fn *fn, void *user)
{
  grove__activation *here;
  grove_status status;
  if (!fn) {
    return GROVE_EINVAL;
  }
  grove__future *f = grove__future_enter(g, h, &here, &status);
  if (!f) {
    return status;
  }
  if (here && !here->cell) {
    grove__future_leave(f);
    return GROVE_EINVAL;
  }
  if (here) {
    grove__future_keep_locked(f, here->cell);
  }
  f->then = fn;
  f->more = true;
  f->then_user = user;
  grove__system *y = f->system;
  if (!here) {
    atomic_fetch_add_explicit(
        &y->then_open, 1, memory_order_relaxed); // a count for the loop's own thread
  }
  if (f->ended) {
    grove__future_queue_then_locked(f);
  }
  grove__future_leave(f);
  if (!here) {
    grove__uv_keep(y);
  }
  return GROVE_OK;
}

bool grove_begun(grove *g, grove_future h)
{
  grove__activation *here;
  grove_status status;
  grove__future *f = grove__future_enter(g, h, &here, &status);
  if (!f) {
    return false;
  }
  bool begun = f->begun;
  grove__future_leave(f);
  return begun;
}
