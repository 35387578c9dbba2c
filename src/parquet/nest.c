// From the schema's elements to branches: which groups are lists and maps, by the rules for what writers have made.
#include "parquet/nest.h"
#include "base/error.h"
#include "base/status.h"
#include <string.h>

// Where a walk stands: levels so far, and those of the list it is in.
typedef struct place {
  uint8_t def;
  uint8_t slot_def, slot_rep;
} place;

typedef struct planning {
  grove__footer *f;
  const grove__element *elements;
  bool no_memory;
} planning;

static size_t leaves_in(const planning *p, size_t at)
{
  size_t n = 0;
  for (size_t i = at; i < p->elements[at].end; i++) {
    n += p->elements[i].leaf != SIZE_MAX;
  }
  return n;
}

static size_t first_leaf(const planning *p, size_t at)
{
  while (p->elements[at].leaf == SIZE_MAX && at + 1 < p->elements[at].end) {
    at++;
  }
  return p->elements[at].leaf;
}

static bool has_repeated(const planning *p, size_t at)
{
  for (size_t i = at; i < p->elements[at].end; i++) {
    if (p->elements[i].repetition == GROVE__REPEATED) {
      return true;
    }
  }
  return false;
}

static grove__branch *take(planning *p, size_t n)
{
  grove__branch *b = grove__arena_take(&p->f->arena, n, sizeof *b);
  p->no_memory = p->no_memory || !b;
  return b;
}

static const char *keep_name(planning *p, const grove__element *e)
{
  char *name = grove__arena_take(&p->f->arena, e->name.n + 1, 1);
  p->no_memory = p->no_memory || !name;
  if (!name) {
    return "";
  }
  if (e->name.n) {
    memcpy(name, e->name.p, e->name.n);
  }
  name[e->name.n] = 0;
  return name;
}

static void start(planning *p, grove__branch *b, size_t at, place where, bool optional)
{
  b->name = keep_name(p, &p->elements[at]);
  b->optional = optional;
  b->def = where.def;
  b->slot_def = where.slot_def;
  b->slot_rep = where.slot_rep;
  b->leaf = first_leaf(p, at);
  b->n_leaves = leaves_in(p, at);
}

static place inside_list(place where)
{
  where.def++;
  where.slot_def = where.def;
  where.slot_rep++;
  return where;
}

static bool is_named(const grove__element *e, const char *text, size_t n)
{
  return e->name.n == n && (n == 0 || memcmp(e->name.p, text, n) == 0);
}

// Whether the repeated child of a list is the item itself, as in the lists of two levels that old writers made.
static bool is_item(const planning *p, size_t list, size_t repeated)
{
  const grove__element *e = &p->elements[list], *r = &p->elements[repeated];
  return r->leaf != SIZE_MAX || r->children != 1 || is_named(r, "array", 5) ||
         (r->name.n == e->name.n + 6 &&
             (e->name.n == 0 || memcmp(r->name.p, e->name.p, e->name.n) == 0) &&
             memcmp(r->name.p + e->name.n, "_tuple", 6) == 0) ||
         r->logical.kind == GROVE__KIND_LIST || r->logical.kind == GROVE__KIND_MAP ||
         p->elements[repeated + 1].repetition == GROVE__REPEATED;
}

static void plan(planning *p, grove__branch *b, size_t at, place where);

static void plan_struct(planning *p, grove__branch *b, size_t at, place where)
{
  size_t n = (size_t)p->elements[at].children;
  b->kind = GROVE__BRANCH_STRUCT;
  b->children = take(p, n);
  for (size_t child = at + 1; b->children && child < p->elements[at].end;) {
    if (leaves_in(p, child)) { // an empty group has no column, so no rows are known of it
      plan(p, &b->children[b->n++], child, where);
    }
    child = p->elements[child].end;
  }
}

// An element as if it were required: its own repetition is in `where` already.
static void plan_content(planning *p, grove__branch *b, size_t at, place where);

static void plan_list(planning *p, grove__branch *b, size_t at, size_t repeated, place where)
{
  b->kind = GROVE__BRANCH_LIST;
  b->children = take(p, 1);
  b->n = b->children != NULL;
  if (!b->n) {
    return;
  }
  if (repeated == at || is_item(p, at, repeated)) {
    plan_content(p, b->children, repeated, inside_list(where));
  } else {
    plan(p, b->children, repeated + 1, inside_list(where));
  }
}

