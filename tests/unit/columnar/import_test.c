// In at Arrow's door: what is taken, and what is refused in which words.
#include "arrow_fixture.h"
#include "columnar/import.h"
#include <math.h>

static const double numbers[] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19};
static const int32_t offsets[] = {0, 1, 3, 3, 6, 7, 8, 9, 10, 11};

static grove_table *import(fixture *f)
{
  grove_table *t = NULL;
  grove_error err = {0};
  check_ok_err(grove_table_import(&f->array, &f->schema, &t, &err), &err);
  assert_null(f->array.release);
  assert_null(f->schema.release);
  assert_int_equal(f->schemas_released, 1);
  return t;
}

static void check_text(const grove_table *t, size_t column, size_t row, const char *text)
{
  grove__column_view v;
  grove__table_view(t, column, &v);
  const int32_t *o = (const int32_t *)v.values + v.offset + row;
  assert_int_equal(o[1] - o[0], strlen(text));
  assert_memory_equal((const char *)v.data + o[0], text, strlen(text));
}

static void check_valid(const grove_table *t, size_t column, size_t row, bool valid)
{
  grove__column_view v;
  grove__table_view(t, column, &v);
  size_t i = (size_t)v.offset + row;
  assert_int_equal(!v.validity || v.validity[i / 8] >> i % 8 & 1, valid);
}

static void shares_the_producers_memory(void **state)
{
  fixture f;
  double out[3];
  (void)state;
  fixture_init(&f, 3);
  fixture_add(&f, "x", "g", NULL, numbers, NULL);
  fixture_add(&f, "s", "u", NULL, offsets, "abcdef");
  fixture_add(&f, "n", "n", NULL, NULL, NULL);
  grove_table *t = import(&f);
  grove__column_view v;
  grove__table_view(t, 0, &v);
  assert_ptr_equal(v.values, numbers);
  assert_int_equal(grove_table_rows(t), 3);
  assert_int_equal(grove_table_columns(t), 3);
  assert_string_equal(grove_table_name(t, 1), "s");
  assert_string_equal(grove_table_format(t, 2), "n");
  assert_null(grove_table_name(t, 3));
  assert_int_equal(grove_table_bytes(t), 3 * 8 + 4 * 4 + 3);
  check_text(t, 1, 1, "bc");
  check_ok(grove_table_doubles(t, 2, 0, 3, out, NULL));
  assert_true(isnan(out[0]) && isnan(out[2]));
  assert_int_equal(f.arrays_released, 0);
  grove_table_release(grove_table_retain(t));
  assert_int_equal(f.arrays_released, 0);
  grove_table_release(t);
  assert_int_equal(f.arrays_released, 1);
}

// Offsets of parent and child add up; a null row of the struct is null in every column.
static void offsets_and_null_rows(void **state)
{
  static const uint8_t rows[] = {0xBF, 0xFF};   // row 6 of the struct is null
  static const uint8_t values[] = {0xFF, 0xFD}; // value 9 is null
  fixture f;
  double out[4];
  (void)state;
  fixture_init(&f, 4);
  f.array.offset = 5; // rows 5 to 8 of the struct
  f.array.null_count = -1;
  f.buffers[FIXTURE_COLUMNS][0] = rows;
  struct ArrowArray *x = fixture_add(&f, "x", "g", values, numbers, NULL);
  fixture_add(&f, "s", "u", NULL, offsets, "abcdefghijk");
  x->offset = 2;
  grove_table *t = import(&f);
  check_ok(grove_table_doubles(t, 0, 0, 4, out, NULL));
  assert_true(out[0] == 7 && isnan(out[1]) && isnan(out[2]) && out[3] == 10);
  check_text(t, 1, 0, "h");
  check_valid(t, 1, 0, true);
  check_valid(t, 1, 1, false);
  check_valid(t, 1, 2, true);
  grove_table_release(t);
}

static void decodes_dictionaries(void **state)
{
  static const int8_t indices[] = {2, 0, -1, 1};
  static const uint8_t valid[] = {0x0B};
  fixture f;
  (void)state;
  fixture_init(&f, 4);
  fixture_add(&f, "d", "c", valid, indices, NULL);
  fixture_add_dictionary(&f, 0, 3, offsets, "abc");
  grove_table *t = import(&f);
  assert_string_equal(grove_table_format(t, 0), "u");
  check_text(t, 0, 0, "");
  check_text(t, 0, 1, "a");
  check_valid(t, 0, 2, false);
  check_text(t, 0, 3, "bc");
  grove_table_release(t);
}

