// Bits copied and counted from anywhere to anywhere: as one by one.
#include "columnar/bitmap.h"
#include "base/random.h"
#include "check.h"

enum { BYTES = 64, BITS = BYTES * 8 };

static void as_one_by_one(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    uint64_t at = seed;
    uint8_t *in = malloc(BYTES), *out = malloc(BYTES), *before = malloc(BYTES); // exactly: one too far is seen
    assert_true(in && out && before);
    for (size_t i = 0; i < BYTES; i++) {
      in[i] = (uint8_t)grove__random_next(&at);
      before[i] = (uint8_t)grove__random_next(&at);
    }
    for (int64_t from = 0; from < 20; from++) {
      for (int64_t n = 0; n <= BITS - 20; n += n < 150 ? 1 : 37) {
        int64_t to = (from * 7 + n) % 17, ones = 0;
        memcpy(out, before, BYTES);
        grove__bitmap_copy(in, from, out, to, n);
        for (int64_t i = 0; i < n; i++) {
          ones += grove__bit_get(in, from + i);
          assert_true(grove__bit_get(out, to + i) == grove__bit_get(in, from + i));
        }
        assert_int_equal(grove__bitmap_count(in, from, n), ones);
        for (int64_t i = 0; i < BITS; i++) {
          assert_true((i >= to && i < to + n) || grove__bit_get(out, i) == grove__bit_get(before, i));
        }
      }
      // To the last bit.
      assert_int_equal(grove__bitmap_count(in, from, BITS - from) + grove__bitmap_count(in, 0, from),
          grove__bitmap_count(in, 0, BITS));
    }
    free(in);
    free(out);
    free(before);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(as_one_by_one)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
