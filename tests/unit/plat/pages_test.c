// Large pages: memory stays as it was, and where the system tells of its advice (Linux's smaps), large memory has it and small
// has not.
#include "check.h"
#include "plat/pages.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Whether the mapping that `p` is in is advised to be of large pages; -1: nobody says.
static int is_advised(const void *p)
{
  FILE *f = fopen("/proc/self/smaps", "r");
  char line[512];
  bool here = false;
  int advised = -1;
  while (f && fgets(line, sizeof line, f)) {
    unsigned long long from, to;
    if (sscanf(line, "%llx-%llx ", &from, &to) == 2) {
      here = (uintptr_t)p >= from && (uintptr_t)p < to;
    } else if (here && strncmp(line, "VmFlags:", 8) == 0) {
      advised = strstr(line, " hg") != NULL;
    }
  }
  if (f) {
    fclose(f);
  }
  return advised;
}

static void test_large_ones_are_advised(void **state)
{
  (void)state;
  size_t large = GROVE__PAGES_LARGE_FROM, small = large - 1;
  for (int i = 0; i < 2; i++) {
    size_t bytes = i ? small : large;
    char *p = calloc(1, bytes);
    assert_non_null(p);
    int before = is_advised(p + bytes / 2);
    grove__pages_large(p, bytes);
    int after = is_advised(p + bytes / 2);
    assert_true(after == before || (i == 0 && after == 1));
#if defined(__linux__)
    if (i == 0 && before >= 0 && access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK) == 0) {
      assert_int_equal(after, 1);
    }
#endif
    for (size_t at = 0; at < bytes; at += 4096) {
      assert_int_equal(p[at], 0);
    }
    free(p);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_large_ones_are_advised)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
