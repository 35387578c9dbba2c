// The orders of a node of at most 32 rows, as lanes take them: from a small node's, or from those of a larger one that it is a part
// of. Part of tiny_avx512.h.

// Where the bytes of lane k stand at four steps, in four orders of 32 bytes, one after the other: `ahead` bytes behind the
// place that the lane is at.
static inline __m512i lane_bytes(size_t quarter, size_t rows, size_t ahead)
{
  // 64 bytes are four steps of 16 lanes: 8 from the low end, then 8 from the high end.
  const __m512i byte = _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49,
      48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26,
      25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i three = _mm512_set1_epi8(3), last = _mm512_set1_epi8(MOST - 1);
  __m512i step = _mm512_and_si512(_mm512_srli_epi16(byte, 4), three);
  step = _mm512_add_epi8(step, _mm512_set1_epi8((char)(4 * quarter)));
  __m512i back = _mm512_sub_epi8(_mm512_set1_epi8((char)(rows - 1 - ahead)), step);
  __mmask64 high = _mm512_test_epi8_mask(byte, _mm512_set1_epi8(8));
  __m512i place = _mm512_and_si512(_mm512_mask_mov_epi8(step, high, back), last);
  __m512i feature = _mm512_slli_epi16(_mm512_and_si512(byte, three), 5);
  return _mm512_or_si512(feature, place);
}

// Bytes of eight orders, two to a register.
static inline __m512i look_up_lanes(const __m512i *orders, __m512i at)
{
  const __mmask64 upper = 0xf0f0f0f0f0f0f0f0u; // lanes of features 4 to 7
  __m512i low = _mm512_permutex2var_epi8(orders[0], at, orders[1]);
  __m512i high = _mm512_permutex2var_epi8(orders[2], at, orders[3]);
  return _mm512_mask_mov_epi8(low, upper, high);
}

