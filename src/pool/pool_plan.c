#include "pool/pool_actor.h"
#include <grove/typed.h>
#include <stdio.h>
#include "base/options.h"
#include "base/status.h"

enum {
  DEFAULT_ATTEMPTS = 3,
  DEFAULT_QUEUE = 65536,
  DEFAULT_RESULTS = 1 << 20,
  DEFAULT_DESTROY_MS = 5000,
  DEFAULT_IDLE_MS = 10000
};

static uint32_t or_else(uint64_t value, uint64_t standard)
{
  uint64_t v = value ? value : standard;
  return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

grove_status grove__pool_options_read(
    grove *g, const grove_pool_options *given, grove_pool_options *out, grove_spawn_options *member)
{
  GROVE__TRY(grove__options_read(out, sizeof *out, given));
  GROVE__TRY(grove__options_read(member, sizeof *member, out->member));
  if (!out->member) {
    member->restart = GROVE_TRANSIENT;
  }
  grove_work work = {.struct_size = sizeof work};
  grove_work_init(g, &work);
  uint32_t width = work.width ? work.width : 1, most = out->members_most;
  out->members = or_else(out->members, most && most < width ? most : width);
  out->members_most = most > out->members ? most : out->members;
  out->idle_ms = or_else(out->idle_ms, DEFAULT_IDLE_MS);
  out->attempts = or_else(out->attempts, DEFAULT_ATTEMPTS);
  out->queue = or_else(out->queue, DEFAULT_QUEUE);
  out->window = or_else(out->window, (uint64_t)out->members_most * 2);
  out->results = or_else(out->results, DEFAULT_RESULTS);
  out->destroy_ms = or_else(out->destroy_ms, DEFAULT_DESTROY_MS);
  out->struct_size = sizeof *out;
  member->struct_size = sizeof *member;
  member->flags |= GROVE_SPAWN_EXPENDABLE; // the others go on
  member->parent = GROVE_NOBODY;           // the pool's
  if (!member->stop_ms) {
    member->stop_ms = out->destroy_ms;
  }
  out->member = member;
  return GROVE_OK;
}

static void destroy_plan(void *ptr, void *user)
{
  grove__pool_plan *plan = ptr;
  (void)user;
  grove_allocator a = plan->allocator;
  if (plan->arg) {
    grove__holds_release(plan->of->start_arg, plan->arg);
    grove__free(&a, plan->arg, plan->of->start_arg->bytes);
  }
  grove__free_text(&a, plan->name);
  grove__free_text(&a, plan->label);
  grove__free(&a, plan, sizeof *plan);
}

// Counts of its own for the shared data in plan->arg; borrowed views are copied. What failed is zeroed, so that the
// plan can be destroyed after any failure.
static grove_status hold_arg(grove *g, grove__pool_plan *plan)
{
  const grove_type *t = plan->of->start_arg;
  grove_status failed = GROVE_OK;
  for (uint32_t i = 0; i < t->holds; i++) {
    grove_shared s = grove__hold_read(t, plan->arg, i);
    if (failed) {
      s = (grove_shared){0};
    } else if (s.owner) {
      s = grove_retain(s);
    } else if (s.ptr) {
      grove_shared copy = {0};
      failed = grove_share_copy(g, s.ptr, s.bytes, &copy);
      s = copy;
    }
    grove__hold_write(t, plan->arg, i, s);
  }
  return failed;
}

static grove_status copy_words(grove__pool_plan *plan, const grove_spawn_options *member)
{
  plan->member = *member;
  plan->member.name = plan->member.label = NULL;
  if (member->name && !(plan->name = grove__copy_text(&plan->allocator, member->name))) {
    return GROVE_ENOMEM;
  }
  if (member->label && !(plan->label = grove__copy_text(&plan->allocator, member->label))) {
    return GROVE_ENOMEM;
  }
  plan->member.label = plan->label;
  return GROVE_OK;
}

static grove_status fill_plan(
    grove *g, grove__pool_plan *plan, const void *arg, const grove_spawn_options *member)
{
  static const char
      zeros[64]; // no argument: zero, as far as a type without an argument can want one
  GROVE__TRY(copy_words(plan, member));
  const grove_type *t = plan->of->start_arg;
  if (!t || plan->base.which || plan->base.where) {
    return GROVE_OK; // spawns none
  }
  if (!arg && t->bytes > sizeof zeros) {
    return GROVE_EINVAL;
  }
  plan->arg = grove__alloc(&plan->allocator, t->bytes);
  if (!plan->arg) {
    return GROVE_ENOMEM;
  }
  memcpy(plan->arg, arg ? arg : zeros, t->bytes);
  return hold_arg(g, plan);
}

static grove_status share_plan(grove *g, const grove__pool_plan *head, const void *arg,
    const grove_spawn_options *member, grove_shared *out)
{
  grove_allocator a = head->allocator;
  grove__pool_plan *plan = grove__alloc(&a, sizeof *plan);
  if (!plan) {
    return GROVE_ENOMEM;
  }
  *plan = *head;
  grove_status s = fill_plan(g, plan, arg, member);
  if (!s) {
    size_t bytes = sizeof *plan + (plan->arg ? plan->of->start_arg->bytes : 0);
    s = grove_share(g, plan, bytes, destroy_plan, NULL, out);
  }
  if (s) {
    destroy_plan(plan, NULL);
  }
  return s;
}

grove_ref grove__pool_actor_spawn(
    grove *g, const grove_class *of, const void *arg, const grove_pool_options *o, grove_ref base)
{
  grove__pool_plan head = {.allocator = *grove_runtime_allocator(g),
      .of = of,
      .members = o->members,
      .members_most = o->members_most,
      .idle_ms = o->idle_ms,
      .attempts = o->attempts,
      .queue = o->queue,
      .destroy_ms = o->destroy_ms,
      .base = base};
  grove_shared plan = {0};
  char label[64];
  snprintf(label, sizeof label, "pool of %s", of->name ? of->name : "actors");
  if (share_plan(g, &head, arg, o->member, &plan)) {
    return GROVE_NOBODY;
  }
  grove_ref ref = grove_spawn(g, &grove__pool_class, &plan,
      &(grove_spawn_options){GROVE_SPAWN, .name = ((const grove__pool_plan *)plan.ptr)->name,
          .label = label, .stop_ms = o->destroy_ms, .stands_for = of});
  grove_release(plan);
  return ref;
}
