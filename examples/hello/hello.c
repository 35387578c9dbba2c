// The smallest whole program: an actor that counts, one call, its result.
#include <grove.h>
#include <stdio.h>
#include <stdlib.h>

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
  if (*by < 0) {
    return grove_fail(
        self, GROVE_EUSER, "can't count down by %ld", *by); // the call fails, the actor lives on
  }
  *sum = c->n += *by;
  return GROVE_OK;
}

int main(int argc, char **argv)
{
  char *end = NULL;
  long by = argc == 2 ? strtol(argv[1], &end, 10) : 2;
  if (argc > 2 || (end && (end == argv[1] || *end))) {
    fprintf(stderr, "usage: hello [NUMBER]\nAdds NUMBER (2) to an actor that counts from 40.\n");
    return 2;
  }
  grove *g;
  grove_error err = {0};
  long sum = 0;
  if (grove_start(NULL, &g)) {
    fprintf(stderr, "hello: the runtime did not start\n");
    return 1;
  }
  counter_ref c = counter_spawn(g, 40, NULL);
  if (counter_add_ask(g, c, by, 1000, &sum, &err)) {
    fprintf(stderr, "hello: %s: %s\n", grove_status_text(err.status), err.text);
  } else {
    printf("%ld\n", sum);
  }
  return grove_stop(g, 1000, NULL) || err.status;
}
