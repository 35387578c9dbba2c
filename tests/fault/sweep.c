#include "sweep.h"
#include <signal.h>

scene sweep_scene;
char sweep_words[300];
void (*sweep_before_stop)(void);

// ---- memory that is counted, and fails --------------------------------------------------------------------------
static atomic_llong live_bytes, live_blocks;
static atomic_ullong allocations, fail_at;
static bool fails_on;
static atomic_int freed;

static bool is_to_fail(void)
{
  unsigned long long n = atomic_fetch_add(&allocations, 1) + 1, at = atomic_load(&fail_at);
  return at && (fails_on ? n >= at : n == at);
}

static void *count_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  (void)user;
  if (!new_bytes) {
    if (p) {
      atomic_fetch_sub(&live_bytes, (long long)old_bytes);
      atomic_fetch_sub(&live_blocks, 1);
    }
    free(p);
    return NULL;
  }
  if (new_bytes > old_bytes && is_to_fail()) {
    return NULL;
  }
  void *q = realloc(p, new_bytes);
  if (q) {
    atomic_fetch_add(&live_bytes, (long long)new_bytes - (long long)old_bytes);
    atomic_fetch_add(&live_blocks, p == NULL);
  }
  return q;
}

static void note_freed(void *user)
{
  (void)user;
  atomic_fetch_add(&freed, 1);
}

// ---- one that does not end -----------------------------------------------------------------------------------------
static void on_alarm(int signal_number)
{
  (void)signal_number;
  (void)!write(2, sweep_words, strlen(sweep_words));
  (void)!write(2, ": takes too long\n", 17);
  abort();
}

void sweep_watch(unsigned seconds)
{
  signal(SIGALRM, on_alarm);
  alarm(seconds);
}

bool sweep_wants(const scene_kind *k, const char *name, unsigned kinds)
{
  return name ? strcmp(k->name, name) == 0 && (k->kinds & kinds & SCENE_BOTH)
              : (k->kinds & kinds & SCENE_BOTH) &&
                    (!(k->kinds & SCENE_LONG) || (kinds & SCENE_LONG));
}

const scene_kind *sweep_scene_at(size_t i)
{
  const scene_kind *const lists[] = {scenes_core, scenes_more, scenes_groups};
  for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
    for (const scene_kind *k = lists[l]; k->name; k++) {
      if (i-- == 0) {
        return k;
      }
    }
  }
  return NULL;
}

// ---- one run ---------------------------------------------------------------------------------------------------------
static void wait_until_freed(void)
{
  for (int i = 0; i < 20000 && !atomic_load(&freed); i++) {
    check_pause();
  }
}

static const char *check(const sweep_run *r, grove_status stopped, const grove_stop_report *report)
{
  static char text[600];
  scene *s = &sweep_scene;
  bool in_time =
      stopped == GROVE_OK || (r->workers && r->stop_ms >= 0 && stopped == GROVE_ETIMEDOUT);
  if (atomic_load(&s->failed) || atomic_load(&s->hung)) {
    snprintf(text, sizeof text, "%s", s->what);
  } else if (!in_time || (stopped == GROVE_OK && report->busy)) {
    snprintf(text, sizeof text, "stop: %s, %u busy: %s in %s (%s)", grove_status_text(stopped),
        report->busy, report->first[0].name, report->first[0].method, report->first[0].state);
  } else if (atomic_load(&freed) != 1) {
    snprintf(text, sizeof text, "freed was called %d times", atomic_load(&freed));
  } else if (atomic_load(&live_blocks) || atomic_load(&live_bytes)) {
    snprintf(text, sizeof text, "%lld blocks, %lld bytes of the runtime are left",
        (long long)atomic_load(&live_blocks), (long long)atomic_load(&live_bytes));
  } else if (atomic_load(&s->lives) || atomic_load(&s->held)) {
    snprintf(text, sizeof text, "%ld starts without destroy, %ld blocks of actors are left",
        atomic_load(&s->lives), atomic_load(&s->held));
  } else {
    return NULL;
  }
  return text;
}

const char *sweep_play(sweep_run *r)
{
  static const grove_allocator counting = {count_realloc, NULL};
  scene *s = &sweep_scene;
  uv_loop_t loop;
  grove_stop_report report = {.struct_size = sizeof report};
  memset(s, 0, sizeof *s);
  s->threads = r->workers > 0;
  s->careful = r->careful;
  for (int i = 0; i < SCENE_ROLES; i++) {
    s->role[i] = (role){s, i};
  }
  atomic_store(&allocations, 0);
  atomic_store(&live_bytes, 0);
  atomic_store(&live_blocks, 0);
  atomic_store(&fail_at, r->fail_at);
  atomic_store(&freed, 0);
  fails_on = r->fails_on;
  grove_options o = {GROVE_OPTIONS, .workers = r->workers, .simulate = r->workers == 0,
      .seed = r->seed, .offload_threads = 2, .turn_warn_ms = 100000, .allocator = &counting,
      .freed = note_freed};
  if (r->on_loop) {
    (void)uv_loop_init(&loop);
    o.work_loop = &loop;
  }
  grove_status status = grove_start(&o, &s->g), stopped = GROVE_OK;
  if (status == GROVE_OK) {
    r->kind->play(s);
    atomic_store(&s->over, true);
    if (sweep_before_stop) {
      sweep_before_stop();
    }
    stopped = grove_stop(s->g, r->stop_ms, &report);
  } else if (!r->fail_at || status != GROVE_ENOMEM) {
    return "the runtime did not start";
  }
  if (r->on_loop) {
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
  }
  if (status == GROVE_OK && stopped == GROVE_ETIMEDOUT) {
    wait_until_freed(); // what was stuck only had to return
  } else if (status) {
    atomic_store(&freed, 1);
  }
  r->allocations = atomic_load(&allocations);
  return check(r, stopped, &report);
}
