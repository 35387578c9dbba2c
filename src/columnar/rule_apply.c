// Rules over rows: of doubles, and of numbers as they lie in a table.
#include "columnar/rule.h"
#include "columnar/table.h"
#include <math.h>

// One loop for each operator, without a branch inside: compilers make vector code of them. All of C's
// comparisons with NaN are false but !=, which has to say it twice.
#define GROVE__EACH(condition)                                                                     \
  for (size_t i = 0; i < n; i++) {                                                                 \
    all[i] = (unsigned char)(all[i] & (condition));                                                \
  }                                                                                                \
  break
#define GROVE__COMPARE(name, type)                                                                 \
  static void name(                                                                                \
      const grove__rule_term *t, const type *restrict v, size_t n, unsigned char *restrict all)    \
  {                                                                                                \
    double x = t->number;                                                                          \
    switch (t->op) {                                                                               \
    case GROVE__RULE_LT: GROVE__EACH((double)v[i] < x);                                            \
    case GROVE__RULE_LE: GROVE__EACH((double)v[i] <= x);                                           \
    case GROVE__RULE_GT: GROVE__EACH((double)v[i] > x);                                            \
    case GROVE__RULE_GE: GROVE__EACH((double)v[i] >= x);                                           \
    case GROVE__RULE_EQ: GROVE__EACH((double)v[i] == x);                                           \
    case GROVE__RULE_NE: GROVE__EACH(((double)v[i] != x) & ((double)v[i] == (double)v[i]));        \
    case GROVE__RULE_NULL: GROVE__EACH((double)v[i] != (double)v[i]);                              \
    case GROVE__RULE_NOT_NULL: GROVE__EACH((double)v[i] == (double)v[i]);                          \
    }                                                                                              \
  }
GROVE__COMPARE(compare_doubles, double)
GROVE__COMPARE(compare_floats, float)
GROVE__COMPARE(compare_i64, int64_t)
GROVE__COMPARE(compare_u64, uint64_t)

void grove__rule_apply(const grove__rule *r, const double *const *values, size_t n,
    unsigned char *scratch, double *out)
{
  memset(out, 0, n * sizeof *out);
  for (size_t k = 0; k < r->terms; k++) {
    if (r->term[k].starts_group) {
      memset(scratch, 1, n);
    }
    compare_doubles(&r->term[k], values[r->term[k].column], n, scratch);
    if (k + 1 == r->terms || r->term[k + 1].starts_group) {
      for (size_t i = 0; i < n; i++) {
        out[i] = scratch[i] ? 1 : out[i];
      }
    }
  }
}

// ---- integers as they lie -------------------------------------------------------------------------

// What a comparison asks of an integer of up to 32 bits: that it is in [low, high], or that it is not.
typedef struct interval {
  int64_t low, high; // low > high: nothing is in it
  bool outside;
} interval;

static interval interval_of(const grove__rule_term *t, int64_t least, int64_t most)
{
  // Beyond 2^33 all numbers are as far away as any, and within it doubles are exact.
  const double far = 0x1p33;
  double x = t->number < -far ? -far : t->number > far ? far : t->number;
  interval all = {least, most, false}, none = {1, 0, false}, v = all;
  switch (t->op) {
  case GROVE__RULE_LT: v.high = (int64_t)ceil(x) - 1; break;
  case GROVE__RULE_LE: v.high = (int64_t)floor(x); break;
  case GROVE__RULE_GT: v.low = (int64_t)floor(x) + 1; break;
  case GROVE__RULE_GE: v.low = (int64_t)ceil(x); break;
  case GROVE__RULE_EQ:
  case GROVE__RULE_NE:
    v = x == floor(x) ? (interval){(int64_t)x, (int64_t)x, false} : none;
    v.outside = t->op == GROVE__RULE_NE;
    break;
  case GROVE__RULE_NULL: return none;
  case GROVE__RULE_NOT_NULL: return all;
  }
  v.low = v.low < least ? least : v.low;
  v.high = v.high > most ? most : v.high;
  return v;
}

// One comparison for both ends: what is below `low` wraps around to far above.
#define GROVE__WITHIN(name, type, unsigned_type, least, most)                                      \
  static void name(                                                                                \
      const grove__rule_term *t, const type *restrict v, size_t n, unsigned char *restrict all)    \
  {                                                                                                \
    interval w = interval_of(t, least, most);                                                      \
    if (w.low > w.high) {                                                                          \
      memset(all, 0, w.outside ? 0 : n);                                                           \
      return;                                                                                      \
    }                                                                                              \
    unsigned_type low = (unsigned_type)w.low, span = (unsigned_type)(w.high - w.low);              \
    unsigned char outside = w.outside;                                                             \
    for (size_t i = 0; i < n; i++) {                                                               \
      bool in = (unsigned_type)((unsigned_type)v[i] - low) <= span;                                \
      all[i] = (unsigned char)(all[i] & (in ^ outside));                                           \
    }                                                                                              \
  }
GROVE__WITHIN(within_i8, int8_t, uint8_t, INT8_MIN, INT8_MAX)
GROVE__WITHIN(within_u8, uint8_t, uint8_t, 0, UINT8_MAX)
GROVE__WITHIN(within_i16, int16_t, uint16_t, INT16_MIN, INT16_MAX)
GROVE__WITHIN(within_u16, uint16_t, uint16_t, 0, UINT16_MAX)
GROVE__WITHIN(within_i32, int32_t, uint32_t, INT32_MIN, INT32_MAX)
GROVE__WITHIN(within_u32, uint32_t, uint32_t, 0, UINT32_MAX)

