// Arrow's decimals: integers of 4 to 32 bytes, two's complement, least byte first.
#ifndef GROVE_COLUMNAR_DECIMAL_H
#define GROVE_COLUMNAR_DECIMAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GROVE__DECIMAL_TEXT = 80 }; ///< sign, 78 digits of 256 bits, end
/// The integer as decimal digits; gives their number, sign included.
size_t grove__decimal_text(const void *value, uint32_t bytes, char out[GROVE__DECIMAL_TEXT]);
/// The same with the point where the scale, of up to 1000 either way, sets it: 12345 with 2 is 123.45. `out` has room
/// for 1100 bytes.
size_t grove__decimal_print(const void *value, uint32_t bytes, int32_t scale, char *out);
/// The double nearest to integer / 10^scale.
double grove__decimal_double(const void *value, uint32_t bytes, int32_t scale);
#endif
