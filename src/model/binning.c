#include "model/binning.h"
#include "base/status.h"
#include "model/fit_work.h"
#include "model/presort.h"
#include "model/tree.h"
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
  KEYED = 512,       // rows whose values are sorted without the rows that they are of
  JOINED = 4096,     // rows of a chunk
  COLUMNS = 1 << 20, // bytes that are kept by column, too, at most
  SLACK = 3,         // bytes behind them that may be read
  TOGETHER = 1 << 20 // bytes of bins that are made, at least, before they are put side by side
};

struct making {
  grove__bins *b;
  grove__features x;
  uint32_t max_bin;
  size_t first; // block of those that are made now
  size_t some;  // blocks that are made at a time: each feature once more is too much for large data
  char *lanes;  // of many rows: what each lane sorts in; NULL: they take it for each feature
  size_t lane_bytes;
  size_t width;
  uint8_t *bytes;    // [feature of these blocks][row], before the bytes are put side by side
  atomic_int status; // the first failure of a chunk; read when all have ended
};

// A column's values, rising: rows in their order, or keys alone (then `order` is NULL).
struct sorted {
  grove__values v;
  const uint32_t *order;
  grove__keys keys;
};

static inline double value_at(const struct sorted *s, size_t i)
{
  return s->order ? grove__value(s->v, s->order[i]) : grove__key_value(s->keys, i);
}

static inline bool is_same(const struct sorted *s, size_t i, size_t k)
{
  return s->order         ? value_at(s, i) == value_at(s, k)
         : s->keys.narrow ? s->keys.narrow[i] == s->keys.narrow[k]
                          : s->keys.wide[i] == s->keys.wide[k];
}

static size_t run_length(const struct sorted *s, size_t from, size_t end)
{
  size_t i = from + 1;
  while (i < end && is_same(s, i, from)) {
    i++;
  }
  return i - from;
}

static bool fits(const struct sorted *s, size_t n, uint32_t most)
{
  size_t distinct = 0;
  for (size_t i = 0; i < n && distinct <= most; i += run_length(s, i, n)) {
    distinct++;
  }
  return distinct <= most;
}

// Walks the sorted values and closes a bin where it holds its share of the rows that are left; rows of one
// value stay together. With no more values than bins each value has its own. end[bin]: the place behind its last value.
static uint32_t cut(
    const struct sorted *s, size_t n, uint32_t most, double *edge, size_t end[GROVE__BIN_COUNT])
{
  bool each = fits(s, n, most);
  size_t left = n, held = 0;
  uint32_t bin = 0;
  for (size_t i = 0; i < n;) {
    size_t run = run_length(s, i, n), next = i + run;
    held += run;
    if (next < n && bin + 1 < most) {
      size_t coming = each ? 0 : run_length(s, next, n);
      // Full, or nearer to full without the next value than with it.
      if (each || (2 * held + coming) * (most - bin) >= 2 * left) {
        edge[bin] = grove__between(value_at(s, i), value_at(s, next));
        end[bin++] = next;
        left -= held;
        held = 0;
      }
    }
    i = next;
  }
  edge[bin] = HUGE_VAL;
  end[bin] = n;
  return bin + 1;
}

static void code_order(const uint32_t *order, const size_t *end, uint32_t bins, uint8_t *code)
{
  size_t i = 0;
  for (uint32_t bin = 0; bin < bins; bin++) {
    for (; i < end[bin]; i++) {
      code[order[i]] = (uint8_t)bin;
    }
  }
}

// By the highest key of each bin.
static void code_keys(
    const struct sorted *s, size_t rows, const size_t *end, uint32_t bins, uint8_t *code)
{
  uint32_t narrow[GROVE__BIN_COUNT];
  uint64_t wide[GROVE__BIN_COUNT];
  grove__keys last = {s->keys.narrow ? narrow : NULL, s->keys.narrow ? NULL : wide};
  for (uint32_t bin = 0; bin < bins && end[bin]; bin++) {
    if (last.narrow) {
      narrow[bin] = s->keys.narrow[end[bin] - 1];
    } else {
      wide[bin] = s->keys.wide[end[bin] - 1];
    }
  }
  grove__presort_codes(s->v, rows, last, end[0] ? bins : 0, GROVE__BIN_MISSING, code);
}

