// Making actors.
#include "actor/birth.h"
#include "actor/group.h"
#include "actor/run.h"
#include "base/options.h"
#include "base/random.h"

static grove_status refuse(grove__refusal *no, grove_status s, uint32_t why)
{
  no->why = why;
  return s;
}

// A class of an older program ends early, one of a newer program must have nothing in what we don't know.
static grove_status check_class(const grove_class *k, grove__refusal *no)
{
  no->why = GROVE__WHY_CLASS;
  if (!k || k->struct_size < offsetof(grove_class, start) + sizeof k->start || !k->name ||
      !k->start_arg || !k->state_bytes) {
    return GROVE_EINVAL;
  }
  for (size_t i = sizeof *k; i < k->struct_size; i++) {
    if (((const unsigned char *)k)[i]) {
      return refuse(no, GROVE_ENOTSUP, GROVE__WHY_CLASS_LATER);
    }
  }
  bool known = GROVE__CLASS(k, strategy) <= GROVE_REST_FOR_ONE &&
               GROVE__CLASS(k, full) <= GROVE_FULL_DROP_OLD;
  return known ? GROVE_OK : GROVE_EINVAL;
}

// *out: `spec`, or what holds for all.
static grove_status read_spec(grove__system *y, const grove_class *k, const grove_spawn_options *o,
    grove_spawn_options *spec, const grove_spawn_options **out, grove__refusal *no)
{
  *out = o ? spec : &y->no_annex->spec;
  if (!o) {
    return GROVE_OK;
  }
  grove_status s = grove__options_read(spec, sizeof *spec, o);
  if (s) {
    return refuse(no, s, s == GROVE_ENOTSUP ? GROVE__WHY_OPTIONS_LATER : GROVE__WHY_OPTIONS);
  }
  if (spec->restart > GROVE_PERMANENT) {
    return refuse(no, GROVE_EINVAL, GROVE__WHY_RESTART);
  }
  if (spec->stands_for && !GROVE__CLASS(k, receive)) {
    return refuse(no, GROVE_EINVAL, GROVE__WHY_STANDS_FOR);
  }
  if (spec->name && !spec->name[0]) {
    return refuse(no, GROVE_EINVAL, GROVE__WHY_NAME_EMPTY);
  }
  y->policy->defaults(spec);
  return GROVE_OK;
}

static size_t aligned(size_t bytes)
{
  return (bytes + 15) & ~(size_t)15;
}

static size_t text_bytes(const char *text)
{
  return text ? strlen(text) + 1 : 0;
}

// Without texts, and small.
static bool fits_few(const grove_class *k, size_t texts)
{
  return !texts && grove__cell_fits_few(k);
}

static void *take_body(grove__cell *c, size_t bytes)
{
  void *body = grove__alloc_zero(grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_ACTORS), bytes);
  if (body) {
    c->body = GROVE__BODY_APART;
    c->apart.body = body;
    c->apart.bytes = bytes;
  }
  return body;
}

// Argument, texts, state, in one block; the state last, so that who writes past its end can be caught at it.
static grove_status make_body(
    grove__cell *c, const grove_class *k, const grove_spawn_options *spec)
{
  size_t name = text_bytes(spec->name), label = text_bytes(spec->label), state, all;
  if (fits_few(k, name + label)) {
    c->body = GROVE__BODY_FEW;
    memset(c->few, 0, sizeof c->few);
    return GROVE_OK;
  }
  if (!grove__add(aligned(k->start_arg->bytes), name, &state) ||
      !grove__add(state, label, &state) || state > SIZE_MAX - 16 ||
      !grove__add(aligned(state), k->state_bytes, &all)) {
    return GROVE_ENOMEM;
  }
  char *body = take_body(c, all);
  if (!body) {
    return GROVE_ENOMEM;
  }
  if (name || label) {
    grove__annex *x = grove__annex_of(c);
    char *texts = body + aligned(k->start_arg->bytes);
    x->name = name ? memcpy(texts, spec->name, name) : NULL;
    x->label = label ? memcpy(texts + name, spec->label, label) : NULL;
    atomic_store_explicit(&x->texts, name + label, memory_order_relaxed); // published with the life
  }
  c->apart.state = body + aligned(state);
  return GROVE_OK;
}

