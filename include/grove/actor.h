// grove/actor.h: classes, spawning, names, supervision, and what a method may do.
//
// Ending a method. C can't unwind, so this is a rule:
//   1. When an actor is killed, stopped or restarted, its waits and yields, those it is in and all later
//      ones, return GROVE_ECANCELED at once, its calls are futures that have ended so, its sends still go. The
//      method must return; on the way it frees what is on its own frame, as on any error.
//   2. Only when all of its activations have returned come `stop` (in an orderly end), `destroy`, and
//      `start` for a restart. In `stop` waiting and calling work again, until the deadline.
//   3. One that does not return by the deadline is stuck: its futures end and its monitors fire, with
//      GROVE_ESTUCK, and a restart makes no second life. Its memory stays.
// Across a wait: no lock held, no C++ catch open, errno is lost.
#ifndef GROVE_ACTOR_H
#define GROVE_ACTOR_H
#include <grove/runtime.h>
GROVE_BEGIN

// ---- classes --------------------------------------------------------------------------------------
typedef struct grove_class grove_class;
/// A method's code. One at a time an actor (see concurrency), on a worker; may wait.
/// `arg` is borrowed until it returns; `reply` is zero, sent if it returns GROVE_OK, else dropped: shared data in it
/// is released.
/// Any other status fails this call only (words: grove_fail); grove_crash fails the actor.
typedef grove_status grove_method_fn(grove *self, void *state, const void *arg, void *reply);
/// The right to end a future, once; see call.h. A plain value; who holds it may answer from anywhere.
typedef struct grove_promise { uint64_t slot, generation; } grove_promise;
struct grove_method;
/// Takes a message for an actor that stands for another class (`stands_for` of its spawn options): a pool, a
/// proxy, a probe. Runs as a method does. `arg` is borrowed until it returns. `answer` ends the call with
/// grove_promise_answer, now or later, from anywhere; for a plain send answering does nothing.
/// Returns: GROVE_OK: answered, or will be. Anything else ends the call with it, unless it was answered.
typedef grove_status grove_receive_fn(grove *self, void *state, const struct grove_method *m, const void *arg,
    grove_promise answer);
enum {
  GROVE_METHOD_HIGH = 1, ///< its messages go in the high lane, before normal ones; after 64 in a row a normal one
                         ///< comes between, so that those don't starve
  GROVE_METHOD_LEAF = 2, ///< promises never to wait, yield or answer late: may run on the waiter's stack;
                         ///< if it does wait, that wait returns GROVE_EINVAL
  GROVE_METHOD_FINISH = 4 ///< does not see that its caller gave up, only that its actor ends
};
/// A method, or (owner NULL) a function for grove_task and grove_offload. A static constant, the same
/// object on both sides of a call; the name is for people, other processes and bindings.
typedef struct grove_method {
  uint32_t struct_size, flags;
  const char *name;
  const grove_class *owner;
  grove_method_fn *run;
  const grove_type *arg, *reply;
} grove_method;

