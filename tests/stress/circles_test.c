// Rings of actors that call each other at the same moment, on more workers than processors: whoever enters the graph of waits
// last of a ring finds the circle, whichever order they enter it in (src/actor/deadlock.c). Nobody hangs, at most one wait of a
// ring is ended for it, and all others are answered. Arguments: how many rounds (4000), how many workers (6).
#include "check.h"
#include <grove/typed.h>
#include <stdatomic.h>
#include <unistd.h>

enum { MOST = 4, STALL_S = 100 };
static long rounds = 4000;
static uint32_t workers = 6;
static _Atomic uint32_t gathered;

typedef struct tie {
  grove_ref next;
  uint32_t all; // of the ring: they call when so many are there
  int twice;    // by two calls at once, which are waited for together
} tie;
GROVE_TYPE(tie)
#define KNOT(START, METHOD)                                                                        \
  START(knot, grove_none) METHOD(knot, pull, tie, int) METHOD(knot, poke, int, int)
struct knot {
  int poked;
};
GROVE_ACTOR(KNOT, knot)

static grove_status knot_start(grove *self, struct knot *k, const grove_none *none)
{
  (void)self, (void)none;
  k->poked = 0;
  return GROVE_OK;
}

static grove_status knot_poke(grove *self, struct knot *k, const int *in, int *out)
{
  (void)self;
  k->poked++;
  *out = *in + 1;
  return GROVE_OK;
}

// Gives how the wait ended: 0: answered, 1: for a circle.
static grove_status knot_pull(grove *self, struct knot *k, const tie *t, int *out)
{
  (void)k;
  knot_ref next = {t->next};
  atomic_fetch_add(&gathered, 1);
  for (int i = 0; i < 2000 && atomic_load(&gathered) < t->all; i++) {} // most of the time they are all there; it is no matter
  int reply[2] = {0, 0};
  knot_poke_future f[2];
  int n = t->twice ? 2 : 1;
  for (int i = 0; i < n; i++) {
    f[i] = knot_poke_call(self, next, i);
  }
  grove_status s = n == 1 ? knot_poke_get(self, f[0], GROVE_FOREVER, &reply[0], NULL)
                          : knot_poke_get_all(self, f, 2, GROVE_FOREVER, reply, NULL);
  *out = s == GROVE_EDEADLK;
  return s == GROVE_EDEADLK || (!s && reply[0] == 1 && reply[1] == n - 1 + (n > 1)) ? GROVE_OK : s ? s : GROVE_EINTERNAL;
}

static void test_rings(void **state)
{
  (void)state;
  grove_options o = {.struct_size = sizeof o, .workers = workers};
  grove *g = NULL;
  long circles = 0;
  alarm(STALL_S);
  check_ok(grove_start(&o, &g));
  for (long r = 0; r < rounds; r++) {
    uint32_t all = 2 + (uint32_t)(r % (MOST - 1));
    knot_ref k[MOST];
    knot_pull_future f[MOST];
    int broken = 0;
    atomic_store(&gathered, 0);
    for (uint32_t i = 0; i < all; i++) {
      k[i] = knot_spawn(g, GROVE_NONE, NULL);
    }
    for (uint32_t i = 0; i < all; i++) {
      f[i] = knot_pull_call(g, k[i], (tie){k[(i + 1) % all].ref, all, r % 2 == 1});
    }
    for (uint32_t i = 0; i < all; i++) {
      int one = 0;
      check_ok(knot_pull_get(g, f[i], GROVE_FOREVER, &one, NULL));
      broken += one;
    }
    assert_true(broken <= 1); // one that is broken is none any more
    circles += broken;
    for (uint32_t i = 0; i < all; i++) {
      grove_drop(g, grove_exit(g, k[i].ref, 0));
    }
  }
  print_message("%ld rings, %ld circles\n", rounds, circles);
  assert_true(circles > rounds / 100);
  check_ok(grove_stop(g, 10000, NULL));
  alarm(0);
}

int main(int argc, char **argv)
{
  rounds = argc > 1 ? atol(argv[1]) : rounds;
  workers = argc > 2 ? (uint32_t)atol(argv[2]) : workers;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rings)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
