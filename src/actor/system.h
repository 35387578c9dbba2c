// The runtime as the actors' room sees it: tables, limits, counters, locks.
#ifndef GROVE_ACTOR_SYSTEM_H
#define GROVE_ACTOR_SYSTEM_H
#include "actor/policy.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/status.h"
#include "plat/fork.h"
#include "plat/notify.h"
#include "runtime/sched.h"
#include "runtime/slab.h"
#include <grove/actor.h>
#include <grove/call.h>
#include <grove/watch.h>

typedef struct grove__system grove__system;
typedef struct grove__cell grove__cell;
typedef struct grove__future grove__future;
typedef struct grove__activation grove__activation;
typedef struct grove__waiter grove__waiter;
typedef struct grove__kind grove__kind;
typedef struct grove__hub grove__hub;
typedef struct grove__runs grove__runs; // runs.c

/// Where one stands: the runtime itself, or the first member of an activation.
struct grove {
  uint32_t kind; // GROVE__HERE_*
  grove__system *system;
};
/// How an activation begins.
typedef struct grove__stand {
  struct grove here;
  uintptr_t low; // constant: the low end of the stack that it is on; UINTPTR_MAX: not known
} grove__stand;
enum { GROVE__HERE_RUNTIME = 0x67726f76, GROVE__HERE_ACTIVATION = 0x61637469 };

/// Outlives the runtime as long as shared data does: whose memory it is, and how much.
typedef struct grove__ledger {
  grove_allocator allocator;     // the host's
  grove__memory *memory;         // in front of it; goes with the ledger
  _Atomic uint64_t count;        // the runtime, and each shared datum
  _Atomic uint64_t shared_bytes; // of data that still lives
  _Atomic uint64_t used; // of `most`: shared data and messages; kept only where there is a limit
  uint64_t most;         // constant; 0: no limit
} grove__ledger;

/// What all actors of a class have in common: their task's kind, and so found by each. Constant.
enum { GROVE__CALM = 512 }; // 32 KB of the smallest messages
typedef struct grove__manner {
  grove__task_kind task;
  grove__system *system;
  const grove_class *class; // not looked into once its last actor is gone
  uint32_t most_active;     // concurrency
  uint32_t calm;            // with so many messages waiting who sends one lets others run; UINT32_MAX: nobody waits for room in it
  bool drops_old;           // it is `full` so
  bool is_task;             // one method, and no state
  uint64_t fixed;           // bytes of state and start argument
} grove__manner;

enum { GROVE__KINDS = 64 };
/// Of which slabs threads keep slots at hand: runtime/stash.h.
enum { GROVE__SLOTS_FUTURES, GROVE__SLOTS_CELLS, GROVE__SLOTS_ANNEXES };

/// Where who wants a locked future sleeps; futures share a few.
enum { GROVE__FUTURE_LOTS = 8 };
typedef struct grove__future_lot {
  grove__mutex lock;
  grove__cond cond;
} grove__future_lot;

/// What is remembered of an actor that has ended, or failed and is to start again.
typedef struct grove__death {
  grove_ref ref, parent;
  int64_t when_ns;
  bool again; // is to start again
  char class_name[40], name[64], label[64];
  grove_error error;
  uint64_t handled, failed;
} grove__death;
typedef struct grove__deaths grove__deaths; // deaths.c

/// Why a message was never begun: its actor is gone, its mailbox was full, its deadline passed, nobody wants it.
enum {
  GROVE__LOST_DEAD,
  GROVE__LOST_FULL,
  GROVE__LOST_EXPIRED,
  GROVE__LOST_CANCELED,
  GROVE__LOSTS
};

typedef struct grove__counters {
  // Relaxed everywhere: statistics.
  _Atomic uint64_t dead_letters, restarts;
  _Atomic uint64_t dropped[GROVE__LOSTS]; // of `messages`
  _Atomic uint64_t refused, late_answers;
} grove__counters;

