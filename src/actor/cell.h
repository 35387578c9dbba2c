// The cell: an actor as the runtime keeps it, for as many lives as its slot serves.
//
// Cells are type-stable (runtime/slab.h): a stale address leads to a cell whose `life` is another one. A *life* is an
// actor from spawn to gone, with all of its restarts.
#ifndef GROVE_ACTOR_CELL_H
#define GROVE_ACTOR_CELL_H
#include "actor/annex.h"
#include "actor/budget.h"
#include "actor/feed.h"
#include "actor/kind.h"
#include "actor/message.h"
#include "actor/why.h"
#include "queue/mailbox_quick.h"

/// Phases of a cell. Guarded by its lock; the order is that of a life.
enum {
  GROVE__CELL_FREE,
  GROVE__CELL_STARTING, // start is to run, or runs
  GROVE__CELL_ALIVE,
  GROVE__CELL_ENDING,     // cancelled: waits for its activations to return and its children to end
  GROVE__CELL_STOPPING,   // `stop` runs
  GROVE__CELL_RESTARTING, // between two starts
  GROVE__CELL_STUCK // given up: forgotten by all others, its memory stays till its method returns
};
/// Why a life ends, weakest first: a stronger wish replaces a weaker one. Group: a sibling failed, and it is to start
/// again with it. Own: its own wish, which a permanent one's restart follows. Orderly: somebody else's.
enum {
  GROVE__END_NONE,
  GROVE__END_GROUP,
  GROVE__END_OWN,
  GROVE__END_ORDERLY,
  GROVE__END_FAIL,
  GROVE__END_KILL
};
/// What waits and yields see.
enum { GROVE__GO_ON, GROVE__CANCELED, GROVE__FORCED };

/// What a life has of memory from its first moment; a task has none.
enum {
  GROVE__BODY_NONE,
  GROVE__BODY_FEW,   // argument and state are in `few`
  GROVE__BODY_APART  // they are in a block, with name and label
};
enum { GROVE__CELL_FEW = 32 };
/// The lists of ties.h, by what the lowest bits of their words say.
enum { GROVE__TIED_PROMISES, GROVE__TIED_WATCHERS, GROVE__TIED_THENS, GROVE__TIED_ACTIVATIONS, GROVE__TIED_MASK = 3 };
// Four lines. The first has what is written with others of its family, or by queues and at the end of turns; the second what senders
// read and write, the third what turns write for each message, the fourth the rest and the small state.
struct grove__cell {
  uint32_t parent; // the slab's while the cell is free; else index + 1, 0: the root has none. Constant for a life
  uint32_t index;  // constant for the slot
  grove__mutex lock; // after futures' locks, never two of them (docs/design/locks.md)
  // The call that runs now, for who gives the actor up: the index of its future + 1. Written in a turn.
  _Atomic uint32_t running;
  uint32_t sibling_next, sibling_prev; // guarded by the parent's lock: index + 1; 0: there is none
  uint32_t number;      // which of its parent's children, in the order of spawning; constant for a life
  uint16_t number_high; // the higher ones of its 48 bits
  uint16_t told_wave;   // guarded by the parent's lock
  uintptr_t tied; // guarded by lock: lists of activations and of futures: the first of one, and which list that is: ties.h; 0: there is none
  // Written in a turn, and shown to anyone, as are the task's busy_ns, behind which the second line begins:
  _Atomic uint64_t handled;
  _Atomic uint64_t shown; // whose turn or wait it is, and since when: grove__cell_show_method
  // node.own: how many of the calls it takes it hands on at once; 0: it has not said so. Written under lock. node.own_bytes: below.
  // The second line is all that a sender touches, who may be on another processor: the node, by which he queues it; the kind, which says
  // the class; the word; and of the mailbox, right behind that, what says whose life it is, whether there is room, and mailbox.own_byte,
  // the phase that is shown. What a turn writes for each message lies in the others. The mailbox stands for the annex: its rest is a part of one. mailbox.own: see grove__cell_end_by.
  grove__task task;
  grove__mailbox mailbox; // the third line begins with what is the consumer's in it

