// What a file says of itself: pairs as they were written, who wrote it, and nothing held of it before it is asked for.
#include "parquet_fixture.h"

typedef struct heard {
  char text[400];
  uint64_t bytes;
  size_t pairs;
  grove_status give; // of the second pair
} heard;

static grove_status hear(void *user, const char *key, const char *value, size_t n)
{
  heard *h = user;
  size_t used = strlen(h->text);
  assert_int_equal(value[n], 0);
  h->bytes += n;
  snprintf(
      h->text + used, sizeof h->text - used, "%s=%s;", key ? key : "(writer)", key ? value : "");
  if (!key) {
    check_contains(value, "grove version ");
    return GROVE_OK;
  }
  return ++h->pairs == 2 ? h->give : GROVE_OK;
}

static grove_status ask(bytes file, uint64_t memory, heard *h, grove_error *err)
{
  grove_parquet_options o = {GROVE_PARQUET, .memory_bytes = memory};
  grove_source source;
  grove_parquet *p = NULL;
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, &o, &p, err), err);
  grove_status s = grove_parquet_metadata(p, hear, h, err);
  grove_parquet_close(p);
  return s;
}

static bytes make_file(const char *const *metadata)
{
  static const column_plan plan = {"l", 0, 9};
  const grove_parquet_write_options o = {.struct_size = sizeof o, .metadata = metadata};
  grove_table *t = random_table(&plan, 1, 10, 1);
  bytes file = write_table(t, &o);
  grove_table_release(t);
  return file;
}

static void pairs_as_they_were_written(void **state)
{
  static const char *const metadata[] = {
      "origin", "a test", "", "no key", "origin", "twice", "none", "", NULL};
  (void)state;
  bytes file = make_file(metadata);
  heard h = {.text = ""};
  grove_error err;
  check_ok_err(ask(file, 0, &h, &err), &err);
  assert_string_equal(h.text, "origin=a test;=no key;origin=twice;none=;(writer)=;");
  heard stopped = {.give = GROVE_ECANCELED};
  check_status(ask(file, 0, &stopped, &err), GROVE_ECANCELED);
  assert_int_equal(stopped.pairs, 2);
  free(file.p);
}

static void none(void **state)
{
  (void)state;
  bytes file = make_file(NULL);
  heard h = {.text = ""};
  grove_error err;
  check_ok_err(ask(file, 0, &h, &err), &err);
  assert_string_equal(h.text, "(writer)=;");
  check_status(grove_parquet_metadata(NULL, hear, &h, &err), GROVE_EINVAL);
  free(file.p);
}

// A megabyte of it does not count where it is not asked for, and counts where it is.
static void a_lot_of_it(void **state)
{
  enum { LONG = 1 << 20 };
  (void)state;
  char *value = malloc(LONG + 1);
  memset(value, 'x', LONG);
  value[LONG] = 0;
  const char *const metadata[] = {"long", value, NULL};
  bytes file = make_file(metadata);
  heard h = {.text = ""};
  grove_error err;
  check_ok_err(ask(file, 0, &h, &err), &err);
  assert_true(h.bytes > LONG);
  free(file.p);
  free(value);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pairs_as_they_were_written),
      cmocka_unit_test(none),
      cmocka_unit_test(a_lot_of_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
