#include "model/presort.h"
#include "model/grow_kernels.h"
#include <math.h>

enum { DIGIT = 11, WIDE_DIGITS = 6, NARROW_DIGITS = 3, VALUES = 1 << DIGIT, FEW = 384 };

// Unsigned numbers that order as the doubles do; NaN, whatever its sign, last.
static uint64_t key_of(double x)
{
  double y = x + 0.0; // minus zero becomes zero
  uint64_t bits;
  if (isnan(y)) {
    return UINT64_MAX;
  }
  memcpy(&bits, &y, sizeof bits);
  return bits >> 63 ? ~bits : bits | 0x8000000000000000u;
}

static uint32_t narrow_key_of(float x)
{
  float y = x + 0.0F;
  uint32_t bits;
  if (isnan(y)) {
    return UINT32_MAX;
  }
  memcpy(&bits, &y, sizeof bits);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

// Radix sort by digits from the lowest; a digit that all keys share costs nothing. The two halves of the
// scratch swap roles after each pass; `order` and `other` likewise, if it is ORDERED. Gives whether the second ones have the result.
#define SORT_DIGITS(name, number, DIGITS, ORDERED)                                                 \
  static bool name(size_t n, number *key, number *key2, uint32_t *order, uint32_t *other,          \
      uint32_t(*count)[VALUES])                                                                    \
  {                                                                                                \
    bool second = false;                                                                           \
    memset(count, 0, (DIGITS) * sizeof *count);                                                    \
    for (size_t i = 0; i < n; i++) {                                                               \
      for (int d = 0; d < (DIGITS); d++) {                                                         \
        count[d][(key[i] >> (d * DIGIT)) & (VALUES - 1)]++;                                        \
      }                                                                                            \
    }                                                                                              \
    for (int d = 0; d < (DIGITS); d++) {                                                           \
      uint32_t *c = count[d], sum = 0;                                                             \
      if (c[(key[0] >> (d * DIGIT)) & (VALUES - 1)] == n) {                                        \
        continue;                                                                                  \
      }                                                                                            \
      for (size_t v = 0; v < VALUES; v++) {                                                        \
        uint32_t here = c[v];                                                                      \
        c[v] = sum;                                                                                \
        sum += here;                                                                               \
      }                                                                                            \
      for (size_t i = 0; i < n; i++) {                                                             \
        uint32_t to = c[(key[i] >> (d * DIGIT)) & (VALUES - 1)]++;                                 \
        key2[to] = key[i];                                                                         \
        if (ORDERED) {                                                                             \
          other[to] = order[i];                                                                    \
        }                                                                                          \
      }                                                                                            \
      number *k = key;                                                                             \
      key = key2;                                                                                  \
      key2 = k;                                                                                    \
      uint32_t *o = order;                                                                         \
      order = other;                                                                               \
      other = o;                                                                                   \
      second = !second;                                                                            \
    }                                                                                              \
    return second;                                                                                 \
  }
SORT_DIGITS(sort_wide, uint64_t, WIDE_DIGITS, true)
SORT_DIGITS(sort_narrow, uint32_t, NARROW_DIGITS, true)
SORT_DIGITS(sort_wide_keys, uint64_t, WIDE_DIGITS, false)
SORT_DIGITS(sort_narrow_keys, uint32_t, NARROW_DIGITS, false)

// Merge sort for few rows, where clearing the radix counters would cost more.
static uint32_t *sort_few(size_t n, const uint64_t *key, uint32_t *order, uint32_t *other)
{
  for (size_t width = 1; width < n; width *= 2) {
    for (size_t from = 0; from < n; from += 2 * width) {
      size_t mid = from + width < n ? from + width : n;
      size_t end = mid + width < n ? mid + width : n;
      size_t i = from, j = mid, k = from;
      // No branch on the comparison: it could not be foretold.
      for (; i < mid && j < end; k++) {
        uint32_t a = order[i], b = order[j];
        size_t second = key[b] < key[a];
        other[k] = second ? b : a;
        i += 1 - second;
        j += second;
      }
      for (; i < mid; k++) {
        other[k] = order[i++];
      }
      for (; j < end; k++) {
        other[k] = order[j++];
      }
    }
    uint32_t *o = order;
    order = other;
    other = o;
  }
  return order;
}

// Whether floats say all that the numbers do: half of the memory then, and half of the passes.
static bool are_floats(grove__values x, size_t rows)
{
  for (size_t i = 0; x.doubles && i < rows; i++) {
    double v = x.doubles[i];
    if ((double)(float)v != v && !isnan(v)) {
      return false;
    }
  }
  return true;
}

// Numbers that round to one float lie side by side already, in the order of their rows: few of them are put in their own order one
// by one. False: they are not few.
static bool part_equals(grove__values x, const uint32_t *key, size_t present, uint32_t *order)
{
  size_t moves = 0, most = 4 * present;
  for (size_t i = 1; i < present; i++) {
    uint32_t row = order[i];
    size_t k = i;
    while (k > 0 && key[k - 1] == key[i] && x.doubles[order[k - 1]] > x.doubles[row]) {
      order[k] = order[k - 1];
      k--;
    }
    order[k] = row;
    moves += i - k;
    if (moves > most) {
      return false;
    }
  }
  return true;
}

// NULL: by floats it can't be done in good time.
static uint32_t *sort_floats(
    grove__values x, size_t rows, char *scratch, uint32_t *order, size_t *missing)
{
  uint32_t(*count)[VALUES] = (uint32_t(*)[VALUES])(void *)scratch;
  uint32_t *key = (uint32_t *)(void *)(scratch + sizeof(uint32_t[NARROW_DIGITS][VALUES]));
  uint32_t *other = key + 2 * rows;
  bool exact = are_floats(x, rows);
  *missing = 0;
  for (size_t i = 0; i < rows; i++) {
    key[i] = narrow_key_of(x.doubles ? (float)x.doubles[i] : x.floats[i]);
    *missing += key[i] == UINT32_MAX;
    order[i] = (uint32_t)i;
  }
  bool second = sort_narrow(rows, key, key + rows, order, other, count);
  uint32_t *sorted = second ? other : order;
  return exact || part_equals(x, second ? key + rows : key, rows - *missing, sorted) ? sorted
                                                                                     : NULL;
}

static uint32_t *sort_doubles(
    grove__values x, size_t rows, char *scratch, uint32_t *order, size_t *missing)
{
  uint32_t(*count)[VALUES] = (uint32_t(*)[VALUES])(void *)scratch;
  size_t counters = rows > FEW ? sizeof(uint32_t[WIDE_DIGITS][VALUES]) : 0;
  uint64_t *key = (uint64_t *)(void *)(scratch + counters), *key2 = key + rows;
  uint32_t *other = (uint32_t *)(void *)(key2 + rows);
  *missing = 0;
  for (size_t i = 0; i < rows; i++) {
    key[i] = key_of(grove__value(x, i));
    *missing += key[i] == UINT64_MAX;
    order[i] = (uint32_t)i;
  }
  if (rows <= FEW) {
    return sort_few(rows, key, order, other);
  }
  return sort_wide(rows, key, key2, order, other, count) ? other : order;
}

size_t grove__presort_scratch(size_t rows)
{
  size_t counters = rows > FEW ? sizeof(uint32_t[WIDE_DIGITS][VALUES]) : 0;
  return rows * (2 * sizeof(uint64_t) + sizeof(uint32_t)) + counters;
}

size_t grove__presort_in(grove__values x, size_t rows, uint32_t *order, void *scratch)
{
  size_t missing = 0;
  uint32_t *sorted = rows > FEW ? sort_floats(x, rows, scratch, order, &missing) : NULL;
  if (!sorted) {
    sorted = sort_doubles(x, rows, scratch, order, &missing);
  }
  if (sorted != order) {
    memcpy(order, sorted, rows * sizeof *order);
  }
  return rows - missing;
}

grove_status grove__presort(
    const grove_allocator *a, grove__values x, size_t rows, uint32_t *order, size_t *present)
{
  size_t bytes = grove__presort_scratch(rows);
  void *scratch = grove__alloc(a, bytes);
  if (!scratch) {
    return GROVE_ENOMEM;
  }
  *present = grove__presort_in(x, rows, order, scratch);
  grove__free(a, scratch, bytes);
  return GROVE_OK;
}

// ---- keys alone ---------------------------------------------------------------------------------------
static inline uint32_t narrow_key_at(grove__values x, size_t i)
{
  return narrow_key_of(x.doubles ? (float)x.doubles[i] : x.floats[i]);
}

size_t grove__presort_keys(grove__values x, size_t rows, void *scratch, grove__keys *out)
{
  size_t present = 0;
  *out = (grove__keys){NULL, NULL};
  if (are_floats(x, rows)) {
    uint32_t(*count)[VALUES] = scratch, *key = &count[NARROW_DIGITS][0];
    for (size_t i = 0; i < rows; i++) {
      key[present] = narrow_key_at(x, i);
      present += key[present] != UINT32_MAX;
    }
    bool second = present && sort_narrow_keys(present, key, key + rows, NULL, NULL, count);
    out->narrow = second ? key + rows : key;
    return present;
  }
  uint32_t(*count)[VALUES] = scratch;
  uint64_t *key = (uint64_t *)(void *)&count[WIDE_DIGITS][0];
  for (size_t i = 0; i < rows; i++) {
    key[present] = key_of(grove__value(x, i));
    present += key[present] != UINT64_MAX;
  }
  bool second = present && sort_wide_keys(present, key, key + rows, NULL, NULL, count);
  out->wide = second ? key + rows : key;
  return present;
}

double grove__key_value(grove__keys k, size_t i)
{
  if (k.narrow) {
    uint32_t key = k.narrow[i], bits = key >> 31 ? key & 0x7fffffffu : ~key;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
  }
  uint64_t key = k.wide[i], bits = key >> 63 ? key & 0x7fffffffffffffffu : ~key;
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

enum { KEY_BITS = 8, KEYS = 1 << KEY_BITS, SOME = 512 };

// How many of KEYS rising keys are less, without a branch that could not be foretold.
static inline uint32_t less_than_wide(const uint64_t *keys, uint64_t key)
{
  uint32_t at = 0;
  for (unsigned bit = KEY_BITS; bit-- > 0;) {
    at |= (uint32_t)(keys[at + ((uint32_t)1 << bit) - 1] < key) << bit;
  }
  return at;
}

static void code_narrow(
    grove__values x, size_t rows, const uint32_t *last, uint8_t missing, uint8_t *code)
{
  const grove__grow_kernels *k = grove__grow_kernels_best();
  uint32_t key[SOME];
  for (size_t from = 0; from < rows; from += SOME) {
    size_t n = rows - from < SOME ? rows - from : SOME;
    for (size_t i = 0; i < n; i++) {
      key[i] = narrow_key_at(x, from + i);
    }
    k->code_keys(last, key, n, missing, code + from);
  }
}

void grove__presort_codes(
    grove__values x, size_t rows, grove__keys last, size_t keys, uint8_t missing, uint8_t *code)
{
  uint32_t narrow[KEYS];
  uint64_t wide[KEYS];
  for (size_t k = 0; k < KEYS; k++) { // what is filled up is as high as NaN
    narrow[k] = last.narrow && k < keys ? last.narrow[k] : UINT32_MAX;
    wide[k] = last.wide && k < keys ? last.wide[k] : UINT64_MAX;
  }
  if (last.narrow) {
    code_narrow(x, rows, narrow, missing, code);
    return;
  }
  for (size_t i = 0; last.wide && i < rows; i++) {
    uint64_t key = key_of(grove__value(x, i));
    code[i] = key == UINT64_MAX ? missing : (uint8_t)less_than_wide(wide, key);
  }
}

size_t grove__presort_ranks(
    grove__values x, const uint32_t *order, size_t rows, size_t present, uint32_t *rank)
{
  size_t distinct = 0;
  for (size_t i = 0; i < present; i++) {
    distinct += i == 0 || grove__value(x, order[i]) != grove__value(x, order[i - 1]);
    rank[order[i]] = (uint32_t)(distinct - 1);
  }
  for (size_t i = present; i < rows; i++) {
    rank[order[i]] = (uint32_t)distinct;
  }
  return distinct;
}
