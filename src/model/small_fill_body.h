// Reading the rows of a small node, and sorting them by every feature. Part of small_body.h.
#include "base/prefetch.h"

enum { FAR_ROWS = 1 << 16 }; // of a table whose ranks no cache near by holds

// ---- sums -------------------------------------------------------------------------------------------
// Gradients around a center, and weights; gives the sum of their sizes.
static int64_t read_sums(struct grove__small *s, const grove__job *job, const uint32_t *rows,
    size_t n, int64_t center, int64_t *restrict q)
{
  const int64_t *restrict value = job->value, *restrict weight = job->weight;
  int64_t *restrict packed = s->packed;
  int64_t most = 0;
  for (size_t i = 0; weight && i < n; i++) {
    q[i] = value[rows[i]] - center * weight[rows[i]];
    packed[i] = weight[rows[i]];
    most += q[i] < 0 ? -q[i] : q[i];
  }
  for (size_t i = 0; !weight && i < n; i++) {
    grove__sum one = grove__unpack(&job->pack, value[rows[i]]);
    q[i] = one.q - center * one.weight;
    packed[i] = one.weight;
    most += q[i] < 0 ? -q[i] : q[i];
  }
  return most;
}

// How far sums of this size are shifted down to stay below 2^30.
static unsigned shift_for(int64_t most)
{
  unsigned shift = 0;
  while (most >> shift >= (int64_t)1 << 30) {
    shift++;
  }
  return shift;
}

// Row sums in a unit that lets the sum of all sizes stay below 2^30. Without a lambda gains do not change when
// all targets move, so they are taken around the node's mean, where floats have the most to say. Gives the sum of all as a
// packed number.
static int64_t pack_rows(struct grove__small *s, const grove__job *job, const grove__pending *p,
    const uint32_t *rows)
{
  bool moves = job->lambda == 0 && job->alpha == 0 && job->category.smooth == 0 &&
               job->category.lambda == 0 && p->all.weight;
  int64_t center = moves ? p->all.q / p->all.weight : 0, q[N], all = 0;
  const size_t n = p->count;
  memcpy(s->row, rows, n * sizeof *rows);
  for (size_t i = 0; job->target && i < n; i++) {
    s->target[i] = job->target[rows[i]];
  }
  const unsigned shift = shift_for(read_sums(s, job, rows, n, center, q));
  const int64_t unit = (int64_t)1 << shift, half = unit / 2;
  for (size_t i = 0; i < n; i++) {
    int64_t size = ((q[i] < 0 ? -q[i] : q[i]) + half) >> shift;
    s->packed[i] += (q[i] < 0 ? -size : size) * ((int64_t)1 << 32);
    all += s->packed[i];
  }
  s->unit2 = (double)unit * (double)unit * job->gain_unit;
  s->alpha = job->alpha / (double)unit;
  s->unit = (double)unit;
  s->center = (double)center;
  s->bounds = p->bounds;
  return all;
}

// ---- keys -------------------------------------------------------------------------------------------
#if defined(GROVE__AVX512)
// Eight rows' words at once, and of each feature its bytes.
static void read_bins(struct grove__small *s, const grove__bins *b, size_t block, size_t n)
{
  const __m512i first = _mm512_setr_epi32(0, 8, 16, 24, 32, 40, 48, 56, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m512i stride = _mm512_set1_epi64((int64_t)b->blocks);
  for (size_t i = 0; i < n; i += 8) {
    __mmask8 in = (__mmask8)(n - i < 8 ? (1u << (n - i)) - 1 : 0xff);
    __m512i row = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(const void *)(s->row + i)));
    __m512i word = _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), in,
        _mm512_mullo_epi64(row, stride), (const void *)(b->code + block), 8);
    for (int k = 0; k < GROVE__BLOCK; k++) {
      __m512i at = _mm512_add_epi32(first, _mm512_set1_epi32(k));
      __m512i key = _mm512_maskz_permutexvar_epi8(0x11111111, at, word);
      _mm256_storeu_si256((__m256i *)(void *)(s->key[k] + i), _mm512_castsi512_si256(key));
    }
  }
}

