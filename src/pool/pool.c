#include "pool/pool_handle.h"
#include <grove/typed.h>
#include <grove/watch.h>
#include "base/status.h"
#include "pool/pool_actor.h"

// ---- life -----------------------------------------------------------------------------------------
static void free_pool(void *ptr, void *user)
{
  grove_pool *p = ptr;
  (void)user;
  grove_allocator a = p->window.allocator;
  grove__window_deinit(&p->window);
  grove__free(&a, p->pushed, p->pushed_room * sizeof *p->pushed);
  grove__free(&a, p, sizeof *p);
}

// Ties the pool to its owner's life: it is the reply of a future that is kept unspent, so that it is freed when that
// is dropped: by grove_pool_destroy, at the end of the owner's life, or with the runtime.
static grove_status tie_to_life(grove *g, grove_pool *p)
{
  grove_promise promise;
  grove_shared box = {0};
  GROVE__TRY(grove_promise_create(g, &grove_type_of_grove_shared, &promise, &p->life));
  grove_status s = grove_share(g, p, sizeof *p, free_pool, NULL, &box);
  if (s) {
    grove_drop(g, p->life);
    return s;
  }
  grove_keep(g, p->life);
  s = grove_promise_answer(g, promise, GROVE_OK, &box, sizeof box);
  GROVE__ASSERT(!s);
  return s;
}

static grove_pool *create_pool(grove *g, const grove_pool_options *o)
{
  grove_allocator a = *grove_runtime_allocator(g);
  grove_pool *p = grove__alloc_zero(&a, sizeof *p);
  if (!p) {
    return NULL;
  }
  p->window.allocator = a;
  p->root = grove_runtime(g);
  p->most_in_flight = o->window;
  p->most_results = o->results;
  p->destroy_ms = o->destroy_ms;
  p->options = *o;
  p->options.member = NULL;
  if (tie_to_life(g, p)) {
    grove__free(&a, p, sizeof *p);
    return NULL;
  }
  return p;
}

grove_pool *grove_pool_spawn(
    grove *g, const grove_class *c, const void *arg, const grove_pool_options *o)
{
  grove_pool_options full;
  grove_spawn_options member;
  if (!g || !c || grove__pool_options_read(g, o, &full, &member)) {
    return NULL;
  }
  grove_pool *p = create_pool(g, &full);
  if (p) {
    p->of = c;
    p->spawned = true;
    p->to = grove__pool_actor_spawn(g, c, arg, &full, GROVE_NOBODY);
    if (grove_ref_equal(p->to, GROVE_NOBODY)) { // no memory for what it is told: there is no pool
      grove_drop(g, p->life);                   // frees p
      return NULL;
    }
  }
  return p;
}

grove_pool *grove_pool_over(grove *g, grove_ref to, const grove_pool_options *o)
{
  grove_pool_options full;
  grove_spawn_options member;
  if (!g || grove__pool_options_read(g, o, &full, &member)) {
    return NULL;
  }
  grove_pool *p = create_pool(g, &full);
  if (p) {
    p->over = true;
    p->to = to;
  }
  return p;
}

static void destroy_now(grove_pool *p)
{
  grove *g = p->root;
  grove__window_drop(g, &p->window);
  if (p->spawned) {
    grove_drop(g, grove_exit(g, p->to, p->destroy_ms));
  }
  if (p->annexed) {
    grove_drop(g, grove_exit(g, p->annex, p->destroy_ms));
  }
  grove_drop(g, p->life); // frees p
}

void grove_pool_destroy(grove_pool *p)
{
  if (!p) {
    return;
  }
  if (p->inside) {
    p->doomed = true;
    return;
  }
  destroy_now(p);
}

grove_status grove__pool_enter(grove_pool *p)
{
  if (p->inside) {
    return GROVE_EINVAL;
  }
  p->inside = true;
  return GROVE_OK;
}

void grove__pool_leave(grove_pool *p)
{
  p->inside = false;
  if (p->doomed) {
    destroy_now(p);
  }
}

grove_ref grove_pool_ref(const grove_pool *p)
{
  return p ? p->to : GROVE_NOBODY;
}

