// Struct arrays made by hand, with a producer that counts what is released.
#ifndef GROVE_TESTS_ARROW_FIXTURE_H
#define GROVE_TESTS_ARROW_FIXTURE_H
#include "check.h"
#include "columnar/arrow.h"

enum { FIXTURE_COLUMNS = 4, FIXTURE_BUFFERS = 5 };

typedef struct fixture {
  struct ArrowArray array, child[FIXTURE_COLUMNS], *children[FIXTURE_COLUMNS], dictionary;
  struct ArrowSchema schema, field[FIXTURE_COLUMNS], *fields[FIXTURE_COLUMNS], dictionary_field;
  const void *buffers[FIXTURE_COLUMNS + 2][FIXTURE_BUFFERS];
  int arrays_released, schemas_released;
} fixture;

GROVE_MAYBE_UNUSED static void fixture_release_array(struct ArrowArray *a)
{
  fixture *f = a->private_data;
  f->arrays_released++;
  a->release = NULL;
}

GROVE_MAYBE_UNUSED static void fixture_release_schema(struct ArrowSchema *s)
{
  fixture *f = s->private_data;
  f->schemas_released++;
  s->release = NULL;
}

/// A table of no columns and `rows` rows. Only the parents' releases count, as only they are
/// called.
GROVE_MAYBE_UNUSED static void fixture_init(fixture *f, int64_t rows)
{
  memset(f, 0, sizeof *f);
  f->array = (struct ArrowArray){.length = rows,
      .n_buffers = 1,
      .buffers = f->buffers[FIXTURE_COLUMNS],
      .children = f->children,
      .release = fixture_release_array,
      .private_data = f};
  f->schema = (struct ArrowSchema){.format = "+s",
      .name = "",
      .children = f->fields,
      .release = fixture_release_schema,
      .private_data = f};
}

/// One more column with its buffers; gives its array, for a test to bend.
GROVE_MAYBE_UNUSED static struct ArrowArray *fixture_add(fixture *f, const char *name,
    const char *format, const void *validity, const void *values, const void *data)
{
  int64_t i = f->array.n_children++;
  f->schema.n_children++;
  f->buffers[i][0] = validity;
  f->buffers[i][1] = values;
  f->buffers[i][2] = data;
  f->child[i] = (struct ArrowArray){.length = f->array.length + f->array.offset,
      .null_count = -1,
      .n_buffers = data               ? 3
                   : format[0] == 'n' ? 0
                                      : 2,
      .buffers = f->buffers[i],
      .release = fixture_release_array,
      .private_data = f};
  f->field[i] = (struct ArrowSchema){.format = format,
      .name = name,
      .flags = ARROW_FLAG_NULLABLE,
      .release = fixture_release_schema,
      .private_data = f};
  f->children[i] = &f->child[i];
  f->fields[i] = &f->field[i];
  return &f->child[i];
}

/// Makes column i the indices of a dictionary of texts.
GROVE_MAYBE_UNUSED static void fixture_add_dictionary(
    fixture *f, int64_t i, int64_t entries, const void *offsets, const void *data)
{
  f->buffers[FIXTURE_COLUMNS + 1][1] = offsets;
  f->buffers[FIXTURE_COLUMNS + 1][2] = data;
  f->dictionary = (struct ArrowArray){.length = entries,
      .n_buffers = 3,
      .buffers = f->buffers[FIXTURE_COLUMNS + 1],
      .release = fixture_release_array,
      .private_data = f};
  f->dictionary_field =
      (struct ArrowSchema){.format = "u", .release = fixture_release_schema, .private_data = f};
  f->child[i].dictionary = &f->dictionary;
  f->field[i].dictionary = &f->dictionary_field;
}
#endif
