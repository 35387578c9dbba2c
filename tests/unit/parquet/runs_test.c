// The hybrid of runs and packed groups, and the packed differences: random numbers, taken in odd pieces.
#include "parquet/bits.h"
#include "parquet/delta.h"
#include "parquet/runs.h"
#include "parquet/write.h"
#include "parquet_fixture.h"

enum { N = 5000 };

static void random_numbers(uint32_t *out, size_t n, unsigned width, uint64_t *seed)
{
  uint32_t mask = (uint32_t)(((uint64_t)1 << width) - 1);
  for (size_t i = 0; i < n;) {
    size_t run = grove__random_below(seed, 4) ? 1 : 1 + grove__random_below(seed, 60);
    uint32_t value = (uint32_t)grove__random_next(seed) & mask;
    for (; run && i < n; run--) {
      out[i++] = value;
    }
  }
}

static void runs_come_back(void **state)
{
  (void)state;
  static uint32_t in[N], out[N];
  for (unsigned width = 0; width <= 32; width++) {
    uint64_t seed = width;
    grove__budget budget = {.allocator = grove__allocator_malloc};
    grove__out o = {.budget = &budget};
    grove__runs runs;
    random_numbers(in, N, width, &seed);
    grove__runs_put(&o, in, N, width);
    check_ok(o.status);
    memset(o.block.p + o.used, 0, GROVE__SLACK);
    grove__runs_init(&runs, o.block.p, o.block.p + o.used, width);
    for (size_t done = 0; done < N;) {
      size_t take = grove__random_below(&seed, 40);
      take = take < N - done ? take : N - done;
      const char *flaw = grove__runs_take(&runs, out + done, take);
      if (flaw) {
        fail_msg("width %u, number %zu: %s", width, done, flaw);
      }
      done += take;
    }
    assert_memory_equal(in, out, sizeof in);
    grove__out_free(&o);
  }
}

static void bits_come_back(void **state)
{
  (void)state;
  static uint32_t in[N];
  static uint8_t bits[N / 8 + 2];
  for (uint64_t first = 0; first < 9; first++) {
    uint64_t seed = first, ones = 0, want = 0;
    grove__budget budget = {.allocator = grove__allocator_malloc};
    grove__out o = {.budget = &budget};
    grove__runs runs;
    random_numbers(in, N, 1, &seed);
    grove__runs_put(&o, in, N, 1);
    memset(o.block.p + o.used, 0, GROVE__SLACK);
    grove__runs_init(&runs, o.block.p, o.block.p + o.used, 1);
    for (size_t done = 0; done < N;) {
      size_t take = grove__random_below(&seed, 30);
      take = take < N - done ? take : N - done;
      assert_null(grove__runs_bits(&runs, bits, first + done, take, &ones));
      done += take;
    }
    for (size_t i = 0; i < N; i++) {
      want += in[i];
      assert_int_equal(grove__bit_get(bits, (int64_t)(first + i)), in[i]);
    }
    assert_int_equal(ones, want);
    grove__out_free(&o);
  }
}

static const char *take_runs(const uint8_t *p, size_t n, unsigned width, size_t wanted)
{
  static uint8_t buffer[64 + GROVE__SLACK];
  uint32_t out[64];
  grove__runs runs;
  memset(buffer, 0, sizeof buffer);
  memcpy(buffer, p, n);
  grove__runs_init(&runs, buffer, buffer + n, width);
  return grove__runs_take(&runs, out, wanted);
}

static void damaged_runs(void **state)
{
  (void)state;
  assert_non_null(take_runs((const uint8_t *)"", 0, 1, 1));
  assert_non_null(take_runs((const uint8_t *)"\x80", 1, 1, 1)); // a head that does not end
  assert_non_null(
      take_runs((const uint8_t *)"\xff\xff\xff\xff\xff\x01", 6, 1, 1)); // of over 32 bits
  assert_non_null(take_runs((const uint8_t *)"\x02", 1, 8, 1));         // a run without its number
  assert_non_null(take_runs((const uint8_t *)"\x02\x04", 2, 2, 1));     // a number of 3 bits, not 2
  assert_non_null(take_runs((const uint8_t *)"\x02\x01", 2, 2, 2));     // one number, not two
  assert_null(take_runs((const uint8_t *)"\x03\xff", 2, 2, 4));         // a group cut behind 4
  assert_non_null(take_runs((const uint8_t *)"\x03\xff", 2, 2, 5));
}

// ---- differences ----------------------------------------------------------------------------------

static void put_zigzag(grove__out *o, uint64_t v)
{
  grove__out_varint(o, v << 1 ^ (0 - (v >> 63)));
}

