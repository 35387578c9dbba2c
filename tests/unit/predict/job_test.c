// The batch job: the same bytes for any number of members, and after anything that ended it.
#include "check.h"
#include <grove/job.h>
#include <grove/typed.h>
#include <dirent.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHARDS = 5, GROUP = 500 };

struct world {
  grove *g;
  char folder[40];
  char paths[SHARDS][80];
  const char *shards[SHARDS];
  grove_job_result results[SHARDS];
  size_t told[SHARDS];
  // Schemes and callbacks of the tests:
  grove_store *store;
  atomic_uint fail_reads; // so many sources of "flaky:" don't open
  size_t cancel_at;       // shards that are done; SIZE_MAX: never
};

// ---- shards ---------------------------------------------------------------------------------------

static void write_shard(const char *path, int number, size_t rows)
{
  char *text = malloc(64 * rows + 64);
  size_t n = (size_t)sprintf(text, "a,b,name\n");
  for (size_t i = 0; i < rows; i++) {
    n += (size_t)sprintf(text + n, "%zu,%d,row %zu of %d\n", i, number, i, number);
  }
  grove_table *t = NULL;
  grove_store *store = NULL;
  grove_writer *out = NULL;
  check_ok(grove_csv_parse(text, n, NULL, &t, NULL));
  check_ok(grove_store_open(NULL, &store, NULL));
  check_ok(grove_store_write(store, path, &out, NULL));
  grove_parquet_write_options o = {.struct_size = sizeof o, .group_rows = GROUP};
  check_ok(grove_parquet_write(t, &o, out, NULL));
  check_ok(grove_writer_close(out, 1, NULL));
  grove_store_close(store);
  grove_table_release(t);
  free(text);
}

static int set_up(void **state)
{
  struct world *w = calloc(1, sizeof *w);
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2}, &w->g));
  strcpy(w->folder, "/tmp/grove_job_XXXXXX");
  assert_non_null(mkdtemp(w->folder));
  for (int i = 0; i < SHARDS; i++) {
    snprintf(w->paths[i], sizeof w->paths[i], "%s/in%d.parquet", w->folder, i);
    w->shards[i] = w->paths[i];
    write_shard(w->paths[i], i, (size_t)i * 800); // the first has no rows, the others up to seven groups
  }
  w->cancel_at = SIZE_MAX;
  *state = w;
  return 0;
}

static int tear_down(void **state)
{
  struct world *w = *state;
  char command[64];
  check_ok(grove_stop(w->g, 10000, NULL));
  grove_store_close(w->store);
  snprintf(command, sizeof command, "rm -r %s", w->folder);
  assert_int_equal(system(command), 0);
  free(w);
  return 0;
}

static const char *in_folder(const struct world *w, const char *name)
{
  static char path[4][120];
  static unsigned turn;
  char *p = path[turn++ % 4];
  snprintf(p, sizeof *path, "%s/%s", w->folder, name);
  return p;
}

static char *make_folder(const struct world *w, const char *name)
{
  char *path = strdup(in_folder(w, name));
  assert_int_equal(mkdir(path, 0777), 0);
  return path;
}

// ---- running --------------------------------------------------------------------------------------

static void take_result(void *user, size_t i, const grove_job_result *r)
{
  struct world *w = user;
  w->results[i] = *r;
  w->told[i]++;
}

static void note_progress(void *user, const grove_job_progress *p)
{
  struct world *w = user;
  if (p->done >= w->cancel_at) {
    w->cancel_at = 0;
  }
}

static bool is_cancelled(void *user)
{
  struct world *w = user;
  return w->cancel_at == 0;
}

// a + 1000 * b.
static grove_status add(void *user, const grove_matrix *x, double *out)
{
  (void)user;
  for (size_t i = 0; i < x->rows; i++) {
    out[i] = x->column[0][i] + 1000 * x->column[1][i];
  }
  return GROVE_OK;
}

static const char *const add_columns[] = {"a", "b", NULL};
static const char *const kept[] = {"name", "a", NULL};

static grove_job_options job_of(struct world *w)
{
  memset(w->results, 0, sizeof w->results);
  memset(w->told, 0, sizeof w->told);
  return (grove_job_options){GROVE_JOB,
      .shards = w->shards,
      .n_shards = SHARDS,
      .score = add,
      .score_columns = add_columns,
      .score_name = "a + 1000 b",
      .members = 3,
      .result = take_result,
      .progress = note_progress,
      .cancelled = is_cancelled,
      .user = w};
}