/// What happens to a message for a full mailbox. WAIT: its sender waits for room; and of sends of methods (not calls, nor
/// grove_send_now) to one in which 512 wait, one in 64 lets others run, as by grove_yield, so that its receiver keeps up. A call that is dropped ends with GROVE_EAGAIN. DROP_OLD: when the
/// receiver next takes one, the oldest of the lowest lane goes, until the rest fits; meanwhile up to 1,025 messages more, or
/// twice the bytes, may be in it, then GROVE_EAGAIN. What is no message counts in no limit and is never dropped: ticks of
/// timers, and the end that grove_exit asks for.
enum { GROVE_FULL_FAIL, GROVE_FULL_WAIT, GROVE_FULL_DROP_NEW, GROVE_FULL_DROP_OLD };
/// Who starts again when a child fails that is to be restarted: it alone; all of its siblings with it; those that were
/// spawned after it. In the last two, the others are ended one by one, the newest first, as in an orderly end, with
/// GROVE_EDEAD for `stop`; after the pause of who failed all start one by one, the oldest first, each when the one
/// before has started. A child spawned meanwhile starts in its turn. A failure meanwhile begins anew with all that it
/// concerns. Only who failed is charged with the restart. A temporary one is ended with the others, and gone; tasks
/// are no children in this sense. When such a parent ends in order, so do its children: one by one, newest first.
enum { GROVE_ONE_FOR_ONE, GROVE_ONE_FOR_ALL, GROVE_REST_FOR_ONE };
/// A class: static and constant; must stay until the monitors of its actors have fired (stuck ones: until options.freed).
/// Zero is the default in all but the first five. GROVE_CLASS_WITH of typed.h fills those. A struct of an older program may
/// end anywhere behind `start`; one of a later version that says what this one does not know gives GROVE_ENOTSUP.
struct grove_class {
  uint32_t struct_size, state_bytes;
  const char *name;
  const grove_type *start_arg;
  const grove_method *const *methods;            ///< NULL-ended; for by-name doors: remote, bindings
  grove_method_fn *start;                        ///< `reply` is NULL, state zero. Failure fails the actor
  void (*stop)(grove *self, void *state, grove_status why); ///< an orderly end only; may wait
  void (*destroy)(void *state);                  ///< always, last, also after a failed start; may not
                                                 ///< call grove but grove_release. Frees what state owns
  uint32_t strategy;                             ///< GROVE_ONE_FOR_ONE …, towards its children
  uint32_t mailbox, full;                        ///< messages, 65535 (more are counted under a lock);
                                                 ///< GROVE_FULL_*. Those put back count, too
  uint64_t mailbox_bytes;                        ///< of messages, without the shared data in them (see memory_bytes
                                                 ///< of grove_options); default none. One message always fits
  uint32_t concurrency;                          ///< activations that interleave at waits, never in parallel; 1
  uint32_t slice_us;                             ///< of messages in a row, then others have their turn; 200
  uint32_t stack_bytes;                          ///< of a suspended activation; grove_options'
  uint32_t migratable;                           ///< 1: may resume on another worker
  uint32_t own_thread;                           ///< 1: a native thread; waits block only that. For foreign
                                                 ///< runtimes and deep recursion
  uint32_t blocking;                             ///< 1: its methods may block; they run on offload threads
  grove_receive_fn *receive;                     ///< wanted by stands_for of the spawn options
  uint64_t memory_bytes;                         ///< most of state, names, messages and its own allocator
                                                 ///< (grove_actor_allocator) together; default none
  uint32_t slice_messages;                       ///< most messages in a row, whatever slice_us says; default none
  uint32_t reserved;
};

// ---- spawning -------------------------------------------------------------------------------------
enum { GROVE_TEMPORARY, GROVE_TRANSIENT, GROVE_PERMANENT };
enum {
  GROVE_SPAWN_DROP_MAILBOX = 1, ///< at a restart; default: kept, but for what was running
  GROVE_SPAWN_EXPENDABLE = 2    ///< one that fails too often is gone, and its parent lives on
};
enum { GROVE_RESTARTS_MOST = 4096 };             ///< max_restarts above it: as often as it wants
/// How one actor lives. Every actor is the child of the one that spawned it (outside: of the root) unless `parent`
/// says otherwise, and every parent supervises: it ends with its children first.
typedef struct grove_spawn_options {
  uint32_t struct_size, flags;
  const char *name;                              ///< unique while it lives; free again once monitors fired
  const char *label;                             ///< for people; need not be unique; see grove_label
  uint32_t restart;                              ///< never; after failures; also when it has ended by itself, by
                                                 ///< a grove_exit of its own with a grace
  uint32_t max_restarts, window_ms;              ///< 5 in any 60000; one more and the *parent* fails
  uint32_t backoff_min_ms, backoff_max_ms;       ///< 100, 10000: grows with the restarts within window_ms
  uint32_t backoff_percent, jitter_percent;      ///< 200: doubles; 20
  uint32_t stop_ms;                              ///< for methods to return and `stop` to run; 5000
  uint32_t queue_ms;                             ///< calls that come while it restarts are kept so long;
                                                 ///< 0: they end with GROVE_EDEAD at once
  const grove_class *stands_for;                 ///< takes that class's messages too, by its class's `receive`
  grove_ref parent;                              ///< whose child it is, of any actor's; default: of the spawner's
  uint64_t memory_bytes;                         ///< the class's, for this one. A message over it finds the mailbox
                                                 ///< full (an empty one takes any); an allocation gives NULL
} grove_spawn_options;
#define GROVE_SPAWN .struct_size = (uint32_t)sizeof(grove_spawn_options)

