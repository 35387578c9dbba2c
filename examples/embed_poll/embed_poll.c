// A host with a loop of its own, on plain poll(): it reads numbers from its input, hands each to an actor, goes on
// reading, and shows each answer when grove's descriptor says that there is one.
#include <errno.h>
#include <grove.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
  grove *g;
  size_t open; // asked and not yet shown
  int failed;
  char line[256];
  size_t used;
};
struct request {
  struct host *host;
  long limit;
};

// Runs in grove_dispatch, so on the host's thread.
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
  r->host->open--;
  free(r);
  return GROVE_OK;
}

static void ask(struct host *h, const char *text)
{
  char *end;
  long limit = strtol(text, &end, 10);
  struct request *r = end != text && !*end ? malloc(sizeof *r) : NULL;
  if (!r) {
    fprintf(stderr, "embed_poll: no number: \"%s\"\n", text);
    h->failed++;
    return;
  }
  *r = (struct request){h, limit};
  primes_ref p = primes_spawn(h->g, GROVE_NONE, NULL);
  grove_status s = grove_then(h->g, primes_below_call(h->g, p, limit).future, show, r);
  if (s) { // show will not run
    fprintf(stderr, "embed_poll: %s\n", grove_status_text(s));
    free(r);
    h->failed++;
    return;
  }
  h->open++;
}

// Takes what there is of the input, line by line. False: it has ended.
static bool read_input(struct host *h)
{
  ssize_t n = read(STDIN_FILENO, h->line + h->used, sizeof h->line - 1 - h->used);
  if (n < 0 && errno == EINTR) {
    return true;
  }
  h->used += n > 0 ? (size_t)n : 0;
  h->line[h->used] = '\0';
  char *from = h->line;
  for (char *end; (end = strchr(from, '\n')); from = end + 1) {
    *end = '\0';
    ask(h, from);
  }
  h->used = strlen(from);
  memmove(h->line, from, h->used + 1);
  if (h->used &&
      (n <= 0 || h->used == sizeof h->line - 1)) { // no line end at the end, or far too long a line
    ask(h, h->line);
    h->used = 0;
  }
  return n > 0;
}

int main(int argc, char **argv)
{
  static struct host h;
  (void)argv;
  if (argc > 1) {
    fprintf(
        stderr, "usage: embed_poll < NUMBERS\nCounts the primes below each number, one a line.\n");
    return 2;
  }
  if (grove_start(NULL, &h.g) || grove_fd(h.g) < 0) {
    fprintf(stderr, "embed_poll: the runtime did not start, or has no descriptor\n");
    return 1;
  }
  struct pollfd fds[2] = {
      {.fd = grove_fd(h.g), .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
  while (fds[1].fd >= 0 || h.open) {
    if (poll(fds, 2, -1) < 0 && errno != EINTR) {
      perror("embed_poll: poll");
      break;
    }
    if (fds[0].revents) {
      grove_dispatch(h.g, 0); // runs show for each answer that is there
    }
    if (fds[1].revents && !read_input(&h)) {
      fds[1].fd = -1; // poll leaves it out from now on
    }
  }
  return grove_stop(h.g, 5000, NULL) || h.open || h.failed;
}