// ---- categories ---------------------------------------------------------------------------------------
// One category: where its rows lie in the order, and how many there are.
struct run {
  size_t from;
  size_t count;
  bool kept;
};

static int by_count(const void *a, const void *b)
{
  const struct run *x = *(struct run *const *)a, *y = *(struct run *const *)b;
  return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                              : (x->from > y->from) - (x->from < y->from);
}

// Of more categories than there are bins, the most frequent; of equals the smaller numbers.
static bool keep_frequent(const grove_allocator *a, struct run *runs, size_t n, size_t most)
{
  struct run **sorted = grove__alloc_array(a, n, sizeof *sorted);
  if (!sorted) {
    return false;
  }
  for (size_t i = 0; i < n; i++) {
    sorted[i] = &runs[i];
  }
  qsort(sorted, n, sizeof *sorted, by_count);
  for (size_t i = 0; i < most; i++) {
    sorted[i]->kept = true;
  }
  grove__free(a, sorted, n * sizeof *sorted);
  return true;
}

static uint32_t code_runs(
    const struct sorted *s, const struct run *runs, size_t n, double *edge, uint8_t *code)
{
  uint32_t used = 0, kept = 0;
  for (size_t i = 0; i < n; i++) {
    kept += runs[i].kept;
  }
  for (size_t i = 0; i < n; i++) {
    uint32_t bin = runs[i].kept ? used++ : kept;
    edge[bin] = runs[i].kept ? value_at(s, runs[i].from) : NAN;
    for (size_t k = 0; k < runs[i].count; k++) {
      code[s->order[runs[i].from + k]] = (uint8_t)bin;
    }
  }
  return kept + (kept < n);
}

// The number of bins; 0: no memory, or no rows.
static uint32_t bin_categories(
    const grove_allocator *a, const struct sorted *s, size_t present, double *edge, uint8_t *code)
{
  size_t n = 0, distinct = 0;
  for (size_t i = 0; i < present; i += run_length(s, i, present)) {
    distinct++;
  }
  struct run *runs = grove__alloc_array(a, distinct, sizeof *runs);
  if (!runs) {
    return 0;
  }
  bool all = distinct <= GROVE__BIN_VALUES;
  for (size_t i = 0; i < present; i += runs[n++].count) {
    runs[n] = (struct run){i, run_length(s, i, present), all};
  }
  bool good = all || keep_frequent(a, runs, n, GROVE__BIN_VALUES - 1);
  uint32_t bins = good ? code_runs(s, runs, n, edge, code) : 0;
  grove__free(a, runs, distinct * sizeof *runs);
  return bins;
}

// Side by side with those of the block's other features; and the highest of each bin.
static void put_ranks(const grove__bins *b, size_t f, const uint8_t *code, const uint32_t *rank)
{
  uint32_t *out = grove__bins_ranks(b, f);
  size_t width = grove__bins_width(b, f / GROVE__BLOCK);
  uint32_t *last = b->last_rank + f * GROVE__BIN_VALUES;
  memset(last, 0, b->bin_count[f] * sizeof *last);
  for (size_t i = 0; i < b->rows; i++) {
    out[i * width] = rank[i];
    if (code[i] != GROVE__BIN_MISSING && rank[i] > last[code[i]]) {
      last[code[i]] = rank[i];
    }
  }
}

// `spare`: room for as many ranks, if there is an order.
static grove_status make_bins(
    const struct making *m, size_t f, const struct sorted *s, size_t present, uint32_t *spare)
{
  grove__bins *b = m->b;
  uint8_t *code = m->bytes + (f - m->first * GROVE__BLOCK) * b->rows;
  double *edge = b->edge + f * GROVE__BIN_VALUES;
  bool categories = grove__bins_are_categories(b, f) && present;
  size_t end[GROVE__BIN_COUNT];
  b->missing[f] = (uint32_t)(b->rows - present);
  if (categories) {
    b->bin_count[f] = bin_categories(&b->allocator, s, present, edge, code);
  } else {
    b->bin_count[f] = cut(s, present, m->max_bin, edge, end);
  }
  if (b->bin_count[f] == 0) {
    return GROVE_ENOMEM;
  }
  if (!s->order) {
    code_keys(s, b->rows, end, b->bin_count[f], code);
    return GROVE_OK;
  }
  if (!categories) {
    code_order(s->order, end, b->bin_count[f], code);
  }
  for (size_t i = present; i < b->rows; i++) {
    code[s->order[i]] = GROVE__BIN_MISSING;
  }
  if (b->rank && !categories) {
    grove__presort_ranks(s->v, s->order, b->rows, present, spare);
  }
  for (size_t i = 0; b->rank && categories && i < b->rows; i++) {
    spare[i] = code[i] == GROVE__BIN_MISSING ? b->bin_count[f] : code[i];
  }
  if (b->rank) {
    put_ranks(b, f, code, spare);
  }
  return GROVE_OK;
}