// ---- submit and take ------------------------------------------------------------------------------
// Adds what was pushed so far to the annex, which is made for the class that the first item is of.
static grove_status make_annex(grove *g, grove_pool *p, const grove_class *of)
{
  grove_spawn_options member = {GROVE_SPAWN};
  grove_pool_options o = p->options;
  o.member = &member;
  grove_ref annex = grove__pool_actor_spawn(g, of, NULL, &o, p->to);
  GROVE__TRY(grove_ref_status(annex));
  if (grove_ref_equal(annex, GROVE_NOBODY)) {
    return GROVE_ENOMEM;
  }
  p->annex = annex;
  p->annexed = true;
  p->of = of;
  for (size_t i = 0; i < p->pushed_n; i++) {
    // A pushed one that is gone by now is no member: not this item's failure.
    grove_drop(g, grove_call(g, annex, &grove__pool_push_method, &p->pushed[i]));
  }
  p->pushed_n = 0;
  return GROVE_OK;
}

grove_status grove__pool_target(grove *g, grove_pool *p, const grove_method *m, grove_ref *to)
{
  if (p->over && !p->annexed && p->pushed_n) {
    GROVE__TRY(make_annex(g, p, m->owner));
  }
  *to = p->annexed ? p->annex : p->to;
  return GROVE_OK;
}

static grove_status too_many_results(grove *g, const grove_pool *p)
{
  return grove_fail(g, GROVE_ELIMIT,
      "%llu results of the pool are not taken (`results` of its options): take some, or raise it",
      (unsigned long long)p->most_results);
}

static grove_status submit(
    grove *g, grove_pool *p, const grove_method *m, const void *arg, uint64_t tag)
{
  grove__window *w = &p->window;
  grove_ref to;
  if (w->ended >= p->most_results) {
    return too_many_results(g, p);
  }
  GROVE__TRY(grove__pool_target(g, p, m, &to));
  while (w->in_flight >= p->most_in_flight) {
    GROVE__TRY(grove__window_end_some(g, w, p->most_results - w->ended, GROVE_FOREVER));
    if (w->ended >= p->most_results && w->in_flight >= p->most_in_flight) {
      return too_many_results(g, p);
    }
  }
  return grove__window_add(g, w, to, m, arg, tag);
}

grove_status grove_pool_submit(
    grove *g, grove_pool *p, const grove_method *m, const void *arg, uint64_t tag)
{
  if (!p) {
    return GROVE_ENOMEM;
  }
  if (!g || !m || !arg) {
    return GROVE_EINVAL;
  }
  GROVE__TRY(grove__pool_enter(p));
  grove_status s = submit(g, p, m, arg, tag);
  grove__pool_leave(p);
  return s;
}

bool grove_pool_has_next(const grove_pool *p)
{
  return p && p->window.first;
}

typedef struct taking {
  uint64_t *tag;
  void *reply;
  size_t bytes;
  grove_error *err;
} taking;

static grove_status take_next(grove *g, grove_pool *p, bool ordered, int64_t ms, const taking *to)
{
  grove__ticket *t = NULL;
  grove_status s = grove__window_peek(g, &p->window, ordered, ms, &t);
  if (s) {
    if (to->err) {
      *to->err = (grove_error){.status = s};
      strcpy(to->err->text, s == GROVE_ENOENT ? "nothing was submitted that is not taken yet"
                                              : "no result was taken: the wait itself ended");
    }
    return s;
  }
  if (to->reply && to->bytes != t->method->reply->bytes) {
    return GROVE_EINVAL; // it stays
  }
  uint64_t tag = t->tag;
  s = grove__window_take(&p->window, t, to->reply, to->err);
  if (to->tag) {
    *to->tag = tag;
  }
  return s;
}

static grove_status get_next(grove *g, grove_pool *p, bool ordered, int64_t ms, const taking *to)
{
  if (!p) {
    return GROVE_ENOMEM;
  }
  if (!g || (to->bytes && !to->reply)) {
    return GROVE_EINVAL;
  }
  GROVE__TRY(grove__pool_enter(p));
  grove_status s = take_next(g, p, ordered, ms, to);
  grove__pool_leave(p);
  return s;
}

grove_status grove_pool_get_next(
    grove *g, grove_pool *p, int64_t ms, uint64_t *tag, void *reply, size_t bytes, grove_error *err)
{
  return get_next(g, p, true, ms, &(taking){tag, reply, bytes, err});
}

