#include "isolate/link_inside.h"
#include <unistd.h>

static const uint16_t reply_holds[] = {(uint16_t)offsetof(grove__wire_reply, body)};
const grove_type grove__wire_reply_type = {.struct_size = sizeof(grove_type),
    .bytes = sizeof(grove__wire_reply),
    .name = "grove__wire_reply",
    .holds = 1,
    .hold_offset = reply_holds};

// ---- who waits ------------------------------------------------------------------------------------
grove__waiter *grove__link_take_waiter_locked(grove__link *l, uint64_t id)
{
  for (grove__waiter **w = &l->waiters; *w; w = &(*w)->next) {
    if ((*w)->id == id) {
      grove__waiter *found = *w;
      *w = found->next;
      return found;
    }
  }
  return NULL;
}

// Either the end finds it in the list, or it finds that the end has come.
static grove_status add_waiter(grove *self, grove__link *l, uint64_t id, grove_future *f)
{
  grove_promise promise;
  grove__waiter *w = grove__alloc(&l->o.allocator, sizeof *w);
  if (!w) {
    return GROVE_ENOMEM;
  }
  grove_status s = grove_promise_create(self, &grove__wire_reply_type, &promise, f);
  if (s) {
    grove__free(&l->o.allocator, w, sizeof *w);
    return s;
  }
  *w = (grove__waiter){.id = id, .promise = promise};
  grove__mutex_lock(&l->lock);
  bool over = l->over;
  if (!over) {
    w->next = l->waiters;
    l->waiters = w;
  }
  grove__mutex_unlock(&l->lock);
  if (over) {
    grove_promise_fail(l->o.root, promise, &l->why); // `why` does not change once it is over
    grove__free(&l->o.allocator, w, sizeof *w);
  }
  return GROVE_OK;
}

grove_status grove__link_await_ready(grove *self, grove__link *l, grove_future *f)
{
  return add_waiter(self, l, GROVE__WAIT_READY, f);
}

grove_status grove__link_await_gone(grove *self, grove__link *l, grove_future *f)
{
  return add_waiter(self, l, GROVE__WAIT_GONE, f);
}

grove_status grove__link_await_closed(grove *self, grove__link *l, grove_future *f)
{
  return add_waiter(self, l, GROVE__WAIT_CLOSED, f);
}

// ---- to the process -------------------------------------------------------------------------------
grove_status grove__link_send(grove__link *l, const grove__frame *f, const void *body)
{
  grove__mutex_lock(&l->lock);
  grove_status s = l->over ? GROVE_OK : grove__wire_put_frame(&l->out.bytes, f, body);
  grove__mutex_unlock(&l->lock);
  grove__notify_raise(&l->notify);
  return s;
}

// encode is the type's own code: the frame is made before the lock is taken.
static grove_status put_call(grove__link *l, uint32_t method, uint64_t id, const grove_type *arg,
    const void *value, grove_error *err)
{
  grove__frame f = {.kind = GROVE__WIRE_CALL, .method = method, .id = id};
  grove__wire_buffer frame;
  grove__wire_buffer_init(&frame, &l->o.allocator);
  grove_status s = grove__wire_put_message(&frame, &f, arg, value, l->o.message_bytes);
  if (!s) {
    grove__mutex_lock(&l->lock);
    if (!l->over) { // else nothing goes there any more
      s = grove__wire_put(
          &l->out.bytes, frame.bytes + frame.begin, grove__wire_buffer_count(&frame));
    }
    grove__mutex_unlock(&l->lock);
  }
  grove__wire_buffer_deinit(&frame);
  if (s == GROVE_ELIMIT) {
    return grove__error(err, s, -1,
        "a message for the process of the actor is longer than the limit of %llu bytes "
        "(message_bytes)",
        (unsigned long long)l->o.message_bytes);
  }
  return s;
}

grove_status grove__link_call(grove *self, grove__link *l, uint32_t method, const grove_type *arg,
    const void *value, uint64_t *id, grove_future *answer_to_come, grove_error *err)
{
  grove__mutex_lock(&l->lock);
  *id = l->next_id++;
  grove__mutex_unlock(&l->lock);
  GROVE__TRY(add_waiter(self, l, *id, answer_to_come));
  grove_status s = put_call(l, method, *id, arg, value, err);
  if (s) {
    grove__mutex_lock(&l->lock);
    grove__waiter *w = grove__link_take_waiter_locked(l, *id);
    grove__mutex_unlock(&l->lock);
    grove__free(&l->o.allocator, w, sizeof *w);
    grove_drop(self, *answer_to_come);
    return s;
  }
  grove__notify_raise(&l->notify);
  return GROVE_OK;
}