// The order of a column's rows, and behind it what sorting takes.
static size_t sorting_bytes(size_t rows)
{
  return (rows + rows % 2) * sizeof(uint32_t) + grove__presort_scratch(rows);
}

static void bin_feature(void *user, size_t i)
{
  struct making *m = user;
  grove__bins *b = m->b;
  size_t f = m->first * GROVE__BLOCK + i, bytes = sorting_bytes(b->rows);
  char *own = m->lanes ? NULL : grove__alloc(&b->allocator, bytes);
  // Between two yields each of `width` features is another lane's.
  char *room = m->lanes ? m->lanes + i % m->width * m->lane_bytes : own;
  grove_status s = GROVE_ENOMEM;
  if (room) {
    uint32_t *order = (uint32_t *)(void *)room, *scratch = order + b->rows + b->rows % 2;
    struct sorted sorted = {.v = grove__feature(m->x, f)};
    bool ordered = b->rank || grove__bins_are_categories(b, f) || b->rows < KEYED;
    sorted.order = ordered ? order : NULL;
    size_t present = ordered ? grove__presort_in(sorted.v, b->rows, order, scratch)
                             : grove__presort_keys(sorted.v, b->rows, scratch, &sorted.keys);
    s = make_bins(m, f, &sorted, present, scratch);
  }
  if (s) {
    atomic_store_explicit(&m->status, s, memory_order_relaxed); // parallel_for's end orders it
  }
  grove__free(&b->allocator, own, bytes);
}

// The bytes of some rows, put side by side.
static void join_rows(void *user, size_t chunk)
{
  struct making *m = user;
  grove__bins *b = m->b;
  size_t from = chunk * JOINED, end = b->rows - from < JOINED ? b->rows : from + JOINED;
  for (size_t block = m->first; block < m->first + m->some && block < b->blocks; block++) {
    uint64_t *out = b->code + block;
    for (size_t i = from; i < end; i++) {
      out[i * b->blocks] = 0;
    }
    for (size_t k = 0; k < GROVE__BLOCK && block * GROVE__BLOCK + k < b->features; k++) {
      const uint8_t *code = m->bytes + ((block - m->first) * GROVE__BLOCK + k) * b->rows;
      for (size_t i = from; i < end; i++) {
        out[i * b->blocks] |= (uint64_t)code[i] << (8 * k);
      }
    }
  }
}

static grove_status reserve(grove__bins *b, bool ranks)
{
  const grove_allocator *a = &b->allocator;
  b->edge = grove__alloc_array(a, b->features, GROVE__BIN_VALUES * sizeof *b->edge);
  b->bin_count = grove__alloc_array(a, b->features, sizeof *b->bin_count);
  b->missing = grove__alloc_array(a, b->features, sizeof *b->missing);
  size_t words;
  if (!grove__multiply(b->blocks, b->rows, &words)) {
    return GROVE_ENOMEM;
  }
  b->code = grove__alloc_lines(a, words, sizeof *b->code);
  if (ranks) {
    b->rank = grove__alloc_lines(a, b->features * b->rows, sizeof *b->rank);
    b->last_rank = grove__alloc_array(a, b->features, GROVE__BIN_VALUES * sizeof *b->last_rank);
  }
  bool all =
      b->edge && b->bin_count && b->missing && b->code && ((b->rank && b->last_rank) || !ranks);
  return all ? GROVE_OK : GROVE_ENOMEM;
}