typedef struct text_view {
  int32_t length;
  char head[4];
  int32_t buffer, offset;
} text_view;

static struct ArrowArray *add_views(fixture *f, const text_view *views, const int64_t *sizes)
{
  struct ArrowArray *a = fixture_add(f, "v", "vu", NULL, views, "????0123456789abcdef");
  f->buffers[0][3] = sizes;
  a->n_buffers = 4;
  return a;
}

static void decodes_views(void **state)
{
  static const int64_t sizes[] = {20};
  text_view views[] = {{3, "abc", 0, 0}, {13, "0123", 0, 4}, {0, "", 0, 0}};
  fixture f;
  (void)state;
  fixture_init(&f, 3);
  add_views(&f, views, sizes);
  grove_table *t = import(&f);
  assert_string_equal(grove_table_format(t, 0), "u");
  check_text(t, 0, 0, "abc");
  check_text(t, 0, 1, "0123456789abc");
  check_text(t, 0, 2, "");
  grove_table_release(t);
}

static void misaligned_values_are_copied(void **state)
{
  char bytes[33] = {0};
  double two = 2;
  double out[4];
  fixture f;
  (void)state;
  memcpy(bytes + 1 + 16, &two, sizeof two);
  fixture_init(&f, 4);
  fixture_add(&f, "x", "g", NULL, bytes + 1, NULL);
  grove_table *t = import(&f);
  check_ok(grove_table_doubles(t, 0, 0, 4, out, NULL));
  assert_true(out[1] == 0 && out[2] == 2);
  grove_table_release(t);
}

static void no_rows_and_no_buffers(void **state)
{
  fixture f;
  (void)state;
  fixture_init(&f, 0);
  fixture_add(&f, "s", "U", NULL, NULL, "")->buffers[2] = NULL;
  fixture_add(&f, "x", "e", NULL, NULL, NULL);
  grove_table *t = import(&f);
  assert_int_equal(grove_table_rows(t), 0);
  check_ok(grove_table_doubles(t, 1, 0, 0, NULL, NULL));
  grove_table_release(t);
}

// ---- refused -----------------------------------------------------------------------------------

static void refuse(fixture *f, grove_status status, const char *words)
{
  grove_table *t = (grove_table *)(void *)f;
  grove_error err = {0};
  check_status(grove_table_import(&f->array, &f->schema, &t, &err), status);
  check_contains(err.text, words);
  assert_int_equal(err.status, status);
  assert_null(t);
  assert_non_null(f->array.release); // still the caller's
  assert_non_null(f->schema.release);
  assert_int_equal(f->arrays_released + f->schemas_released, 0);
}

static void refuses_layouts(void **state)
{
  static const char *const formats[] = {"+vl", "+vL", "+ud:0,1", "+r", "tin", "?"};
  fixture f;
  (void)state;
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
    char words[64];
    fixture_init(&f, 2);
    fixture_add(&f, "odd", formats[i], NULL, numbers, NULL);
    snprintf(words, sizeof words, "column \"odd\": format \"%s\" is ", formats[i]);
    refuse(&f, GROVE_ENOTSUP, words);
  }
  fixture_init(&f, 2);
  fixture_add(&f, "d", "d:19", NULL, numbers, NULL);
  refuse(&f, GROVE_ECORRUPT, "\"d:19\" is no Arrow format");
  fixture_init(&f, 2);
  f.schema.format = "g";
  refuse(&f, GROVE_ENOTSUP, "format \"g\" is no table");
}

