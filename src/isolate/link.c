#include "isolate/link.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/error.h"

// Who waits for a frame.
typedef struct waiter {
  struct waiter *next;
  uint64_t id; // of calls; else one of those below
  grove_promise promise;
} waiter;
// Calls count from FIRST_CALL.
enum { WAIT_READY = 1, WAIT_GONE, WAIT_CLOSED, FIRST_CALL = 16 };
enum { READ_BYTES = 64 * 1024, WORDS = 400, END_MS = 2000 };

struct grove__link {
  grove__link_options o;
  char *program;
  grove__process process; // of the thread, but for pid, which stays here below
  int pid;
  int fd;
  grove__notify notify; // raised: there is something to write, or the link is to close
  grove__thread thread;
  grove__mutex lock;
  // Guarded by the lock:
  grove__wire_buffer out;
  waiter *waiters;
  uint64_t next_id;
  bool closing; // by force
  bool over;    // nothing will come any more: `why` says why
  grove_error why;
  // The thread's own:
  grove__wire_buffer in;
  bool gone;        // the actor has ended, as a frame said
  char broken[160]; // why the process was given up by us; "": it was not
};

static const uint16_t reply_holds[] = {(uint16_t)offsetof(grove__wire_reply, body)};
const grove_type grove__wire_reply_type = {.struct_size = sizeof(grove_type),
    .bytes = sizeof(grove__wire_reply),
    .name = "grove__wire_reply",
    .holds = 1,
    .hold_offset = reply_holds};

// ---- who waits ------------------------------------------------------------------------------------
static waiter *take_waiter_locked(grove__link *l, uint64_t id)
{
  for (waiter **w = &l->waiters; *w; w = &(*w)->next) {
    if ((*w)->id == id) {
      waiter *found = *w;
      *w = found->next;
      return found;
    }
  }
  return NULL;
}

// Without the lock: it may run others. A failure to share ends the future with that failure.
static void answer(grove__link *l, waiter *w, const grove__frame *f, const void *body)
{
  grove__wire_reply reply = {.frame = *f};
  grove_status s =
      f->bytes ? grove_share_copy(l->o.root, body, (size_t)f->bytes, &reply.body) : GROVE_OK;
  s = grove_promise_answer(l->o.root, w->promise, s, s ? NULL : &reply, s ? 0 : sizeof reply);
  if (s) {
    grove_release(reply.body); // nobody wants it
  }
  grove__free(&l->o.allocator, w, sizeof *w);
}

static void answer_id(grove__link *l, uint64_t id, const grove__frame *f, const void *body)
{
  grove__mutex_lock(&l->lock);
  waiter *w = take_waiter_locked(l, id);
  grove__mutex_unlock(&l->lock);
  if (w) {
    answer(l, w, f, body);
  }
}

// Either the end finds it in the list, or it finds that the end has come.
static grove_status add_waiter(grove *self, grove__link *l, uint64_t id, grove_future *f)
{
  grove_promise promise;
  waiter *w = grove__alloc(&l->o.allocator, sizeof *w);
  if (!w) {
    return GROVE_ENOMEM;
  }
  grove_status s = grove_promise_create(self, &grove__wire_reply_type, &promise, f);
  if (s) {
    grove__free(&l->o.allocator, w, sizeof *w);
    return s;
  }
  *w = (waiter){.id = id, .promise = promise};
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
  return add_waiter(self, l, WAIT_READY, f);
}

grove_status grove__link_await_gone(grove *self, grove__link *l, grove_future *f)
{
  return add_waiter(self, l, WAIT_GONE, f);
}

grove_status grove__link_await_closed(grove *self, grove__link *l, grove_future *f)
{
  return add_waiter(self, l, WAIT_CLOSED, f);
}

// ---- to the process -------------------------------------------------------------------------------
grove_status grove__link_send(grove__link *l, const grove__frame *f, const void *body)
{
  grove__mutex_lock(&l->lock);
  grove_status s = l->over ? GROVE_OK : grove__wire_put_frame(&l->out, f, body);
  grove__mutex_unlock(&l->lock);
  grove__notify_raise(&l->notify);
  return s;
}

