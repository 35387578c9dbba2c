// How an actor looks at one moment: between inspect.c, which fills the rows, and snapshot.c, which chooses them.
#ifndef GROVE_ACTOR_LOOK_H
#define GROVE_ACTOR_LOOK_H
#include "actor/activation.h"

/// Fills a row, of one that lives or is remembered. False: forgotten; the row is zero.
bool grove__look(grove__system *y, grove_ref who, grove_info *out);
void grove__look_dead(const grove__death *d, grove_info *out);
/// Without its lock: the phase as people see it, and what grove_info.bytes says.
uint32_t grove__look_phase(const grove__cell *c);
uint64_t grove__look_bytes(const grove__cell *c);
/// Copies a text (NULL: an empty one), cut to `room`.
void grove__look_text(char *out, size_t room, const char *text);
#endif
