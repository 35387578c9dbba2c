// A runtime to be looked at: dash_world MANY [actions|reads] [ADDRESS] [TOKEN]. Prints its address, then does what standard
// input says ("work N", "await", "wake", "spawn NAME", "crash NAME"), with one line of answer for each, until it ends.
#include <grove.h>
#include <grove/dashboard.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct leaf {
  long done;
};
#define LEAF(START, METHOD)                                                                        \
  START(leaf, grove_none) METHOD(leaf, work, long, long) METHOD(leaf, crash, grove_none, long) METHOD(leaf, stay, grove_none, long)
GROVE_ACTOR(LEAF, leaf)
static grove_status leaf_start(grove *self, struct leaf *c, const grove_none *none)
{
  (void)self, (void)c, (void)none;
  return GROVE_OK;
}
static grove_status leaf_work(grove *self, struct leaf *c, const long *n, long *reply)
{
  grove_state(self, "TRAINING %ld/%ld", ++c->done, *n);
  *reply = c->done;
  return GROVE_OK;
}
static grove_status leaf_crash(grove *self, struct leaf *c, const grove_none *none, long *reply)
{
  (void)c, (void)none, (void)reply;
  return grove_crash(self, GROVE_EUSER, "it was told to <b>crash</b>");
}

// Until it is told to go on.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static grove_promise held; // guarded by lock: made by an actor, answered by the main thread
static grove_status leaf_stay(grove *self, struct leaf *c, const grove_none *none, long *reply)
{
  grove_future f;
  (void)c, (void)none;
  grove_promise p;
  grove_status s = grove_promise_create(self, &grove_type_of_long, &p, &f);
  if (s) {
    return s;
  }
  pthread_mutex_lock(&lock);
  held = p;
  pthread_mutex_unlock(&lock);
  grove_state(self, "STAYING");
  return grove_get(self, f, GROVE_FOREVER, reply, sizeof *reply, NULL);
}

struct trunk {
  leaf_ref leaf[4];
};
#define TRUNK(START, METHOD) START(trunk, grove_none) METHOD(trunk, work, long, long) METHOD(trunk, await, grove_none, long)
GROVE_ACTOR_WITH(TRUNK, trunk, .strategy = GROVE_REST_FOR_ONE)
static grove_status trunk_start(grove *self, struct trunk *t, const grove_none *none)
{
  (void)none;
  for (int i = 0; i < 4; i++) {
    char label[20];
    snprintf(label, sizeof label, "leaf %d", i);
    t->leaf[i] = leaf_spawn(self, GROVE_NONE,
        &(grove_spawn_options){GROVE_SPAWN, .label = label, .restart = GROVE_TRANSIENT});
  }
  return GROVE_OK;
}
static grove_status trunk_work(grove *self, struct trunk *t, const long *n, long *reply)
{
  for (long i = 0; i < *n; i++) {
    grove_status s = leaf_work_ask(self, t->leaf[i % 4], *n, GROVE_FOREVER, reply, NULL);
    if (s) {
      return s;
    }
  }
  return GROVE_OK;
}

static grove_status trunk_await(grove *self, struct trunk *t, const grove_none *none, long *reply)
{
  (void)none;
  return leaf_stay_ask(self, t->leaf[0], GROVE_NONE, GROVE_FOREVER, reply, NULL);
}

static void answer(grove *g, trunk_ref trunk, const char *line)
{
  char name[64];
  long n, reply;
  if (sscanf(line, "work %ld", &n) == 1) {
    printf("%s\n", grove_status_text(trunk_work_ask(g, trunk, n, GROVE_FOREVER, &reply, NULL)));
  } else if (strncmp(line, "wake", 4) == 0) { // its page has shown that it waits
    reply = 1;
    pthread_mutex_lock(&lock);
    grove_promise p = held;
    pthread_mutex_unlock(&lock);
    printf("%s\n", grove_status_text(grove_promise_answer(g, p, GROVE_OK, &reply, sizeof reply)));
  } else if (strncmp(line, "await", 5) == 0) { // until it is told to wake
    grove_status s = trunk_await_send(g, trunk, GROVE_NONE);
    printf("%" PRIx64 "-%" PRIx64 "\n", trunk.ref.where, s ? 0 : trunk.ref.which);
  } else if (sscanf(line, "spawn %63s", name) == 1) {
    leaf_ref r = leaf_spawn(g, GROVE_NONE, &(grove_spawn_options){GROVE_SPAWN, .name = name});
    printf("%" PRIx64 "-%" PRIx64 "\n", r.ref.where, r.ref.which);
  } else if (sscanf(line, "crash %63s", name) == 1) {
    leaf_ref r = {grove_find(g, name)};
    printf(
        "%s\n", grove_status_text(leaf_crash_ask(g, r, GROVE_NONE, GROVE_FOREVER, &reply, NULL)));
  } else {
    printf("what is that?\n");
  }
  fflush(stdout);
}

int main(int argc, char **argv)
{
  grove *g;
  grove_error err;
  grove_dashboard d = {.struct_size = sizeof d};
  char line[200];
  long reply;
  int many = argc > 1 ? atoi(argv[1]) : 0;
  grove_dashboard_options o = {GROVE_DASHBOARD, .address = argc > 3 ? argv[3] : "127.0.0.1:0",
      .token = argc > 4 ? argv[4] : NULL,
      .actions = argc > 2 && strcmp(argv[2], "actions") == 0};
  if (grove_start(NULL, &g) || grove_dashboard_start(g, &o, &d, &err)) {
    fprintf(stderr, "no dashboard: %s\n", err.text);
    return 1;
  }
  trunk_ref trunk =
      trunk_spawn(g, GROVE_NONE, &(grove_spawn_options){GROVE_SPAWN, .name = "trunk"});
  (void)!trunk_work_ask(g, trunk, 100, GROVE_FOREVER, &reply, NULL);
  for (int i = 0; i < many; i++) {
    char label[20];
    snprintf(label, sizeof label, "shard-%05d", i);
    (void)!grove_ref_status(
        leaf_spawn(g, GROVE_NONE, &(grove_spawn_options){GROVE_SPAWN, .label = label}).ref);
  }
  printf("%s\n", d.url);
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    answer(g, trunk, line);
  }
  return grove_stop(g, 10000, NULL) != GROVE_OK;
}
