#include "cli_dashboard.h"
#include "cli_place.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(CLI_DASHBOARD)
#include <grove/dashboard.h>
#endif

static bool wanted, actions;
static const char *address; // NULL: the default

// Whether a word is an ADDRESS:PORT: numbers, [numbers] or localhost, and a port. A file may be called so only by
// somebody who writes ./ before it.
static bool is_address(const char *word)
{
  const char *colon = strrchr(word, ':');
  if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
      strlen(colon + 1) > 5) {
    return false;
  }
  size_t n = (size_t)(colon - word);
  if (n == 9 && strncmp(word, "localhost", n) == 0) {
    return true;
  }
  if (word[0] == '[') {
    return n > 2 && word[n - 1] == ']' && strspn(word + 1, "0123456789abcdefABCDEF:.") == n - 2;
  }
  size_t dots = 0;
  for (size_t i = 0; i < n; i++) {
    dots += word[i] == '.';
  }
  return dots == 3 && strspn(word, "0123456789.") == n;
}

void cli_dashboard_take(int *argc, char **argv)
{
  static const char name[] = "--dashboard";
  int to = 0;
  bool over = false;
  for (int i = 0; i < *argc; i++) {
    over = over || strcmp(argv[i], "--") == 0;
    if (!over && strcmp(argv[i], name) == 0) {
      wanted = true;
      if (i + 1 < *argc && is_address(argv[i + 1])) {
        address = argv[++i];
      }
    } else if (!over && strcmp(argv[i], "--dashboard-actions") == 0) {
      actions = true;
    } else if (!over && strncmp(argv[i], name, sizeof name - 1) == 0 &&
               argv[i][sizeof name - 1] == '=') {
      wanted = true;
      address = argv[i] + sizeof name;
    } else {
      argv[to++] = argv[i];
    }
  }
  argv[to] = NULL;
  *argc = to;
}

bool cli_dashboard_is_due(void)
{
  return wanted;
}

#if defined(CLI_DASHBOARD)
// A second one, for this user's `grove top`: a socket in the usual place. That there is none is no reason to fail.
static void start_socket(grove *g)
{
  enum { HISTORY_SECONDS = 60 };
  grove_dashboard d = {.struct_size = sizeof d};
  grove_error err;
  char place[CLI_PLACE_ROOM];
  cli_place(place);
  char *at = cli_format("unix:%s", place);
  grove_dashboard_options o = {
      GROVE_DASHBOARD, .address = at, .actions = actions, .history_seconds = HISTORY_SECONDS};
  if (grove_dashboard_start(g, &o, &d, &err)) {
    cli_note("\"grove top\" will not find it: %s", err.text);
  }
  free(at);
}

int cli_dashboard_start(grove *g)
{
  grove_dashboard d = {.struct_size = sizeof d};
  grove_error err;
  char local[32];
  if (!wanted) {
    return actions ? cli_fail(EXIT_USAGE, "--dashboard-actions is about a dashboard: --dashboard starts one") : EXIT_GOOD;
  }
  wanted = false;
  const char *at = address;
  if (at && strncmp(at, "localhost:", 10) == 0 && strlen(at) < 20) {
    snprintf(local, sizeof local, "127.0.0.1:%s", at + 10);
    at = local;
  }
  grove_status s = grove_dashboard_start(
      g, &(grove_dashboard_options){GROVE_DASHBOARD, .address = at, .actions = actions}, &d, &err);
  if (s) {
    return cli_fail(s == GROVE_EINVAL ? EXIT_USAGE : EXIT_RUN, "--dashboard: %s", err.text);
  }
  cli_note("dashboard: %s", d.url);
  if (d.port) {
    start_socket(g);
  }
  return EXIT_GOOD;
}
#else
int cli_dashboard_start(grove *g)
{
  (void)g;
  return wanted
             ? cli_fail(EXIT_USAGE, "--dashboard: this grove was built without it (libmicrohttpd)")
             : EXIT_GOOD;
}
#endif
