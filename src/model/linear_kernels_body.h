// Included once by the file of each instruction set, with GROVE__KERNELS and GROVE__KERNELS_NAME defined.
#include "model/linear_kernels.h"
#include <math.h>

// Four running sums in a fixed order are one quad: a register, or two.
#define ALWAYS_INLINE static inline __attribute__((always_inline))
typedef double quad __attribute__((vector_size(32)));
typedef double quad_at __attribute__((vector_size(32), aligned(8), may_alias)); // anywhere
#define LOAD(p) (*(const quad_at *)(const void *)(p))
#define STORE(p, q) (*(quad_at *)(void *)(p) = (q))
#define UNROLLED _Pragma("GCC unroll 8")

// The smaller and the larger of two, number by number; of equals and of NaN the second.
#if defined(GROVE__AVX2)
enum { SIDE_BY_SIDE = 8 }; // columns whose sums the registers hold
#define LESS(a, b) ((quad)_mm256_min_pd((__m256d)(a), (__m256d)(b)))
#define MORE(a, b) ((quad)_mm256_max_pd((__m256d)(a), (__m256d)(b)))
#else
enum { SIDE_BY_SIDE = 4 };
typedef long long quad_bits __attribute__((vector_size(32)));
#define CHOOSE(first, a, b) ((quad)(((quad_bits)(a) & (first)) | ((quad_bits)(b) & ~(first))))
#define LESS(a, b) CHOOSE((quad_bits)((a) < (b)), a, b)
#define MORE(a, b) CHOOSE((quad_bits)((a) > (b)), a, b)
#endif

// Of the few rows behind the last four: they count for the first sum, one after the other.
ALWAYS_INLINE double add_rest(double sum, const double *v, const double *x, size_t n)
{
  if (n > 0) {
    sum += v[0] * x[0];
  }
  if (n > 1) {
    sum += v[1] * x[1];
  }
  return n > 2 ? sum + v[2] * x[2] : sum;
}

// A macro, because functions that take vectors are not the same for all callers.
#define ADD_UP(sum, v, x, i, n)                                                                    \
  ((add_rest((sum)[0], (v) + (i), (x) + (i), (n) - (i)) + (sum)[1]) + ((sum)[2] + (sum)[3]))

static double square_of(const double *v, size_t n)
{
  quad sum = {0};
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    quad here = LOAD(v + i);
    sum += here * here;
  }
  return ADD_UP(sum, v, v, i, n);
}

// v times each of `count` columns, over half of v's square; false: v is zero.
ALWAYS_INLINE bool find_factors(
    size_t count, const double *v, const double *x, size_t stride, size_t n, double *factor)
{
  size_t i = 0;
  quad s[SIDE_BY_SIDE] = {{0}}, own = {0};
  for (; i + 4 <= n; i += 4) {
    quad here = LOAD(v + i);
    own += here * here;
    UNROLLED
    for (size_t c = 0; c < count; c++) {
      s[c] += here * LOAD(x + c * stride + i);
    }
  }
  double half = ADD_UP(own, v, v, i, n) / 2;
  UNROLLED
  for (size_t c = 0; c < count; c++) {
    factor[c] = ADD_UP(s[c], v, x + c * stride, i, n) / half;
  }
  return half > 0;
}

// Takes factor[c] times v off each of `count` columns. Gives the square of the first one, but for its first row: the next
// to be reflected may be that.
ALWAYS_INLINE double take_off(
    size_t count, const double *v, double *x, size_t stride, size_t n, const double *factor)
{
  size_t i = 1;
  quad f[SIDE_BY_SIDE], square = {0};
  UNROLLED
  for (size_t c = 0; c < count; c++) {
    f[c] = (quad){factor[c], factor[c], factor[c], factor[c]};
    x[c * stride] -= factor[c] * v[0];
  }
  for (; i + 4 <= n; i += 4) {
    quad here = LOAD(v + i);
    UNROLLED
    for (size_t c = 0; c < count; c++) {
      double *at = x + c * stride + i;
      quad left = LOAD(at) - here * f[c];
      square += c ? (quad){0} : left * left;
      STORE(at, left);
    }
  }
  for (; i < n; i++) {
    for (size_t c = 0; c < count; c++) {
      x[c * stride + i] -= factor[c] * v[i];
    }
  }
  return ADD_UP(square, x, x, n > 1 ? n - (n - 1) % 4 : n, n);
}

// Reflects `count` columns: from each goes v, as often as it holds it. Gives what take_off does.
ALWAYS_INLINE double reflect_some(size_t count, const double *v, double *x, size_t stride, size_t n)
{
  double factor[SIDE_BY_SIDE];
  return find_factors(count, v, x, stride, n, factor) ? take_off(count, v, x, stride, n, factor)
                                                      : square_of(x + 1, n - 1);
}

