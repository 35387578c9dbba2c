#include <grove/store.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct world {
  grove_store *store;
  char root[64];
} world;

static const char *in(const world *w, const char *name)
{
  static char path[8][256];
  static unsigned turn;
  char *p = path[turn++ % 8];
  snprintf(p, sizeof path[0], "%s/%s", w->root, name);
  return p;
}

static void touch(const world *w, const char *name, const char *text)
{
  FILE *f = fopen(in(w, name), "w");
  assert_non_null(f);
  assert_true(fputs(text, f) >= 0);
  assert_int_equal(fclose(f), 0);
}

static int build(void **state)
{
  static world w;
  memset(&w, 0, sizeof w);
  strcpy(w.root, "/tmp/grove_store_XXXXXX");
  if (!mkdtemp(w.root) || grove_store_open(NULL, &w.store, NULL)) {
    return -1;
  }
  mkdir(in(&w, "months"), 0777);
  mkdir(in(&w, "months/deep"), 0777);
  mkdir(in(&w, "months/.git"), 0777);
  mkdir(in(&w, "bare"), 0777);
  touch(&w, "months/b.parquet", "bb");
  touch(&w, "months/a.parquet", "a");
  touch(&w, "months/deep/c.parquet", "ccc");
  touch(&w, "months/.hidden.parquet", "x");
  touch(&w, "months/_SUCCESS", "");
  touch(&w, "months/_tmp.parquet", "x");
  touch(&w, "months/.git/d.parquet", "x");
  touch(&w, "months/read.me", "x");
  touch(&w, "bare/odd [1] name%20.txt", "hello, world");
  if (symlink(".", in(&w, "months/loop"))) {
    return -1;
  }
  *state = &w;
  return 0;
}

static int clear(void **state)
{
  world *w = *state;
  char command[128];
  grove_store_close(w->store);
  snprintf(command, sizeof command, "rm -r '%s'", w->root);
  return system(command);
}

typedef struct seen {
  char names[512];
  uint64_t bytes;
  int stop_after;
} seen;

static grove_status note(void *user, const char *url, uint64_t bytes)
{
  seen *s = user;
  const char *slash = strrchr(url, '/');
  size_t n = strlen(s->names);
  snprintf(s->names + n, sizeof s->names - n, "%s ", slash ? slash + 1 : url);
  s->bytes += bytes;
  return s->stop_after && --s->stop_after == 0 ? GROVE_EUSER : GROVE_OK;
}

static void expect_list(const world *w, const char *url, const char *names, uint64_t bytes)
{
  seen s = {{0}, 0, 0};
  grove_error err = {0};
  if (grove_store_list(w->store, url, note, &s, &err)) {
    fail_msg("%s: %s", url, err.text);
  }
  assert_string_equal(s.names, names);
  assert_int_equal(s.bytes, bytes);
}

static void expect_refusal(const world *w, const char *url, grove_status status, const char *words)
{
  seen s = {{0}, 0, 0};
  grove_error err = {0};
  assert_int_equal(grove_store_list(w->store, url, note, &s, &err), status);
  assert_string_equal(s.names, "");
  assert_int_equal(err.status, status);
  if (!strstr(err.text, words)) {
    fail_msg("\"%s\" is not in \"%s\"", words, err.text);
  }
}

static void lists(void **state)
{
  const world *w = *state;
  char url[300];
  expect_list(w, in(w, "months/a.parquet"), "a.parquet ", 1);
  expect_list(w, in(w, "months"), "a.parquet b.parquet c.parquet ", 6);
  expect_list(w, in(w, "months/"), "a.parquet b.parquet c.parquet ", 6);
  expect_list(w, in(w, "months/*.parquet"), "_tmp.parquet a.parquet b.parquet ", 4);
  expect_list(w, in(w, "mon*/[a]*.parquet"), "a.parquet ", 1);
  expect_list(w, in(w, "months/**/[a-z].parquet"), "a.parquet b.parquet c.parquet ", 6);
  expect_list(w, in(w, "*/deep"), "c.parquet ", 3);
  expect_list(
      w, in(w, "bare/odd [1] name%20.txt"), "odd [1] name%20.txt ", 12); // a name, not a pattern
  snprintf(url, sizeof url, "file://%s", in(w, "bare/odd%20[1]%20name%2520.txt"));
  expect_list(w, url, "odd [1] name%20.txt ", 12);
}

