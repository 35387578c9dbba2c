// A batch job ends, whatever it is at, when its actor ends or there is no more memory.
#include "columnar/arrow.h"
#include "job_world.h"
#include <grove/watch.h>

// ---- an actor that runs a job ---------------------------------------------------------------------

typedef struct order {
  struct world *w;
  const char *out;
  uint64_t exit_at; // the call of progress at which the actor ends itself; 0: none
} order;
GROVE_TYPE(order)
struct host {
  int nothing;
};
#define HOST(START, METHOD) START(host, grove_none) METHOD(host, work, order, uint64_t)
GROVE_ACTOR(HOST, host)

static grove_status host_start(grove *self, struct host *h, const grove_none *none)
{
  (void)self, (void)h, (void)none;
  return GROVE_OK;
}

// An actor that ends itself in the midst of its job.
struct leaver {
  grove *self;
  uint64_t left; // calls of progress until then
};

static void leave(void *user, const grove_job_progress *p)
{
  struct leaver *l = user;
  (void)p;
  if (l->left && !--l->left) {
    grove_drop(l->self, grove_exit(l->self, grove_self(l->self), 0));
  }
}

// One shard by one member, so that few things happen between two calls of progress. *done: the calls that were left.
static grove_status work_and_leave(grove *self, const order *o, uint64_t *done)
{
  struct leaver l = {self, o->exit_at};
  grove_job_options job = {GROVE_JOB,
      .shards = o->w->shards + 2,
      .n_shards = 1,
      .score = add,
      .score_columns = add_columns,
      .out = o->out,
      .members = 1,
      .progress = leave,
      .user = &l,
      .tick_ms = 60000};
  grove_error err = {0};
  grove_status s = grove_job_run(self, grove_borrow(NULL, 0), &job, NULL, &err);
  *done = l.left;
  return s ? grove_fail_with(self, &err) : GROVE_OK;
}

static grove_status read_and_leave(grove *self, const order *o, uint64_t *done);
static grove_status hold_and_go(grove *self, const order *o);

static grove_status host_work(grove *self, struct host *h, const order *o, uint64_t *done)
{
  (void)h;
  if (o->exit_at == UINT64_MAX) {
    return hold_and_go(self, o);
  }
  if (o->exit_at) {
    return o->out ? work_and_leave(self, o, done) : read_and_leave(self, o, done);
  }
  grove_job_options job = job_of(o->w);
  grove_job_progress end = {0};
  grove_error err = {0};
  job.out = o->out;
  job.resume = 1;
  job.tick_ms = 1;
  grove_status s = grove_job_run(self, grove_borrow(NULL, 0), &job, &end, &err);
  *done = end.done;
  return s ? grove_fail_with(self, &err) : GROVE_OK;
}

static void runs_in_an_actor_that_may_be_killed(void **state)
{
  struct world *w = *state;
  char *whole = make_folder(w, "whole"), *out = make_folder(w, "out");
  grove_job_options o = job_of(w);
  o.out = whole;
  check_ok(run(w, &o, NULL));
  for (int i = 0; i < 10; i++) { // at whatever moment it then is at
    host_ref h = host_spawn(w->g, GROVE_NONE, NULL);
    host_work_future f = host_work_call(w->g, h, (order){w, out, 0});
    (void)!grove_wait(w->g, &f.future, 1, 1, i); // milliseconds: how far it comes is left to chance
    grove_error end;
    check_ok(grove_get(w->g, grove_exit(w->g, h.ref, 0), GROVE_FOREVER, &end, sizeof end, NULL));
    grove_status s = host_work_get(w->g, f, GROVE_FOREVER, &(uint64_t){0}, NULL);
    assert_true(s == GROVE_OK || s == GROVE_EDEAD || s == GROVE_ECANCELED);
  }
  host_ref h = host_spawn(w->g, GROVE_NONE, NULL);
  uint64_t done = 0;
  check_ok(host_work_ask(w->g, h, (order){w, out, 0}, GROVE_FOREVER, &done, NULL));
  assert_int_equal(done, SHARDS);
  check_same(whole, out);
  free(whole);
  free(out);
}

// Bytes of the second of its four row groups are others: the first is scored, and perhaps written.
static void damage(const char *path)
{
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  FILE *f = fopen(path, "r+b");
  fseek(f, st.st_size * 2 / 5, SEEK_SET);
  for (int i = 0; i < 64; i++) {
    fputc(0x5a, f);
  }
  fclose(f);
}

static void ends_with_its_actor_at_any_step(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  damage(w->paths[2]);
  uint64_t k = 0, left = 0;
  while (!left) { // until the job has fewer steps than that
    host_ref h = host_spawn(w->g, GROVE_NONE, NULL);
    host_work_future f = host_work_call(w->g, h, (order){w, out, ++k});
    grove_status s = host_work_get(w->g, f, 60000, &left, NULL);
    assert_true(s == GROVE_OK || s == GROVE_EDEAD || s == GROVE_ECANCELED);
    left = s ? 0 : left;
    grove_error end;
    check_ok(grove_get(w->g, grove_exit(w->g, h.ref, 0), 60000, &end, sizeof end, NULL));
  }
  assert_true(k > 4);
  free(out);
}

