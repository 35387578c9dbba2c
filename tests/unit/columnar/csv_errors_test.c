// What is no CSV, and in which words; limits, cancelling, memory.
#include "check.h"
#include <grove/columnar.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPTIONS(...) (&(grove_csv_options){.struct_size = sizeof(grove_csv_options), __VA_ARGS__})

static void refuse(const char *text, size_t n, const grove_csv_options *o, grove_status status,
    int64_t at, const char *words)
{
  grove_table *t = (grove_table *)(void *)&n;
  grove_error err = {0};
  check_status(grove_csv_parse(text, n, o, &t, &err), status);
  if (!strstr(err.text, words) || err.at != at) {
    fail_msg("\"%s\" at %lld, should be \"%s\" at %lld", err.text, (long long)err.at, words,
        (long long)at);
  }
  assert_null(t);
  check_status(grove_csv_parse(text, n, o, &t, NULL), status);
}

#define CORRUPT(text, at, words) refuse(text, sizeof text - 1, NULL, GROVE_ECORRUPT, at, words)

static void damaged_text(void **state)
{
  (void)state;
  CORRUPT("", 0, "line 1: the file is empty: there is no header");
  CORRUPT("\n\n", 0, "the file is empty");
  CORRUPT("a,b\n1,2\n3\n", 1, "line 3: 1 fields where the header has 2");
  CORRUPT("a,b\n1,2\n3", 1, "line 3: 1 fields where the header has 2");
  CORRUPT("a,b\n1,2,3,4\n", 0, "line 2: 4 fields where the header has 2");
  CORRUPT("a,b\n\"l\nm\",2\n1\n", 1, "line 4: 1 fields where the header has 2");
  CORRUPT("a,b\n\"l\nm\",2,3\n", 0, "line 2: 3 fields where the header has 2");
  CORRUPT("a,b\n1,2\n3,\"x\ny,\n", 1,
      "line 3, column 2 \"b\": the quote that opens here is never closed");
  CORRUPT("a,b\n\"x\"y,2\n", 0, "line 2, column 1 \"a\": text after the closing quote");
  CORRUPT("a,\"b\n", 0, "line 1: the quote that opens here is never closed");
  CORRUPT("a,b\nx,1\n\0,2\n", 1, "line 3, column 1 \"a\": a zero byte");
  CORRUPT("a,b\n1,2\n\0,2\n", 1, "line 3, column 1 \"a\": a zero byte");
  CORRUPT("a,b\nx,1\nna\xefve,2\n", 1, "line 3, column 1 \"a\": the byte 0xEF is not UTF-8");
  CORRUPT("a,\xff\n1,2\n", 0, "the name of column 2 has the byte 0xFF, which is not UTF-8");
  CORRUPT("\xff\xfe"
          "a\0\n\0",
      0, "this is UTF-16");
  CORRUPT("a,b,a\n1,2,3\n", 0, "line 1: two columns are named \"a\"");
  refuse("1,2\n3\n", 6, OPTIONS(.no_header = 1), GROVE_ECORRUPT, 1,
      "1 fields where the first row has 2");
}

static void wrong_options(void **state)
{
  static const char *const unknown[] = {"prise", NULL};
  static const char *const twice[] = {"b", "b", NULL};
  grove_csv_options small = {.struct_size = 2};
  (void)state;
  refuse("price,b\n", 8, OPTIONS(.columns = unknown), GROVE_ENOENT, -1, "did you mean \"price\"");
  refuse("price,b\n", 8, OPTIONS(.columns = twice), GROVE_EINVAL, -1,
      "column \"b\" is asked for twice");
  refuse("a\n", 2, OPTIONS(.delimiter = '\n'), GROVE_EINVAL, -1, "delimiter 10 and quote 34");
  refuse("a\n", 2, OPTIONS(.delimiter = 0x20ac), GROVE_EINVAL, -1, "delimiter 8364");
  refuse("a\n", 2, OPTIONS(.delimiter = '.'), GROVE_EINVAL, -1, "delimiter 46");
  refuse("a\n", 2, OPTIONS(.delimiter = '"'), GROVE_EINVAL, -1, "delimiter 34 and quote 34");
  refuse("a\n", 2, &small, GROVE_EINVAL, -1, "struct_size");
}

