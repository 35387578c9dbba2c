// The batch job: the same bytes for any number of members, and after anything that ended it.
#include "job_world.h"
#include <grove/runs.h>

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
  // It told so of itself, too.
  grove_run_info r = {.struct_size = sizeof r};
  grove_run_item item = {GROVE_RUN_ITEM};
  size_t total;
  check_ok(grove_runs(w->g, &r, sizeof r, 1, &total));
  assert_int_equal(r.kind, GROVE_RUN_BATCH);
  assert_int_equal(r.state, GROVE_RUN_DONE);
  assert_int_equal(r.items, SHARDS);
  assert_int_equal(r.done, SHARDS - 1);
  assert_int_equal(r.failed, 1);
  assert_int_equal(r.rows, end.rows);
  check_ok(grove_run_items(w->g, r.id, GROVE_RUN_BY_STATE, 0, &item, sizeof item, 1, &total));
  assert_int_equal(total, SHARDS);
  assert_int_equal(item.state, GROVE_RUN_FAILED);
  assert_true(item.error[0] != 0);
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
  o.out = in_folder(w, "out");
  o.keep = (const char *const[]){"a", "a", NULL};
  expect_refusal(w, &o, "\"a\" is to be kept twice");
  o.keep = (const char *const[]){"prediction", NULL};
  expect_refusal(w, &o, "\"prediction\" can't be kept");
  o = job_of(w);
  o.out = in_folder(w, "out");
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

struct planned {
  size_t shards;
  uint64_t memory[SHARDS];
};

static void take_plan(void *user, size_t i, const grove_job_result *r)
{
  struct planned *p = user;
  assert_string_equal(r->columns, i ? "a\tl\nb\tl\nname\tu\n" : "a\tg\nb\tg\nname\tg\n"); // of no rows: as it is written
  p->memory[i] = r->memory_bytes;
  p->shards++;
}

static void take_one_plan(void *user, size_t i, const grove_job_result *r)
{
  struct planned *p = user;
  p->memory[i] = r->memory_bytes;
}

static void plans_tell_columns_and_memory(void **state)
{
  struct world *w = *state;
  struct planned counts = {0}, writes = {0};
  grove_job_options o = job_of(w);
  o.plan_only = 1;
  o.result = take_plan;
  o.progress = NULL;
  o.cancelled = NULL;
  o.user = &counts;
  check_ok(grove_job_run(w->g, grove_borrow(NULL, 0), &o, NULL, NULL));
  assert_int_equal(counts.shards, SHARDS);
  o.out = in_folder(w, "not_made");
  o.keep = kept;
  o.user = &writes;
  check_ok(grove_job_run(w->g, grove_borrow(NULL, 0), &o, NULL, NULL));
  for (int i = 1; i < SHARDS; i++) {
    // Three members read two columns, 16 bytes a row of a group; nine groups with a prediction and their kept columns wait.
    assert_true(counts.memory[i] >= 3 * 16 * GROUP && counts.memory[i] < 3 * 100 * GROUP);
    assert_true(writes.memory[i] > counts.memory[i] + 9 * 16 * GROUP);
  }
  struct planned one = {0};
  o.shards = w->shards + 1; // two groups, so not nine
  o.n_shards = 1;
  o.result = take_one_plan;
  o.user = &one;
  check_ok(grove_job_run(w->g, grove_borrow(NULL, 0), &o, NULL, NULL));
  assert_true(one.memory[0] > 2 * 32 * GROUP && one.memory[0] < writes.memory[1] / 3 * 2);
}

// ---- progress -------------------------------------------------------------------------------------

struct course {
  uint64_t rows, bytes, partly; // partly: how often rows grew while no shard was done
  size_t done;
  bool falls; // it may: a shard failed
};

static void follow(void *user, const grove_job_progress *p)
{
  struct course *c = user;
  assert_true(c->falls || (p->rows >= c->rows && p->bytes_done >= c->bytes && p->done >= c->done));
  c->partly += p->rows > c->rows && p->done == c->done;
  c->rows = p->rows;
  c->bytes = p->bytes_done;
  c->done = p->done;
}

static void progress_goes_by_row_groups(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  for (int writes = 0; writes < 2; writes++) {
    struct course c = {0};
    grove_job_progress end;
    grove_job_options o = job_of(w);
    o.out = writes ? out : NULL;
    o.progress = follow;
    o.cancelled = NULL;
    o.result = NULL;
    o.members = 1;
    o.user = &c;
    check_ok(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, NULL));
    assert_true(c.partly >= 10); // of nineteen groups, four are the last of their shard
    assert_int_equal(end.rows, 8000);
    assert_int_equal(c.rows, 8000);
    assert_true(c.bytes == end.bytes_done && c.bytes > 0);
  }
  FILE *f = fopen(w->paths[4], "r+b"); // the last row group is damaged: what was counted of it goes
  struct stat st;
  assert_int_equal(stat(w->paths[4], &st), 0);
  fseek(f, st.st_size * 3 / 4, SEEK_SET);
  for (int i = 0; i < 64; i++) {
    fputc(0x5a, f);
  }
  fclose(f);
  struct course c = {.falls = true};
  grove_job_progress end;
  grove_job_options o = job_of(w);
  o.progress = follow;
  o.cancelled = NULL;
  o.result = NULL;
  o.retries = 1;
  o.user = &c;
  check_ok(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, NULL));
  assert_int_equal(end.failed, 1);
  assert_int_equal(end.rows, 800 + 1600 + 2400);
  free(out);
}

// ---- members --------------------------------------------------------------------------------------

struct team {
  grove_job_member all;
  size_t n;
};

static void take_member(void *user, const grove_job_member *m)
{
  struct team *t = user;
  assert_int_equal(strncmp(m->name, "member ", 7), 0);
  assert_true(m->busy_ns > 0);
  assert_int_equal(m->restarts, 0);
  t->all.items += m->items;
  t->all.failed += m->failed;
  t->all.groups += m->groups;
  t->all.read += m->read;
  t->all.rows += m->rows;
  t->n++;
}

static void tells_what_members_did(void **state)
{
  struct world *w = *state;
  FILE *f = fopen(w->paths[1], "wb");
  fputs("no Parquet file", f);
  fclose(f);
  struct team t = {.n = 0};
  grove_job_options o = job_of(w);
  o.filter = "a >= 100";
  o.result = NULL;
  o.progress = NULL;
  o.cancelled = NULL;
  o.member = take_member;
  o.user = &t;
  check_ok(grove_job_run(w->g, grove_borrow(NULL, 0), &o, NULL, NULL));
  assert_in_range(t.n, 1, 3);
  assert_int_equal(t.all.groups, 4 + 5 + 7);
  assert_int_equal(t.all.items, 2 + 4 + 5 + 7); // the empty one and the broken one are opened, too
  assert_int_equal(t.all.failed, 1);
  assert_int_equal(t.all.rows, (1600 - 100) + (2400 - 100) + (3200 - 100));
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
      cmocka_unit_test_setup_teardown(refuses_what_can_not_be, set_up, tear_down),
      cmocka_unit_test_setup_teardown(plans_without_scoring, set_up, tear_down),
      cmocka_unit_test_setup_teardown(plans_tell_columns_and_memory, set_up, tear_down),
      cmocka_unit_test_setup_teardown(progress_goes_by_row_groups, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tells_what_members_did, set_up, tear_down),
      cmocka_unit_test_setup_teardown(no_shards_are_done_at_once, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
