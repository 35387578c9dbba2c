// Build, look, find, doubles, take, split and group.
#include "base/alloc.h"
#include "check.h"
#include "columnar/build.h"
#include <math.h>

static void *copy_bytes(const grove_allocator *a, const void *bytes, size_t n)
{
  void *p = grove__alloc(a, n);
  assert_non_null(p);
  memcpy(p, bytes, n);
  return p;
}

// "id": 0 to 4, "score": 1.5 null 2.5 1.5 null, "flag": bits, "name": "b" "" "a" "b" null
static grove_table *make_table(check_memory *m)
{
  static const int32_t ids[] = {0, 1, 2, 3, 4};
  static const double scores[] = {1.5, 9, 2.5, 1.5, 9};
  static const int32_t offsets[] = {0, 1, 1, 2, 3, 3};
  grove_allocator a = check_allocator(m);
  grove__column c[4] = {
      {.name = "id", .format = "i", .values_bytes = sizeof ids},
      {.name = "score",
          .format = "g",
          .nulls = 2,
          .validity_bytes = 1,
          .values_bytes = sizeof scores},
      {.name = "flag", .format = "b", .values_bytes = 1},
      {.name = "name",
          .format = "u",
          .nulls = 1,
          .validity_bytes = 1,
          .values_bytes = sizeof offsets,
          .data_bytes = 3},
  };
  grove_table *t = NULL;
  grove_error err;
  c[0].values = copy_bytes(&a, ids, sizeof ids);
  c[1].validity = copy_bytes(&a, "\x0D", 1);
  c[1].values = copy_bytes(&a, scores, sizeof scores);
  c[2].values = copy_bytes(&a, "\x12", 1);
  c[3].validity = copy_bytes(&a, "\x0F", 1);
  c[3].values = copy_bytes(&a, offsets, sizeof offsets);
  c[3].data = copy_bytes(&a, "bab", 3);
  check_ok_err(grove__table_build(&a, c, 4, 5, &t, &err), &err);
  return t;
}

static void check_column(const grove_table *t, size_t column, const double *expected)
{
  double out[16];
  size_t n = grove_table_rows(t);
  assert_true(n <= 16);
  check_ok(grove_table_doubles(t, column, 0, n, out, NULL));
  for (size_t i = 0; i < n; i++) {
    if (isnan(expected[i]) ? !isnan(out[i]) : out[i] != expected[i]) {
      fail_msg("row %zu: %g, should be %g", i, out[i], expected[i]);
    }
  }
}

static void builds_and_frees(void **state)
{
  check_memory m = {0};
  grove_table *t = make_table(&m);
  (void)state;
  check_column(t, 0, (double[]){0, 1, 2, 3, 4});
  check_column(t, 1, (double[]){1.5, NAN, 2.5, 1.5, NAN});
  check_column(t, 2, (double[]){0, 1, 0, 0, 1});
  assert_int_equal(grove_table_bytes(t), 5 * 4 + 1 + 5 * 8 + 1 + 1 + 6 * 4 + 3);
  grove_table_release(t);
  grove_table_release(NULL);
  assert_int_equal(m.live_blocks, 0);
}

