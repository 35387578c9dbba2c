#include "pool/pool_actor.h"
#include <grove/typed.h>
#include <stdio.h>
#include "base/error.h"
#include "base/status.h"

static grove_status start_pool(grove *self, void *state, const void *arg, void *reply)
{
  grove__pool_actor *p = state;
  (void)reply;
  p->plan = ((const grove_shared *)arg)->ptr; // a start argument lives as long as the actor
  p->allocator = &p->plan->allocator;
  if (p->plan->base.which || p->plan->base.where) {
    return grove__member_add(self, p, p->plan->base, false);
  }
  p->least = p->plan->members;
  p->most = p->plan->members_most;
  while (p->spawned < p->least) {
    GROVE__TRY(grove__member_spawn(self, p));
  }
  return GROVE_OK;
}

static void destroy_pool(void *state)
{
  grove__pool_actor *p = state;
  if (!p->plan) {
    return; // its start did not come that far
  }
  grove__item_list_clear(p->allocator, &p->high);
  grove__item_list_clear(p->allocator, &p->queue);
  grove__item_list_clear(p->allocator, &p->running);
  grove__members_destroy(p);
  grove__free(p->allocator, p->reply, p->reply_room);
}

// Room for a reply is made when the item comes, so that nothing can fail when its result does.
static grove_status make_reply_room(grove__pool_actor *p, size_t bytes)
{
  if (bytes <= p->reply_room) {
    return GROVE_OK;
  }
  void *room = grove__realloc(p->allocator, p->reply, p->reply_room, bytes);
  if (!room) {
    return GROVE_ENOMEM;
  }
  p->reply = room;
  p->reply_room = bytes;
  return GROVE_OK;
}

static void fail_item(grove *self, grove__pool_actor *p, grove__item *item, const grove_error *err)
{
  grove_promise_fail(self, item->promise, err);
  grove__item_destroy(p->allocator, item);
}

// The words for an item that nobody is left to do.
static void say_none_is_left(const grove__pool_actor *p, grove_error *err)
{
  *err = p->last_words;
  err->status = GROVE_EDEAD;
  err->at = -1;
  grove__error_prefix(err, GROVE_EDEAD, "the pool has no member left");
}

static grove_status receive_item(
    grove *self, void *state, const grove_method *m, const void *arg, grove_promise answer)
{
  grove__pool_actor *p = state;
  if (!p->live && !grove__pool_may_grow(p)) {
    grove_error err;
    say_none_is_left(p, &err);
    return grove_fail_with(self, &err);
  }
  size_t waiting = p->queue.n + p->high.n;
  if (waiting >= p->plan->queue && !p->idle_first && !grove__pool_may_grow(p)) {
    return grove_fail(self, GROVE_EAGAIN,
        "the pool's queue is full: %zu items of %s wait for its %u members, the limit (queue) is "
        "%u",
        waiting, m->name, p->live, p->plan->queue);
  }
  GROVE__TRY(make_reply_room(p, m->reply->bytes));
  grove__item *item = grove__item_create(p->allocator, m, arg, answer);
  if (!item) {
    return GROVE_ENOMEM;
  }
  grove__item_list_append(m->flags & GROVE_METHOD_HIGH ? &p->high : &p->queue, item);
  grove__pool_dispatch(self, p);
  return GROVE_OK;
}

// The member gave the item back, done or failed: its result moves to the caller.
static void answer_item(grove *self, grove__pool_actor *p, grove__item *item, grove_error *err)
{
  const grove_type *reply = item->method->reply;
  if (err->status) {
    fail_item(self, p, item, err);
    return;
  }
  if (grove_promise_answer(self, item->promise, GROVE_OK, p->reply, reply->bytes)) {
    grove__holds_release(reply, p->reply); // too late: the counts are still ours
  }
  grove__item_destroy(p->allocator, item);
}

// In front: it came first.
static void put_back_item(grove *self, grove__pool_actor *p, grove__item *item)
{
  item->member = NULL;
  grove_promise_follow(self, item->promise, (grove_future){0, 0});
  grove__item_list_prepend(item->method->flags & GROVE_METHOD_HIGH ? &p->high : &p->queue, item);
}

// The member died with it, or before it had begun it, which is not the item's doing: it goes to another one, in front, for it
// came first. One that is not begun comes to an end, too: its member gets no more until it is up again, and each such round
// uses up one of its restarts.
static void take_back_item(
    grove *self, grove__pool_actor *p, grove__item *item, bool begun, grove_error *err)
{
  item->deaths += begun;
  if (begun && item->deaths >= p->plan->attempts) {
    err->status = GROVE_EDEAD;
    if (item->deaths > 1) {
      grove__error_prefix(
          err, GROVE_EDEAD, "given up after %u members died with it (attempts)", item->deaths);
    }
    fail_item(self, p, item, err);
    return;
  }
  put_back_item(self, p, item);
}

