#include "parquet/stem.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/layout.h"
#include <string.h>

// Where a stem stands.
typedef struct standing {
  const char *path; // of what it is in
  unsigned depth;   // in the file
  uint8_t def, rep;
  bool required; // whatever Arrow says
} standing;

// "path.name", or "name".
static const char *join(grove__arena *a, const char *path, const char *name)
{
  size_t n = strlen(path), more = strlen(name);
  char *out = grove__arena_take(a, n + more + 2, 1);
  if (out) {
    memcpy(out, path, n);
    if (n) {
      out[n++] = '.';
    }
    memcpy(out + n, name, more + 1);
  }
  return out;
}

static uint8_t kind_of(const grove__column_view *v)
{
  if (!v->nested) {
    return GROVE__STEM_LEAF;
  }
  return strcmp(v->format, "+s") == 0   ? GROVE__STEM_STRUCT
         : strcmp(v->format, "+m") == 0 ? GROVE__STEM_MAP
                                        : GROVE__STEM_LIST;
}

static grove_status no_memory(grove_error *err)
{
  return grove__error_memory(err, "a schema", sizeof(grove__stem));
}

static grove_status make(grove__arena *a, const grove__column_view *v, const char *name,
    standing where, grove__stem *out, grove_error *err);

static grove_status make_children(
    grove__arena *a, const grove__column_view *v, standing inside, grove__stem *s, grove_error *err)
{
  static const char *const map_names[] = {"key", "value"};
  bool entries = s->kind == GROVE__STEM_STRUCT && !s->name; // of a map
  s->n = v->n_children;
  s->children = grove__arena_take(a, s->n, sizeof *s->children);
  if (!s->children) {
    return no_memory(err);
  }
  for (size_t i = 0; i < s->n; i++) {
    grove__column_view child;
    grove__view_child(v, i, &child);
    const char *name = s->kind == GROVE__STEM_LIST  ? "element"
                       : s->kind == GROVE__STEM_MAP ? NULL
                       : entries                    ? map_names[i]
                                                    : child.name;
    inside.required = s->kind == GROVE__STEM_MAP || (entries && i == 0); // entries and keys
    GROVE__TRY(make(a, &child, name, inside, &s->children[i], err));
  }
  return GROVE_OK;
}

static grove_status make_nested(
    grove__arena *a, const grove__column_view *v, standing where, grove__stem *s, grove_error *err)
{
  bool repeated = s->kind != GROVE__STEM_STRUCT;
  standing inside = {.path = s->path, .depth = where.depth + 1, .def = s->def, .rep = s->rep};
  if (repeated) {
    s->rep++;
    inside.path =
        join(a, s->path, s->kind == GROVE__STEM_LIST ? GROVE__LIST_GROUP : GROVE__MAP_GROUP);
    inside.def++;
    inside.rep++;
    inside.depth += s->kind == GROVE__STEM_LIST; // a map's entries are a stem by themselves
  }
  if (!inside.path) {
    return no_memory(err);
  }
  if (!v->n_children) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "column \"%.200s\": Parquet has no place for a struct without fields", s->path);
  }
  if (inside.depth >= GROVE__SCHEMA_DEPTH) {
    return grove__error(err, GROVE_ELIMIT, -1,
        "column \"%.200s\": the schema would be nested deeper than %d, a list counting twice",
        s->path, GROVE__SCHEMA_DEPTH);
  }
  return make_children(a, v, inside, s, err);
}

// name NULL: a map's entries, which have no name of their own in the file.
static grove_status make(grove__arena *a, const grove__column_view *v, const char *name,
    standing where, grove__stem *out, grove_error *err)
{
  bool column = !*where.path;
  out->kind = kind_of(v);
  out->name = name ? join(a, "", name) : NULL;
  out->path = name ? join(a, where.path, name) : where.path;
  out->format = join(a, "", v->format);
  if ((name && !out->name) || !out->path || !out->format) {
    return no_memory(err);
  }
  if (strlen(out->path) > GROVE__PATH_BYTES) {
    return grove__error(err, GROVE_ELIMIT, -1,
        "column \"%.100s...\": its path of %zu bytes is longer than the %d that are read back",
        out->path, strlen(out->path), (int)GROVE__PATH_BYTES);
  }
  // A table's columns may be null in the next table, whatever this one says.
  out->optional = !where.required && (column || !v->required || strcmp(v->format, "n") == 0);
  out->def = (uint8_t)(where.def + out->optional);
  out->rep = where.rep;
  if (out->kind != GROVE__STEM_LEAF) {
    return make_nested(a, v, where, out, err);
  }
  GROVE__TRY(grove__target_of(&out->target, out->path, v->format, err));
  out->target.in_list = out->rep > 0;
  return GROVE_OK;
}

grove_status grove__stem_make(
    grove__arena *a, const grove__column_view *v, grove__stem *out, grove_error *err)
{
  return make(a, v, v->name, (standing){.path = ""}, out, err);
}

size_t grove__stem_leaves(const grove__stem *s)
{
  size_t n = s->kind == GROVE__STEM_LEAF;
  for (size_t i = 0; i < s->n; i++) {
    n += grove__stem_leaves(&s->children[i]);
  }
  return n;
}

// ---- ways -----------------------------------------------------------------------------------------

typedef struct walk {
  grove__arena *arena;
  size_t column, depth;
  const grove__stem *stems[GROVE__SCHEMA_DEPTH];
  grove__way *out;
  bool no_memory;
} walk;

static void walk_stem(walk *w, const grove__stem *s)
{
  w->stems[w->depth++] = s;
  if (s->kind == GROVE__STEM_LEAF) {
    grove__way *way = w->out++;
    way->column = w->column;
    way->depth = w->depth;
    way->stems = grove__arena_take(w->arena, w->depth, sizeof *way->stems);
    if (way->stems) {
      memcpy(way->stems, w->stems, w->depth * sizeof *way->stems);
    }
    w->no_memory = w->no_memory || !way->stems;
  }
  for (size_t i = 0; i < s->n; i++) {
    walk_stem(w, &s->children[i]);
  }
  w->depth--;
}

bool grove__stem_ways(grove__arena *a, const grove__stem *s, size_t column, grove__way *out)
{
  walk w = {.arena = a, .column = column, .out = out};
  walk_stem(&w, s);
  return !w.no_memory;
}

void grove__way_views(const grove__way *w, const grove_table *t, grove__column_view *out)
{
  grove__table_view(t, w->column, out);
  for (size_t i = 1; i < w->depth; i++) {
    grove__view_child(&out[i - 1], (size_t)(w->stems[i] - w->stems[i - 1]->children), &out[i]);
  }
  out[w->depth - 1].name = grove__way_leaf(w)->path; // what errors say
}

bool grove__stem_fits(const grove__stem *s, const grove__column_view *v)
{
  if (strcmp(s->format, v->format) || s->n != v->n_children) {
    return false;
  }
  for (size_t i = 0; i < s->n; i++) {
    grove__column_view child;
    grove__view_child(v, i, &child);
    bool named = s->kind == GROVE__STEM_STRUCT && s->name;
    if ((named && strcmp(s->children[i].name, child.name)) ||
        !grove__stem_fits(&s->children[i], &child)) {
      return false;
    }
  }
  return true;
}
