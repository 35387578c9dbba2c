// A table of doubles that lie in memory already, by the Arrow C data interface, whose two structs every user of Arrow
// has; these are their layouts.
#ifndef GROVE_BENCH_ARROW_COLUMNS_H
#define GROVE_BENCH_ARROW_COLUMNS_H
#include <grove/columnar.h>
#include <stdio.h>
#include <stdlib.h>

struct ArrowSchema {
  const char *format, *name, *metadata;
  int64_t flags, n_children;
  struct ArrowSchema **children, *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};

struct ArrowArray {
  int64_t length, null_count, offset, n_buffers, n_children;
  const void **buffers;
  struct ArrowArray **children, *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};

struct bench_columns {
  struct ArrowSchema schema, *schemas, **schema_children;
  struct ArrowArray array, *arrays, **array_children;
  const void **buffers;
  char (*names)[16];
};

// What is borrowed here outlives the table: the program ends with both.
static void release_schema(struct ArrowSchema *s)
{
  s->release = NULL;
}

static void release_array(struct ArrowArray *a)
{
  a->release = NULL;
}

/// Columns "x0", "x1" ... and, last, "y", of `rows` doubles each. NULL: no memory, or refused.
static grove_table *bench_table(double *const *column, size_t columns, size_t rows)
{
  struct bench_columns *b = calloc(1, sizeof *b);
  static const void *no_buffer[1];
  grove_table *t = NULL;
  grove_error err = {0};
  b->schemas = calloc(columns, sizeof *b->schemas);
  b->arrays = calloc(columns, sizeof *b->arrays);
  b->schema_children = calloc(columns, sizeof *b->schema_children);
  b->array_children = calloc(columns, sizeof *b->array_children);
  b->buffers = calloc(2 * columns, sizeof *b->buffers);
  b->names = calloc(columns, sizeof *b->names);
  for (size_t c = 0; c < columns; c++) {
    snprintf(b->names[c], sizeof b->names[c], c + 1 < columns ? "x%zu" : "y", c);
    b->schemas[c] =
        (struct ArrowSchema){.format = "g", .name = b->names[c], .release = release_schema};
    b->buffers[2 * c + 1] = column[c];
    b->arrays[c] = (struct ArrowArray){.length = (int64_t)rows,
        .n_buffers = 2,
        .buffers = &b->buffers[2 * c],
        .release = release_array};
    b->schema_children[c] = &b->schemas[c];
    b->array_children[c] = &b->arrays[c];
  }
  b->schema = (struct ArrowSchema){.format = "+s",
      .name = "",
      .n_children = (int64_t)columns,
      .children = b->schema_children,
      .release = release_schema};
  b->array = (struct ArrowArray){.length = (int64_t)rows,
      .n_buffers = 1,
      .buffers = no_buffer,
      .n_children = (int64_t)columns,
      .children = b->array_children,
      .release = release_array};
  if (grove_table_import(&b->array, &b->schema, &t, &err)) {
    fprintf(stderr, "%s\n", err.text);
  }
  return t;
}
#endif
