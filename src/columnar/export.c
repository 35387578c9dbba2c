// Tables as struct arrays. Each child has a count of its own on the table, so that a consumer may
// move it out of its parent and release it when it likes, before or after the parent.
#include "columnar/table.h"

enum { BUFFERS_MOST = 3 };

// What hangs on one exported array or schema, parent or child.
typedef struct exported {
  grove_table *table;
  size_t bytes; // of this block
  const void *buffers[BUFFERS_MOST];
} exported;

// A parent's block goes on with the pointers to its children and then the children.
typedef struct exported_parent {
  exported head;
  void *children[]; // struct ArrowArray * or struct ArrowSchema *
} exported_parent;

static void free_block(exported *e)
{
  grove_table *t = e->table;
  grove_allocator a = t->allocator;
  grove__free(&a, e, e->bytes);
  grove_table_release(t);
}

static void release_array(struct ArrowArray *array)
{
  for (int64_t i = 0; i < array->n_children; i++) {
    if (array->children[i]->release) { // NULL: moved out, or released already
      array->children[i]->release(array->children[i]);
    }
  }
  array->release = NULL;
  free_block(array->private_data);
}

static void release_schema(struct ArrowSchema *schema)
{
  for (int64_t i = 0; i < schema->n_children; i++) {
    if (schema->children[i]->release) {
      schema->children[i]->release(schema->children[i]);
    }
  }
  schema->release = NULL;
  free_block(schema->private_data);
}

// A block with room for n children of `each` bytes, and a count on the table.
static exported *make_block(const grove_table *t, size_t n, size_t each)
{
  size_t room;
  size_t bytes;
  if (!grove__multiply(n, sizeof(void *) + each, &room) ||
      !grove__add(sizeof(exported_parent), room, &bytes)) {
    return NULL;
  }
  exported_parent *p = grove__alloc_zero(&t->allocator, bytes);
  if (!p) {
    return NULL;
  }
  // The count is atomic: taking one does not change what a const table says.
  p->head.table = grove_table_retain((grove_table *)(uintptr_t)t);
  p->head.bytes = bytes;
  char *child = (char *)(p->children + n);
  for (size_t i = 0; i < n; i++) {
    p->children[i] = child + i * each;
  }
  return &p->head;
}

static bool export_column(
    const grove_table *t, const grove__stored *c, int64_t rows, struct ArrowArray *out)
{
  exported *e = make_block(t, c->n_children, sizeof(struct ArrowArray));
  if (!e) {
    return false;
  }
  e->buffers[0] = c->validity;
  e->buffers[1] = c->values;
  e->buffers[2] = c->data;
  struct ArrowArray array = {.length = rows,
      .null_count = c->nulls,
      .offset = c->offset,
      .n_buffers = grove__layout_buffers(&c->layout),
      .n_children = (int64_t)c->n_children,
      .buffers = e->buffers,
      .children = c->n_children ? (struct ArrowArray **)((exported_parent *)e)->children : NULL,
      .release = release_array,
      .private_data = e};
  for (size_t i = 0; i < c->n_children; i++) {
    if (!export_column(t, &c->children[i], c->children[i].rows, array.children[i])) {
      release_array(&array); // the children that are not there yet have no release
      return false;
    }
  }
  *out = array;
  return true;
}

static bool export_array(const grove_table *t, struct ArrowArray *out)
{
  exported *e = make_block(t, t->n, sizeof(struct ArrowArray));
  if (!e) {
    return false;
  }
  struct ArrowArray array = {.length = (int64_t)t->rows,
      .n_buffers = 1,
      .n_children = (int64_t)t->n,
      .buffers = e->buffers,
      .children = (struct ArrowArray **)((exported_parent *)e)->children,
      .release = release_array,
      .private_data = e};
  for (size_t i = 0; i < t->n; i++) {
    if (!export_column(t, &t->columns[i], (int64_t)t->rows, array.children[i])) {
      release_array(&array); // the children that are not there yet have no release
      return false;
    }
  }
  *out = array;
  return true;
}

grove_status grove__table_export_array(const grove_table *t, struct ArrowArray *out, grove_error *err)
{
  out->release = NULL;
  return export_array(t, out) ? GROVE_OK : grove__error_memory(err, "an exported table", t->n * sizeof *out);
}

static bool export_field(const grove_table *t, const grove__stored *c, struct ArrowSchema *out)
{
  exported *e = make_block(t, c->n_children, sizeof(struct ArrowSchema));
  if (!e) {
    return false;
  }
  struct ArrowSchema schema = {.format = c->format,
      .name = c->name,
      .flags = c->required ? 0 : ARROW_FLAG_NULLABLE,
      .n_children = (int64_t)c->n_children,
      .children = c->n_children ? (struct ArrowSchema **)((exported_parent *)e)->children : NULL,
      .release = release_schema,
      .private_data = e};
  for (size_t i = 0; i < c->n_children; i++) {
    if (!export_field(t, &c->children[i], schema.children[i])) {
      release_schema(&schema);
      return false;
    }
  }
  *out = schema;
  return true;
}

static bool export_schema(const grove_table *t, struct ArrowSchema *out)
{
  exported *e = make_block(t, t->n, sizeof(struct ArrowSchema));
  if (!e) {
    return false;
  }
  struct ArrowSchema schema = {.format = "+s",
      .name = "",
      .n_children = (int64_t)t->n,
      .children = (struct ArrowSchema **)((exported_parent *)e)->children,
      .release = release_schema,
      .private_data = e};
  for (size_t i = 0; i < t->n; i++) {
    if (!export_field(t, &t->columns[i], schema.children[i])) {
      release_schema(&schema);
      return false;
    }
  }
  *out = schema;
  return true;
}

grove_status grove_table_export(
    const grove_table *t, struct ArrowArray *array, struct ArrowSchema *schema, grove_error *err)
{
  if (!t || !array || !schema) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_table_export wants a table, an array and a schema");
  }
  schema->release = NULL;
  GROVE__TRY(grove__table_export_array(t, array, err));
  if (!export_schema(t, schema)) {
    array->release(array);
    return grove__error_memory(err, "an exported schema", t->n * sizeof *schema);
  }
  return GROVE_OK;
}
