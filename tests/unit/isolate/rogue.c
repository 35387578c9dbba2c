#include "rogue.h"
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "isolate/wire.h"

enum { SOCKET = 3 };
typedef struct rogue {
  long sum;
} rogue;

// ---- a type that talks --------------------------------------------------------------------------------
static grove *talks_to; // of this process, once it has an actor

static grove_status chatty_encode(
    const void *value, void *sink, grove_status (*put)(void *sink, const void *bytes, size_t n))
{
  grove_log(talks_to, GROVE_LOG_INFO, "something is put into a frame");
  return put(sink, value, sizeof(chatty));
}

static grove_status chatty_decode(grove *g, const void *bytes, size_t n, void *value)
{
  (void)g;
  if (n != sizeof(chatty)) {
    return GROVE_ECORRUPT;
  }
  memcpy(value, bytes, n);
  return GROVE_OK;
}
const grove_type grove_type_of_chatty = {.struct_size = sizeof(grove_type),
    .bytes = sizeof(chatty),
    .name = "chatty",
    .encode = chatty_encode,
    .decode = chatty_decode};

// ---- in order -----------------------------------------------------------------------------------------
static grove_status rogue_start(grove *self, rogue *r, const grove_none *none)
{
  (void)r, (void)none;
  talks_to = grove_runtime(self);
  return GROVE_OK;
}

static grove_status rogue_add(grove *self, rogue *r, const long *n, long *reply)
{
  (void)self;
  *reply = r->sum += *n;
  return GROVE_OK;
}

static grove_status rogue_leaf(grove *self, rogue *r, const long *n, long *reply)
{
  (void)poll(NULL, 0, 20); // a leaf does not wait, and is no faster for it
  return rogue_add(self, r, n, reply);
}

static grove_status rogue_mirror(grove *self, rogue *r, const aligned16 *a, aligned16 *reply)
{
  (void)self, (void)r;
  if ((uintptr_t)a % 16 || (uintptr_t)reply % 16) {
    return GROVE_EUSER;
  }
  *reply = *a;
  return GROVE_OK;
}

static grove_status rogue_length(grove *self, rogue *r, const grove_string *s, long *reply)
{
  (void)self, (void)r;
  *reply = (long)strlen(grove_text(*s));
  return GROVE_OK;
}

static grove_status rogue_pid(grove *self, rogue *r, const grove_none *none, long *reply)
{
  (void)self, (void)r, (void)none;
  *reply = (long)getpid();
  return GROVE_OK;
}

static grove_status rogue_slow(grove *self, rogue *r, const long *ms, long *reply)
{
  grove_state(self, "is slow");
  (void)poll(NULL, 0, (int)*ms);
  return rogue_add(self, r, ms, reply);
}

static grove_status rogue_hold(grove *self, rogue *r, const grove_string *s, grove_none *reply)
{
  (void)r, (void)reply;
  grove_state(self, "%s", grove_text(*s));
  while (!grove_sleep(self, 10)) {}
  return GROVE_ECANCELED;
}

static grove_status rogue_chat(grove *self, rogue *r, const chatty *c, chatty *reply)
{
  (void)self, (void)r;
  reply->number = c->number + 1;
  return GROVE_OK;
}

static grove_status rogue_crash(grove *self, rogue *r, const grove_none *none, grove_none *reply)
{
  (void)r, (void)none, (void)reply;
  return grove_crash(self, GROVE_EUSER, "it lost its mind");
}

static grove_status rogue_has_open(grove *self, rogue *r, const int *fd, bool *reply)
{
  (void)self, (void)r;
  *reply = fcntl(*fd, F_GETFD) >= 0;
  return GROVE_OK;
}

// ---- attacks ------------------------------------------------------------------------------------------
static void compute(void)
{
  for (volatile bool on = true; on;) {}
}

static grove_status rogue_feign(grove *self, rogue *r, const int *status, grove_none *reply)
{
  (void)self, (void)r, (void)reply;
  const grove__frame gone = {.kind = GROVE__WIRE_GONE, .status = *status};
  (void)!write(SOCKET, &gone, sizeof gone);
  compute();
  return GROVE_OK;
}

static grove_status rogue_forge(grove *self, rogue *r, const int *status, grove_none *reply)
{
  (void)self, (void)r, (void)reply;
  for (uint64_t id = 16; id < 100; id++) {
    const grove__frame answer = {.kind = GROVE__WIRE_ANSWER, .id = id, .status = *status};
    (void)!write(SOCKET, &answer, sizeof answer);
  }
  compute();
  return GROVE_OK;
}

static grove_status rogue_part(grove *self, rogue *r, const grove_none *none, grove_none *reply)
{
  (void)self, (void)r, (void)none, (void)reply;
  if (fork() == 0) {
    (void)close(STDOUT_FILENO);
    for (;;) {
      (void)pause();
    }
  }
  _exit(3);
}

static grove_status rogue_haunt(grove *self, rogue *r, const grove_none *none, grove_none *reply)
{
  (void)self, (void)r, (void)none, (void)reply;
  enum { GHOSTS = 4, FRAMES = 1000 };
  static grove__frame frames[FRAMES];
  for (int n = 0; n < FRAMES; n++) {
    frames[n].kind = GROVE__WIRE_STATE;
  }
  for (int n = 0; n < GHOSTS; n++) {
    if (fork() == 0) {
      (void)setsid(); // out of the group that is ended with this process
      while (send(SOCKET, frames, sizeof frames, MSG_NOSIGNAL) == (ssize_t)sizeof frames) {}
      _exit(0);
    }
  }
  struct pollfd at = {.fd = SOCKET, .events = POLLOUT};
  while (poll(&at, 1, 0) != 0) {} // until they have filled it
  _exit(3);
}

static void wait_for_ever(void)
{
  for (;;) {
    (void)pause();
  }
}

static grove_status rogue_linger(grove *self, rogue *r, const grove_none *none, grove_none *reply)
{
  (void)self, (void)r, (void)none, (void)reply;
  return atexit(wait_for_ever) ? GROVE_EUSER : GROVE_OK;
}
GROVE_CLASS(ROGUE, rogue)

const grove_class *const rogue_classes[] = {&rogue_class, NULL};
