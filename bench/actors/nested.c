// Waits inside waits: four children each, four deep, 341 actors.
#include "measure.h"
enum { CHILDREN = 4, DEEP = 4, TIMES = 200 };

GROVE_FUNCTION(count, long, long)

static grove_status count(grove *self, const long *deep, long *out)
{
  if (*deep == 0) {
    *out = 1;
    return GROVE_OK;
  }
  count_future child[CHILDREN];
  long got[CHILDREN];
  for (int i = 0; i < CHILDREN; i++) {
    child[i] = count_task(self, *deep - 1);
  }
  grove_status s = count_get_all(self, child, CHILDREN, GROVE_FOREVER, got, NULL);
  *out = 0;
  for (int i = 0; i < CHILDREN && !s; i++) {
    *out += got[i];
  }
  return s;
}

int main(int argc, char **argv)
{
  grove *g = runtime_of(argc, argv);
  long times = count_of(argc, argv, 2, TIMES);
  grove_error err = {.status = GROVE_OK};
  grove_status s = GROVE_OK;
  double begin = seconds_now();
  for (long i = 0; i < times && !s; i++) {
    long got = 0;
    s = count_get(g, count_task(g, DEEP), GROVE_FOREVER, &got, &err);
    if (!s && got != CHILDREN * CHILDREN * CHILDREN * CHILDREN) {
      s = GROVE_EINTERNAL;
    }
  }
  report("nested", "seconds", (seconds_now() - begin) / (double)times, "s");
  return finish(g, s, &err);
}
