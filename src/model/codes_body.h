// Which bin a key lies in. Compiled once for each instruction set, see grow_kernels.h.

enum { KEY_BITS = 8 };

#if defined(GROVE__AVX512)
// Sixteen keys at once: of sixteen groups of keys the one that a key lies in is looked up in a register, and then its place in the group.
static size_t code_wide(
    const uint32_t *last, const uint32_t *key, size_t n, uint8_t missing, uint8_t *code)
{
  const __m512i place =
      _mm512_setr_epi32(15, 31, 47, 63, 79, 95, 111, 127, 143, 159, 175, 191, 207, 223, 239, 255);
  const __m512i group = _mm512_i32gather_epi32(place, last, 4), none = _mm512_set1_epi32(-1);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    __m512i k = _mm512_loadu_si512(key + i), at = _mm512_setzero_si512();
    for (int bit = 8; bit > 0; bit /= 2) {
      __m512i probe =
          _mm512_permutexvar_epi32(_mm512_add_epi32(at, _mm512_set1_epi32(bit - 1)), group);
      __mmask16 less = _mm512_cmplt_epu32_mask(probe, k);
      at = _mm512_mask_add_epi32(at, less, at, _mm512_set1_epi32(bit));
    }
    at = _mm512_slli_epi32(at, 4);
    for (int bit = 8; bit > 0; bit /= 2) {
      __m512i probe = _mm512_i32gather_epi32(at, last + bit - 1, 4);
      __mmask16 less = _mm512_cmplt_epu32_mask(probe, k);
      at = _mm512_mask_add_epi32(at, less, at, _mm512_set1_epi32(bit));
    }
    at = _mm512_mask_mov_epi32(at, _mm512_cmpeq_epi32_mask(k, none), _mm512_set1_epi32(missing));
    _mm_storeu_si128((__m128i *)(void *)(code + i), _mm512_cvtepi32_epi8(at));
  }
  return i;
}
#endif

// How many of 256 rising keys are less, without a branch that could not be foretold; the last of them is not looked at.
static void code_keys(
    const uint32_t *last, const uint32_t *key, size_t n, uint8_t missing, uint8_t *code)
{
  size_t i = 0;
#if defined(GROVE__AVX512)
  i = code_wide(last, key, n, missing, code);
#endif
  for (; i < n; i++) {
    uint32_t at = 0;
    for (unsigned bit = KEY_BITS; bit-- > 0;) {
      at |= (uint32_t)(last[at + ((uint32_t)1 << bit) - 1] < key[i]) << bit;
    }
    code[i] = key[i] == UINT32_MAX ? missing : (uint8_t)at;
  }
}
