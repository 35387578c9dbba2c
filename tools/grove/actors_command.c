// grove actors ls, show, tree, kill: the actors of a running process, through its dashboard.
#include "actors_find.h"
#include "actors_show.h"
#include "cli_attach.h"
#include "cli_output.h"
#include "cli_words.h"
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIST_USUAL = 50, TREE_USUAL = 1000, LIMIT_MOST = 1000000 };

#define LIMIT_HELP(N) "at most so many, " N
#define JSON_OPTION                                                                                \
  {                                                                                                \
    "json", NULL, "the result as one JSON document", 0, false                                      \
  }
#define END_OPTION                                                                                 \
  {                                                                                                \
    NULL, NULL, NULL, 0, false                                                                     \
  }

/// What the four have in common; each leaves out what it does not have.
typedef struct wish {
  cli_attach_wish attach;
  const char *filter, *class_name, *phase, *under, *sort;
  uint64_t limit;
  bool ended, json, yes;
} wish;

static bool take_option(wish *w, const cli_command *c, const cli_walk *walk, int option)
{
  const char *name = c->options[option].name;
  if (cli_attach_option(&w->attach, option, walk->value)) {
    return true;
  }
  static const struct {
    const char *name;
    size_t at;
  } texts[] = {{"filter", offsetof(wish, filter)}, {"class", offsetof(wish, class_name)},
      {"phase", offsetof(wish, phase)}, {"under", offsetof(wish, under)},
      {"sort", offsetof(wish, sort)}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (!strcmp(name, texts[i].name)) {
      memcpy((char *)w + texts[i].at, &walk->value, sizeof walk->value);
      return strcmp(name, "sort") != 0 || actors_check_order(walk->value);
    }
  }
  w->ended |= !strcmp(name, "ended");
  w->json |= !strcmp(name, "json");
  w->yes |= !strcmp(name, "yes");
  return strcmp(name, "limit") != 0 ||
         cli_parse_count("limit", walk->value, 1, LIMIT_MOST, &w->limit);
}

// Reads the options, and finds the process. 0, or the exit code.
static int begin(const cli_command *c, int argc, char **argv, wish *w, cli_walk *walk, cli_http **h)
{
  int option;
  *walk = (cli_walk){.c = c, .argc = argc, .argv = argv};
  while ((option = cli_next(walk)) >= 0) {
    if (!take_option(w, c, walk, option)) {
      return EXIT_USAGE;
    }
  }
  int most = *c->arguments == '\0' ? 0 : !strcmp(c->arguments, "WHO...") ? argc : 1;
  bool needed = most && *c->arguments != '[';
  if (option == -2) {
    return EXIT_USAGE;
  }
  if (argc - walk->first > most) {
    return cli_fail(EXIT_USAGE, "unexpected argument \"%s\"", argv[walk->first + most]);
  }
  if (needed && walk->first == argc) {
    return cli_fail(EXIT_USAGE, "which actor? An ID, a name, a label or a path of those is wanted; "
                                "\"grove actors ls\" lists them");
  }
  return cli_attach(&w->attach, h);
}

