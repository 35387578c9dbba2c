#include "model/grow_kernels.h"

// What a compiler makes for a machine's extensions is in a file of its own; asking the processor is cheap, so that
// nothing has to be remembered.
const grove__grow_kernels *grove__grow_kernels_at(size_t level)
{
#if defined(__x86_64__) && defined(__GNUC__)
  bool avx2 = __builtin_cpu_supports("avx2");
  bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
  if (level == 1) {
    return avx2 ? &grove__grow_kernels_avx2 : NULL;
  }
  if (level == 2) {
    return avx512 ? &grove__grow_kernels_avx512 : NULL;
  }
#endif
  return level == 0 ? &grove__grow_kernels_portable : NULL;
}

const grove__grow_kernels *grove__grow_kernels_best(void)
{
  const grove__grow_kernels *best = &grove__grow_kernels_portable, *next;
  for (size_t level = 1; (next = grove__grow_kernels_at(level)); level++) {
    best = next;
  }
  return best;
}
