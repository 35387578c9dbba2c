// The scheduler: tasks, the workers that run their turns, and leaving a turn in the middle.
//
// A *task* is something that has turns: one thread at a time runs its run(). grove__sched_notify makes an idle task
// runnable and tells a running one to have another look, so nothing that is put before a task and followed by a notify
// is ever missed.
//
// A *strand* is a stack on which a worker's loop stands. A turn runs on the strand that took it, at no cost. A turn
// that must wait leaves its strand as it stands (grove__sched_suspend): its worker goes on in another strand. Later a
// turn of the same task finds that the suspended one can go on and gives GROVE__TURN_RESUME: the loop then goes over
// to that strand, which finishes the turn. So a task's turns never overlap, whatever their stacks.
//
// Tasks have a place: the workers, the offload threads (they may block), or a thread of their own. In the latter two
// there are no strands: waiting blocks the thread (grove__native_wait). In simulation all tasks run on the one thread
// that drives it, as on one worker.
//
// A worker that is *held*, by a turn that neither ends nor yields, can't serve its queue. Others steal from it; where none
// is free, a *stand-in* comes: a worker like the others, on a thread of its own, for what is queued. See watch.c.
#ifndef GROVE_RUNTIME_SCHED_H
#define GROVE_RUNTIME_SCHED_H
#include "plat/loop.h"
#include "plat/stack.h"
#include "queue/inbox.h"
#include "queue/word.h"
#include "runtime/stash.h"
#include "runtime/tally.h"
#include "runtime/timers.h"

typedef struct grove__sched grove__sched;
typedef struct grove__worker grove__worker;
typedef struct grove__task grove__task;

typedef enum grove__turn {
  GROVE__TURN_DONE,   ///< nothing to do until the next notify, whatever letters come
  GROVE__TURN_EMPTY,  ///< the same, and there was no letter: runnable again if one has come since
  GROVE__TURN_MORE,   ///< runnable again, at the end of the queue
  GROVE__TURN_RESUME, ///< go on in worker->resume
  GROVE__TURN_FREE,   ///< nobody can notify it any more: idle, then its release() runs
  GROVE__TURN_GONE    ///< the task's memory is not the task's any more
} grove__turn;
enum { GROVE__PLACE_WORKERS, GROVE__PLACE_OFFLOAD, GROVE__PLACE_OWN };

/// What tasks of one kind have in common. Constant.
typedef struct grove__task_kind {
  grove__turn (*run)(grove__task *t, grove__worker *w);
  void (*release)(grove__task *t, grove__worker *w); ///< after GROVE__TURN_FREE; else NULL
  bool has_mailbox; ///< its turns begin with what is taken out of its word, worker->word
  /// A turn from its first exchange to its last, on a worker that is plain, and those of the same kind that grove__worker_next
  /// gives after it; what it gives that is of another is returned, to be run now. NULL: grove__task_turn. For those that ask for no stack.
  grove__task *(*whole)(grove__task *t, grove__worker *w);
  uint32_t place;       ///< GROVE__PLACE_*
  uint32_t stack_bytes; ///< a strand at least so large is wanted; 0: the usual
  grove__tally *lines;  ///< where their turns are counted, one for each worker; NULL: nowhere
} grove__task_kind;

/// A task's turn has begun before it was put in a queue (mailbox.h, fact 6): ALONE: with one letter, which is usual as the room above says,
/// and is all that was in its lists then.
enum { GROVE__BEGUN_NOT, GROVE__BEGUN, GROVE__BEGUN_ALONE };
struct grove__task {
  _Atomic uint64_t busy_ns; // written at the end of a turn, read by anyone
  // What who queues it touches, in one line with what follows, if the owner has it so:
  grove__run_node node;   // guarded by the lock of the queue it is in; home: also of GROVE__PLACE_OWN
  _Atomic(const grove__task_kind *) kind; // constant while anybody can notify; who looks without that may see another's
  grove__word state;      // how it is scheduled, and its letters: queue/word.h; the last, because a mailbox follows it
};
/// By who knows that it stays.
static inline const grove__task_kind *grove__task_kind_of(const grove__task *t)
{
  return atomic_load_explicit(&t->kind, memory_order_relaxed); // relaxed: published with the task
}