static bool is_comparable(const grove__stored *c)
{
  grove__number k = c->layout.number;
  return (k >= GROVE__NUMBER_I8 && k <= GROVE__NUMBER_U64) || k == GROVE__NUMBER_F32 ||
         k == GROVE__NUMBER_F64;
}

static void compare_stored(
    const grove__rule_term *t, const grove__stored *c, size_t from, size_t n, unsigned char *all)
{
  from += (size_t)c->offset;
  switch (c->layout.number) {
  case GROVE__NUMBER_I8: within_i8(t, (const int8_t *)c->values + from, n, all); break;
  case GROVE__NUMBER_U8: within_u8(t, (const uint8_t *)c->values + from, n, all); break;
  case GROVE__NUMBER_I16: within_i16(t, (const int16_t *)c->values + from, n, all); break;
  case GROVE__NUMBER_U16: within_u16(t, (const uint16_t *)c->values + from, n, all); break;
  case GROVE__NUMBER_I32: within_i32(t, (const int32_t *)c->values + from, n, all); break;
  case GROVE__NUMBER_U32: within_u32(t, (const uint32_t *)c->values + from, n, all); break;
  case GROVE__NUMBER_I64: compare_i64(t, (const int64_t *)c->values + from, n, all); break;
  case GROVE__NUMBER_U64: compare_u64(t, (const uint64_t *)c->values + from, n, all); break;
  case GROVE__NUMBER_F32: compare_floats(t, (const float *)c->values + from, n, all); break;
  default: compare_doubles(t, (const double *)c->values + from, n, all);
  }
}

// Takes out the rows that are null; whatever stands under a null was compared, too.
static void mask_nulls(const grove__stored *c, size_t from, size_t n, unsigned char *all)
{
  const uint64_t ones = 0x0101010101010101u;
  size_t bit = (size_t)c->offset + from, i = 0;
  for (; i < n && (bit + i) % 8; i++) {
    all[i] &= grove__bit_get(c->validity, (int64_t)(bit + i));
  }
  for (; i + 8 <= n; i += 8) {
    // Bit k of a byte becomes byte k of a word: first as 1 << k, which then carries to the byte's highest bit.
    uint64_t word, valid = c->validity[(bit + i) / 8] * ones & 0x8040201008040201u;
    valid = (valid + 0x7f * ones) >> 7 & ones;
    memcpy(&word, all + i, sizeof word);
    word &= valid;
    memcpy(all + i, &word, sizeof word);
  }
  for (; i < n; i++) {
    all[i] &= grove__bit_get(c->validity, (int64_t)(bit + i));
  }
}

// `spare`: n bytes.
static void apply_stored(const grove__rule_term *t, const grove__stored *c, size_t from, size_t n,
    unsigned char *all, unsigned char *spare)
{
  if (!c->nulls) {
    compare_stored(t, c, from, n, all);
  } else if (t->op != GROVE__RULE_NULL) {
    compare_stored(t, c, from, n, all);
    mask_nulls(c, from, n, all);
  } else { // what `is not null` does not hold for
    grove__rule_term other = *t;
    other.op = GROVE__RULE_NOT_NULL;
    memset(spare, 1, n);
    apply_stored(&other, c, from, n, spare, NULL);
    for (size_t i = 0; i < n; i++) {
      all[i] &= !spare[i];
    }
  }
}

// Bytes of 0 or 1, eight side by side in a word, which overflows behind 255 words.
static uint64_t count_ones(const unsigned char *bytes, size_t n)
{
  uint64_t count = 0;
  size_t i = 0;
  while (i + 8 <= n) {
    uint64_t sums = 0;
    size_t end = n - i < 255 * 8 ? n - 7 : i + 255 * 8 - 7;
    for (; i < end; i += 8) {
      uint64_t word;
      memcpy(&word, bytes + i, sizeof word);
      sums += word;
    }
    // Pairs first, as the sum of all eight can be over 255.
    sums = (sums & 0x00ff00ff00ff00ffu) + (sums >> 8 & 0x00ff00ff00ff00ffu);
    count += sums * 0x0001000100010001u >> 48;
  }
  for (; i < n; i++) {
    count += bytes[i];
  }
  return count;
}

bool grove__rule_count(const grove__rule *r, const grove_table *t, const size_t *places,
    size_t from, size_t n, unsigned char *scratch, uint64_t *count)
{
  unsigned char *any = scratch, *all = scratch + n;
  for (size_t c = 0; c < r->count; c++) {
    if (!is_comparable(&t->columns[places[c]])) {
      return false;
    }
  }
  bool one_group = true; // as most have: then that is all
  for (size_t k = 1; k < r->terms; k++) {
    one_group = one_group && !r->term[k].starts_group;
  }
  if (!one_group) {
    memset(any, 0, n);
  }
  for (size_t k = 0; k < r->terms; k++) {
    const grove__rule_term *term = &r->term[k];
    if (term->starts_group) {
      memset(all, 1, n);
    }
    apply_stored(term, &t->columns[places[term->column]], from, n, all, scratch + 2 * n);
    bool ends_group = k + 1 == r->terms || r->term[k + 1].starts_group;
    for (size_t i = 0; i < n && ends_group && !one_group; i++) {
      any[i] |= all[i];
    }
  }
  *count = count_ones(one_group ? all : any, n);
  return true;
}
