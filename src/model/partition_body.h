// Parting the rows of a node by a bin. Compiled once for each instruction set, see grow_kernels.h.

// From row i on, `left` of those before it on the left.
static uint32_t partition_from(uint32_t *rows, uint32_t *spare, size_t i, uint32_t left, size_t n,
    const uint64_t *code, size_t stride, unsigned shift, const uint8_t *goes_left)
{
  grove__parted d = {left, (uint32_t)i - left};
  for (; i < n; i++) {
    grove__prefetch_far(&code[rows[i + FAR < n ? i + FAR : i] * stride]);
    uint32_t row = rows[i];
    grove__part_row(rows, spare, row, goes_left[(uint8_t)(code[row * stride] >> shift)], &d);
  }
  return d.left;
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
enum { BROUGHT = 512 }; // rows whose bytes are brought together

// Loads and stores of bytes alone, by the way of memory: to collect sixteen in a register takes three times as long, and
// so, on some machines, does a gather.
static inline void bring_bytes(const uint32_t *rows, size_t n, const uint8_t *column, uint8_t *to)
{
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    to[i] = column[rows[i]];
    to[i + 1] = column[rows[i + 1]];
    to[i + 2] = column[rows[i + 2]];
    to[i + 3] = column[rows[i + 3]];
    to[i + 4] = column[rows[i + 4]];
    to[i + 5] = column[rows[i + 5]];
    to[i + 6] = column[rows[i + 6]];
    to[i + 7] = column[rows[i + 7]];
  }
  for (; i < n; i++) {
    to[i] = column[rows[i]];
  }
}

// Parts m rows more, by a byte of each.
static inline void part_some_rows(uint32_t *rows, uint32_t *spare, const uint32_t *from, size_t m,
    const uint8_t *bytes, uint32_t bin, bool missing_left, grove__parted *d)
{
  // One more than its byte, so that the missing, 255, come to the front, if they go left.
  const __m128i shift = _mm_set1_epi8(missing_left), last = _mm_set1_epi8((char)(bin + missing_left));
  grove__parted now = *d;
  size_t i = 0;
  for (; i + 16 <= m; i += 16) { // a store of 16 ends before rows not yet read
    __m128i byte = _mm_loadu_si128((const __m128i *)(const void *)(bytes + i));
    __m512i row = _mm512_loadu_si512(from + i);
    __mmask16 l = _mm_cmple_epu8_mask(_mm_add_epi8(byte, shift), last);
    _mm512_storeu_si512(rows + now.left, _mm512_maskz_compress_epi32(l, row));
    _mm512_storeu_si512(spare + now.right, _mm512_maskz_compress_epi32((__mmask16)~l, row));
    uint32_t some = (uint32_t)__builtin_popcount(l);
    now.left += some;
    now.right += 16 - some;
  }
  for (; i < m; i++) {
    grove__part_row(
        rows, spare, from[i], (uint8_t)(bytes[i] + missing_left) <= bin + missing_left, &now);
  }
  *d = now;
}
#endif

static uint32_t partition_column(uint32_t *rows, uint32_t *spare, size_t n, const uint8_t *column,
    uint32_t bin, bool missing_left)
{
  grove__parted d = {0, 0};
#if defined(GROVE__AVX512)
  uint8_t brought[BROUGHT];
  if (n && rows[n - 1] - rows[0] == n - 1) { // as at the root: bytes lie together as they are
    part_some_rows(rows, spare, rows, n, column + rows[0], bin, missing_left, &d);
    return d.left;
  }
  for (size_t from = 0; from < n; from += BROUGHT) {
    size_t m = n - from < BROUGHT ? n - from : BROUGHT;
    bring_bytes(rows + from, m, column, brought);
    part_some_rows(rows, spare, rows + from, m, brought, bin, missing_left, &d);
  }
#else
  for (size_t i = 0; i < n; i++) {
    uint32_t row = rows[i], code = column[row];
    grove__part_row(rows, spare, row, code == GROVE__BIN_MISSING ? missing_left : code <= bin, &d);
  }
#endif
  return d.left;
}

// Rows of bins below `bin` go left, of it those of ranks up to `last`.
static uint32_t partition_rank(uint32_t *rows, uint32_t *spare, size_t n, const uint8_t *column,
    uint32_t bin, const uint32_t *rank, size_t width, uint32_t last)
{
  grove__parted d = {0, 0};
#if defined(GROVE__AVX512)
  const __m512i here = _mm512_set1_epi8((char)bin);
  uint8_t brought[BROUGHT];
  for (size_t from = 0; from < n; from += BROUGHT) {
    size_t m = n - from < BROUGHT ? n - from : BROUGHT;
    bring_bytes(rows + from, m, column, brought);
    for (size_t i = 0; i < m; i += 64) { // what bins don't say
      __mmask64 in = m - i < 64 ? ((__mmask64)1 << (m - i)) - 1 : (__mmask64)-1;
      uint64_t unknown = _mm512_cmpeq_epi8_mask(_mm512_maskz_loadu_epi8(in, brought + i), here) & in;
      for (; unknown; unknown &= unknown - 1) {
        size_t k = i + (size_t)__builtin_ctzll(unknown);
        brought[k] = rank[rows[from + k] * width] <= last ? 0 : GROVE__BIN_MISSING;
      }
    }
    part_some_rows(rows, spare, rows + from, m, brought, bin, false, &d);
  }
#else
  (void)column, (void)bin;
  for (size_t i = 0; i < n; i++) {
    uint32_t row = rows[i];
    grove__part_row(rows, spare, row, rank[row * width] <= last, &d);
  }
#endif
  return d.left;
}

// Rows of two bins. Gives how many.
static size_t collect_bins(
    const uint32_t *rows, size_t n, const uint8_t *column, uint32_t a, uint32_t b, uint32_t *to)
{
  size_t found = 0, from = 0;
#if defined(GROVE__AVX512)
  const __m128i first = _mm_set1_epi8((char)a), second = _mm_set1_epi8((char)b);
  uint8_t brought[BROUGHT];
  for (; from + 16 <= n;) {
    size_t m = n - from < BROUGHT ? (n - from) / 16 * 16 : BROUGHT;
    bring_bytes(rows + from, m, column, brought);
    for (size_t i = 0; i < m; i += 16) {
      __m128i byte = _mm_loadu_si128((const __m128i *)(const void *)(brought + i));
      __mmask16 is = _mm_cmpeq_epi8_mask(byte, first) | _mm_cmpeq_epi8_mask(byte, second);
      __m512i row = _mm512_loadu_si512(rows + from + i);
      _mm512_storeu_si512(to + found, _mm512_maskz_compress_epi32(is, row));
      found += (size_t)__builtin_popcount(is);
    }
    from += m;
  }
#endif
  for (; from < n; from++) {
    uint32_t bin = column[rows[from]];
    to[found] = rows[from];
    found += (bin == a) | (bin == b);
  }
  return found;
}
