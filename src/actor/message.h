// Messages: a letter with a method, its argument, and, for calls, the future that waits for the answer.
#ifndef GROVE_ACTOR_MESSAGE_H
#define GROVE_ACTOR_MESSAGE_H
#include "actor/system.h"
#include "queue/mailbox.h"

typedef struct grove__message {
  grove__letter letter;
  const grove_method *method; // NULL: the end that grove_exit asked for
  grove__future *future;      // held: see future.h; NULL: a send
  // letter.plain: made by send.c or birth.c, so its method is of its receiver's class, or its receiver's function, takes and gives plain values, the reply no larger
  // than GROVE__REPLY_PLAIN, and it is a usual block; letter.was_delayed: by a fault, once; letter.watched: bits of GROVE__WATCHED_*
  _Alignas(16) unsigned char argument[]; // and behind it its number, if it is NUMBERED
} grove__message;
_Static_assert(sizeof(grove__message) == 48, "with a number or an address it fills one line");

enum { GROVE__REPLY_PLAIN = 48 };

/// TIMED: one in 64, of which letter.at is exact. FOLLOWED: its spans are wanted, or were when it was sent.
/// OWN: timed for its actor alone. NUMBERED: it has room for a number, which is that of its flow, if it is followed, or the
/// serial of the timer whose TICK it is.
enum {
  GROVE__WATCHED_TIMED = 1,
  GROVE__WATCHED_FOLLOWED = 2,
  GROVE__WATCHED_OWN = 4,
  GROVE__WATCHED_NUMBERED = 8,
  GROVE__WATCHED_TICK = 16
};

static inline uint64_t *grove__message_number(grove__message *m)
{
  return (uint64_t *)(void *)((char *)m + m->letter.bytes - sizeof(uint64_t));
}
/// 0: it is no tick; it is not followed.
static inline uint64_t grove__message_timer(grove__message *m)
{
  return m->letter.watched & GROVE__WATCHED_TICK ? *grove__message_number(m) : 0;
}
static inline uint64_t grove__message_flow(grove__message *m)
{
  return (m->letter.watched & (GROVE__WATCHED_FOLLOWED | GROVE__WATCHED_TICK)) == GROVE__WATCHED_FOLLOWED
             ? *grove__message_number(m)
             : 0;
}

/// What a message of the method is counted as in a mailbox, if one can be made.
static inline uint32_t grove__message_bytes(const grove_method *m)
{
  return (uint32_t)sizeof(grove__message) + m->arg->bytes;
}
/// Room for an argument in a usual block.
enum { GROVE__MESSAGE_ROOM = GROVE__BLOCK_USUAL - sizeof(grove__message) };
/// The marks of a message in the normal lane, once it is pushed; and of a plain one that nobody watches. At once, with what no
/// member names, and in a register: a word that is read where its bytes were just written keeps the processor waiting.
#define GROVE__MARKS(...) \
  ((grove__letter){.lane = GROVE__LANE_NORMAL, .counted = true, __VA_ARGS__}.marks)
static inline uint32_t grove__message_marks(bool end, bool plain)
{
  uint32_t none = GROVE__MARKS(.kind = GROVE__LETTER_PLAIN);
  return none | (end ? none ^ GROVE__MARKS(.kind = GROVE__LETTER_END) : 0) | (plain ? none ^ GROVE__MARKS(.plain = true) : 0);
}
_Static_assert(GROVE__LETTER_PLAIN == 0, "what is plain has none of its bits");
static inline uint32_t grove__message_usual(void)
{
  return grove__message_marks(false, true);
}
/// What a message is before it is sent, but for its argument; `m` NULL: the mark.
static inline void grove__message_begin(
    grove__message *x, const grove_method *m, uint32_t bytes, bool plain, uint8_t watched)
{
  x->method = m;
  x->future = NULL;
  x->letter.marks = grove__message_marks(!m, plain);
  if (watched) {
    x->letter.watched = watched;
  }
  if (GROVE__UNLIKELY(m && (m->flags & GROVE_METHOD_HIGH))) {
    x->letter.lane = GROVE__LANE_HIGH;
  }
  x->letter.at = 0;
  x->letter.bytes = bytes;
}
/// Copies the argument. `stash`: the caller's; NULL: he has none. Returns: GROVE_ENOMEM, GROVE_ELIMIT (shared data)
grove_status grove__message_create(grove__system *y, grove__stash *stash, const grove_method *m,
    const void *arg, bool numbered, grove__message **out);
/// Releases the argument's shared data and the memory; the future is not touched.
void grove__message_destroy(grove__system *y, grove__message *m);
void grove__message_destroy_slowly(grove__system *y, grove__worker *w, grove__message *m);
/// The same, by a worker (NULL: not known).
static inline void grove__message_destroy_on_worker(grove__system *y, grove__worker *w, grove__message *m)
{
  bool usual = w && m->method && !m->method->arg->holds && !y->ledger->most &&
               m->letter.bytes <= GROVE__BLOCK_USUAL;
  if (!usual || !grove__blocks_give_usual(&w->stash.blocks, m, m->letter.bytes)) {
    grove__message_destroy_slowly(y, w, m);
  }
}
#endif