  // What a turn looks at for each message; constant for a life, or in a turn only, or shown to anyone and written in a turn:
  uint32_t active;              // activations that have begun and not returned
  _Atomic bool
      look; // set under lock when anything that the lock guards wants a turn, or in one that comes to the mark; cleared in one, under lock
  bool marked : 1;    // grove_exit's mark was reached: nothing more is begun
  bool newborn : 1;   // its start has not been tried, and nothing keeps it from that: lives_state is said before
  bool gone : 1;      // a task that has ended in the turn of its message: its slot is all that is left
  uint8_t body : 2;   // GROVE__BODY_*: constant for a life, until its state is gone

  _Atomic uint32_t shown_since; // as `shown`
  // Shown to anyone, written in a turn:
  _Atomic uint32_t failed;
  _Atomic uint32_t futures; // owned by it and its activations
  uint32_t kept; // futures given to the actor: the index of the first + 1; 0: there is none. In a turn only
  uint32_t born; // about when it was spawned, in units of 2^10 ns; constant for a life
  uint16_t born_high; // the higher ones of its 48 bits
  _Atomic uint8_t ending;      // GROVE__GO_ON …; written under lock; read by yields and waits
  _Atomic bool in_graph; // activations of it stand in the graph of waits: deadlock.c
  _Atomic bool stale; // by anyone: a call to it has ended before it began: it may be one of those that were put back
  // Guarded by lock:
  uint8_t phase : 4, end : 4; // GROVE__CELL_*, GROVE__END_*
  bool started;     // start has gone well in this life or restart
  bool stop_done : 1;
  bool lives_state : 1; // start was tried: destroy is owed
  bool given_up : 1;    // somebody else takes it out of the world: STUCK when that is done
  bool leaves : 1;      // its own turn does so
  bool asked : 1;       // somebody wants it gone: a failure on the way is not followed by a restart
  bool grouped : 1;     // told by its group before it failed itself: a failure on the way is not counted
  bool by_grace : 1;    // the end's deadline is that of grove_exit, and stop_ms are still to come
  grove_status why;

