// Byte lanes of 64 rows, with AVX-512 and VBMI: a table of 64 bytes is one look-up, of 128 nearly so. Two groups of
// rows go side by side, so that tables are loaded once for both. This file alone is compiled for these instructions.
#include "model/scorer_body.h"
#if defined(__x86_64__) && defined(__GNUC__)
#include "model/scorer_lanes.h"
#include "model/scorer_one.h"
#include <immintrin.h>

/// Where 64 rows are: bits 0 to 7 of the path in bytes, and the sides at levels 7, 8 and 9.
struct lanes {
  __m512i path;
  __mmask64 side[3];
};

GROVE__INLINE __m512i load(const void *p)
{
  return _mm512_loadu_si512(p);
}

GROVE__INLINE __m512i look_7(const unsigned char *table, const struct lanes *l)
{
  return _mm512_permutex2var_epi8(load(table), l->path, load(table + 64));
}

GROVE__INLINE __m512i look_8(const unsigned char *table, const struct lanes *l)
{
  return _mm512_mask_blend_epi8(l->side[0], look_7(table, l), look_7(table + 128, l));
}

GROVE__INLINE __m512i look_9(const unsigned char *table, const struct lanes *l)
{
  return _mm512_mask_blend_epi8(l->side[1], look_8(table, l), look_8(table + 256, l));
}

GROVE__INLINE __m512i look_10(const unsigned char *table, const struct lanes *l)
{
  return _mm512_mask_blend_epi8(l->side[2], look_9(table, l), look_9(table + 512, l));
}

// Bytes by the first `bits` bits of the path.
GROVE__INLINE __m512i look_up(const unsigned char *table, int bits, const struct lanes *l)
{
  switch (bits) {
  case 7: return look_7(table, l);
  case 8: return look_8(table, l);
  case 9: return look_9(table, l);
  case 10: return look_10(table, l);
  default: return _mm512_permutexvar_epi8(l->path, load(table));
  }
}

// ---- a level ------------------------------------------------------------------------------------------
GROVE__INLINE __m512i pick_eight(
    const int8_t *rows, const uint16_t *list, uint32_t n, __m512i place)
{
#define COLUMN(i) load(rows + (size_t)list[i] * GROVE__GROUP)
  if (n == 1) {
    return COLUMN(0);
  }
  __mmask64 one = _mm512_test_epi8_mask(place, _mm512_set1_epi8(1));
  __m512i a = _mm512_mask_blend_epi8(one, COLUMN(0), COLUMN(1));
  if (n == 2) {
    return a;
  }
  __mmask64 two = _mm512_test_epi8_mask(place, _mm512_set1_epi8(2));
  a = _mm512_mask_blend_epi8(two, a, _mm512_mask_blend_epi8(one, COLUMN(2), COLUMN(3)));
  if (n <= 4) {
    return a;
  }
  __mmask64 four = _mm512_test_epi8_mask(place, _mm512_set1_epi8(4));
  __m512i b = _mm512_mask_blend_epi8(one, COLUMN(4), COLUMN(5));
  b = _mm512_mask_blend_epi8(two, b, _mm512_mask_blend_epi8(one, COLUMN(6), COLUMN(7)));
  return _mm512_mask_blend_epi8(four, a, b);
#undef COLUMN
}

GROVE__INLINE __m512i pick(const int8_t *rows, const uint16_t *list, uint32_t n, __m512i place)
{
  __m512i x = pick_eight(rows, list, n, place);
  for (uint32_t i = 8; i < n; i += 8) {
    __m512i y = pick_eight(rows, list + i, n - i, place);
    __m512i eight = _mm512_and_si512(place, _mm512_set1_epi8(0x38));
    x = _mm512_mask_mov_epi8(x, _mm512_cmpeq_epi8_mask(eight, _mm512_set1_epi8((char)i)), y);
  }
  return x;
}

// Where the bit of a row's class is set in the set of its node: sets stand by 128 bytes, one look-up each.
static __mmask64 look_into_sets(const unsigned char *table, const grove__lane_level *v,
    __m512i class, __m512i number, __mmask64 second_half)
{
  const __m512i bits = _mm512_set1_epi64((long long)0x8040201008040201);
  int shift = v->set_shift, rest = 7 - shift;
  __m512i low = _mm512_and_si512(number, _mm512_set1_epi8((char)((1 << rest) - 1)));
  __m512i at = _mm512_and_si512(_mm512_srli_epi16(class, 3), _mm512_set1_epi8(31));
  at = _mm512_or_si512(at, _mm512_sll_epi16(low, _mm_cvtsi32_si128(shift)));
  __m512i slice = _mm512_and_si512(
      _mm512_srl_epi16(number, _mm_cvtsi32_si128(rest)), _mm512_set1_epi8((char)(0xff >> rest)));
  uint32_t slices = (((uint32_t)v->sets << shift) + 127) / 128;
  __m512i found = _mm512_setzero_si512();
  for (uint32_t half = 0; half < 2; half++) {
    __mmask64 here = half ? second_half : ~second_half;
    for (uint32_t i = 0; here && i < slices; i++, table += 128) {
      __mmask64 mine = _mm512_mask_cmpeq_epi8_mask(here, slice, _mm512_set1_epi8((char)i));
      found = _mm512_mask_mov_epi8(
          found, mine, _mm512_permutex2var_epi8(load(table), at, load(table + 64)));
    }
    table += here ? 0 : (size_t)slices * 128;
    if (!second_half) {
      break;
    }
  }
  __m512i bit = _mm512_shuffle_epi8(bits, _mm512_and_si512(class, _mm512_set1_epi8(7)));
  return _mm512_test_epi8_mask(found, bit);
}