// The value is encoded under the lock, into the place where it is read from: encode calls nothing but put.
static grove_status put_call(grove__link *l, uint32_t method, uint64_t id, const grove_type *arg,
    const void *value, grove_error *err)
{
  size_t at, count;
  grove__mutex_lock(&l->lock);
  count = grove__wire_buffer_count(&l->out);
  grove__frame f = {.kind = GROVE__WIRE_CALL, .method = method, .id = id};
  grove_status s = grove__wire_begin(&l->out, &f, &at);
  s = s ? s : grove__wire_put_value(&l->out, arg, value);
  size_t bytes = grove__wire_buffer_count(&l->out) - count;
  if (!s && bytes > l->o.message_bytes) {
    s = grove__error(err, GROVE_ELIMIT, -1,
        "a message of %zu bytes for the process of the actor: the limit (message_bytes) is %llu",
        bytes, (unsigned long long)l->o.message_bytes);
  }
  if (s || l->over) {
    grove__wire_cut(&l->out, count);
  } else {
    grove__wire_end(&l->out, at);
  }
  grove__mutex_unlock(&l->lock);
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
    waiter *w = take_waiter_locked(l, *id);
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
  waiter *w = take_waiter_locked(l, id);
  grove__mutex_unlock(&l->lock);
  if (!w) {
    return; // it has been answered
  }
  grove__free(&l->o.allocator, w, sizeof *w);
  grove__frame f = {.kind = GROVE__WIRE_CANCEL, .id = id};
  (void)grove__link_send(l, &f, NULL); // without memory it goes on for nobody, which is no harm
}

// ---- from the process -----------------------------------------------------------------------------
// Gives the process up: it does what no home of an actor does.
static void give_up(grove__link *l, const char *format, unsigned long long number)
{
  if (!l->broken[0]) {
    (void)snprintf(l->broken, sizeof l->broken, format, number);
  }
}

static void copy_words(char *out, size_t room, const unsigned char *body, uint64_t n)
{
  size_t most = n < room - 1 ? (size_t)n : room - 1;
  memcpy(out, body, most);
  out[most] = 0;
}

static void take_frame(grove__link *l, const grove__frame *f, const unsigned char *body)
{
  char words[WORDS];
  switch (f->kind) {
  case GROVE__WIRE_READY:
  case GROVE__WIRE_REFUSED: answer_id(l, WAIT_READY, f, body); break;
  case GROVE__WIRE_ANSWER:
    if (f->id < FIRST_CALL) {
      give_up(l, "it answered message %llu, which there is not", f->id);
      break;
    }
    answer_id(l, f->id, f, body); // nobody: it was forgotten meanwhile
    break;
  case GROVE__WIRE_GONE:
    l->gone = true;
    answer_id(l, WAIT_GONE, f, body);
    break;
  case GROVE__WIRE_STATE:
    copy_words(words, sizeof words, body, f->bytes);
    l->o.state(l->o.user, words);
    break;
  case GROVE__WIRE_LOG:
    copy_words(words, sizeof words, body, f->bytes);
    l->o.log(l->o.user, l->pid, f->status, words);
    break;
  default: give_up(l, "it wrote to the runtime what is no frame (kind %llu)", f->kind);
  }
}

static void take_frames(grove__link *l)
{
  while (!l->broken[0] && grove__wire_buffer_count(&l->in) >= sizeof(grove__frame)) {
    grove__frame f;
    memcpy(&f, l->in.bytes + l->in.begin, sizeof f);
    if (f.bytes > l->o.message_bytes) {
      give_up(l, "it sent a message of %llu bytes, over the limit (message_bytes)", f.bytes);
      return;
    }
    if (grove__wire_buffer_count(&l->in) - sizeof f < f.bytes) {
      return;
    }
    take_frame(l, &f, l->in.bytes + l->in.begin + sizeof f);
    grove__wire_drop_front(&l->in, sizeof f + (size_t)f.bytes);
  }
}

// False: there will be nothing more.
static bool read_some(grove__link *l)
{
  unsigned char *to = grove__wire_buffer_reserve(&l->in, READ_BYTES);
  if (!to) {
    give_up(l, "there was no memory for %llu bytes of what it sent", READ_BYTES);
    return false;
  }
  ssize_t n = recv(l->fd, to, READ_BYTES, 0);
  if (n < 0) {
    return errno == EAGAIN || errno == EINTR;
  }
  l->in.end += (size_t)n;
  take_frames(l);
  return n > 0 && !l->broken[0];
}

