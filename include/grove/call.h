// grove/call.h: send and call, futures, promises, tasks.
//
// A future always ends, exactly once: with a value, an error, cancelled, timed out, or "the actor died".
// It is *spent* by get, get_all, then or drop; a second time is GROVE_ESPENT.
// Who owns it:
//   in a method  the activation. What is unspent when the method returns is dropped then, so no early
//                return leaks; grove_keep gives it to the actor, and it is dropped when the actor's life
//                (a restart too) ends. One actor's futures can't be used by another: GROVE_EINVAL.
//   outside      the runtime, until it is spent or the runtime stops, up to grove_options.max_outside.
// A call that could not be made is a future that has ended with the reason: one error path.
#ifndef GROVE_CALL_H
#define GROVE_CALL_H
#include <grove/actor.h>
GROVE_BEGIN

// ---- send and call --------------------------------------------------------------------------------
/// Sends without asking for a result. A failure of the method is counted and logged.
///
/// Ownership: `arg` is copied; shared data in it is counted for the message. On failure nothing was taken.
/// Blocking:  never, unless the receiver's class says GROVE_FULL_WAIT: then it waits for room, and in a method lets others run now and
///            then before that: see there (actor.h).
/// Order:     messages from one sender to one actor arrive in sending order within their lane.
/// Returns:   GROVE_OK        also for a message that GROVE_FULL_DROP_NEW has dropped and counted
///            GROVE_EAGAIN    the mailbox is full
///            GROVE_ENOACTOR  the actor has ended or never was; counted as a dead letter
///            GROVE_EINVAL    `m` is of another class
///            GROVE_EDEADLK   waiting for room would close a circle
GROVE_API GROVE_CHECK grove_status grove_send(grove *g, grove_ref to, const grove_method *m, const void *arg);
/// Sends, and gives the reply's future. Everything else as grove_send; its errors end the future.
GROVE_API GROVE_CHECK grove_future grove_call(grove *g, grove_ref to, const grove_method *m, const void *arg);
/// A call with a deadline that travels: it ends with GROVE_EEXPIRED by then; work that has not begun by
/// then never is; calls made by the method on its behalf have no more time than is left.
GROVE_API GROVE_CHECK grove_future grove_call_within(grove *g, int64_t ms, grove_ref to, const grove_method *m, const void *arg);
/// As grove_send and grove_call, but never waiting for room, whatever the receiver's class says: for a host's loop, or an actor
/// that must not wait. A call that could not be made for another reason than a full mailbox is in *out; it has ended then.
/// Returns: as grove_send; of the call: GROVE_OK, or GROVE_EAGAIN  full, whatever its class says; there is no future, and
///          *out is zero
GROVE_API GROVE_CHECK grove_status grove_send_now(grove *g, grove_ref to, const grove_method *m, const void *arg);
GROVE_API GROVE_CHECK grove_status grove_call_now(grove *g, grove_ref to, const grove_method *m, const void *arg, grove_future *out);
/// Waits until a message of the method would find room, and sends none: for a task of an actor that must not wait itself. Others
/// may be faster, so what follows is grove_send_now, and if need be this again. No wait: with another class than of GROVE_FULL_WAIT.
/// Returns: GROVE_OK: there was room, or the receiver has ended meanwhile; as grove_send, whose wait it is
GROVE_API GROVE_CHECK grove_status grove_wait_room(grove *g, grove_ref to, const grove_method *m);
/// Runs a function as an actor of one message: m->run(self, NULL, arg, reply), m->owner NULL. It may call,
/// wait and spawn; what it spawned ends with it. Child of the caller, not restarted.
GROVE_API GROVE_CHECK grove_future grove_task(grove *g, const grove_method *m, const void *arg);
/// Runs a function that blocks on an offload thread: m->run(g0, NULL, arg, reply). g0 is for grove_fail
/// and sharing; waiting in it blocks that thread. `arg` is a copy: put no pointers into a frame in it, for
/// a dropped one runs to its end while the caller goes on.
GROVE_API GROVE_CHECK grove_future grove_offload(grove *g, const grove_method *m, const void *arg);

