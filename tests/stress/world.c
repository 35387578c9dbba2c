#include "world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- memory ------------------------------------------------------------------------------------------------

enum { HEADER = 16 };

static void count_bytes(world_memory *m, int64_t bytes, int64_t blocks)
{
  atomic_fetch_add_explicit(&m->live_bytes, bytes, memory_order_relaxed); // statistics
  atomic_fetch_add_explicit(&m->live_blocks, blocks, memory_order_relaxed);
}

static bool is_to_fail(world_memory *m)
{
  uint64_t n = atomic_fetch_add_explicit(&m->allocations, 1, memory_order_relaxed) + 1;
  uint64_t at = atomic_load_explicit(&m->fail_at, memory_order_relaxed);
  return at && (m->fails_on ? n >= at : n == at);
}

void *world_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  world_memory *m = user;
  char *block = p ? (char *)p - HEADER : NULL;
  size_t was = 0;
  if (block) {
    memcpy(&was, block, sizeof was);
  }
  if (was != old_bytes) {
    fprintf(stderr, "a block of %zu bytes comes back as one of %zu\n", was, old_bytes);
    abort();
  }
  if (new_bytes == 0) {
    count_bytes(m, -(int64_t)old_bytes, -(block != NULL));
    free(block);
    return NULL;
  }
  if (new_bytes > old_bytes && is_to_fail(m)) {
    return NULL;
  }
  char *q = realloc(block, new_bytes + HEADER);
  if (!q) {
    return NULL;
  }
  count_bytes(m, (int64_t)new_bytes - (int64_t)old_bytes, block == NULL);
  memcpy(q, &new_bytes, sizeof new_bytes);
  return q + HEADER;
}

// ---- looking -----------------------------------------------------------------------------------------------

static grove_info *snapshot(world *w, size_t *n)
{
  size_t total = 0, room = 4096;
  grove_info *all = calloc(room, sizeof *all);
  grove_snapshot_options o = {GROVE_SNAPSHOT};
  if (grove_snapshot(w->g, &o, all, sizeof *all, room, &total)) {
    total = 0;
  }
  *n = total < room ? total : room;
  return all;
}

void world_exit_all(world *w)
{
  size_t n;
  grove_info *all = snapshot(w, &n);
  grove_ref root = grove_self(w->g);
  for (size_t i = 0; i < n; i++) {
    if (grove_ref_equal(all[i].parent, root)) {
      grove_drop(w->g, grove_exit(w->g, all[i].ref, 1000));
    }
  }
  free(all);
}

void world_dump(world *w)
{
  static const char *const phases[] = {"?", "starting", "idle", "queued", "running", "waiting",
      "restarting", "ending", "stuck", "ended"};
  size_t n;
  grove_info *all = snapshot(w, &n);
  grove_stats s = {.struct_size = sizeof s};
  (void)!grove_stats_get(w->g, &s);
  fprintf(stderr,
      "seed %llu: %u actors, %u suspended, %u futures, %llu messages, %llu dropped, begun %llu, "
      "spawned %llu, ended %llu, budget %lld\n",
      (unsigned long long)w->seed, (unsigned)s.actors, (unsigned)s.suspended, (unsigned)s.futures,
      (unsigned long long)s.messages, (unsigned long long)s.dropped, (unsigned long long)w->n.begun,
      (unsigned long long)s.spawned, (unsigned long long)s.ended, (long long)w->budget);
  for (size_t i = 0; i < n && i < 100; i++) {
    fprintf(stderr, "  %llx under %llx %-16s %-10s method %s, mailbox %u, turn %lld us, %s\n",
        (unsigned long long)all[i].ref.which, (unsigned long long)all[i].parent.which,
        all[i].class_name, phases[all[i].phase % 10], all[i].method, (unsigned)all[i].mailbox_depth,
        (long long)all[i].turn_ns / 1000, all[i].last_error);
  }
  free(all);
}

// ---- the books ---------------------------------------------------------------------------------------------

static bool is_equal(world *w, const char *law, uint64_t a, uint64_t b)
{
  if (a != b) {
    fprintf(stderr, "seed %llu: %s: %llu is not %llu\n", (unsigned long long)w->seed, law,
        (unsigned long long)a, (unsigned long long)b);
  }
  return a == b;
}

bool world_check_quiet(world *w)
{
  grove_stats s = {.struct_size = sizeof s};
  bool good = grove_stats_get(w->g, &s) == GROVE_OK;
  good &= is_equal(w, "no future is open", s.futures, 0);
  good &= is_equal(w, "no actor is left", s.actors, 0);
  good &= is_equal(w, "nobody is suspended", s.suspended, 0);
  good &= is_equal(w, "spawned = ended", s.spawned, s.ended);
  good &= is_equal(w, "messages = begun + dropped", s.messages, w->n.begun + s.dropped);
  good &= is_equal(w, "no shared data is left", s.shared_bytes, 0);
  good &= is_equal(w, "starts = destroys", w->n.starts, w->n.destroys);
  return good;
}

bool world_check_after_stop(world *w, const grove_stop_report *r, grove_status s, bool counted)
{
  bool good = is_equal(w, "stop is in time", (uint64_t)-s, 0);
  good &= is_equal(w, "nobody is busy after the stop", r->busy, 0);
  good &= is_equal(w, "all memory came back", (uint64_t)w->memory.live_bytes, 0);
  good &= is_equal(w, "all blocks came back", (uint64_t)w->memory.live_blocks, 0);
  good &= is_equal(w, "freed was called once", w->freed, 1);
  good &= is_equal(w, "starts = destroys", w->n.starts, w->n.destroys);
  good &= is_equal(w, "shared data made = destroyed", w->n.shared_made, w->n.shared_destroyed);
  if (counted) {
    good &= is_equal(w, "then-functions set = run", w->n.thens_set, w->n.thens_ran);
  }
  return good;
}

// ---- beginning and end -------------------------------------------------------------------------------------

static void note_freed(void *user)
{
  world *w = user;
  atomic_fetch_add_explicit(&w->freed, 1, memory_order_relaxed); // a count
}

void world_init(world *w, uint64_t seed, int64_t budget)
{
  memset(w, 0, sizeof *w);
  w->seed = seed;
  atomic_init(&w->budget, budget);
  pthread_mutex_init(&w->lock, NULL);
}

grove_options world_options(world *w)
{
  static _Thread_local grove_allocator a;
  a = (grove_allocator){world_realloc, &w->memory};
  return (grove_options){GROVE_OPTIONS, .seed = w->seed, .allocator = &a, .freed = note_freed,
      .user = w, .turn_warn_ms = 10000};
}

void world_tighten(const world *w, grove_options *o)
{
  if (w->seed % 5 == 4) {
    o->max_actors = 30;
    o->max_suspended = 4;
    o->max_outside = 12;
    o->offload_threads = 1;
    o->offload_queue = 2;
    o->memory_bytes = 3000;
    o->stack_bytes = 64 * 1024;
  }
}

void world_deinit(world *w)
{
  pthread_mutex_destroy(&w->lock);
}
