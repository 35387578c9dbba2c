// A table of a list of lists, a map and a struct, made by hand as another producer would.
#ifndef GROVE_TESTS_NESTED_FIXTURE_H
#define GROVE_TESTS_NESTED_FIXTURE_H
#include "arrow_fixture.h"
#include "base/status.h"
#include <grove/columnar.h>

enum { NESTED_ROOM = 4096 };

/// Its rows are NESTED_ROW_0 to NESTED_ROW_2.
typedef struct nested {
  int32_t outer[4], inner[4], entries[4], names[4];
  int64_t items[6];
  uint8_t list_valid, pair_valid, y_valid;
  const void *buffers[12][3];
  struct ArrowArray array, list, in, item, map, entry, key, value, pair, x, y, y_item;
  struct ArrowArray *in_array[3], *in_list[1], *in_in[1], *in_map[1], *in_entry[2], *in_pair[2],
      *in_y[1];
  struct ArrowSchema schema, list_f, in_f, item_f, map_f, entry_f, key_f, value_f, pair_f, x_f, y_f,
      y_item_f;
  struct ArrowSchema *in_array_f[3], *in_list_f[1], *in_in_f[1], *in_map_f[1], *in_entry_f[2],
      *in_pair_f[2], *in_y_f[1];
} nested;

GROVE_MAYBE_UNUSED static void nested_release(struct ArrowArray *a)
{
  a->release = NULL;
}
GROVE_MAYBE_UNUSED static void nested_release_schema(struct ArrowSchema *s)
{
  s->release = NULL;
}

GROVE_MAYBE_UNUSED static void nested_array(struct ArrowArray *a, int64_t rows, const void **buffers,
    int64_t n_buffers, struct ArrowArray **children, int64_t n_children)
{
  *a = (struct ArrowArray){.length = rows,
      .null_count = -1,
      .n_buffers = n_buffers,
      .buffers = buffers,
      .children = children,
      .n_children = n_children,
      .release = nested_release};
}

GROVE_MAYBE_UNUSED static void nested_field(struct ArrowSchema *s, const char *format,
    const char *name, struct ArrowSchema **children, int64_t n_children)
{
  *s = (struct ArrowSchema){.format = format,
      .name = name,
      .flags = ARROW_FLAG_NULLABLE,
      .children = children,
      .n_children = n_children,
      .release = nested_release_schema};
}

