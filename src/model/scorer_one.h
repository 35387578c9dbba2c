// One row through many trees with AVX2: eight trees are a register, four of these walk side by side. The row's codes are
// tables in registers. Included by the bodies that have the instructions.
#ifndef GROVE_MODEL_SCORER_ONE_H
#define GROVE_MODEL_SCORER_ONE_H
#include "model/scorer_body.h"
#include <immintrin.h>

enum {
  ONE_TREES = 8, // of a register
  ONE_REGISTERS = 4,
  ONE_MANY = ONE_TREES * ONE_REGISTERS,
  ONE_COLUMNS = 64 // that codes of 16 to a register are held of
};

// The row's code of each node's column, as the highest byte of its lane.
GROVE__INLINE __m256i look_up_codes(int tables, const __m256i *code, __m256i node)
{
  const __m256i low = _mm256_set1_epi32(0x0f000000), none = _mm256_set1_epi32(0x808080);
  __m256i column = _mm256_slli_epi32(node, 16); // bits 8 to 15 become the highest
  __m256i at = _mm256_or_si256(_mm256_and_si256(column, low), none);
  __m256i x = _mm256_shuffle_epi8(code[0], at);
  if (tables > 1) { // by the bit of 16, then by that of 32
    __m256 by16 = _mm256_castsi256_ps(_mm256_slli_epi32(node, 19));
    __m256 other = _mm256_castsi256_ps(_mm256_shuffle_epi8(code[1], at));
    __m256 either = _mm256_blendv_ps(_mm256_castsi256_ps(x), other, by16);
    if (tables > 2) {
      __m256 by32 = _mm256_castsi256_ps(_mm256_slli_epi32(node, 18));
      __m256 third = _mm256_castsi256_ps(_mm256_shuffle_epi8(code[2], at));
      __m256 fourth = _mm256_castsi256_ps(_mm256_shuffle_epi8(code[3], at));
      either = _mm256_blendv_ps(either, _mm256_blendv_ps(third, fourth, by16), by32);
    }
    x = _mm256_castps_si256(either);
  }
  return x;
}

// As step_narrow, on eight trees.
GROVE__INLINE __m256i step_one(
    int tables, const int *nodes, const __m256i *code, __m256i first, __m256i at)
{
  __m256i node = _mm256_i32gather_epi32(nodes, _mm256_add_epi32(first, at), 4);
  __m256i right =
      _mm256_cmpgt_epi32(look_up_codes(tables, code, node), _mm256_slli_epi32(node, 24));
  return _mm256_sub_epi32(_mm256_srli_epi32(node, 16), right);
}

// Up to ONE_MANY trees; their leaves are added in order.
GROVE__INLINE double add_trees_side_by_side(int tables, const grove__scorer *s, const __m256i *code,
    const grove__score_tree *t, size_t trees, double sum)
{
  uint32_t from[ONE_MANY], leaf[ONE_MANY], depth = 0;
  __m256i first[ONE_REGISTERS], at[ONE_REGISTERS];
  for (size_t i = 0; i < ONE_MANY; i++) {
    from[i] = (uint32_t)t[i < trees ? i : 0].first;
    depth = i < trees && t[i].depth > depth ? t[i].depth : depth;
  }
  for (size_t v = 0; v < ONE_REGISTERS; v++) {
    first[v] = _mm256_loadu_si256((const __m256i *)(const void *)(from + ONE_TREES * v));
    at[v] = _mm256_setzero_si256();
  }
  for (uint32_t k = 0; k < depth; k++) {
    for (size_t v = 0; v < ONE_REGISTERS; v++) {
      at[v] = step_one(tables, (const int *)(const void *)s->narrow, code, first[v], at[v]);
    }
  }
  for (size_t v = 0; v < ONE_REGISTERS; v++) {
    _mm256_storeu_si256(
        (__m256i *)(void *)(leaf + ONE_TREES * v), _mm256_add_epi32(first[v], at[v]));
  }
  for (size_t i = 0; i < trees; i++) {
    sum = s->leaf_floats ? (double)((float)sum + s->leaf_floats[leaf[i]])
                         : sum + s->leaf_doubles[leaf[i]];
  }
  return sum;
}

GROVE__INLINE double add_all_side_by_side(
    int tables, const grove__scorer *s, const int8_t *codes, double sum)
{
  __m256i code[ONE_COLUMNS / 16];
  for (int k = 0; k < tables; k++) {
    code[k] = _mm256_broadcastsi128_si256(
        _mm_loadu_si128((const __m128i *)(const void *)(codes + 16 * k)));
  }
  for (size_t t = 0; t < s->tree_count; t += ONE_MANY) {
    size_t trees = s->tree_count - t < ONE_MANY ? s->tree_count - t : ONE_MANY;
    sum = add_trees_side_by_side(tables, s, code, s->trees + t, trees, sum);
  }
  return sum;
}

static double predict_one_side_by_side(const grove__scorer *s, const grove__ensemble *e,
    const grove__view *x, size_t row, int8_t *codes)
{
  if (s->wide || s->columns > ONE_COLUMNS || s->node_count > INT32_MAX) {
    return predict_one(s, e, x, row, codes);
  }
  code_all(s, e, x, row, codes);
  return s->columns <= 16   ? add_all_side_by_side(1, s, codes, e->base)
         : s->columns <= 32 ? add_all_side_by_side(2, s, codes, e->base)
                            : add_all_side_by_side(4, s, codes, e->base);
}
#endif
