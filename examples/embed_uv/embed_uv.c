// A host with a libuv loop: it hands work to actors and gets each result on its loop, between its own timers.
// With --work-loop the actors have no threads of their own: they run on the loop's thread pool.
#include <grove.h>
#include <grove/uv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

// ---- an actor that computes -----------------------------------------------------------------------
struct primes {
  long asked;
};
#define PRIMES(START, METHOD) START(primes, grove_none) METHOD(primes, below, long, long)
GROVE_ACTOR(PRIMES, primes)

static grove_status primes_start(grove *self, struct primes *p, const grove_none *none)
{
  (void)self, (void)p, (void)none;
  return GROVE_OK;
}

static bool is_prime(long n)
{
  for (long i = 2; i <= n / i; i++) {
    if (n % i == 0) {
      return false;
    }
  }
  return n >= 2;
}

static grove_status primes_below(grove *self, struct primes *p, const long *limit, long *count)
{
  p->asked++;
  if (*limit < 0) {
    return grove_fail(self, GROVE_EUSER, "no numbers are below %ld", *limit);
  }
  for (long n = 2; n < *limit; n++) {
    grove_status s = n % 1024 ? GROVE_OK : grove_yield(self); // others get their turn
    if (s) {
      return s;
    }
    *count += is_prime(n);
  }
  return GROVE_OK;
}

// ---- the host -------------------------------------------------------------------------------------
struct host {
  uv_loop_t loop;
  uv_timer_t beat; // the host's own work: it must not wait for the actors
  int beats, failed;
};
struct request {
  struct host *host;
  long limit;
};

static void count_beat(uv_timer_t *t)
{
  struct host *h = t->data;
  h->beats++;
}

// Runs on the loop, when the answer is there.
static grove_status show(grove *g, void *user, grove_future f)
{
  struct request *r = user;
  grove_error err;
  long count;
  if (primes_below_get(g, (primes_below_future){f}, 0, &count, &err)) {
    printf("primes below %ld: %s\n", r->limit, err.text);
    r->host->failed++;
  } else {
    printf("primes below %ld: %ld\n", r->limit, count);
  }
  free(r);
  return GROVE_OK;
}

static int ask(grove *g, struct host *h, long limit)
{
  struct request *r = malloc(sizeof *r);
  if (!r) {
    return 1;
  }
  *r = (struct request){h, limit};
  primes_ref p = primes_spawn(g, GROVE_NONE, NULL);
  grove_status s = grove_then(g, primes_below_call(g, p, limit).future, show, r);
  if (s) { // show will not run
    fprintf(stderr, "embed_uv: %s\n", grove_status_text(s));
    free(r);
  }
  return s != GROVE_OK;
}

static int run(grove *g, struct host *h, int n, char **numbers)
{
  int bad = 0;
  for (int i = 0; i < n; i++) {
    bad += ask(g, h, strtol(numbers[i], NULL, 10));
  }
  uv_run(&h->loop, UV_RUN_DEFAULT); // returns by itself when the last answer has been shown
  printf("the host's timer beat %s\n", h->beats ? "meanwhile" : "never");
  return bad || h->failed;
}

static int usage(void)
{
  fprintf(stderr,
      "usage: embed_uv [--work-loop] NUMBER...\nCounts the primes below each, on a libuv loop.\n");
  return 2;
}

int main(int argc, char **argv)
{
  static struct host h;
  grove *g;
  bool work_loop = argc > 1 && strcmp(argv[1], "--work-loop") == 0;
  int first = work_loop ? 2 : 1;
  for (int i = first; i < argc; i++) {
    char *end;
    strtol(argv[i], &end, 10);
    if (end == argv[i] || *end) {
      return usage();
    }
  }
  if (first >= argc) {
    return usage();
  }
  if (uv_loop_init(&h.loop)) {
    return 1;
  }
  grove_options o = {GROVE_OPTIONS, .work_loop = work_loop ? &h.loop : NULL};
  if (grove_start(&o, &g)) {
    fprintf(stderr, "embed_uv: the runtime did not start\n");
    return 1;
  }
  h.beat.data = &h;
  uv_timer_init(&h.loop, &h.beat);
  uv_timer_start(&h.beat, count_beat, 0, 5);
  uv_unref((uv_handle_t *)&h.beat);

  int bad = grove_uv_attach(g, &h.loop) ? 1 : run(g, &h, argc - first, argv + first);

  // The way out: let go of the loop, run it once more for what it has to close, stop, and once more if the
  // workers were the loop's.
  uv_close((uv_handle_t *)&h.beat, NULL);
  grove_uv_detach(g);
  uv_run(&h.loop, UV_RUN_DEFAULT);
  bad |= grove_stop(g, 5000, NULL) != GROVE_OK;
  uv_run(&h.loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&h.loop)) {
    fprintf(stderr, "embed_uv: something still holds the loop\n");
    bad = 1;
  }
  return bad;
}