static grove_status run(struct world *w, const grove_job_options *o, grove_job_progress *end)
{
  grove_error err = {0};
  grove_job_progress own;
  grove_status s = grove_job_run(w->g, grove_borrow(NULL, 0), o, end ? end : &own, &err);
  if (s && s != GROVE_ECANCELED) {
    print_error("%s\n", err.text);
  }
  for (size_t i = 0; i < o->n_shards; i++) {
    assert_int_equal(w->told[i], 1); // each has its fate once, however the job ended
  }
  return s;
}

static double sum_of(int shard, size_t rows)
{
  return (double)rows * ((double)rows - 1) / 2 + 1000.0 * shard * (double)rows;
}

// Folders are equal: the same files with the same bytes.
static void check_same(const char *a, const char *b)
{
  char command[300];
  snprintf(command, sizeof command, "diff -r %s %s", a, b);
  assert_int_equal(system(command), 0);
}

static void check_file(const char *path, bool there)
{
  struct stat st;
  assert_int_equal(stat(path, &st) == 0, there);
}

// ---- tests ----------------------------------------------------------------------------------------

static void counts_and_sums(void **state)
{
  struct world *w = *state;
  grove_job_options o = job_of(w);
  grove_job_progress end;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.done, SHARDS);
  assert_int_equal(end.failed, 0);
  for (int i = 0; i < SHARDS; i++) {
    assert_int_equal(w->results[i].rows, i * 800);
    assert_int_equal(w->results[i].read, i * 800);
    assert_true(w->results[i].score == sum_of(i, (size_t)i * 800));
  }
}

static void the_same_bytes_for_any_number_of_members(void **state)
{
  struct world *w = *state;
  char *first = make_folder(w, "first");
  for (uint32_t form = GROVE_JOB_PARQUET; form <= GROVE_JOB_CSV; form++) {
    for (uint32_t members = 1; members <= 5; members += 2) {
      char name[32];
      snprintf(name, sizeof name, "out%u_%u", form, members);
      char *out = make_folder(w, name);
      char *base = form == GROVE_JOB_PARQUET ? first : strdup(in_folder(w, "out1_1"));
      grove_job_options o = job_of(w);
      o.out = members == 1 && form == GROVE_JOB_PARQUET ? first : out;
      o.form = form;
      o.keep = kept;
      o.filter = "a >= 100 and a < 1700";
      o.members = members;
      check_ok(run(w, &o, NULL));
      if (members > 1) {
        check_same(base, out);
      }
      if (base != first) {
        free(base);
      }
      free(out);
    }
  }
  free(first);
}

static void check_output(const char *path, size_t from, size_t rows, int number)
{
  grove_store *store = NULL;
  grove_source in;
  grove_parquet *file = NULL;
  grove_table *t = NULL;
  grove_error err = {0};
  check_ok(grove_store_open(NULL, &store, NULL));
  check_ok_err(grove_store_source(store, path, &in, &err), &err);
  check_ok_err(grove_parquet_open(&in, NULL, &file, &err), &err);
  check_ok_err(grove_parquet_read(file, 0, 0, &t, &err), &err);
  assert_int_equal(grove_table_rows(t), rows);
  assert_int_equal(grove_table_columns(t), 3);
  assert_string_equal(grove_table_name(t, 0), "name");
  assert_string_equal(grove_table_name(t, 2), "prediction");
  double *a = calloc(rows + 1, sizeof *a), *p = calloc(rows + 1, sizeof *p);
  check_ok(grove_table_doubles(t, 1, 0, rows, a, NULL));
  check_ok(grove_table_doubles(t, 2, 0, rows, p, NULL));
  for (size_t i = 0; i < rows; i++) {
    assert_true(a[i] == (double)(from + i));
    assert_true(p[i] == a[i] + 1000 * number);
  }
  free(a);
  free(p);
  grove_table_release(t);
  grove_parquet_close(file);
  in.close(in.user);
  grove_store_close(store);
}

static void filters_keeps_and_orders_rows(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  grove_job_options o = job_of(w);
  o.out = out;
  o.keep = kept;
  o.filter = "a >= 250";
  check_ok(run(w, &o, NULL));
  for (int i = 1; i < SHARDS; i++) {
    char name[40];
    snprintf(name, sizeof name, "out/in%d.parquet", i);
    check_output(in_folder(w, name), 250, (size_t)i * 800 - 250, i);
    assert_int_equal(w->results[i].rows, i * 800 - 250);
  }
  check_output(in_folder(w, "out/in0.parquet"), 0, 0, 0); // no rows, all columns
  free(out);
}

