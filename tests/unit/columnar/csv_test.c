// What a CSV becomes.
#include "check.h"
#include "columnar/build.h"
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPTIONS(...) (&(grove_csv_options){.struct_size = sizeof(grove_csv_options), __VA_ARGS__})

static grove_table *parse(const char *text, const grove_csv_options *o)
{
  grove_table *t = NULL;
  grove_error err = {0};
  check_ok_err(grove_csv_parse(text, strlen(text), o, &t, &err), &err);
  return t;
}

// The whole table as text: `name:format=value,value;` with ~ for null.
static const char *show(const grove_table *t)
{
  static char out[4096];
  size_t n = 0;
  out[0] = 0;
  for (size_t c = 0; c < grove_table_columns(t); c++) {
    grove__column_view v;
    grove__table_view(t, c, &v);
    n += (size_t)snprintf(out + n, sizeof out - n, "%s:%s=", v.name, v.format);
    for (size_t r = 0; r < grove_table_rows(t); r++) {
      const char *comma = r ? "," : "";
      if (v.validity && !(v.validity[r / 8] >> r % 8 & 1)) {
        n += (size_t)snprintf(out + n, sizeof out - n, "%s~", comma);
      } else if (v.format[0] == 'l') {
        n += (size_t)snprintf(
            out + n, sizeof out - n, "%s%lld", comma, (long long)((const int64_t *)v.values)[r]);
      } else if (v.format[0] == 'g') {
        n +=
            (size_t)snprintf(out + n, sizeof out - n, "%s%g", comma, ((const double *)v.values)[r]);
      } else if (v.format[0] == 'b') {
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%s", comma,
            ((const uint8_t *)v.values)[r / 8] >> r % 8 & 1 ? "yes" : "no");
      } else {
        const int32_t *o = v.values;
        n += (size_t)snprintf(out + n, sizeof out - n, "%s<%.*s>", comma, (int)(o[r + 1] - o[r]),
            (const char *)v.data + o[r]);
      }
    }
    n += (size_t)snprintf(out + n, sizeof out - n, ";");
  }
  return out;
}

static void check_csv(const char *text, const grove_csv_options *o, const char *expected)
{
  grove_table *t = parse(text, o);
  assert_string_equal(show(t), expected);
  grove_table_release(t);
}

static void types_are_decided_by_all_rows(void **state)
{
  (void)state;
  check_csv(
      "a,b,c,d\n1,1,true,x\n2,2.5,False,1\n", NULL, "a:l=1,2;b:g=1,2.5;c:b=yes,no;d:u=<x>,<1>;");
  check_csv("a\n1\n2\nx\n007\n1.50\n", NULL, "a:u=<1>,<2>,<x>,<007>,<1.50>;");
  check_csv("a,b\n1,true\ntrue,1\n", NULL, "a:u=<1>,<true>;b:u=<true>,<1>;");
  check_csv("a\n9223372036854775807\n-9223372036854775808\n", NULL,
      "a:l=9223372036854775807,-9223372036854775808;");
  check_csv("a\n1\n9223372036854775808\n", NULL, "a:g=1,9.22337e+18;");
  check_csv("a\n1\n-0\n", NULL, "a:g=1,-0;");
  check_csv("a\ninf\n-Infinity\nnan\n1e5\n.5\n", NULL, "a:g=inf,-inf,nan,100000,0.5;");
  check_csv("a,b\n 1 ,\ttrue \n2,false\n", NULL, "a:l=1,2;b:b=yes,no;");
}

static void nulls(void **state)
{
  static const char *const own[] = {"-999", "?", NULL};
  (void)state;
  check_csv("a,b,c,d\n,NA,null,NaN\n1,x,true,\n", NULL, "a:l=~,1;b:u=~,<x>;c:b=~,yes;d:g=~,~;");
  check_csv("a,b\n1,x\n-999,\n?,?\n", OPTIONS(.nulls = own), "a:l=1,~,~;b:u=<x>,<>,~;");
  check_csv("a\n1\n\"\"\n2\n", NULL, "a:l=1,~,2;");
  check_csv("a,b\n1,\n2,\nx,y\n", NULL, "a:u=<1>,<2>,<x>;b:u=~,~,<y>;");
}

