// The program that gdb.sh looks at: actors that wait, deep in their methods, while the main thread stops in one place.
#include <grove.h>
#include <stdatomic.h>
#include <stdlib.h>

grove *the_runtime;
static atomic_int waiting;
static int is_to_crash;
void look_at_me(void);
__attribute__((noinline)) void look_at_me(void)
{
  atomic_fetch_add(&waiting, 1);
  if (is_to_crash) {
    abort();
  }
}

struct diver {
  grove_promise promise;
};
#define DIVER(START, METHOD) START(diver, grove_none) METHOD(diver, dive, int, int)
GROVE_ACTOR(DIVER, diver)
static grove_status diver_start(grove *self, struct diver *d, const grove_none *none)
{
  (void)self, (void)d, (void)none;
  return GROVE_OK;
}

int dive_deeper(grove *self, grove_future f, int depth);
__attribute__((noinline)) int dive_deeper(grove *self, grove_future f, int depth)
{
  long found = 0;
  if (depth == 0) {
    atomic_fetch_add(&waiting, 1);
    return grove_get(self, f, GROVE_FOREVER, &found, sizeof found, NULL) ? -1 : (int)found;
  }
  return dive_deeper(self, f, depth - 1) + 1; // not the last thing it does: so each has a frame
}

static grove_status diver_dive(grove *self, struct diver *d, const int *depth, int *out)
{
  grove_future f;
  grove_status s = grove_promise_create(self, &grove_type_of_long, &d->promise, &f);
  *out = s ? 0 : dive_deeper(self, f, *depth);
  return s;
}

int main(int argc, char **argv)
{
  is_to_crash = argc > 1 && argv[1][0] == 'c'; // "crash": leaves a core file
  static const char *const names[] = {"red", "green"};
  if (grove_start(&(grove_options){GROVE_OPTIONS, .workers = 1}, &the_runtime)) {
    return 1;
  }
  diver_ref idle = diver_spawn(
      the_runtime, GROVE_NONE, &(grove_spawn_options){GROVE_SPAWN, .name = "on the beach"});
  for (int i = 0; i < 2; i++) {
    diver_ref d =
        diver_spawn(the_runtime, GROVE_NONE, &(grove_spawn_options){GROVE_SPAWN, .name = names[i]});
    if (diver_dive_send(the_runtime, d, 2 + i)) {
      return 1;
    }
  }
  grove_info info = {.struct_size = sizeof info};
  // until both stand suspended: the worker is free again
  while (atomic_load(&waiting) < 2 || grove_sleep(the_runtime, 1) ||
         grove_inspect(the_runtime, idle.ref, &info) || info.phase != GROVE_PHASE_IDLE) {}
  look_at_me();
  return grove_stop(the_runtime, 10000, NULL) != GROVE_OK;
}
