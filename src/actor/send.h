// The short way of messages.
#ifndef GROVE_ACTOR_SEND_H
#define GROVE_ACTOR_SEND_H
#include "actor/activation.h"
#include "plat/clock.h"

/// Makes one of a plain argument with room in a usual block.
static inline void grove__message_fill_quickly(grove__message *x, const grove_method *m, const void *arg, grove__future *f)
{
  bool plain = GROVE__LIKELY(!m->reply->holds && m->reply->bytes <= GROVE__REPLY_PLAIN);
  uint32_t bytes = m->arg->bytes;
  grove__message_begin(x, m, grove__message_bytes(m), plain, 0);
  x->future = f;
  if (bytes == 8 || bytes == 16) { // numbers and addresses
    memcpy(x->argument, arg, 8);
    if (bytes == 16) {
      memcpy(x->argument + 8, (const char *)arg + 8, 8);
    }
  } else {
    memcpy(x->argument, arg, bytes);
  }
}

/// As count_and_stamp of call.c: counted before it is sent, so that nobody ever sees more handled than were sent. `w` is plain, or
/// NULL: an outside thread.
static inline void grove__message_stamp_quickly(
    grove__message *x, const grove__worker *w, grove__cell *c, grove__tally *lines, uint32_t what)
{
  uint8_t timed = grove__kind_timing(grove__tally_add(lines, w ? w->line : 0, what, 1), c);
  if (GROVE__LIKELY(!timed)) {
    x->letter.at = w ? grove__worker_recent(w) : grove__clock_about_ns();
    return;
  }
  x->letter.watched = timed;
  x->letter.at = grove__now(grove__cell_system(c));
}

/// Sends what needs more than to be sent, and says why it can't be. `now`: it does not wait for room.
grove_status grove__send_slowly(
    grove *g, grove_ref to, const grove_method *method, const void *arg, bool now);
/// Calls where nothing but that is needed, without a time of its own; `a` NULL: from outside. False: it is not such, and nothing
/// has happened.
bool grove__call_quickly(grove__system *y, grove__activation *a, grove_ref to, const grove_method *m,
    const void *arg, grove_future *out);
#endif
