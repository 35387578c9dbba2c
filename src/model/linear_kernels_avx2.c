// The loops of least squares once more, for a compiler that may use AVX2.
#include "model/linear_kernels.h" // outside, because there must be something
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#include <math.h>
#include <string.h>
#define GROVE__AVX2 1
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define GROVE__KERNELS grove__linear_kernels_avx2
#define GROVE__KERNELS_NAME "avx2"
#include "model/linear_kernels_body.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
