// Rows by the value of a key: a hash table of the distinct values, asked once for each run of equal rows, then one counting
// sort of the runs. In key order: the groups are sorted in between, which are fewer than rows; where the rows are in that
// order already, one look at each is enough.
#include "base/random.h"
#include "columnar/groups.h"
#include "columnar/keyorder.h"
#include "columnar/keytext.h"
#include <math.h>
#include <stdlib.h>

typedef struct group {
  uint64_t hash, first_row, rows;
} group;

// Rows of one group that follow each other, up to those of the next run.
typedef struct run {
  uint64_t from, group;
} run;

// A row's key: a word, or bytes.
typedef struct key {
  const uint8_t *p;
  size_t n;
  uint64_t word;
} key;

struct grove__groups {
  const grove_table *table;
  const grove__stored *column;
  grove__budget budget;
  grove__buffer runs;   // run, in the order of the rows
  grove__buffer slots;  // uint64_t: 1 + the number of a group, 0: free; a power of two of them
  grove__buffer groups; // group
  grove__buffer text;
  uint64_t n, mask, seed;
  uint64_t null_group; // 1 + its number
};
typedef struct grove__groups grouping;

static group *group_at(const grouping *g, uint64_t i)
{
  return (group *)(void *)g->groups.p + i;
}

static uint64_t *words_of(const grove__buffer *b)
{
  return (uint64_t *)(void *)b->p;
}

// ---- keys --------------------------------------------------------------------------------------

static bool is_float(const grove__stored *c)
{
  return c->layout.number == GROVE__NUMBER_F16 || c->layout.number == GROVE__NUMBER_F32 ||
         c->layout.number == GROVE__NUMBER_F64;
}

// Equal keys have equal bytes: -0 is 0, and any NaN is the one NaN.
static uint64_t read_float(const grove__stored *c, int64_t row)
{
  double value = 0;
  uint64_t word;
  grove__stored_doubles(c, (size_t)row, 1, &value);
  value = isnan(value) ? (double)NAN : value + 0.0;
  memcpy(&word, &value, sizeof word);
  return word;
}

static key read_key(const grove__stored *c, int64_t row)
{
  key k = {NULL, 0, 0};
  int64_t i = c->offset + row;
  if (c->layout.shape == GROVE__SHAPE_TEXT) {
    k.p = (const uint8_t *)grove__stored_text(c, row, &k.n);
  } else if (c->layout.shape == GROVE__SHAPE_BITS) {
    k.word = grove__bit_get(c->values, i);
  } else if (is_float(c)) {
    k.word = read_float(c, row);
  } else if (c->layout.width > 8) {
    k.p = (const uint8_t *)c->values + (size_t)i * c->layout.width;
    k.n = c->layout.width;
  } else if (c->layout.width) {
    memcpy(&k.word, (const uint8_t *)c->values + (size_t)i * c->layout.width, c->layout.width);
  }
  return k;
}

static bool same_key(const key *a, const key *b)
{
  return a->word == b->word && a->n == b->n && (!a->n || memcmp(a->p, b->p, a->n) == 0);
}

static uint64_t hash_key(const key *k, uint64_t seed)
{
  uint64_t h = grove__mix64(k->word ^ seed) ^ k->n;
  for (size_t i = 0; i < k->n; i += 8) {
    uint64_t word = 0;
    memcpy(&word, k->p + i, k->n - i < 8 ? k->n - i : 8);
    h = grove__mix64(h ^ word);
  }
  return h;
}

// ---- finding -----------------------------------------------------------------------------------

static grove_status grow_slots(grouping *g)
{
  uint64_t n = g->slots.used ? g->slots.used / 8 * 2 : 64;
  grove__buffer slots = {0};
  GROVE__TRY(grove__buffer_reserve(&g->budget, &slots, (size_t)n * 8));
  slots.used = (size_t)n * 8;
  memset(slots.p, 0, slots.used);
  grove__buffer_free(&g->budget, &g->slots);
  g->slots = slots;
  g->mask = n - 1;
  for (uint64_t i = 0; i < g->n; i++) {
    uint64_t at = group_at(g, i)->hash & g->mask;
    if (i + 1 == g->null_group) {
      continue;
    }
    while (words_of(&slots)[at]) {
      at = (at + 1) & g->mask;
    }
    words_of(&slots)[at] = i + 1;
  }
  return GROVE_OK;
}

