// What a message costs in instructions, for scripts that count them (valgrind --tool=callgrind, perf stat): the same
// program with N and 2N messages; the difference over N is the cost of one.
//
//   message_cost pingpong N   two actors, one asks the other N times
//   message_cost fanin N      four actors send N messages in all to a fifth, which counts them
//   message_cost spawn N      N actors are made, handle a message each, and end with who made them, 256 at a time
//   … timed                   the receiver's times were asked for (grove_actor_times), as a page of it does
#include <grove.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENDERS = 4, BURST = 256 };

// Of the brood at hand: what is still to be taken, and who waits for that.
static _Atomic long missing;
static grove_promise all_taken;

struct sink {
  long seen;
};
#define SINK(START, METHOD)                                                                        \
  START(sink, grove_none) METHOD(sink, take, long, grove_none) METHOD(sink, add, long, long)
GROVE_ACTOR(SINK, sink)

static grove_status sink_start(grove *self, struct sink *s, const grove_none *none)
{
  (void)self;
  (void)s;
  (void)none;
  return GROVE_OK;
}

static grove_status sink_take(grove *self, struct sink *s, const long *in, grove_none *out)
{
  (void)out;
  s->seen += *in;
  bool last = atomic_fetch_sub_explicit(&missing, 1, memory_order_relaxed) == 1; // a count
  return last ? grove_promise_answer(self, all_taken, GROVE_OK, &s->seen, sizeof s->seen) : GROVE_OK;
}

static grove_status sink_add(grove *self, struct sink *s, const long *in, long *out)
{
  (void)self;
  s->seen += *in;
  *out = s->seen;
  return GROVE_OK;
}

struct source {
  sink_ref to;
};
#define SOURCE(START, METHOD)                                                                      \
  START(source, sink_ref) METHOD(source, ask, long, long) METHOD(source, pour, long, grove_none)
GROVE_ACTOR(SOURCE, source)

static grove_status source_start(grove *self, struct source *s, const sink_ref *to)
{
  (void)self;
  s->to = *to;
  return GROVE_OK;
}

static grove_status source_ask(grove *self, struct source *s, const long *n, long *out)
{
  for (long i = 0; i < *n; i++) {
    grove_status status = sink_add_ask(self, s->to, 1, GROVE_FOREVER, out, NULL);
    if (status) {
      return status;
    }
  }
  return GROVE_OK;
}

// In bursts, each ended by a question, so that no mailbox fills up.
static grove_status source_pour(grove *self, struct source *s, const long *n, grove_none *out)
{
  (void)out;
  for (long i = 1; i <= *n; i++) {
    grove_status status = sink_take_send(self, s->to, 1);
    if (!status && i % BURST == 0) {
      long seen;
      status = sink_add_ask(self, s->to, 0, GROVE_FOREVER, &seen, NULL);
    }
    if (status) {
      return status;
    }
  }
  return GROVE_OK;
}

// Actors that end with the task, when all have had their message.
static grove_status brood(grove *self, const long *n, long *out)
{
  grove_future all;
  grove_status status = grove_promise_create(self, sink_add_method.reply, &all_taken, &all);
  atomic_store_explicit(&missing, *n, memory_order_relaxed); // nobody counts yet
  for (long i = 0; i < *n && !status; i++) {
    status = sink_take_send(self, sink_spawn(self, GROVE_NONE, NULL), 1);
  }
  return status ? status : grove_get(self, all, GROVE_FOREVER, out, sizeof *out, NULL);
}
GROVE_FUNCTION(brood, long, long)

static grove_status run_broods(grove *g, long n)
{
  for (long i = 0; i < n; i += BURST) {
    long got;
    grove_status s = brood_get(g, brood_task(g, n - i < BURST ? n - i : BURST), GROVE_FOREVER, &got, NULL);
    if (s) {
      return s;
    }
  }
  return GROVE_OK;
}

static grove_status run(grove *g, bool fanin, long n, bool timed)
{
  sink_ref to = sink_spawn(g, GROVE_NONE, NULL);
  grove_times times = {.struct_size = sizeof times};
  if (timed && grove_actor_times(g, to.ref, &times)) {
    return GROVE_EINVAL;
  }
  source_pour_future poured[SENDERS];
  long got;
  if (!fanin) {
    return source_ask_ask(g, source_spawn(g, to, NULL), n, GROVE_FOREVER, &got, NULL);
  }
  for (int i = 0; i < SENDERS; i++) {
    poured[i] = source_pour_call(g, source_spawn(g, to, NULL), n / SENDERS);
  }
  for (int i = 0; i < SENDERS; i++) {
    grove_none none;
    grove_status s = source_pour_get(g, poured[i], GROVE_FOREVER, &none, NULL);
    if (s) {
      return s;
    }
  }
  return GROVE_OK;
}

int main(int argc, char **argv)
{
  bool fanin = argc > 1 && strcmp(argv[1], "fanin") == 0, spawn = argc > 1 && strcmp(argv[1], "spawn") == 0;
  bool timed = argc == 4 && strcmp(argv[3], "timed") == 0;
  if ((argc != 3 && !timed) || (!fanin && !spawn && strcmp(argv[1], "pingpong") != 0)) {
    fprintf(stderr, "usage: message_cost pingpong|fanin|spawn N [timed]\n");
    return 2;
  }
  grove *g;
  // One worker: what is counted is the work, not the looking for it.
  grove_options o = {GROVE_OPTIONS, .workers = 1};
  if (grove_start(&o, &g)) {
    return 1;
  }
  grove_status s = spawn ? run_broods(g, atol(argv[2])) : run(g, fanin, atol(argv[2]), timed);
  if (s) {
    fprintf(stderr, "%s\n", grove_status_text(s));
  }
  return grove_stop(g, 10000, NULL) != GROVE_OK || s != GROVE_OK;
}