// A function for each number of columns, whose sums then have registers of their own.
#define REFLECT(count)                                                                             \
  static double reflect_##count(const double *v, double *x, size_t stride, size_t n)               \
  {                                                                                                \
    return reflect_some(count, v, x, stride, n);                                                   \
  }
REFLECT(1)
REFLECT(2)
REFLECT(3)
REFLECT(4)
#if defined(GROVE__AVX2)
REFLECT(5)
REFLECT(6)
REFLECT(7)
REFLECT(8)
#endif

typedef double reflect_fn(const double *v, double *x, size_t stride, size_t n);
static reflect_fn *const reflect_columns[] = {reflect_1, reflect_2, reflect_3, reflect_4,
#if defined(GROVE__AVX2)
    reflect_5, reflect_6, reflect_7, reflect_8
#endif
};

// Reflects column k, of this square from the diagonal on, onto its diagonal, and the columns right of it with it.
// Gives the square of the next column from the next diagonal on.
static double reflect(
    double *a, size_t rows, size_t columns, size_t stride, size_t k, double square)
{
  double *v = a + k * stride + k, norm = sqrt(square), next = 0;
  size_t n = rows - k;
  if (norm == 0) {
    return k + 1 < columns ? square_of(v + stride + 1, n - 1) : 0;
  }
  double diagonal = v[0] > 0 ? -norm : norm;
  v[0] -= diagonal;
  for (size_t c = k + 1, some; c < columns; c += some) {
    some = columns - c < SIDE_BY_SIDE ? columns - c : SIDE_BY_SIDE;
    double got = reflect_columns[some - 1](v, a + c * stride + k, stride, n);
    next = c == k + 1 ? got : next;
  }
  v[0] = diagonal;
  for (size_t i = 1; i < n; i++) {
    v[i] = 0;
  }
  return next;
}

static void qr(double *a, size_t rows, size_t columns, size_t stride)
{
  double square = columns && rows ? square_of(a, rows) : 0;
  for (size_t k = 0; k < columns && k < rows; k++) {
    square = reflect(a, rows, columns, stride, k, square);
  }
}

// ---- products of columns ------------------------------------------------------------------------------
ALWAYS_INLINE void multiply_some(
    size_t count, const double *v, const double *x, size_t stride, size_t n, double *to)
{
  size_t i = 0;
  quad s[SIDE_BY_SIDE] = {{0}};
  for (; i + 4 <= n; i += 4) {
    quad here = LOAD(v + i);
    UNROLLED
    for (size_t c = 0; c < count; c++) {
      s[c] += here * LOAD(x + c * stride + i);
    }
  }
  UNROLLED
  for (size_t c = 0; c < count; c++) {
    to[c] = ADD_UP(s[c], v, x + c * stride, i, n);
  }
}

ALWAYS_INLINE void take_some(size_t count, const double *z, const double *x, size_t stride, size_t n,
    const double *factor, double *to)
{
  size_t i = 0;
  quad f[SIDE_BY_SIDE];
  UNROLLED
  for (size_t c = 0; c < count; c++) {
    f[c] = (quad){factor[c], factor[c], factor[c], factor[c]};
  }
  for (; i + 4 <= n; i += 4) {
    quad left = LOAD(z + i);
    UNROLLED
    for (size_t c = 0; c < count; c++) {
      left -= f[c] * LOAD(x + c * stride + i);
    }
    STORE(to + i, left);
  }
  for (; i < n; i++) {
    double left = z[i];
    for (size_t c = 0; c < count; c++) {
      left -= factor[c] * x[c * stride + i];
    }
    to[i] = left;
  }
}

#define SOME(count)                                                                                \
  static void multiply_##count(                                                                    \
      const double *v, const double *x, size_t stride, size_t n, double *to)                       \
  {                                                                                                \
    multiply_some(count, v, x, stride, n, to);                                                     \
  }                                                                                                \
  static void take_##count(const double *z, const double *x, size_t stride, size_t n,              \
      const double *factor, double *to)                                                            \
  {                                                                                                \
    take_some(count, z, x, stride, n, factor, to);                                                 \
  }
SOME(1)
SOME(2)
SOME(3)
SOME(4)
#if defined(GROVE__AVX2)
SOME(5)
SOME(6)
SOME(7)
SOME(8)
#define MORE_OF(name) , name##_5, name##_6, name##_7, name##_8
#else
#define MORE_OF(name)
#endif

