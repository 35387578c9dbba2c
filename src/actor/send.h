// The short way of messages.
#ifndef GROVE_ACTOR_SEND_H
#define GROVE_ACTOR_SEND_H
#include "actor/activation.h"

/// Sends what needs more than to be sent, and says why it can't be. `now`: it does not wait for room.
grove_status grove__send_slowly(
    grove *g, grove_ref to, const grove_method *method, const void *arg, bool now);
/// Calls where nothing but that is needed, without a time of its own; `a` NULL: from outside. False: it is not such, and nothing
/// has happened.
bool grove__call_quickly(grove__system *y, grove__activation *a, grove_ref to, const grove_method *m,
    const void *arg, grove_future *out);
/// grove_task, and grove_spawn without options, where it is most plain (birth.c). `a` may be NULL for the first. False: it is not, and
/// nothing has happened.
bool grove__spawn_quickly(grove__activation *a, const grove_class *k, const void *arg, grove_ref *out);
bool grove__task_quickly(grove__activation *a, const grove_method *m, const void *arg, grove_future *out);
#endif
