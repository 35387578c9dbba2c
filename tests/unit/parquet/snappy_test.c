// The decoder of snappy's raw format against the library's: what that packs, and what that says of damaged data.
#include "base/random.h"
#include "check.h"
#include "parquet/snappy.h"
#include <snappy-c.h>
#include <time.h>

// Data of many kinds: noise, texts of few letters, numbers that share their high bytes, short patterns.
static void make(uint8_t *p, size_t n, unsigned kind, uint64_t *seed)
{
  for (size_t i = 0; i < n; i++) {
    uint64_t r = grove__random_next(seed);
    switch (kind) {
    case 0: p[i] = (uint8_t)r; break;
    case 1: p[i] = (uint8_t)("abc"[r % 3]); break;
    case 2: p[i] = (uint8_t)(i % 8 < 3 ? r : i % 8); break;
    case 3: p[i] = (uint8_t)(i % (1 + (i / 512) % 40)); break;
    default: p[i] = r % 50 && i > 300 ? p[i - 1 - r / 50 % 299] : (uint8_t)r;
    }
  }
}

static uint8_t *pack(const uint8_t *in, size_t n, size_t *packed)
{
  size_t most = snappy_max_compressed_length(n);
  uint8_t *out = malloc(most);
  assert_non_null(out);
  assert_int_equal(snappy_compress((const char *)in, n, (char *)out, &most), SNAPPY_OK);
  *packed = most;
  return out;
}

// Blocks of exactly the sizes that are given, so that a sanitizer sees a byte too far.
static void check_same(const uint8_t *in, size_t n, size_t want)
{
  uint8_t *packed = malloc(n ? n : 1), *ours = malloc(want ? want : 1), *theirs = malloc(want ? want : 1);
  assert_true(packed && ours && theirs);
  memcpy(packed, in, n);
  size_t got = 0;
  bool good = snappy_uncompressed_length((const char *)packed, n, &got) == SNAPPY_OK && got == want &&
              snappy_uncompress((const char *)packed, n, (char *)theirs, &got) == SNAPPY_OK;
  const char *flaw = grove__snappy_unpack(packed, n, ours, want);
  const uint8_t *whole = grove__snappy_whole(packed, n, want);
  if (good != !flaw || (good && memcmp(ours, theirs, want) != 0)) {
    fail_msg("%zu bytes to %zu: %s, the library says %s", n, want, flaw ? flaw : "good", good ? "good" : "damaged");
  }
  if (whole && (!good || whole < packed || whole + want != packed + n || memcmp(whole, theirs, want) != 0)) {
    fail_msg("%zu bytes to %zu: taken as a whole", n, want);
  }
  free(packed);
  free(ours);
  free(theirs);
}

static void unpacks_what_the_library_packs(void **state)
{
  uint64_t seed = 1;
  (void)state;
  for (unsigned kind = 0; kind < 5; kind++) {
    for (size_t n = 0; n < 300000; n += n < 300 ? 1 : n / 3) {
      size_t packed;
      uint8_t *in = malloc(n + 1);
      assert_non_null(in);
      make(in, n, kind, &seed);
      uint8_t *p = pack(in, n, &packed);
      check_same(p, packed, n);
      free(p);
      free(in);
    }
  }
}

static void finds_what_was_not_packed(void **state)
{
  uint64_t seed = 2;
  (void)state;
  for (size_t n = 1; n < 65536; n += 1 + n / 4) {
    size_t packed;
    uint8_t *in = malloc(n);
    assert_non_null(in);
    make(in, n, 0, &seed);
    uint8_t *p = pack(in, n, &packed);
    assert_ptr_equal(grove__snappy_whole(p, packed, n), p + packed - n);
    assert_null(grove__snappy_whole(p, packed - 1, n));
    assert_null(grove__snappy_whole(p, packed, n - 1));
    free(p);
    free(in);
  }
}

static void says_what_the_library_says_of_damage(void **state)
{
  uint64_t seed = (uint64_t)time(NULL);
  print_message("seed %llu\n", (unsigned long long)seed);
  (void)state;
  for (int i = 0; i < 20000; i++) {
    uint8_t in[2000];
    size_t n = (size_t)grove__random_below(&seed, sizeof in), packed;
    make(in, n, (unsigned)(i % 5), &seed);
    uint8_t *p = pack(in, n, &packed);
    size_t cut = i % 3 ? packed : (size_t)grove__random_below(&seed, packed + 1);
    for (uint64_t k = grove__random_below(&seed, 4); k; k--) {
      p[grove__random_below(&seed, packed)] = (uint8_t)grove__random_next(&seed);
    }
    check_same(p, cut, i % 7 ? n : n + 1);
    free(p);
  }
}

// Tags that the library's packer does not make: far distances of four bytes, literals with lengths of 1 to 4 bytes.
static void follows_all_tags(void **state)
{
  uint64_t seed = 3;
  (void)state;
  for (int i = 0; i < 3000; i++) {
    uint8_t p[4000];
    size_t n = 3, to = 0;
    while (n < 3600 && to < 60000) {
      unsigned kind = to ? (unsigned)grove__random_below(&seed, 4) : 0;
      size_t length = 1 + (size_t)grove__random_below(&seed, 64), distance = to ? 1 + (size_t)grove__random_below(&seed, to) : 0;
      distance = grove__random_below(&seed, 2) && distance > 20 ? 1 + distance % 20 : distance;
      if (kind == 0) {
        size_t bytes = 1 + (size_t)grove__random_below(&seed, 4);
        p[n++] = (uint8_t)((59 + bytes) << 2);
        for (size_t b = 0; b < bytes; b++) {
          p[n++] = (uint8_t)((length - 1) >> 8 * b);
        }
        make(p + n, length, 0, &seed);
        n += length;
      } else if (kind == 1) {
        length = 4 + length % 8;
        distance %= 2048;
        distance += !distance;
        p[n++] = (uint8_t)(distance >> 8 << 5 | (length - 4) << 2 | 1);
        p[n++] = (uint8_t)distance;
      } else {
        p[n++] = (uint8_t)((length - 1) << 2 | kind);
        for (size_t b = 0; b < (kind == 2 ? 2 : 4); b++) {
          p[n++] = (uint8_t)(distance >> 8 * b);
        }
      }
      to += length;
    }
    p[0] = (uint8_t)(to | 0x80); // the length, in three bytes
    p[1] = (uint8_t)(to >> 7 | 0x80);
    p[2] = (uint8_t)(to >> 14);
    check_same(p, n, to);
    assert_null(grove__snappy_unpack(p, n, (uint8_t[65536]){0}, to));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unpacks_what_the_library_packs),
      cmocka_unit_test(finds_what_was_not_packed),
      cmocka_unit_test(says_what_the_library_says_of_damage),
      cmocka_unit_test(follows_all_tags),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
