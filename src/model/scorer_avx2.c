// Byte lanes of 32 rows, with AVX2: a table of 16 bytes is one look-up, and larger ones are chosen from by the sides
// that the path took. This file alone is compiled for these instructions.
#include "model/scorer_body.h"
#if defined(__x86_64__) && defined(__GNUC__)
#include "model/scorer_lanes.h"
#include "model/scorer_one.h"
#include "model/scorer_sums.h"
#include <immintrin.h>

enum { LANES = 32 };

/// Where 32 rows are: bits 0 to 7 of the path in bytes, its lowest four alone, and whole bytes of ones where the side
/// at a level from 4 on was the right one.
struct lanes {
  __m256i path;
  __m256i low;
  __m256i side[6];
};

GROVE__INLINE __m256i load(const void *p)
{
  return _mm256_loadu_si256(p);
}

GROVE__INLINE __m256i bytes_of(int v)
{
  return _mm256_set1_epi8((char)v);
}

GROVE__INLINE __m256i look_4(const unsigned char *table, const struct lanes *l)
{
  return _mm256_shuffle_epi8(
      _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)table)), l->low);
}

GROVE__INLINE __m256i look_5(const unsigned char *table, const struct lanes *l)
{
  return _mm256_blendv_epi8(look_4(table, l), look_4(table + 16, l), l->side[0]);
}

GROVE__INLINE __m256i look_6(const unsigned char *table, const struct lanes *l)
{
  return _mm256_blendv_epi8(look_5(table, l), look_5(table + 32, l), l->side[1]);
}

GROVE__INLINE __m256i look_7(const unsigned char *table, const struct lanes *l)
{
  return _mm256_blendv_epi8(look_6(table, l), look_6(table + 64, l), l->side[2]);
}

GROVE__INLINE __m256i look_8(const unsigned char *table, const struct lanes *l)
{
  return _mm256_blendv_epi8(look_7(table, l), look_7(table + 128, l), l->side[3]);
}

GROVE__INLINE __m256i look_9(const unsigned char *table, const struct lanes *l)
{
  return _mm256_blendv_epi8(look_8(table, l), look_8(table + 256, l), l->side[4]);
}

GROVE__INLINE __m256i look_10(const unsigned char *table, const struct lanes *l)
{
  return _mm256_blendv_epi8(look_9(table, l), look_9(table + 512, l), l->side[5]);
}

// Bytes by the first `bits` bits of the path.
GROVE__INLINE __m256i look_up(const unsigned char *table, int bits, const struct lanes *l)
{
  switch (bits) {
  case 5: return look_5(table, l);
  case 6: return look_6(table, l);
  case 7: return look_7(table, l);
  case 8: return look_8(table, l);
  case 9: return look_9(table, l);
  case 10: return look_10(table, l);
  default: return look_4(table, l);
  }
}

// ---- a level ------------------------------------------------------------------------------------------
GROVE__INLINE __m256i has_bit(__m256i v, int bit)
{
  return _mm256_cmpeq_epi8(_mm256_and_si256(v, bytes_of(bit)), bytes_of(bit));
}

GROVE__INLINE __m256i pick_eight(
    const int8_t *rows, const uint16_t *list, uint32_t n, __m256i place)
{
#define COLUMN(i) load(rows + (size_t)list[i] * GROVE__GROUP)
  if (n == 1) {
    return COLUMN(0);
  }
  __m256i one = has_bit(place, 1);
  __m256i a = _mm256_blendv_epi8(COLUMN(0), COLUMN(1), one);
  if (n == 2) {
    return a;
  }
  __m256i two = has_bit(place, 2);
  a = _mm256_blendv_epi8(a, _mm256_blendv_epi8(COLUMN(2), COLUMN(3), one), two);
  if (n <= 4) {
    return a;
  }
  __m256i b = _mm256_blendv_epi8(COLUMN(4), COLUMN(5), one);
  b = _mm256_blendv_epi8(b, _mm256_blendv_epi8(COLUMN(6), COLUMN(7), one), two);
  return _mm256_blendv_epi8(a, b, has_bit(place, 4));
#undef COLUMN
}

