// Actors of a running process: pages of them, one by what it is called, and who is below whom.
#ifndef GROVE_TOOL_ACTORS_FIND_H
#define GROVE_TOOL_ACTORS_FIND_H
#include "cli_http.h"

enum { ACTORS_PAGE = 500 }; // most rows of one request

/// The orders that the process knows, NULL-ended: "spawned", "depth" …
extern const char *const actors_orders[];
/// Whether it is one; else reports.
bool actors_check_order(const char *word);

/// Asks for up to `limit` rows of "actors?…", page by page; the first page's document with all rows in it. `query` is freed.
/// On failure reports, and gives the exit code.
int actors_fetch(cli_http *h, char *query, uint64_t limit, json_t **document);
/// An actor by its ID, name, label, or path of such from the top ("pool/member 3"): its ID, to be freed. The same.
int actors_find(cli_http *h, const char *who, char **id);
/// The root's ID, and whether actors may be ended; the same. `actions` may be NULL.
int actors_root(cli_http *h, char **id, bool *actions);

/// A line of a tree.
typedef struct actors_line {
  const json_t *row; // borrowed
  unsigned depth;
  uint64_t rails; // bit n: at depth n a line goes on to a later one
  bool last;      // of its parent's
  size_t below;   // lines that hang below it here
  bool folded;    // and are not shown
} actors_line;
typedef bool actors_folded_fn(void *user, const char *id);
/// Rows as they stand in a tree, those whose parent is not among them at the top. `folded` may be NULL. Gives the number of
/// lines; they are the caller's.
size_t actors_lines(const json_t *rows, actors_folded_fn *folded, void *user, actors_line **out);
#endif