/// A stack with a worker's loop on it.
typedef struct grove__strand {
  struct grove__strand *next; // in its worker's idle list
  grove__fiber *fiber;
  grove__worker *worker; // who runs it, or ran it last
  size_t bytes;
  uintptr_t low; // constant: of its stack
} grove__strand;

struct grove__worker {
  grove__sched *sched;
  uint32_t index, place;
  // Its own thread only:
  grove__strand *self;  // where it is now; NULL on native threads
  grove__strand native; // what the thread came in on
  grove__strand
      *back; // where a strand goes that has nothing more to do: native, or who drives a simulation
  grove__strand *idle; // strands whose loop stands still
  uint32_t idle_count, tick;
  uint32_t quick, quick_lot; // how many tasks more it may take from its slot before it looks at anything else; of how many. grove__worker_next
  grove__strand *resume; // set by a turn that gives GROVE__TURN_RESUME
  grove__task *task;     // whose turn this is
  uint64_t word;         // of a turn that begins: what its task's word was
  grove__task *first;    // to be run before all others: it asked for a large strand
  grove__task
      *after_task; // what is left to do once the stack has been left: see grove__strand_finish
  grove__turn after_turn;
  grove__strand *after_strand;
  uintptr_t low; // of the stack that its turns run on; UINTPTR_MAX: not known, or in simulation, where one may drive the turns of another
  void *context; // of the room above: the activation that runs
  grove__stash stash;
  uint64_t number, numbers; // of the room above: the next of the serial numbers that it has at hand; how many are left
  uint32_t line;  // constant: its line in tallies; 0: the one that is shared
  bool plain;     // constant: on the threads of workers, neither a stand-in nor a simulation's: for those most is in line
  int64_t since;  // from when on time has not been accounted for
  uint32_t unread, spread; // turns until the clock is read again; what decides how many those are
  _Atomic int64_t recent; // the last time that it knows; written by its thread, and by the watch while anybody is busy
  // Others, too:
  grove__run_queue queue;
  _Atomic uint64_t turns; // written by its thread: moves at each turn and yield; read by the watch
  _Atomic bool busy;      // written by its thread: outside of parking; read by the watch
  _Atomic(void *)
      shown; // written by its thread, read by the watch: whose turn it is, in memory that stays
  // Statistics, written by its thread, relaxed:
  _Atomic uint64_t busy_ns, steals, parks;
  uint64_t watched_turns; // the watch's own
  int64_t watched_since;  // the watch's own
  bool watched_told;      // the watch's own
  bool watched_held;      // the watch's own: the turn has lasted too long
  bool stands_in;         // constant: beyond the number that was asked for
  _Atomic bool
      retired; // of a stand-in; written under sched->lock: it runs nothing but what only it may resume
  grove__cond cond;        // with sched->lock
  bool signaled;           // guarded by sched->lock
  uint32_t suspended_here; // its own thread only: turns that only this worker may resume
  bool started;            // guarded by sched->lock: it has a thread, or soon will
  bool joinable;           // guarded by sched->lock: `thread` is to be joined
  bool leave;              // guarded by sched->lock (own threads, stand-ins): nothing more comes
  grove__worker *next; // guarded by sched->lock: list of own or offload threads, or of idle ones
  grove__worker *next_idle; // guarded by sched->lock
  grove__thread thread;
};

