#include "columnar/growing.h"
#include "columnar/builder.h"
#include "columnar/gather.h"

struct grove__growing {
  grove__budget budget;
  struct ArrowSchema schema; // the builders borrow from it
  grove__builder *columns;
  size_t n;
  uint64_t rows;
};

static grove_status fail(const grove__growing *g, grove_status s, grove_error *err)
{
  return s == GROVE_ELIMIT
             ? grove__error(err, s, -1, "the rows to keep take more than the limit of %llu bytes (memory_bytes)",
                   (unsigned long long)g->budget.limit)
             : grove__error_memory(err, "rows to keep", g->budget.used);
}

static grove_status begin(grove__growing *g, const grove_table *like, grove_error *err)
{
  struct ArrowArray none = {.release = NULL};
  GROVE__TRY(grove_table_export(like, &none, &g->schema, err));
  none.release(&none);
  g->columns = grove__alloc_zero(&g->budget.allocator, like->n * sizeof *g->columns);
  if (!g->columns) {
    return fail(g, GROVE_ENOMEM, err);
  }
  for (; g->n < like->n; g->n++) {
    grove_status s =
        grove__builder_init_like(&g->budget, &g->columns[g->n], g->schema.children[g->n]);
    if (s) {
      g->n++; // what it has is freed with the others
      return fail(g, s, err);
    }
  }
  return GROVE_OK;
}

grove_status grove__growing_create(
    const grove_table *like, uint64_t limit, grove__growing **out, grove_error *err)
{
  *out = NULL;
  grove__growing *g = grove__alloc_zero(&grove__allocator_malloc, sizeof *g);
  if (!g) {
    return grove__error_memory(err, "rows to keep", sizeof *g);
  }
  g->budget.allocator = grove__allocator_malloc;
  g->budget.limit = limit;
  grove_status s = begin(g, like, err);
  if (s) {
    grove__growing_free(g);
    return s;
  }
  *out = g;
  return GROVE_OK;
}

// All rows of columns[0], columns[1] …; places NULL: those of the table, in its order.
static grove_status append(grove__growing *g, const grove_table *from, const size_t *places, grove_error *err)
{
  for (size_t i = 0; i < g->n && from->rows; i++) {
    const grove__stored *c = &from->columns[places ? places[i] : i];
    grove_status s = grove__builder_append(&g->budget, &g->columns[i], c, (int64_t)from->rows);
    if (s) {
      return fail(g, s, err);
    }
  }
  g->rows += from->rows;
  return GROVE_OK;
}

static grove_status gather(const grove__growing *g, const grove_table *from, const size_t *places,
    const uint64_t *rows, size_t n, grove_table **out, grove_error *err)
{
  const grove_allocator *a = &g->budget.allocator;
  grove__column *columns = grove__alloc_zero(a, g->n * sizeof *columns);
  grove_status s = columns ? GROVE_OK : fail(g, GROVE_ENOMEM, err);
  for (size_t i = 0; i < g->n && !s; i++) {
    // A row number is below INT64_MAX / 64, so the signed type reads it alike.
    s = grove__gather(a, &from->columns[places[i]], (const int64_t *)rows, n, &columns[i], err);
  }
  s = s ? s : grove__table_build(a, columns, g->n, n, out, err);
  if (s && columns) {
    grove__columns_free(a, columns, g->n);
  }
  grove__free(a, columns, g->n * sizeof *columns);
  return s;
}

grove_status grove__growing_add(grove__growing *g, const grove_table *from, const size_t *places,
    const uint64_t *rows, size_t n, grove_error *err)
{
  if (!rows) {
    return append(g, from, places, err);
  }
  grove_table *some = NULL;
  GROVE__TRY(gather(g, from, places, rows, n, &some, err));
  grove_status s = append(g, some, NULL, err);
  grove_table_release(some);
  return s;
}

grove_status grove__growing_finish(grove__growing *g, grove_table **out, grove_error *err)
{
  const grove_allocator *a = &g->budget.allocator;
  *out = NULL;
  grove__column *columns = grove__alloc_zero(a, g->n * sizeof *columns);
  grove_status s = columns ? GROVE_OK : fail(g, GROVE_ENOMEM, err);
  for (size_t i = 0; i < g->n && !s; i++) {
    const struct ArrowSchema *c = g->schema.children[i];
    s = grove__builder_finish(&g->budget, &g->columns[i], c->name, c->format, &columns[i]);
    s = s ? fail(g, s, err) : GROVE_OK;
  }
  s = s ? s : grove__table_build(a, columns, g->n, g->rows, out, err);
  if (s && columns) {
    grove__columns_free(a, columns, g->n);
  }
  grove__free(a, columns, g->n * sizeof *columns);
  return s;
}

void grove__growing_free(grove__growing *g)
{
  if (!g) {
    return;
  }
  for (size_t i = 0; i < g->n; i++) {
    grove__builder_free(&g->budget, &g->columns[i]);
  }
  // The block was made for as many columns as the schema has.
  size_t all = g->schema.release ? (size_t)g->schema.n_children : 0;
  grove__free(&g->budget.allocator, g->columns, all * sizeof *g->columns);
  if (g->schema.release) {
    g->schema.release(&g->schema);
  }
  grove__free(&grove__allocator_malloc, g, sizeof *g);
}
