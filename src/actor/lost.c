// Messages that are never begun: counted by reason, and told to the log seldom enough not to drown it.
#include "actor/kind.h"

enum { GAP_NS = 1000 * 1000 * 1000 }; // between two lines of a kind

// What its sender asked for himself is of interest only to who looks closely.
static int level_of(uint32_t kind)
{
  return kind == GROVE__LOST_DEAD || kind == GROVE__LOST_FULL ? GROVE_LOG_WARN : GROVE_LOG_DEBUG;
}

bool grove__lost_is_due(grove__system *y, uint32_t kind)
{
  grove__lost_log *l = &y->lost[kind];
  if (!y->options.log || level_of(kind) < y->options.log_level || grove__stopping(y)) {
    return false;
  }
  // Relaxed, all of it: which of two lines is written does not matter, and nothing is reached through them.
  int64_t next = atomic_load_explicit(&l->next_ns, memory_order_relaxed);
  int64_t now = grove__now(y);
  if (now < next || !atomic_compare_exchange_strong_explicit(&l->next_ns, &next, now + GAP_NS,
                        memory_order_relaxed, memory_order_relaxed)) {
    atomic_fetch_add_explicit(&l->unsaid, 1, memory_order_relaxed);
    return false;
  }
  return true;
}

void grove__lost_say(grove__system *y, uint32_t kind, const char *text)
{
  static const char *const words[] = {"dead letter", "dropped from a full mailbox",
      "expired before it began", "cancelled before it began"};
  uint64_t unsaid = atomic_exchange_explicit(&y->lost[kind].unsaid, 0, memory_order_relaxed);
  if (unsaid) {
    grove__log(y, level_of(kind), "actor", "%s: %s (and %llu more since the last such line)",
        words[kind], text, (unsigned long long)unsaid);
  } else {
    grove__log(y, level_of(kind), "actor", "%s: %s", words[kind], text);
  }
}

void grove__lost_count(grove__system *y, grove__kind *of, uint32_t kind)
{
  grove__count(&y->counters.dropped[kind], 1);
  if (of) {
    grove__count(&of->lost[kind], 1);
  }
}

uint64_t grove__lost_total(grove__system *y)
{
  uint64_t sum = 0;
  for (int i = 0; i < GROVE__LOSTS; i++) {
    sum += atomic_load_explicit(&y->counters.dropped[i], memory_order_relaxed); // statistics
  }
  return sum;
}