// Which rows go right at their nodes, whose bytes these are.
GROVE__INLINE __mmask64 compare(const grove__lane_tree *h, const grove__lane_level *v,
    const int8_t *rows, __m512i place, __m512i threshold, __mmask64 second_half)
{
  const unsigned char *base = (const unsigned char *)h;
  const uint16_t *list = (const uint16_t *)(const void *)(base + h->lists) + v->list;
  __m512i x = pick(rows, list, v->columns, place), more = x;
  if (v->missing) {
    more = _mm512_mask_add_epi8(x, _mm512_movepi8_mask(place), x, _mm512_set1_epi8(1));
  }
  __mmask64 right = _mm512_cmpgt_epi8_mask(more, threshold);
  if (v->sets) {
    __mmask64 by_set = _mm512_test_epi8_mask(place, _mm512_set1_epi8(GROVE__LANE_SET));
    __mmask64 in = look_into_sets(base + v->table, v, x, threshold, second_half);
    right = (right & ~by_set) | (in & by_set);
  }
  return right;
}

GROVE__INLINE void go_down(
    int depth, const grove__lane_tree *h, const int8_t *rows, struct lanes *l)
{
  const unsigned char *base = (const unsigned char *)h;
  size_t first = (size_t)1 << depth;
  __m512i place = look_up(base + h->column + first, depth, l);
  __m512i threshold = look_up(base + h->threshold + first, depth, l);
  __mmask64 right =
      compare(h, &h->level[depth], rows, place, threshold, depth == 9 ? l->side[1] : 0);
  if (depth < 8) {
    l->path = _mm512_mask_add_epi8(l->path, right, l->path, _mm512_set1_epi8((char)(1 << depth)));
  }
  if (depth >= 7) {
    l->side[depth - 7] = right;
  }
}

// To the next node by its number. False: all rows are at leaves.
GROVE__INLINE bool go_on(int bits, const grove__lane_tree *h, const int8_t *rows, struct lanes *l)
{
  const unsigned char *base = (const unsigned char *)h;
  __m512i place = look_up(base + h->column, bits, l);
  __m512i threshold = look_up(base + h->threshold, bits, l);
  __m512i child = look_up(base + h->child, bits, l);
  __mmask64 right = compare(h, &h->level[0], rows, place, threshold, 0);
  __m512i next = _mm512_mask_add_epi8(child, right, child, _mm512_set1_epi8(1));
  bool moved = _mm512_cmpneq_epi8_mask(next, l->path) != 0;
  l->path = next;
  l->side[0] = _mm512_movepi8_mask(next);
  return moved;
}

// ---- leaves -------------------------------------------------------------------------------------------
static inline void add_floats(float *sums, __m512i v)
{
  _mm512_storeu_ps(sums, _mm512_add_ps(_mm512_loadu_ps(sums), _mm512_castsi512_ps(v)));
}

// Four planes of bytes become four vectors of floats, in the order of grove__lane_place.
GROVE__INLINE void add_planes(
    int bits, const grove__lane_tree *h, const struct lanes *l, float *sums)
{
  const unsigned char *plane = (const unsigned char *)h + h->plane;
  size_t each = h->plane_bytes;
  __m512i a = look_up(plane, bits, l), b = look_up(plane + each, bits, l);
  __m512i c = look_up(plane + 2 * each, bits, l), d = look_up(plane + 3 * each, bits, l);
  __m512i ab = _mm512_unpacklo_epi8(a, b), ab2 = _mm512_unpackhi_epi8(a, b);
  __m512i cd = _mm512_unpacklo_epi8(c, d), cd2 = _mm512_unpackhi_epi8(c, d);
  add_floats(sums, _mm512_unpacklo_epi16(ab, cd));
  add_floats(sums + 16, _mm512_unpackhi_epi16(ab, cd));
  add_floats(sums + 32, _mm512_unpacklo_epi16(ab2, cd2));
  add_floats(sums + 48, _mm512_unpackhi_epi16(ab2, cd2));
}

