// Batches as lines: what grove_lines gives of a batch that was proved must read back.
#ifndef GROVE_FUZZ_LINES_CHECK_H
#define GROVE_FUZZ_LINES_CHECK_H
#include "columnar/arrow.h"
#include "columnar/utf8.h"
#include <grove/columnar.h>
#include <stdlib.h>
#include <string.h>
#ifdef GROVE_FUZZ_JANSSON
#include <jansson.h>
#endif

typedef struct lines_text {
  char *p;
  size_t n;
} lines_text;

static void lines_require(bool fact)
{
  if (!fact) {
    abort();
  }
}

static grove_status lines_keep(void *user, const void *bytes, size_t n, grove_error *err)
{
  lines_text *t = user;
  char *more = realloc(t->p, t->n + n + 1);
  (void)err;
  if (!more) {
    return GROVE_ENOMEM;
  }
  t->p = more;
  memcpy(t->p + t->n, bytes, n);
  t->n += n;
  return GROVE_OK;
}

// One object a row, each of them JSON; a number may be larger than this reader's.
static void lines_check_json(const lines_text *t, uint64_t rows)
{
  const char *at = t->p, *end = t->p + t->n;
  lines_require(grove__utf8_check(t->p, t->n) == t->n);
  for (; rows; rows--) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    lines_require(stop && stop > at + 1 && *at == '{' && stop[-1] == '}');
#ifdef GROVE_FUZZ_JANSSON
    json_error_t flaw;
    json_t *row = json_loadb(at, (size_t)(stop - at), JSON_ALLOW_NUL, &flaw);
    lines_require(row || json_error_code(&flaw) == json_error_numeric_overflow);
    json_decref(row);
#endif
    at = stop + 1;
  }
  lines_require(at == end);
}

// A row a record; of one column null is an empty line, which is none to who reads it.
static void lines_check_csv(const lines_text *t, uint64_t rows, int64_t columns)
{
  grove_table *back = NULL;
  grove_error err;
  grove_status s = columns > 1 ? grove_csv_parse(t->p, t->n, NULL, &back, &err) : GROVE_EINVAL;
  if (!s) {
    lines_require(grove_table_rows(back) == rows);
    lines_require(grove_table_columns(back) == (size_t)columns);
    grove_table_release(back);
  }
}

static void lines_check(
    const struct ArrowSchema *schema, const struct ArrowArray *batch, const grove_allocator *a)
{
  uint64_t rows = (uint64_t)batch->length < 100 ? (uint64_t)batch->length : 100;
  for (uint32_t form = GROVE_LINES_CSV; form <= GROVE_LINES_JSON; form++) {
    lines_text t = {malloc(1), 0};
    grove_lines_options o = {
        .struct_size = sizeof o, .form = form, .put = lines_keep, .user = &t, .allocator = a};
    grove_lines *l = NULL;
    grove_error err = {0};
    lines_require(t.p != NULL);
    grove_status s = grove_lines_create(schema, &o, &l, &err);
    // The last rows, then the first, as calls of their own.
    s = s ? s : grove_lines_put(l, batch, (uint64_t)batch->length - rows, rows, &err);
    s = s ? s : grove_lines_put(l, batch, 0, rows / 2, &err);
    if (s) {
      lines_require(s == GROVE_ENOTSUP || s == GROVE_ENOMEM);
      lines_require(err.text[0] != 0);
    } else if (form == GROVE_LINES_JSON) {
      lines_check_json(&t, rows + rows / 2);
    } else {
      lines_check_csv(&t, rows + rows / 2, schema->n_children);
    }
    grove_lines_destroy(l);
    free(t.p);
  }
}
#endif
