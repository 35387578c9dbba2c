// The pool as an actor: takes any message of its members' class, queues it as an item, and hands items to members.
//
// It never waits: every answer of a member is a turn of its own (grove_then), so one pool serves all of its members
// with one activation. Its state is its own; nothing in it is shared with another thread.
//   received -> queue -> running (with a member) -> its promise ends
//                 ^---------- the member died, attempts are left
#ifndef GROVE_POOL_ACTOR_H
#define GROVE_POOL_ACTOR_H
#include "pool/pool_items.h"
#include "pool/pool_plan.h"

struct grove__pool_actor;
/// One that works for the pool. Lives until it is gone and no then-function that names it is open.
typedef struct grove__member {
  struct grove__member *next; ///< of all
  struct grove__member *idle_next, *idle_prev;
  struct grove__pool_actor *pool;
  grove_ref ref;
  uint64_t number;   ///< its key for timers; never used again
  uint32_t restarts; ///< that it had when it was last seen ready
  uint32_t running,
      most;            ///< items it has, and may have at once: 1, or all where it is a pool itself
  uint32_t open;       ///< then-functions that will name it
  uint32_t retry_ms;   ///< how long until the next look whether it is up again; 0: it was given an item since the last
  bool spawned;        ///< ours: a child
  bool ready, idle;    ///< is up and has room for items; stands in the idle list
  bool out;            ///< popped: takes none until it is pushed back
  bool retiring, gone; ///< to end after its items; ended for good
} grove__member;

typedef struct grove__pool_actor {
  const grove__pool_plan *plan;
  const grove_allocator *allocator;
  grove__item_list queue, high, running; ///< `high`: methods with GROVE_METHOD_HIGH
  grove__member *members;
  grove__member *idle_first, *idle_last; ///< the longest idle one is first: work goes round
  uint32_t live, spawned; ///< members that can still come to work; those of them that are children
  uint32_t least, most;   ///< of those; more than the least come when items wait, and go when they are idle
  uint32_t lost;          ///< of the most, those that were gone for good: they are not spawned again
  uint32_t idle, idle_least; ///< in the idle list; the least of that since the tide was last looked at
  bool tide;              ///< there will be a look
  uint64_t numbers;
  void *reply; ///< room for the largest reply seen, while it moves
  size_t reply_room;
  grove_error last_words; ///< of the last member that was gone for good
} grove__pool_actor;

extern const grove_class grove__pool_class;
extern const grove_method grove__pool_push_method;     ///< grove_ref -> grove_none
extern const grove_method grove__pool_pop_idle_method; ///< grove_none -> grove_ref
extern const grove_method grove__pool_has_free_method; ///< grove_none -> int
extern const grove_method grove__pool_resize_method;   ///< uint64_t -> grove_none
extern const grove_method
    grove__pool_retry_method; ///< uint64_t: looks again whether that member is up
extern const grove_method grove__pool_tide_method; ///< grove_none: ends members that are too many

// ---- pool_members.c -------------------------------------------------------------------------------
/// Adds a member and begins to watch over it. Of a failed address: GROVE_OK, and it is gone at once.
grove_status grove__member_add(grove *self, grove__pool_actor *p, grove_ref ref, bool spawned);
/// Spawns one more.
grove_status grove__member_spawn(grove *self, grove__pool_actor *p);
/// Spawns one more because items wait. False: there are enough, or there is none to be had.
bool grove__pool_grow(grove *self, grove__pool_actor *p);
/// Whether it would.
bool grove__pool_may_grow(const grove__pool_actor *p);
/// Puts it into the idle list or takes it out, as its state says; ends it if it is retiring and has no item left.
void grove__member_settle(grove *self, grove__member *m);
/// It died under an item: no more items until it is up again.
void grove__member_await(grove *self, grove__member *m);
/// Its mailbox is full for messages of this method: no more items until there is room.
/// Returns: GROVE_ENOMEM: nobody would tell of it, and it takes items as before
grove_status grove__member_await_room(grove *self, grove__member *m, const grove_method *method);
/// Whether the end of its call with `err` means that it died, and not that its method passed on what it got elsewhere.
bool grove__member_has_died(grove *self, const grove__member *m, const grove_error *err);
/// A then-function that names it has run: frees it where it was the last and the member is gone.
void grove__member_let_go(grove__member *m);
void grove__members_destroy(grove__pool_actor *p);
grove_status grove__pool_push_run(grove *self, void *state, const void *arg, void *reply);
grove_status grove__pool_pop_idle_run(grove *self, void *state, const void *arg, void *reply);
grove_status grove__pool_has_free_run(grove *self, void *state, const void *arg, void *reply);
grove_status grove__pool_resize_run(grove *self, void *state, const void *arg, void *reply);
grove_status grove__pool_retry_run(grove *self, void *state, const void *arg, void *reply);
grove_status grove__pool_tide_run(grove *self, void *state, const void *arg, void *reply);

// ---- pool_actor.c ---------------------------------------------------------------------------------
/// Gives queued items to idle members, as far as both reach; with no member left, ends them.
void grove__pool_dispatch(grove *self, grove__pool_actor *p);
#endif
