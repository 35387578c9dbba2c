// libFuzzer's entry: a whole Parquet file of hostile bytes. Reads schema, check, survey, streams of two
// batch sizes and a table, by rules, in other formats and as lines, under a capped allocator; what streams give must be
// what the table has.
#include "columnar/arrow.h"
#include "lines_check.h"
#include "parquet/cast.h"
#include <grove/parquet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAP_BYTES = 256 << 20 };

typedef struct capped {
  size_t held;
} capped;

static void *capped_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  capped *c = user;
  if (!new_bytes) {
    c->held -= old_bytes;
    free(p);
    return NULL;
  }
  if (new_bytes > CAP_BYTES || c->held - old_bytes > CAP_BYTES - new_bytes) {
    return NULL;
  }
  void *q = realloc(p, new_bytes);
  if (q) {
    c->held = c->held - old_bytes + new_bytes;
  }
  return q;
}

static void require(bool fact)
{
  if (!fact) {
    abort();
  }
}

static void read_schema(grove_parquet *p)
{
  struct ArrowSchema schema;
  if (!grove_parquet_schema(p, &schema, NULL)) {
    require(schema.n_children >= 0);
    schema.release(&schema);
  }
}

static grove_status hear_pair(void *user, const char *key, const char *value, size_t bytes)
{
  size_t *heard = user;
  require(!value[bytes]);
  *heard += bytes + (key ? strlen(key) : 0);
  return GROVE_OK;
}

// What the file says of itself is a part of its footer.
static void read_metadata(const grove_source *source, grove_parquet *p)
{
  size_t heard = 0;
  grove_error err;
  grove_status s = grove_parquet_metadata(p, hear_pair, &heard, &err);
  require(heard <= source->bytes && (!s || err.text[0]));
}

// Rows that a stream gave; -1: it failed.
static int64_t read_stream(grove_parquet *p)
{
  struct ArrowArrayStream stream;
  struct ArrowArray batch;
  grove_error err;
  int64_t rows = 0;
  if (grove_parquet_stream(p, 0, 0, &stream, &err)) {
    return -1;
  }
  int code;
  while ((code = stream.get_next(&stream, &batch)) == 0 && batch.release) {
    struct ArrowSchema schema;
    if (rows < 50 && !stream.get_schema(&stream, &schema)) {
      lines_check(&schema, &batch, NULL);
      schema.release(&schema);
    }
    rows += batch.length;
    batch.release(&batch);
    if (rows > 1 << 22) { // claims of rows without bytes are cheap to make and slow to read
      code = -1;
      break;
    }
  }
  if (code > 0) {
    require(stream.get_last_error(&stream) != NULL);
  }
  stream.release(&stream);
  return code ? -1 : rows;
}

static void read_table(grove_parquet *p, int64_t rows)
{
  grove_table *t = NULL;
  struct ArrowArray array;
  struct ArrowSchema schema;
  grove_error err;
  if (grove_parquet_rows(p) > 1 << 22 || grove_parquet_read(p, 0, 0, &t, &err)) {
    return;
  }
  require(rows < 0 || (uint64_t)rows == grove_table_rows(t));
  if (!grove_table_export(t, &array, &schema, &err)) {
    // Import looks at every offset and every text: what we made must stand it.
    grove_table *again = NULL;
    grove_status s = grove_table_import(&array, &schema, &again, &err);
    require(s == GROVE_OK || s == GROVE_ENOMEM);
    grove_table_release(again);
  }
  grove_table_release(t);
}

static void read_with(const grove_source *source, const grove_parquet_options *o)
{
  grove_parquet *p = NULL;
  grove_error err;
  if (grove_parquet_open(source, o, &p, &err)) {
    require(err.status != GROVE_OK && err.text[0]);
    return;
  }
  read_schema(p);
  read_metadata(source, p);
  int64_t rows = read_stream(p);
  read_table(p, o->rule ? -1 : rows); // by a rule a stream leaves out more
  if (grove_parquet_rows(p) < 1 << 22) {
    grove_parquet_survey_result r = {.struct_size = sizeof r};
    grove_status s = grove_parquet_check(p, &err);
    require(!s || err.text[0]);
    if (!grove_parquet_survey(p, NULL, NULL, &r, &err)) {
      require(r.good_chunks <= r.chunks && r.good_values <= r.values && r.whole_rows <= r.rows);
      require(s || r.whole_rows == r.rows);
    }
  }
  grove_parquet_close(p);
}

// A rule on the first column of numbers whose name can stand in quotes.
static bool make_rule(const grove_source *source, const grove_allocator *a, char *out, size_t room)
{
  grove_parquet_options o = {GROVE_PARQUET, .no_crc = 1, .allocator = a};
  grove_parquet *p = NULL;
  struct ArrowSchema schema;
  bool made = false;
  if (grove_parquet_open(source, &o, &p, NULL)) {
    return false;
  }
  if (!grove_parquet_schema(p, &schema, NULL)) {
    for (int64_t i = 0; i < schema.n_children && !made; i++) {
      const struct ArrowSchema *c = schema.children[i];
      if (strchr("bcCsSiIlLfgt", c->format[0]) && c->name[0] && !strpbrk(c->name, "\"") &&
          strlen(c->name) < 100) {
        snprintf(out, room, "\"%s\" == 7 or \"%s\" > 100 and \"%s\" is not null", c->name, c->name,
            c->name);
        made = true;
      }
    }
    schema.release(&schema);
  }
  grove_parquet_close(p);
  return made;
}