static grove_status add_group(grouping *g, uint64_t hash, uint64_t row)
{
  GROVE__TRY(grove__buffer_reserve(&g->budget, &g->groups, sizeof(group)));
  *group_at(g, g->n) = (group){hash, row, 0};
  g->groups.used += sizeof(group);
  g->n++;
  return GROVE_OK;
}

static grove_status find_null_group(grouping *g, uint64_t row, uint64_t *out)
{
  if (!g->null_group) {
    GROVE__TRY(add_group(g, 0, row));
    g->null_group = g->n;
  }
  *out = g->null_group - 1;
  return GROVE_OK;
}

static grove_status find_group(grouping *g, uint64_t row, uint64_t *out)
{
  if (!grove__stored_valid(g->column, (int64_t)row)) {
    return find_null_group(g, row, out);
  }
  key k = read_key(g->column, (int64_t)row);
  uint64_t hash = hash_key(&k, g->seed);
  uint64_t *slots = words_of(&g->slots);
  uint64_t at = hash & g->mask;
  for (; slots[at]; at = (at + 1) & g->mask) {
    const group *candidate = group_at(g, slots[at] - 1);
    if (candidate->hash == hash) {
      key other = read_key(g->column, (int64_t)candidate->first_row);
      if (same_key(&k, &other)) {
        *out = slots[at] - 1;
        return GROVE_OK;
      }
    }
  }
  GROVE__TRY(add_group(g, hash, row));
  *out = g->n - 1;
  slots[at] = g->n;
  return g->n * 2 > g->mask ? grow_slots(g) : GROVE_OK;
}

// The end of the rows from `row` on whose keys have its bytes, and so are its equals without a look into the table.
static uint64_t end_of_bytes(const grove__stored *c, uint64_t row, uint64_t rows)
{
  size_t width = c->layout.width;
  uint64_t end = row + 1;
  if (c->validity || width == 0 || c->layout.shape == GROVE__SHAPE_TEXT ||
      c->layout.shape == GROVE__SHAPE_BITS) {
    return end;
  }
  const uint8_t *at = (const uint8_t *)c->values + ((size_t)c->offset + (size_t)row) * width;
  if (width == 8) { // most keys: a loop without a call
    uint64_t first, next;
    memcpy(&first, at, 8);
    for (; end < rows; end++) {
      memcpy(&next, at += 8, 8);
      if (next != first) {
        break;
      }
    }
    return end;
  }
  while (end < rows && memcmp(at, at + width, width) == 0) {
    at += width;
    end++;
  }
  return end;
}

static run *run_at(const grouping *g, size_t i)
{
  return (run *)(void *)g->runs.p + i;
}

static grove_status add_run(grouping *g, uint64_t from, uint64_t to)
{
  size_t n = g->runs.used / sizeof(run);
  if (n && run_at(g, n - 1)->group == to) {
    return GROVE_OK;
  }
  GROVE__TRY(grove__buffer_reserve(&g->budget, &g->runs, sizeof(run)));
  *run_at(g, n) = (run){from, to};
  g->runs.used += sizeof(run);
  return GROVE_OK;
}

static grove_status find_groups(grouping *g)
{
  uint64_t rows = g->table->rows, at = 0;
  GROVE__TRY(grow_slots(g));
  for (uint64_t row = 0, end; row < rows; row = end) {
    end = end_of_bytes(g->column, row, rows);
    GROVE__TRY(find_group(g, row, &at));
    GROVE__TRY(add_run(g, row, at));
    group_at(g, at)->rows += end - row;
  }
  return GROVE_OK;
}

// ---- handing out -------------------------------------------------------------------------------

// Each group's `hash` has served: it becomes the place where its next row goes.
static void sort_rows(grouping *g, uint64_t *order)
{
  size_t n = g->runs.used / sizeof(run);
  uint64_t at = 0;
  for (uint64_t i = 0; i < g->n; i++) {
    group_at(g, i)->hash = at;
    at += group_at(g, i)->rows;
  }
  for (size_t i = 0; i < n; i++) {
    const run *one = run_at(g, i);
    uint64_t end = i + 1 < n ? one[1].from : g->table->rows;
    uint64_t *to = order + group_at(g, one->group)->hash;
    for (uint64_t row = one->from; row < end; row++) {
      *to++ = row;
    }
    group_at(g, one->group)->hash += end - one->from;
  }
}