static void plan_map(planning *p, grove__branch *b, size_t entries, place where)
{
  b->kind = GROVE__BRANCH_MAP;
  b->children = take(p, 1);
  b->n = b->children != NULL;
  if (!b->n) {
    return;
  }
  start(p, b->children, entries, inside_list(where), false);
  plan_struct(p, b->children, entries, inside_list(where));
  b->children->required = true;
  if (b->children->n == 2) {
    b->children->children[0].required = true; // whatever its repetition, no key is null
  }
}

// The repeated child of a group that is a list or map by its annotation and its shape; 0: it is neither.
static size_t repeated_child(const planning *p, size_t at)
{
  const grove__element *e = &p->elements[at];
  bool annotated = e->logical.kind == GROVE__KIND_LIST || e->logical.kind == GROVE__KIND_MAP;
  return e->leaf == SIZE_MAX && annotated && e->children == 1 &&
                 p->elements[at + 1].repetition == GROVE__REPEATED
             ? at + 1
             : 0;
}

static bool has_key_and_value(const planning *p, size_t entries)
{
  const grove__element *e = &p->elements[entries];
  return e->leaf == SIZE_MAX && e->children == 2 && leaves_in(p, entries + 1) &&
         leaves_in(p, p->elements[entries + 1].end);
}

static void plan_content(planning *p, grove__branch *b, size_t at, place where)
{
  size_t repeated = repeated_child(p, at);
  start(p, b, at, where, false);
  if (p->elements[at].leaf != SIZE_MAX) {
    b->kind = GROVE__BRANCH_LEAF;
  } else if (!repeated) {
    plan_struct(p, b, at, where);
  } else if (p->elements[at].logical.kind == GROVE__KIND_MAP && has_key_and_value(p, repeated)) {
    plan_map(p, b, repeated, where);
  } else {
    plan_list(p, b, at, repeated, where);
  }
}

static void plan(planning *p, grove__branch *b, size_t at, place where)
{
  const grove__element *e = &p->elements[at];
  if (e->repetition == GROVE__REPEATED) { // without an annotation: a list of required items
    start(p, b, at, where, false);
    plan_list(p, b, at, at, where);
    return;
  }
  where.def = (uint8_t)(where.def + (e->repetition == GROVE__OPTIONAL));
  plan_content(p, b, at, where);
  b->optional = e->repetition == GROVE__OPTIONAL;
}

// ---- columns --------------------------------------------------------------------------------------

static const char *join_path(planning *p, const char *parent, const grove__element *e)
{
  size_t n = strlen(parent), at = n ? n + 1 : 0;
  char *path = grove__arena_take(&p->f->arena, at + e->name.n + 1, 1);
  p->no_memory = p->no_memory || !path;
  if (!path) {
    return "";
  }
  memcpy(path, parent, n);
  if (n) {
    path[n] = '.';
  }
  if (e->name.n) {
    memcpy(path + at, e->name.p, e->name.n);
  }
  path[at + e->name.n] = 0;
  return path;
}

// Structs are gone into, whose leaves are columns by themselves; what is repeated is one column.
static void walk_column(planning *p, size_t at, const char *parent, uint8_t def)
{
  const grove__element *e = &p->elements[at];
  if (p->no_memory || !has_repeated(p, at) || !leaves_in(p, at)) {
    return;
  }
  const char *path = join_path(p, parent, e);
  if (e->repetition == GROVE__REPEATED || repeated_child(p, at)) {
    grove__nest *nest = &p->f->nests[p->f->n_nests++];
    nest->path = path;
    nest->element = at;
    nest->branch = take(p, 1);
    if (nest->branch) {
      plan(p, nest->branch, at, (place){def, 0, 0});
      nest->branch->name = path;
      nest->branch->optional |= def > 0; // null where a struct that it stands in is
    }
    return;
  }
  def = (uint8_t)(def + (e->repetition == GROVE__OPTIONAL));
  for (size_t child = at + 1; child < e->end; child = p->elements[child].end) {
    walk_column(p, child, path, def);
  }
}

bool grove__nests_plan(grove__footer *f, const grove__element *elements, size_t n)
{
  planning p = {.f = f, .elements = elements};
  f->nests = grove__arena_take(&f->arena, f->n_leaves, sizeof *f->nests);
  if (!f->nests) {
    return false;
  }
  for (size_t at = 1; at < n; at = elements[at].end) {
    walk_column(&p, at, "", 0);
  }
  return !p.no_memory;
}
