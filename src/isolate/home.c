// The process of an isolated actor: the main thread is a host with a loop of its own, over the socket and the descriptor of
// a runtime, in which the actor lives. Between the two stands a gate, an actor: a message is an activation of it, which calls,
// waits and writes the answer, and so can be cancelled.
#include <errno.h>
#include <fcntl.h>
#include <grove/host.h>
#include <grove/isolated.h>
#include <grove/watch.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "isolate/wire.h"
#include "plat/process.h"
#include "plat/thread.h"

enum { READ_BYTES = 64 * 1024, LOOK_MS = 100, STOP_MS = 1000 };

enum {
  AT_ONCE = 1024
}; // messages in work; the host gives 64, but does not count those that it has cancelled

// A message that is at work here.
typedef struct job {
  struct job *next, *prev;
  uint64_t id;
  const grove_method *method;
  grove_future future;     // the gate's, once it has called
  _Alignas(16) char arg[]; // whose shared data is the job's
} job;

typedef struct home {
  grove_allocator allocator;
  grove *g;
  const grove_class *of;
  grove_ref actor, gate;
  uint64_t message_bytes;
  grove__wire_buffer in;
  bool starts, ends; // is not ready yet; the host or the actor is gone
  char state[64];    // as it was shown last
  grove__mutex lock; // of writing: answers and lines of the log come from all threads
  // Guarded by it:
  grove__wire_buffer out; // one frame, while it is made
  job *jobs;
  bool gone;       // the actor is: to be told when the answers are written
  grove_error why; // of that
} home;

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

static void tell(home *h, uint32_t kind, uint64_t id, grove_status s, const char *words)
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

static void on_log(void *user, int level, const char *component, const char *text)
{
  char line[640];
  (void)snprintf(line, sizeof line, "%s%s%s", component ? component : "",
      component && *component ? ": " : "", text);
  tell(user, GROVE__WIRE_LOG, 0, (grove_status)level, line);
}

static grove_status tell_reply(home *h, const job *j, const void *reply)
{
  grove__frame f = {.kind = GROVE__WIRE_ANSWER, .id = j->id};
  size_t at;
  grove__mutex_lock(&h->lock);
  grove_status s = grove__wire_begin(&h->out, &f, &at);
  s = s ? s : grove__wire_put_value(&h->out, j->method->reply, reply);
  if (!s && grove__wire_buffer_count(&h->out) > h->message_bytes) {
    s = GROVE_ELIMIT;
  }
  if (s) {
    grove__wire_cut(&h->out, 0);
  } else {
    grove__wire_end(&h->out, at);
    flush_locked(h);
  }
  grove__mutex_unlock(&h->lock);
  return s;
}

// ---- messages ---------------------------------------------------------------------------------------
static void tell_gone_locked(home *h)
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
  grove__wire_release(j->method->arg, j->arg);
  grove__mutex_lock(&h->lock);
  *(j->prev ? &j->prev->next : &h->jobs) = j->next;
  if (j->next) {
    j->next->prev = j->prev;
  }
  tell_gone_locked(h);
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
    tell(h, GROVE__WIRE_ANSWER, j->id, s, words);
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
  METHOD(grove__gate, pass, ticket, grove_none) METHOD(grove__gate, call_back, uint64_t, grove_none)
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
    grove__wire_release(j->method->reply, reply);
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
GROVE_CLASS_WITH(GATE, grove__gate, .concurrency = AT_ONCE)

// Takes the argument's shared data over on GROVE_OK.
static grove_status pass(home *h, job *j)
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
  return GROVE_OK;
}

static grove_status take_call(home *h, const grove__frame *f, const unsigned char *body)
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
  return pass(h, j);
}

static void take_frame(home *h, const grove__frame *f, const unsigned char *body)
{
  grove_status s = GROVE_OK;
  switch (f->kind) {
  case GROVE__WIRE_CALL:
    s = take_call(h, f, body);
    if (s) {
      tell(h, GROVE__WIRE_ANSWER, f->id, s, grove_status_text(s));
    }
    break;
  case GROVE__WIRE_CANCEL:
    (void)!grove__gate_call_back_send(
        h->g, (grove__gate_ref){h->gate}, f->id); // full: it goes on for nobody
    break;
  case GROVE__WIRE_EXIT: grove_drop(h->g, grove_exit(h->g, h->actor, GROVE_FOREVER)); break;
  default: break;
  }
}

