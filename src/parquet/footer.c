#include "parquet/footer.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/utf8.h"
#include "parquet/nest.h"
#include <string.h>

enum { ABSENT = INT32_MIN }; // a physical type that was not given: a group

typedef struct reading {
  grove__footer *f;
  grove__thrift t;
  grove__element *elements;
  size_t n_elements;
  bool no_memory;
} reading;

static void *take(reading *r, size_t n, size_t each)
{
  void *p = grove__arena_take(&r->f->arena, n, each);
  if (!p) {
    r->no_memory = true;
    grove__thrift_blame(&r->t, "no memory");
  }
  return p;
}

// ---- schema ---------------------------------------------------------------------------------------

static uint8_t read_unit(grove__thrift *t, const grove__field *field)
{
  uint8_t unit = 0;
  if (grove__thrift_struct(t, field)) {
    for (grove__field f = {0, 0}; grove__thrift_field(t, &f);) {
      unit = f.id >= GROVE__UNIT_MILLIS && f.id <= GROVE__UNIT_NANOS ? (uint8_t)f.id : 0;
      grove__thrift_skip(t, &f);
    }
  }
  return unit;
}

// The struct inside of the union: only some kinds have fields that matter.
static void read_kind(grove__thrift *t, grove__logical *l)
{
  for (grove__field f = {0, 0}; grove__thrift_field(t, &f);) {
    if (l->kind == GROVE__KIND_DECIMAL && f.id == 1) {
      l->scale = grove__thrift_i32(t, &f);
    } else if (l->kind == GROVE__KIND_DECIMAL && f.id == 2) {
      l->precision = grove__thrift_i32(t, &f);
    } else if ((l->kind == GROVE__KIND_TIME || l->kind == GROVE__KIND_TIMESTAMP) && f.id == 1) {
      l->utc = grove__thrift_bool(t, &f);
    } else if ((l->kind == GROVE__KIND_TIME || l->kind == GROVE__KIND_TIMESTAMP) && f.id == 2) {
      l->unit = read_unit(t, &f);
    } else if (l->kind == GROVE__KIND_INTEGER && f.id == 1) {
      l->bits = (uint8_t)grove__thrift_i32(t, &f);
    } else if (l->kind == GROVE__KIND_INTEGER && f.id == 2) {
      l->is_signed = grove__thrift_bool(t, &f);
    } else {
      grove__thrift_skip(t, &f);
    }
  }
}

static grove__logical read_logical(grove__thrift *t, const grove__field *field)
{
  grove__logical l = {0};
  if (grove__thrift_struct(t, field)) {
    for (grove__field f = {0, 0}; grove__thrift_field(t, &f);) {
      // Kinds that are newer than this code stay NONE: the physical type is what is shown.
      bool known = f.id >= GROVE__KIND_STRING && f.id <= GROVE__KIND_FLOAT16;
      l.kind = known ? (uint8_t)f.id : GROVE__KIND_NONE;
      l.unknown = !known;
      if (grove__thrift_struct(t, &f)) {
        read_kind(t, &l);
      }
    }
  }
  return l;
}

static void read_element(grove__thrift *t, grove__element *e)
{
  e->physical = ABSENT;
  e->converted = -1;
  for (grove__field f = {0, 0}; grove__thrift_field(t, &f);) {
    switch (f.id) {
    case 1: e->physical = grove__thrift_i32(t, &f); break;
    case 2: e->type_length = grove__thrift_i32(t, &f); break;
    case 3: e->repetition = grove__thrift_i32(t, &f); break;
    case 4: e->name = grove__thrift_binary(t, &f); break;
    case 5: e->children = grove__thrift_i32(t, &f); break;
    case 6: e->converted = grove__thrift_i32(t, &f); break;
    case 7: e->scale = grove__thrift_i32(t, &f); break;
    case 8: e->precision = grove__thrift_i32(t, &f); break;
    case 10: e->logical = read_logical(t, &f); break;
    default: grove__thrift_skip(t, &f);
    }
  }
  if (e->children < 0) {
    grove__thrift_blame(t, "a schema element has a negative number of children");
  }
  if (e->name.n && (memchr(e->name.p, 0, e->name.n) ||
                       grove__utf8_check((const char *)e->name.p, e->name.n) != e->name.n)) {
    grove__thrift_blame(t, "the name of a column is no text: UTF-8 without zero bytes");
  }
  if (!e->logical.kind && e->converted >= 0) {
    bool unknown = e->logical.unknown;
    e->logical = grove__logical_of_converted(e->converted, e->precision, e->scale);
    e->logical.unknown = unknown || e->logical.unknown;
  }
}

