#include "actors_find.h"
#include "base/suggest.h"
#include "cli_words.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEARCH_MOST = 20000 };

const char *const actors_orders[] = {
    "spawned", "depth", "bytes", "oldest", "handled", "failed", "busy", "time", "restarts", "name", NULL};

static const char *order_at(const void *user, size_t i)
{
  (void)user;
  return actors_orders[i];
}

bool actors_check_order(const char *word)
{
  for (size_t i = 0; actors_orders[i]; i++) {
    if (strcmp(word, actors_orders[i]) == 0) {
      return true;
    }
  }
  const char *near = grove__suggest(word, order_at, NULL);
  (void)cli_fail(EXIT_USAGE,
      "--sort \"%.60s\"%s%s%s known: spawned, depth, bytes, oldest, handled, failed, busy, "
      "time, restarts, name",
      word, near ? "; did you mean \"" : ";", near ? near : "", near ? "\"?" : "");
  return false;
}

// ---- pages --------------------------------------------------------------------------------------------------------

// Between two pages actors come and go: one that slid from one to the next is taken once.
static void take_rows(json_t *rows, json_t *seen, json_t *more)
{
  size_t i;
  json_t *row;
  json_array_foreach(more, i, row)
  {
    const char *id = cli_words_text(row, "id");
    if (!json_object_get(seen, id)) {
      json_object_set_new(seen, id, json_true());
      json_array_append(rows, row);
    }
  }
}

int actors_fetch(cli_http *h, char *query, uint64_t limit, json_t **document)
{
  json_t *seen = json_object(), *rows = json_array(), *first = NULL;
  int code = EXIT_GOOD;
  for (uint64_t at = 0;;) {
    json_t *d;
    uint64_t want = limit - at < ACTORS_PAGE ? limit - at : ACTORS_PAGE;
    char *path = cli_format("%s%coffset=%llu&rows=%llu", query, strchr(query, '?') ? '&' : '?',
        (unsigned long long)at, (unsigned long long)want);
    code = cli_http_ask(h, path, false, 0, &d);
    free(path);
    if (code) {
      break;
    }
    json_t *page = json_object_get(json_object_get(d, "actors"), "rows");
    size_t got = json_array_size(page);
    take_rows(rows, seen, page);
    at += want;
    if (!first) {
      first = json_incref(d);
    }
    json_decref(d);
    if (got < want || at >= limit) {
      break;
    }
  }
  if (!code) {
    json_object_set(json_object_get(first, "actors"), "rows", rows);
    *document = json_incref(first);
  }
  json_decref(first);
  json_decref(rows);
  json_decref(seen);
  free(query);
  return code;
}

int actors_root(cli_http *h, char **id, bool *actions)
{
  json_t *d;
  int code = cli_http_ask(h, "overview", false, 0, &d);
  if (code) {
    return code;
  }
  *id = cli_format("%s", cli_words_text(d, "root"));
  if (actions) {
    *actions = json_is_true(json_object_get(d, "actions"));
  }
  json_decref(d);
  return EXIT_GOOD;
}

// ---- by what it is called ------------------------------------------------------------------------------------------

static bool is_id(const char *text)
{
  static const char hex[] = "0123456789abcdef";
  size_t n = strspn(text, hex);
  return n && n <= 16 && text[n] == '-' && text[n + 1] &&
         strspn(text + n + 1, hex) == strlen(text + n + 1) && strlen(text + n + 1) <= 16;
}

// Rows that are called so: those alive, or if there is none those that have ended.
static json_t *called(const json_t *rows, const char *who)
{
  json_t *live = json_array(), *ended = json_array();
  size_t i;
  json_t *row;
  json_array_foreach(rows, i, row)
  {
    bool gone = strcmp(cli_words_text(row, "phase"), "ended") == 0;
    if (!strcmp(cli_words_text(row, "name"), who)) { // unique among the living
      json_array_append(gone ? ended : live, row);
    } else if (!strcmp(cli_words_text(row, "label"), who)) {
      json_array_append(gone ? ended : live, row);
    }
  }
  bool any = json_array_size(live) > 0;
  json_decref(any ? ended : live);
  return any ? live : ended;
}

static int fail_ambiguous(const char *who, const json_t *rows)
{
  enum { SHOWN = 5 };
  char *ids = cli_format("%s", "");
  size_t n = json_array_size(rows);
  for (size_t i = 0; i < n && i < SHOWN; i++) {
    char *more =
        cli_format("%s%s%s", ids, i ? ", " : "", cli_words_text(json_array_get(rows, i), "id"));
    free(ids);
    ids = more;
  }
  int code = cli_fail(EXIT_USAGE, "%zu actors are called \"%s\": say which by its ID (%s%s)", n,
      who, ids, n > SHOWN ? ", …" : "");
  free(ids);
  return code;
}

static int find_called(cli_http *h, const char *who, char **id)
{
  json_t *d;
  char *query = cli_http_add(cli_format("actors?ended=1&sort=name"), "q", who);
  int code = actors_fetch(h, query, SEARCH_MOST, &d);
  if (code) {
    return code;
  }
  json_t *rows = called(json_object_get(json_object_get(d, "actors"), "rows"), who);
  if (json_array_size(rows) == 1) {
    *id = cli_format("%s", cli_words_text(json_array_get(rows, 0), "id"));
  } else if (json_array_size(rows)) {
    code = fail_ambiguous(who, rows);
  }
  json_decref(rows);
  json_decref(d);
  return code;
}

