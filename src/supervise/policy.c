#include "supervise/policy.h"

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

// The n-th delay of a window: min, min * factor, … up to max, each shortened by up to jitter percent, so that those
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

static grove__verdict decide(
    const grove_spawn_options *o, grove__restarts *h, int64_t now_ns, uint64_t random)
{
  grove__verdict v = {false, false, 0};
  if (h->in_window == 0 || now_ns - h->window_from > (int64_t)o->window_ms * 1000000) {
    h->window_from = now_ns;
    h->in_window = 0;
  }
  if (h->in_window >= o->max_restarts) {
    v.escalate = true;
    return v;
  }
  v.restart = true;
  v.delay_ms = delay(o, h->in_window, random);
  h->in_window++;
  h->count++;
  return v;
}

const grove__policy grove__supervise_policy = {decide, fill_defaults};
