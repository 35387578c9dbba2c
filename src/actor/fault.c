#include "actor/fault.h"
#include "actor/activation.h"
#include "base/options.h"
#include <stdio.h>

/// A message on its way round: out of its mailbox, to come back later.
typedef struct grove__delayed {
  struct grove__delayed *next;
  grove__cell *cell;
  uint64_t life;
  grove__message *message;
  grove__timer timer;
} delayed;

// The first rule that matches the event and is due; every matching one counts it.
static const grove_fault *hit(grove__system *y, uint32_t kind, grove_ref who, const grove_method *m)
{
  for (grove__fault_rule *r = y->faults; r; r = r->next) {
    grove_fault *f = &r->fault;
    bool matches = f->kind == kind && f->times && (!f->method || f->method == m) &&
                   (grove_ref_equal(f->who, GROVE_NOBODY) || grove_ref_equal(f->who, who));
    if (!matches) {
      continue;
    }
    if (f->after) {
      f->after--;
      continue;
    }
    f->times--;
    return f;
  }
  return NULL;
}

static void forget_rules(grove__system *y)
{
  while (y->faults) {
    grove__fault_rule *next = y->faults->next;
    grove__free(&y->host_allocator, y->faults, sizeof *y->faults);
    y->faults = next;
  }
}

grove_status grove_sim_fault(grove *g, const grove_fault *given)
{
  grove__system *y;
  grove__activation *here;
  grove_fault f;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!given) {
    forget_rules(y);
    return GROVE_OK;
  }
  GROVE__TRY(grove__options_read(&f, sizeof f, given));
  if (!y->options.simulate || f.kind < GROVE_FAULT_KILL || f.kind > GROVE_FAULT_NOMEM ||
      (f.kind == GROVE_FAULT_DELAY && f.delay_ms <= 0)) {
    return GROVE_EINVAL;
  }
  f.times = f.times ? f.times : 1;
  grove__fault_rule *r = grove__alloc(&y->host_allocator, sizeof *r);
  if (!r) {
    return GROVE_ENOMEM;
  }
  r->fault = f;
  r->next = NULL;
  grove__fault_rule **end = &y->faults;
  while (*end) {
    end = &(*end)->next;
  }
  *end = r;
  return GROVE_OK;
}

// ---- no memory -------------------------------------------------------------------------------------------

static void *fail_or_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  grove__system *y = user;
  const grove_allocator *a = &y->host_allocator;
  if (new_bytes > old_bytes && y->faults) {
    grove__worker *w = grove__sched_here(&y->sched);
    grove__activation *here = w ? w->context : NULL;
    grove_ref who = here && here->cell ? grove__cell_ref(here->cell) : GROVE_NOBODY;
    if (hit(y, GROVE_FAULT_NOMEM, who, here ? here->method : NULL)) {
      return NULL;
    }
  }
  return a->realloc_fn(a->user, p, old_bytes, new_bytes);
}

void grove__faults_init(grove__system *y)
{
  y->memory->host = (grove_allocator){fail_or_realloc, y};
}

// ---- messages ----------------------------------------------------------------------------------------------

static void come_back(void *user, uint64_t life, uint64_t unused)
{
  grove__system *y = user;
  (void)unused;
  delayed **at = &y->delayed, *d;
  while ((d = *at) && (uint64_t)(uintptr_t)d != life) {
    at = &d->next;
  }
  if (!d) {
    return;
  }
  *at = d->next;
  if (grove__cell_push(d->cell, d->life, &d->message->letter, true)) {
    grove_error err;
    grove__error(&err, GROVE_EDEAD, -1, "the actor ended while the message was delayed");
    grove__message_refuse(d->cell, d->message, &err);
  }
  grove__free(&y->host_allocator, d, sizeof *d);
}

static bool delay(grove__cell *c, grove__message *m, int64_t ms)
{
  grove__system *y = grove__cell_system(c);
  delayed *d = grove__alloc_zero(&y->host_allocator, sizeof *d);
  if (!d) {
    return false;
  }
  m->letter.was_delayed = true;
  d->cell = c;
  d->life = grove__cell_life(c);
  d->message = m;
  d->next = y->delayed;
  y->delayed = d;
  grove__timer_set(&y->sched.timers, &d->timer, grove__deadline_in(y, ms), come_back, y,
      (uint64_t)(uintptr_t)d, 0);
  return true;
}

bool grove__fault_takes(grove__cell *c, grove__message *m)
{
  grove__system *y = grove__cell_system(c);
  if (!y->faults || grove__message_timer(m)) {
    return false;
  }
  grove_ref me = grove__cell_ref(c);
  char title[112];
  grove__cell_title(c, title, sizeof title);
  grove_error err;
  const grove_fault *f = m->letter.was_delayed ? NULL : hit(y, GROVE_FAULT_DELAY, me, m->method);
  if (f && delay(c, m, f->delay_ms)) {
    return true;
  }
  if (hit(y, GROVE_FAULT_KILL, me, m->method)) {
    grove__error(
        &err, GROVE_EDEAD, -1, "%s was killed by a fault as %s began", title, m->method->name);
    err.who = me;
    snprintf(err.method, sizeof err.method, "%s", m->method->name);
    grove__cell_end(c, me.which, GROVE__END_FAIL, &err, INT64_MAX);
  } else if (hit(y, GROVE_FAULT_DROP, me, m->method)) {
    grove__error(&err, GROVE_EDEAD, -1, "%s to %s was dropped by a fault", m->method->name, title);
    err.who = me;
    if (grove__cell_is_task(c)) { // a task has no other message to wait for
      grove__cell_end(c, me.which, GROVE__END_ORDERLY, NULL, INT64_MAX);
    }
  } else {
    return false;
  }
  grove__message_refuse(c, m, &err);
  return true;
}

void grove__faults_deinit(grove__system *y)
{
  forget_rules(y);
  while (y->delayed) {
    delayed *d = y->delayed;
    y->delayed = d->next;
    grove__timer_cancel(&y->sched.timers, &d->timer);
    grove_error err;
    grove__error(&err, GROVE_ECLOSED, -1, "the runtime stopped while the message was delayed");
    grove__message_refuse(d->cell, d->message, &err);
    grove__free(&y->host_allocator, d, sizeof *d);
  }
}
