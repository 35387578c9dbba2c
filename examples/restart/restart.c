// A worker that crashes is started again: its address stays good, and calls made meanwhile wait for it.
#include <grove.h>
#include <stdio.h>
#include <stdlib.h>

struct worker {
  long jobs;
};
#define WORKER(START, METHOD) START(worker, grove_none) METHOD(worker, divide, long, long)
GROVE_ACTOR(WORKER, worker)

static grove_status worker_start(grove *self, struct worker *w, const grove_none *none)
{
  (void)none;
  w->jobs = 0; // each life begins with a fresh state
  grove_state(self, "connected");
  return GROVE_OK;
}

static grove_status worker_divide(grove *self, struct worker *w, const long *by, long *out)
{
  if (*by == 0) {
    return grove_crash(self, GROVE_EUSER, "division by zero after %ld jobs", w->jobs);
  }
  w->jobs++;
  *out = 1000 / *by;
  return GROVE_OK;
}

static void divide(grove *g, worker_ref w, long by)
{
  grove_error err;
  long out;
  if (worker_divide_ask(g, w, by, 5000, &out, &err)) {
    printf("1000 / %ld: %s: %s\n", by, grove_status_text(err.status), err.text);
  } else {
    printf("1000 / %ld = %ld\n", by, out);
  }
}

static int usage(void)
{
  fprintf(stderr,
      "usage: restart NUMBER...\nDivides 1000 by each; a worker that divides by 0 crashes and is "
      "started again.\n");
  return 2;
}

int main(int argc, char **argv)
{
  grove *g;
  if (argc < 2) {
    return usage();
  }
  for (int i = 1; i < argc; i++) {
    char *end;
    strtol(argv[i], &end, 10);
    if (end == argv[i] || *end) {
      return usage();
    }
  }
  if (grove_start(NULL, &g)) {
    fprintf(stderr, "restart: the runtime did not start\n");
    return 1;
  }
  worker_ref w = worker_spawn(g, GROVE_NONE,
      &(grove_spawn_options){GROVE_SPAWN, .name = "divider", .restart = GROVE_TRANSIENT,
          .max_restarts = 5, .window_ms = 60000, .backoff_min_ms = 10, .backoff_max_ms = 1000,
          .queue_ms = 5000});
  grove_future gone = grove_monitor(g, w.ref); // fires once: when it is gone for good
  for (int i = 1; i < argc; i++) {
    divide(g, w, strtol(argv[i], NULL, 10));
  }
  grove_drop(g, grove_exit(g, w.ref, 100));
  grove_error end, err;
  if (grove_get(g, gone, 5000, &end, sizeof end, &err)) {
    fprintf(stderr, "restart: no word of the worker's end: %s\n", err.text);
    return grove_stop(g, 1000, NULL), 1;
  }
  printf("ended after %u restart%s: %s\n", (unsigned)end.restarts, end.restarts == 1 ? "" : "s",
      grove_status_text(end.status));
  return grove_stop(g, 1000, NULL) != GROVE_OK;
}
