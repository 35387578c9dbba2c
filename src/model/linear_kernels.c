// The loops of least squares as plain C, and which of all are the fastest here.
#define GROVE__KERNELS grove__linear_kernels_portable
#define GROVE__KERNELS_NAME "portable"
#include "model/linear_kernels_body.h"

const grove__linear_kernels *grove__linear_kernels_at(size_t level)
{
#if defined(__x86_64__) && defined(__GNUC__)
  if (level == 1) {
    return __builtin_cpu_supports("avx2") ? &grove__linear_kernels_avx2 : NULL;
  }
#endif
  return level == 0 ? &grove__linear_kernels_portable : NULL;
}

const grove__linear_kernels *grove__linear_kernels_best(void)
{
  const grove__linear_kernels *more = grove__linear_kernels_at(1);
  return more ? more : &grove__linear_kernels_portable;
}