  union {
    struct {
      void *body;
      size_t bytes;
      void *state;
      const grove_method *one_shot;
    } apart; // of one whose body is so, and of a task
    _Alignas(16) unsigned char few[GROVE__CELL_FEW];
  };
};
#if defined(__linux__) && defined(__LP64__) // where a lock is four bytes
_Static_assert(sizeof(grove__cell) == 256, "four lines");
_Static_assert(offsetof(grove__cell, task.node) == 64, "senders' line");
_Static_assert(offsetof(grove__cell, mailbox.loose) == 128, "the consumer's line");
_Static_assert(offsetof(grove__cell, shown_since) == 192, "the last line");
#endif
/// GROVE_PHASE_*, but for QUEUED and RUNNING, which IDLE with letters or a method means. Shown to anyone, written in a turn, or by who makes
/// or ends the life.
static inline uint32_t grove__cell_shown_phase(const grove__cell *c)
{
  return atomic_load_explicit(&c->mailbox.own_byte, memory_order_relaxed); // relaxed: for people, or a first look
}
static inline void grove__cell_show_phase(grove__cell *c, uint32_t phase)
{
  atomic_store_explicit(&c->mailbox.own_byte, (uint8_t)phase, memory_order_relaxed); // relaxed: for people
}
/// What is to be read of its annex. With its lock, or in its turn; the atomic ones anybody, for people.
static inline const grove__annex *grove__cell_annex(const grove__cell *c)
{
  // It is seen as it was filled: grove__annex_make_locked lends it after.
  return GROVE__CONTAINER(grove__mailbox_rest_of(&c->mailbox), grove__annex, mailbox);
}
/// Its own, to be written; NULL: it has none. The same.
static inline grove__annex *grove__annex_of(const grove__cell *c)
{
  const grove__annex *x = grove__cell_annex(c);
  return x->mailbox.lent ? (grove__annex *)(uintptr_t)x : NULL;
}
/// What a child is in its parent's group. NONE: there is no group, or it is a task.
enum {
  GROVE__GROUP_NONE,
  GROVE__GROUP_OUT,  // lives, or ends on its own
  GROVE__GROUP_TOLD, // told to end
  GROVE__GROUP_HELD, // between two lives, or not begun
  GROVE__GROUP_STARTING
};
/// Its state; NULL: it is a task, or its state is gone. In its turn.
static inline void *grove__cell_state(grove__cell *c)
{
  return GROVE__LIKELY(c->body == GROVE__BODY_FEW) ? c->few : c->body == GROVE__BODY_APART ? c->apart.state : NULL;
}
/// Where in `few` the start argument of a class is: behind the state.
static inline size_t grove__cell_few_argument(const grove_class *k)
{
  return k->start_arg->bytes == 1 ? k->state_bytes : (k->state_bytes + (size_t)15) & ~(size_t)15; // grove_none may lie anywhere
}
/// Whether the two fit there. (Not where who writes past their ends is to be caught.)
static inline bool grove__cell_fits_few(const grove_class *k)
{
  return !GROVE__ASAN && k->state_bytes <= GROVE__CELL_FEW && k->start_arg->bytes <= GROVE__CELL_FEW &&
         grove__cell_few_argument(k) + k->start_arg->bytes <= GROVE__CELL_FEW;
}
// The riders of its task's node. Relaxed, all of it: written under the parent's lock, or before the life is known.
enum { GROVE__CELL_LINKED, GROVE__CELL_GROUP };
/// Whether it stands in its parent's list of children; also by who has its own lock, or for people.
static inline bool grove__cell_is_linked(const grove__cell *c)
{
  return atomic_load_explicit(&c->task.node.own_bytes[GROVE__CELL_LINKED], memory_order_relaxed);
}
static inline void grove__cell_set_linked(grove__cell *c, bool linked)
{
  atomic_store_explicit(&c->task.node.own_bytes[GROVE__CELL_LINKED], linked, memory_order_relaxed);
}
/// What it is in its parent's group: GROVE__GROUP_*, of group.h.
static inline uint8_t grove__cell_in_group(const grove__cell *c)
{
  return atomic_load_explicit(&c->task.node.own_bytes[GROVE__CELL_GROUP], memory_order_relaxed);
}
static inline void grove__cell_set_in_group(grove__cell *c, uint8_t in_group)
{
  atomic_store_explicit(&c->task.node.own_bytes[GROVE__CELL_GROUP], in_group, memory_order_relaxed);
}
/// Its parent restarts its children together, and it is no task. By anyone: constant for a life.
static inline bool grove__cell_is_in_a_group(const grove__cell *c)
{
  return grove__cell_in_group(c) != GROVE__GROUP_NONE;
}
/// What its class says of how it runs. By anyone.
static inline const grove__manner *grove__cell_manner(const grove__cell *c)
{
  // ORDER acquire: who looks without knowing of the life may see that of another, but whole. PAIRS grove__birth_class.
  return (const grove__manner *)(const void *)atomic_load_explicit(&c->task.kind, memory_order_acquire); // its first member
}
/// Whether it has one method, and no state.
static inline bool grove__cell_is_task(const grove__cell *c)
{
  return grove__cell_manner(c)->is_task;
}
/// The only method of a task; NULL: it is none. In its turn, with its lock, or by who knows that its life lasts.
static inline const grove_method *grove__cell_one_shot(const grove__cell *c)
{
  return grove__cell_is_task(c) ? c->apart.one_shot : NULL;
}
/// Its label, which of a task is that of its method until it has another; or NULL. With its lock, or in its turn.
static inline const char *grove__cell_label(const grove__cell *c)
{
  const grove__annex *x = grove__cell_annex(c);
  const grove_method *one_shot = grove__cell_one_shot(c);
  return one_shot && !x->label_apart ? one_shot->name : x->label;
}
/// Its name, or its label, or NULL. The same.
static inline const char *grove__cell_called(const grove__cell *c)
{
  const char *name = grove__cell_annex(c)->name;
  return name ? name : grove__cell_label(c);
}
static inline grove__system *grove__cell_system(const grove__cell *c)
{
  return grove__cell_manner(c)->system; // the same in all of them
}
static inline const grove_class *grove__cell_class(const grove__cell *c)
{
  return grove__cell_manner(c)->class;
}
static inline uint32_t grove__cell_most_active(const grove__cell *c)
{
  return grove__cell_manner(c)->most_active;
}
static inline void *grove__cell_argument(grove__cell *c)
{
  return c->body == GROVE__BODY_APART ? c->apart.body : c->few + grove__cell_few_argument(grove__cell_class(c));
}

