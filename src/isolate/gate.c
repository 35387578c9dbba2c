// The messages of an isolated actor's home: an actor, the gate, stands between the socket and the one that lives here. A message is
// an activation of it, which calls, waits and writes the answer, and so can be cancelled.
#include <errno.h>
#include <grove/watch.h>
#include <sys/socket.h>
#include "base/alloc.h"
#include "base/holds.h"
#include "isolate/home.h"

typedef grove__home home;
typedef grove__job job;

enum {
  AT_ONCE = 1024
}; // messages in work; the host gives 64, but does not count those that it has cancelled

// A message that is at work here.
struct grove__job {
  job *next, *prev;
  uint64_t id;
  const grove_method *method;
  grove_future future;     // the gate's, once it has called
  _Alignas(16) char arg[]; // whose shared data is the job's
};

// ---- to the host ------------------------------------------------------------------------------------
static void write_all(const unsigned char *bytes, size_t n)
{
  while (n) {
    ssize_t written = grove__socket_write(GROVE__PROCESS_FD, bytes, n);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return; // the host is gone, which reading tells
    }
    bytes += written;
    n -= (size_t)written;
  }
}

static void flush_locked(home *h)
{
  write_all(h->out.bytes + h->out.begin, grove__wire_buffer_count(&h->out));
  grove__wire_drop_front(&h->out, grove__wire_buffer_count(&h->out));
}

void grove__home_tell(home *h, uint32_t kind, uint64_t id, grove_status s, const char *words)
{
  grove__frame f = {
      .kind = kind, .id = id, .status = (int32_t)s, .bytes = words ? strlen(words) : 0};
  grove__mutex_lock(&h->lock);
  if (grove__wire_put_frame(&h->out, &f, words)) { // no memory: the head alone
    f.bytes = 0;
    write_all((const unsigned char *)&f, sizeof f);
  } else {
    flush_locked(h);
  }
  grove__mutex_unlock(&h->lock);
}

// encode is the type's own code, which may write a line to the log: it runs without the lock.
static grove_status tell_reply(home *h, const job *j, const void *reply)
{
  grove__frame f = {.kind = GROVE__WIRE_ANSWER, .id = j->id};
  grove__wire_buffer frame;
  grove__wire_buffer_init(&frame, &h->allocator);
  grove_status s =
      grove__wire_put_message(&frame, &f, j->method->reply, reply, h->message_bytes);
  if (!s) {
    grove__mutex_lock(&h->lock);
    write_all(frame.bytes + frame.begin, grove__wire_buffer_count(&frame));
    grove__mutex_unlock(&h->lock);
  }
  grove__wire_buffer_deinit(&frame);
  return s;
}

// ---- messages ---------------------------------------------------------------------------------------
void grove__home_tell_gone_locked(home *h)
{
  grove__frame f = {
      .kind = GROVE__WIRE_GONE, .status = (int32_t)h->why.status, .bytes = strlen(h->why.text)};
  if (h->gone && !h->jobs) {
    if (!grove__wire_put_frame(&h->out, &f, h->why.text)) {
      flush_locked(h);
    }
    // What was written is read there; here the main thread hears that there will be nothing more.
    (void)shutdown(GROVE__PROCESS_FD, SHUT_RDWR);
  }
}

static void end_job(home *h, job *j)
{
  grove__holds_release(j->method->arg, j->arg);
  grove__mutex_lock(&h->lock);
  *(j->prev ? &j->prev->next : &h->jobs) = j->next;
  if (j->next) {
    j->next->prev = j->prev;
  }
  grove__home_tell_gone_locked(h);
  grove__mutex_unlock(&h->lock);
  grove__free(&h->allocator, j, sizeof *j + j->method->arg->bytes);
}

static void answer(home *h, const job *j, grove_status s, const void *reply, const char *words)
{
  if (!s) {
    s = tell_reply(h, j, reply);
    words = s == GROVE_ELIMIT ? "the reply is longer than message_bytes" : grove_status_text(s);
  }
  if (s) {
    grove__home_tell(h, GROVE__WIRE_ANSWER, j->id, s, words);
  }
}

typedef struct ticket {
  job *job;
} ticket;
typedef struct keeper {
  home *home;
} keeper;
GROVE_TYPE(ticket)
GROVE_TYPE(keeper)
#define GATE(START, METHOD)                                                                        \
  START(grove__gate, keeper)                                                                       \
  METHOD(grove__gate, pass, ticket, grove_none)                                                    \
  METHOD(grove__gate, call_back, uint64_t, grove_none)                                             \
      METHOD(grove__gate, leave, grove_none, grove_none)