// Where a walk over the elements stands: the open groups, from the root down.
typedef struct walk {
  size_t next;
  unsigned depth;
  int32_t left[GROVE__SCHEMA_DEPTH]; // children still to come
  size_t path_end[GROVE__SCHEMA_DEPTH];
  uint8_t levels[GROVE__SCHEMA_DEPTH]; // it and what it stands in, as far as optional or repeated
  uint8_t repeats[GROVE__SCHEMA_DEPTH], slot_def[GROVE__SCHEMA_DEPTH];
  char path[GROVE__PATH_BYTES + 1];
} walk;

static bool append_name(walk *w, const grove__element *e, size_t *end)
{
  size_t at = w->path_end[w->depth], dot = at > 0;
  if (at + dot > GROVE__PATH_BYTES || e->name.n > GROVE__PATH_BYTES - at - dot) {
    return false;
  }
  if (dot) {
    w->path[at++] = '.';
  }
  if (e->name.n) {
    memcpy(w->path + at, e->name.p, e->name.n);
  }
  *end = at + e->name.n;
  w->path[*end] = 0;
  return true;
}

static void add_leaf(reading *r, const walk *w, grove__element *e, size_t path_bytes)
{
  grove__leaf *leaf = &r->f->leaves[r->f->n_leaves];
  char *path = take(r, path_bytes + 1, 1);
  if (!path) {
    return;
  }
  if (e->physical < 0 || e->physical >= GROVE__PHYSICAL_COUNT || e->repetition < 0 ||
      e->repetition > GROVE__REPEATED) {
    grove__thrift_blame(&r->t, "a column has an unknown physical type or repetition");
    return;
  }
  memcpy(path, w->path, path_bytes + 1);
  leaf->path = path;
  leaf->element = w->next - 1;
  leaf->physical = (uint8_t)e->physical;
  bool repeated = e->repetition == GROVE__REPEATED;
  leaf->levels = (uint8_t)(w->levels[w->depth] + (e->repetition != GROVE__REQUIRED));
  leaf->repeats = (uint8_t)(w->repeats[w->depth] + repeated);
  leaf->slot_def = repeated ? leaf->levels : w->slot_def[w->depth];
  leaf->flat = !leaf->repeats;
  leaf->optional = leaf->levels > leaf->slot_def;
  leaf->logical = e->logical;
  const char *flaw = grove__leaf_resolve(leaf, e->type_length);
  if (flaw) {
    grove__thrift_blame(&r->t, flaw);
  }
  e->leaf = r->f->n_leaves++;
}

// Goes into a group. Levels fit in a byte: there are at most GROVE__SCHEMA_DEPTH.
static void enter_group(walk *w, const grove__element *e, size_t path_end)
{
  bool repeated = e->repetition == GROVE__REPEATED;
  uint8_t levels = (uint8_t)(w->levels[w->depth] + (repeated || e->repetition == GROVE__OPTIONAL));
  uint8_t slot_def = repeated ? levels : w->slot_def[w->depth];
  uint8_t repeats = (uint8_t)(w->repeats[w->depth] + repeated);
  w->depth++;
  w->levels[w->depth] = levels;
  w->slot_def[w->depth] = slot_def;
  w->repeats[w->depth] = repeats;
  w->left[w->depth] = e->children;
  w->path_end[w->depth] = path_end;
}