// Whether it wants more than the runtime's annex says of all.
static bool wants_annex(grove__system *y, const grove_class *k, const grove_spawn_options *spec)
{
  const grove_spawn_options *usual = &y->no_annex->spec;
  size_t from = offsetof(grove_spawn_options, restart), to = offsetof(grove_spawn_options, stands_for);
  _Static_assert(offsetof(grove_spawn_options, stands_for) - offsetof(grove_spawn_options, restart) -
                         9 * sizeof(uint32_t) < sizeof(void *), "numbers alone between the two");
  return spec->name || spec->label || spec->flags || spec->stands_for ||
         grove__own_limit(k, spec) || GROVE__CLASS(k, strategy) != GROVE_ONE_FOR_ONE ||
         grove__mailbox_wants_rest(grove__class_mailbox(k), GROVE__CLASS(k, mailbox_bytes)) ||
         (spec != usual && memcmp((const char *)spec + from, (const char *)usual + from, to - from) != 0);
}

static grove_status make_annex(
    grove__cell *c, const grove_class *k, const grove_spawn_options *spec)
{
  grove__annex *x = grove__annex_make_locked(c); // nobody knows of it
  if (!x) {
    return GROVE_ENOMEM;
  }
  x->spec = *spec;
  x->spec.name = x->spec.label = NULL; // the copies are in the body
  atomic_store_explicit(&x->stands_for, spec->stands_for, memory_order_relaxed); // published with the life
  return grove__group_create(grove__cell_system(c), k, &x->group);
}

static void unmake_annex(grove__cell *c)
{
  grove__mutex_lock(&c->lock);
  grove__annex *x = grove__annex_of(c);
  if (x) {
    grove__group_destroy(grove__cell_system(c), x->group);
    grove__annex_give_locked(c);
  }
  grove__mutex_unlock(&c->lock);
}

// Everything of a life that only its owner knows. On failure nothing is held.
static grove_status fill(
    grove__cell *c, const grove_class *k, const void *arg, const grove_spawn_options *spec, bool task)
{
  grove__system *y = grove__cell_system(c);
  grove__kind *kind = grove__kind_of(y, k);
  if (!kind) {
    return GROVE_ENOMEM;
  }
  grove__birth_class(c, kind);
  grove_status s = wants_annex(y, k, spec) ? make_annex(c, k, spec) : GROVE_OK;
  if (!s && !task) { // which has neither state nor argument
    s = make_body(c, k, spec);
  }
  if (!s && !task) {
    s = grove__value_copy(y, k->start_arg, grove__cell_argument(c), arg);
  }
  if (s) {
    grove__cell_free_body(c);
    unmake_annex(c);
  }
  return s;
}

static void unfill(grove__cell *c)
{
  const grove_class *k = grove__cell_class(c);
  if (grove__cell_state(c)) {
    grove__value_release(k->start_arg, grove__cell_argument(c));
  }
  grove__cell_free_body(c);
  unmake_annex(c);
}

static void set_phase(grove__cell *c, uint32_t phase)
{
  grove__mutex_lock(&c->lock);
  c->phase = phase;
  grove__mutex_unlock(&c->lock);
}

// The moment from which on others see it: as the parent's child, by its address, by its name. Nothing can fail after.
static grove_status publish(grove__cell *c, grove__cell *parent, uint64_t parent_life)
{
  bool held = false;
  grove__mutex_lock(&parent->lock); // it also keeps the new life from ending before all is said
  grove_status s;
  for (;;) {
    s = grove__birth_may_enter_locked(parent, parent_life);
    s = !s && !grove__annex_make_locked(parent) ? GROVE_ENOMEM : s; // of which the list of children is
    bool in_a_group = !s && grove__cell_annex(parent)->group && !grove__cell_is_task(c);
    grove__cell_set_in_group(c, !in_a_group ? GROVE__GROUP_NONE : held ? GROVE__GROUP_HELD : GROVE__GROUP_OUT);
    if (s || held == (in_a_group && grove__group_holds_locked(parent))) {
      break;
    }
    grove__mutex_unlock(&parent->lock); // its own lock can't be taken within that
    held = !held;
    set_phase(c, held ? GROVE__CELL_RESTARTING : GROVE__CELL_STARTING);
    grove__mutex_lock(&parent->lock);
  }
  if (!s) {
    grove__annex *x = grove__annex_of(parent);
    grove__birth_enter_locked(x, c);
    if (grove__annex_of(c)) {
      grove__annex_of(c)->place = grove__annex_place(c);
    }
    c->task.node.unborn = true;
    if (grove__mailbox_begin(&c->mailbox)) { // publishes the cell of this life
      grove__sched_put(&grove__cell_system(c)->sched, &c->task);
    }
  }
  grove__mutex_unlock(&parent->lock);
  return s;
}

