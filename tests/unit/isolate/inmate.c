#include "inmate.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct inmate {
  long sum, canceled;
} inmate;

static grove_status inmate_start(grove *self, inmate *i, const int *how)
{
  (void)i;
  if (*how == INMATE_FAILS) {
    return grove_fail(self, GROVE_EUSER, "it would rather not");
  }
  while (*how == INMATE_HANGS) {
    if (grove_yield(self)) {
      return GROVE_ECANCELED;
    }
  }
  return GROVE_OK;
}

static void inmate_stop(grove *self, void *state, grove_status why)
{
  (void)state, (void)why;
  grove_log(self, GROVE_LOG_INFO, "it is let out");
}

static grove_status inmate_add(grove *self, inmate *i, const long *n, long *reply)
{
  (void)self;
  *reply = i->sum += *n;
  return GROVE_OK;
}

static grove_status inmate_twice(grove *self, inmate *i, const grove_string *s, grove_string *reply)
{
  (void)i;
  size_t n = strlen(grove_text(*s));
  char *text = malloc(2 * n + 1);
  if (!text) {
    return GROVE_ENOMEM;
  }
  memcpy(text, grove_text(*s), n);
  memcpy(text + n, grove_text(*s), n + 1);
  grove_status status = grove_share_string(self, text, reply);
  free(text);
  return status;
}

static grove_status inmate_fill(grove *self, inmate *i, const long *n, grove_string *reply)
{
  (void)i;
  char *text = malloc((size_t)*n + 1);
  if (!text) {
    return GROVE_ENOMEM;
  }
  memset(text, 'x', (size_t)*n);
  text[*n] = 0;
  grove_status status = grove_share_string(self, text, reply);
  free(text);
  return status;
}

static grove_status inmate_pid(grove *self, inmate *i, const grove_none *none, long *reply)
{
  (void)self, (void)i, (void)none;
  *reply = (long)getpid();
  return GROVE_OK;
}

static grove_status inmate_raise(grove *self, inmate *i, const int *number, grove_none *reply)
{
  (void)self, (void)i, (void)reply;
  (void)raise(*number); // to this thread, so that it does not return first
  return GROVE_OK;
}

static grove_status inmate_leave(grove *self, inmate *i, const int *code, grove_none *reply)
{
  (void)self, (void)i, (void)reply;
  _exit(*code);
}

static grove_status compute(void)
{
  for (volatile bool on = true; on;) {}
  return GROVE_OK;
}

static grove_status inmate_let_go(grove *self, inmate *i, const grove_none *none, grove_none *reply)
{
  (void)self, (void)i, (void)none, (void)reply;
  (void)close(3);
  return compute();
}

static grove_status inmate_babble(grove *self, inmate *i, const grove_none *none, grove_none *reply)
{
  (void)self, (void)i, (void)none, (void)reply;
  char words[512];
  memset(words, 0xee, sizeof words);
  (void)!write(3, words, sizeof words);
  return compute();
}

static grove_status inmate_refuse(grove *self, inmate *i, const grove_none *none, grove_none *reply)
{
  (void)i, (void)none, (void)reply;
  return grove_fail(self, GROVE_EUSER - 7, "it refuses");
}

static grove_status inmate_crash(grove *self, inmate *i, const grove_none *none, grove_none *reply)
{
  (void)i, (void)none, (void)reply;
  return grove_crash(self, GROVE_EUSER, "it lost its mind");
}

static grove_status inmate_quit(grove *self, inmate *i, const grove_none *none, grove_none *reply)
{
  (void)i, (void)none, (void)reply;
  grove_drop(self, grove_exit(self, grove_self(self), 1000));
  return GROVE_OK;
}

static grove_status inmate_yield_for_ever(
    grove *self, inmate *i, const grove_none *none, long *reply)
{
  (void)none, (void)reply;
  grove_state(self, "yields for ever");
  while (!grove_sleep(self, 1)) {}
  i->canceled++;
  return GROVE_ECANCELED;
}

static grove_status inmate_canceled(grove *self, inmate *i, const grove_none *none, long *reply)
{
  (void)self, (void)none;
  *reply = i->canceled;
  return GROVE_OK;
}

static grove_status inmate_compute_for_ever(
    grove *self, inmate *i, const grove_none *none, grove_none *reply)
{
  (void)self, (void)i, (void)none, (void)reply;
  return compute();
}

static grove_status inmate_show(grove *self, inmate *i, const grove_string *s, grove_none *reply)
{
  (void)i, (void)reply;
  grove_state(self, "%s", grove_text(*s));
  return GROVE_OK;
}

static grove_status inmate_say(grove *self, inmate *i, const grove_string *s, grove_none *reply)
{
  (void)i, (void)reply;
  grove_log(self, GROVE_LOG_WARN, "%s", grove_text(*s));
  return GROVE_OK;
}

static grove_status inmate_has_open(grove *self, inmate *i, const int *fd, bool *reply)
{
  (void)self, (void)i;
  *reply = fcntl(*fd, F_GETFD) >= 0;
  return GROVE_OK;
}

static grove_status inmate_reserve(grove *self, inmate *i, const long *bytes, bool *reply)
{
  (void)self, (void)i;
  void *p =
      mmap(NULL, (size_t)*bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  *reply = p != MAP_FAILED;
  if (*reply) {
    (void)munmap(p, (size_t)*bytes);
  }
  return GROVE_OK;
}
GROVE_CLASS_WITH(INMATE, inmate, .stop = inmate_stop)

typedef struct settled {
  int nothing;
} settled;
const grove_type grove_type_of_tied = {
    .struct_size = sizeof(grove_type), .bytes = sizeof(tied), .name = "tied"};

static grove_status settled_start(grove *self, settled *s, const int *arg)
{
  (void)self, (void)s, (void)arg;
  return GROVE_OK;
}

static grove_status settled_keep(grove *self, settled *s, const tied *t, grove_none *reply)
{
  (void)self, (void)s, (void)t, (void)reply;
  return GROVE_OK;
}
GROVE_CLASS(SETTLED, settled)

const grove_class *const inmate_classes[] = {&inmate_class, NULL};
