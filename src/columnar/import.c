// Tables out of struct arrays.
#include "columnar/import.h"
#include "columnar/utf8.h"

static grove_status check_field(
    const struct ArrowSchema *c, const char *name, int depth, grove_error *err);

// Names are texts to all who come behind: JSON, Parquet, errors.
static bool is_text(const char *name)
{
  return !name || grove__utf8_check(name, strlen(name)) == strlen(name);
}

static grove_status check_children(const struct ArrowSchema *c, const grove__layout *l,
    const char *name, int depth, grove_error *err)
{
  bool one = l->shape != GROVE__SHAPE_STRUCT;
  if (depth >= GROVE__NESTED_MOST) {
    return grove__error(
        err, GROVE_ELIMIT, -1, "column \"%.80s\" is nested in more than 64 levels", name);
  }
  if (c->n_children < 0 || (one && c->n_children != 1) || (c->n_children && !c->children)) {
    return grove__error(err, GROVE_ECORRUPT, -1,
        "column \"%.80s\": %lld children where format \"%.40s\" has %s", name,
        (long long)c->n_children, c->format, one ? "one" : "some");
  }
  for (int64_t i = 0; i < c->n_children; i++) {
    if (!c->children[i] || !c->children[i]->release) {
      return grove__error(
          err, GROVE_ECORRUPT, -1, "column \"%.80s\": child %lld is missing", name, (long long)i);
    }
    if (!is_text(c->children[i]->name)) {
      return grove__error(err, GROVE_ECORRUPT, -1,
          "column \"%.80s\": the name of its child %lld is not UTF-8", name, (long long)i);
    }
    GROVE__TRY(check_field(c->children[i], name, depth + 1, err));
  }
  const struct ArrowSchema *entry = strcmp(c->format, "+m") == 0 ? c->children[0] : NULL;
  if (entry && (strcmp(entry->format, "+s") != 0 || entry->n_children != 2)) {
    return grove__error(err, GROVE_ECORRUPT, -1,
        "column \"%.80s\": a map's child is a struct of keys and values", name);
  }
  return GROVE_OK;
}

static grove_status check_column(
    const struct ArrowSchema *c, const char *name, int depth, grove_error *err)
{
  grove__layout l;
  const char *format = c->format ? c->format : "";
  grove_status s = grove__layout_any(format, &l);
  if (s == GROVE_ENOTSUP) {
    return grove__error(err, s, -1,
        "column \"%.80s\": format \"%.40s\" is %s; such columns are not read yet", name, format,
        grove__format_words(format));
  }
  if (s) {
    return grove__error(err, s, -1, "column \"%.80s\": \"%.40s\" is no Arrow format", name, format);
  }
  if (grove__layout_is_nested(&l)) {
    return check_children(c, &l, name, depth, err);
  }
  if (c->n_children != 0) {
    return grove__error(err, GROVE_ECORRUPT, -1,
        "column \"%.80s\": %lld children where format \"%.40s\" has none", name,
        (long long)c->n_children, format);
  }
  return GROVE_OK;
}

static grove_status check_dictionary(
    const struct ArrowSchema *c, const char *name, int depth, grove_error *err)
{
  grove__layout l;
  // Indices are the plain integers; a date has one's layout and not its meaning.
  if (!c->format[0] || c->format[1] || !strchr("cCsSiIlL", c->format[0])) {
    return grove__error(err, GROVE_ECORRUPT, -1,
        "column \"%.80s\": dictionary indices of format \"%.40s\"", name, c->format);
  }
  if (!c->dictionary->release || !c->dictionary->format) {
    return grove__error(err, GROVE_ECORRUPT, -1,
        "column \"%.80s\": the schema of its dictionary is released", name);
  }
  if (c->dictionary->dictionary) {
    return grove__error(
        err, GROVE_ENOTSUP, -1, "column \"%.80s\": a dictionary of dictionaries is not read", name);
  }
  if (!grove__layout_any(c->dictionary->format, &l) && grove__layout_is_nested(&l)) {
    return grove__error(
        err, GROVE_ENOTSUP, -1, "column \"%.80s\": a dictionary of nested values is not read", name);
  }
  return check_column(c->dictionary, name, depth, err);
}

static grove_status check_field(
    const struct ArrowSchema *c, const char *name, int depth, grove_error *err)
{
  GROVE__TRY(check_column(c, name, depth, err));
  return c->dictionary ? check_dictionary(c, name, depth, err) : GROVE_OK;
}

