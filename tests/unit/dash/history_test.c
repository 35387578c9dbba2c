// The ring of samples: what is kept, and how many of them are shown.
#include "check.h"
#include "dash/history.h"
#include "written.h"

// The first column of each row that is shown.
static size_t shown(const grove__history *h, size_t points, long *out)
{
  written *t = written_new();
  grove__emitter e;
  grove__json j = {.to = &e};
  grove__emit_init(&e, written_put, t);
  grove__json_open(&j, NULL, '{');
  grove__history_json(&j, h, points);
  grove__json_close(&j, '}');
  check_ok(grove__emit_flush(&e));
  check_contains(t->bytes, "{\"history\":{\"columns\":[\"at_ms\",\"actors\",");
  size_t n = 0;
  const char *at = strstr(t->bytes, "\"rows\":[");
  for (at += 7; (at = strchr(at + 1, '[')); n++) {
    out[n] = strtol(at + 1, NULL, 10);
  }
  free(t);
  return n;
}

static void is_a_ring(void **state)
{
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  grove__history h;
  long row[200];
  (void)state;
  check_ok(grove__history_init(&h, &a, 100));
  assert_int_equal(shown(&h, 10, row), 0);
  grove_stats s = {.struct_size = sizeof s};
  for (int i = 1; i <= 250; i++) {
    s.up_ns = (int64_t)i * 1000000;
    s.messages = (uint64_t)i;
    grove__history_add(&h, &s);
    size_t n = shown(&h, 10, row), all = i < 100 ? (size_t)i : 100;
    assert_in_range(n, all < 10 ? all : 5, 10);
    assert_int_equal(row[n - 1], i); // the newest is always there
    assert_true(row[0] > i - 100);
    for (size_t k = 2; k < n; k++) {
      assert_int_equal(row[k] - row[k - 1], row[1] - row[0]);
    }
  }
  assert_int_equal(shown(&h, 0, row), 100);
  assert_int_equal(row[0], 151);
  grove__history_deinit(&h, &a);
  assert_int_equal(m.live_blocks, 0);
  m.fail_at = m.allocations + 1;
  check_status(grove__history_init(&h, &a, 100), GROVE_ENOMEM);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_a_ring)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