// A wrong column is our reader's mistake: it is named, and the buffers stay with the reader.
static void build_refuses_what_cannot_be(void **state)
{
  int32_t offsets[] = {0, 4};
  const struct {
    grove__column column;
    const char *words;
  } bad[] = {
      {{.name = "c", .format = "g", .values = offsets, .values_bytes = 7},
          "too few bytes of values"},
      {{.name = "c", .format = "g"}, "too few bytes of values"},
      {{.name = "c", .format = "i", .values = offsets, .values_bytes = 8, .nulls = 1},
          "count of nulls"},
      {{.name = "c", .format = "u", .values = offsets, .values_bytes = 8, .data_bytes = 3},
          "offsets past its data"},
      {{.name = "c", .format = "+l", .values = offsets, .values_bytes = 8}, "has not one child"},
      {{.name = "c", .format = "+vl", .values = offsets, .values_bytes = 8}, "no column is built"},
      {{.name = "c", .format = "n", .values = offsets, .values_bytes = 8}, "has buffers"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    grove_table *t = NULL;
    grove_error err = {0};
    check_status(grove__table_build(NULL, &bad[i].column, 1, 1, &t, &err), GROVE_EINTERNAL);
    check_contains(err.text, bad[i].words);
    check_contains(err.text, "column \"c\"");
    assert_null(t);
  }
}

static void find_suggests(void **state)
{
  check_memory m = {0};
  grove_table *t = make_table(&m);
  grove_error err = {0};
  size_t column = 99;
  (void)state;
  check_ok(grove_table_find(t, "name", &column, &err));
  assert_int_equal(column, 3);
  check_status(grove_table_find(t, "scroe", &column, &err), GROVE_ENOENT);
  check_contains(err.text, "did you mean \"score\"");
  check_contains(err.text, "id, score, flag, name");
  assert_int_equal(column, 3);
  grove_table_release(t);
}

static void doubles_say_what_they_cannot(void **state)
{
  check_memory m = {0};
  grove_table *t = make_table(&m);
  grove_error err = {0};
  double out[5] = {7};
  (void)state;
  check_status(grove_table_doubles(t, 3, 0, 5, out, &err), GROVE_ENOTSUP);
  assert_string_equal(err.text, "column \"name\" is text, not numbers: row 1 has \"b\"");
  assert_int_equal(err.at, 0);
  check_status(grove_table_doubles(t, 1, 2, 4, out, &err), GROVE_EINVAL);
  check_contains(err.text, "rows 2 to 6 of column \"score\", which has 5");
  check_status(grove_table_doubles(t, 4, 0, 1, out, &err), GROVE_EINVAL);
  assert_true(out[0] == 7);
  check_ok(grove_table_doubles(t, 0, 4, 1, out, &err));
  assert_true(out[0] == 4);
  check_ok(grove_table_doubles(t, 0, 5, 0, out, &err));
  grove_table_release(t);
}

// One column of each number, 0 and a large or negative value.
static void doubles_of_every_number(void **state)
{
  static const struct {
    const char *format;
    uint8_t bytes[16];
    double value;
  } known[] = {
      {"c", {0xFE}, -2},
      {"C", {0xFE}, 254},
      {"s", {0, 0x80}, -32768},
      {"S", {0, 0x80}, 32768},
      {"i", {0, 0, 0, 0x80}, -2147483648.0},
      {"I", {0, 0, 0, 0x80}, 2147483648.0},
      {"l", {0, 0, 0, 0, 0, 0, 0, 0x80}, -9223372036854775808.0},
      {"L", {0, 0, 0, 0, 0, 0, 0, 0x80}, 9223372036854775808.0},
      {"e", {0x00, 0xC0}, -2},
      {"e", {0x01, 0x00}, 0x1p-24},
      {"e", {0x00, 0x7C}, INFINITY},
      {"e", {0xFF, 0x7B}, 65504},
      {"f", {0, 0, 0x80, 0xBF}, -1},
      {"d:10,2", {0x39, 0x30}, 123.45},
      {"d:9,1,32", {0xFF, 0xFF, 0xFF, 0xFF}, -0.1},
      {"d:18,-2,64", {1}, 100},
      {"tdD", {1}, 1},
      {"tss:UTC", {1}, 1},
      {"tDn", {1}, 1},
      {"ttm", {1}, 1},
  };
  (void)state;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    check_memory m = {0};
    grove_allocator a = check_allocator(&m);
    grove__column c = {.name = "x", .format = known[i].format, .values_bytes = 16};
    grove_table *t = NULL;
    double out = 0;
    c.values = copy_bytes(&a, known[i].bytes, 16);
    check_ok(grove__table_build(&a, &c, 1, 1, &t, NULL));
    check_ok(grove_table_doubles(t, 0, 0, 1, &out, NULL));
    if (out != known[i].value) {
      fail_msg("\"%s\": %g, should be %g", known[i].format, out, known[i].value);
    }
    grove_table_release(t);
    assert_int_equal(m.live_blocks, 0);
  }
}

