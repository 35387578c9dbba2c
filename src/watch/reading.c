#include "watch/reading.h"
#include "base/alloc.h"
#include <stdlib.h>

// A list of the runtime's, whose length is known only when it has been read: grove_classes or grove_workers.
typedef grove_status list_fn(grove *g, void *out, size_t each, size_t room, size_t *total);

static grove_status read_classes(grove *g, void *out, size_t each, size_t room, size_t *total)
{
  return grove_classes(g, out, each, room, total);
}

static grove_status read_workers(grove *g, void *out, size_t each, size_t room, size_t *total)
{
  return grove_workers(g, out, each, room, total);
}

static grove_status read_runs(grove *g, void *out, size_t each, size_t room, size_t *total)
{
  return grove_runs(g, out, each, room, total);
}

static grove_status read_list(grove__reading *r, grove *g, list_fn *list, size_t each, void **out,
    size_t *count, size_t *room)
{
  size_t total = 0;
  GROVE__TRY(list(g, NULL, each, 0, &total));
  while (!*out || total > *room) {
    grove__free(r->memory, *out, *room * each);
    *room = total + 8; // others may come while it is read
    *out = grove__alloc_array(r->memory, *room, each);
    if (!*out) {
      *room = 0;
      return GROVE_ENOMEM;
    }
    GROVE__TRY(list(g, *out, each, *room, &total));
  }
  *count = total;
  return GROVE_OK;
}

static int by_name(const void *a, const void *b)
{
  const grove_class_stats *x = a, *y = b;
  int order = strcmp(x->class_name, y->class_name);
  return order ? order : (x->of_class > y->of_class) - (x->of_class < y->of_class);
}

static void raise_to(uint64_t *to, uint64_t n)
{
  *to = n > *to ? n : *to;
}

// Two classes may have one name, and names are cut: as labels they are one. Of percentiles the larger is shown.
static void add_class(grove_class_stats *to, const grove_class_stats *c)
{
  uint64_t *const sums[] = {&to->spawned, &to->ended, &to->restarts, &to->sent, &to->calls,
      &to->handled, &to->failed, &to->ticks, &to->ticks_missed, &to->crashed, &to->dropped_dead, &to->dropped_full,
      &to->dropped_expired, &to->dropped_canceled, &to->refused, &to->dead_letters, &to->busy_ns,
      &to->turns, &to->timed};
  const uint64_t more[] = {c->spawned, c->ended, c->restarts, c->sent, c->calls, c->handled,
      c->failed, c->ticks, c->ticks_missed, c->crashed, c->dropped_dead, c->dropped_full, c->dropped_expired,
      c->dropped_canceled, c->refused, c->dead_letters, c->busy_ns, c->turns, c->timed};
  _Static_assert(GROVE__COUNT(sums) == GROVE__COUNT(more), "pairs");
  for (size_t i = 0; i < GROVE__COUNT(sums); i++) {
    *sums[i] += more[i];
  }
  to->alive += c->alive;
  raise_to(&to->wait_p50_ns, c->wait_p50_ns);
  raise_to(&to->wait_p99_ns, c->wait_p99_ns);
  raise_to(&to->wait_max_ns, c->wait_max_ns);
  raise_to(&to->run_p50_ns, c->run_p50_ns);
  raise_to(&to->run_p99_ns, c->run_p99_ns);
  raise_to(&to->run_max_ns, c->run_max_ns);
}

static void merge_classes(grove__reading *r)
{
  qsort(r->classes, r->class_count, sizeof *r->classes, by_name);
  size_t n = 0;
  for (size_t i = 0; i < r->class_count; i++) {
    if (n && strcmp(r->classes[n - 1].class_name, r->classes[i].class_name) == 0) {
      add_class(&r->classes[n - 1], &r->classes[i]);
    } else {
      r->classes[n++] = r->classes[i];
    }
  }
  r->class_count = n;
}

static grove_status take_actors(
    grove__reading *r, grove *g, const grove_snapshot_options *o, size_t rows)
{
  r->page.struct_size = sizeof r->page;
  r->actors = grove__alloc_array(r->memory, rows, sizeof *r->actors);
  if (!r->actors) {
    return GROVE_ENOMEM;
  }
  r->actor_room = rows;
  return grove_snapshot_page(g, o, r->actors, sizeof *r->actors, rows, &r->page);
}

static grove_status take_deaths(grove__reading *r, grove *g, size_t rows)
{
  grove_ref who = GROVE_NOBODY;
  r->deaths = grove__alloc_array(r->memory, rows, sizeof *r->deaths);
  if (!r->deaths) {
    return GROVE_ENOMEM;
  }
  r->death_room = rows;
  GROVE__TRY(grove_deaths(g, who, r->deaths, sizeof *r->deaths, rows, &r->death_total));
  r->death_count = r->death_total < rows ? r->death_total : rows;
  return GROVE_OK;
}

grove_status grove__reading_take(
    grove__reading *r, grove *g, uint32_t parts, const grove_snapshot_options *o, size_t rows)
{
  memset(r, 0, sizeof *r);
  r->memory = grove_runtime_allocator(g);
  if (!r->memory) {
    return GROVE_EINVAL;
  }
  r->stats.struct_size = sizeof r->stats;
  r->at_ns = grove_now_ns(g);
  GROVE__TRY(grove_stats_get(g, &r->stats));
  if (parts & GROVE_JSON_CLASSES) {
    void *list = NULL;
    grove_status s =
        read_list(r, g, read_classes, sizeof *r->classes, &list, &r->class_count, &r->class_room);
    r->classes = list;
    GROVE__TRY(s);
    merge_classes(r);
  }
  if (parts & GROVE_JSON_WORKERS) {
    void *list = NULL;
    grove_status s =
        read_list(r, g, read_workers, sizeof *r->workers, &list, &r->worker_count, &r->worker_room);
    r->workers = list;
    GROVE__TRY(s);
  }
  if (parts & GROVE_JSON_RUNS) {
    void *list = NULL;
    grove_status s = read_list(r, g, read_runs, sizeof *r->runs, &list, &r->run_count, &r->run_room);
    r->runs = list;
    GROVE__TRY(s);
  }
  if (parts & GROVE_JSON_ACTORS) {
    GROVE__TRY(take_actors(r, g, o, rows));
  }
  return parts & GROVE_JSON_DEATHS ? take_deaths(r, g, rows) : GROVE_OK;
}

void grove__reading_keep_class(grove__reading *r, const char *name)
{
  size_t n = 0;
  for (size_t i = 0; i < r->class_count; i++) {
    if (strcmp(r->classes[i].class_name, name) == 0) {
      r->classes[n++] = r->classes[i];
    }
  }
  r->class_count = n;
}

void grove__reading_give(grove__reading *r)
{
  if (!r->memory) {
    return;
  }
  grove__free(r->memory, r->classes, r->class_room * sizeof *r->classes);
  grove__free(r->memory, r->workers, r->worker_room * sizeof *r->workers);
  grove__free(r->memory, r->actors, r->actor_room * sizeof *r->actors);
  grove__free(r->memory, r->runs, r->run_room * sizeof *r->runs);
  grove__free(r->memory, r->deaths, r->death_room * sizeof *r->deaths);
}
