#include "plat/stack.h"
#include "base/alloc.h"
#include "plat/stack_map.h"
#include "plat/stack_tools.h"
#include "plat/switch.h"
#include "plat/thread.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LEAST_BYTES ((size_t)16 << 10)
// Free stacks that keep their touched pages; the others give them back and keep only address space.
#define WARM_MOST 128
// Page-aligned tops would all fight for the same cache sets, so they are shifted by a few lines, in turn.
#define COLOURS 16
#define COLOUR_BYTES ((size_t)64)
#define SLACK_BYTES (COLOURS * COLOUR_BYTES)
#define CANARY_WORDS ((size_t)8)
#define CANARY_BYTES (CANARY_WORDS * sizeof(uint64_t))
_Static_assert((COLOURS - 1) * COLOUR_BYTES + CANARY_BYTES <= SLACK_BYTES,
    "a slot offers `usual` in any case");

struct grove__fiber {
  grove__context context; // owner: whoever runs or holds the fiber; first, for debuggers (actor/debug.c)
  uint64_t *canary;       // at the low end; NULL: pages guard it, or it is a thread's
  char *low, *high;       // usable; both NULL where a thread's bounds are not known
  grove__stacks *stacks;
  void (*entry)(void *user);
  void *user;
  grove__stack_tools tools;
  grove__stack_area area;
  bool is_thread;
  struct grove__fiber *next; // guarded by stacks.lock: in warm or cold
};

_Static_assert(offsetof(struct grove__fiber, context) == 0, "tools/gdb/grove_gdb.py");

struct grove__stacks {
  grove_allocator allocator;
  size_t usual; // what every slot offers, whatever its colour and canary take
  size_t most;
  void (*overrun)(void *user, const char *text); // set before the first switch
  void *overrun_user;
  grove__mutex lock;
  // Guarded by lock.
  grove__stack_maps maps;
  grove__fiber *warm, *cold;
  size_t warm_count;
  size_t live;
  size_t made; // slots so far: the next one's colour
};

grove_status grove__stacks_create(
    const grove_allocator *a, size_t usual, size_t most, int guard, grove__stacks **out)
{
  *out = NULL;
  if (usual > SIZE_MAX / 8) {
    return GROVE_ENOMEM;
  }
  grove_allocator allocator = grove__allocator_of(a);
  grove__stacks *s = grove__alloc_zero(&allocator, sizeof(*s));
  if (!s) {
    return GROVE_ENOMEM;
  }
  grove_status status = grove__mutex_init(&s->lock);
  if (status) {
    grove__free(&allocator, s, sizeof(*s));
    return status;
  }
  s->allocator = allocator;
  s->most = most;
  grove__stack_maps_init(
      &s->maps, (usual < LEAST_BYTES ? LEAST_BYTES : usual) + SLACK_BYTES, guard);
  s->usual = s->maps.slot_bytes - SLACK_BYTES;
  *out = s;
  return GROVE_OK;
}

void grove__stacks_on_overrun(
    grove__stacks *s, void (*hook)(void *user, const char *text), void *user)
{
  s->overrun = hook;
  s->overrun_user = user;
}

static void free_list(grove__stacks *s, grove__fiber *f)
{
  while (f) {
    grove__fiber *next = f->next;
    grove__stack_tools_unmap(&f->tools);
    grove__free(&s->allocator, f, sizeof(*f));
    f = next;
  }
}

void grove__stacks_destroy(grove__stacks *s)
{
  if (!s) {
    return;
  }
  GROVE__ASSERT(s->live == 0);
  free_list(s, s->warm);
  free_list(s, s->cold);
  grove__stack_maps_deinit(&s->maps);
  grove__mutex_deinit(&s->lock);
  grove_allocator allocator = s->allocator;
  grove__free(&allocator, s, sizeof(*s));
}

void grove__stacks_stats(grove__stacks *s, uint64_t *bytes, uint64_t *fibers)
{
  grove__mutex_lock(&s->lock);
  *bytes = s->maps.mapped;
  *fibers = s->live;
  grove__mutex_unlock(&s->lock);
}

