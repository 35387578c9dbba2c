// Byte lanes of 16 rows, with NEON: a table of 64 bytes is one look-up, and a larger one is a look-up more for each
// 64 bytes, which leaves the lanes alone whose byte lies elsewhere. All 64-bit ARM processors have it: nothing is chosen
// at run time.
#include "model/scorer_body.h"
#if defined(__aarch64__) && defined(__GNUC__) && !defined(__AARCH64EB__)
#include "model/scorer_lanes.h"
#include "model/scorer_sums.h"
#include <arm_neon.h>

enum { LANES = 16 };

/// Where 16 rows are: bits 0 to 7 of the path, and whole bytes of ones where the side at level 8 and 9 was the right one.
struct lanes {
  uint8x16_t path;
  uint8x16_t side[2];
};

GROVE__INLINE int8x16_t load(const int8_t *p)
{
  return vld1q_s8(p);
}

GROVE__INLINE uint8x16_t look_4(const unsigned char *table, uint8x16_t at)
{
  return vqtbl1q_u8(vld1q_u8(table), at);
}

GROVE__INLINE uint8x16_t look_6(const unsigned char *table, uint8x16_t at)
{
  return vqtbl4q_u8(vld1q_u8_x4(table), at);
}

// `found` where the byte is not among these 64.
GROVE__INLINE uint8x16_t look_on(
    uint8x16_t found, const unsigned char *table, uint8x16_t at, int from)
{
  uint8x16_t here = vsubq_u8(at, vdupq_n_u8((uint8_t)from)); // what is before wraps to beyond
  return vqtbx4q_u8(found, vld1q_u8_x4(table + from), here);
}

GROVE__INLINE uint8x16_t look_7(const unsigned char *table, uint8x16_t at)
{
  return look_on(look_6(table, at), table, at, 64);
}

GROVE__INLINE uint8x16_t look_8(const unsigned char *table, uint8x16_t at)
{
  return look_on(look_on(look_7(table, at), table, at, 128), table, at, 192);
}

GROVE__INLINE uint8x16_t look_9(const unsigned char *table, const struct lanes *l)
{
  return vbslq_u8(l->side[0], look_8(table + 256, l->path), look_8(table, l->path));
}

// Bytes by the first `bits` bits of the path.
GROVE__INLINE uint8x16_t look_up(const unsigned char *table, int bits, const struct lanes *l)
{
  switch (bits) {
  case 5:
  case 6: return look_6(table, l->path);
  case 7: return look_7(table, l->path);
  case 8: return look_8(table, l->path);
  case 9: return look_9(table, l);
  default: return look_4(table, l->path);
  }
}

// ---- a level ------------------------------------------------------------------------------------------
GROVE__INLINE uint8x16_t has_bit(uint8x16_t v, int bit)
{
  return vtstq_u8(v, vdupq_n_u8((uint8_t)bit));
}

GROVE__INLINE int8x16_t pick_eight(
    const int8_t *rows, const uint16_t *list, uint32_t n, uint8x16_t place)
{
#define COLUMN(i) load(rows + (size_t)list[i] * GROVE__GROUP)
  if (n == 1) {
    return COLUMN(0);
  }
  uint8x16_t one = has_bit(place, 1);
  int8x16_t a = vbslq_s8(one, COLUMN(1), COLUMN(0));
  if (n == 2) {
    return a;
  }
  uint8x16_t two = has_bit(place, 2);
  a = vbslq_s8(two, vbslq_s8(one, COLUMN(3), COLUMN(2)), a);
  if (n <= 4) {
    return a;
  }
  int8x16_t b = vbslq_s8(one, COLUMN(5), COLUMN(4));
  b = vbslq_s8(two, vbslq_s8(one, COLUMN(7), COLUMN(6)), b);
  return vbslq_s8(has_bit(place, 4), b, a);
#undef COLUMN
}

GROVE__INLINE int8x16_t pick(
    const int8_t *rows, const uint16_t *list, uint32_t n, uint8x16_t place)
{
  int8x16_t x = pick_eight(rows, list, n, place);
  for (uint32_t i = 8; i < n; i += 8) {
    int8x16_t y = pick_eight(rows, list + i, n - i, place);
    uint8x16_t eight = vandq_u8(place, vdupq_n_u8(0x38));
    x = vbslq_s8(vceqq_u8(eight, vdupq_n_u8((uint8_t)i)), y, x);
  }
  return x;
}

// Where the bit of a row's class is set in the set of its node: sets stand by 16 bytes, one look-up each.
static uint8x16_t look_into_sets(const unsigned char *table, const grove__lane_level *v,
    uint8x16_t class, uint8x16_t number, uint8x16_t second_half, bool halves)
{
  int shift = v->set_shift, rest = 4 - shift;
  uint8x16_t low = vandq_u8(number, vdupq_n_u8((uint8_t)((1 << rest) - 1)));
  uint8x16_t at = vandq_u8(vshrq_n_u8(class, 3), vdupq_n_u8(15));
  at = vorrq_u8(at, vshlq_u8(low, vdupq_n_s8((int8_t)shift)));
  uint8x16_t slice = vshlq_u8(number, vdupq_n_s8((int8_t)-rest));
  uint32_t slices = (((uint32_t)v->sets << shift) + 15) / 16;
  size_t half_bytes = ((((size_t)v->sets << shift) + 127) / 128) * 128;
  uint8x16_t found = vdupq_n_u8(0);
  for (int half = 0; half < 1 + halves; half++) {
    uint8x16_t here = half ? second_half : vmvnq_u8(second_half);
    for (uint32_t i = 0; i < slices; i++) {
      uint8x16_t mine = vandq_u8(here, vceqq_u8(slice, vdupq_n_u8((uint8_t)i)));
      found = vbslq_u8(mine, look_4(table + (size_t)half * half_bytes + 16 * i, at), found);
    }
  }
  uint8x16_t bit = vandq_u8(class, vdupq_n_u8(7));
  return vtstq_u8(found, vshlq_u8(vdupq_n_u8(1), vreinterpretq_s8_u8(bit)));
}

