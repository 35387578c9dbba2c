// A job over shards on a server: how many round trips it waits for, one behind the other. The server answers in rounds:
// all that was asked for, once nobody has asked for more in a while. What is asked at the same time costs one round.
#include "job_world.h"
#include "web.h"
#include <grove/remote.h>
#include <pthread.h>
#include <time.h>

enum { MANY = 12 };

typedef struct rounds {
  pthread_mutex_t lock;
  pthread_cond_t turned;
  unsigned round;
  long quiet_ms;         // a while
  struct timespec quiet; // when nobody will have asked for long enough
  char *bytes[MANY];
  size_t n[MANY];
} rounds;

static void wait_for_round(rounds *r)
{
  pthread_mutex_lock(&r->lock);
  unsigned mine = r->round;
  clock_gettime(CLOCK_REALTIME, &r->quiet);
  r->quiet.tv_nsec += r->quiet_ms * 1000000;
  r->quiet.tv_sec += r->quiet.tv_nsec / 1000000000;
  r->quiet.tv_nsec %= 1000000000;
  while (r->round == mine) {
    struct timespec until = r->quiet, now;
    pthread_cond_timedwait(&r->turned, &r->lock, &until);
    clock_gettime(CLOCK_REALTIME, &now);
    bool over = now.tv_sec > r->quiet.tv_sec ||
                (now.tv_sec == r->quiet.tv_sec && now.tv_nsec >= r->quiet.tv_nsec);
    if (r->round == mine && over) {
      r->round++;
      pthread_cond_broadcast(&r->turned);
    }
  }
  pthread_mutex_unlock(&r->lock);
}

static void serve(void *user, web_peer *p, const web_request *q)
{
  rounds *r = user;
  int i = atoi(q->path + strlen("/in"));
  wait_for_round(r);
  web_say_object(p, q, "ETag: \"1\"\r\n", r->bytes[i], r->n[i]);
}

static void load(rounds *r, int i, const char *path)
{
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  r->n[i] = (size_t)st.st_size;
  r->bytes[i] = malloc(r->n[i]);
  FILE *f = fopen(path, "rb");
  assert_int_equal(fread(r->bytes[i], 1, r->n[i], f), r->n[i]);
  fclose(f);
}

// Shards of `rows` rows in groups of GROUP, each longer than what opening brings along.
static void start(struct world *w, rounds *r, web **server, size_t rows)
{
  memset(r, 0, sizeof *r);
  pthread_mutex_init(&r->lock, NULL);
  pthread_cond_init(&r->turned, NULL);
  for (int i = 0; i < MANY; i++) {
    write_shard(w->paths[0], i, rows);
    load(r, i, w->paths[0]);
    assert_true(r->n[i] > 3 * 65536);
  }
  *server = web_start(serve, r);
  check_ok(grove_store_open(&(grove_store_options){.struct_size = sizeof(grove_store_options),
                                .schemes = grove_remote_schemes()},
      &w->store, NULL));
}

static void finish(rounds *r, web *server)
{
  web_stop(server);
  for (int i = 0; i < MANY; i++) {
    free(r->bytes[i]);
  }
}

static unsigned count_rounds(struct world *w, rounds *r, web *server, grove_job_options o, int n)
{
  char urls[MANY][80];
  const char *shards[MANY];
  for (int i = 0; i < n; i++) {
    snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%d/in%d.parquet", web_port(server), i);
    shards[i] = urls[i];
  }
  unsigned before = r->round;
  grove_job_progress end;
  o.shards = shards;
  o.n_shards = (size_t)n;
  o.store = w->store;
  o.score = NULL;
  o.score_columns = NULL;
  o.rule = "a >= 0";
  o.result = NULL;
  o.members = 0; // as many as it takes by itself
  check_ok(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, NULL));
  assert_int_equal(end.failed, 0);
  return r->round - before;
}

