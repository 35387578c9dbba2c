// Probes: an actor that stands for one of any class, keeps what it gets, and leaves the answers to the test.
#include "actor/activation.h"
#include "actor/sim_drive.h"
#include <grove/sim.h>
#include <stdio.h>

typedef struct kept {
  struct kept *next;
  const grove_method *method;
  grove_promise answer;
  size_t bytes;
  bool shown; // given to the test; stays until the probe ends
  _Alignas(16) unsigned char arg[];
} kept;
struct probe {
  grove__system *system;
  kept *first, **end;
};

static grove_status probe_start(grove *self, void *state, const void *arg, void *reply)
{
  struct probe *p = state;
  (void)arg;
  (void)reply;
  p->system = grove__system_of(self);
  p->end = &p->first;
  return GROVE_OK;
}

static grove_status probe_receive(
    grove *self, void *state, const grove_method *m, const void *arg, grove_promise answer)
{
  struct probe *p = state;
  size_t bytes = sizeof(kept) + m->arg->bytes;
  kept *k = grove__alloc(grove__memory_of(p->system->memory, GROVE__MEMORY_MESSAGES), bytes);
  if (!k) {
    return grove_fail(self, GROVE_ENOMEM, "the probe has no memory for a message");
  }
  *k = (kept){.method = m, .answer = answer, .bytes = bytes};
  grove_status s = grove__value_copy(p->system, m->arg, k->arg, arg);
  if (s) {
    grove__free(grove__memory_of(p->system->memory, GROVE__MEMORY_MESSAGES), k, bytes);
    return s;
  }
  *p->end = k;
  p->end = &k->next;
  return GROVE_OK;
}

static void probe_destroy(void *state)
{
  struct probe *p = state;
  while (p->first) {
    kept *next = p->first->next;
    grove__value_release(p->first->method->arg, p->first->arg);
    grove__free(
        grove__memory_of(p->system->memory, GROVE__MEMORY_MESSAGES), p->first, p->first->bytes);
    p->first = next;
  }
}

static const grove_type none_type = {
    sizeof(grove_type), sizeof(grove_none), "grove_none", GROVE_TYPE_PLAIN, 0, NULL, NULL, NULL};
static const grove_method *const no_methods[] = {NULL};
static const grove_class probe_class = {.struct_size = sizeof(grove_class),
    .state_bytes = sizeof(struct probe),
    .name = "probe",
    .start_arg = &none_type,
    .methods = no_methods,
    .start = probe_start,
    .destroy = probe_destroy,
    .receive = probe_receive};

grove_ref grove_probe_spawn(grove *g, const grove_class *c, const grove_spawn_options *o)
{
  grove_spawn_options with = {GROVE_SPAWN};
  grove__system *y = grove__system_of(g);
  if (!y || !c || !y->options.simulate) {
    return grove__ref_failed_by(GROVE_EINVAL, GROVE__WHY_PROBE);
  }
  if (o && o->struct_size != sizeof with) {
    return grove__ref_failed_by(GROVE_ENOTSUP, GROVE__WHY_PROBE);
  }
  if (o) {
    with = *o;
  }
  with.stands_for = c;
  return grove_spawn(g, &probe_class, &GROVE_NONE, &with);
}

// The first message that the test has not been shown, after running for up to `until`; NULL: none came.
static grove_status next_message(grove *g, grove_ref probe, int64_t ms, kept **out)
{
  grove__system *y;
  grove__activation *here;
  size_t turns = 0;
  *out = NULL;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (here || !y->options.simulate || ms < 0) {
    return GROVE_EINVAL;
  }
  int64_t until = grove__deadline_in(y, ms);
  for (;;) {
    grove__cell *c;
    GROVE__TRY(grove__cell_find(y, probe, &c));
    if (grove__cell_class(c) != &probe_class) {
      return GROVE_EINVAL;
    }
    kept *k = ((struct probe *)grove__cell_state(c))->first;
    while (k && k->shown) {
      k = k->next;
    }
    if (k) {
      *out = k;
      return GROVE_OK;
    }
    if (!grove__sim_next(y, until, &turns)) {
      if (until > grove__now(y)) {
        grove__sim_set_clock(y, until);
      }
      return GROVE_OK;
    }
  }
}

grove_status grove_probe_expect(grove *g, grove_ref probe, int64_t ms, const grove_method *m,
    grove_probed *out, grove_error *err)
{
  kept *k;
  if (!m || !out) {
    return grove__error(err, GROVE_EINVAL, -1, "no method to expect, or nowhere to put it");
  }
  grove_status s = next_message(g, probe, ms, &k);
  if (s) {
    return grove__error(err, s, -1, "the probe: %s", grove_status_text(s));
  }
  if (!k) {
    return grove__error(
        err, GROVE_ETIMEDOUT, -1, "no %s came within %lld ms", m->name, (long long)ms);
  }
  if (k->method != m) {
    return grove__error(
        err, GROVE_ENOENT, -1, "%s was expected, %s came first", m->name, k->method->name);
  }
  k->shown = true;
  *out = (grove_probed){k->arg, k->answer};
  return GROVE_OK;
}

grove_status grove_probe_expect_none(grove *g, grove_ref probe, int64_t ms, grove_error *err)
{
  kept *k;
  grove_status s = next_message(g, probe, ms, &k);
  if (s) {
    return grove__error(err, s, -1, "the probe: %s", grove_status_text(s));
  }
  return k ? grove__error(
                 err, GROVE_EEXIST, -1, "%s came, and nothing was expected", k->method->name)
           : GROVE_OK;
}
