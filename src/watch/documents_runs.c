// Runs as JSON: the list of them, and one with its items and their curves.
#include "base/alloc.h"
#include "base/options.h"
#include "watch/documents.h"
#include <string.h>

static const char *const kinds[] = {"other", "training", "batch"};
static const char *const states[] = {"waiting", "running", "done", "failed", "skipped", "cancelled"};
static const char *const orders[] = {"index", "result", "state"};

bool grove__run_order_of_text(const char *text, uint32_t *order)
{
  for (uint32_t i = 0; text && i < GROVE__COUNT(orders); i++) {
    if (strcmp(text, orders[i]) == 0) {
      *order = i;
      return true;
    }
  }
  return !text;
}

void grove__json_run_head(grove__json *j, const char *key, const grove_run_info *r, int64_t now_ns)
{
  int64_t until = r->ended_ns ? r->ended_ns : now_ns;
  grove__json_open(j, key, '{');
  grove__json_number(j, "id", r->id);
  grove__json_text(j, "kind", grove__word_of(kinds, GROVE__COUNT(kinds), r->kind, "other"));
  grove__json_text(j, "state", grove__word_of(states, GROVE__COUNT(states), r->state, "other"));
  grove__json_text(j, "title", r->title);
  grove__json_text(j, "text", r->text);
  grove__json_ref(j, "actor", r->who);
  grove__json_signed(j, "ago_ns", now_ns > r->begun_ns ? now_ns - r->begun_ns : 0);
  grove__json_signed(j, "took_ns", until > r->begun_ns ? until - r->begun_ns : 0);
  grove__json_number(j, "items", r->items);
  grove__json_number(j, "done", r->done);
  grove__json_number(j, "failed", r->failed);
  grove__json_number(j, "skipped", r->skipped);
  grove__json_number(j, "cancelled", r->canceled);
  grove__json_number(j, "rows", r->rows);
  grove__json_number(j, "bytes", r->bytes);
  grove__json_number(j, "all_bytes", r->all_bytes);
  grove__json_number(j, "changes", r->changes);
  grove__json_close(j, '}');
}

void grove__json_runs(grove__json *j, const grove_run_info *runs, size_t n, int64_t now_ns)
{
  grove__json_open(j, "runs", '[');
  for (size_t i = 0; i < n; i++) {
    grove__json_run_head(j, NULL, &runs[i], now_ns);
  }
  grove__json_close(j, ']');
}

// ---- one run ----------------------------------------------------------------------------------------------

static void put_curve(grove__json *j, const double *xy, size_t n)
{
  grove__json_open(j, "curve", '[');
  for (size_t i = 0; i < n; i++) {
    grove__json_open(j, NULL, '[');
    grove__json_exact(j, NULL, xy[2 * i]);
    grove__json_exact(j, NULL, xy[2 * i + 1]);
    grove__json_close(j, ']');
  }
  grove__json_close(j, ']');
}

static void put_item(grove__json *j, const grove_run_item *i, const double *xy, size_t points)
{
  grove__json_open(j, NULL, '{');
  grove__json_number(j, "index", i->index);
  grove__json_text(j, "name", i->name);
  grove__json_text(j, "state", grove__word_of(states, GROVE__COUNT(states), i->state, "other"));
  grove__json_text(j, "text", i->text);
  grove__json_ref(j, "actor", i->who);
  grove__json_real(j, "progress", i->progress);
  grove__json_exact(j, "result", i->result);
  grove__json_exact(j, "mae", i->mae);
  grove__json_exact(j, "r2", i->r2);
  grove__json_exact(j, "seconds", i->seconds);
  grove__json_exact(j, "predict_seconds", i->predict_seconds);
  grove__json_number(j, "attempts", i->attempts);
  grove__json_number(j, "rows", i->rows);
  grove__json_number(j, "bytes", i->bytes);
  grove__json_text(j, "parameters", i->parameters);
  grove__json_text(j, "error", i->error);
  grove__json_text(j, "steps", i->steps[0] ? i->steps : "trees");
  put_curve(j, xy, points);
  grove__json_close(j, '}');
}