static void list_refusals(void **state)
{
  const world *w = *state;
  expect_refusal(
      w, in(w, "nothing"), GROVE_ENOENT, "there is no file or folder \"/tmp/grove_store_");
  expect_refusal(w, in(w, "months/a.parquet/x"), GROVE_ENOENT, "there is no file or folder");
  expect_refusal(w, in(w, "bare"), GROVE_ENOENT, "bare\" holds no .parquet files");
  expect_refusal(w, in(w, "*.csv"), GROVE_ENOENT, "no file matches \"");
  expect_refusal(w, "", GROVE_EINVAL, "a path or url is wanted");
  expect_refusal(
      w, "s3://bucket/x", GROVE_ENOTSUP, "s3:// needs grove_remote: give the store its schemes");
  expect_refusal(w, "https://example.org/x", GROVE_ENOTSUP,
      "https:// needs grove_remote: give the store its schemes");
  expect_refusal(w, "ftp://example.org/x", GROVE_ENOTSUP, "the store knows no scheme ftp://");
  expect_refusal(w, "file://server/x", GROVE_EINVAL, "file:///absolute/path");
  expect_refusal(w, "file:///x%zz", GROVE_EINVAL, "percent sign");
  expect_refusal(w, "file:///x%00", GROVE_EINVAL, "percent sign");
}

static void a_callback_ends_the_list(void **state)
{
  const world *w = *state;
  seen s = {{0}, 0, 2};
  assert_int_equal(grove_store_list(w->store, in(w, "months"), note, &s, NULL), GROVE_EUSER);
  assert_string_equal(s.names, "a.parquet b.parquet ");
}

static void sources(void **state)
{
  const world *w = *state;
  grove_source f;
  grove_error err = {0};
  char text[16] = {0};
  assert_int_equal(
      grove_store_source(w->store, in(w, "bare/odd [1] name%20.txt"), &f, &err), GROVE_OK);
  assert_int_equal(f.bytes, 12);
  assert_int_equal(f.read_at(f.user, 7, text, 5, &err), GROVE_OK);
  assert_string_equal(text, "world");
  assert_int_equal(f.read_at(f.user, 8, text, 5, &err), GROVE_EIO);
  assert_non_null(strstr(err.text, "goes past the end at 12"));
  assert_int_equal(err.at, 8);
  assert_int_equal(truncate(in(w, "bare/odd [1] name%20.txt"), 9), 0); // shrinks under our feet
  assert_int_equal(f.read_at(f.user, 7, text, 5, &err), GROVE_EIO);
  assert_non_null(strstr(err.text, "ended at byte 9; it had 12"));
  f.close(f.user);
  assert_int_equal(grove_store_source(w->store, in(w, "none"), &f, &err), GROVE_ENOENT);
  assert_null(f.read_at);
  assert_int_equal(grove_store_source(w->store, in(w, "months"), &f, &err), GROVE_EINVAL);
  assert_non_null(strstr(err.text, "months\" is a folder"));
  assert_int_equal(mkfifo(in(w, "pipe"), 0666), 0);
  assert_int_equal(grove_store_source(w->store, in(w, "pipe"), &f, &err), GROVE_ENOTSUP);
  grove_source_of_memory("abc", 3, &f);
  assert_int_equal(f.read_at(f.user, 1, text, 2, NULL), GROVE_OK);
  assert_memory_equal(text, "bc", 2);
  assert_null(f.close);
}

static long count_files(const world *w, const char *folder)
{
  char command[300];
  long n = -1;
  snprintf(command, sizeof command, "ls -A '%s' | wc -l", in(w, folder));
  FILE *f = popen(command, "r");
  assert_non_null(f);
  assert_int_equal(fscanf(f, "%ld", &n), 1);
  pclose(f);
  return n;
}

