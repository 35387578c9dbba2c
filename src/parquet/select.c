// Which columns are read: by path, by quoted path where two have the same, and in which formats.
#include "base/error.h"
#include "base/letters.h"
#include "base/status.h"
#include "base/suggest.h"
#include "parquet/cast.h"
#include "parquet/file.h"
#include <string.h>

// What can be asked for: a flat leaf, or a list or map.
typedef struct candidate {
  const char *path;
  size_t element, leaf;
  const grove__nest *nest; // NULL: flat
} candidate;

static candidate of_leaf(const grove__footer *f, size_t i)
{
  const grove__leaf *leaf = &f->leaves[i];
  return (candidate){leaf->flat ? leaf->path : NULL, leaf->element, i, NULL};
}

static candidate of_nest(const grove__nest *nest)
{
  return (candidate){nest->path, nest->element, nest->branch->leaf, nest};
}

// The i-th, leaves first; a path of NULL: a leaf that can't be asked for. false: past the end
static bool candidate_at(const grove_parquet *p, size_t i, candidate *out)
{
  const grove__footer *f = &p->footer;
  if (i >= f->n_leaves + f->n_nests) {
    return false;
  }
  *out = i < f->n_leaves ? of_leaf(f, i) : of_nest(&f->nests[i - f->n_leaves]);
  return true;
}

// The i-th name, for "did you mean".
static const char *name_at(const void *user, size_t i)
{
  const grove_parquet *p = user;
  candidate c;
  for (size_t k = 0; candidate_at(p, k, &c); k++) {
    if (c.path && i-- == 0) {
      return c.path;
    }
  }
  return NULL;
}

// ---- quoted paths ---------------------------------------------------------------------------------

// The next element on the way from the top to `target`, behind `at` (0: the root); it is `target` in the end.
static const grove__element *step(const grove__footer *f, size_t *at, size_t target)
{
  ++*at;
  while (f->elements[*at].end <= target) {
    *at = f->elements[*at].end;
  }
  return &f->elements[*at];
}

// Whether the text is the path with each name in quotes, a quote in it doubled: "a"."b.c"
static bool is_quoted(const grove__footer *f, size_t element, const char *text)
{
  for (size_t at = 0; at != element;) {
    const grove__element *e = step(f, &at, element);
    if (*text++ != '"') {
      return false;
    }
    for (size_t i = 0; i < e->name.n; i++) {
      char c = (char)e->name.p[i];
      if (*text++ != c || (c == '"' && *text++ != c)) {
        return false;
      }
    }
    if (*text++ != '"' || (at != element && *text++ != '.')) {
      return false;
    }
  }
  return !*text;
}

// Whether the text says the path once its quotes are gone: most candidates are none at this look, and the schema need not be
// walked for them.
static bool may_be_quoted(const char *path, const char *text)
{
  bool inside = false;
  for (; *text; text++) {
    if (*text == '"' && !(inside && text[1] == '"')) {
      inside = !inside;
      continue;
    }
    text += *text == '"';
    if (*path++ != *text) {
      return false;
    }
  }
  return !*path;
}

// The path in that form, as far as there is room.
static void quote(const grove__footer *f, size_t element, char *out, size_t room)
{
  size_t n = 0;
  for (size_t at = 0; at != element;) {
    const grove__element *e = step(f, &at, element);
    for (size_t i = 0; i < e->name.n + 2; i++) {
      char c = i && i <= e->name.n ? (char)e->name.p[i - 1] : '"';
      bool doubled = c == '"' && i && i <= e->name.n;
      for (int k = 0; k <= doubled && n + 1 < room; k++) {
        out[n++] = c;
      }
    }
    if (at != element && n + 1 < room) {
      out[n++] = '.';
    }
  }
  out[n] = 0;
}

// ---- by name --------------------------------------------------------------------------------------

// Months of one data set differ in the case of their names: the path exactly, else quoted, else without case.
typedef enum manner { EXACTLY, QUOTED, LOOSELY, MANNERS } manner;

static bool is_called(const grove_parquet *p, const candidate *c, const char *name, manner how)
{
  switch (how) {
  case EXACTLY: return strcmp(c->path, name) == 0;
  case QUOTED: return *name == '"' && may_be_quoted(c->path, name) && is_quoted(&p->footer, c->element, name);
  default: return grove__same_letters(c->path, name);
  }
}

static grove_status refuse_several(const grove_parquet *p, const char *name, manner how, size_t n,
    const candidate *first, const candidate *second, grove_error *err)
{
  char a[200], b[200];
  if (how == LOOSELY) {
    return grove__error(err, GROVE_ENOENT, -1,
        "no column \"%.200s\", and %zu that differ from it only in case", name, n);
  }
  quote(&p->footer, first->element, a, sizeof a);
  quote(&p->footer, second->element, b, sizeof b);
  if (strcmp(a, b) == 0) {
    return grove__error(err, GROVE_ENOENT, -1,
        "%zu columns are called \"%.150s\": no name tells them apart, they are read only with all "
        "(no `columns`)",
        n, first->path);
  }
  return grove__error(err, GROVE_ENOENT, -1,
      "column \"%.100s\" may be %zu: %.150s or %.150s; ask for one of them in its quotes, as here",
      name, n, a, b);
}

static bool is_inside(const char *path, const char *folder)
{
  size_t n = strlen(folder);
  return strncmp(path, folder, n) == 0 && (path[n] == '.' || path[n] == 0);
}

static grove_status refuse_nested(const char *name, grove_error *err)
{
  return grove__error(err, GROVE_ENOTSUP, -1,
      "column \"%.200s\" is, or stands in, a list or map, which is read as a whole", name);
}