// Blocks that are made at a time: a feature for each lane, and enough rows to be worth a start of all.
static size_t count_together(const grove__bins *b, size_t width)
{
  size_t lanes = (width + GROVE__BLOCK - 1) / GROVE__BLOCK;
  size_t worth = TOGETHER / (GROVE__BLOCK * (b->rows + 1)) + 1,
         most = lanes > worth ? lanes : worth;
  return most < b->blocks ? most : b->blocks;
}

// Features that a lane makes between two yields.
static size_t batch_of(size_t rows)
{
  return 1 + ((size_t)1 << 14) / (rows + 1);
}

// Of many rows each lane keeps its room for all features, from the caller's hand: freed by threads of their own, as much
// as this may stay with them when it is needed elsewhere.
static grove_status reserve_lanes(struct making *m)
{
  size_t bytes = sorting_bytes(m->b->rows), all;
  m->lane_bytes = (bytes + 63) / 64 * 64;
  if (batch_of(m->b->rows) > 1) {
    return GROVE_OK;
  }
  m->width = m->width < m->b->features ? m->width : m->b->features;
  m->lanes =
      grove__multiply(m->lane_bytes, m->width, &all) ? grove__alloc(&m->b->allocator, all) : NULL;
  return m->lanes ? GROVE_OK : GROVE_ENOMEM;
}

static grove_status make_some(struct making *m, const grove_work *work)
{
  size_t rows = m->b->rows, columns = m->b->features - m->first * GROVE__BLOCK;
  columns = m->some * GROVE__BLOCK < columns ? m->some * GROVE__BLOCK : columns;
  GROVE__TRY(grove__work_run(work, columns, batch_of(rows), bin_feature, m));
  GROVE__TRY(
      (grove_status)atomic_load_explicit(&m->status, memory_order_relaxed)); // all have ended
  size_t batch = 1 + ((size_t)1 << 17) / (JOINED * columns);
  return grove__work_run(work, (rows + JOINED - 1) / JOINED, batch, join_rows, m);
}

grove_status grove__bins_make(const grove_allocator *a, const grove_matrix *x,
    const float *const *floats, const uint8_t *category, uint32_t max_bin, bool ranks,
    const grove_work *work, grove__bins *out)
{
  size_t blocks = (x->columns + GROVE__BLOCK - 1) / GROVE__BLOCK;
  *out = (grove__bins){.allocator = *a,
      .category = category,
      .features = x->columns,
      .blocks = blocks,
      .rows = x->rows};
  uint32_t most = max_bin < GROVE__BIN_VALUES ? max_bin : GROVE__BIN_VALUES;
  struct making m = {.b = out, .x = {x->column, floats}, .max_bin = most};
  m.width = grove__work_width(work);
  m.some = count_together(out, m.width);
  grove_status s = reserve(out, ranks);
  s = s ? s : reserve_lanes(&m);
  size_t columns = m.some * GROVE__BLOCK < x->columns ? m.some * GROVE__BLOCK : x->columns;
  if (s == GROVE_OK) {
    m.bytes = grove__alloc_array(a, columns * x->rows + SLACK, 1);
    s = m.bytes ? GROVE_OK : GROVE_ENOMEM;
  }
  for (; s == GROVE_OK && m.first < blocks; m.first += m.some) {
    s = make_some(&m, work);
  }
  if (s == GROVE_OK && columns == x->columns && columns * x->rows <= COLUMNS) {
    out->column = m.bytes;
  } else {
    grove__free(a, m.bytes, columns * x->rows + SLACK);
  }
  grove__free(a, m.lanes, m.lane_bytes * m.width);
  if (s) {
    grove__bins_free(out);
  }
  return s;
}

void grove__bins_free(grove__bins *b)
{
  const grove_allocator *a = &b->allocator;
  grove__free_lines(a, b->code, b->blocks * b->rows * sizeof *b->code);
  grove__free(a, b->column, b->features * b->rows + SLACK);
  grove__free(a, b->edge, b->features * GROVE__BIN_VALUES * sizeof *b->edge);
  grove__free(a, b->bin_count, b->features * sizeof *b->bin_count);
  grove__free(a, b->missing, b->features * sizeof *b->missing);
  grove__free_lines(a, b->rank, b->features * b->rows * sizeof *b->rank);
  grove__free(a, b->last_rank, b->features * GROVE__BIN_VALUES * sizeof *b->last_rank);
  memset(b, 0, sizeof *b);
}
