// What an actor says of itself at run time: its state text, and its label.
//
// The state text: written by one turn at a time, read by anyone without a lock. A sequence lock whose data are
// atomic words, so that a torn copy is seen as torn and is no data race (Boehm 2012).
#include "actor/activation.h"
#include "base/alloc.h"
#include <stdarg.h>
#include <stdio.h>

void grove__note_set(grove__cell *c, const char *text)
{
  char bytes[64] = {0};
  uint64_t words[8];
  strncpy(bytes, text, sizeof bytes - 1);
  memcpy(words, bytes, sizeof words);
  uint32_t serial = atomic_load_explicit(&c->note_serial, memory_order_relaxed); // this turn's own
  // ORDER: odd before any word; the words are release stores, so who reads a new one reads an odd or later serial.
  // PAIRS grove__note_get.
  atomic_store_explicit(&c->note_serial, serial + 1, memory_order_relaxed);
  for (int i = 0; i < 8; i++) {
    atomic_store_explicit(&c->note[i], words[i], memory_order_release);
  }
  atomic_store_explicit(&c->note_serial, serial + 2, memory_order_release);
}

void grove__note_get(const grove__cell *c, char out[64])
{
  uint64_t words[8];
  for (int tries = 0; tries < 100; tries++) {
    // ORDER acquire: the words of this serial or later ones; and words before the second look. PAIRS grove__note_set.
    uint32_t before = atomic_load_explicit(&c->note_serial, memory_order_acquire);
    for (int i = 0; i < 8; i++) {
      words[i] = atomic_load_explicit(&c->note[i], memory_order_acquire);
    }
    uint32_t after = atomic_load_explicit(&c->note_serial, memory_order_relaxed);
    if (before == after && !(before & 1)) {
      break;
    }
  }
  memcpy(out, words,
      sizeof words); // after so many tries a torn text must do: it ends with a zero all the same
  out[63] = '\0';
}

void grove_state(grove *self, const char *format, ...)
{
  grove__system *y;
  grove__activation *here;
  char text[64];
  if (grove__enter(self, &y, &here) || !here || !here->cell) {
    return;
  }
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  grove__note_set(here->cell, text);
}

// Others read the label under the cell's lock, or when the cell is given up: from then on it stands still.
static grove_status swap_label(grove__cell *c, char **label)
{
  int64_t was = c->label ? (int64_t)strlen(c->label) + 1 : 0; // in its turn nobody else writes it
  int64_t more = (*label ? (int64_t)strlen(*label) + 1 : 0) - was;
  // Relaxed: constant for a life.
  bool limited = atomic_load_explicit(&c->own.limit, memory_order_relaxed) != 0;
  if (limited && !grove__mailbox_reserve(&c->mailbox, more)) {
    return GROVE_ENOMEM;
  }
  grove__mutex_lock(&c->lock);
  bool stands = c->given_up;
  if (!stands) {
    char *old = c->label;
    c->label = *label;
    *label = old;
    atomic_fetch_add_explicit(&c->own.fixed, (uint64_t)more, memory_order_relaxed); // a sum
  }
  grove__mutex_unlock(&c->lock);
  if (stands && limited) {
    (void)grove__mailbox_reserve(&c->mailbox, -more);
  }
  return stands ? GROVE_ECANCELED : GROVE_OK;
}

grove_status grove_label(grove *self, const char *format, ...)
{
  grove__system *y;
  grove__activation *here;
  char text[64], what[300];
  GROVE__TRY(grove__enter(self, &y, &here));
  if (!here || !here->cell || !format) {
    return GROVE_EINVAL;
  }
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  const grove_allocator *a = grove__memory_of(y->memory, GROVE__MEMORY_ACTORS);
  char *label = grove__copy_text(a, text[0] ? text : NULL);
  grove_status s = text[0] && !label ? GROVE_ENOMEM : swap_label(here->cell, &label);
  grove__free_text(a, label); // the old one; or the new one, if it could not be
  if (s == GROVE_ENOMEM) {
    grove__own_describe(here->cell, what, sizeof what);
    return grove_fail(self, s, "no memory for the label \"%s\": %s", text, what);
  }
  return s;
}