/// Makes an actor. Its start runs soon; messages sent meanwhile wait for it.
///
/// Ownership: `arg` is copied, shared data in it is counted for the actor's life.
/// Order:     start is the first thing it does in each life.
/// Returns:   always an address. One that could not be made carries GROVE_EEXIST (name), GROVE_ELIMIT,
///            GROVE_ECANCELED (the spawner or the parent is ending), GROVE_ENOACTOR (the parent is gone) …; after a
///            failed start calls end with its words.
GROVE_API GROVE_CHECK grove_ref grove_spawn(grove *g, const grove_class *c, const void *arg, const grove_spawn_options *o);
/// The actor of that name, or a new one if there is none; *created (may be NULL) says which. o->name is
/// wanted. Of two who do it at once, one creates. A found one keeps its parent and options; it may be on its way out,
/// as any actor may: its monitor tells, and the name is free by then.
/// Returns: as grove_spawn; GROVE_EEXIST: the name is taken by another class.
GROVE_API GROVE_CHECK grove_ref grove_spawn_or_find(grove *g, const grove_class *c, const void *arg, const grove_spawn_options *o, bool *created);
/// The actor of that name; else an address that carries GROVE_ENOENT.
GROVE_API grove_ref grove_find(grove *g, const char *name);
/// This actor; outside, the root.
GROVE_API grove_ref grove_self(grove *g);
/// Why an address is no actor, from the address alone; GROVE_OK says nothing about its health.
GROVE_API grove_status grove_ref_status(grove_ref r);

// ---- watching over others -------------------------------------------------------------------------
// These are futures: get, wait, next, then, drop. The reply of monitor and exit is a grove_error.
/// Ends once `who` has started, or with the error of its start.
GROVE_API GROVE_CHECK grove_future grove_ready(grove *g, grove_ref who);
/// Ends, exactly once, when `who` is gone for good (restarts don't count); at once if it is. Then the get
/// gives GROVE_OK, and the grove_error in the reply tells why.
GROVE_API GROVE_CHECK grove_future grove_monitor(grove *g, grove_ref who);
/// Asks `who` to end, in an orderly way within grace_ms, then by force; 0: by force. Not restarted, nor are siblings
/// stirred by it. Ends as grove_monitor does. Order: messages sent before it by the same sender are still handled,
/// within the grace; what is put back (grove_defer) is not, and its calls end with GROVE_EDEAD. Between two starts, or
/// without memory for the mark that stands behind those messages, it ends at once. An actor may ask it of itself: it ends when
/// its method has returned; a permanent one then starts again.
GROVE_API grove_future grove_exit(grove *g, grove_ref who, int64_t grace_ms);
/// Has `who` fail, as if by grove_crash with `why` (NULL: words of ours), so that its parent starts it again by its policy:
/// with its siblings, after its pause, counted against its limit. Between two starts: nothing.
/// Returns: GROVE_ENOACTOR; GROVE_ENOTSUP: it would not start again (GROVE_TEMPORARY, a task, the root, one that is to end)
GROVE_API GROVE_CHECK grove_status grove_restart(grove *g, grove_ref who, const char *why);
/// Two who can't live without each other: if one fails for good, the other fails with GROVE_EDEAD (and its
/// parent decides). An orderly end does nothing. Lasts until one is gone; twice is once.
/// Threads: methods only. Returns: GROVE_ENOACTOR.
GROVE_API GROVE_CHECK grove_status grove_link(grove *self, grove_ref other);

