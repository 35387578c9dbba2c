#include "predict/choose.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/arrow.h"

static const grove_allocator *const memory = &grove__allocator_malloc;

// Two struct arrays (or schemas) as one, whose children are theirs.
typedef struct joined {
  struct ArrowArray arrays[2];
  struct ArrowSchema schemas[2];
  size_t children;
  const void *buffer; // a struct without nulls has none
  void *all[];        // of the one that is released; see release_array
} joined;

static void release_array(struct ArrowArray *a)
{
  joined *j = a->private_data;
  for (int i = 0; i < 2; i++) {
    if (j->arrays[i].release) {
      j->arrays[i].release(&j->arrays[i]);
    }
  }
  a->release = NULL;
  grove__free(memory, j, sizeof *j + j->children * sizeof *j->all);
}

static void release_schema(struct ArrowSchema *s)
{
  joined *j = s->private_data;
  for (int i = 0; i < 2; i++) {
    if (j->schemas[i].release) {
      j->schemas[i].release(&j->schemas[i]);
    }
  }
  s->release = NULL;
  grove__free(memory, j, sizeof *j + j->children * sizeof *j->all);
}

static joined *make_joined(size_t children, grove_error *err)
{
  size_t bytes = sizeof(joined) + children * sizeof(void *);
  joined *j = grove__alloc_zero(memory, bytes);
  if (!j) {
    (void)grove__error_memory(err, "a table", bytes);
    return NULL;
  }
  j->children = children;
  return j;
}

grove_status grove__tables_join(
    const grove_table *left, const grove_table *right, grove_table **out, grove_error *err)
{
  size_t n = grove_table_columns(left), m = grove_table_columns(right);
  joined *values = make_joined(n + m, err);
  joined *types = values ? make_joined(n + m, err) : NULL;
  grove_status s = types ? GROVE_OK : GROVE_ENOMEM;
  const grove_table *const tables[] = {left, right};
  for (int i = 0; i < 2 && !s; i++) {
    s = grove_table_export(tables[i], &values->arrays[i], &types->schemas[i], err);
  }
  struct ArrowArray array = {.release = NULL};
  struct ArrowSchema schema = {.release = NULL};
  if (values) {
    array = (struct ArrowArray){.length = (int64_t)grove_table_rows(left),
        .n_buffers = 1,
        .n_children = (int64_t)(n + m),
        .buffers = &values->buffer,
        .children = (struct ArrowArray **)values->all,
        .release = release_array,
        .private_data = values};
  }
  if (types) {
    schema = (struct ArrowSchema){.format = "+s",
        .n_children = (int64_t)(n + m),
        .children = (struct ArrowSchema **)types->all,
        .release = release_schema,
        .private_data = types};
  }
  for (size_t i = 0; i < n + m && !s; i++) {
    size_t side = i >= n, at = side ? i - n : i;
    values->all[i] = values->arrays[side].children[at];
    types->all[i] = types->schemas[side].children[at];
  }
  s = s ? s : grove_table_import(&array, &schema, out, err);
  if (array.release) {
    array.release(&array);
  }
  if (schema.release) {
    schema.release(&schema);
  }
  return s;
}
