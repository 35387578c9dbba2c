// Lists, maps and structs through a table.
#include "nested_fixture.h"

static grove_table *import(nested *f)
{
  grove_table *t = NULL;
  grove_error err = {0};
  check_ok_err(grove_table_import(&f->array, &f->schema, &t, &err), &err);
  return t;
}

static void check_table(const grove_table *t, const char *expected)
{
  struct ArrowArray array;
  struct ArrowSchema schema;
  nested_text text;
  check_ok(grove_table_export(t, &array, &schema, NULL));
  assert_string_equal(nested_show(&schema, &array, &text), expected);
  array.release(&array);
  schema.release(&schema);
}

static void in_and_out(void **state)
{
  nested f;
  struct ArrowArray array;
  struct ArrowSchema schema;
  (void)state;
  nested_init(&f);
  grove_table *t = import(&f);
  assert_string_equal(grove_table_format(t, 0), "+l");
  check_table(t, NESTED_ROW_0 NESTED_ROW_1 NESTED_ROW_2);
  check_ok(grove_table_export(t, &array, &schema, NULL));
  grove_table_release(t);
  // A child that is moved out lives on without its parents.
  struct ArrowArray moved = *array.children[0]->children[0];
  array.children[0]->children[0]->release = NULL;
  array.release(&array);
  assert_int_equal(((const int32_t *)moved.buffers[1])[3], 4);
  moved.release(&moved);
  assert_int_equal(schema.children[1]->children[0]->flags, 0); // entries and keys are not nullable
  assert_int_equal(schema.children[1]->children[0]->children[0]->flags, 0);
  assert_int_equal(schema.children[1]->children[0]->children[1]->flags, ARROW_FLAG_NULLABLE);
  schema.release(&schema);
}

// Rows 1 and 2 as a slice: the struct's offset counts for its children, on top of theirs.
static void slices(void **state)
{
  nested f;
  (void)state;
  nested_init(&f);
  f.array.offset = 1;
  f.array.length = 2;
  grove_table *t = import(&f);
  check_table(t, NESTED_ROW_1 NESTED_ROW_2);
  grove_table_release(t);
  nested_init(&f);
  for (int i = 0; i < 3; i++) {
    f.in_array[i]->offset = 2;
    f.in_array[i]->length = 1;
  }
  f.array.length = 1;
  t = import(&f);
  check_table(t, NESTED_ROW_2);
  grove_table_release(t);
}

static void no_rows(void **state)
{
  nested f;
  (void)state;
  nested_init(&f);
  f.array.length = f.list.length = f.map.length = f.pair.length = 0;
  f.buffers[1][0] = f.buffers[1][1] = f.buffers[4][1] = NULL;
  grove_table *t = import(&f);
  check_table(t, "");
  grove_table_release(t);
}

static void taken_rows(void **state)
{
  static const uint64_t rows[] = {2, 0, 1, 2};
  nested f;
  grove_table *some = NULL;
  (void)state;
  nested_init(&f);
  grove_table *t = import(&f);
  check_ok(grove_table_take(t, rows, 4, &some, NULL));
  grove_table_release(t);
  check_table(some, NESTED_ROW_2 NESTED_ROW_0 NESTED_ROW_1 NESTED_ROW_2);
  grove_table_release(some);
}

// ---- streams -----------------------------------------------------------------------------------

typedef struct feed {
  nested batches[3];
  int next, n;
} feed;

static int feed_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
  feed *f = s->private_data;
  *out = f->batches[0].schema;
  return 0;
}
static int feed_next(struct ArrowArrayStream *s, struct ArrowArray *out)
{
  feed *f = s->private_data;
  *out = (struct ArrowArray){0};
  if (f->next < f->n) {
    *out = f->batches[f->next++].array;
  }
  return 0;
}
static void feed_release(struct ArrowArrayStream *s)
{
  s->release = NULL;
}

static void batches_of_a_stream(void **state)
{
  static const char *const expected[] = {"", NESTED_ROW_0 NESTED_ROW_1 NESTED_ROW_2,
      NESTED_ROW_0 NESTED_ROW_1 NESTED_ROW_2 NESTED_ROW_1 NESTED_ROW_2,
      NESTED_ROW_0 NESTED_ROW_1 NESTED_ROW_2 NESTED_ROW_1 NESTED_ROW_2 NESTED_ROW_0};
  (void)state;
  for (int n = 0; n <= 3; n++) {
    static feed f;
    grove_table *t = NULL;
    grove_error err = {0};
    f.next = 0;
    f.n = n;
    for (int i = 0; i < 3; i++) {
      nested_init(&f.batches[i]);
    }
    f.batches[1].array.offset = 1;
    f.batches[1].array.length = 2;
    f.batches[2].array.length = 1;
    struct ArrowArrayStream in = {.get_schema = feed_schema,
        .get_next = feed_next,
        .release = feed_release,
        .private_data = &f};
    check_ok_err(grove_table_import_stream(&in, 0, &t, &err), &err);
    check_table(t, expected[n]);
    grove_table_release(t);
  }
}

