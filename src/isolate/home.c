// The process of an isolated actor: the main thread is a host with a loop of its own, over the socket and the descriptor of
// a runtime, in which the actor lives. A second thread has no part in it and ends the process when all else does not.
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
#include "base/holds.h"
#include "base/options.h"
#include "isolate/home.h"

typedef grove__home home;

enum {
  READ_BYTES = 64 * 1024,
  LOOK_MS = 100,
  STOP_MS = 1000,
  GUARD_MS = 1000, // between the guard's looks at whose child we are
  LAST_MS = 3000,  // for an end in order, then the guard's
  GUARD_STACK_BYTES = 256 * 1024
};

static void on_log(void *user, int level, const char *component, const char *text)
{
  char line[640];
  (void)snprintf(line, sizeof line, "%s%s%s", component ? component : "",
      component && *component ? ": " : "", text);
  grove__home_tell(user, GROVE__WIRE_LOG, 0, (grove_status)level, line);
}

static void take_frame(home *h, const grove__frame *f, const unsigned char *body)
{
  grove_status s = GROVE_OK;
  switch (f->kind) {
  case GROVE__WIRE_CALL:
    s = grove__gate_take_call(h, f, body);
    if (s) {
      grove__home_tell(h, GROVE__WIRE_ANSWER, f->id, s, grove_status_text(s));
    }
    break;
  case GROVE__WIRE_CANCEL: grove__gate_take_cancel(h, f->id); break;
  case GROVE__WIRE_EXIT: grove__gate_take_exit(h); break;
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
    grove__home_tell(h, GROVE__WIRE_REFUSED, 0, s, err.text);
  } else {
    grove__home_tell(h, GROVE__WIRE_READY, 0, GROVE_OK, NULL);
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
    grove__home_tell_gone_locked(h); // else the last answer does
    grove__mutex_unlock(&h->lock);
  }
  return GROVE_OK;
}

static void show_state(home *h)
{
  grove_info info = {.struct_size = sizeof info};
  if (!grove_inspect(h->g, h->actor, &info) && strcmp(info.state, h->state) != 0) {
    memcpy(h->state, info.state, sizeof h->state);
    grove__home_tell(h, GROVE__WIRE_STATE, 0, GROVE_OK, h->state);
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
    // Its end may not show at the socket: where it has forked, another may have that, too.
    h->ends = h->ends || getppid() != h->host;
  }
}

// ---- the guard ----------------------------------------------------------------------------------------
// What a wild write has done to this process may keep its main thread from its end, as may a function of `atexit`. This
// thread takes no lock, allocates nothing, and knows nothing but who its host is.
static void guard(void *user)
{
  const int host = (int)(intptr_t)user;
  struct pollfd at = {
      .fd = GROVE__PROCESS_FD}; // closed there, or shut here: POLLHUP, which need not be asked for
  while (getppid() == host && poll(&at, 1, GUARD_MS) <= 0) {}
  (void)poll(NULL, 0, LAST_MS);
  grove__process_end_self();
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
    h->gate = grove__gate_open(h);
    grove__holds_release(t, arg);
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
  o->simulate = 0; // nobody is here who would step it, or run a loop
  o->work_loop = NULL;
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
    grove__home_tell(h, GROVE__WIRE_REFUSED, 0, GROVE_ENOMEM, "no memory for the start argument");
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
      grove__home_tell(h, GROVE__WIRE_REFUSED, 0, s, err.status ? err.text : grove_status_text(s));
    }
  }
  grove__wire_buffer_deinit(&body);
  if (s) {
    return 1;
  }
  live(h);
  // A method that does not return ends with the process.
  if (!grove_stop(h->g, STOP_MS, NULL)) {
    grove__gate_close(h);
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
      !grove__set_cloexec(GROVE__PROCESS_FD) || !grove__open_standard()) {
    return true; // not started by grove, or not as it should be called
  }
  options.struct_size = sizeof options;
  grove__close_from(GROVE__PROCESS_FD + 1);
  if (grove__mutex_init(&h.lock)) {
    return true;
  }
  grove__wire_buffer_init(&h.in, &h.allocator);
  grove__wire_buffer_init(&h.out, &h.allocator);
  h.host = (int)getppid();
  grove__thread watches; // until the process ends
  (void)!grove__thread_create(
      &watches, GUARD_STACK_BYTES, "grove-guard", guard, (void *)(intptr_t)h.host);
  *code = be_home(&h, classes, &options);
  return true;
}