static inline void add_planes_any(const grove__lane_tree *h, const struct lanes *l, float *sums)
{
  switch (h->bits) {
  case 10: add_planes(10, h, l, sums); break;
  case 9: add_planes(9, h, l, sums); break;
  case 8: add_planes(8, h, l, sums); break;
  case 7: add_planes(7, h, l, sums); break;
  default: add_planes(6, h, l, sums); break;
  }
}

static inline void put_paths(const struct lanes *l, uint16_t *path)
{
  __m512i high = _mm512_maskz_set1_epi8(l->side[1], 1);
  high = _mm512_mask_add_epi8(high, l->side[2], high, _mm512_set1_epi8(2));
  for (int i = 0; i < 2; i++) {
    __m256i a = i ? _mm512_extracti64x4_epi64(l->path, 1) : _mm512_castsi512_si256(l->path);
    __m256i b = i ? _mm512_extracti64x4_epi64(high, 1) : _mm512_castsi512_si256(high);
    __m512i both =
        _mm512_or_si512(_mm512_cvtepu8_epi16(a), _mm512_slli_epi16(_mm512_cvtepu8_epi16(b), 8));
    _mm512_storeu_si512(path + 32 * i, both);
  }
}

static inline void add_doubles(const grove__lane_tree *h, const uint16_t *path, double *sums)
{
  const double *leaf = (const double *)(const void *)((const unsigned char *)h + h->leaf);
  for (size_t i = 0; i < GROVE__GROUP; i += 8) {
    __m256i at = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)(path + i)));
    _mm512_storeu_pd(
        sums + i, _mm512_add_pd(_mm512_loadu_pd(sums + i), _mm512_i32gather_pd(at, leaf, 8)));
  }
}

static inline void add_all(const grove__scorer *s, const grove__score_tree *t,
    const grove__lane_tree *h, const struct lanes *l, const int8_t *rows, void *sums, size_t first)
{
  uint16_t path[GROVE__GROUP];
  if (h->whole && s->planes) {
    add_planes_any(h, l, (float *)sums + first);
    return;
  }
  put_paths(l, path);
  if (h->whole) {
    add_doubles(h, path, (double *)sums + first);
  } else {
    walk_from(s, t, h, path, rows, sums, first);
  }
}

// ---- two groups ---------------------------------------------------------------------------------------
GROVE__INLINE void walk_numbers(int bits, const grove__lane_tree *h, const int8_t *rows,
    size_t other, struct lanes *a, struct lanes *b)
{
  bool more = true;
  while (more) {
    more = go_on(bits, h, rows, a);
    more |= go_on(bits, h, rows + other, b);
  }
}

GROVE__INLINE void walk_levels(
    const grove__lane_tree *h, const int8_t *rows, size_t other, struct lanes *a, struct lanes *b)
{
#define GO_DOWN(level)                                                                             \
  if (h->depth > (level)) {                                                                        \
    go_down(level, h, rows, a);                                                                    \
    go_down(level, h, rows + other, b);                                                            \
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
}

static void walk_pair(const grove__scorer *s, const grove__score_tree *t, const grove__lane_tree *h,
    const int8_t *rows, size_t other, void *sums, size_t first)
{
  struct lanes a = {.path = _mm512_setzero_si512()}, b = a;
  if (!h->by_number) {
    walk_levels(h, rows, other, &a, &b);
  } else if (h->bits == 6) {
    walk_numbers(6, h, rows, other, &a, &b);
  } else if (h->bits == 7) {
    walk_numbers(7, h, rows, other, &a, &b);
  } else {
    walk_numbers(8, h, rows, other, &a, &b);
  }
  add_all(s, t, h, &a, rows, sums, first);
  if (other) {
    add_all(s, t, h, &b, rows + other, sums, first + GROVE__GROUP);
  }
}

static void walk_lanes(const grove__scorer *s, const grove__score_tree *t, const int8_t *codes,
    size_t groups, void *sums)
{
  const grove__lane_tree *h = grove__lane_tree_of(s, t);
  size_t each = (size_t)s->columns * GROVE__GROUP, g = 0;
  for (; g + 2 <= groups; g += 2) {
    walk_pair(s, t, h, codes + g * each, each, sums, g * GROVE__GROUP);
  }
  if (g < groups) {
    walk_pair(s, t, h, codes + g * each, 0, sums, g * GROVE__GROUP);
  }
}

const grove__scorer_body grove__scorer_avx512 = {
    code_rows, walk_groups, predict_one_side_by_side, walk_lanes, 5, true};
#else
const grove__scorer_body grove__scorer_avx512 = {
    code_rows, walk_groups, predict_one, NULL, 0, false};
#endif
