// What the processor can do, beyond what the build asks for.
#ifndef GROVE_BASE_PROCESSOR_H
#define GROVE_BASE_PROCESSOR_H
#include <stdint.h>

enum {
  GROVE__PROCESSOR_AVX2 = 1,
  GROVE__PROCESSOR_VBMI =
      2, ///< AVX-512 F, BW, VL, DQ and VBMI: bytes looked up in tables of 64 and 128
  GROVE__PROCESSOR_NEON = 4 ///< of little-endian 64-bit ARM: all of them have it
};

/// The bits above that the processor has and the kernel keeps the registers of. Asks the processor each time.
uint32_t grove__processor(void);
#endif