static void put_items(grove__json *j, const grove__run_reading *r)
{
  grove__json_open(j, "items", '{');
  grove__json_number(j, "total", r->total);
  grove__json_number(j, "offset", r->offset);
  grove__json_open(j, "rows", '[');
  size_t at = 0;
  for (size_t i = 0; i < r->count; i++) {
    put_item(j, &r->items[i], r->xy + 2 * at, r->items[i].points);
    at += r->items[i].points;
  }
  grove__json_close(j, ']');
  grove__json_close(j, '}');
}

// All curves in one block, and how long each was when it was read.
static grove_status read_curves(grove__run_reading *r, grove *g)
{
  size_t all = 0;
  for (size_t i = 0; i < r->count; i++) {
    all += r->items[i].points;
  }
  r->xy_room = all;
  r->xy = grove__alloc_array(r->memory, 2 * all, sizeof *r->xy);
  if (!r->xy) {
    return GROVE_ENOMEM;
  }
  size_t at = 0;
  for (size_t i = 0; i < r->count; i++) {
    size_t room = r->items[i].points, n = 0;
    if (room && grove_run_curve(g, r->info.id, r->items[i].index, r->xy + 2 * at, room, &n)) {
      n = 0; // another item has taken its place
    }
    r->items[i].points = (uint32_t)(n < room ? n : room);
    at += r->items[i].points;
  }
  return GROVE_OK;
}

static grove_status read_info(grove__run_reading *r, grove *g, uint64_t run)
{
  size_t total = 0, room = 0;
  grove_run_info *all = NULL;
  grove_status s;
  do {
    grove__free(r->memory, all, room * sizeof *all);
    room = total + 8;
    all = grove__alloc_array(r->memory, room, sizeof *all);
    s = all ? grove_runs(g, all, sizeof *all, room, &total) : GROVE_ENOMEM;
  } while (!s && total > room);
  for (size_t i = 0; !s && i < total; i++) {
    if (all[i].id == run) {
      r->info = all[i];
    }
  }
  grove__free(r->memory, all, room * sizeof *all);
  return s ? s : r->info.id ? GROVE_OK : GROVE_ENOENT;
}

grove_status grove__run_read(grove__run_reading *r, grove *g, uint64_t run, uint32_t order, uint64_t offset, size_t rows)
{
  *r = (grove__run_reading){.memory = grove_runtime_allocator(g), .offset = offset};
  if (!r->memory) {
    return GROVE_EINVAL;
  }
  GROVE__TRY(read_info(r, g, run));
  r->items = grove__alloc_array(r->memory, rows, sizeof *r->items);
  if (!r->items) {
    return GROVE_ENOMEM;
  }
  r->room = rows;
  r->at_ns = grove_now_ns(g);
  GROVE__TRY(grove_run_items(g, run, order, offset, r->items, sizeof *r->items, rows, &r->total));
  r->count = offset >= r->total ? 0 : r->total - (size_t)offset < rows ? r->total - (size_t)offset : rows;
  return read_curves(r, g);
}

void grove__run_give(grove__run_reading *r)
{
  if (r->memory) {
    grove__free(r->memory, r->items, r->room * sizeof *r->items);
    grove__free(r->memory, r->xy, 2 * r->xy_room * sizeof *r->xy);
  }
}

void grove__json_run(grove__json *j, const grove__run_reading *r)
{
  grove__json_run_head(j, "run", &r->info, r->at_ns);
  put_items(j, r);
}

grove_status grove_run_json(grove *g, uint64_t run, const grove_run_json_options *options, grove_write_fn *write, void *user)
{
  enum { ROWS = 50, MOST = 1000 };
  grove_run_json_options o;
  grove__run_reading r;
  grove__emitter e;
  grove__json j;
  GROVE__TRY(grove__options_read(&o, sizeof o, options));
  if (!write || o.rows > MOST || o.order > GROVE_RUN_BY_STATE) {
    return GROVE_EINVAL;
  }
  grove_status s = grove__run_read(&r, g, run, o.order, o.offset, o.rows ? o.rows : ROWS);
  if (!s) {
    grove__emit_init(&e, write, user);
    grove__json_begin(&j, &e, r.at_ns);
    grove__json_run(&j, &r);
    grove__json_close(&j, '}');
    grove__emit_text(&e, "\n");
    s = grove__emit_flush(&e);
  }
  grove__run_give(&r);
  return s;
}