/// When the log was last told of lost messages of one kind, and how many it was not told of since.
typedef struct grove__lost_log {
  _Atomic int64_t next_ns;
  _Atomic uint64_t unsaid; // a hint for people
} grove__lost_log;

struct grove__system {
  struct grove here;                // what the host holds
  const struct grove__debug *debug; // for debuggers, right behind it: debug.c
  grove__memory *memory;            // the ledger's
  grove_allocator host_allocator;   // what is behind it, and behind simulation's one that can fail
  struct grove__fault_rule *faults; // simulation: one thread
  struct grove__delayed *delayed;   // simulation: one thread
  grove_options options;            // with defaults filled in
  const grove__policy *policy;
  grove__fork_mark fork;
  uint32_t id; // of this runtime, in all of its addresses
  grove__sched sched;
  grove__slab cells, annexes, futures;
  grove__manner vacant, of_root; // constant: of a slot in which nobody has lived yet, and of the root
  const struct grove__annex *no_annex; // constant: that of all who have none of their own
  grove__ledger *ledger;
  grove__cell *root;
  _Atomic bool stopping; // written by grove_stop
  int64_t begun_ns;      // constant: when it was started
  _Atomic bool barren;   // likewise: it gives up who is left, and nobody is born any more
  grove__counters counters;
  _Atomic(grove__kind *) kinds[GROVE__KINDS]; // buckets of classes' counters: kind.h
  _Atomic(grove__kind *) task_kind; // of tasks; NULL: there was none yet
  _Atomic uint32_t wanted;                    // events and spans that somebody watches: feed.h
  _Atomic(grove__hub *) hub;                  // NULL: nobody ever did
  grove__lost_log lost[GROVE__LOSTS];

  grove__mutex names_lock;
  grove__cell **names; // guarded by names_lock: buckets
  size_t name_buckets, name_count;

  grove__mutex outside_lock;
  _Atomic uint32_t outside_count; // unspent futures of outside threads
  grove__waiter *thread_waits; // guarded by outside_lock: threads that wait
  bool waits_over;             // guarded by outside_lock: none may any more
  grove__future *ready_first,
      *ready_last; // guarded by outside_lock: ended, with a then-function to run
  grove__notify notify;
  bool has_notify;                // guarded by outside_lock
  _Atomic uint32_t then_open;     // outside futures with a then-function that has not run
  _Atomic uint64_t dispatcher;    // the thread that is in grove_dispatch; 0: none
  struct grove__watcher *watcher; // the attached loop's, on its thread only

  grove__future_lot lots[GROVE__FUTURE_LOTS]; // where who wants a locked future sleeps: future_lock.c

  grove__mutex graph_lock; // who waits for whom: deadlock.c
  uint64_t graph_search;   // guarded by graph_lock
  _Atomic bool graph_searched; // written under graph_lock: somebody looks at who waits

  grove__mutex deaths_lock;
  grove__deaths *deaths; // guarded by deaths_lock; made with the first death

  grove__mutex runs_lock;
  grove__runs *runs; // guarded by runs_lock; made with the first run

  grove__mutex recent_lock;
  struct grove__recent *recent; // guarded by recent_lock; made when somebody asks who is busy

  grove__mutex holders_lock;
  char holders[160];     // guarded by holders_lock: who holds most, in words
  int64_t holders_at;    // guarded by holders_lock: when that was looked up
  uint32_t holders_from; // guarded by holders_lock

  grove__mutex sweep_lock;
  int64_t sweep_at;    // guarded by sweep_lock: when the next look at all cells is due; INT64_MAX: none is
  grove__timer sweep;  // set under sweep_lock

  grove__mutex log_lock;
  grove__mutex random_lock;
  uint64_t random; // guarded by random_lock