enum { ASKED = 6 };

// Some of the columns, each in a format that its own may be cast to, and a rule on them.
typedef struct wish {
  char *names[ASKED + 1];
  const char *formats[ASKED + 1];
  size_t n;
  char rule[600];
} wish;

static const char *choose_format(const char *from, uint64_t chance)
{
  static const char *const formats[] = {"tsn:", "l", "d:38,6", "g", "tsu:UTC", "U", "i", "tdD", "ttn", "f",
      "tsm:", "c", "L", "d:9,2", "u", "tss:", "tDn", "b", "z", "d:60,3,256"};
  size_t n = sizeof formats / sizeof *formats;
  for (size_t i = 0; i < n; i++) {
    const char *to = formats[(chance + i) % n];
    if (grove__cast_is_known(from, to)) {
      return to;
    }
  }
  return "";
}

static void add_rule(wish *w, const char *name, uint64_t chance)
{
  static const char *const terms[] = {"< 86400000", ">= 1.7e18", "== 0", "!= -1", "is not null", "is null", "> 1e6"};
  size_t used = strlen(w->rule);
  if (used < 300 && name[0] && strlen(name) < 100 && !strpbrk(name, "\"")) {
    snprintf(w->rule + used, sizeof w->rule - used, "%s\"%s\" %s",
        !used              ? ""
        : chance & 1 ? " or "
                           : " and ",
        name, terms[chance % (sizeof terms / sizeof *terms)]);
  }
}

static void make_wish(const grove_source *source, const grove_allocator *a, uint64_t chance, wish *w)
{
  grove_parquet_options o = {GROVE_PARQUET, .no_crc = 1, .allocator = a};
  grove_parquet *p = NULL;
  struct ArrowSchema schema;
  memset(w, 0, sizeof *w);
  if (grove_parquet_open(source, &o, &p, NULL)) {
    return;
  }
  if (!grove_parquet_schema(p, &schema, NULL)) {
    for (int64_t i = 0; i < schema.n_children && w->n < ASKED; i++, chance = chance * 31 + 7) {
      const struct ArrowSchema *c = schema.children[i];
      if (chance % 4 == 3) {
        continue;
      }
      w->names[w->n] = strdup(c->name);
      w->formats[w->n] = chance % 5 ? choose_format(c->format, chance / 8) : "";
      if (strchr("bcCsSiIlLefgtd", c->format[0])) {
        add_rule(w, c->name, chance / 64);
      }
      w->n += w->names[w->n] != NULL;
    }
    schema.release(&schema);
  }
  grove_parquet_close(p);
}

static void read_wish(const grove_source *source, const grove_allocator *a, uint64_t chance)
{
  wish w;
  make_wish(source, a, chance, &w);
  grove_parquet_options o = {GROVE_PARQUET, .no_crc = 1, .batch_rows = 40, .int96_overflow = 1,
      .columns = (const char *const *)w.names, .formats = w.formats, .allocator = a, .memory_bytes = 64 << 20};
  if (w.n) {
    read_with(source, &o);
    o.rule = w.rule[0] ? w.rule : NULL;
    o.salvage = 1;
    read_with(source, &o);
  }
  for (size_t i = 0; i < w.n; i++) {
    free(w.names[i]);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  // A copy of exactly the size, so that reading one byte behind it is seen.
  uint8_t *copy = malloc(size ? size : 1);
  if (!copy) {
    return 0;
  }
  if (size) {
    memcpy(copy, data, size);
  }
  capped c = {0};
  grove_allocator a = {capped_realloc, &c};
  grove_source source;
  grove_source_of_memory(copy, size, &source);
  grove_parquet_options o = {GROVE_PARQUET, .no_crc = 1, .batch_rows = 1024, .allocator = &a};
  read_with(&source, &o);
  char rule[512];
  if (make_rule(&source, &a, rule,
          sizeof rule)) { // statistics, page index, bloom filter and late columns
    o.rule = rule;
    read_with(&source, &o);
    o.batch_rows = 5; // so that pages are passed over, also those of lists
    read_with(&source, &o);
    o.rule = NULL;
  }
  o.batch_rows = 7;
  o.int96_overflow = 1;
  o.memory_bytes = 64 << 20;
  o.salvage = 1;
  read_with(&source, &o);
  uint64_t chance = size; // of the bytes, so that one input is always read alike
  for (size_t i = 0; i < size && i < 4096; i++) {
    chance = (chance ^ copy[size - 1 - i]) * 0x100000001b3u;
  }
  read_wish(&source, &a, chance >> 20);
  require(c.held == 0);
  free(copy);
  return 0;
}