static grove_status refuse_unknown(const grove_parquet *p, const char *name, grove_error *err)
{
  const grove__leaf *nested = NULL;
  for (size_t i = 0; i < p->footer.n_leaves; i++) {
    nested = is_inside(p->footer.leaves[i].path, name) ? &p->footer.leaves[i] : nested;
  }
  if (nested && nested->flat) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "column \"%.150s\" is a struct; its leaves are read by their paths, such as \"%.150s\"",
        name, nested->path);
  }
  return nested ? refuse_nested(name, err)
                : grove__error_unknown(err, GROVE_ENOENT, "column", name, name_at, p);
}

// *how gets the manner in which the name fits.
static grove_status find(
    const grove_parquet *p, const char *name, candidate *out, manner *how, grove_error *err)
{
  for (*how = EXACTLY; *how < MANNERS; ++*how) {
    candidate c, second = {0};
    size_t n = 0;
    for (size_t i = 0; candidate_at(p, i, &c); i++) {
      if (c.path && is_called(p, &c, name, *how)) {
        *(n ? &second : out) = c;
        n++;
      }
    }
    if (n) {
      return n == 1 ? GROVE_OK : refuse_several(p, name, *how, n, out, &second, err);
    }
  }
  return refuse_unknown(p, name, err);
}

grove_status grove__parquet_find(
    const grove_parquet *p, const char *name, size_t *out, grove_error *err)
{
  candidate c = {0};
  manner how;
  GROVE__TRY(find(p, name, &c, &how, err));
  *out = c.leaf;
  return c.nest ? refuse_nested(name, err) : GROVE_OK;
}

// ---- all that are wanted --------------------------------------------------------------------------

static void select_candidate(grove_parquet *p, const candidate *c, const char *name)
{
  p->nests[p->n_selected] = c->nest ? c->nest->branch : NULL;
  p->selected[p->n_selected] = c->leaf;
  p->names[p->n_selected++] = name;
}

// A column is called what it was asked for by, so that shards whose names drift make equal tables; quotes are no part
// of a name.
static grove_status select_named(grove_parquet *p, const char *name, grove_error *err)
{
  candidate c = {0};
  manner how;
  GROVE__TRY(find(p, name, &c, &how, err));
  if (how == QUOTED) {
    select_candidate(p, &c, c.path);
    return GROVE_OK;
  }
  size_t bytes = strlen(name) + 1;
  char *copy = grove__arena_take(&p->footer.arena, bytes, 1);
  if (!copy) {
    return grove__arena_error(&p->footer.arena, "a column's name", err);
  }
  memcpy(copy, name, bytes);
  select_candidate(p, &c, copy);
  return GROVE_OK;
}

// Leaves in the order of the file; a list or map stands where its first leaf does.
static void select_all(grove_parquet *p)
{
  const grove__footer *f = &p->footer;
  size_t nest = 0;
  for (size_t i = 0; i < f->n_leaves; i++) {
    bool starts = nest < f->n_nests && f->nests[nest].branch->leaf == i;
    candidate c = starts ? of_nest(&f->nests[nest]) : of_leaf(f, i);
    nest += starts;
    if (c.path) {
      select_candidate(p, &c, c.path);
    }
  }
}

grove_status grove__parquet_select(
    grove_parquet *p, const char *const *columns, grove_error *err)
{
  size_t n = 0;
  while (columns && columns[n]) {
    n++;
  }
  n = columns ? n : p->footer.n_leaves;
  p->selected = grove__arena_take(&p->footer.arena, n, sizeof *p->selected);
  p->names = grove__arena_take(&p->footer.arena, n, sizeof *p->names);
  p->nests = grove__arena_take(&p->footer.arena, n, sizeof *p->nests);
  if (!p->selected || !p->names || !p->nests) {
    return grove__arena_error(&p->footer.arena, "a list of columns", err);
  }
  if (!columns) {
    select_all(p);
  }
  for (size_t i = 0; columns && i < n; i++) {
    GROVE__TRY(select_named(p, columns[i], err));
  }
  return GROVE_OK;
}

static grove_status check_format(
    const grove_parquet *p, size_t i, const char *wanted, grove_error *err)
{
  const char *is = grove__parquet_leaf(p, i)->format;
  if (p->nests[i]) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "column \"%.100s\" is a list or map, which is not cast to the declared \"%.40s\"",
        p->names[i], wanted);
  }
  return grove__cast_is_known(is, wanted)
             ? GROVE_OK
             : grove__error(err, GROVE_ENOTSUP, -1,
                   "column \"%.100s\" has format \"%s\", which is not cast to the declared \"%.40s\"",
                   p->names[i], is, wanted);
}

grove_status grove__parquet_formats(
    grove_parquet *p, const char *const *formats, grove_error *err)
{
  p->formats = grove__arena_take(&p->footer.arena, p->n_selected, sizeof *p->formats);
  if (!p->formats) {
    return grove__arena_error(&p->footer.arena, "a list of formats", err);
  }
  for (size_t i = 0; i < p->n_selected; i++) {
    size_t bytes = formats[i] ? strlen(formats[i]) + 1 : 1;
    if (bytes == 1 || (!p->nests[i] && strcmp(formats[i], grove__parquet_leaf(p, i)->format) == 0)) {
      continue;
    }
    GROVE__TRY(check_format(p, i, formats[i], err));
    char *copy = grove__arena_take(&p->footer.arena, bytes, 1);
    if (!copy) {
      return grove__arena_error(&p->footer.arena, "a format", err);
    }
    memcpy(copy, formats[i], bytes);
    p->formats[i] = copy;
  }
  return GROVE_OK;
}
