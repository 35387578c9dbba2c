// Telling a source what will be read.
#ifndef GROVE_PARQUET_RANGES_H
#define GROVE_PARQUET_RANGES_H
#include "parquet/file.h"

typedef enum grove__told {
  GROVE__TOLD_ALL,
  GROVE__TOLD_RULE, // the rule's columns, which are looked at first
  GROVE__TOLD_REST  // the others, once a row matches
} grove__told;

/// Tells the source, if it wants to hear, where the columns of some row groups lie.
void grove__ranges_tell(
    const grove_parquet *p, grove__budget *b, const size_t *groups, size_t n, grove__told which);
#endif
