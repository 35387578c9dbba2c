// Restarting together: see group.h.
#include "actor/group.h"
#include "base/alloc.h"
#include <stdio.h>

enum {
  CALM,
  STOPPING, // the cursor goes from the newest child to older ones
  PAUSING,  // all are held; the timer runs
  STARTING  // the cursor goes from the oldest one to newer ones
};

struct grove__group {
  uint32_t phase;
  bool all;            // ONE_FOR_ALL; else REST_FOR_ONE
  bool at_it;          // a thread tells children
  uint64_t from;       // the number of the first child that takes part
  grove__cell *cursor; // the child whose news is waited for; NULL: none
  int64_t until;       // the end of the pause
  uint64_t timer_serial;
  grove__timer timer;
  grove_error why; // what the others are told: who failed, and how
};

grove_status grove__group_create(grove__system *y, const grove_class *k, grove__group **out)
{
  *out = NULL;
  if (GROVE__CLASS(k, strategy) == GROVE_ONE_FOR_ONE) {
    return GROVE_OK;
  }
  *out = grove__alloc_zero(grove__memory_of(y->memory, GROVE__MEMORY_ACTORS), sizeof **out);
  if (!*out) {
    return GROVE_ENOMEM;
  }
  (*out)->all = GROVE__CLASS(k, strategy) == GROVE_ONE_FOR_ALL;
  return GROVE_OK;
}

void grove__group_destroy(grove__system *y, grove__group *g)
{
  grove__free(grove__memory_of(y->memory, GROVE__MEMORY_ACTORS), g, sizeof *g);
}

static grove__group *group_of(const grove__cell *parent)
{
  return grove__cell_annex(parent)->group;
}

void grove__group_reset_locked(grove__cell *parent)
{
  grove__group *g = group_of(parent);
  if (g) {
    grove__timer_cancel(&grove__cell_system(parent)->sched.timers, &g->timer);
    g->timer_serial++;
    g->phase = CALM;
    g->cursor = NULL;
  }
}

bool grove__group_is_busy(const grove__cell *parent)
{
  return group_of(parent) && group_of(parent)->at_it;
}

bool grove__group_holds_locked(const grove__cell *parent)
{
  return group_of(parent) && group_of(parent)->phase != CALM;
}

grove_ref grove__group_awaits(grove__cell *parent, uint64_t parent_life, const grove__cell *child)
{
  grove_ref r = GROVE_NOBODY;
  grove__mutex_lock(&parent->lock);
  const grove__group *g = grove__cell_is_locked(parent, parent_life) ? group_of(parent) : NULL;
  const grove__cell *first = g && g->phase == STARTING ? g->cursor : NULL;
  if (first && first != child && grove__cell_in_group(first) == GROVE__GROUP_STARTING && grove__cell_is_linked(child) &&
      child->parent == parent->index + 1 && grove__cell_in_group(child) == GROVE__GROUP_HELD) {
    r = grove__cell_ref_of(first, grove__cell_life(first));
  }
  grove__mutex_unlock(&parent->lock);
  return r;
}

void grove__group_leave_locked(grove__cell *parent, grove__cell *child)
{
  grove__group *g = group_of(parent);
  if (g && g->cursor == child) {
    g->cursor = g->phase == STOPPING ? grove__cell_older(child) : grove__cell_younger(child);
  }
}

// ---- what is due ---------------------------------------------------------------------------------------

static void advance_locked(grove__cell *parent);

static void pause_is_over(void *user, uint64_t life, uint64_t serial)
{
  grove__cell *parent = user;
  grove__mutex_lock(&parent->lock);
  grove__group *g = group_of(parent);
  if (grove__cell_is_locked(parent, life) && g && g->timer_serial == serial &&
      g->phase == PAUSING) {
    g->phase = STARTING;
    g->cursor = grove__cell_annex(parent)->children_last;
    while (g->cursor && grove__cell_number(g->cursor) < g->from) {
      g->cursor = grove__cell_younger(g->cursor);
    }
    advance_locked(parent);
  }
  grove__mutex_unlock(&parent->lock);
}

// Each step does one thing, for which it may release the lock; false: news is to be waited for.
static bool stop_next(grove__cell *parent, grove__group *g)
{
  while (g->cursor && grove__cell_number(g->cursor) >= g->from &&
         (grove__cell_in_group(g->cursor) == GROVE__GROUP_HELD || !grove__cell_is_in_a_group(g->cursor))) {
    g->cursor = grove__cell_older(g->cursor);
  }
  grove__cell *child = g->cursor;
  if (!child || grove__cell_number(child) < g->from) {
    g->phase = PAUSING;
    g->cursor = NULL;
    grove__timer_set(&grove__cell_system(parent)->sched.timers, &g->timer, g->until, pause_is_over, parent,
        grove__cell_life(parent), ++g->timer_serial);
    return false;
  }
  if (grove__cell_in_group(child) == GROVE__GROUP_TOLD) {
    return false;
  }
  grove__cell_set_in_group(child, GROVE__GROUP_TOLD);
  uint64_t life = grove__cell_life(child); // it is on the list: so this is its life
  grove_error why = g->why;
  grove__mutex_unlock(&parent->lock);
  grove__cell_end(child, life, GROVE__END_GROUP, &why, INT64_MAX);
  grove__mutex_lock(&parent->lock);
  return true;
}

