// Training rows and test rows, the same as scikit-learn's.
#include "columnar/mersenne.h"
#include "columnar/table.h"
#include <math.h>

static grove_status check_split(
    uint64_t rows, double part, uint64_t seed, uint64_t *second, grove_error *err)
{
  if (!(part > 0 && part < 1)) {
    return grove__error(
        err, GROVE_EINVAL, -1, "a part of %g: it must be above 0 and below 1", part);
  }
  if (seed > UINT32_MAX) {
    return grove__error(err, GROVE_EINVAL, -1,
        "seed %llu: NumPy's generator takes seeds from 0 to 4294967295", (unsigned long long)seed);
  }
  double count = ceil((double)rows * part);
  *second = (uint64_t)count;
  if (rows == 0 || *second == 0 || *second >= rows) {
    return grove__error(err, GROVE_EINVAL, -1,
        "%llu rows, split with a part of %g, leave one side without a row",
        (unsigned long long)rows, part);
  }
  return GROVE_OK;
}

static grove_status split_by(const grove_table *t, uint64_t *order, uint64_t second_rows,
    uint32_t seed, grove_table **parts, grove_error *err)
{
  grove__mersenne m;
  for (uint64_t i = 0; i < t->rows; i++) {
    order[i] = i;
  }
  grove__mersenne_init(&m, seed);
  grove__mersenne_shuffle(&m, order, t->rows);
  GROVE__TRY(
      grove_table_take(t, order + second_rows, (size_t)(t->rows - second_rows), &parts[0], err));
  grove_status s = grove_table_take(t, order, (size_t)second_rows, &parts[1], err);
  if (s) {
    grove_table_release(parts[0]);
  }
  return s;
}

grove_status grove_table_split(const grove_table *t, double part, uint64_t seed,
    grove_table **first, grove_table **second, grove_error *err)
{
  uint64_t second_rows = 0;
  if (first) {
    *first = NULL;
  }
  if (second) {
    *second = NULL;
  }
  if (!t || !first || !second || first == second) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_table_split wants a table and two places for tables");
  }
  GROVE__TRY(check_split(t->rows, part, seed, &second_rows, err));
  grove_table *parts[2] = {NULL, NULL};
  uint64_t *order = grove__alloc_array(&t->allocator, (size_t)t->rows, sizeof *order);
  if (!order) {
    return grove__error_memory(err, "the order of a split", t->rows * sizeof *order);
  }
  grove_status s = split_by(t, order, second_rows, (uint32_t)seed, parts, err);
  grove__free(&t->allocator, order, (size_t)t->rows * sizeof *order);
  if (!s) {
    *first = parts[0];
    *second = parts[1];
  }
  return s;
}
