// grove top: a running process's actors, live in the terminal, or one snapshot of them as text or JSON.
#include "top_command.h"
#include "cli_attach.h"
#include "cli_output.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT_USUAL = 50, LIMIT_MOST = 1000000 };
enum { INTERVAL = CLI_ATTACH_OPTION_COUNT, SORT, FILTER, CLASS, TREE, ENDED, ONCE, JSON, LIMIT };

static const cli_option options[] = {CLI_ATTACH_OPTIONS,
    [INTERVAL] = {"interval", "SECONDS", "from look to look, 0.25 to 60; default 1", 0, false},
    [SORT] = {"sort", "KEY",
        "spawned, name, or the largest first: depth, bytes,\noldest, handled, failed, busy (lately; default), time\n"
        "(busy in all), restarts",
        0, false},
    [FILTER] = {"filter", "TEXT", "only those with it in their name or label", 0, false},
    [CLASS] = {"class", "NAME", "only those of this class", 0, false},
    [TREE] = {"tree", NULL, "begins with the tree", 0, false},
    [ENDED] = {"ended", NULL, "the last 1,024 that have ended, too", 0, false},
    [ONCE] = {"once", NULL, "prints one snapshot, and needs no terminal", 0, false},
    [JSON] = {"json", NULL, "prints one snapshot as one JSON document", 0, false},
    [LIMIT] = {"limit", "N", "of a snapshot: at most so many actors; default 50", 0, false},
    {NULL, NULL, NULL, 0, false}};

typedef struct wish {
  cli_attach_wish attach;
  const char *sort, *filter, *class_name;
  int64_t interval_ms;
  uint64_t limit;
  bool tree, ended, once;
} wish;

static bool read_interval(const char *text, int64_t *ms)
{
  char *end;
  double s = strtod(text, &end);
  if (end == text || *end || !(s >= 0.25 && s <= 60)) {
    (void)cli_fail(EXIT_USAGE, "--interval is \"%.60s\"; seconds from 0.25 to 60 are wanted", text);
    return false;
  }
  *ms = (int64_t)(s * 1000);
  return true;
}

static bool take_option(wish *w, int option, const char *value)
{
  switch (option) {
  case INTERVAL: return read_interval(value, &w->interval_ms);
  case SORT: w->sort = value; return actors_check_order(value);
  case FILTER:
    w->filter = value;
    return strlen(value) < TOP_FILTER ||
           (cli_fail(EXIT_USAGE, "--filter has %zu bytes; names and labels have %d at most",
                strlen(value), TOP_FILTER - 1),
               false);
  case CLASS: w->class_name = value; return true;
  case TREE: w->tree = true; return true;
  case ENDED: w->ended = true; return true;
  case ONCE:
  case JSON: w->once = true; return true;
  case LIMIT: return cli_parse_count("limit", value, 1, LIMIT_MOST, &w->limit);
  default: return cli_attach_option(&w->attach, option, value);
  }
}

// ---- one snapshot -----------------------------------------------------------------------------------------------------

static void put_head(const cli_http *h, const json_t *overview)
{
  char up[CLI_WORD], memory[CLI_WORD], share[CLI_WORD], p50[CLI_WORD], p99[CLI_WORD], workers[CLI_LONG_WORD];
  double busy, rate;
  const json_t *r = json_object_get(overview, "runtime");
  cli_words_workers(r, workers);
  top_runtime_rates(r, NULL, &busy, &rate);
  cli_words_duration(cli_words_number(r, "up_ns"), up);
  cli_words_bytes(cli_words_number(r, "memory_bytes"), memory);
  cli_words_share(busy, share);
  cli_words_duration(cli_words_number(r, "wait_p50_ns"), p50);
  cli_words_duration(cli_words_number(r, "wait_p99_ns"), p99);
  printf("%s  up %s, grove %s\n", cli_http_name(h), up, cli_words_text(r, "version"));
  printf("actors %" PRId64 ", %" PRId64 " suspended; restarts %" PRId64 ", failed %" PRId64
         ", dead letters %" PRId64 "; memory %s\n",
      cli_words_number(r, "actors"), cli_words_number(r, "suspended"),
      cli_words_number(r, "restarts"), cli_words_number(r, "failed"),
      cli_words_number(r, "dead_letters"), memory);
  printf("workers %s, %s since the start; messages %.0f/s; wait in mailboxes p50 %s, p99 %s\n\n", workers, share, rate, p50, p99);
}