typedef struct grove__sched_options {
  const grove_allocator *allocator;       ///< must stay
  const grove_allocator *block_allocator; ///< of what messages are made of; NULL: the same
  grove__slab *slots[GROVE__STASH_SLABS]; ///< of which threads keep some at hand; must stay; NULL: none
  uint32_t workers, offload_threads, spin_us;
  uint32_t stand_ins; ///< most of them at once
  size_t stack_bytes;
  size_t thread_stack; ///< of the workers' threads, on which no turn runs
  uint32_t max_suspended;
  int guard; ///< GROVE__GUARD_*
  bool simulate;
  uint64_t seed;
  struct uv_loop_s *work_loop;
  void (*work_loop_freed)(void *user); ///< the loop has let go of everything: see plat/loop.h
  void (*thread_hook)(void *user, const char *name, bool starts); ///< may be NULL
  void (*thread_gone)(void *user);  ///< the very last thing a thread does
  void (*thread_comes)(void *user); ///< before a thread is made: it will be gone later
  void (*long_turn)(
      void *user, void *shown, int64_t ns); ///< the watch saw a turn that long; may be NULL
  int64_t long_turn_ns;
  void *user;
} grove__sched_options;

enum { GROVE__WORKERS_MOST = 256, GROVE__STAND_INS_MOST = 256 };
struct grove__sched {
  grove__sched_options o;
  grove__stacks *stacks;
  grove__blocks blocks; // for messages
  grove__shared_stash stashes[GROVE__STASHES]; // of threads that are no workers
  grove__key key;       // of a thread: its grove__worker
  grove__timers timers;
  grove__mutex lock; // after task-level locks, before run queues' (docs/design/locks.md)
  grove__worker *worker[GROVE__WORKERS_MOST +
                        GROVE__STAND_INS_MOST]; // made when first started, stand-ins last;
                                                // published under lock, count atomic
  bool barrier;                      // constant: grove__barrier_all works
  _Atomic uint32_t worker_count;     // how many of `worker` are there; written under lock
  uint32_t workers_running;          // guarded by lock: their threads
  uint32_t stand_ins_running;        // guarded by lock: the same of stand-ins
  _Atomic uint32_t stand_ins_active; // written under lock: those that are not retired
  _Atomic uint32_t stand_ins_wanted; // written under lock by the watch: one for each held worker
  grove__worker *idle_first;         // guarded by lock: parked workers
  _Atomic bool any_running;   // written under lock: a worker's thread has been made
  // From threads that are no workers. Its last word shares a line with what who queues looks at then, and workers write when they
  // begin or cease to look around: with the word each of the two has all of it.
  _Alignas(64) grove__inbox global;
  _Atomic uint32_t spinning; // written by workers that look for work before they park; read by who queues
  _Atomic uint32_t idle_workers;     // written under lock; read by who queues
  _Atomic bool
      all_running; // written under lock; read by who queues: no further worker may be started
  char all_running_apart[64];
  bool stopping;              // guarded by lock
  bool parted;                // guarded by lock: threads have been joined, or left to themselves
  bool alone;                 // guarded by lock: no worker was ever made, and none will be
  grove__cond ended;          // with lock: a thread has ended
  _Atomic bool stopping_hint; // the same for spinning workers
  _Alignas(64) _Atomic uint32_t suspended; // strands that stand in a wait: what each wait counts moves nothing that all read with it
  char suspended_apart[64];
  // native threads
  grove__worker *native;         // guarded by lock: all own and offload threads that are not joined
  grove__worker *offload_idle;   // guarded by lock
  grove__run_list offload_queue; // guarded by lock
  uint32_t offload_running, offload_lent; // guarded by lock: threads; those of them that wait
  // the watch
  grove__timer watch;
  _Atomic bool watching;
  grove__timer retry; // to start a worker, after none could be
  // simulation
  grove__task **sim_ready; // the driving thread only
  size_t sim_count, sim_room;
  uint64_t sim_random;
  grove__work_loop *work_loop;
};
_Static_assert(offsetof(grove__sched, global.pushed) / 64 == offsetof(grove__sched, all_running) / 64, "one line");

