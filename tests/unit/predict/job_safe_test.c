// What a batch job must not do: write over what it reads, let a note speak for bytes that are another's, read a column
// twice, hold more memory than it may.
#include "columnar/arrow.h"
#include "job_world.h"

static grove_status run_with(struct world *w, grove_job_options o, const char *rule, grove_error *err)
{
  grove_job_progress end;
  o.score = NULL;
  o.score_columns = NULL;
  o.rule = rule;
  return grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, err);
}

static char *read_file(const char *path, size_t *n)
{
  FILE *f = fopen(path, "rb");
  struct stat st;
  assert_non_null(f);
  assert_int_equal(stat(path, &st), 0);
  char *bytes = malloc((size_t)st.st_size + 1);
  *n = fread(bytes, 1, (size_t)st.st_size, f);
  fclose(f);
  return bytes;
}

// ---- over what it reads ---------------------------------------------------------------------------

static void check_refused(struct world *w, const char *out, uint32_t plan_only)
{
  grove_error err = {0};
  size_t n, m;
  char *before = read_file(w->paths[1], &n);
  grove_job_options o = job_of(w);
  o.out = out;
  o.plan_only = plan_only;
  check_status(run_with(w, o, "a > 1", &err), GROVE_EINVAL);
  check_contains(err.text, "would be written over it");
  char *after = read_file(w->paths[1], &m);
  assert_true(n == m && !memcmp(before, after, n));
  free(before);
  free(after);
}

static void never_writes_over_its_shards(void **state)
{
  struct world *w = *state;
  char slash[80], url[80];
  const char *link = in_folder(w, "link");
  assert_int_equal(symlink(w->folder, link), 0);
  snprintf(slash, sizeof slash, "%s/./", w->folder);
  snprintf(url, sizeof url, "file://%s", w->folder);
  check_refused(w, w->folder, 0);
  check_refused(w, w->folder, 1);
  check_refused(w, slash, 0);
  check_refused(w, url, 0);
  check_refused(w, link, 0);
  grove_job_options o = job_of(w); // as CSV they would have names of their own
  grove_error err = {0};
  o.out = w->folder;
  o.form = GROVE_JOB_CSV;
  check_ok_err(run_with(w, o, "a > 1", &err), &err);
  check_file(in_folder(w, "in4.csv"), true);
}

// ---- notes ----------------------------------------------------------------------------------------

// A store that is dead after so many commits: as a process is that was killed between two of them.
static struct world *torn;
static atomic_int commits_left;

static grove_status put_torn(void *user, const void *bytes, size_t n, grove_error *err)
{
  return grove_writer_put(user, bytes, n, err);
}

static grove_status close_torn(void *user, int commit, grove_error *err)
{
  bool dies = commit && atomic_fetch_sub(&commits_left, 1) <= 0;
  grove_status s = grove_writer_close(user, commit && !dies, err);
  return dies && !s ? GROVE_EIO : s;
}

static grove_status write_torn(void *opened, const char *url, grove_sink *out, grove_error *err)
{
  grove_writer *to = NULL;
  (void)opened;
  grove_status s = grove_store_write(torn->store, url + strlen("torn://"), &to, err);
  *out = (grove_sink){(uint32_t)sizeof *out, to, put_torn, close_torn};
  return s;
}

static grove_status source_torn(void *opened, const char *url, grove_source *out, grove_error *err)
{
  (void)opened;
  return grove_store_source(torn->store, url + strlen("torn://"), out, err);
}

static const grove_store_scheme torn_scheme = {
    .struct_size = sizeof torn_scheme, .names = "torn", .source = source_torn, .write = write_torn};

