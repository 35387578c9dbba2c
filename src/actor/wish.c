// Waiting for futures, in the graph of waits where that is needed, and what errors say of it.
#include "actor/wish.h"
#include <stdio.h>

// What has not ended when the time is up, and the circle of waits that it stands in or behind, if there is one.
static void say_late(grove__system *y, const grove__wish *q, char *circle, grove_error *err)
{
  char what[200] = "";
  for (size_t i = 0; i < q->n && !what[0]; i++) { // the first that has not ended
    grove__future_describe(y, q->f[i], what, sizeof what);
    if (what[0] && q->ms && !circle[0]) {
      (void)grove__deadlock_behind(y, q->f[i], circle, GROVE__CIRCLE);
    }
  }
  grove__error(err, GROVE_ETIMEDOUT, 0, "no answer within %lld ms%s%s%s%s", (long long)q->ms,
      what[0] ? ": " : "", what, circle[0] ? "; " : "", circle);
}

grove_status grove__say_why(grove__system *y, const grove__wish *q, grove__activation *here,
    uint32_t reason, char *circle, grove_error *err)
{
  if (reason == GROVE__WOKEN_ENDED) {
    return GROVE_OK;
  }
  if (reason == GROVE__WOKEN_CANCEL && (!here || !here->cell)) {
    return grove__error(err, GROVE_ECLOSED, 0, "%s", grove_status_text(GROVE_ECLOSED));
  }
  if (reason == GROVE__WOKEN_CANCEL) {
    bool ending =
        here && here->cell && atomic_load_explicit(&here->cell->ending, memory_order_relaxed);
    return grove__error(err, GROVE_ECANCELED, 0, "%s",
        ending ? "the waiting actor is to end" : "nobody wants the waiting call's result any more");
  }
  if (err) {
    say_late(y, q, circle, err);
  }
  return GROVE_ETIMEDOUT;
}

void grove__say_no_stack(grove__system *y, const grove__activation *here, grove_error *err)
{
  char title[112] = "a thread";
  if (here && here->cell) {
    grove__cell_title(here->cell, title, sizeof title);
  }
  grove__error(err, GROVE_ELIMIT, 0,
      "max_suspended (%u) actors wait already, %s can't: raise it, or wait in fewer",
      (unsigned)y->options.max_suspended, title);
}

// Why nobody could wait here.
static grove_status say_no_wait(
    grove__system *y, const grove__activation *here, grove_status s, grove_error *err)
{
  if (s == GROVE_ELIMIT) {
    grove__say_no_stack(y, here, err);
    GROVE__EVENT(y, GROVE_EVENT_LIMIT, here ? here->cell : NULL, s, y->options.max_suspended,
        here ? here->method->name : NULL, "max_suspended");
  } else if (s == GROVE_ENOMEM) {
    char why[400];
    grove__memory_words(y, s, why, sizeof why);
    grove__error(err, s, 0, "no memory to wait with: %s", why);
  } else {
    grove__error(err, s, 0, "%s",
        s == GROVE_EDEADLK   ? "nothing is left that could end this wait (simulation)"
        : here && grove__activation_is_leaf(here) ? "a method that is declared leaf may not wait"
                             : grove_status_text(s));
  }
  return s;
}

// The wait of one that needs all of the futures that are open: it enters the graph of waits. It may close a circle by that, or
// one may be closed through it by others while it waits.
static grove_status wait_in_graph(grove__system *y, grove__activation *here, const grove__wish *q,
    grove__waiter *w, uint32_t *reason, char *circle, grove_error *err)
{
  const grove__waits_for what = {q->f, q->n, GROVE_NOBODY, q->ms >= 0, circle, GROVE__CIRCLE};
  grove_status s = grove__deadlock_enter(here, w, &what, err);
  bool found = s != GROVE_OK;
  if (!found) {
    s = grove__wait(y, here, w, grove__deadline_in(y, q->ms), reason);
    if (!s && *reason == GROVE__WOKEN_TIME) {
      (void)grove__deadlock_late(here, circle, GROVE__CIRCLE);
    }
    grove__deadlock_leave(here);
    found = !s && *reason == GROVE__WOKEN_CIRCLE;
    s = found ? grove__error(err, GROVE_EDEADLK, 0, "%s", circle) : s;
  }
  if (found) {
    GROVE__EVENT(
        y, GROVE_EVENT_DEADLOCK, here->cell, s, 0, here->method->name, err ? err->text : NULL);
    return s;
  }
  return s ? say_no_wait(y, here, s, err) : s;
}

grove_status grove__wait_wish(grove__system *y, grove__activation *here, const grove__wish *q,
    bool all_needed, grove__waiter *w, uint32_t *reason, char *circle, grove_error *err)
{
  if (here && all_needed) {
    return wait_in_graph(y, here, q, w, reason, circle, err);
  }
  grove_status s = grove__wait(y, here, w, grove__deadline_in(y, q->ms), reason);
  return s ? say_no_wait(y, here, s, err) : s;
}
