// From an Arrow schema to what is printed.
#include "columnar/lines.h"
#include <stdlib.h>

enum { DEPTH_MOST = 64 };

static grove_status add_node(grove_lines *l, size_t n, size_t *first)
{
  size_t bytes;
  *first = l->nodes.used / sizeof(grove__node);
  if (!grove__multiply(n, sizeof(grove__node), &bytes)) {
    return GROVE_ENOMEM;
  }
  GROVE__TRY(grove__buffer_reserve(&l->budget, &l->nodes, bytes));
  if (bytes) {
    memset(l->nodes.p + l->nodes.used, 0, bytes);
  }
  l->nodes.used += bytes;
  return GROVE_OK;
}

static grove__node *node_at(grove_lines *l, size_t i)
{
  return (grove__node *)(void *)l->nodes.p + i;
}

static grove_status add_name(grove_lines *l, grove__node *node, const char *name)
{
  size_t n = strlen(name);
  GROVE__TRY(grove__buffer_reserve(&l->budget, &l->names, n + 1));
  memcpy(l->names.p + l->names.used, name, n);
  node->name = l->names.used;
  node->name_bytes = n;
  l->names.used += n;
  return GROVE_OK;
}

// What has children, by its format; false: a flat one, or none that is printed.
static bool read_nested(const char *format, grove__node *node)
{
  static const struct {
    char letters[4];
    grove__node_kind kind;
  } known[] = {{"+s", GROVE__NODE_STRUCT}, {"+l", GROVE__NODE_LIST}, {"+L", GROVE__NODE_LARGE_LIST},
      {"+m", GROVE__NODE_MAP}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (strcmp(format, known[i].letters) == 0) {
      node->kind = known[i].kind;
      return true;
    }
  }
  if (strncmp(format, "+w:", 3) == 0) {
    char *end;
    node->kind = GROVE__NODE_FIXED_LIST;
    node->size = strtoll(format + 3, &end, 10);
    return end != format + 3 && !*end && node->size >= 0 && node->size <= INT32_MAX;
  }
  return false;
}

static grove_status fail_column(
    const struct ArrowSchema *schema, grove_status s, const char *why, grove_error *err)
{
  return grove__error(err, s, -1, "column \"%.80s\": format \"%.40s\": %s",
      schema->name ? schema->name : "", schema->format ? schema->format : "", why);
}

static grove_status plan(
    grove_lines *l, size_t at, const struct ArrowSchema *schema, int depth, grove_error *err);

static grove_status plan_children(
    grove_lines *l, size_t at, const struct ArrowSchema *schema, int depth, grove_error *err)
{
  size_t first;
  if (schema->n_children < 0 || (schema->n_children && !schema->children)) {
    return fail_column(schema, GROVE_ECORRUPT, "its children are missing", err);
  }
  if (add_node(l, (size_t)schema->n_children, &first)) {
    return grove__error_memory(err, "a schema", (uint64_t)schema->n_children * sizeof(grove__node));
  }
  node_at(l, at)->first = first;
  node_at(l, at)->n = (size_t)schema->n_children;
  for (int64_t i = 0; i < schema->n_children; i++) {
    if (!schema->children[i] || !schema->children[i]->release) {
      return fail_column(schema, GROVE_ECORRUPT, "a child is missing", err);
    }
    GROVE__TRY(plan(l, first + (size_t)i, schema->children[i], depth + 1, err));
  }
  return GROVE_OK;
}

static grove_status plan_nested(
    grove_lines *l, size_t at, const struct ArrowSchema *schema, int depth, grove_error *err)
{
  grove__node_kind kind = node_at(l, at)->kind;
  if (l->options.form == GROVE_LINES_CSV && depth > 0) {
    return fail_column(
        schema, GROVE_ENOTSUP, "lists, maps and structs have no place in CSV; JSON has", err);
  }
  if (depth > DEPTH_MOST) {
    return fail_column(schema, GROVE_ELIMIT, "nested in more than 64 others", err);
  }
  GROVE__TRY(plan_children(l, at, schema, depth, err));
  if (kind != GROVE__NODE_STRUCT && node_at(l, at)->n != 1) {
    return fail_column(schema, GROVE_ECORRUPT, "it has one child", err);
  }
  const grove__node *entry = grove__node_at(l, grove__node_at(l, at)->first);
  if (kind == GROVE__NODE_MAP && (entry->kind != GROVE__NODE_STRUCT || entry->n != 2)) {
    return fail_column(schema, GROVE_ECORRUPT, "a map's entries are a struct of two", err);
  }
  return GROVE_OK;
}

