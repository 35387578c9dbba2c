// A bounded ring of records that many threads write and anybody reads, and that never makes a writer wait: the newest
// push out the oldest, and a reader that comes too late learns how many it missed. Readers have cursors of their own.
//
// A record is a row of words in a slot, and the slot has a serial word: 0 never written, 2p + 1 while record p is being
// written, 2p + 2 when it is there. Facts that it rests on:
//   1. A writer owns a slot from its exchange to 2p + 1 until its store of 2p + 2; who finds a slot owned, or a later
//      record in it, gives its own record up and counts it. That takes a writer that sleeps for a whole lap.
//   2. Words are stored with release after the odd serial: who reads a new word and then the serial sees that it has
//      changed (Boehm 2012). So a torn copy is seen as torn, and all is atomic: no data race.
//   3. A position whose record was given up stays empty: a reader that finds one empty in two calls, with later ones
//      behind it, leaves it out as lost.
#ifndef GROVE_QUEUE_RING_H
#define GROVE_QUEUE_RING_H
#include "base/status.h"
#include <stdatomic.h>

typedef struct grove__ring {
  uint32_t words;            // constant: of a record
  uint64_t mask;             // constant
  _Atomic uint64_t head;     // the next position
  _Atomic uint64_t given_up; // statistic
  _Atomic uint64_t *slot;    // each 1 + words
} grove__ring;
typedef struct grove__ring_cursor {
  uint64_t at, empty; // empty: the position + 1 that was found empty in the last call
  uint64_t lost;
} grove__ring_cursor;

/// `room` records, rounded up to a power of two. Returns: GROVE_ENOMEM
grove_status grove__ring_init(
    grove__ring *r, const grove_allocator *a, uint32_t words, uint32_t room);
void grove__ring_deinit(grove__ring *r, const grove_allocator *a);
size_t grove__ring_bytes(const grove__ring *r);
/// Any thread, without waiting.
void grove__ring_put(grove__ring *r, const uint64_t *words);
/// A cursor at the end: it gets what is put from now on.
void grove__ring_follow(grove__ring *r, grove__ring_cursor *c);
/// The next record of a cursor, into `words`; false: there is none (yet). Any thread, one at a time a cursor.
bool grove__ring_next(grove__ring *r, grove__ring_cursor *c, uint64_t *words);
#endif
