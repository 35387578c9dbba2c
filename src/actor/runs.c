// Runs: what trainings and batch jobs tell of themselves. A list under one lock, for it is told of a few times a second.
#include "actor/runs.h"
#include "actor/activation.h"
#include "base/options.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ENDED_MOST = 16, RUNS_MOST = 256, ITEMS_MOST = 1000, POINTS_MOST = 512, STATES = GROVE_RUN_CANCELED + 1 };

typedef struct entry {
  grove_run_item item;
  double *xy; // POINTS_MOST pairs; NULL: none yet
  uint32_t stride, skipped; // of `stride` points the last is kept
} entry;

typedef struct run {
  struct run *next; // the one that was begun before
  grove_run_info info;
  uint64_t count[STATES]; // of items, also those that are not kept
  entry *entries;
  size_t kept, room, replaced; // replaced: the place that is looked at next
} run;

struct grove__runs {
  run *newest;
  uint64_t ids;
};

static const grove_allocator *memory_of(grove__system *y)
{
  return grove__memory_of(y->memory, GROVE__MEMORY_WATCH);
}

// ---- the list, under its lock -----------------------------------------------------------------------------

static void free_run(const grove_allocator *a, run *r)
{
  for (size_t i = 0; i < r->kept; i++) {
    grove__free(a, r->entries[i].xy, 2 * POINTS_MOST * sizeof(double));
  }
  grove__free(a, r->entries, r->room * sizeof *r->entries);
  grove__free(a, r, sizeof *r);
}

void grove__runs_free(const grove_allocator *a, grove__runs *list)
{
  while (list && list->newest) {
    run *r = list->newest;
    list->newest = r->next;
    free_run(a, r);
  }
  grove__free(a, list, sizeof *list);
}

static run *find(grove__system *y, uint64_t id)
{
  run *r = y->runs ? y->runs->newest : NULL;
  while (r && r->info.id != id) {
    r = r->next;
  }
  return r;
}

// Only the last that ended are kept, and never more than there is room for.
static void forget(grove__system *y)
{
  size_t ended = 0, all = 0;
  for (run **at = &y->runs->newest; *at;) {
    run *r = *at;
    ended += r->info.ended_ns != 0;
    all++;
    if (all > RUNS_MOST || (r->info.ended_ns && ended > ENDED_MOST)) {
      *at = r->next;
      free_run(memory_of(y), r);
    } else {
      at = &r->next;
    }
  }
}

static entry *find_entry(run *r, uint64_t index)
{
  // Items come in order most of the time.
  if (index < r->kept && r->entries[index].item.index == index) {
    return &r->entries[index];
  }
  for (size_t i = 0; i < r->kept; i++) {
    if (r->entries[i].item.index == index) {
      return &r->entries[i];
    }
  }
  return NULL;
}

static entry *add_entry(grove__system *y, run *r)
{
  if (r->kept == ITEMS_MOST) {
    for (size_t i = 0; i < r->kept; i++) {
      entry *e = &r->entries[r->replaced++ % ITEMS_MOST];
      if (e->item.state == GROVE_RUN_DONE || e->item.state == GROVE_RUN_SKIPPED) {
        grove__free(memory_of(y), e->xy, 2 * POINTS_MOST * sizeof(double));
        return e;
      }
    }
    return NULL;
  }
  if (r->kept == r->room) {
    size_t room = r->room ? 2 * r->room : 8;
    entry *more = grove__realloc(memory_of(y), r->entries, r->room * sizeof *more, room * sizeof *more);
    if (!more) {
      return NULL;
    }
    r->entries = more;
    r->room = room;
  }
  return &r->entries[r->kept++];
}

// ---- telling ------------------------------------------------------------------------------------------------

// NULL: it is not kept. Else the lock is held.
static run *begin(grove *g, uint64_t id, grove__system **y)
{
  grove__activation *here;
  if (!id || grove__enter(g, y, &here)) {
    return NULL;
  }
  grove__mutex_lock(&(*y)->runs_lock);
  run *r = find(*y, id);
  if (!r) {
    grove__mutex_unlock(&(*y)->runs_lock);
  }
  return r;
}

static void end(grove__system *y, run *r)
{
  r->info.changes++;
  grove__mutex_unlock(&y->runs_lock);
}

