// Two rows of marks, one by slot each: busy time of the life that was in it. A walk that comes a second or more after the newer
// row was taken takes a new one in place of the older, and measures by what had been the newer; one that comes sooner measures
// by the older. So a look is always by a second at least, however often and by how many people it is looked at.
#include "actor/recent.h"

enum { LEAST_NS = 1000000000 };

typedef struct mark {
  uint64_t life, busy_ns; // of life 0: nobody's
} mark;

struct grove__recent {
  mark *row[2];
  uint32_t room;   // of each
  uint32_t newer;  // which row
  int64_t taken[2]; // when; 0: never
  bool takes;      // this walk writes the newer one
};

static const grove_allocator *memory_of(grove__system *y)
{
  return grove__memory_of(y->memory, GROVE__MEMORY_WATCH);
}

void grove__recent_free(const grove_allocator *a, grove__recent *r)
{
  for (int i = 0; r && i < 2; i++) {
    grove__free(a, r->row[i], r->room * sizeof *r->row[i]);
  }
  grove__free(a, r, sizeof *r);
}

// Room for all slots in both rows; what was marked stays.
static bool grow(const grove_allocator *a, grove__recent *r, uint32_t made)
{
  if (made <= r->room) {
    return true;
  }
  size_t room = (size_t)made + made / 4 + 64;
  mark *fresh[2] = {grove__alloc_zero(a, room * sizeof *fresh[0]), grove__alloc_zero(a, room * sizeof *fresh[1])};
  if (!fresh[0] || !fresh[1] || room > UINT32_MAX) {
    grove__free(a, fresh[0], room * sizeof *fresh[0]);
    grove__free(a, fresh[1], room * sizeof *fresh[1]);
    return false;
  }
  for (int i = 0; i < 2; i++) {
    if (r->room) {
      memcpy(fresh[i], r->row[i], r->room * sizeof *fresh[i]);
    }
    grove__free(a, r->row[i], r->room * sizeof *r->row[i]);
    r->row[i] = fresh[i];
  }
  r->room = (uint32_t)room;
  return true;
}

grove__recent *grove__recent_enter(grove__system *y, uint32_t made, int64_t now)
{
  grove__mutex_lock(&y->recent_lock);
  if (!y->recent) {
    y->recent = grove__alloc_zero(memory_of(y), sizeof *y->recent);
  }
  grove__recent *r = y->recent;
  if (!r || !grow(memory_of(y), r, made)) {
    grove__mutex_unlock(&y->recent_lock);
    return NULL;
  }
  r->takes = !r->taken[r->newer] || now - r->taken[r->newer] >= LEAST_NS;
  if (r->takes) {
    r->newer = !r->newer;
    r->taken[r->newer] = now > 0 ? now : 1;
  }
  return r;
}

void grove__recent_leave(grove__system *y)
{
  grove__mutex_unlock(&y->recent_lock);
}

uint64_t grove__recent_busy(grove__recent *r, const grove__cell *c, uint64_t life)
{
  uint64_t busy = atomic_load_explicit(&c->task.busy_ns, memory_order_relaxed); // for people
  mark before = r->row[!r->newer][c->index];
  if (r->takes) {
    r->row[r->newer][c->index] = (mark){life, busy};
  }
  // One that was not there then has been busy since in any case.
  return before.life == life && before.busy_ns <= busy ? busy - before.busy_ns : busy;
}