// The ranks of sixteen rows by eight features, turned: rows i and i + 8 share a register, whose halves are turned side by side. Behind
// the last row stand the numbers of others, which are rows as well.
static inline void turn_ranks(const uint32_t *rank, const uint32_t *row, uint32_t (*key)[N])
{
  const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
  const __m512i high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
  __m512i r[8], t[8];
  for (size_t k = 0; k < 8; k++) {
    const __m256i *a = (const __m256i *)(const void *)(rank + (size_t)row[k] * GROVE__BLOCK);
    const __m256i *b = (const __m256i *)(const void *)(rank + (size_t)row[k + 8] * GROVE__BLOCK);
    r[k] = _mm512_inserti64x4(
        _mm512_castsi256_si512(_mm256_loadu_si256(a)), _mm256_loadu_si256(b), 1);
  }
  for (size_t k = 0; k < 8; k += 2) {
    t[k] = _mm512_unpacklo_epi32(r[k], r[k + 1]);     // features 0, 1, 4, 5 of two rows
    t[k + 1] = _mm512_unpackhi_epi32(r[k], r[k + 1]); // 2, 3, 6, 7
  }
  for (size_t k = 0; k < 8; k += 4) {
    for (size_t odd = 0; odd < 2; odd++) {
      r[k + 2 * odd] = _mm512_unpacklo_epi64(t[k + odd], t[k + 2 + odd]); // of four rows
      r[k + 2 * odd + 1] = _mm512_unpackhi_epi64(t[k + odd], t[k + 2 + odd]);
    }
  }
  for (size_t k = 0; k < 4; k++) {
    _mm512_storeu_si512(key[k], _mm512_permutex2var_epi64(r[k], low, r[k + 4]));
    _mm512_storeu_si512(key[k + 4], _mm512_permutex2var_epi64(r[k], high, r[k + 4]));
  }
}

static bool read_block_ranks(
    struct grove__small *s, const uint32_t *rank, size_t width, size_t n)
{
  for (size_t i = 0; width == GROVE__BLOCK && i < n; i += 16) {
    turn_ranks(rank, s->row + i, (uint32_t(*)[N])(void *)&s->key[0][i]);
  }
  return width == GROVE__BLOCK;
}

#else
static void read_bins(struct grove__small *s, const grove__bins *b, size_t block, size_t n)
{
  const uint64_t *code = b->code + block;
  for (size_t i = 0; i < n; i++) {
    uint64_t word = code[s->row[i] * b->blocks];
    for (int k = 0; k < GROVE__BLOCK; k++) {
      s->key[k][i] = (uint8_t)(word >> (8 * k));
    }
  }
}

static bool read_block_ranks(
    struct grove__small *s, const uint32_t *rank, size_t width, size_t n)
{
  (void)s, (void)rank, (void)width, (void)n;
  return false;
}
#endif

static void read_ranks(struct grove__small *s, const grove__bins *b, size_t block, size_t n)
{
  size_t width = grove__bins_width(b, block);
  const uint32_t *rank = grove__bins_ranks(b, block * GROVE__BLOCK);
  if (read_block_ranks(s, rank, width, n)) {
    return;
  }
  for (size_t i = 0; i < n; i++) {
    const uint32_t *one = rank + s->row[i] * width;
    for (size_t k = 0; k < width; k++) {
      s->key[k][i] = one[k];
    }
  }
}

// The ranks of the next block are asked of memory while this one is sorted.
static void ask_ranks(const struct grove__small *s, const grove__bins *b, size_t block, size_t n)
{
  if (b->rank && block < b->blocks && b->rows >= FAR_ROWS) {
    size_t width = grove__bins_width(b, block);
    const uint32_t *rank = grove__bins_ranks(b, block * GROVE__BLOCK);
    for (size_t i = 0; i < n; i++) {
      grove__prefetch(rank + s->row[i] * width);
    }
  }
}

static void read_block(struct grove__small *s, const grove__bins *b, size_t block, size_t n)
{
  if (b->rank) {
    read_ranks(s, b, block, n);
    ask_ranks(s, b, block + 1, n);
  } else {
    read_bins(s, b, block, n);
  }
}

// ---- orders -----------------------------------------------------------------------------------------
// Sorts one feature by its keys; false: it is constant here.
static bool sort_feature(
    struct grove__small *s, const grove__job *job, uint32_t f, const uint32_t *key, size_t n)
{
  const grove__bins *b = job->bins;
  uint8_t *order = s->order[0] + (size_t)f * N, *rank = s->rank + (size_t)f * N;
  uint8_t r = sort_and_rank(key, order, rank, n, b->rank ? (uint32_t)b->rows : GROVE__BIN_MISSING);
  bool missing = b->missing[f] && grove__bin_of(b, f, s->row[order[n - 1]]) == GROVE__BIN_MISSING;
  s->missing[f] = missing ? r : NONE;
  return r > 0;
}

// Sorts the features, and lists those that are not constant at s->live. Gives how many.
static size_t sort_rows(struct grove__small *s, const grove__job *job, size_t n)
{
  const grove__bins *b = job->bins;
  size_t live = 0;
  s->any_missing = s->any_category = false;
  ask_ranks(s, b, 0, n);
  for (uint32_t f = 0; f < b->features; f++) {
    uint32_t *key = s->key[f % GROVE__BLOCK];
    if (f % GROVE__BLOCK == 0) {
      read_block(s, b, f / GROVE__BLOCK, n);
    }
    if (job->use && !job->use[f]) {
      continue;
    }
    if (sort_feature(s, job, f, key, n)) {
      s->live[live++] = f;
      s->any_missing |= s->missing[f] != NONE;
      s->any_category |= grove__bins_are_categories(b, f);
    }
  }
  return live;
}
