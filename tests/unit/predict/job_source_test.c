// A job whose rows come from streams, as a database gives them: the same bytes as from files, batches taken one at a time
// and not far ahead.
#include "columnar/arrow.h"
#include "job_world.h"

// ---- a stream that looks how it is used -----------------------------------------------------------

typedef struct feed {
  struct ArrowArrayStream stream;
  grove_table *like; // without rows
  int number;
  size_t rows, at; // of the whole; where the next batch begins
  size_t fail_at;  // the batch, from 1 on, that does not come; 0: none
  size_t batches;
  atomic_int inside;  // calls at this moment
  atomic_size_t live; // batches that nobody has released
  size_t most_live;
  bool ended;
} feed;

static grove_table *make_rows(int number, size_t from, size_t n)
{
  char *text = malloc(64 * n + 128);
  size_t at = (size_t)sprintf(text, "more,A,b,name\n");
  for (size_t i = from; i < from + n; i++) {
    at += (size_t)sprintf(text + at, "0,%zu,%d,row %zu of %d\n", i, number, i, number);
  }
  if (!n) { // of the same types
    at += (size_t)sprintf(text + at, "0,1,1,x\n");
  }
  grove_table *t = NULL, *none = NULL;
  check_ok(grove_csv_parse(text, at, NULL, &t, NULL));
  free(text);
  if (!n) {
    static const uint64_t nothing[1];
    check_ok(grove_table_take(t, nothing, 0, &none, NULL));
    grove_table_release(t);
    return none;
  }
  return t;
}

// A batch that is counted while it lives.
typedef struct counted {
  struct ArrowArray of;
  feed *from;
} counted;

static void release_counted(struct ArrowArray *a)
{
  counted *c = a->private_data;
  c->of.release(&c->of);
  atomic_fetch_sub(&c->from->live, 1);
  free(c);
  a->release = NULL;
}

static int feed_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
  feed *f = s->private_data;
  struct ArrowArray a;
  check_ok(grove_table_export(f->like, &a, out, NULL));
  a.release(&a);
  return 0;
}

static int give_batch(feed *f, struct ArrowArray *out)
{
  size_t n = f->rows - f->at < GROUP ? f->rows - f->at : GROUP;
  grove_table *t = make_rows(f->number, f->at, n);
  struct ArrowSchema schema;
  counted *c = calloc(1, sizeof *c);
  check_ok(grove_table_export(t, &c->of, &schema, NULL));
  schema.release(&schema);
  grove_table_release(t);
  c->from = f;
  *out = c->of;
  out->private_data = c;
  out->release = release_counted;
  f->at += n;
  f->batches++;
  size_t live = atomic_fetch_add(&f->live, 1) + 1;
  f->most_live = live > f->most_live ? live : f->most_live;
  return 0;
}

static int feed_next(struct ArrowArrayStream *s, struct ArrowArray *out)
{
  feed *f = s->private_data;
  assert_int_equal(atomic_fetch_add(&f->inside, 1), 0);
  int code = 0;
  *out = (struct ArrowArray){.release = NULL};
  assert_false(f->ended);
  if (f->fail_at && f->batches + 1 == f->fail_at) {
    f->ended = true;
    code = 5;
  } else if (f->at == f->rows) {
    f->ended = true;
  } else {
    code = give_batch(f, out);
  }
  atomic_fetch_sub(&f->inside, 1);
  return code;
}

static const char *feed_error(struct ArrowArrayStream *s)
{
  (void)s;
  return "the cursor is gone";
}

static void feed_release(struct ArrowArrayStream *s)
{
  s->release = NULL;
}

static void open_feed(feed *f, int number, size_t rows)
{
  memset(f, 0, sizeof *f);
  f->number = number;
  f->rows = rows;
  f->like = make_rows(number, 0, 0);
  f->stream = (struct ArrowArrayStream){feed_schema, feed_next, feed_error, feed_release, f};
}

static void close_feed(feed *f)
{
  assert_int_equal(atomic_load(&f->live), 0);
  assert_non_null(f->stream.release); // nobody but its owner releases it
  f->stream.release(&f->stream);
  grove_table_release(f->like);
}

typedef struct feeds {
  feed of[SHARDS];
  struct ArrowArrayStream *streams[SHARDS];
  const char *names[SHARDS];
} feeds;

static void open_feeds(feeds *f)
{
  static const char *const names[SHARDS] = {"in0", "in1", "in2", "in3", "in4"};
  for (int i = 0; i < SHARDS; i++) {
    open_feed(&f->of[i], i, (size_t)i * 800);
    f->streams[i] = &f->of[i].stream;
    f->names[i] = names[i];
  }
}

static void close_feeds(feeds *f)
{
  for (int i = 0; i < SHARDS; i++) {
    close_feed(&f->of[i]);
  }
}

static grove_job_options job_over(struct world *w, feeds *f)
{
  grove_job_options o = job_of(w);
  o.shards = f->names;
  o.streams = f->streams;
  o.keep = kept;
  return o;
}

// ---- tests ----------------------------------------------------------------------------------------

static void check_same_file(const char *a, const char *b, const char *name)
{
  char command[400];
  snprintf(command, sizeof command, "cmp %s/%s %s/%s", a, name, b, name);
  assert_int_equal(system(command), 0);
}

