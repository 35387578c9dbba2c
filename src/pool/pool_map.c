#include <grove/pool.h>
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "pool/pool_handle.h"
#include "pool/pool_items.h"

// A map has a window of its own, so that it and what was submitted before do not take each other's results; the limit
// on what is in flight counts both.
typedef struct mapping {
  grove_pool *pool;
  const grove_method *method;
  const grove_map *map;     ///< NULL: lazy
  grove_pool_item_fn *item; ///< lazy: where the arguments come from
  void *arg;                ///< lazy: room for one
  bool ordered, over;       ///< over: the last one is submitted
  grove__window window;
  size_t submitted;
  grove_status (*ended)(struct mapping *m, grove__ticket *t); ///< not GROVE_OK: stop
  grove_pool_result_fn *fn;                                   ///< map_unordered's
  void *user;
  size_t first_failed; ///< map's: the lowest index so far; n: none
  grove_error error;   ///< its words
} mapping;

static grove_status take_one(grove *g, mapping *m)
{
  grove__ticket *t = NULL;
  GROVE__TRY(grove__window_peek(g, &m->window, m->ordered, GROVE_FOREVER, &t));
  return m->ended(m, t);
}

// Waits for room, so that the next item is made only when it is needed.
static grove_status make_room(grove *g, mapping *m)
{
  grove_pool *p = m->pool;
  while (m->window.in_flight + p->window.in_flight >= p->most_in_flight) {
    if (m->window.in_flight) {
      GROVE__TRY(take_one(g, m));
    } else {
      GROVE__TRY(grove__window_end_some(g, &p->window, 1, GROVE_FOREVER));
    }
  }
  return GROVE_OK;
}

// The next argument; NULL: there are no more.
static grove_status next_arg(mapping *m, const void **arg)
{
  size_t bytes = m->method->arg->bytes;
  *arg = NULL;
  if (m->map) {
    if (m->submitted < m->map->n) {
      *arg = (const char *)m->map->args + m->submitted * bytes;
    }
    return GROVE_OK;
  }
  memset(m->arg, 0, bytes);
  grove_status s = m->item(m->user, m->submitted, m->arg);
  if (!s) {
    *arg = m->arg;
  }
  return s == GROVE_ENOENT ? GROVE_OK : s;
}

static grove_status submit_one(grove *g, mapping *m)
{
  grove_ref to;
  const void *arg;
  GROVE__TRY(grove__pool_target(g, m->pool, m->method, &to));
  GROVE__TRY(make_room(g, m));
  GROVE__TRY(next_arg(m, &arg));
  m->over = !arg;
  if (!arg) {
    return GROVE_OK;
  }
  grove_status s = grove__window_add(g, &m->window, to, m->method, arg, m->submitted++);
  if (!m->map) {
    grove__holds_release(m->method->arg, m->arg); // the call has counts of its own
  }
  return s;
}

static grove_status run_map(grove *g, mapping *m)
{
  while (!m->over) {
    GROVE__TRY(submit_one(g, m));
  }
  while (m->window.first) {
    GROVE__TRY(take_one(g, m));
  }
  return GROVE_OK;
}

static grove_status begin(grove_pool *p, mapping *m)
{
  const grove_map *map = m->map;
  if (!p) {
    return GROVE_ENOMEM;
  }
  if (!m->method || (map && map->n && !map->args)) {
    return GROVE_EINVAL;
  }
  GROVE__TRY(grove__pool_enter(p));
  m->pool = p;
  m->window.allocator = p->window.allocator;
  return GROVE_OK;
}

static void end(grove *g, mapping *m)
{
  grove__window_drop(g, &m->window);
  grove__window_deinit(&m->window);
  grove__pool_leave(m->pool);
}

// ---- map ------------------------------------------------------------------------------------------
static void note_result(mapping *m, size_t i, grove_status s, const grove_error *err)
{
  if (m->map->each) {
    m->map->each[i] = s;
  }
  if (s && i < m->first_failed) {
    m->first_failed = i;
    m->error = *err;
    m->error.status = s;
    m->error.at = (int64_t)i;
  }
}

