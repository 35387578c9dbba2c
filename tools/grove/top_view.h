// What `grove top` knows and wants: documents as they came, what is asked next, lines as they are shown. No terminal in it.
#ifndef GROVE_TOOL_TOP_VIEW_H
#define GROVE_TOOL_TOP_VIEW_H
#include "actors_find.h"
#include "actors_show.h"
#include "cli_words.h"

enum { TOP_FILTER = 64, TOP_ID = 40, TOP_TREE_MOST = 20000 };

/// What is being asked for.
typedef enum top_asked {
  TOP_ASKED_NOTHING,
  TOP_ASKED_OVERVIEW,
  TOP_ASKED_ACTORS,
  TOP_ASKED_ONE,
  TOP_ASKED_STOP
} top_asked;

typedef struct top_view {
  // Set by whoever makes it.
  cli_http *http;
  const char *class_name; // NULL: all
  int64_t interval_ms;
  // What is wanted; the keys change it.
  bool tree, ended, paused;
  size_t order; // of actors_orders
  char filter[TOP_FILTER];
  size_t cursor, first, height; // the line that is marked, the first that is shown, how many fit
  char one[TOP_ID];             // the actor whose page is open; "": none
  char stop[TOP_ID];            // the one to be ended,
  bool restart;                 // or to start again
  // What is known.
  json_t *overview, *overview_before, *actors, *actors_before;
  actors_line *lines; // of `actors`: the table's begins with its line number `first`
  size_t line_count, total, dead;
  actors_text text; // of `one`
  json_t *folded;   // IDs
  char message[256];
  // The way there.
  top_asked asked;
  bool part; // `actors` is the beginning of a tree that is still to come
  bool want_overview, want_actors, want_one, timed; // timed: because it is time, not by a key
  size_t asked_first;
  unsigned serial, asked_serial; // of what is wanted: an answer to something else is of no use
  json_t *rows, *before;         // of a tree that comes in pages; ID to row of actors_before
  int64_t due_ms, begun_ms;
  // How it ended.
  bool over;
  int code;
  char words[700];
} top_view;

void top_view_init(top_view *v, cli_http *h);
void top_view_deinit(top_view *v);
int64_t top_now_ms(void);
/// Begins what is to be asked next, if nothing is being asked. Gives how long it may be waited until the next.
int top_view_begin(top_view *v);
/// Takes an answer that has come. If nobody can be asked any more, `over` is set.
void top_view_take(top_view *v);
/// What is shown has changed by a key: asks for it at once.
void top_view_again(top_view *v);
/// Stops looking, or goes on; what was on its way only because it was time is not taken any more.
void top_view_pause(top_view *v);
/// Moves the mark; keeps it within what there is, and in sight.
void top_view_move(top_view *v, int64_t lines);
/// Moves mark and lines by as many as are in sight.
void top_view_page(top_view *v, bool down);
/// How many lines there are in all, and the line of a number; NULL: it is not here yet.
size_t top_view_lines(const top_view *v);
const actors_line *top_view_line(const top_view *v, size_t number);
/// The row that is marked; NULL: none is.
const json_t *top_view_marked(const top_view *v);
bool top_view_is_folded(const top_view *v, const char *id);
void top_view_fold(top_view *v, const char *id);

/// Since the last look, or where there was none since its beginning: share of a thread, messages a second.
void top_view_rates(const top_view *v, const json_t *row, double *busy, double *per_second);
/// The same of the runtime: share of its workers, messages a second. Rows are the members "runtime"; `before` may be NULL.
void top_runtime_rates(const json_t *now, const json_t *before, double *busy, double *per_second);
#endif