static void files_that_cannot_be_read(void **state)
{
  grove_table *t = NULL;
  grove_error err = {0};
  char path[] = "csv_errors_test.XXXXXX";
  (void)state;
  check_status(grove_csv_read("no/such.csv", NULL, &t, &err), GROVE_ENOENT);
  check_contains(err.text, "no/such.csv: can't open: No such file or directory");
  check_status(grove_csv_read(".", NULL, &t, &err), GROVE_EIO);
  check_contains(err.text, ".: can't read: Is a directory");
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, "a,b\n1\n", 6), 6);
  close(fd);
  check_status(grove_csv_read(path, NULL, &t, &err), GROVE_ECORRUPT);
  check_contains(err.text, path);
  check_contains(err.text, ": line 2: 1 fields where the header has 2");
  assert_int_equal(remove(path), 0);
  check_status(grove_csv_read(NULL, NULL, &t, &err), GROVE_EINVAL);
}

static char *make_rows(int rows, size_t *bytes)
{
  char *text = malloc((size_t)rows * 32 + 32);
  assert_non_null(text);
  size_t n = (size_t)sprintf(text, "a,b,s\n");
  for (int i = 0; i < rows; i++) {
    n += (size_t)sprintf(text + n, "%d,%d.5,s%d\n", i, i, i % 10);
  }
  *bytes = n;
  return text;
}

// The limit holds for what was really taken; and what the table needs in the end, with a reserve,
// is enough.
static void memory_is_limited(void **state)
{
  size_t n;
  char *text = make_rows(20000, &n);
  (void)state;
  for (uint64_t limit = 1000; limit < 4000000; limit *= 2) {
    check_memory m = {0};
    grove_allocator a = check_allocator(&m);
    grove_table *t = NULL;
    grove_error err = {0};
    grove_status s =
        grove_csv_parse(text, n, OPTIONS(.memory_bytes = limit, .allocator = &a), &t, &err);
    assert_true(m.peak_bytes <= limit + 4096); // beside the columns: the table itself, names
    if (s) {
      check_status(s, GROVE_ELIMIT);
      check_contains(err.text, "is not enough");
      assert_null(t);
    }
    assert_int_equal(s == GROVE_OK, limit >= 1024000);
    grove_table_release(t);
    assert_int_equal(m.live_blocks, 0);
  }
  free(text);
}

static void allocation_failures_leave_nothing(void **state)
{
  static const char text[] = "a,b,c,d\n1,true,\"x\"\"y\",\n2.5,,z,\nq,false,,1\n";
  (void)state;
  for (size_t at = 1;; at++) {
    check_memory m = {.fail_at = at};
    grove_allocator a = check_allocator(&m);
    grove_table *t = NULL;
    grove_error err = {0};
    grove_status s = grove_csv_parse(text, sizeof text - 1, OPTIONS(.allocator = &a), &t, &err);
    grove_table_release(t);
    assert_int_equal(m.live_blocks, 0);
    if (!s) {
      assert_true(at > 15);
      return;
    }
    check_status(s, GROVE_ENOMEM);
    check_status(err.status, GROVE_ENOMEM);
  }
}

typedef struct watch {
  int yields, cancel_at, fail_at;
} watch;

static grove_status count_yield(void *user)
{
  watch *w = user;
  w->yields++;
  return w->fail_at && w->yields >= w->fail_at ? GROVE_ECANCELED : GROVE_OK;
}

static bool is_cancelled(void *user)
{
  watch *w = user;
  return w->cancel_at && w->yields >= w->cancel_at;
}

static void yields_and_stops(void **state)
{
  size_t n;
  char *text = make_rows(50000, &n);
  watch calm = {0};
  watch cancelled = {.cancel_at = 2};
  watch ended = {.fail_at = 3};
  grove_work work = {
      .struct_size = sizeof work, .user = &calm, .yield = count_yield, .cancelled = is_cancelled};
  grove_table *t = NULL;
  (void)state;
  check_ok(grove_csv_parse(text, n, OPTIONS(.work = &work), &t, NULL));
  grove_table_release(t);
  assert_in_range(calm.yields, 3, 100);
  work.user = &cancelled;
  check_status(grove_csv_parse(text, n, OPTIONS(.work = &work), &t, NULL), GROVE_ECANCELED);
  assert_int_equal(cancelled.yields, 2);
  work.user = &ended;
  check_status(grove_csv_parse(text, n, OPTIONS(.work = &work), &t, NULL), GROVE_ECANCELED);
  assert_int_equal(ended.yields, 3);
  free(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(damaged_text),
      cmocka_unit_test(wrong_options),
      cmocka_unit_test(files_that_cannot_be_read),
      cmocka_unit_test(memory_is_limited),
      cmocka_unit_test(allocation_failures_leave_nothing),
      cmocka_unit_test(yields_and_stops),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
