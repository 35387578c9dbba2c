// Decimal text to numbers and back, exactly, in no locale but C's.
#ifndef GROVE_COLUMNAR_NUMBER_H
#define GROVE_COLUMNAR_NUMBER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A decimal number as it was written: (-1)^negative * mantissa * 10^exponent.
typedef struct grove__digits {
  uint64_t mantissa;        ///< if `cut`, of no use
  int64_t exponent;         ///< clamped to what still makes 0 or infinity
  bool negative, integer;   ///< integer: neither a point nor an exponent was written
  bool cut;                 ///< more significant digits than a mantissa holds
  const char *first, *last; ///< if `cut`: the digits and the point, without sign and exponent
} grove__digits;

/// Reads [sign] digits [. digits] [e [sign] digits] at p. Gives the end of it, or NULL if there is
/// no number.
const char *grove__digits_read(const char *p, const char *end, grove__digits *out);
/// Whether it was written as an integer and fits; *out gets it. "-0" does not: only a double keeps
/// its sign.
bool grove__digits_int(const grove__digits *d, int64_t *out);
/// The nearest double, ties to even; too large is infinity.
double grove__digits_double(const grove__digits *d);
/// The whole of a text as a double: as above, and inf, infinity, nan in any case, with a sign.
bool grove__double_read(const char *text, size_t n, double *out);

/// IEEE 754 binary16 to double: exact.
double grove__half_double(uint16_t half);

enum { GROVE__DOUBLE_TEXT = 48 }; // 24 characters, and a decimal point of many bytes meanwhile
/// The fewest digits, from 15 on, that read back as the same double; not `exact`: from 6 on, the
/// same float.
void grove__double_text(double value, bool exact, char out[GROVE__DOUBLE_TEXT]);
#endif