// A turn: a member's call has ended.
static grove_status on_item_ended(grove *self, void *user, grove_future f)
{
  grove__item *item = user;
  grove__member *m = item->member;
  grove__pool_actor *p = m->pool;
  grove_error err = {.at = -1};
  bool begun = grove_begun(self, f);
  err.status = grove_get(self, f, 0, p->reply, item->method->reply->bytes, &err);
  grove__item_list_remove(&p->running, item);
  m->running--;
  bool died = err.status && grove__member_has_died(self, m, &err);
  bool fewer = died || m->retiring; // are at work, and nobody else may be
  if (died) {
    take_back_item(self, p, item, begun, &err);
    grove__member_await(self, m);
  } else {
    answer_item(self, p, item, &err);
  }
  grove__member_settle(self, m);
  grove__member_let_go(m);
  grove__pool_dispatch(self, p);
  if (fewer) {
    grove_serves(self, p->live);
  }
  return GROVE_OK;
}

static void give_item(grove *self, grove__pool_actor *p, grove__item *item, grove__member *m)
{
  grove_future f;
  // The member's mailbox may be full of others' messages, and its class have senders wait: the item goes to another one, or to
  // it when there is room. The pool does not wait for that, for it serves all the others.
  if (grove_call_for(self, item->promise, m->ref, item->method, item->arg, &f)) {
    grove_status s = grove__member_await_room(self, m, item->method);
    if (s) {
      grove_error err;
      grove__error(&err, s, -1, "the pool could not wait for room in a member's mailbox for %s", item->method->name);
      fail_item(self, p, item, &err);
    } else {
      put_back_item(self, p, item);
    }
    return;
  }
  item->member = m;
  m->retry_ms = 0;
  m->running++;
  m->open++;
  grove__item_list_append(&p->running, item);
  grove__member_settle(self, m);
  grove_keep(self, f);
  grove_status s = grove_then(self, f, on_item_ended, item);
  if (s) { // no memory: this item fails, the member goes on
    grove_drop(self, f);
    grove__item_list_remove(&p->running, item);
    m->running--;
    grove_error err;
    grove__error(&err, s, -1, "the pool could not follow the call of %s", item->method->name);
    fail_item(self, p, item, &err);
    grove__member_settle(self, m);
    grove__member_let_go(m);
  }
}

// The first that somebody still wants; the others end here.
static grove__item *take_item(grove *self, grove__pool_actor *p)
{
  for (;;) {
    grove__item_list *from = p->high.n ? &p->high : &p->queue;
    grove__item *item = from->first;
    if (!item) {
      return NULL;
    }
    grove__item_list_remove(from, item);
    if (grove_promise_wanted(self, item->promise)) {
      return item;
    }
    grove_promise_answer(self, item->promise, GROVE_ECANCELED, NULL, 0);
    grove__item_destroy(p->allocator, item);
  }
}

// Gives what is queued to those that are idle. False: nothing is queued any more.
static bool give_queued(grove *self, grove__pool_actor *p)
{
  while (p->idle_first) {
    grove__item *item = take_item(self, p);
    if (!item) {
      return false;
    }
    give_item(self, p, item, p->idle_first);
  }
  return p->queue.n + p->high.n > 0;
}

void grove__pool_dispatch(grove *self, grove__pool_actor *p)
{
  while (give_queued(self, p) && grove__pool_grow(self, p)) {}
  if (p->live) {
    return; // a member that is busy, starting again or popped will come back
  }
  grove_error err;
  say_none_is_left(p, &err);
  for (grove__item *item = take_item(self, p); item; item = take_item(self, p)) {
    fail_item(self, p, item, &err);
  }
}

#define POOL_METHOD(NAME, ARG, REPLY)                                                              \
  const grove_method grove__pool_##NAME##_method = {sizeof(grove_method), 0, #NAME,                \
      &grove__pool_class, grove__pool_##NAME##_run, &grove_type_of_##ARG, &grove_type_of_##REPLY}
POOL_METHOD(push, grove_ref, grove_none);
POOL_METHOD(pop_idle, grove_none, grove_ref);
POOL_METHOD(has_free, grove_none, int);
POOL_METHOD(resize, uint64_t, grove_none);
POOL_METHOD(retry, uint64_t, grove_none);
POOL_METHOD(tide, grove_none, grove_none);
static const grove_method *const pool_methods[] = {&grove__pool_push_method,
    &grove__pool_pop_idle_method, &grove__pool_has_free_method, &grove__pool_resize_method,
    &grove__pool_retry_method, &grove__pool_tide_method, NULL};
const grove_class grove__pool_class = {
    .struct_size = sizeof(grove_class),
    .state_bytes = sizeof(grove__pool_actor),
    .name = "grove_pool",
    .start_arg = &grove_type_of_grove_shared,
    .methods = pool_methods,
    .start = start_pool,
    .destroy = destroy_pool,
    .receive = receive_item,
};
