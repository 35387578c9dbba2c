// Rules: COLUMN OP NUMBER joined by and/or, as a model that needs no training.
//
//   rule    = all { "or" all }         all = term { "and" term }        (and binds tighter)
//   term    = column ( "<" | "<=" | ">" | ">=" | "==" | "=" | "!=" ) number
//           | column "is" [ "not" ] "null"
//   column  = letters, digits, "_" and "."; anything else in "…" or `…`, where the quote is doubled to stand
//             for itself. Words (and, or, is, not, null) in any case.
//
// Numbers are compared as doubles. Null and NaN are the same here, and make every comparison false.
#ifndef GROVE_COLUMNAR_RULE_H
#define GROVE_COLUMNAR_RULE_H
#include <grove/columnar.h>

typedef enum grove__rule_op {
  GROVE__RULE_LT,
  GROVE__RULE_LE,
  GROVE__RULE_GT,
  GROVE__RULE_GE,
  GROVE__RULE_EQ,
  GROVE__RULE_NE,
  GROVE__RULE_NULL,
  GROVE__RULE_NOT_NULL
} grove__rule_op;

typedef struct grove__rule_term {
  size_t column; ///< index into the rule's columns
  grove__rule_op op;
  bool starts_group; ///< it follows an "or", or is the first
  double number;
} grove__rule_term;

/// Immutable once parsed. `columns` are distinct and end with NULL.
typedef struct grove__rule {
  size_t terms, count;
  grove__rule_term *term;
  char **columns;
  bool *compared; ///< by column: a number is wanted of it, not just whether it is null
} grove__rule;

/// Returns: GROVE_EINVAL: err says at which character (err->at, from 0) what was expected; GROVE_ENOMEM
grove_status grove__rule_parse(const char *text, grove__rule **out, grove_error *err);
void grove__rule_destroy(grove__rule *r); ///< NULL: nothing

/// out[i] = 1 where the rule holds, else 0. values[c][i] by column; NaN: null. `scratch` holds n bytes.
void grove__rule_apply(const grove__rule *r, const double *const *values, size_t n,
    unsigned char *scratch, double *out);

/// For how many of rows [from, from + n) of a table the rule holds, its numbers compared as they lie: the same count
/// as by grove__rule_apply. places[c] is the table's column of the rule's column c; `scratch` holds 3 * n bytes.
/// Returns: false: one of the columns can't be compared like that (texts, decimals …), and nothing was counted
bool grove__rule_count(const grove__rule *r, const grove_table *t, const size_t *places,
    size_t from, size_t n, unsigned char *scratch, uint64_t *count);
#endif
