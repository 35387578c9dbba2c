#include "columnar/layout.h"
#include <string.h>

typedef struct simple_format {
  char letters[4];
  uint32_t width;
  grove__number number;
} simple_format;

// Formats that are a fixed text. Dates, times and durations are the integers they are stored as.
static const simple_format simple_formats[] = {
    {"c", 1, GROVE__NUMBER_I8},
    {"C", 1, GROVE__NUMBER_U8},
    {"s", 2, GROVE__NUMBER_I16},
    {"S", 2, GROVE__NUMBER_U16},
    {"i", 4, GROVE__NUMBER_I32},
    {"I", 4, GROVE__NUMBER_U32},
    {"l", 8, GROVE__NUMBER_I64},
    {"L", 8, GROVE__NUMBER_U64},
    {"e", 2, GROVE__NUMBER_F16},
    {"f", 4, GROVE__NUMBER_F32},
    {"g", 8, GROVE__NUMBER_F64},
    {"tdD", 4, GROVE__NUMBER_I32},
    {"tdm", 8, GROVE__NUMBER_I64},
    {"tts", 4, GROVE__NUMBER_I32},
    {"ttm", 4, GROVE__NUMBER_I32},
    {"ttu", 8, GROVE__NUMBER_I64},
    {"ttn", 8, GROVE__NUMBER_I64},
    {"tDs", 8, GROVE__NUMBER_I64},
    {"tDm", 8, GROVE__NUMBER_I64},
    {"tDu", 8, GROVE__NUMBER_I64},
    {"tDn", 8, GROVE__NUMBER_I64},
};

static grove__layout fixed_layout(uint32_t width, grove__number number)
{
  grove__layout l = {GROVE__SHAPE_FIXED, number, width, false, 0};
  return l;
}

static bool read_simple(const char *format, grove__layout *out)
{
  for (size_t i = 0; i < sizeof simple_formats / sizeof simple_formats[0]; i++) {
    if (strcmp(format, simple_formats[i].letters) == 0) {
      *out = fixed_layout(simple_formats[i].width, simple_formats[i].number);
      return true;
    }
  }
  return false;
}

// "n", "b" and the texts: shapes of their own.
static bool read_shaped(const char *format, grove__layout *out)
{
  static const struct {
    char letters[4];
    grove__layout layout;
  } shaped[] = {
      {"n", {GROVE__SHAPE_NULL, GROVE__NUMBER_NULL, 0, false, 0}},
      {"b", {GROVE__SHAPE_BITS, GROVE__NUMBER_BOOL, 0, false, 0}},
      {"u", {GROVE__SHAPE_TEXT, GROVE__NUMBER_NONE, 4, true, 0}},
      {"U", {GROVE__SHAPE_TEXT, GROVE__NUMBER_NONE, 8, true, 0}},
      {"z", {GROVE__SHAPE_TEXT, GROVE__NUMBER_NONE, 4, false, 0}},
      {"Z", {GROVE__SHAPE_TEXT, GROVE__NUMBER_NONE, 8, false, 0}},
      {"vu", {GROVE__SHAPE_VIEWS, GROVE__NUMBER_NONE, 16, true, 0}},
      {"vz", {GROVE__SHAPE_VIEWS, GROVE__NUMBER_NONE, 16, false, 0}},
  };
  for (size_t i = 0; i < sizeof shaped / sizeof shaped[0]; i++) {
    if (strcmp(format, shaped[i].letters) == 0) {
      *out = shaped[i].layout;
      return true;
    }
  }
  return false;
}

// A decimal integer of at most nine digits; NULL if there is none.
static const char *read_count(const char *p, bool sign, int32_t *out)
{
  bool negative = sign && *p == '-';
  p += negative;
  const char *first = p;
  int32_t value = 0;
  while (*p >= '0' && *p <= '9' && p - first < 9) {
    value = value * 10 + (*p++ - '0');
  }
  *out = negative ? -value : value;
  return p == first || (*p >= '0' && *p <= '9') ? NULL : p;
}