static void resumes_what_is_not_done_or_changed(void **state)
{
  struct world *w = *state;
  char *whole = make_folder(w, "whole"), *out = make_folder(w, "out");
  grove_job_options o = job_of(w);
  grove_job_progress end;
  o.out = whole;
  check_ok(run(w, &o, NULL));
  for (size_t stop = 0; stop < SHARDS; stop++) { // cancelled ever later, resumed each time
    o = job_of(w);
    o.out = out;
    o.resume = 1;
    w->cancel_at = stop + 1;
    grove_status s = run(w, &o, &end);
    assert_true(s == GROVE_OK || s == GROVE_ECANCELED);
  }
  w->cancel_at = SIZE_MAX;
  o = job_of(w);
  o.out = out;
  o.resume = 1;
  check_ok(run(w, &o, &end));
  check_same(whole, out);
  o = job_of(w);
  o.out = out;
  o.resume = 1;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.resumed, SHARDS);
  assert_true(w->results[4].resumed && w->results[4].score == sum_of(4, 3200));
  write_shard(w->paths[2], 7, 1600); // another shard of that name
  unlink(in_folder(w, "out/in3.parquet"));
  o = job_of(w);
  o.out = out;
  o.resume = 1;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.resumed, SHARDS - 2);
  assert_true(!w->results[2].resumed && w->results[2].score == sum_of(7, 1600));
  assert_true(!w->results[3].resumed);
  o = job_of(w);
  o.out = out;
  o.resume = 1;
  o.filter = "a < 10"; // other rows: nothing of what is there will do
  check_ok(run(w, &o, &end));
  assert_int_equal(end.resumed, 0);
  free(whole);
  free(out);
}

static void a_failure_is_its_shards_own(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  FILE *f = fopen(w->paths[3], "wb");
  fputs("no Parquet file", f);
  fclose(f);
  grove_job_options o = job_of(w);
  grove_job_progress end;
  o.out = out;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.failed, 1);
  check_status(w->results[3].status, GROVE_ECORRUPT);
  check_contains(w->results[3].text, "in3.parquet: it does not start with PAR1");
  assert_int_equal(strncmp(w->results[3].text, w->paths[3], strlen(w->paths[3])), 0);
  check_file(in_folder(w, "out/in3.parquet"), false);
  check_file(in_folder(w, "out/in4.parquet"), true);
  o = job_of(w);
  o.on_error = GROVE_JOB_FAIL;
  grove_error err = {0};
  check_status(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, &err), GROVE_ECORRUPT);
  check_contains(err.text, "in3.parquet");
  free(out);
}

// ---- a store that fails ---------------------------------------------------------------------------

static struct world *flaky; // the scheme's, whose functions get no user

static grove_status open_flaky(void *opened, const char *url, grove_source *out, grove_error *err)
{
  (void)opened;
  unsigned left = atomic_load(&flaky->fail_reads);
  while (left && !atomic_compare_exchange_weak(&flaky->fail_reads, &left, left - 1)) {
  }
  if (left) {
    if (err) {
      err->status = GROVE_EIO;
      snprintf(err->text, sizeof err->text, "the line is down");
    }
    return GROVE_EIO;
  }
  return grove_store_source(flaky->store, url + strlen("flaky://"), out, err);
}

static const grove_store_scheme flaky_scheme = {
    .struct_size = sizeof flaky_scheme, .names = "flaky", .source = open_flaky};

static void tries_again(void **state)
{
  struct world *w = *state;
  static const grove_store_scheme *const schemes[] = {&flaky_scheme, NULL};
  char urls[SHARDS][100];
  const char *shards[SHARDS];
  for (int i = 0; i < SHARDS; i++) {
    snprintf(urls[i], sizeof urls[i], "flaky://%s", w->paths[i]);
    shards[i] = urls[i];
  }
  flaky = w;
  check_ok(grove_store_open(
      &(grove_store_options){.struct_size = sizeof(grove_store_options), .schemes = schemes},
      &w->store, NULL));
  grove_job_options o = job_of(w);
  grove_job_progress end;
  o.shards = shards;
  o.store = w->store;
  o.retries = 6;
  atomic_store(&w->fail_reads, 6);
  check_ok(run(w, &o, &end));
  assert_int_equal(end.failed, 0);
  uint32_t attempts = 0;
  for (int i = 0; i < SHARDS; i++) {
    attempts += w->results[i].attempts;
    assert_true(w->results[i].score == sum_of(i, (size_t)i * 800));
  }
  assert_int_equal(attempts, SHARDS + 6);
  o = job_of(w);
  o.shards = shards;
  o.store = w->store;
  o.retries = 2;
  atomic_store(&w->fail_reads, 1000);
  check_ok(run(w, &o, &end));
  assert_int_equal(end.failed, SHARDS);
  assert_int_equal(w->results[4].attempts, 3);
  check_contains(w->results[4].text, "the line is down");
}

