// Starting a runtime.
#include "actor/birth.h"
#include "actor/fault.h"
#include "actor/future.h"
#include "actor/run.h"
#include "base/options.h"
#include "base/random.h"
#include "plat/budget.h"
#include "plat/clock.h"
#include <stdio.h>

static const grove_type none_type = {
    sizeof(grove_type), sizeof(grove_none), "grove_none", GROVE_TYPE_PLAIN, 0, NULL, NULL, NULL};
static const grove_method *const no_methods[] = {NULL};
static const grove_class root_class = {.struct_size = sizeof(grove_class),
    .state_bytes = 1,
    .name = "root",
    .start_arg = &none_type,
    .methods = no_methods};

static void set_default(uint32_t *field, uint32_t value)
{
  if (*field == 0) {
    *field = value;
  }
}

static grove_status read_options(const grove_options *given, grove_options *o)
{
  GROVE__TRY(grove__options_read(o, sizeof *o, given));
  if (o->simulate && o->work_loop) {
    return GROVE_ENOTSUP;
  }
  if (o->workers == 0) {
    // libuv's pool has four threads unless the host chose otherwise, and one is left for the host's own work.
    uint32_t budget = grove__cpu_budget();
    o->workers = o->work_loop && budget > 3 ? 3 : budget;
  }
  set_default(&o->offload_threads, 64);
  set_default(&o->offload_queue, 65536);
  set_default(&o->stack_bytes, 256 * 1024);
  set_default(&o->max_actors, 16 * 1024 * 1024);
  o->max_actors -= o->max_actors == UINT32_MAX; // the root has a slot, too
  set_default(&o->max_suspended, 256 * 1024);
  set_default(&o->max_outside, 1024 * 1024);
  set_default(&o->turn_warn_ms, 10);
  set_default(&o->spin_us, 20);
  set_default(&o->stand_ins, o->workers > 4 ? o->workers : 4);
  return GROVE_OK;
}

static void thread_hook(void *user, const char *name, bool starts)
{
  grove__system *y = user;
  void (*hook)(void *, const char *) = starts ? y->options.thread_start : y->options.thread_stop;
  if (hook) {
    hook(y->options.user, name);
  }
}

static void part(void *user)
{
  grove__system_part(user);
}

static void thread_comes(void *user)
{
  grove__system *y = user;
  atomic_fetch_add_explicit(
      &y->parts, 1, memory_order_relaxed); // who makes the thread has a part itself
}

static void long_turn(void *user, void *shown, int64_t ns)
{
  grove__system *y = user;
  grove__cell *c = shown; // cells' memory stays
  char title[112] = "an actor";
  grove__mutex_lock(&c->lock);
  bool there = grove__cell_life_locked(c) != 0;
  const grove_method *m = grove__cell_method(c); // for people
  if (there) {
    grove__cell_title(c, title, sizeof title);
    GROVE__EVENT(y, GROVE_EVENT_SLOW, c, GROVE_OK, ns / 1000000, m ? m->name : NULL, NULL);
  }
  grove__mutex_unlock(&c->lock);
  if (there) { // with no method it is what comes between them
    grove__log(y, GROVE_LOG_WARN, "watch",
        "%s has held its worker for %lld ms in %s without a yield", title,
        (long long)(ns / 1000000), m ? m->name : "destroy, or a destructor of shared data,");
  }
}

static grove_status init_locks(grove__system *y)
{
  grove__mutex *locks[] = {&y->names_lock, &y->outside_lock, &y->graph_lock, &y->deaths_lock,
      &y->runs_lock, &y->recent_lock, &y->holders_lock, &y->sweep_lock, &y->log_lock, &y->random_lock, &y->end_lock};
  for (size_t i = 0; i < GROVE__COUNT(locks); i++) {
    grove_status s = grove__mutex_init(locks[i]);
    if (s) {
      while (i-- > 0) {
        grove__mutex_deinit(locks[i]);
      }
      return s;
    }
  }
  return GROVE_OK;
}

static void deinit_locks(grove__system *y)
{
  grove__mutex *locks[] = {&y->names_lock, &y->outside_lock, &y->graph_lock, &y->deaths_lock,
      &y->runs_lock, &y->recent_lock, &y->holders_lock, &y->sweep_lock, &y->log_lock, &y->random_lock, &y->end_lock};
  for (size_t i = 0; i < GROVE__COUNT(locks); i++) {
    grove__mutex_deinit(locks[i]);
  }
}