static void take_frames(home *h)
{
  while (grove__wire_buffer_count(&h->in) >= sizeof(grove__frame)) {
    grove__frame f;
    memcpy(&f, h->in.bytes + h->in.begin, sizeof f);
    if (grove__wire_buffer_count(&h->in) - sizeof f < f.bytes) {
      return;
    }
    take_frame(h, &f, h->in.bytes + h->in.begin + sizeof f);
    grove__wire_drop_front(&h->in, sizeof f + (size_t)f.bytes);
  }
}

static void read_some(home *h)
{
  unsigned char *to = grove__wire_buffer_reserve(&h->in, READ_BYTES);
  ssize_t n = to ? recv(GROVE__PROCESS_FD, to, READ_BYTES, MSG_DONTWAIT) : 0;
  if (n > 0) {
    h->in.end += (size_t)n;
    take_frames(h);
  } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
    h->ends = true; // the host is gone, or there is no memory to hear it
  }
}

// ---- the actor --------------------------------------------------------------------------------------
static grove_status on_ready(grove *g, void *user, grove_future f)
{
  home *h = user;
  grove_error err = {.at = -1};
  grove_status s = grove_get(g, f, 0, NULL, 0, &err);
  h->starts = false;
  if (s) {
    h->ends = true;
    tell(h, GROVE__WIRE_REFUSED, 0, s, err.text);
  } else {
    tell(h, GROVE__WIRE_READY, 0, GROVE_OK, NULL);
  }
  return GROVE_OK;
}

static grove_status on_gone(grove *g, void *user, grove_future f)
{
  home *h = user;
  grove_error why = {.at = -1};
  (void)!grove_get(g, f, 0, &why, sizeof why, NULL);
  if (!h->starts) { // else on_ready tells
    grove__mutex_lock(&h->lock);
    h->gone = true;
    h->why = why;
    tell_gone_locked(h); // else the last answer does
    grove__mutex_unlock(&h->lock);
  }
  return GROVE_OK;
}

static void show_state(home *h)
{
  grove_info info = {.struct_size = sizeof info};
  if (!grove_inspect(h->g, h->actor, &info) && strcmp(info.state, h->state) != 0) {
    memcpy(h->state, info.state, sizeof h->state);
    tell(h, GROVE__WIRE_STATE, 0, GROVE_OK, h->state);
  }
}

// Until the socket is closed: by the host, or when the actor is gone and that is told.
static void live(home *h)
{
  struct pollfd at[2] = {
      {.fd = GROVE__PROCESS_FD, .events = POLLIN}, {.fd = grove_fd(h->g), .events = POLLIN}};
  while (!h->ends) {
    if (poll(at, 2, LOOK_MS) < 0) {
      continue;
    }
    (void)grove_dispatch(h->g, 0);
    if (at[0].revents && !h->ends) {
      read_some(h);
    }
    show_state(h);
  }
}

// ---- beginning --------------------------------------------------------------------------------------
static grove_status read_exactly(void *out, size_t n)
{
  unsigned char *to = out;
  while (n) {
    ssize_t got = recv(GROVE__PROCESS_FD, to, n, 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return GROVE_EIO;
    }
    to += got;
    n -= (size_t)got;
  }
  return GROVE_OK;
}

static grove_status check_hello(grove__wire_reader *r, grove__hello *hello, grove_error *err)
{
  GROVE__TRY(grove__wire_take(r, hello, sizeof *hello));
  hello->version[sizeof hello->version - 1] = 0;
  if (strcmp(hello->version, grove_version()) != 0 || hello->struct_bytes != sizeof(grove_class) ||
      hello->pointer_bytes != sizeof(void *)) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "the host has grove %s with pointers of %u bytes, the program grove %s with %zu: they must "
        "be built alike",
        hello->version, hello->pointer_bytes, grove_version(), sizeof(void *));
  }
  return GROVE_OK;
}

