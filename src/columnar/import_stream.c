// Tables out of streams: the batches one behind the other.
#include "columnar/builder.h"
#include "columnar/import.h"

typedef struct stream_reading {
  struct ArrowArrayStream *in;
  struct ArrowSchema schema;
  grove__budget budget;
  grove_table *first;      // while there is only one batch, it is the table
  grove__builder *columns; // from the second on
  size_t n;
  uint64_t rows;
  grove_error *err;
} stream_reading;

static grove_status fail_stream(stream_reading *r, const char *what, int code)
{
  const char *words = r->in->get_last_error ? r->in->get_last_error(r->in) : NULL;
  return grove__error(r->err, GROVE_EIO, -1, "the stream's %s failed with %d: %.300s", what, code,
      words ? words : "it says no more");
}

static grove_status fail_build(stream_reading *r, grove_status s)
{
  if (s == GROVE_ELIMIT) {
    return grove__error(r->err, s, -1, "the stream has more than memory_bytes = %llu bytes",
        (unsigned long long)r->budget.limit);
  }
  return grove__error_memory(r->err, "the batches of a stream", r->budget.used);
}

static grove_status start_columns(stream_reading *r)
{
  r->columns = grove__alloc_zero(&r->budget.allocator, r->n * sizeof *r->columns);
  if (!r->columns) {
    return fail_build(r, GROVE_ENOMEM);
  }
  for (size_t i = 0; i < r->n; i++) {
    grove_status s =
        grove__builder_init_like(&r->budget, &r->columns[i], r->schema.children[i]);
    if (s) {
      return fail_build(r, s);
    }
  }
  return GROVE_OK;
}

static grove_status append_batch(stream_reading *r, const grove_table *batch)
{
  for (size_t i = 0; i < r->n; i++) {
    grove_status s =
        grove__builder_append(&r->budget, &r->columns[i], &batch->columns[i], (int64_t)batch->rows);
    if (s) {
      return fail_build(r, s);
    }
  }
  return GROVE_OK;
}

// Takes the batch's count.
static grove_status add_batch(stream_reading *r, grove_table *batch)
{
  r->rows += batch->rows;
  if (!r->first && !r->columns) {
    r->first = batch;
    return r->budget.limit && batch->bytes > r->budget.limit ? fail_build(r, GROVE_ELIMIT)
                                                             : GROVE_OK;
  }
  grove_status s = GROVE_OK;
  if (!r->columns && !(s = start_columns(r))) {
    s = append_batch(r, r->first);
    grove_table_release(r->first);
    r->first = NULL;
  }
  if (!s) {
    s = append_batch(r, batch);
  }
  grove_table_release(batch);
  return s;
}

// *end: there was no more.
static grove_status next_batch(stream_reading *r, bool *end)
{
  struct ArrowArray array = {0};
  grove_table *batch = NULL;
  int code = r->in->get_next(r->in, &array);
  if (code) {
    return fail_stream(r, "get_next", code);
  }
  *end = !array.release;
  if (*end) {
    return GROVE_OK;
  }
  grove_status s = grove__import_batch(&r->budget.allocator, &array, &r->schema, &batch, r->err);
  if (s) {
    array.release(&array);
    return s;
  }
  batch->array = array;
  return add_batch(r, batch);
}

static grove_status finish(stream_reading *r, grove_table **out)
{
  if (r->first) {
    *out = r->first;
    r->first = NULL;
    return GROVE_OK;
  }
  if (!r->columns) {
    GROVE__TRY(start_columns(r));
  }
  const grove_allocator *a = &r->budget.allocator;
  grove__column *columns = grove__alloc_zero(a, r->n * sizeof *columns);
  if (!columns) {
    return fail_build(r, GROVE_ENOMEM);
  }
  grove_status s = GROVE_OK;
  for (size_t i = 0; !s && i < r->n; i++) {
    const struct ArrowSchema *c = r->schema.children[i];
    const char *format = c->dictionary ? c->dictionary->format : c->format;
    s = grove__builder_finish(&r->budget, &r->columns[i], c->name, format, &columns[i]);
  }
  s = s ? fail_build(r, s) : grove__table_build(a, columns, r->n, r->rows, out, r->err);
  if (s) {
    grove__columns_free(a, columns, r->n);
  }
  grove__free(a, columns, r->n * sizeof *columns);
  return s;
}

static grove_status read_stream(stream_reading *r, grove_table **out)
{
  GROVE__TRY(grove__import_check_schema(&r->schema, r->err));
  r->n = (size_t)r->schema.n_children;
  for (bool end = false; !end;) {
    GROVE__TRY(next_batch(r, &end));
  }
  return finish(r, out);
}

grove_status grove_table_import_stream(
    struct ArrowArrayStream *in, uint64_t memory_bytes, grove_table **out, grove_error *err)
{
  if (out) {
    *out = NULL;
  }
  if (!out || !in || !in->release || !in->get_schema || !in->get_next) {
    return grove__error(err, GROVE_EINVAL, -1,
        "grove_table_import_stream wants a stream that is not released, and a place for the table");
  }
  stream_reading r = {.in = in, .err = err};
  r.budget.allocator = grove__allocator_malloc;
  r.budget.limit = memory_bytes;
  int code = in->get_schema(in, &r.schema);
  if (code) {
    return fail_stream(&r, "get_schema", code);
  }
  if (!r.schema.release) {
    return grove__error(err, GROVE_ECORRUPT, -1, "the stream gave a released schema");
  }
  grove_status s = read_stream(&r, out);
  grove_table_release(r.first);
  for (size_t i = 0; r.columns && i < r.n; i++) {
    grove__builder_free(&r.budget, &r.columns[i]);
  }
  grove__free(&r.budget.allocator, r.columns, r.n * sizeof *r.columns);
  r.schema.release(&r.schema);
  return s;
}
