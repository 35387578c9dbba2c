// Groups in the order of their keys: which order that is, that the groups are those of grove_table_group, and that rows
// which lie so already stay where they are.
#include "base/alloc.h"
#include "base/random.h"
#include "check.h"
#include "columnar/bitmap.h"
#include "columnar/build.h"
#include "columnar/layout.h"
#include <math.h>
#include <stdio.h>

typedef struct heard {
  char text[400];
  uint64_t groups, rows;
  const uint64_t *next; // where the next group's rows begin
  bool falls;           // rows of a group that do not ascend
  bool apart;           // a group whose rows do not lie side by side in the table
} heard;

static grove_status hear(void *user, const char *key, const uint64_t *rows, size_t n)
{
  heard *h = user;
  size_t used = strlen(h->text);
  if (used < 300) {
    snprintf(h->text + used, sizeof h->text - used, "%.20s:%zu ", key ? key : "(null)", n);
  }
  assert_ptr_equal(rows, h->next);
  for (size_t i = 1; i < n; i++) {
    h->falls = h->falls || rows[i] <= rows[i - 1];
    h->apart = h->apart || rows[i] != rows[i - 1] + 1;
  }
  h->groups++;
  h->rows += n;
  h->next = rows + n;
  return GROVE_OK;
}

// A column of `rows` values of a format; bit i of `nulls`: row i is null (of the first 64).
static grove_table *make_column(
    check_memory *m, const char *format, const void *values, size_t rows, uint64_t nulls)
{
  grove_allocator a = check_allocator(m);
  grove__layout l;
  grove__column c = {.name = "k", .format = format};
  grove_table *t = NULL;
  check_ok(grove__layout_read(format, &l));
  c.values_bytes = l.shape == GROVE__SHAPE_BITS ? rows / 8 + 1 : rows * l.width + 1;
  c.values = grove__alloc_zero(&a, c.values_bytes);
  memcpy(c.values, values, c.values_bytes - 1);
  if (l.shape == GROVE__SHAPE_BITS) {
    memcpy(c.values, values, rows / 8 + 1);
  }
  if (nulls) {
    c.validity_bytes = rows / 8 + 1;
    c.validity = grove__alloc_zero(&a, c.validity_bytes);
    for (size_t i = 0; i < rows; i++) {
      if (i < 64 && nulls >> i & 1) {
        c.nulls++;
      } else {
        grove__bit_set(c.validity, (int64_t)i);
      }
    }
  }
  check_ok(grove__table_build(&a, &c, 1, rows, &t, NULL));
  return t;
}

// The groups of a column in words, and that they come in this order of the rows once those are sorted by them.
static void check_order(const char *format, const void *values, size_t rows, uint64_t nulls, const char *words)
{
  check_memory m = {0};
  uint64_t order[64], again[64];
  heard h = {.next = order}, sorted = {.next = again};
  grove_table *t = make_column(&m, format, values, rows, nulls), *by_key = NULL;
  check_ok(grove_table_group_sorted(t, 0, order, hear, &h, NULL));
  assert_string_equal(h.text, words);
  assert_true(!h.falls && h.rows == rows);
  check_ok(grove_table_take(t, order, rows, &by_key, NULL));
  check_ok(grove_table_group_sorted(by_key, 0, again, hear, &sorted, NULL));
  assert_string_equal(sorted.text, words);
  assert_false(sorted.apart);
  for (size_t i = 0; i < rows; i++) {
    assert_int_equal(again[i], i);
  }
  grove_table_release(by_key);
  grove_table_release(t);
  assert_int_equal(m.live_blocks, 0);
}

static void numbers_ascend(void **state)
{
  static const int8_t small[] = {1, -1, 127, -128, 0, -1};
  static const uint16_t unsigned_small[] = {1, 65535, 256, 2, 255, 1};
  static const int64_t wide[] = {0, INT64_MIN, INT64_MAX, -1, 1};
  static const uint64_t unsigned_wide[] = {0, UINT64_MAX, 1, (uint64_t)INT64_MAX + 1};
  static const int32_t days[] = {0, -1, 11016};
  const double reals[] = {1.5, (double)NAN, -INFINITY, -0.0, 0.0, INFINITY, -1, -(double)NAN};
  const float floats[] = {1.5f, (float)NAN, -2, 0};
  static const uint16_t halves[] = {0x3c00, 0xbc00, 0x7e00, 0x8000, 0};
  static const uint8_t bits[] = {0x16};
  (void)state;
  check_order("c", small, 6, 0, "-128:1 -1:2 0:1 1:1 127:1 ");
  check_order("S", unsigned_small, 6, 0, "1:2 2:1 255:1 256:1 65535:1 ");
  check_order("l", wide, 5, 0, "-9223372036854775808:1 -1:1 0:1 1:1 9223372036854775807:1 ");
  check_order("L", unsigned_wide, 4, 0, "0:1 1:1 9223372036854775808:1 18446744073709551615:1 ");
  check_order("tdD", days, 3, 0, "1969-12-31:1 1970-01-01:1 2000-02-29:1 ");
  check_order("tsu:UTC", wide + 3, 2, 0, "1969-12-31T23:59:59.:1 1970-01-01T00:00:00.:1 ");
  check_order("g", reals, 8, 0, "-inf:1 -1:1 0:2 1.5:1 inf:1 nan:2 ");
  check_order("g", reals, 8, 1, "-inf:1 -1:1 0:2 inf:1 nan:2 (null):1 ");
  check_order("f", floats, 4, 4, "0:1 1.5:1 nan:1 (null):1 ");
  check_order("e", halves, 5, 0, "-1:1 0:2 1:1 nan:1 ");
  check_order("b", bits, 5, 0, "false:2 true:3 ");
  check_order("b", bits, 5, 2, "false:2 true:2 (null):1 ");
}