// A life may begin: first what can fail and nobody sees, then its place in the world.
static grove_status enter_world(
    grove__cell *c, uint64_t life, grove__cell *parent, uint64_t parent_life, const grove_spawn_options *spec,
    grove__refusal *no)
{
  grove__system *y = grove__cell_system(c);
  const grove_class *k = grove__cell_class(c);
  if (GROVE__CLASS(k, own_thread)) {
    no->why = GROVE__WHY_THREADS;
    GROVE__TRY(grove__own_thread_create(&y->sched, &c->task));
  } else if (GROVE__CLASS(k, blocking)) {
    no->why = GROVE__WHY_THREADS;
    GROVE__TRY(grove__offload_ensure(&y->sched));
  }
  grove__mailbox_open(&c->mailbox, life, grove__class_mailbox(k), GROVE__CLASS(k, mailbox_bytes));
  grove__own_begin(c, grove__own_limit(k, spec));
  bool named = spec->name != NULL; // once it is published, it may end and its slot be another's
  grove_status s = named ? grove__name_enter(c, &no->holder) : GROVE_OK;
  no->why = s == GROVE_EEXIST ? GROVE__WHY_NAME : GROVE__WHY_MEMORY;
  if (!s) {
    s = publish(c, parent, parent_life);
    no->why = s == GROVE_ECANCELED ? GROVE__WHY_PARENT_ENDING
              : s == GROVE_ENOACTOR ? GROVE__WHY_PARENT
              : s == GROVE_ENOMEM   ? GROVE__WHY_MEMORY
                                    : GROVE__WHY_UNKNOWN;
    if (named) {
      grove__name_entered(y, s ? c : NULL);
    }
  }
  if (s) {
    grove__mailbox_close(&c->mailbox);
    if (c->task.node.home) {
      grove__own_thread_leave(c->task.node.home);
    }
  }
  return s;
}

grove_status grove__spawn(grove__system *y, grove__cell *parent, const grove_class *k,
    const void *arg, const grove_spawn_options *o, const grove_method *one_shot, grove_ref *out,
    grove__refusal *no)
{
  grove_spawn_options own;
  const grove_spawn_options *spec;
  bool limit;
  *no = (grove__refusal){GROVE__WHY_ARGUMENT, {0, 0}};
  GROVE__TRY(arg ? check_class(k, no) : GROVE_EINVAL);
  GROVE__TRY(read_spec(y, k, o, &own, &spec, no));
  if (spec->name && grove__name_find(y, spec->name, &no->holder)) {
    return refuse(no, GROVE_EEXIST, GROVE__WHY_NAME);
  }
  uint64_t parent_life = grove__cell_life(parent); // the spawner's or the root's, which lasts
  if (spec->parent.where || spec->parent.which) {
    no->why = GROVE__WHY_PARENT;
    GROVE__TRY(grove__cell_find(y, spec->parent, &parent));
    parent_life = spec->parent.which;
  }
  no->why = GROVE__WHY_THREADS;
  GROVE__TRY(grove__sched_ensure(&y->sched));
  grove__worker *w = grove__sched_here(&y->sched);
  grove__cell *c = grove__cell_take(y, w, &limit);
  if (!c) {
    GROVE__EVENT(y, GROVE_EVENT_LIMIT, NULL, limit ? GROVE_ELIMIT : GROVE_ENOMEM,
        y->options.max_actors, "spawn", limit ? "max_actors" : "no memory");
    return refuse(no, limit ? GROVE_ELIMIT : GROVE_ENOMEM,
        limit ? GROVE__WHY_ACTORS : GROVE__WHY_MEMORY);
  }
  grove_status s =
      y->options.simulate ? grove__sim_reserve(&y->sched, grove__system_tasks(y)) : GROVE_OK;
  if (!s) {
    s = fill(c, k, arg, spec, one_shot != NULL);
  }
  if (s) {
    grove__cell_give(c, w);
    return refuse(no, s, GROVE__WHY_MEMORY);
  }
  uint64_t life = grove__birth_number(y, w);
  grove__birth_reset(c, one_shot, parent);
  c->phase = GROVE__CELL_STARTING;
  grove__cell_set_born(c, w && !y->options.simulate ? grove__worker_recent(w) : grove__now(y));
  grove__kind *kind = grove__cell_kind(c);
  grove__kind_count(kind, w, GROVE__TALLY_SPAWNED, 1); // before it can end
  s = enter_world(c, life, parent, parent_life, spec, no);
  if (s) {
    set_phase(c, GROVE__CELL_FREE);
    grove__kind_count(kind, w, GROVE__TALLY_SPAWNED, UINT64_MAX); // one less
    unfill(c);
    grove__cell_give(c, w);
    return s;
  }
  if (grove__wants(y, GROVE__WANTED_EVENT(GROVE_EVENT_SPAWNED))) { // by what the caller gave
    grove__event_put_of(y, GROVE_EVENT_SPAWNED, grove__cell_ref_of(c, life), k->name,
        spec->name ? spec->name : spec->label || !one_shot ? spec->label : one_shot->name, GROVE_OK, 0, NULL, NULL);
  }
  *out = grove__cell_ref_of(c, life); // the cell itself may be another's by now
  return GROVE_OK;
}