static void refuses_counts(void **state)
{
  static const uint8_t valid[] = {0xFD};
  fixture f;
  (void)state;
#define BENT(statement, words)                                                                     \
  do {                                                                                             \
    fixture_init(&f, 4);                                                                           \
    struct ArrowArray *x = fixture_add(&f, "x", "g", valid, numbers, NULL);                        \
    (void)x;                                                                                       \
    statement;                                                                                     \
    refuse(&f, GROVE_ECORRUPT, words);                                                             \
  } while (0)
  BENT(x->length = 3, "column \"x\": 3 rows where the table wants 4");
  BENT(x->length = -1, "length -1");
  BENT(x->offset = -8, "offset -8");
  BENT(x->offset = INT64_MAX, "offset 9223372036854775807");
  BENT(x->null_count = -2, "null count -2");
  BENT(x->null_count = 5, "5 nulls in 4 rows");
  BENT(x->null_count = 2, "1 nulls where its null count says 2");
  BENT((x->null_count = 1, f.buffers[0][0] = NULL), "1 nulls without a validity buffer");
  BENT(x->n_buffers = 1, "1 buffers where format \"g\" has 2");
  BENT(x->n_buffers = 3, "3 buffers where format \"g\" has 2");
  BENT(x->buffers = NULL, "2 buffers");
  BENT(f.buffers[0][1] = NULL, "no values for 4 rows");
  BENT(x->n_children = 1, "1 children");
  BENT(x->release = NULL, "missing or released");
  BENT(f.array.n_children = 2, "2 columns where the schema has 1");
  BENT(f.array.length = -4, "length -4");
  BENT(f.array.n_buffers = 2, "2 buffers where a struct has one");
  BENT(f.array.null_count = 1, "1 null rows without a validity buffer");
  BENT(x->dictionary = &f.dictionary, "a dictionary in its array and none in its schema");
#undef BENT
}

static void refuses_texts(void **state)
{
  static const int32_t negative[] = {-1, 0, 1};
  static const int32_t falling[] = {0, 3, 2};
  static const int32_t split[] = {0, 1, 2};
  fixture f;
  (void)state;
  fixture_init(&f, 2);
  fixture_add(&f, "s", "u", NULL, negative, "abc");
  refuse(&f, GROVE_ECORRUPT, "row 0 begins at offset -1");
  fixture_init(&f, 2);
  fixture_add(&f, "s", "u", NULL, falling, "abc");
  refuse(&f, GROVE_ECORRUPT, "row 1 ends at offset 2, before its begin 3");
  fixture_init(&f, 2);
  fixture_add(&f, "s", "u", NULL, split, "\xc3\xa9"); // one character, cut in two
  refuse(&f, GROVE_ECORRUPT, "column \"s\": row 0 is not UTF-8");
  fixture_init(&f, 2);
  fixture_add(&f, "s", "z", NULL, split, "\xc3\xa9"); // as bytes it may be
  grove_table_release(import(&f));
  fixture_init(&f, 2);
  fixture_add(&f, "s", "u", "\2", split, "\xffz"); // what stands under a null may be anything
  grove_table_release(import(&f));
  fixture_init(&f, 2);
  fixture_add(&f, "s", "u", NULL, split, "ab");
  f.buffers[0][2] = NULL;
  refuse(&f, GROVE_ECORRUPT, "texts without a data buffer");
}

// Names that are no text; none and an empty one are names.
static void refuses_names(void **state)
{
  struct ArrowSchema item = {.format = "l", .name = "\xc3(", .release = fixture_release_schema};
  struct ArrowSchema *children[] = {&item};
  fixture f;
  (void)state;
  fixture_init(&f, 2);
  fixture_add(&f, "a", "l", NULL, numbers, NULL);
  fixture_add(&f, "b\xff", "l", NULL, numbers, NULL);
  refuse(&f, GROVE_ECORRUPT, "the name of column 1 is not UTF-8");
  fixture_init(&f, 2);
  fixture_add(&f, "s", "+s", NULL, NULL, NULL);
  f.field[0].n_children = 1;
  f.field[0].children = children;
  refuse(&f, GROVE_ECORRUPT, "column \"s\": the name of its child 0 is not UTF-8");
  fixture_init(&f, 2);
  fixture_add(&f, NULL, "l", NULL, numbers, NULL);
  fixture_add(&f, "", "l", NULL, numbers, NULL);
  grove_table *t = import(&f);
  assert_string_equal(grove_table_name(t, 0), "");
  assert_string_equal(grove_table_name(t, 1), "");
  grove_table_release(t);
}

