// What an actor says of itself at run time: its state text, and its label. Others read both under the cell's lock.
#include "actor/activation.h"
#include "actor/show.h"
#include "base/alloc.h"
#include <stdarg.h>
#include <stdio.h>

// Without memory nobody is shown it.
static void set_locked(grove__cell *c, const char *text)
{
  grove__annex *x = grove__annex_make_locked(c);
  if (x) {
    snprintf(x->note, sizeof x->note, "%s", text);
  }
}

void grove__note_set(grove__cell *c, const char *text)
{
  grove__mutex_lock(&c->lock);
  set_locked(c, text);
  grove__mutex_unlock(&c->lock);
}

void grove__note_show(grove *g, grove_ref who, const char *text)
{
  grove__system *y;
  grove__activation *here;
  grove__cell *c;
  if (grove__enter(g, &y, &here) || grove__cell_find(y, who, &c)) {
    return;
  }
  grove__mutex_lock(&c->lock);
  if (grove__cell_is_locked(c, who.which)) {
    set_locked(c, text);
  }
  grove__mutex_unlock(&c->lock);
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

// When the cell is given up the label stands still: whoever takes it out of the world reads it without the lock.
static grove_status swap_label(grove__cell *c, char **label)
{
  grove__annex *x = grove__annex_make(c);
  if (!x) {
    return GROVE_ENOMEM;
  }
  int64_t was = x->label ? (int64_t)strlen(x->label) + 1 : 0; // in its turn nobody else writes it
  int64_t more = (*label ? (int64_t)strlen(*label) + 1 : 0) - was;
  // Relaxed: constant for a life.
  bool limited = atomic_load_explicit(&x->limit, memory_order_relaxed) != 0;
  if (limited && !grove__mailbox_reserve(&c->mailbox, more)) {
    return GROVE_ENOMEM;
  }
  grove__mutex_lock(&c->lock);
  bool stands = c->given_up;
  if (!stands) {
    char *old = x->label_apart ? x->label : NULL; // else it goes with the body
    x->label = *label;
    x->label_apart = true;
    *label = old;
    atomic_fetch_add_explicit(&x->texts, more, memory_order_relaxed); // a sum
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