static void put_rows(const json_t *rows)
{
  static const char *const heads[] = {"ACTOR", "CLASS", "PHASE", "UP", "MAILBOX", "HANDLED", "BUSY",
      "TIME", "RESTARTS", "MEMORY", "STATE"};
  static const bool right[] = {
      false, false, false, true, true, true, true, true, true, true, false};
  cli_table *t = cli_table_create(11, heads, right);
  size_t i;
  json_t *a;
  json_array_foreach(rows, i, a)
  {
    char up[CLI_WORD], depth[CLI_WORD], handled[CLI_WORD], busy[CLI_WORD], time[CLI_WORD],
        restarts[CLI_WORD], bytes[CLI_WORD], doing[CLI_LONG_WORD];
    int64_t up_ns = cli_words_number(a, "up_ns"), busy_ns = cli_words_number(a, "busy_ns");
    cli_words_duration(up_ns, up);
    cli_words_count(cli_words_number(a, "depth"), depth);
    cli_words_count(cli_words_number(a, "handled"), handled);
    cli_words_share(up_ns ? (double)busy_ns / (double)up_ns : (double)NAN, busy);
    cli_words_duration(busy_ns, time);
    cli_words_count(cli_words_number(a, "restarts"), restarts);
    cli_words_bytes(cli_words_number(a, "bytes"), bytes);
    cli_words_doing(a, doing);
    cli_table_add(
        t, (const char *const[]){cli_words_title(a), cli_words_text(a, "class"),
               cli_words_text(a, "phase"), up, depth, handled, busy, time, restarts, bytes, doing});
  }
  cli_table_put(t);
}

static int put_snapshot(cli_http *h, const wish *w)
{
  json_t *overview = NULL, *d = NULL;
  char *q = cli_format("actors?waits=1&sort=%s", w->sort);
  q = w->filter ? cli_http_add(q, "q", w->filter) : q;
  q = w->class_name ? cli_http_add(q, "class", w->class_name) : q;
  q = w->ended ? cli_http_add(q, "ended", "1") : q;
  int code = cli_http_ask(h, "overview", false, 0, &overview);
  if (code) {
    free(q);
    return code;
  }
  code = actors_fetch(h, q, w->limit, &d);
  json_t *actors = json_object_get(d, "actors");
  if (!code && cli_said.json) {
    json_object_del(overview, "history");
    json_object_set_new(overview, "at", json_string(cli_http_name(h)));
    json_object_set(overview, "actors", actors);
    code = cli_put_json(json_incref(overview), EXIT_GOOD);
  } else if (!code) {
    put_head(h, overview);
    put_rows(json_object_get(actors, "rows"));
    printf("\n%zu of %" PRId64 " actors\n", json_array_size(json_object_get(actors, "rows")),
        cli_words_number(actors, "total"));
  }
  json_decref(d);
  json_decref(overview);
  return code;
}

// ---- live -----------------------------------------------------------------------------------------------------------------

#if defined(CLI_NCURSES)
static size_t order_of(const char *word)
{
  size_t i = 0;
  while (strcmp(actors_orders[i], word) != 0) {
    i++;
  }
  return i;
}

static int look_live(cli_http *h, const wish *w)
{
  top_view v;
  const char *no_colour = getenv("NO_COLOR");
  top_view_init(&v, h);
  v.interval_ms = w->interval_ms;
  v.order = order_of(w->sort);
  v.class_name = w->class_name;
  v.tree = w->tree;
  v.ended = w->ended;
  snprintf(v.filter, sizeof v.filter, "%s", w->filter ? w->filter : "");
  int code = top_run(&v, !(no_colour && *no_colour));
  top_view_deinit(&v);
  return code;
}
#else
static int look_live(cli_http *h, const wish *w)
{
  (void)h, (void)w;
  return cli_fail(EXIT_USAGE,
      "this grove was built without ncurses, so nothing can be drawn: --once prints one snapshot");
}
#endif

static int run_top(const cli_command *c, int argc, char **argv)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  wish w = {.sort = "busy", .interval_ms = 1000, .limit = LIMIT_USUAL};
  cli_http *h = NULL;
  int option;
  while ((option = cli_next(&walk)) >= 0) {
    if (!take_option(&w, option, walk.value)) {
      return EXIT_USAGE;
    }
  }
  if (option == -2) {
    return EXIT_USAGE;
  }
  if (walk.first < argc) {
    return cli_fail(
        EXIT_USAGE, "unexpected argument \"%s\"; a process is named by --at", argv[walk.first]);
  }
  if (!w.once && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))) {
    return cli_fail(EXIT_USAGE,
        "it draws on a terminal, and this is none: --once prints one snapshot, --json as JSON");
  }
  int code = cli_attach(&w.attach, &h);
  if (!code) {
    code = w.once ? put_snapshot(h, &w) : look_live(h, &w);
  }
  cli_http_destroy(h);
  return code;
}

const cli_command cli_top = {.name = "top",
    .arguments = "",
    .summary = "Shows what the actors of a running process do, as it happens.",
    .examples =
        "  grove top\n  grove top --at 127.0.0.1:8265 --sort depth\n  grove top --once --json\n",
    .options = options,
    .run = run_top};
