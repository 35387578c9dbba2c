// Arrow batches as lines of CSV and JSON.
#include "nested_fixture.h"
#include <math.h>

enum { TEXT_ROOM = 8192 };
typedef struct sink {
  char text[TEXT_ROOM];
  size_t n, calls;
  bool fails;
} sink;

static grove_status take(void *user, const void *bytes, size_t n, grove_error *err)
{
  sink *s = user;
  (void)err;
  s->calls++;
  if (s->fails) {
    return GROVE_EIO;
  }
  for (size_t i = 0; i < n; i++, s->n++) {
    s->text[s->n % (TEXT_ROOM - 1)] = ((const char *)bytes)[i];
  }
  s->text[s->n < TEXT_ROOM ? s->n : TEXT_ROOM - 1] = 0;
  return GROVE_OK;
}

#define LINES(s, ...)                                                                              \
  (&(grove_lines_options){.struct_size = sizeof(grove_lines_options), .put = take, .user = s,      \
      __VA_ARGS__})

static grove_status put_all(const struct ArrowSchema *schema, const struct ArrowArray *batch,
    const grove_lines_options *o, grove_error *err)
{
  grove_lines *l = NULL;
  grove_status s = grove_lines_create(schema, o, &l, err);
  assert_true((s == GROVE_OK) == (l != NULL));
  if (!s) {
    s = grove_lines_put(l, batch, 0, (uint64_t)batch->length, err);
  }
  grove_lines_destroy(l);
  return s;
}

static void check_lines(fixture *f, const grove_lines_options *o, const char *expected)
{
  sink *s = o->user;
  grove_error err = {0};
  s->n = 0;
  s->text[0] = 0;
  check_ok_err(put_all(&f->schema, &f->array, o, &err), &err);
  assert_string_equal(s->text, expected);
}

static void check_one(
    const char *format, const void *value, const void *data, const char *csv, const char *json)
{
  fixture f;
  sink s = {0};
  char both[256];
  fixture_init(&f, 1);
  fixture_add(&f, "x", format, NULL, value, data);
  snprintf(both, sizeof both, "x\n%s\n", csv);
  check_lines(&f, LINES(&s, .form = GROVE_LINES_CSV), both);
  snprintf(both, sizeof both, "{\"x\":%s}\n", json);
  check_lines(&f, LINES(&s, .form = GROVE_LINES_JSON), both);
}

#define check_number(format, type, value, text) check_one(format, &(type){value}, NULL, text, text)
#define check_word(format, type, value, text)                                                      \
  check_one(format, &(type){value}, NULL, text, "\"" text "\"")

static void numbers(void **state)
{
  (void)state;
  check_number("c", int8_t, -128, "-128");
  check_number("C", uint8_t, 255, "255");
  check_number("s", int16_t, -32768, "-32768");
  check_number("S", uint16_t, 65535, "65535");
  check_number("i", int32_t, INT32_MIN, "-2147483648");
  check_number("I", uint32_t, UINT32_MAX, "4294967295");
  check_number("l", int64_t, INT64_MIN, "-9223372036854775808");
  check_number("L", uint64_t, UINT64_MAX, "18446744073709551615");
  check_number("tDs", int64_t, -5, "-5");
  check_number("b", uint8_t, 1, "true");
  check_number("b", uint8_t, 2, "false");
  check_number("g", double, 0.1, "0.1");
  check_number("g", double, -12.34, "-12.34");
  check_number("g", double, 1234567.125, "1234567.125");
  check_number("g", double, 0.30000000000000004, "0.30000000000000004");
  check_number("g", double, 0, "0");
  check_number("g", double, -0.0, "-0");
  check_number("g", double, 1e22, "1e+22");
  check_number("g", double, 0.0001, "0.0001");
  check_number("g", double, 0.00001, "1e-05");
  check_number("g", double, 999999999, "999999999");
  check_number("g", double, 1e15, "1e+15");
  check_number("f", float, 0.1f, "0.1");
  check_number("f", float, 16777216, "16777216");
  check_number("e", uint16_t, 0x3c00, "1");
  check_number("e", uint16_t, 0x2e66, "0.099975586");
  check_word("g", double, NAN, "NaN");
  check_word("g", double, -INFINITY, "-inf");
}

static void decimals_dates_and_times(void **state)
{
  (void)state;
  check_number("d:9,2,32", int32_t, -12345, "-123.45");
  check_number("d:9,4,64", int64_t, 5, "0.0005");
  check_number("d:9,-2,64", int64_t, 7, "700");
  check_word("tdD", int32_t, 0, "1970-01-01");
  check_word("tdD", int32_t, -1, "1969-12-31");
  check_word("tdD", int32_t, 19782, "2024-02-29");
  check_word("tdD", int32_t, 2932897, "+10000-01-01");
  check_word("tdD", int32_t, -719529, "-0001-12-31");
  check_word("tdm", int64_t, -1, "1969-12-31");
  check_word("tts", int32_t, 86399, "23:59:59");
  check_word("ttm", int32_t, 61001, "00:01:01.001");
  check_word("ttn", int64_t, 1, "00:00:00.000000001");
  check_word("tsu:", int64_t, -1, "1969-12-31T23:59:59.999999");
  check_word("tss:UTC", int64_t, 1700000000, "2023-11-14T22:13:20Z");
  check_word("tsn:", int64_t, INT64_MAX, "2262-04-11T23:47:16.854775807");
  check_word("tss:", int64_t, 253402300800, "+10000-01-01T00:00:00");
}