// ---- a reader that goes ---------------------------------------------------------------------------

// An actor that reads a job as a stream, and ends itself after some batches: the stream ends with words, and its release
// gives up what is begun.
static grove_status read_and_leave(grove *self, const order *o, uint64_t *done)
{
  grove_job_options job = {GROVE_JOB,
      .shards = o->w->shards,
      .n_shards = SHARDS,
      .score = add,
      .score_columns = add_columns,
      .keep = kept,
      .members = 2};
  struct ArrowArrayStream s;
  grove_error err = {0};
  int code = 0;
  grove_status status = grove_job_stream(self, grove_borrow(NULL, 0), &job, &s, &err);
  if (status) {
    return grove_fail_with(self, &err);
  }
  for (uint64_t batches = 0;; batches++) {
    struct ArrowArray a;
    if (batches + 1 == o->exit_at) {
      grove_drop(self, grove_exit(self, grove_self(self), 0));
    }
    code = s.get_next(&s, &a);
    if (code || !a.release) {
      *done = batches < o->exit_at;
      break;
    }
    a.release(&a);
  }
  const char *words = code ? s.get_last_error(&s) : NULL;
  bool told = !code || (words && strstr(words, "cancelled"));
  status = code ? grove_fail(self, told ? GROVE_ECANCELED : GROVE_EUSER, "%d: %s", code, words ? words : "no words") : GROVE_OK;
  s.release(&s);
  return status;
}

static void a_stream_ends_with_its_actor(void **state)
{
  struct world *w = *state;
  uint64_t left = 0;
  for (uint64_t k = 1; !left; k++) {
    host_ref h = host_spawn(w->g, GROVE_NONE, NULL);
    host_work_future f = host_work_call(w->g, h, (order){w, NULL, k});
    grove_error err = {0}, end;
    grove_status s = host_work_get(w->g, f, 60000, &left, &err);
    if (s && s != GROVE_EDEAD && s != GROVE_ECANCELED) {
      fail_msg("%s", err.text);
    }
    left = s ? 0 : left;
    check_ok(grove_get(w->g, grove_exit(w->g, h.ref, 0), 60000, &end, sizeof end, NULL));
    assert_true(k < 30);
  }
}

// ---- what members hold ----------------------------------------------------------------------------

// A store whose reads wait until they may go on, and which looks whether anybody is reading when it is closed.
static struct held {
  atomic_bool go;
  atomic_int sources, reading, closed, closed_early;
  atomic_bool returned; // the job has, and its store was closed
} held;

static grove_status read_held(void *user, uint64_t at, void *out, size_t n, grove_error *err)
{
  grove_source *of = user;
  atomic_fetch_add(&held.reading, 1);
  while (!atomic_load(&held.go)) {
    check_pause();
  }
  return of->read_at(of->user, at, out, n, err);
}

static void close_held(void *user)
{
  grove_source *of = user;
  of->close(of->user);
  free(of);
  atomic_fetch_sub(&held.sources, 1);
}

static grove_status open_held(const grove_store_options *o, void **out, grove_error *err)
{
  (void)o;
  grove_store *files = NULL;
  grove_status s = grove_store_open(NULL, &files, err);
  *out = files;
  return s;
}

static void end_held(void *opened)
{
  atomic_fetch_add(&held.closed, 1);
  atomic_fetch_add(&held.closed_early, atomic_load(&held.sources) != 0);
  grove_store_close(opened);
}

static grove_status source_held(void *opened, const char *url, grove_source *out, grove_error *err)
{
  grove_source *of = calloc(1, sizeof *of);
  grove_status s = grove_store_source(opened, url + strlen("held://"), of, err);
  if (s) {
    free(of);
    return s;
  }
  atomic_fetch_add(&held.sources, 1);
  *out = *of;
  out->user = of;
  out->read_at = read_held;
  out->close = close_held;
  return GROVE_OK;
}

static grove_status hold_and_go(grove *self, const order *o)
{
  static const grove_store_scheme scheme = {
      .struct_size = sizeof scheme, .names = "held", .open = open_held, .close = end_held, .source = source_held};
  static const grove_store_scheme *const schemes[] = {&scheme, NULL};
  char url[100];
  const char *shards[] = {url};
  grove_store *store = NULL;
  snprintf(url, sizeof url, "held://%s", o->w->paths[2]);
  check_ok(grove_store_open(
      &(grove_store_options){.struct_size = sizeof(grove_store_options), .schemes = schemes}, &store, NULL));
  grove_job_options job = {GROVE_JOB, .shards = shards, .n_shards = 1, .rule = "a > 1", .members = 1, .store = store};
  grove_error err = {0};
  grove_status s = grove_job_run(self, grove_borrow(NULL, 0), &job, NULL, &err);
  grove_store_close(store); // the host is done with it
  atomic_store(&held.returned, true);
  return s ? grove_fail_with(self, &err) : GROVE_OK;
}