// The child whose title the path begins with; the longest, for a label may have a "/" in it.
static const json_t *step(const json_t *rows, const char *path, size_t *used)
{
  const json_t *best = NULL;
  size_t i;
  json_t *row;
  *used = 0;
  json_array_foreach(rows, i, row)
  {
    const char *title = cli_words_title(row);
    size_t n = strlen(title);
    if (n > *used && strncmp(path, title, n) == 0 && (path[n] == '/' || !path[n])) {
      best = row;
      *used = n;
    }
  }
  return best;
}

static int find_path(cli_http *h, const char *path, char **id)
{
  char *at = NULL;
  int code = actors_root(h, &at, NULL);
  path += strspn(path, "/");
  while (!code && *path) {
    json_t *d;
    size_t used;
    code = actors_fetch(h, cli_http_add(cli_format("actors"), "parent", at), SEARCH_MOST, &d);
    if (code) {
      break;
    }
    const json_t *row = step(json_object_get(json_object_get(d, "actors"), "rows"), path, &used);
    free(at);
    at = row ? cli_format("%s", cli_words_text(row, "id")) : NULL;
    json_decref(d);
    if (!row) {
      return EXIT_GOOD;
    }
    path += used;
    path += strspn(path, "/");
  }
  if (code) {
    free(at);
  } else {
    *id = at;
  }
  return code;
}

int actors_find(cli_http *h, const char *who, char **id)
{
  *id = NULL;
  if (is_id(who)) {
    char *path = cli_format("actors/%s", who);
    cli_http_begin(h, path, false, 0);
    free(path);
    while (!cli_http_work(h, NULL, 0, 1000)) {}
    cli_answer a = cli_http_take(h);
    if (a.document) {
      *id = cli_format("%s", who);
      json_decref(a.document);
      return EXIT_GOOD;
    }
    if (a.over || a.code != EXIT_INPUT) {
      return cli_fail(a.code, "%s", a.words);
    }
  }
  int code = *who ? find_called(h, who, id) : EXIT_GOOD;
  if (!code && !*id && strchr(who, '/')) {
    code = find_path(h, who, id);
  }
  if (code || *id) {
    return code;
  }
  return cli_fail(EXIT_INPUT,
      "%s has no actor \"%s\": an ID, a name, a label or a path of those (\"trunk/leaf 1\") is "
      "wanted, and the last 1,024 that "
      "ended are known; \"grove actors ls --filter TEXT\" searches",
      cli_http_name(h), who);
}

// ---- who is below whom ---------------------------------------------------------------------------------------------

typedef struct forest {
  const json_t *rows;
  size_t count;
  size_t *child, *last_child,
      *next; // numbers of rows, from 1 on; 0: none. Row 0 stands for the top
  actors_folded_fn *folded;
  void *user;
  actors_line *lines;
  size_t used;
} forest;

static void tie(forest *f)
{
  json_t *number_of = json_object();
  size_t i;
  json_t *row;
  json_array_foreach(f->rows, i, row)
  {
    json_object_set_new(number_of, cli_words_text(row, "id"), json_integer((json_int_t)i + 1));
  }
  json_array_foreach(f->rows, i, row)
  {
    size_t up =
        (size_t)json_integer_value(json_object_get(number_of, cli_words_text(row, "parent")));
    up = up == i + 1 ? 0 : up;
    if (f->last_child[up]) {
      f->next[f->last_child[up]] = i + 1;
    } else {
      f->child[up] = i + 1;
    }
    f->last_child[up] = i + 1;
  }
  json_decref(number_of);
}

/// A row whose line is written and whose children are not done.
typedef struct opened {
  size_t next, line; // the next child to come, from 1; its own line
  uint64_t rails;    // of its children's lines
} opened;

// Row by row with a list of those that are open, however deep a tree is. A parent is older than its children, so there is no
// circle that the top leads to.
static void walk(forest *f)
{
  opened *open = cli_alloc(f->count + 1, sizeof *open);
  size_t depth = 0; // of the children of the innermost
  open[0] = (opened){.next = f->child[0]};
  for (;;) {
    opened *o = &open[depth];
    if (!o->next) {
      if (!depth) {
        break;
      }
      f->lines[o->line].below = f->used - o->line - 1;
      depth--;
      continue;
    }
    size_t n = o->next;
    const json_t *row = json_array_get(f->rows, n - 1);
    bool last = !f->next[n], folded = f->folded && f->child[n] && f->folded(f->user, cli_words_text(row, "id"));
    o->next = f->next[n];
    uint64_t rails = depth < 64 && !last ? o->rails | UINT64_C(1) << depth : o->rails;
    f->lines[f->used] = (actors_line){.row = row, .depth = (unsigned)depth, .rails = o->rails, .last = last, .folded = folded};
    open[++depth] = (opened){.next = folded ? 0 : f->child[n], .line = f->used++, .rails = rails};
  }
  free(open);
}

size_t actors_lines(const json_t *rows, actors_folded_fn *folded, void *user, actors_line **out)
{
  forest f = {.rows = rows, .count = json_array_size(rows), .folded = folded, .user = user};
  f.child = cli_alloc(f.count + 1, sizeof *f.child);
  f.last_child = cli_alloc(f.count + 1, sizeof *f.last_child);
  f.next = cli_alloc(f.count + 1, sizeof *f.next);
  f.lines = cli_alloc(f.count + 1, sizeof *f.lines);
  tie(&f);
  walk(&f);
  free(f.child);
  free(f.last_child);
  free(f.next);
  *out = f.lines;
  return f.used;
}