/// Of the n-th message of a class: GROVE__WATCHED_TIMED for the class (and its actor), _OWN for its actor alone, or 0.
static inline uint8_t grove__kind_timing(uint64_t n, const grove__cell *c)
{
  uint32_t draw = grove__kind_draw(n);
  if (draw >= 2) {
    return 0;
  }
  // Relaxed: a wish, seen a little later.
  return draw == 0                                               ? GROVE__WATCHED_TIMED
         : atomic_load_explicit(&grove__cell_annex(c)->times, memory_order_relaxed) ? GROVE__WATCHED_OWN
                                                                                    : 0;
}

/// A member of a class behind `start`; one that the class of an older program does not have is zero, the default.
#define GROVE__CLASS(k, member)                                                                    \
  ((k)->struct_size >= offsetof(grove_class, member) + sizeof(k)->member ? (k)->member : 0)
/// Whether its activations must resume where they were suspended.
static inline bool grove__cell_pins(const grove__cell *c)
{
  const grove__manner *how = grove__cell_manner(c);
  return !GROVE__CLASS(how->class, migratable) && !how->system->options.simulate;
}
/// Before it stops in the middle of a turn: senders are told what it has taken, and whoever waits for room in its mailbox.
/// In its turn, no lock.
static inline void grove__cell_settle(grove__cell *c)
{
  const grove_class *k = grove__cell_class(c);
  if (GROVE__CLASS(k, full) == GROVE_FULL_WAIT) {
    grove__mailbox_settle(&c->mailbox);
  } else { // nobody waits for room in others
    grove__mailbox_tell_popped(&c->mailbox);
  }
}
/// With the lock: its next look at what the lock guards must not wait. Notify it after.
static inline void grove__cell_look_locked(grove__cell *c)
{
  // Relaxed: who must see it is notified after, and that orders it; a turn that runs sees it soon.
  atomic_store_explicit(&c->look, true, memory_order_relaxed);
}
/// Those that have waited, or NULL; one that never did is its turn's alone. With the lock, or by one that is listed.
static inline grove__activation *grove__cell_activations(const grove__cell *c)
{
  bool any = (c->tied & GROVE__TIED_MASK) == GROVE__TIED_ACTIVATIONS; // they come first
  return any ? (grove__activation *)(c->tied - GROVE__TIED_ACTIVATIONS) : NULL;
}
/// With the lock: a method of it runs or waits.
static inline bool grove__cell_is_at_work(const grove__cell *c)
{
  // Relaxed: for those who look again later, or tell people.
  return grove__cell_activations(c) || atomic_load_explicit(&c->shown, memory_order_relaxed);
}
/// The method that people are shown, or NULL; and about when it began, as long as it is. One word has the pointer, which has 48 bits as
/// those of letters have (queue/word.h), and the lower bits of the time, the other word the higher ones. Relaxed, all of it: for people,
/// who believe nothing more than that; between the two words it may be another method's, and the time by 67 ms another.
enum { GROVE__SHOWN_UNIT_BITS = 10, GROVE__SHOWN_AT = 48 };
static inline void grove__cell_show_method(grove__cell *c, const grove_method *m, int64_t since)
{
  uint64_t units = (uint64_t)since >> GROVE__SHOWN_UNIT_BITS;
  atomic_store_explicit(&c->shown, (uint64_t)(uintptr_t)m | units << GROVE__SHOWN_AT, memory_order_relaxed);
  atomic_store_explicit(&c->shown_since, (uint32_t)(units >> (64 - GROVE__SHOWN_AT)), memory_order_relaxed);
}
static inline void grove__cell_show_no_method(grove__cell *c)
{
  atomic_store_explicit(&c->shown, 0, memory_order_relaxed);
}
static inline const grove_method *grove__cell_method(const grove__cell *c)
{
  uint64_t shown = atomic_load_explicit(&c->shown, memory_order_relaxed);
  return (const grove_method *)(uintptr_t)(shown & ((UINT64_C(1) << GROVE__SHOWN_AT) - 1));
}
static inline int64_t grove__cell_method_since(const grove__cell *c)
{
  uint64_t low = atomic_load_explicit(&c->shown, memory_order_relaxed) >> GROVE__SHOWN_AT;
  uint64_t high = atomic_load_explicit(&c->shown_since, memory_order_relaxed);
  return (int64_t)((high << (64 - GROVE__SHOWN_AT) | low) << GROVE__SHOWN_UNIT_BITS);
}
/// How many calls it hands on at once, as it has said; 0: it has not.
static inline uint32_t grove__cell_serves(const grove__cell *c)
{
  return atomic_load_explicit(&c->task.node.own, memory_order_relaxed); // relaxed: its own turn's, or with its lock
}
/// The phase for people, unless it is ending, which stays to be seen.
static inline void grove__cell_show(grove__cell *c, uint32_t phase)
{
  // Relaxed, both: for people.
  if (atomic_load_explicit(&c->ending, memory_order_relaxed) == GROVE__GO_ON) {
    grove__cell_show_phase(c, phase);
  }
}
/// A slot, by the caller's worker (NULL: he is none). NULL: max_actors live, or no memory (*limit tells which). And back.
grove__cell *grove__cell_take(grove__system *y, grove__worker *w, bool *limit);
void grove__cell_give(grove__cell *c, grove__worker *w);
/// Frees the body of a life.
void grove__cell_free_body(grove__cell *c);
grove_status grove__cell_init(void *cell, uint32_t index, void *system);
void grove__cell_deinit(void *cell);
static inline grove_ref grove__cell_ref_of(const grove__cell *c, uint64_t life)
{
  grove_ref r = {grove__tag(grove__cell_system(c), c->index), life};
  return r;
}
/// Whose life it is, and still so when it is given up. In its turn, or by who knows that it lasts.
static inline uint64_t grove__cell_life(const grove__cell *c)
{
  return grove__mailbox_life(&c->mailbox);
}
/// In the cell's own turn, or by who knows that its life lasts.
static inline grove_ref grove__cell_ref(const grove__cell *c)
{
  return grove__cell_ref_of(c, grove__cell_life(c));
}
/// grove__mailbox_push, and its task runs.
grove_status grove__cell_push(grove__cell *c, uint64_t life, grove__letter *letter, bool force);
/// Its parent's cell; NULL: it is the root. The same as its class.
static inline grove__cell *grove__cell_above(const grove__cell *c)
{
  return c->parent ? grove__slab_at(&grove__cell_system(c)->cells, c->parent - 1) : NULL;
}
/// Its parent; GROVE_NOBODY: it has none, or is out of the world. With its lock, in its turn, or by who knows that its life lasts:
/// while it is linked, its parent's life does.
static inline grove_ref grove__cell_parent(const grove__cell *c)
{
  grove__cell *parent = grove__cell_is_linked(c) ? grove__cell_above(c) : NULL;
  return parent ? grove__cell_ref(parent) : GROVE_NOBODY;
}
/// The cell of an address, whose life may have ended. Returns: GROVE_ENOACTOR: nobody, of another runtime, or of
/// an address that carries a failure, which it gives instead
grove_status grove__cell_find(grove__system *y, grove_ref r, grove__cell **out);
/// With the cell's lock, by who has found it in the table: whose it is, and stays while the lock is held; 0: nobody's, and then
/// nothing of it but what is atomic may be looked at, for another life may be beginning in it (birth.h).
static inline uint64_t grove__cell_life_locked(const grove__cell *c)
{
  uint64_t life = atomic_load_explicit(&c->mailbox.life, memory_order_acquire); // ORDER acquire, PAIRS grove__mailbox_show
  return life & GROVE__MAILBOX_OVER ? 0 : life;
}
/// The same without the lock: whose it is now, or was a moment ago.
static inline uint64_t grove__cell_life_now(const grove__cell *c)
{
  return grove__cell_life_locked(c);
}
/// With the cell's lock: it is in the life of the address.
static inline bool grove__cell_is_locked(const grove__cell *c, uint64_t life)
{
  return grove__cell_life_locked(c) == life;
}
/// Lines of its class's counters, and all that is counted of that; NULL: the root.
static inline grove__tally *grove__cell_tally(const grove__cell *c)
{
  return grove__cell_manner(c)->task.lines;
}
static inline grove__kind *grove__cell_kind(const grove__cell *c)
{
  const grove__manner *m = grove__cell_manner(c);
  return m->task.lines ? (grove__kind *)(uintptr_t)m : NULL; // its first member
}
/// State, start argument, name, label: what it holds from its first moment. By anyone, for people.
static inline uint64_t grove__cell_fixed(const grove__cell *c)
{
  return grove__cell_manner(c)->fixed + atomic_load_explicit(&grove__cell_annex(c)->texts, memory_order_relaxed);
}
/// How often it has started again. By anyone.
static inline uint32_t grove__cell_restarts(const grove__cell *c)
{
  return atomic_load_explicit(&grove__cell_annex(c)->restarts, memory_order_relaxed); // relaxed: written under its lock, for people
}
/// Counts for a cell whose turn this is: nobody else writes.
static inline void grove__cell_count(_Atomic uint64_t *n)
{
  uint64_t before = atomic_load_explicit(n, memory_order_relaxed); // relaxed: shown to people
  atomic_store_explicit(n, before + 1, memory_order_relaxed);
}
static inline uint64_t grove__cell_number(const grove__cell *c)
{
  return (uint64_t)c->number_high << 32 | c->number;
}
static inline void grove__cell_set_number(grove__cell *c, uint64_t number)
{
  c->number = (uint32_t)number;
  c->number_high = (uint16_t)(number >> 32);
}
static inline int64_t grove__cell_born(const grove__cell *c)
{
  return (int64_t)(((uint64_t)c->born_high << 32 | c->born) << 10);
}
static inline void grove__cell_set_born(grove__cell *c, int64_t ns)
{
  c->born = (uint32_t)((uint64_t)ns >> 10);
  c->born_high = (uint16_t)((uint64_t)ns >> 42);
}
/// The same of a message that was handled, or (`s`) failed.
static inline void grove__cell_count_end(grove__cell *c, grove_status s)
{
  if (!s) {
    grove__cell_count(&c->handled);
    return;
  }
  uint32_t before = atomic_load_explicit(&c->failed, memory_order_relaxed); // relaxed: shown to people
  atomic_store_explicit(&c->failed, before + 1, memory_order_relaxed);
}
/// Its limit of messages.
static inline uint32_t grove__class_mailbox(const grove_class *k)
{
  uint32_t most = GROVE__CLASS(k, mailbox);
  return most ? most : 65535; // what a mailbox counts without a lock
}
/// "class" or "class name", for people. In its turn, or with its lock.
void grove__cell_title(const grove__cell *c, char *out, size_t room);
/// The same of an address, whose actor may be gone.
void grove__ref_title(grove__system *y, grove_ref r, char *out, size_t room);