// The question for a page: what the options leave of all actors.
static int make_query(cli_http *h, const wish *w, char **out)
{
  char *under = NULL, *q = cli_format("actors");
  int code = w->under ? actors_find(h, w->under, &under) : EXIT_GOOD;
  const char *const pairs[][2] = {{"q", w->filter}, {"class", w->class_name}, {"phase", w->phase},
      {"under", under}, {"sort", w->sort}, {"ended", w->ended ? "1" : NULL}, {"waits", "1"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    q = pairs[i][1] ? cli_http_add(q, pairs[i][0], pairs[i][1]) : q;
  }
  free(under);
  *out = q;
  return code;
}

static void note_rest(const json_t *actors, const char *what)
{
  int64_t total = cli_words_number(actors, "total");
  size_t shown = json_array_size(json_object_get(actors, "rows"));
  if ((int64_t)shown < total) {
    cli_note("%zu of %" PRId64 " actors are shown: --limit N %s more", shown, total, what);
  }
}

// ---- ls -----------------------------------------------------------------------------------------------------------

static void put_list(const json_t *actors)
{
  static const char *const heads[] = {"ID", "ACTOR", "CLASS", "PHASE", "UP", "MAILBOX", "HANDLED",
      "BUSY", "RESTARTS", "MEMORY", "STATE"};
  static const bool right[] = {
      false, false, false, false, true, true, true, true, true, true, false};
  cli_table *t = cli_table_create(11, heads, right);
  size_t i;
  json_t *a;
  json_array_foreach(json_object_get(actors, "rows"), i, a)
  {
    char up[CLI_WORD], depth[CLI_WORD], handled[CLI_WORD], busy[CLI_WORD], restarts[CLI_WORD],
        bytes[CLI_WORD], doing[CLI_LONG_WORD];
    const char *name = cli_words_text(a, "name"), *label = cli_words_text(a, "label");
    cli_words_duration(cli_words_number(a, "up_ns"), up);
    cli_words_count(cli_words_number(a, "depth"), depth);
    cli_words_count(cli_words_number(a, "handled"), handled);
    cli_words_duration(cli_words_number(a, "busy_ns"), busy);
    cli_words_count(cli_words_number(a, "restarts"), restarts);
    cli_words_bytes(cli_words_number(a, "bytes"), bytes);
    cli_words_doing(a, doing);
    cli_table_add(t, (const char *const[]){cli_words_text(a, "id"),
                         *name    ? name
                         : *label ? label
                                  : "-",
                         cli_words_text(a, "class"), cli_words_text(a, "phase"), up, depth, handled,
                         busy, restarts, bytes, doing});
  }
  cli_table_put(t);
}

static int run_list(const cli_command *c, int argc, char **argv)
{
  wish w = {.limit = LIST_USUAL};
  cli_walk walk;
  cli_http *h = NULL;
  char *query;
  json_t *d = NULL;
  int code = begin(c, argc, argv, &w, &walk, &h);
  if (code) {
    return code;
  }
  code = make_query(h, &w, &query);
  if (code) {
    free(query);
  } else {
    code = actors_fetch(h, query, w.limit, &d);
  }
  if (d && w.json) {
    code = cli_put_json(json_incref(d), EXIT_GOOD);
  } else if (d) {
    put_list(json_object_get(d, "actors"));
    note_rest(json_object_get(d, "actors"), "shows");
  }
  json_decref(d);
  cli_http_destroy(h);
  return code;
}

static const cli_option list_options[] = {CLI_ATTACH_OPTIONS,
    {"filter", "TEXT", "only those with it in their name or label", 0, false},
    {"class", "NAME", "only those of this class", 0, false},
    {"phase", "WORDS",
        "only those that are idle, queued, running, waiting,\nrestarting, …; several with commas",
        0, false},
    {"under", "WHO", "only those below this one", 0, false},
    {"ended", NULL, "the last 1,024 that have ended, too", 0, false},
    {"sort", "KEY",
        "spawned (default), name, or the largest first:\ndepth, bytes, oldest, handled, failed, busy (lately), "
        "time\n(busy in all), restarts",
        0, false},
    {"limit", "N", LIMIT_HELP("default 50"), 0, false}, JSON_OPTION, END_OPTION};
const cli_command cli_actors_ls = {.name = "actors ls",
    .arguments = "",
    .summary = "Lists the actors of a running process.",
    .examples = "  grove actors ls --sort depth --limit 10\n  grove actors ls --at 127.0.0.1:8265 "
                "--filter shard --json\n",
    .options = list_options,
    .run = run_list};

// ---- show ---------------------------------------------------------------------------------------------------------

static int ask_actor(cli_http *h, const char *id, json_t **d)
{
  char *path = cli_format("actors/%s", id);
  int code = cli_http_ask(h, path, false, 0, d);
  free(path);
  return code;
}

static int run_show(const cli_command *c, int argc, char **argv)
{
  wish w = {.limit = 0};
  cli_walk walk;
  cli_http *h = NULL;
  char *id = NULL;
  json_t *d = NULL;
  int code = begin(c, argc, argv, &w, &walk, &h);
  if (code) {
    return code;
  }
  code = actors_find(h, argv[walk.first], &id);
  code = code ? code : ask_actor(h, id, &d);
  if (d && w.json) {
    code = cli_put_json(json_incref(d), EXIT_GOOD);
  } else if (d) {
    actors_text t;
    actors_text_of(d, &t);
    for (size_t i = 0; i < t.count; i++) {
      puts(t.line[i]);
    }
    actors_text_drop(&t);
  }
  json_decref(d);
  free(id);
  cli_http_destroy(h);
  return code;
}

static const cli_option show_options[] = {CLI_ATTACH_OPTIONS, JSON_OPTION, END_OPTION};
const cli_command cli_actors_show = {.name = "actors show",
    .arguments = "WHO",
    .summary = "Shows one actor: by its ID, name, label, or path (pool/member 3).",
    .examples = "  grove actors show trunk\n  grove actors show \"trunk/leaf 1\" --json\n",
    .options = show_options,
    .run = run_show};

// ---- tree ---------------------------------------------------------------------------------------------------------

static void put_line(const actors_line *l, bool utf8)
{
  char doing[CLI_LONG_WORD];
  for (unsigned i = 0; i < l->depth && i < 64; i++) {
    printf("%s", !(l->rails >> i & 1) ? "   " : utf8 ? "│  " : "|  ");
  }
  printf("%s", utf8 ? (l->last ? "└─ " : "├─ ") : l->last ? "`- " : "|- ");
  cli_words_doing(l->row, doing);
  int64_t depth = cli_words_number(l->row, "depth"),
          restarts = cli_words_number(l->row, "restarts");
  char *line = cli_format("%s (%s) %s%s%s", cli_words_title(l->row),
      cli_words_text(l->row, "class"), cli_words_text(l->row, "phase"), *doing ? "  " : "", doing);
  cli_clean_text(line);
  printf("%s", line);
  free(line);
  if (depth) {
    printf("  %" PRId64 " waiting", depth);
  }
  if (restarts) {
    printf("  %" PRId64 " restarts", restarts);
  }
  puts("");
}

// Rows with those below them in their member "below".
static json_t *nest(const json_t *rows)
{
  actors_line *lines;
  size_t n = actors_lines(rows, NULL, NULL, &lines);
  json_t *top = json_array();
  json_t **open = cli_alloc(n + 1, sizeof *open); // of each depth
  open[0] = top;
  for (size_t i = 0; i < n; i++) {
    json_t *row = json_copy((json_t *)(uintptr_t)lines[i].row), *below = json_array();
    json_object_set_new(row, "below", below);
    json_array_append_new(open[lines[i].depth], row);
    open[lines[i].depth + 1] = below;
  }
  free(open);
  free(lines);
  return top;
}

static int put_tree(json_t *d, bool json)
{
  json_t *actors = json_object_get(d, "actors"), *rows = json_object_get(actors, "rows");
  if (json) {
    json_t *top = nest(rows);
    json_object_set_new(actors, "shown", json_integer((json_int_t)json_array_size(rows)));
    json_object_set_new(actors, "rows", top);
    return cli_put_json(json_incref(d), EXIT_GOOD);
  }
  actors_line *lines;
  setlocale(LC_CTYPE, "");
  bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  size_t n = actors_lines(rows, NULL, NULL, &lines);
  for (size_t i = 0; i < n; i++) {
    put_line(&lines[i], utf8);
  }
  free(lines);
  note_rest(actors, "shows");
  return EXIT_GOOD;
}

static int run_tree(const cli_command *c, int argc, char **argv)
{
  wish w = {.limit = TREE_USUAL};
  cli_walk walk;
  cli_http *h = NULL;
  char *id = NULL;
  json_t *d = NULL;
  int code = begin(c, argc, argv, &w, &walk, &h);
  if (code) {
    return code;
  }
  code = walk.first < argc ? actors_find(h, argv[walk.first], &id) : actors_root(h, &id, NULL);
  code =
      code ? code : actors_fetch(h, cli_http_add(cli_format("actors?waits=1"), "under", id), w.limit, &d);
  if (d) {
    code = put_tree(d, w.json);
  }
  json_decref(d);
  free(id);
  cli_http_destroy(h);
  return code;
}

static const cli_option tree_options[] = {CLI_ATTACH_OPTIONS,
    {"limit", "N", LIMIT_HELP("the oldest; default 1,000"), 0, false}, JSON_OPTION, END_OPTION};
const cli_command cli_actors_tree = {.name = "actors tree",
    .arguments = "[WHO]",
    .summary = "Shows who is below whom in a running process, of all or of one actor.",
    .examples = "  grove actors tree\n  grove actors tree trunk\n",
    .options = tree_options,
    .run = run_tree};
