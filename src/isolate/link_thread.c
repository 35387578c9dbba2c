// The thread of a link: reads what the process sends, writes what waits to be written, sees how it ends.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include "isolate/link_inside.h"
#include "plat/clock.h"

enum {
  READ_BYTES = 64 * 1024,
  WORDS = 400,
  END_MS = 2000, // for a process whose actor has ended to end by itself
  LOOK_MS = 100, // between looks whether it has, where the system has no descriptor that tells
  LAST_BYTES =
      16 * 1024 * 1024 // most that is read once it has ended: what it has started may go on writing
};

// ---- answers ----------------------------------------------------------------------------------------
// Without the lock: it may run others. A failure to share ends the future with that failure.
static void answer(grove__link *l, grove__waiter *w, const grove__frame *f, const void *body)
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
  grove__waiter *w = grove__link_take_waiter_locked(l, id);
  grove__mutex_unlock(&l->lock);
  if (w) {
    answer(l, w, f, body);
  }
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
  if (f->kind != GROVE__WIRE_LOG && !grove__wire_is_status(f->status)) {
    give_up(l, "it sent a status that there is not (%llu, taken as unsigned)", (uint32_t)f->status);
    return;
  }
  switch (f->kind) {
  case GROVE__WIRE_READY:
  case GROVE__WIRE_REFUSED: answer_id(l, GROVE__WAIT_READY, f, body); break;
  case GROVE__WIRE_ANSWER:
    if (f->id < GROVE__FIRST_CALL) {
      give_up(l, "it answered message %llu, which there is not", f->id);
      break;
    }
    answer_id(l, f->id, f, body); // nobody: it was forgotten meanwhile
    break;
  case GROVE__WIRE_GONE:
    l->gone = true;
    answer_id(l, GROVE__WAIT_GONE, f, body);
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
  const grove__wire_buffer *b = &l->out.bytes;
  size_t n = grove__wire_buffer_count(b);
  if (n) {
    ssize_t written = grove__socket_write(l->fd, b->bytes + b->begin, n);
    if (written > 0) {
      grove__outbox_wrote(&l->out, (size_t)written);
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
  grove__waiter *w = l->waiters;
  l->waiters = NULL;
  grove__mutex_unlock(&l->lock);
  while (w) {
    grove__waiter *next = w->next;
    grove_promise_fail(l->o.root, w->promise, &l->why);
    grove__free(&l->o.allocator, w, sizeof *w);
    w = next;
  }
}

static bool is_closing(grove__link *l, bool *writes)
{
  grove__mutex_lock(&l->lock);
  bool closing = l->closing;
  *writes = grove__wire_buffer_count(&l->out.bytes) > 0;
  grove__mutex_unlock(&l->lock);
  return closing;
}

// Until the process has closed its end, or has ended (another one, which it has made, may hold the socket), or is given up.
static void talk(grove__link *l)
{
  const grove__process *p = &l->process;
  struct pollfd at[3] = {{.fd = l->fd}, {.fd = l->notify.read_fd, .events = POLLIN},
      {.fd = p->exit_fd, .events = POLLIN}};
  bool writes, goes_on = true;
  while (goes_on && !is_closing(l, &writes)) {
    at[0].events = (short)(POLLIN | (writes ? POLLOUT : 0));
    if (poll(at, 3, p->exit_fd < 0 ? LOOK_MS : -1) < 0) {
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
    }
    if (at[2].revents || (p->exit_fd < 0 && grove__process_has_ended(p))) {
      goes_on = false;
    }
  }
}

// What it wrote before its end may still be there; and what can't be written may only mean that it reads no more.
static void read_rest(grove__link *l)
{
  bool writes;
  for (size_t most = LAST_BYTES / READ_BYTES; most && !l->broken[0] && !is_closing(l, &writes);
       most--) {
    struct pollfd at = {.fd = l->fd, .events = POLLIN};
    if (poll(&at, 1, 0) <= 0 || !read_some(l)) {
      break;
    }
  }
}

// Time for a process to end by itself, unless the link is to close: whoever closes it holds a worker.
static void let_end(grove__link *l)
{
  const grove__process *p = &l->process;
  struct pollfd at[2] = {
      {.fd = l->notify.read_fd, .events = POLLIN}, {.fd = p->exit_fd, .events = POLLIN}};
  int64_t until = grove__deadline(grove__clock_ns(), END_MS);
  bool writes;
  while (!is_closing(l, &writes) && !grove__process_has_ended(p) && grove__clock_ns() < until) {
    if (poll(at, 2, LOOK_MS) > 0 && at[0].revents) {
      grove__notify_clear(&l->notify);
    }
  }
}

void grove__link_run(void *user)
{
  grove__link *l = user;
  talk(l);
  read_rest(l);
  if (l->gone) {
    let_end(l);
  }
  grove__process_kill(&l->process);
  grove__process_end end = grove__process_wait(&l->process);
  say_end(l, &end);
  end_all(l);
}
