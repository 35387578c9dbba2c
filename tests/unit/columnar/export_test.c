// Out at Arrow's door, and through streams. All memory is counted: a count too many or too few
// shows.
#include "arrow_fixture.h"
#include <grove/columnar.h>

static grove_table *make_table(check_memory *m)
{
  static const char text[] = "x,s\n1.5,a\n,bc\n3,\n";
  grove_allocator a = check_allocator(m);
  grove_csv_options o = {.struct_size = sizeof o, .allocator = &a};
  grove_table *t = NULL;
  grove_error err;
  check_ok_err(grove_csv_parse(text, sizeof text - 1, &o, &t, &err), &err);
  return t;
}

static void exports_a_struct(void **state)
{
  check_memory m = {0};
  struct ArrowArray a;
  struct ArrowSchema s;
  grove_table *t = make_table(&m);
  (void)state;
  check_ok(grove_table_export(t, &a, &s, NULL));
  grove_table_release(t); // the export has counts of its own
  assert_string_equal(s.format, "+s");
  assert_int_equal(s.n_children, 2);
  assert_string_equal(s.children[0]->name, "x");
  assert_string_equal(s.children[0]->format, "g");
  assert_string_equal(s.children[1]->format, "u");
  assert_true(s.children[0]->flags & ARROW_FLAG_NULLABLE);
  assert_int_equal(a.length, 3);
  assert_int_equal(a.null_count, 0);
  assert_int_equal(a.n_buffers, 1);
  assert_int_equal(a.children[0]->null_count, 1);
  assert_int_equal(a.children[0]->n_buffers, 2);
  assert_int_equal(a.children[1]->n_buffers, 3);
  assert_true(((const double *)a.children[0]->buffers[1])[0] == 1.5);
  s.release(&s);
  assert_null(s.release);
  a.release(&a);
  assert_null(a.release);
  assert_int_equal(m.live_blocks, 0);
}

// By Arrow's rules a consumer may move a child out, and release it before or after its parent.
static void children_move_out(void **state)
{
  (void)state;
  for (int after = 0; after < 2; after++) {
    check_memory m = {0};
    struct ArrowArray a;
    struct ArrowSchema s;
    grove_table *t = make_table(&m);
    check_ok(grove_table_export(t, &a, &s, NULL));
    grove_table_release(t);
    struct ArrowArray column = *a.children[1];
    struct ArrowSchema field = *s.children[1];
    a.children[1]->release = NULL;
    s.children[1]->release = NULL;
    if (after) {
      a.release(&a);
      s.release(&s);
    }
    assert_string_equal(field.name, "s");
    assert_memory_equal(column.buffers[2], "abc", 3);
    column.release(&column);
    field.release(&field);
    if (!after) {
      a.release(&a);
      s.release(&s);
    }
    assert_int_equal(m.live_blocks, 0);
  }
}

static void goes_out_and_in(void **state)
{
  check_memory m = {0};
  struct ArrowArray a;
  struct ArrowSchema s;
  grove_table *back = NULL;
  double out[3];
  grove_table *t = make_table(&m);
  (void)state;
  check_ok(grove_table_export(t, &a, &s, NULL));
  check_ok(grove_table_import(&a, &s, &back, NULL));
  grove_table_release(t);
  check_ok(grove_table_doubles(back, 0, 0, 3, out, NULL));
  assert_true(out[0] == 1.5 && out[1] != out[1] && out[2] == 3);
  grove_table_release(back);
  assert_int_equal(m.live_blocks, 0);
}

static void allocation_failures_leave_nothing(void **state)
{
  (void)state;
  for (size_t at = 1;; at++) {
    check_memory m = {0};
    struct ArrowArray a = {0};
    struct ArrowSchema s = {0};
    grove_table *t = make_table(&m);
    m.fail_at = at;
    grove_status status = grove_table_export(t, &a, &s, NULL);
    m.fail_at = 0;
    grove_table_release(t);
    if (!status) {
      a.release(&a);
      s.release(&s);
    }
    assert_int_equal(m.live_blocks, 0);
    if (!status) {
      assert_true(at > 4);
      return;
    }
    check_status(status, GROVE_ENOMEM);
    assert_null(a.release);
    assert_null(s.release);
  }
}

// ---- streams -----------------------------------------------------------------------------------

// Gives the batches of `sizes`, numbers counting on, each with its first value null.
typedef struct producer {
  struct ArrowArrayStream stream;
  fixture schema, batch[8];
  int64_t sizes[8];
  int next, batches, fail_at;
  int32_t numbers[8][8];
  uint8_t valid[8];
} producer;

