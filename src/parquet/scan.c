// Rows from pages to the sink: levels to the validity bitmap, values behind it, nulls spread between them.
#include "parquet/scan.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/bitmap.h"
#include <stdio.h>
#include <string.h>

enum { TILE = 1024, SKIP_ROWS = 1024, GUESS_ROWS = 1 << 17 };

void grove__scan_init(
    grove__scan *s, const grove_source *source, const grove__leaf *leaf, grove__budget *b)
{
  memset(s, 0, sizeof *s);
  s->source = source;
  s->leaf = leaf;
  s->budget = b;
  s->kernels = grove__kernels_best();
  s->own_codec.budget = b;
  s->codec = &s->own_codec;
  s->instant_unit = 1;
  s->utf8 = leaf->utf8;
}

grove_status grove__scan_start(
    grove__scan *s, const grove__chunk *c, size_t group, grove_error *err)
{
  s->group = group;
  s->page = -1;
  s->page_at = s->at = c->start;
  s->chunk_end = c->start + c->bytes;
  s->chunk_left = c->values;
  s->page_left = 0;
  s->begun = false;
  s->behind = 0;
  s->codec_id = c->codec;
  grove__dictionary_drop(s);
  if (c->encrypted) {
    return grove__scan_fail(s, err, GROVE_ENOTSUP, "the column is encrypted");
  }
  if (c->elsewhere) {
    return grove__scan_fail(s, err, GROVE_ENOTSUP, "the column lies in another file");
  }
  if (!grove__codec_is_read(c->codec)) {
    return grove__scan_fail(s, err, GROVE_ENOTSUP, "unsupported codec %s(%d)%s",
        grove__codec_name(c->codec), c->codec,
        c->codec >= GROVE__CODEC_BROTLI && c->codec <= GROVE__CODEC_LZ4_RAW
            ? ": grove was built without its library"
            : "");
  }
  return GROVE_OK;
}

void grove__sink_free(grove__budget *b, grove__sink *sink)
{
  grove__block_free(b, &sink->validity);
  grove__block_free(b, &sink->values);
  grove__block_free(b, &sink->text);
  grove__block_free(b, &sink->defs);
  grove__block_free(b, &sink->reps);
  memset(sink, 0, sizeof *sink);
}

void grove__scan_free(grove__scan *s)
{
  if (s->budget) {
    grove__block_free(s->budget, &s->window);
    grove__block_free(s->budget, &s->unpacked);
    grove__block_free(s->budget, &s->dictionary.values);
    grove__block_free(s->budget, &s->dictionary.text);
    grove__block_free(s->budget, &s->last);
    grove__block_free(s->budget, &s->scratch);
    grove__codec_free(&s->own_codec);
  }
}

grove_status grove__scan_prefix(const grove__scan *s, grove_error *err, grove_status status)
{
  if (!err) {
    return status;
  }
  char page[32] = "";
  if (s->page >= 0) {
    snprintf(page, sizeof page, "page %lld, ", (long long)s->page);
  }
  err->at = (int64_t)s->page_at;
  return grove__error_prefix(err, status, "row group %zu, column \"%.100s\", %soffset %llu",
      s->group, s->leaf->path, page, (unsigned long long)s->page_at);
}

grove_status grove__scan_fail(
    const grove__scan *s, grove_error *err, grove_status status, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  grove__error_v(err, status, (int64_t)s->page_at, format, args);
  va_end(args);
  return grove__scan_prefix(s, err, status);
}

// ---- room in the sink -----------------------------------------------------------------------------

// How many rows to make room for. The footer's promise is trusted only so far: a small file can claim any number.
static uint64_t plan(const grove__sink *sink, uint64_t rows)
{
  uint64_t most = sink->rows * 2 > GUESS_ROWS ? sink->rows * 2 : GUESS_ROWS;
  uint64_t goal = sink->expected < most ? sink->expected : most;
  return goal > rows ? goal : rows;
}

grove_status grove__scan_reserve(grove__scan *s, grove__sink *sink, size_t n, grove_error *err)
{
  const grove__leaf *leaf = s->leaf;
  uint64_t rows = plan(sink, sink->rows + n), bytes = 0;
  bool text = leaf->convert == GROVE__CONVERT_TEXT;
  if (leaf->convert == GROVE__CONVERT_BITS) {
    bytes = rows / 8 + 1;
  } else if (__builtin_mul_overflow(rows + text, (uint64_t)(text ? 4 : leaf->width), &bytes) ||
             bytes > SIZE_MAX / 2) {
    return grove__error(
        err, GROVE_ELIMIT, -1, "%llu rows do not fit in memory", (unsigned long long)rows);
  }
  if (leaf->convert != GROVE__CONVERT_NULL) {
    GROVE__TRY(grove__block_reserve(s->budget, &sink->values, (size_t)bytes, "values", err));
  }
  if (text && sink->rows == 0) {
    memset(sink->values.p, 0, 4);
  }
  if (leaf->optional) {
    GROVE__TRY(
        grove__block_reserve(s->budget, &sink->validity, (size_t)(rows / 8 + 1), "validity", err));
  }
  return GROVE_OK;
}