uint64_t grove_run_begin(grove *g, const grove_run_options *options)
{
  grove__system *y;
  grove__activation *here;
  grove_run_options o;
  if (grove__enter(g, &y, &here) || grove__options_read(&o, sizeof o, options)) {
    return 0;
  }
  run *r = grove__alloc_zero(memory_of(y), sizeof *r);
  grove__runs *first = r ? grove__alloc_zero(memory_of(y), sizeof *first) : NULL;
  uint64_t id = 0;
  if (first) {
    grove__mutex_lock(&y->runs_lock);
    if (!y->runs) {
      y->runs = first;
      first = NULL;
    }
    id = ++y->runs->ids;
    r->info = (grove_run_info){.kind = o.kind,
        .state = GROVE_RUN_RUNNING,
        .id = id,
        .who = grove__cell_ref(here && here->cell ? here->cell : y->root),
        .begun_ns = grove__now(y),
        .items = o.items,
        .all_bytes = o.bytes};
    snprintf(r->info.title, sizeof r->info.title, "%s", o.title ? o.title : "");
    r->next = y->runs->newest;
    y->runs->newest = r;
    forget(y);
    grove__mutex_unlock(&y->runs_lock);
    r = NULL;
  }
  grove__free(memory_of(y), first, sizeof *first);
  grove__free(memory_of(y), r, sizeof *r);
  return id;
}

void grove_run_put(grove *g, uint64_t id, const grove_run_item *item)
{
  grove__system *y;
  grove_run_item full;
  if (grove__options_read(&full, sizeof full, item) || full.state >= STATES) {
    return;
  }
  run *r = begin(g, id, &y);
  if (!r) {
    return;
  }
  entry *e = find_entry(r, full.index);
  if (e) {
    r->count[e->item.state]--;
  } else {
    e = add_entry(y, r);
    if (e) {
      *e = (entry){.stride = 1};
    }
  }
  r->count[full.state]++;
  if (e) {
    full.points = e->item.points;
    if (!full.steps[0]) {
      memcpy(full.steps, e->item.steps, sizeof full.steps);
    }
    e->item = full;
  }
  end(y, r);
}

static void add_point(grove__system *y, entry *e, double x, double value)
{
  if (!e->xy) {
    e->xy = grove__alloc_array(memory_of(y), 2 * POINTS_MOST, sizeof(double));
  }
  if (!e->xy || ++e->skipped < e->stride) {
    return;
  }
  e->skipped = 0;
  if (e->item.points == POINTS_MOST) {
    for (uint32_t i = 0; i < POINTS_MOST / 2; i++) {
      e->xy[2 * i] = e->xy[4 * i];
      e->xy[2 * i + 1] = e->xy[4 * i + 1];
    }
    e->item.points = POINTS_MOST / 2;
    e->stride *= 2;
  }
  e->xy[2 * e->item.points] = x;
  e->xy[2 * e->item.points + 1] = value;
  e->item.points++;
}

void grove_run_step(grove *g, uint64_t id, uint64_t index, double progress, const char *text, double x, double value)
{
  grove__system *y;
  run *r = begin(g, id, &y);
  if (!r) {
    return;
  }
  entry *e = find_entry(r, index);
  if (e) {
    e->item.progress = progress;
    snprintf(e->item.text, sizeof e->item.text, "%s", text ? text : "");
    if (isfinite(value)) {
      add_point(y, e, x, value);
    }
  }
  end(y, r);
}

void grove_run_steps(grove *g, uint64_t id, uint64_t index, const char *steps)
{
  grove__system *y;
  run *r = begin(g, id, &y);
  if (!r) {
    return;
  }
  entry *e = find_entry(r, index);
  if (e) {
    snprintf(e->item.steps, sizeof e->item.steps, "%s", steps ? steps : "");
  }
  end(y, r);
}

void grove_run_totals(grove *g, uint64_t id, uint64_t rows, uint64_t bytes)
{
  grove__system *y;
  run *r = begin(g, id, &y);
  if (r) {
    r->info.rows = rows;
    r->info.bytes = bytes;
    end(y, r);
  }
}