// False: it can't be written to any more.
static bool write_some(grove__link *l)
{
  bool fine = true;
  grove__mutex_lock(&l->lock);
  size_t n = grove__wire_buffer_count(&l->out);
  if (n) {
    ssize_t written = grove__socket_write(l->fd, l->out.bytes + l->out.begin, n);
    if (written > 0) {
      grove__wire_drop_front(&l->out, (size_t)written);
    } else {
      fine = written < 0 && (errno == EAGAIN || errno == EINTR);
    }
  }
  grove__mutex_unlock(&l->lock);
  return fine;
}

// ---- the thread -----------------------------------------------------------------------------------
static void say_end(grove__link *l, const grove__process_end *e)
{
  const char *name = e->signal ? grove__signal_name(e->signal) : NULL;
  if (l->broken[0]) {
    grove__error(&l->why, GROVE_EDEAD, -1, "its process %d was ended: %s", l->pid, l->broken);
  } else if (!e->known) {
    grove__error(&l->why, GROVE_EDEAD, -1,
        "its process %d has ended; how was not to be had, for the host ignores SIGCHLD or waits "
        "for all",
        l->pid);
  } else if (e->signal) {
    grove__error(&l->why, GROVE_EDEAD, -1, "its process %d was ended by signal %d%s%s%s", l->pid,
        e->signal, name ? " (" : "", name ? name : "", name ? ")" : "");
  } else {
    grove__error(
        &l->why, GROVE_EDEAD, -1, "its process %d has exited with code %d", l->pid, e->code);
  }
}

// Everybody who still waits hears how it ended.
static void end_all(grove__link *l)
{
  grove__mutex_lock(&l->lock);
  l->over = true;
  waiter *w = l->waiters;
  l->waiters = NULL;
  grove__mutex_unlock(&l->lock);
  while (w) {
    waiter *next = w->next;
    grove_promise_fail(l->o.root, w->promise, &l->why);
    grove__free(&l->o.allocator, w, sizeof *w);
    w = next;
  }
}

static bool is_closing(grove__link *l, bool *writes)
{
  grove__mutex_lock(&l->lock);
  bool closing = l->closing;
  *writes = grove__wire_buffer_count(&l->out) > 0;
  grove__mutex_unlock(&l->lock);
  return closing;
}

// Until the process has closed its end, or has ended (another one, which it has made, may hold the socket), or is given up.
static void talk(grove__link *l)
{
  struct pollfd at[3] = {{.fd = l->fd}, {.fd = l->notify.read_fd, .events = POLLIN},
      {.fd = l->process.exit_fd, .events = POLLIN}};
  bool writes, goes_on = true;
  while (goes_on && !is_closing(l, &writes)) {
    at[0].events = (short)(POLLIN | (writes ? POLLOUT : 0));
    if (poll(at, 3, -1) < 0) {
      continue; // EINTR; the others can't be
    }
    if (at[1].revents) {
      grove__notify_clear(&l->notify);
    }
    if (at[0].revents & POLLOUT) {
      goes_on = write_some(l);
    }
    if (at[0].revents & (POLLIN | POLLHUP | POLLERR)) {
      goes_on = read_some(l) && goes_on;
    } else if (at[2].revents) {
      goes_on = false; // it has ended, and all that it wrote is read
    }
  }
}

static void run(void *user)
{
  grove__link *l = user;
  talk(l);
  // What it wrote before its end may still be there; and what can't be written may only mean that it reads no more.
  bool writes;
  while (!is_closing(l, &writes) && !l->broken[0]) {
    struct pollfd at = {.fd = l->fd, .events = POLLIN};
    if (poll(&at, 1, 0) <= 0 || !read_some(l)) {
      break;
    }
  }
  if (l->gone && l->process.exit_fd >= 0) { // it will end by itself, in order
    struct pollfd at = {.fd = l->process.exit_fd, .events = POLLIN};
    (void)poll(&at, 1, END_MS);
  }
  grove__process_kill(&l->process);
  grove__process_end end = grove__process_wait(&l->process);
  say_end(l, &end);
  end_all(l);
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
  grove__wire_buffer_deinit(&l->out);
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
  grove_status s = grove__thread_create(&l->thread, 0, "grove-isolated", run, l);
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
  l->next_id = FIRST_CALL;
  grove__wire_buffer_init(&l->out, &a);
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