// ---- nulls ----------------------------------------------------------------------------------------

// The same for values of any width (kernels.h).
static void spread_any(
    uint8_t *values, size_t width, const uint8_t *bits, uint64_t from, size_t n, size_t valid)
{
  for (size_t i = n; i > valid;) {
    i--;
    if (grove__bit_get(bits, (int64_t)(from + i))) {
      valid--;
      memmove(values + i * width, values + valid * width, width);
    } else {
      memset(values + i * width, 0, width);
    }
  }
}

static void spread(const grove__kernels *k, uint8_t *values, size_t width, const uint8_t *bits,
    uint64_t from, size_t n, size_t valid)
{
  void *p = values;
  switch (width) {
  case 1: k->spread8(p, bits, from, n, valid); break;
  case 2: k->spread16(p, bits, from, n, valid); break;
  case 4: k->spread32(p, bits, from, n, valid); break;
  case 8: k->spread64(p, bits, from, n, valid); break;
  default: spread_any(values, width, bits, from, n, valid);
  }
}

// ---- values ---------------------------------------------------------------------------------------

// n values in Arrow's layout to `out`; booleans as bytes.
static grove_status take_fixed(grove__scan *s, uint8_t *out, size_t n, grove_error *err)
{
  const grove__leaf *leaf = s->leaf;
  if (!s->encoding) {
    return grove__dictionary_fixed(s, out, n, err);
  }
  if (leaf->convert == GROVE__CONVERT_COPY || leaf->convert == GROVE__CONVERT_BITS) {
    return s->encoding->fixed(s, out, n, err);
  }
  size_t bytes = (size_t)TILE * leaf->stored_width;
  GROVE__TRY(grove__block_reserve(s->budget, &s->scratch, bytes, "values", err));
  for (size_t done = 0; done < n;) {
    size_t take = n - done < TILE ? n - done : TILE;
    GROVE__TRY(s->encoding->fixed(s, s->scratch.p, take, err));
    GROVE__TRY(grove__convert_values(s, s->scratch.p, out + done * leaf->width, take, err));
    done += take;
  }
  return GROVE_OK;
}

static grove_status take_text(grove__scan *s, int32_t *lengths, size_t n, grove__block *text,
    uint64_t *used, grove_error *err)
{
  return s->encoding ? s->encoding->text(s, lengths, n, text, used, err)
                     : grove__dictionary_text(s, lengths, n, text, used, err);
}

// Decimals that are stored as byte arrays: texts of a tile, each converted.
static grove_status take_text_decimals(grove__scan *s, uint8_t *out, size_t n, grove_error *err)
{
  int32_t lengths[TILE];
  size_t width = s->leaf->width;
  for (size_t done = 0; done < n;) {
    size_t take = n - done < TILE ? n - done : TILE;
    uint64_t used = 0, at = 0;
    GROVE__TRY(take_text(s, lengths, take, &s->scratch, &used, err));
    for (size_t i = 0; i < take; i++, done++) {
      uint8_t *to = out + width * done;
      if (!grove__convert_decimal(s->scratch.p + at, (size_t)lengths[i], to, width)) {
        return grove__scan_fail(
            s, err, GROVE_ECORRUPT, "a decimal has over %d digits", width == 16 ? 38 : 76);
      }
      at += (uint64_t)lengths[i];
    }
  }
  return GROVE_OK;
}

static grove_status append_bits(
    grove__scan *s, grove__sink *sink, size_t n, size_t valid, grove_error *err)
{
  GROVE__TRY(grove__block_reserve(s->budget, &s->scratch, n, "values", err));
  uint8_t *bytes = s->scratch.p;
  GROVE__TRY(take_fixed(s, bytes, valid, err));
  spread(s->kernels, bytes, 1, sink->validity.p, sink->rows, n, valid);
  for (size_t i = 0; i < n; i++) {
    uint64_t to = sink->rows + i;
    uint8_t bit = (uint8_t)(1u << (to & 7));
    uint8_t *p = &sink->values.p[to >> 3];
    *p = (uint8_t)(bytes[i] ? *p | bit : *p & ~bit);
  }
  return GROVE_OK;
}

