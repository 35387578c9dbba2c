// Lines of text out of Arrow batches.
#include "columnar/lines.h"
#include "base/options.h"
#include "columnar/number.h"

enum { FLUSH_BYTES = 1 << 16 };

grove_status grove__lines_put(grove_lines *l, const void *bytes, size_t n)
{
  GROVE__TRY(grove__buffer_reserve(&l->budget, &l->out, n));
  if (n) {
    memcpy(l->out.p + l->out.used, bytes, n);
  }
  l->out.used += n;
  return GROVE_OK;
}

static grove_status put_char(grove_lines *l, char c)
{
  GROVE__TRY(grove__buffer_reserve(&l->budget, &l->out, 1));
  l->out.p[l->out.used++] = (uint8_t)c;
  return GROVE_OK;
}

static grove_status flush(grove_lines *l, grove_error *err)
{
  size_t n = l->out.used;
  l->out.used = 0;
  return n ? l->options.put(l->options.user, l->out.p, n, err) : GROVE_OK;
}

// ---- texts -------------------------------------------------------------------------------------

static grove_status put_csv_text(grove_lines *l, const char *text, size_t n)
{
  bool quote = n == 0; // so that an empty text is not a null
  for (size_t i = 0; i < n && !quote; i++) {
    quote = text[i] == l->delimiter || text[i] == l->quote || text[i] == '\r' || text[i] == '\n';
  }
  if (!quote) {
    return grove__lines_put(l, text, n);
  }
  GROVE__TRY(grove__buffer_reserve(&l->budget, &l->out, 2 * n + 2));
  uint8_t *to = l->out.p + l->out.used;
  *to++ = (uint8_t)l->quote;
  for (size_t i = 0; i < n; i++) {
    if (text[i] == l->quote) {
      *to++ = (uint8_t)l->quote;
    }
    *to++ = (uint8_t)text[i];
  }
  *to++ = (uint8_t)l->quote;
  l->out.used = (size_t)(to - l->out.p);
  return GROVE_OK;
}

static grove_status put_json_text(grove_lines *l, const char *text, size_t n)
{
  static const char digits[] = "0123456789abcdef";
  GROVE__TRY(grove__buffer_reserve(&l->budget, &l->out, 6 * n + 2));
  uint8_t *to = l->out.p + l->out.used;
  *to++ = '"';
  for (size_t i = 0; i < n; i++) {
    uint8_t c = (uint8_t)text[i];
    if (c == '"' || c == '\\' || c == '\n') {
      *to++ = '\\';
      *to++ = c == '\n' ? 'n' : c;
    } else if (c < 0x20 || c == 0x7f) {
      memcpy(to, "\\u00", 4);
      to[4] = (uint8_t)digits[c >> 4];
      to[5] = (uint8_t)digits[c & 15];
      to += 6;
    } else {
      *to++ = c;
    }
  }
  *to++ = '"';
  l->out.used = (size_t)(to - l->out.p);
  return GROVE_OK;
}

static grove_status put_text(grove_lines *l, const char *text, size_t n)
{
  return l->options.form == GROVE_LINES_JSON ? put_json_text(l, text, n) : put_csv_text(l, text, n);
}

// In hexadecimal; in JSON, and where it is empty, between quotes.
static grove_status put_bytes(grove_lines *l, const char *bytes, size_t n)
{
  static const char digits[] = "0123456789abcdef";
  bool json = l->options.form == GROVE_LINES_JSON;
  char quote = json ? '"' : l->quote;
  GROVE__TRY(grove__buffer_reserve(&l->budget, &l->out, 2 * n + 2));
  uint8_t *to = l->out.p + l->out.used;
  if (json || !n) {
    *to++ = (uint8_t)quote;
  }
  for (size_t i = 0; i < n; i++) {
    *to++ = (uint8_t)digits[(uint8_t)bytes[i] >> 4];
    *to++ = (uint8_t)digits[bytes[i] & 15];
  }
  if (json || !n) {
    *to++ = (uint8_t)quote;
  }
  l->out.used = (size_t)(to - l->out.p);
  return GROVE_OK;
}

// ---- values ------------------------------------------------------------------------------------

// The value at `i`, the array's offset included.
static grove_status put_value(
    grove_lines *l, const grove__node *node, const struct ArrowArray *a, int64_t i)
{
  const grove__value_type *t = &node->type;
  bool json = l->options.form == GROVE_LINES_JSON;
  size_t n;
  bool number;
  if (t->kind == GROVE__VALUE_TEXT || t->kind == GROVE__VALUE_BYTES) {
    const char *p = grove__value_bytes(t, a, i, &n);
    return t->kind == GROVE__VALUE_TEXT ? put_text(l, p, n) : put_bytes(l, p, n);
  }
  GROVE__TRY(grove__buffer_reserve(&l->budget, &l->out, GROVE__VALUE_TEXT_MOST + 2));
  char *to = (char *)l->out.p + l->out.used;
  n = grove__value_print(t, a, i, to + json, &number);
  if (json && number) {
    memmove(to, to + 1, n);
  } else if (json) {
    to[0] = to[n + 1] = '"';
    n += 2;
  }
  l->out.used += n;
  return GROVE_OK;
}