static void takes_rows(void **state)
{
  static const uint64_t rows[] = {4, 2, 2, 0};
  check_memory m = {0};
  grove_table *t = make_table(&m);
  grove_table *some = NULL;
  grove_error err = {0};
  grove__column_view v;
  (void)state;
  check_ok_err(grove_table_take(t, rows, 4, &some, &err), &err);
  grove_table_release(t);
  assert_int_equal(grove_table_rows(some), 4);
  check_column(some, 0, (double[]){4, 2, 2, 0});
  check_column(some, 1, (double[]){NAN, 2.5, 2.5, 1.5});
  check_column(some, 2, (double[]){1, 0, 0, 0});
  grove__table_view(some, 3, &v);
  assert_memory_equal(v.values, ((int32_t[]){0, 0, 1, 2, 3}), 20);
  assert_memory_equal(v.data, "aab", 3);
  assert_int_equal(v.nulls, 1);
  t = some;
  check_status(grove_table_take(t, (uint64_t[]){0, 4}, 2, &some, &err), GROVE_EINVAL);
  assert_int_equal(err.at, 1);
  check_contains(err.text, "row 4 is wanted, the table has 4");
  assert_null(some);
  check_ok(grove_table_take(t, NULL, 0, &some, &err));
  assert_int_equal(grove_table_rows(some), 0);
  grove_table_release(some);
  grove_table_release(t);
  assert_int_equal(m.live_blocks, 0);
}

// The rows are scikit-learn 1.9's train_test_split(np.arange(n), test_size=part,
// random_state=seed).
static void splits_as_scikit_learn(void **state)
{
  static const struct {
    uint64_t rows, seed;
    double part;
    size_t first_rows, second_rows;
    double first[9], second[6];
  } known[] = {
      {10, 0, .2, 8, 2, {4, 9, 1, 6, 7, 3, 0, 5}, {2, 8}},
      {11, 42, .25, 8, 3, {10, 2, 1, 8, 4, 7, 3, 6}, {5, 0, 9}},
      {20640, 0, .2, 16512, 4128, {12069, 15925, 11162, 4904, 4683, 10796, 8839, 9033, 12439},
          {14740, 10101, 20566, 2670, 15709, 439}},
  };
  (void)state;
  for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
    grove_table *t = NULL;
    grove_table *first = NULL;
    grove_table *second = NULL;
    double out[9];
    double *numbers = malloc(known[k].rows * sizeof *numbers);
    assert_non_null(numbers);
    for (uint64_t i = 0; i < known[k].rows; i++) {
      numbers[i] = (double)i;
    }
    grove__column c = {
        .name = "i", .format = "g", .values = numbers, .values_bytes = known[k].rows * 8};
    check_ok(grove__table_build(NULL, &c, 1, known[k].rows, &t, NULL));
    check_ok(grove_table_split(t, known[k].part, known[k].seed, &first, &second, NULL));
    assert_int_equal(grove_table_rows(first), known[k].first_rows);
    assert_int_equal(grove_table_rows(second), known[k].second_rows);
    size_t n = known[k].first_rows < 9 ? known[k].first_rows : 9;
    check_ok(grove_table_doubles(first, 0, 0, n, out, NULL));
    assert_memory_equal(out, known[k].first, n * sizeof *out);
    n = known[k].second_rows < 6 ? known[k].second_rows : 6;
    check_ok(grove_table_doubles(second, 0, 0, n, out, NULL));
    assert_memory_equal(out, known[k].second, n * sizeof *out);
    grove_table_release(first);
    grove_table_release(second);
    grove_table_release(t);
  }
}