// Which rows go right at their nodes, whose bytes these are.
GROVE__INLINE uint8x16_t compare(const grove__lane_tree *h, const grove__lane_level *v,
    const int8_t *rows, uint8x16_t place, uint8x16_t threshold, uint8x16_t second_half, bool halves)
{
  const unsigned char *base = (const unsigned char *)h;
  const uint16_t *list = (const uint16_t *)(const void *)(base + h->lists) + v->list;
  int8x16_t x = pick(rows, list, v->columns, place), more = x;
  if (v->missing) {
    more = vsubq_s8(x, vreinterpretq_s8_u8(vcltzq_s8(vreinterpretq_s8_u8(place))));
  }
  uint8x16_t right = vcgtq_s8(more, vreinterpretq_s8_u8(threshold));
  if (v->sets) {
    uint8x16_t in = look_into_sets(
        base + v->table, v, vreinterpretq_u8_s8(x), threshold, second_half, halves);
    right = vbslq_u8(has_bit(place, GROVE__LANE_SET), in, right);
  }
  return right;
}

GROVE__INLINE void go_down(
    int depth, const grove__lane_tree *h, const int8_t *rows, struct lanes *l)
{
  const unsigned char *base = (const unsigned char *)h;
  size_t first = (size_t)1 << depth;
  uint8x16_t place = look_up(base + h->column + first, depth, l);
  uint8x16_t threshold = look_up(base + h->threshold + first, depth, l);
  uint8x16_t half = depth == 9 ? l->side[0] : vdupq_n_u8(0);
  uint8x16_t right = compare(h, &h->level[depth], rows, place, threshold, half, depth == 9);
  if (depth < 8) {
    l->path = vorrq_u8(l->path, vandq_u8(right, vdupq_n_u8((uint8_t)(1 << (depth & 7)))));
  } else {
    l->side[depth - 8] = right;
  }
}

// To the next node by its number. False: all rows are at leaves.
GROVE__INLINE bool go_on(int bits, const grove__lane_tree *h, const int8_t *rows, struct lanes *l)
{
  const unsigned char *base = (const unsigned char *)h;
  uint8x16_t place = look_up(base + h->column, bits, l);
  uint8x16_t threshold = look_up(base + h->threshold, bits, l);
  uint8x16_t child = look_up(base + h->child, bits, l);
  uint8x16_t right = compare(h, &h->level[0], rows, place, threshold, vdupq_n_u8(0), false);
  uint8x16_t next = vsubq_u8(child, right);
  bool moved = vminvq_u8(vceqq_u8(next, l->path)) == 0;
  l->path = next;
  return moved;
}

// ---- leaves -------------------------------------------------------------------------------------------
GROVE__INLINE void put_paths(const struct lanes *l, uint16_t *path)
{
  uint8x16_t high = vandq_u8(l->side[0], vdupq_n_u8(1));
  high = vorrq_u8(high, vandq_u8(l->side[1], vdupq_n_u8(2)));
  vst1q_u16(path, vreinterpretq_u16_u8(vzip1q_u8(l->path, high)));
  vst1q_u16(path + 8, vreinterpretq_u16_u8(vzip2q_u8(l->path, high)));
}

GROVE__INLINE void walk_numbers(
    int bits, const grove__lane_tree *h, const int8_t *rows, struct lanes *l)
{
  while (go_on(bits, h, rows, l)) {}
}

static void walk_some(const grove__lane_tree *h, const int8_t *rows, uint16_t *path)
{
  struct lanes l = {vdupq_n_u8(0), {vdupq_n_u8(0), vdupq_n_u8(0)}};
  if (h->by_number) {
    if (h->bits == 6) {
      walk_numbers(6, h, rows, &l);
    } else if (h->bits == 7) {
      walk_numbers(7, h, rows, &l);
    } else {
      walk_numbers(8, h, rows, &l);
    }
    put_paths(&l, path);
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
  put_paths(&l, path);
}

static void walk_lanes(const grove__scorer *s, const grove__score_tree *t, const int8_t *codes,
    size_t groups, void *sums)
{
  const grove__lane_tree *h = grove__lane_tree_of(s, t);
  for (size_t g = 0; g < groups; g++) {
    const int8_t *rows = codes + g * s->columns * GROVE__GROUP;
    uint16_t path[GROVE__GROUP];
    for (size_t i = 0; i < GROVE__GROUP; i += LANES) {
      walk_some(h, rows + i, path + i);
    }
    add_all(s, t, h, path, rows, sums, g * GROVE__GROUP);
  }
}

const grove__scorer_body grove__scorer_neon = {
    code_rows, walk_groups, predict_one, walk_lanes, 4, false};
#else
const grove__scorer_body grove__scorer_neon = {code_rows, walk_groups, predict_one, NULL, 0, false};
#endif
