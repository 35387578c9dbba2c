// The short way of messages.
#ifndef GROVE_ACTOR_SEND_H
#define GROVE_ACTOR_SEND_H
#include "actor/activation.h"

/// Sends what needs nothing but to be sent. False: it is not such, and nothing has happened.
bool grove__send_quickly(grove__activation *a, grove_ref to, const grove_method *m, const void *arg);
/// The same for a call without a time of its own; `a` NULL: from outside.
bool grove__call_quickly(grove__system *y, grove__activation *a, grove_ref to, const grove_method *m,
    const void *arg, grove_future *out);
#endif
