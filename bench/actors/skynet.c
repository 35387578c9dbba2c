// A million leaves under a tree of actors, ten children each; every inner one waits for its children in its method.
#include "measure.h"
enum { CHILDREN = 10 };

struct part {
  long number, size;
};
typedef struct part part;
GROVE_TYPE(part)
GROVE_FUNCTION(sum, part, long)

static grove_status sum(grove *self, const part *p, long *out)
{
  if (p->size == 1) {
    *out = p->number;
    return GROVE_OK;
  }
  sum_future child[CHILDREN];
  long got[CHILDREN];
  long part_size = p->size / CHILDREN;
  for (int i = 0; i < CHILDREN; i++) {
    child[i] = sum_task(self, (part){p->number + i * part_size, part_size});
  }
  grove_status s = sum_get_all(self, child, CHILDREN, GROVE_FOREVER, got, NULL);
  *out = 0;
  for (int i = 0; i < CHILDREN && !s; i++) {
    *out += got[i];
  }
  return s;
}

int main(int argc, char **argv)
{
  grove *g = runtime_of(argc, argv);
  long n = count_of(argc, argv, 2, 1000000); // a power of ten
  long got = 0;
  grove_error err = {.status = GROVE_OK};
  double begin = seconds_now();
  grove_status s = sum_get(g, sum_task(g, (part){0, n}), GROVE_FOREVER, &got, &err);
  report("skynet", "seconds", seconds_now() - begin, "s");
  if (!s && got != n * (n - 1) / 2) {
    s = GROVE_EINTERNAL;
  }
  return finish(g, s, &err);
}
