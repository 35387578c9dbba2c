// 100 MB, shared once and read by six actors, a byte of each page: nothing is copied.
#include "measure.h"
enum { READERS = 6, PAGE = 4096 };

struct reader {
  char none;
};
#define READER(START, METHOD) START(reader, grove_none) METHOD(reader, sum, grove_shared, long)
GROVE_ACTOR(READER, reader)

static grove_status reader_start(grove *self, struct reader *r, const grove_none *none)
{
  (void)self;
  (void)r;
  (void)none;
  return GROVE_OK;
}

static grove_status reader_sum(grove *self, struct reader *r, const grove_shared *s, long *out)
{
  (void)self;
  (void)r;
  const unsigned char *p = s->ptr;
  *out = 0;
  for (size_t i = 0; i < s->bytes; i += PAGE) {
    *out += p[i];
  }
  return GROVE_OK;
}

static void give_back(void *p, void *user)
{
  (void)user;
  free(p);
}

int main(int argc, char **argv)
{
  grove *g = runtime_of(argc, argv);
  size_t n = (size_t)count_of(argc, argv, 2, 100000000);
  grove_error err = {.status = GROVE_OK};
  reader_ref to[READERS];
  reader_sum_future f[READERS];
  long got[READERS];
  grove_shared data;
  unsigned char *bytes = malloc(n);
  if (!bytes) {
    return 1;
  }
  memset(bytes, 1, n);
  for (int i = 0; i < READERS; i++) {
    to[i] = reader_spawn(g, GROVE_NONE, NULL);
  }
  double memory = resident_bytes();
  double begin = seconds_now();
  grove_status s = grove_share(g, bytes, n, give_back, NULL, &data);
  for (int i = 0; i < READERS && !s; i++) {
    f[i] = reader_sum_call(g, to[i], data);
  }
  s = s ? s : reader_sum_get_all(g, f, READERS, GROVE_FOREVER, got, &err);
  double took = seconds_now() - begin;
  for (int i = 0; i < READERS && !s; i++) {
    s = got[i] == (long)((n + PAGE - 1) / PAGE) ? GROVE_OK : GROVE_EINTERNAL;
  }
  report("shared", "seconds", took, "s");
  report("shared_memory", "bytes", resident_bytes() - memory, "B");
  grove_release(data);
  return finish(g, s, &err);
}