// An actor that is ended by force while a member reads: it may close its store at once, which is there until that member is done.
static void members_hold_the_store(void **state)
{
  struct world *w = *state;
  grove *g;
  memset(&held, 0, sizeof held);
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2}, &g));
  host_ref h = host_spawn(g, GROVE_NONE, NULL);
  host_work_future f = host_work_call(g, h, (order){w, NULL, UINT64_MAX});
  while (!atomic_load(&held.reading)) {
    check_pause();
  }
  grove_drop(g, grove_exit(g, h.ref, 0));
  while (!atomic_load(&held.returned)) {
    check_pause();
  }
  assert_int_equal(atomic_load(&held.closed), 0);
  atomic_store(&held.go, true);
  grove_drop(g, f.future);
  check_ok(grove_stop(g, 60000, NULL));
  assert_int_equal(atomic_load(&held.closed), 1);
  assert_int_equal(atomic_load(&held.closed_early), 0);
  assert_int_equal(atomic_load(&held.sources), 0);
}

// ---- members that die -----------------------------------------------------------------------------

struct reaper {
  grove *g;
  unsigned kills;
};

// Each call of progress ends a member, whatever it is at, until two are left.
static void reap(void *user, const grove_job_progress *p)
{
  struct reaper *r = user;
  grove_info members[8] = {{.struct_size = sizeof *members}};
  size_t n = 0;
  grove_snapshot_options o = {GROVE_SNAPSHOT, .under = p->pool};
  if (r->kills < 3 && !grove_snapshot(r->g, &o, members, sizeof *members, 8, &n) && n > 2) {
    grove_drop(r->g, grove_exit(r->g, members[r->kills % n].ref, 0));
    r->kills++;
  }
}

// A member that goes gives its item to another; one that wrote begins its shard anew.
static void others_do_what_the_dead_did(void **state)
{
  struct world *w = *state;
  char *whole = make_folder(w, "whole");
  grove_job_options o = job_of(w);
  o.out = whole;
  check_ok(run(w, &o, NULL));
  for (int i = 0; i < 10; i++) {
    char name[20];
    snprintf(name, sizeof name, "out%d", i);
    char *out = make_folder(w, name);
    struct reaper r = {w->g, 0};
    grove_job_progress end;
    o = job_of(w);
    o.out = out;
    o.members = 5;
    o.retries = 3;
    o.progress = reap;
    o.result = NULL;
    o.cancelled = NULL;
    o.user = &r;
    check_ok(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, NULL));
    assert_int_equal(end.failed, 0);
    assert_int_equal(r.kills, 3);
    check_same(whole, out);
    free(out);
  }
  free(whole);
}

// ---- a runtime without memory ---------------------------------------------------------------------

struct poor {
  atomic_bool none; // nothing more is given
  uint64_t left;    // calls of progress until then
};

static void *poor_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  struct poor *m = user;
  if (!new_bytes) {
    free(p);
    return NULL;
  }
  return new_bytes > old_bytes && atomic_load(&m->none) ? NULL : realloc(p, new_bytes);
}

static void become_poor(void *user, const grove_job_progress *p)
{
  struct poor *m = user;
  (void)p;
  if (m->left && !--m->left) {
    atomic_store(&m->none, true);
  }
}

// What is given up is an item, too, for which there may be no memory.
static void ends_without_memory_at_any_step(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  damage(w->paths[2]);
  struct poor m = {.left = 0};
  for (uint64_t k = 1; !m.left; k++) { // until the job has fewer steps than that
    grove *g;
    grove_allocator memory = {poor_realloc, &m};
    check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2, .allocator = &memory}, &g));
    grove_job_options o = job_of(w);
    o.shards = w->shards + 2;
    o.n_shards = 1;
    o.out = out;
    o.members = 1;
    o.result = NULL;
    o.cancelled = NULL;
    o.progress = become_poor;
    o.user = &m;
    m.left = k;
    check_ok(grove_job_run(g, grove_borrow(NULL, 0), &o, NULL, NULL)); // the failure is its shard's own
    atomic_store(&m.none, false);
    check_ok(grove_stop(g, 10000, NULL));
  }
  free(out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(runs_in_an_actor_that_may_be_killed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(ends_with_its_actor_at_any_step, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_stream_ends_with_its_actor, set_up, tear_down),
      cmocka_unit_test_setup_teardown(members_hold_the_store, set_up, tear_down),
      cmocka_unit_test_setup_teardown(others_do_what_the_dead_did, set_up, tear_down),
      cmocka_unit_test_setup_teardown(ends_without_memory_at_any_step, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
