// Parting the rows of a node by a bin. Compiled once for each instruction set, see grow_kernels.h.

// From row i on, `left` of those before it on the left.
static uint32_t partition_from(uint32_t *rows, uint32_t *spare, size_t i, uint32_t left, size_t n,
    const uint64_t *code, size_t stride, unsigned shift, const uint8_t *goes_left)
{
  uint32_t right = (uint32_t)i - left;
  for (; i < n; i++) {
    grove__prefetch_far(&code[rows[i + FAR < n ? i + FAR : i] * stride]);
    uint32_t row = rows[i], l = goes_left[(uint8_t)(code[row * stride] >> shift)];
    rows[left] = row;
    spare[right] = row;
    left += l;
    right += 1 - l;
  }
  return left;
}

#if defined(GROVE__AVX512)
// Sixteen rows at once, as many as there are; gives how many. A store of 16 ends before rows not yet read.
static inline __attribute__((always_inline)) size_t partition_wide(bool lies_far, uint32_t *rows,
    uint32_t *spare, size_t n, const uint64_t *code, size_t stride, unsigned shift, uint32_t bin,
    bool missing_left, uint32_t *left_rows)
{
  // The half of a word that has the byte.
  const int *half = (const int *)(const void *)code + shift / 32;
  const __m512i byte = _mm512_set1_epi32(0xff), last = _mm512_set1_epi32((int)bin);
  const __m512i step = _mm512_set1_epi32((int)stride);
  const __m128i down = _mm_cvtsi32_si128((int)(shift % 32));
  uint32_t left = 0;
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (size_t k = i + FAR; lies_far && k < i + FAR + 16 && k < n; k++) {
      grove__prefetch_far(&code[rows[k] * stride]);
    }
    __m512i row = _mm512_loadu_si512(rows + i);
    __m512i word = _mm512_i32gather_epi32(_mm512_mullo_epi32(row, step), half, 8);
    word = _mm512_and_si512(_mm512_srl_epi32(word, down), byte);
    __mmask16 l = _mm512_cmple_epu32_mask(word, last);
    __mmask16 nan = _mm512_cmpeq_epi32_mask(word, byte);
    l = missing_left ? l | nan : l & (__mmask16)~nan;
    _mm512_storeu_si512(rows + left, _mm512_maskz_compress_epi32(l, row));
    _mm512_storeu_si512(spare + (i - left), _mm512_maskz_compress_epi32((__mmask16)~l, row));
    left += (uint32_t)__builtin_popcount(l);
  }
  *left_rows = left;
  return i;
}
#endif

static uint32_t partition(uint32_t *rows, uint32_t *spare, size_t n, const uint64_t *code,
    size_t stride, unsigned shift, uint32_t bin, bool missing_left)
{
  uint8_t goes_left[GROVE__BIN_COUNT];
  uint32_t left = 0;
  size_t i = 0;
  for (uint32_t k = 0; k < GROVE__BIN_COUNT; k++) {
    goes_left[k] = k <= bin;
  }
  goes_left[GROVE__BIN_MISSING] = missing_left;
#if defined(GROVE__AVX512)
  // Places are 32-bit numbers here: a node's last row, its largest, tells whether they are large enough, and whether memory
  // is asked ahead.
  uint64_t words = n ? rows[n - 1] * (uint64_t)stride : 0;
  if (words > NEAR && words <= INT32_MAX) {
    i = partition_wide(true, rows, spare, n, code, stride, shift, bin, missing_left, &left);
  } else if (words <= NEAR) {
    i = partition_wide(false, rows, spare, n, code, stride, shift, bin, missing_left, &left);
  }
#endif
  return partition_from(rows, spare, i, left, n, code, stride, shift, goes_left);
}

#if defined(GROVE__AVX512)
// Which of sixteen rows go left: a byte does if it is less than `limit` with `shift` added. No gather: it takes longer than
// sixteen loads from the nearest cache.
static inline __mmask16 sides_of(
    const uint32_t *rows, const uint8_t *column, uint32_t shift, uint32_t limit)
{
  uint32_t sides = 0;
  for (size_t k = 16; k-- > 0;) {
    sides = 2 * sides + ((uint8_t)(column[rows[k]] + shift) < limit);
  }
  return (__mmask16)sides;
}
#endif

static uint32_t partition_column(uint32_t *rows, uint32_t *spare, size_t n, const uint8_t *column,
    uint32_t bin, bool missing_left)
{
  size_t left = 0, i = 0;
#if defined(GROVE__AVX512)
  const uint32_t shift = missing_left; // makes 0 of the missing, 255
  for (; i + 16 <= n; i += 16) {
    __m512i row = _mm512_loadu_si512(rows + i);
    __mmask16 l = sides_of(rows + i, column, shift, bin + 1 + shift);
    _mm512_storeu_si512(rows + left, _mm512_maskz_compress_epi32(l, row));
    _mm512_storeu_si512(spare + (i - left), _mm512_maskz_compress_epi32((__mmask16)~l, row));
    left += (size_t)__builtin_popcount(l);
  }
#endif
  for (size_t right = i - left; i < n; i++) {
    uint32_t row = rows[i], code = column[row];
    size_t l = code == GROVE__BIN_MISSING ? missing_left : code <= bin;
    rows[left] = row;
    spare[right] = row;
    left += l;
    right += 1 - l;
  }
  return (uint32_t)left;
}
