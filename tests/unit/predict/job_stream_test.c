// A job as a stream of batches: the rows of all shards in order, whatever the members do, and never much ahead of the
// reader; and a job over streams.
#include "columnar/arrow.h"
#include "job_world.h"

// ---- reading a stream -----------------------------------------------------------------------------

static struct ArrowArrayStream open_stream(struct world *w, const grove_job_options *o)
{
  struct ArrowArrayStream s;
  grove_error err = {0};
  check_ok_err(grove_job_stream(w->g, grove_borrow(NULL, 0), o, &s, &err), &err);
  assert_non_null(s.release);
  return s;
}

// The whole stream as one table; its columns have been looked at first.
static grove_table *read_all(struct ArrowArrayStream *s)
{
  grove_table *t = NULL;
  grove_error err = {0};
  check_ok_err(grove_table_import_stream(s, 0, &t, &err), &err);
  s->release(s);
  return t;
}

static double *doubles_of(const grove_table *t, size_t column)
{
  double *v = calloc(grove_table_rows(t) + 1, sizeof *v);
  check_ok(grove_table_doubles(t, column, 0, grove_table_rows(t), v, NULL));
  return v;
}

// Rows `from` on of each shard of the world, in order: columns a and prediction.
static void check_rows(const grove_table *t, size_t a_column, size_t from, size_t first, size_t last)
{
  double *a = doubles_of(t, a_column), *p = doubles_of(t, grove_table_columns(t) - 1);
  size_t at = 0;
  for (size_t shard = first; shard <= last; shard++) {
    for (size_t row = from; row < shard * 800; row++, at++) {
      assert_true(at < grove_table_rows(t));
      assert_true(a[at] == (double)row);
      assert_true(p[at] == (double)(row + 1000 * shard));
    }
  }
  assert_int_equal(at, grove_table_rows(t));
  free(a);
  free(p);
}

static void check_told(const struct world *w, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(w->told[i], 1);
  }
}

static void gives_all_rows_in_order(void **state)
{
  struct world *w = *state;
  for (uint32_t members = 1; members <= 5; members++) {
    grove_job_options o = job_of(w);
    o.members = members;
    o.keep = kept;
    o.filter = members % 2 ? "a >= 250" : NULL;
    o.memory_bytes = members == 3 ? 1 : 0; // one group after the other then
    struct ArrowArrayStream s = open_stream(w, &o);
    grove_table *t = read_all(&s);
    assert_int_equal(grove_table_columns(t), 3);
    assert_string_equal(grove_table_name(t, 0), "name");
    assert_string_equal(grove_table_name(t, 2), "prediction");
    check_rows(t, 1, members % 2 ? 250 : 0, 0, SHARDS - 1);
    check_told(w, SHARDS);
    assert_true(w->results[4].score == sum_of(4, 3200) - (members % 2 ? sum_of(4, 250) : 0));
    grove_table_release(t);
  }
}

static void gives_predictions_alone(void **state)
{
  struct world *w = *state;
  grove_job_options o = job_of(w);
  struct ArrowArrayStream s = open_stream(w, &o);
  struct ArrowSchema schema;
  assert_int_equal(s.get_schema(&s, &schema), 0);
  assert_int_equal(schema.n_children, 1);
  assert_string_equal(schema.children[0]->name, "prediction");
  schema.release(&schema);
  grove_table *t = read_all(&s);
  assert_int_equal(grove_table_rows(t), 8000);
  grove_table_release(t);
  o = job_of(w);
  o.n_shards = 0;
  s = open_stream(w, &o);
  t = read_all(&s);
  assert_int_equal(grove_table_rows(t), 0);
  assert_string_equal(grove_table_name(t, 0), "prediction");
  grove_table_release(t);
}

// A reader that stops in the midst: what is begun is given up, and each shard has its fate.
static void may_be_left_at_any_batch(void **state)
{
  struct world *w = *state;
  for (size_t take = 0; take < 18; take++) { // of 16 batches
    grove_job_options o = job_of(w);
    o.keep = kept;
    struct ArrowArrayStream s = open_stream(w, &o);
    for (size_t i = 0; i < take; i++) {
      struct ArrowArray a;
      assert_int_equal(s.get_next(&s, &a), 0);
      assert_int_equal(a.release != NULL, i < 18);
      if (a.release) {
        a.release(&a);
      }
    }
    s.release(&s);
    assert_null(s.release);
    check_told(w, SHARDS);
  }
}

