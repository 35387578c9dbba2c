// Values into columns, whose type is decided by all rows: int64 gives way to double, anything else
// to text. A column that turns out to be text after numbers were stored is read once more from the
// file, since the texts of the numbers ("007", "1.50") are gone.
#include "columnar/csv.h"
#include "columnar/number.h"
#include "columnar/utf8.h"

static grove_status check(grove__csv *c, grove_status s)
{
  return GROVE__LIKELY(!s) ? GROVE_OK : grove__csv_fail_memory(c, s);
}

grove_status grove__csv_start_column(grove__csv *c, size_t i, grove__csv_type type)
{
  static const grove__layout word = {GROVE__SHAPE_FIXED, GROVE__NUMBER_F64, 8, false, 0};
  static const grove__layout bits = {GROVE__SHAPE_BITS, GROVE__NUMBER_BOOL, 0, false, 0};
  static const grove__layout text = {GROVE__SHAPE_TEXT, GROVE__NUMBER_NONE, 4, true, 0};
  grove__csv_column *col = grove__csv_column_at(c, i);
  grove__builder_free(&c->budget, &col->builder);
  col->type = type;
  col->quick = c->quick && type <= GROVE__CSV_DOUBLE;
  return check(c, grove__builder_init(&c->budget, &col->builder,
                      type == GROVE__CSV_TEXT   ? &text
                      : type == GROVE__CSV_BOOL ? &bits
                                                : &word));
}

// The type of a column that has only nulls so far.
static grove_status settle(grove__csv *c, size_t i, grove__csv_type type)
{
  grove__csv_column *col = grove__csv_column_at(c, i);
  int64_t rows = col->builder.rows;
  if (type <= GROVE__CSV_DOUBLE) { // built as words already
    col->type = type;
    return GROVE_OK;
  }
  GROVE__TRY(grove__csv_start_column(c, i, type));
  for (; rows; rows--) {
    GROVE__TRY(check(c, grove__builder_null(&c->budget, &col->builder)));
  }
  return GROVE_OK;
}

static void widen_to_double(grove__csv_column *col)
{
  uint8_t *p = col->builder.values.p;
  for (int64_t row = 0; row < col->builder.rows; row++, p += 8) {
    int64_t integer;
    memcpy(&integer, p, sizeof integer);
    double value = (double)integer;
    memcpy(p, &value, sizeof value);
  }
  col->type = GROVE__CSV_DOUBLE;
}

static grove_status put_double(grove__csv *c, grove__csv_column *col, double value)
{
  if (col->type != GROVE__CSV_DOUBLE) {
    widen_to_double(col); // of an unknown column only nulls: zeros stay zeros
  }
  return check(c, grove__builder_word(&c->budget, &col->builder, &value));
}

grove_status grove__csv_put_number(grove__csv *c, size_t i, const grove__digits *d)
{
  grove__csv_column *col = grove__csv_column_at(c, i);
  int64_t integer;
  if (col->type != GROVE__CSV_DOUBLE && grove__digits_int(d, &integer)) {
    col->type = GROVE__CSV_INT;
    return check(c, grove__builder_word(&c->budget, &col->builder, &integer));
  }
  return put_double(c, col, grove__digits_double(d));
}

static bool is_null(const grove__csv *c, const grove__csv_field *f)
{
  if (!(c->null_lengths >> (f->n < 63 ? f->n : 63) & 1)) {
    return false;
  }
  for (const char *const *null = c->options.nulls; *null; null++) {
    if (strlen(*null) == f->n && memcmp(*null, f->text, f->n) == 0) {
      return true;
    }
  }
  return false;
}

static bool read_bool(const char *text, size_t n, bool *out)
{
  static const char *const words[2][3] = {{"false", "False", "FALSE"}, {"true", "True", "TRUE"}};
  for (int truth = 0; truth < 2; truth++) {
    for (int i = 0; i < 3; i++) {
      if (strlen(words[truth][i]) == n && memcmp(words[truth][i], text, n) == 0) {
        *out = truth;
        return true;
      }
    }
  }
  return false;
}

static grove_status put_text(grove__csv *c, size_t i, const grove__csv_field *f)
{
  grove__csv_column *col = grove__csv_column_at(c, i);
  size_t good = grove__utf8_check(f->text, f->n);
  if (good < f->n) {
    return grove__csv_fail(
        c, GROVE_ECORRUPT, i, "the byte 0x%02X is not UTF-8", (unsigned char)f->text[good]);
  }
  if (memchr(f->text, 0, f->n)) {
    return grove__csv_fail(c, GROVE_ECORRUPT, i, "a zero byte: is this a text file in UTF-8?");
  }
  return check(c, grove__builder_text(&c->budget, &col->builder, f->text, f->n));
}

static grove_status turn_to_text(grove__csv *c, size_t i, const grove__csv_field *f)
{
  grove__csv_column *col = grove__csv_column_at(c, i);
  if (col->type == GROVE__CSV_UNKNOWN) {
    GROVE__TRY(settle(c, i, GROVE__CSV_TEXT));
    return put_text(c, i, f);
  }
  grove__builder_free(&c->budget, &col->builder);
  col->active = false;
  col->quick = false;
  col->again = true;
  return GROVE_OK;
}

static void trim(grove__csv_field *f)
{
  while (f->n && (*f->text == ' ' || *f->text == '\t')) {
    f->text++;
    f->n--;
  }
  while (f->n && (f->text[f->n - 1] == ' ' || f->text[f->n - 1] == '\t')) {
    f->n--;
  }
}

// Numbers and truths may have blanks around them; texts keep theirs.
grove_status grove__csv_put_field(grove__csv *c, size_t i, const grove__csv_field *f)
{
  grove__csv_column *col = grove__csv_column_at(c, i);
  grove__csv_field inner = *f;
  grove__digits d;
  double value;
  bool truth;
  if (is_null(c, f)) {
    return check(c, grove__builder_null(&c->budget, &col->builder));
  }
  if (col->type == GROVE__CSV_TEXT) {
    return put_text(c, i, f);
  }
  trim(&inner);
  bool number = col->type != GROVE__CSV_BOOL;
  if (number && inner.n &&
      grove__digits_read(inner.text, inner.text + inner.n, &d) == inner.text + inner.n) {
    return grove__csv_put_number(c, i, &d);
  }
  if (number && grove__double_read(inner.text, inner.n, &value)) {
    return put_double(c, col, value);
  }
  if ((!number || col->type == GROVE__CSV_UNKNOWN) && read_bool(inner.text, inner.n, &truth)) {
    if (number) {
      GROVE__TRY(settle(c, i, GROVE__CSV_BOOL));
    }
    return check(c, grove__builder_bool(&c->budget, &col->builder, truth));
  }
  return turn_to_text(c, i, f);
}