  grove__mutex end_lock;
  grove__cond end_cond;
  bool root_ended;            // guarded by end_lock
  _Atomic uint32_t offloaded; // functions that wait for an offload thread
  // What many threads count up stands on lines of its own: what all read would move with it.
  char apart[64];
  _Atomic uint64_t lives; // the last life's number that was taken
  char lives_apart[64];
  _Atomic uint64_t timed_waits; // the last number of a wait that has a deadline
  _Atomic uint64_t ends;  // how many futures have ended: their order
  char ends_apart[64];
  // Threads, the host's loop, and grove_stop, and as many times GROVE__PART_OUTSIDE outside threads that wait: the last one frees.
  _Atomic uint64_t parts;
};

#define GROVE__PART_OUTSIDE (UINT64_C(1) << 32)

/// What a runtime takes from its host before it can count: itself, its ledger, the counts.
#define GROVE__SYSTEM_BYTES                                                                        \
  ((int64_t)(sizeof(grove__system) + GROVE__LINES_MORE + sizeof(grove__ledger) + sizeof(grove__memory)))

static inline int64_t grove__now(grove__system *y)
{
  return grove__timers_now(&y->sched.timers);
}
/// So many milliseconds from now on. For ever needs no look at the clock, which costs as much as a short call.
static inline int64_t grove__deadline_in(grove__system *y, int64_t ms)
{
  return ms < 0 ? INT64_MAX : grove__deadline(grove__now(y), ms);
}
static inline bool grove__stopping(grove__system *y)
{
  // Relaxed: a request; who must not miss it takes a lock that grove_stop took after it.
  return atomic_load_explicit(&y->stopping, memory_order_relaxed);
}
/// The part of an address or a future that says of which runtime it is.
static inline uint64_t grove__tag(const grove__system *y, uint32_t index)
{
  return (uint64_t)y->id << 32 | index;
}
static inline bool grove__has_tag(const grove__system *y, uint64_t tagged)
{
  return (uint32_t)(tagged >> 32) == y->id;
}
static inline void grove__count(_Atomic uint64_t *counter, uint64_t by)
{
  atomic_fetch_add_explicit(counter, by, memory_order_relaxed); // statistic
}

/// How many tasks there can be at most: cells, and functions that were offloaded.
static inline size_t grove__system_tasks(grove__system *y)
{
  return (size_t)grove__slab_made(&y->cells) +
         atomic_load_explicit(&y->offloaded, memory_order_relaxed); // simulation asks: one thread
}
/// Checks `g`, and finds where the caller really stands: the activation that runs on this thread, or NULL outside.
/// The runtime's own handle means the running actor, when it is used on a worker.
/// Returns: GROVE_EINVAL: no runtime, or the view of an activation that does not run here; GROVE_EFORKED
grove_status grove__enter_slowly(grove *g, grove__system **system, grove__activation **here);
/// Where on his stack the caller stands, or a little below.
static inline uintptr_t grove__stand_here(void)
{
#if GROVE__ASAN // whose variables may lie elsewhere
  return (uintptr_t)__builtin_frame_address(0);
#else
  char here; // and no frame pointer
  uintptr_t at;
  __asm__("" : "=r"(at) : "0"((uintptr_t)&here)); // a place, which compilers are not to take for a pointer that outlives its variable
  return at;
#endif
}
/// Whether the caller is in the method to which that view was given; false: not known without a closer look.
static inline bool grove__is_in_method(const grove *g)
{
  // An activation is a variable of the frame that runs its method: who stands below it on the same stack is in that
  // method. So the thread need not be asked for, which is most of what entering costs.
  uintptr_t at = grove__stand_here();
  return at < (uintptr_t)g && g->kind == GROVE__HERE_ACTIVATION && at >= ((const grove__stand *)(const void *)g)->low;
}
/// The activation whose method the caller is in, by that view; NULL: not known without a closer look; and one that does not even ask
/// where the page does not tell that this process is no child.
static inline grove__activation *grove__enter_method(grove *g)
{
  return grove__is_in_method(g) && !grove__fork_mark_is_child(&g->system->fork) ? (grove__activation *)(void *)g : NULL; // its first member
}
static inline grove__activation *grove__enter_method_quickly(grove *g)
{
  return GROVE__LIKELY(grove__is_in_method(g) && grove__fork_mark_is_parent(&g->system->fork)) ? (grove__activation *)(void *)g : NULL;
}
static inline grove_status grove__enter(
    grove *g, grove__system **system, grove__activation **here)
{
  *here = grove__enter_method(g);
  if (!*here) {
    return grove__enter_slowly(g, system, here);
  }
  *system = g->system;
  return GROVE_OK;
}
grove__system *grove__system_of(grove *g);

