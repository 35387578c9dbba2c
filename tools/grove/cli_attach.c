#include "cli_attach.h"
#include "cli_place.h"
#include "cli_words.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MOST_FOUND = 64, TOKEN_LEAST = 16, TOKEN_MOST = 128, LOOK_MS = 2000 };

bool cli_attach_option(cli_attach_wish *w, int option, const char *value)
{
  if (option == CLI_AT) {
    w->at = value;
  } else if (option == CLI_TOKEN_FILE) {
    w->token_file = value;
  }
  return option == CLI_AT || option == CLI_TOKEN_FILE;
}

// ---- the token ----------------------------------------------------------------------------------------------------

// It is no argument: those are shown to everybody by ps.
static int read_token(const char *path, char token[TOKEN_MOST + 2])
{
  const char *given = getenv("GROVE_TOKEN");
  token[0] = '\0';
  if (path) {
    FILE *f = fopen(path, "r");
    if (!f) {
      return cli_fail(EXIT_INPUT, "--token-file: %s: %s", path, strerror(errno));
    }
    if (!fgets(token, TOKEN_MOST + 2, f)) {
      token[0] = '\0';
    }
    fclose(f);
    token[strcspn(token, "\r\n")] = '\0';
  } else if (given && *given) {
    snprintf(token, TOKEN_MOST + 2, "%s", given);
  } else {
    return EXIT_GOOD;
  }
  size_t n = strlen(token);
  bool good =
      n >= TOKEN_LEAST && n <= TOKEN_MOST &&
      strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == n;
  return good ? EXIT_GOOD
              : cli_fail(EXIT_USAGE, "%s is no token: %d to %d of A-Z a-z 0-9 - _ are one",
                    path ? path : "GROVE_TOKEN", (int)TOKEN_LEAST, (int)TOKEN_MOST);
}

// ---- sockets -------------------------------------------------------------------------------------------------------

// 0: somebody serves there; else errno.
static int knock(const char *path)
{
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof to.sun_path) {
    return ENAMETOOLONG;
  }
  memcpy(to.sun_path, path, strlen(path) + 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int code = fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0 ? errno : 0;
  if (fd >= 0) {
    close(fd);
  }
  return code;
}

static int check_socket(const char *path)
{
  int code = knock(path);
  switch (code) {
  case 0: return EXIT_GOOD;
  case ENOENT:
    return cli_fail(EXIT_INPUT,
        "there is no socket %s: has its process ended? Without --at, what runs is listed", path);
  case ECONNREFUSED:
    return cli_fail(EXIT_INPUT,
        "the socket %s is stale: its process has ended and left it behind (rm it)", path);
  default: return cli_fail(EXIT_INPUT, "the socket %s: %s", path, strerror(code));
  }
}

// ---- what is in the usual place ------------------------------------------------------------------------------------

typedef struct found {
  char place[CLI_PLACE_ROOM];
  char *live[MOST_FOUND], *stale[MOST_FOUND]; // names
  size_t live_count, stale_count;
} found;

static void drop_found(found *f)
{
  for (size_t i = 0; i < f->live_count; i++) {
    free(f->live[i]);
  }
  for (size_t i = 0; i < f->stale_count; i++) {
    free(f->stale[i]);
  }
}

static int by_number(const void *a, const void *b)
{
  long x = strtol(*(char *const *)a, NULL, 10), y = strtol(*(char *const *)b, NULL, 10);
  return x != y ? (x > y) - (x < y) : strcmp(*(char *const *)a, *(char *const *)b);
}

