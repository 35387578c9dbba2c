// The kernels with AVX-512: bytes are looked up and pressed together by one instruction each (VBMI, VBMI2).
#include "model/grow_kernels.h" // outside, because there must be something
#if defined(__x86_64__) && defined(__GNUC__)
#include "model/small_rows.h"
#include <immintrin.h>
#include <math.h>
#include <string.h>
#define GROVE__AVX512 1
#if defined(__clang__)
#pragma clang attribute push(                                                                      \
    __attribute__((target(                                                                         \
        "avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2"))),       \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target(                                                                                \
    "avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,prefer-vector-width=512")
#endif
#define GROVE__KERNELS grove__grow_kernels_avx512
#define GROVE__KERNELS_NAME "avx512"
#include "model/grow_kernels_body.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
