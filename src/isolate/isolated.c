// The actor that stands for one in another process. Its state is a link; a message is an activation that waits for its answer, so
// callers, cancels, deadlines and the full mailbox are what they are for any actor, and at most `concurrency` of them are
// on the way.
#include <grove/isolated.h>
#include <grove/watch.h>
#include "actor/refusal.h"
#include "actor/show.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/holds.h"
#include "base/options.h"
#include "isolate/link.h"

enum { ON_THE_WAY = 64, START_MS = 10 * 1000, MESSAGE_BYTES = 64 * 1024 * 1024 };

// What an actor is spawned with: shared for all its lives.
typedef struct plan {
  grove_allocator allocator;
  const grove_class *of;
  uint32_t start_ms;
  uint64_t message_bytes;
  grove__wire_buffer hello; // the body of the first frame
  char program[4096];
} plan;

// A message that is in work over there when the actor is to end: activations must return then, so `stop` waits for its answer.
typedef struct pending {
  struct pending *next;
  const grove_method *method;
  uint64_t id;
  grove_future reply; // kept
  grove_promise answer;
} pending;

typedef struct isolated {
  const plan *plan;
  grove__link *link;
  grove *root;
  grove_ref ref;
  pending *pending;
} isolated;

// ---- what the link tells, on its thread -------------------------------------------------------------
static void on_state(void *user, const char *text)
{
  isolated *i = user;
  grove__note_show(i->root, i->ref, text);
}

static void on_log(void *user, int pid, int level, const char *line)
{
  isolated *i = user;
  grove_log(i->root, level, "%s (process %d): %s", i->plan->of->name, pid, line);
}

// ---- start ------------------------------------------------------------------------------------------
// The words of a frame that carries a failure.
static grove_status fail_with_frame(grove *self, const grove__wire_reply *r)
{
  int n = r->body.bytes < 400 ? (int)r->body.bytes : 400;
  grove_status s = r->frame.status ? (grove_status)r->frame.status : GROVE_EDEAD;
  return n ? grove_fail(self, s, "%.*s", n, (const char *)r->body.ptr) : s;
}

// A turn: the actor over there has ended, or its process has.
static grove_status on_gone(grove *self, void *user, grove_future f)
{
  grove__wire_reply r = {0};
  grove_error err = {.at = -1};
  (void)user;
  grove_status s = grove_get(self, f, 0, &r, sizeof r, &err);
  if (s == GROVE_ECANCELED) {
    return s; // it ends anyway
  }
  if (s) { // its process has ended; or it is gone, and there was no memory for the words
    return grove_crash(self, s, "%s", err.text);
  }
  int n = r.body.bytes < 400 ? (int)r.body.bytes : 400;
  if (r.frame.status) {
    s = grove_crash(
        self, (grove_status)r.frame.status, "%.*s", n, n ? (const char *)r.body.ptr : "");
  } else { // by a grove_exit of its own
    grove_drop(self, grove_exit(self, grove_self(self), 1000));
  }
  grove_release(r.body);
  return s;
}

static grove_status await_ready(grove *self, isolated *i)
{
  grove_future ready, gone;
  grove__wire_reply r = {0};
  grove_error err = {.at = -1};
  GROVE__TRY(grove__link_await_ready(self, i->link, &ready));
  GROVE__TRY(grove__link_await_gone(self, i->link, &gone));
  grove_keep(self, gone);
  grove__frame hello = {
      .kind = GROVE__WIRE_HELLO, .bytes = grove__wire_buffer_count(&i->plan->hello)};
  GROVE__TRY(grove__link_send(i->link, &hello, i->plan->hello.bytes));
  grove_status s = grove_get(self, ready, i->plan->start_ms, &r, sizeof r, &err);
  if (s == GROVE_ETIMEDOUT) {
    return grove_fail(self, s,
        "%s did not start in its process %d within %u ms (start_ms): does the main of %s call "
        "grove_isolated_main?",
        i->plan->of->name, grove__link_pid(i->link), i->plan->start_ms, i->plan->program);
  }
  if (s) {
    return grove_fail_with(self, &err);
  }
  s = r.frame.kind == GROVE__WIRE_READY ? GROVE_OK : fail_with_frame(self, &r);
  grove_release(r.body);
  return s ? s : grove_then(self, gone, on_gone, NULL);
}

static grove_status start_isolated(grove *self, void *state, const void *arg, void *reply)
{
  isolated *i = state;
  grove_error err = {.at = -1};
  (void)reply;
  i->plan = ((const grove_shared *)arg)->ptr;
  i->root = grove_runtime(self);
  i->ref = grove_self(self);
  grove__link_options o = {.root = i->root,
      .allocator = i->plan->allocator,
      .program = i->plan->program,
      .message_bytes = i->plan->message_bytes,
      .user = i,
      .state = on_state,
      .log = on_log};
  grove_status s = grove__link_open(&o, &i->link, &err);
  if (s) {
    return err.status ? grove_fail_with(self, &err) : s;
  }
  grove_state(self, "process %d", grove__link_pid(i->link));
  return await_ready(self, i);
}