void grove__link_forget(grove__link *l, uint64_t id)
{
  grove__mutex_lock(&l->lock);
  grove__waiter *w = grove__link_take_waiter_locked(l, id);
  // A process that reads nothing would else have them gather here without end.
  bool stays = w && grove__outbox_recall(&l->out, id);
  grove__mutex_unlock(&l->lock);
  grove__free(&l->o.allocator, w, sizeof *w);
  if (!w || stays) {
    return; // it has been answered, or has not crossed
  }
  grove__frame f = {.kind = GROVE__WIRE_CANCEL, .id = id};
  (void)grove__link_send(l, &f, NULL); // without memory it goes on for nobody, which is no harm
}

// ---- life -----------------------------------------------------------------------------------------
static void free_link(grove__link *l)
{
  grove_allocator a = l->o.allocator;
  if (l->fd >= 0) {
    (void)close(l->fd);
  }
  grove__notify_deinit(&l->notify);
  grove__mutex_deinit(&l->lock);
  grove__wire_buffer_deinit(&l->out.bytes);
  grove__wire_buffer_deinit(&l->in);
  grove__free_text(&a, l->program);
  grove__free(&a, l, sizeof *l);
}

static grove_status start_process(grove__link *l, int theirs, grove_error *err)
{
  const char *argument[] = {l->program, GROVE__ISOLATED_ARGUMENT, NULL};
  int code;
  if (grove__process_start(l->program, argument, theirs, &l->process, &code)) {
    char room[96];
    return grove__error(err, GROVE_EIO, -1, "can't start %s as the process of an actor: %s",
        l->program, grove__errno_text(code, room, sizeof room));
  }
  l->pid = l->process.pid;
  return GROVE_OK;
}

static grove_status start_thread(grove__link *l, grove_error *err)
{
  grove_status s = grove__thread_create(&l->thread, 0, "grove-isolated", grove__link_run, l);
  if (s) {
    grove__process_kill(&l->process);
    (void)grove__process_wait(&l->process);
    return grove__error(err, s, -1, "the system gives no thread for the process of an actor");
  }
  return GROVE_OK;
}

static grove_status connect_process(grove__link *l, grove_error *err)
{
  int end[2];
  grove_status s = grove__socket_pair(end);
  if (s) {
    return grove__error(
        err, s, -1, "no socket for the process of an actor: no descriptor is left (RLIMIT_NOFILE)");
  }
  l->fd = end[0];
  s = grove__set_nonblocking(end[0]) ? start_process(l, end[1], err) : GROVE_EIO;
  (void)close(end[1]);
  return s;
}

grove_status grove__link_open(const grove__link_options *o, grove__link **out, grove_error *err)
{
  grove_allocator a = o->allocator;
  grove__link *l = grove__alloc_zero(&a, sizeof *l);
  if (!l) {
    return grove__error_memory(err, "the process of an actor", sizeof *l);
  }
  l->o = *o;
  l->fd = -1;
  l->next_id = GROVE__FIRST_CALL;
  grove__wire_buffer_init(&l->out.bytes, &a);
  grove__wire_buffer_init(&l->in, &a);
  grove_status s = grove__mutex_init(&l->lock);
  if (s) {
    grove__free(&a, l, sizeof *l);
    return s;
  }
  s = grove__notify_init(&l->notify);
  if (s) {
    l->notify = (grove__notify){-1, -1};
    grove__error(err, s, -1, "no descriptor is left for the process of an actor (RLIMIT_NOFILE)");
  }
  l->program = s ? NULL : grove__copy_text(&a, o->program);
  s = s || l->program ? s : GROVE_ENOMEM;
  s = s ? s : connect_process(l, err);
  s = s ? s : start_thread(l, err);
  if (s) {
    free_link(l);
    return s;
  }
  *out = l;
  return GROVE_OK;
}

void grove__link_close(grove__link *l)
{
  if (!l) {
    return;
  }
  grove__mutex_lock(&l->lock);
  l->closing = true;
  grove__mutex_unlock(&l->lock);
  grove__notify_raise(&l->notify);
  grove__thread_join(&l->thread);
  free_link(l);
}

int grove__link_pid(const grove__link *l)
{
  return l->pid;
}