// ---- how far ahead --------------------------------------------------------------------------------

static atomic_size_t scored_rows;

static grove_status add_and_count(void *user, const grove_matrix *x, double *out)
{
  atomic_fetch_add(&scored_rows, x->rows);
  return add(user, x, out);
}

static void works_little_ahead_of_its_reader(void **state)
{
  struct world *w = *state;
  write_shard(w->paths[4], 4, 60 * GROUP);
  grove_job_options o = job_of(w);
  o.score = add_and_count;
  o.members = 2;
  atomic_store(&scored_rows, 0);
  struct ArrowArrayStream s = open_stream(w, &o);
  size_t given = 0;
  for (;;) {
    struct ArrowArray a;
    assert_int_equal(s.get_next(&s, &a), 0);
    if (!a.release) {
      break;
    }
    given += (size_t)a.length;
    a.release(&a);
    // Four groups wait, four are under way, and each of three shards that are open may have begun with one.
    assert_true(atomic_load(&scored_rows) <= given + (4 + 4 + 3) * GROUP);
  }
  s.release(&s);
  assert_int_equal(given, (800 + 1600 + 2400) + 60 * GROUP);
}

// ---- drift and failures ---------------------------------------------------------------------------

static void write_text(const char *path, const char *text)
{
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

// Writes a CSV's text as Parquet.
static void write_parquet(const char *path, const char *text)
{
  grove_table *t = NULL;
  grove_store *store = NULL;
  grove_writer *out = NULL;
  check_ok(grove_csv_parse(text, strlen(text), NULL, &t, NULL));
  check_ok(grove_store_open(NULL, &store, NULL));
  check_ok(grove_store_write(store, path, &out, NULL));
  check_ok(grove_parquet_write(t, NULL, out, NULL));
  check_ok(grove_writer_close(out, 1, NULL));
  grove_store_close(store);
  grove_table_release(t);
}

static void shards_get_the_first_ones_columns(void **state)
{
  struct world *w = *state;
  write_parquet(w->paths[0], "a,b,name\n0.5,1,x\n"); // a: double
  write_parquet(w->paths[1], "a,b,name\n3,1,y\n");   // a: int64
  write_parquet(w->paths[2], "A,b,name\n4,1,z\n");   // another case
  write_parquet(w->paths[3], "a,b,name\n5,1,7\n");   // name: a number, which is no text
  grove_job_options o = job_of(w);
  o.keep = kept;
  o.n_shards = 4;
  struct ArrowArrayStream s = open_stream(w, &o);
  grove_table *t = read_all(&s);
  assert_string_equal(grove_table_format(t, 1), "g");
  assert_string_equal(grove_table_name(t, 1), "a");
  double *a = doubles_of(t, 1);
  assert_int_equal(grove_table_rows(t), 3);
  assert_true(a[0] == 0.5 && a[1] == 3 && a[2] == 4);
  free(a);
  grove_table_release(t);
  check_status(w->results[3].status, GROVE_ENOTSUP);
  check_contains(w->results[3].text, "in3.parquet");
  check_contains(w->results[3].text,
      "column \"name\" is int64 (\"l\") here, and text (\"u\") in the first shard: the one is not made of the other");
}

static void csv_shards_have_columns_too(void **state)
{
  struct world *w = *state;
  char csv[2][140];
  const char *shards[] = {csv[0], csv[1]};
  snprintf(csv[0], sizeof csv[0], "%s", in_folder(w, "one.csv"));
  snprintf(csv[1], sizeof csv[1], "%s", in_folder(w, "two.csv"));
  write_text(csv[0], "other,name,a,b\n9,x,1,2\n");
  write_text(csv[1], "b,A,name,more\n2,7,y,0\n");
  grove_job_options o = job_of(w);
  o.shards = shards;
  o.n_shards = 2;
  o.keep = kept;
  struct ArrowArrayStream s = open_stream(w, &o);
  grove_table *t = read_all(&s);
  assert_int_equal(grove_table_columns(t), 3);
  double *a = doubles_of(t, 1);
  assert_int_equal(grove_table_rows(t), 2);
  assert_true(a[0] == 1 && a[1] == 7);
  free(a);
  grove_table_release(t);
}

// The shards' text, and of how many of them rows come; of the last one's error the words.
static void check_drift(struct world *w, const char *first, const char *second, size_t rows, double last, const char *words)
{
  char csv[2][140];
  const char *shards[] = {csv[0], csv[1]};
  for (int i = 0; i < 2; i++) {
    snprintf(csv[i], sizeof csv[i], "%s", in_folder(w, i ? "two.csv" : "one.csv"));
    write_text(csv[i], i ? second : first);
  }
  grove_job_options o = job_of(w);
  o.shards = shards;
  o.n_shards = 2;
  o.keep = kept;
  struct ArrowArrayStream s = open_stream(w, &o);
  grove_table *t = read_all(&s);
  double *a = doubles_of(t, 1);
  assert_int_equal(grove_table_rows(t), rows);
  assert_true(a[rows - 1] == last);
  free(a);
  grove_table_release(t);
  assert_int_equal(w->results[1].status != GROVE_OK, words != NULL);
  if (words) {
    check_contains(w->results[1].text, "two.csv: ");
    check_contains(w->results[1].text, words);
  }
}

// What a CSV's columns are is seen in its values: they get the first shard's types where no value changes by it.
static void csv_columns_get_the_first_ones_types(void **state)
{
  struct world *w = *state;
  check_drift(w, "name,a,b\nx,1.5,2\n", "b,a,name\n2,7,y\n", 2, 7, NULL);
  check_drift(w, "name,a,b\nx,1,2\n", "b,a,name\n2,7.5,y\n", 1, 1,
      "column \"a\" is double (\"g\") here, and int64 (\"l\") in the first shard: column \"a\", row 0 of the batch: 7.5");
  check_drift(w, "name,a,b\nx,1,2\n", "b,a,name\n2,7,8\n", 1, 1,
      "column \"name\" is int64 (\"l\") here, and text (\"u\") in the first shard: the one is not made of the other");
}

static void failures_are_told_or_end_it(void **state)
{
  struct world *w = *state;
  write_text(w->paths[2], "no Parquet file");
  grove_job_options o = job_of(w);
  o.keep = kept;
  struct ArrowArrayStream s = open_stream(w, &o);
  grove_table *t = read_all(&s);
  assert_int_equal(grove_table_rows(t), 8000 - 1600);
  grove_table_release(t);
  check_status(w->results[2].status, GROVE_ECORRUPT);
  o = job_of(w);
  o.on_error = GROVE_JOB_FAIL;
  s = open_stream(w, &o);
  int code;
  for (;;) {
    struct ArrowArray a;
    code = s.get_next(&s, &a);
    if (code) {
      assert_null(a.release);
      assert_int_not_equal(s.get_next(&s, &a), 0); // it stays so
      break;
    }
    assert_non_null(a.release);
    a.release(&a);
  }
  check_contains(s.get_last_error(&s), "in2.parquet: it does not start with PAR1");
  s.release(&s);
  o = job_of(w); // none can be read: nothing is known of what is to be kept
  o.shards = w->shards + 2;
  o.n_shards = 1;
  o.keep = kept;
  s = open_stream(w, &o);
  struct ArrowSchema schema;
  assert_int_not_equal(s.get_schema(&s, &schema), 0);
  assert_null(schema.release);
  check_contains(s.get_last_error(&s), "no shard could be read");
  s.release(&s);
}

static void cancelling_ends_it(void **state)
{
  struct world *w = *state;
  grove_job_options o = job_of(w);
  w->cancel_at = 2;
  struct ArrowArrayStream s = open_stream(w, &o);
  int code = 0;
  struct ArrowArray a = {.release = NULL};
  do {
    if (a.release) {
      a.release(&a);
    }
    code = s.get_next(&s, &a);
  } while (!code && a.release);
  assert_int_not_equal(code, 0);
  check_contains(s.get_last_error(&s), "cancelled");
  s.release(&s);
  check_told(w, SHARDS);
}

// ---- a store that fails in the midst --------------------------------------------------------------

static struct world *shaky;
static atomic_long reads_left; // then one fails
static atomic_bool other_version;

typedef struct shaky_source {
  grove_source of;
  char version[300];
} shaky_source;

static grove_status read_shaky(void *user, uint64_t at, void *out, size_t n, grove_error *err)
{
  shaky_source *s = user;
  if (atomic_fetch_sub(&reads_left, 1) == 1) {
    if (err) {
      err->status = GROVE_EIO;
      snprintf(err->text, sizeof err->text, "the line is down");
    }
    return GROVE_EIO;
  }
  return s->of.read_at(s->of.user, at, out, n, err);
}

static void close_shaky(void *user)
{
  shaky_source *s = user;
  s->of.close(s->of.user);
  free(s);
}

static grove_status open_shaky(void *opened, const char *url, grove_source *out, grove_error *err)
{
  (void)opened;
  shaky_source *s = calloc(1, sizeof *s);
  grove_status status = grove_store_source(shaky->store, url + strlen("shaky://"), &s->of, err);
  if (status) {
    free(s);
    return status;
  }
  bool other = atomic_load(&other_version) && atomic_load(&reads_left) <= 0;
  snprintf(s->version, sizeof s->version, "%s%s", s->of.version, other ? " again" : "");
  *out = (grove_source){.struct_size = sizeof *out,
      .bytes = s->of.bytes,
      .user = s,
      .read_at = read_shaky,
      .close = close_shaky,
      .version = s->version};
  return GROVE_OK;
}

static const grove_store_scheme shaky_scheme = {
    .struct_size = sizeof shaky_scheme, .names = "shaky", .source = open_shaky};

// One read fails, ever later: what the reader has by then is not given twice.
static void goes_on_where_it_was(void **state)
{
  struct world *w = *state;
  static const grove_store_scheme *const schemes[] = {&shaky_scheme, NULL};
  char urls[2][100];
  const char *shards[2] = {urls[0], urls[1]};
  snprintf(urls[0], sizeof urls[0], "shaky://%s", w->paths[3]);
  snprintf(urls[1], sizeof urls[1], "shaky://%s", w->paths[4]);
  shaky = w;
  check_ok(grove_store_open(
      &(grove_store_options){.struct_size = sizeof(grove_store_options), .schemes = schemes},
      &w->store, NULL));
  size_t changed = 0;
  for (int other = 0; other < 2; other++) {
    atomic_store(&other_version, other);
    for (long k = 1;; k++) {
      grove_job_options o = job_of(w);
      o.shards = shards;
      o.n_shards = 2;
      o.store = w->store;
      o.retries = 1;
      o.keep = kept;
      atomic_store(&reads_left, k);
      struct ArrowArrayStream s = open_stream(w, &o);
      grove_table *t = read_all(&s);
      bool failed = atomic_load(&reads_left) <= 0;
      if (!w->results[0].status && !w->results[1].status) {
        check_rows(t, 1, 0, 3, 4);
        assert_int_equal(w->results[0].attempts + w->results[1].attempts, failed ? 3 : 2);
      } else { // it was another shard then
        size_t bad = w->results[0].status ? 0 : 1;
        assert_true(other && !w->results[1 - bad].status);
        check_status(w->results[bad].status, GROVE_ECORRUPT);
        check_contains(w->results[bad].text, "it changed between two attempts");
        changed++;
      }
      grove_table_release(t);
      if (!failed) {
        break;
      }
    }
  }
  assert_true(changed > 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(gives_all_rows_in_order, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gives_predictions_alone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(may_be_left_at_any_batch, set_up, tear_down),
      cmocka_unit_test_setup_teardown(works_little_ahead_of_its_reader, set_up, tear_down),
      cmocka_unit_test_setup_teardown(shards_get_the_first_ones_columns, set_up, tear_down),
      cmocka_unit_test_setup_teardown(csv_shards_have_columns_too, set_up, tear_down),
      cmocka_unit_test_setup_teardown(csv_columns_get_the_first_ones_types, set_up, tear_down),
      cmocka_unit_test_setup_teardown(failures_are_told_or_end_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(cancelling_ends_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(goes_on_where_it_was, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