static void quotes(void **state)
{
  (void)state;
  check_csv("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n\"l1\nl2\",\"\"\"\"\n", NULL,
      "a:u=<x,y>,<l1\nl2>;b:u=<say \"hi\">,<\">;");
  check_csv("a,b\n5\" pipe,\"1\"\n", NULL, "a:u=<5\" pipe>;b:l=1;");
  check_csv(
      "'a;b';c\n'1';'it''s'\n", OPTIONS(.delimiter = ';', .quote = '\''), "a;b:l=1;c:u=<it's>;");
  check_csv("a\tb\n1\t2\n", OPTIONS(.delimiter = '\t'), "a:l=1;b:l=2;");
}

static void lines(void **state)
{
  (void)state;
  check_csv("a,b\r\n1,2\r\n3,4", NULL, "a:l=1,3;b:l=2,4;");
  check_csv("a,b\r1,2\r3,4\r", NULL, "a:l=1,3;b:l=2,4;");
  check_csv("\n\na,b\n\n1,2\n\r\n\n3,4\n\n", NULL, "a:l=1,3;b:l=2,4;");
  check_csv("\xef\xbb\xbf"
            "a,b\n1,",
      NULL, "a:l=1;b:g=~;");
  check_csv("a,b\n", NULL, "a:g=;b:g=;");
  check_csv("a,b", NULL, "a:g=;b:g=;");
}

static void no_header_and_chosen_columns(void **state)
{
  static const char *const some[] = {"c", "a", NULL};
  static const char *const by_number[] = {"1", NULL};
  (void)state;
  check_csv("1,x\n2,y\n", OPTIONS(.no_header = 1), "0:l=1,2;1:u=<x>,<y>;");
  check_csv("1,2\n3,x\n", OPTIONS(.no_header = 1, .columns = by_number), "1:u=<2>,<x>;");
  check_csv("a,b,c\n1,\xff,3\nx,\xff,6\n", OPTIONS(.columns = some), "c:l=3,6;a:u=<1>,<x>;");
}

// Fields of every length end at each kind of stop, wherever in a word it is, and at the text's end.
static void fields_of_all_lengths(void **state)
{
  static const char *const stops[] = {",", "\n", "\r", "\r\n", ""};
  (void)state;
  for (size_t n = 1; n < 40; n++) {
    for (size_t k = 0; k < 5; k++) {
      char text[256], expected[256], word[64];
      memset(word, 'x', n);
      word[n / 2] = (char)(n & 1 ? '-' : '"' - (n == 1)); // a quote inside is a quote; its neighbours are no stops
      word[0] = 'x';
      word[n] = 0;
      snprintf(text, sizeof text, "a,b\n%s,%s%s", word, word, k ? stops[k] : "\n");
      snprintf(expected, sizeof expected, "a:u=<%s>;b:u=<%s>;", word, word);
      check_csv(text, NULL, expected);
    }
  }
}

static void larger_texts_grow(void **state)
{
  char *text = malloc(2000000);
  size_t n = 0;
  grove_table *t = NULL;
  grove__column_view v;
  (void)state;
  assert_non_null(text);
  n += (size_t)sprintf(text, "i,s\n");
  for (int i = 0; i < 50000; i++) {
    n += (size_t)sprintf(text + n, i % 7 ? "%d,text %d\n" : "%d,\n", i, i);
  }
  check_ok(grove_csv_parse(text, n, NULL, &t, NULL));
  assert_int_equal(grove_table_rows(t), 50000);
  grove__table_view(t, 1, &v);
  assert_int_equal(v.nulls, 7143);
  for (int i = 0; i < 50000; i++) {
    char expected[24];
    const int32_t *o = v.values;
    int length = i % 7 ? sprintf(expected, "text %d", i) : 0;
    assert_int_equal(o[i + 1] - o[i], length);
    assert_memory_equal((const char *)v.data + o[i], expected, (size_t)length);
    assert_int_equal(v.validity[i / 8] >> i % 8 & 1, i % 7 != 0);
  }
  grove_table_release(t);
  free(text);
}