static void writes_what_files_give(void **state)
{
  struct world *w = *state;
  char *whole = make_folder(w, "whole");
  for (uint32_t form = GROVE_JOB_PARQUET; form <= GROVE_JOB_CSV; form++) {
    grove_job_options o = job_of(w);
    o.out = whole;
    o.keep = kept;
    o.filter = "a >= 100 and a < 1700";
    o.form = form;
    check_ok(run(w, &o, NULL));
    for (uint32_t members = 1; members <= 4; members++) {
      feeds f;
      open_feeds(&f);
      char name[32];
      snprintf(name, sizeof name, "out%u_%u", form, members);
      char *out = make_folder(w, name);
      o = job_over(w, &f);
      o.out = out;
      o.filter = "a >= 100 and a < 1700";
      o.form = form;
      o.members = members;
      check_ok(run(w, &o, NULL));
      for (int i = 0; i < SHARDS; i++) {
        snprintf(name, sizeof name, "in%d.%s", i, form == GROVE_JOB_CSV ? "csv" : "parquet");
        if (i) { // a Parquet file made of no rows has columns of other types
          check_same_file(whole, out, name);
        }
        snprintf(name, sizeof name, "out%u_%u/.in%d.parquet.done", form, members, i);
        check_file(in_folder(w, name), false); // nothing says that it is done
        assert_int_equal(w->results[i].read, i * 800);
      }
      free(out);
      close_feeds(&f);
    }
  }
  free(whole);
}

static void stands_beside_files(void **state)
{
  struct world *w = *state;
  feeds f;
  open_feeds(&f);
  for (int i = 0; i < SHARDS; i += 2) {
    f.streams[i] = NULL;
    f.names[i] = w->paths[i];
  }
  grove_job_options o = job_over(w, &f);
  o.keep = NULL;
  check_ok(run(w, &o, NULL));
  for (int i = 0; i < SHARDS; i++) {
    assert_true(w->results[i].score == sum_of(i, (size_t)i * 800));
    assert_int_equal(f.of[i].batches, i % 2 ? (i * 800 + GROUP - 1) / GROUP : 0);
  }
  close_feeds(&f);
}

static void a_long_one_is_taken_bit_by_bit(void **state)
{
  struct world *w = *state;
  feed f;
  open_feed(&f, 1, 200 * GROUP);
  struct ArrowArrayStream *stream = &f.stream;
  const char *name = "long";
  char *out = make_folder(w, "out");
  for (int writes = 0; writes < 2; writes++) {
    f.at = f.batches = f.most_live = 0;
    f.ended = false;
    grove_job_options o = job_of(w);
    o.shards = &name;
    o.streams = &stream;
    o.n_shards = 1;
    o.members = 2;
    o.out = writes ? out : NULL;
    check_ok(run(w, &o, NULL));
    assert_true(w->results[0].score == sum_of(1, 200 * GROUP));
    // Four wait or are under way, and one is being taken.
    assert_true(f.most_live <= 5);
    assert_int_equal(w->results[0].rows, 200 * GROUP);
  }
  close_feed(&f);
  free(out);
}

static void its_failure_is_final(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  for (size_t k = 1; k <= 7; k++) { // of the last one, which has seven batches
    feeds f;
    open_feeds(&f);
    f.of[4].fail_at = k;
    grove_job_options o = job_over(w, &f);
    grove_job_progress end;
    o.out = out;
    o.force = 1;
    o.retries = 3;
    check_ok(run(w, &o, &end));
    assert_int_equal(end.failed, 1);
    check_status(w->results[4].status, GROVE_EIO);
    check_contains(w->results[4].text, "in4: the stream's get_next failed with 5: the cursor is gone");
    assert_int_equal(w->results[4].attempts, 1);
    check_file(in_folder(w, "out/in4.parquet"), false);
    check_file(in_folder(w, "out/in3.parquet"), true);
    close_feeds(&f);
  }
  free(out);
}

static void from_stream_to_stream(void **state)
{
  struct world *w = *state;
  feeds f;
  open_feeds(&f);
  grove_job_options o = job_over(w, &f);
  struct ArrowArrayStream s;
  grove_table *t = NULL;
  check_ok(grove_job_stream(w->g, grove_borrow(NULL, 0), &o, &s, NULL));
  check_ok(grove_table_import_stream(&s, 0, &t, NULL));
  s.release(&s);
  assert_int_equal(grove_table_rows(t), 8000);
  assert_string_equal(grove_table_name(t, 1), "a"); // as it was asked for
  double a[1], p[1];
  check_ok(grove_table_doubles(t, 1, 7999, 1, a, NULL));
  check_ok(grove_table_doubles(t, 2, 7999, 1, p, NULL));
  assert_true(a[0] == 3199 && p[0] == 7199);
  grove_table_release(t);
  close_feeds(&f);
}

static void a_plan_takes_nothing_from_it(void **state)
{
  struct world *w = *state;
  feeds f;
  open_feeds(&f);
  grove_job_options o = job_over(w, &f);
  o.keep = NULL;
  o.plan_only = 1;
  check_ok(run(w, &o, NULL));
  assert_int_equal(f.of[4].batches, 0);
  close_feeds(&f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(writes_what_files_give, set_up, tear_down),
      cmocka_unit_test_setup_teardown(stands_beside_files, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_long_one_is_taken_bit_by_bit, set_up, tear_down),
      cmocka_unit_test_setup_teardown(its_failure_is_final, set_up, tear_down),
      cmocka_unit_test_setup_teardown(from_stream_to_stream, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_plan_takes_nothing_from_it, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
