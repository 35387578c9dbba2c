// Memory: sizes that overflow give NULL, what goes out comes back with its size, the host's allocator is used.
#include "check.h"
#include "base/alloc.h"

static void null_means_malloc(void **state)
{
  (void)state;
  grove_allocator a = grove__allocator_of(NULL);
  assert_ptr_equal(a.realloc_fn, grove__allocator_malloc.realloc_fn);
  grove_allocator empty = {NULL, NULL};
  a = grove__allocator_of(&empty);
  assert_ptr_equal(a.realloc_fn, grove__allocator_malloc.realloc_fn);
}

static void no_bytes_are_a_block(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  void *p = grove__alloc(&a, 0);
  assert_non_null(p);
  grove__free(&a, p, 0);
  p = grove__alloc_zero(&a, 0);
  assert_non_null(p);
  grove__free(&a, p, 0);
  p = grove__alloc_array(&a, 0, 8);
  assert_non_null(p);
  grove__free(&a, p, 0);
  grove__free(&a, NULL, 10);
  assert_int_equal(m.live_blocks, 0);
  assert_int_equal(m.live_bytes, 0);
}

static void sizes_that_overflow_give_nothing(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  assert_null(grove__alloc_array(&a, SIZE_MAX / 2, 3));
  assert_null(grove__alloc_array(&a, 3, SIZE_MAX / 2));
  assert_null(grove__alloc_sized(&a, SIZE_MAX - 3));
  assert_int_equal(m.allocations, 0);
  size_t out = 7;
  assert_false(grove__multiply(SIZE_MAX, 2, &out));
  assert_false(grove__add(SIZE_MAX, 1, &out));
  assert_int_equal(out, 7);
  assert_true(grove__multiply(SIZE_MAX, 0, &out));
  assert_int_equal(out, 0);
  assert_true(grove__multiply(SIZE_MAX, 1, &out));
  assert_true(out == SIZE_MAX);
  assert_true(grove__add(SIZE_MAX - 1, 1, &out));
  assert_true(out == SIZE_MAX);
}

static void zeroed_is_zero(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator own = check_allocator(&m);
  const grove_allocator *both[] = {&own, &grove__allocator_malloc};
  for (size_t k = 0; k < 2; k++) {
    unsigned char *p = grove__alloc_zero(both[k], 1000);
    assert_non_null(p);
    for (size_t i = 0; i < 1000; i++) {
      assert_int_equal(p[i], 0);
    }
    grove__free(both[k], p, 1000);
  }
  assert_int_equal(m.live_bytes, 0);
}

static void growing_keeps_what_is_there(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  char *p = grove__realloc(&a, NULL, 0, 4);
  assert_non_null(p);
  memcpy(p, "abc", 4);
  m.fail_at = m.allocations + 1;
  assert_null(grove__realloc(&a, p, 4, 100));
  assert_string_equal(p, "abc");
  m.fail_at = 0;
  p = grove__realloc(&a, p, 4, 100);
  assert_string_equal(p, "abc");
  p = grove__realloc(&a, p, 100, 4);
  assert_string_equal(p, "abc");
  grove__free(&a, p, 4);
  assert_int_equal(m.live_bytes, 0);
}

static void sized_blocks_know_their_size(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  for (size_t n = 0; n < 100; n += 7) {
    char *p = grove__alloc_sized(&a, n);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    memset(p, 1, n);
    grove__free_sized(&a, p);
  }
  grove__free_sized(&a, NULL);
  assert_int_equal(m.live_blocks, 0);
  assert_int_equal(m.live_bytes, 0);
}

// Wherever the allocator's blocks begin; every byte may be written, and what was asked for goes back.
static void lines_begin_blocks(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  void *held[8];
  for (size_t n = 0; n < 8; n++) {
    held[n] = grove__alloc(&a, 16 * n + 8);
    unsigned char *p = grove__alloc_lines(&a, n, 13);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 64, 0);
    memset(p, 1, n * 13);
    grove__free_lines(&a, p, n * 13);
  }
  for (size_t n = 0; n < 8; n++) {
    grove__free(&a, held[n], 16 * n + 8);
  }
  grove__free_lines(&a, NULL, 1);
  assert_null(grove__alloc_lines(&a, SIZE_MAX / 2, 3));
  assert_null(grove__alloc_lines(&a, SIZE_MAX - 63, 1));
  m.fail_at = m.allocations + 1;
  assert_null(grove__alloc_lines(&a, 1, 1));
  assert_int_equal(m.live_bytes, 0);
}

static void texts_are_copied(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  char *copy = grove__copy_text(&a, "words");
  assert_string_equal(copy, "words");
  grove__free_text(&a, copy);
  assert_null(grove__copy_text(&a, NULL));
  grove__free_text(&a, NULL);
  m.fail_at = 1;
  assert_null(grove__copy_text(&a, "words"));
  assert_int_equal(m.live_bytes, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(null_means_malloc),
      cmocka_unit_test(no_bytes_are_a_block),
      cmocka_unit_test(sizes_that_overflow_give_nothing),
      cmocka_unit_test(zeroed_is_zero),
      cmocka_unit_test(growing_keeps_what_is_there),
      cmocka_unit_test(sized_blocks_know_their_size),
      cmocka_unit_test(lines_begin_blocks),
      cmocka_unit_test(texts_are_copied),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