/// One line for the host's log, with `who` in front (NULL: none).
void grove__log(grove__system *y, int level, const char *component, const char *format, ...)
    GROVE_PRINTF(4, 5);
/// A thread, a loop or grove_stop lets go; the last one frees.
void grove__system_part(grove__system *y);
/// An outside thread is about to wait, and is out again: grove_stop waits for those that it has woken.
static inline void grove__outside_enter(grove__system *y)
{
  atomic_fetch_add_explicit(&y->parts, GROVE__PART_OUTSIDE, memory_order_relaxed); // the host's part keeps it here
}
void grove__outside_leave(grove__system *y);
/// In a forked child: gives memory back, and touches no lock and no thread.
void grove__system_forget(grove__system *y);

// ---- debug.c ----
/// Where things lie, for tools/gdb/grove_gdb.py. Constant.
const struct grove__debug *grove__debug_table(void);

// ---- lost.c ----
/// Whether the log is to be told of a lost message of this kind now: once a second at most. Then grove__lost_say follows.
bool grove__lost_is_due(grove__system *y, uint32_t kind);
/// "text (and 12 more since the last such line)"
void grove__lost_say(grove__system *y, uint32_t kind, const char *text);
/// Counts one of a class (NULL: the root) that was accepted and is never begun.
void grove__lost_count(grove__system *y, grove__kind *of, uint32_t kind);
uint64_t grove__lost_total(grove__system *y);

// ---- deaths.c ----
/// The place for a life that is over, or (`again`) is to start anew, with the address and the time in it (`now`, or that of
/// the death before it where that is later: the list is in the order of time), for the caller to fill (without text in
/// its error: the usual words); then
/// grove__death_entered follows. NULL: no memory, it is forgotten at once.
grove__death *grove__death_enter(grove__system *y, grove_ref ref, int64_t now, bool again);
void grove__death_entered(grove__system *y);
/// What is said behind somebody's title of how he ended, where he has said nothing himself.
const char *grove__death_words(grove_status why);
/// Fills *out (may be NULL) with what is remembered of `ref`. False: forgotten, or never was.
bool grove__death_find(grove__system *y, grove_ref ref, grove__death *out);
/// The i-th newest of those that are gone for good. False: there are no more.
bool grove__death_at(grove__system *y, uint64_t i, grove__death *out);
void grove__deaths_free(const grove_allocator *a, grove__deaths *d);

// ---- shared.c ----
/// `most` of shared data and messages, `heap` of all that is allocated; 0: no limit.
grove__ledger *grove__ledger_create(const grove_allocator *a, uint64_t most, uint64_t heap);
void grove__ledger_let_go(grove__ledger *l);
/// The parts of the two below for types that hold shared data.
grove_status grove__value_hold(grove__system *y, const grove_type *t, void *to);
void grove__value_let_go(const grove_type *t, void *value);
/// Copies a message value and counts its shared data; a borrowed view is copied. On failure nothing is held.
static inline grove_status grove__value_copy(
    grove__system *y, const grove_type *t, void *to, const void *from)
{
  memcpy(to, from, t->bytes);
  return t->holds ? grove__value_hold(y, t, to) : GROVE_OK;
}
static inline void grove__value_release(const grove_type *t, void *value)
{
  if (t->holds) {
    grove__value_let_go(t, value);
  }
}
/// Whether a value holds a borrowed view, which may not leave the frame.
bool grove__value_borrows(const grove_type *t, const void *value);
/// Whether two types are the same by the contract of grove_type.
bool grove__type_same(const grove_type *a, const grove_type *b);
#endif