// On a busy machine a client may be slower than a while is, and a round be counted twice: then with a longer one.
static void check_rounds(struct world *w, rounds *r, web *server, grove_job_options o, int n, unsigned most)
{
  unsigned took = UINT32_MAX;
  for (r->quiet_ms = 150; took > most && r->quiet_ms < 4000; r->quiet_ms *= 3) {
    took = count_rounds(w, r, server, o, n);
    print_message("%d shard(s): %u rounds\n", n, took);
  }
  assert_true(took <= most);
}

static void waits_for_few_round_trips(void **state)
{
  struct world *w = *state;
  rounds r;
  web *server;
  start(w, &r, &server, 20000); // forty groups of small columns
  char *out = make_folder(w, "out");
  grove_job_options o = job_of(w);
  check_rounds(w, &r, server, o, 1, 2);
  check_rounds(w, &r, server, o, MANY, 6);
  o.out = out;
  o.keep = (const char *const[]){"name", "b", NULL};
  check_rounds(w, &r, server, o, MANY, 6);
  finish(&r, server);
  free(out);
}

// ---- secrets --------------------------------------------------------------------------------------

static void serve_at_once(void *user, web_peer *p, const web_request *q)
{
  rounds *r = user;
  if (strncmp(q->path, "/in0", 4) != 0) {
    web_say_text(p, "403 Forbidden", NULL, "<Error><Code>AccessDenied</Code></Error>");
    return;
  }
  web_say_object(p, q, "ETag: \"1\"\r\n", r->bytes[0], r->n[0]);
}

static void check_no_secret(const char *folder)
{
  char command[300];
  snprintf(command, sizeof command, "! grep -r -l -e geheim -e Signature %s", folder);
  assert_int_equal(system(command), 0);
}

// A signed url is a secret, and another one each time: it is in no note, manifest or error, and what was done is found again.
static void says_no_signatures(void **state)
{
  struct world *w = *state;
  rounds r = {.round = 0};
  load(&r, 0, w->paths[3]);
  web *server = web_start(serve_at_once, &r);
  check_ok(grove_store_open(&(grove_store_options){.struct_size = sizeof(grove_store_options),
                                .schemes = grove_remote_schemes()},
      &w->store, NULL));
  char *out = make_folder(w, "out");
  for (int i = 0; i < 2; i++) {
    char urls[2][160];
    const char *shards[2] = {urls[0], urls[1]};
    snprintf(urls[0], sizeof urls[0], "http://me:geheim@127.0.0.1:%d/in0.parquet?X-Amz-Signature=geheim/%d",
        web_port(server), i);
    snprintf(urls[1], sizeof urls[1], "http://127.0.0.1:%d/other.parquet?X-Amz-Signature=geheim%d.parquet",
        web_port(server), i);
    grove_job_options o = job_of(w);
    o.shards = shards;
    o.n_shards = 2;
    o.store = w->store;
    o.out = out;
    o.resume = 1;
    check_ok(run(w, &o, NULL));
    check_status(w->results[0].status, GROVE_OK);
    assert_int_equal(w->results[0].resumed, i);
    assert_int_not_equal(w->results[1].status, GROVE_OK);
    check_contains(w->results[1].text, "/other.parquet: ");
    assert_null(strstr(w->results[1].text, "geheim"));
    check_file(in_folder(w, "out/in0.parquet"), true);
    check_no_secret(out);
  }
  const char *twins[] = {"http://h/a.csv?geheim", "http://me:geheim@i/a.csv"};
  grove_job_options o = job_of(w);
  grove_error err = {0};
  o.shards = twins;
  o.n_shards = 2;
  o.out = out;
  check_status(grove_job_run(w->g, grove_borrow(NULL, 0), &o, NULL, &err), GROVE_EINVAL);
  check_contains(err.text, "\"http://h/a.csv\" and \"http://i/a.csv\" would both be");
  web_stop(server);
  free(r.bytes[0]);
  free(out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(waits_for_few_round_trips, set_up, tear_down),
      cmocka_unit_test_setup_teardown(says_no_signatures, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
