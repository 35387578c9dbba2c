// Hops of one token around 503 actors.
#include "measure.h"
enum { ACTORS = 503 };

struct node {
  grove_ref next;
  grove_promise over;
};
#define NODE(START, METHOD)                                                                        \
  START(node, grove_none)                                                                          \
  METHOD(node, follow, grove_ref, grove_none)                                                      \
  METHOD(node, begin, long, long)                                                                  \
  METHOD(node, hop, long, grove_none)                                                              \
  METHOD(node, over, grove_none, grove_none)
GROVE_ACTOR(NODE, node)
static grove_ref first;

static grove_status node_start(grove *self, struct node *n, const grove_none *none)
{
  (void)self;
  (void)n;
  (void)none;
  return GROVE_OK;
}

static grove_status node_follow(grove *self, struct node *n, const grove_ref *next, grove_none *out)
{
  (void)self;
  (void)out;
  n->next = *next;
  return GROVE_OK;
}

static grove_status node_hop(grove *self, struct node *n, const long *left, grove_none *out)
{
  (void)out;
  return *left == 0 ? node_over_send(self, node__ref(first), GROVE_NONE)
                    : node_hop_send(self, node__ref(n->next), *left - 1);
}

static grove_status node_begin(grove *self, struct node *n, const long *hops, long *out)
{
  (void)out;
  grove_status s = grove_promise_take(self, &n->over);
  return s ? s : node_hop_send(self, node__ref(n->next), *hops - 1);
}

static grove_status node_over(grove *self, struct node *n, const grove_none *none, grove_none *out)
{
  (void)none;
  (void)out;
  return node_begin_answer(self, n->over, GROVE_OK, &(long){0});
}

int main(int argc, char **argv)
{
  grove *g = runtime_of(argc, argv);
  long n = count_of(argc, argv, 2, 5000000);
  grove_error err = {.status = GROVE_OK};
  node_ref ring[ACTORS];
  grove_status s = GROVE_OK;
  for (int i = 0; i < ACTORS; i++) {
    ring[i] = node_spawn(g, GROVE_NONE, NULL);
  }
  first = ring[0].ref;
  for (int i = 0; i < ACTORS && !s; i++) {
    s = node_follow_ask(g, ring[i], ring[(i + 1) % ACTORS].ref, GROVE_FOREVER, NULL, &err);
  }
  double begin = seconds_now();
  s = s ? s : node_begin_ask(g, ring[0], n, GROVE_FOREVER, NULL, &err);
  report("ring", "rate", (double)n / (seconds_now() - begin), "hops/s");
  return finish(g, s, &err);
}
