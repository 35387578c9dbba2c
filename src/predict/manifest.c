#include "predict/manifest.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/utf8.h"
#include "store/url.h"
#include <inttypes.h>
#include <stdio.h>

// Text on its way to the writer.
typedef struct text {
  grove_writer *to;
  grove_error *err;
  grove_status status;
  size_t used;
  char room[8192];
} text;

static void flush(text *t)
{
  if (!t->status && t->used) {
    t->status = grove_writer_put(t->to, t->room, t->used, t->err);
  }
  t->used = 0;
}

static void put(text *t, const char *bytes, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    if (t->used == sizeof t->room) {
      flush(t);
    }
    t->room[t->used++] = bytes[i];
  }
}

static void put_words(text *t, const char *words)
{
  put(t, words, strlen(words));
}

static void put_number(text *t, const char *name, uint64_t v)
{
  char words[80];
  put(t, words, (size_t)snprintf(words, sizeof words, ",\"%s\":%" PRIu64, name, v));
}

// Bytes of the character that begins there; 0: none does.
static size_t character_at(const char *s)
{
  unsigned char c = (unsigned char)*s;
  size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
  return n && strnlen(s, n) == n && grove__utf8_check(s, n) == n ? n : 0;
}

// A JSON text (RFC 8259). Names of files may have bytes that are no UTF-8, which it can't have: they are said to be something
// else. A note has them as they are.
static void put_quoted(text *t, const char *s)
{
  put(t, "\"", 1);
  for (size_t n; *s; s += n ? n : 1) {
    unsigned char c = (unsigned char)*s;
    char escape[8];
    n = character_at(s);
    if (!n) {
      put_words(t, "\\ufffd");
    } else if (c < ' ' || c == 0x7f) {
      put(t, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", c));
    } else {
      put(t, "\\", c == '"' || c == '\\');
      put(t, s, n);
    }
  }
  put(t, "\"", 1);
}

static void put_member(text *t, const char *name, const char *value)
{
  put_words(t, ",");
  put_quoted(t, name);
  put_words(t, ":");
  if (value) {
    put_quoted(t, value);
  } else {
    put_words(t, "null");
  }
}

static const char *name_state(grove_status s)
{
  return !s ? "DONE" : s == GROVE_ECANCELED ? "OPEN" : "FAILED";
}

static void put_entry(text *t, const grove__score_job_order *o, const grove__manifest_entry *e)
{
  char name[GROVE__NAME_ROOM], number[64], url[GROVE__URL_ROOM];
  grove__url_show(e->url, url, sizeof url);
  put_words(t, "{\"shard\":");
  put_quoted(t, url);
  put_member(t, "state", name_state(e->status));
  if (e->status) {
    put_member(t, "error", e->error);
    put_words(t, "}");
    return;
  }
  put_number(t, "bytes", e->bytes);
  put_member(t, "version", e->version && *e->version ? e->version : NULL);
  put_number(t, "read", e->done.read);
  put_number(t, "rows", e->done.rows);
  // Seventeen digits are enough for any double; the bits beside them are exact without a reader's care.
  uint64_t bits;
  memcpy(&bits, &e->done.score, sizeof bits);
  bool finite = e->done.score - e->done.score == 0;
  snprintf(number, sizeof number, "%.17g", e->done.score);
  put_words(t, ",\"score\":");
  put_words(t, finite ? number : "null");
  snprintf(number, sizeof number, "%016" PRIx64, bits);
  put_member(t, "score_bits", number);
  if (o->folder && grove__shard_output_name(e->url, o->form, name, sizeof name)) {
    put_member(t, "output", name);
    put_number(t, "written", e->done.bytes);
    snprintf(number, sizeof number, "%08" PRIx32, e->done.checksum);
    put_member(t, "crc32", number);
  }
  put_words(t, "}");
}

static void put_head(text *t, const grove__score_job_order *o)
{
  put_words(t, GROVE__MANIFEST_BEGINS);
  put_quoted(t, o->plan->identity);
  put_member(t, "filter", o->plan->filter_text);
  put_member(t, "form", !o->folder ? NULL : o->form == GROVE_JOB_CSV ? "csv" : "parquet");
  put_words(t, ",\"keep\":[");
  for (size_t i = 0; i < o->n_keep; i++) {
    put_words(t, i ? "," : "");
    put_quoted(t, o->keep[i]);
  }
  put_words(t, "],\"shards\":[");
}

grove_status grove__manifest_write(const grove__score_job_order *o, size_t n,
    void (*at)(const void *user, size_t i, grove__manifest_entry *out), const void *user,
    grove_error *err)
{
  char url[GROVE__URL_ROOM];
  text t = {.err = err};
  if (snprintf(url, sizeof url, "%s/manifest.json", o->notes) >= (int)sizeof url) {
    return grove__error(err, GROVE_ELIMIT, -1,
        "the path of the manifest is too long (limit %d bytes)", GROVE__URL_ROOM);
  }
  GROVE__TRY(grove_store_write(o->plan->store, url, &t.to, err));
  put_head(&t, o);
  for (size_t i = 0; i < n; i++) {
    grove__manifest_entry e = {0};
    at(user, i, &e);
    put_words(&t, i ? ",\n" : "\n");
    put_entry(&t, o, &e);
  }
  put_words(&t, "\n]}\n");
  flush(&t);
  grove_status closed = grove_writer_close(t.to, t.status == GROVE_OK, t.status ? NULL : err);
  return t.status ? t.status : closed;
}
