// Schemes that a host brings: what a store does with them.
#include "check.h"
#include <grove/store.h>

// A host's own: objects are texts in memory; it notes what is done to it.
typedef struct host {
  char done[400];
  int opened, fail_open;
  const char *bytes;
  uint32_t options_bytes;
} host;

static host the_host; // schemes have no user of their own: open is told the options alone

static void note(const char *what, const char *url)
{
  size_t n = strlen(the_host.done);
  snprintf(the_host.done + n, sizeof the_host.done - n, "%s %s;", what, url);
}

static grove_status host_open(const grove_store_options *o, void **out, grove_error *err)
{
  the_host.options_bytes = o->struct_size;
  if (the_host.fail_open && ++the_host.opened == the_host.fail_open) {
    if (err) {
      err->status = GROVE_EIO;
      snprintf(err->text, sizeof err->text, "the host can't");
    }
    return GROVE_EIO;
  }
  note("open", o->region ? o->region : "-");
  *out = &the_host;
  return GROVE_OK;
}

static void host_close(void *opened)
{
  assert_ptr_equal(opened, &the_host);
  note("close", "");
}

static grove_status host_list(void *opened, const char *url,
    grove_status (*fn)(void *user, const char *url, uint64_t bytes), void *user, grove_error *err)
{
  (void)err;
  assert_ptr_equal(opened, &the_host);
  note("list", url);
  return fn(user, url, 5);
}

static grove_status host_source(void *opened, const char *url, grove_source *out, grove_error *err)
{
  (void)err;
  assert_ptr_equal(opened, &the_host);
  note("source", url);
  grove_source_of_memory("hello", 5, out);
  return GROVE_OK;
}

static grove_status sink_put(void *user, const void *bytes, size_t n, grove_error *err)
{
  (void)user, (void)err;
  char text[40];
  snprintf(text, sizeof text, "%.*s", (int)n, (const char *)bytes);
  note("put", text);
  return GROVE_OK;
}

static grove_status sink_close(void *user, int commit, grove_error *err)
{
  (void)user, (void)err;
  note(commit ? "commit" : "drop", "");
  return commit == 2 ? GROVE_EUSER : GROVE_OK;
}

static grove_status host_write(void *opened, const char *url, grove_sink *out, grove_error *err)
{
  assert_ptr_equal(opened, &the_host);
  note("write", url);
  if (strstr(url, "locked")) {
    if (err) {
      err->status = GROVE_EIO;
    }
    return GROVE_EIO;
  }
  *out = (grove_sink){sizeof *out, NULL, sink_put, sink_close};
  return GROVE_OK;
}

static const grove_store_scheme whole = {sizeof whole, "mem+x db", host_open, host_close, host_list, host_source, host_write};
static const grove_store_scheme bare = {.struct_size = sizeof bare, .names = "bare"};
static const grove_store_scheme nameless = {.struct_size = sizeof nameless};
static const grove_store_scheme shorter = {.struct_size = 8, .names = "shorter"};

static grove_status count(void *user, const char *url, uint64_t bytes)
{
  (void)url;
  *(uint64_t *)user += bytes;
  return GROVE_OK;
}

static void calls_go_to_their_scheme(void **state)
{
  (void)state;
  const grove_store_scheme *const schemes[] = {&bare, &whole, NULL};
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  grove_store_options o = {.struct_size = sizeof o, .schemes = schemes, .region = "here", .allocator = &a};
  grove_store *s;
  grove_source f;
  grove_writer *out;
  grove_error err = {0};
  uint64_t bytes = 0;
  memset(&the_host, 0, sizeof the_host);
  check_ok_err(grove_store_open(&o, &s, &err), &err);
  assert_int_equal(the_host.options_bytes, sizeof o);
  check_ok(grove_store_list(s, "MEM+x://list", count, &bytes, &err));
  assert_int_equal(bytes, 5);
  check_ok(grove_store_source(s, "db://one", &f, &err));
  assert_int_equal(f.bytes, 5);
  check_ok(grove_store_write(s, "db://two", &out, &err));
  check_ok(grove_writer_put(out, "abc", 3, &err));
  check_status(grove_writer_put(out, NULL, 3, &err), GROVE_EINVAL);
  check_ok(grove_writer_put(out, NULL, 0, &err));
  check_ok(grove_writer_close(out, 1, &err));
  check_ok(grove_store_write(s, "db://three", &out, &err));
  check_ok(grove_writer_close(out, 0, &err));
  check_ok(grove_store_write(s, "db://four", &out, &err));
  check_status(grove_writer_close(out, 2, &err), GROVE_EUSER);
  check_status(grove_store_write(s, "db://locked", &out, &err), GROVE_EIO);
  assert_null(out);
  grove_store_close(s);
  assert_string_equal(the_host.done,
      "open here;list MEM+x://list;source db://one;write db://two;put abc;put ;commit ;write db://three;drop ;"
      "write db://four;commit ;write db://locked;close ;");
  assert_int_equal(m.live_bytes, 0);
}

