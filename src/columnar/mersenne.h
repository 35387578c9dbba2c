// The Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), with the bounded draws and the
// shuffle of NumPy's legacy RandomState: for results that must equal those of the Python libraries,
// seed for seed. For all else base/random.h is smaller and faster.
#ifndef GROVE_COLUMNAR_MERSENNE_H
#define GROVE_COLUMNAR_MERSENNE_H
#include <stdint.h>

enum { GROVE__MERSENNE_WORDS = 624 };
typedef struct grove__mersenne {
  uint32_t words[GROVE__MERSENNE_WORDS];
  uint32_t next;
} grove__mersenne;

/// As RandomState(seed): the generator's first seeding, by one word.
void grove__mersenne_init(grove__mersenne *m, uint32_t seed);
uint32_t grove__mersenne_next(grove__mersenne *m);
/// In [0, most], by masked rejection: draws of 32 bits, of 64 where `most` needs them.
uint64_t grove__mersenne_upto(grove__mersenne *m, uint64_t most);
/// In [0, 1), 53 bits of two draws: random_sample.
double grove__mersenne_unit(grove__mersenne *m);
/// Shuffles in place, from the end: RandomState.shuffle, and of 0 … n - 1
/// RandomState.permutation(n).
void grove__mersenne_shuffle(grove__mersenne *m, uint64_t *values, uint64_t n);
#endif
