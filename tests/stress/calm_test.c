// One that sends faster than its receiver takes lets it run, where its class has senders wait for room, long before there is none:
// on one worker no more wait than are calm, and the same of a class that has them fail wait all at once.
#include "check.h"
#include <grove.h>

enum { MANY = 20000, CALM = 512, TOLD_EACH = 64 };

struct sink {
  long taken;
};
#define SINK(START, METHOD) START(sink, grove_none) METHOD(sink, take, long, grove_none) METHOD(sink, told, grove_none, long) METHOD(sink, rest, long, grove_none)
GROVE_ACTOR_WITH(SINK, sink, .full = GROVE_FULL_WAIT)
struct pit {
  long taken;
};
#define PIT(START, METHOD) START(pit, grove_none) METHOD(pit, take, long, grove_none)
GROVE_ACTOR(PIT, pit)
struct source {
  grove_ref sink, pit;
};
struct refs {
  grove_ref sink, pit;
};
typedef struct refs refs;
GROVE_TYPE(refs)
#define SOURCE(START, METHOD) START(source, refs) METHOD(source, calmly, long, long) METHOD(source, anyway, long, long) METHOD(source, some, long, grove_none) METHOD(source, asks, long, long)
GROVE_ACTOR(SOURCE, source)

static grove_status sink_start(grove *self, struct sink *k, const grove_none *none)
{
  (void)self, (void)none;
  k->taken = 0;
  return GROVE_OK;
}
static grove_status sink_take(grove *self, struct sink *k, const long *n, grove_none *out)
{
  (void)self, (void)out;
  assert_int_equal(*n, k->taken); // in order
  k->taken++;
  return GROVE_OK;
}
static grove_status sink_told(grove *self, struct sink *k, const grove_none *none, long *out)
{
  (void)self, (void)none;
  *out = k->taken;
  return GROVE_OK;
}
static grove_status sink_rest(grove *self, struct sink *k, const long *ms, grove_none *out)
{
  (void)k, (void)out;
  return grove_sleep(self, *ms);
}
static grove_status pit_start(grove *self, struct pit *p, const grove_none *none)
{
  (void)self, (void)none;
  p->taken = 0;
  return GROVE_OK;
}
static grove_status pit_take(grove *self, struct pit *p, const long *n, grove_none *out)
{
  (void)self, (void)out;
  p->taken += *n >= 0;
  return GROVE_OK;
}
static grove_status source_start(grove *self, struct source *s, const refs *r)
{
  (void)self;
  *s = (struct source){r->sink, r->pit};
  return GROVE_OK;
}
static grove_status most_in(grove *self, grove_ref who, long *most)
{
  grove_info i = {.struct_size = sizeof i};
  grove_status s = grove_inspect(self, who, &i);
  *most = (long)i.mailbox_depth > *most ? (long)i.mailbox_depth : *most;
  return s;
}
static grove_status source_calmly(grove *self, struct source *s, const long *n, long *most)
{
  grove_status status = GROVE_OK;
  for (long i = 0; i < *n && !status; i++) {
    status = sink_take_send(self, sink__ref(s->sink), i);
    status = status ? status : most_in(self, s->sink, most);
  }
  return status;
}
static grove_status source_anyway(grove *self, struct source *s, const long *n, long *most)
{
  grove_status status = GROVE_OK;
  for (long i = 0; i < *n && !status; i++) {
    status = pit_take_send(self, pit__ref(s->pit), i);
    status = status ? status : most_in(self, s->pit, most);
  }
  return status;
}

static grove_status source_some(grove *self, struct source *s, const long *n, grove_none *out)
{
  grove_status status = GROVE_OK;
  (void)out;
  for (long i = 0; i < *n && !status; i++) {
    status = sink_told_send(self, sink__ref(s->sink), GROVE_NONE);
  }
  return status;
}
// Of so many calls those that found no stack to wait on.
static grove_status source_asks(grove *self, struct source *s, const long *n, long *refused)
{
  (void)s;
  sink_ref k = sink_spawn(self, GROVE_NONE, NULL);
  for (long i = 0; i < *n; i++) {
    long taken = 0;
    *refused += sink_told_ask(self, k, GROVE_NONE, GROVE_FOREVER, &taken, NULL) != GROVE_OK;
  }
  return GROVE_OK;
}

static void test_a_sender_gives_way(void **state)
{
  (void)state;
  grove *g;
  grove_error err = {.status = GROVE_OK};
  long most = 0, taken = 0;
  // One worker, and no stand-in for it when the machine holds it up.
  grove_options o = {GROVE_OPTIONS, .workers = 1, .turn_warn_ms = 600000};
  check_ok(grove_start(&o, &g));
  sink_ref k = sink_spawn(g, GROVE_NONE, NULL);
  pit_ref p = pit_spawn(g, GROVE_NONE, NULL);
  source_ref s = source_spawn(g, (refs){k.ref, p.ref}, NULL);
  check_ok(source_calmly_ask(g, s, MANY, GROVE_FOREVER, &most, &err));
  assert_in_range(most, CALM - 1, CALM + TOLD_EACH);
  check_ok(sink_told_ask(g, k, GROVE_NONE, GROVE_FOREVER, &taken, &err));
  assert_int_equal(taken, MANY);
  check_ok(source_anyway_ask(g, s, MANY, GROVE_FOREVER, &most, &err));
  assert_int_equal(most, MANY);
  check_ok(grove_stop(g, 60000, NULL));
}

// Those that give way leave stacks to those that must wait.
static void test_stacks_are_left(void **state)
{
  enum { SENDERS = 64, EACH = 900, ASKS = 20000, STACKS = 8 };
  (void)state;
  grove *g;
  grove_error err = {.status = GROVE_OK};
  long refused = 0;
  source_some_future f[SENDERS];
  grove_options o = {GROVE_OPTIONS, .workers = 1, .turn_warn_ms = 600000, .max_suspended = STACKS};
  check_ok(grove_start(&o, &g));
  sink_ref k = sink_spawn(g, GROVE_NONE, NULL);
  check_ok(sink_rest_send(g, k, 100));
  source_asks_future asked = source_asks_call(g, source_spawn(g, (refs){k.ref, k.ref}, NULL), ASKS);
  for (int i = 0; i < SENDERS; i++) {
    f[i] = source_some_call(g, source_spawn(g, (refs){k.ref, k.ref}, NULL), EACH);
  }
  check_ok(source_asks_get(g, asked, GROVE_FOREVER, &refused, &err));
  assert_int_equal(refused, 0);
  check_ok(source_some_get_all(g, f, SENDERS, GROVE_FOREVER, NULL, &err));
  check_ok(grove_stop(g, 60000, NULL));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_sender_gives_way), cmocka_unit_test(test_stacks_are_left)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