// "d:19,10", "d:19,10,256"
static grove_status read_decimal(const char *format, grove__layout *out)
{
  int32_t precision = 0;
  int32_t scale = 0;
  int32_t bits = 128;
  const char *p = read_count(format + 2, false, &precision);
  p = p && *p == ',' ? read_count(p + 1, true, &scale) : NULL;
  if (p && *p == ',') {
    p = read_count(p + 1, false, &bits);
  }
  if (!p || *p || precision < 1) {
    return GROVE_ECORRUPT;
  }
  if (bits != 32 && bits != 64 && bits != 128 && bits != 256) {
    return GROVE_ENOTSUP;
  }
  // 76 digits are what 256 bits hold; a scale far outside has no meaning as a number.
  if (precision > 76 || scale > 1000 || scale < -1000) {
    return GROVE_ECORRUPT;
  }
  *out = fixed_layout((uint32_t)bits / 8, GROVE__NUMBER_DECIMAL);
  out->scale = scale;
  return GROVE_OK;
}

grove_status grove__layout_read(const char *format, grove__layout *out)
{
  if (!format || !*format) {
    return GROVE_ECORRUPT;
  }
  if (read_shaped(format, out) || read_simple(format, out)) {
    return GROVE_OK;
  }
  if (strncmp(format, "d:", 2) == 0) {
    return read_decimal(format, out);
  }
  if (strncmp(format, "w:", 2) == 0) {
    int32_t width = 0;
    const char *p = read_count(format + 2, false, &width);
    *out = fixed_layout((uint32_t)width, GROVE__NUMBER_NONE);
    return p && !*p ? GROVE_OK : GROVE_ECORRUPT;
  }
  if (strncmp(format, "ts", 2) == 0 && format[2] && strchr("smun", format[2])) {
    *out = fixed_layout(8, GROVE__NUMBER_I64);
    return format[3] == ':' ? GROVE_OK : GROVE_ECORRUPT;
  }
  return GROVE_ENOTSUP;
}

grove_status grove__layout_any(const char *format, grove__layout *out)
{
  static const struct {
    char letters[4];
    grove__layout layout;
  } nested[] = {
      {"+s", {GROVE__SHAPE_STRUCT, GROVE__NUMBER_NONE, 0, false, 0}},
      {"+l", {GROVE__SHAPE_LIST, GROVE__NUMBER_NONE, 4, false, 0}},
      {"+L", {GROVE__SHAPE_LIST, GROVE__NUMBER_NONE, 8, false, 0}},
      {"+m", {GROVE__SHAPE_LIST, GROVE__NUMBER_NONE, 4, false, 0}},
  };
  for (size_t i = 0; format && i < sizeof nested / sizeof nested[0]; i++) {
    if (strcmp(format, nested[i].letters) == 0) {
      *out = nested[i].layout;
      return GROVE_OK;
    }
  }
  if (format && strncmp(format, "+w:", 3) == 0) {
    int32_t items = 0;
    const char *p = read_count(format + 3, false, &items);
    *out = fixed_layout((uint32_t)items, GROVE__NUMBER_NONE);
    out->shape = GROVE__SHAPE_FIXED_LIST;
    return p && !*p ? GROVE_OK : GROVE_ECORRUPT;
  }
  return grove__layout_read(format, out);
}

const char *grove__format_words(const char *format)
{
  static const struct {
    char letters[4];
    const char *words;
  } known[] = {
      {"+l", "a list"},
      {"+L", "a list"},
      {"+vl", "a list view"},
      {"+vL", "a list view"},
      {"+w", "a list"},
      {"+s", "a struct"},
      {"+m", "a map"},
      {"+u", "a union"},
      {"+r", "run-end encoded"},
      {"ti", "an interval"},
  };
  for (size_t i = 0; format && i < sizeof known / sizeof known[0]; i++) {
    if (strncmp(format, known[i].letters, strlen(known[i].letters)) == 0) {
      return known[i].words;
    }
  }
  return "of an unknown type";
}
