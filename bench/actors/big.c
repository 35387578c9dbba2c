// 1000 actors; each asks a random other 1000 times, by messages there and back.
#include "measure.h"
enum { ACTORS = 1000 };

static grove_ref all[ACTORS]; // written before any of them is told to go

struct many {
  uint32_t random;
  long left;
  grove_promise over;
};
#define MANY(START, METHOD)                                                                        \
  START(many, long)                                                                                \
  METHOD(many, go, long, grove_none)                                                               \
  METHOD(many, ping, grove_ref, grove_none) METHOD(many, pong, grove_none, grove_none)
GROVE_ACTOR(MANY, many)

static grove_status many_start(grove *self, struct many *m, const long *seed)
{
  (void)self;
  m->random = (uint32_t)*seed * UINT32_C(2654435761) + 1;
  return GROVE_OK;
}

static grove_status next(grove *self, struct many *m)
{
  // xorshift32 (Marsaglia 2003)
  m->random ^= m->random << 13;
  m->random ^= m->random >> 17;
  m->random ^= m->random << 5;
  return many_ping_send(self, many__ref(all[m->random % ACTORS]), grove_self(self));
}

static grove_status many_go(grove *self, struct many *m, const long *times, grove_none *out)
{
  (void)out;
  m->left = *times;
  grove_status s = grove_promise_take(self, &m->over);
  return s ? s : next(self, m);
}

static grove_status many_ping(grove *self, struct many *m, const grove_ref *from, grove_none *out)
{
  (void)m;
  (void)out;
  return many_pong_send(self, many__ref(*from), GROVE_NONE);
}

static grove_status many_pong(grove *self, struct many *m, const grove_none *none, grove_none *out)
{
  (void)none;
  (void)out;
  return --m->left == 0 ? many_go_answer(self, m->over, GROVE_OK, &GROVE_NONE) : next(self, m);
}

int main(int argc, char **argv)
{
  grove *g = runtime_of(argc, argv);
  long times = count_of(argc, argv, 2, 1000);
  grove_error err = {.status = GROVE_OK};
  static many_go_future done[ACTORS];
  for (long i = 0; i < ACTORS; i++) {
    all[i] = many_spawn(g, i, NULL).ref;
  }
  double begin = seconds_now();
  for (int i = 0; i < ACTORS; i++) {
    done[i] = many_go_call(g, many__ref(all[i]), times);
  }
  grove_status s = many_go_get_all(g, done, ACTORS, GROVE_FOREVER, NULL, &err);
  report("big", "rate", 2.0 * ACTORS * (double)times / (seconds_now() - begin), "msg/s");
  return finish(g, s, &err);
}