static void visit_element(reading *r, walk *w)
{
  grove__element *e = &r->elements[w->next++];
  size_t end;
  e->leaf = SIZE_MAX;
  w->left[w->depth]--;
  if (!append_name(w, e, &end)) {
    grove__thrift_blame(&r->t, "a column's path has over 4095 bytes");
  } else if (e->children == 0 && e->physical != ABSENT) {
    add_leaf(r, w, e, end);
  } else if (w->depth + 1 == GROVE__SCHEMA_DEPTH) {
    grove__thrift_blame(&r->t, "the schema is nested too deep");
  } else {
    enter_group(w, e, end);
  }
}

static void build_leaves(reading *r, walk *w)
{
  if (!r->n_elements) {
    grove__thrift_blame(&r->t, "the schema is empty");
    return;
  }
  r->f->leaves = take(r, r->n_elements, sizeof *r->f->leaves);
  memset(w, 0, sizeof *w);
  w->left[0] = r->elements[0].children;
  w->next = 1;
  while (!r->t.flaw && w->next < r->n_elements) {
    while (w->depth && w->left[w->depth] == 0) {
      w->depth--;
    }
    if (w->left[w->depth] == 0) {
      grove__thrift_blame(&r->t, "the schema has more elements than its root has children");
      return;
    }
    visit_element(r, w);
  }
  for (unsigned i = 0; i <= w->depth; i++) {
    if (w->left[i]) {
      grove__thrift_blame(&r->t, "the schema has fewer elements than it says");
    }
  }
}

// Where each element ends, from the last one back: those in it are known then. The counts of children were proved.
static void find_ends(reading *r)
{
  for (size_t i = r->n_elements; i-- > 0;) {
    size_t end = i + 1;
    for (int32_t k = 0; r->elements[i].leaf == SIZE_MAX && k < r->elements[i].children; k++) {
      end = r->elements[end].end;
    }
    r->elements[i].end = end;
  }
}

static void read_schema(reading *r, const grove__field *field)
{
  size_t n = grove__thrift_structs(&r->t, field);
  if (r->elements) {
    grove__thrift_blame(&r->t, "it has two schemas");
    return;
  }
  r->elements = take(r, n, sizeof *r->elements);
  r->f->elements = r->elements;
  for (r->n_elements = 0; r->n_elements < n && !r->t.flaw; r->n_elements++) {
    read_element(&r->t, &r->elements[r->n_elements]);
  }
  if (!r->t.flaw) {
    walk *w = take(r, 1, sizeof *w);
    if (w) {
      build_leaves(r, w);
    }
  }
  if (!r->t.flaw) {
    find_ends(r);
    if (!grove__nests_plan(r->f, r->elements, r->n_elements)) {
      r->no_memory = true;
      grove__thrift_blame(&r->t, "no memory");
    }
  }
}

// ---- row groups -----------------------------------------------------------------------------------

// Numbers that help but need not be there: what is none is passed over, and is 0. Some writers number fields their own
// way.
static int64_t help_i64(grove__thrift *t, const grove__field *f)
{
  if (f->type < GROVE__THRIFT_I8 || f->type > GROVE__THRIFT_I64) {
    grove__thrift_skip(t, f);
    return 0;
  }
  return grove__thrift_i64(t, f);
}

static void help_extra(grove__extra *e, uint64_t at, int64_t bytes)
{
  e->at = at ? at : e->at;
  e->bytes = bytes > 0 && bytes <= INT32_MAX ? (uint32_t)bytes : e->bytes;
}

static void help_text(grove__thrift *t, const grove__field *f, grove__bytes *out)
{
  if (f->type == GROVE__THRIFT_BINARY) {
    *out = grove__thrift_binary(t, f);
  } else {
    grove__thrift_skip(t, f);
  }
}