// Sockets in a folder that others can write to may be anybody's.
static int check_place(const char *place)
{
  struct stat is;
  char *bare = cli_format("%.*s", (int)strlen(place) - 1, place);
  int failed = lstat(bare, &is) != 0;
  free(bare);
  if (!failed &&
      (!S_ISDIR(is.st_mode) || is.st_uid != geteuid() || (is.st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
    return cli_fail(EXIT_INPUT,
        "%s is not this user's own folder (mode 0700): what is in it is not trusted. Say which "
        "with --at",
        place);
  }
  return EXIT_GOOD;
}

static int look_around(found *f)
{
  struct dirent *e;
  cli_place(f->place);
  int code = check_place(f->place);
  DIR *d = code ? NULL : opendir(f->place);
  while (d && (e = readdir(d)) != NULL) {
    size_t n = strlen(e->d_name);
    if (n < 6 || strcmp(e->d_name + n - 5, ".sock") != 0) {
      continue;
    }
    char *path = cli_format("%s%s", f->place, e->d_name);
    int refused = knock(path);
    free(path);
    if (!refused && f->live_count < MOST_FOUND) {
      f->live[f->live_count++] = cli_format("%s", e->d_name);
    } else if (refused == ECONNREFUSED && f->stale_count < MOST_FOUND) {
      f->stale[f->stale_count++] = cli_format("%s", e->d_name);
    }
  }
  if (d) {
    closedir(d);
  }
  qsort(f->live, f->live_count, sizeof *f->live, by_number);
  qsort(f->stale, f->stale_count, sizeof *f->stale, by_number);
  return code;
}

static char *stale_words(const found *f)
{
  char *words = cli_format("%s", "");
  for (size_t i = 0; i < f->stale_count; i++) {
    char *more = cli_format(
        "%s%s%s", words, i ? ", " : "; stale, their processes have ended: ", f->stale[i]);
    free(words);
    words = more;
  }
  return words;
}

static int fail_none(const found *f)
{
  char *stale = stale_words(f);
  int code = cli_fail(EXIT_INPUT,
      "no process serves in %s: start a command with --dashboard, or a program that calls "
      "grove_dashboard_start for \"unix:%s\"; or say where with --at ADDRESS:PORT or --at "
      "unix:PATH%s",
      f->place, f->place, stale);
  free(stale);
  return code;
}

// How the process was called, for people; Linux has it in a file.
static void read_program(const char *name, char out[64])
{
  char *path = cli_format("/proc/%ld/cmdline", strtol(name, NULL, 10));
  FILE *f = fopen(path, "r");
  size_t n = f ? fread(out, 1, 63, f) : 0;
  if (f) {
    fclose(f);
  }
  free(path);
  for (size_t i = 0; i + 1 < n; i++) {
    out[i] = out[i] ? out[i] : ' ';
  }
  out[n] = '\0';
}

// "  4711  37 actors, up 2.0 s: grove train --data …"
static char *describe(const found *f, const char *name, const char *token)
{
  char program[64], up[CLI_WORD];
  char *address = cli_format("unix:%s%s", f->place, name), *line;
  cli_http *h = cli_http_create(address, token);
  cli_answer a = {0};
  read_program(name, program);
  if (h) {
    a = cli_http_answer(h, "overview", false, LOOK_MS);
  }
  const json_t *r = json_object_get(a.document, "runtime");
  cli_words_duration(json_integer_value(json_object_get(r, "up_ns")), up);
  int n = (int)strlen(name) - 5;
  if (a.document) {
    line = cli_format("  %-8.*s %lld actors, up %s: %s", n, name,
        (long long)json_integer_value(json_object_get(r, "actors")), up, program);
  } else {
    line = cli_format("  %-8.*s %s: %s", n, name, a.words, program);
  }
  json_decref(a.document);
  cli_http_destroy(h);
  free(address);
  return line;
}

static int fail_several(const found *f, const char *token)
{
  char *stale = stale_words(f);
  char *known = cli_format("%s", "");
  for (size_t i = 0; i < f->live_count; i++) {
    char *more =
        cli_format("%s%s%.*s", known, i ? ", " : "", (int)strlen(f->live[i]) - 5, f->live[i]);
    free(known);
    known = more;
  }
  int code = cli_fail(EXIT_USAGE, "%zu processes serve in %s: say which with --at (%s)%s",
      f->live_count, f->place, known, stale);
  for (size_t i = 0; i < f->live_count && !cli_said.json; i++) {
    char *line = describe(f, f->live[i], token);
    cli_clean_text(line);
    fprintf(stderr, "%s\n", line);
    free(line);
  }
  free(stale);
  free(known);
  return code;
}

static int find(const char *token, char **address)
{
  found f = {.live_count = 0};
  int code = look_around(&f);
  if (!code && f.live_count == 1) {
    *address = cli_format("unix:%s%s", f.place, f.live[0]);
  } else if (!code) {
    code = f.live_count ? fail_several(&f, token) : fail_none(&f);
  }
  drop_found(&f);
  return code;
}

// ---- all of it --------------------------------------------------------------------------------------------------------

static int read_at(const char *at, char **address)
{
  char place[CLI_PLACE_ROOM];
  if (strstr(at, "token=")) {
    return cli_fail(EXIT_USAGE, "--at has a token in it, which ps shows to everybody: put it into "
                                "a file, for --token-file, or into GROVE_TOKEN");
  }
  if (*at && strspn(at, "0123456789-") == strlen(at)) {
    cli_place(place);
    *address = cli_format("unix:%s%s.sock", place, at);
    int code = check_place(place);
    return code ? code : check_socket(*address + 5);
  }
  *address = cli_format("%s", at);
  if (strncmp(at, "unix:", 5) == 0) {
    return check_socket(at + 5);
  }
  const char *colon = strrchr(at, ':');
  bool is_url = !strncmp(at, "http://", 7) || !strncmp(at, "https://", 8);
  bool is_pair = colon && colon > at && colon[1] &&
                 strspn(colon + 1, "0123456789") == strlen(colon + 1) && !strpbrk(at, "/?#@ ");
  return is_url || is_pair
             ? EXIT_GOOD
             : cli_fail(EXIT_USAGE,
                   "--at \"%.100s\" is none of ADDRESS:PORT, unix:PATH and the number of a process",
                   at);
}

int cli_attach(const cli_attach_wish *w, cli_http **out)
{
  char token[TOKEN_MOST + 2];
  char *address = NULL;
  const char *env = getenv("GROVE_AT");
  const char *at = w->at ? w->at : env && *env ? env : NULL;
  int code = read_token(w->token_file, token);
  if (!code) {
    code = at ? read_at(at, &address) : find(token, &address);
  }
  if (!code) {
    *out = cli_http_create(address, token);
    code = *out ? EXIT_GOOD : EXIT_RUN;
  }
  memset(token, 0, sizeof token);
  free(address);
  return code;
}