static void split_refuses(void **state)
{
  check_memory m = {0};
  grove_table *t = make_table(&m);
  grove_table *first = NULL;
  grove_table *second = NULL;
  grove_error err = {0};
  (void)state;
  check_status(grove_table_split(t, 0, 0, &first, &second, &err), GROVE_EINVAL);
  check_contains(err.text, "a part of 0");
  check_status(grove_table_split(t, NAN, 0, &first, &second, &err), GROVE_EINVAL);
  check_status(grove_table_split(t, 1, 0, &first, &second, &err), GROVE_EINVAL);
  check_status(grove_table_split(t, 0.99, 0, &first, &second, &err), GROVE_EINVAL);
  check_contains(err.text, "5 rows, split with a part of 0.99, leave one side without a row");
  check_status(grove_table_split(t, 0.5, (uint64_t)1 << 32, &first, &second, &err), GROVE_EINVAL);
  check_contains(err.text, "seed 4294967296");
  assert_null(first);
  assert_null(second);
  grove_table_release(t);
}

// ---- groups ------------------------------------------------------------------------------------

typedef struct heard {
  char text[256];
  const char *stop_at;
} heard;

static grove_status hear(void *user, const char *key, const uint64_t *rows, size_t n)
{
  heard *h = user;
  size_t used = strlen(h->text);
  used += (size_t)snprintf(h->text + used, sizeof h->text - used, "%s:", key ? key : "(null)");
  for (size_t i = 0; i < n; i++) {
    used += (size_t)snprintf(h->text + used, sizeof h->text - used, " %d", (int)rows[i]);
  }
  snprintf(h->text + used, sizeof h->text - used, "; ");
  return h->stop_at && key && strcmp(key, h->stop_at) == 0 ? GROVE_EUSER : GROVE_OK;
}

static void groups_by_first_sight(void **state)
{
  check_memory m = {0};
  grove_table *t = make_table(&m);
  uint64_t order[5];
  grove_error err = {0};
  heard by_name = {"", NULL};
  heard by_score = {"", NULL};
  heard by_flag = {"", NULL};
  heard stopped = {"", "1.5"};
  (void)state;
  check_ok(grove_table_group(t, 3, order, hear, &by_name, &err));
  assert_string_equal(by_name.text, "b: 0 3; : 1; a: 2; (null): 4; ");
  check_ok(grove_table_group(t, 1, order, hear, &by_score, &err));
  assert_string_equal(by_score.text, "1.5: 0 3; (null): 1 4; 2.5: 2; ");
  assert_memory_equal(order, ((uint64_t[]){0, 3, 1, 4, 2}), sizeof order);
  check_ok(grove_table_group(t, 2, order, hear, &by_flag, &err));
  assert_string_equal(by_flag.text, "false: 0 2 3; true: 1 4; ");
  check_status(grove_table_group(t, 1, order, hear, &stopped, &err), GROVE_EUSER);
  check_contains(err.text, "group 0 (\"1.5\") of column \"score\"");
  assert_string_equal(stopped.text, "1.5: 0 3; ");
  grove_table_release(t);
  assert_int_equal(m.live_blocks, 0);
}

static void check_key(const char *format, const void *value, size_t bytes, const char *expected)
{
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  grove__column c = {.name = "k", .format = format, .values_bytes = 16};
  grove_table *t = NULL;
  uint64_t order[1];
  heard h = {"", NULL};
  char padded[16] = {0};
  memcpy(padded, value, bytes);
  c.values = copy_bytes(&a, padded, 16);
  check_ok(grove__table_build(&a, &c, 1, 1, &t, NULL));
  check_ok(grove_table_group(t, 0, order, hear, &h, NULL));
  h.text[strlen(h.text) - strlen(": 0; ")] = 0;
  assert_string_equal(h.text, expected);
  grove_table_release(t);
}