// The ranks of eight rows at a time, turned: a row's by all features lie together.
static inline void turn_rows(const struct tiny *t, struct tiny_block *b)
{
  const __m512i byte = _mm512_set_epi8(7, 7, 7, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 6, 6, 6, 5, 5, 5, 5,
      5, 5, 5, 5, 4, 4, 4, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1,
      1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m512i feature =
      _mm512_set1_epi64(0x6040200060402000); // of those that share two registers
  __m512i rank[4], at = _mm512_or_si512(byte, feature);
  for (size_t k = 0; k < 4; k++) {
    rank[k] = _mm512_loadu_si512(b->rank[2 * k]);
  }
  for (size_t i = 0; i < t->rows; i += 8) {
    _mm512_storeu_si512(b->turned + i, look_up_lanes(rank, at));
    at = _mm512_add_epi8(at, _mm512_set1_epi8(8));
  }
}

// What lanes add, and where they may split, by the orders; change: a feature's places whose next one differs, a bit each.
static void fill_lanes(const struct tiny *t, struct tiny_block *b, const uint32_t *change)
{
  __m512i order[4], differs[4];
  for (size_t k = 0; k < 4; k++) {
    order[k] = _mm512_loadu_si512(b->order[2 * k]);
    differs[k] = _mm512_movm_epi8((uint64_t)change[2 * k + 1] << 32 | change[2 * k]);
  }
  for (size_t quarter = 0; 8 * quarter < t->rows; quarter++) {
    __m512i rows = look_up_lanes(order, lane_bytes(quarter, t->rows, 0));
    __m512i valid = look_up_lanes(differs, lane_bytes(quarter, t->rows, 1));
    uint64_t lanes = _mm512_movepi8_mask(valid);
    _mm512_storeu_si512(b->row[4 * quarter], rows);
    memcpy(b->valid + 4 * quarter, &lanes, sizeof lanes);
  }
  turn_rows(t, b);
}

// A feature's order and ranks in the rows' new numbers; gives the places whose next one differs.
static inline uint32_t put_order(
    const struct tiny *t, struct tiny_block *b, size_t k, __m256i order, __m256i rank)
{
  const __m256i next = _mm256_setr_epi8(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
      18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 31);
  __m256i along = _mm256_permutexvar_epi8(order, rank);
  _mm256_storeu_si256((__m256i *)(void *)b->order[k], order);
  _mm256_storeu_si256((__m256i *)(void *)b->rank[k], rank);
  return _mm256_mask_cmpneq_epi8_mask(
      low_bits(t->rows - 1), along, _mm256_permutexvar_epi8(next, along));
}

// Rows are numbered anew, as they stand in one of the orders.
static void fill_rows(struct tiny *t, const struct part *p, uint8_t *number)
{
  const struct grove__small *s = t->s;
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  const __m512i none = _mm512_setzero_si512();
  const uint8_t *order = order_of(s, p, p->live[0]);
  __m512i packed[4] = {none, none, none, none};
  for (size_t i = 0; i < t->rows; i++) {
    number[order[i]] = (uint8_t)i;
  }
  memcpy(t->id, order, MOST); // there is slack behind the orders
  for (size_t k = 0; 8 * k < t->rows; k++) {
    uint64_t bytes;
    memcpy(&bytes, t->id + 8 * k, sizeof bytes);
    __m512i id = _mm512_cvtepu8_epi64(_mm_cvtsi64_si128((long long)bytes));
    __mmask8 in = (__mmask8)(low_bits(t->rows) >> (8 * k));
    packed[k] = _mm512_mask_i64gather_epi64(none, in, id, s->packed, 8);
    _mm512_storeu_pd(t->target + 8 * k,
        _mm512_mask_i64gather_pd(_mm512_setzero_pd(), in, id, s->target, 8));
  }
  for (size_t k = 0; k < 2; k++) {
    t->sum[k] = _mm512_permutex2var_epi32(packed[2 * k], odd, packed[2 * k + 1]);
    t->weight[k] = _mm512_permutex2var_epi32(packed[2 * k], even, packed[2 * k + 1]);
  }
}

// Features that are not live have no place where they differ, and so no split.
static inline void clear_orders(struct tiny_block *b)
{
  memset(b->order, 0, sizeof b->order);
  memset(b->rank, 0, sizeof b->rank);
}

static void fill_tiny(struct tiny *t, const struct part *p)
{
  uint8_t number[N];
  fill_rows(t, p, number);
  struct byte_table numbers = load_table(number);
  __m512i id = _mm512_castsi256_si512(bytes_at(t->id));
  t->block = t->s->tiny;
  for (size_t block = 0, i = 0; block < t->blocks; block++) {
    struct tiny_block *b = &t->block[block];
    uint32_t change[GROVE__BLOCK] = {0};
    clear_orders(b);
    for (; i < p->live_count && p->live[i] / GROVE__BLOCK == block; i++) {
      uint32_t f = p->live[i];
      struct byte_table ranks = load_table(t->s->rank + (size_t)f * N);
      __m512i order = look_up(&numbers, _mm512_loadu_si512(order_of(t->s, p, f)));
      __m512i rank = look_up(&ranks, id);
      change[f % GROVE__BLOCK] = put_order(t, b, f % GROVE__BLOCK, _mm512_castsi512_si256(order),
          _mm512_castsi512_si256(rank));
    }
    fill_lanes(t, b, change);
  }
}

// A register behind the first n numbers of another one.
static inline __m512i join(__m512i first, size_t n, __m512i then)
{
  return _mm512_mask_expand_epi32(first, (__mmask16)(0xffffu << n), then);
}

// The part `set` of the rows of a larger node, at most 16 of them, alone.
static void narrow_tiny(struct tiny *to, const struct tiny *t, uint32_t set)
{
  const __m256i places = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
      17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
  const __mmask16 low = (__mmask16)set, high = (__mmask16)(set >> 16);
  size_t n = (size_t)__builtin_popcount(low);
  __m256i in = _mm256_movm_epi8(set), number = _mm256_maskz_expand_epi8(set, places);
  to->g = t->g;
  to->s = t->s;
  to->rows = (size_t)__builtin_popcount(set);
  to->blocks = t->blocks;
  to->block = t->block + t->blocks;
  to->sum[0] = join(_mm512_maskz_compress_epi32(low, t->sum[0]), n,
      _mm512_maskz_compress_epi32(high, t->sum[1]));
  to->weight[0] = join(_mm512_maskz_compress_epi32(low, t->weight[0]), n,
      _mm512_maskz_compress_epi32(high, t->weight[1]));
  to->sum[1] = to->weight[1] = _mm512_setzero_si512();
  _mm256_storeu_si256(
      (__m256i *)(void *)to->id, _mm256_maskz_compress_epi8(set, bytes_at(t->id)));
  n = 0;
  for (size_t k = 0; 8 * k < t->rows; k++) {
    __mmask8 some = (__mmask8)(set >> (8 * k));
    _mm512_storeu_pd(
        to->target + n, _mm512_maskz_compress_pd(some, _mm512_loadu_pd(t->target + 8 * k)));
    n += (size_t)__builtin_popcount(some);
  }
  for (size_t block = 0; block < t->blocks; block++) {
    const struct tiny_block *from = &t->block[block];
    uint32_t change[GROVE__BLOCK];
    for (size_t k = 0; k < GROVE__BLOCK; k++) {
      __m256i order = bytes_at(from->order[k]);
      uint32_t keep = (uint32_t)_mm256_movepi8_mask(_mm256_permutexvar_epi8(order, in));
      order = _mm256_maskz_compress_epi8(keep & low_bits(t->rows), order);
      change[k] = put_order(to, &to->block[block], k, _mm256_permutexvar_epi8(order, number),
          _mm256_maskz_compress_epi8(set, bytes_at(from->rank[k])));
    }
    fill_lanes(to, &to->block[block], change);
  }
}
