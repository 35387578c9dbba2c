#include "predict/choose.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/arrow.h"

static const grove_allocator *const memory = &grove__allocator_malloc;

// A struct array whose children are some of another's; the other is released with it.
typedef struct chosen_array {
  struct ArrowArray whole;
  const void *buffer; // a struct without nulls has none
  size_t n;
  struct ArrowArray *children[];
} chosen_array;

// Its schema. The children are copies, with names of their own; what they point to is the other's.
typedef struct chosen_schema {
  struct ArrowSchema whole;
  struct ArrowSchema *copies;
  size_t n;
  struct ArrowSchema *children[];
} chosen_schema;

static void release_chosen_array(struct ArrowArray *a)
{
  chosen_array *c = a->private_data;
  c->whole.release(&c->whole);
  a->release = NULL;
  grove__free(memory, c, sizeof *c + c->n * sizeof *c->children);
}

static void release_chosen_schema(struct ArrowSchema *s)
{
  chosen_schema *c = s->private_data;
  c->whole.release(&c->whole);
  s->release = NULL;
  grove__free(memory, c->copies, c->n * sizeof *c->copies);
  grove__free(memory, c, sizeof *c + c->n * sizeof *c->children);
}

static void release_copy(struct ArrowSchema *s)
{
  s->release = NULL;
}

static grove_status check_formats(const grove_table *from, const size_t *places,
    const char *const *names, const char *const *formats, size_t n, grove_error *err)
{
  for (size_t i = 0; formats && i < n; i++) {
    const char *is = grove_table_format(from, places[i]);
    if (formats[i] && *formats[i] && strcmp(is, formats[i])) {
      return grove__error(err, GROVE_ENOTSUP, -1,
          "column \"%.100s\" has the format \"%.20s\" here, and \"%.20s\" in the first shard", names[i],
          is, formats[i]);
    }
  }
  return GROVE_OK;
}

// Takes both structs, or on failure neither.
static bool wrap(struct ArrowArray *array, struct ArrowSchema *schema, const size_t *places,
    const char *const *names, size_t n)
{
  chosen_array *a = grove__alloc_zero(memory, sizeof *a + n * sizeof *a->children);
  chosen_schema *s = grove__alloc_zero(memory, sizeof *s + n * sizeof *s->children);
  struct ArrowSchema *copies = grove__alloc_zero(memory, n * sizeof *copies);
  if (!a || !s || !copies) {
    grove__free(memory, a, sizeof *a + n * sizeof *a->children);
    grove__free(memory, s, sizeof *s + n * sizeof *s->children);
    grove__free(memory, copies, n * sizeof *copies);
    return false;
  }
  *a = (chosen_array){.whole = *array, .n = n};
  *s = (chosen_schema){.whole = *schema, .copies = copies, .n = n};
  for (size_t i = 0; i < n; i++) {
    a->children[i] = array->children[places[i]];
    copies[i] = *schema->children[places[i]];
    copies[i].name = names[i];
    copies[i].release = release_copy;
    s->children[i] = &copies[i];
  }
  *array = (struct ArrowArray){.length = a->whole.length,
      .n_buffers = 1,
      .n_children = (int64_t)n,
      .buffers = &a->buffer,
      .children = a->children,
      .release = release_chosen_array,
      .private_data = a};
  *schema = (struct ArrowSchema){.format = "+s",
      .n_children = (int64_t)n,
      .children = s->children,
      .release = release_chosen_schema,
      .private_data = s};
  return true;
}

grove_status grove__table_choose(const grove_table *from, const size_t *places,
    const char *const *names, const char *const *formats, size_t n, grove_table **out,
    grove_error *err)
{
  struct ArrowArray array = {.release = NULL};
  struct ArrowSchema schema = {.release = NULL};
  *out = NULL;
  GROVE__TRY(check_formats(from, places, names, formats, n, err));
  GROVE__TRY(grove_table_export(from, &array, &schema, err));
  grove_status s = wrap(&array, &schema, places, names, n)
                       ? grove_table_import(&array, &schema, out, err)
                       : grove__error_memory(err, "a table", n * sizeof(struct ArrowSchema));
  if (array.release) {
    array.release(&array);
  }
  if (schema.release) {
    schema.release(&schema);
  }
  return s;
}