static void keys_as_text(void **state)
{
  int64_t numbers[] = {-1, -1, 1700000000123, -62135596800, 11016, 0};
  double tenth = 0.1;
  float third = 1.0f / 3;
  (void)state;
  check_key("l", &numbers[0], 8, "-1");
  check_key("L", &numbers[0], 8, "18446744073709551615");
  check_key("C", &numbers[0], 1, "255");
  check_key("g", &tenth, 8, "0.1");
  check_key("f", &third, 4, "0.33333334");
  check_key("tsm:UTC", &numbers[2], 8, "2023-11-14T22:13:20.123");
  check_key("tss:", &numbers[3], 8, "0001-01-01T00:00:00");
  check_key("tsu:", &numbers[0], 8, "1969-12-31T23:59:59.999999");
  check_key("tdD", &numbers[4], 4, "2000-02-29");
  check_key("tdD", &numbers[0], 4, "1969-12-31");
  check_key("d:20,3", &numbers[0], 16, "-0.001");
  check_key("d:20,3", &numbers[4], 8, "11.016");
  check_key("d:20,-3", &numbers[4], 8, "11016000");
  check_key("d:20,-3", &numbers[5], 8, "0");
  check_key("d:20,2", &numbers[5], 8, "0.00");
  check_key("w:3", "\x01\xab\xff", 3, "01abff");
}

static void allocation_failures_leave_nothing(void **state)
{
  (void)state;
  for (size_t at = 1;; at++) {
    check_memory m = {0};
    grove_table *t = make_table(&m);
    grove_table *first = NULL;
    grove_table *second = NULL;
    uint64_t order[5];
    heard h = {"", NULL};
    m.fail_at = at;
    grove_status s = grove_table_split(t, 0.4, 1, &first, &second, NULL);
    grove_status g = s ? s : grove_table_group(t, 3, order, hear, &h, NULL);
    m.fail_at = 0;
    grove_table_release(first);
    grove_table_release(second);
    grove_table_release(t);
    assert_int_equal(m.live_blocks, 0);
    if (!g) {
      assert_true(at > 10);
      return;
    }
    check_status(g, GROVE_ENOMEM);
  }
}

static grove_table *parse(const char *csv)
{
  grove_table *t = NULL;
  grove_error err = {0};
  check_ok_err(grove_csv_parse(csv, strlen(csv), NULL, &t, &err), &err);
  return t;
}

static void the_text_among_numbers_is_named(void **state)
{
  (void)state;
  grove_error err = {0};
  grove_table *t = parse("a,b\n1,1\n,NA\n1e3,1\noops,1\nworse,1\n");
  check_status(grove_table_doubles(t, 0, 0, 0, NULL, &err), GROVE_ENOTSUP);
  assert_string_equal(err.text, "column \"a\" is text, not numbers: row 4 has \"oops\"");
  assert_int_equal(err.at, 3);
  grove_table_release(t);
  // A long one is cut between two characters: 39 bytes, and an umlaut that would end at 41.
  t = parse("a\nabcdefghijklmnopqrstuvwxyz0123456789abc\xc3\xbcz\n");
  check_status(grove_table_doubles(t, 0, 0, 0, NULL, &err), GROVE_ENOTSUP);
  check_contains(err.text, "row 1 has \"abcdefghijklmnopqrstuvwxyz0123456789abc\"...");
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(builds_and_frees),
      cmocka_unit_test(build_refuses_what_cannot_be),
      cmocka_unit_test(find_suggests),
      cmocka_unit_test(doubles_say_what_they_cannot),
      cmocka_unit_test(the_text_among_numbers_is_named),
      cmocka_unit_test(doubles_of_every_number),
      cmocka_unit_test(takes_rows),
      cmocka_unit_test(splits_as_scikit_learn),
      cmocka_unit_test(split_refuses),
      cmocka_unit_test(groups_by_first_sight),
      cmocka_unit_test(keys_as_text),
      cmocka_unit_test(allocation_failures_leave_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