GROVE__INLINE __m256i pick(const int8_t *rows, const uint16_t *list, uint32_t n, __m256i place)
{
  __m256i x = pick_eight(rows, list, n, place);
  for (uint32_t i = 8; i < n; i += 8) {
    __m256i y = pick_eight(rows, list + i, n - i, place);
    __m256i eight = _mm256_and_si256(place, bytes_of(0x38));
    x = _mm256_blendv_epi8(x, y, _mm256_cmpeq_epi8(eight, bytes_of((int)i)));
  }
  return x;
}

// Where the bit of a row's class is set in the set of its node: sets stand by 16 bytes, one look-up each.
static __m256i look_into_sets(const unsigned char *table, const grove__lane_level *v, __m256i class,
    __m256i number, __m256i second_half, bool halves)
{
  const __m256i bits = _mm256_set1_epi64x((long long)0x8040201008040201);
  int shift = v->set_shift, rest = 4 - shift;
  __m256i low = _mm256_and_si256(number, bytes_of((1 << rest) - 1));
  __m256i at = _mm256_and_si256(_mm256_srli_epi16(class, 3), bytes_of(15));
  at = _mm256_or_si256(at, _mm256_sll_epi16(low, _mm_cvtsi32_si128(shift)));
  __m256i slice =
      _mm256_and_si256(_mm256_srl_epi16(number, _mm_cvtsi32_si128(rest)), bytes_of(0xff >> rest));
  uint32_t slices = (((uint32_t)v->sets << shift) + 15) / 16;
  size_t half_bytes = ((((size_t)v->sets << shift) + 127) / 128) * 128;
  __m256i found = _mm256_setzero_si256();
  for (int half = 0; half < 1 + halves; half++) {
    __m256i here = half ? second_half : _mm256_xor_si256(second_half, bytes_of(-1));
    for (uint32_t i = 0; i < slices; i++) {
      __m256i mine = _mm256_and_si256(here, _mm256_cmpeq_epi8(slice, bytes_of((int)i)));
      __m128i part = _mm_loadu_si128((const void *)(table + (size_t)half * half_bytes + 16 * i));
      found = _mm256_blendv_epi8(
          found, _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(part), at), mine);
    }
  }
  __m256i bit = _mm256_shuffle_epi8(bits, _mm256_and_si256(class, bytes_of(7)));
  return _mm256_cmpeq_epi8(_mm256_and_si256(found, bit), bit);
}

// Which rows go right at their nodes, whose bytes these are.
GROVE__INLINE __m256i compare(const grove__lane_tree *h, const grove__lane_level *v,
    const int8_t *rows, __m256i place, __m256i threshold, __m256i second_half, bool halves)
{
  const unsigned char *base = (const unsigned char *)h;
  const uint16_t *list = (const uint16_t *)(const void *)(base + h->lists) + v->list;
  __m256i x = pick(rows, list, v->columns, place), more = x;
  if (v->missing) {
    more = _mm256_sub_epi8(x, _mm256_cmpgt_epi8(_mm256_setzero_si256(), place));
  }
  __m256i right = _mm256_cmpgt_epi8(more, threshold);
  if (v->sets) {
    __m256i in = look_into_sets(base + v->table, v, x, threshold, second_half, halves);
    right = _mm256_blendv_epi8(right, in, has_bit(place, GROVE__LANE_SET));
  }
  return right;
}

GROVE__INLINE void go_down(
    int depth, const grove__lane_tree *h, const int8_t *rows, struct lanes *l)
{
  const unsigned char *base = (const unsigned char *)h;
  size_t first = (size_t)1 << depth;
  __m256i place = look_up(base + h->column + first, depth, l);
  __m256i threshold = look_up(base + h->threshold + first, depth, l);
  __m256i half = depth == 9 ? l->side[4] : _mm256_setzero_si256();
  __m256i right = compare(h, &h->level[depth], rows, place, threshold, half, depth == 9);
  if (depth < 8) {
    l->path = _mm256_or_si256(l->path, _mm256_and_si256(right, bytes_of(1 << depth)));
  }
  if (depth < 4) {
    l->low = l->path;
  } else {
    l->side[depth - 4] = right;
  }
}