GROVE_MAYBE_UNUSED static void nested_init(nested *f)
{
  *f = (nested){.outer = {0, 2, 2, 3},
      .inner = {0, 2, 3, 4},
      .entries = {0, 1, 1, 3},
      .names = {0, 1, 2, 3},
      .items = {1, 2, 3, 4, 5, 6},
      .list_valid = 5,
      .pair_valid = 5,
      .y_valid = 0x2f};
  const void *buffers[12][3] = {{NULL}, {&f->list_valid, f->outer}, {NULL, f->inner},
      {NULL, f->items}, {NULL, f->entries}, {NULL}, {NULL, f->names, "abc"}, {&f->pair_valid}, {NULL},
      {&f->y_valid, f->items}};
  memcpy(f->buffers, buffers, sizeof buffers);
  nested_array(&f->item, 4, f->buffers[3], 2, NULL, 0);
  nested_array(&f->in, 3, f->buffers[2], 2, f->in_in, 1);
  nested_array(&f->list, 3, f->buffers[1], 2, f->in_list, 1);
  nested_array(&f->key, 3, f->buffers[6], 3, NULL, 0);
  nested_array(&f->value, 3, f->buffers[3], 2, NULL, 0);
  nested_array(&f->entry, 3, f->buffers[5], 1, f->in_entry, 2);
  nested_array(&f->map, 3, f->buffers[4], 2, f->in_map, 1);
  nested_array(&f->x, 3, f->buffers[3], 2, NULL, 0);
  nested_array(&f->y_item, 6, f->buffers[9], 2, NULL, 0);
  nested_array(&f->y, 3, f->buffers[8], 1, f->in_y, 1);
  nested_array(&f->pair, 3, f->buffers[7], 1, f->in_pair, 2);
  nested_array(&f->array, 3, f->buffers[0], 1, f->in_array, 3);
  f->in_in[0] = &f->item;
  f->in_list[0] = &f->in;
  f->in_entry[0] = &f->key;
  f->in_entry[1] = &f->value;
  f->in_map[0] = &f->entry;
  f->in_y[0] = &f->y_item;
  f->in_pair[0] = &f->x;
  f->in_pair[1] = &f->y;
  f->in_array[0] = &f->list;
  f->in_array[1] = &f->map;
  f->in_array[2] = &f->pair;
  nested_field(&f->item_f, "l", "item", NULL, 0);
  nested_field(&f->in_f, "+l", "item", f->in_in_f, 1);
  nested_field(&f->list_f, "+l", "list", f->in_list_f, 1);
  nested_field(&f->key_f, "u", "key", NULL, 0);
  nested_field(&f->value_f, "l", "value", NULL, 0);
  nested_field(&f->entry_f, "+s", "entries", f->in_entry_f, 2);
  nested_field(&f->map_f, "+m", "map", f->in_map_f, 1);
  nested_field(&f->x_f, "l", "x", NULL, 0);
  nested_field(&f->y_item_f, "l", "item", NULL, 0);
  nested_field(&f->y_f, "+w:2", "y", f->in_y_f, 1);
  nested_field(&f->pair_f, "+s", "pair", f->in_pair_f, 2);
  nested_field(&f->schema, "+s", "", f->in_array_f, 3);
  f->key_f.flags = f->entry_f.flags = 0;
  f->in_in_f[0] = &f->item_f;
  f->in_list_f[0] = &f->in_f;
  f->in_entry_f[0] = &f->key_f;
  f->in_entry_f[1] = &f->value_f;
  f->in_map_f[0] = &f->entry_f;
  f->in_y_f[0] = &f->y_item_f;
  f->in_pair_f[0] = &f->x_f;
  f->in_pair_f[1] = &f->y_f;
  f->in_array_f[0] = &f->list_f;
  f->in_array_f[1] = &f->map_f;
  f->in_array_f[2] = &f->pair_f;
}

typedef struct nested_text {
  char text[NESTED_ROOM];
  size_t n;
} nested_text;

GROVE_MAYBE_UNUSED static grove_status nested_take(
    void *user, const void *bytes, size_t n, grove_error *err)
{
  nested_text *t = user;
  (void)err;
  assert_true(t->n + n < NESTED_ROOM);
  memcpy(t->text + t->n, bytes, n);
  t->n += n;
  t->text[t->n] = 0;
  return GROVE_OK;
}

/// The rows as JSON lines.
GROVE_MAYBE_UNUSED static const char *nested_show(
    const struct ArrowSchema *schema, const struct ArrowArray *array, nested_text *out)
{
  grove_lines *l = NULL;
  grove_lines_options o = {
      .struct_size = sizeof o, .form = GROVE_LINES_JSON, .put = nested_take, .user = out};
  grove_error err = {0};
  *out = (nested_text){.n = 0};
  check_ok_err(grove_lines_create(schema, &o, &l, &err), &err);
  check_ok_err(grove_lines_put(l, array, 0, (uint64_t)array->length, &err), &err);
  grove_lines_destroy(l);
  return out->text;
}

#define NESTED_ROW_0 "{\"list\":[[1,2],[3]],\"map\":[[\"a\",1]],\"pair\":{\"x\":1,\"y\":[1,2]}}\n"
#define NESTED_ROW_1 "{\"list\":null,\"map\":[],\"pair\":null}\n"
#define NESTED_ROW_2                                                                               \
  "{\"list\":[[4]],\"map\":[[\"b\",2],[\"c\",3]],\"pair\":{\"x\":3,\"y\":[null,6]}}\n"
#endif