// ---- an actor that runs a job ---------------------------------------------------------------------

typedef struct order {
  struct world *w;
  const char *out;
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

static grove_status host_work(grove *self, struct host *h, const order *o, uint64_t *done)
{
  (void)h;
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
    host_work_future f = host_work_call(w->g, h, (order){w, out});
    (void)!grove_wait(w->g, &f.future, 1, 1, i); // milliseconds: how far it comes is left to chance
    grove_error end;
    check_ok(grove_get(w->g, grove_exit(w->g, h.ref, 0), GROVE_FOREVER, &end, sizeof end, NULL));
    grove_status s = host_work_get(w->g, f, GROVE_FOREVER, &(uint64_t){0}, NULL);
    assert_true(s == GROVE_OK || s == GROVE_EDEAD || s == GROVE_ECANCELED);
  }
  host_ref h = host_spawn(w->g, GROVE_NONE, NULL);
  uint64_t done = 0;
  check_ok(host_work_ask(w->g, h, (order){w, out}, GROVE_FOREVER, &done, NULL));
  assert_int_equal(done, SHARDS);
  check_same(whole, out);
  free(whole);
  free(out);
}

// ---- what is wrong --------------------------------------------------------------------------------

static void expect_refusal(struct world *w, const grove_job_options *o, const char *words)
{
  grove_error err = {0};
  grove_job_progress end;
  check_status(grove_job_run(w->g, grove_borrow(NULL, 0), o, &end, &err), GROVE_EINVAL);
  check_contains(err.text, words);
}

static void refuses_what_can_not_be(void **state)
{
  struct world *w = *state;
  grove_job_options o = job_of(w);
  o.filter = "a >";
  expect_refusal(w, &o, "filter: rule \"a >\": expected a number");
  o = job_of(w);
  o.rule = "a > 1";
  expect_refusal(w, &o, "one of them is wanted");
  o = job_of(w);
  o.keep = kept;
  expect_refusal(w, &o, "no folder");
  o = job_of(w);
  o.out = w->folder;
  o.keep = (const char *const[]){"a", "a", NULL};
  expect_refusal(w, &o, "\"a\" is to be kept twice");
  o.keep = (const char *const[]){"prediction", NULL};
  expect_refusal(w, &o, "\"prediction\" can't be kept");
  o = job_of(w);
  o.out = w->folder;
  o.shards = (const char *const[]){"x/one.parquet", "y/one.csv"};
  o.n_shards = 2;
  expect_refusal(w, &o, "would both be");
  o = job_of(w);
  o.shards = (const char *const[]){"x", ""};
  o.n_shards = 2;
  expect_refusal(w, &o, "shard 1 has no name");
  o = job_of(w);
  o.form = 9;
  expect_refusal(w, &o, "form is 9");
}

static void plans_without_scoring(void **state)
{
  struct world *w = *state;
  grove_job_options o = job_of(w);
  grove_job_progress end;
  o.plan_only = 1;
  o.out = in_folder(w, "not_made");
  check_ok(run(w, &o, &end));
  assert_int_equal(end.rows, 0);
  assert_int_equal(w->results[4].read, 3200);
  assert_true(w->results[4].bytes > 0);
  check_file(in_folder(w, "not_made"), false);
}

static void no_shards_are_done_at_once(void **state)
{
  struct world *w = *state;
  grove_job_options o = job_of(w);
  grove_job_progress end;
  o.n_shards = 0;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.done, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(counts_and_sums, set_up, tear_down),
      cmocka_unit_test_setup_teardown(
          the_same_bytes_for_any_number_of_members, set_up, tear_down),
      cmocka_unit_test_setup_teardown(filters_keeps_and_orders_rows, set_up, tear_down),
      cmocka_unit_test_setup_teardown(resumes_what_is_not_done_or_changed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_failure_is_its_shards_own, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tries_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(runs_in_an_actor_that_may_be_killed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_what_can_not_be, set_up, tear_down),
      cmocka_unit_test_setup_teardown(plans_without_scoring, set_up, tear_down),
      cmocka_unit_test_setup_teardown(no_shards_are_done_at_once, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