grove_status grove__spawn_allowed(grove__system *y, const grove__activation *here)
{
  if (!here && grove__stopping(y)) {
    return GROVE_ECLOSED;
  }
  if (here && here->cell &&
      atomic_load_explicit(&here->cell->ending, memory_order_relaxed)) { // a request
    return GROVE_ECANCELED;
  }
  return GROVE_OK;
}

// The class of a living actor; NULL: it has ended. Under the lock, because its slot may become another actor's.
static const grove_class *class_of(grove__system *y, grove_ref who)
{
  grove__cell *c;
  if (grove__cell_find(y, who, &c)) {
    return NULL;
  }
  grove__mutex_lock(&c->lock);
  const grove_class *k = grove__cell_is_locked(c, who.which) ? grove__cell_class(c) : NULL;
  grove__mutex_unlock(&c->lock);
  return k;
}

static grove_ref spawn(grove *g, const grove_class *k, const void *arg,
    const grove_spawn_options *o, bool or_find, bool *created)
{
  grove__system *y;
  grove__activation *here;
  const grove_class *other = NULL; // the holder's of the name
  grove_ref r;
  grove__refusal no = {GROVE__WHY_UNKNOWN, {0, 0}};
  grove_status s = grove__enter(g, &y, &here);
  if (!s) {
    s = grove__spawn_allowed(y, here);
    no.why = s == GROVE_ECANCELED ? GROVE__WHY_SPAWNER : GROVE__WHY_UNKNOWN;
  }
  if (s) {
    return grove__ref_failed(s, &no);
  }
  do { // a holder that has ended meanwhile has left its name before
    s = grove__spawn(y, here && here->cell ? here->cell : y->root, k, arg, o, NULL, &r, &no);
  } while (s == GROVE_EEXIST && or_find && !(other = class_of(y, no.holder)));
  if (created) {
    *created = s == GROVE_OK;
  }
  if (s == GROVE_EEXIST && other == k) {
    return no.holder;
  }
  no.why = s == GROVE_EEXIST && or_find ? GROVE__WHY_NAME_CLASS : no.why;
  return s ? grove__ref_failed(s, &no) : r;
}

grove_ref grove_spawn(grove *g, const grove_class *c, const void *arg, const grove_spawn_options *o)
{
  grove__activation *here = o ? NULL : grove__enter_method(g);
  grove_ref r;
  return here && grove__spawn_quickly(here, c, arg, &r) ? r : spawn(g, c, arg, o, false, NULL);
}

grove_ref grove_spawn_or_find(
    grove *g, const grove_class *c, const void *arg, const grove_spawn_options *o, bool *created)
{
  if (!o || !o->name) {
    return grove__ref_failed_by(GROVE_EINVAL, GROVE__WHY_NAME_WANTED);
  }
  return spawn(g, c, arg, o, true, created);
}

grove_ref grove_self(grove *g)
{
  grove__system *y;
  grove__activation *here;
  grove_status s = grove__enter(g, &y, &here);
  if (s) {
    return grove__ref_failed_by(s, GROVE__WHY_UNKNOWN);
  }
  return grove__cell_ref(here && here->cell ? here->cell : y->root);
}
