// Rows of a leaf in lists: as many entries as they take, levels kept as they are, values behind them.
#include "base/error.h"
#include "base/status.h"
#include "columnar/bitmap.h"
#include "parquet/scan.h"

enum { TILE = 1024, SKIP_ROWS = 1024 };

static grove_status fail_levels(grove__scan *s, const char *flaw, grove_error *err)
{
  return grove__scan_fail(s, err, GROVE_ECORRUPT, "levels: %s", flaw);
}

// How many of the n entries that come next are of the rows that are wanted, of which *started have begun. Their
// repetition levels are left in `tile`.
static grove_status find_entries(grove__scan *s, size_t n, uint64_t wanted, uint64_t *started,
    uint32_t *tile, size_t *out, grove_error *err)
{
  grove__runs before = s->reps;
  size_t k = 0;
  const char *flaw = grove__runs_take(&s->reps, tile, n);
  if (!flaw && !s->begun && tile[0] != 0) {
    flaw = "the first repetition level is not 0";
  }
  s->begun = true;
  for (; k < n && !flaw; k++) {
    if (tile[k] == 0) {
      if (*started == wanted) {
        break;
      }
      ++*started;
    } else if (tile[k] > s->leaf->repeats) {
      flaw = "a repetition level above the column's highest";
    }
  }
  if (!flaw && k < n) { // what was taken too many is taken again
    s->reps = before;
    flaw = grove__runs_take(&s->reps, tile, k);
  }
  *out = k;
  return flaw ? fail_levels(s, flaw, err) : GROVE_OK;
}

// Definition levels of n entries: which of them have an item, and which of these are there.
static const char *settle_entries(grove__scan *s, grove__sink *sink, const uint32_t *reps,
    const uint32_t *defs, size_t n, size_t *items, size_t *valid)
{
  const grove__leaf *leaf = s->leaf;
  for (size_t i = 0; i < n; i++) {
    if (defs[i] > leaf->levels) {
      return "a definition level above the column's highest";
    }
    sink->reps.p[sink->entries + i] = (uint8_t)reps[i];
    sink->defs.p[sink->entries + i] = (uint8_t)defs[i];
    if (defs[i] < leaf->slot_def) {
      continue;
    }
    bool there = defs[i] == leaf->levels;
    *valid += there;
    if (leaf->optional) {
      int64_t to = (int64_t)(sink->rows + *items);
      if (there) {
        grove__bit_set(sink->validity.p, to);
      } else {
        grove__bit_clear(sink->validity.p, to);
      }
    }
    ++*items;
  }
  return NULL;
}

static grove_status take_entries(
    grove__scan *s, grove__sink *sink, const uint32_t *reps, size_t n, grove_error *err)
{
  uint32_t defs[TILE];
  size_t items = 0, valid = 0;
  size_t want = (size_t)sink->entries + n;
  GROVE__TRY(grove__block_reserve(s->budget, &sink->defs, want, "levels", err));
  GROVE__TRY(grove__block_reserve(s->budget, &sink->reps, want, "levels", err));
  GROVE__TRY(grove__scan_reserve(s, sink, n, err));
  const char *flaw = grove__runs_take(&s->levels, defs, n);
  flaw = flaw ? flaw : settle_entries(s, sink, reps, defs, n, &items, &valid);
  if (flaw) {
    return fail_levels(s, flaw, err);
  }
  if (s->page_valid_left != UINT64_MAX) {
    bool last = n == s->page_left;
    if (valid > s->page_valid_left || (last && valid != s->page_valid_left)) {
      return fail_levels(s, "the page's number of nulls is not that of its levels", err);
    }
    s->page_valid_left -= valid;
  }
  sink->entries += n;
  s->page_left -= (uint32_t)n;
  return items ? grove__scan_values(s, sink, items, valid, err) : GROVE_OK;
}

// A row ends where the next begins: with the next entry of repetition level 0, or with the chunk.
static grove_status take_lists(grove__scan *s, grove__sink *sink, uint64_t n, grove_error *err)
{
  uint32_t reps[TILE];
  for (uint64_t started = 0;;) {
    if (!s->page_left) {
      if (started == n && !s->chunk_left) {
        return GROVE_OK;
      }
      GROVE__TRY(grove__scan_page(s, err));
      continue; // without a page, if all that was behind has been passed over
    }
    size_t ready = s->page_left < TILE ? s->page_left : TILE, take;
    GROVE__TRY(find_entries(s, ready, n, &started, reps, &take, err));
    if (take) {
      GROVE__TRY(take_entries(s, sink, reps, take, err));
    }
    if (take < ready) {
      return GROVE_OK;
    }
  }
}

uint64_t grove__scan_count_rows(const grove__scan *s, grove__runs *reps, uint32_t n)
{
  uint32_t tile[TILE];
  uint64_t rows = 0;
  bool first = !s->begun;
  while (n) {
    size_t take = n < TILE ? n : TILE;
    if (grove__runs_take(reps, tile, take) || (first && tile[0] != 0)) {
      return UINT64_MAX;
    }
    first = false;
    for (size_t i = 0; i < take; i++) {
      rows += tile[i] == 0;
      if (tile[i] > s->leaf->repeats) {
        return UINT64_MAX;
      }
    }
    n -= (uint32_t)take;
  }
  return rows;
}

// Pages that hold nothing but skipped rows are passed over by grove__scan_page. What is left of them is decoded into a
// sink that goes away, and so is the rest of the last one, which may go on in a page that is not passed.
static grove_status skip_lists(grove__scan *s, grove_error *err)
{
  grove__sink lost = {0};
  grove_status status = GROVE_OK;
  if (!s->behind) {
    return GROVE_OK;
  }
  while (s->behind && !status) {
    if (!s->page_left) {
      status = grove__scan_page(s, err);
      continue;
    }
    uint64_t n = s->behind < SKIP_ROWS ? s->behind : SKIP_ROWS;
    s->behind -= n;
    lost.rows = lost.nulls = lost.text_bytes = lost.entries = 0;
    status = take_lists(s, &lost, n, err);
  }
  lost.rows = lost.nulls = lost.text_bytes = lost.entries = 0;
  status = status ? status : take_lists(s, &lost, 0, err);
  grove__sink_free(s->budget, &lost);
  return status;
}

grove_status grove__scan_lists(grove__scan *s, grove__sink *sink, uint64_t n, grove_error *err)
{
  GROVE__TRY(skip_lists(s, err));
  return n ? take_lists(s, sink, n, err) : GROVE_OK;
}