// The deprecated min and max (fields 1 and 2) are not looked at: nobody knows in which order they are.
static void read_statistics(grove__thrift *t, const grove__leaf *leaf, grove__bounds *b)
{
  grove__bytes low = {NULL, 0}, high = {NULL, 0};
  for (grove__field f = {0, 0}; grove__thrift_field(t, &f);) {
    switch (f.id) {
    case 3:
      b->nulls = f.type == GROVE__THRIFT_I64 ? grove__thrift_i64(t, &f) : (help_i64(t, &f), -1);
      break;
    case 5: help_text(t, &f, &high); break;
    case 6: help_text(t, &f, &low); break;
    default: grove__thrift_skip(t, &f);
    }
  }
  grove__bounds_set(b, leaf, low, high);
}

static int16_t narrow(int32_t v)
{
  return v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : (int16_t)v;
}

static void read_chunk_meta(grove__thrift *t, const grove__leaf *leaf, grove__chunk *c)
{
  int64_t values = -1, bytes = -1, data = -1, dictionary = -1;
  c->bounds.nulls = -1;
  for (grove__field f = {0, 0}; grove__thrift_field(t, &f);) {
    switch (f.id) {
    case 1: c->physical = narrow(grove__thrift_i32(t, &f)); break;
    case 4: c->codec = narrow(grove__thrift_i32(t, &f)); break;
    case 5: values = grove__thrift_i64(t, &f); break;
    case 7: bytes = grove__thrift_i64(t, &f); break;
    case 9: data = grove__thrift_i64(t, &f); break;
    case 11: dictionary = grove__thrift_i64(t, &f); break;
    case 12:
      if (f.type == GROVE__THRIFT_STRUCT) {
        read_statistics(t, leaf, &c->bounds);
      } else {
        grove__thrift_skip(t, &f);
      }
      break;
    case 14: help_extra(&c->bloom, (uint64_t)help_i64(t, &f), c->bloom.bytes ? 0 : 1); break;
    case 15: help_extra(&c->bloom, 0, help_i64(t, &f)); break;
    default: grove__thrift_skip(t, &f);
    }
  }
  if (values < 0 || bytes < 0 || data < 0) {
    grove__thrift_blame(t, "a column chunk has a negative or missing size or offset");
    return;
  }
  // Some writers leave a zero, which no page can have, where there is no dictionary.
  c->start = (uint64_t)(dictionary > 0 && dictionary < data ? dictionary : data);
  c->bytes = (uint64_t)bytes;
  c->values = (uint64_t)values;
  c->present = true;
}

static void read_chunk(grove__thrift *t, const grove__leaf *leaf, grove__chunk *c)
{
  for (grove__field f = {0, 0}; grove__thrift_field(t, &f);) {
    switch (f.id) {
    case 1: c->elsewhere = grove__thrift_binary(t, &f).n > 0; break;
    case 3:
      if (grove__thrift_struct(t, &f)) {
        read_chunk_meta(t, leaf, c);
      }
      break;
    case 4: help_extra(&c->offset_index, (uint64_t)help_i64(t, &f), 0); break;
    case 5: help_extra(&c->offset_index, 0, help_i64(t, &f)); break;
    case 6: help_extra(&c->column_index, (uint64_t)help_i64(t, &f), 0); break;
    case 7: help_extra(&c->column_index, 0, help_i64(t, &f)); break;
    case 8:
    case 9:
      c->encrypted = true;
      grove__thrift_skip(t, &f);
      break;
    default: grove__thrift_skip(t, &f);
    }
  }
}

static void read_chunks(reading *r, const grove__field *field, grove__group *g)
{
  size_t n = grove__thrift_structs(&r->t, field);
  if (!r->t.flaw && (g->chunks || n != r->f->n_leaves)) {
    grove__thrift_blame(&r->t, "a row group has not one column chunk a column");
    return;
  }
  g->chunks = take(r, n, sizeof *g->chunks);
  for (size_t i = 0; i < n && !r->t.flaw; i++) {
    read_chunk(&r->t, &r->f->leaves[i], &g->chunks[i]);
  }
}

