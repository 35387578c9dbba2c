// Uses grove alone: an actor that counts.
#include <grove.h>
#include <stdio.h>

struct counter {
  long n;
};
#define COUNTER(START, METHOD) START(counter, long) METHOD(counter, add, long, long)
GROVE_ACTOR(COUNTER, counter)

static grove_status counter_start(grove *self, struct counter *c, const long *from)
{
  (void)self;
  c->n = *from;
  return GROVE_OK;
}

static grove_status counter_add(grove *self, struct counter *c, const long *by, long *sum)
{
  (void)self;
  c->n += *by;
  *sum = c->n;
  return GROVE_OK;
}

int main(void)
{
  grove *g;
  grove_error err = {0};
  long sum = 0;
  if (grove_start(NULL, &g)) {
    return 1;
  }
  counter_ref c = counter_spawn(g, 40, NULL);
  if (counter_add_ask(g, c, 2, 10000, &sum, &err)) {
    fprintf(stderr, "%s\n", err.text);
  }
  printf("%ld\n", sum);
  return grove_stop(g, 10000, NULL) || sum != 42;
}
