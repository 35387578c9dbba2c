#include "predict/choose.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/arrow.h"
#include "columnar/build.h"
#include "columnar/layout.h"
#include "parquet/cast.h"

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

// ---- drift ----------------------------------------------------------------------------------------

// Arrow's letters as a person says them; what has parameters, by its first.
static const char *word_of(const char *format)
{
  static const char *const exact[][2] = {{"n", "null"}, {"b", "bool"}, {"c", "int8"}, {"C", "uint8"}, {"s", "int16"},
      {"S", "uint16"}, {"i", "int32"}, {"I", "uint32"}, {"l", "int64"}, {"L", "uint64"}, {"e", "half"},
      {"f", "float"}, {"g", "double"}, {"u", "text"}, {"U", "text"}, {"z", "bytes"}, {"Z", "bytes"}};
  static const char *const begins[][2] = {{"w:", "bytes"}, {"d:", "a decimal"}, {"td", "a date"}, {"ts", "an instant"},
      {"tt", "a time of day"}, {"tD", "a duration"}};
  for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
    if (!strcmp(format, exact[i][0])) {
      return exact[i][1];
    }
  }
  for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
    if (!strncmp(format, begins[i][0], 2)) {
      return begins[i][1];
    }
  }
  return grove__format_words(format);
}

static grove_status say_drift(
    grove_status s, const char *name, const char *is, const char *wanted, const char *why, grove_error *err)
{
  return grove__error(err, s, -1, "column \"%.100s\" is %s (\"%.20s\") here, and %s (\"%.20s\") in the first shard: %s",
      name, word_of(is), is, word_of(wanted), wanted, why);
}

grove_status grove__check_drift(const char *name, const char *is, const char *wanted, grove_error *err)
{
  return grove__cast_is_known(is, wanted)
             ? GROVE_OK
             : say_drift(GROVE_ENOTSUP, name, is, wanted, "the one is not made of the other", err);
}

// A copy of the column in the format that is wanted, as a table.
static grove_status cast_column(const grove_table *from, size_t column, const char *name, const char *wanted,
    grove_table **out, grove_error *err)
{
  const char *is = grove_table_format(from, column);
  grove_error why = {.text = ""};
  grove__column copy = {0};
  uint64_t rows = grove_table_rows(from);
  GROVE__TRY(grove__check_drift(name, is, wanted, err));
  grove_status s = grove__table_copy_column(from, column, &copy, err);
  if (!s) {
    s = grove__column_cast(memory, &copy, wanted, rows, &why);
    s = s ? say_drift(s, name, is, wanted, why.text, err) : grove__table_build(memory, &copy, 1, rows, out, err);
  }
  if (s) {
    grove__columns_free(memory, &copy, 1);
  }
  return s;
}

// ---- the table ------------------------------------------------------------------------------------

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
    copies[i].name = names ? names[i] : copies[i].name;
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

static grove_status choose(const grove_table *from, const size_t *places, const char *const *names, size_t n,
    grove_table **out, grove_error *err)
{
  struct ArrowArray array = {.release = NULL};
  struct ArrowSchema schema = {.release = NULL};
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

// One column of `t` by its cast self; takes the count of `t`, and gives one.
static grove_status put_cast(grove_table **t, size_t i, const char *wanted, grove_error *err)
{
  grove_table *one = NULL, *both = NULL, *out = NULL;
  size_t n = grove_table_columns(*t);
  size_t *places = grove__alloc_array(memory, n, sizeof *places);
  grove_status s = places ? cast_column(*t, i, grove_table_name(*t, i), wanted, &one, err)
                          : grove__error_memory(err, "the places of columns", n * sizeof *places);
  s = s ? s : grove__tables_join(*t, one, &both, err);
  for (size_t k = 0; !s && k < n; k++) {
    places[k] = k == i ? n : k;
  }
  s = s ? s : choose(both, places, NULL, n, &out, err);
  grove__free(memory, places, n * sizeof *places);
  grove_table_release(one);
  grove_table_release(both);
  if (!s) {
    grove_table_release(*t);
    *t = out;
  }
  return s;
}

grove_status grove__table_choose(const grove_table *from, const size_t *places,
    const char *const *names, const char *const *formats, size_t n, grove_table **out,
    grove_error *err)
{
  grove_table *t = NULL;
  *out = NULL;
  GROVE__TRY(choose(from, places, names, n, &t, err));
  for (size_t i = 0; formats && i < n; i++) {
    bool differs = formats[i] && *formats[i] && strcmp(grove_table_format(t, i), formats[i]) != 0;
    grove_status s = differs ? put_cast(&t, i, formats[i], err) : GROVE_OK;
    if (s) {
      grove_table_release(t);
      return s;
    }
  }
  *out = t;
  return GROVE_OK;
}
