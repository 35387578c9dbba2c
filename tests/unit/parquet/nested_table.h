// Random tables of lists, maps and structs, by a spec: "+l(l)", "+m(u;+l(g))", "+s(l;+w:2(b))".
#ifndef GROVE_TESTS_NESTED_TABLE_H
#define GROVE_TESTS_NESTED_TABLE_H
#include "parquet_fixture.h"

typedef struct nest_maker {
  const char *p; // of the spec, what is left
  unsigned nulls_in_8;
  uint64_t kinds, *seed;
  char formats[64][24]; // Arrow's, which columns point to until a table is built
  size_t n;
} nest_maker;

GROVE_MAYBE_UNUSED static const char *nest_format(nest_maker *m)
{
  size_t n = strcspn(m->p, "();");
  assert_true(m->n < 64 && n < sizeof m->formats[0]);
  memcpy(m->formats[m->n], m->p, n);
  m->p += n;
  return m->formats[m->n++];
}

GROVE_MAYBE_UNUSED static void nest_validity(grove__column *c, nest_maker *m, size_t rows)
{
  if (!m->nulls_in_8) {
    return;
  }
  c->validity_bytes = rows / 8 + 1;
  c->validity = grove__alloc_zero(&grove__allocator_malloc, c->validity_bytes);
  assert_non_null(c->validity);
  for (size_t i = 0; i < rows; i++) {
    if (grove__random_below(m->seed, 8) < m->nulls_in_8) {
      c->nulls++;
    } else {
      grove__bit_set(c->validity, (int64_t)i);
    }
  }
}

// Offsets of lists of 0 to 4 items, also where a list is null. Gives the items.
GROVE_MAYBE_UNUSED static size_t nest_offsets(
    grove__column *c, nest_maker *m, size_t rows, size_t width)
{
  c->values_bytes = (rows + 1) * width;
  c->values = grove__alloc_zero(&grove__allocator_malloc, c->values_bytes);
  assert_non_null(c->values);
  int64_t at = 0;
  for (size_t i = 0; i <= rows; i++) {
    if (width == 4) {
      ((int32_t *)c->values)[i] = (int32_t)at;
    } else {
      ((int64_t *)c->values)[i] = at;
    }
    at += i < rows ? (int64_t)(grove__random_below(m->seed, 3) * grove__random_below(m->seed, 3)) : 0;
  }
  return (size_t)at;
}

GROVE_MAYBE_UNUSED static void nest_fill(
    grove__column *c, nest_maker *m, const char *name, size_t rows);

GROVE_MAYBE_UNUSED static void nest_children(grove__column *c, nest_maker *m, size_t rows)
{
  static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
  c->children = grove__alloc_zero(&grove__allocator_malloc, 6 * sizeof *c->children);
  assert_non_null(c->children);
  assert_int_equal(*m->p, '(');
  while (*m->p != ')') {
    m->p++;
    assert_true(c->n_children < 6);
    nest_fill(&c->children[c->n_children], m, names[c->n_children], rows);
    c->n_children++;
  }
  m->p++;
  // To what it is freed by.
  grove__column *exact = grove__alloc_zero(&grove__allocator_malloc, c->n_children * sizeof *exact);
  assert_non_null(exact);
  memcpy(exact, c->children, c->n_children * sizeof *exact);
  grove__free(&grove__allocator_malloc, c->children, 6 * sizeof *c->children);
  c->children = exact;
}

GROVE_MAYBE_UNUSED static void nest_map(grove__column *c, nest_maker *m, size_t items)
{
  unsigned nulls = m->nulls_in_8;
  grove__column *entries = grove__alloc_zero(&grove__allocator_malloc, sizeof *entries);
  assert_non_null(entries);
  *entries = (grove__column){.name = "entries", .format = "+s", .rows = items, .required = true};
  nest_children(entries, m, items);
  assert_int_equal(entries->n_children, 2);
  entries->children[0].required = true;
  grove__free(&grove__allocator_malloc, entries->children[0].validity, entries->children[0].validity_bytes);
  entries->children[0].validity = NULL;
  entries->children[0].validity_bytes = 0;
  entries->children[0].nulls = 0;
  c->children = entries;
  c->n_children = 1;
  m->nulls_in_8 = nulls;
}

GROVE_MAYBE_UNUSED static void nest_fill(
    grove__column *c, nest_maker *m, const char *name, size_t rows)
{
  const char *format = nest_format(m);
  grove__layout layout;
  check_ok(grove__layout_any(format, &layout));
  if (!grove__layout_is_nested(&layout)) {
    const column_plan plan = {format, m->nulls_in_8, m->kinds};
    fill_column(c, &plan, rows, m->seed);
  } else {
    *c = (grove__column){.format = format};
    nest_validity(c, m, rows);
    size_t items = layout.shape == GROVE__SHAPE_LIST         ? nest_offsets(c, m, rows, layout.width)
                   : layout.shape == GROVE__SHAPE_FIXED_LIST ? rows * layout.width
                                                             : rows;
    if (strcmp(format, "+m") == 0) {
      nest_map(c, m, items);
    } else {
      nest_children(c, m, items);
    }
  }
  c->name = name;
  c->rows = rows;
}

// One column a spec, called by it; in front of them, if it is wanted, "row", which counts from 0.
GROVE_MAYBE_UNUSED static grove_table *table_of_specs(const char *const *specs, size_t n, size_t rows,
    unsigned nulls_in_8, uint64_t kinds, uint64_t seed, bool numbered)
{
  static nest_maker m;
  grove__column columns[17];
  grove_table *t = NULL;
  grove_error err;
  size_t first = numbered;
  assert_true(n <= 16);
  m = (nest_maker){.nulls_in_8 = nulls_in_8, .kinds = kinds, .seed = &seed};
  if (numbered) {
    fill_column(&columns[0], &(column_plan){"l", 0, 1}, rows, &seed);
    columns[0].name = "row";
    for (size_t i = 0; i < rows; i++) {
      ((int64_t *)columns[0].values)[i] = (int64_t)i;
    }
  }
  for (size_t i = 0; i < n; i++) {
    m.p = specs[i];
    nest_fill(&columns[first + i], &m, specs[i], rows);
    assert_int_equal(*m.p, 0);
  }
  check_ok_err(
      grove__table_build(&grove__allocator_malloc, columns, first + n, rows, &t, &err), &err);
  return t;
}

GROVE_MAYBE_UNUSED static grove_table *nested_table(const char *const *specs, size_t n, size_t rows,
    unsigned nulls_in_8, uint64_t kinds, uint64_t seed)
{
  return table_of_specs(specs, n, rows, nulls_in_8, kinds, seed, false);
}
#endif
