#include "actor/run.h"
#include <stdio.h>

static _Atomic(grove__kind *) *bucket_of(grove__system *y, const grove_class *k)
{
  uintptr_t x = (uintptr_t)k >> 4;
  return &y->kinds[(x ^ x >> 7) % GROVE__KINDS];
}

// What a class says of how its lives run; without lines.
static grove__manner manner_of(grove__system *y, const grove_class *k)
{
  bool own_thread = GROVE__CLASS(k, own_thread), blocking = GROVE__CLASS(k, blocking);
  uint32_t concurrency = GROVE__CLASS(k, concurrency), stack_bytes = GROVE__CLASS(k, stack_bytes);
  return (grove__manner){
      .task = {.run = grove__cell_turn,
          .release = grove__cell_release,
          .has_mailbox = true,
          .whole = stack_bytes ? NULL : grove__cell_whole_turn,
          .place = own_thread ? GROVE__PLACE_OWN
                   : blocking ? GROVE__PLACE_OFFLOAD
                              : GROVE__PLACE_WORKERS,
          .stack_bytes = stack_bytes},
      .system = y,
      .class = k,
      .is_task = k == &grove__task_class,
      .calm = GROVE__CLASS(k, full) == GROVE_FULL_WAIT ? GROVE__CALM : UINT32_MAX,
      .drops_old = GROVE__CLASS(k, full) == GROVE_FULL_DROP_OLD,
      .most_active = concurrency > 1 && !own_thread && !blocking ? concurrency : 1,
      .fixed = (uint64_t)k->state_bytes + k->start_arg->bytes};
}

// A class of another name at the same place is another class, and so is one that runs otherwise: code that was unloaded, and other
// code in its stead.
static bool is_of(const grove__kind *x, const grove_class *k)
{
  const grove__manner *is = &x->manner, m = manner_of(is->system, k);
  return is->task.place == m.task.place && is->task.stack_bytes == m.task.stack_bytes && is->most_active == m.most_active &&
         is->drops_old == m.drops_old && is->calm == m.calm && is->fixed == m.fixed && strncmp(x->name, k->name, sizeof x->name - 1) == 0;
}

static grove__kind *find(grove__kind *first, const grove_class *k)
{
  while (first && (first->manner.class != k || !is_of(first, k))) {
    first = first->next;
  }
  return first;
}

static size_t bytes_of(uint32_t lines)
{
  return sizeof(grove__kind) + lines * sizeof(grove__tally);
}

static grove__kind *make(grove__system *y, const grove_class *k)
{
  uint32_t lines = 1 + grove__sched_width(&y->sched);
  grove__kind *x =
      grove__alloc_zero(grove__memory_of(y->memory, GROVE__MEMORY_WATCH), bytes_of(lines));
  if (x) {
    x->manner = manner_of(y, k);
    x->manner.task.lines = x->line;
    x->lines = lines;
    snprintf(x->name, sizeof x->name, "%s", k->name);
  }
  return x;
}

grove__kind *grove__kind_of(grove__system *y, const grove_class *k)
{
  _Atomic(grove__kind *) *bucket = bucket_of(y, k);
  // ORDER acquire: the entries are seen whole. PAIRS the exchange below.
  grove__kind *first = atomic_load_explicit(bucket, memory_order_acquire);
  grove__kind *x = find(first, k);
  if (x) {
    return x;
  }
  grove__kind *mine = make(y, k);
  if (!mine) {
    return NULL;
  }
  do {
    x = find(first, k); // somebody else may have made it meanwhile
    if (x) {
      grove__free(grove__memory_of(y->memory, GROVE__MEMORY_WATCH), mine, bytes_of(mine->lines));
      return x;
    }
    mine->next = first;
    // ORDER release: publishes the entry; acquire: those of others. PAIRS the load above.
  } while (!atomic_compare_exchange_weak_explicit(
      bucket, &first, mine, memory_order_acq_rel, memory_order_acquire));
  return mine;
}

grove__kind *grove__kind_find(grove__system *y, const grove_class *k)
{
  // ORDER acquire, PAIRS grove__kind_of.
  return find(atomic_load_explicit(bucket_of(y, k), memory_order_acquire), k);
}

void grove__kinds_free(grove__system *y)
{
  for (int i = 0; i < GROVE__KINDS; i++) {
    grove__kind *k =
        atomic_load_explicit(&y->kinds[i], memory_order_relaxed); // nobody else is left
    while (k) {
      grove__kind *next = k->next;
      grove__free(grove__memory_of(y->memory, GROVE__MEMORY_WATCH), k, bytes_of(k->lines));
      k = next;
    }
  }
}

uint64_t grove__kinds_sum(grove__system *y, uint32_t what)
{
  uint64_t sum = 0;
  for (int i = 0; i < GROVE__KINDS; i++) {
    // ORDER acquire, PAIRS grove__kind_of.
    grove__kind *k = atomic_load_explicit(&y->kinds[i], memory_order_acquire);
    for (; k; k = k->next) {
      sum += grove__tally_sum(k->line, k->lines, what);
    }
  }
  return sum;
}

void grove__kinds_waited(grove__system *y, grove__durations *out)
{
  for (int i = 0; i < GROVE__KINDS; i++) {
    // ORDER acquire, PAIRS grove__kind_of.
    grove__kind *k = atomic_load_explicit(&y->kinds[i], memory_order_acquire);
    for (; k; k = k->next) {
      grove__durations_merge(out, &k->waited);
    }
  }
}