// ---- refused -----------------------------------------------------------------------------------

static void refuse(nested *f, grove_status status, const char *words)
{
  grove_table *t = NULL;
  grove_error err = {0};
  check_status(grove_table_import(&f->array, &f->schema, &t, &err), status);
  check_contains(err.text, words);
  assert_null(t);
  assert_non_null(f->array.release);
}

#define REFUSE(status, words, change)                                                              \
  do {                                                                                             \
    nested_init(&f);                                                                               \
    change;                                                                                        \
    refuse(&f, status, words);                                                                     \
  } while (0)

static void refuses_what_does_not_fit(void **state)
{
  nested f;
  (void)state;
  REFUSE(GROVE_ECORRUPT, "column \"list\": row 0 begins at offset -1", f.outer[0] = -1);
  REFUSE(GROVE_ECORRUPT, "column \"list\": row 1 ends at offset 1, before its begin 2",
      f.outer[2] = 1);
  REFUSE(GROVE_ECORRUPT, "column \"list\": column \"item\": 3 rows where the table wants 4",
      f.outer[3] = 4);
  REFUSE(GROVE_ECORRUPT, "column \"list\": column \"item\": column \"item\": 4 rows",
      f.inner[3] = 5);
  REFUSE(GROVE_ECORRUPT, "column \"map\": column \"entries\": column \"key\": 2 rows",
      f.key.length = 2);
  REFUSE(GROVE_ECORRUPT, "column \"pair\": column \"y\": column \"item\": 5 rows",
      f.y_item.length = 5);
  REFUSE(GROVE_ECORRUPT, "column \"pair\": column \"x\": 2 rows", f.x.length = 2);
  REFUSE(GROVE_ECORRUPT, "the array of its child 1 is missing", f.in_pair[1] = NULL);
  REFUSE(GROVE_ECORRUPT, "the array of its child 0 is missing", f.item.release = NULL);
  REFUSE(GROVE_ECORRUPT, "column \"list\": 0 children", f.list.n_children = 0);
  REFUSE(GROVE_ECORRUPT, "column \"list\": 2 children", f.list_f.n_children = 2);
  REFUSE(GROVE_ECORRUPT, "column \"list\": child 0 is missing", f.in_list_f[0] = NULL);
  REFUSE(GROVE_ECORRUPT, "a map's child is a struct of keys and values",
      f.entry_f.n_children = f.entry.n_children = 1);
  REFUSE(GROVE_ECORRUPT, "column \"list\": 1 buffers", f.list.n_buffers = 1);
  REFUSE(GROVE_ECORRUPT, "length -1", f.item.length = -1);
  REFUSE(GROVE_ECORRUPT, "\"+w:x\" is no Arrow format", f.y_f.format = "+w:x");
  REFUSE(GROVE_ECORRUPT, "more items than there can be", f.y_f.format = "+w:999999999";
         f.array.offset = INT64_MAX / 128; f.list_f = f.map_f = f.x_f = f.item_f;
         f.list_f.format = f.map_f.format = f.x_f.format = "n"; f.list = f.map = f.x = f.item;
         f.list.n_buffers = f.map.n_buffers = f.x.n_buffers = 0;
         f.list.length = f.map.length = f.x.length = f.pair.length = f.y.length = INT64_MAX / 64;
         f.buffers[7][0] = NULL);
  REFUSE(GROVE_ENOTSUP, "a dictionary of nested values", f.x_f.dictionary = &f.list_f;
         f.x.dictionary = &f.list);
  REFUSE(GROVE_ELIMIT, "nested in more than 64 levels", f.in_in_f[0] = &f.in_f);
}

static grove_status hear_nothing(void *user, const char *key, const uint64_t *rows, size_t n)
{
  (void)user, (void)key, (void)rows, (void)n;
  return GROVE_EINTERNAL;
}

static void no_numbers_and_no_keys(void **state)
{
  nested f;
  double out[3];
  uint64_t order[3];
  grove_error err;
  (void)state;
  nested_init(&f);
  grove_table *t = import(&f);
  check_status(grove_table_doubles(t, 0, 0, 3, out, &err), GROVE_ENOTSUP);
  check_status(grove_table_group(t, 2, order, hear_nothing, NULL, &err), GROVE_ENOTSUP);
  check_contains(err.text, "column \"pair\" is a struct, which is no key");
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(in_and_out),
      cmocka_unit_test(slices),
      cmocka_unit_test(no_rows),
      cmocka_unit_test(taken_rows),
      cmocka_unit_test(batches_of_a_stream),
      cmocka_unit_test(refuses_what_does_not_fit),
      cmocka_unit_test(no_numbers_and_no_keys),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