static void read_group(reading *r, grove__group *g)
{
  int64_t rows = -1;
  for (grove__field f = {0, 0}; grove__thrift_field(&r->t, &f);) {
    switch (f.id) {
    case 1: read_chunks(r, &f, g); break;
    case 3: rows = grove__thrift_i64(&r->t, &f); break;
    default: grove__thrift_skip(&r->t, &f);
    }
  }
  if (rows < 0 || !g->chunks) {
    grove__thrift_blame(&r->t, "a row group has no number of rows or no columns");
    return;
  }
  g->rows = (uint64_t)rows;
  if (__builtin_add_overflow(r->f->rows, g->rows, &r->f->rows)) {
    grove__thrift_blame(&r->t, "the row groups have more rows than can be counted");
  }
}

static void read_groups(reading *r, const grove__field *field)
{
  size_t n = grove__thrift_structs(&r->t, field);
  if (!r->elements || r->f->groups) {
    grove__thrift_blame(&r->t, "the row groups do not follow the schema");
    return;
  }
  r->f->groups = take(r, n, sizeof *r->f->groups);
  for (; r->f->n_groups < n && !r->t.flaw; r->f->n_groups++) {
    read_group(r, &r->f->groups[r->f->n_groups]);
  }
}

// One ColumnOrder a leaf; only the order of the type (field 1) is one that we compare by.
static void read_orders(reading *r, const grove__field *field)
{
  if (field->type != GROVE__THRIFT_LIST) {
    grove__thrift_skip(&r->t, field);
    return;
  }
  size_t n = grove__thrift_structs(&r->t, field);
  for (size_t i = 0; i < n && !r->t.flaw; i++) {
    for (grove__field f = {0, 0}; grove__thrift_field(&r->t, &f);) {
      if (r->f->leaves && i < r->f->n_leaves) {
        r->f->leaves[i].ordered = f.id == 1 && !r->f->leaves[i].strange;
      }
      grove__thrift_skip(&r->t, &f);
    }
  }
}

grove_status grove__footer_read(grove__footer *f, const grove_allocator *a, uint64_t most,
    uint64_t held, const uint8_t *bytes, size_t n, uint64_t at, grove_error *err)
{
  memset(f, 0, sizeof *f);
  f->arena.allocator = *a;
  f->arena.most = most;
  f->arena.used = held;
  reading r = {.f = f};
  grove__thrift_init(&r.t, bytes, n);
  for (grove__field field = {0, 0}; grove__thrift_field(&r.t, &field);) {
    switch (field.id) {
    case 2: read_schema(&r, &field); break;
    case 3: f->stated_rows = (uint64_t)help_i64(&r.t, &field); break;
    case 4: read_groups(&r, &field); break;
    case 7: read_orders(&r, &field); break;
    default: grove__thrift_skip(&r.t, &field);
    }
  }
  if (!r.t.flaw && (!r.elements || !f->groups)) {
    grove__thrift_blame(&r.t, "it has no schema or no row groups");
  }
  if (!r.t.flaw) {
    return GROVE_OK;
  }
  bool over = f->arena.over;
  grove__footer_free(f);
  if (over) {
    return grove__error(err, GROVE_ELIMIT, -1,
        "footer: %zu bytes of it need more than the limit of %llu bytes (memory_bytes)", n,
        (unsigned long long)most);
  }
  if (r.no_memory) {
    return grove__error_memory(err, "a Parquet footer", n);
  }
  uint64_t where = at + (uint64_t)(r.t.p - bytes);
  return grove__error(err, GROVE_ECORRUPT, (int64_t)where, "footer, offset %llu: %s",
      (unsigned long long)where, r.t.flaw);
}

void grove__footer_free(grove__footer *f)
{
  grove__arena_free(&f->arena);
  memset(f, 0, sizeof *f);
}
