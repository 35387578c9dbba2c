// Messages of 1, 4 and 100 producers to one actor. Its mailbox is bounded, and its senders wait for room: so memory
// stays flat, whatever the producers do.
#include "measure.h"
enum { MOST_PRODUCERS = 100 };

struct sink {
  long left;
  grove_promise over;
};
#define SINK(START, METHOD)                                                                        \
  START(sink, grove_none) METHOD(sink, expect, long, long) METHOD(sink, take, long, grove_none)
GROVE_ACTOR_WITH(SINK, sink, .full = GROVE_FULL_WAIT)

struct order {
  sink_ref to;
  long n;
};
typedef struct order order;
GROVE_TYPE(order)
struct producer {
  char none;
};
#define PRODUCER(START, METHOD) START(producer, grove_none) METHOD(producer, run, order, grove_none)
GROVE_ACTOR(PRODUCER, producer)

static grove_status sink_start(grove *self, struct sink *k, const grove_none *none)
{
  (void)self;
  (void)k;
  (void)none;
  return GROVE_OK;
}

static grove_status sink_expect(grove *self, struct sink *k, const long *n, long *out)
{
  (void)out;
  k->left = *n;
  return grove_promise_take(self, &k->over);
}

static grove_status sink_take(grove *self, struct sink *k, const long *n, grove_none *out)
{
  (void)out;
  return --k->left == 0 ? sink_expect_answer(self, k->over, GROVE_OK, n) : GROVE_OK;
}

static grove_status producer_start(grove *self, struct producer *p, const grove_none *none)
{
  (void)self;
  (void)p;
  (void)none;
  return GROVE_OK;
}

static grove_status producer_run(grove *self, struct producer *p, const order *o, grove_none *out)
{
  (void)p;
  (void)out;
  for (long i = 0; i < o->n; i++) {
    grove_status s = sink_take_send(self, o->to, i);
    if (s) {
      return s;
    }
  }
  return GROVE_OK;
}

static grove_status run(grove *g, int producers, long n, grove_error *err)
{
  sink_ref to = sink_spawn(g, GROVE_NONE, NULL);
  producer_ref from[MOST_PRODUCERS];
  producer_run_future done[MOST_PRODUCERS];
  char name[24];
  n = n / producers * producers;
  for (int i = 0; i < producers; i++) {
    from[i] = producer_spawn(g, GROVE_NONE, NULL);
  }
  double begin = seconds_now();
  sink_expect_future all = sink_expect_call(g, to, n);
  for (int i = 0; i < producers; i++) {
    done[i] = producer_run_call(g, from[i], (order){to, n / producers});
  }
  grove_status s = producer_run_get_all(g, done, (size_t)producers, GROVE_FOREVER, NULL, err);
  s = s ? s : sink_expect_get(g, all, GROVE_FOREVER, NULL, err);
  double took = seconds_now() - begin;
  snprintf(name, sizeof name, "fanin%d", producers);
  report(name, "rate", (double)n / took, "msg/s");
  return s;
}

int main(int argc, char **argv)
{
  grove *g = runtime_of(argc, argv);
  long n = count_of(argc, argv, 2, 4000000);
  grove_error err = {.status = GROVE_OK};
  double before = resident_bytes();
  grove_status s = run(g, 1, n, &err);
  s = s ? s : run(g, 4, n, &err);
  s = s ? s : run(g, 100, n, &err);
  report("fanin_memory", "bytes", resident_bytes() - before, "B");
  return finish(g, s, &err);
}
