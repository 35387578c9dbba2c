// The bodies of the inner loops that this processor can run, each against the portable one; and the memory that goes
// round between batches.
#include "parquet/bits.h"
#include "parquet/budget.h"
#include "parquet/kernels.h"
#include "parquet/spare.h"
#include "parquet_fixture.h"
#include <pthread.h>

enum { GROUPS = 77, N = GROUPS * 8 };

static void unpack_all(const grove__kernels *k, unsigned width, uint64_t *seed)
{
  static uint32_t want[N + 1], got[N + 1];
  for (size_t groups = 0; groups <= GROUPS; groups += 1 + groups / 3) {
    // Of exactly the size with its slack, so that a byte too far is seen.
    size_t room = groups * width + GROVE__SLACK;
    uint8_t *in = malloc(room);
    assert_non_null(in);
    for (size_t i = 0; i < room; i++) {
      in[i] = (uint8_t)grove__random_next(seed);
    }
    memset(got, 0x5a, sizeof got);
    memset(want, 0x5a, sizeof want);
    grove__unpack32(in, want, groups, width);
    uint32_t most = k->unpack(in, got, groups, width), wanted = 0;
    for (size_t i = 0; i < groups * 8; i++) {
      wanted = want[i] > wanted ? want[i] : wanted;
    }
    if (memcmp(want, got, sizeof want) != 0 || most != wanted) {
      fail_msg("%s: width %u, %zu groups", k->name, width, groups);
    }
    free(in);
  }
}

static void bodies_unpack_alike(void **state)
{
  (void)state;
  uint64_t seed = 1;
  for (size_t i = 0; grove__kernels_at(i); i++) {
    print_message("body %s\n", grove__kernels_at(i)->name);
    for (unsigned width = 0; width <= 32; width++) {
      unpack_all(grove__kernels_at(i), width, &seed);
    }
  }
  assert_non_null(grove__kernels_best());
}

static void bodies_find_the_largest(void **state)
{
  (void)state;
  uint32_t codes[140];
  for (size_t i = 0; grove__kernels_at(i); i++) {
    const grove__kernels *k = grove__kernels_at(i);
    for (size_t n = 0; n < 140; n++) {
      memset(codes, 0xff, sizeof codes); // behind the n: must not count
      for (size_t at = 0; at < n; at++) {
        memset(codes, 0, n * sizeof *codes);
        codes[at] = at % 2 ? 0x80000001u : 7;
        if (k->largest(codes, n) != codes[at]) {
          fail_msg("%s: %zu codes, the largest at %zu", k->name, n, at);
        }
      }
      assert_int_equal(k->largest(codes, 0), 0);
    }
  }
}

#define GATHER_TEST(which, type)                                                                   \
  static void check_##which(const grove__kernels *k, size_t count, size_t n, uint64_t *seed)       \
  {                                                                                                \
    type *values = malloc(count * sizeof *values), *out = malloc((n + 1) * sizeof *out);           \
    uint32_t *codes = malloc((n + 1) * sizeof *codes);                                             \
    assert_true(values &&out &&codes);                                                             \
    for (size_t i = 0; i < count; i++) {                                                           \
      values[i] = (type)grove__random_next(seed);                                                  \
    }                                                                                              \
    for (size_t i = 0; i < n; i++) {                                                               \
      codes[i] = (uint32_t)grove__random_below(seed, count);                                       \
    }                                                                                              \
    out[n] = 0x5a;                                                                                 \
    k->which(out, values, count, codes, n);                                                        \
    for (size_t i = 0; i < n; i++) {                                                               \
      if (out[i] != values[codes[i]]) {                                                            \
        fail_msg("%s, " #which ": %zu values, code %zu of %zu", k->name, count, i, n);             \
      }                                                                                            \
    }                                                                                              \
    assert_int_equal(out[n], 0x5a);                                                                \
    free(values);                                                                                  \
    free(out);                                                                                     \
    free(codes);                                                                                   \
  }
GATHER_TEST(gather8, uint8_t)
GATHER_TEST(gather16, uint16_t)
GATHER_TEST(gather32, uint32_t)
GATHER_TEST(gather64, uint64_t)

static void bodies_gather_alike(void **state)
{
  (void)state;
  static const size_t counts[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 256, 5000};
  uint64_t seed = 2;
  for (size_t i = 0; grove__kernels_at(i); i++) {
    const grove__kernels *k = grove__kernels_at(i);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
      for (size_t n = 0; n < 100; n += 1 + n / 4) {
        check_gather8(k, counts[c], n, &seed);
        check_gather16(k, counts[c], n, &seed);
        check_gather32(k, counts[c], n, &seed);
        check_gather64(k, counts[c], n, &seed);
      }
    }
  }
}

