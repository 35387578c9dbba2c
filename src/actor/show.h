// What is shown of an actor by who is not in its turn: for the rooms above that stand for one elsewhere.
#ifndef GROVE_ACTOR_SHOW_H
#define GROVE_ACTOR_SHOW_H
#include <grove/base.h>

/// As grove_state, from any thread, without a message. Nobody has that address any more: nothing.
void grove__note_show(grove *g, grove_ref who, const char *text);
#endif
