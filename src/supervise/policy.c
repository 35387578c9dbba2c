#include "supervise/policy.h"

enum { UNLIMITED_LOOKS_BACK = 64 }; // for the pause, which has long stopped growing by then

static void fill_defaults(grove_spawn_options *o)
{
  if (o->max_restarts == 0) {
    o->max_restarts = 5;
  }
  if (o->window_ms == 0) {
    o->window_ms = 60000;
  }
  if (o->backoff_min_ms == 0) {
    o->backoff_min_ms = 100;
  }
  if (o->backoff_max_ms == 0) {
    o->backoff_max_ms = 10000;
  }
  if (o->backoff_percent == 0) {
    o->backoff_percent = 200;
  }
  if (o->jitter_percent == 0) {
    o->jitter_percent = 20;
  }
  if (o->stop_ms == 0) {
    o->stop_ms = 5000;
  }
}

// The delay after n restarts within the window: min, min * factor, … up to max, each shortened by up to jitter percent, so that those
// who fell together don't come back together.
static int64_t delay(const grove_spawn_options *o, uint32_t nth, uint64_t random)
{
  uint64_t ms = o->backoff_min_ms;
  for (uint32_t i = 0; i < nth && ms < o->backoff_max_ms; i++) {
    ms = ms * o->backoff_percent / 100;
  }
  ms = ms < o->backoff_max_ms ? ms : o->backoff_max_ms;
  uint32_t jitter = o->jitter_percent < 100 ? o->jitter_percent : 100;
  return (int64_t)(ms - ms * jitter / 100 * (random % 1024) / 1024);
}

static uint32_t remembers(const grove_spawn_options *o)
{
  return o->max_restarts <= GROVE_RESTARTS_MOST ? o->max_restarts : UNLIMITED_LOOKS_BACK;
}

// Each restart counts for window_ms: no moment is better than another one for failing again.
static void forget_old(const grove_spawn_options *o, grove__restarts *h, int64_t now_ns)
{
  int64_t window = (int64_t)o->window_ms * 1000000;
  while (h->n && now_ns - h->at[h->first] > window) {
    h->first = (h->first + 1) % h->room;
    h->n--;
  }
  if (h->blind && now_ns - h->blind_from > window) {
    h->blind = 0;
  }
}

static void remember(const grove_spawn_options *o, grove__restarts *h, int64_t now_ns)
{
  if (h->n == h->room && h->room < remembers(o)) { // no memory: at least they are counted
    h->blind_from = h->blind++ ? h->blind_from : now_ns;
    return;
  }
  if (h->n == h->room) { // more than are looked back on: the oldest makes room
    h->first = (h->first + 1) % h->room;
    h->n--;
  }
  h->at[(h->first + h->n++) % h->room] = now_ns;
}

static grove__verdict decide(
    const grove_spawn_options *o, grove__restarts *h, int64_t now_ns, uint64_t random)
{
  forget_old(o, h, now_ns);
  uint32_t n = h->n + h->blind;
  if (n >= o->max_restarts && o->max_restarts <= GROVE_RESTARTS_MOST) {
    return (grove__verdict){.escalate = true};
  }
  grove__verdict v = {.restart = true, .delay_ms = delay(o, n, random)};
  remember(o, h, now_ns);
  return v;
}

const grove__policy grove__supervise_policy = {remembers, decide, fill_defaults};