// ---- life.c: how a life ends --------------------------------------------------------------------------
/// Asks a life to end. `words` (may be NULL) is copied. Nothing if the life is over already, or a wish as strong was
/// told before. grace_ns: until it is ended by force; INT64_MAX: never. Takes the cell's lock.
void grove__cell_end(
    grove__cell *c, uint64_t life, uint32_t end, const grove_error *words, int64_t deadline);
/// Goes on with telling the children of a life that ends: what was left to a turn of it, or to the end of the child
/// before. No lock.
void grove__cell_spread(grove__cell *c, uint64_t life);
/// The child of the same parent that was spawned before it, and after it, or NULL. With the parent's lock.
static inline grove__cell *grove__cell_older(const grove__cell *c)
{
  return c->sibling_next ? grove__slab_at(&grove__cell_system(c)->cells, c->sibling_next - 1) : NULL;
}
static inline grove__cell *grove__cell_younger(const grove__cell *c)
{
  return c->sibling_prev ? grove__slab_at(&grove__cell_system(c)->cells, c->sibling_prev - 1) : NULL;
}
/// Puts a child in front of its parent's list, and takes it off, with the parent's lock. `of`: the parent's annex.
void grove__cell_link_locked(grove__annex *of, grove__cell *child);
void grove__cell_link_last_locked(grove__annex *of, grove__cell *child); ///< behind the others
void grove__cell_unlink_locked(grove__annex *of, grove__cell *child);
/// grove_exit was asked of it: from now on a failure is its end, and at `deadline` (the earliest, if it is asked more
/// than once) it is ended by force. `own`: the actor itself asks, and one that is permanent starts again. Takes the
/// cell's lock.
void grove__cell_grace(grove__cell *c, uint64_t life, int64_t deadline, bool own);
/// A task's function has returned: it ends in order. Where nothing can keep it from that (it has no stop and no destroy,
/// and no child is left) no deadline is set; and where there is nobody to be told but its parent it has ended: `gone`. In its
/// turn, no lock.
void grove__cell_end_task(grove__cell *c, const grove__worker *w);
/// grove_exit's mark was reached: ends in order. In its turn, no lock.
void grove__cell_end_at_mark(grove__cell *c);
/// Starts a life that stands between two starts, if it is still the one after so many restarts. Takes its lock.
void grove__cell_begin(grove__cell *c, uint64_t life, uint32_t restarts);
/// The rest of a life, step by step, in the cell's turn with its lock held and no activation left; gives the
/// verdict with the lock released, or GROVE__TURN_RESUME to mean: look again.
grove__turn grove__cell_end_turn(grove__cell *c, grove__worker **w);
/// A deadline of an end has passed: see grove__cell_end_by_locked.
void grove__cell_end_is_due(void *cell, uint64_t life, uint64_t serial);
/// Gives a life up that did not end in time. Any thread, no lock. False: it was over, or somebody else is at it.
bool grove__cell_give_up(grove__cell *c, uint64_t life);
void grove__cell_release(grove__task *t, grove__worker *w);