// Every text of `n` in [from, used) is UTF-8 by itself: the whole is, and none begins inside of a character.
static bool texts_are_utf8(
    const uint8_t *text, uint64_t from, uint64_t used, const int32_t *lengths, size_t n)
{
  if (from == used) {
    return true;
  }
  if (!grove__text_is_utf8(text + from, (size_t)(used - from))) {
    return false;
  }
  for (size_t i = 0; i < n && from < used; i++) {
    if (lengths[i] && (text[from] & 0xc0) == 0x80) {
      return false;
    }
    from += (uint64_t)lengths[i];
  }
  return true;
}

static grove_status append_text(
    grove__scan *s, grove__sink *sink, size_t n, size_t valid, grove_error *err)
{
  int32_t *offsets = (int32_t *)(void *)sink->values.p + sink->rows;
  int32_t *lengths = offsets + 1; // become the offsets below
  uint64_t before = sink->text_bytes;
  GROVE__TRY(take_text(s, lengths, valid, &sink->text, &sink->text_bytes, err));
  if (sink->text_bytes > INT32_MAX) {
    return grove__scan_fail(s, err, GROVE_ELIMIT,
        "over 2 GiB of text in one piece; read fewer row groups, or stream smaller batches");
  }
  if (s->utf8 && s->encoding &&
      !texts_are_utf8(sink->text.p, before, sink->text_bytes, lengths, valid)) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "a text is not UTF-8");
  }
  s->kernels->spread32((uint32_t *)lengths, sink->validity.p, sink->rows, n, valid);
  int32_t sum = offsets[0];
  for (size_t i = 0; i < n; i++) {
    sum += lengths[i];
    lengths[i] = sum;
  }
  return GROVE_OK;
}

static const char *unit_words(int64_t unit)
{
  return unit == 1 ? "nanoseconds" : unit == 1000 ? "microseconds" : unit == 1000000 ? "milliseconds" : "seconds";
}

static grove_status refuse_overflow(grove__scan *s, grove_error *err)
{
  const char *required = s->leaf->optional ? "" : ", but the column is required";
  return s->instant_unit == 1
             ? grove__scan_fail(s, err, GROVE_ECORRUPT,
                   "an INT96 instant is before 1677 or after 2262 and has no place in nanoseconds (declare "
                   "microseconds, \"tsu:\", by `formats`; or int96_overflow 1 makes it null%s)",
                   required)
             : grove__scan_fail(s, err, GROVE_ECORRUPT,
                   "an INT96 instant is further away than 64 bits of %s reach (int96_overflow 1 makes it null%s)",
                   unit_words(s->instant_unit), required);
}

// Instants that 64 bits can't hold, refused or made null, and those that are not the same in the declared unit.
static grove_status settle_instants(grove__scan *s, grove__sink *sink, size_t n, grove_error *err)
{
  int64_t *values = (int64_t *)(void *)sink->values.p + sink->rows;
  for (size_t i = 0; i < n; i++) {
    if (values[i] == GROVE__INT96_BETWEEN && s->instant_unit > 1) {
      return grove__scan_fail(s, err, GROVE_ECORRUPT,
          "an INT96 instant is no whole number of %s, which are declared", unit_words(s->instant_unit));
    }
    if (values[i] != GROVE__INT96_BEYOND) {
      continue;
    }
    if (!s->overflow_is_null || !s->leaf->optional) {
      return refuse_overflow(s, err);
    }
    values[i] = 0;
    grove__bit_clear(sink->validity.p, (int64_t)(sink->rows + i));
    sink->nulls++;
  }
  return GROVE_OK;
}

static grove_status append_fixed(
    grove__scan *s, grove__sink *sink, size_t n, size_t valid, grove_error *err)
{
  const grove__leaf *leaf = s->leaf;
  uint8_t *out = sink->values.p + (size_t)sink->rows * leaf->width;
  if (leaf->physical == GROVE__BYTE_ARRAY) {
    GROVE__TRY(take_text_decimals(s, out, valid, err));
  } else {
    GROVE__TRY(take_fixed(s, out, valid, err));
  }
  spread(s->kernels, out, leaf->width, sink->validity.p, sink->rows, n, valid);
  return leaf->convert == GROVE__CONVERT_INT96 ? settle_instants(s, sink, n, err) : GROVE_OK;
}

