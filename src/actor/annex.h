// The annex of a cell: what few actors need, in a second block that a life takes when it first needs any of it and gives
// back when it ends. So an idle actor weighs its cell alone.
//
// A cell always has one to be read: without its own that of the runtime, which says what holds for all others, and is never
// written. Annexes are type-stable as cells are: who looks at one without a lock, for people, may see another's for a moment.
#ifndef GROVE_ACTOR_ANNEX_H
#define GROVE_ACTOR_ANNEX_H
#include "actor/system.h"
#include "queue/mailbox_inside.h"

typedef struct grove__cell_timers grove__cell_timers;
typedef struct grove__group grove__group;
typedef struct grove__times grove__times; // times.h

typedef struct grove__annex {
  uint32_t slab_word; // the slab's while it is free
  uint32_t index;     // constant for the slot, as `face`
  grove_allocator face;        // an actor's own: budget.c
  // Atomic where somebody may look without the cell's lock.
  _Atomic(grove__cell *) cell; // whose it is, or was last
  _Atomic uint64_t life;  // told to blocks, so that a late one is not counted against another life
  _Atomic uint64_t bytes; // of its allocator
  _Atomic uint64_t limit; // constant for a life: memory_bytes; 0: none
  _Atomic(const grove_class *) stands_for; // constant for a life
  _Atomic uint64_t progress;     // bits of a double
  _Atomic uint64_t texts;        // bytes of name and label
  _Atomic uint32_t restarts;     // written under the cell's lock
  _Atomic(grove__times *) times; // guarded by the cell's lock, as what it points to; NULL: nobody asked
  grove__mailbox_rest mailbox;
  // Plain, from here on all the rest. In a turn only:
  uint64_t timer_serials;
  uint64_t random; // the state of its generator; 0: none was drawn
  uint32_t undefers; // how often what was put back was called for, modulo 2^32
  // Constant for a life:
  uint64_t place; // a number for where in the tree it was spawned
  grove_spawn_options spec;
  char *name;           // in the body
  grove__cell *name_next; // guarded by the system's names_lock
  grove__group *group;  // of its children, who are restarted together: group.h; NULL: each alone
  // Guarded by the cell's lock:
  char *label;          // but for grove_label: in a turn, under lock
  bool label_apart;     // it was changed since: a block of its own
  grove_error *words;   // why it ends; NULL: no memory or no words
  grove_error *last_words;      // of its last failure, for people; NULL: none, or no memory
  const grove_method *ended_in; // what it was at when it was told to end; NULL: nothing
  grove_ref *links;
  uint32_t link_count, link_room;
  grove__restarts history;
  int64_t restart_at; // when its pause is over; 0: there is none
  int64_t end_when;    // when the end is due; INT64_MAX: there is no deadline, or the cell knows it (sweep.c)
  uint32_t end_serial; // tells a late end_timer from the one that is set
  grove__timer end_timer, restart_timer;
  grove__cell_timers *timers; // NULL: none
  char note[64];              // the state text
  grove__cell *children, *children_last;
  uint64_t spawned;     // children so far
  uint32_t child_count;
  uint16_t spread_wave; // how often they were told, or are to be told,
  uint8_t spread_end;   // what
  int64_t spread_deadline; // and by when
  bool spreading, spread_due; // they are being told to end; are to be told in a turn
} grove__annex;

/// The table of them, with the runtime's. Returns: GROVE_ENOMEM
grove_status grove__annexes_init(grove__system *y);
void grove__annexes_deinit(grove__system *y);
/// Its own, made if need be; NULL: no memory. With the cell's lock, or before anybody knows of the life.
grove__annex *grove__annex_make_locked(grove__cell *c);
/// The root's, before there is a scheduler that knows whose thread this is.
grove__annex *grove__annex_make_root(grove__cell *c);
/// The same for an actor's own turn, without the lock.
grove__annex *grove__annex_make(grove__cell *c);
/// The same for any other's; GROVE_ENOACTOR: that life is over, GROVE_ENOMEM.
grove_status grove__annex_ensure(grove__cell *c, uint64_t life);
/// Between two lives: why the one has ended are its last words, and the next has none. With the cell's lock.
void grove__annex_between(grove__annex *x, const grove_error *words);
/// Room to remember one restart more, as far as the policy cares. No memory: the oldest one will be forgotten. The same.
void grove__annex_remember_more(grove__annex *x);
/// What `place` is of one that is linked: its parent has an annex, of which the list of children is.
uint64_t grove__annex_place(const grove__cell *c);
/// Gives it back, when nothing in it is in use any more. With the cell's lock.
void grove__annex_give_locked(grove__cell *c);
#endif
