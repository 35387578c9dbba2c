// The short way of messages.
#ifndef GROVE_ACTOR_SEND_H
#define GROVE_ACTOR_SEND_H
#include "actor/activation.h"
#include "plat/clock.h"

/// Copies an argument of so many bytes (up to GROVE__MESSAGE_ROOM), which is plain, without a call.
static inline void grove__message_copy_quickly(grove__message *x, const void *arg, uint32_t bytes)
{
  _Static_assert(GROVE__MESSAGE_ROOM <= 80, "two halves of 32, and what is between");
  const char *from = arg;
  unsigned char *to = x->argument;
  if (bytes == 8 || bytes == 16) { // numbers and addresses
    memcpy(to, from, 8);
    if (bytes == 16) {
      memcpy(to + 8, from + 8, 8);
    }
  } else if (bytes > 16) { // from both ends, which may meet
    memcpy(to, from, 16);
    memcpy(to + bytes - 16, from + bytes - 16, 16);
    if (bytes > 32) {
      memcpy(to + 16, from + 16, 16);
      memcpy(to + bytes - 32, from + bytes - 32, 16);
    }
    if (bytes > 64) {
      memcpy(to + 32, from + 32, 16);
    }
  } else if (bytes > 8) {
    memcpy(to, from, 8);
    memcpy(to + bytes - 8, from + bytes - 8, 8);
  } else if (bytes >= 4) {
    memcpy(to, from, 4);
    memcpy(to + bytes - 4, from + bytes - 4, 4);
  } else {
    for (uint32_t i = 0; i < bytes; i++) {
      to[i] = (unsigned char)from[i];
    }
  }
}
/// Whether a message of it may be `plain`, by what it replies.
static inline bool grove__method_replies_plainly(const grove_method *m)
{
  return !m->reply->holds && m->reply->bytes <= GROVE__REPLY_PLAIN;
}
/// Makes one of a plain argument with room in a usual block.
static inline void grove__message_fill_quickly(grove__message *x, const grove_method *m, const void *arg, grove__future *f)
{
  grove__message_begin(x, m, grove__message_bytes(m), GROVE__LIKELY(grove__method_replies_plainly(m)), 0);
  x->future = f;
  grove__message_copy_quickly(x, arg, m->arg->bytes);
}

/// Counts it before it is sent, so that nobody ever sees more handled than were sent: as count_and_stamp of call.c. Gives by whom its times
/// are wanted, if they are (letter.watched). `w` is plain; or NULL: an outside thread.
static inline uint8_t grove__message_count_quickly(const grove__worker *w, const grove__cell *c, grove__tally *lines, uint32_t what)
{
  return grove__kind_timing(w ? grove__tally_more(&lines[w->line], what) : grove__tally_add(lines, 0, what, 1), c);
}
/// The same, and says when it is sent.
static inline void grove__message_stamp_quickly(
    grove__message *x, const grove__worker *w, grove__cell *c, grove__tally *lines, uint32_t what)
{
  uint8_t timed = grove__message_count_quickly(w, c, lines, what);
  if (GROVE__LIKELY(!timed)) {
    x->letter.at = w ? grove__worker_recent(w) : grove__clock_about_ns();
    return;
  }
  x->letter.watched = timed;
  x->letter.at = grove__now(grove__cell_system(c));
}

/// Who sends faster than its receiver takes lets it run, if it waits for this worker, long before it is full: then what has been sent is still in
/// the caches. Whether a method that is about to send does so: one in GROVE__MAILBOX_TELLS, as grove__mailbox_push_usual has it. And what it does
/// once the message is sent, which it has let go of by then.
static inline bool grove__is_outrun(const grove__cell *c, const grove__manner *how)
{
  uint32_t waits = how->calm == UINT32_MAX ? 0 : grove__mailbox_count(&c->mailbox);
  return waits >= how->calm && waits % GROVE__MAILBOX_TELLS == 0;
}
void grove__give_way(grove__activation *a);
/// Sends what needs more than to be sent, and says why it can't be. `now`: it does not wait for room.
grove_status grove__send_slowly(
    grove *g, grove_ref to, const grove_method *method, const void *arg, bool now);
/// Calls where nothing but that is needed, without a time of its own; `a` NULL: from outside. False: it is not such, and nothing
/// has happened.
bool grove__call_quickly(grove__system *y, grove__activation *a, grove_ref to, const grove_method *m,
    const void *arg, grove_future *out);
#endif