static grove_status plan_dictionary(
    grove_lines *l, size_t at, const struct ArrowSchema *schema, int depth, grove_error *err)
{
  size_t first;
  if (node_at(l, at)->type.kind != GROVE__VALUE_INTEGER || !schema->dictionary->release ||
      schema->dictionary->dictionary) {
    return fail_column(schema, GROVE_ECORRUPT, "codes of a dictionary are integers", err);
  }
  if (add_node(l, 1, &first)) {
    return grove__error_memory(err, "a schema", sizeof(grove__node));
  }
  node_at(l, at)->kind = GROVE__NODE_DICTIONARY;
  node_at(l, at)->first = first;
  node_at(l, at)->n = 1;
  return plan(l, first, schema->dictionary, depth + 1, err);
}

static grove_status plan(
    grove_lines *l, size_t at, const struct ArrowSchema *schema, int depth, grove_error *err)
{
  grove__node *node = node_at(l, at);
  const char *format = schema->format ? schema->format : "";
  if (add_name(l, node, schema->name ? schema->name : "")) {
    return grove__error_memory(err, "a schema", l->names.used);
  }
  if (read_nested(format, node)) {
    return plan_nested(l, at, schema, depth, err);
  }
  grove_status s = grove__value_type_read(format, &node->type);
  if (s || node->type.layout.shape == GROVE__SHAPE_VIEWS) {
    return fail_column(schema, s ? s : GROVE_ENOTSUP, "such values are not printed", err);
  }
  return schema->dictionary ? plan_dictionary(l, at, schema, depth, err) : GROVE_OK;
}

grove_status grove__lines_plan(grove_lines *l, const struct ArrowSchema *schema, grove_error *err)
{
  size_t root;
  if (!schema->format || strcmp(schema->format, "+s") != 0) {
    return fail_column(schema, GROVE_ENOTSUP, "a table is a struct (\"+s\") of its columns", err);
  }
  if (add_node(l, 1, &root)) {
    return grove__error_memory(err, "a schema", sizeof(grove__node));
  }
  GROVE__TRY(plan(l, root, schema, 0, err));
  l->n = grove__node_at(l, 0)->n;
  return GROVE_OK;
}

// ---- arrays ------------------------------------------------------------------------------------

static int64_t buffers_of(const grove__node *node)
{
  switch (node->kind) {
  case GROVE__NODE_STRUCT:
  case GROVE__NODE_FIXED_LIST: return 1;
  case GROVE__NODE_LIST:
  case GROVE__NODE_LARGE_LIST:
  case GROVE__NODE_MAP: return 2;
  default: return grove__layout_buffers(&node->type.layout);
  }
}

static grove_status check_array(
    const grove_lines *l, const grove__node *node, const struct ArrowArray *a, grove_error *err)
{
  bool coded = node->kind == GROVE__NODE_DICTIONARY;
  size_t children = coded ? 0 : node->n;
  if (!a || !a->release || a->length < 0 || a->offset < 0 || a->n_buffers < buffers_of(node) ||
      (a->n_buffers && !a->buffers) || (size_t)a->n_children != children || (children && !a->children) ||
      coded != (a->dictionary != NULL)) {
    return grove__error(err, GROVE_ECORRUPT, -1,
        "column \"%.*s\": its array is not of the schema's shape", (int)node->name_bytes,
        (const char *)l->names.p + node->name);
  }
  if (coded) {
    return check_array(l, grove__node_at(l, node->first), a->dictionary, err);
  }
  for (size_t i = 0; i < children; i++) {
    GROVE__TRY(check_array(l, grove__node_at(l, node->first + i), a->children[i], err));
  }
  return GROVE_OK;
}

grove_status grove__lines_check(
    const grove_lines *l, const struct ArrowArray *batch, grove_error *err)
{
  return check_array(l, grove__node_at(l, 0), batch, err);
}
