// Groups: the children of an actor whose class restarts them together.
//
// When one of them fails and is to start again, it is *held* between its two lives, and the others of its group are
// told to end, one after the other, the newest first: each only when the one before it is held too, or gone. When
// all are held and the pause of who failed is over, they start in the order in which they were spawned, each when the
// one before it has started. A further failure on the way begins again with the stopping, of what has started by then.
// A child that is spawned meanwhile is held from the first, and starts in its turn.
//
// The state is the parent's and guarded by its lock; it moves in the turns of the children and by a timer, never in a
// turn of the parent, which may be at work or waiting. One thread at a time carries out what is due (`at_it`), with the
// lock released while it tells a child; others leave their news in the state and go.
#ifndef GROVE_ACTOR_GROUP_H
#define GROVE_ACTOR_GROUP_H
#include "actor/cell.h"

/// Makes the group of a class's children, where the class wants one. Returns: GROVE_ENOMEM
grove_status grove__group_create(grove__system *y, const grove_class *k, grove__group **out);
void grove__group_destroy(grove__system *y, grove__group *g);
/// With the lock of a parent whose children are all gone: nothing is due any more.
void grove__group_reset_locked(grove__cell *parent);
/// With the parent's lock: whether a child that is spawned now is held.
bool grove__group_holds_locked(const grove__cell *parent);
/// Whether somebody is telling children; with the parent's lock. Then the parent can't go on to its end.
bool grove__group_is_busy(const grove__cell *parent);
/// Whose start a child waits for that its group holds; GROVE_NOBODY: no start, or it is not held. `parent` is its
/// parent's address. No lock.
grove_ref grove__group_awaits(grove__cell *parent, uint64_t parent_life, const grove__cell *child);
/// In the child's turn, which has just ended its life and holds it between two: it failed itself and is to pause so
/// long, or (delay_ms < 0) was told to. The last thing that its turn does.
void grove__group_held(grove__cell *child, int64_t delay_ms, const grove_error *words);
/// In a child's turn: its start went well.
void grove__group_started(grove__cell *child);
/// With the parent's lock: the child is about to be taken off its list.
void grove__group_leave_locked(grove__cell *parent, grove__cell *child);
/// After that, with no lock: the rest of the group may go on. The parent is `life`, or was.
void grove__group_advance(grove__cell *parent, uint64_t life);
#endif
