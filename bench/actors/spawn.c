// A million actors made by one, each handles one message; and what an idle one weighs.
#include "measure.h"
#include <stdatomic.h>

static _Atomic long handled;

struct leaf {
  long n;
};
#define LEAF(START, METHOD) START(leaf, grove_none) METHOD(leaf, hit, grove_none, grove_none)
GROVE_ACTOR(LEAF, leaf)

struct maker {
  leaf_ref *made;
};
#define MAKER(START, METHOD) START(maker, grove_none) METHOD(maker, make, long, double)
GROVE_ACTOR(MAKER, maker)

static grove_status leaf_start(grove *self, struct leaf *l, const grove_none *none)
{
  (void)self;
  (void)none;
  l->n = 0;
  return GROVE_OK;
}

static grove_status leaf_hit(grove *self, struct leaf *l, const grove_none *none, grove_none *out)
{
  (void)self;
  (void)none;
  (void)out;
  l->n++;
  atomic_fetch_add_explicit(&handled, 1, memory_order_relaxed); // a count
  return GROVE_OK;
}

static grove_status maker_start(grove *self, struct maker *m, const grove_none *none)
{
  (void)self;
  (void)none;
  m->made = NULL;
  return GROVE_OK;
}

static grove_status maker_make(grove *self, struct maker *m, const long *n, double *memory)
{
  double before = resident_bytes();
  m->made = calloc((size_t)*n, sizeof *m->made);
  for (long i = 0; i < *n; i++) {
    m->made[i] = leaf_spawn(self, GROVE_NONE, NULL);
    grove_status s = leaf_hit_send(self, m->made[i], GROVE_NONE);
    if (s) {
      return s;
    }
  }
  // Relaxed: a count.
  while (atomic_load_explicit(&handled, memory_order_relaxed) < *n) {
    grove_status s = grove_yield(self);
    if (s) {
      return s;
    }
  }
  *memory = (resident_bytes() - before) / (double)*n - (double)sizeof *m->made;
  free(m->made);
  return GROVE_OK;
}

int main(int argc, char **argv)
{
  grove *g = runtime_of(argc, argv);
  long n = count_of(argc, argv, 2, 1000000);
  grove_error err = {.status = GROVE_OK};
  double memory = 0;
  maker_ref m = maker_spawn(g, GROVE_NONE, NULL);
  double begin = seconds_now();
  grove_status s = maker_make_ask(g, m, n, GROVE_FOREVER, &memory, &err);
  report("spawn", "rate", (double)n / (seconds_now() - begin), "actors/s");
  report("spawn_memory", "bytes", memory, "B/actor");
  return finish(g, s, &err);
}
