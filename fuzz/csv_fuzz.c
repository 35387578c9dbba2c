// Any bytes as a CSV, with options chosen by the first of them. What is read must be a table that
// holds together: it is exported, checked by the importer, taken apart and grouped.
#include "columnar/arrow.h"
#include <grove/columnar.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static grove_status stop_never(void *user, const char *key, const uint64_t *rows, size_t n)
{
  size_t *seen = user;
  *seen += n + (key && rows[0] == UINT64_MAX);
  return GROVE_OK;
}

static void require(bool fact)
{
  if (!fact) {
    abort();
  }
}

static void use_table(grove_table *t)
{
  size_t rows = grove_table_rows(t);
  uint64_t *order = malloc((rows + 1) * sizeof *order);
  double *numbers = malloc((rows + 1) * sizeof *numbers);
  grove_error err;
  require(order && numbers);
  for (size_t c = 0; c < grove_table_columns(t); c++) {
    size_t seen = 0;
    grove_status s = grove_table_doubles(t, c, 0, rows, numbers, &err);
    require(s == GROVE_OK || s == GROVE_ENOTSUP);
    require(grove_table_group(t, c, order, stop_never, &seen, &err) == GROVE_OK && seen == rows);
  }
  free(order);
  free(numbers);
  struct ArrowArray array;
  struct ArrowSchema schema;
  grove_table *back = NULL;
  require(grove_table_export(t, &array, &schema, &err) == GROVE_OK);
  require(grove_table_import(&array, &schema, &back, &err) == GROVE_OK);
  require(grove_table_rows(back) == rows);
  grove_table_release(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
  static const char *const nulls[] = {"-1", "x", NULL};
  static const char delimiters[] = {',', ';', '\t', ' '};
  grove_csv_options o = {.struct_size = sizeof o};
  grove_table *t = NULL;
  grove_error err;
  if (!bytes) {
    return 0;
  }
  o.delimiter = (uint32_t)delimiters[data[0] & 3];
  o.no_header = data[0] >> 2 & 1;
  o.nulls = data[0] & 8 ? nulls : NULL;
  o.quote = data[0] & 16 ? '\'' : '"';
  o.memory_bytes = data[0] & 32 ? 4096 : 64 << 20;
  grove_status s = grove_csv_parse((const char *)data + 1, bytes - 1, &o, &t, &err);
  require((s == GROVE_OK) == (t != NULL));
  if (t) {
    use_table(t);
    grove_table_release(t);
  } else {
    require(err.status == s && err.text[0]);
  }
  return 0;
}
