// Two threads take turns on a word, and each counts on a line of its own: two crossings a turn, a look and a change.
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static _Alignas(64) _Atomic long turn;
static struct {
  _Alignas(64) _Atomic long n;
} counted[2];
static long turns;

static void *take_turns(void *which)
{
  long me = which != NULL;
  for (long i = me; i < turns; i += 2) {
    while (atomic_load(&turn) != i) {}
    atomic_store(&turn, i + 1);
    atomic_fetch_add(&counted[me].n, 1);
  }
  return NULL;
}

int main(int argc, char **argv)
{
  pthread_t t;
  turns = argc > 1 ? atol(argv[1]) : 10;
  if (pthread_create(&t, NULL, take_turns, &t)) {
    return 1;
  }
  take_turns(NULL);
  pthread_join(t, NULL);
  return atomic_load(&turn) != turns;
}