static void put_mini(grove__out *o, const uint64_t *v, size_t n, unsigned width)
{
  uint8_t *to = grove__out_room(o, n * width / 8);
  memset(to, 0, n * width / 8);
  for (size_t i = 0; i < n * width; i++) {
    to[i >> 3] |= (uint8_t)((v[i / width] >> (i % width) & 1) << (i & 7));
  }
  o->used += n * width / 8;
}

// Blocks of `minis` miniblocks of `per` values.
static void put_differences(grove__out *o, const int64_t *v, size_t n, size_t minis, size_t per)
{
  grove__out_varint(o, minis * per);
  grove__out_varint(o, minis);
  grove__out_varint(o, n);
  put_zigzag(o, n ? (uint64_t)v[0] : 0);
  for (size_t at = 1; at < n; at += minis * per) {
    uint64_t d[1024] = {0}, least = 0;
    uint8_t widths[16] = {0};
    size_t here = n - at < minis * per ? n - at : minis * per;
    for (size_t i = 0; i < here; i++) {
      d[i] = (uint64_t)v[at + i] - (uint64_t)v[at + i - 1];
      least = i == 0 || (int64_t)d[i] < (int64_t)least ? d[i] : least;
    }
    for (size_t i = 0; i < here; i++) {
      d[i] -= least;
      unsigned width = grove__bits_of(d[i]);
      widths[i / per] = width > widths[i / per] ? (uint8_t)width : widths[i / per];
    }
    put_zigzag(o, least);
    grove__out_bytes(o, widths, minis);
    for (size_t m = 0; m * per < here; m++) {
      put_mini(o, d + m * per, per, widths[m]);
    }
  }
}

static void differences_come_back(void **state)
{
  (void)state;
  static int64_t in[N], out[N];
  static const size_t sizes[][2] = {{4, 32}, {1, 128}, {8, 8}, {16, 64}};
  for (unsigned width = 0; width <= 64; width++) {
    uint64_t seed = width;
    const uint8_t *end = NULL;
    size_t n = 1 + grove__random_below(&seed, N);
    grove__budget budget = {.allocator = grove__allocator_malloc};
    grove__out o = {.budget = &budget};
    grove__delta d;
    for (size_t i = 0; i < n; i++) {
      uint64_t step = width ? grove__random_next(&seed) >> (64 - width) : 3;
      in[i] = (int64_t)((i ? (uint64_t)in[i - 1] : 17) + step);
    }
    put_differences(&o, in, n, sizes[width % 4][0], sizes[width % 4][1]);
    memset(grove__out_room(&o, GROVE__SLACK), 0xa5, GROVE__SLACK);
    assert_null(grove__delta_open(&d, o.block.p, o.block.p + o.used));
    assert_null(grove__delta_end(&d, &end));
    assert_ptr_equal(end, o.block.p + o.used);
    for (size_t done = 0; done < n;) {
      size_t take = grove__random_below(&seed, 50);
      take = take < n - done ? take : n - done;
      const char *flaw = grove__delta_take(&d, out + done, take);
      if (flaw) {
        fail_msg("width %u, number %zu: %s", width, done, flaw);
      }
      done += take;
    }
    assert_memory_equal(in, out, n * sizeof *in);
    assert_non_null(grove__delta_take(&d, out, 1));
    grove__out_free(&o);
  }
}

static const char *open_delta(const char *p, size_t n)
{
  static uint8_t buffer[64 + GROVE__SLACK];
  int64_t out[8];
  grove__delta d;
  const uint8_t *end;
  memset(buffer, 0, sizeof buffer);
  memcpy(buffer, p, n);
  const char *flaw = grove__delta_open(&d, buffer, buffer + n);
  flaw = flaw ? flaw : grove__delta_end(&d, &end);
  return flaw ? flaw : grove__delta_take(&d, out, 8);
}

static void damaged_differences(void **state)
{
  (void)state;
  assert_non_null(open_delta("", 0));
  assert_non_null(open_delta("\x80\x01\x04\x09", 4));                          // no first value
  assert_non_null(open_delta("\x80\x01\x00\x09\x02", 5));                      // no miniblocks
  assert_non_null(open_delta("\x80\x01\x03\x09\x02", 5));                      // of unequal size
  assert_non_null(open_delta("\x00\x04\x09\x02", 4));                          // of no size
  assert_non_null(open_delta("\x80\x01\x04\x09\x02", 5));                      // no block
  assert_non_null(open_delta("\x80\x01\x04\x09\x02\x00\x41\x00\x00\x00", 10)); // 65 bits
  assert_non_null(
      open_delta("\x80\x01\x04\x09\x02\x00\x40\x00\x00\x00", 10)); // a miniblock that is not there
  assert_null(open_delta("\x80\x01\x04\x09\x02\x00\x00\x00\x00\x00", 10));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(runs_come_back),
      cmocka_unit_test(bits_come_back),
      cmocka_unit_test(damaged_runs),
      cmocka_unit_test(differences_come_back),
      cmocka_unit_test(damaged_differences),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
