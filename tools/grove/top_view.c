#include "top_view.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void top_view_init(top_view *v, cli_http *h)
{
  *v = (top_view){.http = h,
      .interval_ms = 1000,
      .height = 1,
      .folded = json_object(),
      .want_overview = true,
      .want_actors = true};
}

void top_view_deinit(top_view *v)
{
  json_decref(v->overview);
  json_decref(v->overview_before);
  json_decref(v->actors);
  json_decref(v->actors_before);
  json_decref(v->folded);
  json_decref(v->rows);
  json_decref(v->before);
  actors_text_drop(&v->text);
  free(v->lines);
}

int64_t top_now_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// ---- what is asked for --------------------------------------------------------------------------------------------

static char *actors_path(const top_view *v)
{
  char *q = cli_format("actors?waits=1&sort=%s", v->tree ? "spawned" : actors_orders[v->order]);
  q = v->filter[0] ? cli_http_add(q, "q", v->filter) : q;
  q = v->class_name ? cli_http_add(q, "class", v->class_name) : q;
  q = v->ended ? cli_http_add(q, "ended", "1") : q;
  char number[24];
  size_t from = v->tree ? json_array_size(v->rows) : v->first;
  size_t rows = v->tree ? ACTORS_PAGE : v->height;
  snprintf(number, sizeof number, "%zu", from);
  q = cli_http_add(q, "offset", number);
  snprintf(number, sizeof number, "%zu", rows < ACTORS_PAGE ? rows : ACTORS_PAGE);
  return cli_http_add(q, "rows", number);
}

static void ask(top_view *v, top_asked what, char *path)
{
  v->asked = what;
  v->asked_first = v->first;
  v->asked_serial = v->serial;
  cli_http_begin(v->http, path, what == TOP_ASKED_STOP, 0);
  free(path);
}

int top_view_begin(top_view *v)
{
  enum { LONGEST = 60000 };
  int64_t now = top_now_ms();
  if (v->asked) {
    return LONGEST; // it has a limit of its own
  }
  if (!v->paused && now >= v->due_ms && !v->want_actors && !v->want_overview) {
    v->want_overview = v->want_actors = v->timed = true;
    v->want_one = v->one[0] != '\0';
  }
  if (v->stop[0]) {
    ask(v, TOP_ASKED_STOP, cli_format("actors/%s/%s", v->stop, v->restart ? "restart" : "stop"));
  } else if (!v->overview) {
    ask(v, TOP_ASKED_OVERVIEW, cli_format("overview"));
  } else if (v->want_one && v->one[0]) {
    ask(v, TOP_ASKED_ONE, cli_format("actors/%s", v->one));
  } else if (v->want_actors) {
    if (!v->rows) {
      v->begun_ms = now;
      v->rows = v->tree ? json_array() : NULL;
    }
    ask(v, TOP_ASKED_ACTORS, actors_path(v));
  } else if (v->want_overview) {
    ask(v, TOP_ASKED_OVERVIEW, cli_format("overview"));
  }
  return v->asked || v->paused ? LONGEST : v->due_ms > now ? (int)(v->due_ms - now) : 0;
}

void top_view_again(top_view *v)
{
  v->serial++;
  v->timed = false;
  v->want_actors = true;
  v->want_one = v->one[0] != '\0';
  json_decref(v->rows); // pages of another tree
  v->rows = NULL;
}

void top_view_pause(top_view *v)
{
  v->paused = !v->paused;
  v->due_ms = 0;
  if (v->paused && v->timed) {
    v->serial++;
    v->want_actors = v->want_overview = false;
    json_decref(v->rows);
    v->rows = NULL;
  }
}

// ---- answers -------------------------------------------------------------------------------------------------------

static bool is_folded(void *view, const char *id)
{
  return top_view_is_folded(view, id);
}