// A job by another rule, whose outputs are as long, dies at any commit in the same folder. Then the first one, resumed, must
// not take that one's outputs for its own.
static void a_note_speaks_for_its_own_output(void **state)
{
  struct world *w = *state;
  static const grove_store_scheme *const schemes[] = {&torn_scheme, NULL};
  char *whole = make_folder(w, "whole"), *out = make_folder(w, "out");
  char url[100];
  grove_job_options o = job_of(w);
  grove_error err = {0};
  snprintf(url, sizeof url, "torn://%s", out);
  torn = w;
  check_ok(grove_store_open(
      &(grove_store_options){.struct_size = sizeof(grove_store_options), .schemes = schemes}, &w->store, NULL));
  o.out = whole;
  check_ok_err(run_with(w, o, "a >= 0", &err), &err);
  for (int commits = 0; commits < 12; commits++) {
    o = job_of(w);
    o.out = out;
    o.resume = 1;
    check_ok_err(run_with(w, o, "a >= 0", &err), &err);
    check_same(whole, out);
    atomic_store(&commits_left, commits);
    o = job_of(w);
    o.out = url;
    o.store = w->store;
    o.members = 1;
    o.force = 1; // what is there is not its own, as far as it can see
    grove_status ignored = run_with(w, o, "a < 0", &err); // what it can't write is its failure
    (void)ignored;
  }
  o = job_of(w);
  o.out = out;
  o.resume = 1;
  check_ok_err(run_with(w, o, "a >= 0", &err), &err);
  check_same(whole, out);
  free(whole);
  free(out);
}

// ---- what is read ---------------------------------------------------------------------------------

static struct world *counting;
static atomic_ullong bytes_read;

typedef struct counted_source {
  grove_source of;
} counted_source;

static grove_status read_counted(void *user, uint64_t at, void *out, size_t n, grove_error *err)
{
  counted_source *s = user;
  atomic_fetch_add(&bytes_read, n);
  return s->of.read_at(s->of.user, at, out, n, err);
}

static void close_counted(void *user)
{
  counted_source *s = user;
  s->of.close(s->of.user);
  free(s);
}

static grove_status open_counted(void *opened, const char *url, grove_source *out, grove_error *err)
{
  (void)opened;
  counted_source *s = calloc(1, sizeof *s);
  grove_status status = grove_store_source(counting->store, url + strlen("counted://"), &s->of, err);
  if (status) {
    free(s);
    return status;
  }
  *out = s->of;
  out->user = s;
  out->read_at = read_counted;
  out->close = close_counted;
  return GROVE_OK;
}

static const grove_store_scheme counted_scheme = {
    .struct_size = sizeof counted_scheme, .names = "counted", .source = open_counted};

static unsigned long long count_bytes(struct world *w, const char *out, const char *const *keep, const char *filter)
{
  static char url[100];
  const char *shards[] = {url};
  grove_error err = {0};
  grove_job_progress end;
  snprintf(url, sizeof url, "counted://%s", w->paths[4]);
  grove_job_options o = job_of(w);
  o.shards = shards;
  o.n_shards = 1;
  o.store = w->store;
  o.out = out;
  o.keep = keep;
  o.filter = filter;
  o.force = 1;
  atomic_store(&bytes_read, 0);
  check_ok_err(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, &err), &err);
  assert_int_equal(end.failed, 0);
  return atomic_load(&bytes_read);
}

// A column that is kept and predicted from is read once, and what the filter leaves out of a kept one is not read.
static void columns_are_read_once_and_where_wanted(void **state)
{
  struct world *w = *state;
  static const grove_store_scheme *const schemes[] = {&counted_scheme, NULL};
  static const char *const one[] = {"name", NULL}, *const both[] = {"name", "a", "b", NULL};
  char *out = make_folder(w, "out");
  counting = w;
  check_ok(grove_store_open(
      &(grove_store_options){.struct_size = sizeof(grove_store_options), .schemes = schemes}, &w->store, NULL));
  unsigned long long kept_one = count_bytes(w, out, one, NULL), kept_both = count_bytes(w, out, both, NULL);
  assert_true(kept_one == kept_both);
  // One of seven row groups has such a row; the footer is read anyhow.
  unsigned long long few = count_bytes(w, out, both, "a >= 3100");
  assert_true(few < kept_both * 2 / 3);
  free(out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(never_writes_over_its_shards, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_note_speaks_for_its_own_output, set_up, tear_down),
      cmocka_unit_test_setup_teardown(columns_are_read_once_and_where_wanted, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