// ---- futures --------------------------------------------------------------------------------------
/// Waits for the end and spends the future. `bytes` must be the reply type's size, NULL and 0 skip it.
///
/// Ownership: the reply's shared data is the caller's on GROVE_OK; on failure *reply is zeroed, so that
///            releasing it is harmless.
/// Blocking:  up to ms (0: never; GROVE_FOREVER). A circle of actors that wait for each other is found.
/// Returns:   GROVE_OK, or what the method returned
///            GROVE_ETIMEDOUT  this wait ran out, the future is unspent (ask again or drop it); `err` says how far the
///                             call has come, and which circle of waits is behind it, if there is one
///            GROVE_EEXPIRED   the call's own deadline passed; spent
///            GROVE_ECANCELED  it was cancelled; or, with err->at 0 and unspent, the waiting actor is to
///                             end, or nobody wants its own call's result any more
///            GROVE_EDEAD      the actor died; `err` has its last words
///            GROVE_EDEADLK    the circle is in `err`; the future is unspent. Only of waits without a limit for calls
///                             without a deadline: others end by themselves, and name the circle then
///            GROVE_ESPENT
GROVE_API GROVE_CHECK grove_status grove_get(grove *g, grove_future f, int64_t ms, void *reply, size_t bytes, grove_error *err);
/// Waits until all have ended, then spends all; replies side by side, failed ones zero. If this wait runs
/// out or is cancelled, none is spent and no reply written; err->at is -1 then. Ownership as grove_get, each by itself.
/// Returns: the failure of the first in the array that failed, with its index in err->at.
GROVE_API GROVE_CHECK grove_status grove_get_all(grove *g, const grove_future *f, size_t n, int64_t ms, void *replies, size_t bytes, grove_error *err);
/// Waits until at least k of n have ended (spent ones count). Spends none. Returns: as grove_get's wait.
GROVE_API GROVE_CHECK grove_status grove_wait(grove *g, const grove_future *f, size_t n, size_t k, int64_t ms);
/// Waits for one that was not given before, and gives its index, in the order of ending. Marks it in the
/// array, spends nothing: get or drop follows. *index == n: each was given once (no wait).
/// Returns: GROVE_OK; GROVE_ETIMEDOUT, GROVE_ECANCELED, GROVE_EDEADLK (with one left, in a circle): none was given, *index
///          untouched.
GROVE_API GROVE_CHECK grove_status grove_next(grove *g, grove_future *f, size_t n, int64_t ms, size_t *index);
/// Has ended, or was spent.
GROVE_API bool grove_ended(grove *g, grove_future f);
/// Whether the method of a call (task, offloaded function) has begun, and so may have done something; also of one that has ended and
/// is not spent. False: it was refused, or has ended in a mailbox. One that was put back by grove_defer has not begun.
GROVE_API bool grove_begun(grove *g, grove_future f);
/// When it ended, among all futures of the runtime: of two, the one with the smaller number ended first. 0: it has not
/// ended; 1: it was spent, or never could be made.
GROVE_API uint64_t grove_ended_order(grove *g, grove_future f);
/// Asks for the end. Not begun: ends with GROVE_ECANCELED now. Begun: the method sees it at its next yield
/// or wait. The future still ends, once, and is still to be spent.
GROVE_API void grove_cancel(grove *g, grove_future f);
/// Spends without waiting: cancels what has not ended and forgets it. Spent ones: nothing.
GROVE_API void grove_drop(grove *g, grove_future f);
/// Lets a future outlive the method that made it. Nothing outside, and for one that is spent.
GROVE_API void grove_keep(grove *self, grove_future f);
/// What runs when a future has ended: grove_get it here with ms 0; it is dropped afterwards otherwise.
/// In an actor it is a turn of the actor: `user` is what was given, waiting is allowed, a grove_crash that
/// is returned fails the actor. Outside it runs in grove_dispatch, may not wait, the result is ignored.
typedef grove_status grove_then_fn(grove *g, void *user, grove_future f);
/// Takes the future over on GROVE_OK; then fn runs exactly once, never before this returns. An actor that
/// ends first: fn does not run. A runtime that stops first: fn does not run.
GROVE_API GROVE_CHECK grove_status grove_then(grove *g, grove_future f, grove_then_fn *fn, void *user);

