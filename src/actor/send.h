// The short way of a message.
#ifndef GROVE_ACTOR_SEND_H
#define GROVE_ACTOR_SEND_H
#include "actor/activation.h"

/// Sends what needs nothing but to be sent. False: it is not such, and nothing has happened.
bool grove__send_quickly(grove__activation *a, grove_ref to, const grove_method *m, const void *arg);
#endif