static grove_status spawn_actor(home *h, const void *start_arg, size_t bytes)
{
  const grove_type *t = h->of->start_arg;
  void *arg = grove__alloc_zero(&h->allocator, t->bytes);
  if (!arg) {
    return GROVE_ENOMEM;
  }
  grove_status s = grove__wire_get_value(h->g, t, start_arg, bytes, arg);
  if (!s) {
    h->actor = grove_spawn(h->g, h->of, arg, NULL);
    h->gate = grove__gate_spawn(h->g, (keeper){h}, NULL).ref;
    grove__wire_release(t, arg);
  }
  grove__free(&h->allocator, arg, t->bytes);
  h->starts = true;
  s = s ? s : grove_then(h->g, grove_ready(h->g, h->actor), on_ready, h);
  return s ? s : grove_then(h->g, grove_monitor(h->g, h->actor), on_gone, h);
}

static grove_status begin(home *h, grove__wire_reader *r, const grove_class *const *classes,
    grove_options *o, grove_error *err)
{
  grove__hello hello;
  GROVE__TRY(check_hello(r, &hello, err));
  GROVE__TRY(grove__wire_take_class(r, classes, &h->of, err));
  h->message_bytes = hello.message_bytes;
  if (hello.address_bytes && grove__limit_address_space(hello.address_bytes)) {
    return grove__error(err, GROVE_EIO, -1,
        "the system refuses a limit of %llu bytes of address space (address_bytes)",
        (unsigned long long)hello.address_bytes);
  }
  o->log = on_log;
  o->user = h;
  o->thread_start = o->thread_stop = NULL; // theirs would be called with this user
  o->freed = NULL;
  grove_status s = grove_start(o, &h->g);
  if (s) {
    return grove__error(
        err, s, -1, "the runtime of the process did not start: %s", grove_status_text(s));
  }
  s = spawn_actor(h, r->at, r->left);
  if (s) {
    (void)grove_stop(h->g, 0, NULL);
    h->g = NULL;
    return grove__error(
        err, s, -1, "the actor of the process was not spawned: %s", grove_status_text(s));
  }
  return GROVE_OK;
}

static grove_status read_hello(home *h, grove__wire_buffer *body)
{
  grove__frame f;
  GROVE__TRY(read_exactly(&f, sizeof f));
  if (f.kind != GROVE__WIRE_HELLO) {
    return GROVE_ECORRUPT;
  }
  unsigned char *to = grove__wire_buffer_reserve(body, (size_t)f.bytes);
  if (!to) {
    tell(h, GROVE__WIRE_REFUSED, 0, GROVE_ENOMEM, "no memory for the start argument");
    return GROVE_ENOMEM;
  }
  body->end += (size_t)f.bytes;
  return read_exactly(to, (size_t)f.bytes);
}

// Gives the exit code.
static int be_home(home *h, const grove_class *const *classes, grove_options *o)
{
  grove__wire_buffer body;
  grove_error err = {.at = -1};
  grove__wire_buffer_init(&body, &h->allocator);
  grove_status s = read_hello(h, &body);
  if (!s) {
    grove__wire_reader r = {body.bytes + body.begin, grove__wire_buffer_count(&body)};
    s = begin(h, &r, classes, o, &err);
    if (s) {
      tell(h, GROVE__WIRE_REFUSED, 0, s, err.status ? err.text : grove_status_text(s));
    }
  }
  grove__wire_buffer_deinit(&body);
  if (s) {
    return 1;
  }
  live(h);
  // A method that does not return ends with the process.
  if (!grove_stop(h->g, STOP_MS, NULL)) {
    while (h->jobs) {
      end_job(h, h->jobs); // that the gate has not come to
    }
    grove__wire_buffer_deinit(&h->in);
    grove__wire_buffer_deinit(&h->out);
  }
  return 0;
}

bool grove_isolated_main(int argc, char *const *argv, const grove_class *const *classes,
    const grove_options *o, int *code)
{
  if (argc < 2 || strcmp(argv[1], GROVE__ISOLATED_ARGUMENT) != 0) {
    return false;
  }
  home h = {.allocator = grove__allocator_malloc};
  grove_options options;
  *code = 1;
  if (!classes || grove__options_read(&options, sizeof options, o) ||
      !grove__set_cloexec(GROVE__PROCESS_FD)) {
    return true; // not started by grove, or not as it should be called
  }
  options.struct_size = sizeof options;
  grove__close_from(GROVE__PROCESS_FD + 1);
  if (grove__mutex_init(&h.lock)) {
    return true;
  }
  grove__wire_buffer_init(&h.in, &h.allocator);
  grove__wire_buffer_init(&h.out, &h.allocator);
  *code = be_home(&h, classes, &options);
  return true;
}
