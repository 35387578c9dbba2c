// What a runtime costs that has nothing to do: its threads are there, and three seconds pass.
#include "measure.h"
#include <sys/resource.h>

GROVE_FUNCTION(nothing, long, long)
static grove_status nothing(grove *self, const long *in, long *out)
{
  (void)self;
  *out = *in;
  return GROVE_OK;
}

static double cpu_seconds(void)
{
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
  grove *g = runtime_of(argc, argv);
  long seconds = count_of(argc, argv, 2, 3);
  grove_error err = {.status = GROVE_OK};
  nothing_future f[64];
  for (long i = 0; i < 64; i++) {
    f[i] = nothing_task(g, i);
  }
  grove_status s = nothing_get_all(g, f, 64, GROVE_FOREVER, NULL, &err);
  s = s ? s : grove_sleep(g, 100); // what came late to an end has come to it
  double before = cpu_seconds();
  s = s ? s : grove_sleep(g, 1000 * seconds);
  report("idle_cpu", "seconds", (cpu_seconds() - before) / (double)seconds, "cpu-s/s");
  return finish(g, s, &err);
}