// Memory below an actor's stack is overwritten, nobody knows whose: the host's log is told who it was, on that very stack,
// and then the process traps (plat/stack.h). The log's lock is not taken: whoever holds it may be stopped for ever.
static void tell_overrun(void *user, const char *text)
{
  grove__system *y = user;
  grove__worker *w = grove__sched_here(&y->sched);
  grove__task *t = w ? w->task : NULL;
  char title[112] = "", line[360];
  if (t && grove__task_kind_of(t)->run == grove__cell_turn) {
    grove__cell_title(GROVE__CONTAINER(t, grove__cell, task), title, sizeof title);
  }
  if (y->options.log && GROVE_LOG_ERROR >= y->options.log_level) {
    snprintf(line, sizeof line, "%s%s%s", title, title[0] ? ": " : "", text);
    y->options.log(y->options.user, GROVE_LOG_ERROR, "stack", line);
  }
}

static grove_status init_sched(grove__system *y, int guard)
{
  const grove_options *o = &y->options;
  grove__sched_options so = {.allocator = grove__memory_of(y->memory, GROVE__MEMORY_RUNTIME),
      .block_allocator = grove__memory_of(y->memory, GROVE__MEMORY_MESSAGES),
      .slots = {[GROVE__SLOTS_FUTURES] = &y->futures, [GROVE__SLOTS_CELLS] = &y->cells, [GROVE__SLOTS_ANNEXES] = &y->annexes},
      .workers = o->workers,
      .offload_threads = o->offload_threads,
      .spin_us = o->spin_us,
      .stand_ins = o->stand_ins,
      .stack_bytes = o->stack_bytes,
      .thread_stack = 256 * 1024,
      .max_suspended = o->max_suspended,
      .guard = guard,
      .simulate = o->simulate != 0,
      .seed = o->seed,
      .work_loop = o->work_loop,
      .work_loop_freed = part,
      .thread_hook = thread_hook,
      .thread_gone = part,
      .thread_comes = thread_comes,
      .long_turn = long_turn,
      .long_turn_ns = (int64_t)o->turn_warn_ms * 1000000,
      .user = y};
  grove_status s = grove__sched_init(&y->sched, &so);
  if (!s) {
    grove__stacks_on_overrun(y->sched.stacks, tell_overrun, y);
  }
  if (!s && y->sched.work_loop) {
    thread_comes(y); // the loop's part, until it has let go
  }
  return s;
}

static grove_status make_tables(grove__system *y)
{
  GROVE__TRY(grove__annexes_init(y));
  y->vacant.system = y;
  grove_status s = grove__slab_init(&y->cells, grove__memory_of(y->memory, GROVE__MEMORY_ACTORS),
      sizeof(grove__cell), UINT32_MAX - 1024); // max_actors: grove__cell_take
  if (s) {
    grove__annexes_deinit(y);
    return s;
  }
  y->cells.init = grove__cell_init;
  y->cells.deinit = grove__cell_deinit;
  y->cells.user = y;
  // Futures have no limit of their own: actors' are bounded by mailboxes, outside ones by max_outside.
  s = grove__slab_init(&y->futures, grove__memory_of(y->memory, GROVE__MEMORY_FUTURES),
      sizeof(grove__future), UINT32_MAX - 1024);
  if (s) {
    grove__slab_deinit(&y->cells);
    grove__annexes_deinit(y);
    return s;
  }
  y->futures.init = grove__future_init;
  y->futures.user = y;
  y->cells.direct = y->futures.direct = y->annexes.direct = y->options.simulate != 0;
  return GROVE_OK;
}