static int get_schema(struct ArrowArrayStream *in, struct ArrowSchema *out)
{
  producer *p = in->private_data;
  fixture_init(&p->schema, 0);
  fixture_add(&p->schema, "n", "i", NULL, NULL, NULL);
  *out = p->schema.schema;
  return 0;
}

static int get_next(struct ArrowArrayStream *in, struct ArrowArray *out)
{
  producer *p = in->private_data;
  int i = p->next++;
  out->release = NULL;
  if (p->fail_at && i + 1 == p->fail_at) {
    return 5;
  }
  if (i < p->batches) {
    for (int k = 0; k < 8; k++) {
      p->numbers[i][k] = i * 100 + k;
    }
    p->valid[i] = 0xFE;
    fixture_init(&p->batch[i], p->sizes[i]);
    fixture_add(&p->batch[i], "n", "i", &p->valid[i], p->numbers[i], NULL);
    *out = p->batch[i].array;
  }
  return 0;
}

static const char *get_last_error(struct ArrowArrayStream *in)
{
  (void)in;
  return "the cable is out";
}

static void release_stream(struct ArrowArrayStream *in)
{
  in->release = NULL;
}

static void producer_init(producer *p, int batches, const int64_t *sizes)
{
  memset(p, 0, sizeof *p);
  p->batches = batches;
  memcpy(p->sizes, sizes, (size_t)batches * sizeof *sizes);
  p->stream = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, p};
}

static int count_released(const producer *p)
{
  int n = p->schema.schemas_released;
  for (int i = 0; i < 8; i++) {
    n += p->batch[i].arrays_released;
  }
  return n;
}

static void concatenates_batches(void **state)
{
  static const int64_t sizes[] = {3, 0, 8, 1};
  static const double expected[] = {0, 1, 2, 200, 201, 202, 203, 204, 205, 206, 207, 300};
  producer p;
  grove_table *t = NULL;
  grove_error err;
  double out[12];
  (void)state;
  producer_init(&p, 4, sizes);
  check_ok_err(grove_table_import_stream(&p.stream, 0, &t, &err), &err);
  assert_int_equal(count_released(&p), 1 + 4);
  assert_non_null(p.stream.release); // stays the caller's
  assert_int_equal(grove_table_rows(t), 12);
  check_ok(grove_table_doubles(t, 0, 0, 12, out, NULL));
  for (int i = 0; i < 12; i++) {
    bool null = i == 0 || i == 3 || i == 11;
    assert_true(null ? out[i] != out[i] : out[i] == expected[i]);
  }
  grove_table_release(t);
}

static void one_batch_is_not_copied(void **state)
{
  static const int64_t sizes[] = {5};
  producer p;
  grove_table *t = NULL;
  (void)state;
  producer_init(&p, 1, sizes);
  check_ok(grove_table_import_stream(&p.stream, 0, &t, NULL));
  assert_int_equal(p.batch[0].arrays_released, 0);
  grove_table_release(t);
  assert_int_equal(p.batch[0].arrays_released, 1);
}

static void no_batch_is_an_empty_table(void **state)
{
  producer p;
  grove_table *t = NULL;
  (void)state;
  producer_init(&p, 0, (const int64_t[]){0});
  check_ok(grove_table_import_stream(&p.stream, 0, &t, NULL));
  assert_int_equal(grove_table_rows(t), 0);
  assert_string_equal(grove_table_format(t, 0), "i");
  grove_table_release(t);
}

static void streams_fail_in_words(void **state)
{
  static const int64_t sizes[] = {8, 8, 8, 8, 8, 8};
  producer p;
  grove_table *t = NULL;
  grove_error err = {0};
  (void)state;
  producer_init(&p, 6, sizes);
  p.fail_at = 3;
  check_status(grove_table_import_stream(&p.stream, 0, &t, &err), GROVE_EIO);
  check_contains(err.text, "get_next failed with 5: the cable is out");
  assert_null(t);
  assert_int_equal(count_released(&p), 1 + 2);
  producer_init(&p, 6, sizes);
  check_status(grove_table_import_stream(&p.stream, 150, &t, &err), GROVE_ELIMIT);
  check_contains(err.text, "memory_bytes = 150");
  assert_int_equal(count_released(&p), 1 + p.next);
  producer_init(&p, 6, sizes);
  check_ok(grove_table_import_stream(&p.stream, 1000, &t, &err));
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exports_a_struct),
      cmocka_unit_test(children_move_out),
      cmocka_unit_test(goes_out_and_in),
      cmocka_unit_test(allocation_failures_leave_nothing),
      cmocka_unit_test(concatenates_batches),
      cmocka_unit_test(one_batch_is_not_copied),
      cmocka_unit_test(no_batch_is_an_empty_table),
      cmocka_unit_test(streams_fail_in_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