// To the next node by its number. False: all rows are at leaves.
GROVE__INLINE bool go_on(int bits, const grove__lane_tree *h, const int8_t *rows, struct lanes *l)
{
  const unsigned char *base = (const unsigned char *)h;
  __m256i place = look_up(base + h->column, bits, l);
  __m256i threshold = look_up(base + h->threshold, bits, l);
  __m256i child = look_up(base + h->child, bits, l);
  __m256i right = compare(h, &h->level[0], rows, place, threshold, _mm256_setzero_si256(), false);
  __m256i next = _mm256_sub_epi8(child, right);
  bool moved = _mm256_movemask_epi8(_mm256_cmpeq_epi8(next, l->path)) != -1;
  l->path = next;
  l->low = _mm256_and_si256(next, bytes_of(15));
  for (int k = 4; k < bits; k++) {
    l->side[k - 4] = has_bit(next, 1 << k);
  }
  return moved;
}

// ---- leaves -------------------------------------------------------------------------------------------
static inline void put_paths(const struct lanes *l, uint32_t bits, uint16_t *path)
{
  __m256i high = _mm256_setzero_si256();
  if (bits > 8) {
    high = _mm256_and_si256(l->side[4], bytes_of(1));
  }
  if (bits > 9) {
    high = _mm256_or_si256(high, _mm256_and_si256(l->side[5], bytes_of(2)));
  }
  __m256i a = _mm256_unpacklo_epi8(l->path, high), b = _mm256_unpackhi_epi8(l->path, high);
  _mm256_storeu_si256((void *)path, _mm256_permute2x128_si256(a, b, 0x20));
  _mm256_storeu_si256((void *)(path + 16), _mm256_permute2x128_si256(a, b, 0x31));
}

GROVE__INLINE void walk_numbers(
    int bits, const grove__lane_tree *h, const int8_t *rows, struct lanes *l)
{
  for (int k = 0; k < bits - 4; k++) {
    l->side[k] = _mm256_setzero_si256();
  }
  while (go_on(bits, h, rows, l)) {}
}

static void walk_half(const grove__lane_tree *h, const int8_t *rows, uint16_t *path)
{
  struct lanes l = {.path = _mm256_setzero_si256(), .low = _mm256_setzero_si256()};
  if (h->by_number) {
    if (h->bits == 6) {
      walk_numbers(6, h, rows, &l);
    } else if (h->bits == 7) {
      walk_numbers(7, h, rows, &l);
    } else {
      walk_numbers(8, h, rows, &l);
    }
    put_paths(&l, h->bits, path);
    return;
  }
#define GO_DOWN(level)                                                                             \
  if (h->depth > (level)) {                                                                        \
    go_down(level, h, rows, &l);                                                                   \
  }
  GO_DOWN(0)
  GO_DOWN(1)
  GO_DOWN(2)
  GO_DOWN(3)
  GO_DOWN(4)
  GO_DOWN(5)
  GO_DOWN(6)
  GO_DOWN(7)
  GO_DOWN(8)
  GO_DOWN(9)
#undef GO_DOWN
  put_paths(&l, h->bits, path);
}

static void walk_lanes(const grove__scorer *s, const grove__score_tree *t, const int8_t *codes,
    size_t groups, void *sums)
{
  const grove__lane_tree *h = grove__lane_tree_of(s, t);
  for (size_t g = 0; g < groups; g++) {
    const int8_t *rows = codes + g * s->columns * GROVE__GROUP;
    uint16_t path[GROVE__GROUP];
    walk_half(h, rows, path);
    walk_half(h, rows + LANES, path + LANES);
    add_all(s, t, h, path, rows, sums, g * GROVE__GROUP);
  }
}

const grove__scorer_body grove__scorer_avx2 = {
    code_rows, walk_groups, predict_one_side_by_side, walk_lanes, 4, false};
#else
const grove__scorer_body grove__scorer_avx2 = {code_rows, walk_groups, predict_one, NULL, 0, false};
#endif