static void texts(void **state)
{
  static const int32_t offsets[] = {0, 0, 5, 8, 12, 16};
  static const char data[] = "plaina,b\"q\"\nl\x01\xc3\xa9";
  static const int32_t bytes[] = {0, 0, 2, 2, 2, 3};
  static const uint8_t valid[] = {0x1d};
  sink s = {0};
  fixture f;
  (void)state;
  fixture_init(&f, 5);
  fixture_add(&f, "a \"b\"", "u", NULL, offsets, data);
  fixture_add(&f, "z", "z", valid, bytes, "\xab\x0f\xff");
  check_lines(&f, LINES(&s, 0),
      "\"a \"\"b\"\"\",z\n\"\",\"\"\nplain,\n\"a,b\",\"\"\n\"\"\"q\"\"\n\",\"\"\nl\x01\xc3\xa9,ff\n");
  check_lines(&f, LINES(&s, .form = GROVE_LINES_JSON),
      "{\"a \\\"b\\\"\":\"\",\"z\":\"\"}\n{\"a \\\"b\\\"\":\"plain\",\"z\":null}\n"
      "{\"a \\\"b\\\"\":\"a,b\",\"z\":\"\"}\n{\"a \\\"b\\\"\":\"\\\"q\\\"\\n\",\"z\":\"\"}\n"
      "{\"a \\\"b\\\"\":\"l\\u0001\xc3\xa9\",\"z\":\"ff\"}\n");
  check_lines(&f, LINES(&s, .delimiter = ';', .quote = '\'', .no_header = 1),
      "'';''\nplain;\na,b;''\n'\"q\"\n';''\nl\x01\xc3\xa9;ff\n");
}

// What has a form in JSON alone, and what is not of its schema's shape.
static void nested_values(void **state)
{
  nested f;
  sink s = {0};
  grove_error err;
  (void)state;
  nested_init(&f);
  check_ok(put_all(&f.schema, &f.array, LINES(&s, .form = GROVE_LINES_JSON), &err));
  assert_string_equal(s.text, NESTED_ROW_0 NESTED_ROW_1 NESTED_ROW_2);
  assert_int_equal(put_all(&f.schema, &f.array, LINES(&s, 0), &err), GROVE_ENOTSUP);
  assert_string_equal(err.text,
      "column \"list\": format \"+l\": lists, maps and structs have no place in CSV; JSON has");
  f.in.n_children = 0;
  assert_int_equal(
      put_all(&f.schema, &f.array, LINES(&s, .form = GROVE_LINES_JSON), &err), GROVE_ECORRUPT);
  f.in_map_f[0] = &f.key_f;
  assert_int_equal(
      put_all(&f.schema, &f.array, LINES(&s, .form = GROVE_LINES_JSON), &err), GROVE_ECORRUPT);
  assert_string_equal(
      err.text, "column \"map\": format \"+m\": a map's entries are a struct of two");
}

static void dictionaries(void **state)
{
  static const int32_t offsets[] = {0, 3, 6};
  int8_t codes[] = {1, 0, 1};
  fixture f;
  sink s = {0};
  grove_error err;
  (void)state;
  fixture_init(&f, 3);
  fixture_add(&f, "d", "c", NULL, codes, NULL);
  fixture_add_dictionary(&f, 0, 2, offsets, "redtan");
  check_lines(&f, LINES(&s, 0), "d\ntan\nred\ntan\n");
  codes[1] = -1;
  assert_int_equal(put_all(&f.schema, &f.array, LINES(&s, 0), &err), GROVE_ECORRUPT);
  codes[1] = 2;
  assert_int_equal(put_all(&f.schema, &f.array, LINES(&s, 0), &err), GROVE_ECORRUPT);
  assert_string_equal(err.text, "row 1: a code that is not in its dictionary");
}