// ---- messages ---------------------------------------------------------------------------------------
static grove_status answer_with(grove *self, const isolated *i, const grove_method *m,
    const grove__wire_reply *r, grove_promise answer)
{
  if (r->frame.status) {
    return fail_with_frame(self, r);
  }
  size_t bytes = m->reply->bytes;
  void *reply = grove__alloc(&i->plan->allocator, bytes);
  if (!reply) {
    return GROVE_ENOMEM;
  }
  grove_status s = grove__wire_get_value(i->root, m->reply, r->body.ptr, r->body.bytes, reply);
  if (s == GROVE_ECORRUPT) {
    s = grove_fail(self, s, "what the process %d of %s gave is no %s", grove__link_pid(i->link),
        i->plan->of->name, m->reply->name);
  } else if (!s && grove_promise_answer(self, answer, GROVE_OK, reply, bytes)) {
    grove__holds_release(m->reply, reply); // too late
  }
  grove__free(&i->plan->allocator, reply, bytes);
  return s;
}

// Waits for what came of a message, and answers with it. GROVE_ECANCELED: nobody wants it, or the actor is to end.
static grove_status pass_answer(grove *self, const isolated *i, const pending *p, grove_error *err)
{
  grove__wire_reply r = {0};
  grove_status s = grove_get(self, p->reply, GROVE_FOREVER, &r, sizeof r, err);
  if (s) {
    return s == GROVE_ECANCELED ? s : grove_fail_with(self, err);
  }
  s = answer_with(self, i, p->method, &r, p->answer);
  grove_release(r.body);
  return s;
}

static bool leave_to_stop(grove *self, isolated *i, const pending *p)
{
  pending *kept = grove__alloc(&i->plan->allocator, sizeof *kept);
  if (!kept) {
    return false;
  }
  *kept = *p;
  kept->next = i->pending;
  i->pending = kept;
  grove_keep(self, kept->reply);
  return true;
}

static grove_status receive_message(
    grove *self, void *state, const grove_method *m, const void *arg, grove_promise answer)
{
  isolated *i = state;
  uint32_t n = grove__class_methods(i->plan->of), at = 0;
  while (at < n && i->plan->of->methods[at] != m) {
    at++;
  }
  if (at == n) {
    return grove_fail(
        self, GROVE_ENOTSUP, "%s is not in the list of methods of %s", m->name, i->plan->of->name);
  }
  pending p = {.method = m, .answer = answer};
  grove_error err = {.at = -1};
  grove_status s = grove__link_call(self, i->link, at, m->arg, arg, &p.id, &p.reply, &err);
  if (s) {
    return err.status ? grove_fail_with(self, &err) : s;
  }
  grove_promise_follow(self, answer, p.reply);
  s = pass_answer(self, i, &p, &err);
  if (s != GROVE_ECANCELED) {
    return s;
  }
  if (grove_promise_wanted(self, answer) && leave_to_stop(self, i, &p)) {
    return GROVE_OK;
  }
  grove__link_forget(i->link, p.id);
  return s;
}

// ---- end --------------------------------------------------------------------------------------------
static void drop_pending(isolated *i)
{
  pending *p = i->pending;
  i->pending = p->next;
  grove__free(&i->plan->allocator, p, sizeof *p);
}

// It is told to end behind what has crossed, which it takes first, as any actor does.
static void finish_pending(grove *self, isolated *i)
{
  while (i->pending) {
    const pending *p = i->pending;
    grove_error err = {.at = -1};
    grove_status s = pass_answer(self, i, p, &err);
    if (s) {
      (void)grove_promise_answer(self, p->answer, s, NULL, 0);
    }
    if (s == GROVE_ECANCELED) {
      grove__link_forget(i->link, p->id);
    }
    drop_pending(i);
  }
}

static void stop_isolated(grove *self, void *state, grove_status why)
{
  isolated *i = state;
  grove_future closed;
  grove__frame f = {.kind = GROVE__WIRE_EXIT};
  (void)why; // grove_exit, which ends it there, has its own
  if (grove__link_await_closed(self, i->link, &closed) || grove__link_send(i->link, &f, NULL)) {
    return; // by force, then
  }
  finish_pending(self, i);
  (void)!grove_get(self, closed, GROVE_FOREVER, NULL, 0, NULL); // until the deadline
}

static void destroy_isolated(void *state)
{
  isolated *i = state;
  grove__link_close(i->link);
  while (i->pending) { // those whose callers hear of the actor's end
    drop_pending(i);
  }
}

static const grove_class isolated_class = {
    .struct_size = sizeof(grove_class),
    .state_bytes = sizeof(isolated),
    .name = "grove_isolated",
    .start_arg = &grove_type_of_grove_shared,
    .start = start_isolated,
    .stop = stop_isolated,
    .destroy = destroy_isolated,
    .concurrency = ON_THE_WAY,
    .receive = receive_message,
};

// ---- spawning ---------------------------------------------------------------------------------------
static void free_plan(void *ptr, void *user)
{
  plan *p = ptr;
  (void)user;
  grove_allocator a = p->allocator;
  grove__wire_buffer_deinit(&p->hello);
  grove__free(&a, p, sizeof *p);
}