static void refuses_indices_and_views(void **state)
{
  static const int8_t indices[] = {0, 3};
  static const int64_t sizes[] = {20};
  static const struct {
    text_view view;
    const char *words;
  } bad[] = {
      {{-1, "", 0, 0}, "row 0 has length -1"},
      {{13, "0123", 1, 4}, "lies at 4 of buffer 1, 13 bytes"},
      {{13, "0123", -1, 4}, "lies at 4 of buffer -1"},
      {{13, "0123", 0, 8}, "lies at 8 of buffer 0"},
      {{13, "0123", 0, -1}, "lies at -1 of buffer 0"},
      {{13, "012x", 0, 4}, "does not begin with its view's prefix"},
  };
  fixture f;
  (void)state;
  fixture_init(&f, 2);
  fixture_add(&f, "d", "c", NULL, indices, NULL);
  fixture_add_dictionary(&f, 0, 3, offsets, "abc");
  refuse(&f, GROVE_ECORRUPT, "column \"d\": row 1 has entry 3 of a dictionary of 3");
  fixture_init(&f, 2);
  fixture_add(&f, "d", "tdD", NULL, numbers, NULL);
  fixture_add_dictionary(&f, 0, 3, offsets, "abc");
  refuse(&f, GROVE_ECORRUPT, "dictionary indices of format \"tdD\"");
  fixture_init(&f, 1);
  fixture_add(&f, "d", "c", NULL, indices, NULL);
  fixture_add_dictionary(&f, 0, 3, offsets, "abc");
  f.dictionary.release = NULL; // moved out, or gone: Arrow says released of both
  refuse(&f, GROVE_ECORRUPT, "column \"d\": its dictionary is released");
  f.dictionary.release = fixture_release_array;
  f.dictionary_field.release = NULL;
  refuse(&f, GROVE_ECORRUPT, "column \"d\": the schema of its dictionary is released");
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    fixture_init(&f, 1);
    add_views(&f, &bad[i].view, sizes);
    refuse(&f, GROVE_ECORRUPT, bad[i].words);
  }
}

// All that an import may allocate: a dictionary, views, rows that are null in the struct, a copy.
static void make_costly(fixture *f)
{
  static const int8_t indices[] = {0, 1, 2};
  static const int64_t sizes[] = {20};
  static const text_view views[] = {{3, "abc", 0, 0}, {13, "0123", 0, 4}, {0, "", 0, 0}};
  static const uint8_t rows[] = {5};
  static const int32_t empty[] = {7, 7, 7, 7};
  fixture_init(f, 3);
  f->array.null_count = 1;
  f->buffers[FIXTURE_COLUMNS][0] = rows;
  add_views(f, views, sizes);
  fixture_add(f, "d", "c", NULL, indices, NULL);
  fixture_add_dictionary(f, 1, 3, offsets, "abc");
  fixture_add(f, "x", "f", NULL, (const char *)numbers + 1, NULL);
  fixture_add(f, "e", "u", NULL, empty, "");
}

static void allocation_failures_leave_nothing(void **state)
{
  (void)state;
  for (size_t at = 1;; at++) {
    check_memory m = {.fail_at = at};
    grove_allocator a = check_allocator(&m);
    grove_table *t = NULL;
    grove_error err = {0};
    fixture f;
    make_costly(&f);
    f.buffers[3][2] = NULL;
    grove_status s = grove__import_batch(&a, &f.array, &f.schema, &t, &err);
    if (!s) {
      check_text(t, 0, 0, "abc");
      check_valid(t, 1, 1, false);
      check_text(t, 3, 2, "");
    }
    grove_table_release(t);
    assert_int_equal(m.live_blocks, 0);
    assert_int_equal(f.arrays_released + f.schemas_released, 0);
    if (!s) {
      assert_true(at > 20);
      return;
    }
    check_status(s, GROVE_ENOMEM);
    check_status(err.status, GROVE_ENOMEM);
  }
}

static void refuses_misuse(void **state)
{
  fixture f;
  grove_table *t = NULL;
  (void)state;
  fixture_init(&f, 0);
  check_status(grove_table_import(NULL, &f.schema, &t, NULL), GROVE_EINVAL);
  f.array.release = NULL;
  check_status(grove_table_import(&f.array, &f.schema, &t, NULL), GROVE_EINVAL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shares_the_producers_memory),
      cmocka_unit_test(offsets_and_null_rows),
      cmocka_unit_test(decodes_dictionaries),
      cmocka_unit_test(decodes_views),
      cmocka_unit_test(misaligned_values_are_copied),
      cmocka_unit_test(no_rows_and_no_buffers),
      cmocka_unit_test(refuses_layouts),
      cmocka_unit_test(refuses_counts),
      cmocka_unit_test(refuses_texts),
      cmocka_unit_test(refuses_names),
      cmocka_unit_test(refuses_indices_and_views),
      cmocka_unit_test(allocation_failures_leave_nothing),
      cmocka_unit_test(refuses_misuse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