static void decimals_and_bytes(void **state)
{
  static const int64_t narrow[] = {5, 0, -5, -1, 1, 0, 0, 0, -1, -1}; // five of 16 bytes
  static const int64_t wide[] = {7, 0, 0, 1, 7, 0, 0, 0, -7, -1, -1, -1, 0, 0, 0, -1}; // four of 32
  static const int64_t d64[] = {3, -3};
  (void)state;
  check_order("d:20,1", narrow, 5, 0, "-0.5:1 -0.1:1 0.0:1 0.1:1 0.5:1 ");
  check_order("d:60,0,256", wide, 4, 0, "-6277101735386680763:1 -7:1 7:1 62771017353866807638:1 ");
  check_order("d:10,0,64", d64, 2, 0, "-3:1 3:1 ");
  check_order("w:2", "\xff\x00" "\x01\x02" "\x01\x01" "\x01\x02", 4, 0, "0101:1 0102:2 ff00:1 ");
}

static void texts_by_their_bytes(void **state)
{
  static const char *const words[] = {"b", "", "ab", "a", "\xc3\xa4", "ab", "abc"};
  (void)state;
  for (int large = 0; large < 2; large++) {
    const grove_allocator *a = &grove__allocator_malloc;
    grove__column c = {.name = "k", .format = large ? "U" : "u", .values_bytes = 8 * 8, .data_bytes = 32};
    grove_table *t = NULL;
    uint64_t order[7];
    heard h = {.next = order};
    int64_t at = 0;
    c.values = grove__alloc_zero(a, c.values_bytes);
    c.data = grove__alloc_zero(a, c.data_bytes);
    for (size_t i = 0; i < 7; i++) {
      memcpy((char *)c.data + at, words[i], strlen(words[i]));
      at += (int64_t)strlen(words[i]);
      if (large) {
        ((int64_t *)c.values)[i + 1] = at;
      } else {
        ((int32_t *)c.values)[i + 1] = (int32_t)at;
      }
    }
    check_ok(grove__table_build(a, &c, 1, 7, &t, NULL));
    check_ok(grove_table_group_sorted(t, 0, order, hear, &h, NULL));
    assert_string_equal(h.text, ":1 a:1 ab:2 abc:1 b:1 \xc3\xa4:1 ");
    grove_table_release(t);
  }
}

// A table of nulls, and one without rows.
static void hardly_anything(void **state)
{
  static const int64_t none[3] = {0};
  (void)state;
  check_order("l", none, 3, 7, "(null):3 ");
  check_order("l", none, 0, 0, "");
}

// Random tables: the groups of grove_table_group, in another order.
static void the_same_groups(void **state)
{
  enum { ROWS = 3000 };
  static int64_t values[ROWS];
  static uint64_t order[ROWS], other[ROWS];
  (void)state;
  for (uint64_t seed = 1; seed < 40; seed++) {
    check_memory m = {0};
    uint64_t at = seed, kinds = 1 + seed * seed;
    heard h = {.next = order}, hashed = {.next = other};
    for (size_t i = 0; i < ROWS; i++) {
      values[i] = (int64_t)grove__random_below(&at, kinds) - (int64_t)kinds / 2;
    }
    grove_table *t = make_column(&m, "l", values, ROWS, seed % 3 ? 0 : 0xf0f0f0), *by_key = NULL;
    check_ok(grove_table_group_sorted(t, 0, order, hear, &h, NULL));
    check_ok(grove_table_group(t, 0, other, hear, &hashed, NULL));
    assert_int_equal(h.groups, hashed.groups);
    assert_true(!h.falls && h.rows == ROWS);
    check_ok(grove_table_take(t, order, ROWS, &by_key, NULL));
    double before = -INFINITY, v;
    for (size_t i = 0; i < ROWS; i++) {
      check_ok(grove_table_doubles(by_key, 0, i, 1, &v, NULL));
      assert_true(v >= before || isnan(v));
      before = isnan(v) ? INFINITY : v; // nothing but nulls may follow
    }
    // Once they are so, nothing is hashed: less is allocated than a number a row.
    size_t blocks = m.live_blocks;
    m.peak_bytes = m.live_bytes;
    heard sorted = {.next = other};
    check_ok(grove_table_group_sorted(by_key, 0, other, hear, &sorted, NULL));
    assert_true(sorted.groups == h.groups && !sorted.apart);
    assert_true(kinds > ROWS / 8 || m.peak_bytes - m.live_bytes < ROWS * 8);
    assert_int_equal(m.live_blocks, blocks);
    grove_table_release(by_key);
    grove_table_release(t);
  }
}

static void allocation_failures_leave_nothing(void **state)
{
  static const int64_t values[] = {3, 1, 2, 1};
  (void)state;
  for (size_t fail = 1;; fail++) {
    check_memory m = {0};
    uint64_t order[4];
    heard h = {.next = order};
    grove_error err = {0};
    grove_table *t = make_column(&m, "l", values, 4, 0);
    m.fail_at = fail;
    grove_status s = grove_table_group_sorted(t, 0, order, hear, &h, &err);
    m.fail_at = 0;
    grove_table_release(t);
    assert_int_equal(m.live_blocks, 0);
    if (!s) {
      assert_true(fail > 4);
      return;
    }
    check_status(s, GROVE_ENOMEM);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_ascend),
      cmocka_unit_test(decimals_and_bytes),
      cmocka_unit_test(texts_by_their_bytes),
      cmocka_unit_test(hardly_anything),
      cmocka_unit_test(the_same_groups),
      cmocka_unit_test(allocation_failures_leave_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
