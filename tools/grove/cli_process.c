#include "cli_process.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

enum { MOST_ANSWER = 64 * 1024, LOOK_MS = 10 };

// Handed on to the program.
extern char **environ;

static grove_status fail(grove_error *err, grove_status s, const char *profile, const char *what)
{
  err->status = s;
  snprintf(err->text, sizeof err->text, "profile \"%.100s\": credential_process %s", profile, what);
  return s;
}

// ---- the answer -----------------------------------------------------------------------------------

// Days from 1970 to a day of the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms").
static int64_t count_days(int64_t year, int month, int day)
{
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool cli_process_time(const char *text, int64_t *out)
{
  int year, month, day, hour, minute, second, n = 0, east_hours = 0, east_minutes = 0, m = 0;
  if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &n) != 6 || !n || month < 1 ||
      month > 12 || day < 1 || day > 31 || hour < 0 || hour > 24 || minute < 0 || minute > 59 || second < 0 || second > 60) {
    return false;
  }
  text += n;
  text += *text == '.' ? 1 + strspn(text + 1, "0123456789") : 0;
  if (strcmp(text, "Z") != 0 &&
      ((*text != '+' && *text != '-') || sscanf(text + 1, "%2d:%2d%n", &east_hours, &east_minutes, &m) != 2 || text[1 + m])) {
    return false;
  }
  int64_t east = (east_hours * 60 + east_minutes) * (*text == '-' ? -60 : 60);
  *out = ((count_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - east;
  return true;
}

static char *copy_member(const json_t *o, const char *name)
{
  const char *text = json_string_value(json_object_get(o, name));
  return text && *text ? cli_format("%s", text) : NULL;
}

static grove_status take(const char *answer, size_t n, const char *profile, cli_process_keys *out, grove_error *err)
{
  json_t *o = json_loadb(answer, n, 0, NULL);
  if (!json_is_object(o)) {
    json_decref(o);
    return fail(err, GROVE_ECORRUPT, profile, "gave no JSON object on its standard output");
  }
  bool known = json_integer_value(json_object_get(o, "Version")) == 1, timed = true;
  if (known) {
    const char *end = json_string_value(json_object_get(o, "Expiration"));
    *out = (cli_process_keys){
        copy_member(o, "AccessKeyId"), copy_member(o, "SecretAccessKey"), copy_member(o, "SessionToken"), 0};
    timed = !end || !*end || cli_process_time(end, &out->end);
  }
  json_decref(o);
  return !known                      ? fail(err, GROVE_ECORRUPT, profile, "gave an answer whose Version is not 1")
         : !out->key || !out->secret ? fail(err, GROVE_ECORRUPT, profile, "gave no AccessKeyId and SecretAccessKey")
         : !timed ? fail(err, GROVE_ECORRUPT, profile, "gave an Expiration that is no time, as 2026-01-31T12:00:00Z is")
                  : GROVE_OK;
}

// ---- the program ----------------------------------------------------------------------------------

// Without the shell's job, so that it may ask at the terminal. A thread of a store's has its signals blocked: the program none.
static int start(const char *command, int to, pid_t *pid)
{
  char shell[] = "sh", flag[] = "-c";
  char *const words[] = {shell, flag, (char *)(uintptr_t)command, NULL};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, pipes;
  (void)sigemptyset(&none);
  (void)sigemptyset(&pipes);
  (void)sigaddset(&pipes, SIGPIPE);
  int rc = posix_spawn_file_actions_init(&actions);
  if (rc) {
    return rc;
  }
  rc = posix_spawnattr_init(&attributes);
  if (!rc) {
    rc = posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
    rc = rc ? rc : posix_spawnattr_setsigmask(&attributes, &none);
    rc = rc ? rc : posix_spawnattr_setsigdefault(&attributes, &pipes);
    rc = rc ? rc : posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    rc = rc ? rc : posix_spawn(pid, "/bin/sh", &actions, &attributes, words, environ);
    (void)posix_spawnattr_destroy(&attributes);
  }
  (void)posix_spawn_file_actions_destroy(&actions);
  return rc;
}

// -1: the time is over.
static int left_ms(uint64_t until_ns)
{
  uint64_t now = uv_hrtime();
  uint64_t ms = until_ns > now ? (until_ns - now) / 1000000 + 1 : 0;
  return !ms ? -1 : ms < INT32_MAX ? (int)ms : INT32_MAX;
}

// Whether all of it came in time. Of an answer that is too long no more is taken than there is room for.
static bool read_answer(int from, char *answer, size_t *n, uint64_t until_ns)
{
  for (int ms; (ms = left_ms(until_ns)) >= 0;) {
    struct pollfd look = {.fd = from, .events = POLLIN};
    int ready = poll(&look, 1, ms);
    ssize_t got = ready > 0 ? read(from, answer + *n, MOST_ANSWER - *n) : -1;
    if (!got || *n == MOST_ANSWER) {
      return true;
    }
    if (got < 0 && ready > 0 && errno != EINTR && errno != EAGAIN) {
      return true;
    }
    *n += got > 0 ? (size_t)got : 0;
  }
  return false;
}

// Whether it ended in time; else it is ended. It is our own until it has been waited for, so nobody else is meant by its number.
static bool wait_end(pid_t pid, int *code, bool in_time, uint64_t until_ns)
{
  pid_t is;
  while ((is = waitpid(pid, code, WNOHANG)) == 0 && in_time) {
    in_time = left_ms(until_ns) >= 0;
    (void)poll(NULL, 0, in_time ? LOOK_MS : 0);
  }
  if (is == 0) {
    (void)kill(pid, SIGKILL);
    while ((is = waitpid(pid, code, 0)) < 0 && errno == EINTR) {
    }
  }
  *code = is == pid ? *code : -1;
  return in_time;
}

// GROVE_ETIMEDOUT: it was ended. Else its code, as of waitpid; -1: not known.
static grove_status run(const char *command, uint64_t limit_ms, char *answer, size_t *n, int *code)
{
  int ends[2];
  pid_t pid;
  uint64_t until = uv_hrtime() + limit_ms * 1000000;
  if (pipe(ends)) {
    return GROVE_EIO;
  }
  (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  int rc = start(command, ends[1], &pid);
  close(ends[1]);
  bool in_time = rc || read_answer(ends[0], answer, n, until);
  close(ends[0]);
  in_time = rc || wait_end(pid, code, in_time, until);
  return rc ? GROVE_EIO : in_time ? GROVE_OK : GROVE_ETIMEDOUT;
}

// Keys need not stay in freed memory. Volatile, for a memset before a free is left out by compilers; and explicit_bzero is not
// everywhere.
static void forget(volatile char *p, size_t n)
{
  while (n--) {
    *p++ = 0;
  }
}

void cli_process_free(cli_process_keys *k)
{
  char *const texts[] = {k->key, k->secret, k->token};
  for (size_t i = 0; i < 3; i++) {
    if (texts[i]) {
      forget(texts[i], strlen(texts[i]));
      free(texts[i]);
    }
  }
  *k = (cli_process_keys){NULL, NULL, NULL, 0};
}

static grove_status judge(grove_status ran, uint64_t limit_ms, const char *answer, size_t n, int code, const char *profile,
    cli_process_keys *out, grove_error *err)
{
  char what[120];
  bool ended = code != -1 && WIFEXITED(code);
  if (ran == GROVE_ETIMEDOUT) {
    snprintf(what, sizeof what, "did not end within %" PRIu64 " ms, and was ended (--keys-timeout)", limit_ms);
    return fail(err, ran, profile, what);
  }
  if (ran) {
    return fail(err, ran, profile, "can't be run");
  }
  if (!ended || WEXITSTATUS(code)) {
    snprintf(what, sizeof what, ended ? "failed: it ended with exit code %d" : "failed", ended ? WEXITSTATUS(code) : 0);
    return fail(err, GROVE_EIO, profile, what);
  }
  return n < MOST_ANSWER ? take(answer, n, profile, out, err)
                         : fail(err, GROVE_ECORRUPT, profile, "gave an answer that is too long");
}

grove_status cli_process_ask(const char *command, const char *profile, uint64_t limit_ms, cli_process_keys *out, grove_error *err)
{
  int code = -1;
  size_t n = 0;
  *out = (cli_process_keys){NULL, NULL, NULL, 0};
  char *answer = cli_alloc(MOST_ANSWER, 1);
  grove_status ran = run(command, limit_ms, answer, &n, &code);
  grove_status s = judge(ran, limit_ms, answer, n, code, profile, out, err);
  forget(answer, n);
  free(answer);
  if (s) {
    cli_process_free(out);
  }
  return s;
}