static bool is_there(const grove__node *node, const struct ArrowArray *a, int64_t i)
{
  const uint8_t *valid = a->n_buffers > 0 ? a->buffers[0] : NULL;
  return node->kind == GROVE__NODE_VALUE ? grove__value_there(&node->type, a, i)
                                         : !a->null_count || !valid || grove__bit_get(valid, i);
}

static grove_status put_item(
    grove_lines *l, const grove__node *node, const struct ArrowArray *a, int64_t row);

static grove_status put_struct(
    grove_lines *l, const grove__node *node, const struct ArrowArray *a, int64_t i)
{
  GROVE__TRY(put_char(l, '{'));
  for (size_t k = 0; k < node->n; k++) {
    const grove__node *child = grove__node_at(l, node->first + k);
    if (k) {
      GROVE__TRY(put_char(l, ','));
    }
    GROVE__TRY(put_json_text(l, (const char *)l->names.p + child->name, child->name_bytes));
    GROVE__TRY(put_char(l, ':'));
    GROVE__TRY(put_item(l, child, a->children[k], i));
  }
  return put_char(l, '}');
}

static void find_items(
    const grove__node *node, const struct ArrowArray *a, int64_t i, int64_t *from, int64_t *to)
{
  if (node->kind == GROVE__NODE_FIXED_LIST) {
    *from = i * node->size;
    *to = *from + node->size;
  } else if (node->kind == GROVE__NODE_LARGE_LIST) {
    *from = ((const int64_t *)a->buffers[1])[i];
    *to = ((const int64_t *)a->buffers[1])[i + 1];
  } else {
    *from = ((const int32_t *)a->buffers[1])[i];
    *to = ((const int32_t *)a->buffers[1])[i + 1];
  }
}

// A map is a list of its entries, each a list of two: its keys need not be texts.
static grove_status put_entry(
    grove_lines *l, const grove__node *entry, const struct ArrowArray *a, int64_t row)
{
  int64_t i = a->offset + row;
  GROVE__TRY(put_char(l, '['));
  GROVE__TRY(put_item(l, grove__node_at(l, entry->first), a->children[0], i));
  GROVE__TRY(put_char(l, ','));
  GROVE__TRY(put_item(l, grove__node_at(l, entry->first + 1), a->children[1], i));
  return put_char(l, ']');
}

static grove_status put_list(
    grove_lines *l, const grove__node *node, const struct ArrowArray *a, int64_t i)
{
  const grove__node *child = grove__node_at(l, node->first);
  int64_t from;
  int64_t to;
  find_items(node, a, i, &from, &to);
  GROVE__TRY(put_char(l, '['));
  for (int64_t k = from; k < to; k++) {
    if (k > from) {
      GROVE__TRY(put_char(l, ','));
    }
    GROVE__TRY(node->kind == GROVE__NODE_MAP ? put_entry(l, child, a->children[0], k)
                                             : put_item(l, child, a->children[0], k));
  }
  return put_char(l, ']');
}

static grove_status put_coded(
    grove_lines *l, const grove__node *node, const struct ArrowArray *a, int64_t i)
{
  char text[GROVE__VALUE_TEXT_MOST];
  bool number;
  size_t n = grove__value_print(&node->type, a, i, text, &number);
  grove__digits code;
  int64_t row = -1;
  if (!grove__digits_read(text, text + n, &code) || !grove__digits_int(&code, &row) || row < 0 ||
      row >= a->dictionary->length) {
    return GROVE_ECORRUPT;
  }
  return put_item(l, grove__node_at(l, node->first), a->dictionary, row);
}

static grove_status put_item(
    grove_lines *l, const grove__node *node, const struct ArrowArray *a, int64_t row)
{
  int64_t i = a->offset + row;
  if (!is_there(node, a, i)) {
    return l->options.form == GROVE_LINES_JSON ? grove__lines_put(l, "null", 4) : GROVE_OK;
  }
  switch (node->kind) {
  case GROVE__NODE_VALUE: return put_value(l, node, a, i);
  case GROVE__NODE_DICTIONARY: return put_coded(l, node, a, i);
  case GROVE__NODE_STRUCT: return put_struct(l, node, a, i);
  default: return put_list(l, node, a, i);
  }
}

// ---- rows --------------------------------------------------------------------------------------