typedef struct grove__gate {
  home *home;
} grove__gate;
GROVE_INTERFACE(GATE, grove__gate)
extern const grove_class grove__gate_class;

static grove_status grove__gate_start(grove *self, grove__gate *a, const keeper *k)
{
  (void)self;
  a->home = k->home;
  return GROVE_OK;
}

static grove_status grove__gate_pass(grove *self, grove__gate *a, const ticket *t, grove_none *none)
{
  home *h = a->home;
  job *j = t->job;
  grove_error err = {.at = -1};
  (void)none;
  j->future = grove_call(self, h->actor, j->method, j->arg);
  grove_keep(self, j->future); // so that another activation may cancel it
  size_t bytes = j->method->reply->bytes;
  void *reply = grove__alloc_zero(&h->allocator, bytes);
  grove_status s =
      reply ? grove_get(self, j->future, GROVE_FOREVER, reply, bytes, &err) : GROVE_ENOMEM;
  answer(h, j, s, reply, err.status ? err.text : grove_status_text(s));
  if (reply && !s) {
    grove__holds_release(j->method->reply, reply);
  }
  grove__free(&h->allocator, reply, bytes);
  end_job(h, j);
  return GROVE_OK;
}

static grove_status grove__gate_call_back(
    grove *self, grove__gate *a, const uint64_t *id, grove_none *none)
{
  home *h = a->home;
  grove_future f = {0, 0};
  (void)none;
  grove__mutex_lock(&h->lock);
  for (job *j = h->jobs; j; j = j->next) {
    f = j->id == *id ? j->future : f;
  }
  grove__mutex_unlock(&h->lock);
  grove_cancel(self, f);
  return GROVE_OK;
}

// From here, not from the main thread: what has come before it goes before it, as with any sender.
static grove_status grove__gate_leave(
    grove *self, grove__gate *a, const grove_none *none, grove_none *reply)
{
  (void)none, (void)reply;
  grove_drop(self, grove_exit(self, a->home->actor, GROVE_FOREVER));
  return GROVE_OK;
}
GROVE_CLASS_WITH(GATE, grove__gate, .concurrency = AT_ONCE)

static void pass(home *h, job *j)
{
  grove__mutex_lock(&h->lock);
  j->next = h->jobs;
  if (j->next) {
    j->next->prev = j;
  }
  h->jobs = j;
  grove__mutex_unlock(&h->lock);
  grove_status s = grove__gate_pass_send(h->g, (grove__gate_ref){h->gate}, (ticket){j});
  if (s) {
    answer(h, j, s, NULL, grove_status_text(s));
    end_job(h, j);
  }
}

grove_status grove__gate_take_call(home *h, const grove__frame *f, const unsigned char *body)
{
  if (f->method >= grove__class_methods(h->of)) {
    return GROVE_ECORRUPT;
  }
  const grove_method *m = h->of->methods[f->method];
  job *j = grove__alloc_zero(&h->allocator, sizeof *j + m->arg->bytes);
  if (!j) {
    return GROVE_ENOMEM;
  }
  j->id = f->id;
  j->method = m;
  grove_status s = grove__wire_get_value(h->g, m->arg, body, (size_t)f->bytes, j->arg);
  if (s) {
    grove__free(&h->allocator, j, sizeof *j + m->arg->bytes);
    return s;
  }
  pass(h, j); // which answers, whatever comes
  return GROVE_OK;
}

void grove__gate_take_cancel(home *h, uint64_t id)
{
  // Full: it goes on for nobody.
  (void)!grove__gate_call_back_send(h->g, (grove__gate_ref){h->gate}, id);
}

void grove__gate_take_exit(home *h)
{
  if (grove__gate_leave_send(h->g, (grove__gate_ref){h->gate}, GROVE_NONE)) {
    grove_drop(h->g, grove_exit(h->g, h->actor, GROVE_FOREVER));
  }
}

// ---- life -------------------------------------------------------------------------------------------
grove_ref grove__gate_open(home *h)
{
  return grove__gate_spawn(h->g, (keeper){h}, NULL).ref;
}

void grove__gate_close(home *h)
{
  while (h->jobs) {
    end_job(h, h->jobs);
  }
}