static void writes_are_atomic(void **state)
{
  const world *w = *state;
  grove_writer *out;
  grove_source f;
  char text[8] = {0};
  mkdir(in(w, "out"), 0777);
  touch(w, "out/x", "old");
  assert_int_equal(chmod(in(w, "out/x"), 0600), 0);
  assert_int_equal(grove_store_write(w->store, in(w, "out/x"), &out, NULL), GROVE_OK);
  assert_int_equal(grove_writer_put(out, "new", 3, NULL), GROVE_OK);
  assert_int_equal(grove_store_source(w->store, in(w, "out/x"), &f, NULL), GROVE_OK);
  assert_int_equal(f.read_at(f.user, 0, text, 3, NULL), GROVE_OK);
  assert_string_equal(text, "old");
  assert_int_equal(grove_writer_put(out, "er", 2, NULL), GROVE_OK);
  assert_int_equal(grove_writer_close(out, 1, NULL), GROVE_OK);
  f.close(f.user);
  assert_int_equal(grove_store_source(w->store, in(w, "out/x"), &f, NULL), GROVE_OK);
  assert_int_equal(f.bytes, 5);
  assert_int_equal(f.read_at(f.user, 0, text, 5, NULL), GROVE_OK);
  assert_string_equal(text, "newer");
  f.close(f.user);
  struct stat st;
  assert_int_equal(stat(in(w, "out/x"), &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_int_equal(grove_store_write(w->store, in(w, "out/y"), &out, NULL), GROVE_OK);
  assert_int_equal(grove_writer_put(out, "gone", 4, NULL), GROVE_OK);
  assert_int_equal(grove_writer_close(out, 0, NULL), GROVE_OK);
  assert_int_equal(count_files(w, "out"), 1);
  assert_int_equal(grove_writer_close(NULL, 1, NULL), GROVE_OK);
}

static void write_refusals(void **state)
{
  const world *w = *state;
  grove_writer *out = (grove_writer *)1;
  grove_error err = {0};
  assert_int_equal(grove_store_write(w->store, in(w, "no/such/folder"), &out, &err), GROVE_ENOENT);
  assert_null(out);
  assert_int_equal(grove_store_write(w->store, in(w, "months"), &out, &err), GROVE_EINVAL);
  assert_non_null(strstr(err.text, "is a folder"));
  assert_int_equal(grove_store_write(w->store, "/dev/null", &out, &err), GROVE_EINVAL);
  assert_int_equal(grove_store_write(w->store, in(w, "months/"), &out, &err), GROVE_EINVAL);
  assert_int_equal(grove_store_write(w->store, "s3://b/k", &out, &err), GROVE_ENOTSUP);
}

// An allocator that fails at the n-th request, and counts what is held.
typedef struct meter {
  long until, held;
} meter;

static void *meter_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  meter *m = user;
  if (new_bytes && --m->until < 0) {
    return NULL;
  }
  m->held += (long)new_bytes - (long)(p ? old_bytes : 0);
  if (!new_bytes) {
    free(p);
    return NULL;
  }
  return realloc(p, new_bytes);
}

static void no_memory_leaks_nothing(void **state)
{
  const world *w = *state;
  for (long n = 0, passed = 0; !passed && n < 500; n++) {
    meter m = {n, 0};
    grove_allocator a = {meter_realloc, &m};
    grove_store_options o = {.struct_size = sizeof o, .allocator = &a};
    grove_store *s = NULL;
    grove_source f = {0};
    grove_writer *out = NULL;
    seen sink = {{0}, 0, 0};
    grove_status status = grove_store_open(&o, &s, NULL);
    if (!status) {
      status = grove_store_list(s, in(w, "m*/**"), note, &sink, NULL);
    }
    if (!status) {
      status = grove_store_source(s, in(w, "months/a.parquet"), &f, NULL);
    }
    if (!status) {
      status = grove_store_write(s, in(w, "bare/z"), &out, NULL);
    }
    passed = !status;
    if (status) {
      assert_int_equal(status, GROVE_ENOMEM);
    }
    if (f.close) {
      f.close(f.user);
    }
    assert_true(grove_writer_close(out, 0, NULL) == GROVE_OK);
    grove_store_close(s);
    assert_int_equal(m.held, 0);
    assert_true(passed || n < 499);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists),
      cmocka_unit_test(list_refusals),
      cmocka_unit_test(a_callback_ends_the_list),
      cmocka_unit_test(no_memory_leaks_nothing),
      cmocka_unit_test(sources),
      cmocka_unit_test(writes_are_atomic),
      cmocka_unit_test(write_refusals),
  };
  return cmocka_run_group_tests(tests, build, clear);
}