void grove_run_end(grove *g, uint64_t id, uint32_t state, const char *text)
{
  grove__system *y;
  run *r = begin(g, id, &y);
  if (r) {
    r->info.state = state < STATES ? state : GROVE_RUN_DONE;
    r->info.ended_ns = r->info.ended_ns ? r->info.ended_ns : grove__now(y) ? grove__now(y) : 1;
    snprintf(r->info.text, sizeof r->info.text, "%s", text ? text : "");
    r->info.changes++;
    forget(y);
    grove__mutex_unlock(&y->runs_lock);
  }
}

// ---- reading ----------------------------------------------------------------------------------------------------

grove_status grove_runs(grove *g, grove_run_info *out, size_t each, size_t room, size_t *total)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!total || !grove__stats_rows_fit(out, each, room)) {
    return GROVE_EINVAL;
  }
  *total = 0;
  grove__mutex_lock(&y->runs_lock);
  for (run *r = y->runs ? y->runs->newest : NULL; r; r = r->next, ++*total) {
    grove_run_info full = r->info;
    full.done = r->count[GROVE_RUN_DONE];
    full.failed = r->count[GROVE_RUN_FAILED];
    full.skipped = r->count[GROVE_RUN_SKIPPED];
    full.canceled = r->count[GROVE_RUN_CANCELED];
    if (*total < room) {
      grove__stats_write_row(out, each, *total, sizeof full, &full);
    }
  }
  grove__mutex_unlock(&y->runs_lock);
  return GROVE_OK;
}

static int compare_index(const grove_run_item *a, const grove_run_item *b)
{
  return a->index < b->index ? -1 : a->index > b->index;
}

static int by_index(const void *left, const void *right)
{
  return compare_index(*(const grove_run_item *const *)left, *(const grove_run_item *const *)right);
}

static int by_result(const void *left, const void *right)
{
  const grove_run_item *a = *(const grove_run_item *const *)left, *b = *(const grove_run_item *const *)right;
  bool a_last = isnan(a->result), b_last = isnan(b->result);
  if (a_last != b_last) {
    return a_last ? 1 : -1;
  }
  return !a_last && a->result != b->result ? (a->result < b->result ? -1 : 1) : compare_index(a, b);
}

static int by_state(const void *left, const void *right)
{
  static const int rank[STATES] = {[GROVE_RUN_FAILED] = 0, [GROVE_RUN_RUNNING] = 1, [GROVE_RUN_WAITING] = 2,
      [GROVE_RUN_CANCELED] = 3, [GROVE_RUN_DONE] = 4, [GROVE_RUN_SKIPPED] = 5};
  const grove_run_item *a = *(const grove_run_item *const *)left, *b = *(const grove_run_item *const *)right;
  return rank[a->state] != rank[b->state] ? rank[a->state] - rank[b->state] : compare_index(a, b);
}

grove_status grove_run_items(grove *g, uint64_t id, uint32_t order, uint64_t offset, grove_run_item *out, size_t each,
    size_t room, size_t *total)
{
  static int (*const orders[])(const void *, const void *) = {by_index, by_result, by_state};
  const grove_run_item *sorted[ITEMS_MOST];
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!total || order >= GROVE__COUNT(orders) || !grove__stats_rows_fit(out, each, room)) {
    return GROVE_EINVAL;
  }
  run *r = begin(g, id, &y);
  if (!r) {
    return GROVE_ENOENT;
  }
  *total = r->kept;
  for (size_t i = 0; i < r->kept; i++) {
    sorted[i] = &r->entries[i].item;
  }
  if (r->kept) {
    qsort(sorted, r->kept, sizeof *sorted, orders[order]);
  }
  for (size_t i = 0; i < room && offset + i < r->kept; i++) {
    grove__stats_write_row(out, each, i, sizeof **sorted, sorted[offset + i]);
  }
  grove__mutex_unlock(&y->runs_lock);
  return GROVE_OK;
}

grove_status grove_run_curve(grove *g, uint64_t id, uint64_t index, double *xy, size_t room, size_t *n)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!n || (room && !xy)) {
    return GROVE_EINVAL;
  }
  run *r = begin(g, id, &y);
  if (!r) {
    return GROVE_ENOENT;
  }
  entry *e = find_entry(r, index);
  if (e) {
    *n = e->item.points;
    size_t some = *n < room ? *n : room;
    if (some) {
      memcpy(xy, e->xy, 2 * some * sizeof *xy);
    }
  }
  grove__mutex_unlock(&y->runs_lock);
  return e ? GROVE_OK : GROVE_ENOENT;
}