// ---- files -------------------------------------------------------------------------------------

static void write_file(const char *path, const char *text, size_t n)
{
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_int_equal(fwrite(text, 1, n, f), n);
  assert_int_equal(fclose(f), 0);
}

// A file is read by blocks, memory is not: fields, quotes and line ends across the blocks' borders
// must not matter. The long fields are longer than a block.
static void files_equal_memory(void **state)
{
  enum { BYTES = 3000000 };
  char *text = malloc(BYTES + 700000);
  char path[] = "csv_test.XXXXXX";
  size_t n = 0;
  grove_table *a = NULL;
  grove_table *b = NULL;
  grove_error err = {0};
  (void)state;
  assert_non_null(text);
  int fd = mkstemp(path);
  assert_true(fd >= 0 && close(fd) == 0);
  n += (size_t)sprintf(text, "i,s,x\r\n");
  for (int i = 0; n < BYTES; i++) {
    n += (size_t)sprintf(text + n, "%d,\"a \"\"%d\"\",\r\n\",%d.25\r\n", i, i * 3, i);
    if (i == 20000) {
      n += (size_t)sprintf(text + n, "1,\"");
      memset(text + n, 'y', 600000);
      n += 600000;
      n += (size_t)sprintf(text + n, "\",2\r\n");
    }
  }
  write_file(path, text, n);
  check_ok_err(grove_csv_parse(text, n, NULL, &a, &err), &err);
  check_ok_err(grove_csv_read(path, NULL, &b, &err), &err);
  assert_int_equal(grove_table_rows(a), grove_table_rows(b));
  for (size_t c = 0; c < 3; c++) {
    grove__column_view x;
    grove__column_view y;
    grove__table_view(a, c, &x);
    grove__table_view(b, c, &y);
    assert_string_equal(x.format, y.format);
    size_t rows = grove_table_rows(a);
    assert_memory_equal(x.values, y.values, c == 1 ? (rows + 1) * 4 : rows * 8);
    if (c == 1) {
      assert_memory_equal(x.data, y.data, (size_t)((const int32_t *)x.values)[rows]);
    }
  }
  grove_table_release(a);
  grove_table_release(b);
  assert_int_equal(remove(path), 0);
  free(text);
}

static void *feed(void *path)
{
  write_file(path, "a\n1\n2\nx\n", 8);
  return NULL;
}

// What can't be read twice is kept: the second pass for "a" needs it.
static void a_pipe_is_read_too(void **state)
{
  char folder[] = "csv_test.XXXXXX";
  char path[64];
  pthread_t thread;
  grove_table *t = NULL;
  grove_error err = {0};
  (void)state;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/pipe", folder);
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_int_equal(pthread_create(&thread, NULL, feed, path), 0);
  check_ok_err(grove_csv_read(path, NULL, &t, &err), &err);
  pthread_join(thread, NULL);
  assert_string_equal(show(t), "a:u=<1>,<2>,<x>;");
  grove_table_release(t);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(types_are_decided_by_all_rows),
      cmocka_unit_test(nulls),
      cmocka_unit_test(quotes),
      cmocka_unit_test(lines),
      cmocka_unit_test(no_header_and_chosen_columns),
      cmocka_unit_test(fields_of_all_lengths),
      cmocka_unit_test(larger_texts_grow),
      cmocka_unit_test(files_equal_memory),
      cmocka_unit_test(a_pipe_is_read_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