// The root is a cell like any other, but nothing starts it and it takes no messages: it only has children.
static grove_status make_root(grove__system *y)
{
  uint32_t index;
  bool limit;
  grove__cell *c = grove__slab_take(&y->cells, &index, &limit);
  if (!c) {
    return GROVE_ENOMEM;
  }
  c->apart.state =
      grove__alloc_zero(grove__memory_of(y->memory, GROVE__MEMORY_ACTORS), root_class.state_bytes);
  if (!c->apart.state || !grove__annex_make_root(c)) {
    grove__free(grove__memory_of(y->memory, GROVE__MEMORY_ACTORS), c->apart.state, root_class.state_bytes);
    grove__slab_give(&y->cells, index);
    return GROVE_ENOMEM;
  }
  c->body = GROVE__BODY_APART;
  c->apart.body = c->apart.state;
  c->apart.bytes = root_class.state_bytes;
  y->of_root = (grove__manner){
      .task = {.run = grove__cell_turn, .release = grove__cell_release, .has_mailbox = true, .whole = grove__cell_whole_turn},
      .system = y,
      .class = &root_class,
      .most_active = 1};
  // Relaxed, both: nobody else is there yet. Its mailbox stays closed.
  atomic_store_explicit(&c->task.kind, &y->of_root.task, memory_order_relaxed);
  atomic_store_explicit(&c->mailbox.life, grove__birth_number(y, NULL), memory_order_relaxed);
  grove__annex_of(c)->spec.stop_ms = UINT32_MAX; // grove_stop has its own deadline
  c->phase = GROVE__CELL_ALIVE;
  grove__annex_of(c)->place = y->options.seed;
  y->root = c;
  return GROVE_OK;
}

static grove_status start(grove__system *y, int guard)
{
  GROVE__TRY(init_locks(y));
  grove_status s = grove__future_lots_init(y);
  if (s) {
    goto locks;
  }
  s = grove__cond_init(&y->end_cond);
  if (s) {
    goto lots;
  }
  s = grove__fork_mark_init(&y->fork);
  if (s) {
    goto cond;
  }
  s = make_tables(y);
  if (s) {
    goto mark;
  }
  s = make_root(y);
  if (!s) {
    s = init_sched(y, guard);
    if (!s) {
      return GROVE_OK;
    }
    grove__free(
        grove__memory_of(y->memory, GROVE__MEMORY_ACTORS), y->root->apart.body, root_class.state_bytes);
  }
  grove__slab_deinit(&y->futures);
  grove__slab_deinit(&y->cells);
  grove__annexes_deinit(y);
mark:
  grove__fork_mark_deinit(&y->fork);
cond:
  grove__cond_deinit(&y->end_cond);
lots:
  grove__future_lots_deinit(y);
locks:
  deinit_locks(y);
  return s;
}

grove_status grove__system_start(
    const grove_options *given, const grove__policy *policy, int guard, grove **out)
{
  grove_options o;
  if (!out) {
    return GROVE_EINVAL;
  }
  *out = NULL;
  GROVE__TRY(read_options(given, &o));
  grove_allocator a = grove__allocator_of(o.allocator);
  grove__system *y = grove__alloc_lines(&a, 1, sizeof *y);
  if (!y) {
    return GROVE_ENOMEM;
  }
  memset(y, 0, sizeof *y);
  y->here.kind = GROVE__HERE_RUNTIME;
  y->here.system = y;
  y->debug = grove__debug_table();
  y->host_allocator = a;
  y->options = o;
  y->policy = policy;
  y->sweep_at = INT64_MAX;
  y->random = o.seed ? o.seed : grove__mix64((uint64_t)grove__clock_ns() ^ (uintptr_t)y);
  // Told apart from other runtimes of the process well enough that an address of one is refused by another. Not 0.
  y->id = (uint32_t)(grove__mix64((uintptr_t)y ^ (o.simulate ? 0 : (uint64_t)grove__clock_ns())) >>
                     33) |
          1;
  atomic_init(&y->parts, 1);
  y->ledger = grove__ledger_create(&a, o.memory_bytes, o.heap_bytes);
  grove_status s = GROVE_ENOMEM;
  if (y->ledger) {
    y->memory = y->ledger->memory;
    atomic_init(&y->wanted, y->ledger->most ? GROVE__WANTED_COUNTS : 0);
    if (o.simulate) {
      grove__faults_init(y);
    }
    grove__memory_note(y->memory, GROVE__MEMORY_RUNTIME, GROVE__SYSTEM_BYTES);
    s = start(y, guard);
  }
  if (s) {
    if (y->ledger) {
      grove__ledger_let_go(y->ledger);
    }
    grove__free_lines(&a, y, sizeof *y);
    return s;
  }
  y->begun_ns = grove__now(y);
  grove__cell_set_born(y->root, y->begun_ns);
  *out = &y->here;
  return GROVE_OK;
}