static grove_status put_row(grove_lines *l, const struct ArrowArray *batch, int64_t row)
{
  const grove__node *root = grove__node_at(l, 0);
  int64_t i = batch->offset + row; // a struct's offset counts for its children, on top of theirs
  if (l->options.form == GROVE_LINES_JSON) {
    GROVE__TRY(put_struct(l, root, batch, i));
    return put_char(l, '\n');
  }
  size_t before = l->out.used;
  for (size_t k = 0; k < l->n; k++) {
    if (k) {
      GROVE__TRY(put_char(l, l->delimiter));
    }
    GROVE__TRY(put_item(l, grove__node_at(l, root->first + k), batch->children[k], i));
  }
  if (l->n && l->out.used == before) { // a null by itself: an empty line is no row to those who read it
    GROVE__TRY(put_csv_text(l, "", 0));
  }
  return put_char(l, '\n');
}

static grove_status put_header(grove_lines *l)
{
  for (size_t k = 0; k < l->n; k++) {
    const grove__node *column = grove__node_at(l, grove__node_at(l, 0)->first + k);
    if (k) {
      GROVE__TRY(put_char(l, l->delimiter));
    }
    GROVE__TRY(put_csv_text(l, (const char *)l->names.p + column->name, column->name_bytes));
  }
  return put_char(l, '\n');
}

// ---- from outside ------------------------------------------------------------------------------

static grove_status read_options(grove_lines *l, const grove_lines_options *given, grove_error *err)
{
  grove_lines_options *o = &l->options;
  grove_status s = grove__options_read(o, sizeof *o, given);
  if (s) {
    return grove__error(err, s, -1, "grove_lines_options: a struct_size of another version");
  }
  o->delimiter = o->delimiter ? o->delimiter : ',';
  o->quote = o->quote ? o->quote : '"';
  if (!o->put || o->form > GROVE_LINES_JSON || o->delimiter > 127 || o->quote > 127 ||
      o->delimiter == o->quote || strchr("\r\n", (int)o->delimiter) ||
      strchr("\r\n", (int)o->quote)) {
    return grove__error(err, GROVE_EINVAL, -1,
        "grove_lines_options wants a put, a form of GROVE_LINES_CSV or GROVE_LINES_JSON, and two "
        "different ASCII characters, no line ends, for delimiter and quote");
  }
  l->delimiter = (char)o->delimiter;
  l->quote = (char)o->quote;
  l->budget.allocator = grove__allocator_of(o->allocator);
  return GROVE_OK;
}

grove_status grove_lines_create(const struct ArrowSchema *schema, const grove_lines_options *o,
    grove_lines **out, grove_error *err)
{
  grove_lines l = {0};
  if (out) {
    *out = NULL;
  }
  if (!schema || !schema->release || !o || !out) {
    return grove__error(err, GROVE_EINVAL, -1,
        "grove_lines_create wants a schema that is not released, options and a place for the lines");
  }
  GROVE__TRY(read_options(&l, o, err));
  grove_lines *made = grove__alloc_zero(&l.budget.allocator, sizeof l);
  if (!made) {
    return grove__error_memory(err, "lines", sizeof l);
  }
  *made = l;
  grove_status s = grove__lines_plan(made, schema, err);
  if (!s && made->options.form == GROVE_LINES_CSV && !made->options.no_header) {
    s = put_header(made);
    s = s ? grove__error_memory(err, "a header", made->names.used) : flush(made, err);
  }
  if (s) {
    grove_lines_destroy(made);
    return s;
  }
  *out = made;
  return GROVE_OK;
}

grove_status grove_lines_put(grove_lines *l, const struct ArrowArray *batch, uint64_t from,
    uint64_t n, grove_error *err)
{
  if (!l || !batch || !batch->release) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_lines_put wants lines and a batch that is not released");
  }
  GROVE__TRY(grove__lines_check(l, batch, err));
  if (from > (uint64_t)batch->length || n > (uint64_t)batch->length - from) {
    return grove__error(err, GROVE_EINVAL, -1, "rows %llu and %llu more, of %lld",
        (unsigned long long)from, (unsigned long long)n, (long long)batch->length);
  }
  for (uint64_t i = from; i < from + n; i++) {
    grove_status s = put_row(l, batch, (int64_t)i);
    if (s) {
      return s == GROVE_ECORRUPT
                 ? grove__error(err, s, (int64_t)i, "row %llu: a code that is not in its dictionary",
                       (unsigned long long)i)
                 : grove__error_memory(err, "a line", l->out.used);
    }
    if (l->out.used >= FLUSH_BYTES) {
      GROVE__TRY(flush(l, err));
    }
  }
  return flush(l, err);
}

void grove_lines_destroy(grove_lines *l)
{
  if (l) {
    grove_allocator a = l->budget.allocator;
    grove__buffer_free(&l->budget, &l->names);
    grove__buffer_free(&l->budget, &l->nodes);
    grove__buffer_free(&l->budget, &l->out);
    grove__free(&a, l, sizeof *l);
  }
}