/// Its memory begins a cache line.
grove_status grove__sched_init(grove__sched *s, const grove__sched_options *o);
/// Stopping where no worker's thread was ever made, because nothing has begun or the system gives no thread: none is
/// made any more. False: there are threads. Then what is queued can be run on this thread.
bool grove__sched_go_alone(grove__sched *s);
void grove__sched_run_alone(grove__sched *s);
/// Lets the threads run out of work and ends them: those that have ended by `deadline` are joined, the others are
/// left to themselves (thread_gone tells when); gives their number. No task may be notified by others any more, but by
/// what still runs.
uint32_t grove__sched_stop(grove__sched *s, int64_t deadline);
/// After the last thread has gone.
void grove__sched_deinit(grove__sched *s);

/// The worker (of any place) whose thread this is; NULL: an outside thread.
static inline grove__worker *grove__sched_here(grove__sched *s)
{
  return grove__key_get(&s->key);
}
/// Whether it is a stand-in that has retired. On its own thread, or as a hint.
static inline bool grove__worker_stands_back(const grove__worker *w)
{
  // Relaxed: written by its own thread, or under the lock that it parks with.
  return w->stands_in && atomic_load_explicit(&w->retired, memory_order_relaxed);
}
/// Sees to it that there is a worker at all, and the timers' thread. Returns: GROVE_EAGAIN: the system gives no thread
grove_status grove__sched_ensure(grove__sched *s);
void grove__task_init(grove__task *t, const grove__task_kind *kind);
/// From any thread. Takes no lock above the scheduler's own.
void grove__sched_notify(grove__sched *s, grove__task *t);
/// The same for a task of the workers, without a home, that is to run beside its notifier and not after it.
void grove__sched_offer(grove__sched *s, grove__task *t);
/// For who has made it queued by its word: puts it in a queue. From any thread.
void grove__sched_put(grove__sched *s, grove__task *t);
/// The same on the thread of a worker (`plain`), for a task of the workers without a home; and for one that may have one.
void grove__sched_put_here(grove__worker *w, grove__task *t);
void grove__sched_put_slowly(grove__worker *w, grove__task *t);

/// Makes sure that grove__sched_suspend will have a strand to go to. In simulation and on native threads: nothing.
/// Returns: GROVE_ELIMIT: max_suspended, GROVE_ENOMEM
grove_status grove__sched_reserve(grove__worker *w);
/// Leaves the current turn as it stands, with verdict DONE or MORE for its task; gives the worker on which a later
/// turn resumed it. Only after grove__sched_reserve; only on workers.
grove__worker *grove__sched_suspend(grove__worker *w, grove__turn turn);
/// Whether waiting blocks the thread here; else strands are suspended. From any thread.
static inline bool grove__worker_is_native(const grove__worker *w)
{
  return w->place != GROVE__PLACE_WORKERS;
}
/// Native threads: blocks until grove__native_wake(w) was called after *woken was set false by the caller.
/// An offload thread lends its place meanwhile.
void grove__native_wait(grove__worker *w, bool *woken);
void grove__native_wake(grove__worker *w, bool *woken);
/// Around waiting by other means: an offload thread lends its place.
void grove__native_lend(grove__worker *w, bool lends);
/// Whether others wait for this worker: what grove_yield asks.
bool grove__worker_is_wanted(grove__worker *w);

/// A thread of its own for `t` (place OWN). Returns: GROVE_EAGAIN
grove_status grove__own_thread_create(grove__sched *s, grove__task *t);
/// Nothing more will come for it: it ends after its current turn. From its own turn.
void grove__own_thread_leave(grove__worker *w);

/// Takes out all that waits for an offload thread, and puts it (or a part of it) back in front, in its order.
grove__run_list grove__offload_take_all(grove__sched *s);
void grove__offload_put_back(grove__sched *s, grove__run_list list);
/// Sees to it that there is an offload thread. Returns: GROVE_EAGAIN
grove_status grove__offload_ensure(grove__sched *s);

/// Runs fn(user, i) for i < n on the workers, the caller among them, and returns when all have ended.
void grove__parallel_for(grove__sched *s, size_t n, void (*fn)(void *user, size_t i), void *user);
uint32_t grove__sched_width(const grove__sched *s);