static void products(
    const double *v, const double *x, size_t columns, size_t stride, size_t n, double *to)
{
  typedef void fn(const double *v, const double *x, size_t stride, size_t n, double *to);
  static fn *const multiply[] = {
      multiply_1, multiply_2, multiply_3, multiply_4 MORE_OF(multiply)};
  for (size_t c = 0, some; c < columns; c += some) {
    some = columns - c < SIDE_BY_SIDE ? columns - c : SIDE_BY_SIDE;
    multiply[some - 1](v, x + c * stride, stride, n, to + c);
  }
}

static void left_over(const double *z, const double *x, size_t columns, size_t stride, size_t n,
    const double *factor, double *to)
{
  typedef void fn(const double *z, const double *x, size_t stride, size_t n, const double *factor,
      double *to);
  static fn *const take[] = {take_1, take_2, take_3, take_4 MORE_OF(take)};
  for (size_t c = 0, some; c < columns; c += some) {
    some = columns - c < SIDE_BY_SIDE ? columns - c : SIDE_BY_SIDE;
    take[some - 1](c ? to : z, x + c * stride, stride, n, factor + c, to);
  }
}

// ---- the triangle -------------------------------------------------------------------------------------
static size_t largest_column(const double *a, size_t n, size_t stride, size_t k, double *square)
{
  size_t best = k;
  *square = -1;
  for (size_t c = k; c < n; c++) {
    double d = square_of(a + c * stride + k, n - k);
    if (d > *square) {
      *square = d;
      best = c;
    }
  }
  return best;
}

static void swap_columns(double *a, size_t n, size_t stride, size_t i, size_t k)
{
  for (size_t r = 0; r < n && i != k; r++) {
    double t = a[i * stride + r];
    a[i * stride + r] = a[k * stride + r];
    a[k * stride + r] = t;
  }
}

static size_t qr_solve(
    double *a, size_t n, size_t stride, double tolerance, size_t *order, double *w)
{
  size_t rank = 0;
  double first = 0;
  for (size_t c = 0; c < n; c++) {
    order[c] = c;
    w[c] = 0;
  }
  for (; rank < n; rank++) {
    double square;
    size_t c = largest_column(a, n, stride, rank, &square);
    double norm = sqrt(square);
    first = rank == 0 ? norm : first;
    if (!(norm > tolerance * first)) {
      break;
    }
    swap_columns(a, n, stride, rank, c);
    size_t t = order[rank];
    order[rank] = order[c];
    order[c] = t;
    reflect(a, n, n + 1, stride, rank, square);
  }
  const double *z = a + n * stride;
  for (size_t i = rank; i-- > 0;) {
    double sum = z[i];
    for (size_t c = i + 1; c < rank; c++) {
      sum -= a[c * stride + i] * w[order[c]];
    }
    w[order[i]] = sum / a[i * stride + i];
  }
  return rank;
}

// ---- columns ------------------------------------------------------------------------------------------
// Eight running sums in a fixed order.
static grove__measure measure(const double *v, size_t n)
{
  const double one = 1 / (double)n, at = v[0];
  const quad share = {one, one, one, one}, first = {at, at, at, at};
  quad sum[2] = {{0}}, low[2] = {first, first}, high[2] = {first, first};
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    UNROLLED
    for (size_t k = 0; k < 2; k++) {
      quad x = LOAD(v + i + 4 * k);
      sum[k] += (x - first) * share;
      low[k] = LESS(x, low[k]);
      high[k] = MORE(x, high[k]);
    }
  }
  low[0] = LESS(low[0], low[1]);
  high[0] = MORE(high[0], high[1]);
  grove__measure m = {.low = at, .high = at};
  double rest = sum[0][0];
  for (; i < n; i++) {
    rest += (v[i] - at) * one;
    m.low = v[i] < m.low ? v[i] : m.low;
    m.high = v[i] > m.high ? v[i] : m.high;
  }
  for (size_t k = 0; k < 4; k++) {
    m.low = low[0][k] < m.low ? low[0][k] : m.low;
    m.high = high[0][k] > m.high ? high[0][k] : m.high;
  }
  double all = rest + sum[0][1] + sum[0][2] + sum[0][3];
  m.mean = at + (all + sum[1][0] + sum[1][1] + sum[1][2] + sum[1][3]);
  return m;
}

static void center(
    const double *restrict v, size_t n, double middle, double scale, double *restrict to)
{
  for (size_t i = 0; i < n; i++) {
    to[i] = (v[i] - middle) * scale;
  }
}

const grove__linear_kernels GROVE__KERNELS = {
    GROVE__KERNELS_NAME, measure, center, products, left_over, qr, qr_solve};