static grove_status check_class(const grove_class *c, grove_error *err)
{
  if (!c->methods) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "%s can't live in a process of its own: its class lists no methods", c->name);
  }
  if (c->start_arg) {
    GROVE__TRY(grove__wire_check(c->start_arg, err));
  }
  for (uint32_t i = 0; c->methods[i]; i++) {
    GROVE__TRY(grove__wire_check(c->methods[i]->arg, err));
    GROVE__TRY(grove__wire_check(c->methods[i]->reply, err));
  }
  return GROVE_OK;
}

static grove_status put_hello(
    plan *p, const grove_class *c, const void *arg, const grove_isolated_options *o)
{
  grove__hello h = {.struct_bytes = sizeof(grove_class),
      .pointer_bytes = sizeof(void *),
      .address_bytes = o->address_bytes,
      .message_bytes = p->message_bytes};
  (void)grove__text_add(h.version, sizeof h.version, 0, grove_version(), sizeof h.version);
  GROVE__TRY(grove__wire_put(&p->hello, &h, sizeof h));
  GROVE__TRY(grove__wire_put_class(&p->hello, c));
  return c->start_arg && arg ? grove__wire_put_value(&p->hello, c->start_arg, arg) : GROVE_OK;
}

static grove_status make_plan(grove *g, const grove_class *c, const void *arg,
    const grove_isolated_options *o, grove_shared *out, grove_error *err)
{
  grove_allocator a = *grove_runtime_allocator(g);
  plan *p = grove__alloc_zero(&a, sizeof *p);
  if (!p) {
    return GROVE_ENOMEM;
  }
  p->allocator = a;
  p->of = c;
  p->start_ms = o->start_ms ? o->start_ms : START_MS;
  p->message_bytes = o->message_bytes ? o->message_bytes : MESSAGE_BYTES;
  grove__wire_buffer_init(&p->hello, &a);
  grove_status s = GROVE_OK;
  if (!o->program) {
    s = grove__process_program(p->program, sizeof p->program);
  } else if (grove__text_add(p->program, sizeof p->program, 0, o->program, SIZE_MAX) <
             strlen(o->program)) {
    s = GROVE_ELIMIT;
  }
  if (s) {
    grove__error(err, s, -1, "the program of an isolated actor has no path of at most %zu bytes",
        sizeof p->program - 1);
  }
  s = s ? s : put_hello(p, c, arg, o);
  s = s ? s : grove_share(g, p, sizeof *p + p->hello.room, free_plan, NULL, out);
  if (s) {
    free_plan(p, NULL);
  }
  return s;
}

static bool is_simulated(grove *g)
{
  grove_stats stats = {.struct_size = sizeof stats};
  return !grove_stats_get(g, &stats) && stats.simulated;
}

static grove_ref spawn(grove *g, const grove_class *c, const void *arg,
    const grove_spawn_options *o, const grove_isolated_options *i)
{
  grove_spawn_options spawn_options;
  grove_error err = {.at = -1};
  grove_shared shared = {0};
  if (grove__options_read(&spawn_options, sizeof spawn_options, o) || spawn_options.stands_for) {
    return grove__ref_failed_by(GROVE_EINVAL, GROVE__WHY_OPTIONS);
  }
  if (grove__process_was_given(GROVE__ISOLATED_ARGUMENT)) {
    return grove__ref_failed_by(GROVE_ENOTSUP, GROVE__WHY_HOME);
  }
  if (check_class(c, &err)) {
    grove_log(g, GROVE_LOG_ERROR, "%s is not spawned: %s", c->name, err.text);
    return grove__ref_failed_by(GROVE_ENOTSUP, GROVE__WHY_CROSSING);
  }
  grove_status s = make_plan(g, c, arg, i, &shared, &err);
  if (s) {
    if (err.status) {
      grove_log(g, GROVE_LOG_ERROR, "%s is not spawned: %s", c->name, err.text);
    }
    return grove__ref_failed_by(s, GROVE__WHY_UNKNOWN);
  }
  spawn_options.struct_size = sizeof spawn_options;
  spawn_options.stands_for = c;
  grove_ref ref = grove_spawn(g, &isolated_class, &shared, &spawn_options);
  grove_release(shared);
  return ref;
}

grove_ref grove_isolated_spawn(grove *g, const grove_class *c, const void *arg,
    const grove_spawn_options *o, const grove_isolated_options *i)
{
  grove_isolated_options options;
  if (!g || grove__options_read(&options, sizeof options, i)) {
    return grove__ref_failed_by(GROVE_EINVAL, GROVE__WHY_OPTIONS);
  }
  // What is no class or lacks its argument, grove_spawn refuses in its own words.
  if (!c || c->struct_size < offsetof(grove_class, start) || !c->name || !c->start_arg || !arg ||
      is_simulated(g)) {
    return grove_spawn(g, c, arg, o);
  }
  return spawn(g, c, arg, o, &options);
}
