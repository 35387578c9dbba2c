// Reads everything and keeps nothing.
#include "base/error.h"
#include "base/status.h"
#include "parquet/file.h"
#include <stdio.h>

enum { ROWS_AT_ONCE = 65536 };

static grove_status check_chunk(
    const grove_parquet *p, grove__scan *scan, grove__sink *sink, size_t group, grove_error *err)
{
  const grove__group *g = &p->footer.groups[group];
  GROVE__TRY(grove__scan_start(scan, &g->chunks[scan->leaf - p->footer.leaves], group, err));
  for (uint64_t left = g->rows; left;) {
    uint64_t rows = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
    sink->rows = sink->nulls = sink->text_bytes = 0; // the memory stays
    sink->expected = rows;
    GROVE__TRY(grove__scan_rows(scan, sink, rows, err));
    left -= rows;
  }
  return grove__scan_finish(scan, err);
}

static grove_status check_column(const grove_parquet *p, size_t i, grove_error *err)
{
  grove__budget budget = {.allocator = p->allocator, .most = p->options.memory_bytes};
  grove__scan scan;
  grove__sink sink = {0};
  grove_status s = GROVE_OK;
  grove__parquet_scan(p, i, &budget, &scan);
  for (size_t g = 0; g < p->footer.n_groups && !s; g++) {
    s = check_chunk(p, &scan, &sink, g, err);
  }
  grove__scan_free(&scan);
  grove__sink_free(&budget, &sink);
  return s;
}

// What can't be read can't be called good.
static grove_status refuse_nested(const grove_parquet *p, grove_error *err)
{
  char names[200] = "";
  size_t nested = 0, used = 0;
  for (size_t i = 0; i < p->footer.n_leaves; i++) {
    if (!p->footer.leaves[i].flat && nested++ < 4 && used < sizeof names) {
      int n = snprintf(names + used, sizeof names - used, "%s\"%s\"", used ? ", " : "",
          p->footer.leaves[i].path);
      used += n > 0 ? (size_t)n : 0;
    }
  }
  return nested ? grove__error(err, GROVE_ENOTSUP, -1,
                      "%zu repeated columns are not read so far (%s%s); the others are good",
                      nested, names, nested > 4 ? ", …" : "")
                : GROVE_OK;
}

grove_status grove_parquet_check(grove_parquet *p, grove_error *err)
{
  if (!p) {
    return grove__error(err, GROVE_EINVAL, -1, "grove_parquet_check wants a file");
  }
  for (size_t i = 0; i < p->n_selected; i++) {
    GROVE__TRY(check_column(p, i, err));
  }
  return p->all_columns ? refuse_nested(p, err) : GROVE_OK;
}