static bool start_next(grove__cell *parent, grove__group *g)
{
  while (g->cursor && grove__cell_in_group(g->cursor) != GROVE__GROUP_HELD &&
         grove__cell_in_group(g->cursor) != GROVE__GROUP_STARTING) {
    g->cursor = grove__cell_younger(g->cursor);
  }
  grove__cell *child = g->cursor;
  if (!child) {
    g->phase = CALM;
    return false;
  }
  if (grove__cell_in_group(child) == GROVE__GROUP_STARTING) {
    return false;
  }
  grove__cell_set_in_group(child, GROVE__GROUP_STARTING);
  uint64_t life = grove__cell_life(child);
  // Relaxed: the last restart was counted before it was held, under this lock.
  uint32_t restarts = grove__cell_restarts(child);
  grove__mutex_unlock(&parent->lock);
  grove__cell_begin(child, life, restarts);
  grove__mutex_lock(&parent->lock);
  return true;
}

static bool step(grove__cell *parent, grove__group *g)
{
  switch (g->phase) {
  case STOPPING: return stop_next(parent, g);
  case STARTING: return start_next(parent, g);
  default: return false;
  }
}

// A parent that ends tells its children itself, and nothing starts any more. While somebody is at it, its life lasts.
static void advance_locked(grove__cell *parent)
{
  grove__group *g = group_of(parent);
  if (g->at_it) {
    return;
  }
  g->at_it = true;
  while (parent->end == GROVE__END_NONE && step(parent, g)) {}
  g->at_it = false;
  if (parent->end != GROVE__END_NONE) {
    grove__sched_notify(&grove__cell_system(parent)->sched, &parent->task); // it has waited for this
  }
}

// ---- news ----------------------------------------------------------------------------------------------

static void begin_locked(
    grove__cell *child, grove__group *g, int64_t until, const grove_error *words)
{
  uint64_t from = g->all ? 0 : grove__cell_number(child);
  if (g->phase == CALM) {
    char title[112];
    grove__cell_title(child, title, sizeof title);
    g->from = from;
    g->until = until;
    g->why = *words;
    g->why.status = GROVE_EDEAD;
    snprintf(g->why.text, sizeof g->why.text, "in one group with %s, which failed: %.290s", title,
        words->text);
  }
  if (g->phase == STARTING &&
      g->cursor) { // who has started by now is as good as if it had never stopped
    g->from = grove__cell_number(g->cursor);
  }
  g->from = from < g->from ? from : g->from;
  g->until = until > g->until ? until : g->until;
  g->phase = STOPPING;
  g->cursor = grove__cell_annex(grove__cell_above(child))->children;
}

void grove__group_held(grove__cell *child, int64_t delay_ms, const grove_error *words)
{
  grove__cell *parent = grove__cell_above(child); // whose life lasts while the child is on its list
  int64_t until = grove__deadline_in(grove__cell_system(child), delay_ms < 0 ? 0 : delay_ms);
  grove__mutex_lock(&parent->lock);
  if (grove__cell_is_linked(child)) { // else it was given up, and the rest went on without it
    grove__cell_set_in_group(child, GROVE__GROUP_HELD);
    if (delay_ms >= 0) {
      begin_locked(child, group_of(parent), until, words);
    }
    advance_locked(parent);
  }
  grove__mutex_unlock(&parent->lock);
}

void grove__group_started(grove__cell *child)
{
  grove__cell *parent = grove__cell_above(child);
  if (!grove__cell_is_in_a_group(child)) {
    return;
  }
  grove__mutex_lock(&parent->lock);
  if (grove__cell_is_linked(child) && grove__cell_in_group(child) == GROVE__GROUP_STARTING) {
    grove__cell_set_in_group(child, GROVE__GROUP_OUT);
    advance_locked(parent);
  }
  grove__mutex_unlock(&parent->lock);
}

void grove__group_advance(grove__cell *parent, uint64_t life)
{
  grove__mutex_lock(&parent->lock);
  if (grove__cell_is_locked(parent, life) && group_of(parent)) {
    advance_locked(parent);
  }
  grove__mutex_unlock(&parent->lock);
}