/// Tells those who wait for its start that it has gone well. In its turn.
void grove__watchers_started(grove__cell *c);
/// Enters a monitor or a wish to know of the start; false: that life is over. Takes the locks.
bool grove__watch_add(grove__cell *c, uint64_t life, grove__future *f);

// ---- sweep.c ----
/// Without annex: when the end is due, as far as is looked; 0: there is no deadline, or the annex has it. With the cell's lock.
static inline uint32_t grove__cell_end_by(const grove__cell *c)
{
  return c->mailbox.own;
}
/// When that is; INT64_MAX: never. With the cell's lock.
int64_t grove__cell_end_when(const grove__cell *c);
/// What tells that from another deadline, of grove__cell_end_is_due. The same.
uint64_t grove__cell_end_serial(const grove__cell *c);
/// grove__cell_end_is_due comes then, unless this is called again before. INT64_MAX: never. With the cell's lock.
void grove__cell_end_by_locked(grove__cell *c, int64_t when);

// ---- turn.c ---------------------------------------------------------------------------------------------
grove__turn grove__cell_turn(grove__task *t, grove__worker *w);
grove__task *grove__cell_whole_turn(grove__task *t, grove__worker *w);

// ---- names.c --------------------------------------------------------------------------------------------
/// Enters c->name, and on GROVE_OK keeps the table locked until grove__name_entered (`failed`: its name is taken out
/// again; NULL: none is): so nobody finds an actor that does not live yet. Returns: GROVE_EEXIST: *holder has it
grove_status grove__name_enter(grove__cell *c, grove_ref *holder);
void grove__name_entered(grove__system *y, grove__cell *failed);
/// Whether the name is taken, and by whom.
bool grove__name_find(grove__system *y, const char *name, grove_ref *holder);
void grove__name_leave(grove__cell *c);

// ---- note.c -----------------------------------------------------------------------------------------------
/// The state text, cut to 63 bytes. In its turn, no lock.
void grove__note_set(grove__cell *c, const char *text);

// ---- timer.c (keyed timers) ------------------------------------------------------------------
void grove__cell_timers_clear(grove__cell *c);
bool grove__cell_timer_accepts(grove__cell *c, grove__message *m);
/// A tick has been handled: its message is the timer's again.
void grove__cell_timer_done(grove__cell *c, grove__message *m);
/// Ends what a message asked for without running it: its call gets `why`; a send is a dead letter.
void grove__message_refuse(grove__cell *c, grove__message *m, const grove_error *why);
#endif
