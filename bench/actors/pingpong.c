// Round trips of two actors that send each other plain messages.
#include "measure.h"

struct pong {
  long served;
};
struct ping {
  long left;
  grove_promise over;
  grove_ref other;
};
#define PING(START, METHOD)                                                                        \
  START(ping, grove_ref) METHOD(ping, play, long, long) METHOD(ping, back, long, grove_none)
#define PONG(START, METHOD) START(pong, grove_none) METHOD(pong, hit, grove_ref, grove_none)
GROVE_INTERFACE(PING, ping)
GROVE_ACTOR(PONG, pong)
GROVE_CLASS(PING, ping)

static grove_status pong_start(grove *self, struct pong *p, const grove_none *none)
{
  (void)self;
  (void)p;
  (void)none;
  return GROVE_OK;
}

static grove_status pong_hit(grove *self, struct pong *p, const grove_ref *from, grove_none *out)
{
  (void)out;
  return ping_back_send(self, ping__ref(*from), p->served++);
}

static grove_status ping_start(grove *self, struct ping *p, const grove_ref *other)
{
  (void)self;
  p->other = *other;
  return GROVE_OK;
}

static grove_status ping_back(grove *self, struct ping *p, const long *n, grove_none *out)
{
  (void)out;
  if (--p->left == 0) {
    return ping_play_answer(self, p->over, GROVE_OK, n);
  }
  return pong_hit_send(self, pong__ref(p->other), grove_self(self));
}

static grove_status ping_play(grove *self, struct ping *p, const long *n, long *out)
{
  (void)out;
  p->left = *n;
  grove_status s = grove_promise_take(self, &p->over);
  return s ? s : pong_hit_send(self, pong__ref(p->other), grove_self(self));
}

int main(int argc, char **argv)
{
  grove *g = runtime_of(argc, argv);
  long n = count_of(argc, argv, 2, 2000000);
  long last = 0;
  grove_error err = {.status = GROVE_OK};
  ping_ref p = ping_spawn(g, pong_spawn(g, GROVE_NONE, NULL).ref, NULL);
  double begin = seconds_now();
  grove_status s = ping_play_ask(g, p, n, GROVE_FOREVER, &last, &err);
  double took = seconds_now() - begin;
  if (!s && last != n - 1) {
    s = GROVE_EINTERNAL;
  }
  report("pingpong", "rate", (double)n / took, "rt/s");
  return finish(g, s, &err);
}