static void *reply_at(const grove_map *map, size_t i)
{
  return map->replies ? (char *)map->replies + i * map->method->reply->bytes : NULL;
}

static grove_status store_result(mapping *m, grove__ticket *t)
{
  size_t i = (size_t)t->tag;
  grove_error err;
  grove_status s = grove__window_take(&m->window, t, reply_at(m->map, i), &err);
  note_result(m, i, s, &err);
  return GROVE_OK;
}

// The map was cut short: what has no result yet ends so.
static void fail_rest(mapping *m, grove_status s)
{
  grove_error err;
  size_t from = m->submitted;
  grove__error(
      &err, s, -1, "the map was cut short after %zu of %zu items were submitted", from, m->map->n);
  for (grove__ticket *t = m->window.first; t; t = t->next) {
    note_result(m, (size_t)t->tag, s, &err);
  }
  for (size_t i = from; i < m->map->n; i++) {
    note_result(m, i, s, &err);
  }
}

grove_status grove_pool_map(grove *g, grove_pool *p, const grove_map *map, grove_error *err)
{
  mapping m = {.map = map, .method = map ? map->method : NULL, .ended = store_result};
  grove_status s = begin(p, &m);
  if (s) {
    return grove__error(
        err, s, -1, "a map needs a pool, a method and arguments: %s", grove_status_text(s));
  }
  m.first_failed = map->n;
  if (map->replies) {
    memset(map->replies, 0, map->n * map->method->reply->bytes); // those cut short stay so
  }
  s = run_map(g, &m);
  if (s) {
    fail_rest(&m, s);
  }
  end(g, &m);
  if (m.first_failed == map->n) {
    return GROVE_OK;
  }
  if (err) {
    *err = m.error;
  }
  return m.error.status;
}

// ---- map_unordered --------------------------------------------------------------------------------
static grove_status hand_over(mapping *m, grove__ticket *t)
{
  grove_error plain = {.at = -1};
  if (t->status && !t->error) {
    grove__error(&plain, t->status, -1, "%s", grove_status_text(t->status));
  }
  grove_status s =
      m->fn(m->user, (size_t)t->tag, t->status, t->reply, t->error ? t->error : &plain);
  grove__window_take(&m->window, t, NULL, NULL); // lets go of the reply: it was borrowed
  return s;
}

grove_status grove_pool_map_unordered(
    grove *g, grove_pool *p, const grove_map *map, grove_pool_result_fn *fn, void *user)
{
  mapping m = {
      .map = map, .method = map ? map->method : NULL, .ended = hand_over, .fn = fn, .user = user};
  if (!fn) {
    return GROVE_EINVAL;
  }
  GROVE__TRY(begin(p, &m));
  grove_status s = run_map(g, &m);
  end(g, &m);
  return s;
}

// ---- map_lazy -------------------------------------------------------------------------------------
grove_status grove_pool_map_lazy(grove *g, grove_pool *p, const grove_lazy_map *given)
{
  grove_lazy_map o;
  GROVE__TRY(grove__options_read(&o, sizeof o, given));
  if (!o.method || !o.item || !o.result || (o.flags & ~(uint32_t)GROVE_LAZY_ORDERED)) {
    return GROVE_EINVAL;
  }
  mapping m = {.method = o.method,
      .item = o.item,
      .ordered = o.flags & GROVE_LAZY_ORDERED,
      .ended = hand_over,
      .fn = o.result,
      .user = o.user};
  GROVE__TRY(begin(p, &m));
  grove_allocator a = p->window.allocator;
  m.arg = grove__alloc(&a, o.method->arg->bytes);
  grove_status s = m.arg ? run_map(g, &m) : GROVE_ENOMEM;
  grove__free(&a, m.arg, o.method->arg->bytes);
  end(g, &m); // which may free the pool
  return s;
}
