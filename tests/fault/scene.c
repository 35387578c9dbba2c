#define SCENES_OWN_FILE
#include "scenes.h"

char *scene_hold(scene *s)
{
  char *p = malloc(100);
  if (p) {
    memset(p, 7, 100);
    atomic_fetch_add(&s->held, 1);
  }
  return p;
}

void scene_let(scene *s, char *p)
{
  if (p) {
    atomic_fetch_sub(&s->held, 1);
    scene_expect(s, p[0] == 7 && p[99] == 7, "memory of a frame or a state is as it was");
    free(p);
  }
}

void scene_expect(scene *s, bool good, const char *what)
{
  if (!good && atomic_fetch_add(&s->failed, 1) == 0) {
    snprintf(s->what, sizeof s->what, "%s", what);
  }
}

// The books of a life: what start makes, destroy gives back, however the start went.
static grove_status keep_books(scene *s, hand_state *st)
{
  atomic_fetch_add(&s->lives, 1);
  st->memory = scene_hold(s);
  return st->memory ? GROVE_OK : GROVE_ENOMEM;
}

static grove_status start_plainly(grove *self, hand_state *st, void *user, long *reply)
{
  (void)self, (void)reply;
  return keep_books(((role *)user)->s, st);
}

static void destroy(hand_state *st)
{
  scene *s = scene_role(st)->s;
  atomic_fetch_sub(&s->lives, 1);
  scene_let(s, st->memory);
}

// A start of its own gets the state with the books kept; one hand_fn can't hold both, so it is told by the role.
static hand_fn *own_start[SCENE_ROLES];
static grove_status start_own(grove *self, hand_state *st, void *user, long *reply)
{
  role *r = user;
  grove_status status = keep_books(r->s, st);
  return status ? status : own_start[r->i](self, st, r->s, reply);
}

hand_plan scene_plan(scene *s, int i)
{
  return (hand_plan){.start = start_plainly, .destroy = destroy, .user = &s->role[i]};
}

void scene_spawn_as(scene *s, grove *g, int i, const grove_class *c, const grove_method *run,
    const grove_spawn_options *o, hand_fn *start,
    void (*stop)(grove *self, hand_state *st, grove_status why))
{
  hand_plan plan = scene_plan(s, i);
  own_start[i] = start;
  plan.start = start ? start_own : start_plainly;
  plan.stop = stop;
  s->run[i] = run;
  s->who[i] = grove_spawn(g, c, &plan, o);
}

void scene_spawn(scene *s, grove *g, int i, const grove_class *c, const grove_method *run,
    const grove_spawn_options *o)
{
  scene_spawn_as(s, g, i, c, run, o, NULL, NULL);
}

grove_future scene_ask(scene *s, grove *g, int i, hand_fn *job)
{
  return grove_call(g, s->who[i], s->run[i], &(hand_job){job, s});
}

grove_status scene_get(scene *s, grove_future f, void *reply, size_t bytes)
{
  grove_error err = {.status = GROVE_OK};
  char text[sizeof s->what];
  if (atomic_load(&s->over)) {
    return GROVE_ECLOSED;
  }
  grove_status status = grove_get(s->g, f, 20000, reply, bytes, &err);
  if (status == GROVE_ETIMEDOUT || (status == GROVE_EDEADLK && !s->threads)) {
    if (atomic_fetch_add(&s->hung, 1) == 0) {
      snprintf(s->what, sizeof s->what, "a wait that does not end: %.200s", err.text);
    }
  }
  if (status && s->careful) {
    snprintf(text, sizeof text, "it failed: %s: %.200s", grove_status_text(status), err.text);
    scene_expect(s, false, text);
  }
  if (status && !atomic_load(&s->over)) {
    grove_drop(s->g, f); // it may be unspent, where memory has failed
  }
  return status;
}

grove_status scene_do(scene *s, int i, hand_fn *job)
{
  long unused;
  if (atomic_load(&s->over)) {
    return GROVE_ECLOSED;
  }
  return scene_get(s, scene_ask(s, s->g, i, job), &unused, sizeof unused);
}

bool scene_breathe(scene *s)
{
  if (atomic_load(&s->over)) {
    return false;
  }
  (void)!grove_sleep(s->g, 1);
  return !atomic_load(&s->over);
}

grove_status scene_nap(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  char *mine = scene_hold(s);
  grove_status status = grove_sleep(self, 1);
  *reply = scene_role(st)->i;
  scene_let(s, mine);
  return status;
}