static grove_status call_groups(grouping *g, const uint64_t *order,
    grove_status (*fn)(void *user, const char *key, const uint64_t *rows, size_t n), void *user,
    grove_error *err)
{
  for (uint64_t i = 0; i < g->n; i++) {
    const group *one = group_at(g, i);
    const char *text = NULL;
    if (i + 1 != g->null_group) {
      if (grove__key_text(g->column, (int64_t)one->first_row, &g->budget, &g->text)) {
        return grove__error_memory(err, "a group's key", g->text.used);
      }
      text = (const char *)g->text.p;
    }
    grove_status s = fn(user, text, order, (size_t)one->rows);
    if (s) {
      return grove__error(err, s, (int64_t)i, "group %llu (\"%.80s\") of column \"%.80s\": %s",
          (unsigned long long)i, text ? text : "null", g->column->name, grove_status_text(s));
    }
    order += one->rows;
  }
  return GROVE_OK;
}

// ---- in key order ------------------------------------------------------------------------------

// Rows that are in key order: groups by the borders between them. *sorted false: they are not, and nothing is kept.
static grove_status find_sorted(grouping *g, bool *sorted)
{
  uint64_t rows = g->table->rows;
  *sorted = true;
  for (uint64_t row = 0, end; row < rows; row = end) {
    int after = row ? grove__key_compare(g->column, (int64_t)row, (int64_t)row - 1) : 1;
    if (after < 0) {
      g->groups.used = 0;
      g->n = 0;
      *sorted = false;
      return GROVE_OK;
    }
    if (after > 0) {
      GROVE__TRY(add_group(g, 0, row));
    }
    end = end_of_bytes(g->column, row, rows);
    group_at(g, g->n - 1)->rows += end - row;
  }
  g->null_group = rows && !grove__stored_valid(g->column, (int64_t)rows - 1) ? g->n : 0;
  return GROVE_OK;
}

// A group on its way to its place; sorting functions of C know no more than what they sort.
typedef struct placed {
  const grove__stored *column;
  group group;
  uint64_t number;
} placed;

static int compare_placed(const void *a, const void *b)
{
  const placed *x = a, *y = b;
  return grove__key_compare(x->column, (int64_t)x->group.first_row, (int64_t)y->group.first_row);
}

// Gives the groups other numbers, which ascend with their keys.
static grove_status sort_groups(grouping *g)
{
  grove__buffer list = {0}, numbers = {0};
  grove_status s = grove__buffer_reserve(&g->budget, &list, (size_t)g->n * sizeof(placed) + 1);
  s = s ? s : grove__buffer_reserve(&g->budget, &numbers, (size_t)g->n * sizeof(uint64_t) + 1);
  placed *p = (placed *)(void *)list.p;
  for (uint64_t i = 0; !s && i < g->n; i++) {
    p[i] = (placed){g->column, *group_at(g, i), i};
  }
  if (!s && g->n) {
    qsort(p, (size_t)g->n, sizeof *p, compare_placed);
  }
  for (uint64_t i = 0; !s && i < g->n; i++) {
    *group_at(g, i) = p[i].group;
    words_of(&numbers)[p[i].number] = i;
  }
  for (size_t i = 0; !s && i < g->runs.used / sizeof(run); i++) {
    run_at(g, i)->group = words_of(&numbers)[run_at(g, i)->group];
  }
  g->null_group = g->null_group ? g->n : 0; // the last
  grove__buffer_free(&g->budget, &list);
  grove__buffer_free(&g->budget, &numbers);
  return s;
}

// The groups' rows to `order`.
static grove_status find_order(grouping *g, uint64_t *order, bool by_key)
{
  bool sorted = false;
  if (by_key) {
    GROVE__TRY(find_sorted(g, &sorted));
  }
  if (sorted) {
    for (uint64_t row = 0; row < g->table->rows; row++) {
      order[row] = row;
    }
    return GROVE_OK;
  }
  GROVE__TRY(find_groups(g));
  if (by_key) {
    GROVE__TRY(sort_groups(g));
  }
  sort_rows(g, order);
  return GROVE_OK;
}

