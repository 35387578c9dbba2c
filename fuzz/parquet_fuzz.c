// libFuzzer's entry: a whole Parquet file of hostile bytes. Reads schema, check, streams of two
// batch sizes and a table, under a capped allocator; what streams give must be what the table has.
#include "columnar/arrow.h"
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
  int64_t rows = read_stream(p);
  read_table(p, o->rule ? -1 : rows); // by a rule a stream leaves out more
  if (grove_parquet_rows(p) < 1 << 22) {
    grove_status s = grove_parquet_check(p, &err);
    require(!s || err.text[0]);
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
  read_with(&source, &o);
  require(c.held == 0);
  free(copy);
  return 0;
}