/// Simulation: one turn of one task, chosen by the seed. False: nothing is runnable.
/// Outside of turns; the other: in one of a function that would block its thread, where there are threads.
bool grove__sim_turn(grove__sched *s);
bool grove__sim_turn_within(grove__worker *w);
size_t grove__sim_runnable(const grove__sched *s);
/// Makes room for so many tasks to be runnable at once: queueing one must not fail. Returns: GROVE_ENOMEM
grove_status grove__sim_reserve(grove__sched *s, size_t tasks);

/// About now, for free: a few milliseconds late at most. Its own thread.
static inline int64_t grove__worker_recent(const grove__worker *w)
{
  return atomic_load_explicit(&w->recent, memory_order_relaxed); // relaxed: a hint
}
/// Now; remembered as recent. Its own thread.
static inline int64_t grove__worker_now(grove__worker *w)
{
  int64_t now = grove__timers_now(&w->sched->timers);
  atomic_store_explicit(&w->recent, now, memory_order_relaxed); // a hint
  return now;
}

/// Whether it is in the worker's slot, and so the next that it runs. A hint; on its thread.
static inline bool grove__sched_has_next(const grove__worker *w, const grove__task *t)
{
  return atomic_load_explicit(&w->queue.slot, memory_order_relaxed) == &t->node; // relaxed: a hint
}
/// The same where it is most likely this worker's next turn, for its queue is empty. False: not so, and nothing has happened.
static inline bool grove__sched_put_next(grove__worker *w, grove__task *t)
{
  bool may = !t->node.home && grove__run_queue_may_fill_slot(&w->queue);
  if (GROVE__LIKELY(may)) {
    grove__run_queue_fill_slot(&w->queue, &t->node);
  }
  return may;
}

// ---- turns -----------------------------------------------------------------------------------------------
/// A turn, on a worker's strand or a thread without strands. begin: its first exchange, gives the word before, for w->word; the rest follows at once, run() and
/// its end, or, by who has run it, its end alone: `turn` as run() gives it.
void grove__task_turn(grove__worker *w, grove__task *t);
static inline uint64_t grove__task_begin(grove__worker *w, grove__task *t, bool takes)
{
  uint64_t word = t->node.begun ? 0 : grove__word_begin(&t->state, takes);
  t->node.begun = GROVE__BEGUN_NOT;
  t->node.unborn = false;
  w->task = t;
  return word;
}
void grove__task_run(grove__worker *w, grove__task *t);
void grove__task_end(grove__worker *w, grove__task *t, grove__turn turn);
/// The parts of that. What was since the last time was the task's (NULL: it is no more), whose turn ends; false: in the middle of a
/// turn, before its thread waits. And it is queued again.
void grove__worker_account(grove__worker *w, grove__task *t, bool turn_ends);
void grove__task_again(grove__sched *s, grove__task *t);
/// Whether a plain worker looks at the clock at the end of this turn. A look costs as much as a short turn. So only some turns,
/// chosen so that no regular pattern of turns falls in step with them, end with one, and what has passed since the last is the
/// task's whose turn that is: over many turns each is charged with its part. A turn that lasts long is seen by the watch's word
/// of the time, and the last one before a worker has nothing to do is never left out.
/// `more`: it has something to do after it.
static inline bool grove__task_reads_clock(grove__worker *w, bool more)
{
  enum { LEAST = 8, SPREAD_BITS = 4 }; // 8 to 23 turns
  if (GROVE__LIKELY(w->unread-- > 0 && grove__worker_recent(w) == w->since && more)) {
    return false;
  }
  w->spread = w->spread * 1664525u + 1013904223u; // a linear congruence: its upper bits are random enough
  w->unread = LEAST + (w->spread >> (32 - SPREAD_BITS));
  return true;
}
/// Whether it has something to do after a turn that ends: in its own queue.
static inline bool grove__worker_has_more(const grove__worker *w)
{
  // Relaxed: its own, or a hint.
  return atomic_load_explicit(&w->queue.slot, memory_order_relaxed) || grove__run_queue_others_wait(&w->queue);
}
/// The parts of grove__task_end of a turn that gives EMPTY, for a plain worker and a task that is counted. `more`: see above.
static inline void grove__task_count(grove__worker *w, grove__task *t, bool more)
{
  if (GROVE__UNLIKELY(grove__task_reads_clock(w, more))) {
    grove__worker_account(w, t, true);
  } else {
    grove__tally_one(grove__task_kind_of(t)->lines, w->line, GROVE__TALLY_TURNS);
  }
}
static inline void grove__task_rest(grove__worker *w, grove__task *t)
{
  if (GROVE__UNLIKELY(grove__word_leave(&t->state, GROVE__REST_EMPTY) == GROVE__WORD_QUEUED)) {
    grove__task_again(w->sched, t);
  }
}