#define SPREAD_TEST(which, type)                                                                   \
  static void check_##which(const grove__kernels *k, uint64_t from, size_t n, unsigned in_8, uint64_t *seed) \
  {                                                                                                \
    type *values = malloc((n + 1) * sizeof *values), *want = malloc((n + 1) * sizeof *want);       \
    size_t whole = (size_t)(from + n + 7) / 8, valid = 0;                                          \
    uint8_t *bits = malloc(whole + 1);                                                             \
    assert_true(values && want && bits);                                                           \
    for (size_t i = 0; i < whole; i++) {                                                           \
      bits[i] = 0;                                                                                 \
      for (int b = 0; b < 8; b++) {                                                                \
        bits[i] = (uint8_t)(bits[i] | (grove__random_below(seed, 8) < in_8) << b);                 \
      }                                                                                            \
    }                                                                                              \
    for (size_t i = 0; i < n; i++) {                                                               \
      bool there = grove__bit_get(bits, (int64_t)(from + i));                                      \
      want[i] = there ? (type)(grove__random_next(seed) | 1) : 0;                                  \
      if (there) {                                                                                 \
        values[valid++] = want[i];                                                                 \
      }                                                                                            \
    }                                                                                              \
    memset(values + valid, 0x5a, (n + 1 - valid) * sizeof *values);                                \
    k->which(values, bits, from, n, valid);                                                        \
    if (n && memcmp(values, want, n * sizeof *values)) {                                           \
      fail_msg("%s, " #which ": %zu rows from bit %d, %u in 8", k->name, n, (int)from, in_8);      \
    }                                                                                              \
    assert_true((uint8_t)values[n] == 0x5a);                                                       \
    free(values);                                                                                  \
    free(want);                                                                                    \
    free(bits);                                                                                    \
  }
SPREAD_TEST(spread8, uint8_t)
SPREAD_TEST(spread16, uint16_t)
SPREAD_TEST(spread32, uint32_t)
SPREAD_TEST(spread64, uint64_t)

static void bodies_spread_alike(void **state)
{
  (void)state;
  uint64_t seed = 3;
  for (size_t i = 0; grove__kernels_at(i); i++) {
    const grove__kernels *k = grove__kernels_at(i);
    for (unsigned in_8 = 0; in_8 <= 8; in_8++) {
      for (size_t n = 0; n < 400; n += 1 + n / 9) {
        for (uint64_t from = 0; from < 20; from += 3) {
          check_spread8(k, from, n, in_8, &seed);
          check_spread16(k, from, n, in_8, &seed);
          check_spread32(k, from, n, in_8, &seed);
          check_spread64(k, from, n, in_8, &seed);
        }
      }
    }
  }
}

// Codes that are all right, and then one that is not, of which it may only say so.
static void check_decode8(const grove__kernels *k, unsigned width, size_t count, size_t groups)
{
  uint64_t seed = width * 1000 + count;
  size_t n = groups * 8;
  // Of exactly their sizes, with the slack that is read, so that a byte too far is seen.
  uint8_t *packed = malloc(groups * width + GROVE__SLACK), *out = malloc(n + 1), *values = malloc(count + GROVE__SLACK);
  uint32_t *codes = malloc(n * sizeof *codes);
  assert_true(packed && out && values && codes);
  for (size_t i = 0; i < count + GROVE__SLACK; i++) {
    values[i] = (uint8_t)grove__random_next(&seed);
  }
  size_t most = count < (size_t)1 << width ? count : (size_t)1 << width;
  for (int bad = 0; bad < 2; bad++) {
    memset(packed, 0, groups * width);
    memset(packed + groups * width, 0xff, GROVE__SLACK);
    for (size_t i = 0; i < n; i++) {
      codes[i] = (uint32_t)grove__random_below(&seed, most);
      codes[i] = bad && i == n / 2 ? (uint32_t)count : codes[i];
      for (unsigned b = 0; b < width; b++) {
        packed[(i * width + b) / 8] |= (uint8_t)((codes[i] >> b & 1) << (i * width + b) % 8);
      }
    }
    out[n] = 0x5a;
    bool fits = count < (size_t)1 << width; // else there is no bad code
    assert_int_equal(k->decode8(packed, out, groups, width, values, count), !(bad && fits));
    assert_int_equal(out[n], 0x5a);
    for (size_t i = 0; i < n && !bad; i++) {
      if (out[i] != values[codes[i]]) {
        fail_msg("%s: %u bits, %zu values, code %zu of %zu", k->name, width, count, i, n);
      }
    }
  }
  free(packed);
  free(out);
  free(values);
  free(codes);
}

static void bodies_decode_bytes_alike(void **state)
{
  (void)state;
  for (size_t i = 0; grove__kernels_at(i); i++) {
    for (unsigned width = 1; width <= 8 && grove__kernels_at(i)->decode8; width++) {
      for (size_t count = 1; count <= 64; count += 1 + count / 5) {
        for (size_t groups = 1; groups < 30; groups++) {
          check_decode8(grove__kernels_at(i), width, count, groups);
        }
      }
      check_decode8(grove__kernels_at(i), width, 64, 3);
    }
  }
}

// ---- memory that goes round -----------------------------------------------------------------------

static void blocks_come_again(void **state)
{
  (void)state;
  check_memory memory = {0};
  grove_allocator from = check_allocator(&memory);
  grove__spare *s = grove__spare_open(&from, 0);
  assert_non_null(s);
  grove_allocator a = grove__spare_allocator(s);
  uint8_t *p = grove__alloc(&a, 100000);
  assert_non_null(p);
  memset(p, 1, 100000);
  grove__free(&a, p, 100000);
  assert_ptr_equal(grove__alloc(&a, 99000), p); // the same, though less is wanted
  p = grove__realloc(&a, p, 99000, 400000);
  assert_non_null(p);
  assert_int_equal(p[98999], 1);
  uint8_t *small = grove__alloc(&a, 10);
  assert_non_null(small);
  grove__spare_close(s);
  assert_true(memory.live_blocks > 0); // blocks may outlive it
  grove__free(&a, p, 400000);
  grove__free(&a, small, 10);
  assert_int_equal(memory.live_blocks, 0);
  assert_int_equal(memory.live_bytes, 0);
}

static void a_limit_is_kept(void **state)
{
  (void)state;
  check_memory memory = {0};
  grove_allocator from = check_allocator(&memory);
  grove__spare *s = grove__spare_open(&from, 1 << 20);
  assert_non_null(s);
  grove_allocator a = grove__spare_allocator(s);
  for (size_t n = 8192; n < 1 << 19; n += n / 2) { // each leaves one behind
    void *p = grove__alloc(&a, n);
    assert_non_null(p);
    grove__free(&a, p, n);
  }
  void *p = grove__alloc(&a, 1000000);
  assert_non_null(p);
  assert_true(memory.live_bytes < (1 << 20) + 100000);
  grove__free(&a, p, 1000000);
  grove__spare_close(s);
  assert_int_equal(memory.live_blocks, 0);
}

typedef struct sharing {
  grove_allocator a;
  uint64_t seed;
} sharing;

static void *share(void *user)
{
  sharing *s = user;
  uint8_t *held[8] = {0};
  size_t sizes[8] = {0};
  for (int i = 0; i < 20000; i++) {
    size_t at = grove__random_below(&s->seed, 8);
    if (held[at]) {
      // What was written is still there: no block is out twice.
      if (held[at][0] != (uint8_t)sizes[at] || held[at][sizes[at] - 1] != (uint8_t)at) {
        return (void *)1;
      }
      grove__free(&s->a, held[at], sizes[at]);
      held[at] = NULL;
    } else {
      sizes[at] = 4000 + grove__random_below(&s->seed, 30000);
      held[at] = grove__alloc(&s->a, sizes[at]);
      held[at][0] = (uint8_t)sizes[at];
      held[at][sizes[at] - 1] = (uint8_t)at;
    }
  }
  for (size_t at = 0; at < 8; at++) {
    grove__free(&s->a, held[at], sizes[at]);
  }
  return NULL;
}

static void threads_share_blocks(void **state)
{
  (void)state;
  pthread_t threads[4];
  sharing shares[4];
  grove__spare *s = grove__spare_open(&grove__allocator_malloc, 0);
  assert_non_null(s);
  grove_allocator a = grove__spare_allocator(s);
  void *open = grove__alloc(&a, 5000); // a block that is out keeps it alive
  assert_non_null(open);
  for (size_t i = 0; i < 4; i++) {
    shares[i] = (sharing){a, i};
    assert_int_equal(pthread_create(&threads[i], NULL, share, &shares[i]), 0);
  }
  grove__spare_close(s); // while they are at it
  for (size_t i = 0; i < 4; i++) {
    void *wrong = NULL;
    assert_int_equal(pthread_join(threads[i], &wrong), 0);
    assert_null(wrong);
  }
  grove__free(&a, open, 5000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bodies_unpack_alike),
      cmocka_unit_test(bodies_find_the_largest),
      cmocka_unit_test(bodies_gather_alike),
      cmocka_unit_test(bodies_spread_alike),
      cmocka_unit_test(bodies_decode_bytes_alike),
      cmocka_unit_test(blocks_come_again),
      cmocka_unit_test(a_limit_is_kept),
      cmocka_unit_test(threads_share_blocks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