// ---- canary ---------------------------------------------------------------------------------------

// Another word at each place, so that no constant in a program matches by chance.
static uint64_t canary_word(const uint64_t *at)
{
  return (uint64_t)(uintptr_t)at * UINT64_C(0x9e3779b97f4a7c15) ^ UINT64_C(0x67726f7665000000);
}
static void paint_canary(uint64_t *canary)
{
  for (size_t i = 0; i < CANARY_WORDS; i++) {
    canary[i] = canary_word(canary + i);
  }
}
static bool canary_lives(const uint64_t *canary)
{
  uint64_t wrong = 0;
  for (size_t i = 0; i < CANARY_WORDS; i++) {
    wrong |= canary[i] ^ canary_word(canary + i);
  }
  return wrong == 0;
}

__attribute__((noinline, cold, noreturn)) static void report_overrun(const grove__fiber *f)
{
  const grove__stacks *s = f->stacks;
  char text[200];
  (void)snprintf(text, sizeof(text),
      "an actor overran its stack of %zu bytes and wrote over memory below it; give its class a "
      "larger stack_bytes, or own_thread",
      grove__fiber_bytes(f));
  if (s->overrun) {
    s->overrun(s->overrun_user, text);
  }
  __builtin_trap();
}

// ---- fibers ---------------------------------------------------------------------------------------

static void begin(void *user, void *passed)
{
  grove__fiber *f = user;
  grove__stack_tools_arrive(&f->tools, &((grove__fiber *)passed)->tools);
  f->entry(f->user);
  __builtin_trap(); // entry broke its contract; there is nothing to return to
}

// Counts one more, and gives a free one of the usual size if there is one.
static grove_status reserve(grove__stacks *s, bool usual, grove__fiber **out)
{
  grove_status status = GROVE_OK;
  *out = NULL;
  grove__mutex_lock(&s->lock);
  if (s->live >= s->most) {
    status = GROVE_ELIMIT;
  } else {
    s->live++;
    if (usual && s->warm) {
      *out = s->warm;
      s->warm = (*out)->next;
      s->warm_count--;
    } else if (usual && s->cold) {
      *out = s->cold;
      s->cold = (*out)->next;
    }
  }
  grove__mutex_unlock(&s->lock);
  return status;
}

static grove_status map_fiber(grove__stacks *s, size_t bytes, grove__fiber **out)
{
  grove__fiber *f = grove__alloc_zero(&s->allocator, sizeof(*f));
  grove_status status = GROVE_ENOMEM;
  size_t colour = 0;
  grove__mutex_lock(&s->lock);
  if (f) {
    status = bytes <= s->usual
                 ? grove__stack_maps_take_slot(&s->maps, &f->area)
                 : grove__stack_maps_take_own(&s->maps, bytes + CANARY_BYTES, &f->area);
  }
  if (status) {
    s->live--;
  } else {
    colour = bytes <= s->usual ? s->made++ % COLOURS : 0;
  }
  grove__mutex_unlock(&s->lock);
  if (status) {
    grove__free(&s->allocator, f, sizeof(*f));
    return status;
  }
  f->stacks = s;
  f->low = f->area.low;
  f->high = f->area.low + f->area.bytes - colour * COLOUR_BYTES;
  if (f->area.canary) {
    f->canary = (uint64_t *)(void *)f->low;
    f->low += CANARY_BYTES;
  }
  grove__stack_tools_map(&f->tools, f->area.low, f->area.bytes);
  *out = f;
  return GROVE_OK;
}

grove_status grove__fiber_create(
    grove__stacks *s, size_t bytes, void (*entry)(void *user), void *user, grove__fiber **out)
{
  *out = NULL;
  if (bytes > SIZE_MAX / 8) {
    return GROVE_ENOMEM;
  }
  grove__fiber *f;
  GROVE__TRY(reserve(s, bytes <= s->usual, &f));
  if (!f) {
    GROVE__TRY(map_fiber(s, bytes, &f));
  }
  f->entry = entry;
  f->user = user;
  grove__stack_tools_begin(&f->tools);
  if (f->canary) {
    paint_canary(f->canary);
  }
  grove__context_make(&f->context, f->low, f->high, begin, f);
  *out = f;
  return GROVE_OK;
}