grove_status grove_pool_get_next_unordered(
    grove *g, grove_pool *p, int64_t ms, uint64_t *tag, void *reply, size_t bytes, grove_error *err)
{
  return get_next(g, p, false, ms, &(taking){tag, reply, bytes, err});
}

// ---- members --------------------------------------------------------------------------------------
// Asks the pool actor, which never waits: so this does not take long.
static grove_status ask(grove_pool *p, const grove_method *m, const void *arg, void *reply)
{
  grove_ref to = p->annexed ? p->annex : p->to;
  GROVE__TRY(grove__pool_enter(p));
  grove_status s = grove_get(p->root, grove_call(p->root, to, m, arg), GROVE_FOREVER, reply,
      reply ? m->reply->bytes : 0, NULL);
  grove__pool_leave(p);
  return s;
}

// Over an address, before there is an annex: remembered until the first item tells the class.
static grove_status remember_pushed(grove_pool *p, grove_ref member)
{
  grove_info base = {.struct_size = sizeof base};
  grove_info info = {.struct_size = sizeof info};
  GROVE__TRY(grove_inspect(p->root, member, &info));
  if (info.phase >= GROVE_PHASE_STUCK) {
    return GROVE_ENOACTOR; // remembered, but gone
  }
  if (grove_ref_equal(p->to, member)) {
    return GROVE_EEXIST;
  }
  for (size_t i = 0; i < p->pushed_n; i++) {
    if (grove_ref_equal(p->pushed[i], member)) {
      return GROVE_EEXIST;
    }
  }
  if (!grove_inspect(p->root, p->to, &base) && strcmp(base.class_name, grove__pool_class.name) &&
      strcmp(base.class_name, info.class_name)) {
    return GROVE_EINVAL;
  }
  if (p->pushed_n == p->pushed_room) {
    size_t room = p->pushed_room ? p->pushed_room * 2 : 8;
    void *grown = grove__realloc(&p->window.allocator, p->pushed,
        p->pushed_room * sizeof *p->pushed, room * sizeof *p->pushed);
    if (!grown) {
      return GROVE_ENOMEM;
    }
    p->pushed = grown;
    p->pushed_room = room;
  }
  p->pushed[p->pushed_n++] = member;
  return GROVE_OK;
}

grove_status grove_pool_push(grove_pool *p, grove_ref member)
{
  if (!p) {
    return GROVE_ENOMEM;
  }
  if (p->over && !p->annexed) {
    return remember_pushed(p, member);
  }
  return ask(p, &grove__pool_push_method, &member, NULL);
}

grove_status grove_pool_pop_idle(grove_pool *p, grove_ref *member)
{
  if (!p) {
    return GROVE_ENOMEM;
  }
  if (!member) {
    return GROVE_EINVAL;
  }
  *member = GROVE_NOBODY;
  if (p->over && !p->annexed) {
    if (!p->pushed_n) {
      return GROVE_ENOENT; // its only member is another's
    }
    *member = p->pushed[--p->pushed_n];
    return GROVE_OK;
  }
  return ask(p, &grove__pool_pop_idle_method, &GROVE_NONE, member);
}

bool grove_pool_has_free(const grove_pool *p)
{
  int free = 0;
  grove_info info = {.struct_size = sizeof info};
  if (!p || p->inside) {
    return false;
  }
  if (p->over && !p->annexed) {
    if (p->pushed_n) {
      return true;
    }
    if (grove_inspect(p->root, p->to, &info)) {
      return false;
    }
    if (strcmp(info.class_name, grove__pool_class.name)) {
      return info.phase <= GROVE_PHASE_IDLE && !info.mailbox_depth; // IDLE, or about to start
    }
  }
  return !ask((grove_pool *)(uintptr_t)p, &grove__pool_has_free_method, &GROVE_NONE, &free) && free;
}

grove_status grove_pool_resize(grove_pool *p, uint32_t members)
{
  uint64_t want = members;
  if (!p) {
    return GROVE_ENOMEM;
  }
  if (p->over || !members) {
    return GROVE_EINVAL;
  }
  return ask(p, &grove__pool_resize_method, &want, NULL);
}