// ---- inside a method ------------------------------------------------------------------------------
/// `return grove_fail(self, GROVE_EUSER, "no %s", x)`: this call fails, with words, and the actor lives on.
/// A nested failure's status returned unchanged keeps its words without this. Gives back `s`.
GROVE_API grove_status grove_fail(grove *self, grove_status s, const char *format, ...) GROVE_PRINTF(3, 4);
/// `return grove_crash(...)`: this call fails with GROVE_EDEAD and these words, and the actor fails: its
/// parent's policy decides. Gives back a status that only a method's or then-function's return means.
GROVE_API grove_status grove_crash(grove *self, grove_status s, const char *format, ...) GROVE_PRINTF(3, 4);
/// grove_fail with the words of an error object, as those that csv, parquet and models fill.
GROVE_API grove_status grove_fail_with(grove *self, const grove_error *err);
/// The state that others may read at any time (watch.h); 63 bytes are kept. Outside, or without memory for it: nothing.
GROVE_API void grove_state(grove *self, const char *format, ...) GROVE_PRINTF(2, 3);
/// Another label for this actor (see the spawn options), which stays over restarts; "" takes it away. 63 bytes are kept.
/// Threads: methods only. Returns: GROVE_ENOMEM  also for memory_bytes; GROVE_ECANCELED  it was given up. The old one stays
GROVE_API grove_status grove_label(grove *self, const char *format, ...) GROVE_PRINTF(2, 3);
/// This actor's own allocator: what is taken from it counts as the actor's, in watch.h and against memory_bytes. When
/// that is used up it gives NULL, and GROVE_ENOMEM returned by the method has words that say who holds what. Outside
/// of actors: the runtime's.
/// Ownership: borrowed, until options.freed is called: `destroy` may use one that the state kept. What is taken goes
///            back by the same one before `destroy` returns; else the log tells, and it counts as nobody's.
GROVE_API const grove_allocator *grove_actor_allocator(grove *self);
/// Lets others run, if it is their turn. Cheap enough for inner loops.
/// Returns: GROVE_ECANCELED  nobody wants this call's result any more, or the actor is to end
GROVE_API GROVE_CHECK grove_status grove_yield(grove *self);
/// Waits that long. Returns: GROVE_ECANCELED as grove_yield.
GROVE_API GROVE_CHECK grove_status grove_sleep(grove *g, int64_t ms);
/// Puts the message at hand back; what the method then returns is ignored (but a crash). All put back come
/// again, in their order and before newer ones, after the next grove_undefer. They count as mailbox, in its limits and in
/// what is told of it (one whose place was taken while it was at hand is above the limit). One place is never theirs, so
/// that what makes them come again can come. With GROVE_FULL_DROP_OLD the oldest, which may be one put back, makes room.
/// A call put back that is cancelled or expires ends then, and its place is the next one's that is put back. One whose method
/// waits on before it returns is put back when it returns, behind others, or comes again at once if grove_undefer came first. After a restart all come
/// again; with the actor's end their calls end with GROVE_EDEAD.
/// Threads: methods only, before any wait. Returns: GROVE_EAGAIN  all places but one, or all bytes, are of those put back;
///          GROVE_ENOMEM  GROVE_EINVAL  a tick, a task, a call whose answer was taken as a promise (any, in a class with `receive`)
GROVE_API GROVE_CHECK grove_status grove_defer(grove *self);
GROVE_API void grove_undefer(grove *self);
/// Sends this actor `m` after delay_ms, then every period_ms (0: once). `key` is the actor's own name for
/// it: setting again replaces. At most one tick waits in the mailbox; ticks missed are not made up for.
/// Strict: after set or clear nothing of the old one is handled. Gone when the actor ends or restarts.
/// Threads: methods only. Ownership: `arg` is copied, as by grove_send.
GROVE_API GROVE_CHECK grove_status grove_timer_set(grove *self, uint64_t key, int64_t delay_ms, int64_t period_ms, const grove_method *m, const void *arg);
GROVE_API void grove_timer_clear(grove *self, uint64_t key);
GROVE_END
#endif