static void give_back(grove__stacks *s, grove__fiber *f)
{
  grove__mutex_lock(&s->lock);
  s->live--;
  bool own = f->area.map;
  bool warm = !own && s->warm_count < WARM_MOST;
  if (own) {
    grove__stack_maps_give_own(&s->maps, &f->area);
  } else if (warm) {
    f->next = s->warm;
    s->warm = f;
    s->warm_count++;
  }
  grove__mutex_unlock(&s->lock);
  if (own) {
    grove__free(&s->allocator, f, sizeof(*f));
  } else if (!warm) {
    grove__stack_area_cool(&f->area);
    grove__mutex_lock(&s->lock);
    f->next = s->cold;
    s->cold = f;
    grove__mutex_unlock(&s->lock);
  }
}

void grove__fiber_destroy(grove__fiber *f)
{
  if (!f) {
    return;
  }
  grove__stacks *s = f->stacks;
  if (f->is_thread) {
    grove__free(&s->allocator, f, sizeof(*f));
    return;
  }
  if (f->canary && !canary_lives(f->canary)) {
    report_overrun(f);
  }
  grove__stack_tools_end(&f->tools);
  if (f->area.map) {
    grove__stack_tools_unmap(&f->tools);
  }
  give_back(s, f);
}

// The native stack's bounds; NULL where the system does not tell.
static void find_bounds(char **low, char **high)
{
  *low = NULL;
  *high = NULL;
#if defined(__linux__)
  pthread_attr_t attr;
  if (pthread_getattr_np(pthread_self(), &attr) == 0) {
    void *start;
    size_t bytes;
    if (pthread_attr_getstack(&attr, &start, &bytes) == 0) {
      *low = start;
      *high = *low + bytes;
    }
    (void)pthread_attr_destroy(&attr);
  }
#endif
}

grove_status grove__fiber_for_thread(grove__stacks *s, grove__fiber **out)
{
  *out = NULL;
  grove__fiber *f = grove__alloc_zero(&s->allocator, sizeof(*f));
  if (!f) {
    return GROVE_ENOMEM;
  }
  f->stacks = s;
  f->is_thread = true;
  *out = f;
  return GROVE_OK;
}

void grove__fiber_arrive(grove__fiber *f)
{
  memset(&f->tools, 0, sizeof f->tools);
  find_bounds(&f->low, &f->high);
  f->tools.low = f->low;
  f->tools.bytes = grove__fiber_bytes(f);
  grove__stack_tools_thread(&f->tools);
}

grove_status grove__fiber_of_thread(grove__stacks *s, grove__fiber **out)
{
  GROVE__TRY(grove__fiber_for_thread(s, out));
  grove__fiber_arrive(*out);
  return GROVE_OK;
}

void grove__fiber_switch(grove__fiber *from, grove__fiber *to)
{
  if (GROVE__UNLIKELY(from->canary != NULL) && !canary_lives(from->canary)) {
    report_overrun(from);
  }
  grove__stack_tools_leave(&from->tools, &to->tools);
  grove__fiber *last = grove__context_switch(&from->context, &to->context, from);
  grove__stack_tools_arrive(&from->tools, &last->tools);
}

const void *grove__fiber_low(const grove__fiber *f)
{
  return f->low;
}

size_t grove__fiber_bytes(const grove__fiber *f)
{
  return (size_t)(f->high - f->low);
}

size_t grove__fiber_used(const grove__fiber *f, const void *address)
{
  uintptr_t at = (uintptr_t)address;
  return at >= (uintptr_t)f->low && at < (uintptr_t)f->high ? (uintptr_t)f->high - at : 0;
}

bool grove__fiber_is_low(const grove__fiber *f, const void *address, size_t margin)
{
  uintptr_t at = (uintptr_t)address;
  uintptr_t low = (uintptr_t)f->low;
  return at >= low && at < (uintptr_t)f->high && at - low < margin;
}
