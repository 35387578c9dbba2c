// A host with a GLib main loop (so also one of GTK): grove's descriptor is one more source of it.
#include <glib-unix.h>
#include <glib.h>
#include <grove.h>
#include <stdio.h>
#include <stdlib.h>

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
  GMainLoop *loop;
  int open, beats, failed;
};
struct request {
  struct host *host;
  long limit;
};

// Runs in grove_dispatch, so on the main loop's thread: a window could be drawn here.
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
  if (--r->host->open == 0) {
    g_main_loop_quit(r->host->loop);
  }
  g_free(r);
  return GROVE_OK;
}

static gboolean on_ready(gint fd, GIOCondition condition, gpointer g)
{
  (void)fd, (void)condition;
  grove_dispatch(g, 0);
  return G_SOURCE_CONTINUE;
}

static gboolean on_beat(gpointer user) // the host's own work
{
  struct host *h = user;
  h->beats++;
  return G_SOURCE_CONTINUE;
}

static void ask(grove *g, struct host *h, long limit)
{
  struct request *r = g_new(struct request, 1);
  *r = (struct request){h, limit};
  primes_ref p = primes_spawn(g, GROVE_NONE, NULL);
  grove_status s = grove_then(g, primes_below_call(g, p, limit).future, show, r);
  if (s) { // show will not run
    fprintf(stderr, "embed_glib: %s\n", grove_status_text(s));
    g_free(r);
    h->failed++;
    return;
  }
  h->open++;
}

int main(int argc, char **argv)
{
  struct host h = {0};
  grove *g;
  bool good = argc > 1;
  for (int i = 1; i < argc; i++) {
    char *end;
    strtol(argv[i], &end, 10);
    good = good && end != argv[i] && !*end;
  }
  if (!good) {
    fprintf(stderr,
        "usage: embed_glib NUMBER...\nCounts the primes below each, on a GLib main loop.\n");
    return 2;
  }
  if (grove_start(NULL, &g) || grove_fd(g) < 0) {
    fprintf(stderr, "embed_glib: the runtime did not start, or has no descriptor\n");
    return 1;
  }
  h.loop = g_main_loop_new(NULL, FALSE);
  guint ready = g_unix_fd_add(grove_fd(g), G_IO_IN, on_ready, g);
  guint beat = g_timeout_add(5, on_beat, &h);
  for (int i = 1; i < argc; i++) {
    ask(g, &h, strtol(argv[i], NULL, 10));
  }
  if (h.open) {
    g_main_loop_run(h.loop);
  }
  printf("the host's timer beat %s\n", h.beats ? "meanwhile" : "never");
  g_source_remove(ready); // before the descriptor goes away with the runtime
  g_source_remove(beat);
  g_main_loop_unref(h.loop);
  return grove_stop(g, 5000, NULL) || h.failed;
}
