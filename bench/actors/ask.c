// Calls from an outside thread: one at a time, and 1000 in flight.
#include "measure.h"
enum { IN_FLIGHT = 1000 };

struct echo {
  char none;
};
#define ECHO(START, METHOD) START(echo, grove_none) METHOD(echo, next, long, long)
GROVE_ACTOR(ECHO, echo)

static grove_status echo_start(grove *self, struct echo *e, const grove_none *none)
{
  (void)self;
  (void)e;
  (void)none;
  return GROVE_OK;
}

static grove_status echo_next(grove *self, struct echo *e, const long *in, long *out)
{
  (void)self;
  (void)e;
  *out = *in + 1;
  return GROVE_OK;
}

static grove_status one_at_a_time(grove *g, echo_ref e, long n, grove_error *err)
{
  for (long i = 0; i < n; i++) {
    long back = 0;
    grove_status s = echo_next_ask(g, e, i, GROVE_FOREVER, &back, err);
    if (s || back != i + 1) {
      return s ? s : GROVE_EINTERNAL;
    }
  }
  return GROVE_OK;
}

static grove_status many_in_flight(grove *g, echo_ref e, long n, grove_error *err)
{
  static echo_next_future f[IN_FLIGHT];
  for (long i = 0; i < n; i += IN_FLIGHT) {
    for (long k = 0; k < IN_FLIGHT; k++) {
      f[k] = echo_next_call(g, e, k);
    }
    for (long k = 0; k < IN_FLIGHT; k++) {
      long back = 0;
      grove_status s = echo_next_get(g, f[k], GROVE_FOREVER, &back, err);
      if (s || back != k + 1) {
        return s ? s : GROVE_EINTERNAL;
      }
    }
  }
  return GROVE_OK;
}

int main(int argc, char **argv)
{
  grove *g = runtime_of(argc, argv);
  long n = count_of(argc, argv, 2, 2000000) / IN_FLIGHT * IN_FLIGHT;
  grove_error err = {.status = GROVE_OK};
  echo_ref e = echo_spawn(g, GROVE_NONE, NULL);
  grove_status s = one_at_a_time(g, e, 1000, &err); // threads are there
  double begin = seconds_now();
  s = s ? s : one_at_a_time(g, e, n / 20, &err);
  double middle = seconds_now();
  s = s ? s : many_in_flight(g, e, n, &err);
  double end = seconds_now();
  report("ask_sync", "rate", (double)(n / 20) / (middle - begin), "calls/s");
  report("ask_async", "rate", (double)n / (end - middle), "calls/s");
  return finish(g, s, &err);
}