grove_status grove__import_check_schema(const struct ArrowSchema *schema, grove_error *err)
{
  if (!schema->format || strcmp(schema->format, "+s") != 0) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "an array of format \"%.40s\" is no table: a table is a struct (\"+s\") with a child for "
        "each column",
        schema->format ? schema->format : "");
  }
  if (schema->n_children < 0 || (schema->n_children > 0 && !schema->children)) {
    return grove__error(
        err, GROVE_ECORRUPT, -1, "a schema of %lld columns", (long long)schema->n_children);
  }
  for (int64_t i = 0; i < schema->n_children; i++) {
    const struct ArrowSchema *c = schema->children[i];
    if (!c || !c->release) {
      return grove__error(err, GROVE_ECORRUPT, -1, "column %lld has no schema", (long long)i);
    }
    if (!is_text(c->name)) {
      return grove__error(
          err, GROVE_ECORRUPT, -1, "the name of column %lld is not UTF-8", (long long)i);
    }
    const char *name = c->name ? c->name : "";
    GROVE__TRY(check_field(c, name, 1, err));
  }
  return GROVE_OK;
}

static grove_status check_struct(
    const struct ArrowArray *array, const struct ArrowSchema *schema, grove_error *err)
{
  if (array->n_children != schema->n_children || (array->n_children && !array->children)) {
    return grove__error(err, GROVE_ECORRUPT, -1, "%lld columns where the schema has %lld",
        (long long)array->n_children, (long long)schema->n_children);
  }
  if (array->length < 0 || array->offset < 0 || array->length > INT64_MAX / 64 ||
      array->offset > INT64_MAX / 64 || array->null_count < -1 ||
      array->null_count > array->length) {
    return grove__error(err, GROVE_ECORRUPT, -1, "length %lld, offset %lld, null count %lld",
        (long long)array->length, (long long)array->offset, (long long)array->null_count);
  }
  if (array->n_buffers != 1 || !array->buffers) {
    return grove__error(err, GROVE_ECORRUPT, -1, "%lld buffers where a struct has one",
        (long long)array->n_buffers);
  }
  if (!array->buffers[0] && array->null_count > 0) {
    return grove__error(err, GROVE_ECORRUPT, -1, "%lld null rows without a validity buffer",
        (long long)array->null_count);
  }
  if (array->dictionary || schema->dictionary) {
    return grove__error(err, GROVE_ECORRUPT, -1, "a struct with a dictionary");
  }
  return GROVE_OK;
}

static grove_status import_columns(grove_table *t, const struct ArrowArray *array,
    const struct ArrowSchema *schema, grove_error *err)
{
  for (size_t i = 0; i < t->n; i++) {
    const struct ArrowSchema *c = schema->children[i];
    grove__incoming in = {.allocator = &t->allocator,
        .schema = c,
        .array = array->children[i],
        .from = array->offset,
        .rows = array->length,
        .parent = array->buffers[0],
        .parent_from = array->offset,
        .name = c->name ? c->name : "",
        .err = err};
    if (!in.array || !in.array->release) {
      return grove__import_flaw(&in, -1, "its array is missing or released");
    }
    GROVE__TRY(grove__import_column(&in, &t->columns[i]));
    t->bytes += grove__stored_bytes(&t->columns[i], t->rows);
  }
  return GROVE_OK;
}

grove_status grove__import_batch(const grove_allocator *a, const struct ArrowArray *array,
    const struct ArrowSchema *schema, grove_table **out, grove_error *err)
{
  GROVE__TRY(check_struct(array, schema, err));
  grove_table *t = grove__table_create(a, (size_t)array->n_children, (uint64_t)array->length);
  if (!t) {
    return grove__error_memory(err, "a table", (uint64_t)array->n_children * sizeof(grove__stored));
  }
  grove_status s = import_columns(t, array, schema, err);
  if (s) {
    grove_table_release(t); // the array is not in it yet
    return s;
  }
  *out = t;
  return GROVE_OK;
}

grove_status grove_table_import(
    struct ArrowArray *array, struct ArrowSchema *schema, grove_table **out, grove_error *err)
{
  if (out) {
    *out = NULL;
  }
  if (!out || !array || !schema || !array->release || !schema->release) {
    return grove__error(err, GROVE_EINVAL, -1,
        "grove_table_import wants an array and a schema that are not released, and a place for the "
        "table");
  }
  GROVE__TRY(grove__import_check_schema(schema, err));
  GROVE__TRY(grove__import_batch(NULL, array, schema, out, err));
  (*out)->array = *array;
  array->release = NULL;
  schema->release(schema); // names and formats were copied
  schema->release = NULL;
  return GROVE_OK;
}
