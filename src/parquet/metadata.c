// What a file says of itself beside its data: pairs of key and value. Read when it is asked for, so that files that are only
// read hold none of it: others put whole schemas there.
#include "base/error.h"
#include "base/status.h"
#include "parquet/file.h"
#include <string.h>

typedef struct telling {
  grove_status (*fn)(void *user, const char *key, const char *value, size_t bytes);
  void *user;
  grove__thrift t;
  grove__budget *budget;
  grove__block key, value; // the texts that are told, each with a zero behind it
  grove_status status, told; // told: what fn returned
  grove_error *err;
} telling;

static const char *copy(telling *x, grove__block *to, grove__bytes text)
{
  x->status = grove__block_reserve(x->budget, to, text.n + 1, "a text of a file's metadata", x->err);
  if (x->status) {
    return NULL;
  }
  if (text.n) {
    memcpy(to->p, text.p, text.n);
  }
  to->p[text.n] = 0;
  return (const char *)to->p;
}

// `key` with no bytes of its own: who wrote the file.
static void tell(telling *x, const grove__bytes *key, grove__bytes value)
{
  const char *k = key ? copy(x, &x->key, *key) : NULL;
  const char *v = key && !k ? NULL : copy(x, &x->value, value);
  if (v) {
    x->status = x->told = x->fn(x->user, k, v, value.n);
  }
}

static void read_pair(telling *x)
{
  grove__bytes key = {NULL, 0}, value = {NULL, 0};
  for (grove__field f = {0, 0}; grove__thrift_field(&x->t, &f);) {
    switch (f.id) {
    case 1: key = grove__thrift_binary(&x->t, &f); break;
    case 2: value = grove__thrift_binary(&x->t, &f); break;
    default: grove__thrift_skip(&x->t, &f);
    }
  }
  if (!x->t.flaw) {
    tell(x, &key, value);
  }
}

static void read_pairs(telling *x, const grove__field *field)
{
  size_t n = grove__thrift_structs(&x->t, field);
  for (size_t i = 0; i < n && !x->t.flaw && !x->status; i++) {
    read_pair(x);
  }
}

static grove_status read_footer(telling *x, const grove_parquet *p, grove_error *err)
{
  for (grove__field f = {0, 0}; !x->status && grove__thrift_field(&x->t, &f);) {
    if (f.id == 5 && f.type == GROVE__THRIFT_LIST) {
      read_pairs(x, &f);
    } else if (f.id == 6 && f.type == GROVE__THRIFT_BINARY) {
      tell(x, NULL, grove__thrift_binary(&x->t, &f));
    } else {
      grove__thrift_skip(&x->t, &f);
    }
  }
  if (x->told) {
    return grove__error(err, x->told, -1, "a file's metadata: %s", grove_status_text(x->told));
  }
  if (x->status) {
    return x->status;
  }
  return x->t.flaw
             ? grove__error(err, GROVE_ECORRUPT, (int64_t)p->footer_at,
                   "footer at %llu: its metadata: %s", (unsigned long long)p->footer_at, x->t.flaw)
             : GROVE_OK;
}

grove_status grove_parquet_metadata(const grove_parquet *p,
    grove_status (*fn)(void *user, const char *key, const char *value, size_t bytes), void *user,
    grove_error *err)
{
  if (!p || !fn) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_parquet_metadata wants a file and a function");
  }
  grove__budget budget = {.allocator = p->allocator, .most = p->options.memory_bytes};
  telling x = {.fn = fn, .user = user, .budget = &budget, .err = err};
  grove__block block = {NULL, 0};
  size_t n = (size_t)(p->source.bytes - 8 - p->footer_at); // open read as many
  grove_status s = grove__block_reserve(&budget, &block, n, "a Parquet footer", err);
  if (!s) {
    s = p->source.read_at(p->source.user, p->footer_at, block.p, n, err);
  }
  if (!s) {
    grove__thrift_init(&x.t, block.p, n);
    s = read_footer(&x, p, err);
  }
  grove__block_free(&budget, &block);
  grove__block_free(&budget, &x.key);
  grove__block_free(&budget, &x.value);
  return s;
}
