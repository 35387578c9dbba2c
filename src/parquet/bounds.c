// Bounds of statistics as numbers.
#include "parquet/bits.h"
#include "parquet/footer.h"
#include <math.h>

static bool is_number(const grove__leaf *leaf)
{
  return leaf->convert == GROVE__CONVERT_COPY || leaf->convert == GROVE__CONVERT_NARROW ||
         leaf->convert == GROVE__CONVERT_BITS;
}

// Rounding an int64 keeps order, and a rule's numbers are compared as doubles, too: rounded bounds stay bounds.
static bool load(const grove__leaf *leaf, grove__bytes b, double *out)
{
  bool is_unsigned = leaf->format[1] == 0 && leaf->format[0] >= 'A' && leaf->format[0] <= 'Z';
  float narrow;
  switch (leaf->physical) {
  case GROVE__BOOLEAN: *out = b.n == 1 ? *b.p & 1 : 0; return b.n == 1;
  case GROVE__INT32:
    if (b.n != 4) {
      return false;
    }
    *out = is_unsigned ? grove__load32(b.p) : (double)(int32_t)grove__load32(b.p);
    return true;
  case GROVE__INT64:
    if (b.n != 8) {
      return false;
    }
    *out = is_unsigned ? (double)grove__load64(b.p) : (double)(int64_t)grove__load64(b.p);
    return true;
  case GROVE__FLOAT:
    if (b.n != 4) {
      return false;
    }
    memcpy(&narrow, b.p, 4);
    *out = (double)narrow;
    return true;
  case GROVE__DOUBLE:
    if (b.n != 8) {
      return false;
    }
    memcpy(out, b.p, 8);
    return true;
  default: return false;
  }
}

void grove__bounds_set(
    grove__bounds *b, const grove__leaf *leaf, grove__bytes low, grove__bytes high)
{
  b->there = is_number(leaf) && load(leaf, low, &b->low) && load(leaf, high, &b->high) &&
             !isnan(b->low) && !isnan(b->high) && b->low <= b->high;
}