static void what_a_scheme_can_not_do(void **state)
{
  (void)state;
  const grove_store_scheme *const schemes[] = {&bare, NULL};
  grove_store_options o = {.struct_size = sizeof o, .schemes = schemes};
  grove_store *s;
  grove_source f;
  grove_writer *out;
  grove_error err = {0};
  uint64_t bytes = 0;
  check_ok(grove_store_open(&o, &s, &err));
  check_status(grove_store_list(s, "bare://x", count, &bytes, &err), GROVE_ENOTSUP);
  check_contains(err.text, "\"bare://x\": what this scheme names can't be listed");
  check_status(grove_store_source(s, "bare://x", &f, &err), GROVE_ENOTSUP);
  check_contains(err.text, "can't be read");
  check_status(grove_store_write(s, "bare://x", &out, &err), GROVE_ENOTSUP);
  check_contains(err.text, "can't be written");
  check_status(grove_store_source(s, "barer://x", &f, &err), GROVE_ENOTSUP);
  check_contains(err.text, "the store knows no scheme barer://; it knows plain paths, file ");
  check_status(grove_store_source(s, "ba://x", &f, &err), GROVE_ENOTSUP);
  check_status(grove_store_source(s, NULL, &f, &err), GROVE_EINVAL);
  check_status(grove_store_list(s, NULL, count, &bytes, &err), GROVE_EINVAL);
  check_status(grove_store_list(s, "x", NULL, NULL, &err), GROVE_EINVAL);
  check_status(grove_store_list(NULL, "x", count, NULL, &err), GROVE_EINVAL);
  check_status(grove_store_source(NULL, "x", &f, &err), GROVE_EINVAL);
  check_status(grove_store_source(s, "x", NULL, &err), GROVE_EINVAL);
  check_status(grove_store_write(NULL, "x", &out, &err), GROVE_EINVAL);
  check_status(grove_store_write(s, "x", NULL, &err), GROVE_EINVAL);
  check_status(grove_writer_put(NULL, "x", 1, &err), GROVE_EINVAL);
  grove_store_close(s);
  grove_store_close(NULL);
}

static grove_status open_with(const grove_store_scheme *const *schemes, grove_error *err)
{
  grove_store *s = (grove_store *)1;
  grove_store_options o = {.struct_size = sizeof o, .schemes = schemes};
  memset(the_host.done, 0, sizeof the_host.done);
  memset(err, 0, sizeof *err);
  grove_status status = grove_store_open(&o, &s, err);
  assert_true(!s == (status != GROVE_OK));
  grove_store_close(s);
  return status;
}

static void tables_that_are_wrong(void **state)
{
  (void)state;
  const grove_store_scheme *many[17];
  grove_error err;
  for (size_t i = 0; i < 16; i++) {
    many[i] = &bare;
  }
  many[16] = NULL;
  check_status(open_with(many, &err), GROVE_ELIMIT);
  check_contains(err.text, "a store has at most 15 schemes");
  many[15] = NULL;
  check_ok(open_with(many, &err));
  const grove_store_scheme *const without[] = {&whole, &nameless, NULL};
  check_status(open_with(without, &err), GROVE_EINVAL);
  check_contains(err.text, "scheme 1 has struct_size");
  assert_string_equal(the_host.done, "open -;close ;"); // what was opened is closed
  const grove_store_scheme *const old[] = {&shorter, NULL};
  check_status(open_with(old, &err), GROVE_EINVAL);
  check_contains(err.text, "scheme 0 has struct_size 8");
  const grove_store_scheme *const none[] = {NULL};
  check_ok(open_with(none, &err));
  the_host.fail_open = 2;
  the_host.opened = 0;
  const grove_store_scheme *const twice[] = {&whole, &whole, NULL};
  check_status(open_with(twice, &err), GROVE_EIO);
  assert_string_equal(err.text, "the host can't");
  assert_string_equal(the_host.done, "open -;close ;");
  check_status(grove_store_open(NULL, NULL, &err), GROVE_EINVAL);
  struct {
    grove_store_options o;
    char more[8];
  } larger = {.o = {.struct_size = sizeof larger}, .more = {0}};
  grove_store *s;
  check_ok(grove_store_open(&larger.o, &s, &err));
  grove_store_close(s);
  larger.more[3] = 1;
  check_status(grove_store_open(&larger.o, &s, &err), GROVE_ENOTSUP);
  check_contains(err.text, "struct_size");
  assert_null(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calls_go_to_their_scheme),
      cmocka_unit_test(what_a_scheme_can_not_do),
      cmocka_unit_test(tables_that_are_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