/// Between two turns on the same strand of a plain worker: the next, if it is in the slot and nothing else is to come first. NULL: back
/// to the worker's loop, which looks further.
static inline grove__task *grove__worker_next(grove__worker *w)
{
  grove__run_node *n = GROVE__LIKELY(w->quick) ? grove__run_queue_claim_slot(&w->queue) : NULL;
  if (!n) {
    return NULL;
  }
  w->quick--;
  // Relaxed: written by this thread alone, read by the watch as a sign of life.
  atomic_store_explicit(&w->turns, atomic_load_explicit(&w->turns, memory_order_relaxed) + 1, memory_order_relaxed);
  return GROVE__CONTAINER(n, grove__task, node);
}

// ---- between the files of this room ----------------------------------------------------------------
/// The strand whose stack it is on from now on; NULL: none.
static inline void grove__worker_stand(grove__worker *w, grove__strand *self)
{
  w->self = self;
  w->low = self && !w->sched->o.simulate ? self->low : UINTPTR_MAX;
}
/// What was since the last time is nobody's, and what comes is somebody's: before a turn that was waited for.
static inline void grove__worker_skip(grove__worker *w)
{
  w->since = grove__worker_now(w);
}
void grove__sched_wake_any(grove__sched *s);
void grove__native_end_locked(grove__worker *w);
void grove__offload_more_locked(grove__sched *s);
void grove__offload_put(grove__sched *s, grove__task *t);
void grove__own_put(grove__sched *s, grove__task *t);
void grove__sim_put(grove__sched *s, grove__task *t);
grove_status grove__sim_init(grove__sched *s);
void grove__sim_deinit(grove__sched *s);
grove_status grove__worker_create(
    grove__sched *s, uint32_t place, uint32_t index, grove__worker **out);
void grove__worker_destroy(grove__worker *w);
void grove__worker_thread(grove__worker *w, const char *name, void (*loop)(grove__worker *w));
grove_status grove__strand_create(grove__worker *w, size_t bytes, grove__strand **out);
void grove__strand_go(grove__worker *w, grove__strand *to);
void grove__strand_finish(grove__worker *w);
void grove__sched_stir_locked(grove__sched *s);
static inline grove__task *grove__task_of(grove__run_node *n)
{
  return n ? GROVE__CONTAINER(n, grove__task, node) : NULL;
}
void grove__watch_start(grove__sched *s);
/// A worker of [from, to) that has no thread, made if need be; NULL: there is none.
grove_status grove__worker_without_thread_locked(
    grove__sched *s, uint32_t from, uint32_t to, grove__worker **out);
grove_status grove__worker_start_thread(grove__worker *w);
/// A stand-in that is not needed any more retires: what it has queued is for all. On its own thread, between turns.
void grove__stand_in_look(grove__worker *w);
/// Whether it would retire. With the lock.
bool grove__stand_in_is_surplus_locked(const grove__worker *w);
/// Its thread ends.
void grove__stand_in_end_locked(grove__worker *w);
#endif