static void make_lines(top_view *v)
{
  const json_t *rows = json_object_get(json_object_get(v->actors, "actors"), "rows");
  free(v->lines);
  v->lines = NULL;
  if (v->tree) {
    v->line_count = actors_lines(rows, is_folded, v, &v->lines);
    return;
  }
  v->line_count = json_array_size(rows);
  v->lines = cli_alloc(v->line_count + 1, sizeof *v->lines);
  for (size_t i = 0; i < v->line_count; i++) {
    v->lines[i] = (actors_line){.row = json_array_get(rows, i)};
  }
}

// The rows of the document before are kept by ID, for rates.
static void keep_before(top_view *v)
{
  size_t i;
  json_t *row;
  json_decref(v->actors_before);
  json_decref(v->before);
  v->actors_before = v->actors;
  v->before = json_object();
  json_array_foreach(json_object_get(json_object_get(v->actors_before, "actors"), "rows"), i, row)
  {
    json_object_set(v->before, cli_words_text(row, "id"), row);
  }
}

// What has come of a tree that is not shown yet, so that a large one is seen while it grows. It is no look of its own: rates
// are of whole ones.
static void show_part(top_view *v, json_t *d)
{
  json_object_set_new(json_object_get(d, "actors"), "rows", json_copy(v->rows));
  json_decref(v->actors);
  v->actors = json_incref(d);
  v->part = true;
  make_lines(v);
  top_view_move(v, 0);
}

static void take_actors(top_view *v, json_t *d)
{
  json_t *actors = json_object_get(d, "actors"), *page = json_object_get(actors, "rows");
  v->total = (size_t)cli_words_number(actors, "total");
  v->dead = (size_t)cli_words_number(actors, "dead");
  if (v->rows) {
    json_array_extend(v->rows, page);
    if (json_array_size(page) == ACTORS_PAGE && json_array_size(v->rows) < TOP_TREE_MOST) {
      if (v->part || !v->line_count) {
        show_part(v, d);
      }
      return; // the next page
    }
    json_object_set(actors, "rows", v->rows);
    json_decref(v->rows);
    v->rows = NULL;
  }
  if (v->part) {
    json_decref(v->actors);
    v->actors = NULL;
    v->part = false;
  }
  keep_before(v);
  v->actors = json_incref(d);
  v->want_actors = false;
  make_lines(v);
  int64_t took = top_now_ms() - v->begun_ms;
  // What is looked at is not kept from its work: a tenth of the time at most.
  v->due_ms = top_now_ms() + (v->interval_ms > 10 * took ? v->interval_ms : 10 * took);
  top_view_move(v, 0);
}

static void take_one(top_view *v, const cli_answer *a)
{
  v->want_one = false;
  if (a->document) {
    actors_text_drop(&v->text);
    actors_text_of(a->document, &v->text);
  } else {
    v->one[0] = '\0';
    snprintf(v->message, sizeof v->message, "%.200s", a->words);
  }
}

static void take_stop(top_view *v, const cli_answer *a)
{
  if (a->document) {
    snprintf(v->message, sizeof v->message, "%s is asked to %s", v->stop, v->restart ? "restart" : "end");
  } else {
    snprintf(v->message, sizeof v->message, "%.200s", a->words);
  }
  v->stop[0] = '\0';
  top_view_again(v);
}

static void take_overview(top_view *v, json_t *d)
{
  json_decref(v->overview_before);
  v->overview_before = v->overview;
  v->overview = json_incref(d);
  v->want_overview = false;
}

void top_view_take(top_view *v)
{
  cli_answer a = cli_http_take(v->http);
  top_asked what = v->asked;
  bool stale = what == TOP_ASKED_ACTORS &&
               (v->asked_serial != v->serial || (!v->tree && v->asked_first != v->first));
  v->asked = TOP_ASKED_NOTHING;
  if (a.over) {
    v->over = true;
    v->code = a.code;
    snprintf(v->words, sizeof v->words, "%s", a.words);
  } else if (what == TOP_ASKED_STOP) {
    take_stop(v, &a);
  } else if (what == TOP_ASKED_ONE) {
    take_one(v, &a);
  } else if (!a.document) {
    snprintf(v->message, sizeof v->message, "%.200s", a.words);
    v->due_ms = top_now_ms() + v->interval_ms;
    v->want_actors = v->want_overview = false;
    json_decref(v->rows);
    v->rows = NULL;
  } else if (what == TOP_ASKED_OVERVIEW) {
    take_overview(v, a.document);
  } else if (!stale) {
    take_actors(v, a.document);
  }
  json_decref(a.document);
}