static void rows_of_a_batch_and_refusals(void **state)
{
  static const int64_t values[] = {1, 2, 3, 4};
  fixture f;
  sink s = {0};
  grove_lines *l = NULL;
  grove_error err;
  (void)state;
  fixture_init(&f, 4);
  fixture_add(&f, "x", "l", NULL, values, NULL);
  check_ok(grove_lines_create(&f.schema, LINES(&s, .no_header = 1), &l, NULL));
  check_ok(grove_lines_put(l, &f.array, 1, 2, NULL));
  check_ok(grove_lines_put(l, &f.array, 4, 0, NULL));
  assert_string_equal(s.text, "2\n3\n");
  assert_int_equal(grove_lines_put(l, &f.array, 3, 2, &err), GROVE_EINVAL);
  assert_int_equal(grove_lines_put(l, &f.array, 5, 0, &err), GROVE_EINVAL);
  s.fails = true;
  assert_int_equal(grove_lines_put(l, &f.array, 0, 4, &err), GROVE_EIO);
  grove_lines_destroy(l);
  assert_int_equal(put_all(&f.schema, &f.array, LINES(&s, 0), &err), GROVE_EIO);
  assert_int_equal(
      put_all(&f.schema, &f.array, LINES(&s, .delimiter = '"'), &err), GROVE_EINVAL);
  assert_int_equal(
      put_all(&f.schema, &f.array, LINES(&s, .delimiter = '\n'), &err), GROVE_EINVAL);
  assert_int_equal(put_all(&f.schema, &f.array, LINES(&s, .form = 2), &err), GROVE_EINVAL);
  f.field[0].format = "vu";
  assert_int_equal(put_all(&f.schema, &f.array, LINES(&s, 0), &err), GROVE_ENOTSUP);
  f.field[0].format = "u";
  s.fails = false;
  assert_int_equal(put_all(&f.schema, &f.array, LINES(&s, 0), &err), GROVE_ECORRUPT);
}

// What is written reads back as the same table: many doubles of many sizes, and texts with all that has to be quoted.
static void round_trip(void **state)
{
  enum { N = 2000 };
  static double numbers[N];
  static int32_t offsets[N + 1];
  static char data[N * 4], text[1 << 18];
  uint64_t seed = 7;
  size_t used = 0;
  fixture f;
  grove_table *t = NULL;
  grove_error err = {0};
  (void)state;
  for (size_t i = 0; i < N; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    int64_t whole = (int64_t)(seed >> 20) % 1000000;
    numbers[i] = i % 4 == 0   ? (double)whole / 100
                 : i % 4 == 1 ? -(double)whole / 3
                 : i % 4 == 2 ? ldexp((double)whole, (int)(seed >> 60) * 40 - 300)
                              : (double)(float)((double)whole / 1000);
    for (size_t k = 0; k < (seed >> 33) % 4; k++) {
      data[used++] = "a,\"\n\r;b "[(seed >> (40 + 3 * k)) % 8];
    }
    offsets[i + 1] = (int32_t)used;
  }
  fixture_init(&f, N);
  fixture_add(&f, "n", "g", NULL, numbers, NULL);
  fixture_add(&f, "t", "u", NULL, offsets, data);
  FILE *file = fmemopen(text, sizeof text, "w");
  grove_lines *l = NULL;
  sink s = {0};
  assert_non_null(file);
  check_ok(grove_lines_create(&f.schema, LINES(&s, 0), &l, NULL));
  for (uint64_t i = 0; i < N; i += 100) {
    check_ok(grove_lines_put(l, &f.array, i, 100, NULL));
    assert_true(s.n < TEXT_ROOM);
    fwrite(s.text, 1, s.n, file);
    s.n = 0;
  }
  size_t n = (size_t)ftell(file);
  fclose(file);
  grove_lines_destroy(l);
  static const char *const no_nulls[] = {"NULL", NULL};
  grove_csv_options o = {.struct_size = sizeof o, .nulls = no_nulls};
  check_ok_err(grove_csv_parse(text, n, &o, &t, &err), &err);
  assert_int_equal(grove_table_rows(t), N);
  struct ArrowArray back;
  struct ArrowSchema schema;
  check_ok(grove_table_export(t, &back, &schema, &err));
  assert_memory_equal(back.children[0]->buffers[1], numbers, sizeof numbers);
  assert_memory_equal(back.children[1]->buffers[1], offsets, sizeof offsets);
  assert_memory_equal(back.children[1]->buffers[2], data, used);
  back.release(&back);
  schema.release(&schema);
  grove_table_release(t);
}

// A null that is all of its line: an empty line would be no row.
static void a_null_by_itself(void **state)
{
  static const int64_t values[] = {1, 0, 3};
  static const uint8_t valid[] = {5};
  fixture f;
  sink s = {0};
  grove_lines *l = NULL;
  grove_table *t = NULL;
  (void)state;
  fixture_init(&f, 3);
  fixture_add(&f, "n", "l", valid, values, NULL)->null_count = 1;
  check_ok(grove_lines_create(&f.schema, LINES(&s, 0), &l, NULL));
  check_ok(grove_lines_put(l, &f.array, 0, 3, NULL));
  grove_lines_destroy(l);
  assert_string_equal(s.text, "n\n1\n\"\"\n3\n");
  check_ok(grove_csv_parse(s.text, s.n, NULL, &t, NULL));
  assert_int_equal(grove_table_rows(t), 3);
  assert_string_equal(grove_table_format(t, 0), "l");
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers),
      cmocka_unit_test(decimals_dates_and_times),
      cmocka_unit_test(texts),
      cmocka_unit_test(nested_values),
      cmocka_unit_test(dictionaries),
      cmocka_unit_test(rows_of_a_batch_and_refusals),
      cmocka_unit_test(round_trip),
      cmocka_unit_test(a_null_by_itself),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
