#include "cli_columns.h"
#include "cli.h"
#include "columnar/arrow.h"
#include <stdio.h>
#include <stdlib.h>

// The structs are ours, and say so by their release.
struct cli_columns {
  struct ArrowSchema schema, **fields, *field;
  struct ArrowArray array, **children, *child;
  const void *(*buffers)[2], *none[1];
};

static void release_array(struct ArrowArray *a)
{
  a->release = NULL;
}

static void release_schema(struct ArrowSchema *s)
{
  s->release = NULL;
}

cli_columns *cli_columns_create(
    size_t n, const char *const *names, const double *const *values, size_t rows)
{
  cli_columns *c = cli_alloc(1, sizeof *c);
  c->fields = cli_alloc(n, sizeof(struct ArrowSchema *));
  c->field = cli_alloc(n, sizeof *c->field);
  c->children = cli_alloc(n, sizeof(struct ArrowArray *));
  c->child = cli_alloc(n, sizeof *c->child);
  c->buffers = cli_alloc(n, sizeof *c->buffers);
  for (size_t i = 0; i < n; i++) {
    c->buffers[i][1] = values[i];
    c->field[i] =
        (struct ArrowSchema){.format = "g", .name = names[i], .release = release_schema};
    c->child[i] = (struct ArrowArray){.length = (int64_t)rows,
        .n_buffers = 2,
        .buffers = c->buffers[i],
        .release = release_array};
    c->fields[i] = &c->field[i];
    c->children[i] = &c->child[i];
  }
  c->schema = (struct ArrowSchema){.format = "+s",
      .name = "",
      .n_children = (int64_t)n,
      .children = c->fields,
      .release = release_schema};
  c->array = (struct ArrowArray){.length = (int64_t)rows,
      .n_buffers = 1,
      .buffers = c->none,
      .n_children = (int64_t)n,
      .children = c->children,
      .release = release_array};
  return c;
}

grove_status cli_columns_put_csv(const cli_columns *c,
    grove_status (*put)(void *user, const void *bytes, size_t n, grove_error *err), void *user,
    grove_error *err)
{
  grove_lines *lines = NULL;
  const grove_lines_options o = {
      .struct_size = sizeof o, .form = GROVE_LINES_CSV, .put = put, .user = user};
  grove_status s = grove_lines_create(&c->schema, &o, &lines, err);
  if (!s) {
    s = grove_lines_put(lines, &c->array, 0, (uint64_t)c->array.length, err);
  }
  grove_lines_destroy(lines);
  return s;
}

static grove_status put_to_output(void *user, const void *bytes, size_t n, grove_error *err)
{
  (void)err;
  fwrite(bytes, 1, n, user);
  return GROVE_OK;
}

grove_status cli_columns_print_csv(const cli_columns *c, grove_error *err)
{
  return cli_columns_put_csv(c, put_to_output, stdout, err);
}

grove_status cli_columns_table(cli_columns *c, grove_table **out, grove_error *err)
{
  return grove_table_import(&c->array, &c->schema, out, err);
}

void cli_columns_drop(cli_columns *c)
{
  free(c->fields);
  free(c->field);
  free(c->children);
  free(c->child);
  free((void *)c->buffers);
  free(c);
}
