// Made-up data in the shape of the real: growing text, a seeded generator, the two makers.
#ifndef GROVE_GENERATE_GENERATE_H
#define GROVE_GENERATE_GENERATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct text {
  char *bytes;
  size_t n, room;
  bool failed; ///< no memory; later additions do nothing
} text;
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void text_add(text *t, const char *format, ...);
void text_free(text *t);

typedef struct dice {
  uint64_t state;
} dice;
double dice_unit(dice *d); ///< in [0, 1)
double dice_between(dice *d, double a, double b);
double dice_normal(dice *d); ///< mean 0, deviation 1
unsigned dice_below(dice *d, unsigned n);

/// Both write files below `folder` and give 0, or say on standard error what is wrong and give 1.
int make_housing(const char *folder, uint64_t seed);
int make_taxi(const char *folder, uint64_t seed);
#endif
