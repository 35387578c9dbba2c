// What becomes of gradients before a tree is grown. Compiled once for each instruction set, see grow_kernels.h.

// To whole numbers by adding 1.5 * 2^52: what is left in the low bits is the rounded number. Exact below 2^50,
// and loops of it become vectors, which llrint's do not.
static inline int64_t whole(double x)
{
  const double magic = 0x1.8p52;
  double r = x + magic;
  int64_t bits, zero;
  memcpy(&bits, &r, sizeof bits);
  memcpy(&zero, &magic, sizeof zero);
  return (int64_t)((uint64_t)bits - (uint64_t)zero);
}

// Many at once: one after the other, each would wait for the one before it.
static double largest(const double *from, const double *less, size_t n)
{
  enum { LANES = 16 };
  double most[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    for (size_t k = 0; k < LANES; k++) {
      double r = fabs(less ? from[i + k] - less[i + k] : from[i + k]);
      most[k] = r > most[k] ? r : most[k];
    }
  }
  for (; i < n; i++) {
    double r = fabs(less ? from[i] - less[i] : from[i]);
    most[0] = r > most[0] ? r : most[0];
  }
  for (size_t k = 1; k < LANES; k++) {
    most[0] = most[k] > most[0] ? most[k] : most[0];
  }
  return most[0];
}

static int64_t quantise(const double *restrict from, const double *restrict less, size_t n,
    double scale, unsigned shift, int64_t one, int64_t *restrict value)
{
  uint64_t sum = 0;
  if (!less) {
    for (size_t i = 0; i < n; i++) {
      value[i] = (int64_t)((uint64_t)whole(from[i] * scale) << shift) + one;
      sum += (uint64_t)value[i];
    }
    return (int64_t)sum;
  }
  for (size_t i = 0; i < n; i++) {
    value[i] = (int64_t)((uint64_t)whole((from[i] - less[i]) * scale) << shift) + one;
    sum += (uint64_t)value[i];
  }
  return (int64_t)sum;
}
