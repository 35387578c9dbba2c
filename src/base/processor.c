#include "base/processor.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>

// Which registers the kernel saves: bits of XCR0.
static uint64_t saved_registers(void)
{
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

uint32_t grove__processor(void)
{
  enum { OSXSAVE = 1 << 27, YMM = 6, ZMM = 0xe6 };
  const uint32_t avx2 = 1u << 5; // in ebx of leaf 7
  const uint32_t avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31, vbmi = 1u << 1;
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE)) {
    return 0;
  }
  uint64_t saved = saved_registers();
  if ((saved & YMM) != YMM || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & avx2)) {
    return 0;
  }
  uint32_t wide = (saved & ZMM) == ZMM && (b & avx512) == avx512 && (c & vbmi);
  return GROVE__PROCESSOR_AVX2 | (wide ? GROVE__PROCESSOR_VBMI : 0);
}
#elif defined(__aarch64__) && defined(__GNUC__) && !defined(__AARCH64EB__)
uint32_t grove__processor(void)
{
  return GROVE__PROCESSOR_NEON;
}
#else
uint32_t grove__processor(void)
{
  return 0;
}
#endif