static grove_status begin(const grove_table *t, size_t key_column, grouping *g, grove_error *err)
{
  *g = (grouping){.table = t, .column = &t->columns[key_column]};
  g->budget.allocator = t->allocator;
  g->seed = (uint64_t)(uintptr_t)t; // who makes the keys can't know it, so can't make them collide
  return grove__layout_is_nested(&g->column->layout)
             ? grove__error(err, GROVE_ENOTSUP, -1, "column \"%.80s\" is %s, which is no key",
                   g->column->name, grove__format_words(g->column->format))
             : GROVE_OK;
}

static void end(grouping *g)
{
  grove__buffer_free(&g->budget, &g->runs);
  grove__buffer_free(&g->budget, &g->slots);
  grove__buffer_free(&g->budget, &g->groups);
  grove__buffer_free(&g->budget, &g->text);
}

static grove_status group_rows(const grove_table *t, size_t key_column, bool by_key,
    uint64_t *order,
    grove_status (*fn)(void *user, const char *key, const uint64_t *rows, size_t n), void *user,
    grove_error *err)
{
  grouping g;
  if (!t || !fn || key_column >= t->n || (!order && t->rows)) {
    return grove__error(err, GROVE_EINVAL, -1,
        "a grouping wants a table, one of its columns, an order and a function");
  }
  GROVE__TRY(begin(t, key_column, &g, err));
  grove_status s = find_order(&g, order, by_key);
  s = s ? grove__error_memory(err, "the groups of a table", g.budget.used)
        : call_groups(&g, order, fn, user, err);
  end(&g);
  return s;
}

grove_status grove_table_group(const grove_table *t, size_t key_column, uint64_t *order,
    grove_status (*fn)(void *user, const char *key, const uint64_t *rows, size_t n), void *user,
    grove_error *err)
{
  return group_rows(t, key_column, false, order, fn, user, err);
}

grove_status grove_table_group_sorted(const grove_table *t, size_t key_column, uint64_t *order,
    grove_status (*fn)(void *user, const char *key, const uint64_t *rows, size_t n), void *user,
    grove_error *err)
{
  return group_rows(t, key_column, true, order, fn, user, err);
}

// ---- for who has no need of an order -----------------------------------------------------------

grove_status grove__groups_find(
    const grove_table *t, size_t key_column, grove__groups **out, grove_error *err)
{
  *out = NULL;
  if (key_column >= t->n) {
    return grove__error(
        err, GROVE_EINVAL, -1, "a table of %zu columns has no column %zu", t->n, key_column);
  }
  grouping *g = grove__alloc_zero(&t->allocator, sizeof *g);
  if (!g) {
    return grove__error_memory(err, "the groups of a table", sizeof *g);
  }
  grove_status s = begin(t, key_column, g, err);
  if (s == GROVE_OK && (s = find_groups(g))) {
    s = grove__error_memory(err, "the groups of a table", g->budget.used);
  }
  if (s) {
    grove__groups_free(g);
    return s;
  }
  *out = g;
  return GROVE_OK;
}

void grove__groups_free(grove__groups *g)
{
  if (g) {
    end(g);
    grove__free(&g->table->allocator, g, sizeof *g);
  }
}

size_t grove__groups_count(const grove__groups *g)
{
  return (size_t)g->n;
}

uint64_t grove__groups_rows(const grove__groups *g, size_t i)
{
  return group_at(g, i)->rows;
}

bool grove__groups_are_together(const grove__groups *g)
{
  return g->runs.used / sizeof(run) == g->n;
}

void grove__groups_order(grove__groups *g, uint64_t *order)
{
  sort_rows(g, order);
}

uint64_t grove__groups_from(const grove__groups *g, size_t i)
{
  const group *one = group_at(g, i);
  return grove__groups_are_together(g) ? one->first_row : one->hash - one->rows;
}

grove_status grove__groups_key(
    const grove__groups *g, size_t i, const grove_allocator *a, char **text)
{
  grove__budget budget = {.allocator = *a};
  grove__buffer buffer = {0};
  *text = NULL;
  if (i + 1 == g->null_group) {
    return GROVE_OK;
  }
  grove_status s = grove__key_text(g->column, (int64_t)group_at(g, i)->first_row, &budget, &buffer);
  if (s == GROVE_OK && !(*text = grove__copy_text(a, (const char *)buffer.p))) {
    s = GROVE_ENOMEM;
  }
  grove__buffer_free(&budget, &buffer);
  return s;
}