// ---- the other end --------------------------------------------------------------------------------
/// Takes the call at hand: its reply comes later and what the method returns is ignored (but a crash). If the
/// actor's life ends first, the caller gets GROVE_EDEAD. A message sent without a call: answering does nothing.
/// Threads: methods only, not leaf ones. Returns: GROVE_ESPENT  taken before; GROVE_EINVAL  put back by grove_defer
GROVE_API GROVE_CHECK grove_status grove_promise_take(grove *self, grove_promise *out);
/// A promise and its future, for what a host's own callback will end and an actor waits for.
/// Ownership: as a call's future; dropped unanswered it is forgotten, and answering is GROVE_ESPENT.
GROVE_API GROVE_CHECK grove_status grove_promise_create(grove *g, const grove_type *reply, grove_promise *out, grove_future *f);
/// Ends it with `s` and, if GROVE_OK, with *reply, whose shared data is taken over on GROVE_OK. A borrowed view in
/// *reply is GROVE_EINVAL, and the promise stays open.
/// Returns: GROVE_ESPENT  too late or twice; harmless
GROVE_API grove_status grove_promise_answer(grove *g, grove_promise p, grove_status s, const void *reply, size_t bytes);
/// Ends it with err->status and the words of `err`: what a proxy does with the failure of whom it asked.
/// Returns: GROVE_ESPENT  too late or twice; harmless
GROVE_API grove_status grove_promise_fail(grove *g, grove_promise p, const grove_error *err);
/// Whether anybody still wants the answer: false once the future has ended, was cancelled or dropped. True for the
/// promise of a plain send.
GROVE_API bool grove_promise_wanted(grove *g, grove_promise p);
/// For who has handed the work on: when the answer is wanted no more, `f` is cancelled. One a promise; the last counts.
/// A zero `f`: for who has it back, and will hand it on again.
/// Threads: methods only, `f` this actor's. Before grove_then, which takes f over.
GROVE_API void grove_promise_follow(grove *self, grove_promise p, grove_future f);

/// A call on behalf of a promise, whoever's call is at hand: that one's deadline does not hold for it, nor does it end with
/// that one. It is cancelled when p's answer is wanted no more, by p's own deadline, too (grove_promise_follow): then it ends
/// when its method has returned. Never waits for room, as grove_call_now. The promise is to end with what the call ends with, for
/// circles of waits are found through it: GROVE_EDEADLK; who means to answer sooner uses grove_promise_follow.
/// Threads: methods only. Returns: GROVE_OK: the call is in *out, made or failed; GROVE_EAGAIN: full, with GROVE_FULL_WAIT; there is
/// no future
GROVE_API GROVE_CHECK grove_status grove_call_for(grove *self, grove_promise p, grove_ref to, const grove_method *m, const void *arg, grove_future *out);
/// For an actor that hands on all that it takes, by grove_call_for to `most` others and one at a time to each, and keeps the rest until
/// one of those calls has ended: who waits for what is kept waits for all of them, and circles of waits are found through it, too.
/// `most`: those, too, that are busy with something else or not there yet. 0, as at first: nobody knows when what is kept is answered.
/// Say it again when it changes, and when fewer are left at work though it is the same: what was handed on came back, or whoever
/// has done his takes no more.
/// Threads: methods only. For this life.
GROVE_API void grove_serves(grove *self, uint32_t most);

// ---- parallel loops -------------------------------------------------------------------------------
/// Fills the callbacks that models and files are handed: parallel_for on the runtime's workers (the caller
/// takes part), grove_yield, progress as grove_state and watch.h see it, cancelled.
/// Ownership: valid until the method returns; outside, until grove_stop. width: the workers, 1 in simulation.
GROVE_API void grove_work_init(grove *g, grove_work *out);
GROVE_END
#endif
