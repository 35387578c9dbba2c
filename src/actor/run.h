// What a turn runs: messages, start, stop, then-functions.
#ifndef GROVE_ACTOR_RUN_H
#define GROVE_ACTOR_RUN_H
#include "actor/activation.h"

/// What grove_crash gives, and only a method's return means.
#define GROVE__CRASHED ((grove_status)(-0x7ffffffe))

/// Each runs an activation on this stack, which may wait meanwhile: *w is where it ended.
void grove__message_run(grove__cell *c, grove__worker **w, grove__message *m);
/// Parts of it, for who runs one in line (activation_quick.h). begin_call_slowly: false: nobody wants its answer any more.
/// finish: the method has returned: what comes of that for counts, for its caller, and for its message if that was put back; `reply`
/// NULL: there was no memory for one. leave: the end of the activation, and of its message unless that was put back.
/// answer_slowly: a call that it has let go of is answered.
bool grove__activation_begin_call_slowly(grove__activation *a, grove__message *m);
void grove__activation_finish(grove__activation *a, grove_status s, void *reply, uint8_t watched);
void grove__activation_leave(grove__activation *a, grove__worker **w);
void grove__activation_answer_slowly(grove__activation *a, grove__future *call, void *reply);
grove_status grove__start_run(grove__cell *c, grove__worker **w, grove_error *err);
void grove__stop_run(grove__cell *c, grove__worker **w, grove_status why);
/// The failure `s` of an activation in words: method, and the words that were given or met for that status.
void grove__activation_failure(const grove__activation *a, grove_status s, grove_error *out);
enum { // whoever watches one of these wants to know which is whose
  GROVE__FOLLOWED = GROVE__WANTED_SPAN(GROVE_SPAN_SEND) | GROVE__WANTED_SPAN(GROVE_SPAN_QUEUE) |
                    GROVE__WANTED_SPAN(GROVE_SPAN_METHOD)
};
/// Gives a message that is about to be sent its number, and tells of the moment, because one of those is wanted.
void grove__message_follow(
    grove__system *y, const grove__activation *here, grove_ref to, grove__message *m);
/// Takes the call at hand: a promise that answers it. A send: one that answers nothing.
grove_promise grove__promise_take(grove__activation *a);
/// What was taken has neither been answered nor handed on, when its method returned: see grove_serves. In its turn, no lock.
void grove__promise_kept(grove__activation *a, grove_promise p);
/// A deferred message goes back behind those that were deferred before, or ends if nobody wants its answer any more.
void grove__defer_finish(grove__activation *a);
/// The class of all tasks.
extern const grove_class grove__task_class;
/// Makes a life under `parent`, and begins it. one_shot: its only method (a task).
/// Returns: as grove_spawn's address carries, and *no why; GROVE_EEXIST: no->holder has the name
grove_status grove__spawn(grove__system *y, grove__cell *parent, const grove_class *k,
    const void *arg, const grove_spawn_options *o, const grove_method *one_shot, grove_ref *out,
    grove__refusal *no);
/// Whether one may spawn here. Returns: GROVE_ECLOSED, GROVE_ECANCELED
grove_status grove__spawn_allowed(grove__system *y, const grove__activation *here);
#endif
