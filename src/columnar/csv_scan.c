// Records into fields (RFC 4180, and what is really sent: line ends of all three kinds, quotes
// inside unquoted fields taken as they are).
#include "columnar/bytes.h"
#include "columnar/csv.h"
#include "columnar/number.h"

typedef enum scanned { SCANNED, WANTS_MORE } scanned;

// The field ends at q, where a delimiter, a line end or nothing stands. A CR at the window's end
// may have its LF in the next one.
static scanned end_field(grove__csv *c, const char *q, grove__csv_field *out)
{
  grove__csv_source *s = &c->source;
  out->ends = true;
  if (q == s->end) {
    if (!s->last) {
      return WANTS_MORE;
    }
    s->p = q;
    return SCANNED;
  }
  if (*q == c->delimiter) {
    out->ends = false;
    s->p = q + 1;
    return SCANNED;
  }
  if (*q == '\r') {
    if (q + 1 == s->end && !s->last) {
      return WANTS_MORE;
    }
    q += q + 1 < s->end && q[1] == '\n';
  }
  c->line++;
  s->p = q + 1;
  return SCANNED;
}

// The first delimiter or line end from q on, or the window's end.
static const char *find_stop(const grove__csv *c, const char *q)
{
  const char *end = c->source.end;
  for (; end - q >= 8; q += 8) {
    uint64_t word = grove__load_bytes(q);
    uint64_t marks = grove__mark_equal(word, (uint8_t)c->delimiter) | grove__mark_equal(word, '\n') |
                     grove__mark_equal(word, '\r');
    if (marks) {
      return q + grove__first_byte(marks);
    }
  }
  while (q < end && !c->stops[(unsigned char)*q]) {
    q++;
  }
  return q;
}

static scanned scan_plain(grove__csv *c, grove__csv_field *out)
{
  const char *begin = c->source.p;
  const char *q = find_stop(c, begin);
  out->text = begin;
  out->n = (size_t)(q - begin);
  if (q == c->source.end && !c->source.last) {
    return WANTS_MORE;
  }
  return end_field(c, q, out);
}

// The quote that closes a field whose text begins at q; NULL: not in the window. Counts doubled
// ones.
static const char *find_closing(const grove__csv *c, const char *q, size_t *doubled)
{
  *doubled = 0;
  for (;;) {
    q = q < c->source.end ? memchr(q, c->quote, (size_t)(c->source.end - q)) : NULL;
    if (!q || (q + 1 == c->source.end && !c->source.last)) {
      return NULL;
    }
    if (q + 1 == c->source.end || q[1] != c->quote) {
      return q;
    }
    ++*doubled;
    q += 2;
  }
}

static grove_status unescape(grove__csv *c, grove__csv_field *f)
{
  c->scratch.used = 0;
  grove_status s = grove__buffer_reserve(&c->budget, &c->scratch, f->n);
  if (s) {
    return grove__csv_fail_memory(c, s);
  }
  char *to = (char *)c->scratch.p;
  size_t n = 0;
  for (size_t i = 0; i < f->n; i++) {
    to[n++] = f->text[i];
    i += f->text[i] == c->quote;
  }
  f->text = to;
  f->n = n;
  return GROVE_OK;
}

static grove_status scan_quoted(
    grove__csv *c, size_t column, grove__csv_field *out, scanned *result)
{
  const char *begin = c->source.p + 1;
  size_t doubled;
  const char *q = find_closing(c, begin, &doubled);
  if (!q) {
    *result = WANTS_MORE;
    return c->source.last ? grove__csv_fail(c, GROVE_ECORRUPT, column,
                                "the quote that opens here is never closed")
                          : GROVE_OK;
  }
  out->text = begin;
  out->n = (size_t)(q - begin);
  if (q + 1 < c->source.end && !c->stops[(unsigned char)q[1]]) {
    return grove__csv_fail(c, GROVE_ECORRUPT, column,
        "text after the closing quote; a quote inside a quoted field is written twice");
  }
  *result = end_field(c, q + 1, out);
  if (*result == WANTS_MORE) {
    return GROVE_OK;
  }
  for (const char *p = begin; (p = memchr(p, '\n', (size_t)(q - p))); p++) {
    c->line++;
  }
  return doubled ? unescape(c, out) : GROVE_OK;
}

grove_status grove__csv_scan(grove__csv *c, size_t column, grove__csv_field *out)
{
  for (;;) {
    scanned result = WANTS_MORE;
    if (c->source.p < c->source.end && *c->source.p == c->quote) {
      GROVE__TRY(scan_quoted(c, column, out, &result));
    } else if (c->source.p < c->source.end || c->source.last) {
      result = scan_plain(c, out);
    }
    if (result == SCANNED) {
      return GROVE_OK;
    }
    GROVE__TRY(grove__csv_refill(c));
  }
}

bool grove__csv_scan_number(grove__csv *c, grove__digits *out, bool *ends)
{
  grove__csv_source *s = &c->source;
  const char *q = grove__digits_read(s->p, s->end, out);
  if (!q || s->end - q < 2) {
    return false;
  }
  if (*q == c->delimiter) {
    *ends = false;
    s->p = q + 1;
    return true;
  }
  if (*q != '\n' && *q != '\r') {
    return false;
  }
  *ends = true;
  c->line++;
  s->p = q + 1 + (*q == '\r' && q[1] == '\n');
  return true;
}

grove_status grove__csv_next_record(grove__csv *c, bool *end)
{
  grove__csv_source *s = &c->source;
  for (;;) {
    if (s->p == s->end || (s->end - s->p < 2 && *s->p == '\r')) {
      if (!s->last) {
        GROVE__TRY(grove__csv_refill(c));
        continue;
      }
    }
    *end = s->p == s->end;
    if (*end || (*s->p != '\n' && *s->p != '\r')) {
      return GROVE_OK;
    }
    s->p += s->end - s->p >= 2 && s->p[0] == '\r' && s->p[1] == '\n' ? 2 : 1;
    c->line++;
  }
}