// Levels of a leaf in structs: only the highest means that there is a value.
static const char *take_deep_levels(grove__scan *s, grove__sink *sink, size_t n, uint64_t *ones)
{
  uint32_t tile[TILE], most = s->leaf->levels;
  for (size_t done = 0; done < n;) {
    size_t take = n - done < TILE ? n - done : TILE;
    const char *flaw = grove__runs_take(&s->levels, tile, take);
    if (flaw) {
      return flaw;
    }
    for (size_t i = 0; i < take; i++, done++) {
      int64_t to = (int64_t)(sink->rows + done);
      if (tile[i] > most) {
        return "a level above the column's highest";
      }
      if (tile[i] == most) {
        grove__bit_set(sink->validity.p, to);
        ++*ones;
      } else {
        grove__bit_clear(sink->validity.p, to);
      }
    }
  }
  return NULL;
}

static grove_status take_levels(
    grove__scan *s, grove__sink *sink, size_t n, size_t *valid, grove_error *err)
{
  uint64_t ones = 0;
  *valid = n;
  if (!s->has_levels) {
    return GROVE_OK;
  }
  const char *flaw = s->leaf->levels > 1
                         ? take_deep_levels(s, sink, n, &ones)
                         : grove__runs_bits(&s->levels, sink->validity.p, sink->rows, n, &ones);
  if (flaw) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "definition levels: %s", flaw);
  }
  if (s->page_valid_left != UINT64_MAX) {
    bool last = n == s->page_left;
    if (ones > s->page_valid_left || (last && ones != s->page_valid_left)) {
      return grove__scan_fail(
          s, err, GROVE_ECORRUPT, "its number of nulls is not that of its levels");
    }
    s->page_valid_left -= ones;
  }
  *valid = (size_t)ones;
  return GROVE_OK;
}

grove_status grove__scan_values(
    grove__scan *s, grove__sink *sink, size_t n, size_t valid, grove_error *err)
{
  switch (s->leaf->convert) {
  case GROVE__CONVERT_NULL:
    if (valid) {
      return grove__scan_fail(s, err, GROVE_ECORRUPT, "a value in a column that can only be null");
    }
    break;
  case GROVE__CONVERT_BITS: GROVE__TRY(append_bits(s, sink, n, valid, err)); break;
  case GROVE__CONVERT_TEXT: GROVE__TRY(append_text(s, sink, n, valid, err)); break;
  default: GROVE__TRY(append_fixed(s, sink, n, valid, err));
  }
  sink->nulls += n - valid;
  sink->rows += n;
  return GROVE_OK;
}

// Appends n rows of the current page.
static grove_status append(grove__scan *s, grove__sink *sink, size_t n, grove_error *err)
{
  size_t valid = 0;
  GROVE__TRY(grove__scan_reserve(s, sink, n, err));
  GROVE__TRY(take_levels(s, sink, n, &valid, err));
  return grove__scan_values(s, sink, n, valid, err);
}

static grove_status take_rows(grove__scan *s, grove__sink *sink, uint64_t n, grove_error *err)
{
  while (n) {
    if (!s->page_left) {
      GROVE__TRY(grove__scan_page(s, err));
    }
    size_t take = n < s->page_left ? (size_t)n : s->page_left;
    take =
        take < 65536 ? take : 65536; // the claim of a damaged page is not worth more memory at once
    GROVE__TRY(append(s, sink, take, err));
    s->page_left -= (uint32_t)take;
    n -= take;
  }
  return GROVE_OK;
}

// Comes to where the skipped rows end: pages that they fill are passed over by grove__scan_page, what is left of them
// is decoded into a sink that goes away.
static grove_status catch_up(grove__scan *s, grove_error *err)
{
  grove__sink lost = {0};
  grove_status status = GROVE_OK;
  while (s->behind && !status) {
    if (!s->page_left) {
      status = grove__scan_page(s, err);
    }
    uint64_t n = s->behind < s->page_left ? s->behind : s->page_left;
    n = n < SKIP_ROWS ? n : SKIP_ROWS; // of texts, more would be memory for nothing
    if (!status && n) {
      s->behind -= n;
      lost.rows = lost.nulls = lost.text_bytes = 0;
      status = append(s, &lost, (size_t)n, err);
      s->page_left -= (uint32_t)n;
    }
  }
  grove__sink_free(s->budget, &lost);
  return status;
}

grove_status grove__scan_rows(grove__scan *s, grove__sink *sink, uint64_t n, grove_error *err)
{
  grove_status status;
  if (s->leaf->repeats) {
    status = grove__scan_lists(s, sink, n, err);
  } else {
    status = catch_up(s, err);
    status = status ? status : take_rows(s, sink, n, err);
  }
  if (status && err && err->at < 0) { // a limit or no memory: the place is not said yet
    grove__scan_prefix(s, err, status);
  }
  return status;
}