// ---- lines ----------------------------------------------------------------------------------------------------------

size_t top_view_lines(const top_view *v)
{
  return v->tree ? v->line_count : v->total;
}

const actors_line *top_view_line(const top_view *v, size_t number)
{
  size_t from =
      v->tree ? 0 : (size_t)cli_words_number(json_object_get(v->actors, "actors"), "offset");
  return number >= from && number - from < v->line_count ? &v->lines[number - from] : NULL;
}

const json_t *top_view_marked(const top_view *v)
{
  const actors_line *l = top_view_line(v, v->cursor);
  return l ? l->row : NULL;
}

// The first line is where the mark is in sight; if it is another than `before`, its rows are still to come.
static void move_mark(top_view *v, int64_t lines, size_t before)
{
  size_t n = top_view_lines(v);
  int64_t to = (int64_t)v->cursor + lines;
  v->cursor = to < 0 ? 0 : (size_t)to >= n ? (n ? n - 1 : 0) : (size_t)to;
  size_t height = v->height ? v->height : 1;
  if (v->cursor < v->first) {
    v->first = v->cursor;
  } else if (v->cursor >= v->first + height) {
    v->first = v->cursor - height + 1;
  }
  if (v->first + height > n) { // no empty lines at the end while there are some before
    v->first = n > height ? n - height : 0;
  }
  if (!v->tree && v->first != before) {
    v->want_actors = true;
  }
}

void top_view_move(top_view *v, int64_t lines)
{
  move_mark(v, lines, v->first);
}

void top_view_page(top_view *v, bool down)
{
  size_t before = v->first;
  v->first = down ? v->first + v->height : v->first > v->height ? v->first - v->height : 0;
  move_mark(v, down ? (int64_t)v->height : -(int64_t)v->height, before);
}

bool top_view_is_folded(const top_view *v, const char *id)
{
  return json_object_get(v->folded, id) != NULL;
}

void top_view_fold(top_view *v, const char *id)
{
  if (top_view_is_folded(v, id)) {
    json_object_del(v->folded, id);
  } else {
    json_object_set_new(v->folded, id, json_true());
  }
  make_lines(v);
  top_view_move(v, 0);
}

// ---- rates ------------------------------------------------------------------------------------------------------------

static void rates(const json_t *now, const json_t *before, const char *counter, double seconds,
    double *busy, double *per_second)
{
  double ns = (double)(cli_words_number(now, "busy_ns") - cli_words_number(before, "busy_ns"));
  double n = (double)(cli_words_number(now, counter) - cli_words_number(before, counter));
  *busy = seconds > 0 ? ns / 1e9 / seconds : 0;
  *per_second = seconds > 0 ? n / seconds : 0;
}

void top_view_rates(const top_view *v, const json_t *row, double *busy, double *per_second)
{
  const json_t *before = json_object_get(v->before, cli_words_text(row, "id"));
  double up = (double)cli_words_number(row, "up_ns") / 1e9;
  double between = (double)(cli_words_number(v->actors, "now_ns") -
                            cli_words_number(v->actors_before, "now_ns")) /
                   1e9;
  rates(row, before, "handled", before ? between : up, busy, per_second);
}

void top_runtime_rates(const json_t *now, const json_t *before, double *busy, double *per_second)
{
  double up = (double)(cli_words_number(now, "up_ns") - cli_words_number(before, "up_ns")) / 1e9;
  rates(now, before, "handled", up, busy, per_second);
  int64_t workers = cli_words_number(now, "workers");
  *busy = workers ? *busy / (double)workers : 0;
}
