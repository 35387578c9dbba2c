// How long from nothing to the first reply of an actor: start a runtime, spawn, ask, have the answer.
#include <grove.h>
#include <stdio.h>
#include <time.h>

struct echo {
  char none;
};
#define ECHO(START, METHOD) START(echo, grove_none) METHOD(echo, say, long, long)
GROVE_ACTOR(ECHO, echo)

static grove_status echo_start(grove *self, struct echo *e, const grove_none *none)
{
  (void)self;
  (void)e;
  (void)none;
  return GROVE_OK;
}

static grove_status echo_say(grove *self, struct echo *e, const long *in, long *out)
{
  (void)self;
  (void)e;
  *out = *in;
  return GROVE_OK;
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(void)
{
  grove *g;
  grove_error err = {0};
  long back = 0;
  double begin = now();
  if (grove_start(NULL, &g)) {
    return 1;
  }
  grove_status s = echo_say_ask(g, echo_spawn(g, GROVE_NONE, NULL), 7, 10000, &back, &err);
  double end = now();
  if (s || back != 7) {
    fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  printf("grove start_to_first_reply seconds %.9f s\n", end - begin);
  return grove_stop(g, 10000, NULL) != GROVE_OK;
}
